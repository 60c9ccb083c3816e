//! How a server is reached and encrypted with, the same for every mail protocol.

use clap::{Args, ValueEnum};
use probe_core::HostName;
use probe_net::tls::Security;

#[derive(Args, Debug)]
pub(super) struct Link {
    /// Whether STARTTLS is used; without it required, and opportunistic where mail servers speak with
    /// each other (SMTP on other ports than 587)
    #[arg(
        long,
        value_enum,
        value_name = "POLICY",
        conflicts_with = "tls",
        help_heading = "TLS"
    )]
    starttls: Option<StartTls>,
    /// TLS from the first byte; the default on 465, 993 and 995
    #[arg(long, help_heading = "TLS")]
    tls: bool,
    /// The name to ask for in TLS and to find in the certificate: needed for probing by address
    #[arg(long, value_name = "NAME", help_heading = "TLS")]
    pub(super) server_name: Option<HostName>,
    /// Asks every address of the host by itself, instead of whichever answers first
    #[arg(long, help_heading = "Network")]
    pub(super) every_address: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum StartTls {
    /// Or it is critical
    Required,
    /// Where it is offered; certificate faults are warnings
    Opportunistic,
    /// In clear
    Never,
}

impl Link {
    pub(super) fn security(&self) -> Option<Security> {
        if self.tls {
            return Some(Security::Implicit);
        }
        self.starttls.map(StartTls::security)
    }
}

impl StartTls {
    pub(super) const fn security(self) -> Security {
        match self {
            Self::Required => Security::Required,
            Self::Opportunistic => Security::Opportunistic,
            Self::Never => Security::Cleartext,
        }
    }
}
