//! What SOGo 5.8 of Debian 12 really said, behind nginx 1.22: to a well user, to one without the module, with nobody named,
//! with its IMAP server gone, and when it was gone itself.

#![cfg(feature = "ring")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod said;

use std::time::Duration;

use eas_probe::{Command, EasFacts, Rung, Version};
use probe_core::{Failure, FailureKind};

use said::{asked_of, led};

const HEALTHY: &[&str] = &[
    "bearer-GET",
    "anonymous-OPTIONS",
    "bearer-GET",
    "OPTIONS",
    "Settings",
    "FolderSync",
    "Provision",
    "Sync",
    "Sync-items",
    "GetItemEstimate",
    "Ping-5",
];

fn told(said: &[&str]) -> (EasFacts, Option<Failure>) {
    led(Rung::Ping, said)
}

#[test]
fn a_well_mailbox_is_climbed_to_the_top() {
    let (facts, failure) = told(HEALTHY);
    assert_eq!(failure, None);
    assert_eq!(facts.version, Some(Version::V14_1));
    assert_eq!(facts.server.server.as_deref(), Some("14.1"));
    // It lists no Provision, and answers it.
    assert!(!facts.server.commands.contains(&"Provision".to_owned()));
    assert!(!facts.policy.unwrap().is_there);
    let folders = facts.folders.unwrap();
    assert_eq!(
        (folders.count, folders.inbox.unwrap().name.as_str()),
        (13, "INBOX")
    );
    let inbox = facts.inbox.unwrap();
    assert_eq!(
        (inbox.items, inbox.has_more, inbox.estimate),
        (2, true, Some(6))
    );
    assert_eq!(facts.ping.unwrap().status, 1);
}

#[test]
fn the_longest_heartbeat_is_told_by_a_ping_that_is_longer() {
    let mut said = HEALTHY.to_vec();
    *said.last_mut().unwrap() = "Ping-60";
    let (facts, failure) = told(&said);
    assert_eq!(failure, None);
    assert_eq!(facts.ping.unwrap().limit, Some(Duration::from_secs(10)));
}

#[test]
fn a_user_without_the_module_knows_the_versions_and_may_do_nothing() {
    let said = [
        "bearer-GET",
        "anonymous-OPTIONS",
        "bearer-GET",
        "OPTIONS",
        "denied-Settings",
    ];
    let (facts, failure) = told(&said);
    let failure = failure.unwrap();
    assert_eq!(
        (failure.kind, failure.phase.as_str()),
        (FailureKind::Policy, "settings")
    );
    assert_eq!(
        facts.trouble.unwrap().meaning.finding.code,
        "eas.user.disabled"
    );
}

/// Every status says that all is well.
#[test]
fn an_imap_server_that_is_gone_shows_by_the_inbox_that_is_missing() {
    let said = [
        "bearer-GET",
        "anonymous-OPTIONS",
        "bearer-GET",
        "OPTIONS",
        "Settings",
        "no-imap-FolderSync",
    ];
    let (facts, failure) = told(&said);
    assert_eq!(failure.unwrap().kind, FailureKind::Permanent);
    assert_eq!(facts.folders.unwrap().count, 3);
    assert_eq!(
        facts.trouble.unwrap().meaning.finding.code,
        "eas.folders.no-inbox"
    );
}

#[test]
fn a_first_sync_that_is_answered_with_nothing_is_told() {
    let mut said = HEALTHY.to_vec();
    said[7] = "no-imap-Sync";
    let (facts, failure) = told(&said[..8]);
    assert_eq!(failure.unwrap().kind, FailureKind::Protocol);
    assert_eq!(
        facts.trouble.unwrap().meaning.finding.code,
        "eas.sync.nothing"
    );
}

#[test]
fn a_server_that_is_gone_behind_its_proxy_is_told_before_any_password() {
    let said = ["gone-OPTIONS", "gone-OPTIONS"];
    let (facts, failure) = led(Rung::Ping, &said);
    let failure = failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Permanent);
    assert!(
        failure.detail.contains("502 Bad Gateway"),
        "{}",
        failure.detail
    );
    assert_eq!(facts.exchanges, []);
}

#[test]
fn whoever_does_not_say_who_asks_is_told_the_realm() {
    let said = ["bearer-GET", "anonymous-OPTIONS", "bearer-GET"];
    let (facts, failure) = led(Rung::Anonymous, &said);
    assert_eq!(failure, None);
    let anonymous = facts.anonymous.unwrap();
    // In lower case.
    assert_eq!(anonymous.challenges[0].scheme, "basic");
    assert_eq!(anonymous.challenges[0].parameter("realm"), Some("SOGo"));
    assert_eq!(
        asked_of(Rung::Anonymous, &said).last(),
        Some(&Command::Bearer)
    );
}
