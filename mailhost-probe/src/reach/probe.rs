//! Try every address, judge, report: the only place here that waits.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io;
use std::sync::Arc;

use futures_util::future::{join, join_all};
use futures_util::stream::{self, StreamExt};
use probe_core::{Context, Failure, FailureKind, Phase, Probe, Report, Target};
use probe_net::{Log, Net};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{Instant, timeout};

use super::facts::{AddressFacts, EchoState, Life, PortFacts, PortState, ReachFacts};
use super::findings::judge;
use super::options::ReachOptions;
use super::ping::{Pace, Pinger, is_unreachable};

/// Trying whether anybody is there.
const REACH: Phase = Phase::new("reach");

/// Tries whether a host is alive, and whether its mail service is: connections to ports, and echoes, to every address.
///
/// A connection that stands is closed without a word. A port that is refused shows a host that is alive as much as one that is
/// open. What this machine cannot try, be it that there is no route or that it may send no echo, says nothing of the host.
#[derive(Clone, Debug)]
pub struct ReachProbe {
    options: Arc<ReachOptions>,
}

impl ReachProbe {
    /// So many addresses are tried at once.
    const AT_ONCE: usize = 16;

    /// The options to build one from.
    pub fn builder(net: Net) -> ReachOptions {
        ReachOptions::new(net)
    }

    pub(super) fn new(options: ReachOptions) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    /// Tries one address; what is known of it is in the facts at any time.
    async fn look(&self, facts: &mut AddressFacts, patience: Duration) {
        let to = facts.address;
        let from = match self.options.net.way_to(to) {
            Ok(from) => from,
            Err(error) => {
                facts.no_way = Some(error.to_string());
                return;
            }
        };
        let AddressFacts { ports, echo, .. } = facts;
        let connecting = ports
            .iter_mut()
            .map(|port| connect(from, to, port, patience));
        let pace = Pace {
            count: self.options.echoes,
            interval: self.options.interval,
            patience,
        };
        let echoing = async {
            if pace.count == 0 {
                return;
            }
            match Pinger::open(from, to) {
                Ok(pinger) => pinger.run(pace, echo).await,
                Err(why) => echo.state = EchoState::Unavailable(why),
            }
        };
        join(join_all(connecting), echoing).await;
    }
}

impl Probe for ReachProbe {
    type Facts = ReachFacts;

    fn name(&self) -> &'static str {
        "reach"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<ReachFacts> {
        let facts = ReachFacts::default();
        let mut report = Report::new(self.name(), target.clone(), cx.now(), facts);
        let Target::Host { host, port } = target else {
            report.failure = Some(Failure::unfit_target(target));
            return report;
        };
        let mut log = Log::begin(cx);
        let ports = port.map_or_else(|| self.options.ports.clone(), |port| vec![port]);
        match self.options.net.addresses(host, &mut log).await {
            Ok(addresses) => {
                let mut others = self.options.witnesses.clone();
                others.retain(|port| !ports.contains(port));
                let all = || ports.iter().chain(&others).copied();
                let new = |address: IpAddr| AddressFacts::new(address, all());
                report.facts.addresses = addresses.into_iter().map(new).collect();
                let patience = self.options.patience;
                let looking = stream::iter(&mut report.facts.addresses)
                    .for_each_concurrent(Self::AT_ONCE, |facts| self.look(facts, patience));
                // What has not answered by then has not answered: that is in the facts already.
                let _ = log.within(REACH, looking).await;
            }
            Err(failure) => report.failure = Some(failure),
        }
        if report.failure.is_none() && report.facts.life() == Life::Unknown {
            report.failure = Some(unknown(&report.facts));
        }
        for finding in judge(&report.facts, &ports) {
            report.add_finding(finding);
        }
        log.close(&mut report);
        report
    }
}

/// Asks for a connection, and closes it.
async fn connect(from: IpAddr, to: IpAddr, facts: &mut PortFacts, patience: Duration) {
    let begun = Instant::now();
    facts.state = PortState::Silent;
    let connected = timeout(patience, try_connect(from, SocketAddr::new(to, facts.port))).await;
    let Ok(connected) = connected else {
        return;
    };
    facts.state = match connected {
        Ok(_) => PortState::Open,
        Err(error) => meaning(&error),
    };
    if matches!(facts.state, PortState::Open | PortState::Refused) {
        facts.time = Some(begun.elapsed());
    }
}

async fn try_connect(from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(to).await
}

/// There is a route, so an error that tells of none comes from somebody on it.
fn meaning(error: &io::Error) -> PortState {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => PortState::Refused,
        io::ErrorKind::TimedOut => PortState::Silent,
        _ if is_unreachable(error) => PortState::Unreachable,
        _ => PortState::Local(error.to_string()),
    }
}

/// Why we could not look.
fn unknown(facts: &ReachFacts) -> Failure {
    let whys = facts.addresses.iter().filter_map(|one| {
        let local = |port: &PortFacts| match &port.state {
            PortState::Local(why) => Some(why.clone()),
            _ => None,
        };
        let ports = || one.ports.iter().find_map(local);
        let echo = || match &one.echo.state {
            EchoState::Unavailable(why) => Some(why.clone()),
            _ => None,
        };
        let why = one.no_way.clone().or_else(ports).or_else(echo)?;
        Some(format!("{}: {why}", one.address))
    });
    let whys: Vec<_> = whys.take(4).collect();
    let detail = match whys.is_empty() {
        true => "nothing was tried before the time was over".to_owned(),
        false => whys.join(", "),
    };
    Failure::new(REACH, FailureKind::Local, detail)
}
