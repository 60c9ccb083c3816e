//! What a server showed, compared with the TLSA records of its name (RFC 6698, RFC 7671, RFC 7672). Pure: records come
//! from the caller, who has validated them by DNSSEC, and certificates from the facts of a handshake.

use std::sync::Arc;
use std::time::SystemTime;

use probe_core::{HostName, Metric, Record, Unit};

use super::anchored::Chain;
use super::{Certificate, Fault, Matching, Selector, TlsFacts, Tlsa, Unusable, Usage};

/// The TLSA records of a server: there is at least one, and not more than can be compared in a moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Dane {
    records: Vec<Tlsa>,
    references: Vec<HostName>,
}

impl Dane {
    /// The most records. Each one of an authority costs a search for a path to it.
    pub const LIMIT: usize = 32;

    /// Expects what these records say; the same record twice is one.
    ///
    /// # Errors
    /// There is none, or too many.
    pub fn new(records: impl IntoIterator<Item = Tlsa>) -> Result<Self, DaneError> {
        let mut known: Vec<Tlsa> = Vec::new();
        for record in records {
            if known.contains(&record) {
                continue;
            }
            if known.len() == Self::LIMIT {
                return Err(DaneError::TooMany);
            }
            known.push(record);
        }
        match known.is_empty() {
            true => Err(DaneError::None),
            false => Ok(Self {
                records: known,
                references: Vec::new(),
            }),
        }
    }

    /// Where an authority counts, takes a certificate for this name too, beside the server's own: the domain of the
    /// recipients, or the name before aliases were followed (RFC 7672 section 3.2.2).
    #[must_use]
    pub fn with_reference(mut self, name: HostName) -> Self {
        self.references.push(name);
        self
    }

    /// The records.
    pub fn records(&self) -> &[Tlsa] {
        &self.records
    }

    /// Whether a mail server can use any of them. If not, it still encrypts, and trusts whoever answers (RFC 7672
    /// section 2.2).
    pub fn is_usable(&self) -> bool {
        self.records.iter().any(|one| one.unusable().is_none())
    }

    /// Compares each record with what the server showed, at this time.
    pub fn compare(&self, tls: &TlsFacts, now: SystemTime) -> Vec<TlsaMatch> {
        let compared = |record: &Tlsa| TlsaMatch {
            record: record.clone(),
            outcome: self.outcome(record, tls, now),
            is_outranked: self.is_outranked(record),
        };
        self.records.iter().map(compared).collect()
    }

    fn outcome(&self, record: &Tlsa, tls: &TlsFacts, now: SystemTime) -> TlsaOutcome {
        if let Some(reason) = record.unusable() {
            return TlsaOutcome::Unusable(reason);
        }
        let [leaf, above @ ..] = &*tls.chain else {
            return TlsaOutcome::Mismatched;
        };
        match record.usage() {
            // RFC 7671 section 5.1: neither names nor dates count, nor who signed it.
            Usage::DANE_EE if record.names(leaf) => TlsaOutcome::Matched,
            Usage::DANE_EE => TlsaOutcome::Mismatched,
            _ => self.authority(record, leaf, above, tls, now),
        }
    }

    /// RFC 7671 section 5.2: a valid chain to that authority, for a name that was asked for.
    fn authority(
        &self,
        record: &Tlsa,
        leaf: &Certificate,
        above: &[Arc<Certificate>],
        tls: &TlsFacts,
        now: SystemTime,
    ) -> TlsaOutcome {
        let chain = Chain::new(tls, leaf, above, now);
        let fault = match (record.selector(), record.matching()) {
            // The authority itself is in the record and need not be sent.
            (Selector::CERT, Matching::FULL) => {
                let anchor = Certificate::parse(record.data());
                chain.fault_below(&Vec::from_iter(&anchor))
            }
            (Selector::SPKI, Matching::FULL) => chain.fault_below_key(record.data()),
            _ => {
                let sent = above.iter().map(Arc::as_ref);
                chain.fault_below(&Vec::from_iter(sent.filter(|one| record.names(one))))
            }
        };
        let further = self.references.iter().map(HostName::as_str);
        let names = [tls.server_name.as_str()].into_iter().chain(further);
        match fault.or_else(|| chain.fault_of_name(&Vec::from_iter(names))) {
            None => TlsaOutcome::Matched,
            Some(Fault::UnknownIssuer { .. }) => TlsaOutcome::Mismatched,
            Some(fault) => TlsaOutcome::Refused(fault),
        }
    }

    /// RFC 7671 section 9: of the digests of one kind only the strongest counts.
    fn is_outranked(&self, record: &Tlsa) -> bool {
        let outranks = |other: &Tlsa| {
            (other.usage(), other.selector()) == (record.usage(), record.selector())
                && other.matching() == Matching::SHA2_512
                && other.unusable().is_none()
        };
        record.matching() == Matching::SHA2_256 && self.records.iter().any(outranks)
    }
}

/// One TLSA record and what became of it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TlsaMatch {
    /// The record.
    pub record: Tlsa,
    /// Whether it fits what the server showed.
    pub outcome: TlsaOutcome,
    /// Whether a stronger digest for the same beside it makes clients pass it over (RFC 7671 section 9).
    pub is_outranked: bool,
}

impl TlsaMatch {
    /// Whether it fits, and clients look at it.
    pub fn counts(&self) -> bool {
        self.outcome == TlsaOutcome::Matched && !self.is_outranked
    }

    /// Writes the record and what became of it.
    pub fn record(&self, out: &mut Record) {
        let record = &self.record;
        out.set("record", record.brief());
        out.set("outcome", self.outcome.as_str());
        out.set("reason", self.reason());
        out.set("outranked", self.is_outranked);
        let is_matched = f64::from(u8::from(self.outcome == TlsaOutcome::Matched));
        let metric = Metric::new("probe_tls_dane_match", Unit::Count, is_matched)
            .with_label("usage", record.usage().to_string())
            .with_label("selector", record.selector().to_string())
            .with_label("matching", record.matching().to_string())
            .with_label("data", record.digest());
        out.metric("matched", metric);
    }

    /// The record and why it does not count, for people.
    pub(super) fn evidence(&self) -> String {
        let record = self.record.brief();
        match self.reason() {
            Some(reason) => format!("{record}: {reason}"),
            None => format!("{record} would match, but a stronger digest stands beside it"),
        }
    }

    fn reason(&self) -> Option<String> {
        match &self.outcome {
            TlsaOutcome::Matched => None,
            TlsaOutcome::Mismatched => Some(match self.record.usage() {
                Usage::DANE_EE => "the server shows another".to_owned(),
                _ => "no such authority stands above what the server shows".to_owned(),
            }),
            TlsaOutcome::Refused(fault) => Some(fault.told()),
            TlsaOutcome::Unusable(reason) => Some(reason.to_string()),
        }
    }
}

/// Whether one TLSA record fits what a server showed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TlsaOutcome {
    /// It does.
    Matched,
    /// What it names was not shown.
    Mismatched,
    /// The authority that it names stands above the server's certificate, and this speaks against the rest.
    Refused(Fault),
    /// It says nothing to a mail server.
    Unusable(Unusable),
}

impl TlsaOutcome {
    /// The name in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Matched => "matched",
            Self::Mismatched => "mismatched",
            Self::Refused(_) => "refused",
            Self::Unusable(_) => "unusable",
        }
    }
}

/// Why there is nothing to expect of TLSA records.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DaneError {
    /// There is no record.
    #[error("there is no TLSA record")]
    None,
    /// There are more than [`Dane::LIMIT`].
    #[error("there are more than {} TLSA records", Dane::LIMIT)]
    TooMany,
}
