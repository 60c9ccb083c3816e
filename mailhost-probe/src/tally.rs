//! Adding up a list of any length in bounded memory, entry by entry as they are read.

use std::collections::HashMap;
use std::time::{Duration, SystemTime};

use probe_core::printable;

use crate::facts::{Delayed, DomainFacts, QueueFacts, QueueName, QueueState};
use crate::reason::Reason;

/// What was counted so far.
#[derive(Debug)]
pub(crate) struct Tally {
    now: SystemTime,
    facts: QueueFacts,
    domains: HashMap<Box<[u8]>, Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    recipients: u64,
    delayed: Delayed,
}

impl Tally {
    /// So many queues are told apart; what is in others is counted together.
    pub(crate) const QUEUES: usize = 64;
    /// So many destinations are counted at a time. Where there are more, the emptier half is added up; a destination with
    /// more than a few thousandths of all is never among them for long.
    pub(crate) const COUNTED: usize = 4096;
    /// No name of a domain is longer (RFC 1035 section 2.3.4).
    const NAME: usize = 255;
    /// So much is kept of an entry that could not be understood.
    const SHOWN: usize = 200;
    const MANY_QUEUES: &'static str = "other queues";

    pub(crate) fn new(now: SystemTime) -> Self {
        Self {
            now,
            facts: QueueFacts::default(),
            domains: HashMap::new(),
        }
    }

    /// Says that the source tells of this queue, whether or not something is in it.
    pub(crate) fn declare(&mut self, queue: impl AsRef<[u8]>) {
        self.queue(queue.as_ref());
    }

    /// Counts a message.
    pub(crate) fn message(
        &mut self,
        queue: impl AsRef<[u8]>,
        size: Option<u64>,
        arrived: Option<SystemTime>,
    ) {
        let now = self.now;
        let Some(queue) = self.queue(queue.as_ref()) else {
            return;
        };
        queue.messages = queue.messages.saturating_add(1);
        queue.bytes = queue
            .bytes
            .zip(size)
            .map(|(all, this)| all.saturating_add(this));
        if let Some(arrived) = arrived {
            // Clocks differ: what comes from the future came just now.
            let age = now.duration_since(arrived).unwrap_or_default();
            queue.ages.add(age, 1);
            if queue.oldest.is_none_or(|oldest| arrived < oldest) {
                queue.oldest = Some(arrived);
                queue.oldest_age = Some(age);
            }
        }
    }

    /// Counts so many messages at once, with what they have together where that is told.
    pub(crate) fn sum(&mut self, queue: impl AsRef<[u8]>, count: u64, octets: Option<u64>) {
        if let Some(queue) = self.queue(queue.as_ref()) {
            queue.messages = queue.messages.saturating_add(count);
            queue.bytes = queue
                .bytes
                .zip(octets)
                .map(|(all, these)| all.saturating_add(these));
        }
    }

    /// Notes how old so many messages are that were counted already: older than one age, and up to another where that is told.
    pub(crate) fn ages(
        &mut self,
        queue: impl AsRef<[u8]>,
        count: u64,
        (older_than, up_to): (Duration, Option<Duration>),
    ) {
        if count == 0 {
            return;
        }
        if let Some(queue) = self.queue(queue.as_ref()) {
            queue.ages.add(up_to.unwrap_or(Duration::MAX), count);
            // At least so old: nothing else is known of it.
            queue.oldest_age = queue.oldest_age.max(Some(older_than));
        }
    }

    /// Counts a recipient that still waits, and why in the server's words.
    pub(crate) fn recipient(&mut self, address: &[u8], words: &[u8]) {
        let reason = Reason::of(words);
        if let Some(reason) = reason {
            self.facts.delayed.add(reason);
        }
        let mut parts = address.rsplitn(2, |byte| *byte == b'@');
        let last = parts.next().unwrap_or_default();
        let domain = match parts.next() {
            // Some write addresses in angle brackets.
            Some(_) => last.strip_suffix(b">").unwrap_or(last),
            None => b"",
        };
        let domain = domain.get(..Self::NAME).unwrap_or(domain);
        let name = domain.to_ascii_lowercase().into_boxed_slice();
        if self.domains.len() >= Self::COUNTED && !self.domains.contains_key(&name) {
            self.let_go();
        }
        let waiting = self.domains.entry(name).or_default();
        waiting.recipients = waiting.recipients.saturating_add(1);
        if let Some(reason) = reason {
            waiting.delayed.add(reason);
        }
    }

    /// Notes what the program that writes the list complains of, or what the list says of the server beside its entries; the
    /// first of it is kept.
    pub(crate) fn complaint(&mut self, words: &str) {
        let known = &mut self.facts.complaint;
        known.get_or_insert_with(|| words.to_owned());
    }

    /// Counts what could not be understood.
    pub(crate) fn unreadable(&mut self, entry: &[u8]) {
        self.facts.unreadable = self.facts.unreadable.saturating_add(1);
        if self.facts.first_unreadable.is_none() {
            let shown = entry.get(..Self::SHOWN).unwrap_or(entry);
            self.facts.first_unreadable = Some(printable(shown));
        }
    }

    /// Whether anything was understood.
    pub(crate) fn has_messages(&self) -> bool {
        self.facts.messages() > 0
    }

    pub(crate) fn unreadable_count(&self) -> u64 {
        self.facts.unreadable
    }

    pub(crate) fn into_facts(self) -> QueueFacts {
        let mut facts = self.facts;
        let mut domains: Vec<_> = self.domains.into_iter().collect();
        domains.sort_by(|(a_name, a), (b_name, b)| {
            let fuller = b.recipients.cmp(&a.recipients);
            fuller.then_with(|| a_name.cmp(b_name))
        });
        let rest = domains.split_off(domains.len().min(QueueFacts::DOMAINS));
        for (_, waiting) in rest {
            facts.elsewhere = facts.elsewhere.saturating_add(waiting.recipients);
        }
        let named = |(name, waiting): (Box<[u8]>, Waiting)| DomainFacts {
            domain: printable(&name),
            recipients: waiting.recipients,
            delayed: waiting.delayed,
        };
        facts.domains = domains.into_iter().map(named).collect();
        facts
    }

    fn queue(&mut self, name: &[u8]) -> Option<&mut QueueState> {
        let queues = &mut self.facts.queues;
        let mut name = QueueName::new(name);
        let mut place = queues.iter().position(|queue| queue.name == name);
        if place.is_none() && queues.len() >= Self::QUEUES {
            name = QueueName::new(Self::MANY_QUEUES);
            place = queues.iter().position(|queue| queue.name == name);
        }
        let place = place.unwrap_or_else(|| {
            queues.push(QueueState::empty(name));
            queues.len() - 1
        });
        queues.get_mut(place)
    }

    /// Adds up the emptier half of the destinations.
    fn let_go(&mut self) {
        let mut counts: Vec<_> = self.domains.values().map(|one| one.recipients).collect();
        counts.sort_unstable();
        let median = counts.get(counts.len() / 2).copied().unwrap_or_default();
        let elsewhere = &mut self.facts.elsewhere;
        // As many as are in the half, and no more: where all have the same, half of them stay.
        let mut to_go = counts.len() / 2;
        self.domains.retain(|_, waiting| {
            let stays = waiting.recipients > median || to_go == 0;
            if !stays {
                to_go -= 1;
                *elsewhere = elsewhere.saturating_add(waiting.recipients);
            }
            stays
        });
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn tally() -> Tally {
        Tally::new(SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_full_destination_is_found_among_more_than_can_be_counted() {
        let mut tally = tally();
        for number in 0..3 * Tally::COUNTED {
            tally.recipient(format!("a@{number}.test").as_bytes(), b"");
            tally.recipient(b"b@Busy.Test", b"");
            assert!(tally.domains.len() <= Tally::COUNTED);
        }
        let facts = tally.into_facts();
        assert_eq!(facts.domains[0].domain, "busy.test");
        assert_eq!(facts.domains[0].recipients, 12288);
        let named: u64 = facts.domains.iter().map(|one| one.recipients).sum();
        assert_eq!(named + facts.elsewhere, 2 * 12288);
    }

    #[test]
    fn what_is_in_the_sixty_fifth_queue_is_counted_with_others() {
        let mut tally = tally();
        for number in 0..=Tally::QUEUES {
            tally.message(number.to_string(), None, None);
        }
        let facts = tally.into_facts();
        assert_eq!(facts.queue("63").map(|queue| queue.messages), Some(1));
        assert_eq!(facts.queue("64"), None);
        assert_eq!(
            facts.queue("other queues").map(|queue| queue.messages),
            Some(1)
        );
    }

    #[test]
    fn octets_are_not_told_where_one_message_has_none() {
        let mut tally = tally();
        tally.message("a", Some(1), None);
        tally.message("a", None, None);
        tally.message("a", Some(1), None);
        assert_eq!(tally.into_facts().queues[0].bytes, None);
    }
}
