//! Nullmailer's `mailq`: a line for each message, and below it one for each recipient.
//!
//! ```text
//! 2026-11-24 16:45:40 1234 bytes from <sender@lab.test>
//!   to <user@lab.test>
//! ```

use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::{space0, space1, u64 as number};
use nom::sequence::preceded;
use nom::{IResult, Parser};

use crate::facts::QueueName;
use crate::tally::Tally;

pub(super) fn line(line: &[u8], tally: &mut Tally) {
    let text = line.trim_ascii();
    if text.is_empty() {
        return;
    }
    if let Some(address) = text.strip_prefix(b"to ") {
        let address = address.trim_ascii();
        return tally.recipient(address.strip_prefix(b"<").unwrap_or(address), b"");
    }
    match message(text) {
        Ok((_, size)) => tally.message(QueueName::QUEUE, Some(size), None),
        Err(_) => tally.unreadable(line),
    }
}

fn message(text: &[u8]) -> IResult<&[u8], u64> {
    let part =
        |separator: u8| take_while1(move |byte: u8| byte.is_ascii_digit() || byte == separator);
    let time = (space0, part(b'-'), space1, part(b':'), space1);
    let (rest, (size, _)) = (preceded(time, number), tag(" bytes")).parse(text)?;
    Ok((rest, size))
}
