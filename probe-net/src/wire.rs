//! One connection: its bytes both ways, the layer in between, and the gate that secrets must pass.
//! What the bytes mean is the codec's; when they flow is the driver's.

use core::fmt;
use core::net::SocketAddr;
use std::io;
use std::sync::Arc;

use probe_core::{Failure, FailureKind, Phase};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

#[cfg(feature = "deflate")]
use crate::deflate::{Deflate, End, Pull};
use crate::echo::Echoes;
use crate::tls::{self, SecretsOver, Tap, Tls, TlsFacts};
use crate::{Log, Outgoing};

/// Anything that bytes flow through both ways.
pub trait Transport: AsyncRead + AsyncWrite + Send + Unpin {
    /// Acknowledges what comes next at once, where the transport can.
    ///
    /// A TLS 1.3 server sends session tickets after the handshake, and most hold their next words back until
    /// those are acknowledged (Nagle). A delayed acknowledgement would cost 40 ms for each probe.
    fn hurry(&self) {}
}

impl Transport for DuplexStream {}

impl Transport for TcpStream {
    fn hurry(&self) {
        // Where it cannot be had, the probe is only slower.
        #[cfg(target_os = "linux")]
        let _ = self.set_quickack(true);
    }
}

#[cfg(feature = "http")]
impl Transport for TlsStream<Tap> {
    fn hurry(&self) {
        self.get_ref().0.hurry();
    }
}

/// A connection to one server.
///
/// It is what `Net::dial` gives and [`drive`](crate::drive) takes; a test makes one from any stream with
/// [`Wire::new`].
pub struct Wire {
    stream: Stream,
    /// Stands above TLS, whichever came first (RFC 4978 section 3).
    #[cfg(feature = "deflate")]
    deflate: Option<Box<Deflate>>,
    buffer: Buffer,
    tls: Tls,
    server_name: ServerName<'static>,
    facts: Option<Arc<TlsFacts>>,
    secrets_over: SecretsOver,
    ends: Option<Ends>,
    /// Which protocols are offered in TLS (RFC 7301).
    alpn: Vec<Vec<u8>>,
    /// Whether the first words under TLS were said and their answer hurried.
    hurried: bool,
    /// Secrets that were said, so that a server that repeats them does not carry them into a report.
    said: Echoes,
}

/// The two ends of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ends {
    /// Ours.
    pub local: SocketAddr,
    /// The server's.
    pub server: SocketAddr,
}

impl Ends {
    pub(crate) const fn new(local: SocketAddr, server: SocketAddr) -> Self {
        Self { local, server }
    }
}

enum Stream {
    Clear(Box<dyn Transport>),
    Tls(Box<TlsStream<Tap>>),
    /// A handshake failed: nothing more can be said.
    Broken,
}

impl Stream {
    async fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Clear(stream) => stream.read(room).await,
            Self::Tls(stream) => stream.read(room).await,
            Self::Broken => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// What a read brought.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Received {
    Bytes,
    End,
    Full,
    /// What came cannot be inflated.
    #[cfg(feature = "deflate")]
    Garbled,
}

impl Wire {
    /// The most bytes of one reply that any codec is shown.
    pub const LIMIT: usize = 1024 * 1024;
    /// How long an orderly close may take.
    const CLOSING: Duration = Duration::from_millis(200);

    /// A wire over any stream. `server_name` is what a certificate must be valid for.
    pub fn new(
        transport: impl Transport + 'static,
        tls: Tls,
        server_name: ServerName<'static>,
        secrets_over: SecretsOver,
    ) -> Self {
        Self {
            stream: Stream::Clear(Box::new(transport)),
            #[cfg(feature = "deflate")]
            deflate: None,
            buffer: Buffer::default(),
            tls,
            server_name,
            facts: None,
            secrets_over,
            ends: None,
            alpn: Vec::new(),
            hurried: false,
            said: Echoes::default(),
        }
    }

    /// Notes between whom the connection stands.
    pub(crate) fn between(mut self, ends: Ends) -> Self {
        self.ends = Some(ends);
        self
    }

    /// Offers these protocols in TLS, the one that is liked best first.
    #[cfg(feature = "http")]
    pub(crate) fn offering(mut self, protocols: Vec<Vec<u8>>) -> Self {
        self.alpn = protocols;
        self
    }

    /// The stream itself, with whatever layers it has, for somebody else to lead. Nothing of it has been read.
    #[cfg(feature = "http")]
    pub(crate) fn into_transport(self) -> Box<dyn Transport> {
        match self.stream {
            Stream::Clear(stream) => stream,
            Stream::Tls(stream) => stream,
            Stream::Broken => Box::new(tokio::io::duplex(1).0),
        }
    }

    /// Between whom the connection stands, if it is one of the network.
    pub fn ends(&self) -> Option<Ends> {
        self.ends
    }

    /// What the handshake showed, also if it failed.
    pub fn tls_facts(&self) -> Option<&Arc<TlsFacts>> {
        self.facts.as_ref()
    }

    /// Puts TLS between us and the server, now: implicit TLS (RFC 8314 section 3) or after a go-ahead.
    ///
    /// Faults of the certificate do not end it: they are recorded in the [`TlsFacts`], and secrets stay here.
    ///
    /// # Errors
    /// The handshake failed; the log's oddities tell why in detail.
    pub async fn secure(&mut self, log: &mut Log) -> Result<(), Failure> {
        // It could go beneath, but what is known of the stream so far was said in clear.
        #[cfg(feature = "deflate")]
        if self.deflate.is_some() {
            let detail = "TLS beneath compression is not to be had";
            return Err(Failure::new(Phase::TLS, FailureKind::Local, detail));
        }
        let upgrade = self.buffer.was_used();
        let Stream::Clear(transport) = std::mem::replace(&mut self.stream, Stream::Broken) else {
            let detail = "TLS inside TLS is not to be had";
            return Err(Failure::new(Phase::TLS, FailureKind::Local, detail));
        };
        let (name, alpn) = (self.server_name.clone(), self.alpn.clone());
        let session = self.tls.session(name, alpn, log.now());
        let tap = Tap::new(transport);
        let first_bytes = tap.first_bytes();
        let handshake =
            TlsConnector::from(session.config.clone()).connect(self.server_name.clone(), tap);
        let outcome = log.within(Phase::TLS, handshake).await;
        match outcome {
            Ok(Ok(stream)) => {
                let facts = session.facts(stream.get_ref().1);
                log.remark(|| facts.to_string());
                self.facts = Some(Arc::new(facts));
                stream.get_ref().0.hurry();
                self.stream = Stream::Tls(Box::new(stream));
                Ok(())
            }
            Ok(Err(error)) => {
                self.facts = session.partial_facts().map(Arc::new);
                let ours = self.facts.as_ref().map(|facts| facts.client_certificate);
                let ours = ours.unwrap_or_default();
                let heard = first_bytes.take();
                let failure =
                    tls::broken_handshake(&error, &heard, upgrade, ours, &mut log.oddities);
                log.remark(|| failure.detail.clone());
                Err(failure)
            }
            Err(out_of_time) => {
                self.facts = session.partial_facts().map(Arc::new);
                Err(out_of_time)
            }
        }
    }

    /// Compresses both ways from here on (RFC 4978). What waits unread is the beginning of the server's stream.
    #[cfg(feature = "deflate")]
    pub(crate) fn compress(&mut self) -> Result<(), Failure> {
        if self.deflate.is_some() {
            let detail = "compression inside compression is not to be had";
            let phase = Phase::new("compress");
            return Err(Failure::new(phase, FailureKind::Local, detail));
        }
        // An echo that stood there as it is, in a stored block, is overwritten already; its length is the same.
        let waiting = std::mem::take(&mut self.buffer);
        self.deflate = Some(Box::new(Deflate::begin(waiting)));
        Ok(())
    }

    /// The facts of a handshake that succeeded.
    pub(crate) fn tls(&self) -> Option<Arc<TlsFacts>> {
        match self.stream {
            Stream::Tls(_) => self.facts.clone(),
            Stream::Clear(_) | Stream::Broken => None,
        }
    }

    /// The gate: refuses secrets that this channel may not carry, and remembers those that it may.
    pub(crate) fn admit(&mut self, phase: Phase, outgoing: &Outgoing) -> Result<(), Failure> {
        if !outgoing.is_confidential() {
            return Ok(());
        }
        if let Some(reason) = self.distrust() {
            let detail = format!("nothing secret was sent: {reason}");
            return Err(Failure::new(phase, FailureKind::Withheld, detail));
        }
        for secret in outgoing.secrets() {
            self.said.learn(secret);
        }
        Ok(())
    }

    /// Why no secret may go, if none may.
    pub(crate) fn distrust(&self) -> Option<String> {
        match (self.tls(), self.secrets_over) {
            (_, SecretsOver::Cleartext) => None,
            (None, _) => Some("the connection is not encrypted".to_owned()),
            (Some(_), SecretsOver::UnverifiedTls) => None,
            (Some(facts), SecretsOver::VerifiedTls) => facts.faults.first().map(|fault| {
                format!(
                    "the certificate was not verified ({})",
                    fault.kind().summary
                )
            }),
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        #[cfg(feature = "deflate")]
        if let Some(deflate) = &mut self.deflate {
            let deflated = deflate.deflate(bytes).map_err(io::Error::other)?;
            return self.send(&deflated).await;
        }
        self.send(bytes).await
    }

    async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Clear(stream) => stream.write_all(bytes).await?,
            Stream::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await?;
                // The system forgets it as soon as something is sent.
                if !std::mem::replace(&mut self.hurried, true) {
                    stream.get_ref().0.hurry();
                }
            }
            Stream::Broken => return Err(io::ErrorKind::NotConnected.into()),
        }
        Ok(())
    }

    /// Acknowledges what comes next at once.
    #[cfg(feature = "dns")]
    pub(crate) fn hurry(&self) {
        match &self.stream {
            Stream::Clear(stream) => stream.hurry(),
            Stream::Tls(stream) => stream.get_ref().0.hurry(),
            Stream::Broken => {}
        }
    }

    /// Reads what has come. Cancelling it loses nothing.
    pub(crate) async fn read(&mut self) -> io::Result<Received> {
        let Some(room) = self.buffer.room(Self::LIMIT) else {
            return Ok(Received::Full);
        };
        #[cfg(feature = "deflate")]
        let read = match &mut self.deflate {
            Some(deflate) => match inflated(deflate, &mut self.stream, room).await {
                Ok(Pull::End(End::Broken)) => return Ok(Received::Garbled),
                Ok(Pull::Bytes(more)) => Ok(more),
                // The server ended its stream, or the connection beneath it.
                Ok(Pull::End(End::Over) | Pull::Hungry) => Ok(0),
                Err(error) => Err(error),
            },
            None => self.stream.read(room).await,
        };
        #[cfg(not(feature = "deflate"))]
        let read = self.stream.read(room).await;
        match read {
            Ok(0) => Ok(Received::End),
            Ok(more) => {
                self.buffer.filled(more);
                let recent = self.buffer.recent(more, self.said.before());
                self.said.hide(recent, more);
                Ok(Received::Bytes)
            }
            // A server that ends TLS without close_notify has still ended (a fact, not an error: everybody does it).
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Received::End),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn unread(&self) -> &[u8] {
        self.buffer.unread()
    }

    pub(crate) fn consume(&mut self, used: usize) {
        self.buffer.consume(used);
    }

    /// Drops the connection at once, without a word; what is known of it stays.
    pub fn hang_up(&mut self) {
        self.stream = Stream::Broken;
        // It may hold more than was heard.
        #[cfg(feature = "deflate")]
        drop(self.deflate.take());
    }

    /// Ends the connection in an orderly way, as far as that is quick.
    pub(crate) async fn close(&mut self) {
        let closing = async {
            match &mut self.stream {
                // close_notify (RFC 8446 section 6.1); the end of TCP comes with the socket's own.
                Stream::Tls(stream) => stream.shutdown().await,
                Stream::Clear(_) | Stream::Broken => Ok(()),
            }
        };
        // Whether the server noticed changes nothing any more.
        let _ = timeout(Self::CLOSING, closing).await;
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire")
            .field("server_name", &self.server_name)
            .field("tls", &self.tls().is_some())
            .field("unread", &self.unread().len())
            .finish_non_exhaustive()
    }
}

/// Reads until something can be inflated, or nothing more comes.
///
/// It waits only for bytes that it puts away at once, so it may be cancelled; and it reads only when all that came
/// before is inflated and taken, so what is held is bounded.
#[cfg(feature = "deflate")]
async fn inflated(deflate: &mut Deflate, stream: &mut Stream, room: &mut [u8]) -> io::Result<Pull> {
    loop {
        let pull = deflate.inflate(room);
        if pull != Pull::Hungry {
            return Ok(pull);
        }
        match stream.read(deflate.room()).await? {
            0 => return Ok(Pull::Hungry),
            more => deflate.filled(more),
        }
    }
}

/// Bytes that were read and not yet understood.
#[derive(Default)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// Enough for the replies of most dialogues.
    const FIRST: usize = 1024;

    pub(crate) fn unread(&self) -> &[u8] {
        self.bytes.get(self.start..self.end).unwrap_or_default()
    }

    fn was_used(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// Free space behind what is unread; `None` when `limit` is reached.
    pub(crate) fn room(&mut self, limit: usize) -> Option<&mut [u8]> {
        if self.end == self.bytes.len() {
            if self.start > 0 {
                self.bytes.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
            } else if self.bytes.len() >= limit {
                return None;
            } else {
                self.bytes
                    .resize((self.bytes.len() * 2).clamp(Self::FIRST, limit), 0);
            }
        }
        self.bytes.get_mut(self.end..)
    }

    pub(crate) fn filled(&mut self, more: usize) {
        self.end = self.end.saturating_add(more).min(self.bytes.len());
    }

    pub(crate) fn consume(&mut self, used: usize) {
        self.start = self.start.saturating_add(used).min(self.end);
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// What has just come, and so much before it.
    fn recent(&mut self, more: usize, before: usize) -> &mut [u8] {
        let from = self.end.saturating_sub(more + before).max(self.start);
        self.bytes.get_mut(from..self.end).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_buffer_ends_at_its_limit_and_not_before() {
        let mut buffer = Buffer::default();
        let mut held = 0;
        while let Some(room) = buffer.room(4096) {
            held += room.len();
            let more = room.len();
            buffer.filled(more);
        }
        assert_eq!(held, 4096);
        buffer.consume(1);
        assert_eq!(buffer.room(4096).map(|room| room.len()), Some(1));
    }
}
