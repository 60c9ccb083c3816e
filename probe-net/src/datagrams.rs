//! Questions and answers by UDP to one server: sent again where nothing comes, heard from nobody else. What is an answer is
//! decided by whoever asks.

use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use core::time::Duration;
use std::io;

use probe_core::{Failure, FailureKind, Phase};
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use crate::{Log, Net};

/// The way to one server by UDP. What comes from other addresses is not heard.
#[derive(Debug)]
pub struct Datagrams {
    socket: UdpSocket,
    buffer: Vec<u8>,
}

impl Net {
    /// A way to this server; nothing is sent yet.
    ///
    /// # Errors
    /// This machine has no socket for it, or no route.
    pub async fn datagrams(&self, server: SocketAddr) -> Result<Datagrams, Failure> {
        let open = async {
            let any = match server {
                SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
                SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
            };
            let socket = UdpSocket::bind((self.source.unwrap_or(any), 0)).await?;
            socket.connect(server).await?;
            Ok(socket)
        };
        let socket = open.await.map_err(|error: io::Error| {
            let detail = format!("this machine cannot ask: {error}");
            Failure::new(Phase::CONNECT, FailureKind::Local, detail)
        })?;
        Ok(Datagrams {
            socket,
            buffer: vec![0; Datagrams::LARGEST],
        })
    }
}

impl Datagrams {
    /// No datagram is larger.
    pub const LARGEST: usize = 65_535;
    /// So long an answer is waited for until the question is sent again, and behind the last time until it is given up.
    pub const WAITS: [Duration; 3] = [
        Duration::from_secs(1),
        Duration::from_secs(2),
        Duration::from_secs(4),
    ];

    /// Asks until `take` makes something of a datagram. What it makes nothing of is passed over.
    ///
    /// # Errors
    /// Nothing came, nothing listens there, or the time is over.
    pub async fn ask<T>(
        &mut self,
        phase: Phase,
        question: &[u8],
        mut take: impl FnMut(&[u8]) -> Option<T>,
        log: &mut Log,
    ) -> Result<T, Failure> {
        let begun = Instant::now();
        let limit = log.limit(phase, begun);
        let mut until = begun;
        let mut outcome = None;
        for wait in Self::WAITS {
            until = limit.min(until + wait);
            let turn = self.ask_once(question, &mut take);
            if let Ok(heard) = timeout_at(until, turn).await {
                outcome = Some(heard);
                break;
            }
            if until >= limit {
                break;
            }
        }
        log.book(phase, begun);
        match outcome {
            Some(Ok(taken)) => Ok(taken),
            Some(Err(error)) => Err(unanswered(phase, &error)),
            None => Err(Log::out_of_time(phase, begun)),
        }
    }

    async fn ask_once<T>(
        &mut self,
        question: &[u8],
        take: &mut impl FnMut(&[u8]) -> Option<T>,
    ) -> io::Result<T> {
        self.socket.send(question).await?;
        loop {
            let length = self.socket.recv(&mut self.buffer).await?;
            let datagram = self.buffer.get(..length).unwrap_or_default();
            if let Some(taken) = take(datagram) {
                return Ok(taken);
            }
        }
    }
}

fn unanswered(phase: Phase, error: &io::Error) -> Failure {
    use io::ErrorKind;
    let (kind, detail) = match error.kind() {
        ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset => (
            FailureKind::Refused,
            "nothing listens on that port".to_owned(),
        ),
        ErrorKind::HostUnreachable => (
            FailureKind::Unreachable,
            "the host cannot be reached".to_owned(),
        ),
        _ => (
            FailureKind::Local,
            format!("this machine cannot ask: {error}"),
        ),
    };
    Failure::new(phase, kind, detail)
}
