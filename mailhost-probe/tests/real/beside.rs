//! Exim, Sendmail and OpenSMTPD, each with a queue that the lab has made.

use mailhost_probe::Format;
use probe_core::{Thresholds, Verdict};

use super::*;

/// A program of one of them, where it is as if installed.
fn program(server: &str, words: &[&str], format: Format) -> Source {
    let enter = lab()["queues"][server].as_array().unwrap();
    let mut all = enter.iter().map(|word| word.as_str().unwrap());
    let program = all.next().unwrap();
    Source::command(program, all.chain(words.iter().copied()), format)
}

const AS_NOBODY: [&str; 6] = [
    "setpriv",
    "--reuid",
    "nobody",
    "--regid",
    "nogroup",
    "--clear-groups",
];

async fn read(server: &str, words: &[&str], format: Format) -> QueueFacts {
    let report = ask(program(server, words, format)).await;
    assert_eq!(report.failure, None);
    assert_eq!(
        report.facts.unreadable, 0,
        "{:?}",
        report.facts.first_unreadable
    );
    report.facts
}

async fn refused(server: &str, words: &[&str], format: Format) -> String {
    let words = [&AS_NOBODY, words].concat();
    let report = ask(program(server, &words, format)).await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert!(report.facts.queues.is_empty());
    report.failure.unwrap().detail
}

#[tokio::test]
async fn exim_tells_what_waits_what_is_frozen_and_how_old_it_is() {
    let facts = read("exim", &["exim4", "-bp"], Format::EximList).await;
    assert_eq!(counts(&facts), [("queue", 32), ("frozen", 8)]);
    // What was delivered already is not told.
    assert_eq!(
        destinations(&facts),
        [
            ("refused.example", 22, None),
            ("later.example", 16, None),
            ("frozen.example", 8, None),
        ]
    );
    let ages = |queue: &str| {
        let ages = facts.queue(queue).unwrap().ages.iter();
        ages.map(|(_, count)| count).collect::<Vec<_>>()
    };
    assert_eq!(ages("queue"), [0, 0, 0, 0, 16, 16, 0]);
    assert_eq!(ages("frozen"), [0, 0, 0, 0, 0, 0, 8]);
    let octets = facts.queue("frozen").unwrap().bytes.unwrap();
    assert!((8 * 300..8 * 400).contains(&octets), "{octets}");

    let count = read("exim", &["exim4", "-bpc"], Format::EximCount).await;
    assert_eq!(counts(&count), [("queue", 40)]);
}

#[tokio::test]
async fn exim_lets_nobody_see_the_queue_who_is_no_admin() {
    for (option, format) in [("-bp", Format::EximList), ("-bpc", Format::EximCount)] {
        let detail = refused("exim", &["exim4", option], format).await;
        assert_eq!(detail, "unshare: exit status: 1: exim: permission denied");
    }
}

const SENDMAIL: &str = "/usr/libexec/sendmail/sendmail";

#[tokio::test]
async fn sendmail_tells_what_waits_where_to_and_why() {
    let facts = read("sendmail", &[SENDMAIL, "-bp"], Format::Mailq).await;
    assert_eq!(counts(&facts), [("queue", 24)]);
    // It keeps one reason a message, for all of its recipients.
    assert_eq!(
        destinations(&facts),
        [
            ("quota.example", 18, Some((Reason::Quota, 18))),
            ("refused.example", 12, Some((Reason::Refused, 12))),
            ("later.example", 6, Some((Reason::Quota, 6))),
            ("silent.example", 2, Some((Reason::Timeout, 2))),
        ]
    );
    assert!(facts.queue("queue").unwrap().oldest.is_none());
    let detail = refused("sendmail", &[SENDMAIL, "-bp"], Format::Mailq).await;
    assert_eq!(
        detail,
        "unshare: exit status: 78: Program mode requires special privileges, e.g., root or TrustedUser."
    );
}

#[tokio::test]
async fn opensmtpd_tells_each_envelope_and_its_reason() {
    let words = [
        "setpriv",
        "--regid",
        "opensmtpq",
        "--clear-groups",
        "smtpctl",
        "show",
        "queue",
    ];
    let facts = read("opensmtpd", &words, Format::OpenSmtpd).await;
    assert_eq!(counts(&facts), [("queue", 22)]);
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
    let detail = refused(
        "opensmtpd",
        &["smtpctl", "show", "queue"],
        Format::OpenSmtpd,
    )
    .await;
    assert!(detail.contains("smtpctl: "), "{detail}");
}

/// What the README says of each beside check_mailq, with `-w 100 -c 1000`.
#[tokio::test]
async fn the_verdicts_are_those_that_the_readme_tells() {
    const STOPPED: &str = "mount -t tmpfs none /run && exec \"$@\"";
    let smtpctl = [
        "setpriv",
        "--regid",
        "opensmtpq",
        "--clear-groups",
        "smtpctl",
        "show",
        "queue",
    ];
    let stopped = [&["sh", "-c", STOPPED, "sh"][..], &smtpctl].concat();
    let absent = ["/nonexistent/mailq"];
    for (server, words, format, verdict) in [
        ("exim", &["exim4", "-bp"][..], Format::EximList, Verdict::Ok),
        ("sendmail", &[SENDMAIL, "-bp"], Format::Mailq, Verdict::Ok),
        ("opensmtpd", &smtpctl, Format::OpenSmtpd, Verdict::Ok),
        ("opensmtpd", &stopped, Format::OpenSmtpd, Verdict::Warning),
        ("exim", &absent, Format::EximList, Verdict::Unknown),
    ] {
        let range = |text: &str| Some(text.parse().unwrap());
        let thresholds = Thresholds::new(range("100"), range("1000"));
        let options = QueueProbe::builder(program(server, words, format)).messages(thresholds);
        let report = ask_with(options, SystemTime::now()).await;
        assert_eq!(report.verdict(), verdict, "{server} {words:?}");
    }
    let _queue = postfix::QUEUE.lock().await;
    let range = |text: &str| Some(text.parse().unwrap());
    let thresholds = Thresholds::new(range("100"), range("1000"));
    let options = QueueProbe::builder(postfix::socket()).messages(thresholds);
    let report = ask_with(options, SystemTime::now()).await;
    assert_eq!(report.verdict(), Verdict::Warning);
}

/// Without its server the program reads the folder by itself, and says so in each line alone.
#[tokio::test]
async fn of_an_opensmtpd_that_is_stopped_the_queue_is_told_and_the_trouble() {
    const HIDE: &str = "mount -t tmpfs none /run && exec setpriv --regid opensmtpq --clear-groups smtpctl show queue";
    let facts = read("opensmtpd", &["sh", "-c", HIDE], Format::OpenSmtpd).await;
    assert_eq!(counts(&facts), [("queue", 22)]);
    assert_eq!(
        facts.complaint.as_deref(),
        Some("smtpd does not run: its envelopes are offline")
    );
}
