//! The bodies of the fuzz targets. Each states one law and panics where it does not hold; the corpus is replayed under plain
//! `cargo test`.

#![allow(clippy::panic, reason = "a broken law must stop the fuzzer")]

use std::time::{Duration, SystemTime};

use probe_core::Secret;
use probe_net::message::Headers;

use crate::{
    Authentication, Bounce, Canary, Draft, Ends, Hop, Integrity, Key, Keys, Ledger, Name, Nonce,
    Notice, Patience, Recogniser, Recognition, Standing, Trace, Transit,
};

/// Any octets are hops, within bounds; and whatever their dates say, the delays of those that are believed add up to no
/// more than the time that there was.
pub fn received(data: &[u8]) {
    let trace = Trace::of(&Headers::of(data));
    assert!(trace.hops.len() <= Trace::HOPS);
    let (sent_at, seen_at) = (now(), now() + Duration::from_secs(3600));
    let way = Transit::of(&trace, Ends::new(sent_at, seen_at));
    assert_eq!(way.legs.len(), trace.hops.len());
    let most = Duration::from_secs(3600) + Transit::TOLERANCE;
    assert!(way.total().is_none_or(|total| total <= most));
    for clock in &way.clocks {
        assert!(clock.at_most.is_none_or(|most| most >= clock.at_least));
    }
    bounded(&Hop::parse(data));
}

/// Any octets are results or none, within bounds, and who is not named is not believed.
pub fn authentication(data: &[u8]) {
    if let Some(found) = Authentication::parse(data) {
        assert!(found.results.len() <= Authentication::RESULTS);
    }
    let servers = ["mx.example.net".to_owned()];
    let headers = Headers::of(data);
    if let Some(found) = Authentication::of(&headers, &servers) {
        let is_named = |server: String| server.eq_ignore_ascii_case("mx.example.net");
        assert!(found.server.is_none_or(is_named));
    }
    let _ = Authentication::of(&headers, &[]);
}

/// A message says something of a canary only if a genuine token is in it, and of what is written for people nothing is
/// ever deleted. The place of a dollar is taken by a genuine token.
pub fn bounce(data: &[u8]) {
    let canary = canary();
    let token = canary.token().to_string();
    let recogniser = recogniser();
    let is_there = data.contains(&b'$') || is_known(data);
    let message = with_token(data, &token);
    match Bounce::read(&message, &recogniser) {
        Notice::Bounce(bounce) => {
            assert!(is_there && bounce.canary.token == canary.token());
            let diagnostic = bounce.diagnostic.unwrap_or_default();
            // What cannot be shown takes up to ten octets of what can.
            assert!(diagnostic.len() <= Bounce::WORDS * 10);
        }
        Notice::AutoReply(known) => assert!(is_there && known.token == canary.token()),
        Notice::Nothing => {}
    }
}

/// Only what holds a genuine token in three places is deleted. The place of a dollar is taken by a genuine token; without
/// one, nothing is ours.
pub fn recognise(data: &[u8]) {
    let canary = canary();
    let token = canary.token().to_string();
    let recogniser = recogniser();
    if !is_known(data) {
        let plain = recogniser.recognise(data, now());
        assert!(matches!(plain, Recognition::Foreign | Recognition::Forged));
        assert!(recogniser.deletable(data, now()).is_none());
    }
    let message = with_token(data, &token);
    if let Some(proof) = recogniser.deletable(&message, now()) {
        assert_eq!(proof.known().token, canary.token());
        assert!(proof.is(&message));
    }
    let _ = Integrity::of(&canary, &message);
}

/// Any octets are a ledger, which is read as it is written, and whose numbers agree with each other. It is read as it
/// is, and once more with the digests that its lines need.
pub fn ledger(data: &[u8]) {
    let lines = String::from_utf8_lossy(data);
    let sealed: String = lines.lines().map(crate::ledger::sealed).collect();
    let raw = Ledger::read(data);
    hold(&raw);
    let read = Ledger::read(sealed.as_bytes());
    let lines = u64::try_from(lines.lines().count()).unwrap_or(u64::MAX);
    assert!(read.unreadable() <= lines);
    hold(&read);
}

fn hold(ledger: &Ledger) {
    let again = Ledger::read(ledger.written().as_bytes());
    assert_eq!(again.written(), ledger.written());
    assert_eq!(again.unreadable(), 0);
    let patience = Patience::default();
    for route in ledger.routes() {
        let counts = ledger.recent(&route, now(), &patience);
        let known = ledger.on_route(&route).count();
        assert_eq!(usize::try_from(counts.all()), Ok(known));
        let awaited = ledger.awaited(&route, now(), &patience).len();
        let open = counts.of(Standing::Pending) + counts.of(Standing::Late);
        assert_eq!(usize::try_from(open), Ok(awaited));
    }
}

/// A canary that is always the same.
pub fn canary() -> Canary {
    let name = |text: &str| match text.parse::<Name>() {
        Ok(name) => name,
        Err(why) => panic!("{why}"),
    };
    let draft = Draft::new(name("one"), name("way"), "a@example.org", "b@example.net");
    let nonce = Nonce::from_bytes([7; 6]);
    match Canary::with_nonce(&draft, &keys(), now(), nonce) {
        Ok(canary) => canary,
        Err(why) => panic!("{why}"),
    }
}

/// Who knows it.
pub fn recogniser() -> Recogniser {
    match "one".parse() {
        Ok(name) => Recogniser::new(keys(), &name),
        Err(why) => panic!("{why}"),
    }
}

fn keys() -> Keys {
    match Key::new(Secret::from("a key of the fuzzer's")) {
        Ok(key) => Keys::new(key),
        Err(why) => panic!("{why}"),
    }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_312_000)
}

/// Whether the token is there already: the fuzzer learns it from comparisons, and hands it back.
fn is_known(data: &[u8]) -> bool {
    let mut decoded = crate::mime::quoted_printable(data);
    decoded.extend_from_slice(data);
    decoded.extend(crate::mime::unworded(data));
    let leaves = crate::mime::Leaf::all_of(data);
    leaves
        .iter()
        .for_each(|leaf| decoded.extend_from_slice(&leaf.decoded()));
    !recogniser().own_tokens(&decoded).is_empty()
}

fn with_token(data: &[u8], token: &str) -> Vec<u8> {
    let mut message = Vec::with_capacity(data.len());
    for byte in data {
        match byte {
            b'$' => message.extend_from_slice(token.as_bytes()),
            byte => message.push(*byte),
        }
    }
    message
}

fn bounded(hop: &Hop) {
    // What cannot be shown takes up to ten octets of what can.
    let most = Hop::NAME * 10;
    let kept = [
        &hop.from,
        &hop.from_name,
        &hop.by,
        &hop.id,
        &hop.recipient,
        &hop.via,
    ];
    for text in kept.into_iter().flatten() {
        assert!(text.len() <= most, "{} octets", text.len());
    }
}

#[cfg(test)]
mod tests {
    use probe_testkit::corpus;

    fn replay(folder: &str, law: fn(&[u8])) {
        let folder = format!("{}/tests/corpus/{folder}", env!("CARGO_MANIFEST_DIR"));
        for (_, data) in corpus(folder) {
            law(&data);
        }
    }

    #[test]
    fn the_corpus_of_ways_holds_the_law() {
        replay("received", super::received);
    }

    #[test]
    fn the_corpus_of_results_holds_the_law() {
        replay("authentication", super::authentication);
    }

    #[test]
    fn the_corpus_of_reports_holds_the_law() {
        replay("bounce", super::bounce);
    }

    #[test]
    fn the_corpus_of_messages_holds_the_law() {
        replay("recognise", super::recognise);
    }

    #[test]
    fn the_corpus_of_ledgers_holds_the_law() {
        replay("ledger", super::ledger);
    }
}
