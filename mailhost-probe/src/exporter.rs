//! What an exporter's page tells of a mail host: Exchange's counters by windows_exporter, queues by postfix_exporter, memory and
//! disks by both windows_exporter and node_exporter.

mod counters;
mod facts;
pub(crate) mod findings;
mod options;
mod probe;

pub use counters::{COUNTERS, Counter, Group};
pub use facts::{ExporterFacts, Measure};
pub use options::ExporterOptions;
pub use probe::ExporterProbe;
