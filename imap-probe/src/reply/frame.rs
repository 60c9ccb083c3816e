//! Where a response ends: at the end of its line, unless that announces a literal, behind which the line goes on
//! (RFC 9051 section 4.3). Nothing is understood here, so one bad response cannot lead the next astray.

use probe_net::Malformed;
use probe_net::frame::{Ending, Lines};

use super::Limits;

/// The response that is being heard.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Frame {
    lines: Lines,
    literals: usize,
    /// Whether what has been heard is a human's text, in which braces mean nothing.
    is_prose: Option<bool>,
    has_bare_lf: bool,
}

/// A whole response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Framed {
    /// The end of its text, line end not included.
    pub(super) end: usize,
    /// The first byte behind it.
    pub(super) next: usize,
    pub(super) has_bare_lf: bool,
}

impl Frame {
    /// The response at the start of `input`, or `None` until it has ended.
    pub(super) fn next(
        &mut self,
        input: &[u8],
        limits: &Limits,
    ) -> Result<Option<Framed>, Malformed> {
        while let Some(line) = self.lines.next(input) {
            let text = input.get(line.start..line.end).unwrap_or_default();
            if text.len() > limits.line {
                return Err(Malformed::too_large("a line", limits.line));
            }
            if line.next > limits.octets {
                return Err(Malformed::too_large("a response", limits.octets));
            }
            self.has_bare_lf |= line.ending == Ending::Lf;
            let prose = *self.is_prose.get_or_insert_with(|| is_prose(text));
            match announced(text).filter(|_| !prose || in_code(text)) {
                Some(octets) => self.pass_over(octets, line.next, limits)?,
                None => {
                    let framed = Framed {
                        end: line.end,
                        next: line.next,
                        has_bare_lf: self.has_bare_lf,
                    };
                    *self = Self::default();
                    return Ok(Some(framed));
                }
            }
        }
        // One more for the CR that may stand there already.
        match self.lines.pending() > limits.line + 1 {
            true => Err(Malformed::too_large("a line", limits.line)),
            false => Ok(None),
        }
    }

    fn pass_over(&mut self, octets: usize, heard: usize, limits: &Limits) -> Result<(), Malformed> {
        if octets > limits.literal {
            return Err(Malformed::too_large("a literal", limits.literal));
        }
        if heard.saturating_add(octets) > limits.octets {
            return Err(Malformed::too_large("a response", limits.octets));
        }
        if self.literals == limits.literals {
            return Err(Malformed::too_large(
                "a response, in literals,",
                limits.literals,
            ));
        }
        self.literals += 1;
        self.lines.skip(octets);
        Ok(())
    }
}

/// The octets that the end of a line announces: `{12}`, `{12+}`.
fn announced(line: &[u8]) -> Option<usize> {
    let inside = line.strip_suffix(b"}")?;
    let inside = inside.strip_suffix(b"+").unwrap_or(inside);
    // No count that matters has more digits.
    let digits = inside.iter().rev().take(20);
    let digits = digits.take_while(|byte| byte.is_ascii_digit()).count();
    let (before, digits) = inside.split_at_checked(inside.len().checked_sub(digits)?)?;
    if before.last() != Some(&b'{') || digits.is_empty() {
        return None;
    }
    let octets = core::str::from_utf8(digits).ok()?.parse();
    // More than can be counted is more than any limit.
    Some(octets.unwrap_or(usize::MAX))
}

/// Whether a line is one of `OK`, `NO`, `BAD`, `BYE`, `PREAUTH` or `+`: what they end in is for people to read.
fn is_prose(line: &[u8]) -> bool {
    let mut words = line
        .split(|byte| *byte == b' ')
        .filter(|word| !word.is_empty());
    let (first, second) = (words.next().unwrap_or_default(), words.next());
    let status: [&[u8]; 5] = [b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"];
    let is_status = |word: &[u8]| status.iter().any(|known| known.eq_ignore_ascii_case(word));
    first.starts_with(b"+") || second.is_some_and(is_status)
}

/// Whether the line ends inside of a response code, which may hold a literal (`BADCHARSET`).
fn in_code(line: &[u8]) -> bool {
    line.contains(&b'[') && !line.contains(&b']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_announced_at_the_end_of_a_line_and_nowhere_else() {
        assert_eq!(announced(b"* 1 FETCH (BODY[] {12}"), Some(12));
        assert_eq!(announced(b"x {12+}"), Some(12));
        assert_eq!(announced(b"x ~{0}"), Some(0));
        assert_eq!(announced(b"{99999999999999999999999}"), None);
        assert_eq!(announced(b"{99999999999999999999}"), Some(usize::MAX));
        for nothing in [&b"x {12} "[..], b"x {}", b"x {a}", b"12}", b"{+}", b""] {
            assert_eq!(announced(nothing), None, "{nothing:?}");
        }
    }
}
