//! Keeps one server's processes together, so that exactly they can be ended, whoever asks and
//! whenever.
//!
//! A server runs in a process namespace whose first process is a shell that waits for it: when
//! that one ends, the kernel ends all the others, daemons and strays included. (The server itself
//! would not do: a process that ever changes its user is no longer ended with its parent.) The
//! process recorded is `unshare`, which stands outside, ends when the namespace is empty, and
//! takes it along when it is killed. It writes its own record before it becomes `unshare`, so there
//! is no moment at which a server runs and nobody knows. The record is the kernel's own line on it,
//! with the start time: a pid that was given to another process since is never mistaken for ours.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::Lab;
use super::server::Server;
use crate::process;

const RECORD_THEN_UNSHARE: &str = r#"cat /proc/$$/stat >"$0" && exec unshare "$@""#;
const NAMESPACE: [&str; 6] = [
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
    "--",
];
const WAIT_FOR_IT: [&str; 4] = ["sh", "-c", r#""$@" & wait"#, "lab"];
const LIMIT: Duration = Duration::from_secs(10);

/// The way from a server's name to its processes.
#[derive(Debug)]
pub(crate) struct Keeper {
    record: PathBuf,
    console: PathBuf,
}

impl Keeper {
    pub(crate) fn of(lab: &Lab, server: &dyn Server) -> Self {
        let file = |end: &str| lab.folder().join(format!("{}.{end}", server.name()));
        Self {
            record: file("pid"),
            console: file("console"),
        }
    }

    /// Whether this machine lets us make namespaces at all: root in an unprivileged container may
    /// not.
    pub(crate) fn is_possible() -> bool {
        process::succeeds(Command::new("unshare").args(NAMESPACE).arg("true"))
    }

    /// What the server printed before it had a log.
    pub(crate) fn console(&self) -> &PathBuf {
        &self.console
    }

    /// The recorded process, if it still runs.
    pub(crate) fn pid(&self) -> Option<u32> {
        let recorded = Stat::parse(&fs::read_to_string(&self.record).ok()?)?;
        recorded.still_runs().then_some(recorded.pid)
    }

    /// Starts a command in a session and a namespace of its own.
    pub(crate) fn start(&self, command: &[String]) -> Result<()> {
        let console = File::create(&self.console)?;
        Command::new("setsid")
            .args(["sh", "-c", RECORD_THEN_UNSHARE])
            .arg(&self.record)
            .args(NAMESPACE)
            .args(WAIT_FOR_IT)
            .args(command)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(console.try_clone()?)
            .stderr(console)
            .spawn()
            .context("cannot run setsid")?;
        let until = Instant::now() + LIMIT;
        while self.pid().is_none() && Instant::now() < until && self.said_nothing() {
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Ends the namespace at once (what the servers hold is thrown away anyway), and returns when
    /// its last process is gone.
    pub(crate) fn stop(&self) -> Result<()> {
        let until = Instant::now() + LIMIT;
        while let Some(pid) = self.pid() {
            // Its first process, or unshare itself if it has none yet.
            kill(child_of(pid).unwrap_or(pid));
            ensure!(Instant::now() < until, "process {pid} does not end");
            thread::sleep(Duration::from_millis(10));
        }
        match fs::remove_file(&self.record) {
            Err(error) if self.record.exists() => {
                Err(error).context("cannot forget an ended server")
            }
            _ => Ok(()),
        }
    }

    fn said_nothing(&self) -> bool {
        fs::metadata(&self.console).is_ok_and(|file| file.len() == 0)
    }
}

/// What tells one process from every other: number and start time.
#[derive(Debug)]
struct Stat {
    pid: u32,
    parent: u32,
    state: char,
    started: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// `pid (name) state parent ...`, see proc(5); the name may hold blanks and parentheses.
    fn parse(line: &str) -> Option<Self> {
        let (head, tail) = line.rsplit_once(')')?;
        let mut fields = tail.split_ascii_whitespace();
        Some(Self {
            pid: head.split_once(' ')?.0.parse().ok()?,
            state: fields.next()?.parse().ok()?,
            parent: fields.next()?.parse().ok()?,
            started: fields.nth(17)?.parse().ok()?,
        })
    }

    fn still_runs(&self) -> bool {
        Self::of(self.pid)
            .is_some_and(|now| now.started == self.started && !matches!(now.state, 'Z' | 'X'))
    }
}

fn child_of(pid: u32) -> Option<u32> {
    let entries = fs::read_dir("/proc").ok()?;
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(Stat::of)
        .find(|stat| stat.parent == pid)
        .map(|stat| stat.pid)
}

/// The shell's kill, because there is none in the standard library. Who has just gone is no error.
fn kill(pid: u32) {
    process::succeeds(Command::new("sh").args(["-c", r#"kill -s KILL "$0""#, &pid.to_string()]));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_from_the_kernels_line_even_if_its_name_has_parentheses() {
        let line =
            "4321 (odd ) name) S 17 4321 4321 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1 2";
        let stat = Stat::parse(line).unwrap();
        assert_eq!(
            (stat.pid, stat.state, stat.parent, stat.started),
            (4321, 'S', 17, 98765)
        );
    }

    #[test]
    fn a_record_that_was_cut_off_names_no_process() {
        assert!(Stat::parse("4321 (sh) S 17 43").is_none());
        assert!(Stat::parse("").is_none());
    }
}
