//! Compression for tests, made of what knows nothing of it: what the server says is deflated before the script begins,
//! what we said is inflated after its end.

#![allow(
    dead_code,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "these are tests, and each file of them uses a part"
)]

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context as Waking, Poll};

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use probe_core::Phase;
use probe_net::{Layer, Step};
use probe_testkit::Script;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf};

use crate::toy::{ONE, Recital, Run, Stage, TWO, Word, say, wait};

pub(crate) const COMPRESS: Phase = Phase::new("compress");
/// An empty stored block, aligned: what a sync flush ends with (RFC 1951 section 3.2.4).
pub(crate) const FLUSH: [u8; 4] = [0, 0, 0xff, 0xff];

/// The server's side of the stream.
pub(crate) struct Server(pub(crate) Compress);

impl Server {
    pub(crate) fn new() -> Self {
        Self(Compress::new(Compression::best(), false))
    }

    /// Deflates this behind what was said before.
    pub(crate) fn says(&mut self, text: impl AsRef<[u8]>) -> Vec<u8> {
        self.deflates(text, FlushCompress::Sync)
    }

    pub(crate) fn deflates(&mut self, text: impl AsRef<[u8]>, flush: FlushCompress) -> Vec<u8> {
        let text = text.as_ref();
        let mut out = Vec::with_capacity(text.len() + 1_000);
        let before = self.0.total_in();
        self.0.compress_vec(text, &mut out, flush).unwrap();
        let taken = usize::try_from(self.0.total_in() - before).unwrap();
        assert_eq!(taken, text.len());
        out
    }
}

/// What a client's compressed bytes say.
pub(crate) fn inflated(bytes: &[u8]) -> String {
    let mut out = Vec::with_capacity(10_000);
    Decompress::new(false)
        .decompress_vec(bytes, &mut out, FlushDecompress::Sync)
        .unwrap();
    String::from_utf8(out).unwrap()
}

pub(crate) fn deflate() -> Step<Word> {
    Step::Upgrade(Layer::Deflate)
}

/// The tagged OK in clear, then two commands under compression.
pub(crate) fn short() -> Recital {
    Recital::new([
        say(COMPRESS, "compress"),
        deflate(),
        say(ONE, "one"),
        say(TWO, "two"),
    ])
}

pub(crate) fn short_script() -> Script {
    let mut server = Server::new();
    Script::new()
        .hear("compress")
        .say("ok go\r\n")
        .hear_until(FLUSH)
        .say(server.says("ok 1\r\n"))
        .hear_until(FLUSH)
        .say(server.says("ok 2\r\n"))
}

/// Everything that the server says stands there at once, from the OK on; then comes `rest`.
pub(crate) fn outspoken(said: &[u8], rest: impl FnOnce(Script) -> Script) -> Script {
    let at_once = [b"ok go\r\n".as_slice(), said].concat();
    rest(Script::new().hear("compress").say(at_once))
}

/// Waits for replies only.
pub(crate) fn listening(count: usize) -> Recital {
    let waits = (0..count).map(|_| wait(ONE));
    Recital::new(
        [say(COMPRESS, "compress"), deflate()]
            .into_iter()
            .chain(waits),
    )
}

pub(crate) async fn play(script: &Script, recital: Recital) -> Run {
    Stage::clear().play(script, recital).await
}

/// A stream that writes down each write by itself, and counts what was read.
pub(crate) struct Counting {
    inner: DuplexStream,
    counts: Arc<Counts>,
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) read: AtomicUsize,
    pub(crate) writes: Mutex<Vec<Vec<u8>>>,
}

impl Counting {
    pub(crate) fn new(inner: DuplexStream) -> (Self, Arc<Counts>) {
        let counts = Arc::<Counts>::default();
        let counting = Self {
            inner,
            counts: counts.clone(),
        };
        (counting, counts)
    }
}

impl probe_net::Transport for Counting {}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Waking<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
        let more = buffer.filled().len() - before;
        self.counts.read.fetch_add(more, Ordering::Relaxed);
        read
    }
}

impl AsyncWrite for Counting {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Waking<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.counts.writes.lock().unwrap().push(bytes.to_vec());
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Waking<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Waking<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
