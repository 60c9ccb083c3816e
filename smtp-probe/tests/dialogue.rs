//! The machine, led by the real driver against scripted servers: which command follows on which reply.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::time::Duration;

use common::{Outcome, World, converse};
use probe_core::FailureKind;
use probe_net::sasl::{Credentials, Mechanism};
use probe_net::tls::{SecretsOver, Security, StartTls};
use probe_testkit::Script;

fn greeting() -> Script {
    Script::new().say("220 mx.example.test ESMTP\r\n")
}

/// A server that offers these extensions in clear.
fn offering(extensions: &[&str]) -> Script {
    greeting()
        .hear("EHLO probe.example.test")
        .say(ehlo(extensions))
}

fn ehlo(extensions: &[&str]) -> String {
    let mut lines = vec!["mx.example.test"];
    lines.extend(extensions);
    let last = lines.pop().unwrap();
    let inner: String = lines.iter().map(|line| format!("250-{line}\r\n")).collect();
    format!("{inner}250 {last}\r\n")
}

async fn ask(script: Script, security: Security) -> Outcome {
    let world = World::new();
    let options = world.options();
    converse(&world, &script, security, SecretsOver::VerifiedTls, options).await
}

/// Logs in over clear text, where every byte can be seen.
async fn log_in(script: Script, credentials: Credentials, mechanisms: &[Mechanism]) -> Outcome {
    let world = World::new();
    let mut options = world
        .options()
        .credentials(credentials)
        .ehlo_after_auth(false);
    if !mechanisms.is_empty() {
        options = options.mechanisms(mechanisms);
    }
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

#[tokio::test(start_paused = true)]
async fn starttls_comes_after_ehlo_and_ehlo_again_after_tls() {
    let world = World::new();
    let script = offering(&["STARTTLS"])
        .hear("STARTTLS")
        .say("220 Go ahead\r\n")
        .tls(&world.identity)
        .hear("EHLO probe.example.test")
        .say(ehlo(&["SIZE 1000"]))
        .hear("QUIT")
        .say("221 Bye\r\n");
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
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.facts.starttls, StartTls::Accepted);
    assert!(outcome.facts.clear.as_ref().unwrap().has("STARTTLS"));
    assert!(!outcome.facts.secured.as_ref().unwrap().has("STARTTLS"));
    assert_eq!(
        outcome.facts.capabilities().unwrap().size_limit(),
        Some(1000)
    );
}

#[tokio::test(start_paused = true)]
async fn with_implicit_tls_nothing_is_said_in_clear() {
    let world = World::new();
    let script = Script::new()
        .tls(&world.identity)
        .say("220 mx.example.test ESMTP\r\n")
        .hear("EHLO")
        .say(ehlo(&["STARTTLS"]))
        .hear("QUIT")
        .say("221 Bye\r\n");
    let options = world.options();
    let outcome = converse(
        &world,
        &script,
        Security::Implicit,
        SecretsOver::VerifiedTls,
        options,
    )
    .await;
    outcome.conversation.assert_followed();
    assert!(outcome.conversation.heard_in_clear().is_empty());
    assert_eq!(outcome.facts.clear, None);
    assert_eq!(outcome.codes(), ["smtp.starttls.inside-tls"]);
}

#[tokio::test(start_paused = true)]
async fn where_starttls_is_missing_each_policy_does_its_own() {
    let script = || offering(&["SIZE"]).hear("QUIT").say("221 Bye\r\n");
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
async fn a_refused_starttls_ends_what_must_be_encrypted_and_nothing_else() {
    let script = || {
        offering(&["STARTTLS"])
            .hear("STARTTLS")
            .say("454 4.7.0 TLS not available due to local problem\r\n")
            .hear("QUIT")
            .say("221 Bye\r\n")
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
async fn helo_follows_only_where_ehlo_is_unknown() {
    for code in ["500", "502"] {
        let script = greeting()
            .hear("EHLO")
            .say(format!("{code} What?\r\n"))
            .hear("HELO probe.example.test")
            .say("250 mx.example.test\r\n")
            .hear("QUIT")
            .say("221 Bye\r\n");
        let outcome = ask(script, Security::Opportunistic).await;
        assert_eq!(outcome.failure, None, "{code}");
        assert_eq!(outcome.facts.knows_ehlo, Some(false));
        assert!(outcome.codes().contains(&"smtp.ehlo.refused"));
    }
    for (code, kind) in [
        ("421", FailureKind::Temporary),
        ("450", FailureKind::Temporary),
        ("501", FailureKind::Permanent),
        ("550", FailureKind::Permanent),
        ("354", FailureKind::Protocol),
    ] {
        let script = greeting()
            .hear("EHLO")
            .say(format!("{code} No\r\n"))
            .drain();
        let outcome = ask(script, Security::Opportunistic).await;
        let failure = outcome.failure.as_ref().unwrap();
        assert_eq!(failure.kind, kind, "{code}");
        assert!(
            !outcome.said().iter().any(|line| line.starts_with("HELO")),
            "{code}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn we_say_goodbye_where_it_is_understood_and_only_there() {
    for (greeting, goodbye) in [
        ("554 5.7.1 No\r\n", true),
        ("421 4.7.0 Busy\r\n", false),
        ("hello\r\n", false),
    ] {
        let outcome = ask(Script::new().say(greeting).drain(), Security::Opportunistic).await;
        assert_eq!(
            outcome.said().contains(&"QUIT".to_owned()),
            goodbye,
            "{greeting}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_before_the_last_line_of_the_greeting() {
    let script = Script::new()
        .say("220-mx.example.test ESMTP\r\n")
        .pause(Duration::from_secs(6))
        .say("220 mx.example.test ESMTP\r\n")
        .hear("EHLO")
        .say(ehlo(&[]))
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = ask(script, Security::Cleartext).await;
    assert!(
        !outcome.conversation.spoke_early(),
        "{:?}",
        outcome.conversation.early()
    );
    assert_eq!(outcome.report.spans[0].duration, Duration::from_secs(6));
    assert_eq!(outcome.codes(), ["smtp.greeting.delayed"]);
}

#[tokio::test(start_paused = true)]
async fn each_reply_is_booked_to_its_own_phase() {
    let ms = Duration::from_millis;
    let script = Script::new()
        .pause(ms(100))
        .say("220 mx\r\n")
        .hear("EHLO")
        .pause(ms(200))
        .say(ehlo(&[]))
        .hear("QUIT")
        .pause(ms(300))
        .say("221 Bye\r\n");
    let outcome = ask(script, Security::Cleartext).await;
    let spans = outcome.report.spans.iter();
    let booked: Vec<_> = spans
        .map(|span| (span.phase.as_str(), span.start, span.duration))
        .collect();
    assert_eq!(
        booked,
        [
            ("greeting", ms(0), ms(100)),
            ("ehlo", ms(100), ms(200)),
            ("quit", ms(300), ms(300)),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_quit_is_nobodys_fault() {
    for script in [
        offering(&[]).hear("QUIT").close(),
        offering(&[]).hear("QUIT").silence(),
        offering(&[]).hear("QUIT").say("500 What?\r\n"),
    ] {
        let outcome = ask(script, Security::Cleartext).await;
        assert_eq!(outcome.failure, None);
    }
}

#[tokio::test(start_paused = true)]
async fn plain_goes_along_with_the_command_and_login_waits() {
    let script = offering(&["AUTH PLAIN LOGIN"])
        .hear("AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=")
        .say("235 2.7.0 ok\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = log_in(script, alice(), &[]).await;
    outcome.conversation.assert_followed();
    assert_eq!(
        outcome.facts.auth.unwrap().accepted,
        Some(Mechanism::Plain.into())
    );

    let script = offering(&["AUTH PLAIN LOGIN"])
        .hear("AUTH LOGIN")
        .say("334 VXNlcm5hbWU6\r\n")
        .hear("YWxpY2U=")
        .say("334 UGFzc3dvcmQ6\r\n")
        .hear("d29uZGVybGFuZA==")
        .say("235 2.7.0 ok\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = log_in(script, alice(), &[Mechanism::Login]).await;
    outcome.conversation.assert_followed();
}

#[tokio::test(start_paused = true)]
async fn a_first_message_too_long_for_the_line_waits_for_the_challenge() {
    let long = Credentials::token("alice", "t".repeat(600)).unwrap();
    let script = offering(&["AUTH XOAUTH2"])
        .hear("AUTH XOAUTH2")
        .say("334 \r\n")
        .hear("dXNlcj1hbGljZQ")
        .say("235 2.7.0 ok\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = log_in(script, long, &[]).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure, None);
    assert!(outcome.said().contains(&"AUTH XOAUTH2".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn what_the_server_offers_and_cannot_do_is_passed_over_but_no_password_is_tried_twice() {
    let script = offering(&["AUTH SCRAM-SHA-256 CRAM-MD5 PLAIN LOGIN"])
        .hear("AUTH SCRAM-SHA-256")
        .say("535 5.7.8 no such secret\r\n")
        .hear("AUTH CRAM-MD5")
        .say("504 5.5.4 unknown\r\n")
        .hear("AUTH PLAIN")
        .say("535 5.7.8 authentication failed\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = log_in(script, alice(), &[]).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Credentials);
    let tried: Vec<_> = outcome
        .facts
        .auth
        .unwrap()
        .attempts
        .iter()
        .map(|one| one.way.as_str())
        .collect();
    assert_eq!(tried, ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN"]);
}

#[tokio::test(start_paused = true)]
async fn a_challenge_that_is_no_base64_is_cancelled_in_order() {
    let script = offering(&["AUTH CRAM-MD5"])
        .hear("AUTH CRAM-MD5")
        .say("334 not base64!\r\n")
        .hear("*")
        .say("501 5.7.0 cancelled\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = log_in(script, alice(), &[]).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Protocol);
}

#[tokio::test(start_paused = true)]
async fn success_without_the_servers_own_proof_is_no_success() {
    let script = offering(&["AUTH SCRAM-SHA-256"])
        .hear("AUTH SCRAM-SHA-256")
        .say("235 2.7.0 come in\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = log_in(script, alice(), &[]).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Protocol);
    assert!(failure.detail.contains("did not prove"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn the_reason_for_a_refused_token_is_fetched_and_told() {
    let token = Credentials::token("alice", "old").unwrap();
    let script = offering(&["AUTH XOAUTH2"])
        .hear("AUTH XOAUTH2 ")
        .say("334 eyJzdGF0dXMiOiI0MDAifQ==\r\n")
        .hear("")
        .say("535-5.7.8 Username and Password not accepted.\r\n535 5.7.8 See help\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = log_in(script, token, &[]).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Credentials);
    assert!(failure.detail.ends_with(r#"{"status":"400"}"#), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn extensions_after_login_are_asked_for_and_a_refusal_is_no_failure() {
    let world = World::new();
    let logged_in = |then: &str| {
        offering(&["AUTH PLAIN", "SIZE 1000"])
            .hear("AUTH PLAIN")
            .say("235 ok\r\n")
            .hear("EHLO")
            .say(then)
            .hear("QUIT")
            .say("221 Bye\r\n")
    };
    for (reply, size, codes) in [
        (ehlo(&["SIZE 5000"]), Some(5000), vec!["smtp.auth.in-clear"]),
        (
            "503 5.5.1 no\r\n".to_owned(),
            Some(1000),
            vec!["smtp.auth.in-clear", "smtp.auth.no-ehlo-after"],
        ),
    ] {
        let options = world.options().credentials(alice());
        let script = logged_in(&reply);
        let outcome = converse(
            &world,
            &script,
            Security::Cleartext,
            SecretsOver::Cleartext,
            options,
        )
        .await;
        assert_eq!(outcome.failure, None);
        assert_eq!(outcome.facts.capabilities().unwrap().size_limit(), size);
        assert_eq!(outcome.codes(), codes);
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_usable_is_offered_the_offer_is_named() {
    for (extensions, detail) in [
        (
            &["SIZE"][..],
            "the server offers no authentication that is known here",
        ),
        (
            &["AUTH XOAUTH2"],
            "the server offers XOAUTH2, none of which can be used here",
        ),
        (
            &["AUTH GSSAPI NTLM"],
            "the server offers no authentication that is known here",
        ),
    ] {
        let outcome = log_in(offering(extensions).drain(), alice(), &[]).await;
        let failure = outcome.failure.unwrap();
        assert_eq!(
            (failure.kind, &*failure.detail),
            (FailureKind::Unsupported, detail)
        );
    }
}
