//! Web servers for tests, which say what a test puts into their mouths and remember what they heard; and the pages that
//! real ones have said.

#![allow(dead_code, reason = "not every suite needs all of it")]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use probe_core::{Report, Target};
use probe_net::Net;
use probe_net::http::Url;
use probe_net::tls::Tls;
use probe_testkit::{Authority, Identity, TlsOptions};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use web_probe::Page;

pub(crate) const NAME: &str = "mail.example.test";

/// A server on a port of its own.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) async fn tls(
        identity: &Identity,
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let config = identity.server_config(&TlsOptions::default());
        Self::serve(Some(TlsAcceptor::from(config)), answer).await
    }

    pub(crate) async fn clear(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        Self::serve(None, answer).await
    }

    async fn serve(
        acceptor: Option<TlsAcceptor>,
        answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (told, answer) = (heard.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, told, answer) = (acceptor.clone(), told.clone(), answer.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => converse(stream, &told, &*answer).await,
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                converse(stream, &told, &*answer).await;
                            }
                        }
                    }
                });
            }
        });
        Self { address, heard }
    }

    /// What was asked, head and body.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }

    /// The first line of each request, without the version.
    pub(crate) fn asked(&self) -> Vec<String> {
        let heard = self.heard();
        let first = heard.iter().map(|one| one.lines().next().unwrap());
        first.map(|line| line.replace(" HTTP/1.1", "")).collect()
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    told: &Mutex<Vec<String>>,
    answer: &(impl Fn(&str) -> Vec<u8> + ?Sized),
) {
    while let Some(request) = request(&mut stream).await {
        told.lock().unwrap().push(request.clone());
        // Whoever has heard enough hangs up.
        let _ = stream.write_all(&answer(&request)).await;
        let _ = stream.flush().await;
    }
}

async fn request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n\r\n") {
        heard.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&heard).into_owned();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    stream.read_exact(&mut body).await.ok()?;
    Some(head + &String::from_utf8_lossy(&body))
}

/// The path of a request.
pub(crate) fn path(request: &str) -> &str {
    request.split(' ').nth(1).unwrap()
}

/// A response with this status, these lines of a head, and this body.
pub(crate) fn response(status: u16, head: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status} Said\r\n{head}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

pub(crate) fn net(ca: &Authority) -> Net {
    Net::new(Tls::ring(ca.roots()))
}

pub(crate) fn url(path: &str) -> Url {
    format!("https://{NAME}{path}").parse().unwrap()
}

/// A page that a real server showed, as if at this path.
pub(crate) fn transcript(name: &str, at: &str) -> Page {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");
    let text = std::fs::read_to_string(format!("{folder}/{name}.txt")).unwrap();
    let (head, body) = text.split_once("\n\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let page = Page::new(url(at), status.parse().unwrap(), body);
    let headers = lines.filter_map(|line| line.split_once(": "));
    headers.fold(page, |page, (name, value)| page.with_header(name, value))
}

/// Where a server is.
pub(crate) fn target(server: &Server) -> Target {
    Target::host(server.address.ip(), server.address.port())
}

pub(crate) fn codes<F>(report: &Report<F>) -> Vec<&'static str> {
    report
        .findings
        .iter()
        .map(probe_core::Finding::code)
        .collect()
}
