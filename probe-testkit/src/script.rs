//! What a peer will say and hear, written down before anybody connects. Pure data: nothing here listens, waits or
//! speaks; `play` performs the script and `peer` gives it an address.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};

use crate::answer::TlsServer;
use crate::conversation::Ledger;
use crate::forged::TlsFault;
use crate::play::play;
use crate::wire::Socket;
use crate::{Answer, Conversation, Identity, Line, MemoryPeer, Peer, TlsOptions, parse_transcript};

/// A dialogue of bytes, from the side of the server: what it says, what it expects to hear, and what goes wrong.
///
/// It knows no protocol. It is performed from its start for every connection; when it ends, the connection is closed
/// in good order. What the client did is then read from the [`Conversation`].
///
/// ```
/// # use probe_testkit::{Authority, Script};
/// let identity = Authority::new("Test CA").identity(["mx.example.test"]);
/// let script = Script::new()
///     .say("220 mx.example.test ESMTP\r\n")
///     .hear("EHLO ")
///     .say("250-mx.example.test\r\n250 STARTTLS\r\n")
///     .hear("STARTTLS")
///     .say("220 2.0.0 Ready\r\n")
///     .tls(&identity)
///     .drain();
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "a script does nothing until it listens"]
pub struct Script {
    pub(crate) steps: Vec<Step>,
    pub(crate) fault: Option<Fault>,
    pub(crate) piece: Option<NonZeroUsize>,
}

/// The performance.
impl Script {
    /// An empty script: it closes every connection at once.
    pub fn new() -> Self {
        Self::default()
    }

    /// The server's part of a recorded dialogue: its lines are said again, the client's are awaited by their first
    /// word, and the TLS line becomes a handshake as `identity`. See [`transcript`](crate::transcript()) for the format.
    ///
    /// A message of several lines is awaited up to its lone dot, or, where it has none, by the number of its lines.
    ///
    /// # Panics
    ///
    /// If `text` is not such a dialogue.
    #[track_caller]
    pub fn from_transcript(text: impl AsRef<[u8]>, identity: &Identity) -> Self {
        parse_transcript(text)
            .into_iter()
            .fold(Self::new(), |script, line| script.then(line, identity))
    }

    /// Listens on a free port of 127.0.0.1.
    pub async fn listen(&self) -> io::Result<Peer> {
        self.listen_on((Ipv4Addr::LOCALHOST, 0).into()).await
    }

    /// Listens on this address; port 0 takes a free one.
    pub async fn listen_on(&self, address: SocketAddr) -> io::Result<Peer> {
        Peer::listen_each_on(address, [self.clone()]).await
    }

    /// Performs the script once over a pipe in memory, in a task of its own; the stream is the client's end.
    ///
    /// No socket is involved, so this is the one for `#[tokio::test(start_paused = true)]`: waits of hours pass at
    /// once, and nothing depends on the machine's speed.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn in_memory(&self) -> (DuplexStream, MemoryPeer) {
        MemoryPeer::spawn(self.clone())
    }

    /// Performs the script once, here and now, over a stream of any kind: a Unix socket, one end of a pipe.
    ///
    /// Where that is no TCP socket of the kit's own, a reset is a stream dropped without a word.
    pub async fn play(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Conversation {
        let ledger = Ledger::default();
        play(self, Socket::Other(Box::new(stream)), ledger.clone()).await;
        ledger.snapshot()
    }

    /// How many bytes the script says in all, so that a test can let a [`Fault`] strike at each.
    ///
    /// What depends on the client (answers, floods) is not counted, because nobody knows it yet.
    ///
    /// ```
    /// # use probe_testkit::{Fault, Script};
    /// let script = Script::new().say("+OK\r\n").hear("QUIT").say("+OK bye\r\n");
    /// for n in 0..=script.total_said() {
    ///     let broken = script.clone().with_fault(Fault::CutAt(n));
    ///     // ... listen, probe, expect a report and no panic
    /// }
    /// assert_eq!(script.total_said(), 14);
    /// ```
    pub fn total_said(&self) -> usize {
        self.steps
            .iter()
            .map(|step| match step {
                Step::Say(bytes) | Step::Tarpit { bytes, .. } => bytes.len(),
                _ => 0,
            })
            .sum()
    }

    /// The same script with something that goes wrong on the way, in place of any fault it had.
    pub fn with_fault(mut self, fault: Fault) -> Self {
        self.fault = Some(fault);
        self
    }

    /// The same script with all that it says cut into pieces of `size` bytes (at least one), each flushed by itself,
    /// so that a client which believes in packets is found out. Under TLS each piece is a record.
    pub fn in_pieces(mut self, size: usize) -> Self {
        self.piece = Some(NonZeroUsize::new(size).unwrap_or(NonZeroUsize::MIN));
        self
    }

    fn push(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    fn then(self, line: Line, identity: &Identity) -> Self {
        match line {
            Line::Server(bytes) => self.say(bytes),
            Line::Tls(_) => self.tls(identity),
            Line::Client(bytes) => {
                let count = bytes.iter().filter(|&&byte| byte == b'\n').count();
                if count > 1 && bytes.ends_with(b"\n.\r\n") {
                    self.hear_until("\r\n.\r\n")
                } else if count > 1 {
                    (0..count).fold(self, |script, _| script.hear_any())
                } else {
                    let word = bytes
                        .split(u8::is_ascii_whitespace)
                        .next()
                        .unwrap_or_default();
                    self.hear(word)
                }
            }
        }
    }
}

/// Speaking and listening.
impl Script {
    /// Says these bytes, as they are.
    pub fn say(self, bytes: impl AsRef<[u8]>) -> Self {
        self.push(Step::Say(bytes.as_ref().to_vec()))
    }

    /// Hears one line, which must begin with this, in whatever case; any other ends the conversation.
    pub fn hear(self, beginning: impl AsRef<[u8]>) -> Self {
        self.push(Step::Hear(beginning.as_ref().to_vec()))
    }

    /// Hears one line, whatever it is.
    pub fn hear_any(self) -> Self {
        self.hear("")
    }

    /// Hears exactly this many bytes, lines or not.
    pub fn hear_bytes(self, count: usize) -> Self {
        self.push(Step::HearBytes(count))
    }

    /// Hears all up to and including this: a message up to its `"\r\n.\r\n"`.
    pub fn hear_until(self, end: impl AsRef<[u8]>) -> Self {
        self.push(Step::HearUntil(end.as_ref().to_vec()))
    }

    /// Hears one line and says what `reply` makes of it; the line comes without its line end.
    pub fn answer<F, R>(self, reply: F) -> Self
    where
        F: Fn(&[u8]) -> R + Send + Sync + 'static,
        R: AsRef<[u8]>,
    {
        self.push(Step::Answer(Reply(Arc::new(move |line| {
            reply(line).as_ref().to_vec()
        }))))
    }

    /// Answers line after line, until the client leaves or an [`Answer`] ends it: a small server.
    ///
    /// `server` makes a new state machine for every connection. Lines come without their line ends.
    ///
    /// ```
    /// # use probe_testkit::{Answer, Script};
    /// let counting = Script::new().say("+OK\r\n").serve(|| {
    ///     let mut heard = 0;
    ///     move |line: &[u8]| {
    ///         heard += 1;
    ///         match line {
    ///             b"QUIT" => Answer::close(format!("+OK after {heard} commands\r\n")),
    ///             _ => "-ERR what?\r\n".into(),
    ///         }
    ///     }
    /// });
    /// ```
    pub fn serve<F, S>(self, server: F) -> Self
    where
        F: Fn() -> S + Send + Sync + 'static,
        S: FnMut(&[u8]) -> Answer + Send + 'static,
    {
        self.push(Step::Serve(Server(Arc::new(move || Box::new(server())))))
    }

    /// Listens until the client closes its side.
    pub fn drain(self) -> Self {
        self.push(Step::Drain)
    }
}

/// Waiting, dawdling and leaving.
impl Script {
    /// Waits, by tokio's clock. Should the client leave meanwhile, the script ends there.
    pub fn pause(self, wait: Duration) -> Self {
        self.push(Step::Pause(wait))
    }

    /// Stays and says nothing, until the client leaves.
    pub fn silence(self) -> Self {
        self.drain()
    }

    /// Says these bytes one by one, with a wait after each.
    pub fn tarpit(self, bytes: impl AsRef<[u8]>, wait: Duration) -> Self {
        self.push(Step::Tarpit {
            bytes: bytes.as_ref().to_vec(),
            wait,
        })
    }

    /// Says these bytes again and again, as fast as they are taken, until the client leaves.
    pub fn flood(self, bytes: impl AsRef<[u8]>) -> Self {
        self.push(Step::Flood(bytes.as_ref().to_vec()))
    }

    /// Closes the connection in good order, under TLS with a close_notify. So does the end of the script.
    pub fn close(self) -> Self {
        self.push(Step::Close)
    }

    /// Resets the connection: RST on TCP; in memory the stream is dropped.
    pub fn reset(self) -> Self {
        self.push(Step::Reset)
    }
}

/// TLS, well done and ill done.
impl Script {
    /// Shakes hands as `identity`; from here on all is under TLS.
    ///
    /// There is no TLS under TLS: a script that begins it again panics, and `finish` of its peer with it.
    pub fn tls(self, identity: &Identity) -> Self {
        self.tls_with(identity, &TlsOptions::new())
    }

    /// Shakes hands as `identity`, with these options.
    pub fn tls_with(self, identity: &Identity, options: &TlsOptions) -> Self {
        self.tls_config(identity.server_config(options))
    }

    /// Shakes hands with a rustls configuration of one's own.
    pub fn tls_config(self, config: Arc<ServerConfig>) -> Self {
        self.push(Step::Tls(TlsServer(config)))
    }

    /// Reads the ClientHello and never answers it.
    pub fn tls_stall(self) -> Self {
        self.push(Step::TlsFault(TlsFault::Stall))
    }

    /// Answers the ClientHello with these bytes instead of TLS, and waits for the client to leave.
    pub fn tls_garbage(self, bytes: impl AsRef<[u8]>) -> Self {
        self.push(Step::TlsFault(TlsFault::Garbage(bytes.as_ref().to_vec())))
    }

    /// Answers the ClientHello with a fatal alert: 40 is handshake_failure, 70 protocol_version, 112 unrecognized_name.
    pub fn tls_alert(self, description: u8) -> Self {
        self.push(Step::TlsFault(TlsFault::Alert(description)))
    }

    /// Answers the ClientHello with the ServerHello of a server that knows nothing newer than TLS 1.0, and
    /// waits for the client to leave.
    pub fn tls_legacy(self) -> Self {
        self.push(Step::TlsFault(TlsFault::Legacy))
    }

    /// Answers the ClientHello with half a ServerHello and closes.
    pub fn tls_cut(self) -> Self {
        self.push(Step::TlsFault(TlsFault::Cut))
    }

    /// Reads the ClientHello and resets the connection.
    pub fn tls_reset(self) -> Self {
        self.push(Step::TlsFault(TlsFault::Reset))
    }
}

/// Something that goes wrong after so many bytes said, whichever step of the script says them.
///
/// Counted are the bytes of the protocol, before any encryption. A fault at 0 strikes in place of the first byte, one
/// at [`Script::total_said`] right after the last.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// The connection is closed; under TLS without a close_notify, as if truncated by an attacker.
    CutAt(usize),
    /// The connection is reset.
    ResetAt(usize),
    /// The peer stays and says nothing more, until the client leaves.
    StallAt(usize),
    /// These bytes are said in place of the rest of that utterance, and the script goes on.
    GarbageAt(usize, Vec<u8>),
}

impl Fault {
    pub(crate) fn at(&self) -> usize {
        match self {
            Self::CutAt(at) | Self::ResetAt(at) | Self::StallAt(at) | Self::GarbageAt(at, _) => *at,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Say(Vec<u8>),
    Hear(Vec<u8>),
    HearBytes(usize),
    HearUntil(Vec<u8>),
    Answer(Reply),
    Serve(Server),
    Drain,
    Pause(Duration),
    Tarpit { bytes: Vec<u8>, wait: Duration },
    Flood(Vec<u8>),
    Close,
    Reset,
    Tls(TlsServer),
    TlsFault(TlsFault),
}

type Replying = dyn Fn(&[u8]) -> Vec<u8> + Send + Sync;

#[derive(Clone)]
pub(crate) struct Reply(pub(crate) Arc<Replying>);

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reply")
    }
}

type StateMachine = Box<dyn FnMut(&[u8]) -> Answer + Send>;

#[derive(Clone)]
pub(crate) struct Server(pub(crate) Arc<dyn Fn() -> StateMachine + Send + Sync>);

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server")
    }
}
