//! The test suite of the SPF project for RFC 7208 (release 2014.04; its licence lies beside it): what the records of
//! its zones come to for its senders. Explanations are not looked at.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod policy_world;

use std::net::IpAddr;

use mx_check::policy::{Sender, SpfSurvey};
use policy_world::{Zone, lead};
use serde_json::Value;

const SUITE: &str = include_str!("corpus/rfc7208/cases.json");

fn zone(records: &Value) -> Zone {
    let mut zone = Zone::default();
    for (name, records) in records.as_object().unwrap() {
        zone.add(name, "", b"");
        for record in records.as_array().unwrap() {
            // Each character of the suite is an octet.
            let value = record[1].as_str().unwrap().chars();
            let value: Vec<_> = value.map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
            zone.add(name, record[0].as_str().unwrap(), &value);
        }
    }
    zone
}

fn check(zone: &Value, test: &Value) -> (String, String) {
    let text = |key: &str| test[key].as_str().unwrap().to_owned();
    let (helo, from) = (text("helo"), text("mailfrom"));
    let address: IpAddr = text("host").parse().unwrap();
    let from = match from.is_empty() {
        true => helo.clone(),
        false => from,
    };
    let (local, domain) = from.rsplit_once('@').unwrap_or(("", &from));
    let mut survey = SpfSurvey::new(Sender::new(local, domain, &helo, address));
    lead(&mut survey, &mut self::zone(zone));
    let check = survey.into_check();
    (check.result.unwrap().to_string(), check.why)
}

#[test]
fn the_suite_of_the_spf_project_agrees() {
    let suite: Value = serde_json::from_str(SUITE).unwrap();
    let (mut count, mut wrong) = (0, Vec::new());
    for part in suite.as_array().unwrap() {
        for test in part["tests"].as_array().unwrap() {
            count += 1;
            let (result, why) = check(&part["zone"], test);
            let expected = test["result"].as_array().unwrap();
            if !expected.iter().any(|one| *one == result.as_str()) {
                let (about, name) = (&part["about"], &test["name"]);
                wrong.push(format!(
                    "{about}, {name}: {result} ({why}), not {expected:?}"
                ));
            }
        }
    }
    assert_eq!(count, 203);
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
