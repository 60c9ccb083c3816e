//! What we think of a webmail: the table of findings, and the judgement over facts and times. JMAP's own are in
//! [`crate::jmap`].

use probe_core::{Finding, FindingKind, Severity, Thresholds};
use probe_net::Seen;
use probe_net::http::{FIRST_BYTE, Scheme};
use probe_net::tls::{self, Security};

use crate::facts::{Detour, Login, Shown, Trouble, WebmailFacts};
use crate::options::Options;

/// All findings about webmails; those about TLS are in [`tls::FINDINGS`].
pub static FINDINGS: &[&FindingKind] = &[
    &BACK_END,
    &DEFAULT_PAGE,
    &ERROR_PAGE,
    &HSTS,
    &LOGIN_IN_CLEAR,
    &LOGIN_MISSING,
    &MAINTENANCE,
    &REDIRECT_ELSEWHERE,
    &REDIRECT_ENDLESS,
    &REDIRECT_IN_CLEAR,
    &REDIRECT_NOWHERE,
    &SERVER_ERROR,
    &SLOW,
    &STATUS_REFUSED,
    &UNEXPECTED,
    &VERSION,
];

static BACK_END: FindingKind = FindingKind::new(
    "web.status.back-end",
    Severity::Critical,
    "the web server is up, what stands behind it is not",
    "Look at the application server (sogod, php-fpm, the mailbox server): it is stopped, hangs, or has no worker left.",
);
static DEFAULT_PAGE: FindingKind = FindingKind::new(
    "web.page.default",
    Severity::Critical,
    "the web server shows a page of its own",
    "Look at the virtual host and its document root: no application answers under this name and path.",
);
static ERROR_PAGE: FindingKind = FindingKind::new(
    "web.page.error",
    Severity::Critical,
    "the page tells of an error",
    "Read its words, and the log of the application: most often its database cannot be reached.",
);
static HSTS: FindingKind = FindingKind::new(
    "web.hsts.missing",
    Severity::Info,
    "the page does not tell browsers to come by TLS only",
    "Send Strict-Transport-Security (RFC 6797): without it, who types the name first asks in clear.",
);
static LOGIN_IN_CLEAR: FindingKind = FindingKind::new(
    "web.login.in-clear",
    Severity::Critical,
    "passwords go in clear",
    "Serve the page over TLS, and let its form post to https: whoever is on the way reads them otherwise.",
);
static LOGIN_MISSING: FindingKind = FindingKind::new(
    "web.login.missing",
    Severity::Warning,
    "the page has no login form",
    "Look at it in a browser. Where the login is elsewhere, name its path; where a script draws it, say which text to look for.",
);
static MAINTENANCE: FindingKind = FindingKind::new(
    "web.maintenance",
    Severity::Warning,
    "the webmail is closed for maintenance",
    "End the maintenance mode when the work is done.",
);
static REDIRECT_ELSEWHERE: FindingKind = FindingKind::new(
    "web.redirect.elsewhere",
    Severity::Warning,
    "the page sends us to where we were not allowed to go",
    "If it is meant so, ask there or allow it; if not, look at the web server's redirects.",
);
static REDIRECT_ENDLESS: FindingKind = FindingKind::new(
    "web.redirect.endless",
    Severity::Critical,
    "the page sends us on and on",
    "Look at the redirects of the web server and at what the application holds for its own address.",
);
static REDIRECT_IN_CLEAR: FindingKind = FindingKind::new(
    "web.redirect.in-clear",
    Severity::Critical,
    "the page sends us from TLS to clear",
    "Tell the application that it stands behind TLS (X-Forwarded-Proto), or mend the redirect.",
);
static REDIRECT_NOWHERE: FindingKind = FindingKind::new(
    "web.redirect.nowhere",
    Severity::Critical,
    "the page sends us to what is no address",
    "Mend the redirect of the web server or the application.",
);
static SERVER_ERROR: FindingKind = FindingKind::new(
    "web.status.error",
    Severity::Critical,
    "the server says that it is broken",
    "Read the log of the web server and the application at this time.",
);
static SLOW: FindingKind = FindingKind::new(
    "web.slow",
    Severity::Warning,
    "the server takes long to answer",
    "Look at the load of the application and at what it waits for: its database, the IMAP server.",
);
static STATUS_REFUSED: FindingKind = FindingKind::new(
    "web.status.refused",
    Severity::Critical,
    "the server does not show us this page",
    "Look at the path, and at the rules of who may see it; 401 means that the web server itself wants a login first.",
);
static UNEXPECTED: FindingKind = FindingKind::new(
    "web.page.unexpected",
    Severity::Critical,
    "this is not the page that was expected",
    "Look at it in a browser: another application answers, or the right one has changed.",
);
static VERSION: FindingKind = FindingKind::new(
    "web.version",
    Severity::Info,
    "the page tells which versions run there",
    "Nothing breaks by it. Hide it if you like (Apache: ServerTokens Prod; nginx: server_tokens off; PHP: expose_php = Off).",
);

/// What to think of what was learned.
pub fn judge(facts: &WebmailFacts, seen: &Seen<'_>, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(tls) = &facts.tls {
        let thresholds = &options.tls_thresholds;
        findings.extend(tls::judge(tls, Security::Implicit, thresholds, seen.now));
    }
    findings.extend(slow(seen, &options.first_byte, &SLOW));
    findings.extend(facts.detour.as_ref().map(|one| detour(one, options)));
    if let Some(page) = &facts.page {
        // Where the way ended, the page is none to be judged.
        if facts.detour.is_none() {
            findings.extend(content(page, options));
        }
        findings.extend(protection(page, options));
        findings.extend(versions(page));
    }
    findings
}

/// The longest wait for a response, if it is too long.
pub(crate) fn slow(
    seen: &Seen<'_>,
    thresholds: &Thresholds,
    kind: &'static FindingKind,
) -> Option<Finding> {
    let waits = seen.spans.iter().filter(|span| span.phase == FIRST_BYTE);
    let longest = waits.map(|span| span.duration).max()?.as_secs_f64();
    thresholds.judge(longest, kind, format_args!("{longest:.3} s"))
}

fn detour(detour: &Detour, options: &Options) -> Finding {
    match detour {
        Detour::InClear(url) => REDIRECT_IN_CLEAR.found(url.to_string()),
        Detour::Elsewhere(url) => {
            let finding = REDIRECT_ELSEWHERE.found(url.to_string());
            // What was expected cannot be seen from here.
            match options.expects.is_some() || options.contains.is_some() {
                true => finding.with_severity(Severity::Critical),
                false => finding,
            }
        }
        Detour::Endless(url) => REDIRECT_ENDLESS.found(url.to_string()),
        Detour::Nowhere(text) => REDIRECT_NOWHERE.found(text),
    }
}

/// What is worst about a page: one cause, not all that follows from it.
fn content(page: &Shown, options: &Options) -> Option<Finding> {
    let status = || match &page.title {
        Some(title) => format!("status {}: {title}", page.status),
        None => format!("status {}", page.status),
    };
    match (&page.trouble, page.status) {
        (Some(Trouble::Maintenance(words)), _) => return Some(MAINTENANCE.found(words)),
        (_, 502..=504) => return Some(BACK_END.found(status())),
        (Some(Trouble::Error(words)), _) => return Some(ERROR_PAGE.found(words)),
        (_, 500..) => return Some(SERVER_ERROR.found(status())),
        (_, 400..) => return Some(STATUS_REFUSED.found(status())),
        (Some(Trouble::Default(words)), _) => return Some(DEFAULT_PAGE.found(words)),
        (None, _) => {}
    }
    let is_another = options.expects.is_some_and(|it| page.product != Some(it));
    if is_another || page.contains == Some(false) {
        let known = page.product.map(|product| product.as_str());
        let title = page.title.as_deref().unwrap_or("without a title");
        let who = known.unwrap_or("no webmail that is known");
        return Some(UNEXPECTED.found(format!("{who}: {title}")));
    }
    // Whoever names a text knows what to look for.
    let needs_a_form = page.contains.is_none() || options.expects.is_some();
    let is_missing = page.login == Login::Missing && needs_a_form;
    is_missing.then(|| LOGIN_MISSING.found(page.title.clone().unwrap_or_default()))
}

fn protection(page: &Shown, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Login::Form(place) = &page.login
        && !(place.is_secure() && page.url.is_secure())
    {
        findings.push(LOGIN_IN_CLEAR.found(format!("{} posts to {place}", page.url)));
    }
    let is_secure = options.place.scheme == Scheme::Https && page.url.is_secure();
    let is_promised = page.hsts.is_some_and(|hsts| !hsts.max_age.is_zero());
    if is_secure && page.status < 500 && !is_promised {
        findings.push(HSTS.found(""));
    }
    findings
}

fn versions(page: &Shown) -> Option<Finding> {
    let has_number = |text: &&String| text.bytes().any(|byte| byte.is_ascii_digit());
    let product = page.product.map(|product| product.as_str());
    let own = page.version.as_ref().map(|version| {
        let product = product.unwrap_or_default();
        format!("{product} {version}").trim().to_owned()
    });
    let told: Vec<_> = page
        .software
        .iter()
        .filter(has_number)
        .cloned()
        .chain(own)
        .collect();
    (!told.is_empty()).then(|| VERSION.found(told.join(", ")))
}
