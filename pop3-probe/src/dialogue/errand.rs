//! Errands: what somebody else wants of a session that has logged in. The machine rests, is told one, does it with one
//! command, keeps the answer, and rests again.
//!
//! QUIT deletes what is marked (RFC 1939 section 6). Here only what whoever leads us has read whole in this session can be
//! marked, so he knows what he deletes; and where it is not clear what a server has marked, the connection is dropped.

use std::collections::BTreeSet;
use std::sync::Arc;

use probe_core::{Failure, FailureKind, Phase};
use probe_net::Step;
use probe_net::tls::Security;

use super::maildrop::{LIST, RETR, TOP, UIDL};
use super::permission::DELE;
use super::{Next, Pop3Dialogue, State, why_refused};
use crate::command::Command;
use crate::findings::words;
use crate::options::Options;
use crate::reply::{Reply, Status};

/// One thing to do for somebody else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Errand {
    /// Marks a message as deleted that was read whole in this session: leaving deletes it.
    Delete(u32),
    /// Asks for the header section of a message.
    Header(u32),
    /// Asks for the size of every message.
    List,
    /// Reads a message.
    Read(u32),
    /// Asks for the unique id of every message.
    UniqueIds,
}

impl Errand {
    fn command(self) -> (Phase, Command) {
        match self {
            Self::Delete(message) => (DELE, Command::Dele(message)),
            Self::Header(message) => (TOP, Command::Top(message)),
            Self::List => (LIST, Command::List),
            Self::Read(message) => (RETR, Command::Retr(message)),
            Self::UniqueIds => (UIDL, Command::Uidl),
        }
    }
}

/// Whoever has errands, as the machine knows him.
#[derive(Debug, Default)]
pub(super) struct Guest {
    errand: Option<Errand>,
    answer: Option<Result<Reply, Failure>>,
    /// What he has read whole.
    read: BTreeSet<u32>,
}

/// What whoever leads the session asks and hears.
impl Pop3Dialogue {
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

    /// What the server said to the last errand; a refusal, after which the session goes on, is a failure.
    pub fn take_answer(&mut self) -> Option<Result<Reply, Failure>> {
        self.guest.as_mut()?.answer.take()
    }
}

/// Doing it.
impl Pop3Dialogue {
    pub(super) fn rest_until_asked(&mut self) -> Next {
        self.state = State::Ready;
        Ok(Step::Pause)
    }

    pub(super) fn on_errand(&mut self) -> Next {
        let Some(guest) = &mut self.guest else {
            return self.say_quit();
        };
        let Some(errand) = guest.errand.take() else {
            return self.say_quit();
        };
        let (phase, command) = errand.command();
        if let Errand::Delete(message) = errand
            && !guest.read.contains(&message)
        {
            let detail = "a message that was not read whole is not deleted";
            let refusal = Failure::new(phase, FailureKind::Local, detail);
            guest.answer = Some(Err(refusal));
            return self.rest_until_asked();
        }
        self.state = State::ExpectErrand(errand);
        Ok(Step::say(phase, command))
    }

    pub(super) fn on_errand_done(&mut self, errand: Errand, reply: Reply) -> Next {
        let (phase, _) = errand.command();
        let answer = match reply.status() {
            Status::Ok => Ok(reply),
            Status::Err => {
                let (kind, detail) = why_refused(&reply);
                Err(Failure::new(phase, kind, detail).with_reply(words(&reply)))
            }
            // Whether it has marked something is not clear: [`State::Over`] says nothing.
            Status::Continue | Status::Other => return self.refused(phase, &reply),
        };
        if let Some(guest) = &mut self.guest {
            if let (Errand::Read(message), Ok(_)) = (errand, &answer) {
                guest.read.insert(message);
            }
            guest.answer = Some(answer);
        }
        self.rest_until_asked()
    }

    /// Whether it is somebody else who says what is asked.
    pub(super) fn is_at_service(&self) -> bool {
        self.guest.is_some()
    }
}
