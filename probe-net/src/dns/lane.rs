//! The way to one server: how fast it is, how much is under way to it, and over which sockets.

use core::net::SocketAddr;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use tokio::time::Instant;

/// A question under way.
pub(super) type Key = u64;

/// A socket of a lane, by the order in which they were opened.
pub(super) type Socket = u32;

#[derive(Debug)]
pub(super) struct Lane {
    pub(super) server: SocketAddr,
    /// What waits to be sent.
    pub(super) queue: VecDeque<Key>,
    /// What was sent, was not answered, and may still be.
    pub(super) outstanding: usize,
    /// Whom an answer is for.
    ids: HashMap<(Socket, u16), Key>,
    /// How many answers each socket may still bring.
    awaited: HashMap<Socket, usize>,
    sockets: [Use; Self::SOCKETS],
    opened: Socket,
    next: usize,
    round_trip: Option<RoundTrip>,
    /// When one more may be sent, though many are outstanding.
    next_extra: Option<Instant>,
    /// How long it takes until one more may be sent, though nothing was answered.
    gap: Duration,
    /// Until when the gap is not made longer.
    slowed_until: Option<Instant>,
}

/// How much a socket was used.
#[derive(Clone, Copy, Debug, Default)]
struct Use {
    socket: Option<Socket>,
    sent: u32,
}

/// As TCP has it (RFC 6298 section 2).
#[derive(Clone, Copy, Debug)]
struct RoundTrip {
    smoothed: Duration,
    variation: Duration,
}

impl Lane {
    /// So many sockets share the questions: each has a port of its own, which whoever forges an answer has to guess.
    const SOCKETS: usize = 4;
    /// A port is given up behind so many questions.
    const USES: u32 = 256;
    /// How long the answer to a question is waited for where nothing is known of the server.
    const FIRST: Duration = Duration::from_millis(400);
    /// Sooner it is not asked again: resolvers have to ask others.
    const SOONEST: Duration = Duration::from_millis(200);
    const LATEST: Duration = Duration::from_secs(1);

    /// So many may be outstanding without more ado: they fit the receive buffer that a server has by default.
    const BURST: usize = 100;
    /// With so many outstanding others follow at this pace: most lists are slow then, and not the server.
    const GAP: Duration = Duration::from_micros(40);
    const LONGEST_GAP: Duration = Duration::from_millis(10);
    /// As coarse as timers are.
    const TICK: Duration = Duration::from_millis(2);

    pub(super) fn new(server: SocketAddr) -> Self {
        Self {
            server,
            queue: VecDeque::new(),
            outstanding: 0,
            ids: HashMap::new(),
            awaited: HashMap::new(),
            sockets: [Use::default(); Self::SOCKETS],
            opened: 0,
            next: 0,
            round_trip: None,
            next_extra: None,
            gap: Self::GAP,
            slowed_until: None,
        }
    }

    /// Whether one more may be sent now.
    pub(super) fn may_send(&self, now: Instant, in_flight: usize) -> bool {
        let may_be_more = || self.next_extra.is_none_or(|at| at <= now);
        self.outstanding < in_flight && (self.outstanding < Self::BURST || may_be_more())
    }

    /// When one more may be sent, if nothing is heard until then.
    pub(super) fn due(&self, in_flight: usize) -> Option<Instant> {
        let waits = !self.queue.is_empty() && self.outstanding < in_flight;
        self.next_extra.filter(|_| waits)
    }

    pub(super) fn sent(&mut self, now: Instant) {
        self.outstanding += 1;
        if self.outstanding < Self::BURST {
            return;
        }
        // Timers are coarse: what could have been sent since the last one is sent now.
        let behind = now.checked_sub(Self::TICK).unwrap_or(now);
        let last = self
            .next_extra
            .filter(|at| self.outstanding > Self::BURST && *at > behind);
        self.next_extra = Some(last.unwrap_or(now) + self.gap);
    }

    /// Who answers has read.
    pub(super) fn answered(&mut self, time: Duration) {
        self.learn(time);
        self.gap = (self.gap - self.gap / 64).max(Self::GAP);
    }

    /// Something was lost: perhaps it came too fast. Lists that are silent lose a lot, so that counts once in a while.
    pub(super) fn lost(&mut self, now: Instant) {
        if self.slowed_until.is_none_or(|until| until <= now) {
            self.gap = (self.gap * 2).min(Self::LONGEST_GAP);
            self.slowed_until = Some(now + self.patience());
        }
    }

    /// A socket and an id that nobody uses there.
    pub(super) fn register(&mut self, key: Key) -> (Socket, u16) {
        let socket = self.socket();
        loop {
            let id = rand::random();
            if let std::collections::hash_map::Entry::Vacant(free) = self.ids.entry((socket, id)) {
                free.insert(key);
                *self.awaited.entry(socket).or_default() += 1;
                return (socket, id);
            }
        }
    }

    fn socket(&mut self) -> Socket {
        self.next = (self.next + 1) % Self::SOCKETS;
        let Some(used) = self.sockets.get_mut(self.next) else {
            return 0;
        };
        let socket = used.socket.filter(|_| used.sent < Self::USES);
        let socket = socket.unwrap_or_else(|| {
            *used = Use::default();
            self.opened += 1;
            self.opened
        });
        used.socket = Some(socket);
        used.sent += 1;
        socket
    }

    pub(super) fn asked(&self, socket: Socket, id: u16) -> Option<Key> {
        self.ids.get(&(socket, id)).copied()
    }

    /// Where something is awaited under this id.
    pub(super) fn sockets_of(&self, id: u16) -> Vec<Socket> {
        let of_id = self.ids.keys().filter(|(_, known)| *known == id);
        of_id.map(|(socket, _)| *socket).collect()
    }

    /// All over which something is awaited.
    pub(super) fn sockets(&self) -> Vec<Socket> {
        self.awaited.keys().copied().collect()
    }

    /// Who waits for something from this socket.
    pub(super) fn asked_over(&self, socket: Socket) -> Vec<Key> {
        let over = self.ids.iter().filter(|((used, _), _)| *used == socket);
        over.map(|(_, key)| *key).collect()
    }

    /// Nothing more is waited for under this id; whether the socket can go.
    pub(super) fn forget(&mut self, socket: Socket, id: u16) -> bool {
        self.ids.remove(&(socket, id));
        let awaited = self.awaited.entry(socket).or_default();
        *awaited = awaited.saturating_sub(1);
        let is_done = *awaited == 0 && !self.is_current(socket);
        if is_done {
            self.awaited.remove(&socket);
        }
        is_done
    }

    fn is_current(&self, socket: Socket) -> bool {
        let is_it = |used: &Use| used.socket == Some(socket) && used.sent < Self::USES;
        self.sockets.iter().any(is_it)
    }

    fn learn(&mut self, time: Duration) {
        self.round_trip = Some(match self.round_trip {
            None => RoundTrip {
                smoothed: time,
                variation: time / 2,
            },
            Some(known) => RoundTrip {
                smoothed: (known.smoothed * 7 + time) / 8,
                variation: (known.variation * 3 + known.smoothed.abs_diff(time)) / 4,
            },
        });
    }

    /// How long to wait until the question is asked again.
    pub(super) fn patience(&self) -> Duration {
        self.round_trip.map_or(Self::FIRST, |known| {
            (known.smoothed + known.variation * 4).clamp(Self::SOONEST, Self::LATEST)
        })
    }
}
