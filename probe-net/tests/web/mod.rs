//! A web server that says what a test puts into its mouth, byte for byte, and remembers what it heard.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use probe_testkit::{Identity, TlsOptions};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What was asked, head and body, one request after the other.
pub(crate) type Heard = Arc<Mutex<Vec<String>>>;

/// What the server does when it has heard a request.
#[allow(dead_code, reason = "not every suite needs all of them")]
pub(crate) enum Say {
    /// Says this, and listens on.
    This(Vec<u8>),
    /// Says this, and hangs up.
    Last(Vec<u8>),
    /// Says this, and nothing more.
    Hang(Vec<u8>),
}

pub(crate) struct Web {
    pub(crate) address: SocketAddr,
    pub(crate) heard: Heard,
}

impl Web {
    /// Serves in clear.
    pub(crate) async fn clear(answer: impl Fn(&str) -> Say + Send + Sync + 'static) -> Self {
        Self::serve(None, answer).await
    }

    /// Serves over TLS.
    pub(crate) async fn tls(
        identity: &Identity,
        answer: impl Fn(&str) -> Say + Send + Sync + 'static,
    ) -> Self {
        Self::tls_with(identity, &TlsOptions::default(), answer).await
    }

    /// Serves over TLS as these options say.
    pub(crate) async fn tls_with(
        identity: &Identity,
        options: &TlsOptions,
        answer: impl Fn(&str) -> Say + Send + Sync + 'static,
    ) -> Self {
        let config = identity.server_config(options);
        Self::serve(Some(TlsAcceptor::from(config)), answer).await
    }

    async fn serve(
        acceptor: Option<TlsAcceptor>,
        answer: impl Fn(&str) -> Say + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let heard = Heard::default();
        let (told, answer) = (heard.clone(), Arc::new(answer));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (told, answer) = (told.clone(), answer.clone());
                let acceptor = acceptor.clone();
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

    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    told: &Heard,
    answer: &(impl Fn(&str) -> Say + ?Sized),
) {
    while let Some(request) = request(&mut stream).await {
        told.lock().unwrap().push(request.clone());
        let (bytes, then) = match answer(&request) {
            Say::This(bytes) => (bytes, None),
            Say::Last(bytes) => (bytes, Some(false)),
            Say::Hang(bytes) => (bytes, Some(true)),
        };
        // Whoever has heard enough hangs up.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.flush().await;
        match then {
            None => {}
            Some(true) => core::future::pending().await,
            Some(false) => {
                let _ = stream.shutdown().await;
                return;
            }
        }
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
