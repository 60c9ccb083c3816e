//! What can be wrong with octets that are said to be WBXML.

use super::Tag;

/// Octets that are not WBXML as ActiveSync speaks it, or more of it than is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("octet {offset}: {kind}")]
pub struct WbxmlError {
    /// Where the token, number or length stands that was not taken; where a document ends too early, its length.
    pub offset: usize,
    /// What is wrong with it.
    pub kind: ErrorKind,
}

/// What is wrong at a place of a document.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The octets end within the document.
    #[error("the document ends too early")]
    Truncated,
    /// A version that is neither 1.1, 1.2 nor 1.3: the octet that says it.
    #[error("WBXML version {0:#04x} is not known")]
    Version(u8),
    /// A charset that is not UTF-8, by its number (MIBenum) at IANA.
    #[error("the charset {0} is not UTF-8")]
    Charset(u32),
    /// A number of more than 32 bits.
    #[error("a number is larger than 32 bits")]
    Number,
    /// A token of WBXML that ActiveSync does not use: ENTITY, LITERAL, EXT, PI, STR_T.
    #[error("token {0:#04x} is not used by ActiveSync")]
    Token(u8),
    /// An element with attributes, which ActiveSync does not use.
    #[error("{0} has attributes")]
    Attributes(Tag),
    /// An END, or a value, outside of every element.
    #[error("token {0:#04x} stands outside of every element")]
    Outside(u8),
    /// Octets behind the end of the outermost element.
    #[error("something follows the document")]
    Trailing,
    /// Elements within each other, deeper than [`Limits::depth`](super::Limits::depth).
    #[error("elements are more than {0} deep")]
    TooDeep(usize),
    /// A document of more octets than [`Limits::octets`](super::Limits::octets).
    #[error("the document has more than {0} octets")]
    TooLong(usize),
    /// A string or an opaque value of more octets than [`Limits::value`](super::Limits::value).
    #[error("a value has more than {0} octets")]
    ValueTooLong(usize),
    /// More elements and values than [`Limits::nodes`](super::Limits::nodes).
    #[error("the document has more than {0} elements and values")]
    TooMany(usize),
}

impl ErrorKind {
    pub(super) fn at(self, offset: usize) -> WbxmlError {
        WbxmlError { offset, kind: self }
    }
}
