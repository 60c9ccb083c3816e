//! Speaking, listening, waiting: each step of a script, in memory and under a paused clock.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::time::Duration;

use probe_testkit::{Answer, Authority, Deviation, Ending, Script};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufStream, DuplexStream};
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

const HOUR: Duration = Duration::from_secs(3600);

async fn everything(client: &mut DuplexStream) -> String {
    let mut heard = String::new();
    client.read_to_string(&mut heard).await.unwrap();
    heard
}

#[tokio::test]
async fn an_empty_script_closes_at_once() {
    let (mut client, peer) = Script::new().in_memory();
    assert_eq!(everything(&mut client).await, "");
    assert_eq!(peer.finish().await.ending(), Ending::Completed);
}

#[tokio::test]
async fn what_is_said_arrives_and_is_on_record() {
    let (mut client, peer) = Script::new().say("+OK\r\n").say(b"\xff\x00").in_memory();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.unwrap();
    assert_eq!(heard, b"+OK\r\n\xff\x00");
    assert_eq!(peer.finish().await.said(), b"+OK\r\n\xff\x00");
}

#[tokio::test]
async fn a_line_is_heard_by_its_beginning_in_whatever_case() {
    let (mut client, peer) = Script::new().hear("EHLO ").say("250 hello\r\n").in_memory();
    client
        .write_all(b"ehlo client.example.test\r\n")
        .await
        .unwrap();
    assert_eq!(everything(&mut client).await, "250 hello\r\n");
    let conversation = peer.finish().await;
    conversation.assert_followed();
    assert_eq!(conversation.lines(), ["ehlo client.example.test"]);
    assert_eq!(conversation.heard(), b"ehlo client.example.test\r\n");
}

#[tokio::test]
async fn another_line_than_expected_ends_the_conversation() {
    let (mut client, peer) = Script::new().hear("EHLO ").say("250 hello\r\n").in_memory();
    client.write_all(b"HELO x\r\n").await.unwrap();
    assert_eq!(everything(&mut client).await, "");
    let conversation = peer.finish().await;
    assert_eq!(conversation.ending(), Ending::Deviated);
    assert_eq!(
        conversation.deviations()[0].to_string(),
        r#"step 1: expected a line beginning "EHLO ", heard "HELO x\r\n""#
    );
}

#[tokio::test]
async fn a_client_that_leaves_before_its_line_deviates() {
    let (mut client, peer) = Script::new().hear("EHLO").hear_any().in_memory();
    client.write_all(b"EHLO x\r\nMAI").await.unwrap();
    drop(client);
    let conversation = peer.finish().await;
    assert_eq!(conversation.ending(), Ending::ClientLeft);
    let [
        Deviation::Left {
            step,
            expected,
            heard,
        },
    ] = conversation.deviations()
    else {
        panic!("{conversation}");
    };
    assert_eq!(
        (*step, expected.as_str(), heard.as_slice()),
        (2, "a line", &b"MAI"[..])
    );
}

#[tokio::test]
#[should_panic(
    expected = r#"the client strayed from the script; step 1: expected a line beginning "QUIT""#
)]
async fn assert_followed_says_where_the_client_strayed() {
    let (mut client, peer) = Script::new().hear("QUIT").in_memory();
    client.write_all(b"NOOP\r\n").await.unwrap();
    peer.finish().await.assert_followed();
}

#[tokio::test]
async fn bytes_are_heard_by_number_and_messages_by_their_end() {
    let (mut client, peer) = Script::new()
        .hear_bytes(4)
        .say("four\r\n")
        .hear_until("\r\n.\r\n")
        .say("message\r\n")
        .hear("QUIT")
        .in_memory();
    client
        .write_all(b"\x00\n\xff\nSubject: x\r\n\r\n..\r\n.\r")
        .await
        .unwrap();
    tokio::task::yield_now().await;
    client.write_all(b"\nQUIT\r\n").await.unwrap();
    assert_eq!(everything(&mut client).await, "four\r\nmessage\r\n");
    peer.finish().await.assert_followed();
}

#[tokio::test]
async fn an_answer_is_made_of_the_line() {
    let script = Script::new().answer(|line| [b"you said ", line, b"\r\n"].concat());
    let (mut client, _peer) = script.in_memory();
    client.write_all(b"hello\r\n").await.unwrap();
    assert_eq!(everything(&mut client).await, "you said hello\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_small_server_keeps_its_state_for_each_connection() {
    let script = Script::new()
        .say("+OK\r\n")
        .serve(|| {
            let mut count = 0;
            move |heard: &[u8]| {
                count += 1;
                match heard {
                    b"LITERAL" => Answer::say_then_hear("+ go ahead\r\n", 6),
                    b"a\r\nb\r\n" => "literal\r\n".into(),
                    b"SLOW" => Answer::say("slow\r\n").after(HOUR),
                    b"HUSH" => Answer::nothing(),
                    b"DONE" => Answer::done(format!("{count} heard\r\n")),
                    _ => Answer::close("what?\r\n"),
                }
            }
        })
        .say("and the script goes on\r\n");
    for _ in 0..2 {
        let begin = Instant::now();
        let (mut client, peer) = script.in_memory();
        client
            .write_all(b"HUSH\r\nLITERAL\r\na\r\nb\r\nSLOW\r\nDONE\n")
            .await
            .unwrap();
        assert_eq!(
            everything(&mut client).await,
            "+OK\r\n+ go ahead\r\nliteral\r\nslow\r\n5 heard\r\nand the script goes on\r\n"
        );
        assert!(begin.elapsed() >= HOUR);
        drop(client);
        peer.finish().await.assert_followed();
    }
    let (mut client, peer) = script.in_memory();
    client.write_all(b"NONSENSE\r\n").await.unwrap();
    assert_eq!(everything(&mut client).await, "+OK\r\nwhat?\r\n");
    drop(client);
    assert_eq!(peer.finish().await.ending(), Ending::Completed);
}

#[tokio::test]
async fn a_client_may_leave_a_small_server_at_any_time() {
    let (client, peer) = Script::new()
        .serve(|| |_: &[u8]| Answer::nothing())
        .in_memory();
    drop(client);
    peer.finish().await.assert_followed();
}

#[tokio::test]
#[should_panic(expected = "a bug in the test's own server")]
async fn a_panic_in_a_closure_reaches_the_test() {
    let script = Script::new().serve(|| |_: &[u8]| panic!("a bug in the test's own server"));
    let (mut client, peer) = script.in_memory();
    client.write_all(b"x\r\n").await.unwrap();
    peer.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_passes_on_the_paused_clock() {
    let begin = Instant::now();
    let (mut client, _peer) = Script::new().pause(HOUR).say("at last\r\n").in_memory();
    assert_eq!(everything(&mut client).await, "at last\r\n");
    let waited = begin.elapsed();
    assert!(
        waited >= HOUR && waited < HOUR + Duration::from_secs(1),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_leaves_during_a_pause_ends_it() {
    let begin = Instant::now();
    let (client, peer) = Script::new().pause(HOUR).say("too late\r\n").in_memory();
    drop(client);
    assert_eq!(peer.finish().await.ending(), Ending::ClientLeft);
    assert!(begin.elapsed() < HOUR);
}

#[tokio::test(start_paused = true)]
async fn silence_lasts_until_the_client_leaves() {
    let (mut client, peer) = Script::new().silence().in_memory();
    client.write_all(b"anybody there?\r\n").await.unwrap();
    let nothing = timeout(HOUR, client.read_u8()).await;
    assert!(nothing.is_err());
    assert_eq!(peer.conversation().ending(), Ending::Open);
    drop(client);
    let conversation = peer.finish().await;
    conversation.assert_followed();
    assert_eq!(conversation.lines(), ["anybody there?"]);
}

#[tokio::test(start_paused = true)]
async fn a_tarpit_says_one_byte_at_a_time() {
    let begin = Instant::now();
    let (mut client, _peer) = Script::new()
        .tarpit("250-wait\r\n", Duration::from_secs(10))
        .in_memory();
    for n in 0..10 {
        client.read_u8().await.unwrap();
        assert_eq!(begin.elapsed().as_secs(), n * 10);
    }
}

#[tokio::test]
async fn a_flood_ends_only_when_the_client_leaves() {
    let (mut client, peer) = Script::new().flood("250-endless\r\n").in_memory();
    let mut heard = vec![0; 3 << 20];
    client.read_exact(&mut heard).await.unwrap();
    drop(client);
    let conversation = peer.finish().await;
    conversation.assert_followed();
    assert_eq!(conversation.said().len(), 1 << 20, "no more is remembered");
}

#[tokio::test]
async fn after_a_close_no_step_is_taken() {
    let (mut client, peer) = Script::new().say("bye").close().say("never").in_memory();
    assert_eq!(everything(&mut client).await, "bye");
    assert_eq!(peer.finish().await.ending(), Ending::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_talks_before_the_greeting_is_found_out() {
    let (client, peer) = Script::new()
        .pause(HOUR)
        .say("220 hi\r\n")
        .hear("EHLO")
        .in_memory();
    let mut client = BufStream::new(client);
    client.write_all(b"EHLO x\r\n").await.unwrap();
    client.flush().await.unwrap();
    client.read_line(&mut String::new()).await.unwrap();
    let conversation = peer.finish().await;
    conversation.assert_followed();
    assert!(conversation.spoke_early());
    assert_eq!(conversation.early()[0].before, b"220 hi\r\n");
    assert_eq!(conversation.early()[0].bytes, b"EHLO x\r\n");
}

#[tokio::test]
async fn a_client_that_waits_its_turn_is_never_early() {
    let (client, peer) = Script::new()
        .say("220 hi\r\n")
        .hear("EHLO")
        .say("250 hello\r\n")
        .hear("QUIT")
        .say("221 bye\r\n")
        .in_memory();
    let mut client = BufStream::new(client);
    for line in ["EHLO x\r\n", "QUIT\r\n"] {
        client.read_line(&mut String::new()).await.unwrap();
        client.write_all(line.as_bytes()).await.unwrap();
        client.flush().await.unwrap();
    }
    client.read_line(&mut String::new()).await.unwrap();
    let conversation = peer.finish().await;
    conversation.assert_followed();
    assert_eq!(conversation.early(), []);
}

#[tokio::test]
async fn early_bytes_are_told_once_and_with_what_they_preceded() {
    let (mut client, peer) = Script::new()
        .hear("A")
        .say("1\r\n")
        .hear("B")
        .say("2\r\n")
        .in_memory();
    client.write_all(b"A\r\nB\r\nC\r\n").await.unwrap();
    assert_eq!(everything(&mut client).await, "1\r\n2\r\n");
    drop(client);
    let conversation = peer.finish().await;
    let [early] = conversation.early() else {
        panic!("{:?}", conversation.early());
    };
    assert_eq!(
        (early.before.as_slice(), early.bytes.as_slice()),
        (&b"1\r\n"[..], &b"B\r\nC\r\n"[..])
    );
    assert_eq!(
        conversation.lines(),
        ["A", "B", "C"],
        "what nobody asked for is heard too"
    );
}

#[tokio::test]
async fn a_script_plays_over_any_stream() {
    let (client, server) = tokio::io::duplex(64);
    let mut client = BufStream::new(client);
    let script = Script::new().say("hello\r\n").hear("QUIT");
    let probe = async move {
        client.read_line(&mut String::new()).await.unwrap();
        client.write_all(b"QUIT\r\n").await.unwrap();
        client.flush().await.unwrap();
    };
    let (conversation, ()) = tokio::join!(script.play(server), probe);
    conversation.assert_followed();
}

#[tokio::test]
async fn a_line_without_end_is_given_up_after_sixteen_mebibytes() {
    let (client, peer) = Script::new().hear_any().in_memory();
    let (mut reader, mut writer) = tokio::io::split(client);
    let endless = vec![b'x'; (16 << 20) + 1];
    writer.write_all(&endless).await.unwrap();
    reader.read_to_end(&mut Vec::new()).await.unwrap();
    let conversation = peer.finish().await;
    assert_eq!(conversation.ending(), Ending::Deviated);
    assert_eq!(conversation.heard().len(), endless.len());
}

#[tokio::test]
#[should_panic(expected = "step 2: the script begins TLS under TLS")]
async fn a_script_that_cannot_be_performed_panics() {
    let ca = Authority::new("Test CA");
    let identity = ca.identity(["mx.example.test"]);
    let (stream, peer) = Script::new().tls(&identity).tls(&identity).in_memory();
    let connector = TlsConnector::from(ca.client_config());
    let client = connector
        .connect("mx.example.test".try_into().unwrap(), stream)
        .await
        .unwrap();
    drop(client);
    peer.finish().await;
}
