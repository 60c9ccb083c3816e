//! A message of the domain name system (RFC 1035 section 4.1): a question to bytes, bytes to an answer to that question.
//! hickory-proto reads and writes; what is believed is decided here.

use core::fmt;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query};
use hickory_proto::rr::{DNSClass, RData, RecordType};
#[cfg(feature = "dnssec")]
use hickory_proto::serialize::binary::BinEncodable;

use super::answer::{Data, ExtendedError, Flags, Record};
use super::name::Name;

/// What is asked, of class IN.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Question {
    /// Of which name.
    pub name: Name,
    /// For which records.
    pub kind: Kind,
}

impl Question {
    /// For these records of this name.
    pub const fn new(name: Name, kind: Kind) -> Self {
        Self { name, kind }
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.kind)
    }
}

/// A type of records (RFC 1035 section 3.2.2), by its number.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Kind(pub u16);

impl Kind {
    /// An IPv4 address.
    pub const A: Self = Self(1);
    /// An IPv6 address (RFC 3596).
    pub const AAAA: Self = Self(28);
    /// Which authorities may issue certificates (RFC 8659).
    pub const CAA: Self = Self(257);
    /// Another name for it.
    pub const CNAME: Self = Self(5);
    /// The keys that sign a zone (RFC 4034).
    pub const DNSKEY: Self = Self(48);
    /// Which keys sign a zone, by its parent (RFC 4034).
    pub const DS: Self = Self(43);
    /// Who takes its mail.
    pub const MX: Self = Self(15);
    /// Who answers for it.
    pub const NS: Self = Self(2);
    /// Which name an address has.
    pub const PTR: Self = Self(12);
    /// Signatures (RFC 4034).
    pub const RRSIG: Self = Self(46);
    /// Where a zone begins.
    pub const SOA: Self = Self(6);
    /// Which hosts offer a service (RFC 2782).
    pub const SRV: Self = Self(33);
    /// Which certificate a service has (RFC 6698).
    pub const TLSA: Self = Self(52);
    /// Text.
    pub const TXT: Self = Self(16);
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match RecordType::from(self.0) {
            RecordType::Unknown(number) => write!(f, "TYPE{number}"),
            known => write!(f, "{known}"),
        }
    }
}

/// How a question was answered (RFC 1035 section 4.1.1), by its number, with EDNS's upper bits.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Rcode(pub u16);

impl Rcode {
    /// The question was malformed.
    pub const FORMERR: Self = Self(1);
    /// It was answered.
    pub const NOERROR: Self = Self(0);
    /// There is no such kind of question.
    pub const NOTIMP: Self = Self(4);
    /// There is no such name.
    pub const NXDOMAIN: Self = Self(3);
    /// The server does not want to answer.
    pub const REFUSED: Self = Self(5);
    /// The server could not answer.
    pub const SERVFAIL: Self = Self(2);

    /// Whether something is said of the name: that it has records, or none, or is not there.
    pub const fn is_about_the_name(self) -> bool {
        matches!(self, Self::NOERROR | Self::NXDOMAIN)
    }
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NOERROR => f.pad("NOERROR"),
            Self::FORMERR => f.pad("FORMERR"),
            Self::SERVFAIL => f.pad("SERVFAIL"),
            Self::NXDOMAIN => f.pad("NXDOMAIN"),
            Self::NOTIMP => f.pad("NOTIMP"),
            Self::REFUSED => f.pad("REFUSED"),
            Self(other) => write!(f, "RCODE{other}"),
        }
    }
}

/// What UDP may carry: larger answers are cut into pieces on the way, and lost (RFC 9715).
const PAYLOAD: u16 = 1232;

/// How a server is to answer.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Manner {
    /// It shall find the answer for us, and not only say what it knows itself (RD).
    pub(super) recursion: bool,
    /// It shall not judge signatures (CD).
    pub(super) unchecked: bool,
    /// It shall show them (DO).
    pub(super) signatures: bool,
    /// It is asked over a connection at once, not by a datagram.
    pub(super) by_stream: bool,
}

/// The bytes of a question.
pub(super) fn encode(id: u16, question: &Question, manner: Manner) -> Vec<u8> {
    let mut message = Message::new(id, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = manner.recursion;
    message.metadata.checking_disabled = manner.unchecked;
    let kind = RecordType::from(question.kind.0);
    message.add_query(Query::query(question.name.0.clone(), kind));
    let mut edns = Edns::new();
    edns.set_max_payload(PAYLOAD);
    edns.set_dnssec_ok(manner.signatures);
    message.set_edns(edns);
    // Names are checked where they are made, and nothing else here has a length.
    message.to_vec().unwrap_or_default()
}

/// What a message is to the question that was asked.
#[derive(Debug)]
pub(super) enum Heard {
    /// Its answer.
    Answer(Box<Content>),
    /// Its answer, were the name in the letters that it was asked in: a server that does not keep them, or a forgery.
    OtherCase,
    /// Something else.
    Foreign,
}

/// What an answer says.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) rcode: Rcode,
    pub(super) flags: Flags,
    pub(super) answers: Vec<Record>,
    pub(super) authority: Vec<Record>,
    pub(super) additional: Vec<Record>,
    pub(super) extended_errors: Vec<ExtendedError>,
    pub(super) has_edns: bool,
    #[cfg(feature = "dnssec")]
    pub(super) signed: Box<[hickory_proto::rr::Record]>,
}

/// The id of a message, which is all that is needed to find who asked.
pub(super) fn id_of(bytes: &[u8]) -> Option<u16> {
    let (id, _) = bytes.split_first_chunk()?;
    Some(u16::from_be_bytes(*id))
}

/// Reads bytes as the answer to this question under this id.
pub(super) fn decode(bytes: &[u8], id: u16, question: &Question) -> Heard {
    let Ok(message) = Message::from_vec(bytes) else {
        return Heard::Foreign;
    };
    let meta = message.metadata;
    let is_reply = meta.message_type == MessageType::Response && meta.op_code == OpCode::Query;
    if !is_reply || meta.id != id {
        return Heard::Foreign;
    }
    match message.queries.as_slice() {
        [asked] if is_same(asked, question) => match asked.name().eq_case(&question.name.0) {
            true => Heard::Answer(Box::new(Content::of(message))),
            false => Heard::OtherCase,
        },
        // Some refuse without repeating the question; there is nothing in it that could be believed wrongly.
        [] if message.answers.is_empty() && u16::from(meta.response_code) != 0 => {
            Heard::Answer(Box::new(Content::of(message)))
        }
        _ => Heard::Foreign,
    }
}

/// The same for a message of which it is known that it is no forgery.
pub(super) fn decode_in_any_case(bytes: &[u8], id: u16, question: &Question) -> Option<Content> {
    let message = Message::from_vec(bytes).ok()?;
    let asked = message.queries.first();
    let asked = asked.filter(|asked| is_same(asked, question));
    let name = asked.map_or(&question.name.0, Query::name);
    match decode(bytes, id, &Question::new(Name(name.clone()), question.kind)) {
        Heard::Answer(content) => Some(*content),
        Heard::Foreign | Heard::OtherCase => None,
    }
}

fn is_same(asked: &Query, question: &Question) -> bool {
    *asked.name() == question.name.0
        && u16::from(asked.query_type()) == question.kind.0
        && asked.query_class() == DNSClass::IN
}

impl Content {
    fn of(message: Message) -> Self {
        let meta = message.metadata;
        let options = message.edns.as_ref().map(Edns::options);
        let options = options.iter().flat_map(|options| &options.options);
        let extended_errors = options.filter_map(|(_, option)| ExtendedError::of(option));
        let records = |records: Vec<hickory_proto::rr::Record>| {
            let of_class = |record: &hickory_proto::rr::Record| record.dns_class == DNSClass::IN;
            records.into_iter().filter(of_class).map(record).collect()
        };
        #[cfg(feature = "dnssec")]
        let signed = signed(&message);
        Self {
            #[cfg(feature = "dnssec")]
            signed,
            rcode: Rcode(meta.response_code.into()),
            flags: Flags {
                authoritative: meta.authoritative,
                authentic_data: meta.authentic_data,
                recursion_available: meta.recursion_available,
                truncated: meta.truncation,
            },
            extended_errors: extended_errors.collect(),
            has_edns: message.edns.is_some(),
            answers: records(message.answers),
            authority: records(message.authorities),
            additional: records(message.additionals),
        }
    }
}

/// Answer and authority, if they are signed.
#[cfg(feature = "dnssec")]
fn signed(message: &Message) -> Box<[hickory_proto::rr::Record]> {
    let records = message.answers.iter().chain(&message.authorities);
    let of_class = records.filter(|record| record.dns_class == DNSClass::IN);
    let is_signature =
        |record: &&hickory_proto::rr::Record| record.record_type() == RecordType::RRSIG;
    match of_class.clone().any(|record| is_signature(&record)) {
        true => of_class.cloned().collect(),
        false => Box::default(),
    }
}

fn record(record: hickory_proto::rr::Record) -> Record {
    let kind = Kind(record.record_type().into());
    let data = match record.data {
        RData::A(address) => Data::A(address.0),
        RData::AAAA(address) => Data::Aaaa(address.0),
        RData::CAA(caa) => Data::Caa {
            critical: caa.issuer_critical,
            tag: caa.tag,
            value: caa.value.into(),
        },
        RData::CNAME(name) => Data::Cname(Name(name.0)),
        RData::MX(mx) => Data::Mx {
            preference: mx.preference,
            exchange: Name(mx.exchange),
        },
        RData::NS(name) => Data::Ns(Name(name.0)),
        RData::PTR(name) => Data::Ptr(Name(name.0)),
        RData::SOA(soa) => Data::Soa {
            server: Name(soa.mname),
            responsible: Name(soa.rname),
            serial: soa.serial,
            refresh: soa.refresh.cast_unsigned(),
            retry: soa.retry.cast_unsigned(),
            expire: soa.expire.cast_unsigned(),
            minimum: soa.minimum,
        },
        RData::SRV(srv) => Data::Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: Name(srv.target),
        },
        RData::TLSA(tlsa) => Data::Tlsa {
            usage: tlsa.cert_usage.into(),
            selector: tlsa.selector.into(),
            matching: tlsa.matching.into(),
            data: tlsa.cert_data.into(),
        },
        RData::TXT(text) => Data::Txt(text.txt_data.concat().into()),
        RData::Unknown { rdata, .. } => Data::Raw(rdata.anything.into()),
        // The same octets, whether or not hickory-proto reads them.
        #[cfg(feature = "dnssec")]
        read @ RData::DNSSEC(_) => Data::Raw(read.to_bytes().unwrap_or_default().into()),
        other => Data::Other(other.to_string()),
    };
    Record {
        name: Name(record.name),
        kind,
        ttl: record.ttl,
        data,
    }
}
