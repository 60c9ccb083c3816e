//! The first two messages of NTLM (MS-NLMP section 2.2.1): the one that we begin by, and a parser for the challenge that
//! answers it. The third, which would prove a password, is nowhere here.

use core::fmt;
use std::time::{Duration, SystemTime};

use nom::bytes::complete::{tag, take};
use nom::combinator::{map, opt, verify};
use nom::multi::length_data;
use nom::number::complete::{le_u8, le_u16, le_u32, le_u64};
use nom::sequence::preceded;
use nom::{IResult, Parser};
use probe_net::sasl;

/// A NEGOTIATE_MESSAGE (MS-NLMP section 2.2.1.1) in base64, with no name of ours in it. Its flags ask for Unicode, the
/// target and its names, and the version.
pub(crate) const NEGOTIATE: &[u8] = b"TlRMTVNTUAABAAAAB4IIogAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADw==";

/// What a server tells of itself in NTLM's challenge (MS-NLMP section 2.2.1.2), to whoever asks.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct NtlmChallenge {
    /// What one would log in to: a domain, or the server where it is in none.
    pub target_name: Option<String>,
    /// The server's name in NetBIOS.
    pub netbios_computer: Option<String>,
    /// Its domain's name in NetBIOS.
    pub netbios_domain: Option<String>,
    /// The server's name in DNS: its real one, whatever its greeting says.
    pub dns_computer: Option<String>,
    /// Its domain in DNS.
    pub dns_domain: Option<String>,
    /// The forest that the domain belongs to.
    pub dns_tree: Option<String>,
    /// The version of its operating system.
    pub version: Option<NtlmVersion>,
    /// The server's clock.
    pub time: Option<SystemTime>,
}

impl NtlmChallenge {
    /// The most octets of a message; real ones have some three hundred.
    const OCTETS: usize = 2048;

    /// The most pairs of a target's information; the specification knows eleven kinds.
    const PAIRS: usize = 32;

    /// The challenge in the text of a reply.
    pub(crate) fn read(base64: &[u8]) -> Result<Self, NtlmError> {
        if base64.len() > Self::OCTETS.div_ceil(3) * 4 {
            return Err(NtlmError::TooLarge);
        }
        let message = sasl::from_base64(base64).ok_or(NtlmError::Base64)?;
        Self::parse(&message)
    }

    /// The challenge in these bytes.
    pub(crate) fn parse(message: &[u8]) -> Result<Self, NtlmError> {
        if message.len() > Self::OCTETS {
            return Err(NtlmError::TooLarge);
        }
        let (_, header) = header(message).map_err(|_| NtlmError::Header)?;
        let target = header.target.of(message)?;
        let target = match header.has(UNICODE) {
            true => from_utf16(target),
            false => String::from_utf8_lossy(target).into_owned(),
        };
        let mut challenge = Self {
            target_name: Some(target).filter(|name| !name.is_empty()),
            version: header.version.filter(|_| header.has(VERSION)),
            ..Self::default()
        };
        if let Some(info) = header.info.filter(|_| header.has(TARGET_INFO)) {
            challenge.learn(info.of(message)?)?;
        }
        Ok(challenge)
    }

    /// Its names with what each is, in the order in which people would ask for them.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let names = [
            ("target_name", &self.target_name),
            ("netbios_computer", &self.netbios_computer),
            ("netbios_domain", &self.netbios_domain),
            ("dns_computer", &self.dns_computer),
            ("dns_domain", &self.dns_domain),
            ("dns_tree", &self.dns_tree),
        ];
        let named = names.into_iter();
        named.filter_map(|(what, name)| Some((what, name.as_deref()?)))
    }

    /// Takes up the pairs of the target's information (MS-NLMP section 2.2.2.1).
    fn learn(&mut self, mut pairs: &[u8]) -> Result<(), NtlmError> {
        // One more for the end.
        for _ in 0..=Self::PAIRS {
            let (rest, (kind, value)) = pair(pairs).map_err(|_| NtlmError::Pairs)?;
            match kind {
                0 => return Ok(()),
                1 => self.netbios_computer = Some(from_utf16(value)),
                2 => self.netbios_domain = Some(from_utf16(value)),
                3 => self.dns_computer = Some(from_utf16(value)),
                4 => self.dns_domain = Some(from_utf16(value)),
                5 => self.dns_tree = Some(from_utf16(value)),
                7 => self.time = from_filetime(value),
                _ => {}
            }
            pairs = rest;
        }
        Err(NtlmError::TooManyPairs)
    }
}

/// The version of an operating system as NTLM tells it (MS-NLMP section 2.2.2.10).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct NtlmVersion {
    /// 10 for Windows since 2016.
    pub major: u8,
    /// What stands behind the first dot.
    pub minor: u8,
    /// The build.
    pub build: u16,
}

impl fmt::Display for NtlmVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.build)
    }
}

/// Why a text is no challenge of NTLM.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum NtlmError {
    /// It is not in base64.
    #[error("the challenge is not in base64")]
    Base64,
    /// A name or the target's information would lie outside of the message.
    #[error("a field lies outside of the challenge")]
    Field,
    /// It does not begin like a challenge.
    #[error("the message is no challenge of NTLM")]
    Header,
    /// The target's information is cut off.
    #[error("the target's information is cut off")]
    Pairs,
    /// More octets than are read.
    #[error("the challenge is larger than {} octets", NtlmChallenge::OCTETS)]
    TooLarge,
    /// More pairs than are read.
    #[error(
        "the target's information has more than {} pairs",
        NtlmChallenge::PAIRS
    )]
    TooManyPairs,
}

/// The flags that are looked at (MS-NLMP section 2.2.2.5).
const UNICODE: u32 = 0x0000_0001;
const TARGET_INFO: u32 = 0x0080_0000;
const VERSION: u32 = 0x0200_0000;

/// What stands at fixed places. Which of it counts is for the flags to say.
struct Header {
    target: Field,
    flags: u32,
    info: Option<Field>,
    version: Option<NtlmVersion>,
}

impl Header {
    fn has(&self, flag: u32) -> bool {
        self.flags & flag != 0
    }
}

/// Where something lies in the message.
#[derive(Clone, Copy)]
struct Field {
    octets: u16,
    offset: u32,
}

impl Field {
    fn of(self, message: &[u8]) -> Result<&[u8], NtlmError> {
        // Where nothing is said, the place of it means nothing.
        if self.octets == 0 {
            return Ok(&[]);
        }
        let start = usize::try_from(self.offset).map_err(|_| NtlmError::Field)?;
        let end = start.checked_add(usize::from(self.octets));
        let field = end.and_then(|end| message.get(start..end));
        field.ok_or(NtlmError::Field)
    }
}

/// Signature, MessageType 2, TargetNameFields, NegotiateFlags, ServerChallenge, Reserved, TargetInfoFields, Version: MS-NLMP
/// section 2.2.1.2. Servers of before 2000 end it behind the challenge.
fn header(input: &[u8]) -> IResult<&[u8], Header> {
    let is_challenge = verify(le_u32, |kind: &u32| *kind == 2);
    let challenge = take(8_usize);
    let info = opt(preceded(take(8_usize), field));
    let parts = (
        preceded((tag(&b"NTLMSSP\0"[..]), is_challenge), field),
        le_u32,
        preceded(challenge, info),
        opt(version),
    );
    map(parts, |(target, flags, info, version)| Header {
        target,
        flags,
        info,
        version,
    })
    .parse(input)
}

/// Len, MaxLen, BufferOffset.
fn field(input: &[u8]) -> IResult<&[u8], Field> {
    let parts = (le_u16, le_u16, le_u32);
    map(parts, |(octets, _, offset)| Field { octets, offset }).parse(input)
}

/// ProductMajorVersion, ProductMinorVersion, ProductBuild, and what is reserved: MS-NLMP section 2.2.2.10.
fn version(input: &[u8]) -> IResult<&[u8], NtlmVersion> {
    let parts = (le_u8, le_u8, le_u16, take(4_usize));
    map(parts, |(major, minor, build, _)| NtlmVersion {
        major,
        minor,
        build,
    })
    .parse(input)
}

/// AvId, AvLen, Value: MS-NLMP section 2.2.2.1.
fn pair(input: &[u8]) -> IResult<&[u8], (u16, &[u8])> {
    (le_u16, length_data(le_u16)).parse(input)
}

/// Little-endian, and what is no character is shown as such.
fn from_utf16(bytes: &[u8]) -> String {
    let units = bytes
        .chunks_exact(2)
        .filter_map(|pair| pair.try_into().ok());
    let characters = char::decode_utf16(units.map(u16::from_le_bytes));
    characters
        .map(|one| one.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

/// Tenths of a microsecond since 1601 (MS-DTYP section 2.3.3); none before 1970.
fn from_filetime(value: &[u8]) -> Option<SystemTime> {
    const TO_1970: Duration = Duration::from_secs(11_644_473_600);
    let (_, ticks) = le_u64::<_, nom::error::Error<&[u8]>>(value).ok()?;
    let since_1601 = Duration::from_micros(ticks / 10);
    SystemTime::UNIX_EPOCH.checked_add(since_1601.checked_sub(TO_1970)?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The example of MS-NLMP section 4.2.4.3.
    const SPECIFIED: &[u8] = include_bytes!("../tests/corpus/ntlm/specification");

    /// A challenge with this information of its target.
    fn informed(pairs: &[u8]) -> Result<NtlmChallenge, NtlmError> {
        let octets = u16::try_from(pairs.len()).unwrap().to_le_bytes();
        let head: [&[u8]; 7] = [
            b"NTLMSSP\0\x02\0\0\0",
            &[0; 8],
            &TARGET_INFO.to_le_bytes(),
            &[0; 16],
            &octets,
            &octets,
            &48_u32.to_le_bytes(),
        ];
        NtlmChallenge::parse(&[&head.concat(), pairs].concat())
    }

    #[test]
    fn the_example_of_the_specification_is_read() {
        let challenge = NtlmChallenge::parse(SPECIFIED).unwrap();
        let names: Vec<_> = challenge.names().collect();
        assert_eq!(
            names,
            [
                ("target_name", "Server"),
                ("netbios_computer", "Server"),
                ("netbios_domain", "Domain"),
            ]
        );
        assert_eq!(challenge.version.unwrap().to_string(), "6.0.6000");
        assert_eq!(challenge.time, None);
    }

    #[test]
    fn our_own_message_names_nobody() {
        let message = sasl::from_base64(NEGOTIATE).unwrap();
        let expected = b"NTLMSSP\0\x01\0\0\0\x07\x82\x08\xa2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x0f";
        assert_eq!(message, expected);
        assert_eq!(NtlmChallenge::parse(&message), Err(NtlmError::Header));
    }

    #[test]
    fn the_short_header_of_old_servers_tells_what_it_has() {
        let old = b"NTLMSSP\0\x02\0\0\0\x03\0\x03\0\x20\0\0\0\x02\0\0\0abcdefghOLD";
        let challenge = NtlmChallenge::parse(old).unwrap();
        assert_eq!(challenge.target_name.as_deref(), Some("OLD"));
        assert_eq!(challenge.version, None);
    }

    #[test]
    fn a_field_that_lies_outside_is_refused() {
        let mut message = SPECIFIED.to_vec();
        message[44..48].copy_from_slice(&68_u32.to_le_bytes());
        assert!(NtlmChallenge::parse(&message).is_ok());
        message[44..48].copy_from_slice(&69_u32.to_le_bytes());
        assert_eq!(NtlmChallenge::parse(&message), Err(NtlmError::Field));
        message[44..48].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(NtlmChallenge::parse(&message), Err(NtlmError::Field));
    }

    #[test]
    fn pairs_are_read_up_to_the_limit_and_must_end() {
        let single = [8, 0, 0, 0];
        let ended = |count: usize| [single.repeat(count), vec![0; 4]].concat();
        assert!(informed(&ended(32)).is_ok());
        assert_eq!(informed(&ended(33)), Err(NtlmError::TooManyPairs));
        assert_eq!(informed(&single), Err(NtlmError::Pairs));
        assert_eq!(informed(&[1, 0, 9, 0]), Err(NtlmError::Pairs));
    }

    #[test]
    fn a_message_is_read_up_to_the_limit() {
        let mut message = SPECIFIED.to_vec();
        message.resize(2048, 0);
        assert!(NtlmChallenge::parse(&message).is_ok());
        message.push(0);
        assert_eq!(NtlmChallenge::parse(&message), Err(NtlmError::TooLarge));
        let too_much = [b'A'; 2733];
        assert_eq!(
            NtlmChallenge::read(&too_much[..2732]),
            Err(NtlmError::TooLarge)
        );
        assert_eq!(NtlmChallenge::read(&too_much), Err(NtlmError::TooLarge));
        assert_eq!(NtlmChallenge::read(b"no base64"), Err(NtlmError::Base64));
    }

    #[test]
    fn what_is_no_character_is_shown_as_such() {
        // Half of a surrogate pair, and half of a unit.
        let challenge = informed(b"\x01\0\x05\0A\0\x00\xd8B\0\0\0\0").unwrap();
        assert_eq!(challenge.netbios_computer.as_deref(), Some("A\u{fffd}"));
    }

    #[test]
    fn a_clock_is_read_from_1970_on() {
        let at = |ticks: u64| from_filetime(&ticks.to_le_bytes());
        let epoch = 116_444_736_000_000_000;
        assert_eq!(at(epoch), Some(SystemTime::UNIX_EPOCH));
        assert_eq!(at(epoch - 10), None);
        assert!(at(u64::MAX).is_some());
        assert_eq!(from_filetime(&[0; 7]), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused_without_a_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            from in 0_usize..104,
        ) {
            let _ = (NtlmChallenge::parse(&bytes), NtlmChallenge::read(&bytes));
            let headed = [&SPECIFIED[..from], &bytes[..]].concat();
            let _ = (NtlmChallenge::parse(&headed), informed(&bytes));
        }
    }
}
