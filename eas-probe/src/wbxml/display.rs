//! Documents as text for people: indented, after the manner of XML, escaped, and of a bounded length.

use core::fmt::{self, Write};

use probe_core::printable;

use super::{Content, Element, Tag};

/// Octets of text that are shown of an element, those within it included.
const MOST: usize = 32 * 1024;
/// Octets that are shown of one string.
const MOST_OF_TEXT: usize = 512;
/// Octets that are shown of one opaque value.
const MOST_OF_OPAQUE: usize = 16;

/// A page is named where it is another than that of the element around. Control characters are escaped, long values are
/// cut, and of a long document the beginning is shown; an ellipsis stands for what is missing.
impl fmt::Display for Element<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = Bounded {
            inner: f,
            left: MOST,
        };
        match write(*self, &mut out) {
            Err(fmt::Error) if out.left == 0 => f.write_str("…\n"),
            other => other,
        }
    }
}

/// Writes an element and all within it; the stack is a list.
fn write<'a>(root: Element<'a>, out: &mut Bounded<'_, '_>) -> fmt::Result {
    let mut open: Vec<(Tag, bool, Box<dyn Iterator<Item = Content<'a>> + 'a>)> = Vec::new();
    let mut next = Some(Content::Element(root));
    loop {
        let depth = open.len();
        match next {
            Some(Content::Element(element)) => {
                let is_paged = open
                    .last()
                    .is_none_or(|(around, ..)| around.page() != element.tag().page());
                indent(depth, out)?;
                if begin(element, is_paged, out)? {
                    open.push((element.tag(), is_paged, Box::new(element.content())));
                }
            }
            Some(value) => {
                indent(depth, out)?;
                write_value(value, out)?;
                out.write_char('\n')?;
            }
            None => {
                if let Some((tag, is_paged, _)) = open.pop() {
                    indent(open.len(), out)?;
                    end(tag, is_paged, out)?;
                }
            }
        }
        match open.last_mut() {
            Some((.., content)) => next = content.next(),
            None => return Ok(()),
        }
    }
}

/// Begins an element, and ends it in the same line unless there are elements within it; says whether it is to be ended.
fn begin(
    element: Element<'_>,
    is_paged: bool,
    out: &mut Bounded<'_, '_>,
) -> Result<bool, fmt::Error> {
    out.write_char('<')?;
    name(element.tag(), is_paged, out)?;
    if element.content().next().is_none() {
        out.write_str("/>\n")?;
        return Ok(false);
    }
    out.write_char('>')?;
    if element.children().next().is_some() {
        out.write_char('\n')?;
        return Ok(true);
    }
    element
        .content()
        .try_for_each(|value| write_value(value, out))?;
    end(element.tag(), is_paged, out)?;
    Ok(false)
}

fn end(tag: Tag, is_paged: bool, out: &mut Bounded<'_, '_>) -> fmt::Result {
    out.write_str("</")?;
    name(tag, is_paged, out)?;
    out.write_str(">\n")
}

fn name(tag: Tag, is_paged: bool, out: &mut Bounded<'_, '_>) -> fmt::Result {
    match is_paged {
        true => write!(out, "{tag}"),
        false => tag.write_local(out),
    }
}

fn indent(depth: usize, out: &mut Bounded<'_, '_>) -> fmt::Result {
    (0..depth).try_for_each(|_| out.write_str("  "))
}

/// A string as it is; an opaque value by its length and its first octets.
fn write_value(value: Content<'_>, out: &mut Bounded<'_, '_>) -> fmt::Result {
    match value {
        Content::Element(_) => Ok(()),
        Content::Text(octets) => {
            let (shown, is_cut) = cut(octets, MOST_OF_TEXT);
            let shown = printable(shown).replace('&', "&amp;").replace('<', "&lt;");
            out.write_str(&shown)?;
            out.write_str(if is_cut { "…" } else { "" })
        }
        Content::Opaque(octets) => {
            let (shown, is_cut) = cut(octets, MOST_OF_OPAQUE);
            write!(out, "[{} octets:", octets.len())?;
            shown
                .iter()
                .try_for_each(|octet| write!(out, " {octet:02X}"))?;
            out.write_str(if is_cut { " …]" } else { "]" })
        }
    }
}

/// So many of the first octets, and whether some are missing.
fn cut(octets: &[u8], most: usize) -> (&[u8], bool) {
    match octets.get(..most) {
        Some(shown) => (shown, shown.len() < octets.len()),
        None => (octets, false),
    }
}

/// Text of a limited length; an error once it is used up.
struct Bounded<'a, 'b> {
    inner: &'a mut fmt::Formatter<'b>,
    left: usize,
}

impl Write for Bounded<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let Some(left) = self.left.checked_sub(text.len()) else {
            self.left = 0;
            return Err(fmt::Error);
        };
        self.left = left;
        self.inner.write_str(text)
    }
}
