//! One run: what was sent, what was found, and what became of it. What it learns is written to the ledger as it happens,
//! so that a run which is cut short is continued by the next one.

use std::io;
use std::time::{Duration, SystemTime};

use probe_core::{Context, Failure, FailureKind, Phase};
use probe_net::message::Headers;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::room::{Found, Place, Removed, Room};
use crate::authentication::Authentication;
use crate::bounce::{Action, Bounce, Notice};
use crate::canary::Canary;
use crate::facts::{Arrival, CanaryFacts, DeliveryFacts, Placement};
use crate::integrity::Integrity;
use crate::ledger::{Event, Ledger};
use crate::options::{Mode, Options};
use crate::recognise::{Deletable, Known, Recogniser, Recognition, Remnant};
use crate::token::Token;
use crate::trace::Trace;
use crate::transit::{Ends, Transit};

/// Keeping what is known from one run to the next.
const STATE: Phase = Phase::new("state");

/// What the clocks of two runs may differ by.
const SLACK: Duration = Duration::from_secs(10);

pub(super) struct Run<'a> {
    pub(super) options: &'a Options,
    budget: Duration,
    begun: Instant,
    started_at: SystemTime,
    pub(super) recogniser: Recogniser,
    ledger: Ledger,
    pub(super) canary: Option<Canary>,
    pub(super) facts: DeliveryFacts,
}

impl<'a> Run<'a> {
    pub(super) fn new(options: &'a Options, cx: &Context) -> Self {
        let facts = DeliveryFacts {
            route: Some(options.route.clone()),
            ..DeliveryFacts::default()
        };
        Self {
            options,
            budget: cx.budget,
            begun: Instant::now(),
            started_at: cx.now(),
            recogniser: options.recogniser(),
            ledger: Ledger::default(),
            canary: None,
            facts,
        }
    }

    /// The time of day, which the system's clock cannot set back meanwhile.
    pub(super) fn now(&self) -> SystemTime {
        self.started_at + self.begun.elapsed()
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// How much of the budget is left, but for what is kept back to leave in peace.
    pub(super) fn time_left(&self) -> Duration {
        let reserve = (self.budget / 5).min(Duration::from_secs(3));
        self.whole_time_left().saturating_sub(reserve)
    }

    /// How much is left for a last look and a farewell.
    pub(super) fn whole_time_left(&self) -> Duration {
        self.budget.saturating_sub(self.elapsed())
    }

    /// Adds what happened to what is known of all runs.
    pub(super) fn note(&mut self, events: &[Event]) -> Result<(), Failure> {
        let (now, patience) = (self.now(), self.options.patience);
        let settled = self.options.window * 2;
        let apply = |ledger: &mut Ledger| {
            for event in events {
                ledger.apply(event);
            }
            ledger.settle(settled, now, &patience);
        };
        match &self.options.state {
            None => apply(&mut self.ledger),
            Some(state) => {
                let changed = state.change(|bytes| {
                    let mut ledger = Ledger::read(bytes);
                    apply(&mut ledger);
                    *bytes = ledger.written().into_bytes();
                    ledger
                });
                self.ledger = changed.map_err(|error| unwritten(state.path(), &error))?;
            }
        }
        Ok(())
    }

    /// A run that was cut short while it sent leaves a canary of which nobody knows whether it ever left. If it has not
    /// arrived when others would be late, it counts as not sent: a lost one is an alarm, and this one is none.
    pub(super) fn give_up_unsent(&mut self) -> Result<(), Failure> {
        self.note(&[])?;
        let (now, late) = (
            self.now(),
            self.options.patience.late.max(self.budget + SLACK),
        );
        let on_route = self.ledger.on_route(&self.options.route);
        let unsent = on_route.filter(|(_, entry)| {
            let age = now.duration_since(entry.begun_at).unwrap_or_default();
            entry.send.is_none() && !entry.is_refused && age > late
        });
        let given_up: Vec<_> = unsent
            .map(|(token, _)| Event::Refused { token: *token })
            .collect();
        match given_up.is_empty() {
            true => Ok(()),
            false => self.note(&given_up),
        }
    }

    /// Makes the canary, and writes down that it is about to be sent.
    pub(super) fn begin(&mut self) -> Result<Canary, Failure> {
        let now = self.now();
        let canary = Canary::new(&self.options.draft(), &self.options.keys, now);
        let canary =
            canary.map_err(|error| Failure::new(SEND, FailureKind::Local, error.to_string()))?;
        self.note(&[Event::Begun {
            token: canary.token(),
            route: self.options.route.clone(),
            at: now,
        }])?;
        self.facts.canary = Some(CanaryFacts::new(&canary, now));
        self.canary = Some(canary.clone());
        Ok(canary)
    }

    /// Whether nothing more of this canary is awaited.
    pub(super) fn is_over(&self, token: &Token) -> bool {
        let entry = self.ledger.get(token);
        entry.is_some_and(|entry| entry.arrived_at.is_some() || entry.bounced.is_some())
    }

    /// Whether this run may take a canary: its own, or one that no other run waits for any more.
    fn may_take(&self, known: &Known) -> bool {
        if self.canary.as_ref().map(Canary::token) == Some(known.token) {
            return true;
        }
        if !known.is_by(&self.options.route) {
            return false;
        }
        let age = self.now().duration_since(known.claims.sent_at);
        self.options.mode == Mode::Later || age.is_ok_and(|age| age > self.budget + SLACK)
    }

    /// Takes in one message that may be ours, and removes it if it is proven to be.
    pub(super) async fn take(&mut self, room: &mut Room, found: Found) -> Result<(), Failure> {
        let now = self.now();
        let proof = self.recogniser.deletable(&found.bytes, now);
        if found.place == Place::Deleted {
            // It was taken in where it came from.
            let ours = proof.filter(|proof| self.may_take(&proof.known()));
            if let Some(proof) = ours {
                room.remove(&found, &proof).await?;
            }
            return Ok(());
        }
        match self.recogniser.recognise(&found.bytes, now) {
            Recognition::Own(known) | Recognition::Early(known) if self.may_take(&known) => {
                self.arrived(&known, &found, now)?;
            }
            // Nobody waits for it any more, whichever way it went.
            Recognition::Expired(known) => {
                if self.ledger.get(&known.token).is_some() {
                    self.arrived(&known, &found, now)?;
                }
            }
            Recognition::Own(_) | Recognition::Early(_) => return Ok(()),
            Recognition::Another(_) => {
                self.facts.others += 1;
                return Ok(());
            }
            Recognition::Forged => {
                self.facts.forged += 1;
                return Ok(());
            }
            Recognition::Reply(known) if is_answer(proof.as_ref()) => {
                if !self.may_take(&known) {
                    return Ok(());
                }
                self.arrived(&known, &found, now)?;
            }
            Recognition::Reply(_) | Recognition::Foreign => {
                match Bounce::read(&found.bytes, &self.recogniser) {
                    Notice::Bounce(bounce) if self.may_take(&bounce.canary) => {
                        self.bounced(*bounce, now)?;
                    }
                    Notice::AutoReply(_) => {
                        self.facts.auto_replies += 1;
                        return Ok(());
                    }
                    _ => return Ok(()),
                }
            }
        }
        self.remove(room, &found, proof.as_ref()).await
    }

    async fn remove(
        &mut self,
        room: &mut Room,
        found: &Found,
        proof: Option<&Deletable>,
    ) -> Result<(), Failure> {
        let Some(proof) = proof else {
            self.facts.left_behind += 1;
            return Ok(());
        };
        match room.remove(found, proof).await {
            Ok(Removed::Done | Removed::Marked) => self.facts.removed += 1,
            Ok(Removed::Kept) => self.facts.left_behind += 1,
            Err(failure) => {
                self.facts.left_behind += 1;
                return match room.is_open() {
                    true => Ok(()),
                    false => Err(failure),
                };
            }
        }
        Ok(())
    }

    fn arrived(&mut self, known: &Known, found: &Found, now: SystemTime) -> Result<(), Failure> {
        let token = known.token;
        let entry = self.ledger.get(&token);
        // Seen before, by another way or at another time, and still there.
        if entry.is_some_and(|entry| entry.copies.contains(&copy(found))) {
            return Ok(());
        }
        let begun_at = entry.map_or(known.claims.sent_at, |entry| entry.begun_at);
        let sent_at = begun_at + entry.and_then(|entry| entry.send).unwrap_or_default();
        let is_duplicate = entry.is_some_and(|entry| entry.arrived_at.is_some());
        let headers = Headers::of(&found.bytes);
        let way = Transit::of(&Trace::of(&headers), Ends::new(begun_at, now));
        // Where the mailbox does not tell, the last hop does, if its clock is believed.
        let last = way.legs.last().filter(|leg| leg.delay.is_some());
        let stored_at = found.received_at.or(last.and_then(|leg| leg.at));
        let at = got_there(stored_at, sent_at, now);
        let receive = now.duration_since(at).unwrap_or_default().max(found.took);
        let mut arrival = Arrival::new(known, begun_at, now);
        arrival.stored_at = found.received_at;
        arrival.placement = placement(found.place);
        arrival.is_duplicate = is_duplicate;
        arrival.transit = Some(at.duration_since(sent_at).unwrap_or_default());
        arrival.receive = Some(receive);
        arrival.way = way;
        arrival.authentication = Authentication::of(&headers, &self.options.servers);
        arrival.integrity = self
            .sent(known)
            .map(|canary| Integrity::of(&canary, &found.bytes));
        self.facts.arrivals.push(arrival);
        // What a lost state does not know, the token does.
        let begun = Event::Begun {
            token,
            route: self.options.route.clone(),
            at: known.claims.sent_at,
        };
        let arrived = Event::Arrived {
            token,
            at,
            receive,
            copy: copy(found),
        };
        self.note(&[begun, arrived])
    }

    /// The canary as it was sent, where it was made as we make them now.
    fn sent(&self, known: &Known) -> Option<Canary> {
        let claims = known.claims;
        let mut draft = self.options.draft();
        draft.size = claims.size;
        draft.form = claims.form;
        let keys = &self.options.keys;
        let canary = Canary::with_nonce(&draft, keys, claims.sent_at, claims.nonce).ok()?;
        (canary.token() == known.token && self.options.echo.is_none()).then_some(canary)
    }

    fn bounced(&mut self, bounce: Bounce, now: SystemTime) -> Result<(), Failure> {
        let token = bounce.canary.token;
        let event = match bounce.action {
            Action::Failed => Some(Event::Bounced {
                token,
                at: now,
                cause: bounce.cause,
            }),
            Action::Delayed => Some(Event::Delayed { token }),
            _ => None,
        };
        self.facts.bounces.push(bounce);
        self.note(event.as_slice())
    }

    /// What is known at the end.
    pub(super) fn into_facts(mut self) -> DeliveryFacts {
        let (now, patience) = (self.now(), self.options.patience);
        for arrival in &mut self.facts.arrivals {
            if let Some(entry) = self.ledger.get(&arrival.token) {
                arrival.standing = entry.standing(now, &patience);
            }
        }
        self.facts.take_ledger(&self.ledger, now, &patience);
        self.facts
    }
}

/// Handing a canary to the mail system.
pub(super) const SEND: Phase = Phase::new("send");

fn unwritten(path: &std::path::Path, error: &io::Error) -> Failure {
    let detail = format!("{}: {error}", path.display());
    Failure::new(STATE, FailureKind::Local, detail)
}

fn is_answer(proof: Option<&Deletable>) -> bool {
    proof.is_some_and(|proof| proof.remnant() == Remnant::Reply)
}

fn placement(place: Place) -> Placement {
    match place {
        Place::Inbox => Placement::Inbox,
        Place::Junk => Placement::Junk,
        Place::Deleted => Placement::Other,
        Place::Maildrop => Placement::Unknown,
    }
}

/// When it got there: the mailbox's own time, which has whole seconds, where it lies between both of ours.
fn got_there(stored_at: Option<SystemTime>, sent_at: SystemTime, now: SystemTime) -> SystemTime {
    let second = Duration::from_secs(1);
    match stored_at.map(|at| at + second) {
        Some(at) if at >= sent_at && at <= now + second => at.min(now),
        _ => now,
    }
}

/// What tells two messages of one mailbox apart, whichever way one looks at it.
fn copy(found: &Found) -> u64 {
    let digest = Sha256::new()
        .chain_update(placement(found.place).as_str())
        .chain_update(&found.bytes)
        .finalize();
    let octets = digest.first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(octets)
}
