//! What real mail servers said of their queues, read whole and to the number.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::{Duration, SystemTime};

use mailhost_probe::{Format, Listing, QueueFacts, Reason};

/// When the transcripts of Postfix were written, or soon after.
const NOW: u64 = 1_795_538_900;

fn read(format: Format, file: &str) -> QueueFacts {
    let path = format!("{}/tests/transcripts/{file}", env!("CARGO_MANIFEST_DIR"));
    let list = std::fs::read(path).unwrap();
    let mut listing = Listing::new(format, SystemTime::UNIX_EPOCH + Duration::from_secs(NOW));
    listing.feed(&list).unwrap();
    let facts = listing.finish().unwrap();
    assert_eq!(facts.unreadable, 0, "{:?}", facts.first_unreadable);
    facts
}

fn counts(facts: &QueueFacts) -> Vec<(&str, u64, Option<u64>)> {
    let queues = facts.queues.iter();
    let count = queues.map(|queue| (queue.name.as_str(), queue.messages, queue.bytes));
    count.collect()
}

fn reasons(facts: &QueueFacts) -> Vec<(Reason, u64)> {
    facts.delayed.iter().collect()
}

/// A domain, how many recipients wait there, and why most of them do.
type Destination<'a> = (&'a str, u64, Option<(Reason, u64)>);

fn destinations(facts: &QueueFacts) -> Vec<Destination<'_>> {
    let domains = facts.domains.iter();
    let one = domains.map(|domain| {
        let most = domain.delayed.most();
        (&*domain.domain, domain.recipients, most)
    });
    one.collect()
}

const POSTFIX: [(Reason, u64); 7] = [
    (Reason::Greylisted, 6),
    (Reason::Other, 6),
    (Reason::Policy, 5),
    (Reason::Quota, 5),
    (Reason::Refused, 5),
    (Reason::Timeout, 4),
    (Reason::Tls, 4),
];

#[test]
fn the_socket_and_the_json_of_postfix_tell_the_same() {
    let showq = read(Format::Showq, "postfix-3.7.showq");
    let json = read(Format::Postqueue, "postfix-3.7.jsonl");
    assert_eq!(showq, json);
    assert_eq!(
        counts(&json),
        [
            ("maildrop", 0, Some(0)),
            ("active", 0, Some(0)),
            ("incoming", 0, Some(0)),
            ("deferred", 33, Some(14_892)),
            ("hold", 4, Some(1_683)),
        ]
    );
    let deferred = json.queue("deferred").unwrap();
    assert_eq!(deferred.oldest_age, Some(Duration::from_secs(160)));
    let ages: Vec<_> = deferred.ages.iter().map(|(_, count)| count).collect();
    assert_eq!(ages, [0, 33, 0, 0, 0, 0, 0]);
    assert_eq!(reasons(&json), POSTFIX);
    assert_eq!(json.domains[0].domain, "defer.test");
    assert_eq!(json.domains[0].delayed.most(), Some((Reason::Other, 6)));
}

#[test]
fn the_text_of_postfix_tells_the_same_but_for_ages() {
    for format in [Format::Mailq, Format::Showq] {
        let text = read(format, "postfix-3.7.mailq");
        let deferred = text.queue("deferred").unwrap();
        assert_eq!((deferred.messages, deferred.bytes), (33, Some(14_892)));
        assert_eq!(deferred.oldest, None);
        assert_eq!(text.queue("hold").map(|queue| queue.messages), Some(4));
        assert_eq!(reasons(&text), POSTFIX);
        let json = read(Format::Postqueue, "postfix-3.7.jsonl");
        assert_eq!(text.domains, json.domains);
    }
}

/// The queues of the lab (`cargo xtask lab up`), as those below.
#[test]
fn exim_tells_what_is_frozen() {
    let facts = read(Format::EximList, "exim-4.96.list");
    assert_eq!(
        counts(&facts),
        [("queue", 32, Some(10_234)), ("frozen", 8, Some(2592))]
    );
    assert_eq!(
        destinations(&facts),
        [
            ("refused.example", 22, None),
            ("later.example", 16, None),
            ("frozen.example", 8, None),
        ]
    );
    let ages = facts.queue("queue").unwrap().ages.iter();
    let ages: Vec<_> = ages.map(|(_, count)| count).collect();
    assert_eq!(ages, [0, 0, 0, 0, 16, 16, 0]);
    let count = read(Format::EximCount, "exim-4.96.count");
    assert_eq!(counts(&count), [("queue", 40, None)]);
}

#[test]
fn sendmail_tells_one_reason_for_all_recipients_of_a_message() {
    let facts = read(Format::Mailq, "sendmail-8.17.mailq");
    assert_eq!(counts(&facts), [("queue", 24, Some(384))]);
    assert_eq!(
        destinations(&facts),
        [
            ("quota.example", 18, Some((Reason::Quota, 18))),
            ("refused.example", 12, Some((Reason::Refused, 12))),
            ("later.example", 6, Some((Reason::Quota, 6))),
            ("silent.example", 2, Some((Reason::Timeout, 2))),
        ]
    );
}

#[test]
fn opensmtpd_tells_every_envelope() {
    let facts = read(Format::OpenSmtpd, "opensmtpd-6.8.queue");
    assert_eq!(counts(&facts), [("queue", 22, None)]);
    assert_eq!(
        destinations(&facts),
        [
            ("policy.example", 9, Some((Reason::Policy, 9))),
            ("quota.example", 9, Some((Reason::Quota, 9))),
            ("greylisted.example", 8, Some((Reason::Greylisted, 8))),
            ("later.example", 4, Some((Reason::Other, 4))),
        ]
    );
    assert_eq!(facts.complaint, None);
}

#[test]
fn an_opensmtpd_that_is_stopped_is_told_by_its_envelopes() {
    let facts = read(Format::OpenSmtpd, "opensmtpd-6.8.offline");
    let online = read(Format::OpenSmtpd, "opensmtpd-6.8.queue");
    assert_eq!(
        facts.complaint.as_deref(),
        Some("smtpd does not run: its envelopes are offline")
    );
    assert_eq!(counts(&facts), counts(&online));
    assert_eq!(facts.domains, online.domains);
}
