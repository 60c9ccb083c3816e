//! What is asked of the machine that we run on, and how it is judged.

use std::path::PathBuf;
use std::time::Duration;

use super::limits::HostLimits;
use super::probe::HostProbe;
use crate::options::ConfigError;

/// Everything that can be asked of the machine; made by [`HostProbe::builder`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct HostOptions {
    pub(super) root: PathBuf,
    pub(super) queue: Option<PathBuf>,
    pub(super) interval: Duration,
    pub(super) limits: HostLimits,
}

impl HostOptions {
    /// So long the machine is watched, unless another time is given.
    pub const INTERVAL: Duration = Duration::from_secs(1);
    /// So long it can be watched at most.
    pub const LONGEST: Duration = Duration::from_secs(60);
    /// Where queues are, unless another folder is given.
    pub const QUEUE: &'static str = "/var/spool";

    pub(super) fn new() -> Self {
        Self {
            root: PathBuf::from("/"),
            queue: None,
            interval: Self::INTERVAL,
            limits: HostLimits::default(),
        }
    }

    /// Where the machine's own root is: in a container that watches the machine beneath, the folder where that is mounted.
    pub fn root(mut self, folder: impl Into<PathBuf>) -> Self {
        self.root = folder.into();
        self
    }

    /// Where the mail server keeps its queue, whose file system is told apart.
    pub fn queue(mut self, folder: impl Into<PathBuf>) -> Self {
        self.queue = Some(folder.into());
        self
    }

    /// How long to watch how busy processors and disks are; not at all if this is zero.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How it is judged.
    pub fn limits(mut self, limits: HostLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// Options that cannot be.
    pub fn build(self) -> Result<HostProbe, ConfigError> {
        if self.interval > Self::LONGEST {
            return Err(ConfigError::Interval(self.interval));
        }
        let relative = |folder: &&PathBuf| !folder.has_root();
        let folder = Some(&self.root).filter(relative);
        match folder.or(self.queue.as_ref().filter(relative)) {
            Some(folder) => Err(ConfigError::NoFolder(folder.clone())),
            None => Ok(HostProbe::new(self)),
        }
    }

    /// Where the queue is, as far as we were told.
    #[cfg(target_os = "linux")]
    pub(super) fn queue_or_default(&self) -> &std::path::Path {
        let usual = std::path::Path::new(Self::QUEUE);
        self.queue.as_deref().unwrap_or(usual)
    }
}
