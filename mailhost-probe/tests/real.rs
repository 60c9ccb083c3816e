//! Against the lab's Postfix: its socket, and `postqueue -j`; and its SNMP agent. `cargo xtask test` starts the lab and runs this.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests"
)]

#[path = "real/apart.rs"]
mod apart;
#[path = "real/snmp.rs"]
mod snmp;

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

use mailhost_probe::{Format, QueueFacts, QueueProbe, Source};
use probe_core::{Context, FailureKind, Probe, Report, Verdict};
use serde_json::Value;

fn lab() -> &'static Value {
    static LAB: OnceLock<Value> = OnceLock::new();
    LAB.get_or_init(|| {
        let folder = std::env::var("MAILPROBE_LAB").expect("run by `cargo xtask test`");
        let text = fs::read(PathBuf::from(folder).join("lab.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    })
}

fn socket() -> Source {
    Source::Showq(lab()["queue"]["socket"].as_str().unwrap().into())
}

fn config() -> &'static str {
    lab()["queue"]["config"].as_str().unwrap()
}

fn postqueue() -> Source {
    Source::command("postqueue", ["-c", config(), "-j"], Format::Postqueue)
}

async fn ask(source: Source) -> Report<QueueFacts> {
    let probe = QueueProbe::builder(source).build().unwrap();
    probe
        .probe(&"localhost".parse().unwrap(), &Context::default())
        .await
}

#[tokio::test]
async fn the_socket_and_the_program_count_the_same() {
    let (by_socket, by_program) = (ask(socket()).await, ask(postqueue()).await);
    assert_eq!((&by_socket.failure, &by_program.failure), (&None, &None));
    assert_eq!(by_socket.facts.messages(), by_program.facts.messages());
    for queue in ["maildrop", "hold", "incoming", "active", "deferred"] {
        let count = |facts: &QueueFacts| facts.queue(queue).map(|state| state.messages);
        assert_eq!(count(&by_socket.facts), count(&by_program.facts), "{queue}");
    }
}

#[tokio::test]
async fn a_queue_that_cannot_be_read_is_unknown_and_not_empty() {
    let report = ask(Source::Showq("/nonexistent/showq".into())).await;
    assert_eq!(report.failure.as_ref().unwrap().kind, FailureKind::Local);
    assert_eq!(report.verdict(), Verdict::Unknown);
    let elsewhere = ["-c", "/nonexistent", "-j"];
    let report = ask(Source::command("postqueue", elsewhere, Format::Postqueue)).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
}
