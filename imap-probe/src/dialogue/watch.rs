//! How fast news arrive (RFC 2177): a second session idles on the folder that the edit proof is about to put its
//! message into. The first one rests until the second idles; then both go on at once, and who leads them compares
//! what the change took with what the news took.

use core::time::Duration;
use std::sync::Arc;

use probe_core::Failure;
use probe_net::Step;
use probe_net::tls::Security;

use super::edit::{Edit, EditStep, Which};
use super::questions::{IDLE, Question, SELECT};
use super::{Awaited, ImapDialogue, Next, Pending, State};
use crate::command::{Command, Line};
use crate::facts::Exercise;
use crate::mailbox::Mailbox;
use crate::options::{Extension, Options};

/// How long news are waited for. RFC 2177 sets no limit; a user who waits longer calls it broken.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Where a dialogue rests.
#[derive(Debug)]
pub(super) enum Resting {
    /// Before this step, so that a watcher can get ready or hear.
    Edit(EditStep, Box<Edit>),
    /// Idling.
    Idle(Pending),
}

/// The session that makes the change.
impl ImapDialogue {
    /// The folder that is about to change or has just changed, while the dialogue rests so that somebody can watch it.
    pub fn watchable(&self) -> Option<&Mailbox> {
        match &self.state {
            State::Resting(Resting::Edit(_, edit)) => Some(edit.folder(Which::Second)),
            _ => None,
        }
    }

    /// Notes how the watcher fared, which had begun to listen as we went on: how long it waited, or why it could not
    /// listen.
    pub fn note_push(&mut self, heard: Result<Option<Duration>, Failure>) {
        let why = match (heard, self.change) {
            (Ok(Some(waited)), Some(change)) => {
                let edit = self.facts.edit.get_or_insert_default();
                edit.push = Some(waited.saturating_sub(change));
                return;
            }
            // Nothing was changed, so there was nothing to hear.
            (Ok(_), None) => return,
            (Ok(None), Some(_)) => "no news came to a session that idled".to_owned(),
            (Err(failure), _) => format!("a second session failed: {}", failure.detail),
        };
        self.note_exercise(Extension::Idle, Exercise::Broken(why));
    }

    /// Rests before the change, so that somebody can begin to watch, and behind it, until they have heard: servers
    /// gather news for a while, and a message that is gone by then is none.
    pub(super) fn rest_around(&mut self, step: EditStep, edit: Box<Edit>) -> Next {
        if self.is_wanted(Extension::Idle) && self.offers_idle() {
            self.state = State::Resting(Resting::Edit(step, edit));
            return Ok(Step::Pause);
        }
        self.edit_step(step, edit)
    }
}

/// The session that watches.
impl ImapDialogue {
    /// A dialogue that logs in, opens this mailbox, and rests as soon as it idles there.
    pub fn watcher(options: Arc<Options>, security: Security, mailbox: Mailbox) -> Self {
        Self {
            watched: Some(mailbox),
            ..Self::new(options, security)
        }
    }

    /// Whether it rests because it idles.
    pub fn is_idling(&self) -> bool {
        matches!(self.state, State::Resting(Resting::Idle(_)))
    }

    /// How long after the dialogue had been resumed the news came; `None` if they did not.
    pub fn heard_after(&self) -> Option<Duration> {
        self.news
    }

    pub(super) fn watch(&mut self) -> Next {
        match self.watched.clone() {
            Some(mailbox) => {
                let command = Command::examine(mailbox);
                self.say(SELECT, command, Awaited::Question(Question::Watch))
            }
            None => self.ask_next(),
        }
    }

    pub(super) fn rest(&mut self, pending: Pending) -> Next {
        self.state = State::Resting(Resting::Idle(pending));
        Ok(Step::Pause)
    }

    pub(super) fn on_resumed(&mut self, resting: Resting) -> Next {
        match resting {
            Resting::Edit(step, edit) => self.edit_step(step, edit),
            Resting::Idle(pending) => {
                self.took = Duration::ZERO;
                self.wait(pending, Awaited::Question(Question::News))
            }
        }
    }

    /// There is a message more.
    pub(super) fn on_news(&mut self, pending: Pending) -> Next {
        self.news = Some(self.took);
        self.stop_idling(pending)
    }

    /// We have waited long enough, or heard what we wanted.
    pub(super) fn stop_idling(&mut self, pending: Pending) -> Next {
        self.state = State::Expect(pending, Awaited::Question(Question::Idled));
        Ok(Step::say(IDLE, Line::Done))
    }
}
