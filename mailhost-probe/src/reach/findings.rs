//! What we think of a host from outside.

use probe_core::{Finding, FindingKind, Severity};

use super::facts::{AddressFacts, EchoState, Life, PortState, ReachFacts};

pub(crate) static ECHO_LOSS: FindingKind = FindingKind::new(
    "reach.echo.loss",
    Severity::Warning,
    "some echoes do not come back",
    "The way there loses packets, or a router bounds echoes: ask more of them, and another host behind the same network.",
);
pub(crate) static ECHO_SILENT: FindingKind = FindingKind::new(
    "reach.echo.silent",
    Severity::Info,
    "the host is alive and answers no echo",
    "Many filter echoes on purpose. Who lets them through is told from a host that is gone more easily; those that tell of too \
     large packets must pass anyway.",
);
pub(crate) static ECHO_UNAVAILABLE: FindingKind = FindingKind::new(
    "reach.echo.unavailable",
    Severity::Info,
    "this system lets us send no echo",
    "Let the group of the probe do it (sysctl net.ipv4.ping_group_range), or judge by the ports alone.",
);
pub(crate) static GONE: FindingKind = FindingKind::new(
    "reach.gone",
    Severity::Critical,
    "nothing answers at the host's address",
    "Look at the machine, its network and the route to it, before the mail server: no program of it can be at fault alone.",
);
pub(crate) static SERVICE_DOWN: FindingKind = FindingKind::new(
    "reach.service.down",
    Severity::Critical,
    "the host is alive, its mail service is not to be reached",
    "Where the port is refused, start the service, or see what it listens on; where it is silent, look for a filter before it, \
     or for a service that takes no more connections.",
);

/// What to think of a host whose service is to be at these ports.
pub(super) fn judge(facts: &ReachFacts, ports: &[u16]) -> Vec<Finding> {
    let mut findings = Vec::new();
    // Where another address does, clients get there in the end.
    let weigh = |finding: Finding, another_does: bool| match another_does {
        true => finding.with_severity(Severity::Warning),
        false => finding,
    };
    let serves = |one: &AddressFacts| ports.iter().any(|port| is_open(one, *port));
    let is_alive = |one: &AddressFacts| one.life() == Life::Alive;
    for one in &facts.addresses {
        match one.life() {
            Life::Gone => {
                let another = match ports.is_empty() {
                    true => facts.addresses.iter().any(is_alive),
                    false => facts.addresses.iter().any(serves),
                };
                findings.push(weigh(GONE.found(shown(one)), another));
            }
            Life::Alive if ports.iter().any(|port| is_shut(one, *port)) => {
                let another = facts.addresses.iter().any(|other| {
                    let shut = ports.iter().filter(|port| is_shut(one, **port));
                    shut.into_iter().all(|port| is_open(other, *port))
                });
                findings.push(weigh(SERVICE_DOWN.found(shown(one)), another));
            }
            Life::Alive | Life::Unknown => {}
        }
        findings.extend(echo(one));
    }
    findings
}

fn echo(one: &AddressFacts) -> Option<Finding> {
    let echo = &one.echo;
    match &echo.state {
        EchoState::Answered if echo.lost() > 0 => {
            let (lost, sent) = (echo.lost(), echo.sent);
            Some(ECHO_LOSS.found(format!("{}: {lost} of {sent}", one.address)))
        }
        EchoState::Silent | EchoState::Unreachable if one.life() == Life::Alive => {
            Some(ECHO_SILENT.found(one.address.to_string()))
        }
        EchoState::Unavailable(why) => Some(ECHO_UNAVAILABLE.found(why.as_str())),
        _ => None,
    }
}

fn is_open(one: &AddressFacts, port: u16) -> bool {
    one.port(port)
        .is_some_and(|one| one.state == PortState::Open)
}

/// Of a port that could not be tried nothing is said.
fn is_shut(one: &AddressFacts, port: u16) -> bool {
    let shut = [
        PortState::Refused,
        PortState::Silent,
        PortState::Unreachable,
    ];
    one.port(port).is_some_and(|one| shut.contains(&one.state))
}

/// What came of everything that was tried, in a line.
fn shown(one: &AddressFacts) -> String {
    let ports = one
        .ports
        .iter()
        .map(|port| format!("{} {}", port.port, port.state.as_str()));
    let echo = match &one.echo.state {
        EchoState::Untried => None,
        EchoState::Answered => {
            let (count, sent) = (one.echo.times.count(), one.echo.sent);
            Some(format!("{count} of {sent} echoes answered"))
        }
        state => Some(format!("echo {}", state.as_str())),
    };
    let tried: Vec<_> = ports.chain(echo).collect();
    format!("{}: {}", one.address, tried.join(", "))
}
