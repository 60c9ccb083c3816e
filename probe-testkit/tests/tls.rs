//! Handshakes, true and false, seen from both sides.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use probe_testkit::{
    Answer, Authority, ClientCertificate, Conversation, Ending, Identity, Script, TlsOptions,
    TlsVersions,
};
use rustls::{
    AlertDescription, CipherSuite, ClientConfig, Error, HandshakeKind, InvalidMessage,
    PeerIncompatible, ProtocolVersion,
};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const NAME: &str = "mx.example.test";

async fn connect<S>(config: Arc<ClientConfig>, stream: S) -> std::io::Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    TlsConnector::from(config)
        .connect(NAME.try_into().unwrap(), stream)
        .await
}

/// What rustls thought of the script's TLS, and what the script thought of rustls.
async fn refused(script: Script) -> (Option<Error>, Conversation) {
    let (stream, peer) = script.in_memory();
    let error = connect(Authority::new("Test CA").client_config(), stream)
        .await
        .unwrap_err();
    (tls_error(&error), peer.finish().await)
}

fn tls_error(error: &std::io::Error) -> Option<Error> {
    error
        .get_ref()
        .and_then(|error| error.downcast_ref::<Error>())
        .cloned()
}

fn config_with(ca: &Authority, identity: &Identity) -> Arc<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(ca.roots())
        .with_client_auth_cert(identity.chain().to_vec(), identity.key().clone_key())
        .unwrap();
    Arc::new(config)
}

#[tokio::test]
async fn what_is_said_under_tls_is_heard_in_clear_by_nobody_else() {
    let ca = Authority::new("Test CA");
    let (stream, peer) = Script::new()
        .hear("STARTTLS")
        .say("220 go\r\n")
        .tls(&ca.identity([NAME]))
        .hear("AUTH")
        .say("235 welcome\r\n")
        .in_memory();
    let mut client = BufStream::new(stream);
    client.write_all(b"STARTTLS\r\n").await.unwrap();
    client.flush().await.unwrap();
    client.read_line(&mut String::new()).await.unwrap();
    let mut client = connect(ca.client_config(), client.into_inner())
        .await
        .unwrap();
    client
        .write_all(b"AUTH PLAIN c2VzYW1lIG9wZW4=\r\n")
        .await
        .unwrap();
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    drop(client);

    assert_eq!(heard, "235 welcome\r\n");
    let conversation = peer.finish().await;
    conversation.assert_followed();
    assert_eq!(conversation.heard_in_clear(), b"STARTTLS\r\n");
    assert_eq!(
        conversation.heard_under_tls(),
        b"AUTH PLAIN c2VzYW1lIG9wZW4=\r\n"
    );
    assert_eq!(
        conversation.lines(),
        ["STARTTLS", "AUTH PLAIN c2VzYW1lIG9wZW4="]
    );
    assert_eq!(conversation.said(), b"220 go\r\n235 welcome\r\n");
    assert!(
        conversation
            .overheard()
            .starts_with(b"STARTTLS\r\n\x16\x03\x01")
    );
    assert!(!conversation.leaks("sesame open"));
}

#[tokio::test]
async fn a_client_that_does_not_wait_for_the_go_ahead_is_early_and_its_words_are_no_secret() {
    let ca = Authority::new("Test CA");
    let (mut client, peer) = Script::new()
        .hear("STARTTLS")
        .say("220 go\r\n")
        .tls(&ca.identity([NAME]))
        .hear("AUTH")
        .in_memory();
    client
        .write_all(b"STARTTLS\r\nAUTH PLAIN c2VzYW1lIG9wZW4=\r\n")
        .await
        .unwrap();
    client.read_to_end(&mut Vec::new()).await.unwrap();
    drop(client);
    let conversation = peer.finish().await;
    assert_eq!(conversation.ending(), Ending::HandshakeFailed);
    assert_eq!(
        conversation.early()[0].bytes,
        b"AUTH PLAIN c2VzYW1lIG9wZW4=\r\n"
    );
    assert!(conversation.leaks("sesame open"));
    assert!(conversation.handshake().unwrap().outcome.is_err());
}

#[tokio::test]
async fn a_client_hello_sent_along_with_starttls_is_understood() {
    let ca = Authority::new("Test CA");
    let (stream, peer) = Script::new()
        .hear("STARTTLS")
        .tls(&ca.identity([NAME]))
        .hear("EHLO")
        .say("250 ok\r\n")
        .in_memory();
    // The buffer keeps the line back until the ClientHello is flushed, so both arrive in one piece.
    let mut client = BufStream::new(stream);
    client.write_all(b"STARTTLS\r\n").await.unwrap();
    let mut client = connect(ca.client_config(), client).await.unwrap();
    client.write_all(b"EHLO x\r\n").await.unwrap();
    client.flush().await.unwrap();
    client.read_to_end(&mut Vec::new()).await.unwrap();
    drop(client);
    let conversation = peer.finish().await;
    conversation.assert_followed();
    assert_eq!(conversation.heard_in_clear(), b"STARTTLS\r\n");
    assert_eq!(conversation.heard_under_tls(), b"EHLO x\r\n");
}

#[tokio::test]
async fn the_handshake_tells_what_the_client_asked_for_and_what_was_agreed() {
    let ca = Authority::new("Test CA");
    let options = TlsOptions::new()
        .versions(TlsVersions::Only12)
        .alpn(["imap"]);
    let (stream, peer) = Script::new()
        .tls_with(&ca.identity([NAME]), &options)
        .in_memory();
    let mut config = ClientConfig::clone(&ca.client_config());
    config.alpn_protocols = vec![b"smtp".to_vec(), b"imap".to_vec()];
    let client = connect(config.into(), stream).await.unwrap();
    drop(client);

    let conversation = peer.finish().await;
    let handshake = conversation.handshake().unwrap();
    assert_eq!(handshake.server_name.as_deref(), Some(NAME));
    assert_eq!(handshake.offered_alpn, [b"smtp", b"imap"]);
    assert!(
        handshake
            .offered_suites
            .contains(&CipherSuite::TLS13_AES_128_GCM_SHA256)
    );
    let agreed = handshake.outcome.as_ref().unwrap();
    assert_eq!(agreed.version, ProtocolVersion::TLSv1_2);
    assert_eq!(agreed.alpn.as_deref(), Some(&b"imap"[..]));
    assert_eq!(agreed.kind, HandshakeKind::Full);
}

#[tokio::test]
async fn a_client_that_leaves_after_the_handshake_has_shaken_hands() {
    let ca = Authority::new("Test CA");
    let (stream, peer) = Script::new().tls(&ca.identity([NAME])).drain().in_memory();
    drop(connect(ca.client_config(), stream).await.unwrap());
    let conversation = peer.finish().await;
    conversation.assert_followed();
    assert!(conversation.handshake().unwrap().outcome.is_ok());
}

#[tokio::test]
async fn each_version_is_spoken_alone() {
    let ca = Authority::new("Test CA");
    for (versions, expected) in [
        (TlsVersions::Only12, ProtocolVersion::TLSv1_2),
        (TlsVersions::Only13, ProtocolVersion::TLSv1_3),
        (TlsVersions::Both, ProtocolVersion::TLSv1_3),
    ] {
        let options = TlsOptions::new().versions(versions);
        let (stream, _peer) = Script::new()
            .tls_with(&ca.identity([NAME]), &options)
            .in_memory();
        let client = connect(ca.client_config(), stream).await.unwrap();
        assert_eq!(client.get_ref().1.protocol_version(), Some(expected));
    }
}

#[tokio::test]
async fn sessions_are_resumed_unless_there_are_no_tickets() {
    for (tickets, versions, second) in [
        (2, TlsVersions::Only13, HandshakeKind::Resumed),
        (0, TlsVersions::Only13, HandshakeKind::Full),
        (2, TlsVersions::Only12, HandshakeKind::Resumed),
        (0, TlsVersions::Only12, HandshakeKind::Full),
    ] {
        let ca = Authority::new("Test CA");
        let options = TlsOptions::new().tickets(tickets).versions(versions);
        let script = Script::new()
            .tls_with(&ca.identity([NAME]), &options)
            .say("hi\r\n");
        let peer = script.listen().await.unwrap();
        let config = ca.client_config();
        for _ in 0..2 {
            let stream = TcpStream::connect(peer.address()).await.unwrap();
            let mut client = connect(config.clone(), stream).await.unwrap();
            client.read_to_end(&mut Vec::new()).await.unwrap();
        }
        let kinds: Vec<_> = peer
            .finish()
            .await
            .iter()
            .map(|conversation| {
                conversation
                    .handshake()
                    .unwrap()
                    .outcome
                    .as_ref()
                    .unwrap()
                    .kind
            })
            .collect();
        assert_eq!(
            kinds,
            [HandshakeKind::Full, second],
            "{tickets} tickets, {versions:?}"
        );
    }
}

#[tokio::test]
async fn a_client_certificate_is_seen() {
    let ca = Authority::new("Test CA");
    let probe = ca.client_identity("probe");
    for wish in [
        ClientCertificate::Asked,
        ClientCertificate::Demanded,
        ClientCertificate::IssuedBy(ca.roots()),
    ] {
        let options = TlsOptions::new().client_certificate(wish);
        let (stream, peer) = Script::new()
            .tls_with(&ca.identity([NAME]), &options)
            .say("hi\r\n")
            .in_memory();
        let mut client = connect(config_with(&ca, &probe), stream).await.unwrap();
        client.read_to_end(&mut Vec::new()).await.unwrap();
        drop(client);
        let conversation = peer.finish().await;
        assert_eq!(
            conversation.handshake().unwrap().client_certificates,
            probe.chain()
        );
    }
}

#[tokio::test]
async fn a_demanded_client_certificate_is_missed() {
    let ca = Authority::new("Test CA");
    let stranger = Authority::new("Another CA");
    for (wish, config, expected) in [
        (
            ClientCertificate::Asked,
            ca.client_config(),
            Ending::Completed,
        ),
        (
            ClientCertificate::Demanded,
            ca.client_config(),
            Ending::HandshakeFailed,
        ),
        (
            ClientCertificate::IssuedBy(ca.roots()),
            config_with(&ca, &stranger.client_identity("probe")),
            Ending::HandshakeFailed,
        ),
    ] {
        let options = TlsOptions::new().client_certificate(wish);
        let (stream, peer) = Script::new()
            .tls_with(&ca.identity([NAME]), &options)
            .say("hi\r\n")
            .in_memory();
        // Under TLS 1.3 the client learns of it only when it reads.
        let mut client = connect(config, stream).await.unwrap();
        let outcome = client.read_to_end(&mut Vec::new()).await;
        assert_eq!(outcome.is_ok(), expected == Ending::Completed);
        drop(client);
        assert_eq!(peer.finish().await.ending(), expected);
    }
}

#[tokio::test]
async fn a_client_that_refuses_the_certificate_is_heard_to_say_so() {
    let ca = Authority::new("Test CA");
    let (stream, peer) = Script::new()
        .tls(&ca.identity([NAME]))
        .say("220 hi\r\n")
        .in_memory();
    let error = connect(Authority::new("Another CA").client_config(), stream)
        .await
        .unwrap_err();
    assert!(matches!(
        tls_error(&error),
        Some(Error::InvalidCertificate(_))
    ));
    let conversation = peer.finish().await;
    assert_eq!(conversation.ending(), Ending::HandshakeFailed);
    let outcome = &conversation.handshake().unwrap().outcome;
    assert!(
        outcome.as_ref().unwrap_err().contains("UnknownCA"),
        "{outcome:?}"
    );
    assert_eq!(conversation.said(), b"");
}

#[tokio::test]
async fn a_close_under_tls_says_so() {
    let ca = Authority::new("Test CA");
    let (stream, _peer) = Script::new()
        .tls(&ca.identity([NAME]))
        .say("bye")
        .close()
        .in_memory();
    let mut client = connect(ca.client_config(), stream).await.unwrap();
    let mut heard = String::new();
    // rustls would complain of a missing close_notify.
    client.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "bye");
}

#[tokio::test]
async fn a_small_server_begins_tls_when_asked() {
    let ca = Authority::new("Test CA");
    let identity = ca.identity([NAME]);
    let script = Script::new().say("220 hi\r\n").serve(move || {
        let identity = identity.clone();
        move |line: &[u8]| match line {
            b"STARTTLS" => Answer::start_tls("220 go\r\n", &identity),
            _ => Answer::close("221 bye\r\n"),
        }
    });
    let (stream, peer) = script.in_memory();
    let mut client = BufStream::new(stream);
    client.write_all(b"STARTTLS\r\n").await.unwrap();
    client.flush().await.unwrap();
    for _ in 0..2 {
        client.read_line(&mut String::new()).await.unwrap();
    }
    let mut client = connect(ca.client_config(), client.into_inner())
        .await
        .unwrap();
    client.write_all(b"QUIT\r\n").await.unwrap();
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    drop(client);
    assert_eq!(heard, "221 bye\r\n");
    let conversation = peer.finish().await;
    conversation.assert_followed();
    assert_eq!(conversation.heard_under_tls(), b"QUIT\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_tls_stall_reads_the_hello_and_is_silent() {
    let (stream, peer) = Script::new().tls_stall().in_memory();
    let config = Authority::new("Test CA").client_config();
    let handshake = timeout(Duration::from_secs(3600), connect(config, stream)).await;
    assert!(handshake.is_err());
    let conversation = peer.finish().await;
    assert_eq!(conversation.ending(), Ending::Faulted);
    assert!(conversation.overheard().starts_with(&[0x16, 3, 1]));
    assert_eq!(conversation.heard(), b"");
}

#[tokio::test]
async fn tls_garbage_is_no_tls() {
    let (error, conversation) =
        refused(Script::new().tls_garbage("454 TLS not available\r\n")).await;
    assert_eq!(
        error,
        Some(Error::InvalidMessage(InvalidMessage::InvalidContentType))
    );
    assert_eq!(conversation.ending(), Ending::Faulted);
}

#[tokio::test]
async fn a_tls_alert_is_the_alert_that_was_asked_for() {
    for (description, alert) in [
        (40, AlertDescription::HandshakeFailure),
        (70, AlertDescription::ProtocolVersion),
        (112, AlertDescription::UnrecognisedName),
    ] {
        let (error, _) = refused(Script::new().tls_alert(description)).await;
        assert_eq!(error, Some(Error::AlertReceived(alert)));
    }
}

#[tokio::test]
async fn tls_legacy_is_understood_and_turned_down() {
    let (error, _) = refused(Script::new().tls_legacy()).await;
    assert_eq!(
        error,
        Some(Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
        ))
    );
}

#[tokio::test]
async fn a_tls_cut_ends_in_the_middle_of_a_record() {
    let (stream, _peer) = Script::new().tls_cut().in_memory();
    let error = connect(Authority::new("Test CA").client_config(), stream)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_tls_reset_is_a_reset() {
    let peer = Script::new().tls_reset().listen().await.unwrap();
    let stream = TcpStream::connect(peer.address()).await.unwrap();
    let error = connect(Authority::new("Test CA").client_config(), stream)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn tls_faults_come_after_starttls_too() {
    let (mut client, peer) = Script::new()
        .hear("STARTTLS")
        .say("220 go\r\n")
        .tls_alert(40)
        .in_memory();
    client.write_all(b"STARTTLS\r\n").await.unwrap();
    let mut go = [0; 8];
    client.read_exact(&mut go).await.unwrap();
    let config = Authority::new("Test CA").client_config();
    let error = connect(config, client).await.unwrap_err();
    assert_eq!(
        tls_error(&error),
        Some(Error::AlertReceived(AlertDescription::HandshakeFailure))
    );
    assert_eq!(peer.finish().await.heard_in_clear(), b"STARTTLS\r\n");
}
