//! The bodies of the fuzz targets. Each states one law and panics where it does not hold; the corpus is
//! replayed under plain `cargo test`.

#![allow(clippy::panic, reason = "a broken law must stop the fuzzer")]

use std::sync::Arc;

use probe_core::Phase;
use probe_net::fuzzing::replies;
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Security, Tls, TlsFacts};
use probe_net::{Codec, Decoded, Dialogue, Event, Net, Oddities, Outgoing, Step};

use crate::{
    Capabilities, Command, Listing, LoginCommand, Options, Pop3Codec, Pop3Dialogue, Reply, Right,
    UniqueIds,
};

/// However the stream is cut, the same replies come out; and whatever they are, they can be read.
pub fn reply(data: &[u8]) {
    let [piece, forms, stream @ ..] = data else {
        return;
    };
    for (reply, _) in replies(|| having_asked(*forms), stream, *piece) {
        read_all_of(&reply);
    }
}

/// A codec that awaits replies of one line and of several, as the bits say.
fn having_asked(forms: u8) -> Pop3Codec {
    let mut codec = Pop3Codec::default();
    let asked = (0..8).map(|bit| match (forms >> bit & 1, bit % 2) {
        (0, _) => Command::Noop,
        (_, 0) => Command::List,
        _ => Command::Retr(1),
    });
    for command in asked {
        codec.encode(&command, &mut Outgoing::default());
    }
    codec
}

fn read_all_of(reply: &Reply) {
    let lines = reply.lines().count();
    assert_eq!(reply.message().len(), reply.octets());
    assert!(reply.octets() + reply.status_line().len() < reply.raw().len());
    let _ = (reply.code(), reply.text().len(), format!("{reply:?}"));
    let capabilities = Capabilities::from(reply.clone());
    assert!(capabilities.keywords().count() <= lines);
    let _ = (
        capabilities.login_delay(),
        capabilities.mechanisms(),
        capabilities.expiry(),
    );
    let listing = Listing::from(reply.clone());
    assert!(listing.sizes().count() == lines || listing.unreadable().is_some());
    let ids = UniqueIds::from(reply.clone());
    assert!(ids.ids().count() == lines || ids.illegal().is_some());
    let _ = ids.duplicate();
}

/// Whatever the server says, the dialogue ends, and soon; and QUIT is never said while a message may be marked as
/// deleted.
pub fn dialogue(data: &[u8]) {
    const STEPS: usize = 100;
    let Some((choice, mut stream)) = data.split_first() else {
        return;
    };
    let Some(mut dialogue) = chosen(*choice) else {
        return;
    };
    let mut codec = Pop3Codec::default();
    let mut oddities = Oddities::default();
    let secured = || Event::Secured(Arc::new(TlsFacts::unknown("mail.example.test")));
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
                say(&dialogue, &mut codec, &commands);
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
            _ => return leave(&dialogue, &mut codec),
        };
    }
    panic!("{STEPS} steps and no end");
}

fn say(dialogue: &Pop3Dialogue, codec: &mut Pop3Codec, commands: &[(Phase, Command)]) {
    for (_, command) in commands {
        assert!(!matches!(command, Command::Quit) || !is_marked(dialogue));
        codec.encode(command, &mut Outgoing::default());
    }
}

fn leave(dialogue: &Pop3Dialogue, codec: &mut Pop3Codec) {
    if let Some(farewell) = dialogue.farewell() {
        assert!(!is_marked(dialogue), "{farewell:?} deletes");
        codec.encode(&farewell, &mut Outgoing::default());
    }
}

/// Whether the server may hold a message for deleted.
fn is_marked(dialogue: &Pop3Dialogue) -> bool {
    let rights = dialogue.facts().rights.as_ref();
    rights.is_some_and(|rights| rights.touched_something() && rights.undo != Right::Granted)
}

/// A dialogue with one of the combinations of options.
fn chosen(choice: u8) -> Option<Pop3Dialogue> {
    let security = match choice >> 1 & 3 {
        0 => Security::Opportunistic,
        1 => Security::Required,
        2 => Security::Cleartext,
        _ => Security::Implicit,
    };
    let credentials = match choice >> 3 & 3 {
        0 => None,
        1 => Some(Credentials::token("alice", "t".repeat(600)).ok()?),
        _ => Some(Credentials::password("alice", "wonderland").ok()?),
    };
    let mut options = Options::new(Net::new(Tls::ring(rustls::RootCertStore::empty())))
        .secrets_over(SecretsOver::Cleartext)
        .capa_after_auth(choice & 32 == 0)
        .utf8(true)
        .ages(choice & 64 == 0)
        .noops(2)
        .languages(true)
        .retrieve(choice & 64 == 0)
        .prove_rights(choice & 128 == 0);
    if choice >> 3 & 3 == 3 {
        options = options.login_command(LoginCommand::Apop);
    }
    options.credentials = credentials;
    Some(Pop3Dialogue::new(Arc::new(options), security))
}

#[cfg(test)]
mod tests {
    use probe_testkit::corpus;

    #[test]
    fn the_corpus_of_replies_holds_the_law() {
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
