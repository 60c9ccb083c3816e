//! The driver, with a toy protocol on one side and a scripted peer on the other. The clock is paused, so times
//! are exact. How it leaves and what limits it is in `drive_end`.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod toy;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context as Waking, Poll};

use probe_core::{Context, FailureKind, Phase, Severity};
use probe_net::Step;
use probe_net::tls::SecretsOver;
use probe_testkit::{Fault, Script};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use toy::{ONE, Recital, Stage, THREE, TWO, Word, ms, say, wait, wait_for};

/// Greeting, two commands, the end.
fn short() -> Recital {
    Recital::new([wait(Phase::GREETING), say(ONE, "one"), say(TWO, "two")])
}

fn short_script() -> Script {
    Script::new()
        .say("ok hello\r\n")
        .hear("one")
        .say("ok 1\r\n")
        .hear("two")
        .say("ok 2\r\n")
}

#[tokio::test(start_paused = true)]
async fn each_reply_is_booked_to_its_phase_exactly() {
    let script = Script::new()
        .pause(ms(300))
        .say("ok hello\r\n")
        .hear("one")
        .pause(ms(40))
        .say("ok 1\r\n")
        .hear("two")
        .say("ok 2\r\n");
    let run = Stage::clear().play(&script, short()).await;
    run.conversation.assert_followed();
    assert_eq!(run.stopped(), None);
    assert_eq!(run.heard(), ["(connected)", "ok hello", "ok 1", "ok 2"]);
    assert_eq!(
        run.spans(),
        [("greeting", 0, 300), ("one", 300, 40), ("two", 340, 0)]
    );
    assert_eq!(run.report.elapsed, ms(340));
}

#[tokio::test(start_paused = true)]
async fn waiting_on_in_the_same_phase_makes_one_span_longer() {
    let script = Script::new()
        .pause(ms(100))
        .say("ok first\r\n")
        .pause(ms(50))
        .say("ok second\r\n");
    let recital = Recital::new([wait(Phase::GREETING), wait(Phase::GREETING)]);
    let run = Stage::clear().play(&script, recital).await;
    assert_eq!(run.spans(), [("greeting", 0, 150)]);
}

#[tokio::test(start_paused = true)]
async fn three_commands_in_one_send_are_one_write_and_three_spans() {
    let script = Script::new()
        .hear("one")
        .pause(ms(10))
        .say("ok 1\r\n")
        .hear("two")
        .pause(ms(20))
        .say("ok 2\r\n")
        .hear("three")
        .pause(ms(30))
        .say("ok 3\r\n");
    let commands = vec![
        (ONE, Word::Line("one")),
        (TWO, Word::Line("two")),
        (THREE, Word::Line("three")),
    ];
    let pipelined = Step::Send {
        commands,
        patience: None,
    };
    let recital = Recital::new([pipelined, wait(TWO), wait(THREE)]);
    let (stream, peer) = script.in_memory();
    let (counting, writes) = Counting::new(stream);
    let run = Stage::clear().play_over(counting, peer, recital).await;
    run.conversation.assert_followed();
    assert_eq!(
        *writes.lock().unwrap(),
        [b"one\r\ntwo\r\nthree\r\n".to_vec()]
    );
    assert_eq!(run.heard(), ["(connected)", "ok 1", "ok 2", "ok 3"]);
    // Each from the moment at which it was said to the moment at which it was answered.
    assert_eq!(
        run.spans(),
        [("one", 0, 10), ("two", 0, 30), ("three", 0, 60)]
    );
}

#[tokio::test(start_paused = true)]
async fn replies_in_single_bytes_are_the_same_replies() {
    let whole = Stage::clear().play(&short_script(), short()).await;
    let pieces = Stage::clear()
        .play(&short_script().in_pieces(1), short())
        .await;
    assert_eq!(pieces.heard(), ["(connected)", "ok hello", "ok 1", "ok 2"]);
    assert_eq!(pieces.heard(), whole.heard());
    assert_eq!(pieces.spans(), whole.spans());
    assert_eq!(pieces.conversation.heard(), whole.conversation.heard());
}

#[tokio::test(start_paused = true)]
async fn two_replies_in_one_packet_are_told_one_after_the_other() {
    let script = Script::new().say("ok 1\r\nok 2\nok 3\r\n");
    let recital = Recital::new([wait(ONE), wait(TWO), wait(THREE)]);
    let run = Stage::clear().play(&script, recital).await;
    assert_eq!(run.heard(), ["(connected)", "ok 1", "ok 2", "ok 3"]);
}

#[tokio::test(start_paused = true)]
async fn with_a_patience_silence_and_closing_are_events() {
    let script = Script::new().pause(ms(3_000)).close();
    let recital = Recital::new([wait_for(ONE, 2_000), wait_for(TWO, 2_000)]);
    let run = Stage::clear().play(&script, recital).await;
    assert_eq!(run.stopped(), None);
    assert_eq!(run.heard(), ["(connected)", "(silence)", "(closed)"]);
    assert_eq!(run.spans(), [("one", 0, 2_000), ("two", 2_000, 1_000)]);
}

#[tokio::test(start_paused = true)]
async fn what_is_said_in_hope_may_stay_without_an_answer() {
    let script = Script::new().hear("bye").close();
    let bye = Step::say_in_hope(Phase::QUIT, Word::Line("bye"), ms(500));
    let run = Stage::clear().play(&script, Recital::new([bye])).await;
    run.conversation.assert_followed();
    assert_eq!(run.heard(), ["(connected)", "(closed)"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_patience_silence_is_a_timeout_of_that_phase() {
    let mut stage = Stage::clear();
    stage.cx = Context::default().with_patience_for(TWO, ms(7_000));
    let script = Script::new()
        .say("ok hello\r\n")
        .hear("one")
        .say("ok 1\r\n")
        .hear("two")
        .say("ok but")
        .silence();
    let run = stage.play(&script, short()).await;
    assert_eq!(run.stopped(), Some(("two", FailureKind::Timeout)));
    assert_eq!(run.failure().detail, "nothing came within 7.0 s");
    assert_eq!(run.last_words(), Some("ok but"));
    assert_eq!(run.spans().last(), Some(&("two", 0, 7_000)));
}

#[tokio::test(start_paused = true)]
async fn without_a_patience_closing_is_a_failure_of_that_phase() {
    let script = Script::new().say("ok hello\r\n").hear("one").say("ok b");
    let run = Stage::clear().play(&script, short()).await;
    assert_eq!(run.stopped(), Some(("one", FailureKind::Closed)));
    assert_eq!(run.failure().detail, "the server hung up");
    assert_eq!(run.last_words(), Some("ok b"));
}

#[tokio::test(start_paused = true)]
async fn wherever_the_connection_breaks_the_phase_is_the_one_that_was_awaited() {
    let script = short_script();
    let phase_at = |said| match said {
        0..10 => Some("greeting"),
        10..16 => Some("one"),
        16..22 => Some("two"),
        _ => None,
    };
    for at in 0..=script.total_said() {
        for fault in [Fault::CutAt(at), Fault::ResetAt(at)] {
            let script = script.clone().with_fault(fault.clone());
            let run = Stage::clear().play(&script, short()).await;
            let expected = phase_at(at).map(|phase| (phase, FailureKind::Closed));
            assert_eq!(run.stopped(), expected, "{fault:?}");
        }
        let script = script.clone().with_fault(Fault::StallAt(at));
        let run = Stage::clear().play(&script, short()).await;
        let expected = phase_at(at).map(|phase| (phase, FailureKind::Timeout));
        assert_eq!(run.stopped(), expected, "stalled at {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_deadline_beats_every_patience_and_nothing_learned_is_lost() {
    let mut stage = Stage::clear();
    stage.cx = Context::default().with_budget(ms(5_000)).with_transcript();
    let script = Script::new()
        .pause(ms(1_000))
        .say("ok hello!\r\n")
        .hear("one")
        .silence();
    let recital = Recital::new([wait(Phase::GREETING), say(ONE, "one")]);
    let run = stage.play(&script, recital).await;
    assert_eq!(run.stopped(), Some(("one", FailureKind::Timeout)));
    // The last half second of the budget is kept back for a farewell.
    assert_eq!(run.spans(), [("greeting", 0, 1_000), ("one", 1_000, 3_500)]);
    assert_eq!(run.report.elapsed, ms(4_500));
    assert_eq!(run.heard(), ["(connected)", "ok hello!"]);
    assert_eq!(run.codes(), ["toy.shouting"]);
    assert_eq!(run.transcript(), ["S ok hello!", "C one"]);

    let patient = Recital::new([wait_for(ONE, 60_000)]);
    let run = stage.play(&Script::new().silence(), patient).await;
    // Whoever waits patiently is told of silence, also where the deadline came first.
    assert_eq!(run.stopped(), None);
    assert_eq!(run.heard(), ["(connected)", "(silence)"]);
    assert_eq!(run.report.elapsed, ms(4_500));
}

#[tokio::test(start_paused = true)]
async fn a_tenth_of_a_small_budget_is_kept_back() {
    let mut stage = Stage::clear();
    stage.cx = Context::default().with_budget(ms(1_000));
    let run = stage.play(&Script::new().silence(), short()).await;
    assert_eq!(run.report.elapsed, ms(900));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_dribbles_does_not_outlast_the_patience_of_the_phase() {
    let mut stage = Stage::clear();
    stage.cx = Context::default().with_patience(ms(1_000));
    let script = Script::new().tarpit("ok but very very slowly\r\n", ms(400));
    let run = stage.play(&script, short()).await;
    assert_eq!(run.stopped(), Some(("greeting", FailureKind::Timeout)));
    assert_eq!(run.last_words(), Some("ok"));
    assert_eq!(run.report.elapsed, ms(1_000));
}

#[tokio::test(start_paused = true)]
async fn a_transcript_is_kept_only_when_asked_for_and_holds_no_secret() {
    let script = Script::new()
        .pause(ms(25))
        .say("ok hello\r\n")
        .hear("pass")
        .say("ok in\r\n");
    let recital = || {
        Recital::new([
            wait(Phase::GREETING),
            Step::say(Phase::AUTH, Word::Password("open sesame")),
        ])
    };
    let mut stage = Stage::clear();
    stage.secrets_over = SecretsOver::Cleartext;
    let run = stage.play(&script, recital()).await;
    run.conversation.assert_followed();
    assert!(run.report.transcript.is_empty());

    stage.cx = Context::default().with_transcript();
    let run = stage.play(&script, recital()).await;
    assert_eq!(run.conversation.lines(), ["pass open sesame"]);
    assert_eq!(
        run.transcript(),
        ["S ok hello", "C pass [redacted]", "S ok in"]
    );
    let at: Vec<_> = run
        .report
        .transcript
        .lines()
        .iter()
        .map(|line| line.at)
        .collect();
    assert_eq!(at, [ms(25), ms(25), ms(25)]);
}

#[tokio::test(start_paused = true)]
async fn what_the_codec_tolerates_is_a_finding_with_a_count() {
    let script = Script::new().say("ok!\r\nok!\r\nok!\r\n");
    let recital = Recital::new([wait(ONE), wait(TWO), wait(THREE)]);
    let run = Stage::clear().play(&script, recital).await;
    assert_eq!(run.report.findings.len(), 1);
    let finding = &run.report.findings[0];
    assert_eq!(finding.code(), "toy.shouting");
    assert_eq!(finding.severity, Severity::Info);
    assert_eq!(finding.evidence, "ok! (3 times)");
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_says_nothing_and_waits_is_our_own_fault() {
    let nothing = Step::Send {
        commands: Vec::new(),
        patience: None,
    };
    let run = Stage::clear()
        .play(&Script::new().drain(), Recital::new([nothing]))
        .await;
    assert_eq!(run.stopped(), Some(("greeting", FailureKind::Local)));
}

/// A stream that writes down each write by itself.
struct Counting<S> {
    inner: S,
    writes: Writes,
}

type Writes = Arc<Mutex<Vec<Vec<u8>>>>;

impl<S> Counting<S> {
    fn new(inner: S) -> (Self, Writes) {
        let writes = Writes::default();
        let counting = Self {
            inner,
            writes: writes.clone(),
        };
        (counting, writes)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Counting<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Waking<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> probe_net::Transport for Counting<S> {}

impl<S: AsyncWrite + Unpin> AsyncWrite for Counting<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Waking<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writes.lock().unwrap().push(bytes.to_vec());
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Waking<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Waking<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
