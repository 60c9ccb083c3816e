//! `mailprobe jmap`.

use clap::Args;
use probe_core::{AnyProbe, HostName, Target, Verdict};
use web_probe::JmapProbe;

use super::credentials::Credentials;
use super::web::Server;
use super::{Mistake, Surroundings};

#[derive(Args, Debug)]
pub(super) struct Jmap {
    /// The servers: HOST or HOST:PORT; port 443 if none is named
    #[arg(required = true, value_name = "HOST[:PORT]")]
    targets: Vec<Target>,
    /// Where the session is, if not at /.well-known/jmap
    #[arg(long, value_name = "PATH", help_heading = "Session")]
    path: Option<String>,
    /// Lets the session and its calls be at this host too, the login along (repeatable)
    #[arg(long, value_name = "HOST", help_heading = "Session")]
    trust_host: Vec<HostName>,
    /// Asks for the mailboxes: their names, and how many messages each has
    #[arg(long, requires = "user", help_heading = "Session")]
    mailboxes: bool,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    surroundings: Surroundings,
}

impl Jmap {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let probe = self.probe()?;
        self.surroundings.ask(&self.targets, &AnyProbe::new(probe))
    }

    fn probe(&self) -> Result<JmapProbe, Mistake> {
        let mut options = JmapProbe::builder(self.surroundings.net()?)
            .mailboxes(self.mailboxes)
            .secrets_over(self.credentials.secrets_over())
            .first_byte(self.server.first_byte());
        if let Some(path) = &self.path {
            options = options.path(path);
        }
        for host in &self.trust_host {
            options = options.trust_host(host.clone());
        }
        if let Some(credentials) = self.credentials.read_for_web()? {
            options = options.credentials(credentials);
        }
        if let Some(name) = &self.server.server_name {
            options = options.server_name(name.clone());
        }
        options.build().map_err(Mistake::new)
    }
}
