//! A mailbox that is watched, whatever protocol leads to it: what lies there that may be ours is handed over byte for
//! byte, and what was proven to be ours is removed.

mod eas;
mod imap;
mod pop3;

use core::fmt;
use std::time::{Duration, SystemTime};

use eas_probe::EasProbe;
use imap_probe::ImapProbe;
use pop3_probe::Pop3Probe;
use probe_core::{AnyFacts, Context, Failure, Report, Target};

use crate::recognise::{Deletable, Recogniser};
use eas::EasRoom;
use imap::ImapRoom;
use pop3::Pop3Room;

/// Where mail is fetched, and how.
#[derive(Clone, Debug)]
pub struct Retrieval {
    /// The server.
    pub(crate) target: Target,
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Eas(EasProbe),
    Imap(ImapProbe),
    Pop3(Pop3Probe),
}

impl Retrieval {
    /// By ActiveSync: the inbox.
    pub fn eas(target: Target, probe: EasProbe) -> Self {
        Self {
            target,
            way: Way::Eas(probe),
        }
    }

    /// By IMAP: the inbox and, if there is one, the folder for junk.
    pub fn imap(target: Target, probe: ImapProbe) -> Self {
        Self {
            target,
            way: Way::Imap(probe),
        }
    }

    /// By POP3, which shows the inbox alone.
    pub fn pop3(target: Target, probe: Pop3Probe) -> Self {
        Self {
            target,
            way: Way::Pop3(probe),
        }
    }

    /// The name of the protocol.
    pub fn protocol(&self) -> &'static str {
        match self.way {
            Way::Eas(_) => "eas",
            Way::Imap(_) => "imap",
            Way::Pop3(_) => "pop3",
        }
    }

    /// Logs in.
    pub(crate) async fn enter(
        &self,
        cx: &Context,
        search: &Search,
    ) -> Result<Room, Box<Report<AnyFacts>>> {
        match &self.way {
            Way::Eas(probe) => match EasRoom::enter(probe, &self.target, cx, search).await {
                Ok(room) => Ok(Room::Eas(Box::new(room))),
                Err(report) => Err(Box::new(report.erase())),
            },
            Way::Imap(probe) => match ImapRoom::enter(probe, &self.target, cx, search).await {
                Ok(room) => Ok(Room::Imap(Box::new(room))),
                Err(report) => Err(Box::new(report.erase())),
            },
            Way::Pop3(probe) => match Pop3Room::enter(probe, &self.target, cx, search).await {
                Ok(room) => Ok(Room::Pop3(Box::new(room))),
                Err(report) => Err(Box::new(report.erase())),
            },
        }
    }
}

/// What is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    pub(crate) recogniser: Recogniser,
    /// Nothing that came earlier can be ours.
    pub(crate) since: SystemTime,
    /// Who answers by itself. Its subjects may be its own, so all that it wrote is looked at.
    pub(crate) echo: Option<String>,
}

impl Search {
    /// The most messages that one look fetches: the latest.
    pub(crate) const LOOKED: usize = 256;
    /// So much of a message shows whether it is ours.
    pub(crate) const BEGINNING: u32 = 64 * 1024;
    /// The largest canary, with what is added to it on its way.
    pub(crate) const OCTETS: u32 = 24 * 1024 * 1024;
}

/// Where a message lay.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Place {
    /// Among what was deleted: servers put there what they were asked to delete.
    Deleted,
    /// In the inbox.
    Inbox,
    /// Among the junk.
    Junk,
    /// In the maildrop: POP3 has no folders.
    Maildrop,
}

impl Place {
    /// The name in JSON and in labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::Inbox => "inbox",
            Self::Junk => "junk",
            Self::Maildrop => "maildrop",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A message that may be ours.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// By which the server knows it, as long as the place stays open.
    id: Id,
    pub(crate) place: Place,
    pub(crate) bytes: Vec<u8>,
    /// When it came to the server, by the server's clock.
    pub(crate) received_at: Option<SystemTime>,
    /// How long it took to fetch it.
    pub(crate) took: Duration,
}

#[derive(Clone, Debug)]
enum Id {
    /// A UID of IMAP, or a number of POP3.
    Number(u32),
    /// An item of ActiveSync.
    Item(String),
}

/// What became of what was to be removed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Removed {
    /// It is gone.
    Done,
    /// It is gone when we leave in peace.
    Marked,
    /// The server cannot remove it without removing what is not ours.
    Kept,
}

/// A mailbox that we are in.
pub(crate) enum Room {
    Eas(Box<EasRoom>),
    Imap(Box<ImapRoom>),
    Pop3(Box<Pop3Room>),
}

impl Room {
    /// The places to look at, in their order.
    pub(crate) fn places(&self) -> Vec<Place> {
        match self {
            Self::Eas(room) => room.places(),
            Self::Imap(room) => room.places(),
            Self::Pop3(_) => vec![Place::Maildrop],
        }
    }

    /// What may be ours in this place and was not handed over before.
    pub(crate) async fn look(&mut self, place: Place) -> Result<Vec<Found>, Failure> {
        match self {
            Self::Eas(room) => room.look(place).await,
            Self::Imap(room) => room.look(place).await,
            Self::Pop3(room) => room.look().await,
        }
    }

    /// Removes what was found at the last look, and was proven.
    pub(crate) async fn remove(
        &mut self,
        found: &Found,
        proof: &Deletable,
    ) -> Result<Removed, Failure> {
        if !proof.is(&found.bytes) {
            return Ok(Removed::Kept);
        }
        match (self, &found.id) {
            (Self::Eas(room), Id::Item(item)) => room.remove(item, found.place).await,
            (Self::Imap(room), Id::Number(uid)) => room.remove(*uid).await,
            (Self::Pop3(room), Id::Number(message)) => room.remove(*message).await,
            _ => Ok(Removed::Kept),
        }
    }

    /// Waits for more, and for no longer than this.
    pub(crate) async fn wait(&mut self, at_most: Duration, cx: &Context) -> Result<(), Failure> {
        match self {
            Self::Eas(room) => room.wait(at_most).await,
            Self::Imap(room) => room.wait(at_most).await,
            Self::Pop3(room) => room.wait(at_most, cx).await,
        }
    }

    /// Whether more can be asked.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Eas(room) => room.is_open(),
            Self::Imap(room) => room.is_open(),
            Self::Pop3(room) => room.is_open(),
        }
    }

    /// Leaves; with the failure that ended it, if one did.
    pub(crate) async fn leave(self, failure: Option<Failure>) -> Report<AnyFacts> {
        match self {
            Self::Eas(room) => room.leave(failure).erase(),
            Self::Imap(room) => room.leave(failure).await.erase(),
            Self::Pop3(room) => room.leave(failure).await.erase(),
        }
    }
}
