//! From a name to addresses.

use core::future::Future;
use core::net::IpAddr;
use core::pin::Pin;

use probe_core::HostName;

/// Finds the addresses of a name.
pub trait Resolve: Send + Sync {
    /// All addresses, in the order in which they should be tried.
    fn resolve<'a>(
        &'a self,
        name: &'a HostName,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>>;
}

/// Why a name led to no address.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct ResolveError(String);

impl ResolveError {
    /// For this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// The operating system's way: `/etc/hosts`, its cache, its DNS servers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(
        &'a self,
        name: &'a HostName,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>> {
        Box::pin(async move {
            match tokio::net::lookup_host((name.as_str(), 0)).await {
                Ok(found) => Ok(found.map(|address| address.ip()).collect()),
                Err(error) => Err(ResolveError::new(error.to_string())),
            }
        })
    }
}
