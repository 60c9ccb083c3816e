//! What an exporter's page tells of a mail host: Exchange's counters by windows_exporter, queues by postfix_exporter, memory and
//! disks by both windows_exporter and node_exporter.

mod counters;
mod facts;
pub(crate) mod findings;
mod machine;
mod options;
mod postfix;
mod probe;
mod table;

pub use counters::{Counter, Group};
pub use facts::{ExporterFacts, Measure};
pub use options::ExporterOptions;
pub use probe::ExporterProbe;
pub use table::COUNTERS;
