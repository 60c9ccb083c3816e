//! The bodies of the fuzz targets. Each states one law and panics where it does not hold; the corpus is
//! replayed under plain `cargo test`.

#![allow(clippy::panic, reason = "a broken law must stop the fuzzer")]

use core::net::IpAddr;
use std::sync::Arc;

use probe_net::fuzzing::replies;
use probe_net::message::Token;
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security, Tls, TlsFacts};
use probe_net::{Codec, Decoded, Dialogue, Event, Net, Oddities, Outgoing, Step};

use crate::{
    Capabilities, EhloName, Expectation, Message, NtlmChallenge, Options, RelayTest, Reply,
    SmtpCodec, SmtpDialogue, Stage,
};

/// However the stream is cut, the same replies come out; and whatever they are, they can be read.
pub fn reply(data: &[u8]) {
    let Some((piece, stream)) = data.split_first() else {
        return;
    };
    for (reply, _) in replies(SmtpCodec::default, stream, *piece) {
        read_all_of(reply);
    }
}

fn read_all_of(reply: Reply) {
    let lines = reply.lines().count();
    let _ = (reply.enhanced(), reply.text().len(), format!("{reply:?}"));
    let capabilities = Capabilities::from(reply);
    assert!(capabilities.keywords().count() < lines.max(1));
    let _ = (
        capabilities.size_limit(),
        capabilities.mechanisms(),
        capabilities.domain().len(),
    );
}

/// Any bytes are read as a challenge of NTLM or refused, and no name of it is longer than they are.
pub fn ntlm(data: &[u8]) {
    if let Ok(challenge) = NtlmChallenge::parse(data) {
        let mut names = challenge.names();
        assert!(names.all(|(_, name)| name.chars().count() <= data.len()));
    }
}

/// Whatever the server says, the dialogue ends, and soon.
pub fn dialogue(data: &[u8]) {
    const STEPS: usize = 200;
    let Some((choice, mut stream)) = data.split_first() else {
        return;
    };
    let Some(mut dialogue) = chosen(*choice) else {
        return;
    };
    let mut codec = SmtpCodec::default();
    let mut oddities = Oddities::default();
    let secured = || Event::Secured(Arc::new(TlsFacts::unknown("mx.example.test")));
    let mut event = if choice & 1 == 0 {
        Event::Connected
    } else {
        secured()
    };
    for _ in 0..STEPS {
        let patience = match dialogue.next(event) {
            Err(_) | Ok(Step::Done) => return leave(&dialogue, &mut codec),
            Ok(Step::Await { patience, .. }) => patience,
            Ok(Step::Send { commands, patience }) => {
                for (_, command) in commands {
                    codec.encode(&command, &mut Outgoing::default());
                }
                patience
            }
            Ok(_) => {
                event = secured();
                continue;
            }
        };
        event = match codec.decode(stream, &mut oddities) {
            Ok(Decoded::Frame { reply, used }) => {
                stream = stream.get(used..).unwrap_or_default();
                Event::Reply(reply)
            }
            _ if patience.is_some() => Event::Closed,
            _ => return,
        };
    }
    panic!("{STEPS} steps and no end");
}

fn leave(dialogue: &SmtpDialogue, codec: &mut SmtpCodec) {
    if let Some(farewell) = dialogue.farewell() {
        codec.encode(&farewell, &mut Outgoing::default());
    }
}

/// A dialogue with one of the combinations of options.
fn chosen(choice: u8) -> Option<SmtpDialogue> {
    let security = match choice >> 1 & 3 {
        0 => Security::Opportunistic,
        1 => Security::Required,
        2 => Security::Cleartext,
        _ => Security::Implicit,
    };
    let credentials = match choice >> 3 & 3 {
        0 => None,
        1 => Some(Credentials::password("alice", "wonderland").ok()?),
        2 => Some(Credentials::token("alice", "t".repeat(600)).ok()?),
        _ => Some(Credentials::external(None).ok()?),
    };
    let mut options = Options::new(Net::new(Tls::ring(rustls::RootCertStore::empty())))
        .secrets_over(SecretsOver::Cleartext)
        .ehlo_after_auth(choice & 32 == 0);
    options.credentials = credentials;
    if choice & 128 != 0 {
        options = options.expect(Stage::Rcpt, Expectation::Class(5));
        options = options.noops(3).verify(&["root".parse().ok()?]);
        options = options.ntlm_facts(true);
    }
    if choice & 192 == 192 && choice & 24 == 0 {
        let sender = "a@example.net".parse().ok()?;
        let test = RelayTest::new(sender, "b@example.com".parse().ok()?);
        options = options.relay_test(test.ok()?);
    }
    if choice & 64 != 0 {
        options.recipients = vec![
            "alice@example.test".parse().ok()?,
            "bob@example.test".parse().ok()?,
        ];
        options = match choice & 32 {
            0 => options.catch_all(true).message_size(1).eight_bit(true),
            _ => options.message(Message::new(*b".\r\n").ok()?),
        };
        options = options.smuggling_test(choice & 160 == 160);
    }
    options = options.injection_test(choice & 224 == 32);
    let name: EhloName = "probe.example.test".parse().ok()?;
    let dialogue = SmtpDialogue::new(Arc::new(options), security, name);
    let server = "mx.example.test".parse().ok()?;
    let dialogue = dialogue.with_server(server, Some(IpAddr::from([192, 0, 2, 1])));
    Some(dialogue.with_token(Token::from_bytes([7; 16])))
}

#[cfg(test)]
mod tests {
    use probe_testkit::corpus;
    use proptest::prelude::*;

    /// Replies as they come in envelopes, relay tests and messages.
    fn replies() -> impl Strategy<Value = Vec<String>> {
        let reply = prop_oneof![
            8 => "250 Ok\r\n",
            2 => "250-mx\r\n250-(PIPELINING|CHUNKING|DSN|SIZE 9|STARTTLS|AUTH NTLM)\r\n250 8BITMIME\r\n",
            2 => "(220|235|334|354|421|450|452|502|530|550|554) [245].[0-9].[0-9] [a-z ]{0,9}\r\n",
            1 => "[ -~]{0,9}\r\n",
        ];
        proptest::collection::vec(reply, 0..120)
    }

    proptest! {
        #[test]
        fn with_any_options_and_any_replies_the_dialogue_ends(
            choice in any::<u8>(),
            replies in replies(),
        ) {
            let mut data = vec![choice];
            data.extend_from_slice(b"220 mx\r\n");
            data.extend_from_slice(replies.concat().as_bytes());
            super::dialogue(&data);
        }
    }

    #[test]
    fn the_corpus_of_replies_holds_the_law() {
        for (_, data) in corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/reply")) {
            super::reply(&data);
        }
    }

    #[test]
    fn the_corpus_of_ntlm_holds_the_law() {
        for (_, data) in corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/ntlm")) {
            super::ntlm(&data);
        }
    }

    #[test]
    fn the_corpus_of_dialogues_holds_the_law() {
        for (_, data) in corpus(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/corpus/dialogue"
        )) {
            super::dialogue(&data);
        }
    }
}
