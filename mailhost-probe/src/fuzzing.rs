//! The bodies of the fuzz targets. Each states one law and panics where it does not hold; the corpus is replayed under plain
//! `cargo test`.

#![allow(clippy::panic, reason = "a broken law must stop the fuzzer")]

use std::time::{Duration, SystemTime};

use crate::{Format, Listing, QueueFacts, Unreadable};

/// However a list is cut, the same numbers come out; and whatever it is, they agree with each other. The first octet is the
/// format, the second the size of the pieces.
pub fn listing(data: &[u8]) {
    let [format, piece, list @ ..] = data else {
        return;
    };
    let place = usize::from(*format) % Format::ALL.len();
    let Some(format) = Format::ALL.get(place) else {
        return;
    };
    let whole = read(*format, &[list]);
    let pieces: Vec<_> = list.chunks(usize::from(*piece).max(1)).collect();
    assert_eq!(read(*format, &pieces), whole);
    let (facts, _) = whole;
    let ages: u64 = facts
        .queues
        .iter()
        .flat_map(|queue| queue.ages.iter())
        .map(|(_, count)| count)
        .sum();
    assert!(ages <= facts.messages());
    assert!(facts.domains.len() <= QueueFacts::DOMAINS);
}

/// What is made of a list that comes in these pieces, and how it ended.
pub fn read(format: Format, pieces: &[&[u8]]) -> (QueueFacts, Result<(), Unreadable>) {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let mut listing = Listing::new(format, now);
    let fed = pieces.iter().try_for_each(|piece| listing.feed(piece));
    let outcome = fed.and_then(|()| listing.end());
    (listing.so_far(), outcome)
}

#[cfg(test)]
mod tests {
    use probe_testkit::corpus;

    #[test]
    fn the_corpus_of_lists_holds_the_law() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/listing");
        for (_, data) in corpus(folder) {
            super::listing(&data);
        }
    }
}
