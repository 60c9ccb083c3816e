//! What surrounds one run of a probe: time, and whether the words are wanted. Nothing about the network.

use std::time::{Duration, SystemTime};

use crate::Phase;

/// How long a probe may take, what time it is, and whether to keep a transcript.
///
/// ```
/// use probe_core::{Context, Phase};
/// use std::time::Duration;
///
/// let cx = Context::default()
///     .with_budget(Duration::from_secs(20))
///     .with_patience_for(Phase::GREETING, Duration::from_secs(15))
///     .with_transcript();
/// assert_eq!(cx.patience(Phase::GREETING), Duration::from_secs(15));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Context {
    /// Time for one whole probe, counted from its own start. Only a composite divides it.
    pub budget: Duration,
    /// Whether the report shall carry the words that were exchanged, secrets left out.
    pub transcript: bool,
    now: Option<SystemTime>,
    patience: Duration,
    patience_for: Vec<(Phase, Duration)>,
}

impl Context {
    /// The budget that [`Context::default`] gives: 30 s.
    pub const BUDGET: Duration = Duration::from_secs(30);
    /// The longest wait for any one phase that [`Context::default`] allows: 20 s, since servers that
    /// make strangers wait for the greeting do so for up to 20 s.
    pub const PATIENCE: Duration = Duration::from_secs(20);

    /// Sets the time for one whole probe.
    #[must_use]
    pub fn with_budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// Sets the longest wait for any phase that has none of its own.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets the longest wait for one phase.
    #[must_use]
    pub fn with_patience_for(mut self, phase: Phase, patience: Duration) -> Self {
        self.patience_for.retain(|(known, _)| *known != phase);
        self.patience_for.push((phase, patience));
        self
    }

    /// Fixes the time of day that certificates and signatures are judged at.
    #[must_use]
    pub fn with_now(mut self, now: SystemTime) -> Self {
        self.now = Some(now);
        self
    }

    /// Asks for the transcript.
    #[must_use]
    pub fn with_transcript(mut self) -> Self {
        self.transcript = true;
        self
    }

    /// The longest wait for `phase`.
    pub fn patience(&self, phase: Phase) -> Duration {
        self.patience_for
            .iter()
            .find(|(known, _)| *known == phase)
            .map_or(self.patience, |(_, patience)| *patience)
    }

    /// The time of day: the one that was fixed, else the system's.
    pub fn now(&self) -> SystemTime {
        self.now.unwrap_or_else(SystemTime::now)
    }
}

impl Default for Context {
    fn default() -> Self {
        Self {
            budget: Self::BUDGET,
            transcript: false,
            now: None,
            patience: Self::PATIENCE,
            patience_for: Vec::new(),
        }
    }
}
