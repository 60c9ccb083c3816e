//! What is known of every canary, across runs and probers: events in, standings out. There is no clock and no disk here;
//! `ledger/lines.rs` writes it as lines of text, which whoever stores them may tear, repeat or lose.

mod counts;
mod lines;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use crate::status::Cause;
use crate::token::{Name, Token};

pub use counts::{Counts, Histogram};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use lines::sealed;

/// What is known of every canary of a prober, on all its routes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Ledger {
    entries: BTreeMap<Token, Entry>,
    /// The same by age.
    order: BTreeSet<(SystemTime, Token)>,
    /// What was settled, by route.
    totals: BTreeMap<Name, Counts>,
    dropped: u64,
    unreadable: u64,
}

/// Something that happened to a canary, on our own clock.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// It was begun to be sent. Written before the first octet of it leaves, so that no canary is ever unknown.
    Begun {
        /// Which one.
        token: Token,
        /// On which way.
        route: Name,
        /// When.
        at: SystemTime,
    },
    /// The server took it.
    Sent {
        /// Which one.
        token: Token,
        /// How long that took.
        took: Duration,
    },
    /// The server did not take it: it never was on its way.
    Refused {
        /// Which one.
        token: Token,
    },
    /// It was seen where it was to arrive.
    Arrived {
        /// Which one.
        token: Token,
        /// When it got there: the mailbox's own time where its clock is believed, else when it was seen.
        at: SystemTime,
        /// How long it took to be seen there.
        receive: Duration,
        /// Which copy: whatever tells two messages of one mailbox apart. The same copy twice is one arrival.
        copy: u64,
    },
    /// A report says that it is still tried.
    Delayed {
        /// Which one.
        token: Token,
    },
    /// A report says that it is lost.
    Bounced {
        /// Which one.
        token: Token,
        /// When the report was seen.
        at: SystemTime,
        /// Why.
        cause: Cause,
    },
}

impl Event {
    /// Which canary it is about.
    pub fn token(&self) -> Token {
        match self {
            Self::Begun { token, .. }
            | Self::Sent { token, .. }
            | Self::Refused { token }
            | Self::Arrived { token, .. }
            | Self::Delayed { token }
            | Self::Bounced { token, .. } => *token,
        }
    }
}

/// One canary, as far as it is known.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Entry {
    /// On which way it went.
    pub route: Name,
    /// When it was begun to be sent.
    pub begun_at: SystemTime,
    /// How long it took to be sent; `None` where that is not known to have ended.
    pub send: Option<Duration>,
    /// Whether the server did not take it.
    pub is_refused: bool,
    /// Whether a report says that it is late.
    pub is_delayed: bool,
    /// When it first got there.
    pub arrived_at: Option<SystemTime>,
    /// How long it took to be seen there.
    pub receive: Option<Duration>,
    /// Its copies.
    pub copies: Vec<u64>,
    /// When a report said that it is lost, and why.
    pub bounced: Option<(SystemTime, Cause)>,
}

impl Entry {
    /// The most copies of a canary that are told apart; more are not counted.
    pub const COPIES: usize = 32;

    fn new(route: Name, begun_at: SystemTime) -> Self {
        Self {
            route,
            begun_at,
            send: None,
            is_refused: false,
            is_delayed: false,
            arrived_at: None,
            receive: None,
            copies: Vec::new(),
            bounced: None,
        }
    }

    /// From when it was sent to when it got there.
    pub fn transit(&self) -> Option<Duration> {
        let sent_at = self.begun_at.checked_add(self.send.unwrap_or_default())?;
        Some(self.arrived_at?.duration_since(sent_at).unwrap_or_default())
    }

    /// From when it was begun to be sent to when it got there.
    pub fn total(&self) -> Option<Duration> {
        let total = self.arrived_at?.duration_since(self.begun_at);
        Some(total.unwrap_or_default())
    }

    /// How often it arrived beyond the first time.
    pub fn duplicates(&self) -> usize {
        self.copies.len().saturating_sub(1)
    }

    /// How it stands.
    pub fn standing(&self, now: SystemTime, patience: &Patience) -> Standing {
        if let Some(total) = self.total() {
            return match total > patience.late {
                true => Standing::ArrivedLate,
                false => Standing::Arrived,
            };
        }
        if self.is_refused {
            return Standing::Refused;
        }
        if self.bounced.is_some() {
            return Standing::Bounced;
        }
        let age = now.duration_since(self.begun_at).unwrap_or_default();
        match age {
            age if age > patience.lost => Standing::Lost,
            age if age > patience.late => Standing::Late,
            _ => Standing::Pending,
        }
    }
}

/// For how long a canary is waited for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Patience {
    /// What takes longer is late.
    pub late: Duration,
    /// What takes longer is lost, unless it comes after all.
    pub lost: Duration,
}

impl Patience {
    /// Late after the first, lost after the second, or at once if that is shorter.
    pub fn new(late: Duration, lost: Duration) -> Self {
        let lost = lost.max(late);
        Self { late, lost }
    }
}

/// Late after five minutes, lost after a day.
impl Default for Patience {
    fn default() -> Self {
        Self::new(Duration::from_secs(300), Duration::from_secs(24 * 60 * 60))
    }
}

/// How a canary stands.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Standing {
    /// It is there, and was in time.
    Arrived,
    /// It is there, and was not in time.
    ArrivedLate,
    /// A report says that it is lost.
    Bounced,
    /// It should be there.
    Late,
    /// It is no longer awaited.
    Lost,
    /// It is on its way.
    Pending,
    /// The server did not take it.
    Refused,
}

impl Standing {
    /// All standings.
    pub const ALL: [Self; 7] = [
        Self::Arrived,
        Self::ArrivedLate,
        Self::Bounced,
        Self::Late,
        Self::Lost,
        Self::Pending,
        Self::Refused,
    ];

    /// The name in reports and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Arrived => "arrived",
            Self::ArrivedLate => "arrived-late",
            Self::Bounced => "bounced",
            Self::Late => "late",
            Self::Lost => "lost",
            Self::Pending => "pending",
            Self::Refused => "refused",
        }
    }

    /// Whether nothing more is awaited.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Late | Self::Pending)
    }
}

impl Ledger {
    /// The most canaries that are kept; the oldest go first.
    pub const ENTRIES: usize = 4096;

    /// The most routes whose totals are kept.
    pub const ROUTES: usize = 256;

    /// Adds what happened. Events may come twice, and those of a canary that is not known are passed over: nothing tells
    /// when it was sent.
    pub fn apply(&mut self, event: &Event) {
        if let Event::Begun { token, route, at } = event {
            return self.begin(*token, route, *at);
        }
        let Some(entry) = self.entries.get_mut(&event.token()) else {
            return;
        };
        match event {
            Event::Begun { .. } => {}
            Event::Sent { took, .. } => {
                entry.send = Some(of_millis(*took));
                entry.is_refused = false;
            }
            // What was taken once was sent, whatever a later attempt says.
            Event::Refused { .. } => entry.is_refused = entry.send.is_none(),
            Event::Arrived {
                at, receive, copy, ..
            } => {
                if entry.copies.contains(copy) || entry.copies.len() == Entry::COPIES {
                    return;
                }
                entry.copies.push(*copy);
                let at = in_millis(*at);
                if entry.arrived_at.is_none_or(|known| at < known) {
                    entry.arrived_at = Some(at);
                    entry.receive = Some(of_millis(*receive));
                }
            }
            Event::Delayed { .. } => entry.is_delayed = true,
            Event::Bounced { at, cause, .. } => {
                entry.bounced.get_or_insert((in_millis(*at), *cause));
            }
        }
    }

    /// What is known of one canary.
    pub fn get(&self, token: &Token) -> Option<&Entry> {
        self.entries.get(token)
    }

    /// All canaries, the oldest first.
    pub fn entries(&self) -> impl Iterator<Item = (&Token, &Entry)> {
        let order = self.order.iter();
        order.filter_map(|(_, token)| Some((token, self.entries.get(token)?)))
    }

    /// Those of a route, the oldest first.
    pub fn on_route(&self, route: &Name) -> impl Iterator<Item = (&Token, &Entry)> {
        self.entries()
            .filter(move |(_, entry)| entry.route == *route)
    }

    /// Those of a route that are still awaited, the oldest first.
    pub fn awaited(&self, route: &Name, now: SystemTime, patience: &Patience) -> Vec<Token> {
        let awaited = |entry: &Entry| !entry.standing(now, patience).is_final();
        self.on_route(route)
            .filter(|(_, entry)| awaited(entry))
            .map(|(token, _)| *token)
            .collect()
    }

    /// The numbers of a route.
    pub fn counts(&self, route: &Name, now: SystemTime, patience: &Patience) -> Counts {
        let settled = self.totals.get(route).cloned().unwrap_or_default();
        settled.with(self.on_route(route), now, patience)
    }

    /// The numbers of those that are known one by one.
    pub fn recent(&self, route: &Name, now: SystemTime, patience: &Patience) -> Counts {
        Counts::default().with(self.on_route(route), now, patience)
    }

    /// The routes that it knows of.
    pub fn routes(&self) -> BTreeSet<Name> {
        let routes = self.entries.values().map(|entry| &entry.route);
        routes.chain(self.totals.keys()).cloned().collect()
    }

    /// Turns what needs no attention any more into totals: what stands finally, and is older than `age`. Until then it is
    /// kept, so that a duplicate or a late arrival is still known.
    pub fn settle(&mut self, age: Duration, now: SystemTime, patience: &Patience) {
        let is_over = |entry: &Entry| {
            let old = now.duration_since(entry.begun_at).unwrap_or_default() > age;
            old && entry.standing(now, patience).is_final()
        };
        let mut reordered = Vec::new();
        for route in self.routes() {
            reordered.extend(counts::overtaking(self.on_route(&route)));
        }
        let over = self.entries().filter(|(_, entry)| is_over(entry));
        let over: Vec<Token> = over.map(|(token, _)| *token).collect();
        for token in over {
            let Some(entry) = self.remove(&token) else {
                continue;
            };
            if self.totals.len() == Self::ROUTES && !self.totals.contains_key(&entry.route) {
                self.dropped = self.dropped.saturating_add(1);
                continue;
            }
            let standing = entry.standing(now, patience);
            let totals = self.totals.entry(entry.route.clone()).or_default();
            totals.add(&entry, standing, reordered.contains(&token));
        }
    }

    /// Canaries that were dropped since they were too many.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Lines that could not be read.
    pub fn unreadable(&self) -> u64 {
        self.unreadable
    }

    fn begin(&mut self, token: Token, route: &Name, at: SystemTime) {
        if self.entries.contains_key(&token) {
            return;
        }
        let at = in_millis(at);
        self.entries.insert(token, Entry::new(route.clone(), at));
        self.order.insert((at, token));
        if self.entries.len() > Self::ENTRIES
            && let Some((_, oldest)) = self.order.first().copied()
        {
            self.remove(&oldest);
            self.dropped = self.dropped.saturating_add(1);
        }
    }

    fn remove(&mut self, token: &Token) -> Option<Entry> {
        let entry = self.entries.remove(token)?;
        self.order.remove(&(entry.begun_at, *token));
        Some(entry)
    }
}

/// A point in time as it is written: in whole milliseconds since 1970.
fn in_millis(at: SystemTime) -> SystemTime {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    SystemTime::UNIX_EPOCH + of_millis(since.unwrap_or_default())
}

fn of_millis(time: Duration) -> Duration {
    Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
