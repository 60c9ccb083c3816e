//! Reports for people at a terminal: the verdict first, then where the time went, what is wrong and what to do,
//! and what was learned. Each section has a file; here is the page.

mod delivery;
mod facts;
mod problems;
mod waterfall;

use core::cmp::Reverse;
use core::fmt::Write;
use core::time::Duration;
use std::time::SystemTime;

use anstyle::{AnsiColor, Effects, Style as Ansi};
use probe_core::{Report, Severity, Verdict, printable};
use textwrap::{Options, WordSplitter};

/// How much is shown.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Style {
    /// Columns of the terminal.
    pub width: usize,
    /// Fingerprints, serial numbers and the transcript as well.
    pub verbose: bool,
}

impl Style {
    /// For a terminal this wide.
    pub const fn new(width: usize, verbose: bool) -> Self {
        Self { width, verbose }
    }
}

const BOLD: Ansi = Ansi::new().effects(Effects::BOLD);
const DIM: Ansi = Ansi::new().effects(Effects::DIMMED);

/// The report, coloured by ANSI sequences; who writes to a file strips them.
pub fn text(report: &Report, style: Style) -> String {
    let mut out = String::new();
    headline(report, style, &mut out);
    waterfall::write(report, style, &mut out);
    problems::write(report, style, &mut out);
    facts::write(report, style, &mut out);
    if style.verbose && !report.transcript.is_empty() {
        section("transcript", &mut out);
        let _ = write!(out, "{}", report.transcript);
    }
    if !report.parts.is_empty() {
        let _ = write!(out, "\n{}", members(&report.parts, style));
    }
    out
}

/// The members of a composite: a row for each, then in full those that are not well. A few are all told.
fn members(parts: &[Report], style: Style) -> String {
    const FEW: usize = 3;
    let told: Vec<_> = parts
        .iter()
        .filter(|part| style.verbose || parts.len() <= FEW || part.verdict() > Verdict::Ok)
        .cloned()
        .collect();
    let full = urgent(&told).map(|part| text(part, style));
    let full = full.collect::<Vec<_>>().join("\n");
    match (parts.len(), full.is_empty()) {
        (1, _) => full,
        (_, true) => rows(parts, style),
        (_, false) => format!("{}\n{full}", rows(parts, style)),
    }
}

/// Several reports: a row for each, then each in full; the most urgent first.
pub(super) fn texts(reports: &[Report], style: Style) -> String {
    let full = urgent(reports).map(|report| text(report, style));
    let full = full.collect::<Vec<_>>().join("\n");
    match reports.len() {
        0 | 1 => full,
        _ => format!("{}\n{full}", rows(reports, style)),
    }
}

/// The most urgent first.
fn urgent(reports: &[Report]) -> impl Iterator<Item = &Report> {
    let mut urgent: Vec<_> = reports.iter().collect();
    urgent.sort_by_key(|report| Reverse(report.verdict()));
    urgent.into_iter()
}

/// A row for each, which names the probe where there are several.
fn rows(reports: &[Report], style: Style) -> String {
    let first = reports.first().map(|report| report.probe);
    let is_mixed = reports.iter().any(|report| Some(report.probe) != first);
    let widest = reports.iter().map(|report| report.probe.len()).max();
    let widest = widest.unwrap_or_default();
    let name = |report: &Report| match is_mixed {
        true => format!("{:<widest$} {}", report.probe, report.target),
        false => report.target.to_string(),
    };
    let rows = urgent(reports).map(|report| (report.verdict(), name(report), brief(report)));
    table(&rows.collect::<Vec<_>>(), style)
}

/// A row for each: verdict, name, words; the words end where the screen does.
pub(crate) fn table(rows: &[(Verdict, String, String)], style: Style) -> String {
    const BEFORE_NAME: usize = 14;
    let width = |name: &str| name.chars().count();
    let names = rows.iter().map(|(_, name, _)| width(name)).max();
    let names = names.unwrap_or_default();
    let room = style.width.saturating_sub(BEFORE_NAME + names + 2).max(20);
    let row = |(verdict, name, words): &(Verdict, String, String)| {
        let words = printable(words.as_bytes());
        let colour = Ansi::new().fg_color(Some(colour(*verdict).into()));
        let words = shortened(&words, room);
        format!("  {colour}●{colour:#} {verdict:<9} {name:<names$}  {words}\n")
    };
    rows.iter().map(row).collect()
}

fn shortened(words: &str, room: usize) -> String {
    match words.chars().nth(room) {
        None => words.to_owned(),
        Some(_) => words.chars().take(room - 1).chain(['…']).collect(),
    }
}

/// What the report says in the fewest words.
fn brief(report: &Report) -> String {
    if report.verdict() == Verdict::Ok {
        return report.headline();
    }
    let first = report.findings.first();
    if let Some(cause) = first.filter(|finding| finding.severity == Severity::Critical) {
        return cause.kind.summary.to_owned();
    }
    match (&report.failure, first) {
        (Some(failure), _) => failure.detail.clone(),
        (None, Some(finding)) => finding.kind.summary.to_owned(),
        (None, None) => report.headline(),
    }
}

fn headline(report: &Report, style: Style, out: &mut String) {
    let verdict = report.verdict();
    let badge = Ansi::new()
        .fg_color(Some(AnsiColor::Black.into()))
        .bg_color(Some(colour(verdict).into()));
    let _ = writeln!(
        out,
        "{badge} {} {badge:#} {BOLD}{}{BOLD:#} {} {DIM}{}{DIM:#}",
        verdict.as_str().to_ascii_uppercase(),
        report.target,
        report.probe,
        milliseconds(report.elapsed),
    );
    paragraph(&report.headline(), "  ", "  ", style, out);
}

const fn colour(verdict: Verdict) -> AnsiColor {
    match verdict {
        Verdict::Ok => AnsiColor::Green,
        Verdict::Warning => AnsiColor::Yellow,
        Verdict::Unknown => AnsiColor::Magenta,
        Verdict::Critical => AnsiColor::Red,
    }
}

fn section(title: &str, out: &mut String) {
    let _ = writeln!(out, "\n  {BOLD}{title}{BOLD:#}");
}

/// Text that fits the screen: `first` stands before its first line, `rest` before those that follow. All words of
/// peers come through here, and none of them can steer the terminal.
fn paragraph(text: &str, first: &str, rest: &str, style: Style, out: &mut String) {
    let options = Options::new(style.width.max(60))
        .initial_indent(first)
        .subsequent_indent(rest)
        // A mechanism or a host name that is broken at its hyphen could not be copied.
        .word_splitter(WordSplitter::NoHyphenation);
    let _ = writeln!(
        out,
        "{}",
        textwrap::fill(&printable(text.as_bytes()), options)
    );
}

fn milliseconds(duration: Duration) -> String {
    match duration.as_secs_f64() * 1000.0 {
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 1000.0 => format!("{ms:.1} ms"),
        ms => format!("{:.2} s", ms / 1000.0),
    }
}

/// `2027-01-22`. What lies beyond the calendar of RFC 3339, or before 1970, is shown as its edge.
fn day(time: SystemTime) -> String {
    let mut text = humantime::format_rfc3339_seconds(within_calendar(time)).to_string();
    text.truncate("2027-01-22".len());
    text
}

fn within_calendar(time: SystemTime) -> SystemTime {
    const LAST_SECOND_OF_9999: Duration = Duration::from_secs(253_402_300_799);
    let epoch = SystemTime::UNIX_EPOCH;
    time.clamp(epoch, epoch + LAST_SECOND_OF_9999)
}

/// `60 days`: as exact as people speak of it.
fn length(time: Duration) -> String {
    const HOUR: u64 = 60 * 60;
    const DAY: u64 = 24 * HOUR;
    const YEAR: u64 = 365 * DAY;
    match time.as_secs() {
        seconds if seconds < 2 * 60 => format!("{seconds} seconds"),
        seconds if seconds < 2 * HOUR => format!("{} minutes", seconds / 60),
        seconds if seconds < 2 * DAY => format!("{} hours", seconds / HOUR),
        seconds if seconds < 2 * YEAR => format!("{} days", seconds / DAY),
        seconds => format!("{} years", seconds / YEAR),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::sample::{EXPIRED, report};

    #[test]
    fn several_reports_begin_with_a_row_for_each_the_most_urgent_first() {
        let mut broken = report("mx2.example.org:25");
        broken.findings.push(EXPIRED.found("on 2021-01-01"));
        let page = texts(
            &[report("mx1.example.org:25"), broken],
            Style::new(80, false),
        );
        let page = anstream::adapter::strip_str(&page).to_string();
        let lines: Vec<_> = page.lines().take(5).collect();
        assert_eq!(
            lines,
            [
                "  ● critical  mx2.example.org:25  the certificate has expired",
                "  ● ok        mx1.example.org:25  all is well",
                "",
                " CRITICAL  mx2.example.org:25 smtp 12.0 ms",
                "  the certificate has expired: on 2021-01-01",
            ]
        );
    }

    #[test]
    fn a_row_is_no_longer_than_the_screen() {
        let rows = [(Verdict::Critical, "mx".repeat(15), "long words ".repeat(20))];
        let page = table(&rows, Style::new(80, false));
        let row = anstream::adapter::strip_str(&page).to_string();
        assert_eq!(row.trim_end().chars().count(), 80);
        assert!(row.ends_with("…\n"));
    }

    #[test]
    fn times_are_told_with_as_many_places_as_matter() {
        let told = |micros| milliseconds(Duration::from_micros(micros));
        assert_eq!(told(1_234), "1.23 ms");
        assert_eq!(told(56_789), "56.8 ms");
        assert_eq!(told(12_345_678), "12.35 s");
    }
}
