//! What came of a question: an answer with its evidence, or why there is none.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;

use hickory_proto::rr::rdata::opt::EdnsOption;

use super::datagram::{self, Content, Kind, Question, Rcode};
use super::name::Name;

/// What one server said to one question.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// What was asked.
    pub question: Question,
    /// Who answered.
    pub server: SocketAddr,
    /// By which way.
    pub transport: Transport,
    /// How long it took, from the question (the last one, if it was repeated) to the answer.
    pub time: Duration,
    /// How often it was asked.
    pub tries: u32,
    /// How it was answered.
    pub rcode: Rcode,
    /// What is said of the answer as a whole.
    pub flags: Flags,
    /// The answer itself.
    pub answers: Vec<Record>,
    /// Who would know, or since when nobody does.
    pub authority: Vec<Record>,
    /// What helps to go on.
    pub additional: Vec<Record>,
    /// Why, in the server's words (RFC 8914).
    pub extended_errors: Vec<ExtendedError>,
    /// Whether the server understands EDNS (RFC 6891): it answers in it then.
    pub has_edns: bool,
    /// Answer and authority as they came, where signatures are among them.
    #[cfg(feature = "dnssec")]
    pub(super) signed: Box<[hickory_proto::rr::Record]>,
}

impl Answer {
    pub(super) fn new(
        question: Question,
        content: Content,
        (server, transport): (SocketAddr, Transport),
        (time, tries): (Duration, u32),
    ) -> Self {
        Self {
            question,
            server,
            transport,
            time,
            tries,
            rcode: content.rcode,
            flags: content.flags,
            answers: content.answers,
            authority: content.authority,
            additional: content.additional,
            extended_errors: content.extended_errors,
            has_edns: content.has_edns,
            #[cfg(feature = "dnssec")]
            signed: content.signed,
        }
    }

    /// What a recorded message says to this question: for tests of what is made of answers. `None` if it is no answer to
    /// it.
    pub fn of_message(question: Question, server: SocketAddr, message: &[u8]) -> Option<Self> {
        let id = datagram::id_of(message)?;
        let content = datagram::decode_in_any_case(message, id, &question)?;
        let (from, cost) = ((server, Transport::Udp), (Duration::ZERO, 1));
        Some(Self::new(question, content, from, cost))
    }

    /// The records of the kind that was asked for, of the name itself or of the one that its aliases lead to.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        let (owner, _) = self.owner();
        let is_asked = move |record: &&Record| record.kind == self.question.kind;
        let of_owner = move |record: &&Record| record.name == *owner;
        self.answers.iter().filter(is_asked).filter(of_owner)
    }

    /// Whether aliases lead to the records.
    pub fn is_by_alias(&self) -> bool {
        self.owner().1 > 0
    }

    /// Whose records are the answer, and over how many aliases.
    fn owner(&self) -> (&Name, usize) {
        /// Longer chains are loops.
        const ALIASES: usize = 16;
        let mut owner = &self.question.name;
        for steps in 0..ALIASES {
            let alias = self.answers.iter().find_map(|record| match &record.data {
                Data::Cname(name) if record.name == *owner => Some(name),
                _ => None,
            });
            match alias {
                Some(next) if self.question.kind != Kind::CNAME => owner = next,
                _ => return (owner, steps),
            }
        }
        (owner, ALIASES)
    }

    /// For how long it may be believed that there is nothing: RFC 2308 section 5. `None` where the server does not say.
    pub fn negative_ttl(&self) -> Option<u32> {
        self.authority.iter().find_map(|record| match record.data {
            Data::Soa { minimum, .. } => Some(record.ttl.min(minimum)),
            _ => None,
        })
    }

    /// For how long it may be believed: the shortest of its records, or of nothing.
    pub fn ttl(&self) -> Option<u32> {
        let shortest = self.answers.iter().map(|record| record.ttl).min();
        shortest.or_else(|| self.negative_ttl())
    }
}

/// By which way a question went.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Transport {
    /// HTTPS (RFC 8484).
    Https,
    /// TCP (RFC 7766).
    Tcp,
    /// TLS (RFC 7858).
    Tls,
    /// UDP.
    Udp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Https => "HTTPS",
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Udp => "UDP",
        })
    }
}

/// What is said of an answer as a whole (RFC 1035 section 4.1.1, RFC 4035 section 3.2.3).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Flags {
    /// AA: the server answers for the zone.
    pub authoritative: bool,
    /// AD: a resolver has found all signatures to be right.
    pub authentic_data: bool,
    /// RA: the server finds answers for others.
    pub recursion_available: bool,
    /// TC: the answer was cut off.
    pub truncated: bool,
}

/// One record.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// Whose.
    pub name: Name,
    /// Of which kind.
    pub kind: Kind,
    /// For how many seconds it may be kept.
    pub ttl: u32,
    /// What it says.
    pub data: Data,
}

/// What a record says.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Data {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// Who may issue certificates (RFC 8659).
    Caa {
        /// Who does not understand it may issue none.
        critical: bool,
        /// What it is about.
        tag: String,
        /// What it says.
        value: Box<[u8]>,
    },
    /// Another name for this one.
    Cname(Name),
    /// Who takes its mail.
    Mx {
        /// The lowest comes first.
        preference: u16,
        /// Who.
        exchange: Name,
    },
    /// Who answers for it.
    Ns(Name),
    /// Something else, as zone files have it.
    Other(String),
    /// The name of an address.
    Ptr(Name),
    /// Octets of a kind that is not read here.
    Raw(Box<[u8]>),
    /// Where a zone begins.
    Soa {
        /// Its first server.
        server: Name,
        /// Whose it is: a mailbox, with a dot for the at sign.
        responsible: Name,
        /// Its version, in serial arithmetic (RFC 1982).
        serial: u32,
        /// After how many seconds its other servers look whether it has changed.
        refresh: u32,
        /// After how many they look again, where they could not.
        retry: u32,
        /// After how many they no longer answer for it.
        expire: u32,
        /// For how many seconds it may be believed that something is not there (RFC 2308).
        minimum: u32,
    },
    /// A host that offers a service (RFC 2782).
    Srv {
        /// The lowest comes first.
        priority: u16,
        /// How often among its equals.
        weight: u16,
        /// TCP or UDP port.
        port: u16,
        /// Who; the root where nobody does.
        target: Name,
    },
    /// Which certificate a service has (RFC 6698).
    Tlsa {
        /// Of whom.
        usage: u8,
        /// Which part of it.
        selector: u8,
        /// In which form.
        matching: u8,
        /// Itself, or its digest.
        data: Box<[u8]>,
    },
    /// Text: all its strings, one behind the other.
    Txt(Box<[u8]>),
}

/// As zone files have it, nearly.
impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(address) => write!(f, "{address}"),
            Self::Aaaa(address) => write!(f, "{address}"),
            Self::Caa {
                critical,
                tag,
                value,
            } => {
                let flags = u8::from(*critical) << 7;
                write!(f, "{flags} {tag} {:?}", String::from_utf8_lossy(value))
            }
            Self::Cname(name) => write!(f, "alias of {name}"),
            Self::Mx {
                preference,
                exchange,
            } => write!(f, "{preference} {exchange}"),
            Self::Ns(name) | Self::Ptr(name) => write!(f, "{name}"),
            Self::Other(text) => f.write_str(text),
            Self::Raw(octets) => write!(f, "{} octets", octets.len()),
            Self::Srv {
                priority,
                weight,
                port,
                target,
            } => write!(f, "{priority} {weight} {port} {target}"),
            Self::Tlsa {
                usage,
                selector,
                matching,
                data,
            } => {
                write!(f, "{usage} {selector} {matching} ")?;
                data.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
            }
            Self::Soa { server, serial, .. } => write!(f, "{server} {serial}"),
            Self::Txt(text) => write!(f, "{:?}", String::from_utf8_lossy(text)),
        }
    }
}

/// Why a question was answered so (RFC 8914).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ExtendedError {
    /// The reason by its number.
    pub code: u16,
    /// In words.
    pub text: Box<[u8]>,
}

impl ExtendedError {
    /// hickory-proto does not know this option.
    pub(super) fn of(option: &EdnsOption) -> Option<Self> {
        const CODE: u16 = 15;
        let EdnsOption::Unknown(CODE, bytes) = option else {
            return None;
        };
        let (code, text) = bytes.split_first_chunk()?;
        Some(Self {
            code: u16::from_be_bytes(*code),
            text: text.into(),
        })
    }
}

/// Why there is no answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// We could not ask.
    #[error("the question could not be asked: {0}")]
    Local(String),
    /// There is nobody to be asked.
    #[error("there is no name server to be asked")]
    NoServer,
    /// Nobody listens there.
    #[error("nobody listens at {0}")]
    Refused(SocketAddr),
    /// Nothing came that was an answer.
    #[error("no answer within {:.1} s", .0.as_secs_f64())]
    Timeout(Duration),
}
