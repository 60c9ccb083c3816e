//! The counters of Exchange that say how it is, with the limits that Microsoft names ("Exchange 2013 Performance Counters").
//! The names are those in the source of windows_exporter, which differ from its documentation.

use probe_core::{Thresholds, Unit};

/// Counters that appear or are missing together.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Group {
    /// The front end's proxies; of which none is expected to be there.
    HttpProxy,
    /// The directory.
    Ldap,
    /// The transport's queues.
    Queues,
    /// RPC Client Access, whose latency is Microsoft's indicator of a server's health.
    Rpc,
}

impl Group {
    /// What every page has that tells of Exchange at all.
    pub const EXPECTED: [Self; 3] = [Self::Ldap, Self::Queues, Self::Rpc];

    /// The name in JSON and in failures.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HttpProxy => "http-proxy",
            Self::Ldap => "ldap",
            Self::Queues => "transport-queues",
            Self::Rpc => "rpc",
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
    warning: Option<&'static str>,
    critical: Option<&'static str>,
}

impl Counter {
    /// The limits, unless others are given.
    pub fn thresholds(&self) -> Thresholds {
        let range = |text: Option<&str>| text.and_then(|text| text.parse().ok());
        Thresholds::new(range(self.warning), range(self.critical))
    }

    const fn new(
        group: Group,
        key: &'static str,
        series: &'static str,
        metric: &'static str,
        (warning, critical): (Option<&'static str>, Option<&'static str>),
    ) -> Self {
        let unit = match group {
            Group::Queues => Unit::Count,
            _ => Unit::Seconds,
        };
        Self {
            key,
            metric,
            unit,
            group,
            series,
            factor: 1.0,
            warning,
            critical,
        }
    }

    const fn counting(mut self) -> Self {
        self.unit = Unit::Count;
        self
    }

    /// Of a series that is in milliseconds whatever the others are.
    const fn in_milliseconds(mut self) -> Self {
        self.factor = 0.001;
        self
    }
}

const NO_LIMIT: (Option<&str>, Option<&str>) = (None, None);
const ACTIVE: (Option<&str>, Option<&str>) = (Some("250"), None);
/// No limit of Microsoft's: what administrators use.
const STUCK: (Option<&str>, Option<&str>) = (Some("250"), Some("1000"));
const RPC_LATENCY: (Option<&str>, Option<&str>) = (Some("0.25"), None);
const RPC_REQUESTS: (Option<&str>, Option<&str>) = (Some("40"), None);
/// On average, and in spikes.
const LDAP: (Option<&str>, Option<&str>) = (Some("0.05"), Some("0.1"));
const ALL_QUEUES: (Option<&str>, Option<&str>) = (Some("3000"), Some("5000"));

/// What is made of all queues together.
pub(super) static ALL: Counter = Counter::new(
    Group::Queues,
    "all_queues",
    "",
    "probe_exchange_all_queues",
    ALL_QUEUES,
);

/// All that are read. `ldap_long_running_ops_per_sec` is not among them: its values are wrong by a factor of 3600.
pub static COUNTERS: &[Counter] = &[
    Counter::new(
        Group::Rpc,
        "rpc_averaged_latency",
        "windows_exchange_rpc_avg_latency_sec",
        "probe_exchange_rpc_averaged_latency_seconds",
        RPC_LATENCY,
    ),
    Counter::new(
        Group::Rpc,
        "rpc_requests",
        "windows_exchange_rpc_requests",
        "probe_exchange_rpc_requests",
        RPC_REQUESTS,
    )
    .counting(),
    Counter::new(
        Group::Ldap,
        "ldap_read_time",
        "windows_exchange_ldap_read_time_sec",
        "probe_exchange_ldap_read_time_seconds",
        LDAP,
    ),
    Counter::new(
        Group::Ldap,
        "ldap_search_time",
        "windows_exchange_ldap_search_time_sec",
        "probe_exchange_ldap_search_time_seconds",
        LDAP,
    ),
    Counter::new(
        Group::Queues,
        "external_active_remote_delivery",
        "windows_exchange_transport_queues_external_active_remote_delivery",
        "probe_exchange_external_active_remote_delivery",
        ACTIVE,
    ),
    Counter::new(
        Group::Queues,
        "internal_active_remote_delivery",
        "windows_exchange_transport_queues_internal_active_remote_delivery",
        "probe_exchange_internal_active_remote_delivery",
        ACTIVE,
    ),
    Counter::new(
        Group::Queues,
        "active_mailbox_delivery",
        "windows_exchange_transport_queues_active_mailbox_delivery",
        "probe_exchange_active_mailbox_delivery",
        ACTIVE,
    ),
    Counter::new(
        Group::Queues,
        "retry_mailbox_delivery",
        "windows_exchange_transport_queues_retry_mailbox_delivery",
        "probe_exchange_retry_mailbox_delivery",
        STUCK,
    ),
    Counter::new(
        Group::Queues,
        "unreachable",
        "windows_exchange_transport_queues_unreachable",
        "probe_exchange_unreachable",
        STUCK,
    ),
    Counter::new(
        Group::Queues,
        "poison",
        "windows_exchange_transport_queues_poison",
        "probe_exchange_poison",
        STUCK,
    ),
    Counter::new(
        Group::Queues,
        "submission",
        "windows_exchange_transport_queues_submission_queue_length",
        "probe_exchange_submission",
        STUCK,
    ),
    Counter::new(
        Group::HttpProxy,
        "mailbox_server_locator_latency",
        "windows_exchange_http_proxy_mailbox_server_locator_avg_latency_sec",
        "probe_exchange_mailbox_server_locator_latency_seconds",
        NO_LIMIT,
    ),
    Counter::new(
        Group::HttpProxy,
        "auth_latency",
        "windows_exchange_http_proxy_avg_auth_latency",
        "probe_exchange_auth_latency_seconds",
        NO_LIMIT,
    )
    .in_milliseconds(),
    Counter::new(
        Group::HttpProxy,
        "cas_processing_latency",
        "windows_exchange_http_proxy_avg_cas_processing_latency_sec",
        "probe_exchange_cas_processing_latency_seconds",
        NO_LIMIT,
    ),
];
