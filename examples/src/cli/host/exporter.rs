//! The page of an exporter, read in place of the machine that we run on.

use clap::Args;
use mailhost_probe::{ExporterProbe, HostLimits};
use probe_core::{Range, Thresholds};
use probe_net::Net;
use probe_net::http::Url;
use probe_net::tls::SecretsOver;

use super::machine::Machine;
use super::queue::Queue;
use crate::cli::Mistake;
use crate::cli::credentials::Credentials;

#[derive(Args, Debug)]
#[command(next_help_heading = "Exporter")]
pub(super) struct Exporter {
    /// Reads the page of this exporter instead: windows_exporter with Exchange's counters, node_exporter, postfix_exporter
    #[arg(long, value_name = "URL", conflicts_with_all = ["only", "queue", "socket", "delayed", "horizon", "state", "spool", "root"])]
    exporter: Option<Url>,
    /// Warns when this counter of Exchange is outside this range, e.g. poison=10 (repeatable; latencies in seconds)
    #[arg(long, value_name = "COUNTER=RANGE", value_parser = limit, requires = "exporter")]
    counter_warning: Vec<(String, Range)>,
    /// The same, critical
    #[arg(long, value_name = "COUNTER=RANGE", value_parser = limit, requires = "exporter")]
    counter_critical: Vec<(String, Range)>,
    #[command(flatten)]
    credentials: Credentials,
}

impl Exporter {
    pub(super) const fn url(&self) -> Option<&Url> {
        self.exporter.as_ref()
    }

    pub(super) fn probe(
        &self,
        net: Net,
        url: &Url,
        queue: &Queue,
        machine: &Machine,
    ) -> Result<ExporterProbe, Mistake> {
        let mut options = ExporterProbe::builder(net, url.clone())
            .messages(queue.messages())
            .oldest(queue.oldest())
            .host(machine.limits(HostLimits::microsoft()))
            .secrets_over(self.secrets_over());
        if let Some(interval) = machine.interval() {
            options = options.interval(interval);
        }
        if let Some(credentials) = self.credentials.read_for_web()? {
            options = options.credentials(credentials);
        }
        for (counter, thresholds) in self.limits() {
            options = options.counter(counter, thresholds);
        }
        options.build().map_err(Mistake::new)
    }

    /// The weakest channel that may carry a secret.
    pub(super) fn secrets_over(&self) -> SecretsOver {
        self.credentials.secrets_over()
    }

    /// Both limits of a counter together: whichever is given takes the place of both that are usual.
    fn limits(&self) -> impl Iterator<Item = (&str, Thresholds)> {
        let of = |limits: &[(String, Range)], counter: &str| {
            let mut limits = limits.iter().rev();
            let (_, range) = limits.find(|(name, _)| name == counter)?;
            Some(*range)
        };
        let named = self.counter_warning.iter().chain(&self.counter_critical);
        named.map(move |(counter, _)| {
            let warning = of(&self.counter_warning, counter);
            let critical = of(&self.counter_critical, counter);
            (counter.as_str(), Thresholds::new(warning, critical))
        })
    }
}

fn limit(text: &str) -> Result<(String, Range), String> {
    let wanted = "a counter and a range, such as poison=10";
    let (counter, range) = text.split_once('=').ok_or(wanted)?;
    let range: Range = range.parse().map_err(|error| format!("{error}"))?;
    Ok((counter.to_owned(), range))
}
