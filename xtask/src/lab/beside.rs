//! Mail servers that Debian does not let be installed beside Postfix, unpacked and never installed: Exim, Sendmail and
//! OpenSMTPD, each with a queue of some dozens of messages.
//!
//! Where their programs, settings and accounts should be, they are laid over the host's in a namespace of mounts
//! (`enter.sh`), in which they run and in which their queues are listed; the host has none of it. The destinations are those
//! of the [queues](super::queues).

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use serde_json::Value;

use super::certificates::Certificate;
use super::server::{Listener, Room, Server};
use super::{Lab, nsd, unbound, unpacked};

const ENTER: &str = include_str!("beside/enter.sh");

pub(crate) const EXIM: Beside = Beside {
    name: "exim",
    unpacked: &["exim4-daemon-light"],
    libraries: &[
        "libdb5.3",
        "libfaketime",
        "libgnutls-dane0",
        "libidn12",
        "libnsl2",
        "libpcre2-8-0",
    ],
    account: &[("Debian-exim", 60_001)],
    settings: ("etc/exim4/exim4.conf", include_str!("beside/exim4.conf")),
    rooms: &[
        ("spool/exim4", "60001", "750"),
        ("spool/exim4/log", "60001", "750"),
    ],
    grow: include_str!("beside/exim.sh"),
    listener: None,
};

pub(crate) const SENDMAIL: Beside = Beside {
    name: "sendmail",
    unpacked: &["sendmail-bin"],
    libraries: &[
        "libdb5.3",
        "libldap-2.5-0",
        "libnsl2",
        "libsasl2-2",
        "libwrap0",
    ],
    account: &[],
    settings: ("etc/mail/sendmail.cf", include_str!("beside/sendmail.cf")),
    rooms: &[("spool/mqueue", "root", "700")],
    grow: include_str!("beside/sendmail.sh"),
    listener: None,
};

pub(crate) const OPENSMTPD: Beside = Beside {
    name: "opensmtpd",
    unpacked: &["opensmtpd"],
    libraries: &["libdb5.3", "libevent-2.1-7"],
    account: &[("opensmtpd", 60_002), ("opensmtpq", 60_003)],
    settings: ("etc/smtpd.conf", include_str!("beside/smtpd.conf")),
    rooms: &[
        ("spool/smtpd", "root", "711"),
        ("lib/opensmtpd/empty", "root", "755"),
    ],
    grow: include_str!("beside/smtpd.sh"),
    listener: Some(Listener {
        server: "opensmtpd",
        label: "smtp-opensmtpd",
        host: "opensmtpd.lab.test",
        address: IpAddr::V4(Ipv4Addr::new(127, 88, 0, 122)),
        port: 25,
        certificate: Certificate::Absent,
        quirk: "takes mail for the destinations of its queue",
    }),
};

/// A mail server that is only unpacked.
#[derive(Debug)]
pub(crate) struct Beside {
    name: &'static str,
    /// Debian's names of what it consists of.
    unpacked: &'static [&'static str],
    /// And of what must be installed for it.
    libraries: &'static [&'static str],
    /// The accounts that it looks for by name.
    account: &'static [(&'static str, u32)],
    settings: (&'static str, &'static str),
    /// Path, owner and mode.
    rooms: &'static [(&'static str, &'static str, &'static str)],
    /// What makes the queue, and stays.
    grow: &'static str,
    listener: Option<Listener>,
}

impl Beside {
    pub(crate) const ALL: [&'static Self; 3] = [&EXIM, &SENDMAIL, &OPENSMTPD];

    /// The words before a command that is to run where this server is as if installed.
    fn enter(&self, folder: &Path) -> Vec<String> {
        let own = folder.join(self.name);
        let script = own.join("enter.sh");
        let paths = [script, own, unpacked(self)];
        let paths = paths.map(|path| path.to_string_lossy().into_owned());
        [["sh".to_owned()].as_slice(), &paths].concat()
    }

    /// What tests need to know: how to run its programs.
    pub(super) fn manifest(&self, folder: &Path) -> (String, Value) {
        let unshare = ["unshare", "--mount"].map(str::to_owned).into_iter();
        let words: Vec<_> = unshare.chain(self.enter(folder)).collect();
        (self.name.to_owned(), words.into())
    }

    /// The host's accounts, or groups, behind those of this server.
    fn accounts(&self, file: &str, line: impl Fn(&str, u32) -> String) -> String {
        let own = self.account.iter().map(|(name, id)| line(name, *id));
        let theirs = fs::read_to_string(Path::new("/etc").join(file)).unwrap_or_default();
        own.chain([theirs]).collect()
    }
}

impl Server for Beside {
    fn name(&self) -> &'static str {
        self.name
    }

    fn packages(&self) -> &'static [&'static str] {
        self.libraries
    }

    fn packages_to_unpack(&self) -> &'static [&'static str] {
        self.unpacked
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        self.listener.into_iter().collect()
    }

    fn files(&self, _: &Lab) -> Vec<(&'static str, String)> {
        let (path, settings) = self.settings;
        let settings = settings.replace("{nobody}", &nsd::NOBODY.to_string());
        let user = |name: &str, id| format!("{name}:x:{id}:{id}::/nonexistent:/usr/sbin/nologin\n");
        let group = |name: &str, id| format!("{name}:x:{id}:\n");
        let name = self.name;
        vec![
            (path, settings),
            ("etc/passwd", self.accounts("passwd", user)),
            ("etc/group", self.accounts("group", group)),
            (
                "etc/hosts",
                format!("127.0.0.1 localhost {name}.lab.test\n"),
            ),
            ("etc/mailname", format!("{name}.lab.test\n")),
            (
                "etc/resolv.conf",
                format!("nameserver {}\n", unbound::Cache::ADDRESS),
            ),
            ("enter.sh", ENTER.to_owned()),
            ("grow.sh", self.grow.to_owned()),
        ]
    }

    fn rooms(&self) -> Vec<Room> {
        let empty = ["spool", "lib", "run"].map(|path| (path, "root", "755"));
        let rooms = empty.into_iter().chain(self.rooms.iter().copied());
        let room = |(path, owner, mode)| Room {
            path,
            owner,
            group: owner,
            mode,
        };
        rooms.map(room).collect()
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let folder = lab.folder().join(self.name);
        let paths = [folder.join("grow.sh"), folder];
        let paths = paths.map(|path| path.to_string_lossy().into_owned());
        let mut words = self.enter(lab.folder());
        words.push("sh".to_owned());
        words.extend(paths);
        words
    }

    fn is_ready(&self, _: &Lab) -> bool {
        true
    }

    fn is_settled(&self, lab: &Lab) -> bool {
        lab.folder().join(self.name).join("settled").exists()
    }
}
