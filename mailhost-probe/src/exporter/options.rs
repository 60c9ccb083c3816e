//! What is asked of an exporter, and how it is judged.

use probe_core::Thresholds;
use probe_net::Net;
use probe_net::http::Url;

use super::counters::{ALL, COUNTERS, Counter};
use super::probe::ExporterProbe;
use crate::host::HostLimits;
use crate::options::ConfigError;

/// Everything that can be asked of an exporter; made by [`ExporterProbe::builder`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct ExporterOptions {
    pub(super) net: Net,
    pub(super) url: Url,
    limits: Vec<(String, Thresholds)>,
    pub(super) host: HostLimits,
}

impl ExporterOptions {
    pub(super) fn new(net: Net, url: Url) -> Self {
        Self {
            net,
            url,
            limits: Vec::new(),
            host: HostLimits::default(),
        }
    }

    /// Other thresholds for the counter of this key than Microsoft's. Latencies are in seconds.
    pub fn counter(mut self, key: impl Into<String>, thresholds: Thresholds) -> Self {
        self.limits.push((key.into(), thresholds));
        self
    }

    /// How the machine is judged, where the page tells of it.
    pub fn host(mut self, limits: HostLimits) -> Self {
        self.host = limits;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// Thresholds for a counter that nobody knows.
    pub fn build(self) -> Result<ExporterProbe, ConfigError> {
        let is_known = |key: &str| {
            let mut counters = COUNTERS.iter().chain([&ALL]);
            counters.any(|counter| counter.key == key)
        };
        match self.limits.iter().find(|(key, _)| !is_known(key)) {
            Some((key, _)) => Err(ConfigError::NoCounter(key.clone())),
            None => Ok(ExporterProbe::new(self)),
        }
    }

    pub(super) fn thresholds(&self, counter: &Counter) -> Thresholds {
        let mut limits = self.limits.iter().rev();
        let given = limits.find(|(key, _)| key == counter.key);
        given.map_or_else(|| counter.thresholds(), |(_, thresholds)| *thresholds)
    }
}
