//! What is asked of a page of status, and how it is judged.

use core::time::Duration;

use probe_core::{Secret, Severity};
use probe_net::Net;
use probe_net::http::{Request, RequestError, Url};

use super::page::StatusFormat;
use super::probe::StatusProbe;
use crate::options::ConfigError;

/// Everything that can be asked of a page of status; made by [`StatusProbe::builder`].
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct StatusOptions {
    pub(super) net: Net,
    pub(super) url: Url,
    pub(super) format: Option<StatusFormat>,
    pub(super) services: Vec<String>,
    token: Option<Secret>,
    pub(super) severity: Severity,
    pub(super) window: Duration,
    pub(super) stale: Duration,
}

impl StatusOptions {
    pub(super) fn new(net: Net, url: Url) -> Self {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        Self {
            net,
            url,
            format: None,
            services: Vec::new(),
            token: None,
            severity: Severity::Warning,
            window: DAY * 3,
            stale: DAY * 90,
        }
    }

    /// The page is of this format. Without this option it is recognised.
    pub fn format(mut self, format: StatusFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Looks for this service, among others that are named: what has no such name, in any case of letters, is not judged.
    /// Without this option everything is.
    pub fn service(mut self, name: impl Into<String>) -> Self {
        self.services.push(name.into());
        self
    }

    /// Shows this token (`Authorization: Bearer`) to the host of the URL, over TLS that verified.
    pub fn token(mut self, token: Secret) -> Self {
        self.token = Some(token);
        self
    }

    /// How much an incident matters: it is a warning without this option, whatever the provider calls it.
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }

    /// For how long something is told that is over, or that a feed said: three days without this option.
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// A page on which nothing was written for so long may be abandoned: 90 days without this option.
    pub fn stale(mut self, after: Duration) -> Self {
        self.stale = after;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// A service without a name, or a token that no header may contain.
    pub fn build(self) -> Result<StatusProbe, ConfigError> {
        if self.services.iter().any(|name| name.trim().is_empty()) {
            return Err(ConfigError::NoService);
        }
        match self.request(self.url.clone()) {
            Ok(_) => Ok(StatusProbe::new(self)),
            Err(_) => Err(ConfigError::Token),
        }
    }

    /// The request for one page.
    pub(super) fn request(&self, url: Url) -> Result<Request, RequestError> {
        let request = Request::get(url).taking_gzip();
        match &self.token {
            Some(token) => {
                let value = Secret::new([b"Bearer ", token.expose()].concat());
                request.with_secret_header("authorization", &value)
            }
            None => Ok(request),
        }
    }
}
