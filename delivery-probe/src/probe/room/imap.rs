//! A mailbox by IMAP: the inbox and the folder for junk, one open at a time.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use imap_probe::{Criteria, Fetch, ImapFacts, ImapProbe, Mailbox, Message, Removal, Visit};
use probe_core::{Context, Failure, FailureKind, Report, Target};
use probe_net::message::{Date, Offset};
use tokio::time::Instant;

use super::pop3::may_be_ours;
use super::{Found, Id, Place, Removed, Search};
use crate::canary::Canary;
use crate::recognise::Recognition;

pub(crate) struct ImapRoom {
    visit: Visit,
    search: Search,
    junk: Option<Mailbox>,
    /// What is open, and as long as which number stays its UIDs do.
    open: Option<(Place, Option<u32>)>,
    /// What was looked at before.
    looked: BTreeSet<(Place, Option<u32>, u32)>,
}

/// Of a server that cannot search, so many of the latest messages are looked at.
const LATEST: u32 = 100;

impl ImapRoom {
    pub(super) async fn enter(
        probe: &ImapProbe,
        target: &Target,
        cx: &Context,
        search: &Search,
    ) -> Result<Self, Box<Report<ImapFacts>>> {
        let mut visit = probe.visit(target, cx).await?;
        let junk = match visit.junk().await {
            Ok(junk) => junk,
            Err(failure) if !visit.is_ready() => {
                return Err(Box::new(visit.leave(Some(failure)).await));
            }
            // Who lists no folders may have an inbox all the same.
            Err(_) => None,
        };
        Ok(Self {
            visit,
            search: search.clone(),
            junk,
            open: None,
            looked: BTreeSet::new(),
        })
    }

    pub(super) fn places(&self) -> Vec<Place> {
        let junk = self.junk.as_ref().map(|_| Place::Junk);
        [Place::Inbox].into_iter().chain(junk).collect()
    }

    pub(super) fn is_open(&self) -> bool {
        self.visit.is_ready()
    }

    pub(super) async fn look(&mut self, place: Place) -> Result<Vec<Found>, Failure> {
        match self.open(place).await {
            Ok(()) => {}
            // Somebody has removed it: then nothing lies in it.
            Err(_) if place == Place::Junk && self.visit.is_ready() => {
                self.junk = None;
                return Ok(Vec::new());
            }
            Err(failure) => return Err(failure),
        }
        let validity = self.open.and_then(|(_, validity)| validity);
        let candidates = self.candidates().await?;
        let new = candidates.into_iter().rev();
        let new = new.filter(|uid| !self.looked.contains(&(place, validity, *uid)));
        let new: Vec<_> = new.take(Search::LOOKED).collect();
        let mut found = Vec::new();
        for uid in new {
            found.extend(self.fetch(place, uid).await?);
            self.looked.insert((place, validity, uid));
        }
        Ok(found)
    }

    pub(super) async fn remove(&mut self, uid: u32) -> Result<Removed, Failure> {
        Ok(match self.visit.remove(uid).await? {
            Removal::Done => Removed::Done,
            Removal::Kept => Removed::Kept,
        })
    }

    pub(super) async fn wait(&mut self, at_most: Duration) -> Result<(), Failure> {
        if self.open.is_none_or(|(place, _)| place != Place::Inbox) {
            // What came between the look and now shows as news only where it is counted.
            self.open(Place::Inbox).await?;
            if self.has_unseen().await? {
                return Ok(());
            }
        }
        self.visit.wait(at_most).await.map(|_| ())
    }

    pub(super) async fn leave(self, failure: Option<Failure>) -> Report<ImapFacts> {
        self.visit.leave(failure).await
    }

    async fn has_unseen(&mut self) -> Result<bool, Failure> {
        let validity = self.open.and_then(|(_, validity)| validity);
        let candidates = self.candidates().await?;
        let is_new = |uid: &u32| !self.looked.contains(&(Place::Inbox, validity, *uid));
        Ok(candidates.iter().any(is_new))
    }

    async fn open(&mut self, place: Place) -> Result<(), Failure> {
        let mailbox = match (place, &self.junk) {
            (Place::Junk, Some(junk)) => junk.clone(),
            _ => Mailbox::inbox(),
        };
        self.open = None;
        let opened = self.visit.open(&mailbox).await?;
        self.open = Some((place, opened.uid_validity));
        Ok(())
    }

    /// The UIDs of what may be ours, the oldest first.
    async fn candidates(&mut self) -> Result<Vec<u32>, Failure> {
        match criteria(self.search.since, self.search.echo.as_deref()) {
            Some(criteria) => match self.visit.search(&criteria).await {
                Err(_) if self.visit.is_ready() => self.latest().await,
                found => found,
            },
            None => self.latest().await,
        }
    }

    /// The same of a server that cannot search.
    async fn latest(&mut self) -> Result<Vec<u32>, Failure> {
        let latest = self.visit.latest(LATEST).await?;
        let echo = self.search.echo.as_deref();
        let is_candidate = |fetch: &&Fetch| {
            let header = fetch.body("HEADER");
            header.is_some_and(|bytes| may_be_ours(bytes, echo))
        };
        let ours = latest.iter().filter(is_candidate);
        Ok(ours.filter_map(Fetch::uid).collect())
    }

    /// The message, as much of it as is needed.
    async fn fetch(&mut self, place: Place, uid: u32) -> Result<Option<Found>, Failure> {
        let begun = Instant::now();
        let message = match self.visit.message(uid, Search::BEGINNING).await {
            // One message that cannot be read keeps nobody from reading the others.
            Err(failure) if self.visit.is_ready() && failure.kind != FailureKind::Temporary => None,
            message => message?,
        };
        let Some(mut message) = message else {
            return Ok(None);
        };
        let beginning = usize::try_from(Search::BEGINNING).unwrap_or(usize::MAX);
        if message.bytes.len() >= beginning && self.is_ours(&message) {
            match self.visit.message(uid, Search::OCTETS).await? {
                Some(whole) => message = whole,
                None => return Ok(None),
            }
        }
        Ok(Some(Found {
            id: Id::Number(uid),
            place,
            bytes: message.bytes,
            received_at: message.received_at,
            took: begun.elapsed(),
        }))
    }

    fn is_ours(&self, message: &Message) -> bool {
        let recognised = self
            .search
            .recogniser
            .recognise(&message.bytes, self.search.since);
        matches!(
            recognised,
            Recognition::Own(_) | Recognition::Expired(_) | Recognition::Early(_)
        )
    }
}

/// Canaries, their answers, and reports on them. To the server dates are whole days, and in its own time zone.
fn criteria(since: SystemTime, echo: Option<&str>) -> Option<Criteria> {
    let day = since.checked_sub(Duration::from_secs(24 * 60 * 60))?;
    let date = Date::new(day, Offset::UTC)?.imap_date();
    let canary = format!(
        "OR HEADER {} \"\" SUBJECT \"mailprobe delivery\"",
        Canary::FIELD
    );
    let report = "OR HEADER Content-Type \"multipart/report\" FROM \"MAILER-DAEMON\"";
    let ours = format!("OR {canary} {report}");
    let ours = match echo {
        Some(echo) => {
            let echo = echo.replace('\\', "\\\\").replace('"', "\\\"");
            format!("OR FROM \"{echo}\" {ours}")
        }
        None => ours,
    };
    format!("SINCE {date} {ours}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_reaches_a_day_further_back_than_it_must() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_312_000);
        assert_eq!(
            criteria(since, None).unwrap().to_string(),
            "SINCE 1-Jan-2026 OR OR HEADER X-Mailprobe-Delivery \"\" SUBJECT \"mailprobe delivery\" \
             OR HEADER Content-Type \"multipart/report\" FROM \"MAILER-DAEMON\""
        );
    }

    #[test]
    fn who_answers_is_looked_for_by_the_address() {
        let since = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_312_000);
        let echo = |address| criteria(since, Some(address)).unwrap().to_string();
        let rest = "OR OR HEADER X-Mailprobe-Delivery \"\" SUBJECT \"mailprobe delivery\" \
             OR HEADER Content-Type \"multipart/report\" FROM \"MAILER-DAEMON\"";
        assert_eq!(
            echo("echo@example.com"),
            format!("SINCE 1-Jan-2026 OR FROM \"echo@example.com\" {rest}")
        );
        assert_eq!(
            echo("\"an echo\"@example.com"),
            format!("SINCE 1-Jan-2026 OR FROM \"\\\"an echo\\\"@example.com\" {rest}")
        );
    }
}
