//! `mailprobe host --reach`: a host from outside.

use clap::Args;
use mailhost_probe::ReachProbe;
use probe_core::{AnyProbe, Target};
use probe_net::Net;

use crate::cli::Mistake;

#[derive(Args, Debug)]
#[command(next_help_heading = "From outside")]
pub(super) struct Reach {
    /// Tries whether this host is alive and its mail service is to be reached, at every address (repeatable)
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(super) reach: Vec<Target>,
    /// A port at which the service is to be (repeatable); 25 if none is named
    #[arg(long, value_name = "PORT", requires = "reach", value_parser = clap::value_parser!(u16).range(1..))]
    reach_port: Vec<u16>,
    /// Another port whose answer would show that the host is alive (repeatable); 80 and 443 if none is named
    #[arg(long, value_name = "PORT", requires = "reach", value_parser = clap::value_parser!(u16).range(1..))]
    witness: Vec<u16>,
    /// So many echoes (ICMP) are sent to each address
    #[arg(long, value_name = "COUNT", default_value_t = 3)]
    echoes: u16,
}

impl Reach {
    pub(super) fn probes(&self, net: &Net) -> Result<Vec<(Target, AnyProbe)>, Mistake> {
        let mut options = ReachProbe::builder(net.clone()).echoes(self.echoes);
        if !self.reach_port.is_empty() {
            options = options.ports(self.reach_port.as_slice());
        }
        if !self.witness.is_empty() {
            options = options.witnesses(self.witness.as_slice());
        }
        let probe = AnyProbe::new(options.build().map_err(Mistake::new)?);
        let hosts = self.reach.iter();
        Ok(hosts.map(|host| (host.clone(), probe.clone())).collect())
    }
}
