//! What the tests of expectations share: a handshake in memory, and the judgement of it.

#![allow(
    dead_code,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "these are tests, and each file of them uses a part"
)]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use probe_core::{Context, Finding, Severity};
use probe_net::tls::{Channel, Expectation, Security, StartTls, Thresholds, TlsFacts};
use probe_testkit::{Authority, Identity, Script};

use crate::toy::{self, ONE, Recital, Stage, wait};

/// Code, severity and evidence of a finding.
pub(crate) type Judged = (&'static str, Severity, String);

/// 2026-06-01.
pub(crate) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_272_000)
}

pub(crate) fn authority() -> Authority {
    Authority::at("Test CA", now())
}

/// What a client that trusts this authority, or nobody, sees of this server.
pub(crate) async fn seen_by(ca: Option<&Authority>, server: &Identity) -> Arc<TlsFacts> {
    let roots = ca.map_or_else(rustls::RootCertStore::empty, Authority::roots);
    let stage = Stage {
        cx: Context::default().with_now(now()),
        tls: toy::tls(roots),
        implicit_tls: true,
        ..Stage::clear()
    };
    let script = Script::new().tls(server).say("ok hello\r\n");
    let run = stage.play(&script, Recital::new([wait(ONE)])).await;
    run.tls.unwrap()
}

pub(crate) fn judged(
    expectation: &Expectation,
    security: Security,
    starttls: &StartTls,
    tls: Option<&TlsFacts>,
) -> Vec<Judged> {
    let channel = Channel::new(security, starttls, tls).offering(b"SIZE HELP");
    let told = |finding: Finding| (finding.code(), finding.severity, finding.evidence);
    let findings = expectation.judge(&channel, &Thresholds::default(), now());
    findings.into_iter().map(told).collect()
}

pub(crate) fn codes(findings: &[Judged]) -> Vec<&'static str> {
    findings.iter().map(|(code, _, _)| *code).collect()
}

/// The SubjectPublicKeyInfo by hand: for P-256 it is 91 octets that begin with these.
pub(crate) fn spki(der: &[u8]) -> &[u8] {
    let header = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
    let at = der
        .windows(header.len())
        .position(|window| window == header)
        .unwrap();
    &der[at..at + 91]
}
