//! Postfix whose queue grows on purpose: hundreds of messages for destinations that put it off, refuse it, are silent, cannot
//! be found or have not the encryption that they must have; and some that are held, may soon expire, or were never taken in.
//!
//! The destinations are a table of their own. What waits was submitted while this Postfix did not run, from ten seconds to
//! four days ago, as the files of such mail say; once it runs, each message is tried for once, and then not for weeks, so that
//! the numbers stay as they are. Beside it stands the configuration of another that is [stopped](STOPPED), and one whose queue
//! [nobody but root](PRIVATE) may look at.

mod destinations;
mod maildrop;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use super::server::{Listener, Room, Server, fill};
use super::{Lab, unbound};
use crate::process;
use destinations::{ROWS, Row};

const MAIN: &str = include_str!("queues/main.cf");
const MASTER: &str = include_str!("queues/master.cf");
const RUN: &str = include_str!("queues/run.sh");

/// A second folder of queues, whose Postfix is never started: three messages and a dead socket.
const STOPPED: &str = "stopped";
/// A second folder of settings for the same queues.
const PRIVATE: &str = "private";
const ONLY_ROOT: &str = "authorized_mailq_users = root\n";
/// When the messages have the age that the table says, in seconds since 1970.
const SINCE: &str = "since";

/// The queues of the lab.
#[derive(Debug)]
pub(crate) struct Queues;

impl Server for Queues {
    fn name(&self) -> &'static str {
        "queues"
    }

    fn packages(&self) -> &'static [&'static str] {
        &["postfix"]
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        ROWS.iter().filter_map(Row::listener).collect()
    }

    fn files(&self, lab: &Lab) -> Vec<(&'static str, String)> {
        let entries: String = ROWS.iter().map(Row::entry).collect();
        let routes: String = ROWS.iter().map(Row::route).collect();
        let rules: String = ROWS.iter().map(Row::rule).collect();
        let main = fill(MAIN, lab.folder())
            .replace("{routes}", &routes)
            .replace("{rules}", &rules);
        let folder = "queue_directory = {lab}/queues/spool";
        let stopped = "queue_directory = {lab}/queues/stopped";
        let stopped = main.replace(&fill(folder, lab.folder()), &fill(stopped, lab.folder()));
        let master = fill(&(MASTER.to_owned() + &entries), lab.folder());
        vec![
            ("private/main.cf", main.clone() + ONLY_ROOT),
            ("private/master.cf", master.clone()),
            ("stopped-etc/main.cf", stopped),
            ("stopped-etc/master.cf", master.clone()),
            ("etc/main.cf", main),
            ("etc/master.cf", master),
            ("run.sh", RUN.to_owned()),
            (
                "resolv.conf",
                format!("nameserver {}\n", unbound::Cache::ADDRESS),
            ),
        ]
    }

    fn rooms(&self) -> Vec<Room> {
        let room = |path, owner, group, mode| Room {
            path,
            owner,
            group,
            mode,
        };
        let mut rooms = vec![
            room("data", "postfix", "root", "700"),
            room("later", "postfix", "postdrop", "730"),
            room("spool", "root", "root", "755"),
            room("spool/pid", "root", "root", "755"),
            room("spool/maildrop", "postfix", "postdrop", "730"),
            room("spool/public", "postfix", "postdrop", "710"),
            room("stopped", "root", "root", "755"),
            room("stopped/pid", "root", "root", "755"),
            room("stopped/maildrop", "postfix", "postdrop", "730"),
            room("stopped/public", "postfix", "postdrop", "755"),
        ];
        let own = SPOOL.into_iter().chain(STOPPED_SPOOL);
        rooms.extend(own.map(|path| room(path, "postfix", "root", "700")));
        rooms
    }

    fn furnish(&self, lab: &Lab) -> Result<()> {
        let folder = lab.folder().join(self.name());
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        fs::write(folder.join(SINCE), format!("{now}\n"))?;
        let spool = folder.join("spool/maildrop");
        let mut number = 0;
        for row in ROWS {
            let place = match row.stays_in_maildrop() {
                true => &folder.join("later"),
                false => &spool,
            };
            for message in row.messages(now) {
                number += 1;
                message.put(place, number)?;
            }
        }
        let stopped = folder.join(STOPPED);
        for number in 1..=3 {
            destinations::stopped(now).put(&stopped.join("maildrop"), number)?;
        }
        let socket = lab.folder().join(DEAD_SOCKET);
        UnixListener::bind(&socket).context("cannot leave a dead socket")?;
        fs::set_permissions(socket, Permissions::from_mode(0o666))?;
        let owned = ["spool/maildrop", "later", "stopped/maildrop"].map(|path| folder.join(path));
        process::run(
            Command::new("chown")
                .args(["-R", "postfix:postdrop"])
                .args(owned),
        )
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let folder = lab.folder().join(self.name());
        let waits = destinations::waits().to_string();
        let script = folder.join("run.sh");
        let script = script.to_string_lossy();
        ["sh", &script, &folder.to_string_lossy(), &waits]
            .map(str::to_owned)
            .into()
    }

    fn is_ready(&self, lab: &Lab) -> bool {
        lab.folder().join(SOCKET).exists()
    }

    fn is_settled(&self, lab: &Lab) -> bool {
        lab.folder().join(self.name()).join("settled").exists()
    }
}

/// The socket that tells the queue.
const SOCKET: &str = "queues/spool/public/showq";
const DEAD_SOCKET: &str = "queues/stopped/public/showq";

/// The sockets of this Postfix, and of the one that is stopped.
pub(super) fn sockets(folder: &Path) -> [PathBuf; 2] {
    [SOCKET, DEAD_SOCKET].map(|path| folder.join(path))
}

/// What tests need to know of it.
pub(super) fn manifest(folder: &Path) -> serde_json::Value {
    let path = |name: &str| folder.join("queues").join(name);
    let [socket, dead] = sockets(folder);
    serde_json::json!({
        "socket": socket,
        "config": path("etc"),
        "private": path(PRIVATE),
        "stopped": { "socket": dead, "config": path("stopped-etc") },
        "since": path(SINCE),
    })
}

const SPOOL: [&str; 11] = [
    "spool/active",
    "spool/bounce",
    "spool/corrupt",
    "spool/defer",
    "spool/deferred",
    "spool/flush",
    "spool/hold",
    "spool/incoming",
    "spool/private",
    "spool/saved",
    "spool/trace",
];
const STOPPED_SPOOL: [&str; 4] = [
    "stopped/active",
    "stopped/deferred",
    "stopped/hold",
    "stopped/incoming",
];
