//! What is asked of a host from outside.

use core::time::Duration;

use probe_net::Net;

use super::probe::ReachProbe;
use crate::options::ConfigError;

/// Everything that can be asked of a host from outside; made by [`ReachProbe::builder`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct ReachOptions {
    pub(super) net: Net,
    pub(super) ports: Vec<u16>,
    pub(super) witnesses: Vec<u16>,
    pub(super) echoes: u16,
    pub(super) interval: Duration,
    pub(super) patience: Duration,
}

impl ReachOptions {
    /// So many ports are tried at most, witnesses included.
    pub const PORTS: usize = 32;
    /// So many echoes are sent at most.
    pub const ECHOES: u16 = 100;
    /// Echoes follow each other no faster.
    pub const FASTEST: Duration = Duration::from_millis(10);

    pub(super) fn new(net: Net) -> Self {
        Self {
            net,
            ports: vec![25],
            witnesses: vec![80, 443],
            echoes: 3,
            interval: Duration::from_millis(250),
            patience: Duration::from_secs(5),
        }
    }

    /// The ports of the service that is to be there: 25 without this option. A target that names a port is asked for that.
    pub fn ports(mut self, ports: impl Into<Vec<u16>>) -> Self {
        self.ports = ports.into();
        self
    }

    /// Other ports, of which nobody needs to be open: an answer of any of them shows that the host is alive. 80 and 443
    /// without this option.
    pub fn witnesses(mut self, ports: impl Into<Vec<u16>>) -> Self {
        self.witnesses = ports.into();
        self
    }

    /// So many echoes are sent to each address: 3 without this option.
    pub fn echoes(mut self, count: u16) -> Self {
        self.echoes = count;
        self
    }

    /// How long from one echo to the next: a quarter of a second without this option.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How long an answer is waited for: 5 s without this option, in which a system asks three times for a connection.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// Nothing is asked, or too much.
    pub fn build(self) -> Result<ReachProbe, ConfigError> {
        let ports = self.ports.len() + self.witnesses.len();
        if ports == 0 && self.echoes == 0 {
            return Err(ConfigError::Nothing);
        }
        if ports > Self::PORTS {
            return Err(ConfigError::Ports(ports));
        }
        if self.echoes > Self::ECHOES || self.interval < Self::FASTEST {
            return Err(ConfigError::Echoes);
        }
        Ok(ReachProbe::new(self))
    }
}
