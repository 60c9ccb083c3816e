//! The machine, led by the real driver against scripted servers: which command follows on which response.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::time::Duration;

use common::{Outcome, World, converse};
use imap_probe::{Access, Exercise, Extension, LoginCommand, Options};
use probe_core::{FailureKind, Thresholds};
use probe_net::sasl::{Credentials, Mechanism};
use probe_net::tls::{SecretsOver, Security, StartTls};
use probe_testkit::Script;

const PASSWORD: &str = "wonder land";

fn alice() -> Credentials {
    Credentials::password("alice", PASSWORD).unwrap()
}

/// A server that offers this in its greeting.
fn greeting(capabilities: &str) -> Script {
    Script::new().say(format!(
        "* OK [CAPABILITY IMAP4rev1 {capabilities}] ready\r\n"
    ))
}

/// A server in which Alice has just logged in, and which now offers this.
fn logged_in(capabilities: &str) -> Script {
    greeting("SASL-IR AUTH=PLAIN")
        .hear("A1 AUTHENTICATE PLAIN ")
        .say(format!(
            "A1 OK [CAPABILITY IMAP4rev1 {capabilities}] in\r\n"
        ))
}

fn goodbye(script: Script, tag: &str) -> Script {
    script
        .hear(format!("{tag} LOGOUT"))
        .say(format!("* BYE\r\n{tag} OK bye\r\n"))
}

/// Leads a dialogue in clear, where every byte can be seen.
async fn ask(script: Script, shape: impl FnOnce(Options) -> Options) -> Outcome {
    let world = World::new();
    let options = shape(world.options());
    converse(
        &world,
        &script,
        Security::Cleartext,
        SecretsOver::Cleartext,
        options,
    )
    .await
}

async fn ask_as_alice(script: Script, shape: impl FnOnce(Options) -> Options) -> Outcome {
    ask(script, |options| shape(options.credentials(alice()))).await
}

/// What was found besides what these servers all do: they take passwords in clear, and say no more than they must.
fn found(outcome: &Outcome) -> Vec<&'static str> {
    let mut codes = outcome.codes();
    codes.retain(|code| !["imap.auth.in-clear", "imap.reply.no-text"].contains(code));
    codes
}

fn kind(outcome: &Outcome) -> Option<FailureKind> {
    outcome.failure.as_ref().map(|failure| failure.kind)
}

#[tokio::test(start_paused = true)]
async fn what_the_greeting_tells_is_not_asked_again_and_what_came_before_tls_is_forgotten() {
    let world = World::new();
    let script = greeting("STARTTLS LOGINDISABLED AUTH=PLAIN")
        .hear("A1 STARTTLS")
        .say("A1 OK go ahead\r\n")
        .tls(&world.identity)
        .hear("A2 CAPABILITY")
        .say("* CAPABILITY IMAP4rev1 IDLE\r\nA2 OK done\r\n");
    let script = goodbye(script, "A3");
    let options = world.options();
    let outcome = converse(
        &world,
        &script,
        Security::Required,
        SecretsOver::VerifiedTls,
        options,
    )
    .await;
    outcome.conversation.assert_followed();
    assert_eq!((outcome.failure.as_ref(), found(&outcome)), (None, vec![]));
    assert_eq!(outcome.facts.starttls, StartTls::Accepted);
    assert!(!outcome.facts.capabilities().unwrap().has("AUTH=PLAIN"));
}

#[tokio::test(start_paused = true)]
async fn a_greeting_that_tells_nothing_is_followed_by_the_question() {
    let script = Script::new()
        .say("* OK ready\r\n")
        .hear("A1 CAPABILITY")
        .say("* CAPABILITY IMAP4rev1\r\nA1 OK done\r\n");
    let outcome = ask(goodbye(script, "A2"), |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
}

#[tokio::test(start_paused = true)]
async fn starttls_that_is_not_offered_or_refused_stops_what_requires_it() {
    for (script, code, expected) in [
        (
            goodbye(greeting("IDLE"), "A1"),
            "starttls.not-offered",
            FailureKind::Unsupported,
        ),
        (
            greeting("STARTTLS")
                .hear("A1 STARTTLS")
                .say("A1 NO [UNAVAILABLE] not now\r\n")
                .hear("A2 LOGOUT"),
            "starttls.refused",
            FailureKind::Temporary,
        ),
        (
            greeting("STARTTLS")
                .hear("A1 STARTTLS")
                .say("A1 BAD what?\r\n")
                .hear("A2 LOGOUT"),
            "starttls.refused",
            FailureKind::Unsupported,
        ),
    ] {
        let world = World::new();
        let options = world.options().credentials(alice());
        let outcome = converse(
            &world,
            &script,
            Security::Required,
            SecretsOver::VerifiedTls,
            options,
        )
        .await;
        outcome.conversation.assert_followed();
        assert_eq!(outcome.codes()[0], code);
        assert_eq!(kind(&outcome), Some(expected));
        assert!(!outcome.conversation.leaks(PASSWORD));
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_begins_authenticated_before_tls_is_left() {
    let world = World::new();
    let script = Script::new()
        .say("* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] welcome\r\n")
        .hear("A1 LOGOUT")
        .say("* BYE\r\nA1 OK\r\n");
    for security in [Security::Required, Security::Opportunistic] {
        let options = world.options().credentials(alice());
        let outcome = converse(&world, &script, security, SecretsOver::VerifiedTls, options).await;
        outcome.conversation.assert_followed();
        assert_eq!(kind(&outcome), Some(FailureKind::Protocol));
        assert_eq!(outcome.codes()[0], "imap.greeting.preauth");
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_begins_authenticated_where_that_is_wanted_needs_no_login() {
    let script = Script::new()
        .say("* PREAUTH [CAPABILITY IMAP4rev1] welcome\r\n")
        .hear("A1 LIST")
        .say("A1 OK\r\n")
        .hear("A2 EXAMINE \"INBOX\"")
        .say("* 0 EXISTS\r\nA2 OK [READ-ONLY] open\r\n");
    let outcome = ask_as_alice(goodbye(script, "A3"), |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
    assert!(outcome.facts.auth.is_none() && outcome.facts.is_preauthenticated);
}

#[tokio::test(start_paused = true)]
async fn without_sasl_ir_the_server_asks_for_the_first_response() {
    let script = greeting("AUTH=PLAIN")
        .hear("A1 AUTHENTICATE PLAIN")
        .say("+ \r\n")
        .hear("AGFsaWNlAHdvbmRlciBsYW5k")
        .say("A1 NO [AUTHENTICATIONFAILED] wrong\r\n")
        .hear("A2 LOGOUT");
    let outcome = ask_as_alice(script, |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(kind(&outcome), Some(FailureKind::Credentials));
}

#[tokio::test(start_paused = true)]
async fn a_mechanism_that_fails_before_the_proof_is_followed_by_the_next_and_at_last_by_login() {
    let script = greeting("AUTH=CRAM-MD5 AUTH=LOGIN")
        .hear("A1 AUTHENTICATE CRAM-MD5")
        .say("A1 NO not today\r\n")
        .hear("A2 AUTHENTICATE LOGIN")
        .say("A2 BAD unknown\r\n")
        .hear("A3 LOGIN \"alice\" \"wonder land\"")
        .say("A3 NO [AUTHENTICATIONFAILED] wrong\r\n")
        .hear("A4 LOGOUT");
    let outcome = ask_as_alice(script, |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(kind(&outcome), Some(FailureKind::Credentials));
    let auth = outcome.facts.auth.unwrap();
    let tried: Vec<_> = auth.attempts.iter().map(|one| one.way.as_str()).collect();
    assert_eq!(tried, ["CRAM-MD5", "LOGIN", "LOGIN command"]);
}

#[tokio::test(start_paused = true)]
async fn a_password_that_was_seen_and_refused_is_not_tried_again() {
    let script = greeting("SASL-IR AUTH=PLAIN AUTH=LOGIN")
        .hear("A1 AUTHENTICATE PLAIN AGFsaWNlAHdvbmRlciBsYW5k")
        .say("A1 NO wrong\r\n")
        .hear("A2 LOGOUT");
    let outcome = ask_as_alice(script, |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.facts.auth.unwrap().attempts.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_login_command_is_never_used_where_the_options_or_the_server_forbid_it() {
    let script = greeting("IDLE").hear("A1 LOGOUT");
    let outcome = ask_as_alice(script, |options| options.login_command(LoginCommand::Never)).await;
    outcome.conversation.assert_followed();
    assert_eq!(kind(&outcome), Some(FailureKind::Unsupported));

    let script = greeting("LOGINDISABLED").hear("A1 LOGOUT");
    let outcome = ask_as_alice(script, |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(kind(&outcome), Some(FailureKind::Policy));
}

#[tokio::test(start_paused = true)]
async fn a_password_that_cannot_be_quoted_travels_as_a_literal() {
    let with = |password: &str| Credentials::password("alice", password).unwrap();
    for (password, announced) in [
        (r#"b"ob"#, "{4}"),
        (r"back\slash", "{10}"),
        ("пароль", "{12}"),
        (&*"x".repeat(513), "{513}"),
    ] {
        let script = greeting("IDLE")
            .hear(format!("A1 LOGIN \"alice\" {announced}"))
            .say("+ go on\r\n")
            .hear(password)
            .say("A1 NO no\r\n")
            .hear("A2 LOGOUT");
        let outcome = ask(script, |options| options.credentials(with(password))).await;
        outcome.conversation.assert_followed();

        let announced = announced.replace('}', "+}");
        let script = greeting("LITERAL+")
            .hear(format!("A1 LOGIN \"alice\" {announced}"))
            .hear(password)
            .say("A1 NO no\r\n")
            .hear("A2 LOGOUT");
        let outcome = ask(script, |options| options.credentials(with(password))).await;
        outcome.conversation.assert_followed();
        assert!(!outcome.report.transcript.to_string().contains(password));
    }
    let quoted = greeting("IDLE")
        .hear(format!("A1 LOGIN \"alice\" \"{}\"", "x".repeat(512)))
        .say("A1 NO no\r\n");
    let outcome = ask(quoted, |options| {
        options.credentials(with(&"x".repeat(512)))
    })
    .await;
    assert_eq!(kind(&outcome), Some(FailureKind::Credentials));
}

#[tokio::test(start_paused = true)]
async fn a_literal_that_the_server_does_not_want_is_not_said() {
    let script = greeting("IDLE")
        .hear("A1 LOGIN \"alice\" {6}")
        .say("A1 NO [UNAVAILABLE] not now\r\n")
        .hear("A2 LOGOUT");
    let outcome = ask(script, |options| {
        options.credentials(Credentials::password("alice", "a\"b\\c\"").unwrap())
    })
    .await;
    outcome.conversation.assert_followed();
    assert_eq!(kind(&outcome), Some(FailureKind::Temporary));
}

#[tokio::test(start_paused = true)]
async fn what_is_said_of_capabilities_during_a_login_counts_only_if_it_succeeds() {
    let script = greeting("SASL-IR AUTH=PLAIN")
        .hear("A1 AUTHENTICATE PLAIN")
        .say("* CAPABILITY IMAP4rev1 QUOTA\r\nA1 NO [AUTHENTICATIONFAILED] no\r\n");
    let outcome = ask_as_alice(script, |options| options).await;
    assert!(outcome.facts.authenticated.is_none());

    let script = greeting("SASL-IR AUTH=PLAIN")
        .hear("A1 AUTHENTICATE PLAIN")
        .say("* CAPABILITY IMAP4rev1 ID\r\nA1 OK in\r\n")
        .hear("A2 ID (");
    let outcome = ask_as_alice(script, |options| options).await;
    outcome.conversation.assert_followed();
}

#[tokio::test(start_paused = true)]
async fn each_question_is_asked_only_where_the_server_offers_it() {
    let script = logged_in("ID NAMESPACE QUOTA ACL ESEARCH SPECIAL-USE LIST-EXTENDED")
        .hear("A2 ID (\"name\" \"mailprobe\"")
        .say("* ID (\"Name\" \"Lab\" \"vendor\" NIL)\r\nA2 OK\r\n")
        .hear("A3 NAMESPACE")
        .say("* NAMESPACE ((\"\" \".\")) NIL NIL\r\nA3 OK\r\n")
        .hear("A4 LIST \"\" \"*\" RETURN (SPECIAL-USE)")
        .say("* LIST (\\Sent) \".\" Gesendet\r\n* LIST () \".\" INBOX\r\nA4 OK\r\n")
        .hear("A5 GETQUOTAROOT \"INBOX\"")
        .say("* QUOTAROOT INBOX \"\"\r\n* QUOTA \"\" (STORAGE 95 100)\r\nA5 OK\r\n")
        .hear("A6 MYRIGHTS \"INBOX\"")
        .say("* MYRIGHTS INBOX lrs\r\nA6 OK\r\n")
        .hear("A7 SELECT \"INBOX\"")
        .say("* 3 EXISTS\r\nA7 OK [READ-WRITE]\r\n")
        .hear("A8 UID SEARCH RETURN (COUNT) UNSEEN")
        .say("* ESEARCH (TAG \"A8\") UID COUNT 2\r\nA8 OK\r\n")
        .hear("A9 FETCH 1:* (INTERNALDATE)")
        .say("* 1 FETCH (INTERNALDATE \" 1-Feb-2024 03:04:05 +0100\")\r\nA9 OK\r\n")
        .hear("A10 FETCH 3 (UID")
        .say("* 3 FETCH (UID 9 RFC822.SIZE 4 BODY[]<0> {4}\r\nx\r\n\n)\r\nA10 OK\r\n")
        .hear("A11 NOOP")
        .say("A11 OK\r\n")
        .hear("A12 NOOP")
        .say("A12 OK\r\n");
    let outcome = ask_as_alice(goodbye(script, "A13"), |options| {
        options
            .access(Access::Select)
            .rights("lrw")
            .search("UNSEEN".parse().unwrap(), Thresholds::default())
            .noops(2)
    })
    .await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
    let mailbox = outcome.facts.mailbox.as_ref().unwrap();
    assert_eq!((mailbox.messages, mailbox.found), (Some(3), Some(2)));
    assert_eq!(mailbox.read.as_ref().unwrap().octets, Some(4));
    assert_eq!(outcome.facts.noops.count(), 2);
    assert_eq!(
        outcome.facts.server,
        [("name".to_owned(), "Lab".to_owned())]
    );
    assert_eq!(
        found(&outcome),
        ["imap.quota.threshold", "imap.rights.missing"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_refused_does_not_stop_the_others() {
    let script = logged_in("NAMESPACE ACL")
        .hear("A2 NAMESPACE")
        .say("A2 NO not for you\r\n")
        .hear("A3 LIST")
        .say("A3 BAD broken\r\n")
        .hear("A4 MYRIGHTS")
        .say("A4 NO [NOPERM] no\r\n")
        .hear("A5 EXAMINE")
        .say("* 0 EXISTS\r\nA5 OK\r\n");
    let outcome = ask_as_alice(goodbye(script, "A6"), |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
    let refused: Vec<_> = outcome
        .facts
        .refused
        .iter()
        .map(|(phase, _)| *phase)
        .collect();
    assert_eq!(refused, ["namespace", "list", "rights"]);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_listed_and_cannot_be_read_is_a_fault() {
    let script = logged_in("IDLE")
        .hear("A2 LIST")
        .say("A2 OK\r\n")
        .hear("A3 EXAMINE")
        .say("* 1 EXISTS\r\nA3 OK\r\n")
        .hear("A4 FETCH 1:*")
        .say("A4 OK\r\n")
        .hear("A5 FETCH 1 (UID")
        .say("* 1 FETCH (UID 1 RFC822.SIZE 100)\r\nA5 OK done\r\n");
    let outcome = ask_as_alice(goodbye(script, "A6"), |options| options).await;
    outcome.conversation.assert_followed();
    assert_eq!(found(&outcome), ["imap.fetch.no-data"]);
}

#[tokio::test(start_paused = true)]
async fn extensions_that_are_offered_and_broken_are_told() {
    let script = logged_in("IDLE CONDSTORE UTF8=ACCEPT UNSELECT")
        .hear("A2 LIST")
        .say("A2 OK\r\n")
        .hear("A3 EXAMINE \"INBOX\" (CONDSTORE)")
        .say("* 0 EXISTS\r\nA3 OK\r\n")
        .hear("A4 IDLE")
        .say("A4 OK already?\r\n")
        .hear("A5 UNSELECT")
        .say("A5 OK\r\n")
        .hear("A6 ENABLE UTF8=ACCEPT")
        .say("* ENABLED\r\nA6 OK\r\n");
    let outcome = ask_as_alice(goodbye(script, "A7"), |options| {
        options.exercise(Extension::ALL)
    })
    .await;
    outcome.conversation.assert_followed();
    let broken = |outcome: &&(Extension, Exercise)| matches!(outcome.1, Exercise::Broken(_));
    assert_eq!(outcome.facts.exercised.iter().filter(broken).count(), 3);
    assert!(
        outcome
            .facts
            .exercised
            .contains(&(Extension::Compress, Exercise::NotOffered))
    );
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_out_of_turn_is_the_reason_and_is_not_answered() {
    let script = logged_in("IDLE")
        .hear("A2 LIST")
        .say("* BYE [UNAVAILABLE] shutting down\r\n")
        .close();
    let outcome = ask_as_alice(script, |options| options).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Temporary);
    assert!(failure.reply.unwrap().ends_with(b"shutting down"));
    assert!(
        !outcome
            .conversation
            .lines()
            .iter()
            .any(|line| line.contains("LOGOUT"))
    );
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_logout_is_nobodys_fault() {
    let script = greeting("IDLE").hear("A1 LOGOUT").silence();
    let outcome = ask(script, |options| options).await;
    assert_eq!(outcome.failure, None);
    assert!(outcome.report.elapsed < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn the_expected_mechanism_can_be_named() {
    let script = greeting("SASL-IR AUTH=SCRAM-SHA-256 AUTH=PLAIN").hear("A1 AUTHENTICATE PLAIN ");
    let outcome = ask_as_alice(script, |options| options.mechanisms(&[Mechanism::Plain])).await;
    outcome.conversation.assert_followed();
}
