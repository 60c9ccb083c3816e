//! The oddities that the machine decides once it is logged in: mailboxes, messages, news, and the edit proof.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use imap_probe::{Access, Exercise, Extension, ImapDialogue, Mailbox};
use probe_core::{FailureKind, Phase};
use probe_net::tls::Security;
use probe_net::{Dialogue, Event, Step};
use probe_testkit::{Answer, Script};

use crate::common::{FOLDER, SECOND_FOLDER, World, canary};
use crate::dialogues::{alice, ask, kind, log_in, server};
use crate::hear;

#[tokio::test(start_paused = true)]
async fn data_may_come_at_any_moment() {
    // 3: RFC 3501 section 2.2.2.
    let outcome = log_in(&[
        (
            "LOGIN",
            "* 7 EXISTS\r\n* FLAGS (\\Seen)\r\n* LIST () \"/\" x\r\n* OK still here\r\n% OK in\r\n",
        ),
        (
            "EXAMINE",
            "* SEARCH 1\r\n* 0 EXISTS\r\n* 9 RECENT\r\n% OK done\r\n",
        ),
        (
            "LOGOUT",
            "* 8 EXISTS\r\n* BYE bye\r\n* 9 EXISTS\r\n% OK done\r\n",
        ),
    ])
    .await;
    assert_eq!(outcome.failure, None);
    let mailbox = outcome.facts.mailbox.unwrap();
    assert_eq!(
        (mailbox.messages, outcome.facts.folders.unwrap().count),
        (Some(0), 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_before_the_farewell_is_told_with_its_words() {
    // 4: RFC 3501 section 5.4.
    let outcome = log_in(&[("LIST", "* BYE Autologout; idle for too long\r\n!")]).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.phase.as_str()),
        (FailureKind::Temporary, "list")
    );
    assert_eq!(
        failure.reply.unwrap(),
        b"* BYE Autologout; idle for too long"
    );
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_right_behind_idle_is_told() {
    // 4: stalwart#280.
    let script = server(&[
        ("hello", "* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n"),
        ("LOGIN", "% OK [CAPABILITY IMAP4rev1 IDLE] in\r\n"),
        ("IDLE", "+ idling\r\n* BYE shutting down\r\n!"),
    ]);
    let outcome = ask(script, |options| options.exercise(&[Extension::Idle])).await;
    assert_eq!(kind(&outcome), FailureKind::Temporary);
}

#[tokio::test(start_paused = true)]
async fn words_without_a_status_before_the_end_are_told() {
    // 14: mailo, chatmail/core#5271.
    let outcome = log_in(&[("LIST", "* Goodbye : idle timeout expired\r\n!")]).await;
    assert_eq!(kind(&outcome), FailureKind::Closed);
    assert!(outcome.reported().contains(&"imap.reply.unknown"));
}

#[tokio::test(start_paused = true)]
async fn a_fetch_without_the_bytes_is_a_finding() {
    // 17: iCloud, modern-email/defects#36.
    let outcome = log_in(&[
        ("EXAMINE", "* 1 EXISTS\r\n% OK done\r\n"),
        (
            "FETCH 1:*",
            "* 1 FETCH (INTERNALDATE \"01-Feb-2024 03:04:05 +0100\")\r\n% OK done\r\n",
        ),
        (
            "FETCH 1 ",
            "* 1 FETCH (UID 7 RFC822.SIZE 100)\r\n% OK done\r\n",
        ),
    ])
    .await;
    assert_eq!(outcome.failure, None);
    assert!(outcome.codes().contains(&"imap.fetch.no-data"));
    // The old name RFC822 is never asked for, and what is asked leaves the message unseen.
    let asked = outcome
        .said()
        .into_iter()
        .find(|line| line.contains("ENVELOPE"))
        .unwrap();
    assert!(
        asked.contains("BODY.PEEK[]") && !asked.contains("RFC822 "),
        "{asked}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_takes_no_introduction_is_asked_without_one() {
    // 19: Exchange and Nemesis, modern-email/defects#13: `ID ()` is refused, `ID NIL` is not.
    let outcome = log_in(&[
        ("hello", "* OK [CAPABILITY IMAP4rev1 ID] ready\r\n"),
        ("LOGIN", "% OK [CAPABILITY IMAP4rev1 ID] in\r\n"),
        ("ID (", "% BAD Command Argument Error. 11\r\n"),
        (
            "ID NIL",
            "* ID (\"name\" \"Microsoft.Exchange.Imap4.Imap4Server\")\r\n% OK done\r\n",
        ),
    ])
    .await;
    assert_eq!(outcome.failure, None);
    assert_eq!(
        outcome.facts.server[0].1,
        "Microsoft.Exchange.Imap4.Imap4Server"
    );
    assert!(outcome.said().iter().all(|line| !line.contains("ID ()")));
}

#[tokio::test(start_paused = true)]
async fn ranges_begin_with_the_lower_number_and_are_not_asked_of_an_empty_mailbox() {
    // 20: QQ, modern-email/defects#40; `1:*` of no messages would be such a range.
    let outcome = log_in(&[
        ("EXAMINE", "* 2 EXISTS\r\n% OK done\r\n"),
        ("FETCH", "% OK done\r\n"),
    ])
    .await;
    let asked: Vec<_> = outcome
        .said()
        .into_iter()
        .filter(|line| line.contains("FETCH"))
        .collect();
    assert!(
        asked[0].contains("FETCH 1:* (") && asked[1].contains("FETCH 2 ("),
        "{asked:?}"
    );
    let outcome = log_in(&[]).await;
    assert!(outcome.said().iter().all(|line| !line.contains("FETCH")));
}

#[tokio::test(start_paused = true)]
async fn an_alert_is_shown() {
    // 29: RFC 3501 section 7.1.
    let outcome = log_in(&[(
        "EXAMINE",
        "* OK [ALERT] Disk fails, [sic] log out\r\n% OK done\r\n",
    )])
    .await;
    let alert = outcome
        .findings
        .iter()
        .find(|finding| finding.code() == "imap.alert")
        .unwrap();
    assert!(format!("{alert:?}").contains("Disk fails, [sic] log out"));
}

#[tokio::test(start_paused = true)]
async fn news_may_come_before_the_server_idles() {
    // 32: RFC 2177; re-issued it need not be, since the probe idles for no longer than it takes to see that it can.
    let script = server(&[
        ("hello", "* OK [CAPABILITY IMAP4rev1 IDLE] ready\r\n"),
        ("LOGIN", "% OK [CAPABILITY IMAP4rev1 IDLE] in\r\n"),
        ("IDLE", "* 4 EXISTS\r\n+ idling\r\n"),
    ]);
    let outcome = ask(script, |options| options.exercise(&[Extension::Idle])).await;
    assert_eq!(outcome.failure, None);
    assert_eq!(
        outcome.facts.exercised,
        [(Extension::Idle, Exercise::Works)]
    );
}

/// A dialogue that has begun to watch, after these words behind IDLE.
fn watching(words: &str) -> ImapDialogue {
    let mut options = World::new().options();
    options = options.credentials(alice());
    let mut watcher =
        ImapDialogue::watcher(Arc::new(options), Security::Cleartext, Mailbox::inbox());
    watcher.next(Event::Connected).unwrap();
    let before = "* OK [CAPABILITY IMAP4rev1] ready\r\nA1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\nA2 OK done\r\n";
    for line in [before, words].concat().split_inclusive('\n') {
        watcher.next(Event::Reply(hear(line).0)).unwrap();
    }
    assert!(watcher.is_idling());
    watcher
}

#[test]
fn news_before_the_server_idles_are_none() {
    // 32: the one who watches is told what was there before.
    let mut watcher = watching("* 3 EXISTS\r\n+ idling\r\n");
    watcher.next(Event::Resumed).unwrap();
    watcher.took(Phase::new("idle"), Duration::from_millis(7));
    watcher
        .next(Event::Reply(hear("* 4 EXISTS\r\n").0))
        .unwrap();
    assert_eq!(watcher.heard_after(), Some(Duration::from_millis(7)));
}

#[test]
fn chatter_while_idling_does_not_lengthen_the_wait_for_news() {
    // 32: Dovecot says that it is still here.
    let mut watcher = watching("+ idling\r\n");
    let patience = |step| match step {
        Ok(Step::Await { patience, .. }) => patience,
        other => panic!("{other:?}"),
    };
    let idle = Phase::new("idle");
    let first = patience(watcher.next(Event::Resumed));
    assert_eq!(first, Some(Duration::from_secs(10)));
    watcher.took(idle, Duration::from_secs(4));
    let second = patience(watcher.next(Event::Reply(hear("* OK Still here\r\n").0)));
    assert_eq!(second, Some(Duration::from_secs(6)));
    // Hung up on, it says so.
    let failure = watcher.next(Event::Closed).unwrap_err();
    assert_eq!((failure.kind, failure.phase), (FailureKind::Closed, idle));
}

#[tokio::test(start_paused = true)]
async fn the_answers_to_select_come_in_any_order_and_some_not_at_all() {
    // 34: RFC 9051 section 6.3.2 has no RECENT.
    let script = server(&[(
        "SELECT",
        "* OK [UIDNEXT 9] next\r\n* 0 EXISTS\r\n* OK [UIDVALIDITY 7] valid\r\n* FLAGS ()\r\n% OK done\r\n",
    )]);
    let outcome = ask(script, |options| options.access(Access::Select)).await;
    assert_eq!(outcome.failure, None);
    let mailbox = outcome.facts.mailbox.unwrap();
    assert_eq!((mailbox.uid_next, mailbox.uid_validity), (Some(9), Some(7)));
    assert_eq!((mailbox.messages, mailbox.is_writable), (Some(0), None));
}

#[tokio::test(start_paused = true)]
async fn ages_come_from_the_dates_of_messages_since_searches_know_whole_days_only() {
    // 35: RFC 3501 section 6.4.4.
    let outcome = log_in(&[
        ("EXAMINE", "* 2 EXISTS\r\n% OK done\r\n"),
        (
            "FETCH 1:*",
            "* 1 FETCH (INTERNALDATE \" 1-Feb-2024 03:04:05 +0100\")\r\n\
             * 2 FETCH (INTERNALDATE \"01-Feb-2024 02:04:06 +0000\")\r\n% OK done\r\n",
        ),
        ("FETCH 2", "% OK done\r\n"),
    ])
    .await;
    let mailbox = outcome.facts.mailbox.as_ref().unwrap();
    let at = |seconds| Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    assert_eq!(
        (mailbox.oldest, mailbox.newest),
        (at(1_706_753_045), at(1_706_753_046))
    );
    assert!(outcome.said().iter().all(|line| !line.contains("SEARCH")));
}

#[tokio::test(start_paused = true)]
async fn a_refused_question_is_told_and_the_next_one_asked() {
    // 36: Dovecot hangs up after 20 bad commands (dovecot/documentation PR#743), so nothing is asked twice.
    let outcome = log_in(&[
        (
            "LOGIN",
            "% OK [CAPABILITY IMAP4rev1 NAMESPACE ACL QUOTA] in\r\n",
        ),
        ("NAMESPACE", "% BAD Error in IMAP command\r\n"),
        ("MYRIGHTS", "% BAD Error in IMAP command\r\n"),
        ("GETQUOTAROOT", "% BAD Error in IMAP command\r\n"),
    ])
    .await;
    assert_eq!(outcome.failure, None);
    let refused: Vec<_> = outcome
        .facts
        .refused
        .iter()
        .map(|(phase, _)| *phase)
        .collect();
    assert_eq!(refused, ["namespace", "quota", "rights"]);
}

#[tokio::test(start_paused = true)]
async fn the_validity_of_uids_is_a_fact_so_that_whoever_keeps_uids_can_compare() {
    // 37: RFC 2683 section 3.4.3. The probe itself keeps none from run to run.
    let outcome = log_in(&[(
        "EXAMINE",
        "* OK [UIDVALIDITY 4294967295] new\r\n% OK done\r\n",
    )])
    .await;
    assert_eq!(outcome.facts.mailbox.unwrap().uid_validity, Some(u32::MAX));
}

/// A server that lets its users edit. This is how it answers MOVE.
fn editing(moved: &'static str) -> Script {
    let capabilities = "* OK [CAPABILITY IMAP4rev1 MOVE UIDPLUS LITERAL+] ready\r\n";
    Script::new().say(capabilities).serve(move || {
        let (mut tag, mut is_flagged) = (String::new(), false);
        move |line: &[u8]| {
            if line == canary().bytes() {
                return Answer::nothing();
            }
            let line = String::from_utf8_lossy(line);
            let Some((new, said)) = line.split_once(' ') else {
                // The end of the command, behind the message.
                return Answer::say(format!("{tag} OK [APPENDUID 1 7] done\r\n"));
            };
            tag = new.to_owned();
            let flags = |flags: &str| format!("* 1 FETCH (UID 7 FLAGS ({flags}))\r\n");
            let told = match said.split(' ').take(2).collect::<Vec<_>>()[..] {
                ["APPEND", ..] => return Answer::say_then_hear("", canary().bytes().len()),
                ["CAPABILITY", ..] => "* CAPABILITY IMAP4rev1 MOVE UIDPLUS LITERAL+\r\n".to_owned(),
                ["EXAMINE" | "SELECT", mailbox] if mailbox.contains("mailprobe") => {
                    "* 1 EXISTS\r\n".to_owned()
                }
                ["UID", "SEARCH"] => "* SEARCH 7\r\n".to_owned(),
                ["UID", "FETCH"] => {
                    let bytes = String::from_utf8_lossy(canary().bytes()).into_owned();
                    format!(
                        "* 1 FETCH (UID 7 BODY[] {{{}}}\r\n{bytes})\r\n",
                        bytes.len()
                    )
                }
                ["UID", "STORE"] => {
                    is_flagged = !is_flagged;
                    flags(if is_flagged { "\\Flagged" } else { "" })
                }
                ["UID", "MOVE"] => moved.to_owned(),
                ["UID", "EXPUNGE"] => "* 1 EXPUNGE\r\n".to_owned(),
                _ => String::new(),
            };
            format!("{told}{tag} OK done\r\n").into()
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_move_that_tells_its_uids_without_star_and_ok_is_proven_all_the_same() {
    // 13: Exchange 2013, ruby/net-imap#250.
    let outcome = ask(editing("[COPYUID 124 7 7]\r\n* 1 EXPUNGE\r\n"), |options| {
        options.edit(true)
    })
    .await;
    assert_eq!(outcome.failure, None);
    assert!(
        outcome.facts.edit.as_ref().unwrap().is_proven(),
        "{:?}",
        outcome.facts.edit
    );
    assert!(outcome.reported().contains(&"imap.reply.no-status-word"));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_expunged_but_in_the_folders_of_the_proof() {
    // 38: to Gmail EXPUNGE in INBOX means to archive; so only what the proof put into its own folders is removed.
    let outcome = ask(
        editing("* OK [COPYUID 1 7 7] moved\r\n* 1 EXPUNGE\r\n"),
        |options| options.edit(true),
    )
    .await;
    assert!(outcome.facts.edit.as_ref().unwrap().is_proven());
    let said = outcome.said();
    let mut open = "";
    for line in &said {
        if let Some((_, mailbox)) = line.split_once("SELECT ").or(line.split_once("EXAMINE ")) {
            open = mailbox;
        }
        if line.contains("EXPUNGE") {
            assert_eq!(open, format!("\"{SECOND_FOLDER}\""));
        }
        assert!(!line.contains("CLOSE"));
    }
    assert!(
        said.iter()
            .any(|line| line.contains(&format!("DELETE \"{FOLDER}\"")))
    );
}
