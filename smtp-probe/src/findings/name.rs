//! What we think of the names that the server calls itself, beside those that the caller knows it by.

use probe_core::{Finding, FindingKind, Severity};
use probe_net::excerpt;

use crate::facts::{Greeting, SmtpFacts};
use crate::options::Options;
use crate::reply::{Capabilities, Code};

pub(super) static NAME_MISMATCH: FindingKind = FindingKind::new(
    "smtp.name.mismatch",
    Severity::Warning,
    "the server calls itself by another name than its address has",
    "Let the reverse DNS of its address and the name that it greets by be one (Postfix: myhostname): where it sends mail \
    as well, receivers distrust a server whose names differ.",
);
pub(super) static NAME_NOT_QUALIFIED: FindingKind = FindingKind::new(
    "smtp.name.not-qualified",
    Severity::Info,
    "the server does not call itself by a full name",
    "Give it its full name (Postfix: myhostname), as RFC 5321 section 4.3.1 wants in the greeting and section 4.1.1.1 in \
    the answer to EHLO.",
);

/// Nothing, unless the caller has said which names are right: many servers behind a balancer never tell them.
pub(super) fn judge(facts: &SmtpFacts, options: &Options) -> Vec<Finding> {
    if options.reverse_names.is_empty() {
        return Vec::new();
    }
    let said = said(facts);
    let is_known = |name: &[u8]| {
        let mut known = options.reverse_names.iter();
        known.any(|one| one.as_str().as_bytes().eq_ignore_ascii_case(name))
    };
    let evidence = |is_odd: &dyn Fn(&[u8]) -> bool| {
        let odd = said.iter().filter(|(_, name)| is_odd(name));
        let told = odd.map(|(place, name)| format!("{place}: {}", shown(name)));
        told.collect::<Vec<_>>().join("; ")
    };
    let mismatch = evidence(&|name| !name.is_empty() && !is_known(name));
    let not_qualified = evidence(&|name| !name.contains(&b'.') && !is_literal(name));
    [
        (&NAME_MISMATCH, mismatch),
        (&NAME_NOT_QUALIFIED, not_qualified),
    ]
    .into_iter()
    .filter(|(_, evidence)| !evidence.is_empty())
    .map(|(kind, evidence)| kind.found(evidence))
    .collect()
}

/// Where the server said a name, and which; in the answers to EHLO each only once.
fn said(facts: &SmtpFacts) -> Vec<(&'static str, &[u8])> {
    // A refusal begins with its reason, not with a name.
    let greets = |greeting: &&Greeting| greeting.code().is_some_and(Code::is_completion);
    let greeting = facts.greeting.as_ref().filter(greets);
    let mut said: Vec<_> = greeting
        .map(|greeting| ("greeting", bare(greeting.domain())))
        .into_iter()
        .collect();
    let offers = [&facts.clear, &facts.secured, &facts.authenticated];
    for name in offers.into_iter().flatten().map(Capabilities::domain) {
        let one = ("EHLO", bare(name));
        if !said.contains(&one) {
            said.push(one);
        }
    }
    said
}

/// Without the dot that may end a full name.
fn bare(name: &[u8]) -> &[u8] {
    name.strip_suffix(b".").unwrap_or(name)
}

/// An address in the place of a name: `[IPv6:2001:db8::1]` has no dots.
fn is_literal(name: &[u8]) -> bool {
    name.starts_with(b"[")
}

fn shown(name: &[u8]) -> String {
    match name.is_empty() {
        true => "no name".to_owned(),
        false => excerpt(name),
    }
}
