//! Names of mailboxes: UTF-8 among us, modified UTF-7 on the wire (RFC 3501 section 5.1.3), unless both sides have
//! agreed on UTF-8 (RFC 9755, IMAP4rev2).

use core::fmt;
use core::str::FromStr;

use base64::Engine;
use base64::alphabet::IMAP_MUTF7;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};

/// RFC 3501 section 5.1.3: `,` in the place of `/`, and no padding.
static BASE64: GeneralPurpose = GeneralPurpose::new(&IMAP_MUTF7, NO_PAD);

/// The name of a mailbox.
///
/// ```
/// use imap_probe::Mailbox;
///
/// let drafts: Mailbox = "Entwürfe & Co".parse()?;
/// assert_eq!(drafts.to_wire(), b"Entw&APw-rfe &- Co");
/// assert_eq!(Mailbox::from_wire(b"Entw&APw-rfe &- Co"), drafts);
/// assert!("INBOX\r\nA2 LOGOUT".parse::<Mailbox>().is_err());
/// # Ok::<(), imap_probe::MailboxError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Mailbox(Name);

#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
enum Name {
    /// What everybody can read.
    Utf8(String),
    /// What a server said and what is no modified UTF-7: said back as it came.
    Raw(Vec<u8>),
}

impl Mailbox {
    /// The mailbox that every user has (RFC 9051 section 5.1).
    pub fn inbox() -> Self {
        Self(Name::Utf8("INBOX".to_owned()))
    }

    /// The name that stands on the wire in these bytes.
    pub fn from_wire(bytes: &[u8]) -> Self {
        match decode(bytes) {
            Some(name) => Self(Name::Utf8(name)),
            None => Self(Name::Raw(bytes.to_vec())),
        }
    }

    /// The name as it stands on the wire.
    pub fn to_wire(&self) -> Vec<u8> {
        match &self.0 {
            Name::Utf8(name) => encode(name),
            Name::Raw(bytes) => bytes.clone(),
        }
    }

    /// Whether it is `INBOX`, which alone may be written in any case of letters.
    pub fn is_inbox(&self) -> bool {
        matches!(&self.0, Name::Utf8(name) if name.eq_ignore_ascii_case("INBOX"))
    }

    /// Whether a name on the wire means this mailbox.
    pub fn is(&self, wire: &[u8]) -> bool {
        let other = Self::from_wire(wire);
        *self == other || (self.is_inbox() && other.is_inbox())
    }
}

impl FromStr for Mailbox {
    type Err = MailboxError;

    fn from_str(name: &str) -> Result<Self, MailboxError> {
        if name.is_empty() {
            return Err(MailboxError::Empty);
        }
        match name.chars().any(char::is_control) {
            true => Err(MailboxError::ControlCharacter),
            false => Ok(Self(Name::Utf8(name.to_owned()))),
        }
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Name::Utf8(name) => f.pad(name),
            Name::Raw(bytes) => f.pad(&probe_core::printable(bytes)),
        }
    }
}

/// Why a text is no name of a mailbox.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MailboxError {
    /// CR, LF, NUL and their kin would break the command.
    #[error("the name of the mailbox contains a control character")]
    ControlCharacter,
    /// There is nothing.
    #[error("the name of the mailbox is empty")]
    Empty,
}

/// Printable ASCII stands for itself and `&` for `&-`; the rest is UTF-16 in base64 between `&` and `-`.
fn encode(name: &str) -> Vec<u8> {
    let mut wire = Vec::with_capacity(name.len());
    let mut shifted: Vec<u8> = Vec::new();
    let flush = |shifted: &mut Vec<u8>, wire: &mut Vec<u8>| {
        if !shifted.is_empty() {
            wire.push(b'&');
            wire.extend_from_slice(BASE64.encode(&*shifted).as_bytes());
            wire.push(b'-');
            shifted.clear();
        }
    };
    for character in name.chars() {
        match u8::try_from(character) {
            Ok(byte @ b' '..=b'~') => {
                flush(&mut shifted, &mut wire);
                wire.push(byte);
                if byte == b'&' {
                    wire.push(b'-');
                }
            }
            _ => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    shifted.extend_from_slice(&unit.to_be_bytes());
                }
            }
        }
    }
    flush(&mut shifted, &mut wire);
    wire
}

/// `None` where it is no modified UTF-7. Bytes that are UTF-8 already are taken for that: servers that have agreed
/// to it say so, and others say it all the same.
fn decode(wire: &[u8]) -> Option<String> {
    let mut name = String::with_capacity(wire.len());
    let text = core::str::from_utf8(wire).ok()?;
    let mut parts = text.split('&');
    name.push_str(parts.next()?);
    for part in parts {
        let (shifted, plain) = part.split_once('-')?;
        if shifted.is_empty() {
            name.push('&');
        } else {
            let bytes = BASE64.decode(shifted).ok()?;
            let (pairs, []) = bytes.as_chunks::<2>() else {
                return None;
            };
            let units = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
            for character in char::decode_utf16(units) {
                name.push(character.ok()?);
            }
        }
        name.push_str(plain);
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_rfc_3501_has_them() {
        for (name, wire) in [
            ("INBOX", "INBOX"),
            ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
            ("Entwürfe & Co", "Entw&APw-rfe &- Co"),
            ("&", "&-"),
            ("𝒳", "&2DXcsw-"),
        ] {
            let mailbox: Mailbox = name.parse().unwrap();
            assert_eq!(mailbox.to_wire(), wire.as_bytes());
            assert_eq!(Mailbox::from_wire(wire.as_bytes()), mailbox);
        }
    }

    #[test]
    fn a_name_that_cannot_be_read_is_said_back_as_it_came() {
        for wire in [&b"caf\xe9"[..], b"a&b", b"&AP-", b"&2DU-", b"&!!-"] {
            let mailbox = Mailbox::from_wire(wire);
            assert_eq!(mailbox.to_wire(), wire);
            assert!(mailbox.is(wire));
        }
        assert_eq!(Mailbox::from_wire(b"caf\xe9").to_string(), "caf\u{fffd}");
    }

    #[test]
    fn only_inbox_may_be_written_in_any_case() {
        assert!(Mailbox::inbox().is(b"inbox"));
        let sent: Mailbox = "Sent".parse().unwrap();
        assert!(sent.is(b"Sent") && !sent.is(b"SENT"));
    }
}
