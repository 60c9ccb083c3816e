//! The command line: what can be asked, and how mistakes are told.

mod autodiscover;
mod bar;
mod check;
mod credentials;
mod deliver;
mod dnsbl;
mod eas;
mod host;
mod imap;
mod jmap;
mod link;
mod mail;
mod mx;
mod pop3;
mod smtp;
mod surroundings;
mod web;

use core::error::Error;
use std::fs;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use probe_core::Verdict;
use smtp_probe::Protocol;

use crate::format::{Format, Style};
use crate::{demo, explain};
use surroundings::Surroundings;

/// The exit status for a question that could not be put: that of "unknown".
const USAGE: u8 = Verdict::Unknown.exit_status();

/// Tells what is wrong with a mail server.
#[derive(Debug, Parser)]
#[command(
    name = "mailprobe",
    version,
    max_term_width = 80,
    subcommand_required = true
)]
#[command(after_help = "Exit status: 0 ok, 1 warning, 2 critical, 3 unknown or wrong usage.")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Checks everything about the mail of domains that can be learned from outside
    Check(Box<check::Everything>),
    /// Probes SMTP and submission servers: greeting, extensions, STARTTLS, certificate, authentication
    Smtp(Box<smtp::Smtp>),
    /// Probes LMTP servers, which put mail into mailboxes, as smtp does with servers of SMTP
    Lmtp(Box<smtp::Smtp>),
    /// Probes IMAP servers: can mail be reached, read and edited?
    Imap(Box<imap::Imap>),
    /// Probes POP3 servers: greeting, capabilities, STLS, certificate, authentication, maildrop, rights
    Pop3(Box<pop3::Pop3>),
    /// Sends a signed message and awaits it where it is to arrive: is mail delayed, lost, changed or taken for junk?
    Deliver(Box<deliver::Deliver>),
    /// Probes Exchange ActiveSync servers: can phones reach their mail, and in a timely way?
    Eas(Box<eas::Eas>),
    /// Asks a mail host about itself: its queue and the machine, an exporter, an SNMP agent, Exchange, its provider
    Host(Box<host::HostItself>),
    /// Looks for the ActiveSync of domains, as phones do, and tells what came of each step
    Autodiscover(Box<autodiscover::Autodiscover>),
    /// Looks at the login page of a webmail: is it there, is it the right one, and is a password safe with it?
    Web(Box<web::Web>),
    /// Probes JMAP servers: session, limits, API, mailboxes
    Jmap(Box<jmap::Jmap>),
    /// Asks blacklists whether addresses or domains are on them, and whether the lists can be believed
    Dnsbl(Box<dnsbl::Dnsbl>),
    /// Asks where the mail of domains goes, who delegates them, and what caches still hide
    Mx(Box<mx::Mx>),
    /// Shows what the tool finds, on embedded servers of which some are broken on purpose; needs no network
    Demo {
        #[command(flatten)]
        output: Output,
    },
    /// Explains the code of a finding, or lists all codes
    Explain {
        /// A code as it stands below a finding, e.g. tls.certificate.expired
        code: Option<String>,
    },
    /// Writes shell completions to standard output
    Completions {
        /// For which shell
        shell: Shell,
    },
}

/// How the answer is written.
#[derive(Args, Debug)]
struct Output {
    /// How reports are written
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    /// Shows the exchange word by word (secrets left out), fingerprints and serial numbers
    #[arg(short, long, help_heading = "Output")]
    verbose: bool,
    /// Whether text is coloured
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Color {
    /// Where a terminal reads it
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Runs the tool with the arguments of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    match run(cli) {
        Ok(verdict) => ExitCode::from(verdict.exit_status()),
        Err(mistake) => {
            // A monitor reads a plugin's standard output and nothing else.
            if std::env::args().any(|argument| argument.ends_with("nagios")) {
                anstream::println!("MAILPROBE UNKNOWN - {mistake}");
            }
            anstream::eprintln!("mailprobe: {mistake}");
            ExitCode::from(USAGE)
        }
    }
}

/// A mistake of the caller, in one line.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Mistake(String);

impl Mistake {
    fn new(what: impl core::fmt::Display) -> Self {
        Self(what.to_string())
    }
}

/// Help and version are answers; the rest are mistakes, told in one line.
fn refuse(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        || error.kind() == ErrorKind::MissingSubcommand
    {
        let _ = Cli::command().print_help();
        return ExitCode::from(USAGE);
    }
    anstream::eprintln!("mailprobe: {} (--help tells more)", told(error));
    ExitCode::from(USAGE)
}

/// What is wrong, in one line.
fn told(error: &clap::Error) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    };
    let value = context(ContextKind::InvalidValue);
    let argument = context(ContextKind::InvalidArg);
    if let (Some(reason), Some(value), Some(argument)) = (error.source(), value, argument) {
        return format!("{value:?} for {argument}: {reason}");
    }
    // The first paragraph says what is wrong, sometimes over several lines; the rest is usage.
    let whole = error.render().to_string();
    let paragraph = whole.split("\n\n").next().unwrap_or_default();
    let words: Vec<_> = paragraph.split_whitespace().collect();
    let line = words.join(" ");
    line.strip_prefix("error: ").unwrap_or(&line).to_owned()
}

fn run(cli: Cli) -> Result<Verdict, Mistake> {
    match cli.command {
        Command::Check(check) => check.run(),
        Command::Smtp(smtp) => smtp.run(Protocol::Smtp),
        Command::Lmtp(lmtp) => lmtp.run(Protocol::Lmtp),
        Command::Imap(imap) => imap.run(),
        Command::Pop3(pop3) => pop3.run(),
        Command::Deliver(deliver) => deliver.run(),
        Command::Eas(eas) => eas.run(),
        Command::Host(host) => host.run(),
        Command::Autodiscover(autodiscover) => autodiscover.run(),
        Command::Web(web) => web.run(),
        Command::Jmap(jmap) => jmap.run(),
        Command::Dnsbl(dnsbl) => dnsbl.run(),
        Command::Mx(mx) => mx.run(),
        Command::Demo { output } => {
            let runtime = runtime()?;
            let reports = runtime
                .block_on(demo::run(output.verbose))
                .map_err(Mistake::new)?;
            let page = demo::page(&reports, output.format, output.style());
            output.show(&page)?;
            Ok(Verdict::Ok)
        }
        Command::Explain { code } => explain_code(code.as_deref()),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "mailprobe", &mut script);
            print(io::stdout().lock(), &script)?;
            Ok(Verdict::Ok)
        }
    }
}

fn explain_code(code: Option<&str>) -> Result<Verdict, Mistake> {
    let text = match code {
        None => explain::list(),
        Some(code) => match explain::explain(code) {
            Some(text) => textwrap::fill(&text, columns()) + "\n",
            None => return Err(Mistake(unknown_code(code))),
        },
    };
    print(io::stdout().lock(), text.as_bytes())?;
    Ok(Verdict::Ok)
}

fn unknown_code(code: &str) -> String {
    let similar = explain::similar(code);
    match similar.is_empty() {
        true => format!("there is no code {code:?}; \"mailprobe explain\" lists all"),
        false => format!("there is no code {code:?}; perhaps {}", similar.join(", ")),
    }
}

impl Output {
    fn style(&self) -> Style {
        Style::new(columns(), self.verbose)
    }

    fn show(&self, page: &str) -> Result<(), Mistake> {
        let choice = match self.color {
            Color::Auto => anstream::AutoStream::choice(&io::stdout()),
            Color::Always => anstream::ColorChoice::Always,
            Color::Never => anstream::ColorChoice::Never,
        };
        let out = anstream::AutoStream::new(io::stdout().lock(), choice);
        print(out, page.as_bytes())
    }
}

/// How wide the terminal is; lines longer than 100 columns are hard to read.
fn columns() -> usize {
    let terminal = terminal_size::terminal_size();
    terminal.map_or(80, |(width, _)| width.0.into()).min(100)
}

/// A reader that has gone away is no mistake of the caller.
fn print(mut out: impl Write, bytes: &[u8]) -> Result<(), Mistake> {
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Mistake::new(error)),
        _ => Ok(()),
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Mistake> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.map_err(Mistake::new)
}

/// A file that holds one secret, perhaps with a line end behind it.
fn read_secret(file: &std::path::Path) -> Result<probe_core::Secret, Mistake> {
    let mut bytes = match fs::read(file) {
        Ok(bytes) => zeroize::Zeroizing::new(bytes),
        Err(error) => return Err(Mistake(format!("{}: {error}", file.display()))),
    };
    for end in [b'\n', b'\r'] {
        if bytes.last() == Some(&end) {
            bytes.pop();
        }
    }
    Ok(probe_core::Secret::new(bytes.as_slice()))
}
