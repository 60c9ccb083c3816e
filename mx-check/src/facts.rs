//! What we learn: plain data, written when learned and never taken back.

mod cache;
mod delegation;
mod exchange;

use probe_core::{Facts, HostName, Record};
#[cfg(feature = "dnssec")]
use probe_net::dns::Trust;

pub use cache::{Cache, CacheHealth, Clock, Held, Passing};
pub(crate) use delegation::names;
pub use delegation::{Delegation, Parent, ParentSays, Server, ServerState, Soa};
pub use exchange::{Exchange, HostTlsa, MxAddress, MxForm, MxHost, MxKind, MxState};

/// What was learned of a domain.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct MxFacts {
    /// Which.
    pub domain: Option<HostName>,
    /// How it hangs in the tree.
    pub delegation: Delegation,
    /// Where its mail goes.
    pub exchange: Exchange,
    /// What resolvers have of it.
    pub caches: Vec<Cache>,
    /// How far signatures vouch for where its mail goes, if that was asked.
    #[cfg(feature = "dnssec")]
    pub trust: Option<Trust>,
    /// When its mail will stop, where that is to be feared.
    pub clock: Option<Clock>,
}

impl Facts for MxFacts {
    fn record(&self, out: &mut Record) {
        out.set("domain", self.domain.as_ref().map(ToString::to_string));
        out.tree("mx", |out| self.exchange.record(out));
        out.tree("delegation", |out| self.delegation.record(out));
        if !self.caches.is_empty() {
            out.trees("resolvers", &self.caches, Cache::record);
        }
        #[cfg(feature = "dnssec")]
        out.set("dnssec", self.trust.as_ref().map(ToString::to_string));
        if let Some(clock) = &self.clock {
            out.tree("mail_stops", |out| clock.record(out));
        }
    }
}
