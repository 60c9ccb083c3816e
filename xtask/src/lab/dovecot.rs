//! Dovecot: IMAP, POP3 and LMTP, served well at 127.88.0.60 and in one wrong way each at its other
//! addresses; and what checks logins for Postfix, over a socket in its own folder.
//!
//! The listeners are a table of their own, and so is the mail that lies in the mailboxes. It knows
//! each user's password in clear, so it can serve every mechanism; tokens it checks by itself with
//! a shared key.

mod listeners;
mod mail;

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Lab;
use super::accounts::{self, User};
use super::server::{Listener, Room, Server, fill};

const MAIN: &str = include_str!("dovecot/dovecot.conf");
const OAUTH2: &str = include_str!("dovecot/oauth2.conf");

/// The mail store of the lab.
#[derive(Debug)]
pub(crate) struct Dovecot;

impl Server for Dovecot {
    fn name(&self) -> &'static str {
        "dovecot"
    }

    fn packages(&self) -> &'static [&'static str] {
        &[
            "dovecot-core",
            "dovecot-imapd",
            "dovecot-pop3d",
            "dovecot-lmtpd",
        ]
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        listeners::listeners().collect()
    }

    fn files(&self, lab: &Lab) -> Vec<(&'static str, String)> {
        let main = MAIN.to_owned() + &listeners::configuration();
        vec![
            ("dovecot.conf", fill(&main, lab.folder())),
            ("oauth2.conf", fill(OAUTH2, lab.folder())),
            ("users", users()),
            ("denied", denied()),
            ("keys/default/HS256/default", accounts::token_key()),
        ]
    }

    fn rooms(&self) -> Vec<Room> {
        let room = |path, owner, group| Room {
            path,
            owner,
            group,
            mode: "755",
        };
        vec![
            room("run", "root", "root"),
            room("mail", "nobody", "nogroup"),
        ]
    }

    fn furnish(&self, lab: &Lab) -> Result<()> {
        mail::write(lab)
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let configuration = lab.folder().join("dovecot/dovecot.conf");
        ["dovecot", "-F", "-c", &configuration.to_string_lossy()]
            .map(str::to_owned)
            .into()
    }

    /// It says who it is when it listens everywhere.
    fn is_ready(&self, lab: &Lab) -> bool {
        lab.folder().join("dovecot/run/master.pid").exists()
    }
}

/// What is said of some users beside their passwords.
const FIELDS: [(&str, &str); 4] = [
    ("full", "userdb_quota_rule=*:storage=10K"),
    ("nearlyfull", "userdb_quota_rule=*:storage=100K"),
    // No such account: what comes after the password fails.
    ("hangup", "userdb_uid=nosuchaccount"),
    // Nobody may make a folder there.
    ("homeless", "userdb_home=/proc/homeless"),
];

/// Who may not use one protocol.
const DENIED: [(&str, &str); 1] = [("pop3", "nopop")];

/// A line for each user, in the form of passwd(5).
fn users() -> String {
    let fields = |name| FIELDS.iter().find(|(user, _)| *user == name);
    let line = |user: &User| {
        let fields = fields(user.name).map_or("", |(_, fields)| fields);
        format!(
            "{}:{{PLAIN.b64}}{}::::::{fields}\n",
            user.address(),
            STANDARD.encode(&user.password)
        )
    };
    // Whom ANONYMOUS becomes; without a password, there is no other way in.
    let anonymous = format!("anonymous@{}:::::::\n", accounts::DOMAIN);
    accounts::users()
        .iter()
        .map(line)
        .chain([anonymous])
        .collect()
}

fn denied() -> String {
    let users = accounts::users();
    let everywhere = users
        .iter()
        .filter(|user| !user.is_enabled)
        .map(User::address);
    let somewhere = DENIED
        .iter()
        .map(|(service, name)| format!("{service}/{name}@{}", accounts::DOMAIN));
    everywhere
        .chain(somewhere)
        .map(|name| format!("{name}:{{PLAIN}}x::::::\n"))
        .collect()
}
