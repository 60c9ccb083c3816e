#![doc = include_str!("../README.md")]

mod command;
mod dialogue;
mod facts;
mod findings;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod jmap;
mod options;
mod page;
mod probe;
mod product;
mod reply;

pub use dialogue::{Next, WebmailDialogue};
pub use facts::{Detour, Hop, Login, Shown, Trouble, WebmailFacts};
pub use findings::{FINDINGS, judge};
pub use jmap::JmapProbe;
pub use options::{ConfigError, Options};
pub use page::Page;
pub use probe::WebmailProbe;
pub use product::{Product, UnknownProduct};
pub use reply::{Hsts, Html};
