//! What we learn: of each list, whether the subject is on it, and whether the list can be believed.

use core::fmt;
use core::net::Ipv4Addr;
use core::time::Duration;
use std::sync::Arc;

use probe_core::{Facts, Metric, Record, Unit};

use crate::catalogue::{List, Meaning, Polarity, Scope};
use crate::command::Subject;
use crate::reply::Entry;

/// Everything that one sweep showed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DnsblFacts {
    /// Who was looked for; `None` where the target was nobody that lists know.
    pub subject: Option<Subject>,
    /// Each list that was asked.
    pub lists: Vec<ListFacts>,
    /// How many could not be asked: they want a hash, or a key that is not there.
    pub left_out: usize,
    /// Whether the resolver finds addresses for names that nobody has.
    pub resolver_invents: bool,
}

/// What one list showed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ListFacts {
    /// Which.
    pub list: Arc<List>,
    /// What it says of the subject.
    pub listing: Listing,
    /// What can be thought of it.
    pub health: Health,
    /// Its answer.
    pub addresses: Vec<Ipv4Addr>,
    /// What that means, in the list's words as far as they are known.
    pub meanings: Vec<String>,
    /// Whether the answer stands at another name. No list needs that.
    pub is_by_alias: bool,
    /// Why, in the list's own words.
    pub reason: Option<Vec<u8>>,
    /// For how long it may be believed.
    pub ttl: Option<Duration>,
}

/// What a list says of somebody.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "yes, no, or nothing")]
pub enum Listing {
    /// They are on it.
    Listed,
    /// They are not.
    NotListed,
    /// Nothing: see its health.
    Unknown,
}

impl Listing {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Listed => "listed",
            Self::NotListed => "not-listed",
            Self::Unknown => "unknown",
        }
    }
}

/// Whether a list can be believed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Health {
    /// It does not answer us, and says why by this address.
    Blocked(Ipv4Addr, Box<str>),
    /// It lists what nobody has, or what must not be listed.
    ListsEverything,
    /// It does not list what must be listed: emptied, or answers of its kind are lost on the way.
    MissingTestEntry,
    /// It does not answer.
    NotAnswering(Box<str>),
    /// What must be on it is, and what must not be is not.
    Ok,
    /// It answers with an address that no list uses: its domain is somebody else's by now.
    Parked(Ipv4Addr),
    /// It refuses to answer.
    Refused,
    /// It did not want us lately and is left alone for a while.
    Resting,
    /// There was no time to see.
    Unknown,
    /// It was not tested, as the caller wishes.
    Untested,
}

impl Health {
    /// Whether what it says can be believed.
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Ok | Self::Untested)
    }

    /// A word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Blocked(..) => "blocked",
            Self::ListsEverything => "lists-everything",
            Self::MissingTestEntry => "missing-test-entry",
            Self::NotAnswering(_) => "not-answering",
            Self::Ok => "ok",
            Self::Parked(_) => "parked",
            Self::Refused => "refused",
            Self::Resting => "resting",
            Self::Unknown => "unknown",
            Self::Untested => "untested",
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked(address, why) => write!(f, "does not answer us: {address} {why}"),
            Self::ListsEverything => f.write_str("lists everything"),
            Self::MissingTestEntry => f.write_str("does not even list its test entry"),
            Self::NotAnswering(why) => f.write_str(why),
            Self::Ok => f.write_str("is well"),
            Self::Parked(address) => write!(f, "is parked: answers {address}"),
            Self::Refused => f.write_str("REFUSED"),
            Self::Resting => f.write_str("did not want us lately"),
            Self::Unknown => f.write_str("there was no time"),
            Self::Untested => f.write_str("was not tested"),
        }
    }
}

impl ListFacts {
    pub(crate) const fn new(list: Arc<List>) -> Self {
        Self {
            list,
            listing: Listing::Unknown,
            health: Health::Unknown,
            addresses: Vec::new(),
            meanings: Vec::new(),
            is_by_alias: false,
            reason: None,
            ttl: None,
        }
    }

    /// What this answer of such a list comes to.
    pub(crate) fn conclude(&mut self, entry: Option<&Entry>, health: Health) {
        self.health = health;
        let Some(entry) = entry else {
            return;
        };
        self.is_by_alias = entry.is_by_alias;
        self.ttl = entry.ttl;
        self.addresses.clone_from(&entry.addresses);
        self.listing = Listing::NotListed;
        let list = self.list.clone();
        for address in &entry.addresses {
            let counts = list.only.as_ref().is_none_or(|only| only.matches(*address));
            for meaning in list.codes.meanings(*address) {
                match meaning {
                    Meaning::Listed(label) => {
                        if counts {
                            self.listing = Listing::Listed;
                        }
                        let word = label.map_or_else(|| address.to_string(), str::to_owned);
                        self.meanings.push(word);
                    }
                    Meaning::Clean(label) => self.meanings.push(label.to_owned()),
                    Meaning::Error(_) | Meaning::Foreign => {}
                }
            }
        }
    }

    /// Whether what it says can be believed.
    pub fn is_believed(&self) -> bool {
        self.health.is_good() && !self.is_by_alias && self.listing != Listing::Unknown
    }

    /// Whether the subject is on it, and that is believed.
    pub fn is_listing(&self) -> bool {
        self.is_believed() && self.listing == Listing::Listed
    }

    /// How it is told: what the list says, and where to ask for delisting.
    pub fn story(&self) -> String {
        let mut story = format!("{} ({})", self.list.title(), self.meanings.join(", "));
        if let Some(reason) = &self.reason {
            story = format!("{story}: {}", String::from_utf8_lossy(reason));
        }
        match &self.list.delisting {
            Some(url) => format!("{story}; delisting: {url}"),
            None => story,
        }
    }

    fn record(&self, out: &mut Record) {
        out.set("zone", self.list.zone.as_str());
        out.set("polarity", self.list.polarity.as_str());
        out.set("scope", self.list.scope.as_str());
        out.set("listing", self.listing.as_str());
        out.set("believed", self.is_believed());
        out.set("health", self.health.as_str());
        if !self.health.is_good() {
            out.set("why", self.health.to_string());
        }
        if self.is_by_alias {
            out.set("by_alias", true);
        }
        if !self.addresses.is_empty() {
            let addresses = self.addresses.iter().map(ToString::to_string);
            out.set("addresses", addresses.collect::<Vec<_>>());
            out.set("meanings", self.meanings.clone());
        }
        if let Some(reason) = &self.reason {
            out.set("reason", reason.as_slice());
        }
        if let Some(url) = &self.list.delisting {
            out.set("delisting", url.as_str());
        }
        if self.is_listing() {
            let metric = Metric::info("probe_dnsbl_listed", "list", self.list.zone.as_str());
            let metric = metric.with_label("polarity", self.list.polarity.as_str());
            out.metric(
                "listed",
                metric.with_label("scope", self.list.scope.as_str()),
            );
        }
    }
}

impl DnsblFacts {
    pub(crate) const fn new(subject: Subject) -> Self {
        Self {
            subject: Some(subject),
            lists: Vec::new(),
            left_out: 0,
            resolver_invents: false,
        }
    }

    pub(crate) const fn nobody() -> Self {
        Self {
            subject: None,
            lists: Vec::new(),
            left_out: 0,
            resolver_invents: false,
        }
    }

    /// The lists that the subject is on, and that are believed.
    pub fn listings(&self) -> impl Iterator<Item = &ListFacts> {
        self.lists.iter().filter(|one| one.is_listing())
    }

    /// What all believed listings weigh together, as postscreen counts it.
    pub fn score(&self) -> i64 {
        self.listings().map(|one| i64::from(one.list.weight)).sum()
    }

    /// The lists that the subject is not on, and that are believed.
    fn clean(&self) -> impl Iterator<Item = &ListFacts> {
        let is_clean = |one: &&ListFacts| one.is_believed() && one.listing == Listing::NotListed;
        self.lists.iter().filter(is_clean)
    }

    /// The lists that are not believed.
    pub(crate) fn doubtful(&self) -> impl Iterator<Item = &ListFacts> {
        self.lists.iter().filter(|one| !one.is_believed())
    }
}

impl Facts for DnsblFacts {
    fn record(&self, out: &mut Record) {
        out.set("subject", self.subject.as_ref().map(ToString::to_string));
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        out.tree("lists", |out| {
            for (state, number) in [
                ("listed", self.listings().count()),
                ("clean", self.clean().count()),
                ("doubtful", self.doubtful().count()),
            ] {
                let metric = Metric::whole("probe_dnsbl_lists", Unit::Count, count(number));
                out.metric(state, metric.with_label("state", state));
            }
            if self.left_out > 0 {
                out.set("left_out", u16::try_from(self.left_out).unwrap_or(u16::MAX));
            }
        });
        let score = self.score().to_string().parse().unwrap_or_default();
        out.metric(
            "score",
            Metric::new("probe_dnsbl_score", Unit::Count, score),
        );
        if self.resolver_invents {
            out.set("resolver_invents", true);
        }
        let listings: Vec<_> = self.listings().collect();
        if !listings.is_empty() {
            out.trees("listings", listings, ListFacts::record);
        }
        let doubtful: Vec<_> = self.doubtful().collect();
        if !doubtful.is_empty() {
            out.trees("doubtful_lists", doubtful, ListFacts::record);
        }
        let clean = self.clean().map(|one| one.list.zone.as_str());
        out.set("clean_lists", clean.collect::<Vec<_>>());
    }
}

impl Polarity {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Block => "block",
            Self::Info => "info",
        }
    }
}

impl Scope {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Asn => "asn",
            Self::Domain => "domain",
            Self::Range => "range",
        }
    }
}
