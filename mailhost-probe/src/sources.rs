//! The lists that mail servers write of their queues, each in a file of its own; read piece by piece, in bounded memory.

mod exim;
mod mailq;
mod nullmailer;
mod opensmtpd;
mod postqueue;
mod qmail;
mod showq;

use core::fmt;
use std::time::SystemTime;

use probe_core::printable;

use crate::facts::QueueFacts;
use crate::tally::Tally;

/// Who wrote a list, and how.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// Exim: `exim -bpc`, the number alone.
    EximCount,
    /// Exim: `exim -bp`, or `mailq`.
    EximList,
    /// Sendmail's `mailq`, and the text of Postfix: `postqueue -p`. Their times have neither year nor zone, so that no ages
    /// are told.
    Mailq,
    /// Nullmailer: `mailq`. Its times have no zone, so that no ages are told.
    Nullmailer,
    /// OpenSMTPD: `smtpctl show queue`. Sizes are not told.
    OpenSmtpd,
    /// Postfix 3.1 and later: `postqueue -j`.
    Postqueue,
    /// qmail: `qmail-qread`.
    QmailRead,
    /// qmail: `qmail-qstat`, two numbers.
    QmailStat,
    /// Postfix: what its socket `public/showq` says; attributes since version 3.1, text before.
    Showq,
}

impl Format {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 9] = [
        Self::EximCount,
        Self::EximList,
        Self::Mailq,
        Self::Nullmailer,
        Self::OpenSmtpd,
        Self::Postqueue,
        Self::QmailRead,
        Self::QmailStat,
        Self::Showq,
    ];

    /// The name by which it is chosen.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EximCount => "exim-count",
            Self::EximList => "exim",
            Self::Mailq => "mailq",
            Self::Nullmailer => "nullmailer",
            Self::OpenSmtpd => "opensmtpd",
            Self::Postqueue => "postqueue",
            Self::QmailRead => "qmail-qread",
            Self::QmailStat => "qmail-qstat",
            Self::Showq => "showq",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A list that is being read. It is fed pieces of any size, and keeps numbers only.
///
/// ```
/// use mailhost_probe::{Format, Listing};
/// use std::time::SystemTime;
///
/// let mut listing = Listing::new(Format::EximList, SystemTime::now());
/// listing.feed(b" 4h  2.9K 1xVtfJ-0007zn-13 <s3@lab.test>\n          u3@refused.test\n\n")?;
/// let facts = listing.finish()?;
/// assert_eq!(facts.messages(), 1);
/// assert_eq!(facts.domains[0].domain, "refused.test");
/// # Ok::<(), mailhost_probe::Unreadable>(())
/// ```
#[derive(Debug)]
pub struct Listing {
    tally: Tally,
    reader: Reader,
}

impl Listing {
    /// The longest line that is read. A message with fifty thousand recipients is one line of JSON; of a longer line is only
    /// noted that it is there.
    pub const LINE: usize = 4 * 1024 * 1024;

    /// A list of which nothing was read yet. Ages are counted up to `now`.
    pub fn new(format: Format, now: SystemTime) -> Self {
        let mut tally = Tally::new(now);
        let lines = |form| Reader::Lines(Lines::default(), form);
        let reader = match format {
            Format::EximCount => lines(Form::Count(None)),
            Format::EximList => lines(Form::Exim(exim::Exim::new(now))),
            Format::Mailq => lines(Form::Mailq(mailq::Mailq::default())),
            Format::Nullmailer => lines(Form::Nullmailer),
            Format::OpenSmtpd => lines(Form::OpenSmtpd(opensmtpd::Envelopes::default())),
            Format::Postqueue => lines(Form::Postqueue),
            Format::QmailRead => lines(Form::QmailRead),
            Format::QmailStat => lines(Form::QmailStat(qmail::Stat::default())),
            Format::Showq => Reader::Showq(showq::Showq::default()),
        };
        for queue in declared(format) {
            tally.declare(queue);
        }
        Self { tally, reader }
    }

    /// Reads on.
    ///
    /// # Errors
    /// This is no such list, or it says that it could not be made.
    pub fn feed(&mut self, piece: &[u8]) -> Result<(), Unreadable> {
        let tally = &mut self.tally;
        match &mut self.reader {
            Reader::Lines(lines, form) => lines.feed(piece, form, tally),
            Reader::Showq(showq) => match showq.feed(piece, tally)? {
                showq::Wire::Attributes => Ok(()),
                // Postfix before 3.1.
                showq::Wire::Text => {
                    let mut lines = Lines::default();
                    let mut form = Form::Mailq(mailq::Mailq::default());
                    let outcome = lines.feed(piece, &mut form, tally);
                    self.reader = Reader::Lines(lines, form);
                    outcome
                }
            },
        }
    }

    /// What was in the list, now that it is over.
    ///
    /// # Errors
    /// It is not whole: what was read up to here is [`Listing::so_far`].
    pub fn finish(mut self) -> Result<QueueFacts, Unreadable> {
        self.end()?;
        Ok(self.so_far())
    }

    /// What was read so far, whether it is all or not.
    pub fn so_far(self) -> QueueFacts {
        self.tally.into_facts()
    }

    #[cfg(feature = "command")]
    pub(crate) fn is_empty(&self) -> bool {
        !self.tally.has_messages()
    }

    #[cfg(feature = "command")]
    pub(crate) fn note_complaint(&mut self, words: &str) {
        self.tally.complaint(words);
    }

    pub(crate) fn end(&mut self) -> Result<(), Unreadable> {
        match &mut self.reader {
            Reader::Lines(lines, form) => {
                lines.end(form, &mut self.tally)?;
                form.end()
            }
            Reader::Showq(showq) => showq.end(),
        }?;
        // One entry that is not understood is noted; if all are, this is something else.
        match self.tally.unreadable_count() > 0 && !self.tally.has_messages() {
            true => Err(Unreadable::NoList),
            false => Ok(()),
        }
    }
}

/// The queues that a format tells of also where nothing is in them.
const fn declared(format: Format) -> &'static [&'static str] {
    match format {
        Format::Postqueue | Format::Showq => {
            &["maildrop", "active", "incoming", "deferred", "hold"]
        }
        Format::EximList => &["queue", "frozen"],
        Format::Nullmailer | Format::OpenSmtpd | Format::QmailRead => &["queue"],
        // These say so themselves.
        Format::EximCount | Format::Mailq | Format::QmailStat => &[],
    }
}

#[derive(Debug)]
enum Reader {
    Lines(Lines, Form),
    Showq(showq::Showq),
}

/// A list of lines, and what is remembered from one to the next.
#[derive(Debug)]
enum Form {
    Count(Option<u64>),
    Exim(exim::Exim),
    Mailq(mailq::Mailq),
    Nullmailer,
    OpenSmtpd(opensmtpd::Envelopes),
    Postqueue,
    QmailRead,
    QmailStat(qmail::Stat),
}

impl Form {
    fn line(&mut self, line: &[u8], tally: &mut Tally) -> Result<(), Unreadable> {
        complaint(line)?;
        match self {
            Self::Count(count) => exim::count(line, count, tally),
            Self::Exim(exim) => exim.line(line, tally),
            Self::Mailq(mailq) => mailq.line(line, tally),
            Self::Nullmailer => nullmailer::line(line, tally),
            Self::OpenSmtpd(envelopes) => envelopes.line(line, tally),
            Self::Postqueue => postqueue::line(line, tally),
            Self::QmailRead => qmail::read_line(line, tally),
            Self::QmailStat(stat) => stat.line(line, tally),
        }
        Ok(())
    }

    /// Whether the list can be over here.
    fn end(&self) -> Result<(), Unreadable> {
        let is_whole = match self {
            Self::Count(count) => count.is_some(),
            Self::Mailq(mailq) => mailq.is_over(),
            Self::QmailStat(stat) => stat.is_over(),
            // They have no mark at their end: an empty list is an empty text.
            Self::Exim(_)
            | Self::Nullmailer
            | Self::OpenSmtpd(_)
            | Self::Postqueue
            | Self::QmailRead => true,
        };
        match is_whole {
            true => Ok(()),
            false => Err(Unreadable::CutShort),
        }
    }
}

/// Programs that complain where the list should be: `postqueue: fatal: ...`, `exim: permission denied`.
fn complaint(line: &[u8]) -> Result<(), Unreadable> {
    const PROGRAMS: [&[u8]; 9] = [
        b"postqueue: ",
        b"mailq: ",
        b"exim: ",
        b"exim4: ",
        b"sendmail: ",
        b"smtpctl: ",
        b"qmail-qread: ",
        b"qmail-qstat: ",
        b"sh: ",
    ];
    let is_one = PROGRAMS.iter().any(|program| line.starts_with(program))
        || line.ends_with(b": Permission denied")
        || line.ends_with(b": permission denied");
    match is_one {
        true => Err(Unreadable::refused(line)),
        false => Ok(()),
    }
}

/// Takes lines out of a stream.
#[derive(Debug, Default)]
struct Lines {
    begun: Vec<u8>,
    /// Inside a line that is too long.
    is_skipping: bool,
}

impl Lines {
    /// So much of a line that is too long is shown.
    const SHOWN: usize = 200;

    fn feed(&mut self, piece: &[u8], form: &mut Form, tally: &mut Tally) -> Result<(), Unreadable> {
        let mut rest = piece;
        while let Some(feed) = rest.iter().position(|byte| *byte == b'\n') {
            let (end, next) = rest.split_at(feed);
            rest = next.get(1..).unwrap_or_default();
            // Most lines are whole in their piece and need no copy.
            match self.begun.is_empty() && !self.is_skipping && end.len() <= Listing::LINE {
                true => form.line(end.trim_ascii_end(), tally)?,
                false => {
                    self.append(end, tally);
                    self.end(form, tally)?;
                }
            }
        }
        self.append(rest, tally);
        Ok(())
    }

    fn append(&mut self, more: &[u8], tally: &mut Tally) {
        if self.is_skipping {
            return;
        }
        if self.begun.len().saturating_add(more.len()) > Listing::LINE {
            let room = Self::SHOWN.saturating_sub(self.begun.len());
            self.begun.extend(more.iter().take(room));
            tally.unreadable(&self.begun);
            self.begun = Vec::new();
            self.is_skipping = true;
            return;
        }
        self.begun.extend_from_slice(more);
    }

    /// The line ends here, or with the list.
    fn end(&mut self, form: &mut Form, tally: &mut Tally) -> Result<(), Unreadable> {
        if core::mem::take(&mut self.is_skipping) || self.begun.is_empty() {
            return Ok(());
        }
        let outcome = form.line(self.begun.trim_ascii_end(), tally);
        self.begun.clear();
        outcome
    }
}

/// Why a list could not be read to its end. It never means that the queue is empty.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// It ends where more must come.
    #[error("the list ends in the middle")]
    CutShort,
    /// It is something else.
    #[error("this is no such list")]
    NoList,
    /// Instead of a list there are these words.
    #[error("there is no list: {0}")]
    Refused(String),
    /// A text in it is longer than any honest one.
    #[error("a text of the list is longer than {0} octets")]
    TooLong(usize),
}

impl Unreadable {
    fn refused(words: &[u8]) -> Self {
        const SHOWN: usize = 200;
        Self::Refused(printable(words.get(..SHOWN).unwrap_or(words)))
    }
}
