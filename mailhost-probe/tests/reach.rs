//! Hosts from outside, on the loopback: what is open, refused and silent, and what comes of echoes. Hosts that are gone need a
//! network of their own: `tests/real/apart.rs`.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::pin::Pin;
use std::time::Duration;

use mailhost_probe::{
    ConfigError, EchoState, Life, PortState, ReachFacts, ReachOptions, ReachProbe,
};
use probe_core::{Context, FailureKind, HostName, Probe, Report, Severity, Verdict};
use probe_net::tls::Tls;
use probe_net::{Net, Resolve, ResolveError};
use probe_testkit::{Authority, ClosedPort, SilentPort};
use tokio::net::TcpSocket;

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

fn net() -> Net {
    Net::new(Tls::ring(Authority::new("nobody").roots()))
}

/// Only what a test names.
fn options() -> ReachOptions {
    ReachProbe::builder(net())
        .ports([])
        .witnesses([])
        .echoes(0)
        .patience(Duration::from_millis(300))
}

async fn look(options: ReachOptions, host: &str) -> Report<ReachFacts> {
    let probe = options.build().unwrap();
    probe
        .probe(&host.parse().unwrap(), &Context::default())
        .await
}

fn listening(address: IpAddr) -> (TcpListener, u16) {
    let listener = TcpListener::bind((address, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

fn refusing() -> (ClosedPort, u16) {
    let closed = ClosedPort::new().unwrap();
    let port = closed.address().port();
    (closed, port)
}

fn silent() -> (SilentPort, u16) {
    let silent = SilentPort::new().unwrap();
    let port = silent.address().port();
    (silent, port)
}

fn codes(report: &Report<ReachFacts>) -> Vec<(&str, Severity)> {
    let findings = report.findings.iter();
    findings.map(|one| (one.code(), one.severity)).collect()
}

#[tokio::test]
async fn a_service_that_listens_is_well() {
    let (_listener, port) = listening(V4);
    let report = look(options().ports([port]), "127.0.0.1").await;
    assert_eq!(report.verdict(), Verdict::Ok);
    assert_eq!(report.facts.life(), Life::Alive);
    let address = &report.facts.addresses[0];
    let facts = address.port(port).unwrap();
    assert_eq!(facts.state, PortState::Open);
    assert!(facts.time.is_some());
    assert_eq!(address.echo.state, EchoState::Untried);
}

#[tokio::test]
async fn a_port_that_is_refused_is_a_service_that_is_down_on_a_host_that_is_alive() {
    let (_socket, port) = refusing();
    let report = look(options().ports([port]), "127.0.0.1").await;
    assert_eq!(codes(&report), [("reach.service.down", Severity::Critical)]);
    assert_eq!(
        report.findings[0].evidence,
        format!("127.0.0.1: {port} refused")
    );
    assert_eq!(report.facts.life(), Life::Alive);
    assert_eq!(report.failure, None);
}

#[tokio::test]
async fn a_port_that_is_silent_is_a_service_that_is_down_where_a_witness_answers() {
    let (_silent, port) = silent();
    let (_listener, witness) = listening(V4);
    let asked = options().ports([port]).witnesses([witness]);
    let report = look(asked, "127.0.0.1").await;
    assert_eq!(codes(&report), [("reach.service.down", Severity::Critical)]);
    let evidence = format!("127.0.0.1: {port} silent, {witness} open");
    assert_eq!(report.findings[0].evidence, evidence);
}

#[tokio::test]
async fn a_host_of_which_nothing_answers_is_gone() {
    let (_silent, port) = silent();
    let report = look(options().ports([port]), "127.0.0.1").await;
    assert_eq!(codes(&report), [("reach.gone", Severity::Critical)]);
    assert_eq!(report.facts.life(), Life::Gone);
    assert_eq!(
        report.findings[0].evidence,
        format!("127.0.0.1: {port} silent")
    );
}

#[tokio::test]
async fn nobody_needs_to_listen_at_a_witness() {
    let (_listener, port) = listening(V4);
    let (_socket, witness) = refusing();
    let asked = options().ports([port]).witnesses([witness]);
    let report = look(asked, "127.0.0.1").await;
    assert_eq!(codes(&report), []);
}

#[tokio::test]
async fn a_port_that_the_target_names_is_the_service() {
    let (_listener, port) = listening(V4);
    let asked = options().ports([1]).witnesses([port]);
    let report = look(asked, &format!("127.0.0.1:{port}")).await;
    let ports = &report.facts.addresses[0].ports;
    let tried: Vec<_> = ports.iter().map(|one| one.port).collect();
    assert_eq!(tried, [port]);
}

/// Where the system lets nobody send echoes, not even root by a raw socket, the probe has to say so; on our own machines it
/// does.
#[tokio::test]
async fn an_echo_shows_that_a_host_is_alive() {
    let asked = options().echoes(3).interval(Duration::from_millis(10));
    let report = look(asked, "127.0.0.1").await;
    let echo = &report.facts.addresses[0].echo;
    if let EchoState::Unavailable(why) = &echo.state {
        assert!(std::env::var_os("CI").is_none(), "no echo here: {why}");
        assert_eq!(codes(&report), [("reach.echo.unavailable", Severity::Info)]);
        assert_eq!(report.failure.unwrap().kind, FailureKind::Local);
        return;
    }
    assert_eq!(echo.state, EchoState::Answered);
    assert_eq!((echo.sent, echo.times.count(), echo.lost()), (3, 3, 0));
    assert_eq!(echo.strays, 0);
    assert_eq!(report.facts.life(), Life::Alive);
    assert_eq!(report.verdict(), Verdict::Ok);
}

/// A machine without IPv6 has no way there, which is the other half of what is to be shown.
#[tokio::test]
async fn ipv6_is_tried_like_ipv4() {
    let asked = options().echoes(2).interval(Duration::from_millis(10));
    if net().way_to(V6).is_err() {
        let report = look(asked, "::1").await;
        assert_eq!(report.verdict(), Verdict::Unknown);
        assert!(report.facts.addresses[0].no_way.is_some());
        return;
    }
    let (_listener, open) = listening(V6);
    let socket = TcpSocket::new_v6().unwrap();
    socket.bind(SocketAddr::new(V6, 0)).unwrap();
    let shut = socket.local_addr().unwrap().port();
    let report = look(asked.ports([open, shut]), "::1").await;
    let address = &report.facts.addresses[0];
    assert_eq!(address.port(open).unwrap().state, PortState::Open);
    assert_eq!(address.port(shut).unwrap().state, PortState::Refused);
    match &address.echo.state {
        EchoState::Answered => assert_eq!(address.echo.times.count(), 2),
        EchoState::Unavailable(why) => assert!(std::env::var_os("CI").is_none(), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_address_that_cannot_be_left_from_is_our_own_fault() {
    let from = net().with_source("192.0.2.1".parse().unwrap());
    let asked = ReachProbe::builder(from).ports([25]).echoes(1);
    let report = look(asked, "127.0.0.1").await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Local);
    assert!(failure.detail.starts_with("127.0.0.1: "), "{failure}");
    assert_eq!(report.facts.life(), Life::Unknown);
    assert_eq!(codes(&report), []);
}

/// Every name has these addresses.
struct Named(&'static [&'static str]);

impl Resolve for Named {
    fn resolve<'a>(
        &'a self,
        _: &'a HostName,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>> {
        let addresses = self.0.iter().map(|address| address.parse().unwrap());
        Box::pin(core::future::ready(Ok(addresses.collect())))
    }
}

fn at(addresses: &'static [&'static str]) -> ReachOptions {
    let net = net().with_resolver(Named(addresses));
    ReachProbe::builder(net)
        .witnesses([])
        .echoes(0)
        .patience(Duration::from_millis(300))
}

#[tokio::test]
async fn a_name_without_an_address_is_unresolved() {
    let report = look(at(&[]), "mx.example.test").await;
    assert_eq!(report.failure.unwrap().kind, FailureKind::Unresolved);
}

#[tokio::test]
async fn a_service_that_another_address_has_is_a_warning() {
    let (_listener, port) = listening(V4);
    let asked = at(&["127.0.0.1", "127.0.0.2"]).ports([port]);
    let report = look(asked, "mx.example.test").await;
    assert_eq!(codes(&report), [("reach.service.down", Severity::Warning)]);
    let evidence = format!("127.0.0.2: {port} refused");
    assert_eq!(report.findings[0].evidence, evidence);
}

#[tokio::test]
async fn a_service_that_no_address_has_is_critical_at_each() {
    let (_socket, port) = refusing();
    let asked = at(&["127.0.0.1", "127.0.0.2"]).ports([port]);
    let report = look(asked, "mx.example.test").await;
    let down = ("reach.service.down", Severity::Critical);
    assert_eq!(codes(&report), [down, down]);
}

#[tokio::test]
async fn an_address_without_a_way_says_nothing_of_the_others() {
    let (_listener, port) = listening(V4);
    let from = net()
        .with_resolver(Named(&["127.0.0.1", "::1"]))
        .with_source(V4);
    let asked = ReachProbe::builder(from)
        .witnesses([])
        .ports([port])
        .echoes(0);
    let report = look(asked, "mx.example.test").await;
    assert_eq!(report.verdict(), Verdict::Ok);
    let unknown = report.facts.addresses.iter().find(|one| one.address == V6);
    assert!(unknown.unwrap().no_way.is_some());
}

#[test]
fn what_is_asked_is_bounded() {
    let refused = |options: ReachOptions| options.build().unwrap_err();
    let ports = |count: u16| (1..=count).collect::<Vec<_>>();
    assert!(options().ports(ports(32)).build().is_ok());
    let many = options().ports(ports(32)).witnesses([80]);
    assert_eq!(refused(many), ConfigError::Ports(33));
    assert!(options().echoes(100).build().is_ok());
    assert_eq!(refused(options().echoes(101)), ConfigError::Echoes);
    let fast = |millis| options().echoes(1).interval(Duration::from_millis(millis));
    assert!(fast(10).build().is_ok());
    assert_eq!(refused(fast(9)), ConfigError::Echoes);
    assert_eq!(refused(options()), ConfigError::Nothing);
}
