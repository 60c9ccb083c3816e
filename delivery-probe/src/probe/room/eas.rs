//! An inbox by ActiveSync.

use core::mem;
use std::time::Duration;

use eas_probe::{EasFacts, EasProbe, Mail, Place as Folder, Visit};
use probe_core::{Context, Failure, Report, Target};
use tokio::time::{Instant, sleep};

use super::{Found, Id, Place, Removed, Search};

pub(crate) struct EasRoom {
    visit: Visit,
    echo: Option<String>,
    /// What came into the inbox and was not looked at yet, since it was too much for one look: the server tells of it once.
    waiting: Vec<Mail>,
    /// Whether something of ours may lie among what was deleted.
    is_untidy: bool,
}

/// The most messages that wait for a look: the latest.
const WAITING: usize = 4096;

/// So much of a message is asked for.
const OCTETS: u32 = 640 * 1024;

impl EasRoom {
    pub(super) async fn enter(
        probe: &EasProbe,
        target: &Target,
        cx: &Context,
        search: &Search,
    ) -> Result<Self, Box<Report<EasFacts>>> {
        let visit = probe.visit(target, cx).await?;
        Ok(Self {
            visit,
            echo: search.echo.clone(),
            waiting: Vec::new(),
            is_untidy: true,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        self.visit.is_ready()
    }

    pub(super) fn places(&self) -> Vec<Place> {
        vec![Place::Inbox, Place::Deleted]
    }

    /// What is new since the last look: the server remembers which that was.
    pub(super) async fn look(&mut self, place: Place) -> Result<Vec<Found>, Failure> {
        let folder = match place {
            Place::Deleted => Folder::Deleted,
            _ => Folder::Inbox,
        };
        if place == Place::Deleted && !mem::take(&mut self.is_untidy) {
            return Ok(Vec::new());
        }
        if !self.visit.open(folder).await? {
            return Ok(Vec::new());
        }
        let mut waiting = match place {
            Place::Deleted => Vec::new(),
            _ => mem::take(&mut self.waiting),
        };
        let news = self.visit.news().await?.into_iter();
        waiting.extend(news.filter(|mail| may_be_ours(mail, self.echo.as_deref())));
        let latest = latest(&mut waiting);
        if place != Place::Deleted {
            self.waiting = waiting;
        }
        let mut found = Vec::new();
        for mail in latest {
            let begun = Instant::now();
            let Some(bytes) = self.visit.message(&mail.id, OCTETS).await? else {
                continue;
            };
            found.push(Found {
                id: Id::Item(mail.id),
                place,
                bytes,
                received_at: None,
                took: begun.elapsed(),
            });
        }
        Ok(found)
    }

    pub(super) async fn remove(&mut self, item: &str, place: Place) -> Result<Removed, Failure> {
        self.is_untidy |= place == Place::Inbox;
        self.visit.delete(item).await?;
        Ok(Removed::Done)
    }

    /// A server that waits for other lengths of time only is asked again after a pause.
    pub(super) async fn wait(&mut self, at_most: Duration) -> Result<(), Failure> {
        if !self.waiting.is_empty() {
            return Ok(());
        }
        self.visit.open(Folder::Inbox).await?;
        if self.visit.wait(at_most).await?.is_none() {
            sleep(at_most).await;
        }
        Ok(())
    }

    pub(super) fn leave(self, failure: Option<Failure>) -> Report<EasFacts> {
        self.visit.leave(failure)
    }
}

/// What is looked at now, the latest first; the rest stays, but for what is too much.
fn latest(waiting: &mut Vec<Mail>) -> Vec<Mail> {
    let mut latest = waiting.split_off(waiting.len().saturating_sub(Search::LOOKED));
    latest.reverse();
    waiting.drain(..waiting.len().saturating_sub(WAITING));
    latest
}

/// Canaries, their answers, and reports on them, by what a list of messages shows.
fn may_be_ours(mail: &Mail, echo: Option<&str>) -> bool {
    let holds = |text: &str, part: &str| text.to_ascii_lowercase().contains(part);
    holds(&mail.subject, "mailprobe delivery")
        || holds(&mail.class, "report.")
        || holds(&mail.from, "mailer-daemon")
        || holds(&mail.from, "postmaster")
        || echo.is_some_and(|echo| holds(&mail.from, &echo.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many, the first one the oldest.
    fn mails(count: usize) -> Vec<Mail> {
        let mail = |place: usize| {
            let mut mail = Mail::default();
            mail.id = place.to_string();
            mail
        };
        (1..=count).map(mail).collect()
    }

    #[test]
    fn the_latest_are_looked_at_up_to_the_limit_and_the_others_the_next_time() {
        let mut waiting = mails(257);
        let looked = latest(&mut waiting);
        assert_eq!(looked.len(), 256);
        assert_eq!(
            (looked[0].id.as_str(), looked[255].id.as_str()),
            ("257", "2")
        );
        assert_eq!(latest(&mut waiting), mails(1));
        assert_eq!(latest(&mut waiting), []);
    }

    #[test]
    fn what_waits_is_kept_up_to_the_limit() {
        let mut waiting = mails(256 + 4096);
        latest(&mut waiting);
        assert_eq!(waiting, mails(4096));
        let mut waiting = mails(256 + 4097);
        latest(&mut waiting);
        assert_eq!((waiting.len(), waiting[0].id.as_str()), (4096, "2"));
    }
}
