//! What is known of every canary, across runs: standings, counts, and lines that survive a crash.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::{Duration, SystemTime};

use delivery_probe::{
    Canary, Cause, Counts, Draft, Entry, Event, Histogram, Key, Keys, Ledger, Name, Nonce,
    Patience, Standing, Token,
};
use probe_core::Secret;
use sha2::{Digest, Sha256};

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_312_000 + seconds)
}

fn route() -> Name {
    "out-in".parse().unwrap()
}

/// Token number so and so.
fn token(number: u32) -> Token {
    let keys = Keys::new(Key::new(Secret::from("0123456789abcdef")).unwrap());
    let draft = Draft::new("one".parse().unwrap(), route(), "a@b", "c@d");
    let [a, b, c, d] = number.to_be_bytes();
    let nonce = Nonce::from_bytes([0, 0, a, b, c, d]);
    Canary::with_nonce(&draft, &keys, at(0), nonce)
        .unwrap()
        .token()
}

fn patience() -> Patience {
    Patience::new(Duration::from_secs(300), Duration::from_secs(3600))
}

fn begun(number: u32, seconds: u64) -> Event {
    Event::Begun {
        token: token(number),
        route: route(),
        at: at(seconds),
    }
}

fn sent(number: u32) -> Event {
    Event::Sent {
        token: token(number),
        took: Duration::from_secs(1),
    }
}

fn arrived(number: u32, seconds: u64, copy: u64) -> Event {
    Event::Arrived {
        token: token(number),
        at: at(seconds),
        receive: Duration::from_millis(300),
        copy,
    }
}

fn bounced(number: u32, seconds: u64) -> Event {
    Event::Bounced {
        token: token(number),
        at: at(seconds),
        cause: Cause::Quota,
    }
}

fn of(events: &[Event]) -> Ledger {
    let mut ledger = Ledger::default();
    events.iter().for_each(|event| ledger.apply(event));
    ledger
}

fn standing(events: &[Event], seconds: u64) -> Standing {
    of(events)
        .get(&token(1))
        .unwrap()
        .standing(at(seconds), &patience())
}

fn counts(ledger: &Ledger, seconds: u64) -> Counts {
    ledger.counts(&route(), at(seconds), &patience())
}

#[test]
fn pending_late_and_lost_are_kept_apart() {
    let events = [begun(1, 0), sent(1)];
    assert_eq!(standing(&events, 300), Standing::Pending);
    assert_eq!(standing(&events, 301), Standing::Late);
    assert_eq!(standing(&events, 3600), Standing::Late);
    assert_eq!(standing(&events, 3601), Standing::Lost);
    // A clock that was set back makes nothing late.
    assert_eq!(
        of(&[begun(1, 100)])
            .get(&token(1))
            .unwrap()
            .standing(at(0), &patience()),
        Standing::Pending
    );
}

#[test]
fn what_arrives_is_there_however_late() {
    assert_eq!(
        standing(&[begun(1, 0), sent(1), arrived(1, 300, 7)], 9999),
        Standing::Arrived
    );
    assert_eq!(
        standing(&[begun(1, 0), sent(1), arrived(1, 301, 7)], 9999),
        Standing::ArrivedLate
    );
    // Also after a report that it is lost, and after an attempt whose end was not seen.
    assert_eq!(
        standing(&[begun(1, 0), bounced(1, 5), arrived(1, 9, 7)], 9),
        Standing::Arrived
    );
    assert_eq!(
        standing(
            &[
                begun(1, 0),
                Event::Refused { token: token(1) },
                arrived(1, 9, 7)
            ],
            9
        ),
        Standing::Arrived
    );
}

#[test]
fn a_report_of_a_delay_changes_nothing_and_one_of_a_loss_does() {
    let delayed = Event::Delayed { token: token(1) };
    let ledger = of(&[begun(1, 0), sent(1), delayed.clone()]);
    assert!(ledger.get(&token(1)).unwrap().is_delayed);
    assert_eq!(
        standing(&[begun(1, 0), sent(1), delayed], 10),
        Standing::Pending
    );
    assert_eq!(
        standing(&[begun(1, 0), sent(1), bounced(1, 5)], 10),
        Standing::Bounced
    );
}

#[test]
fn what_the_server_did_not_take_is_not_awaited() {
    let refused = Event::Refused { token: token(1) };
    assert_eq!(
        standing(&[begun(1, 0), refused.clone()], 9999),
        Standing::Refused
    );
    assert_eq!(
        standing(&[begun(1, 0), sent(1), refused], 10),
        Standing::Pending
    );
}

#[test]
fn times_are_told_apart() {
    let ledger = of(&[begun(1, 0), sent(1), arrived(1, 5, 7)]);
    let entry = ledger.get(&token(1)).unwrap();
    assert_eq!(entry.send, Some(Duration::from_secs(1)));
    assert_eq!(entry.transit(), Some(Duration::from_secs(4)));
    assert_eq!(entry.receive, Some(Duration::from_millis(300)));
    assert_eq!(entry.total(), Some(Duration::from_secs(5)));
    // A mailbox whose clock is slow.
    let early = of(&[begun(1, 10), sent(1), arrived(1, 5, 7)]);
    assert_eq!(
        early.get(&token(1)).unwrap().transit(),
        Some(Duration::ZERO)
    );
}

#[test]
fn copies_are_duplicates_and_the_same_one_is_not() {
    let ledger = of(&[
        begun(1, 0),
        arrived(1, 9, 7),
        arrived(1, 9, 7),
        arrived(1, 5, 8),
    ]);
    let entry = ledger.get(&token(1)).unwrap();
    assert_eq!((entry.duplicates(), entry.arrived_at), (1, Some(at(5))));
    let many = |count: u64| {
        let mut ledger = of(&[begun(1, 0)]);
        (0..count).for_each(|copy| ledger.apply(&arrived(1, 9, copy)));
        ledger.get(&token(1)).unwrap().copies.len()
    };
    assert_eq!((many(32), many(33), Entry::COPIES), (32, 32, 32));
}

#[test]
fn what_overtakes_is_reordered() {
    let ledger = of(&[
        begun(1, 0),
        begun(2, 1),
        begun(3, 2),
        begun(4, 3),
        arrived(1, 10, 1),
        arrived(2, 5, 2),
        arrived(3, 6, 3),
        arrived(4, 10, 4),
    ]);
    assert_eq!(counts(&ledger, 20).reordered, 2);
}

#[test]
fn the_numbers_of_a_route_are_its_own() {
    let mut ledger = of(&[
        begun(1, 0),
        sent(1),
        arrived(1, 4, 1),
        begun(2, 0),
        bounced(2, 9),
        begun(3, 0),
    ]);
    let other: Name = "other".parse().unwrap();
    ledger.apply(&Event::Begun {
        token: token(9),
        route: other.clone(),
        at: at(0),
    });
    let counts = counts(&ledger, 10);
    assert_eq!(
        (counts.arrived, counts.bounced, counts.pending, counts.all()),
        (1, 1, 1, 3)
    );
    assert_eq!(
        (
            counts.send.count(),
            counts.transit.count(),
            counts.receive.count()
        ),
        (1, 1, 1)
    );
    assert_eq!(ledger.counts(&other, at(10), &patience()).pending, 1);
    assert_eq!(ledger.routes().len(), 2);
    assert_eq!(ledger.awaited(&route(), at(10), &patience()), [token(3)]);
    // Nobody knows when it was sent.
    ledger.apply(&arrived(77, 4, 1));
    assert_eq!(ledger.get(&token(77)), None);
}

#[test]
fn what_is_settled_counts_and_is_forgotten() {
    let mut ledger = of(&[
        begun(1, 0),
        sent(1),
        arrived(1, 4, 1),
        arrived(1, 4, 2),
        begun(2, 0),
        begun(3, 5000),
    ]);
    let before = counts(&ledger, 5001);
    ledger.settle(Duration::from_secs(4000), at(5001), &patience());
    assert_eq!(ledger.entries().count(), 1);
    assert_eq!(counts(&ledger, 5001), before);
    assert_eq!(
        (
            before.arrived,
            before.lost,
            before.pending,
            before.duplicates
        ),
        (1, 1, 1, 1)
    );
    assert_eq!(ledger.recent(&route(), at(5001), &patience()).all(), 1);
    // What is awaited is kept, however old it is.
    let patient = Patience::new(Duration::from_secs(10), Duration::from_secs(90_000));
    let mut ledger = of(&[begun(1, 0)]);
    ledger.settle(Duration::ZERO, at(80_000), &patient);
    assert_eq!(ledger.entries().count(), 1);
}

#[test]
fn canaries_are_kept_up_to_the_limit() {
    let mut ledger = Ledger::default();
    let most = u32::try_from(Ledger::ENTRIES).unwrap();
    for number in 0..=most {
        ledger.apply(&begun(number, u64::from(number) + 1));
        if number == most - 1 {
            assert_eq!((ledger.entries().count(), ledger.dropped()), (4096, 0));
        }
    }
    assert_eq!((ledger.entries().count(), ledger.dropped()), (4096, 1));
    assert_eq!(
        (ledger.get(&token(0)), ledger.get(&token(1)).is_some()),
        (None, true)
    );
}

#[test]
fn totals_are_kept_up_to_the_limit() {
    let of_routes = |count: usize| {
        let mut ledger = Ledger::default();
        for number in 0..count {
            let token = token(u32::try_from(number).unwrap());
            let route = format!("r{number}").parse().unwrap();
            ledger.apply(&Event::Begun {
                token,
                route,
                at: at(0),
            });
            ledger.apply(&Event::Refused { token });
        }
        ledger.settle(Duration::ZERO, at(9), &patience());
        (ledger.routes().len(), ledger.dropped())
    };
    assert_eq!(
        (of_routes(Ledger::ROUTES), of_routes(Ledger::ROUTES + 1)),
        ((256, 0), (256, 1))
    );
}

fn full() -> Ledger {
    let mut ledger = of(&[
        begun(1, 0),
        sent(1),
        arrived(1, 4, 1),
        arrived(1, 5, 2),
        Event::Delayed { token: token(1) },
        begun(2, 1),
        bounced(2, 9),
        begun(3, 2),
        Event::Refused { token: token(3) },
        begun(4, 3),
        begun(5, 9000),
    ]);
    ledger.settle(Duration::from_secs(8999), at(9001), &patience());
    ledger
}

#[test]
fn a_ledger_is_read_as_it_is_written() {
    let ledger = full();
    let written = ledger.written();
    let read = Ledger::read(written.as_bytes());
    assert_eq!((&read, read.written()), (&ledger, written));
    // Events may come twice.
    let twice = ledger.written() + &ledger.written();
    assert_eq!(Ledger::read(twice.as_bytes()), ledger);
}

#[test]
fn a_line_is_as_it_is_promised() {
    // Files of an earlier version have to be read: this one was written by the first.
    let line = begun(1, 0).line();
    assert_eq!(
        line,
        format!(
            "1 begun {} out-in 1767312000000 {}\n",
            token(1),
            &line[line.len() - 13..line.len() - 1]
        )
    );
    assert_eq!(line.len(), 99);
}

#[test]
fn a_file_grows_by_lines() {
    let mut text = full().written();
    for event in [begun(6, 9001), sent(6)] {
        text += &event.line();
    }
    let read = Ledger::read(text.as_bytes());
    assert_eq!(
        read.get(&token(6)).unwrap().send,
        Some(Duration::from_secs(1))
    );
}

#[test]
fn a_torn_line_is_counted_and_takes_no_other_with_it() {
    let whole = begun(1, 0).line() + &sent(1).line() + &begun(2, 0).line();
    let first = begun(1, 0).line().len();
    for cut in first + 1..first + sent(1).line().len() {
        // A crash in the middle of a line, and the next run appends.
        let torn = whole[..cut].to_owned() + "\n" + &begun(2, 0).line();
        let read = Ledger::read(torn.as_bytes());
        let is_whole = torn == whole.replace("\n\n", "\n");
        assert_eq!(
            (read.entries().count(), read.unreadable()),
            (2, u64::from(!is_whole)),
            "{cut}"
        );
    }
    // Without the end of a line too, the torn one is lost with the one that follows on it, and no more.
    let glued = whole[..first + 9].to_owned() + &begun(2, 0).line() + &begun(3, 0).line();
    let read = Ledger::read(glued.as_bytes());
    assert_eq!(
        (
            read.get(&token(2)),
            read.get(&token(3)).is_some(),
            read.unreadable()
        ),
        (None, true, 1)
    );
}

#[test]
fn a_changed_octet_is_noticed() {
    let line = arrived(1, 4, 1).line();
    for place in 0..line.len() - 1 {
        let mut octets = line.clone().into_bytes();
        octets[place] ^= 1;
        let text = [begun(1, 0).line().into_bytes(), octets].concat();
        let read = Ledger::read(&text);
        assert_eq!(read.get(&token(1)).unwrap().arrived_at, None, "{place}");
        assert!(read.unreadable() >= 1);
    }
}

#[test]
fn a_line_is_read_up_to_the_limit() {
    // Zeros before a number mean nothing.
    let padded = |octets: usize| {
        let numbers = " 7".repeat(9 + 3 * (Histogram::BOUNDS.len() + 2) - 1);
        let text = |zeros: usize| format!("1 totals out-in{numbers} {}7 ", "0".repeat(zeros));
        let text = text(octets - text(0).len() - 13);
        let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&text)[..6]);
        let line = format!("{text}{digest}\n");
        assert_eq!(line.len(), octets);
        counts(&Ledger::read(line.as_bytes()), 0).arrived
    };
    assert_eq!((padded(Ledger::LINE), padded(Ledger::LINE + 1)), (7, 0));
    // The longest that is written: all numbers at their largest.
    let mut text = String::from("1 totals ") + &"r".repeat(Name::OCTETS);
    let count = 9 + 3 * (Histogram::BOUNDS.len() + 2);
    text += &format!(" {}", u64::MAX).repeat(count);
    assert!(text.len() + 14 < Ledger::LINE, "{}", text.len());
}

#[test]
fn times_fall_into_buckets() {
    let mut histogram = Histogram::default();
    for millis in [0, 50, 51, 86_400_000, 86_400_001] {
        histogram.add(Duration::from_millis(millis));
    }
    let cumulative: Vec<u64> = histogram.cumulative().map(|(_, count)| count).collect();
    assert_eq!(
        (cumulative[0], cumulative[1], cumulative[14], cumulative[15]),
        (2, 3, 3, 4)
    );
    assert_eq!(
        (histogram.count(), histogram.total()),
        (5, Duration::from_millis(172_800_102))
    );
}

#[test]
fn lost_is_never_sooner_than_late() {
    let patience = Patience::new(Duration::from_secs(60), Duration::from_secs(5));
    assert_eq!(patience.lost, Duration::from_secs(60));
}
