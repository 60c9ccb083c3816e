//! Send, collect, report: the only place here that waits.

mod room;
mod run;

use std::sync::Arc;
use std::time::Duration;

use probe_core::{AnyFacts, Context, Failure, FailureKind, Phase, Probe, Report, Span, Target};
use smtp_probe::{Acceptance, Message, Options as Submission, SmtpFacts, SmtpProbe};
use tokio::time::{Instant, sleep};

use crate::canary::Canary;
use crate::facts::DeliveryFacts;
use crate::findings::judge;
use crate::ledger::Event;
use crate::options::{Mode, Options};
use crate::token::{Keys, Name, Token};
use room::{Room, Search};
use run::{Run, SEND};

pub use room::{Place, Retrieval};

/// Watching a mailbox.
const RECEIVE: Phase = Phase::new("receive");

/// The longest pause between two looks, and between two attempts to log in.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Asks a mail system whether it delivers: sends a signed message to the target and waits for it where it is to arrive.
#[derive(Clone, Debug)]
pub struct DeliveryProbe {
    options: Arc<Options>,
}

impl DeliveryProbe {
    /// The options to build one from: who sends, what it signs with, and how mail is handed over to the target.
    pub fn builder(prober: Name, keys: Keys, submission: Submission) -> Options {
        Options::new(prober, keys, submission)
    }

    pub(crate) fn new(options: Options) -> Self {
        Self {
            options: Arc::new(options),
        }
    }
}

impl Probe for DeliveryProbe {
    type Facts = DeliveryFacts;

    fn name(&self) -> &'static str {
        "delivery"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<DeliveryFacts> {
        let mut whole = Whole {
            run: Run::new(&self.options, cx),
            target,
            cx,
            spans: Vec::new(),
            parts: Vec::new(),
        };
        let started_at = cx.now();
        let outcome = whole.lead().await;
        let elapsed = whole.run.elapsed();
        let facts = whole.run.into_facts();
        let findings = judge(&facts, &self.options.rules);
        let mut report = Report::new(self.name(), target.clone(), started_at, facts);
        for finding in findings {
            report.add_finding(finding);
        }
        report.failure = outcome.err();
        report.elapsed = elapsed;
        report.spans = whole.spans;
        report.parts = whole.parts;
        report
    }
}

/// A run with what is told of it.
struct Whole<'a> {
    run: Run<'a>,
    target: &'a Target,
    cx: &'a Context,
    spans: Vec<Span>,
    parts: Vec<Report<AnyFacts>>,
}

impl Whole<'_> {
    async fn lead(&mut self) -> Result<(), Failure> {
        // Also: is there a state, and can it be written?
        self.run.give_up_unsent()?;
        match self.run.options.mode {
            Mode::Wait => {
                let sent = self.send().await;
                // What earlier runs have sent is looked for all the same.
                let wanted = sent.as_ref().ok().copied();
                let collected = self.collect(wanted).await;
                sent.and(collected)
            }
            Mode::Later => {
                let collected = self.collect(None).await;
                let sent = self.send().await.map(|_| ());
                sent.and(collected)
            }
        }
    }

    /// Hands a canary over, and which one it was.
    async fn send(&mut self) -> Result<Token, Failure> {
        let canary = self.run.begin()?;
        let token = canary.token();
        let begun = self.run.elapsed();
        let probe = submission(self.run.options, &canary)?;
        let cx = self.within(self.run.time_left());
        let report = probe.probe(self.target, &cx).await;
        let took = handed_over(&report);
        self.spans.push(Span::new(SEND, begun, report.elapsed));
        let event = match &report.facts.submission {
            Some(submission) if submission.is_accepted() => Some(Event::Sent { token, took }),
            // It may be on its way: the server did not say.
            Some(submission) if submission.results.is_empty() => None,
            _ => Some(Event::Refused { token }),
        };
        let is_sent = matches!(event, Some(Event::Sent { .. }));
        let may_be_sent = event.is_none();
        self.run.note(event.as_slice())?;
        let failure = report.failure.clone();
        let refused = why_refused(&report.facts);
        self.parts.push(report.erase());
        match failure {
            Some(failure) if !is_sent && !may_be_sent => Err(failed(SEND, failure)),
            None if !is_sent && !may_be_sent => Err(refused),
            // Whatever became of the farewell.
            _ => Ok(token),
        }
    }

    /// Looks into the mailboxes, until the canary that is wanted is there or the time is over; without one, once.
    async fn collect(&mut self, wanted: Option<Token>) -> Result<(), Failure> {
        let begun = self.run.elapsed();
        let options = self.run.options;
        let mut watches: Vec<_> = options.retrievals.iter().map(Watch::new).collect();
        let mut pause = options.pace;
        loop {
            for watch in &mut watches {
                watch.look(&mut self.run, self.cx).await;
            }
            let is_over = match &wanted {
                Some(token) => self.run.is_over(token),
                None => watches
                    .iter()
                    .all(|watch| watch.has_looked || !watch.may_return()),
            };
            let left = self.run.time_left();
            if is_over || left.is_zero() {
                break;
            }
            let cx = self.within(self.run.whole_time_left());
            match watches.iter_mut().find(|watch| watch.room.is_some()) {
                Some(watch) => watch.wait(pause.min(left), &cx).await,
                None => sleep(pause.min(left)).await,
            }
            pause = (pause * 5 / 4).min(LONGEST_PAUSE);
        }
        let mut failure = None;
        for watch in watches {
            let (report, ended) = watch.leave().await;
            failure = failure.or(ended);
            self.parts.extend(report);
        }
        let took = self.run.elapsed().saturating_sub(begun);
        self.spans.push(Span::new(RECEIVE, begun, took));
        failure.map_or(Ok(()), |failure| Err(failed(RECEIVE, failure)))
    }

    fn within(&self, time: Duration) -> Context {
        self.cx.clone().with_budget(time)
    }
}

/// One mailbox, and how looking into it goes.
struct Watch<'a> {
    retrieval: &'a Retrieval,
    room: Option<Room>,
    has_looked: bool,
    /// Why the last attempt failed, and its report.
    failure: Option<Failure>,
    report: Option<Report<AnyFacts>>,
    next_attempt: Instant,
    pause: Duration,
}

impl<'a> Watch<'a> {
    fn new(retrieval: &'a Retrieval) -> Self {
        Self {
            retrieval,
            room: None,
            has_looked: false,
            failure: None,
            report: None,
            next_attempt: Instant::now(),
            pause: Duration::from_secs(1),
        }
    }

    /// Whether another attempt may go better.
    fn may_return(&self) -> bool {
        let kind = self.failure.as_ref().map(|failure| failure.kind);
        !matches!(
            kind,
            Some(
                FailureKind::Credentials
                    | FailureKind::Local
                    | FailureKind::Permanent
                    | FailureKind::Policy
                    | FailureKind::Withheld
            )
        )
    }

    /// Takes in what is there, logging in first where we are out.
    async fn look(&mut self, run: &mut Run<'_>, cx: &Context) {
        if self.room.is_none() {
            if !self.may_return() || Instant::now() < self.next_attempt {
                return;
            }
            let search = Search {
                recogniser: run.recogniser.clone(),
                since: run.now() - run.options.window * 2,
                echo: run.options.echo.clone(),
            };
            let cx = cx.clone().with_budget(run.whole_time_left());
            match self.retrieval.enter(&cx, &search).await {
                Ok(room) => self.room = Some(room),
                Err(report) => return self.note(*report),
            }
            if self.has_looked {
                run.facts.interruptions += 1;
            }
        }
        if let Some(mut room) = self.room.take() {
            match look_into(&mut room, run).await {
                Ok(()) => {
                    self.has_looked = true;
                    self.failure = None;
                    self.room = Some(room);
                }
                Err(failure) => self.note(room.leave(Some(failure)).await),
            }
        }
    }

    async fn wait(&mut self, at_most: Duration, cx: &Context) {
        let Some(mut room) = self.room.take() else {
            return;
        };
        match room.wait(at_most, cx).await {
            Ok(()) => self.room = Some(room),
            Err(failure) => self.note(room.leave(Some(failure)).await),
        }
    }

    fn note(&mut self, report: Report<AnyFacts>) {
        self.failure = report.failure.clone();
        self.report = Some(report);
        self.next_attempt = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    /// The report of the last session; and why the mailbox could not be looked into in the end.
    async fn leave(self) -> (Option<Report<AnyFacts>>, Option<Failure>) {
        match self.room {
            Some(room) => (Some(room.leave(None).await), None),
            None => (self.report, self.failure),
        }
    }
}

async fn look_into(room: &mut Room, run: &mut Run<'_>) -> Result<(), Failure> {
    for place in room.places() {
        for found in room.look(place).await? {
            run.take(room, found).await?;
        }
    }
    Ok(())
}

fn submission(options: &Options, canary: &Canary) -> Result<SmtpProbe, Failure> {
    let local = |why: String| Failure::new(SEND, FailureKind::Local, why);
    let message = Message::new(canary.bytes()).map_err(|error| local(error.to_string()))?;
    let sender = options.from.parse();
    let recipient = options.to.parse();
    let submission = Submission::clone(&options.submission)
        .sender(sender.map_err(|error| local(format!("{error}")))?)
        .recipients(&[recipient.map_err(|error| local(format!("{error}")))?])
        .message(message);
    submission.build().map_err(|error| local(error.to_string()))
}

/// From the beginning to the server's yes; the farewell does not count.
fn handed_over(report: &Report<SmtpFacts>) -> Duration {
    let spans = report.spans.iter();
    let before = spans.filter(|span| span.phase != Phase::QUIT);
    before.map(Span::end).max().unwrap_or(report.elapsed)
}

/// Why a dialogue that went to its end left nothing behind: what was said to the last question.
fn why_refused(facts: &SmtpFacts) -> Failure {
    let results = facts.submission.iter().flat_map(|one| &one.results);
    let asked = facts.envelope.iter().flat_map(|one| &one.recipients);
    let answer = results.chain(asked).next().map(|one| &one.answer);
    let (kind, detail) = match answer.map(|answer| answer.acceptance) {
        Some(Acceptance::Greylisted) => (
            FailureKind::Temporary,
            "the server greylists: it takes mail from strangers only when they come again",
        ),
        Some(Acceptance::Temporary | Acceptance::TooMany) => (
            FailureKind::Temporary,
            "the server asked to come back later",
        ),
        Some(Acceptance::MailboxFull) => (FailureKind::Quota, "the mailbox is full"),
        Some(Acceptance::TooLarge) => (FailureKind::Quota, "the message is too large"),
        Some(Acceptance::AuthRequired | Acceptance::Blocked | Acceptance::RelayDenied) => {
            (FailureKind::Policy, "the server's rules forbid it")
        }
        Some(Acceptance::UnknownUser) => (
            FailureKind::Permanent,
            "the server does not know the recipient",
        ),
        _ => (
            FailureKind::Permanent,
            "the server took the message for nobody",
        ),
    };
    let failure = Failure::new(SEND, kind, detail);
    match answer {
        Some(answer) => failure.with_reply(answer.reply.raw()),
        None => failure,
    }
}

/// The same failure, told of the whole.
fn failed(phase: Phase, failure: Failure) -> Failure {
    let detail = format!("{}: {}", failure.phase, failure.detail);
    let told = Failure::new(phase, failure.kind, detail);
    match failure.reply {
        Some(reply) => told.with_reply(reply),
        None => told,
    }
}
