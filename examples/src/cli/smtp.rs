//! `mailprobe smtp`.

use clap::{Args, ValueEnum};
use probe_core::{AnyProbe, HostName, Target, Verdict};
use probe_net::tls::Security;
use smtp_probe::{EhloName, SmtpProbe};

use super::credentials::Credentials;
use super::{Mistake, Surroundings};

#[derive(Args, Debug)]
pub(super) struct Smtp {
    /// The servers: HOST or HOST:PORT; port 25 if none is named
    #[arg(required = true, value_name = "HOST[:PORT]")]
    targets: Vec<Target>,
    /// Whether STARTTLS is used; without it required on 587, opportunistic elsewhere
    #[arg(
        long,
        value_enum,
        value_name = "POLICY",
        conflicts_with = "tls",
        help_heading = "TLS"
    )]
    starttls: Option<StartTls>,
    /// TLS from the first byte; the default on 465
    #[arg(long, help_heading = "TLS")]
    tls: bool,
    /// The name to ask for in TLS and to find in the certificate: needed for probing by address
    #[arg(long, value_name = "NAME", help_heading = "TLS")]
    server_name: Option<HostName>,
    /// Asks every address of the host by itself, instead of whichever answers first
    #[arg(long, help_heading = "Network")]
    every_address: bool,
    /// What the probe calls itself: a host name or an address literal
    #[arg(long, value_name = "NAME")]
    ehlo: Option<EhloName>,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    surroundings: Surroundings,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum StartTls {
    /// Or it is critical
    Required,
    /// Where it is offered; certificate faults are warnings
    Opportunistic,
    /// In clear
    Never,
}

impl Smtp {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let probe = self.probe()?;
        self.surroundings.ask(&self.targets, &AnyProbe::new(probe))
    }

    fn probe(&self) -> Result<SmtpProbe, Mistake> {
        let mut options = SmtpProbe::builder(self.surroundings.net()?)
            .every_address(self.every_address)
            .secrets_over(self.credentials.secrets_over());
        if let Some(security) = self.security() {
            options = options.security(security);
        }
        if let Some(name) = &self.server_name {
            options = options.server_name(name.clone());
        }
        if let Some(name) = &self.ehlo {
            options = options.ehlo_name(name.clone());
        }
        if let Some(credentials) = self.credentials.read()? {
            options = options.credentials(credentials);
        }
        if !self.credentials.mechanisms().is_empty() {
            options = options.mechanisms(self.credentials.mechanisms());
        }
        options.build().map_err(Mistake::new)
    }

    fn security(&self) -> Option<Security> {
        if self.tls {
            return Some(Security::Implicit);
        }
        self.starttls.map(|policy| match policy {
            StartTls::Required => Security::Required,
            StartTls::Opportunistic => Security::Opportunistic,
            StartTls::Never => Security::Cleartext,
        })
    }
}
