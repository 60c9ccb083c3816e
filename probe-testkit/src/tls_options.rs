//! How a server shakes hands: versions, tickets, client certificates, application protocols. The certificate it shows
//! is an `Identity`, and turning both into a rustls configuration happens there.

use rustls::SupportedProtocolVersion;
use rustls::version::{TLS12, TLS13};

use crate::ClientCertificate;

/// How a server shakes hands.
///
/// ```
/// use probe_testkit::{Authority, TlsOptions, TlsVersions};
///
/// let ticketless = TlsOptions::new().versions(TlsVersions::Only13).tickets(0).alpn(["imap"]);
/// let config = Authority::new("Test CA").identity(["imap.example.test"]).server_config(&ticketless);
/// assert_eq!(config.send_tls13_tickets, 0);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TlsOptions {
    pub(crate) versions: TlsVersions,
    pub(crate) tickets: usize,
    pub(crate) client_certificate: ClientCertificate,
    pub(crate) alpn: Vec<Vec<u8>>,
}

impl TlsOptions {
    /// TLS 1.2 and 1.3, two session tickets, no client certificate, no ALPN: what most servers do.
    pub fn new() -> Self {
        Self {
            versions: TlsVersions::Both,
            tickets: 2,
            client_certificate: ClientCertificate::NotAsked,
            alpn: Vec::new(),
        }
    }

    /// Which versions are spoken.
    pub fn versions(mut self, versions: TlsVersions) -> Self {
        self.versions = versions;
        self
    }

    /// How many session tickets are sent; with 0 no session can be resumed in any version.
    pub fn tickets(mut self, count: usize) -> Self {
        self.tickets = count;
        self
    }

    /// Whether the client must show a certificate.
    pub fn client_certificate(mut self, wish: ClientCertificate) -> Self {
        self.client_certificate = wish;
        self
    }

    /// The application protocols that are spoken, best first. A client that offers only others is turned away.
    pub fn alpn<P: AsRef<[u8]>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.alpn = protocols
            .into_iter()
            .map(|protocol| protocol.as_ref().to_vec())
            .collect();
        self
    }
}

impl Default for TlsOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Which versions of TLS a server speaks.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum TlsVersions {
    /// TLS 1.2 and 1.3.
    #[default]
    Both,
    /// Only TLS 1.2.
    Only12,
    /// Only TLS 1.3.
    Only13,
}

impl TlsVersions {
    pub(crate) fn supported(self) -> &'static [&'static SupportedProtocolVersion] {
        match self {
            Self::Both => rustls::ALL_VERSIONS,
            Self::Only12 => const { &[&TLS12] },
            Self::Only13 => const { &[&TLS13] },
        }
    }
}
