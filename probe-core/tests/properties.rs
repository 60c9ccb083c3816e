//! Laws of the vocabulary, for arbitrary input.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, SystemTime};

use probe_core::{
    Direction, Facts, Failure, FailureKind, Phase, Record, Report, Secret, Snapshot, Target,
    Transcript, compare, printable,
};
use proptest::prelude::*;

#[derive(Debug)]
struct Heard(Vec<u8>);

impl Facts for Heard {
    fn record(&self, out: &mut Record) {
        out.set("heard", self.0.as_slice());
    }
}

fn is_harmless(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c))
}

proptest! {
    #[test]
    fn a_target_that_was_written_is_read_back(
        name in "[a-z0-9]([a-z0-9-]{0,20}[a-z])?(\\.[a-z][a-z0-9]{0,10}){0,3}",
        address in any::<std::net::IpAddr>(),
        port in 1u16..,
    ) {
        for target in [
            name.clone(),
            format!("{name}:{port}"),
            address.to_string(),
            std::net::SocketAddr::new(address, port).to_string(),
        ] {
            // A label of digits alone at the end would be an address.
            if let Ok(parsed) = target.parse::<Target>() {
                prop_assert_eq!(parsed.to_string().parse::<Target>().unwrap(), parsed);
            } else {
                prop_assert!(name.chars().all(|c| c.is_ascii_digit()), "{}", target);
            }
        }
    }

    #[test]
    fn any_text_is_a_target_or_an_error(text in any::<String>()) {
        let _ = text.parse::<Target>();
    }

    #[test]
    fn what_is_shown_of_a_peer_cannot_steer_a_terminal(bytes in any::<Vec<u8>>()) {
        prop_assert!(is_harmless(&printable(&bytes)));
        let mut transcript = Transcript::default();
        transcript.push(Duration::ZERO, Direction::Received, &bytes);
        for line in transcript.lines() {
            prop_assert!(is_harmless(&line.text));
        }
    }

    #[test]
    fn any_report_is_read_back_from_its_json_without_a_change(
        bytes in any::<Vec<u8>>(),
        detail in any::<String>(),
    ) {
        let target = "mx.example.org:25".parse().unwrap();
        let mut report = Report::new("smtp", target, SystemTime::UNIX_EPOCH, Heard(bytes.clone()));
        report.failure = Some(
            Failure::new(Phase::GREETING, FailureKind::Protocol, detail).with_reply(bytes),
        );
        let snapshot: Snapshot = report.to_json().parse().unwrap();
        prop_assert_eq!(compare(&snapshot, &report.erase()), vec![]);
    }

    #[test]
    fn any_text_is_a_snapshot_or_an_error(text in any::<String>()) {
        let _ = text.parse::<Snapshot>();
    }

    #[test]
    fn no_secret_is_shown(secret in "[a-z]{12,}") {
        let shown = format!("{:?} {:#?}", Secret::from(&*secret), Secret::from(&*secret));
        prop_assert!(!shown.contains(&secret));
    }
}
