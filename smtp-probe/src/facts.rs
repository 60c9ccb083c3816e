//! What we learn: plain data, and how it is written out.

use core::net::SocketAddr;
use std::sync::Arc;

use probe_core::{Facts, Metric, Record, Unit, Value};
use probe_net::sasl::{Credentials, Mechanism};
use probe_net::tls::TlsFacts;

use crate::reply::{Capabilities, Code, Reply};

/// Everything that one SMTP dialogue showed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SmtpFacts {
    /// The address that was spoken with.
    pub address: Option<SocketAddr>,
    /// The server's first words.
    pub greeting: Option<Greeting>,
    /// What it offered in clear.
    pub clear: Option<Capabilities>,
    /// Whether it knew EHLO; if not, it was spoken with by HELO and offers nothing.
    pub knows_ehlo: Option<bool>,
    /// What became of STARTTLS.
    pub starttls: StartTls,
    /// What the TLS handshake showed, also if it failed.
    pub tls: Option<Arc<TlsFacts>>,
    /// What it offered under TLS.
    pub secured: Option<Capabilities>,
    /// How authentication went.
    pub auth: Option<AuthFacts>,
    /// What it offered after authentication.
    pub authenticated: Option<Capabilities>,
    /// Whether it refused to say that.
    pub refused_ehlo_after_auth: bool,
}

impl SmtpFacts {
    /// What the server offered last: nearest to what a client at work would see. Once TLS stands, what was
    /// offered in clear counts no more.
    pub fn capabilities(&self) -> Option<&Capabilities> {
        let secured = || match self.tls {
            Some(_) => self.secured.as_ref(),
            None => self.clear.as_ref(),
        };
        self.authenticated.as_ref().or_else(secured)
    }
}

/// The reply that opens a session (RFC 5321 section 4.3.1).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Greeting(Reply);

impl Greeting {
    pub(crate) fn new(reply: Reply) -> Self {
        Self(reply)
    }

    /// 220, or why not.
    pub fn code(&self) -> Option<Code> {
        self.0.code()
    }

    /// What the server calls itself.
    pub fn domain(&self) -> &[u8] {
        let text = self.0.text();
        text.split(|byte| *byte == b' ').next().unwrap_or_default()
    }

    /// The reply itself.
    pub fn reply(&self) -> &Reply {
        &self.0
    }
}

/// What became of STARTTLS (RFC 3207).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum StartTls {
    /// The server said: go ahead.
    Accepted,
    /// Not asked for: TLS was implicit, or not wanted, or it did not come so far.
    #[default]
    NotAsked,
    /// The server does not offer it.
    NotOffered,
    /// The server offered it and then said no.
    Refused(Reply),
}

/// How authentication went (RFC 4954).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct AuthFacts {
    /// As whom.
    pub user: String,
    /// What was tried, in order.
    pub attempts: Vec<Attempt>,
    /// What worked.
    pub accepted: Option<Mechanism>,
}

impl AuthFacts {
    pub(crate) fn new(credentials: &Credentials) -> Self {
        Self {
            user: credentials.user().to_owned(),
            ..Self::default()
        }
    }
}

/// One mechanism tried.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Attempt {
    /// Which.
    pub mechanism: Mechanism,
    /// The server's verdict, if it gave one.
    pub reply: Option<Reply>,
    /// The reason it gave inside the mechanism (RFC 7628 section 3.2.2: a piece of JSON).
    pub server_error: Option<Vec<u8>>,
}

impl Attempt {
    pub(crate) fn new(mechanism: Mechanism) -> Self {
        Self {
            mechanism,
            reply: None,
            server_error: None,
        }
    }
}

impl Facts for SmtpFacts {
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
        out.set("knows_ehlo", self.knows_ehlo);
        out.set("starttls", self.starttls.word());
        if self.capabilities().is_some() {
            out.tree("capabilities", |out| self.record_capabilities(out));
        }
        if let Some(limit) = self.capabilities().and_then(Capabilities::size_limit) {
            let metric = Metric::whole("probe_smtp_size_limit_bytes", Unit::Bytes, limit);
            out.metric("size_limit", metric);
        }
        if let Some(tls) = &self.tls {
            out.tree("tls", |out| tls.record(out));
        }
        if let Some(auth) = &self.auth {
            out.tree("auth", |out| record_auth(auth, out));
        }
    }
}

impl SmtpFacts {
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

impl StartTls {
    const fn word(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NotAsked => "not-asked",
            Self::NotOffered => "not-offered",
            Self::Refused(_) => "refused",
        }
    }
}

fn record_greeting(greeting: &Greeting, out: &mut Record) {
    if let Some(code) = greeting.code() {
        let code = f64::from(code.number());
        out.metric(
            "code",
            Metric::new("probe_smtp_status_code", Unit::Count, code),
        );
    }
    // A refusal begins with its reason, not with a name.
    if greeting.code().is_some_and(Code::is_completion) {
        out.set("domain", greeting.domain());
    }
    out.set("lines", greeting.reply().lines().collect::<Vec<_>>());
}

fn record_capabilities(capabilities: &Capabilities, when: &'static str, out: &mut Record) {
    out.set("domain", capabilities.domain());
    let mut known: Vec<(String, String)> = Vec::new();
    for keyword in capabilities.keywords() {
        let name = String::from_utf8_lossy(keyword.name).to_ascii_uppercase();
        let parameters = probe_core::printable(keyword.parameters);
        // Some are said twice, such as AUTH in its old form.
        match known.iter_mut().find(|(other, _)| *other == name) {
            Some((_, before)) => *before = format!("{before} {parameters}"),
            None => known.push((name, parameters)),
        }
    }
    for (name, parameters) in known {
        let metric = Metric::info("probe_smtp_capability_info", "name", name.as_str())
            .with_label("params", parameters.as_str())
            .with_label("when", when);
        out.label(name, parameters, metric);
    }
}

fn record_auth(auth: &AuthFacts, out: &mut Record) {
    out.set("user", auth.user.as_str());
    out.set("accepted", auth.accepted.map(Mechanism::as_str));
    out.trees("attempts", &auth.attempts, |attempt, out| {
        out.set("mechanism", attempt.mechanism.as_str());
        let lines = |reply: &Reply| {
            reply
                .lines_with_codes()
                .map(Value::from)
                .collect::<Vec<_>>()
        };
        out.set("reply", attempt.reply.as_ref().map(lines));
        out.set("server_error", attempt.server_error.as_deref());
    });
}
