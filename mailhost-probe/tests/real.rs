//! Against the lab's mail servers and their queues, which have grown on purpose, and its SNMP agent. `cargo xtask test`
//! starts the lab and runs this.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests"
)]

#[path = "real/apart.rs"]
mod apart;
#[path = "real/beside.rs"]
mod beside;
#[path = "real/exporters.rs"]
mod exporters;
#[path = "real/postfix.rs"]
mod postfix;
#[path = "real/snmp.rs"]
mod snmp;

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use mailhost_probe::{Options, QueueFacts, QueueProbe, Reason, Source};
use probe_core::{Context, Probe, Report};
use serde_json::Value;

fn lab() -> &'static Value {
    static LAB: OnceLock<Value> = OnceLock::new();
    LAB.get_or_init(|| {
        let folder = std::env::var("MAILPROBE_LAB").expect("run by `cargo xtask test`");
        let text = fs::read(PathBuf::from(folder).join("lab.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    })
}

/// A text of the lab's description, such as `/queues/postfix/socket`.
fn of_lab(pointer: &str) -> &'static str {
    lab().pointer(pointer).unwrap().as_str().unwrap()
}

/// Twenty seconds after the queues had the ages that the lab gave them, whenever this runs.
fn soon_after(since: &str) -> SystemTime {
    let seconds: u64 = fs::read_to_string(since).unwrap().trim().parse().unwrap();
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds + 20)
}

async fn ask(source: Source) -> Report<QueueFacts> {
    ask_with(QueueProbe::builder(source), SystemTime::now()).await
}

async fn ask_with(options: Options, now: SystemTime) -> Report<QueueFacts> {
    let probe = options.build().unwrap();
    let cx = Context::default().with_now(now);
    probe.probe(&"localhost".parse().unwrap(), &cx).await
}

fn counts(facts: &QueueFacts) -> Vec<(&str, u64)> {
    let queues = facts.queues.iter();
    let count = queues.map(|queue| (queue.name.as_str(), queue.messages));
    count.collect()
}

/// A domain, how many recipients wait there, and why most of them do.
type Destination<'a> = (&'a str, u64, Option<(Reason, u64)>);

fn destinations(facts: &QueueFacts) -> Vec<Destination<'_>> {
    let domains = facts.domains.iter();
    let one = domains.map(|domain| {
        let most = domain.delayed.most();
        (&*domain.domain, domain.recipients, most)
    });
    one.collect()
}

fn reasons(facts: &QueueFacts) -> Vec<(Reason, u64)> {
    facts.delayed.iter().collect()
}
