//! Visits, against scripted servers: what is said for each thing that can be done, and what comes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::time::Duration;

use imap_probe::{ImapProbe, Mailbox, Message, Removal, Visit};
use probe_core::{Context, FailureKind, Target, Verdict};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security, Tls};
use probe_testkit::{Authority, Peer, Script};

/// A server that lets Alice in and offers this.
fn logged_in(capabilities: &str) -> Script {
    Script::new()
        .say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n")
        .hear("A1 AUTHENTICATE PLAIN ")
        .say(format!(
            "A1 OK [CAPABILITY IMAP4rev1 {capabilities}] in\r\n"
        ))
}

/// The same, with the inbox open.
fn opened(capabilities: &str) -> Script {
    logged_in(capabilities)
        .hear("A2 SELECT \"INBOX\"")
        .say("* 2 EXISTS\r\n* OK [UIDVALIDITY 7] yes\r\nA2 OK [READ-WRITE] open\r\n")
}

fn context() -> Context {
    Context::default().with_budget(Duration::from_secs(5))
}

async fn visit(script: Script) -> (Peer, Visit) {
    let peer = script.listen().await.unwrap();
    let ca = Authority::new("Test CA");
    let probe = ImapProbe::builder(Net::new(Tls::ring(ca.roots())))
        .security(Security::Cleartext)
        .secrets_over(SecretsOver::Cleartext)
        .credentials(Credentials::password("alice", "wonder land").unwrap())
        .build()
        .unwrap();
    let target = Target::host(peer.address().ip(), peer.address().port());
    let visit = probe.visit(&target, &context()).await.unwrap();
    (peer, visit)
}

async fn visit_inbox(script: Script) -> (Peer, Visit) {
    let (peer, mut visit) = visit(script).await;
    let opened = visit.open(&Mailbox::inbox()).await.unwrap();
    assert_eq!((opened.messages, opened.uid_validity), (2, Some(7)));
    assert!(opened.is_writable);
    (peer, visit)
}

#[tokio::test]
async fn a_message_is_found_fetched_in_parts_and_removed_alone() {
    let script = opened("UIDPLUS")
        .hear("A3 UID SEARCH SINCE 1-Feb-2026")
        .say("* SEARCH 4 9\r\nA3 OK done\r\n")
        .hear("A4 UID FETCH 9 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.5>)")
        .say("* 2 FETCH (UID 9 RFC822.SIZE 7 INTERNALDATE \" 1-Feb-2026 00:00:01 +0000\" BODY[]<0> {5}\r\nHello)\r\nA4 OK done\r\n")
        .hear("A5 UID STORE 9 +FLAGS (\\Deleted)")
        .say("A5 OK done\r\n")
        .hear("A6 UID EXPUNGE 9")
        .say("* 2 EXPUNGE\r\nA6 OK done\r\n")
        .hear("A7 LOGOUT")
        .say("* BYE\r\nA7 OK bye\r\n");
    let (peer, mut visit) = visit_inbox(script).await;
    let found = visit.search(&"SINCE 1-Feb-2026".parse().unwrap()).await;
    assert_eq!(found.unwrap(), [4, 9]);
    let Message {
        bytes,
        size,
        received_at,
        ..
    } = visit.message(9, 5).await.unwrap().unwrap();
    assert_eq!((&*bytes, size), (&b"Hello"[..], Some(7)));
    assert!(received_at.is_some());
    assert_eq!(visit.remove(9).await.unwrap(), Removal::Done);
    let report = visit.leave(None).await;
    assert_eq!(
        (report.failure, peer.finish().await[0].deviations()),
        (None, &[][..])
    );
}

#[tokio::test]
async fn without_uidplus_nothing_is_expunged_that_somebody_else_has_marked() {
    let script = opened("IDLE")
        .hear("A3 UID STORE 9 +FLAGS (\\Deleted)")
        .say("A3 OK done\r\n")
        .hear("A4 UID SEARCH DELETED")
        .say("* SEARCH 4 9\r\nA4 OK done\r\n")
        .hear("A5 UID STORE 9 -FLAGS (\\Deleted)")
        .say("A5 OK done\r\n")
        .drain();
    let (peer, mut visit) = visit_inbox(script).await;
    assert_eq!(visit.remove(9).await.unwrap(), Removal::Kept);
    drop(visit);
    assert!(!String::from_utf8_lossy(peer.finish().await[0].heard()).contains("EXPUNGE"));
}

#[tokio::test]
async fn news_come_by_idle_and_else_by_asking() {
    let script = opened("IDLE")
        .hear("A3 IDLE")
        .say("+ idling\r\n* 3 EXISTS\r\n")
        .hear("DONE")
        .say("A3 OK done\r\n")
        .hear("A4 IDLE")
        .say("+ idling\r\n")
        .hear("DONE")
        .say("A4 OK done\r\n")
        .drain();
    let (_peer, mut visit) = visit_inbox(script).await;
    assert!(visit.wait(Duration::from_secs(4)).await.unwrap());
    assert!(!visit.wait(Duration::from_millis(20)).await.unwrap());

    let script = opened("UIDPLUS")
        .hear("A3 NOOP")
        .say("* 3 EXISTS\r\nA3 OK done\r\n")
        .drain();
    let (_peer, mut visit) = visit_inbox(script).await;
    assert!(visit.wait(Duration::from_millis(20)).await.unwrap());
}

#[tokio::test]
async fn a_refusal_does_not_end_the_visit_and_a_lost_connection_does() {
    let script = logged_in("IDLE")
        .hear("A2 SELECT \"Junk\"")
        .say("A2 NO [NONEXISTENT] it is gone\r\n")
        .hear("A3 LIST \"\" \"*\"")
        .say("* LIST (\\HasNoChildren) \"/\" Spam\r\n* LIST (\\Junk) \"/\" \"Werbung\"\r\nA3 OK done\r\n")
        .hear("A4 IDLE")
        .say("+ idling\r\n* BYE restarting\r\n")
        .close();
    let (_peer, mut visit) = visit(script).await;
    let refused = visit.open(&"Junk".parse().unwrap()).await.unwrap_err();
    assert_eq!(
        (refused.kind, visit.is_ready()),
        (FailureKind::Permanent, true)
    );
    assert_eq!(
        visit.junk().await.unwrap(),
        Some("Werbung".parse().unwrap())
    );
    let lost = visit.wait(Duration::from_secs(4)).await.unwrap_err();
    assert_eq!(
        (lost.kind, visit.is_ready()),
        (FailureKind::Temporary, false)
    );
    let report = visit.leave(Some(lost)).await;
    assert_eq!(report.verdict(), Verdict::Critical);
    assert!(report.facts.auth.is_some());
}

#[tokio::test]
async fn the_latest_header_sections_are_fetched_where_nothing_can_be_searched() {
    let script = opened("IDLE")
        .hear("A3 UID SEARCH SINCE 1-Feb-2026")
        .say("A3 BAD no\r\n")
        .hear("A4 FETCH 2:* (UID INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])")
        .say("* 2 FETCH (UID 9 BODY[HEADER] {8}\r\nA: b\r\n\r\n)\r\nA4 OK done\r\n")
        .drain();
    let (_peer, mut visit) = visit_inbox(script).await;
    let refused = visit.search(&"SINCE 1-Feb-2026".parse().unwrap()).await;
    assert_eq!(refused.unwrap_err().kind, FailureKind::Unsupported);
    let latest = visit.latest(1).await.unwrap();
    assert_eq!(latest[0].uid(), Some(9));
    assert_eq!(latest[0].body("HEADER").unwrap().len(), 8);
}

#[tokio::test]
async fn folders_are_read_up_to_the_limit() {
    const FOLDERS: usize = 4096;
    for (others, junk) in [(FOLDERS - 1, true), (FOLDERS, false)] {
        let mut list = "* LIST () \"/\" Other\r\n".repeat(others);
        list.push_str("* LIST (\\Junk) \"/\" Spam\r\nA2 OK done\r\n");
        let script = logged_in("SPECIAL-USE").hear("A2 LIST").say(list);
        let (_peer, mut visit) = visit(script).await;
        assert_eq!(visit.junk().await.unwrap().is_some(), junk);
    }
}

#[tokio::test]
async fn of_what_a_search_finds_the_last_are_kept_up_to_the_limit() {
    for (found, kept) in [(4096, 1..=4096), (4097, 2..=4097)] {
        let uids: Vec<_> = (1..=found).map(|uid: u32| uid.to_string()).collect();
        // More than one answer, as long as a line may be.
        let lines = uids.chunks(1000);
        let lines = lines.map(|uids| format!("* SEARCH {}\r\n", uids.join(" ")));
        let said = lines.collect::<String>() + "A3 OK done\r\n";
        let script = opened("UIDPLUS").hear("A3 UID SEARCH ALL").say(said);
        let (_peer, mut visit) = visit_inbox(script).await;
        let uids = visit.search(&"ALL".parse().unwrap()).await.unwrap();
        assert_eq!(uids, kept.collect::<Vec<u32>>());
    }
}
