//! Postfix's showq: the service behind `postqueue`, on the unix socket `public/showq` below the queue directory.
//!
//! ```text
//! list      = *( name NUL value NUL ) NUL         ; src/util/attr_scan0.c
//! showq     = [ greeting ] *message NUL           ; a list without attributes is the end
//! greeting  = "protocol" NUL "mail_queue_list_protocol" NUL NUL                  ; since 3.6
//! message   = queue_name queue_id time size [ forced_expire ] sender *recipient  ; one list
//! recipient = [ original_recipient ] recipient [ log_class ] reason              ; one list with the message
//! ```
//!
//! Four generations are in use (up to 3.4, 3.5, 3.6 to 3.10, 3.11), which differ in what they add. So attributes that are
//! not known are skipped, whatever stands in them.

use std::time::{Duration, SystemTime};

use nom::character::complete::u64 as number;
use nom::combinator::all_consuming;
use nom::{IResult, Parser};

use super::Unreadable;
use crate::tally::Tally;

/// The stream of attributes.
#[derive(Debug, Default)]
pub(super) struct Showq {
    begun: Vec<u8>,
    has_begun: bool,
    awaits: Awaits,
    message: Message,
    /// Whose reason may still come.
    recipient: Option<Vec<u8>>,
    /// Whether the list that is being read has anything in it.
    is_empty: bool,
}

/// Which wire Postfix speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Wire {
    Attributes,
    /// Before 3.1: what `mailq` shows.
    Text,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Awaits {
    #[default]
    Name,
    Value(Attribute),
    /// What comes now is too much.
    Nothing,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Attribute {
    Arrival,
    Queue,
    Reason,
    Recipient,
    Size,
    Unknown,
}

/// The message that is being read, until it is counted.
#[derive(Debug, Default)]
struct Message {
    queue: Option<Vec<u8>>,
    arrived: Option<SystemTime>,
    size: Option<u64>,
}

impl Showq {
    /// The longest name or value that is read; Postfix's own lines are at most 2048 octets long (`line_length_limit`).
    pub(super) const TEXT: usize = 64 * 1024;

    pub(super) fn feed(&mut self, piece: &[u8], tally: &mut Tally) -> Result<Wire, Unreadable> {
        if let (false, Some(first)) = (self.has_begun, piece.first()) {
            // Names of attributes are in lower case; the text begins with "-Queue ID-" or "Mail queue is empty".
            if matches!(first, b'-' | b'M') {
                return Ok(Wire::Text);
            }
            self.has_begun = true;
            self.is_empty = true;
        }
        let mut rest = piece;
        while let Some(nul) = rest.iter().position(|byte| *byte == 0) {
            let (text, next) = rest.split_at(nul);
            rest = next.get(1..).unwrap_or_default();
            match self.begun.is_empty() && text.len() <= Self::TEXT {
                true => self.text(text, tally)?,
                false => {
                    self.append(text)?;
                    let text = core::mem::take(&mut self.begun);
                    self.text(&text, tally)?;
                }
            }
        }
        self.append(rest)?;
        Ok(Wire::Attributes)
    }

    /// Whether the end was said.
    pub(super) fn end(&self) -> Result<(), Unreadable> {
        match self.awaits == Awaits::Nothing && self.begun.is_empty() {
            true => Ok(()),
            false => Err(Unreadable::CutShort),
        }
    }

    fn append(&mut self, more: &[u8]) -> Result<(), Unreadable> {
        if self.begun.len().saturating_add(more.len()) > Self::TEXT {
            return Err(Unreadable::TooLong(Self::TEXT));
        }
        self.begun.extend_from_slice(more);
        Ok(())
    }

    fn text(&mut self, text: &[u8], tally: &mut Tally) -> Result<(), Unreadable> {
        match self.awaits {
            Awaits::Nothing => return Err(Unreadable::NoList),
            Awaits::Value(attribute) => {
                self.awaits = Awaits::Name;
                self.value(attribute, text, tally);
            }
            Awaits::Name => match text {
                b"" if self.is_empty => self.awaits = Awaits::Nothing,
                b"" => {
                    self.message_is_over(tally);
                    self.is_empty = true;
                }
                // A list within the list: its attributes are as good as any.
                b"{" | b"}" => self.is_empty = false,
                name => {
                    self.is_empty = false;
                    self.awaits = Awaits::Value(Attribute::of(name));
                }
            },
        }
        Ok(())
    }

    fn value(&mut self, attribute: Attribute, value: &[u8], tally: &mut Tally) {
        match attribute {
            Attribute::Queue => self.message.queue = Some(value.to_vec()),
            Attribute::Size => self.message.size = whole(value),
            Attribute::Arrival => {
                let since = whole(value).map(Duration::from_secs);
                self.message.arrived =
                    since.and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since));
            }
            Attribute::Recipient => {
                self.message_is_known(tally);
                self.recipient_is_over(b"", tally);
                self.recipient = Some(value.to_vec());
            }
            Attribute::Reason => self.recipient_is_over(value, tally),
            Attribute::Unknown => {}
        }
    }

    fn message_is_known(&mut self, tally: &mut Tally) {
        let message = core::mem::take(&mut self.message);
        if let Some(queue) = message.queue {
            tally.message(queue, message.size, message.arrived);
        }
    }

    fn recipient_is_over(&mut self, reason: &[u8], tally: &mut Tally) {
        if let Some(address) = self.recipient.take() {
            tally.recipient(&address, reason);
        }
    }

    fn message_is_over(&mut self, tally: &mut Tally) {
        self.message_is_known(tally);
        self.recipient_is_over(b"", tally);
    }
}

impl Attribute {
    fn of(name: &[u8]) -> Self {
        match name {
            b"queue_name" => Self::Queue,
            b"reason" => Self::Reason,
            b"recipient" => Self::Recipient,
            b"size" => Self::Size,
            b"time" => Self::Arrival,
            _ => Self::Unknown,
        }
    }
}

fn whole(value: &[u8]) -> Option<u64> {
    let parsed: IResult<&[u8], u64> = all_consuming(number).parse(value);
    parsed.ok().map(|(_, number)| number)
}
