//! What we think of a JMAP server: the table of findings, and the judgement.

use probe_core::{Finding, FindingKind, Severity};
use probe_net::Seen;
use probe_net::tls::{self, Security};

use super::command::MAIL;
use super::facts::{Detour, JmapFacts};
use super::options::Options;
use crate::findings::slow;

/// All findings about JMAP; those about TLS are in [`tls::FINDINGS`].
pub static FINDINGS: &[&FindingKind] = &[
    &API_ELSEWHERE,
    &API_FAILED,
    &API_IN_CLEAR,
    &API_NOWHERE,
    &API_RELATIVE,
    &BACK_END,
    &CHALLENGE_MISSING,
    &MAILBOXES_FAILED,
    &MAIL_MISSING,
    &NOT_FOUND,
    &OPEN,
    &REDIRECT_ELSEWHERE,
    &REDIRECT_ENDLESS,
    &REDIRECT_IN_CLEAR,
    &REDIRECT_NOWHERE,
    &SERVER_ERROR,
    &SESSION_INCOMPLETE,
    &SESSION_UNREADABLE,
    &SLOW,
    &STATUS_REFUSED,
];

static API_ELSEWHERE: FindingKind = FindingKind::new(
    "jmap.api.elsewhere",
    Severity::Critical,
    "calls would go to another host, so the credentials were kept back",
    "If it is meant so, trust that host by name; if not, mend the address that the server holds for its own.",
);
static API_FAILED: FindingKind = FindingKind::new(
    "jmap.api.failed",
    Severity::Critical,
    "the simplest call of the API does not work",
    "Read the server's words and its log: the session is served, but calls are not.",
);
static API_IN_CLEAR: FindingKind = FindingKind::new(
    "jmap.api.in-clear",
    Severity::Critical,
    "calls would go in clear, so the credentials were kept back",
    "Tell the server that it stands behind TLS: its apiUrl must be https (RFC 8620 section 8.1).",
);
static API_NOWHERE: FindingKind = FindingKind::new(
    "jmap.api.nowhere",
    Severity::Critical,
    "the session names no address for calls",
    "Mend the server's configuration: without an apiUrl no client can do anything (RFC 8620 section 2).",
);
static API_RELATIVE: FindingKind = FindingKind::new(
    "jmap.api.relative",
    Severity::Info,
    "the session names the address for calls without its host",
    "Most clients understand it. RFC 8620 section 2 wants a whole URL.",
);
static BACK_END: FindingKind = FindingKind::new(
    "jmap.status.back-end",
    Severity::Critical,
    "the web server is up, what stands behind it is not",
    "Look at the JMAP server behind the proxy: it is stopped, hangs, or has no worker left.",
);
static CHALLENGE_MISSING: FindingKind = FindingKind::new(
    "jmap.challenge.missing",
    Severity::Warning,
    "the server wants to know who asks, and not how that is shown",
    "Let it send WWW-Authenticate with status 401 (RFC 9110 section 15.5.2): clients cannot guess.",
);
static MAILBOXES_FAILED: FindingKind = FindingKind::new(
    "jmap.mailboxes.failed",
    Severity::Critical,
    "the mailboxes cannot be read",
    "Read the server's words and its log: what stores the mail may be down or may not know this account.",
);
static MAIL_MISSING: FindingKind = FindingKind::new(
    "jmap.mail.missing",
    Severity::Critical,
    "the session offers no mail",
    "Give the account mail (urn:ietf:params:jmap:mail among its capabilities and primary accounts), or do not ask for it.",
);
static NOT_FOUND: FindingKind = FindingKind::new(
    "jmap.not-found",
    Severity::Critical,
    "there is no JMAP session where it must be",
    "Serve it at /.well-known/jmap (RFC 8620 section 2.2), or name the path where it is.",
);
static OPEN: FindingKind = FindingKind::new(
    "jmap.session.open",
    Severity::Warning,
    "the server shows a session to nobody in particular",
    "See what strangers may do with it: RFC 8620 section 8.2 wants requests to be authenticated.",
);
static REDIRECT_ELSEWHERE: FindingKind = FindingKind::new(
    "jmap.redirect.elsewhere",
    Severity::Critical,
    "the session is said to be at another host, which was not asked",
    "If it is meant so, probe that host or trust it by name; if not, mend the redirect.",
);
static REDIRECT_ENDLESS: FindingKind = FindingKind::new(
    "jmap.redirect.endless",
    Severity::Critical,
    "the server sends us on and on",
    "Mend the redirects of the web server.",
);
static REDIRECT_IN_CLEAR: FindingKind = FindingKind::new(
    "jmap.redirect.in-clear",
    Severity::Critical,
    "the server sends us from TLS to clear",
    "Mend the redirect: JMAP goes over TLS only (RFC 8620 section 8.1).",
);
static REDIRECT_NOWHERE: FindingKind = FindingKind::new(
    "jmap.redirect.nowhere",
    Severity::Critical,
    "the server sends us to what is no address",
    "Mend the redirect of the web server.",
);
static SERVER_ERROR: FindingKind = FindingKind::new(
    "jmap.status.error",
    Severity::Critical,
    "the server says that it is broken",
    "Read its log at this time.",
);
static SESSION_INCOMPLETE: FindingKind = FindingKind::new(
    "jmap.session.incomplete",
    Severity::Warning,
    "the session lacks what it must have",
    "Mend or update the server: clients stumble over what RFC 8620 section 2 promises them.",
);
static SESSION_UNREADABLE: FindingKind = FindingKind::new(
    "jmap.session.unreadable",
    Severity::Critical,
    "what the server calls a session is none",
    "See what is served there: often a web page for people, by a rule that catches every path.",
);
static SLOW: FindingKind = FindingKind::new(
    "jmap.slow",
    Severity::Warning,
    "the server takes long to answer",
    "Look at its load, and at what stores the mail.",
);
static STATUS_REFUSED: FindingKind = FindingKind::new(
    "jmap.status.refused",
    Severity::Critical,
    "the server refuses to show a session",
    "Look at the rules of who may ask it, and from where.",
);

/// What to think of what was learned.
pub fn judge(facts: &JmapFacts, seen: &Seen<'_>, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(tls) = &facts.tls {
        let thresholds = &options.tls_thresholds;
        findings.extend(tls::judge(tls, Security::Implicit, thresholds, seen.now));
    }
    findings.extend(slow(seen, &options.first_byte, &SLOW));
    findings.extend(facts.detour.as_ref().map(detour));
    if facts.session.is_none() && facts.detour.is_none() {
        findings.extend(facts.status.and_then(|status| refusal(status, facts)));
    }
    findings.extend(session(facts, options));
    if let Some(Err(why)) = &facts.echo {
        findings.push(API_FAILED.found(why));
    }
    if let Some(Err(why)) = &facts.mailboxes {
        findings.push(MAILBOXES_FAILED.found(why));
    }
    findings
}

fn detour(detour: &Detour) -> Finding {
    match detour {
        Detour::ApiElsewhere(url) => API_ELSEWHERE.found(url.to_string()),
        Detour::ApiInClear(url) => API_IN_CLEAR.found(url.to_string()),
        Detour::ApiNowhere(text) => API_NOWHERE.found(text),
        Detour::Endless(url) => REDIRECT_ENDLESS.found(url.to_string()),
        Detour::SessionElsewhere(url) => REDIRECT_ELSEWHERE.found(url.to_string()),
        Detour::SessionInClear(url) => REDIRECT_IN_CLEAR.found(url.to_string()),
        Detour::SessionNowhere(text) => REDIRECT_NOWHERE.found(text),
    }
}

/// What a status means where no session came. That a stranger is asked who they are is as it should be.
fn refusal(status: u16, facts: &JmapFacts) -> Option<Finding> {
    let evidence = format!("status {status}");
    match status {
        401 if facts.challenges.is_empty() => Some(CHALLENGE_MISSING.found(evidence)),
        401 => None,
        404 | 410 => Some(NOT_FOUND.found(evidence)),
        502..=504 => Some(BACK_END.found(evidence)),
        500.. => Some(SERVER_ERROR.found(evidence)),
        _ => Some(STATUS_REFUSED.found(evidence)),
    }
}

fn session(facts: &JmapFacts, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    let session = match &facts.session {
        None => return findings,
        Some(Err(why)) => {
            findings.push(SESSION_UNREADABLE.found(why));
            return findings;
        }
        Some(Ok(session)) => session,
    };
    if !session.flaws.is_empty() {
        findings.push(SESSION_INCOMPLETE.found(session.flaws.join(", ")));
    }
    if !facts.is_somebody {
        let whom = session.username.as_deref().unwrap_or_default();
        findings.push(OPEN.found(whom));
    }
    let reference = session.api_url.as_deref().unwrap_or_default();
    if facts.api.is_some() && !reference.contains("://") {
        findings.push(API_RELATIVE.found(reference));
    }
    let is_wanted = options.mailboxes && facts.detour.is_none();
    let has_mail = session.can(MAIL) && session.primary_account(MAIL).is_some();
    if is_wanted && !has_mail {
        findings.push(MAIL_MISSING.found(session.capabilities.join(" ")));
    }
    findings
}
