//! Errands: what somebody else wants of a mailbox, once the ladder was climbed. Which errand follows on which is not the
//! machine's business.

use probe_core::Failure;

use super::{EasDialogue, Next, Step};
use crate::command::{Command, Verb};
use crate::reply::{Reply, Synced};
use crate::wbxml::tags::{air_sync, air_sync_base, email};
use crate::wbxml::{Document, Element};

/// What came of an errand.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The key for the next Sync, if there is one.
    pub key: Option<String>,
    /// The items that are new, or were asked for.
    pub items: Vec<Mail>,
    /// Whether there are more.
    pub has_more: bool,
    /// The status of a Ping.
    pub status: Option<u16>,
}

/// An item of a folder.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Mail {
    /// The server's id of it.
    pub id: String,
    /// Its subject.
    pub subject: String,
    /// Who sent it.
    pub from: String,
    /// What it is: `IPM.Note`, `REPORT.IPM.Note.NDR`, ...
    pub class: String,
    /// It as it was sent, where that was asked for.
    pub message: Option<Vec<u8>>,
}

impl Answer {
    /// The most items that are read of one answer.
    pub const ITEMS: usize = 512;

    fn of(document: &Document) -> Self {
        use air_sync::{ADD, CHANGE, COLLECTION, COLLECTIONS, COMMANDS, FETCH, RESPONSES};
        let synced = Synced::of(document);
        let collection = document.root().find(&[COLLECTIONS, COLLECTION]);
        let parts = [COMMANDS, RESPONSES].into_iter();
        let parts = parts.filter_map(|tag| collection?.child(tag));
        let items = parts.flat_map(Element::children);
        let items = items.filter(|item| [ADD, CHANGE, FETCH].contains(&item.tag()));
        Self {
            key: synced.key.filter(|key| !key.is_empty()),
            items: items.take(Self::ITEMS).map(Mail::of).collect(),
            has_more: synced.has_more,
            status: None,
        }
    }
}

impl Mail {
    fn of(item: Element<'_>) -> Self {
        let data = item.child(air_sync::APPLICATION_DATA);
        let text = |tag| {
            let text = data.and_then(|data| data.child(tag)).map(Element::text);
            text.unwrap_or_default().into_owned()
        };
        let body = data.and_then(|data| data.find(&[air_sync_base::BODY, air_sync_base::DATA]));
        let octets = |body: Element<'_>| match body.opaque() {
            Some(octets) => octets.to_vec(),
            None => body.text().into_owned().into_bytes(),
        };
        let id = item.child(air_sync::SERVER_ID).map(Element::text);
        Self {
            id: id.unwrap_or_default().into_owned(),
            subject: text(email::SUBJECT),
            from: text(email::FROM),
            class: text(email::MESSAGE_CLASS),
            message: body.map(octets),
        }
    }
}

impl EasDialogue {
    /// What to do for somebody else, after the ladder was climbed.
    pub fn ask_for(&mut self, command: Command) -> Step {
        self.is_at_service = true;
        self.answer = None;
        self.ask(command)
    }

    /// What came of the last errand.
    pub fn take_answer(&mut self) -> Option<Answer> {
        self.answer.take()
    }

    /// An empty answer to a Sync says that nothing is new.
    pub(super) fn errand_told(&mut self, command: &Command, reply: &Reply) -> Next {
        let answer = match (command.verb(), reply.document()) {
            (Some(Verb::Sync), Some(document)) => {
                self.synced(reply)?;
                Answer::of(document)
            }
            _ => Answer {
                status: reply.body_status(),
                ..Answer::default()
            },
        };
        self.answer = Some(answer);
        Ok::<_, Failure>(Step::Done)
    }
}
