//! `mailprobe host --exchange`: what Exchange's virtual directories say of their health.

use clap::Args;
use eas_probe::{EasProbe, Rung};
use probe_core::{AnyProbe, HostName, Target};
use probe_net::Net;

use crate::cli::Mistake;

#[derive(Args, Debug)]
#[command(next_help_heading = "Exchange")]
pub(super) struct Exchange {
    /// Asks this Exchange server for the health of its virtual directories, without credentials (repeatable); port 443 if none
    /// is named
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(super) exchange: Vec<Target>,
    /// The name to ask for, in TLS and in the requests: needed for one node behind a load balancer, by its address
    #[arg(long, value_name = "NAME", requires = "exchange")]
    server_name: Option<HostName>,
}

impl Exchange {
    pub(super) fn probes(&self, net: &Net) -> Result<Vec<(Target, AnyProbe)>, Mistake> {
        let mut options = EasProbe::builder(net.clone()).up_to(Rung::Health);
        if let Some(name) = &self.server_name {
            options = options.server_name(name.clone());
        }
        let probe = AnyProbe::new(options.build().map_err(Mistake::new)?);
        let hosts = self.exchange.iter();
        Ok(hosts.map(|host| (host.clone(), probe.clone())).collect())
    }
}
