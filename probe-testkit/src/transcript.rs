//! Recorded dialogues, read back from text, so that what real servers said can be said again. Only the parsing; a
//! recording becomes a server in `script`.

use std::fs;
use std::path::Path;

/// One entry of a recorded dialogue. Bytes are as they were sent, line ends included.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Line {
    /// What the client said: a line, or all the lines of a message.
    Client(Vec<u8>),
    /// What the server said, up to the next word of the client: often several lines.
    Server(Vec<u8>),
    /// Here TLS began; the version and the cipher suite, as recorded.
    Tls(String),
}

/// Reads a recorded dialogue from a file; see [`parse_transcript`].
///
/// # Panics
///
/// If there is no such file, or it is no dialogue, or an empty one.
#[allow(clippy::panic, reason = "a replay that finds nothing must fail")]
#[track_caller]
pub fn transcript(path: impl AsRef<Path>) -> Vec<Line> {
    let path = path.as_ref();
    match fs::read(path) {
        Ok(text) => parse_transcript(text),
        Err(error) => panic!("the transcript {} cannot be read: {error}", path.display()),
    }
}

/// Reads a recorded dialogue.
///
/// A line beginning `C: ` was said by the client, one beginning `S: ` by the server. Lines without either belong to
/// the entry before them: the lines of a message. A line `-- TLS version suite --` is where the handshake was.
/// `S(literal): ` precedes bytes of the server that end before the line end that follows them in the recording. Line
/// ends are taken as they are.
///
/// ```
/// use probe_testkit::{Line, parse_transcript};
///
/// let lines = parse_transcript("S: 220-mx\r\nS: 220 ready\r\nC: STARTTLS\r\nS: 220 go\r\n-- TLS TLSv1.3 X --\r\n");
/// assert_eq!(
///     lines,
///     [
///         Line::Server(b"220-mx\r\n220 ready\r\n".to_vec()),
///         Line::Client(b"STARTTLS\r\n".to_vec()),
///         Line::Server(b"220 go\r\n".to_vec()),
///         Line::Tls("TLSv1.3 X".into()),
///     ],
/// );
/// ```
///
/// # Panics
///
/// If the text is empty, or does not begin with an entry.
#[allow(clippy::panic, reason = "a replay that finds nothing must fail")]
#[track_caller]
pub fn parse_transcript(text: impl AsRef<[u8]>) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut literal = Literal::No;
    for line in text.as_ref().split_inclusive(|&byte| byte == b'\n') {
        match Entry::read(line) {
            Entry::Continued(bytes) => match lines.last_mut() {
                Some(Line::Client(entry) | Line::Server(entry)) => entry.extend_from_slice(bytes),
                _ => panic!("no entry of a dialogue: \"{}\"", line.escape_ascii()),
            },
            entry => {
                literal.end(&mut lines);
                literal = entry.append_to(&mut lines);
            }
        }
    }
    literal.end(&mut lines);
    assert!(!lines.is_empty(), "the transcript is empty");
    lines
}

/// Whether the entry in hand is a literal, of which the last line end is not part.
#[derive(Clone, Copy)]
enum Literal {
    Yes,
    No,
}

impl Literal {
    fn end(self, lines: &mut [Line]) {
        if let (Self::Yes, Some(Line::Server(said))) = (self, lines.last_mut()) {
            said.truncate(crate::conversation::without_line_end(said).len());
        }
    }
}

/// One line of the recording, and what its prefix makes of it.
enum Entry<'t> {
    Client(&'t [u8]),
    Server(&'t [u8]),
    ServerLiteral(&'t [u8]),
    Tls(&'t [u8]),
    Continued(&'t [u8]),
}

impl<'t> Entry<'t> {
    fn read(line: &'t [u8]) -> Self {
        if let Some(bytes) = line.strip_prefix(b"C: ") {
            Self::Client(bytes)
        } else if let Some(bytes) = line.strip_prefix(b"S: ") {
            Self::Server(bytes)
        } else if let Some(bytes) = line.strip_prefix(b"S(literal): ") {
            Self::ServerLiteral(bytes)
        } else if let Some(bytes) = line.strip_prefix(b"-- TLS ") {
            Self::Tls(bytes)
        } else {
            Self::Continued(line)
        }
    }

    /// The server's entries join: they are one utterance until the client speaks.
    fn append_to(self, lines: &mut Vec<Line>) -> Literal {
        match self {
            Self::Client(bytes) => lines.push(Line::Client(bytes.to_vec())),
            Self::Server(bytes) | Self::ServerLiteral(bytes) | Self::Continued(bytes) => {
                match lines.last_mut() {
                    Some(Line::Server(said)) => said.extend_from_slice(bytes),
                    _ => lines.push(Line::Server(bytes.to_vec())),
                }
            }
            Self::Tls(bytes) => {
                let agreed = String::from_utf8_lossy(bytes);
                lines.push(Line::Tls(
                    agreed.trim_end().trim_end_matches("--").trim_end().into(),
                ));
            }
        }
        match self {
            Self::ServerLiteral(_) => Literal::Yes,
            _ => Literal::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_message_belong_to_one_entry() {
        let lines = parse_transcript(
            "C: DATA\r\nS: 354 go\r\nC: Subject: x\r\n\r\n..\r\n.\r\nS: 250 ok\r\n",
        );
        assert_eq!(lines.len(), 4);
        assert_eq!(
            lines[2],
            Line::Client(b"Subject: x\r\n\r\n..\r\n.\r\n".to_vec())
        );
    }

    #[test]
    fn a_literal_ends_before_the_line_end_of_the_recording() {
        let lines = parse_transcript(
            "S: * 1 FETCH (X {4}\r\nS(literal): a\r\n\r\nS:  Y {2}\r\nS(literal): hi\r\nS: )\r\n",
        );
        assert_eq!(
            lines,
            [Line::Server(
                b"* 1 FETCH (X {4}\r\na\r\n Y {2}\r\nhi)\r\n".to_vec()
            )]
        );
    }

    #[test]
    #[should_panic(expected = "no entry of a dialogue")]
    fn a_text_that_is_no_dialogue_panics() {
        parse_transcript("220 ready\r\n");
    }

    #[test]
    #[should_panic(expected = "the transcript is empty")]
    fn an_empty_dialogue_panics() {
        parse_transcript("");
    }

    #[test]
    #[should_panic(expected = "cannot be read")]
    fn a_missing_dialogue_panics() {
        transcript("tests/transcripts/none.dialog");
    }
}
