#![doc = include_str!("../README.md")]

mod authentication;
mod bounce;
mod canary;
mod comment;
mod facts;
mod findings;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod integrity;
mod ledger;
mod mime;
mod options;
mod probe;
mod recognise;
mod rules;
mod state;
mod status;
mod token;
mod trace;
mod transit;

pub use authentication::{AuthResult, Authentication, Outcome};
pub use bounce::{Action, Bounce, BounceForm, Notice};
pub use canary::{Answers, Canary, CanaryError, Draft};
pub use facts::{Arrival, CanaryFacts, DeliveryFacts, Placement};
pub use findings::{FINDINGS, judge};
pub use integrity::{Attachment, Change, Integrity};
pub use ledger::{Counts, Entry, Event, Histogram, Ledger, Patience, Standing};
pub use options::{ConfigError, Mode, Options};
pub use probe::{DeliveryProbe, Place, Retrieval};
pub use recognise::{Deletable, Known, Recogniser, Recognition, Remnant};
pub use rules::{Rules, Unprotected};
pub use state::State;
pub use status::{Cause, Status};
pub use token::{
    Claims, Form, Key, KeyError, Keys, KindError, Name, NameError, Nonce, NonceError, Size, Tag,
    Token, TokenError,
};
pub use trace::{Hop, HopQuirk, Protection, Protocol, TlsNote, Trace};
pub use transit::{ClockOff, Direction, Ends, Leg, Proof, Transit};
