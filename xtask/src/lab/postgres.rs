//! PostgreSQL, at 127.88.0.88: where SOGo keeps what it knows of users and their devices. One database for each
//! [SOGo](super::sogo), made anew at each start.
//!
//! It is the lab's own cluster, with nothing of the host's. What it writes is thrown away anyway, so it never waits for a
//! disk.

use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::process::Command;

use anyhow::Result;

use super::certificates::Certificate;
use super::server::{Listener, Room, Server};
use super::{Lab, accounts, sogo};
use crate::process;

pub(super) const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 88);
pub(super) const PORT: u16 = 5432;
/// The owner of everything, who is let in without a password.
pub(super) const OWNER: &str = "sogo";

/// Of Debian 12.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// A cluster, and in its template what each database begins with. `postgres --single` takes a statement a line, and
/// spares starting a server for that.
const MAKE: &str = r#"cd "$0" && run="setpriv --reuid postgres --regid postgres --init-groups"
$run "$1/initdb" -D data -U "$2" -A trust -E UTF8 --locale C.UTF-8 --no-sync &&
$run "$1/postgres" --single -F -D data template1 <databases.sql"#;

/// A killed PostgreSQL leaves memory that is shared behind: in a namespace of its own, which ends with it, and in its own
/// folder.
const SETTINGS: [&str; 8] = [
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "autovacuum=off",
    "shared_buffers=16MB",
    "max_connections=60",
    "unix_socket_directories=",
    "dynamic_shared_memory_type=mmap",
];

/// The database of SOGo.
#[derive(Debug)]
pub(crate) struct Postgres;

impl Server for Postgres {
    fn name(&self) -> &'static str {
        "postgres"
    }

    fn packages(&self) -> &'static [&'static str] {
        &["postgresql-15"]
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        vec![Listener {
            server: "postgres",
            label: "postgres",
            host: "postgres.lab.test",
            address: IpAddr::V4(ADDRESS),
            port: PORT,
            certificate: Certificate::Absent,
            quirk: "the database of SOGo",
        }]
    }

    fn files(&self, _: &Lab) -> Vec<(&'static str, String)> {
        vec![("databases.sql", databases())]
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room {
            path: "data",
            owner: "postgres",
            group: "postgres",
            mode: "0700",
        }]
    }

    fn furnish(&self, lab: &Lab) -> Result<()> {
        let folder = lab.folder().join(self.name());
        let mut make = Command::new("sh");
        make.args(["-c", MAKE]).arg(folder).args([PROGRAMS, OWNER]);
        process::read(&mut make).map(drop)
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let data = lab.folder().join("postgres/data");
        let program = format!("{PROGRAMS}/postgres");
        let (address, port) = (ADDRESS.to_string(), PORT.to_string());
        let start = ["unshare", "--ipc", "setpriv", "--reuid", "postgres"];
        let more = ["--regid", "postgres", "--init-groups", &program, "-D"];
        let place = [&*data.to_string_lossy(), "-h", &address, "-p", &port].map(str::to_owned);
        let settings = SETTINGS.iter().flat_map(|setting| ["-c", setting]);
        let words = start.into_iter().chain(more).map(str::to_owned);
        words
            .chain(place)
            .chain(settings.map(str::to_owned))
            .collect()
    }

    fn is_ready(&self, _: &Lab) -> bool {
        TcpStream::connect((ADDRESS, PORT)).is_ok()
    }
}

/// What every database begins with: who can log in, and who may use ActiveSync. One statement a line.
fn databases() -> String {
    let users = accounts::users();
    let users = users.iter().filter(|user| user.is_enabled).map(|user| {
        let (name, address) = (user.name, user.address());
        let password = user.password.replace('\'', "''");
        let may = if sogo::may_use_activesync(user) { "yes" } else { "no" };
        format!("insert into users values ('{address}', '{name}', '{password}', '{name}', '{address}', '{may}')\n")
    });
    let table = "create table users (c_uid text primary key, c_name text, c_password text, c_cn text, mail text, activesync text)\n";
    let databases = sogo::databases().map(|name| format!("create database {name}\n"));
    let lines = [table.to_owned()].into_iter().chain(users).chain(databases);
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start: &str) -> String {
        let text = databases();
        text.lines()
            .find(|line| line.starts_with(start))
            .unwrap()
            .to_owned()
    }

    #[test]
    fn a_password_keeps_its_quotes_and_its_backslash() {
        assert_eq!(
            line("insert into users values ('bob@lab.test'"),
            r#"insert into users values ('bob@lab.test', 'bob', 'b"ob\pw''2', 'bob', 'bob@lab.test', 'yes')"#
        );
    }

    #[test]
    fn who_is_disabled_is_not_there_and_one_may_not_use_activesync() {
        assert!(!databases().contains("disabled@lab.test"));
        assert!(line("insert into users values ('noeas@lab.test'").ends_with("'no')"));
    }
}
