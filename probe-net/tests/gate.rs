//! The gate: a machine that wrongly sends its password at once, over every kind of channel. Whatever the machine
//! does, the peer hears the secret only where the caller allowed it, and nobody reads it afterwards.

#![allow(clippy::unwrap_used, reason = "these are tests")]

mod toy;

use std::time::{Duration, SystemTime};

use probe_core::{Context, FailureKind, Phase};
use probe_net::Step;
use probe_net::tls::SecretsOver::{self, Cleartext, UnverifiedTls, VerifiedTls};
use probe_testkit::{Authority, Flaw, Script};

use toy::{NAME, Recital, Run, Stage, Word, ms, wait};

const SECRET: &str = "open sesame";
/// As SASL PLAIN of alice would have it.
const ENCODED: &str = "AGFsaWNlAG9wZW4gc2VzYW1l";
/// 2026-06-01.
const NOW: Duration = Duration::from_secs(1_780_272_000);

/// Says its password as soon as it is asked anything.
fn hasty() -> Recital {
    Recital::new([
        Step::say(Phase::AUTH, Word::Password(SECRET)),
        wait(Phase::QUIT),
    ])
}

fn authority() -> Authority {
    Authority::at("Test CA", SystemTime::UNIX_EPOCH + NOW)
}

fn stage(stage: Stage, secrets_over: SecretsOver) -> Stage {
    let cx = Context::default().with_now(SystemTime::UNIX_EPOCH + NOW);
    Stage {
        cx: cx.with_transcript(),
        secrets_over,
        ..stage
    }
}

fn has(text: impl AsRef<[u8]>, part: &str) -> bool {
    text.as_ref()
        .windows(part.len())
        .any(|window| window == part.as_bytes())
}

#[track_caller]
fn assert_withheld(run: &Run, reason: &str) {
    assert!(!run.conversation.leaks(SECRET));
    assert!(!has(run.conversation.heard(), SECRET));
    assert_eq!(run.conversation.lines(), [""; 0]);
    assert_eq!(run.stopped(), Some(("auth", FailureKind::Withheld)));
    assert_eq!(
        run.failure().detail,
        format!("nothing secret was sent: {reason}")
    );
    assert_unseen(run);
}

#[track_caller]
fn assert_said(run: &Run) {
    assert_eq!(run.conversation.lines(), ["pass open sesame"]);
    assert_eq!(run.stopped(), None);
    assert_unseen(run);
}

/// The fifth law: no output has the secret in it, in any form.
#[track_caller]
fn assert_unseen(run: &Run) {
    let shown = [
        format!("{:?}", run.report),
        run.report.to_json(),
        run.report.transcript.to_string(),
        format!("{:?}", run.tls),
    ];
    for shown in shown {
        assert!(!has(&shown, SECRET), "{shown}");
        assert!(!has(&shown, ENCODED), "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn in_clear_a_secret_goes_only_where_clear_text_was_allowed() {
    let script = Script::new().hear("pass").say("ok in\r\nok bye\r\n");
    for refused in [UnverifiedTls, VerifiedTls] {
        let run = stage(Stage::clear(), refused).play(&script, hasty()).await;
        assert_withheld(&run, "the connection is not encrypted");
    }
    let run = stage(Stage::clear(), Cleartext)
        .play(&script, hasty())
        .await;
    assert_said(&run);
    assert!(run.conversation.leaks(SECRET));
}

#[tokio::test(start_paused = true)]
async fn over_verified_tls_a_secret_goes_whatever_was_allowed() {
    let ca = authority();
    let script = Script::new()
        .tls(&ca.identity([NAME]))
        .hear("pass")
        .say("ok in\r\nok bye\r\n");
    for allowed in [Cleartext, UnverifiedTls, VerifiedTls] {
        let run = stage(Stage::implicit(&ca), allowed)
            .play(&script, hasty())
            .await;
        assert_said(&run);
        assert!(!run.conversation.leaks(SECRET));
    }
}

#[tokio::test(start_paused = true)]
async fn over_tls_with_any_fault_a_secret_goes_only_where_that_was_allowed() {
    let ca = authority();
    let expected = [
        (Flaw::CommonNameOnly, "the certificate is for another name"),
        (Flaw::Expired, "the certificate has expired"),
        (Flaw::ExpiredIntermediate, "the certificate has expired"),
        (Flaw::LeafIsCa, "the certificate chain is not valid"),
        (
            Flaw::MissingIntermediate,
            "the server does not send its intermediate certificate",
        ),
        (Flaw::NameConstrained, "the certificate chain is not valid"),
        (
            Flaw::NoServerAuth,
            "the certificate is not meant for servers",
        ),
        (Flaw::NotYetValid, "the certificate is not valid yet"),
        (Flaw::SelfSigned, "the certificate is self-signed"),
        (Flaw::TooLongChain, "the certificate chain is not valid"),
        (
            Flaw::UnknownIssuer,
            "the certificate comes from an authority that is not trusted here",
        ),
        (
            Flaw::WrongKey,
            "the server did not prove that the certificate is its own",
        ),
        (Flaw::WrongName, "the certificate is for another name"),
    ];
    for (flaw, reason) in expected {
        let script = Script::new()
            .tls(&ca.flawed([NAME], flaw))
            .hear("pass")
            .say("ok in\r\nok bye\r\n");
        let run = stage(Stage::implicit(&ca), VerifiedTls)
            .play(&script, hasty())
            .await;
        assert_withheld(
            &run,
            &format!("the certificate was not verified ({reason})"),
        );
        for allowed in [Cleartext, UnverifiedTls] {
            let run = stage(Stage::implicit(&ca), allowed)
                .play(&script, hasty())
                .await;
            assert_said(&run);
            assert!(!run.conversation.leaks(SECRET));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_odd_about_a_certificate_but_no_fault_stops_no_secret() {
    let ca = authority();
    let harmless = [
        Flaw::DirectlyFromRoot,
        Flaw::DisorderedChain,
        Flaw::LongLived,
        Flaw::MustStaple,
        Flaw::RootIncluded,
        Flaw::SoonExpiring(Duration::from_secs(60)),
    ];
    for flaw in harmless {
        let script = Script::new()
            .tls(&ca.flawed([NAME], flaw))
            .hear("pass")
            .say("ok in\r\nok bye\r\n");
        let run = stage(Stage::implicit(&ca), VerifiedTls)
            .play(&script, hasty())
            .await;
        assert_said(&run);
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_withheld_in_clear_is_said_after_starttls() {
    let ca = authority();
    let script = Script::new()
        .hear("starttls")
        .say("ok go\r\n")
        .tls(&ca.identity([NAME]))
        .hear("pass")
        .say("ok in\r\n");
    let patient = Recital::new([
        toy::say(Phase::STARTTLS, "starttls"),
        toy::upgrade(),
        Step::say(Phase::AUTH, Word::Password(SECRET)),
    ]);
    let run = stage(Stage::upgrading(&ca), VerifiedTls)
        .play(&script, patient)
        .await;
    run.conversation.assert_followed();
    assert!(!run.conversation.leaks(SECRET));
    assert_eq!(
        run.conversation.heard_under_tls(),
        b"pass open sesame\r\n".as_slice()
    );
    assert_unseen(&run);
}

#[tokio::test(start_paused = true)]
async fn a_secret_in_a_pipeline_holds_back_all_of_it() {
    let pipeline = Step::Send {
        commands: vec![
            (toy::ONE, Word::Line("user alice")),
            (Phase::AUTH, Word::Password(SECRET)),
        ],
        patience: None,
    };
    let run = stage(Stage::clear(), VerifiedTls)
        .play(&Script::new().drain(), Recital::new([pipeline]))
        .await;
    assert_eq!(run.conversation.heard(), b"");
    assert_eq!(run.stopped(), Some(("one", FailureKind::Withheld)));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_repeats_the_secret_does_not_get_it_into_any_output() {
    // `ok` goes on with it as a reply, `no` makes a failure of it, `!` a finding, and without its end it is what
    // a timeout keeps.
    let repeated = [
        "ok so it is open sesame!\r\n",
        "no open sesame it is not!\r\n",
        "ok open sesame open sesame",
        "open sesame",
        "no, open\r\nno sesame, but open sesame\r\n",
    ];
    for text in repeated {
        for size in 1..=text.len() {
            let script = Script::new()
                .hear("pass")
                .say(text)
                .silence()
                .in_pieces(size);
            let run = stage(Stage::clear(), Cleartext)
                .play(&script, hasty())
                .await;
            assert_eq!(run.conversation.lines(), ["pass open sesame"]);
            assert!(run.report.failure.is_some());
            assert_unseen(&run);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_hides_a_repeated_secret_leaves_the_reply_as_long_as_it_was() {
    let script = Script::new().hear("pass").say("no open sesame, alice\r\n");
    let run = stage(Stage::clear(), Cleartext)
        .play(&script, hasty())
        .await;
    assert_eq!(run.last_words(), Some("no ***********, alice"));
    assert_eq!(
        run.transcript(),
        ["C pass [redacted]", "S no ***********, alice"]
    );
}

/// Whether the secret was said as it is, or inside a SASL message: a server that shows either is not quoted.
#[cfg(feature = "sasl")]
#[tokio::test(start_paused = true)]
async fn a_server_that_repeats_a_secret_in_another_form_does_not_get_it_into_any_output() {
    // "open sesame" in base64, then what was said as the base64 of "\0alice\0open sesame".
    let forms = [
        (SECRET, "b3BlbiBzZXNhbWU=", "no ****************, alice!"),
        (ENCODED, ENCODED, "no ************************, alice!"),
        (ENCODED, SECRET, "no ***********, alice!"),
    ];
    for (said, repeated, heard) in forms {
        let reply = format!("no {repeated}, alice!\r\n");
        for size in 1..=reply.len() {
            let script = Script::new().hear("pass").say(&reply).in_pieces(size);
            let recital = Recital::new([Step::say(Phase::AUTH, Word::Password(said))]);
            let run = stage(Stage::clear(), Cleartext)
                .play(&script, recital)
                .await;
            assert_eq!(run.last_words(), Some(heard));
            assert_eq!(run.codes(), ["toy.shouting"]);
            assert!(!has(run.report.to_json(), repeated));
            assert_unseen(&run);
        }
    }
}

/// As XOAUTH2 says it: user=alice^Aauth=Bearer vF9dft4qmT^A^A.
#[cfg(feature = "sasl")]
#[tokio::test(start_paused = true)]
async fn a_server_that_shows_the_token_inside_a_message_is_not_quoted() {
    let message = "dXNlcj1hbGljZQFhdXRoPUJlYXJlciB2RjlkZnQ0cW1UAQE=";
    let script = Script::new().hear("pass").say("no vF9dft4qmT, alice\r\n");
    let recital = Recital::new([Step::say(Phase::AUTH, Word::Password(message))]);
    let run = stage(Stage::clear(), Cleartext)
        .play(&script, recital)
        .await;
    assert_eq!(run.last_words(), Some("no **********, alice"));
}

#[tokio::test(start_paused = true)]
async fn a_secret_of_a_few_bytes_is_not_looked_for_because_it_would_be_found_by_chance() {
    let short = Recital::new([Step::say(Phase::AUTH, Word::Password("ok"))]);
    let mut stage = stage(Stage::clear(), Cleartext);
    stage.cx = Context::default().with_patience(ms(100));
    let script = Script::new().hear("pass").say("ok in\r\n");
    let run = stage.play(&script, short).await;
    assert_eq!(run.heard(), ["(connected)", "ok in"]);
}
