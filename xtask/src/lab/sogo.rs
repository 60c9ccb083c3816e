//! SOGo: ActiveSync and webmail, at 127.88.0.80 upon the mail of [Dovecot](super::dovecot), and at 127.88.0.83 upon a mail
//! store that is gone.
//!
//! It speaks plain HTTP; users come to it through [nginx](super::nginx). Who may log in stands in a table of
//! [PostgreSQL](super::postgres), and so does who may not use ActiveSync.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::accounts::{self, User};
use super::certificates::Certificate;
use super::server::{Listener, Room, Server, fill};
use super::{Lab, memcached, nsd, postgres};

const MAIN: &str = include_str!("sogo/sogo.conf");
pub(super) const PORT: u16 = 20_000;

/// It reads its configuration from `/etc/sogo` and nowhere else. Ours is laid over that folder, in its own namespace: the
/// host's is untouched.
const RUN: &str = r#"mount --bind "$0" /etc/sogo && for user in $3; do
doveadm -c "$1" search -u "$user@$2" mailbox INBOX modseq 1 >/dev/null; done; exec setpriv --reuid sogo --regid sogo --init-groups \
env HOME="$0/own" LC_ALL=C.UTF-8 sogod -WONoDetach YES -WOLogFile - -WOPidFile "$0/own/pid""#;

/// Dovecot tells no modification sequences of an INBOX before somebody asks for them, and SOGo finds no message where it is
/// told of none.
const ASKED_FOR: &str = "alice bob deliver empty";

/// Long enough for its first answer, for which it has much to do.
const PATIENCE: Duration = Duration::from_secs(2);

/// The one who may log in, but not use ActiveSync.
const DENIED: &str = "noeas";

/// All is well.
pub(crate) const GOOD: Sogo = Sogo {
    name: "sogo",
    host: "sogo.lab.test",
    address: Ipv4Addr::new(127, 88, 0, 80),
    database: "sogo",
    // In clear, since it asks with the passwords of its users.
    mail: Ipv4Addr::new(127, 88, 0, 61),
    workers: 6,
    quirk: "SOGo without its proxy: ActiveSync at /SOGo/Microsoft-Server-ActiveSync, webmail at /SOGo; no TLS",
};

/// Nobody listens where its mail should be.
pub(crate) const NO_IMAP: Sogo = Sogo {
    name: "sogo-no-imap",
    host: "sogo-no-imap.lab.test",
    address: Ipv4Addr::new(127, 88, 0, 83),
    database: "sogo_no_imap",
    mail: nsd::NOBODY,
    workers: 2,
    quirk: "SOGo without its proxy, and without a mail store; no TLS",
};

/// A SOGo, with what differs between them.
#[derive(Debug)]
pub(crate) struct Sogo {
    name: &'static str,
    host: &'static str,
    pub(super) address: Ipv4Addr,
    database: &'static str,
    /// Of its IMAP server.
    mail: Ipv4Addr,
    /// So many questions at once; who waits for news has one for as long.
    workers: u8,
    quirk: &'static str,
}

/// Whether SOGo lets a user do that.
pub(super) fn may_use_activesync(user: &User) -> bool {
    user.name != DENIED
}

/// One for each SOGo: what they remember of a device must not mix.
pub(super) fn databases() -> [&'static str; 2] {
    [GOOD.database, NO_IMAP.database]
}

impl Server for Sogo {
    fn name(&self) -> &'static str {
        self.name
    }

    fn packages(&self) -> &'static [&'static str] {
        &["sogo", "sogo-activesync"]
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        vec![Listener {
            server: self.name,
            label: self.name,
            host: self.host,
            address: IpAddr::V4(self.address),
            port: PORT,
            certificate: Certificate::Absent,
            quirk: self.quirk,
        }]
    }

    fn files(&self, lab: &Lab) -> Vec<(&'static str, String)> {
        let database = format!(
            "postgresql://{}@{}:{}/{}",
            postgres::OWNER,
            postgres::ADDRESS,
            postgres::PORT,
            self.database
        );
        let main = fill(MAIN, lab.folder())
            .replace("{name}", self.name)
            .replace("{address}", &self.address.to_string())
            .replace("{port}", &PORT.to_string())
            .replace("{workers}", &self.workers.to_string())
            .replace("{database}", &database)
            .replace("{domain}", accounts::DOMAIN)
            .replace("{mail}", &self.mail.to_string())
            .replace(
                "{memory}",
                &lab.folder().join(memcached::SOCKET).to_string_lossy(),
            );
        vec![("sogo.conf", main)]
    }

    fn rooms(&self) -> Vec<Room> {
        let room = |path| Room {
            path,
            owner: "sogo",
            group: "sogo",
            mode: "0755",
        };
        vec![room("own"), room("spool")]
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let folder = lab.folder().join(self.name);
        let dovecot = lab.folder().join("dovecot/dovecot.conf");
        let paths = [folder, dovecot].map(|path| path.to_string_lossy().into_owned());
        let words = ["sh", "-c", RUN].map(str::to_owned).into_iter();
        let users = [accounts::DOMAIN, ASKED_FOR].map(str::to_owned);
        words.chain(paths).chain(users).collect()
    }

    /// It lets somebody in when it and its database serve.
    fn is_ready(&self, _: &Lab) -> bool {
        self.lets_in().is_some()
    }
}

impl Sogo {
    /// What every session of ActiveSync begins with, for the first user of the lab.
    fn lets_in(&self) -> Option<()> {
        let user = accounts::users().into_iter().next()?;
        let credentials = STANDARD.encode(format!("{}:{}", user.address(), user.password));
        let mut socket = TcpStream::connect((self.address, PORT)).ok()?;
        socket.set_read_timeout(Some(PATIENCE)).ok()?;
        let request = format!(
            "OPTIONS /SOGo/Microsoft-Server-ActiveSync HTTP/1.0\r\nAuthorization: Basic {credentials}\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).ok()?;
        let mut reply = [0; 12];
        socket.read_exact(&mut reply).ok()?;
        reply.ends_with(b" 200").then_some(())
    }
}
