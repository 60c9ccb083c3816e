//! `mailprobe host`: what a mail host says of itself. On the server itself the queue and the machine are asked; elsewhere the
//! page of an exporter.

mod exporter;
mod machine;
mod queue;
mod state;

use clap::{Args, ValueEnum};
use probe_core::{AnyProbe, Target, Verdict};

use super::{Mistake, Surroundings};
use crate::together::Together;
use exporter::Exporter;
use machine::Machine;
use queue::Queue;
use state::State;

#[derive(Args, Debug)]
#[command(
    after_help = "Without --exporter this asks the machine that it runs on. Whatever cannot be read is unknown, never empty.\n\nExit status: 0 ok, 1 warning, 2 critical, 3 unknown or wrong usage."
)]
pub(super) struct HostItself {
    /// Asks one of both only
    #[arg(long, value_enum, value_name = "PART")]
    only: Option<Part>,
    #[command(flatten)]
    queue: Queue,
    #[command(flatten)]
    state: State,
    #[command(flatten)]
    machine: Machine,
    #[command(flatten)]
    exporter: Exporter,
    #[command(flatten)]
    surroundings: Surroundings,
}

/// What the server itself can be asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Part {
    /// What waits in the mail server's queue
    Queue,
    /// Processors, memory, load, file systems
    Machine,
}

impl HostItself {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let (target, probe) = match self.exporter.url() {
            Some(url) => {
                let target = Target::host(url.host().clone(), url.port());
                let net = self.surroundings.net()?;
                let probe = self.exporter.probe(net, url, &self.queue, &self.machine)?;
                (target, AnyProbe::new(probe))
            }
            None => {
                let target = "localhost".parse().map_err(Mistake::new)?;
                (target, self.here()?)
            }
        };
        let reports = self.surroundings.reports(&[target], &probe)?;
        self.state.keep(&reports)?;
        self.surroundings.tell(&reports)
    }

    /// What is asked of the machine that we run on.
    fn here(&self) -> Result<AnyProbe, Mistake> {
        let queue = || {
            let before = self.state.before(self.surroundings.earlier())?;
            self.queue.probe(before).map(AnyProbe::new)
        };
        let machine = || self.machine.probe().map(AnyProbe::new);
        Ok(match self.only {
            Some(Part::Queue) => queue()?,
            Some(Part::Machine) => machine()?,
            None => AnyProbe::new(Together::new("mailhost", [queue()?, machine()?])),
        })
    }
}
