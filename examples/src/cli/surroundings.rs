//! What surrounds every probe: how long it may take and how it is told, the way to the network, and TLS.

use core::fmt::Display;
use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use probe_core::{
    AnyProbe, Context, Fleet, HostName, Range, Report, Snapshot, Target, Thresholds, Verdict,
    compare, remember,
};
use probe_net::dns::Resolver;
use probe_net::http::Url;
use probe_net::tls::{self, Tls};
use probe_net::{Family, Net, Proxy, ProxyVersion};

use super::{Mistake, Output, runtime};
use crate::format::worst;
use crate::threshold;

/// How long a probe may take, and how it is told: the same for all.
#[derive(Args, Debug)]
pub(super) struct Run {
    /// Seconds for each probe, from name resolution to farewell
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30", help_heading = "Time")]
    timeout: Duration,
    /// Warns when the probe takes a time (in seconds) outside this range: 10, 10:, ~:10, 10:20, @10:20
    #[arg(
        short,
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        help_heading = "Time"
    )]
    warning: Option<Range>,
    /// The same, critical
    #[arg(
        short,
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        help_heading = "Time"
    )]
    critical: Option<Range>,
    /// Tells what has changed since the reports in this file, and since when it has been so, which --format json or jsonl wrote
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    previous: Option<PathBuf>,
    #[command(flatten)]
    pub(super) output: Output,
}

/// What surrounds a probe of a server.
#[derive(Args, Debug)]
pub(super) struct Surroundings {
    #[command(flatten)]
    run: Run,
    /// Uses IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = "Network")]
    ipv4: bool,
    /// Uses IPv6 only
    #[arg(short = '6', long, help_heading = "Network")]
    ipv6: bool,
    /// Connects from this address of this machine
    #[arg(long, value_name = "ADDRESS", help_heading = "Network")]
    source: Option<IpAddr>,
    /// Begins each connection with a PROXY header, as a load balancer does
    #[arg(long, value_enum, value_name = "VERSION", help_heading = "Network")]
    proxy: Option<ProxyForm>,
    /// Trusts the certificates of this PEM file besides the system's
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    ca: Option<PathBuf>,
    /// Shows the certificate chain of this PEM file where the server asks for one
    #[arg(
        long,
        value_name = "FILE",
        requires = "client_key",
        help_heading = "TLS"
    )]
    client_cert: Option<PathBuf>,
    /// Its key, a PEM file
    #[arg(
        long,
        value_name = "FILE",
        requires = "client_cert",
        help_heading = "TLS"
    )]
    client_key: Option<PathBuf>,
    #[command(flatten)]
    name_servers: NameServers,
}

/// Who is asked for names.
#[derive(Args, Debug)]
pub(super) struct NameServers {
    /// Asks this resolver instead of the system's (repeatable)
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = name_server, help_heading = "Network")]
    resolver: Vec<SocketAddr>,
    /// Asks this resolver over TLS, if its certificate is valid for the name: port 853 if none is named
    #[arg(
        long,
        value_name = "NAME@ADDRESS[:PORT]",
        value_parser = secured_name_server,
        conflicts_with = "resolver",
        help_heading = "Network"
    )]
    resolver_tls: Option<(HostName, SocketAddr)>,
    /// Asks this resolver over HTTPS, if its certificate is valid for the host of the URL
    #[arg(
        long,
        value_name = "URL@ADDRESS",
        value_parser = posted_name_server,
        conflicts_with_all = ["resolver", "resolver_tls"],
        help_heading = "Network"
    )]
    resolver_https: Option<(Url, IpAddr)>,
}

impl NameServers {
    pub(super) const fn are_named(&self) -> bool {
        !self.resolver.is_empty() || self.resolver_tls.is_some() || self.resolver_https.is_some()
    }

    /// The one that was named, if any; `ca` is trusted beside the system's roots.
    pub(super) fn resolver(&self, ca: Option<&Path>) -> Result<Option<Resolver>, Mistake> {
        if let Some((name, server)) = &self.resolver_tls {
            let net = Net::new(Tls::ring(roots(ca)?));
            return Ok(Some(Resolver::over_tls(net, name.clone(), [*server])));
        }
        if let Some((url, server)) = &self.resolver_https {
            let net = Net::new(Tls::ring(roots(ca)?));
            return Ok(Some(Resolver::over_https(net, url.clone(), [*server])));
        }
        let servers = self.resolver.iter().copied();
        Ok((!self.resolver.is_empty()).then(|| Resolver::new(servers)))
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum ProxyForm {
    /// A line of text
    V1,
    /// Binary
    V2,
}

impl Run {
    fn context(&self) -> Context {
        let cx = Context::default().with_budget(self.timeout);
        // One phase may use up all of it: the operator named the whole.
        let cx = cx.with_patience(self.timeout);
        match self.output.verbose {
            true => cx.with_transcript(),
            false => cx,
        }
    }

    fn thresholds(&self) -> Thresholds {
        Thresholds::new(self.warning, self.critical)
    }

    fn previous(&self) -> Result<Vec<Snapshot>, Mistake> {
        let Some(file) = &self.previous else {
            return Ok(Vec::new());
        };
        let describe = |why: &dyn Display| Mistake::new(format!("{}: {why}", file.display()));
        let text = fs::read_to_string(file).map_err(|error| describe(&error))?;
        Snapshot::read_all(&text).map_err(|error| describe(&error))
    }

    /// Asks all targets at once and shows what came of it.
    pub(super) fn ask(&self, targets: &[Target], probe: &AnyProbe) -> Result<Verdict, Mistake> {
        let reports = self.reports(targets, probe)?;
        self.tell(&reports)
    }

    /// Asks all targets at once.
    fn reports(&self, targets: &[Target], probe: &AnyProbe) -> Result<Vec<Report>, Mistake> {
        let previous = self.previous()?;
        let watched = targets.iter().map(|target| (target.clone(), probe.clone()));
        let at_once = 64.try_into().unwrap_or(core::num::NonZeroUsize::MIN);
        let mut fleet = Fleet::new(watched, self.context(), at_once);
        let runtime = runtime()?;
        let mut reports = runtime.block_on(async {
            let mut reports = Vec::new();
            while let Some(report) = fleet.next().await {
                reports.push(report);
            }
            reports
        });
        // A name that is still being resolved must not hold up the end.
        runtime.shutdown_background();
        reports.sort_by_key(|report| place(targets, report));
        for report in &mut reports {
            threshold::judge(&self.thresholds(), report);
            let before = previous.iter().find(|before| before.is_of(report));
            let changes = before.map(|before| compare(before, report));
            if let Some(before) = before {
                remember(before, report);
            }
            for change in changes.unwrap_or_default() {
                report.add_finding(change);
            }
        }
        Ok(reports)
    }

    fn tell(&self, reports: &[Report]) -> Result<Verdict, Mistake> {
        let page = self
            .output
            .format
            .write(reports, &self.thresholds(), self.output.style());
        self.output.show(&page)?;
        Ok(worst(reports))
    }
}

impl Surroundings {
    pub(super) const fn output(&self) -> &Output {
        &self.run.output
    }

    /// Asks all targets at once and shows what came of it.
    pub(super) fn ask(&self, targets: &[Target], probe: &AnyProbe) -> Result<Verdict, Mistake> {
        self.run.ask(targets, probe)
    }

    /// The same in two steps, for those who want to look at the reports in between.
    pub(super) fn reports(
        &self,
        targets: &[Target],
        probe: &AnyProbe,
    ) -> Result<Vec<Report>, Mistake> {
        self.run.reports(targets, probe)
    }

    /// Shows what came of it.
    pub(super) fn tell(&self, reports: &[Report]) -> Result<Verdict, Mistake> {
        self.run.tell(reports)
    }

    /// The file with earlier reports, if one was named.
    pub(super) fn earlier(&self) -> Option<&Path> {
        self.run.previous.as_deref()
    }

    pub(super) fn net(&self) -> Result<Net, Mistake> {
        let net = Net::new(self.tls()?).with_family(self.family()?);
        let net = match self.source {
            Some(source) => net.with_source(source),
            None => net,
        };
        let net = match self.name_servers.resolver(self.ca.as_deref())? {
            Some(resolver) => net.with_resolver(resolver),
            None => net,
        };
        Ok(match self.proxy {
            Some(ProxyForm::V1) => net.with_proxy(Proxy::new(ProxyVersion::V1)),
            Some(ProxyForm::V2) => net.with_proxy(Proxy::new(ProxyVersion::V2)),
            None => net,
        })
    }

    /// The resolver that was named, or the system's.
    pub(super) fn resolver(&self) -> Result<Resolver, Mistake> {
        let resolver = match self.name_servers.resolver(self.ca.as_deref())? {
            Some(resolver) => resolver,
            None => Resolver::system().map_err(Mistake::new)?,
        };
        Ok(match self.source {
            Some(source) => resolver.with_source(source),
            None => resolver,
        })
    }

    pub(super) fn names_resolver(&self) -> bool {
        self.name_servers.are_named()
    }

    /// An address of ours also decides the family.
    fn family(&self) -> Result<Family, Mistake> {
        let asked = match (self.ipv4, self.ipv6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            _ => Family::Any,
        };
        match (self.source, asked) {
            (Some(IpAddr::V4(_)), Family::Any | Family::V4) => Ok(Family::V4),
            (Some(IpAddr::V6(_)), Family::Any | Family::V6) => Ok(Family::V6),
            (Some(_), _) => Err(Mistake::new("--source is an address of the other family")),
            (None, asked) => Ok(asked),
        }
    }

    fn tls(&self) -> Result<Tls, Mistake> {
        let tls = Tls::ring(roots(self.ca.as_deref())?);
        match (&self.client_cert, &self.client_key) {
            (Some(chain), Some(key)) => tls
                .with_client_certificate_files(chain, key)
                .map_err(|error| Mistake(format!("--client-cert {error}"))),
            _ => Ok(tls),
        }
    }
}

/// The roots that the system trusts, and those in this file.
fn roots(file: Option<&Path>) -> Result<rustls::RootCertStore, Mistake> {
    let mut roots = match (tls::native_roots(), file) {
        (Ok(roots), _) => roots,
        // A machine without any roots can still be told whom to trust.
        (Err(_), Some(_)) => rustls::RootCertStore::empty(),
        (Err(error), None) => return Err(Mistake::new(error)),
    };
    if let Some(file) = file {
        tls::add_ca_file(&mut roots, file).map_err(|error| Mistake(format!("--ca {error}")))?;
    }
    Ok(roots)
}

/// The order in which the targets were given; a report's own may have gained its port.
fn place(targets: &[Target], report: &Report) -> usize {
    let same = |target: &Target| {
        let port = report.target.port().unwrap_or_default();
        target.clone().or_port(port) == report.target
    };
    targets.iter().position(same).unwrap_or(targets.len())
}

/// A name server: an address, and its port where that is not 53.
fn name_server(text: &str) -> Result<SocketAddr, String> {
    let wanted = "an address, such as 192.0.2.53, 192.0.2.53:5353 or [2001:db8::53]:53";
    address(text, 53).ok_or_else(|| wanted.to_owned())
}

fn secured_name_server(text: &str) -> Result<(HostName, SocketAddr), String> {
    let wanted = "a name and an address, such as dns.example.net@192.0.2.53";
    let read = || {
        let (name, server) = text.split_once('@')?;
        Some((name.parse().ok()?, address(server, 853)?))
    };
    read().ok_or_else(|| wanted.to_owned())
}

fn posted_name_server(text: &str) -> Result<(Url, IpAddr), String> {
    let wanted = "a URL and an address, such as https://dns.example.net/dns-query@192.0.2.53";
    let read = || {
        let (url, server) = text.rsplit_once('@')?;
        // As resolvers publish theirs (RFC 8484 section 4.1): what is posted has no variable.
        let url: Url = url.trim_end_matches("{?dns}").parse().ok()?;
        Some((url, server.parse().ok()?)).filter(|(url, _)| url.is_secure())
    };
    read().ok_or_else(|| wanted.to_owned())
}

fn address(text: &str, port: u16) -> Option<SocketAddr> {
    let alone = text.parse::<IpAddr>();
    let alone = alone.map(|address| SocketAddr::new(address, port));
    alone.or_else(|_| text.parse()).ok()
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wanted = "a number of seconds above 0 and up to 3600".to_owned();
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 3600.0 => {
            Duration::try_from_secs_f64(seconds).map_err(|_| wanted)
        }
        _ => Err(wanted),
    }
}
