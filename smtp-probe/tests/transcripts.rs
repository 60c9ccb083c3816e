//! What real servers said, replayed: the same verdict, facts and words as then.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use common::{World, converse};
use probe_net::tls::{SecretsOver, Security, StartTls};
use probe_testkit::{Answer, Line, Script, transcript};

/// A server that answers each command as the recorded one did, in the recorded order, until the dialogue
/// that was recorded goes its own way; QUIT it answers itself.
fn recorded(name: &str, world: &World) -> Script {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    let lines = transcript(format!("{folder}/{name}"));
    let mut script = Script::new();
    for line in &lines {
        script = match line {
            Line::Client(said) if said.starts_with(b"NOOP") || said.starts_with(b"AUTH") => break,
            Line::Client(said) => script.hear(said.split(|byte| *byte == b' ').next().unwrap()),
            Line::Server(said) => script.say(said),
            _ => script.tls(&world.identity),
        };
    }
    script.serve(|| |_: &[u8]| Answer::close("221 2.0.0 Bye\r\n"))
}

async fn replay(name: &str, security: Security) -> common::Outcome {
    let world = World::new();
    let options = world.options();
    let script = recorded(name, &world);
    let outcome = converse(&world, &script, security, SecretsOver::VerifiedTls, options).await;
    assert_eq!(outcome.failure, None, "{name}");
    outcome
}

#[tokio::test(start_paused = true)]
async fn postfix_on_port_25_offers_starttls_and_no_auth() {
    let outcome = replay("postfix-smtp-25.dialog", Security::Opportunistic).await;
    assert_eq!(outcome.facts.starttls, StartTls::Accepted);
    assert_eq!(outcome.findings, []);
    let secured = outcome.facts.secured.unwrap();
    assert_eq!(secured.domain(), b"mx1.lab.test");
    assert_eq!(secured.size_limit(), Some(10_485_760));
    let names: Vec<_> = secured
        .keywords()
        .map(|one| String::from_utf8_lossy(one.name))
        .collect();
    assert_eq!(
        names,
        [
            "PIPELINING",
            "SIZE",
            "VRFY",
            "ETRN",
            "ENHANCEDSTATUSCODES",
            "8BITMIME",
            "DSN",
            "SMTPUTF8",
            "CHUNKING"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn postfix_on_port_587_offers_its_mechanisms_under_tls_only() {
    let outcome = replay("postfix-smtp-587.dialog", Security::Required).await;
    assert!(outcome.facts.clear.unwrap().mechanism_names().is_empty());
    let names = outcome.facts.secured.as_ref().unwrap().mechanism_names();
    let offered: [&[u8]; 6] = [
        b"PLAIN",
        b"LOGIN",
        b"CRAM-MD5",
        b"DIGEST-MD5",
        b"SCRAM-SHA-1",
        b"SCRAM-SHA-256",
    ];
    assert_eq!(names, offered);
}

#[tokio::test(start_paused = true)]
async fn postfix_on_port_465_speaks_tls_at_once() {
    let outcome = replay("postfix-smtp-465.dialog", Security::Implicit).await;
    assert_eq!(
        (outcome.facts.clear, outcome.facts.starttls),
        (None, StartTls::NotAsked)
    );
    assert!(outcome.facts.secured.unwrap().has("AUTH"));
}

#[tokio::test(start_paused = true)]
async fn postscreen_greets_in_two_parts() {
    let outcome = replay("postfix-smtp-postscreen.dialog", Security::Cleartext).await;
    let greeting = outcome.facts.greeting.unwrap();
    assert_eq!(greeting.reply().lines().count(), 2);
    assert_eq!(greeting.domain(), b"mx1.lab.test");
}
