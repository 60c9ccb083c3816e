//! Hosts that are gone, in a network of their own: `unshare` makes one of two machines and a cable, and the tests run again in
//! it. Nothing of it is left behind.

use std::process::Command;
use std::time::Duration;

use mailhost_probe::{EchoState, Life, PortState, ReachFacts, ReachProbe};
use probe_core::{Context, FailureKind, Probe, Report, Severity, Verdict};
use probe_net::Net;
use probe_net::tls::Tls;
use probe_testkit::Authority;

/// Behind the cable is a router that lives at 192.0.2.2, knows of no way to 198.51.100.0/24, and is the way there. Whoever
/// should be at 192.0.2.9 is not. Everybody may send echoes.
const NETWORK: &str = "
set -e
mount -t tmpfs tmpfs /run
ip link set lo up
ip link add near type veth peer name far
ip netns add router
ip link set far netns router
ip addr add 192.0.2.1/24 dev near
ip addr add 2001:db8::1/64 dev near nodad
ip link set near up
ip -n router addr add 192.0.2.2/24 dev far
ip -n router addr add 2001:db8::2/64 dev far nodad
ip -n router link set lo up
ip -n router link set far up
ip netns exec router sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
ip -n router route add unreachable 198.51.100.0/24
ip route add 198.51.100.0/24 via 192.0.2.2
ip route add unreachable 203.0.113.0/24
ip neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev near
ip -6 neigh add 2001:db8::9 lladdr 02:00:00:00:00:09 dev near
echo '0 0' >/proc/sys/net/ipv4/ping_group_range
exec \"$0\" --exact --ignored --nocapture apart::a_network_of_its_own
";

#[test]
fn hosts_that_are_gone_are_told_from_those_that_are_alive() {
    let own = std::env::current_exe().unwrap();
    let ended = Command::new("unshare")
        .args(["--net", "--mount", "--propagation", "private", "sh", "-c"])
        .args([NETWORK.as_ref(), own.as_os_str()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stdout);
    assert!(
        ended.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&ended.stderr)
    );
}

#[tokio::test]
#[ignore = "runs in the network that the test above makes"]
async fn a_network_of_its_own() {
    let router = look("192.0.2.2").await;
    assert_eq!(found(&router), [("reach.service.down", Severity::Critical)]);
    assert_eq!(
        router.findings[0].evidence,
        "192.0.2.2: 25 refused, 2 of 2 echoes answered"
    );
    let router = look("2001:db8::2").await;
    assert_eq!(
        router.findings[0].evidence,
        "2001:db8::2: 25 refused, 2 of 2 echoes answered"
    );

    for gone in ["192.0.2.9", "2001:db8::9"] {
        let gone = look(gone).await;
        assert_eq!(found(&gone), [("reach.gone", Severity::Critical)]);
        let facts = &gone.facts.addresses[0];
        assert_eq!(facts.ports[0].state, PortState::Silent);
        assert_eq!(facts.echo.state, EchoState::Silent);
        assert_eq!((facts.echo.sent, facts.echo.lost()), (2, 2));
    }

    let beyond = look("198.51.100.1").await;
    assert_eq!(found(&beyond), [("reach.gone", Severity::Critical)]);
    let facts = &beyond.facts.addresses[0];
    assert_eq!(facts.ports[0].state, PortState::Unreachable);

    for (nowhere, why) in [
        ("203.0.113.1", "203.0.113.1: No route to host"),
        ("233.252.0.1", "233.252.0.1: Network is unreachable"),
    ] {
        let nowhere = look(nowhere).await;
        let failure = nowhere.failure.as_ref().unwrap();
        assert_eq!(failure.kind, FailureKind::Local);
        assert!(failure.detail.starts_with(why), "{failure}");
        assert_eq!(nowhere.facts.life(), Life::Unknown);
        assert_eq!(nowhere.verdict(), Verdict::Unknown);
    }
}

async fn look(host: &str) -> Report<ReachFacts> {
    let net = Net::new(Tls::ring(Authority::new("nobody").roots()));
    let options = ReachProbe::builder(net)
        .witnesses([])
        .echoes(2)
        .interval(Duration::from_millis(20))
        .patience(Duration::from_millis(500));
    let probe = options.build().unwrap();
    probe
        .probe(&host.parse().unwrap(), &Context::default())
        .await
}

fn found(report: &Report<ReachFacts>) -> Vec<(&str, Severity)> {
    let findings = report.findings.iter();
    findings.map(|one| (one.code(), one.severity)).collect()
}
