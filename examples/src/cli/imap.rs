//! `mailprobe imap`.

use clap::Args;
use imap_probe::{Access, Criteria, Extension, ImapProbe, LoginCommand, Mailbox};
use probe_core::{AnyProbe, Range, Target, Thresholds, Verdict};

use super::credentials::Credentials;
use super::link::Link;
use super::{Mistake, Surroundings};

#[derive(Args, Debug)]
pub(super) struct Imap {
    /// The servers: HOST or HOST:PORT; port 143 if none is named
    #[arg(required = true, value_name = "HOST[:PORT]")]
    targets: Vec<Target>,
    /// Looks into this mailbox
    #[arg(long, value_name = "NAME", default_value = "INBOX", requires = "user")]
    mailbox: Mailbox,
    /// Opens it to write, though nothing is written: tells whether it is read-only
    #[arg(long, requires = "user")]
    select: bool,
    /// Proves that mail can be edited: in a folder of the probe's own, which is removed afterwards
    #[arg(long, requires = "user")]
    edit: bool,
    /// Demands these rights on the mailbox, a letter each (RFC 4314), e.g. lrswite
    #[arg(long, value_name = "LETTERS", requires = "user")]
    rights: Option<String>,
    /// Counts the messages that fit, e.g. "UNSEEN SINCE 1-Feb-2026"
    #[arg(long, value_name = "CRITERIA", requires = "user")]
    search: Option<Criteria>,
    /// Tries this extension out (repeatable)
    #[arg(long, value_name = "NAME", value_parser = extension, requires = "user")]
    exercise: Vec<Extension>,
    /// Measures the latency of this many NOOPs
    #[arg(long, value_name = "COUNT", default_value_t = 0, requires = "user")]
    noops: u16,
    /// Logs in by the command LOGIN, not by a mechanism
    #[arg(
        long,
        requires = "user",
        conflicts_with = "mechanism",
        help_heading = "Login"
    )]
    login_command: bool,
    #[command(flatten)]
    ranges: Ranges,
    #[command(flatten)]
    link: Link,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    surroundings: Surroundings,
}

/// What is judged; each in the range syntax of monitoring plugins.
#[derive(Args, Debug)]
#[command(next_help_heading = "Thresholds")]
struct Ranges {
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
    /// Warns when the number of messages found is outside this range
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        requires = "search"
    )]
    found_warning: Option<Range>,
    /// The same, critical
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        requires = "search"
    )]
    found_critical: Option<Range>,
    /// Warns when the oldest message's age (in seconds) is outside this range
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
    /// Warns when the newest message's age (in seconds) is outside this range
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
    /// Warns when a quota is used to more per cent than this
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        default_value = "90"
    )]
    quota_warning: Range,
    /// The same, critical
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        default_value = "98"
    )]
    quota_critical: Range,
}

impl Imap {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let probe = self.probe()?;
        self.surroundings.ask(&self.targets, &AnyProbe::new(probe))
    }

    fn probe(&self) -> Result<ImapProbe, Mistake> {
        let ranges = &self.ranges;
        let mut options = ImapProbe::builder(self.surroundings.net()?)
            .every_address(self.link.every_address)
            .secrets_over(self.credentials.secrets_over())
            .mailbox(self.mailbox.clone())
            .edit(self.edit)
            .exercise(&self.exercise)
            .noops(self.noops)
            .messages(Thresholds::new(
                ranges.messages_warning,
                ranges.messages_critical,
            ))
            .oldest(Thresholds::new(
                ranges.oldest_warning,
                ranges.oldest_critical,
            ))
            .newest(Thresholds::new(
                ranges.newest_warning,
                ranges.newest_critical,
            ))
            .quota(Thresholds::new(
                Some(ranges.quota_warning),
                Some(ranges.quota_critical),
            ));
        if self.select {
            options = options.access(Access::Select);
        }
        if self.login_command {
            options = options.login_command(LoginCommand::Only);
        }
        if let Some(rights) = &self.rights {
            options = options.rights(rights.as_str());
        }
        if let Some(criteria) = &self.search {
            let found = Thresholds::new(ranges.found_warning, ranges.found_critical);
            options = options.search(criteria.clone(), found);
        }
        if let Some(security) = self.link.security() {
            options = options.security(security);
        }
        if let Some(name) = &self.link.server_name {
            options = options.server_name(name.clone());
        }
        if let Some(credentials) = self.credentials.read()? {
            options = options.credentials(credentials);
        }
        if !self.credentials.mechanisms().is_empty() {
            options = options.mechanisms(self.credentials.mechanisms());
        }
        options.build().map_err(Mistake::new)
    }
}

fn extension(name: &str) -> Result<Extension, String> {
    let same = |known: &Extension| known.as_str().eq_ignore_ascii_case(name);
    Extension::ALL.iter().copied().find(same).ok_or_else(|| {
        let known: Vec<_> = Extension::ALL.iter().map(|known| known.as_str()).collect();
        format!("known are {}", known.join(", "))
    })
}
