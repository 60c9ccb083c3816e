//! Many measurements of the same thing, and what to say of them in three numbers.

use std::time::Duration;

use probe_core::{Metric, Record};

/// How long one command took, each time it was said.
///
/// ```
/// use std::time::Duration;
/// use probe_net::Latencies;
///
/// let mut noops = Latencies::default();
/// for millis in [3, 1, 2] {
///     noops.add(Duration::from_millis(millis));
/// }
/// assert_eq!(noops.median(), Some(Duration::from_millis(2)));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Latencies {
    /// The shortest first.
    sorted: Vec<Duration>,
}

impl Latencies {
    /// Adds one measurement.
    pub fn add(&mut self, time: Duration) {
        let place = self.sorted.partition_point(|known| *known <= time);
        self.sorted.insert(place, time);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.sorted.len()
    }

    /// The shortest.
    pub fn min(&self) -> Option<Duration> {
        self.sorted.first().copied()
    }

    /// The one that as many are shorter as are longer than.
    pub fn median(&self) -> Option<Duration> {
        self.within(50)
    }

    /// The one that no more than five in a hundred are longer than.
    pub fn p95(&self) -> Option<Duration> {
        self.within(95)
    }

    /// Writes the three of them out, each a metric of this name with its quantile as a label.
    pub fn record(&self, name: &'static str, out: &mut Record) {
        self.write(name, None, out);
    }

    /// The same with one label more: where the same is measured of several.
    pub fn record_of(&self, name: &'static str, label: (&'static str, &str), out: &mut Record) {
        self.write(name, Some(label), out);
    }

    fn write(&self, name: &'static str, label: Option<(&'static str, &str)>, out: &mut Record) {
        for (key, quantile, time) in [
            ("min", "0", self.min()),
            ("median", "0.5", self.median()),
            ("p95", "0.95", self.p95()),
        ] {
            if let Some(time) = time {
                let mut metric = Metric::duration(name, time);
                if let Some((label, value)) = label {
                    metric = metric.with_label(label, value);
                }
                out.metric(key, metric.with_label("quantile", quantile));
            }
        }
    }

    /// The shortest that so many in a hundred are not longer than.
    fn within(&self, percent: usize) -> Option<Duration> {
        let rank = (self.count() * percent).div_ceil(100);
        self.sorted.get(rank.saturating_sub(1)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(millis: impl IntoIterator<Item = u64>) -> Latencies {
        let mut latencies = Latencies::default();
        for one in millis {
            latencies.add(Duration::from_millis(one));
        }
        latencies
    }

    fn told(latencies: &Latencies) -> [Option<u128>; 3] {
        let all = [latencies.min(), latencies.median(), latencies.p95()];
        all.map(|time| time.map(|time| time.as_millis()))
    }

    #[test]
    fn the_ranks_are_the_nearest_ones() {
        assert_eq!(told(&of([])), [None, None, None]);
        assert_eq!(told(&of([7])), [Some(7), Some(7), Some(7)]);
        assert_eq!(told(&of([4, 1, 3, 2])), [Some(1), Some(2), Some(4)]);
        assert_eq!(told(&of((1..=100).rev())), [Some(1), Some(50), Some(95)]);
    }

    #[test]
    fn each_number_is_a_metric_with_its_quantile() {
        let mut out = Record::default();
        of([1, 2]).record("probe_test_seconds", &mut out);
        let quantiles: Vec<_> = out
            .metrics()
            .iter()
            .map(|one| one.labels[0].1.clone())
            .collect();
        assert_eq!(quantiles, ["0", "0.5", "0.95"]);
    }
}
