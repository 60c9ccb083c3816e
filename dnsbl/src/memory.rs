//! What was learned in earlier sweeps of the same probe and still holds: answers for as long as they may be kept, and which
//! lists do not want us.

use core::fmt;
use core::net::SocketAddr;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use probe_net::dns::{Lost, Question};
use tokio::time::Instant;

use crate::reply::Entry;

/// Shared by all sweeps of a probe.
#[derive(Clone, Default)]
pub(crate) struct Memory(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    entries: HashMap<Question, (Instant, Entry)>,
    resting: HashMap<String, Instant>,
    /// Who answers for a list.
    servers: HashMap<String, (Instant, Servers)>,
}

/// The servers of a list, or why they are not known.
pub(crate) type Servers = Result<Arc<[SocketAddr]>, Lost>;

impl Memory {
    /// An answer is kept so long at least, also where a list does not say (rbldnsd without SOA).
    const SHORTEST: Duration = Duration::from_secs(60);
    /// A delisting is seen that soon, whatever the list says.
    const LONGEST: Duration = Duration::from_secs(15 * 60);
    /// How long a list is left alone that does not want us.
    const REST: Duration = Duration::from_secs(5 * 60);
    /// Lists move to other servers now and then.
    const MOVING: Duration = Duration::from_secs(60 * 60);
    /// More is not kept: the lists of a few addresses.
    const ENTRIES: usize = 100_000;

    pub(crate) fn recall(&self, question: &Question, now: Instant) -> Option<Entry> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, entry) = kept.entries.get(question)?;
        (*until > now).then(|| entry.clone())
    }

    pub(crate) fn keep(&self, question: &Question, entry: &Entry, now: Instant) {
        let ttl = entry.ttl.unwrap_or(Self::SHORTEST);
        let until = now + ttl.clamp(Self::SHORTEST, Self::LONGEST);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.entries.len() >= Self::ENTRIES {
            kept.entries.retain(|_, (until, _)| *until > now);
        }
        if kept.entries.len() < Self::ENTRIES {
            kept.entries
                .insert(question.clone(), (until, entry.clone()));
        }
    }

    pub(crate) fn servers(&self, zone: &str, now: Instant) -> Option<Servers> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, servers) = kept.servers.get(zone)?;
        (*until > now).then(|| servers.clone())
    }

    pub(crate) fn keep_servers(&self, zone: &str, servers: Servers, now: Instant) {
        let term = match servers {
            Ok(_) => Self::MOVING,
            Err(_) => Self::SHORTEST,
        };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.servers.insert(zone.to_owned(), (now + term, servers));
    }

    pub(crate) fn rests(&self, zone: &str, now: Instant) -> bool {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.resting.get(zone).is_some_and(|until| *until > now)
    }

    pub(crate) fn rest(&self, zone: &str, now: Instant) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.resting.insert(zone.to_owned(), now + Self::REST);
    }
}

/// How much it is: names contain keys.
impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        write!(f, "Memory({} answers)", kept.entries.len())
    }
}
