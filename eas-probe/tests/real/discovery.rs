//! Where the domains of the lab have their ActiveSync: by SRV, by the name that devices guess, by a redirect in clear.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use eas_probe::discovery::{DiscoveryFacts, DiscoveryProbe, Options, Way};
use probe_core::{Context, Finding, Probe, Report};
use probe_net::Net;
use probe_net::dns::Resolver;
use probe_net::sasl::Credentials;
use probe_net::tls::{self, Tls};
use serde_json::Value;

const ENDPOINT: &str = "https://eas.lab.test/Microsoft-Server-ActiveSync";

/// What the lab says of itself.
fn lab() -> &'static Value {
    static LAB: OnceLock<Value> = OnceLock::new();
    LAB.get_or_init(|| {
        let folder = std::env::var("MAILPROBE_LAB").expect("run by `cargo xtask test`");
        let text = fs::read(PathBuf::from(folder).join("lab.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    })
}

fn options() -> Options {
    let mut roots = rustls::RootCertStore::empty();
    tls::add_ca_file(&mut roots, lab()["ca"].as_str().unwrap().as_ref()).unwrap();
    let resolver = lab()["listeners"]["unbound-cache"]["address"].as_str();
    let resolver = format!("{}:53", resolver.unwrap());
    let resolver = Resolver::new([resolver.parse().unwrap()]);
    let net = Net::new(Tls::ring(roots)).with_resolver(resolver.clone());
    DiscoveryProbe::builder(net).resolver(resolver)
}

fn alice() -> Credentials {
    let user = &lab()["users"]["alice"];
    let (name, password) = (user["name"].as_str(), user["password"].as_str());
    Credentials::password(name.unwrap(), password.unwrap()).unwrap()
}

async fn find(domain: &str, options: Options) -> Report<DiscoveryFacts> {
    let probe = options.build().unwrap();
    let report = probe
        .probe(&domain.parse().unwrap(), &Context::default())
        .await;
    let endpoint = report.facts.endpoint.as_ref().map(ToString::to_string);
    assert_eq!(endpoint.as_deref(), Some(ENDPOINT), "{report:?}");
    report
}

fn codes(report: &Report<DiscoveryFacts>) -> Vec<&'static str> {
    report.findings.iter().map(Finding::code).collect()
}

#[tokio::test]
async fn an_srv_record_leads_to_it_and_to_nobody_who_is_shown_a_password_unasked() {
    let host = "eas.lab.test".parse().unwrap();
    let report = find("lab.test", options().credentials(alice()).allow_host(host)).await;
    assert_eq!(
        (report.facts.found_by, report.facts.is_proven),
        (Some(Way::Srv), false)
    );
    let report = find_none("lab.test", options().credentials(alice())).await;
    let shown = report
        .facts
        .attempts
        .iter()
        .filter(|one| one.question.is_identified);
    assert!(shown.clone().all(|one| one.status.is_none()), "{report:?}");
}

/// The first version tells nothing there; ActiveSync is found all the same or not at all.
async fn find_none(domain: &str, options: Options) -> Report<DiscoveryFacts> {
    let probe = options.build().unwrap();
    let report = probe
        .probe(&domain.parse().unwrap(), &Context::default())
        .await;
    assert_ne!(report.facts.found_by, Some(Way::Srv), "{report:?}");
    report
}

#[tokio::test]
async fn the_name_that_devices_guess_answers_both_versions_alike() {
    let report = find("autodiscover.test", options().address("alice@lab.test")).await;
    assert_eq!(
        (report.facts.found_by, report.facts.is_proven),
        (Some(Way::V2), true)
    );
    let known = options().credentials(alice()).all_steps(true);
    let report = find("autodiscover.test", known).await;
    assert_eq!(
        (report.facts.found_by, report.facts.is_proven),
        (Some(Way::V1), true)
    );
    assert_eq!(
        report
            .facts
            .named_by(|way| way == Way::V2)
            .unwrap()
            .to_string(),
        ENDPOINT
    );
    assert_eq!(codes(&report), [""; 0], "{report:?}");
}

#[tokio::test]
async fn a_redirect_in_clear_is_told_to_be_one() {
    let host = "eas.lab.test".parse().unwrap();
    let report = find(
        "redirected.test",
        options().credentials(alice()).allow_host(host),
    )
    .await;
    assert_eq!(
        (report.facts.found_by, report.facts.is_proven),
        (Some(Way::Redirect), false)
    );
    assert_eq!(
        codes(&report),
        ["autodiscover.redirect.in-clear"],
        "{report:?}"
    );
}
