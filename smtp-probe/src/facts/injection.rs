//! What we learn of a command that is said in clear, right behind STARTTLS.

use probe_core::{Metric, Record, Unit};

use crate::reply::Reply;

/// What becomes of a command that stands in clear behind STARTTLS: RFC 3207 section 4.2 wants it forgotten. A server that
/// carries it out once TLS stands does the same with what somebody in between put there (CVE-2011-0411).
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "it does or it does not")]
pub enum InjectionFacts {
    /// It was carried out under TLS: these were the server's first words there, and nobody had asked for any.
    Executed(Reply),
    /// It was carried out before TLS: what was asked is still open.
    ExecutedInClear(Reply),
    /// The server hung up.
    HungUp,
    /// It was forgotten.
    Ignored,
    /// The server took no STARTTLS with something behind it.
    Refused(Reply),
    /// There was no time to wait for an answer.
    Untested,
}

impl InjectionFacts {
    /// A word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Executed(_) => "executed",
            Self::ExecutedInClear(_) => "executed-in-clear",
            Self::HungUp => "hung-up",
            Self::Ignored => "ignored",
            Self::Refused(_) => "refused",
            Self::Untested => "untested",
        }
    }

    pub(super) fn record(&self, out: &mut Record) {
        let value = match self {
            Self::Executed(_) => 1.0,
            _ => 0.0,
        };
        let metric = Metric::new("probe_smtp_command_injection", Unit::Count, value);
        out.metric("possible", metric);
        out.set("result", self.as_str());
        if let Self::Executed(reply) | Self::ExecutedInClear(reply) | Self::Refused(reply) = self {
            out.set("reply", reply.raw());
        }
    }
}
