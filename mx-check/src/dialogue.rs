//! Which questions follow on which answers: rounds, each a [`Survey`] of questions that are known beforehand, and what is
//! made of their answers. Nothing here has a socket or a clock.

pub(crate) mod caches;
#[cfg(feature = "dnssec")]
pub(crate) mod chains;
pub(crate) mod delegation;
pub(crate) mod exchange;

use probe_net::dns::{Answer, Ask, Survey, Trouble};

/// What came of a question.
pub(crate) type Outcome = Result<Answer, Trouble>;

/// Questions, each with what it is known by.
#[derive(Debug)]
pub(crate) struct Round<K> {
    asks: Vec<(K, Ask)>,
    answers: Vec<(K, Outcome)>,
}

impl<K> Round<K> {
    /// These questions.
    pub(crate) const fn new(asks: Vec<(K, Ask)>) -> Self {
        Self {
            asks,
            answers: Vec::new(),
        }
    }

    /// What came of them. Those that were not answered in time are missing.
    pub(crate) fn into_answers(self) -> Vec<(K, Outcome)> {
        self.answers
    }
}

impl<K: Clone> Survey for Round<K> {
    fn begin(&mut self) -> Vec<Ask> {
        let numbered = (0..).zip(&self.asks);
        let tagged = numbered.map(|(tag, (_, ask))| {
            let mut ask = ask.clone();
            ask.tag = tag;
            ask
        });
        tagged.collect()
    }

    fn answered(&mut self, tag: u64, outcome: Outcome) -> Vec<Ask> {
        let place = usize::try_from(tag).ok();
        if let Some((key, _)) = place.and_then(|place| self.asks.get(place)) {
            self.answers.push((key.clone(), outcome));
        }
        Vec::new()
    }
}
