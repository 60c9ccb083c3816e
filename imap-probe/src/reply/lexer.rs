//! The small pieces that responses are made of (RFC 9051 section 9): atoms, strings, numbers, lists. What they mean
//! is the other files'.

use core::cell::Cell;
use core::fmt;
use core::ops::Deref;

use bytes::Bytes;
use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take, take_while, take_while1};
use nom::character::complete::{char, digit1};
use nom::combinator::{opt, recognize};
use nom::error::{Error, ErrorKind};
use nom::sequence::{delimited, terminated};
use nom::{Err, IResult, Parser};
use probe_core::printable;

use super::quirk::Quirk;

/// A piece of a response, as it came. It shares the memory of the response, so it costs no copy and keeps the whole
/// response alive.
#[derive(Clone, Default, Eq, Hash, PartialEq)]
pub struct Text(Bytes);

impl Text {
    /// Whether it is this word, in any case of letters.
    pub fn is(&self, word: &str) -> bool {
        self.0.eq_ignore_ascii_case(word.as_bytes())
    }

    /// As people can read it.
    pub fn to_printable(&self) -> String {
        printable(&self.0)
    }
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl From<&'static [u8]> for Text {
    fn from(bytes: &'static [u8]) -> Self {
        Self(Bytes::from_static(bytes))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

pub(super) type Parsed<'a, T> = IResult<&'a [u8], T>;

/// One response while it is being read: its memory, and the quirks that were met on the way.
pub(super) struct Heard {
    frame: Bytes,
    quirks: Cell<u32>,
}

impl Heard {
    pub(super) fn new(frame: Bytes) -> Self {
        Self {
            frame,
            quirks: Cell::new(0),
        }
    }

    /// A part of the response, to be kept.
    pub(super) fn text(&self, part: &[u8]) -> Text {
        Text(self.frame.slice_ref(part))
    }

    pub(super) fn note(&self, quirk: Quirk) {
        self.quirks.set(self.quirks.get() | quirk.bit());
    }

    pub(super) fn quirks(&self) -> impl Iterator<Item = Quirk> + use<> {
        let seen = self.quirks.get();
        Quirk::ALL
            .iter()
            .copied()
            .filter(move |quirk| seen & quirk.bit() != 0)
    }
}

/// What no parser takes: for a `nom` error where a rule of ours is broken.
pub(super) fn refuse<T>(input: &[u8]) -> Parsed<'_, T> {
    Err(Err::Error(Error::new(input, ErrorKind::Verify)))
}

/// `SP`; several are a quirk.
pub(super) fn space<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, ()> {
    let (rest, spaces) = take_while1(|byte| byte == b' ')(input)?;
    if spaces.len() > 1 {
        heard.note(Quirk::ExtraSpace);
    }
    Ok((rest, ()))
}

/// Nothing should stand here; blanks are a quirk.
pub(super) fn no_space<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, ()> {
    let (rest, spaces) = take_while(|byte| byte == b' ')(input)?;
    if !spaces.is_empty() {
        heard.note(Quirk::TrailingSpace);
    }
    Ok((rest, ()))
}

/// The end of a response's text; blanks before it are a quirk.
pub(super) fn end<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, ()> {
    let (rest, ()) = no_space(heard, input)?;
    match rest {
        [] => Ok((rest, ())),
        _ => refuse(rest),
    }
}

/// ```abnf
/// ATOM-CHAR = <any CHAR except atom-specials>
/// ```
/// Here with `*`, `%`, `\` and 8-bit bytes too: servers put them into names and flags without quotes.
fn is_atom_char(byte: u8) -> bool {
    byte > b' ' && byte != 0x7f && !matches!(byte, b'(' | b')' | b'{' | b'"')
}

/// A word, up to what ends one.
pub(super) fn atom(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(is_atom_char)(input)
}

/// A word in capitals, for who looks it up.
pub(super) struct Capitals {
    letters: [u8; Self::LONGEST],
    length: usize,
}

impl Capitals {
    /// No word that is known is longer.
    const LONGEST: usize = 16;

    /// Nothing of a word that is longer than all that are known.
    pub(super) fn of(word: &[u8]) -> Self {
        let mut letters = [0; Self::LONGEST];
        let Some(place) = letters.get_mut(..word.len()) else {
            return Self { letters, length: 0 };
        };
        place.copy_from_slice(word);
        place.make_ascii_uppercase();
        let length = word.len();
        Self { letters, length }
    }
}

impl Deref for Capitals {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.letters.get(..self.length).unwrap_or_default()
    }
}

/// ```abnf
/// number = 1*DIGIT  ; Unsigned 32-bit integer
/// ```
/// Negative and too large ones are what servers make of sizes that they cannot count (a quirk).
pub(super) fn number<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, u32> {
    let (rest, number) = number64(heard, input)?;
    let fit = u32::try_from(number).unwrap_or_else(|_| {
        heard.note(Quirk::NumberRange);
        u32::MAX
    });
    Ok((rest, fit))
}

/// ```abnf
/// number64 = 1*DIGIT  ; Unsigned 63-bit integer
/// ```
pub(super) fn number64<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, u64> {
    let (rest, minus) = opt(char('-')).parse(input)?;
    let (rest, digits) = digit1(rest)?;
    if minus.is_some() {
        heard.note(Quirk::NumberRange);
        return Ok((rest, 0));
    }
    let number = digits.iter().try_fold(0, |number: u64, digit| {
        let tens = number.checked_mul(10)?;
        tens.checked_add(u64::from(digit - b'0'))
    });
    let fit = number.unwrap_or_else(|| {
        heard.note(Quirk::NumberRange);
        u64::MAX
    });
    Ok((rest, fit))
}

/// `NIL`
pub(super) fn nil(input: &[u8]) -> Parsed<'_, &[u8]> {
    let (rest, word) = tag_no_case("NIL")(input)?;
    match rest.first() {
        Some(byte) if is_atom_char(*byte) => refuse(input),
        _ => Ok((rest, word)),
    }
}

/// ```abnf
/// quoted = DQUOTE *QUOTED-CHAR DQUOTE
/// ```
pub(super) fn quoted<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Text> {
    let (inside, _) = char('"')(input)?;
    let (rest, plain) = take_while(|byte| byte != b'"' && byte != b'\\')(inside)?;
    if let Some(rest) = rest.strip_prefix(b"\"") {
        return Ok((rest, heard.text(plain)));
    }
    let mut unescaped = plain.to_vec();
    let mut rest = rest;
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Ok((after, unescaped.into())),
            [b'\\', escaped, after @ ..] => {
                unescaped.push(*escaped);
                after
            }
            [byte, after @ ..] => {
                unescaped.push(*byte);
                after
            }
            [] => return refuse(input),
        };
    }
}

/// ```abnf
/// literal  = "{" number64 ["+"] "}" CRLF *CHAR8
/// literal8 = "~{" number64 ["+"] "}" CRLF *OCTET
/// ```
pub(super) fn literal<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Text> {
    let (rest, _) = opt(char('~')).parse(input)?;
    let length = terminated(digit1, opt(char('+')));
    let (rest, digits) = delimited(char('{'), length, char('}')).parse(rest)?;
    let (rest, _) = alt((tag("\r\n"), tag("\n"))).parse(rest)?;
    let digits = core::str::from_utf8(digits).ok();
    let Some(length) = digits.and_then(|digits| digits.parse::<usize>().ok()) else {
        return refuse(input);
    };
    let (rest, octets) = take(length)(rest)?;
    Ok((rest, heard.text(octets)))
}

/// ```abnf
/// string = quoted / literal
/// ```
pub(super) fn string<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Text> {
    match input.first() {
        Some(b'"') => quoted(heard, input),
        _ => literal(heard, input),
    }
}

/// Whether it is no word. Those may begin with `~` too, as homes do in the names of mailboxes.
fn begins_string(input: &[u8]) -> bool {
    matches!(input, [b'"' | b'{', ..] | [b'~', b'{', ..])
}

/// ```abnf
/// astring = 1*ASTRING-CHAR / string
/// ```
pub(super) fn astring<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Text> {
    if begins_string(input) {
        return string(heard, input);
    }
    let (rest, word) = atom(input)?;
    Ok((rest, heard.text(word)))
}

/// ```abnf
/// nstring = string / nil
/// ```
/// A word without quotes is a quirk.
pub(super) fn nstring<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Option<Text>> {
    if let Ok((rest, _)) = nil(input) {
        return Ok((rest, None));
    }
    if !begins_string(input) {
        heard.note(Quirk::Unquoted);
    }
    let (rest, text) = astring(heard, input)?;
    Ok((rest, Some(text)))
}

/// ```abnf
/// string
/// ```
/// `NIL` in its place is a quirk.
pub(super) fn string_not_nil<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Text> {
    let (rest, text) = nstring(heard, input)?;
    let text = text.unwrap_or_else(|| {
        heard.note(Quirk::Nil);
        Text::default()
    });
    Ok((rest, text))
}

/// `"(" [item *(SP item)] ")"`. `NIL` in its place is a quirk.
pub(super) fn list<'a, T>(
    heard: &Heard,
    input: &'a [u8],
    mut item: impl FnMut(&Heard, &'a [u8]) -> Parsed<'a, T>,
) -> Parsed<'a, Vec<T>> {
    if let Ok((rest, _)) = nil(input) {
        heard.note(Quirk::Nil);
        return Ok((rest, Vec::new()));
    }
    let (mut rest, _) = char('(')(input)?;
    let mut items = Vec::new();
    loop {
        let (after, ()) = no_space_before_parenthesis(heard, rest)?;
        if let Some(after) = after.strip_prefix(b")") {
            return Ok((after, items));
        }
        if !items.is_empty() {
            (rest, _) = space(heard, rest)?;
        }
        let (after, one) = item(heard, rest)?;
        // An item that takes nothing would never end.
        if after.len() == rest.len() {
            return refuse(rest);
        }
        items.push(one);
        rest = after;
    }
}

/// `"(" item *(SP item) ")" / nil`. An empty list is a quirk.
pub(super) fn list_or_nil<'a, T>(
    heard: &Heard,
    input: &'a [u8],
    item: impl FnMut(&Heard, &'a [u8]) -> Parsed<'a, T>,
) -> Parsed<'a, Vec<T>> {
    if let Ok((rest, _)) = nil(input) {
        return Ok((rest, Vec::new()));
    }
    let (rest, items) = list(heard, input, item)?;
    if items.is_empty() {
        heard.note(Quirk::EmptyList);
    }
    Ok((rest, items))
}

/// `"(" 1*item ")" / nil`: nothing stands between the items. Blanks there are a quirk, and so is an empty list.
pub(super) fn run_or_nil<'a, T>(
    heard: &Heard,
    input: &'a [u8],
    mut item: impl FnMut(&Heard, &'a [u8]) -> Parsed<'a, T>,
) -> Parsed<'a, Vec<T>> {
    if let Ok((rest, _)) = nil(input) {
        return Ok((rest, Vec::new()));
    }
    let (mut rest, _) = char('(')(input)?;
    let mut items = Vec::new();
    loop {
        if let Some(rest) = rest.strip_prefix(b")") {
            if items.is_empty() {
                heard.note(Quirk::EmptyList);
            }
            return Ok((rest, items));
        }
        let (after, spaces) = take_while(|byte| byte == b' ')(rest)?;
        if !spaces.is_empty() {
            heard.note(Quirk::ExtraSpace);
            rest = after;
            continue;
        }
        let (after, one) = item(heard, rest)?;
        items.push(one);
        rest = after;
    }
}

/// `string SP nstring`
pub(super) fn pair<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, (Text, Option<Text>)> {
    let (rest, name) = string_not_nil(heard, input)?;
    let (rest, ()) = space(heard, rest)?;
    let (rest, value) = nstring(heard, rest)?;
    Ok((rest, (name, value)))
}

/// Passes over blanks that stand before `)`, and only there.
pub(super) fn no_space_before_parenthesis<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, ()> {
    let (rest, spaces) = take_while(|byte| byte == b' ')(input)?;
    if rest.first() != Some(&b')') {
        return Ok((input, ()));
    }
    if !spaces.is_empty() {
        heard.note(Quirk::TrailingSpace);
    }
    Ok((rest, ()))
}

/// A flag: `\Seen`, `$Forwarded`, `\*`.
pub(super) fn flag<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Text> {
    let (rest, word) = atom(input)?;
    Ok((rest, heard.text(word)))
}

/// The deepest nesting that is read: a body structure of this depth is nobody's mail.
pub(super) const DEPTH: usize = 32;

/// Anything: a word, a string, or a list of such; for what is passed over.
pub(super) fn anything<'a>(heard: &Heard, input: &'a [u8], depth: usize) -> Parsed<'a, ()> {
    match input.first() {
        Some(b'(') if depth == 0 => refuse(input),
        Some(b'(') => {
            let inner = |heard: &Heard, input: &'a [u8]| anything(heard, input, depth - 1);
            let (rest, _) = list(heard, input, inner)?;
            Ok((rest, ()))
        }
        _ if begins_string(input) => {
            let (rest, _) = string(heard, input)?;
            Ok((rest, ()))
        }
        _ => {
            let (rest, _) = recognize(atom).parse(input)?;
            Ok((rest, ()))
        }
    }
}
