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
use super::datagram::{self, Content, Heard, Manner, Question};
use super::lane::{Key, Lane, Socket};

/// How fast questions follow each other, and how long answers are waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Pace {
    /// How many questions may be under way to one server, at most. Where a hundred are, others
    /// follow slowly.
    pub in_flight: usize,
    /// How often one is asked.
    pub tries: u32,
    /// How long its answer is waited for, from the first try to the last.
    pub patience: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            in_flight: 1000,
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
    Done(Box<Done>),
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

/// A question that has come to its end.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) tag: u64,
    pub(super) question: Question,
    pub(super) outcome: Result<Answer, Trouble>,
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
    manner: Manner,
    lanes: Vec<usize>,
    tries: Vec<Try>,
    /// When it is given up.
    end: Option<Instant>,
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
        manner: Manner,
    ) {
        let lanes: Vec<_> = servers.iter().map(|server| self.lane(*server)).collect();
        let Some(first) = lanes.first().copied() else {
            let outcome = Err(Trouble::NoServer);
            return self.done(tag, question, outcome);
        };
        self.next_key += 1;
        let flight = Flight {
            tag,
            question,
            manner,
            lanes,
            tries: Vec::new(),
            end: None,
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
        let timer = self.timers.peek().map(|Reverse((at, ..))| *at);
        let lanes = self.lanes.iter();
        let next = lanes.filter_map(|lane| lane.due(self.pace.in_flight)).min();
        timer.into_iter().chain(next).min()
    }

    fn expire(&mut self, now: Instant) {
        while let Some(Reverse((at, key, timer))) = self.timers.peek().copied()
            && at <= now
        {
            self.timers.pop();
            match timer {
                Timer::Patience => self.give_up(key),
                Timer::Try(number) => self.is_lost(now, key, number),
            }
        }
    }

    /// The next of what waits, where there is room.
    fn launch(&mut self, now: Instant) {
        for lane in 0..self.lanes.len() {
            let Some(queue) = self.lanes.get_mut(lane) else {
                continue;
            };
            if !queue.may_send(now, self.pace.in_flight) {
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
        if flight.manner.by_stream {
            let server = lane.server;
            return self.stream(key, server, now);
        }
        let (socket, id) = lane.register(key);
        let mut question = flight.question.clone();
        if !flight.is_plain {
            question.name.randomize_case();
        }
        let bytes = datagram::encode(id, &question, flight.manner);
        lane.sent(now);
        let tries = flight.tries.len();
        // Twice as long each time, and not all at once.
        let doubled = lane.patience() * 2_u32.saturating_pow(u32::try_from(tries).unwrap_or(8));
        let jitter = doubled / 8 * (rand::random::<u32>() % 3);
        let end = *flight.end.get_or_insert(now + self.pace.patience);
        let over = (now + doubled + jitter).min(end);
        self.timers.push(Reverse((over, key, Timer::Try(tries))));
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

    /// Over a connection of its own, from the beginning.
    fn stream(&mut self, key: Key, server: SocketAddr, now: Instant) {
        let Some(flight) = self.flights.get_mut(&key) else {
            return;
        };
        let (id, question) = (rand::random(), flight.question.clone());
        let bytes = datagram::encode(id, &question, flight.manner);
        flight.by_stream = Some(Streamed {
            id,
            question,
            server,
            begun: now,
        });
        let end = *flight.end.get_or_insert(now + self.pace.patience);
        self.timers.push(Reverse((end, key, Timer::Patience)));
        self.deeds.push_back(Deed::Stream { key, server, bytes });
    }

    /// A try was not answered in time.
    fn is_lost(&mut self, now: Instant, key: Key, number: usize) {
        let Some(flight) = self.flights.get(&key) else {
            return;
        };
        let Some(one) = flight.tries.get(number) else {
            return;
        };
        let end = flight.end.filter(|end| *end > now);
        if let Some(lane) = self.lanes.get_mut(one.lane).filter(|_| one.is_outstanding) {
            lane.lost(now);
        }
        // The last try may be answered until all patience is over; and who waits for a connection has no other timer.
        let is_last = number + 1 == flight.tries.len();
        match end {
            None => return self.give_up(key),
            Some(end) if is_last => self.timers.push(Reverse((end, key, Timer::Patience))),
            Some(_) => {}
        }
        self.try_is_over(key, number);
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
        self.done(flight.tag, flight.question, outcome);
    }

    fn done(&mut self, tag: u64, question: Question, outcome: Result<Answer, Trouble>) {
        self.deeds.push_back(Deed::Done(Box::new(Done {
            tag,
            question,
            outcome,
        })));
    }
}

/// What is heard.
impl Desk {
    /// A datagram came over this socket, which is connected: from this server and nobody else.
    pub(super) fn heard(&mut self, now: Instant, lane: usize, socket: Socket, bytes: &[u8]) {
        self.heard_by(Transport::Udp, now, (lane, socket), bytes);
    }

    /// A message came over the connection that all sockets of a lane share.
    pub(super) fn heard_over_tls(&mut self, now: Instant, lane: usize, bytes: &[u8]) {
        let id = datagram::id_of(bytes);
        let line = self.lanes.get(lane);
        let sockets = line.zip(id).map(|(line, id)| line.sockets_of(id));
        for socket in sockets.unwrap_or_default() {
            self.heard_by(Transport::Tls, now, (lane, socket), bytes);
        }
    }

    /// The connection of a lane is gone, or never was.
    pub(super) fn disconnected(&mut self, lane: usize, trouble: &Trouble) {
        let sockets = self.lanes.get(lane).map(Lane::sockets);
        for socket in sockets.unwrap_or_default() {
            self.unreachable(lane, socket, trouble);
        }
    }

    /// A message came by this way, as if over this socket.
    pub(super) fn heard_by(
        &mut self,
        transport: Transport,
        now: Instant,
        (lane, socket): (usize, Socket),
        bytes: &[u8],
    ) {
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
        let content = match datagram::decode(bytes, id, &one.question) {
            Heard::Foreign => return,
            Heard::OtherCase if transport == Transport::Udp => {
                flight.is_plain = true;
                return self.try_is_over(key, number);
            }
            Heard::OtherCase => match datagram::decode_in_any_case(bytes, id, &one.question) {
                Some(content) => content,
                None => return,
            },
            Heard::Answer(content) => *content,
        };
        line.answered(now.saturating_duration_since(one.sent));
        let from = (line.server, transport);
        self.answered(now, key, number, from, content);
    }

    fn answered(
        &mut self,
        now: Instant,
        key: Key,
        number: usize,
        from: (SocketAddr, Transport),
        content: Content,
    ) {
        let (server, _) = from;
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
        let answer = flight.answer(content, from, time);
        if truncated {
            let bytes = datagram::encode(id, &asked, flight.manner);
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
        let line = self.lanes.get(lane);
        let keys = line.map(|line| line.asked_over(socket));
        for key in keys.unwrap_or_default() {
            self.unheard(key, (lane, socket), trouble);
        }
    }

    /// Nothing will come of what was asked with this id.
    #[cfg(feature = "http")]
    pub(super) fn refused(&mut self, place: (usize, Socket), id: u16, trouble: &Trouble) {
        let (lane, socket) = place;
        let line = self.lanes.get(lane);
        if let Some(key) = line.and_then(|line| line.asked(socket, id)) {
            self.unheard(key, place, trouble);
        }
    }

    fn unheard(&mut self, key: Key, by: (usize, Socket), trouble: &Trouble) {
        let Some(flight) = self.flights.get_mut(&key) else {
            return;
        };
        let is_it = |one: &Try| one.is_outstanding && (one.lane, one.socket) == by;
        let Some(number) = flight.tries.iter().position(is_it) else {
            return;
        };
        flight.unheard += 1;
        let all = flight.unheard >= flight.lanes.len();
        flight.fallback.get_or_insert_with(|| Err(trouble.clone()));
        match all {
            true => self.give_up(key),
            false => self.try_is_over(key, number),
        }
    }

    /// Nothing comes of a connection; what was cut off before is left.
    pub(super) fn cut_off(&mut self, key: Key, trouble: Trouble) {
        if let Some(flight) = self.flights.get_mut(&key) {
            flight.fallback.get_or_insert(Err(trouble));
            self.give_up(key);
        }
    }

    /// What came of a connection.
    pub(super) fn streamed(&mut self, now: Instant, key: Key, bytes: &[u8]) {
        let Some(flight) = self.flights.get_mut(&key) else {
            return;
        };
        let Some(asked) = &flight.by_stream else {
            return;
        };
        let time = now.saturating_duration_since(asked.begun);
        // Nobody beside the way can put bytes into a connection, whatever the letters.
        match datagram::decode_in_any_case(bytes, asked.id, &asked.question) {
            Some(content) => {
                let from = (asked.server, Transport::Tcp);
                let answer = flight.answer(content, from, time);
                self.finish(key, Ok(answer));
            }
            None => self.give_up(key),
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
mod tests;
