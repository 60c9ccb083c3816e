//! A visit to a mailbox: logged in, with one thing done after the other, for whoever composes them into something of his
//! own. What a visit does not have cannot be done by it: nothing is moved, and nothing is removed but by UID.

use core::time::Duration;
use std::time::SystemTime;

use probe_core::{Context, Failure, FailureKind, Phase, Report, Target};
use probe_net::message::Date;
use probe_net::{Stay, drive, resume, stay};

use super::ImapProbe;
use crate::command::Change;
use crate::dialogue::{Answer, Errand, ImapDialogue};
use crate::facts::ImapFacts;
use crate::mailbox::Mailbox;
use crate::options::Criteria;
use crate::reply::{Fetch, ImapCodec, Item};

impl ImapProbe {
    /// Logs in and stays. Of the options, those of the connection and the login count.
    ///
    /// # Errors
    /// The report of a visit that ended before it began.
    pub async fn visit(
        &self,
        target: &Target,
        cx: &Context,
    ) -> Result<Visit, Box<Report<ImapFacts>>> {
        let stay = stay(self, target, cx).await?;
        let mut visit = Visit {
            probe: self.clone(),
            dialogue: ImapDialogue::at_service(self.options.clone(), stay.security),
            codec: ImapCodec::default(),
            stay,
        };
        match visit.log_in().await {
            Ok(()) => Ok(visit),
            Err(failure) => Err(Box::new(visit.into_report(Some(failure)))),
        }
    }
}

/// A session that has logged in.
///
/// Where the server refuses something, that is a failure, and the visit [goes on](Visit::is_ready).
#[derive(Debug)]
pub struct Visit {
    probe: ImapProbe,
    stay: Stay,
    dialogue: ImapDialogue,
    codec: ImapCodec,
}

/// A mailbox that was opened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Opened {
    /// How many messages it holds.
    pub messages: u32,
    /// As long as this stays, so do the UIDs.
    pub uid_validity: Option<u32>,
    /// Whether the server lets us write.
    pub is_writable: bool,
}

/// A message that was fetched.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Its UID.
    pub uid: u32,
    /// Its bytes, as many as were wanted.
    pub bytes: Vec<u8>,
    /// Its size, as the server says.
    pub size: Option<u64>,
    /// When it came to the server, by the server's clock.
    pub received_at: Option<SystemTime>,
}

/// What became of a message that was to be removed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Removal {
    /// It is gone.
    Done,
    /// It is still there: the server cannot remove one message alone (UIDPLUS), and somebody else has marked others.
    Kept,
}

impl Visit {
    /// How much of a message is asked for at a time.
    const PART: u32 = 256 * 1024;
    /// Who says where a message is: it may be there already when the search begins.
    const GONE: &'static str = "the server said OK and sent nothing of the message";

    async fn log_in(&mut self) -> Result<(), Failure> {
        self.go_on(true).await?;
        match self.dialogue.is_ready() {
            true => Ok(()),
            false => {
                let detail = "there is nobody to log in as";
                Err(Failure::new(Phase::AUTH, FailureKind::Local, detail))
            }
        }
    }

    async fn go_on(&mut self, is_first: bool) -> Result<(), Failure> {
        let Some(wire) = &mut self.stay.wire else {
            let detail = "there is no connection";
            return Err(Failure::new(Phase::CONNECT, FailureKind::Local, detail));
        };
        let (dialogue, codec, log) = (&mut self.dialogue, &mut self.codec, &mut self.stay.log);
        match is_first {
            true => drive(dialogue, codec, wire, log).await,
            false => resume(dialogue, codec, wire, log).await,
        }
    }

    async fn ask(&mut self, errand: Errand) -> Result<Answer, Failure> {
        if !self.is_ready() {
            let detail = "the visit is over";
            return Err(Failure::new(Phase::QUIT, FailureKind::Local, detail));
        }
        self.dialogue.ask_for(errand);
        self.go_on(false).await?;
        let answer = self.dialogue.take_answer();
        match answer.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(answer),
        }
    }

    /// Whether more can be asked: a failure may have ended the visit.
    pub fn is_ready(&self) -> bool {
        self.dialogue.is_ready()
    }

    /// What was learned so far.
    pub fn facts(&self) -> &ImapFacts {
        self.dialogue.facts()
    }

    /// The mailbox where the server or its users put junk: by its special use (RFC 6154), else by a common name.
    ///
    /// # Errors
    /// What kept it from being found.
    pub async fn junk(&mut self) -> Result<Option<Mailbox>, Failure> {
        let answer = self.ask(Errand::Folders).await?;
        let folders = answer.folders.iter();
        let mut open = folders.filter(|list| !list.has("\\Noselect") && !list.has("\\NonExistent"));
        let by_use = open.clone().find(|list| list.has("\\Junk"));
        let junk = by_use.or_else(|| {
            open.find(|list| {
                let name = Mailbox::from_wire(&list.mailbox).to_string();
                is_junk(&name, list.delimiter)
            })
        });
        Ok(junk.map(|list| Mailbox::from_wire(&list.mailbox)))
    }

    /// Opens a mailbox to read and write.
    ///
    /// # Errors
    /// What kept it from being opened: it may be gone.
    pub async fn open(&mut self, mailbox: &Mailbox) -> Result<Opened, Failure> {
        let answer = self.ask(Errand::Open(mailbox.clone())).await?;
        Ok(Opened {
            messages: self.dialogue.messages_now(),
            uid_validity: answer.uid_validity,
            is_writable: !answer.is_read_only,
        })
    }

    /// The UIDs of what fits, in the open mailbox.
    ///
    /// # Errors
    /// What kept it from being searched.
    pub async fn search(&mut self, criteria: &Criteria) -> Result<Vec<u32>, Failure> {
        Ok(self.ask(Errand::Search(criteria.clone())).await?.found)
    }

    /// The header sections (`HEADER`) of the latest messages of the open mailbox: for servers that cannot search.
    ///
    /// # Errors
    /// What kept them from being fetched.
    pub async fn latest(&mut self, count: u32) -> Result<Vec<Fetch>, Failure> {
        let messages = self.dialogue.messages_now();
        if messages == 0 {
            return Ok(Vec::new());
        }
        let first = messages.saturating_sub(count).saturating_add(1);
        Ok(self.ask(Errand::Headers(first)).await?.messages)
    }

    /// Fetches a message of the open mailbox, and no more than so many octets of it; `None` if it is gone. It stays
    /// unseen.
    ///
    /// # Errors
    /// What kept it from being fetched.
    pub async fn message(&mut self, uid: u32, octets: u32) -> Result<Option<Message>, Failure> {
        let mut message: Option<Message> = None;
        let mut left = octets;
        while left > 0 {
            let from = message.as_ref().map_or(0, |known| known.bytes.len());
            let errand = Errand::Part {
                uid,
                from: u64::try_from(from).unwrap_or(u64::MAX),
                octets: left.min(Self::PART),
            };
            let wanted = left.min(Self::PART);
            let answer = self.ask(errand).await?;
            let Some(fetch) = answer.messages.iter().find(|fetch| is_part(fetch, uid)) else {
                break;
            };
            let part = fetch.body("").map_or(&[][..], |bytes| bytes);
            let part = part.get(..part.len().min(usize::try_from(wanted).unwrap_or(0)));
            let part = part.unwrap_or_default();
            let known = message.get_or_insert_with(|| begun(uid, fetch));
            known.bytes.extend_from_slice(part);
            let got = u32::try_from(part.len()).unwrap_or(u32::MAX);
            left = left.saturating_sub(got);
            if got < wanted {
                break;
            }
        }
        match message {
            Some(empty) if empty.bytes.is_empty() => Err(Failure::new(
                Phase::new("fetch"),
                FailureKind::Protocol,
                Self::GONE,
            )),
            message => Ok(message),
        }
    }

    /// Removes the message with this UID from the open mailbox, and nothing else. Where the server cannot remove one
    /// message alone, it does so only if nothing else is marked as deleted.
    ///
    /// # Errors
    /// What kept it from being removed.
    pub async fn remove(&mut self, uid: u32) -> Result<Removal, Failure> {
        self.ask(Errand::Mark(uid, Change::Set)).await?;
        let offered = self.facts().capabilities();
        let alone =
            offered.is_some_and(|offered| offered.has("UIDPLUS") || offered.has("IMAP4rev2"));
        if alone {
            self.ask(Errand::Expunge(Some(uid))).await?;
            return Ok(Removal::Done);
        }
        let marked = match "DELETED".parse() {
            Ok(criteria) => self.search(&criteria).await?,
            Err(_) => Vec::new(),
        };
        if marked == [uid] {
            self.ask(Errand::Expunge(None)).await?;
            return Ok(Removal::Done);
        }
        self.ask(Errand::Mark(uid, Change::Clear)).await?;
        Ok(Removal::Kept)
    }

    /// Waits until the open mailbox has a message more, and for no longer than this; whether it has. By IDLE where
    /// that is offered.
    ///
    /// # Errors
    /// What ended the wait: most often, that the server hung up.
    pub async fn wait(&mut self, at_most: Duration) -> Result<bool, Failure> {
        self.ask(Errand::Wait(at_most)).await?;
        Ok(self.dialogue.has_news())
    }

    /// Says farewell; with the failure that ended the visit, if one did.
    pub async fn leave(mut self, failure: Option<Failure>) -> Report<ImapFacts> {
        if self.is_ready() {
            // What was done counts, whatever became of the farewell.
            let _ = self.go_on(false).await;
        }
        self.into_report(failure)
    }

    fn into_report(self, failure: Option<Failure>) -> Report<ImapFacts> {
        let facts = self.dialogue.into_facts();
        self.stay.report(&self.probe, facts, failure)
    }
}

/// Names under which junk is filed where no special use is told.
const JUNK: [&str; 8] = [
    "junk",
    "spam",
    "junk e-mail",
    "junk email",
    "junk mail",
    "bulk",
    "bulk mail",
    "junk-e-mail",
];

/// Whether a mailbox of this name is where junk goes: at the top, or right below the inbox.
fn is_junk(name: &str, delimiter: Option<u8>) -> bool {
    let delimiter = char::from(delimiter.unwrap_or(b'/'));
    let name = match name.split_once(delimiter) {
        Some((top, below)) if top.eq_ignore_ascii_case("INBOX") => below,
        _ => name,
    };
    JUNK.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Whether this tells of a part of the message: servers may tell of others at any time, and need not repeat the UID in
/// what was not asked for.
fn is_part(fetch: &Fetch, uid: u32) -> bool {
    fetch.uid() == Some(uid) && fetch.body("").is_some()
}

fn begun(uid: u32, fetch: &Fetch) -> Message {
    let mut message = Message {
        uid,
        bytes: Vec::new(),
        size: None,
        received_at: None,
    };
    for item in &fetch.items {
        match item {
            Item::Size(size) => message.size = Some(*size),
            Item::InternalDate(date) => {
                message.received_at = Date::parse_imap(date).map(|date| date.at());
            }
            _ => {}
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junk_is_known_by_common_names_at_the_top_or_below_the_inbox() {
        for (name, expected) in [
            ("Junk", true),
            ("SPAM", true),
            ("INBOX.Junk E-Mail", true),
            ("inbox.Spam", true),
            ("Lists.Spam", false),
            ("Junkyard", false),
            ("INBOX", false),
        ] {
            assert_eq!(is_junk(name, Some(b'.')), expected, "{name}");
        }
    }
}
