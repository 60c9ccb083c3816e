//! A probe of its own for what a domain publishes about its mail.

use core::net::IpAddr;

use probe_core::{Context, Failure, HostName, Phase, Probe, Report, Target};
use probe_net::dns::{Kind, Question, Resolver, survey};
use probe_net::http::Client;
use probe_net::{Log, Net};

use super::domain;
use crate::command::{host_of, name_of};
use crate::facts::{MxFacts, MxKind};
use crate::policy::{Options, PolicyFacts, PolicySurvey, fetch, judge, policy_url};
use crate::reply;

/// All questions to name servers.
const POLICY: Phase = Phase::new("policy");

/// Asks what a domain publishes about its mail: SPF, DKIM, DMARC, MTA-STS and the rest.
#[derive(Clone, Debug)]
pub struct PolicyProbe {
    resolver: Resolver,
    net: Option<Net>,
    senders: Vec<IpAddr>,
    selectors: Vec<String>,
}

impl PolicyProbe {
    /// By this resolver. Policies of MTA-STS are not fetched.
    pub const fn new(resolver: Resolver) -> Self {
        Self {
            resolver,
            net: None,
            senders: Vec::new(),
            selectors: Vec::new(),
        }
    }

    /// Fetches the policy of MTA-STS too, over this network.
    #[must_use]
    pub fn fetching(mut self, net: Net) -> Self {
        self.net = Some(net);
        self
    }

    /// Sees whether these addresses, which send mail of the domain, may do so.
    #[must_use]
    pub fn with_senders(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.senders = addresses.into_iter().collect();
        self
    }

    /// Looks for the keys of these selectors, by which mail of the domain is signed.
    #[must_use]
    pub fn with_selectors<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.selectors = names.into_iter().map(Into::into).collect();
        self
    }

    /// The same of a domain whose hosts are known: senders must find them in its policy.
    pub(super) async fn of(
        &self,
        mx: &MxFacts,
        target: &Target,
        cx: &Context,
    ) -> Report<Option<PolicyFacts>> {
        let hosts = (mx.exchange.kind != MxKind::Unknown).then(|| domain::hosts(mx));
        self.ask(hosts, target, cx).await
    }

    /// The hosts that take the mail, if that can be known.
    async fn hosts(&self, domain: &HostName) -> Option<Vec<HostName>> {
        let question = Question::new(name_of(domain)?, Kind::MX);
        let answer = self.resolver.ask(question).await.ok()?;
        let set = answer
            .rcode
            .is_about_the_name()
            .then(|| reply::exchanges(&answer))?;
        let hosts: Vec<_> = set
            .records
            .iter()
            .filter_map(|mx| host_of(&mx.exchange))
            .collect();
        // Without a record, the domain itself takes the mail.
        Some(match set.records.is_empty() {
            true => vec![domain.clone()],
            false => hosts,
        })
    }

    async fn ask(
        &self,
        hosts: Option<Vec<HostName>>,
        target: &Target,
        cx: &Context,
    ) -> Report<Option<PolicyFacts>> {
        let mut report = Report::new(self.name(), target.clone(), cx.now(), None);
        let Some(domain) = target.domain() else {
            report.failure = Some(Failure::unfit_target(target));
            return report;
        };
        let mut log = Log::begin(cx);
        let options = Options::new(domain.clone())
            .with_senders(self.senders.iter().copied())
            .with_selectors(self.selectors.iter().cloned());
        let mut machine = PolicySurvey::new(options);
        // What was not answered in time is told for each.
        let _ = survey(&self.resolver, &mut machine, POLICY, &mut log).await;
        let mut facts = machine.into_facts();
        let hosts = match hosts {
            Some(hosts) => Some(hosts),
            None => self.hosts(domain).await,
        };
        // Whoever takes no mail needs none; and of hosts that nobody knows nothing can be said.
        let is_due = !facts.mta_sts.published.is_missing() && hosts.is_some();
        if let (Some(net), Ok(url), true) = (&self.net, policy_url(domain), is_due) {
            let client = Client::new(net.clone());
            facts.mta_sts.fetch = Some(fetch(client, url, &mut log).await);
        }
        let hosts = hosts.unwrap_or_else(|| vec![domain.clone()]);
        for finding in judge(&facts, &hosts) {
            report.add_finding(finding);
        }
        report.facts = Some(facts);
        log.close(&mut report);
        report
    }
}

impl Probe for PolicyProbe {
    type Facts = Option<PolicyFacts>;

    fn name(&self) -> &'static str {
        "policy"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<Option<PolicyFacts>> {
        self.ask(None, target, cx).await
    }
}
