//! What we think of it: the table of findings about Autodiscover, and the judgement over facts.

use probe_core::{Finding, FindingKind, Severity};

use super::command::Way;
use super::facts::{Attempt, DiscoveryFacts, Onward, Outcome};

/// All findings about Autodiscover.
pub static FINDINGS: &[&FindingKind] = &[
    &CREDENTIALS,
    &DIFFERS,
    &ERROR,
    &GUESSED,
    &IN_CLEAR,
    &NONE,
    &NOT_FOR_DEVICES,
    &REDIRECT,
    &UNFIT,
    &UNTRUSTED,
    &WANTS_CREDENTIALS,
];

static UNTRUSTED: FindingKind = FindingKind::new(
    "autodiscover.untrusted",
    Severity::Warning,
    "devices that are set up meet a certificate that they do not trust",
    "Give the host a certificate for its name, from an authority that devices know; a host that serves no Autodiscover had \
    better not listen on port 443 by a name that devices ask for.",
);
static CREDENTIALS: FindingKind = FindingKind::new(
    "autodiscover.credentials",
    Severity::Warning,
    "Autodiscover refuses the credentials",
    "Check them by hand. Where modern authentication is demanded, a password is refused however right it is: give a token. \
    They were shown once, and then to nobody again.",
);
static DIFFERS: FindingKind = FindingKind::new(
    "autodiscover.differs",
    Severity::Warning,
    "the two versions of Autodiscover name different servers",
    "Have both name the same (Set-ActiveSyncVirtualDirectory -ExternalUrl; what answers for autodiscover.json): which one a \
    device gets depends on its maker.",
);
static ERROR: FindingKind = FindingKind::new(
    "autodiscover.error",
    Severity::Warning,
    "Autodiscover answers with an error",
    "See the server's words and its log; devices go on to the next place, or give up.",
);
static GUESSED: FindingKind = FindingKind::new(
    "autodiscover.guessed",
    Severity::Info,
    "ActiveSync is there, and Autodiscover does not tell it",
    "Users have to enter the server by hand. Serve Autodiscover at autodiscover. beneath the domain, or let an SRV record \
    _autodiscover._tcp name who does.",
);
static IN_CLEAR: FindingKind = FindingKind::new(
    "autodiscover.redirect.in-clear",
    Severity::Warning,
    "the way to Autodiscover begins in clear: whoever stands in it can lead devices elsewhere",
    "Serve https at autodiscover. beneath the domain, with a certificate for that name; many devices do not follow the \
    redirect, or ask the user about it.",
);
static NONE: FindingKind = FindingKind::new(
    "autodiscover.none",
    Severity::Warning,
    "nothing tells where the domain has its ActiveSync",
    "If there is any, serve Autodiscover at autodiscover. beneath the domain, or let an SRV record _autodiscover._tcp name \
    who does.",
);
static NOT_FOR_DEVICES: FindingKind = FindingKind::new(
    "autodiscover.not-for-devices",
    Severity::Info,
    "Autodiscover is there, and has nothing for devices",
    "If there is ActiveSync, have Autodiscover answer for its schema (mobilesync) too.",
);
static REDIRECT: FindingKind = FindingKind::new(
    "autodiscover.redirect.refused",
    Severity::Warning,
    "Autodiscover sends devices to where none should go",
    "Let it redirect to https at a host with a name, once, and not in a circle.",
);
static UNFIT: FindingKind = FindingKind::new(
    "autodiscover.endpoint.unfit",
    Severity::Warning,
    "Autodiscover names a place where no device should look for ActiveSync",
    "Have it name https at a host with a name that is known outside (Set-ActiveSyncVirtualDirectory -ExternalUrl).",
);
static WANTS_CREDENTIALS: FindingKind = FindingKind::new(
    "autodiscover.wants-credentials",
    Severity::Info,
    "Autodiscover is there, and tells only users where ActiveSync is",
    "Give the probe credentials; for a host that is not the domain's own, allow it by name too.",
);

/// What to think of a search.
pub fn judge(facts: &DiscoveryFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(found(facts));
    findings.extend(differs(facts));
    let told = |kind: &'static FindingKind, is_so: &dyn Fn(&Attempt) -> bool| {
        let told = facts.attempts.iter().filter(|one| is_so(one));
        let told: Vec<_> = told.map(shown).collect();
        (!told.is_empty()).then(|| kind.found(told.join("; ")))
    };
    findings.extend(told(&CREDENTIALS, &|one| {
        one.question.is_identified && matches!(one.outcome, Outcome::Unauthorized(_))
    }));
    findings.extend(told(&UNFIT, &|one| {
        matches!(one.outcome, Outcome::Unfit(..))
    }));
    findings.extend(told(&REDIRECT, &|one| is_refused_redirect(facts, one)));
    findings.extend(told(&ERROR, &is_error));
    findings.extend(told(&NOT_FOR_DEVICES, &is_not_for_devices));
    findings.extend(certificates(facts));
    findings
}

fn shown(attempt: &Attempt) -> String {
    format!("{}: {}", attempt.question.asked, attempt.outcome)
}

/// Whether there is something, and by which way.
fn found(facts: &DiscoveryFacts) -> Option<Finding> {
    let endpoint = facts.endpoint.as_ref().map(ToString::to_string);
    let mut attempts = facts.attempts.iter();
    match (endpoint, facts.found_by) {
        (Some(endpoint), Some(Way::Guess)) => Some(GUESSED.found(endpoint)),
        (Some(_), Some(Way::Redirect)) => {
            let clear = attempts.find(|one| matches!(one.outcome, Outcome::SentOn(..)));
            Some(IN_CLEAR.found(clear.map(shown).unwrap_or_default()))
        }
        (Some(_), _) => None,
        (None, _) => Some(
            match attempts.find(|one| matches!(one.outcome, Outcome::Unauthorized(_))) {
                Some(asked) => WANTS_CREDENTIALS.found(shown(asked)),
                None => NONE.found(format!("{} places were asked", facts.attempts.len())),
            },
        ),
    }
}

fn differs(facts: &DiscoveryFacts) -> Option<Finding> {
    let first = facts.named_by(Way::is_v1)?;
    let second = facts.named_by(|way| way == Way::V2)?;
    // Where both have it, letters of the path are the same in any case: the server is Microsoft's or is like it.
    let is_same = first.is_same_origin(second)
        && first
            .path_and_query()
            .eq_ignore_ascii_case(second.path_and_query());
    (!is_same).then(|| DIFFERS.found(format!("the first {first}, the second {second}")))
}

/// One that leads to where we have been is a fault only where nothing else was found.
fn is_refused_redirect(facts: &DiscoveryFacts, attempt: &Attempt) -> bool {
    match &attempt.outcome {
        Outcome::SentOn(_, Onward::Unfit(_) | Onward::TooOften) => true,
        Outcome::SentOn(_, Onward::Loop) => facts.endpoint.is_none(),
        _ => false,
    }
}

fn is_error(attempt: &Attempt) -> bool {
    let is_broken = attempt.status.is_some_and(|status| status >= 500);
    match &attempt.outcome {
        Outcome::Complaint(complaint) => !complaint.is_about_the_protocol(),
        Outcome::Other(_) => is_broken && attempt.question.way != Way::Guess,
        _ => false,
    }
}

fn is_not_for_devices(attempt: &Attempt) -> bool {
    match &attempt.outcome {
        Outcome::Complaint(complaint) => complaint.is_about_the_protocol(),
        _ => false,
    }
}

/// Hosts whose certificates speak against them. Of those that we guess only the one counts that was found.
fn certificates(facts: &DiscoveryFacts) -> Option<Finding> {
    let matters = |one: &&Attempt| {
        one.question.way != Way::Guess
            || one
                .endpoint()
                .is_some_and(|url| facts.endpoint.as_ref() == Some(url))
    };
    let mut told: Vec<String> = Vec::new();
    for tls in facts
        .attempts
        .iter()
        .filter(matters)
        .filter_map(|one| one.tls.as_ref())
    {
        let faults = tls.faults.iter().map(|fault| fault.kind().summary);
        let faults: Vec<_> = faults.collect();
        let line = format!("{}: {}", tls.server_name, faults.join(", "));
        if !faults.is_empty() && !told.contains(&line) {
            told.push(line);
        }
    }
    (!told.is_empty()).then(|| UNTRUSTED.found(told.join("; ")))
}
