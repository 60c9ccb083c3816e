//! Documents and octets that chance makes.

#![allow(dead_code, reason = "each suite takes what it needs")]

use eas_probe::wbxml::{Builder, Tag, tags};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// One step in the making of a document.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Open(Tag),
    Close,
    Text(Tag, String),
    Opaque(Tag, Vec<u8>),
    Empty(Tag),
}

/// How deep a document becomes.
const DEPTH: usize = 12;

/// Steps with these elements.
pub(crate) fn steps(tags: impl Strategy<Value = Tag> + Clone) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => tags.clone().prop_map(Step::Open),
        2 => Just(Step::Close),
        3 => (tags.clone(), any::<String>()).prop_map(|(tag, text)| Step::Text(tag, text)),
        1 => (tags.clone(), vec(any::<u8>(), 0..200)).prop_map(|(tag, octets)| Step::Opaque(tag, octets)),
        2 => tags.clone().prop_map(Step::Empty),
    ];
    (tags, vec(step, 0..40)).prop_map(|(root, mut steps)| {
        steps.insert(0, Step::Open(root));
        steps
    })
}

/// The document of these steps; the first opens the outermost element.
pub(crate) fn build(steps: &[Step]) -> Builder {
    let (first, mut rest) = steps.split_first().unwrap();
    let Step::Open(root) = first else {
        return Builder::new(tags::air_sync::SYNC);
    };
    let mut builder = Builder::new(*root);
    // A step that closes the outermost element is passed over.
    while !rest.is_empty() {
        builder = content(builder, &mut rest, DEPTH);
    }
    builder
}

fn content(mut builder: Builder, rest: &mut &[Step], depth: usize) -> Builder {
    while let Some((step, after)) = rest.split_first() {
        *rest = after;
        builder = match step {
            Step::Close => return builder,
            Step::Open(tag) if depth == 0 => builder.empty(*tag),
            Step::Open(tag) => builder.element(*tag, |it| content(it, rest, depth - 1)),
            Step::Text(tag, text) => builder.text(*tag, text),
            Step::Opaque(tag, octets) => builder.opaque(*tag, octets),
            Step::Empty(tag) => builder.empty(*tag),
        };
    }
    builder
}

/// Elements of any kind, known or not.
pub(crate) fn tags() -> impl Strategy<Value = Tag> + Clone {
    let known: Vec<Tag> = tags::all().collect();
    let any = (any::<u8>(), 0x05_u8..=0x3F);
    prop_oneof![
        3 => select(known),
        1 => any.prop_filter_map("a token of an element", |(page, token)| Tag::new(page, token)),
    ]
}

/// Octets that are a document more often than chance would have it.
pub(crate) fn octets() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => (0x45_u8..=0x7F).prop_map(|token| vec![token]),
        2 => (0x05_u8..=0x3F).prop_map(|token| vec![token]),
        5 => Just(vec![0x01]),
        2 => (0_u8..30).prop_map(|page| vec![0x00, page]),
        3 => "[ -~]{0,6}".prop_map(|text| [b"\x03", text.as_bytes(), b"\x00"].concat()),
        1 => vec(any::<u8>(), 0..6).prop_map(|octets| {
            let length = u8::try_from(octets.len()).unwrap();
            [&[0xC3, length], octets.as_slice()].concat()
        }),
        1 => any::<u8>().prop_map(|octet| vec![octet]),
    ];
    let header = prop_oneof![
        8 => Just(vec![0x03, 0x01, 0x6A, 0x00]),
        1 => Just(vec![0x03, 0x00, 0x02, 0x6A, 0x02, 0x61, 0x00]),
    ];
    (header, vec(piece, 0..40)).prop_map(|(header, pieces)| {
        let document = [header, pieces.concat()].concat();
        close(document)
    })
}

/// Ends, as far as it looks, what was begun.
fn close(mut octets: Vec<u8>) -> Vec<u8> {
    let error = |octets: &[u8]| eas_probe::wbxml::Document::decode(octets).err();
    for _ in 0..64 {
        match error(&octets) {
            Some(it) if it.offset == octets.len() => octets.push(0x01),
            Some(it) if it.kind == eas_probe::wbxml::ErrorKind::Trailing => {
                octets.truncate(it.offset)
            }
            _ => break,
        }
    }
    octets
}
