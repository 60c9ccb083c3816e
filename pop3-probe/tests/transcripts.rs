//! What real servers said, replayed: the same verdict, facts and words as then.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use common::{Outcome, World, converse};
use pop3_probe::LoginCommand;
use probe_net::sasl::{Credentials, Way};
use probe_net::tls::{SecretsOver, Security, StartTls};
use probe_testkit::{Answer, Line, Script, transcript};

/// A server that answers each command as the recorded one did the last time, in whichever order they come, with its
/// handshake where it was.
fn recorded(name: &str, world: &World) -> Script {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    let lines = transcript(format!("{folder}/{name}"));
    let tls = lines.iter().position(|line| matches!(line, Line::Tls(_)));
    let (clear, rest) = lines.split_at(tls.unwrap_or(0));
    let mut script = Script::new();
    for line in clear {
        script = match line {
            Line::Client(said) => script.hear(said.trim_ascii_end()),
            Line::Server(said) => script.say(said),
            _ => script,
        };
    }
    if tls.is_some() {
        script = script.tls(&world.identity);
    }
    if let Some(Line::Server(greeting)) = rest.iter().find(|line| !matches!(line, Line::Tls(_))) {
        script = script.say(greeting);
    }
    let answers = answers(rest);
    script.serve(move || {
        let answers = answers.clone();
        let mut logged_in = false;
        move |line: &[u8]| {
            logged_in |= line.starts_with(b"PASS");
            // CAPA was asked before the login and after it.
            let mut said = answers.iter().filter(|(command, _)| command == line);
            let answer = match logged_in {
                true => said.next_back(),
                false => said.next(),
            };
            let unknown = || Answer::say("-ERR not in the transcript\r\n");
            answer.map_or_else(unknown, |(_, answer)| Answer::say(answer))
        }
    })
}

/// Each command with all that was said to it.
fn answers(lines: &[Line]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut answers: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
    for line in lines {
        match line {
            Line::Client(said) => answers.push((said.trim_ascii_end().to_vec(), Vec::new())),
            Line::Server(said) => {
                if let Some((_, answer)) = answers.last_mut() {
                    answer.extend_from_slice(said);
                }
            }
            _ => {}
        }
    }
    answers
}

async fn replay(name: &str, security: Security) -> Outcome {
    let world = World::new();
    let options = world
        .options()
        .credentials(Credentials::password("alice@lab.test", "alice pw#1").unwrap())
        .login_command(LoginCommand::Only)
        .ages(true)
        .noops(1);
    let script = recorded(name, &world);
    let weakest = match security {
        Security::Cleartext => SecretsOver::Cleartext,
        _ => SecretsOver::VerifiedTls,
    };
    let outcome = converse(&world, &script, security, weakest, options).await;
    assert_eq!(outcome.failure, None, "{name}: {:?}", outcome.said());
    let auth = outcome.facts.auth.as_ref().unwrap();
    assert_eq!(auth.accepted, Some(Way::Command("USER")));
    outcome
}

fn names(capabilities: Option<&pop3_probe::Capabilities>) -> Vec<String> {
    let keywords = capabilities.unwrap().keywords();
    keywords
        .map(|one| String::from_utf8_lossy(one.name).into_owned())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn dovecot_on_port_110_takes_no_password_in_clear() {
    let outcome = replay("dovecot-pop3.dialog", Security::Required).await;
    assert_eq!(outcome.facts.starttls, StartTls::Accepted);
    let clear = outcome.facts.clear.as_ref().unwrap();
    assert!(clear.has("STLS") && !clear.has("USER"));
    assert_eq!(clear.mechanism_names().len(), 4);
    let maildrop = outcome.facts.maildrop.as_ref().unwrap();
    assert_eq!((maildrop.messages, maildrop.octets), (15, 16_515));
    assert_eq!(maildrop.listing.as_ref().unwrap().sizes().count(), 15);
    let ids = maildrop.unique_ids.as_ref().unwrap();
    assert_eq!(ids.of(15), Some(&b"0000000f6b046e1c"[..]));
    assert!(maildrop.oldest.is_some());
    // Of the last message the transcript has no TOP; the greeting's timestamp came in clear.
    assert_eq!(
        outcome.codes(),
        ["pop3.apop.offered", "pop3.command.refused"]
    );
}

#[tokio::test(start_paused = true)]
async fn dovecot_on_port_995_speaks_tls_at_once() {
    let outcome = replay("dovecot-pop3-995.dialog", Security::Implicit).await;
    assert_eq!(
        (outcome.facts.clear, outcome.facts.starttls),
        (None, StartTls::NotAsked)
    );
    assert_eq!(
        names(outcome.facts.secured.as_ref()),
        [
            "CAPA",
            "TOP",
            "UIDL",
            "RESP-CODES",
            "PIPELINING",
            "AUTH-RESP-CODE",
            "USER",
            "SASL"
        ]
    );
    assert_eq!(
        names(outcome.facts.authenticated.as_ref()),
        [
            "CAPA",
            "TOP",
            "UIDL",
            "RESP-CODES",
            "PIPELINING",
            "AUTH-RESP-CODE"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn dovecot_without_tls_takes_passwords_in_clear_and_is_told_so() {
    let outcome = replay("dovecot-pop3-plain31.dialog", Security::Cleartext).await;
    assert!(outcome.codes().contains(&"pop3.auth.in-clear"));
    assert_eq!(outcome.facts.maildrop.unwrap().messages, 17);
}
