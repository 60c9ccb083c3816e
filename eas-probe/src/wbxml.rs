//! WBXML as Exchange ActiveSync speaks it: octets to documents, commands to octets.
//!
//! ActiveSync uses a small part of WBXML 1.3 ([MS-ASWBXML]): elements with strings and opaque octets in them, and code
//! pages that say what a token means. The rest (attributes, literals, extensions, references to a string table) is
//! refused with the place where it stands. What is not refused is any element: a token that no table knows keeps its
//! number, so that an element of a newer version is passed over and not fatal.
//!
//! Nothing here recurses, and every count and length is [limited](Limits): a server that sends a million elements within
//! each other costs no stack.
//!
//! ```
//! use eas_probe::wbxml::tags::folder_hierarchy as folders;
//! use eas_probe::wbxml::{Builder, Document};
//!
//! let command = Builder::new(folders::FOLDER_SYNC).text(folders::SYNC_KEY, "0").finish()?;
//! assert_eq!(command, [3, 1, 0x6A, 0, 0, 7, 0x56, 0x52, 3, b'0', 0, 1, 1]);
//!
//! let document = Document::decode(command)?;
//! let key = document.root().child(folders::SYNC_KEY).and_then(|key| key.number());
//! assert_eq!((document.root().tag(), key), (folders::FOLDER_SYNC, Some(0)));
//! # Ok::<(), eas_probe::wbxml::WbxmlError>(())
//! ```
//!
//! [MS-ASWBXML]: https://learn.microsoft.com/en-us/openspecs/exchange_server_protocols/ms-aswbxml/

mod builder;
mod decode;
mod display;
mod document;
mod encode;
mod error;
mod primitive;
mod tag;
pub mod tags;

pub use builder::Builder;
pub use decode::Limits;
pub use document::{Content, Document, Element, Header};
pub use error::{ErrorKind, WbxmlError};
pub use tag::Tag;

/// Octets that mean the same on every code page (WBXML 1.3 section 7.1), as far as ActiveSync uses them.
mod token {
    pub(super) const SWITCH_PAGE: u8 = 0x00;
    pub(super) const END: u8 = 0x01;
    pub(super) const STR_I: u8 = 0x03;
    pub(super) const OPAQUE: u8 = 0xC3;

    /// Bit of an element that has content.
    pub(super) const CONTENT: u8 = 0x40;
    /// Bit of an element that has attributes.
    pub(super) const ATTRIBUTES: u8 = 0x80;
    /// The bits that say which element.
    pub(super) const ELEMENT: u8 = 0x3F;
    /// The lowest token of an element; those below it are global.
    pub(super) const FIRST_ELEMENT: u8 = 0x05;
}
