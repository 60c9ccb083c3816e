//! `mailprobe pop3`.

use clap::Args;
use pop3_probe::{LoginCommand, Options, Pop3Probe};
use probe_core::{AnyProbe, Range, Target, Thresholds, Verdict};

use super::credentials::Credentials;
use super::link::Link;
use super::mail::Mail;
use super::{Mistake, Surroundings};

#[derive(Args, Debug)]
pub(super) struct Pop3 {
    /// The servers: HOST or HOST:PORT; port 110 if none is named, 995 with --tls
    #[arg(required = true, value_name = "HOST[:PORT]")]
    targets: Vec<Target>,
    #[command(flatten)]
    link: Link,
    #[command(flatten)]
    credentials: Credentials,
    /// Logs in by USER and PASS, not by SASL
    #[arg(long, help_heading = "Login", requires = "user", conflicts_with_all = ["apop", "mechanism"])]
    login_command: bool,
    /// Logs in by APOP, which is weak
    #[arg(
        long,
        help_heading = "Login",
        requires = "user",
        conflicts_with = "mechanism"
    )]
    apop: bool,
    #[command(flatten)]
    maildrop: Maildrop,
    #[command(flatten)]
    surroundings: Surroundings,
}

/// What is asked of the maildrop, once logged in.
#[derive(Args, Debug)]
#[command(next_help_heading = "Maildrop")]
struct Maildrop {
    #[command(flatten)]
    mail: Mail,
    /// Warns when the octets of all messages together are outside this range
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        requires = "user"
    )]
    octets_warning: Option<Range>,
    /// The same, critical
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        requires = "user"
    )]
    octets_critical: Option<Range>,
    /// Tells how old the oldest and the newest message are
    #[arg(long, requires = "user")]
    ages: bool,
    /// Says NOOP so many times and tells how long the answers took
    #[arg(long, value_name = "TIMES", default_value_t = 0, requires = "user")]
    noops: u16,
    /// Reads the smallest message whole
    #[arg(long, requires = "user")]
    retrieve: bool,
    /// Asks which languages the server speaks
    #[arg(long, requires = "user")]
    languages: bool,
    /// Switches to UTF-8 before the login
    #[arg(long, requires = "user")]
    utf8: bool,
    /// Proves what the account may do: reads the smallest message, marks it as deleted, takes the mark back, and looks
    /// in a fresh session whether it is still there
    #[arg(long, requires = "user")]
    prove_rights: bool,
}

impl Pop3 {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let probe = self.probe()?;
        self.surroundings.ask(&self.targets, &AnyProbe::new(probe))
    }

    fn probe(&self) -> Result<Pop3Probe, Mistake> {
        let mut options = Pop3Probe::builder(self.surroundings.net()?)
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
        if self.apop {
            options = options.login_command(LoginCommand::Apop);
        }
        self.maildrop.ask(options).build().map_err(Mistake::new)
    }
}

impl Maildrop {
    fn ask(&self, options: Options) -> Options {
        let octets = Thresholds::new(self.octets_warning, self.octets_critical);
        let (oldest, newest) = (self.mail.oldest(), self.mail.newest());
        let given = |thresholds| thresholds != Thresholds::default();
        let ages = self.ages || given(oldest) || given(newest);
        options
            .messages(self.mail.messages())
            .octets(octets)
            .oldest(oldest)
            .newest(newest)
            .ages(ages)
            .noops(self.noops)
            .retrieve(self.retrieve)
            .languages(self.languages)
            .utf8(self.utf8)
            .prove_rights(self.prove_rights)
    }
}
