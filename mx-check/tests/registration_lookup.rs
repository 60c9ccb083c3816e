//! Looking up registrations at registries that say whatever comes to their minds.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod registry;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use mx_check::RegistrationProbe;
use mx_check::registration::{
    Bootstrap, Expiry, Options, RegistrationFacts, Source, State, judge, look_up,
};
use probe_core::{Context, HostName, Probe};
use probe_net::tls::Tls;
use probe_net::{Log, Net};
use probe_testkit::{Authority, Flaw, Identity, Say};

use registry::{Here, Server};

const REGISTRY: &str = "rdap.registry.test";
const REGISTRAR: &str = "rdap.registrar.test";

struct World {
    ca: Authority,
    identity: Identity,
}

impl World {
    fn new() -> Self {
        let ca = Authority::new("Test CA");
        let identity = ca.identity([REGISTRY, REGISTRAR]);
        Self { ca, identity }
    }

    async fn rdap(&self, answer: impl Fn(&str) -> Say + Send + Sync + 'static) -> Server {
        Server::rdap(&self.identity, answer).await
    }

    async fn ask(&self, domain: &str, options: &Options) -> RegistrationFacts {
        self.ask_within(Duration::from_secs(20), domain, options)
            .await
    }

    async fn ask_within(
        &self,
        budget: Duration,
        domain: &str,
        options: &Options,
    ) -> RegistrationFacts {
        let net = Net::new(Tls::ring(self.ca.roots())).with_resolver(Here);
        let domain: HostName = domain.parse().unwrap();
        let mut log = Log::begin(&Context::default().with_budget(budget));
        look_up(&net, &domain, options, &mut log).await
    }
}

fn corpus(path: &str) -> Vec<u8> {
    let path = format!("{}/tests/corpus/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn json(file: &str) -> Say {
    let head = "Content-Type: application/rdap+json\r\n";
    Say::page(200, head, corpus(&format!("rdap/{file}.json")))
}

/// A document whose link to the registrar leads to this machine.
fn related_to(file: &str, port: u16) -> Vec<u8> {
    let text = String::from_utf8(corpus(&format!("rdap/{file}.json"))).unwrap();
    let here = format!("{REGISTRAR}:{port}");
    let text = text.replace("rdap.registrar.example", &here);
    text.replace("rdap.elsewhere.example", &here).into_bytes()
}

fn base(host: &str, port: u16) -> probe_net::http::Url {
    format!("https://{host}:{port}/v1/").parse().unwrap()
}

fn options(port: u16) -> Options {
    Options::default()
        .with_rdap(base(REGISTRY, port))
        .asking_whois(false)
}

fn outcomes(facts: &RegistrationFacts) -> Vec<&str> {
    facts.asked.iter().map(|one| one.outcome.as_str()).collect()
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

#[tokio::test]
async fn the_registry_is_asked_for_the_domain_that_was_registered_and_a_redirect_is_followed() {
    let world = World::new();
    let server = world
        .rdap(|path| match path {
            "/v1/domain/example.org" => Say::page(302, "Location: /elsewhere\r\n", b""),
            "/elsewhere" => json("org-redemption"),
            other => panic!("{other}"),
        })
        .await;
    let facts = world
        .ask("mx1.mail.example.org", &options(server.port))
        .await;
    assert_eq!(facts.domain.as_str(), "example.org");
    let registration = facts.registration().unwrap();
    let Source::Rdap { url, is_verified } = &registration.source else {
        panic!("{registration:?}");
    };
    assert_eq!(url.path_and_query(), "/elsewhere");
    assert!(is_verified);
    assert_eq!(registration.expiry, Expiry::Known(at(1_790_848_800)));
    assert_eq!(server.heard(), ["/v1/domain/example.org", "/elsewhere"]);
    assert_eq!(outcomes(&facts), ["knows it"]);
}

#[tokio::test]
async fn the_bootstrap_file_of_the_caller_leads_to_the_service() {
    let world = World::new();
    let server = world.rdap(|_| json("com-active")).await;
    let text = format!(
        r#"{{"services": [[["com"], ["https://{REGISTRY}:{}/v1"]]]}}"#,
        server.port
    );
    let options = Options::default()
        .with_bootstrap(Bootstrap::parse(&text).unwrap())
        .asking_whois(false);
    let facts = world.ask("example.com", &options).await;
    assert_eq!(server.heard()[0], "/v1/domain/example.com");
    assert!(facts.registration().is_some());
    let elsewhere = world.ask("example.net", &options).await;
    assert_eq!(elsewhere.state, State::NoService);
}

#[tokio::test]
async fn the_bootstrap_file_is_fetched_once_a_day_and_the_older_one_serves_until_then() {
    let world = World::new();
    let registry = world.rdap(|_| json("com-active")).await;
    let text = format!(
        r#"{{"services": [[["com"], ["https://{REGISTRY}:{}/v1"]]]}}"#,
        registry.port
    );
    let iana = world
        .rdap(move |_| Say::page(200, "", text.as_bytes()))
        .await;
    let net = || Net::new(Tls::ring(world.ca.roots())).with_resolver(Here);
    let ask = async |probe: &RegistrationProbe, domain: &str| {
        let (target, cx) = (domain.parse().unwrap(), Context::default());
        let report = probe.probe(&target, &cx).await;
        report.facts.unwrap().state
    };
    let options = Options::default().asking_whois(false);
    let fresh = options
        .clone()
        .with_bootstrap_from(base(REGISTRY, iana.port));
    let probe = RegistrationProbe::new(net(), fresh);
    assert!(matches!(ask(&probe, "example.com").await, State::Known(_)));
    // Of a name without a service nothing is kept, and the file is.
    assert_eq!(ask(&probe, "example.net").await, State::NoService);
    assert_eq!(ask(&probe, "example.net").await, State::NoService);
    assert_eq!(iana.heard(), ["/v1/"]);

    let broken = world.rdap(|_| Say::page(503, "", b"")).await;
    let text = format!(
        r#"{{"services": [[["com"], ["https://{REGISTRY}:{}/v1"]]]}}"#,
        registry.port
    );
    let older = options.with_bootstrap(Bootstrap::parse(&text).unwrap());
    let fresh = older.with_bootstrap_from(base(REGISTRY, broken.port));
    let probe = RegistrationProbe::new(net(), fresh);
    assert!(matches!(ask(&probe, "example.com").await, State::Known(_)));
    assert_eq!(broken.heard().len(), 1);
}

#[tokio::test]
async fn the_registrar_is_asked_once_and_whatever_it_relates_to_is_not() {
    let world = World::new();
    let registrar = world
        .rdap(|_| Say::page(200, "", related_to("registrar", 1)))
        .await;
    let port = registrar.port;
    let registry = world
        .rdap(move |_| Say::page(200, "", related_to("com-auto-renew", port)))
        .await;
    let facts = world.ask("example.com", &options(registry.port)).await;
    let registration = facts.registration().unwrap();
    assert_eq!(registration.expiry, Expiry::Known(at(1_826_683_200)));
    assert_eq!(registration.registrar_expiry, Some(at(1_795_147_200)));
    assert_eq!(registry.heard(), ["/v1/domain/example.com"]);
    assert_eq!(registrar.heard(), ["/domain/EXAMPLE.COM"]);
    assert_eq!(outcomes(&facts), ["knows it", "knows it"]);
}

#[tokio::test]
async fn a_registrar_that_fails_or_speaks_of_another_domain_takes_nothing_away() {
    let world = World::new();
    let other = String::from_utf8(corpus("rdap/registrar.json")).unwrap();
    let other = other.replace("example.com", "example.net").into_bytes();
    for (status, outcome) in [
        (200, "it tells of example.net instead"),
        (500, "HTTP status 500"),
        (429, "was asked too often"),
    ] {
        let other = other.clone();
        let registrar = world.rdap(move |_| Say::page(status, "", &other)).await;
        let port = registrar.port;
        let registry = world
            .rdap(move |_| Say::page(200, "", related_to("com-active", port)))
            .await;
        let facts = world.ask("example.com", &options(registry.port)).await;
        let registration = facts.registration().unwrap();
        assert_eq!(registration.expiry, Expiry::Known(at(1_818_129_600)));
        assert_eq!(registration.registrar_expiry, None);
        assert_eq!(outcomes(&facts), ["knows it", outcome]);
    }
}

#[tokio::test]
async fn what_a_registry_refuses_is_told_apart() {
    let world = World::new();
    let hour = State::TooOften(Some(Duration::from_secs(3600)));
    let unreachable = |why: &str| State::Unreachable(why.to_owned());
    for (status, head, expected) in [
        (404, "", State::NotFound),
        (429, "Retry-After: 3600\r\n", hour),
        (
            429,
            "Retry-After: Thu, 01 Jan 1970 00:00:00 GMT\r\n",
            State::TooOften(Some(Duration::ZERO)),
        ),
        (429, "", State::TooOften(None)),
        (500, "", unreachable("HTTP status 500")),
        (
            302,
            "Location: http://rdap.registry.test/\r\n",
            unreachable("HTTP status 302"),
        ),
        (403, "", unreachable("HTTP status 403")),
    ] {
        let server = world.rdap(move |_| Say::page(status, head, b"")).await;
        let facts = world.ask("example.com", &options(server.port)).await;
        assert_eq!(facts.state, expected);
        assert_eq!(server.heard().len(), 1);
    }
}

#[tokio::test]
async fn redirects_that_never_end_are_left_alone() {
    let world = World::new();
    let server = world
        .rdap(|path| Say::page(302, &format!("Location: {path}x\r\n"), b""))
        .await;
    let facts = world.ask("example.com", &options(server.port)).await;
    assert_eq!(
        facts.state,
        State::Unreachable("HTTP status 302".to_owned())
    );
    assert_eq!(server.heard().len(), 6);
}

#[tokio::test]
async fn garbage_and_bodies_without_end_are_no_registration() {
    let world = World::new();
    let (least, most) = (512 * 1024, 512 * 1024 + 1);
    for (body, why) in [
        (b"<html>".to_vec(), "this is no JSON"),
        (vec![0xff; 64], "this is no JSON"),
        (vec![b'['; least], "this is no JSON"),
        (vec![b' '; most], "the body is larger than 524288 octets"),
        (b"{}".to_vec(), "this is no domain object"),
    ] {
        let server = world.rdap(move |_| Say::page(200, "", &body)).await;
        let facts = world.ask("example.com", &options(server.port)).await;
        let State::Unreachable(told) = &facts.state else {
            panic!("{:?}", facts.state);
        };
        assert!(told.starts_with(why), "{told}");
    }
}

#[tokio::test]
async fn whois_is_asked_where_rdap_does_not_answer() {
    let world = World::new();
    let rdap = world.rdap(|_| Say::page(500, "", b"")).await;
    let whois = Server::whois("127.0.0.1:0", |_| {
        Say::This(corpus("whois/com-verisign.txt"))
    })
    .await;
    let options = options(rdap.port)
        .asking_whois(true)
        .with_whois_port(whois.port);
    let facts = world.ask("example.com", &options).await;
    let registration = facts.registration().unwrap();
    assert_eq!(registration.expiry, Expiry::Known(at(1_818_129_600)));
    let server = "whois.verisign-grs.com".parse().unwrap();
    assert_eq!(registration.source, Source::Whois { server });
    assert_eq!(whois.heard(), ["domain example.com"]);
    assert_eq!(outcomes(&facts), ["HTTP status 500", "knows it"]);
}

#[tokio::test]
async fn whois_is_not_asked_again_for_what_rdap_has_denied() {
    let world = World::new();
    let whois = Server::whois("127.0.0.1:0", |_| {
        Say::This(corpus("whois/com-verisign.txt"))
    })
    .await;
    for status in [404, 429] {
        let rdap = world.rdap(move |_| Say::page(status, "", b"")).await;
        let options = options(rdap.port)
            .asking_whois(true)
            .with_whois_port(whois.port);
        assert!(
            world
                .ask("example.com", &options)
                .await
                .registration()
                .is_none()
        );
    }
    assert!(whois.heard().is_empty());
}

#[tokio::test]
async fn whois_adds_the_date_that_rdap_does_not_publish() {
    let world = World::new();
    let rdap = world.rdap(|_| json("fi-active")).await;
    let whois = Server::whois("127.0.0.1:0", |_| {
        Say::This(corpus("whois/fi-traficom.txt"))
    })
    .await;
    let options = options(rdap.port)
        .asking_whois(true)
        .with_whois_port(whois.port);
    let facts = world.ask("example.fi", &options).await;
    let registration = facts.registration().unwrap();
    assert_eq!(registration.expiry, Expiry::Known(at(1_819_670_400)));
    assert!(matches!(registration.source, Source::Rdap { .. }));
    // With the caller's date, nobody needs to be asked.
    let facts = world.ask("example.fi", &options.with_expiry(at(1))).await;
    assert_eq!(facts.registration().unwrap().expiry, Expiry::NotPublished);
    assert_eq!(whois.heard(), ["example.fi"]);
}

#[tokio::test]
async fn iana_is_asked_for_the_server_of_a_top_level_domain_that_is_not_known() {
    let world = World::new();
    let iana = Server::whois("127.0.0.2:0", |line| match line {
        "example" => Say::This(b"domain: EXAMPLE\n\nwhois: whois.nic.example\n".to_vec()),
        _ => Say::This(b"% This query returned 0 objects.\n".to_vec()),
    })
    .await;
    let at_port = format!("127.0.0.1:{}", iana.port);
    let whois = Server::whois(&at_port, |_| {
        Say::This(b"Domain: some.example\nStatus: free\n".to_vec())
    })
    .await;
    let options = Options::default().with_whois_port(iana.port);
    let facts = world.ask("some.example", &options).await;
    assert_eq!(facts.state, State::NotFound);
    assert_eq!(
        outcomes(&facts),
        ["refers to whois.nic.example", "does not know it"]
    );
    assert_eq!(whois.heard(), ["some.example"]);
    let facts = world.ask("some.invalid", &options).await;
    assert_eq!(facts.state, State::NoService);
    assert_eq!(iana.heard(), ["example", "invalid"]);
    let facts = world.ask("some.example", &options.asking_iana(false)).await;
    assert_eq!((facts.state, facts.asked.len()), (State::NoService, 0));
    assert_eq!(iana.heard().len(), 2);
}

#[tokio::test]
async fn a_whois_server_may_be_silent_endless_or_gone() {
    let world = World::new();
    let line = b"registrar: endless\n";
    let endless = move || Say::Hang(line.repeat(20_000));
    let server = Server::whois("127.0.0.1:0", move |_| endless()).await;
    let options = Options::default().with_whois(probe_core::Host::Address([127, 0, 0, 1].into()));
    let facts = world
        .ask(
            "some.example",
            &options.clone().with_whois_port(server.port),
        )
        .await;
    assert!(facts.registration().is_some());
    assert_eq!(
        outcomes(&facts),
        ["knows it; the answer is larger than any honest one"]
    );

    let server = Server::whois("127.0.0.1:0", |_| Say::This(Vec::new())).await;
    let facts = world
        .ask(
            "some.example",
            &options.clone().with_whois_port(server.port),
        )
        .await;
    let hung_up = "the server hung up without an answer".to_owned();
    assert_eq!(facts.state, State::Unreachable(hung_up));

    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = gone.local_addr().unwrap().port();
    drop(gone);
    let facts = world
        .ask("some.example", &options.with_whois_port(port))
        .await;
    assert!(matches!(facts.state, State::Unreachable(why) if why.contains("refused")));
}

#[tokio::test]
async fn silence_until_the_deadline_keeps_what_was_learned() {
    let world = World::new();
    let budget = Duration::from_millis(1200);
    // The registrar.
    let registrar = world.rdap(|_| Say::Hang(Vec::new())).await;
    let port = registrar.port;
    let registry = world
        .rdap(move |_| Say::page(200, "", related_to("com-active", port)))
        .await;
    let begun = Instant::now();
    let facts = world
        .ask_within(budget, "example.com", &options(registry.port))
        .await;
    assert!(begun.elapsed() < budget);
    assert_eq!(
        facts.registration().unwrap().expiry,
        Expiry::Known(at(1_818_129_600))
    );
    assert!(outcomes(&facts)[1].starts_with("nothing came within"));

    // The registry: half of the time is left for WHOIS.
    let registry = world.rdap(|_| Say::Hang(Vec::new())).await;
    let whois = Server::whois("127.0.0.1:0", |_| {
        Say::Hang(corpus("whois/com-verisign.txt"))
    })
    .await;
    let both = options(registry.port)
        .asking_whois(true)
        .with_whois_port(whois.port);
    let begun = Instant::now();
    let facts = world.ask_within(budget, "example.com", &both).await;
    assert!(begun.elapsed() < budget + Duration::from_millis(300));
    assert_eq!(
        facts.registration().unwrap().expiry,
        Expiry::Known(at(1_818_129_600))
    );
    assert_eq!(
        outcomes(&facts)[1],
        "knows it; the answer did not come to its end in time"
    );

    // Whoever could have told the date.
    let rdap = world.rdap(|_| json("fi-active")).await;
    let silent = Server::whois("127.0.0.1:0", |_| Say::Hang(Vec::new())).await;
    let dated = options(rdap.port)
        .asking_whois(true)
        .with_whois_port(silent.port);
    let facts = world.ask_within(budget, "example.fi", &dated).await;
    assert_eq!(facts.registration().unwrap().expiry, Expiry::NotPublished);
    assert!(outcomes(&facts)[1].starts_with("nothing came within"));

    // Everybody.
    let whois = Server::whois("127.0.0.1:0", |_| Say::Hang(Vec::new())).await;
    let both = options(registry.port)
        .asking_whois(true)
        .with_whois_port(whois.port);
    let facts = world.ask_within(budget, "example.com", &both).await;
    assert!(matches!(facts.state, State::Unreachable(_)));
    assert_eq!(facts.asked.len(), 2);
}

#[tokio::test]
async fn a_server_that_does_not_prove_who_it_is_is_heard_and_said_so() {
    let world = World::new();
    let flawed = world.ca.flawed([REGISTRY], Flaw::Expired);
    let server = Server::rdap(&flawed, |_| json("com-expired")).await;
    let facts = world.ask("example.com", &options(server.port)).await;
    let findings = judge(&facts, at(1_795_525_200), options(1).thresholds());
    let codes: Vec<_> = findings.iter().map(probe_core::Finding::code).collect();
    assert_eq!(codes, ["registration.expired", "registration.unverified"]);
}

#[tokio::test]
async fn of_two_addresses_of_a_service_the_second_answers_for_the_first() {
    let world = World::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let server = world
        .rdap(move |_| match count.fetch_add(1, Ordering::Relaxed) {
            0 => Say::page(503, "", b""),
            _ => json("com-active"),
        })
        .await;
    let url = base(REGISTRY, server.port);
    let text = format!(r#"{{"services": [[["com"], ["{url}a/", "{url}b/", "{url}c/"]]]}}"#);
    let options = Options::default()
        .with_bootstrap(Bootstrap::parse(&text).unwrap())
        .asking_whois(false);
    let facts = world.ask("example.com", &options).await;
    assert!(facts.registration().is_some());
    assert_eq!(
        server.heard(),
        ["/v1/a/domain/example.com", "/v1/b/domain/example.com"]
    );
}

#[tokio::test]
async fn nobody_is_asked_for_a_name_that_registries_give_names_away_beneath() {
    let world = World::new();
    let server = world.rdap(|_| Say::page(404, "", b"")).await;
    for name in ["org", "co.uk", "localhost"] {
        let facts = world.ask(name, &options(server.port)).await;
        assert_eq!(facts.state, State::NoService, "{name}");
    }
    assert_eq!(
        world.ask("github.io", &options(server.port)).await.state,
        State::NotFound
    );
    assert_eq!(server.heard(), ["/v1/domain/github.io"]);
}

#[tokio::test]
async fn an_answer_that_tells_of_another_domain_is_none() {
    let world = World::new();
    let rdap = world.rdap(|_| json("com-active")).await;
    let whois = Server::whois("127.0.0.1:0", |_| {
        Say::This(corpus("whois/com-verisign.txt"))
    })
    .await;
    let options = options(rdap.port)
        .asking_whois(true)
        .with_whois_port(whois.port);
    let facts = world.ask("example.net", &options).await;
    let why = "it tells of example.com instead; it tells of example.com instead".to_owned();
    assert_eq!(facts.state, State::Unreachable(why));
}

#[tokio::test]
async fn a_refusal_is_understood_however_large_the_page_around_it_is() {
    let world = World::new();
    let server = world
        .rdap(|_| Say::page(404, "", vec![b' '; 512 * 1024 + 1]))
        .await;
    let facts = world.ask("example.com", &options(server.port)).await;
    assert_eq!(facts.state, State::NotFound);
}
