//! What the parent says of a domain, and what its own servers do.

use core::fmt;
use core::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use probe_core::{Metric, Record, Unit};
use probe_net::dns::{Name, Rcode};

use crate::reply::{Mx, Set, lower};

/// How a domain hangs in the tree.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Delegation {
    /// The zone above it.
    pub parent: Option<Name>,
    /// What each server of that zone says.
    pub parents: Vec<Parent>,
    /// Whether the zone above says how the domain is signed (DS). `None` where nobody answered that.
    pub is_signed: Option<bool>,
    /// The domain's own servers, by their addresses.
    pub servers: Vec<Server>,
    /// Name servers that have no address.
    pub homeless: Vec<Name>,
    /// Why nobody could be asked.
    pub trouble: Option<String>,
}

/// A server of the zone above.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Parent {
    /// Who was asked.
    pub server: SocketAddr,
    /// What it says.
    pub says: ParentSays,
}

/// What a server of the zone above says of the domain.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ParentSays {
    /// Others answer for it.
    Delegated {
        /// Who.
        name_servers: Set<Name>,
        /// Where they are, as far as it says.
        glue: Vec<(Name, IpAddr)>,
    },
    /// It answers for it itself.
    Own(Set<Name>),
    /// There is no such name.
    NoName,
    /// No zone begins at the name: it stands in the zone above.
    Inside,
    /// The name is there, and no zone begins at it, although one should: the zone above is that of a registry.
    NoZone,
    /// It does not answer the question.
    Refused(Rcode),
    /// It does not answer.
    Silent(String),
}

impl ParentSays {
    /// The name servers that it names.
    pub fn name_servers(&self) -> Option<&Set<Name>> {
        match self {
            Self::Delegated { name_servers, .. } | Self::Own(name_servers) => Some(name_servers),
            _ => None,
        }
    }

    /// Whether it says that the domain is not there.
    pub const fn is_gone(&self) -> bool {
        matches!(self, Self::NoName | Self::NoZone)
    }
}

impl fmt::Display for ParentSays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delegated { name_servers, .. } => f.write_str(&names(&name_servers.records)),
            Self::Own(name_servers) => write!(f, "itself, {}", names(&name_servers.records)),
            Self::Inside => f.write_str("it is part of that zone"),
            Self::NoName => f.write_str("no such name (NXDOMAIN)"),
            Self::NoZone => f.write_str("no delegation"),
            Self::Refused(rcode) => write!(f, "{rcode}"),
            Self::Silent(why) => f.write_str(why),
        }
    }
}

/// One of the domain's own servers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Server {
    /// Its name.
    pub host: Name,
    /// Where it was asked.
    pub address: SocketAddr,
    /// Whether it answers for the domain.
    pub state: ServerState,
    /// The version of the zone that it has.
    pub soa: Option<Soa>,
    /// Who answers for the domain, as it says.
    pub name_servers: Option<Set<Name>>,
    /// Who takes its mail, as it says.
    pub exchanges: Option<Set<Mx>>,
    /// Its SPF records, as it has them.
    pub spf: Option<Set<String>>,
    /// Where it is, as it says itself, if it answers for its own name.
    pub own_addresses: Vec<IpAddr>,
    /// What its name stands for, where that is an alias.
    pub alias: Option<Name>,
    /// Whether it understands EDNS.
    pub has_edns: Option<bool>,
    /// When the first of the signatures expires that it has of the zone's beginning.
    pub signed_until: Option<SystemTime>,
    /// Whether it answers over TCP too, or why not.
    pub over_tcp: Option<Result<(), String>>,
}

/// What a zone says of itself (RFC 1035 section 3.3.13), times in seconds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(missing_docs, reason = "the names of the RFC")]
#[non_exhaustive]
pub struct Soa {
    pub serial: u32,
    pub refresh: u32,
    pub retry: u32,
    pub expire: u32,
    pub minimum: u32,
}

/// Whether a server answers for a domain.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum ServerState {
    /// It does.
    Well,
    /// It says that the domain is not there.
    NoName,
    /// It has an answer, but not of its own.
    NotAuthoritative,
    /// It points to others.
    Referral,
    /// It does not answer the question.
    Refused(Rcode),
    /// It does not answer.
    Silent(String),
    /// It was not asked.
    #[default]
    Unasked,
}

impl fmt::Display for ServerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Well => f.write_str("answers"),
            Self::NoName => f.write_str("says that there is no such name (NXDOMAIN)"),
            Self::NotAuthoritative => f.write_str("does not answer for it itself (no AA)"),
            Self::Referral => f.write_str("points to others"),
            Self::Refused(rcode) => write!(f, "says {rcode}"),
            Self::Silent(why) => f.write_str(why),
            Self::Unasked => f.write_str("was not asked"),
        }
    }
}

impl Delegation {
    /// What most of the parent's servers say who answered.
    pub fn parent_says(&self) -> Option<&ParentSays> {
        let said = |one: &&Parent| {
            one.says.name_servers().is_some()
                || one.says.is_gone()
                || one.says == ParentSays::Inside
        };
        let said: Vec<_> = self
            .parents
            .iter()
            .filter(said)
            .map(|one| &one.says)
            .collect();
        let key = |says: &ParentSays| {
            (
                says.is_gone(),
                says.name_servers().map(|set| texts(&set.records)),
            )
        };
        let votes =
            |says: &&&ParentSays| said.iter().filter(|other| key(other) == key(says)).count();
        // Among equals the first.
        said.iter().rev().max_by_key(votes).copied()
    }

    /// Whether the zone above no longer knows the domain: at least two of its servers say so where it has two, and none
    /// says otherwise.
    pub fn is_gone(&self) -> bool {
        let gone = self.parents.iter().filter(|one| one.says.is_gone()).count();
        let known = self
            .parents
            .iter()
            .filter(|one| one.says.name_servers().is_some() || one.says == ParentSays::Inside);
        gone >= self.parents.len().min(2) && gone > 0 && known.count() == 0
    }

    /// The servers that answer for the domain.
    pub fn well(&self) -> impl Iterator<Item = &Server> {
        self.servers
            .iter()
            .filter(|one| one.state == ServerState::Well)
    }

    pub(crate) fn record(&self, out: &mut Record) {
        if let Some(parent) = &self.parent {
            out.set("parent", parent.to_string());
        }
        if let Some(trouble) = &self.trouble {
            out.set("trouble", trouble.as_str());
        }
        out.trees("parents", &self.parents, |one, out| {
            out.set("server", one.server.ip().to_string());
            out.set("says", one.says.to_string());
            if let Some(ttl) = one.says.name_servers().and_then(|set| set.ttl) {
                out.set("ttl", i64::from(ttl));
            }
        });
        if let Some(is_signed) = self.is_signed {
            out.set("signed", is_signed);
        }
        out.trees("servers", &self.servers, Server::record);
        if !self.homeless.is_empty() {
            out.set("without_address", texts(&self.homeless));
        }
        let count = u64::try_from(self.well().count()).unwrap_or(u64::MAX);
        let well = Metric::whole("probe_domain_name_servers_well", Unit::Count, count);
        out.metric("servers_well", well);
    }
}

impl Server {
    fn record(&self, out: &mut Record) {
        out.set(
            "name",
            format!("{} {}", lower(&self.host), self.address.ip()),
        );
        out.set("state", self.state.to_string());
        if let Some(soa) = &self.soa {
            out.set("serial", i64::from(soa.serial));
        }
        out.set("signed_until", self.signed_until);
        out.set("edns", self.has_edns);
        if let Some(over_tcp) = &self.over_tcp {
            out.set("tcp", over_tcp.is_ok());
        }
        if let Some(set) = &self.name_servers {
            out.set("name_servers", texts(&set.records));
        }
    }
}

fn texts(names: &[Name]) -> Vec<String> {
    names.iter().map(lower).collect()
}

pub(crate) fn names(names: &[Name]) -> String {
    texts(names).join(", ")
}
