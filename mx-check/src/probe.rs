//! Round after round, judge, report: here, and where a registry or a web server is asked, is all that waits.

mod domain;
mod policy;
mod registration;

use std::sync::Arc;
use std::time::Duration;

use probe_core::{Context, Failure, FailureKind, HostName, Phase, Probe, Report, Target};
use probe_net::dns::{Ask, Kind, Name, Resolver, Walk, survey};
use probe_net::{Log, Seen};
use tokio::time::{Instant, sleep};

use crate::command::{ask, name_of};
#[cfg(feature = "dnssec")]
use crate::dialogue::chains::Chains;
use crate::dialogue::{Outcome, Round, caches, delegation, exchange};
use crate::facts::{Cache, Delegation, MxFacts, MxKind};
use crate::findings::judge;
use crate::options::Options;
use crate::reply;

pub use domain::{DomainFacts, DomainProbe};
pub use policy::PolicyProbe;
pub use registration::RegistrationProbe;

/// Looking for the servers of zones.
const WALK: Phase = Phase::new("walk");
/// Asking the zone above.
const PARENT: Phase = Phase::new("parent");
/// Asking the domain's own servers, and the resolvers.
const SERVERS: Phase = Phase::new("servers");
/// Looking for the hosts that take mail.
const HOSTS: Phase = Phase::new("hosts");
/// Following chains of signatures.
#[cfg(feature = "dnssec")]
const CHAIN: Phase = Phase::new("chain");
/// Waiting, so that it shows whether time passes in caches.
const CLOCK: Phase = Phase::new("clock");

/// Asks where a domain's mail goes: whoever delegates it, its own servers, and resolvers with their caches.
#[derive(Clone, Debug)]
pub struct MxProbe(Arc<Options>);

impl MxProbe {
    /// The options to build one from. Hosts are found by this resolver.
    pub fn builder(resolver: Resolver) -> Options {
        Options::new(resolver)
    }

    pub(crate) fn new(options: Options) -> Self {
        Self(Arc::new(options))
    }

    async fn look(&self, host: &HostName, log: &mut Log) -> MxFacts {
        let mut facts = MxFacts {
            domain: Some(host.clone()),
            ..MxFacts::default()
        };
        let Some(domain) = name_of(host) else {
            return facts;
        };
        self.find_servers(&domain, &mut facts.delegation, log).await;
        let begun = Instant::now();
        self.ask_servers(&domain, &mut facts, log).await;
        self.find_hosts(&domain, &mut facts, log).await;
        #[cfg(feature = "dnssec")]
        self.follow_chains(&domain, &mut facts, log).await;
        self.watch_clock(&domain, begun, &mut facts, log).await;
        facts
    }

    /// From the root to the zone above, and from there to the domain's own servers.
    async fn find_servers(&self, domain: &Name, into: &mut Delegation, log: &mut Log) {
        let Some(roots) = &self.0.roots else {
            return;
        };
        let roots = roots.servers().to_vec();
        let above = domain.parent();
        let mut walk = Walk::new(roots.iter().copied(), [above.clone()]);
        // What was not found in time is told below.
        let _ = survey(&self.0.resolver, &mut walk, WALK, log).await;
        let servers = match walk.servers(&above) {
            Ok(servers) => servers,
            Err(lost) => {
                into.trouble = Some(format!("the servers above it were not found: {lost}"));
                return;
            }
        };
        into.parent = Some(walk.zone(&above));
        let asks = delegation::ask_parent(domain, &servers);
        let answers = self.round(asks, PARENT, log).await;
        delegation::hear_parent(domain, answers, into);
        let homeless = delegation::without_glue(into);
        let mut walk = Walk::new(roots, []).and_hosts(homeless.iter().cloned());
        if !homeless.is_empty() {
            let _ = survey(&self.0.resolver, &mut walk, WALK, log).await;
        }
        delegation::settle(into, |host| {
            let found = walk.addresses(host).ok();
            let found = found.iter().flat_map(|found| found.iter());
            found.map(core::net::SocketAddr::ip).collect()
        });
    }

    /// What the domain's own servers have, and what resolvers have of it.
    async fn ask_servers(&self, domain: &Name, facts: &mut MxFacts, log: &mut Log) {
        facts.caches = self.0.caches.iter().copied().map(Cache::new).collect();
        let nobody = nobody(log).parse().ok();
        let at_servers = delegation::ask_servers(domain, &facts.delegation);
        let at_caches = caches::ask_all(domain, nobody.as_ref(), &self.0.caches);
        let at_servers = at_servers
            .into_iter()
            .map(|(key, ask)| (Either::Server(key), ask));
        let at_caches = at_caches
            .into_iter()
            .map(|(key, ask)| (Either::Cache(key), ask));
        let begun = Instant::now();
        let answers = self
            .round(at_servers.chain(at_caches).collect(), SERVERS, log)
            .await;
        for (question, outcome) in answers {
            match question {
                Either::Server(question) => {
                    delegation::hear_server(question, &outcome, &mut facts.delegation);
                }
                Either::Cache(question) => {
                    let heard = vec![(question, outcome)];
                    caches::hear(heard, Duration::ZERO, &mut facts.caches);
                }
            }
        }
        // Nobody else says any more who they are.
        if facts.delegation.is_gone() {
            self.find_servers_by_caches(domain, facts, log).await;
        }
        let asks = caches::ask_unchecked(domain, &facts.caches);
        if !asks.is_empty() {
            let answers = self.round(asks, SERVERS, log).await;
            caches::hear(answers, begun.elapsed(), &mut facts.caches);
        }
    }

    /// The domain's own servers, as resolvers still know them.
    async fn find_servers_by_caches(&self, domain: &Name, facts: &mut MxFacts, log: &mut Log) {
        let hosts = caches::name_servers(&facts.caches);
        let asks = hosts.iter().map(|host| (host.clone(), ask(host, Kind::A)));
        let found = self.round(asks.collect(), SERVERS, log).await;
        delegation::settle_at(hosts, &mut facts.delegation, |host| {
            let answers = found.iter().filter(|(name, _)| name == host);
            let answers = answers.filter_map(|(_, outcome)| outcome.as_ref().ok());
            answers.flat_map(reply::addresses).collect()
        });
        let asks = delegation::ask_servers(domain, &facts.delegation);
        for (question, outcome) in self.round(asks, SERVERS, log).await {
            delegation::hear_server(question, &outcome, &mut facts.delegation);
        }
    }

    /// Who takes the mail, and where they are.
    async fn find_hosts(&self, domain: &Name, facts: &mut MxFacts, log: &mut Log) {
        let by_caches = || caches::exchanges(&facts.caches);
        let Some((set, source)) = exchange::by_servers(&facts.delegation).or_else(by_caches) else {
            let why = "neither the domain's own servers nor a resolver answered";
            facts.exchange.trouble = Some(why.to_owned());
            return;
        };
        exchange::take(domain, set, source, &mut facts.exchange);
        let answers = self
            .round(exchange::ask_hosts(&facts.exchange), HOSTS, log)
            .await;
        exchange::hear_hosts(answers, &mut facts.exchange);
        loop {
            let answers = self
                .round(exchange::ask_aliases(&facts.exchange), HOSTS, log)
                .await;
            if !exchange::hear_aliases(answers, &mut facts.exchange) {
                break;
            }
        }
        let organisations = exchange::ask_organisations(&facts.exchange);
        let answers = self.round(organisations, HOSTS, log).await;
        exchange::hear_hosts(answers, &mut facts.exchange);
        let answers = self
            .round(exchange::ask_tlsa(&facts.exchange), HOSTS, log)
            .await;
        exchange::hear_tlsa(answers, &mut facts.exchange);
        let answers = self
            .round(exchange::ask_names(&facts.exchange), HOSTS, log)
            .await;
        exchange::hear_names(answers, &mut facts.exchange);
        let answers = self
            .round(exchange::ask_back(&facts.exchange), HOSTS, log)
            .await;
        exchange::hear_names(answers, &mut facts.exchange);
    }

    /// Whether signatures vouch for what was found, as far as there is time.
    #[cfg(feature = "dnssec")]
    async fn follow_chains(&self, domain: &Name, facts: &mut MxFacts, log: &mut Log) {
        let Some(anchors) = self.0.anchors() else {
            return;
        };
        let mut chains = Chains::new(&anchors, domain, facts);
        let _ = survey(&self.0.resolver, &mut chains, CHAIN, log).await;
        chains.tell(log.now(), facts);
    }

    /// Where the zone above no longer knows the domain: what caches still have, and for how long.
    async fn watch_clock(&self, domain: &Name, begun: Instant, facts: &mut MxFacts, log: &mut Log) {
        /// In so much time caches count on.
        const BETWEEN: Duration = Duration::from_secs(2);
        if !facts.delegation.is_gone() {
            return;
        }
        let waited = begun.elapsed();
        let _ = log
            .within(CLOCK, sleep(BETWEEN.saturating_sub(waited)))
            .await;
        let asks = caches::ask_again(domain, &facts.exchange, &facts.caches);
        let answers = self.round(asks, CLOCK, log).await;
        caches::hear(answers, begun.elapsed(), &mut facts.caches);
        facts.clock = caches::clock(&facts.delegation, &facts.caches, log.now());
    }

    /// What comes of these questions, as far as there is time.
    async fn round<K: Clone>(
        &self,
        asks: Vec<(K, Ask)>,
        phase: Phase,
        log: &mut Log,
    ) -> Vec<(K, Outcome)> {
        if asks.is_empty() {
            return Vec::new();
        }
        let mut round = Round::new(asks);
        let _ = survey(&self.0.resolver, &mut round, phase, log).await;
        round.into_answers()
    }
}

#[derive(Clone, Copy)]
enum Either {
    Server(delegation::AtServer),
    Cache(caches::AtCache),
}

/// A name that nobody has (RFC 6761 section 6.4), another one each time.
fn nobody(log: &Log) -> String {
    let now = log.now().duration_since(std::time::UNIX_EPOCH);
    let now = now.unwrap_or_default().as_nanos();
    format!("mailprobe-{now:x}.invalid")
}

impl Probe for MxProbe {
    type Facts = MxFacts;

    fn name(&self) -> &'static str {
        "mx"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<MxFacts> {
        let mut report = Report::new(self.name(), target.clone(), cx.now(), MxFacts::default());
        let Some(domain) = target.domain() else {
            report.failure = Some(Failure::unfit_target(target));
            return report;
        };
        let mut log = Log::begin(cx);
        report.facts = self.look(domain, &mut log).await;
        report.failure = nothing_learned(&report.facts);
        for finding in judge(&report.facts, &Seen::new(log.spans(), cx.now()), &self.0) {
            report.add_finding(finding);
        }
        log.close(&mut report);
        report
    }
}

/// Nobody answered, so nothing can be said of the domain.
fn nothing_learned(facts: &MxFacts) -> Option<Failure> {
    let has_parent = facts.delegation.parent_says().is_some();
    if has_parent || facts.exchange.kind != MxKind::Unknown {
        return None;
    }
    let why = facts.exchange.trouble.as_deref();
    let detail = why.unwrap_or("nobody answered in time");
    Some(Failure::new(SERVERS, FailureKind::Local, detail))
}
