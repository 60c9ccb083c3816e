//! What is asked of an exporter, and how it is judged.

use std::time::Duration;

use probe_core::Thresholds;
use probe_net::Net;
use probe_net::http::{Request, RequestError, Url};
use probe_net::sasl::Credentials;
use probe_net::tls::SecretsOver;

use super::counters::Counter;
use super::probe::ExporterProbe;
use super::table::{ALL, COUNTERS};
use crate::host::{HostLimits, HostOptions};
use crate::options::{ConfigError, Options, Source};

/// Everything that can be asked of an exporter; made by [`ExporterProbe::builder`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct ExporterOptions {
    pub(super) net: Net,
    pub(super) url: Url,
    pub(super) credentials: Option<Credentials>,
    pub(super) secrets_over: SecretsOver,
    pub(super) interval: Duration,
    limits: Vec<(String, Thresholds)>,
    pub(super) host: HostLimits,
    pub(super) queue: Options,
}

impl ExporterOptions {
    pub(super) fn new(net: Net, url: Url) -> Self {
        Self {
            net,
            url,
            credentials: None,
            secrets_over: SecretsOver::default(),
            interval: Duration::ZERO,
            limits: Vec::new(),
            host: HostLimits::microsoft(),
            queue: Options::new(Source::Showq(Source::SHOWQ.into())),
        }
    }

    /// Shows these to the exporter: a password by `Basic`, a token by `Bearer`.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// The weakest channel that may carry the credentials.
    pub fn secrets_over(mut self, weakest: SecretsOver) -> Self {
        self.secrets_over = weakest;
        self
    }

    /// Asks for the page a second time after so long, to learn from counters how busy processors and disks were and how often
    /// something happened. By default it is asked for once.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// How many messages may wait in Postfix's queues together, where the page tells of them.
    pub fn messages(mut self, thresholds: Thresholds) -> Self {
        self.queue = self.queue.messages(thresholds);
        self
    }

    /// How old, in seconds, the oldest message in Postfix's queues may be. The page tells groups of ages: the oldest is at
    /// least so old.
    pub fn oldest(mut self, thresholds: Thresholds) -> Self {
        self.queue = self.queue.oldest(thresholds);
        self
    }

    /// Other thresholds for the counter of this key than Microsoft's. Latencies are in seconds.
    pub fn counter(mut self, key: impl Into<String>, thresholds: Thresholds) -> Self {
        self.limits.push((key.into(), thresholds));
        self
    }

    /// How the machine is judged, where the page tells of it. By default by [`HostLimits::microsoft`].
    pub fn host(mut self, limits: HostLimits) -> Self {
        self.host = limits;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// Options that cannot be, among them thresholds for a counter that nobody knows.
    pub fn build(self) -> Result<ExporterProbe, ConfigError> {
        let is_known = |key: &str| {
            let mut counters = COUNTERS.iter().chain([&ALL]);
            counters.any(|counter| counter.key == key)
        };
        if let Some((key, _)) = self.limits.iter().find(|(key, _)| !is_known(key)) {
            return Err(ConfigError::NoCounter(key.clone()));
        }
        if self.interval > HostOptions::LONGEST {
            return Err(ConfigError::Interval(self.interval));
        }
        let goes_in_clear = !self.url.is_secure() && self.secrets_over != SecretsOver::Cleartext;
        if self.credentials.is_some() && goes_in_clear {
            return Err(ConfigError::SecretsInClear);
        }
        let request = Self::request(&self.url, self.credentials.as_ref());
        let request = request.map_err(|error| ConfigError::Credentials(error.to_string()))?;
        Ok(ExporterProbe::new(self, request))
    }

    fn request(url: &Url, credentials: Option<&Credentials>) -> Result<Request, RequestError> {
        // As Prometheus asks: OpenMetrics says where a page ends.
        const FORMATS: &str =
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let request = Request::get(url.clone())
            .taking_gzip()
            .with_header("accept", FORMATS)?;
        match credentials {
            Some(credentials) => request.with_credentials(credentials),
            None => Ok(request),
        }
    }

    pub(super) fn thresholds(&self, counter: &Counter) -> Thresholds {
        let mut limits = self.limits.iter().rev();
        let given = limits.find(|(key, _)| key == counter.key);
        given.map_or_else(|| counter.thresholds(), |(_, thresholds)| *thresholds)
    }
}
