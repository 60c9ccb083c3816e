//! What the tests share: a scripted zone, and a survey that is led by hand, without a socket.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use mx_check::policy::{Options, PolicyFacts, PolicySurvey, judge};
use probe_core::{Finding, HostName};
use probe_net::dns::{Answer, Kind, Name, Question, Survey, Trouble};
use tokio::net::UdpSocket;

/// Who answers.
pub(crate) const SERVER: &str = "192.0.2.53:53";

/// What names have. A record is `(type, value)`, as zone files have it; `SERVFAIL`, `TIMEOUT` are types too, for all
/// others of the name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Zone {
    records: BTreeMap<String, Vec<(String, Vec<u8>)>>,
    pub(crate) asked: Vec<String>,
}

impl Zone {
    pub(crate) fn of(records: &[(&str, &str, &str)]) -> Self {
        let mut zone = Self::default();
        for (name, kind, value) in records {
            zone.add(name, kind, value.as_bytes());
        }
        zone
    }

    pub(crate) fn add(&mut self, name: &str, kind: &str, value: &[u8]) {
        let records = self.records.entry(name.to_ascii_lowercase()).or_default();
        if !kind.is_empty() {
            records.push((kind.to_owned(), value.to_owned()));
        }
    }

    pub(crate) fn with(mut self, name: &str, kind: &str, value: &str) -> Self {
        self.add(name, kind, value.as_bytes());
        self
    }

    /// Those of the name, or of the wildcard above it.
    fn find(&self, name: &str) -> Option<&Vec<(String, Vec<u8>)>> {
        let wild = name.split_once('.').map(|(_, above)| format!("*.{above}"));
        let own = self.records.get(name);
        own.or_else(|| self.records.get(&wild?))
    }

    pub(crate) fn answer(&mut self, question: &Question) -> Result<Answer, Trouble> {
        let Some(message) = self.message(question) else {
            return Err(Trouble::Timeout(Duration::from_secs(2)));
        };
        let answer = Answer::of_message(question.clone(), SERVER.parse().unwrap(), &message);
        Ok(answer.unwrap_or_else(|| panic!("{question} {message:02x?}")))
    }

    /// What is answered; nothing where that is silence.
    fn message(&mut self, question: &Question) -> Option<Vec<u8>> {
        let kind = question.kind.to_string();
        let mut owner = plain(&question.name).to_ascii_lowercase();
        self.asked.push(format!("{owner} {kind}"));
        let mut records = Vec::new();
        let mut rcode = 0;
        // As far as any test goes.
        for _ in 0..4 {
            let Some(found) = self.find(&owner) else {
                let tail = format!(".{owner}");
                let is_between = self.records.keys().any(|name| name.ends_with(&tail));
                rcode = if is_between { 0 } else { 3 };
                break;
            };
            let of_kind: Vec<_> = found.iter().filter(|(one, _)| *one == kind).collect();
            if of_kind.is_empty() {
                match found
                    .iter()
                    .find(|(one, _)| one == "TIMEOUT" || one == "SERVFAIL")
                {
                    Some((one, _)) if one == "TIMEOUT" => {
                        return None;
                    }
                    Some(_) => {
                        rcode = 2;
                        break;
                    }
                    None => {}
                }
            }
            for (_, value) in &of_kind {
                records.push((owner.clone(), question.kind, data(question.kind, value)));
            }
            let alias = found.iter().find(|(one, _)| one == "CNAME");
            match alias {
                Some((_, target)) if of_kind.is_empty() => {
                    records.push((owner.clone(), Kind::CNAME, data(Kind::CNAME, target)));
                    owner = String::from_utf8(target.to_ascii_lowercase()).unwrap();
                }
                _ => break,
            }
        }
        Some(message(question, rcode, &records))
    }

    /// Answers over UDP from now on.
    pub(crate) async fn serve(mut self) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        tokio::spawn(async move {
            let mut room = [0; 2048];
            loop {
                let (length, client) = socket.recv_from(&mut room).await.unwrap();
                let asked = &room[..length];
                let (question, end) = question(asked);
                if let Some(mut reply) = self.message(&question) {
                    reply[..2].copy_from_slice(&asked[..2]);
                    // In the letters that it was asked in.
                    reply[12..end].copy_from_slice(&asked[12..end]);
                    socket.send_to(&reply, client).await.unwrap();
                }
            }
        });
        address
    }
}

/// The question of a message, and where it ends.
fn question(message: &[u8]) -> (Question, usize) {
    let (mut labels, mut at) = (Vec::new(), 12);
    while message[at] != 0 {
        let length = usize::from(message[at]);
        labels.push(String::from_utf8(message[at + 1..=at + length].to_vec()).unwrap());
        at += length + 1;
    }
    let kind = Kind(u16::from_be_bytes([message[at + 1], message[at + 2]]));
    (
        Question::new(labels.join(".").parse().unwrap(), kind),
        at + 5,
    )
}

fn wire_name(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name
        .trim_end_matches('.')
        .split('.')
        .filter(|label| !label.is_empty())
    {
        out.push(u8::try_from(label.len()).unwrap());
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out
}

fn data(kind: Kind, value: &[u8]) -> Vec<u8> {
    let text = || core::str::from_utf8(value).unwrap();
    match kind {
        Kind::A => text().parse::<Ipv4Addr>().unwrap().octets().to_vec(),
        Kind::AAAA => text().parse::<Ipv6Addr>().unwrap().octets().to_vec(),
        Kind::TXT if value.is_empty() => vec![0],
        Kind::TXT => {
            let strings = value.chunks(255).flat_map(|chunk| {
                let length = u8::try_from(chunk.len()).unwrap();
                core::iter::once(length).chain(chunk.iter().copied())
            });
            strings.collect()
        }
        Kind::MX => {
            let (preference, exchange) = text().split_once(' ').unwrap();
            let mut out = preference.parse::<u16>().unwrap().to_be_bytes().to_vec();
            out.extend(wire_name(exchange));
            out
        }
        Kind::CAA => {
            let fields: Vec<_> = text().splitn(3, ' ').collect();
            let mut out = vec![
                fields[0].parse().unwrap(),
                u8::try_from(fields[1].len()).unwrap(),
            ];
            out.extend_from_slice(fields[1].as_bytes());
            out.extend_from_slice(fields[2].as_bytes());
            out
        }
        _ => wire_name(text()),
    }
}

fn message(question: &Question, rcode: u8, records: &[(String, Kind, Vec<u8>)]) -> Vec<u8> {
    let count = u16::try_from(records.len()).unwrap().to_be_bytes();
    let mut out = vec![
        0,
        7,
        0x81,
        0x80 | rcode,
        0,
        1,
        count[0],
        count[1],
        0,
        0,
        0,
        0,
    ];
    out.extend(wire_name(&plain(&question.name)));
    out.extend(question.kind.0.to_be_bytes());
    out.extend([0, 1]);
    for (owner, kind, data) in records {
        out.extend(wire_name(owner));
        out.extend(kind.0.to_be_bytes());
        out.extend([0, 1, 0, 0, 0, 60]);
        out.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
        out.extend(data);
    }
    out
}

/// A name without the escapes that it is shown with: a sign, or an octet in octal digits.
fn plain(name: &Name) -> String {
    let text = name.to_string();
    let (mut out, mut rest) = (String::new(), text.chars());
    while let Some(c) = rest.next() {
        match (c, rest.as_str().get(..3)) {
            ('\\', Some(digits)) if digits.starts_with(|c: char| c.is_ascii_digit()) => {
                out.push(char::from(u8::from_str_radix(digits, 8).unwrap()));
                rest.nth(2);
            }
            ('\\', _) => out.push(rest.next().unwrap()),
            (c, _) => out.push(c),
        }
    }
    out
}

/// Leads a survey until it wants no more.
pub(crate) fn lead<S: Survey>(survey: &mut S, zone: &mut Zone) {
    let mut asks = VecDeque::from(survey.begin());
    let mut count = 0;
    while let Some(ask) = asks.pop_front() {
        count += 1;
        assert!(count < 2000, "it never ends");
        let outcome = zone.answer(&ask.question);
        asks.extend(survey.answered(ask.tag, outcome));
    }
}

/// What is learned of a domain.
pub(crate) fn facts(zone: &mut Zone, options: Options) -> PolicyFacts {
    let mut survey = PolicySurvey::new(options);
    lead(&mut survey, zone);
    survey.into_facts()
}

/// What is learned of example.org.
pub(crate) fn learn(records: &[(&str, &str, &str)]) -> PolicyFacts {
    facts(&mut Zone::of(records), options())
}

pub(crate) fn options() -> Options {
    Options::new("example.org".parse().unwrap())
}

pub(crate) fn hosts(names: &[&str]) -> Vec<HostName> {
    names.iter().map(|name| name.parse().unwrap()).collect()
}

/// The judgement, for a domain whose mail one host takes.
pub(crate) fn judged(facts: &PolicyFacts) -> Vec<Finding> {
    judge(facts, &hosts(&["mx.example.org"]))
}

/// The codes that begin so.
pub(crate) fn codes(findings: &[Finding], start: &str) -> Vec<&'static str> {
    let codes = findings.iter().map(Finding::code);
    codes.filter(|code| code.starts_with(start)).collect()
}

pub(crate) fn evidence<'a>(findings: &'a [Finding], code: &str) -> &'a str {
    let found = findings.iter().find(|finding| finding.code() == code);
    &found
        .unwrap_or_else(|| panic!("no {code} in {findings:?}"))
        .evidence
}
