//! From a name to a connection: resolution, the race of the addresses, and what their failures mean.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::io;
use std::net::UdpSocket;

use futures_util::stream::{FuturesUnordered, StreamExt};
use probe_core::{Failure, FailureKind, FindingKind, Host, HostName, Phase, Severity};
use rustls::pki_types::ServerName;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::tls::SecretsOver;
use crate::{Ends, Log, Net, Wire};

/// Some address of the host did not take the connection while another did.
pub static ADDRESS_FAILED: FindingKind = FindingKind::new(
    "connect.address-failed",
    Severity::Warning,
    "one of the host's addresses does not answer",
    "Mend the server behind that address or take the address out of DNS: clients that try it first wait or fail.",
);

/// The most addresses of one host that are used: whoever writes the zone does not decide how many sockets we
/// open.
const ADDRESSES: usize = 64;

/// How long one address is waited for before the next is tried beside it (RFC 8305 section 5).
const HEAD_START: Duration = Duration::from_millis(250);

/// One place to connect to, and what is expected of it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Endpoint {
    /// Name or address.
    pub host: Host,
    /// TCP port.
    pub port: u16,
    /// The name to ask for in TLS and to find in the certificate, where it is not the host's.
    pub server_name: Option<HostName>,
    /// The weakest channel that secrets may travel.
    pub secrets_over: SecretsOver,
}

impl Endpoint {
    /// A place, with nothing special about it.
    pub fn new(host: Host, port: u16) -> Self {
        Self {
            host,
            port,
            server_name: None,
            secrets_over: SecretsOver::default(),
        }
    }

    /// The name to ask for in TLS, if it is one.
    pub(crate) fn name(&self) -> Option<&HostName> {
        match (&self.server_name, &self.host) {
            (Some(name), _) | (None, Host::Name(name)) => Some(name),
            (None, Host::Address(_)) => None,
        }
    }

    /// What a certificate must be valid for.
    fn certificate_name(&self) -> ServerName<'static> {
        let name = match (self.name(), &self.host) {
            (Some(name), _) | (None, Host::Name(name)) => name,
            (None, Host::Address(address)) => return ServerName::IpAddress((*address).into()),
        };
        // HostName admits only what TLS admits too; if the two ever part, no certificate fits.
        ServerName::try_from(name.as_str().to_owned())
            .unwrap_or_else(|_| ServerName::IpAddress(core::net::Ipv4Addr::UNSPECIFIED.into()))
    }
}

impl Net {
    /// The addresses of a host, IPv6 and IPv4 in turn (RFC 8305 section 4).
    ///
    /// # Errors
    /// [`Unresolved`](FailureKind::Unresolved), or the time is over.
    pub async fn addresses(&self, host: &Host, log: &mut Log) -> Result<Vec<IpAddr>, Failure> {
        let name = match host {
            Host::Address(address) => return Ok(vec![*address]),
            Host::Name(name) => name,
        };
        let unresolved =
            |detail: String| Failure::new(Phase::RESOLVE, FailureKind::Unresolved, detail);
        let found = log
            .within(Phase::RESOLVE, self.resolver.resolve(name))
            .await?
            .map_err(|error| unresolved(format!("{name}: {error}")))?;
        let usable: Vec<_> = found
            .iter()
            .copied()
            .filter(|address| self.family.admits(*address))
            .take(ADDRESSES)
            .collect();
        match (usable.is_empty(), found.is_empty()) {
            (false, _) => Ok(in_turn(usable)),
            (true, true) => Err(unresolved(format!("{name} has no address"))),
            (true, false) => Err(unresolved(format!(
                "{name} has no address of the family that was asked for"
            ))),
        }
    }

    /// The address of ours that packets to this one would come from: whether there is a way there at all. Nothing is sent.
    ///
    /// # Errors
    /// There is none: no route, or no address of that family.
    pub fn way_to(&self, address: IpAddr) -> io::Result<IpAddr> {
        let any = match address {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let socket = UdpSocket::bind((self.source.unwrap_or(any), 0))?;
        // Any port will do: a datagram socket that connects looks for a route, and says nothing.
        socket.connect((address, 9))?;
        Ok(socket.local_addr()?.ip())
    }

    /// Connects to whichever of the addresses answers first, each with a head start before the next.
    ///
    /// # Errors
    /// None of them took the connection. With several, the failure of the one that says most.
    pub async fn connect(
        &self,
        endpoint: &Endpoint,
        addresses: &[IpAddr],
        log: &mut Log,
    ) -> Result<Wire, Failure> {
        let mut failed = Vec::new();
        let race = self.race(endpoint.port, addresses, &mut failed);
        let won = log.within(Phase::CONNECT, race).await;
        for (address, failure) in &failed {
            log.remark(|| format!("{address}: {}", failure.detail));
        }
        let Some((stream, ends)) = won? else {
            return Err(most_telling(failed));
        };
        log.remark(|| format!("connected to {}", ends.server));
        let theirs = failed
            .iter()
            .filter(|(_, failure)| failure.kind != FailureKind::Local);
        for (address, failure) in theirs {
            let evidence = format!("{address}: {}", failure.detail);
            log.oddities.note(&ADDRESS_FAILED, evidence.as_bytes());
        }
        let name = endpoint.certificate_name();
        Ok(Wire::new(stream, self.tls.clone(), name, endpoint.secrets_over).between(ends))
    }

    /// Resolves and connects.
    ///
    /// # Errors
    /// Those of [`Net::addresses`] and [`Net::connect`].
    pub async fn dial(&self, endpoint: &Endpoint, log: &mut Log) -> Result<Wire, Failure> {
        let addresses = self.addresses(&endpoint.host, log).await?;
        self.connect(endpoint, &addresses, log).await
    }

    async fn race(
        &self,
        port: u16,
        addresses: &[IpAddr],
        failed: &mut Vec<(SocketAddr, Failure)>,
    ) -> Option<(TcpStream, Ends)> {
        // The common case, and nothing to race against.
        if let [only] = addresses {
            let (outcome, address) = self.connect_one(SocketAddr::new(*only, port)).await;
            return outcome
                .map_err(|error| failed.push((address, unconnected(&error))))
                .ok();
        }
        let mut waiting = addresses.iter().map(|ip| SocketAddr::new(*ip, port));
        let mut running = FuturesUnordered::new();
        loop {
            if let Some(next) = waiting.next() {
                running.push(self.connect_one(next));
            }
            let finished = match waiting.len() {
                0 => running.next().await,
                _ => match timeout(HEAD_START, running.next()).await {
                    Ok(finished) => finished,
                    Err(_) => continue,
                },
            };
            match finished? {
                (Ok(connected), _) => return Some(connected),
                (Err(error), address) => failed.push((address, unconnected(&error))),
            }
        }
    }

    async fn connect_one(
        &self,
        address: SocketAddr,
    ) -> (io::Result<(TcpStream, Ends)>, SocketAddr) {
        (self.try_connect(address).await, address)
    }

    async fn try_connect(&self, address: SocketAddr) -> io::Result<(TcpStream, Ends)> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // Without it the last message of a TLS handshake and the next command wait for each other's
        // acknowledgement: 40 ms for each probe.
        socket.set_nodelay(true)?;
        if let Some(source) = self.source {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let mut stream = socket.connect(address).await?;
        let local = stream.local_addr()?;
        if let Some(proxy) = &self.proxy {
            stream.write_all(&proxy.header(local, address)).await?;
        }
        Ok((stream, Ends::new(local, address)))
    }
}

/// One of each family in turn, beginning with the family of the first.
fn in_turn(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let first_is_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses
        .into_iter()
        .partition(|address| address.is_ipv6() == first_is_v6);
    let mut second = second.into_iter();
    let mut mixed = Vec::new();
    for address in first {
        mixed.push(address);
        mixed.extend(second.next());
    }
    mixed.extend(second);
    mixed
}

/// Of several, what the server did says more than what we could not do.
fn most_telling(mut failed: Vec<(SocketAddr, Failure)>) -> Failure {
    failed.sort_by_key(|(_, failure)| failure.kind == FailureKind::Local);
    let several = failed.len() > 1;
    match failed.into_iter().next() {
        Some((address, failure)) if several => {
            let detail = format!("{address} and all others: {}", failure.detail);
            Failure::new(failure.phase, failure.kind, detail)
        }
        Some((_, failure)) => failure,
        None => Failure::new(
            Phase::CONNECT,
            FailureKind::Local,
            "there is no address to try",
        ),
    }
}

fn unconnected(error: &io::Error) -> Failure {
    use io::ErrorKind;
    let (kind, detail) = match error.kind() {
        ErrorKind::ConnectionRefused => (
            FailureKind::Refused,
            "the connection was refused: nothing listens on that port".to_owned(),
        ),
        ErrorKind::TimedOut => (FailureKind::Timeout, "the host does not answer".to_owned()),
        ErrorKind::HostUnreachable => (
            FailureKind::Unreachable,
            "the host cannot be reached".to_owned(),
        ),
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => (
            FailureKind::Closed,
            "the connection was reset as soon as it stood".to_owned(),
        ),
        ErrorKind::NetworkUnreachable => (
            FailureKind::Local,
            "this machine has no route to that network".to_owned(),
        ),
        _ => (
            FailureKind::Local,
            format!("this machine cannot connect: {error}"),
        ),
    };
    Failure::new(Phase::CONNECT, kind, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_families_take_turns_beginning_with_the_resolvers_choice() {
        let parse = |texts: &[&str]| -> Vec<IpAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let given = parse(&["::1", "::2", "::3", "192.0.2.1"]);
        assert_eq!(in_turn(given), parse(&["::1", "192.0.2.1", "::2", "::3"]));
    }

    #[test]
    fn what_the_server_did_says_more_than_what_we_could_not_do() {
        let refused = unconnected(&io::ErrorKind::ConnectionRefused.into());
        let no_route = unconnected(&io::ErrorKind::NetworkUnreachable.into());
        let failed = vec![
            ("[2001:db8::1]:25".parse().unwrap(), no_route),
            ("192.0.2.1:25".parse().unwrap(), refused),
        ];
        assert_eq!(most_telling(failed).kind, FailureKind::Refused);
    }
}
