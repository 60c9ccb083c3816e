//! What a measurement needs around it: certificates, servers in processes of their own, and clients in others, so that
//! no client finds the memory warmed or crowded by another.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use clap::ValueEnum;
use tempfile::TempDir;

use crate::certificates::Certificates;
use crate::client::{Manner, Who};
use crate::outcome::Outcome;

/// One run's certificates.
pub(crate) struct Stage {
    pub(crate) certificates: Certificates,
    _folder: TempDir,
}

impl Stage {
    pub(crate) fn set() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        Ok(Self {
            certificates: Certificates::issue(folder.path())?,
            _folder: folder,
        })
    }

    /// Starts a server on the loopback address; arguments are those of the hidden subcommand `server`.
    pub(crate) fn server(&self, arguments: &[&str]) -> Result<Server> {
        self.server_on(Ipv4Addr::LOCALHOST.into(), arguments)
    }

    /// Starts a server on another address of this machine.
    pub(crate) fn server_on(&self, address: IpAddr, arguments: &[&str]) -> Result<Server> {
        let mut process = this_program("server")?
            .arg("--certificates")
            .arg(self.certificates.folder())
            .args(["--address", &address.to_string()])
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = process.stdout.take().context("the server has no output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let (clear, implicit) = line.trim().split_once(' ').context("no server")?;
        Ok(Server {
            process,
            clear: SocketAddr::new(address, clear.parse()?),
            implicit: SocketAddr::new(address, implicit.parse()?),
        })
    }

    /// The command that runs a client; more arguments are those of the hidden subcommand `client`.
    pub(crate) fn client(&self, who: Who, manner: Manner, server: SocketAddr) -> Result<Command> {
        let mut command = this_program("client")?;
        command
            .args(["--who", &word(who)?, "--manner", &word(manner)?])
            .args(["--server", &server.to_string()])
            .arg("--certificates")
            .arg(self.certificates.folder());
        Ok(command)
    }

    /// Lets a client ask so often, so many at a time.
    pub(crate) fn ask(&self, ask: &Ask, server: &Server) -> Result<Outcome> {
        let outcome = self.try_ask(ask, server.for_manner(ask.manner))?;
        ensure!(
            outcome.failed == 0.0,
            "{} failed {} times of {}",
            ask.who.name(),
            outcome.failed,
            outcome.times
        );
        Ok(outcome)
    }

    /// The same, where failures are of interest.
    pub(crate) fn try_ask(&self, ask: &Ask, server: SocketAddr) -> Result<Outcome> {
        let mut command = self.client(ask.who, ask.manner, server)?;
        command
            .args(["--times", &ask.times.to_string()])
            .args(["--at-once", &ask.at_once.to_string()])
            .args(&ask.more);
        Outcome::parse(&text_of(&mut command)?)
    }
}

/// What a client is told to do.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) who: Who,
    pub(crate) manner: Manner,
    pub(crate) times: usize,
    pub(crate) at_once: usize,
    pub(crate) more: Vec<&'static str>,
}

impl Ask {
    pub(crate) fn new(who: Who, manner: Manner, times: usize, at_once: usize) -> Self {
        Self {
            who,
            manner,
            times,
            at_once,
            more: Vec::new(),
        }
    }

    pub(crate) fn with(mut self, more: &[&'static str]) -> Self {
        self.more.extend(more);
        self
    }
}

/// A server; it ends with this value.
pub(crate) struct Server {
    process: Child,
    pub(crate) clear: SocketAddr,
    pub(crate) implicit: SocketAddr,
}

impl Server {
    pub(crate) fn for_manner(&self, manner: Manner) -> SocketAddr {
        match manner {
            Manner::Plain | Manner::Starttls => self.clear,
            Manner::Implicit => self.implicit,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Another process of this program.
pub(crate) fn this_program(subcommand: &str) -> Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(subcommand);
    Ok(command)
}

/// What a command writes to its standard output, if all goes well.
pub(crate) fn text_of(command: &mut Command) -> Result<String> {
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{} does not start", command.get_program().display()))?;
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A value as it stands on the command line.
fn word(value: impl ValueEnum) -> Result<String> {
    let value = value.to_possible_value().context("a value without name")?;
    Ok(value.get_name().to_owned())
}
