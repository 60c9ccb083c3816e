//! `mailprobe deliver`.

mod names;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Parser};
use delivery_probe::{
    DeliveryProbe, Form, Key, Keys, Mode, Name, Options, Patience, Retrieval, Rules, Size, State,
};
use eas_probe::EasProbe;
use imap_probe::ImapProbe;
use pop3_probe::Pop3Probe;
use probe_core::{AnyProbe, HostName, Range, Target, Thresholds, Verdict};
use probe_net::sasl;
use probe_net::tls::Security;
use smtp_probe::{EhloName, SmtpProbe};

use super::credentials::{Credentials, from_env};
use super::link::{Link, StartTls};
use super::{Mistake, Surroundings, read_secret};
use names::{Named, Names};

#[derive(Args, Debug)]
pub(super) struct Deliver {
    /// The server that mail is handed over to: HOST or HOST:PORT; port 25 if none is named, 465 with --tls
    #[arg(value_name = "HOST[:PORT]")]
    target: Target,
    /// The sender's address, to which reports on lost mail go
    #[arg(long, value_name = "ADDRESS")]
    from: String,
    /// The recipient's address
    #[arg(long, value_name = "ADDRESS")]
    to: String,
    #[command(flatten)]
    mailbox: Mailbox,
    #[command(flatten)]
    canary: Canary,
    #[command(flatten)]
    ranges: Ranges,
    /// Writes metrics under the names of another tool as well
    #[arg(long, value_enum, value_name = "TOOL", help_heading = "Output")]
    names: Option<Names>,
    /// The name to introduce ourselves by
    #[arg(long, value_name = "NAME", help_heading = "Submission")]
    ehlo: Option<EhloName>,
    #[command(flatten)]
    link: Link,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    surroundings: Surroundings,
}

/// Where it is awaited. Without a user of its own, the one who submits logs in.
#[derive(Args, Debug)]
#[command(next_help_heading = "Mailbox")]
struct Mailbox {
    /// Awaits it by IMAP here (repeatable): port 143 if none is named
    #[arg(long, value_name = "HOST[:PORT]", required_unless_present_any = ["pop3", "eas"])]
    imap: Vec<Target>,
    /// Awaits it by POP3 here (repeatable): port 110 if none is named
    #[arg(long, value_name = "HOST[:PORT]")]
    pop3: Vec<Target>,
    /// Awaits it by ActiveSync here (repeatable): port 443 if none is named
    #[arg(long, value_name = "HOST[:PORT]")]
    eas: Vec<Target>,
    /// Logs in to the mailbox as this user
    #[arg(long, value_name = "NAME")]
    mailbox_user: Option<String>,
    /// Reads its password from this file
    #[arg(
        long,
        value_name = "FILE",
        requires = "mailbox_user",
        group = "mailbox_secret"
    )]
    mailbox_password_file: Option<PathBuf>,
    /// Reads its password from this environment variable
    #[arg(
        long,
        value_name = "VARIABLE",
        requires = "mailbox_user",
        group = "mailbox_secret"
    )]
    mailbox_password_env: Option<String>,
    /// Whether STARTTLS is used there; without it required, and TLS from the first byte on 993 and 995
    #[arg(long, value_enum, value_name = "POLICY")]
    mailbox_starttls: Option<StartTls>,
    /// The name to ask for in TLS there, and to find in the certificate
    #[arg(long, value_name = "NAME")]
    mailbox_server_name: Option<HostName>,
}

/// What is sent, and how it is known again.
#[derive(Args, Debug)]
#[command(next_help_heading = "Canary")]
struct Canary {
    /// Reads the key that canaries are signed with from this file: 16 octets and more that nobody guesses
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "key_env",
        group = "key"
    )]
    key_file: Option<PathBuf>,
    /// Reads the key from this environment variable
    #[arg(long, value_name = "VARIABLE", group = "key")]
    key_env: Option<String>,
    /// Also takes canaries that were signed with the key in this file (repeatable)
    #[arg(long, value_name = "FILE")]
    earlier_key_file: Vec<PathBuf>,
    /// The name of this prober: probers of one mailbox need names of their own
    #[arg(long, value_name = "NAME", default_value = "mailprobe")]
    prober: Name,
    /// The name of this way through the mail system, where one prober watches several
    #[arg(long, value_name = "NAME", default_value = "default")]
    route: Name,
    /// Keeps what was sent and has not arrived in this file, from one run to the next
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Judges what earlier runs have sent, and does not wait for what is sent now
    #[arg(long, requires = "state")]
    later: bool,
    /// How large it is: small, 64k, 1m, 4m or 16m
    #[arg(long, value_name = "SIZE", default_value = "small")]
    size: Size,
    /// What it is made of: plain, 7bit or 8bit
    #[arg(long, value_name = "FORM", default_value = "plain")]
    form: Form,
    /// The recipient answers by itself, and its answer from this address is awaited
    #[arg(long, value_name = "ADDRESS")]
    echo: Option<String>,
}

/// What is judged; ranges in the syntax of monitoring plugins.
#[derive(Args, Debug)]
#[command(next_help_heading = "Thresholds")]
struct Ranges {
    /// A canary is late after so many seconds
    #[arg(long, value_name = "SECONDS", default_value = "300")]
    late: u64,
    /// And lost after so many
    #[arg(long, value_name = "SECONDS", default_value = "86400")]
    lost: u64,
    /// Warns when handing over takes a time (in seconds) outside this range
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    send_warning: Option<Range>,
    /// The same, critical
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    send_critical: Option<Range>,
    /// Warns when the way takes a time outside this range
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    transit_warning: Option<Range>,
    /// The same, critical
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    transit_critical: Option<Range>,
    /// Warns when seeing it in the mailbox takes a time outside this range
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    receive_warning: Option<Range>,
    /// The same, critical
    #[arg(long, value_name = "RANGE", allow_hyphen_values = true)]
    receive_critical: Option<Range>,
    /// A hop that takes more seconds is slow
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    slow_hop: u64,
    /// Demands that this passed at the receiving server (repeatable): spf, dkim, dmarc
    #[arg(long, value_name = "METHOD")]
    require: Vec<String>,
}

/// A route from a file: the arguments of the command, an option and its value on each line.
pub(super) fn from_file(file: &Path) -> Result<(Target, AnyProbe), Mistake> {
    #[derive(Parser)]
    #[command(no_binary_name = true)]
    struct Route {
        #[command(flatten)]
        deliver: Deliver,
    }
    let text = fs::read_to_string(file);
    let text = text.map_err(|error| Mistake(format!("{}: {error}", file.display())))?;
    let lines = text.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    // A value may have blanks in it, an option has none.
    let words = lines.flat_map(|line| match line.split_once(char::is_whitespace) {
        Some((option, value)) if line.starts_with('-') => vec![option, value.trim()],
        _ => vec![line],
    });
    let route = Route::try_parse_from(words).map_err(|error| {
        let why = error.to_string();
        let why = why.lines().next().unwrap_or_default();
        let why = why.trim_start_matches("error: ");
        Mistake(format!("{}: {why}", file.display()))
    })?;
    Ok((route.deliver.target.clone(), route.deliver.any()?))
}

impl Deliver {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let target = core::slice::from_ref(&self.target);
        self.surroundings.ask(target, &self.any()?)
    }

    fn any(&self) -> Result<AnyProbe, Mistake> {
        let probe = self.probe()?;
        Ok(match self.names {
            Some(names) => AnyProbe::new(Named { probe, names }),
            None => AnyProbe::new(probe),
        })
    }

    fn probe(&self) -> Result<DeliveryProbe, Mistake> {
        let submitter = self.credentials.read()?;
        let options = DeliveryProbe::builder(
            self.canary.prober.clone(),
            self.canary.keys()?,
            self.submission(submitter.clone())?,
        );
        let options = options.from(&self.from).to(&self.to);
        let options = self.canary.shape(options);
        let options = self.mailbox.watch(options, self, submitter)?;
        self.ranges.judge(options).build().map_err(Mistake::new)
    }

    fn submission(
        &self,
        submitter: Option<sasl::Credentials>,
    ) -> Result<smtp_probe::Options, Mistake> {
        let mut options = SmtpProbe::builder(self.surroundings.net()?)
            .secrets_over(self.credentials.secrets_over());
        if let Some(security) = self.link.security() {
            options = options.security(security);
        }
        if let Some(name) = &self.link.server_name {
            options = options.server_name(name.clone());
        }
        if let Some(name) = &self.ehlo {
            options = options.ehlo_name(name.clone());
        }
        if !self.credentials.mechanisms().is_empty() {
            options = options.mechanisms(self.credentials.mechanisms());
        }
        Ok(match submitter {
            Some(submitter) => options.credentials(submitter),
            None => options,
        })
    }
}

impl Canary {
    fn keys(&self) -> Result<Keys, Mistake> {
        let key = match (&self.key_file, &self.key_env) {
            (Some(file), _) => read_secret(file)?,
            (None, Some(variable)) => from_env("--key-env", variable)?,
            (None, None) => return Err(Mistake::new("--key-file or --key-env is needed")),
        };
        let mut keys = Keys::new(Key::new(key).map_err(Mistake::new)?);
        for file in &self.earlier_key_file {
            let key = Key::new(read_secret(file)?).map_err(Mistake::new)?;
            keys = keys.with_earlier(key);
        }
        Ok(keys)
    }

    fn shape(&self, options: Options) -> Options {
        let mut options = options
            .route(self.route.clone())
            .size(self.size)
            .form(self.form)
            .mode(match self.later {
                true => Mode::Later,
                false => Mode::Wait,
            });
        if let Some(file) = &self.state {
            options = options.state(State::at(file));
        }
        match &self.echo {
            Some(address) => options.echo(address),
            None => options,
        }
    }
}

impl Mailbox {
    fn watch(
        &self,
        mut options: Options,
        deliver: &Deliver,
        submitter: Option<sasl::Credentials>,
    ) -> Result<Options, Mistake> {
        let Some(reader) = self.reader()?.or(submitter) else {
            return Err(Mistake::new("--mailbox-user or --user is needed"));
        };
        let security = self.mailbox_starttls.map(StartTls::security);
        let secrets_over = deliver.credentials.secrets_over();
        for target in &self.imap {
            let mut imap = ImapProbe::builder(deliver.surroundings.net()?)
                .credentials(reader.clone())
                .secrets_over(secrets_over);
            if let Some(security) = self.security(security, target, 993) {
                imap = imap.security(security);
            }
            if let Some(name) = &self.mailbox_server_name {
                imap = imap.server_name(name.clone());
            }
            let imap = imap.build().map_err(Mistake::new)?;
            options = options.retrieval(Retrieval::imap(target.clone(), imap));
        }
        for target in &self.pop3 {
            let mut pop3 = Pop3Probe::builder(deliver.surroundings.net()?)
                .credentials(reader.clone())
                .secrets_over(secrets_over);
            if let Some(security) = self.security(security, target, 995) {
                pop3 = pop3.security(security);
            }
            if let Some(name) = &self.mailbox_server_name {
                pop3 = pop3.server_name(name.clone());
            }
            let pop3 = pop3.build().map_err(Mistake::new)?;
            options = options.retrieval(Retrieval::pop3(target.clone(), pop3));
        }
        for target in &self.eas {
            let mut eas = EasProbe::builder(deliver.surroundings.net()?)
                .credentials(reader.clone())
                .secrets_over(secrets_over);
            if let Some(name) = &self.mailbox_server_name {
                eas = eas.server_name(name.clone());
            }
            let eas = eas.build().map_err(Mistake::new)?;
            options = options.retrieval(Retrieval::eas(target.clone(), eas));
        }
        Ok(options)
    }

    /// The policy is for STARTTLS: a port for TLS alone stays one.
    fn security(
        &self,
        policy: Option<Security>,
        target: &Target,
        tls_port: u16,
    ) -> Option<Security> {
        policy.filter(|_| target.port() != Some(tls_port))
    }

    fn reader(&self) -> Result<Option<sasl::Credentials>, Mistake> {
        let Some(user) = &self.mailbox_user else {
            return Ok(None);
        };
        let password = match (&self.mailbox_password_file, &self.mailbox_password_env) {
            (Some(file), _) => read_secret(file)?,
            (None, Some(variable)) => from_env("--mailbox-password-env", variable)?,
            (None, None) => {
                return Err(Mistake::new(
                    "--mailbox-user needs --mailbox-password-file or --mailbox-password-env",
                ));
            }
        };
        let reader = sasl::Credentials::password(user.clone(), password);
        reader.map(Some).map_err(Mistake::new)
    }
}

impl Ranges {
    fn judge(&self, options: Options) -> Options {
        let seconds = Duration::from_secs;
        let mut rules = Rules::default();
        rules.send = Thresholds::new(self.send_warning, self.send_critical);
        rules.transit = Thresholds::new(self.transit_warning, self.transit_critical);
        rules.receive = Thresholds::new(self.receive_warning, self.receive_critical);
        rules.slow_hop = seconds(self.slow_hop);
        rules.authentication = self.require.clone();
        let patience = Patience::new(seconds(self.late), seconds(self.lost));
        options.rules(rules).patience(patience)
    }
}
