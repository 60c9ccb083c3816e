//! Elements and values to octets, in the shortest form that ActiveSync has for them.

use super::Tag;
use super::document::Node;
use super::primitive::put_mb_u_int32;
use super::token::{CONTENT, END, OPAQUE, STR_I, SWITCH_PAGE};

/// WBXML 1.3, unknown public identifier, UTF-8, no string table (\[MS-ASWBXML\] section 2.1.2.1).
const HEADER: [u8; 4] = [0x03, 0x01, 0x6A, 0x00];

/// The octets of a list of nodes.
pub(super) fn encode(bytes: &[u8], nodes: &[Node]) -> Vec<u8> {
    let mut out = Writer::new();
    // Where each open element ends, as a count of nodes, the innermost last.
    let mut open: Vec<(usize, Opened)> = Vec::new();
    for (index, node) in nodes.iter().enumerate() {
        match *node {
            Node::Element { tag, size } => {
                let size = usize::try_from(size).unwrap_or(usize::MAX);
                open.push((index.saturating_add(size), out.open(tag)));
            }
            Node::Text(range) => out.string(range.of(bytes)),
            Node::Opaque(range) => out.opaque(range.of(bytes)),
        }
        while let Some((_, opened)) = open.pop_if(|(last, _)| *last <= index) {
            out.close(opened);
        }
    }
    out.bytes
}

/// What is written of a document.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    pub(super) bytes: Vec<u8>,
    page: u8,
}

/// How long the document was when an element was opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opened(usize);

impl Writer {
    pub(super) fn new() -> Self {
        Self {
            bytes: HEADER.to_vec(),
            page: 0,
        }
    }

    /// Begins an element, on another page if it must be.
    pub(super) fn open(&mut self, tag: Tag) -> Opened {
        if tag.page() != self.page {
            self.page = tag.page();
            self.bytes.extend([SWITCH_PAGE, self.page]);
        }
        self.bytes.push(tag.token() | CONTENT);
        Opened(self.bytes.len())
    }

    /// Ends an element; one in which nothing was written becomes an empty one.
    pub(super) fn close(&mut self, Opened(length): Opened) {
        let is_empty = self.bytes.len() == length;
        match self.bytes.last_mut() {
            Some(token) if is_empty => *token &= !CONTENT,
            _ => self.bytes.push(END),
        }
    }

    /// A string, none of whose octets is zero.
    pub(super) fn string(&mut self, octets: &[u8]) {
        self.bytes.push(STR_I);
        self.bytes.extend_from_slice(octets);
        self.bytes.push(0);
    }

    /// Octets of any kind. Of more than 32 bits can count, the length is a lie that no decoder believes.
    pub(super) fn opaque(&mut self, octets: &[u8]) {
        self.bytes.push(OPAQUE);
        put_mb_u_int32(octets.len().try_into().unwrap_or(u32::MAX), &mut self.bytes);
        self.bytes.extend_from_slice(octets);
    }
}
