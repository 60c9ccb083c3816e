//! What an answer to FolderSync costs: `cargo bench -p eas-probe`. Allocations are counted beside the time.

#![allow(
    clippy::expect_used,
    reason = "a bench that measures nothing must stop"
)]
#![allow(missing_docs, reason = "divan's macro makes the entry")]

use std::borrow::Cow;

use divan::counter::BytesCount;
use divan::{AllocProfiler, Bencher, black_box};
use eas_probe::wbxml::tags::folder_hierarchy as folders;
use eas_probe::wbxml::{Builder, Document, Element, Tag};

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// What every mailbox of Exchange has: name and type.
const FOLDERS: [(&str, u64); 12] = [
    ("Inbox", 2),
    ("Drafts", 3),
    ("Deleted Items", 4),
    ("Sent Items", 5),
    ("Outbox", 6),
    ("Tasks", 7),
    ("Calendar", 8),
    ("Contacts", 9),
    ("Notes", 10),
    ("Journal", 11),
    ("Junk E-mail", 12),
    ("RSS Feeds", 1),
];
/// What a real server answers to Sync.
const SYNC: &[u8] = include_bytes!("../tests/transcripts/sogo-eas-06-Sync.wbxml");

fn main() {
    divan::main();
}

/// 411 octets, as that which libwbxml was measured with.
fn answer() -> Vec<u8> {
    let answer = Builder::new(folders::FOLDER_SYNC)
        .number(folders::STATUS, 1)
        .text(folders::SYNC_KEY, "{4fc4c1c8-31b2-4b5d-9ed3-ae16a9d4}1")
        .element(folders::CHANGES, |it| {
            let it = it.number(folders::COUNT, 12);
            (1..).zip(FOLDERS).fold(it, |it, (id, (name, kind))| {
                it.element(folders::ADD, |it| {
                    it.number(folders::SERVER_ID, id)
                        .number(folders::PARENT_ID, 0)
                        .text(folders::DISPLAY_NAME, name)
                        .number(folders::TYPE, kind)
                })
            })
        })
        .finish()
        .expect("within the limits");
    assert_eq!(answer.len(), 411);
    answer
}

/// A folder that owns its words.
struct Folder {
    _name: String,
    _id: String,
    _parent: String,
    _kind: u8,
}

/// A folder whose words are those of the document.
struct View<'a> {
    name: Cow<'a, str>,
    id: Cow<'a, str>,
    parent: Cow<'a, str>,
    kind: u8,
}

/// The folders of an answer, each looked at once.
fn views(document: &Document) -> impl Iterator<Item = View<'_>> {
    let changes = document.root().child(folders::CHANGES).into_iter();
    let added = changes
        .flat_map(Element::children)
        .filter(|it| it.tag() == folders::ADD);
    added.filter_map(|add| {
        let text = |tag: Tag| add.child(tag).map(Element::text);
        Some(View {
            name: text(folders::DISPLAY_NAME)?,
            id: text(folders::SERVER_ID)?,
            parent: text(folders::PARENT_ID)?,
            kind: add.child(folders::TYPE)?.number()?,
        })
    })
}

fn decode(bytes: &[u8]) -> Document {
    Document::decode(bytes).expect("a document")
}

#[divan::bench]
fn folders_that_own_their_words(bencher: Bencher<'_, '_>) {
    let bytes = answer();
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| {
        let document = decode(black_box(&bytes));
        let owned = views(&document).map(|view| Folder {
            _name: view.name.into_owned(),
            _id: view.id.into_owned(),
            _parent: view.parent.into_owned(),
            _kind: view.kind,
        });
        let folders: Vec<Folder> = owned.collect();
        assert_eq!(folders.len(), 12);
        folders
    });
}

#[divan::bench]
fn folders_that_borrow_their_words(bencher: Bencher<'_, '_>) {
    let bytes = answer();
    bencher.counter(BytesCount::of_slice(&bytes)).bench(|| {
        let document = decode(black_box(&bytes));
        let octets: usize = views(&document)
            .map(|it| it.name.len() + it.id.len() + it.parent.len() + usize::from(it.kind))
            .sum();
        (document, octets)
    });
}

#[divan::bench]
fn document_of_12_folders(bencher: Bencher<'_, '_>) {
    let bytes = answer();
    bencher
        .counter(BytesCount::of_slice(&bytes))
        .bench(|| decode(black_box(&bytes)));
}

/// 18 messages.
#[divan::bench]
fn document_of_10_578_octets(bencher: Bencher<'_, '_>) {
    bencher
        .counter(BytesCount::of_slice(SYNC))
        .bench(|| decode(black_box(SYNC)));
}

#[divan::bench]
fn the_same_as_text(bencher: Bencher<'_, '_>) {
    let document = decode(&answer());
    bencher.bench(|| black_box(&document).to_string());
}

#[divan::bench]
fn the_same_encoded(bencher: Bencher<'_, '_>) {
    let document = decode(&answer());
    bencher.bench(|| black_box(&document).encode());
}

#[divan::bench]
fn command_for_the_folders() -> Vec<u8> {
    Builder::new(folders::FOLDER_SYNC)
        .text(folders::SYNC_KEY, black_box("0"))
        .finish()
        .expect("within the limits")
}
