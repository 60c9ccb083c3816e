//! What may be asked of registries, and how.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use probe_core::Host;
use probe_net::http::Url;

use super::bootstrap::{self, Bootstrap};

/// How the registration of a domain is looked up, and what is thought of its dates.
///
/// ```
/// use mx_check::registration::{Options, Thresholds};
/// use std::time::Duration;
///
/// const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// let options = Options::default()
///     .with_thresholds(Thresholds::new(DAY * 60, DAY * 14))
///     .asking_iana(false);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(crate) bootstrap: Arc<Bootstrap>,
    pub(crate) bootstrap_url: Option<Url>,
    pub(super) rdap: Option<Url>,
    pub(super) asks_whois: bool,
    pub(super) whois: Option<Host>,
    pub(super) whois_port: u16,
    pub(super) asks_iana: bool,
    pub(super) expiry: Option<SystemTime>,
    pub(super) thresholds: Thresholds,
}

impl Options {
    /// Finds RDAP services by this file, instead of the one that the crate carries.
    pub fn with_bootstrap(mut self, bootstrap: Bootstrap) -> Self {
        self.bootstrap = Arc::new(bootstrap);
        self
    }

    /// Fetches the file anew from there, once a day: IANA's is at [`Bootstrap::IANA`]. Until it has come, and where it does
    /// not come, the one that is there is used.
    pub fn with_bootstrap_from(mut self, url: Url) -> Self {
        self.bootstrap_url = Some(url);
        self
    }

    /// Asks this RDAP service, whatever the domain: its base, such as `https://rdap.example/v1/`.
    pub fn with_rdap(mut self, base: Url) -> Self {
        self.rdap = bootstrap::base(&base.to_string());
        self
    }

    /// Whether WHOIS is asked where RDAP does not answer. It goes over the network in clear. On by default.
    pub fn asking_whois(mut self, wanted: bool) -> Self {
        self.asks_whois = wanted;
        self
    }

    /// Asks this WHOIS server, whatever the domain.
    pub fn with_whois(mut self, server: impl Into<Host>) -> Self {
        self.whois = Some(server.into());
        self
    }

    /// The port of every WHOIS server, where it is not 43.
    pub fn with_whois_port(mut self, port: u16) -> Self {
        self.whois_port = port;
        self
    }

    /// Whether `whois.iana.org` is asked for the WHOIS server of a top-level domain that is not known. On by default.
    pub fn asking_iana(mut self, wanted: bool) -> Self {
        self.asks_iana = wanted;
        self
    }

    /// Until when the domain is paid for, as the caller knows it: counts where the registry publishes no date.
    pub fn with_expiry(mut self, expiry: SystemTime) -> Self {
        self.expiry = Some(expiry);
        self
    }

    /// How soon is soon.
    pub fn with_thresholds(mut self, thresholds: Thresholds) -> Self {
        self.thresholds = thresholds;
        self
    }

    /// How soon is soon.
    pub fn thresholds(&self) -> &Thresholds {
        &self.thresholds
    }
}

/// RDAP by the file that the crate carries, then WHOIS.
impl Default for Options {
    fn default() -> Self {
        Self {
            bootstrap: Bootstrap::builtin(),
            bootstrap_url: None,
            rdap: None,
            asks_whois: true,
            whois: None,
            whois_port: 43,
            asks_iana: true,
            expiry: None,
            thresholds: Thresholds::default(),
        }
    }
}

/// How soon is soon.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Thresholds {
    /// A registration with less time left than this is a warning.
    pub expiry_warning: Duration,
    /// And with less than this it is critical.
    pub expiry_critical: Duration,
}

impl Thresholds {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// Thresholds of one's own.
    pub const fn new(expiry_warning: Duration, expiry_critical: Duration) -> Self {
        Self {
            expiry_warning,
            expiry_critical,
        }
    }
}

/// A warning 30 days before the end, critical in the last 7.
impl Default for Thresholds {
    fn default() -> Self {
        Self::new(Self::DAY * 30, Self::DAY * 7)
    }
}
