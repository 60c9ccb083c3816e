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

pub use command::{Command, EhloName, EhloNameError};
pub use dialogue::SmtpDialogue;
pub use facts::{Greeting, SmtpFacts};
pub use findings::{FINDINGS, judge};
pub use options::{ConfigError, Options};
pub use probe::SmtpProbe;
pub use reply::{Capabilities, Code, EnhancedCode, Keyword, Limits, Reply, SmtpCodec};
