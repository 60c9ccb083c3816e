//! The look into the maildrop (RFC 1939 section 5): questions in batches, each batch in one write where the server
//! announces PIPELINING (RFC 2449 section 6.6).

use std::collections::VecDeque;
use std::time::SystemTime;

use probe_core::Phase;
use probe_net::Step;
use probe_net::message::{Date, HeaderEnd, Headers};

use super::{CAPA, Next, Pop3Dialogue, State};
use crate::command::Command;
use crate::facts::{Maildrop, Refusal, Retrieved};
use crate::reply::{Capabilities, Expiry, Listing, Reply, Status, UniqueIds, counts};

pub(super) const NOOP: Phase = Phase::new("noop");
const LANG: Phase = Phase::new("lang");
pub(super) const LIST: Phase = Phase::new("list");
pub(super) const RETR: Phase = Phase::new("retr");
const STAT: Phase = Phase::new("stat");
pub(super) const TOP: Phase = Phase::new("top");
pub(super) const UIDL: Phase = Phase::new("uidl");

/// What is asked of a maildrop.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Question {
    Capa,
    Lang,
    List,
    /// The header section of the message that is taken for the newest one.
    Newest(u32),
    Noop,
    /// The same of the oldest one.
    Oldest(u32),
    Retr(u32),
    Stat,
    Uidl,
}

/// Which answers the next questions depend on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// None yet.
    Opening,
    /// How many messages there are.
    Listing,
    /// Which messages there are.
    Reading,
    /// One NOOP after the other.
    Pacing,
}

/// Questions that were said and not yet answered, and those still to be said.
#[derive(Debug)]
pub(super) struct Questions {
    stage: Stage,
    said: VecDeque<Question>,
    unsaid: VecDeque<Question>,
}

impl Question {
    fn command(self) -> (Phase, Command) {
        match self {
            Self::Capa => (CAPA, Command::Capa),
            Self::Lang => (LANG, Command::Lang),
            Self::List => (LIST, Command::List),
            Self::Newest(message) | Self::Oldest(message) => (TOP, Command::Top(message)),
            Self::Noop => (NOOP, Command::Noop),
            Self::Retr(message) => (RETR, Command::Retr(message)),
            Self::Stat => (STAT, Command::Stat),
            Self::Uidl => (UIDL, Command::Uidl),
        }
    }
}

/// Asking.
impl Pop3Dialogue {
    pub(super) fn look_into_the_maildrop(&mut self) -> Next {
        let knows_capa = self.facts.knows_capa == Some(true);
        let capa = (knows_capa && self.options.capa_after_auth).then_some(Question::Capa);
        let stat = (!self.is_at_service()).then_some(Question::Stat);
        let questions = capa.into_iter().chain(stat).collect();
        self.ask(Stage::Opening, questions)
    }

    fn ask(&mut self, stage: Stage, questions: VecDeque<Question>) -> Next {
        let questions = Questions {
            stage,
            said: VecDeque::new(),
            unsaid: questions,
        };
        self.go_on(questions)
    }

    /// Waits for the next answer, or says what is still to be said, or goes on to the next stage.
    fn go_on(&mut self, mut questions: Questions) -> Next {
        if let Some(next) = questions.said.front() {
            let (phase, _) = next.command();
            self.state = State::ExpectAnswers(questions);
            return Ok(Step::wait(phase));
        }
        if questions.unsaid.is_empty() {
            return match questions.stage {
                Stage::Opening if self.is_at_service() => self.rest_until_asked(),
                Stage::Opening => self.list(),
                Stage::Listing => self.read(),
                Stage::Reading => self.pace(),
                Stage::Pacing => self.prove_rights(),
            };
        }
        let pipelining = self.facts.offers("PIPELINING") && questions.stage != Stage::Pacing;
        let many = if pipelining {
            questions.unsaid.len()
        } else {
            1
        };
        questions.said = questions.unsaid.drain(..many).collect();
        let commands = questions.said.iter().map(|one| one.command()).collect();
        self.state = State::ExpectAnswers(questions);
        Ok(Step::Send {
            commands,
            patience: None,
        })
    }

    fn list(&mut self) -> Next {
        let mut questions = VecDeque::new();
        let messages = self
            .facts
            .maildrop
            .as_ref()
            .map(|maildrop| maildrop.messages);
        if messages.is_some_and(|messages| messages <= self.options.list_up_to) {
            questions.extend([Question::List, Question::Uidl]);
        }
        if self.options.languages && self.facts.offers("LANG") {
            questions.push_back(Question::Lang);
        }
        self.ask(Stage::Listing, questions)
    }

    fn read(&mut self) -> Next {
        let mut questions = VecDeque::new();
        if let Some((oldest, newest)) = self.ends().filter(|_| self.options.ages) {
            questions.push_back(Question::Oldest(oldest));
            questions.push_back(Question::Newest(newest));
        }
        if self.options.retrieve {
            questions.extend(self.readable().map(Question::Retr));
        }
        self.ask(Stage::Reading, questions)
    }

    fn pace(&mut self) -> Next {
        let noops = core::iter::repeat_n(Question::Noop, self.options.noops.into());
        self.ask(Stage::Pacing, noops.collect())
    }

    /// The first and the last message. They need not be numbered from 1, so LIST is asked first.
    fn ends(&self) -> Option<(u32, u32)> {
        let maildrop = self.facts.maildrop.as_ref()?;
        if let Some(listing) = &maildrop.listing {
            let numbers = || listing.sizes().map(|(message, _)| message);
            return Some((numbers().min()?, numbers().max()?));
        }
        let last = u32::try_from(maildrop.messages).ok()?;
        (last > 0).then_some((1, last))
    }

    /// The smallest message.
    pub(super) fn smallest(&self) -> Option<(u32, u64)> {
        let listing = self.facts.maildrop.as_ref()?.listing.as_ref()?;
        listing.sizes().min_by_key(|(_, octets)| *octets)
    }

    /// The smallest message, if it is small enough to be read, and if reading changes nothing: with EXPIRE 0, a
    /// server may delete at QUIT whatever was read (RFC 2449 section 6.7).
    pub(super) fn readable(&self) -> Option<u32> {
        let (message, octets) = self.smallest()?;
        let stays = self.facts.expiry() != Some(Expiry::Days(0));
        (stays && octets <= self.options.retrieve_up_to).then_some(message)
    }
}

/// Hearing.
impl Pop3Dialogue {
    pub(super) fn on_answer(&mut self, mut questions: Questions, reply: Reply) -> Next {
        let Some(question) = questions.said.pop_front() else {
            return self.refused(STAT, &reply);
        };
        let (phase, command) = question.command();
        match reply.status() {
            Status::Ok => {}
            // Without STAT, nothing is known of the maildrop.
            Status::Err if question != Question::Stat => {
                self.note_refusal(command.verb(), &reply);
                return self.go_on(questions);
            }
            _ => return self.refused(phase, &reply),
        }
        match question {
            Question::Stat => match counts(&reply) {
                Some((messages, octets)) => self.note_counts(messages, octets),
                None => return self.refused(phase, &reply),
            },
            Question::Capa => self.facts.authenticated = Some(Capabilities::from(reply)),
            Question::Lang => self.note_languages(&reply),
            Question::List => self.maildrop().listing = Some(Listing::from(reply)),
            Question::Uidl => self.maildrop().unique_ids = Some(UniqueIds::from(reply)),
            Question::Oldest(message) | Question::Newest(message) => {
                self.note_headers(question, message, &reply);
            }
            Question::Retr(message) => self.note_message(message, &reply),
            Question::Noop => {}
        }
        self.go_on(questions)
    }

    fn maildrop(&mut self) -> &mut Maildrop {
        self.facts.maildrop.get_or_insert_default()
    }

    fn note_counts(&mut self, messages: u64, octets: u64) {
        let maildrop = self.maildrop();
        maildrop.messages = messages;
        maildrop.octets = octets;
    }

    pub(super) fn note_refusal(&mut self, command: &'static str, reply: &Reply) {
        // One word of each kind is enough.
        if self.facts.refusals.iter().all(|one| one.command != command) {
            self.facts.refusals.push(Refusal {
                command,
                reply: reply.status_line().into(),
            });
        }
    }

    fn note_headers(&mut self, question: Question, message: u32, reply: &Reply) {
        let text = reply.message();
        let headers = Headers::of(&text);
        let is_whole = matches!(headers.end(), HeaderEnd::EmptyLine { body } if body < text.len());
        let arrival = arrival(&headers);
        let maildrop = self.maildrop();
        if is_whole {
            maildrop.whole_for_top.push(message);
        }
        match question {
            Question::Oldest(_) => maildrop.oldest = arrival,
            _ => maildrop.newest = arrival,
        }
    }

    fn note_message(&mut self, message: u32, reply: &Reply) {
        let octets = u64::try_from(reply.octets()).unwrap_or(u64::MAX);
        let maildrop = self.maildrop();
        let listing = maildrop.listing.as_ref();
        let listed = listing.and_then(|listing| listing.sizes().find(|(one, _)| *one == message));
        maildrop.retrieved = Some(Retrieved {
            message,
            octets,
            listed: listed.map(|(_, octets)| octets),
        });
    }

    /// RFC 6856 section 3.2: a tag and what the language calls itself on each line.
    fn note_languages(&mut self, reply: &Reply) {
        let shown = |part: &[u8]| probe_core::printable(part.trim_ascii());
        let language = |line: &[u8]| {
            let end = line.iter().position(|byte| *byte == b' ');
            let (tag, name) = line.split_at(end.unwrap_or(line.len()));
            (shown(tag), shown(name))
        };
        self.facts.languages = reply.lines().map(language).collect();
    }
}

/// When a message came: its last hop tells, or, where it had none, its writer.
fn arrival(headers: &Headers<'_>) -> Option<SystemTime> {
    let received = headers.get("received").map(|field| field.value());
    let stamp = received
        .as_deref()
        .and_then(|value| value.rsplit(|byte| *byte == b';').next());
    let parse = |value: &[u8]| Date::parse(value).map(|(date, _)| date.at());
    let written = || headers.get("date").and_then(|field| parse(&field.value()));
    stamp.and_then(parse).or_else(written)
}
