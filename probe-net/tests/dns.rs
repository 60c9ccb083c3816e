//! Questions to name servers of our own on loopback, good ones and bad ones.

#![cfg(all(feature = "dns", feature = "ring"))]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod replies;

use std::net::SocketAddr;
use std::time::Duration;

use probe_core::{Context, FailureKind, Phase, Report};
use probe_net::dns::{
    Answer, Ask, Data, Kind, Pace, Question, Rcode, Resolver, Survey, Transport, Trouble, survey,
};
use probe_net::{Log, Resolve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};

use replies::{question_end, reply};

/// What a server says to a question: datagrams, one after the other.
type Answering = fn(&[u8]) -> Vec<Vec<u8>>;

/// A server that answers so.
async fn serve(answering: Answering) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut room = [0; 2048];
        loop {
            let (length, client) = socket.recv_from(&mut room).await.unwrap();
            for reply in answering(&room[..length]) {
                socket.send_to(&reply, client).await.unwrap();
            }
        }
    });
    address
}

fn question(kind: Kind) -> Question {
    Question::new("host.example.org".parse().unwrap(), kind)
}

async fn ask(server: SocketAddr) -> Result<Answer, Trouble> {
    let pace = {
        let mut pace = Pace::default();
        pace.patience = Duration::from_millis(900);
        pace
    };
    let resolver = Resolver::new([server]).with_pace(pace);
    resolver.ask(question(Kind::A)).await
}

fn addresses(answer: &Answer) -> Vec<&Data> {
    answer.records().map(|record| &record.data).collect()
}

#[tokio::test]
async fn an_answer_comes_with_its_evidence() {
    let server = serve(|question| {
        let records: [(u8, &[u8]); 2] = [(1, &[127, 0, 0, 2]), (1, &[127, 0, 0, 4])];
        vec![reply(question, 4, 0, &records)]
    })
    .await;
    let answer = ask(server).await.unwrap();
    let expected = [[127, 0, 0, 2], [127, 0, 0, 4]].map(|it| Data::A(it.into()));
    assert_eq!(addresses(&answer), expected.iter().collect::<Vec<_>>());
    assert_eq!((answer.server, answer.transport), (server, Transport::Udp));
    assert_eq!((answer.rcode, answer.tries), (Rcode::NOERROR, 1));
    assert!(answer.flags.authoritative && !answer.flags.recursion_available);
    assert_eq!(answer.ttl(), Some(60));
    assert_eq!(answer.question, question(Kind::A));
}

#[tokio::test]
async fn that_there_is_no_such_name_is_an_answer() {
    let server = serve(|question| vec![reply(question, 0, 3, &[])]).await;
    let answer = ask(server).await.unwrap();
    assert_eq!(answer.rcode, Rcode::NXDOMAIN);
    assert_eq!((answer.negative_ttl(), answer.ttl()), (None, None));
}

#[tokio::test]
async fn what_is_no_answer_to_the_question_is_passed_over() {
    let server = serve(|question| {
        let good = reply(question, 0, 0, &[(1, &[127, 0, 0, 2])]);
        let mut other_id = good.clone();
        other_id[0] ^= 0xff;
        let mut no_reply = good.clone();
        no_reply[2] = 0;
        vec![
            b"garbage".to_vec(),
            other_id,
            no_reply,
            good[..30].to_vec(),
            good,
        ]
    })
    .await;
    let answer = ask(server).await.unwrap();
    assert_eq!((addresses(&answer).len(), answer.tries), (1, 1));
}

#[tokio::test]
async fn nobody_and_silence_are_told_apart() {
    let nobody = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    assert_eq!(ask(address).await, Err(Trouble::Refused(address)));

    let silent = serve(|_| Vec::new()).await;
    let patience = Duration::from_millis(900);
    assert_eq!(ask(silent).await, Err(Trouble::Timeout(patience)));

    let nowhere = Resolver::new([]).ask(question(Kind::A)).await;
    assert_eq!(nowhere, Err(Trouble::NoServer));
}

#[tokio::test]
async fn an_answer_that_was_cut_off_is_asked_for_over_tcp() {
    let server = serve(|question| vec![reply(question, 2, 0, &[])]).await;
    let listener = TcpListener::bind(server).await.unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let length = stream.read_u16().await.unwrap();
        let mut question = vec![0; length.into()];
        stream.read_exact(&mut question).await.unwrap();
        let reply = reply(&question, 0, 0, &[(1, &[127, 0, 0, 2])]);
        stream
            .write_u16(reply.len().try_into().unwrap())
            .await
            .unwrap();
        stream.write_all(&reply).await.unwrap();
    });
    let answer = ask(server).await.unwrap();
    assert_eq!(answer.transport, Transport::Tcp);
    assert_eq!(
        (addresses(&answer).len(), answer.flags.truncated),
        (1, false)
    );
}

#[tokio::test]
async fn where_there_is_no_tcp_what_was_cut_off_is_told_as_such() {
    let server = serve(|question| vec![reply(question, 2, 0, &[(1, &[127, 0, 0, 2])])]).await;
    let answer = ask(server).await.unwrap();
    assert_eq!(answer.transport, Transport::Udp);
    assert!(answer.flags.truncated);
}

#[tokio::test]
async fn records_are_those_at_the_end_of_the_aliases_and_no_others() {
    let server = serve(|question| {
        // An alias to www below the name, whose address is there; and an address of nobody.
        let mut reply = reply(question, 0, 0, &[(5, b"\x03www\xc0\x0c")]);
        reply[7] = 3;
        let alias = question_end(question) + 12;
        reply.extend([
            0xc0,
            alias.try_into().unwrap(),
            0,
            1,
            0,
            1,
            0,
            0,
            0,
            9,
            0,
            4,
        ]);
        reply.extend([192, 0, 2, 1]);
        reply.extend(*b"\x05other\x00\x00\x01\x00\x01\x00\x00\x00\x09\x00\x04");
        reply.extend([192, 0, 2, 66]);
        vec![reply]
    })
    .await;
    let answer = ask(server).await.unwrap();
    assert!(answer.is_by_alias());
    assert_eq!(addresses(&answer), [&Data::A([192, 0, 2, 1].into())]);
}

#[tokio::test]
async fn hosts_are_found_by_both_kinds_of_addresses_and_failures_are_named() {
    let both = serve(|question| {
        let kind = question[question_end(question) - 3];
        let v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        vec![match kind {
            28 => reply(question, 0, 0, &[(28, &v6)]),
            _ => reply(question, 0, 0, &[(1, &[192, 0, 2, 1])]),
        }]
    })
    .await;
    let name = "host.example.org".parse().unwrap();
    let found = Resolver::new([both]).resolve(&name).await.unwrap();
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["2001:db8::1", "192.0.2.1"]);

    for (rcode, told) in [(3, "NXDOMAIN"), (2, "SERVFAIL"), (0, "no address")] {
        let server = match rcode {
            3 => serve(|question| vec![reply(question, 0, 3, &[])]).await,
            2 => serve(|question| vec![reply(question, 0, 2, &[])]).await,
            _ => serve(|question| vec![reply(question, 0, 0, &[])]).await,
        };
        let error = Resolver::new([server]).resolve(&name).await.unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
    }
}

struct One(Option<Result<Answer, Trouble>>);

impl Survey for One {
    fn begin(&mut self) -> Vec<Ask> {
        vec![Ask::new(1, question(Kind::A))]
    }

    fn answered(&mut self, _: u64, outcome: Result<Answer, Trouble>) -> Vec<Ask> {
        self.0 = Some(outcome);
        Vec::new()
    }
}

#[tokio::test]
async fn who_never_stops_talking_is_left_at_the_deadline() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let socket = socket.into_std().unwrap();
        socket.set_nonblocking(false).unwrap();
        let mut room = [0; 2048];
        let (length, client) = socket.recv_from(&mut room).unwrap();
        let mut other = reply(&room[..length], 0, 0, &[]);
        other[0] ^= 0xff;
        // Until the other end is closed.
        while socket.send_to(&other, client).is_ok() {}
    });
    let cx = Context::default().with_budget(Duration::from_millis(300));
    let mut log = Log::begin(&cx);
    let mut one = One(None);
    let resolver = Resolver::new([address]);
    let asking = survey(&resolver, &mut one, Phase::new("dns"), &mut log);
    let outcome = tokio::time::timeout(Duration::from_secs(20), asking).await;
    let failure = outcome.unwrap().unwrap_err();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(one.0, None);
}

#[tokio::test]
async fn a_transcript_names_each_question_and_what_came_of_it() {
    let server = serve(|question| vec![reply(question, 0, 0, &[(1, &[127, 0, 0, 2])])]).await;
    let cx = Context::default().with_transcript();
    let mut log = Log::begin(&cx);
    let mut one = One(None);
    let resolver = Resolver::new([server]);
    let phase = Phase::new("dns");
    survey(&resolver, &mut one, phase, &mut log).await.unwrap();
    let target = "192.0.2.1".parse().unwrap();
    let mut report = Report::new("dns", target, cx.now(), ());
    log.close(&mut report);
    let told = report.transcript.to_string();
    let line = format!("host.example.org A: NOERROR, 127.0.0.2 from {server} by UDP in ");
    assert!(told.contains(&line), "{told}");
    assert_eq!(report.spans[0].phase, phase);
}

/// One question over TCP, if anybody listens there.
#[derive(Default)]
struct OverTcp(Vec<Result<Answer, Trouble>>, Option<SocketAddr>);

impl Survey for OverTcp {
    fn begin(&mut self) -> Vec<Ask> {
        let servers = self.1.into_iter().collect();
        vec![Ask::new(0, question(Kind::A)).of(servers).by_tcp()]
    }

    fn answered(&mut self, _: u64, outcome: Result<Answer, Trouble>) -> Vec<Ask> {
        self.0.push(outcome);
        Vec::new()
    }
}

async fn over_tcp(server: SocketAddr) -> Result<Answer, Trouble> {
    let mut asked = OverTcp(Vec::new(), Some(server));
    let mut log = Log::begin(&Context::default());
    let resolver = Resolver::new([]);
    survey(&resolver, &mut asked, Phase::new("tcp"), &mut log)
        .await
        .unwrap();
    asked.0.remove(0)
}

#[tokio::test]
async fn a_question_may_go_over_tcp_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let length = stream.read_u16().await.unwrap();
            let mut question = vec![0; length.into()];
            stream.read_exact(&mut question).await.unwrap();
            let reply = reply(&question, 4, 0, &[(1, &[127, 0, 0, 2])]);
            stream
                .write_u16(reply.len().try_into().unwrap())
                .await
                .unwrap();
            stream.write_all(&reply).await.unwrap();
        }
    });
    let answer = over_tcp(server).await.unwrap();
    assert_eq!(answer.transport, Transport::Tcp);
    assert_eq!(addresses(&answer).len(), 1);
}

#[tokio::test]
async fn that_nobody_speaks_tcp_there_is_told_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(over_tcp(server).await, Err(Trouble::Refused(server)));
}
