//! What the tests share: resolvers on loopback that answer as a test says, and a probe that asks them.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(clippy::indexing_slicing, clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mx_check::{MxFacts, MxProbe};
use probe_core::{Context, Probe, Report};
use probe_net::dns::{Pace, Resolver};
use tokio::net::UdpSocket;

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// These records: owner, type, data as it is written here: `10 mx.test`, `192.0.2.1`, a name.
    Records(Vec<(&'static str, &'static str, &'static str)>),
    /// The same, from a cache that keeps what is over (RFC 8914, 3).
    Stale(Vec<(&'static str, &'static str, &'static str)>),
    /// This address, of whichever name was asked for.
    Invented(&'static str),
    /// There is no such name.
    NoName,
    /// The name is there, and no such record.
    NoData,
    /// The code of an error.
    Code(u8),
    /// These bytes behind the question's id.
    Garbage(Vec<u8>),
    /// Nothing at all.
    Silence,
}

/// What every resolver knows.
pub(crate) fn usual(name: &str, kind: &str) -> Says {
    match (name, kind) {
        ("", "NS") => Says::Records(vec![("", "NS", "a.root.test")]),
        _ => Says::NoName,
    }
}

/// A resolver, and what it was asked: names and kinds, with `CD` behind those that were to be answered unchecked.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl World {
    /// `answer` is told the name in lower case, the kind, and whether signatures are not to be judged.
    pub(crate) async fn new(
        answer: impl Fn(&str, &str, bool) -> Says + Send + Sync + 'static,
    ) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = asked.clone();
        tokio::spawn(async move {
            let mut room = [0; 2048];
            loop {
                let (length, client) = socket.recv_from(&mut room).await.unwrap();
                let question = &room[..length];
                let (name, kind) = name_of(question);
                let is_unchecked = question[3] & 0x10 != 0;
                let mark = if is_unchecked { " CD" } else { "" };
                noted.lock().unwrap().push(format!("{name} {kind}{mark}"));
                if let Some(reply) = reply(question, &answer(&name, kind, is_unchecked)) {
                    socket.send_to(&reply, client).await.unwrap();
                }
            }
        });
        Self { address, asked }
    }

    /// What it was asked, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// Asks these resolvers about a domain, and nobody else.
pub(crate) async fn ask(worlds: &[&World], domain: &str) -> Report<MxFacts> {
    let mut pace = Pace::default();
    pace.patience = Duration::from_millis(700);
    let servers: Vec<_> = worlds.iter().map(|world| world.address).collect();
    let first = Resolver::new(servers.first().copied()).with_pace(pace);
    let probe = MxProbe::builder(first)
        .caches(servers)
        .without_roots()
        .build()
        .unwrap();
    probe
        .probe(&domain.parse().unwrap(), &Context::default())
        .await
}

pub(crate) fn codes(report: &Report<MxFacts>) -> Vec<&'static str> {
    let findings = report.findings.iter().map(|one| one.code());
    // That nobody but resolvers was asked is no news.
    findings
        .filter(|code| *code != "delegation.unknown")
        .collect()
}

const KINDS: [(u16, &str); 8] = [
    (1, "A"),
    (2, "NS"),
    (5, "CNAME"),
    (6, "SOA"),
    (12, "PTR"),
    (15, "MX"),
    (16, "TXT"),
    (28, "AAAA"),
];

fn name_of(question: &[u8]) -> (String, &'static str) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while question[at] != 0 {
        let length = usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..=at + length]).to_ascii_lowercase());
        at += length + 1;
    }
    let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
    let known = KINDS.iter().find(|(number, _)| *number == kind);
    (labels.join("."), known.map_or("OTHER", |(_, word)| word))
}

fn wire(name: &str) -> Vec<u8> {
    let labels = name.split('.').filter(|label| !label.is_empty());
    let mut wire = Vec::new();
    for label in labels {
        wire.push(u8::try_from(label.len()).unwrap());
        wire.extend_from_slice(label.as_bytes());
    }
    wire.push(0);
    wire
}

fn data(kind: &str, text: &str) -> Vec<u8> {
    match kind {
        "A" => text
            .parse::<std::net::Ipv4Addr>()
            .unwrap()
            .octets()
            .to_vec(),
        "AAAA" => text
            .parse::<std::net::Ipv6Addr>()
            .unwrap()
            .octets()
            .to_vec(),
        "MX" => {
            let (preference, exchange) = text.split_once(' ').unwrap();
            let preference: u16 = preference.parse().unwrap();
            [&preference.to_be_bytes()[..], &wire(exchange)].concat()
        }
        _ => wire(text),
    }
}

fn reply(question: &[u8], says: &Says) -> Option<Vec<u8>> {
    let (records, rcode, is_stale) = match says {
        Says::Records(records) => (records.as_slice(), 0, false),
        Says::Invented(_) => (&[][..], 0, false),
        Says::Stale(records) => (records.as_slice(), 0, true),
        Says::NoName => (&[][..], 3, false),
        Says::NoData => (&[][..], 0, false),
        Says::Code(code) => (&[][..], *code, false),
        Says::Garbage(bytes) => return Some([&question[..2], bytes].concat()),
        Says::Silence => return None,
    };
    let mut end = 12;
    while question[end] != 0 {
        end += usize::from(question[end]) + 1;
    }
    let mut reply = question[..end + 5].to_vec();
    reply[2] = 0x81;
    reply[3] = 0x80 | rcode;
    reply[7] = records.len().try_into().unwrap();
    reply[11] = u8::from(is_stale);
    for (owner, kind, text) in records {
        let number = KINDS.iter().find(|(_, word)| word == kind).unwrap().0;
        let data = data(kind, text);
        reply.extend(wire(owner));
        reply.extend(number.to_be_bytes());
        reply.extend([0, 1, 0, 0, 0, 60]);
        reply.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        reply.extend(data);
    }
    if let Says::Invented(address) = says {
        reply[7] = 1;
        reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
        reply.extend(data("A", address));
    }
    if is_stale {
        // EDNS with the extended error 3.
        reply.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 6, 0, 15, 0, 2, 0, 3]);
    }
    Some(reply)
}
