//! Many questions at once: the sibling of [`drive`](crate::drive). A machine says what to ask, and is told what came of
//! each; pacing, repeats, sockets and time are dealt with here.

use core::future::{Future, poll_fn};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use core::pin::{Pin, pin};
use core::task::{Context, Poll};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use futures_util::future::{AbortHandle, Abortable, Aborted, abortable};
use futures_util::stream::{FuturesUnordered, StreamExt};
use probe_core::{Failure, FailureKind, Phase};
use tokio::net::UdpSocket;
use tokio::time::{Instant, sleep_until};

#[cfg(feature = "http")]
use super::answer::Transport;
use super::answer::{Answer, Trouble};
use super::datagram::{Manner, Question};
use super::desk::{Deed, Desk, Done};
#[cfg(feature = "http")]
use super::https::{self, Https};
use super::lane::{Key, Socket};
use super::resolver::{Over, Resolver};
use super::secured::Secured;
use super::stream;
use crate::Log;
use crate::wire::Received;

/// What a machine wants to know.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ask {
    /// What the machine knows it by.
    pub tag: u64,
    /// The question.
    pub question: Question,
    /// Whom to ask. Without it, the resolvers.
    pub servers: Option<Arc<[SocketAddr]>>,
    /// Whether they are to find the answer, or to say what they know themselves (RD).
    pub recursion: bool,
    /// Whether signatures are not to be judged by a resolver (CD, RFC 4035 section 3.2.2): what a failure of theirs hides
    /// then shows.
    pub unchecked: bool,
    /// Whether signatures are to be shown too (DO, RFC 3225).
    pub signatures: bool,
    /// Whether to ask over TCP at once (RFC 7766), as those do whose datagrams were too small.
    pub by_tcp: bool,
    /// What a transcript calls the name, where that contains a secret.
    pub shown: Option<Box<str>>,
}

impl Ask {
    /// Asks the resolvers.
    pub const fn new(tag: u64, question: Question) -> Self {
        Self {
            tag,
            question,
            servers: None,
            recursion: true,
            unchecked: false,
            signatures: false,
            by_tcp: false,
            shown: None,
        }
    }

    /// Is called so in a transcript.
    #[must_use]
    pub fn shown_as(mut self, name: impl Into<Box<str>>) -> Self {
        self.shown = Some(name.into());
        self
    }

    /// Wants what signatures would hide.
    #[must_use]
    pub fn unchecked(mut self) -> Self {
        self.unchecked = true;
        self
    }

    /// Wants signatures as well.
    #[must_use]
    pub fn with_signatures(mut self) -> Self {
        self.signatures = true;
        self
    }

    /// Asks over TCP, and not by a datagram.
    #[must_use]
    pub fn by_tcp(mut self) -> Self {
        self.by_tcp = true;
        self
    }

    /// Asks these servers, which answer for the zone.
    #[must_use]
    pub fn of(mut self, servers: Arc<[SocketAddr]>) -> Self {
        self.servers = Some(servers);
        self.recursion = false;
        self
    }

    /// Asks these resolvers, instead of the others.
    #[must_use]
    pub fn through(mut self, resolvers: Arc<[SocketAddr]>) -> Self {
        self.servers = Some(resolvers);
        self
    }
}

/// A machine with many questions. It has no socket and no clock.
pub trait Survey {
    /// What to ask first.
    fn begin(&mut self) -> Vec<Ask>;

    /// What to ask next, now that this came of the question with this tag.
    fn answered(&mut self, tag: u64, outcome: Result<Answer, Trouble>) -> Vec<Ask>;
}

/// Asks all that the machine wants to know, until it wants no more or the time is over.
///
/// # Errors
/// The time was over first. What the machine was told until then stays with it.
pub async fn survey<S: Survey>(
    resolver: &Resolver,
    machine: &mut S,
    phase: Phase,
    log: &mut Log,
) -> Result<(), Failure> {
    let begun = Instant::now();
    let deadline = log.limit(phase, begun);
    let is_whole = lead(resolver, machine, deadline, |line| {
        log.remark(|| line.to_string());
    })
    .await;
    log.book(phase, begun);
    match is_whole {
        true => Ok(()),
        false => {
            let detail = "not every question was answered in time";
            Err(Failure::new(phase, FailureKind::Timeout, detail))
        }
    }
}

/// What a question came to, for a transcript.
pub(super) struct Line<'a> {
    question: &'a Question,
    outcome: &'a Result<Answer, Trouble>,
    shown: Option<&'a str>,
}

impl core::fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.shown {
            Some(shown) => write!(f, "{shown} {}: ", self.question.kind)?,
            None => write!(f, "{}: ", self.question)?,
        }
        let answer = match self.outcome {
            Ok(answer) => answer,
            Err(trouble) => return write!(f, "{trouble}"),
        };
        write!(f, "{}", answer.rcode)?;
        // A server may repeat what must not be shown.
        let records = answer.answers.iter().filter(|_| self.shown.is_none());
        for record in records {
            write!(f, ", {}", record.data)?;
        }
        let time = answer.time.as_secs_f64() * 1e3;
        let (server, transport) = (answer.server, answer.transport);
        write!(f, " from {server} by {transport} in {time:.1} ms")
    }
}

/// Whether all was answered before the deadline.
pub(super) async fn lead<S: Survey>(
    resolver: &Resolver,
    machine: &mut S,
    deadline: Instant,
    mut tell: impl FnMut(Line<'_>),
) -> bool {
    let mut desk = Desk::new(resolver.pace);
    let mut ways = Ways::new(resolver, deadline);
    let mut shown: HashMap<u64, Box<str>> = HashMap::new();
    let take = |desk: &mut Desk, shown: &mut HashMap<u64, Box<str>>, asks: Vec<Ask>| {
        for ask in asks {
            shown.extend(ask.shown.map(|name| (ask.tag, name)));
            let manner = Manner {
                recursion: ask.recursion,
                unchecked: ask.unchecked,
                signatures: ask.signatures,
                by_stream: ask.by_tcp,
            };
            let servers = ask.servers.as_ref().unwrap_or(&resolver.servers);
            desk.ask(ask.tag, ask.question, servers, manner);
        }
    };
    take(&mut desk, &mut shown, machine.begin());
    loop {
        while let Some(deed) = desk.next(Instant::now()) {
            match deed {
                Deed::Close { lane, socket } => ways.sockets.close((lane, socket)),
                Deed::Done(done) => {
                    let Done {
                        tag,
                        question,
                        outcome,
                    } = *done;
                    tell(Line {
                        question: &question,
                        outcome: &outcome,
                        shown: shown.get(&tag).map(|shown| &**shown),
                    });
                    take(&mut desk, &mut shown, machine.answered(tag, outcome));
                }
                Deed::Send {
                    lane,
                    server,
                    socket,
                    bytes,
                } => ways.send(&mut desk, (lane, socket), server, bytes).await,
                Deed::Stream { key, server, bytes } => ways.stream(key, server, bytes),
            }
        }
        if desk.is_idle() {
            return true;
        }
        // Also where somebody never stops talking.
        if Instant::now() >= deadline {
            return false;
        }
        let until = desk.due().map_or(deadline, |due| due.min(deadline));
        let news = ways.wait(until).await;
        ways.hear(&mut desk, news);
    }
}

/// By which questions go out and answers come in.
struct Ways<'a> {
    resolver: &'a Resolver,
    deadline: Instant,
    sockets: Sockets,
    secured: Secured,
    #[cfg(feature = "http")]
    https: Https,
    streams: FuturesUnordered<Pin<Box<dyn Future<Output = Streamed> + Send>>>,
}

/// What was waited for.
enum News {
    Due,
    Heard(Listened),
    #[cfg(feature = "http")]
    Posted(https::Told),
    Secured((usize, io::Result<Received>)),
    Streamed(Streamed),
}

/// What came of a connection.
type Streamed = (Key, SocketAddr, io::Result<Vec<u8>>);

impl<'a> Ways<'a> {
    fn new(resolver: &'a Resolver, deadline: Instant) -> Self {
        Self {
            resolver,
            deadline,
            sockets: Sockets::new(resolver.source),
            secured: Secured::default(),
            #[cfg(feature = "http")]
            https: Https::default(),
            streams: FuturesUnordered::new(),
        }
    }

    /// Sends a question as its server is spoken with.
    async fn send(&mut self, desk: &mut Desk, place: Place, server: SocketAddr, bytes: Vec<u8>) {
        let within = self.deadline.saturating_duration_since(Instant::now());
        let is_resolver = self.resolver.servers.contains(&server);
        let (lane, socket) = place;
        match self.resolver.over.as_ref().filter(|_| is_resolver) {
            #[cfg(feature = "http")]
            Some(Over::Https(over)) => self.https.ask(place, server, over, bytes, within),
            Some(Over::Tls(over)) => {
                let sent = self.secured.send(lane, server, over, &bytes, within).await;
                if let Err(error) = sent {
                    self.secured.close(lane);
                    desk.disconnected(lane, &trouble(server, &error));
                }
            }
            None => {
                if let Err(error) = self.sockets.send(place, server, &bytes).await {
                    desk.unreachable(lane, socket, &trouble(server, &error));
                }
            }
        }
    }

    /// Sends a question over a connection of its own.
    fn stream(&mut self, key: Key, server: SocketAddr, bytes: Vec<u8>) {
        let source = self.resolver.source;
        self.streams.push(Box::pin(async move {
            (key, server, stream::exchange(server, source, &bytes).await)
        }));
    }

    /// Waits until something comes, or this instant.
    async fn wait(&mut self, until: Instant) -> News {
        let Self {
            sockets,
            secured,
            streams,
            ..
        } = self;
        let mut over = pin!(sleep_until(until));
        let mut hearing = pin!(secured.hear());
        #[cfg(feature = "http")]
        let mut posting = pin!(self.https.hear());
        poll_fn(|cx| {
            #[cfg(feature = "http")]
            if let Poll::Ready(told) = posting.as_mut().poll(cx) {
                return Poll::Ready(News::Posted(told));
            }
            if let Poll::Ready(heard) = hearing.as_mut().poll(cx) {
                return Poll::Ready(News::Secured(heard));
            }
            if let Poll::Ready(heard) = sockets.poll(cx) {
                return Poll::Ready(News::Heard(heard));
            }
            if let Poll::Ready(Some(streamed)) = streams.poll_next_unpin(cx) {
                return Poll::Ready(News::Streamed(streamed));
            }
            over.as_mut().poll(cx).map(|()| News::Due)
        })
        .await
    }

    /// Tells the desk.
    fn hear(&mut self, desk: &mut Desk, news: News) {
        match news {
            News::Due => {}
            News::Heard(listened) => hear(desk, &mut self.sockets, listened),
            #[cfg(feature = "http")]
            News::Posted(told) => match told.answer {
                Ok(message) => {
                    desk.heard_by(Transport::Https, Instant::now(), told.place, &message);
                    // An answer that is none to this question leaves nothing to wait for.
                    let why = Trouble::Local(format!("{}: no answer to the question", told.server));
                    desk.refused(told.place, told.id, &why);
                }
                Err(failure) => {
                    let why = Trouble::Local(format!("{}: {}", told.server, failure.detail));
                    desk.refused(told.place, told.id, &why);
                }
            },
            News::Secured((lane, Ok(Received::Bytes))) => {
                while let Some(message) = self.secured.message(lane) {
                    desk.heard_over_tls(Instant::now(), lane, &message);
                }
            }
            News::Secured((lane, _)) => {
                self.secured.close(lane);
                let why = "the resolver hung up".to_owned();
                desk.disconnected(lane, &Trouble::Local(why));
            }
            News::Streamed((key, _, Ok(bytes))) => desk.streamed(Instant::now(), key, &bytes),
            News::Streamed((key, server, Err(error))) => {
                desk.cut_off(key, trouble(server, &error));
            }
        }
    }
}

/// So many datagrams are taken before something else has its turn.
const AT_ONCE: usize = 64;

/// Tells the desk, and listens on.
fn hear(desk: &mut Desk, sockets: &mut Sockets, listened: Listened) {
    let Listened {
        place,
        server,
        socket,
        mut room,
        heard,
    } = listened;
    let (lane, number) = place;
    // What has come meanwhile is taken at once, as much as there can be.
    let mut next = Some(heard);
    for _ in 0..AT_ONCE {
        match next {
            Some(Ok(length)) => {
                let bytes = room.get(..length).unwrap_or_default();
                desk.heard(Instant::now(), lane, number, bytes);
            }
            Some(Err(error)) => desk.unreachable(lane, number, &trouble(server, &error)),
            None => break,
        }
        next = match socket.try_recv(&mut room) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
            heard => Some(heard),
        };
    }
    sockets.listen(place, server, socket, room);
}

fn trouble(server: SocketAddr, error: &io::Error) -> Trouble {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Trouble::Refused(server),
        _ => Trouble::Local(format!("{server}: {error}")),
    }
}

/// The sockets of all lanes.
struct Sockets {
    source: Option<IpAddr>,
    open: HashMap<Place, Open>,
    /// Each waits for the next datagram of its socket.
    ears: FuturesUnordered<Ear>,
}

/// A socket of a lane.
type Place = (usize, Socket);

/// Ends early where its socket is closed.
type Ear = Abortable<Pin<Box<dyn Future<Output = Listened> + Send>>>;

struct Open {
    socket: Arc<UdpSocket>,
    ear: AbortHandle,
}

/// What came over a socket.
struct Listened {
    place: Place,
    server: SocketAddr,
    socket: Arc<UdpSocket>,
    room: Vec<u8>,
    heard: io::Result<usize>,
}

impl Sockets {
    /// More than anybody was told that we take.
    const ROOM: usize = 4096;

    fn new(source: Option<IpAddr>) -> Self {
        Self {
            source,
            open: HashMap::new(),
            ears: FuturesUnordered::new(),
        }
    }

    async fn send(&mut self, place: Place, server: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        if let Some(open) = self.open.get(&place) {
            return open.socket.send(bytes).await.map(drop);
        }
        let socket = Arc::new(bound(self.source, server).await?);
        let sent = socket.send(bytes).await.map(drop);
        self.listen(place, server, socket, vec![0; Self::ROOM]);
        sent
    }

    fn listen(
        &mut self,
        place: Place,
        server: SocketAddr,
        socket: Arc<UdpSocket>,
        mut room: Vec<u8>,
    ) {
        let listening = {
            let socket = socket.clone();
            async move {
                let heard = socket.recv(&mut room).await;
                Listened {
                    place,
                    server,
                    socket,
                    room,
                    heard,
                }
            }
        };
        let listening: Pin<Box<dyn Future<Output = Listened> + Send>> = Box::pin(listening);
        let (ear, handle) = abortable(listening);
        self.ears.push(ear);
        self.open.insert(
            place,
            Open {
                socket,
                ear: handle,
            },
        );
    }

    fn close(&mut self, place: Place) {
        if let Some(open) = self.open.remove(&place) {
            open.ear.abort();
        }
    }

    /// The next datagram of any of them.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Listened> {
        loop {
            match self.ears.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(listened))) => return Poll::Ready(listened),
                // Its socket was closed.
                Poll::Ready(Some(Err(Aborted))) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// A socket on a port that the system chooses, and connected: then it lets in nobody else, and tells when nobody listens.
async fn bound(source: Option<IpAddr>, server: SocketAddr) -> io::Result<UdpSocket> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((source.unwrap_or(any), 0)).await?;
    socket.connect(server).await?;
    Ok(socket)
}
