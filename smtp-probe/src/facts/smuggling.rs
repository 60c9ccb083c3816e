//! What we learn of where the server thinks that a message ends.

use probe_core::{Metric, Record, Unit};

use crate::reply::Reply;
use crate::smuggling::FalseEnd;

/// Whether the server takes for the end of a message what is none (RFC 5321 section 4.1.1.4).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SmugglingFacts {
    /// From whom it takes mail there.
    pub role: Role,
    /// Those that it took for text, as it must.
    pub ignored: Vec<FalseEnd>,
    /// What came of the one that it did not.
    pub met: Option<(FalseEnd, Meeting)>,
    /// Whether all were tried, or as many as were needed to know.
    pub is_complete: bool,
}

impl SmugglingFacts {
    pub(crate) const fn new(role: Role) -> Self {
        Self {
            role,
            ignored: Vec::new(),
            met: None,
            is_complete: false,
        }
    }

    /// The end that is none and was taken for one, with the server's words.
    pub fn accepted(&self) -> Option<(FalseEnd, &Reply)> {
        match &self.met {
            Some((end, Meeting::Accepted(reply))) => Some((*end, reply)),
            _ => None,
        }
    }

    pub(super) fn record(&self, out: &mut Record) {
        out.set("role", self.role.as_str());
        let value = if self.accepted().is_some() { 1.0 } else { 0.0 };
        let metric = Metric::new("probe_smtp_smuggling_accepted", Unit::Count, value);
        out.metric("accepted", metric);
        let ignored = self.ignored.iter().map(|end| end.as_str());
        out.set("ignored", ignored.collect::<Vec<_>>());
        if let Some((end, meeting)) = &self.met {
            out.set("met", end.as_str());
            out.set("result", meeting.as_str());
            out.set("reply", meeting.reply().map(Reply::raw));
        }
        out.set("complete", self.is_complete);
    }
}

/// From whom a server takes mail.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Role {
    /// From other servers: anybody could smuggle, through any server that lets it pass.
    Inbound,
    /// From its own users, behind a login: only they could.
    Submission,
}

impl Role {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Submission => "submission",
        }
    }
}

/// What a server does where it does not take a false end for text.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "taken, refused, or gone")]
pub enum Meeting {
    /// It took it for the end.
    Accepted(Reply),
    /// It hung up without a word.
    HungUp,
    /// It refused to go on.
    Refused(Reply),
}

impl Meeting {
    /// A word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::HungUp => "hung-up",
            Self::Refused(_) => "refused",
        }
    }

    const fn reply(&self) -> Option<&Reply> {
        match self {
            Self::Accepted(reply) | Self::Refused(reply) => Some(reply),
            Self::HungUp => None,
        }
    }
}
