//! Which SNMP agent is asked, and as whom.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use mailhost_probe::{SnmpAccess, SnmpAuth, SnmpOptions, SnmpPrivacy, SnmpProbe, SnmpUser};
use probe_core::{Secret, Target};
use probe_net::Net;

use crate::cli::credentials::from_env;
use crate::cli::{Mistake, read_secret};

/// Options for asking an SNMP agent.
#[derive(Args, Debug)]
#[command(next_help_heading = "SNMP")]
pub(super) struct Snmp {
    /// Asks this SNMP agent instead: its queue (MTA-MIB), and the machine (HOST-RESOURCES-MIB, UCD-SNMP-MIB)
    #[arg(
        long = "snmp",
        value_name = "HOST[:PORT]",
        conflicts_with_all = ["exporter", "queue", "socket", "delayed", "horizon", "state", "spool", "root", "interval"]
    )]
    agent: Option<Target>,
    /// The version to ask by; without it 3 where a user is named, else 2c
    #[arg(long, value_enum, value_name = "VERSION", requires = "agent")]
    snmp_version: Option<Version>,
    /// Reads the community of versions 1 and 2c from this file; without it, it is "public". Another one is a secret, and goes in clear: --login-over cleartext allows that
    #[arg(
        long,
        value_name = "FILE",
        requires = "agent",
        conflicts_with_all = ["community_env", "snmp_user"]
    )]
    community_file: Option<PathBuf>,
    /// Reads the community from this environment variable
    #[arg(
        long,
        value_name = "VARIABLE",
        requires = "agent",
        conflicts_with = "snmp_user"
    )]
    community_env: Option<String>,
    /// Asks as this user, by version 3
    #[arg(long, value_name = "NAME", requires = "agent")]
    snmp_user: Option<String>,
    /// The hash by which the user proves who it is
    #[arg(long, value_enum, value_name = "HASH", default_value_t)]
    auth: Hash,
    /// Reads the password for that from this file
    #[arg(
        long,
        value_name = "FILE",
        requires = "snmp_user",
        conflicts_with = "auth_password_env"
    )]
    auth_password_file: Option<PathBuf>,
    /// Reads the password for that from this environment variable
    #[arg(long, value_name = "VARIABLE", requires = "snmp_user")]
    auth_password_env: Option<String>,
    /// How questions and answers are encrypted
    #[arg(long = "priv", value_enum, value_name = "CIPHER", default_value_t)]
    privacy: Cipher,
    /// Reads the password for that from this file
    #[arg(
        long,
        value_name = "FILE",
        requires = "snmp_user",
        conflicts_with = "priv_password_env"
    )]
    priv_password_file: Option<PathBuf>,
    /// Reads the password for that from this environment variable
    #[arg(long, value_name = "VARIABLE", requires = "snmp_user")]
    priv_password_env: Option<String>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Version {
    #[value(name = "1")]
    One,
    #[value(name = "2c")]
    Two,
    #[value(name = "3")]
    Three,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Hash {
    Sha1,
    Sha224,
    #[default]
    Sha256,
    Sha384,
    Sha512,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
enum Cipher {
    #[default]
    Aes128,
}

impl Snmp {
    /// The agent that was named, if any.
    pub(super) const fn agent(&self) -> Option<&Target> {
        self.agent.as_ref()
    }

    /// What was asked for, without limits yet.
    pub(super) fn options(&self, net: Net) -> Result<SnmpOptions, Mistake> {
        Ok(SnmpProbe::builder(net, self.access()?))
    }

    fn access(&self) -> Result<SnmpAccess, Mistake> {
        match (self.snmp_version, &self.snmp_user) {
            (None | Some(Version::Three), Some(user)) => self.user(user).map(SnmpAccess::v3),
            (Some(Version::Three), None) => Err(Mistake::new("version 3 needs --snmp-user")),
            (Some(Version::One | Version::Two), Some(_)) => Err(Mistake::new(
                "--snmp-user is for version 3; versions 1 and 2c have a community",
            )),
            (Some(Version::One), None) => self.community().map(SnmpAccess::v1),
            (None | Some(Version::Two), None) => self.community().map(SnmpAccess::v2c),
        }
    }

    fn community(&self) -> Result<Secret, Mistake> {
        let given = secret(
            self.community_file.as_ref(),
            ("--community-env", self.community_env.as_deref()),
        )?;
        Ok(given.unwrap_or_else(|| Secret::from(SnmpAccess::PUBLIC)))
    }

    fn user(&self, name: &str) -> Result<SnmpUser, Mistake> {
        let user = SnmpUser::new(name).map_err(Mistake::new)?;
        let auth = secret(
            self.auth_password_file.as_ref(),
            ("--auth-password-env", self.auth_password_env.as_deref()),
        )?;
        let privacy = secret(
            self.priv_password_file.as_ref(),
            ("--priv-password-env", self.priv_password_env.as_deref()),
        )?;
        let user = match auth {
            Some(password) => user.with_auth(self.auth.into(), password),
            None => Ok(user),
        };
        let user = match privacy {
            Some(password) => {
                user.and_then(|user| user.with_privacy(self.privacy.into(), password))
            }
            None => user,
        };
        user.map_err(Mistake::new)
    }
}

impl From<Hash> for SnmpAuth {
    fn from(hash: Hash) -> Self {
        match hash {
            Hash::Sha1 => Self::Sha1,
            Hash::Sha224 => Self::Sha224,
            Hash::Sha256 => Self::Sha256,
            Hash::Sha384 => Self::Sha384,
            Hash::Sha512 => Self::Sha512,
        }
    }
}

impl From<Cipher> for SnmpPrivacy {
    fn from(cipher: Cipher) -> Self {
        match cipher {
            Cipher::Aes128 => Self::Aes128,
        }
    }
}

fn secret(
    file: Option<&PathBuf>,
    (option, variable): (&str, Option<&str>),
) -> Result<Option<Secret>, Mistake> {
    match (file, variable) {
        (Some(file), _) => read_secret(file).map(Some),
        (None, Some(variable)) => from_env(option, variable).map(Some),
        (None, None) => Ok(None),
    }
}
