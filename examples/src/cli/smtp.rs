//! `mailprobe smtp`.

use clap::Args;
use probe_core::{AnyProbe, Target, Verdict};
use smtp_probe::{EhloName, SmtpProbe};

use super::credentials::Credentials;
use super::link::Link;
use super::{Mistake, Surroundings};

#[derive(Args, Debug)]
pub(super) struct Smtp {
    /// The servers: HOST or HOST:PORT; port 25 if none is named
    #[arg(required = true, value_name = "HOST[:PORT]")]
    targets: Vec<Target>,
    /// What the probe calls itself: a host name or an address literal
    #[arg(long, value_name = "NAME")]
    ehlo: Option<EhloName>,
    #[command(flatten)]
    link: Link,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    surroundings: Surroundings,
}

impl Smtp {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let probe = self.probe()?;
        self.surroundings.ask(&self.targets, &AnyProbe::new(probe))
    }

    fn probe(&self) -> Result<SmtpProbe, Mistake> {
        let mut options = SmtpProbe::builder(self.surroundings.net()?)
            .every_address(self.link.every_address)
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
        if let Some(credentials) = self.credentials.read()? {
            options = options.credentials(credentials);
        }
        if !self.credentials.mechanisms().is_empty() {
            options = options.mechanisms(self.credentials.mechanisms());
        }
        options.build().map_err(Mistake::new)
    }
}
