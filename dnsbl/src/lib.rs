#![doc = include_str!("../README.md")]

mod catalogue;
mod command;
mod dialogue;
mod digest;
mod facts;
mod findings;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod memory;
mod options;
mod probe;
mod progress;
mod reply;

pub use catalogue::{
    Access, Catalogue, CatalogueError, Codes, CodesError, Filter, Form, Kinds, List, Meaning,
    Polarity, Profile, Scope, Status, Tests,
};
pub use command::Subject;
pub use dialogue::Sweep;
pub use facts::{DnsblFacts, Health, ListFacts, Listing};
pub use findings::{FINDINGS, judge};
pub use options::{ConfigError, Options};
pub use probe::DnsblProbe;
pub use progress::Progress;
pub use reply::{Entry, Reply};
