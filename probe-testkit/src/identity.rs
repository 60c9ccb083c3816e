//! Who a server or a client says it is: a chain of certificates and a key, and the rustls configuration made of them.
//! They are issued in `authority`.

use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::TlsOptions;

/// A chain of certificates, as it is sent, and the key to the first of them.
///
/// It is issued by an [`Authority`](crate::Authority), well or badly; nothing here checks that it makes sense.
#[derive(Clone, Debug)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
    ocsp: Option<Vec<u8>>,
}

impl Identity {
    /// An identity from elsewhere. The leaf comes first; the key need not be its own.
    pub fn new(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Self {
        Self {
            chain,
            key: Arc::new(key),
            ocsp: None,
        }
    }

    /// The same identity with this OCSP response (DER) stapled to the handshake.
    pub fn with_ocsp_response(mut self, der: impl Into<Vec<u8>>) -> Self {
        self.ocsp = Some(der.into());
        self
    }

    /// The certificates as they are sent, the leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// The private key.
    pub fn key(&self) -> &PrivateKeyDer<'static> {
        &self.key
    }

    /// The chain in PEM, as a server's configuration wants it.
    pub fn chain_pem(&self) -> String {
        self.chain
            .iter()
            .map(|der| pem("CERTIFICATE", der))
            .collect()
    }

    /// The private key in PEM.
    pub fn key_pem(&self) -> String {
        let label = match self.key() {
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            _ => "PRIVATE KEY",
        };
        pem(label, self.key.secret_der())
    }

    /// A server that shows this identity. The chain is sent as it is, flaws and all.
    ///
    /// # Panics
    ///
    /// If the key is not of a kind that ring can sign with, or if the options demand client certificates from no
    /// authority.
    #[allow(
        clippy::expect_used,
        reason = "a test without a server should fail early"
    )]
    pub fn server_config(&self, options: &TlsOptions) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = provider
            .key_provider
            .load_private_key(self.key.clone_key())
            .expect("the identity's key is of a kind that ring can sign with");
        let mut certified = CertifiedKey::new(self.chain.clone(), key);
        certified.ocsp.clone_from(&self.ocsp);

        let mut config = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(options.versions.supported())
            .expect("ring has cipher suites for every version")
            .with_client_cert_verifier(options.client_certificate.verifier(&provider))
            // Not with_single_cert, which would look into the certificate and refuse the worst of them.
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
        config.alpn_protocols.clone_from(&options.alpn);
        config.send_tls13_tickets = options.tickets;
        if options.tickets == 0 {
            config.session_storage = Arc::new(NoServerSessionStorage {});
        }
        Arc::new(config)
    }
}

/// RFC 7468, in lines of 64 characters.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        text.push_str(&BASE64_STANDARD.encode(line));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}
