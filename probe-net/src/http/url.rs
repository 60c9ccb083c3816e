//! Where a page is.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use probe_core::{Host, HostName};

use crate::Endpoint;

/// The address of a page: `http` or `https`, with a host that can be dialled, and without credentials.
///
/// ```
/// use probe_net::http::Url;
///
/// let url: Url = "https://example.org/dns-query".parse()?;
/// assert_eq!((url.port(), url.path_and_query()), (443, "/dns-query"));
/// assert_eq!(url.join("../a?b#c")?.to_string(), "https://example.org/a?b");
/// # Ok::<(), probe_net::http::UrlError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Url {
    whole: url::Url,
    host: Host,
}

impl Url {
    /// Longer than any that browsers send.
    const LONGEST: usize = 8192;

    /// The page at this path of a host, at the scheme's own port where none is named.
    ///
    /// ```
    /// use probe_net::http::{Scheme, Url};
    ///
    /// let host = "2001:db8::1".parse().unwrap();
    /// let url = Url::at(Scheme::Https, &host, Some(8443), "/mail/")?;
    /// assert_eq!(url.to_string(), "https://[2001:db8::1]:8443/mail/");
    /// # Ok::<(), probe_net::http::UrlError>(())
    /// ```
    ///
    /// # Errors
    /// The path is none.
    pub fn at(
        scheme: Scheme,
        host: &Host,
        port: Option<u16>,
        path: &str,
    ) -> Result<Self, UrlError> {
        let host = match host {
            Host::Address(IpAddr::V6(address)) => format!("[{address}]"),
            other => other.to_string(),
        };
        let port = port.unwrap_or(scheme.default_port());
        format!("{}://{host}:{port}{path}", scheme.as_str()).parse()
    }

    /// Who serves it.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// TCP port.
    pub fn port(&self) -> u16 {
        // Both schemes have one.
        self.whole.port_or_known_default().unwrap_or_default()
    }

    /// Whether it is reached over TLS.
    pub fn is_secure(&self) -> bool {
        self.whole.scheme() == "https"
    }

    /// What its server is asked for (RFC 9112 section 3.2.1).
    pub fn path_and_query(&self) -> &str {
        &self.whole[url::Position::BeforePath..url::Position::AfterQuery]
    }

    /// The address that this reference, seen from here, stands for (RFC 3986 section 5).
    ///
    /// # Errors
    /// It is no address, or none of ours.
    pub fn join(&self, reference: &str) -> Result<Self, UrlError> {
        let joined = self.whole.join(reference);
        Self::checked(joined.map_err(|error| UrlError::Syntax(error.to_string()))?)
    }

    /// Whether the two have scheme, host and port in common (RFC 6454 section 5).
    pub fn is_same_origin(&self, other: &Self) -> bool {
        self.whole.origin() == other.whole.origin()
    }

    /// Host and port, as the `Host` header has them.
    pub(super) fn authority(&self) -> &str {
        &self.whole[url::Position::BeforeHost..url::Position::AfterPort]
    }

    /// What an `HTTP/2` request is addressed to.
    pub(super) fn as_str(&self) -> &str {
        self.whole.as_str()
    }

    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::new(self.host.clone(), self.port())
    }

    fn checked(mut whole: url::Url) -> Result<Self, UrlError> {
        if !matches!(whole.scheme(), "http" | "https") {
            return Err(UrlError::Scheme(whole.scheme().to_owned()));
        }
        if !whole.username().is_empty() || whole.password().is_some() {
            return Err(UrlError::Credentials);
        }
        if whole.as_str().len() > Self::LONGEST {
            return Err(UrlError::Long);
        }
        let host = match whole.host() {
            Some(url::Host::Ipv4(address)) => Host::Address(address.into()),
            Some(url::Host::Ipv6(address)) => Host::Address(address.into()),
            Some(url::Host::Domain(name)) => {
                let read: Result<HostName, _> = name.parse();
                Host::Name(read.map_err(|_| UrlError::Host(name.to_owned()))?)
            }
            None => return Err(UrlError::Host(String::new())),
        };
        whole.set_fragment(None);
        Ok(Self { whole, host })
    }
}

/// Whether TLS comes first.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Scheme {
    /// In clear, on port 80 where none is named.
    Http,
    /// Over TLS, on port 443 where none is named.
    #[default]
    Https,
}

impl Scheme {
    /// `http` or `https`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// TCP port.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        // The parser would leave out what stands there by mistake, or for an attack.
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(UrlError::Syntax("it contains white space".to_owned()));
        }
        let whole = url::Url::parse(text);
        Self::checked(whole.map_err(|error| UrlError::Syntax(error.to_string()))?)
    }
}

/// A text that is no address of a page.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum UrlError {
    /// A name or password before the host would be shown wherever the address is.
    #[error("credentials do not belong into a URL")]
    Credentials,
    /// Nobody can be dialled.
    #[error("{0:?} is no host name")]
    Host(String),
    /// Nobody writes such a thing.
    #[error("the URL is longer than {} octets", Url::LONGEST)]
    Long,
    /// Another protocol.
    #[error("{0:?} is neither http nor https")]
    Scheme(String),
    /// It cannot be read.
    #[error("this is no URL: {0}")]
    Syntax(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Url, UrlError> {
        text.parse()
    }

    #[test]
    fn what_is_served_where_is_told() {
        let url = read("http://[2001:db8::1]:8080/a/b?c=d#e").unwrap();
        assert_eq!(url.host().to_string(), "2001:db8::1");
        assert_eq!((url.port(), url.is_secure()), (8080, false));
        assert_eq!(url.path_and_query(), "/a/b?c=d");
        assert_eq!(url.authority(), "[2001:db8::1]:8080");
        assert_eq!(
            read("https://EXAMPLE.org").unwrap().to_string(),
            "https://example.org/"
        );
    }

    #[test]
    fn what_can_not_be_dialled_or_would_show_a_password_is_refused() {
        let password = read("https://alice:wonderland@example.org/");
        assert_eq!(password, Err(UrlError::Credentials));
        let scheme = UrlError::Scheme("ftp".to_owned());
        assert_eq!(read("ftp://example.org/"), Err(scheme));
        assert!(matches!(read("example.org"), Err(UrlError::Syntax(_))));
        assert!(matches!(read("https:///"), Err(UrlError::Syntax(_))));
        assert!(matches!(
            read("https://a_b\u{7f}c/"),
            Err(UrlError::Syntax(_))
        ));
        assert!(matches!(
            read("https://example.org/\r\nx"),
            Err(UrlError::Syntax(_))
        ));
        let long = format!("https://example.org/{}", "a".repeat(8192));
        assert_eq!(read(&long), Err(UrlError::Long));
    }

    #[test]
    fn the_origin_is_scheme_host_and_port() {
        let url = read("https://example.org/a").unwrap();
        assert!(url.is_same_origin(&read("https://example.org:443/b").unwrap()));
        assert!(!url.is_same_origin(&read("https://example.org:444/a").unwrap()));
        assert!(!url.is_same_origin(&read("http://example.org/a").unwrap()));
        assert!(!url.is_same_origin(&read("https://www.example.org/a").unwrap()));
        assert_eq!(
            url.join("//other.example.net/x").unwrap().to_string(),
            "https://other.example.net/x"
        );
    }
}
