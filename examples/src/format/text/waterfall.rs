//! Where the time went: one bar for each phase, placed on the line of the whole probe.

use core::fmt::Write;
use core::time::Duration;

use anstyle::{AnsiColor, Style as Ansi};
use probe_core::{Phase, Report};

use super::{DIM, Style, milliseconds, section};

/// Spans of one phase that follow each other, as one.
struct Turn {
    phase: Phase,
    start: Duration,
    end: Duration,
    times: usize,
}

impl Turn {
    fn name(&self) -> String {
        match self.times {
            1 => self.phase.to_string(),
            times => format!("{} ×{times}", self.phase),
        }
    }
}

pub(super) fn write(report: &Report, style: Style, out: &mut String) {
    let turns = turns(report);
    if turns.is_empty() {
        return;
    }
    section("where the time went", out);
    let failed = report.failure.as_ref().map(|failure| failure.phase);
    let failed = turns.iter().rposition(|turn| Some(turn.phase) == failed);
    let names = turns.iter().map(|turn| turn.name().chars().count()).max();
    let names = names.unwrap_or_default().max(9);
    let columns = style.width.saturating_sub(names + 19).clamp(16, 60);
    for (place, turn) in turns.iter().enumerate() {
        let colour = match failed == Some(place) {
            true => AnsiColor::Red,
            false => AnsiColor::Cyan,
        };
        let colour = Ansi::new().fg_color(Some(colour.into()));
        let _ = writeln!(
            out,
            "    {:<names$} {DIM}│{DIM:#}{colour}{}{colour:#}{DIM}│{DIM:#}{:>11}",
            turn.name(),
            bar(turn.start, turn.end, report.elapsed, columns),
            milliseconds(turn.end.saturating_sub(turn.start)),
        );
    }
}

fn turns(report: &Report) -> Vec<Turn> {
    let mut turns: Vec<Turn> = Vec::new();
    for span in &report.spans {
        match turns.last_mut() {
            Some(last) if last.phase == span.phase => {
                last.end = span.end();
                last.times += 1;
            }
            _ => turns.push(Turn {
                phase: span.phase,
                start: span.start,
                end: span.end(),
                times: 1,
            }),
        }
    }
    turns
}

/// A bar from one part of the whole to another: it begins at a full column, ends at an eighth of one, and is never
/// invisible.
fn bar(from: Duration, to: Duration, whole: Duration, columns: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = |at: Duration| {
        let line = u128::try_from(columns * 8).unwrap_or_default();
        let reached = at.min(whole).as_nanos() * line / whole.as_nanos().max(1);
        usize::try_from(reached).unwrap_or_default()
    };
    let start = (eighths(from) / 8).min(columns - 1);
    let length = eighths(to).saturating_sub(start * 8).max(1);
    let rest = EIGHTHS.get(length % 8).copied().unwrap_or_default();
    let bar = format!("{:start$}{}{rest}", "", "█".repeat(length / 8));
    format!("{bar:<columns$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ten_columns(from: u64, to: u64) -> String {
        let ms = Duration::from_millis;
        bar(ms(from), ms(to), ms(80), 10)
    }

    #[test]
    fn a_bar_ends_at_an_eighth_of_a_column() {
        assert_eq!(ten_columns(0, 80), "██████████");
        assert_eq!(ten_columns(8, 20), " █▌       ");
        assert_eq!(ten_columns(8, 17), " █▏       ");
    }

    #[test]
    fn a_bar_is_never_invisible_and_never_too_long() {
        assert_eq!(ten_columns(0, 0), "▏         ");
        assert_eq!(ten_columns(80, 80), "         █");
        assert_eq!(ten_columns(40, 90), "     █████");
        assert_eq!(
            bar(Duration::ZERO, Duration::ZERO, Duration::ZERO, 10)
                .chars()
                .count(),
            10
        );
    }
}
