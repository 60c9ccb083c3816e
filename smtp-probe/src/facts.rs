//! What we learn: plain data, and how it is written out.

mod directory;
mod envelope;
mod injection;
mod ntlm;
mod relay;
mod smuggling;
mod submission;

use core::net::SocketAddr;
use std::sync::Arc;

use probe_core::{Facts, Metric, Record, Unit};
use probe_net::Latencies;
use probe_net::sasl::AuthFacts;
use probe_net::tls::{StartTls, TlsFacts, TlsaMatch};

use crate::expectation::{Expectation, Stage};
use crate::reply::{Capabilities, Code, Reply};

pub use directory::{Directory, Disclosure, DisclosureFacts};
pub use envelope::{Answer, CatchAll, EnvelopeFacts, Existence, RecipientFacts};
pub use injection::InjectionFacts;
pub use ntlm::NtlmFacts;
pub use relay::RelayFacts;
pub use smuggling::{Meeting, Role, SmugglingFacts};
pub use submission::SubmissionFacts;

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
    /// What became of a command behind STARTTLS, if that was asked.
    pub injection: Option<InjectionFacts>,
    /// What the TLS handshake showed, also if it failed.
    pub tls: Option<Arc<TlsFacts>>,
    /// Each expected TLSA record, and whether it fits what the handshake showed.
    pub dane: Vec<TlsaMatch>,
    /// What it offered under TLS.
    pub secured: Option<Capabilities>,
    /// What NTLM's challenge tells, if that was asked.
    pub ntlm: Option<NtlmFacts>,
    /// How authentication went.
    pub auth: Option<AuthFacts>,
    /// What it offered after authentication.
    pub authenticated: Option<Capabilities>,
    /// Whether it refused to say that.
    pub refused_ehlo_after_auth: bool,
    /// Replies that are not what the caller expects.
    pub unexpected: Vec<Unexpected>,
    /// How long NOOPs took.
    pub noops: Latencies,
    /// What it tells strangers of who is there.
    pub disclosures: Vec<DisclosureFacts>,
    /// What it thinks of an envelope.
    pub envelope: Option<EnvelopeFacts>,
    /// What became of the message.
    pub submission: Option<SubmissionFacts>,
    /// Where it thinks that a message ends, if that was asked.
    pub smuggling: Option<SmugglingFacts>,
    /// Whether it relays for strangers.
    pub relay: Option<RelayFacts>,
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

/// A reply that is not what the caller expects.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Unexpected {
    /// Where it came.
    pub stage: Stage,
    /// What was expected.
    pub expected: Expectation,
    /// What came.
    pub reply: Reply,
}

impl Unexpected {
    pub(crate) const fn new(stage: Stage, expected: Expectation, reply: Reply) -> Self {
        Self {
            stage,
            expected,
            reply,
        }
    }

    fn record(&self, out: &mut Record) {
        out.set("stage", self.stage.as_str());
        out.set("expected", self.expected.to_string());
        out.set("reply", self.reply.raw());
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
        out.set("starttls", self.starttls.as_str());
        if self.capabilities().is_some() {
            out.tree("capabilities", |out| self.record_capabilities(out));
        }
        if let Some(limit) = self.capabilities().and_then(Capabilities::size_limit) {
            let metric = Metric::whole("probe_smtp_size_limit_bytes", Unit::Bytes, limit);
            out.metric("size_limit", metric);
        }
        if let Some(injection) = &self.injection {
            out.tree("injection", |out| injection.record(out));
        }
        if let Some(tls) = &self.tls {
            out.tree("tls", |out| tls.record(out));
        }
        if !self.dane.is_empty() {
            out.trees("dane", &self.dane, |one, out| one.record(out));
        }
        if let Some(ntlm) = &self.ntlm {
            out.tree("ntlm", |out| ntlm.record(out));
        }
        if let Some(auth) = &self.auth {
            out.tree("auth", |out| auth.record(out));
        }
        if !self.unexpected.is_empty() {
            out.trees("unexpected", &self.unexpected, Unexpected::record);
        }
        if self.noops.count() > 0 {
            out.tree("noop", |out| {
                self.noops.record("probe_smtp_noop_seconds", out);
            });
        }
        if !self.disclosures.is_empty() {
            out.trees("directory", &self.disclosures, DisclosureFacts::record);
        }
        if let Some(envelope) = &self.envelope {
            out.tree("envelope", |out| envelope.record(out));
        }
        if let Some(submission) = &self.submission {
            out.tree("submission", |out| submission.record(out));
        }
        if let Some(smuggling) = &self.smuggling {
            out.tree("smuggling", |out| smuggling.record(out));
        }
        if let Some(relay) = &self.relay {
            out.tree("relay", |out| relay.record(out));
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
