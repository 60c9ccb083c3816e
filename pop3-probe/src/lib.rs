#![doc = include_str!("../README.md")]

mod command;
mod dialogue;
mod facts;
mod findings;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod options;
mod probe;
mod reply;

pub use command::Command;
pub use dialogue::{Errand, Pop3Dialogue};
pub use facts::{Greeting, Maildrop, Pop3Facts, Refusal, Retrieved, Right, Rights};
pub use findings::{FINDINGS, judge};
pub use options::{ConfigError, LoginCommand, Options};
pub use probe::{Pop3Probe, Visit};
pub use reply::{
    Capabilities, Expiry, Keyword, Limits, Listing, Pop3Codec, Reply, ResponseCode, Status,
    UniqueIds,
};
