//! What we learn of a JMAP server, and how it is written out.

use core::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use probe_core::{Facts, Metric, Record, Unit};
use probe_net::http::{Challenge, Url};
use probe_net::tls::TlsFacts;

use super::reply::{Account, Session};
use crate::facts::{Hop, record_address, schemes};

/// Everything that asking a JMAP server showed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct JmapFacts {
    /// The address that was spoken with last.
    pub address: Option<SocketAddr>,
    /// What the first TLS handshake showed, also if it failed.
    pub tls: Option<Arc<TlsFacts>>,
    /// The places from which we were sent on to the session, in this order.
    pub hops: Vec<Hop>,
    /// Where we were sent, and did not go.
    pub detour: Option<Detour>,
    /// The status of the last response.
    pub status: Option<u16>,
    /// When the server wants to be asked again.
    pub retry_after: Option<Duration>,
    /// How it wants to be shown who asks.
    pub challenges: Vec<Challenge>,
    /// Whether we asked as somebody.
    pub is_somebody: bool,
    /// The session, or why what came is none.
    pub session: Option<Result<Session, String>>,
    /// Where calls go.
    pub api: Option<Url>,
    /// What came of the call that does nothing: why it went wrong, if it did.
    pub echo: Option<Result<(), String>>,
    /// What came of asking for the mailboxes.
    pub mailboxes: Option<Result<Mailboxes, String>>,
}

impl JmapFacts {
    /// The session, if there is one.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_ref()?.as_ref().ok()
    }
}

/// Where a redirect or the session leads, and why we did not go there.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Detour {
    /// The calls would go to another host, and the credentials with them.
    ApiElsewhere(Url),
    /// The calls would go in clear.
    ApiInClear(Url),
    /// There is no address for calls, or none that makes sense.
    ApiNowhere(String),
    /// On and on.
    Endless(Url),
    /// The session is said to be at another host.
    SessionElsewhere(Url),
    /// The session is said to be had in clear.
    SessionInClear(Url),
    /// The session is said to be where nothing can be.
    SessionNowhere(String),
}

/// The mailboxes of an account.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Mailboxes {
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub kept: Vec<Mailbox>,
}

impl Mailboxes {
    /// So many are kept.
    pub const KEPT: usize = 256;
}

/// One mailbox (RFC 8621 section 2).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Mailbox {
    /// What people call it.
    pub name: String,
    /// What it is for: `inbox`.
    pub role: Option<String>,
    /// How many messages it has.
    pub total: Option<u64>,
    /// How many of them nobody has read.
    pub unread: Option<u64>,
}

impl Facts for JmapFacts {
    fn record(&self, out: &mut Record) {
        record_address(self.address, out);
        if let Some(tls) = &self.tls {
            out.tree("tls", |out| tls.record(out));
        }
        out.trees("redirects", &self.hops, |hop, out| {
            out.set("from", hop.from.to_string());
            out.set("status", hop.status);
        });
        if let Some(status) = self.status {
            let metric = Metric::new("probe_jmap_status_code", Unit::Count, status.into());
            out.metric("status", metric);
        }
        if let Some(wait) = self.retry_after {
            let metric = Metric::duration("probe_jmap_retry_after_seconds", wait);
            out.metric("retry_after", metric);
        }
        out.set("challenges", schemes(&self.challenges));
        if let Some(session) = self.session() {
            out.tree("session", |out| session.record(out));
        }
        out.set("api_url", self.api.as_ref().map(Url::to_string));
        out.set("echo", self.echo.as_ref().map(Result::is_ok));
        if let Some(Ok(mailboxes)) = &self.mailboxes {
            out.tree("mailboxes", |out| mailboxes.record(out));
        }
    }
}

impl Session {
    fn record(&self, out: &mut Record) {
        out.set("username", self.username.as_deref());
        out.set("state", self.state.as_deref());
        out.set("capabilities", self.capabilities.clone());
        out.tree("limits", |out| {
            for (name, limit) in self.limits.each() {
                let limit = limit.and_then(|limit| i64::try_from(limit).ok());
                out.set(name, limit);
            }
        });
        out.trees("accounts", &self.accounts, Account::record);
        out.tree("primary_accounts", |out| {
            for (capability, id) in &self.primary_accounts {
                out.set(capability, id.as_str());
            }
        });
        out.set("download_url", self.download_url.as_deref());
        out.set("upload_url", self.upload_url.as_deref());
        out.set("event_source_url", self.event_source_url.as_deref());
        out.set("flaws", self.flaws.clone());
    }
}

impl Account {
    fn record(&self, out: &mut Record) {
        out.set("id", self.id.as_str());
        out.set("name", self.name.as_deref());
        out.set("is_personal", self.is_personal);
        out.set("is_read_only", self.is_read_only);
        out.set("capabilities", self.capabilities.clone());
    }
}

impl Mailboxes {
    fn record(&self, out: &mut Record) {
        let count = Metric::whole("probe_jmap_mailboxes", Unit::Count, self.count);
        out.metric("count", count);
        out.trees("list", &self.kept, |mailbox, out| {
            out.set("name", mailbox.name.as_str());
            out.set("role", mailbox.role.as_deref());
            let label = |name, value| {
                let metric = Metric::whole(name, Unit::Count, value);
                metric.with_label("mailbox", mailbox.name.as_str())
            };
            if let Some(total) = mailbox.total {
                out.metric("total", label("probe_jmap_mailbox_messages", total));
            }
            if let Some(unread) = mailbox.unread {
                out.metric(
                    "unread",
                    label("probe_jmap_mailbox_unread_messages", unread),
                );
            }
        });
    }
}
