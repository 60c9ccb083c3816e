//! Peers on real sockets: several connections, several scripts, and the ways a connection ends.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::io::ErrorKind;

use probe_testkit::{Ending, Peer, Script};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

async fn hear_all(peer: &Peer) -> String {
    let mut client = TcpStream::connect(peer.address()).await.unwrap();
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    heard
}

#[tokio::test]
async fn every_connection_gets_the_script_from_its_start() {
    let peer = Script::new().say("220 hi\r\n").listen().await.unwrap();
    for _ in 0..3 {
        assert_eq!(hear_all(&peer).await, "220 hi\r\n");
    }
    let conversations = peer.finish().await;
    assert_eq!(conversations.len(), 3);
    assert!(
        conversations
            .iter()
            .all(|conversation| conversation.ending() == Ending::Completed)
    );
}

#[tokio::test]
async fn connections_are_served_side_by_side() {
    let peer = Script::new()
        .hear_any()
        .say("done\r\n")
        .listen()
        .await
        .unwrap();
    let mut first = TcpStream::connect(peer.address()).await.unwrap();
    let mut second = TcpStream::connect(peer.address()).await.unwrap();
    let mut heard = String::new();
    second.write_all(b"x\r\n").await.unwrap();
    second.read_to_string(&mut heard).await.unwrap();
    first.write_all(b"y\r\n").await.unwrap();
    first.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "done\r\ndone\r\n");
    let conversations = peer.conversations();
    assert_eq!(conversations[0].lines(), ["y"]);
    assert_eq!(conversations[1].lines(), ["x"]);
    assert_eq!(
        conversations[1].client_address(),
        Some(second.local_addr().unwrap())
    );
}

#[tokio::test]
async fn each_connection_may_have_its_own_script_and_the_last_one_repeats() {
    let peer = Peer::listen_each([
        Script::new().say("421 later\r\n"),
        Script::new().say("220 now\r\n"),
    ])
    .await
    .unwrap();
    assert_eq!(hear_all(&peer).await, "421 later\r\n");
    assert_eq!(hear_all(&peer).await, "220 now\r\n");
    assert_eq!(hear_all(&peer).await, "220 now\r\n");
}

#[tokio::test]
async fn finish_sees_a_client_that_came_and_went_at_once() {
    let peer = Script::new().hear("QUIT").listen().await.unwrap();
    let mut client = TcpStream::connect(peer.address()).await.unwrap();
    client.write_all(b"QUIT\r\n").await.unwrap();
    drop(client);
    let conversations = peer.finish().await;
    assert_eq!(conversations.len(), 1);
    conversations[0].assert_followed();
}

#[tokio::test]
async fn a_dropped_peer_closes_its_port_and_its_connections() {
    let peer = Script::new()
        .say("220 hi\r\n")
        .silence()
        .listen()
        .await
        .unwrap();
    let address = peer.address();
    let mut client = TcpStream::connect(address).await.unwrap();
    let mut greeting = [0; 8];
    client.read_exact(&mut greeting).await.unwrap();
    drop(peer);
    assert_eq!(client.read(&mut greeting).await.unwrap(), 0);
    let refused = TcpStream::connect(address).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let peer = Script::new()
        .say("220 hi\r\n")
        .hear_any()
        .reset()
        .listen()
        .await
        .unwrap();
    let mut client = TcpStream::connect(peer.address()).await.unwrap();
    let mut greeting = [0; 8];
    client.read_exact(&mut greeting).await.unwrap();
    client.write_all(b"EHLO x\r\n").await.unwrap();
    let error = client.read(&mut greeting).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    peer.finish().await[0].assert_followed();
}

#[tokio::test]
async fn a_close_is_no_reset_even_if_the_client_is_still_talking() {
    let peer = Script::new().say("421 go away\r\n").listen().await.unwrap();
    let mut client = TcpStream::connect(peer.address()).await.unwrap();
    client.write_all(b"EHLO x\r\n").await.unwrap();
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    client.write_all(b"QUIT\r\n").await.unwrap();
    drop(client);
    assert_eq!(heard, "421 go away\r\n");
    assert_eq!(peer.finish().await[0].lines(), ["EHLO x", "QUIT"]);
}

#[tokio::test]
async fn a_client_that_stays_after_the_end_does_not_hold_up_the_peer() {
    let peer = Script::new().say("bye\r\n").listen().await.unwrap();
    let _client = TcpStream::connect(peer.address()).await.unwrap();
    assert_eq!(peer.finish().await[0].ending(), Ending::Completed);
}

#[tokio::test]
#[should_panic(expected = "a bug in the test's own answer")]
async fn a_panic_in_a_closure_reaches_the_test() {
    let script = Script::new().answer(|_| -> Vec<u8> { panic!("a bug in the test's own answer") });
    let peer = script.listen().await.unwrap();
    let mut client = TcpStream::connect(peer.address()).await.unwrap();
    client.write_all(b"x\r\n").await.unwrap();
    peer.finish().await;
}

#[tokio::test]
async fn a_peer_listens_on_the_address_it_is_told() {
    let peer = Script::new()
        .listen_on("127.0.0.2:0".parse().unwrap())
        .await
        .unwrap();
    assert_eq!(peer.address().ip().to_string(), "127.0.0.2");
    assert_ne!(peer.address().port(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_works_on_several_threads() {
    let peer = Script::new().hear("A").say("1\r\n").listen().await.unwrap();
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let address = peer.address();
        clients.spawn(async move {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(b"a\r\n").await.unwrap();
            let mut heard = String::new();
            client.read_to_string(&mut heard).await.unwrap();
            heard
        });
    }
    assert!(
        clients
            .join_all()
            .await
            .iter()
            .all(|heard| heard == "1\r\n")
    );
    let conversations = peer.finish().await;
    assert_eq!(conversations.len(), 20);
    conversations
        .iter()
        .for_each(probe_testkit::Conversation::assert_followed);
}
