//! Pages of exporters that run beside the lab's Postfix, by HTTP.

use mailhost_probe::{ExporterFacts, ExporterProbe};
use probe_core::{FailureKind, Verdict};
use probe_net::Net;
use probe_net::tls::Tls;
use probe_testkit::Authority;

use super::*;

async fn page(listener: &str) -> Report<ExporterFacts> {
    let place = &lab()["listeners"][listener];
    let (host, port) = (place["address"].as_str().unwrap(), &place["port"]);
    let url = format!("http://{host}:{port}/metrics");
    let net = Net::new(Tls::ring(Authority::new("nobody").roots()));
    let probe = ExporterProbe::builder(net, url.parse().unwrap()).build();
    let target = "localhost".parse().unwrap();
    probe.unwrap().probe(&target, &Context::default()).await
}

#[tokio::test]
async fn postfix_exporter_counts_what_the_socket_tells() {
    let _queue = postfix::QUEUE.lock().await;
    let by_socket = ask(postfix::socket()).await.facts;
    let report = page("postfix-exporter").await;
    assert_eq!(report.failure, None);
    let by_page = report.facts.queue.unwrap();
    assert_eq!(by_page.messages(), 393);
    for queue in &by_socket.queues {
        let page = by_page.queue(queue.name.as_str()).unwrap();
        assert_eq!(
            (page.messages, page.bytes),
            (queue.messages, queue.bytes),
            "{}",
            queue.name
        );
    }
}

#[tokio::test]
async fn a_queue_that_postfix_exporter_cannot_read_is_unknown_and_not_empty() {
    let report = page("postfix-exporter-stopped").await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert!(report.facts.queue.is_none());
    let failure = report.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Local);
    assert_eq!(
        failure.detail,
        "the exporter could not read Postfix's queue"
    );
}

#[tokio::test]
async fn node_exporter_tells_of_this_machine() {
    let report = page("node-exporter").await;
    assert_eq!(report.failure, None);
    assert_eq!(report.facts.malformed, 0);
    let host = report.facts.host;
    let total = fs::read_to_string("/proc/meminfo").unwrap();
    let total = total
        .lines()
        .next()
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap();
    let octets = 1024.0 * total.parse::<f64>().unwrap();
    assert_eq!(host.memory.unwrap().total, octets);
    assert!(host.memory.unwrap().available <= octets);
    assert!(host.disks.iter().any(|disk| disk.free <= disk.size));
    assert!(host.load.iter().all(Option::is_some));
    assert!(host.uptime.is_some_and(|uptime| !uptime.is_zero()));
}
