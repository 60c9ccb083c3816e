//! The machine, led by the real driver against scripted servers: which command follows on which reply.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;
#[path = "dialogue/maildrop.rs"]
mod maildrop;

use std::time::Duration;

use common::{Outcome, World, alice, converse, log_in};
use pop3_probe::{LoginCommand, Options};
use probe_core::FailureKind;
use probe_net::sasl::{Credentials, Mechanism, Way};
use probe_net::tls::{SecretsOver, Security, StartTls};
use probe_testkit::Script;

fn greeting() -> Script {
    Script::new().say("+OK ready\r\n")
}

/// A server that offers these capabilities in clear.
fn offering(capabilities: &str) -> Script {
    greeting().hear("CAPA").say(list(capabilities))
}

/// A list of what is separated by commas.
fn list(items: &str) -> String {
    let items = items.split(", ").filter(|item| !item.is_empty());
    let lines: String = items.map(|item| format!("{item}\r\n")).collect();
    format!("+OK\r\n{lines}.\r\n")
}

/// What a server with an empty maildrop says after a login.
fn empty(script: Script) -> Script {
    script
        .hear("STAT")
        .say("+OK 0 0\r\n")
        .hear("LIST")
        .say(list(""))
        .hear("UIDL")
        .say(list(""))
        .hear("QUIT")
        .say("+OK bye\r\n")
}

async fn ask(script: Script, security: Security) -> Outcome {
    let world = World::new();
    let options = world.options();
    converse(&world, &script, security, SecretsOver::VerifiedTls, options).await
}

#[tokio::test(start_paused = true)]
async fn stls_comes_after_capa_and_capa_again_after_tls() {
    // Case 7: RFC 2595 section 4 demands it, since what was said in clear may be forged (Indy#427).
    let world = World::new();
    let script = offering("STLS, SASL PLAIN")
        .hear("STLS")
        .say("+OK go ahead\r\n")
        .tls(&world.identity)
        .hear("CAPA")
        .say(list("UIDL"))
        .hear("QUIT")
        .say("+OK bye\r\n");
    let options = world.options();
    let weakest = SecretsOver::VerifiedTls;
    let outcome = converse(&world, &script, Security::Required, weakest, options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.facts.starttls, StartTls::Accepted);
    assert!(outcome.facts.clear.as_ref().unwrap().has("STLS"));
    let latest = outcome.facts.capabilities().unwrap();
    assert!(latest.has("UIDL") && latest.mechanisms().is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_was_offered_in_clear_decides_nothing_under_tls() {
    let world = World::new();
    let script = offering("STLS, SASL CRAM-MD5")
        .hear("STLS")
        .say("+OK go ahead\r\n")
        .tls(&world.identity)
        .hear("CAPA")
        .say(list("SASL PLAIN"))
        .hear("AUTH PLAIN ")
        .say("+OK\r\n");
    let options = world.options().credentials(alice()).capa_after_auth(false);
    let weakest = SecretsOver::VerifiedTls;
    let script = empty(script);
    let outcome = converse(&world, &script, Security::Required, weakest, options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
}

#[tokio::test(start_paused = true)]
async fn with_implicit_tls_nothing_is_said_in_clear() {
    let world = World::new();
    let script = Script::new()
        .tls(&world.identity)
        .say("+OK ready\r\n")
        .hear("CAPA")
        .say(list("STLS"))
        .hear("QUIT")
        .say("+OK bye\r\n");
    let options = world.options();
    let weakest = SecretsOver::VerifiedTls;
    let outcome = converse(&world, &script, Security::Implicit, weakest, options).await;
    outcome.conversation.assert_followed();
    assert!(outcome.conversation.heard_in_clear().is_empty());
    assert_eq!(outcome.facts.clear, None);
    assert_eq!(outcome.codes(), ["pop3.stls.inside-tls"]);
}

#[tokio::test(start_paused = true)]
async fn where_stls_is_missing_each_policy_does_its_own() {
    let script = || offering("UIDL").hear("QUIT").say("+OK bye\r\n");
    let required = ask(script(), Security::Required).await;
    assert_eq!(
        required.failure.as_ref().unwrap().kind,
        FailureKind::Unsupported
    );
    assert_eq!(required.codes(), ["starttls.not-offered"]);
    assert_eq!(required.said().last().unwrap(), "QUIT");

    let opportunistic = ask(script(), Security::Opportunistic).await;
    assert_eq!(opportunistic.failure, None);
    assert_eq!(opportunistic.codes(), ["starttls.not-offered"]);

    let cleartext = ask(script(), Security::Cleartext).await;
    assert_eq!((cleartext.failure, cleartext.findings), (None, vec![]));
}

#[tokio::test(start_paused = true)]
async fn a_refused_stls_ends_what_must_be_encrypted_and_nothing_else() {
    let script = || {
        offering("STLS")
            .hear("STLS")
            .say("-ERR [SYS/TEMP] not now\r\n")
            .hear("QUIT")
            .say("+OK bye\r\n")
    };
    let required = ask(script(), Security::Required).await;
    assert_eq!(
        required.failure.as_ref().unwrap().kind,
        FailureKind::Temporary
    );
    let opportunistic = ask(script(), Security::Opportunistic).await;
    assert_eq!(opportunistic.failure, None);
    assert_eq!(opportunistic.codes(), ["starttls.refused"]);
}

#[tokio::test(start_paused = true)]
async fn we_say_goodbye_where_it_is_understood_and_only_there() {
    for (greeting, goodbye) in [
        ("-ERR go away\r\n", true),
        ("hello\r\n", false),
        ("+ \r\n", false),
    ] {
        let outcome = ask(Script::new().say(greeting).drain(), Security::Cleartext).await;
        assert_eq!(outcome.has_said("QUIT"), goodbye, "{greeting}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_reply_is_booked_to_its_own_phase() {
    let ms = Duration::from_millis;
    let script = Script::new()
        .pause(ms(100))
        .say("+OK\r\n")
        .hear("CAPA")
        .pause(ms(200))
        .say(list("UIDL"))
        .hear("QUIT")
        .pause(ms(300))
        .say("+OK bye\r\n");
    let outcome = ask(script, Security::Cleartext).await;
    let spans = outcome.report.spans.iter();
    let booked: Vec<_> = spans
        .map(|span| (span.phase.as_str(), span.start, span.duration))
        .collect();
    assert_eq!(
        booked,
        [
            ("greeting", ms(0), ms(100)),
            ("capa", ms(100), ms(200)),
            ("quit", ms(300), ms(300)),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_quit_is_nobodys_fault() {
    for script in [
        offering("").hear("QUIT").close(),
        offering("").hear("QUIT").silence(),
        offering("").hear("QUIT").say("-ERR what?\r\n"),
    ] {
        let outcome = ask(script, Security::Cleartext).await;
        assert_eq!(outcome.failure, None);
    }
}

#[tokio::test(start_paused = true)]
async fn plain_goes_along_with_the_command_and_login_waits() {
    let script = offering("SASL PLAIN LOGIN")
        .hear("AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=")
        .say("+OK\r\n");
    let outcome = log_in(&empty(script), |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(
        outcome.facts.auth.unwrap().accepted,
        Some(Mechanism::Plain.into())
    );

    let script = offering("SASL PLAIN LOGIN")
        .hear("AUTH LOGIN")
        .say("+ VXNlcm5hbWU6\r\n")
        .hear("YWxpY2U=")
        .say("+ UGFzc3dvcmQ6\r\n")
        .hear("d29uZGVybGFuZA==")
        .say("+OK\r\n");
    let only_login = |options: Options| options.mechanisms(&[Mechanism::Login]);
    let outcome = log_in(&empty(script), only_login).await;
    outcome.conversation.assert_followed();
}

#[tokio::test(start_paused = true)]
async fn user_and_pass_follow_where_no_mechanism_fits() {
    for capabilities in ["USER, SASL DIGEST-MD5", "USER", "UIDL"] {
        let script = offering(capabilities)
            .hear("USER alice")
            .say("+OK\r\n")
            .hear("PASS wonderland")
            .say("+OK\r\n");
        let outcome = log_in(&empty(script), |options| options).await;
        outcome.conversation.assert_followed();
        let auth = outcome.facts.auth.unwrap();
        assert_eq!(auth.accepted, Some(Way::Command("USER")), "{capabilities}");
    }
    // The server tells which ways there are, and this is none of them.
    let script = offering("SASL DIGEST-MD5").hear("QUIT").say("+OK bye\r\n");
    let outcome = log_in(&script, |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn apop_says_the_digest_and_never_the_password() {
    let script = Script::new()
        .say("+OK ready <1896.697170952@dbc.mtview.ca.us>\r\n")
        .hear("CAPA")
        .say(list("USER, SASL PLAIN"))
        .hear("APOP mrose c4c9334bac560ecc979e58001b3e22fb")
        .say("+OK\r\n");
    let mrose = Credentials::password("mrose", "tanstaaf").unwrap();
    let outcome = log_in(&empty(script), |options| {
        options.credentials(mrose).login_command(LoginCommand::Apop)
    })
    .await;
    outcome.conversation.assert_followed();
    assert!(outcome.codes().contains(&"pop3.apop.used"));
    assert!(!outcome.conversation.leaks("tanstaaf"));

    let script = offering("USER").hear("QUIT").say("+OK bye\r\n");
    let outcome = log_in(&script, |options| options.login_command(LoginCommand::Apop)).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_offers_and_cannot_do_is_passed_over_but_no_password_is_tried_twice() {
    let script = offering("USER, SASL SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN")
        .hear("AUTH SCRAM-SHA-256")
        .say("-ERR no such secret\r\n")
        .hear("AUTH CRAM-MD5")
        .say("-ERR unknown\r\n")
        .hear("AUTH PLAIN")
        .say("-ERR authentication failed\r\n")
        .hear("QUIT")
        .say("+OK bye\r\n");
    let outcome = log_in(&script, |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Credentials);
    let auth = outcome.facts.auth.unwrap();
    let tried: Vec<_> = auth.attempts.iter().map(|one| one.way.as_str()).collect();
    assert_eq!(tried, ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN"]);
}

#[tokio::test(start_paused = true)]
async fn where_all_mechanisms_turn_out_to_be_empty_promises_user_and_pass_are_tried() {
    let script = offering("USER, SASL CRAM-MD5")
        .hear("AUTH CRAM-MD5")
        .say("-ERR unknown\r\n")
        .hear("USER alice")
        .say("+OK\r\n")
        .hear("PASS wonderland")
        .say("+OK\r\n");
    let outcome = log_in(&empty(script), |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
}

#[tokio::test(start_paused = true)]
async fn a_challenge_that_is_no_base64_is_cancelled_in_order() {
    let script = offering("SASL CRAM-MD5")
        .hear("AUTH CRAM-MD5")
        .say("+ not base64!\r\n")
        .hear("*")
        .say("-ERR cancelled\r\n")
        .hear("QUIT")
        .say("+OK bye\r\n");
    let outcome = log_in(&script, |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Protocol);
}

#[tokio::test(start_paused = true)]
async fn success_without_the_servers_own_proof_is_no_success() {
    let script = offering("SASL SCRAM-SHA-256")
        .hear("AUTH SCRAM-SHA-256")
        .say("+OK come in\r\n")
        .hear("QUIT")
        .say("+OK bye\r\n");
    let outcome = log_in(&script, |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Protocol);
    assert_eq!(outcome.facts.auth.unwrap().accepted, None);
}

#[tokio::test(start_paused = true)]
async fn a_withheld_password_ends_the_dialogue_with_a_goodbye() {
    let world = World::new();
    let script = offering("USER")
        .hear("USER alice")
        .say("+OK\r\n")
        .hear("QUIT")
        .say("+OK bye\r\n");
    let options = world.options().credentials(alice());
    let weakest = SecretsOver::VerifiedTls;
    let outcome = converse(&world, &script, Security::Cleartext, weakest, options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Withheld);
}

#[tokio::test(start_paused = true)]
async fn utf8_is_switched_on_before_the_login_where_it_is_offered() {
    let script = offering("UTF8 USER, USER")
        .hear("UTF8")
        .say("+OK\r\n")
        .hear("USER alice")
        .say("+OK\r\n")
        .hear("PASS")
        .say("+OK\r\n");
    let outcome = log_in(&empty(script), |options| options.utf8(true)).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.facts.utf8, Some(true));

    let script = offering("USER")
        .hear("USER alice")
        .say("+OK\r\n")
        .hear("PASS")
        .say("+OK\r\n");
    let outcome = log_in(&empty(script), |options| options.utf8(true)).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.facts.utf8, None);
}
