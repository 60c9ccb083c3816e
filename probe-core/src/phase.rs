//! Where in a dialogue something happened, and how long it took. No clock lives here: the driver in
//! `probe-net` measures, this file only names.

use core::fmt;
use core::time::Duration;

/// A named stage of a probe: the label of a [`Span`], of a [`Failure`](crate::Failure) and of the
/// exported timings.
///
/// The list is open: the constants are the stages that several protocols share, and a crate adds its
/// own with [`Phase::new`].
///
/// ```
/// use probe_core::Phase;
///
/// const HEALTHCHECK: Phase = Phase::new("healthcheck");
/// assert_eq!(HEALTHCHECK.as_str(), "healthcheck");
/// assert_eq!(Phase::STARTTLS.to_string(), "starttls");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Phase(&'static str);

impl Phase {
    /// Authentication, from the first AUTH command to its verdict.
    pub const AUTH: Self = Self("auth");
    /// The TCP connection.
    pub const CONNECT: Self = Self("connect");
    /// The server's first words.
    pub const GREETING: Self = Self("greeting");
    /// Name resolution.
    pub const RESOLVE: Self = Self("resolve");
    /// The command that asks for TLS, up to the server's go-ahead.
    pub const STARTTLS: Self = Self("starttls");
    /// The TLS handshake.
    pub const TLS: Self = Self("tls");
    /// The farewell and its answer.
    pub const QUIT: Self = Self("quit");

    /// A phase of one's own. `name` becomes a metric label: lower case, words joined by `-`.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The label.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0)
    }
}

/// One stage of a probe on the time line: enough of these draw the waterfall.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Span {
    /// What was under way.
    pub phase: Phase,
    /// When it began, counted from the start of the probe.
    pub start: Duration,
    /// How long it took, or had taken when the probe stopped.
    pub duration: Duration,
}

impl Span {
    /// A stage that began `start` after the probe did and took `duration`.
    pub const fn new(phase: Phase, start: Duration, duration: Duration) -> Self {
        Self {
            phase,
            start,
            duration,
        }
    }

    /// When it ended, counted from the start of the probe.
    pub fn end(&self) -> Duration {
        self.start.saturating_add(self.duration)
    }
}
