//! The laws of the records: any octets are read, and what is written is read as the same.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

use mx_check::records::bimi::Bimi;
use mx_check::records::dkim::DkimKey;
use mx_check::records::dmarc::Dmarc;
use mx_check::records::mta_sts::{Policy, Record};
use mx_check::records::spf::{MacroString, Spf};
use mx_check::records::tls_rpt::TlsRpt;
use proptest::prelude::*;

/// Arbitrary octets, and texts that look like records for a while.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let octets = proptest::collection::vec(any::<u8>(), 0..200);
    let word = "(v=spf1|v=DMARC1;|v=DKIM1;|v=STSv1;|p=|k=rsa;|a:|mx|/|//|24|%\\{[a-z]|\\}|[ -~]{0,4}|=|;|:|\n| )";
    let words = proptest::collection::vec(word, 0..24);
    prop_oneof![octets, words.prop_map(|words| words.concat().into_bytes())]
}

fn term() -> impl Strategy<Value = String> {
    let target = "(%\\{[slodiphv][1-9]?r?[.+,/_=-]{0,2}\\}\\.|%%|%_|%-|[a-z]{1,5}\\.){0,4}[a-z]{2,4}\\.[a-z]{2,4}";
    let prefixes = "(/(0|[1-9]|[12][0-9]|3[0-2]))?(//(0|[1-9][0-9]|1[0-2][0-8]))?";
    let sign = "[-?~]?";
    prop_oneof![
        (sign, "(a|mx)", target, prefixes).prop_map(|(s, m, t, p)| format!("{s}{m}:{t}{p}")),
        (sign, "(a|mx)", prefixes).prop_map(|(s, m, p)| format!("{s}{m}{p}")),
        (sign, "(include|exists|ptr)", target).prop_map(|(s, m, t)| format!("{s}{m}:{t}")),
        (sign, any::<std::net::Ipv4Addr>(), 0..32u8)
            .prop_map(|(s, a, b)| format!("{s}ip4:{a}/{b}")),
        (sign, any::<std::net::Ipv6Addr>(), 0..128u8)
            .prop_map(|(s, a, b)| format!("{s}ip6:{a}/{b}")),
        ("[a-z]{1,4}x", target).prop_map(|(name, t)| format!("{name}={t}")),
        sign.prop_map(|s| format!("{s}all")),
    ]
}

proptest! {
    #[test]
    fn any_octets_are_read(text in text()) {
        let size = text.len();
        let spf = Spf::parse(&text);
        prop_assert!(spf.terms.len() <= size);
        for fault in spf.errors.iter().chain(&spf.oddities) {
            prop_assert!(fault.at <= size);
        }
        Spf::is_nearly_one(&text);
        let dmarc = Dmarc::parse(&text);
        for fault in dmarc.errors.iter().chain(&dmarc.oddities) {
            prop_assert!(fault.at <= size);
        }
        let _ = (DkimKey::is_one(&text), DkimKey::parse(&text));
        let _ = (Record::parse(&text), Policy::parse(&text), Policy::parse(&text).to_mta_sts());
        let _ = (TlsRpt::parse(&text), Bimi::parse(&text));
    }

    #[test]
    fn any_octets_are_read_as_a_key(octets in proptest::collection::vec(any::<u8>(), 0..64), cut in 0..300usize) {
        use base64::Engine as _;
        let engine = base64::engine::general_purpose::STANDARD;
        let text = format!("v=DKIM1; p={}", engine.encode(&octets));
        DkimKey::parse(text.as_bytes());
        // A frame with an honest start, and anything behind it.
        let start = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA8iL4ZKX29fNK5u/kuUt3K7pXY3Um";
        let start = &start[..cut.min(start.len())];
        DkimKey::parse(format!("p={start}{}", engine.encode(&octets)).as_bytes());
    }

    #[test]
    fn an_spf_record_that_is_written_is_read_as_the_same(terms in proptest::collection::vec(term(), 0..12)) {
        let text = format!("v=spf1{}", terms.iter().map(|term| format!(" {term}")).collect::<String>());
        let read = Spf::parse(text.as_bytes());
        prop_assert!(read.errors.is_empty(), "{:?} in {text}", read.errors);
        prop_assert_eq!(read.terms.len(), terms.len());
        let again = Spf::parse(read.to_string().as_bytes());
        prop_assert_eq!(&again.terms, &read.terms);
    }

    #[test]
    fn a_macro_that_is_written_is_read_as_the_same(text in "(%\\{[a-zA-Z][0-9]{0,3}[rR]?[.+,/_=-]{0,3}\\}|%%|%_|%-|[a-z.]{1,3}){0,6}") {
        if let Some(read) = MacroString::parse(&text) {
            let again = MacroString::parse(&read.to_string());
            prop_assert_eq!(again, Some(read));
        }
    }

    #[test]
    fn a_dmarc_record_that_is_written_is_read_as_the_same(text in text()) {
        let read = Dmarc::parse(&text);
        if read.errors.is_empty() && read.oddities.is_empty() {
            let again = Dmarc::parse(read.to_string().as_bytes());
            prop_assert_eq!(again, read);
        }
    }

    #[test]
    fn a_dmarc_record_of_known_tags_is_read_as_it_is_written(
        p in "(none|quarantine|reject)", sp in "(; sp=(none|quarantine|reject))?", strict in "(; adkim=s)?",
        test in "(; t=y)?", rua in "(; rua=mailto:[a-z]{1,5}@[a-z]{1,5}\\.org(![1-9][0-9]?[kmg]?)?)?",
    ) {
        let text = format!("v=DMARC1; p={p}{sp}{strict}{test}{rua}");
        let read = Dmarc::parse(text.as_bytes());
        prop_assert!(read.errors.is_empty() && read.oddities.is_empty());
        prop_assert_eq!(read.to_string(), text);
    }
}
