//! Sweep, judge, report: the only place here that waits.

use std::sync::Arc;

use probe_core::{Context, Failure, FailureKind, Phase, Probe, Report, Target};
use probe_net::dns::{Lost, Resolver, RootHints, Walk, survey};
use probe_net::message::Token;
use probe_net::{Log, Seen};
use tokio::time::Instant;

use crate::catalogue::List;
use crate::command::Subject;
use crate::dialogue::Sweep;
use crate::facts::DnsblFacts;
use crate::findings::{judge, nothing_learned};
use crate::memory::Memory;
use crate::options::Options;

/// All questions to lists.
pub(crate) const LISTS: Phase = Phase::new("lists");

/// Looking for their servers.
const WALK: Phase = Phase::new("walk");

/// Asks DNS blacklists whether an address or a domain is on them, and whether they can be believed.
///
/// Answers are kept between its runs, for as long as the lists allow.
#[derive(Clone, Debug)]
pub struct DnsblProbe {
    options: Arc<Options>,
    memory: Memory,
}

impl DnsblProbe {
    /// The options to build one from. Lists answer resolvers that serve only you: they refuse public ones.
    pub fn builder(resolver: Resolver) -> Options {
        Options::new(resolver)
    }

    pub(crate) fn new(options: Options) -> Self {
        Self {
            options: Arc::new(options),
            memory: Memory::default(),
        }
    }

    async fn sweep(&self, subject: Subject, log: &mut Log) -> (DnsblFacts, Option<Failure>) {
        let token = match Token::random() {
            Ok(token) => token,
            Err(error) => {
                let failure = Failure::new(LISTS, FailureKind::Local, error.to_string());
                return (DnsblFacts::new(subject), Some(failure));
            }
        };
        let now = Instant::now();
        if let Some(root) = &self.options.roots {
            self.find_servers(root, &subject, now, log).await;
        }
        let (options, memory) = (self.options.clone(), self.memory.clone());
        let mut sweep = Sweep::new(options, memory, now, subject, token);
        // Lists that did not answer in time are told one by one.
        let _ = survey(&self.options.resolver, &mut sweep, LISTS, log).await;
        let facts = sweep.into_facts();
        let failure = nothing_learned(&facts);
        (facts, failure)
    }
}

/// Without a resolver.
impl DnsblProbe {
    /// Half of the time is for looking: a zone whose servers are silent shall not keep the lists of others from being
    /// asked.
    fn surroundings(&self, cx: &Context) -> Context {
        let patience = cx.patience(WALK).min(cx.budget / 2);
        match self.options.roots {
            Some(_) => cx.clone().with_patience_for(WALK, patience),
            None => cx.clone(),
        }
    }

    async fn find_servers(&self, root: &RootHints, subject: &Subject, now: Instant, log: &mut Log) {
        let fits = |list: &&Arc<List>| subject.is_of(list.kinds);
        let unknown = |list: &&Arc<List>| self.memory.servers(&list.zone, now).is_none();
        let lists = self.options.lists.iter().filter(fits).filter(unknown);
        let lists: Vec<_> = lists.collect();
        let zones = lists.iter().filter_map(|list| list.zone.parse().ok());
        let mut walk = Walk::new(root.servers().iter().copied(), zones);
        // Lists whose servers were not found are told one by one.
        let _ = survey(&self.options.resolver, &mut walk, WALK, log).await;
        for list in lists {
            let Ok(zone) = list.zone.parse() else {
                continue;
            };
            match walk.servers(&zone) {
                // There was no time.
                Err(Lost::Unfinished) => {}
                servers => self.memory.keep_servers(&list.zone, servers, now),
            }
        }
    }
}

impl Probe for DnsblProbe {
    type Facts = DnsblFacts;

    fn name(&self) -> &'static str {
        "dnsbl"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<DnsblFacts> {
        let mut report = Report::new(self.name(), target.clone(), cx.now(), DnsblFacts::nobody());
        let Target::Host { host, .. } = target else {
            report.failure = Some(Failure::unfit_target(target));
            return report;
        };
        let mut log = Log::begin(&self.surroundings(cx));
        let (facts, failure) = self.sweep(Subject::from(host.clone()), &mut log).await;
        let findings = judge(&facts, &Seen::new(log.spans(), cx.now()), &self.options);
        report.facts = facts;
        report.failure = failure;
        for finding in findings {
            report.add_finding(finding);
        }
        log.close(&mut report);
        report
    }
}
