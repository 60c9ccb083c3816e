//! How a dialogue ends before its time: refused, out of bounds, or dropped. And what is still said then, which is
//! little. The clock is paused, so times are exact.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod toy;

use probe_core::{Context, FailureKind, Phase};
use probe_net::tls::SecretsOver;
use probe_net::{Codec, Decoded, Dialogue, Event, Log, Malformed, Oddities, Outgoing};
use probe_net::{Step, Wire, drive};
use probe_testkit::{Ending, Script};
use tokio::time::{Instant, timeout};

use toy::{ONE, Recital, Stage, TWO, Toy, Word, ms, say, wait};

/// Greeting, two commands, the end.
fn short() -> Recital {
    Recital::new([wait(Phase::GREETING), say(ONE, "one"), say(TWO, "two")])
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_fails_on_a_reply_says_farewell() {
    let script = Script::new()
        .say("ok hello\r\n")
        .hear("one")
        .say("no way\r\n")
        .hear("bye")
        .say("ok bye\r\n");
    let run = Stage::clear()
        .play(&script, short().with_farewell("bye"))
        .await;
    run.conversation.assert_followed();
    assert_eq!(run.conversation.lines(), ["one", "bye"]);
    assert_eq!(run.stopped(), Some(("one", FailureKind::Permanent)));
    assert_eq!(run.last_words(), Some("no way"));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_the_answer_to_a_farewell() {
    let script = Script::new().say("no way\r\n").hear("bye").silence();
    let run = Stage::clear()
        .play(&script, short().with_farewell("bye"))
        .await;
    assert_eq!(run.conversation.lines(), ["bye"]);
    assert_eq!(run.report.elapsed, ms(500));
}

#[tokio::test(start_paused = true)]
async fn a_farewell_is_said_in_the_reserve_after_the_deadline() {
    let mut stage = Stage::clear();
    stage.cx = Context::default().with_budget(ms(2_000));
    // The deadline is at 1.8 s; this comes just before it.
    let script = Script::new()
        .pause(ms(1_790))
        .say("no way\r\n")
        .hear("bye")
        .silence();
    let run = stage.play(&script, short().with_farewell("bye")).await;
    assert_eq!(run.conversation.lines(), ["bye"]);
    assert_eq!(run.report.elapsed, ms(2_000));
}

#[tokio::test(start_paused = true)]
async fn after_a_timeout_or_a_broken_reply_nothing_more_is_said() {
    let unfinished = [
        Script::new().say("ok hello\r\n").hear("one").silence(),
        Script::new()
            .say("ok hello\r\n")
            .hear("one")
            .say("ok b")
            .silence(),
        Script::new()
            .say("ok hello\r\n")
            .hear("one")
            .say([b'x'; 100])
            .silence(),
    ];
    for script in unfinished {
        let run = Stage::clear()
            .play(&script, short().with_farewell("bye"))
            .await;
        assert_eq!(run.conversation.lines(), ["one"]);
        assert!(run.report.failure.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_is_withheld_a_secret_says_farewell_and_not_the_secret() {
    let recital = Recital::new([
        wait(Phase::GREETING),
        Step::say(Phase::AUTH, Word::Password("open sesame")),
    ]);
    let script = Script::new().say("ok hello\r\n").hear("bye").drain();
    let run = Stage::clear()
        .play(&script, recital.with_farewell("bye"))
        .await;
    run.conversation.assert_followed();
    assert_eq!(run.conversation.lines(), ["bye"]);
    assert_eq!(run.stopped(), Some(("auth", FailureKind::Withheld)));
}

#[tokio::test(start_paused = true)]
async fn a_line_beyond_the_limit_is_too_large_and_its_beginning_is_kept() {
    let longest = [vec![b'x'; toy::LONGEST], b"\r\n".to_vec()].concat();
    let run = Stage::clear()
        .play(
            &Script::new().say(&longest),
            Recital::new([wait(Phase::GREETING)]),
        )
        .await;
    assert_eq!(run.stopped(), None);

    for beyond in [vec![b'x'; toy::LONGEST + 1], [b'x'; 41].to_vec()] {
        let run = Stage::clear()
            .play(&Script::new().say(beyond).silence(), short())
            .await;
        assert_eq!(run.stopped(), Some(("greeting", FailureKind::TooLarge)));
        assert_eq!(run.failure().detail, "a line is larger than 40");
        assert_eq!(run.last_words(), Some("x".repeat(41).as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_reply_that_is_too_large_no_more_is_kept_than_evidence_needs() {
    let script = Script::new().say([b'x'; 1_000]).silence();
    let run = Stage::clear().play(&script, short()).await;
    let kept = format!("{}…", "x".repeat(300));
    assert_eq!(run.last_words(), Some(kept.as_str()));
}

#[tokio::test(start_paused = true)]
async fn a_flood_without_a_frame_ends_at_the_limit_of_the_wire() {
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

    struct Waiting;

    impl Dialogue for Waiting {
        type Codec = Insatiable;

        fn next(&mut self, _: Event<()>) -> Result<Step<()>, probe_core::Failure> {
            Ok(Step::wait(ONE))
        }

        fn farewell(&self) -> Option<()> {
            None
        }
    }

    let (stream, peer) = Script::new().flood("all work and no play ").in_memory();
    let stage = Stage::clear();
    let name = toy::NAME.try_into().unwrap();
    let mut wire = Wire::new(stream, stage.tls, name, SecretsOver::VerifiedTls);
    let mut log = Log::begin(&Context::default());
    let failure = drive(&mut Waiting, &mut Insatiable, &mut wire, &mut log)
        .await
        .unwrap_err();
    drop(wire);
    assert_eq!(failure.kind, FailureKind::TooLarge);
    assert_eq!(failure.detail, "a reply is larger than 1048576");
    assert!(failure.reply.unwrap().starts_with(b"all work and no play"));
    assert_eq!(peer.finish().await.ending(), Ending::Completed);
}

/// On the real clock, because a flood leaves a paused one no moment to go on.
#[tokio::test]
async fn a_flood_of_good_lines_ends_at_the_deadline() {
    struct Tireless(usize);

    impl Dialogue for Tireless {
        type Codec = Toy;

        fn next(&mut self, _: Event<String>) -> Result<Step<Word>, probe_core::Failure> {
            self.0 += 1;
            Ok(wait(ONE))
        }

        fn farewell(&self) -> Option<Word> {
            None
        }
    }

    let (stream, peer) = Script::new().flood("ok\r\n").in_memory();
    let stage = Stage::clear();
    let name = toy::NAME.try_into().unwrap();
    let mut wire = Wire::new(stream, stage.tls, name, SecretsOver::VerifiedTls);
    let mut log = Log::begin(&Context::default().with_budget(ms(100)));
    let mut machine = Tireless(0);
    let failure = drive(&mut machine, &mut Toy::default(), &mut wire, &mut log)
        .await
        .unwrap_err();
    assert_eq!((failure.phase, failure.kind), (ONE, FailureKind::Timeout));
    assert!(machine.0 > 1);
    assert_eq!(log.spans().len(), 1);
    drop(wire);
    peer.finish().await;
}

#[tokio::test(start_paused = true)]
async fn dropping_the_probe_closes_the_connection() {
    let (stream, peer) = Script::new().say("ok hello\r\n").silence().in_memory();
    let started = Instant::now();
    let probing = async move {
        let stage = Stage::clear();
        let name = toy::NAME.try_into().unwrap();
        let mut wire = Wire::new(stream, stage.tls, name, SecretsOver::VerifiedTls);
        let mut log = Log::begin(&Context::default());
        let mut recital = short();
        drive(&mut recital, &mut Toy::default(), &mut wire, &mut log).await
    };
    assert!(timeout(ms(1_000), probing).await.is_err());
    let conversation = peer.finish().await;
    assert_eq!(started.elapsed(), ms(1_000));
    assert_eq!(conversation.lines(), ["one"]);
    assert_eq!(conversation.ending(), Ending::Completed);
}
