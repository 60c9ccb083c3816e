//! `mailprobe host`: what a mail host says of itself. On the server itself the queue and the machine are asked; elsewhere the
//! page of an exporter, an SNMP agent, the health of Exchange, whether the host is there at all, and what its provider says.

mod exchange;
mod exporter;
mod machine;
mod queue;
mod reach;
mod snmp;
mod state;
mod status;

use clap::{Args, ValueEnum};
use mailhost_probe::{HostLimits, SnmpProbe};
use probe_core::{AnyProbe, Target, Verdict};
use probe_net::Net;

use super::{Mistake, Surroundings};
use crate::together::Together;
use exchange::Exchange;
use exporter::Exporter;
use machine::Machine;
use queue::Queue;
use reach::Reach;
use snmp::Snmp;
use state::State;
use status::Status;

#[derive(Args, Debug)]
#[command(
    after_help = "Without --exporter, --snmp, --exchange, --reach and --status this asks the machine that it runs on; beside them it does with --only. Whatever cannot be read is unknown, never empty.\n\nExit status: 0 ok, 1 warning, 2 critical, 3 unknown or wrong usage."
)]
pub(super) struct HostItself {
    /// Asks one of both only: of the machine itself, or of the agent that --snmp names
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
    snmp: Snmp,
    #[command(flatten)]
    exchange: Exchange,
    #[command(flatten)]
    reach: Reach,
    #[command(flatten)]
    status: Status,
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
        let elsewhere = self.elsewhere()?;
        let is_of_agent = self.snmp.agent().is_some();
        let here = match elsewhere.is_empty() || (self.only.is_some() && !is_of_agent) {
            true => self.here()?,
            false => Vec::new(),
        };
        let localhost: Target = "localhost".parse().map_err(Mistake::new)?;
        let here = here.into_iter().map(|probe| (localhost.clone(), probe));
        let questions: Vec<_> = here.chain(elsewhere).collect();
        let (target, probe) = match questions.as_slice() {
            // What is asked by itself is told by itself.
            [(target, probe)] => (target.clone(), probe.clone()),
            _ => together(questions, localhost),
        };
        let reports = self.surroundings.reports(&[target], &probe)?;
        self.state.keep(&reports)?;
        self.surroundings.tell(&reports)
    }

    /// What is asked of an SNMP agent.
    fn agent(&self, net: Net) -> Result<SnmpProbe, Mistake> {
        let options = self.snmp.options(net)?;
        let options = options
            .messages(self.queue.messages())
            .oldest(self.queue.oldest())
            .host(self.machine.limits(HostLimits::default()))
            .secrets_over(self.exporter.secrets_over());
        let options = match self.only {
            Some(Part::Queue) => options.without_host(),
            Some(Part::Machine) => options.without_queue(),
            None => options,
        };
        options.build().map_err(Mistake::new)
    }

    /// What is asked of the machine that we run on.
    fn here(&self) -> Result<Vec<AnyProbe>, Mistake> {
        let queue = || {
            let before = self.state.before(self.surroundings.earlier())?;
            self.queue.probe(before).map(AnyProbe::new)
        };
        let machine = || self.machine.probe().map(AnyProbe::new);
        Ok(match self.only {
            Some(Part::Queue) => vec![queue()?],
            Some(Part::Machine) => vec![machine()?],
            None => vec![queue()?, machine()?],
        })
    }

    /// What is asked of other machines.
    fn elsewhere(&self) -> Result<Vec<(Target, AnyProbe)>, Mistake> {
        let is_empty = self.exporter.url().is_none()
            && self.snmp.agent().is_none()
            && self.exchange.exchange.is_empty()
            && self.reach.reach.is_empty()
            && self.status.status.is_empty();
        if is_empty {
            return Ok(Vec::new());
        }
        let net = self.surroundings.net()?;
        let mut questions = self.exchange.probes(&net)?;
        if let Some(url) = self.exporter.url() {
            let target = Target::host(url.host().clone(), url.port());
            let probe = self
                .exporter
                .probe(net.clone(), url, &self.queue, &self.machine)?;
            questions.push((target, AnyProbe::new(probe)));
        }
        if let Some(agent) = self.snmp.agent() {
            questions.push((agent.clone(), AnyProbe::new(self.agent(net.clone())?)));
        }
        questions.extend(self.reach.probes(&net)?);
        questions.extend(self.status.probes(&net)?);
        Ok(questions)
    }
}

/// All of them, under the name of the host that is asked first.
fn together(questions: Vec<(Target, AnyProbe)>, localhost: Target) -> (Target, AnyProbe) {
    let whole = match questions.first() {
        Some((Target::Host { host, .. }, _)) => Target::Host {
            host: host.clone(),
            port: None,
        },
        _ => localhost,
    };
    (whole, AnyProbe::new(Together::new("mailhost", questions)))
}
