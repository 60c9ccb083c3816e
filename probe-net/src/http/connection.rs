//! One connection to a web server, over which requests go: hyper's dialogue on our wire.

use core::error::Error;
use core::fmt;
use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{TrySendError, http1, http2};
use hyper::header::{HeaderValue, SET_COOKIE};
use hyper_util::rt::TokioIo;
use probe_core::{Direction, Failure, FailureKind, Phase};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::request::{Request, Wanted};
use super::response::{Response, Version};
use super::{FIRST_BYTE, body, cookies};
use crate::echo::Echoes;
use crate::tls::{self, TlsFacts};
use crate::wire::Transport;
use crate::{Ends, Log, Wire, excerpt};

/// The most octets of a head.
const HEAD: u32 = 64 * 1024;
/// The most headers.
const HEADERS: usize = 256;

/// Which versions of the protocol we offer in TLS (RFC 7301).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Protocols {
    /// The one that every server has.
    Http1,
    /// That many requests may share a connection is worth more.
    #[cfg(feature = "dns")]
    Http2OrHttp1,
}

impl Protocols {
    pub(crate) fn alpn(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http1 => vec![b"http/1.1".to_vec()],
            #[cfg(feature = "dns")]
            Self::Http2OrHttp1 => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        }
    }
}

/// A connection that stands.
pub(crate) struct Connection {
    sender: Sender,
    tls: Option<Arc<TlsFacts>>,
    ends: Option<Ends>,
    /// Why nothing secret may go over it.
    distrust: Option<String>,
    /// Whatever works on it ends with it.
    _tasks: Arc<Mutex<JoinSet<()>>>,
}

enum Sender {
    /// One request after the other.
    Http1(tokio::sync::Mutex<http1::SendRequest<Full<Bytes>>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    /// Over a wire that stands, with TLS where that is wanted.
    pub(crate) async fn open(wire: Wire, log: &mut Log) -> Result<Self, Failure> {
        let (tls, ends, distrust) = (wire.tls(), wire.ends(), wire.distrust());
        let chosen = tls.as_ref().and_then(|facts| facts.alpn.as_deref());
        let is_http2 = chosen == Some(b"h2");
        let tasks = Arc::default();
        let stream = TokioIo::new(Prompt(wire.into_transport()));
        let shaking = Sender::shake(stream, is_http2, &tasks);
        // Nobody is waited for here, so there is no time to be booked.
        let begun = Instant::now();
        let shaken = timeout_at(log.limit(FIRST_BYTE, begun), shaking).await;
        let shaken = shaken.map_err(|_| Log::out_of_time(FIRST_BYTE, begun))?;
        Ok(Self {
            sender: shaken.map_err(|error| failure(FIRST_BYTE, &error, log))?,
            tls,
            ends,
            distrust,
            _tasks: tasks,
        })
    }

    /// Asks, and reads the response up to so many octets of its body.
    pub(crate) async fn exchange(
        &self,
        request: &Request,
        limit: usize,
        log: &mut Log,
    ) -> Result<Response, Unanswered> {
        let phase = request.phase;
        if let Some(reason) = self.distrust.as_ref().filter(|_| request.is_confidential()) {
            let detail = format!("nothing secret was sent: {reason}");
            return Err(Failure::new(phase, FailureKind::Withheld, detail).into());
        }
        let wanted = request
            .to_hyper(matches!(self.sender, Sender::Http2(_)))
            .map_err(|error| Failure::new(phase, FailureKind::Local, error.to_string()))?;
        if log.is_verbose() {
            log.say(Direction::Sent, shown_request(&wanted, request));
        }
        let begun = Instant::now();
        let until = log.limit(phase, begun);
        let answered = timeout_at(until, self.sender.send(wanted)).await;
        log.book(phase, begun);
        let head = match answered {
            Err(_) => return Err(Log::out_of_time(phase, begun).into()),
            Ok(Err(mut error)) => {
                let is_unsent = error.take_message().is_some();
                let failure = failure(phase, &error.into_error(), log);
                return Err(Unanswered { failure, is_unsent });
            }
            Ok(Ok(head)) => head,
        };
        Ok(self.response(request, head, limit, log).await)
    }

    async fn response(
        &self,
        request: &Request,
        head: hyper::Response<Incoming>,
        limit: usize,
        log: &mut Log,
    ) -> Response {
        let (mut parts, body) = head.into_parts();
        let mut echoes = Echoes::default();
        for secret in &request.secrets {
            echoes.learn(secret.expose());
        }
        let cookies = take_cookies(&mut parts.headers);
        let kept = cookies.iter().filter(|_| request.keeps_cookies);
        for value in kept.filter_map(|header| cookies::value(header.as_bytes())) {
            echoes.learn(value);
        }
        for value in parts.headers.values_mut() {
            let mut shown = value.as_bytes().to_vec();
            let length = shown.len();
            echoes.hide(&mut shown, length);
            if let Ok(masked) = HeaderValue::from_maybe_shared(Bytes::from(shown)) {
                *value = masked;
            }
        }
        let version = Version::of_hyper(parts.version);
        if log.is_verbose() {
            let first = format!("{} {}\r\n", version.as_str(), parts.status);
            let shown = shown_headers(first, &parts.headers);
            log.say(Direction::Received, shown);
        }
        let (mut bytes, mut interrupted) = body::read(body, limit, log).await;
        let encoding = parts.headers.get(hyper::header::CONTENT_ENCODING);
        let is_gzip = encoding.is_some_and(|it| matches!(it.as_bytes(), b"gzip" | b"x-gzip"));
        if is_gzip && request.takes_gzip {
            let (inflated, broken) = body::inflate(&bytes, limit);
            bytes = inflated;
            interrupted = interrupted.or(broken);
        }
        let length = bytes.len();
        echoes.hide(&mut bytes, length);
        if log.is_verbose() && !bytes.is_empty() {
            log.say(Direction::Received, excerpt(&bytes));
        }
        Response {
            url: request.url.clone(),
            version,
            status: parts.status.as_u16(),
            headers: parts.headers,
            cookies,
            body: bytes,
            interrupted,
            redirects: Vec::new(),
            server: self.ends.map(|ends| ends.server),
            tls: self.tls.clone(),
        }
    }

    /// Whether another request may go over it.
    pub(crate) fn is_open(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.try_lock().is_ok_and(|sender| !sender.is_closed()),
            Sender::Http2(sender) => !sender.is_closed(),
        }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("ends", &self.ends)
            .finish_non_exhaustive()
    }
}

impl Sender {
    async fn shake(
        stream: TokioIo<Prompt>,
        is_http2: bool,
        tasks: &Arc<Mutex<JoinSet<()>>>,
    ) -> hyper::Result<Self> {
        let work = Work(Arc::downgrade(tasks));
        if is_http2 {
            let mut builder = http2::Builder::new(work.clone());
            builder.max_header_list_size(HEAD);
            let (sender, connection) = builder.handshake(stream).await?;
            work.take(async move {
                // Whoever waits for an answer is told too.
                let _ = connection.await;
            });
            return Ok(Self::Http2(sender));
        }
        let mut builder = http1::Builder::new();
        let head = usize::try_from(HEAD).unwrap_or(usize::MAX);
        builder.max_buf_size(head).max_headers(HEADERS);
        let (sender, connection) = builder.handshake(stream).await?;
        work.take(async move {
            let _ = connection.await;
        });
        Ok(Self::Http1(tokio::sync::Mutex::new(sender)))
    }

    async fn send(
        &self,
        wanted: Wanted,
    ) -> Result<hyper::Response<Incoming>, TrySendError<Wanted>> {
        match self {
            Self::Http1(sender) => {
                let mut sender = sender.lock().await;
                // Where it is closed, sending says so.
                let _ = sender.ready().await;
                sender.try_send_request(wanted).await
            }
            Self::Http2(sender) => sender.clone().try_send_request(wanted).await,
        }
    }
}

/// Why there is no response.
pub(crate) struct Unanswered {
    pub(crate) failure: Failure,
    /// Nothing of the request has left: the server had closed a connection that nobody used.
    pub(crate) is_unsent: bool,
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            is_unsent: false,
        }
    }
}

/// What hyper's error says of the server.
pub(super) fn failure(phase: Phase, error: &hyper::Error, log: &mut Log) -> Failure {
    // A TLS 1.3 server refuses a client certificate only after the handshake, by an alert in the stream.
    let broken = sources(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    if let Some(alert) = broken.and_then(tls::alert) {
        return tls::refused(phase, alert, &mut log.oddities);
    }
    let because: String = core::iter::once(error.to_string())
        .chain(sources(error).map(ToString::to_string))
        .map(|cause| format!(": {cause}"))
        .collect();
    // hyper tells it no other way.
    let (kind, what) = if error.to_string() == "message head is too large" {
        (
            FailureKind::TooLarge,
            "the head of the response is too large",
        )
    } else if error.is_parse() {
        (FailureKind::Protocol, "the response is no HTTP")
    } else if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        (FailureKind::Closed, "the server hung up")
    } else if broken.is_some_and(|error| !is_nonsense(error)) {
        (FailureKind::Closed, "the connection broke")
    } else {
        (FailureKind::Protocol, "the server breaks the protocol")
    };
    Failure::new(phase, kind, format!("{what}{because}"))
}

/// What hyper calls a body that it cannot read.
fn is_nonsense(error: &io::Error) -> bool {
    use io::ErrorKind;
    matches!(
        error.kind(),
        ErrorKind::InvalidData | ErrorKind::InvalidInput
    )
}

fn sources(error: &hyper::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    core::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| {
        (*cause).source()
    })
}

fn shown_request(wanted: &Wanted, request: &Request) -> Vec<u8> {
    let first = format!(
        "{} {} {:?}\r\n",
        wanted.method(),
        wanted.uri(),
        wanted.version()
    );
    let mut shown = shown_headers(first, wanted.headers());
    match request.has_secret_body {
        true => shown.extend_from_slice(b"[redacted]"),
        false => shown.extend_from_slice(excerpt(&request.body).as_bytes()),
    }
    shown
}

/// Takes the cookies as they are set, and masks them where they are shown: whoever has one, has the session.
fn take_cookies(headers: &mut hyper::HeaderMap) -> Vec<HeaderValue> {
    let mut set: Vec<_> = headers.get_all(SET_COOKIE).iter().cloned().collect();
    headers.remove(SET_COOKIE);
    for value in &mut set {
        let shown = Bytes::from(cookies::masked(value.as_bytes()));
        if let Ok(masked) = HeaderValue::from_maybe_shared(shown) {
            headers.append(SET_COOKIE, masked);
        }
        value.set_sensitive(true);
    }
    set
}

fn shown_headers(first: String, headers: &hyper::HeaderMap) -> Vec<u8> {
    let mut shown = first.into_bytes();
    for (name, value) in headers {
        let value = match value.is_sensitive() {
            true => b"[redacted]",
            false => value.as_bytes(),
        };
        shown.extend_from_slice(name.as_str().as_bytes());
        shown.extend_from_slice(b": ");
        shown.extend_from_slice(value);
        shown.extend_from_slice(b"\r\n");
    }
    shown
}

/// Takes work for as long as the connection is there.
#[derive(Clone)]
struct Work(Weak<Mutex<JoinSet<()>>>);

impl Work {
    fn take(&self, work: impl Future<Output = ()> + Send + 'static) {
        let Some(tasks) = self.0.upgrade() else {
            return;
        };
        let mut tasks = tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(work);
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Work {
    fn execute(&self, work: F) {
        self.take(work);
    }
}

/// A transport that acknowledges at once what comes next, each time that we have spoken: a server with Nagle's algorithm
/// holds its next words back until then.
struct Prompt(Box<dyn Transport>);

impl AsyncRead for Prompt {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Prompt {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.0).poll_write(cx, bytes);
        self.0.hurry();
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.0).poll_flush(cx);
        self.0.hurry();
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
