//! The body of the fuzz target: an agent that answers with anything.

use std::sync::OnceLock;

use zeroize::Zeroizing;

use super::access::{SnmpAccess, SnmpUser};
use super::ber::{self, SEQUENCE};
use super::dialogue::{Dialogue, Turn};
use super::message::{Pdu, Plain};
use super::mib;
use super::secured::{self, Envelope, Flags};
use super::usm::{SnmpAuth, SnmpPrivacy};
use super::walk::Walk;

/// More questions than the walk's are only those by which agents are met.
const QUESTIONS: usize = Walk::REQUESTS + 4;

/// Whatever the agent says, the conversation ends, and soon, and no more is kept than its bounds. The first octet is the
/// version; then each answer stands behind its length, and is heard as it is and as the content of an answer by the right
/// number.
pub(crate) fn agent(data: &[u8]) {
    let Some((version, mut rest)) = data.split_first() else {
        return;
    };
    let access = access(*version);
    let mut dialogue = Dialogue::new(&access, [0; 16], &mib::ALL);
    let mut questions = 0;
    while dialogue.ask().is_some() {
        questions += 1;
        assert!(questions <= QUESTIONS);
        let Some((length, more)) = rest.split_first() else {
            break;
        };
        let (answer, more) = more.split_at(usize::from(*length).min(more.len()));
        rest = more;
        let mut turn = dialogue.hear(answer);
        if matches!(turn, Turn::Foreign) {
            let id = dialogue.asked().unwrap_or_default();
            turn = dialogue.hear(&stamped(&access, id, answer));
        }
        match turn {
            Turn::On { .. } => {}
            Turn::Foreign | Turn::Over { .. } => break,
        }
    }
    let columns: usize = mib::ALL.iter().map(mib::Batch::len).sum();
    assert!(dialogue.walk.gathered.len() <= columns * Walk::ROWS);
    let facts = super::reading::facts(&dialogue.walk.gathered, std::time::UNIX_EPOCH);
    assert!(facts.groups.len() <= Walk::ROWS * 2);
}

fn access(version: u8) -> SnmpAccess {
    /// A key is a megabyte of work.
    static SECURED: OnceLock<Option<SnmpUser>> = OnceLock::new();
    let secured = || {
        let user = SnmpUser::new("user").ok()?;
        let user = user.with_auth(SnmpAuth::Sha1, "password").ok()?;
        user.with_privacy(SnmpPrivacy::Aes128, "password").ok()
    };
    let user = match version % 4 {
        0 => return SnmpAccess::v1("community"),
        1 => return SnmpAccess::v2c("community"),
        2 => SnmpUser::new("user").ok(),
        _ => SECURED.get_or_init(secured).clone(),
    };
    user.map_or_else(|| SnmpAccess::v2c("community"), SnmpAccess::v3)
}

/// These octets as what follows the number in a PDU.
fn stamped(access: &SnmpAccess, id: i32, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let plain = match access.version() {
        "1" => Plain::V1,
        "2c" => Plain::V2c,
        _ => return sealed(id, content),
    };
    let pdu = ber::element(Pdu::RESPONSE, &[&ber::integer(id.into()), content]);
    plain.encode(b"community", &pdu)
}

/// The first octet decides whether it is a report, by which an agent is met.
fn sealed(id: i32, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let (tag, content) = match content.split_first() {
        Some((0, content)) => (Pdu::REPORT, content),
        _ => (Pdu::RESPONSE, content),
    };
    let report = [
        ber::integer(0),
        ber::integer(0),
        ber::element(SEQUENCE, &[content]),
    ];
    let [status, index, variables] = &report;
    let parts: [&[u8]; 4] = [&ber::integer(id.into()), status, index, variables];
    let envelope = Envelope {
        id,
        flags: Flags::of(false, false),
        engine: b"engine",
        boots: 1,
        time: 1,
        user: b"user",
        proof: &[],
        salt: &[],
    };
    envelope.seal(&secured::scoped(b"engine", &ber::element(tag, &parts)))
}
