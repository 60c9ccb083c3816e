//! The proof of rights: whatever goes wrong, and wherever, no message is lost.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::time::Duration;

use common::model::{Maildrop, Quirk};
use common::{NAME, Outcome, alice, log_in};
use pop3_probe::{Pop3Facts, Pop3Probe, Right};
use probe_core::{Context, FailureKind, Probe, Report, Target, Verdict};
use probe_net::Net;
use probe_net::tls::{SecretsOver, Security, Tls};
use probe_testkit::{Answer, Authority};

const CAPABILITIES: &str = "TOP\r\nUIDL\r\nPIPELINING\r\n";

/// The first session alone, over memory.
async fn prove(maildrop: &Maildrop, quirk: &Quirk) -> Outcome {
    let script = maildrop.served(CAPABILITIES, quirk);
    log_in(&script, |options| options.prove_rights(true)).await
}

/// Both sessions, over the network.
async fn prove_twice(maildrop: &Maildrop, quirk: &Quirk) -> Report<Pop3Facts> {
    prove_with(maildrop, CAPABILITIES, quirk).await
}

async fn prove_with(
    maildrop: &Maildrop,
    capabilities: &'static str,
    quirk: &Quirk,
) -> Report<Pop3Facts> {
    let peer = maildrop.served(capabilities, quirk).listen().await.unwrap();
    let roots = Authority::new("Test CA").roots();
    let probe = Pop3Probe::builder(Net::new(Tls::ring(roots)))
        .security(Security::Cleartext)
        .secrets_over(SecretsOver::Cleartext)
        .server_name(NAME.parse().unwrap())
        .credentials(alice())
        .prove_rights(true)
        .build()
        .unwrap();
    let address = peer.address();
    let cx = Context::default()
        .with_budget(Duration::from_millis(1500))
        .with_transcript();
    let target = Target::host(address.ip(), address.port());
    probe.probe(&target, &cx).await
}

fn codes(report: &Report<Pop3Facts>) -> Vec<&'static str> {
    report.findings.iter().map(|one| one.code()).collect()
}

#[tokio::test]
async fn all_rights_are_shown_and_a_fresh_session_still_has_the_message() {
    let maildrop = Maildrop::of(3);
    let report = prove_twice(&maildrop, &Quirk::Nothing).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    let rights = report.facts.rights.as_ref().unwrap();
    let granted = Right::Granted;
    assert_eq!(
        [
            &rights.list,
            &rights.read,
            &rights.top,
            &rights.delete,
            &rights.undo
        ],
        [&granted; 5]
    );
    assert_eq!((rights.message, rights.kept), (Some(1), Some(true)));
    assert_eq!(maildrop.count(), 3);
    let connects = report.spans.iter();
    let connects = connects.filter(|span| span.phase.as_str() == "connect");
    assert_eq!(connects.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn wherever_the_connection_breaks_nothing_is_lost() {
    let maildrop = Maildrop::of(3);
    let whole = prove(&maildrop, &Quirk::Nothing).await;
    let commands = whole.said().len();
    assert!(whole.has_said("DELE 1") && whole.has_said("RSET"));
    for number in 1..=commands {
        for quirk in [
            Quirk::CloseBefore(number),
            Quirk::CloseAfter(number),
            Quirk::SilentAfter(number),
        ] {
            let outcome = prove(&maildrop, &quirk).await;
            assert_eq!(
                maildrop.count(),
                3,
                "command {number}: {:?}",
                outcome.said()
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn where_rset_is_not_answered_as_it_must_nobody_says_quit() {
    let maildrop = Maildrop::of(3);
    for (answer, kind) in [
        (Answer::say("-ERR not now\r\n"), FailureKind::Permanent),
        (Answer::say("* garbage\r\n"), FailureKind::Protocol),
        (Answer::say("+ go on\r\n"), FailureKind::Protocol),
        (Answer::silence(""), FailureKind::Timeout),
        (Answer::close(""), FailureKind::Closed),
        (Answer::reset(""), FailureKind::Closed),
    ] {
        let outcome = prove(&maildrop, &Quirk::Instead("RSET", answer.clone())).await;
        let failure = outcome.failure.as_ref().unwrap();
        assert_eq!((failure.kind, failure.phase.as_str()), (kind, "rset"));
        assert!(
            !outcome.has_said("QUIT"),
            "{answer:?}: {:?}",
            outcome.said()
        );
        assert_eq!(maildrop.count(), 3, "{answer:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn where_dele_is_not_answered_as_it_must_nobody_says_quit() {
    let maildrop = Maildrop::of(3);
    for answer in [
        Answer::say("garbage\r\n"),
        Answer::silence(""),
        Answer::close(""),
    ] {
        let outcome = prove(&maildrop, &Quirk::Instead("DELE", answer)).await;
        assert!(outcome.failure.is_some());
        assert!(!outcome.has_said("QUIT"), "{:?}", outcome.said());
        let rights = outcome.facts.rights.unwrap();
        assert_eq!(rights.delete, Right::Unanswered);
    }
}

#[tokio::test]
async fn after_a_refused_rset_a_fresh_session_shows_that_the_message_is_there() {
    let maildrop = Maildrop::of(3);
    let refused = Quirk::Instead("RSET", Answer::say("-ERR not now\r\n"));
    let report = prove_twice(&maildrop, &refused).await;
    assert_eq!(report.failure.unwrap().kind, FailureKind::Permanent);
    assert_eq!(report.facts.rights.unwrap().kept, Some(true));
    assert_eq!(maildrop.count(), 3);
}

#[tokio::test]
async fn a_server_whose_rset_does_nothing_is_found_out() {
    let maildrop = Maildrop::of(3);
    let report = prove_twice(&maildrop, &Quirk::KeepsMarks).await;
    assert_eq!(codes(&report), ["pop3.rights.message-lost"]);
    assert_eq!(report.verdict(), Verdict::Critical);
}

#[tokio::test(start_paused = true)]
async fn a_right_that_is_missing_is_told_in_the_servers_words() {
    let maildrop = Maildrop::of(3);
    for (verb, name, verdict) in [
        ("RETR", "read: -ERR denied", Verdict::Critical),
        ("DELE", "delete: -ERR denied", Verdict::Critical),
        ("TOP", "top: -ERR denied", Verdict::Ok),
    ] {
        let outcome = prove(&maildrop, &Quirk::Instead(verb, "-ERR denied\r\n".into())).await;
        assert_eq!(outcome.failure, None, "{verb}");
        let missing = outcome.findings.iter();
        let missing: Vec<_> = missing
            .filter(|one| one.code() == "pop3.rights.missing")
            .collect();
        assert_eq!(missing[0].evidence, name);
        assert_eq!(missing[0].severity.verdict(), verdict);
        assert!(outcome.has_said("QUIT"));
        assert_eq!(outcome.has_said("RSET"), verb != "DELE");
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_maildrop_proves_nothing() {
    let outcome = prove(&Maildrop::of(0), &Quirk::Nothing).await;
    assert_eq!(outcome.failure, None);
    assert!(outcome.codes().contains(&"pop3.rights.nothing-to-prove"));
    assert!(!outcome.said().iter().any(|line| line.starts_with("DELE")));
}

#[tokio::test]
async fn where_the_server_wants_a_pause_between_logins_no_fresh_session_is_begun() {
    let maildrop = Maildrop::of(3);
    let capabilities = "TOP\r\nUIDL\r\nLOGIN-DELAY 300\r\n";
    let report = prove_with(&maildrop, capabilities, &Quirk::Nothing).await;
    assert_eq!(report.failure, None, "{report:?}");
    assert_eq!(codes(&report), ["pop3.rights.unconfirmed"]);
    assert_eq!(report.facts.rights.unwrap().kept, None);
}

#[tokio::test]
async fn where_what_was_read_is_deleted_nothing_is_read() {
    // RFC 2449 section 6.7: with EXPIRE 0 a server may take RETR for DELE.
    let maildrop = Maildrop::of(3);
    let capabilities = "TOP\r\nUIDL\r\nEXPIRE 0\r\n";
    let report = prove_with(&maildrop, capabilities, &Quirk::Nothing).await;
    assert_eq!(codes(&report), ["pop3.expire.at-once"]);
    let rights = report.facts.rights.as_ref().unwrap();
    assert_eq!(
        (&rights.read, &rights.delete),
        (&Right::NotTried, &Right::Granted)
    );
    assert!(!report.transcript.to_string().contains("RETR"));
}
