//! Which picture stands beside a domain's mail: Brand Indicators for Message Identification
//! (draft-brand-indicators-for-message-identification section 4.2).

use super::tags::Tags;
use super::{Fault, begins_with};

/// A BIMI assertion record.
///
/// ```
/// use mx_check::records::bimi::Bimi;
///
/// let read = Bimi::parse(b"v=BIMI1; l=https://example.org/logo.svg; a=");
/// assert_eq!(read.location.as_deref(), Some("https://example.org/logo.svg"));
/// assert!(!read.is_declined());
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Bimi {
    /// Where the picture is (`l`).
    pub location: Option<String>,
    /// Where the evidence is that it may be used (`a`).
    pub authority: Option<String>,
    /// Whether the picture of the mailbox's owner comes first (`e`, `avp`), in the record's words.
    pub preference: Option<String>,
    /// Why nothing is shown.
    pub errors: Vec<Fault>,
    /// What is passed over.
    pub oddities: Vec<Fault>,
}

impl Bimi {
    /// Whether a text at `_bimi` is such a record, be it a bad one.
    pub fn is_one(text: &[u8]) -> bool {
        begins_with(text, "v=BIMI1")
    }

    /// Reads the record.
    pub fn parse(text: &[u8]) -> Self {
        let Tags {
            tags,
            errors,
            oddities,
        } = Tags::of(text);
        let mut read = Self {
            errors,
            oddities,
            ..Self::default()
        };
        match tags.first() {
            Some(first) if first.is("v") && first.value == b"BIMI1" => {}
            _ => {
                let what = "it does not begin with v=BIMI1";
                read.errors.push(Fault::new(0, what, text));
            }
        }
        for tag in tags.iter().skip(1) {
            let value = Some(tag.text()).filter(|value| !value.is_empty());
            let is_place = tag.is("l") || tag.is("a");
            if is_place && value.as_ref().is_some_and(|value| !is_https(value)) {
                read.errors.push(tag.fault("it is no https: address"));
            }
            match tag.name.to_ascii_lowercase().as_str() {
                "l" => read.location = value,
                "a" => read.authority = value,
                "e" | "avp" => read.preference = value,
                _ => read.oddities.push(tag.fault("the tag is not known")),
            }
        }
        if !tags.iter().any(|tag| tag.is("l")) {
            let what = "it does not say where the picture is (l)";
            read.errors.push(Fault::new(text.len(), what, b""));
        }
        read
    }

    /// Whether the domain says that it wants no picture.
    pub const fn is_declined(&self) -> bool {
        self.errors.is_empty() && self.location.is_none() && self.authority.is_none()
    }
}

fn is_https(text: &str) -> bool {
    let scheme = text.get(..8);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}
