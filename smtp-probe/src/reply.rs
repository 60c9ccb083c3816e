//! What we hear (RFC 5321 section 4.2): framing first, parsing second. A reply keeps its bytes; what it says
//! is read out of them when it is asked for.

use core::fmt;

use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::character::complete::{one_of, u16 as number};
use nom::combinator::{eof, map, peek};
use nom::sequence::{preceded, terminated};
use nom::{IResult, Parser};
use probe_net::frame::{Ending, LineSpan, Lines};
use probe_net::sasl::Mechanism;
use probe_net::{Codec, Decoded, Malformed, Oddities, Outgoing};

use crate::command::Command;
use crate::findings::{BARE_LF, EIGHT_BIT, LONG_LINE, NO_CODE, NO_TEXT, TWO_CODES};

/// How much of a reply is heard out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Limits {
    /// Octets of one line, its end not counted. RFC 5321 section 4.5.3.1.5 allows 512 with CR LF; servers
    /// exceed it.
    pub line: usize,
    /// Lines of one reply.
    pub lines: usize,
    /// Octets of one reply.
    pub octets: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line: 8192,
            lines: 256,
            octets: 64 * 1024,
        }
    }
}

/// Commands to bytes, bytes to replies.
#[derive(Clone, Debug, Default)]
pub struct SmtpCodec {
    limits: Limits,
    lines: Lines,
    reply: Hearing,
}

/// The reply that is being heard.
#[derive(Clone, Copy, Debug, Default)]
struct Hearing {
    lines: usize,
    code: Option<Code>,
    changed_its_code: bool,
}

impl SmtpCodec {
    /// A codec with limits of one's own.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }
}

impl Codec for SmtpCodec {
    type Command = Command;
    type Reply = Reply;

    fn encode(&mut self, command: &Command, out: &mut Outgoing) {
        command.encode(out);
    }

    fn decode(
        &mut self,
        input: &[u8],
        oddities: &mut Oddities,
    ) -> Result<Decoded<Reply>, Malformed> {
        while let Some(line) = self.lines.next(input) {
            let text = input.get(line.start..line.end).unwrap_or_default();
            if text.len() > self.limits.line {
                return Err(Malformed::too_large("a line", self.limits.line));
            }
            if line.next > self.limits.octets {
                return Err(Malformed::too_large("a reply", self.limits.octets));
            }
            if self.reply.lines == self.limits.lines {
                return Err(Malformed::too_large(
                    "a reply, in lines,",
                    self.limits.lines,
                ));
            }
            if let Some(code) = self.reply.hear(text, line.ending, oddities) {
                self.lines.restart();
                self.reply = Hearing::default();
                return Ok(Decoded::Frame {
                    reply: Reply::new(code, input.get(..line.next).unwrap_or_default()),
                    used: line.next,
                });
            }
        }
        // One more for the CR that may stand there already.
        match self.lines.pending() > self.limits.line + 1 {
            true => Err(Malformed::too_large("a line", self.limits.line)),
            false => Ok(Decoded::Partial),
        }
    }
}

impl Hearing {
    /// What one more line does: nothing, or it ends the reply, which then has this code, or none.
    fn hear(
        &mut self,
        text: &[u8],
        ending: Ending,
        oddities: &mut Oddities,
    ) -> Option<Option<Code>> {
        self.lines += 1;
        note_oddities(text, ending, oddities);
        let Some((code, place, rest)) = reply_line(text) else {
            oddities.note(&NO_CODE, text);
            return Some(None);
        };
        if *self.code.get_or_insert(code) != code {
            oddities.note(&TWO_CODES, text);
            self.changed_its_code = true;
        }
        if place == Place::Inside {
            return None;
        }
        // RFC 4954 section 4: a challenge may be empty.
        if rest.is_empty() && code.number() != 334 {
            oddities.note(&NO_TEXT, text);
        }
        Some((!self.changed_its_code).then_some(code))
    }
}

fn note_oddities(text: &[u8], ending: Ending, oddities: &mut Oddities) {
    // RFC 5321 section 2.3.8: CR and LF stand only together.
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

/// One reply, of one line or several.
#[derive(Clone, Eq, PartialEq)]
pub struct Reply {
    code: Option<Code>,
    raw: Box<[u8]>,
}

impl Reply {
    fn new(code: Option<Code>, raw: &[u8]) -> Self {
        Self {
            code,
            raw: raw.into(),
        }
    }

    /// The code; `None` where there is none, or where lines of one reply have different ones (RFC 5321
    /// section 4.2.1 wants the same on each).
    pub fn code(&self) -> Option<Code> {
        self.code
    }

    /// Whether the server hangs up behind it: 421, at any time (RFC 5321 section 3.8).
    pub(crate) fn is_farewell(&self) -> bool {
        self.code == Some(Code(421))
    }

    /// The bytes as they came, line ends included.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The text of each line, without code and line end.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines_with_codes().map(text_of)
    }

    /// Each line as it was said, without its line end.
    pub fn lines_with_codes(&self) -> impl Iterator<Item = &[u8]> {
        let lines = self.line_spans();
        lines.filter_map(|line| self.raw.get(line.start..line.end))
    }

    fn line_spans(&self) -> impl Iterator<Item = LineSpan> {
        let mut lines = Lines::default();
        core::iter::from_fn(move || lines.next(&self.raw))
    }

    /// The text of the first line.
    pub fn text(&self) -> &[u8] {
        self.lines().next().unwrap_or_default()
    }

    /// The enhanced status code (RFC 2034), if there is one.
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        enhanced_code(self.text()).ok().map(|(_, code)| code)
    }
}

/// The reply as people can read it.
impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({:?})", String::from_utf8_lossy(&self.raw))
    }
}

/// A reply code (RFC 5321 section 4.2.1). Who does not know a code goes by its first digit.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Code(u16);

impl Code {
    /// The number.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// 2yz: done.
    pub const fn is_completion(self) -> bool {
        matches!(self.0, 200..=299)
    }

    /// 3yz: go on.
    pub const fn is_intermediate(self) -> bool {
        matches!(self.0, 300..=399)
    }

    /// 4yz: not now.
    pub const fn is_transient(self) -> bool {
        matches!(self.0, 400..=499)
    }

    /// 5yz: no.
    pub const fn is_permanent(self) -> bool {
        matches!(self.0, 500..=599)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

/// An enhanced status code (RFC 3463): `5.7.8`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct EnhancedCode {
    /// 2, 4 or 5.
    pub class: u8,
    /// What it is about: 7 is security and policy.
    pub subject: u16,
    /// What exactly.
    pub detail: u16,
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

/// What an EHLO reply offers (RFC 5321 section 4.1.1.1): a view of the reply, in the server's order and
/// with what is unknown here.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Capabilities {
    reply: Reply,
    /// Found once, since a dialogue asks for a dozen of them.
    extensions: Vec<Extension>,
}

/// Where a line with a keyword stands in the reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Extension {
    start: usize,
    /// How long the keyword is.
    name: usize,
    end: usize,
    is_legacy_form: bool,
}

impl Extension {
    fn of_line(start: usize, line: &[u8]) -> Option<Self> {
        let keyword = keyword(line)?;
        Some(Self {
            start,
            name: keyword.name.len(),
            end: start + line.len(),
            is_legacy_form: keyword.is_legacy_form,
        })
    }

    fn in_reply(self, reply: &[u8]) -> Keyword<'_> {
        let line = reply.get(self.start..self.end).unwrap_or_default();
        let (name, rest) = line.split_at_checked(self.name).unwrap_or_default();
        Keyword {
            name,
            parameters: rest.get(1..).unwrap_or_default(),
            is_legacy_form: self.is_legacy_form,
        }
    }
}

impl Capabilities {
    /// As many as most servers have.
    const USUAL: usize = 16;

    /// What the server calls itself: the first line is never a keyword, whatever it looks like.
    pub fn domain(&self) -> &[u8] {
        let first = self.reply.text();
        first.split(|byte| *byte == b' ').next().unwrap_or_default()
    }

    /// The extensions.
    pub fn keywords(&self) -> impl Iterator<Item = Keyword<'_>> {
        let extensions = self.extensions.iter();
        extensions.map(|extension| extension.in_reply(&self.reply.raw))
    }

    /// The extension of this name, in any case of letters.
    pub fn get(&self, name: &str) -> Option<Keyword<'_>> {
        self.keywords().find(|keyword| keyword.is(name))
    }

    /// Whether there is an extension of this name.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The largest message that is taken, in octets (RFC 1870); `None` if nothing is said of it or if there is no
    /// limit.
    pub fn size_limit(&self) -> Option<u64> {
        let text = core::str::from_utf8(self.get("SIZE")?.parameters).ok()?;
        text.trim().parse().ok().filter(|limit| *limit > 0)
    }

    /// The most SASL mechanisms that are read; servers offer a dozen.
    const MECHANISMS: usize = 64;

    /// The names of the offered SASL mechanisms, those of the legacy form `AUTH=` and of Exchange's `X-EXPS` among
    /// them, each once.
    pub fn mechanism_names(&self) -> Vec<&[u8]> {
        let mut names: Vec<&[u8]> = Vec::new();
        for name in self.offered_names() {
            if names.len() == Self::MECHANISMS {
                break;
            }
            if !names.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                names.push(name);
            }
        }
        names
    }

    /// The SASL mechanisms that Exchange lists by its own name, `X-EXPS`; servers of other makers have none.
    pub fn exps_mechanism_names(&self) -> Vec<&[u8]> {
        let offers = self.keywords().filter(|keyword| keyword.is("X-EXPS"));
        let names = offers.flat_map(|offer| offer.words());
        names.take(Self::MECHANISMS).collect()
    }

    /// Those of [all names](Self::mechanism_names) that are known here.
    pub fn mechanisms(&self) -> Vec<Mechanism> {
        let mut known = Vec::with_capacity(Mechanism::ALL.len());
        for mechanism in self.offered_names().filter_map(Mechanism::named) {
            if !known.contains(&mechanism) {
                known.push(mechanism);
            }
        }
        known
    }

    fn offered_names(&self) -> impl Iterator<Item = &[u8]> {
        let lists_some = |keyword: &Keyword<'_>| keyword.is("AUTH") || keyword.is("X-EXPS");
        let offers = self.keywords().filter(lists_some);
        offers.flat_map(|offer| offer.words())
    }

    /// The reply itself.
    pub fn reply(&self) -> &Reply {
        &self.reply
    }
}

/// What this reply to EHLO offers.
impl From<Reply> for Capabilities {
    fn from(reply: Reply) -> Self {
        let mut extensions = Vec::with_capacity(Self::USUAL);
        extensions.extend(reply.line_spans().skip(1).filter_map(|line| {
            let whole = reply.raw.get(line.start..line.end)?;
            let text = text_of(whole);
            Extension::of_line(line.end - text.len(), text)
        }));
        Self { reply, extensions }
    }
}

/// One line of an EHLO reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Keyword<'a> {
    /// `SIZE`, in the server's own case of letters.
    pub name: &'a [u8],
    /// What stands behind it.
    pub parameters: &'a [u8],
    /// Whether `=` stands between them: the form of AUTH before RFC 4954.
    pub is_legacy_form: bool,
}

impl<'a> Keyword<'a> {
    /// Whether this is its name, in any case of letters.
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// The parameters one by one.
    pub fn words(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let words = self.parameters.split(|byte| *byte == b' ');
        words.filter(|word| !word.is_empty())
    }
}

/// A line of a reply without its code.
fn text_of(line: &[u8]) -> &[u8] {
    reply_line(line).map_or(line, |(_, _, text)| text)
}

/// Whether a line is the last of its reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Inside,
    Last,
}

/// ```abnf
/// Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF
/// ```
/// RFC 5321 section 4.2. By hand, since it is read anew whenever a reply is asked for something.
fn reply_line(line: &[u8]) -> Option<(Code, Place, &[u8])> {
    let (digits, rest) = line.split_first_chunk()?;
    let code = reply_code(digits)?;
    match rest {
        [b'-', text @ ..] => Some((code, Place::Inside, text)),
        [b' ', text @ ..] => Some((code, Place::Last, text)),
        [] => Some((code, Place::Last, rest)),
        _ => None,
    }
}

/// ```abnf
/// Reply-code = %x32-35 %x30-35 %x30-39
/// ```
/// RFC 5321 section 4.2; here any three digits, since a server's own codes go by their first one.
fn reply_code(digits: &[u8; 3]) -> Option<Code> {
    let number = digits.iter().try_fold(0, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u16::from(digit - b'0'))?;
        Some(number * 10 + digit)
    });
    number.filter(|number| *number >= 200).map(Code)
}

/// ```abnf
/// status-code = class "." subject "." detail
/// ```
/// RFC 3463 section 2.
fn enhanced_code(input: &[u8]) -> IResult<&[u8], EnhancedCode> {
    let class = map(one_of("245"), |digit| match digit {
        '2' => 2,
        '4' => 4,
        _ => 5,
    });
    let code = (
        class,
        preceded(tag("."), number),
        preceded(tag("."), number),
    );
    let ended = peek(alt((tag(" "), eof)));
    let code = map(code, |(class, subject, detail)| EnhancedCode {
        class,
        subject,
        detail,
    });
    terminated(code, ended).parse(input)
}

/// ```abnf
/// ehlo-line    = ehlo-keyword *( SP ehlo-param )
/// ehlo-keyword = (ALPHA / DIGIT) *(ALPHA / DIGIT / "-")
/// ```
/// RFC 5321 section 4.1.1.1; here with `_` and `.` too, and with `=` before the parameters, as servers have it. By hand,
/// as [`reply_line`].
fn keyword(line: &[u8]) -> Option<Keyword<'_>> {
    /// Longer ones are no keywords.
    const OCTETS: usize = 64;
    let in_keyword = |byte: u8| IN_KEYWORD.get(usize::from(byte)) == Some(&true);
    let ended = line.iter().position(|byte| !in_keyword(*byte));
    let (name, rest) = line.split_at(ended.unwrap_or(line.len()));
    let (is_legacy_form, parameters) = match rest {
        [b'=', parameters @ ..] => (true, parameters),
        [b' ', parameters @ ..] => (false, parameters),
        [] => (false, rest),
        _ => return None,
    };
    (1..=OCTETS).contains(&name.len()).then_some(Keyword {
        name,
        parameters,
        is_legacy_form,
    })
}

/// Which bytes stand in a keyword: a table, since this is asked of every letter.
static IN_KEYWORD: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = u8::MAX;
    while byte > 0 {
        let is_in = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        #[allow(
            clippy::as_conversions,
            clippy::indexing_slicing,
            reason = "in a constant there is no other way, and it is checked here and now"
        )]
        {
            table[byte as usize] = is_in;
        }
        byte -= 1;
    }
    table
};
