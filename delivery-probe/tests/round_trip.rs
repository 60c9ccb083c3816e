//! Runs against scripted mailboxes, and a hop that loses what it is given: what is told where things go wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "real/hop.rs"]
mod hop;

use std::path::PathBuf;
use std::time::Duration;

use delivery_probe::{
    ConfigError, DeliveryFacts, DeliveryProbe, Key, Keys, Mode, Options, Retrieval, Standing, State,
};
use hop::{Deed, hop};
use imap_probe::ImapProbe;
use pop3_probe::Pop3Probe;
use probe_core::{Context, FailureKind, Finding, Probe, Report, Secret, Target, Verdict};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security, Tls};
use probe_testkit::{Authority, Peer, Script};
use smtp_probe::SmtpProbe;

fn net() -> Net {
    Net::new(Tls::ring(Authority::new("Test CA").roots()))
}

fn alice() -> Credentials {
    Credentials::password("alice", "wonder land").unwrap()
}

fn options() -> Options {
    let keys = Keys::new(Key::new(Secret::from("a key that nobody guesses")).unwrap());
    let submission = SmtpProbe::builder(net()).security(Security::Cleartext);
    DeliveryProbe::builder("prober".parse().unwrap(), keys, submission)
        .from("probe@example.org")
        .to("inbox@example.org")
        .pace(Duration::from_millis(100))
}

fn imap(peer: &Peer) -> Retrieval {
    let probe = ImapProbe::builder(net())
        .security(Security::Cleartext)
        .secrets_over(SecretsOver::Cleartext)
        .credentials(alice())
        .build()
        .unwrap();
    Retrieval::imap(target(peer), probe)
}

fn target(peer: &Peer) -> Target {
    Target::host(peer.address().ip(), peer.address().port())
}

/// An inbox with nothing in it, up to the first wait.
fn empty_inbox() -> Script {
    Script::new()
        .say("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n")
        .hear("A1 AUTHENTICATE PLAIN ")
        .say("A1 OK [CAPABILITY IMAP4rev1 IDLE UIDPLUS] in\r\n")
        .hear("A2 LIST")
        .say("A2 OK done\r\n")
        .hear("A3 SELECT")
        .say("* 0 EXISTS\r\nA3 OK [READ-WRITE] open\r\n")
        .hear("A4 UID SEARCH SINCE ")
        .say("* SEARCH\r\nA4 OK done\r\n")
}

async fn ask(options: Options) -> Report<DeliveryFacts> {
    let deed = Deed {
        loses: true,
        ..Deed::default()
    };
    let at = hop(deed, "127.0.0.1:9".parse().unwrap());
    let probe = options.build().unwrap();
    let cx = Context::default().with_budget(Duration::from_secs(3));
    probe.probe(&Target::host(at.ip(), at.port()), &cx).await
}

fn codes(report: &Report<DeliveryFacts>) -> Vec<&'static str> {
    report.findings.iter().map(Finding::code).collect()
}

#[tokio::test]
async fn a_watch_that_is_interrupted_is_taken_up_again_and_that_is_told() {
    let interrupted = empty_inbox()
        .hear("A5 IDLE")
        .say("+ idling\r\n* BYE restarting\r\n")
        .close();
    let going_on = (0..100).fold(empty_inbox(), |script, round| {
        let first = 5 + round * 3;
        script
            .hear(format!("A{first} IDLE"))
            .say("+ idling\r\n")
            .hear("DONE")
            .say(format!("A{first} OK done\r\n"))
            .hear(format!("A{} SELECT", first + 1))
            .say(format!(
                "* 0 EXISTS\r\nA{} OK [READ-WRITE] open\r\n",
                first + 1
            ))
            .hear(format!("A{} UID SEARCH", first + 2))
            .say(format!("* SEARCH\r\nA{} OK done\r\n", first + 2))
    });
    let peer = Peer::listen_each([interrupted, going_on]).await.unwrap();
    let report = ask(options().retrieval(imap(&peer))).await;
    assert_eq!(report.failure, None, "{report:?}");
    assert_eq!(codes(&report), ["delivery.interrupted", "delivery.pending"]);
    assert_eq!(report.facts.interruptions, 1);
    assert_eq!(report.facts.canary.unwrap().standing, Standing::Pending);
}

#[tokio::test]
async fn who_wants_a_pause_between_two_logins_is_not_asked_too_early() {
    let script = Script::new()
        .say("+OK ready\r\n")
        .hear("CAPA")
        .say("+OK\r\nUSER\r\nLOGIN-DELAY 300\r\n.\r\n")
        .hear("USER alice")
        .say("+OK\r\n")
        .hear("PASS ")
        .say("+OK\r\n")
        .hear("CAPA")
        .say("+OK\r\nLOGIN-DELAY 300\r\n.\r\n")
        .hear("LIST")
        .say("+OK\r\n.\r\n")
        .hear("UIDL")
        .say("+OK\r\n.\r\n")
        .hear("QUIT")
        .say("+OK\r\n");
    let peer = Peer::listen_each([script]).await.unwrap();
    let probe = Pop3Probe::builder(net())
        .security(Security::Cleartext)
        .secrets_over(SecretsOver::Cleartext)
        .credentials(alice())
        .build()
        .unwrap();
    let report = ask(options().retrieval(Retrieval::pop3(target(&peer), probe))).await;
    assert_eq!(report.failure, None, "{report:?}");
    assert_eq!(codes(&report), ["delivery.pending"]);
    let conversations = peer.finish().await;
    assert_eq!(conversations.len(), 1);
    conversations[0].assert_followed();
}

#[tokio::test]
async fn where_nothing_can_be_written_down_nothing_is_sent() {
    let peer = Peer::listen_each([empty_inbox()]).await.unwrap();
    let nowhere = State::at(PathBuf::from("/nowhere/at/all"));
    let report = ask(options().state(nowhere).retrieval(imap(&peer))).await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("state", FailureKind::Local)
    );
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert_eq!((&report.facts.canary, report.parts.len()), (&None, 0));
}

#[tokio::test]
async fn what_contradicts_itself_is_not_built() {
    let peer = Peer::listen_each([empty_inbox()]).await.unwrap();
    assert_eq!(options().build().unwrap_err(), ConfigError::NoRetrieval);
    let later = options().retrieval(imap(&peer)).mode(Mode::Later);
    assert_eq!(later.build().unwrap_err(), ConfigError::NoState);
    let from = options().retrieval(imap(&peer)).from("nobody");
    assert!(matches!(from.build().unwrap_err(), ConfigError::From(_)));
    let echo = options().retrieval(imap(&peer)).echo("nobody");
    assert!(matches!(echo.build().unwrap_err(), ConfigError::Echo(_)));
}
