//! memcached, behind a socket in its own folder: where the processes of [SOGo](super::sogo) tell each other what they
//! remember.

use super::Lab;
use super::server::{Listener, Room, Server};

/// Where it listens, below the lab's folder.
pub(super) const SOCKET: &str = "memcached/run/socket";

/// The common memory of SOGo's processes.
#[derive(Debug)]
pub(crate) struct Memcached;

impl Server for Memcached {
    fn name(&self) -> &'static str {
        "memcached"
    }

    fn packages(&self) -> &'static [&'static str] {
        &["memcached"]
    }

    /// No probe asks it.
    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        Vec::new()
    }

    fn files(&self, _: &Lab) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room {
            path: "run",
            owner: "memcache",
            group: "memcache",
            mode: "0755",
        }]
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let socket = lab.folder().join(SOCKET);
        let socket = socket.to_string_lossy();
        [
            "memcached",
            "-u",
            "memcache",
            "-m",
            "32",
            "-a",
            "0777",
            "-s",
            &socket,
        ]
        .map(str::to_owned)
        .into()
    }

    fn is_ready(&self, lab: &Lab) -> bool {
        lab.folder().join(SOCKET).exists()
    }
}
