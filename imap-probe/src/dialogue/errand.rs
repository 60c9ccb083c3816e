//! Errands: what somebody else wants of a session that has logged in. The machine rests, is told one, does it with one
//! command, keeps the answer, and rests again; which errand follows on which is not its business.

use core::time::Duration;
use std::sync::Arc;

use probe_core::{Failure, FailureKind, Phase};
use probe_net::tls::Security;
use probe_net::{Event, Step, excerpt};

use super::edit::{EXPUNGE, STORE};
use super::questions::{FETCH, IDLE, LIST, SEARCH, SELECT};
use super::{Awaited, ImapDialogue, NOOP, Next, Pending, RESPONSES, State, why_bye, why_no};
use crate::command::{Change, Command, Line, Messages};
use crate::mailbox::Mailbox;
use crate::options::{Criteria, Options};
use crate::reply::{Code, Condition, Data, Fetch, List, Reply, Response, Status};

/// One thing to do for somebody else.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Errand {
    /// Removes the message with this UID, if it is marked so; without a UID, whatever is marked.
    Expunge(Option<u32>),
    /// Lists the mailboxes.
    Folders,
    /// Fetches the header sections of this message and of those behind it, by sequence number.
    Headers(u32),
    /// Marks the message with this UID as deleted, or takes that back.
    Mark(u32, Change),
    /// Asks whether there is news.
    Noop,
    /// Opens a mailbox to read and write.
    Open(Mailbox),
    /// Fetches a part of the message with this UID.
    Part {
        /// Which message.
        uid: u32,
        /// Where the part begins.
        from: u64,
        /// How long it may be.
        octets: u32,
    },
    /// Asks for the UIDs of what fits.
    Search(Criteria),
    /// Waits for a message more, by IDLE where it is offered, and for no longer than this.
    Wait(Duration),
}

/// What came of an errand.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Answer {
    /// The mailboxes that were listed.
    pub folders: Vec<List>,
    /// The UIDs that were found.
    pub found: Vec<u32>,
    /// What was fetched.
    pub messages: Vec<Fetch>,
    /// As long as this stays, so do the UIDs.
    pub uid_validity: Option<u32>,
    /// Whether the mailbox that was opened cannot be changed.
    pub is_read_only: bool,
    /// Why the server did not do it; the session goes on.
    pub refusal: Option<Failure>,
    /// The octets of what was fetched.
    octets: usize,
}

impl Answer {
    /// The most mailboxes that are kept.
    pub const FOLDERS: usize = 4096;
    /// The most UIDs that are kept: the last ones, which are those of the newest messages.
    pub const FOUND: usize = 4096;
    /// The most octets that are kept of what was fetched.
    pub const OCTETS: usize = 8 * 1024 * 1024;

    fn learn(&mut self, data: &Data) {
        match data {
            Data::ExtendedSearch(result) => {
                let max = result.max.filter(|max| Some(*max) != result.min);
                self.found.extend(result.min.into_iter().chain(max));
            }
            Data::Fetch(fetch) => {
                let octets = |section| fetch.body(section).map_or(0, |bytes| bytes.len());
                let octets = octets("") + octets("HEADER");
                if octets <= Self::OCTETS.saturating_sub(self.octets) {
                    self.octets += octets.max(1);
                    self.messages.push(fetch.clone());
                }
            }
            Data::List(list) if self.folders.len() < Self::FOLDERS => {
                self.folders.push(list.clone());
            }
            Data::Search(found) => self.found.extend(found),
            _ => {}
        }
        if let Some(surplus) = self.found.len().checked_sub(Self::FOUND) {
            self.found.drain(..surplus);
        }
    }

    fn learn_code(&mut self, code: &Code) {
        match code {
            Code::ReadOnly => self.is_read_only = true,
            Code::ReadWrite => self.is_read_only = false,
            Code::UidValidity(number) => self.uid_validity = Some(*number),
            _ => {}
        }
    }
}

/// Whoever has errands, as the machine knows him.
#[derive(Debug, Default)]
pub(super) struct Guest {
    errand: Option<Errand>,
    answer: Answer,
    /// How many messages the open mailbox holds.
    messages: u32,
    /// Whether there came one more while we waited.
    has_news: bool,
}

impl Guest {
    fn learn(&mut self, data: &Data) {
        match data {
            Data::Exists(count) => {
                self.has_news |= *count > self.messages;
                self.messages = *count;
            }
            Data::Expunge(_) => self.messages = self.messages.saturating_sub(1),
            data => self.answer.learn(data),
        }
    }
}

impl Errand {
    const fn phase(&self) -> Phase {
        match self {
            Self::Expunge(_) => EXPUNGE,
            Self::Folders => LIST,
            Self::Headers(_) | Self::Part { .. } => FETCH,
            Self::Mark(..) => STORE,
            Self::Noop => NOOP,
            Self::Open(_) => SELECT,
            Self::Search(_) => SEARCH,
            Self::Wait(_) => IDLE,
        }
    }
}

/// What whoever leads the session asks and hears.
impl ImapDialogue {
    /// A dialogue that logs in and rests, to do errands from then on.
    pub fn at_service(options: Arc<Options>, security: Security) -> Self {
        Self {
            guest: Some(Box::default()),
            ..Self::new(options, security)
        }
    }

    /// Whether it rests and would do an errand.
    pub fn is_ready(&self) -> bool {
        matches!(self.state, State::Ready)
    }

    /// What to do when the dialogue is resumed. Without an errand it then says farewell.
    pub fn ask_for(&mut self, errand: Errand) {
        if let Some(guest) = &mut self.guest {
            guest.errand = Some(errand);
        }
    }

    /// What came of the last errand.
    pub fn take_answer(&mut self) -> Answer {
        let guest = self.guest.as_mut();
        guest
            .map(|guest| core::mem::take(&mut guest.answer))
            .unwrap_or_default()
    }

    /// How many messages the open mailbox holds.
    pub fn messages_now(&self) -> u32 {
        self.guest.as_ref().map_or(0, |guest| guest.messages)
    }

    /// Whether a message more has come since the last errand began.
    pub fn has_news(&self) -> bool {
        self.guest.as_ref().is_some_and(|guest| guest.has_news)
    }
}

/// Doing it.
impl ImapDialogue {
    pub(super) fn rest_until_asked(&mut self) -> Next {
        self.state = State::Ready;
        Ok(Step::Pause)
    }

    pub(super) fn on_errand(&mut self) -> Next {
        self.responses = 0;
        let Some(guest) = &mut self.guest else {
            return self.say_logout();
        };
        let Some(errand) = guest.errand.take() else {
            return self.say_logout();
        };
        guest.answer = Answer::default();
        guest.has_news = false;
        if let Errand::Open(_) = errand {
            guest.messages = 0;
        }
        let command = match &errand {
            Errand::Expunge(Some(uid)) => Command::UidExpunge(*uid),
            Errand::Expunge(None) => Command::Expunge,
            Errand::Folders => Command::List {
                beginning: None,
                special_use: self.offers("SPECIAL-USE") && self.offers("LIST-EXTENDED"),
            },
            Errand::Headers(first) => {
                let items = "(UID INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])";
                Command::Fetch(Messages::From(*first), items)
            }
            Errand::Mark(uid, change) => Command::Store {
                uid: *uid,
                change: *change,
                flag: "\\Deleted",
            },
            Errand::Noop => Command::Noop,
            Errand::Open(mailbox) => Command::select(mailbox.clone()),
            Errand::Part { uid, from, octets } => Command::Part {
                uid: *uid,
                from: *from,
                octets: *octets,
            },
            Errand::Search(criteria) => Command::Search {
                criteria: criteria.to_string(),
                count: false,
            },
            Errand::Wait(_) if self.offers_idle() => Command::Idle,
            Errand::Wait(patience) => return self.wait_without_idle(*patience),
        };
        self.say(errand.phase(), command, Awaited::Errand(errand))
    }

    /// It idles, or should: news may have come before it said so.
    pub(super) fn on_idling(&mut self, pending: Pending, patience: Duration) -> Next {
        match self.has_news() {
            true => self.stop_waiting(pending),
            false => {
                self.took = Duration::ZERO;
                self.wait(pending, Awaited::News(patience))
            }
        }
    }

    pub(super) fn stop_waiting(&mut self, pending: Pending) -> Next {
        // The answer says nothing more that anybody waits for.
        self.state = State::Expect(pending, Awaited::Errand(Errand::Noop));
        Ok(Step::say(IDLE, Line::Done))
    }

    /// Hears whatever the server says by itself, and asks when the time is over.
    fn wait_without_idle(&mut self, patience: Duration) -> Next {
        self.took = Duration::ZERO;
        self.state = State::Polling(patience);
        Ok(Step::Await {
            phase: IDLE,
            patience: Some(patience),
        })
    }

    pub(super) fn on_polling(&mut self, patience: Duration, event: &Event<Reply>) -> Next {
        match event {
            Event::Reply(reply) => match reply.response() {
                Response::Status(status) if status.condition == Condition::Bye => {
                    let (kind, detail) = why_bye(status);
                    Err(Failure::new(IDLE, kind, detail).with_reply(excerpt(reply.raw())))
                }
                Response::Data(data) if self.responses < RESPONSES => {
                    self.responses += 1;
                    self.learn_for_guest(data);
                    match self.has_news() {
                        true => self.poll(),
                        false => self.wait_without_idle(patience.saturating_sub(self.took)),
                    }
                }
                _ => self.poll(),
            },
            Event::Closed => {
                let detail = "the server hung up";
                Err(Failure::new(IDLE, FailureKind::Closed, detail))
            }
            _ => self.poll(),
        }
    }

    fn poll(&mut self) -> Next {
        self.say(NOOP, Command::Noop, Awaited::Errand(Errand::Noop))
    }

    pub(super) fn learn_for_guest(&mut self, data: &Data) {
        if let Some(guest) = &mut self.guest {
            guest.learn(data);
        }
    }

    pub(super) fn learn_code_for_guest(&mut self, code: &Code) {
        if let Some(guest) = &mut self.guest {
            guest.answer.learn_code(code);
        }
    }

    /// A refusal ends the errand, and not the session.
    pub(super) fn on_errand_done(
        &mut self,
        errand: &Errand,
        status: &Status,
        reply: &Reply,
    ) -> Next {
        if status.condition != Condition::Ok
            && let Some(guest) = &mut self.guest
        {
            let (kind, detail) = why_no(status);
            let refusal = Failure::new(errand.phase(), kind, detail);
            guest.answer.refusal = Some(refusal.with_reply(excerpt(reply.raw())));
        }
        self.rest_until_asked()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::Item;

    #[test]
    fn of_more_uids_than_are_kept_the_last_remain() {
        let mut answer = Answer::default();
        answer.learn(&Data::Search((1..=4096).collect()));
        assert_eq!((answer.found.len(), answer.found[0]), (4096, 1));
        answer.learn(&Data::Search(vec![4097]));
        assert_eq!((answer.found.len(), answer.found[0]), (4096, 2));
    }

    #[test]
    fn the_largest_answer_is_kept_and_what_exceeds_it_is_not() {
        let body = |octets: usize| {
            Data::Fetch(Fetch {
                number: 1,
                items: vec![Item::Body {
                    section: (&b""[..]).into(),
                    origin: None,
                    bytes: Some(vec![b'a'; octets].into()),
                }],
            })
        };
        let mut answer = Answer::default();
        answer.learn(&body(Answer::OCTETS + 1));
        assert_eq!(answer.messages.len(), 0);
        answer.learn(&body(Answer::OCTETS));
        answer.learn(&body(1));
        assert_eq!(answer.messages.len(), 1);
    }
}
