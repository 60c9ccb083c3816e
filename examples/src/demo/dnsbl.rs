//! Blacklists: an embedded resolver, and lists that are well, gone, or do not want to be asked.

use core::net::{IpAddr, SocketAddr};
use std::io;

use dnsbl_probe::{Catalogue, DnsblProbe};
use probe_net::dns::Resolver;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

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

/// The resolver, until it is dropped.
pub(super) struct Lists {
    pub(super) address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Lists {
    pub(super) async fn listen() -> io::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        let address = socket.local_addr()?;
        let serving = tokio::spawn(async move {
            let mut room = [0; 2048];
            while let Ok((length, client)) = socket.recv_from(&mut room).await {
                let question = room.get(..length).unwrap_or_default();
                if let Some(reply) = reply(question) {
                    let _ = socket.send_to(&reply, client).await;
                }
            }
        });
        Ok(Self { address, serving })
    }
}

impl Drop for Lists {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What the lists say of a name, and why.
fn said(name: &str) -> Option<([u8; 4], &'static str)> {
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

/// The question's own bytes with an answer behind them (RFC 1035 section 4.1).
fn reply(question: &[u8]) -> Option<Vec<u8>> {
    let mut at = 12;
    let mut labels = Vec::new();
    loop {
        let length = usize::from(*question.get(at)?);
        at += 1;
        if length == 0 {
            break;
        }
        labels.push(String::from_utf8_lossy(question.get(at..at + length)?).to_lowercase());
        at += length;
    }
    let is_text = question.get(at..at + 2)? == [0, 16];
    let mut reply = question.get(..at + 4)?.to_vec();
    let mut header = [0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0];
    let data = said(&labels.join(".")).map(|(address, reason)| match is_text {
        true => [
            &[u8::try_from(reason.len()).unwrap_or(0)],
            reason.as_bytes(),
        ]
        .concat(),
        false => address.to_vec(),
    });
    let kind = if is_text { 16 } else { 1 };
    match &data {
        Some(data) => {
            header[5] = 1;
            reply.extend([0xc0, 12, 0, kind, 0, 1, 0, 0, 0, 60]);
            reply.extend(u16::try_from(data.len()).ok()?.to_be_bytes());
            reply.extend_from_slice(data);
        }
        None => header[1] = 0x83,
    }
    reply.get_mut(2..12)?.copy_from_slice(&header);
    Some(reply)
}
