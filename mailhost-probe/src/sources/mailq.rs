//! `mailq` as Sendmail made it, and Postfix after it.
//!
//! ```text
//! 306FA98C4A6*     460 Tue Nov 24 16:45:40  sender@lab.test      ; Postfix: * active, ! on hold, # soon to expire
//! (host ... said: 451 4.7.1 ... (in reply to RCPT TO command))
//!                                          user@policy.test
//!
//! -- 16 Kbytes in 37 Requests.
//!
//! 4AOGjJ8w012345*     900 Tue Nov 24 16:45 <sender@lab.test>     ; Sendmail: * being sent, - load too high, X
//!                  (Deferred: Connection refused by mx.policy.test.)
//!                                          <user@policy.test>
//!                 Total requests: 1
//! ```

use nom::branch::alt;
use nom::bytes::complete::{is_not, tag, tag_no_case, take_while1};
use nom::character::complete::{digit1, one_of, space0, space1, u64 as number};
use nom::combinator::{opt, recognize};
use nom::sequence::{delimited, preceded, terminated};
use nom::{IResult, Parser};

use crate::facts::QueueName;
use crate::tally::Tally;

/// What is remembered from line to line.
#[derive(Debug, Default)]
pub(super) struct Mailq {
    style: Style,
    reason: Vec<u8>,
    is_over: bool,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Style {
    #[default]
    Postfix,
    Sendmail,
}

impl Mailq {
    /// Whether the list has told its sum, or that it is empty.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn line(&mut self, line: &[u8], tally: &mut Tally) {
        let text = line.trim_ascii();
        if text.is_empty() || self.heading(text, tally) {
            return;
        }
        // More after the sum: the list of another queue, with a sum of its own.
        self.is_over = false;
        let is_indented = line.first().is_some_and(u8::is_ascii_whitespace);
        if let Some(reason) = text.strip_prefix(b"(") {
            let reason = reason.strip_suffix(b")").unwrap_or(reason);
            self.reason.clear();
            self.reason.extend_from_slice(reason);
        } else if is_indented {
            self.recipient(text, tally);
        } else {
            self.message(text, tally);
        }
    }

    fn heading(&mut self, text: &[u8], tally: &mut Tally) -> bool {
        if text.starts_with(b"-Queue ID-") {
            self.style = Style::Postfix;
            tally.declare(QueueName::DEFERRED);
        } else if text.starts_with(b"-----Q-ID-----") {
            self.style = Style::Sendmail;
            tally.declare(QueueName::QUEUE);
        } else if text == b"Mail queue is empty" {
            tally.declare(QueueName::DEFERRED);
            self.is_over = true;
        } else if text.starts_with(b"/") && text.ends_with(b" is empty") {
            tally.declare(QueueName::QUEUE);
            self.is_over = true;
        } else if sum(text).is_ok() {
            self.is_over = true;
        } else {
            // "/var/spool/mqueue (2 requests)", "MTA Queue status..."
            return (text.starts_with(b"/") && text.ends_with(b")"))
                || text.ends_with(b"Queue status...");
        }
        true
    }

    fn message(&mut self, text: &[u8], tally: &mut Tally) {
        self.reason.clear();
        let Ok((_, (mark, size))) = message(text) else {
            return tally.unreadable(text);
        };
        let queue = match (self.style, mark) {
            (Style::Sendmail, _) => QueueName::QUEUE,
            (Style::Postfix, Some('*')) => QueueName::ACTIVE,
            (Style::Postfix, Some('!')) => QueueName::HOLD,
            (Style::Postfix, _) => QueueName::DEFERRED,
        };
        tally.message(queue, size, None);
    }

    fn recipient(&self, text: &[u8], tally: &mut Tally) {
        // Where it has more than one line of status: "8BITMIME".
        if text.contains(&b'@') || text.starts_with(b"<") || self.style == Style::Postfix {
            let address = text.strip_prefix(b"<").unwrap_or(text);
            tally.recipient(address, &self.reason);
        }
    }
}

/// `-- 16 Kbytes in 37 Requests.` or `Total requests: 37`
fn sum(text: &[u8]) -> IResult<&[u8], u64> {
    let postfix = delimited(
        (tag("-- "), digit1, tag(" Kbytes in ")),
        number,
        (tag(" Request"), opt(tag("s")), tag(".")),
    );
    let sendmail = preceded((tag_no_case("total requests:"), space0), number);
    alt((postfix, sendmail)).parse(text)
}

/// The number of a message, its mark and its size; the size is missing where Sendmail finds no control file.
fn message(text: &[u8]) -> IResult<&[u8], (Option<char>, Option<u64>)> {
    let id = recognize(take_while1(|byte: u8| byte.is_ascii_alphanumeric()));
    let mark = opt(one_of("*!#-?"));
    let date = (
        take_while1(|byte: u8| byte.is_ascii_alphabetic()),
        space1,
        is_not(" "),
        space1,
        digit1,
    );
    let size = terminated(number, (space1, date));
    let size = alt((size.map(Some), tag("(").map(|_| None)));
    let (rest, (_, mark, _, size)) = (id, mark, space1, size).parse(text)?;
    Ok((rest, (mark, size)))
}
