//! What we learn: with whom a domain is registered, until when, and in which states.

use std::time::{Duration, SystemTime};

use probe_core::{Facts, Host, HostName, Metric, Record, printable};
use probe_net::http::Url;

use super::answer::Answer;
use super::lifecycle::Lifecycle;
use super::options::Thresholds;
use super::status::Status;

/// What was learned of the registration of a domain.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RegistrationFacts {
    /// The domain that was registered: the organisational domain of the one in question.
    pub domain: HostName,
    /// When it was looked up.
    pub at: SystemTime,
    /// What came of it.
    pub state: State,
    /// Until when it is paid for, as the caller knows it.
    pub expiry_of_caller: Option<SystemTime>,
    /// A date nearer than this is near.
    pub soon: Duration,
    /// Who was asked, in this order.
    pub asked: Vec<Asked>,
}

/// What came of looking up a registration.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum State {
    /// It is registered; whether its end is known stands in [`Registration::expiry`].
    Known(Box<Registration>),
    /// Its registry has no service that could be asked.
    NoService,
    /// It is registered with nobody.
    NotFound,
    /// We asked too often, and may come back after this.
    TooOften(Option<Duration>),
    /// Nobody answered, or nothing that makes sense, for this reason.
    Unreachable(String),
}

impl State {
    /// A word for it.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Known(registration) if registration.expires().is_none() => "not-published",
            Self::Known(_) => "known",
            Self::NoService => "no-service",
            Self::NotFound => "not-found",
            Self::TooOften(_) => "too-often",
            Self::Unreachable(_) => "unreachable",
        }
    }
}

impl From<Answer> for State {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Found(registration) => Self::Known(registration),
            Answer::NotFound => Self::NotFound,
            Answer::TooOften(after) => Self::TooOften(after),
            Answer::Unusable(why) => Self::Unreachable(why),
        }
    }
}

/// Who was asked, and what came of it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Asked {
    /// A URL of RDAP, or a host of WHOIS.
    pub server: String,
    /// In a few words.
    pub outcome: String,
}

impl Asked {
    pub(super) fn new(server: impl ToString, outcome: impl Into<String>) -> Self {
        Self {
            server: server.to_string(),
            outcome: outcome.into(),
        }
    }
}

/// A domain as its registry has it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Registration {
    /// Who says it.
    pub source: Source,
    /// The domain, as the registry names it.
    pub name: Option<String>,
    /// The registry's number for it.
    pub handle: Option<String>,
    /// Until when the registry keeps it.
    pub expiry: Expiry,
    /// Until when the registrar does. It stays behind where the registry renewed a name that nobody has paid for.
    pub registrar_expiry: Option<SystemTime>,
    /// Since when it is registered.
    pub created: Option<SystemTime>,
    /// When its registration was last changed.
    pub changed: Option<SystemTime>,
    /// When it went from one registrar to another.
    pub transferred: Option<SystemTime>,
    /// When it was deleted.
    pub deleted: Option<SystemTime>,
    /// When it was registered again after that.
    pub reinstantiated: Option<SystemTime>,
    /// Its states.
    pub statuses: Vec<Status>,
    /// By whom it is registered.
    pub registrar: Option<Registrar>,
    /// Its name servers, in lower case and without the final dot.
    pub name_servers: Vec<String>,
    /// Whether the registry has DS records for it.
    pub delegation_signed: Option<bool>,
    /// Which, where the registry tells.
    pub ds: Vec<Ds>,
    /// Where the registrar's own RDAP tells of it.
    pub related: Option<Url>,
}

impl Registration {
    /// One of which nothing is known yet.
    pub(super) const fn new(source: Source) -> Self {
        Self {
            source,
            name: None,
            handle: None,
            expiry: Expiry::NotPublished,
            registrar_expiry: None,
            created: None,
            changed: None,
            transferred: None,
            deleted: None,
            reinstantiated: None,
            statuses: Vec::new(),
            registrar: None,
            name_servers: Vec::new(),
            delegation_signed: None,
            ds: Vec::new(),
            related: None,
        }
    }

    /// Whether it is in this state: one of the constants of [`Status`].
    pub fn has(&self, status: &str) -> bool {
        self.statuses.iter().any(|known| known.as_str() == status)
    }

    /// Until when it is registered: the registry's date, or the registrar's where the registry has none.
    pub fn expires(&self) -> Option<SystemTime> {
        match self.expiry {
            Expiry::Known(date) => Some(date),
            Expiry::NotPublished | Expiry::Unreadable(_) => self.registrar_expiry,
        }
    }

    fn record(&self, out: &mut Record) {
        out.tree("source", |out| match &self.source {
            Source::Rdap { url, is_verified } => {
                out.set("protocol", "rdap");
                out.set("url", url.to_string());
                out.set("verified", *is_verified);
            }
            Source::Whois { server } => {
                out.set("protocol", "whois");
                out.set("server", server.to_string());
            }
        });
        if let Some(date) = self.expires() {
            let metric = Metric::timestamp("probe_domain_expiry_timestamp_seconds", date);
            out.label("expires", date, metric);
        }
        if let Expiry::Unreadable(text) = &self.expiry {
            out.set("unreadable_expiry", text.as_str());
        }
        for (key, date) in [
            ("registrar_expires", self.registrar_expiry),
            ("created", self.created),
            ("changed", self.changed),
            ("transferred", self.transferred),
            ("deleted", self.deleted),
            ("reinstantiated", self.reinstantiated),
        ] {
            if date.is_some() {
                out.set(key, date);
            }
        }
        out.set("handle", self.handle.clone());
        out.set(
            "registrar",
            self.registrar
                .as_ref()
                .and_then(|registrar| registrar.name.clone()),
        );
        out.set(
            "registrar_id",
            self.registrar
                .as_ref()
                .and_then(|registrar| registrar.handle.clone()),
        );
        let statuses = self.statuses.iter().map(Status::as_str);
        out.set("statuses", statuses.collect::<Vec<_>>());
        out.set("name_servers", self.name_servers.clone());
        out.set("delegation_signed", self.delegation_signed);
        if !self.ds.is_empty() {
            out.trees("ds", &self.ds, Ds::record);
        }
    }
}

/// Who says what is known of a registration.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Source {
    /// RDAP.
    Rdap {
        /// Where it was told.
        url: Url,
        /// Whether the server proved who it is.
        is_verified: bool,
    },
    /// WHOIS, which proves nothing.
    Whois {
        /// Who told it.
        server: Host,
    },
}

/// Until when a domain is registered.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Expiry {
    /// Until then.
    Known(SystemTime),
    /// The registry does not tell. RFC 9083 does not make it.
    NotPublished,
    /// The registry tells, and not in a way that is understood.
    Unreadable(String),
}

/// Who registered a domain for somebody.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Registrar {
    /// Its name.
    pub name: Option<String>,
    /// Its number: that of IANA's list, at most registries.
    pub handle: Option<String>,
}

/// A DS record, as the registry tells it (RFC 9083 section 5.3).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ds {
    /// The tag of the key.
    pub key_tag: u16,
    /// Its algorithm.
    pub algorithm: u8,
    /// The algorithm of the digest.
    pub digest_type: u8,
    /// The digest, in hexadecimal digits of upper case.
    pub digest: String,
}

impl Ds {
    pub(super) fn new(key_tag: u16, algorithm: u8, digest_type: u8, digest: &str) -> Self {
        Self {
            key_tag,
            algorithm,
            digest_type,
            digest: digest.to_ascii_uppercase(),
        }
    }

    fn record(&self, out: &mut Record) {
        out.set("key_tag", self.key_tag);
        out.set("algorithm", u16::from(self.algorithm));
        out.set("digest_type", u16::from(self.digest_type));
        out.set("digest", self.digest.as_str());
    }
}

impl RegistrationFacts {
    /// What came of a look-up at such a time, where nobody is known to have been asked.
    pub fn new(domain: HostName, at: SystemTime, state: State) -> Self {
        Self {
            domain,
            at,
            state,
            expiry_of_caller: None,
            soon: Thresholds::default().expiry_warning,
            asked: Vec::new(),
        }
    }

    /// The registration, where it is known.
    pub fn registration(&self) -> Option<&Registration> {
        match &self.state {
            State::Known(registration) => Some(registration),
            _ => None,
        }
    }

    /// Until when the domain is registered, as far as anybody knows: the registry's date, or else the caller's.
    pub fn expires(&self) -> Option<SystemTime> {
        let told = self.registration().and_then(Registration::expires);
        told.or(self.expiry_of_caller)
    }

    /// Where the registration stands, if that is known.
    pub fn lifecycle(&self, now: SystemTime, soon: Duration) -> Option<Lifecycle> {
        let by_date = |expiry| Lifecycle::by_date(expiry, now, soon);
        let by_caller = self.expiry_of_caller.map(by_date);
        match &self.state {
            State::Known(registration) => match Lifecycle::of(registration, now, soon) {
                Lifecycle::Active if registration.expires().is_none() => {
                    by_caller.or(Some(Lifecycle::Active))
                }
                stands => Some(stands),
            },
            State::NotFound => None,
            State::NoService | State::TooOften(_) | State::Unreachable(_) => by_caller,
        }
    }

    /// Why nothing is known, in the words of whoever was asked.
    pub(super) fn story(&self) -> String {
        let asked = self.asked.iter();
        let told = asked.map(|one| format!("{}: {}", one.server, one.outcome));
        told.collect::<Vec<_>>().join("; ")
    }
}

impl Facts for RegistrationFacts {
    fn record(&self, out: &mut Record) {
        out.set("domain", self.domain.as_str());
        let state = self.state.as_str();
        out.label(
            "state",
            state,
            Metric::info("probe_domain_registration", "state", state),
        );
        if let Some(lifecycle) = self.lifecycle(self.at, self.soon) {
            let word = lifecycle.as_str();
            let metric = Metric::info("probe_domain_lifecycle", "lifecycle", word);
            out.label("lifecycle", word, metric);
        }
        match &self.state {
            State::Unreachable(why) => out.set("why", why.as_str()),
            State::TooOften(Some(after)) => {
                out.set(
                    "retry_after",
                    i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
                );
            }
            State::Known(registration) => registration.record(out),
            State::NoService | State::NotFound | State::TooOften(None) => {}
        }
        if let Some(date) = self.expiry_of_caller {
            match self.registration().and_then(Registration::expires) {
                Some(_) => out.set("expires_by_caller", date),
                None => {
                    let name = "probe_domain_expiry_timestamp_seconds";
                    out.label("expires_by_caller", date, Metric::timestamp(name, date));
                }
            }
        }
        out.trees("asked", &self.asked, |one, out| {
            out.set("server", one.server.as_str());
            out.set("outcome", one.outcome.as_str());
        });
    }
}

/// A text of a peer, as much of it as any honest one has, fit to be shown.
pub(super) fn shown(text: &str) -> String {
    /// Characters.
    const LONGEST: usize = 256;
    let start: String = text.trim().chars().take(LONGEST).collect();
    printable(start.as_bytes())
}

/// A name server's name, to be compared.
pub(super) fn host(text: &str) -> Option<String> {
    let name: HostName = text.trim().parse().ok()?;
    Some(name.as_str().to_owned())
}
