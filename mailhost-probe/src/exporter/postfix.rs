//! The series of postfix_exporter that tell of Postfix's queues.

use std::time::{Duration, SystemTime};

use crate::exposition::Reading;
use crate::facts::QueueFacts;
use crate::growth::whole;
use crate::tally::Tally;

/// What was gathered of the queues so far.
#[derive(Debug, Default)]
pub(super) struct Postfix {
    is_up: Option<bool>,
    queues: Vec<Queue>,
}

#[derive(Debug)]
struct Queue {
    name: String,
    messages: Option<u64>,
    octets: Option<u64>,
    /// How many messages are up to how many seconds old, as they stand on the page.
    ages: Vec<(f64, u64)>,
}

impl Postfix {
    /// So many queues are told apart.
    const QUEUES: usize = Tally::QUEUES;
    /// So many bounds of ages are read of each.
    const BOUNDS: usize = 64;

    pub(super) fn take(&mut self, reading: &Reading<'_>) {
        let value = reading.value;
        match reading.name {
            // Of several instances of Postfix, one that is down is enough.
            "postfix_up" => self.is_up = Some(value != 0.0 && self.is_up != Some(false)),
            "postfix_showq_message_size_bytes_count" => {
                self.queue(reading, |queue| {
                    queue.messages = whole(value).or(queue.messages)
                });
            }
            "postfix_showq_message_size_bytes_sum" => {
                self.queue(reading, |queue| {
                    queue.octets = whole(value).or(queue.octets)
                });
            }
            "postfix_showq_message_age_seconds_bucket" => {
                let bound = reading.label("le").and_then(|bound| bound.parse().ok());
                if let (Some(bound), Some(count)) = (bound, whole(value)) {
                    self.queue(reading, |queue| queue.age(bound, count));
                }
            }
            _ => {}
        }
    }

    /// Whether there should be queues that were not read: an exporter that cannot writes zeros, or the numbers of last time.
    pub(super) fn is_missing(&self) -> bool {
        let is_whole = self.queues.iter().all(|queue| queue.messages.is_some());
        match self.is_up {
            Some(is_up) => !is_up || self.queues.is_empty() || !is_whole,
            None => !is_whole,
        }
    }

    /// The queues, where all of them were read.
    pub(super) fn into_facts(self, now: SystemTime) -> Option<QueueFacts> {
        if self.is_missing() || self.queues.is_empty() {
            return None;
        }
        let mut tally = Tally::new(now);
        for mut queue in self.queues {
            tally.sum(&queue.name, queue.messages?, queue.octets);
            queue
                .ages
                .sort_by(|(one, _), (other, _)| one.total_cmp(other));
            let (mut below, mut counted) = (0.0, 0);
            for (bound, count) in queue.ages {
                let here = count.saturating_sub(counted);
                let duration = |seconds| Duration::try_from_secs_f64(seconds).ok();
                let between = (duration(below).unwrap_or_default(), duration(bound));
                tally.ages(&queue.name, here, between);
                (below, counted) = (bound, count.max(counted));
            }
        }
        Some(tally.into_facts())
    }

    fn queue(&mut self, reading: &Reading<'_>, tell: impl FnOnce(&mut Queue)) {
        let Some(name) = reading.label("queue") else {
            return;
        };
        let known = self.queues.iter().position(|queue| queue.name == name);
        if known.is_none() {
            if self.queues.len() >= Self::QUEUES {
                return;
            }
            self.queues.push(Queue {
                name: name.to_owned(),
                messages: None,
                octets: None,
                ages: Vec::new(),
            });
        }
        let place = known.unwrap_or(self.queues.len() - 1);
        self.queues.get_mut(place).map(tell);
    }
}

impl Queue {
    fn age(&mut self, bound: f64, count: u64) {
        if self.ages.len() < Postfix::BOUNDS && !bound.is_nan() {
            self.ages.push((bound, count));
        }
    }
}
