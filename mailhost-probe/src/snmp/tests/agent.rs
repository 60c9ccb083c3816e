//! An agent that tells what a test gives it, and how it is asked.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::snmp::access::SnmpAccess;
use crate::snmp::ber::{self, INTEGER, NAME, OCTETS, SEQUENCE};
use crate::snmp::dialogue::{Dialogue, Trouble, Turn};
use crate::snmp::message::{Pdu, Plain};
use crate::snmp::mib;
use crate::snmp::oid::Oid;

pub(super) const COUNTER: u8 = 0x41;
pub(super) const GAUGE: u8 = 0x42;
pub(super) const TICKS: u8 = 0x43;
pub(super) const LARGE: u8 = 0x46;
const NO_INSTANCE: u8 = 0x81;
const END: u8 = 0x82;

/// A value as an element.
pub(super) fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    ber::element(tag, &[content]).to_vec()
}

/// An unsigned number of this kind.
pub(super) fn number(tag: u8, number: u32) -> Vec<u8> {
    value(tag, &[&[0], number.to_be_bytes().as_slice()].concat())
}

pub(super) fn integer(number: i32) -> Vec<u8> {
    value(INTEGER, &number.to_be_bytes())
}

pub(super) fn text(text: &str) -> Vec<u8> {
    value(OCTETS, text.as_bytes())
}

pub(super) fn name(arcs: &[u32]) -> Vec<u8> {
    let name = ber::name(&Oid::new(arcs));
    assert_eq!(name.first(), Some(&NAME));
    name.to_vec()
}

/// What follows the number in a PDU.
pub(super) fn content(status: i64, index: usize, variables: &[(Oid, Vec<u8>)]) -> Vec<u8> {
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| ber::element(SEQUENCE, &[&ber::name(name), value]))
        .collect();
    let variables: Vec<&[u8]> = variables.iter().map(|one| one.as_slice()).collect();
    let index = i64::try_from(index).unwrap();
    [
        ber::integer(status),
        ber::integer(index),
        ber::element(SEQUENCE, &variables),
    ]
    .iter()
    .flat_map(|part| part.to_vec())
    .collect()
}

/// Answers as versions 1 and 2c do.
pub(super) struct Agent {
    pub(super) version: Plain,
    pub(super) objects: BTreeMap<Oid, Vec<u8>>,
}

impl Agent {
    pub(super) fn new(version: Plain, objects: &[(&[u32], &[u32], Vec<u8>)]) -> Self {
        let objects = objects.iter().map(|(object, instance, value)| {
            let name = Oid::from([*object, *instance].concat());
            (name, value.clone())
        });
        Self {
            version,
            objects: objects.collect(),
        }
    }

    pub(super) fn answer_to(&self, pdu: &Pdu) -> Vec<u8> {
        let names = pdu.variables.iter().map(|variable| &variable.name);
        let follows = |name: &Oid| {
            let mut rest = self.objects.range(name.clone()..);
            rest.find(|(known, _)| *known > name)
                .map(|(name, value)| (name.clone(), value.clone()))
        };
        let get = |name: &Oid| {
            let known = self.objects.get(name);
            known.map(|value| (name.clone(), value.clone()))
        };
        let first = |name: &Oid| {
            if pdu.tag == 0xa0 {
                get(name)
            } else {
                follows(name)
            }
        };
        if self.version == Plain::V1 {
            let found: Vec<_> = names.map(first).collect();
            return match found.iter().position(Option::is_none) {
                Some(place) => content(2, place + 1, &[]),
                None => content(0, 0, &found.into_iter().flatten().collect::<Vec<_>>()),
            };
        }
        let (none, times) = match pdu.tag {
            0xa0 => (NO_INSTANCE, 1),
            _ => (END, pdu.index.max(1)),
        };
        let mut row: Vec<Oid> = names.cloned().collect();
        let mut all = Vec::new();
        for _ in 0..times {
            for place in &mut row {
                let found = first(place).unwrap_or_else(|| (place.clone(), value(none, &[])));
                *place = found.0.clone();
                all.push(found);
            }
        }
        content(0, 0, &all)
    }
}

/// Leads a conversation to its end; whatever the agent says is heard before its own answer.
pub(super) fn converse(agent: &Agent) -> (Dialogue, Result<(), Trouble>) {
    let access = match agent.version {
        Plain::V1 => SnmpAccess::v1("community"),
        Plain::V2c => SnmpAccess::v2c("community"),
    };
    let dialogue = Dialogue::new(&access, [1; 16], &mib::ALL);
    lead(dialogue, agent.version, |pdu| agent.answer_to(pdu))
}

/// Leads a conversation in which each question is answered by this content.
pub(super) fn lead(
    mut dialogue: Dialogue,
    version: Plain,
    mut answer: impl FnMut(&Pdu) -> Vec<u8>,
) -> (Dialogue, Result<(), Trouble>) {
    while let Some(ask) = dialogue.ask() {
        let asked = read(version, &ask.datagram);
        let datagram = stamped(version, asked.id, &answer(&asked));
        match dialogue.hear(&datagram) {
            Turn::On { .. } => {}
            Turn::Over { trouble, .. } => return (dialogue, Err(trouble)),
            Turn::Foreign => panic!("the answer was not heard"),
        }
    }
    (dialogue, Ok(()))
}

pub(super) fn read(version: Plain, datagram: &[u8]) -> Pdu {
    version.read(datagram).unwrap()
}

pub(super) fn stamped(version: Plain, id: i64, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let pdu = ber::element(Pdu::RESPONSE, &[&ber::integer(id), content]);
    version.encode(b"community", &pdu)
}
