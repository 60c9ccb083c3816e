//! The ladder, rung by rung, against a server that says what Exchange says.

#![cfg(feature = "ring")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use std::time::Duration;

use eas_probe::{EasProbe, Rung, Verb, Version};
use probe_core::{Facts, Probe, Record, Verdict};
use probe_net::Net;
use probe_net::tls::Tls;

use common::{World, codes, page, pinged};

const ROOT: &str = "/Microsoft-Server-ActiveSync";

#[tokio::test]
async fn the_whole_ladder_is_climbed_and_what_was_learned_is_told() {
    let world = World::new(|_| None).await;
    let report = world.ask(world.options()).await;
    assert_eq!(
        (report.verdict(), codes(&report)),
        (Verdict::Ok, vec![]),
        "{report:?}"
    );
    let asked = world.asked();
    let healthy = asked
        .iter()
        .filter(|one| one.ends_with("/healthcheck.htm"))
        .count();
    assert_eq!(healthy, 9);
    let rest = [
        &format!("OPTIONS {ROOT}"),
        &format!("GET {ROOT}"),
        &format!("OPTIONS {ROOT}"),
        "Settings",
        "FolderSync",
        "Provision",
        "Provision",
        "Sync",
        "Sync",
        "GetItemEstimate",
        "Ping",
    ];
    assert_eq!(asked[9..], rest);
    let facts = &report.facts;
    assert_eq!(facts.version, Some(Version::V16_1));
    assert_eq!(facts.health[0].server.as_deref(), Some("EX01.EXAMPLE.ORG"));
    let anonymous = facts.anonymous.as_ref().unwrap();
    assert_eq!(anonymous.challenges[0].parameter("realm"), Some("mail"));
    assert_eq!(
        anonymous.authorization_uri.as_deref(),
        Some("https://login.example.org/a")
    );
    assert_eq!(facts.addresses, ["alice@example.org"]);
    assert_eq!(
        facts.folders.as_ref().unwrap().inbox.as_ref().unwrap().name,
        "Posteingang"
    );
    let policy = facts.policy.as_ref().unwrap();
    assert!(policy.is_there && policy.is_acknowledged);
    let demand = ("MinDevicePasswordLength".to_owned(), "6".to_owned());
    assert!(policy.demands.contains(&demand));
    let inbox = facts.inbox.as_ref().unwrap();
    assert_eq!(
        (inbox.items, inbox.has_more, inbox.estimate),
        (0, false, Some(7))
    );
    assert_eq!(facts.ping.as_ref().unwrap().status, 1);
    assert_eq!(facts.server.back_end.as_deref(), Some("BE07"));
    assert_eq!(facts.exchanges[3].request_id.as_deref(), Some("5b2e"));
    assert!(facts.time_of(Verb::Sync).is_some());
}

#[tokio::test]
async fn what_was_learned_is_recorded_and_no_metric_twice() {
    let world = World::new(|_| None).await;
    let report = world.ask(world.options()).await;
    let mut record = Record::default();
    report.facts.record(&mut record);
    let mut shown: Vec<_> = record
        .metrics()
        .iter()
        .map(|metric| format!("{} {:?}", metric.name, metric.labels))
        .collect();
    assert!(shown.contains(&r#"probe_eas_command_seconds [("command", "Sync")]"#.to_owned()));
    let all = shown.len();
    shown.sort();
    shown.dedup();
    assert_eq!(shown.len(), all);
    let phases: Vec<_> = report
        .spans
        .iter()
        .map(|span| span.phase.as_str())
        .collect();
    for phase in [
        "connect",
        "tls",
        "anonymous",
        "options",
        "folder-sync",
        "sync",
        "ping",
        "body",
    ] {
        assert!(phases.contains(&phase), "{phase} in {phases:?}");
    }
}

#[tokio::test]
async fn each_rung_ends_where_it_says() {
    for (rung, last) in [
        (Rung::Health, "GET /rpc/healthcheck.htm".to_owned()),
        (Rung::Anonymous, format!("GET {ROOT}")),
        (Rung::Options, format!("OPTIONS {ROOT}")),
        (Rung::Folders, "FolderSync".to_owned()),
        (Rung::Sync, "GetItemEstimate".to_owned()),
        (Rung::Ping, "Ping".to_owned()),
    ] {
        let world = World::new(|_| None).await;
        let report = world.ask(world.options().up_to(rung)).await;
        assert_eq!(report.verdict(), Verdict::Ok);
        assert_eq!(world.asked().last(), Some(&last));
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_asked_that_needs_them() {
    let world = World::new(|_| None).await;
    let address = world.web.address();
    let target = probe_core::Target::host(probe_core::Host::Address(address.ip()), address.port());
    let net = Net::new(Tls::ring(rustls::RootCertStore::empty()));
    let probe = EasProbe::builder(net).health(false).build().unwrap();
    // Nobody here trusts the certificate, and nothing secret is said.
    let report = probe.probe(&target, &probe_core::Context::default()).await;
    assert_eq!(report.failure, None);
    assert_eq!(
        world.asked(),
        [format!("OPTIONS {ROOT}"), format!("GET {ROOT}")]
    );
    assert!(
        codes(&report).contains(&"tls.certificate.unknown-issuer"),
        "{:?}",
        codes(&report)
    );
}

#[tokio::test]
async fn the_limit_that_a_ping_tells_is_learned() {
    let world = World::new(|request| {
        (common::command(request) == "Ping").then(|| page(&pinged(5, Some(60))))
    })
    .await;
    let report = world.ask(world.options()).await;
    assert_eq!(report.verdict(), Verdict::Ok);
    let ping = report.facts.ping.unwrap();
    assert_eq!(
        (ping.status, ping.limit),
        (5, Some(Duration::from_secs(60)))
    );
}

#[tokio::test]
async fn items_come_only_where_they_are_asked_for() {
    let world = World::new(|_| None).await;
    let report = world.ask(world.options().items(1)).await;
    assert_eq!(report.verdict(), Verdict::Ok);
    let inbox = report.facts.inbox.unwrap();
    assert_eq!((inbox.items, inbox.has_more), (1, true));
}
