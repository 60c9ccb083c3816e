//! Chains of signatures, by what a real server said: nsd 4.6 with zones that ldns signed on 2026-11-24, for the thirty days
//! around it. BIND's `delv` came to the same about each of them.

#![cfg(feature = "dnssec")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use probe_net::dns::{Answer, Chain, Kind, Question, Rcode, Survey, Trouble, Trust, TrustAnchors};
use proptest::prelude::*;

const ANSWERS: &str = include_str!("chain/answers.txt");

fn anchors() -> TrustAnchors {
    include_str!("chain/anchors.txt").parse().unwrap()
}

fn question(name: &str, kind: Kind) -> Question {
    let name = match name {
        "." => probe_net::dns::Name::root(),
        name => name.parse().unwrap(),
    };
    Question::new(name, kind)
}

/// The messages, by what was asked.
fn messages() -> HashMap<Question, Vec<u8>> {
    let said = ANSWERS.split("\n\n").map(|block| {
        let (asked, digits) = block.split_once('\n').unwrap();
        let (name, kind) = asked.split_once(' ').unwrap();
        let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
        let octet = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16);
        let message = digits.chunks(2).map(|pair| octet(pair).unwrap());
        (
            question(name, Kind(kind.parse().unwrap())),
            message.collect(),
        )
    });
    said.collect()
}

fn day(day: u32) -> SystemTime {
    humantime::parse_rfc3339(&format!("2026-11-{day:02}T00:00:00Z")).unwrap()
}

/// What a chain comes to when each message may be changed on its way.
fn led(name: &str, kind: Kind, now: SystemTime, change: impl Fn(&Question, &mut Vec<u8>)) -> Trust {
    let messages = messages();
    let mut chain = Chain::new(anchors(), question(name, kind));
    for ask in chain.begin() {
        assert!(ask.unchecked && ask.signatures);
        let mut message = messages[&ask.question].clone();
        change(&ask.question, &mut message);
        let from = "192.0.2.53:53".parse().unwrap();
        let silent = Trouble::Timeout(Duration::from_secs(5));
        let answer = Answer::of_message(ask.question, from, &message).ok_or(silent);
        assert_eq!(chain.answered(ask.tag, answer), []);
    }
    chain.trust(now)
}

fn trust(name: &str, kind: Kind) -> String {
    led(name, kind, day(24), |_, _| {}).to_string()
}

#[test]
fn a_chain_that_holds_is_secure() {
    assert_eq!(trust("secure.test", Kind::MX), "secure");
    assert_eq!(trust("hashed.test", Kind::MX), "secure");
    assert_eq!(trust("mx.secure.test", Kind::A), "secure");
}

#[test]
fn that_there_is_nothing_is_proved_too() {
    for zone in ["secure.test", "hashed.test"] {
        for name in ["nobody", "mx", "alias", "a.wild"] {
            let name = format!("{name}.{zone}");
            assert_eq!(trust(&name, Kind::MX), "secure", "{name}");
        }
    }
}

#[test]
fn a_domain_that_is_proved_to_be_unsigned_is_insecure_and_not_bogus() {
    // By NSEC3 with opt-out, and by NSEC.
    assert_eq!(
        trust("plain.test", Kind::MX),
        "not signed from plain.test on"
    );
    assert_eq!(trust("plain", Kind::DNSKEY), "not signed from plain on");
}

#[test]
fn a_domain_signed_in_a_way_that_nobody_knows_is_insecure() {
    assert_eq!(trust("old.test", Kind::MX), "not signed from old.test on");
}

#[test]
fn a_key_that_the_zone_above_does_not_name_is_told_with_those_that_it_names() {
    let expected = "foreign.test: none of its keys is the one that the zone above names (DS ";
    let told = trust("foreign.test", Kind::MX);
    assert!(told.starts_with(expected), "{told}");
}

#[test]
fn a_signature_out_of_its_time_is_told_with_the_time() {
    let told = trust("expired.test", Kind::MX);
    let expected =
        "expired.test: the signature over expired.test DNSKEY expired at 2026-11-14T00:00:00Z";
    assert_eq!(told, expected);
    let told = trust("early.test", Kind::MX);
    let expected = "early.test: the signature over early.test DNSKEY is valid only from \
        2026-12-04T00:00:00Z on";
    assert_eq!(told, expected);
    let early = led("secure.test", Kind::MX, day(13), |_, _| {}).to_string();
    assert!(
        early.starts_with(".: the signature over . DNSKEY is valid only from"),
        "{early}"
    );
}

#[test]
fn records_that_were_changed_after_signing_are_told() {
    let expected = "tampered.test: the signature over tampered.test MX is wrong";
    assert_eq!(trust("tampered.test", Kind::MX), expected);
}

#[test]
fn a_zone_without_keys_of_which_the_zone_above_names_one_is_bogus() {
    let expected = "unsigned.test: it has no keys (DNSKEY), although the zone above names some";
    assert_eq!(trust("unsigned.test", Kind::MX), expected);
}

#[test]
fn an_answer_that_proves_nothing_is_bogus() {
    let stripped = |asked: &Question, message: &mut Vec<u8>| {
        if *asked == question("secure.test", Kind::DS) {
            *message = empty(asked);
        }
    };
    let told = led("secure.test", Kind::MX, day(24), stripped).to_string();
    assert_eq!(told, "test: nothing proves that there is no secure.test DS");
}

#[test]
fn an_answer_without_a_signature_is_bogus() {
    let stripped = |asked: &Question, message: &mut Vec<u8>| {
        if asked.kind == Kind::MX {
            *message = invented(asked);
        }
    };
    let told = led("secure.test", Kind::MX, day(24), stripped).to_string();
    assert_eq!(
        told,
        "secure.test: secure.test MX is not signed by a key of the zone"
    );
}

#[test]
fn a_resolver_that_hands_on_no_signatures_says_nothing_of_the_domain() {
    let stripped = |asked: &Question, message: &mut Vec<u8>| *message = empty(asked);
    let told = led("secure.test", Kind::MX, day(24), stripped).to_string();
    assert_eq!(told, "unknown: no signature was handed on");
}

/// The name of a company's own network.
#[test]
fn a_name_that_only_the_resolver_has_is_not_bogus() {
    let own = |asked: &Question, message: &mut Vec<u8>| {
        if asked.kind == Kind::MX {
            *message = invented(asked);
        }
    };
    for zone in ["secure.test", "hashed.test"] {
        let told = led(&format!("nobody.{zone}"), Kind::MX, day(24), own).to_string();
        let expected = format!(
            "unknown: nobody.{zone} MX: the resolver has it by itself, and {zone} has no such name"
        );
        assert_eq!(told, expected);
    }
}

#[test]
fn what_is_not_answered_is_unknown() {
    let chain = Chain::new(anchors(), question("secure.test", Kind::MX));
    let expected = "unknown: . DNSKEY: it was not answered in time";
    assert_eq!(chain.trust(day(24)).to_string(), expected);
    let failing = |asked: &Question, message: &mut Vec<u8>| {
        if *asked == question("test", Kind::DNSKEY) {
            *message = empty(asked);
            message[3] |= 2;
        }
    };
    let told = led("secure.test", Kind::MX, day(24), failing).to_string();
    assert_eq!(told, format!("unknown: test DNSKEY: {}", Rcode::SERVFAIL));
}

#[test]
fn records_that_were_changed_on_their_way_are_never_believed() {
    let asked = question("secure.test", Kind::MX);
    let whole = messages()[&asked].clone();
    let records = |message: &[u8]| {
        let from = "192.0.2.53:53".parse().unwrap();
        let answer = Answer::of_message(asked.clone(), from, message)?;
        let data = answer.records().map(|record| record.data.clone());
        Some(data.collect::<Vec<_>>())
    };
    let unchanged = records(&whole);
    for place in 0..whole.len() {
        let changed = |question: &Question, message: &mut Vec<u8>| {
            if *question == asked {
                message[place] ^= 1;
            }
        };
        let mut message = whole.clone();
        message[place] ^= 1;
        let trust = led("secure.test", Kind::MX, day(24), changed);
        let is_believed = trust == Trust::Secure && records(&message) != unchanged;
        assert!(!is_believed, "octet {place}: {:?}", records(&message));
    }
}

proptest! {
    /// Three octets of any of the messages.
    #[test]
    fn any_damage_ends_in_a_verdict(places in proptest::array::uniform3((any::<u16>(), any::<u8>()))) {
        let damaged = |question: &Question, message: &mut Vec<u8>| {
            for (place, octet) in places {
                let place = usize::from(place ^ question.kind.0);
                let length = message.len();
                message[place % length] = octet;
            }
        };
        for name in ["secure.test", "a.wild.hashed.test"] {
            prop_assert_ne!(led(name, Kind::MX, day(24), damaged).to_string(), "");
        }
    }
}

/// A reply with nothing in it.
fn empty(asked: &Question) -> Vec<u8> {
    let mut message = b"\x12\x34\x84\x00\x00\x01\x00\x00\x00\x00\x00\x00".to_vec();
    let name = asked.name.to_string();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend(label.as_bytes());
    }
    message.push(0);
    message.extend(asked.kind.0.to_be_bytes());
    message.extend([0, 1]);
    message
}

/// A reply with an MX record and no signature.
fn invented(asked: &Question) -> Vec<u8> {
    let mut message = empty(asked);
    message[7] = 1;
    message.extend(b"\xc0\x0c\0\x0f\0\x01\0\0\0\x3c\0\x04\0\x0a\xc0\x0c");
    message
}
