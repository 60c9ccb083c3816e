//! Lists of tags, `name=value; name=value`: the form that DKIM gave to its successors (RFC 6376 section 3.2). What a
//! tag means is told by the record that it stands in.

use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::char;
use nom::combinator::rest;
use nom::sequence::{delimited, separated_pair};
use nom::{IResult, Offset, Parser};

use super::Fault;

/// One tag.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Tag<'a> {
    /// Where its name begins.
    pub(super) at: usize,
    pub(super) name: &'a str,
    pub(super) value: &'a [u8],
}

impl Tag<'_> {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value as people can read it.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(self.value).into_owned()
    }

    /// Something that is the matter with it.
    pub(super) fn fault(&self, what: &'static str) -> Fault {
        Fault::new(
            self.at,
            what,
            [self.name.as_bytes(), b"=", self.value].concat(),
        )
    }
}

/// The tags of a record, each name once, and what is no tag.
pub(super) struct Tags<'a> {
    pub(super) tags: Vec<Tag<'a>>,
    pub(super) errors: Vec<Fault>,
    pub(super) oddities: Vec<Fault>,
}

impl<'a> Tags<'a> {
    /// More tags than any record has.
    pub(super) const LIMIT: usize = 64;

    /// tag-list = tag-spec *( ";" tag-spec ) [ ";" ]
    pub(super) fn of(record: &'a [u8]) -> Self {
        let mut read = Self {
            tags: Vec::new(),
            errors: Vec::new(),
            oddities: Vec::new(),
        };
        let pieces = record.split(|octet| *octet == b';');
        for (number, piece) in pieces.enumerate() {
            let at = record.offset(piece);
            if number == Self::LIMIT {
                let what = "there are more tags than are read";
                read.errors.push(Fault::new(at, what, piece));
                break;
            }
            read.add(at, piece, at + piece.len() == record.len());
        }
        read
    }

    fn add(&mut self, at: usize, piece: &'a [u8], is_last: bool) {
        if piece.trim_ascii().is_empty() {
            if !is_last {
                let what = "there is nothing between two semicolons";
                self.oddities.push(Fault::new(at, what, b";"));
            }
            return;
        }
        let begun = at + piece.len() - piece.trim_ascii_start().len();
        match tag(piece) {
            Ok((_, (name, value))) => {
                let name = core::str::from_utf8(name).unwrap_or_default();
                let tag = Tag {
                    at: begun,
                    name,
                    value: value.trim_ascii(),
                };
                match self.tags.iter().any(|known| known.is(name)) {
                    true => self.errors.push(tag.fault("the tag is there twice")),
                    false => self.tags.push(tag),
                }
            }
            Err(_) => {
                let what = "it is no tag with a value";
                self.errors
                    .push(Fault::new(begun, what, piece.trim_ascii()));
            }
        }
    }

    /// The tag of this name.
    pub(super) fn find(&self, name: &str) -> Option<Tag<'a>> {
        self.tags.iter().find(|tag| tag.is(name)).copied()
    }
}

/// tag-spec = [FWS] tag-name [FWS] "=" [FWS] tag-value [FWS]
fn tag(piece: &[u8]) -> IResult<&[u8], (&[u8], &[u8])> {
    let is_blank = |octet: u8| octet.is_ascii_whitespace();
    let is_name = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.');
    let name = delimited(
        take_while(is_blank),
        take_while1(is_name),
        take_while(is_blank),
    );
    separated_pair(name, char('='), rest).parse(piece)
}

/// The words of a value that are set off from each other by this octet, without the blanks around them.
pub(super) fn words(value: &[u8], separator: u8) -> Vec<String> {
    /// More words than any value has.
    const WORDS: usize = 64;
    let words = value.split(|octet| *octet == separator).take(WORDS);
    let words = words.map(|word| String::from_utf8_lossy(word.trim_ascii()).into_owned());
    words.filter(|word| !word.is_empty()).collect()
}

/// A value without the blanks in it: base64 is folded like that (RFC 6376 section 3.2).
pub(super) fn unfolded(value: &[u8]) -> Vec<u8> {
    let octets = value.iter().filter(|octet| !octet.is_ascii_whitespace());
    octets.copied().collect()
}

/// Whether this is a number of up to so many digits.
pub(super) fn is_number(value: &[u8], digits: usize) -> bool {
    let fits = (1..=digits).contains(&value.len());
    fits && value.iter().all(u8::is_ascii_digit)
}
