//! What to think of a handshake: the table of TLS findings, shared by every protocol.

use std::time::{Duration, SystemTime};

use probe_core::{Finding, FindingKind, Severity};

use super::facts::day;
use super::{Fault, Security, TlsFacts};

/// All findings about TLS and STARTTLS.
pub static FINDINGS: &[&FindingKind] = &[
    &EXPIRED,
    &EXPIRING,
    &HANDSHAKE_SIGNATURE,
    &INVALID,
    &MISSING_INTERMEDIATE,
    &NOT_YET_VALID,
    &REVOKED,
    &SELF_SIGNED,
    &UNKNOWN_ISSUER,
    &WEAK_KEY,
    &WEAK_SIGNATURE,
    &WRONG_NAME,
    &WRONG_USAGE,
    &CLIENT_CERTIFICATE,
    &DANE_MISMATCH,
    &DANE_UNUSABLE,
    &HANDSHAKE_REFUSED,
    &LEGACY,
    &MTA_STS_CERTIFICATE,
    &MTA_STS_HOST,
    &NOT_TLS,
    &SERVER_NAME_REFUSED,
    &STARTTLS_INJECTION,
    &STARTTLS_NOT_OFFERED,
    &STARTTLS_REFUSED,
    &STARTTLS_STRIPPED,
];

static EXPIRED: FindingKind = FindingKind::new(
    "tls.certificate.expired",
    Severity::Critical,
    "the certificate has expired",
    "Renew it, install it and reload the server; then see why the renewal did not run by itself.",
);
/// A certificate on the way to a root ends soon.
pub(super) static EXPIRING: FindingKind = FindingKind::new(
    "tls.certificate.expiring",
    Severity::Warning,
    "the certificate will expire soon",
    "Renew it and reload the server; see whether the automatic renewal still runs.",
);
/// The handshake is not signed with the certificate's key.
pub(super) static HANDSHAKE_SIGNATURE: FindingKind = FindingKind::new(
    "tls.handshake.signature",
    Severity::Critical,
    "the server did not prove that the certificate is its own",
    "Check that key and certificate belong together; if they do, somebody stands in between.",
);
static INVALID: FindingKind = FindingKind::new(
    "tls.certificate.invalid",
    Severity::Critical,
    "the certificate chain is not valid",
    "Have the certificate issued anew; the evidence names the rule that it breaks.",
);
static MISSING_INTERMEDIATE: FindingKind = FindingKind::new(
    "tls.certificate.missing-intermediate",
    Severity::Critical,
    "the server does not send its intermediate certificate",
    "Give the server the full chain (often called fullchain.pem) instead of its own certificate alone.",
);
static NOT_YET_VALID: FindingKind = FindingKind::new(
    "tls.certificate.not-yet-valid",
    Severity::Critical,
    "the certificate is not valid yet",
    "Check the clocks of the server, of the authority and of this machine.",
);
/// The server itself shows that its certificate was revoked.
pub(super) static REVOKED: FindingKind = FindingKind::new(
    "tls.certificate.revoked",
    Severity::Critical,
    "the certificate has been revoked",
    "Find out why, make a new key, and have a new certificate issued.",
);
static SELF_SIGNED: FindingKind = FindingKind::new(
    "tls.certificate.self-signed",
    Severity::Critical,
    "the certificate is self-signed",
    "Use one from an authority that clients trust; or give it to the probe as a CA file, if it is meant so.",
);
static UNKNOWN_ISSUER: FindingKind = FindingKind::new(
    "tls.certificate.unknown-issuer",
    Severity::Critical,
    "the certificate comes from an authority that is not trusted here",
    "If the authority is your own, give its root to the probe as a CA file; else see whether the server sends its whole chain.",
);
/// An RSA key below 2048 bits.
pub(super) static WEAK_KEY: FindingKind = FindingKind::new(
    "tls.certificate.weak-key",
    Severity::Critical,
    "the certificate's key is too short",
    "Make a new key (ECDSA P-256, or RSA with 2048 bits and more) and have a new certificate issued.",
);
static WEAK_SIGNATURE: FindingKind = FindingKind::new(
    "tls.certificate.weak-signature",
    Severity::Critical,
    "a certificate is signed in a way that can be forged",
    "Have a new certificate issued; no authority signs like that any more.",
);
static WRONG_NAME: FindingKind = FindingKind::new(
    "tls.certificate.wrong-name",
    Severity::Critical,
    "the certificate is for another name",
    "Add the name to the certificate, or let clients use a name that it has; for a probe by address, give the name with --server-name.",
);
static WRONG_USAGE: FindingKind = FindingKind::new(
    "tls.certificate.wrong-usage",
    Severity::Critical,
    "the certificate is not meant for servers",
    "Have one issued with the extended key usage serverAuth.",
);
/// The server refuses us for want of a client certificate, or for the one it was shown.
pub(super) static CLIENT_CERTIFICATE: FindingKind = FindingKind::new(
    "tls.client-certificate",
    Severity::Critical,
    "the server wants another client certificate",
    "Give the probe a certificate that the server accepts (--client-cert).",
);
/// None of the TLSA records fits what was shown.
pub(super) static DANE_MISMATCH: FindingKind = FindingKind::new(
    "tls.dane.mismatch",
    Severity::Critical,
    "the server shows no certificate that fits its TLSA records",
    "Publish a record for the certificate that is in use, or go back to the one that was published; senders that check DANE hold their mail back. Before a renewal publish the next key's record beside this one's, and keep the key where that can be (RFC 7671 section 8).",
);
/// TLSA records that say nothing to a mail server.
pub(super) static DANE_UNUSABLE: FindingKind = FindingKind::new(
    "tls.dane.unusable",
    Severity::Warning,
    "TLSA records are of a kind that mail servers do not use",
    "Replace them by records of usage 3 (3 1 1, the SHA-256 of the server's key) or 2 (an authority's certificate, which the server must send); RFC 7672 section 3.1.",
);
pub(crate) static HANDSHAKE_REFUSED: FindingKind = FindingKind::new(
    "tls.handshake-refused",
    Severity::Critical,
    "the server refused the TLS handshake without saying why",
    "Look into the server's log: it has no usable certificate, wants one from the client, or its versions and suites are too old.",
);
pub(crate) static LEGACY: FindingKind = FindingKind::new(
    "tls.legacy",
    Severity::Critical,
    "the server speaks only TLS that is no longer safe",
    "Enable TLS 1.2 and 1.3 with current cipher suites (RFC 8996, RFC 9325); current clients cannot connect any more.",
);
/// The certificate is not what the policy asks for.
pub(super) static MTA_STS_CERTIFICATE: FindingKind = FindingKind::new(
    "tls.mta-sts.certificate",
    Severity::Critical,
    "the certificate is not good enough for the domain's MTA-STS policy",
    "Mend what the evidence names: senders that check the policy want a certificate of a trusted authority, in date, for the host's own name (RFC 8461 section 4.2), and hold their mail back.",
);
/// The host is none of the policy's.
pub(super) static MTA_STS_HOST: FindingKind = FindingKind::new(
    "tls.mta-sts.host-not-listed",
    Severity::Critical,
    "the host is not in the domain's MTA-STS policy",
    "Add an mx line for it to the policy and change the id of the _mta-sts record, or take the host out of the domain's MX records; senders that check the policy send it nothing.",
);
pub(crate) static NOT_TLS: FindingKind = FindingKind::new(
    "tls.not-tls",
    Severity::Critical,
    "the server speaks in clear where TLS was expected",
    "Either this port wants STARTTLS instead (--starttls required), or the server's TLS is not switched on.",
);
pub(crate) static SERVER_NAME_REFUSED: FindingKind = FindingKind::new(
    "tls.server-name-refused",
    Severity::Critical,
    "the server does not know the name that was asked for",
    "Add the name to the server's TLS configuration, or ask for one that it knows (--server-name).",
);
pub(crate) static STARTTLS_INJECTION: FindingKind = FindingKind::new(
    "starttls.injection",
    Severity::Critical,
    "something was said in clear behind the go-ahead for TLS",
    "Update the server; if it is current, somebody in between injects replies (CVE-2011-0411 and its kin).",
);
/// STARTTLS was asked for and is not offered.
pub(super) static STARTTLS_NOT_OFFERED: FindingKind = FindingKind::new(
    "starttls.not-offered",
    Severity::Critical,
    "the server does not offer STARTTLS",
    "Switch TLS on at the server; if it is on, something in between strips the offer (some firewalls do: look for XXXX in the capabilities).",
);
/// STARTTLS is offered and then refused.
pub(super) static STARTTLS_REFUSED: FindingKind = FindingKind::new(
    "starttls.refused",
    Severity::Critical,
    "the server offers STARTTLS and then refuses it",
    "Look into the server's log: most often it cannot read its certificate or key.",
);

/// STARTTLS is not offered where somebody knows that it should be.
pub(super) static STARTTLS_STRIPPED: FindingKind = FindingKind::new(
    "starttls.stripped",
    Severity::Critical,
    "STARTTLS is not offered, and must be",
    "Ask the server from within its own network: if it offers STARTTLS there, something on the way takes the offer out (a firewall's inspection of SMTP, or somebody who reads along); else switch TLS on at the server again.",
);

pub(super) fn of_fault(fault: &Fault) -> &'static FindingKind {
    match fault {
        Fault::Expired { .. } => &EXPIRED,
        Fault::HandshakeSignature(_) => &HANDSHAKE_SIGNATURE,
        Fault::Invalid(_) => &INVALID,
        Fault::MissingIntermediate { .. } => &MISSING_INTERMEDIATE,
        Fault::NotYetValid { .. } => &NOT_YET_VALID,
        Fault::Revoked { .. } => &REVOKED,
        Fault::SelfSigned => &SELF_SIGNED,
        Fault::UnknownIssuer { .. } => &UNKNOWN_ISSUER,
        Fault::WeakKey { .. } => &WEAK_KEY,
        Fault::WeakSignature { .. } => &WEAK_SIGNATURE,
        Fault::WrongName { .. } => &WRONG_NAME,
        Fault::WrongUsage => &WRONG_USAGE,
    }
}

/// How soon is soon.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Thresholds {
    /// A certificate with less time left than this is a warning.
    pub expiry_warning: Duration,
    /// And with less than this it is critical.
    pub expiry_critical: Duration,
}

impl Thresholds {
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// Thresholds of one's own.
    pub const fn new(expiry_warning: Duration, expiry_critical: Duration) -> Self {
        Self {
            expiry_warning,
            expiry_critical,
        }
    }
}

/// A warning 14 days before the end, critical in the last 3: an automatic renewal is long overdue then.
impl Default for Thresholds {
    fn default() -> Self {
        Self::new(Self::DAY * 14, Self::DAY * 3)
    }
}

/// What to think of a handshake. Where the connection need not be trusted, faults are warnings.
pub fn judge(
    facts: &TlsFacts,
    security: Security,
    thresholds: &Thresholds,
    now: SystemTime,
) -> Vec<Finding> {
    let weigh = |finding: Finding| match security.demands_trust() {
        true => finding,
        false => finding.with_severity(Severity::Warning),
    };
    let faults = facts
        .faults
        .iter()
        .map(|fault| weigh(fault.kind().found(fault.to_string())));
    faults
        .chain(expiring(facts, thresholds, now).map(weigh))
        .collect()
}

fn expiring(facts: &TlsFacts, thresholds: &Thresholds, now: SystemTime) -> Option<Finding> {
    let expiry = facts.earliest_expiry()?;
    let left = expiry.duration_since(now).ok()?;
    let severity = if left < thresholds.expiry_critical {
        Severity::Critical
    } else if left < thresholds.expiry_warning {
        Severity::Warning
    } else {
        return None;
    };
    let days = left.as_secs() / Thresholds::DAY.as_secs();
    let evidence = format!("{days} days left, until {}", day(expiry));
    Some(EXPIRING.found(evidence).with_severity(severity))
}
