//! What we think of it: the table of findings of this crate, and the judgement over facts and times.

use std::time::{Duration, SystemTime};

use probe_core::{Finding, FindingKind, Phase, Severity};
use probe_net::sasl::{Mechanism, Way};
use probe_net::tls::{self, Security};
use probe_net::{Seen, excerpt};

use crate::facts::{Maildrop, Pop3Facts, Refusal, Right, Rights};
use crate::options::Options;
use crate::reply::{Capabilities, Expiry, Reply, Status};

/// All findings of this crate; those about TLS are in [`tls::FINDINGS`].
pub static FINDINGS: &[&FindingKind] = &[
    &APOP_OFFERED,
    &APOP_USED,
    &AUTH_IN_CLEAR,
    &BARE_LF,
    &CAPA_UNKNOWN,
    &COMMAND_REFUSED,
    &EIGHT_BIT,
    &EXPIRE_AT_ONCE,
    &GREETING_BUSY,
    &GREETING_DELAYED,
    &GREETING_REFUSED,
    &INCONSISTENT,
    &IN_USE,
    &LIST_UNREADABLE,
    &LOGIN_DELAY,
    &LONG_LINE,
    &LOWER_CASE,
    &MANY_MESSAGES,
    &MANY_OCTETS,
    &MESSAGE_LOST,
    &NEW_MESSAGE,
    &NOTHING_TO_PROVE,
    &NO_STATUS,
    &OLD_MESSAGE,
    &RIGHT_MISSING,
    &SASL_EMPTY,
    &SIZE_DIFFERS,
    &STLS_INSIDE_TLS,
    &TOP_WHOLE,
    &UIDL_DUPLICATE,
    &UIDL_ILLEGAL,
    &UNCONFIRMED,
    &UNDATED,
];

static APOP_OFFERED: FindingKind = FindingKind::new(
    "pop3.apop.offered",
    Severity::Info,
    "the greeting offers APOP, which is weak",
    "Switch it off unless a client needs it: it rests on MD5, and the server must know the passwords in clear.",
);
static APOP_USED: FindingKind = FindingKind::new(
    "pop3.apop.used",
    Severity::Warning,
    "the login was by APOP, which is weak",
    "Log in by a SASL mechanism under TLS: who hears APOP in clear can find the password (RFC 6151, CVE-2007-1558).",
);
static AUTH_IN_CLEAR: FindingKind = FindingKind::new(
    "pop3.auth.in-clear",
    Severity::Warning,
    "the server takes passwords over an unencrypted connection",
    "Take logins under TLS only (Dovecot: disable_plaintext_auth = yes); RFC 8314 section 4.1 demands it.",
);
pub(crate) static BARE_LF: FindingKind = FindingKind::new(
    "pop3.reply.bare-lf",
    Severity::Warning,
    "a line ends in LF without CR",
    "Mend or replace whatever answers here: RFC 1939 section 3 wants CR LF, and strict clients hang.",
);
static CAPA_UNKNOWN: FindingKind = FindingKind::new(
    "pop3.capa.unknown",
    Severity::Info,
    "the server does not know CAPA",
    "Nothing needs to be done; what it can do is found out by asking for it. A server of this age deserves a successor.",
);
static COMMAND_REFUSED: FindingKind = FindingKind::new(
    "pop3.command.refused",
    Severity::Warning,
    "the server refuses a command that it must know or says it knows",
    "Read its words, and its log at this time: they name the reason.",
);
pub(crate) static EIGHT_BIT: FindingKind = FindingKind::new(
    "pop3.reply.eight-bit",
    Severity::Info,
    "a reply contains bytes that are not ASCII",
    "Nothing breaks here; strict clients may stumble over it (RFC 1939 section 3).",
);
static EXPIRE_AT_ONCE: FindingKind = FindingKind::new(
    "pop3.expire.at-once",
    Severity::Info,
    "the server deletes mail as soon as it was read",
    "Nothing needs to be done if it is meant so (RFC 2449 section 6.7). Because of it the probe reads no message.",
);
static GREETING_BUSY: FindingKind = FindingKind::new(
    "pop3.greeting.busy",
    Severity::Critical,
    "the server is up but takes no sessions for now",
    "Read its words: most often too many connections, or this client's address is held off for a while.",
);
static GREETING_DELAYED: FindingKind = FindingKind::new(
    "pop3.greeting.delayed",
    Severity::Info,
    "the server takes long to greet",
    "Look at its DNS lookups and its load first.",
);
static GREETING_REFUSED: FindingKind = FindingKind::new(
    "pop3.greeting.refused",
    Severity::Critical,
    "the server is up but refuses this client",
    "Read its words: most often this client's address is outside the allowed networks, or the service is shut.",
);
static INCONSISTENT: FindingKind = FindingKind::new(
    "pop3.maildrop.inconsistent",
    Severity::Warning,
    "the server counts the messages differently each time",
    "Have the server rebuild its index of this mailbox (Dovecot: doveadm force-resync).",
);
static IN_USE: FindingKind = FindingKind::new(
    "pop3.maildrop.in-use",
    Severity::Critical,
    "the password was right, but another session has the maildrop",
    "Give the probe an account of its own, or leave more time between probes; a lock that stays is a dead session.",
);
static LIST_UNREADABLE: FindingKind = FindingKind::new(
    "pop3.list.unreadable",
    Severity::Warning,
    "LIST has a line that is no number and size",
    "Report it to the server's maker: clients skip that message or stop (RFC 1939 section 5).",
);
static LOGIN_DELAY: FindingKind = FindingKind::new(
    "pop3.auth.login-delay",
    Severity::Critical,
    "the probe logs in more often than the server allows",
    "Probe this account less often than the server's LOGIN-DELAY says, and from one place.",
);
pub(crate) static LONG_LINE: FindingKind = FindingKind::new(
    "pop3.reply.long-line",
    Severity::Info,
    "a reply line is longer than 512 octets",
    "Nothing breaks here; clients may cut it off (RFC 2449 section 4).",
);
pub(crate) static LOWER_CASE: FindingKind = FindingKind::new(
    "pop3.reply.lower-case",
    Severity::Info,
    "a reply does not begin in upper case",
    "Report it to the server's maker: RFC 1939 section 3 wants +OK and -ERR, and strict clients know nothing else.",
);
static MANY_MESSAGES: FindingKind = FindingKind::new(
    "pop3.messages.threshold",
    Severity::Warning,
    "the number of messages is outside the given range",
    "See whether whoever should fetch this mail still does, or why so little arrives.",
);
static MANY_OCTETS: FindingKind = FindingKind::new(
    "pop3.octets.threshold",
    Severity::Warning,
    "the size of the maildrop is outside the given range",
    "See whether whoever should fetch this mail still does, before its quota is used up.",
);
static MESSAGE_LOST: FindingKind = FindingKind::new(
    "pop3.rights.message-lost",
    Severity::Critical,
    "a message that was marked as deleted and unmarked is gone",
    "Report it to the server's maker: it deletes what RSET has taken back, or in a session without QUIT (RFC 1939 sections 5 and 6).",
);
static NEW_MESSAGE: FindingKind = FindingKind::new(
    "pop3.messages.newest",
    Severity::Warning,
    "the age of the newest message is outside the given range",
    "See whether mail still arrives: at the queues of the servers before this one first.",
);
static NOTHING_TO_PROVE: FindingKind = FindingKind::new(
    "pop3.rights.nothing-to-prove",
    Severity::Info,
    "there is no message to prove the rights with",
    "Leave a small message in the maildrop for the probe; with more messages than are listed, allow a longer list.",
);
pub(crate) static NO_STATUS: FindingKind = FindingKind::new(
    "pop3.reply.no-status",
    Severity::Critical,
    "the server said something that is no POP3 reply",
    "See what really listens on this port.",
);
static OLD_MESSAGE: FindingKind = FindingKind::new(
    "pop3.messages.oldest",
    Severity::Warning,
    "the age of the oldest message is outside the given range",
    "See whether whoever should fetch this mail still does.",
);
static RIGHT_MISSING: FindingKind = FindingKind::new(
    "pop3.rights.missing",
    Severity::Critical,
    "the account may not do with its mail what a client must",
    "Read the server's words; look at its access rules (ACL) for this account and at the permissions of its files.",
);
static SASL_EMPTY: FindingKind = FindingKind::new(
    "pop3.sasl.empty",
    Severity::Info,
    "the server offers SASL and names no mechanism",
    "Name the mechanisms, or stop offering SASL (RFC 5034 section 3).",
);
static SIZE_DIFFERS: FindingKind = FindingKind::new(
    "pop3.retr.size-differs",
    Severity::Info,
    "a message has another size than LIST says",
    "Nothing breaks here; clients that trust the size show a wrong progress.",
);
static STLS_INSIDE_TLS: FindingKind = FindingKind::new(
    "pop3.stls.inside-tls",
    Severity::Info,
    "the server offers STLS although TLS stands",
    "Report it to the server's maker: RFC 2595 section 4 permits STLS only where TLS is not active.",
);
static TOP_WHOLE: FindingKind = FindingKind::new(
    "pop3.top.whole-message",
    Severity::Warning,
    "TOP brings whole messages instead of their header sections",
    "Report it to the server's maker: clients that look before they fetch load everything twice.",
);
static UIDL_DUPLICATE: FindingKind = FindingKind::new(
    "pop3.uidl.duplicate",
    Severity::Warning,
    "two messages have the same unique id",
    "Let the server make ids that differ (Dovecot: pop3_uidl_duplicates = rename): clients that leave mail on the server miss one of the two.",
);
static UIDL_ILLEGAL: FindingKind = FindingKind::new(
    "pop3.uidl.illegal",
    Severity::Warning,
    "a unique id is none: 1 to 70 printable characters are allowed",
    "Change how the server makes its ids: clients may fetch this message again and again (RFC 1939 section 7).",
);
static UNCONFIRMED: FindingKind = FindingKind::new(
    "pop3.rights.unconfirmed",
    Severity::Info,
    "no fresh session has shown yet that no message is lost",
    "Log in by hand, or run the probe again later: the message that was marked should still be there.",
);
static UNDATED: FindingKind = FindingKind::new(
    "pop3.messages.undated",
    Severity::Info,
    "the oldest message does not tell when it came",
    "Nothing needs to be done; its age is not known, and no threshold is applied to it.",
);

/// A greeting that takes longer is a delay on purpose, or a server in trouble.
const SLOW_GREETING: Duration = Duration::from_secs(2);

/// What to think of a dialogue that was led with `security`.
pub fn judge(
    facts: &Pop3Facts,
    seen: &Seen<'_>,
    security: Security,
    options: &Options,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(client_certificate(facts));
    findings.extend(greeting(facts));
    findings.extend(delay(seen));
    let offers = facts.clear.as_ref().map(offered).unwrap_or_default();
    findings.extend(facts.starttls.judge(&offers, security));
    if let Some(tls) = &facts.tls {
        findings.extend(tls::judge(tls, security, &options.tls_thresholds, seen.now));
    }
    findings.extend(capabilities(facts));
    findings.extend(auth(facts));
    findings.extend(facts.refusals.iter().filter_map(|one| refusal(one, facts)));
    if let Some(maildrop) = &facts.maildrop {
        findings.extend(thresholds(maildrop, options, seen.now));
        findings.extend(listings(maildrop));
        findings.extend(messages(maildrop, options));
    }
    if let Some(proof) = &facts.rights {
        findings.extend(rights(proof, facts));
    }
    findings
}

fn client_certificate(facts: &Pop3Facts) -> Option<Finding> {
    let reply = facts.greeting.as_ref()?.reply();
    let refused = reply.status() == Status::Err;
    let tls = facts.tls.as_ref().filter(|_| refused)?;
    tls::wanted_a_certificate(tls, reply.raw())
}

fn greeting(facts: &Pop3Facts) -> Option<Finding> {
    let greeting = facts.greeting.as_ref()?;
    let reply = greeting.reply();
    if reply.status() == Status::Err {
        let kind = match reply.code() {
            Some(code) if code.passes() => &GREETING_BUSY,
            _ => &GREETING_REFUSED,
        };
        return Some(kind.found(excerpt(reply.raw())));
    }
    let timestamp = greeting.timestamp()?;
    Some(APOP_OFFERED.found(excerpt(timestamp)))
}

fn delay(seen: &Seen<'_>) -> Option<Finding> {
    let greeting = seen
        .spans
        .iter()
        .find(|span| span.phase == Phase::GREETING)?;
    let waited = greeting.duration;
    let evidence = || GREETING_DELAYED.found(format!("{:.1} s", waited.as_secs_f64()));
    (waited >= SLOW_GREETING).then(evidence)
}

/// The names of all that is offered.
fn offered(capabilities: &Capabilities) -> Vec<u8> {
    let names: Vec<_> = capabilities.keywords().map(|one| one.name).collect();
    names.join(&b' ')
}

fn capabilities(facts: &Pop3Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.knows_capa == Some(false) {
        findings.push(CAPA_UNKNOWN.found(""));
    }
    let inside_tls = facts.secured.as_ref();
    if inside_tls.is_some_and(|offered| offered.has("STLS")) {
        findings.push(STLS_INSIDE_TLS.found(""));
    }
    let before_auth = facts.capabilities_before_auth();
    let sasl = before_auth.and_then(|offered| offered.get("SASL"));
    if sasl.is_some_and(|sasl| sasl.words().next().is_none()) {
        findings.push(SASL_EMPTY.found("SASL"));
    }
    if facts.expiry() == Some(Expiry::Days(0)) {
        findings.push(EXPIRE_AT_ONCE.found("EXPIRE 0"));
    }
    findings
}

fn auth(facts: &Pop3Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(clear) = &facts.clear {
        let readable = readable_logins(clear);
        if !readable.is_empty() {
            findings.push(AUTH_IN_CLEAR.found(readable.join(" ")));
        }
    }
    let Some(auth) = &facts.auth else {
        return findings;
    };
    if auth.accepted == Some(Way::Command("APOP")) {
        findings.push(APOP_USED.found(""));
    }
    for attempt in &auth.attempts {
        let Some(reply) = attempt.reply.as_deref().map(Reply::from_line) else {
            continue;
        };
        if reply.is_in_use() {
            findings.push(IN_USE.found(words(&reply)));
        } else if reply.code().is_some_and(|code| code.is("LOGIN-DELAY")) {
            findings.push(LOGIN_DELAY.found(words(&reply)));
        }
    }
    findings
}

/// The ways to log in of which a listener learns the password.
fn readable_logins(clear: &Capabilities) -> Vec<&'static str> {
    let user = clear.has("USER").then_some("USER");
    let mechanisms = clear.mechanisms().into_iter();
    let readable = mechanisms.filter(|one| one.shows_the_secret());
    user.into_iter()
        .chain(readable.map(Mechanism::as_str))
        .collect()
}

/// What is not offered may be refused.
fn refusal(refusal: &Refusal, facts: &Pop3Facts) -> Option<Finding> {
    let promised = match refusal.command {
        "LIST" | "NOOP" | "RETR" => true,
        "CAPA" => false,
        command => facts.offers(command),
    };
    let words = format!("{}: {}", refusal.command, excerpt(&refusal.reply));
    promised.then(|| COMMAND_REFUSED.found(words))
}

fn thresholds(maildrop: &Maildrop, options: &Options, now: SystemTime) -> Vec<Finding> {
    let (messages, octets) = (maildrop.messages, maildrop.octets);
    let many = options
        .messages
        .judge(whole(messages), &MANY_MESSAGES, messages);
    let large = options.octets.judge(whole(octets), &MANY_OCTETS, octets);
    let mut findings: Vec<_> = many.into_iter().chain(large).collect();
    for (time, thresholds, kind) in [
        (maildrop.oldest, &options.oldest, &OLD_MESSAGE),
        (maildrop.newest, &options.newest, &NEW_MESSAGE),
    ] {
        if let Some(time) = time {
            // A message of the future is as new as can be.
            let age = now.duration_since(time).unwrap_or_default().as_secs();
            findings.extend(thresholds.judge(whole(age), kind, format_args!("{age} s")));
        }
    }
    findings
}

#[allow(
    clippy::as_conversions,
    reason = "there is no other way from u64 to f64"
)]
fn whole(count: u64) -> f64 {
    count as f64
}

/// LIST and UIDL, and whether they agree with STAT.
fn listings(maildrop: &Maildrop) -> Vec<Finding> {
    let mut findings = Vec::new();
    let listed = maildrop.listing.as_ref().map(|list| list.sizes().count());
    let identified = maildrop.unique_ids.as_ref().map(|ids| ids.ids().count());
    for (command, count) in [("LIST", listed), ("UIDL", identified)] {
        if let Some(count) = count.filter(|count| u64::try_from(*count) != Ok(maildrop.messages)) {
            let stat = maildrop.messages;
            findings.push(INCONSISTENT.found(format!("STAT counts {stat}, {command} {count}")));
        }
    }
    let listing = maildrop.listing.as_ref();
    if let Some(line) = listing.and_then(|listing| listing.unreadable()) {
        findings.push(LIST_UNREADABLE.found(excerpt(line)));
    }
    if let Some(ids) = &maildrop.unique_ids {
        findings.extend(ids.illegal().map(|line| UIDL_ILLEGAL.found(excerpt(line))));
        findings.extend(ids.duplicate().map(|id| UIDL_DUPLICATE.found(excerpt(id))));
    }
    findings
}

/// What came when messages were asked for.
fn messages(maildrop: &Maildrop, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(message) = maildrop.whole_for_top.first() {
        findings.push(TOP_WHOLE.found(format!("message {message}")));
    }
    let undated = options.ages && maildrop.messages > 0 && maildrop.oldest.is_none();
    if undated {
        findings.push(UNDATED.found(""));
    }
    if let Some(read) = maildrop.retrieved
        && let Some(listed) = read.listed.filter(|listed| *listed != read.octets)
    {
        let (message, octets) = (read.message, read.octets);
        let evidence = format!("message {message}: LIST says {listed}, RETR brought {octets}");
        findings.push(SIZE_DIFFERS.found(evidence));
    }
    findings
}

fn rights(rights: &Rights, facts: &Pop3Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, right) in rights.each() {
        if let Right::Refused(words) = right {
            let finding = RIGHT_MISSING.found(format!("{name}: {}", excerpt(words)));
            // TOP is optional (RFC 1939 section 7).
            findings.push(match name {
                "top" => finding.with_severity(Severity::Info),
                _ => finding,
            });
        }
    }
    match rights.kept {
        Some(false) => findings.push(MESSAGE_LOST.found(match rights.message {
            Some(message) => format!("message {message}"),
            None => String::new(),
        })),
        None if rights.touched_something() => {
            let delay = facts.login_delay().map(|delay| delay.as_secs());
            let why = delay.map(|delay| format!("it wants {delay} s between two logins"));
            findings.push(UNCONFIRMED.found(why.unwrap_or_default()));
        }
        _ => {}
    }
    if rights.message.is_none() {
        findings.push(NOTHING_TO_PROVE.found(""));
    }
    findings
}

/// The words that a failure quotes.
pub(crate) fn words(reply: &Reply) -> String {
    excerpt(reply.status_line())
}
