//! What answers come to.

use core::net::IpAddr;
use std::time::{Duration, SystemTime};

use nom::number::complete::{be_u8, be_u16, be_u32};
use nom::sequence::preceded;
use nom::{IResult, Parser};
use probe_net::dns::{Answer, Data, Kind, Name, Rcode};

use crate::records::spf::Spf;

/// One MX record.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "RFC 1035 section 3.3.9")]
pub struct Mx {
    /// The lowest is tried first.
    pub preference: u16,
    /// Who takes the mail; the root where nobody does (RFC 7505).
    pub exchange: Name,
}

/// What one server, or one cache, has for a question: sorted, so that the same records are equal in whatever order they
/// came.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Set<T> {
    /// How it was answered.
    pub rcode: Rcode,
    /// The records.
    pub records: Vec<T>,
    /// For how many seconds they may be kept.
    pub ttl: Option<u32>,
}

impl<T> Set<T> {
    fn of<K: Ord>(answer: &Answer, mut records: Vec<T>, key: impl Fn(&T) -> K) -> Self {
        records.sort_by_key(key);
        let ttl = answer.records().map(|record| record.ttl).min();
        Self {
            rcode: answer.rcode,
            records,
            ttl,
        }
    }
}

/// The MX records of an answer.
pub(crate) fn exchanges(answer: &Answer) -> Set<Mx> {
    let records = answer.records().filter_map(|record| match &record.data {
        Data::Mx {
            preference,
            exchange,
        } => Some(Mx {
            preference: *preference,
            exchange: exchange.clone(),
        }),
        _ => None,
    });
    let key = |mx: &Mx| (mx.preference, lower(&mx.exchange));
    Set::of(answer, records.collect(), key)
}

/// The name servers of an answer.
pub(crate) fn name_servers(answer: &Answer) -> Set<Name> {
    let records = answer.records().filter_map(|record| match &record.data {
        Data::Ns(host) => Some(host.clone()),
        _ => None,
    });
    Set::of(answer, records.collect(), lower)
}

/// The SPF records of an answer.
pub(crate) fn spf(answer: &Answer) -> Set<String> {
    let records = answer.records().filter_map(|record| match &record.data {
        Data::Txt(text) if Spf::is_one(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    });
    Set::of(answer, records.collect(), String::clone)
}

/// When the first of an answer's signatures expires.
pub(crate) fn signed_until(answer: &Answer) -> Option<SystemTime> {
    let signatures = answer
        .answers
        .iter()
        .filter(|record| record.kind == Kind::RRSIG);
    let expiries = signatures.filter_map(|record| match &record.data {
        Data::Raw(octets) => expiration(octets).ok().map(|(_, seconds)| seconds),
        _ => None,
    });
    let first = expiries.min()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(first.into()))
}

/// The expiration in the data of a signature (RFC 4034 section 3.1): behind type, algorithm, labels and TTL. Its 32 bits
/// last until 2106.
fn expiration(octets: &[u8]) -> IResult<&[u8], u32> {
    preceded((be_u16, be_u8, be_u8, be_u32), be_u32).parse(octets)
}

/// The addresses of an answer.
pub(crate) fn addresses(answer: &Answer) -> impl Iterator<Item = IpAddr> {
    answer.records().filter_map(|record| match record.data {
        Data::A(address) => Some(address.into()),
        Data::Aaaa(address) => Some(address.into()),
        _ => None,
    })
}

/// What a name stands for.
pub(crate) fn alias(name: &Name, answer: &Answer) -> Option<Name> {
    answer.answers.iter().find_map(|record| match &record.data {
        Data::Cname(target) if record.name == *name => Some(target.clone()),
        _ => None,
    })
}

/// The names of an answer about an address.
pub(crate) fn pointers(answer: &Answer) -> impl Iterator<Item = &Name> {
    answer.records().filter_map(|record| match &record.data {
        Data::Ptr(name) => Some(name),
        _ => None,
    })
}

/// In the order and the letters in which names are compared and shown.
pub(crate) fn lower(name: &Name) -> String {
    name.to_string().to_ascii_lowercase()
}
