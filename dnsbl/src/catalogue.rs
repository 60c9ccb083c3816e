//! What is known of the lists there are: which zone, for what, what its answers mean, since when it is alive or dead, and
//! where to ask for delisting. The data is `catalogue.csv`, one line a list, each with its sources.

mod codes;

use std::collections::HashSet;
use std::path::Path;

use probe_net::dns::Name;

pub use codes::{Codes, CodesError, Filter, Meaning};

/// The lists to ask.
///
/// ```
/// use dnsbl_probe::{Catalogue, Profile};
///
/// let catalogue = Catalogue::builtin().profile(Profile::Core);
/// assert!(catalogue.lists().iter().any(|list| list.zone == "zen.spamhaus.org"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Catalogue(Vec<List>);

/// How many of the lists are asked.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Profile {
    /// Every list that is not known to be dead.
    All,
    /// Those that are known to be alive, whose answers are understood, and which everybody may ask.
    #[default]
    Core,
    /// Those and all that several sources name.
    Wide,
}

/// One list.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct List {
    /// Where it is asked: `zen.spamhaus.org`.
    pub zone: String,
    /// What people call it; empty where that is its zone.
    pub name: String,
    /// What it lists.
    pub kinds: Kinds,
    /// What it means to be on it.
    pub polarity: Polarity,
    /// What a listing is about.
    pub scope: Scope,
    /// What its answers mean.
    pub codes: Codes,
    /// What is asked for.
    pub form: Form,
    /// Who may ask.
    pub access: Access,
    /// What is known of its health.
    pub status: Status,
    /// The year of what is known of it.
    pub seen: Option<u16>,
    /// Which of its test entries can be asked for.
    pub tests: Tests,
    /// The zones whose entries are on this list too.
    pub covers: Vec<String>,
    /// Who runs it.
    pub operator: Option<String>,
    /// Where to ask for delisting.
    pub delisting: Option<String>,
    /// Who says so.
    pub sources: Vec<String>,
    /// How much a listing counts.
    pub weight: i32,
    /// The only answers that count as a listing, if not all do.
    pub only: Option<Filter>,
}

/// What a list lists.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Kinds {
    /// IPv4 addresses.
    pub ip4: bool,
    /// IPv6 addresses.
    pub ip6: bool,
    /// Domains.
    pub domain: bool,
}

/// What it means to be on a list.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "good, bad, or neither")]
pub enum Polarity {
    /// Something good.
    Allow,
    /// Something bad.
    Block,
    /// Neither by itself.
    Info,
}

/// What a listing is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Scope {
    /// The address itself.
    Address,
    /// All networks of whoever it is reached through.
    Asn,
    /// The domain itself.
    Domain,
    /// The network around the address, whatever it does itself.
    Range,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// A digest of what was registered: the first 32 letters of its BLAKE2b, in rspamd's base32.
    Digest,
    /// A digest of a mailbox or of a URL, neither of which is a target here: it is not asked.
    Foreign,
    /// The whole host name.
    Host,
    /// What was registered, without hosts below it.
    Organisation,
    /// The name or the address as it is.
    Plain,
}

/// Who may ask a list.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Access {
    /// Everybody.
    Anybody,
    /// Who has a key, which stands before the zone.
    Key,
    /// Whose address is registered there.
    Registered,
    /// It is not known.
    Unknown,
}

/// What is known of a list's health.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the words of the catalogue")]
pub enum Status {
    /// It works.
    Alive,
    /// It has ended.
    Dead,
    /// It has ended, and lists everything.
    ListsWorld,
    /// Not known.
    Unknown,
}

/// Which test entries of RFC 5782 section 5 a list keeps.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Tests {
    /// What must be listed is.
    pub positive: bool,
    /// What must not be listed is not.
    pub negative: bool,
    /// The domain that must be listed, where that is not `TEST`.
    pub domain: Option<String>,
}

impl Default for Tests {
    fn default() -> Self {
        Self {
            positive: true,
            negative: true,
            domain: None,
        }
    }
}

impl Catalogue {
    /// The lists that this crate knows.
    pub fn builtin() -> Self {
        // It is part of the crate, and a test reads it.
        Self::parse(include_str!("../catalogue.csv")).unwrap_or_default()
    }

    /// Reads a catalogue in the form of this crate's own `catalogue.csv`. Columns may be left out, but not `zone` and
    /// `kinds`.
    ///
    /// # Errors
    /// Something in it is not understood.
    pub fn parse(text: &str) -> Result<Self, CatalogueError> {
        let mut reader = csv::ReaderBuilder::new()
            .flexible(false)
            .from_reader(text.as_bytes());
        let headers = reader.headers().map_err(CatalogueError::of_csv)?.clone();
        let mut lists = Vec::new();
        for row in reader.records() {
            let row = row.map_err(CatalogueError::of_csv)?;
            let line = row.position().map_or(0, csv::Position::line);
            let field = |name: &str| {
                let place = headers.iter().position(|header| header == name);
                place.and_then(|place| row.get(place)).unwrap_or_default()
            };
            let list = List::of_row(field).map_err(|column| CatalogueError::Field {
                line,
                column,
                value: field(column).to_owned(),
            })?;
            lists.push(list);
        }
        let mut zones = HashSet::new();
        match lists.iter().find(|list| !zones.insert(list.zone.as_str())) {
            Some(twice) => Err(CatalogueError::Twice(twice.zone.clone())),
            None => Ok(Self(lists)),
        }
    }

    /// Reads a catalogue from a file.
    ///
    /// # Errors
    /// As [`parse`](Self::parse), or the file cannot be read.
    pub fn read(file: &Path) -> Result<Self, CatalogueError> {
        let text = std::fs::read_to_string(file);
        Self::parse(&text.map_err(|error| CatalogueError::File(error.to_string()))?)
    }

    /// The lists.
    pub fn lists(&self) -> &[List] {
        &self.0
    }

    /// The list of this zone.
    pub fn get(&self, zone: &str) -> Option<&List> {
        self.0.iter().find(|list| list.zone == zone)
    }

    /// So many of them.
    #[must_use]
    pub fn profile(self, profile: Profile) -> Self {
        Self(
            self.0
                .into_iter()
                .filter(|list| list.is_of(profile))
                .collect(),
        )
    }

    /// Without the lists of these zones.
    #[must_use]
    pub fn without(self, zones: &[String]) -> Self {
        Self(
            self.0
                .into_iter()
                .filter(|list| !zones.contains(&list.zone))
                .collect(),
        )
    }

    /// With these lists, which stand for what is known here of the same zones.
    #[must_use]
    pub fn with(mut self, others: Self) -> Self {
        for list in others.0 {
            match self.0.iter_mut().find(|known| known.zone == list.zone) {
                Some(known) => *known = list,
                None => self.0.push(list),
            }
        }
        self
    }
}

/// These lists.
impl FromIterator<List> for Catalogue {
    fn from_iter<I: IntoIterator<Item = List>>(lists: I) -> Self {
        Self(lists.into_iter().collect())
    }
}

impl List {
    /// A list of which nothing is known but its zone.
    ///
    /// # Errors
    /// The zone is no domain name.
    pub fn new(zone: &str, kinds: Kinds) -> Result<Self, CatalogueError> {
        let invalid = || CatalogueError::Zone(zone.to_owned());
        let zone = zone.strip_suffix('.').unwrap_or(zone).to_ascii_lowercase();
        zone.parse::<Name>().map_err(|_| invalid())?;
        Ok(Self {
            zone,
            name: String::new(),
            kinds,
            polarity: Polarity::Block,
            scope: Scope::Address,
            codes: Codes::default(),
            form: Form::Plain,
            access: Access::Anybody,
            // Who names a list knows it.
            status: Status::Alive,
            seen: None,
            tests: Tests::default(),
            covers: Vec::new(),
            operator: None,
            delisting: None,
            sources: Vec::new(),
            weight: 1,
            only: None,
        })
    }

    /// A list as postscreen names it: `ZONE[=FILTER][*WEIGHT]`. What is known of the zone is `known`.
    ///
    /// # Errors
    /// Something in it is not understood.
    pub fn of_site(site: &str, known: &Catalogue) -> Result<Self, CatalogueError> {
        let invalid = || CatalogueError::Site(site.to_owned());
        let (rest, weight) = match site.rsplit_once('*') {
            Some((rest, weight)) => (rest, Some(weight.parse().map_err(|_| invalid())?)),
            None => (site, None),
        };
        let (zone, only) = match rest.split_once('=') {
            Some((zone, filter)) => (zone, Some(filter.parse().map_err(|_| invalid())?)),
            None => (rest, None),
        };
        let any = Kinds {
            ip4: true,
            ip6: true,
            domain: true,
        };
        let mut list = match known.get(&zone.to_ascii_lowercase()) {
            Some(list) => list.clone(),
            None => Self::new(zone, any)?,
        };
        list.weight = weight.unwrap_or(list.weight);
        // To be on it is good, or it would not count so.
        if list.weight < 0 && list.polarity == Polarity::Block {
            list.polarity = Polarity::Allow;
        }
        list.only = only.or(list.only);
        Ok(list)
    }

    /// What people call it.
    pub fn title(&self) -> &str {
        match self.name.is_empty() {
            true => &self.zone,
            false => &self.name,
        }
    }

    fn is_of(&self, profile: Profile) -> bool {
        let is_gone = matches!(self.status, Status::Dead | Status::ListsWorld);
        let is_known = self.status == Status::Alive && self.codes != Codes::default();
        let is_open = self.access == Access::Anybody;
        match profile {
            Profile::All => !is_gone,
            Profile::Core => is_known && (is_open || self.access == Access::Key),
            Profile::Wide => {
                let is_told = self.sources.len() > 1 || self.status == Status::Alive;
                !is_gone && is_told && self.access != Access::Registered
            }
        }
    }

    /// The name of a column is the error.
    fn of_row<'a>(field: impl Fn(&str) -> &'a str) -> Result<Self, &'static str> {
        let kinds = Kinds::of_word(field("kinds")).ok_or("kinds")?;
        let mut list = Self::new(field("zone"), kinds).map_err(|_| "zone")?;
        let words = |name: &str, by: &str| -> Vec<String> {
            let words = field(name).split(by).map(str::trim);
            words
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
                .collect()
        };
        let text = |name: &str| Some(field(name).to_owned()).filter(|text| !text.is_empty());
        list.name = field("name").to_owned();
        list.polarity = match field("polarity") {
            "" | "block" => Polarity::Block,
            "allow" => Polarity::Allow,
            "info" => Polarity::Info,
            _ => return Err("polarity"),
        };
        list.weight = if list.polarity == Polarity::Allow {
            -1
        } else {
            1
        };
        list.scope = match field("scope") {
            "" | "address" => Scope::Address,
            "asn" => Scope::Asn,
            "domain" => Scope::Domain,
            "range" => Scope::Range,
            _ => return Err("scope"),
        };
        list.codes = field("codes").parse().map_err(|_| "codes")?;
        list.form = match field("query") {
            "" => Form::Plain,
            "host" => Form::Host,
            "org" => Form::Organisation,
            "blake2-32-base32-domain" => Form::Digest,
            _ => Form::Foreign,
        };
        list.access = match field("key") {
            "" | "no" => Access::Anybody,
            "prefix" => Access::Key,
            "registration" => Access::Registered,
            "unknown" => Access::Unknown,
            _ => return Err("key"),
        };
        list.status = match field("status") {
            "unknown" => Status::Unknown,
            "" | "alive" => Status::Alive,
            "dead" => Status::Dead,
            "lists-world" => Status::ListsWorld,
            _ => return Err("status"),
        };
        list.seen = match field("seen") {
            "" => None,
            year => Some(year.parse().map_err(|_| "seen")?),
        };
        let tests = words("test", "+");
        list.tests = Tests {
            positive: !tests.iter().any(|word| word == "no-positive"),
            negative: !tests.iter().any(|word| word == "no-negative"),
            domain: tests
                .iter()
                .find_map(|word| Some(word.strip_prefix("entry:")?.to_owned())),
        };
        list.covers = words("covers", " ");
        list.sources = words("sources", "|");
        list.operator = text("operator");
        list.delisting = text("delist");
        Ok(list)
    }
}

impl Kinds {
    fn of_word(text: &str) -> Option<Self> {
        let mut kinds = Self::default();
        for word in text.split('+') {
            match word {
                "ip4" => kinds.ip4 = true,
                "ip6" => kinds.ip6 = true,
                "domain" => kinds.domain = true,
                _ => return None,
            }
        }
        Some(kinds)
    }
}

/// Why a catalogue is not understood.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogueError {
    /// It is no table.
    #[error("it is no table of comma-separated values: {0}")]
    Csv(String),
    /// A value is none of those that can stand there.
    #[error("line {line}: {value:?} cannot stand in the column {column}")]
    #[allow(missing_docs, reason = "they say it themselves")]
    Field {
        line: u64,
        column: &'static str,
        value: String,
    },
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    File(String),
    /// It is no list as postscreen names it.
    #[error("{0:?} is no ZONE[=FILTER][*WEIGHT], such as zen.spamhaus.org=127.0.0.[2..11]*3")]
    Site(String),
    /// A zone is there twice.
    #[error("{0} is there twice")]
    Twice(String),
    /// It is no domain name.
    #[error("{0:?} is no domain name")]
    Zone(String),
}

impl CatalogueError {
    fn of_csv(error: csv::Error) -> Self {
        Self::Csv(error.to_string())
    }
}
