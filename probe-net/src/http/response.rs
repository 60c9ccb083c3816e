//! What came back.

use core::net::SocketAddr;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use hyper::header::{HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use probe_core::Failure;

use super::challenge::Challenge;
use super::date;
use super::url::Url;
use crate::tls::TlsFacts;

/// The response to a request: its head, and as much of its body as came.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Response {
    /// Where it came from, in the end.
    pub url: Url,
    /// Which version of the protocol was spoken.
    pub version: Version,
    /// What came of the request (RFC 9110 section 15).
    pub status: u16,
    pub(super) headers: HeaderMap,
    /// What `Set-Cookie` headers say in full: in `headers`, the values are masked.
    pub(super) cookies: Vec<HeaderValue>,
    /// What came of the body, inflated.
    pub body: Vec<u8>,
    /// Why there is no more of it, if there should be.
    pub interrupted: Option<Failure>,
    /// The places from which we were sent on, in this order.
    pub redirects: Vec<Redirect>,
    /// Who answered.
    pub server: Option<SocketAddr>,
    /// What the handshake showed, where there was one.
    pub tls: Option<Arc<TlsFacts>>,
}

impl Response {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let value = self.headers.get(name)?;
        Some(String::from_utf8_lossy(value.as_bytes()))
    }

    /// Every header of this name, in the order in which they came.
    pub fn headers(&self, name: &str) -> impl Iterator<Item = Cow<'_, str>> {
        let values = self.headers.get_all(name).into_iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()))
    }

    /// How long we are asked to wait before the next request (RFC 9110 section 10.2.3), at this time; no longer than a
    /// year.
    pub fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        date::retry_after(self.headers.get(RETRY_AFTER)?.as_bytes(), now)
    }

    /// How the server wants to be shown who asks (RFC 9110 section 11.6.1), of all headers that say so.
    pub fn challenges(&self) -> Vec<Challenge> {
        let headers = self.headers.get_all(WWW_AUTHENTICATE).into_iter();
        let challenges = headers.flat_map(|value| Challenge::parse(value.as_bytes()));
        challenges.take(Challenge::MOST).collect()
    }

    /// The body as text.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// The body, if it is there from beginning to end.
    ///
    /// # Errors
    /// Why it is not.
    pub fn whole(&self) -> Result<&[u8], Failure> {
        match &self.interrupted {
            None => Ok(&self.body),
            Some(failure) => Err(failure.clone()),
        }
    }

    /// Whether the request was understood and done.
    pub const fn is_success(&self) -> bool {
        matches!(self.status, 200..=299)
    }
}

/// Where we were sent on.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Redirect {
    /// Which of the kinds.
    pub status: u16,
    /// The place that sent us on.
    pub from: Url,
}

/// Versions of the protocol.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Version {
    /// RFC 1945.
    Http10,
    /// RFC 9112.
    Http11,
    /// RFC 9113.
    Http2,
}

impl Version {
    pub(super) fn of_hyper(version: hyper::Version) -> Self {
        match version {
            hyper::Version::HTTP_2 => Self::Http2,
            hyper::Version::HTTP_10 => Self::Http10,
            _ => Self::Http11,
        }
    }

    /// `HTTP/1.1` and its like.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2",
        }
    }
}
