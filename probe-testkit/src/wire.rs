//! The two ends of the plumbing: a socket of any kind, and the channel over it, in clear or under TLS. Every byte
//! that arrives is entered in the ledger here, so that nothing can be heard unrecorded. What the bytes mean, and what
//! is said in return, is not decided here.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::conversation::Ledger;

/// Anything that carries bytes both ways.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// What a peer was given to speak over.
pub(crate) enum Socket {
    Tcp(TcpStream),
    Other(Box<dyn Duplex>),
}

impl Socket {
    fn stream(&mut self) -> &mut dyn Duplex {
        match self {
            Self::Tcp(stream) => stream,
            Self::Other(stream) => stream.as_mut(),
        }
    }
}

/// A socket whose arriving bytes are overheard.
pub(crate) struct Wire {
    socket: Socket,
    /// Bytes that were read before the channel above changed, and belong to the new one.
    returned: Vec<u8>,
    absence: Absence,
    ledger: Ledger,
}

/// What becomes of bytes written to a client that has left.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Absence {
    /// They cannot be written.
    Noticed,
    /// They are lost without a word, as TCP loses them. Session tickets end a handshake and nobody waits for them: a
    /// client that leaves as soon as it has shaken hands has shaken hands, over a pipe in memory too.
    Overlooked,
}

impl Wire {
    pub(crate) fn new(socket: Socket, ledger: Ledger) -> Self {
        Self {
            socket,
            returned: Vec::new(),
            absence: Absence::Noticed,
            ledger,
        }
    }

    /// Gives bytes back, to be read again by whoever reads next.
    pub(crate) fn give_back(&mut self, bytes: Vec<u8>) {
        self.returned = bytes;
    }

    pub(crate) fn treat(&mut self, absence: Absence) {
        self.absence = absence;
    }

    /// Leaves without a word: RST on TCP, a dropped stream elsewhere.
    pub(crate) fn reset(self) {
        if let Socket::Tcp(stream) = self.socket {
            // Deprecated because a lingering close may block, which a linger of zero never does.
            #[allow(
                deprecated,
                reason = "set_zero_linger is younger than the tokio this crate still accepts"
            )]
            let outcome = stream.set_linger(Some(Duration::ZERO));
            // It fails only on a socket that is dead already.
            drop(outcome);
        }
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").finish_non_exhaustive()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.returned.is_empty() {
            let count = this.returned.len().min(buf.remaining());
            let rest = this.returned.split_off(count);
            buf.put_slice(&this.returned);
            this.returned = rest;
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        ready!(Pin::new(this.socket.stream()).poll_read(cx, buf))?;
        this.ledger
            .overhear(buf.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match ready!(Pin::new(this.socket.stream()).poll_write(cx, bytes)) {
            Err(error)
                if error.kind() == io::ErrorKind::BrokenPipe
                    && this.absence == Absence::Overlooked =>
            {
                Poll::Ready(Ok(bytes.len()))
            }
            outcome => Poll::Ready(outcome),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().socket.stream()).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(self.get_mut().socket.stream()).poll_shutdown(cx)
    }
}

/// What is spoken over at this moment.
pub(crate) enum Channel {
    Clear(Wire),
    Tls(Box<TlsStream<Wire>>),
    /// The wire is in other hands (a handshake) or gone.
    Gone(tokio::io::Empty),
}

impl Channel {
    pub(crate) fn stream(&mut self) -> &mut dyn Duplex {
        match self {
            Self::Clear(wire) => wire,
            Self::Tls(stream) => stream.as_mut(),
            Self::Gone(empty) => empty,
        }
    }

    /// Takes the channel away, leaving nothing to speak over.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::replace(self, Self::Gone(tokio::io::empty()))
    }

    /// The bare wire, whatever was spoken over it.
    pub(crate) fn into_wire(self) -> Option<Wire> {
        match self {
            Self::Clear(wire) => Some(wire),
            Self::Tls(stream) => Some(stream.into_inner().0),
            Self::Gone(_) => None,
        }
    }
}
