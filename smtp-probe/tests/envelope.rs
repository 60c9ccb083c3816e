//! Envelopes: what is said of them, in which order, and what the answers mean.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use common::{Outcome, World, converse};
use probe_core::{FailureKind, Severity};
use probe_net::tls::{SecretsOver, Security};
use probe_net::{Codec, Decoded, Oddities};
use probe_testkit::Script;
use smtp_probe::{Acceptance, Address, CatchAll, Existence, Options, Reply, Return, SmtpCodec};

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn offering(extensions: &[&str]) -> Script {
    let mut ehlo = "250-mx.example.test\r\n".to_owned();
    for extension in extensions {
        ehlo.push_str(&format!("250-{extension}\r\n"));
    }
    Script::new()
        .say("220 mx.example.test ESMTP\r\n")
        .hear("EHLO")
        .say(ehlo + "250 ENHANCEDSTATUSCODES\r\n")
}

fn leaving(script: Script) -> Script {
    script
        .hear("RSET")
        .say("250 2.0.0 Ok\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n")
}

async fn ask(script: Script, shape: impl FnOnce(Options) -> Options) -> Outcome {
    let world = World::new();
    let options = shape(world.options());
    converse(
        &world,
        &script,
        Security::Cleartext,
        SecretsOver::VerifiedTls,
        options,
    )
    .await
}

/// A dialogue in which the one recipient is answered so.
async fn answered(reply: &str) -> Outcome {
    let script = leaving(
        offering(&[])
            .hear("MAIL FROM:<>")
            .say("250 2.1.0 Ok\r\n")
            .hear("RCPT TO:<alice@example.org>")
            .say(format!("{reply}\r\n")),
    );
    let outcome = ask(script, |options| {
        options.recipients(&[address("alice@example.org")])
    })
    .await;
    outcome.conversation.assert_followed();
    outcome
}

fn acceptances(outcome: &Outcome) -> Vec<Acceptance> {
    let envelope = outcome.facts.envelope.as_ref().unwrap();
    let recipients = envelope.recipients.iter();
    recipients.map(|one| one.answer.acceptance).collect()
}

#[tokio::test(start_paused = true)]
async fn without_pipelining_each_command_waits_and_the_envelope_is_taken_back() {
    let script = leaving(
        offering(&[])
            .hear("MAIL FROM:<probe@example.net>")
            .say("250 2.1.0 Ok\r\n")
            .hear("RCPT TO:<bob@example.org>")
            .say("250 2.1.5 Ok\r\n")
            .hear("RCPT TO:<alice@example.org>")
            .say("550 5.1.1 no such user\r\n"),
    );
    let outcome = ask(script, |options| {
        options
            .sender("probe@example.net".parse().unwrap())
            .recipients(&[address("bob@example.org"), address("alice@example.org")])
    })
    .await;
    outcome.conversation.assert_followed();
    assert!(!outcome.conversation.spoke_early());
    assert_eq!(outcome.failure, None);
    assert_eq!(
        acceptances(&outcome),
        [Acceptance::Accepted, Acceptance::UnknownUser]
    );
    assert_eq!(outcome.codes(), ["smtp.recipient.unknown"]);
    let evidence = "alice@example.org: 550 5.1.1 no such user";
    assert_eq!(outcome.findings[0].evidence, evidence);
    let phases = outcome.report.spans.iter().map(|span| span.phase.as_str());
    assert_eq!(
        phases.collect::<Vec<_>>(),
        ["greeting", "ehlo", "mail", "rcpt", "rset", "quit"]
    );
}

#[tokio::test(start_paused = true)]
async fn with_pipelining_all_is_said_at_once_and_each_reply_is_booked_to_its_own_phase() {
    let script = leaving(
        offering(&["PIPELINING"])
            .hear("MAIL FROM:<>")
            .hear("RCPT TO:<bob@example.org>")
            .hear("RCPT TO:<alice@example.org>")
            .pause(std::time::Duration::from_secs(1))
            .say("250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n450 4.2.0 later\r\n"),
    );
    let recipients = [address("bob@example.org"), address("alice@example.org")];
    let outcome = ask(script, |options| options.recipients(&recipients)).await;
    outcome.conversation.assert_followed();
    assert_eq!(
        acceptances(&outcome),
        [Acceptance::Accepted, Acceptance::Temporary]
    );
    let spans = outcome.report.spans.iter();
    let waited: Vec<_> = spans
        .filter(|span| span.duration.as_secs() == 1)
        .map(|span| span.phase.as_str())
        .collect();
    assert_eq!(waited, ["mail", "rcpt", "rcpt"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_to_recipients_of_a_refused_sender_is_heard_and_counts_for_nothing() {
    let script = offering(&["PIPELINING"])
        .hear("MAIL FROM:<>")
        .hear("RCPT TO:<alice@example.org>")
        .say("550 5.7.1 go away\r\n503 5.5.1 need MAIL\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let recipients = [address("alice@example.org")];
    let outcome = ask(script, |options| options.recipients(&recipients)).await;
    outcome.conversation.assert_followed();
    let failure = outcome.failure.as_ref().unwrap();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("mail", FailureKind::Policy)
    );
    assert!(acceptances(&outcome).is_empty());
}

#[tokio::test(start_paused = true)]
async fn parameters_are_said_only_where_they_are_offered() {
    let shape = |options: Options| {
        options
            .sender("jürgen@example.net".parse().unwrap())
            .recipients(&[address("alice@example.org")])
            .message_size(1000)
            .eight_bit(true)
            .require_tls(true)
            .returned(Return::Headers)
            .envelope_id("a=1".parse().unwrap())
            .notify("never".parse().unwrap())
    };
    let script = leaving(
        offering(&["SIZE", "8BITMIME", "DSN", "REQUIRETLS", "SMTPUTF8"])
            .hear(
                "MAIL FROM:<jürgen@example.net> SIZE=1000 BODY=8BITMIME RET=HDRS ENVID=a+3D1 \
                REQUIRETLS SMTPUTF8",
            )
            .say("250 Ok\r\n")
            .hear("RCPT TO:<alice@example.org> NOTIFY=NEVER")
            .say("250 Ok\r\n"),
    );
    let outcome = ask(script, shape).await;
    outcome.conversation.assert_followed();
    assert!(outcome.codes().is_empty());

    let script = leaving(
        offering(&["SMTPUTF8"])
            .hear("MAIL FROM:<jürgen@example.net> SMTPUTF8")
            .say("250 Ok\r\n")
            .hear("RCPT TO:<alice@example.org>")
            .say("250 Ok\r\n"),
    );
    let outcome = ask(script, shape).await;
    let lines = outcome.said();
    assert_eq!(lines[2], "RCPT TO:<alice@example.org>");
    assert_eq!(outcome.codes(), ["smtp.extension.not-offered"]);
    assert_eq!(outcome.findings[0].evidence, "SIZE 8BITMIME DSN REQUIRETLS");
}

#[tokio::test(start_paused = true)]
async fn addresses_beyond_ascii_are_not_said_to_a_server_that_cannot_read_them() {
    let script = offering(&[]).hear("QUIT").say("221 Bye\r\n");
    let recipients = [address("jürgen@example.org")];
    let outcome = ask(script, |options| options.recipients(&recipients)).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Unsupported);
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_too_large_is_told_before_and_after() {
    let shape = |options: Options| {
        options
            .sender("a@example.net".parse().unwrap())
            .message_size(1001)
    };
    let told = offering(&["SIZE 1000"])
        .hear("MAIL FROM:<a@example.net>")
        .say("250 Ok\r\n");
    let outcome = ask(leaving(told), shape).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.codes(), ["smtp.size.exceeded"]);
    assert!(!outcome.said().iter().any(|line| line.contains("SIZE=")));

    let equal = offering(&["SIZE 1001"])
        .hear("MAIL FROM:<a@example.net> SIZE=1001")
        .say("250 Ok\r\n");
    assert!(ask(leaving(equal), shape).await.codes().is_empty());

    let refused = offering(&["SIZE"])
        .hear("MAIL FROM:<a@example.net> SIZE=1001")
        .say("552 5.3.4 Message size exceeds fixed limit\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = ask(refused, shape).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.codes(), ["smtp.size.exceeded"]);
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Policy);
}

#[tokio::test(start_paused = true)]
async fn the_name_that_nobody_has_comes_last_and_tells_whether_any_name_is_taken() {
    let nobody = "RCPT TO:<mailprobe-07070707070707070707070707070707@example.org>";
    for (reply, catch_all, exists, codes) in [
        (
            "250 Ok",
            CatchAll::Yes,
            Existence::Unknown,
            vec!["smtp.catch-all"],
        ),
        ("550 5.1.1 Unknown", CatchAll::No, Existence::Exists, vec![]),
        (
            "450 4.7.1 Greylisted",
            CatchAll::Unknown,
            Existence::Exists,
            vec![],
        ),
        (
            "554 5.7.1 Blocked",
            CatchAll::Unknown,
            Existence::Exists,
            vec![],
        ),
    ] {
        let script = leaving(
            offering(&["PIPELINING"])
                .hear("MAIL FROM:<>")
                .hear("RCPT TO:<alice@example.org>")
                .hear(nobody)
                .say(format!("250 Ok\r\n250 Ok\r\n{reply}\r\n")),
        );
        let outcome = ask(script, |options| {
            options
                .recipients(&[address("alice@example.org")])
                .catch_all(true)
        })
        .await;
        outcome.conversation.assert_followed();
        let envelope = outcome.facts.envelope.as_ref().unwrap();
        assert_eq!(envelope.catch_all(), Some(catch_all), "{reply}");
        let existence = envelope.recipients[0].existence(Some(catch_all));
        assert_eq!(existence, exists, "{reply}");
        assert_eq!(outcome.codes(), codes, "{reply}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_answer_to_a_recipient_has_a_finding_of_its_own() {
    for (reply, code, severity) in [
        (
            "450 4.2.0 Greylisted",
            "smtp.recipient.greylisted",
            Severity::Info,
        ),
        (
            "451 4.3.0 later",
            "smtp.recipient.deferred",
            Severity::Warning,
        ),
        (
            "452 4.2.2 full",
            "smtp.recipient.mailbox-full",
            Severity::Critical,
        ),
        (
            "550 5.1.1 who?",
            "smtp.recipient.unknown",
            Severity::Critical,
        ),
        (
            "554 5.7.1 listed",
            "smtp.recipient.blocked",
            Severity::Critical,
        ),
        (
            "554 Relay access denied",
            "smtp.recipient.relay-denied",
            Severity::Critical,
        ),
        (
            "530 5.7.0 Login",
            "smtp.recipient.auth-required",
            Severity::Critical,
        ),
        (
            "452 4.5.3 enough",
            "smtp.recipient.too-many",
            Severity::Warning,
        ),
        (
            "550 5.2.1 disabled",
            "smtp.recipient.refused",
            Severity::Critical,
        ),
    ] {
        let outcome = answered(reply).await;
        assert_eq!(outcome.failure, None, "{reply}");
        let found = &outcome.findings[0];
        assert_eq!((found.code(), found.severity), (code, severity), "{reply}");
    }
    assert!(answered("250 2.1.5 Ok").await.codes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn strangers_at_a_port_for_users_are_told_to_log_in() {
    for (extensions, expected) in [
        (&["AUTH PLAIN"][..], Acceptance::AuthRequired),
        (&[], Acceptance::Blocked),
    ] {
        let script = offering(extensions)
            .hear("MAIL FROM:<>")
            .say("250 2.1.0 Ok\r\n")
            .hear("RCPT TO:<alice@example.org>")
            .say("554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied\r\n");
        let outcome = ask(leaving(script), |options| {
            options.recipients(&[address("alice@example.org")])
        })
        .await;
        assert_eq!(acceptances(&outcome), [expected]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_up_at_a_recipient_is_quoted_and_keeps_what_was_learned() {
    let script = offering(&[])
        .hear("MAIL FROM:<>")
        .say("250 Ok\r\n")
        .hear("RCPT TO:<bob@example.org>")
        .say("250 Ok\r\n")
        .hear("RCPT TO:<alice@example.org>")
        .say("421 4.7.0 Enough\r\n");
    let recipients = [address("bob@example.org"), address("alice@example.org")];
    let outcome = ask(script, |options| options.recipients(&recipients)).await;
    let failure = outcome.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Temporary);
    assert_eq!(failure.reply.as_deref(), Some(&b"421 4.7.0 Enough"[..]));
    assert_eq!(acceptances(&outcome)[0], Acceptance::Accepted);
    assert!(!outcome.said().contains(&"QUIT".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_reply_ends_the_envelope_without_a_goodbye() {
    for nonsense in ["what?\r\n", "354 go ahead\r\n"] {
        let script = offering(&["PIPELINING"])
            .hear("MAIL FROM:<>")
            .hear("RCPT")
            .say(nonsense);
        let recipients = [address("alice@example.org")];
        let outcome = ask(script.drain(), |options| options.recipients(&recipients)).await;
        assert_eq!(
            outcome.failure.as_ref().unwrap().kind,
            FailureKind::Protocol
        );
        assert!(!outcome.said().contains(&"QUIT".to_owned()), "{nonsense}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_envelope_is_in_the_report_with_its_metrics() {
    let outcome = answered("250 2.1.5 Ok").await;
    let json = outcome.report.to_json();
    for part in [
        r#""sender":"<>""#,
        r#""address":"alice@example.org""#,
        r#""verdict":"accepted""#,
        r#""exists":"yes""#,
        r#""enhanced_code":"2.1.5""#,
        r#""accepted":1"#,
    ] {
        assert!(json.contains(part), "{part} in {json}");
    }
}

/// What this reply means behind so many recipients.
fn meaning(reply: &str, accepted_before: usize) -> Option<Acceptance> {
    let bytes = format!("{reply}\r\n");
    let decoded = SmtpCodec::default().decode(bytes.as_bytes(), &mut Oddities::default());
    let reply: Reply = match decoded.unwrap() {
        Decoded::Frame { reply, .. } => reply,
        Decoded::Partial => unreachable!("a whole line"),
    };
    Acceptance::of(&reply, accepted_before)
}

#[test]
fn what_real_servers_say_to_recipients_is_understood() {
    use Acceptance::*;
    for (reply, expected) in [
        // Postfix, smtpd_check.c; Postgrey.
        (
            "450 4.2.0 <a@b>: Recipient address rejected: Greylisted, see http://postgrey",
            Greylisted,
        ),
        (
            "450 4.1.1 <a@b>: Recipient address rejected: unverified address",
            Temporary,
        ),
        ("454 4.7.1 <a@b>: Relay access denied", RelayDenied),
        ("554 5.7.1 <a@b>: Relay access denied", RelayDenied),
        (
            "550 5.1.1 <a@b>: Recipient address rejected: User unknown in local recipient table",
            UnknownUser,
        ),
        (
            "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
            Blocked,
        ),
        (
            "450 4.7.1 Client host rejected: cannot find your hostname, [192.0.2.1]",
            Blocked,
        ),
        (
            "530 5.7.0 Must issue a STARTTLS command first",
            AuthRequired,
        ),
        ("452 4.5.3 Error: too many recipients", TooMany),
        ("552 5.3.4 Message size exceeds fixed limit", TooLarge),
        ("452 4.3.1 Insufficient system storage", Temporary),
        // Postfix, milter8.c: a milter is down.
        ("451 4.7.1 Service unavailable - try again later", Temporary),
        // Postfix, postscreen.c: behind the tests after the greeting.
        ("450 4.3.2 Service currently unavailable", Greylisted),
        // Exim's default configuration.
        ("550 relay not permitted", RelayDenied),
        ("550 Unrouteable address", UnknownUser),
        ("451 Temporary local problem - please try later", Temporary),
        // Dovecot over LMTP.
        (
            "552 5.2.2 <a@b> Quota exceeded (mailbox for user is full)",
            MailboxFull,
        ),
        ("550 5.1.1 <a@b> User doesn't exist: a@b", UnknownUser),
        // Gmail.
        (
            "550-5.1.1 The email account that you tried to reach does not exist. Please try\r\n550 5.1.1 again",
            UnknownUser,
        ),
        (
            "452 4.2.2 The email account that you tried to reach is over quota.",
            MailboxFull,
        ),
        (
            "450 4.2.1 The user you are trying to contact is receiving mail at a rate that",
            Temporary,
        ),
        // Exchange.
        (
            "550 5.4.1 Recipient address rejected: Access denied. [X.prod.outlook.com]",
            UnknownUser,
        ),
        (
            "550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain",
            RelayDenied,
        ),
        (
            "530 5.7.57 Client not authenticated to send mail",
            AuthRequired,
        ),
        (
            "451 4.7.500 Server busy. Please try again later from [192.0.2.1]. (S77719)",
            Temporary,
        ),
        // RFC 5321 by the code alone, and RFC 7505.
        ("550 No", Refused),
        ("551 User not local", RelayDenied),
        ("552 full", MailboxFull),
        ("556 5.1.10 nullmx", UnknownUser),
        ("251 will forward", Accepted),
        ("252 cannot verify", Accepted),
        // reacherhq/check-if-email-exists#939.
        ("451 4.7.1 Please try again later", Greylisted),
        (
            "451 4.7.1 Greylisting in action, please come back later",
            Greylisted,
        ),
        // A word inside an address means nothing.
        ("550 5.1.1 <relay@blocked.example> unknown", UnknownUser),
        ("550 <relay-greylist@blocked.example> no", Refused),
    ] {
        assert_eq!(meaning(reply, 0), Some(expected), "{reply}");
    }
    assert_eq!(meaning("354 go on", 0), None);
    assert_eq!(meaning("hello", 0), None);
}
