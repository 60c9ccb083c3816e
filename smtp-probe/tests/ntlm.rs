//! What NTLM's challenge tells: asked for where it is offered, read, and cancelled before anything is proved.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use std::time::{Duration, SystemTime};

use common::{Outcome, World, converse};
use probe_core::{FailureKind, Severity};
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security};
use probe_testkit::Script;
use smtp_probe::{ConfigError, Introduction, NtlmError, NtlmFacts, Options};

/// What we begin by: no name is in it.
const NEGOTIATE: &str = "TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADw==";

/// What an Exchange server would answer.
const CHALLENGE: &str = "TlRMTVNTUAACAAAADgAOADgAAAAFgomiAQIDBAUGBwgAAAAAAAAAAIgAiABGAAAACgBjRQAAAA9FAFgAQQBNAFAATABFAAIADgBFAFgAQQBNAFAATABFAAEABgBNAFgAMQAEABgAZQB4AGEAbQBwAGwAZQAuAHQAZQBzAHQAAwAgAG0AeAAxAC4AZQB4AGEAbQBwAGwAZQAuAHQAZQBzAHQABQAYAGUAeABhAG0AcABsAGUALgB0AGUAcwB0AAcACACAAEB0lHvcAQAAAAA=";

fn offering(extension: &str) -> Script {
    Script::new()
        .say("220 mx.example.test ESMTP\r\n")
        .hear("EHLO")
        .say(format!("250-mx.example.test\r\n250 {extension}\r\n"))
}

/// A server that gives this for a challenge, and takes the cancelling well.
fn challenging(extension: &str, challenge: &str) -> Script {
    offering(extension)
        .hear("AUTH NTLM")
        .say("334 ntlm supported\r\n")
        .hear(NEGOTIATE)
        .say(format!("334 {challenge}\r\n"))
        .hear("*")
        .say("501 5.7.0 Authentication canceled\r\n")
}

async fn ask(script: Script, shape: impl FnOnce(Options) -> Options) -> Outcome {
    let world = World::new();
    let options = shape(world.options().ntlm_facts(true));
    converse(
        &world,
        &script,
        Security::Cleartext,
        SecretsOver::Cleartext,
        options,
    )
    .await
}

/// Asks a server that is left at the end.
async fn ask_and_leave(script: Script) -> Outcome {
    let script = script.hear("QUIT").say("221 Bye\r\n");
    let outcome = ask(script, |options| options).await;
    outcome.conversation.assert_followed();
    outcome
}

#[tokio::test(start_paused = true)]
async fn the_challenge_is_read_and_cancelled() {
    for extension in ["AUTH NTLM", "X-EXPS GSSAPI ntlm"] {
        let outcome = ask_and_leave(challenging(extension, CHALLENGE)).await;
        assert_eq!(outcome.failure, None);
        let ntlm = outcome.facts.ntlm.as_ref().unwrap();
        let challenge = ntlm.challenge().unwrap();
        assert_eq!(challenge.target_name.as_deref(), Some("EXAMPLE"));
        assert_eq!(challenge.netbios_computer.as_deref(), Some("MX1"));
        assert_eq!(challenge.netbios_domain.as_deref(), Some("EXAMPLE"));
        let name = challenge.dns_computer.as_deref();
        assert_eq!(name, Some("mx1.example.test"));
        assert_eq!(challenge.dns_domain.as_deref(), Some("example.test"));
        assert_eq!(challenge.dns_tree.as_deref(), Some("example.test"));
        assert_eq!(challenge.version.unwrap().to_string(), "10.0.17763");
        let clock = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045);
        assert_eq!(challenge.time, Some(clock));
        assert!(outcome.codes().contains(&"smtp.ntlm.discloses"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_it_tells_is_in_the_report() {
    let outcome = ask_and_leave(challenging("AUTH NTLM", CHALLENGE)).await;
    let finding = &outcome.findings[0];
    assert_eq!(finding.severity, Severity::Info);
    assert_eq!(
        finding.evidence,
        "target_name EXAMPLE; netbios_computer MX1; netbios_domain EXAMPLE; dns_computer mx1.example.test; \
        dns_domain example.test; dns_tree example.test; version 10.0.17763"
    );
    let json = outcome.report.to_json();
    for part in [
        r#""outcome":"told""#,
        r#""dns_computer":"mx1.example.test""#,
        r#""version":"10.0.17763""#,
        r#""time":"2026-01-02T03:04:05"#,
    ] {
        assert!(json.contains(part), "{part}: {json}");
    }
}

#[tokio::test(start_paused = true)]
async fn under_tls_it_is_asked_for_where_it_is_offered_there() {
    let world = World::new();
    let script = offering("STARTTLS")
        .hear("STARTTLS")
        .say("220 Go ahead\r\n")
        .tls(&world.identity)
        .hear("EHLO")
        .say("250-mx.example.test\r\n250 AUTH NTLM\r\n")
        .hear("AUTH NTLM")
        .say("334 go on\r\n")
        .hear(NEGOTIATE)
        .say(format!("334 {CHALLENGE}\r\n"))
        .hear("*")
        .say("501 Cancelled\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let options = world.options().ntlm_facts(true);
    let outcome = converse(
        &world,
        &script,
        Security::Required,
        SecretsOver::VerifiedTls,
        options,
    )
    .await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.codes(), ["smtp.ntlm.discloses"]);
}

#[tokio::test(start_paused = true)]
async fn where_it_is_not_offered_nothing_is_asked() {
    let outcome = ask_and_leave(offering("AUTH GSSAPI")).await;
    assert_eq!(outcome.facts.ntlm, Some(NtlmFacts::NotOffered));
    assert_eq!(outcome.codes(), Vec::<&str>::new());
    assert!(
        outcome
            .report
            .to_json()
            .contains(r#""outcome":"not-offered""#)
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_a_fact_and_the_probe_goes_on() {
    let refused = offering("AUTH NTLM")
        .hear("AUTH NTLM")
        .say("504 5.7.4 Unrecognized authentication type\r\n");
    let later = offering("AUTH NTLM")
        .hear("AUTH NTLM")
        .say("334 go on\r\n")
        .hear(NEGOTIATE)
        .say("454 4.7.0 Not now\r\n");
    for script in [refused, later] {
        let outcome = ask_and_leave(script).await;
        assert_eq!(outcome.failure, None);
        assert_eq!(outcome.facts.ntlm.unwrap().as_str(), "refused");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_challenge_is_told_with_the_reason() {
    for (challenge, reason) in [
        ("no base64", NtlmError::Base64),
        ("AAAA", NtlmError::Header),
        (NEGOTIATE, NtlmError::Header),
    ] {
        let outcome = ask_and_leave(challenging("AUTH NTLM", challenge)).await;
        let ntlm = outcome.facts.ntlm.as_ref().unwrap();
        assert!(
            matches!(ntlm, NtlmFacts::Unreadable(why, _) if *why == reason),
            "{ntlm:?}"
        );
        assert_eq!(outcome.codes(), Vec::<&str>::new());
    }
}

#[tokio::test(start_paused = true)]
async fn the_login_comes_behind_it() {
    let script = challenging("AUTH NTLM PLAIN", CHALLENGE)
        .hear("AUTH PLAIN")
        .say("235 Ok\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let alice = Credentials::password("alice", "wonderland").unwrap();
    let shape = |options: Options| options.credentials(alice).ehlo_after_auth(false);
    let outcome = ask(script, shape).await;
    outcome.conversation.assert_followed();
    assert!(outcome.facts.auth.unwrap().accepted.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_does_not_let_go_is_left_without_a_word() {
    let script = offering("AUTH NTLM")
        .hear("AUTH NTLM")
        .say("334 go on\r\n")
        .hear(NEGOTIATE)
        .say(format!("334 {CHALLENGE}\r\n"))
        .hear("*")
        .say("334 go on\r\n")
        .drain();
    let outcome = ask(script, |options| options).await;
    let failure = outcome.failure.as_ref().unwrap();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("ntlm", FailureKind::Protocol)
    );
    assert_eq!(outcome.said().last().unwrap(), "*");
    assert_eq!(outcome.codes(), ["smtp.ntlm.discloses"]);
}

#[tokio::test(start_paused = true)]
async fn a_farewell_in_the_place_of_the_challenge_is_the_reason() {
    let script = offering("AUTH NTLM")
        .hear("AUTH NTLM")
        .say("421 4.7.0 Too many errors\r\n")
        .close();
    let outcome = ask(script, |options| options).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("ntlm", FailureKind::Temporary)
    );
}

#[test]
fn it_needs_ehlo() {
    let world = World::new();
    let options = world.options().ntlm_facts(true);
    let built = options.introduction(Introduction::Helo).build();
    assert_eq!(built.unwrap_err(), ConfigError::HeloOnly);
}
