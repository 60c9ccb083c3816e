//! `mailprobe check`.

use clap::Args;
use dnsbl_probe::DnsblProbe;
use probe_core::{AnyProbe, Target, Verdict};

use super::bar::Bar;
use super::dnsbl::ListChoice;
use super::mx::Walking;
use super::{Mistake, Surroundings};
use crate::check::{Check, Progress};

#[derive(Args, Debug)]
pub(super) struct Everything {
    /// Domains
    #[arg(required = true, value_name = "DOMAIN")]
    targets: Vec<Target>,
    /// Asks no blacklists
    #[arg(long, conflicts_with_all = ["list", "only", "profile"], help_heading = "Lists")]
    no_lists: bool,
    #[command(flatten)]
    lists: ListChoice,
    #[command(flatten)]
    walking: Walking,
    #[command(flatten)]
    surroundings: Surroundings,
}

impl Everything {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let resolver = self.surroundings.resolver()?;
        let is_named = self.surroundings.names_resolver();
        let net = self.surroundings.net()?;
        let domain = self.walking.probe(&net, resolver.clone(), is_named)?;
        let check = Check::new(net, resolver.clone(), domain, self.walking.allow_local)
            .with_outbound(self.walking.outbound.iter().copied());
        let check = match self.no_lists {
            true => check,
            false => {
                let options = DnsblProbe::builder(resolver).catalogue(self.lists.lists()?);
                check.with_lists(options.build().map_err(Mistake::new)?)
            }
        };
        let progress = Progress::default();
        let check = check.with_progress(progress.clone());
        let bar = Bar::draw(self.surroundings.output(), "probes", move || {
            progress.count()
        });
        let verdict = self.surroundings.ask(&self.targets, &AnyProbe::new(check));
        drop(bar);
        verdict
    }
}
