//! OpenSMTPD's `smtpctl show queue`: an envelope on each line, its fields separated by `|` (smtpctl(8)).
//!
//! ```text
//! id|family|type|flags|sender|original recipient|destination|created|expires|last attempt|attempts|state|delay|error
//! ```
//!
//! An envelope is a recipient of a message; the first eight digits of its id are those of the message, and those of one
//! message stand together. Where the server does not run, `smtpctl` reads the queue's folder by itself, and the state of each
//! envelope is `offline`.

use std::time::{Duration, SystemTime};

use nom::bytes::complete::{tag, take_till, take_while_m_n};
use nom::character::complete::u64 as number;
use nom::combinator::rest;
use nom::multi::count;
use nom::sequence::terminated;
use nom::{IResult, Parser};

use crate::tally::Tally;

/// Which message was the last.
#[derive(Debug, Default)]
pub(super) struct Envelopes {
    message: Vec<u8>,
}

impl Envelopes {
    pub(super) fn line(&mut self, line: &[u8], tally: &mut Tally) {
        if line.is_empty() {
            return;
        }
        let Ok((_, envelope)) = envelope(line) else {
            return tally.unreadable(line);
        };
        if self.message != envelope.message {
            self.message.clear();
            self.message.extend_from_slice(envelope.message);
            let since = Duration::from_secs(envelope.created);
            let arrived = SystemTime::UNIX_EPOCH.checked_add(since);
            tally.message("queue", None, arrived);
        }
        tally.recipient(envelope.destination, envelope.error);
        if envelope.state == OFFLINE {
            tally.complaint("smtpd does not run: its envelopes are offline");
        }
    }
}

/// The state of an envelope that no server has.
const OFFLINE: &[u8] = b"offline";

#[derive(Debug)]
struct Envelope<'a> {
    message: &'a [u8],
    destination: &'a [u8],
    created: u64,
    state: &'a [u8],
    error: &'a [u8],
}

fn envelope(line: &[u8]) -> IResult<&[u8], Envelope<'_>> {
    let digits = |n| take_while_m_n(n, n, |byte: u8| byte.is_ascii_hexdigit());
    let field = || terminated(take_till(|byte| byte == b'|'), tag("|"));
    let id = terminated((digits(8), digits(8)), tag("|"));
    let created = terminated(number, tag("|"));
    // Family, type, flags, sender, recipient; expiry, last attempt, attempts; and, behind the state, the delay.
    let (left, ((message, _), _, destination, created, _, state, _, error)) = (
        id,
        count(field(), 5),
        field(),
        created,
        count(field(), 3),
        field(),
        field(),
        rest,
    )
        .parse(line)?;
    let envelope = Envelope {
        message,
        destination,
        created,
        state,
        error,
    };
    Ok((left, envelope))
}
