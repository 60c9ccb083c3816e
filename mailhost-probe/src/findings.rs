//! What we think of it: the table of findings of this crate, and the judgement over facts.

use core::fmt;
use std::time::Duration;

use probe_core::{Finding, FindingKind, Severity, Thresholds};

use crate::exporter::findings as exporter;
use crate::facts::{QueueFacts, QueueName, QueueState};
use crate::growth::Growth;
use crate::host::findings as host;
use crate::options::Options;
use crate::reach::findings as reach;
use crate::reason::Reason;
use crate::status::findings as status;

/// All findings of this crate.
pub static FINDINGS: &[&FindingKind] = &[
    &COMPLAINT,
    &DNS,
    &GREYLISTED,
    &GROWING,
    &HELD,
    &MESSAGES,
    &OLDEST,
    &OTHER,
    &POLICY,
    &QUOTA,
    &REFUSED,
    &TIMEOUT,
    &TLS,
    &UNREADABLE,
    &exporter::LATENCY,
    &exporter::QUEUE,
    &exporter::REQUESTS,
    &host::COMMITTED,
    &host::CPU,
    &host::DISK,
    &host::INODES,
    &host::LATENCY,
    &host::LOAD,
    &host::MEMORY,
    &host::READ_ONLY,
    &host::REBOOT,
    &host::RUN_QUEUE,
    &host::SILENT,
    &host::SWAP,
    &reach::ECHO_LOSS,
    &reach::ECHO_SILENT,
    &reach::ECHO_UNAVAILABLE,
    &reach::GONE,
    &reach::SERVICE_DOWN,
    &status::INCIDENT,
    &status::MAINTENANCE,
    &status::SERVICE,
    &status::STALE,
    &status::WELL,
];

static COMPLAINT: FindingKind = FindingKind::new(
    "queue.complaint",
    Severity::Warning,
    "the program that lists the queue complains",
    "Read its words: postqueue still lists the queue for root when Postfix does not run, and then nothing is being delivered.",
);
static DNS: FindingKind = FindingKind::new(
    "queue.delayed.dns",
    Severity::Info,
    "mail waits since the destination's name is not resolved",
    "If it is many destinations, mend the resolver that the mail server asks; if one, its zone is at fault.",
);
static GREYLISTED: FindingKind = FindingKind::new(
    "queue.delayed.greylisted",
    Severity::Info,
    "mail waits since the destination wants a second attempt",
    "It goes by itself at the next attempt, if that comes from the same address.",
);
static GROWING: FindingKind = FindingKind::new(
    "queue.growing",
    Severity::Warning,
    "a queue grows so fast that its threshold will be met soon",
    "Look at the fullest destinations and their reasons now: either something no longer takes mail, or more comes in than usual.",
);
static HELD: FindingKind = FindingKind::new(
    "queue.held",
    Severity::Info,
    "messages are held back and will not go by themselves",
    "See what they are, and release or delete them: postsuper -H or -d for Postfix, exim -Mt or -Mrm for Exim.",
);
static MESSAGES: FindingKind = FindingKind::new(
    "queue.messages",
    Severity::Warning,
    "more messages wait than should",
    "Look at the fullest destinations and their reasons; where they are many and unknown, look for an account that sends spam.",
);
static OLDEST: FindingKind = FindingKind::new(
    "queue.oldest",
    Severity::Warning,
    "a message waits longer than it should",
    "Look at its reason: it will be returned to its sender when the server's lifetime for queued mail is over.",
);
static OTHER: FindingKind = FindingKind::new(
    "queue.delayed.other",
    Severity::Info,
    "mail waits for a reason of the destination's own",
    "Read the destination's words in the queue: they name the rule or the trouble.",
);
static POLICY: FindingKind = FindingKind::new(
    "queue.delayed.policy",
    Severity::Info,
    "mail waits since the destination's rules turn it away for now",
    "Check blacklists, reputation, rates and authentication (SPF, DKIM, DMARC) of what is sent; the destination's words name the rule.",
);
static QUOTA: FindingKind = FindingKind::new(
    "queue.delayed.quota",
    Severity::Info,
    "mail waits since a mailbox or a disk at the destination is full",
    "If the destination is yours, make room there; else only its owner can.",
);
static REFUSED: FindingKind = FindingKind::new(
    "queue.delayed.refused",
    Severity::Info,
    "mail waits since the destination cannot be connected to",
    "If the destination is yours, start its service; if it is many destinations, a firewall or the provider blocks port 25.",
);
static TIMEOUT: FindingKind = FindingKind::new(
    "queue.delayed.timeout",
    Severity::Info,
    "mail waits since the destination is silent",
    "If it is many destinations, look at the way out: a firewall that drops, or a provider that filters port 25.",
);
static TLS: FindingKind = FindingKind::new(
    "queue.delayed.tls",
    Severity::Info,
    "mail waits since the encryption that it must have is not to be had",
    "Look at the destination's certificate, its TLSA records and its MTA-STS policy, and at our own rules that require TLS.",
);
static UNREADABLE: FindingKind = FindingKind::new(
    "queue.unreadable",
    Severity::Warning,
    "some entries of the list were not understood and are not counted",
    "See whether the format that was named is the one of this mail server; the first such entry is shown.",
);

/// What to think of a queue.
pub fn judge(facts: &QueueFacts, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(counts(facts, options));
    findings.extend(oldest(facts, options));
    findings.extend(growing(facts, options));
    findings.extend(held(facts));
    findings.extend(delayed(facts, options));
    let complaint = facts.complaint.as_deref();
    findings.extend(complaint.map(|words| COMPLAINT.found(words)));
    if facts.unreadable > 0 {
        let first = facts.first_unreadable.as_deref().unwrap_or_default();
        findings.push(UNREADABLE.found(format!("{}, the first: {first}", facts.unreadable)));
    }
    findings
}

/// All queues together, and each by itself.
fn counts<'a>(
    facts: &'a QueueFacts,
    options: &'a Options,
) -> impl Iterator<Item = Finding> + use<'a> {
    let judge = |thresholds: &Thresholds, count: u64, shown: String| {
        thresholds.judge(float(count), &MESSAGES, shown)
    };
    let all = facts.messages();
    let together = (!facts.queues.is_empty())
        .then(|| judge(&options.messages, all, Messages(all).to_string()))
        .flatten();
    let each = options
        .messages_in
        .iter()
        .filter_map(move |(name, thresholds)| {
            let queue = facts.queue(name)?;
            let shown = format!("{} in {name}", Messages(queue.messages));
            judge(thresholds, queue.messages, shown)
        });
    together.into_iter().chain(each)
}

/// What is held back on purpose may become old.
fn oldest(facts: &QueueFacts, options: &Options) -> Option<Finding> {
    let queues = facts.queues.iter().filter(|queue| !is_held(queue));
    let oldest = queues.max_by_key(|queue| queue.oldest_age)?;
    let age = Duration::from_secs(oldest.oldest_age?.as_secs());
    let shown = format!("{} in {}", humantime::format_duration(age), oldest.name);
    options.oldest.judge(age.as_secs_f64(), &OLDEST, shown)
}

/// The first threshold that will be met of all queues together, and of each by itself.
fn growing(facts: &QueueFacts, options: &Options) -> Vec<Finding> {
    let foretell = |growth: &Growth, name: &str, thresholds: &Thresholds| {
        let until = growth.until(thresholds, options.horizon)?;
        let evidence = format!(
            "{name}: {} where there were {} {} ago, {:.0} more in an hour; the threshold is met in {}",
            Messages(growth.now),
            growth.before,
            humantime::format_duration(Duration::from_secs(growth.over.as_secs())),
            growth.per_hour(),
            humantime::format_duration(until),
        );
        Some(GROWING.found(evidence))
    };
    let together = facts.growth.first().and_then(|first| {
        let sum = |count: fn(&Growth) -> u64| {
            let counts = facts.growth.iter().map(count);
            counts.fold(0, u64::saturating_add)
        };
        let all = Growth {
            queue: first.queue.clone(),
            before: sum(|growth| growth.before),
            now: sum(|growth| growth.now),
            over: first.over,
        };
        foretell(&all, "all queues", &options.messages)
    });
    let each = options.messages_in.iter().filter_map(|(name, thresholds)| {
        let mut known = facts.growth.iter();
        let growth = known.find(|growth| growth.queue.as_str() == name)?;
        foretell(growth, name, thresholds)
    });
    together.into_iter().chain(each).collect()
}

fn held(facts: &QueueFacts) -> impl Iterator<Item = Finding> {
    let held = facts
        .queues
        .iter()
        .filter(|queue| is_held(queue) && queue.messages > 0);
    held.map(|queue| HELD.found(format!("{} in {}", Messages(queue.messages), queue.name)))
}

fn is_held(queue: &QueueState) -> bool {
    matches!(queue.name.as_str(), QueueName::HOLD | QueueName::FROZEN)
}

/// Each reason by itself, since each has another remedy. Greylisting is over by itself.
fn delayed(facts: &QueueFacts, options: &Options) -> impl Iterator<Item = Finding> {
    facts.delayed.iter().map(|(reason, count)| {
        let here = facts.domains.iter().filter_map(|domain| {
            let mut reasons = domain.delayed.iter();
            let (_, count) = reasons.find(|(known, _)| *known == reason)?;
            Some(format!("{} {count}", domain.domain))
        });
        let named: Vec<_> = here.take(3).collect();
        let evidence = match named.is_empty() {
            true => format!("{count} recipients"),
            false => format!("{count} recipients: {}", named.join(", ")),
        };
        let found = kind(reason).found(evidence);
        match count >= options.delayed && reason != Reason::Greylisted {
            true => found.with_severity(Severity::Warning),
            false => found,
        }
    })
}

const fn kind(reason: Reason) -> &'static FindingKind {
    match reason {
        Reason::Dns => &DNS,
        Reason::Greylisted => &GREYLISTED,
        Reason::Other => &OTHER,
        Reason::Policy => &POLICY,
        Reason::Quota => &QUOTA,
        Reason::Refused => &REFUSED,
        Reason::Timeout => &TIMEOUT,
        Reason::Tls => &TLS,
    }
}

/// A number of messages as people read it.
struct Messages(u64);

impl fmt::Display for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            1 => f.write_str("1 message"),
            count => write!(f, "{count} messages"),
        }
    }
}

#[allow(
    clippy::as_conversions,
    reason = "there is no other way from u64 to f64"
)]
const fn float(number: u64) -> f64 {
    number as f64
}
