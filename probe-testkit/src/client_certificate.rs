//! Whether a server wants to see the client's certificate, and the two verifiers that this takes. The certificates
//! themselves come from `authority`; those that were seen end up in the conversation's handshake.

use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoClientAuth, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};

/// Whether a server wants to see the client's certificate.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum ClientCertificate {
    /// It does not ask.
    #[default]
    NotAsked,
    /// It asks and takes any or none.
    Asked,
    /// It ends the handshake without one, and takes any.
    Demanded,
    /// It ends the handshake unless there is one from these authorities.
    IssuedBy(RootCertStore),
}

impl ClientCertificate {
    /// # Panics
    ///
    /// If nobody could ever be accepted, because the authorities are none.
    #[allow(
        clippy::expect_used,
        reason = "a test that demands the impossible should fail early"
    )]
    pub(crate) fn verifier(&self, provider: &Arc<CryptoProvider>) -> Arc<dyn ClientCertVerifier> {
        let any = |mandatory| AnyCertificate {
            mandatory,
            provider: provider.clone(),
        };
        match self {
            Self::NotAsked => Arc::new(NoClientAuth),
            Self::Asked => Arc::new(any(Mandatory::No)),
            Self::Demanded => Arc::new(any(Mandatory::Yes)),
            Self::IssuedBy(roots) => {
                WebPkiClientVerifier::builder_with_provider(roots.clone().into(), provider.clone())
                    .build()
                    .expect("client certificates from no authority cannot be demanded")
            }
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mandatory {
    Yes,
    No,
}

/// Takes every certificate, as long as the client has the key to it.
#[derive(Debug)]
struct AnyCertificate {
    mandatory: Mandatory,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        self.mandatory == Mandatory::Yes
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
