//! Blacklists, asked of the embedded resolver: lists that are well, gone, or do not want to be asked.

use core::net::{IpAddr, SocketAddr};

use dnsbl_probe::{Catalogue, DnsblProbe};
use probe_net::dns::{Kind, Resolver};

use super::names::Said;
use super::{BoxError, Scene};

/// Lists that are well, and what they think of the network of one provider.
const WELL: &str = "zone,kinds,codes,scope,delist\n\
    one.test,ip4,127.0.0.2=spam,address,https://one.test/remove\n\
    two.test,ip4,127.0.0.4=exploit,address,\n\
    net.test,ip4,127.0.0.2=dial-up,range,\n";
/// Lists that nobody should ask any more.
const ILL: &str = "zone,kinds\nworld.test,ip4\nparked.test,ip4\nempty.test,ip4\none.test,ip4\n";
/// A list that does not serve those who share a resolver with the world.
const REFUSING: &str = "zone,kinds\npublic.test,ip4\n";

pub(super) fn scenes(resolver: SocketAddr) -> Result<Vec<Scene>, BoxError> {
    let asking = |catalogue: &str| {
        let lists = Catalogue::parse(catalogue)?;
        let probe = DnsblProbe::builder(Resolver::new([resolver])).catalogue(lists);
        Ok::<_, BoxError>(probe.build()?)
    };
    let (well, ill, refusing) = (asking(WELL)?, asking(ILL)?, asking(REFUSING)?);
    let address = |last| IpAddr::from([192, 0, 2, last]);
    Ok(vec![
        Scene::about("on no list", address(1), well.clone()),
        Scene::about("on two lists", address(2), well.clone()),
        Scene::about("the network around is listed", address(3), well),
        Scene::about("lists that have ended", address(4), ill),
        Scene::about("a list that refuses us", address(5), refusing),
    ])
}

/// What the lists say of a name.
pub(super) fn said(name: &str, kind: Kind) -> Option<Said> {
    let (address, reason) = listed(name)?;
    Some(match kind {
        Kind::TXT => {
            let length = u8::try_from(reason.len()).ok()?;
            Said::Record(kind, [&[length], reason.as_bytes()].concat())
        }
        _ => Said::Record(Kind::A, address.to_vec()),
    })
}

/// As what a name is listed, and why.
fn listed(name: &str) -> Option<([u8; 4], &'static str)> {
    let reason = "Spam seen on Monday, see https://one.test/why";
    match name {
        "2.2.0.192.one.test" => Some(([127, 0, 0, 2], reason)),
        "2.2.0.192.two.test" => Some(([127, 0, 0, 4], "")),
        "3.2.0.192.net.test" => Some(([127, 0, 0, 2], "Mail comes from the provider's servers")),
        _ if name.ends_with(".world.test") => Some(([127, 0, 0, 2], "This list has ended")),
        _ if name.ends_with(".parked.test") => Some(([192, 0, 2, 80], "")),
        _ if name.ends_with(".empty.test") => None,
        _ if name.ends_with(".public.test") => Some(([127, 255, 255, 254], "")),
        // The test entry of those that are well.
        _ if name.starts_with("2.0.0.127.") => Some(([127, 0, 0, 2], "")),
        _ => None,
    }
}
