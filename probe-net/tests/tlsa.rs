//! How TLSA records are read and written (RFC 6698 section 2.2). What they mean for a connection is in `dane`.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use probe_net::tls::{Matching, Selector, Tlsa, TlsaError, Usage};
use proptest::prelude::*;

/// RFC 6698 section 2.3, the first two examples, each without its parentheses.
#[test]
fn the_examples_of_the_rfc_are_read() {
    let record: Tlsa = "0 0 1 d2abde240d7cd3ee6b4b28c54df034b9 7983a1d16e8a410e4561cb106618e971"
        .parse()
        .unwrap();
    assert_eq!(record.usage(), Usage::PKIX_TA);
    assert_eq!(record.selector(), Selector::CERT);
    assert_eq!(record.matching(), Matching::SHA2_256);
    assert_eq!(record.data().len(), 32);
    assert_eq!(record.data()[..4], [0xd2, 0xab, 0xde, 0x24]);

    let record: Tlsa = "1 1 2 92003ba34942dc74152e2f2c408d29ec \
         a5a520e7f2e06bb944f4dca346baf63c \
         1b177615d466f6c4b71c216a50292bd5 \
         8c9ebdd2f74e38fe51ffd48c43326cbc"
        .parse()
        .unwrap();
    assert_eq!(record.usage(), Usage::PKIX_EE);
    assert_eq!(record.selector(), Selector::SPKI);
    assert_eq!(record.matching(), Matching::SHA2_512);
    assert_eq!(record.data().len(), 64);
}

#[test]
fn blanks_may_stand_anywhere_in_the_data_and_case_does_not_matter() {
    for text in [
        "3 1 1 abcd",
        "  3\t1  1 ab cd ",
        "3 1 1 a bc d",
        "3 1 1 ABCD",
        "003 01 1 AbCd",
    ] {
        let record: Tlsa = text.parse().unwrap();
        assert_eq!(record.to_string(), "3 1 1 abcd", "{text}");
    }
}

#[test]
fn what_is_no_record_is_told_by_what_is_wrong() {
    let table = [
        ("", TlsaError::Missing("usage")),
        ("3", TlsaError::Missing("selector")),
        ("3 1", TlsaError::Missing("matching type")),
        ("3 1 1", TlsaError::Missing("data")),
        ("3 1 1  ", TlsaError::Missing("data")),
        ("256 1 1 ab", TlsaError::Number("usage")),
        ("-3 1 1 ab", TlsaError::Number("usage")),
        ("+3 1 1 ab", TlsaError::Number("usage")),
        ("3 0x1 1 ab", TlsaError::Number("selector")),
        ("3 1 0001 ab", TlsaError::Number("matching type")),
        ("3 1 \u{661} ab", TlsaError::Number("matching type")),
        ("DANE-EE SPKI SHA2-256 ab", TlsaError::Number("usage")),
        ("3 1 1 ag", TlsaError::Digit('g')),
        ("3 1 1 ab\n", TlsaError::Digit('\n')),
        ("3 1 1 (ab)", TlsaError::Digit('(')),
        ("3 1 1 abc", TlsaError::HalfAnOctet),
    ];
    for (text, error) in table {
        assert_eq!(text.parse::<Tlsa>(), Err(error), "{text:?}");
    }
}

#[test]
fn data_ends_where_a_resource_record_does() {
    let longest = format!("3 0 0 {}", "ab".repeat(Tlsa::LIMIT));
    assert_eq!(longest.parse::<Tlsa>().unwrap().data().len(), 65_532);
    let beyond = longest + "ab";
    assert_eq!(beyond.parse::<Tlsa>(), Err(TlsaError::TooLong));

    let made = |length| {
        let data = vec![0_u8; length];
        Tlsa::new(Usage::DANE_EE, Selector::SPKI, Matching::FULL, data)
    };
    assert!(made(65_532).is_ok());
    assert_eq!(made(65_533), Err(TlsaError::TooLong));
    assert_eq!(made(0), Err(TlsaError::Missing("data")));
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        usage: u8,
        selector: u8,
        matching: u8,
        data in prop::collection::vec(any::<u8>(), 1..200),
    ) {
        let record = Tlsa::new(Usage(usage), Selector(selector), Matching(matching), data).unwrap();
        let read: Tlsa = record.to_string().parse().unwrap();
        prop_assert_eq!(&read, &record);
        // Whatever it says, it either can be used or tells why not.
        if let Some(reason) = record.unusable() {
            prop_assert!(!reason.to_string().is_empty());
        }
    }

    #[test]
    fn whatever_the_text_is_it_is_read_or_refused(text in "\\PC{0,80}|[0-9 \ta-fA-F]{0,80}") {
        if let Ok(record) = text.parse::<Tlsa>() {
            prop_assert_eq!(record.to_string().parse::<Tlsa>(), Ok(record));
        }
    }
}
