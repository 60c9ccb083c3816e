//! A connection held against an MTA-STS policy (RFC 8461), and STARTTLS that is missing where somebody demands it or
//! has seen it.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod expected;
mod toy;

use std::time::{Duration, SystemTime};

use expected::{authority, codes, judged, now, seen_by};
use probe_core::{HostName, Severity, TargetError};
use probe_net::tls::{
    Channel, Dane, Expectation, MtaSts, MxPattern, PolicyMode, Security, StartTls, Thresholds,
    TlsFacts, Witness,
};
use probe_testkit::Flaw;

use toy::NAME;

fn policy(mode: PolicyMode, patterns: &[&str]) -> Expectation {
    let patterns = patterns.iter().map(|pattern| pattern.parse().unwrap());
    Expectation::default().with_mta_sts(MtaSts::new(mode, patterns))
}

fn records() -> Dane {
    let record = format!("3 1 1 {}", "ab".repeat(32));
    Dane::new([record.parse().unwrap()]).unwrap()
}

fn refused() -> StartTls {
    StartTls::Refused(
        b"454 TLS not available due to local problem"
            .as_slice()
            .into(),
    )
}

/// RFC 8461 section 4.1.
#[test]
fn a_pattern_is_a_host_or_one_label_below_a_domain() {
    let table = [
        ("mail.example.org", "mail.example.org", true),
        ("mail.example.org", "MAIL.example.ORG.", true),
        ("Mail.Example.Org", "mail.example.org", true),
        ("mail.example.org", "a.mail.example.org", false),
        ("mail.example.org", "example.org", false),
        ("mail.example.org", "xmail.example.org", false),
        ("*.example.org", "mail.example.org", true),
        ("*.example.org", "MX-1.EXAMPLE.ORG.", true),
        ("*.example.org", "example.org", false),
        ("*.example.org", ".example.org", false),
        ("*.example.org", "a.mail.example.org", false),
        ("*.example.org", "mail.example.com", false),
        ("*.example.org", "mailexample.org", false),
        ("*.example.org", "192.0.2.1", false),
    ];
    for (pattern, host, fits) in table {
        let pattern: MxPattern = pattern.parse().unwrap();
        assert_eq!(pattern.matches(host), fits, "{pattern} {host}");
    }
    for text in ["mail.example.org", "*.example.org"] {
        assert_eq!(text.parse::<MxPattern>().unwrap().to_string(), text);
    }
    let wrong = [
        ("", TargetError::Empty),
        ("*", TargetError::Character('*')),
        ("*.", TargetError::Empty),
        ("*.*.example.org", TargetError::Character('*')),
        ("m*.example.org", TargetError::Character('*')),
        ("mail.*.org", TargetError::Character('*')),
        (".example.org", TargetError::Length),
        ("192.0.2.1", TargetError::Address),
    ];
    for (text, error) in wrong {
        assert_eq!(text.parse::<MxPattern>(), Err(error), "{text:?}");
    }
}

#[test]
fn a_policy_keeps_what_it_was_given() {
    let week = Duration::from_secs(604_800);
    let policy = MtaSts::new(PolicyMode::Testing, ["*.example.org".parse().unwrap()]);
    assert_eq!(policy.max_age(), None);
    let policy = policy.with_max_age(week);
    assert_eq!(policy.max_age(), Some(week));
    assert_eq!(policy.mode().as_str(), "testing");
    assert_eq!(policy.patterns().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_sound_server_that_is_listed_is_all_that_a_policy_wants() {
    let ca = authority();
    let facts = seen_by(Some(&ca), &ca.identity([NAME])).await;
    for patterns in [[NAME], ["*.example.test"]] {
        let expectation = policy(PolicyMode::Enforce, &patterns);
        let findings = judged(
            &expectation,
            Security::Opportunistic,
            &StartTls::Accepted,
            Some(&facts),
        );
        assert_eq!(findings, []);
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_is_not_listed_gets_no_mail() {
    let ca = authority();
    let facts = seen_by(Some(&ca), &ca.identity([NAME])).await;
    let code = "tls.mta-sts.host-not-listed";
    let by = |mode, patterns: &[&str]| {
        let expectation = policy(mode, patterns);
        judged(
            &expectation,
            Security::Opportunistic,
            &StartTls::Accepted,
            Some(&facts),
        )
    };
    let patterns = ["mail.example.test", "*.mx.example.test"];
    let evidence =
        "mx.example.test; the policy lists mail.example.test, *.mx.example.test".to_owned();
    let enforced = by(PolicyMode::Enforce, &patterns);
    assert_eq!(enforced, [(code, Severity::Critical, evidence.clone())]);
    let tested = by(PolicyMode::Testing, &patterns);
    assert_eq!(tested, [(code, Severity::Warning, evidence)]);
    assert_eq!(by(PolicyMode::None, &patterns), []);
    let nobody = "mx.example.test; the policy lists no host at all".to_owned();
    assert_eq!(
        by(PolicyMode::Enforce, &[]),
        [(code, Severity::Critical, nobody)]
    );
}

#[test]
fn the_host_is_told_also_where_there_was_no_tls() {
    let host: HostName = NAME.parse().unwrap();
    let channel =
        Channel::new(Security::Opportunistic, &StartTls::NotOffered, None).at(Some(&host));
    let expectation = policy(PolicyMode::Enforce, &["mail.example.test"]);
    let findings = expectation.judge(&channel, &Thresholds::default(), now());
    let codes: Vec<_> = findings.iter().map(|finding| finding.code()).collect();
    assert_eq!(
        codes,
        [
            "starttls.stripped",
            "starttls.not-offered",
            "tls.mta-sts.host-not-listed"
        ]
    );
}

/// RFC 8461 section 4.2.
#[tokio::test(start_paused = true)]
async fn a_policy_wants_a_certificate_of_a_trusted_authority_in_date_for_the_name() {
    let ca = authority();
    let table = [
        (
            Flaw::Expired,
            "the certificate has expired (CN=mx.example.test, on 2026-05-31)",
        ),
        (Flaw::SelfSigned, "the certificate is self-signed"),
        (
            Flaw::UnknownIssuer,
            "the certificate comes from an authority that is not trusted here (CN=Test CA (unknown) Root)",
        ),
        (
            Flaw::WrongName,
            "the certificate is for another name (mx.example.test was asked for; it is for wrong.example.test)",
        ),
    ];
    for (flaw, evidence) in table {
        let facts = seen_by(Some(&ca), &ca.flawed([NAME], flaw)).await;
        for (mode, severity) in [
            (PolicyMode::Enforce, Severity::Critical),
            (PolicyMode::Testing, Severity::Warning),
        ] {
            let findings = judged(
                &policy(mode, &[NAME]),
                Security::Opportunistic,
                &StartTls::Accepted,
                Some(&facts),
            );
            let told = ("tls.mta-sts.certificate", severity, evidence.to_owned());
            assert_eq!(findings[0], told);
            assert_eq!(findings.len(), 2);
            assert_eq!(findings[1].1, Severity::Warning);
        }
    }
}

/// Senders that know both go by DANE; those that know MTA-STS alone still need their authority.
#[tokio::test(start_paused = true)]
async fn records_that_are_met_do_not_make_up_for_a_policy_that_is_not() {
    let ca = authority();
    let server = ca.flawed([NAME], Flaw::Expired);
    let facts = seen_by(Some(&ca), &server).await;
    let key = expected::spki(&server.chain()[0]);
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    let dane = Dane::new([format!("3 1 0 {hex}").parse().unwrap()]).unwrap();
    let expectation = policy(PolicyMode::Enforce, &[NAME]).with_dane(dane);
    let findings = judged(
        &expectation,
        Security::Opportunistic,
        &StartTls::Accepted,
        Some(&facts),
    );
    let told: Vec<_> = findings
        .iter()
        .map(|(code, severity, _)| (*code, *severity))
        .collect();
    assert_eq!(
        told,
        [
            ("tls.mta-sts.certificate", Severity::Critical),
            ("tls.certificate.expired", Severity::Warning),
        ]
    );
}

#[test]
fn without_an_expectation_nothing_changes() {
    let nothing = Expectation::default();
    assert!(!nothing.demands_tls());
    assert!(!policy(PolicyMode::None, &[]).demands_tls());
    let evidence = "it offers SIZE HELP".to_owned();
    for expectation in [nothing, policy(PolicyMode::None, &["mail.example.test"])] {
        let findings = judged(
            &expectation,
            Security::Opportunistic,
            &StartTls::NotOffered,
            None,
        );
        assert_eq!(
            findings,
            [("starttls.not-offered", Severity::Warning, evidence.clone())]
        );
    }
}

#[test]
fn starttls_that_is_demanded_and_not_offered_is_stripped() {
    let enforced = || policy(PolicyMode::Enforce, &[NAME]);
    let table = [
        (
            Expectation::default().with_dane(records()),
            Severity::Critical,
            "TLS is demanded by TLSA records",
        ),
        (
            enforced(),
            Severity::Critical,
            "TLS is demanded by an MTA-STS policy, mode enforce",
        ),
        (
            policy(PolicyMode::Testing, &[NAME]),
            Severity::Warning,
            "TLS is demanded by an MTA-STS policy, mode testing",
        ),
        (
            enforced().with_dane(records()),
            Severity::Critical,
            "TLS is demanded by TLSA records and by an MTA-STS policy, mode enforce",
        ),
    ];
    for (expectation, severity, evidence) in table {
        assert!(expectation.demands_tls());
        let findings = judged(
            &expectation,
            Security::Opportunistic,
            &StartTls::NotOffered,
            None,
        );
        let stripped = ("starttls.stripped", severity, evidence.to_owned());
        assert_eq!(findings[0], stripped);
        assert_eq!(codes(&findings)[1..], ["starttls.not-offered"]);

        let findings = judged(&expectation, Security::Opportunistic, &refused(), None);
        assert_eq!(codes(&findings), ["starttls.refused"]);
        assert_eq!(findings[0].1, severity);

        // Where it did not come so far, nothing is known.
        let findings = judged(
            &expectation,
            Security::Opportunistic,
            &StartTls::NotAsked,
            None,
        );
        assert_eq!(findings, []);
    }
}

/// RFC 7672 section 2.2: what cannot be used to know the server still tells that it speaks TLS.
#[test]
fn records_that_no_mail_server_can_use_demand_tls_all_the_same() {
    let record = format!("1 1 1 {}", "ab".repeat(32)).parse().unwrap();
    let expectation = Expectation::default().with_dane(Dane::new([record]).unwrap());
    let findings = judged(
        &expectation,
        Security::Opportunistic,
        &StartTls::NotOffered,
        None,
    );
    assert_eq!(
        codes(&findings),
        [
            "starttls.stripped",
            "starttls.not-offered",
            "tls.dane.unusable"
        ]
    );
    assert_eq!(findings[0].1, Severity::Critical);
}

/// A handshake that failed is the failure of the probe; nothing is said of a certificate that was never shown.
#[test]
fn a_handshake_that_failed_is_no_mismatch() {
    let facts = TlsFacts::unknown(NAME);
    let expectation = policy(PolicyMode::Enforce, &[NAME]).with_dane(records());
    let findings = judged(
        &expectation,
        Security::Opportunistic,
        &StartTls::Accepted,
        Some(&facts),
    );
    assert_eq!(findings, []);
}

#[test]
fn starttls_that_others_have_seen_is_stripped() {
    let other = Witness::Address([192, 0, 2, 2].into());
    let earlier = Witness::Earlier(SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_272_000));
    let evidence = |starttls: &StartTls, witness| {
        let finding = starttls.stripped(witness)?;
        assert_eq!(finding.code(), "starttls.stripped");
        assert_eq!(finding.severity, Severity::Critical);
        Some(finding.evidence)
    };
    let missing = StartTls::NotOffered;
    assert_eq!(evidence(&missing, other).unwrap(), "192.0.2.2 offers it");
    assert_eq!(
        evidence(&missing, earlier).unwrap(),
        "it was offered on 2026-06-01"
    );
    for fine in [StartTls::Accepted, StartTls::NotAsked, refused()] {
        assert_eq!(fine.stripped(other), None);
    }
    assert!(StartTls::Accepted.was_offered() && refused().was_offered());
    assert!(!StartTls::NotAsked.was_offered() && !missing.was_offered());
}
