//! Echoes sent and heard. A datagram socket of ICMP needs no rights where the system allows it
//! (`net.ipv4.ping_group_range`); where it does not, a raw socket does for those who may have one.

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;
use std::io;

use probe_net::message::Token;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::echo::{Echo, Icmp};
use super::facts::{EchoFacts, EchoState};

/// A socket for the echoes of one address.
#[derive(Debug)]
pub(super) struct Pinger {
    /// Whatever its protocol, it is a connected socket of datagrams.
    socket: UdpSocket,
    icmp: Icmp,
    identifier: u16,
    payload: String,
}

/// How many echoes, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) count: u16,
    pub(super) interval: Duration,
    pub(super) patience: Duration,
}

impl Pinger {
    /// So many messages that are no answer of ours are listened to between two echoes.
    const STRAYS: u16 = 256;
    /// The longest message that is heard; ours has 40 octets, and an IPv4 header 60 at most.
    const MESSAGE: usize = 512;

    /// A socket between these two.
    pub(super) fn open(from: IpAddr, to: IpAddr) -> Result<Self, String> {
        let token = Token::random().map_err(|error| error.to_string())?;
        let payload = token.to_string();
        let digits = payload.get(..4).unwrap_or_default();
        let own = u16::from_str_radix(digits, 16).unwrap_or_default();
        let socket = match connected(from, to, Type::DGRAM) {
            Ok(socket) => socket,
            Err(why) => connected(from, to, Type::RAW)
                .map_err(|raw| format!("{why}; with a raw socket: {raw}"))?,
        };
        let (socket, is_raw) = socket;
        // The system puts its own number in the place of ours, and only hands on what has it.
        let port = socket.local_addr().map_or(0, |address| address.port());
        let identifier = match (is_raw, port) {
            (false, port @ 1..) => port,
            _ => own,
        };
        Ok(Self {
            socket,
            icmp: match to {
                IpAddr::V4(_) => Icmp::V4,
                IpAddr::V6(_) => Icmp::V6,
            },
            identifier,
            payload,
        })
    }

    /// Sends them at this pace, and hears what comes of them. What was learned is there also where this is not waited for.
    pub(super) async fn run(&self, pace: Pace, facts: &mut EchoFacts) {
        facts.state = EchoState::Silent;
        let mut heard = Heard {
            facts,
            waiting: Vec::new(),
            trouble: None,
        };
        for sequence in 0..pace.count {
            let request = self.echo(sequence).request(self.icmp);
            let now = Instant::now();
            match self.socket.send(&request).await {
                Ok(_) => {
                    heard.facts.sent += 1;
                    heard.waiting.push(Some(now));
                }
                Err(error) => {
                    heard.trouble = Some(error);
                    heard.waiting.push(None);
                }
            }
            let is_last = sequence + 1 == pace.count;
            let until = match is_last {
                true => now + pace.patience,
                false => now + pace.interval,
            };
            self.listen(until, is_last, &mut heard).await;
        }
        heard.conclude();
    }

    /// Hears what comes until then, or until nothing is waited for any more.
    async fn listen(&self, until: Instant, is_last: bool, heard: &mut Heard<'_>) {
        let mut message = [0; Self::MESSAGE];
        for _ in 0..Self::STRAYS {
            if is_last && heard.waiting.iter().all(Option::is_none) {
                return;
            }
            match timeout_at(until, self.socket.recv(&mut message)).await {
                Err(_) => return,
                Ok(Ok(octets)) => self.hear(message.get(..octets).unwrap_or_default(), heard),
                Ok(Err(error)) => heard.trouble = Some(error),
            }
        }
        sleep_until(until).await;
    }

    fn hear(&self, message: &[u8], heard: &mut Heard<'_>) {
        let now = Instant::now();
        let is_ours = |echo: &Echo<'_>| *echo == self.echo(echo.sequence);
        if Echo::of_request(message, self.icmp).is_some_and(|echo| is_ours(&echo)) {
            return;
        }
        let echo = Echo::of_reply(message, self.icmp).filter(is_ours);
        let place = echo.map(|echo| usize::from(echo.sequence));
        let sent = place.and_then(|place| heard.waiting.get_mut(place)?.take());
        match sent {
            Some(sent) => {
                heard.facts.state = EchoState::Answered;
                heard.facts.times.add(now - sent);
            }
            None => heard.facts.strays = heard.facts.strays.saturating_add(1),
        }
    }

    fn echo(&self, sequence: u16) -> Echo<'_> {
        Echo {
            identifier: self.identifier,
            sequence,
            payload: self.payload.as_bytes(),
        }
    }
}

/// What was heard so far.
struct Heard<'a> {
    facts: &'a mut EchoFacts,
    /// When each was sent that has not come back.
    waiting: Vec<Option<Instant>>,
    trouble: Option<io::Error>,
}

impl Heard<'_> {
    fn conclude(self) {
        let Some(error) = self.trouble else {
            return;
        };
        if self.facts.state == EchoState::Answered {
            return;
        }
        let is_theirs = is_unreachable(&error) || error.kind() == io::ErrorKind::ConnectionRefused;
        self.facts.state = match (is_theirs, self.facts.sent) {
            (true, _) => EchoState::Unreachable,
            (false, 0) => EchoState::Unavailable(error.to_string()),
            (false, _) => EchoState::Silent,
        };
    }
}

/// Whether somebody on the way says so.
pub(super) fn is_unreachable(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable
    )
}

fn connected(from: IpAddr, to: IpAddr, kind: Type) -> io::Result<(UdpSocket, bool)> {
    let (domain, protocol) = match to {
        IpAddr::V4(_) => (Domain::IPV4, Protocol::ICMPV4),
        IpAddr::V6(_) => (Domain::IPV6, Protocol::ICMPV6),
    };
    let socket = Socket::new(domain, kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    socket.bind(&SocketAddr::new(from, 0).into())?;
    socket.connect(&SocketAddr::new(to, 0).into())?;
    let socket = UdpSocket::from_std(socket.into())?;
    Ok((socket, kind == Type::RAW))
}
