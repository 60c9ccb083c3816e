//! Registries for tests: an RDAP server over TLS and a WHOIS server, which say what a test puts into their mouths and
//! remember what they heard.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use probe_core::HostName;
use probe_net::{Resolve, ResolveError};
use probe_testkit::{Identity, TlsOptions};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a server does when it has heard a question.
pub(crate) enum Say {
    /// Says this, and is ready for the next or, in WHOIS, hangs up.
    This(Vec<u8>),
    /// Says this, and nothing more.
    Hang(Vec<u8>),
}

impl Say {
    /// A response with this status, with these lines of a head, and with this body.
    pub(crate) fn page(status: u16, head: &str, body: &[u8]) -> Self {
        let length = body.len();
        let head = format!("HTTP/1.1 {status} Said\r\n{head}Content-Length: {length}\r\n\r\n");
        Self::This([head.as_bytes(), body].concat())
    }
}

/// A server on a port of its own.
pub(crate) struct Server {
    pub(crate) port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// RDAP over TLS: `answer` is told the path.
    pub(crate) async fn rdap(
        identity: &Identity,
        answer: impl Fn(&str) -> Say + Send + Sync + 'static,
    ) -> Self {
        let acceptor = TlsAcceptor::from(identity.server_config(&TlsOptions::default()));
        let (server, listener) = Self::bind("127.0.0.1:0").await;
        let (heard, answer) = (server.heard.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, heard, answer) = (acceptor.clone(), heard.clone(), answer.clone());
                tokio::spawn(async move {
                    if let Ok(mut stream) = acceptor.accept(stream).await {
                        while let Some(head) = hear(&mut stream, b"\r\n\r\n").await {
                            let path = head.split(' ').nth(1).unwrap().to_owned();
                            heard.lock().unwrap().push(path.clone());
                            say(&mut stream, answer(&path)).await;
                        }
                    }
                });
            }
        });
        server
    }

    /// WHOIS: `answer` is told the line.
    pub(crate) async fn whois(
        at: &str,
        answer: impl Fn(&str) -> Say + Send + Sync + 'static,
    ) -> Self {
        let (server, listener) = Self::bind(at).await;
        let (heard, answer) = (server.heard.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (heard, answer) = (heard.clone(), answer.clone());
                tokio::spawn(async move {
                    if let Some(line) = hear(&mut stream, b"\r\n").await {
                        let line = line.trim_end().to_owned();
                        heard.lock().unwrap().push(line.clone());
                        say(&mut stream, answer(&line)).await;
                    }
                });
            }
        });
        server
    }

    async fn bind(at: &str) -> (Self, TcpListener) {
        let listener = TcpListener::bind(at).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::default();
        (Self { port, heard }, listener)
    }

    /// What was asked, in this order.
    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn hear(stream: &mut (impl AsyncRead + Unpin), end: &[u8]) -> Option<String> {
    let mut heard = Vec::new();
    while !heard.ends_with(end) {
        heard.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&heard).into_owned())
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), what: Say) {
    let (bytes, hangs) = match what {
        Say::This(bytes) => (bytes, false),
        Say::Hang(bytes) => (bytes, true),
    };
    // Whoever has heard enough hangs up.
    let _ = stream.write_all(&bytes).await;
    let _ = stream.flush().await;
    if hangs {
        core::future::pending().await
    }
}

/// Every name is this machine's, and IANA has an address of its own there.
pub(crate) struct Here;

impl Resolve for Here {
    fn resolve<'a>(
        &'a self,
        name: &'a HostName,
    ) -> Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>> {
        Box::pin(async move {
            let last = if name.as_str() == "whois.iana.org" {
                2
            } else {
                1
            };
            Ok(vec![[127, 0, 0, last].into()])
        })
    }
}
