//! What became of the message.

use probe_core::{Metric, Record, Unit};

use super::RecipientFacts;
use crate::acceptance::Acceptance;

/// What became of the message that was sent.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SubmissionFacts {
    /// `DATA` or `BDAT`.
    pub transfer: &'static str,
    /// What the server said for each recipient that it had accepted: the same for all, but in LMTP.
    pub results: Vec<RecipientFacts>,
}

impl SubmissionFacts {
    pub(crate) const fn new(transfer: &'static str) -> Self {
        Self {
            transfer,
            results: Vec::new(),
        }
    }

    /// Whether the server has taken it for anybody.
    pub fn is_accepted(&self) -> bool {
        self.accepted().next().is_some()
    }

    /// The server's words for the first whom it took it for: most servers name their queue's own number for it.
    pub fn queue_text(&self) -> Option<&[u8]> {
        self.accepted().next().map(|one| one.answer.reply.text())
    }

    fn accepted(&self) -> impl Iterator<Item = &RecipientFacts> {
        let accepted = |one: &&RecipientFacts| one.answer.acceptance == Acceptance::Accepted;
        self.results.iter().filter(accepted)
    }

    pub(super) fn record(&self, out: &mut Record) {
        out.set("transfer", self.transfer);
        out.set("queue_text", self.queue_text());
        let value = if self.is_accepted() { 1.0 } else { 0.0 };
        let metric = Metric::new("probe_smtp_message_accepted", Unit::Count, value);
        out.metric("accepted", metric);
        out.trees("results", &self.results, |one, out| {
            out.set("address", one.address.as_str());
            one.answer.record(out);
        });
    }
}
