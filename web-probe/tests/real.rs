//! Against real servers: SOGo behind nginx in several states, and Cyrus with JMAP. `cargo xtask test` starts the lab and
//! runs this.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use probe_core::{Context, FailureKind, Probe, Report, Target, Thresholds, Verdict};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{self, Tls};
use serde_json::Value;
use web_probe::jmap::{self, JmapFacts};
use web_probe::{JmapProbe, Login, Options, Product, WebmailFacts, WebmailProbe};

/// What the lab says of itself.
fn lab() -> &'static Value {
    static LAB: OnceLock<Value> = OnceLock::new();
    LAB.get_or_init(|| {
        let folder = std::env::var("MAILPROBE_LAB").expect("run by `cargo xtask test`");
        let text = fs::read(PathBuf::from(folder).join("lab.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn net() -> Net {
    let mut roots = rustls::RootCertStore::empty();
    tls::add_ca_file(&mut roots, text(&lab()["ca"]).as_ref()).unwrap();
    Net::new(Tls::ring(roots))
}

/// Where a listener is, and its name.
fn place(listener: &str) -> (Target, probe_core::HostName) {
    let listener = &lab()["listeners"][listener];
    let address: std::net::IpAddr = text(&listener["address"]).parse().unwrap();
    let port = listener["port"].as_u64().unwrap().try_into().unwrap();
    (
        Target::host(address, port),
        text(&listener["name"]).parse().unwrap(),
    )
}

async fn look(listener: &str, options: impl Fn(Options) -> Options) -> Report<WebmailFacts> {
    let (target, name) = place(listener);
    let probe = options(WebmailProbe::builder(net()).server_name(name));
    probe
        .build()
        .unwrap()
        .probe(&target, &Context::default())
        .await
}

async fn ask(options: impl Fn(jmap::Options) -> jmap::Options) -> Report<JmapFacts> {
    let (target, name) = place("jmap");
    let probe = options(JmapProbe::builder(net()).server_name(name));
    probe
        .build()
        .unwrap()
        .probe(&target, &Context::default())
        .await
}

fn codes<F>(report: &Report<F>) -> Vec<&'static str> {
    report
        .findings
        .iter()
        .map(probe_core::Finding::code)
        .collect()
}

#[tokio::test]
async fn the_login_page_of_sogo_is_found_behind_its_proxy() {
    let report = look("eas-good", |options| options.expect(Product::Sogo)).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert_eq!(report.facts.hops.len(), 1);
    let page = report.facts.page.as_ref().unwrap();
    assert_eq!(page.product, Some(Product::Sogo));
    assert!(matches!(page.login, Login::Form(_)));
    assert_eq!(codes(&report), ["web.hsts.missing", "web.version"]);
}

#[tokio::test]
async fn each_state_of_a_webmail_is_told_as_what_it_is() {
    let soon = Thresholds::new(Some("1".parse().unwrap()), None);
    for (listener, path, first) in [
        ("eas-gone", "/SOGo/", "web.status.back-end"),
        ("eas-expired", "/SOGo/", "tls.certificate.expired"),
        ("eas-slow", "/SOGo/", "web.slow"),
        ("exchange-good", "/owa/", "web.status.refused"),
    ] {
        let report = look(listener, |options| options.path(path).first_byte(soon)).await;
        assert_eq!(codes(&report)[0], first, "{report:?}");
    }
    // What Exchange says of a service is a page with this text.
    let well = |options: Options| options.path("/owa/healthcheck.htm").contains("200 OK<br/>");
    let report = look("exchange-good", well).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    let well = |options: Options| options.path("/ews/healthcheck.htm").contains("200 OK<br/>");
    let report = look("exchange-ews-down", well).await;
    assert_eq!(codes(&report)[0], "web.status.back-end", "{report:?}");
}

#[tokio::test]
async fn cyrus_shows_a_session_and_its_mailboxes_to_whoever_knows_the_password() {
    let user = &lab()["users"]["alice"];
    let alice = Credentials::password("alice", text(&user["password"])).unwrap();
    let report = ask(|options| options.credentials(alice.clone()).mailboxes(true)).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert_eq!(codes(&report), ["jmap.api.relative"]);
    let session = report.facts.session().unwrap();
    assert!(session.can("urn:ietf:params:jmap:mail"));
    let mailboxes = report.facts.mailboxes.as_ref().unwrap().as_ref().unwrap();
    let inbox = mailboxes
        .kept
        .iter()
        .find(|one| one.role.as_deref() == Some("inbox"));
    assert_eq!(inbox.unwrap().total, Some(1));

    let wrong = Credentials::password("alice", "looking-glass").unwrap();
    let report = ask(|options| options.credentials(wrong.clone())).await;
    assert_eq!(report.failure.unwrap().kind, FailureKind::Credentials);
}

#[tokio::test]
async fn cyrus_asks_a_stranger_who_asks() {
    let report = ask(|options| options).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert_eq!(report.facts.status, Some(401));
    assert!(report.facts.challenges.iter().any(|one| one.is("Basic")));
}
