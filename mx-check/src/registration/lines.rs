//! How WHOIS lays out what it says: keys and values, headings and what stands beneath them, comments and law. What a
//! key means is in `whois`.

use nom::branch::alt;
use nom::bytes::complete::{tag, take_until};
use nom::character::complete::{anychar, char, space0};
use nom::combinator::{opt, rest, verify};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

/// The most lines that are read. Most of an answer is law.
pub(super) const LINES: usize = 4096;

/// One thing that is told.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Entry<'a> {
    /// The heading that it stands beneath, by letters and digits in lower case.
    pub(super) block: String,
    /// Its key, likewise; that of the block, where it has none of its own.
    pub(super) key: String,
    pub(super) value: &'a str,
}

/// UTF-8, or else Latin-1: one of the two it is.
pub(super) fn decode(bytes: &[u8]) -> String {
    match core::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// What is told line by line, up to the law beneath it.
pub(super) fn entries(text: &str) -> Vec<Entry<'_>> {
    let mut entries = Vec::new();
    let mut block: Option<Block> = None;
    for line in text.lines().take(LINES) {
        let indented = line.starts_with([' ', '\t']);
        let line = line.trim();
        if line.is_empty() {
            block = None;
            continue;
        }
        // The registries of ICANN end so.
        if line.starts_with(">>>") {
            break;
        }
        if is_comment(line) {
            continue;
        }
        match (keyed(line), &mut block) {
            (Ok((_, (key, ""))), _) => block = Some(Block::new(letters(key), true)),
            (Ok((_, (key, value))), open) => {
                let key = letters(key);
                let open = open.get_or_insert_with(|| Block::new(String::new(), false));
                open.last.clone_from(&key);
                entries.push(Entry {
                    block: open.key.clone(),
                    key,
                    value,
                });
            }
            (Err(_), Some(open)) if indented || open.has_colon => entries.push(Entry {
                block: open.key.clone(),
                key: open.last.clone(),
                value: line,
            }),
            (Err(_), _) => block = Some(Block::new(letters(line), false)),
        }
    }
    entries
}

/// A heading, and what may stand beneath it.
struct Block {
    key: String,
    /// Then lines that are not indented are its own too.
    has_colon: bool,
    /// The key that a line without one belongs to: the one before it, or the heading.
    last: String,
}

impl Block {
    fn new(key: String, has_colon: bool) -> Self {
        Self {
            last: key.clone(),
            key,
            has_colon,
        }
    }
}

pub(super) fn is_comment(line: &str) -> bool {
    line.starts_with(['%', '#', ';'])
}

/// `Key: value`, `key.....: value`, `[Key] value`, `a. [Key] value`.
fn keyed(line: &str) -> IResult<&str, (&str, &str)> {
    let (left, (key, value)) = alt((bracketed, colon)).parse(line)?;
    Ok((left, (key, value.trim())))
}

fn bracketed(line: &str) -> IResult<&str, (&str, &str)> {
    let letter = (anychar, tag("."), space0);
    let key = delimited(char('['), take_until("]"), char(']'));
    (preceded(opt(letter), key), rest).parse(line)
}

fn colon(line: &str) -> IResult<&str, (&str, &str)> {
    /// Longer is a sentence.
    const LONGEST: usize = 48;
    let is_key = |key: &str| {
        // A name server with its address of IPv6 is none; dots that lead to the colon are.
        let inner = |(at, _)| {
            key.get(at + 1..)
                .is_some_and(|rest| rest.starts_with(char::is_alphanumeric))
        };
        let fits = key.len() <= LONGEST && key.contains(char::is_alphanumeric);
        fits && !key.match_indices('.').any(inner)
    };
    let key = terminated(verify(take_until(":"), is_key), char(':'));
    // Not that of a URL.
    let value = verify(rest, |value: &str| !value.starts_with("//"));
    (key, value).parse(line)
}

/// As much of a key as all agree on.
pub(super) fn letters(key: &str) -> String {
    /// No heading that means something is longer.
    const LONGEST: usize = 64;
    let letters = key.chars().filter(|c| c.is_alphanumeric()).take(LONGEST);
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, String, String)> {
        let told = entries(text).into_iter();
        told.map(|entry| (entry.block, entry.key, entry.value.to_owned()))
            .collect()
    }

    fn entry(block: &str, key: &str, value: &str) -> (String, String, String) {
        (block.to_owned(), key.to_owned(), value.to_owned())
    }

    #[test]
    fn every_dialect_comes_to_keys_and_values() {
        for (text, expected) in [
            (
                "   Registry Expiry Date: 2027-01-31T04:00:00Z\r\n",
                entry("", "registryexpirydate", "2027-01-31T04:00:00Z"),
            ),
            (
                "expires............: 3.7.2027 10:15:04",
                entry("", "expires", "3.7.2027 10:15:04"),
            ),
            (
                "[Expires on]                 2027/05/31",
                entry("", "expireson", "2027/05/31"),
            ),
            (
                "p. [Name Server]             ns1.example.co.jp",
                entry("", "nameserver", "ns1.example.co.jp"),
            ),
            (
                "    Name servers:\n        ns1.example.net  192.0.2.1",
                entry("nameservers", "nameservers", "ns1.example.net  192.0.2.1"),
            ),
            (
                "Nameservers\n  ns1.example.it",
                entry("nameservers", "nameservers", "ns1.example.it"),
            ),
            (
                "Registrar:\n\tName:\t Example",
                entry("registrar", "name", "Example"),
            ),
            (
                "** Domain Servers:\nns1.example.tr",
                entry("domainservers", "domainservers", "ns1.example.tr"),
            ),
        ] {
            assert_eq!(told(text), [expected], "{text}");
        }
        for text in [
            "",
            "% a: b",
            "# a: b",
            ">>> Last update: now <<<\na: b",
            "http://example.org/",
            ":x",
            "[a",
        ] {
            assert_eq!(told(text), [], "{text}");
        }
    }
}
