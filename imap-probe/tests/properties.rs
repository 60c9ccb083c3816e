//! The laws, for arbitrary peers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod common;
mod meaning;

use std::sync::OnceLock;

use common::{Outcome, World, converse};
use imap_probe::{Data, ImapCodec, LoginCommand, Mailbox, Options, Reply, Response};
use meaning::written;
use probe_net::sasl::{Credentials, Mechanism};
use probe_net::tls::{SecretsOver, Security};
use probe_net::{Codec, Decoded, Oddities};
use probe_testkit::{Script, cut};
use proptest::prelude::*;

const PASSWORD: &str = "correct horse battery staple";
/// Travels as a literal, since a backslash would hide it.
const LITERAL: &str = "correct \"horse\" battery staple";

/// All responses of a stream that comes in these pieces, and what was odd about them.
fn replies(pieces: &[&[u8]]) -> (Vec<Reply>, Vec<&'static str>) {
    let mut codec = ImapCodec::default();
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
    let codes = oddities.findings().map(|finding| finding.code()).collect();
    (replies, codes)
}

/// Bytes that look like IMAP more often than chance would have it.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        "(\\*|A[1-9]|\\+) (OK|NO|BAD|BYE|PREAUTH) [ -~]{0,30}\r\n",
        "\\* (OK|PREAUTH) \\[CAPABILITY IMAP4rev1( STARTTLS| AUTH=PLAIN| AUTH=LOGIN| SASL-IR| LITERAL\\+| UIDPLUS| MOVE| IDLE| ID| NAMESPACE| QUOTA| ACL){0,6}\\] ready\r\n",
        "A[1-9][0-9]? OK (\\[(READ-ONLY|APPENDUID 1 7|COPYUID 1 7 7|CAPABILITY IMAP4rev1 UIDPLUS)\\] )?done\r\n",
        "\\* [0-9]{1,3} (EXISTS|RECENT|EXPUNGE|FETCH \\(UID [0-9]\\))\r?\n",
        "\\* (LIST \\(\\) \"/\" mailprobe-[0-9]{10}-[0-9a-f]{8}|SEARCH 7|ID NIL)\r\n",
        "\\+ [A-Za-z0-9+/=]{0,12}\r\n",
        "[ -~]{0,20}\\{[0-9]{1,2}\\}\r\n",
        "[ -~]{0,20}\r\n",
    ];
    let written = written::response().prop_map(|(wire, _)| wire);
    let noise = proptest::collection::vec(any::<u8>(), 0..40);
    let piece = prop_oneof![9 => line.prop_map(String::into_bytes), 3 => written, 1 => noise];
    proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::new)
}

fn wait(
    script: &Script,
    security: Security,
    secrets_over: SecretsOver,
    options: Options,
) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(converse(world(), script, security, secrets_over, options))
}

/// A dialogue with a server that says this, whatever it hears.
fn meet(server: &[u8], security: Security, secrets_over: SecretsOver, options: Options) -> Outcome {
    let script = Script::new().say(server).drain();
    wait(&script, security, secrets_over, options)
}

fn with(password: &str) -> Options {
    let credentials = Credentials::password("alice", password).unwrap();
    world().options().credentials(credentials)
}

/// Everything that people or programs get to see of it. What the server heard is not among it.
fn shown(outcome: &Outcome) -> [String; 3] {
    [
        format!("{outcome:?}").replace(&format!("{:?}", outcome.conversation), ""),
        outcome.report.to_json(),
        outcome.report.transcript.to_string(),
    ]
}

proptest! {
    #[test]
    fn any_split_of_the_stream_gives_the_same_responses(
        stream in stream(),
        sizes in proptest::collection::vec(1usize..9, 1..20),
    ) {
        prop_assert_eq!(replies(&cut(&stream, &sizes)), replies(&[&stream]));
    }

    #[test]
    fn a_response_that_was_written_is_read_back(
        responses in proptest::collection::vec(written::response(), 1..4),
    ) {
        let stream = responses.iter().flat_map(|(wire, _)| wire.clone()).collect::<Vec<_>>();
        let (read, codes) = replies(&[&stream]);
        let read: Vec<_> = read.iter().map(|reply| meaning::of(reply.response())).collect();
        let meant: Vec<_> = responses.into_iter().map(|(_, meaning)| meaning).collect();
        prop_assert_eq!(read, meant);
        prop_assert_eq!(codes, Vec::<&str>::new());
    }

    #[test]
    fn the_name_of_a_mailbox_is_the_same_after_it_was_on_the_wire(
        name in "\\PC{1,12}",
        is_literal in any::<bool>(),
    ) {
        let mailbox: Mailbox = name.parse().unwrap();
        let wire = mailbox.to_wire();
        prop_assert!(wire.iter().all(|byte| (b' '..=b'~').contains(byte)));
        let written = match is_literal {
            true => written::literal(&wire),
            false => written::quoted(core::str::from_utf8(&wire).unwrap()),
        };
        let line = [b"* LIST () NIL ", &*written, b"\r\n"].concat();
        let (read, _) = replies(&[&line]);
        let Response::Data(Data::List(listed)) = read[0].response() else {
            panic!("{read:?}");
        };
        let read = Mailbox::from_wire(&listed.mailbox);
        prop_assert_eq!(&read.to_string(), &name);
        prop_assert_eq!(read, mailbox);
    }

    #[test]
    fn whatever_the_server_says_the_dialogue_ends_and_no_secret_leaves_in_clear(
        server in stream(),
        required in any::<bool>(),
        is_literal in any::<bool>(),
        edit in any::<bool>(),
    ) {
        let security = if required { Security::Required } else { Security::Opportunistic };
        let password = if is_literal { LITERAL } else { PASSWORD };
        let outcome = meet(&server, security, SecretsOver::VerifiedTls, with(password).edit(edit));
        prop_assert!(!outcome.conversation.leaks(password));
    }

    #[test]
    fn no_output_contains_the_secret_even_where_it_was_sent(
        server in stream(),
        is_literal in any::<bool>(),
        edit in any::<bool>(),
    ) {
        let (password, base64) = match is_literal {
            true => (LITERAL, "AGFsaWNlAGNvcnJlY3QgImhvcnNlIiBiYXR0ZXJ5IHN0YXBsZQ=="),
            false => (PASSWORD, "AGFsaWNlAGNvcnJlY3QgaG9yc2UgYmF0dGVyeSBzdGFwbGU="),
        };
        // In debug format the quotes are escaped.
        let escaped = format!("{password:?}");
        let outcome =
            meet(&server, Security::Cleartext, SecretsOver::Cleartext, with(password).edit(edit));
        for text in shown(&outcome) {
            prop_assert!(!text.contains(password) && !text.contains(base64));
            prop_assert!(!text.contains(escaped.trim_matches('"')));
        }
    }

    #[test]
    fn what_was_learned_before_the_server_went_astray_is_in_the_report(server in stream()) {
        let greeting = b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] X-LEARNED\r\n";
        let server = [greeting, &*server].concat();
        let outcome = meet(&server, Security::Cleartext, SecretsOver::Cleartext, with(PASSWORD));
        prop_assert_eq!(outcome.facts.greeting.as_ref().map(Reply::raw), Some(&greeting[..]));
        prop_assert!(outcome.facts.clear.is_some() && outcome.facts.auth.is_some());
        prop_assert!(outcome.report.to_json().contains("X-LEARNED"));
        prop_assert!(outcome.report.spans.iter().any(|span| span.phase.as_str() == "greeting"));
    }
}

/// A server that repeats every line of the login, and nothing of it is in the report.
fn echo(password: &str, command: LoginCommand, is_literal: bool) {
    let mut script = Script::new().say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n");
    if is_literal {
        script = script.hear("A1 LOGIN").say("+ go on\r\n");
    }
    let script = script
        .answer(|line| [b"A1 NO you said ", line, b"\r\n"].concat())
        .drain();
    let options = with(password)
        .login_command(command)
        .mechanisms(&[Mechanism::Plain]);
    let outcome = wait(
        &script,
        Security::Cleartext,
        SecretsOver::Cleartext,
        options,
    );
    let json = outcome.report.to_json();
    assert!(
        json.contains("you said ") && json.contains("****"),
        "{json}"
    );
    for text in shown(&outcome) {
        for part in ["AGFsaWNl", "horse", "battery"] {
            assert!(!text.contains(part), "{part} in {text}");
        }
    }
}

#[test]
fn a_server_that_repeats_what_it_heard_does_not_carry_the_secret_into_the_report() {
    echo(PASSWORD, LoginCommand::Never, false);
    echo(PASSWORD, LoginCommand::Only, false);
}

#[test]
fn a_server_that_repeats_a_literal_does_not_carry_the_secret_into_the_report() {
    echo(LITERAL, LoginCommand::Only, true);
    echo("correct horse \\ battery staple", LoginCommand::Only, true);
}
