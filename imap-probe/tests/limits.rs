//! Each limit, crossed by one.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::sync::Arc;

use common::{EXPIRES, Outcome, World, converse};
use imap_probe::{Data, ImapCodec, ImapDialogue, Limits, Options, Reply, Response};
use probe_core::FailureKind;
use probe_net::sasl::{Credentials, Mechanism};
use probe_net::tls::{SecretsOver, Security};
use probe_net::{Codec, Decoded, Dialogue, Event, Malformed, Oddities, Step, Wire};
use probe_testkit::{Answer, Script};

fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

/// How many bytes the first response in these bytes has, if it has come to its end.
fn decode(limits: Limits, bytes: impl AsRef<[u8]>) -> Result<Option<usize>, Malformed> {
    let decoded = ImapCodec::new(limits).decode(bytes.as_ref(), &mut Oddities::default())?;
    Ok(match decoded {
        Decoded::Frame { used, .. } => Some(used),
        Decoded::Partial => None,
    })
}

fn hear(bytes: impl AsRef<[u8]>) -> (Reply, Vec<&'static str>) {
    let mut oddities = Oddities::default();
    let decoded = ImapCodec::default().decode(bytes.as_ref(), &mut oddities);
    let codes = oddities.findings().map(|finding| finding.code()).collect();
    match decoded.unwrap() {
        Decoded::Frame { reply, .. } => (reply, codes),
        Decoded::Partial => panic!("no whole response"),
    }
}

#[test]
fn a_line_may_be_so_long_and_no_longer() {
    let limits = limits(|limits| limits.line = 20);
    let line = |length: usize| format!("A1 OK {}", "x".repeat(length - 6));
    assert_eq!(decode(limits, line(20) + "\r\n"), Ok(Some(22)));
    assert!(decode(limits, line(21) + "\r\n").is_err());
    // An endless line is given up before it ends; there may be a CR already.
    assert_eq!(decode(limits, line(21)), Ok(None));
    assert!(decode(limits, line(22)).is_err());
}

#[test]
fn a_literal_may_be_so_long_and_no_longer() {
    let limits = limits(|limits| limits.literal = 20);
    let announce = |octets: usize| format!("* 1 FETCH (BODY[] {{{octets}}}\r\n");
    let whole = announce(20) + &"x".repeat(20) + ")\r\n";
    assert_eq!(decode(limits, &whole), Ok(Some(whole.len())));
    assert!(decode(limits, announce(21)).is_err());
}

#[test]
fn a_response_may_have_so_many_literals_and_no_more() {
    let limits = limits(|limits| limits.literals = 3);
    let response =
        |literals: usize| "* ID (".to_owned() + &"{1}\r\nx ".repeat(literals) + "NIL)\r\n";
    assert_eq!(decode(limits, response(3)), Ok(Some(response(3).len())));
    assert!(decode(limits, response(4)).is_err());
}

#[test]
fn a_response_may_have_so_many_octets_and_no_more() {
    let response = |octets: usize| {
        format!(
            "* 1 FETCH (BODY[] {{{octets}}}\r\n{})\r\n",
            "x".repeat(octets)
        )
    };
    let limits = limits(|limits| limits.octets = response(40).len());
    assert_eq!(decode(limits, response(40)), Ok(Some(response(40).len())));
    assert!(decode(limits, response(41)).is_err());
}

#[test]
fn what_is_within_the_limits_fits_what_the_wire_holds() {
    assert!(Limits::default().octets < Wire::LIMIT);
}

#[test]
fn a_structure_may_be_so_deep_and_no_deeper() {
    let part = "(\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 1)";
    let nested = |depth: usize| {
        let (open, close) = ("(".repeat(depth - 1), " \"mixed\")".repeat(depth - 1));
        format!("* 1 FETCH (BODYSTRUCTURE {open}{part}{close})\r\n")
    };
    assert_eq!(hear(nested(32)).1, Vec::<&str>::new());
    assert_eq!(hear(nested(33)).1, ["imap.reply.unparsed"]);
}

#[test]
fn lists_that_are_passed_over_may_be_so_deep_and_no_deeper() {
    let nested = |depth: usize| {
        let (open, close) = ("(".repeat(depth), ")".repeat(depth));
        format!("* 1 FETCH (X-NEW {open}{close})\r\n")
    };
    assert_eq!(hear(nested(32)).1, Vec::<&str>::new());
    assert_eq!(hear(nested(33)).1, ["imap.reply.unparsed"]);
}

#[test]
fn so_many_capabilities_are_read_and_no_more() {
    let words = "X ".repeat(511);
    let offered = |line: String| match Response::from(hear(line).0) {
        Response::Data(Data::Capability(offered)) => offered,
        other => panic!("{other:?}"),
    };
    assert!(offered(format!("* CAPABILITY {words}IDLE\r\n")).has("IDLE"));
    assert!(!offered(format!("* CAPABILITY {words}X IDLE\r\n")).has("IDLE"));
}

#[test]
fn a_dialogue_hears_so_many_responses_and_no_more() {
    let mut dialogue = ImapDialogue::new(Arc::new(World::new().options()), Security::Cleartext);
    dialogue.next(Event::Connected).unwrap();
    // The greeting is not counted.
    dialogue
        .next(Event::Reply(hear("* OK ready\r\n").0))
        .unwrap();
    let chatter = hear("* OK still here\r\n").0;
    for _ in 0..200_000 {
        let step = dialogue.next(Event::Reply(chatter.clone()));
        assert!(matches!(step, Ok(Step::Await { .. })));
    }
    let failure = dialogue.next(Event::Reply(chatter)).unwrap_err();
    assert_eq!(failure.kind, FailureKind::TooLarge);
}

/// A server that answers so to commands that begin so, and that all is done.
fn server(says: Vec<(&'static str, String)>) -> Script {
    let script = Script::new().say("* OK [CAPABILITY IMAP4rev1] ready\r\n");
    script.serve(move || {
        let (says, mut tag, mut is_literal) = (says.clone(), String::new(), false);
        move |line: &[u8]| {
            let line = String::from_utf8_lossy(line);
            if is_literal {
                is_literal = false;
                return Answer::say(format!("{tag} OK done\r\n"));
            }
            let (new, said) = line.split_once(' ').unwrap_or(("", &line));
            tag = new.to_owned();
            if let Some((_, octets)) = said
                .strip_suffix('}')
                .and_then(|said| said.rsplit_once('{'))
            {
                is_literal = true;
                // And the end of the line behind it.
                return Answer::say_then_hear("+ go on\r\n", octets.parse::<usize>().unwrap() + 2);
            }
            let told = says.iter().find(|(command, _)| said.starts_with(command));
            let told = told.map_or("", |(_, told)| told);
            Answer::say(format!("{told}{tag} OK done\r\n"))
        }
    })
}

async fn ask(script: Script, choose: impl FnOnce(Options) -> Options) -> Outcome {
    let world = World::new();
    let alice = Credentials::password("alice", "wonderland").unwrap();
    let options = choose(world.options().credentials(alice));
    let (security, secrets) = (Security::Cleartext, SecretsOver::Cleartext);
    converse(&world, &script, security, secrets, options).await
}

#[tokio::test(start_paused = true)]
async fn all_dates_are_asked_for_of_so_many_messages_and_no_more() {
    for (messages, asked) in [
        (1000, "FETCH 1:* (INTERNALDATE)"),
        (1001, "FETCH 1 (INTERNALDATE)"),
    ] {
        let script = server(vec![("EXAMINE", format!("* {messages} EXISTS\r\n"))]);
        let outcome = ask(script, |options| options).await;
        assert!(
            outcome.said().iter().any(|line| line.ends_with(asked)),
            "{:?}",
            outcome.said()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn so_much_is_kept_of_what_may_be_told_any_number_of_times() {
    for count in [64, 65] {
        let capabilities = "* CAPABILITY IMAP4rev1 ID QUOTA\r\n".to_owned();
        let quota: Vec<_> = (0..count).map(|number| format!("R{number} 1 2")).collect();
        let fields: Vec<_> = (0..count)
            .map(|number| format!("\"f{number}\" \"x\""))
            .collect();
        let script = server(vec![
            ("CAPABILITY", capabilities),
            ("ID", format!("* ID ({})\r\n", fields.join(" "))),
            ("LIST", "* LIST (\\Sent) \"/\" Sent\r\n".repeat(count)),
            (
                "GETQUOTAROOT",
                format!("* QUOTA \"\" ({})\r\n", quota.join(" ")),
            ),
            ("EXAMINE", "* OK [ALERT] fire\r\n".repeat(count)),
        ]);
        let facts = ask(script, |options| options).await.facts;
        let folders = facts.folders.unwrap();
        assert_eq!(folders.count, u64::try_from(count).unwrap());
        assert_eq!(
            [
                folders.special.len(),
                facts.quotas.len(),
                facts.server.len(),
                facts.alerts.len()
            ],
            [64; 4]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_initial_response_goes_with_the_command_as_long_as_the_line_is_short_enough() {
    // 8000 octets of base64 are 6000, seven of which are the user's name and two NULs.
    for (password, is_first) in [(5993, true), (5994, false)] {
        let script = Script::new()
            .say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n")
            .hear_any()
            .say("A1 NO no\r\n")
            .drain();
        let credentials = Credentials::password("alice", "x".repeat(password)).unwrap();
        let outcome = ask(script, |options| {
            options
                .credentials(credentials)
                .mechanisms(&[Mechanism::Plain])
        })
        .await;
        assert_eq!(outcome.said()[0] != "A1 AUTHENTICATE PLAIN", is_first);
    }
}

#[tokio::test(start_paused = true)]
async fn a_string_is_quoted_as_long_as_it_is_short_enough() {
    for (length, end) in [(512, "x\""), (513, "{513}")] {
        let script = Script::new()
            .say("* OK [CAPABILITY IMAP4rev1] ready\r\n")
            .hear_any()
            .say("A1 NO no\r\n")
            .drain();
        let credentials = Credentials::password("alice", "x".repeat(length)).unwrap();
        let outcome = ask(script, |options| options.credentials(credentials)).await;
        assert!(outcome.said()[0].ends_with(end));
    }
}

/// What the edit proof does about folders of earlier runs, of which the first one listed comes last.
async fn tidied(folders: &[String], messages: u32) -> Outcome {
    let listed: String = folders
        .iter()
        .map(|name| format!("* LIST () \"/\" {name}\r\n"))
        .collect();
    let script = server(vec![
        ("LIST \"\" \"mailprobe", listed),
        ("EXAMINE INBOX", String::new()),
        ("EXAMINE \"mailprobe", format!("* {messages} EXISTS\r\n")),
    ]);
    ask(script, |options| options.edit(true)).await
}

fn stale(number: usize) -> String {
    format!("mailprobe-{}-{number:08x}", EXPIRES.as_secs() - 3600)
}

#[tokio::test(start_paused = true)]
async fn so_many_folders_of_earlier_runs_are_removed_at_once_and_no_more() {
    for (count, removed) in [(8, 8), (9, 8)] {
        let folders: Vec<_> = (0..count).map(stale).collect();
        let outcome = tidied(&folders, 0).await;
        assert_eq!(outcome.facts.edit.unwrap().tidied.len(), removed);
    }
}

#[tokio::test(start_paused = true)]
async fn so_many_names_that_begin_like_ours_are_kept_and_no_more() {
    for (before, removed) in [(1023, 1), (1024, 0)] {
        let mut folders = vec!["mailprobe-notes".to_owned(); before];
        folders.push(stale(0));
        let outcome = tidied(&folders, 0).await;
        assert_eq!(outcome.facts.edit.unwrap().tidied.len(), removed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_folder_with_more_messages_than_a_run_leaves_behind_is_not_looked_into() {
    for (messages, is_read) in [(2, true), (3, false)] {
        let outcome = tidied(&[stale(0)], messages).await;
        let reads = |line: &String| line.contains("FETCH 1:* (BODY.PEEK[HEADER])");
        assert_eq!(outcome.said().iter().any(reads), is_read);
        // Nobody says that what it holds is a canary.
        assert_eq!(outcome.facts.edit.unwrap().foreign, [stale(0)]);
    }
}

#[tokio::test(start_paused = true)]
async fn one_message_that_is_found_is_the_canary_and_two_are_one_too_many() {
    for (found, phase) in [("7", "fetch"), ("7 8", "search")] {
        let script = server(vec![
            ("SELECT", "* 1 EXISTS\r\n".to_owned()),
            ("UID SEARCH", format!("* SEARCH {found}\r\n")),
        ]);
        let outcome = ask(script, |options| options.edit(true)).await;
        let failure = outcome.failure.unwrap();
        assert_eq!(failure.phase.as_str(), phase);
    }
}
