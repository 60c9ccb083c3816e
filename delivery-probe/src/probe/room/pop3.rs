//! A maildrop by POP3. Mail that comes is seen only by the next session, and what was marked is gone when a session ends
//! in peace: so waiting is leaving and coming back.

use std::collections::BTreeSet;
use std::time::Duration;

use pop3_probe::{Pop3Facts, Pop3Probe, Visit};
use probe_core::{Context, Failure, FailureKind, Phase, Report, Target};
use probe_net::message::Headers;
use tokio::time::{Instant, sleep};

use super::{Found, Id, Place, Removed, Search};
use crate::canary::Canary;

pub(crate) struct Pop3Room {
    probe: Pop3Probe,
    target: Target,
    echo: Option<String>,
    /// None while the session was left and the next one has not begun.
    visit: Option<Visit>,
    /// The unique ids of what was looked at before.
    looked: BTreeSet<Vec<u8>>,
    last: Option<Report<Pop3Facts>>,
    /// Whether the time is over before the server lets us in again.
    is_over: bool,
}

/// The largest message that is read.
const OCTETS: u64 = 900_000;

impl Pop3Room {
    pub(super) async fn enter(
        probe: &Pop3Probe,
        target: &Target,
        cx: &Context,
        search: &Search,
    ) -> Result<Self, Box<Report<Pop3Facts>>> {
        let visit = probe.visit(target, cx).await?;
        Ok(Self {
            probe: probe.clone(),
            target: target.clone(),
            echo: search.echo.clone(),
            visit: Some(visit),
            looked: BTreeSet::new(),
            last: None,
            is_over: false,
        })
    }

    pub(super) fn is_open(&self) -> bool {
        self.visit.as_ref().is_some_and(Visit::is_ready)
    }

    pub(super) async fn look(&mut self) -> Result<Vec<Found>, Failure> {
        if self.is_over {
            return Ok(Vec::new());
        }
        // Another session had it when we came back.
        let Some(visit) = &mut self.visit else {
            return Ok(Vec::new());
        };
        let listing = visit.list().await?;
        let ids = match visit.unique_ids().await {
            Ok(ids) => Some(ids),
            // Then every message is new, each time.
            Err(_) if visit.is_ready() => None,
            Err(failure) => return Err(failure),
        };
        let mut messages: Vec<_> = listing.sizes().collect();
        messages.sort_unstable();
        let mut found = Vec::new();
        for (message, octets) in messages.into_iter().rev().take(Search::LOOKED) {
            let id = ids
                .as_ref()
                .and_then(|ids| ids.of(message))
                .map(<[u8]>::to_vec);
            if octets > OCTETS || id.as_ref().is_some_and(|id| self.looked.contains(id)) {
                continue;
            }
            let begun = Instant::now();
            let is_candidate = match visit.header(message).await {
                Ok(header) => may_be_ours(&header, self.echo.as_deref()),
                // Who does not know TOP has to be asked for all of it.
                Err(_) if visit.is_ready() => true,
                Err(failure) => return Err(failure),
            };
            if is_candidate {
                match visit.read(message).await {
                    Ok(bytes) => found.push(Found {
                        id: Id::Number(message),
                        place: Place::Maildrop,
                        bytes,
                        received_at: None,
                        took: begun.elapsed(),
                    }),
                    Err(_) if visit.is_ready() => {}
                    Err(failure) => return Err(failure),
                }
            }
            self.looked.extend(id);
        }
        Ok(found)
    }

    pub(super) async fn remove(&mut self, message: u32) -> Result<Removed, Failure> {
        let Some(visit) = &mut self.visit else {
            return Err(left());
        };
        visit.delete(message).await?;
        Ok(Removed::Marked)
    }

    /// A server may want a pause between two logins, and refuse whoever does not make it (RFC 2449 section 6.5).
    pub(super) async fn wait(&mut self, at_most: Duration, cx: &Context) -> Result<(), Failure> {
        if self.is_over {
            sleep(at_most).await;
            return Ok(());
        }
        let mut pause = at_most;
        if let Some(visit) = self.visit.take() {
            pause = pause.max(visit.facts().login_delay().unwrap_or_default());
            let report = visit.leave(None).await;
            let failure = report.failure.clone();
            self.last = Some(report);
            if let Some(failure) = failure {
                return Err(failure);
            }
        }
        if pause >= cx.budget {
            self.is_over = true;
            return Ok(());
        }
        let begun = Instant::now();
        sleep(pause).await;
        let left = cx.budget.saturating_sub(begun.elapsed());
        match self
            .probe
            .visit(&self.target, &cx.clone().with_budget(left))
            .await
        {
            Ok(visit) => {
                self.visit = Some(visit);
                Ok(())
            }
            Err(report) => {
                let failure = report.failure.clone();
                self.last = Some(*report);
                // Who has to come again later was not interrupted.
                match failure.filter(|failure| failure.kind != FailureKind::Temporary) {
                    Some(failure) => Err(failure),
                    None => Ok(()),
                }
            }
        }
    }

    pub(super) async fn leave(self, failure: Option<Failure>) -> Report<Pop3Facts> {
        match (self.visit, self.last) {
            (Some(visit), _) => visit.leave(failure).await,
            (None, Some(mut report)) => {
                report.failure = failure.or(report.failure);
                report
            }
            (None, None) => {
                let facts = Pop3Facts::default();
                Report::new("pop3", self.target, std::time::SystemTime::now(), facts)
            }
        }
    }
}

fn left() -> Failure {
    let detail = "the session was left";
    Failure::new(Phase::QUIT, FailureKind::Local, detail)
}

/// Canaries, their answers, and reports on them, by their header section.
pub(super) fn may_be_ours(header_section: &[u8], echo: Option<&str>) -> bool {
    let headers = Headers::of(header_section);
    let holds = |name: &str, part: &str| {
        headers.all(name).any(|field| {
            let value = field.value().to_ascii_lowercase();
            value
                .windows(part.len())
                .any(|window| window == part.as_bytes())
        })
    };
    headers.get(Canary::FIELD).is_some()
        || holds("Subject", "mailprobe delivery")
        || holds("Content-Type", "multipart/report")
        || holds("From", "mailer-daemon")
        || echo.is_some_and(|echo| holds("From", &echo.to_ascii_lowercase()))
}
