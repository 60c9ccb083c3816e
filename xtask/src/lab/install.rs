//! Gets the servers from Debian, without letting them start or be configured.
//!
//! Postfix comes with debconf's "No configuration", and a policy-rc.d that says no keeps every
//! service down while its package is installed. Nothing of the host's configuration is edited, then
//! or later.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::keeper::Keeper;
use super::server::{self, Server};
use super::{Unavailable, unpacked};
use crate::process;

/// What the lab itself calls: certificates are made by openssl, namespaces by util-linux.
const TOOLS: [&str; 2] = ["openssl", "util-linux"];

/// What tests hold ours against: libwbxml's tools for the WBXML of ActiveSync.
const ORACLES: [&str; 1] = ["libwbxml2-utils"];

/// The file that says what was unpacked, written in the end.
const CONTENTS: &str = "packages";

const POLICY: &str = "/usr/sbin/policy-rc.d";
const NOTHING_STARTS: &str =
    "#!/bin/sh\n# Of the mailprobe lab, while it installs packages.\nexit 101\n";

/// The lab knows the configuration language of Debian 12's Dovecot; 2.4 speaks another one.
const DOVECOT: &str = "2.3.";

/// Installs what is missing; quick where nothing is.
pub(crate) fn install() -> Result<()> {
    require(cfg!(target_os = "linux"), "it needs Linux")?;
    let identity = process::read(Command::new("id").arg("-u")).unwrap_or_default();
    require(
        identity.trim() == "0",
        "it needs root (servers listen on port 25 under accounts of their own)",
    )?;
    require(
        Keeper::is_possible(),
        "this container may not make namespaces (try `--privileged`)",
    )?;
    let missing = missing_packages();
    let packed = server::all().into_iter().filter(|one| !is_unpacked(*one));
    let packed: Vec<_> = packed.collect();
    if !missing.is_empty() || !packed.is_empty() {
        require(
            process::succeeds(Command::new("apt-get").arg("--version")),
            "it needs apt-get (Debian 12)",
        )?;
        // An out-of-date list may still be good enough: what counts is whether the packages come.
        process::succeeds(Command::new("apt-get").args(["-q", "update"]));
    }
    if !missing.is_empty() {
        eprintln!("lab: installing {}", missing.join(" "));
        fetch(&missing)?;
    }
    packed.into_iter().try_for_each(unpack)?;
    let dovecot = process::read(Command::new("dovecot").arg("--version"))?;
    require(
        dovecot.starts_with(DOVECOT),
        "it needs Dovecot 2.3 (Debian 12)",
    )
}

fn require(condition: bool, reason: &str) -> Result<()> {
    if condition {
        Ok(())
    } else {
        Err(Unavailable(reason.to_owned()).into())
    }
}

fn missing_packages() -> Vec<&'static str> {
    // Servers may share one.
    let wanted: BTreeSet<_> = server::all()
        .into_iter()
        .flat_map(|server| server.packages())
        .copied()
        .collect();
    wanted
        .into_iter()
        .chain(TOOLS)
        .chain(ORACLES)
        .filter(|package| !is_installed(package))
        .collect()
}

fn is_installed(package: &str) -> bool {
    let query = ["-W", "-f=${db:Status-Status}", package];
    process::read(Command::new("dpkg-query").args(query)).is_ok_and(|status| status == "installed")
}

fn fetch(packages: &[&str]) -> Result<()> {
    let _guard = Guard::raise()?;
    let preseed =
        "echo postfix postfix/main_mailer_type select No configuration | debconf-set-selections";
    process::read(Command::new("sh").args(["-c", preseed]))?;
    let options = [
        "install",
        "-y",
        "-q",
        "--no-install-recommends",
        "-o",
        "DPkg::Lock::Timeout=300",
    ];
    let mut apt = Command::new("apt-get");
    apt.args(options)
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null());
    process::read(&mut apt).map(drop)
}

fn is_unpacked(server: &dyn Server) -> bool {
    let wanted = server.packages_to_unpack().join(" ");
    let contents = || fs::read_to_string(unpacked(server).join(CONTENTS));
    wanted.is_empty() || contents().is_ok_and(|contents| contents == wanted)
}

/// Their programs alone: neither are they configured nor does Debian know of them.
fn unpack(server: &dyn Server) -> Result<()> {
    let (packages, place) = (server.packages_to_unpack(), unpacked(server));
    eprintln!("lab: unpacking {}", packages.join(" "));
    if place.exists() {
        fs::remove_dir_all(&place)?;
    }
    fs::create_dir_all(&place).with_context(|| format!("cannot make {}", place.display()))?;
    let mut download = Command::new("apt-get");
    download.args(["-q", "download"]).args(packages);
    process::read(download.current_dir(&place))?;
    let unpack = "for package in *.deb; do dpkg -x \"$package\" . && rm \"$package\" || exit; done";
    process::read(Command::new("sh").args(["-c", unpack]).current_dir(&place))?;
    fs::write(place.join(CONTENTS), packages.join(" "))?;
    Ok(())
}

/// Says no to every service that wants to start, until dropped. One that was there before stays as
/// it is.
#[derive(Debug)]
struct Guard;

impl Guard {
    fn raise() -> Result<Self> {
        if !Path::new(POLICY).exists() {
            fs::write(POLICY, NOTHING_STARTS).with_context(|| format!("cannot write {POLICY}"))?;
            process::run(Command::new("chmod").args(["755", POLICY]))?;
        }
        Ok(Self)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Known by its text, so one left behind by an installation that was killed goes too.
        if fs::read_to_string(POLICY).is_ok_and(|text| text == NOTHING_STARTS) {
            let _ = fs::remove_file(POLICY);
        }
    }
}
