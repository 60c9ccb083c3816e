//! What the authority issues, judged by rustls as a client would.

#![allow(clippy::panic, clippy::unwrap_used, reason = "these are tests")]

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use probe_testkit::{Authority, Flaw, Identity, Script, TlsOptions};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{CertificateError, Error, RootCertStore};
use tokio::io::AsyncReadExt;
use tokio_rustls::TlsConnector;

const NAME: &str = "mx.example.test";
const DAY: Duration = Duration::from_secs(86_400);

/// 2026-01-01.
fn new_year() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_767_225_600)
}

fn verify(
    roots: RootCertStore,
    identity: &Identity,
    name: &str,
    now: SystemTime,
) -> Result<(), Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider)
        .build()
        .unwrap();
    let (leaf, intermediates) = identity.chain().split_first().unwrap();
    let name = ServerName::try_from(name).unwrap();
    let now = UnixTime::since_unix_epoch(now.duration_since(UNIX_EPOCH).unwrap());
    verifier
        .verify_server_cert(leaf, intermediates, &name, &[], now)
        .map(drop)
}

fn verdict(flaws: impl AsRef<[Flaw]>) -> Result<(), CertificateError> {
    let ca = Authority::at("Test CA", new_year());
    match verify(ca.roots(), &ca.flawed([NAME], flaws), NAME, new_year()) {
        Ok(()) => Ok(()),
        Err(Error::InvalidCertificate(error)) => Err(error),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_sound_identity_is_good_for_each_of_its_names() {
    let ca = Authority::at("Test CA", new_year());
    let identity = ca.identity([NAME, "*.pool.example.test", "127.0.0.1", "::1"]);
    for name in [NAME, "a.pool.example.test", "127.0.0.1", "::1"] {
        verify(ca.roots(), &identity, name, new_year()).unwrap();
    }
    let other = verify(ca.roots(), &identity, "other.example.test", new_year());
    assert!(matches!(
        other,
        Err(Error::InvalidCertificate(
            CertificateError::NotValidForNameContext { .. }
        ))
    ));
    assert_eq!(identity.chain()[1], *ca.intermediate_der());
}

#[test]
fn a_leaf_is_valid_for_thirty_days_before_and_sixty_after_its_now() {
    let ca = Authority::at("Test CA", new_year());
    let identity = ca.identity([NAME]);
    let at = |now| verify(ca.roots(), &identity, NAME, now);
    assert!(at(new_year() - 30 * DAY).is_ok());
    assert!(at(new_year() - 31 * DAY).is_err());
    assert!(at(new_year() + 60 * DAY).is_ok());
    assert!(at(new_year() + 61 * DAY).is_err());
}

#[test]
fn flaws_of_time_are_refused_for_their_time() {
    assert!(matches!(
        verdict(Flaw::Expired),
        Err(CertificateError::ExpiredContext { .. })
    ));
    assert!(matches!(
        verdict(Flaw::NotYetValid),
        Err(CertificateError::NotValidYetContext { .. })
    ));
    assert!(matches!(
        verdict(Flaw::ExpiredIntermediate),
        Err(CertificateError::ExpiredContext { .. })
    ));
    assert_eq!(verdict(Flaw::SoonExpiring(DAY)), Ok(()));
    assert_eq!(verdict(Flaw::LongLived), Ok(()));
}

#[test]
fn a_soon_expiring_leaf_ends_when_it_says() {
    let ca = Authority::at("Test CA", new_year());
    let identity = ca.flawed([NAME], Flaw::SoonExpiring(3 * DAY));
    let at = |now| verify(ca.roots(), &identity, NAME, now);
    assert!(at(new_year() + 3 * DAY).is_ok());
    assert!(at(new_year() + 3 * DAY + Duration::from_secs(1)).is_err());
}

#[test]
fn flaws_of_name_are_refused_for_their_name() {
    for flaw in [Flaw::WrongName, Flaw::CommonNameOnly] {
        assert!(
            matches!(
                verdict(flaw),
                Err(CertificateError::NotValidForNameContext { .. })
            ),
            "{flaw:?}"
        );
    }
    assert!(verdict(Flaw::NameConstrained).is_err());
}

#[test]
fn flaws_of_issue_are_refused_for_their_issuer() {
    for flaw in [
        Flaw::UnknownIssuer,
        Flaw::SelfSigned,
        Flaw::MissingIntermediate,
    ] {
        assert_eq!(
            verdict(flaw),
            Err(CertificateError::UnknownIssuer),
            "{flaw:?}"
        );
    }
    assert!(verdict(Flaw::TooLongChain).is_err());
}

#[test]
fn flaws_of_purpose_are_refused() {
    assert!(matches!(
        verdict(Flaw::NoServerAuth),
        Err(CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. })
    ));
    assert!(verdict(Flaw::LeafIsCa).is_err());
}

#[test]
fn oddities_of_the_chain_are_accepted() {
    for flaw in [
        Flaw::DirectlyFromRoot,
        Flaw::RootIncluded,
        Flaw::ExpiredRootIncluded,
        Flaw::DisorderedChain,
        Flaw::MustStaple,
        Flaw::WrongKey,
    ] {
        assert_eq!(verdict(flaw), Ok(()), "{flaw:?}");
    }
}

#[test]
fn chains_have_the_length_that_their_flaw_says() {
    let ca = Authority::new("Test CA");
    for (flaw, length) in [
        (Flaw::Expired, 2),
        (Flaw::SelfSigned, 1),
        (Flaw::DirectlyFromRoot, 1),
        (Flaw::MissingIntermediate, 1),
        (Flaw::UnknownIssuer, 3),
        (Flaw::RootIncluded, 3),
        (Flaw::ExpiredRootIncluded, 3),
        (Flaw::DisorderedChain, 3),
        (Flaw::TooLongChain, 9),
    ] {
        assert_eq!(ca.flawed([NAME], flaw).chain().len(), length, "{flaw:?}");
    }
    let disordered = ca.flawed([NAME], Flaw::DisorderedChain);
    assert_eq!(disordered.chain()[1], *ca.root_der());
}

#[test]
fn flaws_go_together() {
    let ca = Authority::at("Test CA", new_year());
    let identity = ca.flawed(
        [NAME],
        [Flaw::Expired, Flaw::WrongName, Flaw::MissingIntermediate],
    );
    assert_eq!(identity.chain().len(), 1);
    // With the intermediate at hand, and yesterday, and under the wrong name, all is well.
    let mut chain = identity.chain().to_vec();
    chain.push(ca.intermediate_der().clone());
    let mended = Identity::new(chain, identity.key().clone_key());
    verify(
        ca.roots(),
        &mended,
        "wrong.example.test",
        new_year() - 2 * DAY,
    )
    .unwrap();
    assert!(verify(ca.roots(), &mended, NAME, new_year() - 2 * DAY).is_err());
    assert!(verify(ca.roots(), &mended, "wrong.example.test", new_year()).is_err());
}

#[test]
fn a_leaf_says_where_its_issuer_is() {
    let ca = Authority::new("Test CA");
    let identity = ca.flawed([NAME], Flaw::MissingIntermediate);
    let leaf = &identity.chain()[0];
    let url = Authority::CA_ISSUERS.as_bytes();
    assert!(leaf.windows(url.len()).any(|window| window == url));
}

#[test]
fn an_identity_can_be_written_as_pem() {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let ca = Authority::new("Test CA");
    let identity = ca.identity([NAME]);
    let chain: Vec<_> = CertificateDer::pem_slice_iter(identity.chain_pem().as_bytes())
        .map(Result::unwrap)
        .collect();
    assert_eq!(chain, identity.chain());
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem().as_bytes()).unwrap();
    assert_eq!(key.secret_der(), identity.key().secret_der());
    let root = CertificateDer::from_pem_slice(ca.root_pem().as_bytes()).unwrap();
    assert_eq!(root, *ca.root_der());
}

#[tokio::test]
async fn a_wrong_key_is_found_out_in_the_handshake() {
    let ca = Authority::new("Test CA");
    let (stream, _peer) = Script::new()
        .tls(&ca.flawed([NAME], Flaw::WrongKey))
        .in_memory();
    let connector = TlsConnector::from(ca.client_config());
    let error = connector
        .connect(NAME.try_into().unwrap(), stream)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("BadSignature"), "{error}");
}

#[tokio::test]
async fn every_flaw_can_be_served() {
    let ca = Authority::new("Test CA");
    for flaw in [
        Flaw::Expired,
        Flaw::CommonNameOnly,
        Flaw::SelfSigned,
        Flaw::NoServerAuth,
        Flaw::LeafIsCa,
        Flaw::TooLongChain,
        Flaw::MustStaple,
    ] {
        let (stream, peer) = Script::new()
            .tls(&ca.flawed([NAME], flaw))
            .say("hi\r\n")
            .in_memory();
        let connector = TlsConnector::from(ca.client_config());
        let outcome = connector
            .connect(NAME.try_into().unwrap(), stream)
            .await
            .map(drop);
        assert_eq!(outcome.is_ok(), flaw == Flaw::MustStaple, "{flaw:?}");
        let conversation = peer.finish().await;
        assert_eq!(
            conversation.handshake().unwrap().server_name.as_deref(),
            Some(NAME)
        );
    }
}

#[tokio::test]
async fn a_stapled_response_reaches_the_client() {
    let ca = Authority::new("Test CA");
    let identity = ca
        .flawed([NAME], Flaw::MustStaple)
        .with_ocsp_response(*b"an OCSP response");
    let (stream, _peer) = Script::new().tls(&identity).say("hi\r\n").in_memory();

    let stapled = Arc::new(Stapled::default());
    let mut config = rustls::ClientConfig::clone(&ca.client_config());
    config.dangerous().set_certificate_verifier(stapled.clone());
    let connector = TlsConnector::from(Arc::new(config));
    let mut client = connector
        .connect(NAME.try_into().unwrap(), stream)
        .await
        .unwrap();
    client.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(*stapled.0.lock().unwrap(), b"an OCSP response");
}

#[test]
fn a_configuration_can_be_shared_by_servers_of_other_kinds() {
    let identity = Authority::new("Test CA").identity([NAME]);
    let config = identity.server_config(&TlsOptions::new().alpn(["h2"]));
    assert_eq!(config.alpn_protocols, [b"h2"]);
}

/// Accepts everything and keeps the staple.
#[derive(Debug, Default)]
struct Stapled(std::sync::Mutex<Vec<u8>>);

impl ServerCertVerifier for Stapled {
    fn verify_server_cert(
        &self,
        _end_entity: &rustls::pki_types::CertificateDer<'_>,
        _intermediates: &[rustls::pki_types::CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<rustls::client::danger::ServerCertVerified, Error> {
        *self.0.lock().unwrap() = ocsp_response.to_vec();
        Ok(rustls::client::danger::ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &rustls::pki_types::CertificateDer<'_>,
        _dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        Ok(rustls::client::danger::HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &rustls::pki_types::CertificateDer<'_>,
        dss: &rustls::DigitallySignedStruct,
    ) -> Result<rustls::client::danger::HandshakeSignatureValid, Error> {
        self.verify_tls12_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<rustls::SignatureScheme> {
        vec![rustls::SignatureScheme::ECDSA_NISTP256_SHA256]
    }
}
