//! How a server wants to be shown who asks: the challenges of `WWW-Authenticate`. What is answered is the caller's.

use nom::branch::alt;
use nom::bytes::complete::{is_not, take_till, take_while1};
use nom::character::complete::{anychar, char, multispace0, space0, space1};
use nom::combinator::{eof, map, not, opt, peek, recognize, value};
use nom::multi::{fold_many0, many0_count};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

/// A way in that a server offers (RFC 9110 section 11.6.1).
///
/// ```
/// use probe_net::http::Challenge;
///
/// let challenges = Challenge::parse(br#"Negotiate, Basic realm="Mail", charset="UTF-8""#);
/// assert_eq!(challenges.len(), 2);
/// assert_eq!(challenges[1].parameter("realm"), Some("Mail"));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Challenge {
    /// Its scheme, as the server writes it: `Basic`, `Bearer`.
    pub scheme: String,
    /// What stands there in place of parameters (`token68`), such as the message of NTLM.
    pub token: Option<String>,
    /// Names and values, in the order in which they came.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// So many challenges of one response are read; servers have three.
    pub const MOST: usize = 16;
    /// So many parameters of one challenge are read.
    pub const PARAMETERS: usize = 32;

    /// Reads the value of one header. What is no part of a challenge is passed over, up to the next comma.
    pub fn parse(value: &[u8]) -> Vec<Self> {
        let mut challenges: Vec<Self> = Vec::new();
        let mut rest = value;
        while let Ok((after, element)) = element(rest) {
            rest = after;
            match element {
                Element::Parameter(parameter) => {
                    if let Some(challenge) = challenges.last_mut() {
                        challenge.add(parameter);
                    }
                }
                Element::Challenge(_) if challenges.len() == Self::MOST => break,
                Element::Challenge(challenge) => challenges.push(challenge),
                Element::Nonsense => {}
            }
        }
        challenges
    }

    /// Whether it has this scheme; the case of letters does not matter.
    pub fn is(&self, scheme: &str) -> bool {
        self.scheme.eq_ignore_ascii_case(scheme)
    }

    /// The parameter of this name, in any case of letters: `realm`, `authorization_uri`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut parameters = self.parameters.iter();
        let found = parameters.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn add(&mut self, parameter: (String, String)) {
        if self.parameters.len() < Self::PARAMETERS {
            self.parameters.push(parameter);
        }
    }
}

/// What stands between two commas. A list of challenges has commas both between challenges and between the parameters
/// of one, so each element is read for itself.
enum Element {
    Challenge(Challenge),
    Parameter((String, String)),
    Nonsense,
}

/// ```abnf
/// challenge = auth-scheme [ 1*SP ( token68 / #auth-param ) ]
/// ```
/// RFC 9110 sections 11.3 and 5.6.1, of whose lists one element is read, with the comma behind it.
fn element(input: &[u8]) -> IResult<&[u8], Element> {
    let (input, _) = multispace0(input)?;
    // At the end there is none.
    let (input, _) = not(eof).parse(input)?;
    terminated(
        alt((
            map(terminated(parameter, end), Element::Parameter),
            map(terminated(challenge, end), Element::Challenge),
            map(skipped, |()| Element::Nonsense),
        )),
        opt(char(',')),
    )
    .parse(input)
}

fn challenge(input: &[u8]) -> IResult<&[u8], Challenge> {
    let what = alt((
        map(terminated(parameter, end), |one| (None, vec![one])),
        map(token68, |token| (Some(token), Vec::new())),
    ));
    let (input, scheme) = token(input)?;
    let (input, what) = opt(preceded(space1, what)).parse(input)?;
    let (token, parameters) = what.unwrap_or_default();
    let challenge = Challenge {
        scheme,
        token,
        parameters,
    };
    Ok((input, challenge))
}

/// ```abnf
/// auth-param = token BWS "=" BWS ( token / quoted-string )
/// ```
/// RFC 9110 section 11.2.
fn parameter(input: &[u8]) -> IResult<&[u8], (String, String)> {
    let equals = delimited(space0, char('='), space0);
    let (input, name) = terminated(token, equals).parse(input)?;
    let (input, value) = alt((quoted, token)).parse(input)?;
    Ok((input, (name, value)))
}

/// ```abnf
/// quoted-string = DQUOTE *( qdtext / quoted-pair ) DQUOTE
/// ```
/// RFC 9110 section 5.6.4.
fn quoted(input: &[u8]) -> IResult<&[u8], String> {
    let text = is_not(&br#""\"#[..]);
    let pair = preceded(char('\\'), recognize(anychar));
    let inside = fold_many0(alt((text, pair)), Vec::new, |mut all, part: &[u8]| {
        all.extend_from_slice(part);
        all
    });
    map(delimited(char('"'), inside, char('"')), |bytes| {
        shown(&bytes)
    })
    .parse(input)
}

/// ```abnf
/// token68 = 1*( ALPHA / DIGIT / "-" / "." / "_" / "~" / "+" / "/" ) *"="
/// ```
/// RFC 9110 section 11.2.
fn token68(input: &[u8]) -> IResult<&[u8], String> {
    let is_of_it = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    let padded = (take_while1(is_of_it), many0_count(char('=')));
    map(recognize(padded), shown).parse(input)
}

/// ```abnf
/// token = 1*tchar
/// ```
/// RFC 9110 section 5.6.2.
fn token(input: &[u8]) -> IResult<&[u8], String> {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    map(take_while1(is_tchar), shown).parse(input)
}

/// What must stand behind an element.
fn end(input: &[u8]) -> IResult<&[u8], ()> {
    let comma = value((), peek(char(',')));
    delimited(multispace0, alt((comma, value((), eof))), multispace0).parse(input)
}

/// Up to the next comma that is in no quotes.
fn skipped(input: &[u8]) -> IResult<&[u8], ()> {
    let plain = take_while1(|byte| byte != b',' && byte != b'"');
    let in_quotes = recognize((char('"'), take_till(|byte| byte == b'"'), opt(char('"'))));
    value((), many0_count(alt((plain, in_quotes)))).parse(input)
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(value: &str) -> Vec<String> {
        let shown = |one: Challenge| {
            let parameters: String = one
                .parameters
                .iter()
                .map(|(name, value)| format!(" {name}=[{value}]"))
                .collect();
            let token = one.token.map(|token| format!(" ({token})"));
            format!("{}{}{parameters}", one.scheme, token.unwrap_or_default())
        };
        Challenge::parse(value.as_bytes())
            .into_iter()
            .map(shown)
            .collect()
    }

    #[test]
    fn several_challenges_stand_in_one_header() {
        // RFC 9110 section 11.6.1.
        assert_eq!(
            read(
                r#"Basic realm="simple", Newauth realm="apps", type=1, title="Login to \"apps\"""#
            ),
            [
                "Basic realm=[simple]",
                r#"Newauth realm=[apps] type=[1] title=[Login to "apps"]"#
            ]
        );
        // Exchange Online, shortened.
        assert_eq!(
            read(
                r#"Bearer client_id="00000002-0000", trusted_issuers="00000001@*", authorization_uri="https://login.example/a?b=c,d", Basic Realm="", Negotiate"#
            ),
            [
                "Bearer client_id=[00000002-0000] trusted_issuers=[00000001@*] authorization_uri=[https://login.example/a?b=c,d]",
                "Basic Realm=[]",
                "Negotiate"
            ]
        );
        assert_eq!(
            read("NTLM TlRMTVNTUAAC==,, ,Negotiate a=, Digest a = b"),
            ["NTLM (TlRMTVNTUAAC==)", "Negotiate (a=)", "Digest a=[b]"]
        );
    }

    #[test]
    fn what_is_no_challenge_is_passed_over_and_the_rest_is_read() {
        assert_eq!(read("realm=lost, Basic"), ["Basic"]);
        assert_eq!(read(r#"Basic realm=two words, x="a,b" c, NTLM"#), ["NTLM"]);
        assert_eq!(read(r#"Basic, x="never closed, NTLM"#), ["Basic"]);
        assert_eq!(
            read("\u{e9}, Basic realm=\"\u{e9}\""),
            ["Basic realm=[\u{e9}]"]
        );
        assert_eq!(read(""), [""; 0]);
    }

    #[test]
    fn no_more_challenges_and_parameters_are_read_than_the_limits() {
        let challenges = |count: usize| vec!["Basic"; count].join(",");
        assert_eq!(read(&challenges(Challenge::MOST)).len(), 16);
        assert_eq!(read(&challenges(Challenge::MOST + 1)).len(), 16);
        let parameters = |count: usize| {
            let header = format!("Basic {}", vec!["a=b"; count].join(","));
            Challenge::parse(header.as_bytes())[0].parameters.len()
        };
        assert_eq!(parameters(Challenge::PARAMETERS), 32);
        assert_eq!(parameters(Challenge::PARAMETERS + 1), 32);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            written in prop::collection::vec(
                ("[A-Za-z][A-Za-z0-9-]{0,9}", prop::collection::vec(("[a-z_]{1,9}", ".{0,9}"), 0..4)),
                0..4,
            ),
        ) {
            let header: Vec<String> = written.iter().map(|(scheme, parameters)| {
                let quoted = |text: &String| text.replace('\\', r"\\").replace('"', "\\\"");
                let parameters = parameters.iter();
                let parameters = parameters.map(|(name, value)| format!("{name}=\"{}\"", quoted(value)));
                format!("{scheme} {}", parameters.collect::<Vec<_>>().join(", "))
            }).collect();
            let read = Challenge::parse(header.join(" , ").as_bytes()).into_iter();
            let read: Vec<_> = read.map(|one| (one.scheme, one.parameters)).collect();
            prop_assert_eq!(read, written);
        }

        #[test]
        fn any_bytes_are_read_within_bounds(value in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Challenge::parse(&value).len() <= Challenge::MOST);
        }

        #[test]
        fn anything_like_challenges_is_read_within_bounds(value in "([a-zB-D]{0,3}[ =,\"\\\\]{1,2}){0,40}") {
            prop_assert!(Challenge::parse(value.as_bytes()).len() <= Challenge::MOST);
        }
    }
}
