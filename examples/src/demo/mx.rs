//! Domains: an embedded resolver, and MX records that are well or lead astray.

use core::net::SocketAddr;

use mx_check::MxProbe;
use probe_core::HostName;
use probe_net::dns::{Kind, Resolver};

use super::names::Said;
use super::{BoxError, Scene};

pub(super) fn scenes(resolver: SocketAddr) -> Result<Vec<Scene>, BoxError> {
    // There is no root to begin at, and no network but this machine's own.
    let probe = MxProbe::builder(Resolver::new([resolver]))
        .without_roots()
        .local_is_fine(true)
        .build()?;
    let scene = |story, domain: &str| {
        let domain: HostName = domain.parse()?;
        Ok::<_, BoxError>(Scene::about(story, domain, probe.clone()))
    };
    Ok(vec![
        scene("mail goes to one host", "well.test")?,
        scene("an MX record names an alias", "alias.test")?,
        scene("the host's domain is for sale", "takeover.test")?,
        scene("an address stands for a name", "literal.test")?,
        scene("signatures are wrong", "bogus.test")?,
    ])
}

/// What is known of these domains; signatures are judged unless that is not wanted.
pub(super) fn said(name: &str, kind: Kind, is_unchecked: bool) -> Option<Said> {
    const HOST: &[u8] = b"\x02mx\x04well\x04test\0";
    let mx = |host: &[u8]| Said::Record(Kind::MX, [&[0, 10], host].concat());
    Some(match (name, kind) {
        ("", Kind::NS) => Said::Record(Kind::NS, b"\x01a\x04root\x04test\0".to_vec()),
        ("bogus.test", Kind::MX) if !is_unchecked => Said::Code(2),
        ("well.test" | "bogus.test", Kind::MX) => mx(HOST),
        ("alias.test", Kind::MX) => mx(b"\x04mail\x05alias\x04test\0"),
        ("takeover.test", Kind::MX) => mx(b"\x02mx\x04gone\x07example\0"),
        ("literal.test", Kind::MX) => mx(b"\x0210\x010\x010\x0225\0"),
        ("mail.alias.test", Kind::A) => Said::Alias(HOST, [10, 0, 0, 25]),
        ("mail.alias.test", _) => Said::Record(Kind::CNAME, HOST.to_vec()),
        ("mx.well.test", Kind::A) => Said::Record(Kind::A, vec![10, 0, 0, 25]),
        ("mx.well.test", Kind::AAAA) => Said::Record(
            Kind::AAAA,
            vec![0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x25],
        ),
        (name, Kind::PTR) if name.ends_with(".d.f.ip6.arpa") => {
            Said::Record(Kind::PTR, HOST.to_vec())
        }
        ("25.0.0.10.in-addr.arpa", Kind::PTR) => Said::Record(Kind::PTR, HOST.to_vec()),
        ("well.test" | "alias.test" | "takeover.test" | "literal.test" | "bogus.test", _)
        | ("mx.well.test", _) => Said::Nothing,
        _ => return None,
    })
}
