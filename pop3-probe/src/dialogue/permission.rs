//! The proof of what an account may do with its mail: read, mark as deleted, take the mark back. QUIT deletes what is
//! marked (RFC 1939 section 6), so between DELE and the good answer to RSET nothing but RSET is ever said: whatever
//! else happens, the connection is dropped, and the server deletes nothing.

use probe_core::{Failure, FailureKind, Phase};
use probe_net::Step;

use super::maildrop::{RETR, TOP};
use super::{Next, Pop3Dialogue, State};
use crate::command::Command;
use crate::facts::{self, Rights};
use crate::findings::words;
use crate::reply::{Reply, Status};

pub(super) const DELE: Phase = Phase::new("dele");
const RSET: Phase = Phase::new("rset");

/// The right that is being tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Right {
    Read(u32),
    Top(u32),
    Delete(u32),
    Undo,
}

impl Right {
    fn command(self) -> (Phase, Command) {
        match self {
            Self::Read(message) => (RETR, Command::Retr(message)),
            Self::Top(message) => (TOP, Command::Top(message)),
            Self::Delete(message) => (DELE, Command::Dele(message)),
            Self::Undo => (RSET, Command::Rset),
        }
    }
}

impl Pop3Dialogue {
    pub(super) fn prove_rights(&mut self) -> Next {
        if !self.options.prove_rights {
            return self.say_quit();
        }
        let listed = self
            .facts
            .maildrop
            .as_ref()
            .map(|drop| drop.listing.is_some());
        let refused = self.facts.refusals.iter().find(|one| one.command == "LIST");
        let smallest = self.smallest().map(|(message, _)| message);
        self.facts.rights = Some(Rights {
            message: smallest,
            list: match refused {
                Some(refusal) => facts::Right::Refused(refusal.reply.clone()),
                None if listed == Some(true) => facts::Right::Granted,
                None => facts::Right::NotTried,
            },
            ..Rights::default()
        });
        match (self.readable(), smallest) {
            (Some(message), _) => self.try_right(Right::Read(message)),
            (None, Some(message)) => self.try_right(Right::Top(message)),
            (None, None) => self.say_quit(),
        }
    }

    fn try_right(&mut self, right: Right) -> Next {
        *self.right(right) = facts::Right::Unanswered;
        self.state = State::ExpectRight(right);
        let (phase, command) = right.command();
        Ok(Step::say(phase, command))
    }

    pub(super) fn on_right(&mut self, right: Right, reply: &Reply) -> Next {
        match reply.status() {
            Status::Ok => *self.right(right) = facts::Right::Granted,
            Status::Err => *self.right(right) = facts::Right::Refused(reply.status_line().into()),
            Status::Continue | Status::Other => return self.drop_the_connection(right, reply),
        }
        match right {
            Right::Read(message) => self.try_right(Right::Top(message)),
            Right::Top(message) => self.try_right(Right::Delete(message)),
            Right::Delete(_) if reply.is_ok() => self.try_right(Right::Undo),
            Right::Undo if !reply.is_ok() => self.drop_the_connection(right, reply),
            Right::Delete(_) | Right::Undo => self.say_quit(),
        }
    }

    /// The message may still be marked as deleted: [`State::Over`] says nothing.
    fn drop_the_connection(&mut self, right: Right, reply: &Reply) -> Next {
        self.state = State::Over;
        let kind = match reply.status() {
            Status::Err => FailureKind::Permanent,
            _ => FailureKind::Protocol,
        };
        let (phase, command) = right.command();
        let detail = format!(
            "the server did not answer {} as it must; the connection was dropped, so that nothing is deleted",
            command.verb()
        );
        Err(Failure::new(phase, kind, detail).with_reply(words(reply)))
    }

    fn right(&mut self, right: Right) -> &mut facts::Right {
        let rights = self.facts.rights.get_or_insert_default();
        match right {
            Right::Read(_) => &mut rights.read,
            Right::Top(_) => &mut rights.top,
            Right::Delete(_) => &mut rights.delete,
            Right::Undo => &mut rights.undo,
        }
    }
}
