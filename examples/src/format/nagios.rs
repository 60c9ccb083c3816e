//! The output of a monitoring plugin: one line with performance data behind `|`, details below.
//! <https://www.monitoring-plugins.org/doc/guidelines.html>

use core::fmt::Write;

use probe_core::{Facts, Record, Report, Unit};

use super::worst;
use crate::threshold::TimeThresholds;

/// The reports as a plugin says them. Its exit status is that of the [worst](worst) verdict.
pub fn nagios(reports: &[Report], thresholds: &TimeThresholds) -> String {
    let service = reports
        .first()
        .map_or("MAIL", |report| report.probe)
        .to_ascii_uppercase();
    let verdict = worst(reports).as_str().to_ascii_uppercase();
    let several = reports.len() > 1;
    let weighty = reports.iter().max_by_key(|report| report.verdict());
    let headline = weighty.map_or_else(
        || "nothing was asked".to_owned(),
        |report| {
            let ms = report.elapsed.as_secs_f64() * 1000.0;
            format!("{}: {} ({ms:.0} ms)", report.target, report.headline())
        },
    );
    let data: Vec<_> = reports
        .iter()
        .flat_map(|report| {
            let prefix = if several {
                format!("{} ", report.target)
            } else {
                String::new()
            };
            performance_data(report, &prefix, thresholds)
        })
        .collect();
    let mut out = format!(
        "{service} {verdict} - {} | {}\n",
        plain(&headline),
        data.join(" ")
    );
    for report in reports {
        details(report, &mut out);
    }
    out
}

fn details(report: &Report, out: &mut String) {
    let target = &report.target;
    let mut lines = Vec::new();
    if let Some(failure) = &report.failure {
        let words = failure
            .reply
            .as_deref()
            .map(probe_net::excerpt)
            .unwrap_or_default();
        lines.push(format!("{target}: {failure} {words}"));
    }
    for finding in &report.findings {
        let (severity, code) = (finding.severity, finding.code());
        lines.push(format!("{target}: {severity}: {finding} [{code}]"));
    }
    for line in lines {
        let _ = writeln!(out, "{}", plain(&line));
    }
    for part in &report.parts {
        let line = format!("{}: {}: {}", part.target, part.verdict(), part.headline());
        let _ = writeln!(out, "{}", plain(&line));
        details(part, out);
    }
}

/// `|` begins the performance data, and a line end the long output.
fn plain(text: &str) -> String {
    text.trim().replace('|', "/").replace(['\r', '\n'], " ")
}

fn performance_data(report: &Report, prefix: &str, thresholds: &TimeThresholds) -> Vec<String> {
    let range = |range: Option<crate::threshold::Range>| {
        range.map(|range| range.to_string()).unwrap_or_default()
    };
    let (warning, critical) = (range(thresholds.warning), range(thresholds.critical));
    let seconds = report.elapsed.as_secs_f64();
    let mut data = vec![format!(
        "{}={seconds:.6}s;{warning};{critical};0",
        label(&format!("{prefix}time"))
    )];
    for (phase, duration) in super::text::phases(report) {
        let label = label(&format!("{prefix}time_{phase}"));
        data.push(format!("{label}={:.6}s;;;0", duration.as_secs_f64()));
    }
    let mut record = Record::default();
    report.facts.record(&mut record);
    for metric in record.metrics() {
        let unit = match metric.unit {
            Unit::Info => continue,
            Unit::Bytes => "B",
            Unit::Seconds => "s",
            _ => "",
        };
        let name = metric.name.trim_start_matches("probe_");
        data.push(format!(
            "{}={}{unit}",
            label(&format!("{prefix}{name}")),
            metric.value
        ));
    }
    data
}

/// Quoted where it must be.
fn label(name: &str) -> String {
    let name = name.replace('=', "_");
    match name.contains([' ', '\'']) {
        true => format!("'{}'", name.replace('\'', "''")),
        false => name,
    }
}
