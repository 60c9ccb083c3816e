//! What may be asked of a webmail. The builder checks everything, so a probe that was built can only find faults of the
//! server.

use probe_core::{Host, HostName, Thresholds};
use probe_net::Net;
use probe_net::http::{Redirects, Scheme, Url, UrlError};
use probe_net::tls;

use crate::probe::WebmailProbe;
use crate::product::Product;

/// Everything that can be asked of a webmail, and how; made by [`WebmailProbe::builder`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "ring")] {
/// use probe_net::Net;
/// use probe_net::tls::Tls;
/// use web_probe::{Product, WebmailProbe};
///
/// # let roots = rustls::RootCertStore::empty();
/// let net = Net::new(Tls::ring(roots));
/// let probe = WebmailProbe::builder(net)
///     .path("/SOGo/")
///     .expect(Product::Sogo)
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
    pub(crate) redirects: Redirects,
    pub(crate) expects: Option<Product>,
    pub(crate) contains: Option<String>,
    pub(crate) first_byte: Thresholds,
    pub(crate) tls_thresholds: tls::Thresholds,
}

impl Options {
    pub(crate) fn new(net: Net) -> Self {
        Self {
            net,
            place: Place::new("/"),
            redirects: Redirects::SameHost,
            expects: None,
            contains: None,
            first_byte: Thresholds::default(),
            tls_thresholds: tls::Thresholds::default(),
        }
    }

    /// Asks for this page: `/` without this option.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.place.path = path.into();
        self
    }

    /// Whether TLS comes first: [`Scheme::Https`] without this option.
    pub fn scheme(mut self, scheme: Scheme) -> Self {
        self.place.scheme = scheme;
        self
    }

    /// The name to ask for, in TLS and in the request, where it is not the target's: one server of several that share
    /// a name.
    pub fn server_name(mut self, name: HostName) -> Self {
        self.place.server_name = Some(name);
        self
    }

    /// Which redirects are followed: those to the same host without this option.
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// Expects the login page of this webmail. Without it any page with a login form will do.
    pub fn expect(mut self, product: Product) -> Self {
        self.expects = Some(product);
        self
    }

    /// Expects this text in the page, as it stands in its source.
    pub fn contains(mut self, text: impl Into<String>) -> Self {
        self.contains = Some(text.into());
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
    /// The path is none, or the text that is expected is empty.
    pub fn build(self) -> Result<WebmailProbe, ConfigError> {
        self.place.check()?;
        match self.contains.as_deref() {
            Some("") => Err(ConfigError::EmptyText),
            _ => Ok(WebmailProbe::new(self)),
        }
    }
}

/// Where on a host something is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) scheme: Scheme,
    pub(crate) path: String,
    pub(crate) server_name: Option<HostName>,
}

impl Place {
    pub(crate) fn new(path: &str) -> Self {
        Self {
            scheme: Scheme::default(),
            path: path.to_owned(),
            server_name: None,
        }
    }

    /// The place on this host.
    pub(crate) fn on(&self, host: &Host, port: u16) -> Result<Url, UrlError> {
        let named = self.server_name.clone().map(Host::Name);
        let host = named.as_ref().unwrap_or(host);
        Url::at(self.scheme, host, Some(port), &self.path)
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let example = Host::Address(core::net::Ipv4Addr::LOCALHOST.into());
        if !self.path.starts_with('/') {
            return Err(ConfigError::Path(self.path.clone()));
        }
        match self.on(&example, self.scheme.default_port()) {
            Ok(_) => Ok(()),
            Err(_) => Err(ConfigError::Path(self.path.clone())),
        }
    }
}

/// Why options cannot be built into a probe.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// What stands in credentials cannot be put into a header.
    #[error("the credentials cannot be shown to a web server: {0}")]
    Credentials(String),
    /// Every page contains nothing.
    #[error("the text that is expected in the page is empty")]
    EmptyText,
    /// Mailboxes are asked for, and nobody logs in.
    #[error("mailboxes cannot be looked into without credentials")]
    NoCredentials,
    /// No server can be asked for this.
    #[error("{0:?} is no path of a page; it begins with a slash")]
    Path(String),
    /// There are credentials, TLS is ruled out, and nobody allowed secrets in clear.
    #[error("the credentials would have to go in clear, and that is not allowed")]
    SecretsInClear,
}
