//! What became of STARTTLS, in whichever protocol (RFC 3207, RFC 2595).

use core::net::IpAddr;
use std::time::SystemTime;

use probe_core::{Finding, Severity};

use super::facts::day;
use super::findings::{STARTTLS_NOT_OFFERED, STARTTLS_REFUSED, STARTTLS_STRIPPED};
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

    /// Whether the server offered it, to us.
    pub const fn was_offered(&self) -> bool {
        matches!(self, Self::Accepted | Self::Refused(_))
    }

    /// That the offer was taken away, where somebody else has seen it: another address of the same host, or an earlier
    /// probe.
    ///
    /// Nobody switches TLS off at one of several servers, or for an hour, on purpose; somebody in between does, so as
    /// to read along.
    ///
    /// ```
    /// use probe_net::tls::{StartTls, Witness};
    ///
    /// let other = Witness::Address([192, 0, 2, 2].into());
    /// let finding = StartTls::NotOffered.stripped(other).unwrap();
    /// assert_eq!(finding.code(), "starttls.stripped");
    /// assert_eq!(finding.evidence, "192.0.2.2 offers it");
    /// assert_eq!(StartTls::Accepted.stripped(other), None);
    /// ```
    pub fn stripped(&self, witness: Witness) -> Option<Finding> {
        if *self != Self::NotOffered {
            return None;
        }
        Some(STARTTLS_STRIPPED.found(match witness {
            Witness::Address(address) => format!("{address} offers it"),
            Witness::Earlier(at) => format!("it was offered on {}", day(at)),
        }))
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

/// Who has seen that STARTTLS is offered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Witness {
    /// Who spoke with another address of the same host.
    Address(IpAddr),
    /// A probe of the same server, at this time.
    Earlier(SystemTime),
}

/// Some servers finish the handshake and say only then, in their first words, that they wanted a certificate
/// (Postfix: smtpd_tls_req_ccert).
pub fn wanted_a_certificate(tls: &TlsFacts, refusal: &[u8]) -> Option<Finding> {
    let missing = tls.client_certificate == super::ClientCertificate::NotShown;
    let words = excerpt(refusal);
    let meant = words.to_ascii_lowercase().contains("certificate");
    (missing && meant).then(|| super::findings::CLIENT_CERTIFICATE.found(words))
}
