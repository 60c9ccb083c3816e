//! The bodies of the fuzz targets. Each states one law and panics where it does not hold; the corpus is
//! replayed under plain `cargo test`.

#![allow(clippy::panic, reason = "a broken law must stop the fuzzer")]

use core::time::Duration;
use std::sync::Arc;
use std::time::SystemTime;

use probe_core::Thresholds;
use probe_net::fuzzing::replies;
use probe_net::message::{Canary, Token};
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security, Tls, TlsFacts};
use probe_net::{Codec, Decoded, Dialogue, Event, Layer, Net, Oddities, Outgoing, Step};

use crate::{
    Access, Data, Extension, ImapCodec, ImapDialogue, LoginCommand, Mailbox, Options, Reply,
    Response,
};

/// However the stream is cut, the same responses come out; and whatever they are, they can be read.
pub fn reply(data: &[u8]) {
    let Some((piece, stream)) = data.split_first() else {
        return;
    };
    for (reply, used) in replies(ImapCodec::default, stream, *piece) {
        assert_eq!(reply.raw().len(), used);
        read_all_of(&reply);
    }
}

fn read_all_of(reply: &Reply) {
    let _ = format!("{reply:?} {:?}", reply.response());
    match reply.response() {
        Response::Data(Data::Capability(offered)) => {
            let known = offered.mechanisms().len();
            assert!(known <= offered.words().count());
        }
        Response::Data(Data::Fetch(fetch)) => {
            let _ = (fetch.uid(), fetch.flags(), fetch.body(""));
        }
        Response::Data(Data::List(list)) => {
            let mailbox = Mailbox::from_wire(&list.mailbox);
            // Said back it means the same, however oddly the server wrote it.
            assert_eq!(Mailbox::from_wire(&mailbox.to_wire()), mailbox);
            assert!(mailbox.is(&list.mailbox));
        }
        Response::Status(status) => assert!(!status.has_code("")),
        _ => {}
    }
}

/// Whatever the server says, the dialogue ends, and soon, and is never told what it does not expect.
pub fn dialogue(data: &[u8]) {
    /// The questions, the edit proof, the folders of earlier runs, and every mechanism once.
    const COMMANDS: usize = 120;
    let [choice, more, stream @ ..] = data else {
        return;
    };
    let Some(mut dialogue) = chosen(*choice, *more) else {
        return;
    };
    let mut stream = stream;
    let mut codec = ImapCodec::default();
    let mut oddities = Oddities::default();
    let secured = || Event::Secured(Arc::new(TlsFacts::unknown("imap.example.test")));
    let mut event = match choice & 1 {
        0 => Event::Connected,
        _ => secured(),
    };
    let mut said = 0;
    while said < COMMANDS {
        let patience = match dialogue.next(event) {
            Err(failure) => {
                assert!(!failure.detail.contains("stood at"), "{failure:?}");
                return leave(&dialogue, &mut codec);
            }
            Ok(Step::Done) => return,
            Ok(Step::Await { patience, .. }) => patience,
            Ok(Step::Pause) => {
                event = Event::Resumed;
                continue;
            }
            Ok(Step::Upgrade(Layer::Deflate)) => {
                event = Event::Layered;
                continue;
            }
            Ok(Step::Send { commands, patience }) => {
                for (phase, command) in commands {
                    codec.encode(&command, &mut Outgoing::default());
                    dialogue.took(phase, Duration::from_millis(1));
                    said += 1;
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
            _ if patience.is_none() => return,
            _ if more & 64 == 0 => Event::Closed,
            _ => Event::Silence,
        };
    }
    panic!("{COMMANDS} commands and no end");
}

fn leave(dialogue: &ImapDialogue, codec: &mut ImapCodec) {
    if let Some(farewell) = dialogue.farewell() {
        codec.encode(&farewell, &mut Outgoing::default());
    }
}

/// A dialogue with one of the combinations of options.
fn chosen(choice: u8, more: u8) -> Option<ImapDialogue> {
    let security = match choice >> 1 & 3 {
        0 => Security::Opportunistic,
        1 => Security::Required,
        2 => Security::Cleartext,
        _ => Security::Implicit,
    };
    let credentials = match choice >> 3 & 7 {
        0 => None,
        1 => Some(Credentials::password("alice", "wonderland").ok()?),
        // As literals.
        2 => Some(Credentials::password("älice", "won\"der\\land").ok()?),
        3 => Some(Credentials::password("alice", "w".repeat(7000)).ok()?),
        4 => Some(Credentials::token("alice", "t".repeat(600)).ok()?),
        _ => Some(Credentials::external(None).ok()?),
    };
    let mut options = Options::new(Net::new(Tls::ring(rustls::RootCertStore::empty())))
        .secrets_over(SecretsOver::Cleartext)
        .login_command(match choice >> 6 {
            0 => LoginCommand::Never,
            1 => LoginCommand::Only,
            _ => LoginCommand::LastResort,
        })
        .edit(more & 1 == 0)
        .noops(u16::from(more >> 1 & 1));
    if more & 4 != 0 {
        options = options.exercise(Extension::ALL);
    }
    if more & 8 != 0 {
        options = options.access(Access::Select);
    }
    if more & 16 != 0 {
        options = options.search("UNSEEN".parse().ok()?, Thresholds::default());
    }
    options.credentials = credentials;
    let options = Arc::new(options);
    if more & 32 != 0 {
        return Some(ImapDialogue::watcher(options, security, Mailbox::inbox()));
    }
    let dialogue = ImapDialogue::new(options, security);
    let sent_at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_452_384);
    let address = "mailprobe@localhost";
    let canary = Canary::new(address, address, Token::from_bytes([7; 16]), sent_at).ok()?;
    Some(dialogue.with_canary(canary, sent_at + Duration::from_secs(60)))
}

#[cfg(test)]
mod tests {
    use probe_testkit::corpus;

    #[test]
    fn the_corpus_of_responses_holds_the_law() {
        for (_, data) in corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/reply")) {
            super::reply(&data);
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
