//! A resolver that finds its way from the lab's root down, and keeps what it has found: at 127.88.0.77, over UDP and TCP.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;

use super::super::certificates::Certificate;
use super::super::server::{Listener, Room, Server};
use super::super::{Lab, dns, nsd};
use super::RUN;

const MAIN: &str = include_str!("cache.conf");

/// The other resolver of the lab.
#[derive(Debug)]
pub(crate) struct Cache;

impl Cache {
    pub(crate) const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 77);
}

impl Server for Cache {
    fn name(&self) -> &'static str {
        "unbound-cache"
    }

    fn packages(&self) -> &'static [&'static str] {
        &["unbound"]
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        vec![Listener {
            server: self.name(),
            label: "unbound-cache",
            host: "unbound-cache.lab.test",
            address: IpAddr::V4(Self::ADDRESS),
            port: dns::PORT,
            certificate: Certificate::Absent,
            quirk: "resolves whatever is delegated below the lab's root, checks signatures, and keeps it",
        }]
    }

    fn files(&self, _: &Lab) -> Vec<(&'static str, String)> {
        let root = nsd::ROOT_ADDRESS;
        vec![
            (
                "unbound.conf",
                MAIN.replace("{address}", &Self::ADDRESS.to_string()),
            ),
            (
                "root.hints",
                format!(". 3600 NS a.root.test.\na.root.test. 3600 A {root}\n"),
            ),
        ]
    }

    fn rooms(&self) -> Vec<Room> {
        Vec::new()
    }

    /// The keys of the zones that are signed were made when nsd started, before this one.
    fn furnish(&self, lab: &Lab) -> Result<()> {
        let keys = lab.folder().join("nsd").join("ds.zone");
        fs::copy(keys, lab.folder().join(self.name()).join("ds.zone"))?;
        Ok(())
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let folder = lab.folder().join(self.name());
        ["sh", "-c", RUN, &folder.to_string_lossy()]
            .map(str::to_owned)
            .into()
    }

    /// It finds the first list.
    fn is_ready(&self, _: &Lab) -> bool {
        dns::serves(Self::ADDRESS)
    }
}
