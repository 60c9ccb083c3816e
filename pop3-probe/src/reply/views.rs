//! What replies say, as views of them: nothing is copied, and what cannot be read is counted.

use std::time::Duration;

use nom::branch::alt;
use nom::bytes::complete::{take_while_m_n, take_while1};
use nom::character::complete::{char, space0, space1, u32 as message_number, u64 as number};
use nom::combinator::{eof, map, recognize, rest, verify};
use nom::sequence::{delimited, preceded, separated_pair, terminated};
use nom::{IResult, Parser};
use probe_net::sasl::Mechanism;

use super::Reply;

/// What CAPA tells (RFC 2449 section 5), in the server's order and with what is unknown here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Capabilities(Reply);

impl Capabilities {
    /// The capabilities.
    pub fn keywords(&self) -> impl Iterator<Item = Keyword<'_>> {
        let keyword = |line| keyword(line).ok().map(|(_, keyword)| keyword);
        self.0.lines().filter_map(keyword)
    }

    /// The capability of this name, in any case of letters.
    pub fn get(&self, name: &str) -> Option<Keyword<'_>> {
        self.keywords().find(|keyword| keyword.is(name))
    }

    /// Whether there is a capability of this name.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// How long a client has to wait between two logins (RFC 2449 section 6.5).
    pub fn login_delay(&self) -> Option<Duration> {
        let text = core::str::from_utf8(self.get("LOGIN-DELAY")?.words().next()?).ok()?;
        text.parse().ok().map(Duration::from_secs)
    }

    /// When the server deletes mail by itself (RFC 2449 section 6.7).
    pub fn expiry(&self) -> Option<Expiry> {
        let word = self.get("EXPIRE")?.words().next()?;
        if word.eq_ignore_ascii_case(b"NEVER") {
            return Some(Expiry::Never);
        }
        let days = core::str::from_utf8(word).ok()?.parse().ok()?;
        Some(Expiry::Days(days))
    }

    /// The most SASL mechanisms that are read; servers offer a dozen.
    const MECHANISMS: usize = 64;

    /// The names of the offered SASL mechanisms, each once.
    pub fn mechanism_names(&self) -> Vec<&[u8]> {
        let mut names: Vec<&[u8]> = Vec::new();
        let offers = self.keywords().filter(|keyword| keyword.is("SASL"));
        for name in offers.flat_map(|offer| offer.words()) {
            if names.len() == Self::MECHANISMS {
                break;
            }
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name);
            }
        }
        names
    }

    /// Those of them that are known here.
    pub fn mechanisms(&self) -> Vec<Mechanism> {
        let names = self.mechanism_names().into_iter();
        names.filter_map(Mechanism::named).collect()
    }

    /// The reply itself.
    pub fn reply(&self) -> &Reply {
        &self.0
    }
}

/// What this reply to CAPA tells.
impl From<Reply> for Capabilities {
    fn from(reply: Reply) -> Self {
        Self(reply)
    }
}

/// One line of a reply to CAPA.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Keyword<'a> {
    /// `SASL`, in the server's own case of letters.
    pub name: &'a [u8],
    /// What stands behind it.
    pub parameters: &'a [u8],
}

impl<'a> Keyword<'a> {
    /// Whether this is its name, in any case of letters.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The parameters one by one.
    pub fn words(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let words = self.parameters.split(|byte| *byte == b' ');
        words.filter(|word| !word.is_empty())
    }
}

/// When a server deletes mail by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "RFC 2449 section 6.7 has these two"
)]
pub enum Expiry {
    /// After so many days; with 0, whatever was retrieved may be gone with QUIT.
    Days(u32),
    /// Never.
    Never,
}

/// What LIST tells (RFC 1939 section 5): the size of each message. Numbers need not be contiguous.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Listing(Reply);

impl Listing {
    /// Number and size of each message.
    pub fn sizes(&self) -> impl Iterator<Item = (u32, u64)> {
        let size = |line| scan_listing(line).ok().map(|(_, size)| size);
        self.0.lines().filter_map(size)
    }

    /// The first line that cannot be read.
    pub fn unreadable(&self) -> Option<&[u8]> {
        self.0.lines().find(|line| scan_listing(line).is_err())
    }
}

/// What this reply to LIST tells.
impl From<Reply> for Listing {
    fn from(reply: Reply) -> Self {
        Self(reply)
    }
}

/// What UIDL tells (RFC 1939 section 7): an id for each message that stays the same in all sessions.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UniqueIds(Reply);

impl UniqueIds {
    /// Number and id of each message, legal or not.
    pub fn ids(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let id = |line| unique_id_listing(line).ok().map(|(_, id)| id);
        self.0.lines().filter_map(id)
    }

    /// The id of one message.
    pub fn of(&self, message: u32) -> Option<&[u8]> {
        let found = self.ids().find(|(number, _)| *number == message);
        found.map(|(_, id)| id)
    }

    /// The first line that cannot be read, or whose id RFC 1939 does not allow.
    pub fn illegal(&self) -> Option<&[u8]> {
        let is_legal = |line| unique_id_listing(line).is_ok_and(|(_, (_, id))| is_unique_id(id));
        self.0.lines().find(|line| !is_legal(line))
    }

    /// An id that two messages have.
    pub fn duplicate(&self) -> Option<&[u8]> {
        let mut ids: Vec<_> = self.ids().map(|(_, id)| id).collect();
        ids.sort_unstable();
        let twins = ids.windows(2).find(|pair| pair.first() == pair.last());
        twins.and_then(|pair| pair.first().copied())
    }
}

/// What this reply to UIDL tells.
impl From<Reply> for UniqueIds {
    fn from(reply: Reply) -> Self {
        Self(reply)
    }
}

/// What STAT tells: how many messages, and how many octets.
pub(crate) fn counts(reply: &Reply) -> Option<(u64, u64)> {
    drop_listing(reply.text()).ok().map(|(_, counts)| counts)
}

/// The timestamp in a greeting, which APOP needs: wherever it stands, it looks like a message id.
pub(crate) fn timestamp(greeting: &[u8]) -> Option<&[u8]> {
    let starts = greeting.iter().enumerate();
    let starts = starts.filter(|(_, byte)| **byte == b'<');
    let mut found = starts.filter_map(|(at, _)| message_id(greeting.get(at..)?).ok());
    found.next().map(|(_, id)| id)
}

/// ```abnf
/// capability = capa-tag *(SP param)
/// capa-tag   = 1*cchar
/// ```
/// RFC 2449 section 9; here with blanks of any number between and behind.
fn keyword(line: &[u8]) -> IResult<&[u8], Keyword<'_>> {
    let name = take_while_m_n(1, 64, |byte: u8| byte.is_ascii_graphic());
    let parts = (preceded(space0, name), space0, rest);
    map(parts, |(name, _, parameters): (_, _, &[u8])| Keyword {
        name,
        parameters: parameters.trim_ascii_end(),
    })
    .parse(line)
}

/// ```abnf
/// scan-listing = message-number SP octets
/// ```
/// RFC 1939 section 5. What servers add behind a blank is not read.
fn scan_listing(line: &[u8]) -> IResult<&[u8], (u32, u64)> {
    let pair = separated_pair(message_number, space1, number);
    terminated(preceded(space0, pair), ending).parse(line)
}

/// ```abnf
/// drop-listing = count SP octets
/// ```
/// RFC 1939 section 5. What servers add behind a blank is not read.
fn drop_listing(text: &[u8]) -> IResult<&[u8], (u64, u64)> {
    terminated(separated_pair(number, space1, number), ending).parse(text)
}

/// ```abnf
/// unique-id-listing = message-number SP unique-id
/// ```
/// RFC 1939 section 7. Whatever stands there is taken for the id.
fn unique_id_listing(line: &[u8]) -> IResult<&[u8], (u32, &[u8])> {
    let id = verify(rest, |id: &[u8]| !id.is_empty());
    separated_pair(message_number, space1, id).parse(line)
}

/// ```abnf
/// unique-id = 1*70(%x21-7E)
/// ```
fn is_unique_id(id: &[u8]) -> bool {
    id.len() <= 70 && id.iter().all(u8::is_ascii_graphic)
}

fn ending(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let more = recognize((space1, rest));
    alt((eof, more)).parse(input)
}

/// ```abnf
/// msg-id = "<" id-left "@" id-right ">"
/// ```
/// RFC 5322 section 3.6.4, as RFC 1939 section 7 wants it. Leaves what stands behind it.
fn message_id(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let is_in_id = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'@');
    let left = take_while1(is_in_id);
    let right = take_while1(is_in_id);
    recognize(delimited(char('<'), (left, char('@'), right), char('>'))).parse(input)
}
