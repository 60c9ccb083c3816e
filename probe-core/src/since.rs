//! Since when it has been so: what an earlier report said already.

use std::time::SystemTime;

use serde_json::Value as Json;

use crate::{AnyFacts, Finding, Report, Snapshot};

/// Dates the findings that an earlier report had too: by [what that says](Finding::since), or by its own beginning. A
/// report that is kept for the next time keeps the dates with it.
///
/// ```
/// use probe_core::{Context, FindingKind, Report, Severity, Snapshot, remember};
///
/// static SLOW: FindingKind = FindingKind::new("example.slow", Severity::Warning, "it is slow", "");
/// let report = |at: Context| -> Result<_, probe_core::TargetError> {
///     let mut report = Report::new("smtp", "mx.example.org".parse()?, at.now(), ()).erase();
///     report.add_finding(SLOW.found("7 s"));
///     Ok(report)
/// };
/// let first = Context::default();
/// let before: Snapshot = report(first.clone())?.to_json().parse()?;
/// let mut now = report(Context::default())?;
/// remember(&before, &mut now);
/// assert!(now.findings[0].since.is_some());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn remember(before: &Snapshot, now: &mut Report<AnyFacts>) {
    date(before.json(), now);
}

fn date(before: &Json, now: &mut Report<AnyFacts>) {
    let Some(began) = before.get("started_at").and_then(time) else {
        return;
    };
    let known: Vec<_> = list(before, "findings")
        .map(|finding| Known {
            code: text(finding, "code"),
            subject: subject(text(finding, "evidence")),
            since: finding.get("since").and_then(time).unwrap_or(began),
        })
        .collect();
    let alone: Vec<_> = now.findings.iter().map(Finding::code).collect();
    for finding in &mut now.findings {
        let of_code = known.iter().filter(|one| one.code == finding.code());
        let (mut same, others): (Vec<_>, Vec<_>) =
            of_code.partition(|one| one.subject == subject(&finding.evidence));
        // The only one of its kind is the same whatever its numbers are.
        let is_alone = alone.iter().filter(|code| **code == finding.code()).count() == 1;
        if let [other] = others.as_slice()
            && is_alone
        {
            same.push(other);
        }
        finding.since = same.first().map(|one| one.since);
    }
    for part in &mut now.parts {
        let target = part.target.to_string();
        let is_it = |one: &&Json| text(one, "probe") == part.probe && text(one, "target") == target;
        if let Some(earlier) = list(before, "parts").find(is_it) {
            date(earlier, part);
        }
    }
}

/// A finding of the earlier report.
struct Known<'a> {
    code: &'a str,
    subject: &'a str,
    since: SystemTime,
}

/// What a finding is about, of several of its kind: evidence names it first, and then gives the words of the day.
fn subject(evidence: &str) -> &str {
    let end = evidence.find([':', '(', ',', ';']);
    evidence
        .get(..end.unwrap_or(evidence.len()))
        .unwrap_or_default()
        .trim()
}

fn list<'a>(of: &'a Json, name: &str) -> impl Iterator<Item = &'a Json> {
    of.get(name).and_then(Json::as_array).into_iter().flatten()
}

fn text<'a>(of: &'a Json, name: &str) -> &'a str {
    of.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn time(value: &Json) -> Option<SystemTime> {
    humantime::parse_rfc3339(value.as_str()?).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{FindingKind, Severity};

    static LISTED: FindingKind = FindingKind::new("test.listed", Severity::Critical, "listed", "");
    static SLOW: FindingKind = FindingKind::new("test.slow", Severity::Warning, "slow", "");

    fn day(number: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(86_400 * number)
    }

    fn report(at: u64, findings: &[(&'static FindingKind, &str)]) -> Report {
        let target = "192.0.2.1".parse().unwrap();
        let mut report = Report::new("dnsbl", target, day(at), ()).erase();
        for (kind, evidence) in findings {
            report.add_finding(kind.found(*evidence));
        }
        report
    }

    /// The days of the findings, after these reports one after the other.
    fn dated(reports: Vec<Report>) -> Vec<Option<SystemTime>> {
        let mut before: Option<Snapshot> = None;
        let mut last = Vec::new();
        for mut report in reports {
            if let Some(before) = &before {
                remember(before, &mut report);
            }
            last = report.findings.iter().map(|one| one.since).collect();
            before = Some(report.to_json().parse().unwrap());
        }
        last
    }

    #[test]
    fn the_first_report_that_said_it_is_remembered_from_report_to_report() {
        let one = (&LISTED, "bl.test (127.0.0.2): monday's words");
        let other = (&LISTED, "bl.test (127.0.0.3): tuesday's words");
        let second = (&LISTED, "xbl.test (127.0.0.2)");
        let reports = vec![
            report(1, &[one]),
            report(2, &[other]),
            report(3, &[one, second]),
        ];
        assert_eq!(dated(reports), [Some(day(1)), None]);
    }

    #[test]
    fn what_was_gone_begins_anew() {
        let one = (&LISTED, "bl.test");
        let reports = vec![report(1, &[one]), report(2, &[]), report(3, &[one])];
        assert_eq!(dated(reports), [None]);
    }

    #[test]
    fn the_only_one_of_its_kind_is_the_same_whatever_its_numbers() {
        let reports = vec![report(1, &[(&SLOW, "7 s")]), report(2, &[(&SLOW, "9 s")])];
        assert_eq!(dated(reports), [Some(day(1))]);
    }

    #[test]
    fn members_are_dated_by_their_own() {
        let pool = |at| {
            let mut pool = report(at, &[]);
            pool.parts.push(report(at, &[(&SLOW, "7 s")]));
            pool
        };
        let before: Snapshot = pool(1).to_json().parse().unwrap();
        let mut now = pool(2);
        remember(&before, &mut now);
        assert_eq!(now.parts[0].findings[0].since, Some(day(1)));
    }
}
