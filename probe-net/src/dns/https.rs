//! Questions over HTTPS (RFC 8484): each is a request of its own, and many share a connection where the resolver speaks
//! HTTP/2.

use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use probe_core::{Context, Failure, FailureKind, Phase};
use tokio::sync::OnceCell;

use super::lane::Socket;
use crate::http::{Connection, FIRST_BYTE, Protocols, Request, Url};
use crate::{Log, Net};

/// What questions and answers are called there (RFC 8484 section 6).
const MESSAGE: &str = "application/dns-message";
/// The most octets of an answer.
const LIMIT: usize = 65535;

/// How resolvers are spoken with over HTTPS.
#[derive(Clone, Debug)]
pub(super) struct OverHttps {
    pub(super) net: Net,
    pub(super) url: Url,
}

/// The requests that are under way, and their connections by lane.
#[derive(Default)]
pub(super) struct Https {
    lanes: HashMap<usize, Shared>,
    asked: FuturesUnordered<Pin<Box<dyn Future<Output = Told> + Send>>>,
}

/// A connection, made by the first who needs it. That it could not be made is told to all who waited.
type Shared = Arc<OnceCell<Result<Connection, Failure>>>;

/// Where the desk looks for an answer.
pub(super) type Place = (usize, Socket);

/// What came of a question.
pub(super) struct Told {
    pub(super) place: Place,
    pub(super) server: SocketAddr,
    pub(super) id: u16,
    pub(super) answer: Result<Vec<u8>, Failure>,
    over: Shared,
}

impl Https {
    /// Asks a resolver, which is connected to where it is not yet.
    pub(super) fn ask(
        &mut self,
        place: Place,
        server: SocketAddr,
        over: &OverHttps,
        message: Vec<u8>,
        within: Duration,
    ) {
        let (lane, _) = place;
        let shared = self.lanes.entry(lane).or_default().clone();
        let over = over.clone();
        self.asked.push(Box::pin(async move {
            // The request knows its answer; a number of its own would only spoil caches (RFC 8484 section 4.1).
            let (id, question) = without_id(message);
            let mut log = Log::begin(&Context::default().with_budget(within));
            let answer = ask(&shared, server, &over, question, &mut log).await;
            Told {
                place,
                server,
                id,
                answer,
                over: shared,
            }
        }));
    }

    /// Waits until something has come of any of them. Cancelling it loses nothing.
    pub(super) async fn hear(&mut self) -> Told {
        let Some(mut told) = self.asked.next().await else {
            return core::future::pending().await;
        };
        match &mut told.answer {
            Ok(answer) => with_id(answer, told.id),
            // Whoever asks next connects again.
            Err(_) => self.forget(told.place.0, &told.over),
        }
        told
    }

    fn forget(&mut self, lane: usize, over: &Shared) {
        let is_it = |current: &Shared| Arc::ptr_eq(current, over);
        if self.lanes.get(&lane).is_some_and(is_it) {
            self.lanes.remove(&lane);
        }
    }
}

async fn ask(
    shared: &Shared,
    server: SocketAddr,
    over: &OverHttps,
    question: Vec<u8>,
    log: &mut Log,
) -> Result<Vec<u8>, Failure> {
    let connection = shared.get_or_init(|| connect(server, over, log)).await;
    let connection = connection.as_ref().map_err(Clone::clone)?;
    let request = Request::post(over.url.clone(), question)
        .with_header("accept", MESSAGE)
        .and_then(|request| request.with_header("content-type", MESSAGE))
        .map_err(|error| Failure::new(FIRST_BYTE, FailureKind::Local, error.to_string()))?;
    let answered = connection.exchange(&request, LIMIT, log).await;
    let response = answered.map_err(|unanswered| unanswered.failure)?;
    let protocol = |detail| Failure::new(FIRST_BYTE, FailureKind::Protocol, detail);
    if !response.is_success() {
        let detail = format!("the resolver answers with status {}", response.status);
        return Err(protocol(detail));
    }
    let kind = response.header("content-type").unwrap_or_default();
    if !kind.trim().eq_ignore_ascii_case(MESSAGE) {
        return Err(protocol(format!("the resolver answers with {kind:?}")));
    }
    response.whole()?;
    Ok(response.body)
}

/// To a resolver that has proved who it is.
async fn connect(
    server: SocketAddr,
    over: &OverHttps,
    log: &mut Log,
) -> Result<Connection, Failure> {
    let endpoint = over.url.endpoint();
    let wire = over.net.connect(&endpoint, &[server.ip()], log).await?;
    let mut wire = wire.offering(Protocols::Http2OrHttp1.alpn());
    if over.url.is_secure() {
        wire.secure(log).await?;
    }
    match wire.distrust() {
        None => Connection::open(wire, log).await,
        Some(reason) => Err(Failure::new(Phase::TLS, FailureKind::Tls, reason)),
    }
}

/// The number of a message, and the message with 0 instead.
fn without_id(mut message: Vec<u8>) -> (u16, Vec<u8>) {
    let mut id = [0; 2];
    if let Some(place) = message.first_chunk_mut() {
        id = core::mem::take(place);
    }
    (u16::from_be_bytes(id), message)
}

/// Puts the number back, where there is none.
fn with_id(message: &mut [u8], id: u16) {
    if let Some(place) = message.first_chunk_mut()
        && *place == [0; 2]
    {
        *place = id.to_be_bytes();
    }
}
