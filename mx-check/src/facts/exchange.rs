//! Who takes a domain's mail, and where they are.

use core::net::IpAddr;

use probe_core::{Metric, Record, Unit};
use probe_net::dns::Name;
use probe_net::names::Reach;
use probe_net::tls::{Dane, Tlsa};

use crate::reply::{Mx, Set, lower};

/// Where a domain's mail goes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Exchange {
    /// The MX records, by whoever is believed: the domain's own servers before resolvers.
    pub records: Option<Set<Mx>>,
    /// Who said so.
    pub source: Option<String>,
    /// What they come to.
    pub kind: MxKind,
    /// The hosts that take mail, those that are tried first first.
    pub hosts: Vec<MxHost>,
    /// Why nothing is known.
    pub trouble: Option<String>,
}

/// What the MX records of a domain come to.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 5321 section 5.1, RFC 7505")]
pub enum MxKind {
    /// There are some.
    Hosts,
    /// There are none, and the domain's own addresses take their place.
    Implicit,
    /// Nobody takes mail for it: no MX, and no address.
    Nobody,
    /// The domain says that it takes no mail (RFC 7505).
    Null,
    /// It could not be asked.
    #[default]
    Unknown,
}

/// One host that takes mail.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MxHost {
    /// The lowest is tried first.
    pub preference: u16,
    /// What it is called in the record.
    pub name: Name,
    /// What kind of name that is.
    pub form: MxForm,
    /// What it stands for, where the name is an alias (RFC 2181 section 10.3): step by step.
    pub aliases: Vec<Name>,
    /// Whether it was found.
    pub state: MxState,
    /// Where it is.
    pub addresses: Vec<MxAddress>,
    /// Whether the domain that it belongs to is there; `None` where that was not asked.
    pub organisation_is_there: Option<bool>,
    /// Which certificate it says that it has (RFC 7672), where it says so.
    pub tlsa: Option<HostTlsa>,
}

/// The TLSA records of a host that takes mail.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HostTlsa {
    /// Where they stand: below what the host's name stands for.
    pub name: Name,
    /// What they say.
    pub records: Vec<Tlsa>,
    /// Whether the resolver has found all signatures to be right (AD). Without it nobody heeds them.
    pub is_authentic: bool,
}

/// What kind of name stands in an MX record.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum MxForm {
    /// One label, which nobody finds from outside.
    Bare,
    /// The domain is there twice: a dot was missing in the zone file.
    Doubled,
    /// A host name.
    Host,
    /// Digits and dots: an address is no name.
    Literal,
    /// The root: takes no mail (RFC 7505).
    Null,
    /// What Microsoft 365 wants to see before it believes who owns a domain; it takes no mail.
    Validation,
}

/// Whether a host was found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum MxState {
    /// It has addresses.
    Found,
    /// Its aliases lead in a circle or nowhere.
    Lost,
    /// The name is there, and has no address.
    NoAddress,
    /// There is no such name.
    NoName,
    /// It could not be asked.
    Unknown(String),
    /// Nobody needs to.
    #[default]
    Unasked,
}

/// One address of a host.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MxAddress {
    /// The address.
    pub address: IpAddr,
    /// From where it can be reached.
    pub reach: Reach,
    /// What it is called (PTR).
    pub names: Vec<Name>,
    /// Whether one of these names leads back to it. `None` where that could not be asked.
    pub is_confirmed: Option<bool>,
}

impl MxHost {
    pub(crate) fn new(mx: &Mx, domain: &Name) -> Self {
        Self {
            preference: mx.preference,
            name: mx.exchange.clone(),
            form: MxForm::of(&mx.exchange, domain),
            aliases: Vec::new(),
            state: MxState::default(),
            addresses: Vec::new(),
            organisation_is_there: None,
            tlsa: None,
        }
    }

    /// What servers that send mail to it hold its certificate to, if anything.
    pub fn dane(&self) -> Option<Dane> {
        let tlsa = self.tlsa.as_ref().filter(|tlsa| tlsa.is_authentic)?;
        Dane::new(tlsa.records.iter().cloned()).ok()
    }

    /// Whether mail could be delivered there, as far as names and addresses tell.
    pub fn is_usable(&self, local_is_fine: bool) -> bool {
        let fits = |one: &MxAddress| match one.reach {
            Reach::Global => true,
            Reach::Local => local_is_fine,
            Reach::Reserved => false,
        };
        self.state == MxState::Found && self.addresses.iter().any(fits)
    }

    fn record(&self, out: &mut Record) {
        out.set("host", lower(&self.name));
        out.set("preference", self.preference);
        if !self.aliases.is_empty() {
            let aliases = self.aliases.iter().map(lower);
            out.set("alias_of", aliases.collect::<Vec<_>>());
        }
        out.set("state", self.state.as_str());
        if let Some(tlsa) = &self.tlsa {
            let records = tlsa.records.iter().map(ToString::to_string);
            out.set("tlsa", records.collect::<Vec<_>>());
            out.set("tlsa_authentic", tlsa.is_authentic);
        }
        out.trees("addresses", &self.addresses, |one, out| {
            out.set("address", one.address.to_string());
            let names: Vec<_> = one.names.iter().map(lower).collect();
            out.set("names", names);
            if let Some(is_confirmed) = one.is_confirmed {
                out.set("confirmed", is_confirmed);
            }
        });
    }
}

impl MxForm {
    fn of(name: &Name, domain: &Name) -> Self {
        let text = lower(name);
        if name.is_root() {
            return Self::Null;
        }
        if text.parse::<IpAddr>().is_ok() {
            return Self::Literal;
        }
        if text.ends_with(".msv1.invalid") {
            return Self::Validation;
        }
        let domain = lower(domain);
        if text.ends_with(&format!(".{domain}.{domain}")) {
            return Self::Doubled;
        }
        match text.contains('.') {
            true => Self::Host,
            false => Self::Bare,
        }
    }
}

impl MxState {
    /// A word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Lost => "lost",
            Self::NoAddress => "no-address",
            Self::NoName => "no-name",
            Self::Unasked => "unasked",
            Self::Unknown(_) => "unknown",
        }
    }
}

impl MxKind {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::Implicit => "implicit",
            Self::Nobody => "nobody",
            Self::Null => "null",
            Self::Unknown => "unknown",
        }
    }
}

impl Exchange {
    /// The hosts that mail could be sent to: without names that stand there for another reason.
    pub fn takers(&self) -> impl Iterator<Item = &MxHost> {
        let takes = |one: &&MxHost| !matches!(one.form, MxForm::Null | MxForm::Validation);
        self.hosts.iter().filter(takes)
    }

    pub(crate) fn record(&self, out: &mut Record) {
        out.set("kind", self.kind.as_str());
        if let Some(source) = &self.source {
            out.set("source", source.as_str());
        }
        if let Some(trouble) = &self.trouble {
            out.set("trouble", trouble.as_str());
        }
        if let Some(ttl) = self.records.as_ref().and_then(|set| set.ttl) {
            let metric = Metric::whole("probe_mx_ttl_seconds", Unit::Seconds, ttl.into());
            out.metric("ttl", metric);
        }
        let count = u64::try_from(self.takers().count()).unwrap_or(u64::MAX);
        out.metric("count", Metric::whole("probe_mx_hosts", Unit::Count, count));
        out.trees("hosts", &self.hosts, MxHost::record);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_odd_name_is_known_as_what_it_is() {
        let of = |name: &str| MxForm::of(&name.parse().unwrap(), &"example.org".parse().unwrap());
        assert_eq!(of("mx.example.net"), MxForm::Host);
        assert_eq!(of("192.0.2.25"), MxForm::Literal);
        assert_eq!(of("mail"), MxForm::Bare);
        assert_eq!(of("mail.Example.org.example.org"), MxForm::Doubled);
        assert_eq!(of("ms12345.msv1.invalid"), MxForm::Validation);
        let root = MxForm::of(&Name::root(), &"example.org".parse().unwrap());
        assert_eq!(root, MxForm::Null);
    }
}
