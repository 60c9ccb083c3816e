//! Names that are made up anew for each mail (RFC 7208 section 7): their grammar. Upper and lower case of a letter mean
//! the same, but that what an upper one stands for is escaped as in a URL.

use core::fmt;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{digit0, one_of};
use nom::combinator::{all_consuming, map, map_opt, opt, value};
use nom::multi::many0;
use nom::sequence::delimited;
use nom::{IResult, Parser};

/// A text with macros in it, as it stands in a record.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct MacroString {
    /// From left to right.
    pub parts: Vec<Part>,
}

/// A piece of such a text.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the grammar has no others")]
pub enum Part {
    /// `%_`: a blank.
    Blank,
    /// `%-`: a blank, escaped as in a URL.
    EscapedBlank,
    /// Itself.
    Literal(String),
    /// What stands for something.
    Macro(Macro),
    /// `%%`: a percent sign.
    Percent,
}

/// Something that is known only where a mail has come.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Macro {
    /// What.
    pub letter: Letter,
    /// Whether it is escaped as in a URL: the letter is an upper one.
    pub is_escaped: bool,
    /// So many of its pieces are kept, from the right.
    pub pieces: Option<u8>,
    /// Whether its pieces are turned around.
    pub is_reversed: bool,
    /// What stands between its pieces; a dot where this is empty.
    pub delimiters: String,
}

/// What a macro stands for (RFC 7208 section 7.2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the RFC has these")]
pub enum Letter {
    /// `c`: the address, as people write it.
    AddressForPeople,
    /// `d`: the domain whose record it is.
    Domain,
    /// `v`: `in-addr` or `ip6`.
    Family,
    /// `h`: how the client called itself.
    Helo,
    /// `i`: the address, digit by digit.
    Address,
    /// `l`: the sender, before the at sign.
    Local,
    /// `p`: the client's name.
    Name,
    /// `r`: who checks.
    Receiver,
    /// `s`: the sender.
    Sender,
    /// `o`: the sender's domain.
    SenderDomain,
    /// `t`: the time.
    Time,
}

impl Letter {
    const ALL: [(char, Self); 11] = [
        ('c', Self::AddressForPeople),
        ('d', Self::Domain),
        ('h', Self::Helo),
        ('i', Self::Address),
        ('l', Self::Local),
        ('o', Self::SenderDomain),
        ('p', Self::Name),
        ('r', Self::Receiver),
        ('s', Self::Sender),
        ('t', Self::Time),
        ('v', Self::Family),
    ];

    fn of(letter: char) -> Option<Self> {
        let letter = letter.to_ascii_lowercase();
        let mut all = Self::ALL.iter();
        all.find(|(known, _)| *known == letter).map(|(_, one)| *one)
    }

    fn as_char(self) -> char {
        let mut all = Self::ALL.iter();
        let found = all.find(|(_, one)| *one == self);
        found.map_or('?', |(letter, _)| *letter)
    }

    /// Whether it may stand in explanations only.
    const fn is_for_explanations(self) -> bool {
        matches!(self, Self::AddressForPeople | Self::Receiver | Self::Time)
    }
}

impl MacroString {
    /// Reads a whole text; `None` where a percent sign begins no macro.
    pub fn parse(text: &str) -> Option<Self> {
        let (_, parts) = all_consuming(many0(part)).parse(text).ok()?;
        Some(Self { parts })
    }

    /// Whether something in it is known only where a mail has come.
    pub fn has_macros(&self) -> bool {
        self.macros().next().is_some()
    }

    /// What in it is known only where a mail has come.
    pub fn macros(&self) -> impl Iterator<Item = &Macro> {
        self.parts.iter().filter_map(|part| match part {
            Part::Macro(one) => Some(one),
            _ => None,
        })
    }

    /// domain-spec = macro-string domain-end; domain-end = ( "." toplabel [ "." ] ) / macro-expand
    pub(super) fn is_domain_spec(&self) -> bool {
        if self.macros().any(|one| one.letter.is_for_explanations()) {
            return false;
        }
        match self.parts.last() {
            None => false,
            Some(Part::Literal(text)) => {
                let text = text.strip_suffix('.').unwrap_or(text);
                text.rsplit_once('.')
                    .is_some_and(|(_, last)| is_top_label(last))
            }
            Some(_) => true,
        }
    }
}

/// toplabel = ( *alphanum ALPHA *alphanum ) / ( 1*alphanum "-" *( alphanum / "-" ) alphanum )
fn is_top_label(label: &str) -> bool {
    let is_of_label = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_number = label.chars().all(|c| c.is_ascii_digit());
    let has_edge = label.starts_with('-') || label.ends_with('-');
    !label.is_empty() && label.chars().all(is_of_label) && !is_number && !has_edge
}

/// macro-string = *( macro-expand / macro-literal )
fn part(text: &str) -> IResult<&str, Part> {
    alt((
        map(take_while1(|c| c != '%'), |text: &str| {
            Part::Literal(text.to_owned())
        }),
        value(Part::Percent, tag("%%")),
        value(Part::Blank, tag("%_")),
        value(Part::EscapedBlank, tag("%-")),
        map(delimited(tag("%{"), expand, tag("}")), Part::Macro),
    ))
    .parse(text)
}

/// macro-letter transformers *delimiter
fn expand(text: &str) -> IResult<&str, Macro> {
    let letter = map_opt(nom::character::complete::anychar, |letter| {
        Letter::of(letter).map(|one| (one, letter.is_ascii_uppercase()))
    });
    // A zero would keep nothing; more than all is all.
    let pieces = map_opt(digit0, |digits: &str| match digits {
        "" => Some(None),
        digits => match digits.parse::<u8>() {
            Ok(0) => None,
            Ok(pieces) => Some(Some(pieces)),
            Err(_) => digits
                .bytes()
                .any(|digit| digit != b'0')
                .then_some(Some(u8::MAX)),
        },
    });
    let is_delimiter = |c: char| ".-+,/_=".contains(c);
    let mut all = (letter, pieces, opt(one_of("rR")), take_while(is_delimiter));
    let (rest, ((letter, is_escaped), pieces, reversed, delimiters)) = all.parse(text)?;
    let one = Macro {
        letter,
        is_escaped,
        pieces,
        is_reversed: reversed.is_some(),
        delimiters: delimiters.to_owned(),
    };
    Ok((rest, one))
}

impl fmt::Display for MacroString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Blank => f.write_str("%_"),
            Part::EscapedBlank => f.write_str("%-"),
            Part::Literal(text) => f.write_str(text),
            Part::Macro(one) => write!(f, "{one}"),
            Part::Percent => f.write_str("%%"),
        })
    }
}

impl fmt::Display for Macro {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = self.letter.as_char();
        match self.is_escaped {
            true => write!(f, "%{{{}", letter.to_ascii_uppercase())?,
            false => write!(f, "%{{{letter}")?,
        }
        if let Some(pieces) = self.pieces {
            write!(f, "{pieces}")?;
        }
        if self.is_reversed {
            f.write_str("r")?;
        }
        write!(f, "{}}}", self.delimiters)
    }
}
