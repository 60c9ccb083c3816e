//! Dovecot: for now only what checks logins for Postfix, over a socket in its queue folder.
//!
//! It knows each user's password in clear, so it can serve every mechanism; tokens it checks by
//! itself with a shared key.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::server::{Listener, Room, Server, fill};
use super::{Lab, accounts};

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
        &["dovecot-core"]
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        Vec::new()
    }

    fn files(&self, lab: &Lab) -> Vec<(&'static str, String)> {
        let users = accounts::users();
        let line = |user: &accounts::User| {
            format!(
                "{}:{{PLAIN.b64}}{}::::::\n",
                user.address(),
                STANDARD.encode(&user.password)
            )
        };
        vec![
            ("dovecot.conf", fill(MAIN, lab.folder())),
            ("oauth2.conf", fill(OAUTH2, lab.folder())),
            ("users", users.iter().map(line).collect()),
            (
                "denied",
                users
                    .iter()
                    .filter(|user| !user.is_enabled)
                    .map(line)
                    .collect(),
            ),
            ("keys/default/HS256/default", accounts::token_key()),
        ]
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room {
            path: "run",
            owner: "root",
            group: "root",
            mode: "755",
        }]
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let configuration = lab.folder().join("dovecot/dovecot.conf");
        ["dovecot", "-F", "-c", &configuration.to_string_lossy()]
            .map(str::to_owned)
            .into()
    }

    fn is_ready(&self, lab: &Lab) -> bool {
        lab.folder().join("dovecot/run/auth-of-postfix").exists()
    }
}
