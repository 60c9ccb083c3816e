//! What resolvers, and their caches, have of a domain; and how long they will.

use core::net::SocketAddr;
use core::time::Duration;
use std::time::SystemTime;

use probe_core::{Metric, Record};
use probe_net::dns::Name;

use crate::public;
use crate::reply::{Mx, Set};

/// A resolver.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cache {
    /// Who was asked.
    pub resolver: SocketAddr,
    /// Whether it answers as a resolver should.
    pub health: CacheHealth,
    /// The MX records that it has, and how they were met from sample to sample.
    pub exchanges: Option<Held<Mx>>,
    /// The name servers that it has.
    pub name_servers: Option<Held<Name>>,
    /// The shortest of the times for which it still has the addresses of the hosts that take the mail.
    pub addresses: Option<u32>,
    /// It answers only where signatures are not to be judged: they are wrong.
    pub is_bogus: bool,
}

/// What a cache has.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Held<T> {
    /// What it answered last.
    pub set: Set<T>,
    /// When it was asked, counted from the first question, and how many seconds were left then.
    pub samples: Vec<(Duration, u32)>,
    /// It said that it keeps answering with what is over (RFC 8767, by its error 3).
    pub is_stale: bool,
}

/// Whether a resolver can be believed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum CacheHealth {
    /// It finds what is there, and does not find what is not.
    Well,
    /// It finds addresses for names that nobody has.
    Invents,
    /// It cannot find the root's servers.
    Blind(String),
    /// It does not answer.
    Silent(String),
    /// It was not asked.
    #[default]
    Unasked,
}

/// What happens to the time that is left of what a cache has.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "it falls, stays or rises")]
pub enum Passing {
    /// It passes, as in a cache.
    Counting,
    /// It is more than before: a farm of caches, another of which has answered.
    OtherCache,
    /// It does not pass: each answer is fetched anew, or is over and served all the same (RFC 8767).
    Still,
}

/// When mail will stop, where only caches still know the domain.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Clock {
    /// No cache that was asked forgets earlier than this.
    pub earliest: SystemTime,
    /// No cache that was asked remembers longer than this.
    pub latest: SystemTime,
    /// How many caches still answer.
    pub caches: usize,
}

impl<T> Held<T> {
    /// How many seconds are left.
    pub fn remaining(&self) -> u32 {
        self.samples.last().map_or(0, |(_, ttl)| *ttl)
    }

    /// What happened between the first sample and the last. `None` where they are too near to each other.
    pub fn passing(&self) -> Option<Passing> {
        let (first, last) = (self.samples.first()?, self.samples.last()?);
        let waited = last.0.checked_sub(first.0)?.as_secs();
        let passed = first.1.checked_sub(last.1).map(u64::from);
        if waited == 0 {
            return None;
        }
        Some(match passed {
            None => Passing::OtherCache,
            Some(0) => Passing::Still,
            Some(_) => Passing::Counting,
        })
    }
}

impl CacheHealth {
    /// A word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Blind(_) => "blind",
            Self::Invents => "invents",
            Self::Silent(_) => "silent",
            Self::Unasked => "unasked",
            Self::Well => "well",
        }
    }
}

impl Cache {
    pub(crate) const fn new(resolver: SocketAddr) -> Self {
        Self {
            resolver,
            health: CacheHealth::Unasked,
            exchanges: None,
            name_servers: None,
            addresses: None,
            is_bogus: false,
        }
    }

    /// Whether what it says counts.
    pub fn is_believed(&self) -> bool {
        self.health == CacheHealth::Well
    }

    /// Whether it still knows where the mail goes.
    pub fn still_answers(&self) -> bool {
        let has_any = |held: &Held<Mx>| !held.set.records.is_empty();
        self.is_believed() && self.exchanges.as_ref().is_some_and(has_any)
    }

    pub(crate) fn record(&self, out: &mut Record) {
        out.set("resolver", self.resolver.to_string());
        if let Some(operator) = public::operator(self.resolver) {
            out.set("operator", operator);
        }
        out.set("health", self.health.as_str());
        if let Some(held) = &self.exchanges {
            out.set("mx", held.set.records.len().to_string());
            out.set("mx_rcode", held.set.rcode.to_string());
            out.set("mx_remaining", i64::from(held.remaining()));
            if held.is_stale {
                out.set("stale", true);
            }
        }
        if let Some(held) = &self.name_servers {
            out.set("ns_rcode", held.set.rcode.to_string());
            out.set("ns_remaining", i64::from(held.remaining()));
        }
        if self.is_bogus {
            out.set("bogus", true);
        }
    }
}

impl Clock {
    pub(crate) fn record(&self, out: &mut Record) {
        let earliest =
            Metric::timestamp("probe_mail_stops_earliest_timestamp_seconds", self.earliest);
        out.metric("earliest", earliest);
        let latest = Metric::timestamp("probe_mail_stops_latest_timestamp_seconds", self.latest);
        out.metric("latest", latest);
        out.set("caches", u16::try_from(self.caches).unwrap_or(u16::MAX));
    }
}
