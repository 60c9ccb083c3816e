//! The caller's side of the network: how names are resolved, which way we go out, how we do TLS.

use core::fmt;
use core::net::IpAddr;
use std::sync::Arc;

use crate::tls::Tls;
use crate::{Proxy, Resolve, SystemResolver};

/// How a probe reaches the network. One value serves all probes; cloning it is cheap.
///
/// ```
/// use probe_net::{Family, Net, tls::Tls};
/// # #[cfg(feature = "ring")] {
/// let roots = rustls::RootCertStore::empty();
/// let net = Net::new(Tls::ring(roots)).with_family(Family::V4);
/// # }
/// ```
#[derive(Clone)]
pub struct Net {
    pub(crate) resolver: Arc<dyn Resolve>,
    pub(crate) source: Option<IpAddr>,
    pub(crate) family: Family,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) tls: Tls,
}

/// Which addresses of a host are used.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there are two families")]
pub enum Family {
    /// Both.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Family {
    pub(crate) fn admits(self, address: IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }
}

impl Net {
    /// The system's resolver and routes, with this TLS.
    pub fn new(tls: Tls) -> Self {
        Self {
            resolver: Arc::new(SystemResolver),
            source: None,
            family: Family::Any,
            proxy: None,
            tls,
        }
    }

    /// Uses only addresses of one family.
    #[must_use]
    pub fn with_family(mut self, family: Family) -> Self {
        self.family = family;
        self
    }

    /// Begins each connection with a PROXY line, as a load balancer does.
    #[must_use]
    pub fn with_proxy(mut self, proxy: Proxy) -> Self {
        self.proxy = Some(proxy);
        self
    }

    /// Resolves names in another way.
    #[must_use]
    pub fn with_resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Connects from this address of ours.
    #[must_use]
    pub fn with_source(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net")
            .field("source", &self.source)
            .field("family", &self.family)
            .field("proxy", &self.proxy)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}
