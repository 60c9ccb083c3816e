//! The bodies of the fuzz targets. Each states laws and panics where one does not hold; the corpus is replayed under
//! plain `cargo test`.

#![allow(clippy::panic, reason = "a broken law must stop the fuzzer")]

use core::fmt::Debug;

use crate::dns::{Answer, Kind, Question};
use crate::message::{Canary, Comparison, Date, DateForm, HeaderEnd, Headers, compare};
use crate::{Codec, Decoded, Oddities};

/// However a stream is cut, the same replies come out: these, each with the bytes that it took. `codec` makes one that
/// has read nothing yet; a `piece` of 0 bytes has one.
pub fn replies<C: Codec>(codec: impl Fn() -> C, stream: &[u8], piece: u8) -> Vec<(C::Reply, usize)>
where
    C::Reply: Debug + PartialEq,
{
    let whole = replies_in_pieces(codec(), stream, stream.len());
    let cut = replies_in_pieces(codec(), stream, usize::from(piece).max(1));
    assert_eq!(whole, cut, "cut into pieces of {piece}");
    whole.0
}

/// All replies of a stream that arrives in pieces, and how it ended: in an error or not.
fn replies_in_pieces<C: Codec>(
    mut codec: C,
    stream: &[u8],
    piece: usize,
) -> (Vec<(C::Reply, usize)>, bool) {
    let mut oddities = Oddities::default();
    let mut replies = Vec::new();
    let (mut start, mut end) = (0, 0);
    while end < stream.len() {
        end = (end + piece).min(stream.len());
        loop {
            match codec.decode(stream.get(start..end).unwrap_or_default(), &mut oddities) {
                Ok(Decoded::Frame { reply, used }) => {
                    replies.push((reply, used));
                    start += used;
                }
                Ok(Decoded::Partial) => break,
                Err(_) => return (replies, true),
            }
        }
    }
    (replies, false)
}

/// Any bytes are read as an answer or passed over, aliases lead nowhere but to an end, and whatever servers say, each
/// question comes to its end once.
pub fn dns(data: &[u8]) {
    let question = || {
        let name = "1.2.0.192.bl.test".parse().ok();
        name.map(|name| Question::new(name, Kind::A))
    };
    let Some(asked) = question() else {
        return;
    };
    let server = ([192, 0, 2, 53], 53).into();
    if let Some(answer) = Answer::of_message(asked, server, data) {
        let _ = (answer.records().count(), answer.is_by_alias(), answer.ttl());
    }
    crate::dns::converse(data);
}

/// Whatever the bytes are: no octet of a header section is lost, what is read as a date is read again when it is
/// written, only what is the same is identical, and a canary needs its field.
pub fn message(data: &[u8]) {
    header_section(data);
    for field in Headers::of(data).fields() {
        date(&field.value());
        date(field.raw_value());
    }
    date(data);
    assert_eq!(compare(data, data), Comparison::Identical);
    let (sent, received) = data.split_at(data.len() / 2);
    let comparison = compare(sent, received);
    assert_eq!(comparison.is_identical(), sent == received);
    assert_eq!(comparison.differences().is_empty(), sent == received);
    for difference in comparison.differences() {
        assert!(!difference.to_string().is_empty());
    }
    if Canary::recognise(data).is_some() {
        assert!(Headers::of(data).only(Canary::FIELD).is_some());
    }
}

/// Any bytes are read as challenges, as a cookie and as a date, within bounds; and a cookie goes to its origin alone.
pub fn http(data: &[u8]) {
    crate::http::fuzz(data);
}

fn header_section(message: &[u8]) {
    let headers = Headers::of(message);
    let read = headers.bytes();
    assert!(message.starts_with(read) && read.len() <= Headers::OCTETS);
    let mbox_line = headers.mbox_line().unwrap_or_default();
    assert!(read.starts_with(mbox_line));
    let fields: Vec<u8> = headers
        .fields()
        .flat_map(|field| field.bytes())
        .copied()
        .collect();
    let after = match headers.end() {
        HeaderEnd::EmptyLine { body } => {
            assert_eq!(body, read.len());
            let line = read.strip_suffix(b"\n").unwrap_or_default();
            line.strip_suffix(b"\r").unwrap_or(line)
        }
        HeaderEnd::Message => {
            assert_eq!(read.len(), message.len());
            read
        }
        HeaderEnd::Limit => read,
    };
    assert!(after.ends_with(&fields));
    assert!(headers.fields().count() <= Headers::FIELDS);
    assert!(headers.oddities().is_sorted());
    for field in headers.fields() {
        assert!(!field.value().contains(&b'\n'));
    }
}

fn date(value: &[u8]) {
    if let Some((date, _)) = Date::parse(value) {
        let written = date.to_string();
        assert_eq!(
            Date::parse(written.as_bytes()),
            Some((date, DateForm::Current))
        );
        let again = Date::parse_imap(date.imap_date_time().as_bytes());
        assert_eq!(again.map(|again| again.at()), Some(date.at()));
    }
    if let Some(date) = Date::parse_imap(value) {
        let again = Date::parse(date.to_string().as_bytes());
        assert_eq!(again, Some((date, DateForm::Current)));
    }
}

#[cfg(test)]
mod tests {
    use probe_testkit::corpus;

    #[test]
    fn the_corpus_of_answers_holds_the_laws() {
        for (_, data) in corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/dns")) {
            super::dns(&data);
        }
    }

    #[test]
    fn the_corpus_of_headers_holds_the_laws() {
        for (_, data) in corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/http")) {
            super::http(&data);
        }
    }

    #[test]
    fn the_corpus_of_messages_holds_the_laws() {
        for (_, data) in corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/message")) {
            super::message(&data);
        }
    }
}
