//! What the lab asks of a server, and the list of those there are.

use std::net::IpAddr;
use std::path::Path;

use anyhow::Result;

use super::certificates::Certificate;
use super::{
    Lab, beside, cyrus, dovecot, exporters, memcached, nginx, nsd, postfix, postgres, queues,
    rbldnsd, snmpd, sogo, unbound,
};

/// The servers in the order they start; the reverse is the order they end.
pub(crate) fn all() -> [&'static dyn Server; 21] {
    [
        &rbldnsd::Rbldnsd,
        &nsd::ROOT,
        &nsd::BELOW,
        &nsd::LEAF,
        &nsd::SECOND,
        &unbound::Cache,
        &unbound::Unbound,
        &queues::Queues,
        &beside::EXIM,
        &beside::SENDMAIL,
        &beside::OPENSMTPD,
        &nginx::Nginx,
        &dovecot::Dovecot,
        &postfix::Postfix,
        &postgres::Postgres,
        &memcached::Memcached,
        &sogo::GOOD,
        &sogo::NO_IMAP,
        &cyrus::Cyrus,
        &snmpd::Snmpd,
        &exporters::Exporters,
    ]
}

/// One server program with its configuration. Its files live in a folder of the lab under its name.
pub(crate) trait Server: Sync {
    fn name(&self) -> &'static str;

    /// Debian's names of what must be installed.
    fn packages(&self) -> &'static [&'static str];

    /// And of what is only unpacked, since Debian does not let it be installed beside the others, or would start more with it.
    fn packages_to_unpack(&self) -> &'static [&'static str] {
        &[]
    }

    /// Where it can be reached by a probe.
    fn listeners(&self, lab: &Lab) -> Vec<Listener>;

    /// The files it reads, by path within its folder. What is equal here need not be started anew.
    fn files(&self, lab: &Lab) -> Vec<(&'static str, String)>;

    /// The folders it writes to.
    fn rooms(&self) -> Vec<Room>;

    /// Puts in what it starts out with and then changes by itself, such as mail. A change of this
    /// alone is not seen by a lab that is up.
    fn furnish(&self, _: &Lab) -> Result<()> {
        Ok(())
    }

    /// The program and its arguments. It stays in the foreground.
    fn command(&self, lab: &Lab) -> Vec<String>;

    /// Whether it serves by now. To be asked often and to cost little.
    fn is_ready(&self, lab: &Lab) -> bool;

    /// Whether it has done by now what it has to do before tests begin, while others start.
    fn is_settled(&self, _: &Lab) -> bool {
        true
    }
}

/// A folder that a server needs, with the account that may write to it.
#[derive(Debug)]
pub(crate) struct Room {
    pub(crate) path: &'static str,
    pub(crate) owner: &'static str,
    pub(crate) group: &'static str,
    pub(crate) mode: &'static str,
}

/// One address and port, and what is remarkable about it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listener {
    pub(crate) server: &'static str,
    pub(crate) label: &'static str,
    pub(crate) host: &'static str,
    pub(crate) address: IpAddr,
    pub(crate) port: u16,
    pub(crate) certificate: Certificate,
    pub(crate) quirk: &'static str,
}

/// Fills a template: `{lab}` is the lab's folder.
pub(crate) fn fill(template: &str, folder: &Path) -> String {
    template.replace("{lab}", &folder.to_string_lossy())
}
