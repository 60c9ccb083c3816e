//! The walk over all that an SPF record leads to, and what is thought of it.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod policy_world;

use mx_check::policy::{PolicySurvey, SpfFacts, SpfResult, SpfTree, judge};
use mx_check::records::spf::Qualifier;
use policy_world::{Zone, codes, evidence, facts, hosts, judged, lead, learn, options};
use probe_core::Severity;
use probe_net::dns::Survey;

fn spf(records: &[(&str, &str, &str)]) -> (SpfFacts, Vec<&'static str>, Vec<probe_core::Finding>) {
    let facts = learn(records);
    let findings = judged(&facts);
    (facts.spf, codes(&findings, "spf."), findings)
}

#[test]
fn a_plain_record_has_nothing_to_tell() {
    let (facts, codes, _) = spf(&[
        (
            "example.org",
            "TXT",
            "v=spf1 mx include:_spf.example.net -all",
        ),
        ("example.org", "MX", "10 mx.example.org"),
        ("_spf.example.net", "TXT", "v=spf1 ip4:192.0.2.0/24 ~all"),
    ]);
    assert_eq!(codes, [""; 0]);
    assert_eq!((facts.tree.lookups, facts.tree.voids.len()), (2, 0));
    assert_eq!(facts.tree.default, Some(Qualifier::Fail));
    let nodes: Vec<_> = facts
        .tree
        .nodes
        .iter()
        .map(|one| (one.domain.as_str(), one.depth))
        .collect();
    assert_eq!(nodes, [("example.org", 0), ("_spf.example.net", 1)]);
    // Header, question, record and EDNS.
    assert_eq!(facts.octets, 12 + 17 + 12 + 40 + 11);
}

#[test]
fn a_domain_without_a_record_is_told_mildly() {
    let (_, codes, findings) = spf(&[("example.org", "MX", "10 mx.example.org")]);
    assert_eq!(codes, ["spf.missing"]);
    assert_eq!(findings[0].severity, Severity::Info);
    let story = "example.org: NOERROR, and no such record, from 192.0.2.53:53";
    assert_eq!(evidence(&findings, "spf.missing"), story);
}

#[test]
fn several_records_are_as_bad_as_none() {
    let (facts, codes, findings) = spf(&[
        ("example.org", "TXT", "v=spf1 -all"),
        ("example.org", "TXT", "v=spf1 mx -all"),
        ("example.org", "TXT", "hello"),
    ]);
    assert_eq!(codes, ["spf.multiple"]);
    assert_eq!(
        evidence(&findings, "spf.multiple"),
        "example.org: v=spf1 -all | v=spf1 mx -all"
    );
    assert!(facts.tree.nodes.is_empty());
}

#[test]
fn a_record_behind_a_blank_or_a_quotation_mark_is_not_seen() {
    let (_, codes, findings) = spf(&[("example.org", "TXT", " v=spf1 -all")]);
    assert_eq!(codes, ["spf.misplaced", "spf.missing"]);
    assert_eq!(evidence(&findings, "spf.misplaced"), " v=spf1 -all");
}

#[test]
fn a_record_behind_an_alias_is_the_record() {
    let (facts, codes, _) = spf(&[
        ("example.org", "CNAME", "other.example.net"),
        ("other.example.net", "TXT", "v=spf1 -all"),
    ]);
    assert_eq!((codes, facts.published.records.len()), (vec![], 1));
}

#[test]
fn lookups_are_counted_over_the_whole_tree_and_beyond_the_limit() {
    let mut zone = Zone::of(&[(
        "example.org",
        "TXT",
        "v=spf1 include:a.test.org include:b.test.org -all",
    )]);
    for name in ["a", "b"] {
        let terms: String = (0..8)
            .map(|number| format!(" exists:x{number}.test.org"))
            .collect();
        zone.add(
            &format!("{name}.test.org"),
            "TXT",
            format!("v=spf1{terms} ?all").as_bytes(),
        );
    }
    for number in 0..8 {
        zone.add(&format!("x{number}.test.org"), "A", b"192.0.2.1");
    }
    let learned = facts(&mut zone, options());
    assert_eq!(learned.spf.tree.lookups, 18);
    let findings = judged(&learned);
    assert_eq!(codes(&findings, "spf."), ["spf.lookups-exceeded"]);
    let expected = "18 in all: example.org 2, a.test.org 8, b.test.org 8";
    assert_eq!(evidence(&findings, "spf.lookups-exceeded"), expected);
}

#[test]
fn ten_lookups_are_no_more_than_ten() {
    let of = |count: usize| {
        let terms: String = (0..count)
            .map(|number| format!(" exists:x{number}.test.org"))
            .collect();
        let zone = Zone::of(&[
            ("example.org", "TXT", &format!("v=spf1{terms} -all")),
            ("*.test.org", "A", "192.0.2.1"),
        ]);
        facts(&mut zone.clone(), options())
    };
    assert_eq!(codes(&judged(&of(10)), "spf."), [""; 0]);
    assert_eq!(codes(&judged(&of(11)), "spf."), ["spf.lookups-exceeded"]);
}

#[test]
fn the_walk_ends_at_64_terms() {
    let of = |count: usize| {
        let terms: String = (0..count)
            .map(|number| format!(" exists:x{number}.test.org"))
            .collect();
        let zone = Zone::of(&[
            ("example.org", "TXT", &format!("v=spf1{terms} -all")),
            ("*.test.org", "A", "192.0.2.1"),
        ]);
        facts(&mut zone.clone(), options()).spf.tree
    };
    assert_eq!((of(64).lookups, of(64).is_cut), (64, false));
    assert_eq!((of(65).lookups, of(65).is_cut), (SpfTree::TERMS, true));
}

#[test]
fn more_than_two_terms_may_not_find_nothing() {
    let two = "v=spf1 a:x.test.org exists:y.test.org -all";
    let three = "v=spf1 a:x.test.org mx:z.test.org exists:y.test.org -all";
    let (facts, codes, _) = spf(&[("example.org", "TXT", two)]);
    assert_eq!((facts.tree.voids.len(), codes), (2, vec![]));
    let (_, codes, findings) = spf(&[("example.org", "TXT", three)]);
    assert_eq!(codes, ["spf.voids-exceeded"]);
    let told = evidence(&findings, "spf.voids-exceeded");
    assert_eq!(told, "x.test.org; z.test.org; y.test.org");
    // An IPv6 address is something too.
    let (facts, ..) = spf(&[
        ("example.org", "TXT", three),
        ("x.test.org", "AAAA", "2001:db8::1"),
    ]);
    assert_eq!(facts.tree.voids.len(), 2);
}

#[test]
fn an_mx_may_come_to_ten_names() {
    let of = |count: usize| {
        let mut zone = Zone::of(&[("example.org", "TXT", "v=spf1 mx -all")]);
        for number in 0..count {
            zone.add(
                "example.org",
                "MX",
                format!("10 mx{number}.example.org").as_bytes(),
            );
        }
        judged(&facts(&mut zone, options()))
    };
    assert_eq!(codes(&of(10), "spf."), [""; 0]);
    let findings = of(11);
    assert_eq!(codes(&findings, "spf."), ["spf.mx-names-exceeded"]);
    assert_eq!(
        evidence(&findings, "spf.mx-names-exceeded"),
        "11 hosts of example.org"
    );
}

#[test]
fn a_record_that_leads_back_to_itself_is_a_loop() {
    let (_, codes, findings) = spf(&[
        ("example.org", "TXT", "v=spf1 include:a.test.org -all"),
        ("a.test.org", "TXT", "v=spf1 redirect=Example.org"),
    ]);
    assert_eq!(codes, ["spf.loop"]);
    assert_eq!(evidence(&findings, "spf.loop"), "Example.org");
    let (facts, codes, _) = spf(&[("example.org", "TXT", "v=spf1 redirect=%{D}")]);
    assert_eq!((codes, facts.tree.lookups), (vec!["spf.loop"], 1));
}

#[test]
fn the_same_include_twice_is_no_loop() {
    let (facts, codes, _) = spf(&[
        (
            "example.org",
            "TXT",
            "v=spf1 include:a.test.org include:b.test.org -all",
        ),
        ("a.test.org", "TXT", "v=spf1 include:b.test.org -all"),
        ("b.test.org", "TXT", "v=spf1 ip4:192.0.2.1 -all"),
    ]);
    assert_eq!((codes, facts.tree.lookups), (vec![], 3));
}

#[test]
fn an_include_without_a_record_is_dead_and_one_in_trouble_is_not() {
    let (_, codes, findings) = spf(&[("example.org", "TXT", "v=spf1 include:gone.test.org -all")]);
    assert_eq!(codes, ["spf.include-dead"]);
    assert_eq!(evidence(&findings, "spf.include-dead"), "gone.test.org");
    for trouble in ["SERVFAIL", "TIMEOUT"] {
        let (facts, codes, findings) = spf(&[
            ("example.org", "TXT", "v=spf1 include:ill.test.org"),
            ("ill.test.org", trouble, ""),
        ]);
        assert_eq!((codes, facts.tree.is_whole()), (vec![], false));
        assert!(evidence(&findings, "policy.unknown").starts_with("ill.test.org: "));
    }
}

#[test]
fn errors_are_told_with_the_domain_whose_they_are() {
    let (_, codes, findings) = spf(&[
        ("example.org", "TXT", "v=spf1 include:a.test.org -all"),
        ("a.test.org", "TXT", "v=spf1 ipv4:192.0.2.1 -all"),
    ]);
    assert_eq!(codes, ["spf.syntax"]);
    let expected = "a.test.org: there is no such mechanism: ipv4:192.0.2.1 (at octet 7) in v=spf1 ipv4:192.0.2.1 -all";
    assert_eq!(evidence(&findings, "spf.syntax"), expected);
}

#[test]
fn more_errors_than_64_are_not_told() {
    let record = format!("v=spf1{}", " oops".repeat(65));
    let (facts, ..) = spf(&[("example.org", "TXT", &record)]);
    assert_eq!(facts.tree.errors.len(), 64);
    assert_eq!(facts.published.records[0].read.errors.len(), 65);
}

#[test]
fn a_tree_of_long_records_is_walked_in_good_time() {
    let records: String = (0..60)
        .map(|number| format!(" include:x{number}.test.org"))
        .collect();
    let mut zone = Zone::of(&[("example.org", "TXT", &format!("v=spf1{records}"))]);
    let long = format!("v=spf1{}", " ip4:192.0.2.0/24".repeat(500));
    for number in 0..60 {
        zone.add(&format!("x{number}.test.org"), "TXT", long.as_bytes());
    }
    let begun = std::time::Instant::now();
    let learned = facts(
        &mut zone,
        options().with_addresses([[198, 51, 100, 1].into(); 16]),
    );
    assert_eq!(
        (learned.spf.tree.lookups, learned.spf.tree.nodes.len()),
        (60, 61)
    );
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}

#[test]
fn what_the_record_says_of_all_others_is_judged() {
    let of = |record: &str| {
        spf(&[
            ("example.org", "TXT", record),
            ("a.test.org", "TXT", "v=spf1 ?all"),
        ])
        .1
    };
    assert_eq!(of("v=spf1 +all"), ["spf.pass-all"]);
    assert_eq!(of("v=spf1 ip4:0.0.0.0/0 -all"), ["spf.pass-all"]);
    assert_eq!(of("v=spf1 -ip4:0.0.0.0/0 -all"), [""; 0]);
    assert_eq!(of("v=spf1 ?all"), ["spf.neutral"]);
    assert_eq!(of("v=spf1 ip4:192.0.2.1"), ["spf.all-missing"]);
    assert_eq!(of("v=spf1 redirect=a.test.org"), ["spf.neutral"]);
    assert_eq!(of("v=spf1 ptr ~all"), ["spf.ptr"]);
    assert_eq!(of("v=spf1 ~all mx"), ["spf.odd"]);
}

#[test]
fn everybody_may_send_also_where_an_include_says_so() {
    let (_, codes, findings) = spf(&[
        ("example.org", "TXT", "v=spf1 include:a.test.org -all"),
        ("a.test.org", "TXT", "v=spf1 +all"),
    ]);
    assert_eq!(codes, ["spf.pass-all"]);
    assert_eq!(evidence(&findings, "spf.pass-all"), "a.test.org: all");
}

#[test]
fn a_large_set_of_texts_is_told_by_its_size() {
    // 52 octets are header, question, record and EDNS; one string of 255 octets has one more.
    let of = |octets: usize| {
        let mut zone = Zone::of(&[("example.org", "TXT", "v=spf1 -all")]);
        let rest = octets - (52 + 12) - 12;
        let text = "x".repeat(rest - rest.div_ceil(256));
        zone.add("example.org", "TXT", text.as_bytes());
        let learned = facts(&mut zone, options());
        assert_eq!(learned.spf.octets, octets);
        let findings = judged(&learned);
        findings
            .iter()
            .find(|one| one.code() == "spf.large")
            .map(|one| one.severity)
    };
    assert_eq!(of(512), None);
    assert_eq!(of(513), Some(Severity::Info));
    assert_eq!(of(1232), Some(Severity::Info));
    assert_eq!(of(1233), Some(Severity::Warning));
}

#[test]
fn a_domain_that_takes_no_mail_shall_say_that_nobody_sends_from_it() {
    let of = |record: &str| {
        codes(
            &judge(&learn(&[("example.org", "TXT", record)]), &[]),
            "spf.",
        )
    };
    assert_eq!(of("v=spf1 -all"), [""; 0]);
    assert_eq!(of("v=spf1 ~all"), ["spf.null.open"]);
    assert_eq!(of("hello"), ["spf.null.open"]);
}

#[test]
fn addresses_are_checked_and_those_that_may_not_send_are_told() {
    let records = [
        (
            "example.org",
            "TXT",
            "v=spf1 exists:%{ir}.%{v}.%{L1}.ok.test.org a:mail.example.org ~all",
        ),
        ("1.2.0.192.in-addr.postmaster.ok.test.org", "A", "127.0.0.2"),
        ("mail.example.org", "AAAA", "2001:db8::1"),
        ("mail.example.org", "A", "192.0.2.77"),
    ];
    let addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "::ffff:192.0.2.77"];
    let addresses = addresses.map(|address| address.parse().unwrap());
    let learned = facts(&mut Zone::of(&records), options().with_senders(addresses));
    let results: Vec<_> = learned
        .spf
        .checks
        .iter()
        .map(|one| one.result.unwrap())
        .collect();
    let expected = [
        SpfResult::Pass,
        SpfResult::SoftFail,
        SpfResult::Pass,
        SpfResult::Pass,
    ];
    assert_eq!(results, expected);
    assert_eq!(learned.spf.tree.hidden, 1);
    let why = &learned.spf.checks[0].why;
    assert_eq!(why, "example.org: exists:%{ir}.%{v}.%{L1}.ok.test.org");
    let findings = judge(&learned, &hosts(&["mx.example.org"]));
    let told = "192.0.2.2 softfail (example.org: ~all)";
    assert_eq!(evidence(&findings, "spf.own-host"), told);
    // Those that take mail need not send any.
    let learned = facts(&mut Zone::of(&records), options().with_addresses(addresses));
    assert_eq!(learned.spf.checks[1].result, Some(SpfResult::SoftFail));
    assert_eq!(codes(&judged(&learned), "spf."), [""; 0]);
}

#[test]
fn trouble_with_name_servers_is_no_failure_of_the_domain() {
    let address = "192.0.2.1".parse().unwrap();
    let mut zone = Zone::of(&[("example.org", "TIMEOUT", "")]);
    let learned = facts(&mut zone, options().with_addresses([address]));
    assert_eq!(learned.spf.checks[0].result, Some(SpfResult::TempError));
    let findings = judged(&learned);
    assert_eq!(codes(&findings, ""), ["dmarc.missing", "policy.unknown"]);
}

#[test]
fn more_than_16_addresses_are_not_looked_at() {
    let addresses = (0..17u8).map(|last| [192, 0, 2, last].into());
    let mut zone = Zone::of(&[("example.org", "TXT", "v=spf1 -all")]);
    let options = options().with_addresses(addresses);
    let learned = facts(&mut zone, options.with_senders([[192, 0, 2, 99].into()]));
    assert_eq!(learned.spf.checks.len(), 16);
    assert!(learned.spf.checks[0].is_sender && !learned.spf.checks[1].is_sender);
}

#[test]
fn more_than_512_questions_are_not_asked() {
    // Each address needs names of its own.
    let record = "v=spf1 -exists:%{i}.nobody.test.net mx:%{ir}.m.test.org mx:%{ir}.n.test.org mx:%{ir}.o.test.org \
        mx:%{ir}.p.test.org mx:%{ir}.q.test.org -all";
    let mut zone = Zone::of(&[("example.org", "TXT", record)]);
    for last in 0..16 {
        for part in ["m", "n", "o", "p", "q"] {
            for number in 0..10 {
                let name = format!("{last}.2.0.192.{part}.test.org");
                let exchange = format!("10 x{number}.{last}{part}.test.org");
                zone.add(&name, "MX", exchange.as_bytes());
            }
        }
    }
    let addresses = (0..16u8).map(|last| [192, 0, 2, last].into());
    let mut survey = PolicySurvey::new(options().with_senders(addresses));
    lead(&mut survey, &mut zone);
    assert_eq!(zone.asked.len(), 512);
    let learned = survey.into_facts();
    assert_eq!(learned.spf.checks[15].result, Some(SpfResult::TempError));
    assert!(learned.spf.checks[15].why.contains("too many questions"));
    assert!(!codes(&judged(&learned), "spf.").contains(&"spf.own-host"));
}

#[test]
fn what_is_known_at_a_deadline_is_told() {
    let mut zone = Zone::of(&[("example.org", "TXT", "v=spf1 include:slow.test.org -all")]);
    let mut survey = PolicySurvey::new(options());
    let asks = survey.begin();
    let text = |ask: &&probe_net::dns::Ask| ask.question.to_string() == "example.org TXT";
    let ask = asks.iter().find(text).unwrap();
    let more = survey.answered(ask.tag, zone.answer(&ask.question));
    let more: Vec<_> = more.iter().map(|ask| ask.question.to_string()).collect();
    assert_eq!(more, ["slow.test.org TXT"]);
    let learned = survey.into_facts();
    assert_eq!(learned.spf.published.records.len(), 1);
    assert!(learned.spf.tree.is_pending);
    let findings = judged(&learned);
    assert_eq!(codes(&findings, ""), ["policy.unknown"]);
}
