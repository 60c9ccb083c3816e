//! Why a probe stopped early: one closed list of causes for every protocol.

use core::fmt;

use crate::{Phase, Target, Verdict, printable};

/// The reason why a probe could not go on, and where it stood.
///
/// It is an `Error` so that drivers can pass it on with `?`; a probe never returns it as one but puts it
/// into its [`Report`](crate::Report).
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{phase}: {kind}: {detail}")]
#[non_exhaustive]
pub struct Failure {
    /// Where it stopped.
    pub phase: Phase,
    /// What kind of reason it was.
    pub kind: FailureKind,
    /// The reason in a sentence for people.
    pub detail: String,
    /// What the server said that caused it, where it said something.
    pub reply: Option<Vec<u8>>,
}

impl Failure {
    /// A failure that no reply caused.
    pub fn new(phase: Phase, kind: FailureKind, detail: impl Into<String>) -> Self {
        Self {
            phase,
            kind,
            detail: printable(detail.into().as_bytes()),
            reply: None,
        }
    }

    /// A target of a kind that this probe cannot ask.
    pub fn unfit_target(target: &Target) -> Self {
        let detail = format!("{target} is not a host");
        Self::new(Phase::RESOLVE, FailureKind::Local, detail)
    }

    /// Keeps the server's words.
    #[must_use]
    pub fn with_reply(mut self, reply: impl Into<Vec<u8>>) -> Self {
        self.reply = Some(reply.into());
        self
    }
}

/// Every reason for which a probe can stop early.
///
/// [`FailureKind::Local`] alone means that we could not look; each of the others says something of the
/// service.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(
    clippy::exhaustive_enums,
    reason = "monitors match on all of it; a new kind is a new major version"
)]
pub enum FailureKind {
    /// The connection ended before the answer.
    Closed,
    /// The credentials were refused.
    Credentials,
    /// We could not look: no route, no local socket, no file.
    Local,
    /// A lasting refusal (5xx, NO, -ERR).
    Permanent,
    /// The server's rules forbid what was asked, whoever asks.
    Policy,
    /// The server said what the protocol does not allow.
    Protocol,
    /// A quota or a size limit of the server was in the way.
    Quota,
    /// The connection was refused: nothing listens there.
    Refused,
    /// "Come back later" (4xx and its kin).
    Temporary,
    /// The answer did not come in time.
    Timeout,
    /// The handshake failed.
    Tls,
    /// The answer was larger than any honest one.
    TooLarge,
    /// No packet reaches the host.
    Unreachable,
    /// The name does not lead to an address.
    Unresolved,
    /// The server does not offer what was asked for.
    Unsupported,
    /// Our own rule stopped us: a secret would have gone over a channel that is not verified.
    Withheld,
}

impl FailureKind {
    /// All of them, in the order of their names.
    pub const ALL: &'static [Self] = &[
        Self::Closed,
        Self::Credentials,
        Self::Local,
        Self::Permanent,
        Self::Policy,
        Self::Protocol,
        Self::Quota,
        Self::Refused,
        Self::Temporary,
        Self::Timeout,
        Self::Tls,
        Self::TooLarge,
        Self::Unreachable,
        Self::Unresolved,
        Self::Unsupported,
        Self::Withheld,
    ];

    /// The name in JSON and in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Credentials => "credentials",
            Self::Local => "local",
            Self::Permanent => "permanent",
            Self::Policy => "policy",
            Self::Protocol => "protocol",
            Self::Quota => "quota",
            Self::Refused => "refused",
            Self::Temporary => "temporary",
            Self::Timeout => "timeout",
            Self::Tls => "tls",
            Self::TooLarge => "too-large",
            Self::Unreachable => "unreachable",
            Self::Unresolved => "unresolved",
            Self::Unsupported => "unsupported",
            Self::Withheld => "withheld",
        }
    }

    /// What it means for the verdict: unknown where we could not look, else critical.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Local => Verdict::Unknown,
            _ => Verdict::Critical,
        }
    }

    /// What it means, in a sentence.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::Closed => "the server ended the connection before it answered",
            Self::Credentials => "the server refused the user name or the password",
            Self::Local => "the probe could not look: the fault is on this side",
            Self::Permanent => "the server refused for good",
            Self::Policy => "the server's policy forbids it, whoever asks",
            Self::Protocol => "the server said what the protocol does not allow",
            Self::Quota => "a quota or size limit of the server was in the way",
            Self::Refused => "the connection was refused: nothing listens on that port",
            Self::Temporary => "the server asked to come back later",
            Self::Timeout => "the answer did not come in time",
            Self::Tls => "the TLS handshake failed",
            Self::TooLarge => "the answer was larger than any honest answer is",
            Self::Unreachable => "no packet reaches the host",
            Self::Unresolved => "the name does not lead to an address",
            Self::Unsupported => "the server does not offer what was asked for",
            Self::Withheld => "the probe kept a secret back: the channel was not verified",
        }
    }

    /// What to do about it.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Closed => {
                "Look into the server's log at this time: a connection limit, a block on this address or a crashed worker ends connections without a word."
            }
            Self::Credentials => {
                "Check the user name and the password of the probe's account, and whether the account is locked or expired."
            }
            Self::Local => {
                "Mend what keeps us from looking: here the route, the source address, a file or its permissions; or the agent or exporter that was asked to look."
            }
            Self::Permanent => {
                "Read the server's words: they name the rule. Its log has the same line with more detail."
            }
            Self::Policy => {
                "Read the server's words: the rule stands in its configuration or with the provider, and no other password will change it."
            }
            Self::Protocol => {
                "See whether the right service listens on this port; run with -v for the exact words."
            }
            Self::Quota => "Free space or raise the limit on the server.",
            Self::Refused => {
                "Start the service, or correct the port or the firewall that rejects it."
            }
            Self::Temporary => {
                "Try again later; if it stays, the server's log tells what it is short of."
            }
            Self::Timeout => {
                "See whether the server is overloaded, tarpits this address, or a firewall swallows the packets."
            }
            Self::Tls => {
                "Look at the alert: it tells whether versions, suites or the certificate were the reason."
            }
            Self::TooLarge => {
                "See whether the right service listens on this port; run with -v for the first bytes."
            }
            Self::Unreachable => "Check the route, the host and the firewalls between.",
            Self::Unresolved => "Check the name, its DNS zone and the resolver.",
            Self::Unsupported => {
                "Switch the feature on at the server, or ask for another with the probe's options."
            }
            Self::Withheld => {
                "Mend the fault that is named first (certificate or STARTTLS); or allow it by name, if the channel is trusted for another reason."
            }
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
