//! What the server calls itself, beside the names that the caller knows its address by.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod common;

use common::{Outcome, World, converse};
use probe_core::{HostName, Severity};
use probe_net::tls::{SecretsOver, Security};
use probe_testkit::Script;

/// A server that greets and answers EHLO by these names, known by those.
async fn called(greeting: &str, ehlo: &str, names: &[&str]) -> Outcome {
    let script = Script::new()
        .say(format!("220 {greeting}\r\n"))
        .hear("EHLO")
        .say(format!("250 {ehlo}\r\n"))
        .hear("QUIT")
        .say("221 Bye\r\n");
    asked(script, names).await
}

async fn asked(script: Script, names: &[&str]) -> Outcome {
    let world = World::new();
    let names: Vec<HostName> = names.iter().map(|name| name.parse().unwrap()).collect();
    let options = world.options().reverse_names(&names);
    converse(
        &world,
        &script,
        Security::Cleartext,
        SecretsOver::VerifiedTls,
        options,
    )
    .await
}

/// The codes of what was found, with their evidence.
fn told(outcome: &Outcome) -> Vec<(&'static str, &str)> {
    let findings = outcome.findings.iter();
    findings
        .map(|finding| (finding.code(), finding.evidence.as_str()))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_by_one_of_the_names_is_right_in_any_case_of_letters() {
    let names = ["mx1.example.test", "MX.example.test."];
    let outcome = called("MX.Example.Test ESMTP", "mx1.example.test. Hello", &names).await;
    outcome.conversation.assert_followed();
    assert_eq!(told(&outcome), []);
}

#[tokio::test(start_paused = true)]
async fn another_name_is_told_with_the_place_where_it_was_said() {
    let names = ["mx.example.test"];
    let outcome = called("mx.example.test", "host1.internal.test Hello", &names).await;
    let evidence = "EHLO: host1.internal.test";
    assert_eq!(told(&outcome), [("smtp.name.mismatch", evidence)]);
    assert_eq!(outcome.findings[0].severity, Severity::Warning);

    let outcome = called("old.example.test", "other.example.test", &names).await;
    let evidence = "greeting: old.example.test; EHLO: other.example.test";
    assert_eq!(told(&outcome), [("smtp.name.mismatch", evidence)]);

    // An address is no name of it.
    let outcome = called("mx.example.test", "[IPv6:2001:db8::1]", &names).await;
    let evidence = "EHLO: [IPv6:2001:db8::1]";
    assert_eq!(told(&outcome), [("smtp.name.mismatch", evidence)]);
}

#[tokio::test(start_paused = true)]
async fn a_name_that_is_not_full_is_told_for_itself() {
    let outcome = called("localhost ESMTP", "mx.example.test", &["mx.example.test"]).await;
    let evidence = "greeting: localhost";
    assert_eq!(
        told(&outcome),
        [
            ("smtp.name.mismatch", evidence),
            ("smtp.name.not-qualified", evidence),
        ]
    );
    assert_eq!(outcome.findings[1].severity, Severity::Info);

    // As it is known, and still not full.
    let outcome = called("mailhost", "mailhost", &["mailhost"]).await;
    let evidence = "greeting: mailhost; EHLO: mailhost";
    assert_eq!(told(&outcome), [("smtp.name.not-qualified", evidence)]);

    let outcome = called(" ", "mx.example.test", &["mx.example.test"]).await;
    let evidence = "greeting: no name";
    assert_eq!(told(&outcome), [("smtp.name.not-qualified", evidence)]);
}

#[tokio::test(start_paused = true)]
async fn without_names_to_compare_with_what_it_calls_itself_is_a_fact_only() {
    let outcome = called("localhost", "host1", &[]).await;
    assert_eq!(told(&outcome), []);
    let json = outcome.report.to_json();
    assert!(json.contains(r#""domain":"localhost""#), "{json}");
    assert!(json.contains(r#""domain":"host1""#), "{json}");
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_a_refusal_is_not_taken_for_a_name() {
    let script = Script::new()
        .say("554 No service here\r\n")
        .hear("QUIT")
        .say("221 Bye\r\n");
    let outcome = asked(script, &["mx.example.test"]).await;
    assert_eq!(outcome.codes(), ["smtp.greeting.refused"]);
}
