//! What may be asked. The builder checks everything, so a probe that was built can only find faults of others.

use core::net::SocketAddr;

use probe_core::HostName;
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
    pub(crate) expected: Vec<HostName>,
    pub(crate) local_is_fine: bool,
}

impl Options {
    pub(crate) fn new(resolver: Resolver) -> Self {
        Self {
            caches: resolver.servers().to_vec(),
            resolver,
            roots: Some(RootHints::builtin()),
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
