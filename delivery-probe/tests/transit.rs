//! Slow hops and wrong clocks: which is which.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::{Duration, SystemTime};

use delivery_probe::{Direction, Ends, Proof, Trace, Transit};
use probe_net::message::{Date, Headers, Offset};

fn at(seconds: i64) -> SystemTime {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_312_000);
    match u64::try_from(seconds) {
        Ok(after) => start + Duration::from_secs(after),
        Err(_) => start - Duration::from_secs(seconds.unsigned_abs()),
    }
}

/// The way over hosts with these dates, seconds after it was sent, seen at the end.
fn way(hops: &[(&str, i64)], seen: i64) -> Transit {
    let fields: String = hops
        .iter()
        .rev()
        .map(|(host, seconds)| {
            let date = Date::new(at(*seconds), Offset::UTC).unwrap();
            format!("Received: from x.example ([192.0.2.1]) by {host} with ESMTP id 1; {date}\r\n")
        })
        .collect();
    let message = fields + "\r\n";
    Transit::of(
        &Trace::of(&Headers::of(message.as_bytes())),
        Ends::new(at(0), at(seen)),
    )
}

/// The delays in seconds; `None` where the clock is not believed.
fn delays(way: &Transit) -> Vec<Option<u64>> {
    let delays = way.legs.iter().map(|leg| leg.delay);
    delays
        .map(|delay| delay.map(|delay| delay.as_secs()))
        .collect()
}

/// Host, direction, at least, at most, proof.
fn clocks(way: &Transit) -> Vec<(&str, Direction, u64, Option<u64>, Proof)> {
    let clocks = way.clocks.iter();
    clocks
        .map(|clock| {
            let most = clock.at_most.map(|most| most.as_secs());
            (
                clock.host.as_str(),
                clock.direction,
                clock.at_least.as_secs(),
                most,
                clock.proof,
            )
        })
        .collect()
}

#[test]
fn a_quick_way_has_nothing_to_tell() {
    let way = way(&[("a", 0), ("b", 1), ("c", 1)], 2);
    assert_eq!(delays(&way), [Some(0), Some(1), Some(0)]);
    assert_eq!(
        (clocks(&way), way.last),
        (vec![], Some(Duration::from_secs(1)))
    );
    assert_eq!(way.slowest(Duration::from_secs(5)), None);
    assert_eq!(way.total(), Some(Duration::from_secs(1)));
}

#[test]
fn a_slow_hop_is_named_with_the_host_before_it() {
    let way = way(&[("a", 1), ("b", 301), ("c", 302)], 303);
    let slow = way.slowest(Duration::from_secs(60)).unwrap();
    assert_eq!((slow.from.as_deref(), slow.host.as_str()), (Some("a"), "b"));
    assert_eq!(
        (slow.delay, clocks(&way)),
        (Some(Duration::from_secs(300)), vec![])
    );
}

#[test]
fn a_clock_that_is_fast_is_no_slow_hop() {
    // Seen after 3 seconds: nothing can have been taken after 300.
    let way = way(&[("a", 1), ("b", 301), ("c", 2)], 3);
    assert_eq!(delays(&way), [Some(1), None, Some(1)]);
    assert_eq!(
        clocks(&way),
        [("b", Direction::Fast, 299, Some(300), Proof::OurClock)]
    );
    assert_eq!(way.slowest(Duration::from_secs(60)), None);
    assert_eq!(way.legs[1].stated_ms, Some(300_000));
    assert_eq!(way.legs[2].stated_ms, Some(-299_000));
}

#[test]
fn a_clock_that_is_slow_is_known_by_a_date_before_the_message_was_sent() {
    let way = way(&[("a", 1), ("b", -3599), ("c", 2)], 3);
    assert_eq!(
        clocks(&way),
        [("b", Direction::Slow, 3600, Some(3601), Proof::OurClock)]
    );
    assert_eq!(delays(&way), [Some(1), None, Some(1)]);
}

#[test]
fn a_slow_hop_and_a_wrong_clock_are_both_told() {
    let way = way(&[("a", 1), ("b", 7201), ("c", 301), ("d", 301)], 302);
    assert_eq!(
        clocks(&way),
        [("b", Direction::Fast, 6900, Some(7200), Proof::OurClock)]
    );
    assert_eq!(delays(&way), [Some(1), None, Some(300), Some(0)]);
    // It waited somewhere between two hosts whose clocks are right.
    let slow = way.slowest(Duration::from_secs(60)).unwrap();
    assert_eq!(
        (
            slow.since.as_deref(),
            slow.from.as_deref(),
            slow.host.as_str()
        ),
        (Some("a"), Some("b"), "c")
    );
}

#[test]
fn clocks_that_contradict_only_each_other_are_told_with_doubt() {
    // Looked at an hour later: 50 seconds are possible.
    let way = way(&[("a", 1), ("b", 51), ("c", 2), ("d", 3)], 3600);
    assert_eq!(
        clocks(&way),
        [("b", Direction::Fast, 49, Some(50), Proof::OtherHops)]
    );
}

#[test]
fn a_host_has_one_clock_however_many_hops_it_has() {
    let way = way(&[("a", 1), ("b", 101), ("b", 104), ("c", 8)], 9);
    assert_eq!(
        clocks(&way),
        [("b", Direction::Fast, 96, Some(100), Proof::OurClock)]
    );
}

#[test]
fn all_clocks_but_ours_may_be_wrong() {
    let way = way(&[("a", 1000), ("b", 1001)], 2);
    assert_eq!(
        clocks(&way),
        [
            ("a", Direction::Fast, 998, Some(1000), Proof::OurClock),
            ("b", Direction::Fast, 999, Some(1001), Proof::OurClock)
        ]
    );
    assert_eq!(
        (delays(&way), way.total(), way.last),
        (vec![None, None], None, None)
    );
}

#[test]
fn two_seconds_are_no_wrong_clock() {
    for (date, seen) in [(-2, 1), (3, 1)] {
        assert_eq!(clocks(&way(&[("a", date)], seen)), [], "{date}");
    }
    for (date, seen) in [(-3, 1), (4, 1)] {
        assert_eq!(clocks(&way(&[("a", date)], seen)).len(), 1, "{date}");
    }
    let jitter = way(&[("a", 3), ("b", 1), ("c", 2)], 4);
    assert_eq!(
        (clocks(&jitter), delays(&jitter)),
        (vec![], vec![Some(3), Some(0), Some(0)])
    );
}

#[test]
fn a_hop_without_a_date_is_passed_over() {
    let message = "Received: from b by c; Fri, 2 Jan 2026 00:00:05 +0000\r\n\
        Received: from a by b\r\nReceived: by a; Fri, 2 Jan 2026 00:00:01 +0000\r\n\r\n";
    let trace = Trace::of(&Headers::of(message.as_bytes()));
    let way = Transit::of(&trace, Ends::new(at(0), at(6)));
    assert_eq!(delays(&way), [Some(1), None, Some(4)]);
    assert_eq!((way.legs[1].stated_ms, clocks(&way)), (None, vec![]));
}

#[test]
fn hops_without_tls_between_hosts_are_named() {
    let message = "Received: from b ([192.0.2.2]) by c with ESMTPS id 1; Fri, 2 Jan 2026 00:00:05 +0000\r\n\
        Received: from localhost (localhost [127.0.0.1]) by b with ESMTP id 1; Fri, 2 Jan 2026 00:00:05 +0000\r\n\
        Received: from a ([192.0.2.1]) by b with ESMTP id 1; Fri, 2 Jan 2026 00:00:05 +0000\r\n\r\n";
    let way = Transit::of(
        &Trace::of(&Headers::of(message.as_bytes())),
        Ends::new(at(0), at(6)),
    );
    let hosts: Vec<_> = way.unprotected().map(|leg| leg.host.as_str()).collect();
    assert_eq!(hosts, ["b"]);
}
