//! How long each hop took, which was slow, and whose clock is wrong: what the dates of a trace say, held against our own
//! clock at both ends.
//!
//! A date that lies before the message was sent, or after it was seen in the mailbox, is wrong beyond doubt. Of dates
//! that contradict only each other, as few as possible are taken to be wrong: the longest run of dates in order is believed,
//! since one clock that is off spoils one host's dates and a slow hop none. So a hop with a wrong clock is told from a
//! slow one wherever both ends are known.

use std::time::{Duration, SystemTime};

use crate::trace::{HopQuirk, Protection, Protocol, TlsNote, Trace};

/// What a trace says of time.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Transit {
    /// One for each hop, in their order.
    pub legs: Vec<Leg>,
    /// Hosts whose clocks are wrong, each once, in their order.
    pub clocks: Vec<ClockOff>,
    /// From the last hop whose clock is believed to when the message was seen, by our clock.
    pub last: Option<Duration>,
    /// Hops before the first that is told: they were too many to be read.
    pub left_out: usize,
}

/// One hop's part of the way.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Leg {
    /// Who took the message.
    pub host: String,
    /// Who had it before, where that is known: the first hop has it from us.
    pub from: Option<String>,
    /// The last one before it whose clock is believed: what the delay counts from. `None` where that is when we sent it.
    pub since: Option<String>,
    /// When, on the clock of who took it.
    pub at: Option<SystemTime>,
    /// How long it took since the hop before it whose clock is believed; `None` where this one's is not.
    pub delay: Option<Duration>,
    /// What the two dates say, right or wrong, in milliseconds; below zero where time went backwards.
    pub stated_ms: Option<i64>,
    /// By which protocol it came.
    pub protocol: Option<Protocol>,
    /// How the message was protected.
    pub protection: Protection,
    /// What is told of the encryption.
    pub tls: Option<TlsNote>,
    /// What was tolerated of what it wrote.
    pub quirks: Vec<HopQuirk>,
}

/// A host whose clock is wrong.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ClockOff {
    /// Which one.
    pub host: String,
    /// Which way.
    pub direction: Direction,
    /// By how much at least.
    pub at_least: Duration,
    /// By how much at most, if it was wrong for all of its hops alike.
    pub at_most: Option<Duration>,
    /// What shows it.
    pub proof: Proof,
}

/// Which way a clock is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "time has one dimension")]
pub enum Direction {
    /// It shows a later time than it is.
    Fast,
    /// It shows an earlier one.
    Slow,
}

/// What shows that a clock is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Proof {
    /// The other hops: it might be one of theirs.
    OtherHops,
    /// Our own clock: it took the message before it was sent, or after it was seen.
    OurClock,
}

/// What our own clock knows of the way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ends {
    /// When the message was begun to be sent.
    pub sent_at: SystemTime,
    /// When it was seen in the mailbox.
    pub seen_at: SystemTime,
}

impl Ends {
    /// Sent then, and seen then.
    pub const fn new(sent_at: SystemTime, seen_at: SystemTime) -> Self {
        Self { sent_at, seen_at }
    }
}

impl Transit {
    /// What dates may differ by without being wrong: they have whole seconds, and clocks that are set over the network
    /// still differ a little.
    pub const TOLERANCE: Duration = Duration::from_secs(2);

    /// What a trace says, between these ends.
    pub fn of(trace: &Trace, ends: Ends) -> Self {
        let dates: Vec<(usize, i64)> = trace
            .hops
            .iter()
            .enumerate()
            .filter_map(|(place, hop)| Some((place, millis(hop.at?, ends.sent_at))))
            .collect();
        let seen = millis(ends.seen_at, ends.sent_at);
        let believed = believed(&dates, seen);
        let mut legs: Vec<Leg> = Vec::with_capacity(trace.hops.len());
        let (mut stated, mut time) = (Some(0), 0);
        let mut since: Option<&str> = None;
        for (place, hop) in trace.hops.iter().enumerate() {
            let own = dates.iter().find(|(of, _)| *of == place);
            let own = own.map(|(_, date)| *date);
            let trusted = own.filter(|_| believed.contains(&place));
            legs.push(Leg {
                host: hop.host().to_owned(),
                from: place
                    .checked_sub(1)
                    .and_then(|before| trace.hops.get(before))
                    .map(|before| before.host().to_owned()),
                since: since.map(str::to_owned),
                at: hop.at,
                delay: trusted.map(|date| duration(date - time)),
                stated_ms: own.zip(stated).map(|(own, before)| own - before),
                protocol: hop.with.clone(),
                protection: hop.protection(),
                tls: hop.tls.clone(),
                quirks: hop.quirks.clone(),
            });
            since = trusted.map(|_| hop.host()).or(since);
            time = trusted.map_or(time, |date| date.max(time));
            stated = own;
        }
        let clocks = clocks(trace, &dates, &believed, seen);
        let last = believed.last().map(|_| duration(seen - time));
        Self {
            legs,
            clocks,
            last,
            left_out: trace.left_out,
        }
    }

    /// The hop that took longest, if it took longer than this.
    pub fn slowest(&self, than: Duration) -> Option<&Leg> {
        let slowest = self.legs.iter().max_by_key(|leg| leg.delay)?;
        Some(slowest).filter(|leg| leg.delay.is_some_and(|delay| delay > than))
    }

    /// From when it was sent to when the last hop that is believed took it.
    pub fn total(&self) -> Option<Duration> {
        let mut delays = self.legs.iter().filter_map(|leg| leg.delay).peekable();
        delays.peek()?;
        Some(delays.sum())
    }

    /// The hops over which the message went unprotected between hosts.
    pub fn unprotected(&self) -> impl Iterator<Item = &Leg> {
        let legs = self.legs.iter();
        legs.filter(|leg| leg.protection == Protection::None)
    }
}

/// The hops whose dates are believed: the longest run of dates in order that lies between both ends; of several, the one
/// that was there first, since a message is more often quick than slow.
fn believed(dates: &[(usize, i64)], seen: i64) -> Vec<usize> {
    let tolerance = whole(Transit::TOLERANCE);
    let is_possible = |date: i64| (-tolerance..=seen.saturating_add(tolerance)).contains(&date);
    let possible: Vec<_> = dates
        .iter()
        .filter(|(_, date)| is_possible(*date))
        .collect();
    // For each date the best run that ends with it: its length, and the one before.
    let mut runs: Vec<(usize, Option<usize>)> = Vec::with_capacity(possible.len());
    for (at, (_, date)) in possible.iter().enumerate() {
        let before = possible.iter().zip(&runs).enumerate().take(at);
        let fitting = before.filter(|(_, ((_, earlier), _))| *earlier <= date + tolerance);
        let best = fitting.fold(
            None,
            |best: Option<(usize, usize, i64)>, (place, ((_, earlier), run))| match best {
                Some((_, length, date)) if (length, -date) >= (run.0, -earlier) => best,
                _ => Some((place, run.0, *earlier)),
            },
        );
        runs.push(match best {
            Some((place, length, _)) => (length + 1, Some(place)),
            None => (1, None),
        });
    }
    let ends = possible.iter().zip(&runs).enumerate();
    let last = ends.fold(
        None,
        |best: Option<(usize, usize, i64)>, (place, ((_, date), run))| match best {
            Some((_, length, earlier)) if (length, -earlier) >= (run.0, -date) => best,
            _ => Some((place, run.0, *date)),
        },
    );
    let mut next = last.map(|(place, ..)| place);
    let mut run = Vec::new();
    while let Some(place) = next {
        run.extend(possible.get(place).map(|(hop, _)| *hop));
        next = runs.get(place).and_then(|(_, before)| *before);
    }
    run.reverse();
    run
}

fn clocks(trace: &Trace, dates: &[(usize, i64)], believed: &[usize], seen: i64) -> Vec<ClockOff> {
    let tolerance = whole(Transit::TOLERANCE);
    let date_of = |place: usize| {
        dates
            .iter()
            .find(|(of, _)| *of == place)
            .map(|(_, date)| *date)
    };
    let mut found: Vec<ClockOff> = Vec::new();
    for (place, date) in dates.iter().filter(|(place, _)| !believed.contains(place)) {
        let before = believed.iter().rev().find(|other| *other < place);
        let after = believed.iter().find(|other| *other > place);
        let low = before.and_then(|place| date_of(*place)).unwrap_or(0);
        let high = after
            .and_then(|place| date_of(*place))
            .unwrap_or(seen)
            .max(low);
        // The true time lies between the two.
        let (direction, least, most) = match *date > high {
            true => (Direction::Fast, date - high, date - low),
            false if *date < low => (Direction::Slow, low - date, high - date),
            false => continue,
        };
        let is_impossible = *date < -tolerance || *date > seen.saturating_add(tolerance);
        let host = trace.hops.get(*place).map(|hop| hop.host().to_owned());
        let one = ClockOff {
            host: host.unwrap_or_default(),
            direction,
            at_least: duration(least),
            at_most: Some(duration(most)),
            proof: match is_impossible {
                true => Proof::OurClock,
                false => Proof::OtherHops,
            },
        };
        let same =
            |known: &&mut ClockOff| known.host == one.host && known.direction == one.direction;
        match found.iter_mut().find(same) {
            Some(known) => known.narrow(&one),
            None => found.push(one),
        }
    }
    found
}

impl ClockOff {
    /// With what another hop of the same host says: it has one clock.
    fn narrow(&mut self, other: &Self) {
        self.at_least = self.at_least.max(other.at_least);
        let most = self.at_most.into_iter().chain(other.at_most).min();
        // Two that contradict each other: it was set in between.
        self.at_most = most.filter(|most| *most >= self.at_least);
        if other.proof == Proof::OurClock {
            self.proof = Proof::OurClock;
        }
    }
}

/// Milliseconds from one to the other, at most some thousands of years.
fn millis(at: SystemTime, since: SystemTime) -> i64 {
    match at.duration_since(since) {
        Ok(after) => whole(after),
        Err(before) => -whole(before.duration()),
    }
}

fn whole(duration: Duration) -> i64 {
    /// Ten thousand years.
    const MOST: i64 = 315_569_520_000_000;
    i64::try_from(duration.as_millis()).map_or(MOST, |millis| millis.min(MOST))
}

/// A length of time; none where time went backwards.
fn duration(millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(millis).unwrap_or(0))
}
