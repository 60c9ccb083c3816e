//! From a name to a connection, on the loopback network: real sockets and the real clock, so only order and outcome
//! are exact here, never how long something took.

// Elsewhere 127.0.0.2 must first be configured.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod toy;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::time::SystemTime;

use probe_core::{Context, Failure, FailureKind, Host, HostName, Phase, Report, Target};
use probe_net::{Endpoint, Ends, Family, Log, Net, Proxy, ProxyVersion, Resolve, ResolveError};
use probe_net::{Wire, drive};
use probe_testkit::{Authority, ClosedPort, Peer, Script, SilentPort};

use toy::{NAME, ONE, Recital, Toy, ms, say, wait};

const FIRST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SECOND: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const THIRD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3));

/// Gives the same answer to every question.
struct Book(Result<Vec<IpAddr>, &'static str>);

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>>;

impl Resolve for Book {
    fn resolve<'a>(&'a self, name: &'a HostName) -> Answer<'a> {
        assert_eq!(name.as_str(), NAME);
        let answer = self.0.clone();
        Box::pin(async move { answer.map_err(ResolveError::new) })
    }
}

/// Never answers.
struct Mute;

impl Resolve for Mute {
    fn resolve<'a>(&'a self, _: &'a HostName) -> Answer<'a> {
        Box::pin(std::future::pending())
    }
}

fn net() -> Net {
    Net::new(toy::tls(rustls::RootCertStore::empty()))
}

fn net_knowing(addresses: &[IpAddr]) -> Net {
    net().with_resolver(Book(Ok(addresses.to_vec())))
}

fn named(port: u16) -> Endpoint {
    Endpoint::new(Host::Name(NAME.parse().unwrap()), port)
}

fn at(address: SocketAddr) -> Endpoint {
    Endpoint::new(address.ip().into(), address.port())
}

/// What came of dialling: the wire or why there is none, and the report.
async fn dial(net: &Net, endpoint: &Endpoint) -> (Result<Wire, Failure>, Report<()>) {
    dial_within(net, endpoint, &Context::default().with_transcript()).await
}

async fn dial_within(
    net: &Net,
    endpoint: &Endpoint,
    cx: &Context,
) -> (Result<Wire, Failure>, Report<()>) {
    let mut log = Log::begin(cx);
    let outcome = net.dial(endpoint, &mut log).await;
    let target = Target::host(endpoint.host.clone(), endpoint.port);
    let mut report = Report::new("toy", target, SystemTime::UNIX_EPOCH, ());
    log.close(&mut report);
    (outcome, report)
}

fn phases(report: &Report<()>) -> Vec<&'static str> {
    let phase = |span: &probe_core::Span| span.phase.as_str();
    report.spans.iter().map(phase).collect()
}

fn remarks(report: &Report<()>) -> Vec<&str> {
    let lines = report.transcript.lines().iter();
    lines.map(|line| line.text.as_str()).collect()
}

#[track_caller]
fn told(failure: &Failure) -> (&'static str, FailureKind, &str) {
    (failure.phase.as_str(), failure.kind, &failure.detail)
}

#[tokio::test]
async fn a_port_on_which_nobody_listens_is_refused() {
    let port = ClosedPort::new().unwrap();
    let (outcome, report) = dial(&net(), &at(port.address())).await;
    assert_eq!(
        told(&outcome.unwrap_err()),
        (
            "connect",
            FailureKind::Refused,
            "the connection was refused: nothing listens on that port"
        )
    );
    assert_eq!(phases(&report), ["connect"]);
}

#[tokio::test]
async fn an_address_literal_is_not_resolved() {
    let peer = Script::new().drain().listen().await.unwrap();
    let net = net().with_resolver(Mute);
    let (wire, report) = dial(&net, &at(peer.address())).await;
    assert_eq!(wire.unwrap().ends().unwrap().server, peer.address());
    assert_eq!(phases(&report), ["connect"]);
    assert_eq!(
        remarks(&report),
        [format!("connected to {}", peer.address())]
    );
}

#[tokio::test]
async fn one_address_of_several_that_refuses_is_a_finding() {
    let peer = Script::new().drain().listen().await.unwrap();
    let port = peer.address().port();
    let net = net_knowing(&[SECOND, THIRD, FIRST]);
    let (wire, report) = dial(&net, &named(port)).await;
    assert_eq!(wire.unwrap().ends().unwrap().server, peer.address());
    assert_eq!(phases(&report), ["resolve", "connect"]);
    let finding = report.findings.first().unwrap();
    assert_eq!(finding.code(), "connect.address-failed");
    assert_eq!(
        finding.evidence,
        format!(
            "127.0.0.2:{port}: the connection was refused: nothing listens on that port (2 times)"
        )
    );
    let refused = "the connection was refused: nothing listens on that port";
    assert_eq!(
        remarks(&report),
        [
            format!("127.0.0.2:{port}: {refused}"),
            format!("127.0.0.3:{port}: {refused}"),
            format!("connected to 127.0.0.1:{port}"),
        ]
    );
}

#[tokio::test]
async fn when_every_address_refuses_the_failure_says_so() {
    let closed = ClosedPort::new().unwrap();
    let port = closed.address().port();
    let (outcome, report) = dial(&net_knowing(&[FIRST, SECOND]), &named(port)).await;
    let detail = format!(
        "127.0.0.1:{port} and all others: the connection was refused: nothing listens on that port"
    );
    assert_eq!(
        told(&outcome.unwrap_err()),
        ("connect", FailureKind::Refused, detail.as_str())
    );
    // The failure says it; a finding would say it again.
    assert_eq!(report.findings, []);
}

#[tokio::test]
async fn an_address_that_does_not_answer_is_overtaken_after_its_head_start() {
    let silent = SilentPort::new().unwrap();
    let port = silent.address().port();
    let peer = Script::new().drain().listen_on((SECOND, port).into()).await;
    let peer = peer.unwrap();
    let (wire, report) = dial(&net_knowing(&[FIRST, SECOND]), &named(port)).await;
    let wire = wire.unwrap();
    assert_eq!(wire.ends().unwrap().server, peer.address());
    let connecting = report.spans.last().unwrap();
    assert_eq!(connecting.phase, Phase::CONNECT);
    assert!(connecting.duration >= ms(250));
    drop(wire);
    assert_eq!(peer.finish().await.len(), 1);
}

#[tokio::test]
async fn while_the_first_address_answers_no_other_is_tried() {
    let peer = Script::new().drain().listen().await.unwrap();
    let port = peer.address().port();
    let other = TcpListener::bind((SECOND, port)).unwrap();
    other.set_nonblocking(true).unwrap();
    let (wire, _) = dial(&net_knowing(&[FIRST, SECOND]), &named(port)).await;
    let wire = wire.unwrap();
    assert_eq!(wire.ends().unwrap().server, peer.address());
    drop(wire);
    assert_eq!(peer.finish().await.len(), 1);
    let nobody = other.accept().unwrap_err();
    assert_eq!(nobody.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn a_host_that_does_not_answer_is_a_timeout_of_the_connect_phase() {
    let silent = SilentPort::new().unwrap();
    let cx = Context::default().with_patience_for(Phase::CONNECT, ms(100));
    let (outcome, report) = dial_within(&net(), &at(silent.address()), &cx).await;
    assert_eq!(
        told(&outcome.unwrap_err()),
        ("connect", FailureKind::Timeout, "nothing came within 0.1 s")
    );
    assert_eq!(phases(&report), ["connect"]);
}

#[tokio::test(start_paused = true)]
async fn a_resolver_that_does_not_answer_is_a_timeout_of_the_resolve_phase() {
    let cx = Context::default().with_patience_for(Phase::RESOLVE, ms(4_000));
    let (outcome, report) = dial_within(&net().with_resolver(Mute), &named(25), &cx).await;
    assert_eq!(
        told(&outcome.unwrap_err()),
        ("resolve", FailureKind::Timeout, "nothing came within 4.0 s")
    );
    assert_eq!(report.elapsed, ms(4_000));
}

#[tokio::test(start_paused = true)]
async fn a_name_without_an_address_is_unresolved() {
    let unresolved = async |net: &Net| {
        let (outcome, _) = dial(net, &named(25)).await;
        let failure = outcome.unwrap_err();
        assert_eq!(failure.phase, Phase::RESOLVE);
        assert_eq!(failure.kind, FailureKind::Unresolved);
        failure.detail
    };
    let unknown = net().with_resolver(Book(Err("no such name")));
    assert_eq!(unresolved(&unknown).await, "mx.example.test: no such name");
    assert_eq!(
        unresolved(&net_knowing(&[])).await,
        "mx.example.test has no address"
    );
    for (family, addresses) in [
        (Family::V6, [FIRST]),
        (Family::V4, ["::1".parse().unwrap()]),
    ] {
        assert_eq!(
            unresolved(&net_knowing(&addresses).with_family(family)).await,
            "mx.example.test has no address of the family that was asked for"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_families_take_turns_and_one_can_be_left_out() {
    let parse = |texts: &[&str]| -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    };
    let known = parse(&["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]);
    let host = Host::Name(NAME.parse().unwrap());
    for (family, expected) in [
        (
            Family::Any,
            ["192.0.2.1", "2001:db8::1", "192.0.2.2", "2001:db8::2"].as_slice(),
        ),
        (Family::V4, &["192.0.2.1", "192.0.2.2"]),
        (Family::V6, &["2001:db8::1", "2001:db8::2"]),
    ] {
        let net = net_knowing(&known).with_family(family);
        let mut log = Log::begin(&Context::default());
        let addresses = net.addresses(&host, &mut log).await.unwrap();
        assert_eq!(addresses, parse(expected));
    }
}

#[tokio::test]
async fn the_source_address_is_the_one_that_the_server_sees() {
    let peer = Script::new().drain().listen().await.unwrap();
    let (wire, _) = dial(&net().with_source(SECOND), &at(peer.address())).await;
    let wire = wire.unwrap();
    let Ends { local, server, .. } = wire.ends().unwrap();
    assert_eq!((local.ip(), server), (SECOND, peer.address()));
    drop(wire);
    let seen = peer.finish().await.first().unwrap().client_address();
    assert_eq!(seen, Some(local));
}

#[tokio::test]
async fn a_source_that_is_not_ours_is_our_own_fault() {
    let peer = Script::new().drain().listen().await.unwrap();
    // The first belongs to nobody (RFC 5737), the second cannot speak to an IPv4 address.
    for source in ["192.0.2.1", "::1"] {
        let net = net().with_source(source.parse().unwrap());
        let (outcome, _) = dial(&net, &at(peer.address())).await;
        let failure = outcome.unwrap_err();
        assert_eq!(failure.phase, Phase::CONNECT);
        assert_eq!(failure.kind, FailureKind::Local, "{failure}");
        assert!(failure.detail.starts_with("this machine cannot connect: "));
    }
}

/// What a server hears of a probe that introduces itself so, and between whom the connection stood.
async fn introduced(script: Script, proxy: Proxy) -> (Vec<u8>, Ends) {
    let script = script.say("ok hello\r\n").hear("one").say("ok 1\r\n");
    let peer = script.listen().await.unwrap();
    let mut log = Log::begin(&Context::default());
    let net = net().with_proxy(proxy);
    let mut wire = net.dial(&at(peer.address()), &mut log).await.unwrap();
    let ends = wire.ends().unwrap();
    let mut recital = Recital::new([wait(Phase::GREETING), say(ONE, "one")]);
    drive(&mut recital, &mut Toy::default(), &mut wire, &mut log)
        .await
        .unwrap();
    drop(wire);
    let conversation = peer.finish().await.remove(0);
    conversation.assert_followed();
    (conversation.heard().to_vec(), ends)
}

#[tokio::test]
async fn a_proxy_line_comes_before_every_other_word() {
    let script = Script::new().hear("PROXY TCP4 ");
    let (heard, ends) = introduced(script, Proxy::new(ProxyVersion::V1)).await;
    let (local, server) = (ends.local.port(), ends.server.port());
    let expected = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {local} {server}\r\none\r\n");
    assert_eq!(String::from_utf8(heard).unwrap(), expected);
}

#[tokio::test]
async fn a_binary_proxy_header_comes_before_every_other_word() {
    let client = "198.51.100.7:40000".parse().unwrap();
    let proxy = Proxy::new(ProxyVersion::V2).with_client(client);
    let (heard, ends) = introduced(Script::new().hear_bytes(28), proxy).await;
    let [high, low] = ends.server.port().to_be_bytes();
    let expected = [
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c".as_slice(),
        &[198, 51, 100, 7],
        &[127, 0, 0, 1],
        &[0x9c, 0x40, high, low],
        b"one\r\n",
    ];
    assert_eq!(heard, expected.concat());
}

#[tokio::test]
async fn the_certificate_is_checked_for_the_name_that_was_given_or_for_the_host() {
    let ca = Authority::new("Test CA");
    let script = Script::new().tls(&ca.identity([NAME])).drain();
    let peer = Peer::listen_each([script]).await.unwrap();
    let net = Net::new(toy::tls(ca.roots())).with_resolver(Book(Ok(vec![FIRST])));
    let by_address = at(peer.address());
    let mut by_server_name = at(peer.address());
    by_server_name.server_name = Some(NAME.parse().unwrap());
    for (endpoint, name, is_verified) in [
        (by_address, "127.0.0.1", false),
        (by_server_name, NAME, true),
        (named(peer.address().port()), NAME, true),
    ] {
        let mut log = Log::begin(&Context::default());
        let mut wire = net.dial(&endpoint, &mut log).await.unwrap();
        wire.secure(&mut log).await.unwrap();
        let facts = wire.tls_facts().unwrap();
        assert_eq!(facts.server_name, name);
        assert_eq!(facts.is_verified(), is_verified);
    }
    let asked: Vec<_> = peer
        .finish()
        .await
        .iter()
        .map(|one| one.handshake().unwrap().server_name.clone())
        .collect();
    // No name goes out for an address (RFC 6066 section 3).
    let name = Some(NAME.to_owned());
    assert_eq!(asked, [None, name.clone(), name]);
}
