//! What was learned of a host's addresses.

use core::net::IpAddr;
use core::time::Duration;

use probe_core::{Facts, Metric, Record, Unit};
use probe_net::Latencies;

/// What was learned of a host from outside.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ReachFacts {
    /// Its addresses, each by itself.
    pub addresses: Vec<AddressFacts>,
}

/// What was learned of one address.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct AddressFacts {
    /// Which.
    pub address: IpAddr,
    /// Why nothing could be asked of it from here, if that is so: there is no route.
    pub no_way: Option<String>,
    /// The ports that were tried: first those of the service, then the witnesses.
    pub ports: Vec<PortFacts>,
    /// What came of the echoes.
    pub echo: EchoFacts,
}

/// What came of one port.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct PortFacts {
    /// Which.
    pub port: u16,
    /// What came of it.
    pub state: PortState,
    /// Until it came.
    pub time: Option<Duration>,
}

/// What came of a connection to a port.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum PortState {
    /// This machine could not try.
    Local(String),
    /// It stands.
    Open,
    /// The host, or what stands before it, turned it away at once: something there is alive.
    Refused,
    /// Nothing came.
    Silent,
    /// It was not tried before the time was over.
    #[default]
    Untried,
    /// Somebody on the way says that the host cannot be reached.
    Unreachable,
}

impl PortState {
    /// In a word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Local(_) => "local",
            Self::Open => "open",
            Self::Refused => "refused",
            Self::Silent => "silent",
            Self::Untried => "untried",
            Self::Unreachable => "unreachable",
        }
    }
}

/// What came of echoes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct EchoFacts {
    /// In short.
    pub state: EchoState,
    /// So many were sent.
    pub sent: u16,
    /// How long each took that came back.
    pub times: Latencies,
    /// Messages that were no answer to any of ours.
    pub strays: u16,
}

/// What came of echoes, in short.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum EchoState {
    /// At least one came back.
    Answered,
    /// None came back; many hosts and networks answer none on purpose.
    Silent,
    /// This system lets us send none, which says nothing of the host.
    Unavailable(String),
    /// Somebody on the way says that the host cannot be reached.
    Unreachable,
    /// None was sent.
    #[default]
    Untried,
}

impl EchoState {
    /// In a word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Silent => "silent",
            Self::Unavailable(_) => "unavailable",
            Self::Unreachable => "unreachable",
            Self::Untried => "untried",
        }
    }
}

/// Whether somebody is there.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Life {
    /// Something answers, be it to turn us away.
    Alive,
    /// Nothing of what was tried answers.
    Gone,
    /// We could not look.
    Unknown,
}

impl Life {
    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Alive => "alive",
            Self::Gone => "gone",
            Self::Unknown => "unknown",
        }
    }
}

impl ReachFacts {
    /// Whether the host is there: alive where one of its addresses is.
    pub fn life(&self) -> Life {
        let has = |life| self.addresses.iter().any(|one| one.life() == life);
        match (has(Life::Alive), has(Life::Gone)) {
            (true, _) => Life::Alive,
            (false, true) => Life::Gone,
            (false, false) => Life::Unknown,
        }
    }
}

impl AddressFacts {
    pub(super) fn new(address: IpAddr, ports: impl Iterator<Item = u16>) -> Self {
        let untried = |port| PortFacts {
            port,
            state: PortState::Untried,
            time: None,
        };
        Self {
            address,
            no_way: None,
            ports: ports.map(untried).collect(),
            echo: EchoFacts::default(),
        }
    }

    /// Whether somebody is there.
    pub fn life(&self) -> Life {
        let has = |states: [PortState; 2]| self.ports.iter().any(|one| states.contains(&one.state));
        let echo = &self.echo.state;
        if *echo == EchoState::Answered || has([PortState::Open, PortState::Refused]) {
            return Life::Alive;
        }
        let is_unanswered = matches!(echo, EchoState::Silent | EchoState::Unreachable);
        match is_unanswered || has([PortState::Silent, PortState::Unreachable]) {
            true => Life::Gone,
            false => Life::Unknown,
        }
    }

    /// What came of this port.
    pub fn port(&self, port: u16) -> Option<&PortFacts> {
        self.ports.iter().find(|one| one.port == port)
    }
}

impl Facts for ReachFacts {
    fn record(&self, out: &mut Record) {
        out.set("life", self.life().as_str());
        out.trees("addresses", &self.addresses, AddressFacts::record);
    }
}

impl AddressFacts {
    fn record(&self, out: &mut Record) {
        let address = self.address.to_string();
        out.set("address", address.as_str());
        let life = self.life();
        match life {
            Life::Unknown => out.set("life", life.as_str()),
            Life::Alive | Life::Gone => {
                let alive = u64::from(life == Life::Alive);
                let alive = Metric::whole("probe_reach_alive", Unit::Count, alive);
                out.label(
                    "life",
                    life.as_str(),
                    alive.with_label("address", &*address),
                );
            }
        }
        if self.no_way.is_some() {
            out.set("no_way", self.no_way.clone());
        }
        out.trees("ports", &self.ports, |one, out| one.record(&address, out));
        if self.echo.state != EchoState::Untried {
            out.tree("echo", |out| self.echo.record(&address, out));
        }
    }
}

impl PortFacts {
    fn record(&self, address: &str, out: &mut Record) {
        let named = |metric: Metric| {
            let metric = metric.with_label("address", address);
            metric.with_label("port", self.port.to_string())
        };
        out.set("port", self.port);
        let state = self.state.as_str();
        match &self.state {
            PortState::Untried => out.set("state", state),
            PortState::Local(why) => {
                out.set("state", state);
                out.set("why", why.as_str());
            }
            PortState::Open | PortState::Refused | PortState::Silent | PortState::Unreachable => {
                let open = u64::from(self.state == PortState::Open);
                let open = Metric::whole("probe_reach_port_open", Unit::Count, open);
                out.label("state", state, named(open));
            }
        }
        if let Some(time) = self.time {
            out.metric(
                "seconds",
                named(Metric::duration("probe_reach_connect_seconds", time)),
            );
        }
    }
}

impl EchoFacts {
    /// How many did not come back.
    pub fn lost(&self) -> u16 {
        let back = u16::try_from(self.times.count()).unwrap_or(u16::MAX);
        self.sent.saturating_sub(back)
    }

    fn record(&self, address: &str, out: &mut Record) {
        out.set("state", self.state.as_str());
        if let EchoState::Unavailable(why) = &self.state {
            out.set("why", why.as_str());
            return;
        }
        let count = |name, count: u16| {
            Metric::whole(name, Unit::Count, count.into()).with_label("address", address)
        };
        out.metric("sent", count("probe_reach_echo_sent", self.sent));
        out.metric("lost", count("probe_reach_echo_lost", self.lost()));
        let name = "probe_reach_echo_seconds";
        self.times.record_of(name, ("address", address), out);
        if self.strays > 0 {
            out.set("strays", self.strays);
        }
    }
}
