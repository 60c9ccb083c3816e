//! `mailprobe mx`.

use core::net::IpAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;
use mx_check::registration;
use mx_check::{DomainProbe, MxProbe, PolicyProbe, RegistrationProbe};
use probe_core::{AnyProbe, Host, HostName, Target, Verdict};
use probe_net::Net;
use probe_net::dns::{Resolver, RootHints, TrustAnchors};
use probe_net::http::Url;

use super::{Mistake, Surroundings};

#[derive(Args, Debug)]
pub(super) struct Mx {
    /// Domains
    #[arg(required = true, value_name = "DOMAIN")]
    targets: Vec<Target>,
    #[command(flatten)]
    walking: Walking,
    #[command(flatten)]
    surroundings: Surroundings,
}

/// What is asked of a domain itself, and what is expected of it.
#[derive(Args, Debug)]
pub(super) struct Walking {
    /// Is critical where mail does not go to these hosts, and to no others (repeatable)
    #[arg(long, value_name = "HOST", help_heading = "Domain")]
    expect: Vec<HostName>,
    /// Sees whether this address, which sends the domain's mail, may do so by SPF (repeatable)
    #[arg(long, value_name = "ADDRESS", help_heading = "Domain")]
    pub(super) outbound: Vec<IpAddr>,
    /// Looks for the key of this selector, by which mail of the domain is signed (repeatable)
    #[arg(long, value_name = "NAME", help_heading = "Domain")]
    selector: Vec<String>,
    /// Takes addresses of private networks for what mail reaches
    #[arg(long, help_heading = "Domain")]
    pub(super) allow_local: bool,
    /// Asks no registry
    #[arg(long, conflicts_with_all = ["rdap", "whois", "expires"], help_heading = "Registration")]
    no_registration: bool,
    /// Asks this RDAP service, whatever the domain
    #[arg(long, value_name = "URL", help_heading = "Registration")]
    rdap: Option<Url>,
    /// Finds registries by IANA's file of today, instead of the copy that is built in
    #[arg(long, conflicts_with_all = ["rdap", "no_registration"], help_heading = "Registration")]
    fresh_bootstrap: bool,
    /// Asks this WHOIS server, whatever the domain
    #[arg(long, value_name = "HOST", help_heading = "Registration")]
    whois: Option<HostName>,
    /// Until when the domain is paid for, where the registry does not say: 2027-01-31
    #[arg(long, value_name = "DATE", value_parser = day, help_heading = "Registration")]
    expires: Option<SystemTime>,
    /// Looks into no caches but those of the resolver by which hosts are found
    #[arg(long, help_heading = "Network")]
    no_public: bool,
    /// Begins at the root servers in this file, in the form of IANA's named.root
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    root_hints: Option<PathBuf>,
    /// Follows chains of signatures from the keys in this file, by their DS records [default: those of the root]
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    trust_anchors: Option<PathBuf>,
    /// Asks resolvers alone, and nobody who answers for a zone
    #[arg(long, conflicts_with = "root_hints", help_heading = "Network")]
    no_walk: bool,
}

impl Mx {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let net = self.surroundings.net()?;
        let resolver = self.surroundings.resolver()?;
        let is_named = self.surroundings.names_resolver();
        let probe = self.walking.probe(&net, resolver, is_named)?;
        self.surroundings.ask(&self.targets, &AnyProbe::new(probe))
    }
}

impl Walking {
    /// By this resolver; who names one means that one. Pages are fetched over this network.
    pub(super) fn probe(
        &self,
        net: &Net,
        resolver: Resolver,
        is_named: bool,
    ) -> Result<DomainProbe, Mistake> {
        let net = net.clone().with_resolver(resolver.clone());
        let policy = PolicyProbe::new(resolver.clone())
            .with_senders(self.outbound.iter().copied())
            .with_selectors(&self.selector)
            .fetching(net.clone());
        let probe = DomainProbe::new(self.mx(resolver, is_named)?).with_policy(policy);
        Ok(match self.no_registration {
            true => probe,
            false => probe.with_registration(self.registration(net)),
        })
    }

    fn mx(&self, resolver: Resolver, is_named: bool) -> Result<MxProbe, Mistake> {
        let options = MxProbe::builder(resolver)
            .expected(self.expect.iter().cloned())
            .local_is_fine(self.allow_local);
        let options = match is_named || self.no_public {
            true => options,
            false => options.and_public_caches(),
        };
        let options = match (&self.root_hints, self.no_walk) {
            (_, true) => options.without_roots(),
            (Some(file), _) => options.roots(RootHints::read(file).map_err(Mistake::new)?),
            (None, false) => options,
        };
        let options = match &self.trust_anchors {
            Some(file) => options.trust_anchors(TrustAnchors::read(file).map_err(Mistake::new)?),
            None => options,
        };
        options.build().map_err(Mistake::new)
    }

    fn registration(&self, net: Net) -> RegistrationProbe {
        let mut options = registration::Options::default();
        let iana = registration::Bootstrap::IANA.parse::<Url>().ok();
        if let Some(iana) = iana.filter(|_| self.fresh_bootstrap) {
            options = options.with_bootstrap_from(iana);
        }
        if let Some(base) = &self.rdap {
            options = options.with_rdap(base.clone());
        }
        if let Some(server) = &self.whois {
            options = options.with_whois(Host::Name(server.clone()));
        }
        if let Some(expires) = self.expires {
            options = options.with_expiry(expires);
        }
        RegistrationProbe::new(net, options)
    }
}

fn day(text: &str) -> Result<SystemTime, String> {
    let read = humantime::parse_rfc3339(&format!("{text}T00:00:00Z"));
    read.map_err(|_| "a day, such as 2027-01-31".to_owned())
}
