//! rbldnsd: DNS blocklists below `rbl.test`, served at 127.88.0.70, over UDP only. Some are
//! ordinary, and the others lie or fail in one way each.
//!
//! The lists are a table of their own; each row becomes a file, and what rbldnsd shall make of it
//! stands on its command line. It refuses every name that is in none of them.

mod lists;

use std::net::{IpAddr, Ipv4Addr};

use super::certificates::Certificate;
use super::server::{Listener, Room, Server};
use super::{Lab, dns};

pub(super) use lists::{LISTS, List};

pub(super) const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 70);

/// The blocklists of the lab.
#[derive(Debug)]
pub(crate) struct Rbldnsd;

impl Server for Rbldnsd {
    fn name(&self) -> &'static str {
        "rbldnsd"
    }

    fn packages(&self) -> &'static [&'static str] {
        &["rbldnsd"]
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        vec![Listener {
            server: "rbldnsd",
            label: "rbldnsd",
            host: "rbldnsd.lab.test",
            address: IpAddr::V4(ADDRESS),
            port: dns::PORT,
            certificate: Certificate::Absent,
            quirk: "DNS over UDP only; every list, and REFUSED for all other names",
        }]
    }

    fn files(&self, _: &Lab) -> Vec<(&'static str, String)> {
        LISTS.iter().flat_map(List::files).collect()
    }

    fn rooms(&self) -> Vec<Room> {
        Vec::new()
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let socket = format!("{ADDRESS}/{}", dns::PORT);
        let folder = lab.folder().join("rbldnsd");
        let options = [
            "rbldnsd",
            // in the foreground
            "-n",
            "-4",
            "-u",
            "rbldns",
            "-b",
            &socket,
            "-w",
            &folder.to_string_lossy(),
            // never looks whether a file has changed
            "-c",
            "0",
        ];
        options
            .map(str::to_owned)
            .into_iter()
            .chain(LISTS.iter().flat_map(List::arguments))
            .collect()
    }

    fn is_ready(&self, _: &Lab) -> bool {
        dns::serves(ADDRESS)
    }
}
