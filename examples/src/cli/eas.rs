//! `mailprobe eas`.

use core::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use eas_probe::{Acknowledgement, Device, EasProbe, Options, QueryForm, Rung, Version};
use probe_core::{AnyProbe, HostName, Range, Target, Thresholds, Verdict};

use super::credentials::Credentials;
use super::{Mistake, Surroundings};

#[derive(Args, Debug)]
pub(super) struct Eas {
    /// The servers: HOST or HOST:PORT; port 443 if none is named
    #[arg(required = true, value_name = "HOST[:PORT]")]
    targets: Vec<Target>,
    /// Goes no further than this: without credentials to anonymous, with them to sync
    #[arg(long, value_enum, value_name = "RUNG", help_heading = "ActiveSync")]
    up_to: Option<UpTo>,
    /// Where ActiveSync is at the server
    #[arg(long, value_name = "PATH", default_value = Options::PATH, help_heading = "ActiveSync")]
    path: String,
    /// Speaks this version of the protocol only (repeatable)
    #[arg(long, value_name = "VERSION", value_parser = version(), help_heading = "ActiveSync")]
    eas_version: Vec<Version>,
    /// Is this device, of 1 to 32 letters and digits, instead of one that follows from user and host
    #[arg(long, value_name = "ID", help_heading = "ActiveSync")]
    device: Option<String>,
    /// What to say to a policy
    #[arg(
        long,
        value_enum,
        value_name = "ANSWER",
        default_value_t,
        help_heading = "ActiveSync"
    )]
    policy: Policy,
    /// Lets so many items of the last day come from the inbox
    #[arg(
        long,
        value_name = "COUNT",
        default_value_t = 0,
        help_heading = "ActiveSync"
    )]
    items: u16,
    /// For how many seconds the inbox is watched, up to ping
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 10,
        help_heading = "ActiveSync"
    )]
    heartbeat: u16,
    /// Names commands in base64, as some phones do
    #[arg(long, help_heading = "ActiveSync")]
    base64_query: bool,
    /// Looks for none of the pages by which Exchange says that it is well
    #[arg(long, help_heading = "ActiveSync")]
    no_health: bool,
    /// Shows the login to this host too, if the server says that it has the mailbox (repeatable)
    #[arg(long, value_name = "HOST", help_heading = "ActiveSync")]
    allow_host: Vec<HostName>,
    /// Warns when an answer begins after a time (in seconds) outside this range
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        help_heading = "Time"
    )]
    latency_warning: Option<Range>,
    /// The same, critical
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        help_heading = "Time"
    )]
    latency_critical: Option<Range>,
    /// Warns when the days that the password still lasts are outside this range
    #[arg(
        long,
        value_name = "RANGE",
        allow_hyphen_values = true,
        default_value = "7:",
        help_heading = "Time"
    )]
    password_days_warning: Range,
    /// The name to ask for, in TLS and in the request: needed for probing by address
    #[arg(long, value_name = "NAME", help_heading = "TLS")]
    server_name: Option<HostName>,
    /// Asks each address of the host by itself
    #[arg(long, help_heading = "Network")]
    every_address: bool,
    #[command(flatten)]
    credentials: Credentials,
    #[command(flatten)]
    surroundings: Surroundings,
}

/// The rungs of the ladder.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum UpTo {
    /// Whether Exchange's virtual directories say that they are well
    Health,
    /// Whether it answers, and how it wants to be shown who asks
    Anonymous,
    /// Whether it knows the user, and which versions it speaks
    Options,
    /// Whether it reaches the mailbox
    Folders,
    /// Whether it provisions the device and syncs the inbox
    Sync,
    /// Whether it says when something is new
    Ping,
}

/// What is said to a policy.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Policy {
    /// That it is followed
    #[default]
    Followed,
    /// That it is followed in part
    Partly,
    /// That somebody else manages the device
    Managed,
    /// Nothing
    Silence,
}

impl Eas {
    pub(super) fn run(&self) -> Result<Verdict, Mistake> {
        let probe = self.probe()?;
        self.surroundings.ask(&self.targets, &AnyProbe::new(probe))
    }

    fn probe(&self) -> Result<EasProbe, Mistake> {
        let mut options = EasProbe::builder(self.surroundings.net()?)
            .path(&self.path)
            .health(!self.no_health)
            .items(self.items)
            .heartbeat(Duration::from_secs(self.heartbeat.into()))
            .acknowledgement(self.policy.acknowledgement())
            .every_address(self.every_address)
            .secrets_over(self.credentials.secrets_over())
            .latency(Thresholds::new(self.latency_warning, self.latency_critical))
            .password_days(Thresholds::new(Some(self.password_days_warning), None));
        if let Some(rung) = self.up_to {
            options = options.up_to(rung.rung());
        }
        if !self.eas_version.is_empty() {
            options = options.versions(&self.eas_version);
        }
        if let Some(id) = &self.device {
            options = options.device(Device::new(id).map_err(Mistake::new)?);
        }
        if self.base64_query {
            options = options.query_form(QueryForm::Base64);
        }
        for host in &self.allow_host {
            options = options.allow_host(host.clone());
        }
        if let Some(name) = &self.server_name {
            options = options.server_name(name.clone());
        }
        if let Some(credentials) = self.credentials.read_for_web()? {
            options = options.credentials(credentials);
        }
        options.build().map_err(Mistake::new)
    }
}

impl UpTo {
    const fn rung(self) -> Rung {
        match self {
            Self::Health => Rung::Health,
            Self::Anonymous => Rung::Anonymous,
            Self::Options => Rung::Options,
            Self::Folders => Rung::Folders,
            Self::Sync => Rung::Sync,
            Self::Ping => Rung::Ping,
        }
    }
}

impl Policy {
    const fn acknowledgement(self) -> Acknowledgement {
        match self {
            Self::Followed => Acknowledgement::Whole,
            Self::Partly => Acknowledgement::Partial,
            Self::Managed => Acknowledgement::Managed,
            Self::Silence => Acknowledgement::Silence,
        }
    }
}

/// By name, so that shells can complete it.
fn version() -> impl TypedValueParser<Value = Version> {
    let names = Version::ALL.iter().map(|known| known.as_str());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Version>())
}
