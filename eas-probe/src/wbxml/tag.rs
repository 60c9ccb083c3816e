//! One kind of element: a code page and a token on it. Their names are in [`tags`](super::tags).

use core::fmt;

use super::{tags, token};

/// Which element: a code page and a token, whether a table knows it or not.
///
/// It is shown with the name of its page: `AirSync:Sync`, or `FolderHierarchy:0x3A` where the page has no such token, or
/// `0x1A:0x05` where there is no such page.
///
/// ```
/// use eas_probe::wbxml::{Tag, tags};
///
/// assert_eq!(Tag::new(14, 0x0E), Some(tags::provision::DEVICE_PASSWORD_ENABLED));
/// assert_eq!(tags::provision::DEVICE_PASSWORD_ENABLED.name(), Some("DevicePasswordEnabled"));
/// assert_eq!(Tag::new(7, 0x3A).map(|tag| tag.to_string()).as_deref(), Some("FolderHierarchy:0x3A"));
/// assert_eq!(Tag::new(0, 0x04), None, "LITERAL is no element");
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tag {
    page: u8,
    token: u8,
}

impl Tag {
    /// The element of this token, from 0x05 to 0x3F, on this code page.
    pub const fn new(page: u8, token: u8) -> Option<Self> {
        if token < token::FIRST_ELEMENT || token > token::ELEMENT {
            return None;
        }
        Some(Self { page, token })
    }

    /// For the table, whose test looks at every token.
    pub(super) const fn of_table(page: u8, token: u8) -> Self {
        Self { page, token }
    }

    /// The code page.
    pub const fn page(self) -> u8 {
        self.page
    }

    /// The token on that page, without the bits for content and attributes.
    pub const fn token(self) -> u8 {
        self.token
    }

    /// The element's name, if a table knows it: `SyncKey`.
    pub fn name(self) -> Option<&'static str> {
        tags::name(self)
    }

    /// The page's name, if there is such a page: `FolderHierarchy`.
    pub fn page_name(self) -> Option<&'static str> {
        tags::page_name(self.page)
    }

    /// Writes the name alone, or the token where there is none.
    pub(super) fn write_local(self, out: &mut impl fmt::Write) -> fmt::Result {
        match self.name() {
            Some(name) => out.write_str(name),
            None => write!(out, "{:#04X}", self.token),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.page_name() {
            Some(page) => write!(f, "{page}:")?,
            None => write!(f, "{:#04X}:", self.page)?,
        }
        self.write_local(f)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}
