//! Interleaved rounds: A B C A B C, so that what else the machine does falls on all alike. What counts is the ratio
//! within a round, and of those the median.

/// Several measurements of one thing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// This over that, round by round.
    pub(crate) fn over(&self, other: &Self) -> Self {
        let pairs = self.0.iter().zip(&other.0);
        Self(pairs.map(|(this, that)| this / that).collect())
    }

    /// Milliseconds for microseconds.
    pub(crate) fn in_thousands(&self) -> Self {
        self.0.iter().map(|value| value / 1000.0).collect()
    }

    pub(crate) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        quantile(&sorted, part)
    }

    /// `median [least..most]` with so many decimal places.
    pub(crate) fn show(&self, places: usize) -> String {
        match self.0.is_empty() {
            true => "-".to_owned(),
            false => format!(
                "{:.places$} [{:.places$}..{:.places$}]",
                self.median(),
                self.quantile(0.0),
                self.quantile(1.0)
            ),
        }
    }
}

impl FromIterator<f64> for Series {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// The value below which this part of them lies; 0 if there are none.
#[allow(
    clippy::as_conversions,
    reason = "a place in a list, found by multiplication"
)]
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    let place = (last as f64 * part).round() as usize;
    sorted.get(place).copied().unwrap_or_default()
}
