#![doc = include_str!("../README.md")]

mod command;
mod dialogue;
mod facts;
mod findings;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod options;
pub mod policy;
mod probe;
mod public;
pub mod records;
pub mod registration;
mod reply;

pub use facts::{
    Cache, CacheHealth, Clock, Delegation, Exchange, Held, HostTlsa, MxAddress, MxFacts, MxForm,
    MxHost, MxKind, MxState, Parent, ParentSays, Passing, Server, ServerState, Soa,
};
pub use findings::{FINDINGS, judge};
pub use options::{ConfigError, Options};
pub use probe::{DomainFacts, DomainProbe, MxProbe, PolicyProbe, RegistrationProbe};
pub use reply::{Mx, Set};
