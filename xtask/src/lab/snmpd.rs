//! snmpd: net-snmp's agent, at 127.88.0.92, in versions 1, 2c and 3. It tells of the machine that the lab runs on, and of a
//! queue as Sendmail has it, which is laid down as it starts and never changes.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::Lab;
use super::certificates::Certificate;
use super::server::{Listener, Room, Server, fill};

const MAIN: &str = include_str!("snmpd/snmpd.conf");
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 92);
const PORT: u16 = 161;

/// Whoever asks by it may see this.
const COMMUNITIES: [(&str, &str); 3] = [
    ("public", "system"),
    ("lab-community", "all"),
    ("machine-community", "machine"),
];

/// The users of version 3: hash, level.
const USERS: [(&str, &str, &str); 4] = [
    ("auth-sha1", "SHA", "auth"),
    ("priv-sha1", "SHA", "priv"),
    ("priv-sha256", "SHA-256", "priv"),
    ("priv-sha512", "SHA-512", "priv"),
];

const AUTH_PASSWORD: &str = "lab auth password";
const PRIV_PASSWORD: &str = "lab priv password";

/// The messages that wait, by the octets of their bodies.
const MESSAGES: [usize; 7] = [1, 100, 1024, 1025, 4096, 10_000, 70_000];

/// The answer to this, in version 1 by the community `public`, is how long the agent runs.
const QUESTION: &[u8] =
    b"\x30\x26\x02\x01\x00\x04\x06public\xa0\x19\x02\x01\x01\x02\x01\x00\x02\x01\x00\
    \x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x03\x00\x05\x00";
const PATIENCE: Duration = Duration::from_millis(200);

/// The agent of the lab.
#[derive(Debug)]
pub(crate) struct Snmpd;

impl Server for Snmpd {
    fn name(&self) -> &'static str {
        "snmpd"
    }

    fn packages(&self) -> &'static [&'static str] {
        &["snmpd"]
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        vec![Listener {
            server: "snmpd",
            label: "snmp",
            host: "snmp.lab.test",
            address: IpAddr::V4(ADDRESS),
            port: PORT,
            certificate: Certificate::Absent,
            quirk: "SNMP over UDP; what each community and each user may see is in `snmp`",
        }]
    }

    fn files(&self, lab: &Lab) -> Vec<(&'static str, String)> {
        let communities =
            COMMUNITIES.map(|(name, view)| format!("rocommunity {name} 127.0.0.0/8 -V {view}\n"));
        let users = USERS.map(|(name, hash, level)| {
            let user =
                format!("createUser {name} {hash} \"{AUTH_PASSWORD}\" AES \"{PRIV_PASSWORD}\"\n");
            format!("{user}rouser {name} {level} -V all\n")
        });
        let main = fill(MAIN, lab.folder())
            .replace("{address}", &ADDRESS.to_string())
            .replace("{port}", &PORT.to_string())
            .replace("{communities}", communities.concat().trim_end())
            .replace("{users}", users.concat().trim_end());
        vec![("snmpd.conf", main), ("sendmail.cf", String::new())]
    }

    fn rooms(&self) -> Vec<Room> {
        let room = |path| Room {
            path,
            owner: "Debian-snmp",
            group: "Debian-snmp",
            mode: "0755",
        };
        ["data", "queue"].map(room).into()
    }

    /// Sendmail has two files for each message: `qf` with its envelope, `df` with its body.
    fn furnish(&self, lab: &Lab) -> Result<()> {
        let queue = lab.folder().join("snmpd/queue");
        for (number, size) in MESSAGES.into_iter().enumerate() {
            let write = |kind: &str, contents: Vec<u8>| {
                let file = queue.join(format!("{kind}AO{number:04}"));
                fs::write(&file, contents)
                    .with_context(|| format!("cannot write {}", file.display()))
            };
            write("qf", Vec::new())?;
            write("df", vec![b'.'; size])?;
        }
        Ok(())
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let folder = lab.folder().join("snmpd");
        let file = |name: &str| folder.join(name).to_string_lossy().into_owned();
        let options = [
            "snmpd",
            // in the foreground
            "-f",
            // reads no other configuration
            "-C",
            "-c",
            &file("snmpd.conf"),
            "-Lf",
            &file("data/log"),
            "-u",
            "Debian-snmp",
            "-g",
            "Debian-snmp",
            "-I",
            "-smux,mteTrigger,mteTriggerConf",
        ];
        options.map(str::to_owned).into()
    }

    fn is_ready(&self, _: &Lab) -> bool {
        let ask = || {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.set_read_timeout(Some(PATIENCE))?;
            socket.connect((ADDRESS, PORT))?;
            socket.send(QUESTION)?;
            socket.recv(&mut [0; 512])
        };
        ask().is_ok()
    }
}

/// What a test may know of it.
pub(super) fn manifest() -> Value {
    let communities = COMMUNITIES.map(|(name, view)| (name.to_owned(), json!({ "sees": view })));
    let users = USERS.map(|(name, hash, level)| {
        let user = json!({
            "hash": hash,
            "level": level,
            "auth_password": AUTH_PASSWORD,
            "priv_password": PRIV_PASSWORD,
        });
        (name.to_owned(), user)
    });
    json!({
        "communities": Map::from_iter(communities),
        "users": Map::from_iter(users),
        "messages": MESSAGES.len(),
        "kilo_octets": MESSAGES.iter().map(|size| size.div_ceil(1000)).sum::<usize>(),
    })
}
