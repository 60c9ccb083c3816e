//! The page of a delivery, as it stands on the screen.

use std::time::SystemTime;

use delivery_probe::{
    Arrival, Authentication, Canary, CanaryFacts, DeliveryFacts, Draft, Ends, Event, Integrity,
    Key, Keys, Ledger, Patience, Placement, Recogniser, Recognition, Standing, Trace, Transit,
};
use probe_core::{FindingKind, Report, Secret, Severity};
use probe_net::message::Headers;

use super::*;
use crate::format::text::Style;
use crate::format::text::facts::write;

static SLOW: FindingKind = FindingKind::new(
    "delivery.slow-hop",
    Severity::Warning,
    "a hop was slow",
    "Look at it.",
);

const SLOW_WAY: &str = "Received: from a.example.org (a.example.org [192.0.2.1])\r\n\
        \tby mx.example.net (Postfix) with ESMTPS id 4dY\r\n\
        \t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384); Fri, 2 Jan 2026 00:05:02 +0000\r\n\
        Received: from scan.example.org (scan.example.org [192.0.2.7])\r\n\
        \tby a.example.org (Postfix) with ESMTP id 4dX; Fri, 2 Jan 2026 00:00:01 +0000\r\n\
        Received: from monitor (monitor [192.0.2.9])\r\n\
        \tby scan.example.org (Postfix) with ESMTPSA id 4dW; Fri, 2 Jan 2026 00:08:00 +0000\r\n";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn sent_at() -> SystemTime {
    SystemTime::UNIX_EPOCH + seconds(1_767_312_000)
}

fn canary() -> (Keys, Canary) {
    let key = Secret::from("a secret of sixteen octets or more");
    let keys = Keys::new(Key::new(key).unwrap());
    let (prober, route) = ("monitor-1".parse().unwrap(), "out".parse().unwrap());
    let mut draft = Draft::new(prober, route, "probe@example.org", "inbox@example.net");
    draft.form = "plain".parse().unwrap();
    let canary = Canary::new(&draft, &keys, sent_at()).unwrap();
    (keys, canary)
}

/// A canary that came this way, with something behind its text.
fn arrived(way: &str, footer: &str) -> DeliveryFacts {
    let (keys, canary) = canary();
    let mut received = way.as_bytes().to_vec();
    received.extend_from_slice(canary.bytes());
    received.extend_from_slice(footer.as_bytes());
    let seen_at = sent_at() + seconds(303);
    let recogniser = Recogniser::new(keys, &"monitor-1".parse().unwrap());
    let Recognition::Own(known) = recogniser.recognise(&received, seen_at) else {
        unreachable!("it is ours");
    };
    let ends = Ends::new(sent_at(), seen_at);
    let mut arrival = Arrival::new(&known, sent_at(), seen_at);
    arrival.placement = Placement::Inbox;
    arrival.standing = Standing::ArrivedLate;
    arrival.transit = Some(seconds(301));
    arrival.receive = Some(Duration::from_millis(750));
    arrival.way = Transit::of(&Trace::of(&Headers::of(&received)), ends);
    arrival.authentication = Authentication::parse(
        b"mx.example.net; spf=pass smtp.mailfrom=example.org; dkim=none; dmarc=fail header.from=example.org",
    );
    arrival.integrity = Some(Integrity::of(&canary, &received));
    let mut facts = DeliveryFacts::default();
    let route: delivery_probe::Name = "out".parse().unwrap();
    let token = canary.token();
    let mut ledger = Ledger::default();
    for event in [
        Event::Begun {
            token,
            route: route.clone(),
            at: sent_at(),
        },
        Event::Sent {
            token,
            took: Duration::from_millis(120),
        },
        Event::Arrived {
            token,
            at: seen_at,
            receive: Duration::from_millis(750),
            copy: 1,
        },
    ] {
        ledger.apply(&event);
    }
    facts.route = Some(route);
    facts.canary = Some(CanaryFacts::new(&canary, sent_at()));
    facts.arrivals = vec![arrival];
    facts.take_ledger(&ledger, seen_at, &Patience::default());
    facts
}

fn page(facts: DeliveryFacts, width: usize, slow: usize) -> String {
    let target = "smtp.example.org:587".parse().unwrap();
    let mut report = Report::new("delivery", target, sent_at(), facts).erase();
    for _ in 0..slow {
        report.add_finding(SLOW.found("5m 1s"));
    }
    let mut out = String::new();
    write(&report, Style::new(width, false), &mut out);
    anstream::adapter::strip_str(&out).to_string()
}

#[test]
fn a_delivery_is_told_by_its_way_and_its_times() {
    assert_eq!(
        page(arrived(SLOW_WAY, ""), 80, 1),
        "
  what was learned
    route           out
    canary          arrived late: small, plain, 748 bytes
                    sent 2026-01-02 00:00:00 UTC, taken after 120.0 ms
    arrival         in the inbox, late
                    seen 2026-01-02 00:05:03 UTC
                    on its way for 5m 1s, seen after 750.0 ms
                    SPF pass, DKIM none, DMARC fail, says mx.example.net
                    as it was sent
        took  by                from              with
           ?  scan.example.org  us                ESMTPSA, TLS
        its clock is fast by 7m 59s to 8m
      1.00 s  a.example.org     scan.example.org  ESMTP, no TLS
    !  5m 1s  mx.example.net    a.example.org     ESMTPS, TLSv1.3
    of all          1 arrived late
    on average      handed over in 120.0 ms, on its way for 5m 2s, seen after
                    750.0 ms
"
    );
}

#[test]
fn where_the_table_does_not_fit_each_hop_has_lines_of_its_own() {
    let told = page(arrived(SLOW_WAY, ""), 60, 1);
    let hops = told.split("as it was sent\n").nth(1).unwrap();
    assert_eq!(
        hops,
        "      scan.example.org from us
      ?, ESMTPSA, TLS
        its clock is fast by 7m 59s to 8m
      a.example.org from scan.example.org
      1.00 s, ESMTP, no TLS
    ! mx.example.net from a.example.org
      5m 1s, ESMTPS, TLSv1.3
    of all          1 arrived late
    on average      handed over in 120.0 ms, on its way for
                    5m 2s, seen after 750.0 ms
"
    );
    assert!(told.lines().all(|line| line.chars().count() <= 60));
}

#[test]
fn no_hop_is_marked_where_none_was_found_to_be_slow() {
    assert!(!page(arrived(SLOW_WAY, ""), 80, 0).contains('!'));
}

#[test]
fn of_two_arrivals_the_slow_one_is_marked() {
    let mut facts = arrived(SLOW_WAY, "");
    let quick = SLOW_WAY.replace("00:05:02", "00:00:02");
    facts.arrivals.extend(arrived(&quick, "").arrivals);
    let told = page(facts, 80, 1);
    let marked: Vec<_> = told.lines().filter(|line| line.contains('!')).collect();
    assert_eq!(
        marked,
        ["    !  5m 1s  mx.example.net    a.example.org     ESMTPS, TLSv1.3"]
    );
}

#[test]
fn what_was_changed_and_what_was_seen_beside_it_are_told() {
    let mut facts = arrived("", "-- \r\nscanned\r\n");
    facts.arrivals[0].placement = Placement::Junk;
    facts.arrivals[0].authentication = None;
    facts.forged = 1;
    facts.others = 2;
    facts.counts.lost = 3;
    facts.recently_lost = 1;
    assert_eq!(
        page(facts, 80, 0),
        "
  what was learned
    route           out
    canary          arrived late: small, plain, 748 bytes
                    sent 2026-01-02 00:00:00 UTC, taken after 120.0 ms
    arrival         among the junk, late
                    seen 2026-01-02 00:05:03 UTC
                    on its way for 5m 1s, seen after 750.0 ms
                    lines were added behind the text: \"--\"
    of all          1 arrived late, 3 lost (1 of them lately)
    on average      handed over in 120.0 ms, on its way for 5m 2s, seen after
                    750.0 ms
    also            2 of other probers, 1 forged
"
    );
}

#[test]
fn what_was_never_sent_is_told_in_few_words() {
    let mut facts = DeliveryFacts::default();
    facts.route = Some("out".parse().unwrap());
    assert_eq!(
        page(facts, 80, 0),
        "
  what was learned
    route           out
    of all          none was sent
"
    );
}

#[test]
fn a_report_is_told_with_who_wrote_it_and_why() {
    let told = {
        let mut record = Record::default();
        record.set("action", "failed");
        record.set("cause", "unknown-user");
        record.set("status", "5.1.1");
        record.set("recipient", "inbox@example.net");
        record.set("reporter", "mx.example.net");
        record.set("retries_until", sent_at());
        let page = Page {
            now: sent_at(),
            style: Style::new(80, false),
            out: String::new(),
        };
        page.bounce(&record)
    };
    assert_eq!(
        told,
        [
            "failed, unknown-user, 5.1.1",
            "for inbox@example.net",
            "by mx.example.net",
            "tried until 2026-01-02 00:00:00 UTC",
        ]
    );
}
