//! What we hear (RFC 1939 section 3, RFC 2449): framing first, parsing second. A reply keeps its bytes; what it says
//! is read out of them when it is asked for.

mod views;

use core::fmt;
use core::ops::Range;
use std::collections::VecDeque;

use nom::branch::alt;
use nom::bytes::complete::{tag, tag_no_case, take_while1};
use nom::character::complete::{char, one_of};
use nom::combinator::{eof, opt, peek, recognize, value};
use nom::multi::separated_list1;
use nom::sequence::{delimited, terminated};
use nom::{IResult, Parser};
use probe_net::frame::{Ending, LineSpan, Lines};
use probe_net::{Codec, Decoded, Malformed, Oddities, Outgoing};

use crate::command::{Command, Form};
use crate::findings::{BARE_LF, EIGHT_BIT, LONG_LINE, LOWER_CASE, NO_STATUS};

pub use views::{Capabilities, Expiry, Keyword, Listing, UniqueIds};
pub(crate) use views::{counts, timestamp};

/// How much of a reply is heard out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of a status line, or of a line of a list; its end not counted. RFC 2449 section 4 allows 512 with CR
    /// LF; servers exceed it. The lines of messages have no limit of their own.
    pub line: usize,
    /// Lines of one list.
    pub lines: usize,
    /// Octets of one reply, messages included.
    pub octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 8192,
            lines: 16 * 1024,
            octets: 1_000_000,
        }
    }
}

/// Commands to bytes, bytes to replies.
#[derive(Clone, Debug, Default)]
pub struct Pop3Codec {
    limits: Limits,
    lines: Lines,
    /// The forms of the replies that are still to come: where a reply ends depends on what was asked.
    awaited: VecDeque<Form>,
    reply: Hearing,
}

/// The reply that is being heard.
#[derive(Clone, Copy, Debug, Default)]
struct Hearing {
    lines: usize,
    status: Status,
    /// How the status line ended.
    ending: Option<Ending>,
    /// Where the status line ends and the rest begins.
    rest: usize,
}

impl Pop3Codec {
    /// A codec with limits of one's own.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// The form of the reply that comes next. What nobody asked for, the greeting among it, is a line.
    fn form(&self) -> Form {
        self.awaited.front().copied().unwrap_or(Form::Line)
    }

    /// Whether the line that is being heard is one of a message.
    fn is_in_message(&self) -> bool {
        self.form() == Form::Message && self.reply.lines > 0
    }

    fn check(&self, line: LineSpan) -> Result<(), Malformed> {
        if line.next > self.limits.octets {
            return Err(Malformed::too_large("a reply", self.limits.octets));
        }
        if self.is_in_message() {
            return Ok(());
        }
        if line.end - line.start > self.limits.line {
            return Err(Malformed::too_large("a line", self.limits.line));
        }
        match self.reply.lines == self.limits.lines {
            true => Err(Malformed::too_large(
                "a reply, in lines,",
                self.limits.lines,
            )),
            false => Ok(()),
        }
    }

    fn finish(&mut self, input: &[u8], line: LineSpan) -> Decoded<Reply> {
        let heard = core::mem::take(&mut self.reply);
        self.lines.restart();
        self.awaited.pop_front();
        // A status line alone has no rest; otherwise the lone dot does not belong to it.
        let data = match heard.lines {
            1 => line.next..line.next,
            _ => heard.rest..line.start,
        };
        Decoded::Frame {
            reply: Reply {
                status: heard.status,
                raw: input.get(..line.next).unwrap_or_default().into(),
                data,
            },
            used: line.next,
        }
    }
}

impl Codec for Pop3Codec {
    type Command = Command;
    type Reply = Reply;

    fn encode(&mut self, command: &Command, out: &mut Outgoing) {
        command.encode(out);
        self.awaited.push_back(command.form());
    }

    fn decode(
        &mut self,
        input: &[u8],
        oddities: &mut Oddities,
    ) -> Result<Decoded<Reply>, Malformed> {
        let form = self.form();
        while let Some(line) = self.lines.next(input) {
            self.check(line)?;
            let text = input.get(line.start..line.end).unwrap_or_default();
            let ended = match self.reply.lines {
                0 => self.reply.begin(text, line, form, oddities),
                _ => self.reply.go_on(text, line.ending, form, oddities),
            };
            if ended {
                return Ok(self.finish(input, line));
            }
        }
        if input.len() > self.limits.octets {
            return Err(Malformed::too_large("a reply", self.limits.octets));
        }
        // One more for the CR that may stand there already.
        match self.lines.pending() > self.limits.line + 1 && !self.is_in_message() {
            true => Err(Malformed::too_large("a line", self.limits.line)),
            false => Ok(Decoded::Partial),
        }
    }
}

impl Hearing {
    /// Hears the status line; whether it is the whole reply.
    fn begin(&mut self, text: &[u8], line: LineSpan, form: Form, oddities: &mut Oddities) -> bool {
        let word = status(text).map(|(_, status)| status);
        self.lines = 1;
        self.status = word.unwrap_or_default();
        self.ending = Some(line.ending);
        self.rest = line.next;
        note_oddities(text, line.ending, oddities);
        match self.status {
            Status::Other => oddities.note(&NO_STATUS, text),
            // RFC 1939 section 3: "Servers MUST send the "+OK" and "-ERR" in upper case."
            _ if text.iter().take(4).any(u8::is_ascii_lowercase) && is_lower_case(text) => {
                oddities.note(&LOWER_CASE, text);
            }
            _ => {}
        }
        self.status != Status::Ok || form == Form::Line
    }

    /// Hears one line more; whether it is the last.
    fn go_on(&mut self, text: &[u8], ending: Ending, form: Form, oddities: &mut Oddities) -> bool {
        self.lines += 1;
        if form == Form::List {
            note_oddities(text, ending, oddities);
        }
        // A dot before a bare line feed may be a part of a message; not where the server ends all lines so.
        let is_an_end = ending == Ending::CrLf || form == Form::List || self.ending == Some(ending);
        text == b"." && is_an_end
    }
}

fn is_lower_case(text: &[u8]) -> bool {
    !text.starts_with(b"+OK") && !text.starts_with(b"-ERR") && !text.starts_with(b"+ ")
}

fn note_oddities(text: &[u8], ending: Ending, oddities: &mut Oddities) {
    if ending == Ending::Lf {
        oddities.note(&BARE_LF, text);
    }
    if text.len() > 510 {
        oddities.note(&LONG_LINE, text);
    }
    if !text.is_ascii() {
        oddities.note(&EIGHT_BIT, text);
    }
}

/// The word that begins a reply (RFC 1939 section 3, RFC 5034 section 4).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "the protocol has three, and then there is all the rest"
)]
pub enum Status {
    /// `+`: go on.
    Continue,
    /// `-ERR`: no.
    Err,
    /// `+OK`: yes.
    Ok,
    /// None of them: this is not POP3.
    #[default]
    Other,
}

/// One reply: a status line, and what may follow it up to a lone dot.
#[derive(Clone, Eq, PartialEq)]
pub struct Reply {
    status: Status,
    raw: Box<[u8]>,
    /// Where the lines between the status line and the lone dot stand.
    data: Range<usize>,
}

impl Reply {
    /// A status line that was heard before.
    pub(crate) fn from_line(raw: &[u8]) -> Self {
        let read = status(raw.trim_ascii_end());
        Self {
            status: read.map(|(_, status)| status).unwrap_or_default(),
            raw: raw.into(),
            data: raw.len()..raw.len(),
        }
    }

    /// How it begins.
    pub fn status(&self) -> Status {
        self.status
    }

    /// Whether it begins with `+OK`.
    pub fn is_ok(&self) -> bool {
        self.status == Status::Ok
    }

    /// The bytes as they came, line ends and the lone dot included.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The first line as it came, without its line end.
    pub fn status_line(&self) -> &[u8] {
        let end = self.raw.iter().position(|byte| *byte == b'\n');
        let line = self.raw.get(..end.unwrap_or(self.raw.len()));
        let line = line.unwrap_or_default();
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// What stands behind the status, the response code included.
    pub fn text(&self) -> &[u8] {
        let line = self.status_line();
        status(line).map_or(line, |(text, _)| text.trim_ascii())
    }

    /// The response code (RFC 2449 section 8), if there is one.
    pub fn code(&self) -> Option<ResponseCode<'_>> {
        response_code(self.text()).ok().map(|(_, code)| code)
    }

    /// Whether it refuses a login because another session has the maildrop: the password was right (RFC 2449 section
    /// 8.1.2). Servers without response codes say it in words.
    pub(crate) fn is_in_use(&self) -> bool {
        if self.status != Status::Err {
            return false;
        }
        if let Some(code) = self.code() {
            return code.is("IN-USE");
        }
        let text = self.text().to_ascii_lowercase();
        let says = |phrase: &[u8]| text.windows(phrase.len()).any(|part| part == phrase);
        let names_the_maildrop = says(b"maildrop") || says(b"mailbox");
        names_the_maildrop && (says(b"lock") || says(b"in use") || says(b"busy"))
    }

    /// The lines behind the status line: line ends, the lone dot and the dots that were stuffed are gone.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.unstuffed().map(|line| {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            line.strip_suffix(b"\r").unwrap_or(line)
        })
    }

    /// The message behind the status line, byte for byte as the server has it.
    pub fn message(&self) -> Vec<u8> {
        self.unstuffed().flatten().copied().collect()
    }

    /// How many octets the message has. What the server says of it is advice.
    pub fn octets(&self) -> usize {
        self.unstuffed().map(<[u8]>::len).sum()
    }

    /// RFC 1939 section 3: of a line that begins with a dot, one dot is not part of it.
    fn unstuffed(&self) -> impl Iterator<Item = &[u8]> {
        let data = self.raw.get(self.data.clone()).unwrap_or_default();
        let lines = data.split_inclusive(|byte| *byte == b'\n');
        lines.map(|line| line.strip_prefix(b".").unwrap_or(line))
    }
}

/// The reply as people can read it.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({:?})", String::from_utf8_lossy(&self.raw))
    }
}

/// A response code (RFC 2449 section 8): `SYS/TEMP`. It is a path: who does not know all of it goes by its beginning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ResponseCode<'a>(&'a [u8]);

impl<'a> ResponseCode<'a> {
    /// What stands between the brackets, in the server's own case of letters.
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// Whether it is this code, or a more exact one below it; in any case of letters.
    pub fn is(self, code: &str) -> bool {
        let (known, rest) = match self.0.split_at_checked(code.len()) {
            Some(parts) => parts,
            None => return false,
        };
        known.eq_ignore_ascii_case(code.as_bytes()) && matches!(rest.first(), None | Some(b'/'))
    }

    /// Whether what it refuses for will pass by itself.
    pub(crate) fn passes(self) -> bool {
        ["IN-USE", "LOGIN-DELAY", "SYS/TEMP"]
            .iter()
            .any(|known| self.is(known))
    }
}

/// ```abnf
/// single-line = status [SP text] CRLF
/// status      = "+OK" / "-ERR"
/// ```
/// RFC 2449 section 9, and `"+"` of RFC 5034 section 4. Leaves the text; servers end the word in other ways than by a
/// blank too.
fn status(line: &[u8]) -> IResult<&[u8], Status> {
    let ended = peek(alt((eof, recognize(one_of(" \t:.,;!-[")))));
    let word = alt((
        value(Status::Ok, tag_no_case("+OK")),
        value(Status::Err, tag_no_case("-ERR")),
    ));
    let go_on = terminated(char('+'), peek(alt((eof, tag(" ")))));
    alt((terminated(word, ended), value(Status::Continue, go_on))).parse(line)
}

/// ```abnf
/// resp-code  = resp-level *("/" resp-level)
/// resp-level = 1*rchar
/// ```
/// RFC 2449 section 9, between brackets.
fn response_code(text: &[u8]) -> IResult<&[u8], ResponseCode<'_>> {
    let level = take_while1(|byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'/' | b']'));
    let path = recognize((separated_list1(char('/'), level), opt(char('/'))));
    delimited(char('['), path, char(']'))
        .map(ResponseCode)
        .parse(text)
}
