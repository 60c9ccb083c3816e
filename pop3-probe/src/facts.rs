//! What we learn: plain data, and how it is written out.

use core::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use probe_core::{Facts, Metric, Record, Unit};
use probe_net::Latencies;
use probe_net::sasl::AuthFacts;
use probe_net::tls::{StartTls, TlsFacts};

use crate::reply::{Capabilities, Expiry, Listing, Reply, UniqueIds, timestamp};

/// Everything that one POP3 dialogue showed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Pop3Facts {
    /// The address that was spoken with.
    pub address: Option<SocketAddr>,
    /// The server's first words.
    pub greeting: Option<Greeting>,
    /// What it offered in clear.
    pub clear: Option<Capabilities>,
    /// Whether it knew CAPA; if not, what it can do is found out by asking for it.
    pub knows_capa: Option<bool>,
    /// What became of STLS.
    pub starttls: StartTls,
    /// What the TLS handshake showed, also if it failed.
    pub tls: Option<Arc<TlsFacts>>,
    /// What it offered under TLS.
    pub secured: Option<Capabilities>,
    /// Whether it switched to UTF-8, where it was asked to.
    pub utf8: Option<bool>,
    /// How authentication went.
    pub auth: Option<AuthFacts>,
    /// What it offered after authentication.
    pub authenticated: Option<Capabilities>,
    /// What there is in the maildrop.
    pub maildrop: Option<Maildrop>,
    /// How long NOOP took.
    pub noops: Latencies,
    /// The languages that the server speaks: the tag of each, and what it calls it.
    pub languages: Vec<(String, String)>,
    /// What the account may do.
    pub rights: Option<Rights>,
    /// What it refused to do after the login.
    pub refusals: Vec<Refusal>,
}

impl Pop3Facts {
    /// What the server offered last: nearest to what a client at work would see. Once TLS stands, what was offered
    /// in clear counts no more.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        self.authenticated
            .as_ref()
            .or_else(|| self.capabilities_before_auth())
    }

    /// The same, before the login.
    pub(crate) fn capabilities_before_auth(&self) -> Option<&Capabilities> {
        match self.tls {
            Some(_) => self.secured.as_ref(),
            None => self.clear.as_ref(),
        }
    }

    /// Whether a capability was offered at any stage: some are told before the login only, some after it.
    pub(crate) fn offers(&self, name: &str) -> bool {
        let stages = [self.capabilities_before_auth(), self.authenticated.as_ref()];
        stages.into_iter().flatten().any(|stage| stage.has(name))
    }

    /// How long a client has to wait between two logins.
    pub fn login_delay(&self) -> Option<Duration> {
        self.in_any_stage(Capabilities::login_delay)
    }

    /// When the server deletes mail by itself.
    pub fn expiry(&self) -> Option<Expiry> {
        self.in_any_stage(Capabilities::expiry)
    }

    /// What is told after the login is for this account.
    fn in_any_stage<T>(&self, read: impl Fn(&Capabilities) -> Option<T>) -> Option<T> {
        let authenticated = self.authenticated.as_ref().and_then(&read);
        authenticated.or_else(|| self.capabilities_before_auth().and_then(read))
    }
}

/// The reply that opens a session (RFC 1939 section 4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Greeting(Reply);

impl Greeting {
    pub(crate) fn new(reply: Reply) -> Self {
        Self(reply)
    }

    /// The timestamp that APOP needs, angle brackets included; only what looks like a message id is one.
    pub fn timestamp(&self) -> Option<&[u8]> {
        timestamp(self.0.text())
    }

    /// The reply itself.
    pub fn reply(&self) -> &Reply {
        &self.0
    }
}

/// What there is in a maildrop.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Maildrop {
    /// How many messages (STAT).
    pub messages: u64,
    /// How many octets they have together (STAT).
    pub octets: u64,
    /// The size of each (LIST), if it was asked for.
    pub listing: Option<Listing>,
    /// The unique id of each (UIDL), if it was asked for.
    pub unique_ids: Option<UniqueIds>,
    /// When the oldest message came, if that was asked for and its header section tells.
    pub oldest: Option<SystemTime>,
    /// When the newest message came.
    pub newest: Option<SystemTime>,
    /// The messages that were asked for their header section alone and came whole.
    pub whole_for_top: Vec<u32>,
    /// The message that was read.
    pub retrieved: Option<Retrieved>,
}

/// A message that was read whole.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Retrieved {
    /// Its number.
    pub message: u32,
    /// How many octets came.
    pub octets: u64,
    /// How many LIST had promised.
    pub listed: Option<u64>,
}

/// A command that the server refused.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Refusal {
    /// `TOP`.
    pub command: &'static str,
    /// Its words.
    pub reply: Box<[u8]>,
}

/// What the account may do with its mail, shown at one message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Rights {
    /// The message.
    pub message: Option<u32>,
    /// Whether it may be listed (LIST).
    pub list: Right,
    /// Whether it may be read (RETR).
    pub read: Right,
    /// Whether its header section may be read (TOP).
    pub top: Right,
    /// Whether it may be marked as deleted (DELE).
    pub delete: Right,
    /// Whether the mark may be taken back (RSET).
    pub undo: Right,
    /// Whether a fresh session still had the message.
    pub kept: Option<bool>,
}

/// Whether something is allowed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no fifth")]
pub enum Right {
    /// The server did it.
    Granted,
    /// Nobody asked.
    #[default]
    NotTried,
    /// The server said no, in these words.
    Refused(Box<[u8]>),
    /// It was asked for, and not answered.
    Unanswered,
}

impl Right {
    /// The name in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Granted => "granted",
            Self::NotTried => "not-tried",
            Self::Refused(_) => "refused",
            Self::Unanswered => "unanswered",
        }
    }
}

impl Rights {
    /// Each right with its name.
    pub(crate) fn each(&self) -> [(&'static str, &Right); 5] {
        [
            ("list", &self.list),
            ("read", &self.read),
            ("top", &self.top),
            ("delete", &self.delete),
            ("undo", &self.undo),
        ]
    }

    /// Whether a message may be marked as deleted, as far as we can know.
    pub(crate) fn touched_something(&self) -> bool {
        matches!(self.delete, Right::Granted | Right::Unanswered)
    }
}

impl Facts for Pop3Facts {
    fn record(&self, out: &mut Record) {
        if let Some(address) = self.address {
            out.set("address", address.ip().to_string());
            let protocol = if address.is_ipv4() { 4.0 } else { 6.0 };
            let metric = Metric::new("probe_ip_protocol", Unit::Count, protocol);
            out.metric("ip_protocol", metric);
        }
        if let Some(greeting) = &self.greeting {
            out.tree("greeting", |out| record_greeting(greeting, out));
        }
        out.set("knows_capa", self.knows_capa);
        out.set("starttls", self.starttls.as_str());
        if self.capabilities().is_some() {
            out.tree("capabilities", |out| self.record_capabilities(out));
        }
        self.record_policy(out);
        if let Some(tls) = &self.tls {
            out.tree("tls", |out| tls.record(out));
        }
        if let Some(utf8) = self.utf8 {
            out.set("utf8", utf8);
        }
        if let Some(auth) = &self.auth {
            out.tree("auth", |out| auth.record(out));
        }
        if let Some(maildrop) = &self.maildrop {
            out.tree("maildrop", |out| maildrop.record(out));
        }
        if self.noops.count() > 0 {
            out.tree("noop", |out| {
                self.noops.record("probe_pop3_noop_seconds", out)
            });
        }
        if !self.languages.is_empty() {
            out.tree("languages", |out| {
                for (tag, name) in &self.languages {
                    out.set(tag, name.as_str());
                }
            });
        }
        if let Some(rights) = &self.rights {
            out.tree("rights", |out| rights.record(out));
        }
    }
}

impl Pop3Facts {
    fn record_capabilities(&self, out: &mut Record) {
        for (when, capabilities) in [
            ("clear", &self.clear),
            ("tls", &self.secured),
            ("authenticated", &self.authenticated),
        ] {
            if let Some(capabilities) = capabilities {
                out.tree(when, |out| record_capabilities(capabilities, when, out));
            }
        }
    }

    fn record_policy(&self, out: &mut Record) {
        if let Some(delay) = self.login_delay() {
            let metric = Metric::duration("probe_pop3_login_delay_seconds", delay);
            out.metric("login_delay", metric);
        }
        match self.expiry() {
            Some(Expiry::Days(days)) => {
                let metric = Metric::new("probe_pop3_expire_days", Unit::Count, days.into());
                out.metric("expire_days", metric);
            }
            Some(Expiry::Never) => out.set("expire_days", "never"),
            None => {}
        }
    }
}

fn record_greeting(greeting: &Greeting, out: &mut Record) {
    out.set("lines", vec![greeting.reply().status_line()]);
    out.set("apop_timestamp", greeting.timestamp());
}

fn record_capabilities(capabilities: &Capabilities, when: &'static str, out: &mut Record) {
    let mut known: Vec<(String, String)> = Vec::new();
    for keyword in capabilities.keywords() {
        let name = String::from_utf8_lossy(keyword.name).to_ascii_uppercase();
        let parameters = probe_core::printable(keyword.parameters);
        match known.iter_mut().find(|(other, _)| *other == name) {
            Some((_, before)) => *before = format!("{before} {parameters}"),
            None => known.push((name, parameters)),
        }
    }
    for (name, parameters) in known {
        let metric = Metric::info("probe_pop3_capability_info", "name", name.as_str())
            .with_label("params", parameters.as_str())
            .with_label("when", when);
        out.label(name, parameters, metric);
    }
}

impl Maildrop {
    fn record(&self, out: &mut Record) {
        let count = Metric::whole("probe_pop3_messages", Unit::Count, self.messages);
        out.metric("messages", count);
        let octets = Metric::whole("probe_pop3_messages_bytes", Unit::Bytes, self.octets);
        out.metric("octets", octets);
        if let Some(oldest) = self.oldest {
            let name = "probe_pop3_oldest_message_timestamp_seconds";
            out.metric("oldest", Metric::timestamp(name, oldest));
        }
        if let Some(newest) = self.newest {
            let name = "probe_pop3_newest_message_timestamp_seconds";
            out.metric("newest", Metric::timestamp(name, newest));
        }
        if let Some(listing) = &self.listing {
            let largest = listing.sizes().map(|(_, octets)| octets).max();
            let largest = largest.unwrap_or_default();
            let metric = Metric::whole("probe_pop3_largest_message_bytes", Unit::Bytes, largest);
            out.metric("largest", metric);
        }
        if let Some(retrieved) = self.retrieved {
            let octets = retrieved.octets;
            let metric = Metric::whole("probe_pop3_message_read_bytes", Unit::Bytes, octets);
            out.metric("retrieved", metric);
        }
    }
}

impl Rights {
    fn record(&self, out: &mut Record) {
        for (name, right) in self.each() {
            let metric = |granted| {
                Metric::new("probe_pop3_right", Unit::Count, granted).with_label("right", name)
            };
            match right {
                Right::Granted => out.label(name, right.as_str(), metric(1.0)),
                Right::Refused(_) => out.label(name, right.as_str(), metric(0.0)),
                Right::NotTried | Right::Unanswered => out.set(name, right.as_str()),
            }
        }
        out.set("kept", self.kept);
    }
}
