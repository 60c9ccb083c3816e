//! A ledger as lines of text: one for each event, so that a file can grow by them, and for what was settled. Each line ends
//! with a digest of itself. So a line that was torn by a crash is passed over and counted, and takes none with it.

use core::fmt::Write;
use std::time::{Duration, SystemTime};

use data_encoding::HEXLOWER;
use nom::bytes::complete::{tag, take_while, take_while1};
use nom::character::complete::{char, u64 as number};
use nom::combinator::{all_consuming, map, map_opt};
use nom::multi::many0;
use nom::sequence::preceded;
use nom::{IResult, Parser};
use sha2::{Digest, Sha256};

use super::{Counts, Event, Ledger};
use crate::status::Cause;
use crate::token::{Name, Token};

impl Event {
    /// It as a line, with its end.
    pub fn line(&self) -> String {
        let mut text = String::new();
        let token = self.token();
        // Writing to a string does not fail.
        let _ = match self {
            Self::Begun { route, at, .. } => write!(text, "begun {token} {route} {}", millis(*at)),
            Self::Sent { took, .. } => write!(text, "sent {token} {}", took.as_millis()),
            Self::Refused { .. } => write!(text, "refused {token}"),
            Self::Arrived {
                at, receive, copy, ..
            } => write!(
                text,
                "arrived {token} {} {} {copy}",
                millis(*at),
                receive.as_millis()
            ),
            Self::Delayed { .. } => write!(text, "delayed {token}"),
            Self::Bounced { at, cause, .. } => {
                write!(text, "bounced {token} {} {cause}", millis(*at))
            }
        };
        sealed(&text)
    }
}

impl Ledger {
    /// The longest line that is read, its end included.
    pub const LINE: usize = 2048;

    /// Reads what was written, and whatever was added to it; what cannot be read is counted.
    pub fn read(text: &[u8]) -> Self {
        let mut ledger = Self::default();
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let known = opened(line).and_then(|line| {
                let (_, known) = all_consuming(known).parse(line).ok()?;
                Some(known)
            });
            match known {
                Some(Known::Event(event)) => ledger.apply(&event),
                Some(Known::Totals(route, totals)) => ledger.take_totals(route, *totals),
                Some(Known::Dropped(count)) => ledger.dropped = count,
                None => ledger.unreadable = ledger.unreadable.saturating_add(1),
            }
        }
        ledger
    }

    /// All of it, as short as it can be said. Whoever replaces a file by it loses nothing.
    pub fn written(&self) -> String {
        let mut text = String::new();
        if self.dropped > 0 {
            text.push_str(&sealed(&format!("dropped {}", self.dropped)));
        }
        for (route, totals) in &self.totals {
            let mut line = format!("totals {route}");
            for number in totals.numbers() {
                let _ = write!(line, " {number}");
            }
            text.push_str(&sealed(&line));
        }
        for (token, entry) in self.entries() {
            for event in entry.events(*token) {
                text.push_str(&event.line());
            }
        }
        text
    }

    fn take_totals(&mut self, route: Name, totals: Counts) {
        if self.totals.len() < Self::ROUTES || self.totals.contains_key(&route) {
            self.totals.insert(route, totals);
        }
    }
}

impl super::Entry {
    /// Events that make it what it is.
    fn events(&self, token: Token) -> Vec<Event> {
        let mut events = vec![Event::Begun {
            token,
            route: self.route.clone(),
            at: self.begun_at,
        }];
        events.extend(self.send.map(|took| Event::Sent { token, took }));
        if self.is_refused {
            events.push(Event::Refused { token });
        }
        if let (Some(at), Some(receive)) = (self.arrived_at, self.receive) {
            let copies = self.copies.iter();
            events.extend(copies.map(|copy| Event::Arrived {
                token,
                at,
                receive,
                copy: *copy,
            }));
        }
        if self.is_delayed {
            events.push(Event::Delayed { token });
        }
        if let Some((at, cause)) = self.bounced {
            events.push(Event::Bounced { token, at, cause });
        }
        events
    }
}

/// What a line says.
enum Known {
    Dropped(u64),
    Event(Event),
    Totals(Name, Box<Counts>),
}

/// What a line begins with: the layout below.
const VERSION: &str = "1 ";

/// A line with its version before and its digest behind it.
pub(crate) fn sealed(text: &str) -> String {
    let text = format!("{VERSION}{text} ");
    let digest = digest(text.as_bytes());
    text + &digest + "\n"
}

/// What stands in a line that is whole.
fn opened(line: &[u8]) -> Option<&[u8]> {
    let line = line
        .strip_suffix(b"\n")
        .filter(|_| line.len() <= Ledger::LINE)?;
    let end = line.iter().rposition(|byte| *byte == b' ')?;
    let (text, found) = line.split_at_checked(end + 1)?;
    let is_whole = digest(text).as_bytes() == found;
    let text = text.strip_prefix(VERSION.as_bytes()).filter(|_| is_whole)?;
    text.strip_suffix(b" ")
}

fn digest(text: &[u8]) -> String {
    let digest = Sha256::digest(text);
    HEXLOWER.encode(digest.get(..6).unwrap_or_default())
}

/// ```abnf
/// line     = "1" SP known SP 12HEXDIG LF
/// known    = begun / sent / refused / arrived / delayed / bounced / totals / dropped
/// begun    = "begun" SP token SP name SP time
/// sent     = "sent" SP token SP millis
/// refused  = "refused" SP token
/// arrived  = "arrived" SP token SP time SP millis SP copy
/// delayed  = "delayed" SP token
/// bounced  = "bounced" SP token SP time SP cause
/// totals   = "totals" SP name 1*(SP count)
/// dropped  = "dropped" SP count
/// ```
/// Our own. Times are milliseconds since 1970.
fn known(input: &[u8]) -> IResult<&[u8], Known> {
    let (rest, word) = take_while1(|byte: u8| byte.is_ascii_lowercase())(input)?;
    match word {
        b"begun" => map((token, name, time), |(token, route, at)| {
            Known::Event(Event::Begun { token, route, at })
        })
        .parse(rest),
        b"sent" => map((token, length), |(token, took)| {
            Known::Event(Event::Sent { token, took })
        })
        .parse(rest),
        b"refused" => map(token, |token| Known::Event(Event::Refused { token })).parse(rest),
        b"arrived" => map(
            (token, time, length, count),
            |(token, at, receive, copy)| {
                Known::Event(Event::Arrived {
                    token,
                    at,
                    receive,
                    copy,
                })
            },
        )
        .parse(rest),
        b"delayed" => map(token, |token| Known::Event(Event::Delayed { token })).parse(rest),
        b"bounced" => map((token, time, cause), |(token, at, cause)| {
            Known::Event(Event::Bounced { token, at, cause })
        })
        .parse(rest),
        b"dropped" => map(count, Known::Dropped).parse(rest),
        _ => preceded(fail_unless(word == b"totals"), totals).parse(rest),
    }
}

fn totals(input: &[u8]) -> IResult<&[u8], Known> {
    map_opt((name, many0(count)), |(route, numbers)| {
        let counts = Counts::of_numbers(numbers.into_iter())?;
        Some(Known::Totals(route, Box::new(counts)))
    })
    .parse(input)
}

fn fail_unless(holds: bool) -> impl FnMut(&[u8]) -> IResult<&[u8], &[u8]> {
    move |input| match holds {
        true => tag("")(input),
        false => tag("\n")(input),
    }
}

fn word(input: &[u8]) -> IResult<&[u8], &[u8]> {
    preceded(char(' '), take_while(|byte| byte != b' ')).parse(input)
}

fn token(input: &[u8]) -> IResult<&[u8], Token> {
    map_opt(word, Token::parse).parse(input)
}

fn name(input: &[u8]) -> IResult<&[u8], Name> {
    let read = |word| core::str::from_utf8(word).ok()?.parse().ok();
    map_opt(word, read).parse(input)
}

fn cause(input: &[u8]) -> IResult<&[u8], Cause> {
    let read = |word| Cause::of_name(core::str::from_utf8(word).ok()?);
    map_opt(word, read).parse(input)
}

fn count(input: &[u8]) -> IResult<&[u8], u64> {
    preceded(char(' '), number).parse(input)
}

fn length(input: &[u8]) -> IResult<&[u8], Duration> {
    map(count, Duration::from_millis).parse(input)
}

fn time(input: &[u8]) -> IResult<&[u8], SystemTime> {
    map_opt(length, |since| SystemTime::UNIX_EPOCH.checked_add(since)).parse(input)
}

fn millis(at: SystemTime) -> u128 {
    let since = at.duration_since(SystemTime::UNIX_EPOCH);
    since.unwrap_or_default().as_millis()
}
