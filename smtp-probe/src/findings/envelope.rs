//! What we think of an envelope: of the answers to its recipients, its size, and what is not offered.

use probe_core::{Finding, FindingKind, Severity};
use probe_net::excerpt;

use crate::acceptance::Acceptance;
use crate::expectation::Stage;
use crate::facts::{CatchAll, EnvelopeFacts, RecipientFacts, SmtpFacts};
use crate::options::Options;

pub(super) static CATCH_ALL: FindingKind = FindingKind::new(
    "smtp.catch-all",
    Severity::Info,
    "the server takes mail for a name that nobody has",
    "Nothing needs to be done if it is meant so. That it takes any other name proves nothing, and if it refuses such \
    mail later it sends bounces to people who never wrote: let it refuse at RCPT.",
);
pub(super) static EXTENSION_NOT_OFFERED: FindingKind = FindingKind::new(
    "smtp.extension.not-offered",
    Severity::Warning,
    "an extension that was to be used is not offered",
    "Switch it on, or do without; it was left out here.",
);
pub(super) static MESSAGE_DEFERRED: FindingKind = FindingKind::new(
    "smtp.message.deferred",
    Severity::Warning,
    "the server does not take the message for now",
    "Read its words and send it again later.",
);
pub(super) static MESSAGE_NOT_SENT: FindingKind = FindingKind::new(
    "smtp.message.not-sent",
    Severity::Warning,
    "the message was not sent: no recipient was accepted",
    "See what the server says to the recipients.",
);
pub(super) static MESSAGE_REFUSED: FindingKind = FindingKind::new(
    "smtp.message.refused",
    Severity::Critical,
    "the server refuses the message",
    "Read its words: a filter of spam, viruses or headers, or a limit.",
);
pub(super) static RECIPIENT_AUTH_REQUIRED: FindingKind = FindingKind::new(
    "smtp.recipient.auth-required",
    Severity::Critical,
    "the server takes the recipient only after a login, or under TLS",
    "Log in, or see whether this is the port for users where strangers should find one for servers.",
);
pub(super) static RECIPIENT_BLOCKED: FindingKind = FindingKind::new(
    "smtp.recipient.blocked",
    Severity::Critical,
    "the server's policy or a blacklist forbids mail from this client",
    "Read its words: if they name a blacklist, look this client's address up there and have it removed; else see to \
    the reverse DNS, HELO name and SPF of the sender.",
);
pub(super) static RECIPIENT_DEFERRED: FindingKind = FindingKind::new(
    "smtp.recipient.deferred",
    Severity::Warning,
    "the server does not take the recipient for now",
    "Read its words and ask again later. If it stays so, see whether the server can look its users up.",
);
pub(super) static RECIPIENT_GREYLISTED: FindingKind = FindingKind::new(
    "smtp.recipient.greylisted",
    Severity::Info,
    "the server wants strangers to come again later",
    "Nothing needs to be done: mail servers do come again. Whether the recipient exists is not known yet.",
);
pub(super) static RECIPIENT_MAILBOX_FULL: FindingKind = FindingKind::new(
    "smtp.recipient.mailbox-full",
    Severity::Critical,
    "the recipient's mailbox is full",
    "Make room or raise the quota: mail is delayed or bounces.",
);
pub(super) static RECIPIENT_REFUSED: FindingKind = FindingKind::new(
    "smtp.recipient.refused",
    Severity::Critical,
    "the server does not take mail for the recipient",
    "Read its words; see whether the address is spelled right and the account is enabled.",
);
pub(super) static RECIPIENT_RELAY_DENIED: FindingKind = FindingKind::new(
    "smtp.recipient.relay-denied",
    Severity::Critical,
    "the server is not responsible for the recipient's domain",
    "If it should be, add the domain to those it takes mail for (Postfix: mydestination, virtual_mailbox_domains, \
    relay_domains); else ask the domain's own servers.",
);
pub(super) static RECIPIENT_TOO_MANY: FindingKind = FindingKind::new(
    "smtp.recipient.too-many",
    Severity::Warning,
    "the server takes no more recipients at once",
    "Ask for fewer at a time; RFC 5321 section 4.5.3.1.8 has servers take a hundred.",
);
pub(super) static RECIPIENT_UNKNOWN: FindingKind = FindingKind::new(
    "smtp.recipient.unknown",
    Severity::Critical,
    "the server knows nobody of that name",
    "See whether the address is spelled right, and whether the server still finds its users.",
);
pub(super) static SENDER_GREYLISTED: FindingKind = FindingKind::new(
    "smtp.sender.greylisted",
    Severity::Info,
    "the server wants strangers to come again later, and says so to the sender",
    "Nothing needs to be done: mail servers do come again. What it thinks of recipients is not known yet.",
);
pub(super) static SIZE_EXCEEDED: FindingKind = FindingKind::new(
    "smtp.size.exceeded",
    Severity::Critical,
    "a message of that size is not taken",
    "Raise the server's limit (Postfix: message_size_limit), or send less.",
);

pub(super) fn judge(facts: &SmtpFacts, options: &Options) -> Vec<Finding> {
    let Some(envelope) = &facts.envelope else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    findings.extend(size(facts, envelope, options));
    let wanted = |one: &&RecipientFacts| options.wants_refusal(Stage::Rcpt, &one.answer.reply);
    let recipients = envelope.recipients.iter().filter(|one| !wanted(one));
    findings.extend(recipients.filter_map(recipient));
    findings.extend(sender(envelope));
    findings.extend(catch_all(envelope));
    findings.extend(message(facts, envelope, options));
    if !envelope.not_offered.is_empty() {
        findings.push(EXTENSION_NOT_OFFERED.found(envelope.not_offered.join(" ")));
    }
    findings
}

/// The limit that was told before, or the refusal.
fn size(facts: &SmtpFacts, envelope: &EnvelopeFacts, options: &Options) -> Option<Finding> {
    let size = options.size()?;
    let refused = envelope.sender_answer.iter();
    let refused = refused.chain(envelope.recipients.iter().map(|one| &one.answer));
    let mut refused = refused.filter(|answer| answer.acceptance == Acceptance::TooLarge);
    if let Some(answer) = refused.next() {
        return Some(SIZE_EXCEEDED.found(excerpt(answer.reply.raw())));
    }
    let limit = facts.capabilities()?.size_limit()?;
    let evidence = || format!("{size} octets, and SIZE {limit} is offered");
    (size > limit).then(|| SIZE_EXCEEDED.found(evidence()))
}

fn sender(envelope: &EnvelopeFacts) -> Option<Finding> {
    let answer = envelope.sender_answer.as_ref()?;
    let is_greylisted = answer.acceptance == Acceptance::Greylisted;
    is_greylisted.then(|| SENDER_GREYLISTED.found(excerpt(answer.reply.raw())))
}

fn recipient(one: &RecipientFacts) -> Option<Finding> {
    let kind = match one.answer.acceptance {
        Acceptance::Accepted => return None,
        // Told once for all.
        Acceptance::TooLarge => return None,
        Acceptance::AuthRequired => &RECIPIENT_AUTH_REQUIRED,
        Acceptance::Blocked => &RECIPIENT_BLOCKED,
        Acceptance::Greylisted => &RECIPIENT_GREYLISTED,
        Acceptance::MailboxFull => &RECIPIENT_MAILBOX_FULL,
        Acceptance::Refused => &RECIPIENT_REFUSED,
        Acceptance::RelayDenied => &RECIPIENT_RELAY_DENIED,
        Acceptance::Temporary => &RECIPIENT_DEFERRED,
        Acceptance::TooMany => &RECIPIENT_TOO_MANY,
        Acceptance::UnknownUser => &RECIPIENT_UNKNOWN,
    };
    Some(kind.found(evidence(one)))
}

fn catch_all(envelope: &EnvelopeFacts) -> Option<Finding> {
    let stranger = envelope.stranger.as_ref()?;
    let takes_all = envelope.catch_all() == Some(CatchAll::Yes);
    takes_all.then(|| CATCH_ALL.found(evidence(stranger)))
}

fn message(facts: &SmtpFacts, envelope: &EnvelopeFacts, options: &Options) -> Vec<Finding> {
    let Some(submission) = &facts.submission else {
        let was_asked = options.message.is_some() && envelope.sender_answer.is_some();
        let is_unsent = was_asked && envelope.accepted() == 0;
        return is_unsent
            .then(|| MESSAGE_NOT_SENT.found(""))
            .into_iter()
            .collect();
    };
    let judged = submission.results.iter().filter_map(|one| {
        let code = one.answer.reply.code()?;
        let kind = match code.is_transient() {
            true => &MESSAGE_DEFERRED,
            false => &MESSAGE_REFUSED,
        };
        (!code.is_completion()).then(|| kind.found(evidence(one)))
    });
    judged.collect()
}

fn evidence(one: &RecipientFacts) -> String {
    format!("{}: {}", one.address, excerpt(one.answer.reply.raw()))
}
