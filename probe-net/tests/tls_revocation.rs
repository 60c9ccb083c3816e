//! Stapled OCSP responses, written by hand octet by octet (RFC 6960 section 4.2.1). They are not signed: their
//! signature is not looked at, because a server gains nothing by forging its own revocation.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod toy;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use probe_core::Context;
use probe_net::tls::{Fault, Revocation, Security, Thresholds, TlsFacts, judge};
use probe_testkit::{Authority, Identity, Script, TlsOptions, TlsVersions};

use toy::{NAME, ONE, Recital, Stage, wait};

/// 2026-06-01.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_272_000)
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// One DER value.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u16::try_from(content.len()).unwrap().to_be_bytes();
    let header = match length {
        [0, short @ 0..=0x7f] => vec![tag, short],
        [0, long] => vec![tag, 0x81, long],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [&header, content].concat()
}

fn sequence(members: &[Vec<u8>]) -> Vec<u8> {
    der(0x30, &members.concat())
}

fn time(text: &str) -> Vec<u8> {
    der(0x18, text.as_bytes())
}

const SHA_1: &[u8] = b"\x2b\x0e\x03\x02\x1a";
const ID_PKIX_OCSP_BASIC: &[u8] = b"\x2b\x06\x01\x05\x05\x07\x30\x01\x01";
const ECDSA_WITH_SHA_256: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03\x02";

/// A SingleResponse about this serial number.
fn single(serial: &[u8], status: Vec<u8>) -> Vec<u8> {
    let certificate = sequence(&[
        sequence(&[der(0x06, SHA_1), der(0x05, b"")]),
        der(0x04, &[0x11; 20]),
        der(0x04, &[0x22; 20]),
        der(0x02, serial),
    ]);
    let next_update = der(0xa0, &time("20260608000000Z"));
    sequence(&[certificate, status, time("20260531000000Z"), next_update])
}

/// An OCSPResponse with these in it.
fn response(singles: &[Vec<u8>]) -> Vec<u8> {
    let responder = der(0xa2, &der(0x04, &[0x33; 20]));
    let data = sequence(&[responder, time("20260531000000Z"), sequence(singles)]);
    let algorithm = sequence(&[der(0x06, ECDSA_WITH_SHA_256)]);
    let basic = sequence(&[data, algorithm, der(0x03, &[0, 1, 2, 3])]);
    let bytes = sequence(&[der(0x06, ID_PKIX_OCSP_BASIC), der(0x04, &basic)]);
    sequence(&[der(0x0a, &[0]), der(0xa0, &bytes)])
}

fn good() -> Vec<u8> {
    der(0x80, b"")
}

/// Since 2026-05-20, because the key was compromised.
fn revoked() -> Vec<u8> {
    let reason = der(0xa0, &der(0x0a, &[1]));
    der(0xa1, &[time("20260520123000Z"), reason].concat())
}

fn unknown() -> Vec<u8> {
    der(0x82, b"")
}

/// The serial number of a leaf: it stands behind two SEQUENCE headers of four octets and the version of five.
fn serial(server: &Identity) -> Vec<u8> {
    let leaf = &server.chain()[0];
    let length = usize::from(leaf[14]);
    leaf[15..15 + length].to_vec()
}

/// What a client learns of a server that staples this.
async fn facts(ca: &Authority, server: &Identity, stapled: Vec<u8>) -> Arc<TlsFacts> {
    let mut last = None;
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        let options = TlsOptions::new().versions(versions);
        let server = server.clone().with_ocsp_response(stapled.clone());
        let script = Script::new().tls_with(&server, &options).say("ok\r\n");
        let mut stage = Stage::implicit(ca);
        stage.cx = Context::default().with_now(now());
        let run = stage.play(&script, Recital::new([wait(ONE)])).await;
        assert_eq!(run.heard(), ["(secured)", "ok"]);
        let facts = run.tls.unwrap();
        let before: &Arc<TlsFacts> = last.get_or_insert(facts.clone());
        assert_eq!(before.revocation, facts.revocation);
        assert_eq!(before.faults, facts.faults);
    }
    last.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_good_response_is_a_fact_and_no_fault() {
    let ca = Authority::at("Test CA", now());
    let server = ca.identity([NAME]);
    let stapled = response(&[single(&serial(&server), good())]);
    let facts = facts(&ca, &server, stapled).await;
    let said = Revocation::Good {
        said_at: now() - DAY,
        until: Some(now() + DAY * 7),
    };
    assert_eq!(facts.revocation, Some(said));
    assert!(facts.is_verified());
}

#[tokio::test(start_paused = true)]
async fn a_revoked_certificate_is_a_fault_and_a_finding() {
    let ca = Authority::at("Test CA", now());
    let server = ca.identity([NAME]);
    let stapled = response(&[single(&serial(&server), revoked())]);
    let facts = facts(&ca, &server, stapled).await;
    // 2026-05-20T12:30:00Z
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_779_280_200);
    assert_eq!(facts.revocation, Some(Revocation::Revoked { at }));
    assert_eq!(facts.faults, [Fault::Revoked { at }]);
    assert!(!facts.is_verified());
    let findings = judge(&facts, Security::Required, &Thresholds::default(), now());
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code(), "tls.certificate.revoked");
    assert_eq!(findings[0].evidence, "on 2026-05-20");
}

#[tokio::test(start_paused = true)]
async fn a_responder_that_does_not_know_the_certificate_is_a_fact() {
    let ca = Authority::at("Test CA", now());
    let server = ca.identity([NAME]);
    let stapled = response(&[single(&serial(&server), unknown())]);
    let facts = facts(&ca, &server, stapled).await;
    assert_eq!(facts.revocation, Some(Revocation::Unknown));
    assert!(facts.is_verified());
}

#[tokio::test(start_paused = true)]
async fn only_what_is_said_of_this_very_certificate_counts() {
    let ca = Authority::at("Test CA", now());
    let server = ca.identity([NAME]);
    let other = single(&[0x7f], revoked());
    let alone = facts(&ca, &server, response(std::slice::from_ref(&other))).await;
    assert_eq!(alone.revocation, None);
    assert!(alone.is_verified());

    let mine = single(&serial(&server), good());
    let among_others = facts(&ca, &server, response(&[other, mine])).await;
    assert!(matches!(
        among_others.revocation,
        Some(Revocation::Good { .. })
    ));
}

#[tokio::test(start_paused = true)]
async fn what_is_no_response_says_nothing() {
    let ca = Authority::at("Test CA", now());
    let server = ca.identity([NAME]);
    let whole = response(&[single(&serial(&server), revoked())]);
    let try_later = sequence(&[der(0x0a, &[3])]);
    let half = whole[..whole.len() / 2].to_vec();
    for stapled in [try_later, half, b"\x30\x03\x0a".to_vec(), vec![0xff; 64]] {
        let facts = facts(&ca, &server, stapled).await;
        assert_eq!(facts.revocation, None);
        assert!(facts.is_verified());
    }
}
