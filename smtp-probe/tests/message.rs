//! Sending a message: exact bytes by DATA and by BDAT, to those who were accepted, and what the server says of each.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::time::{Duration, SystemTime};

use common::{Outcome, World, converse};
use probe_core::FailureKind;
use probe_net::message::{Canary, Token};
use probe_net::tls::{SecretsOver, Security};
use probe_testkit::Script;
use smtp_probe::{Address, ConfigError, Message, MessageError, Options, Protocol, Stage, Transfer};

const BYTES: &[u8] = b"Subject: x\r\n\r\n.\r\n..two\r\nend\r\n";
const STUFFED: &[u8] = b"Subject: x\r\n\r\n..\r\n...two\r\nend\r\n.\r\n";

fn message() -> Message {
    Message::new(BYTES).unwrap()
}

fn offering(ehlo: &str, extensions: &[&str]) -> Script {
    let mut reply = "250-mx.example.test\r\n".to_owned();
    for extension in extensions {
        reply.push_str(&format!("250-{extension}\r\n"));
    }
    Script::new()
        .say("220 mx.example.test\r\n")
        .hear(ehlo)
        .say(reply + "250 ENHANCEDSTATUSCODES\r\n")
}

/// Up to the envelope, in which alice and bob are answered so.
fn accepting(script: Script, alice: &str, bob: &str) -> Script {
    script
        .hear("MAIL FROM:<me@example.net>")
        .say("250 Ok\r\n")
        .hear("RCPT TO:<alice@example.org>")
        .say(format!("{alice}\r\n"))
        .hear("RCPT TO:<bob@example.org>")
        .say(format!("{bob}\r\n"))
}

fn leaving(script: Script) -> Script {
    script.hear("QUIT").say("221 Bye\r\n")
}

fn reset(script: Script) -> Script {
    leaving(script.hear("RSET").say("250 Ok\r\n"))
}

async fn send(script: Script, shape: impl FnOnce(Options) -> Options) -> Outcome {
    let world = World::new();
    let recipients: [Address; 2] = [
        "alice@example.org".parse().unwrap(),
        "bob@example.org".parse().unwrap(),
    ];
    let options = world
        .options()
        .sender("me@example.net".parse().unwrap())
        .recipients(&recipients)
        .message(message());
    let outcome = converse(
        &world,
        &script,
        Security::Cleartext,
        SecretsOver::VerifiedTls,
        shape(options),
    )
    .await;
    outcome.conversation.assert_followed();
    outcome
}

fn results(outcome: &Outcome) -> Vec<(String, &'static str)> {
    let submission = outcome.facts.submission.as_ref().unwrap();
    let results = submission.results.iter();
    let result = |one: &smtp_probe::RecipientFacts| {
        (one.address.to_string(), one.answer.acceptance.as_str())
    };
    results.map(result).collect()
}

#[tokio::test(start_paused = true)]
async fn data_is_said_when_all_recipients_are_known_and_dots_are_doubled() {
    let script = accepting(offering("EHLO", &["PIPELINING"]), "250 Ok", "550 5.1.1 No")
        .hear("DATA")
        .say("354 End with a dot\r\n")
        .hear_bytes(STUFFED.len())
        .say("250 2.0.0 Ok: queued as 4ABC\r\n");
    let outcome = send(leaving(script), |options| options).await;
    assert_eq!(outcome.failure, None);
    assert!(
        outcome
            .conversation
            .heard_in_clear()
            .ends_with(&[STUFFED, b"QUIT\r\n"].concat())
    );
    assert_eq!(
        results(&outcome),
        [("alice@example.org".to_owned(), "accepted")]
    );
    let submission = outcome.facts.submission.as_ref().unwrap();
    let queued: &[u8] = b"2.0.0 Ok: queued as 4ABC";
    assert_eq!(submission.queue_text(), Some(queued));
    assert_eq!(submission.transfer, "DATA");
    assert_eq!(outcome.codes(), ["smtp.recipient.unknown"]);
    assert!(outcome.report.to_json().contains(r#""transfer":"DATA""#));
}

#[tokio::test(start_paused = true)]
async fn a_chunk_goes_as_it_is_where_chunking_is_offered_and_allowed() {
    let chunk = [format!("BDAT {} LAST\r\n", BYTES.len()).as_bytes(), BYTES].concat();
    let script = accepting(offering("EHLO", &["CHUNKING"]), "250 Ok", "250 Ok")
        .hear_bytes(chunk.len())
        .say("250 2.0.0 Ok\r\n");
    let outcome = send(leaving(script), |options| options).await;
    assert!(
        outcome
            .conversation
            .heard_in_clear()
            .ends_with(&[&chunk[..], b"QUIT\r\n"].concat())
    );
    assert_eq!(results(&outcome).len(), 2);

    let script = accepting(offering("EHLO", &["CHUNKING"]), "250 Ok", "250 Ok")
        .hear("DATA")
        .say("354 Go\r\n")
        .hear_bytes(STUFFED.len())
        .say("250 Ok\r\n");
    let outcome = send(leaving(script), |options| options.transfer(Transfer::Data)).await;
    assert_eq!(outcome.failure, None);
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_is_refused_was_eaten_and_the_dialogue_goes_on() {
    // go-smtp#315.
    let chunk = BYTES.len() + format!("BDAT {} LAST\r\n", BYTES.len()).len();
    let script = accepting(offering("EHLO", &["CHUNKING"]), "250 Ok", "250 Ok")
        .hear_bytes(chunk)
        .say("554 5.7.1 Spam\r\n");
    let outcome = send(reset(script), |options| options).await;
    assert_eq!(outcome.failure, None);
    assert_eq!(
        outcome.codes(),
        ["smtp.message.refused", "smtp.message.refused"]
    );
    let evidence = "alice@example.org: 554 5.7.1 Spam";
    assert_eq!(outcome.findings[0].evidence, evidence);
}

#[tokio::test(start_paused = true)]
async fn with_nobody_accepted_data_is_never_said() {
    // RFC 2920 section 3.1: some servers would answer 354 all the same.
    for (reply, codes) in [
        (
            "550 5.1.1 No",
            &[
                "smtp.recipient.unknown",
                "smtp.recipient.unknown",
                "smtp.message.not-sent",
            ],
        ),
        (
            "450 4.7.1 Greylisted",
            &[
                "smtp.recipient.greylisted",
                "smtp.recipient.greylisted",
                "smtp.message.not-sent",
            ],
        ),
    ] {
        let script = accepting(offering("EHLO", &[]), reply, reply);
        let outcome = send(reset(script), |options| options).await;
        let mut told = outcome.codes();
        told.sort_unstable();
        let mut expected = codes.to_vec();
        expected.sort_unstable();
        assert_eq!(told, expected);
        assert_eq!(outcome.facts.submission, None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_of_a_sender_who_is_put_off_is_not_sent_and_that_is_told() {
    let script = offering("EHLO", &[])
        .hear("MAIL")
        .say("450 4.7.1 Greylisted\r\n");
    let outcome = send(reset(script), |options| options).await;
    assert_eq!(outcome.failure, None);
    let mut codes = outcome.codes();
    codes.sort_unstable();
    assert_eq!(codes, ["smtp.message.not-sent", "smtp.sender.greylisted"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_data_sends_nothing_and_says_goodbye() {
    for (reply, kind) in [
        ("451 4.3.0 Later", FailureKind::Temporary),
        ("554 5.5.1 No", FailureKind::Permanent),
        ("250 What?", FailureKind::Protocol),
    ] {
        let script = accepting(offering("EHLO", &[]), "250 Ok", "250 Ok")
            .hear("DATA")
            .say(format!("{reply}\r\n"));
        let outcome = send(leaving(script), |options| options).await;
        let failure = outcome.failure.unwrap();
        assert_eq!((failure.phase.as_str(), failure.kind), ("data", kind));
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_that_is_put_off_is_a_warning() {
    let script = accepting(offering("EHLO", &[]), "250 Ok", "550 5.1.1 No")
        .hear("DATA")
        .say("354 Go\r\n")
        .hear_bytes(STUFFED.len())
        .say("451 4.7.1 Try again\r\n");
    let outcome = send(reset(script), |options| options).await;
    assert!(outcome.codes().contains(&"smtp.message.deferred"));
    assert!(!outcome.facts.submission.unwrap().is_accepted());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_said_within_the_message_where_the_connection_dies() {
    let script = accepting(offering("EHLO", &[]), "250 Ok", "250 Ok")
        .hear("DATA")
        .say("354 Go\r\n")
        .hear_bytes(STUFFED.len())
        .close();
    let outcome = send(script, |options| options).await;
    let failure = outcome.failure.unwrap();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("message", FailureKind::Closed)
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_server_cannot_carry_is_not_begun() {
    let eight_bit = Message::new("Grüße\r\n").unwrap();
    let script = leaving(offering("EHLO", &[]));
    let outcome = send(script, |options| options.message(eight_bit.clone())).await;
    assert_eq!(outcome.failure.unwrap().kind, FailureKind::Unsupported);

    let size = format!("SIZE {}", BYTES.len() - 1);
    let outcome = send(leaving(offering("EHLO", &[&size])), |options| options).await;
    assert_eq!(outcome.codes(), ["smtp.size.exceeded"]);

    // What it can, it is told of.
    let script = offering("EHLO", &["8BITMIME", "SIZE 9"])
        .hear("MAIL FROM:<me@example.net> SIZE=9 BODY=8BITMIME")
        .say("550 No\r\n");
    send(leaving(script), |options| options.message(eight_bit)).await;
}

#[tokio::test(start_paused = true)]
async fn lmtp_answers_for_each_recipient_that_it_accepted() {
    let script = accepting(offering("LHLO", &[]), "250 Ok", "250 Ok")
        .hear("DATA")
        .say("354 Go\r\n")
        .hear_bytes(STUFFED.len())
        .say("250 2.0.0 <alice@example.org> Saved\r\n552 5.2.2 <bob@example.org> Quota\r\n");
    let outcome = send(leaving(script), |options| options.protocol(Protocol::Lmtp)).await;
    assert_eq!(
        results(&outcome),
        [
            ("alice@example.org".to_owned(), "accepted"),
            ("bob@example.org".to_owned(), "mailbox-full"),
        ]
    );
    assert_eq!(outcome.codes(), ["smtp.message.refused"]);
}

#[test]
fn a_message_has_no_line_that_servers_disagree_on() {
    let fault = |bytes: &[u8]| Message::new(bytes).err();
    for bytes in [
        &b""[..],
        b"a",
        b"a\n",
        b"a\r",
        b"a\nb\r\n",
        b"a\rb\r\n",
        b"a\r\r\n",
        b"\n\r\n",
    ] {
        assert_eq!(fault(bytes), Some(MessageError::LineEnd), "{bytes:?}");
    }
    assert_eq!(fault(b"a\0\r\n"), Some(MessageError::Nul));
    assert_eq!(fault(b"\r\n"), None);
    assert_eq!(fault(b"a\r\n.\r\n"), None);
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
    let token = Token::from_bytes([7; 16]);
    let canary = Canary::new("a@example.net", "b@example.org", token, now).unwrap();
    for canary in [canary.clone(), canary.with_eight_bit()] {
        let message = Message::from(&canary);
        assert_eq!(Message::new(canary.bytes()), Ok(message.clone()));
        assert!(!format!("{message:?}").contains("canary"));
    }
}

#[test]
fn a_message_goes_to_somebody_and_to_nobody_who_was_made_up() {
    let options = || World::new().options().message(message());
    let fault = |options: Options| options.build().err();
    assert_eq!(fault(options()), Some(ConfigError::MessageToNobody));
    let alice = ["alice@example.org".parse().unwrap()];
    let stranger = options().recipients(&alice).catch_all(true);
    assert_eq!(fault(stranger), Some(ConfigError::MessageToStranger));
    assert_eq!(fault(options().recipients(&alice)), None);
    let early = options().recipients(&alice).quit_after(Stage::Rcpt);
    assert_eq!(fault(early), Some(ConfigError::MessageBehindTheEnd));
}
