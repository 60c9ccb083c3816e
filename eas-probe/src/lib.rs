#![doc = include_str!("../README.md")]

mod command;
mod dialogue;
pub mod discovery;
mod facts;
mod findings;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod options;
mod probe;
mod reply;
mod status;
pub mod wbxml;

pub use command::{
    Command, CommandError, Directory, QueryForm, Session, UnknownVersion, Verb, Version,
};
pub use dialogue::{Answer, EasDialogue, Event, Mail, Step};
pub use facts::{
    Anonymous, EasFacts, Exchange, FolderFacts, Health, InboxFacts, PingFacts, PolicyFacts, Trouble,
};
pub use findings::{FINDINGS, judge};
pub use options::{Acknowledgement, ConfigError, Device, Options, Rung};
pub use probe::{EasProbe, Place, Visit};
pub use reply::{Body, Folder, Reply, Words};
pub use status::Meaning;
