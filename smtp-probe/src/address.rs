//! Addresses as an envelope names them (RFC 5321 section 4.1.2), checked so that none can end the command it stands
//! in. Whether a server takes one is what the probe asks.

use core::fmt;
use core::str::FromStr;

/// Somebody's address: `alice@example.org`, or the domainless `postmaster` of RFC 5321 section 4.1.1.3. Letters beyond
/// ASCII may be in it; they need SMTPUTF8 (RFC 6531).
///
/// ```
/// use smtp_probe::{Address, AddressError};
///
/// assert_eq!("alice@example.org".parse::<Address>()?.domain(), Some("example.org"));
/// assert!("\"not so easy\"@example.org".parse::<Address>().is_ok());
/// assert_eq!("a@b>\r\nDATA".parse::<Address>(), Err(AddressError::Character('>')));
/// # Ok::<(), AddressError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Address(String);

impl Address {
    /// RFC 5321 section 4.5.3.1.1.
    const LOCAL_PART_OCTETS: usize = 64;
    /// RFC 5321 section 4.5.3.1.3 allows a path 256, of which two are its brackets.
    const OCTETS: usize = 254;

    /// The address as it is said.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the last `@`.
    pub fn domain(&self) -> Option<&str> {
        self.0.rsplit_once('@').map(|(_, domain)| domain)
    }

    /// Whether it can be said without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        self.0.is_ascii()
    }
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let ends_its_command = |c: &char| c.is_control() || matches!(c, '<' | '>');
        if let Some(character) = text.chars().find(ends_its_command) {
            return Err(AddressError::Character(character));
        }
        if text.eq_ignore_ascii_case("postmaster") {
            return Ok(Self(text.to_owned()));
        }
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::Shape)?;
        check_local_part(local)?;
        check_domain(domain)?;
        if local.len() > Self::LOCAL_PART_OCTETS || text.len() > Self::OCTETS {
            return Err(AddressError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Who sends: somebody, or nobody, as bounces do (`<>`, RFC 5321 section 4.5.5).
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "a reverse-path is empty or not")]
pub enum Sender {
    /// This address.
    Address(Address),
    /// Nobody.
    #[default]
    Null,
}

impl Sender {
    /// Whether it can be said without SMTPUTF8.
    pub fn is_ascii(&self) -> bool {
        match self {
            Self::Address(address) => address.is_ascii(),
            Self::Null => true,
        }
    }
}

impl FromStr for Sender {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text {
            "<>" => Ok(Self::Null),
            address => address.parse().map(Self::Address),
        }
    }
}

/// The address, or nothing.
impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Null => f.pad(""),
        }
    }
}

/// What stands between the brackets of RCPT: an address, or one of the older forms of a path that a relay test tries.
/// It is made of checked parts only.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Path(String);

impl Path {
    /// The path as it is said.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A path that was put together of parts without a control character or a bracket; `None` where it became too
    /// long.
    pub(crate) fn of_parts(path: String) -> Option<Self> {
        (path.len() <= Address::OCTETS).then_some(Self(path))
    }
}

impl From<Address> for Path {
    fn from(address: Address) -> Self {
        Self(address.0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// A character that may not stand there.
    #[error("{0:?} may not be in an address, at least not there")]
    Character(char),
    /// There is nothing.
    #[error("the address is empty")]
    Empty,
    /// It is not of the form `local@domain`.
    #[error("an address has the form local@domain")]
    Shape,
    /// It is longer than servers must take (RFC 5321 section 4.5.3.1).
    #[error("the address is longer than servers must take")]
    TooLong,
}

/// ```abnf
/// Local-part = Dot-string / Quoted-string
/// ```
/// RFC 5321 section 4.1.2, dots as people have them: some stand twice, or at the end (docomo's do).
fn check_local_part(local: &str) -> Result<(), AddressError> {
    let quoted = local.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let stray = match quoted {
        Some(text) => unescaped_quote(text),
        None => local
            .chars()
            .find(|c| c.is_whitespace() || "\"(),:;@[\\]".contains(*c)),
    };
    match stray {
        Some(character) => Err(AddressError::Character(character)),
        None if local.is_empty() => Err(AddressError::Shape),
        None => Ok(()),
    }
}

/// What would end a quoted string before its end.
fn unescaped_quote(text: &str) -> Option<char> {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' if characters.next().is_none() => return Some('\\'),
            '"' => return Some('"'),
            _ => {}
        }
    }
    None
}

fn check_domain(domain: &str) -> Result<(), AddressError> {
    let literal = domain.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let allowed = if literal.is_some() { "-.:" } else { "-._" };
    let inner = literal.unwrap_or(domain);
    let stray = inner
        .chars()
        .find(|c| !c.is_alphanumeric() && !allowed.contains(*c));
    match stray {
        Some(character) => Err(AddressError::Character(character)),
        None if literal.is_none() && inner.split('.').any(str::is_empty) => {
            Err(AddressError::Shape)
        }
        None if inner.is_empty() => Err(AddressError::Shape),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> Option<AddressError> {
        text.parse::<Address>().err()
    }

    #[test]
    fn addresses_of_all_kinds_are_taken() {
        for text in [
            "alice@example.org",
            "a.b+c=d!e%f/g@x",
            "two..dots.@docomo.example",
            r#""a \"b\" c@d"@example.org"#,
            "alice@[192.0.2.1]",
            "alice@[IPv6:2001:db8::1]",
            "jürgen@bücher.example",
            "PostMaster",
        ] {
            assert_eq!(fault(text), None, "{text}");
        }
        assert_eq!("<>".parse(), Ok(Sender::Null));
        assert_eq!("".parse::<Sender>(), Err(AddressError::Empty));
    }

    #[test]
    fn what_could_end_the_command_is_refused_wherever_it_stands() {
        for character in ['\r', '\n', '\0', '<', '>'] {
            for text in [
                format!("a{character}@b"),
                format!("\"a{character}\"@b"),
                format!("a@b{character}"),
            ] {
                assert_eq!(fault(&text), Some(AddressError::Character(character)));
            }
        }
        assert_eq!(fault("a b@c"), Some(AddressError::Character(' ')));
        assert_eq!(fault("a@b SIZE=1"), Some(AddressError::Character(' ')));
        assert_eq!(fault(r#""a"b"@c"#), Some(AddressError::Character('"')));
        assert_eq!(fault(r#""a\"@c"#), Some(AddressError::Character('\\')));
        for text in ["alice", "@b", "a@", "a@b..c", "a@.b", "a@[]"] {
            assert_eq!(fault(text), Some(AddressError::Shape), "{text}");
        }
    }

    #[test]
    fn addresses_are_taken_up_to_their_limits() {
        let local = |octets: usize| format!("{}@b", "a".repeat(octets));
        assert_eq!(fault(&local(64)), None);
        assert_eq!(fault(&local(65)), Some(AddressError::TooLong));
        let whole = |octets: usize| format!("a@{}", "b".repeat(octets - 2));
        assert_eq!(fault(&whole(254)), None);
        assert_eq!(fault(&whole(255)), Some(AddressError::TooLong));
    }
}
