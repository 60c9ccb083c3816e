//! What a mail server's queues hold: one model for all of them. Numbers that a source does not tell are `None`, never zero.

use core::fmt;
use std::time::{Duration, SystemTime};

use probe_core::{Facts, Metric, Record, Unit, printable};

use crate::growth::Growth;
use crate::reason::Reason;

/// What waits in the queues of a mail server.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct QueueFacts {
    /// Each queue that the source tells of, also if nothing is in it; none where nothing could be read.
    pub queues: Vec<QueueState>,
    /// Where mail waits to go to, the fullest destinations first, at most [`QueueFacts::DOMAINS`].
    pub domains: Vec<DomainFacts>,
    /// Recipients at all other destinations together.
    pub elsewhere: u64,
    /// Recipients by the reason for which they wait, where one is told.
    pub delayed: Delayed,
    /// Entries that could not be understood, and so are in no other number.
    pub unreadable: u64,
    /// The first of those, in its own words.
    pub first_unreadable: Option<String>,
    /// What the program that wrote the list complained of beside it.
    pub complaint: Option<String>,
    /// What changed since an earlier sample, where there was one.
    pub growth: Vec<Growth>,
}

impl QueueFacts {
    /// So many destinations are told by name.
    pub const DOMAINS: usize = 20;

    /// Messages in all queues.
    pub fn messages(&self) -> u64 {
        let queues = self.queues.iter();
        queues.fold(0, |all, queue| all.saturating_add(queue.messages))
    }

    /// The queue of this name.
    pub fn queue(&self, name: &str) -> Option<&QueueState> {
        self.queues.iter().find(|queue| queue.name.as_str() == name)
    }
}

impl Facts for QueueFacts {
    fn record(&self, out: &mut Record) {
        out.trees("queues", &self.queues, QueueState::record);
        out.trees("domains", &self.domains, DomainFacts::record);
        // Where nothing could be read, nothing is known to be none.
        let is_read = !self.queues.is_empty();
        if is_read {
            let elsewhere = Metric::whole("probe_queue_elsewhere", Unit::Count, self.elsewhere);
            out.metric("elsewhere", elsewhere);
        }
        out.tree("delayed", |out| {
            for (reason, count) in self.delayed.iter() {
                let metric = Metric::whole("probe_queue_delayed", Unit::Count, count);
                out.metric(
                    reason.as_str(),
                    metric.with_label("reason", reason.as_str()),
                );
            }
        });
        if is_read || self.unreadable > 0 {
            let unreadable = Metric::whole("probe_queue_unreadable", Unit::Count, self.unreadable);
            out.metric("unreadable", unreadable);
        }
        out.set("first_unreadable", self.first_unreadable.clone());
        out.set("complaint", self.complaint.clone());
        out.trees("growth", &self.growth, Growth::record);
    }
}

/// The name of a queue: one of Postfix's, or whatever another server calls its own.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct QueueName(String);

impl QueueName {
    /// Being delivered.
    pub const ACTIVE: &'static str = "active";
    /// Waiting for the next attempt.
    pub const DEFERRED: &'static str = "deferred";
    /// Held back by Exim, which no longer tries.
    pub const FROZEN: &'static str = "frozen";
    /// Held back on purpose.
    pub const HOLD: &'static str = "hold";
    /// Arrived, and not yet looked at.
    pub const INCOMING: &'static str = "incoming";
    /// Submitted on the machine itself, and not yet taken in.
    pub const MAILDROP: &'static str = "maildrop";
    /// The one queue of a server that has no more.
    pub const QUEUE: &'static str = "queue";
    /// The longest name that is kept; of longer ones this much.
    pub const LENGTH: usize = 64;

    /// A name in a server's words.
    pub fn new(name: impl AsRef<[u8]>) -> Self {
        let name = name.as_ref();
        Self(printable(name.get(..Self::LENGTH).unwrap_or(name)))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for QueueName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// One queue.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct QueueState {
    /// Which one.
    pub name: QueueName,
    /// How many messages wait in it.
    pub messages: u64,
    /// How many octets they have together, where that is told of each.
    pub bytes: Option<u64>,
    /// When the oldest of those whose age is told arrived.
    pub oldest: Option<SystemTime>,
    /// How old that was when it was looked at; where only groups of ages are told, at least how old.
    pub oldest_age: Option<Duration>,
    /// How old the messages are, as far as that is told.
    pub ages: Ages,
}

impl QueueState {
    pub(crate) fn empty(name: QueueName) -> Self {
        Self {
            name,
            messages: 0,
            bytes: Some(0),
            oldest: None,
            oldest_age: None,
            ages: Ages::default(),
        }
    }

    fn record(&self, out: &mut Record) {
        let name = self.name.as_str();
        out.set("name", name);
        let messages = Metric::whole("probe_queue_messages", Unit::Count, self.messages);
        out.metric("messages", messages.with_label("queue", name));
        if let Some(bytes) = self.bytes {
            let bytes = Metric::whole("probe_queue_bytes", Unit::Bytes, bytes);
            out.metric("bytes", bytes.with_label("queue", name));
        }
        if let Some(age) = self.oldest_age {
            let age = Metric::duration("probe_queue_oldest_seconds", age);
            out.metric("oldest_seconds", age.with_label("queue", name));
        }
        out.set("oldest", self.oldest);
        out.trees("ages", self.ages.iter(), |(bound, count), out| {
            let metric = Metric::whole("probe_queue_age_messages", Unit::Count, count);
            let bound = bound.map_or_else(
                || "older".to_owned(),
                |age| humantime::format_duration(age).to_string(),
            );
            out.set("up_to", bound.as_str());
            let metric = metric.with_label("queue", name);
            out.metric("messages", metric.with_label("up_to", bound));
        });
    }
}

/// How many messages are how old: each is counted once, at the first bound that it does not pass.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Ages([u64; Ages::BOUNDS.len() + 1]);

impl Ages {
    /// Up to a minute, ten minutes, an hour, four hours, a day, three days: with the usual back-off, a first attempt, some
    /// attempts, the warning to the sender, and soon the bounce.
    pub const BOUNDS: [Duration; 6] = [
        Duration::from_secs(60),
        Duration::from_secs(600),
        Duration::from_secs(3600),
        Duration::from_secs(4 * 3600),
        Duration::from_secs(24 * 3600),
        Duration::from_secs(3 * 24 * 3600),
    ];

    pub(crate) fn add(&mut self, age: Duration, messages: u64) {
        let place = Self::BOUNDS.iter().position(|bound| age <= *bound);
        if let Some(count) = self.0.get_mut(place.unwrap_or(Self::BOUNDS.len())) {
            *count = count.saturating_add(messages);
        }
    }

    /// The bounds with what is counted at each; `None` is "older than all".
    pub fn iter(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        let bounds = Self::BOUNDS.into_iter().map(Some).chain([None]);
        bounds.zip(self.0)
    }
}

/// One destination.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DomainFacts {
    /// Its domain, in lower case; empty for users of the machine itself.
    pub domain: String,
    /// How many recipients there mail waits for; at least so many, where the source names very many destinations.
    pub recipients: u64,
    /// Why, for those where it is told.
    pub delayed: Delayed,
}

impl DomainFacts {
    fn record(&self, out: &mut Record) {
        out.set("domain", self.domain.as_str());
        let metric = Metric::whole("probe_queue_recipients", Unit::Count, self.recipients);
        out.metric(
            "recipients",
            metric.with_label("domain", self.domain.as_str()),
        );
        out.set(
            "reason",
            self.delayed.most().map(|(reason, _)| reason.as_str()),
        );
    }
}

/// How many recipients wait for which reason.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Delayed([u64; Reason::ALL.len()]);

impl Delayed {
    pub(crate) fn add(&mut self, reason: Reason) {
        let mut counts = Reason::ALL.into_iter().zip(&mut self.0);
        if let Some((_, count)) = counts.find(|(known, _)| *known == reason) {
            *count = count.saturating_add(1);
        }
    }

    /// Each reason for which somebody waits, and how many do.
    pub fn iter(&self) -> impl Iterator<Item = (Reason, u64)> {
        let counts = Reason::ALL.into_iter().zip(self.0);
        counts.filter(|(_, count)| *count > 0)
    }

    /// The reason for which most wait.
    pub fn most(&self) -> Option<(Reason, u64)> {
        self.iter().max_by_key(|(_, count)| *count)
    }
}
