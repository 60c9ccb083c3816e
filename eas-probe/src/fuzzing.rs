//! The bodies of the fuzz targets. Each states one law and panics where it does not hold; the corpus is replayed under
//! plain `cargo test`.

#![allow(clippy::panic, reason = "a broken law must stop the fuzzer")]

use crate::wbxml::{Builder, Content, Document, Element, ErrorKind, Limits};

/// Any octets are a document or refused; a document is written as one that is the same and no longer; and whatever is in
/// it can be read and shown within bounds.
pub fn wbxml(data: &[u8]) {
    let document = match Document::decode(data) {
        Ok(document) => document,
        Err(error) => {
            assert!(error.offset <= data.len(), "{error}");
            return;
        }
    };
    let written = document.encode();
    assert!(written.len() <= data.len());
    let again = Document::decode(written.clone());
    assert_eq!(again.as_ref(), Ok(&document));
    assert_eq!(again.map(|again| again.encode()), Ok(written.clone()));
    // A shorter document is none: there is one element, and it ends at the end.
    let cut = written.get(..written.len() - 1).unwrap_or_default();
    let kind = Document::decode(cut).map_err(|error| (error.offset, error.kind));
    assert_eq!(kind, Err((cut.len(), ErrorKind::Truncated)));

    let shown = document.to_string();
    assert!(shown.len() < 40_000 && !shown.contains(|c: char| c.is_control() && c != '\n'));
    let elements = document.root().descendants().map(read_all_of).count();
    assert!(elements <= Limits::NODES);
    repeat(document.root());
}

fn read_all_of(element: Element<'_>) {
    assert!(element.children().count() <= element.content().count());
    let octets: usize = element
        .content()
        .map(|content| match content {
            Content::Element(child) => element.child(child.tag()).map_or(1, |_| 0),
            Content::Text(octets) => {
                assert!(!octets.is_empty() && !octets.contains(&0));
                0
            }
            Content::Opaque(octets) => usize::from(octets.is_empty()),
        })
        .sum();
    assert_eq!(octets, 0);
    let _ = (element.text(), element.number::<u64>(), element.opaque());
}

/// What is repeated of a server's words in a command is sent and read as the same.
fn repeat(element: Element<'_>) {
    let text = element.text();
    let command = Builder::new(element.tag())
        .text(element.tag(), &text)
        .finish();
    match command.and_then(Document::decode) {
        Ok(command) => {
            let child = command.root().child(element.tag());
            assert_eq!(child.map(|child| child.text()), Some(text));
        }
        // Octets that are no UTF-8 become three.
        Err(error) => assert!(text.len() > Limits::VALUE, "{error}"),
    }
}

#[cfg(test)]
mod tests {
    use probe_testkit::corpus;

    #[test]
    fn the_corpus_of_documents_holds_the_law() {
        for folder in ["corpus/wbxml", "transcripts"] {
            for (_, data) in corpus(format!("{}/tests/{folder}", env!("CARGO_MANIFEST_DIR"))) {
                super::wbxml(&data);
            }
        }
    }
}
