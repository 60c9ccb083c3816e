//! The numbers of a route: how many canaries stand how, and how long they took.

use std::time::{Duration, SystemTime};

use super::{Entry, Patience, Standing};
use crate::token::Token;

/// The numbers of a route, all runs together.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counts {
    /// There in time.
    pub arrived: u64,
    /// There, and not in time.
    pub arrived_late: u64,
    /// Lost, as a report says.
    pub bounced: u64,
    /// Should be there.
    pub late: u64,
    /// No longer awaited.
    pub lost: u64,
    /// On their way.
    pub pending: u64,
    /// Not taken by the server.
    pub refused: u64,
    /// Further copies of what arrived.
    pub duplicates: u64,
    /// Those that arrived before another that was sent earlier.
    pub reordered: u64,
    /// How long it took to send them.
    pub send: Histogram,
    /// How long they were on their way.
    pub transit: Histogram,
    /// How long it took to see them in the mailbox.
    pub receive: Histogram,
}

impl Counts {
    /// So many stand like this.
    pub const fn of(&self, standing: Standing) -> u64 {
        match standing {
            Standing::Arrived => self.arrived,
            Standing::ArrivedLate => self.arrived_late,
            Standing::Bounced => self.bounced,
            Standing::Late => self.late,
            Standing::Lost => self.lost,
            Standing::Pending => self.pending,
            Standing::Refused => self.refused,
        }
    }

    /// All canaries that were begun to be sent.
    pub fn all(&self) -> u64 {
        let each = Standing::ALL.into_iter().map(|standing| self.of(standing));
        each.fold(0, u64::saturating_add)
    }

    pub(super) fn add(&mut self, entry: &Entry, standing: Standing, is_reordered: bool) {
        let count = self.of_mut(standing);
        *count = count.saturating_add(1);
        let duplicates = u64::try_from(entry.duplicates()).unwrap_or(u64::MAX);
        self.duplicates = self.duplicates.saturating_add(duplicates);
        self.reordered = self.reordered.saturating_add(u64::from(is_reordered));
        for (histogram, time) in [
            (&mut self.send, entry.send),
            (&mut self.transit, entry.transit()),
            (&mut self.receive, entry.receive),
        ] {
            if let Some(time) = time {
                histogram.add(time);
            }
        }
    }

    /// All numbers of a ledger's route: what was settled, and what is still there.
    pub(super) fn with<'a>(
        mut self,
        entries: impl IntoIterator<Item = (&'a Token, &'a Entry)>,
        now: SystemTime,
        patience: &Patience,
    ) -> Self {
        let entries: Vec<_> = entries.into_iter().collect();
        let reordered = overtaking(entries.iter().copied());
        for (token, entry) in entries {
            let standing = entry.standing(now, patience);
            self.add(entry, standing, reordered.contains(token));
        }
        self
    }

    const fn of_mut(&mut self, standing: Standing) -> &mut u64 {
        match standing {
            Standing::Arrived => &mut self.arrived,
            Standing::ArrivedLate => &mut self.arrived_late,
            Standing::Bounced => &mut self.bounced,
            Standing::Late => &mut self.late,
            Standing::Lost => &mut self.lost,
            Standing::Pending => &mut self.pending,
            Standing::Refused => &mut self.refused,
        }
    }

    /// Its numbers in the order in which they are written.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u64> {
        let counts = Standing::ALL.into_iter().map(|standing| self.of(standing));
        let histograms = [&self.send, &self.transit, &self.receive].into_iter();
        counts
            .chain([self.duplicates, self.reordered])
            .chain(histograms.flat_map(Histogram::numbers))
    }

    /// From the numbers that are written.
    pub(super) fn of_numbers(mut numbers: impl Iterator<Item = u64>) -> Option<Self> {
        let mut counts = Self::default();
        for standing in Standing::ALL {
            *counts.of_mut(standing) = numbers.next()?;
        }
        counts.duplicates = numbers.next()?;
        counts.reordered = numbers.next()?;
        counts.send = Histogram::of_numbers(&mut numbers)?;
        counts.transit = Histogram::of_numbers(&mut numbers)?;
        counts.receive = Histogram::of_numbers(&mut numbers)?;
        numbers.next().is_none().then_some(counts)
    }
}

/// How long something took, each time, in buckets.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Histogram {
    /// How often it took at most as long as the bound of the same place, and longer than the one before; the last is for
    /// what took longer than all.
    buckets: [u64; Self::BOUNDS.len() + 1],
    total: Duration,
}

impl Histogram {
    /// The upper bounds of the buckets, in milliseconds: from a local delivery to a queue's lifetime.
    pub const BOUNDS: [u64; 16] = [
        50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 900_000,
        3_600_000, 21_600_000, 86_400_000,
    ];

    /// Adds one.
    pub fn add(&mut self, time: Duration) {
        let bounds = Self::BOUNDS.iter();
        let place = bounds
            .take_while(|bound| Duration::from_millis(**bound) < time)
            .count();
        if let Some(bucket) = self.buckets.get_mut(place) {
            *bucket = bucket.saturating_add(1);
        }
        self.total = self.total.saturating_add(time);
    }

    /// How often it was measured.
    pub fn count(&self) -> u64 {
        self.buckets.iter().copied().fold(0, u64::saturating_add)
    }

    /// All times together.
    pub fn total(&self) -> Duration {
        self.total
    }

    /// How often it took at most as long as each bound: what Prometheus calls `le`, without the last.
    pub fn cumulative(&self) -> impl Iterator<Item = (Duration, u64)> {
        let mut sum: u64 = 0;
        let bounds = Self::BOUNDS.into_iter().map(Duration::from_millis);
        bounds.zip(self.buckets).map(move |(bound, count)| {
            sum = sum.saturating_add(count);
            (bound, sum)
        })
    }

    fn numbers(&self) -> impl Iterator<Item = u64> {
        let millis = u64::try_from(self.total.as_millis()).unwrap_or(u64::MAX);
        self.buckets.into_iter().chain([millis])
    }

    fn of_numbers(numbers: &mut impl Iterator<Item = u64>) -> Option<Self> {
        let mut histogram = Self::default();
        for bucket in &mut histogram.buckets {
            *bucket = numbers.next()?;
        }
        histogram.total = Duration::from_millis(numbers.next()?);
        Some(histogram)
    }
}

/// Of the canaries of one route, those that arrived before another that was sent earlier.
pub(super) fn overtaking<'a>(
    entries: impl IntoIterator<Item = (&'a Token, &'a Entry)>,
) -> Vec<Token> {
    let mut arrived: Vec<_> = entries
        .into_iter()
        .filter_map(|(token, entry)| Some((entry.begun_at, entry.arrived_at?, *token)))
        .collect();
    arrived.sort_unstable();
    let mut latest: Option<SystemTime> = None;
    let mut overtaking = Vec::new();
    for (_, at, token) in arrived {
        match latest {
            Some(known) if at < known => overtaking.push(token),
            _ => latest = Some(at),
        }
    }
    overtaking
}
