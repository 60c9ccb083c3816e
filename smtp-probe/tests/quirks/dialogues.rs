//! Oddities that show over several commands.

use std::time::Duration;

use probe_core::FailureKind;
use probe_net::sasl::{Credentials, Mechanism};
use probe_net::tls::{SecretsOver, Security};
use probe_testkit::Script;
use smtp_probe::{Acceptance, Address, CatchAll, Existence, Introduction, Options};

use crate::common::{Outcome, World, converse};
use crate::{ask, offered};

fn introduced(extensions: &str) -> Script {
    Script::new()
        .say("220 mx\r\n")
        .hear("EHLO")
        .say(format!("250-mx\r\n250 {extensions}\r\n"))
}

async fn shaped(script: Script, shape: impl FnOnce(Options) -> Options) -> Outcome {
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

fn recipients(count: usize) -> Vec<Address> {
    let address = |number| format!("user{number}@example.org").parse().unwrap();
    (0..count).map(address).collect()
}

fn kind(outcome: &Outcome) -> FailureKind {
    outcome.failure.as_ref().unwrap().kind
}

#[tokio::test(start_paused = true)]
async fn a_greeting_of_several_lines_is_one_greeting() {
    // Corner case 1. RFC 5321 section 4.2; MDaemon: qBittorrent#1845; nim-lang/smtp#24.
    let script = Script::new()
        .say("220-mx ESMTP MDaemon\r\n220-no spam\r\n220 ready\r\n")
        .hear("EHLO")
        .say("250 mx\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = ask(script).await;
    outcome.conversation.assert_followed();
    let greeting = outcome.facts.greeting.unwrap();
    assert_eq!(greeting.reply().lines().count(), 3);
}

#[tokio::test(start_paused = true)]
async fn mechanisms_are_found_where_exchange_lists_them() {
    // Corner case 9. MailKit#603.
    let outcome = offered("250-mx\r\n250-X-EXPS GSSAPI NTLM LOGIN\r\n250 SIZE\r\n").await;
    let capabilities = outcome.facts.capabilities().unwrap();
    assert_eq!(capabilities.mechanisms(), [Mechanism::Login]);
    let names: [&[u8]; 3] = [b"GSSAPI", b"NTLM", b"LOGIN"];
    assert_eq!(capabilities.exps_mechanism_names(), names);
    let alone = ["smtp.auth.in-clear", "smtp.auth.x-exps-only"];
    assert_eq!(outcome.codes(), alone);
    let json = outcome.report.to_json();
    assert!(json.contains(r#""X-EXPS":"GSSAPI NTLM LOGIN""#), "{json}");

    // Where AUTH is offered too, each is known by its own name, and one mechanism only once.
    let both = "250-mx\r\n250-X-EXPS NTLM\r\n250-X-EXPS=LOGIN\r\n250-AUTH NTLM PLAIN\r\n250 AUTH=PLAIN\r\n";
    let outcome = offered(both).await;
    let capabilities = outcome.facts.capabilities().unwrap();
    let names: [&[u8]; 2] = [b"NTLM", b"LOGIN"];
    assert_eq!(capabilities.exps_mechanism_names(), names);
    let all: [&[u8]; 3] = [b"NTLM", b"LOGIN", b"PLAIN"];
    assert_eq!(capabilities.mechanism_names(), all);
    let both = ["smtp.auth.in-clear", "smtp.auth.legacy-form"];
    assert_eq!(outcome.codes(), both);

    // A name without mechanisms offers nothing.
    let outcome = offered("250-mx\r\n250 X-EXPS\r\n").await;
    assert_eq!(outcome.codes(), Vec::<&str>::new());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_helo_is_spoken_to_by_ehlo() {
    // Corner case 13. Yandex: HaskellNet-SSL#31.
    let script = Script::new()
        .say("220 mx\r\n")
        .hear("EHLO")
        .say("250 mx\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    ask(script).await.conversation.assert_followed();

    let script = Script::new()
        .say("220 mx\r\n")
        .hear("HELO")
        .say("502 5.3.0 Sendmail command expected\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let helo = |options: Options| options.introduction(Introduction::Helo);
    let outcome = shaped(script, helo).await;
    outcome.conversation.assert_followed();
    assert_eq!(kind(&outcome), FailureKind::Permanent);
}

#[tokio::test(start_paused = true)]
async fn behind_a_good_ehlo_no_helo_is_said() {
    // Corner case 15. alice.it answers 503: email_veracity_checker#2.
    let script = introduced("SIZE").hear("MAIL").say("250 Ok\r\n").drain();
    let outcome = shaped(script, |options| options.recipients(&recipients(1))).await;
    let said = outcome.said();
    assert!(
        !said.iter().any(|line| line.starts_with("HELO")),
        "{said:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_421_that_answers_nothing_is_the_reason_for_what_comes_next() {
    // Corner case 16. nodemailer smtp-server#46.
    let script = Script::new()
        .say("220 mx\r\n")
        .hear("EHLO")
        .say("250 mx\r\n421 4.7.0 You talk too soon\r\n");
    let outcome = shaped(script, |options| options.recipients(&recipients(1))).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Temporary);
    let words: &[u8] = b"421 4.7.0 You talk too soon";
    assert_eq!(failure.reply.as_deref(), Some(words));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_only_pretends_is_seen_at_the_recipient() {
    // Corner case 20. postscreen's dummy engine is friendly up to RCPT: xymon#450, smtpsmug#5.
    let script = introduced("SIZE")
        .hear("MAIL")
        .say("250 2.1.0 Ok\r\n")
        .hear("RCPT")
        .say("550 5.5.1 Protocol error\r\n")
        .drain();
    let outcome = shaped(script, |options| options.recipients(&recipients(1))).await;
    assert_eq!(outcome.codes(), ["smtp.recipient.refused"]);

    let script = introduced("SIZE")
        .hear("MAIL")
        .say("521 5.5.1 Protocol error\r\n")
        .drain();
    let outcome = shaped(script, |options| options.recipients(&recipients(1))).await;
    assert_eq!(kind(&outcome), FailureKind::Permanent);
}

#[tokio::test(start_paused = true)]
async fn where_pipelining_is_not_offered_nothing_is_said_before_its_turn() {
    // Corner case 21. Exim says 554 SMTP synchronization error (testssl#218); Postfix 3.9 refuses EHLO and QUIT in one
    // packet (xymon#450).
    let script = Script::new()
        .say("220 mx\r\n")
        .hear("EHLO")
        .pause(Duration::from_secs(1))
        .say("250 mx\r\n")
        .hear("MAIL")
        .pause(Duration::from_secs(1))
        .say("250 Ok\r\n")
        .hear("RCPT")
        .pause(Duration::from_secs(1))
        .say("250 Ok\r\n")
        .hear("RSET")
        .pause(Duration::from_secs(1))
        .say("250 Ok\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = shaped(script, |options| options.recipients(&recipients(1))).await;
    outcome.conversation.assert_followed();
    assert!(!outcome.conversation.spoke_early());
}

#[tokio::test(start_paused = true)]
async fn every_status_of_a_pipelined_group_is_read() {
    // Corner case 22. RFC 2920 section 3.1; filtermail PR#146, async-smtp#72.
    let script = introduced("PIPELINING")
        .hear("MAIL")
        .hear("RCPT TO:<user0@")
        .hear("RCPT TO:<user1@")
        .say("250 Ok\r\n550-5.1.1 No such\r\n550 5.1.1 user\r\n")
        .pause(Duration::from_secs(1))
        .say("250 Ok\r\n")
        .hear("RSET")
        .say("250 Ok\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = shaped(script, |options| options.recipients(&recipients(2))).await;
    outcome.conversation.assert_followed();
    let envelope = outcome.facts.envelope.unwrap();
    let told = envelope.recipients.iter();
    let told: Vec<_> = told.map(|one| one.answer.acceptance).collect();
    assert_eq!(told, [Acceptance::UnknownUser, Acceptance::Accepted]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_a_login_first_says_so_at_mail() {
    // Corner case 30. smtp-open-relay.nse: "authentication needed".
    let script = introduced("AUTH PLAIN")
        .hear("MAIL")
        .say("530 5.7.0 Authentication required\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = shaped(script, |options| options.recipients(&recipients(1))).await;
    outcome.conversation.assert_followed();
    assert_eq!(kind(&outcome), FailureKind::Policy);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_ends_in_cr_lf_always() {
    // Corner case 33. A PIX refused commands that ended in LF alone: swaks Changes 20030306.
    let script = introduced("PIPELINING")
        .hear("MAIL")
        .hear("RCPT")
        .say("250 Ok\r\n250 Ok\r\n")
        .hear("RSET")
        .say("250 Ok\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = shaped(script, |options| options.recipients(&recipients(1))).await;
    let heard = outcome.conversation.heard_in_clear();
    let feeds = heard.iter().filter(|byte| **byte == b'\n').count();
    let ends = heard.windows(2).filter(|pair| pair == b"\r\n").count();
    assert_eq!((feeds, ends), (5, 5));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_closes_in_the_place_of_a_reply_is_told_with_its_phase() {
    // Corner case 37. swaks's exit status 6; at QUIT it is nobody's fault.
    let script = introduced("SIZE").hear("MAIL").close();
    let outcome = shaped(script, |options| options.recipients(&recipients(1))).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("mail", FailureKind::Closed)
    );
    let outcome = ask(introduced("SIZE").hear("QUIT").close()).await;
    assert_eq!(outcome.failure, None);
}

#[tokio::test(start_paused = true)]
async fn a_552_behind_many_recipients_means_that_there_are_too_many() {
    // Corner case 38. RFC 5321 section 4.5.3.1.10; 452 is right.
    for reply in ["552 Too much\r\n", "452 4.5.3 Too many recipients\r\n"] {
        let script = introduced("SIZE")
            .hear("MAIL")
            .say("250 Ok\r\n")
            .hear("RCPT")
            .say("250 Ok\r\n")
            .hear("RCPT")
            .say(reply)
            .drain();
        let outcome = shaped(script, |options| options.recipients(&recipients(2))).await;
        assert_eq!(outcome.codes(), ["smtp.recipient.too-many"], "{reply}");
    }
    let script = introduced("SIZE")
        .hear("MAIL")
        .say("250 Ok\r\n")
        .hear("RCPT")
        .say("552 Too much\r\n")
        .drain();
    let outcome = shaped(script, |options| options.recipients(&recipients(1))).await;
    assert_eq!(outcome.codes(), ["smtp.recipient.mailbox-full"]);
}

#[tokio::test(start_paused = true)]
async fn a_second_ehlo_that_ends_the_session_is_told_where_more_was_to_be_asked() {
    // Corner case 40. Brevo: frappe PR#38831.
    let alice = || Credentials::password("alice", "wonderland").unwrap();
    let script = || {
        introduced("AUTH PLAIN")
            .hear("AUTH")
            .say("235 Ok\r\n")
            .hear("EHLO")
            .close()
    };
    let outcome = shaped(script(), |options| options.credentials(alice())).await;
    assert_eq!(outcome.failure, None);
    let asks_more = |options: Options| options.credentials(alice()).recipients(&recipients(1));
    let outcome = shaped(script(), asks_more).await;
    assert_eq!(kind(&outcome), FailureKind::Closed);
    let script = introduced("AUTH PLAIN")
        .hear("AUTH")
        .say("235 Ok\r\n")
        .hear("MAIL")
        .say("250 Ok\r\n")
        .hear("RCPT")
        .say("250 Ok\r\n")
        .drain();
    let without = |options: Options| asks_more(options).ehlo_after_auth(false);
    assert_eq!(shaped(script, without).await.failure, None);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_the_server_does_not_like_is_its_reason() {
    // Corner case 41. sendmail 8.14: monitoring-plugins#667; PHPMailer#2189.
    let script = Script::new()
        .say("220 mx\r\n")
        .hear("EHLO probe.example.test")
        .say("501 5.0.0 Invalid domain name\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = ask(script).await;
    outcome.conversation.assert_followed();
    let failure = outcome.failure.unwrap();
    let words: &[u8] = b"501 5.0.0 Invalid domain name";
    assert_eq!(failure.reply.as_deref(), Some(words));
}

#[tokio::test(start_paused = true)]
async fn who_takes_nobody_behind_a_made_up_name_has_been_asked_for_all_others_before() {
    // Corner case 42. outlook.com: email-verifier#72.
    let script = introduced("PIPELINING")
        .hear("MAIL")
        .hear("RCPT TO:<user0@")
        .hear("RCPT TO:<user1@")
        .hear("RCPT TO:<mailprobe-")
        .say("250 Ok\r\n250 Ok\r\n250 Ok\r\n550 5.5.0 No\r\n")
        .hear("RSET")
        .say("250 Ok\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let asks = |options: Options| options.recipients(&recipients(2)).catch_all(true);
    let outcome = shaped(script, asks).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.codes(), Vec::<&str>::new());
    let envelope = outcome.facts.envelope.unwrap();
    assert_eq!(envelope.catch_all(), Some(CatchAll::No));
}

#[tokio::test(start_paused = true)]
async fn where_anybody_is_taken_nobody_is_proved() {
    // Corner case 43. smtp-validate-email#84.
    let script = introduced("PIPELINING")
        .hear("MAIL")
        .hear("RCPT")
        .hear("RCPT")
        .say("250 Ok\r\n250 Ok\r\n250 Ok\r\n")
        .drain();
    let asks = |options: Options| options.recipients(&recipients(1)).catch_all(true);
    let outcome = shaped(script, asks).await;
    let envelope = outcome.facts.envelope.unwrap();
    let existence = envelope.recipients.first().unwrap();
    let existence = existence.existence(envelope.catch_all());
    assert_eq!(existence, Existence::Unknown);
}

#[tokio::test(start_paused = true)]
async fn greylisting_is_told_from_a_blacklist_that_uses_the_same_code() {
    // Corner case 47. check-if-email-exists#939, py3-validate-email#81.
    for (reply, code) in [
        (
            "451 4.7.1 Please try again later",
            "smtp.recipient.greylisted",
        ),
        (
            "450 4.7.1 blocked, see dnsbl.example",
            "smtp.recipient.blocked",
        ),
        (
            "450 4.7.1 <x>: Helo command rejected",
            "smtp.recipient.blocked",
        ),
        ("450 4.1.8 Domain not found", "smtp.recipient.deferred"),
    ] {
        let script = introduced("SIZE")
            .hear("MAIL")
            .say("250 Ok\r\n")
            .hear("RCPT")
            .say(format!("{reply}\r\n"))
            .drain();
        let outcome = shaped(script, |options| options.recipients(&recipients(1))).await;
        assert_eq!(outcome.codes(), [code], "{reply}");
    }
}
