//! One run's clock and evidence, written down as it happens: a deadline or a failed handshake loses none
//! of it.

use core::future::Future;
use std::time::{Duration, SystemTime};

use probe_core::{Context, Direction, Failure, FailureKind, Phase, Report, Span, Transcript};
use tokio::time::Instant;

use crate::Oddities;

/// What happened in one run, and how much time is left for it.
#[derive(Debug)]
pub struct Log {
    started: Instant,
    deadline: Instant,
    context: Context,
    spans: Vec<Span>,
    transcript: Transcript,
    /// What was odd so far.
    pub oddities: Oddities,
}

impl Log {
    /// Of the budget, this part is kept back for a farewell.
    const RESERVE: u32 = 10;
    /// But never more than this.
    const RESERVE_AT_MOST: Duration = Duration::from_millis(500);
    /// How long the answer to a farewell is waited for.
    pub(crate) const FAREWELL: Duration = Duration::from_millis(500);

    /// No probe takes longer: what a caller means by a larger budget is "no limit".
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

    /// Starts the clock.
    pub fn begin(context: &Context) -> Self {
        let started = Instant::now();
        let budget = context.budget.min(Self::LONGEST);
        Self {
            started,
            deadline: started + (budget - Self::reserve(context)),
            context: context.clone(),
            spans: Vec::with_capacity(8),
            transcript: Transcript::default(),
            oddities: Oddities::default(),
        }
    }

    /// A log for another connection of the same run, which may take this long: the same clock, and evidence of its
    /// own.
    #[must_use]
    pub fn beside(&self, within: Duration) -> Self {
        Self {
            started: self.started,
            deadline: self.deadline.min(Instant::now() + within),
            context: self.context.clone(),
            spans: Vec::new(),
            transcript: Transcript::default(),
            oddities: Oddities::default(),
        }
    }

    /// The time of day that certificates are judged at.
    pub fn now(&self) -> SystemTime {
        self.context.now()
    }

    /// How much of the budget is left: what a composite gives its parts.
    pub fn time_left(&self) -> Duration {
        self.last_call().saturating_duration_since(Instant::now())
    }

    /// Where the time went so far.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Hands everything over to the report.
    pub fn close<F>(self, report: &mut Report<F>) {
        report.elapsed = self.started.elapsed();
        report.spans = self.spans;
        report.transcript = self.transcript;
        for finding in self.oddities.findings() {
            report.add_finding(finding);
        }
    }

    /// Runs `work` for as long as the phase's patience and the deadline allow, and books the time.
    ///
    /// # Errors
    /// A [`Timeout`](FailureKind::Timeout) in that phase.
    pub async fn within<T>(
        &mut self,
        phase: Phase,
        work: impl Future<Output = T>,
    ) -> Result<T, Failure> {
        let begun = Instant::now();
        let outcome = tokio::time::timeout_at(self.limit(phase, begun), work).await;
        self.book(phase, begun);
        outcome.map_err(|_| Self::out_of_time(phase, begun))
    }

    /// The instant at which a phase that begins now must end.
    pub(crate) fn limit(&self, phase: Phase, begun: Instant) -> Instant {
        let patience = self.context.patience(phase).min(Self::LONGEST);
        self.deadline.min(begun + patience)
    }

    /// The instant at which even a farewell must end.
    pub(crate) fn last_call(&self) -> Instant {
        self.deadline + Self::reserve(&self.context)
    }

    /// Books the time since `begun` to `phase`. Waiting on in the same phase makes its span longer.
    pub(crate) fn book(&mut self, phase: Phase, begun: Instant) {
        let start = begun - self.started;
        let end = self.started.elapsed();
        match self.spans.last_mut() {
            // Between the two lies only what this machine needed to think.
            Some(last) if last.phase == phase && last.end() <= start => {
                last.duration = end - last.start;
            }
            _ => self.spans.push(Span::new(phase, start, end - start)),
        }
    }

    /// Writes a line of the transcript, if one is wanted.
    pub(crate) fn say(&mut self, direction: Direction, text: impl AsRef<[u8]>) {
        if self.context.transcript {
            let at = self.started.elapsed();
            self.transcript.push(at, direction, text.as_ref());
        }
    }

    /// Remarks in the transcript, if one is wanted.
    pub fn remark(&mut self, what: impl FnOnce() -> String) {
        self.tell(Direction::Remark, what);
    }

    /// Writes what was said, in words that hold no secrets, if a transcript is wanted: for dialogues that no
    /// [`Wire`](crate::Wire) carries.
    pub fn tell(&mut self, direction: Direction, what: impl FnOnce() -> String) {
        if self.context.transcript {
            self.say(direction, what());
        }
    }

    /// Whether a transcript is wanted: saves preparing what nobody reads.
    pub(crate) fn is_verbose(&self) -> bool {
        self.context.transcript
    }

    pub(crate) fn out_of_time(phase: Phase, begun: Instant) -> Failure {
        let waited = begun.elapsed().as_secs_f64();
        let detail = format!("nothing came within {waited:.1} s");
        Failure::new(phase, FailureKind::Timeout, detail)
    }

    fn reserve(context: &Context) -> Duration {
        (context.budget / Self::RESERVE).min(Self::RESERVE_AT_MOST)
    }
}
