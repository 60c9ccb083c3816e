//! A document as it was read: one buffer of octets, one list of nodes, and elements as views of both. Reading costs two
//! allocations, however many elements there are, and nothing that is dropped recurses.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use super::decode::{Decoded, Limits, decode, narrow};
use super::{Tag, WbxmlError, encode};

/// What a document says of itself before its first element. ActiveSync always says version 3 (WBXML 1.3), public
/// identifier 1, charset 106 (UTF-8) and no string table.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// 1 to 3, for WBXML 1.1 to 1.3.
    pub version: u8,
    /// 1 where it is unknown, 0 where it stands in the string table.
    pub public_id: u32,
    /// By its number at IANA (MIBenum): 106, or 3 (US-ASCII), or 0 where it is unknown.
    pub charset: u32,
    /// Octets of the string table, which is passed over.
    pub string_table: u32,
}

/// A WBXML document.
///
/// Two are equal if they have the same elements and values, whatever their headers and however often they switch pages.
/// [`Display`](fmt::Display) shows them as indented text.
#[derive(Clone)]
pub struct Document {
    bytes: Vec<u8>,
    header: Header,
    root: Tag,
    /// In the order of the document, the outermost element first.
    nodes: Vec<Node>,
}

impl Document {
    /// Reads a document, within the default limits.
    pub fn decode(bytes: impl Into<Vec<u8>>) -> Result<Self, WbxmlError> {
        Self::decode_within(bytes, &Limits::default())
    }

    /// Reads a document, within limits of one's own.
    pub fn decode_within(bytes: impl Into<Vec<u8>>, limits: &Limits) -> Result<Self, WbxmlError> {
        let bytes = bytes.into();
        let Decoded {
            header,
            root,
            nodes,
        } = decode(&bytes, limits)?;
        Ok(Self {
            bytes,
            header,
            root,
            nodes,
        })
    }

    /// The document's octets, in the shortest form: without a string table, pages switched only where needed.
    pub fn encode(&self) -> Vec<u8> {
        encode::encode(&self.bytes, &self.nodes)
    }

    /// What stood before the first element.
    pub fn header(&self) -> Header {
        self.header
    }

    /// The outermost element.
    pub fn root(&self) -> Element<'_> {
        Element {
            tag: self.root,
            bytes: &self.bytes,
            inside: self.nodes.get(1..).unwrap_or_default(),
        }
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        self.root() == other.root()
    }
}

impl Eq for Document {}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root().fmt(f)
    }
}

/// As [`Display`](fmt::Display): octets and indices would tell nobody anything.
impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document(\n{self})")
    }
}

/// An element of a document: a light view, copied at will.
#[derive(Clone, Copy)]
pub struct Element<'a> {
    tag: Tag,
    bytes: &'a [u8],
    inside: &'a [Node],
}

impl<'a> Element<'a> {
    /// Which element it is.
    pub fn tag(self) -> Tag {
        self.tag
    }

    /// The elements directly within it.
    pub fn children(self) -> impl Iterator<Item = Element<'a>> {
        let mut rest = self.inside;
        core::iter::from_fn(move || {
            loop {
                let (node, after) = rest.split_first()?;
                let Node::Element { tag, size } = *node else {
                    rest = after;
                    continue;
                };
                let (inside, after) = split(after, size);
                rest = after;
                return Some(self.within(tag, inside));
            }
        })
    }

    /// The first element of this kind directly within it.
    pub fn child(self, tag: Tag) -> Option<Element<'a>> {
        self.children().find(|child| child.tag == tag)
    }

    /// The element at the end of a path, each step the first of its kind; where the path is empty, the element itself.
    pub fn find(self, path: &[Tag]) -> Option<Element<'a>> {
        path.iter()
            .try_fold(self, |element, tag| element.child(*tag))
    }

    /// All elements within it, however deep, in the order of the document; itself is the first.
    pub fn descendants(self) -> impl Iterator<Item = Element<'a>> {
        let mut rest = self.inside;
        let inner = core::iter::from_fn(move || {
            loop {
                let (node, after) = rest.split_first()?;
                rest = after;
                if let Node::Element { tag, size } = *node {
                    return Some(self.within(tag, split(after, size).0));
                }
            }
        });
        core::iter::once(self).chain(inner)
    }

    /// All that is directly within it, elements and values, in the order of the document. Empty values are left out.
    pub fn content(self) -> impl Iterator<Item = Content<'a>> {
        let mut rest = self.inside;
        core::iter::from_fn(move || {
            let (node, after) = rest.split_first()?;
            rest = after;
            Some(match *node {
                Node::Element { tag, size } => {
                    let (inside, after) = split(after, size);
                    rest = after;
                    Content::Element(self.within(tag, inside))
                }
                Node::Text(range) => Content::Text(range.of(self.bytes)),
                Node::Opaque(range) => Content::Opaque(range.of(self.bytes)),
            })
        })
    }

    /// The values directly within it as text, one after the other; octets that are no UTF-8 are replaced. Opaque values
    /// are among them: it is how text with a zero in it is sent.
    pub fn text(self) -> Cow<'a, str> {
        // What nearly every element has.
        if let [Node::Text(range)] = self.inside {
            return lossy(range.of(self.bytes));
        }
        let mut values = self.content().filter_map(Content::octets);
        let only = values.next().unwrap_or_default();
        let Some(second) = values.next() else {
            return lossy(only);
        };
        let mut all = [only, second].concat();
        values.for_each(|value| all.extend_from_slice(value));
        Cow::Owned(String::from_utf8_lossy(&all).into_owned())
    }

    /// Its text as a number, or whatever else can be read of text; blanks around it do not count.
    pub fn number<N: FromStr>(self) -> Option<N> {
        self.text().trim_ascii().parse().ok()
    }

    /// The first opaque value directly within it.
    pub fn opaque(self) -> Option<&'a [u8]> {
        self.content().find_map(|content| match content {
            Content::Opaque(octets) => Some(octets),
            Content::Element(_) | Content::Text(_) => None,
        })
    }

    fn within(self, tag: Tag, inside: &'a [Node]) -> Self {
        Self {
            tag,
            bytes: self.bytes,
            inside,
        }
    }
}

impl PartialEq for Element<'_> {
    fn eq(&self, other: &Self) -> bool {
        let is_same = |(one, another): (&Node, &Node)| match (*one, *another) {
            (
                Node::Element { tag, size },
                Node::Element {
                    tag: its,
                    size: its_size,
                },
            ) => (tag, size) == (its, its_size),
            (Node::Text(one), Node::Text(another)) | (Node::Opaque(one), Node::Opaque(another)) => {
                one.of(self.bytes) == another.of(other.bytes)
            }
            _ => false,
        };
        // Sizes are compared on the way, so that the same list is the same tree.
        self.tag == other.tag
            && self.inside.len() == other.inside.len()
            && self.inside.iter().zip(other.inside).all(is_same)
    }
}

impl Eq for Element<'_> {}

/// As [`Display`](fmt::Display).
impl fmt::Debug for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Element(\n{self})")
    }
}

/// One thing within an element.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Content<'a> {
    /// Another element.
    Element(Element<'a>),
    /// A string: octets, none of them zero, which ought to be UTF-8.
    Text(&'a [u8]),
    /// An opaque value: octets of any kind.
    Opaque(&'a [u8]),
}

impl<'a> Content<'a> {
    /// The octets of a value.
    fn octets(self) -> Option<&'a [u8]> {
        match self {
            Self::Element(_) => None,
            Self::Text(octets) | Self::Opaque(octets) => Some(octets),
        }
    }
}

/// A part of a document.
#[derive(Clone, Copy, Debug)]
pub(super) enum Node {
    /// An element, and how many of the nodes behind it are within it.
    Element { tag: Tag, size: u32 },
    /// A string.
    Text(Range),
    /// An opaque value.
    Opaque(Range),
}

/// Where a value stands among the document's octets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    start: u32,
    end: u32,
}

impl Range {
    pub(super) fn new(start: usize, length: usize) -> Self {
        Self {
            start: narrow(start),
            end: narrow(start + length),
        }
    }

    pub(super) fn is_empty(self) -> bool {
        self.start == self.end
    }

    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        let place = |it: u32| usize::try_from(it).unwrap_or(usize::MAX);
        bytes
            .get(place(self.start)..place(self.end))
            .unwrap_or_default()
    }
}

/// As text, whatever it is. What is UTF-8, as nearly all is, takes the short way.
fn lossy(octets: &[u8]) -> Cow<'_, str> {
    core::str::from_utf8(octets).map_or_else(|_| String::from_utf8_lossy(octets), Cow::Borrowed)
}

/// The nodes within an element, and those behind it.
fn split(nodes: &[Node], size: u32) -> (&[Node], &[Node]) {
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    nodes.split_at_checked(size).unwrap_or((nodes, &[]))
}
