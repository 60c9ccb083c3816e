//! Unbound: the resolver of the lab, at 127.88.0.71, over UDP, TCP, TLS and HTTPS. It knows the
//! addresses of the lab's hosts by itself, asks [`super::rbldnsd`] about the blocklists, and refuses all other
//! questions.
//!
//! What it knows comes from the tables of the other servers. Of a list that never answers it says
//! nothing either: it gives up after more than 10 s, when the client is long forgotten
//! (`discard-timeout`, 1.9 s in Debian). Who asks soon after that is told SERVFAIL at once.

mod cache;

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, Result};

use super::certificates::Certificate;
use super::server::{Listener, Room, Server};
use super::{Lab, dns, rbldnsd};

pub(crate) use cache::Cache;

const MAIN: &str = include_str!("unbound/unbound.conf");
const HOST: &str = "unbound.lab.test";
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 71);

/// Of RFC 7858.
const TLS_PORT: u16 = 853;
/// Of RFC 8484; this version speaks HTTP/2 alone.
const HTTPS_PORT: u16 = 443;

/// Debian's AppArmor profile lets it read from `/etc/unbound` and no other folder. Ours is laid
/// over that one, in its own namespace: the host's is untouched.
const RUN: &str =
    r#"mount --bind "$0" /etc/unbound && exec unbound -d -c /etc/unbound/unbound.conf"#;

/// With 60 of them, an answer fits into no datagram that anybody takes.
const BIG: (&str, u8) = ("big.lab.test", 60);

/// The resolver of the lab.
#[derive(Debug)]
pub(crate) struct Unbound;

impl Server for Unbound {
    fn name(&self) -> &'static str {
        "unbound"
    }

    fn packages(&self) -> &'static [&'static str] {
        &["unbound"]
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        let listener = |label, port, quirk| Listener {
            server: "unbound",
            label,
            host: HOST,
            address: IpAddr::V4(ADDRESS),
            port,
            certificate: Certificate::Good,
            quirk,
        };
        vec![
            listener(
                "unbound",
                dns::PORT,
                "resolves hosts (A records only), lists, and the 60 TXT records of big.lab.test, \
                 for which one needs TCP; what the lab does not have is NXDOMAIN below test and \
                 invalid, and REFUSED elsewhere",
            ),
            listener("unbound-tls", TLS_PORT, "the same over TLS"),
            listener(
                "unbound-https",
                HTTPS_PORT,
                "the same over HTTPS, at /dns-query",
            ),
        ]
    }

    fn files(&self, lab: &Lab) -> Vec<(&'static str, String)> {
        let main = MAIN
            .replace("{address}", &ADDRESS.to_string())
            .replace("{tls-port}", &TLS_PORT.to_string())
            .replace("{https-port}", &HTTPS_PORT.to_string())
            .replace("{host}", HOST)
            .replace("{hosts}", &(hosts(lab) + &big()))
            .replace("{lists}", &lists())
            .replace("{forwards}", &forwards());
        vec![("unbound.conf", main)]
    }

    fn rooms(&self) -> Vec<Room> {
        Vec::new()
    }

    /// Where it may read them.
    fn furnish(&self, lab: &Lab) -> Result<()> {
        for kind in ["pem", "key"] {
            let name = format!("{HOST}.{kind}");
            fs::copy(lab.tls(&name), lab.folder().join("unbound").join(&name))
                .with_context(|| format!("cannot copy {name}"))?;
        }
        Ok(())
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let folder = lab.folder().join("unbound");
        ["sh", "-c", RUN, &folder.to_string_lossy()]
            .map(str::to_owned)
            .into()
    }

    /// It answers about a list when both it and rbldnsd do.
    fn is_ready(&self, _: &Lab) -> bool {
        dns::serves(ADDRESS)
    }
}

fn hosts(lab: &Lab) -> String {
    let listeners = lab.listeners();
    // A host has many ports, and some have many addresses.
    let hosts: BTreeSet<_> = listeners
        .iter()
        .filter(|listener| listener.address.is_ipv4())
        .map(|listener| (listener.host, listener.address))
        .collect();
    hosts
        .into_iter()
        .map(|(host, address)| format!("  local-data: \"{host}. 60 IN A {address}\"\n"))
        .collect()
}

fn big() -> String {
    let (name, records) = BIG;
    let text =
        "One of sixty records that together are longer than any datagram may be, so ask by TCP";
    (1..=records)
        .map(|number| format!("  local-data: '{name}. 60 IN TXT \"{number:02}. {text}\"'\n"))
        .collect()
}

/// The names that are not refused and not local.
fn lists() -> String {
    rbldnsd::LISTS
        .iter()
        .map(|list| format!("  local-zone: \"{}.\" transparent\n", list.zone))
        .collect()
}

/// Each list by itself: Unbound keeps in mind, by the name it forwards, how slow a server is, and
/// one list that never answers would make it wary of all.
fn forwards() -> String {
    let forward = |list: &rbldnsd::List| {
        format!(
            "forward-zone:\n  name: \"{}.\"\n  forward-addr: {}\n",
            list.zone,
            rbldnsd::ADDRESS
        )
    };
    rbldnsd::LISTS.iter().map(forward).collect()
}
