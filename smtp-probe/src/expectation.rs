//! What the caller expects of a reply, and where: for a server that must say something in particular, or must refuse.

use core::fmt;
use core::str::FromStr;

use probe_core::Phase;

use crate::reply::Reply;

/// A point of the dialogue at which the server says something.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Stage {
    /// The answer to the login.
    Auth,
    /// The answer to EHLO or HELO, each time it is said.
    Ehlo,
    /// The first words.
    Greeting,
    /// The answer to MAIL.
    Mail,
    /// The answer to each RCPT.
    Rcpt,
    /// The answer to STARTTLS; as an end, the handshake behind it.
    StartTls,
}

impl Stage {
    /// All of them, in the order of a dialogue.
    pub const ALL: &'static [Self] = &[
        Self::Greeting,
        Self::Ehlo,
        Self::StartTls,
        Self::Auth,
        Self::Mail,
        Self::Rcpt,
    ];

    /// That which this phase is, if it is one.
    pub(crate) fn of(phase: Phase) -> Option<Self> {
        let mut stages = Self::ALL.iter().copied();
        stages.find(|stage| stage.as_str() == phase.as_str())
    }

    /// The name of its phase.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Ehlo => "ehlo",
            Self::Greeting => "greeting",
            Self::Mail => "mail",
            Self::Rcpt => "rcpt",
            Self::StartTls => "starttls",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Stage {
    type Err = ExpectationError;

    fn from_str(text: &str) -> Result<Self, ExpectationError> {
        let mut stages = Self::ALL.iter().copied();
        let named = stages.find(|stage| stage.as_str() == text);
        named.ok_or(ExpectationError::Stage)
    }
}

/// What a reply is expected to be: a code (`250`), a class of codes (`5xx`), or words that any of its lines contains.
///
/// ```
/// use smtp_probe::Expectation;
///
/// assert_eq!("5xx".parse::<Expectation>()?, Expectation::Class(5));
/// assert_eq!("ESMTP".parse::<Expectation>()?, Expectation::Words("ESMTP".to_owned()));
/// # Ok::<(), smtp_probe::ExpectationError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Expectation {
    /// Codes that begin with this digit.
    Class(u8),
    /// This code.
    Code(u16),
    /// These words.
    Words(String),
}

impl Expectation {
    /// Whether the reply is so.
    pub fn is_met_by(&self, reply: &Reply) -> bool {
        let number = reply.code().map(|code| code.number());
        match self {
            Self::Class(digit) => number.is_some_and(|number| number / 100 == u16::from(*digit)),
            Self::Code(code) => number == Some(*code),
            Self::Words(words) => reply.lines().any(|line| contains(line, words.as_bytes())),
        }
    }
}

impl FromStr for Expectation {
    type Err = ExpectationError;

    fn from_str(text: &str) -> Result<Self, ExpectationError> {
        if text.is_empty() {
            return Err(ExpectationError::Empty);
        }
        let class = text.strip_suffix("xx").and_then(|digit| digit.parse().ok());
        if let Some(digit @ 2..=5) = class {
            return Ok(Self::Class(digit));
        }
        match text.parse() {
            Ok(code @ 200..=599) => Ok(Self::Code(code)),
            Ok(_) => Err(ExpectationError::Code),
            Err(_) => Ok(Self::Words(text.to_owned())),
        }
    }
}

impl fmt::Display for Expectation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Class(digit) => write!(f, "{digit}xx"),
            Self::Code(code) => write!(f, "{code}"),
            Self::Words(words) => write!(f, "{words:?}"),
        }
    }
}

/// Why a text is no expectation.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ExpectationError {
    /// A number that no reply has.
    #[error("the code of a reply is a number from 200 to 599")]
    Code,
    /// There is nothing.
    #[error("nothing is expected")]
    Empty,
    /// A point that no dialogue has.
    #[error("a reply comes at greeting, ehlo, starttls, auth, mail or rcpt")]
    Stage,
}

fn contains(line: &[u8], words: &[u8]) -> bool {
    !words.is_empty() && line.windows(words.len()).any(|window| window == words)
}
