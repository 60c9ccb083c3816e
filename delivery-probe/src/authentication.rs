//! What the receiving server says of SPF, DKIM and DMARC (RFC 8601): only where it is the server that was to say it, since
//! anybody may put such a field into a message. `Received-SPF` (RFC 7208 section 9.1) stands in where there is no other.

mod believed;

use core::fmt;

use nom::branch::alt;
use nom::bytes::complete::{is_not, take, take_while1};
use nom::character::complete::char;
use nom::combinator::{map, opt, value};
use nom::multi::{many0, many0_count};
use nom::sequence::{delimited, preceded, separated_pair, terminated};
use nom::{IResult, Parser};
use probe_core::printable;
use probe_net::message::Headers;

use crate::comment::comment;

/// What one server says of a message's authenticity.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Authentication {
    /// Who says it; nothing where Exchange leaves it out.
    pub server: Option<String>,
    /// The results in their order, at most [`Authentication::RESULTS`].
    pub results: Vec<AuthResult>,
}

impl Authentication {
    /// The most results that are read.
    pub const RESULTS: usize = 32;

    /// The most octets of a field that are read.
    pub const OCTETS: usize = 8 * 1024;

    /// The most fields of a message that are looked at.
    pub const FIELDS: usize = 32;

    /// Reads the value of an `Authentication-Results` field; `None` if it is none.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let value = value.get(..Self::OCTETS).unwrap_or(value);
        let (_, authentication) = authentication(value).ok()?;
        Some(authentication)
    }

    /// What a message's header section says that can be believed. Several fields of one server are taken together: some
    /// write one for each method.
    ///
    /// Where servers are named, it is what they say, the topmost first. Exchange Online does not name itself in some of its
    /// fields: these are believed where the host that took the message right before is one of the names, or below one.
    ///
    /// Else it is what stands above the field of the hop by which the message came to its last host, or right below it
    /// with the name of that host, whose filters put it there: such a host has to take the same name out of what comes in
    /// (RFC 8601 section 5). What stands lower came with the message.
    pub fn of(headers: &Headers<'_>, servers: &[String]) -> Option<Self> {
        believed::of(headers, servers)
    }

    /// The best result of a method: one valid signature of several is enough.
    pub fn of_method(&self, method: &str) -> Option<&AuthResult> {
        let all = self.results.iter().filter(|result| result.method == method);
        all.max_by_key(|result| result.outcome == Outcome::Pass)
    }
}

/// The result of one method.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct AuthResult {
    /// Which: `spf`, `dkim`, `dmarc`, `arc`, `iprev`, in small letters.
    pub method: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, in the server's words.
    pub reason: Option<String>,
    /// What was looked at: `smtp.mailfrom`, `header.d` and the like.
    pub properties: Vec<(String, String)>,
}

/// What came of a method (RFC 8601 section 2.7).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It does not hold.
    Fail,
    /// Nothing to hold it against.
    Neutral,
    /// It was not used, or the domain says nothing.
    None,
    /// It holds.
    Pass,
    /// What is published cannot be understood.
    PermError,
    /// It does not hold, but only half so.
    SoftFail,
    /// It could not be found out just now.
    TempError,
    /// Another, in the server's word.
    Other(String),
}

impl Outcome {
    /// The name in reports.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Fail => "fail",
            Self::Neutral => "neutral",
            Self::None => "none",
            Self::Pass => "pass",
            Self::PermError => "permerror",
            Self::SoftFail => "softfail",
            Self::TempError => "temperror",
            Self::Other(word) => word,
        }
    }

    fn new(word: &[u8]) -> Self {
        match word.to_ascii_lowercase().as_slice() {
            b"fail" | b"hardfail" => Self::Fail,
            b"neutral" => Self::Neutral,
            b"none" => Self::None,
            b"pass" => Self::Pass,
            b"permerror" | b"error" => Self::PermError,
            b"softfail" => Self::SoftFail,
            b"temperror" => Self::TempError,
            _ => Self::Other(shown(word)),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The most properties of a result that are kept.
const PROPERTIES: usize = 16;

/// The most octets of a word that are kept.
const WORD: usize = 255;

/// ```abnf
/// authres-payload = [CFWS] authserv-id [ CFWS authres-version ] ( no-result / 1*resinfo ) [CFWS]
/// no-result       = [CFWS] ";" [CFWS] "none"
/// resinfo         = [CFWS] ";" methodspec [ CFWS reasonspec ] [ CFWS 1*propspec ]
/// ```
/// RFC 8601 section 2.2. Exchange Online begins with the first result.
fn authentication(input: &[u8]) -> IResult<&[u8], Authentication> {
    let (input, ()) = cfws(input)?;
    if let Ok((rest, first)) = result(input) {
        let (rest, results) = results(rest, vec![first])?;
        let server = None;
        return Ok((rest, Authentication { server, results }));
    }
    let (rest, server) = terminated(word, cfws).parse(input)?;
    let version = take_while1(|byte: u8| byte.is_ascii_digit());
    let (rest, _) = opt(terminated(version, cfws)).parse(rest)?;
    let (rest, results) = results(rest, Vec::new())?;
    let server = Some(shown(server));
    Ok((rest, Authentication { server, results }))
}

/// What stands behind each semicolon; what is no result is passed over.
fn results(mut rest: &[u8], mut found: Vec<AuthResult>) -> IResult<&[u8], Vec<AuthResult>> {
    while found.len() < Authentication::RESULTS {
        let skipped: IResult<&[u8], usize> = many0_count(alt((
            value((), comment),
            value((), quoted),
            value(
                (),
                take_while1(|byte: u8| byte != b';' && byte != b'(' && byte != b'"'),
            ),
            value((), alt((char('('), char('"')))),
        )))
        .parse(rest);
        let behind = skipped.map_or(rest, |(behind, _)| behind);
        let Some(after) = behind.strip_prefix(b";") else {
            break;
        };
        rest = after;
        if let Ok((after, one)) = preceded(cfws, result).parse(after) {
            found.push(one);
            rest = after;
        }
    }
    Ok((rest, found))
}

/// ```abnf
/// methodspec = [CFWS] method [CFWS] "=" [CFWS] result
/// method     = Keyword [ [CFWS] "/" [CFWS] method-version ]
/// reasonspec = "reason" [CFWS] "=" [CFWS] value
/// propspec   = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue
/// ```
/// RFC 8601 section 2.2.
fn result(input: &[u8]) -> IResult<&[u8], AuthResult> {
    let version = (
        cfws,
        char('/'),
        cfws,
        take_while1(|byte: u8| byte.is_ascii_digit()),
    );
    let method = terminated(keyword, opt(version));
    let equals = (cfws, char('='), cfws);
    let (mut rest, (method, outcome)) = separated_pair(method, equals, keyword).parse(input)?;
    let mut one = AuthResult {
        method: shown(method).to_ascii_lowercase(),
        outcome: Outcome::new(outcome),
        reason: None,
        properties: Vec::new(),
    };
    let equals = |input| value((), (cfws, char('='), cfws)).parse(input);
    while let Ok((after, (name, value))) =
        preceded(cfws, separated_pair(property, equals, word)).parse(rest)
    {
        rest = after;
        let name = shown(name).to_ascii_lowercase();
        match name.as_str() {
            "reason" => one.reason = Some(shown(value)),
            _ if one.properties.len() < PROPERTIES => one.properties.push((name, shown(value))),
            _ => {}
        }
    }
    Ok((rest, one))
}

/// ```abnf
/// header-field = "Received-SPF:" [CFWS] result FWS [comment FWS] [ key-value-list ] CRLF
/// ```
/// RFC 7208 section 9.1.
fn received_spf(value: &[u8]) -> Option<Authentication> {
    let value = value.get(..Authentication::OCTETS).unwrap_or(value);
    let (mut rest, outcome) = preceded(cfws, keyword).parse(value).ok()?;
    let mut properties = Vec::new();
    let separator = |input| many0_count(alt((map(char(';'), |_| ()), some_cfws))).parse(input);
    let equals = |input| nom::combinator::value((), (cfws, char('='), cfws)).parse(input);
    while properties.len() < PROPERTIES {
        let pair = preceded(separator, separated_pair(keyword, equals, word)).parse(rest);
        let Ok((after, (name, value))) = pair else {
            break;
        };
        rest = after;
        properties.push((shown(name).to_ascii_lowercase(), shown(value)));
    }
    let receiver = properties.iter().find(|(name, _)| name == "receiver");
    Some(Authentication {
        server: receiver.map(|(_, server)| server.clone()),
        results: vec![AuthResult {
            method: "spf".to_owned(),
            outcome: Outcome::new(outcome),
            reason: None,
            properties,
        }],
    })
}

/// A name: of a method, of a result.
fn keyword(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))(input)
}

/// `smtp.mailfrom`, `reason`.
fn property(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))(
        input,
    )
}

/// A value: in quotes, or up to the next blank.
fn word(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let plain = take_while1(|byte: u8| !byte.is_ascii_whitespace() && !b";()\"".contains(&byte));
    alt((quoted, plain)).parse(input)
}

/// A quoted string, what is escaped in it as it stands.
fn quoted(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let text = nom::combinator::recognize(many0_count(alt((
        nom::combinator::recognize((char('\\'), take(1_usize))),
        is_not("\\\""),
    ))));
    delimited(char('"'), text, char('"')).parse(input)
}

/// Comments and blanks, or nothing.
fn cfws(input: &[u8]) -> IResult<&[u8], ()> {
    value((), many0(some_cfws)).parse(input)
}

fn some_cfws(input: &[u8]) -> IResult<&[u8], ()> {
    let blanks = take_while1(|byte: u8| byte.is_ascii_whitespace());
    alt((value((), blanks), value((), comment))).parse(input)
}

fn shown(word: &[u8]) -> String {
    printable(word.get(..WORD).unwrap_or(word))
}
