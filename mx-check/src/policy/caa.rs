//! Who may issue certificates for a domain (RFC 8659), those for mailboxes among them (RFC 9495).

use core::fmt;

use probe_core::{HostName, printable};
use probe_net::dns::{Data, Kind};
use probe_net::names::organisational;

use super::check::name_of;
use super::known::{Known, Lack};

/// What there is of CAA: the first set of records from the domain up to its organisational domain.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct CaaFacts {
    /// At which name they stand.
    pub name: Option<String>,
    /// Themselves; none: any authority may.
    pub records: Vec<Caa>,
    /// Why that is not known, if so.
    pub lack: Option<Lack>,
}

/// One record.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Caa {
    /// Whether who does not understand it may issue nothing.
    pub is_critical: bool,
    /// What it is about.
    pub tag: String,
    /// What it says.
    pub value: Box<[u8]>,
}

impl Caa {
    /// The tags that authorities know (RFC 8659 section 4, RFC 9495 section 3, and the registry since).
    const KNOWN: [&'static str; 7] = [
        "contactemail",
        "contactphone",
        "iodef",
        "issue",
        "issuemail",
        "issuevmc",
        "issuewild",
    ];

    /// Whether it keeps every authority from issuing anything: none understands it, and each has to.
    pub fn is_deadlock(&self) -> bool {
        let mut known = Self::KNOWN.iter();
        self.is_critical && !known.any(|tag| self.tag.eq_ignore_ascii_case(tag))
    }
}

impl fmt::Display for Caa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.is_critical) << 7;
        let (tag, value) = (printable(self.tag.as_bytes()), printable(&self.value));
        write!(f, "{flags} {tag} \"{value}\"")
    }
}

impl CaaFacts {
    /// More domains above are not asked.
    pub const CLIMB: usize = 8;
    /// More records are not looked at.
    const RECORDS: usize = 32;

    pub(super) fn look(known: &mut Known, domain: &HostName) -> Self {
        let top = organisational(domain);
        let mut here = domain.as_str();
        for _ in 0..Self::CLIMB {
            let said = match name_of(here).map(|name| known.ask(&name, Kind::CAA)) {
                Some(Ok(said)) => said,
                Some(Err(lack)) => {
                    return Self {
                        lack: Some(lack),
                        ..Self::default()
                    };
                }
                None => break,
            };
            let records = said.data().filter_map(|data| match data {
                Data::Caa {
                    critical,
                    tag,
                    value,
                } => Some(Caa {
                    is_critical: *critical,
                    tag: tag.clone(),
                    value: value.clone(),
                }),
                _ => None,
            });
            let records: Vec<_> = records.take(Self::RECORDS).collect();
            if !records.is_empty() {
                return Self {
                    name: Some(here.to_owned()),
                    records,
                    lack: None,
                };
            }
            match here.split_once('.') {
                Some((_, above)) if here != top.as_str() => here = above,
                _ => break,
            }
        }
        Self::default()
    }
}
