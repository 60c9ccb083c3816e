//! What we learn: plain data, and how it is written out.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;
use std::time::SystemTime;

use probe_core::{Facts, Metric, Record, Unit};
use probe_net::Latencies;
use probe_net::message::Comparison;
use probe_net::sasl::AuthFacts;
use probe_net::tls::{StartTls, TlsFacts};

use crate::mailbox::Mailbox;
use crate::options::Extension;
use crate::reply::{Capabilities, Fetch, Item, Namespaces, Reply};

/// Everything that one IMAP dialogue showed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ImapFacts {
    /// The address that was spoken with.
    pub address: Option<SocketAddr>,
    /// The server's first words.
    pub greeting: Option<Reply>,
    /// What it offered in clear.
    pub clear: Option<Capabilities>,
    /// What became of STARTTLS.
    pub starttls: StartTls,
    /// What the TLS handshake showed, also if it failed.
    pub tls: Option<Arc<TlsFacts>>,
    /// What it offered under TLS.
    pub secured: Option<Capabilities>,
    /// How authentication went.
    pub auth: Option<AuthFacts>,
    /// Whether the session began authenticated (PREAUTH).
    pub is_preauthenticated: bool,
    /// What it offered after authentication.
    pub authenticated: Option<Capabilities>,
    /// What the server says it is (RFC 2971): name, version, vendor, ...
    pub server: Vec<(String, String)>,
    /// Where mailboxes are.
    pub namespaces: Option<Namespaces>,
    /// The mailboxes that there are.
    pub folders: Option<Folders>,
    /// How much is used of what is allowed.
    pub quotas: Vec<Quota>,
    /// What the mailbox that was looked into holds.
    pub mailbox: Option<MailboxFacts>,
    /// How long NOOPs took.
    pub noops: Latencies,
    /// The extensions that were tried out, and what became of it.
    pub exercised: Vec<(Extension, Exercise)>,
    /// How the edit proof went.
    pub edit: Option<EditFacts>,
    /// What the server wants its users to see (RFC 9051 section 7.1, ALERT).
    pub alerts: Vec<String>,
    /// The words by which the server completed a command that it could not have heard yet.
    pub unexpected_tag: Option<String>,
    /// Questions that the server refused and the probe can do without: the phase, and its words.
    pub refused: Vec<(&'static str, String)>,
}

impl ImapFacts {
    /// What the server offered last: nearest to what a client at work would see. Once TLS stands, what was
    /// offered in clear counts no more.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        let before_login = match self.tls {
            Some(_) => self.secured.as_ref(),
            None => self.clear.as_ref(),
        };
        self.authenticated.as_ref().or(before_login)
    }
}

/// The mailboxes that there are.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Folders {
    /// How many.
    pub count: u64,
    /// What separates the levels of the hierarchy.
    pub delimiter: Option<u8>,
    /// Those with a special use (RFC 6154), without its backslash: `Sent`, and the mailbox.
    pub special: Vec<(String, Mailbox)>,
}

/// How much is used of one thing that is limited.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Quota {
    /// Whose limits they are, as the server calls it.
    pub root: String,
    /// `STORAGE` (in units of 1024 octets), `MESSAGE`, ...
    pub resource: String,
    /// What is used.
    pub usage: u64,
    /// What is allowed.
    pub limit: u64,
}

impl Quota {
    /// What is used, in per cent of what is allowed.
    #[allow(
        clippy::as_conversions,
        clippy::cast_precision_loss,
        reason = "there is no other way from u64 to f64"
    )]
    pub fn percent(&self) -> f64 {
        match self.limit {
            0 => 100.0,
            limit => self.usage as f64 * 100.0 / limit as f64,
        }
    }

    /// Whether it is counted in units of 1024 octets (RFC 9208 section 5.1).
    pub(crate) fn is_storage(&self) -> bool {
        self.resource.eq_ignore_ascii_case("STORAGE")
    }
}

/// What a mailbox holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct MailboxFacts {
    /// Its name.
    pub name: String,
    /// Whether the server let us write; `None` where it did not say.
    pub is_writable: Option<bool>,
    /// How many messages there are.
    pub messages: Option<u32>,
    /// As long as this stays, so do the UIDs.
    pub uid_validity: Option<u32>,
    /// The UID that the next message will have.
    pub uid_next: Option<u32>,
    /// The mod-sequence of the latest change.
    pub highest_mod_seq: Option<u64>,
    /// The flags that messages can have.
    pub flags: Vec<String>,
    /// The flags that can be changed for good.
    pub permanent_flags: Option<Vec<String>>,
    /// What we may do with it, a letter each (RFC 4314).
    pub rights: Option<String>,
    /// How many messages fit the caller's criteria.
    pub found: Option<u64>,
    /// When the oldest message came to the server.
    pub oldest: Option<SystemTime>,
    /// When the newest message came to the server.
    pub newest: Option<SystemTime>,
    /// The message that was read.
    pub read: Option<MessageFacts>,
}

/// One message, as it was read.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct MessageFacts {
    /// Its UID.
    pub uid: Option<u32>,
    /// Its size in octets, as the server says.
    pub size: Option<u64>,
    /// How many octets of it were fetched.
    pub octets: Option<usize>,
    /// Whether its envelope came as well.
    pub is_described: bool,
}

/// What became of trying out an extension.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no fourth")]
pub enum Exercise {
    /// The server offers it and cannot do it: its words, or what was missing.
    Broken(String),
    /// The server does not offer it.
    NotOffered,
    /// It works.
    Works,
}

/// How the edit proof went.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct EditFacts {
    /// The folder that was made for it.
    pub folder: String,
    /// What was done, in order: the names of the phases.
    pub done: Vec<&'static str>,
    /// How the message that was read back compares with the one that was put there.
    pub comparison: Option<Comparison>,
    /// Folders that earlier runs had left behind and that were removed.
    pub tidied: Vec<String>,
    /// Folders that have a name of ours and hold what is not: they were left as they are.
    pub foreign: Vec<String>,
    /// Folders that should have been removed and were not.
    pub left_behind: Vec<String>,
    /// How long after a change another session heard of it without asking.
    pub push: Option<Duration>,
}

impl EditFacts {
    /// Whether all of it succeeded.
    pub fn is_proven(&self) -> bool {
        let identical = self
            .comparison
            .as_ref()
            .is_some_and(Comparison::is_identical);
        identical && self.done.last() == Some(&"delete") && self.left_behind.is_empty()
    }
}

impl Facts for ImapFacts {
    fn record(&self, out: &mut Record) {
        if let Some(address) = self.address {
            out.set("address", address.ip().to_string());
            let protocol = if address.is_ipv4() { 4.0 } else { 6.0 };
            let metric = Metric::new("probe_ip_protocol", Unit::Count, protocol);
            out.metric("ip_protocol", metric);
        }
        if let Some(greeting) = &self.greeting {
            out.set("greeting", greeting.raw());
        }
        out.set("starttls", self.starttls.as_str());
        if self.capabilities().is_some() {
            out.tree("capabilities", |out| self.record_capabilities(out));
        }
        if let Some(tls) = &self.tls {
            out.tree("tls", |out| tls.record(out));
        }
        if let Some(auth) = &self.auth {
            out.tree("auth", |out| auth.record(out));
        }
        if !self.server.is_empty() {
            out.tree("server", |out| record_server(&self.server, out));
        }
        if let Some(namespaces) = &self.namespaces {
            out.tree("namespaces", |out| record_namespaces(namespaces, out));
        }
        if let Some(folders) = &self.folders {
            out.tree("folders", |out| folders.record(out));
        }
        if !self.quotas.is_empty() {
            out.trees("quota", &self.quotas, Quota::record);
        }
        if let Some(mailbox) = &self.mailbox {
            out.tree("mailbox", |out| mailbox.record(out));
        }
        if self.noops.count() > 0 {
            out.tree("noop", |out| {
                self.noops.record("probe_imap_noop_seconds", out);
            });
        }
        if !self.exercised.is_empty() {
            out.tree("extensions", |out| record_exercises(&self.exercised, out));
        }
        if let Some(edit) = &self.edit {
            out.tree("edit", |out| edit.record(out));
        }
        if !self.alerts.is_empty() {
            out.set("alerts", self.alerts.clone());
        }
    }
}

impl ImapFacts {
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
}

fn record_capabilities(capabilities: &Capabilities, when: &'static str, out: &mut Record) {
    let mut known: Vec<(String, String)> = Vec::new();
    for word in capabilities.words() {
        let word = probe_core::printable(word);
        let (name, parameter) = word.split_once('=').unwrap_or((&word, ""));
        let name = name.to_ascii_uppercase();
        // `AUTH=PLAIN AUTH=LOGIN` is one thing with two parameters.
        match known.iter_mut().find(|(other, _)| *other == name) {
            Some((_, before)) => *before = format!("{before} {parameter}").trim().to_owned(),
            None => known.push((name, parameter.to_owned())),
        }
    }
    for (name, parameters) in known {
        let metric = Metric::info("probe_imap_capability_info", "name", name.as_str())
            .with_label("params", parameters.as_str())
            .with_label("when", when);
        out.label(name, parameters, metric);
    }
}

fn record_server(fields: &[(String, String)], out: &mut Record) {
    for (name, value) in fields {
        out.set(name.as_str(), value.as_str());
    }
}

fn record_namespaces(namespaces: &Namespaces, out: &mut Record) {
    for (kind, members) in [
        ("personal", &namespaces.personal),
        ("others", &namespaces.others),
        ("shared", &namespaces.shared),
    ] {
        let prefixes = members.iter().map(|one| format!("{:?}", one.prefix));
        out.set(kind, prefixes.collect::<Vec<_>>());
    }
}

fn record_exercises(exercised: &[(Extension, Exercise)], out: &mut Record) {
    for (extension, outcome) in exercised {
        let words = match outcome {
            Exercise::Broken(why) => format!("broken: {why}"),
            Exercise::NotOffered => "not offered".to_owned(),
            Exercise::Works => "works".to_owned(),
        };
        out.set(extension.as_str(), words);
    }
}

impl Folders {
    fn record(&self, out: &mut Record) {
        let metric = Metric::whole("probe_imap_folders", Unit::Count, self.count);
        out.metric("count", metric);
        for (usage, mailbox) in &self.special {
            out.set(usage.to_ascii_lowercase(), mailbox.to_string());
        }
    }
}

impl Quota {
    fn record(&self, out: &mut Record) {
        let labelled = |metric: Metric| {
            metric
                .with_label("root", self.root.as_str())
                .with_label("resource", self.resource.as_str())
        };
        let amount = |in_bytes, in_things, value: u64| {
            labelled(match self.is_storage() {
                true => Metric::whole(in_bytes, Unit::Bytes, value.saturating_mul(1024)),
                false => Metric::whole(in_things, Unit::Count, value),
            })
        };
        let used = amount(
            "probe_imap_quota_used_bytes",
            "probe_imap_quota_used",
            self.usage,
        );
        let limit = amount(
            "probe_imap_quota_limit_bytes",
            "probe_imap_quota_limit",
            self.limit,
        );
        let ratio = Metric::new(
            "probe_imap_quota_used_ratio",
            Unit::Count,
            self.percent() / 100.0,
        );
        out.set("root", self.root.as_str());
        out.set("resource", self.resource.as_str());
        out.metric("used", used);
        out.metric("limit", limit);
        out.metric("used_ratio", labelled(ratio));
    }
}

impl MailboxFacts {
    pub(crate) fn new(mailbox: &Mailbox) -> Self {
        Self {
            name: mailbox.to_string(),
            ..Self::default()
        }
    }

    fn record(&self, out: &mut Record) {
        out.set("name", self.name.as_str());
        if let Some(messages) = self.messages {
            let metric = Metric::whole("probe_imap_messages", Unit::Count, messages.into());
            out.metric("messages", metric);
        }
        if let Some(found) = self.found {
            let metric = Metric::whole("probe_imap_messages_found", Unit::Count, found);
            out.metric("found", metric);
        }
        for (key, name, time) in [
            (
                "oldest",
                "probe_imap_oldest_message_timestamp_seconds",
                self.oldest,
            ),
            (
                "newest",
                "probe_imap_newest_message_timestamp_seconds",
                self.newest,
            ),
        ] {
            if let Some(time) = time {
                out.metric(key, Metric::timestamp(name, time));
            }
        }
        out.set("writable", self.is_writable);
        out.set("rights", self.rights.as_deref());
        out.set("uid_validity", self.uid_validity.map(i64::from));
        out.set("uid_next", self.uid_next.map(i64::from));
        out.set(
            "highest_mod_seq",
            self.highest_mod_seq.and_then(|one| i64::try_from(one).ok()),
        );
        out.set("flags", self.flags.clone());
        out.set("permanent_flags", self.permanent_flags.clone());
        if let Some(read) = &self.read {
            out.tree("read", |out| read.record(out));
        }
    }
}

impl MessageFacts {
    /// Takes in what the server tells of it, perhaps in several responses.
    pub(crate) fn learn(&mut self, fetch: &Fetch) {
        for item in &fetch.items {
            match item {
                Item::Body { bytes, .. } => self.octets = bytes.as_ref().map(|bytes| bytes.len()),
                Item::Envelope(_) => self.is_described = true,
                Item::Size(size) => self.size = Some(*size),
                Item::Uid(uid) => self.uid = Some(*uid),
                _ => {}
            }
        }
    }

    fn record(&self, out: &mut Record) {
        let bytes = |name, count| Metric::whole(name, Unit::Bytes, count);
        out.set("uid", self.uid.map(i64::from));
        if let Some(size) = self.size {
            out.metric("size", bytes("probe_imap_newest_message_bytes", size));
        }
        if let Some(octets) = self.octets.and_then(|octets| u64::try_from(octets).ok()) {
            out.metric(
                "octets",
                bytes("probe_imap_newest_message_read_bytes", octets),
            );
        }
        out.set("described", self.is_described);
    }
}

impl EditFacts {
    fn record(&self, out: &mut Record) {
        let proven = f64::from(u8::from(self.is_proven()));
        let proven = Metric::new("probe_imap_edit_proven", Unit::Count, proven);
        out.label("proven", self.is_proven(), proven);
        out.set("folder", self.folder.as_str());
        out.set("done", self.done.clone());
        if let Some(comparison) = &self.comparison {
            out.set("identical", comparison.is_identical());
        }
        for (key, folders) in [
            ("tidied", &self.tidied),
            ("foreign", &self.foreign),
            ("left_behind", &self.left_behind),
        ] {
            if !folders.is_empty() {
                out.set(key, folders.clone());
            }
        }
        if let Some(push) = self.push {
            out.metric("push", Metric::duration("probe_imap_push_seconds", push));
        }
    }
}
