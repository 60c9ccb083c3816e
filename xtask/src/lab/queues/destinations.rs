//! Where the mail of the [queues](super) shall go: one row a destination, with what waits for it.

use std::net::{IpAddr, Ipv4Addr};

use super::maildrop::Message;
use crate::lab::certificates::Certificate::{self, *};
use crate::lab::nsd;
use crate::lab::server::Listener;

/// A destination, and how it turns mail away.
#[derive(Debug)]
pub(super) struct Row {
    domain: &'static str,
    place: Place,
    /// What the sender requires of its encryption (`smtp_tls_policy_maps` in postconf(5)).
    requires: Option<&'static str>,
    messages: u32,
    recipients: u32,
    headers: &'static [&'static str],
}

/// Where a destination is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// As DNS says.
    Dns,
    /// Where nobody listens.
    Nobody,
    /// Nowhere: mail for it never goes so far.
    Nowhere,
    /// At an address of its own.
    Here {
        label: &'static str,
        host: &'static str,
        last: u8,
        certificate: Certificate,
        program: &'static str,
        options: &'static [&'static str],
        quirk: &'static str,
    },
}

/// Ages of messages in seconds, one after the other: within each of the bounds of mailhost-probe, and beyond the last.
const AGES: [u64; 7] = [10, 300, 1800, 7200, 36_000, 172_800, 345_600];
const PORT: u16 = 25;

impl Row {
    pub(super) fn listener(&self) -> Option<Listener> {
        let Place::Here {
            label,
            host,
            certificate,
            quirk,
            ..
        } = self.place
        else {
            return None;
        };
        Some(Listener {
            server: "queues",
            label,
            host,
            address: IpAddr::V4(self.address()?),
            port: PORT,
            certificate,
            quirk,
        })
    }

    /// The row as an entry of `master.cf`.
    pub(super) fn entry(&self) -> String {
        let (
            Some(address),
            Place::Here {
                host,
                program,
                options,
                quirk,
                certificate,
                ..
            },
        ) = (self.address(), self.place)
        else {
            return String::new();
        };
        let mut entry = format!("\n# {quirk}\n{address}:{PORT} inet n {program}\n");
        if !program.contains("smtpd") {
            return entry;
        }
        let mut option = |text: &str| entry += &format!("  -o {{ {text} }}\n");
        option(&format!("myhostname = {host}"));
        if certificate != Absent {
            option("smtpd_tls_security_level = may");
            option(&format!("smtpd_tls_cert_file = {{lab}}/tls/{host}.pem"));
            option(&format!("smtpd_tls_key_file = {{lab}}/tls/{host}.key"));
        }
        options.iter().copied().for_each(option);
        entry
    }

    /// The row as a line of `transport_maps`.
    pub(super) fn route(&self) -> String {
        let Self { domain, .. } = self;
        let address = self.address();
        address.map_or_else(String::new, |address| {
            format!("  {{ {domain} = smtp:[{address}]:{PORT} }}\n")
        })
    }

    /// The row as a line of `smtp_tls_policy_maps`.
    pub(super) fn rule(&self) -> String {
        let rule = self.address().zip(self.requires);
        rule.map_or_else(String::new, |(address, level)| {
            format!("  {{ [{address}]:{PORT} = {level} }}\n")
        })
    }

    /// What waits for it.
    pub(super) fn messages(&self, now: u64) -> impl Iterator<Item = Message> {
        let ages = AGES.into_iter().cycle().zip(0..self.messages);
        ages.map(move |(age, _)| {
            let recipients = 1..=self.recipients;
            let recipients = recipients.map(|number| format!("user{number}@{}", self.domain));
            Message {
                arrived: now - age,
                recipients: recipients.collect(),
                headers: self.headers,
            }
        })
    }

    pub(super) fn stays_in_maildrop(&self) -> bool {
        self.domain == PENDING
    }

    fn address(&self) -> Option<Ipv4Addr> {
        match self.place {
            Place::Dns | Place::Nowhere => None,
            Place::Nobody => Some(nsd::NOBODY),
            Place::Here { last, .. } => Some(Ipv4Addr::new(127, 88, 0, last)),
        }
    }

    const fn recipients(mut self, recipients: u32) -> Self {
        self.recipients = recipients;
        self
    }

    const fn requires(mut self, level: &'static str) -> Self {
        self.requires = Some(level);
        self
    }

    const fn with_headers(mut self, headers: &'static [&'static str]) -> Self {
        self.headers = headers;
        self
    }
}

/// How many messages wait once each was tried for.
pub(super) fn waits() -> u32 {
    let rows = ROWS.iter().filter(|row| !row.stays_in_maildrop());
    rows.map(|row| row.messages).sum()
}

/// What waits for a Postfix that does not run.
pub(super) fn stopped(now: u64) -> Message {
    Message {
        arrived: now - 7200,
        recipients: vec!["user@stopped.example".to_owned()],
        headers: &[],
    }
}

const fn row(domain: &'static str, messages: u32, place: Place) -> Row {
    Row {
        domain,
        place,
        requires: None,
        messages,
        recipients: 1,
        headers: &[],
    }
}

const fn here(
    label: &'static str,
    host: &'static str,
    last: u8,
    options: &'static [&'static str],
    quirk: &'static str,
) -> Place {
    Place::Here {
        label,
        host,
        last,
        certificate: Absent,
        program: "- n - - smtpd",
        options,
        quirk,
    }
}

const PENDING: &str = "pending.example";

/// In the order of their addresses, and then those without.
pub(super) const ROWS: &[Row] = &[
    row(
        "nowhere.example",
        0,
        here(
            "smtp-queues",
            "queues.lab.test",
            100,
            &[],
            "takes any mail and queues it: for a domain of destinations.rs it stays there, with `X-Lab: hold` too",
        ),
    ),
    row(
        "greylisted.example",
        60,
        here(
            "queues-greylists",
            "greylists.queues.lab.test",
            101,
            &[
                "smtpd_recipient_restrictions = check_recipient_access static:{450 4.2.0 Greylisted, \
               see http://postgrey.example/help/greylisted.example.html}",
            ],
            "greylists the queues' mail: 450 4.2.0",
        ),
    ),
    row(
        "policy.example",
        50,
        here(
            "queues-policy",
            "policy.queues.lab.test",
            102,
            &["smtpd_recipient_restrictions = check_recipient_access \
               static:{451 4.7.1 Refused for now; see https://policy.example/why}"],
            "puts the queues' mail off by a rule: 451 4.7.1",
        ),
    ),
    row(
        "busy.example",
        10,
        here(
            "queues-busy",
            "busy.queues.lab.test",
            103,
            &[
                "smtpd_delay_reject = no",
                "smtpd_client_restrictions = check_client_access \
                 static:{421 4.7.0 Too many connections from you}",
            ],
            "greets with 421 4.7.0",
        ),
    ),
    row(
        "quota.example",
        40,
        here(
            "queues-quota",
            "quota.queues.lab.test",
            104,
            &["smtpd_recipient_restrictions = check_recipient_access \
               static:{452 4.2.2 Mailbox full}"],
            "its mailboxes are full: 452 4.2.2",
        ),
    ),
    row(
        "later.example",
        24,
        here(
            "queues-later",
            "later.queues.lab.test",
            105,
            &["smtpd_recipient_restrictions = check_recipient_access \
               static:{450 4.2.1 Please come back later}"],
            "puts the queues' mail off without a reason: 450 4.2.1",
        ),
    ),
    row(
        "silent.example",
        40,
        Place::Here {
            label: "queues-silent",
            host: "silent.queues.lab.test",
            last: 106,
            certificate: Absent,
            program: "n n - 0 spawn user=nobody argv=/bin/sleep 3600",
            options: &[],
            quirk: "takes connections and says nothing",
        },
    ),
    row(
        "hangs-up.example",
        5,
        Place::Here {
            label: "queues-hangs-up",
            host: "hangs-up.queues.lab.test",
            last: 107,
            certificate: Absent,
            program: "n n - 0 spawn user=nobody argv=/bin/true",
            options: &[],
            quirk: "takes connections and ends them",
        },
    ),
    row(
        "clear.example",
        16,
        here(
            "queues-clear",
            "clear.queues.lab.test",
            108,
            &[],
            "has no STARTTLS, which the queues' Postfix requires",
        ),
    )
    .requires("encrypt"),
    row(
        "untrusted.example",
        14,
        Place::Here {
            label: "queues-untrusted",
            host: "untrusted.queues.lab.test",
            last: 109,
            certificate: SelfSigned,
            program: "- n - - smtpd",
            options: &[],
            quirk: "has a certificate signed by itself, which the queues' Postfix must trust",
        },
    )
    .requires("secure"),
    row(
        "broken-tls.example",
        10,
        Place::Here {
            label: "queues-broken-tls",
            host: "broken-tls.queues.lab.test",
            last: 110,
            certificate: Good,
            program: "- n - - smtpd",
            options: &["smtpd_tls_key_file = {lab}/tls/lost.key"],
            quirk: "answers STARTTLS with 454",
        },
    )
    .requires("encrypt"),
    row("refused.example", 60, Place::Nobody),
    row("expiring.example", 6, Place::Nobody),
    row("many.example", 1, Place::Nobody).recipients(30),
    row("loop-a.test", 25, Place::Dns),
    row("upward.test", 15, Place::Dns),
    row("held.example", 12, Place::Nowhere).with_headers(&["X-Lab: hold"]),
    row(PENDING, 5, Place::Nowhere),
];
