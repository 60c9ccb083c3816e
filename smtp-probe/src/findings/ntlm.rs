//! What we think of what NTLM's challenge tells.

use probe_core::{Finding, FindingKind, Severity};
use probe_net::excerpt;

use crate::facts::{NtlmFacts, SmtpFacts};

pub(super) static NTLM_DISCLOSES: FindingKind = FindingKind::new(
    "smtp.ntlm.discloses",
    Severity::Info,
    "the server tells strangers its inner names, or the version of its system",
    "Take NTLM off where strangers come in (Exchange: integrated Windows authentication of the receive connector), if no \
    client needs it there: inner names help whoever guesses accounts or looks for holes.",
);

pub(super) fn judge(facts: &SmtpFacts) -> Option<Finding> {
    let challenge = facts.ntlm.as_ref().and_then(NtlmFacts::challenge)?;
    let names = challenge.names();
    let mut told: Vec<_> = names
        .map(|(what, name)| format!("{what} {}", excerpt(name.as_bytes())))
        .collect();
    let version = challenge.version;
    told.extend(version.map(|version| format!("version {version}")));
    (!told.is_empty()).then(|| NTLM_DISCLOSES.found(told.join("; ")))
}
