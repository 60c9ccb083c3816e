//! What became of STARTTLS, in whichever protocol (RFC 3207, RFC 2595).

use probe_core::{Finding, Severity};

use super::findings::{STARTTLS_NOT_OFFERED, STARTTLS_REFUSED};
use super::{Security, TlsFacts};
use crate::excerpt;

/// What became of the command that asks for TLS.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum StartTls {
    /// The server said: go ahead.
    Accepted,
    /// Not asked for: TLS was implicit, or not wanted, or it did not come so far.
    #[default]
    NotAsked,
    /// The server does not offer it.
    NotOffered,
    /// The server offered it and then said no, in these words.
    Refused(Box<[u8]>),
}

impl StartTls {
    /// The name in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::NotAsked => "not-asked",
            Self::NotOffered => "not-offered",
            Self::Refused(_) => "refused",
        }
    }

    /// What to think of it. `offered` are the names of what the server does offer: one that was overwritten on the
    /// way stands out.
    pub fn judge(&self, offered: &[u8], security: Security) -> Option<Finding> {
        let finding = match self {
            Self::NotOffered if offered.is_empty() => {
                STARTTLS_NOT_OFFERED.found("it offers no extensions at all")
            }
            Self::NotOffered => {
                STARTTLS_NOT_OFFERED.found(format!("it offers {}", excerpt(offered)))
            }
            Self::Refused(words) => STARTTLS_REFUSED.found(excerpt(words)),
            Self::Accepted | Self::NotAsked => return None,
        };
        Some(match security.demands_trust() {
            true => finding,
            false => finding.with_severity(Severity::Warning),
        })
    }
}

/// Some servers finish the handshake and say only then, in their first words, that they wanted a certificate
/// (Postfix: smtpd_tls_req_ccert).
pub fn wanted_a_certificate(tls: &TlsFacts, refusal: &[u8]) -> Option<Finding> {
    let missing = tls.client_certificate == super::ClientCertificate::NotShown;
    let words = excerpt(refusal);
    let meant = words.to_ascii_lowercase().contains("certificate");
    (missing && meant).then(|| super::findings::CLIENT_CERTIFICATE.found(words))
}
