//! What others could get past the server: commands before TLS (CVE-2011-0411), and messages inside messages.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::time::Duration;

use common::{Outcome, World, converse};
use probe_core::{Context, Finding, Probe, Severity};
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security};
use probe_testkit::Script;
use smtp_probe::{ConfigError, FalseEnd, InjectionFacts, Introduction, Message, Options, Role};

const BEHIND: &str = "STARTTLS\r\nNOOP\r\n";

fn offering(extensions: &str) -> Script {
    Script::new()
        .say("220 mx.example.test ESMTP\r\n")
        .hear("EHLO")
        .say(format!("250-mx.example.test\r\n250 {extensions}\r\n"))
}

async fn ask(
    world: &World,
    script: Script,
    security: Security,
    shape: impl FnOnce(Options) -> Options,
) -> Outcome {
    let options = shape(world.options());
    let over = SecretsOver::Cleartext;
    let outcome = converse(world, &script, security, over, options).await;
    outcome.conversation.assert_followed();
    outcome
}

async fn inject(world: &World, script: Script) -> Outcome {
    ask(world, script, Security::Required, |options| {
        options.injection_test(true)
    })
    .await
}

fn starttls() -> Script {
    offering("STARTTLS").hear_bytes(BEHIND.len())
}

fn left(script: Script) -> Script {
    script.hear("QUIT").say("221 Bye\r\n")
}

#[tokio::test(start_paused = true)]
async fn a_command_that_is_carried_out_under_tls_was_injected() {
    let world = World::new();
    let script = starttls().say("220 Go\r\n").tls(&world.identity);
    let outcome = inject(&world, left(script.say("250 2.0.0 Ok\r\n"))).await;
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.codes(), ["smtp.starttls.command-injection"]);
    assert_eq!(outcome.findings[0].severity, Severity::Critical);
    assert_eq!(outcome.findings[0].evidence, "250 2.0.0 Ok");
    // In one packet, or it would be no command of somebody in between.
    let heard = outcome.conversation.heard_in_clear();
    assert!(heard.ends_with(BEHIND.as_bytes()), "{heard:?}");
    let json = outcome.report.to_json();
    assert!(json.contains(r#""result":"executed""#), "{json}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_forgets_the_command_or_wants_none_is_not_accused() {
    let world = World::new();
    let forgets = starttls().say("220 Go\r\n").tls(&world.identity);
    let outcome = inject(&world, left(forgets)).await;
    assert_eq!((&outcome.failure, outcome.codes()), (&None, vec![]));
    assert_eq!(outcome.facts.injection, Some(InjectionFacts::Ignored));

    let exim = starttls().say("554 SMTP synchronization error\r\n");
    let outcome = inject(&world, exim).await;
    assert_eq!((&outcome.failure, outcome.codes()), (&None, vec![]));
    let refused = outcome.facts.injection.as_ref().unwrap();
    assert_eq!(refused.as_str(), "refused");

    let hangs_up = starttls().say("220 Go\r\n").tls(&world.identity);
    let outcome = inject(&world, hangs_up).await;
    assert_eq!((&outcome.failure, outcome.codes()), (&None, vec![]));
    assert_eq!(outcome.facts.injection, Some(InjectionFacts::HungUp));
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_clear_is_no_injection_of_either_kind() {
    let world = World::new();
    for together in [true, false] {
        let script = match together {
            true => starttls().say("220 Go\r\n250 2.0.0 Ok\r\n"),
            false => {
                let script = starttls().say("220 Go\r\n");
                script
                    .pause(Duration::from_millis(300))
                    .say("250 2.0.0 Ok\r\n")
            }
        };
        let outcome = inject(&world, script).await;
        assert_eq!(outcome.failure, None);
        assert_eq!(outcome.codes(), ["smtp.starttls.injection-untested"]);
        let evidence = &outcome.findings[0].evidence;
        assert_eq!(evidence, "answered before TLS: 250 2.0.0 Ok");
    }
}

#[tokio::test(start_paused = true)]
async fn where_it_does_not_come_to_tls_that_is_said() {
    let world = World::new();
    let script = starttls().say("454 4.7.0 TLS not available\r\n");
    let outcome = inject(&world, left(script)).await;
    assert!(outcome.failure.is_some());
    assert_eq!(
        outcome.codes(),
        ["starttls.refused", "smtp.starttls.injection-untested"]
    );
    let options = |options: Options| options.injection_test(true);
    let outcome = ask(
        &world,
        left(offering("SIZE")),
        Security::Opportunistic,
        options,
    )
    .await;
    assert!(
        outcome
            .codes()
            .contains(&"smtp.starttls.injection-untested")
    );
}

fn message() -> Message {
    Message::new(*b"Subject: x\r\n\r\n.\r\n").unwrap()
}

/// What is sent up to and with this end.
fn sent(ends: &[FalseEnd]) -> Vec<u8> {
    let mut sent = b"Subject: x\r\n\r\n..\r\n".to_vec();
    for end in ends {
        sent.extend_from_slice(&attempt(*end));
    }
    sent
}

fn attempt(end: FalseEnd) -> Vec<u8> {
    [b"This is not the end:", end.bytes(), b"NOOP\r\n"].concat()
}

/// Up to DATA.
fn invited() -> Script {
    offering("CHUNKING")
        .hear("MAIL")
        .say("250 Ok\r\n")
        .hear("RCPT")
        .say("250 Ok\r\n")
        .hear("DATA")
        .say("354 Go\r\n")
}

async fn smuggle(script: Script, shape: impl FnOnce(Options) -> Options) -> Outcome {
    let recipients = ["alice@example.org".parse().unwrap()];
    ask(&World::new(), script, Security::Cleartext, |options| {
        let options = options.recipients(&recipients).message(message());
        shape(options.smuggling_test(true))
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn a_server_that_sees_no_end_hears_all_and_gets_no_message() {
    let script = invited().hear_bytes(sent(&FalseEnd::ALL).len()).drain();
    let outcome = smuggle(script, |options| options).await;
    assert_eq!((&outcome.failure, outcome.codes()), (&None, vec![]));
    let smuggling = outcome.facts.smuggling.as_ref().unwrap();
    assert_eq!(
        (smuggling.role, smuggling.is_complete),
        (Role::Inbound, true)
    );
    assert_eq!(smuggling.ignored, FalseEnd::ALL);
    let heard = outcome.conversation.heard_in_clear();
    assert!(heard.ends_with(&sent(&FalseEnd::ALL)), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_sees_an_end_is_told_with_the_bytes_that_it_took_for_one() {
    for taken in 0..FalseEnd::ALL.len() {
        let end = FalseEnd::ALL[taken];
        let script = invited()
            .hear_bytes(sent(&FalseEnd::ALL[..=taken]).len())
            .say("250 2.0.0 Queued as 4ABC\r\n250 2.0.0 Ok\r\n")
            .hear("QUIT")
            .say("221 Bye\r\n");
        let outcome = smuggle(script, |options| options).await;
        assert_eq!(outcome.codes(), ["smtp.smuggling.accepted"], "{end}");
        let evidence = &outcome.findings[0].evidence;
        assert_eq!(evidence, &format!("{end}: 250 2.0.0 Queued as 4ABC"));
        assert_eq!(outcome.findings[0].severity, Severity::Critical);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_message_is_an_end_too_if_the_command_behind_it_is_answered() {
    let refusing = || invited().hear_bytes(sent(&FalseEnd::ALL[..1]).len());
    let content = refusing().say("550 5.7.1 Spam\r\n250 2.0.0 Ok\r\n");
    let outcome = smuggle(left(content), |options| options).await;
    assert_eq!(outcome.codes(), ["smtp.smuggling.accepted"]);
    assert_eq!(outcome.findings[0].evidence, "LF . LF: 550 5.7.1 Spam");

    for behind in ["", "554 5.5.0 Error: SMTP protocol synchronization\r\n"] {
        let strict = refusing().say(format!("521 5.5.2 Error: bare <LF> received\r\n{behind}"));
        let outcome = smuggle(strict, |options| options).await;
        assert_eq!((&outcome.failure, outcome.codes()), (&None, vec![]));
        let smuggling = outcome.facts.smuggling.as_ref().unwrap();
        let (end, meeting) = smuggling.met.as_ref().unwrap();
        assert_eq!((*end, meeting.as_str()), (FalseEnd::LfLf, "refused"));
    }

    let outcome = smuggle(refusing(), |options| options).await;
    assert_eq!((&outcome.failure, outcome.codes()), (&None, vec![]));
    let smuggling = outcome.facts.smuggling.as_ref().unwrap();
    assert_eq!(smuggling.met.as_ref().unwrap().1.as_str(), "hung-up");
}

#[tokio::test(start_paused = true)]
async fn behind_a_login_it_is_the_users_who_could_smuggle() {
    let script = offering("AUTH PLAIN")
        .hear("AUTH PLAIN")
        .say("235 Ok\r\n")
        .hear("EHLO")
        .say("250 mx.example.test\r\n")
        .hear("MAIL")
        .say("250 Ok\r\n")
        .hear("RCPT")
        .say("250 Ok\r\n")
        .hear("DATA")
        .say("354 Go\r\n")
        .hear_bytes(sent(&FalseEnd::ALL[..1]).len())
        .say("250 Ok\r\n250 Ok\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let alice = Credentials::password("alice", "wonderland").unwrap();
    let outcome = smuggle(script, |options| options.credentials(alice)).await;
    let smuggling: Vec<&Finding> = outcome
        .findings
        .iter()
        .filter(|one| one.code() == "smtp.smuggling.accepted")
        .collect();
    assert_eq!(smuggling[0].severity, Severity::Warning);
    let json = outcome.report.to_json();
    assert!(json.contains(r#""role":"submission""#), "{json}");
}

#[test]
fn tests_that_could_not_be_done_are_refused() {
    let world = World::new();
    let test = || world.options().injection_test(true);
    let error = |options: Options| options.build().unwrap_err();
    for security in [Security::Cleartext, Security::Implicit] {
        assert_eq!(
            error(test().security(security)),
            ConfigError::InjectionWithoutStartTls
        );
    }
    assert_eq!(
        error(test().introduction(Introduction::Helo)),
        ConfigError::InjectionWithoutStartTls
    );
    assert_eq!(error(test().noops(1)), ConfigError::InjectionTestAlone);
    let alice = Credentials::password("alice", "wonderland").unwrap();
    assert_eq!(
        error(test().credentials(alice)),
        ConfigError::InjectionTestAlone
    );
    assert_eq!(
        error(world.options().smuggling_test(true)),
        ConfigError::SmugglingNothing
    );
}

#[tokio::test]
async fn a_deadline_leaves_what_was_not_tried_untested_and_not_acquitted() {
    let world = World::new();
    let peer = invited().drain().listen().await.unwrap();
    let options = world.options().security(Security::Cleartext);
    let probe = options
        .recipients(&["alice@example.org".parse().unwrap()])
        .message(message())
        .smuggling_test(true)
        .build()
        .unwrap();
    let target = peer.address().to_string().parse().unwrap();
    let cx = Context::default().with_budget(Duration::from_millis(500));
    let report = probe.probe(&target, &cx).await;
    assert_eq!(report.failure, None);
    let codes: Vec<_> = report.findings.iter().map(Finding::code).collect();
    assert_eq!(codes, ["smtp.smuggling.untested"]);
    let smuggling = report.facts.smuggling.as_ref().unwrap();
    assert_eq!((smuggling.ignored.len(), smuggling.is_complete), (0, false));
}
