//! The bodies of the fuzz targets. Each states one law and panics where it does not hold; the corpus is replayed under
//! plain `cargo test`.

#![allow(clippy::panic, reason = "a broken law must stop the fuzzer")]

use crate::{Catalogue, Codes, Kinds, List, Meaning};

/// Whatever is read as rules is written as the same rules, and every address means something by them.
pub fn codes(data: &[u8]) {
    let Some((octets, text)) = data.split_first_chunk::<4>() else {
        return;
    };
    let Ok(codes) = core::str::from_utf8(text)
        .unwrap_or_default()
        .parse::<Codes>()
    else {
        return;
    };
    let again: Codes = match codes.to_string().parse() {
        Ok(again) => again,
        Err(error) => panic!("{codes} is not read again: {error}"),
    };
    assert_eq!(again, codes);
    let meanings = codes.meanings((*octets).into());
    assert!(!meanings.is_empty());
    let is_foreign = meanings.contains(&Meaning::Foreign);
    assert_eq!(is_foreign, octets.first() != Some(&127));
}

/// Any text is a catalogue or refused; so is any name of a list as postscreen has it.
pub fn catalogue(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let known = Catalogue::parse(&text).unwrap_or_default();
    for line in text.lines().take(16) {
        if let Ok(list) = List::of_site(line, &known) {
            assert!(!list.zone.is_empty());
            assert!(List::new(&list.zone, Kinds::default()).is_ok());
        }
    }
}

#[cfg(test)]
mod tests {
    use probe_testkit::corpus;

    #[test]
    fn the_corpus_of_codes_holds_the_law() {
        for (_, data) in corpus(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/codes")) {
            super::codes(&data);
        }
    }

    #[test]
    fn the_corpus_of_catalogues_holds_the_law() {
        for (_, data) in corpus(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/corpus/catalogue"
        )) {
            super::catalogue(&data);
        }
    }
}
