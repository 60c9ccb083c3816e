//! Laws that hold for all input: lines are the same however they arrive, secrets are never shown, and what a hostile
//! peer makes us remember is bounded.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "these are tests"
)]

use probe_core::{Finding, FindingKind, Severity};
use probe_net::frame::{Ending, Lines};
use probe_net::{Oddities, Outgoing, excerpt};
use probe_testkit::{cut, splits};
use proptest::prelude::*;

static FIRST: FindingKind = FindingKind::new("test.first", Severity::Info, "one", "");
static SECOND: FindingKind = FindingKind::new("test.second", Severity::Info, "two", "");
static THIRD: FindingKind = FindingKind::new("test.third", Severity::Info, "three", "");

type Line = (Vec<u8>, Ending);

/// The lines of a stream by definition, without looking at how it arrived.
fn lines_of(stream: &[u8]) -> Vec<Line> {
    let whole = |line: &&[u8]| line.ends_with(b"\n");
    let parse = |line: &[u8]| match line.strip_suffix(b"\r\n") {
        Some(text) => (text.to_vec(), Ending::CrLf),
        None => (line[..line.len() - 1].to_vec(), Ending::Lf),
    };
    let lines = stream.split_inclusive(|byte| *byte == b'\n');
    lines.filter(whole).map(parse).collect()
}

/// As for a reply of many lines: the buffer grows, and nothing is taken out of it.
fn gathered(pieces: &[&[u8]]) -> Vec<Line> {
    let mut lines = Lines::default();
    let mut buffer = Vec::new();
    let mut found = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Some(line) = lines.next(&buffer) {
            found.push((buffer[line.start..line.end].to_vec(), line.ending));
        }
        let unfinished = buffer.split(|byte| *byte == b'\n').next_back().unwrap();
        assert_eq!(lines.pending(), unfinished.len());
    }
    found
}

/// As for replies of one line each: every line is taken out, and the search begins again.
fn taken_out(pieces: &[&[u8]]) -> Vec<Line> {
    let mut lines = Lines::default();
    let mut buffer = Vec::new();
    let mut found = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Some(line) = lines.next(&buffer) {
            assert_eq!(line.start, 0);
            found.push((buffer[..line.end].to_vec(), line.ending));
            buffer.drain(..line.next);
            lines.restart();
        }
    }
    found
}

/// Bytes among which line ends are many.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![3 => Just(b'\n'), 3 => Just(b'\r'), 6 => any::<u8>()];
    proptest::collection::vec(byte, 0..80)
}

/// A piece of a command: may be seen, or may not.
#[derive(Clone, Debug)]
enum Piece {
    Open(String),
    Secret(Vec<u8>),
}

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        "[a-z ]{0,10}".prop_map(Piece::Open),
        "[A-Z0-9+/=]{1,300}".prop_map(|text| Piece::Secret(text.into_bytes())),
        proptest::collection::vec(any::<u8>(), 1..40).prop_map(Piece::Secret),
    ]
}

proptest! {
    #[test]
    fn however_a_stream_is_cut_its_lines_are_the_same(
        stream in stream(),
        sizes in proptest::collection::vec(0_usize..20, 0..20),
    ) {
        let expected = lines_of(&stream);
        let pieces = cut(&stream, &sizes);
        prop_assert_eq!(&gathered(&pieces), &expected);
        prop_assert_eq!(&taken_out(&pieces), &expected);
    }

    #[test]
    fn in_all_the_ways_that_find_most_mistakes_too(stream in stream()) {
        let expected = lines_of(&stream);
        for pieces in splits(&stream) {
            prop_assert_eq!(&gathered(&pieces), &expected);
            prop_assert_eq!(&taken_out(&pieces), &expected);
        }
    }

    #[test]
    fn what_is_shown_of_a_command_is_its_open_parts_and_nothing_else(
        pieces in proptest::collection::vec(piece(), 0..12),
    ) {
        let mut out = Outgoing::default();
        let mut shown = String::new();
        for piece in &pieces {
            match piece {
                Piece::Open(text) => {
                    out.put(text.as_bytes());
                    shown.push_str(text);
                }
                Piece::Secret(bytes) => {
                    out.put_secret(bytes);
                    shown.push_str("[redacted]");
                }
            }
        }
        prop_assert_eq!(format!("{out:?}"), format!("Outgoing({shown:?})"));
    }

    #[test]
    fn however_odd_a_peer_is_it_makes_a_bounded_number_of_short_findings(
        notes in proptest::collection::vec(
            (0_usize..3, proptest::collection::vec(any::<u8>(), 0..600)),
            0..20,
        ),
    ) {
        let kinds = [&FIRST, &SECOND, &THIRD];
        let mut oddities = Oddities::default();
        for (kind, evidence) in &notes {
            oddities.note(kinds[*kind], evidence);
        }
        let findings: Vec<Finding> = oddities.findings().collect();
        for (index, kind) in kinds.into_iter().enumerate() {
            let mut noted = notes.iter().filter(|(noted, _)| *noted == index);
            let first = noted.next().map(|(_, evidence)| excerpt(evidence));
            let expected = match (first, noted.count()) {
                (None, _) => None,
                (Some(evidence), 0) => Some(evidence),
                (Some(evidence), more) => Some(format!("{evidence} ({} times)", more + 1)),
            };
            let found: Vec<_> = findings.iter().filter(|found| found.kind == kind).collect();
            prop_assert!(found.len() <= 1);
            prop_assert_eq!(found.first().map(|found| found.evidence.clone()), expected);
            prop_assert_eq!(oddities.has(kind), !found.is_empty());
        }
    }

    #[test]
    fn an_excerpt_is_short_and_steers_no_terminal(
        bytes in proptest::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let shown = excerpt(&bytes);
        // One octet becomes six characters at most: \u{1b}.
        prop_assert!(shown.chars().count() <= Oddities::EVIDENCE * 6 + 1);
        prop_assert!(!shown.chars().any(char::is_control));
        let is_cut = bytes.trim_ascii().len() > Oddities::EVIDENCE;
        prop_assert_eq!(shown.ends_with('…') && is_cut, is_cut);
    }
}

#[test]
fn a_line_is_found_without_looking_at_its_bytes_twice() {
    let mut lines = Lines::default();
    let mut buffer = vec![b'x'; 10];
    assert_eq!(lines.next(&buffer), None);
    assert_eq!(lines.pending(), 10);
    // What was seen before is not looked at again, so a line feed put there is not found.
    buffer[5] = b'\n';
    buffer.extend_from_slice(b"yz\r\n");
    let line = lines.next(&buffer).unwrap();
    assert_eq!((line.start, line.end, line.next), (0, 12, 14));
}
