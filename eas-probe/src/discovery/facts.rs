//! What we learn: where was asked, and what came of it, in this order.

use core::fmt;
use core::time::Duration;
use std::sync::Arc;

use probe_core::{Facts, Failure, Metric, Record, Unit};
use probe_net::http::{Challenge, Url};
use probe_net::tls::TlsFacts;

use super::command::{Question, Way};
use super::reply::{Complaint, Srv};

/// Where a domain has its ActiveSync, and how that was learned.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DiscoveryFacts {
    /// Whose mailbox was looked for at first.
    pub address: String,
    /// Each step.
    pub attempts: Vec<Attempt>,
    /// Where ActiveSync is: the first that was named over TLS that verified, and else the first of all.
    pub endpoint: Option<Url>,
    /// How that was found.
    pub found_by: Option<Way>,
    /// Whether the domain itself led there, over TLS that verified: from its own hosts, or by what such a host said. Where
    /// it is not so, whoever stands in the way may have said it, in clear or in DNS. Show credentials only to a proven
    /// endpoint, or to a host that the user knows.
    pub is_proven: bool,
}

/// One step.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// What was asked, and how.
    pub question: Question,
    /// HTTP's status, where there was one.
    pub status: Option<u16>,
    /// What came of it.
    pub outcome: Outcome,
    /// What the handshake showed.
    pub tls: Option<Arc<TlsFacts>>,
    /// How long all of it took: names, connection, TLS, the answer.
    pub time: Duration,
}

/// What came of a step.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// There is no such page, or no such record.
    Absent,
    /// It is there, and does not tell.
    Complaint(Complaint),
    /// It names ActiveSync, or is it.
    Endpoint(Url),
    /// Nobody answered, or not to the end.
    Failed(Failure),
    /// Something else is there: the beginning of what it says.
    Other(String),
    /// The records name these hosts.
    Records(Vec<Srv>),
    /// It sends us on: where to, and whether we went.
    SentOn(String, Onward),
    /// It is there, and wants to know who asks: how it wants to be shown.
    Unauthorized(Vec<Challenge>),
    /// It names ActiveSync at a place where no device should look for it: why.
    Unfit(String, &'static str),
}

/// Whether we went where we were sent.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Onward {
    /// Yes.
    Followed,
    /// We had been there.
    Loop,
    /// We had been sent on too often.
    TooOften,
    /// It is no place to go to: why.
    Unfit(&'static str),
}

impl Onward {
    /// Why we did not go.
    pub const fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Followed => None,
            Self::Loop => Some("we have been there"),
            Self::TooOften => Some("there were too many redirects before"),
            Self::Unfit(why) => Some(why),
        }
    }
}

impl Attempt {
    /// Whether TLS verified.
    pub fn is_verified(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_verified())
    }

    /// Where ActiveSync is, as this step found.
    pub const fn endpoint(&self) -> Option<&Url> {
        match &self.outcome {
            Outcome::Endpoint(url) => Some(url),
            _ => None,
        }
    }
}

impl DiscoveryFacts {
    /// What a version of Autodiscover says; guesses are none.
    pub fn named_by(&self, is_of: impl Fn(Way) -> bool) -> Option<&Url> {
        let mut attempts = self.attempts.iter();
        attempts.find_map(|one| one.endpoint().filter(|_| is_of(one.question.way)))
    }

    /// Chooses what to believe, now that one more is known.
    pub(super) fn settle(&mut self) {
        let named = || {
            let named = self.attempts.iter().filter(|one| one.endpoint().is_some());
            named.map(|one| (one, one.is_verified()))
        };
        let verified = named().find(|(_, is_verified)| *is_verified);
        let Some((chosen, is_verified)) = verified.or_else(|| named().next()) else {
            return;
        };
        let endpoint = chosen.endpoint().cloned();
        let (way, is_proven) = (chosen.question.way, chosen.question.is_proven);
        self.endpoint = endpoint;
        self.found_by = Some(way);
        self.is_proven = is_proven && is_verified;
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("it is not there"),
            Self::Complaint(complaint) => write!(f, "it says {}", complaint.shown()),
            Self::Endpoint(url) => write!(f, "ActiveSync is at {url}"),
            Self::Failed(failure) => write!(f, "{failure}"),
            Self::Other(said) if said.is_empty() => f.write_str("it says nothing of it"),
            Self::Other(said) => write!(f, "something else answers: {said}"),
            Self::Records(hosts) => {
                let hosts = hosts.iter().map(|one| format!("{}:{}", one.host, one.port));
                write!(f, "it is at {}", hosts.collect::<Vec<_>>().join(", "))
            }
            Self::SentOn(to, onward) => match onward.refusal() {
                None => write!(f, "it sends us to {to}"),
                Some(why) => write!(f, "it sends us to {to}, where we do not go: {why}"),
            },
            Self::Unauthorized(_) => f.write_str("it wants to know who asks"),
            Self::Unfit(said, why) => write!(f, "it names {said}: {why}"),
        }
    }
}

impl Outcome {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Complaint(_) => "complaint",
            Self::Endpoint(_) => "endpoint",
            Self::Failed(_) => "failed",
            Self::Other(_) => "other",
            Self::Records(_) => "records",
            Self::SentOn(..) => "sent-on",
            Self::Unauthorized(_) => "unauthorized",
            Self::Unfit(..) => "unfit",
        }
    }
}

impl Facts for DiscoveryFacts {
    fn record(&self, out: &mut Record) {
        out.set("address", self.address.as_str());
        let found = u64::from(self.endpoint.is_some());
        let found = Metric::whole("probe_autodiscover_found", Unit::Count, found);
        out.metric("found", found);
        out.set("endpoint", self.endpoint.as_ref().map(ToString::to_string));
        out.set("found_by", self.found_by.map(Way::as_str));
        out.set("proven", self.is_proven);
        let mut timed = Vec::new();
        out.trees("steps", &self.attempts, |one, out| {
            one.record(&mut timed, out);
        });
    }
}

impl Attempt {
    /// A metric is the first of its labels.
    fn record(&self, timed: &mut Vec<(Way, String)>, out: &mut Record) {
        let Question { way, asked, .. } = &self.question;
        out.set("way", way.as_str());
        out.set("asked", asked.to_string());
        out.set("credentials", self.question.is_identified);
        out.set("proven", self.question.is_proven);
        out.set("http_status", self.status);
        out.set("outcome", self.outcome.as_str());
        out.set("words", self.outcome.to_string());
        let host = asked.url().map(|url| url.host().to_string());
        let label = (*way, host.unwrap_or_default());
        let name = "probe_autodiscover_step_seconds";
        if !timed.contains(&label) {
            let time = Metric::duration(name, self.time).with_label("way", way.as_str());
            out.metric("seconds", time.with_label("host", label.1.clone()));
            timed.push(label);
        }
        if let Outcome::Unauthorized(challenges) = &self.outcome {
            out.trees("challenges", challenges, |challenge, out| {
                out.set("scheme", challenge.scheme.as_str());
                out.set("realm", challenge.parameter("realm"));
            });
        }
        if let Some(tls) = self.tls.as_ref().filter(|tls| !tls.is_verified()) {
            let faults = tls.faults.iter().map(|fault| fault.kind().code);
            out.set("faults", faults.collect::<Vec<_>>());
        }
    }
}
