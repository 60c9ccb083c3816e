//! What we hear (RFC 9051 section 7): framing first, parsing second. A reply keeps its bytes beside what was read out
//! of them.

mod data;
mod fetch;
mod frame;
mod lexer;
mod quirk;
mod status;

use core::fmt;

use bytes::Bytes;
use probe_net::{Codec, Decoded, Malformed, Oddities, Outgoing};

use crate::command::Line;
use frame::Frame;
use lexer::{Heard, Parsed};
use quirk::Quirk;

pub use data::{Capabilities, Data, ExtendedSearch, List, Namespace, Namespaces, Resource};
pub use fetch::{Address, Envelope, Fetch, Item, Structure};
pub use lexer::Text;
pub use status::{Code, Condition, Status};

/// How much of a response is heard out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of one line, its end not counted. A search may find a hundred thousand messages in one.
    pub line: usize,
    /// Octets of one literal. The probe asks for no more of a message than fits.
    pub literal: usize,
    /// Literals in one response.
    pub literals: usize,
    /// Octets of one response.
    pub octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 768 * 1024,
            literal: 512 * 1024,
            literals: 256,
            octets: 896 * 1024,
        }
    }
}

/// Commands to bytes, bytes to replies.
#[derive(Clone, Debug, Default)]
pub struct ImapCodec {
    limits: Limits,
    frame: Frame,
}

impl ImapCodec {
    /// A codec with limits of one's own.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }
}

impl Codec for ImapCodec {
    type Command = Line;
    type Reply = Reply;

    fn encode(&mut self, line: &Line, out: &mut Outgoing) {
        line.encode(out);
    }

    fn decode(
        &mut self,
        input: &[u8],
        oddities: &mut Oddities,
    ) -> Result<Decoded<Reply>, Malformed> {
        let Some(framed) = self.frame.next(input, &self.limits)? else {
            return Ok(Decoded::Partial);
        };
        let raw = Bytes::copy_from_slice(input.get(..framed.next).unwrap_or_default());
        let heard = Heard::new(raw.clone());
        if framed.has_bare_lf {
            heard.note(Quirk::BareLf);
        }
        let response = read(&heard, raw.get(..framed.end).unwrap_or_default());
        for quirk in heard.quirks() {
            oddities.note(quirk.kind(), &raw);
        }
        Ok(Decoded::Frame {
            reply: Reply { raw, response },
            used: framed.next,
        })
    }
}

/// One response of the server.
#[derive(Clone, Eq, PartialEq)]
pub struct Reply {
    raw: Bytes,
    response: Response,
}

/// What a response says.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "the kinds of RFC 9051 section 7, and what is none of them"
)]
pub enum Response {
    /// The server waits for more of the command: `+ ...`.
    Continue(Text),
    /// It tells something.
    Data(Data),
    /// It makes no sense.
    Other,
    /// How a command went, or how things stand.
    Status(Status),
}

impl Reply {
    /// What it says.
    pub fn response(&self) -> &Response {
        &self.response
    }

    /// The bytes as they came, line end included.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }
}

impl From<Reply> for Response {
    fn from(reply: Reply) -> Self {
        reply.response
    }
}

/// The response as people can read it.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({:?})", String::from_utf8_lossy(&self.raw))
    }
}

fn read(heard: &Heard, line: &[u8]) -> Response {
    match response(heard, line) {
        Ok((_, response)) => response,
        Err(_) => {
            heard.note(Quirk::Unparsed);
            Response::Other
        }
    }
}

/// ```abnf
/// response = *(continue-req / response-data) response-done
/// ```
/// One of them, its line end taken off.
fn response<'a>(heard: &Heard, line: &'a [u8]) -> Parsed<'a, Response> {
    match line {
        [b'+', rest @ ..] => Ok((&[], Response::Continue(continuation(heard, rest)))),
        [b'*', b' ', rest @ ..] => untagged(heard, rest),
        _ => match status::tagged(heard, line) {
            Ok((rest, status)) => Ok((rest, Response::Status(note_eight_bit(heard, status)))),
            Err(_) if line.starts_with(b"[") => Ok((&[], Response::Status(bare_code(heard, line)))),
            Err(error) => Err(error),
        },
    }
}

/// Exchange 2013 leaves both the `*` and the `OK` away.
fn bare_code(heard: &Heard, line: &[u8]) -> Status {
    heard.note(Quirk::NoStatusWord);
    let (code, text) = status::text(heard, line);
    Status {
        tag: None,
        condition: Condition::Ok,
        code,
        text: heard.text(text),
    }
}

/// ```abnf
/// continue-req = "+" SP (resp-text / base64) CRLF
/// ```
fn continuation(heard: &Heard, rest: &[u8]) -> Text {
    match rest {
        [b' ', text @ ..] => heard.text(text),
        text => {
            heard.note(Quirk::EmptyContinuation);
            heard.text(text)
        }
    }
}

fn untagged<'a>(heard: &Heard, input: &'a [u8]) -> Parsed<'a, Response> {
    let rest = input.trim_ascii_start();
    if rest.len() < input.len() {
        heard.note(Quirk::ExtraSpace);
    }
    if rest.first().is_some_and(u8::is_ascii_digit) {
        let (rest, data) = data::numbered(heard, rest)?;
        return Ok((rest, Response::Data(data)));
    }
    if let Ok((rest, status)) = status::status(heard, None, rest) {
        return Ok((rest, Response::Status(note_eight_bit(heard, status))));
    }
    let (rest, data) = data::named(heard, rest)?;
    Ok((rest, Response::Data(data)))
}

/// ```abnf
/// TEXT-CHAR = <any CHAR except CR and LF>
/// ```
fn note_eight_bit(heard: &Heard, status: Status) -> Status {
    if !status.text.is_ascii() {
        heard.note(Quirk::EightBit);
    }
    status
}
