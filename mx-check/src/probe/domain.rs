//! All that is known of a domain itself: a composite of its three probes, which know more together than each alone.

use futures_util::future::join;
use probe_core::{Context, Facts, Failure, HostName, Probe, Record, Report, Severity, Target};
use probe_net::Log;
use probe_net::tls::MtaSts;

use super::{MxProbe, PolicyProbe, RegistrationProbe};
use crate::command::host_of;
use crate::facts::{MxFacts, names};
use crate::policy::PolicyFacts;
use crate::registration::{self, RegistrationFacts};

/// Asks where a domain's mail goes, what it publishes about its mail, and who it is registered with; and compares what
/// these say of each other.
#[derive(Clone, Debug)]
pub struct DomainProbe {
    mx: MxProbe,
    policy: Option<PolicyProbe>,
    registration: Option<RegistrationProbe>,
}

/// What the parts have found is in their reports; here is what others may build on.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct DomainFacts {
    /// Where the mail goes.
    pub mx: MxFacts,
    /// What is published about it, if that was asked.
    pub policy: Option<PolicyFacts>,
}

impl DomainFacts {
    /// The policy of MTA-STS that servers which send mail to the domain hold its hosts to (RFC 8461).
    pub fn mta_sts(&self) -> Option<MtaSts> {
        let fetch = self.policy.as_ref()?.mta_sts.fetch.as_ref()?;
        fetch.fetched.policy()?.to_mta_sts()
    }
}

impl Facts for DomainFacts {
    /// The parts write their own.
    fn record(&self, _: &mut Record) {}
}

impl DomainProbe {
    /// Where the mail goes, alone.
    pub const fn new(mx: MxProbe) -> Self {
        Self {
            mx,
            policy: None,
            registration: None,
        }
    }

    /// And what the domain publishes about it.
    #[must_use]
    pub fn with_policy(mut self, policy: PolicyProbe) -> Self {
        self.policy = Some(policy);
        self
    }

    /// And who it is registered with.
    #[must_use]
    pub fn with_registration(mut self, registration: RegistrationProbe) -> Self {
        self.registration = Some(registration);
        self
    }
}

impl Probe for DomainProbe {
    type Facts = DomainFacts;

    fn name(&self) -> &'static str {
        "domain"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<DomainFacts> {
        let mut report = Report::new(
            self.name(),
            target.clone(),
            cx.now(),
            DomainFacts::default(),
        );
        if target.domain().is_none() {
            report.failure = Some(Failure::unfit_target(target));
            return report;
        };
        let log = Log::begin(cx);
        let mail = async {
            let mx = self.mx.probe(target, cx).await;
            let policy = match &self.policy {
                Some(policy) => {
                    let rest = cx.clone().with_budget(log.time_left());
                    Some(policy.of(&mx.facts, target, &rest).await)
                }
                None => None,
            };
            (mx, policy)
        };
        let registration = async {
            match &self.registration {
                Some(registration) => Some(registration.probe(target, cx).await),
                None => None,
            }
        };
        let ((mx, policy), mut registration) = join(mail, registration).await;
        report.facts.mx = mx.facts.clone();
        report.parts.push(mx.erase());
        report.facts.policy = policy.as_ref().and_then(|policy| policy.facts.clone());
        report.parts.extend(policy.map(Report::erase));
        if let Some(registration) = &mut registration {
            compare(&report.facts.mx, registration);
        }
        report.parts.extend(registration.map(Report::erase));
        log.close(&mut report);
        report
    }
}

/// What the registry says beside what its name servers do.
fn compare(mx: &MxFacts, registration: &mut Report<Option<RegistrationFacts>>) {
    let Some(facts) = registration.facts.clone() else {
        return;
    };
    let says = mx.delegation.parent_says();
    let servers = says.and_then(|says| says.name_servers());
    let Some(servers) = servers.filter(|_| is_of(&facts, mx)) else {
        return;
    };
    // A registry that does not know a domain which it delegates knows it by another name.
    for finding in &mut registration.findings {
        if finding.code() == "registration.not-found" {
            finding.severity = Severity::Info;
        }
    }
    let servers: Vec<_> = names(&servers.records)
        .split(", ")
        .map(str::to_owned)
        .collect();
    for finding in registration::compare(&facts, &servers, mx.delegation.is_signed) {
        registration.add_finding(finding);
    }
}

/// Whether the registry was asked about the very name whose delegation is known: of a domain below, others decide.
fn is_of(facts: &RegistrationFacts, mx: &MxFacts) -> bool {
    mx.domain.as_ref() == Some(&facts.domain)
}

/// The hosts that take the mail.
pub(super) fn hosts(mx: &MxFacts) -> Vec<HostName> {
    let takers = mx.exchange.takers();
    takers.filter_map(|host| host_of(&host.name)).collect()
}
