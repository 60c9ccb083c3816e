//! nsd: the way from a root down to the servers of the blocklists, over UDP and TCP.
//!
//! Four servers, since an nsd answers for all its zones at all its addresses, and never points from
//! one to another that it has too: the root at 127.88.0.72, what is below it at 127.88.0.73, and the
//! ends of the way at 127.88.0.75 and 127.88.0.78, which both have the [domains with mail](mail). Besides the lists there are zones that are hard to reach or
//! cannot be reached: a delegation without an address, in a circle, to a server that does not
//! answer, and the like.

mod mail;
mod sign;

use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;

use super::certificates::Certificate;
use super::server::{self, Listener, Room, Server};
use super::{Lab, dns, rbldnsd};

const MAIN: &str = include_str!("nsd/nsd.conf");

pub(super) const ROOT_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 72);
const BELOW_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 73);
const LEAF_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 75);
const SECOND_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 78);
const ENDS: mail::Ends = mail::Ends {
    first: LEAF_ADDRESS,
    second: SECOND_ADDRESS,
};
/// The zone of all hosts of the lab.
const HOSTS: &str = "lab.test";
/// Nobody listens there, and nobody ever shall.
pub(super) const NOBODY: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 74);
/// A test listens there, and says nothing.
const MUTE: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 76);

/// The root of the lab.
pub(crate) const ROOT: Nsd = Nsd {
    name: "nsd-root",
    host: "nsd-root.lab.test",
    address: ROOT_ADDRESS,
    zones: &[Zone {
        name: ".",
        file: "root.zone",
        text: include_str!("nsd/root.zone"),
    }],
    quirk: "a root server: points to nsd for test and example and all names below them, has \
            nothing else (NXDOMAIN), and never heard of upward.test, which is delegated to it",
};

/// The zones below the root.
pub(crate) const BELOW: Nsd = Nsd {
    name: "nsd",
    host: "nsd.lab.test",
    address: BELOW_ADDRESS,
    zones: &[
        Zone {
            name: "test",
            file: "test.zone",
            text: include_str!("nsd/test.zone"),
        },
        Zone {
            name: "example",
            file: "example.zone",
            text: include_str!("nsd/example.zone"),
        },
    ],
    quirk: "has test and example, but not the hosts below lab.test; points to rbldnsd for each \
            list, to 127.88.0.74, where nobody listens, for lame.test, to 127.88.0.76, which is left \
            for a test that says nothing there, for silent.test, in a circle for loop-a.test \
            and loop-b.test, to the root for upward.test, to nsd-leaf for glueless.test (by a \
            server's name below example, without an address) and half.test (its first server, \
            127.88.0.74, is not there); REFUSED for all names elsewhere",
};

/// The ends of the way.
pub(crate) const LEAF: Nsd = Nsd {
    name: "nsd-leaf",
    host: "nsd-leaf.lab.test",
    address: LEAF_ADDRESS,
    zones: &[
        Zone {
            name: "glueless.test",
            file: "glueless.test.zone",
            text: include_str!("nsd/glueless.test.zone"),
        },
        Zone {
            name: "half.test",
            file: "half.test.zone",
            text: include_str!("nsd/half.test.zone"),
        },
    ],
    quirk: "has glueless.test and half.test, lab.test with all hosts of the lab, a domain that is \
            well (well.test) and one for each fault of a zone (alias.test, bogon.test, ...), and \
            REFUSED for all else",
};

/// The other server of the domains with mail.
pub(crate) const SECOND: Nsd = Nsd {
    name: "nsd-second",
    host: "nsd-second.lab.test",
    address: SECOND_ADDRESS,
    zones: &[],
    quirk: "the second server of the domains with mail; has another MX record of drift.test",
};

/// The domains whose mail Postfix takes: all but one.
pub(super) fn mail_domains() -> impl Iterator<Item = &'static str> {
    let domains = mail::DOMAINS.iter().map(|domain| domain.name);
    domains.filter(|name| *name != "not-ours.test")
}

/// One nsd: an address, and the zones that are served there.
#[derive(Debug)]
pub(crate) struct Nsd {
    name: &'static str,
    host: &'static str,
    address: Ipv4Addr,
    zones: &'static [Zone],
    quirk: &'static str,
}

#[derive(Debug)]
struct Zone {
    name: &'static str,
    file: &'static str,
    text: &'static str,
}

impl Server for Nsd {
    fn name(&self) -> &'static str {
        self.name
    }

    fn packages(&self) -> &'static [&'static str] {
        &["nsd", "ldnsutils"]
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        vec![Listener {
            server: self.name,
            label: self.name,
            host: self.host,
            address: IpAddr::V4(self.address),
            port: dns::PORT,
            certificate: Certificate::Absent,
            quirk: self.quirk,
        }]
    }

    fn files(&self, lab: &Lab) -> Vec<(&'static str, String)> {
        let mut zones: String = self.zones.iter().map(Zone::clause).collect();
        if self.is_end() {
            let domains = mail::DOMAINS.iter();
            zones.extend(domains.map(|domain| clause(domain.name, &domain.served())));
            zones += &clause(HOSTS, "hosts.zone");
        }
        let main = server::fill(MAIN, lab.folder())
            .replace("{name}", self.name)
            .replace("{address}", &self.address.to_string())
            .replace("{port}", &dns::PORT.to_string())
            .replace("{zones}", &zones);
        self.zones
            .iter()
            .map(|zone| (zone.file, zone.contents()))
            .chain(self.mail(lab))
            .chain([("nsd.conf", main)])
            .collect()
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room {
            path: "run",
            owner: "nsd",
            group: "nsd",
            mode: "0755",
        }]
    }

    /// What is signed is signed anew at each start: the zone above has the keys, and comes first.
    fn furnish(&self, lab: &Lab) -> Result<()> {
        let keys = lab.folder().join(BELOW.name).join("keys");
        match self.address {
            BELOW_ADDRESS => sign::make_keys(&keys, &lab.folder().join(self.name)),
            LEAF_ADDRESS | SECOND_ADDRESS => {
                let certificate = lab.tls("good.lab.test.pem");
                sign::sign(&keys, &lab.folder().join(self.name), &certificate)
            }
            _ => Ok(()),
        }
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let main = lab.folder().join(self.name).join("nsd.conf");
        // in the foreground
        ["nsd", "-d", "-c", &main.to_string_lossy()]
            .map(str::to_owned)
            .into()
    }

    /// From the root and from the zone below it, the first list is found by going on elsewhere; at the ends of the way
    /// nobody is pointed anywhere.
    fn is_ready(&self, _: &Lab) -> bool {
        match self.address {
            LEAF_ADDRESS | SECOND_ADDRESS => dns::refuses(self.address),
            _ => dns::points_elsewhere(self.address),
        }
    }
}

impl Nsd {
    /// Whether it has the domains with mail.
    fn is_end(&self) -> bool {
        matches!(self.address, LEAF_ADDRESS | SECOND_ADDRESS)
    }

    fn mail(&self, lab: &Lab) -> Vec<(&'static str, String)> {
        if !self.is_end() {
            return Vec::new();
        }
        let is_second = self.address == SECOND_ADDRESS;
        let domains = mail::DOMAINS.iter();
        let zones = domains.map(|domain| (domain.file, domain.contents(ENDS, is_second)));
        zones
            .chain([("hosts.zone", mail::hosts(lab, ENDS))])
            .collect()
    }
}

/// A zone in the configuration.
fn clause(name: &str, file: &str) -> String {
    format!("zone:\n  name: \"{name}\"\n  zonefile: \"{file}\"\n")
}

impl Zone {
    fn clause(&self) -> String {
        clause(self.name, self.file)
    }

    fn contents(&self) -> String {
        self.text
            .replace("{root}", &ROOT_ADDRESS.to_string())
            .replace("{nsd}", &BELOW_ADDRESS.to_string())
            .replace("{leaf}", &LEAF_ADDRESS.to_string())
            .replace("{nobody}", &NOBODY.to_string())
            .replace("{mute}", &MUTE.to_string())
            .replace("{rbldnsd}", &rbldnsd::ADDRESS.to_string())
            .replace("{lists}", &lists())
            .replace("{mail}", &mail::delegations(ENDS))
    }
}

/// Each list by itself, as a walk would find most blocklists of the world.
fn lists() -> String {
    rbldnsd::LISTS
        .iter()
        .map(|list| format!("{}. NS ns.rbl.test.\n", list.zone))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> String {
        let mut zones = ROOT.zones.iter().chain(BELOW.zones).chain(LEAF.zones);
        zones.find(|zone| zone.name == name).unwrap().contents()
    }

    #[test]
    fn every_list_is_delegated() {
        let zone = zone("test");
        for list in rbldnsd::LISTS {
            let line = format!("{}. NS ns.rbl.test.", list.zone);
            assert!(zone.lines().any(|it| it == line), "{line}");
        }
    }

    #[test]
    fn a_zone_below_says_the_same_of_its_servers() {
        let above = zone("test");
        for name in ["glueless.test", "half.test"] {
            let servers = |text: &str| {
                let start = format!("{name}. NS ");
                let lines = text.lines().filter(|line| line.starts_with(&start));
                lines.map(str::to_owned).collect::<Vec<_>>()
            };
            assert_eq!(servers(&above), servers(&zone(name)));
            assert!(!servers(&above).is_empty());
        }
    }

    #[test]
    fn nothing_is_left_to_fill_in() {
        for zone in ROOT.zones.iter().chain(BELOW.zones).chain(LEAF.zones) {
            assert!(!zone.contents().contains('{'), "{}", zone.file);
        }
    }
}
