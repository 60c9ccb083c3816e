//! What we learn: plain data, written when learned and never taken back.

use core::net::SocketAddr;
use core::time::Duration;
use std::sync::Arc;

use probe_core::{Facts, Metric, Record, Unit};
use probe_net::http::{Challenge, Url};
use probe_net::tls::TlsFacts;

use crate::command::{Directory, Verb, Version};
use crate::reply::{Folder, Words};
use crate::status::Meaning;

/// What was learned of an ActiveSync server.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct EasFacts {
    /// Who answered.
    pub address: Option<SocketAddr>,
    /// What the handshake showed.
    pub tls: Option<Arc<TlsFacts>>,
    /// What its virtual directories say of themselves, where they say something.
    pub health: Vec<Health>,
    /// What it says to whoever does not say who asks.
    pub anonymous: Option<Anonymous>,
    /// What it says of itself in its headers: the newest of each.
    pub server: Words,
    /// The version that was spoken.
    pub version: Option<Version>,
    /// What was asked, and what came of it, in this order.
    pub exchanges: Vec<Exchange>,
    /// Which other server has the mailbox, as this one says, and whether it was asked.
    pub relocated: Option<(Url, bool)>,
    /// The addresses of the user, where the server tells them.
    pub addresses: Vec<String>,
    /// The folders of the mailbox.
    pub folders: Option<FolderFacts>,
    /// The policy of the server.
    pub policy: Option<PolicyFacts>,
    /// Whether the server orders the device to forget everything.
    pub wipe: bool,
    /// What is in the inbox.
    pub inbox: Option<InboxFacts>,
    /// What came of watching it.
    pub ping: Option<PingFacts>,
    /// What stopped the probe, if it was the server's answer.
    pub trouble: Option<Trouble>,
}

/// What a virtual directory says of itself.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Health {
    /// Which.
    pub directory: Directory,
    /// Whether it is well.
    pub is_well: bool,
    /// HTTP's status.
    pub status: u16,
    /// Which server says so.
    pub server: Option<String>,
}

/// What a server says to whoever does not say who asks.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Anonymous {
    /// HTTP's status.
    pub status: u16,
    /// How it wants to be shown who asks.
    pub challenges: Vec<Challenge>,
    /// Where a token is to be had, if it takes one: modern authentication is on.
    pub authorization_uri: Option<String>,
}

/// One command, and its answer.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Exchange {
    /// Which command.
    pub verb: Verb,
    /// HTTP's status.
    pub status: u16,
    /// The status of the command, as the body has it.
    pub body_status: Option<u16>,
    /// Until the answer began.
    pub time: Duration,
    /// By which the server's log has the request.
    pub request_id: Option<String>,
    /// Which server took it.
    pub front_end: Option<String>,
    /// Which server has the mailbox.
    pub back_end: Option<String>,
}

/// The folders of a mailbox.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct FolderFacts {
    /// How many there are.
    pub count: u64,
    /// The one for new mail.
    pub inbox: Option<Folder>,
    /// The one for deleted items.
    pub deleted: Option<Folder>,
}

/// The policy of a server.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PolicyFacts {
    /// Whether there is one.
    pub is_there: bool,
    /// Whether the server has taken our word that it is followed.
    pub is_acknowledged: bool,
    /// What it demands, by the names of \[MS-ASPROV\] section 2.2.2.
    pub demands: Vec<(String, String)>,
}

/// What is in the inbox, as far as one may know without reading it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct InboxFacts {
    /// Items that came, where some were asked for.
    pub items: u64,
    /// Whether there are more.
    pub has_more: bool,
    /// How many items a device would get, where the server estimates it.
    pub estimate: Option<u64>,
}

/// What came of watching the inbox.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct PingFacts {
    /// The status: 1 that nothing changed in time, 2 that something did, 5 that the server watches for another length of
    /// time only.
    pub status: u16,
    /// The nearest length of time for which the server watches, where it said so.
    pub limit: Option<Duration>,
}

/// An answer that stopped the probe.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Trouble {
    /// What was asked.
    pub asked: &'static str,
    /// What it means.
    pub meaning: &'static Meaning,
    /// What the server says besides.
    pub words: Option<String>,
}

impl Trouble {
    /// In a sentence.
    pub fn shown(&self) -> String {
        let Meaning {
            code, name, cause, ..
        } = self.meaning;
        let words = self.words.as_ref();
        let words = words.map_or_else(String::new, |words| format!(" ({words})"));
        format!(
            "{} was answered with {code} {name}: {cause}{words}",
            self.asked
        )
    }
}

impl EasFacts {
    /// How long the server took to answer this command, the first time.
    pub fn time_of(&self, verb: Verb) -> Option<Duration> {
        let mut exchanges = self.exchanges.iter();
        exchanges.find(|one| one.verb == verb).map(|one| one.time)
    }
}

impl Facts for EasFacts {
    fn record(&self, out: &mut Record) {
        out.set("address", self.address.map(|address| address.to_string()));
        if let Some(tls) = &self.tls {
            out.tree("tls", |out| tls.record(out));
        }
        if !self.health.is_empty() {
            out.trees("health", &self.health, Health::record);
        }
        if let Some(anonymous) = &self.anonymous {
            out.tree("anonymous", |out| anonymous.record(out));
        }
        self.server.record(out);
        if let Some(version) = self.version {
            let metric = Metric::info("probe_eas_version", "version", version.as_str());
            out.label("version", version.as_str(), metric);
        }
        if !self.exchanges.is_empty() {
            let mut timed = Vec::new();
            out.trees("commands", &self.exchanges, |one, out| {
                one.record(!timed.contains(&one.verb), out);
                timed.push(one.verb);
            });
        }
        if let Some((url, was_asked)) = &self.relocated {
            out.set("relocated", url.to_string());
            out.set("relocation_followed", *was_asked);
        }
        if !self.addresses.is_empty() {
            out.set("addresses", self.addresses.clone());
        }
        if let Some(folders) = &self.folders {
            out.tree("folders", |out| folders.record(out));
        }
        if let Some(policy) = &self.policy {
            out.tree("policy", |out| policy.record(out));
        }
        if self.wipe {
            out.set("wipe", true);
        }
        if let Some(inbox) = &self.inbox {
            out.tree("inbox", |out| inbox.record(out));
        }
        if let Some(ping) = &self.ping {
            out.tree("ping", |out| ping.record(out));
        }
    }
}

impl Health {
    /// Whether the page is not shown to whoever does not say who asks: that says nothing of the directory.
    pub(crate) const fn is_withheld(&self) -> bool {
        matches!(self.status, 401 | 403)
    }

    fn record(&self, out: &mut Record) {
        out.set("directory", self.directory.as_str());
        let well = Metric::whole("probe_eas_healthy", Unit::Count, u64::from(self.is_well));
        let well = well.with_label("directory", self.directory.as_str());
        out.metric("well", well);
        out.set("status", self.status);
        out.set("server", self.server.clone());
    }
}

impl Anonymous {
    fn record(&self, out: &mut Record) {
        out.set("status", self.status);
        out.trees("challenges", &self.challenges, |challenge, out| {
            out.set("scheme", challenge.scheme.as_str());
            out.set("realm", challenge.parameter("realm"));
        });
        out.set("authorization_uri", self.authorization_uri.clone());
    }
}

impl Words {
    fn record(&self, out: &mut Record) {
        for (key, value) in [
            ("server", &self.server),
            ("front_end", &self.front_end),
            ("back_end", &self.back_end),
            ("throttle", &self.throttle),
            ("credential_service", &self.credential_service),
        ] {
            if value.is_some() {
                out.set(key, value.clone());
            }
        }
        if !self.versions.is_empty() {
            out.set("versions", self.versions.clone());
            out.set("offers", self.commands.clone());
        }
        if let Some(days) = self.credentials_expire {
            let name = "probe_eas_password_days";
            out.metric(
                "password_days",
                Metric::whole(name, Unit::Count, days.into()),
            );
        }
        if let Some(wait) = self.retry_after {
            out.metric(
                "retry_after",
                Metric::duration("probe_eas_retry_after_seconds", wait),
            );
        }
    }
}

impl Exchange {
    /// A metric is the first of its name.
    fn record(&self, is_first: bool, out: &mut Record) {
        out.set("command", self.verb.as_str());
        out.set("http_status", self.status);
        out.set("status", self.body_status);
        let time = Metric::duration("probe_eas_command_seconds", self.time);
        if is_first {
            out.metric("seconds", time.with_label("command", self.verb.as_str()));
        }
        for (key, value) in [
            ("request_id", &self.request_id),
            ("front_end", &self.front_end),
            ("back_end", &self.back_end),
        ] {
            if value.is_some() {
                out.set(key, value.clone());
            }
        }
    }
}

impl FolderFacts {
    fn record(&self, out: &mut Record) {
        let count = Metric::whole("probe_eas_folders", Unit::Count, self.count);
        out.metric("count", count);
        out.set("inbox", self.inbox.as_ref().map(|inbox| inbox.name.clone()));
    }
}

impl PolicyFacts {
    fn record(&self, out: &mut Record) {
        out.set("there", self.is_there);
        out.set("acknowledged", self.is_acknowledged);
        if !self.demands.is_empty() {
            out.tree("demands", |out| {
                for (name, value) in &self.demands {
                    out.set(name.as_str(), value.as_str());
                }
            });
        }
    }
}

impl InboxFacts {
    fn record(&self, out: &mut Record) {
        out.set("items", i64::try_from(self.items).unwrap_or(i64::MAX));
        out.set("more", self.has_more);
        if let Some(estimate) = self.estimate {
            let estimate = Metric::whole("probe_eas_estimated_items", Unit::Count, estimate);
            out.metric("estimate", estimate);
        }
    }
}

impl PingFacts {
    fn record(&self, out: &mut Record) {
        out.set("status", self.status);
        if let Some(limit) = self.limit {
            out.metric(
                "limit",
                Metric::duration("probe_eas_heartbeat_limit_seconds", limit),
            );
        }
    }
}
