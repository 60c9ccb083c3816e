//! One question to a DNS server, byte by byte: whether it serves the lab's first blocklist. What
//! else it serves, and how, is for tests to ask.

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

/// The same id, a reply, no error, and at least one record (RFC 1035, section 4.1.1).
fn is_listing(reply: &[u8]) -> bool {
    let &[id1, id2, flags1, flags2, _, _, answers1, answers2, ..] = reply else {
        return false;
    };
    QUESTION.starts_with(&[id1, id2])
        && flags1 & 0x80 != 0
        && flags2 & 0x0f == 0
        && (answers1, answers2) != (0, 0)
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
}
