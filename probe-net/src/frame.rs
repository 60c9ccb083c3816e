//! Finding where a line ends, for every protocol that speaks in lines. What a line means is the codec's.

use memchr::memchr;

/// Finds line ends in a growing buffer and never looks at a byte twice.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines {
    /// Where the line that is being looked for begins.
    start: usize,
    /// How far it was looked through.
    scanned: usize,
}

/// Where a line stands in the buffer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct LineSpan {
    /// Its first byte.
    pub start: usize,
    /// The end of its text, line end not included.
    pub end: usize,
    /// The first byte behind its line end.
    pub next: usize,
    /// How it ended.
    pub ending: Ending,
}

/// How a line ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a line feed has a carriage return before it or has not"
)]
pub enum Ending {
    /// CR LF, as it must be.
    CrLf,
    /// LF alone: tolerated when heard, never said.
    Lf,
}

impl Lines {
    /// The next line of `buffer`, or `None` until it has ended. `buffer` is the same as at the last call, with
    /// perhaps more behind.
    pub fn next(&mut self, buffer: &[u8]) -> Option<LineSpan> {
        // Still inside octets that were to be skipped.
        let unseen = buffer.get(self.scanned..)?;
        let Some(found) = memchr(b'\n', unseen) else {
            self.scanned = buffer.len();
            return None;
        };
        let feed = self.scanned + found;
        let text = buffer.get(self.start..feed).unwrap_or_default();
        let (end, ending) = match text.last() {
            Some(b'\r') => (feed - 1, Ending::CrLf),
            _ => (feed, Ending::Lf),
        };
        let line = LineSpan {
            start: self.start,
            end,
            next: feed + 1,
            ending,
        };
        self.start = line.next;
        self.scanned = line.next;
        Some(line)
    }

    /// Passes over the octets behind the last line: there line ends mean nothing (a literal of IMAP).
    pub fn skip(&mut self, octets: usize) {
        self.start = self.start.saturating_add(octets);
        self.scanned = self.start;
    }

    /// How many bytes of a line that has not ended yet are there.
    pub fn pending(&self) -> usize {
        self.scanned.saturating_sub(self.start)
    }

    /// Begins again at the start of the buffer: to be called when a frame was taken out of it.
    pub fn restart(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(stream: &[u8], piece: usize) -> Vec<(&[u8], Ending)> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        let mut arrived = 0;
        while arrived < stream.len() {
            arrived = (arrived + piece).min(stream.len());
            while let Some(line) = lines.next(&stream[..arrived]) {
                found.push((&stream[line.start..line.end], line.ending));
            }
        }
        found
    }

    #[test]
    fn what_is_skipped_is_not_looked_at_however_late_it_comes() {
        let mut lines = Lines::default();
        let stream = b"{4}\r\n\r\n\r\n rest\r\n";
        assert_eq!(lines.next(stream).map(|line| line.end), Some(3));
        lines.skip(4);
        assert_eq!(lines.next(&stream[..7]), None);
        let line = lines.next(stream).unwrap();
        assert_eq!(&stream[line.start..line.end], b" rest");
    }

    #[test]
    fn however_the_stream_is_cut_the_lines_are_the_same() {
        let stream = b"220-mx\r\n220 mx\n\r\n\r\r\nrest";
        let whole = texts(stream, stream.len());
        assert_eq!(
            whole,
            [
                (&b"220-mx"[..], Ending::CrLf),
                (b"220 mx", Ending::Lf),
                (b"", Ending::CrLf),
                (b"\r", Ending::CrLf),
            ]
        );
        for piece in 1..stream.len() {
            assert_eq!(texts(stream, piece), whole, "pieces of {piece}");
        }
    }
}
