//! What we ask, and whom.

use core::net::{IpAddr, SocketAddr};

use probe_core::HostName;
use probe_net::dns::{Ask, Kind, Name, Question};

/// The name of a host, as questions have it.
pub(crate) fn name_of(host: &HostName) -> Option<Name> {
    host.as_str().parse().ok()
}

/// The host of a name, if one can be dialled by it.
pub(crate) fn host_of(name: &Name) -> Option<HostName> {
    name.to_string().parse().ok()
}

/// Asks the resolvers.
pub(crate) fn ask(name: &Name, kind: Kind) -> Ask {
    Ask::new(0, Question::new(name.clone(), kind))
}

/// Asks this server for what it knows itself.
pub(crate) fn ask_server(server: SocketAddr, name: &Name, kind: Kind) -> Ask {
    ask(name, kind).of([server].into())
}

/// Asks this resolver, and no other.
pub(crate) fn ask_resolver(resolver: SocketAddr, name: &Name, kind: Kind) -> Ask {
    ask(name, kind).through([resolver].into())
}

/// The name below which an address has its name (RFC 1035 section 3.5, RFC 3596 section 2.5).
pub(crate) fn reverse(address: IpAddr) -> Option<Name> {
    let labels = match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let octets = address.octets();
            let digits = octets.iter().rev();
            let digits = digits.flat_map(|octet| [octet & 15, octet >> 4]);
            let digits: String = digits.map(|digit| format!("{digit:x}.")).collect();
            format!("{digits}ip6.arpa")
        }
    };
    labels.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_asked_for_backwards() {
        let name = |text: &str| reverse(text.parse().unwrap()).unwrap().to_string();
        assert_eq!(name("192.0.2.25"), "25.2.0.192.in-addr.arpa");
        assert_eq!(name("::ffff:192.0.2.25"), "25.2.0.192.in-addr.arpa");
        let v6 = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        assert_eq!(name("2001:db8::1"), v6);
    }
}
