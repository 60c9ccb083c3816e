//! The proof that mail can be edited (RFC 9051 section 6.3 and 6.4): folders of our own are made, a canary is put
//! there, found, read back, flagged, copied or moved and removed, and the folders are removed. Nothing else is
//! touched.
//!
//! The name of a folder says until when its run may last. Whoever finds one whose time is over knows that its run was
//! cut short, and removes it, provided that it holds nothing but canaries.

use std::time::SystemTime;

use probe_core::{Failure, FailureKind, Phase};
use probe_net::excerpt;
use probe_net::message::{Canary, compare};

use super::questions::{SELECT, UNSELECT};
use super::{Awaited, ImapDialogue, Next, why_no};
use crate::command::{Change, Command, Messages};
use crate::facts::EditFacts;
use crate::mailbox::Mailbox;
use crate::reply::{Code, Condition, Data, Reply, Status, Text};

const APPEND: Phase = Phase::new("append");
const COPY: Phase = Phase::new("copy");
const CREATE: Phase = Phase::new("create");
const DELETE: Phase = Phase::new("delete");
pub(super) const EXPUNGE: Phase = Phase::new("expunge");
const FETCH: Phase = Phase::new("fetch");
const MOVE: Phase = Phase::new("move");
const SEARCH: Phase = Phase::new("search");
pub(super) const STORE: Phase = Phase::new("store");
/// Finding and removing what an earlier run left behind.
const TIDY: Phase = Phase::new("tidy");

/// The most UIDs that are kept of what a search finds: two are one too many already.
const FOUND: usize = 2;
/// The most names that are kept of folders whose names begin like ours.
const LISTED: usize = 1024;

/// What is under way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum EditStep {
    /// Are there folders of earlier runs?
    FindStale,
    /// Is there anything in this one?
    ExamineStale,
    /// Is it ours?
    InspectStale,
    CloseStale,
    DeleteStale,
    Create(Which),
    Append,
    Select(Which),
    Search(Which),
    Fetch,
    Flag(Change),
    /// The server did not say which flags there are now.
    FlagCheck(Change),
    Copy,
    Move,
    Mark,
    Expunge,
    Close,
    /// Has anybody else put mail into our folder?
    Check(Which),
    Delete(Which),
}

/// One of the two folders.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Which {
    First,
    Second,
}

impl EditStep {
    pub(super) const fn phase(self) -> Phase {
        match self {
            Self::Append => APPEND,
            Self::Close => UNSELECT,
            Self::Copy => COPY,
            Self::Create(_) => CREATE,
            Self::Check(_) | Self::Delete(_) => DELETE,
            Self::Expunge => EXPUNGE,
            Self::Fetch => FETCH,
            Self::Flag(_) | Self::FlagCheck(_) | Self::Mark => STORE,
            Self::FindStale
            | Self::ExamineStale
            | Self::InspectStale
            | Self::CloseStale
            | Self::DeleteStale => TIDY,
            Self::Move => MOVE,
            Self::Search(_) => SEARCH,
            Self::Select(_) => SELECT,
        }
    }
}

/// What is known while it is under way.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) canary: Canary,
    first: Mailbox,
    second: Mailbox,
    /// What the names of our folders begin with.
    pub(super) prefix: Vec<u8>,
    /// All names that begin like those of our folders.
    pub(super) listed: Vec<Mailbox>,
    /// Folders of earlier runs that are still to be looked into.
    pub(super) stale: Vec<Mailbox>,
    /// How many messages the folder holds that is open or was asked about.
    pub(super) messages: u32,
    /// Whether the canary is in the first folder, and in the second.
    holds_canary: [bool; 2],
    is_read_only: bool,
    /// The UID by which the server said that it knows the canary in its folder.
    told: Option<u32>,
    /// The UIDs that the last search found.
    found: Vec<u32>,
    flags: Option<Vec<Text>>,
    bytes: Option<Text>,
    /// How many header sections were read, and how many of those were a canary's.
    pub(super) headers: (u32, u32),
    /// Whether the folder of an earlier run holds nothing but canaries.
    pub(super) is_ours: bool,
    /// Why the proof has failed, while we tidy up.
    failure: Option<Failure>,
}

impl Edit {
    fn new(canary: Canary, expires: SystemTime, prefix: Vec<u8>) -> Self {
        let since_1970 = expires.duration_since(SystemTime::UNIX_EPOCH);
        let token = canary.mark().token.to_string();
        let id = token.get(..ID).unwrap_or_default();
        let seconds = since_1970.unwrap_or_default().as_secs();
        let name = [&*prefix, format!("{NAME}{seconds}-{id}").as_bytes()].concat();
        let second = [&*name, SECOND.as_bytes()].concat();
        Self {
            canary,
            first: Mailbox::from_wire(&name),
            second: Mailbox::from_wire(&second),
            prefix,
            listed: Vec::new(),
            stale: Vec::new(),
            messages: 0,
            holds_canary: [false, false],
            is_read_only: false,
            told: None,
            found: Vec::new(),
            flags: None,
            bytes: None,
            headers: (0, 0),
            is_ours: false,
            failure: None,
        }
    }

    pub(super) fn folder(&self, which: Which) -> &Mailbox {
        match which {
            Which::First => &self.first,
            Which::Second => &self.second,
        }
    }

    pub(super) fn learn(&mut self, data: &Data) {
        match data {
            Data::Exists(count) => self.messages = *count,
            Data::ExtendedSearch(result) => {
                let max = result.max.filter(|max| Some(*max) != result.min);
                self.found.extend(result.min.into_iter().chain(max));
                self.found.truncate(FOUND);
            }
            Data::Expunge(_) => self.messages = self.messages.saturating_sub(1),
            Data::Fetch(fetch) => {
                if let Some(flags) = fetch.flags() {
                    self.flags = Some(flags.to_vec());
                }
                if let Some(header) = fetch.body("HEADER") {
                    self.headers.0 += 1;
                    self.headers.1 += u32::from(Canary::recognise(header).is_some());
                }
                if let Some(bytes) = fetch.body("") {
                    self.bytes = Some(bytes.clone());
                }
            }
            Data::List(list) if self.listed.len() < LISTED => {
                self.listed.push(Mailbox::from_wire(&list.mailbox));
            }
            Data::Search(found) => {
                self.found.extend(found);
                self.found.truncate(FOUND);
            }
            Data::Status { items, .. } => {
                let count = items.iter().find(|(name, _)| name.is("MESSAGES"));
                let count = count.map(|(_, count)| u32::try_from(*count).unwrap_or(u32::MAX));
                self.messages = count.unwrap_or(self.messages);
            }
            // Only ever one at a time, of the one that we asked to be removed.
            Data::Vanished(_) => self.messages = self.messages.saturating_sub(1),
            _ => {}
        }
    }

    pub(super) fn learn_code(&mut self, code: &Code) {
        let number = |text: &Text| core::str::from_utf8(text).ok()?.parse().ok();
        match code {
            Code::AppendUid { uids, .. } => self.told = number(uids),
            Code::CopyUid { to, .. } => self.told = number(to),
            Code::ReadOnly => self.is_read_only = true,
            Code::ReadWrite => self.is_read_only = false,
            _ => {}
        }
    }

    /// The canary in the folder that is open.
    fn uid(&self) -> u32 {
        self.found.first().copied().unwrap_or_default()
    }

    /// Follows the canary through a step that was done.
    fn follow(&mut self, step: EditStep) {
        let [first, second] = self.holds_canary;
        self.holds_canary = match step {
            EditStep::Append => [true, second],
            EditStep::Copy => [first, true],
            EditStep::Move => [false, true],
            EditStep::Expunge => [first, false],
            _ => return,
        };
    }

    /// Whether a folder holds more than the canary, as far as it was counted.
    fn holds_more(&self, which: Which) -> bool {
        let [first, second] = self.holds_canary;
        let ours = match which {
            Which::First => first,
            Which::Second => second,
        };
        self.messages > u32::from(ours)
    }

    fn has_flag(&self, flag: &str) -> Option<bool> {
        let flags = self.flags.as_ref()?;
        Some(flags.iter().any(|known| known.is(flag)))
    }
}

/// What the names of our folders begin with, behind the prefix of the namespace.
pub(super) const NAME: &str = "mailprobe-";
pub(super) const SECOND: &str = "-copy";
/// Digits of the token in a folder's name.
pub(super) const ID: usize = 8;

/// The steps.
impl ImapDialogue {
    pub(super) fn begin_edit(&mut self) -> Next {
        let Some((canary, expires)) = self.canary.take() else {
            return self.ask_next();
        };
        // RFC 2342 section 1: where users may make folders.
        let namespaces = self.facts.namespaces.as_ref();
        let prefix = namespaces.and_then(|one| Some(one.personal.first()?.prefix.to_vec()));
        let edit = Box::new(Edit::new(canary, expires, prefix.unwrap_or_default()));
        self.edit_facts().folder = edit.first.to_string();
        self.edit_step(EditStep::FindStale, edit)
    }

    pub(super) fn edit_facts(&mut self) -> &mut EditFacts {
        self.facts.edit.get_or_insert_default()
    }

    pub(super) fn edit_step(&mut self, step: EditStep, mut edit: Box<Edit>) -> Next {
        let stale = edit.stale.last().cloned();
        let command = match step {
            EditStep::FindStale => {
                let beginning = [&*edit.prefix, NAME.as_bytes()].concat();
                Command::List {
                    beginning: Some(Mailbox::from_wire(&beginning)),
                    special_use: false,
                }
            }
            EditStep::ExamineStale => match stale {
                Some(folder) => Command::examine(folder),
                None => return self.edit_step(EditStep::Create(Which::First), edit),
            },
            EditStep::InspectStale => {
                edit.headers = (0, 0);
                Command::Fetch(Messages::All, "(BODY.PEEK[HEADER])")
            }
            EditStep::CloseStale | EditStep::Close => self.close(),
            EditStep::Check(which) => {
                // 163.com counts nothing when it is asked so: then what was seen while it was open has to do.
                edit.messages = 0;
                Command::Status(edit.folder(which).clone())
            }
            EditStep::DeleteStale => match stale {
                Some(folder) => Command::Delete(folder),
                None => return self.edit_step(EditStep::Create(Which::First), edit),
            },
            EditStep::Create(which) => {
                // Should the line break now, nobody knows whether it was made.
                let name = edit.folder(which).to_string();
                self.edit_facts().left_behind.push(name);
                Command::Create(edit.folder(which).clone())
            }
            EditStep::Append => Command::Append {
                mailbox: edit.first.clone(),
                message: edit.canary.bytes().into(),
            },
            EditStep::Select(which) => {
                edit.messages = 0;
                Command::select(edit.folder(which).clone())
            }
            EditStep::Search(_) => {
                edit.found.clear();
                let token = edit.canary.mark().token;
                Command::Search {
                    criteria: format!("HEADER {} {token}", Canary::FIELD),
                    count: false,
                }
            }
            EditStep::Fetch => Command::UidFetch(edit.uid(), "(UID FLAGS BODY.PEEK[])"),
            EditStep::Flag(change) => {
                edit.flags = None;
                Command::Store {
                    uid: edit.uid(),
                    change,
                    flag: "\\Flagged",
                }
            }
            EditStep::FlagCheck(_) => Command::UidFetch(edit.uid(), "(UID FLAGS)"),
            EditStep::Copy | EditStep::Move => {
                edit.told = None;
                let (uid, target) = (edit.uid(), edit.second.clone());
                match step {
                    EditStep::Move => Command::Move(uid, target),
                    _ => Command::Copy(uid, target),
                }
            }
            EditStep::Mark => Command::Store {
                uid: edit.uid(),
                change: Change::Set,
                flag: "\\Deleted",
            },
            EditStep::Expunge if self.offers_uidplus() => Command::UidExpunge(edit.uid()),
            EditStep::Expunge => Command::Expunge,
            EditStep::Delete(which) => Command::Delete(edit.folder(which).clone()),
        };
        self.say(step.phase(), command, Awaited::Edit(step, edit))
    }

    fn offers_uidplus(&self) -> bool {
        self.offers("UIDPLUS") || self.offers("IMAP4rev2")
    }

    /// Leaves the open folder without removing anything: never by CLOSE, which expunges.
    fn close(&self) -> Command {
        match self.offers("UNSELECT") || self.offers("IMAP4rev2") {
            true => Command::Unselect,
            false => Command::examine(Mailbox::inbox()),
        }
    }

    pub(super) fn on_edited(
        &mut self,
        step: EditStep,
        edit: Box<Edit>,
        status: &Status,
        reply: &Reply,
    ) -> Next {
        match (status.condition, step) {
            (Condition::Ok, _) => self.on_edit_done(step, edit),
            (_, EditStep::FindStale) => self.edit_step(EditStep::Create(Which::First), edit),
            (_, EditStep::ExamineStale | EditStep::InspectStale | EditStep::DeleteStale) => {
                let name = edit.stale.last().map(Mailbox::to_string);
                self.edit_facts().left_behind.extend(name);
                self.next_stale(edit)
            }
            (_, EditStep::CloseStale) => self.edit_step(EditStep::DeleteStale, edit),
            // It is left as it may be: deleting an open folder is allowed too.
            (_, EditStep::Close) => self.edit_step(EditStep::Check(Which::Second), edit),
            (_, EditStep::Check(which) | EditStep::Delete(which)) => {
                let failure = refusal(step, status, reply);
                self.leave(which, edit, failure)
            }
            (_, EditStep::Create(which)) => {
                let name = edit.folder(which).to_string();
                self.edit_facts().left_behind.retain(|known| *known != name);
                self.undo(step, edit, refusal(step, status, reply))
            }
            _ => self.undo(step, edit, refusal(step, status, reply)),
        }
    }

    fn on_edit_done(&mut self, step: EditStep, mut edit: Box<Edit>) -> Next {
        match step {
            EditStep::FindStale => {
                let foreign = edit.choose_stale();
                let names = foreign.iter().map(Mailbox::to_string);
                self.edit_facts().foreign.extend(names);
                return self.inspect_stale(edit);
            }
            EditStep::ExamineStale => return self.on_stale_examined(edit),
            EditStep::InspectStale => return self.on_stale_inspected(edit),
            EditStep::CloseStale => return self.on_stale_closed(edit),
            EditStep::DeleteStale => {
                let name = edit.stale.last().map(Mailbox::to_string);
                self.edit_facts().tidied.extend(name);
                return self.next_stale(edit);
            }
            EditStep::Check(which) => return self.on_checked(which, edit),
            EditStep::Delete(which) => {
                let name = edit.folder(which).to_string();
                self.edit_facts().left_behind.retain(|known| *known != name);
            }
            EditStep::Copy | EditStep::Move => self.change = Some(self.took),
            EditStep::Fetch => {
                let received = edit.bytes.clone().unwrap_or_default();
                let comparison = compare(edit.canary.bytes(), &received);
                self.edit_facts().comparison = Some(comparison);
            }
            _ => {}
        }
        edit.follow(step);
        if let Some(detail) = edit.fault(step, self.offers_uidplus()) {
            return self.undo(step, edit, broken(step, detail));
        }
        if edit.failure.is_none() {
            self.edit_facts().done.push(step.phase().as_str());
        }
        self.after_edit(step, edit)
    }

    fn after_edit(&mut self, step: EditStep, edit: Box<Edit>) -> Next {
        use EditStep::{
            Append, Check, Close, Copy, Create, Delete, Expunge, Fetch, Flag, FlagCheck, Mark,
            Move, Search, Select,
        };
        let next = match step {
            Create(Which::First) => Create(Which::Second),
            Create(Which::Second) => Append,
            Append => Select(Which::First),
            Select(which) => Search(which),
            Search(Which::First) => Fetch,
            Fetch => Flag(Change::Set),
            Flag(change) if edit.flags.is_none() => FlagCheck(change),
            Flag(Change::Set) | FlagCheck(Change::Set) => Flag(Change::Clear),
            Flag(Change::Clear) | FlagCheck(Change::Clear) => {
                let can_move = self.offers("MOVE") || self.offers("IMAP4rev2");
                return self.rest_around(if can_move { Move } else { Copy }, edit);
            }
            Copy | Move => return self.rest_around(Select(Which::Second), edit),
            Search(Which::Second) => Mark,
            Mark => Expunge,
            Expunge => Close,
            Close => Check(Which::Second),
            Delete(Which::Second) => Check(Which::First),
            _ => return self.on_proven(edit.failure),
        };
        self.edit_step(next, edit)
    }

    /// A step failed: what was made is removed all the same, and then the failure is told.
    fn undo(&mut self, step: EditStep, mut edit: Box<Edit>, failure: Failure) -> Next {
        edit.failure.get_or_insert(failure);
        match step {
            EditStep::Create(Which::First) => self.on_proven(edit.failure),
            EditStep::Create(Which::Second) => self.edit_step(EditStep::Check(Which::First), edit),
            EditStep::Append => self.edit_step(EditStep::Check(Which::Second), edit),
            _ => self.edit_step(EditStep::Close, edit),
        }
    }

    /// Deleting a folder deletes what is in it, so one that holds more than the canary stays.
    fn on_checked(&mut self, which: Which, edit: Box<Edit>) -> Next {
        if !edit.holds_more(which) {
            return self.edit_step(EditStep::Delete(which), edit);
        }
        let name = edit.folder(which).to_string();
        self.edit_facts().foreign.push(name);
        let detail = "the probe's own folder holds more than the probe has put there";
        self.leave(which, edit, broken(EditStep::Check(which), detail))
    }

    /// This folder cannot be removed; the other one may be.
    fn leave(&mut self, which: Which, mut edit: Box<Edit>, failure: Failure) -> Next {
        edit.failure.get_or_insert(failure);
        match which {
            Which::Second => self.edit_step(EditStep::Check(Which::First), edit),
            Which::First => self.on_proven(edit.failure),
        }
    }
}

/// What it means that the server refused a step.
fn refusal(step: EditStep, status: &Status, reply: &Reply) -> Failure {
    let (kind, detail) = why_no(status);
    Failure::new(step.phase(), kind, detail).with_reply(excerpt(reply.raw()))
}

/// What it means that the server said OK and did not do it.
fn broken(step: EditStep, detail: &str) -> Failure {
    Failure::new(step.phase(), FailureKind::Protocol, detail)
}

impl Edit {
    /// What is wrong although the server said OK.
    fn fault(&self, step: EditStep, has_uidplus: bool) -> Option<&'static str> {
        match step {
            EditStep::Select(_) if self.is_read_only => {
                Some("the server opened the probe's own folder read-only")
            }
            EditStep::Select(_) if self.messages != 1 => {
                Some("the probe's own folder does not hold the one message that was put there")
            }
            EditStep::Search(_) if self.found.len() != 1 => {
                Some("the search did not find the one message that was put there")
            }
            EditStep::Search(_) if self.told.is_some_and(|told| told != self.uid()) => {
                Some("the search found the message under another UID than the server had told")
            }
            EditStep::Fetch if self.bytes.is_none() => {
                Some("the server said OK and sent nothing of the message")
            }
            EditStep::Flag(Change::Set) | EditStep::FlagCheck(Change::Set)
                if self.has_flag("\\Flagged") == Some(false) =>
            {
                Some("the flag was not set")
            }
            EditStep::Flag(Change::Clear) | EditStep::FlagCheck(Change::Clear)
                if self.has_flag("\\Flagged") == Some(true) =>
            {
                Some("the flag was not cleared")
            }
            EditStep::FlagCheck(_) if self.flags.is_none() => {
                Some("the server does not tell the flags of the message")
            }
            // Without UIDPLUS everything that is marked would go: in this folder there is only the canary.
            EditStep::Mark if !has_uidplus && self.messages != 1 => {
                Some("the folder holds more than the canary, so nothing is expunged")
            }
            EditStep::Expunge if self.messages != 0 => Some("the message was not removed"),
            _ => None,
        }
    }
}
