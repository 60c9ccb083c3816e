//! One page as it came, as far as a probe looks at it. What it says is read in `reply`.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use probe_net::http::{Challenge, Response, Url};

/// What a web server answered to one request.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Page {
    /// What was asked for.
    pub url: Url,
    /// What came of it (RFC 9110 section 15).
    pub status: u16,
    /// As much of the body as came.
    pub body: Vec<u8>,
    /// When it wants to be asked again.
    pub retry_after: Option<Duration>,
    /// How the server wants to be shown who asks.
    pub challenges: Vec<Challenge>,
    headers: Vec<(&'static str, String)>,
}

impl Page {
    /// The headers that are looked at.
    pub const HEADERS: &[&str] = &[
        "location",
        "server",
        "set-cookie",
        "strict-transport-security",
        "x-nextcloud-maintenance-mode",
        "x-owa-version",
        "x-powered-by",
    ];

    /// A page without headers.
    pub fn new(url: Url, status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            url,
            status,
            body: body.into(),
            retry_after: None,
            challenges: Vec::new(),
            headers: Vec::new(),
        }
    }

    /// What came over the network.
    pub(crate) fn of(response: &Response, now: SystemTime) -> Self {
        let page = Self::new(
            response.url.clone(),
            response.status,
            response.body.as_slice(),
        );
        let each = Self::HEADERS.iter().flat_map(|name| {
            let values = response.headers(name);
            values.map(|value| (*name, value.into_owned()))
        });
        Self {
            headers: each.collect(),
            retry_after: response.retry_after(now),
            challenges: response.challenges(),
            ..page
        }
    }

    /// With this header, if it is one of those that are looked at.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        let known = Self::HEADERS.iter();
        let mut known = known.filter(|known| known.eq_ignore_ascii_case(name));
        if let Some(name) = known.next() {
            self.headers.push((name, value.into()));
        }
        self
    }

    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    /// Every header of this name.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let same = self.headers.iter().filter(move |(known, _)| *known == name);
        same.map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The reference to the place that its head sends us on to (RFC 9110 section 15.4).
    pub(crate) fn redirect(&self) -> Option<&str> {
        let sends_on = matches!(self.status, 301..=303 | 307 | 308);
        self.header("location").filter(|_| sends_on)
    }
}
