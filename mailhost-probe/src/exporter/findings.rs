//! What we think of a page.

use probe_core::{Finding, FindingKind, Severity, Unit};

use super::facts::ExporterFacts;
use super::options::ExporterOptions;
use crate::exporter::Group;
use crate::findings::judge as judge_queue;
use crate::host::findings::judge as judge_host;

pub(crate) static LATENCY: FindingKind = FindingKind::new(
    "host.exchange.latency",
    Severity::Warning,
    "Exchange answers more slowly than Microsoft says it may",
    "Look at the disks of the databases, the domain controllers and the CPU at this time; users see it as a program that hangs.",
);
pub(crate) static QUEUE: FindingKind = FindingKind::new(
    "host.exchange.queue",
    Severity::Warning,
    "more messages wait in a queue of Exchange than should",
    "Get-Queue shows which next hop is retried, and its last error.",
);
pub(crate) static REQUESTS: FindingKind = FindingKind::new(
    "host.exchange.requests",
    Severity::Warning,
    "more requests are under way in Exchange than should be",
    "It takes more than it can answer: look at its latencies, and at clients that ask without end.",
);

/// What to think of a page.
pub(super) fn judge(facts: &ExporterFacts, options: &ExporterOptions) -> Vec<Finding> {
    let measures = facts.measures.iter().filter_map(|one| {
        let kind = match (one.counter.group, one.counter.unit) {
            (Group::Queues | Group::OtherQueues, _) => &QUEUE,
            (_, Unit::Seconds) => &LATENCY,
            _ => &REQUESTS,
        };
        let instance = one.instance.as_deref().map(|name| format!(" of {name}"));
        let shown = format!(
            "{}{} {}",
            one.counter.key,
            instance.unwrap_or_default(),
            one.value
        );
        options
            .thresholds(one.counter)
            .judge(one.value, kind, shown)
    });
    let host = judge_host(&facts.host, &options.host);
    let queue = facts.queue.iter();
    let queue = queue.flat_map(|queue| judge_queue(queue, &options.queue));
    measures.chain(host).chain(queue).collect()
}
