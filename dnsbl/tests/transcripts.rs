//! What real servers said, byte for byte: rbldnsd 0.998 and unbound 1.17 of Debian 12.
//!
//! A file begins with the question, and holds the message in hexadecimal digits.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::time::Duration;

use dnsbl_probe::{Entry, Reply};
use probe_net::dns::{Answer, Kind, Question};

fn said(transcript: &str) -> Reply {
    let (question, digits) = transcript.split_once('\n').unwrap();
    let (name, kind) = question.split_once(' ').unwrap();
    let question = Question::new(name.parse().unwrap(), Kind(kind.parse().unwrap()));
    let digits: Vec<u8> = digits
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let message: Vec<u8> = digits.chunks(2).map(octet).collect();
    let server = "192.0.2.53:53".parse().unwrap();
    Reply::of(&Ok(Answer::of_message(question, server, &message).unwrap()))
}

fn entry(transcript: &str) -> Entry {
    match said(transcript) {
        Reply::Answered(entry) => entry,
        other => panic!("{other:?}"),
    }
}

fn addresses(transcript: &str) -> Vec<String> {
    let addresses = entry(transcript).addresses;
    addresses.iter().map(ToString::to_string).collect()
}

#[test]
fn listings_are_read_with_all_their_codes() {
    let listed = include_str!("transcripts/rbldnsd-listed.txt");
    assert_eq!(addresses(listed), ["127.0.0.2"]);
    assert_eq!(
        addresses(include_str!("transcripts/unbound-listed.txt")),
        ["127.0.0.2"]
    );
    assert_eq!(
        addresses(include_str!("transcripts/rbldnsd-three-codes.txt")),
        ["127.0.0.2", "127.0.0.3", "127.0.0.4"]
    );
    assert_eq!(
        addresses(include_str!("transcripts/rbldnsd-parked.txt")),
        ["192.0.2.80"]
    );
}

#[test]
fn that_somebody_is_not_listed_is_an_answer_with_or_without_a_term() {
    for (transcript, has_ttl) in [
        (include_str!("transcripts/rbldnsd-not-listed.txt"), true),
        (include_str!("transcripts/unbound-not-listed.txt"), true),
        (
            include_str!("transcripts/rbldnsd-not-listed-no-soa.txt"),
            false,
        ),
    ] {
        let entry = entry(transcript);
        assert!(entry.addresses.is_empty());
        assert_eq!(entry.ttl.is_some(), has_ttl);
        assert!(entry.ttl.is_none_or(|ttl| ttl > Duration::ZERO));
    }
}

#[test]
fn reasons_are_read_whole_or_are_not_there() {
    let long = entry(include_str!("transcripts/rbldnsd-reason.txt"));
    assert_eq!(long.text.len(), 250);
    let none = entry(include_str!("transcripts/rbldnsd-no-reason.txt"));
    assert!(none.text.is_empty());
}

#[test]
fn refusals_and_failures_are_no_answers() {
    assert_eq!(
        said(include_str!("transcripts/rbldnsd-refused.txt")),
        Reply::Refused
    );
    for transcript in [
        include_str!("transcripts/rbldnsd-expired.txt"),
        include_str!("transcripts/unbound-refused-behind.txt"),
    ] {
        assert_eq!(said(transcript), Reply::Nothing("SERVFAIL".into()));
    }
}
