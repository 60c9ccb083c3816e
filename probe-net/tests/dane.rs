//! What a server shows, held against TLSA records (RFC 6698, RFC 7671, RFC 7672). How records are read is in `tlsa`,
//! policies are in `mta_sts`.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod expected;
mod toy;

use std::time::Duration;

use expected::{Judged, authority, codes, judged, now, seen_by, spki};
use probe_core::{Record, Severity};
use probe_net::tls::{
    Dane, DaneError, Expectation, Fault, Security, StartTls, Tlsa, TlsaOutcome, Unusable,
};
use probe_testkit::{Authority, Flaw, Identity};
use sha2::{Digest, Sha256, Sha512};

use toy::NAME;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every selector and matching type of this usage, for this certificate.
fn records(usage: u8, der: &[u8]) -> [Tlsa; 6] {
    let key = spki(der);
    [
        format!("{usage} 0 0 {}", hex(der)),
        format!("{usage} 0 1 {}", hex(&Sha256::digest(der))),
        format!("{usage} 0 2 {}", hex(&Sha512::digest(der))),
        format!("{usage} 1 0 {}", hex(key)),
        format!("{usage} 1 1 {}", hex(&Sha256::digest(key))),
        format!("{usage} 1 2 {}", hex(&Sha512::digest(key))),
    ]
    .map(|text| text.parse().unwrap())
}

/// The record that most servers have.
fn three_one_one(server: &Identity) -> Tlsa {
    records(3, &server.chain()[0])[4].clone()
}

/// The SHA-256 of the intermediate's certificate.
fn two_zero_one(ca: &Authority) -> Tlsa {
    records(2, ca.intermediate_der())[1].clone()
}

fn dane(records: impl IntoIterator<Item = Tlsa>) -> Expectation {
    Expectation::default().with_dane(Dane::new(records).unwrap())
}

/// What becomes of one record at this server, for a client that trusts nobody.
async fn outcome(server: &Identity, record: Tlsa) -> TlsaOutcome {
    let facts = seen_by(None, server).await;
    let matches = dane([record]).compare(&facts, now());
    matches[0].outcome.clone()
}

/// What a mail server thinks of it that trusts nobody but these records.
async fn judged_by(server: &Identity, records: impl IntoIterator<Item = Tlsa>) -> Vec<Judged> {
    let facts = seen_by(None, server).await;
    let accepted = StartTls::Accepted;
    judged(
        &dane(records),
        Security::Opportunistic,
        &accepted,
        Some(&facts),
    )
}

#[tokio::test(start_paused = true)]
async fn every_selector_and_matching_type_of_the_servers_own_certificate_matches() {
    let ca = authority();
    let server = ca.identity([NAME]);
    for record in records(3, &server.chain()[0]) {
        assert_eq!(outcome(&server, record.clone()).await, TlsaOutcome::Matched);
        let findings = judged_by(&server, [record]).await;
        assert_eq!(codes(&findings), ["tls.certificate.unknown-issuer"]);
        assert_eq!(findings[0].1, Severity::Info);
    }
}

#[tokio::test(start_paused = true)]
async fn every_selector_and_matching_type_of_an_authority_that_is_sent_matches() {
    let ca = authority();
    let server = ca.identity([NAME]);
    for record in records(2, ca.intermediate_der()) {
        assert_eq!(outcome(&server, record.clone()).await, TlsaOutcome::Matched);
        let findings = judged_by(&server, [record]).await;
        assert_eq!(codes(&findings), ["tls.certificate.unknown-issuer"]);
        assert_eq!(findings[0].1, Severity::Info);
    }
}

/// RFC 7671 section 5.2.2: a digest helps nobody who does not have what it is of.
#[tokio::test(start_paused = true)]
async fn an_authority_that_is_not_sent_has_to_be_in_the_record_whole() {
    let ca = authority();
    let short = ca.identity([NAME]);
    let long = ca.flawed([NAME], Flaw::RootIncluded);
    let [whole, by_256, by_512, key, key_by_256, key_by_512] = records(2, ca.root_der());
    for record in [whole, key] {
        assert_eq!(outcome(&short, record.clone()).await, TlsaOutcome::Matched);
        assert_eq!(outcome(&long, record).await, TlsaOutcome::Matched);
    }
    for record in [by_256, by_512, key_by_256, key_by_512] {
        let missing = outcome(&short, record.clone()).await;
        assert_eq!(missing, TlsaOutcome::Mismatched);
        assert_eq!(outcome(&long, record).await, TlsaOutcome::Matched);
    }
}

#[tokio::test(start_paused = true)]
async fn another_certificate_matches_nothing() {
    let ca = authority();
    let server = ca.identity([NAME]);
    let other = ca.identity([NAME]);
    for record in records(3, &other.chain()[0]) {
        assert_eq!(outcome(&server, record).await, TlsaOutcome::Mismatched);
    }
    let stranger = Authority::at("Test CA", now());
    let others = [stranger.intermediate_der(), stranger.root_der()];
    for record in others.into_iter().flat_map(|der| records(2, der)) {
        assert!(
            !matches!(outcome(&server, record.clone()).await, TlsaOutcome::Matched),
            "{record}"
        );
    }
}

/// Usage 2 is of an authority: what OpenSSL, and with it Postfix and Exim, never look for at the server's own place.
#[tokio::test(start_paused = true)]
async fn the_servers_own_certificate_is_no_authority_and_an_authority_no_server() {
    let ca = authority();
    let server = ca.identity([NAME]);
    for number in [1, 2, 4, 5] {
        let own = records(2, &server.chain()[0])[number].clone();
        assert_eq!(outcome(&server, own.clone()).await, TlsaOutcome::Mismatched);
        let (code, _, evidence) = &judged_by(&server, [own]).await[0];
        assert_eq!(*code, "tls.dane.mismatch");
        assert!(evidence.contains(": no such authority stands above what the server shows; "));
    }
    for record in records(3, ca.intermediate_der()) {
        assert_eq!(outcome(&server, record).await, TlsaOutcome::Mismatched);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mismatch_tells_each_record_and_what_would_fit() {
    let ca = authority();
    let server = ca.identity([NAME]);
    let old = "3 1 1 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
    let findings = judged_by(&server, [old.parse().unwrap()]).await;
    let own = hex(&Sha256::digest(spki(&server.chain()[0])));
    assert_eq!(
        findings[0],
        (
            "tls.dane.mismatch",
            Severity::Critical,
            format!("{old}: the server shows another; its own would be 3 1 1 {own}")
        )
    );
    // To mail servers an unknown issuer is still no more than it was.
    assert_eq!(codes(&findings)[1..], ["tls.certificate.unknown-issuer"]);
    assert_eq!(findings[1].1, Severity::Warning);

    // One record of many suffices, as while keys are changed.
    let two = [old.parse().unwrap(), three_one_one(&server)];
    let findings = judged_by(&server, two).await;
    assert_eq!(codes(&findings), ["tls.certificate.unknown-issuer"]);
}

#[tokio::test(start_paused = true)]
async fn of_many_mismatches_four_are_told() {
    let server = authority().identity([NAME]);
    let old = (0_u8..5).map(|number| format!("3 1 1 {}", hex(&[number; 32])).parse().unwrap());
    let (_, _, evidence) = &judged_by(&server, old).await[0];
    assert_eq!(evidence.matches("the server shows another").count(), 4);
    assert!(evidence.contains("; and 1 more; its own would be 3 1 1 "));
}

/// RFC 7671 section 5.1.
#[tokio::test(start_paused = true)]
async fn with_the_servers_own_certificate_in_dns_nothing_else_in_it_counts() {
    let ca = authority();
    for flaw in [
        Flaw::CommonNameOnly,
        Flaw::Expired,
        Flaw::ExpiredIntermediate,
        Flaw::LeafIsCa,
        Flaw::MissingIntermediate,
        Flaw::NoServerAuth,
        Flaw::NotYetValid,
        Flaw::SelfSigned,
        Flaw::SoonExpiring(DAY),
        Flaw::UnknownIssuer,
        Flaw::WrongName,
    ] {
        let server = ca.flawed([NAME], flaw);
        let facts = seen_by(Some(&ca), &server).await;
        let expectation = dane([three_one_one(&server)]);
        for security in [Security::Opportunistic, Security::Required] {
            let findings = judged(&expectation, security, &StartTls::Accepted, Some(&facts));
            assert_eq!(findings.len(), 1, "{flaw:?}");
            assert_eq!(findings[0].1, Severity::Info, "{flaw:?}");
        }
        // The gate for secrets knows the trusted roots alone.
        assert_eq!(facts.is_verified(), facts.faults.is_empty());
    }
}

/// Anybody can show the certificate that is in DNS.
#[tokio::test(start_paused = true)]
async fn a_certificate_without_its_key_is_critical_however_well_it_matches() {
    let server = authority().flawed([NAME], Flaw::WrongKey);
    let findings = judged_by(&server, [three_one_one(&server)]).await;
    let told: Vec<_> = findings
        .iter()
        .map(|(code, severity, _)| (*code, *severity))
        .collect();
    assert_eq!(
        told,
        [
            ("tls.certificate.unknown-issuer", Severity::Warning),
            ("tls.handshake.signature", Severity::Critical),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn below_an_authority_the_name_the_dates_and_the_use_count() {
    let ca = authority();
    let leaf = || "CN=mx.example.test".to_owned();
    let expired = Fault::Expired {
        subject: leaf(),
        not_after: now() - DAY,
    };
    let early = Fault::NotYetValid {
        subject: leaf(),
        not_before: now() + DAY,
    };
    let wrong_name = Fault::WrongName {
        wanted: NAME.to_owned(),
        names: vec!["wrong.example.test".to_owned()],
    };
    let table = [
        (Flaw::Expired, expired),
        (Flaw::NotYetValid, early),
        (Flaw::NoServerAuth, Fault::WrongUsage),
        (Flaw::WrongName, wrong_name),
    ];
    for (flaw, fault) in table {
        let server = ca.flawed([NAME], flaw);
        for record in records(2, ca.intermediate_der()) {
            let refused = TlsaOutcome::Refused(fault.clone());
            assert_eq!(outcome(&server, record).await, refused, "{flaw:?}");
        }
        let findings = judged_by(&server, [two_zero_one(&ca)]).await;
        assert_eq!(findings[0].0, "tls.dane.mismatch");
        assert_eq!(findings[0].1, Severity::Critical);
    }
}

/// No RFC tells; this is what OpenSSL 3.0 does, and with it Postfix and Exim.
#[tokio::test(start_paused = true)]
async fn a_root_whose_time_is_over_vouches_for_nobody_and_an_intermediate_does() {
    let ca = authority();
    let server = ca.flawed([NAME], Flaw::ExpiredRootIncluded);
    let expired = TlsaOutcome::Refused(Fault::Expired {
        subject: "CN=Test CA Root".to_owned(),
        not_after: now() - DAY,
    });
    let [whole, by_256, by_512, key, key_by_256, key_by_512] = records(2, &server.chain()[2]);
    for record in [whole, by_256, by_512, key_by_256, key_by_512] {
        assert_eq!(outcome(&server, record).await, expired);
    }
    // A key alone has no dates.
    assert_eq!(outcome(&server, key).await, TlsaOutcome::Matched);

    let server = ca.flawed([NAME], Flaw::ExpiredIntermediate);
    for record in records(2, &server.chain()[1]) {
        assert_eq!(outcome(&server, record.clone()).await, TlsaOutcome::Matched);
        let findings = judged_by(&server, [record]).await;
        assert!(findings.iter().all(|one| one.1 == Severity::Info));
    }
}

/// RFC 7672 section 3.2.2: the domain that mail is for is as good a name as the server's.
#[tokio::test(start_paused = true)]
async fn below_an_authority_a_further_name_may_be_the_one() {
    let ca = authority();
    let server = ca.identity(["example.test"]);
    let facts = seen_by(None, &server).await;
    let alone = Dane::new([two_zero_one(&ca)]).unwrap();
    let wrong = TlsaOutcome::Refused(Fault::WrongName {
        wanted: NAME.to_owned(),
        names: vec!["example.test".to_owned()],
    });
    assert_eq!(alone.compare(&facts, now())[0].outcome, wrong);
    let both = alone.with_reference("example.test".parse().unwrap());
    assert_eq!(both.compare(&facts, now())[0].outcome, TlsaOutcome::Matched);
    let expectation = Expectation::default().with_dane(both);
    let findings = judged(
        &expectation,
        Security::Required,
        &StartTls::Accepted,
        Some(&facts),
    );
    assert!(findings.iter().all(|one| one.1 == Severity::Info));
}

#[tokio::test(start_paused = true)]
async fn below_an_authority_a_certificate_that_ends_soon_is_critical() {
    let ca = authority();
    let server = ca.flawed([NAME], Flaw::SoonExpiring(DAY));
    let findings = judged_by(&server, [two_zero_one(&ca)]).await;
    assert_eq!(codes(&findings)[1..], ["tls.certificate.expiring"]);
    assert_eq!(findings[1].1, Severity::Critical);
}

#[tokio::test(start_paused = true)]
async fn what_no_mail_server_can_use_is_as_if_it_were_not_there() {
    let server = authority().identity([NAME]);
    let table = [
        ("0 0 1", 32, "usage 0 is not for mail servers"),
        ("1 1 1", 32, "usage 1 is not for mail servers"),
        ("4 1 1", 32, "there is no usage 4"),
        ("255 1 1", 32, "there is no usage 255"),
        ("3 2 1", 32, "there is no selector 2"),
        ("3 1 3", 32, "there is no matching type 3"),
        ("3 1 1", 31, "its digest has 31 octets instead of 32"),
        ("2 0 2", 32, "its digest has 32 octets instead of 64"),
        ("3 0 0", 32, "its data is no certificate"),
        ("2 1 0", 32, "its data is no public key"),
    ];
    for (numbers, length, reason) in table {
        let text = format!("{numbers} {}", "ab".repeat(length));
        let findings = judged_by(&server, [text.parse().unwrap()]).await;
        let told = format!("{text}: {reason}");
        assert_eq!(findings[0], ("tls.dane.unusable", Severity::Warning, told));
        assert_eq!(codes(&findings)[1..], ["tls.certificate.unknown-issuer"]);

        // Beside one that can be used it harms nobody.
        let two = [text.parse().unwrap(), three_one_one(&server)];
        let findings = judged_by(&server, two).await;
        assert_eq!(findings[0].0, "tls.dane.unusable");
        assert!(findings.iter().all(|one| one.1 == Severity::Info));
    }
    let trailing = format!("3 0 0 {}00", hex(&server.chain()[0]));
    let record: Tlsa = trailing.parse().unwrap();
    assert!(matches!(record.unusable(), Some(Unusable::Data(_))));
}

/// RFC 7671 section 9: a client that knows SHA-512 does not look at the SHA-256 beside it.
#[tokio::test(start_paused = true)]
async fn a_weaker_digest_beside_a_stronger_one_does_not_count() {
    let ca = authority();
    let server = ca.identity([NAME]);
    let other = ca.identity([NAME]);
    let own = records(3, &server.chain()[0]);
    let old = records(3, &other.chain()[0]);
    let [_, cert_256, _, key, key_256, key_512] = own.clone();
    let old_512 = old[5].clone();

    let findings = judged_by(&server, [key_256.clone(), old_512.clone()]).await;
    assert_eq!(findings[0].0, "tls.dane.mismatch");
    let passed_over = format!("{key_256} would match, but a stronger digest stands beside it; ");
    assert!(findings[0].2.starts_with(&passed_over), "{}", findings[0].2);

    // Another selector, no digest at all, or the strong one itself: each counts by itself.
    for counts in [cert_256, key, key_512] {
        let both = [key_256.clone(), old_512.clone(), counts];
        let findings = judged_by(&server, both).await;
        assert_eq!(codes(&findings), ["tls.certificate.unknown-issuer"]);
    }
    // One that cannot be used outranks nothing.
    let broken = "3 1 2 abcd".parse().unwrap();
    let findings = judged_by(&server, [key_256, broken]).await;
    assert_eq!(
        codes(&findings),
        ["tls.dane.unusable", "tls.certificate.unknown-issuer"]
    );
}

#[test]
fn records_are_at_least_one_and_at_most_as_many_as_the_limit() {
    let record = |number: usize| -> Tlsa { format!("3 1 1 {number:064x}").parse().unwrap() };
    assert_eq!(Dane::new([]), Err(DaneError::None));
    let full = Dane::new((0..Dane::LIMIT).map(record)).unwrap();
    assert_eq!(full.records().len(), 32);
    let beyond = Dane::new((0..=Dane::LIMIT).map(record));
    assert_eq!(beyond, Err(DaneError::TooMany));
    // A set knows nothing twice (RFC 2181 section 5).
    let twice = Dane::new((0..Dane::LIMIT).chain(0..Dane::LIMIT).map(record));
    assert_eq!(twice, Ok(full));
}

#[tokio::test(start_paused = true)]
async fn each_record_and_whether_it_matches_is_a_fact_and_a_metric() {
    let ca = authority();
    let server = ca.identity([NAME]);
    let own = three_one_one(&server);
    let digest = hex(own.data());
    let root = records(2, ca.root_der())[0].clone();
    let broken = "1 1 1 abcd".parse().unwrap();
    let old = format!("3 1 1 {}", "ab".repeat(32)).parse().unwrap();
    let facts = seen_by(None, &server).await;
    let matches = dane([own, root.clone(), broken, old]).compare(&facts, now());
    let mut out = Record::default();
    out.trees("dane", &matches, |one, out| one.record(out));
    let written: Vec<_> = out
        .metrics()
        .into_iter()
        .map(|metric| {
            let labels: Vec<_> = metric
                .labels
                .iter()
                .map(|(_, value)| value.as_str())
                .collect();
            (metric.name, metric.value, labels.join(" "))
        })
        .collect();
    let name = "probe_tls_dane_match";
    let root_digest = hex(&Sha256::digest(root.data()));
    assert_eq!(
        written,
        [
            (name, 1.0, format!("3 1 1 {digest}")),
            (name, 1.0, format!("2 0 0 {root_digest}")),
            (name, 0.0, "1 1 1 abcd".to_owned()),
            (name, 0.0, format!("3 1 1 {}", "ab".repeat(32))),
        ]
    );
}
