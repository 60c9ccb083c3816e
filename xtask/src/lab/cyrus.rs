//! Cyrus: JMAP, at 127.88.0.90, for one user with one message, delivered as it starts.
//!
//! Only the parts of it that Debian lets stand beside Dovecot are there: it has no IMAP.

use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use anyhow::{Context, Result};

use super::certificates::Certificate;
use super::server::{Listener, Room, Server, fill};
use super::{Lab, accounts};
use crate::process;

const MAIN: &str = include_str!("cyrus/imapd.conf");
const SERVICES: &str = include_str!("cyrus/cyrus.conf");
const MESSAGE: &str = include_str!("cyrus/message");
const HOST: &str = "jmap.lab.test";
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 90);
const PORT: u16 = 443;

/// Its passwords are in a database of SASL, which asks for the host where one expects the domain.
const ADD_USER: &str = r#"printf %s "$3" | saslpasswd2 -p -c -f "$0/data/passwords" -u "$1" "$2" &&
chown -R cyrus:mail "$0/data""#;

/// The mailbox comes to be with the first message.
const RUN: &str = r#"ulimit -n 4096; cyrmaster -C "$0/imapd.conf" -M "$0/cyrus.conf" -p "$0/data/pid" -D &
until cyrdeliver -C "$0/imapd.conf" "$1" <"$0/message"; do sleep 0.05; done
touch "$0/data/ready"; wait"#;

/// The JMAP server of the lab.
#[derive(Debug)]
pub(crate) struct Cyrus;

impl Server for Cyrus {
    fn name(&self) -> &'static str {
        "cyrus"
    }

    fn packages(&self) -> &'static [&'static str] {
        &["cyrus-caldav", "cyrus-common", "sasl2-bin"]
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        vec![Listener {
            server: "cyrus",
            label: "jmap",
            host: HOST,
            address: IpAddr::V4(ADDRESS),
            port: PORT,
            certificate: Certificate::Good,
            quirk: "JMAP at /jmap/, where /.well-known/jmap leads; its session has relative URLs; alice alone, with one message",
        }]
    }

    fn files(&self, lab: &Lab) -> Vec<(&'static str, String)> {
        let filled = |text: &str| {
            fill(text, lab.folder())
                .replace("{host}", HOST)
                .replace("{domain}", accounts::DOMAIN)
                .replace("{address}", &ADDRESS.to_string())
                .replace("{port}", &PORT.to_string())
        };
        vec![
            ("imapd.conf", filled(MAIN)),
            ("cyrus.conf", filled(SERVICES)),
            ("message", MESSAGE.to_owned()),
        ]
    }

    fn rooms(&self) -> Vec<Room> {
        let room = |path| Room {
            path,
            owner: "cyrus",
            group: "mail",
            mode: "0755",
        };
        ["data", "data/db", "data/socket", "data/proc", "spool"]
            .map(room)
            .into()
    }

    fn furnish(&self, lab: &Lab) -> Result<()> {
        let users = accounts::users();
        let user = users.first().context("there is no user")?;
        let mut add = Command::new("sh");
        add.args(["-c", ADD_USER])
            .arg(lab.folder().join(self.name()))
            .args([HOST, user.name, &user.password]);
        process::read(&mut add).map(drop)
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let folder = lab.folder().join(self.name());
        let users = accounts::users();
        let user = users.first().map_or("", |user| user.name);
        ["sh", "-c", RUN, &folder.to_string_lossy(), user]
            .map(str::to_owned)
            .into()
    }

    fn is_ready(&self, lab: &Lab) -> bool {
        lab.folder().join("cyrus/data/ready").exists()
    }
}
