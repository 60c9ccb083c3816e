//! Each limit of a document, reached and crossed by one.

#![allow(clippy::unwrap_used, reason = "tests")]

use eas_probe::wbxml::{Document, ErrorKind, Limits, WbxmlError};

fn with_header(body: &[u8]) -> Vec<u8> {
    [&[0x03, 0x01, 0x6A, 0x00], body].concat()
}

fn fault_of(document: &[u8], limits: &Limits) -> (usize, ErrorKind) {
    let WbxmlError { offset, kind } = Document::decode_within(document, limits).unwrap_err();
    (offset, kind)
}

#[test]
fn defaults_are_these() {
    let limits = Limits::default();
    let numbers = (limits.depth, limits.octets, limits.value, limits.nodes);
    assert_eq!(numbers, (32, 1_000_000, 262_144, 100_000));
}

#[test]
fn one_element_deeper_than_the_limit_is_too_deep() {
    let deep = |depth: usize| with_header(&[vec![0x45; depth], vec![0x01; depth]].concat());
    let document = Document::decode(deep(32)).unwrap();
    assert_eq!(document.root().descendants().count(), 32);
    assert_eq!(Document::decode(document.encode()).unwrap(), document);
    assert_eq!(
        fault_of(&deep(33), &Limits::default()),
        (36, ErrorKind::TooDeep(32))
    );
    let leaf = with_header(&[vec![0x45; 32], vec![0x05], vec![0x01; 32]].concat());
    assert_eq!(
        fault_of(&leaf, &Limits::default()),
        (36, ErrorKind::TooDeep(32))
    );
}

#[test]
fn a_million_elements_within_each_other_cost_no_stack() {
    let depth = 1_000_000;
    let octets = with_header(&[vec![0x45; depth], vec![0x01; depth]].concat());
    let mut limits = Limits::default();
    (limits.depth, limits.octets, limits.nodes) = (depth, octets.len(), depth);
    let document = Document::decode_within(octets.clone(), &limits).unwrap();
    assert!(document.encode() == Document::decode_within(octets, &limits).unwrap().encode());
    assert_eq!(document.root().descendants().count(), depth);
    assert!(document == document.clone());
    assert!(document.to_string().ends_with("…\n"));
    drop(document);
}

#[test]
fn one_octet_more_than_the_limit_is_too_long() {
    let mut limits = Limits::default();
    limits.octets = 8;
    let octets = with_header(b"\x45\x0B\x01");
    assert!(Document::decode_within(&*octets, &limits).is_ok());
    limits.octets = 6;
    assert_eq!(fault_of(&octets, &limits), (6, ErrorKind::TooLong(6)));
    let mut long = with_header(b"\x45");
    long.resize(999_999, 0x0B);
    long.push(0x01);
    assert_eq!(
        fault_of(&long, &Limits::default()).1,
        ErrorKind::TooMany(100_000)
    );
    long.push(0x01);
    assert_eq!(
        fault_of(&long, &Limits::default()),
        (1_000_000, ErrorKind::TooLong(1_000_000))
    );
}

#[test]
fn one_octet_more_than_a_value_may_have_is_too_long() {
    let string = |length: usize| {
        let text = vec![b'a'; length];
        with_header(&[b"\x45\x03", &*text, b"\x00\x01"].concat())
    };
    let document = Document::decode(string(262_144)).unwrap();
    assert_eq!(document.root().text().len(), 262_144);
    let too_long = ErrorKind::ValueTooLong(262_144);
    assert_eq!(
        fault_of(&string(262_145), &Limits::default()),
        (6, too_long)
    );

    let opaque = |octets: &[u8], length: &[u8]| {
        with_header(&[b"\x45\xC3", length, octets, b"\x01"].concat())
    };
    let fits = opaque(&[0; 262_144], &[0x90, 0x80, 0x00]);
    let document = Document::decode(fits).unwrap();
    assert_eq!(document.root().opaque().unwrap().len(), 262_144);
    let exceeds = opaque(&[0; 262_145], &[0x90, 0x80, 0x01]);
    assert_eq!(fault_of(&exceeds, &Limits::default()), (6, too_long));
}

#[test]
fn one_element_or_value_more_than_the_limit_is_too_many() {
    let many = |leaves: usize| with_header(&[vec![0x45], vec![0x0B; leaves], vec![0x01]].concat());
    assert!(Document::decode(many(99_999)).is_ok());
    let too_many = ErrorKind::TooMany(100_000);
    assert_eq!(
        fault_of(&many(100_000), &Limits::default()),
        (100_004, too_many)
    );
    let mut limits = Limits::default();
    limits.nodes = 2;
    let values = with_header(b"\x45\x03a\x00\x03b\x00\x01");
    assert_eq!(fault_of(&values, &limits), (8, ErrorKind::TooMany(2)));
}
