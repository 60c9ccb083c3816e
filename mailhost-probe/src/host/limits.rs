//! How a machine is judged.

use std::time::Duration;

use probe_core::Thresholds;

/// When a machine deserves a word. What has no limit here by default is told and not judged.
///
/// ```
/// use mailhost_probe::HostLimits;
/// use probe_core::Thresholds;
///
/// let limits = HostLimits::default().cpu(Thresholds::new(Some("0.5".parse()?), None));
/// # Ok::<(), probe_core::RangeError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "limits do nothing by themselves"]
pub struct HostLimits {
    pub(crate) cpu: Thresholds,
    pub(crate) run_queue: Thresholds,
    pub(crate) load: Thresholds,
    pub(crate) memory: Thresholds,
    pub(crate) swap: Thresholds,
    pub(crate) committed: Thresholds,
    pub(crate) disk: Thresholds,
    pub(crate) inodes: Thresholds,
    pub(crate) latency: Thresholds,
    pub(crate) reboot: Duration,
}

impl HostLimits {
    /// A machine that was started less than this ago is told of, unless another time is given.
    pub const REBOOT: Duration = Duration::from_secs(3600);

    /// Those that Microsoft names for Exchange: as by default, and for processors a warning above three quarters.
    pub fn microsoft() -> Self {
        let warning = "0.75".parse().ok();
        Self::default().cpu(Thresholds::new(warning, None))
    }

    /// How busy the processors may be, as a part of what they can do. By default a warning above nine tenths: a look of a
    /// second sees every busy moment.
    pub fn cpu(mut self, thresholds: Thresholds) -> Self {
        self.cpu = thresholds;
        self
    }

    /// How many threads may wait for each processor. By default a warning above five, Microsoft's limit.
    pub fn run_queue(mut self, thresholds: Thresholds) -> Self {
        self.run_queue = thresholds;
        self
    }

    /// How much load there may be for each processor, over five minutes. By default a warning above two, critical above five.
    pub fn load(mut self, thresholds: Thresholds) -> Self {
        self.load = thresholds;
        self
    }

    /// How much memory must be available, as a part of all there is. By default a warning below a twentieth, Microsoft's limit.
    pub fn memory(mut self, thresholds: Thresholds) -> Self {
        self.memory = thresholds;
        self
    }

    /// How much swap space must be unused, as a part of all there is. By default any: what is never needed again belongs there.
    pub fn swap(mut self, thresholds: Thresholds) -> Self {
        self.swap = thresholds;
        self
    }

    /// How much memory Windows may have promised, as a part of what it can. By default a warning above 0.8, Microsoft's limit.
    pub fn committed(mut self, thresholds: Thresholds) -> Self {
        self.committed = thresholds;
        self
    }

    /// How much of each file system must be free, as a part of its size. By default a warning below a tenth, and critical
    /// below three hundredths.
    pub fn disk(mut self, thresholds: Thresholds) -> Self {
        self.disk = thresholds;
        self
    }

    /// How much of the inodes of each file system must be free. By default as for its room.
    pub fn inodes(mut self, thresholds: Thresholds) -> Self {
        self.inodes = thresholds;
        self
    }

    /// How many seconds a read or a write may take on average. By default a warning above 0.02 and critical above 0.05, which
    /// Microsoft allows on average and in spikes.
    pub fn disk_latency(mut self, thresholds: Thresholds) -> Self {
        self.latency = thresholds;
        self
    }

    /// A machine that was started less than this ago is told of.
    pub fn reboot(mut self, uptime: Duration) -> Self {
        self.reboot = uptime;
        self
    }
}

impl Default for HostLimits {
    fn default() -> Self {
        let limits = |warning: &str, critical: Option<&str>| {
            let critical = critical.and_then(|text| text.parse().ok());
            Thresholds::new(warning.parse().ok(), critical)
        };
        Self {
            cpu: limits("0.9", None),
            run_queue: limits("5", None),
            load: limits("2", Some("5")),
            memory: limits("0.05:", None),
            swap: Thresholds::default(),
            committed: limits("0.8", None),
            disk: limits("0.1:", Some("0.03:")),
            inodes: limits("0.1:", Some("0.03:")),
            latency: limits("0.02", Some("0.05")),
            reboot: Self::REBOOT,
        }
    }
}
