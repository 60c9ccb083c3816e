//! What is asked, in which order, and when that ends.

use std::time::{Duration, UNIX_EPOCH};

use super::agent::{Agent, COUNTER, GAUGE, TICKS, content, converse, lead, number, text, value};
use crate::snmp::access::SnmpAccess;
use crate::snmp::dialogue::{Dialogue, Progress, Trouble, Turn};
use crate::snmp::message::{Absence, Plain, Status};
use crate::snmp::mib;
use crate::snmp::oid::Oid;
use crate::snmp::reading::facts;
use crate::snmp::walk::NoAccess;
use crate::snmp::{MtaGroupFacts, findings};
use crate::{QueueFacts, Reason};

fn mta() -> Vec<(&'static [u32], &'static [u32], Vec<u8>)> {
    vec![
        (mib::SYS_DESCR, &[0], text("Linux mail")),
        (mib::SYS_UP_TIME, &[0], number(TICKS, 4242)),
        (mib::MTA_STORED, &[1], number(GAUGE, 12)),
        (mib::MTA_STORED_VOLUME, &[1], number(GAUGE, 34)),
        (mib::MTA_RECEIVED, &[1], number(COUNTER, 1000)),
        (mib::GROUP_STORED, &[1, 1], number(GAUGE, 9)),
        (mib::GROUP_STORED, &[1, 2], number(GAUGE, 3)),
        (mib::GROUP_OLDEST, &[1, 1], super::agent::integer(360_000)),
        (mib::GROUP_OLDEST, &[1, 2], super::agent::integer(100)),
        (
            mib::GROUP_OUTBOUND_REASON,
            &[1, 1],
            text("connect to mx.a.test: Connection refused"),
        ),
        (mib::GROUP_OUTBOUND_REASON, &[1, 2], text("never")),
        (mib::GROUP_NAME, &[1, 1], text("a.test")),
        (mib::GROUP_NAME, &[1, 3], text("*file*")),
    ]
}

#[test]
fn all_versions_come_to_the_same_queue() {
    for version in [Plain::V1, Plain::V2c] {
        let (dialogue, outcome) = converse(&Agent::new(version, &mta()));
        assert_eq!(outcome, Ok(()));
        assert!(dialogue.walk.oddities.is_empty());
        let facts = facts(
            &dialogue.walk.gathered,
            UNIX_EPOCH + Duration::from_secs(9000),
        );
        let queue = facts.queue.unwrap();
        let state = queue.queue("queue").unwrap();
        assert_eq!((state.messages, state.bytes), (12, Some(34_000)));
        assert_eq!(state.oldest_age, Some(Duration::from_secs(3600)));
        assert_eq!(state.oldest, Some(UNIX_EPOCH + Duration::from_secs(5400)));
        assert_eq!(facts.mtas[0].received, Some(1000));
        assert_eq!(
            facts.system.agent_uptime,
            Some(Duration::from_millis(42_420))
        );
        let [first, second] = &facts.groups[..] else {
            panic!("{:?}", facts.groups);
        };
        let expected = MtaGroupFacts {
            mta: 1,
            name: "a.test".to_owned(),
            stored: Some(9),
            oldest: Some(Duration::from_secs(3600)),
            failure: Some("connect to mx.a.test: Connection refused".to_owned()),
            reason: Some(Reason::Refused),
            ..MtaGroupFacts::default()
        };
        assert_eq!(first, &expected);
        // It has no name, and "never" is no failure.
        assert_eq!((&*second.name, &second.failure), ("1.2", &None));
        assert_eq!(facts.host, None);
    }
}

#[test]
fn an_agent_without_a_queue_has_none_instead_of_an_empty_one() {
    let objects: [(&[u32], &[u32], Vec<u8>); 1] = [(mib::SYS_DESCR, &[0], text("Linux"))];
    for version in [Plain::V1, Plain::V2c] {
        let (dialogue, outcome) = converse(&Agent::new(version, &objects));
        assert_eq!(outcome, Ok(()));
        let facts = facts(&dialogue.walk.gathered, UNIX_EPOCH);
        assert_eq!((facts.queue, facts.host), (None, None));
        assert_eq!(facts.system.description.as_deref(), Some("Linux"));
    }
}

#[test]
fn an_empty_queue_is_one() {
    let objects: [(&[u32], &[u32], Vec<u8>); 1] = [(mib::MTA_STORED, &[1], number(GAUGE, 0))];
    let (dialogue, _) = converse(&Agent::new(Plain::V2c, &objects));
    let facts = facts(&dialogue.walk.gathered, UNIX_EPOCH);
    assert_eq!(facts.queue.as_ref().map(QueueFacts::messages), Some(0));
}

#[test]
fn several_mail_servers_are_told_apart() {
    let objects: [(&[u32], &[u32], Vec<u8>); 2] = [
        (mib::MTA_STORED, &[1], number(GAUGE, 2)),
        (mib::MTA_STORED, &[7], number(GAUGE, 3)),
    ];
    let (dialogue, _) = converse(&Agent::new(Plain::V2c, &objects));
    let queue = facts(&dialogue.walk.gathered, UNIX_EPOCH).queue.unwrap();
    assert_eq!(queue.queue("queue 1").map(|queue| queue.messages), Some(2));
    assert_eq!(queue.queue("queue 7").map(|queue| queue.messages), Some(3));
}

#[test]
fn groups_count_where_no_server_tells_of_itself_as_a_whole() {
    let objects: [(&[u32], &[u32], Vec<u8>); 2] = [
        (mib::GROUP_STORED, &[1, 1], number(GAUGE, 2)),
        (mib::GROUP_NAME, &[1, 1], text("a.test")),
    ];
    let (dialogue, _) = converse(&Agent::new(Plain::V2c, &objects));
    let queue = facts(&dialogue.walk.gathered, UNIX_EPOCH).queue.unwrap();
    assert_eq!(queue.queue("a.test").map(|queue| queue.messages), Some(2));
}

#[test]
fn why_there_is_no_value_is_told_apart() {
    let dialogue = Dialogue::new(&SnmpAccess::v2c("community"), [1; 16], &mib::ALL);
    let (dialogue, _) = lead(dialogue, Plain::V2c, |asked| {
        let absent = [0x80, 0x81, 0x82];
        let variables = asked.variables.iter().zip(absent.into_iter().cycle());
        let variables: Vec<_> = variables
            .map(|(variable, tag)| (variable.name.clone(), value(tag, &[])))
            .collect();
        content(0, 0, &variables)
    });
    assert_eq!(
        dialogue.walk.gathered.absent[..3],
        [
            (mib::SYS_DESCR, Absence::Object),
            (mib::SYS_UP_TIME, Absence::Instance),
            (mib::SYS_NAME, Absence::End),
        ]
    );
    assert_eq!(dialogue.walk.gathered.len(), 0);
}

#[test]
fn an_agent_that_walks_in_circles_is_left_at_the_first_step_back() {
    let dialogue = Dialogue::new(&SnmpAccess::v2c("community"), [1; 16], &mib::ALL);
    let row = |object: &[u32], row| (Oid::from([object, &[row]].concat()), number(GAUGE, row));
    let (dialogue, outcome) = lead(dialogue, Plain::V2c, |asked| {
        let first = asked.variables[0].name.clone();
        match first.instance_of(mib::MTA_STORED) {
            None if first == Oid::new(mib::MTA_STORED) => content(0, 0, &[row(mib::MTA_STORED, 5)]),
            Some([5]) => content(0, 0, &[row(mib::MTA_STORED, 4)]),
            _ => content(0, 0, &[(Oid::new(&[1, 9]), value(0x82, &[]))]),
        }
    });
    assert_eq!(outcome, Ok(()));
    let (kind, evidence) = &dialogue.walk.oddities[0];
    assert_eq!(kind.code, findings::LOOP.code);
    assert_eq!(
        evidence,
        "1.3.6.1.2.1.28.1.1.2.4 follows 1.3.6.1.2.1.28.1.1.2.5"
    );
    let queue = facts(&dialogue.walk.gathered, UNIX_EPOCH).queue.unwrap();
    assert_eq!(queue.messages(), 5);
}

#[test]
fn who_has_too_much_to_say_is_asked_for_less_until_it_fits() {
    let dialogue = Dialogue::new(&SnmpAccess::v2c("community"), [1; 16], &mib::ALL);
    let agent = Agent::new(Plain::V2c, &mta());
    let (dialogue, outcome) = {
        let mut most = 0;
        let it = lead(dialogue, Plain::V2c, |asked| {
            let size = asked.variables.len() * asked.index.max(1);
            match size > 3 {
                true => content(1, 0, &[]),
                false => {
                    most = most.max(size);
                    agent.answer_to(asked)
                }
            }
        });
        assert_eq!(most, 3);
        it
    };
    assert_eq!(outcome, Ok(()));
    let queue = facts(&dialogue.walk.gathered, UNIX_EPOCH).queue.unwrap();
    assert_eq!(queue.messages(), 12);
}

#[test]
fn an_object_that_does_not_fit_even_alone_is_left_out() {
    let dialogue = Dialogue::new(&SnmpAccess::v2c("community"), [1; 16], &mib::ALL);
    let (dialogue, outcome) = lead(dialogue, Plain::V2c, |_| content(1, 0, &[]));
    assert_eq!(outcome, Ok(()));
    let (kind, evidence) = &dialogue.walk.oddities[0];
    assert_eq!(
        (kind.code, &**evidence),
        ("snmp.unread", "1.3.6.1.2.1.1.1.0: tooBig")
    );
}

#[test]
fn an_object_that_the_agent_fails_at_does_not_hold_up_the_others() {
    let dialogue = Dialogue::new(&SnmpAccess::v2c("community"), [1; 16], &mib::ALL);
    let agent = Agent::new(Plain::V2c, &mta());
    let (dialogue, outcome) = lead(dialogue, Plain::V2c, |asked| {
        let volume = Oid::new(mib::MTA_STORED_VOLUME);
        let mut names = asked.variables.iter().map(|variable| &variable.name);
        match names.position(|name| *name == volume) {
            Some(place) => content(5, place + 1, &[]),
            None => agent.answer_to(asked),
        }
    });
    assert_eq!(outcome, Ok(()));
    let queue = facts(&dialogue.walk.gathered, UNIX_EPOCH).queue.unwrap();
    let state = queue.queue("queue").unwrap();
    assert_eq!((state.messages, state.bytes), (12, None));
    assert_eq!(dialogue.walk.oddities[0].0.code, "snmp.unread");
}

#[test]
fn who_may_not_ask_asks_no_more() {
    let dialogue = Dialogue::new(&SnmpAccess::v2c("community"), [1; 16], &mib::ALL);
    let (dialogue, outcome) = lead(dialogue, Plain::V2c, |_| content(16, 0, &[]));
    let refused = NoAccess(Status::AUTHORIZATION);
    assert_eq!(outcome, Err(Trouble::NoAccess(refused)));
    assert_eq!(dialogue.walk.requests(), 1);
}

#[test]
fn what_is_no_answer_to_the_question_is_passed_over() {
    let mut dialogue = Dialogue::new(&SnmpAccess::v2c("community"), [1; 16], &mib::ALL);
    let ask = dialogue.ask().unwrap();
    let asked = super::agent::read(Plain::V2c, &ask.datagram);
    let answer = content(0, 0, &[]);
    let other_id = super::agent::stamped(Plain::V2c, asked.id ^ 1, &answer);
    let other_version = super::agent::stamped(Plain::V1, asked.id, &answer);
    for datagram in [
        &other_id[..],
        &other_version,
        &ask.datagram,
        b"",
        b"\x30\x84",
    ] {
        assert!(matches!(dialogue.hear(datagram), Turn::Foreign));
    }
    assert_eq!(dialogue.progress(), Progress::Silent);
    let answer = super::agent::stamped(Plain::V2c, asked.id, &answer);
    assert!(matches!(dialogue.hear(&answer), Turn::On { .. }));
    // A second answer is one too many.
    assert!(matches!(dialogue.hear(&answer), Turn::Foreign));
}

#[test]
fn an_answer_without_values_ends_its_columns() {
    let dialogue = Dialogue::new(&SnmpAccess::v2c("community"), [1; 16], &mib::ALL);
    let (dialogue, outcome) = lead(dialogue, Plain::V2c, |_| content(0, 0, &[]));
    assert_eq!(outcome, Ok(()));
    assert_eq!(dialogue.walk.requests(), 8);
    assert_eq!(dialogue.walk.oddities[0].0.code, "snmp.unread");
}

#[test]
fn no_two_questions_have_a_number_in_common() {
    let mut dialogue = Dialogue::new(&SnmpAccess::v2c("community"), [1; 16], &mib::ALL);
    let mut number = || {
        let ask = dialogue.ask().unwrap();
        let asked = super::agent::read(Plain::V2c, &ask.datagram);
        dialogue.hear(&super::agent::stamped(
            Plain::V2c,
            asked.id,
            &content(0, 0, &[]),
        ));
        asked.id
    };
    assert_ne!(number(), number());
}

#[test]
fn a_community_that_an_agent_repeats_is_seen_by_nobody() {
    let objects: [(&[u32], &[u32], Vec<u8>); 1] =
        [(mib::SYS_DESCR, &[0], text("knows Community, too"))];
    let (dialogue, _) = converse(&Agent::new(Plain::V2c, &objects));
    let facts = facts(&dialogue.walk.gathered, UNIX_EPOCH);
    assert_eq!(
        facts.system.description.as_deref(),
        Some("knows *********, too")
    );
}
