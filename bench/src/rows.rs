//! The rows of the list of targets, by what they need.

pub(crate) mod cli;
pub(crate) mod handshake;
pub(crate) mod instructions;
pub(crate) mod memory;
pub(crate) mod names;
pub(crate) mod probe;
pub(crate) mod replies;
pub(crate) mod roundtrips;
