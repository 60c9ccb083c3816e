//! What we think of an agent, and of what it tells.

use probe_core::{Finding, FindingKind, Severity};

use super::access::Kind as Access;
use super::dialogue::Trouble;
use super::facts::SnmpFacts;
use super::options::SnmpOptions;
use super::session::Refusal;
use crate::findings::judge as judge_queue;
use crate::host::findings::judge as judge_host;

/// All findings about SNMP agents. What such an agent tells is judged by those of [`FINDINGS`](crate::FINDINGS).
pub static SNMP_FINDINGS: &[&FindingKind] = &[
    &CLEARTEXT,
    &CUT,
    &DECRYPTION,
    &DELIVERY,
    &LOOP,
    &NO_ACCESS,
    &NO_HOST,
    &NO_QUEUE,
    &PUBLIC,
    &REPORT,
    &LEVEL,
    &SILENT,
    &TIME,
    &CONTEXT,
    &ENGINE,
    &USER,
    &UNPROVEN,
    &UNREAD,
    &WRONG_DIGEST,
];

static CLEARTEXT: FindingKind = FindingKind::new(
    "snmp.cleartext",
    Severity::Info,
    "everybody on the way can read the answers, and in versions 1 and 2c the community",
    "Give the agent a user of version 3 with authentication and encryption, and ask with it.",
);
static CONTEXT: FindingKind = FindingKind::new(
    "snmp.unknown-context",
    Severity::Warning,
    "the agent does not know the default context",
    "Give the user access to the context without a name.",
);
pub(super) static CUT: FindingKind = FindingKind::new(
    "snmp.cut",
    Severity::Info,
    "the agent has more to tell than is read",
    "Restrict the user's view to what is needed: the system group, MTA-MIB, HOST-RESOURCES-MIB and UCD-SNMP-MIB.",
);
static DECRYPTION: FindingKind = FindingKind::new(
    "snmp.decryption",
    Severity::Warning,
    "the agent cannot decrypt what it is asked",
    "Check the password for privacy, and that the agent has AES for this user.",
);
static DELIVERY: FindingKind = FindingKind::new(
    "snmp.group.failing",
    Severity::Info,
    "mail waits in a group of the mail server that could not connect",
    "Its words name the reason; look whether the destination is down, or the way to it.",
);
static ENGINE: FindingKind = FindingKind::new(
    "snmp.unknown-engine",
    Severity::Warning,
    "the agent no longer goes by the name that it has told",
    "It was set up anew, or another one answers at this address; ask again.",
);
static LEVEL: FindingKind = FindingKind::new(
    "snmp.security-level",
    Severity::Warning,
    "the agent does not offer this user authentication, or encryption, of this kind",
    "Compare the user's line in the agent's configuration: hash, cipher, and whether it has a password for each.",
);
pub(super) static LOOP: FindingKind = FindingKind::new(
    "snmp.loop",
    Severity::Warning,
    "the agent does not walk forward: an object follows that does not come after",
    "Mend the agent or its module: whoever walks through it never comes to an end.",
);
static NO_ACCESS: FindingKind = FindingKind::new(
    "snmp.no-access",
    Severity::Warning,
    "the agent knows us, and tells us nothing",
    "Give the user or the community a view that holds what is asked for.",
);
static NO_HOST: FindingKind = FindingKind::new(
    "snmp.no-host",
    Severity::Info,
    "the agent tells nothing of the machine",
    "Load HOST-RESOURCES-MIB or UCD-SNMP-MIB in the agent, and let the view hold them: Debian's default is the system group alone.",
);
static NO_QUEUE: FindingKind = FindingKind::new(
    "snmp.no-queue",
    Severity::Info,
    "the agent tells nothing of a queue",
    "Load MTA-MIB in the agent (net-snmp: sendmail_queue with the queue's folder), and let the view hold 1.3.6.1.2.1.28.",
);
static PUBLIC: FindingKind = FindingKind::new(
    "snmp.public",
    Severity::Info,
    "the agent answers whoever asks as \"public\"",
    "Take the community out, or restrict it to the address of the monitor: what runs here, and what it lacks, is of use to attackers.",
);
static REPORT: FindingKind = FindingKind::new(
    "snmp.refused",
    Severity::Warning,
    "the agent refuses for a reason of its own",
    "Look into the agent's log; run with -v for its report.",
);
pub(super) static SILENT: FindingKind = FindingKind::new(
    "snmp.silent",
    Severity::Warning,
    "the agent does not answer",
    "See whether it runs, listens on this address and is let through. In versions 1 and 2c a wrong community looks the same: agents do not answer it. In version 3 one that tells its name and nothing more may have another password for privacy.",
);
static TIME: FindingKind = FindingKind::new(
    "snmp.time-window",
    Severity::Warning,
    "the agent holds what we send for old, by a clock that it has told itself",
    "Look at its file with engineBoots: an agent that cannot write it forgets how often it was started, and turns away everybody who knew it before.",
);
pub(super) static UNPROVEN: FindingKind = FindingKind::new(
    "snmp.unproven",
    Severity::Warning,
    "answers came without the proof that they are the agent's",
    "If none came with it, compare the hash and the passwords; else somebody answers in the agent's place.",
);
pub(super) static UNREAD: FindingKind = FindingKind::new(
    "snmp.unread",
    Severity::Info,
    "the agent could not tell the value of an object",
    "Look into the agent's log at this time.",
);
static USER: FindingKind = FindingKind::new(
    "snmp.unknown-user",
    Severity::Warning,
    "the agent does not know the user",
    "Check the name, and that the agent was started anew after the user was made.",
);
static WRONG_DIGEST: FindingKind = FindingKind::new(
    "snmp.wrong-digest",
    Severity::Warning,
    "the agent does not accept the user's proof",
    "Check the password for authentication and the hash. An agent that was given another engineID keeps keys that fit no password: make the user anew.",
);

/// What to think of why it ended.
pub(super) fn trouble(trouble: Trouble) -> Finding {
    match trouble {
        Trouble::NoAccess(refused) => NO_ACCESS.found(refused.0.to_string()),
        Trouble::Refused(refusal) => kind(refusal).found(""),
    }
}

pub(super) const fn kind(refusal: Refusal) -> &'static FindingKind {
    match refusal {
        Refusal::Decryption => &DECRYPTION,
        Refusal::Time => &TIME,
        Refusal::Level => &LEVEL,
        Refusal::UnknownContext => &CONTEXT,
        Refusal::UnknownEngine => &ENGINE,
        Refusal::UnknownUser => &USER,
        Refusal::WrongProof => &WRONG_DIGEST,
        Refusal::Other => &REPORT,
    }
}

/// What to think of what was told.
pub(super) fn judge(facts: &SnmpFacts, options: &SnmpOptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.version.is_some() {
        findings.extend(secrecy(options));
    }
    if let Some(queue) = &facts.queue {
        findings.extend(judge_queue(queue, &options.queue));
    }
    let failing = facts.groups.iter().filter_map(|group| {
        let words = group.failure.as_deref()?;
        let stored = group.stored.filter(|stored| *stored > 0)?;
        Some(DELIVERY.found(format!("{}: {stored} messages: {words}", group.name)))
    });
    findings.extend(failing);
    if let Some(host) = &facts.host {
        findings.extend(judge_host(host, &options.host));
    }
    findings
}

/// What is missing of an agent that was asked for everything.
pub(super) fn gaps(facts: &SnmpFacts) -> impl Iterator<Item = Finding> {
    let queue = facts.queue.is_none().then(|| NO_QUEUE.found(""));
    let host = facts.host.is_none().then(|| NO_HOST.found(""));
    queue.into_iter().chain(host)
}

fn secrecy(options: &SnmpOptions) -> Option<Finding> {
    let version = options.access.version();
    match &options.access.0 {
        Access::V1(_) | Access::V2c(_) if options.access.is_secret_in_clear() => {
            Some(CLEARTEXT.found(format!("version {version}")))
        }
        Access::V1(_) | Access::V2c(_) => Some(PUBLIC.found(format!("version {version}"))),
        Access::V3(user) if user.level() == "authPriv" => None,
        Access::V3(user) => Some(CLEARTEXT.found(user.level())),
    }
}
