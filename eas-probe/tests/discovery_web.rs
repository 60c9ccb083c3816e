//! The search for ActiveSync over a network: scripted servers, whose words come as octets.

#![cfg(feature = "ring")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use core::net::{IpAddr, Ipv4Addr};
use core::pin::Pin;
use std::time::Duration;

use eas_probe::discovery::{DiscoveryFacts, DiscoveryProbe, Options, Outcome, Way};
use probe_core::{Context, FailureKind, Finding, HostName, Probe, Report};
use probe_net::sasl::Credentials;
use probe_net::tls::Tls;
use probe_net::{Net, Resolve, ResolveError};
use probe_testkit::{Authority, Say, Web, WebRequest};

const ENDPOINT: &str = "https://mail.example.org/Microsoft-Server-ActiveSync";

/// All of these hosts are here; there are no others.
struct Here(&'static [&'static str]);

impl Resolve for Here {
    fn resolve<'a>(
        &'a self,
        name: &'a HostName,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>> {
        let is_here = self.0.contains(&name.as_str());
        Box::pin(async move {
            match is_here {
                true => Ok(vec![Ipv4Addr::LOCALHOST.into()]),
                false => Err(ResolveError::new("there is no such name")),
            }
        })
    }
}

struct World {
    secure: Web,
    clear: Web,
    ca: Authority,
}

impl World {
    async fn new(
        secure: impl Fn(&WebRequest) -> Say + Send + Sync + 'static,
        certified: &[&str],
    ) -> Self {
        let ca = Authority::new("Test CA");
        let identity = ca.identity(certified.iter().copied());
        let secure = Web::tls(&identity, secure).await.unwrap();
        let port = secure.address().port();
        let to = format!("Location: https://example.net:{port}/a.xml\r\n");
        let clear = Web::clear(move |_| Say::page(302, &to, "")).await.unwrap();
        Self { secure, clear, ca }
    }

    fn options(&self, hosts: &'static [&'static str]) -> Options {
        let net = Net::new(Tls::ring(self.ca.roots())).with_resolver(Here(hosts));
        DiscoveryProbe::builder(net)
            .https_port(self.secure.address().port())
            .http_port(self.clear.address().port())
            .credentials(Credentials::password("alice@example.org", "wonder land").unwrap())
    }
}

async fn find(options: Options) -> Report<DiscoveryFacts> {
    let cx = Context::default().with_transcript();
    let probe = options.build().unwrap();
    probe.probe(&"example.org".parse().unwrap(), &cx).await
}

fn codes(report: &Report<DiscoveryFacts>) -> Vec<&'static str> {
    report.findings.iter().map(Finding::code).collect()
}

/// What a device gets from whoever knows the user.
fn told(request: &WebRequest) -> Say {
    let page = format!(
        "<Autodiscover><Response><Action><Settings><Server><Type>MobileSync</Type><Url>{ENDPOINT}</Url>\
        </Server></Settings></Action></Response></Autodiscover>"
    );
    match request.header("authorization") {
        _ if request.method() != "POST" => Say::page(404, "", ""),
        Some(_) => Say::page(200, "Content-Type: text/xml\r\n", page),
        None => Say::page(
            401,
            "WWW-Authenticate: Basic realm=\"Autodiscover\"\r\n",
            "",
        ),
    }
}

#[tokio::test]
async fn the_domain_is_shown_who_asks_and_tells_where_it_is() {
    let world = World::new(told, &["autodiscover.example.org"]).await;
    let report = find(world.options(&["autodiscover.example.org"])).await;
    assert_eq!(codes(&report), [""; 0], "{report:?}");
    let facts = &report.facts;
    assert_eq!(facts.endpoint.as_ref().unwrap().to_string(), ENDPOINT);
    assert_eq!((facts.found_by, facts.is_proven), (Some(Way::V1), true));
    assert!(facts.attempts[1].time > Duration::ZERO);
    let heard = world.secure.heard();
    assert_eq!(heard[0].method(), "POST");
    let body = String::from_utf8(heard[0].body.clone()).unwrap();
    assert!(
        body.contains("<EMailAddress>alice@example.org</EMailAddress>"),
        "{body}"
    );
    let shown = format!("{report:?}");
    assert!(!shown.contains("wonder land") && !shown.contains("d29uZGVyIGxhbmQ"));
}

#[tokio::test]
async fn nothing_secret_goes_where_a_redirect_in_clear_leads() {
    let world = World::new(told, &["example.net"]).await;
    let hosts: &[_] = &["autodiscover.example.org", "example.net"];
    let report = find(world.options(hosts)).await;
    assert_eq!(report.facts.endpoint, None);
    assert_eq!(
        codes(&report),
        ["autodiscover.untrusted", "autodiscover.wants-credentials"]
    );
    let heard = [world.secure.heard(), world.clear.heard()].concat();
    assert!(heard.iter().any(|request| request.target() == "/a.xml"));
    assert!(
        heard
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
    let allowing = world
        .options(hosts)
        .allow_host("example.net".parse().unwrap());
    let report = find(allowing).await;
    assert_eq!(report.facts.found_by, Some(Way::Redirect));
    assert!(!report.facts.is_proven);
    assert!(codes(&report).contains(&"autodiscover.redirect.in-clear"));
}

#[tokio::test]
async fn a_certificate_for_another_name_keeps_the_credentials_back() {
    let world = World::new(told, &["other.example"]).await;
    let report = find(world.options(&["example.org"])).await;
    let attempts = &report.facts.attempts;
    assert!(
        matches!(&attempts[0].outcome, Outcome::Failed(why) if why.kind == FailureKind::Withheld)
    );
    let heard = world.secure.heard();
    assert!(
        heard
            .iter()
            .all(|request| request.header("authorization").is_none())
    );
    let certificate = report
        .findings
        .iter()
        .find(|one| one.code() == "autodiscover.untrusted");
    let evidence = &certificate.unwrap().evidence;
    assert_eq!(evidence, "example.org: the certificate is for another name");
}

#[tokio::test]
async fn a_page_beyond_the_limit_is_no_answer() {
    let page = |octets: usize| {
        move |request: &WebRequest| match request.method() {
            "POST" => Say::page(200, "", vec![b' '; octets]),
            _ => Say::page(404, "", ""),
        }
    };
    for (octets, is_read) in [(64 * 1024, true), (64 * 1024 + 1, false)] {
        let world = World::new(page(octets), &["example.org"]).await;
        let report = find(world.options(&["example.org"])).await;
        let outcome = &report.facts.attempts[0].outcome;
        assert_eq!(matches!(outcome, Outcome::Other(_)), is_read, "{outcome:?}");
        let is_too_large =
            matches!(outcome, Outcome::Failed(why) if why.kind == FailureKind::TooLarge);
        assert_eq!(is_too_large, !is_read, "{outcome:?}");
    }
}

#[tokio::test]
async fn an_address_has_no_autodiscover() {
    let world = World::new(told, &["example.org"]).await;
    let probe = world.options(&[]).build().unwrap();
    let report = probe
        .probe(&"192.0.2.1".parse().unwrap(), &Context::default())
        .await;
    assert_eq!(report.failure.unwrap().kind, FailureKind::Local);
    assert!(world.secure.heard().is_empty());
}
