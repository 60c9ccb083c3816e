//! Peers that can be reached: behind a port, in memory, or not at all. They accept, hand each connection to `play`
//! and keep the records; what is said is the script's business.

use std::any::Any;
use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::{JoinError, JoinHandle, JoinSet};

use crate::conversation::Ledger;
use crate::play::play;
use crate::wire::Socket;
use crate::{Conversation, Script};

/// As much as a careful socket buffer would hold, so that a peer which says much does not wait for its reader.
const PIPE: usize = 64 << 10;

/// A server on a real socket, performing a script for every connection.
///
/// Dropping it closes the port and ends all connections.
#[derive(Debug)]
pub struct Peer {
    address: SocketAddr,
    ledgers: Arc<Ledgers>,
    /// Dropped or used, it ends the listening.
    last_call: Option<oneshot::Sender<()>>,
    listening: Option<JoinHandle<Option<Panic>>>,
}

impl Peer {
    /// Listens on a free port of 127.0.0.1, with a script for each connection in the order in which they come.
    ///
    /// When there are more connections than scripts the last script is performed again.
    pub async fn listen_each(scripts: impl IntoIterator<Item = Script>) -> io::Result<Self> {
        Self::listen_each_on((Ipv4Addr::LOCALHOST, 0).into(), scripts).await
    }

    /// [`listen_each`](Self::listen_each) on an address of one's choice; port 0 takes a free one.
    pub async fn listen_each_on(
        address: SocketAddr,
        scripts: impl IntoIterator<Item = Script>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let ledgers = Arc::new(Ledgers::default());
        let (last_call, closing) = oneshot::channel();
        let reception = Reception {
            listener,
            scripts: scripts.into_iter().map(Arc::new).collect(),
            ledgers: ledgers.clone(),
            open: JoinSet::new(),
            panic: None,
        };
        Ok(Self {
            address,
            ledgers,
            last_call: Some(last_call),
            listening: Some(tokio::spawn(reception.receive(closing))),
        })
    }

    /// Where to connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What has happened so far, one record for each connection in the order in which they came.
    pub fn conversations(&self) -> Vec<Conversation> {
        self.ledgers.open().iter().map(Ledger::snapshot).collect()
    }

    /// Takes no more connections, waits until the open ones have ended, and hands over the records.
    ///
    /// A client that is still connected to a silent script is waited for: drop it first.
    ///
    /// # Panics
    ///
    /// If a closure of a script panicked, with its panic.
    pub async fn finish(mut self) -> Vec<Conversation> {
        drop(self.last_call.take());
        if let Some(listening) = self.listening.as_mut() {
            match listening.await.map_err(JoinError::into_panic) {
                Ok(None) => {}
                Ok(Some(panic)) | Err(panic) => resume_unwind(panic),
            }
        }
        self.conversations()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        if let Some(listening) = &self.listening {
            listening.abort();
        }
    }
}

/// The server's end of [`Script::in_memory`].
///
/// Dropping it ends the connection.
#[derive(Debug)]
pub struct MemoryPeer {
    ledger: Ledger,
    playing: JoinHandle<()>,
}

impl MemoryPeer {
    pub(crate) fn spawn(script: Script) -> (DuplexStream, Self) {
        let (client, server) = tokio::io::duplex(PIPE);
        let ledger = Ledger::default();
        let record = ledger.clone();
        let playing = tokio::spawn(async move {
            play(&script, Socket::Other(Box::new(server)), record).await;
        });
        (client, Self { ledger, playing })
    }

    /// What has happened so far.
    pub fn conversation(&self) -> Conversation {
        self.ledger.snapshot()
    }

    /// Waits until the conversation has ended, and hands over its record.
    ///
    /// A client that still holds its end of a silent script is waited for: drop it first.
    ///
    /// # Panics
    ///
    /// If a closure of the script panicked, with its panic.
    pub async fn finish(mut self) -> Conversation {
        if let Err(error) = (&mut self.playing).await {
            resume_unwind(error.into_panic());
        }
        self.conversation()
    }
}

impl Drop for MemoryPeer {
    fn drop(&mut self) {
        self.playing.abort();
    }
}

/// A port on which nobody listens, and on which nobody else can: connections to it are refused.
///
/// ```
/// # use probe_testkit::ClosedPort;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let port = ClosedPort::new()?;
/// let refused = tokio::net::TcpStream::connect(port.address()).await.unwrap_err();
/// assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ClosedPort {
    address: SocketAddr,
    /// Bound but never listening: the kernel keeps the port for it and refuses all who call.
    _socket: TcpSocket,
}

impl ClosedPort {
    /// Takes a free port of 127.0.0.1, until this value is dropped.
    pub fn new() -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        Ok(Self {
            address: socket.local_addr()?,
            _socket: socket,
        })
    }

    /// Where to be refused.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A port that never answers: connections to it are neither accepted nor refused.
///
/// It listens with a queue that is full, which kernels keep to themselves. Filling it takes a fifth of a second.
///
/// ```
/// # use std::time::Duration;
/// # use probe_testkit::SilentPort;
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> std::io::Result<()> {
/// let port = SilentPort::new()?;
/// let connecting = tokio::net::TcpStream::connect(port.address());
/// assert!(tokio::time::timeout(Duration::from_millis(50), connecting).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SilentPort {
    address: SocketAddr,
    _listener: TcpListener,
    /// Those who fill the queue.
    _queue: Vec<std::net::TcpStream>,
}

impl SilentPort {
    /// Takes a free port of 127.0.0.1, until this value is dropped.
    pub fn new() -> io::Result<Self> {
        /// Whoever waits so long for a connection within the machine is not in the queue.
        const TURNED_AWAY: Duration = Duration::from_millis(200);
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(1)?;
        let address = listener.local_addr()?;
        let mut queue = Vec::new();
        while let Ok(stream) = std::net::TcpStream::connect_timeout(&address, TURNED_AWAY) {
            queue.push(stream);
        }
        Ok(Self {
            address,
            _listener: listener,
            _queue: queue,
        })
    }

    /// Where to wait in vain.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

type Panic = Box<dyn Any + Send>;

/// The records of all connections of a peer.
#[derive(Debug, Default)]
struct Ledgers(Mutex<Vec<Ledger>>);

impl Ledgers {
    fn open(&self) -> MutexGuard<'_, Vec<Ledger>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task behind a [`Peer`].
struct Reception {
    listener: TcpListener,
    scripts: Vec<Arc<Script>>,
    ledgers: Arc<Ledgers>,
    open: JoinSet<()>,
    panic: Option<Panic>,
}

impl Reception {
    async fn receive(mut self, mut closing: oneshot::Receiver<()>) -> Option<Panic> {
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, client)) => self.welcome(stream, client),
                    Err(error) => return Some(Box::new(format!("the peer cannot accept: {error}"))),
                },
                Some(ended) = self.open.join_next() => self.see_off(ended),
                _ = &mut closing => break,
            }
        }
        // Whoever connected before the last call is still served, even if the runtime has not told us yet.
        tokio::task::yield_now().await;
        while let Some((stream, client)) = self.next_in_queue().await {
            self.welcome(stream, client);
        }
        while let Some(ended) = self.open.join_next().await {
            self.see_off(ended);
        }
        self.panic
    }

    fn welcome(&mut self, stream: TcpStream, client: SocketAddr) {
        let ledger = Ledger::from(client);
        let mut ledgers = self.ledgers.open();
        let script = self
            .scripts
            .get(ledgers.len())
            .or(self.scripts.last())
            .cloned();
        ledgers.push(ledger.clone());
        drop(ledgers);
        // Pieces are to arrive as they were said. It fails only if the client has gone, which the script will notice.
        drop(stream.set_nodelay(true));
        self.open.spawn(async move {
            let script = script.unwrap_or_default();
            play(&script, Socket::Tcp(stream), ledger).await;
        });
    }

    /// The first panic is kept for [`Peer::finish`]; the other connections go on.
    fn see_off(&mut self, ended: Result<(), JoinError>) {
        if let Err(error) = ended
            && let Ok(panic) = error.try_into_panic()
        {
            self.panic.get_or_insert(panic);
        }
    }

    async fn next_in_queue(&mut self) -> Option<(TcpStream, SocketAddr)> {
        poll_fn(|cx| match self.listener.poll_accept(cx) {
            Poll::Ready(accepted) => Poll::Ready(accepted.ok()),
            Poll::Pending => Poll::Ready(None),
        })
        .await
    }
}
