//! Laws of messages that hold for all input: nothing is lost, what is written is read again, only what is the same is
//! identical, and only a canary is a canary.

#![cfg(feature = "message")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "these are tests"
)]

use std::time::{Duration, SystemTime};

use probe_net::message::{
    Canary, Comparison, Date, DateForm, Difference, HeaderEnd, Headers, Offset, Token, compare,
};
use proptest::prelude::*;

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

/// A name and what stands behind the colon: lines that begin with a blank after the first.
fn field() -> impl Strategy<Value = (String, String)> {
    let first = "[!-~]{0,20}( [!-~]{1,8}){0,3}";
    let folded = proptest::collection::vec("[ \t][!-~]{1,20}", 0..3);
    ("[!-9;-~]{1,12}", first, folded).prop_map(|(name, first, folded)| {
        let lines: Vec<String> = [vec![format!(" {first}")], folded].concat();
        (name, lines.join("\r\n"))
    })
}

/// Bytes that look like a message more often than chance would have it.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        "[!-9;-~]{1,8}[ ]?:[ -~]{0,20}\r?\n",
        "[ \t][ -~]{0,20}\r?\n",
        "(Subject|Date|To|From|Message-ID|X-Mailprobe-Canary): [ -~]{0,40}\r\n",
        "\\.{0,2}[ -~]{0,10}( {0,2})\r?\n",
        "(>?From [ -~]{0,20})?\r?\n",
    ];
    let noise = proptest::collection::vec(any::<u8>(), 0..30);
    let piece = prop_oneof![9 => line.prop_map(String::into_bytes), 1 => noise];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

prop_compose! {
    fn canary()(
        from in "[a-z]{1,9}(\\.[a-z]{1,9}){0,2}@[a-z]{1,9}(\\.[a-z]{2,9}){0,3}",
        to in "[a-z]{1,9}@([a-z]{1,9}\\.example|\\[192\\.0\\.2\\.1\\])",
        token in any::<[u8; 16]>(),
        seconds in 0..=LAST,
        is_eight_bit in any::<bool>(),
    ) -> Canary {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let canary = Canary::new(from, to, Token::from_bytes(token), now).unwrap();
        if is_eight_bit { canary.with_eight_bit() } else { canary }
    }
}

proptest! {
    #[test]
    fn fields_are_read_as_they_were_written(fields in proptest::collection::vec(field(), 0..12), body in message()) {
        let mut text = String::new();
        for (name, value) in &fields {
            text += &format!("{name}:{value}\r\n");
        }
        let whole = [text.as_bytes(), b"\r\n", &body].concat();
        let headers = Headers::of(&whole);
        let read: Vec<_> = headers.fields().collect();
        prop_assert_eq!(read.len(), fields.len());
        for (field, (name, value)) in read.iter().zip(&fields) {
            prop_assert_eq!(field.name(), Some(name.as_bytes()));
            prop_assert_eq!(field.raw_value(), value.as_bytes());
            let unfolded = value.replace("\r\n", "");
            prop_assert_eq!(&*field.value(), unfolded.trim().as_bytes());
            prop_assert!(headers.get(&name.to_uppercase()).is_some());
        }
        prop_assert_eq!(headers.end(), HeaderEnd::EmptyLine { body: text.len() + 2 });
    }

    #[test]
    fn no_octet_of_a_header_section_is_lost(message in message()) {
        let headers = Headers::of(&message);
        let fields: Vec<u8> = headers.fields().flat_map(|field| field.bytes()).copied().collect();
        let mbox_line = headers.mbox_line().map_or(0, <[u8]>::len);
        let line_ends = headers.bytes().len() - fields.len() - mbox_line;
        prop_assert!(message.starts_with(headers.bytes()) && line_ends <= 4);
    }

    #[test]
    fn a_date_is_read_as_it_was_written(seconds in 86400 * 5..LAST - 86400 * 5, minutes in -5999_i16..=5999) {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let offset = Offset::from_minutes(minutes).unwrap();
        let date = Date::new(at, offset).unwrap();
        prop_assert_eq!((date.at(), date.offset()), (at, Some(offset)));
        prop_assert_eq!(Date::parse(date.to_string().as_bytes()), Some((date, DateForm::Current)));
        prop_assert_eq!(Date::parse_imap(date.imap_date_time().as_bytes()), Some(date));
        prop_assert!(date.imap_date_time().trim_start_matches(['"', ' ']).starts_with(&date.imap_date()));
    }

    #[test]
    fn whatever_looks_like_a_date_is_read_without_a_panic(text in "([A-Z][a-z]{2},? )?[0-9]{1,2}[ -](Jan|feb|Foo)[ -][0-9]{1,5} [0-9]{1,2}:[0-9]{2}(:[0-9]{2})?( ([+-][0-9]{4}|[A-Z]{1,4}|\\(.{0,9}\\)))?") {
        if let Some((date, _)) = Date::parse(text.as_bytes()) {
            prop_assert_eq!(Date::parse(date.to_string().as_bytes()), Some((date, DateForm::Current)));
        }
        let _ = Date::parse_imap(text.as_bytes());
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let headers = Headers::of(&bytes);
        prop_assert!(headers.oddities().is_sorted());
        let _ = (Date::parse(&bytes), Date::parse_imap(&bytes));
        prop_assert_eq!(Canary::recognise(&bytes), None);
        prop_assert_eq!(compare(&bytes, &bytes), Comparison::Identical);
    }

    #[test]
    fn only_what_is_the_same_is_identical(sent in message(), received in message()) {
        prop_assert_eq!(compare(&sent, &sent), Comparison::Identical);
        let comparison = compare(&sent, &received);
        prop_assert_eq!(comparison.is_identical(), sent == received);
        prop_assert_eq!(comparison.differences().is_empty(), sent == received);
    }

    #[test]
    fn a_changed_octet_is_never_overlooked(canary in canary(), place in any::<prop::sample::Index>(), change in 1..=255_u8) {
        let mut received = canary.bytes().to_vec();
        received[place.index(canary.bytes().len())] ^= change;
        prop_assert!(!compare(canary.bytes(), &received).differences().is_empty());
    }

    #[test]
    fn a_canary_cut_anywhere_in_its_body_is_truncated_there(canary in canary(), place in any::<prop::sample::Index>()) {
        let whole = canary.bytes();
        let HeaderEnd::EmptyLine { body } = Headers::of(whole).end() else { unreachable!() };
        // Of the last line and what follows, a part may be blanks and line ends, which are told otherwise.
        let at = body + place.index(whole.len() - body - 6);
        let comparison = compare(whole, &whole[..at]);
        let is_truncated = |found: &Difference| matches!(found, Difference::Truncated { at: told } if *told <= at);
        prop_assert!(comparison.differences().iter().any(is_truncated), "{comparison:?}");
    }

    #[test]
    fn a_canary_is_known_again_after_any_hops(canary in canary(), hops in proptest::collection::vec("(Received|DKIM-Signature|X-Spam-Status|Delivered-To): [!-~ ]{0,60}\r\n", 0..6)) {
        let received = [hops.concat().as_bytes(), canary.bytes()].concat();
        let headers = Headers::of(&received);
        prop_assert_eq!(Canary::recognise(headers.bytes()), Some(canary.mark()));
        prop_assert!(canary.is(&received));
        let differences = compare(canary.bytes(), &received);
        let only_fields = |found: &Difference| matches!(found, Difference::FieldsAdded(_));
        prop_assert!(differences.differences().iter().all(only_fields));
        prop_assert_eq!(differences.is_identical(), hops.is_empty());
    }

    #[test]
    fn nothing_else_is_taken_for_a_canary(message in message(), canary in canary(), lost in 0..8_usize) {
        prop_assert_eq!(Canary::recognise(&message), None);
        // Each of the first eight fields is one that a canary has.
        let headers = Headers::of(canary.bytes());
        let kept = headers.fields().enumerate().filter(|(place, _)| *place != lost);
        let rest: Vec<u8> = kept.flat_map(|(_, field)| field.bytes()).copied().collect();
        prop_assert_eq!(Canary::recognise(&rest), None);
    }
}
