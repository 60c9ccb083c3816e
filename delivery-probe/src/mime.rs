//! The parts of a message (RFC 2045, RFC 2046), as far as they are needed to find our own words in it: its leaves in
//! their order, decoded, within limits. Nothing is refused; what cannot be decoded stays as it is.

use std::borrow::Cow;

use data_encoding::BASE64_MIME_PERMISSIVE;
use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take_while, take_while1};
use nom::character::complete::{char, one_of};
use nom::combinator::{map, map_opt, opt, value};
use nom::multi::{fold_many0, many0};
use nom::sequence::{delimited, preceded, separated_pair, terminated};
use nom::{IResult, Parser};
use probe_net::message::{HeaderEnd, Headers};

/// A part that has no parts of its own; a message within the message is one.
#[derive(Clone, Debug)]
pub(crate) struct Leaf<'a> {
    pub(crate) headers: Headers<'a>,
    pub(crate) media: Media,
    pub(crate) body: &'a [u8],
}

impl<'a> Leaf<'a> {
    /// The most parts that are read, and how deep they may lie.
    pub(crate) const MOST: usize = 64;
    const DEPTH: usize = 8;

    /// The leaves of a message.
    pub(crate) fn all_of(message: &'a [u8]) -> Vec<Self> {
        let mut leaves = Vec::new();
        // What is yet to be looked at, the next last.
        let mut open = vec![(message, 0)];
        let mut looked_at = 0;
        while let Some((part, depth)) = open.pop() {
            looked_at += 1;
            if looked_at > Self::MOST {
                break;
            }
            let headers = Headers::of(part);
            let body = match headers.end() {
                HeaderEnd::EmptyLine { body } => part.get(body..).unwrap_or_default(),
                _ => &[],
            };
            let media = Media::of(&headers);
            match media.parameter("boundary") {
                Some(boundary) if media.is_multipart() && depth < Self::DEPTH => {
                    let parts = split(body, boundary.as_bytes());
                    open.extend(parts.into_iter().rev().map(|part| (part, depth + 1)));
                }
                _ => leaves.push(Self {
                    headers,
                    media,
                    body,
                }),
            }
        }
        leaves
    }

    /// How its body is written.
    pub(crate) fn encoding(&self) -> Encoding {
        let Some(field) = self.headers.get("Content-Transfer-Encoding") else {
            return Encoding::Identity;
        };
        match field.value().to_ascii_lowercase().as_slice() {
            b"base64" => Encoding::Base64,
            b"quoted-printable" => Encoding::QuotedPrintable,
            _ => Encoding::Identity,
        }
    }

    /// Its body, decoded.
    pub(crate) fn decoded(&self) -> Cow<'a, [u8]> {
        match self.encoding() {
            Encoding::Identity => Cow::Borrowed(self.body),
            Encoding::Base64 => base64(self.body).map_or(Cow::Borrowed(self.body), Cow::Owned),
            Encoding::QuotedPrintable => Cow::Owned(quoted_printable(self.body)),
        }
    }
}

/// How a body is written (RFC 2045 section 6).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Encoding {
    Base64,
    /// `7bit`, `8bit`, `binary`, or a name that nobody knows.
    Identity,
    QuotedPrintable,
}

/// What a part is: its type in small letters, and its parameters.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Media {
    pub(crate) name: String,
    parameters: Vec<(String, String)>,
}

impl Media {
    /// The most parameters that are read.
    const PARAMETERS: usize = 32;

    pub(crate) fn of(headers: &Headers<'_>) -> Self {
        let field = headers.get("Content-Type");
        let value = field.map(|field| field.value()).unwrap_or_default();
        media(&value).map_or_else(|_| Self::text(), |(_, media)| media)
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut all = self.parameters.iter();
        let (_, value) = all.find(|(known, _)| known == name)?;
        Some(value)
    }

    pub(crate) fn is_multipart(&self) -> bool {
        self.name.starts_with("multipart/")
    }

    /// RFC 2045 section 5.2.
    fn text() -> Self {
        Self {
            name: "text/plain".to_owned(),
            parameters: Vec::new(),
        }
    }
}

/// Decodes base64, whatever stands between its letters; `None` if it is none.
pub(crate) fn base64(text: &[u8]) -> Option<Vec<u8>> {
    let letters: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    BASE64_MIME_PERMISSIVE.decode(&letters).ok()
}

/// Decodes quoted-printable (RFC 2045 section 6.7); what is not written by its rules stays as it is.
pub(crate) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'=' {
            decoded.push(*first);
            continue;
        }
        if let Ok((after, octet)) = escaped(rest) {
            decoded.push(octet);
            rest = after;
        } else if let Ok((after, ())) = soft_break(rest) {
            rest = after;
        } else {
            decoded.push(b'=');
        }
    }
    decoded
}

/// A header's text with its encoded words read (RFC 2047), whatever charset they name.
pub(crate) fn unworded(text: &[u8]) -> Vec<u8> {
    if !text.windows(2).any(|pair| pair == b"=?") {
        return text.to_vec();
    }
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        match encoded_word(rest) {
            Ok((after, word)) => {
                plain.extend_from_slice(&word);
                // Blanks between two of them are not part of the text (section 6.2).
                let trimmed = after.trim_ascii_start();
                rest = match encoded_word(trimmed) {
                    Ok(_) => trimmed,
                    Err(_) => after,
                };
            }
            Err(_) => {
                plain.push(*first);
                rest = after;
            }
        }
    }
    plain
}

/// What stands between the lines of a boundary (RFC 2046 section 5.1.1).
fn split<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    let mut start = None;
    let mut at = 0;
    for line in body.split_inclusive(|byte| *byte == b'\n') {
        let next = at + line.len();
        let tail = line.strip_prefix(b"--");
        let tail = tail.and_then(|rest| rest.strip_prefix(boundary));
        if let Some(tail) = tail.map(<[u8]>::trim_ascii_end)
            && (tail.is_empty() || tail == b"--")
        {
            if let Some(start) = start {
                parts.push(without_line_end(body.get(start..at).unwrap_or_default()));
            }
            start = tail.is_empty().then_some(next);
            if parts.len() == Leaf::MOST || start.is_none() {
                return parts;
            }
        }
        at = next;
    }
    // The end is missing.
    parts.extend(start.and_then(|start| body.get(start..)));
    parts
}

/// A text without the one line end that belongs to the boundary.
fn without_line_end(text: &[u8]) -> &[u8] {
    let shorter = text.strip_suffix(b"\r\n");
    shorter.or_else(|| text.strip_suffix(b"\n")).unwrap_or(text)
}

/// ```abnf
/// content = type "/" subtype *(";" parameter)
/// ```
/// RFC 2045 section 5.1.
fn media(input: &[u8]) -> IResult<&[u8], Media> {
    let name = separated_pair(token, char('/'), token);
    let (rest, (major, minor)) = preceded(blanks, name).parse(input)?;
    let separator = (blanks, char(';'), blanks);
    let (rest, parameters) = fold_many0(
        preceded(separator, opt(parameter)),
        Vec::new,
        |mut all, found| {
            if all.len() < Media::PARAMETERS {
                all.extend(found);
            }
            all
        },
    )
    .parse(rest)?;
    let name = format!("{}/{}", lossy(major), lossy(minor)).to_ascii_lowercase();
    Ok((rest, Media { name, parameters }))
}

/// ```abnf
/// parameter = attribute "=" ( token / quoted-string )
/// ```
/// RFC 2045 section 5.1; blanks around the sign are read too.
fn parameter(input: &[u8]) -> IResult<&[u8], (String, String)> {
    let name = map(token, |name| lossy(name).to_ascii_lowercase());
    let plain = map(take_while1(|byte: u8| !b"; \t\"".contains(&byte)), lossy);
    let equals = (blanks, char('='), blanks);
    separated_pair(name, equals, alt((quoted, plain))).parse(input)
}

/// ```abnf
/// quoted-string = DQUOTE *(qtext / quoted-pair) DQUOTE
/// ```
/// RFC 5322 section 3.2.4.
fn quoted(input: &[u8]) -> IResult<&[u8], String> {
    let pair = preceded(char('\\'), nom::bytes::complete::take(1_usize));
    let texts = many0(alt((pair, is_not("\\\""))));
    let quoted = delimited(char('"'), texts, char('"'));
    map(quoted, |texts: Vec<&[u8]>| lossy(&texts.concat())).parse(input)
}

fn token(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte))(input)
}

fn blanks(input: &[u8]) -> IResult<&[u8], ()> {
    value((), take_while(|byte: u8| byte.is_ascii_whitespace())).parse(input)
}

/// ```abnf
/// hex-octet = "=" 2(DIGIT / "A" / "B" / "C" / "D" / "E" / "F")
/// ```
/// RFC 2045 section 6.7, behind the sign; small letters are read too.
fn escaped(input: &[u8]) -> IResult<&[u8], u8> {
    let digit = |input| map_opt(one_of("0123456789abcdefABCDEF"), |c| c.to_digit(16)).parse(input);
    map_opt((digit, digit), |(high, low)| {
        u8::try_from(high * 16 + low).ok()
    })
    .parse(input)
}

/// A line end that is none, behind its sign.
fn soft_break(input: &[u8]) -> IResult<&[u8], ()> {
    let padding = take_while(|byte| matches!(byte, b' ' | b'\t'));
    value((), (padding, alt((tag("\r\n"), tag("\n"))))).parse(input)
}

/// ```abnf
/// encoded-word = "=?" charset "?" encoding "?" encoded-text "?="
/// ```
/// RFC 2047 section 2.
fn encoded_word(input: &[u8]) -> IResult<&[u8], Vec<u8>> {
    let part = |input| {
        take_while::<_, &[u8], nom::error::Error<_>>(|byte: u8| {
            byte.is_ascii_graphic() && byte != b'?'
        })(input)
    };
    let text = take_while(|byte: u8| byte != b'?' && byte != b'\n');
    let letters = terminated(one_of("bBqQ"), char('?'));
    let word = delimited((tag("=?"), part, char('?')), (letters, text), tag("?="));
    map_opt(word, |(encoding, text): (char, &[u8])| match encoding {
        'b' | 'B' => base64(text),
        _ => {
            let spaced: Vec<u8> = text
                .iter()
                .map(|byte| if *byte == b'_' { b' ' } else { *byte })
                .collect();
            Some(quoted_printable(&spaced))
        }
    })
    .parse(input)
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaves(message: &str) -> usize {
        Leaf::all_of(message.as_bytes()).len()
    }

    fn media_of(value: &str) -> Media {
        let message = format!("Content-Type: {value}\r\n\r\n");
        Media::of(&Headers::of(message.as_bytes()))
    }

    #[test]
    fn parts_are_found_whatever_stands_around_them() {
        let message = "Content-Type: Multipart/Mixed; boundary=b\r\n\r\npreamble\r\n--b\r\n\r\none\r\n\
            --b \r\nContent-Type: multipart/alternative; boundary=\"b c\"\r\n\r\n--b c\r\n\r\ntwo\r\n--b c--\r\n\r\n\
            --b\r\nContent-Type: text/html\r\n\r\n--bc\r\nthree\r\n--b--\r\nepilogue\r\n--b\r\n\r\nnone\r\n";
        let all = Leaf::all_of(message.as_bytes());
        let told: Vec<_> = all
            .iter()
            .map(|leaf| (leaf.media.name.as_str(), leaf.body))
            .collect();
        assert_eq!(
            told,
            [
                ("text/plain", &b"one"[..]),
                ("text/plain", b"two"),
                ("text/html", b"--bc\r\nthree")
            ]
        );
        // Cut off before its end, or never begun.
        assert_eq!(leaves_of_cut(), (1, 0));
        assert_eq!(leaves("\r\nbody"), 1);
        assert_eq!(leaves("Content-Type: multipart/mixed\r\n\r\nbody"), 1);
    }

    fn leaves_of_cut() -> (usize, usize) {
        let head = "Content-Type: multipart/mixed; boundary=b\r\n\r\n";
        (
            leaves(&format!("{head}--b\r\n\r\nhalf")),
            leaves(&format!("{head}nothing")),
        )
    }

    #[test]
    fn parts_are_read_up_to_the_limit() {
        let flat = |count: usize| {
            let parts = "--b\r\n\r\nx\r\n".repeat(count);
            leaves(&format!(
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n{parts}--b--\r\n"
            ))
        };
        // One of those that are looked at is the message itself.
        assert_eq!(
            (flat(Leaf::MOST - 1), flat(Leaf::MOST), flat(Leaf::MOST + 1)),
            (63, 63, 63)
        );
        let deep = |depth: usize| {
            let mut message = "\r\nx".to_owned();
            for level in 0..depth {
                message = format!(
                    "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n{message}\r\n--b{level}--\r\n"
                );
            }
            let leaves = Leaf::all_of(message.as_bytes());
            leaves
                .first()
                .map(|leaf| leaf.body.to_vec())
                .unwrap_or_default()
        };
        assert_eq!(deep(Leaf::DEPTH), b"x");
        assert!(deep(Leaf::DEPTH + 1).starts_with(b"--b0"));
    }

    #[test]
    fn parameters_are_read_up_to_the_limit_and_in_every_spelling() {
        let media = media_of("text/plain ; Charset = \"a\\\"b\" ;; format=flowed;x");
        assert_eq!(
            (media.parameter("charset"), media.parameter("format")),
            (Some("a\"b"), Some("flowed"))
        );
        let last = |count: usize| {
            let media = media_of(&format!("a/b{}; last=1", "; x=1".repeat(count)));
            media.parameter("last").is_some()
        };
        assert!(last(Media::PARAMETERS - 1) && !last(Media::PARAMETERS));
        assert_eq!(media_of("nonsense").name, "text/plain");
    }

    #[test]
    fn what_is_encoded_is_decoded_and_what_is_not_stays() {
        assert_eq!(
            quoted_printable(b"a=20b=\r\nc=3d=zz=C3=BC= \n!="),
            b"a bc==zz\xc3\xbc!="
        );
        assert_eq!(base64(b"YWJj\r\nZA==\r\n").unwrap(), b"abcd");
        assert_eq!(base64(b"!"), None);
        let broken = Leaf::all_of(b"Content-Transfer-Encoding: BASE64\r\n\r\n!!");
        assert_eq!(
            broken.first().map(|leaf| leaf.decoded().into_owned()),
            Some(b"!!".to_vec())
        );
    }

    #[test]
    fn encoded_words_are_read_and_blanks_between_two_of_them_are_none() {
        // RFC 2047 section 8.
        assert_eq!(unworded(b"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?="), b"ab");
        assert_eq!(unworded(b"=?utf-8?q?a_b?= c =?utf-8?B?ZA==?="), b"a b c d");
        for plain in ["a = b", "=?", "=?utf-8?x?a?=", "=?utf-8?q?a"] {
            assert_eq!(unworded(plain.as_bytes()), plain.as_bytes());
        }
    }
}
