//! Which question follows on which answer, and what comes of it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::time::Duration;

use common::{Says, World, ask, codes, health, lists, of, one, well};
use dnsbl_probe::{Catalogue, ConfigError, Health, List, Listing};
use probe_core::{Context, FailureKind, Probe, Severity, Verdict};

#[tokio::test]
async fn who_is_on_no_list_is_well_and_each_list_was_tested() {
    let world = World::new(|_, labels, _| well(labels, &[])).await;
    let report = world.ask(&lists(&["bl.test,ip4"]), "192.0.2.1").await;
    assert_eq!((report.verdict(), codes(&report)), (Verdict::Ok, vec![]));
    let list = of(&report, "bl.test");
    assert_eq!(
        (list.listing, &list.health),
        (Listing::NotListed, &Health::Ok)
    );
    let mut asked = world.asked();
    let canary = asked.remove(0);
    assert!(
        canary.starts_with("mailprobe-") && canary.ends_with(".invalid A"),
        "{canary}"
    );
    let canary = asked.pop().unwrap();
    assert!(
        canary.starts_with("mailprobe-") && canary.ends_with(".bl.test A"),
        "{canary}"
    );
    assert_eq!(
        asked,
        [
            "1.2.0.192.bl.test A",
            "2.0.0.127.bl.test A",
            "1.0.0.127.bl.test A"
        ]
    );
}

#[tokio::test]
async fn a_listing_comes_with_its_meaning_its_reason_and_where_to_go() {
    let world = World::new(|_, labels, kind| match (labels, kind) {
        ("1.2.0.192", "TXT") => Says::Text(b"Spam seen, see https://bl.test/1".to_vec()),
        _ => well(labels, &[("1.2.0.192", [127, 0, 0, 4])]),
    })
    .await;
    let catalogue = lists(&["bl.test,ip4,block,,127.0.0.4=xbl,,,,alive,https://bl.test/remove"]);
    let report = world.ask(&catalogue, "192.0.2.1").await;
    assert_eq!(report.verdict(), Verdict::Critical);
    assert_eq!(codes(&report), ["dnsbl.listed"]);
    assert_eq!(
        report.findings[0].evidence,
        "bl.test (xbl): Spam seen, see https://bl.test/1; delisting: https://bl.test/remove"
    );
    assert_eq!(world.asked().last().unwrap(), "1.2.0.192.bl.test TXT");
    assert_eq!(report.facts.score(), 1);
    let json = report.to_json();
    assert!(json.contains(r#""listings":[{"zone":"bl.test""#), "{json}");
}

#[tokio::test]
async fn without_tests_and_reasons_one_question_is_asked() {
    let world = World::new(|_, labels, _| well(labels, &[("1.2.0.192", [127, 0, 0, 2])])).await;
    let options = world.options(&lists(&["bl.test,ip4"]));
    let probe = options.tests(false).reasons(false).build().unwrap();
    let report = ask(&probe, "192.0.2.1").await;
    assert_eq!(health(&report, "bl.test"), &Health::Untested);
    assert_eq!(codes(&report), ["dnsbl.listed"]);
    assert_eq!(world.asked().len(), 2);
}

#[tokio::test]
async fn each_kind_of_subject_is_asked_for_where_it_may_be_known_and_nowhere_else() {
    let catalogue = lists(&[
        "bl.test,ip4",
        "six.test,ip6",
        "dbl.test,domain",
        "all.test,ip4+ip6+domain",
    ]);
    for (target, zones, name) in [
        ("192.0.2.1", ["bl.test", "all.test"], "1.2.0.192"),
        ("::ffff:192.0.2.1", ["bl.test", "all.test"], "1.2.0.192"),
        (
            "2001:db8::1",
            ["six.test", "all.test"],
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2",
        ),
        (
            "Mail.Example.org",
            ["dbl.test", "all.test"],
            "mail.example.org",
        ),
    ] {
        let world = World::new(|_, labels, _| well(labels, &[])).await;
        let report = world.ask(&catalogue, target).await;
        assert_eq!(report.verdict(), Verdict::Ok, "{target}: {report:?}");
        let asked: Vec<_> = report
            .facts
            .lists
            .iter()
            .map(|one| &*one.list.zone)
            .collect();
        assert_eq!(asked, zones, "{target}");
        for zone in zones {
            let question = format!("{name}.{zone} A");
            assert!(
                world.asked().contains(&question),
                "{question}: {:?}",
                world.asked()
            );
        }
    }
}

#[tokio::test]
async fn every_illness_of_a_list_is_told_as_what_it_is_and_none_is_believed() {
    let world = World::new(|zone, labels, _| match (zone, labels) {
        ("silent", _) => Says::Silence,
        ("refused", _) => Says::Code(5),
        ("failing", _) => Says::Code(2),
        ("world", _) => one([127, 0, 0, 2]),
        ("wildcard", "1.0.0.127") => Says::Nothing,
        ("wildcard", _) => one([127, 0, 0, 2]),
        ("empty", _) => Says::Nothing,
        ("parked", _) => one([192, 0, 2, 80]),
        ("public", _) => one([127, 255, 255, 254]),
        ("uribl", _) => one([127, 0, 0, 1]),
        ("alias", "1.2.0.192") => Says::Alias([127, 0, 0, 2].into()),
        _ => well(labels, &[]),
    })
    .await;
    let rows = [
        "silent.test,ip4",
        "refused.test,ip4",
        "failing.test,ip4",
        "world.test,ip4",
        "wildcard.test,ip4",
        "empty.test,ip4",
        "parked.test,ip4",
        "public.test,ip4",
        "uribl.test,ip4,block,,mask:1=error:query-refused mask:2=black",
        "alias.test,ip4",
    ];
    let mut all: Vec<String> = rows.iter().map(ToString::to_string).collect();
    all.extend((0..20).map(|number| format!("well{number}.test,ip4")));
    let all: Vec<_> = all.iter().map(String::as_str).collect();
    let report = world.ask(&lists(&all), "192.0.2.1").await;
    let words: Vec<_> = report
        .facts
        .lists
        .iter()
        .take(rows.len())
        .map(|one| (one.health.as_str(), one.listing.as_str(), one.is_believed()))
        .collect();
    assert_eq!(
        words,
        [
            ("not-answering", "unknown", false),
            ("refused", "unknown", false),
            ("not-answering", "unknown", false),
            ("lists-everything", "listed", false),
            ("lists-everything", "listed", false),
            ("missing-test-entry", "not-listed", false),
            ("parked", "unknown", false),
            ("blocked", "unknown", false),
            ("blocked", "unknown", false),
            ("ok", "listed", false),
        ]
    );
    assert_eq!(report.failure, None);
    assert_eq!(report.verdict(), Verdict::Ok);
    assert_eq!(
        codes(&report),
        [
            "dnsbl.listed.doubtfully",
            "dnsbl.resolver.refused",
            "dnsbl.lists.doubtful"
        ]
    );
    assert_eq!(
        report.findings[1].evidence,
        "1 refused: refused.test; 2 blocked: public.test, uribl.test"
    );
}

#[tokio::test]
async fn who_does_not_answer_is_asked_no_second_question() {
    let world = World::new(|zone, labels, _| match zone {
        "silent" => Says::Silence,
        _ => well(labels, &[]),
    })
    .await;
    world
        .ask(&lists(&["silent.test,ip4", "bl.test,ip4"]), "192.0.2.1")
        .await;
    let asked = world.asked();
    let of_silent: std::collections::HashSet<_> = asked
        .iter()
        .filter(|name| name.contains("silent"))
        .collect();
    assert_eq!(of_silent.len(), 1, "{asked:?}");
}

#[tokio::test]
async fn all_addresses_of_an_answer_count_and_bits_are_read_one_by_one() {
    let world = World::new(|zone, labels, _| match (zone, labels) {
        ("zen", "1.2.0.192") => Says::Addresses(vec![
            [127, 0, 0, 4].into(),
            [127, 0, 0, 2].into(),
            [127, 0, 0, 9].into(),
        ]),
        ("mask", "1.2.0.192") => one([127, 0, 0, 10]),
        _ => well(labels, &[]),
    })
    .await;
    let catalogue = lists(&[
        "zen.test,ip4,block,,127.0.0.2=sbl 127.0.0.4=xbl 127.0.0.9=drop",
        "mask.test,ip4,block,,mask:2=black mask:4=grey mask:8=red",
    ]);
    let report = world.ask(&catalogue, "192.0.2.1").await;
    assert_eq!(of(&report, "zen.test").meanings, ["sbl", "xbl", "drop"]);
    assert_eq!(of(&report, "mask.test").meanings, ["black", "red"]);
}

#[tokio::test]
async fn what_a_larger_list_tells_its_parts_do_not_tell_again() {
    let world = World::new(|_, labels, _| well(labels, &[("1.2.0.192", [127, 0, 0, 2])])).await;
    let catalogue = lists(&[
        "zen.test,ip4,block,,,,,sbl.test,alive",
        "sbl.test,ip4,block,,,,,,alive",
    ]);
    let report = world.ask(&catalogue, "192.0.2.1").await;
    assert_eq!(codes(&report), ["dnsbl.listed"]);
    assert!(report.findings[0].evidence.starts_with("zen.test"));
    assert_eq!(report.facts.listings().count(), 2);
}

#[tokio::test]
async fn weight_depends_on_what_a_listing_is_about() {
    let world = World::new(|_, labels, _| well(labels, &[("1.2.0.192", [127, 0, 0, 2])])).await;
    for (row, expected) in [
        (
            "a.test,ip4,block,address,,,,,alive",
            Some(("dnsbl.listed", Severity::Critical)),
        ),
        (
            "b.test,ip4,block,address,,,,,unknown",
            Some(("dnsbl.listed", Severity::Warning)),
        ),
        (
            "c.test,ip4,block,range,,,,,alive",
            Some(("dnsbl.listed.nearby", Severity::Warning)),
        ),
        (
            "d.test,ip4,block,asn,,,,,alive",
            Some(("dnsbl.listed.nearby", Severity::Warning)),
        ),
        ("e.test,ip4,allow,,,,,,alive", None),
        ("f.test,ip4,info,,,,,,alive", None),
        ("g.test,ip4,block,,127.0.0.2=clean:white,,,,alive", None),
    ] {
        let report = world.ask(&lists(&[row]), "192.0.2.1").await;
        let found = report.findings.first();
        let found = found.map(|finding| (finding.code(), finding.severity));
        assert_eq!(found, expected, "{row}");
    }
}

#[tokio::test]
async fn with_a_threshold_listings_are_judged_together_as_postscreen_does() {
    let world = World::new(|zone, labels, _| match zone {
        "clean" => well(labels, &[]),
        _ => well(labels, &[("1.2.0.192", [127, 0, 0, 2])]),
    })
    .await;
    let sites = ["a.test*3", "b.test*2", "clean.test*9", "white.test*-2"];
    let sites = sites.map(|site| List::of_site(site, &Catalogue::default()).unwrap());
    for (threshold, expected) in [
        (
            3,
            vec![
                ("dnsbl.score", Severity::Critical),
                ("dnsbl.listed", Severity::Warning),
                ("dnsbl.listed", Severity::Warning),
            ],
        ),
        (
            4,
            vec![
                ("dnsbl.listed", Severity::Warning),
                ("dnsbl.listed", Severity::Warning),
            ],
        ),
    ] {
        let options = world.options("zone,kinds\n");
        let probe = options.catalogue(Catalogue::from_iter(sites.clone()));
        let probe = probe.threshold(threshold).build().unwrap();
        let report = ask(&probe, "192.0.2.1").await;
        let found = report.findings.iter();
        let found: Vec<_> = found.map(|one| (one.code(), one.severity)).collect();
        assert_eq!(found, expected);
        assert_eq!(report.facts.score(), 3);
        if threshold == 3 {
            let told = "3 of 3: a.test +3, b.test +2, white.test -2";
            assert_eq!(report.findings[0].evidence, told);
        }
    }
}

#[tokio::test]
async fn a_key_that_was_cut_off_with_the_lists_words_is_not_shown_either() {
    let world = World::new(|_, labels, kind| match kind {
        "TXT" => Says::Text([&[b' '; 1018], b"s3cretkey.dq".as_slice()].concat()),
        _ => well(labels, &[("1.2.0.192.s3cretkey", [127, 0, 0, 2])]),
    })
    .await;
    let catalogue = lists(&["dq.test,ip4,block,,,prefix"]);
    let probe = world.options(&catalogue).tests(false);
    let probe = probe.key("dq.test", "s3cretkey").build().unwrap();
    let report = ask(&probe, "192.0.2.1").await;
    let reason = report.facts.lists[0].reason.as_ref().unwrap();
    assert_eq!(reason.trim_ascii_start(), b"***");
}

#[tokio::test]
async fn a_key_is_asked_with_and_shown_nowhere() {
    let world = World::new(
        |_, labels, kind| match (labels.strip_suffix(".s3cretkey"), kind) {
            (Some("1.2.0.192"), "TXT") => {
                Says::Text(b"for S3cretKey: 1.2.0.192.s3cretkey.dq".to_vec())
            }
            (Some(labels), _) => well(labels, &[("1.2.0.192", [127, 0, 0, 2])]),
            (None, _) => Says::Nothing,
        },
    )
    .await;
    let catalogue = lists(&["dq.test,ip4,block,,,prefix"]);
    let probe = world.options(&catalogue).key("dq.test", "s3cretkey");
    let probe = probe.build().unwrap();
    let report = ask(&probe, "192.0.2.1").await;
    let debug = format!("{probe:?}");
    assert!(
        world
            .asked()
            .contains(&"1.2.0.192.s3cretkey.dq.test A".to_owned())
    );
    assert_eq!(codes(&report), ["dnsbl.listed"]);
    let shown = format!("{debug}{report:?}{}{}", report.to_json(), report.transcript);
    assert!(!shown.to_lowercase().contains("s3cretkey"), "{shown}");
    assert!(shown.contains("for ***"), "{shown}");

    // Without a key such a list is left out, and that is said.
    let catalogue = lists(&["dq.test,ip4,block,,,prefix", "bl.test,ip4"]);
    let report = world.ask(&catalogue, "192.0.2.1").await;
    assert_eq!((report.facts.lists.len(), report.facts.left_out), (1, 1));
}

#[test]
fn mistakes_are_found_when_the_probe_is_built() {
    let resolver = || probe_net::dns::Resolver::new(["127.0.0.1:53".parse().unwrap()]);
    let options = || dnsbl_probe::DnsblProbe::builder(resolver());
    let error = |options: dnsbl_probe::Options| options.build().unwrap_err();
    let none = dnsbl_probe::Catalogue::default();
    assert_eq!(error(options().catalogue(none)), ConfigError::NoList);
    let nobody = dnsbl_probe::DnsblProbe::builder(probe_net::dns::Resolver::new([]));
    assert_eq!(error(nobody), ConfigError::NoServer);
    let zone = "zen.spamhaus.org";
    for key in ["", "a.b", "a b", "a\r\nb"] {
        assert_eq!(
            error(options().key(zone, key)),
            ConfigError::Key(zone.into())
        );
    }
    let of_nobody = error(options().key("nobody.test", "key"));
    assert_eq!(of_nobody, ConfigError::KeyOfNobody("nobody.test".into()));
}

#[tokio::test]
async fn what_is_still_known_is_not_asked_again_and_who_does_not_want_us_is_left_alone() {
    let world = World::new(|zone, labels, _| match zone {
        "public" => one([127, 255, 255, 254]),
        _ => well(labels, &[]),
    })
    .await;
    let options = world.options(&lists(&["bl.test,ip4", "public.test,ip4"]));
    let probe = options.build().unwrap();
    ask(&probe, "192.0.2.1").await;
    let before = world.asked().len();
    let report = ask(&probe, "192.0.2.1").await;
    assert_eq!(health(&report, "public.test"), &Health::Resting);
    assert_eq!(of(&report, "bl.test").listing, Listing::NotListed);
    let again = world.asked().split_off(before);
    // Only names that nobody has are new each time.
    assert!(
        again.iter().all(|name| name.starts_with("mailprobe-")),
        "{again:?}"
    );
    assert_eq!(again.len(), 2);
}

#[tokio::test]
async fn if_most_lists_are_ill_of_the_same_it_is_the_resolver() {
    let world = World::new(|zone, labels, _| match zone {
        "bl0" => well(labels, &[]),
        _ => Says::Code(2),
    })
    .await;
    let rows: Vec<_> = (0..9)
        .map(|number| format!("bl{number}.test,ip4"))
        .collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let report = world.ask(&lists(&rows), "192.0.2.1").await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(
        (failure.kind, report.verdict()),
        (FailureKind::Local, Verdict::Unknown)
    );
    assert_eq!(
        failure.detail,
        "8 of 9 lists: so many lists cannot all be ill: look at the resolver first (bl1.test: SERVFAIL)"
    );
    assert_eq!(codes(&report), Vec::<&str>::new());
}

#[tokio::test]
async fn a_resolver_that_invents_answers_is_found_out() {
    let world = World::new(|_, _, _| one([192, 0, 2, 80])).await;
    let report = world.ask(&lists(&["bl.test,ip4"]), "192.0.2.1").await;
    assert!(codes(&report).contains(&"dnsbl.resolver.invents"));
    assert_eq!(report.facts.listings().count(), 0);
}

#[tokio::test]
async fn at_the_deadline_all_lists_that_answered_are_in_the_report() {
    let world = World::new(|zone, labels, _| match zone.starts_with("silent") {
        true => Says::Silence,
        false => well(labels, &[("1.2.0.192", [127, 0, 0, 2])]),
    })
    .await;
    let rows: Vec<_> = (0..100)
        .map(|number| match number % 10 {
            3 => format!("silent{number}.test,ip4"),
            _ => format!("bl{number}.test,ip4"),
        })
        .collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let probe = world.options(&lists(&rows)).build().unwrap();
    let cx = Context::default().with_budget(Duration::from_millis(600));
    let report = probe.probe(&"192.0.2.1".parse().unwrap(), &cx).await;
    assert_eq!(report.facts.listings().count(), 90);
    let silent = report
        .facts
        .lists
        .iter()
        .filter(|one| one.health == Health::Unknown);
    assert_eq!(silent.count(), 10);
    assert_eq!(report.failure, None);
}
