//! The bodies of the fuzz targets. Each states one law and panics where it does not hold; the corpus is replayed under
//! plain `cargo test`.

#![allow(clippy::panic, reason = "a broken law must stop the fuzzer")]

#[cfg(feature = "ring")]
mod discovery;

use core::time::Duration;
use std::sync::Arc;

use probe_core::Host;
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::Tls;

use crate::wbxml::{Builder, Content, Document, Element, ErrorKind, Limits};
use crate::{EasDialogue, EasProbe, Event, Reply, Rung, Step};

#[cfg(feature = "ring")]
pub use discovery::discovery;

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

/// Whatever the server says, the dialogue ends, and soon; credentials stay with the host, and an order to forget everything
/// is never confirmed.
pub fn dialogue(data: &[u8]) {
    /// All commands of the ladder, the nine pages of health, a relocation and a provisioning more.
    const STEPS: usize = 24;
    let net = Net::new(Tls::ring(rustls::RootCertStore::empty()));
    let Ok(alice) = Credentials::password("alice", "wonderland") else {
        unreachable!("they are well formed");
    };
    let options = EasProbe::builder(net).up_to(Rung::Ping);
    let options = Arc::new(options.credentials(alice));
    let host: Host = Host::Address([192, 0, 2, 1].into());
    let Some(session) = options.session(&host, None) else {
        unreachable!("an address can be asked");
    };
    let mut dialogue = EasDialogue::new(options, session);
    let mut event = Event::Begin;
    let mut rest = data;
    for _ in 0..STEPS {
        let Ok(Step::Ask(command)) = dialogue.next(event) else {
            assert!(!dialogue.facts().wipe || dialogue.facts().inbox.is_none());
            return;
        };
        assert!(
            !dialogue.facts().wipe,
            "{command:?} is asked of a server that orders to wipe"
        );
        assert_eq!(dialogue.session().base.host(), &host);
        let (reply, behind) = one_reply(rest);
        rest = behind;
        event = Event::Reply {
            reply: Box::new(reply),
            took: Duration::ZERO,
        };
    }
    unreachable!("a dialogue of {STEPS} commands goes on");
}

/// A reply, and what stands behind it: which status, which headers, and how many octets the body has. Where nothing is
/// left, what a well server says to OPTIONS.
fn one_reply(data: &[u8]) -> (Reply, &[u8]) {
    const STATUSES: [u16; 8] = [200, 401, 403, 449, 451, 500, 501, 503];
    const HEADERS: [(&str, &str); 8] = [
        ("ms-asprotocolversions", "14.1,16.1"),
        ("ms-asprotocolcommands", "FolderSync,Settings,Sync"),
        ("x-ms-location", "https://192.0.2.1/other"),
        ("x-ms-location", "https://elsewhere.example/"),
        ("www-authenticate", "Bearer authorization_uri=\"x\""),
        ("x-ms-credentials-expire", "0"),
        ("retry-after", "86400"),
        ("ms-server-activesync", "15.2"),
    ];
    let [status, headers, length, rest @ ..] = data else {
        return (
            Reply::from_parts(200, HEADERS.get(..2).unwrap_or_default(), b""),
            &[],
        );
    };
    let status = STATUSES
        .get(usize::from(status % 8))
        .copied()
        .unwrap_or(200);
    let chosen = (0..8).filter(|bit| headers >> bit & 1 == 1);
    let chosen: Vec<_> = chosen
        .filter_map(|bit: usize| HEADERS.get(bit).copied())
        .collect();
    let (body, behind) = rest.split_at(rest.len().min(usize::from(*length)));
    (Reply::from_parts(status, &chosen, body), behind)
}

#[cfg(test)]
mod tests {
    use probe_testkit::corpus;

    #[test]
    fn the_corpus_of_dialogues_holds_the_law() {
        for (_, data) in corpus(format!(
            "{}/tests/corpus/dialogue",
            env!("CARGO_MANIFEST_DIR")
        )) {
            super::dialogue(&data);
        }
    }

    #[test]
    fn the_corpus_of_documents_holds_the_law() {
        for folder in ["corpus/wbxml", "transcripts"] {
            for (_, data) in corpus(format!("{}/tests/{folder}", env!("CARGO_MANIFEST_DIR"))) {
                super::wbxml(&data);
            }
        }
    }
}
