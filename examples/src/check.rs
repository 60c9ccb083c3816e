//! Everything that can be learned of a domain's mail from outside: a composite of probes. What is asked follows from what
//! was found: the hosts that take the mail, the services that its users look for, the addresses that lists may name.

mod autoconfig;
mod services;

use core::net::IpAddr;
use core::num::NonZeroUsize;
use core::pin::Pin;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;
use std::sync::Arc;

use dnsbl_probe::DnsblProbe;
use eas_probe::{EasProbe, Rung};
use futures_util::future::join3;
use imap_probe::ImapProbe;
use mailhost_probe::ReachProbe;
use mx_check::{DomainFacts, DomainProbe, MxFacts, MxHost};
use pop3_probe::Pop3Probe;
use probe_core::{
    AnyProbe, Context, Facts, Failure, FailureKind, Fleet, Host, HostName, Phase, Probe, Record,
    Report, Severity, Target,
};
use probe_net::dns::Resolver;
use probe_net::names::Reach;
use probe_net::tls::{Expectation, Security};
use probe_net::{Log, Net, Resolve, ResolveError};
use smtp_probe::{Address, SmtpProbe};
use web_probe::{JmapProbe, WebmailProbe};

pub use services::{ActiveSync, Service, ServiceKind};

/// Checks a domain's mail: where it goes, whether it is taken there, whether its users can read it, and who lists it.
///
/// ```
/// use mailprobe::check::Check;
/// use mx_check::{DomainProbe, MxProbe};
/// use probe_core::{Context, Probe};
/// use probe_net::Net;
/// use probe_net::dns::Resolver;
///
/// # async fn check(net: Net) -> Result<(), Box<dyn std::error::Error>> {
/// let resolver = Resolver::system()?;
/// let mx = MxProbe::builder(resolver.clone()).build()?;
/// let check = Check::new(net, resolver, DomainProbe::new(mx), false);
/// let report = check.probe(&"example.org".parse()?, &Context::default()).await;
/// println!("{}", report.headline());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Check {
    net: Net,
    resolver: Resolver,
    domain: DomainProbe,
    local_is_fine: bool,
    lists: Option<DnsblProbe>,
    outbound: Vec<IpAddr>,
    services: Vec<Service>,
    deliveries: Vec<(Target, AnyProbe)>,
    progress: Progress,
}

/// How far checks are: so many of their probes have ended. Cloned, it counts the same.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<[AtomicU64; 2]>);

impl Progress {
    /// How many have ended, of how many that are known of.
    pub fn count(&self) -> (u64, u64) {
        let [done, all] = &*self.0;
        (done.load(Ordering::Relaxed), all.load(Ordering::Relaxed))
    }

    fn begin(&self, probes: usize) {
        let probes = u64::try_from(probes).unwrap_or(u64::MAX);
        let [_, all] = &*self.0;
        all.fetch_add(probes, Ordering::Relaxed);
    }

    fn end_one(&self) {
        let [done, _] = &*self.0;
        done.fetch_add(1, Ordering::Relaxed);
    }
}

/// What a check found before it asked on.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct CheckFacts {
    /// The services that the domain's users look for.
    pub services: Vec<Service>,
    /// Where their phones do.
    pub active_sync: Option<ActiveSync>,
}

impl Facts for CheckFacts {
    fn record(&self, out: &mut Record) {
        let services = self.services.iter().map(ToString::to_string);
        let phones = self.active_sync.iter().map(ToString::to_string);
        out.set("services", services.chain(phones).collect::<Vec<_>>());
    }
}

/// Whether anybody there could be asked.
const fn is_outside(reach: Reach, local_is_fine: bool) -> bool {
    match reach {
        Reach::Global => true,
        Reach::Local => local_is_fine,
        Reach::Reserved => false,
    }
}

/// Finds no address where no mail server is: whoever writes a zone does not send us into networks of ours.
#[derive(Clone, Debug)]
struct Outside {
    resolver: Resolver,
    local_is_fine: bool,
}

impl Resolve for Outside {
    fn resolve<'a>(
        &'a self,
        name: &'a HostName,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>> {
        Box::pin(async move {
            let mut found = self.resolver.resolve(name).await?;
            found.retain(|address| is_outside(Reach::of(*address), self.local_is_fine));
            Ok(found)
        })
    }
}

impl Check {
    /// So many probes are under way at once.
    const AT_ONCE: NonZeroUsize = NonZeroUsize::new(32).unwrap();
    /// So many hosts, and so many addresses, are asked about.
    const HOSTS: usize = 16;
    /// So much time is kept to see whether a host is there at all.
    const LAST_LOOK: Duration = Duration::from_secs(4);
    /// Where mail goes.
    const SMTP: u16 = 25;
    /// What else often listens on a mail host.
    const WITNESSES: [u16; 6] = [80, 443, 465, 587, 993, 995];

    /// A check that asks no blacklists. Mail servers in private networks are left alone, unless local is fine.
    pub fn new(net: Net, resolver: Resolver, domain: DomainProbe, local_is_fine: bool) -> Self {
        let outside = Outside {
            resolver: resolver.clone(),
            local_is_fine,
        };
        Self {
            net: net.with_resolver(outside),
            resolver,
            domain,
            local_is_fine,
            lists: None,
            outbound: Vec::new(),
            services: Vec::new(),
            deliveries: Vec::new(),
            progress: Progress::default(),
        }
    }

    /// Counts its probes there.
    #[must_use]
    pub fn with_progress(mut self, progress: Progress) -> Self {
        self.progress = progress;
        self
    }

    /// Asks blacklists about the domain, the addresses that take its mail, and those that send it.
    #[must_use]
    pub fn with_lists(mut self, lists: DnsblProbe) -> Self {
        self.lists = Some(lists);
        self
    }

    /// Addresses that send the domain's mail.
    #[must_use]
    pub fn with_outbound(mut self, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        self.outbound = addresses.into_iter().collect();
        self
    }

    /// Services that the domain does not announce.
    #[must_use]
    pub fn with_services(mut self, services: impl IntoIterator<Item = Service>) -> Self {
        self.services = services.into_iter().collect();
        self
    }

    /// Ways that mail takes, each followed to its end.
    #[must_use]
    pub fn with_deliveries(
        mut self,
        deliveries: impl IntoIterator<Item = (Target, AnyProbe)>,
    ) -> Self {
        self.deliveries = deliveries.into_iter().collect();
        self
    }

    /// Puts these questions at once, and adds the answers.
    async fn ask(
        &self,
        plan: Vec<(Target, AnyProbe)>,
        cx: &Context,
        budget: Duration,
        parts: &mut Vec<Report>,
    ) {
        let cx = cx.clone().with_budget(budget.max(Duration::from_millis(1)));
        self.progress.begin(plan.len());
        let mut fleet = Fleet::new(plan, cx, Self::AT_ONCE);
        while let Some(mut part) = fleet.next().await {
            weigh(&mut part);
            self.progress.end_one();
            parts.push(part);
        }
    }

    /// The hosts that take mail and did not take a connection at any address: are they there at all?
    fn unreached(&self, parts: &[Report]) -> Vec<(Target, AnyProbe)> {
        let options = ReachProbe::builder(self.net.clone())
            .witnesses(Self::WITNESSES)
            .patience(Self::LAST_LOOK * 3 / 4);
        let Ok(probe) = options.build().map(AnyProbe::new) else {
            return Vec::new();
        };
        let hosts = parts.iter().filter(|part| {
            let is_exchange = part.probe == "smtp" && part.target.port() == Some(Self::SMTP);
            is_exchange && is_unreached(part)
        });
        hosts
            .map(|part| (part.target.clone(), probe.clone()))
            .collect()
    }

    /// What to ask, now that so much is known.
    fn plan(
        &self,
        domain: &HostName,
        known: &DomainFacts,
        found: &CheckFacts,
    ) -> Vec<(Target, AnyProbe)> {
        let mut plan = self.exchanges(domain, known);
        let services = found.services.iter();
        plan.extend(services.filter_map(|service| self.service(service)));
        let phones = found.active_sync.as_ref();
        plan.extend(phones.and_then(|phones| self.active_sync(phones)));
        plan.extend(self.listings(domain, &known.mx));
        plan.extend(self.deliveries.iter().cloned());
        plan
    }

    /// The hosts that take the mail, each at every address: would they take mail for the domain, over such TLS as it says?
    fn exchanges(&self, domain: &HostName, known: &DomainFacts) -> Vec<(Target, AnyProbe)> {
        let mut hosts: Vec<(HostName, Expectation)> = Vec::new();
        let takers = known.mx.exchange.takers();
        for taker in takers.filter(|host| host.is_usable(self.local_is_fine)) {
            let Ok(name) = taker.name.to_string().parse::<HostName>() else {
                continue;
            };
            if hosts.iter().all(|(other, _)| *other != name) {
                hosts.push((name, expectation(domain, taker, known)));
            }
        }
        // RFC 5321 section 4.5.1 wants it to be there.
        let postmaster: Option<Address> = format!("postmaster@{domain}").parse().ok();
        let probe = |(host, expectation): (HostName, Expectation)| {
            let options = SmtpProbe::builder(self.net.clone()).every_address(true);
            let options = options
                .recipients(postmaster.as_slice())
                .expect_tls(expectation);
            let target = Target::host(Host::Name(host), Self::SMTP);
            Some((target, AnyProbe::new(options.build().ok()?)))
        };
        hosts
            .into_iter()
            .take(Self::HOSTS)
            .filter_map(probe)
            .collect()
    }

    /// A service of the domain's users.
    fn service(&self, service: &Service) -> Option<(Target, AnyProbe)> {
        let net = self.net.clone();
        let security = match service.kind.is_tls_at_once() {
            true => Security::Implicit,
            false => Security::Required,
        };
        let probe = match service.kind {
            ServiceKind::Imap | ServiceKind::Imaps => {
                AnyProbe::new(ImapProbe::builder(net).security(security).build().ok()?)
            }
            ServiceKind::Pop3 | ServiceKind::Pop3s => {
                AnyProbe::new(Pop3Probe::builder(net).security(security).build().ok()?)
            }
            ServiceKind::Submission | ServiceKind::Submissions => {
                AnyProbe::new(SmtpProbe::builder(net).security(security).build().ok()?)
            }
            ServiceKind::Jmap => AnyProbe::new(JmapProbe::builder(net).build().ok()?),
            ServiceKind::Webmail => AnyProbe::new(WebmailProbe::builder(net).build().ok()?),
        };
        Some((
            Target::host(Host::Name(service.host.clone()), service.port),
            probe,
        ))
    }

    /// Whether phones get an answer there; who they are is asked of them, and that is enough.
    fn active_sync(&self, found: &ActiveSync) -> Option<(Target, AnyProbe)> {
        let options = EasProbe::builder(self.net.clone()).path(found.path.clone());
        let probe = AnyProbe::new(options.up_to(Rung::Anonymous).build().ok()?);
        Some((
            Target::host(Host::Name(found.host.clone()), found.port),
            probe,
        ))
    }

    /// Whom lists may name.
    fn listings(&self, domain: &HostName, mx: &MxFacts) -> Vec<(Target, AnyProbe)> {
        let Some(lists) = &self.lists else {
            return Vec::new();
        };
        let taking = mx.exchange.takers().flat_map(|host| &host.addresses);
        let mut addresses = self.outbound.clone();
        let taking = taking.filter(|one| is_outside(one.reach, self.local_is_fine));
        for one in taking.take(Self::HOSTS) {
            if !addresses.contains(&one.address) {
                addresses.push(one.address);
            }
        }
        let hosts = addresses.into_iter().map(Host::Address);
        let hosts = hosts.chain([Host::Name(domain.clone())]);
        let probe = AnyProbe::new(lists.clone());
        hosts
            .map(|host| (Target::Host { host, port: None }, probe.clone()))
            .collect()
    }
}

impl Probe for Check {
    type Facts = CheckFacts;

    fn name(&self) -> &'static str {
        "check"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<CheckFacts> {
        let mut report = Report::new(self.name(), target.clone(), cx.now(), CheckFacts::default());
        let Some(domain) = target.domain() else {
            report.failure = Some(Failure::unfit_target(target));
            return report;
        };
        let log = Log::begin(cx);
        self.progress.begin(1);
        let looking = services::find(domain, &self.services, &self.net, &self.resolver);
        // What the rest is to be asked of must be known before half of the time is over.
        let half = cx.clone().with_budget(cx.budget / 2);
        let looking = tokio::time::timeout(cx.budget / 2, looking);
        let phones = services::discover(domain, &self.net, &self.resolver, &half);
        let asking = self.domain.probe(target, &half);
        let (domain_report, services, phones) = join3(asking, looking, phones).await;
        report.facts.services = services.unwrap_or_default();
        let found = phones.as_ref().map(|phones| &phones.facts);
        report.facts.active_sync = found.and_then(ActiveSync::of);
        self.progress.end_one();
        let plan = self.plan(domain, &domain_report.facts, &report.facts);
        report.parts.extend(domain_report.parts);
        report.parts.extend(phones.map(Report::erase));
        // Of hosts that do not answer it is asked afterwards whether they are there.
        let kept = (log.time_left() / 4).min(Self::LAST_LOOK);
        self.ask(plan, cx, log.time_left() - kept, &mut report.parts)
            .await;
        let lost = self.unreached(&report.parts);
        self.ask(lost, cx, log.time_left(), &mut report.parts).await;
        // Whoever came first: what keeps mail from arriving before what only others think of it.
        report.parts.sort_by_key(|part| place(part.probe));
        log.close(&mut report);
        report
    }
}

/// What the domain, and the host itself, have published of the host's TLS.
fn expectation(domain: &HostName, host: &MxHost, known: &DomainFacts) -> Expectation {
    let expectation = match known.mta_sts() {
        Some(policy) => Expectation::default().with_mta_sts(policy),
        None => Expectation::default(),
    };
    match host.dane() {
        // Where an authority counts, the domain's own name will do too (RFC 7672 section 3.2.2).
        Some(dane) => expectation.with_dane(dane.with_reference(domain.clone())),
        None => expectation,
    }
}

/// That there is no postmaster is against the rules, but other mail arrives.
fn weigh(part: &mut Report) {
    for finding in &mut part.findings {
        if finding.code() == "smtp.recipient.unknown" {
            finding.severity = Severity::Warning;
        }
    }
    part.parts.iter_mut().for_each(weigh);
}

/// Whether no address took a connection; those that this machine has no way to aside.
fn is_unreached(part: &Report) -> bool {
    let is_so = |one: &Report, kinds: &[FailureKind]| {
        let failure = one.failure.as_ref();
        failure
            .is_some_and(|failure| failure.phase == Phase::CONNECT && kinds.contains(&failure.kind))
    };
    let lost = [
        FailureKind::Refused,
        FailureKind::Timeout,
        FailureKind::Unreachable,
    ];
    if part.parts.is_empty() {
        return is_so(part, &lost);
    }
    let members = || part.parts.iter();
    members().any(|one| is_so(one, &lost))
        && members().all(|one| is_so(one, &lost) || is_so(one, &[FailureKind::Local]))
}

fn place(probe: &str) -> usize {
    // What came of looking for a host says more than that it did not answer.
    const ORDER: [&str; 12] = [
        "mx",
        "registration",
        "delivery",
        "reach",
        "smtp",
        "imap",
        "pop3",
        "autodiscover",
        "eas",
        "jmap",
        "web",
        "dnsbl",
    ];
    let place = ORDER.iter().position(|known| *known == probe);
    place.unwrap_or(ORDER.len())
}

#[cfg(test)]
mod tests {
    use probe_core::AnyFacts;
    use std::time::SystemTime;

    use super::*;

    fn report(phase: Phase, kind: Option<FailureKind>) -> Report {
        let target = Target::host("192.0.2.1".parse::<IpAddr>().unwrap(), 25);
        let facts = AnyFacts::new(());
        let mut report = Report::new("smtp", target, SystemTime::UNIX_EPOCH, facts);
        report.failure = kind.map(|kind| Failure::new(phase, kind, ""));
        report
    }

    #[test]
    fn a_host_is_looked_for_where_no_address_took_a_connection() {
        let connecting = |kind| report(Phase::CONNECT, Some(kind));
        let (refused, silent) = (FailureKind::Refused, FailureKind::Timeout);
        let local = FailureKind::Local;
        let well = || report(Phase::CONNECT, None);
        let of = |parts: Vec<Report>| {
            let mut whole = well();
            whole.parts = parts;
            is_unreached(&whole)
        };
        assert!(is_unreached(&connecting(refused)) && is_unreached(&connecting(silent)));
        assert!(!is_unreached(&well()) && !is_unreached(&connecting(local)));
        assert!(!is_unreached(&report(Phase::GREETING, Some(silent))));
        assert!(of(vec![connecting(refused), connecting(silent)]));
        assert!(!of(vec![connecting(refused), well()]));
        // This machine has no way to IPv6: that says nothing.
        assert!(of(vec![connecting(refused), connecting(local)]));
        assert!(!of(vec![connecting(local)]));
    }
}
