//! The embedded resolver that blacklists and domains are asked of.

use core::net::SocketAddr;
use std::io;

use probe_net::dns::Kind;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

use super::{dnsbl, mx};

/// What is answered.
pub(super) enum Said {
    /// The code of an error.
    Code(u8),
    /// The name is there, and no such record.
    Nothing,
    /// One record.
    Record(Kind, Vec<u8>),
    /// The name is an alias of this one, which has this address.
    Alias(&'static [u8], [u8; 4]),
}

/// The resolver, until it is dropped.
pub(super) struct Names {
    pub(super) address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Names {
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

impl Drop for Names {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The name that was asked for, where it stands in the message.
const ASKED: &[u8] = &[0xc0, 12];

/// A record that may be kept for a minute.
fn record(owner: &[u8], kind: Kind, data: &[u8]) -> Option<Vec<u8>> {
    let length = u16::try_from(data.len()).ok()?.to_be_bytes();
    let kind = kind.0.to_be_bytes();
    Some([owner, &kind, &[0, 1, 0, 0, 0, 60], &length, data].concat())
}

/// The question's own bytes with an answer behind them (RFC 1035 section 4.1).
fn reply(question: &[u8]) -> Option<Vec<u8>> {
    const NXDOMAIN: u8 = 3;
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
    let (kind, _) = question.get(at..)?.split_first_chunk()?;
    let kind = Kind(u16::from_be_bytes(*kind));
    let is_unchecked = question.get(3)? & 0x10 != 0;
    let name = labels.join(".");
    let said = mx::said(&name, kind, is_unchecked).or_else(|| dnsbl::said(&name, kind));
    let mut reply = question.get(..at + 4)?.to_vec();
    let mut header = [0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0];
    match said.unwrap_or(Said::Code(NXDOMAIN)) {
        Said::Code(code) => header[1] |= code,
        Said::Nothing => {}
        Said::Record(kind, data) => {
            header[5] = 1;
            reply.extend(record(ASKED, kind, &data)?);
        }
        Said::Alias(name, address) => {
            header[5] = 2;
            reply.extend(record(ASKED, Kind::CNAME, name)?);
            reply.extend(record(name, Kind::A, &address)?);
        }
    }
    reply.get_mut(2..12)?.copy_from_slice(&header);
    Some(reply)
}
