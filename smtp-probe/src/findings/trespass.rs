//! What others could get past the server.

use probe_core::{Finding, FindingKind, Severity};
use probe_net::excerpt;

use crate::facts::{InjectionFacts, Role, SmtpFacts, SmugglingFacts};
use crate::options::Options;

pub(super) static COMMAND_INJECTION: FindingKind = FindingKind::new(
    "smtp.starttls.command-injection",
    Severity::Critical,
    "the server carries out under TLS what was said before it in clear",
    "Update the server (CVE-2011-0411; Postfix from 2.7.3): somebody in between can put commands before those of its \
    users, and get at their passwords and mail.",
);
pub(super) static INJECTION_UNTESTED: FindingKind = FindingKind::new(
    "smtp.starttls.injection-untested",
    Severity::Info,
    "whether commands can be put before TLS could not be told",
    "Read the evidence. If there was no time, give the probe more.",
);
pub(super) static SMUGGLING_ACCEPTED: FindingKind = FindingKind::new(
    "smtp.smuggling.accepted",
    Severity::Critical,
    "the server takes for the end of a message what is none",
    "Have it take CR LF . CR LF alone (Postfix: smtpd_forbid_bare_newline = normalize; Exim from 4.97.1): a message can \
    hide another one, which comes from any sender that the first server vouches for (SMTP smuggling, CVE-2023-51764).",
);
pub(super) static SMUGGLING_UNTESTED: FindingKind = FindingKind::new(
    "smtp.smuggling.untested",
    Severity::Info,
    "not every false end of a message was tried",
    "Give the probe more time: the test takes some ten seconds.",
);

pub(super) fn judge(facts: &SmtpFacts, options: &Options) -> Vec<Finding> {
    let injection = match &facts.injection {
        Some(facts) => injection(facts),
        None => options
            .injection_test
            .then(|| INJECTION_UNTESTED.found("it did not come to STARTTLS")),
    };
    let smuggling = facts.smuggling.as_ref().and_then(smuggling);
    injection.into_iter().chain(smuggling).collect()
}

fn injection(facts: &InjectionFacts) -> Option<Finding> {
    match facts {
        InjectionFacts::Executed(reply) => Some(COMMAND_INJECTION.found(excerpt(reply.raw()))),
        InjectionFacts::ExecutedInClear(reply) => {
            let words = excerpt(reply.raw());
            Some(INJECTION_UNTESTED.found(format!("answered before TLS: {words}")))
        }
        InjectionFacts::Untested => Some(INJECTION_UNTESTED.found("there was no time")),
        InjectionFacts::HungUp | InjectionFacts::Ignored | InjectionFacts::Refused(_) => None,
    }
}

fn smuggling(facts: &SmugglingFacts) -> Option<Finding> {
    let Some((end, reply)) = facts.accepted() else {
        let tried = facts.ignored.len();
        let untested = || SMUGGLING_UNTESTED.found(format!("{tried} were tried"));
        return (!facts.is_complete).then(untested);
    };
    let finding = SMUGGLING_ACCEPTED.found(format!("{end}: {}", excerpt(reply.raw())));
    Some(match facts.role {
        Role::Inbound => finding,
        Role::Submission => finding.with_severity(Severity::Warning),
    })
}
