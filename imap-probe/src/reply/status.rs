//! Status responses (RFC 9051 section 7.1): what became of a command, or what the server has to say by itself.

use nom::bytes::complete::{tag_no_case, take_while1};
use nom::combinator::value;
use nom::{Parser, branch::alt};

use super::data::Capabilities;
use super::lexer::{Capitals, Heard, Parsed, Text, flag, list, number, number64, space};
use super::quirk::Quirk;

/// A status response.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// The tag of the command that it completes; `None` where the server speaks by itself.
    pub tag: Option<Text>,
    /// How it went.
    pub condition: Condition,
    /// What it says to a program.
    pub code: Option<Code>,
    /// What it says to people.
    pub text: Text,
}

/// How a command went, or how things stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the five of RFC 9051 section 7.1")]
pub enum Condition {
    /// It was not understood, or the protocol was broken.
    Bad,
    /// The server is about to hang up.
    Bye,
    /// It failed.
    No,
    /// It was done.
    Ok,
    /// The session begins authenticated.
    PreAuth,
}

impl Condition {
    /// The word of the protocol.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bad => "BAD",
            Self::Bye => "BYE",
            Self::No => "NO",
            Self::Ok => "OK",
            Self::PreAuth => "PREAUTH",
        }
    }
}

/// What a status response says to a program (RFC 9051 section 7.1, RFC 5530, and the extensions' own).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Code {
    /// The text must be shown to the user.
    Alert,
    /// Where an appended message went (RFC 4315).
    AppendUid {
        /// The mailbox's UIDVALIDITY.
        validity: u32,
        /// The message's UID, or those of several.
        uids: Text,
    },
    /// What the server can do.
    Capability(Capabilities),
    /// Where copied messages went (RFC 4315).
    CopyUid {
        /// The target's UIDVALIDITY.
        validity: u32,
        /// The UIDs of the originals.
        from: Text,
        /// The UIDs of the copies.
        to: Text,
    },
    /// The mod-sequence of the latest change (RFC 7162).
    HighestModSeq(u64),
    /// The flags that can be changed for good.
    PermanentFlags(Vec<Text>),
    /// The mailbox cannot be changed.
    ReadOnly,
    /// The mailbox can be changed.
    ReadWrite,
    /// The UID that the next message will have.
    UidNext(u32),
    /// As long as this stays, so do the UIDs.
    UidValidity(u32),
    /// The first message that nobody has read.
    Unseen(u32),
    /// Any other, those of RFC 5530 among them. Who does not know a code ignores it.
    Other {
        /// Its name.
        name: Text,
        /// What stands behind it.
        arguments: Text,
    },
}

impl Status {
    /// Whether its code is this one of the [others](Code::Other), in any case of letters.
    pub fn has_code(&self, name: &str) -> bool {
        matches!(&self.code, Some(Code::Other { name: known, .. }) if known.is(name))
    }
}

/// ```abnf
/// resp-cond-state = ("OK" / "NO" / "BAD") SP resp-text
/// resp-cond-bye   = "BYE" SP resp-text
/// resp-cond-auth  = ("OK" / "PREAUTH") SP resp-text
/// ```
/// RFC 9051 section 9. The text may be missing with the blank before it (a quirk).
pub(super) fn status<'a>(heard: &Heard, tag: Option<Text>, input: &'a [u8]) -> Parsed<'a, Status> {
    let (rest, condition) = condition(input)?;
    let text = match rest {
        [] => rest,
        [b' ', text @ ..] => text,
        _ => return super::lexer::refuse(input),
    };
    let (code, text) = self::text(heard, text);
    if text.is_empty() {
        heard.note(Quirk::NoText);
    }
    let status = Status {
        tag,
        condition,
        code,
        text: heard.text(text),
    };
    Ok((&[], status))
}

fn condition(input: &[u8]) -> Parsed<'_, Condition> {
    alt((
        value(Condition::Ok, tag_no_case("OK")),
        value(Condition::No, tag_no_case("NO")),
        value(Condition::Bad, tag_no_case("BAD")),
        value(Condition::Bye, tag_no_case("BYE")),
        value(Condition::PreAuth, tag_no_case("PREAUTH")),
    ))
    .parse(input)
}

/// ```abnf
/// resp-text = ["[" resp-text-code "]" SP] [text]
/// ```
/// A bracket that is not closed, or that stands elsewhere, is text.
pub(super) fn text<'a>(heard: &Heard, input: &'a [u8]) -> (Option<Code>, &'a [u8]) {
    let Some((inside, rest)) = bracketed(heard, input) else {
        return (None, input);
    };
    let (name, arguments) = match code_name(inside) {
        Ok((arguments, name)) => (name, arguments.trim_ascii()),
        Err(_) => return (None, input),
    };
    let text = rest.strip_prefix(b" ").unwrap_or(rest);
    (Some(code(heard, name, arguments)), text)
}

/// What stands in the brackets at the start, and what follows them. Brackets within quotes do not count: Outlook puts
/// whole sentences there.
fn bracketed<'a>(heard: &Heard, input: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let inside = input.trim_ascii_start().strip_prefix(b"[")?;
    if input.first() != Some(&b'[') {
        heard.note(Quirk::ExtraSpace);
    }
    let (mut is_quoted, mut is_escaped) = (false, false);
    let close = |byte: &u8| {
        if std::mem::take(&mut is_escaped) {
            return false;
        }
        is_escaped = is_quoted && *byte == b'\\';
        is_quoted ^= *byte == b'"';
        *byte == b']' && !is_quoted
    };
    // An odd number of quotes: then any bracket closes.
    let end = inside.iter().position(close);
    let end = end.or_else(|| inside.iter().position(|byte| *byte == b']'))?;
    let (inside, rest) = inside.split_at_checked(end)?;
    Some((inside, rest.strip_prefix(b"]")?))
}

fn code_name(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(|byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'(')(input)
}

fn code(heard: &Heard, name: &[u8], arguments: &[u8]) -> Code {
    known_code(heard, name, arguments).unwrap_or_else(|| Code::Other {
        name: heard.text(name),
        arguments: heard.text(arguments),
    })
}

/// A code that is read further; `None` also where it is not formed as it should be.
fn known_code(heard: &Heard, name: &[u8], arguments: &[u8]) -> Option<Code> {
    let read = match &*Capitals::of(name) {
        b"ALERT" => return Some(Code::Alert),
        b"READ-ONLY" => return Some(Code::ReadOnly),
        b"READ-WRITE" => return Some(Code::ReadWrite),
        b"CAPABILITY" => return Some(Code::Capability(Capabilities::new(heard.text(arguments)))),
        b"APPENDUID" => append_uid(heard, arguments),
        b"COPYUID" => copy_uid(heard, arguments),
        b"HIGHESTMODSEQ" => {
            number64(heard, arguments).map(|(rest, one)| (rest, Code::HighestModSeq(one)))
        }
        b"PERMANENTFLAGS" => {
            list(heard, arguments, flag).map(|(rest, flags)| (rest, Code::PermanentFlags(flags)))
        }
        b"UIDNEXT" => number(heard, arguments).map(|(rest, uid)| (rest, Code::UidNext(uid))),
        b"UIDVALIDITY" => {
            number(heard, arguments).map(|(rest, one)| (rest, Code::UidValidity(one)))
        }
        b"UNSEEN" => number(heard, arguments).map(|(rest, one)| (rest, Code::Unseen(one))),
        _ => return None,
    };
    if read.is_err() {
        heard.note(Quirk::CodeMalformed);
    }
    Some(read.ok()?.1)
}

/// ```abnf
/// resp-code-apnd = "APPENDUID" SP nz-number SP append-uid
/// ```
/// RFC 4315.
fn append_uid<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Code> {
    let (rest, validity) = number(heard, input)?;
    let (rest, ()) = space(heard, rest)?;
    let (rest, uids) = sequence_set(rest)?;
    let uids = heard.text(uids);
    Ok((rest, Code::AppendUid { validity, uids }))
}

/// ```abnf
/// resp-code-copy = "COPYUID" SP nz-number SP uid-set SP uid-set
/// ```
/// RFC 4315.
fn copy_uid<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Code> {
    let (rest, validity) = number(heard, input)?;
    let (rest, ()) = space(heard, rest)?;
    let (rest, from) = sequence_set(rest)?;
    let (rest, ()) = space(heard, rest)?;
    let (rest, to) = sequence_set(rest)?;
    let (from, to) = (heard.text(from), heard.text(to));
    Ok((rest, Code::CopyUid { validity, from, to }))
}

/// ```abnf
/// uid-set = (uniqueid / uid-range) *("," uid-set)
/// ```
pub(super) fn sequence_set(input: &[u8]) -> Parsed<'_, &[u8]> {
    take_while1(|byte: u8| byte.is_ascii_digit() || matches!(byte, b':' | b',' | b'*'))(input)
}

/// ```abnf
/// response-tagged = tag SP resp-cond-state CRLF
/// tag             = 1*<any ASTRING-CHAR except "+">
/// ```
pub(super) fn tagged<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Status> {
    let is_tag = |byte: u8| byte.is_ascii_graphic() && !b"+*(){\"\\%".contains(&byte);
    let (rest, tag) = take_while1(is_tag)(input)?;
    let (rest, ()) = space(heard, rest)?;
    status(heard, Some(heard.text(tag)), rest)
}
