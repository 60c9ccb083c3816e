//! Host names and who they belong to.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use probe_core::HostName;

/// The organisational domain: what was registered, by the public suffix list; the name itself where that has none.
///
/// ```
/// use probe_net::names::organisational;
///
/// let of = |name: &str| organisational(&name.parse().unwrap()).to_string();
/// assert_eq!(of("mx1.mail.example.co.uk"), "example.co.uk");
/// assert_eq!(of("example.org"), "example.org");
/// assert_eq!(of("co.uk"), "co.uk");
/// ```
pub fn organisational(name: &HostName) -> HostName {
    let registered = psl::domain_str(name.as_str());
    let registered = registered.and_then(|domain| domain.parse().ok());
    registered.unwrap_or_else(|| name.clone())
}

/// Where in the world an address is, as the registries of special purposes have it (RFC 6890 and its successors).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "here, near, everywhere or nowhere")]
pub enum Reach {
    /// Everywhere.
    Global,
    /// This machine, or the networks around it.
    Local,
    /// Nowhere: for documents, for groups, for translations, or for later.
    Reserved,
}

impl Reach {
    /// Of this address. An IPv4 address that is written as an IPv6 one is taken for what it is.
    ///
    /// ```
    /// use probe_net::names::Reach;
    ///
    /// let of = |text: &str| Reach::of(text.parse().unwrap());
    /// assert_eq!(of("198.41.0.4"), Reach::Global);
    /// assert_eq!(of("::ffff:10.0.0.1"), Reach::Local);
    /// assert_eq!(of("2001:db8::1"), Reach::Reserved);
    /// ```
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            // This network, RFC 1918, carriers' NAT (RFC 6598), loopback and link.
            [0 | 10 | 127, ..] | [169, 254, ..] | [192, 168, ..] => Self::Local,
            [100, 64..=127, ..] | [172, 16..=31, ..] => Self::Local,
            // Protocols, documents (RFC 5737), 6to4's relays, benchmarks (RFC 2544), groups and later.
            [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => Self::Reserved,
            [192, 88, 99, _] | [198, 18..=19, ..] | [224..=255, ..] => Self::Reserved,
            _ => Self::Global,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        match address.segments() {
            // Unspecified and loopback.
            [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Self::Local,
            // Unique local (RFC 4193) and link.
            [0xfc00..=0xfdff, ..] | [0xfe80..=0xfebf, ..] => Self::Local,
            // Teredo, documents (RFC 3849, RFC 9637), 6to4.
            [0x2001, 0 | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] | [0x2002, ..] => Self::Reserved,
            [0x2000..=0x3fff, ..] => Self::Global,
            _ => Self::Reserved,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_purposes_end_where_the_registries_end_them() {
        use Reach::{Global, Local, Reserved};
        for (text, reach) in [
            ("9.255.255.255", Global),
            ("10.255.255.255", Local),
            ("11.0.0.0", Global),
            ("100.63.255.255", Global),
            ("100.64.0.0", Local),
            ("100.128.0.0", Global),
            ("172.15.255.255", Global),
            ("172.31.255.255", Local),
            ("172.32.0.0", Global),
            ("192.0.1.1", Global),
            ("192.0.2.1", Reserved),
            ("198.17.255.255", Global),
            ("198.19.255.255", Reserved),
            ("223.255.255.255", Global),
            ("224.0.0.1", Reserved),
            ("255.255.255.255", Reserved),
            ("::1", Local),
            ("::2", Reserved),
            ("64:ff9b::1", Reserved),
            ("100::1", Reserved),
            ("2001:1::1", Global),
            ("2001:db8::1", Reserved),
            ("3ffe::1", Global),
            ("3fff:fff::1", Reserved),
            ("fbff::1", Reserved),
            ("fd00::1", Local),
            ("febf::1", Local),
            ("ff02::1", Reserved),
        ] {
            assert_eq!(Reach::of(text.parse().unwrap()), reach, "{text}");
        }
    }
}
