//! Where to ask. A target names a place and nothing else: no credentials, no options.

use core::fmt;
use core::net::{IpAddr, Ipv6Addr};
use core::str::FromStr;

/// The place that a question is put to. It reads and writes as people do.
///
/// ```
/// use probe_core::Target;
///
/// let target: Target = "mx.example.org:25".parse()?;
/// assert_eq!(target.to_string(), "mx.example.org:25");
///
/// let target: Target = "[2001:db8::25]:587".parse()?;
/// assert_eq!(target.port(), Some(587));
/// # Ok::<(), probe_core::TargetError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Target {
    /// A server: its name or address, and a port where it is not the protocol's own.
    Host {
        /// Name or address.
        host: Host,
        /// TCP or UDP port; `None` is the default of whatever protocol asks.
        port: Option<u16>,
    },
}

impl Target {
    /// A server and its port.
    pub fn host(host: impl Into<Host>, port: u16) -> Self {
        Self::Host {
            host: host.into(),
            port: Some(port),
        }
    }

    /// The port, where one is named.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Host { port, .. } => *port,
        }
    }

    /// The domain, where it is named and not an address: what a question about a domain is put to.
    ///
    /// ```
    /// use probe_core::Target;
    ///
    /// let target: Target = "example.org".parse()?;
    /// assert_eq!(target.domain().map(|domain| domain.as_str()), Some("example.org"));
    /// let target: Target = "192.0.2.25".parse()?;
    /// assert_eq!(target.domain(), None);
    /// # Ok::<(), probe_core::TargetError>(())
    /// ```
    pub const fn domain(&self) -> Option<&HostName> {
        match self {
            Self::Host {
                host: Host::Name(domain),
                ..
            } => Some(domain),
            Self::Host { .. } => None,
        }
    }

    /// The same target with `port` where none was named.
    #[must_use]
    pub fn or_port(self, port: u16) -> Self {
        match self {
            Self::Host { host, port: None } => Self::host(host, port),
            named => named,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host { host, port: None } => write!(f, "{host}"),
            Self::Host {
                host: Host::Address(IpAddr::V6(address)),
                port: Some(port),
            } => write!(f, "[{address}]:{port}"),
            Self::Host {
                host,
                port: Some(port),
            } => write!(f, "{host}:{port}"),
        }
    }
}

impl FromStr for Target {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        if let Some(rest) = text.strip_prefix('[') {
            return bracketed(rest);
        }
        // More than one colon without brackets can only be an IPv6 address.
        let (host, port) = match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(parse_port(port)?)),
            _ => (text, None),
        };
        Ok(Self::Host {
            host: host.parse()?,
            port,
        })
    }
}

/// `2001:db8::1]` or `2001:db8::1]:25`, the bracket already taken off.
fn bracketed(rest: &str) -> Result<Target, TargetError> {
    let (address, port) = rest.split_once(']').ok_or(TargetError::Bracket)?;
    let address: Ipv6Addr = address.parse().map_err(|_| TargetError::Bracket)?;
    let port = match port.strip_prefix(':') {
        Some(port) => Some(parse_port(port)?),
        None if port.is_empty() => None,
        None => return Err(TargetError::Bracket),
    };
    Ok(Target::Host {
        host: Host::Address(address.into()),
        port,
    })
}

fn parse_port(text: &str) -> Result<u16, TargetError> {
    match text.parse() {
        Ok(0) | Err(_) => Err(TargetError::Port),
        Ok(port) => Ok(port),
    }
}

/// A server's name or its address.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(
    clippy::exhaustive_enums,
    reason = "there is no third way to name a host"
)]
pub enum Host {
    /// An address literal: nothing is resolved.
    Address(IpAddr),
    /// A name to resolve.
    Name(HostName),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "{address}"),
            Self::Name(name) => write!(f, "{name}"),
        }
    }
}

impl From<IpAddr> for Host {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

impl From<HostName> for Host {
    fn from(name: HostName) -> Self {
        Self::Name(name)
    }
}

impl FromStr for Host {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        match text.parse() {
            Ok(address) => Ok(Self::Address(address)),
            Err(_) => text.parse().map(Self::Name),
        }
    }
}

/// A host name as DNS and TLS take it: ASCII labels of letters, digits, `-` and `_`, at most 63 octets
/// each and 253 in all (RFC 1123 section 2.1, RFC 1035 section 2.3.4), kept in lower case and without
/// the final dot. Whatever is one can be asked for in TLS.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct HostName(String);

impl HostName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for HostName {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.is_empty() {
            return Err(TargetError::Empty);
        }
        if let Some(odd) = name
            .chars()
            .find(|c| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.'))
        {
            return Err(TargetError::Character(odd));
        }
        let label_fits = |label: &str| !label.is_empty() && label.len() <= 63;
        if name.len() > 253 || !name.split('.').all(label_fits) {
            return Err(TargetError::Length);
        }
        if name
            .split('.')
            .any(|label| label.starts_with('-') || label.ends_with('-'))
        {
            return Err(TargetError::Hyphen);
        }
        // 1.2.3 or 0x7f: some resolvers would read it as an address of their own invention.
        if name.rsplit('.').next().is_some_and(is_numeric) {
            return Err(TargetError::Address);
        }
        Ok(Self(name.to_ascii_lowercase()))
    }
}

/// Decimal, or hexadecimal with its prefix.
fn is_numeric(label: &str) -> bool {
    let hexadecimal = label
        .strip_prefix("0x")
        .or_else(|| label.strip_prefix("0X"));
    match hexadecimal {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Why a text names no target.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// It looks like an IPv4 address and is none.
    #[error("it ends in a number but is no IPv4 address")]
    Address,
    /// An IPv6 address in brackets was begun and not ended.
    #[error("an IPv6 address with a port is written [2001:db8::1]:25")]
    Bracket,
    /// A character that no host name has. A name in another script is given in its ASCII form (`xn--…`).
    #[error("a host name cannot contain {0:?}")]
    Character(char),
    /// Nothing was given.
    #[error("the host is empty")]
    Empty,
    /// A label begins or ends with `-`.
    #[error("a label of a host name neither begins nor ends with -")]
    Hyphen,
    /// A label of no or more than 63 octets, or a name of more than 253.
    #[error("a host name has labels of 1 to 63 characters and 253 in all")]
    Length,
    /// The port is no number from 1 to 65535.
    #[error("a port is a number from 1 to 65535")]
    Port,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, TargetError> {
        text.parse().map(|target: Target| target.to_string())
    }

    #[test]
    fn names_and_addresses_read_back_as_written() {
        for text in [
            "mx.example.org",
            "mx.example.org:25",
            "192.0.2.1",
            "192.0.2.1:465",
            "2001:db8::1",
            "[2001:db8::1]:587",
            "_dmarc.example.org",
        ] {
            assert_eq!(parse(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_name_is_folded_to_lower_case_without_its_final_dot() {
        assert_eq!(
            parse("MX.Example.ORG.:25").as_deref(),
            Ok("mx.example.org:25")
        );
        assert_eq!(parse("[2001:DB8::1]").as_deref(), Ok("2001:db8::1"));
    }

    #[test]
    fn what_names_no_place_is_refused_with_its_reason() {
        for (text, error) in [
            ("", TargetError::Empty),
            (".", TargetError::Empty),
            (":25", TargetError::Empty),
            ("mx.example.org:0", TargetError::Port),
            ("mx.example.org:", TargetError::Port),
            ("mx.example.org:65536", TargetError::Port),
            ("mx.example.org:smtp", TargetError::Port),
            ("mx.example.org\r\nQUIT", TargetError::Character('\r')),
            ("mx example", TargetError::Character(' ')),
            ("bücher.example", TargetError::Character('ü')),
            ("user@example.org", TargetError::Character('@')),
            ("a..b", TargetError::Length),
            ("192.0.2.300", TargetError::Address),
            ("0x7f000001", TargetError::Address),
            ("-a.example", TargetError::Hyphen),
            ("a-.example", TargetError::Hyphen),
            ("[2001:db8::1", TargetError::Bracket),
            ("[192.0.2.1]:25", TargetError::Bracket),
            ("[2001:db8::1]25", TargetError::Bracket),
        ] {
            assert_eq!(parse(text), Err(error), "{text:?}");
        }
        assert_eq!(parse(&"a".repeat(64)), Err(TargetError::Length));
        assert!(parse(&"a".repeat(63)).is_ok());
    }
}
