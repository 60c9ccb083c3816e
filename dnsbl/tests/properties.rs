//! The laws: round trips, arbitrary bytes, and no listing where there is none.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dnsbl_probe::{Catalogue, Codes, Filter, Kinds, List, Meaning, Reply, Subject};
use probe_core::Host;
use probe_net::dns::{Answer, Kind, Question};
use proptest::prelude::*;

fn octet() -> impl Strategy<Value = String> {
    let range = (any::<u8>(), any::<u8>()).prop_map(|(one, other)| {
        let (first, last) = (one.min(other), one.max(other));
        match first == last {
            true => first.to_string(),
            false => format!("{first}..{last}"),
        }
    });
    let set = proptest::collection::vec(range, 1..4);
    prop_oneof![
        any::<u8>().prop_map(|number| number.to_string()),
        set.prop_map(|ranges| format!("[{}]", ranges.join(";"))),
    ]
}

proptest! {
    #[test]
    fn a_filter_is_written_as_it_was_read(octets in proptest::collection::vec(octet(), 4)) {
        let text = octets.join(".");
        let filter: Filter = text.parse().unwrap();
        prop_assert_eq!(filter.to_string(), text);
    }

    #[test]
    fn an_address_outside_of_127_is_never_a_listing(
        rules in "(mask:(1|2|4|128)|127\\.0\\.0\\.[0-9]|[0-9]\\.[0-9]\\.0\\.1)=(error:|clean:)?[a-z]{1,4}",
        address in any::<u32>(),
    ) {
        let codes: Codes = rules.parse().unwrap();
        let address = Ipv4Addr::from(address);
        let meanings = codes.meanings(address);
        prop_assert_eq!(meanings == [Meaning::Foreign], !address.is_loopback());
    }

    #[test]
    fn an_ipv6_address_can_be_read_back_from_its_labels(address in any::<u128>()) {
        let address = Ipv6Addr::from(address);
        let labels = Subject::Address(IpAddr::V6(address)).labels();
        let digits: String = labels.split('.').rev().collect();
        let again = u128::from_str_radix(&digits, 16).unwrap();
        prop_assert_eq!(labels.len(), 63);
        prop_assert_eq!(Ipv6Addr::from(again), address);
    }

    #[test]
    fn an_ipv4_address_can_be_read_back_from_its_labels(address in any::<u32>()) {
        let address = Ipv4Addr::from(address);
        for host in [Host::Address(address.into()), Host::Address(address.to_ipv6_mapped().into())] {
            let labels = Subject::from(host).labels();
            let parts: Vec<_> = labels.split('.').rev().collect();
            prop_assert_eq!(parts.join(".").parse::<Ipv4Addr>().unwrap(), address);
        }
    }

    #[test]
    fn any_message_is_read_or_is_none(
        mut message in proptest::collection::vec(any::<u8>(), 0..200),
        has_question in any::<bool>(),
    ) {
        let question = Question::new("1.2.0.192.bl.test".parse().unwrap(), Kind::A);
        if has_question {
            let header = [0, 1, 0x80, 0, 0, 1, 0, 3, 0, 1, 0, 0];
            let name = b"\x011\x012\x010\x03192\x02bl\x04test\x00\x00\x01\x00\x01";
            message = [&header[..], name, &message].concat();
        }
        let server = "192.0.2.53:53".parse().unwrap();
        if let Some(answer) = Answer::of_message(question, server, &message) {
            let reply = Reply::of(&Ok(answer));
            if let Reply::Answered(entry) = reply {
                prop_assert!(entry.text.len() <= 1024);
            }
        }
    }

    #[test]
    fn any_text_is_a_catalogue_or_is_refused(text in "(zone|kinds|codes|,|\n|\"|[a-z0-9.+=:-]){0,40}") {
        if let Ok(catalogue) = Catalogue::parse(&text) {
            for list in catalogue.lists() {
                prop_assert!(List::new(&list.zone, Kinds::default()).is_ok());
            }
        }
    }
}
