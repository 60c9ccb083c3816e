//! A report for people at a terminal: the verdict first, then where the time went, what is wrong and what to
//! do, and what was learned.

use core::fmt::Write;
use core::time::Duration;

use anstyle::{AnsiColor, Effects, Style as Ansi};
use probe_core::{Facts, Phase, Record, Report, Severity, Value, Verdict};
use textwrap::Options;

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
    headline(report, &mut out);
    waterfall(report, style, &mut out);
    problems(report, style, &mut out);
    facts(report, style, &mut out);
    if style.verbose && !report.transcript.is_empty() {
        section("transcript", &mut out);
        let _ = write!(out, "{}", report.transcript);
    }
    for part in &report.parts {
        let _ = writeln!(out);
        out.push_str(&text(part, style));
    }
    out
}

/// A coloured dot and a word for a verdict.
pub(crate) fn badge(verdict: Verdict) -> (String, String) {
    let colour = match verdict {
        Verdict::Ok => AnsiColor::Green,
        Verdict::Warning => AnsiColor::Yellow,
        Verdict::Unknown => AnsiColor::Magenta,
        Verdict::Critical => AnsiColor::Red,
    };
    let colour = Ansi::new().fg_color(Some(colour.into()));
    (format!("{colour}●{colour:#}"), verdict.to_string())
}

/// The headline and the code behind it, for one row of a table.
pub(crate) fn brief(report: &Report) -> String {
    let finding = report.findings.first().map(|finding| finding.kind.summary);
    let failure = report
        .failure
        .as_ref()
        .map(|failure| failure.detail.as_str());
    let weighty = report
        .findings
        .first()
        .filter(|one| one.severity == Severity::Critical);
    match weighty {
        Some(finding) => finding.kind.summary.to_owned(),
        None => failure.or(finding).unwrap_or("all is well").to_owned(),
    }
}

/// The time of each phase, in the order in which they first came; several turns of one are added up.
pub(super) fn phases(report: &Report) -> Vec<(Phase, Duration)> {
    let mut phases: Vec<(Phase, Duration)> = Vec::new();
    for span in &report.spans {
        match phases.iter_mut().find(|(phase, _)| *phase == span.phase) {
            Some((_, total)) => *total += span.duration,
            None => phases.push((span.phase, span.duration)),
        }
    }
    phases
}

fn headline(report: &Report, out: &mut String) {
    let verdict = report.verdict();
    let colour = colour(verdict);
    let word = verdict.as_str().to_ascii_uppercase();
    let _ = writeln!(
        out,
        "{colour} {word} {colour:#} {BOLD}{}{BOLD:#} {} {DIM}{}{DIM:#}",
        report.target,
        report.probe,
        milliseconds(report.elapsed),
    );
    let _ = writeln!(out, "  {}", report.headline());
}

fn colour(verdict: Verdict) -> Ansi {
    let background = match verdict {
        Verdict::Ok => AnsiColor::Green,
        Verdict::Warning => AnsiColor::Yellow,
        Verdict::Unknown => AnsiColor::Magenta,
        Verdict::Critical => AnsiColor::Red,
    };
    Ansi::new()
        .fg_color(Some(AnsiColor::Black.into()))
        .bg_color(Some(background.into()))
}

fn section(title: &str, out: &mut String) {
    let _ = writeln!(out, "\n  {BOLD}{title}{BOLD:#}");
}

/// One bar for each phase, placed on the line of the whole probe.
fn waterfall(report: &Report, style: Style, out: &mut String) {
    let whole = report.elapsed.as_secs_f64();
    if report.spans.is_empty() || whole <= 0.0 {
        return;
    }
    section("where the time went", out);
    let columns = style.width.saturating_sub(32).clamp(16, 60);
    for (phase, start, duration, times) in turns(report) {
        let (from, to) = (
            start.as_secs_f64() / whole,
            (start + duration).as_secs_f64() / whole,
        );
        let bar = bar(from, to, columns);
        let name = if times > 1 {
            format!("{phase} ×{times}")
        } else {
            phase.to_string()
        };
        let failed = report
            .failure
            .as_ref()
            .is_some_and(|failure| failure.phase == phase);
        let colour = match failed {
            true => Ansi::new().fg_color(Some(AnsiColor::Red.into())),
            false => Ansi::new().fg_color(Some(AnsiColor::Cyan.into())),
        };
        let _ = writeln!(
            out,
            "    {name:<12}{DIM}│{DIM:#}{colour}{bar}{colour:#}{DIM}│{DIM:#}{:>11}",
            milliseconds(duration)
        );
    }
}

/// The spans, those of one phase that follow each other taken together.
fn turns(report: &Report) -> Vec<(Phase, Duration, Duration, usize)> {
    let mut turns: Vec<(Phase, Duration, Duration, usize)> = Vec::new();
    for span in &report.spans {
        match turns.last_mut() {
            Some((phase, start, duration, times)) if *phase == span.phase => {
                *duration = span.end().saturating_sub(*start);
                *times += 1;
            }
            _ => turns.push((span.phase, span.start, span.duration, 1)),
        }
    }
    turns
}

/// A bar from one part of the line to another, to an eighth of a column at its end; never invisible.
fn bar(from: f64, to: f64, columns: usize) -> String {
    const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let eighths = |part: f64| {
        let mut at = 0;
        while at < columns * 8 && ratio(at + 1, columns * 8) <= part {
            at += 1;
        }
        at
    };
    let start = (eighths(from) / 8).min(columns - 1);
    let end = eighths(to).max(start * 8 + 1);
    let full = end / 8 - start;
    let rest = PARTS.get(end % 8).filter(|_| end % 8 > 0);
    let mut bar = " ".repeat(start) + &"█".repeat(full);
    bar.extend(rest);
    let missing = columns.saturating_sub(bar.chars().count());
    bar + &" ".repeat(missing)
}

fn ratio(part: usize, whole: usize) -> f64 {
    let small = |number: usize| u32::try_from(number).map_or(f64::MAX, f64::from);
    small(part) / small(whole)
}

fn problems(report: &Report, style: Style, out: &mut String) {
    if report.failure.is_none() && report.findings.is_empty() {
        return;
    }
    section("what is wrong and what to do", out);
    for finding in &report.findings {
        let (mark, colour) = mark(finding.severity.verdict(), finding.severity);
        let _ = writeln!(
            out,
            "  {colour}{mark}{colour:#} {BOLD}{}{BOLD:#}",
            finding.kind.summary
        );
        if !finding.evidence.is_empty() {
            paragraph(&finding.evidence, style, out);
        }
        paragraph(&format!("→ {}", finding.kind.remedy), style, out);
        let _ = writeln!(out, "      {DIM}{}{DIM:#}", finding.code());
    }
    if let Some(failure) = &report.failure {
        let (mark, colour) = mark(failure.kind.verdict(), Severity::Critical);
        let _ = writeln!(
            out,
            "  {colour}{mark}{colour:#} {BOLD}stopped at {}: {}{BOLD:#}",
            failure.phase, failure.detail
        );
        if let Some(reply) = &failure.reply {
            paragraph(
                &format!("the server said: {}", probe_net::excerpt(reply)),
                style,
                out,
            );
        }
        paragraph(&format!("→ {}", failure.kind.remedy()), style, out);
        let _ = writeln!(out, "      {DIM}{}{DIM:#}", failure.kind);
    }
}

fn mark(verdict: Verdict, severity: Severity) -> (char, Ansi) {
    let (mark, colour) = match (verdict, severity) {
        (Verdict::Unknown, _) => ('?', AnsiColor::Magenta),
        (_, Severity::Critical) => ('✗', AnsiColor::Red),
        (_, Severity::Warning) => ('!', AnsiColor::Yellow),
        (_, Severity::Info) => ('·', AnsiColor::Cyan),
    };
    (
        mark,
        Ansi::new()
            .fg_color(Some(colour.into()))
            .effects(Effects::BOLD),
    )
}

fn paragraph(text: &str, style: Style, out: &mut String) {
    let indent = "      ";
    let options = Options::new(style.width.max(40))
        .initial_indent(indent)
        .subsequent_indent(indent);
    let _ = writeln!(out, "{}", textwrap::fill(text, options));
}

fn facts(report: &Report, style: Style, out: &mut String) {
    let mut record = Record::default();
    report.facts.record(&mut record);
    if record.entries().next().is_none() {
        return;
    }
    section("what was learned", out);
    for (key, value) in record.entries() {
        fact(key, value, 4, style, out);
    }
}

/// Only shown when asked for: nobody reads them, somebody may need them.
const PARTICULARS: [&str; 8] = [
    "serial",
    "signature",
    "sha256",
    "spki_sha256",
    "key_bits",
    "ip_protocol",
    "earliest_expiry",
    "alpn",
];

fn fact(key: &str, value: &Value, indent: usize, style: Style, out: &mut String) {
    if !style.verbose && PARTICULARS.contains(&key) {
        return;
    }
    match value {
        Value::Tree(tree) if is_flat(tree) => {
            let members = tree.entries().filter_map(|(name, value)| {
                let hidden = !style.verbose && PARTICULARS.contains(&name);
                let shown = shown(value).filter(|_| !hidden)?;
                Some(if shown.is_empty() {
                    name.to_owned()
                } else {
                    format!("{name} {shown}")
                })
            });
            entry(
                key,
                &members.collect::<Vec<_>>().join(", "),
                indent,
                style,
                out,
            );
        }
        Value::Tree(tree) => {
            let _ = writeln!(out, "{:indent$}{DIM}{key}{DIM:#}", "");
            for (key, value) in tree.entries() {
                fact(key, value, indent + 2, style, out);
            }
        }
        Value::List(values) if values.iter().any(|value| matches!(value, Value::Tree(_))) => {
            for value in values {
                fact(key, value, indent, style, out);
            }
        }
        value => {
            if let Some(shown) = shown(value) {
                entry(key, &shown, indent, style, out);
            }
        }
    }
}

fn is_flat(tree: &Record) -> bool {
    let branches = |value: &Value| match value {
        Value::Tree(_) => true,
        Value::List(values) => values.iter().any(|value| matches!(value, Value::Tree(_))),
        _ => false,
    };
    !tree.entries().any(|(_, value)| branches(value))
}

fn entry(key: &str, shown: &str, indent: usize, style: Style, out: &mut String) {
    let key = key.replace('_', " ");
    let column = 22;
    let first = format!(
        "{:indent$}{key:<rest$}",
        "",
        rest = column - indent.min(column)
    );
    let following = " ".repeat(column);
    let options = Options::new(style.width.max(60))
        .initial_indent(&first)
        .subsequent_indent(&following);
    let _ = writeln!(out, "{}", textwrap::fill(shown, options));
}

/// A leaf as text; `None` where there is nothing to show.
fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Flag(true) => Some("yes".to_owned()),
        Value::Flag(false) => Some("no".to_owned()),
        Value::Labelled(value, _) => shown(value),
        Value::List(values) if values.is_empty() => None,
        Value::List(values) => Some(
            values
                .iter()
                .filter_map(shown)
                .collect::<Vec<_>>()
                .join(", "),
        ),
        Value::Metric(metric) => Some(metric.value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Text(text) => Some(text.trim_end().to_owned()),
        Value::Time(time) => {
            let time = humantime::format_rfc3339_seconds(*time).to_string();
            Some(time.split('T').next().unwrap_or_default().to_owned())
        }
        _ => None,
    }
}

fn milliseconds(duration: Duration) -> String {
    match duration.as_secs_f64() * 1000.0 {
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 1000.0 => format!("{ms:.1} ms"),
        ms => format!("{:.2} s", ms / 1000.0),
    }
}
