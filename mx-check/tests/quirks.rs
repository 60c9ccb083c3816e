//! What zones and caches have been seen to hold, each with its source: told rightly, and nothing is made worse of it.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Says, World, ask, codes, usual};
use mx_check::MxForm;
use probe_core::Verdict;

async fn told(records: &'static [(&'static str, &'static str, &'static str)]) -> Vec<&'static str> {
    let world = World::new(|name, kind, _| {
        let of: Vec<_> = records
            .iter()
            .filter(|(owner, of, _)| *owner == name && *of == kind)
            .copied()
            .collect();
        let is_there = records.iter().any(|(owner, ..)| *owner == name);
        match (of.is_empty(), is_there) {
            (false, _) => Says::Records(of),
            (true, true) => Says::NoData,
            (true, false) => usual(name, kind),
        }
    })
    .await;
    codes(&ask(&[&world], "example.test").await)
}

/// rspamd#6101: /etc/hosts leaked into a verdict on MX; here `localhost` is what DNS says of it.
#[tokio::test]
async fn localhost_is_asked_of_dns_alone() {
    let told = told(&[("example.test", "MX", "10 localhost")]).await;
    assert_eq!(told, ["mx.none", "mx.no-address"]);
}

/// zone-mta#268: a dot was missing behind the name.
#[tokio::test]
async fn the_domain_stands_behind_a_name_that_has_it_already() {
    let told = told(&[("example.test", "MX", "10 mx.example.test.example.test")]).await;
    assert_eq!(told, ["mx.none", "mx.doubled", "mx.no-address"]);
}

/// zone-mta: "10.0.0.1." as the name of a host.
#[tokio::test]
async fn an_address_stands_where_a_name_belongs() {
    let told = told(&[("example.test", "MX", "10 10.0.0.1")]).await;
    assert_eq!(told, ["mx.none", "mx.literal", "mx.no-address"]);
}

/// Internet.nl#883, checkdmarc: what Microsoft 365 wants to see for a while.
#[tokio::test]
async fn a_record_for_validation_takes_no_mail_and_harms_none() {
    let told = told(&[
        ("example.test", "MX", "10 mx.example.test"),
        ("example.test", "MX", "32767 ms12345678.msv1.invalid"),
        ("mx.example.test", "A", "198.41.0.4"),
    ])
    .await;
    assert_eq!(told, ["mx.reverse", "mx.validation", "mx.no-ipv6"]);
}

/// Internet.nl (shared.py): a null MX with other MX records.
#[tokio::test]
async fn a_null_mx_beside_others_is_mixed_wherever_it_stands() {
    let told = told(&[
        ("example.test", "MX", "50 ."),
        ("example.test", "MX", "10 mx.example.test"),
        ("mx.example.test", "A", "198.41.0.4"),
    ])
    .await;
    assert_eq!(told, ["mx.null.mixed", "mx.reverse", "mx.no-ipv6"]);
}

/// rspamd's LOCAL_CIDRS and BOGON_CIDRS: only such addresses, or some beside others.
#[tokio::test]
async fn addresses_that_nobody_reaches_are_critical_if_there_are_no_others() {
    let only = told(&[
        ("example.test", "MX", "10 mx.example.test"),
        ("mx.example.test", "A", "10.0.0.25"),
        ("mx.example.test", "AAAA", "2001:db8::25"),
    ])
    .await;
    assert_eq!(only, ["mx.none", "mx.bogon", "mx.bogon"]);
    let mixed = told(&[
        ("example.test", "MX", "10 mx.example.test"),
        ("mx.example.test", "A", "10.0.0.25"),
        ("mx.example.test", "A", "198.41.0.4"),
    ])
    .await;
    assert_eq!(mixed, ["mx.bogon", "mx.reverse", "mx.no-ipv6"]);
}

/// checkdmarc#265: a chain of aliases in an answer is no record of the name that was asked for.
#[tokio::test]
async fn an_alias_in_the_answer_is_told_and_followed() {
    let world = World::new(|name, kind, _| match (name, kind) {
        ("example.test", "MX") => Says::Records(vec![("example.test", "MX", "10 mx.example.test")]),
        ("mx.example.test", "A") => Says::Records(vec![
            ("mx.example.test", "CNAME", "host.example.test"),
            ("host.example.test", "A", "198.41.0.4"),
            ("other.example.test", "A", "198.41.0.5"),
        ]),
        ("mx.example.test", "AAAA") => {
            Says::Records(vec![("mx.example.test", "CNAME", "host.example.test")])
        }
        _ => usual(name, kind),
    })
    .await;
    let report = ask(&[&world], "example.test").await;
    assert_eq!(codes(&report), ["mx.alias", "mx.reverse", "mx.no-ipv6"]);
    let host = &report.facts.exchange.hosts[0];
    let addresses: Vec<_> = host
        .addresses
        .iter()
        .map(|one| one.address.to_string())
        .collect();
    assert_eq!(addresses, ["198.41.0.4"]);
    assert_eq!((host.form, host.aliases.len()), (MxForm::Host, 1));
}

/// Two resolvers of one farm with the records in another order (dnsglobe's grouping): the same.
#[tokio::test]
async fn the_order_of_records_makes_no_difference() {
    let one = |turned: bool| {
        move |name: &str, kind: &str, _: bool| match (name, kind) {
            ("example.test", "MX") => {
                let mut records = vec![
                    ("example.test", "MX", "10 mx1.example.test"),
                    ("example.test", "MX", "10 mx2.example.test"),
                ];
                if turned {
                    records.reverse();
                }
                Says::Records(records)
            }
            (name, "A") if name.starts_with("mx") => match name {
                "mx1.example.test" => Says::Records(vec![("mx1.example.test", "A", "198.41.0.4")]),
                _ => Says::Records(vec![("mx2.example.test", "A", "198.41.0.5")]),
            },
            (name, "AAAA") if name.starts_with("mx") => Says::NoData,
            _ => usual(name, kind),
        }
    };
    let (first, second) = (World::new(one(false)).await, World::new(one(true)).await);
    let report = ask(&[&first, &second], "example.test").await;
    assert!(!codes(&report).contains(&"caches.divergent"));
    assert_eq!(report.verdict(), Verdict::Ok);
}
