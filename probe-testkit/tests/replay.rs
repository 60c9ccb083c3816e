//! A recorded dialogue, said again to a client that says the same words otherwise.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use probe_testkit::{Authority, Ending, Line, Script, transcript};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream};
use tokio_rustls::TlsConnector;

const POSTFIX: &str = "tests/transcripts/postfix-smtp-25.dialog";

#[test]
fn a_recording_is_read_as_it_was_made() {
    let lines = transcript(POSTFIX);
    assert_eq!(
        lines[0],
        Line::Server(b"220 mx1.lab.test ESMTP Postfix\r\n".to_vec())
    );
    assert_eq!(lines[1], Line::Client(b"EHLO client.lab.test\r\n".to_vec()));
    assert!(lines.contains(&Line::Tls("TLSv1.3 TLS_AES_256_GCM_SHA384".into())));
    assert_eq!(
        lines.last(),
        Some(&Line::Server(b"221 2.0.0 Bye\r\n".to_vec()))
    );
}

#[tokio::test]
async fn a_recorded_server_speaks_again() {
    let ca = Authority::new("Test CA");
    let text = std::fs::read(POSTFIX).unwrap();
    let script = Script::from_transcript(text, &ca.identity(["mx1.lab.test"]));
    let (stream, peer) = script.in_memory();

    let mut client = BufStream::new(stream);
    let mut line = String::new();
    client.read_line(&mut line).await.unwrap();
    client
        .write_all(b"ehlo elsewhere.example.test\r\n")
        .await
        .unwrap();
    client.flush().await.unwrap();
    while !line.contains("250 ") {
        client.read_line(&mut line).await.unwrap();
    }
    client.write_all(b"STARTTLS\r\n").await.unwrap();
    client.flush().await.unwrap();
    client.read_line(&mut line).await.unwrap();
    assert!(line.ends_with("220 2.0.0 Ready to start TLS\r\n"));

    let connector = TlsConnector::from(ca.client_config());
    let name = "mx1.lab.test".try_into().unwrap();
    let mut client = connector.connect(name, client.into_inner()).await.unwrap();
    let commands = "EHLO x\r\nNOOP\r\nHELP\r\nVRFY a\r\nEXPN b\r\nFROB\r\nRCPT TO:<a>\r\nRSET\r\nMAIL FROM:<>\r\n\
                    RCPT TO:<b>\r\nRCPT TO:<c>\r\nRCPT TO:<d>\r\nDATA\r\nanother message\r\n.\r\nQUIT\r\n";
    client.write_all(commands.as_bytes()).await.unwrap();
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    drop(client);
    assert!(heard.contains("250 2.0.0 Ok: queued as 4jYBgc6kgdz1TD23\r\n"));
    assert!(heard.ends_with("221 2.0.0 Bye\r\n"));
    peer.finish().await.assert_followed();
}

#[tokio::test]
async fn a_client_that_says_something_else_ends_the_replay() {
    let ca = Authority::new("Test CA");
    let script = Script::from_transcript(
        "S: +OK\r\nC: CAPA\r\nS: .\r\n",
        &ca.identity(["x.example.test"]),
    );
    let (mut client, peer) = script.in_memory();
    client.write_all(b"STLS\r\n").await.unwrap();
    client.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(peer.finish().await.ending(), Ending::Deviated);
}

#[tokio::test]
async fn a_message_without_a_dot_is_awaited_by_its_lines() {
    let ca = Authority::new("Test CA");
    let script = Script::from_transcript(
        "C: a APPEND INBOX {9}\r\nS: + OK\r\nC: a: b\r\n\r\nc\r\nS: a OK\r\n",
        &ca.identity(["x.example.test"]),
    );
    let (mut client, peer) = script.in_memory();
    client
        .write_all(b"a append x {9}\r\nd: e\r\n\r\nf\r\n")
        .await
        .unwrap();
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    assert_eq!(heard, "+ OK\r\na OK\r\n");
    peer.finish().await.assert_followed();
}
