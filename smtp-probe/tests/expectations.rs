//! What the caller expects: replies, refusals, and where the dialogue is to end.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use common::{Outcome, World, converse};
use probe_core::FailureKind;
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security};
use probe_testkit::Script;
use smtp_probe::{Address, Expectation, ExpectationError, Introduction, Options, Sender, Stage};

fn greeting() -> Script {
    Script::new().say("220 mx.example.test ESMTP\r\n")
}

fn introduced() -> Script {
    greeting()
        .hear("EHLO")
        .say("250-mx.example.test\r\n250 AUTH PLAIN\r\n")
}

fn leaving(script: Script) -> Script {
    script.hear("QUIT").say("221 Bye\r\n")
}

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

fn alice() -> Credentials {
    Credentials::password("alice", "wonderland").unwrap()
}

fn expected(text: &str) -> Expectation {
    text.parse().unwrap()
}

fn bob() -> [Address; 1] {
    ["bob@example.org".parse().unwrap()]
}

#[test]
fn an_expectation_is_a_code_a_class_or_words() {
    assert_eq!(expected("250"), Expectation::Code(250));
    assert_eq!(expected("4xx"), Expectation::Class(4));
    assert_eq!(expected("6xx"), Expectation::Words("6xx".to_owned()));
    assert_eq!("600".parse::<Expectation>(), Err(ExpectationError::Code));
    assert_eq!("199".parse::<Expectation>(), Err(ExpectationError::Code));
    assert_eq!("".parse::<Expectation>(), Err(ExpectationError::Empty));
    for stage in Stage::ALL {
        assert_eq!(stage.to_string().parse(), Ok(*stage));
    }
    assert_eq!("data".parse::<Stage>(), Err(ExpectationError::Stage));
}

#[tokio::test(start_paused = true)]
async fn what_was_expected_is_no_finding_and_anything_else_is() {
    for (stage, text, is_met) in [
        (Stage::Greeting, "220", true),
        (Stage::Greeting, "2xx", true),
        (Stage::Greeting, "mx.example.test ESMTP", true),
        (Stage::Greeting, "esmtp", false),
        (Stage::Greeting, "221", false),
        // blackbox_exporter#771: over all lines of a reply.
        (Stage::Ehlo, "AUTH PLAIN", true),
        (Stage::Ehlo, "STARTTLS", false),
        (Stage::Mail, "250", true),
        (Stage::Rcpt, "2.1.5", true),
        (Stage::Rcpt, "5xx", false),
        // The dialogue does not come there.
        (Stage::Auth, "235", true),
    ] {
        let script = introduced()
            .hear("MAIL")
            .say("250 2.1.0 Ok\r\n")
            .hear("RCPT")
            .say("250 2.1.5 Ok\r\n")
            .hear("RSET")
            .say("250 Ok\r\n");
        let outcome = ask(leaving(script), |options| {
            options.recipients(&bob()).expect(stage, expected(text))
        })
        .await;
        outcome.conversation.assert_followed();
        let codes = outcome.codes();
        let told = codes.contains(&"smtp.reply.unexpected");
        assert_eq!(told, !is_met, "{stage} {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_finding_tells_where_what_and_instead_of_what() {
    let outcome = ask(leaving(introduced()), |options| {
        options.expect(Stage::Greeting, expected("554"))
    })
    .await;
    let found = outcome.findings.iter();
    let evidence: Vec<_> = found
        .filter(|one| one.code() == "smtp.reply.unexpected")
        .map(|one| &*one.evidence)
        .collect();
    let expected = "greeting: 220 mx.example.test ESMTP, and 554 was expected";
    assert_eq!(evidence, [expected]);
}

#[tokio::test(start_paused = true)]
async fn an_expected_refusal_ends_well() {
    let refusing: [(Stage, &str, Script); 4] = [
        (
            Stage::Greeting,
            "554",
            leaving(Script::new().say("554 5.7.1 No\r\n")),
        ),
        (
            Stage::Ehlo,
            "5xx",
            leaving(greeting().hear("EHLO").say("550 No\r\n")),
        ),
        (
            Stage::Mail,
            "530",
            leaving(
                introduced()
                    .hear("MAIL")
                    .say("530 5.7.0 Login\r\n")
                    .hear("RSET")
                    .say("250 Ok\r\n"),
            ),
        ),
        (
            Stage::Rcpt,
            "5xx",
            leaving(
                introduced()
                    .hear("MAIL")
                    .say("250 Ok\r\n")
                    .hear("RCPT")
                    .say("554 5.7.1 Relay access denied\r\n")
                    .hear("RSET")
                    .say("250 Ok\r\n"),
            ),
        ),
    ];
    for (stage, text, script) in refusing {
        let outcome = ask(script.clone(), |options| {
            options.recipients(&bob()).expect(stage, expected(text))
        })
        .await;
        outcome.conversation.assert_followed();
        assert_eq!(outcome.failure, None, "{stage}");
        assert!(
            outcome
                .codes()
                .iter()
                .all(|code| *code == "smtp.auth.in-clear"),
            "{stage}: {:?}",
            outcome.codes()
        );
        // Another one is not what was expected.
        let outcome = ask(script, |options| {
            options.recipients(&bob()).expect(stage, expected("499"))
        })
        .await;
        assert!(outcome.codes().contains(&"smtp.reply.unexpected"));
    }
}

#[tokio::test(start_paused = true)]
async fn words_alone_do_not_make_a_refusal_expected() {
    let script = leaving(Script::new().say("554 5.7.1 No\r\n"));
    let outcome = ask(script, |options| {
        options.expect(Stage::Greeting, expected("No"))
    })
    .await;
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Permanent);
}

#[tokio::test(start_paused = true)]
async fn no_more_unexpected_replies_are_kept_than_the_limit() {
    let recipients: Vec<Address> = (0..20)
        .map(|number| format!("user{number}@example.org").parse().unwrap())
        .collect();
    let told = async |count: usize| {
        let mut script = introduced().hear("MAIL").say("250 Ok\r\n");
        for _ in 0..count {
            script = script.hear("RCPT").say("250 Ok\r\n");
        }
        let recipients = &recipients[..count];
        let outcome = ask(script.drain(), |options| {
            options
                .recipients(recipients)
                .expect(Stage::Rcpt, expected("251"))
        })
        .await;
        outcome.facts.unexpected.len()
    };
    assert_eq!((told(16).await, told(17).await), (16, 16));
}

#[tokio::test(start_paused = true)]
async fn a_login_that_must_fail_is_critical_where_it_does_not() {
    let log_in = |reply: &str| {
        let script = introduced().hear("AUTH PLAIN").say(reply);
        leaving(script)
    };
    let shape = |options: Options| options.credentials(alice()).expect_refusal(true);
    for refusal in ["535 5.7.8 No\r\n", "534 5.7.9 Too weak\r\n"] {
        let outcome = ask(log_in(refusal), shape).await;
        outcome.conversation.assert_followed();
        assert_eq!(outcome.failure, None, "{refusal}");
        assert_eq!(outcome.codes(), ["smtp.auth.in-clear"]);
    }
    let outcome = ask(log_in("235 2.7.0 Come in\r\n"), shape).await;
    outcome.conversation.assert_followed();
    assert!(outcome.codes().contains(&"smtp.auth.not-refused"));

    // The server could not look.
    let outcome = ask(log_in("454 4.7.0 Later\r\n"), shape).await;
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Temporary);
}

#[tokio::test(start_paused = true)]
async fn the_dialogue_ends_where_the_caller_wants_it_to() {
    let world = World::new();
    let envelope = |options: Options| options.credentials(alice()).recipients(&bob());
    let after_auth = introduced().hear("AUTH PLAIN").say("235 Ok\r\n");
    let after_auth = after_auth.hear("EHLO").say("250 mx.example.test\r\n");
    for (stage, script) in [
        (Stage::Greeting, greeting()),
        (Stage::Ehlo, introduced()),
        (Stage::StartTls, introduced()),
        (Stage::Auth, after_auth.clone()),
        (
            Stage::Mail,
            after_auth
                .clone()
                .hear("MAIL")
                .say("250 Ok\r\n")
                .hear("RSET")
                .say("250 Ok\r\n"),
        ),
        (
            Stage::Rcpt,
            after_auth
                .hear("MAIL")
                .say("250 Ok\r\n")
                .hear("RCPT")
                .say("250 Ok\r\n")
                .hear("RSET")
                .say("250 Ok\r\n"),
        ),
    ] {
        let outcome = ask(leaving(script), |options| {
            envelope(options).quit_after(stage)
        })
        .await;
        outcome.conversation.assert_followed();
        assert_eq!(outcome.failure, None, "{stage}");
    }
    let upgraded = greeting()
        .hear("EHLO")
        .say("250-mx\r\n250 STARTTLS\r\n")
        .hear("STARTTLS")
        .say("220 Go\r\n")
        .tls(&world.identity);
    let options = envelope(world.options()).quit_after(Stage::StartTls);
    let outcome = converse(
        &world,
        &leaving(upgraded),
        Security::Required,
        SecretsOver::VerifiedTls,
        options,
    )
    .await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
}

#[tokio::test(start_paused = true)]
async fn helo_alone_asks_for_no_extensions_and_misses_none() {
    let script = greeting()
        .hear("HELO probe.example.test")
        .say("250 mx.example.test\r\n")
        .hear("MAIL FROM:<>")
        .say("250 Ok\r\n")
        .hear("RSET")
        .say("250 Ok\r\n");
    let world = World::new();
    let options = world
        .options()
        .introduction(Introduction::Helo)
        .sender(Sender::Null);
    let outcome = converse(
        &world,
        &leaving(script),
        Security::Opportunistic,
        SecretsOver::VerifiedTls,
        options,
    )
    .await;
    outcome.conversation.assert_followed();
    assert_eq!((outcome.failure.as_ref(), outcome.codes()), (None, vec![]));
    assert_eq!(outcome.facts.knows_ehlo, None);

    let script = leaving(greeting().hear("HELO").say("250 mx\r\n"));
    let options = world.options().introduction(Introduction::Helo);
    let outcome = converse(
        &world,
        &script,
        Security::Required,
        SecretsOver::VerifiedTls,
        options,
    )
    .await;
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Unsupported);
}
