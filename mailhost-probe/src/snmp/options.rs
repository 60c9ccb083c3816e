//! What is asked of an agent, and how it is judged.

use std::path::PathBuf;

use probe_core::Thresholds;
use probe_net::Net;
use probe_net::tls::SecretsOver;

use super::access::SnmpAccess;
use super::probe::SnmpProbe;
use crate::growth::Sample;
use crate::host::HostLimits;
use crate::options::{ConfigError, Options, Source};

/// Everything that can be asked of an agent; made by [`SnmpProbe::builder`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct SnmpOptions {
    pub(super) net: Net,
    pub(super) access: SnmpAccess,
    pub(super) secrets_over: SecretsOver,
    pub(super) expects_queue: bool,
    pub(super) expects_host: bool,
    pub(super) host: HostLimits,
    /// Only its limits count.
    pub(super) queue: Options,
}

impl SnmpOptions {
    pub(super) fn new(net: Net, access: SnmpAccess) -> Self {
        Self {
            net,
            access,
            secrets_over: SecretsOver::default(),
            expects_queue: true,
            expects_host: true,
            host: HostLimits::default(),
            queue: Options::new(Source::Showq(PathBuf::new())),
        }
    }

    /// The weakest channel that may carry a community other than `public`. Versions 1 and 2c have no channel but the clear
    /// one, so without [`SecretsOver::Cleartext`] only version 3 can be asked as somebody.
    pub fn secrets_over(mut self, weakest: SecretsOver) -> Self {
        self.secrets_over = weakest;
        self
    }

    /// The agent need not tell of a queue; without this, one that does not is unknown.
    pub fn without_queue(mut self) -> Self {
        self.expects_queue = false;
        self
    }

    /// The agent need not tell of the machine; without this, one that does not is unknown.
    pub fn without_host(mut self) -> Self {
        self.expects_host = false;
        self
    }

    /// How many messages may wait in all queues together.
    pub fn messages(mut self, thresholds: Thresholds) -> Self {
        self.queue = self.queue.messages(thresholds);
        self
    }

    /// How old, in seconds, the oldest message may be, where that is told.
    pub fn oldest(mut self, thresholds: Thresholds) -> Self {
        self.queue = self.queue.oldest(thresholds);
        self
    }

    /// What was counted earlier: how fast the queue grows, and when a threshold will be met.
    pub fn since(mut self, before: Sample) -> Self {
        self.queue = self.queue.since(before);
        self
    }

    /// How the machine is judged.
    pub fn host(mut self, limits: HostLimits) -> Self {
        self.host = limits;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// A community that cannot be, or one that is a secret and may not go in clear.
    pub fn build(self) -> Result<SnmpProbe, ConfigError> {
        self.access.check()?;
        if self.access.is_secret_in_clear() && self.secrets_over > SecretsOver::Cleartext {
            return Err(ConfigError::SecretsInClear);
        }
        Ok(SnmpProbe::new(self))
    }
}
