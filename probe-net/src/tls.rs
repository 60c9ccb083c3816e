//! TLS that looks at everything: a handshake that goes on past a bad certificate and records each of its
//! faults, so that a monitor can tell them all; secrets stay behind the gate of the [`Wire`](crate::Wire).

mod anchored;
mod certificate;
mod dane;
mod expectation;
mod facts;
mod findings;
mod mta_sts;
mod revocation;
mod starttls;
mod tap;
mod tlsa;
mod trouble;
mod verify;

use core::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::time::SystemTime;

pub use certificate::{Certificate, PublicKey};
pub use dane::{Dane, DaneError, TlsaMatch, TlsaOutcome};
pub use expectation::{Channel, Expectation};
pub use facts::TlsFacts;
pub use findings::{FINDINGS, Thresholds, judge};
pub use mta_sts::{MtaSts, MxPattern, PolicyMode};
pub use revocation::Revocation;
pub use starttls::{StartTls, Witness, wanted_a_certificate};
pub use tlsa::{Matching, Selector, Tlsa, TlsaError, Unusable, Usage};
pub use verify::{ClientCertificate, Fault};

use certificate::Known;
#[cfg(feature = "sasl")]
pub(crate) use facts::hex;
pub(crate) use findings::STARTTLS_INJECTION;
pub(crate) use tap::Tap;
pub(crate) use trouble::{alert, broken_handshake, refused};
use verify::Recorder;

/// Whether and how a dialogue is encrypted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no fifth way")]
pub enum Security {
    /// TLS from the first byte (RFC 8314 section 3): ports 465, 993, 995.
    Implicit,
    /// STARTTLS where it is offered, else in clear, as mail servers do among themselves. Faults of the
    /// certificate are warnings.
    Opportunistic,
    /// STARTTLS or nothing. Faults of the certificate are critical.
    Required,
    /// In clear, also where STARTTLS is offered.
    Cleartext,
}

impl Security {
    /// Whether a fault of the certificate ends the usefulness of the connection.
    pub const fn demands_trust(self) -> bool {
        matches!(self, Self::Implicit | Self::Required)
    }
}

/// The weakest channel that may carry a secret.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "there is nothing between these")]
pub enum SecretsOver {
    /// No encryption at all. Everybody on the way can read the password.
    Cleartext,
    /// TLS whose certificate has faults. Whoever stands in the middle can read the password.
    UnverifiedTls,
    /// TLS whose certificate is valid for the name that was asked for.
    #[default]
    VerifiedTls,
}

/// How we do TLS: provider, trusted roots, client certificate. Cheap to clone.
///
/// ```
/// use probe_net::tls::Tls;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(all(feature = "ring", feature = "native-roots"))]
/// let tls = Tls::ring(probe_net::tls::native_roots()?);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Tls {
    config: Arc<ClientConfig>,
    roots: Arc<RootCertStore>,
    known: Arc<Known>,
}

impl Tls {
    /// TLS with a cryptography provider of one's own.
    ///
    /// # Errors
    /// The provider supports neither TLS 1.2 nor TLS 1.3.
    pub fn new(provider: Arc<CryptoProvider>, roots: RootCertStore) -> Result<Self, TlsError> {
        // Each handshake gets a verifier that knows the roots; this configuration is only its mould.
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::Provider(error.to_string()))?
            .with_root_certificates(RootCertStore::empty())
            .with_no_client_auth();
        // Each probe wants to see the whole handshake.
        config.resumption = Resumption::disabled();
        Ok(Self {
            config: Arc::new(config),
            roots: Arc::new(roots),
            known: Arc::default(),
        })
    }

    /// TLS with the provider *ring*.
    #[cfg(feature = "ring")]
    pub fn ring(roots: RootCertStore) -> Self {
        Self::provided(rustls::crypto::ring::default_provider(), roots)
    }

    /// TLS with the provider *aws-lc-rs*, which knows post-quantum key exchange.
    #[cfg(feature = "aws-lc-rs")]
    pub fn aws_lc_rs(roots: RootCertStore) -> Self {
        Self::provided(rustls::crypto::aws_lc_rs::default_provider(), roots)
    }

    #[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
    #[allow(clippy::expect_used, reason = "rustls's own providers know TLS 1.3")]
    fn provided(provider: CryptoProvider, roots: RootCertStore) -> Self {
        Self::new(Arc::new(provider), roots).expect("rustls's own providers know TLS 1.3")
    }

    /// Shows this certificate where a server asks for one.
    ///
    /// # Errors
    /// The key does not fit the certificate, or the provider cannot use it.
    pub fn with_client_certificate(
        self,
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let provider = self.config.crypto_provider();
        let certified = rustls::sign::CertifiedKey::from_der(chain, key, provider)
            .map_err(|error| TlsError::ClientCertificate(error.to_string()))?;
        let mut config = (*self.config).clone();
        config.client_auth_cert_resolver =
            Arc::new(rustls::sign::SingleCertAndKey::from(certified));
        Ok(Self {
            config: Arc::new(config),
            ..self
        })
    }

    /// Shows the certificate and key of these PEM files where a server asks for one.
    ///
    /// # Errors
    /// A file cannot be read or holds no such thing, or the two do not fit.
    pub fn with_client_certificate_files(self, chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let chain = certificates(chain)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::file(key, &error))?;
        self.with_client_certificate(chain, key)
    }

    /// What one handshake needs, with a recorder of its own.
    pub(crate) fn session(
        &self,
        name: ServerName<'static>,
        alpn: Vec<Vec<u8>>,
        now: SystemTime,
    ) -> Session {
        let recorder = Arc::new(Recorder::new(
            self.config.crypto_provider(),
            &self.roots,
            &self.known,
            &self.config.client_auth_cert_resolver,
            now,
        ));
        let mut config = (*self.config).clone();
        config.client_auth_cert_resolver = recorder.clone();
        config.alpn_protocols = alpn;
        config
            .dangerous()
            .set_certificate_verifier(recorder.clone());
        Session {
            config: Arc::new(config),
            recorder,
            name,
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("roots", &self.roots.len())
            .finish_non_exhaustive()
    }
}

/// One handshake's configuration, and who watches it.
pub(crate) struct Session {
    pub(crate) config: Arc<ClientConfig>,
    recorder: Arc<Recorder>,
    name: ServerName<'static>,
}

/// The roots that the operating system trusts. A certificate of its store that is not understood is left
/// out; `SSL_CERT_FILE` and `SSL_CERT_DIR` name another store.
///
/// # Errors
/// The store is empty or cannot be read.
#[cfg(feature = "native-roots")]
pub fn native_roots() -> Result<RootCertStore, TlsError> {
    let found = match bundle() {
        Some(bundle) => rustls_native_certs::load_certs_from_paths(Some(bundle), None),
        None => rustls_native_certs::load_native_certs(),
    };
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    match found.errors.first() {
        Some(error) if roots.is_empty() => Err(TlsError::NoRoots(error.to_string())),
        None if roots.is_empty() => Err(TlsError::NoRoots("the store is empty".to_owned())),
        _ => Ok(roots),
    }
}

/// The file in which the common systems keep all their roots. Without it, or where the environment names
/// another store, each certificate of a folder is read by itself, which takes longer than a whole probe.
#[cfg(feature = "native-roots")]
fn bundle() -> Option<&'static Path> {
    const BUNDLES: [&str; 3] = [
        "/etc/ssl/certs/ca-certificates.crt", // Debian, Ubuntu, Alpine, Arch
        "/etc/pki/tls/certs/ca-bundle.crt",   // Fedora, RHEL
        "/etc/ssl/ca-bundle.pem",             // openSUSE
    ];
    let chosen = |variable| std::env::var_os(variable).is_some();
    if cfg!(not(target_os = "linux")) || chosen("SSL_CERT_FILE") || chosen("SSL_CERT_DIR") {
        return None;
    }
    BUNDLES
        .into_iter()
        .map(Path::new)
        .find(|bundle| bundle.is_file())
}

/// The roots that Mozilla trusts, as compiled in.
#[cfg(feature = "webpki-roots")]
pub fn webpki_roots() -> RootCertStore {
    webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect()
}

/// Adds the certificates of a PEM file to `roots`.
///
/// # Errors
/// The file cannot be read, holds no certificate, or holds one that cannot be a root.
pub fn add_ca_file(roots: &mut RootCertStore, file: &Path) -> Result<(), TlsError> {
    for certificate in certificates(file)? {
        roots.add(certificate).map_err(|error| TlsError::File {
            file: file.display().to_string(),
            reason: error.to_string(),
        })?;
    }
    Ok(())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(file)
        .and_then(Iterator::collect)
        .map_err(|error| TlsError::file(file, &error))?;
    match certificates.is_empty() {
        true => Err(TlsError::File {
            file: file.display().to_string(),
            reason: "there is no certificate in it".to_owned(),
        }),
        false => Ok(certificates),
    }
}

/// What is wrong with the caller's own TLS material.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The client certificate cannot be used.
    #[error("the client certificate cannot be used: {0}")]
    ClientCertificate(String),
    /// A file cannot be used.
    #[error("{file}: {reason}")]
    File {
        /// Its path.
        file: String,
        /// Why not.
        reason: String,
    },
    /// No trusted root was found.
    #[error("no trusted root certificates: {0}")]
    NoRoots(String),
    /// The provider cannot be used.
    #[error("the cryptography provider cannot be used: {0}")]
    Provider(String),
}

impl TlsError {
    fn file(file: &Path, error: &rustls::pki_types::pem::Error) -> Self {
        use rustls::pki_types::pem::Error;
        let reason = match error {
            Error::Io(error) => error.to_string(),
            Error::NoItemsFound => "there is nothing of the kind in it".to_owned(),
            other => format!("it is no PEM file: {other}"),
        };
        Self::File {
            file: file.display().to_string(),
            reason,
        }
    }
}
