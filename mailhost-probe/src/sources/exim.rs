//! Exim's `exim -bp`, and its `exim -bpc`.
//!
//! ```text
//!  4h  2.9K 1xVtfJ-0007zn-13 <sender@lab.test> *** frozen ***    ; ids of 16 characters, of 23 since 4.97
//!         D done@lab.test                                        ; delivered already
//!           user@lab.test
//! ```

use std::time::{Duration, SystemTime};

use nom::bytes::complete::{tag, take_while_m_n};
use nom::character::complete::{one_of, space0, space1, u64 as number};
use nom::combinator::{all_consuming, opt, rest};
use nom::sequence::preceded;
use nom::{IResult, Parser};

use crate::facts::QueueName;
use crate::tally::Tally;

/// The list of all messages.
#[derive(Debug)]
pub(super) struct Exim {
    now: SystemTime,
}

impl Exim {
    pub(super) const fn new(now: SystemTime) -> Self {
        Self { now }
    }

    pub(super) fn line(&self, line: &[u8], tally: &mut Tally) {
        /// Messages are indented by less, recipients by as much (`src/queue.c`).
        const RECIPIENT: &[u8] = b"          ";
        const DELIVERED: &[u8] = b"        D ";
        const DELIVERED_TOO: &[u8] = b"       +D ";
        if line.is_empty() || line.starts_with(DELIVERED) || line.starts_with(DELIVERED_TOO) {
            return;
        }
        if let Some(address) = line.strip_prefix(RECIPIENT) {
            tally.recipient(address.trim_ascii(), b"");
            return;
        }
        let Ok((_, message)) = message(line) else {
            return tally.unreadable(line);
        };
        let queue = match message.is_frozen {
            true => QueueName::FROZEN,
            false => QueueName::QUEUE,
        };
        let arrived = message.age.and_then(|age| self.now.checked_sub(age));
        tally.message(queue, Some(message.size), arrived);
    }
}

/// The number alone.
pub(super) fn count(line: &[u8], known: &mut Option<u64>, tally: &mut Tally) {
    let parsed: IResult<&[u8], u64> = all_consuming(number).parse(line.trim_ascii());
    match (parsed, known.is_some()) {
        (Ok((_, count)), false) => {
            *known = Some(count);
            tally.sum(QueueName::QUEUE, count, None);
        }
        _ if line.is_empty() => {}
        _ => tally.unreadable(line),
    }
}

#[derive(Debug)]
struct Message {
    age: Option<Duration>,
    size: u64,
    is_frozen: bool,
}

fn message(line: &[u8]) -> IResult<&[u8], Message> {
    let id = take_while_m_n(16, 23, |byte: u8| {
        byte.is_ascii_alphanumeric() || byte == b'-'
    });
    let mut whole = (preceded(space0, age), space1, size, space1, id, rest);
    let (left, (age, _, size, _, _, words)) = whole.parse(line)?;
    let is_frozen = words.trim_ascii_end().ends_with(b"*** frozen ***");
    Ok((
        left,
        Message {
            age,
            size,
            is_frozen,
        },
    ))
}

/// Minutes up to an hour and a half, hours up to three days, then days.
fn age(input: &[u8]) -> IResult<&[u8], Option<Duration>> {
    let (rest, (count, unit)) = (number, one_of("mhd")).parse(input)?;
    let seconds = match unit {
        'm' => 60,
        'h' => 3600,
        _ => 24 * 3600,
    };
    Ok((rest, count.checked_mul(seconds).map(Duration::from_secs)))
}

/// Rounded for people: `238`, `2.9K`, `12M`.
fn size(input: &[u8]) -> IResult<&[u8], u64> {
    let (rest, (whole, tenths, unit)) =
        (number, opt(preceded(tag("."), number)), opt(one_of("KMG"))).parse(input)?;
    let factor: u64 = match unit {
        None => 1,
        Some('K') => 1 << 10,
        Some('M') => 1 << 20,
        Some(_) => 1 << 30,
    };
    let tenths = tenths.unwrap_or_default().min(9);
    let octets = whole.saturating_mul(factor);
    Ok((rest, octets.saturating_add(factor * tenths / 10)))
}
