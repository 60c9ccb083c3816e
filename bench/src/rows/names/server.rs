//! A server of 300 lists, in a process and on a core of its own: it says of every name that it is not there, some lists
//! later than others.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use tokio::net::UdpSocket;
use tokio::time::sleep;

use crate::machine;
use crate::stage::this_program;

/// How it behaves.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Lists {
    /// Milliseconds that the slowest list takes; the others less, by their number
    #[arg(long, default_value_t = 0)]
    slowest: u64,
}

/// The running server.
pub(crate) struct NameServer {
    pub(super) address: SocketAddr,
    process: Child,
}

impl NameServer {
    pub(super) fn start(arguments: &[&str]) -> Result<Self> {
        let mut process = this_program("names-server")?
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().context("the server has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        Ok(Self {
            address: line.trim().parse()?,
            process,
        })
    }
}

impl Drop for NameServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Serves until it is killed. It takes port 53 where it may: some clients ask no other.
pub(crate) fn serve(lists: Lists) -> Result<()> {
    machine::pin(machine::SERVERS)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let socket = match UdpSocket::bind("127.99.0.53:53").await {
            Ok(socket) => socket,
            Err(_) => UdpSocket::bind("127.0.0.1:0").await?,
        };
        println!("{}", socket.local_addr()?);
        std::io::stdout().flush()?;
        let socket = Arc::new(socket);
        let mut room = [0; 2048];
        loop {
            let (length, client) = socket.recv_from(&mut room).await?;
            let Some(reply) = reply(room.get(..length).unwrap_or_default()) else {
                continue;
            };
            if lists.slowest == 0 {
                socket.send_to(&reply, client).await?;
                continue;
            }
            let (socket, wait) = (socket.clone(), delay(&reply, lists.slowest));
            tokio::spawn(async move {
                sleep(wait).await;
                let _ = socket.send_to(&reply, client).await;
            });
        }
    })
}

/// NXDOMAIN, without the records behind the question.
fn reply(question: &[u8]) -> Option<Vec<u8>> {
    let end = question_end(question)?;
    let mut reply = question.get(..end)?.to_vec();
    let header = reply.get_mut(2..12)?;
    header.copy_from_slice(&[0x81, 0x83, 0, 1, 0, 0, 0, 0, 0, 0]);
    Some(reply)
}

fn question_end(question: &[u8]) -> Option<usize> {
    let mut at = 12;
    loop {
        match usize::from(*question.get(at)?) {
            0 => return Some(at + 5),
            length => at += length + 1,
        }
    }
}

/// By the fifth label, which numbers the list.
fn delay(question: &[u8], slowest: u64) -> Duration {
    let text = String::from_utf8_lossy(question);
    let digits = text.to_ascii_lowercase();
    let number = digits
        .split_once("\u{4}l")
        .and_then(|(_, rest)| rest.get(..3)?.parse().ok());
    Duration::from_millis(number.unwrap_or(0_u64) * slowest / 299)
}
