//! The header section of a message (RFC 5322 section 2.2), as a view: no byte is copied unless a field is unfolded,
//! and none is lost. What a field means is not decided here.

use std::borrow::Cow;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while1};
use nom::character::complete::{char, one_of};
use nom::combinator::{not, opt, peek, recognize, rest, verify};
use nom::multi::many0_count;
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};

/// The header section of a message, whatever state it is in.
///
/// Servers hold messages of all times and makers, so nothing is refused: what should not be there is kept and is one
/// of the [oddities](Self::oddities).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Headers<'a> {
    mbox_line: Option<&'a [u8]>,
    fields: &'a [u8],
    /// All that was read: the mbox line, the fields, the empty line.
    read: &'a [u8],
    end: HeaderEnd,
}

/// How a header section ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum HeaderEnd {
    /// With an empty line, as it must where a body follows.
    EmptyLine {
        /// Where the body begins, counted from the start of the message.
        body: usize,
    },
    /// With the message itself: there is no body (RFC 5322 section 2.1 allows it), or the line before it is missing.
    Message,
    /// At a limit: there is more, which was not read.
    Limit,
}

/// What should not be in a header section, and was tolerated.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum HeaderOddity {
    /// A line that ended with LF alone (RFC 5322 section 2.3).
    BareLf,
    /// A byte above 127, which only RFC 6532 allows.
    EightBit,
    /// A separator line of an mbox file before the first field.
    MboxLine,
    /// A line that is neither a field nor the continuation of one.
    NoColon,
    /// No empty line at the end.
    NoEmptyLine,
    /// Blanks between the name and the colon (RFC 5322 section 4.5), which let two readers see two different fields.
    SpaceBeforeColon,
    /// More than one of the limits allows; the rest was not read.
    TooLong,
}

impl<'a> Headers<'a> {
    /// The most octets of a header section that are read, its empty line included. The largest that a common server
    /// takes by default is a quarter of it.
    pub const OCTETS: usize = 256 * 1024;

    /// The most fields of a header section that are read; a message that went round in a circle has some hundreds.
    pub const FIELDS: usize = 1024;

    /// The header section at the start of `message`, which may be all there is.
    pub fn of(message: &'a [u8]) -> Self {
        let window = message.get(..Self::OCTETS).unwrap_or(message);
        let is_cut = window.len() < message.len();
        let (fields, mbox_line) = match mbox_line(window) {
            Ok((fields, line)) => (fields, Some(line)),
            Err(_) => (window, None),
        };
        let mut unread = fields;
        let mut count = 0;
        let end = loop {
            if let Ok((body, _)) = empty_line(unread) {
                let body = window.len() - body.len();
                break HeaderEnd::EmptyLine { body };
            }
            let Ok((after, _)) = field(unread) else {
                break if is_cut {
                    HeaderEnd::Limit
                } else {
                    HeaderEnd::Message
                };
            };
            // What reaches the limit may be half a field.
            if count == Self::FIELDS || (is_cut && after.is_empty()) {
                break HeaderEnd::Limit;
            }
            unread = after;
            count += 1;
        };
        let read = match end {
            HeaderEnd::EmptyLine { body } => body,
            HeaderEnd::Message | HeaderEnd::Limit => window.len() - unread.len(),
        };
        Self {
            mbox_line,
            fields: before(fields, unread),
            read: window.get(..read).unwrap_or(window),
            end,
        }
    }

    /// The fields in their order, those that are no fields among them.
    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let mut unread = self.fields;
        core::iter::from_fn(move || {
            let (after, field) = field(unread).ok()?;
            unread = after;
            Some(field)
        })
    }

    /// The first field of this name, in any case of letters.
    pub fn get(&self, name: &str) -> Option<Field<'a>> {
        self.all(name).next()
    }

    /// The fields of this name, in any case of letters.
    pub fn all<'n>(&self, name: &'n str) -> impl Iterator<Item = Field<'a>> + use<'a, 'n> {
        self.fields().filter(move |field| field.is(name))
    }

    /// The field of this name if there is exactly one.
    pub fn only(&self, name: &str) -> Option<Field<'a>> {
        let mut all = self.all(name);
        all.next().filter(|_| all.next().is_none())
    }

    /// How it ended, and where the body begins.
    pub fn end(&self) -> HeaderEnd {
        self.end
    }

    /// The separator line of an mbox file that some servers leave in front, without its line end.
    pub fn mbox_line(&self) -> Option<&'a [u8]> {
        self.mbox_line.map(without_line_end)
    }

    /// All that was read, the empty line included.
    pub fn bytes(&self) -> &'a [u8] {
        self.read
    }

    /// What was tolerated, each once.
    pub fn oddities(&self) -> Vec<HeaderOddity> {
        let mut lines = self.read.split_inclusive(|byte| *byte == b'\n');
        let is_bare = |line: &[u8]| line.ends_with(b"\n") && !line.ends_with(b"\r\n");
        let has_colon_apart = |field: Field<'_>| field.has_space_before_colon;
        let seen = [
            (HeaderOddity::BareLf, lines.any(is_bare)),
            (HeaderOddity::EightBit, !self.read.is_ascii()),
            (HeaderOddity::MboxLine, self.mbox_line.is_some()),
            (
                HeaderOddity::NoColon,
                self.fields().any(|field| field.name.is_none()),
            ),
            (HeaderOddity::NoEmptyLine, self.end == HeaderEnd::Message),
            (
                HeaderOddity::SpaceBeforeColon,
                self.fields().any(has_colon_apart),
            ),
            (HeaderOddity::TooLong, self.end == HeaderEnd::Limit),
        ];
        let seen = seen.into_iter().filter(|(_, is_seen)| *is_seen);
        seen.map(|(oddity, _)| oddity).collect()
    }
}

/// One field of a header section, or a line that is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Field<'a> {
    name: Option<&'a [u8]>,
    has_space_before_colon: bool,
    raw_value: &'a [u8],
    bytes: &'a [u8],
}

impl<'a> Field<'a> {
    /// Its name as it is written; `None` for a line without one, all of which is the value.
    pub fn name(&self) -> Option<&'a [u8]> {
        self.name
    }

    /// Whether this is its name, in any case of letters.
    pub fn is(&self, name: &str) -> bool {
        self.name
            .is_some_and(|own| own.eq_ignore_ascii_case(name.as_bytes()))
    }

    /// All that stands behind the colon, blanks and folding included, without the last line end.
    pub fn raw_value(&self) -> &'a [u8] {
        self.raw_value
    }

    /// The value in one line (RFC 5322 section 2.2.3), without blanks around it.
    pub fn value(&self) -> Cow<'a, [u8]> {
        if !self.raw_value.contains(&b'\n') {
            return Cow::Borrowed(self.raw_value.trim_ascii());
        }
        let mut unfolded = Vec::with_capacity(self.raw_value.len());
        for line in self.raw_value.split_inclusive(|byte| *byte == b'\n') {
            unfolded.extend_from_slice(without_line_end(line));
        }
        Cow::Owned(unfolded.trim_ascii().to_vec())
    }

    /// The whole field as it came, its line ends included.
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// ```abnf
/// field      = field-name *WSP ":" unstructured CRLF
/// field-name = 1*ftext
/// ftext      = %d33-57 / %d59-126
/// ```
/// RFC 5322 sections 2.2, 3.6.8 and 4.5; a line that is no field is one without a name.
fn field(input: &[u8]) -> IResult<&[u8], Field<'_>> {
    let (after, bytes) = folded(input)?;
    let name = take_while1(|byte: u8| matches!(byte, 33..=57 | 59..=126));
    let parts: IResult<&[u8], (&[u8], &[u8])> =
        terminated((name, take_while(is_blank)), char(':')).parse(bytes);
    let field = match parts {
        Ok((value, (name, blanks))) => Field {
            name: Some(name),
            has_space_before_colon: !blanks.is_empty(),
            raw_value: without_line_end(value),
            bytes,
        },
        Err(_) => Field {
            name: None,
            has_space_before_colon: false,
            raw_value: without_line_end(bytes),
            bytes,
        },
    };
    Ok((after, field))
}

/// A line and those that continue it: they begin with a blank (RFC 5322 section 2.2.3), and may have nothing but
/// blanks in them (section 4.2).
fn folded(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let continuation = preceded(peek(one_of(" \t")), line);
    recognize((line, many0_count(continuation))).parse(input)
}

/// A line with its end, which the last one may lack.
fn line(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let ended = recognize((take_till(|byte| byte == b'\n'), char('\n')));
    alt((ended, verify(rest, |line: &[u8]| !line.is_empty()))).parse(input)
}

/// The line between header section and body.
fn empty_line(input: &[u8]) -> IResult<&[u8], &[u8]> {
    alt((tag("\r\n"), tag("\n"))).parse(input)
}

/// `From ` and whatever follows (RFC 4155 appendix A), as mailbox files have it, also in its quoted form; but
/// `From :` is a field (RFC 5322 section 4.5).
fn mbox_line(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let field = (take_while(is_blank), char(':'));
    recognize((opt(char('>')), tag("From "), not(field), line)).parse(input)
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// A line without its end.
pub(super) fn without_line_end(line: &[u8]) -> &[u8] {
    let text = line.strip_suffix(b"\r\n");
    text.or_else(|| line.strip_suffix(b"\n")).unwrap_or(line)
}

/// What of `whole` stands before its end `rest`.
fn before<'a>(whole: &'a [u8], rest: &[u8]) -> &'a [u8] {
    let length = whole.len().saturating_sub(rest.len());
    whole.get(..length).unwrap_or(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(headers: &Headers<'_>, name: &str) -> Vec<String> {
        let values = headers.all(name).map(|field| field.value().into_owned());
        values
            .map(|value| String::from_utf8(value).unwrap())
            .collect()
    }

    #[test]
    fn fields_are_found_in_any_case_of_letters_and_in_their_order() {
        let message = b"Received: by a\r\nSUBJECT: hi \r\nreceived:by b\r\n\r\nSubject: body\r\n";
        let headers = Headers::of(message);
        assert_eq!(values(&headers, "Received"), ["by a", "by b"]);
        assert_eq!(values(&headers, "Subject"), ["hi"]);
        assert_eq!(headers.get("subject").unwrap().raw_value(), b" hi ");
        assert!(headers.get("To").is_none() && headers.only("Received").is_none());
        assert_eq!(headers.end(), HeaderEnd::EmptyLine { body: 47 });
        assert_eq!(headers.bytes().len(), 47);
        assert_eq!(headers.oddities(), []);
    }

    #[test]
    fn a_folded_value_is_unfolded_and_kept_as_it_is() {
        // RFC 5322 section 2.2.3, and a line of nothing but blanks as in section 4.2.
        let headers = Headers::of(b"Subject: This\r\n is a\r\n\t\r\n test\r\nTo: b@x\r\n\r\n");
        let subject = headers.get("Subject").unwrap();
        assert_eq!(*subject.value(), *b"This is a\t test");
        assert_eq!(subject.raw_value(), b" This\r\n is a\r\n\t\r\n test");
        assert_eq!(
            subject.bytes(),
            b"Subject: This\r\n is a\r\n\t\r\n test\r\n"
        );
        assert_eq!(headers.fields().count(), 2);
    }

    #[test]
    fn line_feeds_alone_end_lines_too() {
        let headers = Headers::of(b"A: 1\n 2\nB: 3\n\nbody");
        assert_eq!(values(&headers, "a"), ["1 2"]);
        assert_eq!(headers.end(), HeaderEnd::EmptyLine { body: 14 });
        assert_eq!(headers.oddities(), [HeaderOddity::BareLf]);
    }

    #[test]
    fn eight_bit_bytes_are_kept() {
        let headers = Headers::of(b"Subject: gr\xfc\xdfe\r\n\xc3\xbc: x\r\n\r\n");
        assert_eq!(*headers.get("Subject").unwrap().value(), *b"gr\xfc\xdfe");
        let odd = headers.fields().nth(1).unwrap();
        assert_eq!((odd.name(), odd.raw_value()), (None, &b"\xc3\xbc: x"[..]));
        let seen = [HeaderOddity::EightBit, HeaderOddity::NoColon];
        assert_eq!(headers.oddities(), seen);
    }

    #[test]
    fn a_line_that_is_no_field_is_kept_and_hides_nothing() {
        // MimeKit#182: Gmail has messages that begin in the middle of a field; node-imap#435: or with a line of blanks.
        let headers = Headers::of(b"   \r\nUser r-MX001> for\r\n xxx\r\n: y\r\nTo: b@x\r\n\r\n");
        let lines: Vec<_> = headers.fields().map(|field| field.raw_value()).collect();
        assert_eq!(
            lines,
            [&b"   "[..], b"User r-MX001> for\r\n xxx", b": y", b" b@x"]
        );
        assert_eq!(values(&headers, "to"), ["b@x"]);
        assert_eq!(headers.oddities(), [HeaderOddity::NoColon]);
    }

    #[test]
    fn without_an_empty_line_all_is_header_section() {
        // php-mime-mail-parser#331: the last field must not be lost with the body.
        let headers = Headers::of(b"From: a@x\r\nDate: now");
        assert_eq!(values(&headers, "date"), ["now"]);
        assert_eq!(headers.end(), HeaderEnd::Message);
        assert_eq!(headers.oddities(), [HeaderOddity::NoEmptyLine]);
        // fast_mail_parser#186: the body follows at once.
        let headers = Headers::of(b"From: a@x\r\n--boundary\r\n");
        assert_eq!(headers.fields().count(), 2);
        let seen = [HeaderOddity::NoColon, HeaderOddity::NoEmptyLine];
        assert_eq!(headers.oddities(), seen);
        assert_eq!(Headers::of(b"").end(), HeaderEnd::Message);
    }

    #[test]
    fn the_separator_of_a_mailbox_file_is_no_field() {
        // mailcore2#689.
        let message = b"From a@x Fri Feb 14 08:55:52 2014\r\nFrom: a@x\r\n\r\n";
        let headers = Headers::of(message);
        assert_eq!(
            headers.mbox_line(),
            Some(&b"From a@x Fri Feb 14 08:55:52 2014"[..])
        );
        assert_eq!(headers.fields().count(), 1);
        assert_eq!(
            (headers.oddities(), headers.bytes()),
            (vec![HeaderOddity::MboxLine], &message[..])
        );
        assert!(Headers::of(b">From a@x\nTo: b\n\n").mbox_line().is_some());
        // RFC 5322 section 4.5: blanks before the colon are obsolete, and it is a field.
        let headers = Headers::of(b"From : a@x\r\n\r\n");
        assert_eq!(values(&headers, "from"), ["a@x"]);
        assert_eq!(headers.oddities(), [HeaderOddity::SpaceBeforeColon]);
    }

    #[test]
    fn octets_are_read_up_to_the_limit() {
        let message = |octets: usize| {
            let first = "A: 1\r\n";
            let second = "B: ".to_owned() + &"x".repeat(octets - first.len() - "B: \r\n\r\n".len());
            [first, &second, "\r\n\r\nbody"].concat()
        };
        let (fits, exceeds) = (message(Headers::OCTETS), message(Headers::OCTETS + 1));
        let body = Headers::OCTETS;
        assert_eq!(
            Headers::of(fits.as_bytes()).end(),
            HeaderEnd::EmptyLine { body }
        );
        let headers = Headers::of(exceeds.as_bytes());
        assert_eq!(
            (headers.end(), headers.fields().count()),
            (HeaderEnd::Limit, 2)
        );
        assert_eq!(headers.oddities(), [HeaderOddity::TooLong]);
    }

    #[test]
    fn fields_are_read_up_to_the_limit() {
        let message = |fields| "A: 1\r\n".repeat(fields) + "\r\n";
        let fits = message(Headers::FIELDS);
        assert!(matches!(
            Headers::of(fits.as_bytes()).end(),
            HeaderEnd::EmptyLine { .. }
        ));
        let exceeds = message(Headers::FIELDS + 1);
        let headers = Headers::of(exceeds.as_bytes());
        assert_eq!(
            (headers.end(), headers.fields().count()),
            (HeaderEnd::Limit, Headers::FIELDS)
        );
    }
}
