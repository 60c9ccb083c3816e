//! What was on the page. What is not there is not zero.

use std::time::SystemTime;

use probe_core::{Facts, Metric, Record, printable};

use super::counters::{ALL, COUNTERS, Counter, Group};
use crate::exposition::{Exposition, Reading};
use crate::facts::QueueFacts;
use crate::host::{DiskFacts, HostFacts, MemoryFacts};
use crate::tally::Tally;

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
    /// use std::time::SystemTime;
    ///
    /// let page = b"windows_exchange_rpc_avg_latency_sec 0.012\n";
    /// let facts = ExporterFacts::of_page(page, SystemTime::now());
    /// assert_eq!(facts.measure("rpc_averaged_latency"), Some(0.012));
    /// assert_eq!(facts.measure("poison"), None);
    /// ```
    pub fn of_page(page: &[u8], now: SystemTime) -> Self {
        let mut readings = Exposition::new(page);
        let mut gathered = Gathered {
            facts: Self::default(),
            postfix: Postfix::default(),
            memory: (None, None),
            has_exchange: false,
        };
        for reading in readings.by_ref().filter(|one| one.value.is_finite()) {
            gathered.take(&reading);
        }
        let mut facts = gathered.into_facts(now);
        facts.malformed = readings.malformed();
        facts
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
struct Gathered {
    facts: ExporterFacts,
    postfix: Postfix,
    memory: (Option<f64>, Option<f64>),
    /// Whether Exchange's collector is switched on, also where it failed.
    has_exchange: bool,
}

/// What postfix_exporter tells.
#[derive(Default)]
struct Postfix {
    is_up: Option<bool>,
    queues: Vec<(String, Option<u64>, Option<u64>)>,
}

impl Gathered {
    fn take(&mut self, reading: &Reading<'_>) {
        let value = reading.value;
        match reading.name {
            "windows_memory_available_bytes" | "node_memory_MemAvailable_bytes" => {
                self.memory.0 = Some(value);
            }
            "windows_memory_physical_total_bytes"
            | "windows_cs_physical_memory_bytes"
            | "node_memory_MemTotal_bytes" => self.memory.1 = Some(value),
            "windows_logical_disk_free_bytes" => {
                self.disk(reading.label("volume"), Some(value), None)
            }
            "windows_logical_disk_size_bytes" => {
                self.disk(reading.label("volume"), None, Some(value))
            }
            "node_filesystem_avail_bytes" => {
                self.disk(reading.label("mountpoint"), Some(value), None)
            }
            "node_filesystem_size_bytes" => {
                self.disk(reading.label("mountpoint"), None, Some(value))
            }
            "windows_exporter_collector_success" => {
                let collector = reading.label("collector").unwrap_or_default();
                self.has_exchange |= collector.starts_with("exchange");
            }
            "node_load1" => self.facts.host.load[0] = Some(value),
            "node_load5" => self.facts.host.load[1] = Some(value),
            "node_load15" => self.facts.host.load[2] = Some(value),
            // Of several instances of Postfix, one that is down is enough.
            "postfix_up" => {
                self.postfix.is_up = Some(value != 0.0 && self.postfix.is_up != Some(false))
            }
            "postfix_showq_message_size_bytes_count" => {
                self.postfix.queue(reading, Some(value), None)
            }
            "postfix_showq_message_size_bytes_sum" => {
                self.postfix.queue(reading, None, Some(value))
            }
            _ => self.counter(reading),
        }
    }

    fn counter(&mut self, reading: &Reading<'_>) {
        let is_full = self.facts.measures.len() >= ExporterFacts::MEASURES;
        let mut counters = COUNTERS.iter();
        let Some(counter) = counters.find(|counter| counter.series == reading.name && !is_full)
        else {
            return;
        };
        let instance = match (counter.group, reading.label("name")) {
            // One row for each priority, and their sum: together they would be counted twice.
            (Group::Queues, Some("_total") | None) => None,
            (Group::Queues, Some(_)) => return,
            (_, name) => name.map(|name| printable(name.as_bytes())),
        };
        self.facts.measures.push(Measure {
            counter,
            instance,
            value: reading.value * counter.factor,
        });
    }

    fn disk(&mut self, name: Option<&str>, free: Option<f64>, size: Option<f64>) {
        // windows_exporter also tells the sum of all.
        let Some(name) = name.filter(|name| *name != "_Total") else {
            return;
        };
        let name = printable(name.as_bytes());
        let disks = &mut self.facts.host.disks;
        let place = disks.iter().position(|disk| disk.name == name);
        let place = match place {
            Some(place) => place,
            None if disks.len() >= HostFacts::DISKS => return,
            None => {
                disks.push(DiskFacts::new(name, f64::NAN, 0.0));
                disks.len() - 1
            }
        };
        if let Some(disk) = disks.get_mut(place) {
            disk.free = free.unwrap_or(disk.free);
            disk.size = size.unwrap_or(disk.size);
        }
    }

    fn into_facts(self, now: SystemTime) -> ExporterFacts {
        let mut facts = self.facts;
        let disks = &mut facts.host.disks;
        disks.retain(|disk| disk.size > 0.0 && !disk.free.is_nan());
        if let (Some(available), Some(total)) = self.memory {
            facts.host.memory = MemoryFacts::new(available, total);
        }
        if self.has_exchange || !facts.measures.is_empty() {
            let is_there =
                |group: &Group| facts.measures.iter().any(|one| one.counter.group == *group);
            facts.missing = Group::EXPECTED
                .into_iter()
                .filter(|group| !is_there(group))
                .collect();
            facts.measures.extend(all_queues(&facts.measures));
        }
        facts.queue = self.postfix.facts(now);
        let has_postfix = self.postfix.is_up.is_some() || !self.postfix.queues.is_empty();
        facts.queue_is_missing = has_postfix && facts.queue.is_none();
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
    Some(Measure {
        counter: &ALL,
        instance: None,
        value: queues.map(|one| one.value).sum(),
    })
}

impl Postfix {
    /// So many queues are told apart.
    const QUEUES: usize = Tally::QUEUES;

    fn queue(&mut self, reading: &Reading<'_>, count: Option<f64>, octets: Option<f64>) {
        let Some(name) = reading.label("queue") else {
            return;
        };
        let place = self.queues.iter().position(|(known, ..)| known == name);
        let place = match place {
            Some(place) => place,
            None if self.queues.len() >= Self::QUEUES => return,
            None => {
                self.queues.push((name.to_owned(), None, None));
                self.queues.len() - 1
            }
        };
        if let Some((_, counted, measured)) = self.queues.get_mut(place) {
            *counted = count.and_then(crate::growth::whole).or(*counted);
            *measured = octets.and_then(crate::growth::whole).or(*measured);
        }
    }

    /// An exporter that could not read the queue writes zeros, or the numbers of last time.
    fn facts(&self, now: SystemTime) -> Option<QueueFacts> {
        if self.is_up == Some(false) || self.queues.is_empty() {
            return None;
        }
        let mut tally = Tally::new(now);
        for (name, count, octets) in &self.queues {
            tally.sum(name, (*count)?, *octets);
        }
        Some(tally.into_facts())
    }
}
