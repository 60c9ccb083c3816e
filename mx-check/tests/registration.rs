//! What registries say of domains, as they say it, and what is thought of it.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use mx_check::registration::{
    Answer, Expiry, FINDINGS, Lifecycle, Registration, RegistrationFacts, Source, State,
    Thresholds, compare, judge,
};
use probe_core::{Facts, Finding, Record, Severity, Value};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// 2026-11-24T13:00:00Z.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_525_200)
}

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn corpus(path: &str) -> Vec<u8> {
    let path = format!("{}/tests/corpus/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn rdap(file: &str) -> Answer {
    let url = "https://rdap.example.test/domain/example.com";
    let source = Source::Rdap {
        url: url.parse().unwrap(),
        is_verified: true,
    };
    Answer::of_rdap(source, 200, None, &corpus(&format!("rdap/{file}.json")))
}

fn whois(file: &str) -> Answer {
    let server = "whois.example.test".parse().unwrap();
    Answer::of_whois(
        Source::Whois { server },
        &corpus(&format!("whois/{file}.txt")),
    )
}

fn found(answer: Answer) -> Registration {
    match answer {
        Answer::Found(registration) => *registration,
        other => panic!("{other:?}"),
    }
}

fn facts(state: impl Into<State>) -> RegistrationFacts {
    RegistrationFacts::new("example.com".parse().unwrap(), now(), state.into())
}

fn judged(facts: &RegistrationFacts) -> Vec<Finding> {
    judge(facts, now(), &Thresholds::default())
}

fn told(findings: &[Finding]) -> Vec<String> {
    let told = findings.iter();
    told.map(|one| format!("{} {}: {}", one.severity, one.code(), one.evidence))
        .collect()
}

fn word(facts: &RegistrationFacts) -> &'static str {
    facts
        .lifecycle(now(), DAY * 30)
        .map_or("unknown", Lifecycle::as_str)
}

#[test]
fn each_state_of_a_registration_is_told_with_what_shows_it() {
    for (file, lifecycle, findings) in [
        ("com-active", "active", &[][..]),
        (
            "com-expiring",
            "expiring",
            &["warning registration.expiring: on 2026-12-04, in 10 days"],
        ),
        (
            "com-expiring-in-days",
            "expiring",
            &["critical registration.expiring: on 2026-11-30, in 6 days"],
        ),
        (
            "com-expired",
            "expired",
            &["critical registration.expired: on 2026-11-20, 4 days ago"],
        ),
        (
            "com-auto-renew",
            "auto-renew-grace",
            &["warning registration.auto-renew-period: the registry's date is 2027-11-20"],
        ),
        (
            "com-client-hold",
            "client-hold",
            &[
                "critical registration.hold: by the registrar (clienthold, clienttransferprohibited, autorenewperiod, \
                 registrar Example Registrar, Inc.)",
                "warning registration.auto-renew-period: the registry's date is 2027-11-01",
            ],
        ),
        (
            "com-server-hold",
            "server-hold",
            &[
                "critical registration.hold: by the registry (serverhold, servertransferprohibited, registrar Example \
               Registrar, Inc.)",
            ],
        ),
        (
            "com-pending-restore",
            "pending-restore",
            &["warning registration.pending-restore: pendingrestore, pendingdelete"],
        ),
        (
            "com-inactive",
            "inactive",
            &["critical registration.inactive: inactive"],
        ),
        (
            "org-redemption",
            "redemption",
            &["critical registration.redemption: redemptionperiod, pendingdelete, clienthold"],
        ),
        (
            "org-pending-delete",
            "pending-delete",
            &["critical registration.pending-delete: pendingdelete"],
        ),
        (
            "de-active",
            "active",
            &["info registration.not-published: example.com"],
        ),
        (
            "fi-active",
            "active",
            &["info registration.not-published: example.com"],
        ),
        (
            "no-active",
            "active",
            &["info registration.not-published: example.com"],
        ),
    ] {
        let facts = facts(rdap(file));
        assert_eq!(word(&facts), lifecycle, "{file}");
        assert_eq!(told(&judged(&facts)), findings, "{file}");
    }
}

#[test]
fn a_domain_object_is_read_to_its_last_member() {
    let read = found(rdap("com-active"));
    assert_eq!(read.name.as_deref(), Some("EXAMPLE.COM"));
    assert_eq!(read.handle.as_deref(), Some("2336799_DOMAIN_COM-VRSN"));
    assert_eq!(read.expiry, Expiry::Known(at(1_818_129_600)));
    assert_eq!(read.created, Some(at(808_372_800)));
    // The update of the database stands before it.
    assert_eq!(read.changed, Some(at(1_786_690_894)));
    let registrar = read.registrar.as_ref().unwrap();
    assert_eq!(registrar.name.as_deref(), Some("Example Registrar, Inc."));
    assert_eq!(registrar.handle.as_deref(), Some("9999"));
    assert_eq!(
        read.name_servers,
        ["a.iana-servers.net", "b.iana-servers.net"]
    );
    assert_eq!(read.delegation_signed, Some(true));
    assert_eq!(
        (
            read.ds[0].key_tag,
            read.ds[0].algorithm,
            read.ds[0].digest_type
        ),
        (370, 13, 2)
    );
    assert!(read.ds[0].digest.starts_with("BE74359954660069"));
    let related = read.related.unwrap().to_string();
    assert_eq!(related, "https://rdap.registrar.example/domain/EXAMPLE.COM");
    let deleted = found(rdap("org-redemption"));
    assert_eq!(deleted.deleted, Some(at(1_794_304_800)));
}

#[test]
fn a_date_that_jumped_is_not_believed_where_the_registrars_has_stayed_behind() {
    let mut registration = found(rdap("com-auto-renew"));
    let Expiry::Known(stale) = found(rdap("registrar")).expiry else {
        panic!("the registrar has a date");
    };
    registration.registrar_expiry = Some(stale);
    let facts = facts(State::Known(Box::new(registration.clone())));
    assert_eq!(
        told(&judged(&facts)),
        [
            "critical registration.auto-renew-period: the registry's date is 2027-11-20, the registrar's is 2026-11-20, \
          which has passed"
        ]
    );
    // Also where the registry does not show the state.
    registration.statuses.clear();
    let facts = crate::facts(State::Known(Box::new(registration)));
    assert_eq!(
        told(&judged(&facts)),
        ["warning registration.unpaid: the registrar's is 2026-11-20, which has passed"]
    );
}

#[test]
fn the_callers_date_counts_where_the_registry_has_none() {
    for state in [
        State::from(rdap("fi-active")),
        State::NoService,
        State::Unreachable("silence".to_owned()),
        State::TooOften(None),
    ] {
        let mut facts = facts(state);
        facts.expiry_of_caller = Some(now() + DAY * 3);
        assert_eq!(word(&facts), "expiring");
        let findings = told(&judged(&facts));
        let expiring = "critical registration.expiring: on 2026-11-27, in 3 days".to_owned();
        assert!(findings.contains(&expiring), "{findings:?}");
        let missed = ["registration.not-published", "registration.no-service"];
        assert!(
            !findings
                .iter()
                .any(|one| missed.iter().any(|code| one.contains(code)))
        );
    }
    let mut known = facts(rdap("com-active"));
    known.expiry_of_caller = Some(now() - DAY);
    assert!(judged(&known).is_empty());
}

#[test]
fn a_registrys_silence_is_never_blamed_on_the_domain() {
    for (state, code) in [
        (State::NoService, "registration.no-service"),
        (State::TooOften(Some(DAY)), "registration.too-often"),
        (
            State::Unreachable("silence".to_owned()),
            "registration.unreachable",
        ),
    ] {
        let findings = judged(&facts(state));
        assert_eq!((findings.len(), findings[0].code()), (1, code));
        assert_eq!(findings[0].severity, Severity::Info);
    }
    let findings = judged(&facts(State::NotFound));
    assert_eq!(findings[0].code(), "registration.not-found");
    assert_eq!(findings[0].severity, Severity::Critical);
}

#[test]
fn whois_is_understood_in_the_dialects_of_registries() {
    let servers = |end: &str| vec![format!("ns1.example.{end}"), format!("ns2.example.{end}")];
    let iana = vec![
        "a.iana-servers.net".to_owned(),
        "b.iana-servers.net".to_owned(),
    ];
    let known = |seconds| Expiry::Known(at(seconds));
    let none = Expiry::NotPublished;
    let nets = servers("net");
    let uk = vec!["ns1.example.co.uk".to_owned(), "ns2.example.net".to_owned()];
    let one = vec!["ns1.example.kr".to_owned()];
    for (file, expiry, created, registrar, name_servers, lifecycle) in [
        (
            "com-verisign",
            known(1_818_129_600),
            Some(808_372_800),
            Some("Example Registrar, Inc."),
            iana,
            "auto-renew-grace",
        ),
        (
            "uk-nominet",
            known(1_796_947_200),
            Some(918_691_200),
            Some("Example Hosting Ltd t/a Example [Tag = EXAMPLE]"),
            uk,
            "expiring",
        ),
        (
            "jp-general",
            known(1_811_721_600),
            Some(990_489_600),
            None,
            servers("jp"),
            "active",
        ),
        (
            "jp-organisation",
            known(1_806_451_200),
            Some(985_219_200),
            None,
            servers("co.jp"),
            "active",
        ),
        ("de-denic", none.clone(), None, None, nets, "active"),
        (
            "it-nic",
            known(1_793_404_800),
            Some(979_689_600),
            Some("Example Registrar s.r.l."),
            servers("it"),
            "redemption",
        ),
        (
            "fi-traficom",
            known(1_819_670_400),
            Some(1_062_374_400),
            Some("Example Oy"),
            servers("fi"),
            "active",
        ),
        (
            "ru-tcinet",
            known(1_813_352_400),
            Some(992_808_000),
            Some("EXAMPLE-RU"),
            servers("ru"),
            "inactive",
        ),
        (
            "ee-internet",
            known(1_814_745_600),
            Some(1_278_216_633),
            Some("Example OÜ"),
            servers("ee"),
            "active",
        ),
        (
            "kr-kisa",
            known(1_823_126_400),
            Some(1_160_438_400),
            None,
            one,
            "active",
        ),
        (
            "tr-trabis",
            known(1_798_761_600),
            Some(978_393_600),
            Some("Example Bilisim A.S."),
            servers("com.tr"),
            "active",
        ),
        (
            "cz-nic",
            known(1_798_848_000),
            Some(978_429_600),
            Some("REG-EXAMPLE"),
            servers("cz"),
            "active",
        ),
        (
            "ch-latin-1",
            none,
            None,
            Some("Zürcher Domains GmbH"),
            servers("ch"),
            "active",
        ),
    ] {
        let answer = whois(file);
        let facts = facts(answer.clone());
        let read = found(answer);
        assert_eq!(read.expiry, expiry, "{file}");
        assert_eq!(read.created, created.map(at), "{file}");
        let named = read.registrar.and_then(|registrar| registrar.name);
        assert_eq!(named.as_deref(), registrar, "{file}");
        assert_eq!(read.name_servers, name_servers, "{file}");
        assert_eq!(word(&facts), lifecycle, "{file}");
        assert!(
            read.name.unwrap().to_lowercase().starts_with("example."),
            "{file}"
        );
    }
    assert_eq!(whois("com-not-found"), Answer::NotFound);
    assert_eq!(whois("org-limit"), Answer::TooOften(None));
    assert_eq!(found(whois("com-verisign")).delegation_signed, Some(true));
    let told = found(whois("com-verisign")).ds;
    let tags: Vec<_> = told.iter().map(|ds| (ds.key_tag, ds.algorithm)).collect();
    assert_eq!(tags, [(370, 13)]);
    assert_eq!(found(whois("ch-latin-1")).delegation_signed, Some(true));
    assert_eq!(found(whois("it-nic")).delegation_signed, Some(false));
    assert_eq!(found(whois("fi-traficom")).delegation_signed, Some(true));
}

#[test]
fn registry_and_parent_zone_are_compared_as_far_as_both_tell() {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
    let same = names(&["B.IANA-Servers.net.", "a.iana-servers.net"]);
    let signed = facts(rdap("com-active"));
    let unsigned = facts(rdap("com-expiring"));
    assert_eq!(compare(&signed, &same, Some(true)), []);
    assert_eq!(compare(&signed, &[], None), []);
    assert_eq!(compare(&facts(State::NoService), &same, Some(true)), []);
    assert_eq!(
        compare(&facts(rdap("com-inactive")), &same, Some(false)),
        []
    );
    assert_eq!(
        told(&compare(
            &signed,
            &names(&["a.iana-servers.net", "ns.evil.example"]),
            Some(false)
        )),
        [
            "warning registration.name-servers-differ: only the registry names b.iana-servers.net; only the parent zone \
             names ns.evil.example",
            "warning registration.ds-differs: the registry has DS records, the parent zone has none",
        ]
    );
    assert_eq!(
        told(&compare(&unsigned, &same, Some(true))),
        ["warning registration.ds-differs: the parent zone has DS records, the registry has none"]
    );
}

#[test]
fn what_is_known_is_written_out_with_its_metrics() {
    let mut out = Record::default();
    facts(rdap("com-auto-renew")).record(&mut out);
    let keys: Vec<_> = out.entries().map(|(key, _)| key.to_owned()).collect();
    assert_eq!(
        keys,
        [
            "domain",
            "state",
            "lifecycle",
            "source",
            "expires",
            "created",
            "changed",
            "handle",
            "registrar",
            "registrar_id",
            "statuses",
            "name_servers",
            "delegation_signed",
            "asked"
        ]
    );
    let metrics: Vec<_> = out
        .metrics()
        .iter()
        .map(|one| (one.name, one.value))
        .collect();
    assert_eq!(
        metrics,
        [
            ("probe_domain_registration", 1.0),
            ("probe_domain_lifecycle", 1.0),
            ("probe_domain_expiry_timestamp_seconds", 1_826_683_200.0),
        ]
    );
    for (state, expected) in [
        (State::from(rdap("fi-active")), "not-published"),
        (State::NotFound, "not-found"),
        (State::NoService, "no-service"),
        (State::TooOften(None), "too-often"),
        (State::Unreachable("silence".to_owned()), "unreachable"),
        (State::from(rdap("com-active")), "known"),
    ] {
        let mut out = Record::default();
        facts(state).record(&mut out);
        let (_, value) = out.entries().find(|(key, _)| *key == "state").unwrap();
        assert!(matches!(value, Value::Labelled(text, _) if **text == Value::from(expected)));
    }
}

#[test]
fn codes_are_in_order_and_each_tells_what_to_do() {
    let codes: Vec<_> = FINDINGS.iter().map(|kind| kind.code).collect();
    assert!(codes.is_sorted());
    assert!(codes.iter().all(|code| code.starts_with("registration.")));
    assert!(FINDINGS.iter().all(|kind| !kind.remedy.is_empty()));
}
