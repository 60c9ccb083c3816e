//! The answer to one question: the same shape for every protocol.

use core::fmt;
use std::time::{Duration, SystemTime};

use crate::{AnyFacts, Facts, Failure, Finding, Severity, Span, Target, Transcript};

/// What came of one probe.
///
/// A report is always whole: whatever was learned before a failure is in it. Its [verdict](Report::verdict)
/// is computed from what it holds, never stored.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report<F = AnyFacts> {
    /// Which probe asked: `"smtp"`.
    pub probe: &'static str,
    /// Whom it asked.
    pub target: Target,
    /// When it began to ask.
    pub started_at: SystemTime,
    /// How long it took, from its start to its end.
    pub elapsed: Duration,
    /// Where the time went.
    pub spans: Vec<Span>,
    /// What was learned.
    pub facts: F,
    /// What is wrong or odd, the weightiest first.
    pub findings: Vec<Finding>,
    /// Why it stopped early, if it did.
    pub failure: Option<Failure>,
    /// The members of a composite: the addresses of a pool, the rungs of a ladder.
    pub parts: Vec<Report<AnyFacts>>,
    /// What was said; empty unless the [`Context`](crate::Context) asked for it.
    pub transcript: Transcript,
}

impl<F> Report<F> {
    /// A report with facts and nothing else yet.
    pub fn new(probe: &'static str, target: Target, started_at: SystemTime, facts: F) -> Self {
        Self {
            probe,
            target,
            started_at,
            elapsed: Duration::ZERO,
            spans: Vec::new(),
            facts,
            findings: Vec::new(),
            failure: None,
            parts: Vec::new(),
            transcript: Transcript::default(),
        }
    }

    /// Adds a finding in its place: the weightiest come first, among equals the earlier ones.
    pub fn add_finding(&mut self, finding: Finding) {
        let lighter = |known: &Finding| known.severity < finding.severity;
        let place = self.findings.iter().position(lighter);
        self.findings
            .insert(place.unwrap_or(self.findings.len()), finding);
    }

    /// The worst of the failure, the findings and the parts.
    pub fn verdict(&self) -> Verdict {
        let failure = self.failure.iter().map(|failure| failure.kind.verdict());
        let findings = self
            .findings
            .iter()
            .map(|finding| finding.severity.verdict());
        let parts = self.parts.iter().map(Report::verdict);
        failure
            .chain(findings)
            .chain(parts)
            .max()
            .unwrap_or(Verdict::Ok)
    }

    /// The one sentence that a person should read first: the weightiest finding that explains the
    /// verdict, else the failure, else that all is well.
    pub fn headline(&self) -> String {
        let weighty = |finding: &&Finding| finding.severity == Severity::Critical;
        if let Some(cause) = self.findings.iter().find(weighty) {
            return cause.to_string();
        }
        if let Some(failure) = &self.failure {
            return format!("{}: {}", failure.phase, failure.detail);
        }
        let worst = self.parts.iter().map(Report::verdict).max();
        let is_worst =
            |part: &&Report| part.verdict() > Verdict::Ok && Some(part.verdict()) == worst;
        if let Some(part) = self.parts.iter().find(is_worst) {
            return format!("{}: {}", part.target, part.headline());
        }
        match self
            .findings
            .iter()
            .find(|finding| finding.severity == Severity::Warning)
        {
            Some(finding) => finding.to_string(),
            None => "all is well".to_owned(),
        }
    }
}

impl<F: Facts> Report<F> {
    /// The same report with the type of its facts erased.
    pub fn erase(self) -> Report<AnyFacts> {
        Report {
            facts: AnyFacts::new(self.facts),
            probe: self.probe,
            target: self.target,
            started_at: self.started_at,
            elapsed: self.elapsed,
            spans: self.spans,
            findings: self.findings,
            failure: self.failure,
            parts: self.parts,
            transcript: self.transcript,
        }
    }
}

impl Report<AnyFacts> {
    /// The typed facts, if they are of this type.
    pub fn downcast_ref<F: Facts>(&self) -> Option<&F> {
        self.facts.downcast_ref()
    }
}

/// What to think of a service, from best to worst.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "the four states of every monitor")]
pub enum Verdict {
    /// All is well.
    Ok,
    /// It works, but not for long or not for all.
    Warning,
    /// We could not look. It never describes what the server did.
    Unknown,
    /// It does not work.
    Critical,
}

impl Verdict {
    /// The name in JSON and in metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Critical => "critical",
        }
    }

    /// The exit status of a monitoring plugin: 0 ok, 1 warning, 2 critical, 3 unknown.
    pub const fn exit_status(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FailureKind, FindingKind, Phase};

    static SLOW: FindingKind = FindingKind::new("test.slow", Severity::Warning, "it is slow", "");

    fn report() -> Report {
        let target = "mx.example.org:25".parse().unwrap();
        Report::new("smtp", target, SystemTime::UNIX_EPOCH, AnyFacts::new(()))
    }

    #[test]
    fn a_report_with_nothing_wrong_is_ok() {
        assert_eq!(report().verdict(), Verdict::Ok);
        assert_eq!(report().headline(), "all is well");
    }

    #[test]
    fn the_worst_of_failure_findings_and_parts_is_the_verdict() {
        let mut local = report();
        local.failure = Some(Failure::new(Phase::CONNECT, FailureKind::Local, "no route"));
        assert_eq!(local.verdict(), Verdict::Unknown);

        let mut whole = report();
        whole.findings.push(SLOW.found(""));
        assert_eq!(whole.verdict(), Verdict::Warning);
        whole.parts.push(local);
        assert_eq!(whole.verdict(), Verdict::Unknown);
        whole
            .findings
            .push(SLOW.found("").with_severity(Severity::Critical));
        assert_eq!(whole.verdict(), Verdict::Critical);
    }

    #[test]
    fn a_part_that_fails_is_named_in_the_headline() {
        let mut part = report();
        part.failure = Some(Failure::new(
            Phase::CONNECT,
            FailureKind::Refused,
            "nobody listens",
        ));
        let mut whole = report();
        whole.parts = vec![report(), part];
        assert_eq!(
            whole.headline(),
            "mx.example.org:25: connect: nobody listens"
        );
    }
}
