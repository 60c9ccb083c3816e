//! Public resolvers that filter nothing, so that what one does not find is not there. What each operator publishes of
//! itself was collected by AdGuard's list of providers (2026-07-21); whether one answers as it should is tested in each run.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Operators, each with one of its addresses.
const RESOLVERS: [(&str, Ipv4Addr); 8] = [
    ("AdGuard, non-filtering", Ipv4Addr::new(94, 140, 14, 140)),
    (
        "CIRA Canadian Shield, private",
        Ipv4Addr::new(149, 112, 121, 10),
    ),
    ("Cloudflare", Ipv4Addr::new(1, 1, 1, 1)),
    ("ControlD, non-filtering", Ipv4Addr::new(76, 76, 2, 0)),
    ("DNS4EU, unfiltered", Ipv4Addr::new(86, 54, 11, 100)),
    ("Google", Ipv4Addr::new(8, 8, 8, 8)),
    ("OpenDNS, sandbox", Ipv4Addr::new(208, 67, 222, 2)),
    ("Quad9, unsecured", Ipv4Addr::new(9, 9, 9, 10)),
];

/// Where they are.
pub(crate) fn resolvers() -> impl Iterator<Item = SocketAddr> {
    /// Of name servers.
    const PORT: u16 = 53;
    RESOLVERS
        .iter()
        .map(|(_, address)| SocketAddr::new(IpAddr::V4(*address), PORT))
}

/// Who runs a resolver, if it is one of these.
pub(crate) fn operator(resolver: SocketAddr) -> Option<&'static str> {
    let known = RESOLVERS.iter();
    let mut of = known.filter(|(_, address)| IpAddr::V4(*address) == resolver.ip());
    of.next().map(|(name, _)| *name)
}
