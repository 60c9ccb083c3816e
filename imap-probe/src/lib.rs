#![doc = include_str!("../README.md")]

mod command;
mod dialogue;
mod facts;
mod findings;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod mailbox;
mod options;
mod probe;
mod reply;

pub use command::{Change, Command, Introduction, Line, Literals, Messages, Tag};
pub use dialogue::{Answer, Errand, ImapDialogue};
pub use facts::{EditFacts, Exercise, Folders, ImapFacts, MailboxFacts, MessageFacts, Quota};
pub use findings::{FINDINGS, judge};
pub use mailbox::{Mailbox, MailboxError};
pub use options::{Access, ConfigError, Criteria, CriteriaError, Extension, LoginCommand, Options};
pub use probe::{ImapProbe, Message, Opened, Removal, Visit};
pub use reply::{
    Address, Capabilities, Code, Condition, Data, Envelope, ExtendedSearch, Fetch, ImapCodec, Item,
    Limits, List, Namespace, Namespaces, Reply, Resource, Response, Status, Structure, Text,
};
