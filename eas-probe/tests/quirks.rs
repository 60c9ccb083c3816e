//! Oddities of real servers, each with its source: what is tolerated, and how it is told.

#![cfg(feature = "ring")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use eas_probe::Rung;
use eas_probe::wbxml::tags::settings;
use eas_probe::wbxml::{Builder, Tag};
use probe_core::Verdict;
use probe_testkit::Say;

use common::{WBXML, World, codes, command, folders, page};

/// SOGo 5.8 behind nginx: 403 to a POST, where OPTIONS is answered with 401; and a scheme in lower case.
#[tokio::test]
async fn a_refusal_without_a_challenge_is_a_refusal() {
    let world = World::new(|request| {
        let is_bearer = request.header("authorization") == Some("Bearer");
        is_bearer.then(|| Say::page(403, "", ""))
    })
    .await;
    let report = world.ask(world.options().up_to(Rung::Options)).await;
    assert_eq!(report.verdict(), Verdict::Ok);
    assert_eq!(report.facts.anonymous.unwrap().authorization_uri, None);
}

/// A load balancer that takes WWW-Authenticate out of a 401 (\[MS-ASHTTP\] wants it there).
#[tokio::test]
async fn a_401_without_a_challenge_is_told() {
    let world = World::new(|request| {
        let is_named = request.header("authorization").is_some();
        (request.method() == "OPTIONS" && !is_named).then(|| Say::page(401, "", ""))
    })
    .await;
    let report = world.ask(world.options()).await;
    assert_eq!(codes(&report), ["eas.auth.no-challenge"]);
}

/// Servers in development, and some proxies, answer OPTIONS whoever asks.
#[tokio::test]
async fn a_server_that_answers_anybody_is_told_and_asked_on() {
    let world = World::new(|request| {
        let is_named = request.header("authorization").is_some();
        let is_anonymous = request.method() == "OPTIONS" && !is_named;
        is_anonymous.then(|| Say::page(200, common::VERSIONS, ""))
    })
    .await;
    let report = world.ask(world.options()).await;
    assert_eq!(
        (report.verdict(), codes(&report)),
        (Verdict::Ok, vec!["eas.auth.anyone"])
    );
}

/// Exchange compresses what phones say they can inflate.
#[tokio::test]
async fn a_compressed_answer_is_inflated() {
    let world = World::new(|request| {
        (command(request) == "FolderSync").then(|| {
            assert_eq!(request.header("accept-encoding"), Some("gzip"));
            let head = format!("{WBXML}Content-Encoding: gzip\r\n");
            Say::page(200, &head, stored(&folders()))
        })
    })
    .await;
    let report = world.ask(world.options()).await;
    assert_eq!(report.facts.folders.unwrap().count, 2);
}

/// A gzip member whose only block is stored (RFC 1951 section 3.2.4, RFC 1952 section 2.3).
fn stored(octets: &[u8]) -> Vec<u8> {
    let length = u16::try_from(octets.len()).unwrap();
    let mut crc = u32::MAX;
    for octet in octets {
        crc ^= u32::from(*octet);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                crc >> 1 ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    let mut member = b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01".to_vec();
    member.extend(length.to_le_bytes());
    member.extend((!length).to_le_bytes());
    member.extend(octets);
    member.extend((!crc).to_le_bytes());
    member.extend(u32::from(length).to_le_bytes());
    member
}

/// Elements of 16.1 and of vendors that no table knows (EAS-4-TbSync, go-activesync: "unknown tag" ended the session).
#[tokio::test]
async fn elements_that_nobody_knows_are_passed_over() {
    let unknown = Tag::new(18, 0x3E).unwrap();
    let body = Builder::new(settings::SETTINGS)
        .number(settings::STATUS, 1)
        .element(unknown, |it| it.text(unknown, "x"))
        .finish()
        .unwrap();
    let world =
        World::new(move |request| (command(request) == "Settings").then(|| page(&body))).await;
    let report = world.ask(world.options()).await;
    assert_eq!(report.verdict(), Verdict::Ok);
    assert!(report.facts.addresses.is_empty());
}

/// Z-Push and SOGo have no Settings in some versions: it is asked for only where it is offered.
#[tokio::test]
async fn what_is_not_offered_is_not_asked_for() {
    let head = "MS-ASProtocolVersions: 12.1,14.0\r\nMS-ASProtocolCommands: FolderSync,Sync\r\nMS-Server-ActiveSync: 14.0\r\n";
    let world = World::new(move |request| {
        let is_named = request
            .header("authorization")
            .is_some_and(|it| it.starts_with("Basic"));
        (request.method() == "OPTIONS" && is_named).then(|| Say::page(200, head, ""))
    })
    .await;
    let report = world.ask(world.options()).await;
    assert_eq!(report.verdict(), Verdict::Ok);
    let asked = world.asked();
    assert!(!asked.contains(&"Settings".to_owned()), "{asked:?}");
    // Without it, 14.0 is spoken, in which the device says nothing of itself.
    assert!(
        !common::body(
            world
                .web
                .heard()
                .iter()
                .find(|one| command(one) == "Provision")
                .unwrap()
        )
        .contains("Model")
    );
}

/// What nobody could send back: a request with it would break.
#[tokio::test]
async fn a_policy_key_that_no_header_can_hold_is_none() {
    let long = "7".repeat(65);
    for key in ["1\u{7}2", "1 2", &long] {
        let policy = common::policy(1, Some(key));
        let world =
            World::new(move |request| (command(request) == "Provision").then(|| page(&policy)))
                .await;
        let report = world.ask(world.options()).await;
        assert_eq!(report.verdict(), Verdict::Ok, "{:?}", report.failure);
        assert!(!report.facts.policy.unwrap().is_acknowledged);
    }
}

/// Servers that provision nothing answer 501 (\[MS-ASHTTP\]) or 137: then nothing is to be provisioned.
#[tokio::test]
async fn a_server_without_provisioning_is_synced_without() {
    for answer in [
        Say::page(501, "", ""),
        page(&common::status("Provision", 137)),
    ] {
        let world =
            World::new(move |request| (command(request) == "Provision").then(|| answer.clone()))
                .await;
        let report = world.ask(world.options()).await;
        assert_eq!(report.verdict(), Verdict::Ok, "{:?}", report.failure);
        assert_eq!(report.facts.inbox.unwrap().estimate, Some(7));
    }
}
