//! One question to a DNS server, byte by byte: whether it serves the lab's first blocklist, or
//! knows who does. What else it serves, and how, is for tests to ask.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

/// The test point of the first list, which it must list (RFC 5782, section 5), for its A records.
const QUESTION: &[u8] = b"\x4c\x42\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\
    \x012\x010\x010\x03127\x04bl01\x03rbl\x04test\x00\x00\x01\x00\x01";

/// A server on loopback answers at once, or is not there yet.
const PATIENCE: Duration = Duration::from_millis(200);

/// The port of all DNS servers of the lab.
pub(super) const PORT: u16 = 53;

/// Whether a server says that the test point is listed.
pub(super) fn serves(server: Ipv4Addr) -> bool {
    ask((server, PORT).into()).is_ok_and(|reply| is_listing(&reply))
}

/// Whether a server says where to ask on.
pub(super) fn points_elsewhere(server: Ipv4Addr) -> bool {
    ask((server, PORT).into()).is_ok_and(|reply| is_referral(&reply))
}

/// Whether a server is there, and has no list.
pub(super) fn refuses(server: Ipv4Addr) -> bool {
    ask((server, PORT).into()).is_ok_and(|reply| is_refusal(&reply))
}

fn ask(server: SocketAddr) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.connect(server)?;
    socket.send(QUESTION)?;
    let mut reply = vec![0; 512];
    let length = socket.recv(&mut reply)?;
    reply.truncate(length);
    Ok(reply)
}

/// At least one record.
fn is_listing(reply: &[u8]) -> bool {
    Head::of(reply).is_some_and(|head| head.answers != 0)
}

/// Nothing but the names of others who should know (RFC 1034, section 4.3.2).
fn is_referral(reply: &[u8]) -> bool {
    Head::of(reply)
        .is_some_and(|head| !head.is_authoritative && head.answers == 0 && head.authorities != 0)
}

/// REFUSED (RFC 1035, section 4.1.1).
fn is_refusal(reply: &[u8]) -> bool {
    let head = reply.split_first_chunk::<4>().map(|(head, _)| *head);
    head.is_some_and(|[id1, id2, flags1, flags2]| {
        QUESTION.starts_with(&[id1, id2]) && flags1 & 0x80 != 0 && flags2 & 0x0f == 5
    })
}

/// What a reply says before it comes to the point.
#[derive(Debug)]
struct Head {
    is_authoritative: bool,
    answers: u16,
    authorities: u16,
}

impl Head {
    /// The same id, a reply, and no error (RFC 1035, section 4.1.1).
    fn of(reply: &[u8]) -> Option<Self> {
        let (&[id1, id2, flags1, flags2, _, _, an1, an2, ns1, ns2], _) =
            reply.split_first_chunk()?;
        let is_fine = QUESTION.starts_with(&[id1, id2]) && flags1 & 0x80 != 0 && flags2 & 0x0f == 0;
        is_fine.then_some(Self {
            is_authoritative: flags1 & 0x04 != 0,
            answers: u16::from_be_bytes([an1, an2]),
            authorities: u16::from_be_bytes([ns1, ns2]),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(head: [u8; 12]) -> Vec<u8> {
        [&head, QUESTION.get(12..).unwrap()].concat()
    }

    #[test]
    fn only_a_reply_with_records_is_a_listing() {
        let listed = [0x4c, 0x42, 0x85, 0, 0, 1, 0, 1, 0, 0, 0, 0];
        let not_listed = [0x4c, 0x42, 0x85, 3, 0, 1, 0, 0, 0, 1, 0, 0];
        assert!(is_listing(&reply(listed)));
        assert!(!is_listing(&reply(not_listed)));
        assert!(!is_listing(QUESTION));
        assert!(!is_listing(&listed[..7]));
    }

    #[test]
    fn only_a_reply_with_nothing_but_servers_is_a_referral() {
        let referral = [0x4c, 0x42, 0x80, 0, 0, 1, 0, 0, 0, 1, 0, 1];
        let listed = [0x4c, 0x42, 0x85, 0, 0, 1, 0, 1, 0, 1, 0, 0];
        let not_listed = [0x4c, 0x42, 0x85, 3, 0, 1, 0, 0, 0, 1, 0, 0];
        let no_data = [0x4c, 0x42, 0x85, 0, 0, 1, 0, 0, 0, 1, 0, 0];
        let refused = [0x4c, 0x42, 0x80, 5, 0, 1, 0, 0, 0, 0, 0, 0];
        assert!(is_referral(&reply(referral)));
        assert!(!is_listing(&reply(referral)));
        assert!(!is_referral(&reply(listed)));
        assert!(!is_referral(&reply(not_listed)));
        assert!(!is_referral(&reply(no_data)));
        assert!(!is_referral(&reply(refused)));
        assert!(is_refusal(&reply(refused)));
        assert!(!is_refusal(&reply(no_data)));
        assert!(!is_refusal(&refused[..3]));
    }
}
