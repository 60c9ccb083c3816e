//! The relay test: which forms are tried, what is learned of the answers, and where a polite guest stops.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use common::{Outcome, World, converse};
use probe_core::{FailureKind, Severity};
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security};
use probe_testkit::{Answer, Script};
use smtp_probe::{ConfigError, RelayTest, RelayTestError};

fn test() -> RelayTest {
    let (sender, recipient) = ("me@example.net", "you@example.com");
    RelayTest::new(sender.parse().unwrap(), recipient.parse().unwrap()).unwrap()
}

/// A server that answers MAIL and RCPT like this.
async fn ask(answer: impl Fn(&str) -> &'static str + Clone + Send + Sync + 'static) -> Outcome {
    let script = Script::new()
        .say("220 mx.example.test ESMTP\r\n")
        .serve(move || {
            let answer = answer.clone();
            move |line: &[u8]| {
                let line = String::from_utf8_lossy(line).into_owned();
                match line.split(' ').next() {
                    Some("MAIL" | "RCPT") => match answer(&line) {
                        busy if busy.starts_with("421") => Answer::close(format!("{busy}\r\n")),
                        reply => Answer::say(format!("{reply}\r\n")),
                    },
                    Some("EHLO" | "RSET") => Answer::say("250 Ok\r\n"),
                    Some("QUIT") => Answer::close("221 Bye\r\n"),
                    _ => Answer::say("500 this test fails\r\n"),
                }
            }
        });
    let world = World::new();
    let options = world.options().relay_test(test());
    let outcome = converse(
        &world,
        &script,
        Security::Cleartext,
        SecretsOver::VerifiedTls,
        options,
    )
    .await;
    let is_polite = |line: &String| ["EHLO", "MAIL", "RCPT", "RSET", "QUIT"].contains(&&line[..4]);
    assert!(outcome.said().iter().all(is_polite), "{:?}", outcome.said());
    outcome
}

/// A server that lives at `mx.example.test` and denies all else.
fn closed(line: &str) -> &'static str {
    match line.starts_with("MAIL") {
        true => "250 2.1.0 Ok",
        false if line.ends_with("@mx.example.test>") => "550 5.1.1 User unknown",
        false => "554 5.7.1 Relay access denied",
    }
}

#[tokio::test(start_paused = true)]
async fn all_forms_are_tried_one_by_one_and_each_is_taken_back() {
    let outcome = ask(closed).await;
    assert_eq!((outcome.failure.as_ref(), outcome.codes()), (None, vec![]));
    let said = outcome.said();
    let recipients: Vec<_> = said
        .iter()
        .filter_map(|line| line.strip_prefix("RCPT TO:"))
        .collect();
    assert_eq!(
        recipients,
        [
            "<mailprobe-07070707070707070707070707070707@mx.example.test>",
            "<you@example.com>",
            "<you@example.com>",
            "<you@example.com>",
            "<you@example.com>",
            "<you%example.com@mx.example.test>",
            "<example.com!you@mx.example.test>",
            "<\"you@example.com\"@mx.example.test>",
            "<you@example.com@mx.example.test>",
            "<@mx.example.test:you@example.com>",
            "<\"you@example.com\">",
            "<\"you%example.com\">",
            "<you%example.com>",
            "<example.com!you>",
            "<you%example.com@[192.0.2.1]>",
            "<example.com!you@[192.0.2.1]>",
            "<\"you@example.com\"@[192.0.2.1]>",
            "<you@example.com@[192.0.2.1]>",
            "<@[192.0.2.1]:you@example.com>",
        ]
    );
    let senders: Vec<_> = said
        .iter()
        .filter_map(|line| line.strip_prefix("MAIL FROM:"))
        .collect();
    let first = [
        "<>",
        "<me@example.net>",
        "<>",
        "<postmaster@mx.example.test>",
        "<postmaster@[192.0.2.1]>",
        "<me@example.net>",
    ];
    assert_eq!(senders[..6], first);
    // Postfix hangs up behind 20 refusals.
    let resets = said.iter().filter(|line| *line == "RSET").count();
    assert_eq!((senders.len(), resets), (19, 19));
    assert_eq!(outcome.facts.relay.unwrap().tried, 18);
}

#[tokio::test(start_paused = true)]
async fn a_form_that_is_taken_is_told_with_the_servers_words() {
    let outcome = ask(|line| match line {
        "RCPT TO:<@mx.example.test:you@example.com>" => "250 2.1.5 Ok",
        _ => closed(line),
    })
    .await;
    let found = &outcome.findings[0];
    assert_eq!(
        (found.code(), found.severity),
        ("smtp.relay.open", Severity::Critical)
    );
    assert_eq!(
        found.evidence,
        "1 of 18 forms, such as from <me@example.net> to <@mx.example.test:you@example.com>: 250 2.1.5 Ok"
    );
    assert!(outcome.report.to_json().contains(r#""open":1"#));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_any_name_of_its_own_is_no_relay_for_that() {
    let outcome = ask(|line| match line.ends_with("@mx.example.test>") {
        true => "250 Ok",
        false => closed(line),
    })
    .await;
    let relay = outcome.facts.relay.as_ref().unwrap();
    assert!(relay.accepted.is_empty());
    assert_eq!(relay.unclear, 4);
    assert_eq!(outcome.codes(), ["smtp.relay.untested"]);

    // One that knows its users and takes those forms is one.
    let outcome = ask(|line| match line.contains("<you%example.com@mx") {
        true => "250 Ok",
        false => closed(line),
    })
    .await;
    assert_eq!(outcome.codes(), ["smtp.relay.open"]);
}

#[tokio::test(start_paused = true)]
async fn who_is_not_welcome_stops() {
    // nmap's smtp-open-relay.nse stops at "authentication needed"; a 421 is nobody's fault here.
    for refusal in [
        "530 5.7.0 Authentication required",
        "554 5.7.1 Service unavailable; client blocked using zen.spamhaus.org",
        "421 4.7.0 Too many errors",
    ] {
        for command in ["MAIL FROM:<me@", "RCPT TO:<you@"] {
            let outcome = ask(move |line| match line.starts_with(command) {
                true => refusal,
                false => closed(line),
            })
            .await;
            assert_eq!(outcome.failure, None, "{refusal}");
            assert_eq!(outcome.codes(), ["smtp.relay.untested"], "{refusal}");
            let mails = outcome.said();
            let mails = mails.iter().filter(|line| line.starts_with("MAIL")).count();
            assert_eq!(mails, 2, "{refusal}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn strangers_who_are_put_off_do_not_know() {
    let outcome = ask(|line| match line.starts_with("RCPT") {
        true => "450 4.2.0 Greylisted",
        false => "250 Ok",
    })
    .await;
    assert_eq!(outcome.codes(), ["smtp.relay.untested"]);
    assert_eq!(
        outcome.findings[0].evidence,
        "18 of 18 forms were put off, or taken by a server that takes any name of its own"
    );
    let outcome = ask(|line| match line.starts_with("RCPT") {
        true => "454 4.7.1 Relay access denied",
        false => "250 Ok",
    })
    .await;
    assert!(outcome.codes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_talks_nonsense_is_left() {
    let outcome = ask(|_| "what?").await;
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Protocol);
}

#[test]
fn what_no_form_can_be_made_of_is_refused() {
    let new = |sender: &str, recipient: &str| {
        RelayTest::new(sender.parse().unwrap(), recipient.parse().unwrap()).err()
    };
    assert_eq!(new("me@a", "you@b"), None);
    assert_eq!(new("postmaster", "you@b"), Some(RelayTestError::Sender));
    for recipient in ["postmaster", "\"a b\"@c", "a%b@c", "ü@b", "a@[192.0.2.1]"] {
        assert_eq!(new("me@a", recipient), Some(RelayTestError::Recipient));
    }
    let alice = Credentials::password("alice", "wonderland").unwrap();
    let options = World::new().options().credentials(alice);
    assert_eq!(
        options.relay_test(test()).build().unwrap_err(),
        ConfigError::RelayTestAsUser
    );
}
