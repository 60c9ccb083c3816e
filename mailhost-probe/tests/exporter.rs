//! Pages of exporters, asked for over HTTP and judged. The page of windows_exporter was made after its source, with each of its
//! traps; the others are real.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::SystemTime;

use mailhost_probe::{
    COUNTERS, ConfigError, ExporterFacts, ExporterOptions, ExporterProbe, Group, HostFacts,
    HostLimits,
};
use probe_core::{Context, FailureKind, Probe, Report, Thresholds, Verdict};
use probe_net::Net;
use probe_net::tls::Tls;
use probe_testkit::{Authority, Say, Web};

const WINDOWS: &str = include_str!("transcripts/windows-exporter.made.prom");
const NODE: &str = include_str!("transcripts/node-exporter-1.5.prom");
const POSTFIX: &str = include_str!("transcripts/postfix-exporter-0.3.prom");

fn options(web: &Web) -> ExporterOptions {
    let net = Net::new(Tls::ring(Authority::new("nobody").roots()));
    let url = format!("http://{}/metrics", web.address());
    ExporterProbe::builder(net, url.parse().unwrap())
}

async fn ask(page: impl Into<String>) -> Report<ExporterFacts> {
    let page = page.into();
    let web = Web::clear(move |_| Say::page(200, "", page.clone()))
        .await
        .unwrap();
    judged(options(&web)).await
}

async fn judged(options: ExporterOptions) -> Report<ExporterFacts> {
    let probe = options.build().unwrap();
    probe
        .probe(&"mail.lab.test".parse().unwrap(), &Context::default())
        .await
}

fn of(page: &str) -> ExporterFacts {
    ExporterFacts::of_page(page.as_bytes(), SystemTime::UNIX_EPOCH)
}

#[tokio::test]
async fn exchange_is_held_against_the_limits_of_microsoft() {
    let report = ask(WINDOWS).await;
    assert_eq!(report.failure, None);
    let findings: Vec<_> = report
        .findings
        .iter()
        .map(|one| (one.code(), &*one.evidence))
        .collect();
    assert_eq!(
        findings,
        [
            (
                "host.exchange.latency",
                "ldap_read_time of w3wp#1 0.12, range 0.1"
            ),
            (
                "host.exchange.latency",
                "rpc_averaged_latency 0.312, range 0.25"
            ),
            (
                "host.exchange.queue",
                "external_active_remote_delivery 300, range 250"
            ),
            ("host.memory", "2.9 % available, range 0.05:"),
        ]
    );
}

#[test]
fn of_each_queue_only_the_sum_over_all_priorities_is_read() {
    let facts = of(WINDOWS);
    assert_eq!(
        facts.measure("external_active_remote_delivery"),
        Some(300.0)
    );
    assert_eq!(facts.measure("all_queues"), Some(306.0));
}

#[test]
fn the_one_latency_in_milliseconds_becomes_seconds() {
    let facts = of(WINDOWS);
    let latency = |key: &str| {
        let measure = facts
            .measures
            .iter()
            .find(|one| one.counter.key == key)
            .unwrap();
        measure.value
    };
    assert_eq!(latency("auth_latency"), 0.025);
    assert_eq!(latency("cas_processing_latency"), 0.003);
}

/// <https://github.com/prometheus-community/windows_exporter/issues/1991>: a collector that fails is silent.
#[tokio::test]
async fn queues_that_are_missing_are_unknown_and_not_empty() {
    let without: String = WINDOWS
        .lines()
        .filter(|line| !line.contains("transport_queues"))
        .map(|line| format!("{line}\n"))
        .collect();
    let report = ask(without).await;
    assert_eq!(report.facts.missing, [Group::Queues]);
    assert_eq!(report.facts.measure("all_queues"), None);
    let failure = report.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Local);
    assert_eq!(
        failure.detail,
        "the page has no counters of transport-queues"
    );
}

#[tokio::test]
async fn a_collector_of_exchange_that_failed_as_a_whole_is_unknown() {
    let page = "windows_exporter_collector_success{collector=\"exchange\"} 0\nwindows_memory_available_bytes 1\n";
    let report = ask(page).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert_eq!(report.facts.missing, Group::EXPECTED);
}

#[tokio::test]
async fn limits_can_be_others() {
    let web = Web::clear(|_| Say::page(200, "", WINDOWS)).await.unwrap();
    let above = |text: &str| Thresholds::new(Some(text.parse().unwrap()), None);
    let options = options(&web)
        .counter("rpc_averaged_latency", above("0.5"))
        .counter("external_active_remote_delivery", above("1000"))
        .counter("ldap_read_time", above("1"))
        .counter("all_queues", above("305"))
        .host(HostLimits::default().memory(Thresholds::default()));
    let report = judged(options).await;
    let evidence: Vec<_> = report.findings.iter().map(|one| &*one.evidence).collect();
    assert_eq!(evidence, ["all_queues 306, range 305"]);
}

#[tokio::test]
async fn limits_for_what_nobody_knows_are_refused() {
    let web = Web::clear(|_| Say::page(200, "", "")).await.unwrap();
    let refused = options(&web).counter("rpc", Thresholds::default()).build();
    assert_eq!(
        refused.unwrap_err(),
        ConfigError::NoCounter("rpc".to_owned())
    );
}

#[test]
fn the_limits_of_the_table_are_ranges() {
    let with = COUNTERS
        .iter()
        .filter(|one| one.thresholds() != Thresholds::default());
    assert_eq!(with.count(), 11);
}

#[test]
fn memory_disks_and_load_are_those_of_node_exporter() {
    let facts = of(NODE);
    let memory = facts.host.memory.unwrap();
    assert_eq!(
        (memory.available, memory.total),
        (24_199_249_920.0, 25_276_514_304.0)
    );
    let mut disks = facts.host.disks.iter();
    let root = disks.find(|disk| disk.name == "/").unwrap();
    assert_eq!(
        (root.free, root.size),
        (68_094_017_536.0, 270_553_174_016.0)
    );
    assert_eq!(facts.host.load, [Some(0.35), Some(0.4), Some(0.75)]);
    assert_eq!((facts.malformed, facts.measures.len()), (0, 0));
}

#[test]
fn the_queues_of_postfix_exporter_are_those_of_postfix() {
    let queue = of(POSTFIX).queue.unwrap();
    let deferred = queue.queue("deferred").unwrap();
    assert_eq!((deferred.messages, deferred.bytes), (33, Some(14_892)));
    assert_eq!(queue.messages(), 37);
}

#[tokio::test]
async fn an_exporter_that_cannot_read_postfix_tells_of_no_empty_queue() {
    let down = POSTFIX.replace("showq\"} 1", "showq\"} 0");
    let report = ask(down).await;
    assert!(report.facts.queue.is_none());
    assert_eq!(
        report.failure.unwrap().detail,
        "the exporter could not read Postfix's queue"
    );
}

#[tokio::test]
async fn what_is_no_page_of_a_mail_host_is_unknown() {
    assert_eq!(ask("<html>hello</html>").await.verdict(), Verdict::Unknown);
    let web = Web::clear(|_| Say::page(503, "", WINDOWS)).await.unwrap();
    let report = judged(options(&web)).await;
    assert_eq!(report.failure.unwrap().detail, "the exporter answers 503");
    assert!(report.facts.measures.is_empty());
}

#[tokio::test]
async fn an_exporter_that_is_not_there_says_nothing_of_the_mail_host() {
    let web = Web::clear(|_| Say::page(200, "", "")).await.unwrap();
    let options = options(&web);
    drop(web);
    let report = judged(options).await;
    assert_eq!(report.failure.unwrap().kind, FailureKind::Local);
}

#[test]
fn values_and_file_systems_are_kept_up_to_their_limits() {
    let page: String = (0..=ExporterFacts::MEASURES)
        .map(|name| format!("windows_exchange_ldap_read_time_sec{{name=\"{name}\"}} 0\n"))
        .collect();
    assert_eq!(of(&page).measures.len(), 1024);
    let disk = |name| {
        format!(
            "node_filesystem_avail_bytes{{mountpoint=\"{name}\"}} 1\nnode_filesystem_size_bytes{{mountpoint=\"{name}\"}} 2\n"
        )
    };
    let page: String = (0..=HostFacts::DISKS).map(disk).collect();
    assert_eq!(of(&page).host.disks.len(), 256);
}

#[test]
fn what_is_no_number_is_not_there() {
    assert_eq!(
        of("windows_exchange_rpc_requests NaN\n").measure("rpc_requests"),
        None
    );
}
