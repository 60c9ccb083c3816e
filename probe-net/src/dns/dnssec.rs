//! The chain of signatures that leads to an answer (RFC 4033 to 4035), followed by ourselves: a resolver's word that data is
//! authentic is worth no more than the resolver, and where it says nothing but SERVFAIL, this says which link is broken.

mod anchors;
mod chain;
mod proof;

use core::fmt;
use std::time::SystemTime;

pub use anchors::{TrustAnchors, TrustAnchorsError};
pub use chain::Chain;

use super::Name;

/// How far signatures vouch for an answer (RFC 4033 section 5).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Trust {
    /// All the way: every link of the chain holds.
    Secure,
    /// Not at all, and that is meant so: a zone proves that what lies below it is not signed, or not in a way that anybody
    /// here could check.
    Insecure {
        /// Where the signatures end.
        at: Name,
    },
    /// They should, and they do not: whoever checks signatures finds nothing.
    Bogus {
        /// Which zone's data does not hold.
        at: Name,
        /// What is wrong with it.
        fault: Fault,
    },
    /// Not all that was needed came.
    Unknown(String),
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secure => f.write_str("secure"),
            Self::Insecure { at } => write!(f, "not signed from {at} on"),
            Self::Bogus { at, fault } => write!(f, "{at}: {fault}"),
            Self::Unknown(why) => write!(f, "unknown: {why}"),
        }
    }
}

/// What breaks a chain.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The signature is over.
    #[error("the signature over {what} expired at {}", humantime::format_rfc3339_seconds(*at))]
    Expired {
        /// The records.
        what: String,
        /// When it ended.
        at: SystemTime,
    },
    /// None of the zone's keys is one that the zone above has named.
    #[error("none of its keys is the one that the zone above names (DS {})", numbers(.0))]
    ForeignKeys(Vec<u16>),
    /// There are no keys.
    #[error("it has no keys (DNSKEY), although the zone above names some")]
    NoKeys,
    /// The signature has not begun, or a clock is wrong.
    #[error("the signature over {what} is valid only from {} on", humantime::format_rfc3339_seconds(*from))]
    NotYet {
        /// The records.
        what: String,
        /// When it begins.
        from: SystemTime,
    },
    /// Nothing proves that there is nothing.
    #[error("nothing proves that there is no {0}")]
    Undenied(String),
    /// There is no signature by a key of the zone.
    #[error("{0} is not signed by a key of the zone")]
    Unsigned(String),
    /// The signature is not one over these records.
    #[error("the signature over {0} is wrong")]
    Wrong(String),
}

fn numbers(tags: &[u16]) -> String {
    let tags = tags.iter().map(u16::to_string);
    tags.collect::<Vec<_>>().join(", ")
}
