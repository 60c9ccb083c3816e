//! The output of a monitoring plugin: one line with performance data behind `|`, details below.
//! <https://www.monitoring-plugins.org/doc/guidelines.html>

use core::fmt::Write;

use probe_core::{Facts, Metric, Range, Record, Report, Thresholds, Unit, Verdict, printable};

use super::worst;

/// The reports as a plugin says them. Its exit status is that of the [worst](worst) verdict.
pub fn nagios(reports: &[Report], thresholds: &Thresholds) -> String {
    let service = service(reports);
    let several = reports.len() > 1;
    let mut data = Vec::new();
    let mut details = String::new();
    for report in reports {
        let prefix = match several {
            true => format!("{} ", report.target),
            false => String::new(),
        };
        performance_data(report, &prefix, thresholds, &mut data);
        if several {
            member(report, &mut details);
        } else {
            evidence(report, &mut details);
        }
    }
    let (service, verdict) = (
        service.to_uppercase(),
        worst(reports).as_str().to_uppercase(),
    );
    let (headline, data) = (plain(&headline(reports)), data.join(" "));
    format!("{service} {verdict} - {headline} | {data}\n{details}")
}

/// What all of them ask.
fn service(reports: &[Report]) -> &'static str {
    match reports {
        [first, rest @ ..] if rest.iter().all(|one| one.probe == first.probe) => first.probe,
        _ => "mail",
    }
}

fn headline(reports: &[Report]) -> String {
    let count = reports.len();
    let troubled = reports
        .iter()
        .filter(|report| report.verdict() > Verdict::Ok);
    // Of equals the first: it is the one that the details begin with.
    let weighty = reports.iter().rev().max_by_key(|report| report.verdict());
    match (weighty, troubled.count()) {
        (None, _) => "nothing was asked".to_owned(),
        (Some(_), 0) if count > 1 => format!("all {count} targets are well"),
        (Some(report), troubled) => {
            let ms = report.elapsed.as_secs_f64() * 1000.0;
            let told = format!("{}: {} ({ms:.0} ms)", report.target, report.headline());
            match count {
                1 => told,
                _ => format!("{troubled} of {count} targets in trouble, {told}"),
            }
        }
    }
}

/// One of several: its verdict, and what led to it.
fn member(report: &Report, out: &mut String) {
    let (target, verdict, headline) = (&report.target, report.verdict(), report.headline());
    let _ = writeln!(
        out,
        "{}",
        plain(&format!("{target}: {verdict}: {headline}"))
    );
    evidence(report, out);
}

fn evidence(report: &Report, out: &mut String) {
    let target = &report.target;
    let mut lines = Vec::new();
    for finding in &report.findings {
        let (severity, code) = (finding.severity, finding.code());
        lines.push(format!("{target}: {severity}: {finding} [{code}]"));
    }
    if let Some(failure) = &report.failure {
        let words = failure.reply.as_deref().map(probe_net::excerpt);
        let words = words.map(|words| format!(" ({words})")).unwrap_or_default();
        lines.push(format!("{target}: failure: {failure}{words}"));
    }
    for line in lines {
        let _ = writeln!(out, "{}", plain(&line));
    }
    for part in &report.parts {
        member(part, out);
    }
}

/// `|` begins the performance data, a line end the long output, and control characters are nobody's.
fn plain(text: &str) -> String {
    let line = text.trim().replace('|', "/").replace(['\r', '\n'], " ");
    printable(line.as_bytes())
}

fn performance_data(
    report: &Report,
    prefix: &str,
    thresholds: &Thresholds,
    data: &mut Vec<String>,
) {
    let range = |range: Option<Range>| range.map(|range| range.to_string()).unwrap_or_default();
    let (warning, critical) = (range(thresholds.warning), range(thresholds.critical));
    let seconds = report.elapsed.as_secs_f64();
    let time = label(&format!("{prefix}time"));
    data.push(format!("{time}={seconds:.6}s;{warning};{critical};0"));
    for (phase, duration) in super::phases(report) {
        let label = label(&format!("{prefix}time_{phase}"));
        data.push(format!("{label}={:.6}s;;;0", duration.as_secs_f64()));
    }
    let mut record = Record::default();
    report.facts.record(&mut record);
    // Graphs of plugins have no histograms.
    let is_bucket = |metric: &&Metric| metric.labels.iter().any(|(label, _)| *label == "le");
    for metric in record.metrics().into_iter().filter(|one| !is_bucket(one)) {
        let unit = match metric.unit {
            Unit::Info => continue,
            Unit::Bytes => "B",
            Unit::Seconds => "s",
            _ => "",
        };
        let name = metric.name.trim_start_matches("probe_");
        let which = metric.labels.iter().filter(|(_, which)| !which.is_empty());
        let which: String = which.map(|(_, which)| format!("_{which}")).collect();
        let label = label(&format!("{prefix}{name}{which}"));
        data.push(format!("{label}={}{unit}", metric.value));
    }
    // Only the whole is held against the thresholds.
    for part in &report.parts {
        let prefix = match part.probe == report.probe {
            true => format!("{} ", part.target),
            // Several probes ask about one target.
            false => format!("{} {} ", part.probe, part.target),
        };
        performance_data(part, &prefix, &Thresholds::default(), data);
    }
}

/// Quoted where it must be.
fn label(name: &str) -> String {
    let name = name.replace('=', "_");
    match name.contains([' ', '\'']) {
        true => format!("'{}'", name.replace('\'', "''")),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::sample::{EXPIRED, report};

    fn thresholds() -> Thresholds {
        Thresholds::new("5".parse().ok(), "10:20".parse().ok())
    }

    #[test]
    fn one_line_says_it_and_carries_the_data() {
        assert_eq!(
            nagios(&[report("mx.example.org:25")], &thresholds()),
            "SMTP OK - mx.example.org:25: all is well (12 ms) | time=0.012000s;5;10:20;0 \
             time_connect=0.002000s;;;0 time_greeting=0.010000s;;;0\n"
        );
    }

    #[test]
    fn words_of_a_peer_cannot_begin_the_data_or_a_line() {
        let mut report = report("mx.example.org:25");
        report.findings.push(EXPIRED.found("a|b\r\nc"));
        let page = nagios(&[report], &Thresholds::default());
        let lines: Vec<_> = page.lines().collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(page.matches('|').count(), 1);
        assert_eq!(
            lines[1],
            "mx.example.org:25: critical: the certificate has expired: a/b\\u{d}\\u{a}c [test.expired]"
        );
    }

    #[test]
    fn of_several_the_worst_is_named_and_each_has_data_of_its_own() {
        let mut broken = report("[2001:db8::1]:25");
        broken.findings.push(EXPIRED.found(""));
        let page = nagios(&[report("mx1.example.org:25"), broken], &thresholds());
        let (said, data) = page.lines().next().unwrap().split_once(" | ").unwrap();
        assert_eq!(
            said,
            "SMTP CRITICAL - 1 of 2 targets in trouble, \
             [2001:db8::1]:25: the certificate has expired (12 ms)"
        );
        assert!(data.starts_with("'mx1.example.org:25 time'=0.012000s;5;10:20;0 "));
        assert!(data.contains(" '[2001:db8::1]:25 time_connect'=0.002000s;;;0"));
    }

    #[test]
    fn several_probes_of_one_target_have_data_of_their_own() {
        let mut whole = report("example.org");
        for probe in ["mx", "registration"] {
            let mut part = report("example.org");
            part.probe = probe;
            whole.parts.push(part);
        }
        let page = nagios(&[whole], &Thresholds::default());
        assert!(page.contains(" 'mx example.org time'=0.012000s;;;0"));
        assert!(page.contains(" 'registration example.org time'=0.012000s;;;0"));
    }

    #[test]
    fn a_label_is_quoted_where_it_must_be() {
        assert_eq!(label("time"), "time");
        assert_eq!(label("a b"), "'a b'");
        assert_eq!(label("it's=so"), "'it''s_so'");
    }
}
