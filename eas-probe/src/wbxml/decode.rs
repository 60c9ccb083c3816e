//! Octets to the nodes of a [`Document`](super::Document): the header, then token by token, within limits. Elements are
//! nested in the list of nodes itself, so that no depth costs any stack.

use core::mem;

use nom::error::{Error, ErrorKind as Nom};
use nom::number::complete::u8;
use nom::{Err, Parser};

use super::document::{Header, Node, Range};
use super::primitive::{mb_u_int32, octets, termstr};
use super::token::{ATTRIBUTES, CONTENT, ELEMENT, END, OPAQUE, STR_I, SWITCH_PAGE};
use super::{ErrorKind, Tag, WbxmlError};

/// Numbers of charsets at IANA (MIBenum) whose text is read as UTF-8: unknown, US-ASCII, UTF-8.
const CHARSETS: [u32; 3] = [0, 3, 106];
/// WBXML 1.1 to 1.3, whose headers and tokens are the same. That of 1.0 names no charset.
const VERSIONS: core::ops::RangeInclusive<u8> = 1..=3;
/// Nodes for which room is made at once: more than most answers have.
const ROOM: usize = 1024;

/// How much of a document is read. All of ActiveSync's own are far below the defaults.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Elements within each other.
    pub depth: usize,
    /// Octets of the whole document.
    pub octets: usize,
    /// Octets of one string or one opaque value.
    pub value: usize,
    /// Elements and values together.
    pub nodes: usize,
}

impl Limits {
    /// The default of [`depth`](Self::depth). ActiveSync's own elements are less than 16 deep.
    pub const DEPTH: usize = 32;
    /// The default of [`octets`](Self::octets).
    pub const OCTETS: usize = 1_000_000;
    /// The default of [`value`](Self::value).
    pub const VALUE: usize = 256 * 1024;
    /// The default of [`nodes`](Self::nodes): ten for each of 10,000 folders.
    pub const NODES: usize = 100_000;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: Self::DEPTH,
            octets: Self::OCTETS,
            value: Self::VALUE,
            nodes: Self::NODES,
        }
    }
}

/// The nodes of a document, the outermost element first, and its tag.
pub(super) struct Decoded {
    pub(super) header: Header,
    pub(super) root: Tag,
    pub(super) nodes: Vec<Node>,
}

/// Reads a whole document, or says where it cannot be read.
pub(super) fn decode(input: &[u8], limits: &Limits) -> Result<Decoded, WbxmlError> {
    // Beyond 32 bits the nodes could not say where their values are.
    let most = limits
        .octets
        .min(usize::try_from(u32::MAX).unwrap_or(usize::MAX));
    if input.len() > most {
        return Err(ErrorKind::TooLong(most).at(most));
    }
    let mut reader = Reader { input, rest: input };
    let header = reader.header()?;
    let mut page = 0;
    let mut tree = Tree::new(limits, input.len());
    let root = loop {
        let offset = reader.offset();
        match reader.read(u8)? {
            SWITCH_PAGE => page = reader.read(u8)?,
            END => tree.close(offset)?,
            STR_I => {
                let range = reader.string(limits.value)?;
                tree.add(STR_I, Node::Text(range), offset)?;
            }
            OPAQUE => {
                let range = reader.opaque(limits.value)?;
                tree.add(OPAQUE, Node::Opaque(range), offset)?;
            }
            token => tree.open(element(page, token, offset)?, token, offset)?,
        }
        if let Some(root) = tree.finished() {
            break root;
        }
    };
    if !reader.rest.is_empty() {
        return Err(ErrorKind::Trailing.at(reader.offset()));
    }
    Ok(Decoded {
        header,
        root,
        nodes: tree.nodes,
    })
}

/// The element that a token means, if it is one, and has no attributes.
fn element(page: u8, token: u8, offset: usize) -> Result<Tag, WbxmlError> {
    let tag = Tag::new(page, token & ELEMENT).ok_or(ErrorKind::Token(token).at(offset))?;
    if token & ATTRIBUTES != 0 {
        return Err(ErrorKind::Attributes(tag).at(offset));
    }
    Ok(tag)
}

/// What is left to read.
struct Reader<'a> {
    input: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn offset(&self) -> usize {
        self.input.len() - self.rest.len()
    }

    /// A primitive; what is wrong with it is a number, unless it merely ended.
    fn read<T>(
        &mut self,
        mut primitive: impl Parser<&'a [u8], Output = T, Error = Error<&'a [u8]>>,
    ) -> Result<T, WbxmlError> {
        match primitive.parse(self.rest) {
            Ok((rest, value)) => {
                self.rest = rest;
                Ok(value)
            }
            Err(Err::Error(error) | Err::Failure(error)) if error.code != Nom::Eof => {
                Err(ErrorKind::Number.at(self.offset()))
            }
            Err(_) => Err(ErrorKind::Truncated.at(self.input.len())),
        }
    }

    /// Version, public identifier, charset and string table, which is passed over: only tokens that ActiveSync does not
    /// use refer to it.
    fn header(&mut self) -> Result<Header, WbxmlError> {
        let version = self.read(u8)?;
        if !VERSIONS.contains(&version) {
            return Err(ErrorKind::Version(version).at(0));
        }
        let public_id = self.read(mb_u_int32)?;
        if public_id == 0 {
            // It stands in the string table, at this place.
            self.read(mb_u_int32)?;
        }
        let offset = self.offset();
        let charset = self.read(mb_u_int32)?;
        if !CHARSETS.contains(&charset) {
            return Err(ErrorKind::Charset(charset).at(offset));
        }
        let string_table = self.read(mb_u_int32)?;
        self.read(octets(string_table))?;
        Ok(Header {
            version,
            public_id,
            charset,
            string_table,
        })
    }

    /// What stands behind STR_I.
    fn string(&mut self, most: usize) -> Result<Range, WbxmlError> {
        let start = self.offset();
        let string = self.read(termstr)?;
        if string.len() > most {
            return Err(ErrorKind::ValueTooLong(most).at(start));
        }
        Ok(Range::new(start, string.len()))
    }

    /// What stands behind OPAQUE. A length is not believed before it is held to the limit.
    fn opaque(&mut self, most: usize) -> Result<Range, WbxmlError> {
        let offset = self.offset();
        let length = self.read(mb_u_int32)?;
        if usize::try_from(length).map_or(true, |length| length > most) {
            return Err(ErrorKind::ValueTooLong(most).at(offset));
        }
        let start = self.offset();
        let value = self.read(octets(length))?;
        Ok(Range::new(start, value.len()))
    }
}

/// The nodes so far. An element that is still open holds, where its size will stand, which element it is in.
struct Tree<'a> {
    limits: &'a Limits,
    nodes: Vec<Node>,
    /// How many elements are open.
    depth: usize,
    /// Which node is the innermost open element.
    innermost: u32,
}

impl<'a> Tree<'a> {
    fn new(limits: &'a Limits, octets: usize) -> Self {
        Self {
            limits,
            // A node has three octets and more, as a rule.
            nodes: Vec::with_capacity((octets / 3).min(ROOM)),
            depth: 0,
            innermost: 0,
        }
    }

    fn open(&mut self, tag: Tag, token: u8, offset: usize) -> Result<(), WbxmlError> {
        if self.depth >= self.limits.depth {
            return Err(ErrorKind::TooDeep(self.limits.depth).at(offset));
        }
        if token & CONTENT == 0 {
            return self.push(Node::Element { tag, size: 0 }, offset);
        }
        let size = mem::replace(&mut self.innermost, narrow(self.nodes.len()));
        self.depth += 1;
        self.push(Node::Element { tag, size }, offset)
    }

    fn close(&mut self, offset: usize) -> Result<(), WbxmlError> {
        let end = narrow(self.nodes.len());
        let innermost = usize::try_from(self.innermost).unwrap_or(usize::MAX);
        match self.nodes.get_mut(innermost) {
            Some(Node::Element { size, .. }) if self.depth > 0 => {
                let inside = end.saturating_sub(self.innermost).saturating_sub(1);
                self.innermost = mem::replace(size, inside);
                self.depth -= 1;
                Ok(())
            }
            _ => Err(ErrorKind::Outside(END).at(offset)),
        }
    }

    /// Adds a value. An empty one says nothing: an element with an empty string is an empty element.
    fn add(&mut self, token: u8, value: Node, offset: usize) -> Result<(), WbxmlError> {
        if self.depth == 0 {
            return Err(ErrorKind::Outside(token).at(offset));
        }
        match value {
            Node::Text(range) | Node::Opaque(range) if range.is_empty() => Ok(()),
            value => self.push(value, offset),
        }
    }

    fn push(&mut self, node: Node, offset: usize) -> Result<(), WbxmlError> {
        if self.nodes.len() >= self.limits.nodes {
            return Err(ErrorKind::TooMany(self.limits.nodes).at(offset));
        }
        self.nodes.push(node);
        Ok(())
    }

    /// The outermost element, once it is closed.
    fn finished(&self) -> Option<Tag> {
        if self.depth > 0 {
            return None;
        }
        match self.nodes.first() {
            Some(Node::Element { tag, .. }) => Some(*tag),
            _ => None,
        }
    }
}

/// Of a place in a document, which has no more octets, and so no more nodes, than 32 bits count.
pub(super) fn narrow(place: usize) -> u32 {
    place.try_into().unwrap_or(u32::MAX)
}
