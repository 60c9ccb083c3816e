//! Pages of exporters, asked for over HTTP and judged. The page of windows_exporter was made after its source, with each of its
//! traps; the others are real.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use mailhost_probe::{
    Access, COUNTERS, ConfigError, ExporterFacts, ExporterOptions, ExporterProbe, Group, HostFacts,
    HostLimits,
};
use probe_core::{Context, FailureKind, Probe, Report, Thresholds, Verdict};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Tls};
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
            ("host.committed", "90.0 % of it, range 0.8"),
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
        .host(
            HostLimits::default()
                .memory(Thresholds::default())
                .committed(Thresholds::default()),
        );
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

#[test]
fn groups_of_ages_are_told_by_the_age_that_none_of_them_passes() {
    let queue = of(POSTFIX).queue.unwrap();
    let deferred = queue.queue("deferred").unwrap();
    assert_eq!(deferred.oldest_age, Some(Duration::from_secs(1000)));
    let ages: Vec<_> = deferred
        .ages
        .iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(ages, [(Some(Duration::from_secs(4 * 3600)), 33)]);
    let mut old = POSTFIX.to_owned();
    for bound in ["10000", "100000", "1e+06"] {
        let bucket = format!("deferred\",le=\"{bound}\"}} 3");
        old = old.replace(&format!("{bucket}3"), &format!("{bucket}0"));
    }
    let queue = of(&old).queue.unwrap();
    let deferred = queue.queue("deferred").unwrap();
    let ages: Vec<_> = deferred
        .ages
        .iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(ages, [(Some(Duration::from_secs(4 * 3600)), 30), (None, 3)]);
    assert_eq!(deferred.oldest_age, Some(Duration::from_secs(1_000_000)));
}

#[tokio::test]
async fn the_queues_of_postfix_exporter_have_limits_too() {
    let web = Web::clear(|_| Say::page(200, "", POSTFIX)).await.unwrap();
    let above = |text: &str| Thresholds::new(Some(text.parse().unwrap()), None);
    let report = judged(options(&web).messages(above("30")).oldest(above("900"))).await;
    let codes: Vec<_> = report.findings.iter().map(|one| one.code()).collect();
    assert_eq!(codes, ["queue.messages", "queue.oldest", "queue.held"]);
}

#[test]
fn copies_and_the_longest_queue_are_told_and_not_in_the_sum() {
    let facts = of(WINDOWS);
    assert_eq!(facts.measure("shadow_queue"), Some(5000.0));
    assert_eq!(facts.measure("delay_queue"), Some(7.0));
    assert_eq!(facts.measure("external_largest_delivery"), Some(120.0));
    assert_eq!(facts.measure("all_queues"), Some(306.0));
}

#[test]
fn who_uses_exchange_is_told() {
    let facts = of(WINDOWS);
    assert_eq!(facts.measure("activesync_ping_pending"), Some(17.0));
    assert_eq!(facts.measure("owa_users"), Some(25.0));
    assert_eq!(facts.measure("messages_submitted"), None);
}

#[test]
fn a_counter_whose_name_does_not_say_so_is_known_in_openmetrics_too() {
    let page = "windows_exchange_ldap_read_time_sec_total{name=\"w3wp\"} 0.2\n# EOF\n";
    assert_eq!(of(page).measures[0].counter.key, "ldap_read_time");
}

#[test]
fn of_windows_everything_is_told_that_one_page_can_tell() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_500_090);
    let host = ExporterFacts::of_page(WINDOWS.as_bytes(), now).host;
    assert_eq!((host.processors, host.run_queue), (Some(2.0), Some(9.0)));
    assert_eq!(host.uptime, Some(Duration::from_secs(90)));
    assert_eq!(host.committed, Some(0.9));
    assert_eq!(host.swap.unwrap().ratio(), 0.25);
    assert_eq!((host.cpu, host.devices.len()), (None, 0));
}

#[test]
fn of_node_exporter_inodes_and_the_time_since_it_was_started_are_read() {
    let host = of(NODE).host;
    assert_eq!(host.uptime.unwrap().as_secs(), 39_980);
    assert_eq!(host.processors, Some(2.0));
    let root = host.disks.iter().find(|disk| disk.name == "/").unwrap();
    assert_eq!(root.inodes, Some(16_251_323.0 / 16_777_216.0));
    assert_eq!(root.access, Some(Access::ReadWrite));
    assert_eq!(host.swap, None);
}

#[test]
fn a_second_page_tells_what_happened_since_the_first() {
    let page = |number: usize| match number {
        1 => WINDOWS.to_owned(),
        _ => WINDOWS
            .replace("\"0,0\",mode=\"idle\"} 100", "\"0,0\",mode=\"idle\"} 101")
            .replace("\"0,0\",mode=\"user\"} 50", "\"0,0\",mode=\"user\"} 54")
            .replace(
                "reads_total{volume=\"C:\"} 100",
                "reads_total{volume=\"C:\"} 110",
            )
            .replace(
                "read_seconds_total{volume=\"C:\"} 1",
                "read_seconds_total{volume=\"C:\"} 1.3",
            )
            .replace(
                "submitted_total{name=\"_total\"} 1000",
                "submitted_total{name=\"_total\"} 1010",
            )
            .replace(
                "requests_total{name=\"eas\"} 10",
                "requests_total{name=\"eas\"} 3",
            ),
    };
    let (before, mut now) = (of(&page(1)), of(&page(2)));
    now.compare(&before, Duration::from_secs(5));
    let cpu = now.host.cpu.unwrap();
    assert_eq!((cpu.busy, cpu.user), (0.8, Some(0.8)));
    assert_eq!(now.host.devices.len(), 1);
    assert_eq!(now.host.devices[0].read, Some(Duration::from_millis(30)));
    assert_eq!(now.measure("messages_submitted"), Some(2.0));
    let proxies: Vec<_> = now
        .measures
        .iter()
        .filter(|one| one.counter.key == "proxy_requests")
        .collect();
    // That of ActiveSync was started anew.
    assert_eq!(proxies.len(), 1);
    assert_eq!(proxies[0].instance.as_deref(), Some("owa"));
}

#[tokio::test]
async fn the_page_is_asked_for_twice_if_that_is_wanted() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let web = Web::clear(move |_| {
        let idle = 100 + 4 * count.fetch_add(1, Ordering::SeqCst);
        let page = format!("node_cpu_seconds_total{{cpu=\"0\",mode=\"idle\"}} {idle}\nnode_cpu_seconds_total{{cpu=\"0\",mode=\"user\"}} {idle}\n");
        Say::page(200, "", page)
    })
    .await
    .unwrap();
    let report = judged(options(&web).interval(Duration::from_millis(1))).await;
    assert_eq!(report.failure, None);
    assert_eq!(report.facts.host.cpu.unwrap().busy, 0.5);
    assert_eq!(asked.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_the_first_page_told_is_kept_where_there_is_no_second() {
    let asked = AtomicUsize::new(0);
    let web = Web::clear(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Say::page(200, "", NODE),
        _ => Say::page(500, "", ""),
    })
    .await
    .unwrap();
    let report = judged(options(&web).interval(Duration::from_millis(1))).await;
    assert_eq!(report.failure.unwrap().detail, "the exporter answers 500");
    assert!(report.facts.host.memory.is_some());
}

#[tokio::test]
async fn a_page_of_openmetrics_without_its_end_was_cut_short() {
    const TYPE: &str =
        "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n";
    let ask = async |page: &'static str| {
        let web = Web::clear(move |_| Say::page(200, TYPE, page))
            .await
            .unwrap();
        judged(options(&web)).await
    };
    let report = ask("node_load1 1\n").await;
    assert_eq!(
        report.failure.unwrap().detail,
        "the page ends before it says that it is over: it was cut short"
    );
    assert_eq!(report.facts.host.load[0], Some(1.0));
    assert_eq!(ask("node_load1 1\n# EOF\n").await.failure, None);
}

#[tokio::test]
async fn credentials_are_shown_and_go_in_clear_only_if_that_is_named() {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&heard);
    let web = Web::clear(move |request| {
        let shown = request
            .header("authorization")
            .unwrap_or_default()
            .to_owned();
        noted.lock().unwrap().push(shown);
        Say::page(200, "", NODE)
    })
    .await
    .unwrap();
    let secret = || Credentials::password("prometheus", "hunter2").unwrap();
    let refused = options(&web).credentials(secret()).build();
    assert_eq!(refused.unwrap_err(), ConfigError::SecretsInClear);
    let allowed = options(&web)
        .credentials(secret())
        .secrets_over(SecretsOver::Cleartext);
    assert!(!format!("{allowed:?}").contains("hunter2"));
    assert_eq!(judged(allowed).await.failure, None);
    let token = Credentials::token("nobody", "abcdef").unwrap();
    let allowed = options(&web)
        .credentials(token)
        .secrets_over(SecretsOver::Cleartext);
    judged(allowed).await;
    assert_eq!(
        *heard.lock().unwrap(),
        ["Basic cHJvbWV0aGV1czpodW50ZXIy", "Bearer abcdef"]
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
fn counters_and_disks_are_kept_up_to_their_limits_too() {
    let page = |value: u32| -> String {
        let totals = (0..=ExporterFacts::MEASURES).map(|name| {
            format!("windows_exchange_http_proxy_requests_total{{name=\"{name}\"}} {value}\n")
        });
        let disks = (0..=HostFacts::DISKS)
            .map(|name| format!("node_disk_reads_completed_total{{device=\"{name}\"}} {value}\n"));
        totals.chain(disks).collect()
    };
    let (before, mut now) = (of(&page(1)), of(&page(3)));
    now.compare(&before, Duration::from_secs(1));
    assert_eq!(now.measures.len(), 1024);
    assert_eq!(now.host.devices.len(), 256);
}

#[test]
fn bounds_of_ages_and_queues_are_read_up_to_their_limits() {
    let count =
        |queue: &str| format!("postfix_showq_message_size_bytes_count{{queue=\"{queue}\"}} 100\n");
    let bucket = |bound: usize| {
        format!("postfix_showq_message_age_seconds_bucket{{queue=\"a\",le=\"{bound}\"}} {bound}\n")
    };
    let page: String = (1..=65).map(bucket).chain([count("a")]).collect();
    let queue = of(&page).queue.unwrap();
    let ages: u64 = queue.queues[0].ages.iter().map(|(_, count)| count).sum();
    assert_eq!(ages, 64);
    let page: String = (0..=64).map(|queue| count(&queue.to_string())).collect();
    assert_eq!(of(&page).queue.unwrap().queues.len(), 64);
}

#[test]
fn values_without_measure_are_not_told() {
    let page = "node_memory_MemTotal_bytes 1e-300\nnode_memory_MemAvailable_bytes 1e300\nnode_memory_SwapTotal_bytes 0\nnode_memory_SwapFree_bytes 0\nnode_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 1.7e308\nnode_cpu_seconds_total{cpu=\"1\",mode=\"idle\"} 1.7e308\n";
    let mut facts = of(page);
    facts.compare(&of(""), Duration::from_secs(1));
    assert_eq!((facts.host.memory, facts.host.cpu), (None, None));
    let mut facts = of(page);
    facts.compare(
        &of("node_cpu_seconds_total{cpu=\"0\",mode=\"idle\"} 1\n"),
        Duration::ZERO,
    );
    assert_eq!(facts.host.cpu, None);
}

#[test]
fn what_is_no_number_is_not_there() {
    assert_eq!(
        of("windows_exchange_rpc_requests NaN\n").measure("rpc_requests"),
        None
    );
}
