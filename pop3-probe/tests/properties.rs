//! The laws, for arbitrary peers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::future::Future;
use std::sync::OnceLock;

use common::model::{Maildrop, Quirk};
use common::{Outcome, World, converse, log_in};
use pop3_probe::{Command, Options, Pop3Codec, Reply};
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security};
use probe_net::{Codec, Decoded, Oddities, Outgoing};
use probe_testkit::{Answer, Script, cut};
use proptest::prelude::*;

const PASSWORD: &str = "correct horse battery staple";

/// All replies of a stream that comes in these pieces, where lists and messages are awaited in turn.
fn replies(pieces: &[&[u8]]) -> Vec<Reply> {
    let mut codec = Pop3Codec::default();
    for command in [Command::Noop, Command::List, Command::Retr(1)]
        .iter()
        .cycle()
        .take(30)
    {
        codec.encode(command, &mut Outgoing::default());
    }
    let mut oddities = Oddities::default();
    let mut buffer = Vec::new();
    let mut replies = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Ok(Decoded::Frame { reply, used }) = codec.decode(&buffer, &mut oddities) {
            replies.push(reply);
            buffer.drain(..used);
        }
    }
    replies
}

/// Bytes that look like POP3 more often than chance would have it.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        "(\\+OK|-ERR|\\+)( [ -~]{0,30})?\r\n",
        "\\+OK\r\n(USER\r\n|STLS\r\n|UIDL\r\n|SASL (PLAIN|LOGIN|SCRAM-SHA-256)\r\n|PIPELINING\r\n){0,4}\\.\r\n",
        "\\+OK [0-9]{1,2} [0-9]{1,5}\r\n",
        "\\+OK\r\n([0-9]{1,2} [0-9a-f]{1,5}\r\n){0,4}\\.\r\n",
        "\\+ [A-Za-z0-9+/=]{0,12}\r?\n",
        "\\.{1,2}[ -~]{0,5}\r?\n",
        "[ -~]{0,20}\r\n",
    ];
    let noise = proptest::collection::vec(any::<u8>(), 0..40);
    let piece = prop_oneof![9 => line.prop_map(String::into_bytes), 1 => noise];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::new)
}

fn at_once<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(work)
}

fn options() -> Options {
    world()
        .options()
        .credentials(Credentials::password("alice", PASSWORD).unwrap())
        .ages(true)
        .noops(2)
        .retrieve(true)
        .prove_rights(true)
}

/// A dialogue with a server that says this, whatever it hears.
fn meet(server: &[u8], security: Security, secrets_over: SecretsOver) -> Outcome {
    let script = Script::new().say(server).drain();
    at_once(converse(
        world(),
        &script,
        security,
        secrets_over,
        options(),
    ))
}

proptest! {
    #[test]
    fn any_split_of_the_stream_gives_the_same_replies(
        stream in stream(),
        sizes in proptest::collection::vec(1usize..9, 1..20),
    ) {
        prop_assert_eq!(replies(&cut(&stream, &sizes)), replies(&[&stream]));
    }

    #[test]
    fn a_message_that_was_stuffed_is_read_back(
        lines in proptest::collection::vec("\\.{0,3}[ -~]{0,20}", 0..10),
    ) {
        let stuffed = |line: &String| match line.starts_with('.') {
            true => format!(".{line}\r\n"),
            false => format!("{line}\r\n"),
        };
        let written: String = lines.iter().map(stuffed).collect();
        let mut codec = Pop3Codec::default();
        codec.encode(&Command::Retr(1), &mut Outgoing::default());
        let written = format!("+OK\r\n{written}.\r\n");
        let decoded = codec.decode(written.as_bytes(), &mut Oddities::default()).unwrap();
        let Decoded::Frame { reply, used } = decoded else { panic!("no frame") };
        prop_assert_eq!(used, written.len());
        let message: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        prop_assert_eq!(reply.octets(), message.len());
        prop_assert_eq!(reply.message(), message.into_bytes());
        let read: Vec<_> = reply.lines().map(|line| String::from_utf8_lossy(line)).collect();
        prop_assert_eq!(read, lines);
    }

    #[test]
    fn whatever_the_server_says_the_dialogue_ends_and_no_secret_leaves_in_clear(
        server in stream(),
        required in any::<bool>(),
    ) {
        let security = if required { Security::Required } else { Security::Opportunistic };
        let outcome = meet(&server, security, SecretsOver::VerifiedTls);
        prop_assert!(!outcome.conversation.leaks(PASSWORD));
    }

    #[test]
    fn no_output_contains_the_secret_even_where_it_was_sent(server in stream()) {
        let outcome = meet(&server, Security::Cleartext, SecretsOver::Cleartext);
        let base64 = "AGFsaWNlAGNvcnJlY3QgaG9yc2UgYmF0dGVyeSBzdGFwbGU=";
        let shown = [
            format!("{outcome:?}").replace(&format!("{:?}", outcome.conversation), ""),
            outcome.report.to_json(),
            outcome.report.transcript.to_string(),
        ];
        for text in shown {
            prop_assert!(!text.contains(PASSWORD) && !text.contains(base64));
        }
    }

    #[test]
    fn whatever_a_server_says_from_the_login_on_no_message_is_lost(
        words in "(\\+OK|-ERR|\\+|[a-z]{0,5})[ -~]{0,10}\r\n",
        verb in prop_oneof![
            Just("STAT"), Just("LIST"), Just("UIDL"), Just("RETR"), Just("TOP"), Just("DELE"), Just("RSET"),
        ],
    ) {
        // The model lets go of what it holds only where it means to.
        let words: &'static str = words.leak();
        let maildrop = Maildrop::of(3);
        let quirk = Quirk::Instead(verb, Answer::say(words));
        let script = maildrop.served("TOP\r\nUIDL\r\nPIPELINING\r\n", &quirk);
        at_once(log_in(&script, |options| options.ages(true).retrieve(true).prove_rights(true)));
        // A server that says +OK to RSET and does not obey is beyond what a client can mend.
        prop_assert!(maildrop.count() == 3 || (verb == "RSET" && words.starts_with("+OK")));
    }
}

#[test]
fn a_server_that_repeats_what_it_heard_does_not_carry_the_secret_into_the_report() {
    let script = Script::new()
        .say("+OK\r\n")
        .hear("CAPA")
        .say("+OK\r\nSASL PLAIN\r\n.\r\n")
        .answer(|line| [b"-ERR you said ", line, b"\r\n"].concat())
        .drain();
    let weakest = SecretsOver::Cleartext;
    let outcome = at_once(converse(
        world(),
        &script,
        Security::Cleartext,
        weakest,
        options(),
    ));
    let json = outcome.report.to_json();
    assert!(json.contains("you said AUTH PLAIN ****"), "{json}");
    assert!(!json.contains("AGFsaWNl"), "{json}");
}
