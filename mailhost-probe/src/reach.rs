//! A mail host as it looks from outside: does anything there answer at all, and does its mail service? What is said once a
//! connection stands is for the probes of the protocols.

pub(crate) mod echo;
mod facts;
pub(crate) mod findings;
mod options;
mod ping;
mod probe;

pub use facts::{AddressFacts, EchoFacts, EchoState, Life, PortFacts, PortState, ReachFacts};
pub use options::ReachOptions;
pub use probe::ReachProbe;
