//! The laws, for arbitrary octets and arbitrary documents.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "generated/mod.rs"]
mod generated;

use eas_probe::discovery::{Said, read_json, read_xml};
use eas_probe::wbxml::{Document, ErrorKind, Limits};
use generated::{build, octets, steps, tags};
use proptest::collection::vec;
use proptest::prelude::*;

/// Limits that arbitrary documents reach.
fn narrow() -> Limits {
    let mut limits = Limits::default();
    (limits.depth, limits.octets, limits.value, limits.nodes) = (3, 60, 4, 8);
    limits
}

proptest! {
    #[test]
    fn what_was_built_is_read_and_written_as_the_same(steps in steps(tags())) {
        let command = build(&steps).finish().unwrap();
        let document = Document::decode(command.clone()).unwrap();
        prop_assert_eq!(document.encode(), command);
    }

    #[test]
    fn what_was_read_is_written_and_read_as_the_same(octets in octets()) {
        if let Ok(document) = Document::decode(octets.clone()) {
            let written = document.encode();
            prop_assert!(written.len() <= octets.len());
            prop_assert_eq!(Document::decode(written).unwrap(), document);
        }
    }

    #[test]
    fn no_octets_break_anything(octets in prop_oneof![octets(), vec(any::<u8>(), 0..300)]) {
        look_at(&octets);
    }

    #[test]
    fn a_document_that_is_cut_is_refused_where_it_ends(steps in steps(tags()), at: prop::sample::Index) {
        let whole = build(&steps).finish().unwrap();
        let end = at.index(whole.len());
        let error = Document::decode(&whole[..end]).unwrap_err();
        prop_assert_eq!((error.offset, error.kind), (end, ErrorKind::Truncated));
    }

    #[test]
    fn every_beginning_of_anything_is_read_or_refused(octets in octets()) {
        for end in 0..=octets.len() {
            look_at(&octets[..end]);
        }
    }

    #[test]
    fn nothing_passes_the_limits(octets in octets()) {
        let limits = narrow();
        let Ok(document) = Document::decode_within(octets.clone(), &limits) else {
            return Ok(());
        };
        prop_assert!(octets.len() <= 60);
        let elements: Vec<_> = document.root().descendants().collect();
        let contents: usize = elements.iter().map(|it| it.content().count()).sum();
        prop_assert!(contents < 8);
        let path = |depth: usize| {
            let mut within = vec![document.root()];
            for _ in 0..depth {
                within = within.iter().flat_map(|it| it.children()).collect();
            }
            within
        };
        prop_assert!(!path(2).is_empty() || path(3).is_empty());
        prop_assert!(elements.iter().all(|it| it.opaque().is_none_or(|it| it.len() <= 4)));
    }
}

proptest! {
    #[test]
    fn any_page_is_one_of_autodiscover_or_none(page in prop_oneof![
        vec(any::<u8>(), 0..300),
        "(<Autodiscover>|</Autodiscover>|<Server>|</Server>|<Type>MobileSync</Type>|<Url>|</Url>|<Error>|&amp;|[a-z<>&;]){0,40}"
            .prop_map(String::into_bytes),
    ]) {
        for said in [read_xml(&page), read_json(&page)] {
            let told = match said {
                Said::Complaint(complaint) => complaint.shown().len(),
                Said::Other(told) => told.len(),
                _ => 0,
            };
            prop_assert!(told < 2_000);
        }
    }
}

/// Whatever is read can be looked at, and what is refused is refused at a place within.
fn look_at(octets: &[u8]) {
    match Document::decode(octets) {
        Err(error) => assert!(error.offset <= octets.len()),
        Ok(document) => {
            assert!(document.to_string().len() < 40_000);
            for element in document.root().descendants() {
                let _ = (element.text(), element.number::<u32>(), element.opaque());
            }
        }
    }
}

/// Whatever a server says, the ladder ends; how, is stated where the fuzz target's body is.
#[cfg(feature = "fuzzing")]
mod dialogue {
    use super::*;

    proptest! {
        #[test]
        fn whatever_is_said_the_dialogue_ends(said in vec(any::<u8>(), 0..600)) {
            eas_probe::fuzzing::dialogue(&said);
        }
    }
}
