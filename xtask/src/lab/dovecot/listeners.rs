//! Every listener of Dovecot, one row each, and the hosts they stand on: Dovecot tells its settings
//! apart by address. What a host's settings mean is in Dovecot's manual.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};

use crate::lab::certificates::Certificate::{self, *};
use crate::lab::server::Listener;

/// The listeners as the lab knows them.
pub(super) fn listeners() -> impl Iterator<Item = Listener> {
    ROWS.iter().map(|row| Listener {
        server: "dovecot",
        label: row.label,
        host: row.host.name,
        address: row.host.address(),
        port: row.door.port,
        certificate: row.host.certificate,
        quirk: row.quirk,
    })
}

/// The listeners as a part of `dovecot.conf`.
pub(super) fn configuration() -> String {
    let doors = DOORS.iter().map(Door::configuration);
    let hosts = HOSTS.iter().map(Host::configuration);
    doors.chain(hosts).collect()
}

#[derive(Debug)]
struct Row {
    label: &'static str,
    door: Door,
    host: Host,
    quirk: &'static str,
}

/// A port, with the service of Dovecot that opens it and what that calls it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Door {
    service: &'static str,
    name: &'static str,
    port: u16,
    has_tls: bool,
}

impl Door {
    fn configuration(&self) -> String {
        let Self {
            service,
            name,
            port,
            has_tls,
        } = self;
        let addresses: Vec<String> = ROWS
            .iter()
            .filter(|row| row.door == *self)
            .map(|row| row.host.address().to_string())
            .collect();
        let addresses = addresses.join(", ");
        let ssl = if *has_tls { "yes" } else { "no" };
        format!(
            "\nservice {service} {{\n  inet_listener {name} {{\n    address = {addresses}\n    \
             port = {port}\n    ssl = {ssl}\n  }}\n}}\n"
        )
    }
}

#[derive(Clone, Copy, Debug)]
struct Host {
    name: &'static str,
    /// The end of its address.
    last: u8,
    certificate: Certificate,
    settings: &'static [&'static str],
}

impl Host {
    fn address(&self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::new(127, 88, 0, self.last))
    }

    fn configuration(&self) -> String {
        let name = self.name;
        let mut text = format!("\nlocal {} {{\n", self.address());
        if self.certificate == Absent {
            text += "  ssl = no\n";
        } else {
            for (setting, end) in [("ssl_cert", "pem"), ("ssl_key", "key")] {
                let _ = writeln!(text, "  {setting} = <{{lab}}/tls/{name}.{end}");
            }
        }
        for setting in self.settings {
            let _ = writeln!(text, "  {setting}");
        }
        text + "}\n"
    }
}

const fn host(name: &'static str, last: u8, certificate: Certificate) -> Host {
    Host {
        name,
        last,
        certificate,
        settings: &[],
    }
}

const fn door(service: &'static str, name: &'static str, port: u16, has_tls: bool) -> Door {
    Door {
        service,
        name,
        port,
        has_tls,
    }
}

const fn row(label: &'static str, door: Door, host: Host, quirk: &'static str) -> Row {
    Row {
        label,
        door,
        host,
        quirk,
    }
}

const IMAP: Door = door("imap-login", "imap", 143, false);
const IMAPS: Door = door("imap-login", "imaps", 993, true);
const POP3: Door = door("pop3-login", "pop3", 110, false);
const POP3S: Door = door("pop3-login", "pop3s", 995, true);
const LMTP: Door = door("lmtp", "lmtp", 24, false);
const DOORS: [Door; 5] = [IMAP, IMAPS, POP3, POP3S, LMTP];

const GOOD: Host = host("mail.lab.test", 60, Ecdsa);
const CLEARTEXT: Host = Host {
    settings: &["disable_plaintext_auth = no"],
    ..host("mail-cleartext.lab.test", 61, Absent)
};
const EXPIRED: Host = host("mail-expired.lab.test", 62, Expired);
const WRONG_NAME: Host = host("mail-wrong-name.lab.test", 63, WrongName);
const SELF_SIGNED: Host = host("mail-self-signed.lab.test", 64, SelfSigned);
const PLAIN_OLD: Host = Host {
    settings: &["disable_plaintext_auth = no", "imap_capability = IMAP4rev1"],
    ..host("mail-plain-old.lab.test", 65, Good)
};
const HOSTS: [Host; 6] = [GOOD, CLEARTEXT, EXPIRED, WRONG_NAME, SELF_SIGNED, PLAIN_OLD];

/// In the order of their addresses.
const ROWS: &[Row] = &[
    row("imap-good", IMAP, GOOD, "STARTTLS, and no password before"),
    row("imaps-good", IMAPS, GOOD, "TLS at once"),
    row("pop3-good", POP3, GOOD, "STLS, and no password before"),
    row("pop3s-good", POP3S, GOOD, "TLS at once"),
    row("lmtp-good", LMTP, GOOD, "LMTP into every mailbox"),
    row(
        "imap-cleartext",
        IMAP,
        CLEARTEXT,
        "no TLS; logins in clear, ANONYMOUS included",
    ),
    row(
        "pop3-cleartext",
        POP3,
        CLEARTEXT,
        "no TLS; logins in clear, ANONYMOUS included",
    ),
    row(
        "imap-expired",
        IMAP,
        EXPIRED,
        "STARTTLS; its certificate expired in 2021",
    ),
    row(
        "imaps-expired",
        IMAPS,
        EXPIRED,
        "its certificate expired in 2021",
    ),
    row(
        "pop3s-expired",
        POP3S,
        EXPIRED,
        "its certificate expired in 2021",
    ),
    row(
        "imaps-wrong-name",
        IMAPS,
        WRONG_NAME,
        "its certificate is for elsewhere.lab.test",
    ),
    row(
        "pop3s-wrong-name",
        POP3S,
        WRONG_NAME,
        "its certificate is for elsewhere.lab.test",
    ),
    row(
        "imaps-self-signed",
        IMAPS,
        SELF_SIGNED,
        "its certificate is signed by itself",
    ),
    row(
        "pop3s-self-signed",
        POP3S,
        SELF_SIGNED,
        "its certificate is signed by itself",
    ),
    row(
        "imap-plain-old",
        IMAP,
        PLAIN_OLD,
        "announces IMAP4rev1 and no extension but STARTTLS and logins (what it does not announce, it \
         does when asked); logins in clear too",
    ),
];
