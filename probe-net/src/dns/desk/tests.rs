//! The exchange under loss, forgery and refusal, on a clock of the tests' own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use super::super::datagram::{Kind, Rcode};
use super::*;

fn servers() -> [SocketAddr; 2] {
    ["192.0.2.1:53", "192.0.2.2:53"].map(|server| server.parse().unwrap())
}

fn question() -> Question {
    Question::new("host.example.org".parse().unwrap(), Kind::A)
}

/// All that is to be sent now: where to, over which socket, and what.
fn sent(desk: &mut Desk, now: Instant) -> Vec<(usize, Socket, Vec<u8>)> {
    let mut sent = Vec::new();
    while let Some(deed) = desk.next(now) {
        if let Deed::Send {
            lane,
            socket,
            bytes,
            ..
        } = deed
        {
            sent.push((lane, socket, bytes));
        }
    }
    sent
}

fn outcomes(desk: &mut Desk, now: Instant) -> Vec<Result<Answer, Trouble>> {
    let mut done = Vec::new();
    while let Some(deed) = desk.next(now) {
        if let Deed::Done(one) = deed {
            done.push(one.outcome);
        }
    }
    done
}

/// An answer without records, under this code.
fn reply(question: &[u8], rcode: u8) -> Vec<u8> {
    let mut reply = question.to_vec();
    reply[2] |= 0x80;
    reply[3] = rcode;
    reply
}

fn asked(servers: &[SocketAddr]) -> (Desk, Instant) {
    let mut desk = Desk::new(Pace::default());
    desk.ask(7, question(), servers, Manner::default());
    (desk, Instant::now())
}

#[test]
fn a_lost_question_is_asked_again_under_another_id_and_both_may_be_answered() {
    let (mut desk, start) = asked(&servers()[..1]);
    let first = sent(&mut desk, start);
    assert_eq!(first.len(), 1);
    assert_eq!(sent(&mut desk, start + Duration::from_millis(399)).len(), 0);
    let later = start + Duration::from_millis(600);
    let second = sent(&mut desk, later);
    assert_eq!(second.len(), 1);
    assert_ne!(first[0].2[..2], second[0].2[..2]);
    // The answer to the first was only late.
    desk.heard(later, 0, first[0].1, &reply(&first[0].2, 3));
    let done = outcomes(&mut desk, later);
    let answer = done[0].as_ref().unwrap();
    assert_eq!((answer.rcode, answer.tries), (Rcode::NXDOMAIN, 2));
    assert!(desk.is_idle());
}

#[test]
fn who_is_silent_is_asked_four_times_and_then_no_more() {
    let (mut desk, start) = asked(&servers()[..1]);
    let mut tries = 0;
    for ms in (0..5_000).step_by(10) {
        tries += sent(&mut desk, start + Duration::from_millis(ms)).len();
    }
    assert_eq!(tries, 4);
    let done = outcomes(&mut desk, start + Duration::from_secs(5));
    assert_eq!(done, [Err(Trouble::Timeout(Duration::from_secs(5)))]);
}

#[test]
fn forged_datagrams_change_nothing() {
    let (mut desk, start) = asked(&servers()[..1]);
    let sent = sent(&mut desk, start);
    let (lane, socket, bytes) = &sent[0];
    let good = reply(bytes, 0);
    let mut forgeries = vec![Vec::new(), vec![0; 3], bytes.clone(), good[..20].to_vec()];
    let mut other_id = good.clone();
    other_id[0] ^= 1;
    let mut other_name = good.clone();
    other_name[13] = b'g';
    let mut other_kind = good.clone();
    let kind = 12 + b"\x04host\x07example\x03org\x00".len() + 1;
    other_kind[kind] = 16;
    forgeries.extend([other_id, other_name, other_kind]);
    for forged in &forgeries {
        desk.heard(start, *lane, *socket, forged);
    }
    desk.heard(start, *lane, socket + 1, &good);
    assert!(outcomes(&mut desk, start).is_empty());
    desk.heard(start, *lane, *socket, &good);
    assert_eq!(outcomes(&mut desk, start).len(), 1);
}

#[test]
fn a_server_that_does_not_keep_the_letters_is_asked_once_more_in_plain_ones() {
    let (mut desk, start) = asked(&servers()[..1]);
    let (lane, socket, bytes) = sent(&mut desk, start).remove(0);
    let lower = |bytes: &[u8]| {
        let mut reply = reply(bytes, 0);
        reply[12..].make_ascii_lowercase();
        reply
    };
    if lower(&bytes)[12..] == bytes[12..] {
        return; // One in thousands is asked in plain letters by chance.
    }
    desk.heard(start, lane, socket, &lower(&bytes));
    let (lane, socket, bytes) = sent(&mut desk, start).remove(0);
    assert_eq!(bytes[12..], lower(&bytes)[12..]);
    desk.heard(start, lane, socket, &lower(&bytes));
    assert_eq!(outcomes(&mut desk, start).len(), 1);
}

#[test]
fn where_one_server_cannot_answer_the_next_is_asked() {
    for rcode in [2, 4, 5] {
        let (mut desk, start) = asked(&servers());
        let (lane, socket, bytes) = sent(&mut desk, start).remove(0);
        assert_eq!(lane, 0);
        desk.heard(start, lane, socket, &reply(&bytes, rcode));
        let (lane, socket, bytes) = sent(&mut desk, start).remove(0);
        assert_eq!(lane, 1);
        desk.heard(start, lane, socket, &reply(&bytes, 0));
        let done = outcomes(&mut desk, start);
        assert_eq!(done[0].as_ref().unwrap().server, servers()[1]);
    }
}

#[test]
fn if_no_server_can_answer_the_last_one_is_quoted() {
    let (mut desk, start) = asked(&servers());
    for _ in 0..2 {
        let (lane, socket, bytes) = sent(&mut desk, start).remove(0);
        desk.heard(start, lane, socket, &reply(&bytes, 5));
    }
    let done = outcomes(&mut desk, start);
    assert_eq!(done[0].as_ref().unwrap().rcode, Rcode::REFUSED);
}

#[test]
fn where_nobody_listens_that_is_told_at_once() {
    let (mut desk, start) = asked(&servers());
    for server in servers() {
        let (lane, socket, _) = sent(&mut desk, start).remove(0);
        desk.unreachable(lane, socket, &Trouble::Refused(server));
    }
    let done = outcomes(&mut desk, start);
    assert_eq!(done, [Err(Trouble::Refused(servers()[0]))]);
}

#[test]
fn no_more_than_the_pace_allows_is_under_way_and_nothing_is_forgotten() {
    let pace = Pace {
        in_flight: 10,
        ..Pace::default()
    };
    let mut desk = Desk::new(pace);
    for tag in 0..1000 {
        desk.ask(tag, question(), &servers()[..1], Manner::default());
    }
    let now = Instant::now();
    let mut answered = 0;
    let mut ports = std::collections::HashSet::new();
    loop {
        let (mut to_answer, mut done) = (Vec::new(), 0);
        while let Some(deed) = desk.next(now) {
            match deed {
                Deed::Send { socket, bytes, .. } => to_answer.push((socket, bytes)),
                Deed::Done(one) => done += usize::from(one.outcome.is_ok()),
                _ => {}
            }
        }
        assert!(to_answer.len() <= 10);
        answered += done;
        if to_answer.is_empty() {
            break;
        }
        for (socket, bytes) in to_answer {
            ports.insert(socket);
            desk.heard(now, 0, socket, &reply(&bytes, 0));
        }
    }
    assert_eq!(answered, 1000);
    assert!(desk.is_idle());
    // Four at a time, and each for 256 questions.
    assert!(ports.len() >= 4, "{ports:?}");
}
