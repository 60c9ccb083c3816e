//! What an agent told. What it does not tell is not zero.

use std::time::Duration;

use probe_core::{Facts, Metric, Record, Unit};

use crate::facts::QueueFacts;
use crate::host::HostFacts;
use crate::reason::Reason;

/// What an agent tells of a mail host.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct SnmpFacts {
    /// In which version it answered: `1`, `2c` or `3`.
    pub version: Option<&'static str>,
    /// What it says of itself.
    pub system: SystemFacts,
    /// What waits in the queues of its mail servers (MTA-MIB), one for each server; nothing where it does not tell.
    pub queue: Option<QueueFacts>,
    /// What its mail servers have done since they were started.
    pub mtas: Vec<MtaFacts>,
    /// The groups in which its mail servers count, such as destinations, channels or mailers, as far as they have mail or
    /// trouble. One message may be in several.
    pub groups: Vec<MtaGroupFacts>,
    /// The machine (HOST-RESOURCES-MIB, UCD-SNMP-MIB); nothing where it does not tell.
    pub host: Option<HostFacts>,
    /// How many questions were put.
    pub requests: usize,
}

/// What an agent says of itself (RFC 3418).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SystemFacts {
    /// The system, in its own words.
    pub description: Option<String>,
    /// The name that its operator gave it.
    pub name: Option<String>,
    /// How long ago the agent was started, which is not when the machine was.
    pub agent_uptime: Option<Duration>,
}

/// A mail server (RFC 2789, `mtaTable`).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct MtaFacts {
    /// Its number in the agent's tables.
    pub index: u32,
    /// Messages that it has taken in.
    pub received: Option<u64>,
    /// Messages that it has sent on.
    pub transmitted: Option<u64>,
    /// How often it found that a message goes in circles.
    pub loops: Option<u64>,
}

/// A group in which a mail server counts (RFC 2789, `mtaGroupTable`).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct MtaGroupFacts {
    /// The number of its mail server.
    pub mta: u32,
    /// Its name, or else its number.
    pub name: String,
    /// Messages that wait.
    pub stored: Option<u64>,
    /// Their octets, in thousands.
    pub bytes: Option<u64>,
    /// Their recipients.
    pub recipients: Option<u64>,
    /// How old the oldest of them is.
    pub oldest: Option<Duration>,
    /// Messages that it has turned away.
    pub rejected: Option<u64>,
    /// How often it could not connect.
    pub failed: Option<u64>,
    /// Why it could not the last time, in the server's words.
    pub failure: Option<String>,
    /// The class of that reason.
    pub reason: Option<Reason>,
}

impl Facts for SnmpFacts {
    fn record(&self, out: &mut Record) {
        out.set("version", self.version.map(str::to_owned));
        out.tree("system", |out| self.system.record(out));
        if let Some(queue) = &self.queue {
            out.tree("queue", |out| queue.record(out));
        }
        if !self.mtas.is_empty() {
            out.trees("mtas", &self.mtas, MtaFacts::record);
        }
        if !self.groups.is_empty() {
            out.trees("groups", &self.groups, MtaGroupFacts::record);
        }
        if let Some(host) = &self.host {
            out.tree("host", |out| host.record(out));
        }
        let requests = i64::try_from(self.requests).unwrap_or(i64::MAX);
        out.set("requests", requests);
    }
}

impl SystemFacts {
    fn record(&self, out: &mut Record) {
        out.set("description", self.description.clone());
        out.set("name", self.name.clone());
        if let Some(uptime) = self.agent_uptime {
            let uptime = Metric::duration("probe_snmp_agent_uptime_seconds", uptime);
            out.metric("agent_uptime_seconds", uptime);
        }
    }
}

impl MtaFacts {
    fn record(&self, out: &mut Record) {
        let index = self.index.to_string();
        out.set("index", index.as_str());
        let counts = [
            (
                "received",
                "probe_mta_received_messages_total",
                self.received,
            ),
            (
                "transmitted",
                "probe_mta_transmitted_messages_total",
                self.transmitted,
            ),
            ("loops", "probe_mta_loops_total", self.loops),
        ];
        for (key, name, count) in counts {
            if let Some(count) = count {
                let metric = Metric::whole(name, Unit::Count, count);
                out.metric(key, metric.with_label("mta", index.clone()));
            }
        }
    }
}

impl MtaGroupFacts {
    fn record(&self, out: &mut Record) {
        let label = |metric: Metric| {
            let metric = metric.with_label("mta", self.mta.to_string());
            metric.with_label("group", self.name.clone())
        };
        out.set("name", self.name.as_str());
        let counts = [
            (
                "stored",
                "probe_mta_group_messages",
                Unit::Count,
                self.stored,
            ),
            ("bytes", "probe_mta_group_bytes", Unit::Bytes, self.bytes),
            (
                "recipients",
                "probe_mta_group_recipients",
                Unit::Count,
                self.recipients,
            ),
            (
                "rejected",
                "probe_mta_group_rejected_total",
                Unit::Count,
                self.rejected,
            ),
            (
                "failed",
                "probe_mta_group_failed_total",
                Unit::Count,
                self.failed,
            ),
        ];
        for (key, name, unit, count) in counts {
            if let Some(count) = count {
                out.metric(key, label(Metric::whole(name, unit, count)));
            }
        }
        if let Some(oldest) = self.oldest {
            let oldest = Metric::duration("probe_mta_group_oldest_seconds", oldest);
            out.metric("oldest_seconds", label(oldest));
        }
        out.set("failure", self.failure.clone());
        out.set("reason", self.reason.map(Reason::as_str));
    }
}
