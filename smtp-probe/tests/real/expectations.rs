//! Against a real Postfix that is expected to refuse, or to say something in particular; and what its EHLO leaves out.

use probe_core::{FailureKind, Verdict};
use probe_net::sasl::Credentials;
use smtp_probe::{Introduction, Options, Stage};

use super::{ask, codes, phases, user};

fn expecting(stage: Stage, reply: &'static str) -> impl Fn(Options) -> Options {
    move |options| options.expect(stage, reply.parse().unwrap())
}

fn to_alice(options: Options) -> Options {
    options.recipients(&["alice@lab.test".parse().unwrap()])
}

#[tokio::test]
async fn a_refusal_that_is_expected_is_well() {
    for (listener, stage, reply) in [
        ("smtp-blocks", Stage::Rcpt, "554"),
        ("smtp-rejects-sender", Stage::Mail, "5xx"),
        ("smtp-requires-auth", Stage::Mail, "530"),
        ("smtp-milter-down", Stage::Mail, "451"),
        ("submission", Stage::Rcpt, "554"),
    ] {
        let report = ask(listener, |options| {
            to_alice(expecting(stage, reply)(options))
        })
        .await;
        assert_eq!(report.failure, None, "{listener}: {report:?}");
        let codes = codes(&report);
        assert!(!codes.contains(&"smtp.reply.unexpected"), "{listener}");
    }
}

#[tokio::test]
async fn a_reply_that_is_not_the_expected_one_is_quoted() {
    let report = ask("smtp-good", expecting(Stage::Greeting, "554")).await;
    assert_eq!(codes(&report), ["smtp.reply.unexpected"], "{report:?}");
    assert_eq!(
        report.findings[0].evidence,
        "greeting: 220 good.lab.test ESMTP Postfix, and 554 was expected"
    );
    // An open relay is what answers 250 here.
    let abroad = ["somebody@elsewhere.example".parse().unwrap()];
    for (listener, is_expected) in [("smtp-good", true), ("smtp-open-relay", false)] {
        let report = ask(listener, |options| {
            expecting(Stage::Rcpt, "554")(options.recipients(&abroad))
        })
        .await;
        let codes = codes(&report);
        let is_told = codes.contains(&"smtp.reply.unexpected");
        assert_eq!(is_told, !is_expected, "{listener}: {report:?}");
    }
}

#[tokio::test]
async fn a_login_that_must_be_refused_is_critical_where_it_is_not() {
    let wrong = Credentials::password("alice@lab.test", "definitely wrong").unwrap();
    for (credentials, verdict) in [
        (wrong, Verdict::Ok),
        (user("disabled"), Verdict::Ok),
        (user("alice"), Verdict::Critical),
    ] {
        let report = ask("submission", |options| {
            options.credentials(credentials).expect_refusal(true)
        })
        .await;
        assert_eq!(report.verdict(), verdict, "{report:?}");
    }
}

#[tokio::test]
async fn an_authentication_that_is_down_is_not_the_refusal_that_was_expected() {
    let report = ask("submission-auth-down", |options| {
        options.credentials(user("alice")).expect_refusal(true)
    })
    .await;
    let failure = report.failure.as_ref().expect("454 refuses nobody");
    assert_eq!(failure.kind, FailureKind::Temporary, "{report:?}");
}

#[tokio::test]
async fn the_dialogue_ends_where_it_is_to_end() {
    let report = ask("smtp-good", |options| options.quit_after(Stage::StartTls)).await;
    assert_eq!(
        phases(&report),
        ["connect", "greeting", "ehlo", "starttls", "tls", "quit"]
    );
    let report = ask("smtp-good", |options| {
        to_alice(options.quit_after(Stage::Mail))
    })
    .await;
    assert_eq!(report.failure, None, "{report:?}");
    let envelope = report.facts.envelope.as_ref().unwrap();
    assert!(envelope.recipients.is_empty() && envelope.sender_answer.is_some());
}

#[tokio::test]
async fn by_helo_alone_mail_is_taken_too() {
    let report = ask("smtp-good", |options| {
        to_alice(options.introduction(Introduction::Helo))
    })
    .await;
    assert_eq!(report.failure, None, "{report:?}");
    let envelope = report.facts.envelope.as_ref().unwrap();
    assert_eq!(envelope.recipients.len(), 1);
}

#[tokio::test]
async fn what_a_server_does_not_announce_is_not_among_its_extensions() {
    for (listener, extension) in [
        ("smtp-no-size", "SIZE"),
        ("smtp-no-pipelining", "PIPELINING"),
        ("smtp-no-smtputf8", "SMTPUTF8"),
        ("smtp-no-8bitmime", "8BITMIME"),
        ("smtp-no-chunking", "CHUNKING"),
        ("smtp-no-dsn", "DSN"),
        ("smtp-no-vrfy", "VRFY"),
    ] {
        let report = ask(listener, |options| options).await;
        assert_eq!(report.verdict(), Verdict::Ok, "{listener}: {report:?}");
        let capabilities = report.facts.capabilities().unwrap();
        assert!(!capabilities.has(extension), "{listener}");
        assert!(capabilities.has("ENHANCEDSTATUSCODES"), "{listener}");
    }
    let report = ask("smtp-xclient", |options| options).await;
    assert!(report.facts.capabilities().unwrap().has("XCLIENT"));
}
