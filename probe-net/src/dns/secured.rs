//! Questions over TLS (RFC 7858): one connection to each resolver, over which many questions go at once.

use core::net::SocketAddr;
use std::collections::HashMap;
use std::io;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use probe_core::{Context, Failure, FailureKind, Host, HostName, Phase};

use crate::wire::Received;
use crate::{Endpoint, Log, Net, Wire};

/// How resolvers are spoken with over TLS.
#[derive(Clone, Debug)]
pub(super) struct OverTls {
    pub(super) net: Net,
    /// What their certificates must be valid for.
    pub(super) name: HostName,
}

/// The connections, by lane.
#[derive(Debug, Default)]
pub(super) struct Secured(HashMap<usize, Wire>);

impl Secured {
    /// The frame of a message (RFC 7858 section 3.3).
    const LENGTH: usize = 2;

    /// Says this to a resolver, which is connected to where it is not yet.
    pub(super) async fn send(
        &mut self,
        lane: usize,
        server: SocketAddr,
        over: &OverTls,
        bytes: &[u8],
        within: Duration,
    ) -> io::Result<()> {
        let length = u16::try_from(bytes.len()).map_err(io::Error::other)?;
        let framed = [&length.to_be_bytes()[..], bytes].concat();
        let sending = async {
            let wire = match self.0.entry(lane) {
                std::collections::hash_map::Entry::Occupied(open) => open.into_mut(),
                std::collections::hash_map::Entry::Vacant(place) => {
                    let wire = connect(server, over, within).await;
                    place.insert(wire.map_err(|failure| io::Error::other(failure.detail))?)
                }
            };
            wire.write(&framed).await?;
            // A server with Nagle's algorithm holds the next answer back until this one's is acknowledged.
            wire.hurry();
            Ok(())
        };
        match tokio::time::timeout(within, sending).await {
            Ok(sent) => sent,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    /// Waits until more has come from any of them. Cancelling it loses nothing.
    pub(super) async fn hear(&mut self) -> (usize, io::Result<Received>) {
        if self.0.is_empty() {
            return core::future::pending().await;
        }
        let lines = self.0.iter_mut();
        let mut reads: FuturesUnordered<_> = lines
            .map(|(lane, wire)| async move { (*lane, wire.read().await) })
            .collect();
        match reads.next().await {
            Some(heard) => heard,
            None => core::future::pending().await,
        }
    }

    /// A whole message that has come.
    pub(super) fn message(&mut self, lane: usize) -> Option<Vec<u8>> {
        let wire = self.0.get_mut(&lane)?;
        let (length, rest) = wire.unread().split_first_chunk::<{ Self::LENGTH }>()?;
        let length = usize::from(u16::from_be_bytes(*length));
        let message = rest.get(..length)?.to_vec();
        wire.consume(Self::LENGTH + length);
        Some(message)
    }

    pub(super) fn close(&mut self, lane: usize) {
        self.0.remove(&lane);
    }
}

/// To a resolver that has proved who it is: nothing less is any better than a datagram.
async fn connect(server: SocketAddr, over: &OverTls, within: Duration) -> Result<Wire, Failure> {
    let mut endpoint = Endpoint::new(Host::Address(server.ip()), server.port());
    endpoint.server_name = Some(over.name.clone());
    let mut log = Log::begin(&Context::default().with_budget(within));
    let mut wire = over
        .net
        .connect(&endpoint, &[server.ip()], &mut log)
        .await?;
    wire.secure(&mut log).await?;
    let facts = wire.tls_facts();
    match facts.and_then(|facts| facts.faults.first()) {
        None => Ok(wire),
        Some(fault) => {
            let detail = format!(
                "the certificate was not verified ({})",
                fault.kind().summary
            );
            Err(Failure::new(Phase::TLS, FailureKind::Tls, detail))
        }
    }
}
