//! A message to send, and how its bytes travel: with DATA each line that begins with a dot gets another (RFC 5321
//! section 4.5.2), with BDAT they go as they are (RFC 3030).

use core::fmt;
use std::sync::Arc;

use probe_net::message::Canary;

/// A message, byte for byte as it is to arrive.
///
/// ```
/// use smtp_probe::{Message, MessageError};
///
/// assert!(Message::new(*b"Subject: hello\r\n\r\n.dots\r\n").is_ok());
/// assert_eq!(Message::new(*b"a\nb\r\n"), Err(MessageError::LineEnd));
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Message(Arc<[u8]>);

impl Message {
    /// A message of these bytes.
    ///
    /// # Errors
    /// Lines end in CR LF, the last one too, and neither stands alone: servers disagree on what a lone one means, and
    /// what follows could be taken for commands (RFC 5321 section 2.3.8). NUL is refused as well.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, MessageError> {
        let bytes = bytes.into();
        if bytes.contains(&0) {
            return Err(MessageError::Nul);
        }
        let whole = bytes.strip_suffix(b"\r\n").ok_or(MessageError::LineEnd)?;
        let lines = whole.split(|byte| *byte == b'\n');
        let last = lines.clone().count().saturating_sub(1);
        for (at, line) in lines.enumerate() {
            let line = match at == last {
                true => line,
                false => line.strip_suffix(b"\r").ok_or(MessageError::LineEnd)?,
            };
            if line.contains(&b'\r') {
                return Err(MessageError::LineEnd);
            }
        }
        Ok(Self(bytes.into()))
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Its length in octets.
    pub(crate) fn octets(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }

    /// Whether it needs 8BITMIME.
    pub(crate) fn is_eight_bit(&self) -> bool {
        !self.0.is_ascii()
    }

    /// Its bytes as DATA wants them, without the dot at the end.
    pub(crate) fn stuffed(&self) -> Vec<u8> {
        let mut stuffed = Vec::with_capacity(self.0.len() + 16);
        for line in self.0.split_inclusive(|byte| *byte == b'\n') {
            if line.starts_with(b".") {
                stuffed.push(b'.');
            }
            stuffed.extend_from_slice(line);
        }
        stuffed
    }
}

/// A canary is well-formed from the start.
impl From<&Canary> for Message {
    fn from(canary: &Canary) -> Self {
        Self(canary.bytes().into())
    }
}

/// Its length: what it says is nobody's business.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Message({} octets)", self.0.len())
    }
}

/// How a message travels.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Transfer {
    /// By BDAT where the server offers CHUNKING, else by DATA.
    #[default]
    Chunks,
    /// By DATA.
    Data,
}

/// Why bytes are no message that can be sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// A line ends otherwise than in CR LF.
    #[error("the lines of a message end in CR LF, the last one too, and neither stands alone")]
    LineEnd,
    /// It contains NUL.
    #[error("a message contains no NUL")]
    Nul,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What a server makes of the bytes behind 354 (RFC 5321 section 4.5.2).
    fn received(bytes: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match line {
                b".\r\n" => return message,
                line => message.extend_from_slice(line.strip_prefix(b".").unwrap_or(line)),
            }
        }
        panic!("no end in {bytes:?}");
    }

    proptest! {
        #[test]
        fn whatever_the_message_it_arrives_as_it_is(
            lines in proptest::collection::vec("[.a]{0,4}", 1..8),
        ) {
            let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
            let message = Message::new(text.clone()).unwrap();
            let said = [&message.stuffed()[..], b".\r\n", b"250 not part of it"].concat();
            prop_assert_eq!(received(&said), text.into_bytes());
        }
    }
}
