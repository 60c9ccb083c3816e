//! What we think of it: the table of findings of this crate, and the judgement over facts and times.

use std::time::{Duration, SystemTime};

use probe_core::{Finding, FindingKind, Phase, Severity, Thresholds};
use probe_net::sasl::Mechanism;
use probe_net::tls::{self, Security};
use probe_net::{Seen, excerpt};

use crate::facts::{EditFacts, Exercise, ImapFacts, MailboxFacts};
use crate::options::{Access, Options};
use crate::reply::{Condition, Response};

/// All findings of this crate; those about TLS are in [`tls::FINDINGS`].
pub static FINDINGS: &[&FindingKind] = &[
    &ALERT,
    &AUTH_IN_CLEAR,
    &BARE_LF,
    &CODE_MALFORMED,
    &EDIT_DAMAGED,
    &EDIT_FOREIGN,
    &EDIT_LEFT_BEHIND,
    &EDIT_TIDIED,
    &EIGHT_BIT,
    &EMPTY_CONTINUATION,
    &EMPTY_LIST,
    &EXTENSION_BROKEN,
    &EXTENSION_NOT_OFFERED,
    &EXTRA_SPACE,
    &FETCH_NO_DATA,
    &GREETING_DELAYED,
    &GREETING_PREAUTH,
    &GREETING_REFUSED,
    &MAILBOX_READ_ONLY,
    &MAILBOX_REFUSED,
    &MESSAGES,
    &MESSAGES_FOUND,
    &MESSAGES_NEWEST,
    &MESSAGES_OLDEST,
    &MISPLACED_ITEMS,
    &NIL,
    &NO_STATUS_WORD,
    &NO_TEXT,
    &NUMBER_RANGE,
    &QUESTION_REFUSED,
    &QUOTA_EXCEEDED,
    &QUOTA_FULL,
    &RIGHTS_MISSING,
    &STARTTLS_INSIDE_TLS,
    &TAG_UNEXPECTED,
    &TRAILING_SPACE,
    &UNKNOWN,
    &UNPARSED,
    &UNQUOTED,
];

static ALERT: FindingKind = FindingKind::new(
    "imap.alert",
    Severity::Warning,
    "the server has an alert for its users",
    "Read it: RFC 9051 section 7.1 wants it shown to the user, so somebody meant it.",
);
static AUTH_IN_CLEAR: FindingKind = FindingKind::new(
    "imap.auth.in-clear",
    Severity::Warning,
    "the server takes passwords over an unencrypted connection",
    "Offer LOGINDISABLED and no AUTH=PLAIN or AUTH=LOGIN before TLS (Dovecot: disable_plaintext_auth = yes); RFC 8314 section 4.1 demands it.",
);
pub(crate) static BARE_LF: FindingKind = FindingKind::new(
    "imap.reply.bare-lf",
    Severity::Warning,
    "a line ends in LF without CR",
    "Mend or replace whatever answers here: RFC 9051 section 2.2 forbids it and strict clients hang.",
);
pub(crate) static CODE_MALFORMED: FindingKind = FindingKind::new(
    "imap.reply.malformed-code",
    Severity::Warning,
    "a response code is not formed as its RFC has it",
    "Report it to the server's maker: clients ignore the code, and what it says is lost.",
);
static EDIT_DAMAGED: FindingKind = FindingKind::new(
    "imap.edit.damaged",
    Severity::Critical,
    "a message that was put into a folder did not come back byte for byte",
    "Look for what changes messages on their way into the store: a filter, a plugin or the store itself. Signatures break by it.",
);
static EDIT_FOREIGN: FindingKind = FindingKind::new(
    "imap.edit.foreign",
    Severity::Warning,
    "a folder has a name as this probe gives them, and holds mail that is not the probe's",
    "Look into the folder and move the mail elsewhere; the probe does not touch it.",
);
static EDIT_LEFT_BEHIND: FindingKind = FindingKind::new(
    "imap.edit.left-behind",
    Severity::Warning,
    "the probe could not remove a folder that it had made",
    "The next run will try again; if it fails too, remove the folder by hand and see why the server refused.",
);
static EDIT_TIDIED: FindingKind = FindingKind::new(
    "imap.edit.tidied",
    Severity::Info,
    "an earlier run had left a folder behind; it was removed",
    "Nothing needs to be done; an earlier run was cut short.",
);
pub(crate) static EIGHT_BIT: FindingKind = FindingKind::new(
    "imap.reply.eight-bit",
    Severity::Info,
    "a text for people contains bytes that are not ASCII",
    "Nothing breaks here; strict clients may stumble over it (RFC 9051 section 9, TEXT-CHAR).",
);
pub(crate) static EMPTY_CONTINUATION: FindingKind = FindingKind::new(
    "imap.reply.empty-continuation",
    Severity::Info,
    "the server asks for more by a + without the blank behind it",
    "Nothing breaks here; some clients wait for the blank (RFC 9051 section 7.6).",
);
pub(crate) static EMPTY_LIST: FindingKind = FindingKind::new(
    "imap.reply.empty-list",
    Severity::Info,
    "an empty list stands where NIL belongs",
    "Nothing breaks here; report it to the server's maker, since strict clients drop such responses.",
);
static EXTENSION_BROKEN: FindingKind = FindingKind::new(
    "imap.extension.broken",
    Severity::Warning,
    "the server cannot do an extension that it offers",
    "Mend it, or stop offering it: clients rely on what is offered.",
);
static EXTENSION_NOT_OFFERED: FindingKind = FindingKind::new(
    "imap.extension.not-offered",
    Severity::Warning,
    "the server does not offer an extension that was to be tried",
    "Switch it on at the server, or do not ask the probe for it.",
);
pub(crate) static EXTRA_SPACE: FindingKind = FindingKind::new(
    "imap.reply.extra-space",
    Severity::Info,
    "a response has blanks where one or none belongs",
    "Nothing breaks here; report it to the server's maker, since strict clients drop such responses.",
);
static FETCH_NO_DATA: FindingKind = FindingKind::new(
    "imap.fetch.no-data",
    Severity::Critical,
    "the server said OK and sent nothing of the message that was asked for",
    "Look into the server's log and store: the message is listed and cannot be read.",
);
static GREETING_DELAYED: FindingKind = FindingKind::new(
    "imap.greeting.delayed",
    Severity::Info,
    "the server takes long for its first words",
    "Look at its load and its DNS lookups first: users wait as long each time they connect.",
);
static GREETING_PREAUTH: FindingKind = FindingKind::new(
    "imap.greeting.preauth",
    Severity::Critical,
    "the server takes the session as authenticated before TLS could begin",
    "No honest server does so on a port of the network. If it is yours, close that listener; else somebody stands in between and keeps TLS from you (RFC 9051 section 11.3).",
);
static GREETING_REFUSED: FindingKind = FindingKind::new(
    "imap.greeting.refused",
    Severity::Critical,
    "the server is up but takes no session",
    "Read its words: most often too many connections, or this client's address is blocked.",
);
static MAILBOX_READ_ONLY: FindingKind = FindingKind::new(
    "imap.mailbox.read-only",
    Severity::Warning,
    "the mailbox can be read and not changed",
    "Check the user's rights on the mailbox and those of the server on its files.",
);
static MAILBOX_REFUSED: FindingKind = FindingKind::new(
    "imap.mailbox.refused",
    Severity::Critical,
    "the mailbox cannot be opened",
    "Read the server's words: the mailbox does not exist, the user may not see it, or its store is damaged.",
);
static MESSAGES: FindingKind = FindingKind::new(
    "imap.messages.threshold",
    Severity::Warning,
    "the number of messages in the mailbox is outside the given range",
    "Too many: see whether whoever empties it still runs. Too few: see whether mail still arrives.",
);
static MESSAGES_FOUND: FindingKind = FindingKind::new(
    "imap.messages.found",
    Severity::Warning,
    "the number of messages that fit the search is outside the given range",
    "Look at the messages themselves: the search is yours.",
);
static MESSAGES_NEWEST: FindingKind = FindingKind::new(
    "imap.messages.newest",
    Severity::Warning,
    "the age of the newest message is outside the given range",
    "See whether mail still arrives: the queue of the mail server, its log, and the MX records.",
);
static MESSAGES_OLDEST: FindingKind = FindingKind::new(
    "imap.messages.oldest",
    Severity::Warning,
    "the age of the oldest message is outside the given range",
    "See whether whoever works on this mailbox still does.",
);
pub(crate) static MISPLACED_ITEMS: FindingKind = FindingKind::new(
    "imap.reply.misplaced-items",
    Severity::Warning,
    "parts of an answer to FETCH stand behind its closing parenthesis",
    "Report it to the server's maker: most clients lose these parts.",
);
pub(crate) static NIL: FindingKind = FindingKind::new(
    "imap.reply.nil",
    Severity::Info,
    "NIL stands where a string or a list belongs",
    "Nothing breaks here; report it to the server's maker, since strict clients drop such responses.",
);
pub(crate) static NO_STATUS_WORD: FindingKind = FindingKind::new(
    "imap.reply.no-status-word",
    Severity::Warning,
    "a status response lacks its first word",
    "Report it to the server's maker: clients cannot tell success from failure by it.",
);
pub(crate) static NO_TEXT: FindingKind = FindingKind::new(
    "imap.reply.no-text",
    Severity::Info,
    "a status response has no text",
    "Nothing breaks here; RFC 9051 section 7.1 wants a text, and some clients wait for it.",
);
pub(crate) static NUMBER_RANGE: FindingKind = FindingKind::new(
    "imap.reply.number-range",
    Severity::Info,
    "a number is negative or larger than it may be",
    "Report it to the server's maker: most often a message too large for its counter.",
);
static QUESTION_REFUSED: FindingKind = FindingKind::new(
    "imap.question.refused",
    Severity::Info,
    "the server refused a question that its capabilities invite",
    "Nothing needs to be done for the probe; a client that asks the same will miss the answer.",
);
static QUOTA_EXCEEDED: FindingKind = FindingKind::new(
    "imap.quota.exceeded",
    Severity::Critical,
    "the quota is used up: new mail bounces or waits",
    "Free space in the account or raise its quota.",
);
static QUOTA_FULL: FindingKind = FindingKind::new(
    "imap.quota.threshold",
    Severity::Warning,
    "the quota is filled beyond the given range",
    "Free space in the account or raise its quota before new mail bounces.",
);
static RIGHTS_MISSING: FindingKind = FindingKind::new(
    "imap.rights.missing",
    Severity::Critical,
    "the user lacks rights on the mailbox that were expected",
    "Grant them (IMAP: SETACL; Dovecot: doveadm acl set), or expect fewer.",
);
static STARTTLS_INSIDE_TLS: FindingKind = FindingKind::new(
    "imap.starttls.inside-tls",
    Severity::Info,
    "the server offers STARTTLS although TLS stands",
    "Report it to the server's maker: RFC 9051 section 6.2.1 forbids it.",
);
static TAG_UNEXPECTED: FindingKind = FindingKind::new(
    "imap.reply.unexpected-tag",
    Severity::Critical,
    "the server completed a command that had not been said",
    "See who stands in between: responses that are sent before their command are how a session is taken over. Else the server answers twice.",
);
pub(crate) static TRAILING_SPACE: FindingKind = FindingKind::new(
    "imap.reply.trailing-space",
    Severity::Info,
    "a response or a list in it ends in a blank",
    "Nothing breaks here; report it to the server's maker, since strict clients drop such responses.",
);
pub(crate) static UNKNOWN: FindingKind = FindingKind::new(
    "imap.reply.unknown",
    Severity::Info,
    "the server said something that is not known here",
    "Nothing needs to be done if it is an extension; else see the words.",
);
pub(crate) static UNPARSED: FindingKind = FindingKind::new(
    "imap.reply.unparsed",
    Severity::Warning,
    "the server said something that is no IMAP response",
    "See what really listens on this port, and the words: a client at work loses what they were to tell.",
);
pub(crate) static UNQUOTED: FindingKind = FindingKind::new(
    "imap.reply.unquoted",
    Severity::Info,
    "a string stands without its quotes",
    "Nothing breaks here; report it to the server's maker, since strict clients drop such responses.",
);

/// A greeting that takes longer is a server in trouble.
const SLOW_GREETING: Duration = Duration::from_secs(2);

/// What to think of a dialogue that was led with `security`.
pub fn judge(
    facts: &ImapFacts,
    seen: &Seen<'_>,
    security: Security,
    options: &Options,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(greeting(facts, security));
    findings.extend(delay(seen));
    let offers = facts.clear.as_ref().map(|offered| offered.as_bytes());
    findings.extend(facts.starttls.judge(offers.unwrap_or_default(), security));
    if let Some(tls) = &facts.tls {
        findings.extend(tls::judge(tls, security, &options.tls_thresholds, seen.now));
    }
    findings.extend(capabilities(facts));
    findings.extend(facts.alerts.iter().map(|alert| ALERT.found(alert.clone())));
    findings.extend(quotas(facts, &options.quota));
    if let Some(mailbox) = &facts.mailbox {
        findings.extend(messages(mailbox, seen.now, options));
        findings.extend(rights(mailbox, options));
    }
    findings.extend(exercises(facts));
    findings.extend(facts.edit.iter().flat_map(edit));
    let tag = facts.unexpected_tag.iter();
    findings.extend(tag.map(|words| TAG_UNEXPECTED.found(words.clone())));
    findings.extend(refused(facts));
    findings
}

fn greeting(facts: &ImapFacts, security: Security) -> Vec<Finding> {
    let mut findings = Vec::new();
    let Some(greeting) = &facts.greeting else {
        return findings;
    };
    let Response::Status(status) = greeting.response() else {
        return findings;
    };
    let words = excerpt(greeting.raw());
    match status.condition {
        Condition::Bye => {
            let certificate = facts.tls.as_ref();
            let wanted = certificate.and_then(|tls| tls::wanted_a_certificate(tls, greeting.raw()));
            findings.extend(wanted);
            findings.push(GREETING_REFUSED.found(words));
        }
        Condition::PreAuth if facts.tls.is_none() && security != Security::Cleartext => {
            findings.push(GREETING_PREAUTH.found(words));
        }
        _ => {}
    }
    findings
}

fn delay(seen: &Seen<'_>) -> Option<Finding> {
    let mut spans = seen.spans.iter();
    let greeting = spans.find(|span| span.phase == Phase::GREETING)?;
    let waited = greeting.duration;
    let evidence = || GREETING_DELAYED.found(format!("{:.1} s", waited.as_secs_f64()));
    (waited >= SLOW_GREETING).then(evidence)
}

fn capabilities(facts: &ImapFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(clear) = &facts.clear {
        let mechanisms = clear.mechanisms().into_iter();
        let readable = mechanisms.filter(|one| one.shows_the_secret());
        let mut names: Vec<_> = readable.map(Mechanism::as_str).collect();
        if !clear.has("LOGINDISABLED") {
            names.push("LOGIN");
        }
        if !names.is_empty() && facts.greeting.is_some() {
            findings.push(AUTH_IN_CLEAR.found(names.join(" ")));
        }
    }
    let secured = facts.secured.as_ref();
    if secured.is_some_and(|offered| offered.has("STARTTLS")) {
        findings.push(STARTTLS_INSIDE_TLS.found(""));
    }
    findings
}

fn quotas(facts: &ImapFacts, thresholds: &Thresholds) -> Vec<Finding> {
    let judged = facts.quotas.iter().filter_map(|quota| {
        let percent = quota.percent();
        let unit = if quota.is_storage() { " KiB" } else { "" };
        let shown = format!(
            "{} of {}: {} of {}{unit} ({percent:.0} %)",
            quota.resource, quota.root, quota.usage, quota.limit
        );
        match quota.usage >= quota.limit {
            true => Some(QUOTA_EXCEEDED.found(shown)),
            false => thresholds.judge(percent, &QUOTA_FULL, shown),
        }
    });
    judged.collect()
}

fn messages(mailbox: &MailboxFacts, now: SystemTime, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(count) = mailbox.messages {
        findings.extend(options.messages.judge(count.into(), &MESSAGES, count));
    }
    if let (Some(found), Some((criteria, thresholds))) = (mailbox.found, &options.search) {
        let shown = format!("{found} of {criteria}");
        findings.extend(thresholds.judge(whole(found), &MESSAGES_FOUND, shown));
    }
    for (time, thresholds, kind) in [
        (mailbox.oldest, &options.oldest, &MESSAGES_OLDEST),
        (mailbox.newest, &options.newest, &MESSAGES_NEWEST),
    ] {
        if let Some(time) = time {
            // A message of the future is as new as can be.
            let age = now.duration_since(time).unwrap_or_default().as_secs();
            findings.extend(thresholds.judge(whole(age), kind, format_args!("{age} s")));
        }
    }
    let empty = |read: &crate::facts::MessageFacts| read.octets.is_none() && read.size != Some(0);
    if let Some(read) = mailbox.read.as_ref().filter(|read| empty(read)) {
        let size = read.size.map(|size| format!(" of {size} octets"));
        let uid = read.uid.map(|uid| format!(" with UID {uid}"));
        let which = format!(
            "the message{}{}",
            uid.unwrap_or_default(),
            size.unwrap_or_default()
        );
        findings.push(FETCH_NO_DATA.found(which));
    }
    findings
}

/// Beyond 2^53 the last digits are lost, and no threshold is that fine.
#[allow(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "there is no other way from u64 to f64"
)]
fn whole(number: u64) -> f64 {
    number as f64
}

fn rights(mailbox: &MailboxFacts, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(granted) = &mailbox.rights {
        let missing = options
            .rights
            .chars()
            .filter(|right| !granted.contains(*right));
        let missing: String = missing.collect();
        if !missing.is_empty() {
            let evidence = format!("missing {missing}; granted {granted}");
            findings.push(RIGHTS_MISSING.found(evidence));
        }
    }
    if options.access == Access::Select && mailbox.is_writable == Some(false) {
        findings.push(MAILBOX_READ_ONLY.found(mailbox.name.clone()));
    }
    findings
}

fn exercises(facts: &ImapFacts) -> Vec<Finding> {
    let judged = facts
        .exercised
        .iter()
        .filter_map(|(extension, outcome)| match outcome {
            Exercise::Broken(why) => Some(EXTENSION_BROKEN.found(format!("{extension}: {why}"))),
            Exercise::NotOffered => Some(EXTENSION_NOT_OFFERED.found(extension.as_str())),
            Exercise::Works => None,
        });
    judged.collect()
}

fn edit(edit: &EditFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let differences = edit.comparison.as_ref().map(|one| one.differences());
    if let Some(differences) = differences.filter(|one| !one.is_empty()) {
        let shown: Vec<_> = differences.iter().map(ToString::to_string).collect();
        findings.push(EDIT_DAMAGED.found(shown.join("; ")));
    }
    for (folders, kind) in [
        (&edit.foreign, &EDIT_FOREIGN),
        (&edit.left_behind, &EDIT_LEFT_BEHIND),
        (&edit.tidied, &EDIT_TIDIED),
    ] {
        if !folders.is_empty() {
            findings.push(kind.found(folders.join(", ")));
        }
    }
    findings
}

fn refused(facts: &ImapFacts) -> Vec<Finding> {
    let judge = |(phase, words): &(&'static str, String)| match *phase {
        "select" => MAILBOX_REFUSED.found(words.clone()),
        phase => QUESTION_REFUSED.found(format!("{phase}: {words}")),
    };
    facts.refused.iter().map(judge).collect()
}
