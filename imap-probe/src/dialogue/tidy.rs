//! What earlier runs of the edit proof left behind: found by its name, looked into, and removed if it holds nothing but
//! canaries.

use core::mem;
use core::time::Duration;
use std::time::SystemTime;

use super::edit::{Edit, EditStep, ID, NAME, SECOND, Which};
use super::{ImapDialogue, Next};
use crate::mailbox::Mailbox;

/// The most messages that a folder of ours can hold: one that was copied into the folder that it came from.
const OURS: u32 = 2;
/// The most folders that one run looks into.
const STALE: usize = 8;

impl ImapDialogue {
    pub(super) fn inspect_stale(&mut self, mut edit: Box<Edit>) -> Next {
        if edit.stale.is_empty() {
            return self.edit_step(EditStep::Create(Which::First), edit);
        }
        edit.messages = 0;
        self.edit_step(EditStep::ExamineStale, edit)
    }

    pub(super) fn on_stale_examined(&mut self, mut edit: Box<Edit>) -> Next {
        edit.is_ours = edit.messages == 0;
        match edit.messages {
            1..=OURS => self.edit_step(EditStep::InspectStale, edit),
            _ => self.edit_step(EditStep::CloseStale, edit),
        }
    }

    pub(super) fn on_stale_inspected(&mut self, mut edit: Box<Edit>) -> Next {
        let (read, ours) = edit.headers;
        edit.is_ours = edit.messages == read && read == ours;
        self.edit_step(EditStep::CloseStale, edit)
    }

    pub(super) fn on_stale_closed(&mut self, edit: Box<Edit>) -> Next {
        if edit.is_ours {
            return self.edit_step(EditStep::DeleteStale, edit);
        }
        let name = edit.stale.last().map(Mailbox::to_string);
        self.edit_facts().foreign.extend(name);
        self.next_stale(edit)
    }

    pub(super) fn next_stale(&mut self, mut edit: Box<Edit>) -> Next {
        edit.stale.pop();
        self.inspect_stale(edit)
    }
}

impl Edit {
    /// Of what was listed, the folders of runs that are over; and those of them that are not ours any more, since
    /// somebody has made folders below.
    pub(super) fn choose_stale(&mut self) -> Vec<Mailbox> {
        let now = self.canary.mark().sent_at;
        let listed = mem::take(&mut self.listed);
        let names: Vec<_> = listed.iter().map(Mailbox::to_wire).collect();
        let is_over = |name: &[u8]| expiry(name, &self.prefix).is_some_and(|until| until < now);
        let has_below = |name: &[u8]| {
            let mut others = names.iter().filter_map(|other| other.strip_prefix(name));
            others.any(|rest| !rest.is_empty() && !rest.starts_with(SECOND.as_bytes()))
        };
        let over = listed
            .into_iter()
            .filter(|folder| is_over(&folder.to_wire()));
        let (foreign, stale) = over
            .take(STALE)
            .partition(|folder| has_below(&folder.to_wire()));
        self.stale = stale;
        foreign
    }
}

/// Until when the run may last whose folder has this name; `None` if it is no name of ours.
fn expiry(wire: &[u8], prefix: &[u8]) -> Option<SystemTime> {
    let name = wire.strip_prefix(prefix)?.strip_prefix(NAME.as_bytes())?;
    let name = name.strip_suffix(SECOND.as_bytes()).unwrap_or(name);
    let (seconds, id) = core::str::from_utf8(name).ok()?.split_once('-')?;
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if id.len() != ID || !id.bytes().all(is_digit) {
        return None;
    }
    if seconds.len() > 12 || !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let since_1970 = Duration::from_secs(seconds.parse().ok()?);
    SystemTime::UNIX_EPOCH.checked_add(since_1970)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_form_of_our_names_is_ours() {
        let seconds = |name: &str| {
            let expires = expiry(name.as_bytes(), b"INBOX.")?;
            Some(
                expires
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .ok()?
                    .as_secs(),
            )
        };
        assert_eq!(
            seconds("INBOX.mailprobe-1795452444-0123abcd"),
            Some(1_795_452_444)
        );
        assert_eq!(
            seconds("INBOX.mailprobe-1795452444-0123abcd-copy"),
            Some(1_795_452_444)
        );
        for other in [
            "mailprobe-1795452444-0123abcd",
            "INBOX.mailprobe-1795452444-0123abcd.below",
            "INBOX.mailprobe-1795452444-0123ABCD",
            "INBOX.mailprobe-1795452444-0123abc",
            "INBOX.mailprobe--0123abcd",
            "INBOX.mailprobe-17954524440000-0123abcd",
            "INBOX.mailprobe-",
            "INBOX.mailprobe-notes",
        ] {
            assert_eq!(seconds(other), None, "{other}");
        }
    }
}
