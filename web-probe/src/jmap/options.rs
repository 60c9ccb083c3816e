//! What may be asked of a JMAP server.

use probe_core::{HostName, Thresholds};
use probe_net::Net;
use probe_net::http::{Request, Scheme, Url};
use probe_net::sasl::Credentials;
use probe_net::tls::{self, SecretsOver};

use super::probe::JmapProbe;
use crate::options::{ConfigError, Place};

/// Everything that can be asked of a JMAP server, and how; made by [`JmapProbe::builder`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "ring")] {
/// use probe_net::Net;
/// use probe_net::sasl::Credentials;
/// use probe_net::tls::Tls;
/// use web_probe::JmapProbe;
///
/// # let roots = rustls::RootCertStore::empty();
/// let net = Net::new(Tls::ring(roots));
/// let probe = JmapProbe::builder(net)
///     .credentials(Credentials::password("probe@example.org", "correct horse")?)
///     .mailboxes(true)
///     .build()?;
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct Options {
    pub(crate) net: Net,
    pub(crate) place: Place,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) secrets_over: SecretsOver,
    pub(crate) trusted: Vec<HostName>,
    pub(crate) mailboxes: bool,
    pub(crate) first_byte: Thresholds,
    pub(crate) tls_thresholds: tls::Thresholds,
}

impl Options {
    pub(crate) fn new(net: Net) -> Self {
        Self {
            net,
            place: Place::new("/.well-known/jmap"),
            credentials: None,
            secrets_over: SecretsOver::default(),
            trusted: Vec::new(),
            mailboxes: false,
            first_byte: Thresholds::default(),
            tls_thresholds: tls::Thresholds::default(),
        }
    }

    /// Asks for the session here: `/.well-known/jmap` without this option (RFC 8620 section 2.2).
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.place.path = path.into();
        self
    }

    /// Whether TLS comes first: [`Scheme::Https`] without this option, and the RFC wants no other.
    pub fn scheme(mut self, scheme: Scheme) -> Self {
        self.place.scheme = scheme;
        self
    }

    /// The name to ask for, in TLS and in the request, where it is not the target's.
    pub fn server_name(mut self, name: HostName) -> Self {
        self.place.server_name = Some(name);
        self
    }

    /// Asks as whom these credentials belong to: a password by `Basic`, a token by `Bearer`. Without them the server is
    /// asked as by a stranger, and that it wants to know who asks is the best answer.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Lets secrets over a weaker channel than TLS that verified.
    pub fn secrets_over(mut self, weakest: SecretsOver) -> Self {
        self.secrets_over = weakest;
        self
    }

    /// Lets redirects and the session lead to this host too, credentials along (repeatable). Without it all of it must
    /// be at the host that is probed.
    pub fn trust_host(mut self, host: HostName) -> Self {
        self.trusted.push(host);
        self
    }

    /// Whether to ask for the mailboxes of the primary mail account: their names, roles, and how many messages each has.
    pub fn mailboxes(mut self, ask: bool) -> Self {
        self.mailboxes = ask;
        self
    }

    /// Judges the time from a request to the head of its response, in seconds; the longest counts.
    pub fn first_byte(mut self, thresholds: Thresholds) -> Self {
        self.first_byte = thresholds;
        self
    }

    /// When an expiring certificate is worth a word.
    pub fn tls_thresholds(mut self, thresholds: tls::Thresholds) -> Self {
        self.tls_thresholds = thresholds;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// Options that contradict each other, or credentials that no header can carry.
    pub fn build(self) -> Result<JmapProbe, ConfigError> {
        self.place.check()?;
        let Some(credentials) = &self.credentials else {
            return match self.mailboxes {
                true => Err(ConfigError::NoCredentials),
                false => Ok(JmapProbe::new(self)),
            };
        };
        let is_clear = self.place.scheme == Scheme::Http;
        if is_clear && self.secrets_over > SecretsOver::Cleartext {
            return Err(ConfigError::SecretsInClear);
        }
        let example: Result<Url, _> = "https://192.0.2.1/".parse();
        if let Ok(url) = example {
            let refused = Request::get(url).with_credentials(credentials).err();
            if let Some(error) = refused {
                return Err(ConfigError::Credentials(error.to_string()));
            }
        }
        Ok(JmapProbe::new(self))
    }
}
