//! DMARC, DKIM, MTA-STS, TLS-RPT, BIMI and CAA as they are found, and what is thought of them.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod policy_world;

use std::time::Duration;

use mx_check::policy::{FINDINGS, Options, PolicyFacts, PolicySurvey, SpfResult, judge};
use mx_check::records::dkim::Key;
use mx_check::records::dmarc::Disposition;
use policy_world::{Zone, codes, evidence, facts, judged, learn, options};
use probe_core::{Context, Facts as _, Phase, Record, Severity};
use probe_net::Log;
use probe_net::dns::{Pace, Resolver, Survey, Trouble, survey};
use proptest::prelude::*;

const REJECT: &str = "v=DMARC1; p=reject; rua=mailto:d@example.org";

fn dmarc(
    records: &[(&str, &str, &str)],
) -> (PolicyFacts, Vec<&'static str>, Vec<probe_core::Finding>) {
    let facts = learn(records);
    let findings = judged(&facts);
    let codes = codes(&findings, "dmarc.");
    (facts, codes, findings)
}

fn of_domain(domain: &str, records: &[(&str, &str, &str)]) -> (PolicyFacts, Vec<String>) {
    let mut zone = Zone::of(records);
    let learned = facts(&mut zone, Options::new(domain.parse().unwrap()));
    let mut asked = zone.asked;
    asked.retain(|one| one.starts_with("_dmarc."));
    (learned, asked)
}

#[test]
fn each_finding_has_a_code_of_its_own_and_a_remedy() {
    let codes: Vec<_> = FINDINGS.iter().map(|kind| kind.code).collect();
    let mut sorted = codes.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(codes.len(), sorted.len());
    for kind in FINDINGS {
        assert!(
            kind.remedy.ends_with('.') && !kind.summary.ends_with('.'),
            "{}",
            kind.code
        );
        assert!(
            kind.code
                .bytes()
                .all(|c| c.is_ascii_lowercase() || matches!(c, b'.' | b'-'))
        );
    }
}

#[test]
fn a_dmarc_policy_of_the_domain_itself_needs_one_question() {
    let (learned, asked) = of_domain(
        "a.example.org",
        &[
            ("_dmarc.a.example.org", "TXT", REJECT),
            ("_dmarc.example.org", "TXT", "v=DMARC1; p=none"),
        ],
    );
    assert_eq!(learned.dmarc.disposition, Some(Disposition::Reject));
    assert_eq!(asked, ["_dmarc.a.example.org TXT"]);
}

#[test]
fn without_one_the_policy_of_the_organisation_counts_as_it_is_for_subdomains() {
    let record = "v=DMARC1; p=reject; sp=quarantine; rua=mailto:d@example.org";
    let (learned, asked) = of_domain("b.a.example.org", &[("_dmarc.example.org", "TXT", record)]);
    assert_eq!(learned.dmarc.disposition, Some(Disposition::Quarantine));
    assert_eq!(learned.dmarc.policy.unwrap().domain, "example.org");
    let expected = [
        "_dmarc.b.a.example.org TXT",
        "_dmarc.a.example.org TXT",
        "_dmarc.example.org TXT",
        "_dmarc.org TXT",
    ];
    assert_eq!(asked, expected);
}

#[test]
fn psd_tells_where_the_organisation_is() {
    // RFC 9989 section 4.10.2: psd=n is the organisation, whatever is above.
    let below = "v=DMARC1; p=quarantine; psd=n";
    let (learned, _) = of_domain(
        "b.a.example.org",
        &[
            ("_dmarc.a.example.org", "TXT", below),
            ("_dmarc.example.org", "TXT", REJECT),
        ],
    );
    assert_eq!(learned.dmarc.disposition, Some(Disposition::Quarantine));
    // Below psd=y the organisation is one label longer.
    let suffix = "v=DMARC1; p=none; sp=none; psd=y";
    let (learned, _) = of_domain(
        "b.a.example.org",
        &[
            ("_dmarc.a.example.org", "TXT", REJECT),
            ("_dmarc.example.org", "TXT", suffix),
        ],
    );
    assert_eq!(learned.dmarc.policy.unwrap().domain, "a.example.org");
    // Where that has no record, the suffix's counts.
    let (learned, _) = of_domain("b.a.example.org", &[("_dmarc.example.org", "TXT", suffix)]);
    assert_eq!(learned.dmarc.policy.unwrap().domain, "example.org");
}

#[test]
fn the_walk_asks_eight_times_at_most() {
    let (learned, asked) = of_domain(
        "i.h.g.f.e.d.c.b.a.example.org",
        &[("_dmarc.example.org", "TXT", REJECT)],
    );
    assert_eq!(learned.dmarc.disposition, Some(Disposition::Reject));
    assert_eq!(asked.len(), 8);
    assert_eq!(asked[0], "_dmarc.i.h.g.f.e.d.c.b.a.example.org TXT");
    // Seven labels remain behind the first question.
    assert_eq!(asked[1], "_dmarc.e.d.c.b.a.example.org TXT");
    assert_eq!(asked[7], "_dmarc.org TXT");
}

#[test]
fn no_dmarc_is_told_with_the_answers() {
    let (_, codes, findings) = dmarc(&[("example.org", "MX", "10 mx.example.org")]);
    assert_eq!(codes, ["dmarc.missing"]);
    let told = "_dmarc.example.org: NXDOMAIN, and no such record, from 192.0.2.53:53; \
        _dmarc.org: NXDOMAIN, and no such record, from 192.0.2.53:53";
    assert_eq!(evidence(&findings, "dmarc.missing"), told);
}

#[test]
fn several_dmarc_records_are_passed_over() {
    let (learned, codes, findings) = dmarc(&[
        ("_dmarc.example.org", "TXT", "v=DMARC1; p=none"),
        ("_dmarc.example.org", "TXT", REJECT),
    ]);
    assert_eq!(
        (learned.dmarc.disposition, codes),
        (None, vec!["dmarc.multiple"])
    );
    let told =
        "_dmarc.example.org: v=DMARC1; p=none | v=DMARC1; p=reject; rua=mailto:d@example.org";
    assert_eq!(evidence(&findings, "dmarc.multiple"), told);
}

#[test]
fn dmarc_policies_are_judged() {
    let of = |record: &str| dmarc(&[("_dmarc.example.org", "TXT", record)]).1;
    assert_eq!(of(REJECT), [""; 0]);
    assert_eq!(of("v=DMARC1; p=none"), ["dmarc.none", "dmarc.reports.none"]);
    assert_eq!(
        of("v=DMARC1; p=reject; sp=none; rua=mailto:d@example.org"),
        ["dmarc.subdomains"]
    );
    assert_eq!(
        of("v=DMARC1; p=reject; np=quarantine; rua=mailto:d@example.org"),
        ["dmarc.subdomains"]
    );
    assert_eq!(
        of("v=DMARC1; p=quarantine; t=y; rua=mailto:d@example.org"),
        ["dmarc.test", "dmarc.none"]
    );
    assert_eq!(
        of("v=DMARC1; p=quarantine; pct=100; rua=mailto:d@example.org"),
        ["dmarc.odd"]
    );
    assert_eq!(of("v=DMARC1; p=rejct"), ["dmarc.syntax", "dmarc.odd"]);
    assert_eq!(
        of("v=DMARC1; rua=mailto:d@example.org"),
        ["dmarc.odd", "dmarc.none"]
    );
}

#[test]
fn a_foreign_domain_must_consent_to_reports() {
    let record = "v=DMARC1; p=reject; rua=mailto:a@one.test.net,mailto:b@two.test.net,mailto:c@mail.example.org; ruf=mailto:d@three.test.com";
    let (learned, codes, findings) = dmarc(&[
        ("_dmarc.example.org", "TXT", record),
        ("example.org._report._dmarc.one.test.net", "TXT", "v=DMARC1"),
        // Whoever takes reports of all has a wildcard.
        ("*._report._dmarc.three.test.com", "TXT", "v=DMARC1;"),
        ("*.org._report._dmarc.three.test.com", "TXT", "v=DMARC1;"),
    ]);
    let destinations: Vec<_> = learned
        .dmarc
        .destinations
        .iter()
        .map(|one| (one.domain.as_str(), one.is_refused()))
        .collect();
    assert_eq!(
        destinations,
        [
            ("one.test.net", false),
            ("two.test.net", true),
            ("three.test.com", false)
        ]
    );
    assert_eq!(codes, ["dmarc.reports.refused"]);
    let told =
        "example.org._report._dmarc.two.test.net: NXDOMAIN, and no such record, from 192.0.2.53:53";
    assert_eq!(evidence(&findings, "dmarc.reports.refused"), told);
}

#[test]
fn more_than_16_foreign_domains_are_not_asked() {
    let uris: Vec<_> = (0..17)
        .map(|number| format!("mailto:a@x{number}.test.net"))
        .collect();
    let record = format!("v=DMARC1; p=reject; rua={}", uris.join(","));
    let learned = learn(&[("_dmarc.example.org", "TXT", &record)]);
    assert_eq!(learned.dmarc.destinations.len(), 16);
}

#[test]
fn a_domain_that_takes_no_mail_shall_have_its_mail_refused() {
    let of = |record: &str| {
        codes(
            &judge(&learn(&[("_dmarc.example.org", "TXT", record)]), &[]),
            "dmarc.",
        )
    };
    assert_eq!(of(REJECT), [""; 0]);
    assert_eq!(of("v=DMARC1; p=reject"), [""; 0]);
    assert_eq!(of("v=DMARC1; p=none"), ["dmarc.null.open"]);
    assert_eq!(of("hello"), ["dmarc.null.open"]);
}

#[test]
fn dmarc_that_cannot_be_asked_for_is_not_missing() {
    let (learned, codes, findings) = dmarc(&[("_dmarc.example.org", "SERVFAIL", "")]);
    assert!(!learned.dmarc.is_missing());
    assert_eq!(codes, [""; 0]);
    let told = evidence(&findings, "policy.unknown");
    assert_eq!(told, "_dmarc.example.org: 192.0.2.53:53 says SERVFAIL");
}

#[test]
fn keys_of_named_selectors_are_judged_and_of_common_ones_only_what_is_there() {
    let short = "v=DKIM1; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBANGhE3PE9OgKAOPRusY8B+2OAhJPMQ9rAJzwA2+nqMvKu8uU4NuQtCzSX16+\
        KCC8swHBRSNu5U5tGTbKOyCIJscCAwEAAQ==";
    let mut zone = Zone::of(&[
        ("old._domainkey.example.org", "TXT", "v=DKIM1; p="),
        ("short._domainkey.example.org", "TXT", short),
        ("two._domainkey.example.org", "TXT", "v=DKIM1; p="),
        ("two._domainkey.example.org", "TXT", "v=DKIM1; t=y; p="),
        ("bad._domainkey.example.org", "TXT", "v=DKIM1; t=y; p=*"),
        // A wildcard of something else.
        ("*._domainkey.example.org", "TXT", "v=spf1 -all"),
        ("google._domainkey.example.org", "CNAME", "key.test.net"),
        ("key.test.net", "TXT", "k=rsa; p="),
    ]);
    let selectors = ["old", "short", "gone", "two", "bad"];
    let learned = facts(&mut zone, options().with_selectors(selectors));
    let there = learned
        .dkim
        .iter()
        .filter(|one| !one.published.records.is_empty());
    let there: Vec<_> = there.map(|one| one.selector.as_str()).collect();
    assert_eq!(there, ["old", "short", "two", "bad", "google"]);
    assert_eq!(
        learned.dkim[1].published.only().unwrap().read.key,
        Key::Rsa(512)
    );
    let findings = judged(&learned);
    let expected = [
        "dkim.revoked",
        "dkim.broken",
        "dkim.missing",
        "dkim.multiple",
        "dkim.syntax",
        "dkim.test",
    ];
    assert_eq!(codes(&findings, "dkim."), expected);
    assert_eq!(
        evidence(&findings, "dkim.broken"),
        "short._domainkey.example.org: RSA, 512 bits"
    );
}

#[test]
fn a_wildcard_that_answers_every_guess_is_told_once() {
    let zone = Zone::of(&[("*._domainkey.example.org", "TXT", "v=DKIM1; p=*")]);
    let learned = facts(&mut zone.clone(), options());
    assert_eq!(codes(&judged(&learned), "dkim."), ["dkim.syntax"]);
    let learned = facts(
        &mut zone.clone(),
        options().with_selectors(["mine", "other"]),
    );
    assert_eq!(
        codes(&judged(&learned), "dkim."),
        ["dkim.syntax", "dkim.syntax"]
    );
}

#[test]
fn more_than_16_selectors_are_not_looked_for() {
    let selectors = (0..17).map(|number| format!("x{number}"));
    let learned = facts(&mut Zone::default(), options().with_selectors(selectors));
    let named = learned.dkim.iter().filter(|one| one.is_named);
    assert_eq!(named.count(), 16);
}

#[test]
fn a_selector_that_is_no_name_is_no_trouble_for_the_others() {
    let learned = facts(
        &mut Zone::default(),
        options().with_selectors(["a..b", "ok"]),
    );
    let findings = judged(&learned);
    assert_eq!(codes(&findings, "dkim."), ["dkim.missing"]);
    assert_eq!(
        evidence(&findings, "policy.unknown"),
        "a..b._domainkey.example.org: it is no domain name"
    );
}

#[test]
fn records_of_tls_reports_and_pictures_are_judged() {
    let of = |records: &[(&str, &str, &str)], start| codes(&judged(&learn(records)), start);
    let bad = (
        "_smtp._tls.example.org",
        "TXT",
        "v=TLSRPTv1; rua=a@example.org",
    );
    let good = (
        "_smtp._tls.example.org",
        "TXT",
        "v=TLSRPTv1; rua=mailto:a@example.org",
    );
    assert_eq!(of(&[bad], "tls-rpt."), ["tls-rpt.syntax"]);
    assert_eq!(of(&[good], "tls-rpt."), [""; 0]);
    assert_eq!(of(&[good, bad], "tls-rpt."), ["tls-rpt.multiple"]);
    let sts = ("_mta-sts.example.org", "TXT", "v=STSv1; id=1");
    assert_eq!(of(&[sts], "tls-rpt."), ["tls-rpt.missing"]);
    assert_eq!(of(&[sts, good], ""), ["spf.missing", "dmarc.missing"]);
    let without_id = ("_mta-sts.example.org", "TXT", "v=STSv1;");
    assert_eq!(of(&[without_id], "mta-sts."), ["mta-sts.syntax"]);
    assert_eq!(of(&[sts, without_id], "mta-sts."), ["mta-sts.multiple"]);
    let picture = (
        "default._bimi.example.org",
        "TXT",
        "v=BIMI1; l=https://example.org/a.svg",
    );
    let reject = ("_dmarc.example.org", "TXT", REJECT);
    assert_eq!(of(&[picture], "bimi."), ["bimi.dmarc"]);
    assert_eq!(of(&[picture, reject], "bimi."), [""; 0]);
    let clear = (
        "default._bimi.example.org",
        "TXT",
        "v=BIMI1; l=http://example.org/a.svg",
    );
    assert_eq!(of(&[clear, reject], "bimi."), ["bimi.syntax"]);
}

#[test]
fn caa_is_looked_for_up_to_the_organisation() {
    let records = [
        ("example.org", "CAA", "0 issue ca.example.net"),
        ("example.org", "CAA", "128 issuemail ;"),
    ];
    let (learned, _) = of_domain("b.a.example.org", &records);
    assert_eq!(learned.caa.name.as_deref(), Some("example.org"));
    let told: Vec<_> = learned
        .caa
        .records
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(told, ["0 issue \"ca.example.net\"", "128 issuemail \";\""]);
    let mut zone = Zone::of(&[("org", "CAA", "0 issue ;")]);
    let learned = facts(&mut zone, options());
    assert_eq!((learned.caa.records.len(), learned.caa.lack), (0, None));
    let findings = judged(&learn(&[("example.org", "CAA", "128 tbs x")]));
    assert_eq!(evidence(&findings, "caa.deadlock"), "128 tbs \"x\"");
    // Climbing ends.
    let long = format!("{}example.org", "a.".repeat(12));
    let (learned, _) = of_domain(&long, &records);
    assert_eq!(learned.caa.name, None);
}

#[test]
fn more_records_of_one_sort_are_not_looked_at() {
    let mut zone = Zone::default();
    for number in 0..40 {
        zone.add(
            "_dmarc.example.org",
            "TXT",
            format!("v=DMARC1; p=none; x{number}=1").as_bytes(),
        );
        zone.add(
            "example.org",
            "CAA",
            format!("0 issue ca{number}.example.net").as_bytes(),
        );
    }
    let learned = facts(&mut zone, options());
    assert_eq!(learned.dmarc.walk[0].records.len(), 16);
    assert_eq!(learned.caa.records.len(), 32);
}

#[tokio::test]
async fn name_servers_are_asked_over_udp() {
    let zone = Zone::of(&[
        ("example.org", "TXT", "v=spf1 include:_spf.example.net -all"),
        ("_spf.example.net", "TXT", "v=spf1 a:mail.example.net -all"),
        ("mail.example.net", "A", "192.0.2.1"),
        ("_dmarc.example.org", "TXT", REJECT),
        ("slow._domainkey.example.org", "TIMEOUT", ""),
    ]);
    let mut pace = Pace::default();
    pace.patience = Duration::from_millis(700);
    let resolver = Resolver::new([zone.serve().await]).with_pace(pace);
    let wanted = options()
        .with_selectors(["slow"])
        .with_senders([[192, 0, 2, 1].into()]);
    let mut machine = PolicySurvey::new(wanted);
    let mut log = Log::begin(&Context::default());
    survey(&resolver, &mut machine, Phase::new("policy"), &mut log)
        .await
        .unwrap();
    let learned = machine.into_facts();
    assert_eq!(learned.spf.checks[0].result, Some(SpfResult::Pass));
    assert_eq!(learned.dmarc.disposition, Some(Disposition::Reject));
    let findings = judged(&learned);
    assert_eq!(codes(&findings, ""), ["policy.unknown"]);
    let told = evidence(&findings, "policy.unknown");
    assert!(
        told.starts_with("slow._domainkey.example.org: no answer within"),
        "{told}"
    );
}

#[test]
fn facts_are_written_as_a_tree() {
    let learned = learn(&[
        ("example.org", "TXT", "v=spf1 -all"),
        ("_dmarc.example.org", "TXT", REJECT),
    ]);
    let mut out = Record::default();
    learned.record(&mut out);
    let keys: Vec<_> = out.entries().map(|(key, _)| key).collect();
    assert_eq!(
        keys,
        ["spf", "dmarc", "dkim", "mta_sts", "tls_rpt", "bimi", "caa"]
    );
    let metrics: Vec<_> = out
        .metrics()
        .iter()
        .map(|one| (one.name, one.value))
        .collect();
    let expected = [
        ("probe_mx_spf_lookups", 0.0),
        ("probe_mx_spf_void_lookups", 0.0),
        ("probe_mx_spf_octets", 64.0),
    ];
    assert_eq!(metrics, expected);
}

#[test]
fn severities_follow_what_others_say() {
    let findings = judged(&learn(&[]));
    let severities: Vec<_> = findings
        .iter()
        .map(|one| (one.code(), one.severity))
        .collect();
    assert_eq!(
        severities,
        [
            ("spf.missing", Severity::Info),
            ("dmarc.missing", Severity::Warning)
        ]
    );
}

proptest! {
    #[test]
    fn whatever_is_answered_it_ends_within_the_bound(
        texts in proptest::collection::vec("(v=spf1|v=DMARC1;)( (include:|redirect=|a:|mx:|exists:)(%\\{[slodivhp]\\}\\.)?[ab]\\.test\\.org| mx| ptr| ip4:192\\.0\\.2\\.1| [?~-]?all| rua=mailto:a@[ab]\\.test\\.org){0,12}", 1..6),
        fates in proptest::collection::vec(0..8u8, 64),
    ) {
        let mut zone = Zone::default();
        let names = ["example.org", "a.test.org", "b.test.org", "_dmarc.example.org", "*.test.org"];
        for (name, text) in names.iter().zip(&texts) {
            zone.add(name, "TXT", text.as_bytes());
        }
        let mut survey = PolicySurvey::new(options().with_addresses(["192.0.2.1".parse().unwrap()]));
        let mut asks = survey.begin();
        let mut count = 0;
        while let Some(ask) = asks.pop() {
            let outcome = match fates[count % fates.len()] {
                0 => Err(Trouble::NoServer),
                _ => zone.answer(&ask.question),
            };
            count += 1;
            prop_assert!(count <= 512);
            asks.extend(survey.answered(ask.tag, outcome));
        }
        prop_assert!(survey.answered(u64::MAX, Err(Trouble::NoServer)).is_empty());
        let facts = survey.into_facts();
        prop_assert!(facts.spf.checks[0].result.is_some());
        facts.record(&mut Record::default());
        judge(&facts, &[]);
    }
}
