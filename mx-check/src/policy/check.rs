//! `check_host` (RFC 7208 section 4): what a domain's SPF record, and those that it leads to, come to for one sender.

use core::fmt;
use core::net::IpAddr;

use probe_net::dns::{Data, Kind, Name};

use super::expand::Sender;
use super::known::{Known, Lack, Said};
use crate::records::spf::{Letter, MacroString, Mechanism, Prefixes, Qualifier, Spf};

/// What SPF says of a sender (RFC 7208 section 2.6).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the RFC has these seven")]
pub enum SpfResult {
    /// They may not send.
    Fail,
    /// The domain does not want to say.
    Neutral,
    /// There is no record.
    None,
    /// They may send.
    Pass,
    /// The record cannot be used.
    PermError,
    /// They probably may not send.
    SoftFail,
    /// The name servers cannot tell now.
    TempError,
}

impl SpfResult {
    /// The name in headers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Neutral => "neutral",
            Self::None => "none",
            Self::Pass => "pass",
            Self::PermError => "permerror",
            Self::SoftFail => "softfail",
            Self::TempError => "temperror",
        }
    }
}

impl From<Qualifier> for SpfResult {
    fn from(qualifier: Qualifier) -> Self {
        match qualifier {
            Qualifier::Fail => Self::Fail,
            Qualifier::Neutral => Self::Neutral,
            Qualifier::Pass => Self::Pass,
            Qualifier::SoftFail => Self::SoftFail,
        }
    }
}

impl fmt::Display for SpfResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What became of one sender.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SpfCheck {
    /// From where.
    pub address: IpAddr,
    /// Whether the domain's mail is known to come from there.
    pub is_sender: bool,
    /// What SPF says; nothing while an answer is missing.
    pub result: Option<SpfResult>,
    /// By which term of whose record, or why there is none.
    pub why: String,
}

/// Why an evaluation stops.
enum Stop {
    Pending,
    Perm(String),
    Temp(String),
}

impl From<Lack> for Stop {
    fn from(lack: Lack) -> Self {
        match lack {
            Lack::Pending => Self::Pending,
            Lack::Trouble(why) => Self::Temp(why.as_ref().to_owned()),
        }
    }
}

/// What the domain's record comes to for this sender.
pub(crate) fn check(known: &mut Known, sender: &Sender, is_sender: bool) -> SpfCheck {
    let mut check = Check {
        known,
        sender,
        lookups: 0,
        voids: 0,
        why: String::new(),
    };
    let (result, why) = match check.of_domain(&sender.domain) {
        Ok(result) => (Some(result), check.why),
        Err(Stop::Pending) => (None, "not all questions were answered".to_owned()),
        Err(Stop::Perm(why)) => (Some(SpfResult::PermError), why),
        Err(Stop::Temp(why)) => (Some(SpfResult::TempError), why),
    };
    SpfCheck {
        address: sender.address,
        is_sender,
        result,
        why,
    }
}

struct Check<'a> {
    known: &'a mut Known,
    sender: &'a Sender,
    lookups: usize,
    voids: usize,
    why: String,
}

impl Check<'_> {
    /// As deep as includes and redirects go, each is a lookup: so this ends.
    fn of_domain(&mut self, domain: &str) -> Result<SpfResult, Stop> {
        let name = name_of(domain).filter(|_| domain.trim_end_matches('.').contains('.'));
        let Some(name) = name else {
            self.why = format!("{domain} is no domain name");
            return Ok(SpfResult::None);
        };
        let published = self.known.spf(domain, &name);
        if let Some(lack) = &published.lack {
            return Err(lack.clone().into());
        }
        let record = match published.records.as_slice() {
            [] => {
                self.why = format!("{domain} has no record");
                return Ok(SpfResult::None);
            }
            [one] => &one.read,
            _ => return Err(Stop::Perm(format!("{domain} has several records"))),
        };
        if let Some(error) = record.errors.first() {
            return Err(Stop::Perm(format!("{domain}: {error}")));
        }
        for (qualifier, mechanism) in record.directives() {
            if mechanism.asks() {
                self.count()?;
            }
            if self.matches(mechanism, domain)? {
                self.why = format!("{domain}: {}{mechanism}", qualifier.as_str());
                return Ok(qualifier.into());
            }
        }
        let Some(target) = record.redirect() else {
            self.why = format!("{domain}: nothing fits");
            return Ok(SpfResult::Neutral);
        };
        self.count()?;
        let target = self.expand(target, domain)?;
        match self.of_domain(&target)? {
            SpfResult::None => Err(Stop::Perm(format!("{target} has no record"))),
            result => Ok(result),
        }
    }

    /// RFC 7208 section 4.6.4.
    fn count(&mut self) -> Result<(), Stop> {
        self.lookups += 1;
        match self.lookups > Spf::LOOKUPS {
            true => Err(Stop::Perm("more than 10 terms ask the name server".into())),
            false => Ok(()),
        }
    }

    /// The same section: a term that finds nothing.
    fn count_void(&mut self, said: &Said) -> Result<(), Stop> {
        self.voids += usize::from(said.is_void());
        match self.voids > Spf::VOIDS {
            true => Err(Stop::Perm("more than 2 terms find nothing".into())),
            false => Ok(()),
        }
    }

    fn matches(&mut self, mechanism: &Mechanism, domain: &str) -> Result<bool, Stop> {
        match mechanism {
            Mechanism::A(target, prefixes) => {
                let Some(name) = self.target(target.as_ref(), domain)? else {
                    return Ok(false);
                };
                let said = self.known.ask(&name, self.family())?;
                self.count_void(&said)?;
                Ok(self.is_among(&said, *prefixes))
            }
            Mechanism::All => Ok(true),
            Mechanism::Exists(target) => {
                let Some(name) = self.target(Some(target), domain)? else {
                    return Ok(false);
                };
                let said = self.known.ask(&name, Kind::A)?;
                self.count_void(&said)?;
                Ok(!said.is_void())
            }
            Mechanism::Include(target) => {
                let target = self.expand(target, domain)?;
                match self.of_domain(&target)? {
                    SpfResult::None => Err(Stop::Perm(format!("{target} has no record"))),
                    result => Ok(result == SpfResult::Pass),
                }
            }
            Mechanism::Ip4(network, bits) => {
                Ok(is_within(self.sender.address, IpAddr::V4(*network), *bits))
            }
            Mechanism::Ip6(network, bits) => {
                Ok(is_within(self.sender.address, IpAddr::V6(*network), *bits))
            }
            Mechanism::Mx(target, prefixes) => match self.target(target.as_ref(), domain)? {
                Some(name) => self.is_of_exchanges(&name, *prefixes),
                None => Ok(false),
            },
            Mechanism::Ptr(target) => match self.target(target.as_ref(), domain)? {
                Some(name) => self.has_name_within(&name),
                None => Ok(false),
            },
        }
    }

    fn is_of_exchanges(&mut self, name: &Name, prefixes: Prefixes) -> Result<bool, Stop> {
        let said = self.known.ask(name, Kind::MX)?;
        self.count_void(&said)?;
        let exchanges: Vec<_> = exchanges(&said).collect();
        if exchanges.len() > Spf::NAMES {
            return Err(Stop::Perm(format!("more than 10 hosts take {name}'s mail")));
        }
        let family = self.family();
        // All at once, since most of them will be needed.
        let heard: Vec<_> = exchanges
            .into_iter()
            .map(|exchange| self.known.ask(exchange, family))
            .collect();
        for said in heard {
            if self.is_among(&said?, prefixes) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// RFC 7208 section 5.5. What cannot be asked does not fit.
    fn has_name_within(&mut self, target: &Name) -> Result<bool, Stop> {
        let Some(name) = reverse(self.sender.address) else {
            return Ok(false);
        };
        match self.known.ask(&name, Kind::PTR) {
            Ok(said) => self.count_void(&said)?,
            Err(Lack::Pending) => return Err(Stop::Pending),
            Err(Lack::Trouble(_)) => return Ok(false),
        }
        let names = self.names()?;
        Ok(names.iter().any(|name| name.is_within(target)))
    }

    /// The client's names that lead back to its address.
    fn names(&mut self) -> Result<Vec<Name>, Stop> {
        let Some(name) = reverse(self.sender.address) else {
            return Ok(Vec::new());
        };
        let said = match self.known.ask(&name, Kind::PTR) {
            Ok(said) => said,
            Err(Lack::Pending) => return Err(Stop::Pending),
            Err(Lack::Trouble(_)) => return Ok(Vec::new()),
        };
        let family = self.family();
        let names = said.data().filter_map(|data| match data {
            Data::Ptr(name) => Some(name),
            _ => None,
        });
        let heard: Vec<_> = names
            .take(Spf::NAMES)
            .map(|name| (name, self.known.ask(name, family)))
            .collect();
        let mut valid = Vec::new();
        for (name, heard) in heard {
            match heard {
                Ok(said) if self.is_among(&said, Prefixes::default()) => valid.push(name.clone()),
                Ok(_) | Err(Lack::Trouble(_)) => {}
                Err(Lack::Pending) => return Err(Stop::Pending),
            }
        }
        Ok(valid)
    }

    fn is_among(&self, said: &Said, prefixes: Prefixes) -> bool {
        said.data().any(|data| match data {
            Data::A(address) => {
                let bits = prefixes.ip4.unwrap_or(32);
                is_within(self.sender.address, IpAddr::V4(*address), bits)
            }
            Data::Aaaa(address) => {
                let bits = prefixes.ip6.unwrap_or(128);
                is_within(self.sender.address, IpAddr::V6(*address), bits)
            }
            _ => false,
        })
    }

    const fn family(&self) -> Kind {
        match self.sender.address {
            IpAddr::V4(_) => Kind::A,
            IpAddr::V6(_) => Kind::AAAA,
        }
    }

    /// The name that a term is about; `None` where it comes to none, and nobody fits.
    fn target(&mut self, text: Option<&MacroString>, domain: &str) -> Result<Option<Name>, Stop> {
        match text {
            None => Ok(name_of(domain)),
            Some(text) => Ok(name_of(&self.expand(text, domain)?)),
        }
    }

    fn expand(&mut self, text: &MacroString, domain: &str) -> Result<String, Stop> {
        let wants_name = text.macros().any(|one| one.letter == Letter::Name);
        let client = match wants_name {
            true => self.name_for(domain)?,
            false => String::new(),
        };
        Ok(self.sender.expand(text, domain, &client))
    }

    /// RFC 7208 section 7.3: the domain itself, else a name below it, else any; else `unknown`.
    fn name_for(&mut self, domain: &str) -> Result<String, Stop> {
        let names = self.names()?;
        let domain = name_of(domain);
        let is_it = |name: &&Name| Some(*name) == domain.as_ref();
        let is_below = |name: &&Name| domain.as_ref().is_some_and(|it| name.is_within(it));
        let mut all = names.iter();
        let found = names.iter().find(is_it);
        let found = found.or_else(|| names.iter().find(is_below));
        let found = found.or_else(|| all.next());
        Ok(found.map_or_else(|| "unknown".to_owned(), ToString::to_string))
    }
}

/// Who takes a domain's mail; the root stands for nobody (RFC 7505).
pub(super) fn exchanges(said: &Said) -> impl Iterator<Item = &Name> {
    said.data().filter_map(|data| match data {
        Data::Mx { exchange, .. } if !exchange.is_root() => Some(exchange),
        _ => None,
    })
}

/// A name that can be asked for.
pub(super) fn name_of(text: &str) -> Option<Name> {
    text.parse().ok()
}

/// Where an address's names stand (RFC 1035 section 3.5, RFC 3596 section 2.5).
fn reverse(address: IpAddr) -> Option<Name> {
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            name_of(&format!("{d}.{c}.{b}.{a}.in-addr.arpa"))
        }
        IpAddr::V6(address) => {
            let octets = address.octets();
            let digits = octets
                .iter()
                .rev()
                .flat_map(|octet| [octet & 15, octet >> 4]);
            let digits: Vec<_> = digits.map(|digit| format!("{digit:x}")).collect();
            name_of(&format!("{}.ip6.arpa", digits.join(".")))
        }
    }
}

/// Whether an address has its first bits in common with a network of its family.
fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let bits = u32::from(bits);
    match (address, network) {
        (IpAddr::V4(one), IpAddr::V4(other)) => {
            let differ = one.to_bits() ^ other.to_bits();
            differ.checked_shr(32 - bits.min(32)).unwrap_or(0) == 0
        }
        (IpAddr::V6(one), IpAddr::V6(other)) => {
            let differ = one.to_bits() ^ other.to_bits();
            differ.checked_shr(128 - bits.min(128)).unwrap_or(0) == 0
        }
        _ => false,
    }
}
