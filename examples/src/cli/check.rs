//! `mailprobe check`.

use std::path::PathBuf;

use clap::Args;
use dnsbl_probe::DnsblProbe;
use probe_core::{AnyProbe, Target, Verdict};

use super::bar::Bar;
use super::dnsbl::ListChoice;
use super::mx::Walking;
use super::{Mistake, Surroundings, deliver};
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
    /// Also follows mail along the route in this file (repeatable): the arguments of `mailprobe deliver`, an option and
    /// its value on each line
    #[arg(long, value_name = "FILE")]
    delivery: Vec<PathBuf>,
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
        if self.targets.len() > 1 && !self.delivery.is_empty() {
            return Err(Mistake::new("--delivery is for one domain at a time"));
        }
        let deliveries = self.delivery.iter().map(|file| deliver::from_file(file));
        let check = check.with_deliveries(deliveries.collect::<Result<Vec<_>, _>>()?);
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
