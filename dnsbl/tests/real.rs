//! Against a real rbldnsd and a real unbound before it, with lists of every temperament: not one false listing, and not one
//! false "clean". `cargo xtask test` starts the lab and runs this.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use dnsbl_probe::{Catalogue, DnsblFacts, DnsblProbe, Listing, Options};
use probe_core::{Context, Phase, Probe, Report, Verdict};
use probe_net::dns::{Kind, Name, Pace, Question, Resolver, RootHints, Transport, Walk, survey};
use probe_net::tls::{self, Tls};
use probe_net::{Log, Net, Resolve};
use serde_json::Value;

/// What the lab says of itself.
fn lab() -> &'static Value {
    static LAB: OnceLock<Value> = OnceLock::new();
    LAB.get_or_init(|| {
        let folder = std::env::var("MAILPROBE_LAB").expect("run by `cargo xtask test`");
        let text = fs::read(PathBuf::from(folder).join("lab.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    })
}

fn server(name: &str) -> SocketAddr {
    let address = lab()["listeners"][name]["address"].as_str().unwrap();
    SocketAddr::new(address.parse().unwrap(), 53)
}

fn resolver(name: &str) -> Resolver {
    let mut pace = Pace::default();
    pace.patience = Duration::from_millis(1500);
    Resolver::new([server(name)]).with_pace(pace)
}

/// All lists of the lab, with what somebody who knows them would write down.
fn catalogue() -> Catalogue {
    let mut rows = "zone,kinds,polarity,codes,test,query\n".to_owned();
    for zone in lab()["lists"].as_object().unwrap().keys() {
        let (kinds, polarity, codes, test) = match zone.trim_end_matches(".rbl.test") {
            "zen" => (
                "ip4",
                "block",
                "127.0.0.2=sbl 127.0.0.3=css 127.0.0.4=xbl 127.0.0.[10;11]=pbl",
                "",
            ),
            "mask" => (
                "ip4",
                "block",
                "mask:2=black mask:4=grey mask:8=red mask:64=abuse",
                "",
            ),
            "score" => ("ip4", "info", "127.0.4.[0..255]=score", ""),
            "allow" => ("ip4", "allow", "", ""),
            "v6" => ("ip6", "block", "", ""),
            "v4v6" => ("ip4+ip6", "block", "", ""),
            "dbl" => (
                "domain",
                "block",
                "127.0.1.2=spam 127.0.1.255=error:ip-query",
                "",
            ),
            "uri" => ("domain", "block", "mask:2=black mask:4=grey mask:8=red", ""),
            "err-blocked" => ("ip4", "block", "127.0.0.1=error:blocked", ""),
            "loopback-is-data" => (
                "ip4",
                "block",
                "127.0.0.1=proxy 127.0.0.2=spam",
                "no-negative",
            ),
            "digest" => ("domain", "block", "", ""),
            _ => ("ip4", "block", "", ""),
        };
        let query = match zone.starts_with("digest.") {
            true => "blake2-32-base32-domain",
            false => "",
        };
        rows += &format!("{zone},{kinds},{polarity},{codes},{test},{query}\n");
    }
    Catalogue::parse(&rows).unwrap()
}

fn options(name: &str) -> Options {
    DnsblProbe::builder(resolver(name)).catalogue(catalogue())
}

async fn ask(name: &str, target: &str) -> Report<DnsblFacts> {
    let probe = options(name).build().unwrap();
    probe
        .probe(&target.parse().unwrap(), &Context::default())
        .await
}

fn listed(report: &Report<DnsblFacts>) -> Vec<&str> {
    let zones = report
        .facts
        .listings()
        .map(|one| one.list.zone.trim_end_matches(".rbl.test"));
    zones.collect()
}

/// How each list is that is not well.
fn ill(report: &Report<DnsblFacts>) -> BTreeMap<&str, &'static str> {
    let ill = report
        .facts
        .lists
        .iter()
        .filter(|one| !one.health.is_good());
    ill.map(|one| {
        (
            one.list.zone.trim_end_matches(".rbl.test"),
            one.health.as_str(),
        )
    })
    .collect()
}

#[tokio::test]
async fn who_is_on_no_list_is_called_clean_by_those_alone_who_would_know() {
    for (name, refused) in [("rbldnsd", "refused"), ("unbound", "not-answering")] {
        let report = ask(name, "127.88.9.9").await;
        assert_eq!(report.verdict(), Verdict::Ok, "{name}: {report:?}");
        assert_eq!(listed(&report), Vec::<&str>::new(), "{name}");
        let expected = BTreeMap::from([
            ("dead-empty", "missing-test-entry"),
            ("dead-expired", "not-answering"),
            ("dead-parked", "parked"),
            ("dead-world", "lists-everything"),
            ("err-blocked", "blocked"),
            ("err-excess", "blocked"),
            ("err-public", "blocked"),
            ("err-typo", "blocked"),
            ("nxtest", "missing-test-entry"),
            ("refused", refused),
            ("silent", "not-answering"),
            ("testpoint1", "lists-everything"),
        ]);
        assert_eq!(ill(&report), expected, "{name}");
    }
}

#[tokio::test]
async fn a_listing_is_told_with_all_its_codes_and_its_reason() {
    for name in ["rbldnsd", "unbound"] {
        let report = ask(name, "127.88.1.1").await;
        assert_eq!(report.verdict(), Verdict::Critical, "{name}");
        let mut zones = listed(&report);
        zones.sort_unstable();
        assert_eq!(
            zones,
            [
                "bl01",
                "longtxt",
                "loopback-is-data",
                "mask",
                "nosoa",
                "notxt",
                "score",
                "v4v6",
                "zen"
            ],
            "{name}"
        );
        let one = |zone: &str| {
            let mut lists = report.facts.lists.iter();
            lists
                .find(|one| one.list.zone == format!("{zone}.rbl.test"))
                .unwrap()
        };
        assert_eq!(one("zen").meanings, ["sbl", "css", "xbl"]);
        assert_eq!(one("mask").meanings, ["black", "red"]);
        assert_eq!(one("longtxt").reason.as_ref().unwrap().len(), 250);
        assert_eq!(one("notxt").reason, None);
        assert_eq!(one("nosoa").listing, Listing::Listed);
        let reason = String::from_utf8_lossy(one("bl01").reason.as_ref().unwrap());
        assert!(
            reason.contains("https://bl01.rbl.test/why?127.88.1.1"),
            "{reason}"
        );
    }
}

#[tokio::test]
async fn how_many_lists_have_somebody_is_counted_right() {
    for number in [1, 7, 20] {
        let report = ask("rbldnsd", &format!("127.88.2.{number}")).await;
        assert_eq!(listed(&report).len(), number, "127.88.2.{number}");
    }
}

#[tokio::test]
async fn ipv6_and_domains_are_asked_where_they_are_known() {
    let report = ask("unbound", "2001:db8:bad::1").await;
    assert_eq!(listed(&report), ["v6", "v4v6"]);
    assert!(ill(&report).is_empty(), "{report:?}");
    let report = ask("unbound", "2001:db8:900d::1").await;
    assert_eq!((listed(&report), report.verdict()), (vec![], Verdict::Ok));

    let report = ask("unbound", "www.spam.example").await;
    assert_eq!(listed(&report), ["dbl", "digest"]);
    let report = ask("unbound", "phish.example").await;
    let uri = report
        .facts
        .listings()
        .find(|one| one.list.zone == "uri.rbl.test")
        .unwrap();
    assert_eq!(uri.meanings, ["black", "red"]);
    let report = ask("unbound", "good.example").await;
    assert_eq!((listed(&report), report.verdict()), (vec![], Verdict::Ok));
}

#[tokio::test]
async fn stock_rbldnsd_loses_nothing_to_our_own_burst() {
    let mut rows = "zone,kinds\n".to_owned();
    for zone in lab()["lists"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|zone| zone.starts_with("bl"))
    {
        rows += &format!("{zone},ip4\n");
    }
    let lists = Catalogue::parse(&rows).unwrap();
    let options = DnsblProbe::builder(resolver("rbldnsd")).catalogue(lists);
    let probe = options.tests(false).reasons(false).build().unwrap();
    let cx = Context::default();
    for third in 0..50 {
        let target = format!("127.88.{third}.1").parse().unwrap();
        let report = probe.probe(&target, &cx).await;
        let answered = report.facts.lists.iter().filter(|one| one.is_believed());
        assert_eq!(answered.count(), 20, "127.88.{third}.1");
    }
}

#[tokio::test]
async fn what_no_datagram_holds_comes_by_tcp() {
    let name = "big.lab.test".parse().unwrap();
    let answer = resolver("unbound")
        .ask(Question::new(name, Kind::TXT))
        .await
        .unwrap();
    assert_eq!(
        (answer.transport, answer.records().count()),
        (Transport::Tcp, 60)
    );
}

#[tokio::test]
async fn other_probes_find_their_hosts_by_it() {
    let resolver = resolver("unbound");
    let found = resolver
        .resolve(&"good.lab.test".parse().unwrap())
        .await
        .unwrap();
    let listener = lab()["listeners"]["smtp-good"]["address"].as_str().unwrap();
    assert!(found.contains(&listener.parse().unwrap()), "{found:?}");
    let missing = resolver.resolve(&"nobody.lab.test".parse().unwrap()).await;
    assert!(missing.unwrap_err().to_string().contains("NXDOMAIN"));
}

/// The servers of a zone, found from the lab's root down; or why not.
async fn walk(zones: &[&str]) -> Vec<Result<Vec<String>, String>> {
    let zones: Vec<Name> = zones.iter().map(|zone| zone.parse().unwrap()).collect();
    let mut walk = Walk::new([server("nsd-root")], zones.clone());
    let mut log = Log::begin(&Context::default());
    let phase = Phase::new("walk");
    let resolver = resolver("unbound");
    survey(&resolver, &mut walk, phase, &mut log).await.unwrap();
    let told = zones.iter().map(|zone| match walk.servers(zone) {
        Ok(servers) => Ok(servers
            .iter()
            .map(|server| server.ip().to_string())
            .collect()),
        Err(lost) => Err(lost.to_string()),
    });
    told.collect()
}

#[tokio::test]
async fn the_way_to_a_zone_is_found_from_the_root_down() {
    let found = walk(&["bl01.rbl.test", "glueless.test", "half.test", "lame.test"]).await;
    let one = |address: &str| Ok(vec![address.to_owned()]);
    assert_eq!(found[0], one("127.88.0.70"));
    assert_eq!(found[1], one("127.88.0.75"));
    let mut half = found[2].clone().unwrap();
    half.sort_unstable();
    assert_eq!(half, ["127.88.0.74", "127.88.0.75"]);
    assert_eq!(found[3], one("127.88.0.74"));
    let lost = walk(&["loop-a.test", "below.lame.test", "below.upward.test"]).await;
    let lost: Vec<_> = lost.into_iter().map(Result::unwrap_err).collect();
    assert_eq!(lost[0], "the way to it leads in a circle");
    assert!(
        lost[1].contains("no server of lame.test answers for it"),
        "{lost:?}"
    );
    assert!(
        lost[2].contains("no server of upward.test answers for it"),
        "{lost:?}"
    );
}

#[tokio::test]
async fn the_lists_own_servers_say_what_a_resolver_says() {
    let root = server("nsd-root").ip();
    let hints = RootHints::parse(&format!("a.root.test. 60 A {root}")).unwrap();
    let mut pace = Pace::default();
    pace.patience = Duration::from_millis(1500);
    let options = DnsblProbe::builder(Resolver::new([]).with_pace(pace)).catalogue(catalogue());
    let probe = options.authoritative(hints).build().unwrap();
    let target = "127.88.1.1".parse().unwrap();
    let report = probe.probe(&target, &Context::default()).await;
    let by_resolver = ask("rbldnsd", "127.88.1.1").await;
    assert_eq!(listed(&report), listed(&by_resolver));
    assert_eq!(ill(&report), ill(&by_resolver));
    let phases: Vec<_> = report
        .spans
        .iter()
        .map(|span| span.phase.as_str())
        .collect();
    assert_eq!(phases, ["walk", "lists"]);
}

#[tokio::test]
async fn a_zone_whose_servers_are_silent_keeps_no_other_list_from_being_asked() {
    let mute = SocketAddr::new("127.88.0.76".parse().unwrap(), 53);
    let _silence = tokio::net::UdpSocket::bind(mute).await.unwrap();
    let root = server("nsd-root").ip();
    let hints = RootHints::parse(&format!("a.root.test. 60 A {root}")).unwrap();
    let rows = "zone,kinds\nlist.silent.test,ip4\nbl01.rbl.test,ip4\n";
    let probe = DnsblProbe::builder(Resolver::new([]))
        .catalogue(Catalogue::parse(rows).unwrap())
        .authoritative(hints)
        .build()
        .unwrap();
    let target = "127.88.1.1".parse().unwrap();
    let cx = Context::default().with_budget(Duration::from_secs(2));
    let report = probe.probe(&target, &cx).await;
    assert_eq!(listed(&report), ["bl01"]);
    assert_eq!(
        ill(&report),
        BTreeMap::from([("list.silent.test", "unknown")])
    );
}

#[tokio::test]
async fn a_resolver_is_asked_over_tls_or_https_and_says_the_same() {
    let mut roots = rustls::RootCertStore::empty();
    tls::add_ca_file(&mut roots, lab()["ca"].as_str().unwrap().as_ref()).unwrap();
    let net = Net::new(Tls::ring(roots));
    let name = lab()["listeners"]["unbound-tls"]["name"].as_str().unwrap();
    let address = server("unbound").ip();
    let url = format!("https://{name}/dns-query").parse().unwrap();
    let server = SocketAddr::new(address, 853);
    for (secured, transport) in [
        (
            Resolver::over_tls(net.clone(), name.parse().unwrap(), [server]),
            Transport::Tls,
        ),
        (
            Resolver::over_https(net.clone(), url, [address]),
            Transport::Https,
        ),
    ] {
        let big = Question::new("big.lab.test".parse().unwrap(), Kind::TXT);
        let answer = secured.ask(big).await.unwrap();
        assert_eq!(
            (answer.transport, answer.records().count()),
            (transport, 60)
        );

        let probe = DnsblProbe::builder(secured)
            .catalogue(catalogue())
            .build()
            .unwrap();
        let target = "127.88.1.1".parse().unwrap();
        let cx = Context::default().with_budget(Duration::from_secs(3));
        let report = probe.probe(&target, &cx).await;
        assert_eq!(listed(&report), listed(&ask("unbound", "127.88.1.1").await));
    }
}
