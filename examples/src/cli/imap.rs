//! `mailprobe imap`.

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use imap_probe::{Access, Criteria, Extension, ImapProbe, LoginCommand, Mailbox, Options};
use probe_core::{AnyProbe, Range, Target, Thresholds, Verdict};

use super::credentials::Credentials;
use super::link::Link;
use super::mail::Mail;
use super::{Mistake, Surroundings};

#[derive(Args, Debug)]
pub(super) struct Imap {
    /// The servers: HOST or HOST:PORT; port 143 if none is named, 993 with --tls
    #[arg(required = true, value_name = "HOST[:PORT]")]
    targets: Vec<Target>,
    #[command(flatten)]
    questions: Questions,
    #[command(flatten)]
    ranges: Ranges,
    #[command(flatten)]
    link: Link,
    #[command(flatten)]
    credentials: Credentials,
    /// Logs in by the command LOGIN, not by a mechanism
    #[arg(
        long,
        requires = "user",
        conflicts_with = "mechanism",
        help_heading = "Login"
    )]
    login_command: bool,
    #[command(flatten)]
    surroundings: Surroundings,
}

/// What is asked of the account, once logged in.
#[derive(Args, Debug)]
#[command(next_help_heading = "Mailbox")]
struct Questions {
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
    #[arg(long, value_name = "NAME", value_parser = extension(), ignore_case = true, requires = "user")]
    exercise: Vec<Extension>,
    /// Says NOOP so many times and tells how long the answers took
    #[arg(long, value_name = "TIMES", default_value_t = 0, requires = "user")]
    noops: u16,
}

/// What is judged; each in the range syntax of monitoring plugins.
#[derive(Args, Debug)]
#[command(next_help_heading = "Thresholds")]
struct Ranges {
    #[command(flatten)]
    mail: Mail,
    /// Warns when the number of messages that fit the search is outside this range
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
    /// Warns when the use of a quota (in per cent) is outside this range
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
        let mut options = ImapProbe::builder(self.surroundings.net()?)
            .every_address(self.link.every_address)
            .secrets_over(self.credentials.secrets_over());
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
            options = options
                .mechanisms(self.credentials.mechanisms())
                .login_command(LoginCommand::Never);
        }
        if self.login_command {
            options = options.login_command(LoginCommand::Only);
        }
        let options = self.questions.ask(options, self.ranges.found());
        self.ranges.judge(options).build().map_err(Mistake::new)
    }
}

impl Questions {
    fn ask(&self, options: Options, found: Thresholds) -> Options {
        let mut options = options
            .mailbox(self.mailbox.clone())
            .edit(self.edit)
            .exercise(&self.exercise)
            .noops(self.noops);
        if self.select {
            options = options.access(Access::Select);
        }
        if let Some(rights) = &self.rights {
            options = options.rights(rights.as_str());
        }
        match &self.search {
            Some(criteria) => options.search(criteria.clone(), found),
            None => options,
        }
    }
}

impl Ranges {
    fn judge(&self, options: Options) -> Options {
        let quota = Thresholds::new(Some(self.quota_warning), Some(self.quota_critical));
        options
            .messages(self.mail.messages())
            .oldest(self.mail.oldest())
            .newest(self.mail.newest())
            .quota(quota)
    }

    fn found(&self) -> Thresholds {
        Thresholds::new(self.found_warning, self.found_critical)
    }
}

/// By name, so that shells can complete it.
fn extension() -> impl TypedValueParser<Value = Extension> {
    let names = Extension::ALL.iter().map(|one| one.as_str());
    PossibleValuesParser::new(names).try_map(|name| {
        let known = Extension::ALL.iter().copied();
        let mut named = known.filter(|one| one.as_str().eq_ignore_ascii_case(&name));
        named.next().ok_or("no such extension")
    })
}
