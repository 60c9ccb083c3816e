//! A TLS handshake alone: client and server in memory, and only the client's calls timed. Nothing that probes TLS can
//! be cheaper.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rustls::{ClientConnection, ServerConnection};

use crate::certificates::NAME;
use crate::machine;
use crate::outcome::{micros, number};
use crate::rounds::Series;
use crate::stage::Stage;
use crate::table::Table;

/// Prints what it costs.
pub(crate) fn measure(stage: &Stage) -> Result<()> {
    machine::pin(machine::CLIENTS)?;
    let handshake = Handshake::new(stage)?;
    handshake.cost(200)?;
    let costs: Result<Series> = (0..7).map(|_| handshake.cost(1000)).collect();
    let mut table = Table::new(
        "Handshake: rustls, ring, in memory, client only",
        &["", "CPU us"],
    );
    table.line(["ECDSA P-256, TLS 1.3".to_owned(), costs?.show(1)]);
    println!("{table}");
    Ok(())
}

/// Client and server that know each other.
pub(crate) struct Handshake {
    client: Arc<rustls::ClientConfig>,
    server: Arc<rustls::ServerConfig>,
}

impl Handshake {
    pub(crate) fn new(stage: &Stage) -> Result<Self> {
        Ok(Self {
            client: Arc::new(stage.certificates.client()?),
            server: Arc::new(stage.certificates.server(2)?),
        })
    }

    /// The client's CPU time for one, in microseconds: the mean of so many.
    pub(crate) fn cost(&self, times: usize) -> Result<f64> {
        let mut spent = Duration::ZERO;
        for _ in 0..times {
            spent += self.once()?;
        }
        Ok(micros(spent) / number(times))
    }

    fn once(&self) -> Result<Duration> {
        let mut clock = Clock::default();
        let mut server = ServerConnection::new(self.server.clone())?;
        let mut client = clock.time(|| {
            ClientConnection::new(self.client.clone(), NAME.try_into().context("a name")?)
                .context("a client")
        })?;
        while client.is_handshaking() || client.wants_write() || server.wants_write() {
            let mut line = Vec::with_capacity(4096);
            clock
                .time(|| write_all(|| client.wants_write().then(|| client.write_tls(&mut line))))?;
            read_all(&line, |rest| server.read_tls(rest))?;
            server.process_new_packets()?;

            let mut line = Vec::with_capacity(4096);
            write_all(|| server.wants_write().then(|| server.write_tls(&mut line)))?;
            clock.time(|| {
                read_all(&line, |rest| client.read_tls(rest))?;
                client.process_new_packets()?;
                Ok(())
            })?;
        }
        Ok(clock.spent)
    }
}

fn write_all(mut write: impl FnMut() -> Option<std::io::Result<usize>>) -> Result<()> {
    while let Some(written) = write() {
        written?;
    }
    Ok(())
}

fn read_all(line: &[u8], mut read: impl FnMut(&mut &[u8]) -> std::io::Result<usize>) -> Result<()> {
    let mut rest = line;
    while !rest.is_empty() {
        read(&mut rest)?;
    }
    Ok(())
}

#[derive(Default)]
struct Clock {
    spent: Duration,
}

impl Clock {
    fn time<T>(&mut self, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let begun = machine::cpu_of_this_thread();
        let outcome = work();
        self.spent += machine::cpu_of_this_thread().saturating_sub(begun);
        outcome
    }
}
