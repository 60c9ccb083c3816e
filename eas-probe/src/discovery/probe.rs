//! Ask, hear, judge, report: the only file of this house that waits.

use core::time::Duration;
use std::sync::Arc;

use probe_core::{Context, Failure, FailureKind, HostName, Phase, Probe, Report, Target};
use probe_net::dns::{Data, Kind, Name, Question as Query, Rcode, Resolver, Trouble};
use probe_net::http::{BODY, Client};
use probe_net::{Log, Net};

use super::command::{Asked, Question, Way};
use super::dialogue::{Answer, DiscoveryDialogue, Event, Step};
use super::facts::{DiscoveryFacts, Outcome};
use super::findings::judge;
use super::options::Options;
use super::reply::{Reply, Srv};

/// Finds where a domain has its ActiveSync, as a device does that is set up with nothing but an e-mail address.
///
/// It connects to whatever host the domain and its servers name. Where strangers may choose the domain, give it a [`Net`]
/// whose resolver finds no addresses of one's own network.
#[derive(Clone, Debug)]
pub struct DiscoveryProbe {
    options: Arc<Options>,
}

impl DiscoveryProbe {
    /// The options to build one from.
    pub fn builder(net: Net) -> Options {
        Options::new(net)
    }

    pub(super) fn new(options: Options) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    /// The machine that it leads: for whoever has a network of their own.
    pub fn dialogue(&self, domain: &HostName) -> DiscoveryDialogue {
        DiscoveryDialogue::new(self.options.clone(), domain)
    }

    /// Waits no longer for any one place than is worth it.
    fn patient(&self, cx: &Context) -> Context {
        let ways = [Way::V1, Way::Redirect, Way::Srv, Way::V2, Way::Guess];
        let network = [Phase::RESOLVE, Phase::CONNECT, Phase::TLS, BODY];
        let phases = ways.map(Way::phase).into_iter().chain(network);
        phases.fold(cx.clone(), |cx, phase| {
            let patience = cx.patience(phase).min(self.options.patience);
            cx.with_patience_for(phase, patience)
        })
    }

    async fn find(&self, domain: &HostName, log: &mut Log) -> DiscoveryFacts {
        let mut client = Client::new(self.options.net.clone()).with_body_limit(Reply::BODY);
        let mut dialogue = self.dialogue(domain);
        let mut event = Event::Begin;
        while let Step::Ask(question) = dialogue.next(event) {
            log.remark(|| format!("{}: {}", question.way.as_str(), question.asked));
            let known = log.spans().len();
            let answer = self.ask(&question, &mut client, log).await;
            let spans = log.spans().get(known..).unwrap_or_default();
            let time = match (spans.first(), spans.last()) {
                (Some(first), Some(last)) => last.end().saturating_sub(first.start),
                _ => Duration::ZERO,
            };
            event = Event::Answered { answer, time };
        }
        dialogue.into_facts()
    }

    async fn ask(&self, question: &Question, client: &mut Client, log: &mut Log) -> Answer {
        if let Asked::Records(domain) = &question.asked {
            let asking = records(self.options.resolver.as_ref(), domain);
            let asked = log.within(Way::Srv.phase(), asking).await;
            return match asked.and_then(|asked| asked) {
                Ok(hosts) => Answer::Records(hosts),
                Err(failure) => Answer::Failed(failure, None),
            };
        }
        let request = match question.request(self.options.credentials.as_ref()) {
            Ok(Some(request)) => request,
            Ok(None) => return Answer::Failed(local("there is nothing to ask".to_owned()), None),
            Err(error) => return Answer::Failed(local(error.to_string()), None),
        };
        match client.send(&request, log).await {
            Ok(response) => Answer::Page(Box::new(Reply::of(&response))),
            Err(failure) => {
                // Before there is a handshake, the last that was seen is another's.
                let is_dialled = !matches!(failure.phase, Phase::RESOLVE | Phase::CONNECT);
                let tls = client.tls_facts().filter(|_| is_dialled).cloned();
                let host = request.url().host().to_string();
                Answer::Failed(failure, tls.filter(|tls| tls.server_name == host))
            }
        }
    }
}

fn local(detail: String) -> Failure {
    Failure::new(Phase::RESOLVE, FailureKind::Local, detail)
}

/// The hosts that the domain's records name; none where it has none, or says that it offers nothing.
async fn records(resolver: Option<&Resolver>, domain: &HostName) -> Result<Vec<Srv>, Failure> {
    let failed = |kind, detail: String| Failure::new(Way::Srv.phase(), kind, detail);
    let name: Result<Name, _> = format!("_autodiscover._tcp.{domain}").parse();
    // Too long to be one.
    let (Some(resolver), Ok(name)) = (resolver, name) else {
        return Ok(Vec::new());
    };
    let answer = resolver.ask(Query::new(name, Kind::SRV)).await;
    let answer = answer.map_err(|trouble| {
        let kind = match trouble {
            Trouble::Local(_) | Trouble::NoServer => FailureKind::Local,
            Trouble::Timeout(_) => FailureKind::Timeout,
            _ => FailureKind::Unresolved,
        };
        failed(kind, trouble.to_string())
    })?;
    if !matches!(answer.rcode, Rcode::NOERROR | Rcode::NXDOMAIN) {
        let detail = format!("{} says {}", answer.server, answer.rcode);
        return Err(failed(FailureKind::Unresolved, detail));
    }
    let hosts = answer.records().filter_map(|record| match &record.data {
        Data::Srv {
            priority,
            port,
            target,
            ..
        } if !target.is_root() => Some(Srv {
            priority: *priority,
            host: target.to_string().parse().ok()?,
            port: Some(*port).filter(|port| *port != 0)?,
        }),
        _ => None,
    });
    Ok(hosts.collect())
}

/// That we could not look is no answer of the domain's.
fn blindness(facts: &DiscoveryFacts) -> Option<Failure> {
    let failures = facts.attempts.iter().map(|one| match &one.outcome {
        Outcome::Failed(failure) if failure.kind == FailureKind::Local => Some(failure),
        _ => None,
    });
    let failures: Option<Vec<_>> = failures.collect();
    failures?.first().map(|failure| (*failure).clone())
}

impl Probe for DiscoveryProbe {
    type Facts = DiscoveryFacts;

    fn name(&self) -> &'static str {
        "autodiscover"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<DiscoveryFacts> {
        let facts = DiscoveryFacts::default();
        let mut report = Report::new(self.name(), target.clone(), cx.now(), facts);
        let Some(domain) = target.domain() else {
            report.failure = Some(Failure::unfit_target(target));
            return report;
        };
        let mut log = Log::begin(&self.patient(cx));
        report.facts = self.find(domain, &mut log).await;
        report.failure = blindness(&report.facts);
        if report.failure.is_none() {
            for finding in judge(&report.facts) {
                report.add_finding(finding);
            }
        }
        log.close(&mut report);
        report
    }
}
