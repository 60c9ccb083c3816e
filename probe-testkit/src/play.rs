//! The performance of a script over one connection: speaking, listening, waiting, and leaving in the right manner.
//! What to do comes from the script, what happened goes to the ledger; TLS is begun in `handshake`.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::time::{sleep, timeout};

use crate::answer::{Answer, Then, TlsServer};
use crate::conversation::{Deviation, Ending, Ledger, find, without_line_end};
use crate::handshake::{Shaken, forge, shake_hands};
use crate::script::{Fault, Script, Server, Step};
use crate::wire::{Channel, Socket, Wire};

/// A line, or a message awaited up to its end, longer than this is a client gone mad.
const LONGEST: usize = 16 << 20;

/// After closing, the client gets a moment to do likewise: bytes that arrive on a socket closed for good would make
/// the kernel send an RST, and the client might lose what it had not read yet.
const LINGER: Duration = Duration::from_millis(200);

/// Performs `script` over `socket`, from its start to the end of the connection.
pub(crate) async fn play(script: &Script, socket: Socket, ledger: Ledger) {
    let mut player = Player {
        channel: Channel::Clear(Wire::new(socket, ledger.clone())),
        ledger,
        unread: Vec::new(),
        early: 0,
        said: 0,
        step: 0,
        fault: script.fault.clone(),
        piece: script.piece.map_or(usize::MAX, usize::from),
    };
    let exit = match player.perform(&script.steps).await {
        Ok(()) => Exit::orderly(Ending::Completed),
        Err(exit) => exit,
    };
    player.leave(exit).await;
}

/// Why the performance is over, and how the connection is left.
pub(crate) struct Exit {
    ending: Ending,
    manner: Manner,
    deviation: Option<Deviation>,
}

enum Manner {
    /// close_notify where there is TLS, then FIN.
    Orderly,
    /// FIN, whatever there is.
    Cut,
    /// RST.
    Reset,
}

impl Exit {
    fn orderly(ending: Ending) -> Self {
        Self::new(ending, Manner::Orderly)
    }

    pub(crate) fn cut(ending: Ending) -> Self {
        Self::new(ending, Manner::Cut)
    }

    pub(crate) fn reset(ending: Ending) -> Self {
        Self::new(ending, Manner::Reset)
    }

    fn new(ending: Ending, manner: Manner) -> Self {
        Self {
            ending,
            manner,
            deviation: None,
        }
    }

    fn because(mut self, deviation: Deviation) -> Self {
        self.deviation = Some(deviation);
        self
    }
}

struct Player {
    channel: Channel,
    ledger: Ledger,
    /// What has arrived and was not asked for yet.
    unread: Vec<u8>,
    /// How much of `unread` is on record as early already.
    early: usize,
    /// How many bytes have been said.
    said: usize,
    /// The step in hand, counted from 1.
    step: usize,
    /// The fault that is still to strike.
    fault: Option<Fault>,
    /// How much is said at a time.
    piece: usize,
}

impl Player {
    async fn perform(&mut self, steps: &[Step]) -> Result<(), Exit> {
        for step in steps {
            self.step += 1;
            self.act(step).await?;
        }
        Ok(())
    }

    async fn act(&mut self, step: &Step) -> Result<(), Exit> {
        match step {
            Step::Say(bytes) => self.say(bytes).await,
            Step::Hear(beginning) => self.hear(beginning).await,
            Step::HearBytes(count) => self.hear_bytes(*count).await.map(drop),
            Step::HearUntil(end) => self.hear_until(end).await,
            Step::Answer(reply) => {
                let line = self.hear_line("a line").await?;
                self.say(&reply.0(without_line_end(&line))).await
            }
            Step::Serve(server) => self.serve(server).await,
            Step::Drain => {
                self.drain().await;
                Ok(())
            }
            Step::Pause(wait) => self.wait(*wait).await,
            Step::Tarpit { bytes, wait } => self.tarpit(bytes, *wait).await,
            Step::Flood(bytes) => self.flood(bytes).await,
            Step::Close => Err(Exit::orderly(Ending::Completed)),
            Step::Reset => Err(Exit::reset(Ending::Completed)),
            Step::Tls(config) => self.start_tls(config).await,
            Step::TlsFault(fault) => {
                let wire = self.take_wire();
                let Shaken { channel, outcome } = forge(wire, fault).await;
                self.channel = channel;
                outcome
            }
        }
    }

    async fn start_tls(&mut self, config: &TlsServer) -> Result<(), Exit> {
        let wire = self.take_wire();
        let Shaken { channel, outcome } = shake_hands(wire, config, &self.ledger).await;
        self.channel = channel;
        outcome
    }

    /// The wire as it stands at the beginning of TLS, with all that was read too far given back.
    #[allow(
        clippy::panic,
        reason = "a script that cannot be performed is a bug of the test's"
    )]
    fn take_wire(&mut self) -> Wire {
        let Channel::Clear(mut wire) = self.channel.take() else {
            panic!("step {}: the script begins TLS under TLS", self.step);
        };
        self.ledger.secure(self.unread.len());
        self.early = 0;
        wire.give_back(std::mem::take(&mut self.unread));
        wire
    }
}

/// Speaking.
impl Player {
    /// Says this, or as much of it as the fault lets through.
    async fn say(&mut self, bytes: &[u8]) -> Result<(), Exit> {
        self.note_early(bytes).await;
        let room = match &self.fault {
            Some(fault) if fault.at() <= self.said + bytes.len() => {
                fault.at().saturating_sub(self.said)
            }
            _ => return self.utter(bytes).await,
        };
        self.utter(bytes.get(..room).unwrap_or(bytes)).await?;
        match self.fault.take() {
            Some(Fault::CutAt(_)) => Err(Exit::cut(Ending::Faulted)),
            Some(Fault::ResetAt(_)) => Err(Exit::reset(Ending::Faulted)),
            Some(Fault::StallAt(_)) => {
                self.drain().await;
                Err(Exit::orderly(Ending::Faulted))
            }
            Some(Fault::GarbageAt(_, garbage)) => self.utter(&garbage).await,
            None => Ok(()),
        }
    }

    async fn utter(&mut self, bytes: &[u8]) -> Result<(), Exit> {
        for piece in bytes.chunks(self.piece) {
            let stream = self.channel.stream();
            let outcome = match stream.write_all(piece).await {
                Ok(()) => stream.flush().await,
                Err(error) => Err(error),
            };
            if outcome.is_err() {
                let expected = format!("the client to take \"{}\"", bytes.escape_ascii());
                return Err(self.left(expected));
            }
            self.said += piece.len();
            self.ledger.say(piece);
            if self.piece < usize::MAX {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    }

    async fn tarpit(&mut self, bytes: &[u8], wait: Duration) -> Result<(), Exit> {
        for byte in bytes {
            self.say(std::slice::from_ref(byte)).await?;
            self.wait(wait).await?;
        }
        Ok(())
    }

    async fn flood(&mut self, bytes: &[u8]) -> Result<(), Exit> {
        /// How much is said in one go, so that a flood of small lines is a flood.
        const WAVE: usize = 16 << 10;
        if bytes.is_empty() {
            self.drain().await;
            return Ok(());
        }
        let wave = bytes.repeat((WAVE / bytes.len()).max(1));
        loop {
            match self.say(&wave).await {
                // Nothing else could end it, so this is no deviation.
                Err(exit) if exit.ending == Ending::ClientLeft => return Ok(()),
                outcome => outcome?,
            }
        }
    }

    async fn serve(&mut self, server: &Server) -> Result<(), Exit> {
        let mut machine = server.0();
        let mut awaited = None;
        loop {
            let heard = match awaited.take() {
                Some(count) => self.hear_bytes(count).await?,
                None => match self.next_line().await {
                    Some(line) => without_line_end(&line).to_vec(),
                    // A client may leave a server at any time.
                    None => return Ok(()),
                },
            };
            let Answer { wait, say, then } = machine(&heard);
            self.wait(wait).await?;
            if !say.is_empty() {
                self.say(&say).await?;
            }
            match then {
                Then::HearLine => {}
                Then::HearBytes(count) => awaited = Some(count),
                Then::StartTls(config) => self.start_tls(&config).await?,
                Then::Done => return Ok(()),
                Then::Close => return Err(Exit::orderly(Ending::Completed)),
                Then::Reset => return Err(Exit::reset(Ending::Completed)),
                Then::Silence => {
                    self.drain().await;
                    return Ok(());
                }
            }
        }
    }
}

/// Listening.
impl Player {
    async fn hear(&mut self, beginning: &[u8]) -> Result<(), Exit> {
        let expected = match beginning {
            [] => "a line".to_owned(),
            _ => format!("a line beginning \"{}\"", beginning.escape_ascii()),
        };
        let line = self.hear_line(&expected).await?;
        match line.get(..beginning.len()) {
            Some(start) if start.eq_ignore_ascii_case(beginning) => Ok(()),
            _ => Err(self.unexpected(expected, line)),
        }
    }

    async fn hear_line(&mut self, expected: &str) -> Result<Vec<u8>, Exit> {
        match self.next_line().await {
            Some(line) => Ok(line),
            None => Err(self.missing(expected)),
        }
    }

    async fn hear_bytes(&mut self, count: usize) -> Result<Vec<u8>, Exit> {
        while self.unread.len() < count {
            if !self.listen().await {
                return Err(self.missing(format!("{count} bytes")));
            }
        }
        Ok(self.consume(count))
    }

    async fn hear_until(&mut self, end: &[u8]) -> Result<(), Exit> {
        match self.next_up_to(end).await {
            Some(_) => Ok(()),
            None => Err(self.missing(format!("all up to \"{}\"", end.escape_ascii()))),
        }
    }

    async fn next_line(&mut self) -> Option<Vec<u8>> {
        self.next_up_to(b"\n").await
    }

    /// The bytes up to and including `end`, or `None` if the client leaves before it, or never comes to it.
    async fn next_up_to(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        let mut searched: usize = 0;
        loop {
            // The end may straddle what came before and what has come now.
            let from = searched.saturating_sub(end.len());
            if let Some(at) = find(self.unread.get(from..).unwrap_or_default(), end) {
                return Some(self.consume(from + at + end.len()));
            }
            searched = self.unread.len();
            if searched > LONGEST || !self.listen().await {
                return None;
            }
        }
    }

    /// Listens until the client closes its side.
    async fn drain(&mut self) {
        loop {
            self.unread.clear();
            self.early = 0;
            if !self.listen().await {
                return;
            }
        }
    }

    /// Waits for bytes; false when the client has closed its side.
    async fn listen(&mut self) -> bool {
        let mut bytes = [0; 8192];
        let count = self.channel.stream().read(&mut bytes).await.unwrap_or(0);
        let bytes = bytes.get(..count).unwrap_or_default();
        self.take_in(bytes);
        count > 0
    }

    fn take_in(&mut self, bytes: &[u8]) {
        self.ledger.hear(bytes);
        self.unread.extend_from_slice(bytes);
    }

    fn consume(&mut self, count: usize) -> Vec<u8> {
        self.early = self.early.saturating_sub(count);
        let rest = self.unread.split_off(count.min(self.unread.len()));
        std::mem::replace(&mut self.unread, rest)
    }

    /// Lets time pass, listening, so that a client which leaves does not keep the script waiting.
    async fn wait(&mut self, wait: Duration) -> Result<(), Exit> {
        if wait.is_zero() {
            return Ok(());
        }
        let over = sleep(wait);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return Ok(()),
                open = self.listen() => if !open {
                    return Err(self.left("the client to wait"));
                },
            }
        }
    }

    /// Puts on record what has arrived when the peer is about to say `before`.
    async fn note_early(&mut self, before: &[u8]) {
        self.glance().await;
        let fresh = self.unread.get(self.early..).unwrap_or_default();
        if !fresh.is_empty() {
            self.ledger.early(before, fresh);
            self.early = self.unread.len();
        }
    }

    /// Takes in what has arrived, without waiting for more.
    async fn glance(&mut self) {
        // The runtime looks at its sockets when tasks yield; without this, bytes that are there would not be seen.
        tokio::task::yield_now().await;
        let mut bytes = [0; 8192];
        loop {
            let stream = self.channel.stream();
            let count = poll_fn(|cx| {
                let mut buffer = ReadBuf::new(&mut bytes);
                Poll::Ready(match Pin::new(&mut *stream).poll_read(cx, &mut buffer) {
                    Poll::Ready(Ok(())) => buffer.filled().len(),
                    _ => 0,
                })
            })
            .await;
            match bytes.get(..count) {
                Some([]) | None => return,
                Some(bytes) => self.take_in(bytes),
            }
        }
    }
}

/// Leaving.
impl Player {
    async fn leave(&mut self, exit: Exit) {
        // Before the client can know, so that whoever sees the connection end finds the record complete.
        self.ledger.end(exit.ending, exit.deviation);
        match exit.manner {
            Manner::Orderly => {
                let goodbye = async {
                    if self.channel.stream().shutdown().await.is_ok() {
                        self.drain().await;
                    }
                };
                // A client that stays does not hold up the peer.
                drop(timeout(LINGER, goodbye).await);
            }
            Manner::Cut => {
                self.glance().await;
                if let Some(mut wire) = self.channel.take().into_wire() {
                    let goodbye = async {
                        wire.shutdown().await?;
                        tokio::io::copy(&mut wire, &mut tokio::io::sink()).await
                    };
                    drop(timeout(LINGER, goodbye).await);
                }
            }
            Manner::Reset => {
                self.glance().await;
                if let Some(wire) = self.channel.take().into_wire() {
                    wire.reset();
                }
            }
        }
    }

    /// What was awaited never came: the client left, or what came has no end.
    fn missing(&mut self, expected: impl Into<String>) -> Exit {
        if self.unread.len() > LONGEST {
            let heard = self.consume(80);
            return self.unexpected(expected, heard);
        }
        self.left(expected)
    }

    fn left(&mut self, expected: impl Into<String>) -> Exit {
        Exit::orderly(Ending::ClientLeft).because(Deviation::Left {
            step: self.step,
            expected: expected.into(),
            heard: std::mem::take(&mut self.unread),
        })
    }

    fn unexpected(&self, expected: impl Into<String>, heard: Vec<u8>) -> Exit {
        Exit::orderly(Ending::Deviated).because(Deviation::Unexpected {
            step: self.step,
            expected: expected.into(),
            heard,
        })
    }
}
