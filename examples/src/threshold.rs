//! Thresholds on the time that a probe takes, and the findings that come of them.

use probe_core::{FindingKind, Report, Severity, Thresholds};

/// All findings about thresholds.
pub static FINDINGS: &[&FindingKind] = &[&SLOW];

static SLOW: FindingKind = FindingKind::new(
    "time.threshold",
    Severity::Warning,
    "the probe took a time outside the given range",
    "See which phase took it: a slow connect is the network, a slow greeting the server's DNS or load.",
);

/// Adds the finding that the report's time (in seconds) deserves, if any.
pub fn judge<F>(thresholds: &Thresholds, report: &mut Report<F>) {
    let seconds = report.elapsed.as_secs_f64();
    let finding = thresholds.judge(seconds, &SLOW, format_args!("{seconds:.3} s"));
    if let Some(finding) = finding {
        report.add_finding(finding);
    }
}
