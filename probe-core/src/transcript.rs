//! What was said, line by line, redacted when it was written down.

use core::fmt;
use core::time::Duration;

/// Who spoke.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "two can speak, and the driver remarks"
)]
pub enum Direction {
    /// The server said it.
    Received,
    /// A remark of the driver: a handshake, an end.
    Remark,
    /// We said it.
    Sent,
}

impl Direction {
    /// The mark before a line: `S`, `-` or `C`.
    pub const fn mark(self) -> char {
        match self {
            Self::Received => 'S',
            Self::Remark => '-',
            Self::Sent => 'C',
        }
    }
}

/// One line of a [`Transcript`].
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Line {
    /// When, counted from the start of the probe.
    pub at: Duration,
    /// Who.
    pub direction: Direction,
    /// What, without the line's end; printable: control characters are escaped.
    pub text: String,
}

/// The exchange as it went, secrets replaced by a fixed text before they were written.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Transcript {
    lines: Vec<Line>,
    bytes: usize,
    cut: bool,
}

impl Transcript {
    /// No more than this is kept; what comes after is dropped and the transcript says so.
    pub const LIMIT: usize = 64 * 1024;

    /// Adds a line, or several if `bytes` has line ends inside.
    pub fn push(&mut self, at: Duration, direction: Direction, bytes: &[u8]) {
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            // An empty line takes room too.
            let size = line.len().saturating_add(1);
            if self.bytes.saturating_add(size) > Self::LIMIT {
                self.cut = true;
                return;
            }
            self.bytes += size;
            self.lines.push(Line {
                at,
                direction,
                text: printable(line),
            });
        }
    }

    /// The lines in the order in which they were said.
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Whether anything was kept.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

impl fmt::Display for Transcript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            let ms = line.at.as_secs_f64() * 1000.0;
            writeln!(f, "{ms:10.1} {} {}", line.direction.mark(), line.text)?;
        }
        if self.cut {
            writeln!(f, "{:>10} - (the rest was too long to keep)", "")?;
        }
        Ok(())
    }
}

/// Bytes of a peer as text for people: lossy UTF-8, control characters escaped so that a hostile server
/// cannot move the cursor of whoever reads.
pub fn printable(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '\t' => text.push(' '),
            c if c.is_control() || is_invisible(c) => {
                text.extend(c.escape_unicode());
            }
            c => text.push(c),
        }
    }
    text
}

/// Characters that are not seen and change how their neighbours are: direction, joining, line ends, tags.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_line_cannot_steer_the_terminal() {
        let mut transcript = Transcript::default();
        transcript.push(
            Duration::ZERO,
            Direction::Received,
            b"220 \x1b[2Jhi \xff\r\n250 two\r\n",
        );
        let texts: Vec<_> = transcript.lines().iter().map(|line| &*line.text).collect();
        assert_eq!(texts, ["220 \\u{1b}[2Jhi \u{fffd}", "250 two"]);
    }

    #[test]
    fn what_is_too_long_is_cut_and_said_so() {
        let mut transcript = Transcript::default();
        transcript.push(
            Duration::ZERO,
            Direction::Received,
            &vec![b'x'; Transcript::LIMIT - 1],
        );
        assert!(!transcript.cut);
        transcript.push(Duration::ZERO, Direction::Received, b"y");
        assert!(transcript.cut);
        assert_eq!(transcript.lines().len(), 1);
        assert!(transcript.to_string().contains("too long to keep"));
    }
}
