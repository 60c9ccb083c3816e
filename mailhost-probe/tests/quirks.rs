//! Oddities of lists, each with its source, and the mistakes of others that are not made here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::time::{Duration, SystemTime};

use mailhost_probe::{Format, Listing, QueueFacts, Reason, Unreadable};

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_540_000)
}

fn read(format: Format, list: impl AsRef<[u8]>) -> Result<QueueFacts, Unreadable> {
    let mut listing = Listing::new(format, now());
    listing.feed(list.as_ref())?;
    listing.finish()
}

/// A list of showq's attributes; an empty text is an end.
fn showq(texts: &[&str]) -> Vec<u8> {
    texts
        .iter()
        .flat_map(|text| [text.as_bytes(), b"\0"].concat())
        .collect()
}

const MESSAGE: [&str; 8] = [
    "queue_name",
    "deferred",
    "queue_id",
    "3B6D",
    "time",
    "1795538740",
    "size",
    "362",
];

/// Postfix 3.1 to 3.11, `src/showq/showq.c` of each.
#[test]
fn all_four_generations_of_showq_are_read() {
    let sender = ["sender", "s@lab.test"];
    let recipient = [
        "recipient",
        "u@lab.test",
        "reason",
        "Connection refused",
        "",
    ];
    let greeting = ["protocol", "mail_queue_list_protocol", ""];
    let expire = ["forced_expire", "0"];
    let newest = [
        "original_recipient",
        "alias@lab.test",
        "recipient",
        "u@lab.test",
        "log_class",
        "defer",
        "reason",
        "Connection refused",
        "",
    ];
    let generations: [Vec<&str>; 4] = [
        [&MESSAGE[..], &sender, &recipient].concat(),
        [&MESSAGE[..], &expire, &sender, &recipient].concat(),
        [&greeting[..], &MESSAGE, &expire, &sender, &recipient].concat(),
        [&greeting[..], &MESSAGE, &expire, &sender, &newest].concat(),
    ];
    for mut generation in generations {
        generation.push("");
        let facts = read(Format::Showq, showq(&generation)).unwrap();
        let deferred = facts.queue("deferred").unwrap();
        assert_eq!((deferred.messages, deferred.bytes), (1, Some(362)));
        assert_eq!(deferred.oldest_age, Some(Duration::from_secs(1260)));
        assert_eq!(facts.domains[0].domain, "lab.test");
        assert_eq!(facts.domains[0].delayed.most(), Some((Reason::Refused, 1)));
    }
}

#[test]
fn attributes_that_nobody_knows_are_skipped() {
    let odd = ["new_thing", "recipient", "{", "inner", "reason", "}"];
    let list = [&MESSAGE[..], &odd, &["recipient", "a@b.test", "", ""]].concat();
    let facts = read(Format::Showq, showq(&list)).unwrap();
    assert_eq!((facts.messages(), facts.domains[0].recipients), (1, 1));
}

#[test]
fn an_empty_queue_is_told_by_an_end_and_not_by_silence() {
    let empty = read(Format::Showq, showq(&[""])).unwrap();
    assert_eq!((empty.messages(), empty.queues.len()), (0, 5));
    assert_eq!(read(Format::Showq, ""), Err(Unreadable::CutShort));
    let greeting = ["protocol", "mail_queue_list_protocol", ""];
    assert_eq!(
        read(Format::Showq, showq(&greeting)),
        Err(Unreadable::CutShort)
    );
    assert_eq!(read(Format::Mailq, ""), Err(Unreadable::CutShort));
    assert_eq!(read(Format::EximCount, ""), Err(Unreadable::CutShort));
}

#[test]
fn what_comes_behind_the_end_is_no_list() {
    assert_eq!(
        read(Format::Showq, showq(&["", ""])),
        Err(Unreadable::NoList)
    );
}

/// <https://github.com/Linuxfabrik/monitoring-plugins/issues/610>: Exim's complaint was read as an empty queue.
#[test]
fn a_program_that_complains_is_not_an_empty_queue() {
    for (format, words) in [
        (Format::EximList, "exim: permission denied\n"),
        (Format::EximCount, "exim: permission denied\n"),
        (
            Format::Mailq,
            "postqueue: fatal: Queue report unavailable - mail system is down\n",
        ),
        (
            Format::Postqueue,
            "postqueue: warning: Mail system is down -- accessing queue directly\n",
        ),
        (Format::OpenSmtpd, "smtpctl: need root privileges\n"),
    ] {
        let words_alone = words.trim_end().to_owned();
        assert_eq!(read(format, words), Err(Unreadable::Refused(words_alone)));
    }
}

/// HISTORY of Postfix: control characters were not escaped once.
#[test]
fn a_line_of_json_that_is_broken_does_not_break_the_list() {
    let list = "{\"queue_name\": \"hold\", \"sender\": \"a\x01b\"}\n{\"queue_name\": \"hold\", \"recipients\": []}\n";
    let facts = read(Format::Postqueue, list).unwrap();
    assert_eq!((facts.messages(), facts.unreadable), (1, 1));
    let broken = list.lines().next().unwrap();
    assert_eq!(read(Format::Postqueue, broken), Err(Unreadable::NoList));
}

#[test]
fn a_recipient_that_would_bounce_has_its_reason_too() {
    let list = r#"{"queue_name": "deferred", "recipients": [{"orig_address": "a@b.test", "address": "c@d.test", "bounce_reason": "Connection refused"}]}"#;
    let facts = read(Format::Postqueue, list).unwrap();
    assert_eq!(facts.domains[0].domain, "d.test");
    assert_eq!(facts.delayed.most(), Some((Reason::Refused, 1)));
}

/// Postfix 3.7: what `postsuper -e` has marked, and what was never taken in, which the text does not tell from deferred.
#[test]
fn the_text_of_postfix_marks_what_may_expire() {
    let list = "\
-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------
609B72AAF4#     278 Tue Nov 24 20:16:47  sender@lab.test
(delivery temporarily suspended: connect to 127.88.0.74[127.88.0.74]:25: Connection refused)
                                         user1@expiring.example

0018900189      147 Tue Nov 24 09:21:56  sender@lab.test
                                         user1@pending.example

-- 0 Kbytes in 2 Requests.
";
    let facts = read(Format::Mailq, list).unwrap();
    assert_eq!((facts.messages(), facts.unreadable), (2, 0));
    assert_eq!(facts.queue("deferred").unwrap().messages, 2);
    assert_eq!(facts.delayed.most(), Some((Reason::Refused, 1)));
}

/// <https://github.com/monitoring-plugins/monitoring-plugins>, `plugins-scripts/check_mailq.pl`.
#[test]
fn sendmail_tells_each_queue_directory() {
    let list = "\
MSP Queue status...
/var/spool/mqueue-client is empty
\t\tTotal requests: 0
MTA Queue status...
\t\t/var/spool/mqueue (2 requests)
-----Q-ID----- --Size-- -----Q-Time----- ------------Sender/Recipient-----------
4AOGjJ8w012345*     900 Tue Nov 24 16:45 <s@lab.test>
      8BITMIME   (Deferred: Connection refused by mx.lab.test.)
                 (Deferred: Connection refused by mx.lab.test.)
\t\t\t\t\t <u@refused.test>
4AOGjJ8w012346\t(no control file)
\t\tTotal requests: 2
";
    let facts = read(Format::Mailq, list).unwrap();
    let queue = facts.queue("queue").unwrap();
    assert_eq!((queue.messages, queue.bytes), (2, None));
    assert_eq!(facts.domains[0].domain, "refused.test");
    assert_eq!(facts.delayed.most(), Some((Reason::Refused, 1)));
    let cut = &list[..list.len() - "\t\tTotal requests: 2\n".len()];
    assert_eq!(read(Format::Mailq, cut), Err(Unreadable::CutShort));
}

#[test]
fn exim_since_4_97_has_longer_ids_and_marks_what_is_delivered() {
    let list = " 3d   12M 1rHZjd-00000006Rb4-2Cfa <> *** frozen ***\n        D done@a.test\n          user@b.test\n\n";
    let facts = read(Format::EximList, list).unwrap();
    let frozen = facts.queue("frozen").unwrap();
    assert_eq!((frozen.messages, frozen.bytes), (1, Some(12 * 1024 * 1024)));
    assert_eq!(frozen.oldest_age, Some(Duration::from_secs(3 * 86400)));
    assert_eq!(facts.domains.len(), 1);
}

#[test]
fn qmail_and_nullmailer_are_read() {
    let list = "24 Nov 2026 16:45:40 GMT  #912345  1234  <s@lab.test> bouncing\n  done\tremote\tx@a.test\n\tremote\tu@b.test\n";
    let facts = read(Format::QmailRead, list).unwrap();
    let queue = facts.queue("queue").unwrap();
    assert_eq!((queue.messages, queue.bytes), (1, Some(1234)));
    assert_eq!(queue.oldest_age, Some(Duration::from_secs(1260)));
    assert_eq!(facts.domains[0].domain, "b.test");

    let stat = "messages in queue: 3\nmessages in queue but not yet preprocessed: 1\n";
    assert_eq!(read(Format::QmailStat, stat).unwrap().messages(), 3);
    let half = "messages in queue: 3\n";
    assert_eq!(read(Format::QmailStat, half), Err(Unreadable::CutShort));

    let list = "2026-11-24 16:45:40  1234 bytes from <s@lab.test>\n  to <u@b.test>\n";
    let facts = read(Format::Nullmailer, list).unwrap();
    assert_eq!((facts.messages(), facts.domains[0].recipients), (1, 1));
}

#[test]
fn opensmtpd_counts_a_message_with_two_envelopes_once() {
    let envelope = |id: &str| {
        format!(
            "{id}|inet4|mta||s@lab.test|u@b.test|u@b.test|1795538740|1795538740|0|1|pending|396|\n"
        )
    };
    let list = envelope("17254a3a5cb9e7c5") + &envelope("17254a3a5cb9e7c6");
    let facts = read(Format::OpenSmtpd, list).unwrap();
    assert_eq!((facts.messages(), facts.domains[0].recipients), (1, 2));
}

#[test]
fn a_text_of_showq_may_be_so_long_and_no_longer() {
    const LONGEST: usize = 64 * 1024;
    let list =
        |length: usize| showq(&["queue_name", "hold", "sender", &"x".repeat(length), "", ""]);
    assert_eq!(read(Format::Showq, list(LONGEST)).unwrap().messages(), 1);
    assert_eq!(
        read(Format::Showq, list(LONGEST + 1)),
        Err(Unreadable::TooLong(LONGEST))
    );
}

#[test]
fn a_line_may_be_so_long_and_of_a_longer_one_is_only_noted_that_it_is_there() {
    let line = |length: usize| {
        let frame = r#"{"queue_name": "hold", "x": ""}"#.len();
        format!(
            "{{\"queue_name\": \"hold\", \"x\": \"{}\"}}\n",
            "x".repeat(length - frame)
        )
    };
    let list = line(Listing::LINE) + &line(Listing::LINE + 1);
    let facts = read(Format::Postqueue, list).unwrap();
    assert_eq!((facts.messages(), facts.unreadable), (1, 1));
}
