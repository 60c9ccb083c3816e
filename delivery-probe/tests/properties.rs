//! The laws, for arbitrary messages, ways and histories.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::{Duration, SystemTime};

use delivery_probe::{
    Canary, Cause, Draft, Ends, Event, Form, Hop, Integrity, Key, Keys, Ledger, Nonce, Patience,
    Recogniser, Recognition, Size, Standing, Token, Trace, Transit,
};
use probe_core::Secret;
use probe_net::message::{Date, Headers, Offset};
use proptest::prelude::*;

fn at(seconds: i64) -> SystemTime {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_312_000);
    match u64::try_from(seconds) {
        Ok(after) => start + Duration::from_secs(after),
        Err(_) => start - Duration::from_secs(seconds.unsigned_abs()),
    }
}

fn keys(secret: &[u8; 16]) -> Keys {
    Keys::new(Key::new(Secret::new(secret.to_vec())).unwrap())
}

const SECRET: &[u8; 16] = b"0123456789abcdef";

fn canary(secret: &[u8; 16], nonce: [u8; 6], form: Form) -> Canary {
    let name = |text: &str| text.parse().unwrap();
    let mut draft = Draft::new(name("one"), name("way"), "a@example.org", "b@example.net");
    draft.form = form;
    Canary::with_nonce(&draft, &keys(secret), at(0), Nonce::from_bytes(nonce)).unwrap()
}

fn recogniser() -> Recogniser {
    Recogniser::new(keys(SECRET), &"one".parse().unwrap())
}

fn form() -> impl Strategy<Value = Form> {
    prop_oneof![
        Just(Form::Plain),
        Just(Form::SevenBit),
        Just(Form::EightBit)
    ]
}

/// A way over hosts with clocks of their own: the true time of each hop, and how far its clock is off.
fn hops() -> impl Strategy<Value = Vec<(u8, i64, i64)>> {
    let off = prop_oneof![4 => Just(0_i64), 1 => -9000..9000_i64];
    proptest::collection::vec((0..9_u8, 0..600_i64, off), 0..12)
}

fn message(hops: &[(String, i64)]) -> Vec<u8> {
    let fields: String = hops
        .iter()
        .rev()
        .map(|(host, seconds)| {
            let date = Date::new(at(*seconds), Offset::UTC).unwrap();
            format!("Received: from x ([192.0.2.1]) by {host} with ESMTP id 1; {date}\r\n")
        })
        .collect();
    (fields + "\r\n").into_bytes()
}

fn event() -> impl Strategy<Value = Event> {
    let token = (0..6_u8).prop_map(|number| canary(SECRET, [number; 6], Form::Plain).token());
    let time = (0..100_000_i64).prop_map(at);
    (token, 0..6_u8, time, 0..4_u64).prop_map(|(token, kind, at, number)| match kind {
        0 => Event::Begun {
            token,
            route: format!("r{}", number % 2).parse().unwrap(),
            at,
        },
        1 => Event::Sent {
            token,
            took: Duration::from_millis(number),
        },
        2 => Event::Refused { token },
        3 => Event::Arrived {
            token,
            at,
            receive: Duration::from_millis(number),
            copy: number,
        },
        4 => Event::Delayed { token },
        _ => Event::Bounced {
            token,
            at,
            cause: Cause::Quota,
        },
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn a_canary_is_known_by_its_own_key_and_by_no_other(
        nonce: [u8; 6], secret: [u8; 16], form in form(),
    ) {
        let mine = canary(SECRET, nonce, form);
        let is_own = matches!(recogniser().recognise(mine.bytes(), at(1)), Recognition::Own(known) if known.token == mine.token());
        prop_assert!(is_own);
        prop_assert!(recogniser().deletable(mine.bytes(), at(1)).is_some());
        prop_assert!(Integrity::of(&mine, mine.bytes()).changes.is_empty());
        prop_assert_eq!(mine.token().to_string().parse::<Token>(), Ok(mine.token()));
        prop_assume!(&secret != SECRET);
        let theirs = canary(&secret, nonce, form);
        prop_assert_eq!(recogniser().recognise(theirs.bytes(), at(1)), Recognition::Forged);
        prop_assert!(recogniser().deletable(theirs.bytes(), at(1)).is_none());
    }

    #[test]
    fn nothing_without_a_genuine_token_is_ever_deleted(
        lines in proptest::collection::vec("(Subject: (Re: )?mailprobe delivery|X-Mailprobe-Delivery:|Token:|Auto-Submitted: auto-generated|)[ -~]{0,60}\r\n", 0..12),
    ) {
        let text = lines.concat();
        prop_assert!(recogniser().deletable(text.as_bytes(), at(1)).is_none());
    }

    /// One octet that is another leaves a canary what it was, or makes nothing of it that is more.
    #[test]
    fn a_damaged_canary_is_own_or_nothing(place in 0..2000_usize, octet: u8, form in form()) {
        let whole = canary(SECRET, [7; 6], form);
        let mut damaged = whole.bytes().to_vec();
        let place = place % damaged.len();
        damaged[place] = octet;
        if let Some(proof) = recogniser().deletable(&damaged, at(1)) {
            prop_assert_eq!(proof.known().token, whole.token());
        }
        let _ = Integrity::of(&whole, &damaged);
    }

    #[test]
    fn any_octets_are_a_hop(field: Vec<u8>) {
        let _ = Hop::parse(&field);
        let _ = Hop::parse(&[b"from a by b with c; ", &field[..]].concat());
    }

    /// Whoever has the right time is never said to be wrong beyond doubt.
    #[test]
    fn no_right_clock_is_proven_wrong(hops in hops()) {
        let mut time = 0;
        let mut told = Vec::new();
        let mut right = Vec::new();
        for (number, (host, wait, off)) in hops.iter().enumerate() {
            time += wait;
            let host = format!("h{host}-{number}");
            if *off == 0 {
                right.push(host.clone());
            }
            told.push((host, time + off));
        }
        let way = Transit::of(&Trace::of(&Headers::of(&message(&told))), Ends::new(at(0), at(time)));
        for clock in &way.clocks {
            prop_assert!(clock.proof != delivery_probe::Proof::OurClock || !right.contains(&clock.host));
        }
        let total = way.total().unwrap_or_default();
        prop_assert!(total <= Duration::from_secs(u64::try_from(time).unwrap()) + Transit::TOLERANCE);
    }

    /// Where every clock is right, every delay is what it was.
    #[test]
    fn right_clocks_tell_the_time(waits in proptest::collection::vec(0..600_i64, 1..12)) {
        let mut time = 0;
        let told: Vec<_> = waits.iter().enumerate().map(|(number, wait)| {
            time += wait;
            (format!("h{number}"), time)
        }).collect();
        let way = Transit::of(&Trace::of(&Headers::of(&message(&told))), Ends::new(at(0), at(time)));
        prop_assert_eq!(way.clocks.len(), 0);
        let delays: Vec<_> = way.legs.iter().map(|leg| i64::try_from(leg.delay.unwrap().as_secs()).unwrap()).collect();
        prop_assert_eq!(delays, waits);
    }

    #[test]
    fn a_ledger_is_read_as_it_is_written(events in proptest::collection::vec(event(), 0..40), settled in 0..90_000_i64) {
        let mut ledger = Ledger::default();
        let mut lines = String::new();
        for event in &events {
            ledger.apply(event);
            lines += &event.line();
        }
        prop_assert_eq!(&Ledger::read(lines.as_bytes()), &ledger);
        // Whatever came twice changes nothing.
        let twice = lines.clone() + &lines;
        prop_assert_eq!(Ledger::read(twice.as_bytes()).routes(), ledger.routes());
        let patience = Patience::default();
        let before: Vec<_> = ledger.routes().iter().map(|route| ledger.counts(route, at(200_000), &patience)).collect();
        ledger.settle(Duration::from_secs(u64::try_from(settled).unwrap()), at(200_000), &patience);
        let after: Vec<_> = ledger.routes().iter().map(|route| ledger.counts(route, at(200_000), &patience)).collect();
        prop_assert_eq!(before.iter().map(delivery_probe::Counts::all).sum::<u64>(), after.iter().map(delivery_probe::Counts::all).sum::<u64>());
        prop_assert_eq!(&Ledger::read(ledger.written().as_bytes()), &ledger);
    }

    /// However a file is cut, every whole line of it counts.
    #[test]
    fn a_torn_file_loses_its_last_line_at_most(events in proptest::collection::vec(event(), 1..20), cut: proptest::sample::Index) {
        let lines: String = events.iter().map(Event::line).collect();
        let cut = cut.index(lines.len() + 1);
        let torn = &lines[..cut];
        let whole = torn.matches('\n').count();
        let mut expected = Ledger::default();
        events.iter().take(whole).for_each(|event| expected.apply(event));
        let read = Ledger::read(torn.as_bytes());
        prop_assert_eq!(read.written(), expected.written());
        prop_assert!(read.unreadable() <= 1);
    }

    #[test]
    fn what_arrived_never_counts_as_missing(events in proptest::collection::vec(event(), 0..40), now in 0..400_000_i64) {
        let mut ledger = Ledger::default();
        events.iter().for_each(|event| ledger.apply(event));
        for (_, entry) in ledger.entries() {
            let standing = entry.standing(at(now), &Patience::default());
            let is_there = matches!(standing, Standing::Arrived | Standing::ArrivedLate);
            prop_assert_eq!(is_there, entry.arrived_at.is_some());
        }
    }
}

#[test]
fn sizes_have_names_and_are_read_by_them() {
    for size in Size::ALL {
        assert_eq!(size.as_str().parse(), Ok(size));
    }
    for form in Form::ALL {
        assert_eq!(form.as_str().parse(), Ok(form));
    }
    assert!("2m".parse::<Size>().is_err() && "html".parse::<Form>().is_err());
}
