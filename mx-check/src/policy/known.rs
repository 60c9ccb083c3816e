//! What name servers have said so far, and what is still to be asked. All that is thought of it is thought anew with
//! each answer: so nothing here has to remember where it stood, and what is known at a deadline is told as it is.

use core::net::SocketAddr;
use std::collections::HashMap;
use std::sync::Arc;

use probe_net::dns::{Answer, Ask, Data, Kind, Name, Question, Rcode, Trouble};

use super::published::Published;
use crate::records::spf::Spf;

/// Answers by question.
#[derive(Debug, Default)]
pub(crate) struct Known {
    outcomes: HashMap<Question, Outcome>,
    /// All questions so far; each is known by its place here.
    asked: Vec<Question>,
    /// How many of them have been given away.
    given: usize,
    /// SPF records that were read already: they are met again and again, and may be long.
    spf: HashMap<Name, Arc<Published<Spf>>>,
}

#[derive(Clone, Debug)]
enum Outcome {
    Pending,
    Answered(Arc<Answer>),
    Trouble(Arc<str>),
}

/// Why nothing is known.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Lack {
    /// No answer has come yet.
    Pending,
    /// The name servers cannot tell, for this reason. That says nothing of the domain.
    Trouble(Arc<str>),
}

/// What one name has of one kind, and who says so.
#[derive(Clone, Debug)]
pub(crate) struct Said {
    answer: Arc<Answer>,
}

impl Known {
    /// More questions no domain is worth.
    pub(crate) const QUESTIONS: usize = 512;

    /// What is known, or will be asked for.
    pub(crate) fn ask(&mut self, name: &Name, kind: Kind) -> Result<Said, Lack> {
        let question = Question::new(name.clone(), kind);
        match self.outcomes.get(&question) {
            Some(Outcome::Answered(answer)) => Ok(Said {
                answer: answer.clone(),
            }),
            Some(Outcome::Trouble(why)) => Err(Lack::Trouble(why.clone())),
            Some(Outcome::Pending) => Err(Lack::Pending),
            None if self.asked.len() < Self::QUESTIONS => {
                self.outcomes.insert(question.clone(), Outcome::Pending);
                self.asked.push(question);
                Err(Lack::Pending)
            }
            None => Err(Lack::Trouble("it would take too many questions".into())),
        }
    }

    /// The SPF records of a domain.
    pub(crate) fn spf(&mut self, domain: &str, name: &Name) -> Arc<Published<Spf>> {
        if let Some(read) = self.spf.get(name) {
            return read.clone();
        }
        let read = Published::look(self, domain.to_owned(), Spf::is_one, Spf::parse);
        let read = Arc::new(read);
        if read.lack.is_none() {
            self.spf.insert(name.clone(), read.clone());
        }
        read
    }

    /// What is to be asked now.
    pub(crate) fn asks(&mut self) -> Vec<Ask> {
        let numbered = (0..).zip(&self.asked).skip(self.given);
        let asks = numbered.map(|(tag, question)| Ask::new(tag, question.clone()));
        let asks = asks.collect();
        self.given = self.asked.len();
        asks
    }

    /// Takes down what came of a question. Whether anything is new.
    pub(crate) fn hear(&mut self, tag: u64, outcome: Result<Answer, Trouble>) -> bool {
        let place = usize::try_from(tag).ok();
        let Some(question) = place.and_then(|place| self.asked.get(place)) else {
            return false;
        };
        let outcome = match outcome {
            Ok(answer) if answer.rcode.is_about_the_name() => Outcome::Answered(answer.into()),
            Ok(answer) => Outcome::Trouble(refusal(&answer).into()),
            Err(trouble) => Outcome::Trouble(trouble.to_string().into()),
        };
        self.outcomes.insert(question.clone(), outcome);
        true
    }
}

impl Said {
    /// Whether there is no such name.
    pub(crate) fn rcode(&self) -> Rcode {
        self.answer.rcode
    }

    pub(crate) fn server(&self) -> SocketAddr {
        self.answer.server
    }

    /// What the records say.
    pub(crate) fn data(&self) -> impl Iterator<Item = &Data> {
        self.answer.records().map(|record| &record.data)
    }

    /// Whether there is nothing.
    pub(crate) fn is_void(&self) -> bool {
        self.data().next().is_none()
    }

    /// The texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &[u8]> {
        self.data().filter_map(|data| match data {
            Data::Txt(text) => Some(&**text),
            _ => None,
        })
    }
}

/// With the reason that a server may give (RFC 8914).
fn refusal(answer: &Answer) -> String {
    let (server, rcode) = (answer.server, answer.rcode);
    match answer.extended_errors.first() {
        Some(error) => {
            let text = String::from_utf8_lossy(&error.text);
            format!(
                "{server} says {rcode} (extended error {} {text})",
                error.code
            )
        }
        None => format!("{server} says {rcode}"),
    }
}
