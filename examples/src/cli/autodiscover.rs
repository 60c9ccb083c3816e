//! `mailprobe autodiscover`.

use clap::Args;
use eas_probe::discovery::DiscoveryProbe;
use probe_core::{AnyProbe, HostName, Target, Verdict};

use super::credentials::Credentials;
use super::{Mistake, Surroundings};

#[derive(Args, Debug)]
pub(super) struct Autodiscover {
    /// Domains
    #[arg(required = true, value_name = "DOMAIN")]
    targets: Vec<Target>,
    /// Asks where this mailbox is, instead of the user's own or the postmaster's
    #[arg(long, value_name = "ADDRESS", help_heading = "Autodiscover")]
    address: Option<String>,
    /// Asks both versions of Autodiscover, also where the first has found something
    #[arg(long, help_heading = "Autodiscover")]
    all_steps: bool,
    /// Asks Microsoft 365 too
    #[arg(long, help_heading = "Autodiscover")]
    microsoft: bool,
    /// Shows the login to this host too, if the domain sends us there (repeatable)
    #[arg(long, value_name = "HOST", help_heading = "Autodiscover")]
    allow_host: Vec<HostName>,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    surroundings: Surroundings,
}

impl Autodiscover {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let probe = self.probe()?;
        self.surroundings.ask(&self.targets, &AnyProbe::new(probe))
    }

    fn probe(&self) -> Result<DiscoveryProbe, Mistake> {
        let mut options = DiscoveryProbe::builder(self.surroundings.net()?)
            .resolver(self.surroundings.resolver()?)
            .all_steps(self.all_steps)
            .microsoft(self.microsoft);
        if let Some(address) = &self.address {
            options = options.address(address);
        }
        for host in &self.allow_host {
            options = options.allow_host(host.clone());
        }
        if let Some(credentials) = self.credentials.read_for_web()? {
            options = options.credentials(credentials);
        }
        options.build().map_err(Mistake::new)
    }
}
