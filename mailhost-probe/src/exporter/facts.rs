//! What was on the page. What is not there is not zero.

use std::time::{Duration, SystemTime};

use probe_core::{Facts, Metric, Record, printable};

use super::counters::{Counter, Group, Kind};
use super::machine::Machine;
use super::postfix::Postfix;
use super::table::{ALL, COUNTERS};
use crate::exposition::{Exposition, Reading};
use crate::facts::QueueFacts;
use crate::host::{HostFacts, HostTimes};

/// What an exporter told.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct ExporterFacts {
    /// Exchange's counters, as far as they are there.
    pub measures: Vec<Measure>,
    /// What should be there beside them and is not: each is unknown.
    pub missing: Vec<Group>,
    /// Postfix's queues, where the exporter could read them.
    pub queue: Option<QueueFacts>,
    /// Whether Postfix's queues should have been there and were not read.
    pub queue_is_missing: bool,
    /// The machine.
    pub host: HostFacts,
    /// What only grows, of Exchange and of the machine: a later page tells what happened in between.
    pub(super) totals: Vec<Measure>,
    pub(super) times: HostTimes,
    /// Whether the page says that it is over, as OpenMetrics must.
    pub(super) is_whole: bool,
    /// Whether it should say so and does not.
    pub(super) is_cut_short: bool,
    /// Lines that were neither samples nor comments.
    pub malformed: u64,
}

/// One value of a counter.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Measure {
    /// Of which counter.
    pub counter: &'static Counter,
    /// Of which of its instances, where it has several: a process, a protocol.
    pub instance: Option<String>,
    /// How much.
    pub value: f64,
}

impl ExporterFacts {
    /// So many values of counters are kept.
    pub const MEASURES: usize = 1024;

    /// What a page tells.
    ///
    /// ```
    /// use mailhost_probe::ExporterFacts;
    /// use std::time::{Duration, SystemTime};
    ///
    /// let page = b"windows_exchange_rpc_avg_latency_sec 0.012\n";
    /// let facts = ExporterFacts::of_page(page, SystemTime::now());
    /// assert_eq!(facts.measure("rpc_averaged_latency"), Some(0.012));
    /// assert_eq!(facts.measure("poison"), None);
    /// ```
    pub fn of_page(page: &[u8], now: SystemTime) -> Self {
        let mut readings = Exposition::new(page);
        let mut gathered = Gathered::default();
        for reading in readings.by_ref().filter(|one| one.value.is_finite()) {
            gathered.take(&reading);
        }
        let mut facts = gathered.into_facts(now);
        facts.malformed = readings.malformed();
        facts.is_whole = readings.is_over();
        facts
    }

    /// Adds what happened since an earlier page of the same exporter, which was read so long before this one: how busy
    /// processors and disks were, and how often something happened in a second.
    pub fn compare(&mut self, earlier: &Self, over: Duration) {
        self.times.since(&earlier.times, over, &mut self.host);
        let seconds = over.as_secs_f64();
        for now in &self.totals {
            let is_same =
                |one: &&Measure| one.counter.key == now.counter.key && one.instance == now.instance;
            let before = earlier.totals.iter().find(is_same);
            let grown = before.map(|before| now.value - before.value);
            // What became less was started anew.
            let rate = grown
                .map(|grown| grown / seconds)
                .filter(|rate| *rate >= 0.0 && rate.is_finite());
            self.measures.extend(rate.map(|value| Measure {
                value,
                ..now.clone()
            }));
        }
    }

    /// Whether there is anything of which a later page would tell more.
    pub(super) fn has_totals(&self) -> bool {
        !self.totals.is_empty() || self.times != HostTimes::default()
    }

    /// The value of the counter of this key, where it has only one.
    pub fn measure(&self, key: &str) -> Option<f64> {
        let mut known = self.measures.iter();
        let measure = known.find(|one| one.counter.key == key && one.instance.is_none())?;
        Some(measure.value)
    }

    /// Whether the page tells nothing of a mail host, not even that something is missing.
    pub(super) fn is_empty(&self) -> bool {
        self.measures.is_empty()
            && self.host.is_empty()
            && self.queue.is_none()
            && self.missing.is_empty()
    }
}

impl Facts for ExporterFacts {
    fn record(&self, out: &mut Record) {
        out.trees("exchange", &self.measures, |measure, out| {
            let (counter, value) = (measure.counter, measure.value);
            let mut metric = Metric::new(counter.metric, counter.unit, value);
            out.set("counter", counter.key);
            out.set("instance", measure.instance.clone());
            if let Some(instance) = &measure.instance {
                metric = metric.with_label("instance", instance.clone());
            }
            out.metric("value", metric);
        });
        let missing: Vec<_> = self.missing.iter().map(|group| group.as_str()).collect();
        out.set("missing", missing);
        if let Some(queue) = &self.queue {
            out.tree("queue", |out| queue.record(out));
        }
        self.host.record(out);
        let malformed = i64::try_from(self.malformed).unwrap_or(i64::MAX);
        out.set("malformed", malformed);
    }
}

/// What was gathered of a page so far.
#[derive(Default)]
struct Gathered {
    facts: ExporterFacts,
    postfix: Postfix,
    machine: Machine,
    /// Whether Exchange's collector is switched on, also where it failed.
    has_exchange: bool,
}

impl Gathered {
    fn take(&mut self, reading: &Reading<'_>) {
        if reading.name == "windows_exporter_collector_success" {
            let collector = reading.label("collector").unwrap_or_default();
            self.has_exchange |= collector.starts_with("exchange");
        } else if reading.name.starts_with("windows_exchange_") {
            self.counter(reading);
        } else if reading.name.starts_with("postfix_") {
            self.postfix.take(reading);
        } else {
            self.machine.take(reading);
        }
    }

    fn counter(&mut self, reading: &Reading<'_>) {
        let mut counters = COUNTERS.iter();
        let Some(counter) = counters.find(|counter| counter.is_of(reading.name)) else {
            return;
        };
        let has_priorities = matches!(
            counter.group,
            Group::OtherQueues | Group::Queues | Group::Throughput
        );
        let instance = match reading.label("name") {
            // One row for each priority, and their sum: together they would be counted twice.
            Some("_total") | None if has_priorities => None,
            Some(_) if has_priorities => return,
            name => name.map(|name| printable(name.as_bytes())),
        };
        let kept = match counter.kind {
            Kind::State => &mut self.facts.measures,
            Kind::Total => &mut self.facts.totals,
        };
        if kept.len() < ExporterFacts::MEASURES {
            kept.push(Measure {
                counter,
                instance,
                value: reading.value * counter.factor,
            });
        }
    }

    fn into_facts(self, now: SystemTime) -> ExporterFacts {
        let mut facts = self.facts;
        (facts.host, facts.times) = self.machine.into_facts(now);
        if self.has_exchange || !facts.measures.is_empty() {
            let is_there =
                |group: &Group| facts.measures.iter().any(|one| one.counter.group == *group);
            facts.missing = Group::EXPECTED
                .into_iter()
                .filter(|group| !is_there(group))
                .collect();
            facts.measures.extend(all_queues(&facts.measures));
        }
        facts.queue_is_missing = self.postfix.is_missing();
        facts.queue = self.postfix.into_facts(now);
        facts
    }
}

/// The sum of the queues, where there are any.
fn all_queues(measures: &[Measure]) -> Option<Measure> {
    let mut queues = measures
        .iter()
        .filter(|one| one.counter.group == Group::Queues)
        .peekable();
    queues.peek()?;
    let value: f64 = queues.map(|one| one.value).sum();
    value.is_finite().then_some(Measure {
        counter: &ALL,
        instance: None,
        value,
    })
}
