//! Compression that breaks, ends, or swells, and what becomes of the dialogue above it. The clock is paused, so times
//! are exact.

#![cfg(feature = "deflate")]
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod deflated;
mod toy;

use std::sync::atomic::Ordering;

use flate2::FlushCompress;
use probe_core::{Context, Failure, FailureKind};
use probe_net::tls::SecretsOver;
use probe_net::{
    Codec, Decoded, Dialogue, Event, Layer, Log, Malformed, Oddities, Outgoing, Step, Wire, drive,
};
use probe_testkit::{Fault, Script};
use proptest::strategy::{Strategy, ValueTree};
use tokio::io::AsyncWriteExt;

use deflated::{
    COMPRESS, Counting, FLUSH, Server, deflate, listening, outspoken, play, short, short_script,
};
use toy::{NAME, ONE, Recital, Run, Stage, ms, say, wait, wait_for};

#[tokio::test(start_paused = true)]
async fn wherever_a_compressed_connection_ends_the_phase_is_the_one_that_was_awaited() {
    let script = short_script();
    let total = script.total_said();
    let first_under = "ok go\r\n".len();
    for at in first_under..total {
        for (fault, kind) in [
            (Fault::CutAt(at), FailureKind::Closed),
            (Fault::ResetAt(at), FailureKind::Closed),
            (Fault::StallAt(at), FailureKind::Timeout),
        ] {
            let run = play(&script.clone().with_fault(fault.clone()), short()).await;
            // A reply may be whole before the last bytes of its flush.
            let awaited = match run.heard().len() {
                3 => Some(("one", kind)),
                4 => Some(("two", kind)),
                _ => None,
            };
            assert_eq!(run.stopped(), awaited, "{fault:?}");
        }
    }
    let cut = play(&script.with_fault(Fault::CutAt(first_under)), short()).await;
    assert_eq!(cut.heard(), ["(connected)", "ok go", "(layered)"]);
    assert_eq!(cut.failure().detail, "the server hung up");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_has_its_last_block_is_closed_and_what_follows_is_not_read() {
    let said = Server::new().deflates("ok 1\r\nok t", FlushCompress::Finish);
    let script = outspoken(
        &[&said, b"ok in clear\r\n".as_slice()].concat(),
        Script::silence,
    );
    for size in 1..=script.total_said() {
        let run = play(&script.clone().in_pieces(size), listening(2)).await;
        assert_eq!(run.heard()[3..], ["ok 1"]);
        assert_eq!(run.stopped(), Some(("one", FailureKind::Closed)));
        assert_eq!(run.last_words(), Some("ok t"));
    }
    let patient = Recital::new([
        say(COMPRESS, "compress"),
        deflate(),
        wait(ONE),
        wait_for(ONE, 5),
    ]);
    let run = play(&script, patient).await;
    assert_eq!(run.heard()[3..], ["ok 1", "(closed)"]);
}

#[tokio::test(start_paused = true)]
async fn a_corrupt_stream_is_a_failure_of_the_awaited_phase_after_all_that_stood_before_it() {
    let mut server = Server::new();
    let text: String = (0..4_200).map(|line| format!("ok {line}\r\n")).collect();
    let said = [
        server.deflates(&text[..10_000], FlushCompress::None),
        server.says(&text[10_000..]),
        server.says("ok bu"),
        // A block of type 3, which there is not (RFC 1951 section 3.2.3).
        vec![0b110],
        b"and so on".to_vec(),
    ]
    .concat();
    let script = outspoken(&said, Script::silence);
    for script in [
        script.clone(),
        script.clone().in_pieces(1),
        script.in_pieces(999),
    ] {
        let run = play(&script, listening(4_201)).await;
        assert_eq!(run.heard().len(), 3 + 4_200);
        assert_broken(&run, "one");
        assert_eq!(run.last_words(), Some("ok bu"));
    }
}

#[tokio::test(start_paused = true)]
async fn much_that_stood_in_few_bytes_before_a_broken_place_is_heard_too() {
    let mut server = Server::new();
    let first = server.says("ok 1\r\n".repeat(4_000));
    // More than the rest of the window of deflate, and less than that and a whole one.
    let then = [server.says("ok 2\r\n".repeat(5_900)), vec![0b110]].concat();
    assert!(then.len() < 1_000);
    let script = outspoken(&first, |script| script.pause(ms(1)).say(then).silence());
    let run = play(&script, listening(9_901)).await;
    assert_eq!(run.heard().len(), 3 + 9_900);
    assert_broken(&run, "one");
}

#[tokio::test(start_paused = true)]
async fn a_corrupt_stream_fails_a_machine_that_is_patient_too() {
    let script = outspoken(&[0b110], Script::silence);
    let recital = Recital::new([say(COMPRESS, "compress"), deflate(), wait_for(ONE, 100)]);
    assert_broken(&play(&script, recital).await, "one");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_ok_and_goes_on_in_clear_is_found_out() {
    let script = Script::new()
        .hear("compress")
        .say("ok go\r\n")
        .hear_until(FLUSH)
        .say("ok 1\r\n")
        .silence();
    assert_broken(&play(&script, short()).await, "one");
}

#[tokio::test(start_paused = true)]
async fn garbage_at_any_byte_ends_in_a_failure_or_in_other_words() {
    let script = short_script();
    for at in "ok go\r\n".len()..script.total_said() {
        for garbage in [
            b"\xff\xff\xff\xff".as_slice(),
            b"\0\0\0\0\0",
            b"ok nonsense\r\n",
        ] {
            let fault = Fault::GarbageAt(at, garbage.to_vec());
            let run = play(&script.clone().with_fault(fault), short()).await;
            assert!(run.heard().len() <= 5, "{at}");
            let elapsed = run.report.elapsed;
            assert!(elapsed <= Context::default().budget, "{at}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn any_bytes_end_in_replies_or_a_failure() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let stream = proptest::collection::vec(proptest::num::u8::ANY, 0..200);
    for _ in 0..300 {
        let said = stream.new_tree(&mut runner).unwrap().current();
        let whole = play(&outspoken(&said, |script| script), listening(300)).await;
        let pieces = outspoken(&said, |script| script).in_pieces(1);
        let pieces = play(&pieces, listening(300)).await;
        assert!(whole.report.failure.is_some());
        assert_eq!(whole.heard(), pieces.heard());
        assert_eq!(whole.stopped(), pieces.stopped());
    }
}

#[tokio::test(start_paused = true)]
async fn a_gibibyte_in_a_megabyte_is_too_large_and_only_a_reply_of_it_is_inflated() {
    let bomb = bomb();
    let mebibyte = bomb.len() / 1024;
    assert!(bomb.len() < 2 * 1024 * 1024);
    let (failure, read) = insatiable(bomb).await;
    assert_eq!((failure.phase, failure.kind), (ONE, FailureKind::TooLarge));
    assert_eq!(failure.detail, "a reply is larger than 1048576");
    // The wire's limit came out of it, and what is read ahead is four kilobytes.
    assert!(read <= mebibyte + 4096, "{read} of {mebibyte}");
    #[cfg(target_os = "linux")]
    assert!(most_memory() < 256 * 1024 * 1024);
}

#[tokio::test(start_paused = true)]
async fn a_bomb_that_came_with_the_go_ahead_is_too_large_too() {
    let bomb = bomb();
    let script = outspoken(&bomb, Script::silence);
    let run = play(&script, listening(1)).await;
    assert_eq!(run.stopped(), Some(("one", FailureKind::TooLarge)));
    assert_eq!(run.failure().detail, "a line is larger than 40");
}

#[tokio::test(start_paused = true)]
async fn blocks_without_a_byte_in_them_do_not_go_on_for_ever() {
    let empty = [0, 0, 0, 0xff, 0xff];
    let (failure, read) = insatiable(empty.repeat(100_000)).await;
    assert_eq!((failure.phase, failure.kind), (ONE, FailureKind::Protocol));
    assert_eq!(failure.detail, "the compressed stream is broken");
    assert!(read <= 64 * 1024 + 4096, "{read}");
    // So many are borne.
    let mut server = Server::new();
    let said = [empty.repeat(10_000), server.says("ok 1\r\n")].concat();
    let run = play(&outspoken(&said, Script::silence), listening(1)).await;
    assert_eq!(run.heard()[3..], ["ok 1"]);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_a_wait_under_compression_and_keeps_what_had_come() {
    let mut stage = Stage::clear();
    stage.cx = Context::default().with_budget(ms(5_000));
    let mut server = Server::new();
    let script = Script::new()
        .hear("compress")
        .say("ok go\r\n")
        .hear_until(FLUSH)
        .pause(ms(1_000))
        .say(server.says("ok 1\r\n"))
        .hear_until(FLUSH)
        .say(server.says("ok but"))
        .silence();
    let run = stage.play(&script, short()).await;
    assert_eq!(run.stopped(), Some(("two", FailureKind::Timeout)));
    assert_eq!(run.last_words(), Some("ok but"));
    assert_eq!(run.spans()[1..], [("one", 0, 1_000), ("two", 1_000, 3_500)]);
    assert_eq!(run.report.elapsed, ms(4_500));
}

#[track_caller]
fn assert_broken(run: &Run, phase: &'static str) {
    assert_eq!(run.stopped(), Some((phase, FailureKind::Protocol)));
    assert_eq!(run.failure().detail, "the compressed stream is broken");
}

/// One gibibyte of zeros, of a megabyte's bytes.
fn bomb() -> Vec<u8> {
    // A full flush forgets what was before, so its blocks may stand behind each other any number of times.
    let mebibyte = vec![0; 1024 * 1024];
    let block = Server::new().deflates(mebibyte, FlushCompress::Full);
    block.repeat(1024)
}

/// Finds no frame, ever.
struct Insatiable;

impl Codec for Insatiable {
    type Command = ();
    type Reply = ();

    fn encode(&mut self, (): &(), _: &mut Outgoing) {}

    fn decode(&mut self, input: &[u8], _: &mut Oddities) -> Result<Decoded<()>, Malformed> {
        assert!(input.len() <= Wire::LIMIT);
        Ok(Decoded::Partial)
    }
}

/// Compresses at once, and waits.
struct Waiting;

impl Dialogue for Waiting {
    type Codec = Insatiable;

    fn next(&mut self, event: Event<()>) -> Result<Step<()>, Failure> {
        match event {
            Event::Connected => Ok(Step::Upgrade(Layer::Deflate)),
            _ => Ok(Step::wait(ONE)),
        }
    }

    fn farewell(&self) -> Option<()> {
        None
    }
}

/// How a dialogue ends with a server that says this, and how much of it was read.
async fn insatiable(said: Vec<u8>) -> (Failure, usize) {
    let (stream, mut server) = tokio::io::duplex(1024);
    let serving = tokio::spawn(async move { server.write_all(&said).await });
    let (counting, counts) = Counting::new(stream);
    let stage = Stage::clear();
    let name = NAME.try_into().unwrap();
    let mut wire = Wire::new(counting, stage.tls, name, SecretsOver::VerifiedTls);
    let mut log = Log::begin(&Context::default());
    let failure = drive(&mut Waiting, &mut Insatiable, &mut wire, &mut log)
        .await
        .unwrap_err();
    serving.abort();
    let read = counts.read.load(Ordering::Relaxed);
    (failure, read)
}

/// The most that this process, with all that it tests beside, has had at once.
#[cfg(target_os = "linux")]
fn most_memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kilobytes.parse::<usize>().unwrap() * 1024
}
