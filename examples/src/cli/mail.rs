//! How much mail may lie in a mailbox, and how old it may be: the same for IMAP and POP3, each in the range syntax of
//! monitoring plugins.

use clap::Args;
use probe_core::{Range, Thresholds};

#[derive(Args, Debug)]
#[command(next_help_heading = "Thresholds")]
pub(super) struct Mail {
    /// Warns when the number of messages is outside this range
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        requires = "user"
    )]
    messages_warning: Option<Range>,
    /// The same, critical
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        requires = "user"
    )]
    messages_critical: Option<Range>,
    /// Warns when the age (in seconds) of the oldest message is outside this range
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        requires = "user"
    )]
    oldest_warning: Option<Range>,
    /// The same, critical
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        requires = "user"
    )]
    oldest_critical: Option<Range>,
    /// Warns when the age (in seconds) of the newest message is outside this range
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        requires = "user"
    )]
    newest_warning: Option<Range>,
    /// The same, critical
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        requires = "user"
    )]
    newest_critical: Option<Range>,
}

impl Mail {
    pub(super) fn messages(&self) -> Thresholds {
        Thresholds::new(self.messages_warning, self.messages_critical)
    }

    pub(super) fn oldest(&self) -> Thresholds {
        Thresholds::new(self.oldest_warning, self.oldest_critical)
    }

    pub(super) fn newest(&self) -> Thresholds {
        Thresholds::new(self.newest_warning, self.newest_critical)
    }
}
