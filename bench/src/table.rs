//! The tables that are printed: what was measured for whom, and below it what was to be reached.

use std::fmt;

/// One row of the list of targets.
#[derive(Debug)]
pub(crate) struct Table {
    title: String,
    lines: Vec<Vec<String>>,
    targets: Vec<(String, f64, bool)>,
    notes: Vec<String>,
}

impl Table {
    /// `columns` are headings; the first stands over the names.
    pub(crate) fn new(title: &str, columns: &[&str]) -> Self {
        Self {
            title: title.to_owned(),
            lines: vec![columns.iter().map(|&column| column.to_owned()).collect()],
            targets: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(crate) fn line<const N: usize>(&mut self, cells: [String; N]) {
        self.lines.push(cells.into());
    }

    /// What was to be reached: at most `limit`.
    pub(crate) fn at_most(&mut self, what: &str, limit: f64, measured: f64) {
        let target = format!("{what} <= {limit}");
        self.targets.push((target, measured, measured <= limit));
    }

    /// What was to be reached: `wanted`, give or take `tolerance`.
    pub(crate) fn exactly(&mut self, what: &str, wanted: f64, tolerance: f64, measured: f64) {
        let target = format!("{what} = {wanted} +-{tolerance}");
        let reached = (measured - wanted).abs() <= tolerance;
        self.targets.push((target, measured, reached));
    }

    pub(crate) fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.lines.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column| {
            let cells = self.lines.iter().filter_map(|line| line.get(column));
            cells
                .map(|cell: &String| cell.chars().count())
                .max()
                .unwrap_or_default()
        };
        (0..columns).map(width).collect()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{}", self.title)?;
        let widths = self.widths();
        for line in &self.lines {
            let cells = line.iter().zip(&widths);
            let padded: Vec<_> = cells
                .map(|(cell, width)| format!("{cell:width$}"))
                .collect();
            writeln!(f, "  {}", padded.join("  ").trim_end())?;
        }
        for (target, measured, reached) in &self.targets {
            let word = if *reached { "pass" } else { "MISS" };
            writeln!(f, "  {word}  {target}: {measured:.2}")?;
        }
        self.notes
            .iter()
            .try_for_each(|note| writeln!(f, "  {note}"))
    }
}
