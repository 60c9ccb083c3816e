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
    /// Whether something of ours may lie among what was deleted.
    is_untidy: bool,
}

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
        let news = self.visit.news().await?;
        let mut found = Vec::new();
        for mail in news
            .iter()
            .filter(|mail| may_be_ours(mail, self.echo.as_deref()))
            .take(Search::LOOKED)
        {
            let begun = Instant::now();
            let Some(bytes) = self.visit.message(&mail.id, OCTETS).await? else {
                continue;
            };
            found.push(Found {
                id: Id::Item(mail.id.clone()),
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

/// Canaries, their answers, and reports on them, by what a list of messages shows.
fn may_be_ours(mail: &Mail, echo: Option<&str>) -> bool {
    let holds = |text: &str, part: &str| text.to_ascii_lowercase().contains(part);
    holds(&mail.subject, "mailprobe delivery")
        || holds(&mail.class, "report.")
        || holds(&mail.from, "mailer-daemon")
        || holds(&mail.from, "postmaster")
        || echo.is_some_and(|echo| holds(&mail.from, &echo.to_ascii_lowercase()))
}
