//! What we ask: the name below a list's zone that stands for an address or a domain (RFC 5782 section 2).

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use probe_core::{Host, HostName, Secret};
use probe_net::dns::Name;
use probe_net::names::organisational;

use crate::catalogue::{Form, Kinds, List};
use crate::digest;

/// Who is looked for.
///
/// ```
/// use dnsbl_probe::Subject;
///
/// let address: Subject = Subject::from("192.0.2.1".parse::<probe_core::Host>()?);
/// assert_eq!(address.labels(), "1.2.0.192");
/// let domain = Subject::from("Example.org".parse::<probe_core::Host>()?);
/// assert_eq!(domain.labels(), "example.org");
/// # Ok::<(), probe_core::TargetError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "lists know no more")]
pub enum Subject {
    /// An address. An IPv4 address that is written as an IPv6 one is asked for as what it is.
    Address(IpAddr),
    /// A domain. No list of domains is ever asked for an address: some list whoever does.
    Domain(HostName),
}

impl Subject {
    /// The labels that stand for it: the octets of an IPv4 address backwards, the digits of an IPv6 address backwards
    /// (RFC 5782 sections 2.1 and 2.4), a domain as it is.
    pub fn labels(&self) -> String {
        match self {
            Self::Address(IpAddr::V4(address)) => backwards(*address),
            Self::Address(IpAddr::V6(address)) => digits(*address),
            Self::Domain(name) => name.as_str().to_owned(),
        }
    }

    /// Whether a list of this kind may know it.
    pub(crate) const fn is_of(&self, kinds: Kinds) -> bool {
        match self {
            Self::Address(IpAddr::V4(_)) => kinds.ip4,
            Self::Address(IpAddr::V6(_)) => kinds.ip6,
            Self::Domain(_) => kinds.domain,
        }
    }

    /// As this list wants it.
    pub(crate) fn for_list(&self, list: &List) -> Self {
        match self {
            Self::Domain(name) if matches!(list.form, Form::Digest | Form::Organisation) => {
                Self::Domain(organisational(name))
            }
            other => other.clone(),
        }
    }

    /// What must be on a list of this kind (RFC 5782 section 5).
    pub(crate) fn positive_test<'a>(&self, list: &'a List) -> &'a str {
        match self {
            Self::Address(IpAddr::V4(_)) => "2.0.0.127",
            Self::Address(IpAddr::V6(_)) => {
                "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
            }
            Self::Domain(_) => list.tests.domain.as_deref().unwrap_or("test"),
        }
    }

    /// What must not be.
    pub(crate) const fn negative_test(&self) -> &'static str {
        match self {
            Self::Address(IpAddr::V4(_)) => "1.0.0.127",
            Self::Address(IpAddr::V6(_)) => {
                "1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
            }
            Self::Domain(_) => "invalid",
        }
    }
}

impl From<Host> for Subject {
    fn from(host: Host) -> Self {
        match host {
            Host::Address(address) => Self::Address(address.to_canonical()),
            Host::Name(name) => Self::Domain(name),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Domain(name) => write!(f, "{name}"),
        }
    }
}

fn backwards(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("{d}.{c}.{b}.{a}")
}

fn digits(address: Ipv6Addr) -> String {
    let octets = address.octets();
    let digits = octets.iter().rev();
    let digits = digits.flat_map(|octet| [octet & 15, octet >> 4]);
    let digits: Vec<_> = digits.map(|digit| format!("{digit:x}")).collect();
    digits.join(".")
}

/// The name to ask for, and how it is shown: without the key. `None` where it would be too long.
pub(crate) fn name_of(labels: &str, list: &List, key: Option<&Secret>) -> Option<(Name, String)> {
    let zone: Name = list.zone.parse().ok()?;
    let labels = match list.form {
        Form::Digest => &digest::rspamd(labels),
        _ => labels,
    };
    let shown = format!("{labels}.{}", list.zone);
    let zone = match key {
        Some(key) => zone.below(core::str::from_utf8(key.expose()).ok()?).ok()?,
        None => zone,
    };
    Some((zone.below(labels).ok()?, shown))
}
