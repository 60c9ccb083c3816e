//! Questions to resolvers that are spoken with over TLS and over HTTPS, good ones and bad ones.

#![cfg(all(feature = "dns", feature = "http", feature = "ring"))]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod replies;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use probe_core::{Context, Phase};
use probe_net::dns::{
    Answer, Ask, Data, Kind, Question, Resolver, Survey, Transport, Trouble, survey,
};
use probe_net::tls::Tls;
use probe_net::{Log, Net, Resolve};
use probe_testkit::{Authority, Flaw, Identity, TlsOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use replies::reply;

const NAME: &str = "dns.example.test";

fn question(kind: Kind) -> Question {
    Question::new("host.example.org".parse().unwrap(), kind)
}

fn addresses(answer: &Answer) -> Vec<&Data> {
    answer.records().map(|record| &record.data).collect()
}

/// A resolver that is spoken with over TLS, each message answered so; `None` hangs up.
async fn serve_over_tls(
    identity: &Identity,
    answering: fn(&[u8]) -> Option<Vec<Vec<u8>>>,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let acceptor = TlsAcceptor::from(identity.server_config(&TlsOptions::default()));
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else {
                continue;
            };
            while let Ok(length) = stream.read_u16().await {
                let mut question = vec![0; length.into()];
                stream.read_exact(&mut question).await.unwrap();
                let Some(replies) = answering(&question) else {
                    break;
                };
                for reply in replies {
                    let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
                    stream
                        .write_all(&[&length[..], &reply].concat())
                        .await
                        .unwrap();
                }
                stream.flush().await.unwrap();
            }
        }
    });
    address
}

fn over_tls(ca: &Authority, server: SocketAddr) -> Resolver {
    let net = Net::new(Tls::ring(ca.roots()));
    Resolver::over_tls(net, NAME.parse().unwrap(), [server])
}

#[tokio::test]
async fn many_questions_go_over_one_connection_that_proves_who_answers() {
    let ca = Authority::new("Test CA");
    let identity = ca.identity([NAME]);
    let server = serve_over_tls(&identity, |question| {
        let good = reply(question, 0, 0, &[(1, &[127, 0, 0, 2])]);
        let mut other_id = good.clone();
        other_id[0] ^= 0xff;
        Some(vec![b"x".to_vec(), other_id, good])
    })
    .await;
    let resolver = over_tls(&ca, server);
    let answer = resolver.ask(question(Kind::A)).await.unwrap();
    assert_eq!((answer.transport, answer.tries), (Transport::Tls, 1));
    assert_eq!(addresses(&answer).len(), 1);
    let found = resolver.resolve(&"host.example.org".parse().unwrap()).await;
    assert_eq!(found.unwrap().len(), 1);
}

#[tokio::test]
async fn a_resolver_that_cannot_prove_who_it_is_is_asked_nothing() {
    let ca = Authority::new("Test CA");
    for identity in [
        ca.identity(["other.example.test"]),
        ca.flawed([NAME], Flaw::Expired),
        Authority::new("Another CA").identity([NAME]),
    ] {
        let server = serve_over_tls(&identity, |_| panic!("it was asked")).await;
        let trouble = over_tls(&ca, server)
            .ask(question(Kind::A))
            .await
            .unwrap_err();
        let told = trouble.to_string();
        assert!(told.contains("the certificate was not verified"), "{told}");
    }
}

#[tokio::test]
async fn a_resolver_that_hangs_up_or_does_not_speak_tls_is_told_at_once() {
    let ca = Authority::new("Test CA");
    let identity = ca.identity([NAME]);
    let server = serve_over_tls(&identity, |_| None).await;
    let trouble = over_tls(&ca, server)
        .ask(question(Kind::A))
        .await
        .unwrap_err();
    assert!(matches!(trouble, Trouble::Local(_)), "{trouble:?}");
    assert!(
        trouble.to_string().contains("the resolver hung up"),
        "{trouble}"
    );

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let trouble = over_tls(&ca, address)
        .ask(question(Kind::A))
        .await
        .unwrap_err();
    assert!(matches!(trouble, Trouble::Local(_)), "{trouble:?}");
}

/// A resolver that is spoken with over HTTPS.
struct Posted {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    /// The numbers of the questions.
    ids: Arc<Mutex<Vec<[u8; 2]>>>,
}

type Answering = fn(&[u8], usize) -> hyper::Response<Full<Bytes>>;

/// Answers each question so, told how many came before it on all connections; over these protocols.
async fn serve_over_https(identity: &Identity, alpn: &[&[u8]], answering: Answering) -> Posted {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut config = (*identity.server_config(&TlsOptions::default())).clone();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let (connections, ids) = (
        Arc::<AtomicUsize>::default(),
        Arc::<Mutex<Vec<_>>>::default(),
    );
    let (met, numbers) = (connections.clone(), ids.clone());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            met.fetch_add(1, Ordering::Relaxed);
            let Ok(stream) = acceptor.accept(stream).await else {
                continue;
            };
            let numbers = numbers.clone();
            let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            let service = service_fn(move |request| answer(request, numbers.clone(), answering));
            let stream = TokioIo::new(stream);
            tokio::spawn(async move {
                match is_http2 {
                    true => {
                        let builder =
                            hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                        drop(builder.serve_connection(stream, service).await);
                    }
                    false => {
                        let builder = hyper::server::conn::http1::Builder::new();
                        drop(builder.serve_connection(stream, service).await);
                    }
                }
            });
        }
    });
    Posted {
        address,
        connections,
        ids,
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    ids: Arc<Mutex<Vec<[u8; 2]>>>,
    answering: Answering,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    assert_eq!(request.method(), "POST");
    assert_eq!(request.uri().path(), "/dns-query");
    assert_eq!(request.headers()["content-type"], "application/dns-message");
    assert_eq!(request.headers()["accept"], "application/dns-message");
    let question = request.into_body().collect().await.unwrap().to_bytes();
    let before = {
        let mut ids = ids.lock().unwrap();
        ids.push([question[0], question[1]]);
        ids.len() - 1
    };
    Ok(answering(&question, before))
}

fn message(bytes: Vec<u8>) -> hyper::Response<Full<Bytes>> {
    let response = hyper::Response::builder().header("content-type", "application/dns-message");
    response.body(bytes.into()).unwrap()
}

fn listed(question: &[u8], _: usize) -> hyper::Response<Full<Bytes>> {
    message(reply(question, 0, 0, &[(1, &[127, 0, 0, 2])]))
}

fn over_https(ca: &Authority, server: SocketAddr) -> Resolver {
    let net = Net::new(Tls::ring(ca.roots()));
    let url = format!("https://{NAME}:{}/dns-query", server.port());
    Resolver::over_https(net, url.parse().unwrap(), [server.ip()])
}

/// As many questions as this.
struct Many(u64, Vec<Result<Answer, Trouble>>);

impl Survey for Many {
    fn begin(&mut self) -> Vec<Ask> {
        (0..self.0)
            .map(|tag| Ask::new(tag, question(Kind::A)))
            .collect()
    }

    fn answered(&mut self, _: u64, outcome: Result<Answer, Trouble>) -> Vec<Ask> {
        self.1.push(outcome);
        Vec::new()
    }
}

async fn ask_many(resolver: &Resolver, count: u64) -> Vec<Result<Answer, Trouble>> {
    let mut many = Many(count, Vec::new());
    let mut log = Log::begin(&Context::default());
    survey(resolver, &mut many, Phase::new("sweep"), &mut log)
        .await
        .unwrap();
    many.1
}

#[tokio::test]
async fn three_hundred_questions_share_one_connection_of_http_2() {
    let ca = Authority::new("Test CA");
    let server = serve_over_https(&ca.identity([NAME]), &[b"h2", b"http/1.1"], listed).await;
    let answers = ask_many(&over_https(&ca, server.address), 300).await;
    assert_eq!(answers.len(), 300);
    for answer in answers {
        let answer = answer.unwrap();
        assert_eq!((answer.transport, answer.tries), (Transport::Https, 1));
        assert_eq!(addresses(&answer).len(), 1);
    }
    assert_eq!(server.connections.load(Ordering::Relaxed), 1);
    assert!(server.ids.lock().unwrap().iter().all(|id| *id == [0, 0]));
}

#[tokio::test]
async fn where_there_is_no_http_2_questions_take_turns() {
    let ca = Authority::new("Test CA");
    for alpn in [&[&b"http/1.1"[..]][..], &[]] {
        let server = serve_over_https(&ca.identity([NAME]), alpn, listed).await;
        let resolver = over_https(&ca, server.address);
        let answers = ask_many(&resolver, 20).await;
        assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(server.connections.load(Ordering::Relaxed), 1);
        let found = resolver.resolve(&"host.example.org".parse().unwrap()).await;
        assert_eq!(found.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_resolver_over_https_that_cannot_prove_who_it_is_is_asked_nothing() {
    let ca = Authority::new("Test CA");
    for identity in [
        ca.identity(["other.example.test"]),
        ca.flawed([NAME], Flaw::Expired),
        Authority::new("Another CA").identity([NAME]),
    ] {
        let server = serve_over_https(&identity, &[b"h2"], listed).await;
        for trouble in ask_many(&over_https(&ca, server.address), 50).await {
            let told = trouble.unwrap_err().to_string();
            assert!(told.contains("the certificate was not verified"), "{told}");
        }
        assert!(server.ids.lock().unwrap().is_empty());
        // All that waited for it are told by the one that failed.
        assert_eq!(server.connections.load(Ordering::Relaxed), 1);
    }
}

#[tokio::test]
async fn whatever_is_no_answer_is_told_at_once() {
    let ca = Authority::new("Test CA");
    let cases: [(Answering, &str); 5] = [
        (
            |_, _| {
                hyper::Response::builder()
                    .status(503)
                    .body(Full::default())
                    .unwrap()
            },
            "the resolver answers with status 503",
        ),
        (
            |question, _| hyper::Response::new(reply(question, 0, 0, &[]).into()),
            "the resolver answers with \"\"",
        ),
        (|_, _| message(b"x".to_vec()), "no answer to the question"),
        (
            |question, _| {
                let mut other = reply(question, 0, 0, &[(1, &[127, 0, 0, 2])]);
                other[13] ^= 1;
                message(other)
            },
            "no answer to the question",
        ),
        (
            |_, _| message(vec![0; 65536]),
            "the body is larger than 65535 octets",
        ),
    ];
    for (answering, why) in cases {
        let server = serve_over_https(&ca.identity([NAME]), &[b"h2"], answering).await;
        let resolver = over_https(&ca, server.address);
        let trouble = resolver.ask(question(Kind::A)).await.unwrap_err();
        let told = format!("the question could not be asked: {}: {why}", server.address);
        assert_eq!(trouble.to_string(), told);
    }
}

#[tokio::test]
async fn a_question_that_failed_takes_no_other_with_it() {
    let ca = Authority::new("Test CA");
    let answering: Answering = |question, before| match before % 10 {
        3 => hyper::Response::builder()
            .status(429)
            .body(Full::default())
            .unwrap(),
        _ => listed(question, before),
    };
    let server = serve_over_https(&ca.identity([NAME]), &[b"h2"], answering).await;
    let answers = ask_many(&over_https(&ca, server.address), 100).await;
    let failed = answers.iter().filter(|answer| answer.is_err()).count();
    assert_eq!((answers.len(), failed), (100, 10));
}

#[tokio::test]
async fn letters_that_come_back_in_another_case_are_no_forgery_here() {
    let ca = Authority::new("Test CA");
    let answering: Answering = |question, _| {
        let mut reply = reply(question, 0, 0, &[(1, &[127, 0, 0, 2])]);
        reply[12..30].make_ascii_lowercase();
        message(reply)
    };
    let server = serve_over_https(&ca.identity([NAME]), &[b"h2"], answering).await;
    let answer = over_https(&ca, server.address).ask(question(Kind::A)).await;
    assert_eq!(addresses(&answer.unwrap()).len(), 1);
}

#[tokio::test]
async fn where_the_first_resolver_is_away_the_next_is_asked() {
    let ca = Authority::new("Test CA");
    let server = serve_over_https(&ca.identity([NAME]), &[b"h2"], listed).await;
    let net = Net::new(Tls::ring(ca.roots()));
    let url = format!("https://{NAME}:{}/dns-query", server.address.port());
    let nobody = "127.88.255.254".parse().unwrap();
    let servers = [nobody, server.address.ip()];
    let resolver = Resolver::over_https(net, url.parse().unwrap(), servers);
    let answer = resolver.ask(question(Kind::A)).await.unwrap();
    assert_eq!((answer.server, answer.tries), (server.address, 2));
}
