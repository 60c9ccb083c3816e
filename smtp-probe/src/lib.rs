#![doc = include_str!("../README.md")]

mod acceptance;
mod address;
mod command;
mod dialogue;
mod envelope;
mod expectation;
mod facts;
mod findings;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod message;
mod ntlm;
mod options;
mod probe;
mod relay;
mod reply;
mod smuggling;

pub use acceptance::Acceptance;
pub use address::{Address, AddressError, Path, Sender};
pub use command::{Command, EhloName, EhloNameError, UserName, UserNameError};
pub use dialogue::SmtpDialogue;
pub use envelope::{EnvelopeId, MailParameter, Notify, ParameterError, Return};
pub use expectation::{Expectation, ExpectationError, Stage};
pub use facts::{
    Answer, CatchAll, Directory, Disclosure, DisclosureFacts, EnvelopeFacts, Existence, Greeting,
    InjectionFacts, Meeting, NtlmFacts, RecipientFacts, RelayFacts, Role, SmtpFacts,
    SmugglingFacts, SubmissionFacts, Unexpected,
};
pub use findings::{FINDINGS, judge};
pub use message::{Message, MessageError, Transfer};
pub use ntlm::{NtlmChallenge, NtlmError, NtlmVersion};
pub use options::{ConfigError, Introduction, Options, Protocol};
pub use probe::SmtpProbe;
pub use relay::{RelayAttempt, RelayTest, RelayTestError};
pub use reply::{Capabilities, Code, EnhancedCode, Keyword, Limits, Reply, SmtpCodec};
pub use smuggling::FalseEnd;
