//! Oddities of maildrops: of lists, unique ids and messages.

use pop3_probe::{Command, Limits, Listing, Pop3Codec, UniqueIds};
use probe_core::FailureKind;
use probe_net::{Codec, Decoded, Oddities, Outgoing};

use super::common::{Outcome, log_in};
use super::{hear, is_partial, server};

/// A maildrop whose LIST and UIDL are answered so.
async fn listed(stat: &str, list: &str, uidl: &str) -> Outcome {
    let script = server("+OK\r\n", "+OK\r\nUIDL\r\n.\r\n")
        .hear("USER")
        .say("+OK\r\n")
        .hear("PASS")
        .say("+OK\r\n")
        .hear("STAT")
        .say(stat)
        .hear("LIST")
        .say(list)
        .hear("UIDL")
        .say(uidl)
        .drain();
    log_in(&script, |options| options).await
}

#[test]
fn an_endless_list_ends_at_the_limit() {
    let limit = Limits::default().lines;
    let decode = |lines: usize| {
        // The status line and the lone dot are lines too.
        let stream = "+OK\r\n".to_owned() + &"1 2\r\n".repeat(lines - 2) + ".\r\n";
        let mut codec = Pop3Codec::default();
        codec.encode(&Command::List, &mut Outgoing::default());
        codec
            .decode(stream.as_bytes(), &mut Oddities::default())
            .is_ok()
    };
    assert!(decode(limit));
    assert!(!decode(limit + 1));
}

#[test]
fn an_endless_message_ends_at_the_limit() {
    let limit = Limits::default().octets;
    let decode = |octets: usize| {
        let text = "x".repeat(octets - "+OK\r\n\r\n.\r\n".len());
        let stream = format!("+OK\r\n{text}\r\n.\r\n");
        let mut codec = Pop3Codec::default();
        codec.encode(&Command::Retr(1), &mut Outgoing::default());
        codec
            .decode(stream.as_bytes(), &mut Oddities::default())
            .is_ok()
    };
    assert!(decode(limit));
    assert!(!decode(limit + 1));
}

#[test]
fn of_a_line_that_begins_with_a_dot_one_dot_is_taken() {
    // Case 3: RFC 1939 section 3.
    let (reply, codes) = hear(&Command::Retr(1), "+OK\r\n..\r\n...x\r\ny.\r\n.\r\n");
    assert_eq!(reply.message(), b".\r\n..x\r\ny.\r\n");
    assert_eq!(reply.octets(), 12);
    assert!(codes.is_empty());
}

#[test]
fn a_dot_before_a_bare_line_feed_ends_no_message() {
    // Case 3: the end is CRLF.CRLF; some messages hold "\n.\n".
    let (reply, _) = hear(&Command::Retr(1), "+OK\r\na\n.\nb\r\n.\r\n");
    assert_eq!(reply.octets(), "a\n\nb\r\n".len());
    assert!(is_partial(&Command::Retr(1), b"+OK\r\na\n.\n"));
    // Unless the server ends all lines so.
    assert!(!is_partial(&Command::Retr(1), b"+OK\na\n.\n"));
}

#[tokio::test(start_paused = true)]
async fn unique_ids_that_are_none_or_not_unique_are_told() {
    // Case 16: RFC 1939 section 7: 1 to 70 characters from 21 to 7E.
    let told = async |uidl: &str| {
        let outcome = listed("+OK 2 2\r\n", "+OK\r\n1 1\r\n2 1\r\n.\r\n", uidl).await;
        let codes = outcome.codes();
        codes
            .into_iter()
            .filter(|code| code.starts_with("pop3.uidl"))
            .collect::<Vec<_>>()
    };
    let long = |octets| format!("+OK\r\n1 {}\r\n2 b\r\n.\r\n", "x".repeat(octets));
    assert!(told("+OK\r\n1 a\r\n2 A\r\n.\r\n").await.is_empty());
    assert_eq!(
        told("+OK\r\n1 a\r\n2 a\r\n.\r\n").await,
        ["pop3.uidl.duplicate"]
    );
    assert_eq!(
        told("+OK\r\n1 a\r\n2 b c\r\n.\r\n").await,
        ["pop3.uidl.illegal"]
    );
    assert!(told(&long(70)).await.is_empty());
    assert_eq!(told(&long(71)).await, ["pop3.uidl.illegal"]);
}

#[tokio::test(start_paused = true)]
async fn message_numbers_need_not_be_contiguous() {
    // Case 17: RFC 1939 section 5: LIST skips what is marked as deleted.
    let reply = hear(
        &Command::List,
        "+OK\r\n2 200\r\n5 100 extra\r\n 9 300\r\n.\r\n",
    )
    .0;
    let sizes: Vec<_> = Listing::from(reply).sizes().collect();
    assert_eq!(sizes, [(2, 200), (5, 100), (9, 300)]);
    let script = server("+OK\r\n", "+OK\r\nTOP\r\n.\r\n")
        .hear("USER")
        .say("+OK\r\n")
        .hear("PASS")
        .say("+OK\r\n")
        .hear("STAT")
        .say("+OK 2 300\r\n")
        .hear("LIST")
        .say("+OK\r\n3 200\r\n7 100\r\n.\r\n")
        .hear("UIDL")
        .say("-ERR\r\n")
        .hear("TOP 3 0")
        .say("+OK\r\n\r\n.\r\n")
        .hear("TOP 7 0")
        .say("+OK\r\n\r\n.\r\n")
        .hear("QUIT");
    let outcome = log_in(&script, |options| options.ages(true)).await;
    outcome.conversation.assert_followed();
    assert_eq!(outcome.codes(), ["pop3.messages.undated"]);
}

#[tokio::test(start_paused = true)]
async fn stat_list_and_uidl_that_disagree_are_told() {
    let outcome = listed(
        "+OK 3 5\r\n",
        "+OK\r\n1 5\r\nx y\r\n.\r\n",
        "+OK\r\n1 a\r\n.\r\n",
    )
    .await;
    let codes = outcome.codes();
    let expected = [
        "pop3.maildrop.inconsistent",
        "pop3.maildrop.inconsistent",
        "pop3.list.unreadable",
    ];
    assert_eq!(codes, expected);
    let outcome = listed("+OK three\r\n", "", "").await;
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Protocol);
}

/// A maildrop of one message, of which TOP and RETR bring these.
async fn one_message(top: &str, retr: &str) -> Outcome {
    let script = server("+OK\r\n", "+OK\r\nTOP\r\nUIDL\r\n.\r\n")
        .hear("USER")
        .say("+OK\r\n")
        .hear("PASS")
        .say("+OK\r\n")
        .hear("STAT")
        .say("+OK 1 9\r\n")
        .hear("LIST")
        .say("+OK\r\n1 9\r\n.\r\n")
        .hear("UIDL")
        .say("+OK\r\n1 a\r\n.\r\n")
        .hear("TOP 1 0")
        .say(top)
        .hear("TOP 1 0")
        .say(top)
        .hear("RETR 1")
        .say(retr)
        .drain();
    log_in(&script, |options| options.ages(true).retrieve(true)).await
}

#[tokio::test(start_paused = true)]
async fn top_that_brings_the_whole_message_is_told_and_a_refused_top_is_no_failure() {
    // Case 18: TOP is optional (RFC 1939 section 7).
    let retr = "+OK\r\nA: b\r\n\r\nc\r\n.\r\n";
    let whole = one_message(
        "+OK\r\nDate: 1 Nov 2006 00:00:00 +0000\r\n\r\nbody\r\n.\r\n",
        retr,
    )
    .await;
    assert_eq!(whole.failure, None);
    assert!(whole.codes().contains(&"pop3.top.whole-message"));
    let refused = one_message("-ERR no\r\n", retr).await;
    assert_eq!(refused.failure, None);
    assert!(!refused.codes().contains(&"pop3.top.whole-message"));
}

#[tokio::test(start_paused = true)]
async fn the_size_in_the_answer_to_retr_is_advice() {
    // Case 19: the octets are counted, whatever the text says.
    let top = "+OK\r\nDate: 1 Nov 2006 00:00:00 +0000\r\n\r\n.\r\n";
    let outcome = one_message(top, "+OK 1 octet\r\nA: b\r\n\r\nc\r\n.\r\n").await;
    let retrieved = outcome.facts.maildrop.as_ref().unwrap().retrieved.unwrap();
    assert_eq!((retrieved.octets, retrieved.listed), (11, Some(9)));
    assert!(outcome.codes().contains(&"pop3.retr.size-differs"));
    let outcome = one_message(top, "+OK 99 octets\r\nA: b\r\n\r\n\r\n.\r\n").await;
    assert_eq!(
        outcome.facts.maildrop.unwrap().retrieved.unwrap().octets,
        10
    );
}

#[test]
fn a_last_line_without_its_end_is_given_one_by_the_server() {
    // Case 20: the lone dot stands on a line of its own in any case.
    assert!(is_partial(&Command::Retr(1), b"+OK\r\nlast line.\r\n"));
    let (reply, _) = hear(&Command::Retr(1), "+OK\r\nlast line\r\n.\r\n");
    assert_eq!(reply.message(), b"last line\r\n");
    let (reply, _) = hear(&Command::Retr(1), "+OK\r\n.\r\n");
    assert_eq!(reply.message(), b"");
    // Also where the line before it ended with LF alone.
    let (reply, _) = hear(&Command::Retr(1), "+OK\r\nlast line\n.\r\n");
    assert_eq!(reply.message(), b"last line\n");
}

#[tokio::test(start_paused = true)]
async fn a_count_that_changes_between_two_answers_is_no_failure() {
    // Case 23: Gmail hides what was fetched; other clients delete meanwhile.
    let outcome = listed("+OK 2 9\r\n", "+OK\r\n1 9\r\n.\r\n", "+OK\r\n1 a\r\n.\r\n").await;
    assert_eq!(outcome.failure, None);
    assert_eq!(outcome.facts.maildrop.unwrap().messages, 2);
}

#[test]
fn a_refused_list_is_one_line_and_the_stream_stays_in_step() {
    let mut codec = Pop3Codec::default();
    for command in [Command::List, Command::Uidl, Command::Noop] {
        codec.encode(&command, &mut Outgoing::default());
    }
    let mut stream = &b"-ERR no\r\n+OK\r\n1 a\r\n.\r\n+OK\r\n"[..];
    let mut replies = Vec::new();
    while let Ok(Decoded::Frame { reply, used }) = codec.decode(stream, &mut Oddities::default()) {
        replies.push(reply);
        stream = &stream[used..];
    }
    let said: Vec<_> = replies.iter().map(|one| one.lines().count()).collect();
    assert_eq!(said, [0, 1, 0]);
    assert_eq!(UniqueIds::from(replies[1].clone()).of(1), Some(&b"a"[..]));
}
