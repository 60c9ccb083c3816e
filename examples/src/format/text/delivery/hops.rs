//! The way of a message, hop by hop: a table, or where that does not fit the screen, lines for each hop, since a name of a
//! host that is shortened is of no use. What a hop has to say of its clock stands below it.

use core::cmp::Reverse;
use core::fmt::Write;
use core::time::Duration;

use anstyle::{AnsiColor, Style as Ansi};
use probe_core::{Record, Value};

use super::{duration, spoken, trees};
use crate::format::text::facts::{Page, find};
use crate::format::text::{DIM, paragraph};

/// What stands before a hop: an indent, and a mark where it is slow.
const BEFORE: usize = 6;

/// Between two columns.
const GAP: usize = 2;

/// So much the slowest hop of an arrival takes at least, if it is one of so many that were found to be slow.
pub(super) fn slow_from(arrivals: &[&Record], slow: usize) -> Option<Duration> {
    let slowest = |arrival: &&Record| trees(arrival, "hops").filter_map(delay).max();
    let mut all: Vec<_> = arrivals.iter().filter_map(slowest).collect();
    all.sort_by_key(|delay| Reverse(*delay));
    all.get(slow.checked_sub(1)?).copied()
}

impl Page {
    /// The hops of an arrival.
    pub(super) fn hops(&mut self, arrival: &Record, slow_from: Option<Duration>) {
        let clocks: Vec<_> = trees(arrival, "clocks").collect();
        let slowest = trees(arrival, "hops").filter_map(delay).max();
        let is_slow = slow_from.is_some() && slowest >= slow_from;
        let mut hops: Vec<_> = trees(arrival, "hops")
            .map(|leg| self.hop(leg, &clocks))
            .collect();
        let slow = trees(arrival, "hops").position(|leg| is_slow && delay(leg) == slowest);
        if let Some(hop) = slow.and_then(|slow| hops.get_mut(slow)) {
            hop.look = Look::Slow;
        }
        let mut rows = vec![Hop::title()];
        rows.append(&mut hops);
        match widths(&rows) {
            _ if rows.len() == 1 => (),
            widths if BEFORE + widths.iter().sum::<usize>() + 3 * GAP <= self.style.width => {
                for row in &rows {
                    let line = row.in_columns(widths);
                    self.hop_lines(row, &[line]);
                }
            }
            _ => {
                for row in rows.iter().skip(1) {
                    let [took, by, from, with] = &row.cells;
                    self.hop_lines(
                        row,
                        &[format!("{by} from {from}"), format!("{took}, {with}")],
                    );
                }
            }
        }
        if let Some(Value::Number(left_out @ 1..)) = find(arrival, "hops_left_out") {
            let _ = writeln!(self.out, "{:BEFORE$}and {left_out} before them", "");
        }
    }

    fn hop(&self, leg: &Record, clocks: &[&Record]) -> Hop {
        let text = |key| find(leg, key).and_then(|value| self.words(value));
        let protection = match (text("tls_version"), text("protection").as_deref()) {
            (Some(version), _) => version,
            (None, Some("tls")) => "TLS".to_owned(),
            (None, Some("local")) => "on the host".to_owned(),
            (None, Some("none")) => "no TLS".to_owned(),
            (None, _) => "TLS not told".to_owned(),
        };
        let with = [text("protocol"), Some(protection)];
        let with: Vec<_> = with.into_iter().flatten().collect();
        let host = text("host").unwrap_or_default();
        let clock = clocks.iter().find(|clock| {
            let of = find(clock, "host").and_then(|value| self.words(value));
            of.is_some_and(|of| of.eq_ignore_ascii_case(&host))
        });
        Hop {
            cells: [
                delay(leg).map_or_else(|| "?".to_owned(), spoken),
                host,
                text("from").unwrap_or_else(|| "us".to_owned()),
                with.join(", "),
            ],
            clock: clock.and_then(|clock| clock_off(clock)),
            look: Look::Usual,
        }
    }

    /// Lines that fit the screen, in the look of the hop; what its clock does is below them.
    fn hop_lines(&mut self, hop: &Hop, lines: &[String]) {
        let (mark, look) = match hop.look {
            Look::Slow => ('!', Ansi::new().fg_color(Some(AnsiColor::Yellow.into()))),
            Look::Title => (' ', DIM),
            Look::Usual => (' ', Ansi::new()),
        };
        let mut mark = mark;
        for line in lines {
            // Colour takes no place on the screen, so it is put in when the line is laid out.
            let before = " ".repeat(BEFORE);
            let mut laid_out = String::new();
            paragraph(line, &before, &before, self.style, &mut laid_out);
            for line in laid_out.lines() {
                let line = line.get(BEFORE..).unwrap_or_default();
                let _ = writeln!(self.out, "    {look}{mark} {line}{look:#}");
                mark = ' ';
            }
        }
        if let Some(clock) = &hop.clock {
            let before = " ".repeat(BEFORE + GAP);
            paragraph(clock, &before, &before, self.style, &mut self.out);
        }
    }
}

/// A hop in words.
struct Hop {
    /// How long it took, by whom, from whom, with what.
    cells: [String; 4],
    clock: Option<String>,
    look: Look,
}

#[derive(Clone, Copy)]
enum Look {
    Slow,
    Title,
    Usual,
}

impl Hop {
    fn title() -> Self {
        Self {
            cells: ["took", "by", "from", "with"].map(str::to_owned),
            clock: None,
            look: Look::Title,
        }
    }

    fn in_columns(&self, [first, second, third, _]: [usize; 4]) -> String {
        let [took, by, from, with] = &self.cells;
        format!("{took:>first$}  {by:<second$}  {from:<third$}  {with}")
    }
}

fn widths(rows: &[Hop]) -> [usize; 4] {
    let mut widths = [0; 4];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(&row.cells) {
            *width = cell.chars().count().max(*width);
        }
    }
    widths
}

fn delay(leg: &Record) -> Option<Duration> {
    duration(leg, "delay")
}

/// `its clock is fast by 3m to 3m 1s`.
fn clock_off(clock: &Record) -> Option<String> {
    let Some(Value::Text(direction)) = find(clock, "direction") else {
        return None;
    };
    let least = spoken(duration(clock, "at_least")?);
    let most = match find(clock, "at_most_ms") {
        Some(Value::Number(most)) => u64::try_from(*most).ok().map(Duration::from_millis),
        _ => None,
    };
    let by = match most.map(spoken) {
        Some(most) if most != least => format!("{least} to {most}"),
        Some(_) => least,
        None => format!("at least {least}"),
    };
    let doubt = match find(clock, "proof") {
        Some(Value::Text(proof)) if proof == "our-clock" => "",
        _ => ", or that of another hop is wrong",
    };
    Some(format!("its clock is {direction} by {by}{doubt}"))
}
