//! Send, collect, report.

mod room;

pub use room::{Place, Retrieval};
