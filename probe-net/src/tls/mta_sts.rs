//! An MTA-STS policy as data (RFC 8461 section 3.2): which hosts take a domain's mail, and how much that is to be held
//! to. How its text is read and where it is fetched from is not told here.

use core::fmt;
use core::str::FromStr;
use std::time::Duration;

use probe_core::{HostName, Severity, TargetError};

/// What a domain's MTA-STS policy says of the servers that take its mail.
///
/// ```
/// use probe_net::tls::{MtaSts, PolicyMode};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let policy = MtaSts::new(PolicyMode::Enforce, ["mail.example.org".parse()?, "*.example.net".parse()?]);
/// assert!(policy.lists("mx1.example.net"));
/// assert!(!policy.lists("a.mx1.example.net"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MtaSts {
    mode: PolicyMode,
    patterns: Vec<MxPattern>,
    max_age: Option<Duration>,
}

impl MtaSts {
    /// A policy for the hosts that fit one of these patterns.
    pub fn new(mode: PolicyMode, patterns: impl IntoIterator<Item = MxPattern>) -> Self {
        Self {
            mode,
            patterns: patterns.into_iter().collect(),
            max_age: None,
        }
    }

    /// How long senders keep the policy. It changes nothing about a connection.
    #[must_use]
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// How much the policy is to be held to.
    pub fn mode(&self) -> PolicyMode {
        self.mode
    }

    /// The hosts that take the domain's mail.
    pub fn patterns(&self) -> &[MxPattern] {
        &self.patterns
    }

    /// How long senders keep the policy, if it is known.
    pub fn max_age(&self) -> Option<Duration> {
        self.max_age
    }

    /// Whether this host may take the domain's mail (RFC 8461 section 4.1).
    pub fn lists(&self, host: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.matches(host))
    }
}

/// How much an MTA-STS policy is to be held to (RFC 8461 section 5).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the RFC has these three")]
pub enum PolicyMode {
    /// Mail goes over a connection that fits, or not at all.
    Enforce,
    /// There is no policy any more.
    None,
    /// Mail goes all the same, and what does not fit is reported to the domain.
    Testing,
}

impl PolicyMode {
    /// The name in a policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::None => "none",
            Self::Testing => "testing",
        }
    }

    /// How much it matters where a server does not fit; `None` where nobody asks.
    pub(super) const fn weight(self) -> Option<Severity> {
        match self {
            Self::Enforce => Some(Severity::Critical),
            Self::None => None,
            Self::Testing => Some(Severity::Warning),
        }
    }
}

/// One `mx` of an MTA-STS policy: a host, or `*.` and a domain, for every host exactly one label below it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct MxPattern {
    /// Whether a label stands before the name.
    is_wild: bool,
    name: HostName,
}

impl MxPattern {
    /// Whether the host fits; case and a final dot do not matter.
    pub fn matches(&self, host: &str) -> bool {
        let host = host.strip_suffix('.').unwrap_or(host);
        let compared = match (self.is_wild, host.split_once('.')) {
            (false, _) => host,
            // RFC 8461 section 4.1: the star stands for the left-most label, whole and alone.
            (true, Some((label, rest))) if !label.is_empty() => rest,
            (true, _) => return false,
        };
        compared.eq_ignore_ascii_case(self.name.as_str())
    }
}

impl fmt::Display for MxPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let star = if self.is_wild { "*." } else { "" };
        write!(f, "{star}{}", self.name)
    }
}

impl FromStr for MxPattern {
    type Err = TargetError;

    fn from_str(text: &str) -> Result<Self, TargetError> {
        let below = text.strip_prefix("*.");
        Ok(Self {
            is_wild: below.is_some(),
            name: below.unwrap_or(text).parse()?,
        })
    }
}
