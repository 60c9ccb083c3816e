//! Every finding is found, and only where it should be.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use delivery_probe::{
    Arrival, Authentication, Bounce, Canary, CanaryFacts, Cause, DeliveryFacts, Draft, Ends, Event,
    FINDINGS, Integrity, Key, Keys, Ledger, Name, Nonce, Notice, Patience, Placement, Recogniser,
    Rules, Standing, Trace, Transit, Unprotected, judge,
};
use probe_core::{Facts, Finding, Record, Secret, Severity, Thresholds};
use probe_net::message::Headers;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_312_000 + seconds)
}

fn keys() -> Keys {
    Keys::new(Key::new(Secret::from("0123456789abcdef")).unwrap())
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn canary() -> Canary {
    let draft = Draft::new(
        name("one"),
        name("out-in"),
        "probe@example.org",
        "inbox@example.net",
    );
    Canary::with_nonce(&draft, &keys(), at(0), Nonce::from_bytes(*b"nonce!")).unwrap()
}

fn arrival() -> Arrival {
    let recogniser = Recogniser::new(keys(), &name("one"));
    let known = recogniser.verify(&canary().token()).unwrap();
    let mut arrival = Arrival::new(&known, at(0), at(10));
    arrival.placement = Placement::Inbox;
    arrival
}

fn with(change: impl Fn(&mut Arrival)) -> DeliveryFacts {
    let mut arrival = arrival();
    change(&mut arrival);
    let mut facts = DeliveryFacts::default();
    facts.arrivals = vec![arrival];
    facts
}

fn said(facts: &DeliveryFacts, rules: &Rules) -> Vec<(&'static str, Severity, String)> {
    let told = |finding: Finding| (finding.code(), finding.severity, finding.evidence.clone());
    judge(facts, rules).into_iter().map(told).collect()
}

fn codes(facts: &DeliveryFacts, rules: &Rules) -> Vec<&'static str> {
    said(facts, rules)
        .into_iter()
        .map(|(code, ..)| code)
        .collect()
}

fn way(fields: &str) -> Transit {
    let message = format!("{fields}\r\n\r\n");
    Transit::of(
        &Trace::of(&Headers::of(message.as_bytes())),
        Ends::new(at(0), at(400)),
    )
}

const SLOW: &str = "Received: from b ([192.0.2.2]) by c with ESMTPS id 1 (version=TLSv1.1 cipher=X); Fri, 2 Jan 2026 00:05:10 +0000\r\n\
    Received: from x ([192.0.2.3]) by b with ESMTP id 1; Fri, 2 Jan 2026 01:00:00 +0000\r\n\
    Received: from a ([192.0.2.1]) by a with ESMTPSA id 1; Fri, 2 Jan 2026 00:00:01 +0000";

#[test]
fn a_quick_and_whole_delivery_has_nothing_to_tell() {
    let integrity = Integrity::of(&canary(), canary().bytes());
    let facts = with(|arrival| arrival.integrity = Some(integrity.clone()));
    assert_eq!(said(&facts, &Rules::default()), []);
    assert_eq!(said(&DeliveryFacts::default(), &Rules::default()), []);
}

#[test]
fn the_slow_hop_the_wrong_clock_and_the_open_hop_are_named() {
    let facts = with(|arrival| arrival.way = way(SLOW));
    let mut rules = Rules::default();
    let expected = [
        (
            "delivery.hop.slow",
            Severity::Warning,
            "5m 9s between a and c".to_owned(),
        ),
        (
            "delivery.clock",
            Severity::Warning,
            "b is fast by 54m 50s to 59m 59s, by our own clock".to_owned(),
        ),
        (
            "delivery.hop.unprotected",
            Severity::Info,
            "from a to b".to_owned(),
        ),
        (
            "delivery.hop.tls-outdated",
            Severity::Info,
            "TLSv1.1 to c".to_owned(),
        ),
    ];
    assert_eq!(said(&facts, &rules), expected);
    rules.unprotected = Unprotected::Warned;
    rules.slow_hop = Duration::from_secs(309);
    rules.clock = Duration::from_secs(3290);
    let expected = [
        (
            "delivery.hop.unprotected",
            Severity::Warning,
            "from a to b".to_owned(),
        ),
        (
            "delivery.hop.tls-outdated",
            Severity::Info,
            "TLSv1.1 to c".to_owned(),
        ),
    ];
    assert_eq!(said(&facts, &rules), expected);
}

#[test]
fn hops_that_are_odd_or_too_many_are_told() {
    let facts = with(|arrival| {
        arrival.way =
            way("Received: from a ([192.0.2.1]) by b with ESMTPS id 1; 2026-01-02T00:00:01Z");
    });
    let expected = [(
        "delivery.hop.odd",
        Severity::Info,
        "b: date-form".to_owned(),
    )];
    assert_eq!(said(&facts, &Rules::default()), expected);
    let many = "Received: by b; Fri, 2 Jan 2026 00:00:01 +0000\r\n".repeat(Trace::HOPS + 2);
    let facts = with(|arrival| arrival.way = way(many.trim_end()));
    let expected = [(
        "delivery.hop.many",
        Severity::Warning,
        "102 hops".to_owned(),
    )];
    assert_eq!(said(&facts, &Rules::default()), expected);
}

#[test]
fn times_are_held_against_their_thresholds() {
    let seconds =
        |text: &str| Thresholds::new(Some(text.parse().unwrap()), Some("60".parse().unwrap()));
    let mut rules = Rules::default();
    (rules.send, rules.transit, rules.receive) = (seconds("1"), seconds("5"), seconds("2"));
    let mut facts = with(|arrival| {
        arrival.transit = Some(Duration::from_secs(61));
        arrival.receive = Some(Duration::from_millis(2500));
    });
    let mut canary = CanaryFacts::new(&canary(), at(0));
    canary.send = Some(Duration::from_millis(1001));
    facts.canary = Some(canary);
    let expected = [
        (
            "delivery.send",
            Severity::Warning,
            "1s 1ms, range 1".to_owned(),
        ),
        (
            "delivery.transit",
            Severity::Critical,
            "1m 1s, range 60".to_owned(),
        ),
        (
            "delivery.receive",
            Severity::Warning,
            "2s 500ms, range 2".to_owned(),
        ),
    ];
    assert_eq!(said(&facts, &rules), expected);
    assert_eq!(codes(&facts, &Rules::default()), [""; 0]);
}

#[test]
fn where_and_how_it_arrived_is_told() {
    let rules = Rules::default();
    let one = |change: fn(&mut Arrival)| codes(&with(change), &rules);
    assert_eq!(
        one(|arrival| arrival.placement = Placement::Junk),
        ["delivery.junk"]
    );
    assert_eq!(
        one(|arrival| arrival.placement = Placement::Other),
        ["delivery.folder"]
    );
    assert_eq!(
        one(|arrival| arrival.placement = Placement::Unknown),
        [""; 0]
    );
    assert_eq!(
        one(|arrival| arrival.is_duplicate = true),
        ["delivery.duplicate"]
    );
    assert_eq!(
        one(|arrival| arrival.standing = Standing::ArrivedLate),
        ["delivery.arrived-late"]
    );
}

#[test]
fn only_methods_that_are_asked_for_are_judged() {
    let mut rules = Rules::default();
    let found = |value: &str| {
        let authentication = Authentication::parse(value.as_bytes());
        with(|arrival| arrival.authentication = authentication.clone())
    };
    let facts = found("mx; spf=fail reason=\"not listed\"; dkim=pass; dmarc=none");
    assert_eq!(codes(&facts, &rules), [""; 0]);
    rules.authentication = ["spf", "dkim", "dmarc", "arc"].map(str::to_owned).to_vec();
    let expected = [
        (
            "delivery.authentication.spf",
            Severity::Warning,
            "mx: spf=fail (not listed)".to_owned(),
        ),
        (
            "delivery.authentication.dmarc",
            Severity::Warning,
            "mx: dmarc=none".to_owned(),
        ),
        (
            "delivery.authentication.missing",
            Severity::Warning,
            "mx says nothing of arc".to_owned(),
        ),
    ];
    assert_eq!(said(&facts, &rules), expected);
    assert_eq!(
        codes(&found("mx; none"), &rules),
        [
            "delivery.authentication.spf",
            "delivery.authentication.dkim",
            "delivery.authentication.dmarc",
            "delivery.authentication.missing"
        ]
    );
    let nothing = with(|_| {});
    assert_eq!(codes(&nothing, &rules), ["delivery.authentication.missing"]);
}

#[test]
fn what_changed_is_damage_or_not() {
    let changed = |change: fn(&str) -> String| {
        let text = String::from_utf8(canary().bytes().to_vec()).unwrap();
        let integrity = Integrity::of(&canary(), change(&text).as_bytes());
        codes(
            &with(|arrival| arrival.integrity = Some(integrity.clone())),
            &Rules::default(),
        )
    };
    assert_eq!(
        changed(|text| text.replace("Subject: ", "Subject: [X] ")),
        ["delivery.content.marked"]
    );
    assert_eq!(
        changed(|text| text.replace("blanks:   ", "blanks:")),
        ["delivery.content.damaged"]
    );
    assert_eq!(
        changed(|text| text.replace("application/", "text/")),
        ["delivery.content.attachment"]
    );
    assert_eq!(
        changed(|text| text.replace("7bit\r\n\r\nToken", "quoted-printable\r\n\r\nToken")),
        ["delivery.content.rewritten"]
    );
}

fn bounce(status: &str, action: &str) -> Vec<(&'static str, Severity, String)> {
    let token = canary().token();
    let message = format!(
        "From: MAILER-DAEMON@mx\r\nContent-Type: multipart/report; boundary=b\r\n\r\n--b\r\n\
        Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\nAction: {action}\r\nStatus: {status}\r\n\
        Remote-MTA: dns; store\r\nDiagnostic-Code: smtp; 550 no\r\n\r\n--b\r\n\r\n{token}\r\n--b--\r\n"
    );
    let recogniser = Recogniser::new(keys(), &name("one"));
    let Notice::Bounce(bounce) = Bounce::read(message.as_bytes(), &recogniser) else {
        return vec![];
    };
    let mut facts = DeliveryFacts::default();
    facts.bounces = vec![*bounce];
    said(&facts, &Rules::default())
}

#[test]
fn a_bounce_has_the_code_of_its_cause() {
    for (status, cause) in [
        ("5.1.1", Cause::Address),
        ("5.7.26", Cause::Authentication),
        ("5.6.1", Cause::Content),
        ("5.4.6", Cause::Loop),
        ("5.4.7", Cause::Network),
        ("5.9.9", Cause::Other),
        ("5.7.1", Cause::Policy),
        ("5.5.1", Cause::Protocol),
        ("5.2.2", Cause::Quota),
        ("5.1.2", Cause::Routing),
        ("5.1.8", Cause::Sender),
        ("5.3.4", Cause::Size),
        ("5.3.0", Cause::System),
        ("5.7.10", Cause::Tls),
    ] {
        let found = bounce(status, "failed");
        let code = format!("delivery.bounced.{cause}");
        assert_eq!(
            (found[0].0, found[0].1),
            (code.as_str(), Severity::Critical)
        );
        assert_eq!(
            found[0].2,
            format!("{status} store said 550 no (told by mx)")
        );
        assert!(FINDINGS.iter().any(|kind| kind.code == code));
    }
    assert_eq!(bounce("4.4.1", "delayed")[0].0, "delivery.delayed");
    assert_eq!(bounce("2.0.0", "delivered"), []);
}

fn ledger(events: &[Event], seconds: u64) -> DeliveryFacts {
    let mut ledger = Ledger::default();
    events.iter().for_each(|event| ledger.apply(event));
    let mut facts = DeliveryFacts::default();
    facts.route = Some(name("out-in"));
    facts.canary = Some(CanaryFacts::new(&canary(), at(0)));
    facts.take_ledger(&ledger, at(seconds), &Patience::default());
    facts
}

#[test]
fn what_is_missing_is_told_by_how_long() {
    let rules = Rules::default();
    let begun = Event::Begun {
        token: canary().token(),
        route: name("out-in"),
        at: at(0),
    };
    let after = |seconds| said(&ledger(core::slice::from_ref(&begun), seconds), &rules);
    assert_eq!(
        after(9),
        [("delivery.pending", Severity::Info, "1 canary".to_owned())]
    );
    assert_eq!(
        after(999),
        [("delivery.late", Severity::Warning, "1 canary".to_owned())]
    );
    assert_eq!(
        after(99_999),
        [("delivery.lost", Severity::Critical, "1 canary".to_owned())]
    );
    let mut few = Rules::default();
    few.lost = Thresholds::new(Some("0".parse().unwrap()), Some("5".parse().unwrap()));
    assert_eq!(
        said(&ledger(core::slice::from_ref(&begun), 99_999), &few),
        [(
            "delivery.lost",
            Severity::Warning,
            "1 canary, range 0".to_owned()
        )]
    );
    let facts = ledger(
        &[
            begun,
            Event::Sent {
                token: canary().token(),
                took: Duration::from_secs(3),
            },
        ],
        9,
    );
    let canary = facts.canary.unwrap();
    assert_eq!(
        (canary.send, canary.standing),
        (Some(Duration::from_secs(3)), Standing::Pending)
    );
}

#[test]
fn what_lies_about_is_counted() {
    let mut facts = DeliveryFacts::default();
    (
        facts.forged,
        facts.left_behind,
        facts.unreadable,
        facts.dropped,
    ) = (1, 2, 3, 4);
    facts.recently_reordered = 5;
    assert_eq!(
        said(&facts, &Rules::default())
            .into_iter()
            .map(|(code, _, evidence)| (code, evidence))
            .collect::<Vec<_>>(),
        [
            ("delivery.reordered", "5 canaries".to_owned()),
            ("delivery.forged", "1".to_owned()),
            ("delivery.left-behind", "2".to_owned()),
            ("delivery.ledger.unreadable", "3".to_owned()),
            ("delivery.ledger.dropped", "4".to_owned())
        ]
    );
}

#[test]
fn the_table_is_in_order_and_every_code_has_its_remedy() {
    let codes: Vec<_> = FINDINGS.iter().map(|kind| kind.code).collect();
    assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    for kind in FINDINGS {
        assert!(
            kind.code.starts_with("delivery.") && kind.remedy.ends_with('.'),
            "{}",
            kind.code
        );
    }
    let causes = Cause::ALL
        .iter()
        .map(|cause| format!("delivery.bounced.{cause}"));
    for code in causes {
        assert!(codes.contains(&code.as_str()), "{code}");
    }
}

#[test]
fn facts_are_written_out_with_their_route() {
    let mut facts = with(|arrival| {
        arrival.way = way(SLOW);
        arrival.transit = Some(Duration::from_secs(9));
        arrival.authentication = Authentication::parse(b"mx; spf=pass");
        arrival.integrity = Some(Integrity::of(&canary(), canary().bytes()));
    });
    facts.route = Some(name("out-in"));
    facts.canary = Some(CanaryFacts::new(&canary(), at(0)));
    facts.counts.transit.add(Duration::from_secs(9));
    let mut out = Record::default();
    facts.record(&mut out);
    let value = |name: &str, label: (&str, &str)| {
        let metrics = out.metrics();
        let found = metrics.into_iter().find(|metric| {
            metric.name == name
                && metric
                    .labels
                    .iter()
                    .any(|(key, value)| (*key, value.as_str()) == label)
        });
        found.map(|metric| metric.value)
    };
    assert_eq!(
        value("probe_delivery_transit_seconds", ("route", "out-in")),
        Some(9.0)
    );
    assert_eq!(
        value("probe_delivery_hop_seconds", ("host", "c")),
        Some(309.0)
    );
    assert_eq!(
        value("probe_delivery_clock_off_seconds", ("host", "b")),
        Some(3290.0)
    );
    assert_eq!(
        value("probe_delivery_authentication", ("method", "spf")),
        Some(1.0)
    );
    assert_eq!(
        value("probe_delivery_canaries", ("standing", "arrived-late")),
        Some(0.0)
    );
    let bucket = "probe_delivery_duration_seconds_bucket";
    let of_transit = |le: &str| {
        let metrics = out.metrics();
        let found = metrics.into_iter().find(|metric| {
            let labels: Vec<_> = metric
                .labels
                .iter()
                .map(|(key, value)| (*key, value.as_str()))
                .collect();
            metric.name == bucket
                && labels.contains(&("step", "transit"))
                && labels.contains(&("le", le))
        });
        found.map(|metric| metric.value)
    };
    assert_eq!(
        (
            of_transit("5"),
            of_transit("10"),
            of_transit("+Inf"),
            of_transit("0.05")
        ),
        (Some(0.0), Some(1.0), Some(1.0), Some(0.0))
    );
}
