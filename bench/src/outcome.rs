//! What a client's process says of its work, written as `key=value` lines and read back by the process that ordered it.

use std::fmt;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::allocations::Allocations;
use crate::client::Answer;
use crate::machine;

/// The cost of so many questions; times in microseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) times: f64,
    pub(crate) failed: f64,
    /// CPU of the process for each question.
    pub(crate) cpu: f64,
    pub(crate) per_second: f64,
    pub(crate) allocations: f64,
    pub(crate) bytes: f64,
    pub(crate) median: f64,
    pub(crate) p99: f64,
    pub(crate) longest: f64,
    /// The median of the times to the verdict, 0 if the client cannot tell.
    pub(crate) verdict: f64,
    /// The most memory the process ever had, in KiB.
    pub(crate) peak_kib: f64,
}

impl Outcome {
    pub(crate) fn new(
        answers: &[Answer],
        wall: Duration,
        cpu: Duration,
        before: Allocations,
        after: Allocations,
    ) -> Self {
        let times = number(answers.len());
        let whole = sorted(answers.iter().map(|answer| answer.whole));
        let verdict = sorted(answers.iter().filter_map(|answer| answer.verdict));
        let failed = answers.iter().filter(|answer| answer.failure.is_some());
        Self {
            times,
            failed: number(failed.count()),
            cpu: micros(cpu) / times,
            per_second: times / wall.as_secs_f64(),
            allocations: count(after.calls - before.calls) / times,
            bytes: count(after.bytes - before.bytes) / times,
            median: quantile(&whole, 0.5),
            p99: quantile(&whole, 0.99),
            longest: quantile(&whole, 1.0),
            verdict: quantile(&verdict, 0.5),
            peak_kib: count(machine::peak_kib()),
        }
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let mut outcome = Self::default();
        for (key, place) in outcome.fields_mut() {
            let value = text
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
                .with_context(|| format!("the client did not say its {key}"))?;
            *place = value.parse()?;
        }
        Ok(outcome)
    }

    fn fields_mut(&mut self) -> [(&'static str, &mut f64); 11] {
        [
            ("times", &mut self.times),
            ("failed", &mut self.failed),
            ("cpu", &mut self.cpu),
            ("per_second", &mut self.per_second),
            ("allocations", &mut self.allocations),
            ("bytes", &mut self.bytes),
            ("median", &mut self.median),
            ("p99", &mut self.p99),
            ("longest", &mut self.longest),
            ("verdict", &mut self.verdict),
            ("peak_kib", &mut self.peak_kib),
        ]
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = self.clone();
        let mut lines = fields.fields_mut().into_iter();
        lines.try_for_each(|(key, value)| writeln!(f, "{key}={value}"))
    }
}

fn sorted(times: impl Iterator<Item = Duration>) -> Vec<f64> {
    let mut times: Vec<_> = times.map(micros).collect();
    times.sort_by(f64::total_cmp);
    times
}

fn quantile(sorted: &[f64], part: f64) -> f64 {
    crate::rounds::quantile(sorted, part)
}

pub(crate) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

#[allow(clippy::as_conversions, reason = "no count here comes near 2^53")]
pub(crate) fn number(count: usize) -> f64 {
    count as f64
}

#[allow(clippy::as_conversions, reason = "no count here comes near 2^53")]
pub(crate) fn count(count: u64) -> f64 {
    count as f64
}
