//! Which question follows on which answer, and what comes of it; asked of resolvers alone.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use std::time::Duration;

use common::{Says, World, ask, codes, usual};
use mx_check::{ConfigError, MxKind, MxProbe, MxState};
use probe_core::{Context, FailureKind, Probe, Verdict};
use probe_net::dns::Resolver;

/// A domain whose mail goes to one host, which has an address of the Internet.
fn well(name: &str, kind: &str) -> Says {
    match (name, kind) {
        ("example.test", "MX") => Says::Records(vec![("example.test", "MX", "10 mx.example.test")]),
        ("example.test", "NS") => Says::Records(vec![("example.test", "NS", "ns.example.test")]),
        ("mx.example.test", "A") => Says::Records(vec![("mx.example.test", "A", "198.41.0.4")]),
        ("mx.example.test", "AAAA") => {
            Says::Records(vec![("mx.example.test", "AAAA", "2001:503:ba3e::2:30")])
        }
        ("4.0.41.198.in-addr.arpa", "PTR") => {
            Says::Records(vec![("4.0.41.198.in-addr.arpa", "PTR", "mx.example.test")])
        }
        (name, "PTR") if name.ends_with("ip6.arpa") => Says::NoData,
        _ => usual(name, kind),
    }
}

#[tokio::test]
async fn where_mail_goes_is_found_by_a_resolver_and_looked_at_from_both_sides() {
    let world = World::new(|name, kind, _| well(name, kind)).await;
    let report = ask(&[&world], "Example.test").await;
    assert_eq!(
        (report.verdict(), codes(&report)),
        (Verdict::Ok, vec!["mx.reverse"])
    );
    let host = &report.facts.exchange.hosts[0];
    assert_eq!((host.preference, &host.state), (10, &MxState::Found));
    let confirmed: Vec<_> = host.addresses.iter().map(|one| one.is_confirmed).collect();
    assert_eq!(confirmed, [Some(true), Some(false)]);
    let asked = world.asked();
    for question in [
        " NS",
        "example.test MX",
        "example.test NS",
        "mx.example.test A",
        "mx.example.test AAAA",
    ] {
        assert!(
            asked.contains(&question.to_owned()),
            "{question}: {asked:?}"
        );
    }
    let json = report.to_json();
    assert!(json.contains(r#""mx":{"kind":"hosts""#), "{json}");
}

#[tokio::test]
async fn a_resolver_that_invents_names_counts_for_nothing() {
    let liar = World::new(|name, kind, _| match (name, kind) {
        (name, "A") if name.ends_with(".invalid") => Says::Invented("192.0.2.80"),
        ("example.test", "MX") => Says::Records(vec![("example.test", "MX", "10 elsewhere.test")]),
        _ => well(name, kind),
    })
    .await;
    let honest = World::new(|name, kind, _| well(name, kind)).await;
    let report = ask(&[&honest, &liar], "example.test").await;
    assert_eq!(report.verdict(), Verdict::Ok);
    assert_eq!(codes(&report), ["mx.reverse", "resolver.ill"]);
    assert!(
        report
            .findings
            .iter()
            .any(|one| one.evidence.starts_with(&liar.address.to_string()))
    );
}

#[tokio::test]
async fn wrong_signatures_are_told_from_a_server_that_is_away() {
    let validating = World::new(|name, kind, is_unchecked| match (name, kind) {
        ("example.test", "MX") if !is_unchecked => Says::Code(2),
        _ => well(name, kind),
    })
    .await;
    let other = World::new(|name, kind, _| well(name, kind)).await;
    let report = ask(&[&other, &validating], "example.test").await;
    assert_eq!(codes(&report), ["dnssec.bogus", "mx.reverse"]);
    assert_eq!(report.findings[0].evidence, validating.address.to_string());
    assert!(
        validating
            .asked()
            .contains(&"example.test MX CD".to_owned())
    );
    let asked = other.asked();
    let unchecked = asked.iter().filter(|asked| *asked == "example.test MX CD");
    // To follow the chain of signatures, where that is done; never a second time.
    assert!(unchecked.count() <= 1, "{asked:?}");

    let away = World::new(|name, kind, _| match name {
        "example.test" => Says::Code(2),
        _ => well(name, kind),
    })
    .await;
    let report = ask(&[&away], "example.test").await;
    assert!(!codes(&report).contains(&"dnssec.bogus"));
    // Nobody knows, so nothing is said of the domain.
    assert_eq!(report.facts.exchange.kind, MxKind::Unknown);
    assert_eq!(report.failure.as_ref().unwrap().kind, FailureKind::Local);
    assert_eq!(report.verdict(), Verdict::Unknown);
}

#[tokio::test]
async fn a_host_of_a_domain_that_nobody_has_is_there_for_the_taking() {
    let world = World::new(|name, kind, _| match (name, kind) {
        ("example.test", "MX") => Says::Records(vec![
            ("example.test", "MX", "10 mx.gone.example"),
            ("example.test", "MX", "20 old.kept.example"),
        ]),
        ("kept.example", "NS") => Says::Records(vec![("kept.example", "NS", "ns.kept.example")]),
        _ => usual(name, kind),
    })
    .await;
    let report = ask(&[&world], "example.test").await;
    assert_eq!(codes(&report), ["mx.takeover", "mx.none", "mx.no-address"]);
    let told: Vec<_> = report
        .findings
        .iter()
        .map(|one| one.evidence.as_str())
        .collect();
    assert!(told.contains(&"10 mx.gone.example"), "{told:?}");
    assert!(
        told.contains(&"20 old.kept.example: there is no such name"),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_host_that_nobody_can_look_up_is_not_called_missing() {
    let world = World::new(|name, kind, _| match name {
        "mx.example.test" => Says::Code(2),
        _ => well(name, kind),
    })
    .await;
    let report = ask(&[&world], "example.test").await;
    assert_eq!(codes(&report), ["mx.not-found"]);
    assert_eq!(report.verdict(), Verdict::Warning);
}

#[tokio::test]
async fn a_deadline_keeps_what_came_before_it() {
    let world = World::new(|name, kind, _| match (name, kind) {
        (_, "A" | "AAAA") => Says::Silence,
        _ => well(name, kind),
    })
    .await;
    let probe = MxProbe::builder(Resolver::new([world.address]))
        .without_roots()
        .build()
        .unwrap();
    let cx = Context::default().with_budget(Duration::from_millis(400));
    let report = probe.probe(&"example.test".parse().unwrap(), &cx).await;
    assert_eq!(report.facts.exchange.kind, MxKind::Hosts);
    assert_eq!(
        report.facts.exchange.hosts[0].name,
        "mx.example.test".parse().unwrap()
    );
    assert!(report.elapsed < Duration::from_secs(2));
}

#[tokio::test]
async fn who_asks_nobody_or_for_an_address_is_told_so() {
    let built = MxProbe::builder(Resolver::new([])).build();
    assert_eq!(built.unwrap_err(), ConfigError::NoResolver);
    let probe = MxProbe::builder(Resolver::new(["192.0.2.53:53".parse().unwrap()]))
        .build()
        .unwrap();
    let report = probe
        .probe(&"192.0.2.1".parse().unwrap(), &Context::default())
        .await;
    assert_eq!(report.failure.unwrap().kind, FailureKind::Local);
}

#[tokio::test]
async fn however_many_hosts_and_addresses_there_are_so_many_are_asked_for() {
    const NAMES: [&str; 17] = [
        "1 a.test", "1 b.test", "1 c.test", "1 d.test", "1 e.test", "1 f.test", "1 g.test",
        "1 h.test", "1 i.test", "1 j.test", "1 k.test", "1 l.test", "1 m.test", "1 n.test",
        "1 o.test", "1 p.test", "1 q.test",
    ];
    const ADDRESSES: [&str; 9] = [
        "198.41.0.1",
        "198.41.0.2",
        "198.41.0.3",
        "198.41.0.4",
        "198.41.0.5",
        "198.41.0.6",
        "198.41.0.7",
        "198.41.0.8",
        "198.41.0.9",
    ];
    let world = World::new(|name, kind, _| match (name, kind) {
        ("example.test", "MX") => {
            Says::Records(NAMES.map(|host| ("example.test", "MX", host)).to_vec())
        }
        ("a.test", "A") => Says::Records(ADDRESSES.map(|one| ("a.test", "A", one)).to_vec()),
        (_, "A" | "AAAA") => Says::NoData,
        _ => usual(name, kind),
    })
    .await;
    let report = ask(&[&world], "example.test").await;
    let hosts = &report.facts.exchange.hosts;
    assert_eq!((hosts.len(), hosts[0].addresses.len()), (16, 8));
    let asked = world.asked();
    assert!(!asked.contains(&"q.test A".to_owned()));
    assert_eq!(asked.iter().filter(|one| one.ends_with(" PTR")).count(), 8);
}
