#![doc = include_str!("../README.md")]

mod compare;
mod context;
mod facts;
mod failure;
mod finding;
mod fleet;
mod json;
mod phase;
mod probe;
mod report;
mod secret;
mod since;
mod target;
mod threshold;
mod transcript;

pub use compare::{CHANGES, Snapshot, SnapshotError, compare};
pub use context::Context;
pub use facts::{AnyFacts, Facts, Metric, Record, Unit, Value};
pub use failure::{Failure, FailureKind};
pub use finding::{Finding, FindingKind, Severity};
pub use fleet::Fleet;
pub use json::{SCHEMA, SCHEMA_VERSION};
pub use phase::{Phase, Span};
pub use probe::{AnyProbe, Probe};
pub use report::{Report, Verdict};
pub use secret::Secret;
pub use since::remember;
pub use target::{Host, HostName, Target, TargetError};
pub use threshold::{Range, RangeError, Thresholds};
pub use transcript::{Direction, Line, Transcript, printable};
