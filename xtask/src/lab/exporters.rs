//! Prometheus's exporters as Debian has them, only unpacked: node_exporter for this machine, and postfix_exporter twice, for the
//! [`queues`] and for those of the Postfix that is stopped.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use super::certificates::Certificate;
use super::server::{Listener, Room, Server};
use super::{Lab, queues, unpacked};

const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 88, 0, 130);
const HOST: &str = "exporters.lab.test";
const NODE: u16 = 9100;
const POSTFIX: u16 = 9154;
const STOPPED: u16 = 9155;

/// $0: where they are unpacked; then a log, which postfix_exporter insists upon, and the addresses and sockets.
const RUN: &str = r#""$0/usr/bin/prometheus-node-exporter" --web.listen-address="$2" &
"$0/usr/bin/prometheus-postfix-exporter" --postfix.logfile_path="$1" --postfix.showq_path="$3" --web.listen-address="$4" &
"$0/usr/bin/prometheus-postfix-exporter" --postfix.logfile_path="$1" --postfix.showq_path="$5" --web.listen-address="$6" &
wait"#;

/// The exporters of the lab.
#[derive(Debug)]
pub(crate) struct Exporters;

impl Server for Exporters {
    fn name(&self) -> &'static str {
        "exporters"
    }

    fn packages(&self) -> &'static [&'static str] {
        &[]
    }

    fn packages_to_unpack(&self) -> &'static [&'static str] {
        &["prometheus-node-exporter", "prometheus-postfix-exporter"]
    }

    fn listeners(&self, _: &Lab) -> Vec<Listener> {
        let listener = |label, port, quirk| Listener {
            server: "exporters",
            label,
            host: HOST,
            address: IpAddr::V4(ADDRESS),
            port,
            certificate: Certificate::Absent,
            quirk,
        };
        vec![
            listener("node-exporter", NODE, "this machine, at /metrics"),
            listener("postfix-exporter", POSTFIX, "the queues, at /metrics"),
            listener(
                "postfix-exporter-stopped",
                STOPPED,
                "the queues of the Postfix that is stopped, at /metrics: it cannot read them",
            ),
        ]
    }

    fn files(&self, _: &Lab) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    fn rooms(&self) -> Vec<Room> {
        Vec::new()
    }

    fn command(&self, lab: &Lab) -> Vec<String> {
        let at = |port| SocketAddr::from((ADDRESS, port)).to_string();
        let place = unpacked(self).to_string_lossy().into_owned();
        let [running, stopped] = queues::sockets(lab.folder());
        let path = |path: PathBuf| path.to_string_lossy().into_owned();
        vec![
            "sh".to_owned(),
            "-c".to_owned(),
            RUN.to_owned(),
            place,
            path(lab.folder().join("queues/log")),
            at(NODE),
            path(running),
            at(POSTFIX),
            path(stopped),
            at(STOPPED),
        ]
    }

    fn is_ready(&self, lab: &Lab) -> bool {
        let mut listeners = self.listeners(lab).into_iter();
        listeners.all(|one| {
            let address = SocketAddr::new(one.address, one.port);
            TcpStream::connect_timeout(&address, Duration::from_secs(1)).is_ok()
        })
    }
}
