//! `mailprobe host --status`: what a provider says of itself.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mailhost_probe::{StatusFormat, StatusProbe};
use probe_core::{AnyProbe, Secret, Severity, Target};
use probe_net::Net;
use probe_net::http::Url;

use crate::cli::credentials::from_env;
use crate::cli::{Mistake, read_secret};

#[derive(Args, Debug)]
#[command(next_help_heading = "Hosted mail")]
pub(super) struct Status {
    /// Reads what a provider publishes of itself (repeatable): Statuspage's JSON, a feed, Microsoft 365's service health,
    /// Google Workspace's incidents
    #[arg(long, value_name = "URL")]
    pub(super) status: Vec<Url>,
    /// Judges only services with this in their name (repeatable)
    #[arg(long, value_name = "NAME", requires = "status")]
    service: Vec<String>,
    /// What the page is, where it is not recognised
    #[arg(long, value_enum, value_name = "FORMAT", requires = "status")]
    status_format: Option<Kind>,
    /// An incident of the provider is critical, instead of a warning
    #[arg(long, requires = "status")]
    incidents_critical: bool,
    /// Reads the token that the provider wants from this file
    #[arg(long, value_name = "FILE", requires = "status", group = "status_token")]
    status_token_file: Option<PathBuf>,
    /// Reads it from this environment variable
    #[arg(
        long,
        value_name = "VARIABLE",
        requires = "status",
        group = "status_token"
    )]
    status_token_env: Option<String>,
}

/// Kinds of pages.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Kind {
    /// RSS or Atom
    Feed,
    /// Microsoft 365's service health by Graph
    Graph,
    /// Statuspage's JSON
    Statuspage,
    /// Google Workspace's incidents
    Workspace,
}

impl Status {
    pub(super) fn probes(&self, net: &Net) -> Result<Vec<(Target, AnyProbe)>, Mistake> {
        let token = self.token()?;
        if let (Some(_), Some((first, rest))) = (&token, self.status.split_first())
            && rest.iter().any(|url| !url.is_same_origin(first))
        {
            return Err(Mistake::new(
                "a token is for one provider: with it, every --status is at the same host",
            ));
        }
        let pages = self.status.iter();
        pages
            .map(|url| {
                let mut options = StatusProbe::builder(net.clone(), url.clone());
                for name in &self.service {
                    options = options.service(name);
                }
                if let Some(kind) = self.status_format {
                    options = options.format(kind.format());
                }
                if self.incidents_critical {
                    options = options.severity(Severity::Critical);
                }
                if let Some(token) = &token {
                    options = options.token(token.clone());
                }
                let target = Target::host(url.host().clone(), url.port());
                let probe = options.build().map_err(Mistake::new)?;
                Ok((target, AnyProbe::new(probe)))
            })
            .collect()
    }

    fn token(&self) -> Result<Option<Secret>, Mistake> {
        match (&self.status_token_file, &self.status_token_env) {
            (Some(file), _) => read_secret(file).map(Some),
            (None, Some(variable)) => from_env("--status-token-env", variable).map(Some),
            (None, None) => Ok(None),
        }
    }
}

impl Kind {
    const fn format(self) -> StatusFormat {
        match self {
            Self::Feed => StatusFormat::Feed,
            Self::Graph => StatusFormat::Graph,
            Self::Statuspage => StatusFormat::Statuspage,
            Self::Workspace => StatusFormat::Workspace,
        }
    }
}
