//! What a page of XML may have before a parser sees it. Parsers hold each attribute of an element against all others, hand the
//! namespaces of an element down to all within it, and make room for as many nodes as there might be: of a page that was written
//! for that, a few hundred kilobytes keep a program busy for minutes.

use memchr::memchr_iter;

/// The most attributes of one element.
pub const ATTRIBUTES: usize = 64;
/// The most names by which namespaces are called, the one without a name among them.
pub const PREFIXES: usize = 32;

/// Whether a page has no more than [`ATTRIBUTES`] and [`PREFIXES`], and neither more tags than so many nodes can have nor more
/// signs of attributes than twice as many. It may be no XML all the same.
///
/// ```
/// use probe_net::xml;
///
/// assert!(xml::is_modest("<a b='c'><d/></a>", 2));
/// let many: String = (0..65).map(|n| format!(" b{n}='c'")).collect();
/// assert!(!xml::is_modest(&format!("<a{many}/>"), 2));
/// ```
pub fn is_modest(page: &str, nodes: usize) -> bool {
    // Each node has a beginning and an end.
    let most = nodes.saturating_mul(2);
    let is_few = |sign: u8| memchr_iter(sign, page.as_bytes()).count() <= most;
    if !is_few(b'<') || !is_few(b'=') {
        return false;
    }
    let mut prefixes = Vec::new();
    // None of these stands in the value of an attribute: XML 1.0 section 2.3.
    for tag in page.split('<').skip(1) {
        let mut attributes = 0;
        let mut rest = tag;
        while let Some((name, next)) = attribute(rest) {
            attributes += 1;
            if let Some(prefix) = name.strip_prefix("xmlns")
                && !prefixes.contains(&prefix)
            {
                prefixes.push(prefix);
            }
            if attributes > ATTRIBUTES || prefixes.len() > PREFIXES {
                return false;
            }
            rest = next;
        }
    }
    true
}

/// The name of the next attribute of a tag, and what stands behind it.
///
/// ```text
/// attribute = name *white "=" *white ( DQUOTE *character DQUOTE / "'" *character "'" )
/// ```
/// XML 1.0 section 3.1.
fn attribute(tag: &str) -> Option<(&str, &str)> {
    let (before, rest) = tag.split_once('=')?;
    // What comes behind the end of a tag is text.
    if before.contains('>') {
        return None;
    }
    let name = before.trim_end();
    let name = name.rsplit(char::is_whitespace).next().unwrap_or(name);
    let rest = rest.trim_start();
    let quote = rest
        .chars()
        .next()
        .filter(|quote| matches!(quote, '"' | '\''))?;
    let (_, rest) = rest.get(1..)?.split_once(quote)?;
    Some((name, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(attributes: impl Iterator<Item = String>) -> bool {
        let attributes: String = attributes.collect();
        is_modest(&format!("<a><b{attributes}/></a>"), 100)
    }

    #[test]
    fn each_bound_is_crossed_by_one() {
        let plain = |count: usize| with((0..count).map(|n| format!(" a{n} = \"b > c\"")));
        assert!(plain(64) && !plain(65));
        let named = |count: usize| with((0..count).map(|n| format!(" xmlns:n{n}='u'")));
        assert!(named(32) && !named(33));
        assert!(is_modest("<a><b></b></a>", 2));
        assert!(!is_modest("<a><b></b></a>", 1));
        assert!(is_modest("<a>====</a>", 2));
        assert!(!is_modest("<a>=====</a>", 2));
    }

    #[test]
    fn namespaces_are_counted_by_their_names_over_the_whole_page() {
        let page = |count: usize| {
            let tags = (0..count).map(|n| format!("<a xmlns:n{n}='u'>"));
            is_modest(&tags.collect::<String>(), 1000)
        };
        assert!(page(32) && !page(33));
        assert!(is_modest(&"<a xmlns='u'/>".repeat(1000), 1000));
    }

    #[test]
    fn text_has_no_attributes() {
        assert!(is_modest(&format!("<a>{}</a>", "b='c' ".repeat(100)), 50));
        assert!(is_modest(
            &format!("<![CDATA[{}]]>", "<b c='d'>".repeat(100)),
            101
        ));
    }

    #[test]
    fn what_is_no_xml_is_not_judged() {
        for page in [
            "",
            "<",
            "<a b",
            "<a b=",
            "<a b='",
            "<a b=c>",
            "a=b",
            "<é ü='ö'>",
        ] {
            assert!(is_modest(page, 1), "{page}");
        }
    }
}
