//! The laws: whatever resolvers answer, a probe ends in time with a report that can be written.

#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::{Says, World, ask, usual};
use proptest::prelude::*;

const NAMES: [&str; 5] = ["example.test", "mx.example.test", "", "a.b.c", "10.0.0.1"];

fn says() -> impl Strategy<Value = Says> {
    let name = prop::sample::select(&NAMES[..]);
    let record = prop_oneof![
        (
            name.clone(),
            Just("MX"),
            prop::sample::select(&["0 .", "10 mx.example.test", "65535 example.test"][..])
        ),
        (name.clone(), Just("NS"), name.clone()),
        (name.clone(), Just("CNAME"), name.clone()),
        (name.clone(), Just("PTR"), name.clone()),
        (
            name.clone(),
            Just("A"),
            prop::sample::select(&["0.0.0.0", "192.0.2.1", "198.41.0.4"][..])
        ),
        (
            name,
            Just("AAAA"),
            prop::sample::select(&["::", "2001:db8::1", "::ffff:10.0.0.1"][..])
        ),
    ];
    let records = prop::collection::vec(record, 0..6);
    prop_oneof![
        4 => records.clone().prop_map(Says::Records),
        1 => records.prop_map(Says::Stale),
        1 => Just(Says::NoName),
        1 => Just(Says::NoData),
        1 => (0..16u8).prop_map(Says::Code),
        1 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Says::Garbage),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_is_answered_a_report_comes_of_it(answers in prop::collection::vec(says(), 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async move {
            let next = std::sync::atomic::AtomicUsize::new(0);
            let world = World::new(move |name, kind, _| match (name, kind) {
                // Else nothing of it is believed.
                ("", "NS") => usual(name, kind),
                _ => {
                    let place = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    answers[place % answers.len()].clone()
                }
            })
            .await;
            let report = ask(&[&world], "example.test").await;
            assert!(report.elapsed.as_secs() < 10);
            assert!(report.to_json().starts_with('{'));
        });
    }
}
