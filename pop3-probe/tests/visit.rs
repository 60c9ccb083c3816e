//! Visits, against scripted servers: what is said for each thing that can be done, and when nothing more is said.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::time::Duration;

use pop3_probe::{Pop3Probe, Visit};
use probe_core::{Context, FailureKind, Target};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security, Tls};
use probe_testkit::{Authority, Peer, Script};

/// A server that lets Alice in.
fn logged_in() -> Script {
    Script::new()
        .say("+OK ready\r\n")
        .hear("CAPA")
        .say("+OK\r\nUSER\r\nUIDL\r\nTOP\r\nLOGIN-DELAY 7\r\n.\r\n")
        .hear("USER alice")
        .say("+OK\r\n")
        .hear("PASS ")
        .say("+OK\r\n")
        .hear("CAPA")
        .say("+OK\r\nUIDL\r\nTOP\r\nLOGIN-DELAY 7\r\n.\r\n")
}

async fn visit(script: Script) -> (Peer, Visit) {
    let peer = script.listen().await.unwrap();
    let ca = Authority::new("Test CA");
    let probe = Pop3Probe::builder(Net::new(Tls::ring(ca.roots())))
        .security(Security::Cleartext)
        .secrets_over(SecretsOver::Cleartext)
        .credentials(Credentials::password("alice", "wonder land").unwrap())
        .build()
        .unwrap();
    let target = Target::host(peer.address().ip(), peer.address().port());
    let cx = Context::default().with_budget(Duration::from_secs(5));
    let visit = probe.visit(&target, &cx).await.unwrap();
    (peer, visit)
}

fn said(conversation: &probe_testkit::Conversation) -> String {
    String::from_utf8_lossy(conversation.heard()).into_owned()
}

#[tokio::test]
async fn what_was_read_is_marked_and_leaving_deletes_it() {
    let script = logged_in()
        .hear("LIST")
        .say("+OK\r\n2 17\r\n.\r\n")
        .hear("UIDL")
        .say("+OK\r\n2 abc\r\n.\r\n")
        .hear("TOP 2 0")
        .say("+OK\r\nSubject: a\r\n\r\n.\r\n")
        .hear("RETR 2")
        .say("+OK\r\nSubject: a\r\n\r\n..b\r\n.\r\n")
        .hear("DELE 2")
        .say("+OK\r\n")
        .hear("QUIT")
        .say("+OK\r\n");
    let (peer, mut visit) = visit(script).await;
    assert_eq!(visit.facts().login_delay(), Some(Duration::from_secs(7)));
    assert_eq!(visit.list().await.unwrap().sizes().next(), Some((2, 17)));
    let ids = visit.unique_ids().await.unwrap();
    assert_eq!(ids.of(2), Some(&b"abc"[..]));
    assert_eq!(visit.header(2).await.unwrap(), b"Subject: a\r\n\r\n");
    assert_eq!(visit.read(2).await.unwrap(), b"Subject: a\r\n\r\n.b\r\n");
    visit.delete(2).await.unwrap();
    assert_eq!(visit.leave(None).await.failure, None);
    peer.finish().await[0].assert_followed();
}

#[tokio::test]
async fn what_was_not_read_in_this_session_is_not_marked() {
    let script = logged_in()
        .hear("RETR 1")
        .say("-ERR no such message\r\n")
        .hear("QUIT")
        .say("+OK\r\n");
    let (peer, mut visit) = visit(script).await;
    assert_eq!(
        visit.read(1).await.unwrap_err().kind,
        FailureKind::Permanent
    );
    for message in [1, 2] {
        let refused = visit.delete(message).await.unwrap_err();
        assert_eq!(refused.kind, FailureKind::Local);
    }
    assert!(visit.is_ready());
    visit.leave(None).await;
    let conversations = peer.finish().await;
    conversations[0].assert_followed();
    assert!(!said(&conversations[0]).contains("DELE"));
}

#[tokio::test]
async fn where_it_is_not_clear_what_was_marked_nobody_says_quit() {
    let script = logged_in()
        .hear("RETR 2")
        .say("+OK\r\na\r\n.\r\n")
        .hear("DELE 2")
        .say("* what?\r\n")
        .drain();
    let (peer, mut visit) = visit(script).await;
    visit.read(2).await.unwrap();
    let failure = visit.delete(2).await.unwrap_err();
    assert_eq!(
        (failure.kind, visit.is_ready()),
        (FailureKind::Protocol, false)
    );
    visit.leave(Some(failure)).await;
    assert!(!said(&peer.finish().await[0]).contains("QUIT"));
}

#[tokio::test]
async fn a_visit_that_is_dropped_deletes_nothing() {
    let script = logged_in()
        .hear("RETR 2")
        .say("+OK\r\na\r\n.\r\n")
        .hear("DELE 2")
        .say("+OK\r\n")
        .drain();
    let (peer, mut visit) = visit(script).await;
    visit.read(2).await.unwrap();
    visit.delete(2).await.unwrap();
    drop(visit);
    assert!(!said(&peer.finish().await[0]).contains("QUIT"));
}
