//! What the tests share: a resolver on loopback that answers as a test says, and a probe that asks it.

#![allow(dead_code, reason = "each test file uses its part")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dnsbl_probe::{Catalogue, DnsblFacts, DnsblProbe, Health, ListFacts, Options};
use probe_core::{Context, Probe, Report};
use probe_net::dns::{Pace, Resolver};
use tokio::net::UdpSocket;

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Says {
    /// These addresses.
    Addresses(Vec<Ipv4Addr>),
    /// This address, at another name.
    Alias(Ipv4Addr),
    /// There is no such name.
    Nothing,
    /// The code of an error.
    Code(u8),
    /// Nothing at all.
    Silence,
    /// This text.
    Text(Vec<u8>),
}

pub(crate) fn one(address: [u8; 4]) -> Says {
    Says::Addresses(vec![address.into()])
}

/// A list that is well: its test entry is there, and what else it lists.
pub(crate) fn well(labels: &str, listed: &[(&str, [u8; 4])]) -> Says {
    match labels {
        "2.0.0.127" | "test" => one([127, 0, 0, 2]),
        "2.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0" => one([127, 0, 0, 2]),
        other => match listed.iter().find(|(name, _)| *name == other) {
            Some((_, address)) => one(*address),
            None => Says::Nothing,
        },
    }
}

/// A resolver, and what it was asked.
pub(crate) struct World {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl World {
    /// `answer` is told the zone (its first label) and the labels below it, and `A` or `TXT`.
    pub(crate) async fn new(
        answer: impl Fn(&str, &str, &str) -> Says + Send + Sync + 'static,
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
                noted.lock().unwrap().push(format!("{name} {kind}"));
                let (labels, zone) = match name.strip_suffix(".test") {
                    Some(below) => below.rsplit_once('.').unwrap_or(("", below)),
                    None => (name.as_str(), ""),
                };
                if let Some(reply) = reply(question, &answer(zone, labels, kind)) {
                    socket.send_to(&reply, client).await.unwrap();
                }
            }
        });
        Self { address, asked }
    }

    /// The names that were asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    pub(crate) fn options(&self, catalogue: &str) -> Options {
        let mut pace = Pace::default();
        pace.patience = Duration::from_millis(700);
        let resolver = Resolver::new([self.address]).with_pace(pace);
        DnsblProbe::builder(resolver).catalogue(Catalogue::parse(catalogue).unwrap())
    }

    pub(crate) async fn ask(&self, catalogue: &str, target: &str) -> Report<DnsblFacts> {
        ask(&self.options(catalogue).build().unwrap(), target).await
    }
}

pub(crate) async fn ask(probe: &DnsblProbe, target: &str) -> Report<DnsblFacts> {
    let cx = Context::default().with_transcript();
    probe.probe(&target.parse().unwrap(), &cx).await
}

/// A catalogue of these zones below `.test`, each with its further columns.
pub(crate) fn lists(rows: &[&str]) -> String {
    let mut text = "zone,kinds,polarity,scope,codes,key,test,covers,status,delist\n".to_owned();
    for row in rows {
        let fields = row.split(',').count();
        text += row;
        text += &",".repeat(10 - fields);
        text += "\n";
    }
    text
}

pub(crate) fn codes(report: &Report<DnsblFacts>) -> Vec<&'static str> {
    let codes = report.findings.iter().map(|finding| finding.code());
    codes.collect()
}

pub(crate) fn of<'a>(report: &'a Report<DnsblFacts>, zone: &str) -> &'a ListFacts {
    let mut lists = report.facts.lists.iter();
    lists.find(|one| one.list.zone == zone).unwrap()
}

pub(crate) fn health<'a>(report: &'a Report<DnsblFacts>, zone: &str) -> &'a Health {
    &of(report, zone).health
}

fn question_end(question: &[u8]) -> usize {
    let mut at = 12;
    while question[at] != 0 {
        at += usize::from(question[at]) + 1;
    }
    at + 5
}

fn name_of(question: &[u8]) -> (String, &'static str) {
    let mut labels = Vec::new();
    let mut at = 12;
    while question[at] != 0 {
        let length = usize::from(question[at]);
        let label = &question[at + 1..=at + length];
        labels.push(String::from_utf8(label.to_ascii_lowercase()).unwrap());
        at += length + 1;
    }
    let kind = match question[at + 2] {
        16 => "TXT",
        _ => "A",
    };
    (labels.join("."), kind)
}

fn reply(question: &[u8], says: &Says) -> Option<Vec<u8>> {
    let end = question_end(question);
    let mut reply = question[..end].to_vec();
    reply[2] = 0x80;
    reply[3] = 0x80;
    reply[11] = 0;
    let mut answers = 0;
    let mut record = |owner: &[u8], kind: u8, data: &[u8]| {
        reply.extend_from_slice(owner);
        reply.extend([0, kind, 0, 1, 0, 0, 0, 90]);
        reply.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        reply.extend_from_slice(data);
        answers += 1;
    };
    match says {
        Says::Silence => return None,
        Says::Nothing => reply[3] |= 3,
        Says::Code(code) => reply[3] |= code,
        Says::Addresses(addresses) => {
            for address in addresses {
                record(&[0xc0, 12], 1, &address.octets());
            }
        }
        Says::Alias(address) => {
            record(&[0xc0, 12], 5, b"\x04park\x00");
            record(b"\x04park\x00", 1, &address.octets());
        }
        Says::Text(text) => {
            let strings = text.chunks(255).flat_map(|chunk| {
                let length = u8::try_from(chunk.len()).unwrap();
                core::iter::once(length).chain(chunk.iter().copied())
            });
            record(&[0xc0, 12], 16, &strings.collect::<Vec<_>>());
        }
    }
    reply[7] = answers;
    Some(reply)
}
