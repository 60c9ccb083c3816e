//! The edit proof, led by the real driver against scripted servers: what is made is removed, and nothing else.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use common::{FOLDER, Outcome, SECOND_FOLDER, World, canary, converse};
use probe_core::FailureKind;
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security};
use probe_testkit::Script;

/// A server in which Alice has just logged in, and which now offers this.
fn logged_in(capabilities: &str) -> Script {
    Script::new()
        .say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n")
        .hear("A1 AUTHENTICATE PLAIN ")
        .say(format!(
            "A1 OK [CAPABILITY IMAP4rev1 {capabilities}] in\r\n"
        ))
}

async fn edit_as_alice(script: Script) -> Outcome {
    let world = World::new();
    let alice = Credentials::password("alice", "wonder land").unwrap();
    let options = world.options().credentials(alice).edit(true);
    converse(
        &world,
        &script,
        Security::Cleartext,
        SecretsOver::Cleartext,
        options,
    )
    .await
}

/// What was found besides what these servers all do: they take passwords in clear, and say no more than they must.
fn found(outcome: &Outcome) -> Vec<&'static str> {
    let mut codes = outcome.codes();
    codes.retain(|code| !["imap.auth.in-clear", "imap.reply.no-text"].contains(code));
    codes
}

/// The edit proof up to its open first folder, by a server that knows no extension.
fn edit_up_to_select() -> Script {
    let octets = canary().bytes().len();
    logged_in("")
        .hear("A2 LIST \"\" \"*\"")
        .say("A2 OK\r\n")
        .hear("A3 EXAMINE \"INBOX\"")
        .say("* 0 EXISTS\r\nA3 OK\r\n")
        .hear("A4 LIST \"\" \"mailprobe-*\"")
        .say("A4 OK\r\n")
        .hear(format!("A5 CREATE \"{FOLDER}\""))
        .say("A5 OK\r\n")
        .hear(format!("A6 CREATE \"{SECOND_FOLDER}\""))
        .say("A6 OK\r\n")
        .hear(format!("A7 APPEND \"{FOLDER}\" {{{octets}}}"))
        .say("+ ready\r\n")
        .hear_bytes(octets + 2)
        .say("A7 OK\r\n")
        .hear(format!("A8 SELECT \"{FOLDER}\""))
}

#[tokio::test(start_paused = true)]
async fn nothing_is_expunged_where_something_else_would_go_with_it() {
    let token = canary().mark().token;
    let mut fetched = b"* 1 FETCH (UID 7 FLAGS () BODY[] ".to_vec();
    fetched.extend(format!("{{{}}}\r\n", canary().bytes().len()).bytes());
    fetched.extend(canary().bytes());
    fetched.extend(b")\r\nA10 OK\r\n");
    let script = edit_up_to_select()
        .say("* 1 EXISTS\r\nA8 OK [READ-WRITE]\r\n")
        .hear(format!("A9 UID SEARCH HEADER X-Mailprobe-Canary {token}"))
        .say("* SEARCH 7\r\nA9 OK\r\n")
        .hear("A10 UID FETCH 7 (UID FLAGS BODY.PEEK[])")
        .say(&fetched)
        .hear("A11 UID STORE 7 +FLAGS (\\Flagged)")
        .say("A11 OK\r\n")
        .hear("A12 UID FETCH 7 (UID FLAGS)")
        .say("* 1 FETCH (UID 7 FLAGS (\\Flagged))\r\nA12 OK\r\n")
        .hear("A13 UID STORE 7 -FLAGS (\\Flagged)")
        .say("* 1 FETCH (UID 7 FLAGS ())\r\nA13 OK\r\n")
        .hear(format!("A14 UID COPY 7 \"{SECOND_FOLDER}\""))
        .say("A14 OK\r\n")
        .hear(format!("A15 SELECT \"{SECOND_FOLDER}\""))
        .say("* 1 EXISTS\r\nA15 OK\r\n")
        .hear("A16 UID SEARCH")
        .say("* SEARCH 1\r\nA16 OK\r\n")
        .hear("A17 UID STORE 1 +FLAGS (\\Deleted)")
        // Somebody has just put another message there.
        .say("* 2 EXISTS\r\n* 1 FETCH (FLAGS (\\Deleted))\r\nA17 OK\r\n")
        .hear("A18 EXAMINE \"INBOX\"")
        .say("* 0 EXISTS\r\nA18 OK\r\n")
        .hear(format!("A19 STATUS \"{SECOND_FOLDER}\" (MESSAGES)"))
        .say(format!(
            "* STATUS {SECOND_FOLDER} (MESSAGES 2)\r\nA19 OK\r\n"
        ))
        .hear(format!("A20 STATUS \"{FOLDER}\" (MESSAGES)"))
        .say(format!("* STATUS {FOLDER} (MESSAGES 1)\r\nA20 OK\r\n"))
        .hear(format!("A21 DELETE \"{FOLDER}\""))
        .say("A21 OK\r\n")
        .hear("A22 LOGOUT");
    let outcome = edit_as_alice(script).await;
    outcome.conversation.assert_followed();
    let failure = outcome.failure.as_ref().unwrap();
    assert_eq!(failure.phase.as_str(), "store");
    assert!(failure.detail.contains("nothing is expunged"), "{failure}");
    assert_eq!(
        outcome.facts.edit.as_ref().unwrap().left_behind,
        [SECOND_FOLDER]
    );
    assert_eq!(
        found(&outcome),
        ["imap.edit.foreign", "imap.edit.left-behind"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_message_that_comes_back_changed_is_told_with_the_difference() {
    let octets = canary().bytes().len();
    let damaged = String::from_utf8(canary().bytes().to_vec())
        .unwrap()
        .replace("Subject:", "Subject: [SPAM]");
    let mut fetched = format!("* 1 FETCH (UID 7 FLAGS () BODY[] {{{}}}\r\n", octets + 7);
    fetched.push_str(&damaged);
    fetched.push_str(")\r\nA10 OK\r\n");
    let script = edit_up_to_select()
        .say("* 1 EXISTS\r\nA8 OK\r\n")
        .hear("A9 UID SEARCH")
        .say("* SEARCH 7\r\nA9 OK\r\n")
        .hear("A10 UID FETCH 7")
        .say(&fetched)
        .hear("A11 UID STORE")
        .close();
    let outcome = edit_as_alice(script).await;
    assert_eq!(
        found(&outcome),
        ["imap.edit.damaged", "imap.edit.left-behind"]
    );
    let damaged = outcome
        .findings
        .iter()
        .find(|one| one.code() == "imap.edit.damaged");
    assert!(damaged.unwrap().evidence.contains("Subject"));
    let left = &outcome.facts.edit.as_ref().unwrap().left_behind;
    assert_eq!(left, &[FOLDER, SECOND_FOLDER]);
}

#[tokio::test(start_paused = true)]
async fn where_a_step_fails_the_folders_are_removed_and_the_reason_is_told() {
    let script = edit_up_to_select()
        .say("A8 NO [SERVERBUG] oops\r\n")
        .hear("A9 EXAMINE \"INBOX\"")
        .say("A9 OK\r\n")
        .hear(format!("A10 STATUS \"{SECOND_FOLDER}\" (MESSAGES)"))
        .say("* STATUS x (MESSAGES 0)\r\nA10 OK\r\n")
        .hear(format!("A11 DELETE \"{SECOND_FOLDER}\""))
        .say("A11 OK\r\n")
        .hear(format!("A12 STATUS \"{FOLDER}\" (MESSAGES)"))
        .say("* STATUS x (MESSAGES 1)\r\nA12 OK\r\n")
        .hear(format!("A13 DELETE \"{FOLDER}\""))
        .say("A13 OK\r\n")
        .hear("A14 LOGOUT");
    let outcome = edit_as_alice(script).await;
    outcome.conversation.assert_followed();
    let failure = outcome.failure.as_ref().unwrap();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("select", FailureKind::Temporary)
    );
    assert!(found(&outcome).is_empty());
}

#[tokio::test(start_paused = true)]
async fn folders_of_earlier_runs_are_removed_only_if_they_hold_nothing_but_canaries() {
    let old = "mailprobe-1000000000-0123abcd";
    let foreign = "mailprobe-1000000001-0123abcd";
    let below = "mailprobe-1000000002-0123abcd";
    let alive = "mailprobe-9999999999-0123abcd";
    let header = canary().bytes().to_vec();
    let end = header
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    let mut fetched = format!("* 1 FETCH (BODY[HEADER] {{{end}}}\r\n").into_bytes();
    fetched.extend(&header[..end]);
    fetched.extend(b")\r\nA9 OK\r\n");
    let listed: String = [old, foreign, below, alive, "mailprobe-notes"]
        .iter()
        .chain(&["mailprobe-1000000002-0123abcd/child"])
        .map(|name| format!("* LIST () \"/\" {name}\r\n"))
        .collect();
    let script = logged_in("")
        .hear("A2 LIST")
        .say("A2 OK\r\n")
        .hear("A3 EXAMINE")
        .say("* 0 EXISTS\r\nA3 OK\r\n")
        .hear("A4 LIST \"\" \"mailprobe-*\"")
        .say(format!("{listed}A4 OK\r\n"))
        .hear(format!("A5 EXAMINE \"{foreign}\""))
        .say("* 1 EXISTS\r\nA5 OK\r\n")
        .hear("A6 FETCH 1:* (BODY.PEEK[HEADER])")
        .say("* 1 FETCH (BODY[HEADER] {15}\r\nSubject: mine\r\n)\r\nA6 OK\r\n")
        .hear("A7 EXAMINE \"INBOX\"")
        .say("* 0 EXISTS\r\nA7 OK\r\n")
        .hear(format!("A8 EXAMINE \"{old}\""))
        .say("* 1 EXISTS\r\nA8 OK\r\n")
        .hear("A9 FETCH 1:* (BODY.PEEK[HEADER])")
        .say(&fetched)
        .hear("A10 EXAMINE \"INBOX\"")
        .say("* 0 EXISTS\r\nA10 OK\r\n")
        .hear(format!("A11 DELETE \"{old}\""))
        .say("A11 OK\r\n")
        .hear(format!("A12 CREATE \"{FOLDER}\""))
        .say("A12 NO [NOPERM] no folders here\r\n")
        .hear("A13 LOGOUT");
    let outcome = edit_as_alice(script).await;
    outcome.conversation.assert_followed();
    let edit = outcome.facts.edit.as_ref().unwrap();
    assert_eq!(edit.tidied, [old]);
    assert_eq!(edit.foreign, [below, foreign]);
    assert!(edit.left_behind.is_empty());
    assert_eq!(
        outcome.failure.as_ref().map(|failure| failure.kind),
        Some(FailureKind::Policy)
    );
}
