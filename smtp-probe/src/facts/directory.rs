//! What we learn of VRFY and EXPN: whether the server tells strangers who is there.

use core::fmt;

use probe_core::Record;

use crate::command::UserName;
use crate::reply::Reply;

/// What the server said about one name.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DisclosureFacts {
    /// How it was asked.
    pub directory: Directory,
    /// For whom.
    pub name: UserName,
    /// Its words.
    pub reply: Reply,
}

impl DisclosureFacts {
    pub(crate) const fn new(directory: Directory, name: UserName, reply: Reply) -> Self {
        Self {
            directory,
            name,
            reply,
        }
    }

    /// What that tells a stranger (RFC 5321 section 3.5.3).
    pub fn disclosure(&self) -> Disclosure {
        let number = self.reply.code().map(|code| code.number());
        let is_about_the_address = self.reply.enhanced().is_some_and(|code| code.subject == 1);
        match number {
            // "252 is not a confirmation", and says the same to all.
            Some(250 | 251 | 553) => Disclosure::Exists,
            Some(550 | 551) if is_about_the_address => Disclosure::Missing,
            _ => Disclosure::Nothing,
        }
    }

    pub(super) fn record(&self, out: &mut Record) {
        out.set("command", self.directory.as_str());
        out.set("name", self.name.as_str());
        out.set("disclosure", self.disclosure().as_str());
        out.set("reply", self.reply.raw());
    }
}

/// A command that asks who is there.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 5321 knows these two")]
pub enum Directory {
    /// Who is on a list.
    Expn,
    /// Whether somebody is there.
    Vrfy,
}

impl Directory {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expn => "EXPN",
            Self::Vrfy => "VRFY",
        }
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What an answer tells a stranger.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "yes, no, or nothing")]
pub enum Disclosure {
    /// That the name is there.
    Exists,
    /// That it is not.
    Missing,
    /// Nothing.
    Nothing,
}

impl Disclosure {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exists => "exists",
            Self::Missing => "missing",
            Self::Nothing => "nothing",
        }
    }
}
