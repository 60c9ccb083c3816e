//! Each limit, crossed by one.

use std::time::UNIX_EPOCH;

use super::agent::{GAUGE, content, lead, number, read, stamped, text};
use crate::ConfigError;
use crate::snmp::access::{SnmpAccess, SnmpUser};
use crate::snmp::dialogue::{Dialogue, Turn};
use crate::snmp::message::{Pdu, Plain, Value};
use crate::snmp::mib;
use crate::snmp::oid::Oid;
use crate::snmp::reading::facts;
use crate::snmp::secured::{Envelope, Flags, Sealed, scoped};
use crate::snmp::usm::{SnmpAuth, SnmpPrivacy};
use crate::snmp::walk::Walk;

const MTA: [mib::Batch; 1] = [mib::Batch::Columns(&[mib::MTA_STORED])];

fn dialogue(batches: &'static [mib::Batch]) -> Dialogue {
    Dialogue::new(&SnmpAccess::v2c("community"), [1; 16], batches)
}

/// A table of one column with so many rows, a row an answer.
fn rows(count: u32) -> Dialogue {
    let (dialogue, outcome) = lead(dialogue(&MTA), Plain::V2c, |asked| {
        let at = asked.variables[0].name.instance_of(mib::MTA_STORED);
        let next = at.map_or(1, |row| row[0] + 1);
        let name = match next <= count {
            true => Oid::from([mib::MTA_STORED, &[next]].concat()),
            false => Oid::new(&[1, 9]),
        };
        // Four at once, so that the rows are over before the questions are.
        let four = (0..4).map(|more| match next + more <= count {
            true => Oid::from([mib::MTA_STORED, &[next + more]].concat()),
            false => name.clone().max(Oid::new(&[1, 9])),
        });
        let variables: Vec<_> = four.map(|name| (name, number(GAUGE, 1))).collect();
        content(0, 0, &variables)
    });
    assert_eq!(outcome, Ok(()));
    dialogue
}

#[test]
fn of_a_table_1024_rows_are_read() {
    let whole = rows(1024);
    assert_eq!(whole.walk.gathered.len(), Walk::ROWS);
    assert!(whole.walk.oddities.is_empty());
    let cut = rows(1025);
    assert_eq!(cut.walk.gathered.len(), Walk::ROWS);
    let (kind, evidence) = &cut.walk.oddities[0];
    assert_eq!(
        (kind.code, &**evidence),
        ("snmp.cut", "more than 1024 rows of 1.3.6.1.2.1.28.1.1.2")
    );
}

#[test]
fn a_thousand_questions_are_put() {
    // A row an answer: the table has more of them than there are questions.
    let (dialogue, outcome) = lead(dialogue(&MTA), Plain::V2c, |asked| {
        let at = asked.variables[0].name.instance_of(mib::MTA_STORED);
        let next = at.map_or(1, |row| row[0] + 1);
        let name = Oid::from([mib::MTA_STORED, &[next]].concat());
        content(0, 0, &[(name, number(GAUGE, 1))])
    });
    assert_eq!(outcome, Ok(()));
    assert_eq!(dialogue.walk.requests(), Walk::REQUESTS);
    assert_eq!(dialogue.walk.gathered.len(), Walk::REQUESTS);
    let (kind, evidence) = &dialogue.walk.oddities[0];
    assert_eq!(
        (kind.code, &**evidence),
        ("snmp.cut", "more than 1000 questions")
    );
}

#[test]
fn an_answer_has_at_most_1024_variables() {
    let heard = |count| {
        let mut dialogue = dialogue(&MTA);
        let asked = read(Plain::V2c, &dialogue.ask().unwrap().datagram);
        let variable = (Oid::new(&[1, 9]), number(GAUGE, 1));
        let answer = content(0, 0, &vec![variable; count]);
        dialogue.hear(&stamped(Plain::V2c, asked.id, &answer))
    };
    assert!(matches!(heard(Pdu::VARIABLES), Turn::On { .. }));
    assert!(matches!(heard(Pdu::VARIABLES + 1), Turn::Foreign));
}

#[test]
fn of_a_text_255_octets_are_kept() {
    let description = |length| {
        let (dialogue, _) = lead(dialogue(&mib::ALL), Plain::V2c, |_| {
            let name = Oid::scalar(mib::SYS_DESCR);
            content(0, 0, &[(name, text(&"x".repeat(length)))])
        });
        facts(&dialogue.walk.gathered, UNIX_EPOCH)
            .system
            .description
    };
    assert_eq!(description(Value::TEXT), Some("x".repeat(255)));
    assert_eq!(description(Value::TEXT + 1), Some("x".repeat(255)));
}

#[test]
fn an_instance_has_at_most_four_numbers() {
    let kept = |instance: &[u32]| {
        let (dialogue, _) = lead(dialogue(&MTA), Plain::V2c, |asked| {
            let name = Oid::from([mib::MTA_STORED, instance].concat());
            let is_first = asked.variables[0].name == Oid::new(mib::MTA_STORED);
            let name = if is_first { name } else { Oid::new(&[1, 9]) };
            content(0, 0, &[(name, number(GAUGE, 1))])
        });
        dialogue.walk.gathered.len()
    };
    assert_eq!(kept(&[1, 2, 3, 4]), 1);
    assert_eq!(kept(&[1, 2, 3, 4, 5]), 0);
}

#[test]
fn an_engine_has_a_name_of_at_most_32_octets() {
    let is_read = |length: usize| {
        let engine = vec![7; length];
        let envelope = Envelope {
            id: 1,
            flags: Flags::of(false, false),
            engine: &engine,
            boots: 0,
            time: 0,
            user: b"",
            proof: &[],
            salt: &[],
        };
        Sealed::read(&envelope.seal(&scoped(&[], &[]))).is_some()
    };
    assert!(is_read(Sealed::ENGINE));
    assert!(!is_read(Sealed::ENGINE + 1));
}

#[test]
fn names_passwords_and_communities_have_their_lengths() {
    let name = |length| SnmpUser::new("u".repeat(length));
    assert!(name(SnmpUser::NAME).is_ok());
    for length in [0, SnmpUser::NAME + 1] {
        assert_eq!(
            name(length).unwrap_err(),
            ConfigError::SnmpUser("u".repeat(length))
        );
    }
    let user = || SnmpUser::new("user").unwrap();
    let auth = |password: &str| user().with_auth(SnmpAuth::Sha1, password);
    assert!(auth("8 octets").is_ok());
    assert_eq!(auth("7octets").unwrap_err(), ConfigError::SnmpPassword);
    let privacy = |password: &str| {
        let user = auth("8 octets").unwrap();
        user.with_privacy(SnmpPrivacy::Aes128, password)
    };
    assert!(privacy("8 octets").is_ok());
    assert_eq!(privacy("7octets").unwrap_err(), ConfigError::SnmpPassword);
    let alone = user().with_privacy(SnmpPrivacy::Aes128, "8 octets");
    assert_eq!(alone.unwrap_err(), ConfigError::PrivacyAlone);
    let community = |length| SnmpAccess::v1("c".repeat(length)).check();
    assert_eq!(community(SnmpAccess::COMMUNITY), Ok(()));
    for length in [0, SnmpAccess::COMMUNITY + 1] {
        assert_eq!(community(length), Err(ConfigError::Community));
    }
}
