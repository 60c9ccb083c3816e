//! Where a domain's DMARC policy stands, and who may be sent reports: the tree walk (RFC 9989 section 4.10) and the
//! consent of foreign domains (RFC 9990 section 4, RFC 7489 section 7.1 before it).

use probe_core::HostName;
use probe_net::names::organisational;

use super::known::{Known, Lack};
use super::published::{Published, Text};
use crate::records::dmarc::{Disposition, Dmarc, PublicSuffix};

/// What there is of DMARC.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DmarcFacts {
    /// The domain itself, and then the domains above it, as far as was needed.
    pub walk: Vec<Published<Dmarc>>,
    /// The policy that counts.
    pub policy: Option<DmarcPolicy>,
    /// What receivers are to do with the domain's mail.
    pub disposition: Option<Disposition>,
    /// The foreign domains that reports go to.
    pub destinations: Vec<Destination>,
}

/// The policy that counts.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DmarcPolicy {
    /// Whose it is: the domain itself, or one above it.
    pub domain: String,
    /// The record.
    pub record: Text<Dmarc>,
}

/// A foreign domain that reports go to.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Destination {
    /// Which.
    pub domain: HostName,
    /// Its consent, at `DOMAIN._report._dmarc`, be it by a wildcard.
    pub consent: Published<Dmarc>,
}

impl Destination {
    /// Whether it is known that it has not consented.
    pub fn is_refused(&self) -> bool {
        self.consent.is_missing()
    }
}

impl DmarcFacts {
    /// So many names are asked at most (RFC 9989 section 4.10).
    pub const QUERIES: usize = 8;
    /// More foreign domains are not looked at.
    pub const DESTINATIONS: usize = 16;

    pub(super) fn look(known: &mut Known, domain: &HostName) -> Self {
        let names = names(domain.as_str());
        let mut walk = Vec::new();
        for name in &names {
            let published = published(known, name);
            let is_first = walk.is_empty();
            let has_ended = ends(&published);
            let is_found = is_first && published.only().is_some();
            let is_open = is_first && published.lack.is_some();
            walk.push(published);
            // The domain's own record is the policy; without it, all domains above are asked at once.
            if is_found || is_open || has_ended {
                break;
            }
        }
        let policy = policy(&names, &walk);
        let disposition = policy.as_ref().and_then(|policy| {
            let wanted = match policy.domain == domain.as_str() {
                true => policy.record.read.disposition(),
                false => policy.record.read.of_subdomains(),
            };
            wanted.map(|wanted| policy.record.read.in_effect(wanted))
        });
        let destinations = policy.as_ref().map(|policy| destinations(known, policy));
        Self {
            walk,
            policy,
            disposition,
            destinations: destinations.unwrap_or_default(),
        }
    }

    /// Whether it is known that there is no policy.
    pub fn is_missing(&self) -> bool {
        self.policy.is_none() && self.lack().is_none()
    }

    /// Why it is not known, if so.
    pub fn lack(&self) -> Option<&Lack> {
        let mut lacks = self.walk.iter().filter_map(|one| one.lack.as_ref());
        lacks.next()
    }
}

/// The domain, and those above it; of long names those between are left out (RFC 9989 section 4.10, steps 4 and 7).
fn names(domain: &str) -> Vec<String> {
    let labels: Vec<_> = domain.split('.').collect();
    let above = labels.len().saturating_sub(1).min(DmarcFacts::QUERIES - 1);
    let starts = (labels.len() - above)..labels.len();
    let above = starts.filter_map(|start| labels.get(start..));
    let above = above.map(|labels| labels.join("."));
    core::iter::once(domain.to_owned()).chain(above).collect()
}

fn published(known: &mut Known, domain: &str) -> Published<Dmarc> {
    Published::look(
        known,
        format!("_dmarc.{domain}"),
        Dmarc::is_one,
        Dmarc::parse,
    )
}

/// RFC 9989 section 4.10, steps 2 and 6: with `psd` said, nothing above matters.
fn ends(published: &Published<Dmarc>) -> bool {
    let suffix = published.only().map(|record| record.read.public_suffix);
    suffix.is_some_and(|suffix| suffix != PublicSuffix::Unsaid)
}

/// RFC 9989 section 4.10.1: the domain's own record, else that of its organisational domain, else that of the public
/// suffix above.
fn policy(names: &[String], walk: &[Published<Dmarc>]) -> Option<DmarcPolicy> {
    let at = |place: usize| {
        let record = walk.get(place)?.only()?.clone();
        let domain = names.get(place)?.clone();
        Some(DmarcPolicy { domain, record })
    };
    if let Some(own) = at(0) {
        return Some(own);
    }
    // What is not known may be what counts.
    if walk.iter().any(|one| one.lack.is_some()) {
        return None;
    }
    let suffix = |place: &usize| walk.get(*place)?.only().map(|one| one.read.public_suffix);
    let mut places = 0..walk.len();
    let highest = places.rfind(|place| suffix(place).is_some())?;
    match suffix(&highest) {
        // The organisational domain is the one below it; that has no record, or has one.
        Some(PublicSuffix::Yes) => highest.checked_sub(1).and_then(at).or_else(|| at(highest)),
        _ => at(highest),
    }
}

fn destinations(known: &mut Known, policy: &DmarcPolicy) -> Vec<Destination> {
    let own = policy.domain.parse::<HostName>();
    let own = own.map(|domain| organisational(&domain));
    let dmarc = &policy.record.read;
    let mut domains: Vec<HostName> = Vec::new();
    for domain in dmarc
        .rua
        .iter()
        .chain(&dmarc.ruf)
        .filter_map(|uri| uri.domain())
    {
        let is_foreign = own.as_ref() != Ok(&organisational(domain));
        if is_foreign && !domains.contains(domain) {
            domains.push(domain.clone());
        }
    }
    domains.truncate(DmarcFacts::DESTINATIONS);
    let destination = |domain: HostName| {
        let name = format!("{}._report._dmarc.{domain}", policy.domain);
        Destination {
            consent: Published::look(known, name, Dmarc::is_one, Dmarc::parse),
            domain,
        }
    };
    domains.into_iter().map(destination).collect()
}
