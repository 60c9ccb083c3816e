#![doc = include_str!("../README.md")]

mod exporter;
mod exposition;
mod facts;
mod findings;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod growth;
mod host;
mod options;
mod probe;
mod reach;
mod reason;
#[cfg(feature = "snmp")]
mod snmp;
mod sources;
mod status;
mod tally;

pub use exporter::{
    COUNTERS, Counter, ExporterFacts, ExporterOptions, ExporterProbe, Group, Measure,
};
pub use exposition::{Exposition, Reading};
pub use facts::{Ages, Delayed, DomainFacts, QueueFacts, QueueName, QueueState};
pub use findings::{FINDINGS, judge};
pub use growth::{Growth, Sample, SampleError};
pub use host::{
    Access, CpuFacts, DeviceFacts, DiskFacts, HostFacts, HostLimits, HostOptions, HostProbe,
    MemoryFacts, PressureFacts, Resource, SwapFacts,
};
pub use options::{ConfigError, Options, Source};
pub use probe::QueueProbe;
pub use reach::{
    AddressFacts, EchoFacts, EchoState, Life, PortFacts, PortState, ReachFacts, ReachOptions,
    ReachProbe,
};
pub use reason::Reason;
#[cfg(feature = "snmp")]
pub use snmp::{
    MtaFacts, MtaGroupFacts, SNMP_FINDINGS, SnmpAccess, SnmpAuth, SnmpFacts, SnmpOptions,
    SnmpPrivacy, SnmpProbe, SnmpUser, SystemFacts,
};
pub use sources::{Format, Listing, Unreadable};
pub use status::{
    Incident, ServiceState, State, StatusFacts, StatusFormat, StatusOptions, StatusPage,
    StatusProbe, Unrecognized,
};
