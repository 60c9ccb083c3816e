//! What answers come to.

use core::net::IpAddr;

use probe_net::dns::{Answer, Data, Name, Rcode};

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

/// The addresses of an answer.
pub(crate) fn addresses(answer: &Answer) -> impl Iterator<Item = IpAddr> {
    answer.records().filter_map(|record| match record.data {
        Data::A(address) => Some(address.into()),
        Data::Aaaa(address) => Some(address.into()),
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
