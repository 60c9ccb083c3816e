//! `mailprobe host`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mailhost_probe::{ExporterProbe, Format, QueueProbe, Source};
use probe_core::{AnyProbe, Range, Target, Thresholds, Verdict};
use probe_net::http::Url;

use super::{Mistake, Surroundings};

#[derive(Args, Debug)]
pub(super) struct HostItself {
    /// Reads the queue of this mail server
    #[arg(
        long,
        value_enum,
        value_name = "SERVER",
        default_value_t,
        help_heading = "Queue"
    )]
    queue: Queue,
    /// Postfix's socket
    #[arg(long, value_name = "FILE", default_value = Source::SHOWQ, help_heading = "Queue")]
    socket: PathBuf,
    /// Warns when the number of messages that wait is outside this range
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        help_heading = "Queue"
    )]
    messages_warning: Option<Range>,
    /// The same, critical
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        help_heading = "Queue"
    )]
    messages_critical: Option<Range>,
    /// Warns when the age of the oldest message (in seconds) is outside this range
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        help_heading = "Queue"
    )]
    oldest_warning: Option<Range>,
    /// The same, critical
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        help_heading = "Queue"
    )]
    oldest_critical: Option<Range>,
    /// Reads the page of this exporter instead: windows_exporter with Exchange's counters, node_exporter, postfix_exporter
    #[arg(long, value_name = "URL", conflicts_with_all = ["queue", "socket"], help_heading = "Exporter")]
    exporter: Option<Url>,
    #[command(flatten)]
    surroundings: Surroundings,
}

/// Whose list is read, and by which program.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Queue {
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

impl HostItself {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let (target, probe) = match &self.exporter {
            Some(url) => {
                let target = Target::host(url.host().clone(), url.port());
                let net = self.surroundings.net()?;
                let probe = ExporterProbe::builder(net, url.clone()).build();
                (target, AnyProbe::new(probe.map_err(Mistake::new)?))
            }
            None => {
                let target = "localhost".parse().map_err(Mistake::new)?;
                (target, AnyProbe::new(self.queue()?))
            }
        };
        self.surroundings.ask(&[target], &probe)
    }

    fn queue(&self) -> Result<QueueProbe, Mistake> {
        let source = match self.queue {
            Queue::Postfix => Source::Showq(self.socket.clone()),
            Queue::Postqueue => Source::command("postqueue", ["-j"], Format::Postqueue),
            Queue::Exim => Source::command("exim", ["-bp"], Format::EximList),
            Queue::Sendmail => Source::command("mailq", [""; 0], Format::Mailq),
            Queue::Opensmtpd => Source::command("smtpctl", ["show", "queue"], Format::OpenSmtpd),
            Queue::Qmail => Source::command("qmail-qread", [""; 0], Format::QmailRead),
            Queue::Nullmailer => Source::command("mailq", [""; 0], Format::Nullmailer),
        };
        QueueProbe::builder(source)
            .messages(Thresholds::new(
                self.messages_warning,
                self.messages_critical,
            ))
            .oldest(Thresholds::new(self.oldest_warning, self.oldest_critical))
            .build()
            .map_err(Mistake::new)
    }
}
