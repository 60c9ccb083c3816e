//! JMAP (RFC 8620), the protocol of mail over the web: the session that a server shows to a user, and one call or two of
//! its API. It has rooms of its own, in the same order as the crate.

mod command;
mod dialogue;
mod facts;
mod findings;
mod options;
mod probe;
mod reply;

pub use dialogue::{JmapDialogue, Next, Question};
pub use facts::{Detour, JmapFacts, Mailbox, Mailboxes};
pub use findings::{FINDINGS, judge};
pub use options::Options;
pub use probe::JmapProbe;
pub use reply::{Account, Limits, Session};
