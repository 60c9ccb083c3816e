//! Echo messages of ICMP (RFC 792) and ICMPv6 (RFC 4443 section 4), as octets. Who sends them, and when, is not known here.
//!
//! ```text
//! message = type code checksum identifier sequence payload       ; 1 + 1 + 2 + 2 + 2 octets, and the rest
//! ```

use nom::bytes::complete::{tag, take};
use nom::combinator::{opt, rest, verify};
use nom::number::complete::{be_u8, be_u16};
use nom::sequence::preceded;
use nom::{IResult, Parser};

/// Which of the two protocols.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Icmp {
    /// RFC 792.
    V4,
    /// RFC 4443.
    V6,
}

impl Icmp {
    const fn request(self) -> u8 {
        match self {
            Self::V4 => 8,
            Self::V6 => 128,
        }
    }

    pub(crate) const fn reply(self) -> u8 {
        match self {
            Self::V4 => 0,
            Self::V6 => 129,
        }
    }
}

/// What an echo brings back as it was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Echo<'a> {
    /// Who asked.
    pub(crate) identifier: u16,
    /// Which of the questions.
    pub(crate) sequence: u16,
    /// What only who asked knows.
    pub(crate) payload: &'a [u8],
}

impl<'a> Echo<'a> {
    /// The octets that ask for it. The checksum of ICMPv6 takes the addresses in, so the system adds it.
    pub(crate) fn request(&self, icmp: Icmp) -> Vec<u8> {
        self.message(icmp, icmp.request())
    }

    /// A message of this type.
    pub(crate) fn message(&self, icmp: Icmp, kind: u8) -> Vec<u8> {
        let written = |checksum: u16| {
            let mut message = vec![kind, 0];
            for field in [checksum, self.identifier, self.sequence] {
                message.extend(field.to_be_bytes());
            }
            message.extend(self.payload);
            message
        };
        match icmp {
            Icmp::V4 => written(!sum(&written(0))),
            Icmp::V6 => written(0),
        }
    }

    /// Reads a reply; `None` where it is another message, or was damaged on its way. Raw sockets have the header of IPv4 in
    /// front of it.
    pub(crate) fn of_reply(octets: &'a [u8], icmp: Icmp) -> Option<Self> {
        Self::of(octets, icmp, icmp.reply())
    }

    /// Reads a request, which raw sockets hear too where it goes to this machine.
    pub(crate) fn of_request(octets: &'a [u8], icmp: Icmp) -> Option<Self> {
        Self::of(octets, icmp, icmp.request())
    }

    fn of(octets: &'a [u8], icmp: Icmp, kind: u8) -> Option<Self> {
        let (message, _) = match icmp {
            Icmp::V4 => opt(header).parse(octets).ok()?,
            Icmp::V6 => (octets, None),
        };
        if icmp == Icmp::V4 && sum(message) != u16::MAX {
            return None;
        }
        let (_, echo) = fields(message, kind).ok()?;
        Some(echo)
    }
}

fn fields(message: &[u8], kind: u8) -> IResult<&[u8], Echo<'_>> {
    // Of these there is no other code.
    let kind = [kind, 0];
    let head = (tag(kind.as_slice()), be_u16);
    let fields = (be_u16, be_u16, rest);
    let (left, (identifier, sequence, payload)) = preceded(head, fields).parse(message)?;
    let echo = Echo {
        identifier,
        sequence,
        payload,
    };
    Ok((left, echo))
}

/// RFC 791 section 3.1: version and length in words of four octets, and the rest of it. No message of ICMP begins like it.
fn header(octets: &[u8]) -> IResult<&[u8], &[u8]> {
    let (left, first) = verify(be_u8, |first| (0x45..=0x4f).contains(first)).parse(octets)?;
    take(usize::from(first & 0x0f) * 4 - 1).parse(left)
}

/// The sum in ones' complement (RFC 1071); of a message with its checksum in it, all ones.
fn sum(octets: &[u8]) -> u16 {
    let words = octets.chunks(2).map(|pair| match pair {
        [high, low] => u16::from_be_bytes([*high, *low]),
        [high] => u16::from_be_bytes([*high, 0]),
        _ => 0,
    });
    words.fold(0, |sum: u16, word| {
        let (sum, is_over) = sum.overflowing_add(word);
        sum + u16::from(is_over)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ECHO: Echo<'_> = Echo {
        identifier: 0x1234,
        sequence: 7,
        payload: b"abc",
    };

    #[test]
    fn a_request_is_written_with_its_checksum() {
        // 0x0800 + 0x1234 + 0x0007 + 0x6162 + 0x6300 = 0xde9d, whose complement is 0x2162.
        let octets = [8, 0, 0x21, 0x62, 0x12, 0x34, 0, 7, b'a', b'b', b'c'];
        assert_eq!(ECHO.request(Icmp::V4), octets);
        let octets = [128, 0, 0, 0, 0x12, 0x34, 0, 7, b'a', b'b', b'c'];
        assert_eq!(ECHO.request(Icmp::V6), octets);
    }

    #[test]
    fn a_reply_is_read_with_and_without_the_header_in_front_of_it() {
        let message = ECHO.message(Icmp::V4, 0);
        assert_eq!(Echo::of_reply(&message, Icmp::V4), Some(ECHO));
        let mut packet = vec![0x46];
        packet.extend([0; 23]);
        packet.extend(&message);
        assert_eq!(Echo::of_reply(&packet, Icmp::V4), Some(ECHO));
        let message = ECHO.message(Icmp::V6, 129);
        assert_eq!(Echo::of_reply(&message, Icmp::V6), Some(ECHO));
    }

    #[test]
    fn what_is_no_reply_or_was_damaged_is_none() {
        let none = |octets: &[u8]| assert_eq!(Echo::of_reply(octets, Icmp::V4), None);
        none(b"");
        none(&ECHO.request(Icmp::V4));
        // Host unreachable.
        none(&ECHO.message(Icmp::V4, 3));
        none(&ECHO.message(Icmp::V4, 0)[..7]);
        none(&[0x45; 20]);
        let mut damaged = ECHO.message(Icmp::V4, 0);
        damaged[9] ^= 1;
        none(&damaged);
        assert_eq!(Echo::of_reply(&ECHO.request(Icmp::V6), Icmp::V6), None);
    }
}
