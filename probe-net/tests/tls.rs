//! What a handshake shows: facts and faults. Handshakes that fail are in `tls_trouble`, stapled responses in
//! `tls_revocation`.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod toy;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use probe_core::{Context, Finding, Record, Severity};
use probe_net::tls::{Certificate, Fault, Security, Thresholds, TlsFacts, judge};
use probe_testkit::fixtures::{
    MD5_CHAIN, RSA_1024_CHAIN, SHA_1_CHAIN, X509_V1_CHAIN, certificates,
};
use probe_testkit::{Authority, Flaw, Identity, Script, TlsOptions, TlsVersions};
use sha2::{Digest, Sha256};

use toy::{NAME, ONE, Recital, Stage, wait};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// 2026-06-01.
const NOW: Duration = Duration::from_secs(1_780_272_000);

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + NOW
}

fn authority() -> Authority {
    Authority::at("Test CA", now())
}

fn at_that_time(stage: Stage) -> Stage {
    Stage {
        cx: Context::default().with_now(now()),
        ..stage
    }
}

/// The facts that a client which trusts `ca` and wants `name` learns of this server.
async fn facts_of(ca: &Authority, server: &Identity, name: &'static str) -> Arc<TlsFacts> {
    let mut stage = at_that_time(Stage::implicit(ca));
    stage.name = name;
    learn(&stage, server, TlsVersions::Both).await
}

async fn learn(stage: &Stage, server: &Identity, versions: TlsVersions) -> Arc<TlsFacts> {
    let options = TlsOptions::new().versions(versions);
    let script = Script::new().tls_with(server, &options).say("ok hello\r\n");
    let run = stage.play(&script, Recital::new([wait(ONE)])).await;
    // Whatever is wrong with the certificate, the dialogue goes on.
    assert_eq!(run.heard(), ["(secured)", "ok hello"]);
    run.tls.unwrap()
}

fn judged(facts: &TlsFacts, security: Security) -> Vec<(&'static str, Severity, String)> {
    let told = |finding: Finding| (finding.code(), finding.severity, finding.evidence);
    let findings = judge(facts, security, &Thresholds::default(), now());
    findings.into_iter().map(told).collect()
}

#[tokio::test(start_paused = true)]
async fn every_flaw_is_its_fault_and_its_finding() {
    let leaf = || "CN=mx.example.test".to_owned();
    let table: [(Flaw, Fault, &str, &str); 13] = [
        (
            Flaw::CommonNameOnly,
            Fault::WrongName {
                wanted: NAME.to_owned(),
                names: vec![],
            },
            "tls.certificate.wrong-name",
            "mx.example.test was asked for; it names no host at all",
        ),
        (
            Flaw::Expired,
            Fault::Expired {
                subject: leaf(),
                not_after: now() - DAY,
            },
            "tls.certificate.expired",
            "CN=mx.example.test, on 2026-05-31",
        ),
        (
            Flaw::ExpiredIntermediate,
            Fault::Expired {
                subject: "CN=Test CA Intermediate 1".to_owned(),
                not_after: now() - DAY,
            },
            "tls.certificate.expired",
            "CN=Test CA Intermediate 1, on 2026-05-31",
        ),
        (
            Flaw::LeafIsCa,
            Fault::Invalid("it is an authority's certificate, not a server's".to_owned()),
            "tls.certificate.invalid",
            "it is an authority's certificate, not a server's",
        ),
        (
            Flaw::MissingIntermediate,
            Fault::MissingIntermediate {
                issuer: "CN=Test CA Intermediate".to_owned(),
            },
            "tls.certificate.missing-intermediate",
            "CN=Test CA Intermediate was not sent",
        ),
        (
            Flaw::NameConstrained,
            Fault::Invalid("NameConstraintViolation".to_owned()),
            "tls.certificate.invalid",
            "NameConstraintViolation",
        ),
        (
            Flaw::NoServerAuth,
            Fault::WrongUsage,
            "tls.certificate.wrong-usage",
            "",
        ),
        (
            Flaw::NotYetValid,
            Fault::NotYetValid {
                subject: leaf(),
                not_before: now() + DAY,
            },
            "tls.certificate.not-yet-valid",
            "CN=mx.example.test, valid from 2026-06-02",
        ),
        (
            Flaw::SelfSigned,
            Fault::SelfSigned,
            "tls.certificate.self-signed",
            "",
        ),
        (
            Flaw::TooLongChain,
            Fault::Invalid("MaximumPathDepthExceeded".to_owned()),
            "tls.certificate.invalid",
            "MaximumPathDepthExceeded",
        ),
        (
            Flaw::UnknownIssuer,
            Fault::UnknownIssuer {
                issuer: "CN=Test CA (unknown) Root".to_owned(),
            },
            "tls.certificate.unknown-issuer",
            "CN=Test CA (unknown) Root",
        ),
        (
            Flaw::WrongKey,
            Fault::HandshakeSignature("invalid peer certificate: BadSignature".to_owned()),
            "tls.handshake.signature",
            "invalid peer certificate: BadSignature",
        ),
        (
            Flaw::WrongName,
            Fault::WrongName {
                wanted: NAME.to_owned(),
                names: vec!["wrong.example.test".to_owned()],
            },
            "tls.certificate.wrong-name",
            "mx.example.test was asked for; it is for wrong.example.test",
        ),
    ];
    let ca = authority();
    let stage = at_that_time(Stage::implicit(&ca));
    for (flaw, fault, code, evidence) in table {
        let server = ca.flawed([NAME], flaw);
        for versions in [TlsVersions::Only12, TlsVersions::Only13] {
            let facts = learn(&stage, &server, versions).await;
            assert_eq!(
                facts.faults,
                std::slice::from_ref(&fault),
                "{flaw:?} {versions:?}"
            );
            assert!(!facts.is_verified());
            let evidence = evidence.to_owned();
            assert_eq!(
                judged(&facts, Security::Required),
                [(code, Severity::Critical, evidence.clone())]
            );
            assert_eq!(
                judged(&facts, Security::Implicit),
                [(code, Severity::Critical, evidence.clone())]
            );
            assert_eq!(
                judged(&facts, Security::Opportunistic),
                [(code, Severity::Warning, evidence)]
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_odd_but_allowed_is_verified_without_a_finding() {
    let ca = authority();
    for flaw in [
        Flaw::DirectlyFromRoot,
        Flaw::DisorderedChain,
        Flaw::ExpiredRootIncluded,
        Flaw::LongLived,
        Flaw::MustStaple,
        Flaw::RootIncluded,
    ] {
        let facts = facts_of(&ca, &ca.flawed([NAME], flaw), NAME).await;
        assert_eq!(facts.faults, [], "{flaw:?}");
        assert!(facts.is_verified());
        assert_eq!(judged(&facts, Security::Required), []);
    }
}

#[tokio::test(start_paused = true)]
async fn several_flaws_are_all_told() {
    let ca = authority();
    let flaws = [
        Flaw::Expired,
        Flaw::NoServerAuth,
        Flaw::WrongKey,
        Flaw::WrongName,
    ];
    let facts = facts_of(&ca, &ca.flawed([NAME], flaws), NAME).await;
    let codes: Vec<_> = facts.faults.iter().map(|fault| fault.kind().code).collect();
    assert_eq!(
        codes,
        [
            "tls.certificate.wrong-usage",
            "tls.certificate.expired",
            "tls.certificate.wrong-name",
            "tls.handshake.signature",
        ]
    );

    let flaws = [Flaw::NotYetValid, Flaw::SelfSigned, Flaw::WrongName];
    let facts = facts_of(&ca, &ca.flawed([NAME], flaws), NAME).await;
    let codes: Vec<_> = facts.faults.iter().map(|fault| fault.kind().code).collect();
    assert_eq!(
        codes,
        [
            "tls.certificate.self-signed",
            "tls.certificate.not-yet-valid",
            "tls.certificate.wrong-name",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_ends_soon_is_a_finding_by_how_soon() {
    let ca = authority();
    let expiring = async |left: Duration, security| {
        let server = ca.flawed([NAME], Flaw::SoonExpiring(left));
        let facts = facts_of(&ca, &server, NAME).await;
        judged(&facts, security)
    };
    let code = "tls.certificate.expiring";
    assert_eq!(expiring(DAY * 14, Security::Required).await, []);
    let second = Duration::from_secs(1);
    let warned = expiring(DAY * 14 - second, Security::Required).await;
    let evidence = "13 days left, until 2026-06-14".to_owned();
    assert_eq!(warned, [(code, Severity::Warning, evidence)]);
    let warned = expiring(DAY * 3, Security::Required).await;
    let evidence = "3 days left, until 2026-06-04".to_owned();
    assert_eq!(warned, [(code, Severity::Warning, evidence)]);
    let alarmed = expiring(DAY * 3 - second, Security::Required).await;
    let evidence = "2 days left, until 2026-06-03".to_owned();
    assert_eq!(alarmed, [(code, Severity::Critical, evidence.clone())]);
    let calm = expiring(DAY * 3 - second, Security::Opportunistic).await;
    assert_eq!(calm, [(code, Severity::Warning, evidence)]);
}

#[tokio::test(start_paused = true)]
async fn the_facts_of_a_sound_handshake_are_all_there() {
    let ca = authority();
    let server = ca.identity([NAME, "127.0.0.1"]);
    let stage = at_that_time(Stage::implicit(&ca));
    for (versions, version, suite) in [
        (
            TlsVersions::Only12,
            "TLSv1.2",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
        ),
        (TlsVersions::Only13, "TLSv1.3", "TLS_AES_256_GCM_SHA384"),
    ] {
        let facts = learn(&stage, &server, versions).await;
        assert!(facts.is_verified());
        assert_eq!(facts.server_name, "mx.example.test");
        assert_eq!(facts.version, Some(version));
        assert_eq!(facts.suite.as_deref(), Some(suite));
        assert_eq!(facts.group.as_deref(), Some("X25519"));
        assert_eq!(facts.alpn, None);
        assert_eq!(facts.revocation, None);
        assert_eq!(facts.earliest_expiry(), Some(now() + DAY * 60));
        assert_eq!(facts.chain.len(), 2);

        let der = &server.chain()[0];
        let leaf = &facts.chain[0];
        assert_eq!(leaf.subject, "CN=mx.example.test");
        assert_eq!(leaf.issuer, "CN=Test CA Intermediate");
        assert_eq!(leaf.names, ["mx.example.test"]);
        assert_eq!(
            leaf.addresses,
            ["127.0.0.1".parse::<std::net::IpAddr>().unwrap()]
        );
        assert_eq!(leaf.serial, serial(der));
        assert_eq!(leaf.not_before, now() - DAY * 30);
        assert_eq!(leaf.not_after, now() + DAY * 60);
        assert_eq!(leaf.key.algorithm, "ECDSA P-256");
        assert_eq!(leaf.key.bits, Some(256));
        assert_eq!(leaf.signature, "ecdsa-with-SHA256");
        assert!(!leaf.is_ca && !leaf.is_self_issued());
        assert_eq!(leaf.sha256, <[u8; 32]>::from(Sha256::digest(der)));
        assert_eq!(
            leaf.spki_sha256,
            <[u8; 32]>::from(Sha256::digest(spki(der)))
        );

        let intermediate = &facts.chain[1];
        assert_eq!(intermediate.subject, "CN=Test CA Intermediate");
        assert_eq!(intermediate.issuer, "CN=Test CA Root");
        assert!(intermediate.is_ca);
    }
}

#[tokio::test(start_paused = true)]
async fn the_facts_are_written_out_with_the_metrics_of_blackbox_exporter() {
    let ca = authority();
    let facts = facts_of(&ca, &ca.flawed([NAME], Flaw::WrongName), NAME).await;
    let mut out = Record::default();
    facts.record(&mut out);
    let metrics: Vec<_> = out
        .metrics()
        .iter()
        .map(|metric| (metric.name, metric.value, metric.labels.clone()))
        .collect();
    let sixty_days = 1_780_272_000.0 + 60.0 * 86_400.0;
    let version = vec![("version", "TLS 1.3".to_owned())];
    let cipher = vec![("cipher", "TLS_AES_256_GCM_SHA384".to_owned())];
    assert_eq!(
        metrics,
        [
            ("probe_tls_version_info", 1.0, version),
            ("probe_tls_cipher_info", 1.0, cipher),
            ("probe_ssl_earliest_cert_expiry", sixty_days, vec![]),
        ]
    );
    assert_eq!(
        facts.to_string(),
        "TLSv1.3 TLS_AES_256_GCM_SHA384 X25519, mx.example.test NOT verified"
    );
}

#[tokio::test(start_paused = true)]
async fn a_name_is_matched_as_tls_matches_names() {
    let ca = authority();
    let server = ca.identity(["*.example.test", "127.0.0.1", "2001:db8::25"]);
    for name in ["mx.example.test", "127.0.0.1", "2001:db8::25"] {
        let facts = facts_of(&ca, &server, name).await;
        assert_eq!(facts.faults, [], "{name}");
        assert_eq!(facts.server_name, name);
    }
    for name in ["example.test", "a.mx.example.test", "127.0.0.2"] {
        let facts = facts_of(&ca, &server, name).await;
        let fault = Fault::WrongName {
            wanted: name.to_owned(),
            names: ["*.example.test", "127.0.0.1", "2001:db8::25"]
                .map(str::to_owned)
                .to_vec(),
        };
        assert_eq!(facts.faults, [fault]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_self_signed_certificate_that_the_caller_trusts_is_verified() {
    let server = authority().flawed([NAME], Flaw::SelfSigned);
    let mut roots = rustls::RootCertStore::empty();
    roots.add(server.chain()[0].clone()).unwrap();
    let mut stage = at_that_time(Stage::implicit(&authority()));
    stage.tls = toy::tls(roots);
    let facts = learn(&stage, &server, TlsVersions::Both).await;
    assert_eq!(facts.faults, []);
    assert!(facts.is_verified());
}

#[tokio::test(start_paused = true)]
async fn without_any_root_every_issuer_is_unknown() {
    let ca = authority();
    let mut stage = at_that_time(Stage::implicit(&ca));
    stage.tls = toy::tls(rustls::RootCertStore::empty());
    let facts = learn(&stage, &ca.identity([NAME]), TlsVersions::Both).await;
    let issuer = "CN=Test CA Root".to_owned();
    assert_eq!(facts.faults, [Fault::UnknownIssuer { issuer }]);
}

/// Nobody has the keys of these certificates any more, so the server signs with one that is not theirs. Where the
/// key is too short that explains it, and is not told twice.
#[tokio::test(start_paused = true)]
async fn certificates_of_another_age_are_told_for_what_they_are() {
    let table: [(&str, &[&str]); 4] = [
        (RSA_1024_CHAIN, &["tls.certificate.weak-key"]),
        (
            SHA_1_CHAIN,
            &["tls.certificate.weak-signature", "tls.handshake.signature"],
        ),
        (
            MD5_CHAIN,
            &["tls.certificate.weak-signature", "tls.handshake.signature"],
        ),
        (
            X509_V1_CHAIN,
            &["tls.certificate.invalid", "tls.handshake.signature"],
        ),
    ];
    let ca = authority();
    let key = ca.identity([NAME]);
    for (pem, codes) in table {
        let chain = certificates(pem);
        let mut roots = rustls::RootCertStore::empty();
        roots.add(chain[1].clone()).unwrap();
        let mut stage = at_that_time(Stage::implicit(&ca));
        stage.tls = toy::tls(roots);
        let server = Identity::new(chain, key.key().clone_key());
        let facts = learn(&stage, &server, TlsVersions::Both).await;
        let told: Vec<_> = facts.faults.iter().map(|fault| fault.kind().code).collect();
        assert_eq!(told, codes);
    }
}

#[test]
fn certificates_of_another_age_are_read() {
    let leaf = |pem| Certificate::parse(&certificates(pem)[0]).unwrap();

    let weak = leaf(RSA_1024_CHAIN);
    assert_eq!(
        (weak.key.algorithm.as_str(), weak.key.bits),
        ("RSA", Some(1024))
    );
    assert_eq!(weak.signature, "sha256WithRSAEncryption");
    assert_eq!(weak.names, ["mx.example.test"]);
    assert_eq!(leaf(SHA_1_CHAIN).signature, "sha1WithRSAEncryption");
    assert_eq!(leaf(SHA_1_CHAIN).key.bits, Some(2048));
    assert_eq!(leaf(MD5_CHAIN).signature, "md5WithRSAEncryption");

    let old = leaf(X509_V1_CHAIN);
    assert_eq!(old.names, [""; 0]);
    assert_eq!(old.subject, "CN=mx.example.test");
    assert_eq!(old.issuer, "CN=Fixture Root");
    // 2027-01-01
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_761_600);
    assert_eq!(old.not_after, end);
}

#[test]
fn what_is_no_certificate_is_none() {
    let whole = &certificates(RSA_1024_CHAIN)[0];
    for length in 0..whole.len() {
        assert!(Certificate::parse(&whole[..length]).is_none(), "{length}");
    }
    assert!(Certificate::parse(b"220 mx.example.test ESMTP\r\n").is_none());
}

/// The serial number by hand: it stands behind two SEQUENCE headers of four octets and the version of five.
fn serial(der: &[u8]) -> String {
    assert_eq!(der[8..13], [0xa0, 3, 2, 1, 2]);
    let length = usize::from(der[14]);
    let octets: Vec<_> = der[15..15 + length]
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    octets.join(":")
}

/// The SubjectPublicKeyInfo by hand: for P-256 it is 91 octets that begin with these.
fn spki(der: &[u8]) -> &[u8] {
    let header = b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
    let at = der
        .windows(header.len())
        .position(|window| window == header)
        .unwrap();
    &der[at..at + 91]
}
