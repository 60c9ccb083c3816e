//! The command line: what can be asked, and how mistakes are told.

mod credentials;
mod imap;
mod link;
mod mail;
mod pop3;
mod smtp;

use core::error::Error;
use core::net::IpAddr;
use core::time::Duration;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use probe_core::{Context, Fleet, Range, Report, Target, Thresholds, Verdict};
use probe_net::tls::{self, Tls};
use probe_net::{Family, Net, Proxy, ProxyVersion};
use smtp_probe::Protocol;

use crate::format::{Format, Style, worst};
use crate::{demo, explain, threshold};

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
    /// Probes SMTP and submission servers: greeting, extensions, STARTTLS, certificate, authentication
    Smtp(Box<smtp::Smtp>),
    /// Probes LMTP servers, which put mail into mailboxes, as smtp does with servers of SMTP
    Lmtp(Box<smtp::Smtp>),
    /// Probes IMAP servers: can mail be reached, read and edited?
    Imap(Box<imap::Imap>),
    /// Probes POP3 servers: greeting, capabilities, STLS, certificate, authentication, maildrop, rights
    Pop3(Box<pop3::Pop3>),
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

/// What surrounds every probe, whatever its protocol.
#[derive(Args, Debug)]
struct Surroundings {
    /// Seconds for each probe, from name resolution to farewell
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "30", help_heading = "Time")]
    timeout: Duration,
    /// Warns when the probe takes a time (in seconds) outside this range: 10, 10:, ~:10, 10:20, @10:20
    #[arg(
        short,
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        help_heading = "Time"
    )]
    warning: Option<Range>,
    /// The same, critical
    #[arg(
        short,
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        help_heading = "Time"
    )]
    critical: Option<Range>,
    /// Uses IPv4 only
    #[arg(short = '4', long, conflicts_with = "ipv6", help_heading = "Network")]
    ipv4: bool,
    /// Uses IPv6 only
    #[arg(short = '6', long, help_heading = "Network")]
    ipv6: bool,
    /// Connects from this address of this machine
    #[arg(long, value_name = "ADDRESS", help_heading = "Network")]
    source: Option<IpAddr>,
    /// Begins each connection with a PROXY header, as a load balancer does
    #[arg(long, value_enum, value_name = "VERSION", help_heading = "Network")]
    proxy: Option<ProxyForm>,
    /// Trusts the certificates of this PEM file besides the system's
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    ca: Option<PathBuf>,
    /// Shows the certificate chain of this PEM file where the server asks for one
    #[arg(
        long,
        value_name = "FILE",
        requires = "client_key",
        help_heading = "TLS"
    )]
    client_cert: Option<PathBuf>,
    /// Its key, a PEM file
    #[arg(
        long,
        value_name = "FILE",
        requires = "client_cert",
        help_heading = "TLS"
    )]
    client_key: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum ProxyForm {
    /// A line of text
    V1,
    /// Binary
    V2,
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
        Command::Smtp(smtp) => smtp.run(Protocol::Smtp),
        Command::Lmtp(lmtp) => lmtp.run(Protocol::Lmtp),
        Command::Imap(imap) => imap.run(),
        Command::Pop3(pop3) => pop3.run(),
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

impl Surroundings {
    fn context(&self) -> Context {
        let cx = Context::default().with_budget(self.timeout);
        // One phase may use up all of it: the operator named the whole.
        let cx = cx.with_patience(self.timeout);
        match self.output.verbose {
            true => cx.with_transcript(),
            false => cx,
        }
    }

    fn thresholds(&self) -> Thresholds {
        Thresholds::new(self.warning, self.critical)
    }

    fn net(&self) -> Result<Net, Mistake> {
        let net = Net::new(self.tls()?).with_family(self.family()?);
        let net = match self.source {
            Some(source) => net.with_source(source),
            None => net,
        };
        Ok(match self.proxy {
            Some(ProxyForm::V1) => net.with_proxy(Proxy::new(ProxyVersion::V1)),
            Some(ProxyForm::V2) => net.with_proxy(Proxy::new(ProxyVersion::V2)),
            None => net,
        })
    }

    /// An address of ours also decides the family.
    fn family(&self) -> Result<Family, Mistake> {
        let asked = match (self.ipv4, self.ipv6) {
            (true, _) => Family::V4,
            (_, true) => Family::V6,
            _ => Family::Any,
        };
        match (self.source, asked) {
            (Some(IpAddr::V4(_)), Family::Any | Family::V4) => Ok(Family::V4),
            (Some(IpAddr::V6(_)), Family::Any | Family::V6) => Ok(Family::V6),
            (Some(_), _) => Err(Mistake::new("--source is an address of the other family")),
            (None, asked) => Ok(asked),
        }
    }

    fn tls(&self) -> Result<Tls, Mistake> {
        let mut roots = match (tls::native_roots(), &self.ca) {
            (Ok(roots), _) => roots,
            // A machine without any roots can still be told whom to trust.
            (Err(_), Some(_)) => rustls::RootCertStore::empty(),
            (Err(error), None) => return Err(Mistake::new(error)),
        };
        if let Some(file) = &self.ca {
            tls::add_ca_file(&mut roots, file).map_err(|error| Mistake(format!("--ca {error}")))?;
        }
        let tls = Tls::ring(roots);
        match (&self.client_cert, &self.client_key) {
            (Some(chain), Some(key)) => tls
                .with_client_certificate_files(chain, key)
                .map_err(|error| Mistake(format!("--client-cert {error}"))),
            _ => Ok(tls),
        }
    }

    /// Asks all targets at once and shows what came of it.
    fn ask(&self, targets: &[Target], probe: &probe_core::AnyProbe) -> Result<Verdict, Mistake> {
        let watched = targets.iter().map(|target| (target.clone(), probe.clone()));
        let at_once = 64.try_into().unwrap_or(core::num::NonZeroUsize::MIN);
        let mut fleet = Fleet::new(watched, self.context(), at_once);
        let runtime = runtime()?;
        let mut reports = runtime.block_on(async {
            let mut reports = Vec::new();
            while let Some(report) = fleet.next().await {
                reports.push(report);
            }
            reports
        });
        // A name that is still being resolved must not hold up the end.
        runtime.shutdown_background();
        reports.sort_by_key(|report| place(targets, report));
        for report in &mut reports {
            threshold::judge(&self.thresholds(), report);
        }
        let page = self
            .output
            .format
            .write(&reports, &self.thresholds(), self.output.style());
        self.output.show(&page)?;
        Ok(worst(&reports))
    }
}

/// The order in which the targets were given; a report's own may have gained its port.
fn place(targets: &[Target], report: &Report) -> usize {
    let same = |target: &Target| {
        let port = report.target.port().unwrap_or_default();
        target.clone().or_port(port) == report.target
    };
    targets.iter().position(same).unwrap_or(targets.len())
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

fn seconds(text: &str) -> Result<Duration, String> {
    let wanted = "a number of seconds above 0 and up to 3600".to_owned();
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 3600.0 => {
            Duration::try_from_secs_f64(seconds).map_err(|_| wanted)
        }
        _ => Err(wanted),
    }
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
