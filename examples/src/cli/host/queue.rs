//! Which queue is read, and how it is judged.

use core::time::Duration;
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mailhost_probe::{Format, Options, QueueProbe, Sample, Source};
use probe_core::{Range, Thresholds};

use crate::cli::Mistake;

#[derive(Args, Debug)]
#[command(next_help_heading = "Queue")]
pub(super) struct Queue {
    /// Reads the queue of this mail server
    #[arg(long, value_enum, value_name = "SERVER", default_value_t)]
    queue: Server,
    /// Postfix's socket
    #[arg(long, value_name = "FILE", default_value = Source::SHOWQ)]
    socket: PathBuf,
    /// Warns when the number of messages that wait is outside this range
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    messages_warning: Option<Range>,
    /// The same, critical
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    messages_critical: Option<Range>,
    /// Warns when the age of the oldest message (in seconds) is outside this range
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    oldest_warning: Option<Range>,
    /// The same, critical
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    oldest_critical: Option<Range>,
    /// Warns when so many recipients wait for the same reason
    #[arg(long, value_name = "COUNT", default_value_t = Options::DELAYED)]
    delayed: u64,
    /// Warns when a queue grows so fast that --messages-warning or --messages-critical will be met within so many minutes
    #[arg(long, value_name = "MINUTES", default_value_t = Options::HORIZON.as_secs() / 60)]
    horizon: u64,
}

/// Whose list is read, and by which program.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Server {
    /// Postfix, by its socket
    #[default]
    Postfix,
    /// Postfix, by `postqueue -j`
    Postqueue,
    /// Exim, by `exim -bp`
    Exim,
    /// Sendmail, by `mailq`
    Sendmail,
    /// OpenSMTPD, by `smtpctl show queue`
    Opensmtpd,
    /// qmail, by `qmail-qread`
    Qmail,
    /// nullmailer, by `mailq`
    Nullmailer,
}

impl Queue {
    /// The probe, with what was counted before if that is known.
    pub(super) fn probe(&self, before: Option<Sample>) -> Result<QueueProbe, Mistake> {
        let mut options = QueueProbe::builder(self.queue.source(&self.socket))
            .messages(self.messages())
            .oldest(self.oldest())
            .delayed(self.delayed)
            .horizon(Duration::from_secs(self.horizon.saturating_mul(60)));
        if let Some(before) = before {
            options = options.since(before);
        }
        options.build().map_err(Mistake::new)
    }

    pub(super) const fn messages(&self) -> Thresholds {
        Thresholds::new(self.messages_warning, self.messages_critical)
    }

    pub(super) const fn oldest(&self) -> Thresholds {
        Thresholds::new(self.oldest_warning, self.oldest_critical)
    }
}

impl Server {
    fn source(self, socket: &std::path::Path) -> Source {
        match self {
            Self::Postfix => Source::Showq(socket.to_owned()),
            Self::Postqueue => Source::command("postqueue", ["-j"], Format::Postqueue),
            Self::Exim => Source::command("exim", ["-bp"], Format::EximList),
            Self::Sendmail => Source::command("mailq", [""; 0], Format::Mailq),
            Self::Opensmtpd => Source::command("smtpctl", ["show", "queue"], Format::OpenSmtpd),
            Self::Qmail => Source::command("qmail-qread", [""; 0], Format::QmailRead),
            Self::Nullmailer => Source::command("mailq", [""; 0], Format::Nullmailer),
        }
    }
}
