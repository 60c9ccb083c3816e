//! From when on a delivery deserves a word: plain data of the caller.

use std::time::Duration;

use probe_core::Thresholds;

/// From when on a delivery deserves a word.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rules {
    /// How long it may take to send, in seconds.
    pub send: Thresholds,
    /// How long it may be on its way, in seconds.
    pub transit: Thresholds,
    /// How long it may take to see it in the mailbox, in seconds.
    pub receive: Thresholds,
    /// How many may be lost, in all runs that the ledger knows one by one.
    pub lost: Thresholds,
    /// A hop that takes longer is slow.
    pub slow_hop: Duration,
    /// A clock may be wrong by so much.
    pub clock: Duration,
    /// Methods that must pass at the receiving server: `spf`, `dkim`, `dmarc`. Others are not looked at.
    pub authentication: Vec<String>,
    /// Whether mail may cross from host to host without TLS.
    pub unprotected: Unprotected,
}

/// What to think of a hop without TLS.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "it is allowed or it is not")]
pub enum Unprotected {
    /// It is worth knowing.
    #[default]
    Allowed,
    /// It is a warning.
    Warned,
}

/// One lost is critical, a hop is slow after a minute, a clock may be off by half of one.
impl Default for Rules {
    fn default() -> Self {
        Self {
            send: Thresholds::default(),
            transit: Thresholds::default(),
            receive: Thresholds::default(),
            lost: Thresholds::default(),
            slow_hop: Duration::from_secs(60),
            clock: Duration::from_secs(30),
            authentication: Vec::new(),
            unprotected: Unprotected::default(),
        }
    }
}
