//! What we learn of an envelope: what the server thinks of the sender and of each recipient.

use probe_core::{Metric, Record, Unit};

use crate::acceptance::Acceptance;
use crate::address::{Address, Sender};
use crate::reply::Reply;

/// What a server said to an envelope that was shown to it and taken back.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct EnvelopeFacts {
    /// Who was said to send.
    pub sender: Sender,
    /// What the server thinks of that.
    pub sender_answer: Option<Answer>,
    /// What it thinks of each recipient, in the order in which they were said.
    pub recipients: Vec<RecipientFacts>,
    /// What it thinks of a recipient whom nobody can know.
    pub stranger: Option<RecipientFacts>,
    /// Extensions that were to be used and are not offered.
    pub not_offered: Vec<&'static str>,
}

impl EnvelopeFacts {
    /// Whether the server takes mail for any name in the domain; `None` if it was not asked.
    pub fn catch_all(&self) -> Option<CatchAll> {
        let stranger = self.stranger.as_ref()?;
        Some(match stranger.answer.acceptance {
            Acceptance::Accepted => CatchAll::Yes,
            Acceptance::Refused | Acceptance::UnknownUser => CatchAll::No,
            _ => CatchAll::Unknown,
        })
    }

    /// How many recipients were accepted.
    pub(crate) fn accepted(&self) -> usize {
        let accepted = |one: &&RecipientFacts| one.answer.acceptance == Acceptance::Accepted;
        self.recipients.iter().filter(accepted).count()
    }
}

/// What the server thinks of one recipient.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RecipientFacts {
    /// Who that is.
    pub address: Address,
    /// What was said of it.
    pub answer: Answer,
}

impl RecipientFacts {
    pub(crate) const fn new(address: Address, answer: Answer) -> Self {
        Self { address, answer }
    }

    /// Whether somebody of that name is there. A server that takes any name proves nothing by taking this one, and one
    /// that asks to come later proves nothing either.
    pub fn existence(&self, catch_all: Option<CatchAll>) -> Existence {
        match (self.answer.acceptance, catch_all) {
            (Acceptance::Accepted, Some(CatchAll::Yes)) => Existence::Unknown,
            (Acceptance::Accepted | Acceptance::MailboxFull, _) => Existence::Exists,
            (Acceptance::UnknownUser, _) => Existence::Missing,
            _ => Existence::Unknown,
        }
    }
}

/// A reply, and what it means.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The server's words.
    pub reply: Reply,
    /// What they mean.
    pub acceptance: Acceptance,
}

impl Answer {
    pub(crate) const fn new(reply: Reply, acceptance: Acceptance) -> Self {
        Self { reply, acceptance }
    }
}

/// Whether a server takes mail for any name in a domain.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "yes, no, or nobody knows")]
pub enum CatchAll {
    /// It refused a name that nobody has.
    No,
    /// It neither took nor refused that name: it wants us later, or not at all.
    Unknown,
    /// It took a name that nobody has.
    Yes,
}

impl CatchAll {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::No => "no",
            Self::Unknown => "unknown",
            Self::Yes => "yes",
        }
    }
}

/// Whether somebody is there.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "yes, no, or nobody knows")]
pub enum Existence {
    /// Yes.
    Exists,
    /// No.
    Missing,
    /// The answer tells nothing of it.
    Unknown,
}

impl Existence {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exists => "yes",
            Self::Missing => "no",
            Self::Unknown => "unknown",
        }
    }
}

impl EnvelopeFacts {
    pub(super) fn record(&self, out: &mut Record) {
        out.set("sender", format!("<{}>", self.sender));
        if let Some(answer) = &self.sender_answer {
            out.tree("sender_answer", |out| answer.record(out));
        }
        if !self.recipients.is_empty() {
            let catch_all = self.catch_all();
            out.trees("recipients", &self.recipients, |one, out| {
                one.record(catch_all, out);
            });
        }
        if let Some(catch_all) = self.catch_all() {
            let word = catch_all.as_str();
            let metric = Metric::info("probe_smtp_catch_all_info", "verdict", word);
            out.label("catch_all", word, metric);
        }
        if let Some(stranger) = &self.stranger {
            out.tree("stranger", |out| {
                out.set("address", stranger.address.as_str());
                stranger.answer.record(out);
            });
        }
        if !self.not_offered.is_empty() {
            out.set("not_offered", self.not_offered.clone());
        }
    }
}

impl RecipientFacts {
    fn record(&self, catch_all: Option<CatchAll>, out: &mut Record) {
        out.set("address", self.address.as_str());
        self.answer.record(out);
        out.set("exists", self.existence(catch_all).as_str());
        let is_accepted = self.answer.acceptance == Acceptance::Accepted;
        let value = if is_accepted { 1.0 } else { 0.0 };
        let metric = Metric::new("probe_smtp_recipient_accepted", Unit::Count, value)
            .with_label("recipient", self.address.as_str())
            .with_label("verdict", self.answer.acceptance.as_str());
        out.metric("accepted", metric);
    }
}

impl Answer {
    pub(super) fn record(&self, out: &mut Record) {
        out.set("verdict", self.acceptance.as_str());
        let enhanced = self.reply.enhanced().map(|code| code.to_string());
        out.set("code", self.reply.code().map(|code| code.number()));
        out.set("enhanced_code", enhanced);
        out.set("reply", self.reply.raw());
    }
}
