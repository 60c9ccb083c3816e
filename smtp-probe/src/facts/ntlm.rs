//! What NTLM's challenge tells.

use probe_core::Record;

use crate::ntlm::{NtlmChallenge, NtlmError};
use crate::reply::Reply;

/// What became of asking for NTLM's challenge.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum NtlmFacts {
    /// NTLM is not offered, neither by AUTH nor by X-EXPS, so nothing was asked.
    NotOffered,
    /// The server gave no challenge.
    Refused(Reply),
    /// What it tells.
    Told(Box<NtlmChallenge>),
    /// It gave something else, and why that is no challenge.
    Unreadable(NtlmError, Reply),
}

impl NtlmFacts {
    pub(crate) fn read(reply: Reply) -> Self {
        match NtlmChallenge::read(reply.text()) {
            Ok(challenge) => Self::Told(Box::new(challenge)),
            Err(error) => Self::Unreadable(error, reply),
        }
    }

    /// The challenge, if there was one.
    pub fn challenge(&self) -> Option<&NtlmChallenge> {
        match self {
            Self::Told(challenge) => Some(challenge),
            _ => None,
        }
    }

    /// In a word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::NotOffered => "not-offered",
            Self::Refused(_) => "refused",
            Self::Told(_) => "told",
            Self::Unreadable(..) => "unreadable",
        }
    }

    pub(super) fn record(&self, out: &mut Record) {
        out.set("outcome", self.as_str());
        match self {
            Self::NotOffered => {}
            Self::Refused(reply) => out.set("reply", reply.raw()),
            Self::Told(challenge) => record_challenge(challenge, out),
            Self::Unreadable(error, reply) => {
                out.set("reason", error.to_string());
                out.set("reply", reply.raw());
            }
        }
    }
}

fn record_challenge(challenge: &NtlmChallenge, out: &mut Record) {
    for (what, name) in challenge.names() {
        out.set(what, name.as_bytes());
    }
    out.set(
        "version",
        challenge.version.map(|version| version.to_string()),
    );
    out.set("time", challenge.time);
}
