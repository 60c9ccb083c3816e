//! Comments of header fields (RFC 5322 section 3.2.2), which may nest.

use nom::character::complete::char;
use nom::{IResult, Parser};

/// How deep comments may nest; deeper ones are read as if they did not.
const DEPTH: usize = 16;

/// ```abnf
/// comment = "(" *([FWS] ccontent) [FWS] ")"
/// ```
/// RFC 5322 section 3.2.2; without its end it goes to the end of the text.
pub(crate) fn comment(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let (body, _) = char('(').parse(input)?;
    let mut depth = 1_usize;
    let mut is_quoted = false;
    for (at, byte) in body.iter().enumerate() {
        match byte {
            _ if is_quoted => is_quoted = false,
            b'\\' => is_quoted = true,
            b'(' if depth < DEPTH => depth += 1,
            b')' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let (text, end) = body.split_at_checked(at).unwrap_or((body, &[]));
            return Ok((end.get(1..).unwrap_or_default(), text));
        }
    }
    Ok((&[], body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_nest_up_to_the_limit() {
        let rest = |text: &str| {
            let (rest, _) = comment(text.as_bytes()).unwrap();
            String::from_utf8(rest.to_vec()).unwrap()
        };
        assert_eq!(rest("(a (b) \\) (c)) d"), " d");
        assert_eq!(rest("(a"), "");
        let nested = |depth: usize| rest(&("(".repeat(depth) + &")".repeat(depth)));
        assert_eq!(
            (nested(DEPTH), nested(DEPTH + 1)),
            (String::new(), ")".to_owned())
        );
        assert!(comment(b"a").is_err());
    }
}
