//! The bodies of the fuzz targets. Each states one law and panics where it does not hold; the corpus is replayed under plain
//! `cargo test`.

#![allow(clippy::panic, reason = "a broken law must stop the fuzzer")]

mod outside;

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use probe_core::{Facts, Record};

use crate::{
    ExporterFacts, Exposition, Format, HostFacts, Listing, QueueFacts, Reading, Unreadable,
};

pub use outside::{echo, status};

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

/// Every line of a page is a sample, a comment or counted as neither; and a sample that is written is read as the same.
pub fn exposition(data: &[u8]) {
    pages(data);
    let mut page = Exposition::new(data);
    let lines = data.split(|byte| *byte == b'\n').count();
    let samples: Vec<_> = page.by_ref().collect();
    let malformed = usize::try_from(page.malformed()).unwrap_or(usize::MAX);
    assert!(samples.len() + malformed <= lines);
    for sample in &samples {
        let line = written(sample);
        let mut again = Exposition::new(line.as_bytes());
        let Some(read) = again.next() else {
            panic!("{line} is not read again");
        };
        assert_eq!((read.name, &read.labels), (sample.name, &sample.labels));
        assert_eq!(read.value.to_bits(), sample.value.to_bits());
    }
}

/// Whatever two pages tell, and what happened between them, is finite, and no more than is kept.
fn pages(data: &[u8]) {
    let (before, now) = data.split_at(data.len() / 2);
    let of = |page: &[u8]| ExporterFacts::of_page(page, SystemTime::UNIX_EPOCH);
    let (before, mut now) = (of(before), of(now));
    now.compare(&before, Duration::from_millis(900));
    let (mut then, mut record) = (Record::default(), Record::default());
    before.record(&mut then);
    now.record(&mut record);
    for metric in then.metrics().into_iter().chain(record.metrics()) {
        assert!(metric.value.is_finite(), "{metric:?}");
    }
    assert!(now.measures.len() <= 2 * ExporterFacts::MEASURES + 1);
    assert!(now.host.disks.len() <= HostFacts::DISKS);
}

/// Whatever stands below `/proc`: parts of a whole are parts, and no file system is asked twice. The first octet says what it
/// is.
#[cfg(target_os = "linux")]
pub fn machine(data: &[u8]) {
    let [what, text @ ..] = data else {
        return;
    };
    if let Err(broken) = crate::host::check_texts(*what, text) {
        panic!("{broken}");
    }
}

/// Whatever an SNMP agent says, the conversation ends, and soon, and no more is kept than its bounds.
#[cfg(feature = "snmp")]
pub fn agent(data: &[u8]) {
    crate::snmp::fuzzing::agent(data);
}

/// A sample as exporters write it.
pub fn written(sample: &Reading<'_>) -> String {
    let escaped = |value: &str| {
        let value = value.replace('\\', "\\\\").replace('\n', "\\n");
        value.replace('"', "\\\"")
    };
    let label = |(name, value): &(&str, Cow<'_, str>)| format!("{name}=\"{}\"", escaped(value));
    let labels: Vec<_> = sample.labels.iter().map(label).collect();
    format!(
        "{}{{{}}} {:e}\n",
        sample.name,
        labels.join(","),
        sample.value
    )
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

    #[cfg(target_os = "linux")]
    #[test]
    fn the_corpus_of_machines_holds_the_law() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/machine");
        for (_, data) in corpus(folder) {
            super::machine(&data);
        }
    }

    #[test]
    fn the_corpus_of_pages_holds_the_law() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/exposition");
        for (_, data) in corpus(folder) {
            super::exposition(&data);
            super::exposition(&[&*data, &*data].concat());
        }
    }

    #[cfg(feature = "snmp")]
    #[test]
    fn the_corpus_of_agents_holds_the_law() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/agent");
        for (_, data) in corpus(folder) {
            super::agent(&data);
        }
    }
}
