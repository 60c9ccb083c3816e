//! What is asked between login and farewell: latency, and whether strangers are told who is there.

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
use probe_net::tls::{SecretsOver, Security};
use probe_testkit::Script;
use smtp_probe::{Disclosure, Options, UserName};

fn introduced() -> Script {
    Script::new()
        .say("220 mx.example.test ESMTP\r\n")
        .hear("EHLO")
        .say("250 mx.example.test\r\n")
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

#[tokio::test(start_paused = true)]
async fn each_noop_waits_for_the_one_before_and_is_measured() {
    let ms = Duration::from_millis;
    let noop = |script: Script, time| script.hear("NOOP").pause(ms(time)).say("250 Ok\r\n");
    let script = [30, 10, 20].into_iter().fold(introduced(), noop);
    let script = script.hear("QUIT").say("221 Bye\r\n");
    let outcome = ask(script, |options| options.noops(3)).await;
    outcome.conversation.assert_followed();
    assert!(!outcome.conversation.spoke_early());
    let noops = &outcome.facts.noops;
    let told = [noops.min(), noops.median(), noops.p95()];
    assert_eq!(told, [Some(ms(10)), Some(ms(20)), Some(ms(30))]);
    assert!(outcome.report.to_json().contains(r#""noop":{"min":"#));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_has_enough_of_noops_is_quoted_and_what_was_measured_stays() {
    let script = introduced()
        .hear("NOOP")
        .say("250 Ok\r\n")
        .hear("NOOP")
        .say("421 4.7.0 Too many errors\r\n");
    let outcome = ask(script, |options| options.noops(5)).await;
    let failure = outcome.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Temporary);
    assert_eq!(outcome.facts.noops.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_is_there_is_disclosed_by_some_replies_and_not_by_others() {
    // RFC 5321 section 3.5.3; Postfix says 252, and 502 where it is switched off.
    for (vrfy, disclosure) in [
        ("250 2.1.5 Root <root@mx.example.test>", Disclosure::Exists),
        ("251 User not local", Disclosure::Exists),
        ("553 5.1.4 Ambiguous", Disclosure::Exists),
        ("550 5.1.1 <root>: User unknown", Disclosure::Missing),
        ("252 2.0.0 root", Disclosure::Nothing),
        ("502 5.5.1 VRFY command is disabled", Disclosure::Nothing),
        ("550 5.7.1 Access denied", Disclosure::Nothing),
        ("550 No", Disclosure::Nothing),
        ("500 What?", Disclosure::Nothing),
    ] {
        let script = introduced()
            .hear("VRFY root")
            .say(format!("{vrfy}\r\n"))
            .hear("EXPN root")
            .say("502 5.5.1 no\r\n")
            .hear("QUIT")
            .say("221 Bye\r\n");
        let root: UserName = "root".parse().unwrap();
        let outcome = ask(script, |options| options.verify(&[root])).await;
        outcome.conversation.assert_followed();
        assert_eq!(outcome.failure, None, "{vrfy}");
        let told: Vec<_> = outcome
            .facts
            .disclosures
            .iter()
            .map(|one| one.disclosure())
            .collect();
        assert_eq!(told, [disclosure, Disclosure::Nothing], "{vrfy}");
        let codes: &[&str] = match disclosure {
            Disclosure::Nothing => &[],
            _ => &["smtp.vrfy.discloses"],
        };
        assert_eq!(outcome.codes(), codes, "{vrfy}");
    }
}

#[tokio::test(start_paused = true)]
async fn answers_that_tell_nothing_alone_disclose_by_their_difference() {
    let script = introduced()
        .hear("VRFY alice")
        .say("252 2.0.0 Try it\r\n")
        .hear("EXPN alice")
        .say("502 5.5.1 no\r\n")
        .hear("VRFY bob")
        .say("550 No\r\n")
        .hear("EXPN bob")
        .say("502 5.5.1 no\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let names: [UserName; 2] = ["alice".parse().unwrap(), "bob".parse().unwrap()];
    let outcome = ask(script, |options| options.verify(&names)).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.codes(), ["smtp.vrfy.discloses"]);
    let evidence = &outcome.findings[0].evidence;
    assert_eq!(evidence, "VRFY alice: 252 2.0.0 Try it; VRFY bob: 550 No");
}
