//! `mailprobe mx`.

use std::path::PathBuf;

use clap::Args;
use mx_check::{MxProbe, Options};
use probe_core::{AnyProbe, HostName, Target, Verdict};
use probe_net::dns::{Resolver, RootHints};

use super::Mistake;
use super::surroundings::{NameServers, Run};

#[derive(Args, Debug)]
pub(super) struct Mx {
    /// Domains
    #[arg(required = true, value_name = "DOMAIN")]
    targets: Vec<Target>,
    #[command(flatten)]
    walking: Walking,
    #[command(flatten)]
    name_servers: NameServers,
    /// Trusts the certificates of this PEM file besides the system's, for resolvers over TLS and HTTPS
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    ca: Option<PathBuf>,
    #[command(flatten)]
    run: Run,
}

/// Where the way of the mail is looked for, and what is expected of it.
#[derive(Args, Debug)]
pub(super) struct Walking {
    /// Is critical where mail does not go to these hosts, and to no others (repeatable)
    #[arg(long, value_name = "HOST", help_heading = "Mail")]
    expect: Vec<HostName>,
    /// Takes addresses of private networks for what mail reaches
    #[arg(long, help_heading = "Mail")]
    pub(super) allow_local: bool,
    /// Looks into no caches but those of the resolver by which hosts are found
    #[arg(long, help_heading = "Network")]
    no_public: bool,
    /// Begins at the root servers in this file, in the form of IANA's named.root
    #[arg(long, value_name = "FILE", help_heading = "Network")]
    root_hints: Option<PathBuf>,
    /// Asks resolvers alone, and nobody who answers for a zone
    #[arg(long, conflicts_with = "root_hints", help_heading = "Network")]
    no_walk: bool,
}

impl Mx {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let named = self.name_servers.resolver(self.ca.as_deref())?;
        let is_named = named.is_some();
        let resolver = match named {
            Some(resolver) => resolver,
            None => Resolver::system().map_err(Mistake::new)?,
        };
        let options = self.walking.options(resolver, is_named)?;
        let probe = options.build().map_err(Mistake::new)?;
        self.run.ask(&self.targets, &AnyProbe::new(probe))
    }
}

impl Walking {
    /// By this resolver; who names one means that one.
    pub(super) fn options(&self, resolver: Resolver, is_named: bool) -> Result<Options, Mistake> {
        let options = MxProbe::builder(resolver)
            .expected(self.expect.iter().cloned())
            .local_is_fine(self.allow_local);
        let options = match is_named || self.no_public {
            true => options,
            false => options.and_public_caches(),
        };
        Ok(match (&self.root_hints, self.no_walk) {
            (_, true) => options.without_roots(),
            (Some(file), _) => options.roots(RootHints::read(file).map_err(Mistake::new)?),
            (None, false) => options,
        })
    }
}
