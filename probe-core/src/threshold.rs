//! Thresholds in the range syntax of the monitoring plugins: what is counted or timed, and when it deserves a word.
//! <https://www.monitoring-plugins.org/doc/guidelines.html#THRESHOLDFORMAT>

use core::fmt;
use core::str::FromStr;

use crate::{Finding, FindingKind, Severity};

/// When a number deserves a warning, and when it is critical.
///
/// ```
/// use probe_core::Thresholds;
///
/// let messages = Thresholds::new(Some("1000".parse()?), Some("5000".parse()?));
/// assert!(messages.crossed(999.0).is_none());
/// # Ok::<(), probe_core::RangeError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Thresholds {
    /// Outside this range: warning.
    pub warning: Option<Range>,
    /// Outside this range: critical.
    pub critical: Option<Range>,
}

impl Thresholds {
    /// These ranges.
    pub const fn new(warning: Option<Range>, critical: Option<Range>) -> Self {
        Self { warning, critical }
    }

    /// The range that `value` lies outside of, and how much that matters.
    pub fn crossed(&self, value: f64) -> Option<(Range, Severity)> {
        let alerts = |range: &Option<Range>| range.filter(|range| range.alerts(value));
        let critical = alerts(&self.critical).map(|range| (range, Severity::Critical));
        critical.or_else(|| alerts(&self.warning).map(|range| (range, Severity::Warning)))
    }

    /// The finding that `value` deserves, if any. `shown` is the value as people read it.
    pub fn judge(
        &self,
        value: f64,
        kind: &'static FindingKind,
        shown: impl fmt::Display,
    ) -> Option<Finding> {
        let (range, severity) = self.crossed(value)?;
        let finding = kind.found(format!("{shown}, range {range}"));
        Some(finding.with_severity(severity))
    }
}

/// A range of values that are well; those outside it raise an alert.
///
/// ```
/// use probe_core::Range;
///
/// let range: Range = "10".parse()?;
/// assert!(range.alerts(10.5) && range.alerts(-1.0) && !range.alerts(10.0));
///
/// let inside: Range = "@10:20".parse()?;
/// assert!(inside.alerts(10.0) && !inside.alerts(9.9));
/// # Ok::<(), probe_core::RangeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    start: f64,
    end: f64,
    alert: Alert,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Alert {
    Inside,
    Outside,
}

impl Range {
    /// Whether this value raises an alert.
    pub fn alerts(&self, value: f64) -> bool {
        let inside = self.start <= value && value <= self.end;
        match self.alert {
            Alert::Inside => inside,
            Alert::Outside => !inside,
        }
    }
}

impl FromStr for Range {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        let (alert, bounds) = match text.strip_prefix('@') {
            Some(bounds) => (Alert::Inside, bounds),
            None => (Alert::Outside, text),
        };
        let number = |text: &str| match text.parse() {
            Ok(number) if f64::is_finite(number) => Ok(number),
            _ => Err(RangeError::Number),
        };
        let (start, end) = match bounds.split_once(':') {
            None => (0.0, number(bounds)?),
            Some((start, end)) => {
                let start = if start == "~" {
                    f64::NEG_INFINITY
                } else {
                    number(start)?
                };
                let end = if end.is_empty() {
                    f64::INFINITY
                } else {
                    number(end)?
                };
                (start, end)
            }
        };
        match start <= end {
            true => Ok(Self { start, end, alert }),
            false => Err(RangeError::Order),
        }
    }
}

/// The range as performance data has it.
impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.alert == Alert::Inside {
            f.write_str("@")?;
        }
        if self.start == f64::NEG_INFINITY {
            f.write_str("~:")?;
        } else if self.start != 0.0 || self.end == f64::INFINITY {
            write!(f, "{}:", self.start)?;
        }
        match self.end == f64::INFINITY {
            true => Ok(()),
            false => write!(f, "{}", self.end),
        }
    }
}

/// Why a text is no range.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// One of its ends is no number.
    #[error("a range is written 10, 10:, ~:10, 10:20 or @10:20")]
    Number,
    /// It ends before it begins.
    #[error("a range begins before it ends")]
    Order,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ranges_are_those_of_the_guidelines() {
        // (range, values that alert, values that do not)
        for (range, alerts, well) in [
            ("10", [-0.1, 10.1], [0.0, 10.0]),
            ("10:", [9.9, -5.0], [10.0, 1e9]),
            ("~:10", [10.1, 99.0], [-1e9, 10.0]),
            ("10:20", [9.9, 20.1], [10.0, 20.0]),
            ("@10:20", [10.0, 20.0], [9.9, 20.1]),
            ("0.5", [0.51, -0.1], [0.5, 0.0]),
        ] {
            let parsed: Range = range.parse().unwrap();
            assert!(alerts.iter().all(|value| parsed.alerts(*value)), "{range}");
            assert!(!well.iter().any(|value| parsed.alerts(*value)), "{range}");
            assert_eq!(parsed.to_string(), range);
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in ["", "a", ":", "10:5", "@", "1:2:3", "~", "nan", "inf:"] {
            assert!(text.parse::<Range>().is_err(), "{text:?}");
        }
    }
}
