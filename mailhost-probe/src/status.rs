//! What providers of hosted mail publish of themselves: pages of status, read and put into one model. A provider is the last to
//! tell that its service is down, and tells it of all its customers at once: such a page explains what other probes see, and is
//! never the only evidence.

mod facts;
mod feed;
pub(crate) mod findings;
mod graph;
mod markup;
mod options;
mod page;
mod probe;
mod statuspage;
mod workspace;

pub use facts::{Incident, ServiceState, State, StatusFacts};
pub use options::StatusOptions;
pub use page::{StatusFormat, StatusPage, Unrecognized};
pub use probe::StatusProbe;
