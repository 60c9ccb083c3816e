//! What we think of it: the table of findings of this crate, and the judgement over facts and times.

mod envelope;
mod name;
mod ntlm;
mod trespass;

use std::time::Duration;

use probe_core::{AnyFacts, Finding, FindingKind, Phase, Report, Severity};
use probe_net::sasl::Mechanism;
use probe_net::tls::{self, Channel, Security, Witness};
use probe_net::{Seen, excerpt};

use crate::expectation::Stage;
use crate::facts::{Disclosure, DisclosureFacts, SmtpFacts, Unexpected};
use crate::options::Options;
use crate::reply::{Capabilities, Code, Reply};

/// All findings of this crate; those about TLS are in [`tls::FINDINGS`].
pub static FINDINGS: &[&FindingKind] = &[
    &AUTH_AFTER_EHLO,
    &AUTH_IN_CLEAR,
    &AUTH_LEGACY_FORM,
    &AUTH_NOT_REFUSED,
    &AUTH_X_EXPS_ONLY,
    &BARE_LF,
    &envelope::CATCH_ALL,
    &EHLO_REFUSED,
    &EIGHT_BIT,
    &envelope::EXTENSION_NOT_OFFERED,
    &GREETING_BUSY,
    &GREETING_DELAYED,
    &GREETING_REFUSED,
    &LONG_LINE,
    &envelope::MESSAGE_DEFERRED,
    &envelope::MESSAGE_NOT_SENT,
    &envelope::MESSAGE_REFUSED,
    &name::NAME_MISMATCH,
    &name::NAME_NOT_QUALIFIED,
    &NO_CODE,
    &NO_TEXT,
    &ntlm::NTLM_DISCLOSES,
    &envelope::RECIPIENT_AUTH_REQUIRED,
    &envelope::RECIPIENT_BLOCKED,
    &envelope::RECIPIENT_DEFERRED,
    &envelope::RECIPIENT_GREYLISTED,
    &envelope::RECIPIENT_MAILBOX_FULL,
    &envelope::RECIPIENT_REFUSED,
    &envelope::RECIPIENT_RELAY_DENIED,
    &envelope::RECIPIENT_TOO_MANY,
    &envelope::RECIPIENT_UNKNOWN,
    &RELAY_OPEN,
    &RELAY_UNTESTED,
    &REPLY_UNEXPECTED,
    &envelope::SENDER_GREYLISTED,
    &envelope::SIZE_EXCEEDED,
    &trespass::SMUGGLING_ACCEPTED,
    &trespass::SMUGGLING_UNTESTED,
    &trespass::COMMAND_INJECTION,
    &trespass::INJECTION_UNTESTED,
    &STARTTLS_INSIDE_TLS,
    &TWO_CODES,
    &VRFY_DISCLOSES,
];

static AUTH_AFTER_EHLO: FindingKind = FindingKind::new(
    "smtp.auth.no-ehlo-after",
    Severity::Info,
    "the server takes no EHLO after authentication",
    "Nothing needs to be done; some servers do so on purpose. What they offer after login stays unknown.",
);
static AUTH_IN_CLEAR: FindingKind = FindingKind::new(
    "smtp.auth.in-clear",
    Severity::Warning,
    "the server takes passwords over an unencrypted connection",
    "Offer AUTH under TLS only (Postfix: smtpd_tls_auth_only = yes); RFC 8314 section 4.1 demands it.",
);
static AUTH_LEGACY_FORM: FindingKind = FindingKind::new(
    "smtp.auth.legacy-form",
    Severity::Info,
    "the server offers AUTH in the form of before 1999 as well",
    "Remove it if no client of that age is left (Postfix: broken_sasl_auth_clients = no).",
);
static AUTH_NOT_REFUSED: FindingKind = FindingKind::new(
    "smtp.auth.not-refused",
    Severity::Critical,
    "the server accepted a login that it should have refused",
    "Block the account or the mechanism at once, and see who has used it: whoever knows this password can send mail.",
);
static AUTH_X_EXPS_ONLY: FindingKind = FindingKind::new(
    "smtp.auth.x-exps-only",
    Severity::Info,
    "the server offers mechanisms on X-EXPS alone, not on AUTH",
    "Nothing needs to be done where only Exchange servers log in; most other clients see no login here. For them, allow \
    basic or integrated authentication on Exchange's receive connector.",
);
pub(crate) static BARE_LF: FindingKind = FindingKind::new(
    "smtp.reply.bare-lf",
    Severity::Warning,
    "a line ends in LF without CR",
    "Mend or replace whatever answers here: RFC 5321 section 2.3.8 forbids it and strict clients hang up.",
);
static EHLO_REFUSED: FindingKind = FindingKind::new(
    "smtp.ehlo.refused",
    Severity::Warning,
    "the server does not know EHLO, only HELO",
    "See whether an old filter or firewall answers in the server's place: without EHLO there is no TLS.",
);
pub(crate) static EIGHT_BIT: FindingKind = FindingKind::new(
    "smtp.reply.eight-bit",
    Severity::Info,
    "a reply contains bytes that are not ASCII",
    "Nothing breaks here; strict clients may stumble over it (RFC 5321 section 4.2).",
);
static GREETING_BUSY: FindingKind = FindingKind::new(
    "smtp.greeting.busy",
    Severity::Critical,
    "the server is up but takes no sessions for now",
    "Read its words: most often too many connections, or this client's address is held off for a while.",
);
static GREETING_DELAYED: FindingKind = FindingKind::new(
    "smtp.greeting.delayed",
    Severity::Info,
    "the server makes strangers wait for its greeting",
    "Nothing needs to be done if it is meant so (postscreen, greet_pause); else the server is slow: look at its DNS lookups first.",
);
static GREETING_REFUSED: FindingKind = FindingKind::new(
    "smtp.greeting.refused",
    Severity::Critical,
    "the server is up but refuses this client",
    "Read its words: most often this client's address is on a blacklist or outside the allowed networks.",
);
pub(crate) static LONG_LINE: FindingKind = FindingKind::new(
    "smtp.reply.long-line",
    Severity::Info,
    "a reply line is longer than 512 octets",
    "Nothing breaks here; clients may cut it off (RFC 5321 section 4.5.3.1.5).",
);
pub(crate) static NO_CODE: FindingKind = FindingKind::new(
    "smtp.reply.no-code",
    Severity::Critical,
    "the server said something that is no SMTP reply",
    "See what really listens on this port.",
);
pub(crate) static NO_TEXT: FindingKind = FindingKind::new(
    "smtp.reply.no-text",
    Severity::Info,
    "a reply is a code and nothing else",
    "Nothing breaks here; some clients wait for the blank that should follow the code.",
);
static RELAY_OPEN: FindingKind = FindingKind::new(
    "smtp.relay.open",
    Severity::Critical,
    "the server relays mail for strangers",
    "Close it at once, before spammers find it and its address is on every blacklist (Postfix: \
    reject_unauth_destination in smtpd_relay_restrictions, and allow_percent_hack and swap_bangpath off). If only forms \
    in its own domain were taken, send one to see where it goes.",
);
static RELAY_UNTESTED: FindingKind = FindingKind::new(
    "smtp.relay.untested",
    Severity::Info,
    "the relay test could not look at everything",
    "Read the evidence. A server that wants a login, or refuses this client, is not open to it; test from another address \
    to be sure.",
);
static REPLY_UNEXPECTED: FindingKind = FindingKind::new(
    "smtp.reply.unexpected",
    Severity::Critical,
    "the server said something else than was expected",
    "See whether the server was changed, or another one answers in its place; if it is meant so, change what is expected.",
);
static STARTTLS_INSIDE_TLS: FindingKind = FindingKind::new(
    "smtp.starttls.inside-tls",
    Severity::Info,
    "the server offers STARTTLS although TLS stands",
    "Report it to the server's maker: RFC 3207 section 4.2 forbids it.",
);
pub(crate) static TWO_CODES: FindingKind = FindingKind::new(
    "smtp.reply.two-codes",
    Severity::Warning,
    "lines of one reply have different codes",
    "Mend whatever writes these replies: clients disagree on which code counts (RFC 5321 section 4.2.1).",
);

static VRFY_DISCLOSES: FindingKind = FindingKind::new(
    "smtp.vrfy.discloses",
    Severity::Warning,
    "the server tells strangers who is there",
    "Switch VRFY and EXPN off (Postfix: disable_vrfy_command = yes), or have them say 252 to all: spammers and guessers \
    of passwords begin with such lists.",
);

/// A greeting that takes longer is a delay on purpose, or a server in trouble.
const SLOW_GREETING: Duration = Duration::from_secs(2);

/// What to think of a dialogue that was led with `security`.
pub fn judge(
    facts: &SmtpFacts,
    seen: &Seen<'_>,
    security: Security,
    options: &Options,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(client_certificate(facts));
    findings.extend(greeting(facts, options));
    findings.extend(delay(seen));
    findings.extend(name::judge(facts, options));
    let offers = facts.clear.as_ref().map(offered).unwrap_or_default();
    let channel = Channel::new(security, &facts.starttls, facts.tls.as_deref())
        .offering(&offers)
        .at(seen.server_name);
    let expectation = &options.tls_expectation;
    findings.extend(expectation.judge(&channel, &options.tls_thresholds, seen.now));
    findings.extend(ehlo(facts));
    findings.extend(auth(facts));
    findings.extend(ntlm::judge(facts));
    findings.extend(wrongly_accepted(facts, options));
    findings.extend(facts.unexpected.iter().map(unexpected));
    findings.extend(directory(facts));
    findings.extend(relay(facts));
    findings.extend(trespass::judge(facts, options));
    findings.extend(envelope::judge(facts, options));
    findings
}

/// What the addresses of one host tell of each other: STARTTLS that one offers and another does not was taken away.
pub(crate) fn judge_pool(members: &mut [Report<AnyFacts>]) {
    let offering = members.iter().find_map(|member| {
        let facts = member.downcast_ref::<SmtpFacts>()?;
        let address = facts.address.filter(|_| facts.starttls.was_offered())?;
        Some(Witness::Address(address.ip()))
    });
    let Some(witness) = offering else { return };
    for member in members {
        let facts = member.downcast_ref::<SmtpFacts>();
        let Some(finding) = facts.and_then(|facts| facts.starttls.stripped(witness)) else {
            continue;
        };
        // An expectation has told it already.
        if !member
            .findings
            .iter()
            .any(|known| known.kind == finding.kind)
        {
            member.add_finding(finding);
        }
    }
}

fn client_certificate(facts: &SmtpFacts) -> Option<Finding> {
    let reply = facts.greeting.as_ref()?.reply();
    let refused = !reply.code()?.is_completion();
    let tls = facts.tls.as_ref().filter(|_| refused)?;
    tls::wanted_a_certificate(tls, reply.raw())
}

fn greeting(facts: &SmtpFacts, options: &Options) -> Option<Finding> {
    let reply = facts.greeting.as_ref()?.reply();
    if options.wants_refusal(Stage::Greeting, reply) {
        return None;
    }
    match reply.code()? {
        code if code.is_transient() => Some(GREETING_BUSY.found(excerpt(reply.raw()))),
        code if code.is_permanent() => Some(GREETING_REFUSED.found(excerpt(reply.raw()))),
        _ => None,
    }
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

fn ehlo(facts: &SmtpFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.knows_ehlo == Some(false) {
        findings.push(EHLO_REFUSED.found(""));
    }
    if facts
        .secured
        .as_ref()
        .is_some_and(|offered| offered.has("STARTTLS"))
    {
        findings.push(STARTTLS_INSIDE_TLS.found(""));
    }
    findings
}

fn auth(facts: &SmtpFacts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let clear = facts
        .clear
        .as_ref()
        .map(Capabilities::mechanisms)
        .unwrap_or_default();
    let readable: Vec<_> = clear
        .into_iter()
        .filter(|one| one.shows_the_secret())
        .collect();
    if !readable.is_empty() {
        let names: Vec<_> = readable.into_iter().map(Mechanism::as_str).collect();
        findings.push(AUTH_IN_CLEAR.found(format!("AUTH {}", names.join(" "))));
    }
    let latest = facts
        .capabilities()
        .into_iter()
        .flat_map(Capabilities::keywords);
    if let Some(legacy) = latest
        .into_iter()
        .find(|one| one.is("AUTH") && one.is_legacy_form)
    {
        findings.push(AUTH_LEGACY_FORM.found(format!("AUTH={}", excerpt(legacy.parameters))));
    }
    findings.extend(facts.capabilities().and_then(x_exps_only));
    let accepted = facts
        .auth
        .as_ref()
        .is_some_and(|auth| auth.accepted.is_some());
    if accepted && facts.refused_ehlo_after_auth {
        findings.push(AUTH_AFTER_EHLO.found(""));
    }
    findings
}

fn x_exps_only(offered: &Capabilities) -> Option<Finding> {
    let names = offered.exps_mechanism_names().join(&b' ');
    let alone = !names.is_empty() && !offered.has("AUTH");
    alone.then(|| AUTH_X_EXPS_ONLY.found(format!("X-EXPS {}", excerpt(&names))))
}

fn wrongly_accepted(facts: &SmtpFacts, options: &Options) -> Option<Finding> {
    let way = facts.auth.as_ref()?.accepted?;
    let evidence = || AUTH_NOT_REFUSED.found(way.as_str());
    options.expect_refusal.then(evidence)
}

fn unexpected(one: &Unexpected) -> Finding {
    REPLY_UNEXPECTED.found(format!(
        "{}: {}, and {} was expected",
        one.stage,
        excerpt(one.reply.raw()),
        one.expected
    ))
}

fn relay(facts: &SmtpFacts) -> Vec<Finding> {
    /// So many forms are named as evidence.
    const NAMED: usize = 3;
    let Some(relay) = &facts.relay else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    if !relay.accepted.is_empty() {
        let named = relay.accepted.iter().take(NAMED);
        let forms = named.map(|(form, reply)| format!("{form}: {}", excerpt(reply.raw())));
        let (taken, tried) = (relay.accepted.len(), relay.tried);
        let forms = forms.collect::<Vec<_>>().join("; ");
        findings.push(RELAY_OPEN.found(format!("{taken} of {tried} forms, such as {forms}")));
    }
    if relay.unclear > 0 && relay.accepted.is_empty() {
        let evidence = format!(
            "{} of {} forms were put off, or taken by a server that takes any name of its own",
            relay.unclear, relay.tried
        );
        findings.push(RELAY_UNTESTED.found(evidence));
    } else if let Some(reply) = &relay.stopped {
        let (tried, words) = (relay.tried, excerpt(reply.raw()));
        findings.push(RELAY_UNTESTED.found(format!("behind {tried} forms: {words}")));
    }
    findings
}

/// Told once, with the first evidence.
fn directory(facts: &SmtpFacts) -> Option<Finding> {
    let evidence = |one: &DisclosureFacts| {
        let words = excerpt(one.reply.raw());
        format!("{} {}: {words}", one.directory, one.name)
    };
    let mut told = facts.disclosures.iter();
    if let Some(told) = told.find(|one| one.disclosure() != Disclosure::Nothing) {
        return Some(VRFY_DISCLOSES.found(evidence(told)));
    }
    let (yes, no) = told_apart(&facts.disclosures)?;
    Some(VRFY_DISCLOSES.found(format!("{}; {}", evidence(yes), evidence(no))))
}

/// Answers that tell nothing alone, and whose difference does: 252 for one name and 550 for another.
fn told_apart(answers: &[DisclosureFacts]) -> Option<(&DisclosureFacts, &DisclosureFacts)> {
    answers.iter().find_map(|yes| {
        let is_other = |no: &&DisclosureFacts| {
            let number = no.reply.code().map(Code::number);
            no.directory == yes.directory && matches!(number, Some(550 | 551))
        };
        let is_yes = yes.reply.code().is_some_and(Code::is_completion);
        let no = answers.iter().find(is_other).filter(|_| is_yes)?;
        Some((yes, no))
    })
}

/// The words that a failure quotes.
pub(crate) fn words(reply: &Reply) -> String {
    excerpt(reply.raw())
}
