//! Where the server thinks that a message ends (RFC 5321 section 4.1.1.4): the message is sent without its end, and behind
//! it each [`FalseEnd`], one after the other. A server that takes them for text has no whole message when we hang up,
//! and forgets it.

use core::time::Duration;
use std::collections::VecDeque;

use probe_core::{Failure, FailureKind, Phase};
use probe_net::{Event, Step};

use super::{Next, SmtpDialogue, State};
use crate::command::Command;
use crate::facts::{Meeting, Role, SmugglingFacts};
use crate::message::Message;
use crate::reply::{Code, Reply};
use crate::smuggling::FalseEnd;

/// All of the test.
const SMUGGLING: Phase = Phase::new("smuggling");

/// How long a server that takes a false end may think about the message.
const PATIENCE: Duration = Duration::from_secs(1);

/// The same behind the last one: filters take their time, and what they say late is still said.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

/// A test under way.
#[derive(Debug)]
pub(super) struct Smuggling {
    /// What was sent last.
    end: FalseEnd,
    /// What is still to be tried.
    ends: VecDeque<FalseEnd>,
    /// What the server has said to it: is the command behind it answered too?
    answer: Option<Reply>,
}

impl Smuggling {
    fn patience(&self) -> Duration {
        match self.ends.is_empty() {
            true => LAST_PATIENCE,
            false => PATIENCE,
        }
    }
}

impl SmtpDialogue {
    pub(super) fn begin_smuggling(&mut self, message: Message) -> Next {
        let auth = self.facts.auth.as_ref();
        let role = match auth.is_some_and(|auth| auth.accepted.is_some()) {
            true => Role::Submission,
            false => Role::Inbound,
        };
        self.facts.smuggling = Some(SmugglingFacts::new(role));
        self.try_next_end(Some(message), FalseEnd::ALL.into())
    }

    fn try_next_end(&mut self, message: Option<Message>, mut ends: VecDeque<FalseEnd>) -> Next {
        let Some(end) = ends.pop_front() else {
            self.smuggling(|facts| facts.is_complete = true);
            return Ok(Step::Done);
        };
        let smuggling = Smuggling {
            end,
            ends,
            answer: None,
        };
        let command = Command::FalseEnd { message, end };
        let patience = smuggling.patience();
        self.state = State::ExpectSmuggling(Box::new(smuggling));
        Ok(Step::say_in_hope(SMUGGLING, command, patience))
    }

    pub(super) fn on_smuggling(&mut self, smuggling: Smuggling, event: Event<Reply>) -> Next {
        let Smuggling { end, answer, .. } = &smuggling;
        match (event, answer.clone()) {
            (Event::Reply(answer), None) => self.await_more(smuggling, answer),
            (event, Some(answer)) => self.on_more(*end, answer, &event),
            (Event::Closed, None) => {
                self.meet(*end, Meeting::HungUp);
                Ok(Step::Done)
            }
            (Event::Silence, None) if self.took >= smuggling.patience() => {
                let end = *end;
                self.smuggling(|facts| facts.ignored.push(end));
                self.try_next_end(None, smuggling.ends)
            }
            // The deadline came first.
            (Event::Silence, None) => Ok(Step::Done),
            (event, None) => {
                let detail = format!("the dialogue waited behind {end} and met {event:?}");
                Err(Failure::new(SMUGGLING, FailureKind::Protocol, detail))
            }
        }
    }

    fn await_more(&mut self, smuggling: Smuggling, answer: Reply) -> Next {
        self.state = State::ExpectSmuggling(Box::new(Smuggling {
            answer: Some(answer),
            ..smuggling
        }));
        Ok(Step::Await {
            phase: SMUGGLING,
            patience: Some(PATIENCE),
        })
    }

    /// A refusal may be of a message that has ended, or of what no message contains: if the command behind it is carried
    /// out, there was an end.
    fn on_more(&mut self, end: FalseEnd, answer: Reply, more: &Event<Reply>) -> Next {
        let is_done = |reply: &Reply| reply.code().is_some_and(Code::is_completion);
        let is_command_done = matches!(more, Event::Reply(reply) if is_done(reply));
        if !is_done(&answer) && !is_command_done {
            self.meet(end, Meeting::Refused(answer));
            return Ok(Step::Done);
        }
        self.meet(end, Meeting::Accepted(answer));
        match more {
            Event::Closed => Ok(Step::Done),
            _ => self.say_quit(),
        }
    }

    fn meet(&mut self, end: FalseEnd, meeting: Meeting) {
        self.smuggling(|facts| {
            facts.met = Some((end, meeting));
            facts.is_complete = true;
        });
    }

    fn smuggling(&mut self, note: impl FnOnce(&mut SmugglingFacts)) {
        self.facts.smuggling.as_mut().map(note);
    }
}
