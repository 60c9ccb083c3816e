//! The machine: which question follows on which answer. No I/O.
//!
//! Each list is asked one thing after the other: for the subject, then for what must be on it and for what must not be
//! (RFC 5782 section 5), then for a name that no list has; and for its reason where there is one. Who does not answer
//! the first question is asked no second one. All lists are asked side by side.

use std::sync::Arc;

use probe_net::dns::{Answer, Ask, Kind, Name, Question, Rcode, Survey, Trouble};
use probe_net::message::Token;
use tokio::time::Instant;

use crate::catalogue::{Access, Form, List, Meaning};
use crate::command::{Subject, name_of};
use crate::facts::{DnsblFacts, Health, ListFacts, Listing};
use crate::memory::Memory;
use crate::options::Options;
use crate::reply::{Entry, Reply};

/// One sweep over all lists.
#[derive(Debug)]
pub struct Sweep {
    options: Arc<Options>,
    memory: Memory,
    now: Instant,
    subject: Subject,
    token: Token,
    facts: DnsblFacts,
    /// What the lists have said so far, in the order of the facts.
    said: Vec<Said>,
}

/// What one list has said so far.
#[derive(Clone, Debug, Default)]
struct Said {
    entry: Option<Entry>,
    has_positive: Option<bool>,
    has_negative: Option<bool>,
    has_canary: Option<bool>,
    is_over: bool,
}

impl Said {
    /// What its answers to the tests show.
    fn health(&self) -> Health {
        match (self.has_positive, self.has_negative, self.has_canary) {
            (_, Some(true), _) | (_, _, Some(true)) => Health::ListsEverything,
            (Some(false), ..) => Health::MissingTestEntry,
            (None, None, None) => Health::Untested,
            _ => Health::Ok,
        }
    }
}

/// What a list is asked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Step {
    Subject,
    Positive,
    Negative,
    Canary,
    Reason,
}

impl Step {
    const ALL: [Self; 5] = [
        Self::Subject,
        Self::Positive,
        Self::Negative,
        Self::Canary,
        Self::Reason,
    ];

    /// What the question about a list is known by.
    fn tag(self, list: usize) -> u64 {
        let place = Self::ALL.iter().position(|step| *step == self);
        let tag = (list + 1) * Self::ALL.len() + place.unwrap_or_default();
        u64::try_from(tag).unwrap_or(u64::MAX)
    }

    fn of_tag(tag: u64) -> Option<(usize, Self)> {
        let tag = usize::try_from(tag).ok()?;
        let step = Self::ALL.get(tag % Self::ALL.len())?;
        Some(((tag / Self::ALL.len()).checked_sub(1)?, *step))
    }
}

/// The question whether the resolver invents answers.
const INVENTED: u64 = 0;

impl Sweep {
    /// A sweep for this subject, which begins now.
    pub(crate) fn new(
        options: Arc<Options>,
        memory: Memory,
        now: Instant,
        subject: Subject,
        token: Token,
    ) -> Self {
        let facts = DnsblFacts::new(subject.clone());
        Self {
            options,
            memory,
            now,
            subject,
            token,
            facts,
            said: Vec::new(),
        }
    }

    /// What was learned, also where the sweep did not come to its end.
    pub fn into_facts(mut self) -> DnsblFacts {
        for (facts, said) in self.facts.lists.iter_mut().zip(&self.said) {
            if !said.is_over {
                facts.conclude(said.entry.as_ref(), Health::Unknown);
            }
        }
        self.facts
    }
}

impl Survey for Sweep {
    fn begin(&mut self) -> Vec<Ask> {
        let options = self.options.clone();
        let mut asks = Vec::from_iter(self.invented());
        let fits = |list: &&Arc<List>| self.subject.is_of(list.kinds);
        let lists: Vec<_> = options.lists.iter().filter(fits).cloned().collect();
        for list in lists {
            if list.form == Form::Foreign
                || list.access == Access::Key && !options.keys.contains_key(&list.zone)
            {
                self.facts.left_out += 1;
                continue;
            }
            let place = self.facts.lists.len();
            self.facts.lists.push(ListFacts::new(list.clone()));
            self.said.push(Said::default());
            self.options.progress.ask_one();
            match self.memory.rests(&list.zone, self.now) {
                true => self.end(place, Health::Resting),
                false => asks.extend(self.ask(place, Step::Subject)),
            }
        }
        asks
    }

    fn answered(&mut self, tag: u64, outcome: Result<Answer, Trouble>) -> Vec<Ask> {
        if tag == INVENTED {
            self.facts.resolver_invents = outcome.is_ok_and(|answer| {
                answer.rcode == Rcode::NOERROR && answer.records().next().is_some()
            });
            return Vec::new();
        }
        let Some((place, step)) = Step::of_tag(tag) else {
            return Vec::new();
        };
        let reply = Reply::of(&outcome);
        if let (Ok(answer), Reply::Answered(entry)) = (&outcome, &reply)
            && self.illness(place, entry).is_none()
        {
            self.memory.keep(&answer.question, entry, self.now);
        }
        self.hear(place, step, reply)
    }
}

impl Sweep {
    /// No name below `.invalid` is there (RFC 6761 section 6.4).
    fn invented(&self) -> Option<Ask> {
        if self.options.roots.is_some() {
            return None;
        }
        let name: Name = format!("mailprobe-{}.invalid", self.token).parse().ok()?;
        Some(Ask::new(INVENTED, Question::new(name, Kind::A)))
    }

    /// Asks a list, or goes on with what is still known of it.
    fn ask(&mut self, place: usize, step: Step) -> Vec<Ask> {
        let Some(list) = self.facts.lists.get(place).map(|facts| facts.list.clone()) else {
            return Vec::new();
        };
        let key = self.options.keys.get(&list.zone);
        let labels = match step {
            Step::Subject | Step::Reason => self.subject.for_list(&list).labels(),
            Step::Positive => self.subject.positive_test(&list).to_owned(),
            Step::Negative => self.subject.negative_test().to_owned(),
            Step::Canary => format!("mailprobe-{}", self.token),
        };
        let Some((name, shown)) = name_of(&labels, &list, key) else {
            self.end(
                place,
                Health::NotAnswering("the name would be too long".into()),
            );
            return Vec::new();
        };
        let kind = match step {
            Step::Reason => Kind::TXT,
            _ => Kind::A,
        };
        let question = Question::new(name, kind);
        if let Some(entry) = self.memory.recall(&question, self.now) {
            return self.hear(place, step, Reply::Answered(entry));
        }
        let ask = Ask::new(step.tag(place), question);
        let ask = match self.options.roots {
            None => ask,
            Some(_) => match self.memory.servers(&list.zone, self.now) {
                Some(Ok(servers)) => ask.of(servers),
                Some(Err(lost)) => {
                    self.end(place, Health::NotAnswering(lost.to_string().into()));
                    return Vec::new();
                }
                None => {
                    self.end(place, Health::Unknown);
                    return Vec::new();
                }
            },
        };
        vec![match key {
            Some(_) => ask.shown_as(shown),
            None => ask,
        }]
    }

    fn hear(&mut self, place: usize, step: Step, reply: Reply) -> Vec<Ask> {
        let entry = match reply {
            Reply::Answered(entry) => entry,
            // Its listing stands without a reason too.
            _ if step == Step::Reason => return Vec::new(),
            Reply::Refused => {
                self.end(place, Health::Refused);
                return Vec::new();
            }
            Reply::Nothing(why) => {
                self.end(place, Health::NotAnswering(why));
                return Vec::new();
            }
        };
        if step == Step::Reason {
            self.note_reason(place, entry.text);
            return Vec::new();
        }
        if let Some(illness) = self.illness(place, &entry) {
            if matches!(illness, Health::Blocked(..)) {
                self.rest(place);
            }
            self.end(place, illness);
            return Vec::new();
        }
        let is_there = !entry.addresses.is_empty();
        if let Some(said) = self.said.get_mut(place) {
            match step {
                Step::Subject => said.entry = Some(entry),
                Step::Positive => said.has_positive = Some(is_there),
                Step::Negative => said.has_negative = Some(is_there),
                Step::Canary | Step::Reason => said.has_canary = Some(is_there),
            }
        }
        match self.step_behind(place, step) {
            Some(next) => self.ask(place, next),
            None => self.end_well(place),
        }
    }

    /// It has answered all that it was asked.
    fn end_well(&mut self, place: usize) -> Vec<Ask> {
        let health = self.said.get(place).map(Said::health);
        self.end(place, health.unwrap_or(Health::Unknown));
        let facts = self.facts.lists.get(place);
        let is_listed = facts.is_some_and(|facts| facts.listing == Listing::Listed);
        match is_listed && self.options.reasons {
            true => self.ask(place, Step::Reason),
            false => Vec::new(),
        }
    }

    /// What an answer shows of the list itself, whatever was asked.
    fn illness(&self, place: usize, entry: &Entry) -> Option<Health> {
        let list = &self.facts.lists.get(place)?.list;
        entry.addresses.iter().find_map(|address| {
            let meanings = list.codes.meanings(*address);
            meanings.into_iter().find_map(|meaning| match meaning {
                Meaning::Foreign => Some(Health::Parked(*address)),
                Meaning::Error(why) => Some(Health::Blocked(*address, why.into())),
                Meaning::Clean(_) | Meaning::Listed(_) => None,
            })
        })
    }

    fn step_behind(&self, place: usize, step: Step) -> Option<Step> {
        let facts = self.facts.lists.get(place)?;
        let tests = &facts.list.tests;
        let behind = Step::ALL.iter().skip_while(|other| **other != step);
        let is_due = |step: &Step| match step {
            Step::Positive => self.options.tests && tests.positive,
            Step::Negative => self.options.tests && tests.negative,
            Step::Canary => self.options.tests,
            Step::Subject | Step::Reason => false,
        };
        behind.skip(1).copied().find(is_due)
    }

    /// A list that does not want us is left alone for a while.
    fn rest(&self, place: usize) {
        if let Some(facts) = self.facts.lists.get(place) {
            self.memory.rest(&facts.list.zone, self.now);
        }
    }

    fn end(&mut self, place: usize, health: Health) {
        let (Some(facts), Some(said)) = (self.facts.lists.get_mut(place), self.said.get_mut(place))
        else {
            return;
        };
        if !std::mem::replace(&mut said.is_over, true) {
            self.options.progress.end_one();
        }
        facts.conclude(said.entry.as_ref(), health);
    }

    fn note_reason(&mut self, place: usize, text: Vec<u8>) {
        let Some(facts) = self.facts.lists.get_mut(place) else {
            return;
        };
        let text = match self.options.keys.get(&facts.list.zone) {
            Some(key) => masked(&text, key.expose()),
            None => text,
        };
        facts.reason = Some(text).filter(|text| !text.is_empty());
    }
}

/// Some lists repeat the whole question; where their words were cut off, the key may have been cut too.
fn masked(text: &[u8], key: &[u8]) -> Vec<u8> {
    let is_cut = text.len() == Reply::WORDS;
    let is_key = |rest: &[u8]| {
        let is_whole = is_cut || rest.len() >= key.len();
        let mut pairs = rest.iter().zip(key);
        !key.is_empty() && is_whole && pairs.all(|(one, other)| one.eq_ignore_ascii_case(other))
    };
    let mut shown = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        if is_key(rest) {
            shown.extend_from_slice(b"***");
            rest = rest.get(key.len()..).unwrap_or_default();
        } else {
            shown.push(*first);
            rest = behind;
        }
    }
    shown
}
