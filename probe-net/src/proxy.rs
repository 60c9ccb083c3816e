//! The PROXY protocol: what a load balancer says before the client's first word, so that the server behind
//! it learns whom it speaks with. To probe such a server from inside, a probe must say it too.
//! <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>

use core::net::{IpAddr, SocketAddr};

/// The header that each connection begins with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Proxy {
    /// The text or the binary form.
    pub version: ProxyVersion,
    /// Whom to introduce as the client; without it the connection's own address is given.
    pub client: Option<SocketAddr>,
}

/// The two forms of the header.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "these two exist")]
pub enum ProxyVersion {
    /// A line of text (section 2.1).
    V1,
    /// Binary (section 2.2).
    V2,
}

impl Proxy {
    /// The 12 octets that no other protocol begins with.
    const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

    /// A header of this form, with the connection's own addresses.
    pub const fn new(version: ProxyVersion) -> Self {
        Self {
            version,
            client: None,
        }
    }

    /// Introduces another client.
    #[must_use]
    pub const fn with_client(mut self, client: SocketAddr) -> Self {
        self.client = Some(client);
        self
    }

    /// The header for a connection from `local` to `server`.
    pub(crate) fn header(&self, local: SocketAddr, server: SocketAddr) -> Vec<u8> {
        let client = self.client.unwrap_or(local);
        match self.version {
            ProxyVersion::V1 => Self::text(client, server),
            ProxyVersion::V2 => Self::binary(client, server),
        }
    }

    fn text(client: SocketAddr, server: SocketAddr) -> Vec<u8> {
        let family = match (client, server) {
            (SocketAddr::V4(_), SocketAddr::V4(_)) => "TCP4",
            (SocketAddr::V6(_), SocketAddr::V6(_)) => "TCP6",
            // Two families in one line cannot be written: the header then says nothing of addresses.
            _ => return b"PROXY UNKNOWN\r\n".to_vec(),
        };
        let (from, to) = (client.ip(), server.ip());
        let (from_port, to_port) = (client.port(), server.port());
        format!("PROXY {family} {from} {to} {from_port} {to_port}\r\n").into_bytes()
    }

    fn binary(client: SocketAddr, server: SocketAddr) -> Vec<u8> {
        let mut header = Self::SIGNATURE.to_vec();
        header.push(0x21); // version 2, command PROXY
        match (client.ip(), server.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => {
                header.extend([0x11, 0, 12]); // TCP over IPv4, 12 octets follow
                header.extend(from.octets());
                header.extend(to.octets());
            }
            (from, to) => {
                let mapped = |address| match address {
                    IpAddr::V4(v4) => v4.to_ipv6_mapped(),
                    IpAddr::V6(v6) => v6,
                };
                header.extend([0x21, 0, 36]); // TCP over IPv6, 36 octets follow
                header.extend(mapped(from).octets());
                header.extend(mapped(to).octets());
            }
        }
        header.extend(client.port().to_be_bytes());
        header.extend(server.port().to_be_bytes());
        header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(version: ProxyVersion, client: &str, server: &str) -> Vec<u8> {
        Proxy::new(version)
            .with_client(client.parse().unwrap())
            .header("192.0.2.9:9".parse().unwrap(), server.parse().unwrap())
    }

    #[test]
    fn version_1_is_a_line_of_text() {
        let v4 = header(ProxyVersion::V1, "192.0.2.1:5000", "198.51.100.2:25");
        assert_eq!(v4, b"PROXY TCP4 192.0.2.1 198.51.100.2 5000 25\r\n");
        let v6 = header(ProxyVersion::V1, "[2001:db8::1]:5000", "[2001:db8::2]:25");
        assert_eq!(v6, b"PROXY TCP6 2001:db8::1 2001:db8::2 5000 25\r\n");
        let mixed = header(ProxyVersion::V1, "[2001:db8::1]:5000", "198.51.100.2:25");
        assert_eq!(mixed, b"PROXY UNKNOWN\r\n");
    }

    #[test]
    fn version_2_is_binary() {
        let v4 = header(ProxyVersion::V2, "192.0.2.1:5000", "198.51.100.2:25");
        let expected =
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\x13\x88\x00\x19";
        assert_eq!(v4, expected);
        let v6 = header(ProxyVersion::V2, "[2001:db8::1]:5000", "[2001:db8::2]:25");
        assert_eq!((v6.len(), &v6[12..16]), (16 + 36, &b"\x21\x21\x00\x24"[..]));
    }
}
