//! What a server tells of one message (RFC 9051 section 7.5.2): flags, sizes, envelope, structure, and its bytes.

use nom::Parser;
use nom::bytes::complete::{take_while, take_while1};
use nom::character::complete::char;
use nom::sequence::terminated;

use super::lexer::{
    Capitals, DEPTH, Heard, Parsed, Text, anything, flag, list, list_or_nil,
    no_space_before_parenthesis, nstring, number, number64, pair, refuse, run_or_nil, space,
    string, string_not_nil,
};
use super::quirk::Quirk;

/// What was asked of one message.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Fetch {
    /// Its sequence number.
    pub number: u32,
    /// Each piece, in the server's order.
    pub items: Vec<Item>,
}

/// One piece of what was asked.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Item {
    /// Bytes of the message.
    Body {
        /// Which part: empty for all of it, `HEADER`, `1.2.MIME`, ...
        section: Text,
        /// Where they begin, where not all were asked for.
        origin: Option<u64>,
        /// The bytes; `None` where there is no such part.
        bytes: Option<Text>,
    },
    /// Its MIME structure.
    BodyStructure(Box<Structure>),
    /// The fields of its header that mail programs show.
    Envelope(Box<Envelope>),
    /// Its flags.
    Flags(Vec<Text>),
    /// When it came to the server: `" 1-Feb-2024 03:04:05 +0100"`.
    InternalDate(Text),
    /// The mod-sequence of its latest change (RFC 7162).
    ModSeq(u64),
    /// Its size in octets.
    Size(u64),
    /// Its UID.
    Uid(u32),
    /// Something that is not known here: its name.
    Other(Text),
}

/// The fields of a message's header that mail programs show.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Envelope {
    /// `Date`.
    pub date: Option<Text>,
    /// `Subject`.
    pub subject: Option<Text>,
    /// `From`.
    pub from: Vec<Address>,
    /// `Sender`.
    pub sender: Vec<Address>,
    /// `Reply-To`.
    pub reply_to: Vec<Address>,
    /// `To`.
    pub to: Vec<Address>,
    /// `Cc`.
    pub cc: Vec<Address>,
    /// `Bcc`.
    pub bcc: Vec<Address>,
    /// `In-Reply-To`.
    pub in_reply_to: Option<Text>,
    /// `Message-ID`.
    pub message_id: Option<Text>,
}

/// One address of an envelope.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Address {
    /// The name for people.
    pub name: Option<Text>,
    /// The part before the `@`; in a group's beginning, its name.
    pub mailbox: Option<Text>,
    /// The part behind it; `None` marks the beginning or end of a group.
    pub host: Option<Text>,
}

/// The MIME structure of a message, or of a part of it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "a part has parts or it has none")]
pub enum Structure {
    /// Several parts.
    Multipart {
        /// Each.
        parts: Vec<Structure>,
        /// `mixed`, `alternative`, ...
        subtype: Text,
    },
    /// One part.
    Part {
        /// `text`, `image`, ...
        kind: Text,
        /// `plain`, `png`, ...
        subtype: Text,
        /// `charset` and its like.
        parameters: Vec<(Text, Option<Text>)>,
        /// How the bytes are encoded.
        encoding: Option<Text>,
        /// How many octets it has, as encoded.
        octets: u64,
    },
}

impl Fetch {
    /// Its UID, where it was told.
    pub fn uid(&self) -> Option<u32> {
        self.items.iter().find_map(|item| match item {
            Item::Uid(uid) => Some(*uid),
            _ => None,
        })
    }

    /// Its flags, where they were told.
    pub fn flags(&self) -> Option<&[Text]> {
        self.items.iter().find_map(|item| match item {
            Item::Flags(flags) => Some(flags.as_slice()),
            _ => None,
        })
    }

    /// The bytes of this section, where they were told and there are any.
    pub fn body(&self, section: &str) -> Option<&Text> {
        self.items.iter().find_map(|item| match item {
            Item::Body {
                section: known,
                bytes,
                ..
            } if known.is(section) => bytes.as_ref(),
            _ => None,
        })
    }
}

/// ```abnf
/// msg-att = "(" (msg-att-dynamic / msg-att-static) *(SP (msg-att-dynamic / msg-att-static)) ")"
/// ```
/// Items behind the parenthesis are a quirk (Xeams).
pub(super) fn fetch<'a>(heard: &Heard, number: u32, input: &'a [u8]) -> Parsed<'a, Fetch> {
    let (mut rest, mut items) = list(heard, input, item)?;
    while let [b' ', b'A'..=b'Z' | b'a'..=b'z', ..] = rest {
        heard.note(Quirk::MisplacedItems);
        let (after, ()) = space(heard, rest)?;
        let (after, one) = item(heard, after)?;
        items.push(one);
        rest = after.strip_prefix(b")").unwrap_or(after);
    }
    Ok((rest, Fetch { number, items }))
}

fn item<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Item> {
    let (rest, name) = item_name(input)?;
    if rest.first() == Some(&b'[') {
        return body(heard, name, rest);
    }
    let (rest, ()) = space(heard, rest)?;
    match &*Capitals::of(name) {
        b"UID" => number(heard, rest).map(|(rest, uid)| (rest, Item::Uid(uid))),
        b"FLAGS" => list(heard, rest, flag).map(|(rest, flags)| (rest, Item::Flags(flags))),
        b"RFC822.SIZE" => number64(heard, rest).map(|(rest, size)| (rest, Item::Size(size))),
        b"INTERNALDATE" => string(heard, rest).map(|(rest, date)| (rest, Item::InternalDate(date))),
        b"ENVELOPE" => {
            envelope(heard, rest).map(|(rest, envelope)| (rest, Item::Envelope(Box::new(envelope))))
        }
        b"BODYSTRUCTURE" | b"BODY" => structure(heard, rest, DEPTH)
            .map(|(rest, structure)| (rest, Item::BodyStructure(Box::new(structure)))),
        b"MODSEQ" => mod_seq(heard, rest),
        // RFC 3501's old names for parts of the body.
        b"RFC822" => whole(heard, rest, b""),
        b"RFC822.HEADER" => whole(heard, rest, b"HEADER"),
        b"RFC822.TEXT" => whole(heard, rest, b"TEXT"),
        _ => anything(heard, rest, DEPTH).map(|(rest, ())| (rest, Item::Other(heard.text(name)))),
    }
}

fn item_name(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(|byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))(
        input,
    )
}

fn whole<'a>(heard: &Heard, input: &'a [u8], section: &'static [u8]) -> Parsed<'a, Item> {
    let (rest, bytes) = nstring(heard, input)?;
    let item = Item::Body {
        section: section.into(),
        origin: None,
        bytes,
    };
    Ok((rest, item))
}

/// ```abnf
/// msg-att-static = "BODY" section ["<" number ">"] SP nstring
/// section        = "[" [section-spec] "]"
/// ```
/// The section may hold a list of field names, in which quotes and literals may stand.
/// `BINARY.SIZE[1]` and its like are passed over.
fn body<'a>(heard: &Heard, name: &[u8], input: &'a [u8]) -> Parsed<'a, Item> {
    let (inside, _) = char('[')(input)?;
    let (rest, _) = take_while(|byte| byte != b' ' && byte != b']')(inside)?;
    let rest = match rest.first() {
        Some(b' ') => after_space(heard, rest, |heard, rest| anything(heard, rest, DEPTH))?.0,
        _ => rest,
    };
    let section = inside.strip_suffix(rest).unwrap_or_default();
    let (rest, _) = char(']')(rest)?;
    let (rest, origin) = match rest.strip_prefix(b"<") {
        None => (rest, None),
        Some(rest) => {
            let (rest, origin) =
                terminated(|input| number64(heard, input), char('>')).parse(rest)?;
            (rest, Some(origin))
        }
    };
    let (rest, ()) = space(heard, rest)?;
    if !name.eq_ignore_ascii_case(b"BODY") && !name.eq_ignore_ascii_case(b"BINARY") {
        let (rest, ()) = anything(heard, rest, DEPTH)?;
        return Ok((rest, Item::Other(heard.text(name))));
    }
    let (rest, bytes) = nstring(heard, rest)?;
    let item = Item::Body {
        section: heard.text(section),
        origin,
        bytes,
    };
    Ok((rest, item))
}

/// ```abnf
/// fetch-mod-resp = "MODSEQ" SP "(" permsg-modsequence ")"
/// ```
fn mod_seq<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Item> {
    let (rest, numbers) = list(heard, input, number64)?;
    match numbers.first() {
        Some(number) => Ok((rest, Item::ModSeq(*number))),
        None => refuse(input),
    }
}

/// ```abnf
/// envelope = "(" env-date SP env-subject SP env-from SP env-sender SP env-reply-to SP env-to SP
///            env-cc SP env-bcc SP env-in-reply-to SP env-message-id ")"
/// ```
fn envelope<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Envelope> {
    let Some(rest) = input.strip_prefix(b"(") else {
        return refuse(input);
    };
    let (rest, date) = nstring(heard, rest)?;
    let (rest, subject) = after_space(heard, rest, nstring)?;
    let (rest, from) = after_space(heard, rest, addresses)?;
    let (rest, sender) = after_space(heard, rest, addresses)?;
    let (rest, reply_to) = after_space(heard, rest, addresses)?;
    let (rest, to) = after_space(heard, rest, addresses)?;
    let (rest, cc) = after_space(heard, rest, addresses)?;
    let (rest, bcc) = after_space(heard, rest, addresses)?;
    let (rest, in_reply_to) = after_space(heard, rest, nstring)?;
    let (rest, message_id) = after_space(heard, rest, nstring)?;
    let Some(rest) = rest.strip_prefix(b")") else {
        return refuse(rest);
    };
    let envelope = Envelope {
        date,
        subject,
        from,
        sender,
        reply_to,
        to,
        cc,
        bcc,
        in_reply_to,
        message_id,
    };
    Ok((rest, envelope))
}

fn after_space<'a, T>(
    heard: &Heard,
    input: &'a [u8],
    parser: impl FnOnce(&Heard, &'a [u8]) -> Parsed<'a, T>,
) -> Parsed<'a, T> {
    let (rest, ()) = space(heard, input)?;
    parser(heard, rest)
}

/// ```abnf
/// env-from = "(" 1*address ")" / nil
/// address  = "(" addr-name SP addr-adl SP addr-mailbox SP addr-host ")"
/// ```
fn addresses<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Vec<Address>> {
    run_or_nil(heard, input, address)
}

fn address<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Address> {
    let Some(rest) = input.strip_prefix(b"(") else {
        return refuse(input);
    };
    let (rest, name) = nstring(heard, rest)?;
    let (rest, _route) = after_space(heard, rest, nstring)?;
    let (rest, mailbox) = after_space(heard, rest, nstring)?;
    let (rest, host) = after_space(heard, rest, nstring)?;
    let Some(rest) = rest.strip_prefix(b")") else {
        return refuse(rest);
    };
    let address = Address {
        name,
        mailbox,
        host,
    };
    Ok((rest, address))
}

/// ```abnf
/// body           = "(" (body-type-1part / body-type-mpart) ")"
/// body-type-mpart = 1*body SP media-subtype [SP body-ext-mpart]
/// ```
/// What extensions add behind is passed over.
fn structure<'a>(heard: &Heard, input: &'a [u8], depth: usize) -> Parsed<'a, Structure> {
    let Some(mut rest) = input.strip_prefix(b"(").filter(|_| depth > 0) else {
        return refuse(input);
    };
    let mut parts = Vec::new();
    while rest.first() == Some(&b'(') {
        let (after, part) = structure(heard, rest, depth - 1)?;
        parts.push(part);
        // Some put a blank between the parts.
        rest = match after {
            [b' ', b'(', ..] => {
                heard.note(Quirk::ExtraSpace);
                after.trim_ascii_start()
            }
            _ => after,
        };
    }
    if parts.is_empty() {
        return part(heard, rest);
    }
    let (rest, subtype) = after_space(heard, rest, string_not_nil)?;
    let rest = extensions(heard, rest)?.0;
    Ok((rest, Structure::Multipart { parts, subtype }))
}

/// ```abnf
/// body-fields = body-fld-param SP body-fld-id SP body-fld-desc SP body-fld-enc SP body-fld-octets
/// ```
/// Behind the type and subtype. Lines, embedded messages and extensions are passed over.
fn part<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Structure> {
    let (rest, kind) = string_not_nil(heard, input)?;
    let (rest, subtype) = after_space(heard, rest, string_not_nil)?;
    let (rest, parameters) = after_space(heard, rest, parameters)?;
    let (rest, _id) = after_space(heard, rest, nstring)?;
    let (rest, _description) = after_space(heard, rest, nstring)?;
    let (rest, encoding) = after_space(heard, rest, nstring)?;
    if encoding.is_none() {
        heard.note(Quirk::Nil);
    }
    let (rest, octets) = after_space(heard, rest, number64)?;
    let (rest, ()) = extensions(heard, rest)?;
    let part = Structure::Part {
        kind,
        subtype,
        parameters,
        encoding,
        octets,
    };
    Ok((rest, part))
}

/// ```abnf
/// body-fld-param = "(" string SP string *(SP string SP string) ")" / nil
/// ```
fn parameters<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Vec<(Text, Option<Text>)>> {
    let (rest, parameters) = list_or_nil(heard, input, pair)?;
    if parameters.iter().any(|(_, value)| value.is_none()) {
        heard.note(Quirk::Nil);
    }
    Ok((rest, parameters))
}

/// Whatever stands before the closing parenthesis, and that.
fn extensions<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, ()> {
    let mut rest = input;
    loop {
        let (after, ()) = no_space_before_parenthesis(heard, rest)?;
        if let Some(rest) = after.strip_prefix(b")") {
            return Ok((rest, ()));
        }
        let (after, ()) = space(heard, rest)?;
        (rest, ()) = anything(heard, after, DEPTH)?;
    }
}
