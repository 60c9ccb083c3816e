//! One run against one host: dial, TLS where it comes first, the dialogue, the judgement, the report. What is said
//! in the dialogue, and what to think of it, is each protocol's own.

use core::future::Future;
use core::net::IpAddr;
use std::time::SystemTime;

use futures_util::stream::{self, StreamExt};
use probe_core::{
    AnyFacts, Context, Failure, Finding, Host, HostName, Probe, Report, Span, Target,
};

use crate::tls::Security;
use crate::{Endpoint, Log, Net, Wire};

/// A probe of one host and port: what a protocol crate adds to dialling, TLS and the report.
pub trait Service: Probe<Facts: Default> {
    /// The way to the network.
    fn net(&self) -> &Net;

    /// Where a target leads, by the port that it names or else the service's own.
    fn endpoint(&self, host: &Host, port: Option<u16>) -> Endpoint;

    /// Whether every address is asked by itself, instead of whichever answers first.
    fn asks_every_address(&self) -> bool;

    /// How to encrypt on this port.
    fn security_on(&self, port: u16) -> Security;

    /// Leads the dialogue over a wire that stands (with TLS, where that is implicit). What was learned is in
    /// `facts` also when it fails.
    fn converse(
        &self,
        session: Session<'_>,
        facts: &mut Self::Facts,
        log: &mut Log,
    ) -> impl Future<Output = Result<(), Failure>> + Send;

    /// Notes what the connection itself showed; asked also where the dialogue could not begin.
    fn note_connection(facts: &mut Self::Facts, wire: &Wire);

    /// How many addresses of one host may be asked at the same time.
    fn at_once(&self) -> usize {
        16
    }

    /// What the addresses of one host tell of each other.
    fn judge_members(&self, members: &mut [Report<AnyFacts>]) {
        let _ = members;
    }

    /// What to think of it all.
    fn judge(&self, facts: &Self::Facts, seen: &Seen<'_>, security: Security) -> Vec<Finding>;
}

/// A connection to lead a dialogue over.
#[derive(Debug)]
#[non_exhaustive]
pub struct Session<'a> {
    /// The connection.
    pub wire: &'a mut Wire,
    /// Where it leads: for a probe that needs another one.
    pub endpoint: &'a Endpoint,
    /// How it is to be encrypted.
    pub security: Security,
}

/// What a machine cannot see: times, and the date.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Seen<'a> {
    /// Where the time went.
    pub spans: &'a [Span],
    /// When certificates are judged.
    pub now: SystemTime,
    /// The name that the server was asked for by, if it was one: a policy may list it or not.
    pub server_name: Option<&'a HostName>,
}

impl<'a> Seen<'a> {
    /// These times.
    pub const fn new(spans: &'a [Span], now: SystemTime) -> Self {
        Self {
            spans,
            now,
            server_name: None,
        }
    }

    /// The same, of a server that was asked for by this name.
    #[must_use]
    pub const fn of(mut self, server_name: Option<&'a HostName>) -> Self {
        self.server_name = server_name;
        self
    }
}

/// Asks a service: what the `probe` of a protocol crate is.
pub async fn probe<S: Service>(service: &S, target: &Target, cx: &Context) -> Report<S::Facts> {
    let Target::Host { host, port } = target else {
        return unfit(service, target, cx);
    };
    let endpoint = service.endpoint(host, *port);
    match service.asks_every_address() {
        true => ask_each(service, &endpoint, cx).await,
        false => ask_at(service, &endpoint, None, cx).await,
    }
}

/// Every address of the host, all at once; each is a part of the report.
async fn ask_each<S: Service>(service: &S, endpoint: &Endpoint, cx: &Context) -> Report<S::Facts> {
    let target = Target::host(endpoint.host.clone(), endpoint.port);
    let mut report = Report::new(service.name(), target, cx.now(), S::Facts::default());
    let mut log = Log::begin(cx);
    match service.net().addresses(&endpoint.host, &mut log).await {
        Ok(addresses) => {
            // Whoever has to wait for others has less time left.
            let each = addresses.into_iter().map(|one| {
                let cx = cx.clone().with_budget(log.time_left());
                async move { ask_at(service, endpoint, Some(one), &cx).await }
            });
            let parts = stream::iter(each)
                .buffered(service.at_once())
                .map(Report::erase);
            report.parts = parts.collect().await;
            service.judge_members(&mut report.parts);
        }
        Err(failure) => report.failure = Some(failure),
    }
    log.close(&mut report);
    report
}

async fn ask_at<S: Service>(
    service: &S,
    endpoint: &Endpoint,
    only: Option<IpAddr>,
    cx: &Context,
) -> Report<S::Facts> {
    let (mut stay, mut outcome) = Stay::begin(service, endpoint.clone(), only, cx).await;
    let mut facts = S::Facts::default();
    if outcome.is_ok()
        && let Some(wire) = &mut stay.wire
    {
        let session = Session {
            wire,
            endpoint,
            security: stay.security,
        };
        outcome = service.converse(session, &mut facts, &mut stay.log).await;
    }
    stay.report(service, facts, outcome.err())
}

/// One connection from dialling to the report, for a caller who leads what is said over it himself: who stays logged in,
/// and asks one thing after the other.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stay {
    /// The connection; none where it could not be made.
    pub wire: Option<Wire>,
    /// The clock, and what happened so far.
    pub log: Log,
    /// How it is encrypted.
    pub security: Security,
    endpoint: Endpoint,
    target: Target,
    started_at: SystemTime,
}

impl Stay {
    /// Dials, with TLS where that comes first; and why that failed, if it did.
    async fn begin<S: Service>(
        service: &S,
        endpoint: Endpoint,
        only: Option<IpAddr>,
        cx: &Context,
    ) -> (Self, Result<(), Failure>) {
        let host = only.map_or_else(|| endpoint.host.clone(), Host::Address);
        let mut stay = Self {
            wire: None,
            log: Log::begin(cx),
            security: service.security_on(endpoint.port),
            target: Target::host(host, endpoint.port),
            endpoint,
            started_at: cx.now(),
        };
        let outcome = stay.dial(service, only).await;
        (stay, outcome)
    }

    async fn dial<S: Service>(&mut self, service: &S, only: Option<IpAddr>) -> Result<(), Failure> {
        let (net, log) = (service.net(), &mut self.log);
        let wire = match only {
            Some(address) => net.connect(&self.endpoint, &[address], log).await,
            None => net.dial(&self.endpoint, log).await,
        }?;
        let wire = self.wire.insert(wire);
        match self.security {
            Security::Implicit => wire.secure(log).await,
            _ => Ok(()),
        }
    }

    /// What came of it.
    pub fn report<S: Service>(
        self,
        service: &S,
        mut facts: S::Facts,
        failure: Option<Failure>,
    ) -> Report<S::Facts> {
        if let Some(wire) = &self.wire {
            S::note_connection(&mut facts, wire);
        }
        let seen = Seen::new(self.log.spans(), self.log.now()).of(self.endpoint.name());
        let findings = service.judge(&facts, &seen, self.security);
        let mut report = Report::new(service.name(), self.target, self.started_at, facts);
        report.failure = failure;
        for finding in findings {
            report.add_finding(finding);
        }
        self.log.close(&mut report);
        report
    }
}

/// Dials a service for a caller who leads the dialogue himself, with TLS where that comes first.
///
/// # Errors
/// The report of a connection that could not be made.
pub async fn stay<S: Service>(
    service: &S,
    target: &Target,
    cx: &Context,
) -> Result<Stay, Box<Report<S::Facts>>> {
    let Target::Host { host, port } = target else {
        return Err(Box::new(unfit(service, target, cx)));
    };
    let endpoint = service.endpoint(host, *port);
    let (stay, outcome) = Stay::begin(service, endpoint, None, cx).await;
    match outcome {
        Ok(()) => Ok(stay),
        Err(failure) => {
            let report = stay.report(service, S::Facts::default(), Some(failure));
            Err(Box::new(report))
        }
    }
}

fn unfit<S: Service>(service: &S, target: &Target, cx: &Context) -> Report<S::Facts> {
    let facts = S::Facts::default();
    let mut report = Report::new(service.name(), target.clone(), cx.now(), facts);
    report.failure = Some(Failure::unfit_target(target));
    report
}
