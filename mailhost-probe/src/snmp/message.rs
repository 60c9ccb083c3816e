//! What is asked and what is answered: PDUs, and the messages of the versions that have no security (RFC 1157, RFC 3416, RFC
//! 1901).
//!
//! ```text
//! message  = SEQUENCE { version INTEGER, community OCTET STRING, pdu }
//! pdu      = [tag] { request-id, error-status, error-index INTEGER, variables }  ; or non-repeaters, max-repetitions
//! variables = SEQUENCE OF SEQUENCE { name OBJECT IDENTIFIER, value }
//! ```

use core::fmt;

use nom::combinator::{all_consuming, map_opt};
use nom::multi::fold;
use nom::{IResult, Parser};
use zeroize::Zeroizing;

use super::ber::{self, INTEGER, NAME, NULL, OCTETS, SEQUENCE};
use super::oid::Oid;

/// What is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Request {
    pub(super) kind: Kind,
    pub(super) names: Vec<Oid>,
}

/// How it is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// The values of these.
    Get,
    /// What follows each of these.
    Next,
    /// What follows each of these, so often.
    Bulk(u8),
}

impl Request {
    /// The PDU.
    pub(super) fn encode(&self, id: i32) -> Zeroizing<Vec<u8>> {
        let (tag, repetitions) = match self.kind {
            Kind::Get => (0xa0, 0),
            Kind::Next => (0xa1, 0),
            Kind::Bulk(repetitions) => (0xa5, repetitions),
        };
        let variable = |name: &Oid| ber::element(SEQUENCE, &[&ber::name(name), &[NULL, 0]]);
        let variables: Vec<_> = self.names.iter().map(variable).collect();
        let variables: Vec<&[u8]> = variables.iter().map(|one| one.as_slice()).collect();
        let parts: [&[u8]; 4] = [
            &ber::integer(id.into()),
            &ber::integer(0),
            &ber::integer(repetitions.into()),
            &ber::element(SEQUENCE, &variables),
        ];
        ber::element(tag, &parts)
    }

    /// What is shown of it.
    pub(super) fn words(&self) -> String {
        let kind = match self.kind {
            Kind::Get => "get",
            Kind::Next => "get-next",
            Kind::Bulk(_) => "get-bulk",
        };
        let names = self.names.iter().map(|name| format!(" {name}"));
        let times = match self.kind {
            Kind::Bulk(repetitions) => format!(", {repetitions} times"),
            Kind::Get | Kind::Next => String::new(),
        };
        format!("{kind}{}{times}", names.collect::<String>())
    }
}

/// What is answered, or reported.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Pdu {
    pub(super) tag: u8,
    pub(super) id: i64,
    pub(super) status: Status,
    /// Which variable the status is about, counted from one.
    pub(super) index: usize,
    pub(super) variables: Vec<Variable>,
}

impl Pdu {
    pub(super) const RESPONSE: u8 = 0xa2;
    pub(super) const REPORT: u8 = 0xa8;
    /// So many variables one answer may have: many times what is asked for.
    pub(super) const VARIABLES: usize = 1024;

    /// Reads one. Values may be of kinds that nobody knows; everything else must be as it should.
    pub(super) fn read(input: &[u8]) -> IResult<&[u8], Self> {
        let (rest, (tag, content)) = ber::any(input)?;
        let index = map_opt(ber::read_integer, |index| usize::try_from(index).ok());
        let each = fold(
            0..=Self::VARIABLES,
            map_opt(
                ber::within(SEQUENCE, (ber::content(NAME), ber::any)),
                |(name, (tag, value))| {
                    Some(Variable {
                        name: ber::read_name(name)?,
                        value: Value::of(tag, value),
                    })
                },
            ),
            Vec::new,
            |mut variables, variable| {
                variables.push(variable);
                variables
            },
        );
        let (_, (id, status, index, variables)) = all_consuming((
            ber::read_integer,
            ber::read_integer.map(Status),
            index,
            ber::within(SEQUENCE, each),
        ))
        .parse(content)?;
        let pdu = Self {
            tag,
            id,
            status,
            index,
            variables,
        };
        Ok((rest, pdu))
    }
}

/// Whether the question was answered (RFC 3416 section 3), by its number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Status(pub(super) i64);

impl Status {
    pub(super) const NO_ERROR: Self = Self(0);
    /// The answer does not fit into a message.
    pub(super) const TOO_BIG: Self = Self(1);
    /// There is no such object, or none after it (v1).
    pub(super) const NO_SUCH_NAME: Self = Self(2);
    pub(super) const GENERAL: Self = Self(5);
    /// The object is not for us.
    pub(super) const NO_ACCESS: Self = Self(6);
    /// Nothing is for us.
    pub(super) const AUTHORIZATION: Self = Self(16);
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NO_ERROR => f.write_str("noError"),
            Self::TOO_BIG => f.write_str("tooBig"),
            Self::NO_SUCH_NAME => f.write_str("noSuchName"),
            Self::GENERAL => f.write_str("genErr"),
            Self::NO_ACCESS => f.write_str("noAccess"),
            Self::AUTHORIZATION => f.write_str("authorizationError"),
            Self(other) => write!(f, "error {other}"),
        }
    }
}

/// One object and its value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Variable {
    pub(super) name: Oid,
    pub(super) value: Value,
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.name, self.value)
    }
}

/// A value (RFC 2578 section 2), or why there is none (RFC 3416 section 3).
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Value {
    Integer(i64),
    Text(Vec<u8>),
    Name(Oid),
    /// Counter32, Gauge32, Counter64.
    Unsigned(u64),
    /// Hundredths of a second.
    Ticks(u64),
    Absent(Absence),
    /// Of a kind that is not used here, or not what its kind should be.
    Other(u8),
}

impl Value {
    /// The longest text that is kept; of longer ones this much. No `DisplayString` is longer.
    pub(super) const TEXT: usize = 255;

    fn of(tag: u8, content: &[u8]) -> Self {
        let read = match tag {
            INTEGER => ber::signed(content).map(Self::Integer),
            OCTETS => Some(Self::Text(
                content.get(..Self::TEXT).unwrap_or(content).to_vec(),
            )),
            NAME => ber::read_name(content).map(Self::Name),
            0x41 | 0x42 | 0x46 => ber::unsigned(content).map(Self::Unsigned),
            0x43 => ber::unsigned(content).map(Self::Ticks),
            0x80 => Some(Self::Absent(Absence::Object)),
            0x81 => Some(Self::Absent(Absence::Instance)),
            0x82 => Some(Self::Absent(Absence::End)),
            _ => None,
        };
        read.unwrap_or(Self::Other(tag))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Text(text) => write!(f, "{:?}", String::from_utf8_lossy(text)),
            Self::Name(name) => write!(f, "{name}"),
            Self::Unsigned(value) => write!(f, "{value}"),
            Self::Ticks(ticks) => write!(f, "{ticks} ticks"),
            Self::Absent(absence) => f.write_str(absence.as_str()),
            Self::Other(tag) => write!(f, "a value of kind {tag:#04x}"),
        }
    }
}

/// Why there is no value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Absence {
    /// The agent has no such object.
    Object,
    /// It has the object, and nothing of it here.
    Instance,
    /// There is nothing behind it.
    End,
}

impl Absence {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Object => "noSuchObject",
            Self::Instance => "noSuchInstance",
            Self::End => "endOfMibView",
        }
    }
}

/// A version whose messages are not secured (RFC 1157 section 4, RFC 1901 section 3), by its number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Plain {
    V1,
    V2c,
}

impl Plain {
    const fn number(self) -> i64 {
        match self {
            Self::V1 => 0,
            Self::V2c => 1,
        }
    }

    pub(super) fn encode(self, community: &[u8], pdu: &[u8]) -> Zeroizing<Vec<u8>> {
        let version = ber::integer(self.number());
        ber::element(
            SEQUENCE,
            &[&version, &ber::element(OCTETS, &[community]), pdu],
        )
    }

    /// The PDU of a message of this version.
    pub(super) fn read(self, datagram: &[u8]) -> Option<Pdu> {
        let message = (ber::read_integer, ber::content(OCTETS), Pdu::read);
        // Some agents fill their datagrams up: what follows is nobody's.
        let (_, (version, _, pdu)) = ber::within(SEQUENCE, message).parse(datagram).ok()?;
        (version == self.number()).then_some(pdu)
    }
}
