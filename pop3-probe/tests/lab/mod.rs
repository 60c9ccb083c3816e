//! The lab, as its own description has it, and what stands between us and it.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pop3_probe::{Options, Pop3Facts, Pop3Probe};
use probe_core::{Context, Probe, Report};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{self, Tls};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, MutexGuard};

/// What the lab says of itself.
fn lab() -> &'static Value {
    static LAB: OnceLock<Value> = OnceLock::new();
    LAB.get_or_init(|| {
        let folder = std::env::var("MAILPROBE_LAB").expect("run by `cargo xtask test`");
        let text = fs::read(PathBuf::from(folder).join("lab.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// A maildrop takes one session at a time, so tests that log in take turns.
pub(crate) async fn session() -> MutexGuard<'static, ()> {
    static SESSION: Mutex<()> = Mutex::const_new(());
    SESSION.lock().await
}

fn net() -> Net {
    let mut roots = rustls::RootCertStore::empty();
    tls::add_ca_file(&mut roots, text(&lab()["ca"]).as_ref()).unwrap();
    Net::new(Tls::ring(roots))
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

fn address(listener: &str) -> SocketAddr {
    let listener = &lab()["listeners"][listener];
    let port = listener["port"].as_u64().unwrap();
    let address = text(&listener["address"]).parse().unwrap();
    SocketAddr::new(address, port.try_into().unwrap())
}

/// Asks one of the lab's listeners by its address, expecting its name in the certificate.
pub(crate) async fn ask(
    listener: &str,
    shape: impl FnOnce(Options) -> Options,
) -> Report<Pop3Facts> {
    let name = text(&lab()["listeners"][listener]["name"]).parse().unwrap();
    ask_at(address(listener), |options| {
        shape(options.server_name(name))
    })
    .await
}

pub(crate) async fn ask_at(
    address: SocketAddr,
    shape: impl FnOnce(Options) -> Options,
) -> Report<Pop3Facts> {
    let probe = shape(Pop3Probe::builder(net())).build().unwrap();
    let cx = Context::default()
        .with_budget(Duration::from_secs(15))
        .with_transcript();
    probe
        .probe(&address.to_string().parse().unwrap(), &cx)
        .await
}

pub(crate) fn codes(report: &Report<Pop3Facts>) -> Vec<&'static str> {
    let findings = report.findings.iter();
    findings.map(|finding| finding.code()).collect()
}

pub(crate) fn phases(report: &Report<Pop3Facts>) -> Vec<&'static str> {
    let spans = report.spans.iter();
    spans.map(|span| span.phase.as_str()).collect()
}

/// A session of this user that has its maildrop, until it is dropped.
pub(crate) async fn hold(name: &str) -> BufStream<TcpStream> {
    let user = &lab()["users"][name];
    let stream = TcpStream::connect(address("pop3-cleartext")).await.unwrap();
    let mut stream = BufStream::new(stream);
    let (name, password) = (text(&user["name"]), text(&user["password"]));
    let said = [
        String::new(),
        format!("USER {name}\r\n"),
        format!("PASS {password}\r\n"),
    ];
    for line in said {
        stream.write_all(line.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        let mut answer = String::new();
        stream.read_line(&mut answer).await.unwrap();
        assert!(answer.starts_with("+OK"), "{answer}");
    }
    stream
}

/// A way to a listener that breaks as soon as so many commands came through, the last one's answer held back; from the
/// second connection on it holds. It keeps what it heard in the first one.
pub(crate) async fn cut_after(
    listener: &str,
    commands: usize,
) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let server = address(listener);
    let way = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (here, log) = (way.local_addr().unwrap(), Arc::default());
    let heard = Arc::clone(&log);
    tokio::spawn(async move {
        let (client, _) = way.accept().await.unwrap();
        relay(client, server, commands, &heard).await;
        let (mut client, _) = way.accept().await.unwrap();
        let mut server = TcpStream::connect(server).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    });
    (here, log)
}

async fn relay(client: TcpStream, server: SocketAddr, commands: usize, heard: &Mutex<Vec<String>>) {
    let mut server = BufStream::new(TcpStream::connect(server).await.unwrap());
    let mut client = BufStream::new(client);
    // What `read_until` has read stays there when the other side speaks first.
    let (mut said, mut answer) = (Vec::new(), Vec::new());
    loop {
        tokio::select! {
            read = client.read_until(b'\n', &mut said) => {
                if read.unwrap() == 0 {
                    return;
                }
                server.write_all(&said).await.unwrap();
                server.flush().await.unwrap();
                let line = String::from_utf8_lossy(&said).trim_end().to_owned();
                heard.lock().await.push(line);
                if heard.lock().await.len() == commands {
                    // It has obeyed by then, or never will.
                    tokio::time::sleep(Duration::from_millis(20)).await;
                    return;
                }
                said.clear();
            }
            read = server.read_until(b'\n', &mut answer) => {
                if read.unwrap() == 0 {
                    return;
                }
                client.write_all(&answer).await.unwrap();
                client.flush().await.unwrap();
                answer.clear();
            }
        }
    }
}
