//! The services that a domain's users look for: as it announces them (RFC 6186, RFC 8314), and where they often are.

use core::fmt;
use core::time::Duration;

use eas_probe::discovery::{DiscoveryFacts, DiscoveryProbe};
use futures_util::future::join_all;
use probe_core::{Context, Host, HostName, Probe, Report, Target};
use probe_net::dns::{Data, Kind, Question, Resolver};
use probe_net::{Endpoint, Log, Net};

use super::autoconfig;

/// A service at a host.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[allow(
    clippy::exhaustive_structs,
    reason = "RFC 2782 knows no more that matters here"
)]
pub struct Service {
    /// Which.
    pub kind: ServiceKind,
    /// Where.
    pub host: HostName,
    /// TCP port.
    pub port: u16,
}

/// What users do with a mail system.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ServiceKind {
    /// IMAP with STARTTLS.
    Imap,
    /// IMAP with TLS at once.
    Imaps,
    /// POP3 with STLS.
    Pop3,
    /// POP3 with TLS at once.
    Pop3s,
    /// Submission with STARTTLS.
    Submission,
    /// Submission with TLS at once.
    Submissions,
    /// JMAP (RFC 8620 section 2.2).
    Jmap,
    /// A webmail, which nobody announces.
    Webmail,
}

impl ServiceKind {
    /// Those that are announced in DNS.
    const ANNOUNCED: [Self; 7] = [
        Self::Imap,
        Self::Imaps,
        Self::Pop3,
        Self::Pop3s,
        Self::Submission,
        Self::Submissions,
        Self::Jmap,
    ];

    /// Its name: that by which a domain announces it, if it does.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Imaps => "imaps",
            Self::Pop3 => "pop3",
            Self::Pop3s => "pop3s",
            Self::Submission => "submission",
            Self::Submissions => "submissions",
            Self::Jmap => "jmap",
            Self::Webmail => "webmail",
        }
    }

    /// Whether TLS comes before all words.
    pub const fn is_tls_at_once(self) -> bool {
        !matches!(self, Self::Imap | Self::Pop3 | Self::Submission)
    }

    /// What its host is often called, and at which port it then is.
    const fn habits(self) -> (&'static [&'static str], u16) {
        match self {
            Self::Imaps => (&["imap", "mail"], 993),
            Self::Pop3s => (&["pop", "pop3", "mail"], 995),
            Self::Submission => (&["smtp", "mail"], 587),
            Self::Submissions => (&["smtp", "mail"], 465),
            Self::Webmail => (&["webmail"], 443),
            Self::Imap | Self::Pop3 | Self::Jmap => (&[], 0),
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}:{}", self.kind.as_str(), self.host, self.port)
    }
}

/// Where phones find a domain's mailboxes.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct ActiveSync {
    /// Where.
    pub host: HostName,
    /// TCP port.
    pub port: u16,
    /// Which page.
    pub path: String,
}

impl ActiveSync {
    /// Where the search ended, if that is at a name.
    pub(super) fn of(found: &DiscoveryFacts) -> Option<Self> {
        let url = found.endpoint.as_ref()?;
        let Host::Name(host) = url.host() else {
            return None;
        };
        Some(Self {
            host: host.clone(),
            port: url.port(),
            path: url.path_and_query().to_owned(),
        })
    }
}

impl fmt::Display for ActiveSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, path } = self;
        write!(f, "activesync {host}:{port}{path}")
    }
}

/// How long one place is tried.
const PATIENCE: Duration = Duration::from_secs(3);

/// Those that are named, and those that the domain announces in DNS. Where it announces none, those that it publishes for
/// mail programs; and where there is nothing of that either, those that are where they often are. And a webmail that is where
/// webmails are.
pub(super) async fn find(
    domain: &HostName,
    named: &[Service],
    net: &Net,
    resolver: &Resolver,
) -> Vec<Service> {
    let announced = ServiceKind::ANNOUNCED.map(|kind| announced(kind, domain, resolver));
    let announced: Vec<_> = join_all(announced).await.into_iter().flatten().collect();
    let mut services = named.to_vec();
    services.extend(announced);
    if services.is_empty() {
        services = autoconfig::find(domain, net, PATIENCE).await;
    }
    if services.is_empty() {
        let guesses = ServiceKind::ANNOUNCED
            .iter()
            .flat_map(|kind| guesses(*kind, domain));
        let tried = guesses.map(|service| listens(service, net));
        services = join_all(tried).await.into_iter().flatten().collect();
    }
    let webmail = guesses(ServiceKind::Webmail, domain).map(|service| listens(service, net));
    services.extend(join_all(webmail).await.into_iter().flatten());
    services
}

/// What Autodiscover tells of the domain without credentials; nothing where it leads to no ActiveSync, which not every domain
/// has.
pub(super) async fn discover(
    domain: &HostName,
    net: &Net,
    resolver: &Resolver,
    cx: &Context,
) -> Option<Report<DiscoveryFacts>> {
    let options = DiscoveryProbe::builder(net.clone()).resolver(resolver.clone());
    let probe = options.patience(PATIENCE).build().ok()?;
    let target = Target::Host {
        host: Host::Name(domain.clone()),
        port: None,
    };
    let report = probe.probe(&target, cx).await;
    report.facts.endpoint.is_some().then_some(report)
}

async fn announced(kind: ServiceKind, domain: &HostName, resolver: &Resolver) -> Vec<Service> {
    /// So many hosts of one service are asked.
    const HOSTS: usize = 4;
    let Ok(name) = format!("_{}._tcp.{domain}", kind.as_str()).parse() else {
        return Vec::new();
    };
    let Ok(answer) = resolver.ask(Question::new(name, Kind::SRV)).await else {
        return Vec::new();
    };
    let hosts = answer.records().filter_map(|record| match &record.data {
        // The root: it is not offered.
        Data::Srv { port, target, .. } if !target.is_root() => Some(Service {
            kind,
            host: target.to_string().parse().ok()?,
            port: *port,
        }),
        _ => None,
    });
    hosts.take(HOSTS).collect()
}

fn guesses(kind: ServiceKind, domain: &HostName) -> impl Iterator<Item = Service> {
    let (labels, port) = kind.habits();
    labels.iter().filter_map(move |label| {
        let host = format!("{label}.{domain}").parse().ok()?;
        Some(Service { kind, host, port })
    })
}

/// A guess is only one if somebody listens there.
async fn listens(service: Service, net: &Net) -> Option<Service> {
    let endpoint = Endpoint::new(Host::Name(service.host.clone()), service.port);
    let mut log = Log::begin(&Context::default().with_budget(PATIENCE));
    let dialled = net.dial(&endpoint, &mut log).await;
    dialled.is_ok().then_some(service)
}
