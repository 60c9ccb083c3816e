//! What a page says, as text that can be shown: without its markup, on one line, not too long. It is no renderer: where markup is
//! broken, more or less of the text is left.
//!
//! ```text
//! page   = *( tag / entity / character )
//! tag    = "<" ( "/" / "!" / letter ) *( character but ">" ) ">"
//! entity = "&" ( name / "#" digits / "#x" hexadecimal ) ";"
//! ```

use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, take_while_m_n, take_while1};
use nom::character::complete::{anychar, one_of, satisfy};
use nom::combinator::{map, map_opt, opt, value};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};
use probe_core::printable;

/// So many octets of a text are looked at: who writes more on a page of status is not read to the end.
pub(super) const MARKUP: usize = 16 * 1024;

/// The text of a page, in so many characters.
pub(super) fn text_of(markup: &str, most: usize) -> String {
    let markup = beginning(markup);
    // Behind the last end of a tag there is none: nobody makes us look for it again and again.
    let tags = markup.rfind('>').map_or(0, |end| end + 1);
    let (tagged, rest) = markup.split_at_checked(tags).unwrap_or(("", markup));
    let mut text = String::new();
    read(tagged, alt((tag_off, piece)), &mut text);
    read(rest, piece, &mut text);
    plain(&text, most)
}

/// A text without markup, in so many characters.
pub(super) fn plain(text: &str, most: usize) -> String {
    let words = beginning(text).split_whitespace();
    let line = words.collect::<Vec<_>>().join(" ");
    let shown = printable(line.as_bytes());
    match shown.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", shown.get(..end).unwrap_or_default().trim_end()),
        None => shown,
    }
}

fn beginning(text: &str) -> &str {
    let mut end = text.len().min(MARKUP);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[derive(Clone, Debug)]
enum Piece<'a> {
    Blank,
    Character(char),
    Text(&'a str),
}

fn read<'a>(
    mut rest: &'a str,
    mut parser: impl Parser<&'a str, Output = Piece<'a>, Error = nom::error::Error<&'a str>>,
    text: &mut String,
) {
    while let Ok((left, piece)) = parser.parse(rest) {
        match piece {
            Piece::Blank => text.push(' '),
            Piece::Character(c) => text.push(c),
            Piece::Text(plain) => text.push_str(plain),
        }
        rest = left;
    }
}

fn piece(input: &str) -> IResult<&str, Piece<'_>> {
    alt((
        map(is_not("<&"), Piece::Text),
        map(entity, Piece::Character),
        // It stands for itself.
        map(anychar, Piece::Character),
    ))
    .parse(input)
}

fn tag_off(input: &str) -> IResult<&str, Piece<'_>> {
    let begin = satisfy(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!'));
    let content = (begin, opt(is_not(">")));
    value(Piece::Blank, delimited(tag("<"), content, tag(">"))).parse(input)
}

fn entity(input: &str) -> IResult<&str, char> {
    let hexadecimal = preceded(
        one_of("xX"),
        take_while_m_n(1, 6, |c: char| c.is_ascii_hexdigit()),
    );
    let decimal = take_while_m_n(1, 7, |c: char| c.is_ascii_digit());
    let number = alt((
        map_opt(hexadecimal, |digits| u32::from_str_radix(digits, 16).ok()),
        map_opt(decimal, |digits: &str| digits.parse().ok()),
    ));
    let numbered = map_opt(preceded(tag("#"), number), char::from_u32);
    let named = map_opt(take_while1(|c: char| c.is_ascii_alphabetic()), character);
    delimited(tag("&"), alt((numbered, named)), tag(";")).parse(input)
}

/// Those that status pages have; others are shown as they are written.
fn character(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        "ndash" => '–',
        "mdash" => '—',
        "rsquo" => '’',
        "lsquo" => '‘',
        "ldquo" => '“',
        "rdquo" => '”',
        "hellip" => '…',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_what_is_left_of_a_page() {
        let page = "<p><small>Nov <var data-var='date'>24</var>, 10:00 UTC</small><br><strong>Resolved</strong> - \
            It&#39;s over &amp; done.</p><ul><li>a</li></ul>";
        assert_eq!(
            text_of(page, 600),
            "Nov 24 , 10:00 UTC Resolved - It's over & done. a"
        );
    }

    #[test]
    fn what_is_no_markup_stands_for_itself() {
        assert_eq!(
            text_of("a < b && c &nope; &#xd800; <", 600),
            "a < b && c &nope; &#xd800; <"
        );
        assert_eq!(text_of("<b>a <b", 600), "a <b");
        assert_eq!(text_of("a<!-- b -->c", 600), "a c");
    }

    #[test]
    fn nobodys_screen_is_touched() {
        assert_eq!(
            text_of("a&#27;[2Jb\u{202e}c", 600),
            "a\\u{1b}[2Jb\\u{202e}c"
        );
    }

    #[test]
    fn a_text_that_is_too_long_is_cut() {
        assert_eq!(plain("abc", 3), "abc");
        assert_eq!(plain("abcd", 3), "abc…");
        assert_eq!(plain("é é é", 3), "é é…");
        let long = |octets: usize| text_of(&"a".repeat(octets), 100_000).len();
        assert_eq!(long(16 * 1024), 16 * 1024);
        assert_eq!(long(16 * 1024 + 1), 16 * 1024);
    }
}
