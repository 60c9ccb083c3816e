//! The driver under compression: what was said is heard, by whom it should be, and nobody else. What breaks is in
//! `deflate_trouble`. The clock is paused, so times are exact.

#![cfg(feature = "deflate")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod deflated;
mod toy;

use std::io;
use std::time::{Duration, SystemTime};

use flate2::{Compress, Compression, FlushCompress};
use probe_core::{Context, FailureKind, Phase};
use probe_net::tls::SecretsOver;
use probe_net::{Log, Step, Wire, drive};
use probe_testkit::{Authority, Script, TlsOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

use deflated::{
    COMPRESS, Counting, FLUSH, Server, deflate, inflated, listening, outspoken, play, short,
    short_script,
};
use toy::{NAME, ONE, Recital, Stage, TWO, Toy, Word, ms, say, wait, wait_for};

const SECRET: &str = "open sesame";

#[tokio::test(start_paused = true)]
async fn commands_and_replies_go_compressed_both_ways() {
    let run = play(&short_script(), short()).await;
    run.conversation.assert_followed();
    assert_eq!(run.stopped(), None);
    assert_eq!(
        run.heard(),
        ["(connected)", "ok go", "(layered)", "ok 1", "ok 2"]
    );
    let heard = run.conversation.heard();
    let compressed = heard.strip_prefix(b"compress\r\n").unwrap();
    assert_eq!(inflated(compressed), "one\r\ntwo\r\n");
    assert!(!heard.windows(3).any(|seen| seen == b"two"));
}

#[tokio::test(start_paused = true)]
async fn three_commands_in_one_send_are_one_compressed_write() {
    let commands = vec![
        (ONE, Word::Line("one")),
        (ONE, Word::Line("two")),
        (ONE, Word::Line("three")),
    ];
    let pipelined = Step::Send {
        commands,
        patience: None,
    };
    let recital = Recital::new([
        say(COMPRESS, "compress"),
        deflate(),
        pipelined,
        wait(ONE),
        wait(ONE),
    ]);
    let (stream, peer) = Script::new()
        .hear("compress")
        .say("ok go\r\n")
        .hear_until(FLUSH)
        .say(Server::new().says("ok 1\r\nok 2\r\nok 3\r\n"))
        .in_memory();
    let (counting, counts) = Counting::new(stream);
    let run = Stage::clear().play_over(counting, peer, recital).await;
    run.conversation.assert_followed();
    assert_eq!(run.stopped(), None);
    let writes = counts.writes.lock().unwrap();
    assert_eq!(writes.len(), 2);
    assert_eq!(inflated(&writes[1]), "one\r\ntwo\r\nthree\r\n");
}

#[tokio::test(start_paused = true)]
async fn however_the_compressed_stream_is_cut_the_replies_are_the_same() {
    let whole = play(&short_script(), short()).await;
    for size in 1..=short_script().total_said() {
        let run = play(&short_script().in_pieces(size), short()).await;
        assert_eq!(run.heard(), whole.heard(), "{size}");
        assert_eq!(run.spans(), whole.spans(), "{size}");
        assert_eq!(run.conversation.heard(), whole.conversation.heard());
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_right_behind_the_go_ahead_begins_the_stream_and_is_no_injection() {
    let mut server = Server::new();
    let said = [server.says("ok soon\r\nok la"), server.says("ter\r\n")].concat();
    let script = outspoken(&said, |script| script);
    for size in 1..=script.total_said() {
        let run = play(&script.clone().in_pieces(size), listening(2)).await;
        assert_eq!(run.stopped(), None, "{size}");
        assert_eq!(
            run.heard(),
            ["(connected)", "ok go", "(layered)", "ok soon", "ok later"]
        );
        assert!(run.report.findings.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn every_kind_of_flush_and_of_block_is_heard() {
    for flush in [
        FlushCompress::Partial,
        FlushCompress::Sync,
        FlushCompress::Full,
    ] {
        for level in [0, 1, 9] {
            let mut server = Server(Compress::new(Compression::new(level), false));
            let said: Vec<u8> = ["ok 1\r\n", "ok again and again\r\n", "ok again\r\n"]
                .into_iter()
                .flat_map(|text| server.deflates(text, flush))
                .collect();
            // Nothing follows, so each must be told as soon as it is there.
            let script = outspoken(&said, Script::silence);
            let run = play(&script, listening(3)).await;
            assert_eq!(run.stopped(), None, "{flush:?} {level}");
            assert_eq!(run.heard()[3..], ["ok 1", "ok again and again", "ok again"]);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_reply_is_inflated_whole_into_a_buffer_that_is_too_small_for_it() {
    // Beyond the window of deflate, and no multiple of any buffer.
    let lines = 20_000;
    let text: String = (0..lines).map(|line| format!("ok {line}\r\n")).collect();
    let mut compress = Compress::new(Compression::best(), false);
    let mut said = Vec::with_capacity(text.len());
    compress
        .compress_vec(text.as_bytes(), &mut said, FlushCompress::Sync)
        .unwrap();
    let script = outspoken(&said, |script| script);
    for script in [script.clone(), script.in_pieces(777)] {
        let run = play(&script, listening(lines)).await;
        assert_eq!(run.stopped(), None);
        let heard = run.heard();
        assert_eq!(heard[3..].len(), lines);
        assert!(
            heard[3..]
                .iter()
                .enumerate()
                .all(|(line, heard)| *heard == format!("ok {line}"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_patience_that_ends_in_the_middle_of_a_reply_loses_none_of_it() {
    let mut server = Server::new();
    let said = server.says("ok 1 and on\r\n");
    // The reply is whole before the last bytes of its flush.
    for at in 0..said.len() - FLUSH.len() - 1 {
        let script = Script::new()
            .hear("compress")
            .say("ok go\r\n")
            .say(&said[..at])
            .pause(ms(500))
            .say(&said[at..])
            .silence();
        let recital = Recital::new([
            say(COMPRESS, "compress"),
            deflate(),
            wait_for(ONE, 100),
            wait_for(ONE, 100),
            wait(TWO),
        ]);
        let run = play(&script, recital).await;
        assert_eq!(run.heard()[3..5], ["(silence)", "(silence)"], "{at}");
        assert_eq!(run.heard()[5..], ["ok 1 and on"], "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn under_tls_the_compressed_stream_is_inside_and_the_facts_stay() {
    let ca = authority();
    let mut stage = Stage::implicit(&ca);
    stage.cx = Context::default().with_now(now());
    let mut server = Server::new();
    let script = Script::new()
        .tls(&ca.identity([NAME]))
        .hear("compress")
        .say("ok go\r\n")
        .hear_until(FLUSH)
        .say(server.says("ok 1\r\n"))
        .hear_until(FLUSH)
        .say(server.says("ok in\r\n"))
        .drain();
    let recital = || {
        Recital::new([
            say(COMPRESS, "compress"),
            deflate(),
            say(ONE, "one"),
            // The gate still knows that TLS was verified.
            Step::say(Phase::AUTH, Word::Password(SECRET)),
        ])
    };
    for size in 1..=script.total_said() {
        let run = stage.play(&script.clone().in_pieces(size), recital()).await;
        assert_eq!(
            run.heard(),
            ["(secured)", "ok go", "(layered)", "ok 1", "ok in"]
        );
        assert!(run.tls.unwrap().is_verified());
        let heard = run.conversation.heard_under_tls();
        let compressed = heard.strip_prefix(b"compress\r\n").unwrap();
        assert_eq!(inflated(compressed), "one\r\npass open sesame\r\n");
    }
}

#[tokio::test(start_paused = true)]
async fn under_compression_tls_is_still_closed_in_good_order() {
    let ca = authority();
    let config = ca.identity([NAME]).server_config(&TlsOptions::new());
    let (stream, server) = tokio::io::duplex(4096);
    let serving = tokio::spawn(async move {
        let mut server = TlsAcceptor::from(config).accept(server).await?;
        let mut heard = vec![0; "compress\r\n".len()];
        server.read_exact(&mut heard).await?;
        server.write_all(b"ok go\r\n").await?;
        server.write_all(&Server::new().says("ok 1\r\n")).await?;
        server.flush().await?;
        heard.clear();
        // Without a close_notify this is an error.
        server.read_to_end(&mut heard).await?;
        Ok::<_, io::Error>(heard)
    });
    let mut log = Log::begin(&Context::default().with_now(now()));
    let tls = toy::tls(ca.roots());
    let name = NAME.try_into().unwrap();
    let mut wire = Wire::new(stream, tls, name, SecretsOver::VerifiedTls);
    wire.secure(&mut log).await.unwrap();
    let mut recital = Recital::new([say(COMPRESS, "compress"), deflate(), say(ONE, "one")]);
    let done = drive(&mut recital, &mut Toy::default(), &mut wire, &mut log).await;
    assert_eq!(done, Ok(()));
    assert!(wire.tls_facts().unwrap().is_verified());
    assert_eq!(inflated(&serving.await.unwrap().unwrap()), "one\r\n");
}

#[tokio::test(start_paused = true)]
async fn under_compression_without_tls_the_gate_keeps_secrets_back() {
    let recital = Recital::new([
        say(COMPRESS, "compress"),
        deflate(),
        Step::say(Phase::AUTH, Word::Password(SECRET)),
    ]);
    let script = Script::new().hear("compress").say("ok go\r\n").drain();
    let run = play(&script, recital).await;
    assert_eq!(run.stopped(), Some(("auth", FailureKind::Withheld)));
    assert_eq!(
        run.failure().detail,
        "nothing secret was sent: the connection is not encrypted"
    );
    assert_eq!(run.conversation.heard(), b"compress\r\n");
}

#[tokio::test(start_paused = true)]
async fn a_farewell_is_compressed_too() {
    let script = Script::new()
        .hear("compress")
        .say("ok go\r\n")
        .hear_until(FLUSH)
        .say(Server::new().says("no way\r\n"))
        .hear_until(FLUSH);
    let run = play(&script, short().with_farewell("bye")).await;
    run.conversation.assert_followed();
    let heard = run.conversation.heard();
    let compressed = heard.strip_prefix(b"compress\r\n").unwrap();
    assert_eq!(inflated(compressed), "one\r\nbye\r\n");
}

#[tokio::test(start_paused = true)]
async fn the_transcript_shows_what_was_said_and_not_how_it_was_sent() {
    let mut stage = Stage::clear();
    stage.cx = Context::default().with_transcript();
    let run = stage.play(&short_script(), short()).await;
    assert_eq!(
        run.transcript(),
        [
            "C compress",
            "S ok go",
            "- compressed from here on",
            "C one",
            "S ok 1",
            "C two",
            "S ok 2"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_is_repeated_under_compression_is_overwritten() {
    let mut stage = Stage::clear();
    stage.cx = Context::default().with_transcript();
    stage.secrets_over = SecretsOver::Cleartext;
    let recital = || {
        Recital::new([
            Step::say(Phase::AUTH, Word::Password(SECRET)),
            say(COMPRESS, "compress"),
            deflate(),
            wait(ONE),
        ])
    };
    // Stored as it is, or the second time as a reference to the first.
    for level in [0, 9] {
        let mut server = Server(Compress::new(Compression::new(level), false));
        let script = Script::new()
            .hear("pass")
            .say("ok in\r\n")
            .hear("compress")
            .say([b"ok go\r\n".to_vec(), server.says("no, open sesame, alice")].concat())
            .say(server.says(", open se"))
            .say(server.says("same\r\n"));
        for size in 1..=script.total_said() {
            let run = stage.play(&script.clone().in_pieces(size), recital()).await;
            assert_eq!(run.stopped(), Some(("one", FailureKind::Permanent)));
            assert_eq!(
                run.last_words(),
                Some("no, ***********, alice, ***********")
            );
            let shown = format!("{:?} {}", run.report, run.report.transcript);
            assert!(!shown.contains(SECRET), "{shown}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_said_under_compression_is_overwritten_where_it_is_repeated_uncompressed() {
    let mut stage = Stage::clear();
    stage.cx = Context::default().with_transcript();
    stage.secrets_over = SecretsOver::Cleartext;
    // Level 0 stores: the secret stands in the stream as it is.
    let mut server = Server(Compress::new(Compression::none(), false));
    let script = Script::new()
        .hear("compress")
        .say("ok go\r\n")
        .hear_until(FLUSH)
        .say(server.says("no open sesame\r\n"));
    let recital = Recital::new([
        say(COMPRESS, "compress"),
        deflate(),
        Step::say(Phase::AUTH, Word::Password(SECRET)),
    ]);
    let run = stage.play(&script, recital).await;
    assert_eq!(run.last_words(), Some("no ***********"));
    assert_eq!(
        run.transcript()[3..],
        ["C pass [redacted]", "S no ***********"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_cannot_be_put_on_is_our_own_fault() {
    let refused = [
        (
            deflate(),
            "compress",
            "compression inside compression is not to be had",
        ),
        (
            toy::upgrade(),
            "tls",
            "TLS beneath compression is not to be had",
        ),
    ];
    for (second, phase, detail) in refused {
        let recital = Recital::new([say(COMPRESS, "compress"), deflate(), second]);
        let script = Script::new().hear("compress").say("ok go\r\n").drain();
        let run = play(&script, recital).await;
        assert_eq!(run.stopped(), Some((phase, FailureKind::Local)));
        assert_eq!(run.failure().detail, detail);
    }
}

fn authority() -> Authority {
    Authority::at("Test CA", now())
}

/// 2026-06-01.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_780_272_000)
}
