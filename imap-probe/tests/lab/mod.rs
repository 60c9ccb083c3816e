//! The lab as a test sees it: its listeners, its users, and an IMAP session by hand, so that what the probe says is
//! held against something else.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use imap_probe::{ImapFacts, ImapProbe, Options};
use probe_core::{Context, Probe, Report, Target};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{self, SecretsOver, Security, Tls};
use serde_json::Value;

/// What the lab says of itself.
pub(crate) fn lab() -> &'static Value {
    static LAB: OnceLock<Value> = OnceLock::new();
    LAB.get_or_init(|| {
        let folder = std::env::var("MAILPROBE_LAB").expect("run by `cargo xtask test`");
        let text = fs::read(PathBuf::from(folder).join("lab.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    })
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

pub(crate) fn user(name: &str) -> Credentials {
    let user = &lab()["users"][name];
    Credentials::password(text(&user["name"]), text(&user["password"])).unwrap()
}

pub(crate) fn token(name: &str) -> Credentials {
    let token = &lab()["tokens"][name];
    let secret = fs::read_to_string(text(&token["file"])).unwrap();
    Credentials::token(text(&token["user"]), secret.trim()).unwrap()
}

pub(crate) fn address(listener: &str) -> SocketAddr {
    let listener = &lab()["listeners"][listener];
    let port = u16::try_from(listener["port"].as_u64().unwrap()).unwrap();
    SocketAddr::new(text(&listener["address"]).parse().unwrap(), port)
}

/// A probe of one of the lab's listeners, which expects its name in the certificate.
pub(crate) fn probe(listener: &str, shape: impl FnOnce(Options) -> Options) -> ImapProbe {
    let mut roots = rustls::RootCertStore::empty();
    tls::add_ca_file(&mut roots, text(&lab()["ca"]).as_ref()).unwrap();
    let name = text(&lab()["listeners"][listener]["name"]);
    let options = ImapProbe::builder(Net::new(Tls::ring(roots))).server_name(name.parse().unwrap());
    shape(options).build().unwrap()
}

pub(crate) fn context() -> Context {
    Context::default()
        .with_budget(Duration::from_secs(15))
        .with_transcript()
}

/// Asks one of the lab's listeners.
pub(crate) async fn ask(
    listener: &str,
    shape: impl FnOnce(Options) -> Options,
) -> Report<ImapFacts> {
    let address = address(listener);
    let target = Target::host(address.ip(), address.port());
    probe(listener, shape).probe(&target, &context()).await
}

/// Asks as this user, in the ordinary way.
pub(crate) async fn ask_as(
    name: &str,
    shape: impl FnOnce(Options) -> Options,
) -> Report<ImapFacts> {
    ask("imaps-good", |options| {
        shape(options.credentials(user(name)))
    })
    .await
}

/// Options for a listener without TLS.
pub(crate) fn in_clear(options: Options) -> Options {
    options
        .security(Security::Cleartext)
        .secrets_over(SecretsOver::Cleartext)
}

pub(crate) fn codes<F>(report: &Report<F>) -> Vec<&'static str> {
    let codes = report.findings.iter().map(|finding| finding.code());
    codes.collect()
}

pub(crate) fn phases<F>(report: &Report<F>) -> Vec<&'static str> {
    let phases = report.spans.iter().map(|span| span.phase.as_str());
    phases.collect()
}

/// What the server answers to these commands, said by hand; `BYE` and completions left out.
pub(crate) fn by_hand(name: &str, commands: &[&str]) -> Vec<String> {
    let stream = TcpStream::connect(address("imap-cleartext")).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    lines.next().unwrap().unwrap();
    let account = &lab()["users"][name];
    let (login, password) = (text(&account["name"]), text(&account["password"]));
    let octets = password.len();
    let mut heard = Vec::new();
    let login = format!("LOGIN {login} {{{octets}+}}\r\n{password}");
    for command in [login.as_str()].iter().chain(commands) {
        (&stream)
            .write_all(format!("t {command}\r\n").as_bytes())
            .unwrap();
        loop {
            let line = lines.next().unwrap().unwrap();
            if line.starts_with("t ") {
                assert!(line.starts_with("t OK"), "{command}: {line}");
                break;
            }
            if !line.contains("CAPABILITY") {
                heard.push(line);
            }
        }
    }
    heard
}
