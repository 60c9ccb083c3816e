//! Handshakes that fail, and what a probe makes of them: the phase, the kind, and the finding that tells what to
//! mend. What a handshake shows that comes to its end is in `tls`.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod toy;

use probe_core::{Context, FailureKind, Phase};
use probe_net::tls::TlsError;
use probe_testkit::{
    Authority, ClientCertificate, Ending, Identity, Script, TlsOptions, TlsVersions,
};

use toy::{NAME, ONE, Recital, Run, Stage, ms, say, upgrade, wait};

/// TLS from the first byte, with a server that spoils it.
async fn implicit(script: Script) -> Run {
    let stage = Stage::implicit(&Authority::new("Test CA"));
    stage.play(&script, Recital::new([wait(ONE)])).await
}

/// The server's words up to the go-ahead, which is not among them.
fn asked_for_tls() -> Script {
    Script::new().say("ok hello\r\n").hear("starttls")
}

/// TLS after a go-ahead.
async fn upgrading(script: Script) -> Run {
    let stage = Stage::upgrading(&Authority::new("Test CA"));
    let steps = [
        wait(Phase::GREETING),
        say(Phase::STARTTLS, "starttls"),
        upgrade(),
        say(ONE, "one"),
    ];
    stage
        .play(&script, Recital::new(steps).with_farewell("bye"))
        .await
}

#[tokio::test(start_paused = true)]
async fn a_server_that_speaks_in_clear_on_a_tls_port_is_not_tls() {
    let run = implicit(Script::new().tls_garbage("220 mx.example.test ESMTP\r\n")).await;
    assert_eq!(run.stopped(), Some(("tls", FailureKind::Protocol)));
    assert_eq!(
        run.failure().detail,
        "the server does not speak TLS on this port"
    );
    assert_eq!(run.last_words(), Some("220 mx.example.test ESMTP"));
    assert_eq!(run.codes(), ["tls.not-tls"]);
    assert_eq!(
        run.report.findings.first().unwrap().evidence,
        "220 mx.example.test ESMTP"
    );
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_comes_before_the_client_hello_is_not_tls_either() {
    let run = implicit(Script::new().say("220 mx.example.test ESMTP\r\n").drain()).await;
    assert_eq!(run.stopped(), Some(("tls", FailureKind::Protocol)));
    assert_eq!(run.codes(), ["tls.not-tls"]);
}

#[tokio::test(start_paused = true)]
async fn bytes_behind_the_go_ahead_stop_the_upgrade() {
    for size in [1, 7, 100] {
        let script = asked_for_tls()
            .say("ok go\r\nok evil\r\n")
            .drain()
            .in_pieces(size);
        let run = upgrading(script).await;
        // In pieces the second line comes after the upgrade began: the finding is the same.
        assert_eq!(run.stopped(), Some(("starttls", FailureKind::Protocol)));
        assert_eq!(run.codes(), ["starttls.injection"]);
        assert_eq!(run.heard(), ["(connected)", "ok hello", "ok go"]);
    }
    let run = upgrading(asked_for_tls().say("ok go\r\nok evil\r\n").drain()).await;
    assert_eq!(
        run.failure().detail,
        "bytes stood behind the go-ahead for TLS; they were not read"
    );
    assert_eq!(run.last_words(), Some("ok evil"));
    assert_eq!(run.conversation.lines(), ["starttls"]);
}

#[tokio::test(start_paused = true)]
async fn bytes_in_place_of_tls_after_the_go_ahead_are_the_same_finding() {
    let run = upgrading(asked_for_tls().say("ok go\r\n").tls_garbage("ok evil\r\n")).await;
    assert_eq!(run.stopped(), Some(("starttls", FailureKind::Protocol)));
    assert_eq!(
        run.failure().detail,
        "the server spoke in clear after its go-ahead for TLS"
    );
    assert_eq!(run.last_words(), Some("ok evil"));
    assert_eq!(run.codes(), ["starttls.injection"]);
    assert_eq!(run.heard(), ["(connected)", "ok hello", "ok go"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_of_another_age_is_legacy() {
    let run = implicit(Script::new().tls_legacy()).await;
    assert_eq!(run.stopped(), Some(("tls", FailureKind::Tls)));
    assert_eq!(run.codes(), ["tls.legacy"]);
}

#[tokio::test(start_paused = true)]
async fn an_alert_is_told_by_its_name_and_what_it_means() {
    let legacy = "the server accepts none of our versions and suites";
    let client = "the server does not accept our certificate";
    let table = [
        (
            40,
            "handshake_failure",
            "the server refused the handshake",
            "tls.handshake-refused",
        ),
        (42, "bad_certificate", client, "tls.client-certificate"),
        (
            43,
            "unsupported_certificate",
            client,
            "tls.client-certificate",
        ),
        (44, "certificate_revoked", client, "tls.client-certificate"),
        (45, "certificate_expired", client, "tls.client-certificate"),
        (46, "certificate_unknown", client, "tls.client-certificate"),
        (48, "unknown_ca", client, "tls.client-certificate"),
        (70, "protocol_version", legacy, "tls.legacy"),
        (71, "insufficient_security", legacy, "tls.legacy"),
        (
            112,
            "unrecognised_name",
            "the server does not know this name",
            "tls.server-name-refused",
        ),
        (
            116,
            "certificate_required",
            client,
            "tls.client-certificate",
        ),
        (
            80,
            "internal_error",
            "the server broke off the handshake",
            "",
        ),
    ];
    for (alert, name, meaning, code) in table {
        for after_go_ahead in [false, true] {
            let run = match after_go_ahead {
                false => implicit(Script::new().tls_alert(alert)).await,
                true => upgrading(asked_for_tls().say("ok go\r\n").tls_alert(alert)).await,
            };
            assert_eq!(run.stopped(), Some(("tls", FailureKind::Tls)));
            assert_eq!(run.failure().detail, format!("{meaning} (alert {name})"));
            let codes: Vec<_> = Some(code)
                .filter(|code| !code.is_empty())
                .into_iter()
                .collect();
            assert_eq!(run.codes(), codes, "{name}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_stalls_is_a_timeout_of_its_own_phase() {
    let mut stage = Stage::upgrading(&Authority::new("Test CA"));
    stage.cx = Context::default().with_patience_for(Phase::TLS, ms(3_000));
    let script = Script::new().pause(ms(10)).say("ok go\r\n").tls_stall();
    let recital = Recital::new([wait(Phase::GREETING), upgrade()]).with_farewell("bye");
    let run = stage.play(&script, recital).await;
    assert_eq!(run.stopped(), Some(("tls", FailureKind::Timeout)));
    assert_eq!(run.heard(), ["(connected)", "ok go"]);
    assert_eq!(run.spans(), [("greeting", 0, 10), ("tls", 10, 3_000)]);
    assert!(run.tls.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_is_cut_or_reset_is_closed_in_its_own_phase() {
    for spoiled in [
        Script::new().tls_cut(),
        Script::new().tls_reset(),
        Script::new().close(),
    ] {
        let run = implicit(spoiled).await;
        assert_eq!(run.stopped(), Some(("tls", FailureKind::Closed)));
        assert_eq!(
            run.failure().detail,
            "the server hung up in the middle of the handshake"
        );
        assert_eq!(run.codes(), [""; 0]);
    }
    let run = upgrading(asked_for_tls().say("ok go\r\n").tls_reset()).await;
    assert_eq!(run.stopped(), Some(("tls", FailureKind::Closed)));
    assert_eq!(run.heard(), ["(connected)", "ok hello", "ok go"]);
    assert_eq!(run.conversation.lines(), ["starttls"]);
}

#[tokio::test]
async fn a_handshake_that_is_reset_on_a_socket_is_closed_in_its_own_phase() {
    let peer = Script::new().tls_reset().listen().await.unwrap();
    let stage = Stage::implicit(&Authority::new("Test CA"));
    let mut log = probe_net::Log::begin(&Context::default());
    let net = probe_net::Net::new(stage.tls);
    let address = peer.address();
    let endpoint = probe_net::Endpoint::new(address.ip().into(), address.port());
    let mut wire = net.dial(&endpoint, &mut log).await.unwrap();
    let failure = wire.secure(&mut log).await.unwrap_err();
    drop(wire);
    assert_eq!(
        (failure.phase, failure.kind),
        (Phase::TLS, FailureKind::Closed)
    );
    peer.finish().await;
}

#[tokio::test(start_paused = true)]
async fn under_tls_a_truncated_reply_is_closed_like_any_other() {
    let ca = Authority::new("Test CA");
    let script = Script::new()
        .tls(&ca.identity([NAME]))
        .say("ok b")
        .with_fault(probe_testkit::Fault::CutAt(4));
    let stage = Stage::implicit(&ca);
    let run = stage.play(&script, Recital::new([wait(ONE)])).await;
    assert_eq!(run.stopped(), Some(("one", FailureKind::Closed)));
    assert_eq!(run.failure().detail, "the server hung up");
    assert_eq!(run.last_words(), Some("ok b"));
    assert!(run.tls.unwrap().is_verified());
}

#[tokio::test(start_paused = true)]
async fn a_client_certificate_that_is_demanded_and_missing_is_a_finding() {
    let ca = Authority::new("Test CA");
    for (versions, phase, heard) in [
        (TlsVersions::Only12, "tls", &[][..]),
        // TLS 1.3 lets the client in and tells it afterwards.
        (TlsVersions::Only13, "one", &["(secured)"]),
    ] {
        let options = TlsOptions::new()
            .versions(versions)
            .client_certificate(ClientCertificate::Demanded);
        let script = Script::new()
            .tls_with(&ca.identity([NAME]), &options)
            .say("ok hello\r\n");
        for first_step in [wait(ONE), say(ONE, "one")] {
            let stage = Stage::implicit(&ca);
            let run = stage.play(&script, Recital::new([first_step])).await;
            assert_eq!(run.stopped(), Some((phase, FailureKind::Tls)));
            assert_eq!(
                run.failure().detail,
                "the server does not accept our certificate (alert certificate_required)"
            );
            assert_eq!(run.codes(), ["tls.client-certificate"]);
            assert_eq!(run.heard(), heard);
            assert_eq!(run.conversation.ending(), Ending::HandshakeFailed);
            // What was seen of the server's certificate is kept.
            assert_eq!(run.tls.unwrap().faults, []);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_certificate_that_is_demanded_and_given_is_accepted() {
    let ca = Authority::new("Test CA");
    let alice = ca.client_identity("alice");
    let (chain, key) = (alice.chain().to_vec(), alice.key().clone_key());
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        let options = TlsOptions::new()
            .versions(versions)
            .client_certificate(ClientCertificate::IssuedBy(ca.roots()));
        let script = Script::new()
            .tls_with(&ca.identity([NAME]), &options)
            .say("ok hello\r\n");
        let mut stage = Stage::implicit(&ca);
        stage.tls = stage
            .tls
            .with_client_certificate(chain.clone(), key.clone_key())
            .unwrap();
        let run = stage.play(&script, Recital::new([wait(ONE)])).await;
        run.conversation.assert_followed();
        assert_eq!(run.heard(), ["(secured)", "ok hello"]);
        let shown = &run.conversation.handshake().unwrap().client_certificates;
        assert_eq!(*shown, alice.chain());
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_certificate_of_another_authority_is_a_finding() {
    let ca = Authority::new("Test CA");
    let mallory = Authority::new("Other CA").client_identity("mallory");
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        let options = TlsOptions::new()
            .versions(versions)
            .client_certificate(ClientCertificate::IssuedBy(ca.roots()));
        let script = Script::new()
            .tls_with(&ca.identity([NAME]), &options)
            .say("ok hello\r\n");
        let mut stage = Stage::implicit(&ca);
        stage.tls = stage
            .tls
            .with_client_certificate(mallory.chain().to_vec(), mallory.key().clone_key())
            .unwrap();
        let run = stage.play(&script, Recital::new([wait(ONE)])).await;
        assert_eq!(run.failure().kind, FailureKind::Tls);
        assert_eq!(
            run.failure().detail,
            "the server does not accept our certificate (alert unknown_ca)"
        );
        assert_eq!(run.codes(), ["tls.client-certificate"]);
    }
}

#[test]
fn a_client_certificate_with_a_key_that_is_not_its_own_is_refused_at_once() {
    let ca = Authority::new("Test CA");
    let (alice, bob) = (ca.client_identity("alice"), ca.client_identity("bob"));
    let mixed = Identity::new(alice.chain().to_vec(), bob.key().clone_key());
    let error = toy::tls(ca.roots())
        .with_client_certificate(mixed.chain().to_vec(), mixed.key().clone_key())
        .unwrap_err();
    assert!(matches!(error, TlsError::ClientCertificate(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn tls_inside_tls_is_our_own_fault() {
    let ca = Authority::new("Test CA");
    let script = Script::new()
        .tls(&ca.identity([NAME]))
        .say("ok\r\n")
        .drain();
    let run = Stage::implicit(&ca)
        .play(&script, Recital::new([wait(ONE), upgrade()]))
        .await;
    assert_eq!(run.stopped(), Some(("tls", FailureKind::Local)));
}
