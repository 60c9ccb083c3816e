//! How the machine is looked at and judged, by itself and by the page of an exporter.

use core::time::Duration;
use std::path::PathBuf;

use clap::Args;
use mailhost_probe::{HostLimits, HostOptions, HostProbe};
use probe_core::{Range, Thresholds};

use crate::cli::Mistake;

#[derive(Args, Debug)]
#[command(next_help_heading = "Machine")]
pub(super) struct Machine {
    /// Where the queue is, whose file system is told apart [default: /var/spool, if there is one]
    #[arg(long, value_name = "FOLDER")]
    spool: Option<PathBuf>,
    /// Where the machine's root is: in a container that watches the machine beneath, the folder where that is mounted
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    root: PathBuf,
    /// For how many seconds processors and disks are watched [default: 1; of an exporter only one page is read]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    interval: Option<Duration>,
    /// Warns when the processors are busy for a part of the time outside this range [default: 0.9; of an exporter, as Microsoft says, 0.75]
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    cpu_warning: Option<Range>,
    /// The same, critical
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    cpu_critical: Option<Range>,
    /// Warns when the load over five minutes, for each processor, is outside this range [default: 2]
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    load_warning: Option<Range>,
    /// The same, critical [default: 5]
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    load_critical: Option<Range>,
    /// Warns when the part of the memory that is available is outside this range [default: 0.05:]
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    memory_warning: Option<Range>,
    /// The same, critical
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    memory_critical: Option<Range>,
    /// Warns when the part of the swap space that is unused is outside this range
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    swap_warning: Option<Range>,
    /// The same, critical
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    swap_critical: Option<Range>,
    /// Warns when the part of a file system, or of its inodes, that is free is outside this range [default: 0.1:]
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    disk_warning: Option<Range>,
    /// The same, critical [default: 0.03:]
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    disk_critical: Option<Range>,
}

impl Machine {
    pub(super) fn probe(&self) -> Result<HostProbe, Mistake> {
        let mut options = HostProbe::builder()
            .root(&self.root)
            .interval(self.interval.unwrap_or(HostOptions::INTERVAL))
            .limits(self.limits(HostLimits::default()));
        if let Some(spool) = &self.spool {
            options = options.queue(spool);
        }
        options.build().map_err(Mistake::new)
    }

    /// For how long to watch, if that was said.
    pub(super) const fn interval(&self) -> Option<Duration> {
        self.interval
    }

    /// These limits, and in place of them those that are given.
    pub(super) fn limits(&self, usual: HostLimits) -> HostLimits {
        let limits = given(usual, HostLimits::cpu, self.cpu_warning, self.cpu_critical);
        let limits = given(
            limits,
            HostLimits::load,
            self.load_warning,
            self.load_critical,
        );
        let (warning, critical) = (self.memory_warning, self.memory_critical);
        let limits = given(limits, HostLimits::memory, warning, critical);
        let limits = given(
            limits,
            HostLimits::swap,
            self.swap_warning,
            self.swap_critical,
        );
        let limits = given(
            limits,
            HostLimits::disk,
            self.disk_warning,
            self.disk_critical,
        );
        given(
            limits,
            HostLimits::inodes,
            self.disk_warning,
            self.disk_critical,
        )
    }
}

fn given(
    usual: HostLimits,
    set: fn(HostLimits, Thresholds) -> HostLimits,
    warning: Option<Range>,
    critical: Option<Range>,
) -> HostLimits {
    match (warning, critical) {
        (None, None) => usual,
        _ => set(usual, Thresholds::new(warning, critical)),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok();
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| "a number of seconds".to_owned())
}
