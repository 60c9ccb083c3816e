//! Keys and signatures of the signed zones, made by ldns: by the same key at both servers, in the time that is theirs; and
//! what is signed and known only when the lab starts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use super::mail::{LEFT_BEHIND, SIGNED};
use crate::process;

/// Puts a key for each zone into a folder, and what the zone above says of it beside that zone.
pub(super) fn make_keys(keys: &Path, above: &Path) -> Result<()> {
    if keys.exists() {
        fs::remove_dir_all(keys)?;
    }
    fs::create_dir_all(keys)?;
    let mut said = String::new();
    for zone in SIGNED.iter().map(|(zone, _)| *zone).chain([LEFT_BEHIND]) {
        let mut make = Command::new("ldns-keygen");
        make.args(["-k", "-a", "ECDSAP256SHA256", "-r", "/dev/urandom", zone]);
        let stem = process::read(make.current_dir(keys))?;
        let stem = stem.trim();
        for kind in ["key", "private", "ds"] {
            let made = keys.join(format!("{stem}.{kind}"));
            fs::rename(&made, keys.join(format!("{zone}.{kind}")))
                .with_context(|| format!("there is no {}", made.display()))?;
        }
        said += &fs::read_to_string(keys.join(format!("{zone}.ds")))?;
    }
    Ok(fs::write(above.join("ds.zone"), said)?)
}

/// Signs the zones of a server. The first of them says which certificate its host has.
pub(super) fn sign(keys: &Path, folder: &Path, certificate: &Path) -> Result<()> {
    const DAY: i64 = 24 * 60 * 60;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let now = i64::try_from(now)?;
    for (zone, days) in SIGNED {
        let file = |kind: &str| -> PathBuf { folder.join(format!("{zone}.zone{kind}")) };
        let until = now + days * DAY;
        let mut sign = Command::new("ldns-signzone");
        sign.args(["-i", &(until - 60 * DAY).to_string()]);
        sign.args(["-e", &until.to_string(), "-f"]);
        let whole = fs::read_to_string(file(""))?;
        let whole = match zone == "signed.test" {
            true => whole + &tlsa("_25._tcp.mx.signed.test", certificate)?,
            false => whole,
        };
        fs::write(file(".whole"), whole)?;
        sign.args([file(".signed"), file(".whole"), keys.join(zone)]);
        process::read(&mut sign)?;
    }
    Ok(())
}

/// That this is the key of the certificate there (RFC 7671 section 5.1).
fn tlsa(name: &str, certificate: &Path) -> Result<String> {
    let digest = r#"openssl x509 -in "$0" -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r"#;
    let said = process::read(Command::new("sh").args(["-c", digest]).arg(certificate))?;
    let digest = said.split_whitespace().next().unwrap_or_default();
    Ok(format!("{name}. TLSA 3 1 1 {digest}\n"))
}
