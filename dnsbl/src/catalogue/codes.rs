//! What the addresses of an answer mean, list by list: patterns in the notation of postscreen's filters, each with a
//! word for it.

use core::fmt;
use core::net::Ipv4Addr;
use core::ops::RangeInclusive;
use core::str::FromStr;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::{char, u8 as number};
use nom::combinator::{all_consuming, map, opt, verify};
use nom::multi::separated_list1;
use nom::sequence::{delimited, pair, preceded, separated_pair};
use nom::{IResult, Parser};

/// What an address of an answer means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "callers match on all of it")]
pub enum Meaning<'a> {
    /// The list says something of it that is no accusation: white, neutral.
    Clean(&'a str),
    /// The list does not answer us, for this reason.
    Error(&'a str),
    /// It is no answer of a list: those lie within 127.0.0.0/8 (RFC 5782 section 2.1).
    Foreign,
    /// It is listed, as this; `None` where the list has no word for it.
    Listed(Option<&'a str>),
}

/// What all answers of one list mean.
///
/// ```
/// use dnsbl_probe::{Codes, Meaning};
///
/// let codes: Codes = "mask:1=error:blocked mask:2=black mask:8=red".parse()?;
/// let meanings = codes.meanings([127, 0, 0, 10].into());
/// assert_eq!(meanings, [Meaning::Listed(Some("black")), Meaning::Listed(Some("red"))]);
/// assert_eq!(codes.meanings([127, 0, 0, 1].into()), [Meaning::Error("blocked")]);
/// assert_eq!(codes.meanings([192, 0, 2, 80].into()), [Meaning::Foreign]);
/// # Ok::<(), dnsbl_probe::CodesError>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Codes(Vec<Rule>);

#[derive(Clone, Debug, Eq, PartialEq)]
struct Rule {
    pattern: Pattern,
    says: Says,
    label: String,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Pattern {
    Filter(Filter),
    /// This bit of the last octet.
    Mask(u8),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Says {
    Clean,
    Error,
    Listed,
}

impl Codes {
    /// What one address means: several things where its bits have each their own. Errors outweigh all else.
    pub fn meanings(&self, address: Ipv4Addr) -> Vec<Meaning<'_>> {
        if !address.is_loopback() {
            return vec![Meaning::Foreign];
        }
        let fits: Vec<_> = self.0.iter().filter(|rule| rule.fits(address)).collect();
        if let Some(error) = fits.iter().find(|rule| rule.says == Says::Error) {
            return vec![Meaning::Error(&error.label)];
        }
        if let Some(error) = common_error(address) {
            return vec![Meaning::Error(error)];
        }
        let is_mask = |rule: &&&Rule| matches!(rule.pattern, Pattern::Mask(_));
        let masks: Vec<_> = fits.iter().filter(is_mask).collect();
        match (masks.is_empty(), fits.first()) {
            (false, _) => masks.iter().map(|rule| rule.meaning()).collect(),
            (true, Some(rule)) => vec![rule.meaning()],
            (true, None) => vec![Meaning::Listed(None)],
        }
    }
}

impl Rule {
    fn fits(&self, address: Ipv4Addr) -> bool {
        let [.., last] = address.octets();
        match &self.pattern {
            Pattern::Filter(filter) => filter.matches(address),
            Pattern::Mask(bit) => last & bit != 0,
        }
    }

    fn meaning(&self) -> Meaning<'_> {
        match self.says {
            Says::Clean => Meaning::Clean(&self.label),
            Says::Error => Meaning::Error(&self.label),
            Says::Listed => Meaning::Listed(Some(&self.label)),
        }
    }
}

/// What Spamhaus began and others took over: 127.255.255.0/24 is never a listing.
fn common_error(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [127, 255, 255, 252] => Some("bad-zone-name"),
        [127, 255, 255, 254] => Some("public-resolver"),
        [127, 255, 255, 255] => Some("quota"),
        [127, 255, 255, _] => Some("error"),
        _ => None,
    }
}

impl FromStr for Codes {
    type Err = CodesError;

    fn from_str(text: &str) -> Result<Self, CodesError> {
        let rule = |text: &str| match all_consuming(rule).parse(text) {
            Ok((_, rule)) => Ok(rule),
            Err(_) => Err(CodesError(text.to_owned())),
        };
        let rules: Result<_, _> = text.split_ascii_whitespace().map(rule).collect();
        rules.map(Self)
    }
}

impl fmt::Display for Codes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, rule) in self.0.iter().enumerate() {
            let blank = if place == 0 { "" } else { " " };
            let says = match rule.says {
                Says::Clean => "clean:",
                Says::Error => "error:",
                Says::Listed => "",
            };
            match &rule.pattern {
                Pattern::Filter(filter) => write!(f, "{blank}{filter}={says}{}", rule.label)?,
                Pattern::Mask(bit) => write!(f, "{blank}mask:{bit}={says}{}", rule.label)?,
            }
        }
        Ok(())
    }
}

/// A text is no rule of what an address means.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is no rule such as 127.0.0.[2;4..7]=label or mask:8=label")]
pub struct CodesError(String);

/// A pattern of addresses, as postscreen has it: `127.0.0.[2;4..7]`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Filter([Octet; 4]);

/// What may stand at one place; `false` is a single number, which is written without brackets.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Octet {
    ranges: Vec<RangeInclusive<u8>>,
    is_set: bool,
}

impl Filter {
    /// Whether the address fits.
    pub fn matches(&self, address: Ipv4Addr) -> bool {
        let mut pairs = self.0.iter().zip(address.octets());
        pairs.all(|(octet, number)| octet.ranges.iter().any(|range| range.contains(&number)))
    }
}

impl FromStr for Filter {
    type Err = CodesError;

    fn from_str(text: &str) -> Result<Self, CodesError> {
        match all_consuming(filter).parse(text) {
            Ok((_, filter)) => Ok(filter),
            Err(_) => Err(CodesError(text.to_owned())),
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, octet) in self.0.iter().enumerate() {
            let dot = if place == 0 { "" } else { "." };
            let ranges = octet.ranges.iter().map(|range| {
                let (first, last) = (range.start(), range.end());
                match first == last {
                    true => first.to_string(),
                    false => format!("{first}..{last}"),
                }
            });
            let ranges = ranges.collect::<Vec<_>>().join(";");
            match octet.is_set {
                true => write!(f, "{dot}[{ranges}]")?,
                false => write!(f, "{dot}{ranges}")?,
            }
        }
        Ok(())
    }
}

/// ```abnf
/// rule    = pattern "=" [ "error:" / "clean:" ] label
/// pattern = filter / "mask:" number
/// ```
fn rule(input: &str) -> IResult<&str, Rule> {
    let bit = verify(number, |bit: &u8| bit.is_power_of_two());
    let mask = map(preceded(tag("mask:"), bit), Pattern::Mask);
    let pattern = alt((mask, map(filter, Pattern::Filter)));
    let says = alt((
        map(tag("error:"), |_| Says::Error),
        map(tag("clean:"), |_| Says::Clean),
    ));
    let in_label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let label = take_while1(in_label);
    let meaning = pair(map(opt(says), |says| says.unwrap_or(Says::Listed)), label);
    let rule = separated_pair(pattern, char('='), meaning);
    map(rule, |(pattern, (says, label)): (_, (_, &str))| Rule {
        pattern,
        says,
        label: label.to_owned(),
    })
    .parse(input)
}

/// ```abnf
/// filter = octet "." octet "." octet "." octet
/// octet  = number / "[" range *( ";" range ) "]"
/// range  = number [ ".." number ]
/// ```
/// postconf(5), postscreen_dnsbl_sites.
fn filter(input: &str) -> IResult<&str, Filter> {
    let (input, first) = octet(input)?;
    let (input, second) = preceded(char('.'), octet).parse(input)?;
    let (input, third) = preceded(char('.'), octet).parse(input)?;
    let (input, fourth) = preceded(char('.'), octet).parse(input)?;
    Ok((input, Filter([first, second, third, fourth])))
}

fn octet(input: &str) -> IResult<&str, Octet> {
    let range = map(
        pair(number, opt(preceded(tag(".."), number))),
        |(first, last)| first..=last.unwrap_or(first),
    );
    let range = verify(range, |range: &RangeInclusive<u8>| !range.is_empty());
    let set = delimited(char('['), separated_list1(char(';'), range), char(']'));
    let set = map(set, |ranges| Octet {
        ranges,
        is_set: true,
    });
    let single = map(number, |one| Octet {
        ranges: vec![one..=one],
        is_set: false,
    });
    alt((set, single)).parse(input)
}
