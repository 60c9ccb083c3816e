//! What is wrong and what to do: each finding with its evidence, remedy and code, and the failure.

use core::fmt::Write;
use std::time::SystemTime;

use anstyle::{AnsiColor, Effects, Style as Ansi};
use probe_core::{Failure, Finding, Report, Severity, Verdict};

use super::{BOLD, DIM, Style, day, length, paragraph, section};

pub(super) fn write(report: &Report, style: Style, out: &mut String) {
    let infos_only = report
        .findings
        .iter()
        .all(|finding| finding.severity == Severity::Info);
    match (&report.failure, infos_only) {
        (None, true) if report.findings.is_empty() => return,
        (None, true) => section("good to know", out),
        _ => section("what is wrong and what to do", out),
    }
    // Those of one kind stand together: what they mean is said once.
    let same =
        |one: &Finding, next: &Finding| (one.kind, one.severity) == (next.kind, next.severity);
    for group in report.findings.chunk_by(same) {
        write_findings(group, report.started_at, style, out);
    }
    if let Some(failure) = &report.failure {
        write_failure(failure, &report.findings, style, out);
    }
}

fn write_findings(group: &[Finding], now: SystemTime, style: Style, out: &mut String) {
    let Some(finding) = group.first() else {
        return;
    };
    let (mark, colour) = match finding.severity {
        Severity::Critical => ('✗', AnsiColor::Red),
        Severity::Warning => ('!', AnsiColor::Yellow),
        Severity::Info => ('·', AnsiColor::Cyan),
    };
    title(mark, colour, finding.kind.summary, style, out);
    for finding in group {
        if !finding.evidence.is_empty() {
            indented(&finding.evidence, style, out);
        }
        since(finding, now, out);
    }
    advice(finding.kind.remedy, style, out);
    code(finding.code(), out);
}

/// Where it stopped. What to do is said only where no finding has said it better, and the server's words only once.
fn write_failure(failure: &Failure, findings: &[Finding], style: Style, out: &mut String) {
    let (mark, colour) = match failure.kind.verdict() {
        Verdict::Unknown => ('?', AnsiColor::Magenta),
        _ => ('✗', AnsiColor::Red),
    };
    let stopped = format!("stopped at {}: {}", failure.phase, failure.detail);
    title(mark, colour, &stopped, style, out);
    let words = failure.reply.as_deref().map(probe_net::excerpt);
    let words = words.filter(|words| findings.iter().all(|one| one.evidence != *words));
    if let Some(words) = words {
        indented(&format!("the server said: {words}"), style, out);
    }
    let is_explained = findings
        .iter()
        .any(|one| one.severity == Severity::Critical);
    if !is_explained {
        advice(failure.kind.remedy(), style, out);
    }
    code(failure.kind.as_str(), out);
}

fn title(mark: char, colour: AnsiColor, words: &str, style: Style, out: &mut String) {
    let colour = Ansi::new()
        .fg_color(Some(colour.into()))
        .effects(Effects::BOLD);
    let mut lines = String::new();
    paragraph(words, "    ", "    ", style, &mut lines);
    let words = lines.trim();
    let _ = writeln!(out, "  {colour}{mark}{colour:#} {BOLD}{words}{BOLD:#}");
}

fn advice(remedy: &str, style: Style, out: &mut String) {
    paragraph(remedy, "      → ", "        ", style, out);
}

/// As far as earlier reports are known.
fn since(finding: &Finding, now: SystemTime, out: &mut String) {
    if let Some(since) = finding.since {
        let so_long = length(now.duration_since(since).unwrap_or_default());
        let _ = writeln!(out, "      {DIM}since {} ({so_long}){DIM:#}", day(since));
    }
}

fn code(code: &str, out: &mut String) {
    let _ = writeln!(out, "      {DIM}{code}{DIM:#}");
}

fn indented(words: &str, style: Style, out: &mut String) {
    paragraph(words, "      ", "      ", style, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::sample::{EXPIRED, report};
    use probe_core::{FailureKind, Phase};

    fn page(report: &Report) -> String {
        let mut out = String::new();
        write(report, Style::new(80, false), &mut out);
        anstream::adapter::strip_str(&out).to_string()
    }

    fn refused() -> Report {
        let mut report = report("mx.example.org:25");
        let failure = Failure::new(Phase::GREETING, FailureKind::Closed, "the server hung up");
        report.failure = Some(failure.with_reply("554 no\r\n"));
        report
    }

    #[test]
    fn a_failure_is_told_with_the_servers_words_and_a_remedy() {
        let told = page(&refused());
        assert!(told.contains(
            "what is wrong and what to do
  ✗ stopped at greeting: the server hung up
      the server said: 554 no
      → Look into the server's log at this time:"
        ));
        assert!(told.ends_with("\n      closed\n"), "{told}");
    }

    #[test]
    fn what_a_finding_has_explained_the_failure_does_not_repeat() {
        let mut report = refused();
        report.findings.push(EXPIRED.found("554 no"));
        assert_eq!(
            page(&report),
            "
  what is wrong and what to do
  ✗ the certificate has expired
      554 no
      → Renew it.
      test.expired
  ✗ stopped at greeting: the server hung up
      closed\n"
        );
    }

    #[test]
    fn where_nothing_is_wrong_nothing_is_called_so() {
        let mut report = report("mx.example.org:25");
        assert_eq!(page(&report), "");
        report
            .findings
            .push(EXPIRED.found("").with_severity(Severity::Info));
        assert!(page(&report).starts_with("\n  good to know\n  · the certificate"));
    }
}
