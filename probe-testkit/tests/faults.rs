//! Faults at every byte, and speech in pieces.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::io::ErrorKind;
use std::time::Duration;

use probe_testkit::{Authority, Ending, Fault, Script};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const GREETING: &[u8] = b"220 hi\r\n";
const BYE: &[u8] = b"221 bye\r\n";

fn script() -> Script {
    Script::new().say(GREETING).hear_any().say(BYE)
}

#[tokio::test]
async fn a_cut_lets_exactly_so_many_bytes_through() {
    let whole = [GREETING, BYE].concat();
    for n in 0..=script().total_said() {
        let (mut client, peer) = script().with_fault(Fault::CutAt(n)).in_memory();
        let mut heard = Vec::new();
        client.write_all(b"QUIT\r\n").await.unwrap();
        client.read_to_end(&mut heard).await.unwrap();
        drop(client);
        assert_eq!(heard, whole[..n]);
        let conversation = peer.finish().await;
        assert_eq!(conversation.ending(), Ending::Faulted, "{n}");
        assert_eq!(conversation.said(), heard);
    }
}

#[tokio::test]
async fn a_fault_beyond_the_end_never_strikes() {
    let (mut client, peer) = script().with_fault(Fault::CutAt(18)).in_memory();
    client.write_all(b"QUIT\r\n").await.unwrap();
    client.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(script().total_said(), 17);
    assert_eq!(peer.finish().await.ending(), Ending::Completed);
}

#[tokio::test]
async fn a_reset_at_a_byte_is_a_reset() {
    let peer = script()
        .with_fault(Fault::ResetAt(3))
        .listen()
        .await
        .unwrap();
    let mut client = TcpStream::connect(peer.address()).await.unwrap();
    let error = client.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    assert_eq!(peer.finish().await[0].said(), b"220");
}

#[tokio::test(start_paused = true)]
async fn a_stall_says_so_much_and_then_nothing() {
    let (mut client, peer) = script().with_fault(Fault::StallAt(5)).in_memory();
    let mut heard = [0; 5];
    client.read_exact(&mut heard).await.unwrap();
    let nothing = timeout(Duration::from_secs(3600), client.read_u8()).await;
    assert!(nothing.is_err());
    drop(client);
    assert_eq!(peer.finish().await.ending(), Ending::Faulted);
}

#[tokio::test]
async fn garbage_takes_the_place_of_the_rest_and_the_script_goes_on() {
    let (mut client, peer) = script()
        .with_fault(Fault::GarbageAt(4, b"\xff\x00\r\n".to_vec()))
        .in_memory();
    client.write_all(b"QUIT\r\n").await.unwrap();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    drop(client);
    assert_eq!(heard, b"220 \xff\x00\r\n221 bye\r\n");
    peer.finish().await.assert_followed();
}

#[tokio::test]
async fn garbage_at_the_end_of_an_utterance_follows_it() {
    let (mut client, _peer) = script()
        .with_fault(Fault::GarbageAt(8, b"???".to_vec()))
        .in_memory();
    client.write_all(b"QUIT\r\n").await.unwrap();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"220 hi\r\n???221 bye\r\n");
}

#[tokio::test]
async fn a_fault_counts_the_bytes_of_tarpits_and_answers_too() {
    let script = Script::new()
        .tarpit("ab", Duration::ZERO)
        .answer(|_| "cdef")
        .with_fault(Fault::CutAt(4));
    assert_eq!(script.total_said(), 2, "an answer is not known beforehand");
    let (mut client, _peer) = script.in_memory();
    client.write_all(b"x\r\n").await.unwrap();
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "abcd");
}

#[tokio::test]
async fn a_cut_under_tls_is_a_truncation() {
    let ca = Authority::new("Test CA");
    let script = Script::new()
        .tls(&ca.identity(["mx.example.test"]))
        .say(GREETING);
    for fault in [Some(Fault::CutAt(3)), None] {
        let script = match &fault {
            Some(fault) => script.clone().with_fault(fault.clone()),
            None => script.clone(),
        };
        let (stream, _peer) = script.in_memory();
        let connector = TlsConnector::from(ca.client_config());
        let name = "mx.example.test".try_into().unwrap();
        let mut client = connector.connect(name, stream).await.unwrap();
        let mut heard = Vec::new();
        let outcome = client
            .read_to_end(&mut heard)
            .await
            .map_err(|error| error.kind());
        match fault {
            Some(_) => assert_eq!(
                (heard.as_slice(), outcome),
                (&b"220"[..], Err(ErrorKind::UnexpectedEof))
            ),
            None => assert_eq!((heard.as_slice(), outcome), (GREETING, Ok(8))),
        }
    }
}

#[tokio::test]
async fn speech_in_pieces_arrives_in_pieces() {
    let (mut client, _peer) = Script::new().say("abcdefgh").in_pieces(3).in_memory();
    let mut pieces = Vec::new();
    let mut buffer = [0; 64];
    loop {
        match client.read(&mut buffer).await.unwrap() {
            0 => break,
            count => pieces.push(buffer[..count].to_vec()),
        }
    }
    assert_eq!(pieces, [&b"abc"[..], b"def", b"gh"]);
}

#[tokio::test]
async fn pieces_change_nothing_of_what_is_said() {
    for size in [0, 1, 2, 5, 1000] {
        let peer = script().in_pieces(size).listen().await.unwrap();
        let mut client = TcpStream::connect(peer.address()).await.unwrap();
        client.write_all(b"QUIT\r\n").await.unwrap();
        let mut heard = Vec::new();
        client.read_to_end(&mut heard).await.unwrap();
        assert_eq!(heard, [GREETING, BYE].concat());
    }
}
