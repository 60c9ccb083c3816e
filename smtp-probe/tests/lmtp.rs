//! LMTP (RFC 2033): what is different.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use common::{Outcome, World, converse};
use probe_core::{Context, FailureKind, Probe, Target};
use probe_net::tls::{SecretsOver, Security};
use probe_testkit::Script;
use smtp_probe::{Acceptance, ConfigError, Introduction, Protocol};

async fn ask(script: Script) -> Outcome {
    let world = World::new();
    let options = world
        .options()
        .protocol(Protocol::Lmtp)
        .recipients(&["alice@example.org".parse().unwrap()]);
    converse(
        &world,
        &script,
        Security::Opportunistic,
        SecretsOver::VerifiedTls,
        options,
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn the_introduction_is_lhlo_before_and_behind_tls() {
    let world = World::new();
    let script = Script::new()
        .say("220 mx.example.test LMTP\r\n")
        .hear("LHLO probe.example.test")
        .say("250-mx.example.test\r\n250 STARTTLS\r\n")
        .hear("STARTTLS")
        .say("220 Go\r\n")
        .tls(&world.identity)
        .hear("LHLO probe.example.test")
        .say("250-mx.example.test\r\n250 PIPELINING\r\n")
        .hear("MAIL FROM:<>")
        .hear("RCPT TO:<alice@example.org>")
        // Dovecot.
        .say("250 2.1.0 OK\r\n550 5.1.1 <alice@example.org> User doesn't exist: alice\r\n")
        .hear("RSET")
        .say("250 2.0.0 OK\r\n")
        .hear("QUIT")
        .say("221 2.0.0 Bye\r\n");
    let options = world
        .options()
        .protocol(Protocol::Lmtp)
        .recipients(&["alice@example.org".parse().unwrap()]);
    let outcome = converse(
        &world,
        &script,
        Security::Required,
        SecretsOver::VerifiedTls,
        options,
    )
    .await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
    let envelope = outcome.facts.envelope.unwrap();
    let acceptance = envelope.recipients[0].answer.acceptance;
    assert_eq!(acceptance, Acceptance::UnknownUser);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_knows_no_lhlo_is_not_asked_in_another_way() {
    // RFC 2033 section 4.1: an SMTP server answers LHLO with 500, and HELO must not be said to an LMTP server.
    for code in ["500", "502"] {
        let script = Script::new()
            .say("220 mx.example.test ESMTP\r\n")
            .hear("LHLO")
            .say(format!("{code} 5.5.2 Error: command not recognized\r\n"))
            .hear("QUIT")
            .say("221 Bye\r\n");
        let outcome = ask(script).await;
        outcome.conversation.assert_followed();
        assert_eq!(outcome.failure.unwrap().kind, FailureKind::Permanent);
    }
}

#[test]
fn helo_is_not_for_lmtp() {
    let options = World::new().options().protocol(Protocol::Lmtp);
    let helo = options.introduction(Introduction::Helo).build();
    assert_eq!(helo.unwrap_err(), ConfigError::LmtpByHelo);
}

#[tokio::test]
async fn the_port_is_24_unless_another_is_named() {
    let world = World::new();
    let probe = world.options().protocol(Protocol::Lmtp).build().unwrap();
    let cx = Context::default().with_budget(std::time::Duration::from_millis(200));
    let target: Target = "127.0.0.1".parse().unwrap();
    let report = probe.probe(&target, &cx).await;
    assert_eq!(report.target.to_string(), "127.0.0.1:24");
    assert_eq!(report.probe, "lmtp");
}
