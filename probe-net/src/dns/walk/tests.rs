//! The walk through a tree of zones that is written down here.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use core::net::Ipv4Addr;
use core::time::Duration;

use super::super::answer::{Flags, Record, Transport};
use super::super::datagram::Content;
use super::*;

/// A server of some zones: what it delegates, and the hosts that it knows.
struct Server {
    address: [u8; 4],
    zones: &'static [&'static str],
    /// A zone, its server, and whether it says where that is.
    delegations: &'static [(&'static str, &'static str, Option<[u8; 4]>)],
    hosts: &'static [(&'static str, [u8; 4])],
}

const ROOT: [u8; 4] = [192, 0, 2, 1];
const TEST: [u8; 4] = [192, 0, 2, 2];
const LIST: [u8; 4] = [192, 0, 2, 3];
const SILENT: [u8; 4] = [192, 0, 2, 9];

const TREE: [Server; 3] = [
    Server {
        address: ROOT,
        zones: &[""],
        delegations: &[
            ("test", "ns.test", Some(TEST)),
            ("example", "ns.test", Some(TEST)),
        ],
        hosts: &[],
    },
    Server {
        address: TEST,
        zones: &["test", "example"],
        delegations: &[
            ("bl1.rbl.test", "ns.rbl.test", Some(LIST)),
            ("bl2.rbl.test", "ns.rbl.test", Some(LIST)),
            ("glueless.test", "ns.elsewhere.example", None),
            ("loop-a.test", "ns.loop-b.test", None),
            ("loop-b.test", "ns.loop-a.test", None),
            ("lame.test", "ns-lame.test", Some(SILENT)),
            ("upward.test", "ns-up.test", Some(ROOT)),
            ("nowhere.test", "ns.nobody.test", None),
        ],
        hosts: &[("ns.elsewhere.example", LIST)],
    },
    Server {
        address: LIST,
        zones: &["bl1.rbl.test", "bl2.rbl.test", "glueless.test"],
        delegations: &[],
        hosts: &[],
    },
];

fn name(text: &str) -> Name {
    match text {
        "" => Name::root(),
        text => text.parse().unwrap(),
    }
}

fn record(owner: &str, kind: Kind, data: Data) -> Record {
    Record {
        name: name(owner),
        kind,
        ttl: 60,
        data,
    }
}

fn address_record(owner: &str, address: [u8; 4]) -> Record {
    record(owner, Kind::A, Data::A(Ipv4Addr::from(address)))
}

/// What a server of the tree says.
fn said(server: &Server, question: &Question) -> Content {
    let mut content = Content {
        rcode: Rcode::NOERROR,
        flags: Flags::default(),
        answers: Vec::new(),
        authority: Vec::new(),
        additional: Vec::new(),
        extended_errors: Vec::new(),
        has_edns: true,
        #[cfg(feature = "dnssec")]
        signed: Box::default(),
    };
    let asked = &question.name;
    let is_here = |zone: &str| asked.is_within(&name(zone));
    let zone = server
        .zones
        .iter()
        .filter(|zone| is_here(zone))
        .max_by_key(|zone| zone.len());
    let Some(zone) = zone else {
        content.rcode = Rcode::REFUSED;
        return content;
    };
    let below = |zone_below: &str| is_here(zone_below) && !server.zones.contains(&zone_below);
    let delegation = server.delegations.iter().find(|(zone, ..)| below(zone));
    if let Some((zone, host, glue)) = delegation {
        let ns = record(zone, Kind::NS, Data::Ns(name(host)));
        content.authority.push(ns);
        content
            .additional
            .extend(glue.map(|glue| address_record(host, glue)));
        return content;
    }
    content.flags.authoritative = true;
    let host = server.hosts.iter().find(|(host, _)| name(host) == *asked);
    match (question.kind, host) {
        (Kind::A, Some((host, address))) => content.answers.push(address_record(host, *address)),
        (Kind::NS, _) if name(zone) == *asked => {
            content
                .answers
                .push(record(zone, Kind::NS, Data::Ns(name("ns.test"))));
        }
        _ => content.rcode = Rcode::NXDOMAIN,
    }
    content
}

fn outcome(ask: &Ask) -> Result<Answer, Trouble> {
    let server = ask.servers.as_ref().unwrap().first().copied().unwrap();
    let of_address = |one: &&Server| SocketAddr::from((one.address, 53)) == server;
    let Some(known) = TREE.iter().find(of_address) else {
        return Err(Trouble::Timeout(Duration::from_secs(5)));
    };
    let (from, cost) = ((server, Transport::Udp), (Duration::ZERO, 1));
    Ok(Answer::new(
        ask.question.clone(),
        said(known, &ask.question),
        from,
        cost,
    ))
}

/// Walks, and counts the questions to the root.
fn walk(zones: &[&str]) -> (Walk, usize) {
    let mut walk = Walk::new(
        [SocketAddr::from((ROOT, 53))],
        zones.iter().map(|zone| name(zone)),
    );
    let mut asks = walk.begin();
    let mut of_root = 0;
    let mut steps = 0;
    while let Some(ask) = asks.pop() {
        steps += 1;
        assert!(steps < 200, "the walk does not end");
        let servers = ask.servers.as_ref().unwrap();
        of_root += usize::from(servers.contains(&SocketAddr::from((ROOT, 53))));
        asks.extend(walk.answered(ask.tag, outcome(&ask)));
    }
    (walk, of_root)
}

fn servers(walk: &Walk, zone: &str) -> Result<Vec<IpAddr>, String> {
    let servers = walk.servers(&name(zone)).map_err(|lost| lost.to_string())?;
    Ok(servers.iter().map(SocketAddr::ip).collect())
}

#[test]
fn the_servers_of_a_zone_are_found_from_the_root_down() {
    let (walk, _) = walk(&["bl1.rbl.test", "test"]);
    assert_eq!(servers(&walk, "bl1.rbl.test"), Ok(vec![LIST.into()]));
    assert_eq!(servers(&walk, "test"), Ok(vec![TEST.into()]));
}

#[test]
fn what_many_zones_have_in_common_is_asked_for_once() {
    let (walk, of_root) = walk(&["bl1.rbl.test", "bl2.rbl.test", "glueless.test", "lame.test"]);
    assert_eq!(servers(&walk, "bl2.rbl.test"), Ok(vec![LIST.into()]));
    // Once for test, once for example, where the server of glueless.test stands.
    assert_eq!(of_root, 2);
}

#[test]
fn a_server_without_an_address_beside_its_name_is_looked_for() {
    let (walk, _) = walk(&["glueless.test"]);
    assert_eq!(servers(&walk, "glueless.test"), Ok(vec![LIST.into()]));
}

#[test]
fn each_way_that_leads_nowhere_is_told() {
    let (walk, _) = walk(&[
        "loop-a.test",
        "x.lame.test",
        "x.upward.test",
        "nowhere.test",
        "org",
        "lame.test",
    ]);
    for (zone, told) in [
        ("loop-a.test", "the way to it leads in a circle"),
        (
            "x.lame.test",
            "no server of lame.test answers for it: no answer within 5.0 s",
        ),
        (
            "x.upward.test",
            "no server of upward.test answers for it: not authoritative",
        ),
        ("nowhere.test", "no server of nowhere.test has an address"),
        ("never.asked", "it was not found in time"),
    ] {
        assert_eq!(servers(&walk, zone), Err(told.to_owned()), "{zone}");
    }
    // Nothing below the root is there: its servers would know.
    assert_eq!(servers(&walk, "org"), Ok(vec![ROOT.into()]));
    // Whether they answer is seen by whoever asks them.
    assert_eq!(servers(&walk, "lame.test"), Ok(vec![SILENT.into()]));
}

#[test]
fn nobody_is_followed_upwards_or_aside() {
    let question = Question::new(name("bl1.rbl.test"), Kind::NS);
    for owner in ["", "test", "other.test", "x.bl1.rbl.test"] {
        let mut content = said(&TREE[1], &question);
        content.authority = vec![record(owner, Kind::NS, Data::Ns(name("ns.evil.test")))];
        let from = (SocketAddr::from((TEST, 53)), Transport::Udp);
        let answer = Answer::new(question.clone(), content, from, (Duration::ZERO, 1));
        assert_eq!(referral(&answer, &name("test")), None, "{owner}");
    }
}

#[test]
fn addresses_of_servers_elsewhere_are_not_believed() {
    let question = Question::new(name("bl1.rbl.test"), Kind::NS);
    let mut content = said(&TREE[1], &question);
    content.additional = vec![address_record("ns.bank.example", [192, 0, 2, 66])];
    let from = (SocketAddr::from((TEST, 53)), Transport::Udp);
    let answer = Answer::new(question, content, from, (Duration::ZERO, 1));
    assert!(glue(&answer, &[name("ns.bank.example")], &name("test")).is_empty());
}

#[test]
fn thousands_of_zones_may_wait_for_the_same_lost_server() {
    let zones = || (0..2000).map(|number| name(&format!("zone-{number}")));
    let mut walk = Walk::new([SocketAddr::from((ROOT, 53))], zones());
    let mut of_host = Vec::new();
    for ask in walk.begin() {
        let mut content = said(&TREE[0], &ask.question);
        (content.rcode, content.flags) = (Rcode::NOERROR, Flags::default());
        let ns = Data::Ns(name("ns.gone"));
        content.authority = vec![Record {
            name: ask.question.name.clone(),
            kind: Kind::NS,
            ttl: 60,
            data: ns,
        }];
        let from = (SocketAddr::from((ROOT, 53)), Transport::Udp);
        let answer = Answer::new(ask.question, content, from, (Duration::ZERO, 1));
        of_host.extend(walk.answered(ask.tag, Ok(answer)));
    }
    assert_eq!(of_host.len(), 1, "its address is asked for once");
    assert!(
        walk.answered(of_host[0].tag, Err(Trouble::NoServer))
            .is_empty()
    );
    for zone in zones() {
        assert_eq!(walk.servers(&zone), Err(Lost::NoAddress(zone)));
    }
}
