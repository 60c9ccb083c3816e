//! qmail's `qmail-qread` and `qmail-qstat` (qmail-qread(8), qmail-qstat(8)). Between the parts
//! of a recipient stand tabs.
//!
//! ```text
//! 24 Nov 2026 16:45:40 GMT  #912345  1234  <sender@lab.test> bouncing
//!  done    remote    done@lab.test
//!     remote    user@lab.test
//!
//! messages in queue: 3
//! messages in queue but not yet preprocessed: 1
//! ```

use std::time::SystemTime;

use nom::branch::alt;
use nom::bytes::complete::{tag, take_until};
use nom::character::complete::{digit1, space0, space1, u64 as number};
use nom::combinator::{all_consuming, rest};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};
use probe_net::message::Date;

use crate::facts::QueueName;
use crate::tally::Tally;

/// A line of `qmail-qread`.
pub(super) fn read_line(line: &[u8], tally: &mut Tally) {
    if line.is_empty() {
        return;
    }
    if let Ok((_, address)) = recipient(line) {
        return tally.recipient(address, b"");
    }
    if line.starts_with(b" done") || line.starts_with(b"  done") {
        return;
    }
    match message(line) {
        Ok((_, (arrived, size))) => tally.message(QueueName::QUEUE, Some(size), arrived),
        Err(_) => tally.unreadable(line),
    }
}

fn recipient(line: &[u8]) -> IResult<&[u8], &[u8]> {
    let kind = alt((tag("remote"), tag("local")));
    preceded((space0, kind, space1), rest).parse(line)
}

fn message(line: &[u8]) -> IResult<&[u8], (Option<SystemTime>, u64)> {
    let id = (space0, tag("#"), digit1, space1);
    let (left, (date, _, size)) = (take_until("#"), id, number).parse(line)?;
    let date = Date::parse(date.trim_ascii()).map(|(date, _)| date.at());
    Ok((left, (date, size)))
}

/// What `qmail-qstat` has said so far.
#[derive(Debug, Default)]
pub(super) struct Stat {
    said: u8,
}

impl Stat {
    /// Both lines.
    const LINES: u8 = 2;

    pub(super) const fn is_over(&self) -> bool {
        self.said >= Self::LINES
    }

    pub(super) fn line(&mut self, line: &[u8], tally: &mut Tally) {
        if line.is_empty() {
            return;
        }
        match stat(line) {
            // Those that are not preprocessed are among those in the queue.
            Ok((_, (true, count))) => tally.sum(QueueName::QUEUE, count, None),
            Ok((_, (false, _))) => {}
            Err(_) => return tally.unreadable(line),
        }
        self.said = self.said.saturating_add(1);
    }
}

fn stat(line: &[u8]) -> IResult<&[u8], (bool, u64)> {
    let all = tag(": ").map(|_| true);
    let raw = tag(" but not yet preprocessed: ").map(|_| false);
    all_consuming((
        delimited(tag("messages in queue"), alt((all, raw)), space0),
        number,
    ))
    .parse(line)
}
