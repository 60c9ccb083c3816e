//! Enhanced status codes (RFC 3463, RFC 5248 and the registry of IANA), as far as they say why a canary was lost.

use core::fmt;

use nom::bytes::complete::take_while_m_n;
use nom::character::complete::{char, one_of};
use nom::combinator::map_opt;
use nom::{IResult, Parser};

/// An enhanced status code: `5.1.1`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// 2 for success, 4 for later, 5 for never.
    pub class: u8,
    /// What it is about.
    pub subject: u16,
    /// What of it.
    pub detail: u16,
}

impl Status {
    /// The first code in a text, wherever it stands.
    pub fn find(text: &[u8]) -> Option<Self> {
        let is_within = |at: usize| {
            let before = at.checked_sub(1).and_then(|before| text.get(before));
            before.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'.')
        };
        (0..text.len())
            .filter(|at| !is_within(*at))
            .filter_map(|at| text.get(at..))
            .find_map(|text| {
                let (rest, status) = status(text).ok()?;
                let goes_on = rest.first().is_some_and(|byte| {
                    byte.is_ascii_alphanumeric()
                        || (*byte == b'.' && rest.get(1).is_some_and(u8::is_ascii_digit))
                });
                (!goes_on).then_some(status)
            })
    }

    /// Whether it may yet come.
    pub fn is_temporary(&self) -> bool {
        self.class == 4
    }

    /// Why, by subject and detail.
    pub fn cause(&self) -> Cause {
        match (self.subject, self.detail) {
            (1, 8 | 7) => Cause::Sender,
            (1, 9) | (4, 4 | 3) | (1, 10 | 2) => Cause::Routing,
            (1, _) | (2, 1) => Cause::Address,
            (2, 2) | (3, 1) => Cause::Quota,
            (2, 3) | (3, 4) => Cause::Size,
            (4, 6) => Cause::Loop,
            (4, _) => Cause::Network,
            (5, 3) => Cause::Other,
            (5, _) => Cause::Protocol,
            (6, _) => Cause::Content,
            (7, 10 | 11 | 30) => Cause::Tls,
            (7, 20..=29) => Cause::Authentication,
            (7, _) => Cause::Policy,
            (2 | 3, _) => Cause::System,
            _ => Cause::Other,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// Why a message did not arrive: each has another remedy.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// No such mailbox, or it is switched off.
    Address,
    /// SPF, DKIM or DMARC.
    Authentication,
    /// Its content cannot be handed on as it is.
    Content,
    /// It went round in a circle.
    Loop,
    /// The next server could not be reached, or not in time.
    Network,
    /// Something else.
    Other,
    /// A rule of the receiver's.
    Policy,
    /// The servers misunderstood each other.
    Protocol,
    /// No room.
    Quota,
    /// No way to the domain.
    Routing,
    /// The sender's address is not taken.
    Sender,
    /// Too large.
    Size,
    /// The server has trouble of its own.
    System,
    /// The encryption that was asked for is not to be had.
    Tls,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 14] = [
        Self::Address,
        Self::Authentication,
        Self::Content,
        Self::Loop,
        Self::Network,
        Self::Other,
        Self::Policy,
        Self::Protocol,
        Self::Quota,
        Self::Routing,
        Self::Sender,
        Self::Size,
        Self::System,
        Self::Tls,
    ];

    /// The name in reports and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Authentication => "authentication",
            Self::Content => "content",
            Self::Loop => "loop",
            Self::Network => "network",
            Self::Other => "other",
            Self::Policy => "policy",
            Self::Protocol => "protocol",
            Self::Quota => "quota",
            Self::Routing => "routing",
            Self::Sender => "sender",
            Self::Size => "size",
            Self::System => "system",
            Self::Tls => "tls",
        }
    }

    /// The cause of this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }

    /// What it means, in a few words.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Address => "the mailbox does not exist or is switched off",
            Self::Authentication => "SPF, DKIM or DMARC did not pass",
            Self::Content => "the content could not be handed on as it is",
            Self::Loop => "it went round in a circle",
            Self::Network => "the next server could not be reached in time",
            Self::Other => "a reason that the status does not name",
            Self::Policy => "a rule of the receiver turned it away",
            Self::Protocol => "the servers misunderstood each other",
            Self::Quota => "the mailbox or the disk is full",
            Self::Routing => "there is no way to the domain",
            Self::Sender => "the sender's address is not taken",
            Self::Size => "it is larger than the receiver takes",
            Self::System => "the receiving server has trouble of its own",
            Self::Tls => "the encryption that was asked for is not to be had",
        }
    }

    /// The cause that a server's words give where it has no enhanced status, or one that says nothing (`5.0.0`).
    pub(crate) fn of_words(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        let found = WORDS
            .iter()
            .find(|(_, words)| words.iter().any(|word| text.contains(word)));
        found.map_or(Self::Other, |(cause, _)| *cause)
    }
}

/// What servers write, in small letters; the first that fits counts.
const WORDS: [(Cause, &[&str]); 8] = [
    (
        Cause::Quota,
        &[
            "quota",
            "mailbox full",
            "mailbox is full",
            "over limit",
            "insufficient storage",
        ],
    ),
    (
        Cause::Address,
        &[
            "user unknown",
            "unknown user",
            "no such user",
            "no mailbox here",
            "does not exist",
            "unrouteable address",
            "recipient not found",
            "recipientnotfound",
            "unknown or illegal alias",
            "mailbox unavailable",
        ],
    ),
    (
        Cause::Loop,
        &["too many hops", "hop count", "mail loop", "loops back"],
    ),
    (
        Cause::Size,
        &["message size exceeds", "too large", "too big"],
    ),
    (Cause::Authentication, &["spf", "dkim", "dmarc"]),
    (
        Cause::Policy,
        &[
            "blocked",
            "spam",
            "blacklist",
            "blocklist",
            "denied",
            "rejected by",
            "policy",
        ],
    ),
    (
        Cause::Routing,
        &[
            "host or domain name not found",
            "couldn't find any host",
            "host not found",
        ],
    ),
    (
        Cause::Network,
        &[
            "timed out",
            "timeout",
            "connection refused",
            "unreachable",
            "retry",
        ],
    ),
];

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// ```abnf
/// status-code = ("2" / "4" / "5") "." 1*3DIGIT "." 1*3DIGIT
/// ```
/// RFC 3463 section 2.
fn status(input: &[u8]) -> IResult<&[u8], Status> {
    let number = |input| {
        let digits = take_while_m_n(1, 3, |byte: u8| byte.is_ascii_digit());
        let read = |digits: &[u8]| core::str::from_utf8(digits).ok()?.parse::<u16>().ok();
        map_opt(digits, read).parse(input)
    };
    let class = map_opt(one_of("245"), |digit| {
        digit
            .to_digit(10)
            .and_then(|digit| u8::try_from(digit).ok())
    });
    let (rest, (class, _, subject, _, detail)) =
        (class, char('.'), number, char('.'), number).parse(input)?;
    let status = Status {
        class,
        subject,
        detail,
    };
    Ok((rest, status))
}
