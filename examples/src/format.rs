//! Reports for readers: people, monitors, databases.

mod nagios;
mod prometheus;
mod text;

use clap::ValueEnum;
use probe_core::{Report, Verdict};

pub use nagios::nagios;
pub use prometheus::prometheus;
pub use text::{Style, text};
pub(crate) use text::{badge, brief};

use crate::threshold::TimeThresholds;

/// How reports are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
#[allow(clippy::exhaustive_enums, reason = "the tool's own list")]
pub enum Format {
    /// For people.
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
    pub fn write(self, reports: &[Report], thresholds: &TimeThresholds, style: Style) -> String {
        match self {
            Self::Text => reports
                .iter()
                .map(|report| text(report, style))
                .collect::<Vec<_>>()
                .join("\n"),
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
