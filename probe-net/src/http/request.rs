//! What is asked for.

use core::fmt;

use hyper::body::Bytes;
use hyper::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use probe_core::{Phase, Secret};
use zeroize::Zeroizing;

use super::FIRST_BYTE;
use super::cookies::Cookie;
use super::url::Url;

/// What to do with a page (RFC 9110 section 9).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Method {
    /// Show it.
    Get,
    /// Show what would stand above it.
    Head,
    /// Say what may be done with it.
    Options,
    /// Take this.
    Post,
}

impl Method {
    pub(super) const fn to_hyper(self) -> hyper::Method {
        match self {
            Self::Get => hyper::Method::GET,
            Self::Head => hyper::Method::HEAD,
            Self::Options => hyper::Method::OPTIONS,
            Self::Post => hyper::Method::POST,
        }
    }
}

/// One request. Whatever in it is secret is said to be, and then kept from every output and from every channel that may
/// not carry it.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) has_secret_body: bool,
    /// What must not be shown where a server repeats it.
    pub(super) secrets: Vec<Secret>,
    pub(super) takes_gzip: bool,
    /// What the time until the head of the response is booked to.
    pub(super) phase: Phase,
    /// Whether what the response sets will be sent back, and is as secret from then on.
    pub(super) keeps_cookies: bool,
}

impl Request {
    /// A request with nothing in it.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            has_secret_body: false,
            secrets: Vec::new(),
            takes_gzip: false,
            phase: FIRST_BYTE,
            keeps_cookies: false,
        }
    }

    /// Asks for a page.
    pub fn get(url: Url) -> Self {
        Self::new(Method::Get, url)
    }

    /// Posts this.
    pub fn post(url: Url, body: impl Into<Vec<u8>>) -> Self {
        Self {
            body: body.into().into(),
            ..Self::new(Method::Post, url)
        }
    }

    /// Posts something that is secret.
    pub fn post_secret(url: Url, body: &Secret) -> Self {
        Self {
            body: wiped(body),
            has_secret_body: true,
            secrets: vec![body.clone()],
            ..Self::new(Method::Post, url)
        }
    }

    /// With this header.
    ///
    /// # Errors
    /// It is none: a name with other letters than a token's, or a value with control characters.
    pub fn with_header(mut self, name: &str, value: &str) -> Result<Self, RequestError> {
        let value = HeaderValue::from_str(value);
        let value = value.map_err(|_| RequestError::Value(name.to_owned()))?;
        self.headers.append(named(name)?, value);
        Ok(self)
    }

    /// With this header, whose value is secret: `Authorization`, `Cookie`.
    ///
    /// # Errors
    /// As [`Request::with_header`].
    pub fn with_secret_header(mut self, name: &str, value: &Secret) -> Result<Self, RequestError> {
        let sensitive = HeaderValue::from_maybe_shared(wiped(value));
        let mut sensitive = sensitive.map_err(|_| RequestError::Value(name.to_owned()))?;
        sensitive.set_sensitive(true);
        self.headers.append(named(name)?, sensitive);
        // Behind the name of a scheme (RFC 9110 section 11.4).
        let credentials = value.expose().rsplit(|byte| *byte == b' ').next();
        self.secrets.extend(credentials.map(Secret::new));
        Ok(self)
    }

    /// As whom these credentials belong to: a password by `Basic` (RFC 7617), a token by `Bearer` (RFC 6750). Those
    /// that show nobody here, such as a certificate that TLS shows, change nothing.
    ///
    /// # Errors
    /// What no header may contain is in them, or a colon in the name that stands before a password.
    #[cfg(feature = "sasl")]
    pub fn with_credentials(
        self,
        credentials: &crate::sasl::Credentials,
    ) -> Result<Self, RequestError> {
        const HEADER: &str = "authorization";
        if let Some(token) = credentials.as_token() {
            let value = [b"Bearer ", token.expose()].concat();
            return self.with_secret_header(HEADER, &Secret::new(value));
        }
        let Some((user, password)) = credentials.as_password() else {
            return Ok(self);
        };
        if user.contains(':') {
            return Err(RequestError::Value(HEADER.to_owned()));
        }
        let pair = Secret::new([user.as_bytes(), b":", password.expose()].concat());
        let encoded = crate::sasl::to_base64(&pair);
        let value = [b"Basic ", encoded.expose()].concat();
        let mut request = self.with_secret_header(HEADER, &Secret::new(value))?;
        // Also where a server repeats it alone.
        request.secrets.push(password.clone());
        Ok(request)
    }

    /// Takes the body compressed too.
    #[must_use]
    pub fn taking_gzip(mut self) -> Self {
        self.takes_gzip = true;
        self
    }

    /// Books the time until the head of the response to this phase, instead of [`FIRST_BYTE`]: for one request of several,
    /// each of which asks for something else.
    #[must_use]
    pub fn in_phase(mut self, phase: Phase) -> Self {
        self.phase = phase;
        self
    }

    /// Where it goes.
    pub fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn is_confidential(&self) -> bool {
        self.has_secret_body || self.headers.values().any(HeaderValue::is_sensitive)
    }

    /// The same to another place, as the server behind the first wants it; without the secrets where that is another
    /// origin.
    pub(super) fn redirected(&self, url: Url) -> Self {
        let mut next = self.clone();
        if !next.url.is_same_origin(&url) {
            let names: Vec<_> = next.headers.keys().cloned().collect();
            for name in names {
                let mut values = next.headers.get_all(&name).iter();
                if values.any(HeaderValue::is_sensitive) {
                    next.headers.remove(&name);
                }
            }
        }
        next.url = url;
        next
    }

    /// The same for a client that keeps cookies, with these, unless it has its own.
    pub(super) fn with_cookies(&self, cookies: &[&Cookie]) -> Self {
        let mut next = self.clone();
        next.keeps_cookies = true;
        if cookies.is_empty() || next.headers.contains_key(COOKIE) {
            return next;
        }
        let mut written = Zeroizing::new(Vec::new());
        for cookie in cookies {
            cookie.write(&mut written);
            next.secrets.push(cookie.value.clone());
        }
        // Each came in a header, so together they make one.
        if let Ok(mut value) = HeaderValue::from_maybe_shared(Bytes::from_owner(written)) {
            value.set_sensitive(true);
            next.headers.insert(COOKIE, value);
        }
        next
    }

    /// As hyper wants it, for this version of the protocol.
    pub(super) fn to_hyper(&self, is_http2: bool) -> Result<Wanted, RequestError> {
        // HTTP/2 has the whole address in its pseudo-headers (RFC 9113 section 8.3.1).
        let target = match is_http2 {
            true => self.url.as_str(),
            false => self.url.path_and_query(),
        };
        let body = http_body_util::Full::new(self.body.clone());
        let mut wanted = hyper::Request::builder()
            .method(self.method.to_hyper())
            .uri(target)
            .body(body)
            .map_err(|_| RequestError::Target(target.to_owned()))?;
        let headers = wanted.headers_mut();
        if !is_http2 {
            let host = HeaderValue::from_str(self.url.authority());
            let host = host.map_err(|_| RequestError::Value("host".to_owned()))?;
            headers.insert(hyper::header::HOST, host);
        }
        let own = HeaderValue::from_static(concat!("mailprobe/", env!("CARGO_PKG_VERSION")));
        headers.insert(hyper::header::USER_AGENT, own);
        if self.takes_gzip {
            let gzip = HeaderValue::from_static("gzip");
            headers.insert(hyper::header::ACCEPT_ENCODING, gzip);
        }
        for name in self.headers.keys() {
            headers.remove(name);
            for value in self.headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        Ok(wanted)
    }
}

/// A request in hyper's words.
pub(super) type Wanted = hyper::Request<http_body_util::Full<Bytes>>;

/// Nothing secret is shown.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.url)
            .field("headers", &self.headers)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A request that cannot be made.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// The name of a header.
    #[error("{0:?} is no name of a header")]
    Name(String),
    /// The path of an address.
    #[error("{0:?} cannot be asked for")]
    Target(String),
    /// The value of a header, which is not shown.
    #[error("the value for the header {0} contains what no header may")]
    Value(String),
}

fn named(name: &str) -> Result<HeaderName, RequestError> {
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| RequestError::Name(name.to_owned()))
}

/// Bytes that are wiped when the last who holds them lets go.
fn wiped(secret: &Secret) -> Bytes {
    Bytes::from_owner(Zeroizing::new(secret.expose().to_vec()))
}
