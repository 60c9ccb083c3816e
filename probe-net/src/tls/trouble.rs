//! Why a handshake failed, told so that it can be mended.

use std::io;

use probe_core::{Failure, FailureKind, Phase};
use rustls::{AlertDescription, Error};

use super::ClientCertificate;
use super::findings::{
    CLIENT_CERTIFICATE, HANDSHAKE_REFUSED, LEGACY, NOT_TLS, SERVER_NAME_REFUSED, STARTTLS_INJECTION,
};
use crate::Oddities;
use crate::codec::excerpt;

/// The failure that a broken handshake is, with what it means noted among the oddities.
///
/// `heard` is what came first from the server since TLS was begun; `upgrade` says whether something was
/// said in clear before.
pub(crate) fn broken_handshake(
    error: &io::Error,
    heard: &[u8],
    upgrade: bool,
    ours: ClientCertificate,
    oddities: &mut Oddities,
) -> Failure {
    match alert(error) {
        // TLS 1.2 has no alert for a certificate that was asked for and not shown.
        Some(AlertDescription::HandshakeFailure) if ours == ClientCertificate::NotShown => {
            return refused(Phase::TLS, AlertDescription::CertificateRequired, oddities);
        }
        Some(alert) => return refused(Phase::TLS, alert, oddities),
        None => {}
    }
    if !heard.is_empty() && !is_tls(heard) {
        return spoke_in_clear(heard, upgrade, oddities);
    }
    let failed = |kind, detail: String| Failure::new(Phase::TLS, kind, detail);
    match cause(error) {
        Some(Error::PeerIncompatible(reason)) => {
            oddities.note(&LEGACY, format!("{reason:?}").as_bytes());
            failed(
                FailureKind::Tls,
                format!("the server speaks only TLS that is no longer safe ({reason:?})"),
            )
        }
        Some(other) => failed(FailureKind::Tls, format!("the handshake failed: {other}")),
        None if error.kind() == io::ErrorKind::UnexpectedEof => failed(
            FailureKind::Closed,
            "the server hung up in the middle of the handshake".to_owned(),
        ),
        None => failed(
            FailureKind::Closed,
            format!("the connection broke in the middle of the handshake: {error}"),
        ),
    }
}

/// The alert that the server ended TLS with, if it did.
pub(crate) fn alert(error: &io::Error) -> Option<AlertDescription> {
    match cause(error) {
        Some(Error::AlertReceived(alert)) => Some(*alert),
        _ => None,
    }
}

/// The failure that a fatal alert is.
pub(crate) fn refused(phase: Phase, alert: AlertDescription, oddities: &mut Oddities) -> Failure {
    use AlertDescription as Alert;
    let name = name(alert);
    let (kind, meaning) = match alert {
        Alert::HandshakeFailure => (Some(&HANDSHAKE_REFUSED), "the server refused the handshake"),
        Alert::ProtocolVersion | Alert::InsufficientSecurity => (
            Some(&LEGACY),
            "the server accepts none of our versions and suites",
        ),
        Alert::BadCertificate
        | Alert::CertificateExpired
        | Alert::CertificateRequired
        | Alert::CertificateRevoked
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::UnsupportedCertificate => (
            Some(&CLIENT_CERTIFICATE),
            "the server does not accept our certificate",
        ),
        Alert::UnrecognisedName => (
            Some(&SERVER_NAME_REFUSED),
            "the server does not know this name",
        ),
        _ => (None, "the server broke off the handshake"),
    };
    if let Some(kind) = kind {
        oddities.note(kind, format!("alert {name}").as_bytes());
    }
    Failure::new(phase, FailureKind::Tls, format!("{meaning} (alert {name})"))
}

fn spoke_in_clear(heard: &[u8], upgrade: bool, oddities: &mut Oddities) -> Failure {
    let (phase, finding, detail) = if upgrade {
        let detail = "the server spoke in clear after its go-ahead for TLS";
        (Phase::STARTTLS, &STARTTLS_INJECTION, detail)
    } else {
        (
            Phase::TLS,
            &NOT_TLS,
            "the server does not speak TLS on this port",
        )
    };
    oddities.note(finding, heard);
    Failure::new(phase, FailureKind::Protocol, detail).with_reply(excerpt(heard))
}

/// A record's content type and the major version that has never changed (RFC 8446 section 5.1).
fn is_tls(heard: &[u8]) -> bool {
    match heard {
        [20..=23] => true,
        [20..=23, major, ..] => *major == 3,
        _ => false,
    }
}

fn cause(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

/// The name in RFC 8446 section 6.
fn name(alert: AlertDescription) -> String {
    let mut name = String::new();
    let mut after_lower = false;
    for c in format!("{alert:?}").chars() {
        if c.is_uppercase() && after_lower {
            name.push('_');
        }
        after_lower = c.is_lowercase();
        name.push(c.to_ascii_lowercase());
    }
    name
}
