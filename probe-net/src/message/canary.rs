//! A test message of our own: made, and known again. How it changed on its way is `comparison`'s to say, and how it
//! is sent and fetched that of the protocol crates, dot-stuffing included.

use std::time::{Duration, SystemTime};

use super::address::{AddressError, check_address};
use super::date::{Date, Offset};
use super::headers::{HeaderEnd, Headers};
use super::mark::{Mark, Token};

/// A test message that is known again without doubt, and contains what servers and relays are known to damage.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Canary {
    from: String,
    to: String,
    mark: Mark,
    date: Date,
    bytes: Vec<u8>,
}

impl Canary {
    /// The field that makes a message a canary: its token, and when it was sent, in seconds since 1970.
    pub const FIELD: &'static str = "X-Mailprobe-Canary";

    /// A canary from one address to another. Parts of a second of `now` are dropped.
    ///
    /// # Errors
    /// An address that would not survive in a header or an envelope, or a time before 1970 or after 9999.
    pub fn new(
        from: impl Into<String>,
        to: impl Into<String>,
        token: Token,
        now: SystemTime,
    ) -> Result<Self, CanaryError> {
        let (from, to) = (from.into(), to.into());
        check_address(&from).map_err(CanaryError::From)?;
        check_address(&to).map_err(CanaryError::To)?;
        let since_1970 = now.duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since_1970.map_err(|_| CanaryError::Time)?.as_secs();
        let sent_at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let date = Date::new(sent_at, Offset::UTC).ok_or(CanaryError::Time)?;
        let mark = Mark { token, sent_at };
        let bytes = message(&from, &to, mark, date, Charset::Ascii);
        Ok(Self {
            from,
            to,
            mark,
            date,
            bytes,
        })
    }

    /// With lines of UTF-8 too, sent as they are: only for who was offered 8BITMIME (RFC 6152), or IMAP.
    #[must_use]
    pub fn with_eight_bit(mut self) -> Self {
        self.bytes = message(&self.from, &self.to, self.mark, self.date, Charset::Utf8);
        self
    }

    /// The whole message. All lines end with CR LF.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What it is known by.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// The sender's address.
    pub fn from(&self) -> &str {
        &self.from
    }

    /// The recipient's address.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// Whether a message with this header section is this canary.
    pub fn is(&self, header_section: &[u8]) -> bool {
        Self::recognise(header_section) == Some(self.mark)
    }

    /// The mark of the canary that has this header section; `None` for any other message.
    ///
    /// What is known as a canary may be deleted, so each field that we write has to be there once, with our value, and
    /// none that a reply has. Asked of `From`, `To`, `Date` and `Message-ID` is only that they are there: relays write
    /// their own
    /// ([Amazon SES](https://docs.aws.amazon.com/ses/latest/dg/header-fields.html) does).
    pub fn recognise(header_section: &[u8]) -> Option<Mark> {
        let headers = Headers::of(header_section);
        let value = |name| headers.only(name).map(|field| field.value());
        let mark = Mark::parse(&value(Self::FIELD)?)?;
        let ours = [
            ("Subject", subject(mark.token)),
            ("Auto-Submitted", AUTO_SUBMITTED.to_owned()),
            ("MIME-Version", "1.0".to_owned()),
        ];
        let is_ours = headers.end() != HeaderEnd::Limit
            && ours
                .iter()
                .all(|(name, own)| value(name).is_some_and(|value| *value == *own.as_bytes()))
            && ["From", "To", "Date", "Message-ID"]
                .iter()
                .all(|name| headers.only(name).is_some())
            && ["In-Reply-To", "References"]
                .iter()
                .all(|name| headers.get(name).is_none());
        is_ours.then_some(mark)
    }
}

/// Why there is no canary.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CanaryError {
    /// The sender's address is none.
    #[error("the sender's address {0}")]
    From(AddressError),
    /// The recipient's address is none.
    #[error("the recipient's address {0}")]
    To(AddressError),
    /// The time cannot be written.
    #[error("a canary is sent between 1970 and 9999")]
    Time,
}

const AUTO_SUBMITTED: &str = "auto-generated";

/// RFC 5322 section 2.1.1.
const LINE_OCTETS: usize = 998;

#[derive(Clone, Copy, Eq, PartialEq)]
enum Charset {
    Ascii,
    Utf8,
}

fn subject(token: Token) -> String {
    format!("mailprobe canary {token}")
}

fn message(from: &str, to: &str, mark: Mark, date: Date, charset: Charset) -> Vec<u8> {
    let Mark { token, sent_at } = mark;
    let seconds = sent_at
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (charset_name, encoding) = match charset {
        Charset::Ascii => ("us-ascii", "7bit"),
        Charset::Utf8 => ("utf-8", "8bit"),
    };
    let mut lines = vec![
        format!("From: mailprobe <{from}>"),
        format!("To: <{to}>"),
        format!("Subject: {}", subject(token)),
        format!("Date: {date}"),
        format!("Message-ID: <{token}@{}>", id_right(from)),
        // RFC 3834 section 5: so that no vacation notice answers.
        format!("Auto-Submitted: {AUTO_SUBMITTED}"),
        format!("{}: {token} {seconds}", Canary::FIELD),
        "MIME-Version: 1.0".to_owned(),
        format!("Content-Type: text/plain; charset={charset_name}"),
        format!("Content-Transfer-Encoding: {encoding}"),
        String::new(),
    ];
    lines.extend(body(charset));
    lines.push(String::new());
    lines.join("\r\n").into_bytes()
}

/// The right side of a message identifier: below the sender's domain, so that no other program makes the same one. An
/// address literal has nothing below it.
fn id_right(from: &str) -> String {
    match from.rsplit_once('@') {
        Some((_, literal)) if literal.starts_with('[') => literal.to_owned(),
        Some((_, domain)) => format!("mailprobe.{domain}"),
        None => "mailprobe".to_owned(),
    }
}

fn body(charset: Charset) -> Vec<String> {
    let mut lines = vec![
        "This is a test message of mailprobe, which looks whether mail arrives, how fast, and"
            .to_owned(),
        "whether it is still the same. It may be deleted.".to_owned(),
        String::new(),
        "What follows is what servers and relays are known to damage.".to_owned(),
    ];
    lines.extend(delicate_lines());
    if charset == Charset::Utf8 {
        lines.push(EIGHT_BIT_LINE.to_owned());
    }
    // RFC 5322 says nothing of empty lines at the end; servers add and remove them.
    lines.push("An empty line follows, and it is the last.".to_owned());
    lines.push(String::new());
    lines
}

/// A line of UTF-8 that wants 8BITMIME (RFC 6152), without its end.
pub const EIGHT_BIT_LINE: &str = "Grüße, Ελλάδα, 日本語, 🐤: these are letters in UTF-8.";

/// Lines of ASCII that servers and relays are known to damage, without their ends.
pub fn delicate_lines() -> Vec<String> {
    vec![
        // RFC 5321 section 4.5.2 and RFC 1939 section 3 add a dot to each on the wire. Servers that do not: mailpit#299,
        // greenmail#475; clients that leave it: node-pop3#40.
        ".This line begins with a dot,".to_owned(),
        "..this one with two, and the next is nothing else:".to_owned(),
        ".".to_owned(),
        // Flowed text (RFC 3676) and editors cut them.
        "This line ends with three blanks:   ".to_owned(),
        // RFC 4155: mailbox files cannot have it within a message.
        "From the start of a line this is taken for the start of a message.".to_owned(),
        // RFC 5321 section 4.5.3.1.6: with CR LF it has 1000 octets, which is as long as a line may be.
        format!(
            "{:x<LINE_OCTETS$}",
            "This line is as long as a line may be: "
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Token = Token::from_bytes(*b"0123456789:;<=>?");
    const HEX: &str = "303132333435363738393a3b3c3d3e3f";

    fn canary() -> Canary {
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(1_767_225_600_999);
        Canary::new("probe@example.org", "inbox@example.net", TOKEN, now).unwrap()
    }

    fn text(canary: &Canary) -> String {
        String::from_utf8(canary.bytes().to_vec()).unwrap()
    }

    #[test]
    fn the_header_section_is_as_it_is_promised() {
        let expected = format!(
            "From: mailprobe <probe@example.org>\r\n\
            To: <inbox@example.net>\r\n\
            Subject: mailprobe canary {HEX}\r\n\
            Date: Thu, 1 Jan 2026 00:00:00 +0000\r\n\
            Message-ID: <{HEX}@mailprobe.example.org>\r\n\
            Auto-Submitted: auto-generated\r\n\
            X-Mailprobe-Canary: {HEX} 1767225600\r\n\
            MIME-Version: 1.0\r\n\
            Content-Type: text/plain; charset=us-ascii\r\n\
            Content-Transfer-Encoding: 7bit\r\n\r\n"
        );
        let canary = canary();
        assert!(text(&canary).starts_with(&expected));
        assert!(Headers::of(canary.bytes()).oddities().is_empty());
    }

    #[test]
    fn the_body_has_what_servers_damage() {
        let text = text(&canary());
        for part in [
            "\r\n.This",
            "\r\n..this",
            "\r\n.\r\n",
            "blanks:   \r\n",
            "\r\nFrom ",
            "may be deleted",
        ] {
            assert!(text.contains(part), "{part:?}");
        }
        assert!(text.ends_with("the last.\r\n\r\n") && text.is_ascii());
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert!(lines.iter().all(|line| !line.contains(['\r', '\n'])));
        assert_eq!(lines.iter().map(|line| line.len()).max(), Some(998));
    }

    #[test]
    fn eight_bit_text_is_there_when_it_is_asked_for() {
        let text = text(&canary().with_eight_bit());
        assert!(text.contains(
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        ));
        assert!(text.contains("\r\nGrüße, Ελλάδα"));
    }

    #[test]
    fn a_canary_is_known_again_by_its_header_section_alone() {
        let canary = canary();
        let mark = Canary::recognise(canary.bytes()).unwrap();
        assert_eq!(
            (mark, mark.token.to_string()),
            (canary.mark(), HEX.to_owned())
        );
        assert_eq!(
            mark.sent_at,
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
        );
        let text = text(&canary);
        let (header_section, _) = text.split_once("\r\n\r\n").unwrap();
        assert!(canary.is(header_section.as_bytes()));
        let received = format!(
            "Return-Path: <probe@example.org>\r\nReceived: by mx\r\n{header_section}\r\n\r\n"
        );
        assert!(canary.is(received.as_bytes()));
        assert!(canary.is(header_section.replace("\r\n", "\n").as_bytes()));
        // Amazon SES writes its own, https://docs.aws.amazon.com/ses/latest/dg/header-fields.html
        assert!(
            canary.is(header_section
                .replace(&format!("<{HEX}@"), "<010001@")
                .as_bytes())
        );
        let other = Canary::new(
            "probe@example.org",
            "inbox@example.net",
            Token::from_bytes([7; 16]),
            mark.sent_at,
        );
        assert!(!other.unwrap().is(header_section.as_bytes()));
    }

    #[test]
    fn what_is_not_wholly_of_our_form_is_no_canary() {
        let text = text(&canary());
        let wrong = [
            ("Subject: ", "Subject: Re: "),
            ("Subject: ", "Subject: mailprobe canary\r\nSubject: "),
            ("Auto-Submitted: auto-generated\r\n", ""),
            ("auto-generated", "auto-replied"),
            ("MIME-Version: 1.0", "MIME-Version: 1.1"),
            ("From: ", "Sender: "),
            ("To: ", "To: x@x\r\nTo: "),
            ("Date: ", "X-Date: "),
            ("Message-ID: ", "In-Reply-To: <x@x>\r\nMessage-ID: "),
            ("Message-ID: ", "References: <x@x>\r\nMessage-ID: "),
            ("X-Mailprobe-Canary: 3", "X-Mailprobe-Canary: 4"),
            (
                "X-Mailprobe-Canary: ",
                "X-Mailprobe-Canary: x\r\nX-Mailprobe-Canary: ",
            ),
            ("X-Mailprobe-Canary: ", "X-Original: "),
            ("3a3b3c3d3e3f 1", "3A3B3C3D3E3F 1"),
            (" 1767225600", " 01767225600"),
            (" 1767225600", " 253402300800"),
            (" 1767225600", " 99999999999999999999"),
            (" 1767225600", " -1"),
            (" 1767225600", " +1"),
            (" 1767225600", " "),
        ];
        for (ours, theirs) in wrong {
            let changed = text.replacen(ours, theirs, 1);
            assert!(changed != text, "{ours}");
            assert_eq!(Canary::recognise(changed.as_bytes()), None, "{theirs}");
        }
        // More fields than are read: nobody knows what the rest says.
        let endless = "X: 1\r\n".repeat(Headers::FIELDS - 9);
        assert_eq!(
            Canary::recognise((endless.clone() + &text).as_bytes()),
            None
        );
        assert!(Canary::recognise((endless[6..].to_owned() + &text).as_bytes()).is_some());
    }

    #[test]
    fn addresses_are_checked_before_they_are_written() {
        let fault = |from: &str| {
            let canary = Canary::new(from, "inbox@example.net", TOKEN, SystemTime::UNIX_EPOCH);
            canary.err()
        };
        for fine in [
            "a@b",
            "a.b+c@x-y.example",
            r#""a b\"@c"@example.org"#,
            "a@[192.0.2.1]",
            "a@[IPv6:2001:db8::1]",
        ] {
            assert_eq!(fault(fine), None, "{fine}");
        }
        for wrong in [
            "", "a", "@b", "a@", "a b@c", "a@b@c", ".a@b", "a..b@c", "a@-b", "a@b.", "<a@b>",
            "a@[]", "a@b\t", "\"a@b",
        ] {
            assert_eq!(
                fault(wrong),
                Some(CanaryError::From(AddressError::Shape)),
                "{wrong}"
            );
        }
        for wrong in ["a@b\rc", "a@b\nBcc: c@d", "a\0@b"] {
            assert_eq!(
                fault(wrong),
                Some(CanaryError::From(AddressError::ForbiddenByte))
            );
        }
        assert_eq!(
            fault("ü@b"),
            Some(CanaryError::From(AddressError::NotAscii))
        );
        let to = Canary::new("a@b", "c", TOKEN, SystemTime::UNIX_EPOCH);
        assert_eq!(
            to.unwrap_err().to_string(),
            "the recipient's address is not of the form local@domain"
        );
    }

    #[test]
    fn an_address_literal_stands_in_the_message_identifier_as_it_is() {
        let canary = Canary::new("a@[192.0.2.1]", "b@c", TOKEN, SystemTime::UNIX_EPOCH).unwrap();
        assert!(text(&canary).contains(&format!("\r\nMessage-ID: <{HEX}@[192.0.2.1]>\r\n")));
    }

    #[test]
    fn a_canary_is_sent_in_a_year_that_can_be_written() {
        let at = |seconds| {
            SystemTime::UNIX_EPOCH
                .checked_add(Duration::from_secs(seconds))
                .unwrap()
        };
        let canary = |now| Canary::new("a@b", "c@d", TOKEN, now).map(|canary| canary.mark());
        assert!(canary(SystemTime::UNIX_EPOCH).is_ok() && canary(at(253_402_300_799)).is_ok());
        assert_eq!(canary(at(253_402_300_800)), Err(CanaryError::Time));
        assert_eq!(
            canary(SystemTime::UNIX_EPOCH - Duration::from_nanos(1)),
            Err(CanaryError::Time)
        );
    }
}
