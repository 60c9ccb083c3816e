//! Ends of a message that are none: RFC 5321 section 4.1.1.4 knows CR LF . CR LF alone. A server that takes another for
//! the end takes for commands what follows, and the sender's server has sent it as text.

use core::fmt;

/// An end of a message that is none, of those that a sender cannot help: it doubles a dot behind CR LF and no other
/// (RFC 5321 section 4.5.2), so each of these passes through it as it is. CR LF . LF is not among them.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FalseEnd {
    /// CR . CR
    CrCr,
    /// CR . CR LF
    CrCrLf,
    /// CR . LF
    CrLf,
    /// LF . CR
    LfCr,
    /// LF . CR LF
    LfCrLf,
    /// LF . LF
    LfLf,
    /// CR LF NUL . CR LF
    Nul,
}

impl FalseEnd {
    /// Each of them, those first that servers have taken most.
    pub const ALL: [Self; 7] = [
        Self::LfLf,
        Self::LfCrLf,
        Self::CrCrLf,
        Self::CrLf,
        Self::CrCr,
        Self::LfCr,
        Self::Nul,
    ];

    /// Its bytes.
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::CrCr => b"\r.\r",
            Self::CrCrLf => b"\r.\r\n",
            Self::CrLf => b"\r.\n",
            Self::LfCr => b"\n.\r",
            Self::LfCrLf => b"\n.\r\n",
            Self::LfLf => b"\n.\n",
            Self::Nul => b"\r\n\0.\r\n",
        }
    }

    /// Its bytes by their names.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CrCr => "CR . CR",
            Self::CrCrLf => "CR . CR LF",
            Self::CrLf => "CR . LF",
            Self::LfCr => "LF . CR",
            Self::LfCrLf => "LF . CR LF",
            Self::LfLf => "LF . LF",
            Self::Nul => "CR LF NUL . CR LF",
        }
    }
}

impl fmt::Display for FalseEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sender_that_doubles_dots_can_help_any_of_them() {
        for end in FalseEnd::ALL {
            let text = [b"x", end.bytes(), b"x"].concat();
            let is_doubled = text.windows(3).any(|window| window == b"\r\n.");
            assert!(!is_doubled, "{end}");
        }
    }
}
