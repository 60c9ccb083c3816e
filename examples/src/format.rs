//! Reports for readers: people, monitors, databases.

mod nagios;
mod prometheus;
mod text;

use core::time::Duration;

use clap::ValueEnum;
use probe_core::{Phase, Report, Thresholds, Verdict};

pub use nagios::nagios;
pub use prometheus::prometheus;
pub(crate) use text::table;
pub use text::{Style, text};

/// How reports are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
#[allow(clippy::exhaustive_enums, reason = "the tool's own list")]
pub enum Format {
    /// For people; of several reports the most urgent first.
    #[default]
    Text,
    /// JSON, indented; several reports are an array.
    Json,
    /// JSON, a report a line.
    Jsonl,
    /// The output of a monitoring plugin, with performance data.
    Nagios,
    /// The text format of Prometheus.
    Prometheus,
}

impl Format {
    /// The reports in this format.
    pub fn write(self, reports: &[Report], thresholds: &Thresholds, style: Style) -> String {
        match self {
            Self::Text => text::texts(reports, style),
            Self::Json => match reports {
                [one] => one.to_json_pretty() + "\n",
                several => {
                    let several: Vec<_> = several.iter().map(Report::to_json_pretty).collect();
                    format!("[{}]\n", several.join(",\n"))
                }
            },
            Self::Jsonl => reports
                .iter()
                .map(|report| report.to_json() + "\n")
                .collect(),
            Self::Nagios => nagios(reports, thresholds),
            Self::Prometheus => prometheus(reports),
        }
    }
}

/// The worst verdict of several reports.
pub fn worst(reports: &[Report]) -> Verdict {
    let verdicts = reports.iter().map(Report::verdict);
    verdicts.max().unwrap_or(Verdict::Unknown)
}

/// The time of each phase, in the order in which they first came; several turns of one are added up.
fn phases(report: &Report) -> Vec<(Phase, Duration)> {
    let mut phases: Vec<(Phase, Duration)> = Vec::new();
    for span in &report.spans {
        match phases.iter_mut().find(|(phase, _)| *phase == span.phase) {
            Some((_, total)) => *total += span.duration,
            None => phases.push((span.phase, span.duration)),
        }
    }
    phases
}

#[cfg(test)]
mod sample {
    //! A report to write down.

    use std::time::{Duration, SystemTime};

    use probe_core::{FindingKind, Phase, Report, Severity, Span};

    pub(super) static EXPIRED: FindingKind = FindingKind::new(
        "test.expired",
        Severity::Critical,
        "the certificate has expired",
        "Renew it.",
    );

    pub(super) fn report(target: &str) -> Report {
        let target = target.parse().unwrap();
        let mut report = Report::new("smtp", target, SystemTime::UNIX_EPOCH, ()).erase();
        let ms = Duration::from_millis;
        report.elapsed = ms(12);
        report.spans = vec![
            Span::new(Phase::CONNECT, ms(0), ms(2)),
            Span::new(Phase::GREETING, ms(2), ms(10)),
        ];
        report
    }
}
