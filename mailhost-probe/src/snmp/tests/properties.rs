//! The laws, for arbitrary agents.

use proptest::prelude::*;

use super::agent::{content, read, stamped, value};
use crate::snmp::access::SnmpAccess;
use crate::snmp::ber;
use crate::snmp::dialogue::{Dialogue, Turn};
use crate::snmp::message::{Absence, Kind, Plain, Request, Value};
use crate::snmp::mib;
use crate::snmp::oid::Oid;

fn oid() -> impl Strategy<Value = Oid> {
    let arcs = proptest::collection::vec(any::<u32>(), 0..20);
    (0u32..3, 0u32..40, arcs)
        .prop_map(|(first, second, rest)| Oid::from([&[first, second], &rest[..]].concat()))
}

/// A value as an element, and as it is to be read.
fn told() -> impl Strategy<Value = (Vec<u8>, Value)> {
    let integer = any::<i64>().prop_map(|it| (ber::integer(it).to_vec(), Value::Integer(it)));
    let text = proptest::collection::vec(any::<u8>(), 0..300).prop_map(|text| {
        let kept = text[..text.len().min(Value::TEXT)].to_vec();
        (value(ber::OCTETS, &text), Value::Text(kept))
    });
    let name = oid().prop_map(|name| (ber::name(&name).to_vec(), Value::Name(name)));
    let unsigned = (
        proptest::sample::select(vec![0x41, 0x42, 0x46]),
        any::<u64>(),
    );
    let unsigned = unsigned.prop_map(|(tag, it)| {
        let octets = [&[0], &it.to_be_bytes()[..]].concat();
        (value(tag, &octets), Value::Unsigned(it))
    });
    let ticks =
        any::<u32>().prop_map(|it| (value(0x43, &it.to_be_bytes()), Value::Ticks(it.into())));
    let absent = (value(0x81, &[]), Value::Absent(Absence::Instance));
    prop_oneof![integer, text, name, unsigned, ticks, Just(absent)]
}

proptest! {
    #[test]
    fn what_is_told_is_read_as_the_same(told in proptest::collection::vec((oid(), told()), 0..20)) {
        let written: Vec<_> = told.iter().map(|(name, (octets, _))| (name.clone(), octets.clone())).collect();
        let pdu = read(Plain::V2c, &stamped(Plain::V2c, 7, &content(0, 0, &written)));
        prop_assert_eq!(pdu.id, 7);
        let read: Vec<_> = pdu.variables.into_iter().map(|it| (it.name, it.value)).collect();
        let told: Vec<_> = told.into_iter().map(|(name, (_, value))| (name, value)).collect();
        prop_assert_eq!(read, told);
    }

    #[test]
    fn what_is_asked_is_read_as_the_same(
        names in proptest::collection::vec(oid(), 0..20),
        id in 0..i32::MAX,
        times in any::<u8>(),
    ) {
        let request = Request { kind: Kind::Bulk(times), names: names.clone() };
        let pdu = read(Plain::V1, &Plain::V1.encode(b"community", &request.encode(id)));
        prop_assert_eq!((pdu.tag, pdu.id, pdu.index), (0xa5, id.into(), times.into()));
        let asked: Vec<_> = pdu.variables.into_iter().map(|it| it.name).collect();
        prop_assert_eq!(asked, names);
    }

    #[test]
    fn arbitrary_octets_are_an_answer_or_none(
        octets in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        for access in [SnmpAccess::v1("community"), SnmpAccess::v2c("community")] {
            let mut dialogue = Dialogue::new(&access, [1; 16], &mib::ALL);
            dialogue.ask();
            prop_assert!(matches!(dialogue.hear(&octets), Turn::Foreign));
        }
    }

    #[test]
    fn an_answer_of_which_an_octet_was_changed_does_no_harm(place in any::<usize>(), change in 1u8..) {
        let mut dialogue = Dialogue::new(&SnmpAccess::v2c("community"), [1; 16], &mib::ALL);
        let asked = read(Plain::V2c, &dialogue.ask().unwrap().datagram);
        let variables = [(Oid::scalar(mib::SYS_DESCR), value(ber::OCTETS, b"Linux"))];
        let mut answer = stamped(Plain::V2c, asked.id, &content(0, 0, &variables));
        let place = place % answer.len();
        answer[place] ^= change;
        dialogue.hear(&answer);
        prop_assert!(dialogue.walk.gathered.len() <= 1);
    }
}
