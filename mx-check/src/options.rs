//! What may be asked. The builder checks everything, so a probe that was built can only find faults of others.

use core::net::SocketAddr;

use probe_core::HostName;
#[cfg(feature = "dnssec")]
use probe_net::dns::TrustAnchors;
use probe_net::dns::{Resolver, RootHints};

use crate::probe::MxProbe;
use crate::public;

/// Everything that can be asked about a domain, and whom; made by [`MxProbe::builder`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct Options {
    pub(crate) resolver: Resolver,
    pub(crate) caches: Vec<SocketAddr>,
    pub(crate) roots: Option<RootHints>,
    #[cfg(feature = "dnssec")]
    anchors: Option<TrustAnchors>,
    pub(crate) expected: Vec<HostName>,
    pub(crate) local_is_fine: bool,
}

impl Options {
    pub(crate) fn new(resolver: Resolver) -> Self {
        Self {
            caches: resolver.servers().to_vec(),
            resolver,
            roots: Some(RootHints::builtin()),
            #[cfg(feature = "dnssec")]
            anchors: None,
            expected: Vec::new(),
            local_is_fine: false,
        }
    }

    /// The resolvers whose caches are looked into, each by itself. By default those by which hosts are found.
    pub fn caches(mut self, resolvers: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.caches = resolvers.into_iter().collect();
        self
    }

    /// Looks into the caches of public resolvers as well: of eight that filter nothing.
    pub fn and_public_caches(mut self) -> Self {
        self.caches.extend(public::resolvers());
        self
    }

    /// Where the way to the domain's own servers begins. By default at the root servers of the Internet.
    pub fn roots(mut self, roots: RootHints) -> Self {
        self.roots = Some(roots);
        self
    }

    /// Asks resolvers alone: of the zone above and of the domain's own servers nothing is known then.
    pub fn without_roots(mut self) -> Self {
        self.roots = None;
        self
    }

    /// The keys from which chains of signatures begin. By default those of the root of the Internet; below [other
    /// roots](Self::roots) none, and no chain is followed.
    #[cfg(feature = "dnssec")]
    pub fn trust_anchors(mut self, anchors: TrustAnchors) -> Self {
        self.anchors = Some(anchors);
        self
    }

    /// The hosts that are to take the mail, all of them.
    pub fn expected(mut self, hosts: impl IntoIterator<Item = HostName>) -> Self {
        self.expected = hosts.into_iter().collect();
        self
    }

    /// Whether mail may go to addresses of private networks: for a mail system that is none of the Internet's.
    pub fn local_is_fine(mut self, it_is: bool) -> Self {
        self.local_is_fine = it_is;
        self
    }

    /// Where chains of signatures begin, if one can be followed.
    #[cfg(feature = "dnssec")]
    pub(crate) fn anchors(&self) -> Option<TrustAnchors> {
        let is_internet = self.roots.as_ref().is_none_or(RootHints::is_builtin);
        let builtin = is_internet.then(TrustAnchors::iana);
        self.anchors.clone().or(builtin)
    }

    /// The probe.
    ///
    /// # Errors
    /// There is nobody to be asked.
    pub fn build(self) -> Result<MxProbe, ConfigError> {
        if self.resolver.servers().is_empty() {
            return Err(ConfigError::NoResolver);
        }
        Ok(MxProbe::new(self))
    }
}

/// Why options cannot be built into a probe.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Hosts are found by a resolver.
    #[error("there is no resolver to be asked")]
    NoResolver,
}
