//! Against real nsd and unbound: a root, a zone below it, and domains with each fault of a zone, some of whose servers are
//! not there. `cargo xtask test` starts the lab and runs this.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests"
)]

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use mx_check::registration::{self, Lifecycle, State};
use mx_check::{
    CacheHealth, DomainProbe, MxFacts, MxKind, MxProbe, Options, ParentSays, Passing, PolicyProbe,
    RegistrationProbe, ServerState,
};
use probe_core::{Context, Facts, Probe, Report, Severity, Verdict};
use probe_net::Net;
use probe_net::dns::{Kind, Pace, Question, Resolver, RootHints, Trust, TrustAnchors};
use probe_net::tls::{self, Tls};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(std::env::var("MAILPROBE_LAB").expect("run by `cargo xtask test`"))
}

/// What the lab says of itself.
fn lab() -> &'static Value {
    static LAB: OnceLock<Value> = OnceLock::new();
    LAB.get_or_init(|| {
        let text = fs::read(folder().join("lab.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    })
}

fn server(name: &str) -> SocketAddr {
    let address = lab()["listeners"][name]["address"].as_str().unwrap();
    SocketAddr::new(address.parse().unwrap(), 53)
}

fn resolver() -> Resolver {
    let mut pace = Pace::default();
    pace.patience = Duration::from_millis(1500);
    Resolver::new([server("unbound-cache")]).with_pace(pace)
}

/// The zone above the signed ones is not signed itself.
fn anchors() -> TrustAnchors {
    let file = lab()["trust_anchors"].as_str().unwrap();
    TrustAnchors::read(Path::new(file)).unwrap()
}

fn options() -> Options {
    let root = server("nsd-root").ip();
    let hints = RootHints::parse(&format!("a.root.test. 60 A {root}")).unwrap();
    MxProbe::builder(resolver())
        .roots(hints)
        .trust_anchors(anchors())
        .local_is_fine(true)
}

async fn ask(options: Options, domain: &str) -> Report<MxFacts> {
    let cx = Context::default().with_budget(Duration::from_secs(8));
    let probe = options.build().unwrap();
    probe.probe(&domain.parse().unwrap(), &cx).await
}

/// What is wrong with a domain, infos aside, and what is told of it first.
fn told<F: Facts>(report: &Report<F>) -> Vec<&'static str> {
    let findings = report.findings.iter();
    let wrong = findings.filter(|one| one.severity > Severity::Info);
    wrong.map(|one| one.code()).collect()
}

#[tokio::test]
async fn a_domain_that_is_well_is_told_with_who_says_so() {
    let report = ask(options(), "well.test").await;
    assert_eq!((report.verdict(), told(&report)), (Verdict::Ok, vec![]));
    let facts = &report.facts;
    assert_eq!(
        facts.delegation.parent.as_ref().unwrap().to_string(),
        "test"
    );
    assert_eq!(facts.delegation.parents.len(), 1);
    assert_eq!(facts.delegation.is_signed, Some(false));
    let servers: Vec<_> = facts
        .delegation
        .servers
        .iter()
        .map(|one| one.address.ip().to_string())
        .collect();
    assert_eq!(servers, ["127.88.0.75", "127.88.0.78"]);
    assert!(
        facts
            .delegation
            .servers
            .iter()
            .all(|one| one.state == ServerState::Well)
    );
    assert_eq!(facts.exchange.kind, MxKind::Hosts);
    assert_eq!(
        facts.exchange.hosts[0].name,
        "good.lab.test".parse().unwrap()
    );
    assert_eq!(
        facts.exchange.hosts[0].addresses[0].address.to_string(),
        "127.88.0.10"
    );
    assert_eq!(facts.caches[0].health, CacheHealth::Well);
    assert!(facts.clock.is_none());
}

#[tokio::test]
async fn a_domain_inside_of_another_zone_is_answered_for_by_that() {
    let report = ask(options(), "sub.well.test").await;
    assert_eq!((report.verdict(), told(&report)), (Verdict::Ok, vec![]));
    let delegation = &report.facts.delegation;
    assert_eq!(delegation.parent, Some("well.test".parse().unwrap()));
    assert_eq!(delegation.parent_says(), Some(&ParentSays::Inside));
    assert_eq!(delegation.well().count(), 2);
    assert_eq!(report.facts.exchange.kind, MxKind::Hosts);
    // What is not there is gone, wherever it was.
    let report = ask(options(), "never.well.test").await;
    assert_eq!(told(&report)[0], "delegation.gone");
}

#[tokio::test]
async fn each_fault_of_a_zone_is_told_as_what_it_is() {
    for (domain, expected) in [
        ("null.test", vec![]),
        ("null-mixed.test", vec!["mx.null.mixed"]),
        ("implicit.test", vec!["mx.implicit"]),
        ("nothing.test", vec!["mx.none"]),
        ("alias.test", vec!["mx.alias"]),
        (
            "alias-loop.test",
            vec!["mx.none", "mx.alias", "mx.no-address"],
        ),
        (
            "literal.test",
            vec!["mx.none", "mx.literal", "mx.no-address"],
        ),
        ("bogon.test", vec!["mx.none", "mx.bogon"]),
        ("bogon-mixed.test", vec!["mx.bogon"]),
        ("takeover.test", vec!["mx.takeover", "mx.none"]),
        ("no-address.test", vec!["mx.none", "mx.no-address"]),
        (
            "doubled.test",
            vec!["mx.none", "mx.doubled", "mx.no-address"],
        ),
        ("duplicate.test", vec![]),
        ("validation.test", vec![]),
        (
            "drift.test",
            vec!["delegation.spf-differs", "mx.inconsistent"],
        ),
        ("signed.test", vec![]),
        ("signature-soon.test", vec!["dnssec.signature-expiring"]),
        (
            "signature-over.test",
            vec!["dnssec.signature-expired", "dnssec.bogus"],
        ),
        (
            "left-behind.test",
            vec!["dnssec.left-behind", "dnssec.bogus"],
        ),
        ("glue-differs.test", vec!["delegation.glue-differs"]),
        // rbldnsd speaks no TCP, and has neither SOA nor NS of its own.
        (
            "bl01.rbl.test",
            vec!["mx.none", "delegation.no-tcp", "delegation.expire-short"],
        ),
        ("loop-a.test", vec!["delegation.all-lame"]),
        ("lame.test", vec!["delegation.all-lame"]),
        ("upward.test", vec!["delegation.all-lame"]),
    ] {
        let report = ask(options(), domain).await;
        // Of a zone with one server more is told, and nothing of that is the point here.
        let mut codes = told(&report);
        codes.retain(|code| *code != "delegation.one-server");
        assert_eq!(codes, expected, "{domain}");
    }
}

#[tokio::test]
async fn the_link_that_does_not_hold_is_named() {
    let report = ask(options(), "signature-over.test").await;
    let mut bogus = report.findings.iter();
    let bogus = bogus.find(|one| one.code() == "dnssec.bogus").unwrap();
    let expected = "signature-over.test: the signature over signature-over.test DNSKEY expired at ";
    assert!(bogus.evidence.starts_with(expected), "{}", bogus.evidence);
    // The resolver checks signatures too, and comes to the same.
    let found_by = format!("; found by {}", server("unbound-cache"));
    assert!(bogus.evidence.ends_with(&found_by), "{}", bogus.evidence);
}

#[tokio::test]
async fn what_is_only_odd_is_told_too() {
    let infos = |report: &Report<MxFacts>| -> Vec<_> {
        let findings = report
            .findings
            .iter()
            .filter(|one| one.severity == Severity::Info);
        findings.map(|one| one.code()).collect()
    };
    let report = ask(options(), "duplicate.test").await;
    assert_eq!(infos(&report), ["mx.reverse", "mx.duplicate", "mx.no-ipv6"]);
    let report = ask(options(), "validation.test").await;
    assert_eq!(
        infos(&report),
        ["mx.reverse", "mx.validation", "mx.no-ipv6"]
    );
    let report = ask(options(), "null.test").await;
    assert_eq!(infos(&report), ["mx.null"]);
    let report = ask(options(), "drift.test").await;
    assert!(infos(&report).contains(&"delegation.serials-differ"));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_beside_the_one_that_is() {
    let report = ask(options(), "half.test").await;
    let lame = report
        .findings
        .iter()
        .find(|one| one.code() == "delegation.lame");
    let told = "ns1.half.test (127.88.0.74) nobody listens at 127.88.0.74:53";
    assert_eq!(lame.unwrap().evidence, told);
    assert_eq!(report.facts.delegation.well().count(), 1);
}

#[tokio::test]
async fn hosts_that_were_not_expected_are_critical() {
    let expected = || options().expected(["good.lab.test".parse().unwrap()]);
    let report = ask(expected(), "well.test").await;
    assert_eq!(report.verdict(), Verdict::Ok);
    let report = ask(expected(), "expired.test").await;
    assert_eq!(told(&report), ["mx.unexpected"]);
    let evidence = "expired.lab.test is new, good.lab.test is missing";
    assert_eq!(report.findings[0].evidence, evidence);
}

#[tokio::test]
async fn without_a_walk_resolvers_say_what_they_know() {
    let report = ask(options().without_roots(), "well.test").await;
    assert_eq!(report.verdict(), Verdict::Ok);
    assert_eq!(report.facts.exchange.kind, MxKind::Hosts);
    assert!(report.facts.delegation.parents.is_empty());
    assert!(report.facts.delegation.servers.is_empty());
    assert_eq!(
        report.facts.exchange.source.as_deref(),
        Some("the resolver 127.88.0.77:53")
    );
}

#[tokio::test]
async fn a_resolver_that_is_none_counts_for_nothing() {
    // It refuses whatever is not its own.
    let options = options().caches([server("nsd-leaf"), server("unbound-cache")]);
    let report = ask(options, "well.test").await;
    assert_eq!(report.verdict(), Verdict::Ok);
    let ill = report
        .findings
        .iter()
        .find(|one| one.code() == "resolver.ill");
    assert_eq!(ill.unwrap().evidence, "127.88.0.75:53: REFUSED");
}

fn net() -> Net {
    let mut roots = rustls::RootCertStore::empty();
    tls::add_ca_file(&mut roots, lab()["ca"].as_str().unwrap().as_ref()).unwrap();
    Net::new(Tls::ring(roots)).with_resolver(resolver())
}

async fn policy(domain: &str) -> Vec<&'static str> {
    let probe = PolicyProbe::new(resolver()).fetching(net());
    let probe = probe
        .with_selectors(["s1"])
        .with_senders(["127.88.0.10".parse().unwrap()]);
    told(
        &probe
            .probe(&domain.parse().unwrap(), &Context::default())
            .await,
    )
}

#[tokio::test]
async fn what_a_domain_publishes_is_judged_with_the_policy_that_a_web_server_has() {
    for (domain, expected) in [
        ("well.test", vec![]),
        (
            "mismatch.test",
            vec!["mta-sts.mx-mismatch", "dmarc.missing"],
        ),
        ("spf-twice.test", vec!["spf.multiple", "dmarc.missing"]),
        ("spf-loop.test", vec!["spf.loop", "dmarc.missing"]),
        (
            "spf-many.test",
            vec!["spf.lookups-exceeded", "dmarc.missing"],
        ),
        ("spf-open.test", vec!["spf.pass-all"]),
    ] {
        let mut codes = policy(domain).await;
        // The key and the address are those of one of them.
        codes.retain(|code| !matches!(*code, "dkim.missing" | "spf.own-host"));
        assert_eq!(codes, expected, "{domain}");
    }
}

/// What the registry of the lab says.
async fn registration(
    domain: &str,
    asks_rdap: bool,
) -> Report<Option<registration::RegistrationFacts>> {
    let options = registration::Options::default().asking_iana(false);
    let options = match asks_rdap {
        true => options.with_rdap("https://rdap.lab.test/".parse().unwrap()),
        false => options,
    };
    let whois: probe_core::Host = "whois.lab.test"
        .parse::<probe_core::HostName>()
        .map(probe_core::Host::Name)
        .unwrap();
    let options = options.with_whois(whois);
    let probe = RegistrationProbe::new(net(), options);
    let cx = Context::default().with_budget(Duration::from_secs(8));
    probe.probe(&domain.parse().unwrap(), &cx).await
}

#[tokio::test]
async fn a_registry_is_asked_over_rdap_and_whois() {
    for (domain, expected) in [
        ("well.test", vec![]),
        ("moved.test", vec![]),
        ("held.test", vec!["registration.hold"]),
        ("over.test", vec!["registration.expired"]),
        ("renewed.test", vec!["registration.auto-renew-period"]),
        ("redeemable.test", vec!["registration.redemption"]),
        ("never-registered.test", vec!["registration.not-found"]),
        ("whois-only.test", vec![]),
    ] {
        let report = registration(domain, true).await;
        assert_eq!(told(&report), expected, "{domain}: {report:?}");
    }
    let of = async |domain| registration(domain, true).await.facts.unwrap();
    let facts = of("well.test").await;
    assert!(matches!(
        facts.lifecycle(SystemTime::now(), facts.soon),
        Some(Lifecycle::Active)
    ));
    assert!(matches!(
        of("asked-too-often.test").await.state,
        State::TooOften(Some(_))
    ));
    // A date is no duty of a registry.
    let facts = of("no-date.test").await;
    assert_eq!(
        (facts.state.as_str(), facts.expires()),
        ("not-published", None)
    );
}

#[tokio::test]
async fn all_that_is_known_of_a_domain_stands_in_one_report() {
    let registry = registration::Options::default()
        .asking_iana(false)
        .asking_whois(false)
        .with_rdap("https://rdap.lab.test/".parse().unwrap());
    let probe = DomainProbe::new(options().build().unwrap())
        .with_policy(PolicyProbe::new(resolver()).fetching(net()))
        .with_registration(RegistrationProbe::new(net(), registry));
    let ask = async |domain: &str| {
        probe
            .probe(&domain.parse().unwrap(), &Context::default())
            .await
    };
    let report = ask("well.test").await;
    let parts: Vec<_> = report.parts.iter().map(|part| part.probe).collect();
    assert_eq!(parts, ["mx", "policy", "registration"]);
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    // The registry has other servers of it than its own zone says, since it is the same registry for all.
    let report = ask("held.test").await;
    assert_eq!(report.verdict(), Verdict::Critical);
    assert!(
        report.headline().contains("held.test"),
        "{}",
        report.headline()
    );
}

/// Takes the delegation of a domain away, as a registry does, until it is dropped.
struct Vanished {
    zone: PathBuf,
    before: String,
}

impl Vanished {
    fn new(domain: &str) -> Self {
        let zone = folder().join("nsd").join("test.zone");
        let before = fs::read_to_string(&zone).unwrap();
        let lines = before.lines().filter(|line| !line.contains(domain));
        let without: Vec<_> = lines.collect();
        fs::write(&zone, without.join("\n") + "\n").unwrap();
        reload();
        Self { zone, before }
    }
}

impl Drop for Vanished {
    fn drop(&mut self) {
        fs::write(&self.zone, &self.before).unwrap();
        reload();
    }
}

/// Has nsd read its zones again.
fn reload() {
    let main = folder().join("nsd").join("nsd.conf");
    let mut is_told = false;
    for process in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        let words: Vec<_> = line.split(|byte| *byte == 0).collect();
        let is_nsd = words.first().is_some_and(|word| word.ends_with(b"nsd"));
        if is_nsd
            && words
                .iter()
                .any(|word| Path::new(std::str::from_utf8(word).unwrap_or_default()) == main)
        {
            let id = process.file_name().into_string().unwrap();
            let status = std::process::Command::new("kill")
                .args(["-HUP", &id])
                .status();
            // Its children come and go with each reload.
            is_told |= status.unwrap().success();
        }
    }
    assert!(is_told, "there is no nsd");
}

async fn has_mail(resolver: &Resolver) -> bool {
    let question = Question::new("vanishing.test".parse().unwrap(), Kind::MX);
    let answer = resolver.ask(question).await;
    answer.is_ok_and(|answer| answer.records().next().is_some())
}

#[tokio::test]
async fn when_the_registry_drops_a_domain_it_is_told_when_mail_stops_and_then_it_does() {
    let resolver = resolver();
    // What another run took away is remembered for as long as the zone above says.
    let begun = SystemTime::now();
    while !has_mail(&resolver).await {
        assert!(
            begun.elapsed().unwrap() < Duration::from_secs(70),
            "it is not there"
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let _vanished = Vanished::new("vanishing.test");
    let parent = Resolver::new([server("nsd")]);
    let question = Question::new("vanishing.test".parse().unwrap(), Kind::NS);
    // Until it has read the zone.
    while parent
        .ask(question.clone())
        .await
        .unwrap()
        .rcode
        .to_string()
        != "NXDOMAIN"
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let report = ask(options(), "vanishing.test").await;
    assert_eq!(told(&report)[..2], ["caches.only", "delegation.gone"]);
    let clock = report.facts.clock.unwrap();
    assert_eq!(clock.caches, 1);
    let held = report.facts.caches[0].exchanges.as_ref().unwrap();
    assert_eq!(held.passing(), Some(Passing::Counting));

    // Records of 12 s: it cannot take longer than both lives.
    let stopped = loop {
        let now = SystemTime::now();
        if !has_mail(&resolver).await {
            break now;
        }
        assert!(now < clock.latest + Duration::from_secs(1), "mail goes on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(
        stopped + Duration::from_secs(1) >= clock.earliest,
        "mail stopped earlier"
    );

    // And then nobody hides it any more.
    let report = ask(options(), "vanishing.test").await;
    assert_eq!(told(&report), ["delegation.gone"]);
    assert!(report.facts.clock.is_none());
}

#[tokio::test]
async fn what_a_host_says_of_its_certificate_counts_where_that_is_signed() {
    let report = ask(options(), "signed.test").await;
    let host = &report.facts.exchange.hosts[0];
    let tlsa = host.tlsa.as_ref().unwrap();
    assert!(tlsa.is_authentic);
    assert_eq!(tlsa.name, "_25._tcp.mx.signed.test".parse().unwrap());
    assert_eq!(host.dane().unwrap().records().len(), 1);
    assert_eq!(report.facts.trust, Some(Trust::Secure));
    assert_eq!(report.facts.delegation.is_signed, Some(true));

    let report = ask(options(), "well.test").await;
    assert_eq!(report.facts.exchange.hosts[0].tlsa, None);
}
