//! What is wrong or odd, with a stable code, the evidence and the remedy.

use core::fmt;
use std::time::SystemTime;

use crate::{Verdict, printable};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "monitors match on all of it")]
pub enum Severity {
    /// Worth knowing; nobody needs to act.
    Info,
    /// It will hurt later, or hurts some.
    Warning,
    /// It hurts now.
    Critical,
}

impl Severity {
    /// The name in JSON and in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// What it means for the verdict.
    pub const fn verdict(self) -> Verdict {
        match self {
            Self::Info => Verdict::Ok,
            Self::Warning => Verdict::Warning,
            Self::Critical => Verdict::Critical,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One entry of a crate's table of findings: what its code means, once and for all.
///
/// The code is API: monitors filter by it and `mailprobe explain` looks it up.
#[derive(Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct FindingKind {
    /// Dotted, lower case, for ever: `tls.certificate.expired`.
    pub code: &'static str,
    /// How much it matters where nothing else is known.
    pub severity: Severity,
    /// What it means, in a sentence.
    pub summary: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

impl FindingKind {
    /// An entry for a table.
    pub const fn new(
        code: &'static str,
        severity: Severity,
        summary: &'static str,
        remedy: &'static str,
    ) -> Self {
        Self {
            code,
            severity,
            summary,
            remedy,
        }
    }

    /// A finding of this kind with the evidence for it.
    pub fn found(&'static self, evidence: impl Into<String>) -> Finding {
        Finding {
            kind: self,
            severity: self.severity,
            since: None,
            evidence: printable(evidence.into().as_bytes()),
        }
    }
}

/// Something wrong or odd that a probe saw.
///
/// ```
/// use probe_core::{FindingKind, Severity};
///
/// static EXPIRED: FindingKind = FindingKind::new(
///     "tls.certificate.expired",
///     Severity::Critical,
///     "the certificate has expired",
///     "Renew it, and reload the server.",
/// );
///
/// let finding = EXPIRED.found("not after 2021-01-01").with_severity(Severity::Warning);
/// assert_eq!(finding.code(), "tls.certificate.expired");
/// assert_eq!(finding.severity, Severity::Warning);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Finding {
    /// What it is, with its code and remedy.
    pub kind: &'static FindingKind,
    /// How much it matters here.
    pub severity: Severity,
    /// Which of the reports that are known was the first to say it, if this is not: [`remember`](crate::remember).
    pub since: Option<SystemTime>,
    /// What shows it: the server's own words wherever there are some. Peer bytes are shown lossily and
    /// without control characters.
    pub evidence: String,
}

impl Finding {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.kind.code
    }

    /// The same finding, weighed otherwise.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind.summary)?;
        if !self.evidence.is_empty() {
            write!(f, ": {}", self.evidence)?;
        }
        Ok(())
    }
}
