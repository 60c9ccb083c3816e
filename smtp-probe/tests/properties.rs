//! The laws, for arbitrary peers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::sync::OnceLock;

use common::{Outcome, World, converse};
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security};
use probe_net::{Codec, Decoded, Oddities};
use probe_testkit::{Script, cut};
use proptest::prelude::*;
use smtp_probe::{Reply, SmtpCodec};

const PASSWORD: &str = "correct horse battery staple";

/// All replies of a stream that comes in these pieces.
fn replies(pieces: &[&[u8]]) -> Vec<Reply> {
    let mut codec = SmtpCodec::default();
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

/// Bytes that look like SMTP more often than chance would have it.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        "[2-5][0-9]{2}[ -][ -~]{0,30}\r\n",
        "250-(STARTTLS|AUTH PLAIN LOGIN|SIZE 99|AUTH=LOGIN|PIPELINING)\r\n",
        "(220|250|334|235|354|421|454|535) [A-Za-z0-9+/=]{0,12}\r?\n",
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

/// A dialogue with a server that says this, whatever it hears.
fn meet(server: &[u8], security: Security, secrets_over: SecretsOver) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let options = world()
        .options()
        .credentials(Credentials::password("alice", PASSWORD).unwrap())
        .recipients(&["bob@example.test".parse().unwrap()])
        .catch_all(true);
    let script = Script::new().say(server).drain();
    runtime.block_on(converse(world(), &script, security, secrets_over, options))
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
    fn a_reply_that_was_written_is_read_back(
        code in 200u16..600,
        lines in proptest::collection::vec("[!-~]([ -~]{0,60}[!-~])?", 1..10),
    ) {
        let last = lines.len() - 1;
        let written: String = lines
            .iter()
            .enumerate()
            .map(|(at, line)| format!("{code}{}{line}\r\n", if at == last { ' ' } else { '-' }))
            .collect();
        let read = replies(&[written.as_bytes()]);
        prop_assert_eq!(read.len(), 1);
        prop_assert_eq!(read[0].code().map(|code| code.number()), Some(code));
        let texts: Vec<_> = read[0].lines().map(|line| String::from_utf8_lossy(line)).collect();
        prop_assert_eq!(texts, lines);
    }

    #[test]
    fn whatever_the_server_says_the_dialogue_ends_and_no_secret_leaves_in_clear(
        server in stream(),
        required in any::<bool>(),
    ) {
        let security = if required { Security::Required } else { Security::Opportunistic };
        let outcome = meet(&server, security, SecretsOver::VerifiedTls);
        prop_assert!(!outcome.conversation.leaks(PASSWORD));
        let sends = |line: &String| line.starts_with("DATA") || line.starts_with("BDAT");
        prop_assert!(!outcome.said().iter().any(sends), "mail that nobody gave us");
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
}

#[test]
fn a_server_that_repeats_what_it_heard_does_not_carry_the_secret_into_the_report() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    let script = Script::new()
        .say("220 mx\r\n")
        .hear("EHLO")
        .say("250-mx\r\n250 AUTH PLAIN\r\n")
        .answer(|line| [b"535 5.7.8 you said ", line, b"\r\n"].concat())
        .drain();
    let options = world()
        .options()
        .credentials(Credentials::password("alice", PASSWORD).unwrap());
    let outcome = runtime.block_on(converse(
        world(),
        &script,
        Security::Cleartext,
        SecretsOver::Cleartext,
        options,
    ));
    let json = outcome.report.to_json();
    assert!(json.contains("you said AUTH PLAIN ****"), "{json}");
    assert!(!json.contains("AGFsaWNl"), "{json}");
}
