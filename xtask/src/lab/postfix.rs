//! Postfix: SMTP and submission, served well at 127.88.0.10 and in one wrong way each at its other
//! addresses.
//!
//! The listeners are a table of their own; each row becomes an entry of `master.cf`. No mail ever
//! leaves: what is accepted is discarded but for one user, whose mail goes to [`super::dovecot`], and
//! no name is looked up. Logins are checked by Dovecot too, over a socket here.

mod listeners;

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::server::{Listener, Room, Server, fill};
use super::{Lab, accounts, nsd};
use listeners::{ROWS, Row};

const MAIN: &str = include_str!("postfix/main.cf");
const MASTER: &str = include_str!("postfix/master.cf");
const AUTH_DOWN: &str = include_str!("postfix/auth-down.sh");
const BLOCKLIST: &str = include_str!("postfix/blocklist.sh");
const GREYLIST: &str = include_str!("postfix/greylist.sh");
const OLD_OPENSSL: &str = include_str!("postfix/old-openssl.cnf");

/// Recipients that are odd, with the reply to RCPT (they are in `main.cf`, or nowhere). The last one is taken at
/// first, and its mail comes back to the sender as a bounce.
pub(crate) const RECIPIENTS: [(&str, &str); 9] = [
    ("greylisted", "450 4.7.1"),
    ("too-fast", "450 4.2.1"),
    ("no-lookup", "451 4.3.0"),
    ("full", "452 4.2.2"),
    ("full-for-good", "552 5.2.2"),
    ("inactive", "550 5.2.1"),
    ("unknown", "550 5.1.1"),
    ("blocked", "550 5.7.1"),
    ("bounced", "250 2.1.5"),
];

/// The mail transfer agent of the lab.
#[derive(Debug)]
pub(crate) struct Postfix;

impl Server for Postfix {
    fn name(&self) -> &'static str {
        "postfix"
    }

    fn packages(&self) -> &'static [&'static str] {
        &["postfix"]
    }

    fn listeners(&self, lab: &Lab) -> Vec<Listener> {
        rows(lab).map(Row::listener).collect()
    }

    fn files(&self, lab: &Lab) -> Vec<(&'static str, String)> {
        let protocols = if lab.has_ipv6 { "all" } else { "ipv4" };
        let mailboxes: Vec<String> = accounts::users()
            .iter()
            .map(|user| format!("{}=x", user.address()))
            .collect();
        let domains: Vec<_> = nsd::mail_domains().collect();
        let postmasters = domains.iter();
        let postmasters = postmasters.map(|domain| format!("postmaster@{domain}=x"));
        let postmasters: Vec<_> = postmasters.collect();
        let main = fill(MAIN, lab.folder())
            .replace("{protocols}", protocols)
            .replace("{domains}", &domains.join(", "))
            .replace("{postmasters}", &postmasters.join(", "))
            .replace("{mailboxes}", &mailboxes.join(", "));
        let master = rows(lab).fold(MASTER.to_owned(), |text, row| text + &row.entry());
        vec![
            ("etc/main.cf", main),
            ("etc/master.cf", fill(&master, lab.folder())),
            ("etc/auth-down.sh", AUTH_DOWN.to_owned()),
            ("etc/blocklist.sh", BLOCKLIST.to_owned()),
            ("etc/greylist.sh", GREYLIST.to_owned()),
            ("etc/old-openssl.cnf", OLD_OPENSSL.to_owned()),
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
            room("greylist", "nobody", "nogroup", "700"),
            room("spool", "root", "root", "755"),
            room("spool/pid", "root", "root", "755"),
            room("spool/maildrop", "postfix", "postdrop", "730"),
            room("spool/public", "postfix", "postdrop", "710"),
        ];
        rooms.extend(QUEUES.map(|queue| room(queue, "postfix", "root", "700")));
        rooms
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let etc = lab.folder().join("postfix/etc");
        [
            "/usr/lib/postfix/sbin/master",
            "-s",
            "-c",
            &etc.to_string_lossy(),
        ]
        .map(str::to_owned)
        .into()
    }

    /// Its master listens on all addresses or ends, so the last one stands for all.
    fn is_ready(&self, lab: &Lab) -> bool {
        let last = rows(lab).map(Row::listener).last();
        last.is_some_and(|last| {
            TcpStream::connect_timeout(
                &SocketAddr::new(last.address, last.port),
                Duration::from_secs(1),
            )
            .is_ok()
        })
    }
}

const QUEUES: [&str; 11] = [
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

/// Those that this machine can have.
fn rows(lab: &Lab) -> impl Iterator<Item = &'static Row> {
    let has_ipv6 = lab.has_ipv6;
    ROWS.iter()
        .filter(move |row| row.listener().address.is_ipv4() || has_ipv6)
}
