//! Read, judge, report: the only place here that waits.

use std::sync::Arc;

use probe_core::{Context, Failure, FailureKind, Phase, Probe, Report, Target};
use probe_net::Log;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::facts::QueueFacts;
use crate::findings::judge;
use crate::options::{Options, Source};
use crate::sources::{Format, Listing, Unreadable};

/// Reading the list of the queue.
const LIST: Phase = Phase::new("list");

/// Asks the mail server of this machine what waits in its queues.
///
/// The target is what the report is called by; what is read is the [`Source`]. Whatever keeps us from reading, also a
/// permission that is missing or a server that does not run, is a failure of the kind [`FailureKind::Local`]: it says
/// nothing of the queue, least of all that it is empty.
#[derive(Clone, Debug)]
pub struct QueueProbe {
    options: Arc<Options>,
}

impl QueueProbe {
    /// So much is read at a time.
    const PIECE: usize = 64 * 1024;

    /// The options to build one from.
    pub fn builder(source: Source) -> Options {
        Options::new(source)
    }

    pub(crate) fn new(options: Options) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    async fn read(&self, listing: &mut Option<Listing>, cx: &Context) -> Result<(), String> {
        match &self.options.source {
            #[cfg(feature = "command")]
            Source::Command {
                program,
                arguments,
                format,
            } => {
                let listing = listing.insert(Listing::new(*format, cx.now()));
                command::read(program, arguments, listing).await
            }
            Source::Showq(path) => {
                let listing = listing.insert(Listing::new(Format::Showq, cx.now()));
                let socket = connect(path)
                    .await
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                read_all(socket, listing).await?;
                end(listing)
            }
        }
    }
}

impl Probe for QueueProbe {
    type Facts = QueueFacts;

    fn name(&self) -> &'static str {
        "queue"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<QueueFacts> {
        let mut log = Log::begin(cx);
        let mut listing = None;
        let outcome = log.within(LIST, self.read(&mut listing, cx)).await;
        let failure = match outcome {
            Ok(Ok(())) => None,
            Ok(Err(why)) => Some(why),
            // That the list is slow says as little of the queue as that there is none.
            Err(late) => Some(late.detail),
        };
        let has_failed = failure.is_some();
        let mut facts = listing.map(Listing::so_far).unwrap_or_default();
        if has_failed && facts.messages() == 0 {
            // Nothing was counted: that there is nothing was not seen.
            facts.queues.clear();
        }
        if let (Some(before), false) = (&self.options.before, has_failed) {
            facts.growth = before.growth(&facts, cx.now());
        }
        let findings = judge(&facts, &self.options);
        let mut report = Report::new(self.name(), target.clone(), cx.now(), facts);
        report.failure = failure.map(|why| Failure::new(LIST, FailureKind::Local, why));
        for finding in findings {
            report.add_finding(finding);
        }
        log.close(&mut report);
        report
    }
}

#[cfg(unix)]
async fn connect(path: &std::path::Path) -> std::io::Result<tokio::net::UnixStream> {
    tokio::net::UnixStream::connect(path).await
}

#[cfg(not(unix))]
async fn connect(_: &std::path::Path) -> std::io::Result<tokio::io::Empty> {
    Err(std::io::ErrorKind::Unsupported.into())
}

async fn read_all(mut source: impl AsyncRead + Unpin, listing: &mut Listing) -> Result<(), String> {
    let mut piece = vec![0; QueueProbe::PIECE];
    loop {
        let read = source.read(&mut piece).await;
        let read = read.map_err(|error| error.to_string())?;
        let heard = piece.get(..read).unwrap_or_default();
        if heard.is_empty() {
            return Ok(());
        }
        listing.feed(heard).map_err(|why| why.to_string())?;
    }
}

fn end(listing: &mut Listing) -> Result<(), String> {
    listing.end().map_err(|why: Unreadable| why.to_string())
}

/// Programs that write the list.
#[cfg(feature = "command")]
mod command {
    use std::ffi::{OsStr, OsString};
    use std::process::Stdio;

    use futures_util::future::join;
    use probe_core::printable;
    use tokio::io::{AsyncRead, AsyncReadExt};
    use tokio::process::Command;

    use super::{end, read_all};
    use crate::sources::Listing;

    /// So much of a complaint is kept.
    const COMPLAINT: usize = 1024;

    pub(super) async fn read(
        program: &OsStr,
        arguments: &[OsString],
        listing: &mut Listing,
    ) -> Result<(), String> {
        let name = program.display();
        let started = Command::new(program)
            .args(arguments)
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = started.map_err(|error| format!("{name}: {error}"))?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(format!("{name}: there is no way to read from it"));
        };
        let mut words = Vec::new();
        let list = read_all(stdout, listing);
        let (read, ()) = join(list, complaint(stderr, &mut words)).await;
        let status = child
            .wait()
            .await
            .map_err(|error| format!("{name}: {error}"))?;
        let said = printable(words.trim_ascii());
        if !status.success() {
            return Err(match said.is_empty() {
                true => format!("{name}: {status}"),
                false => format!("{name}: {status}: {said}"),
            });
        }
        let outcome = read.and_then(|()| end(listing));
        outcome.map_err(|why| match said.is_empty() {
            true => format!("{name}: {why}"),
            false => format!("{name}: {why}: {said}"),
        })?;
        if said.is_empty() {
            return Ok(());
        }
        // Some end well although they could not look.
        if listing.is_empty() {
            return Err(format!("{name}: {said}"));
        }
        listing.note_complaint(&said);
        Ok(())
    }

    /// All of it is read, since a program that is not listened to stops; its beginning is kept.
    async fn complaint(mut stderr: impl AsyncRead + Unpin, words: &mut Vec<u8>) {
        let mut piece = [0; 1024];
        while let Ok(read @ 1..) = stderr.read(&mut piece).await {
            let room = COMPLAINT.saturating_sub(words.len());
            words.extend(piece.iter().take(read.min(room)));
        }
    }
}
