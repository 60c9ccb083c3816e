//! The exchange without sockets and without a clock: what is to be sent when, which datagram answers what, and when to
//! stop waiting.
//!
//! A server's own receive buffer is the narrowest place on the way (rbldnsd loses what comes faster than it reads), so
//! only so much is under way to each, and what is lost is asked again as soon as it should have come.

use core::cmp::Reverse;
use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{BinaryHeap, HashMap, VecDeque};

use tokio::time::Instant;

use super::answer::{Answer, Transport, Trouble};
use super::datagram::{self, Content, Heard, Question, Recursion};
use super::lane::{Key, Lane, Socket};

/// How fast questions follow each other, and how long answers are waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Pace {
    /// How many questions may be under way to one server.
    pub in_flight: usize,
    /// How often one is asked.
    pub tries: u32,
    /// How long its answer is waited for, from the first try to the last.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            in_flight: 100,
            tries: 4,
            patience: Duration::from_secs(5),
        }
    }
}

/// What to do.
#[derive(Debug)]
pub(super) enum Deed {
    /// Nothing more comes over this socket.
    Close { lane: usize, socket: Socket },
    /// A question has come to its end.
    Done {
        tag: u64,
        outcome: Result<Answer, Trouble>,
    },
    /// Send this datagram.
    Send {
        lane: usize,
        server: SocketAddr,
        socket: Socket,
        bytes: Vec<u8>,
    },
    /// Send this over a connection, and wait for one answer.
    Stream {
        key: Key,
        server: SocketAddr,
        bytes: Vec<u8>,
    },
}

#[derive(Debug)]
pub(super) struct Desk {
    pace: Pace,
    lanes: Vec<Lane>,
    flights: HashMap<Key, Flight>,
    timers: BinaryHeap<Reverse<(Instant, Key, Timer)>>,
    deeds: VecDeque<Deed>,
    next_key: Key,
}

/// What runs out.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Timer {
    Try(usize),
    Patience,
}

/// A question under way.
#[derive(Debug)]
struct Flight {
    tag: u64,
    question: Question,
    recursion: Recursion,
    lanes: Vec<usize>,
    tries: Vec<Try>,
    began: Option<Instant>,
    /// The server does not keep the letters of a name.
    is_plain: bool,
    /// How many servers cannot be asked.
    unheard: usize,
    /// What to say if nothing better comes.
    fallback: Option<Result<Answer, Trouble>>,
    /// The answer is too long for a datagram.
    by_stream: Option<Streamed>,
}

/// One datagram.
#[derive(Debug)]
struct Try {
    lane: usize,
    socket: Socket,
    id: u16,
    question: Question,
    sent: Instant,
    is_outstanding: bool,
}

#[derive(Debug)]
struct Streamed {
    id: u16,
    question: Question,
    server: SocketAddr,
    begun: Instant,
}

impl Desk {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            lanes: Vec::new(),
            flights: HashMap::new(),
            timers: BinaryHeap::new(),
            deeds: VecDeque::new(),
            next_key: 0,
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.flights.is_empty() && self.deeds.is_empty()
    }

    /// Takes a question, to be answered by one of these servers.
    pub(super) fn ask(
        &mut self,
        tag: u64,
        question: Question,
        servers: &[SocketAddr],
        recursion: Recursion,
    ) {
        let lanes: Vec<_> = servers.iter().map(|server| self.lane(*server)).collect();
        let Some(first) = lanes.first().copied() else {
            let outcome = Err(Trouble::NoServer);
            return self.deeds.push_back(Deed::Done { tag, outcome });
        };
        self.next_key += 1;
        let flight = Flight {
            tag,
            question,
            recursion,
            lanes,
            tries: Vec::new(),
            began: None,
            is_plain: false,
            unheard: 0,
            fallback: None,
            by_stream: None,
        };
        self.flights.insert(self.next_key, flight);
        self.enqueue(first, self.next_key);
    }

    fn lane(&mut self, server: SocketAddr) -> usize {
        let known = self.lanes.iter().position(|lane| lane.server == server);
        known.unwrap_or_else(|| {
            self.lanes.push(Lane::new(server));
            self.lanes.len() - 1
        })
    }

    fn enqueue(&mut self, lane: usize, key: Key) {
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.queue.push_back(key);
        }
    }

    /// What to do now, one thing after the other.
    pub(super) fn next(&mut self, now: Instant) -> Option<Deed> {
        if let Some(deed) = self.deeds.pop_front() {
            return Some(deed);
        }
        self.expire(now);
        if self.deeds.is_empty() {
            self.launch(now);
        }
        self.deeds.pop_front()
    }

    /// When something is to be done even if nothing is heard.
    pub(super) fn due(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, ..))| *at)
    }

    fn expire(&mut self, now: Instant) {
        while let Some(Reverse((at, key, timer))) = self.timers.peek().copied()
            && at <= now
        {
            self.timers.pop();
            match timer {
                Timer::Patience => self.give_up(key),
                Timer::Try(number) => self.try_is_over(key, number),
            }
        }
    }

    /// The next of what waits, where there is room.
    fn launch(&mut self, now: Instant) {
        for lane in 0..self.lanes.len() {
            let Some(queue) = self.lanes.get_mut(lane) else {
                continue;
            };
            if queue.outstanding >= self.pace.in_flight {
                continue;
            }
            if let Some(key) = queue.queue.pop_front() {
                self.send(key, lane, now);
                return;
            }
        }
    }

    fn send(&mut self, key: Key, number: usize, now: Instant) {
        let (Some(flight), Some(lane)) = (self.flights.get_mut(&key), self.lanes.get_mut(number))
        else {
            return;
        };
        if flight.by_stream.is_some() {
            return;
        }
        let (socket, id) = lane.register(key);
        let mut question = flight.question.clone();
        if !flight.is_plain {
            question.name = question.name.with_random_case();
        }
        let bytes = datagram::encode(id, &question, flight.recursion);
        lane.outstanding += 1;
        let tries = flight.tries.len();
        // Twice as long each time, and not all at once.
        let doubled = lane.patience() * 2_u32.saturating_pow(u32::try_from(tries).unwrap_or(8));
        let jitter = doubled / 8 * (rand::random::<u32>() % 3);
        self.timers
            .push(Reverse((now + doubled + jitter, key, Timer::Try(tries))));
        if flight.began.is_none() {
            flight.began = Some(now);
            let end = now + self.pace.patience;
            self.timers.push(Reverse((end, key, Timer::Patience)));
        }
        flight.tries.push(Try {
            lane: number,
            socket,
            id,
            question,
            sent: now,
            is_outstanding: true,
        });
        self.deeds.push_back(Deed::Send {
            lane: number,
            server: lane.server,
            socket,
            bytes,
        });
    }

    /// A try was not answered in time, or will not be.
    fn try_is_over(&mut self, key: Key, number: usize) {
        let Some(flight) = self.flights.get_mut(&key) else {
            return;
        };
        let Some(one) = flight.tries.get_mut(number) else {
            return;
        };
        if !std::mem::replace(&mut one.is_outstanding, false) {
            return;
        }
        if let Some(lane) = self.lanes.get_mut(one.lane) {
            lane.outstanding -= 1;
        }
        self.try_again(key);
    }

    /// At the next server, if it may be asked once more.
    fn try_again(&mut self, key: Key) {
        let Some(flight) = self.flights.get(&key) else {
            return;
        };
        let tries = flight.tries.len();
        let may = u32::try_from(tries).is_ok_and(|tries| tries < self.pace.tries);
        let next = flight.lanes.get(tries % flight.lanes.len().max(1));
        let is_last = !flight.tries.iter().any(|one| one.is_outstanding);
        match next.copied().filter(|_| may) {
            Some(lane) => self.enqueue(lane, key),
            None if is_last && flight.fallback.is_some() => self.give_up(key),
            None => {}
        }
    }

    fn give_up(&mut self, key: Key) {
        let Some(flight) = self.flights.get_mut(&key) else {
            return;
        };
        let outcome = flight.fallback.take();
        let outcome = outcome.unwrap_or(Err(Trouble::Timeout(self.pace.patience)));
        self.finish(key, outcome);
    }

    fn finish(&mut self, key: Key, outcome: Result<Answer, Trouble>) {
        let Some(flight) = self.flights.remove(&key) else {
            return;
        };
        for one in flight.tries {
            let Some(lane) = self.lanes.get_mut(one.lane) else {
                continue;
            };
            lane.outstanding -= usize::from(one.is_outstanding);
            if lane.forget(one.socket, one.id) {
                self.deeds.push_back(Deed::Close {
                    lane: one.lane,
                    socket: one.socket,
                });
            }
        }
        let tag = flight.tag;
        self.deeds.push_back(Deed::Done { tag, outcome });
    }
}

/// What is heard.
impl Desk {
    /// A datagram came over this socket, which is connected: from this server and nobody else.
    pub(super) fn heard(&mut self, now: Instant, lane: usize, socket: Socket, bytes: &[u8]) {
        let Some(id) = datagram::id_of(bytes) else {
            return;
        };
        let Some(line) = self.lanes.get_mut(lane) else {
            return;
        };
        let Some(key) = line.asked(socket, id) else {
            return;
        };
        let Some(flight) = self.flights.get_mut(&key) else {
            return;
        };
        let is_it = |one: &Try| (one.lane, one.socket, one.id) == (lane, socket, id);
        let Some(number) = flight.tries.iter().position(is_it) else {
            return;
        };
        let Some(one) = flight.tries.get(number) else {
            return;
        };
        match datagram::decode(bytes, id, &one.question) {
            Heard::Foreign => {}
            Heard::OtherCase => {
                flight.is_plain = true;
                self.try_is_over(key, number);
            }
            Heard::Answer(content) => {
                let time = now.saturating_duration_since(one.sent);
                line.learn(time);
                let server = line.server;
                self.answered(now, key, number, server, *content);
            }
        }
    }

    fn answered(
        &mut self,
        now: Instant,
        key: Key,
        number: usize,
        server: SocketAddr,
        content: Content,
    ) {
        let Some(flight) = self.flights.get_mut(&key) else {
            return;
        };
        if flight.by_stream.is_some() {
            return;
        }
        let Some(one) = flight.tries.get(number) else {
            return;
        };
        let time = now.saturating_duration_since(one.sent);
        let truncated = content.flags.truncated;
        let (id, asked) = (one.id, one.question.clone());
        let answer = flight.answer(content, (server, Transport::Udp), time);
        if truncated {
            let bytes = datagram::encode(id, &asked, flight.recursion);
            flight.fallback = Some(Ok(answer));
            flight.by_stream = Some(Streamed {
                id,
                question: asked,
                server,
                begun: now,
            });
            self.deeds.push_back(Deed::Stream { key, server, bytes });
            return;
        }
        let asked_all = flight.tries.len() >= flight.lanes.len();
        if answer.rcode.is_about_the_name() || asked_all {
            return self.finish(key, Ok(answer));
        }
        // Another server may know more.
        flight.fallback = Some(Ok(answer));
        self.try_is_over(key, number);
    }

    /// Nothing can be sent over this socket, or nobody listens at its other end (ICMP).
    pub(super) fn unreachable(&mut self, lane: usize, socket: Socket, trouble: &Trouble) {
        let Some(line) = self.lanes.get(lane) else {
            return;
        };
        for key in line.asked_over(socket) {
            let Some(flight) = self.flights.get_mut(&key) else {
                continue;
            };
            let is_it = |one: &Try| one.is_outstanding && (one.lane, one.socket) == (lane, socket);
            let Some(number) = flight.tries.iter().position(is_it) else {
                continue;
            };
            flight.unheard += 1;
            let all = flight.unheard >= flight.lanes.len();
            flight.fallback.get_or_insert_with(|| Err(trouble.clone()));
            match all {
                true => self.give_up(key),
                false => self.try_is_over(key, number),
            }
        }
    }

    /// What came of a connection; an error leaves what was cut off.
    pub(super) fn streamed(&mut self, now: Instant, key: Key, bytes: &[u8]) {
        let Some(flight) = self.flights.get_mut(&key) else {
            return;
        };
        let Some(asked) = &flight.by_stream else {
            return;
        };
        let time = now.saturating_duration_since(asked.begun);
        match datagram::decode(bytes, asked.id, &asked.question) {
            Heard::Answer(content) => {
                let from = (asked.server, Transport::Tcp);
                let answer = flight.answer(*content, from, time);
                self.finish(key, Ok(answer));
            }
            Heard::Foreign | Heard::OtherCase => self.give_up(key),
        }
    }
}

impl Flight {
    fn answer(&self, content: Content, from: (SocketAddr, Transport), time: Duration) -> Answer {
        let tries = u32::try_from(self.tries.len()).unwrap_or(u32::MAX);
        Answer::new(self.question.clone(), content, from, (time, tries))
    }
}

#[cfg(test)]
mod tests {
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
            if let Deed::Done { outcome, .. } = deed {
                done.push(outcome);
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
        desk.ask(7, question(), servers, Recursion::Desired);
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
            desk.ask(tag, question(), &servers()[..1], Recursion::Desired);
        }
        let now = Instant::now();
        let mut answered = 0;
        let mut ports = std::collections::HashSet::new();
        loop {
            let (mut to_answer, mut done) = (Vec::new(), 0);
            while let Some(deed) = desk.next(now) {
                match deed {
                    Deed::Send { socket, bytes, .. } => to_answer.push((socket, bytes)),
                    Deed::Done { outcome, .. } => done += usize::from(outcome.is_ok()),
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
}
