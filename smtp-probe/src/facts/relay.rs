//! What we learn of relaying.

use probe_core::{Metric, Record, Unit};

use crate::relay::RelayAttempt;
use crate::reply::Reply;

/// Whether the server relays for strangers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RelayFacts {
    /// How many forms were tried.
    pub tried: usize,
    /// Those that the server took, with its words.
    pub accepted: Vec<(RelayAttempt, Reply)>,
    /// How many were put off, or were taken by a server that takes any name in its own domain.
    pub unclear: usize,
    /// Why the test ended early: the server wants a login, knows this client from a blacklist, or hung up.
    pub stopped: Option<Reply>,
}

impl RelayFacts {
    pub(super) fn record(&self, out: &mut Record) {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let open = if self.accepted.is_empty() { 0.0 } else { 1.0 };
        out.metric(
            "open",
            Metric::new("probe_smtp_relay_open", Unit::Count, open),
        );
        let tried = count(self.tried);
        let metric = Metric::whole("probe_smtp_relay_forms_tried", Unit::Count, tried);
        out.metric("tried", metric);
        if !self.accepted.is_empty() {
            out.trees("accepted", &self.accepted, |(attempt, reply), out| {
                out.set("sender", format!("<{}>", attempt.sender));
                out.set("recipient", format!("<{}>", attempt.recipient));
                out.set("reply", reply.raw());
            });
        }
        if self.unclear > 0 {
            out.set("unclear", u16::try_from(self.unclear).unwrap_or(u16::MAX));
        }
        if let Some(reply) = &self.stopped {
            out.set("stopped", reply.raw());
        }
    }
}
