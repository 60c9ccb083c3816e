//! The lab: real mail servers, what their users reach over the web, blocklists, resolvers and a root
//! server, as Debian 12 packs them, on loopback addresses of our own (127.88.0.0/24).
//!
//! Some serve well and some badly on purpose, so that a probe meets expired certificates, silent
//! greeters and broken logins before its users do. The host's configuration is never touched:
//! everything lives in one folder (`$MAILPROBE_LAB_DIR`, by default `/var/tmp/mailprobe-lab`), and
//! every server runs in a process namespace of its own, which ends as a whole. Nothing survives
//! `down`, and `up` starts from an empty folder: certificates are always fresh, and a lab that was
//! killed half-way leaves nothing behind that the next one would trip over. What cannot be installed beside the others is
//! only [unpacked](beside), into `/var/cache/mailprobe-lab`.
//!
//! A server is one file beside [`postfix`] and [`dovecot`]; a listener is one row of its table, and
//! a blocklist one of [`rbldnsd`]'s. To add a server, write its [`Server`] and name it in
//! [`server::all`].
//!
//! # What a test reads
//!
//! A test finds the folder in `$MAILPROBE_LAB` and in it `lab.json`, the lab's only interface:
//!
//! ```json
//! {
//!   "version": 1,
//!   "domain": "lab.test",
//!   "ca": "<dir>/tls/ca.pem",
//!   "intermediate": "<dir>/tls/intermediate.pem",
//!   "trust_anchors": "<dir>/nsd/ds.zone",
//!   "queue": { "socket": "<dir>/postfix/spool/public/showq", "config": "<dir>/postfix/etc" },
//!   "queues": {
//!     "postfix": {
//!       "socket": "<dir>/queues/spool/public/showq", "config": "<dir>/queues/etc",
//!       "since": "<dir>/queues/since", ...
//!     },
//!     "exim": ["unshare", ...]
//!   },
//!   "client": { "certificate": "<dir>/tls/client.pem", "key": "<dir>/tls/client.key" },
//!   "users": {
//!     "alice": {
//!       "name": "alice@lab.test", "password": "alice pw#1", "enabled": true,
//!       "quirk": "six messages that nobody changes; ..."
//!     }
//!   },
//!   "tokens": {
//!     "alice": { "user": "alice@lab.test", "file": "<dir>/tokens/alice", "valid": true }
//!   },
//!   "recipients": { "greylisted": { "address": "greylisted@lab.test", "reply": "450 4.7.1" } },
//!   "snmp": {
//!     "communities": { "machine-community": { "sees": "machine" } },
//!     "users": {
//!       "priv-sha256": {
//!         "hash": "SHA-256", "level": "priv", "auth_password": "...", "priv_password": "..."
//!       }
//!     },
//!     "messages": 7, "kilo_octets": 91
//!   },
//!   "lists": { "notxt.rbl.test": { "quirk": "gives no reason; has 127.88.1.1" } },
//!   "listeners": {
//!     "smtp-expired": {
//!       "server": "postfix", "name": "expired.lab.test", "address": "127.88.0.12", "port": 25,
//!       "quirk": "its certificate expired in 2021"
//!     }
//!   }
//! }
//! ```
//!
//! A listener of the web is asked over HTTPS where it has a certificate, and what it serves is in its
//! `quirk`: ActiveSync and webmail at `eas-good` and, each wrong in one way, at the others named
//! `eas-`; Exchange's own word on its health at `exchange-`; JMAP at `jmap`. All of the lab's users
//! may use ActiveSync but `noeas`; JMAP knows alice alone.
//!
//! Queues that have grown on purpose are in `queues`: Postfix's have the ages of their table at the time that stands in `since`;
//! the programs of the other servers are run by the words that are given, with their own behind them.
//!
//! Keys are only ever added. Names resolve nowhere but at the listener `unbound`: connect to
//! `address`, present `name` as the server's name. A listener on `::1` is only there where the
//! machine has IPv6. The blocklists, by their zones, are served by the listener `rbldnsd`, and by
//! `unbound` in front of it; the way to them from a root begins at the listener `nsd-root`.

mod accounts;
mod beside;
mod certificates;
mod cyrus;
mod dns;
mod dovecot;
mod exporters;
mod install;
mod keeper;
mod manifest;
mod memcached;
mod nginx;
mod nsd;
mod postfix;
mod postgres;
mod queues;
mod rbldnsd;
mod server;
mod snmpd;
mod sogo;
mod unbound;

use std::fs::{self, File, TryLockError};
use std::net::{Ipv6Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};
use std::{env, error, fmt, thread};

use anyhow::{Context, Result, ensure};
use clap::Subcommand;

use crate::process;
use keeper::Keeper;
use server::{Listener, Server};

/// Where packages are unpacked that cannot be installed: not in the lab's folder, which is emptied at every start.
const UNPACKED: &str = "/var/cache/mailprobe-lab";
const DEFAULT_FOLDER: &str = "/var/tmp/mailprobe-lab";
/// Held while the lab changes; also the sign that a folder is ours to empty.
const LOCK: &str = "mailprobe-lab.lock";
const READY_WITHIN: Duration = Duration::from_secs(20);

/// What `cargo xtask lab` can be asked to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Installs the servers' packages (Debian, root); starts nothing
    Install,
    /// Starts every server; does nothing where they already run
    Up,
    /// Ends every server
    Down,
    /// One line per server
    Status,
    /// Runs a command with MAILPROBE_LAB and SSL_CERT_FILE set
    Exec {
        program: String,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// The lab cannot be on this machine, and that is nobody's fault: not Linux, not root, no apt, no
/// namespaces.
#[derive(Debug)]
pub(crate) struct Unavailable(pub(crate) String);

impl Unavailable {
    /// `EX_UNAVAILABLE` of sysexits.h: neither success nor a failure of the lab.
    pub(crate) const EXIT_STATUS: u8 = 69;
}

impl error::Error for Unavailable {}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no lab here: {}", self.0)
    }
}

/// Where the packages of this server are that are only unpacked.
fn unpacked(server: &dyn Server) -> PathBuf {
    Path::new(UNPACKED).join(server.name())
}

/// Does what the command line says.
pub(crate) fn run(action: Action) -> Result<ExitCode> {
    let lab = Lab::from_environment()?;
    match action {
        Action::Install => install::install()?,
        Action::Up => {
            let news = if lab.up()? { "is up" } else { "was already up" };
            println!("lab: {news}, described in {}", lab.manifest().display());
        }
        Action::Down => lab.down()?,
        Action::Status => lab.status(),
        Action::Exec { program, arguments } => return lab.exec(&program, &arguments),
    }
    Ok(ExitCode::SUCCESS)
}

/// The lab's folder, and what can be done with the lab that lives in it.
#[derive(Debug)]
pub(crate) struct Lab {
    folder: PathBuf,
    has_ipv6: bool,
}

impl Lab {
    /// The lab in `$MAILPROBE_LAB_DIR`, or in the usual place.
    pub(crate) fn from_environment() -> Result<Self> {
        let folder = env::var("MAILPROBE_LAB_DIR").unwrap_or_else(|_| DEFAULT_FOLDER.to_owned());
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
        // Postfix splits its settings at blanks and commas, and a socket's path has at most 107
        // bytes.
        ensure!(
            folder.starts_with('/') && folder.chars().all(plain) && folder.len() <= 60,
            "MAILPROBE_LAB_DIR must be an absolute path of at most 60 letters, digits and ./_-, \
             not {folder:?}",
        );
        Ok(Self {
            folder: folder.into(),
            has_ipv6: TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok(),
        })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Installs what is missing and starts all servers. `false`: they ran already, exactly as they
    /// would be started now.
    pub(crate) fn up(&self) -> Result<bool> {
        install::install()?;
        let _lock = self.lock()?;
        if self.is_current() {
            return Ok(false);
        }
        self.stop_all()?;
        self.require_free_ports()?;
        self.write_all()?;
        // Either all of it, or nothing.
        self.start_all().inspect_err(|_| drop(self.stop_all()))?;
        Ok(true)
    }

    /// Ends all servers and everything they started. What they logged stays until the next `up`.
    pub(crate) fn down(&self) -> Result<()> {
        if !self.folder.join(LOCK).exists() {
            return Ok(());
        }
        let _lock = self.lock()?;
        self.stop_all()
    }

    fn status(&self) {
        for server in server::all() {
            let listeners = server.listeners(self).len();
            match Keeper::of(self, server).pid() {
                Some(pid) => println!("{:8} up    pid {pid}, {listeners} listeners", server.name()),
                None => println!("{:8} down", server.name()),
            }
        }
    }

    fn exec(&self, program: &str, arguments: &[String]) -> Result<ExitCode> {
        ensure!(
            self.manifest().exists(),
            "there is no lab; start it with `cargo xtask lab up`"
        );
        let status = Command::new(program)
            .args(arguments)
            .env("MAILPROBE_LAB", &self.folder)
            .env("SSL_CERT_FILE", self.tls("ca.pem"))
            .status()
            .with_context(|| format!("cannot run {program}"))?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }

    fn manifest(&self) -> PathBuf {
        self.folder.join("lab.json")
    }

    fn tls(&self, file: &str) -> PathBuf {
        self.folder.join("tls").join(file)
    }

    fn listeners(&self) -> Vec<Listener> {
        server::all()
            .into_iter()
            .flat_map(|server| server.listeners(self))
            .collect()
    }

    fn lock(&self) -> Result<File> {
        let path = self.folder.join(LOCK);
        let is_foreign = !path.exists()
            && fs::read_dir(&self.folder).is_ok_and(|mut files| files.next().is_some());
        ensure!(
            !is_foreign,
            "{} holds files that are not the lab's",
            self.folder.display()
        );
        fs::create_dir_all(&self.folder)
            .with_context(|| format!("cannot make {}", self.folder.display()))?;
        let file =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        if let Err(TryLockError::WouldBlock) = file.try_lock() {
            eprintln!("lab: waiting for another xtask");
            file.lock()?;
        }
        Ok(file)
    }

    /// Postfix would share a port with whoever has it already, and every other connection would go
    /// astray. Both kinds of port, whichever a listener needs: two labs have both in common.
    fn require_free_ports(&self) -> Result<()> {
        for Listener { address, port, .. } in self.listeners() {
            TcpListener::bind((address, port))
                .and_then(|_| UdpSocket::bind((address, port)))
                .with_context(|| format!("{address}, port {port}: is another lab up?"))?;
        }
        Ok(())
    }

    /// Whether all servers run with the very files that they would be given now.
    fn is_current(&self) -> bool {
        let is_written = |(path, contents): &(PathBuf, String)| {
            fs::read_to_string(path).is_ok_and(|it| it == *contents)
        };
        server::all()
            .into_iter()
            .all(|server| Keeper::of(self, server).pid().is_some())
            && self.files().iter().all(is_written)
    }

    fn files(&self) -> Vec<(PathBuf, String)> {
        let mut files = accounts::files(self);
        for server in server::all() {
            let folder = self.folder.join(server.name());
            files.extend(
                server
                    .files(self)
                    .into_iter()
                    .map(|(name, contents)| (folder.join(name), contents)),
            );
        }
        files.push((self.manifest(), manifest::text(self)));
        files
    }

    fn write_all(&self) -> Result<()> {
        self.empty()?;
        for (path, contents) in self.files() {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(&path, contents)
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        certificates::issue(self)?;
        // Whatever the umask: the servers drop root, and tests need not have it. Nothing here is
        // secret.
        process::run(Command::new("chmod").args(["-R", "a+rX"]).arg(&self.folder))?;
        for server in server::all() {
            for room in server.rooms() {
                let path = self.folder.join(server.name()).join(room.path);
                let mode = ["-d", "-o", room.owner, "-g", room.group, "-m", room.mode];
                process::run(Command::new("install").args(mode).arg(path))?;
            }
            server.furnish(self)?;
        }
        Ok(())
    }

    fn empty(&self) -> Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name() == LOCK {
                continue;
            }
            if entry.file_type()?.is_dir() {
                fs::remove_dir_all(entry.path())?;
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    fn wait_until(
        &self,
        server: &dyn Server,
        is_so: impl Fn(&dyn Server, &Self) -> bool,
    ) -> Result<()> {
        let until = Instant::now() + READY_WITHIN;
        while !is_so(server, self) {
            let keeper = Keeper::of(self, server);
            ensure!(
                keeper.pid().is_some(),
                "{} ended at once; see {}",
                server.name(),
                keeper.console().display()
            );
            ensure!(
                Instant::now() < until,
                "{} is not ready; see {}",
                server.name(),
                keeper.console().display()
            );
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn start_all(&self) -> Result<()> {
        for server in server::all() {
            Keeper::of(self, server).start(&server.command(self))?;
            self.wait_until(server, |server, lab| server.is_ready(lab))?;
        }
        for server in server::all() {
            self.wait_until(server, |server, lab| server.is_settled(lab))?;
        }
        Ok(())
    }

    fn stop_all(&self) -> Result<()> {
        for server in server::all().into_iter().rev() {
            Keeper::of(self, server).stop()?;
        }
        Ok(())
    }
}
