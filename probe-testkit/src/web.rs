//! A web server that says what a test puts into its mouth, byte for byte, and remembers what it heard.

use core::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::{Identity, TlsOptions};

/// A web server on a port of its own of the loopback address. It ends when it is dropped.
///
/// ```
/// use probe_testkit::{Say, Web};
///
/// # async fn serve() -> std::io::Result<()> {
/// let web = Web::clear(|request| match request.target() {
///     "/" => Say::page(200, "Content-Type: text/plain\r\n", "hello"),
///     _ => Say::page(404, "", ""),
/// })
/// .await?;
/// // ... ask http://{web.address()}/ ...
/// assert!(web.heard().is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Web {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<WebRequest>>>,
    _serving: JoinSet<()>,
}

/// A request as it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WebRequest {
    /// First line and headers.
    pub head: String,
    /// What came behind them.
    pub body: Vec<u8>,
}

/// What the server does when it has heard a request.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_enums, reason = "a server can do nothing else")]
pub enum Say {
    /// Says this, and nothing more: whoever waits for the rest waits long.
    Hang(Vec<u8>),
    /// Says this, and hangs up.
    Last(Vec<u8>),
    /// Says this, and listens on.
    This(Vec<u8>),
}

/// As it came: head and body.
impl fmt::Display for WebRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.head, String::from_utf8_lossy(&self.body))
    }
}

impl Say {
    /// A response with this status, with these lines of a head, each with its CR LF, and with this body.
    pub fn page(status: u16, head: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let head = format!("HTTP/1.1 {status} Said\r\n{head}Content-Length: {length}\r\n\r\n");
        Self::This([head.as_bytes(), body].concat())
    }
}

impl WebRequest {
    /// The method.
    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The value of the first header of this name, in any case of letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().skip(1);
        lines.find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Web {
    /// The most octets of a request; whoever sends more is not heard.
    const LIMIT: usize = 1024 * 1024;

    /// Serves in clear.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn clear(
        answer: impl Fn(&WebRequest) -> Say + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        Self::serve(None, answer).await
    }

    /// Serves over TLS.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn tls(
        identity: &Identity,
        answer: impl Fn(&WebRequest) -> Say + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        Self::tls_with(identity, &TlsOptions::default(), answer).await
    }

    /// Serves over TLS as these options say.
    ///
    /// # Errors
    /// There is no free port.
    pub async fn tls_with(
        identity: &Identity,
        options: &TlsOptions,
        answer: impl Fn(&WebRequest) -> Say + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let config = identity.server_config(options);
        Self::serve(Some(TlsAcceptor::from(config)), answer).await
    }

    async fn serve(
        acceptor: Option<TlsAcceptor>,
        answer: impl Fn(&WebRequest) -> Say + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let heard: Arc<Mutex<Vec<WebRequest>>> = Arc::default();
        let (told, answer) = (heard.clone(), Arc::new(answer));
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut clients = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (told, answer) = (told.clone(), answer.clone());
                let acceptor = acceptor.clone();
                clients.spawn(async move {
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
        Ok(Self {
            address,
            heard,
            _serving: serving,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has heard so far.
    pub fn heard(&self) -> Vec<WebRequest> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.clone()
    }

    /// What it was asked so far: method and target of each request.
    pub fn asked(&self) -> Vec<String> {
        let heard = self.heard();
        let asked = heard
            .iter()
            .map(|one| [one.method(), one.target()].join(" "));
        asked.collect()
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    told: &Mutex<Vec<WebRequest>>,
    answer: &(impl Fn(&WebRequest) -> Say + ?Sized),
) {
    while let Some(request) = hear(&mut stream).await {
        let say = answer(&request);
        told.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(request);
        let (Say::Hang(bytes) | Say::Last(bytes) | Say::This(bytes)) = &say;
        // Whoever has heard enough hangs up.
        let _ = stream.write_all(bytes).await;
        let _ = stream.flush().await;
        match say {
            Say::This(_) => {}
            Say::Hang(_) => core::future::pending().await,
            Say::Last(_) => {
                let _ = stream.shutdown().await;
                return;
            }
        }
    }
}

async fn hear(stream: &mut (impl AsyncRead + Unpin)) -> Option<WebRequest> {
    let mut heard = Vec::new();
    while !heard.ends_with(b"\r\n\r\n") {
        if heard.len() >= Web::LIMIT {
            return None;
        }
        heard.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8_lossy(&heard).into_owned();
    let mut request = WebRequest {
        head,
        body: Vec::new(),
    };
    let length: usize = match request.header("content-length") {
        Some(length) => length.parse().ok()?,
        None => 0,
    };
    if length > Web::LIMIT {
        return None;
    }
    request.body.resize(length, 0);
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}
