//! What has changed since an earlier sample, and when a threshold will be met if it goes on like this.

use std::time::{Duration, SystemTime};

use probe_core::{Metric, Record, Thresholds, Unit};
use serde_json::Value as Json;

use crate::facts::{QueueFacts, QueueName};

/// How many messages were in which queue at an earlier time; kept by the caller, or read from the JSON of an earlier report.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sample {
    at: SystemTime,
    queues: Vec<(QueueName, u64)>,
}

impl Sample {
    /// What these facts say, which were read at this time.
    pub fn of(facts: &QueueFacts, at: SystemTime) -> Self {
        let counts = facts
            .queues
            .iter()
            .map(|queue| (queue.name.clone(), queue.messages));
        Self {
            at,
            queues: counts.collect(),
        }
    }

    /// What the JSON of an earlier report of this probe says, also where that is a part of another report.
    ///
    /// # Errors
    /// There is no such report, or the queues could not be read then.
    pub fn from_json(report: &str) -> Result<Self, SampleError> {
        let report: Json = serde_json::from_str(report).map_err(|_| SampleError::Json)?;
        let text = |json: &Json, key: &str| json.get(key)?.as_str().map(str::to_owned);
        let parts = report.get("parts").and_then(Json::as_array);
        let mut reports = core::iter::once(&report).chain(parts.into_iter().flatten());
        let report = reports
            .find(|report| text(report, "probe").as_deref() == Some("queue"))
            .ok_or(SampleError::OtherProbe)?;
        let at = text(report, "started_at")
            .and_then(|time| humantime::parse_rfc3339(&time).ok())
            .ok_or(SampleError::Json)?;
        // What is in a list that was cut short is no number to compare with.
        if !report.get("failure").is_none_or(Json::is_null) {
            return Err(SampleError::Unread);
        }
        let queues = report
            .get("facts")
            .and_then(|facts| facts.get("queues")?.as_array());
        let count = |queue: &Json| {
            let name = QueueName::new(text(queue, "name")?);
            Some((name, whole(queue.get("messages")?.as_f64()?)?))
        };
        let queues = queues
            .into_iter()
            .flatten()
            .map(count)
            .collect::<Option<_>>();
        let queues: Vec<_> = queues.ok_or(SampleError::Json)?;
        match queues.is_empty() {
            true => Err(SampleError::Unread),
            false => Ok(Self { at, queues }),
        }
    }

    /// When it was taken.
    pub fn at(&self) -> SystemTime {
        self.at
    }

    /// What has changed up to `now`; nothing where no time has passed. A queue that the sample does not have grew by
    /// nothing that is known.
    pub(crate) fn growth(&self, facts: &QueueFacts, now: SystemTime) -> Vec<Growth> {
        let over = now.duration_since(self.at).unwrap_or_default();
        if over.is_zero() {
            return Vec::new();
        }
        let known = |name: &QueueName| self.queues.iter().find(|(known, _)| known == name);
        let grown = facts.queues.iter().filter_map(|queue| {
            let (name, before) = known(&queue.name)?;
            Some(Growth {
                queue: name.clone(),
                before: *before,
                now: queue.messages,
                over,
            })
        });
        grown.collect()
    }
}

/// Metrics are written as floating point.
#[allow(
    clippy::as_conversions,
    reason = "a float that is whole and within bounds"
)]
pub(crate) fn whole(number: f64) -> Option<u64> {
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && (0.0..=LARGEST).contains(&number)).then_some(number as u64)
}

/// How one queue has changed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Growth {
    /// Which one.
    pub queue: QueueName,
    /// How many messages were in it.
    pub before: u64,
    /// How many are in it.
    pub now: u64,
    /// How long ago "before" was.
    pub over: Duration,
}

impl Growth {
    /// Messages that came on top in each hour; less than nothing where the queue becomes shorter.
    pub fn per_hour(&self) -> f64 {
        (float(self.now) - float(self.before)) * 3600.0 / self.over.as_secs_f64()
    }

    /// How long it takes until these thresholds are met for the first time, if it goes on like this; `None` where that is
    /// beyond the horizon, where the queue does not grow, and where they are met already.
    pub fn until(&self, thresholds: &Thresholds, horizon: Duration) -> Option<Duration> {
        let rate = self.per_hour() / 3600.0;
        if rate <= 0.0 || thresholds.crossed(float(self.now)).is_some() {
            return None;
        }
        let is_met = |seconds: f64| {
            let messages = rate.mul_add(seconds, float(self.now));
            thresholds.crossed(messages).is_some()
        };
        let (mut before, mut after) = (0.0, horizon.as_secs_f64());
        if !is_met(after) {
            return None;
        }
        // Ranges have no ends that could be asked for; a second is near enough.
        for _ in 0..64 {
            let middle = f64::midpoint(before, after);
            match is_met(middle) {
                true => after = middle,
                false => before = middle,
            }
            if after - before < 1.0 {
                break;
            }
        }
        Duration::try_from_secs_f64(after.ceil()).ok()
    }

    pub(crate) fn record(&self, out: &mut Record) {
        let name = self.queue.as_str();
        out.set("queue", name);
        let rate = Metric::new("probe_queue_growth_per_hour", Unit::Count, self.per_hour());
        out.metric("per_hour", rate.with_label("queue", name));
        let over = i64::try_from(self.over.as_secs()).unwrap_or(i64::MAX);
        out.set("over_seconds", over);
    }
}

#[allow(
    clippy::as_conversions,
    reason = "there is no other way from u64 to f64"
)]
const fn float(number: u64) -> f64 {
    number as f64
}

/// Why a text is no earlier sample.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SampleError {
    /// It is no report.
    #[error("this is no report in JSON")]
    Json,
    /// Another probe wrote it.
    #[error("this is no report of queues")]
    OtherProbe,
    /// There are no numbers in it.
    #[error("the queues could not be read when this report was made")]
    Unread,
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn growth(before: u64, now: u64) -> Growth {
        Growth {
            queue: QueueName::new("deferred"),
            before,
            now,
            over: Duration::from_secs(600),
        }
    }

    fn above(messages: &str) -> Thresholds {
        Thresholds::new(Some(messages.parse().unwrap()), None)
    }

    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn the_time_until_the_threshold_is_that_of_the_present_rate() {
        // 100 in 600 s, 700 to go.
        let until = growth(200, 300).until(&above("1000"), DAY).unwrap();
        assert!((4199..=4202).contains(&until.as_secs()), "{until:?}");
    }

    #[test]
    fn a_queue_that_does_not_grow_meets_nothing() {
        assert_eq!(growth(300, 300).until(&above("1000"), DAY), None);
        assert_eq!(growth(300, 200).until(&above("1000"), DAY), None);
    }

    #[test]
    fn what_is_met_already_or_beyond_the_horizon_is_not_foretold() {
        assert_eq!(growth(200, 1001).until(&above("1000"), DAY), None);
        assert_eq!(growth(299, 300).until(&above("10000"), DAY), None);
    }
}
