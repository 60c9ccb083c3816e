//! What a counter of Exchange is. Which there are stands in the table beside.

use probe_core::{Thresholds, Unit};

/// Counters that appear or are missing together.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Group {
    /// Who uses the server, and by what: none is expected to be there, as not every server has every service.
    Clients,
    /// The front end's proxies; of which none is expected to be there.
    HttpProxy,
    /// The directory.
    Ldap,
    /// Queues that hold nothing of their own to be delivered: what is copied from others' queues for safety, what is held
    /// back on purpose, and the longest of those that are counted already. They are not in the sum of all.
    OtherQueues,
    /// The transport's queues.
    Queues,
    /// RPC Client Access, whose latency is Microsoft's indicator of a server's health.
    Rpc,
    /// What goes through the transport.
    Throughput,
    /// What the server does by itself when it has time.
    Workload,
}

impl Group {
    /// What every page has that tells of Exchange at all.
    pub const EXPECTED: [Self; 3] = [Self::Ldap, Self::Queues, Self::Rpc];

    /// The name in JSON and in failures.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Clients => "clients",
            Self::HttpProxy => "http-proxy",
            Self::Ldap => "ldap",
            Self::OtherQueues => "other-queues",
            Self::Queues => "transport-queues",
            Self::Rpc => "rpc",
            Self::Throughput => "throughput",
            Self::Workload => "workload",
        }
    }
}

/// One counter.
#[derive(Debug)]
#[non_exhaustive]
pub struct Counter {
    /// How it is called where thresholds are given, and in JSON.
    pub key: &'static str,
    /// The metric that we write.
    pub metric: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// With which others it comes.
    pub group: Group,
    /// The series that is read.
    pub(super) series: &'static str,
    /// What makes its values seconds.
    pub(super) factor: f64,
    /// How its values are meant.
    pub(super) kind: Kind,
    warning: Option<&'static str>,
    critical: Option<&'static str>,
}

/// What the value of a counter says.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// How it is now.
    State,
    /// How often something happened since the service was started: two pages tell how often it does in a second.
    Total,
}

impl Counter {
    /// The limits, unless others are given.
    pub fn thresholds(&self) -> Thresholds {
        let range = |text: Option<&str>| text.and_then(|text| text.parse().ok());
        Thresholds::new(range(self.warning), range(self.critical))
    }

    pub(super) const fn new(
        group: Group,
        key: &'static str,
        series: &'static str,
        metric: &'static str,
        (warning, critical): (Option<&'static str>, Option<&'static str>),
    ) -> Self {
        let unit = match group {
            Group::HttpProxy | Group::Ldap | Group::Rpc => Unit::Seconds,
            _ => Unit::Count,
        };
        Self {
            key,
            metric,
            unit,
            group,
            series,
            factor: 1.0,
            kind: Kind::State,
            warning,
            critical,
        }
    }

    pub(super) const fn counting(mut self) -> Self {
        self.unit = Unit::Count;
        self
    }

    /// Of a series that only grows.
    pub(super) const fn in_a_second(mut self) -> Self {
        self.kind = Kind::Total;
        self.counting()
    }

    /// Whether this is the name of its series. Where it is a counter that does not say so in its name, OpenMetrics does.
    pub(super) fn is_of(&self, series: &str) -> bool {
        series == self.series || series.strip_suffix("_total") == Some(self.series)
    }

    /// Of a series that is in milliseconds whatever the others are.
    pub(super) const fn in_milliseconds(mut self) -> Self {
        self.factor = 0.001;
        self
    }
}
