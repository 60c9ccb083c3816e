//! What Debian 12's snmpd (net-snmp 5.9.3) of the lab was asked and said, datagram by datagram. The numbers of the questions
//! are those of a fixed seed, so also what we say is held to the octet.

use std::time::{Duration, UNIX_EPOCH};

use crate::Access;
use crate::snmp::access::{SnmpAccess, SnmpUser};
use crate::snmp::dialogue::{Dialogue, Trouble, Turn};
use crate::snmp::message::Status;
use crate::snmp::mib;
use crate::snmp::reading::facts;
use crate::snmp::session::Refusal;
use crate::snmp::usm::{SnmpAuth, SnmpPrivacy};
use crate::snmp::walk::NoAccess;
use crate::snmp::{SnmpFacts, SystemFacts};

fn replay(file: &str, access: &SnmpAccess) -> (SnmpFacts, Option<Trouble>) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    let text = std::fs::read_to_string(format!("{folder}/snmpd-5.9-{file}.datagrams")).unwrap();
    let mut dialogue = Dialogue::new(access, [7; 16], &mib::ALL);
    let mut trouble = None;
    for line in text.lines() {
        let (who, octets) = line.split_once(' ').unwrap();
        match who {
            "C" => assert_eq!(hex(&dialogue.ask().unwrap().datagram), octets),
            _ => match dialogue.hear(&unhex(octets)) {
                Turn::On { .. } => {}
                Turn::Foreign => panic!("not heard: {octets}"),
                Turn::Over { trouble: it, .. } => trouble = Some(it),
            },
        }
    }
    if trouble.is_none() {
        assert!(dialogue.ask().is_none());
    }
    assert!(dialogue.walk.oddities.is_empty());
    (facts(&dialogue.walk.gathered, UNIX_EPOCH), trouble)
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    let octet = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    text.as_bytes().chunks(2).map(octet).collect()
}

fn user(name: &str, auth: SnmpAuth) -> SnmpUser {
    let user = SnmpUser::new(name).unwrap();
    user.with_auth(auth, "lab auth password").unwrap()
}

fn encrypting(user: SnmpUser) -> SnmpAccess {
    let user = user.with_privacy(SnmpPrivacy::Aes128, "lab priv password");
    SnmpAccess::v3(user.unwrap())
}

fn assert_whole(facts: &SnmpFacts) {
    let queue = facts.queue.as_ref().unwrap();
    let state = queue.queue("queue").unwrap();
    assert_eq!((state.messages, state.bytes), (7, Some(91_000)));
    assert_eq!((state.oldest_age, queue.queues.len()), (None, 1));
    let groups: Vec<_> = facts
        .groups
        .iter()
        .map(|group| (&*group.name, group.stored))
        .collect();
    assert_eq!(groups, [("mqueue", Some(7))]);
    assert_machine(facts);
}

fn assert_machine(facts: &SnmpFacts) {
    let system = SystemFacts {
        description: Some("Linux snmp.lab.test".to_owned()),
        name: Some("snmp.lab.test".to_owned()),
        agent_uptime: facts.system.agent_uptime,
    };
    assert_eq!(facts.system, system);
    assert!(facts.system.agent_uptime.unwrap() > Duration::from_secs(60));
    let host = facts.host.as_ref().unwrap();
    assert_eq!(host.processors, Some(2.0));
    assert!((0.0..=1.0).contains(&host.cpu.unwrap().busy));
    assert!(
        host.load
            .iter()
            .all(|load| load.is_some_and(|load| load < 10.0))
    );
    let memory = host.memory.unwrap();
    assert_eq!(memory.total, 24_684_096.0 * 1024.0);
    assert!((0.5..1.0).contains(&memory.ratio()));
    assert_eq!(host.swap, None);
    let root = host.disks.iter().find(|disk| disk.name == "/").unwrap();
    assert_eq!(root.access, Some(Access::ReadWrite));
    assert!((0.5..1.0).contains(&root.ratio()));
}

#[test]
fn the_agent_tells_all_versions_the_same() {
    let sha1 = SnmpAccess::v3(user("auth-sha1", SnmpAuth::Sha1));
    let sha256 = encrypting(user("priv-sha256", SnmpAuth::Sha256));
    for (file, access) in [
        ("v1", SnmpAccess::v1("lab-community")),
        ("v2c", SnmpAccess::v2c("lab-community")),
        ("auth-sha1", sha1),
        ("priv-sha256", sha256),
    ] {
        let (facts, trouble) = replay(file, &access);
        assert_eq!(trouble, None, "{file}");
        assert_whole(&facts);
    }
}

#[test]
fn the_default_community_of_debian_sees_the_system_group_alone() {
    let (facts, trouble) = replay("v2c-public", &SnmpAccess::v2c("public"));
    assert_eq!(trouble, None);
    assert_eq!((&facts.queue, &facts.host), (&None, &None));
    assert_eq!(facts.system.name.as_deref(), Some("snmp.lab.test"));
}

#[test]
fn a_view_without_the_queue_has_none_instead_of_an_empty_one() {
    let (facts, trouble) = replay("v2c-machine", &SnmpAccess::v2c("machine-community"));
    assert_eq!((trouble, &facts.queue), (None, &None));
    assert_machine(&facts);
}

#[test]
fn each_refusal_of_version_3_has_its_cause() {
    let wrong = SnmpUser::new("priv-sha256").unwrap();
    let wrong = wrong.with_auth(SnmpAuth::Sha256, "wrong password").unwrap();
    let refused = |file, access| {
        let (facts, trouble) = replay(file, &access);
        assert_eq!(facts, SnmpFacts::default());
        trouble.unwrap()
    };
    assert_eq!(
        refused("wrong-password", encrypting(wrong)),
        Trouble::Refused(Refusal::WrongProof)
    );
    assert_eq!(
        refused("unknown-user", encrypting(user("nobody", SnmpAuth::Sha256))),
        Trouble::Refused(Refusal::UnknownUser)
    );
    assert_eq!(
        refused(
            "noauth",
            SnmpAccess::v3(SnmpUser::new("auth-sha1").unwrap())
        ),
        Trouble::NoAccess(NoAccess(Status::AUTHORIZATION))
    );
}
