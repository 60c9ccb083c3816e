//! Version 3: who is believed, and what is refused.

use std::sync::OnceLock;

use super::agent::{content, number};
use crate::snmp::access::{SnmpAccess, SnmpUser};
use crate::snmp::ber::{self, OCTETS};
use crate::snmp::dialogue::{Dialogue, Progress, Trouble, Turn};
use crate::snmp::message::Pdu;
use crate::snmp::mib;
use crate::snmp::oid::Oid;
use crate::snmp::secured::{Envelope, Flags, Sealed, scoped};
use crate::snmp::session::Refusal;
use crate::snmp::usm::{SnmpAuth, SnmpPrivacy, Vector};

const ENGINE: &[u8] = b"engine of the test";
const SALT: [u8; 8] = [9; 8];

/// How an agent answers.
#[derive(Clone)]
struct Answer {
    tag: u8,
    content: Vec<u8>,
    engine: &'static [u8],
    boots: u32,
    time: u32,
    user: &'static [u8],
    level: Level,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Level {
    Plain,
    Proven,
    Encrypted,
}

impl Answer {
    fn report(counter: u32) -> Self {
        let name = Oid::new(&[1, 3, 6, 1, 6, 3, 15, 1, 1, counter, 0]);
        Self {
            tag: Pdu::REPORT,
            content: content(0, 0, &[(name, number(0x41, 1))]),
            engine: ENGINE,
            boots: 3,
            time: 1000,
            user: b"",
            level: Level::Plain,
        }
    }

    fn response() -> Self {
        Self {
            tag: Pdu::RESPONSE,
            content: content(0, 0, &[]),
            user: b"user",
            level: Level::Encrypted,
            ..Self::report(0)
        }
    }

    fn seal(&self, id: i32) -> Vec<u8> {
        let pdu = ber::element(self.tag, &[&ber::integer(id.into()), &self.content]);
        let plain = scoped(self.engine, &pdu);
        let (auth, proof_key, privacy_key) = user().keys(ENGINE).unwrap();
        let vector = Vector {
            boots: self.boots,
            time: self.time,
            salt: SALT,
        };
        let mut text = plain.clone();
        vector.encrypt(&privacy_key.unwrap(), &mut text).unwrap();
        let data = match self.level {
            Level::Encrypted => ber::element(OCTETS, &[&text]),
            _ => plain,
        };
        let is_proven = self.level != Level::Plain;
        let zeros = [0; 24];
        let envelope = Envelope {
            id,
            flags: Flags::of(is_proven, self.level == Level::Encrypted),
            engine: self.engine,
            boots: self.boots,
            time: self.time,
            user: self.user,
            proof: if is_proven { &zeros } else { &[] },
            salt: if self.level == Level::Encrypted {
                &SALT
            } else {
                &[]
            },
        };
        if !is_proven {
            return envelope.seal(&data).to_vec();
        }
        let proof = auth.proof(&proof_key, &envelope.seal(&data));
        let proven = Envelope {
            proof: &proof,
            ..envelope
        };
        proven.seal(&data).to_vec()
    }
}

fn user() -> SnmpUser {
    /// A key is a megabyte of work.
    static USER: OnceLock<SnmpUser> = OnceLock::new();
    let user = || {
        let user = SnmpUser::new("user").unwrap();
        let user = user.with_auth(SnmpAuth::Sha256, "auth password").unwrap();
        let user = user.with_privacy(SnmpPrivacy::Aes128, "priv password");
        user.unwrap()
    };
    USER.get_or_init(user).clone()
}

fn ask(dialogue: &mut Dialogue) -> (i32, Vec<u8>) {
    let datagram = dialogue.ask().unwrap().datagram;
    (dialogue.asked().unwrap(), datagram.to_vec())
}

/// A dialogue with an agent that has told its name, and the number of the first question.
fn met() -> (Dialogue, i32) {
    let mut dialogue = Dialogue::new(&SnmpAccess::v3(user()), [1; 16], &mib::ALL);
    let (id, _) = ask(&mut dialogue);
    let told = Answer::report(4).seal(id);
    assert!(matches!(dialogue.hear(&told), Turn::On { .. }));
    assert_eq!(dialogue.progress(), Progress::Met);
    let (id, _) = ask(&mut dialogue);
    (dialogue, id)
}

#[test]
fn a_proven_and_encrypted_answer_is_heard() {
    let (mut dialogue, id) = met();
    assert!(matches!(
        dialogue.hear(&Answer::response().seal(id)),
        Turn::On { .. }
    ));
    assert_eq!(dialogue.progress(), Progress::Answered);
}

#[test]
fn the_first_question_has_neither_a_user_nor_a_name_of_an_object() {
    let mut dialogue = Dialogue::new(&SnmpAccess::v3(user()), [1; 16], &mib::ALL);
    let (_, datagram) = ask(&mut dialogue);
    let sealed = Sealed::read(&datagram).unwrap();
    assert_eq!(
        (sealed.user, sealed.engine, sealed.proof),
        (&b""[..], &b""[..], &b""[..])
    );
}

#[test]
fn a_question_can_be_read_by_the_agent_alone_and_has_a_salt_of_its_own() {
    let (mut dialogue, id) = met();
    dialogue.hear(&Answer::response().seal(id));
    let (_, datagram) = ask(&mut dialogue);
    let sealed = Sealed::read(&datagram).unwrap();
    assert!(sealed.flags.is_encrypted() && sealed.flags.is_proven());
    assert_eq!(
        (sealed.boots, sealed.time, sealed.proof.len()),
        (3, 1000, 24)
    );
    dialogue.hear(&Answer::response().seal(dialogue.asked().unwrap()));
    let (_, next) = ask(&mut dialogue);
    assert_ne!(Sealed::read(&next).unwrap().salt, sealed.salt);
}

#[test]
fn what_is_not_proven_is_no_answer() {
    let good = Answer::response;
    let (mut dialogue, id) = met();
    let plain = Answer {
        level: Level::Plain,
        ..good()
    };
    let unencrypted = Answer {
        level: Level::Proven,
        ..good()
    };
    let other_user = Answer {
        user: b"other",
        ..good()
    };
    let other_engine = Answer {
        engine: b"another engine",
        ..good()
    };
    let before_restart = Answer {
        boots: 2,
        time: 9000,
        ..good()
    };
    let old = Answer {
        time: 849,
        ..good()
    };
    for answer in [
        plain,
        unencrypted,
        other_user,
        other_engine,
        before_restart,
        old,
    ] {
        assert!(matches!(dialogue.hear(&answer.seal(id)), Turn::Foreign));
    }
    let mut changed = good().seal(id);
    *changed.last_mut().unwrap() ^= 1;
    assert!(matches!(dialogue.hear(&changed), Turn::Foreign));
    assert_eq!(dialogue.unproven(), 6);
    let young_enough = Answer {
        time: 850,
        ..good()
    };
    assert!(matches!(
        dialogue.hear(&young_enough.seal(id)),
        Turn::On { .. }
    ));
}

#[test]
fn an_agent_may_tell_its_clock_twice() {
    let late = Answer {
        level: Level::Proven,
        user: b"user",
        time: 5000,
        ..Answer::report(2)
    };
    let (mut dialogue, mut id) = met();
    for _ in 0..2 {
        assert!(matches!(dialogue.hear(&late.seal(id)), Turn::On { .. }));
        let datagram;
        (id, datagram) = ask(&mut dialogue);
        assert_eq!(Sealed::read(&datagram).unwrap().time, 5000);
    }
    let refused = Trouble::Refused(Refusal::Time);
    assert!(
        matches!(dialogue.hear(&late.seal(id)), Turn::Over { trouble, .. } if trouble == refused)
    );
}

#[test]
fn each_report_has_its_cause() {
    for (counter, refusal) in [
        (1, Refusal::Level),
        (2, Refusal::Time),
        (3, Refusal::UnknownUser),
        (4, Refusal::UnknownEngine),
        (5, Refusal::WrongProof),
        (6, Refusal::Decryption),
        (7, Refusal::Other),
    ] {
        let (mut dialogue, id) = met();
        let refused = Trouble::Refused(refusal);
        let turn = dialogue.hear(&Answer::report(counter).seal(id));
        assert!(
            matches!(turn, Turn::Over { trouble, .. } if trouble == refused),
            "{counter}"
        );
    }
    let (mut dialogue, id) = met();
    let context = Oid::new(&[1, 3, 6, 1, 6, 3, 12, 1, 5, 0]);
    let report = Answer {
        content: content(0, 0, &[(context, number(0x41, 1))]),
        ..Answer::report(0)
    };
    let refused = Trouble::Refused(Refusal::UnknownContext);
    let turn = dialogue.hear(&report.seal(id));
    assert!(matches!(turn, Turn::Over { trouble, .. } if trouble == refused));
}

#[test]
fn nobody_has_a_name_of_less_than_five_octets() {
    let mut dialogue = Dialogue::new(&SnmpAccess::v3(user()), [1; 16], &mib::ALL);
    let (id, _) = ask(&mut dialogue);
    let short = Answer {
        engine: b"name",
        ..Answer::report(4)
    };
    assert!(matches!(dialogue.hear(&short.seal(id)), Turn::Foreign));
    let long_enough = Answer {
        engine: b"names",
        ..Answer::report(4)
    };
    assert!(matches!(
        dialogue.hear(&long_enough.seal(id)),
        Turn::On { .. }
    ));
}

#[test]
fn a_password_is_in_no_output_and_in_no_datagram() {
    let access = SnmpAccess::v3(user());
    let shown = format!("{access:?}");
    assert!(!shown.contains("password"), "{shown}");
    let shown = format!("{:?}", SnmpAccess::v2c("secret community"));
    assert!(!shown.contains("secret"), "{shown}");
    let (mut dialogue, _) = met();
    let (_, datagram) = ask(&mut dialogue);
    for password in [&b"auth password"[..], b"priv password"] {
        assert!(
            !datagram
                .windows(password.len())
                .any(|part| part == password)
        );
    }
}
