//! nginx, at 127.88.0.79: what a registry says of domains of the lab, over RDAP and WHOIS, and the policies of MTA-STS that
//! two of them publish. At 127.88.0.80 and on: what [users and their devices](users) reach over the web.

mod users;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};

use anyhow::Result;
use serde_json::{Value, json};

use super::Lab;
use super::certificates::Certificate;
use super::server::{Listener, Room, Server, fill};

const MAIN: &str = include_str!("nginx/nginx.conf");
pub(super) const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 79);

/// The registry of the lab.
#[derive(Debug)]
pub(crate) struct Nginx;

/// Domains that the registry knows, each with its states and its date.
const REGISTERED: [(&str, &[&str], Option<&str>); 7] = [
    ("well.test", &["active"], Some("2099-01-31T00:00:00Z")),
    ("moved.test", &["active"], Some("2099-01-31T00:00:00Z")),
    ("held.test", &["client hold"], Some("2099-01-31T00:00:00Z")),
    ("over.test", &["active"], Some("2021-01-31T00:00:00Z")),
    (
        "renewed.test",
        &["auto renew period"],
        Some("2099-01-31T00:00:00Z"),
    ),
    (
        "redeemable.test",
        &["redemption period", "pending delete"],
        Some("2021-01-31T00:00:00Z"),
    ),
    ("no-date.test", &["active"], None),
];

/// Policies: whose, and which hosts they name.
const POLICIES: [(&str, &str, &str); 2] = [
    ("mta-sts.well.test", "mta-sts.well.test", "good.lab.test"),
    (
        "mta-sts.mismatch.test",
        "mta-sts.mismatch.test",
        "*.elsewhere.test",
    ),
];

/// Publishes its services for mail programs, and announces none in DNS.
const AUTOCONFIG: &str = "autoconfig.autoconfig.test";

impl Server for Nginx {
    fn name(&self) -> &'static str {
        "nginx"
    }

    fn packages(&self) -> &'static [&'static str] {
        &[
            "nginx-light",
            "libnginx-mod-stream",
            "libnginx-mod-http-echo",
        ]
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        let listener = |label, host, port, certificate, quirk| Listener {
            server: "nginx",
            label,
            host,
            address: IpAddr::V4(ADDRESS),
            port,
            certificate,
            quirk,
        };
        let good = Certificate::Good;
        let mut listeners = vec![
            listener(
                "rdap",
                "rdap.lab.test",
                443,
                good,
                "RDAP at https://rdap.lab.test/",
            ),
            listener(
                "whois",
                "whois.lab.test",
                43,
                Certificate::Absent,
                "WHOIS, which tells of whois-only.test whoever asks",
            ),
        ];
        listeners.push(listener(
            AUTOCONFIG,
            AUTOCONFIG,
            443,
            good,
            "what mail programs look for",
        ));
        listeners.extend(POLICIES.map(|(label, host, _)| {
            listener(
                label,
                host,
                443,
                good,
                "a policy of MTA-STS, in mode enforce",
            )
        }));
        listeners.extend(users::listeners());
        listeners
    }

    fn files(&self, lab: &Lab) -> Vec<(&'static str, String)> {
        let policies = POLICIES.map(|(_, host, mx)| policy(host, mx)).concat();
        let main = MAIN
            .replace("{policies}", &policies)
            .replace("{users}", &users::configuration())
            .replace("{address}", &ADDRESS.to_string());
        vec![
            ("nginx.conf", fill(&main, lab.folder())),
            ("passwords", users::passwords()),
        ]
    }

    fn rooms(&self) -> Vec<Room> {
        vec![Room {
            path: "run",
            owner: "www-data",
            group: "www-data",
            mode: "0755",
        }]
    }

    fn furnish(&self, lab: &Lab) -> Result<()> {
        let folder = lab.folder().join("nginx").join("rdap").join("domain");
        fs::create_dir_all(&folder)?;
        for (name, states, expires) in REGISTERED {
            fs::write(folder.join(name), domain(name, states, expires).to_string())?;
        }
        Ok(())
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let folder = lab.folder().join("nginx");
        let main = folder.join("nginx.conf");
        [
            "nginx",
            "-p",
            &folder.to_string_lossy(),
            "-c",
            &main.to_string_lossy(),
        ]
        .map(str::to_owned)
        .into()
    }

    fn is_ready(&self, _: &Lab) -> bool {
        std::net::TcpStream::connect((ADDRESS, 443)).is_ok()
    }
}

/// The server of one policy.
fn policy(host: &str, mx: &str) -> String {
    format!(
        "  server {{\n    listen {ADDRESS}:443 ssl http2;\n    server_name {host};\n    \
         ssl_certificate {{lab}}/tls/{host}.pem;\n    ssl_certificate_key {{lab}}/tls/{host}.key;\n    \
         location = /.well-known/mta-sts.txt {{\n      default_type text/plain;\n      \
         return 200 \"version: STSv1\\r\\nmode: enforce\\r\\nmx: {mx}\\r\\nmax_age: 604800\\r\\n\";\n    }}\n  }}\n"
    )
}

/// What a registry says of a domain (RFC 9083 section 5.3).
fn domain(name: &str, states: &[&str], expires: Option<&str>) -> Value {
    let mut events =
        vec![json!({"eventAction": "registration", "eventDate": "2020-01-31T00:00:00Z"})];
    events.extend(expires.map(|date| json!({"eventAction": "expiration", "eventDate": date})));
    let server = |number: u8| json!({"objectClassName": "nameserver", "ldhName": format!("ns{number}.{name}")});
    json!({
        "rdapConformance": ["rdap_level_0"],
        "objectClassName": "domain",
        "handle": format!("{name}-1"),
        "ldhName": name,
        "status": states,
        "events": events,
        "nameservers": [server(1), server(2)],
        "secureDNS": {"delegationSigned": false},
    })
}
