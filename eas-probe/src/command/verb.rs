//! The words of the protocol: its versions, its commands, and the virtual directories of the server that it comes from.

use core::fmt;
use core::str::FromStr;

use probe_core::Phase;

/// Versions of the protocol, the oldest first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Version {
    /// Exchange 2007 SP1.
    V12_1,
    /// Exchange 2010.
    V14_0,
    /// Exchange 2010 SP1; the newest of SOGo and Z-Push.
    V14_1,
    /// Exchange 2016.
    V16_0,
    /// Exchange 2016 and later; the only one that Microsoft 365 takes since March 2026.
    V16_1,
}

impl Version {
    /// All, the newest first.
    pub const ALL: [Self; 5] = [
        Self::V16_1,
        Self::V16_0,
        Self::V14_1,
        Self::V14_0,
        Self::V12_1,
    ];

    /// As headers have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V12_1 => "12.1",
            Self::V14_0 => "14.0",
            Self::V14_1 => "14.1",
            Self::V16_0 => "16.0",
            Self::V16_1 => "16.1",
        }
    }

    /// As a query in base64 has it (\[MS-ASHTTP\] section 2.2.1.1.1.1.1).
    pub(super) const fn as_octet(self) -> u8 {
        match self {
            Self::V12_1 => 121,
            Self::V14_0 => 140,
            Self::V14_1 => 141,
            Self::V16_0 => 160,
            Self::V16_1 => 161,
        }
    }

    /// From 14.0 on a folder's class is known by its id (\[MS-ASCMD\] section 2.2.3.27.5).
    pub(super) const fn wants_class(self) -> bool {
        matches!(self, Self::V12_1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Version {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, UnknownVersion> {
        let known = Self::ALL.into_iter().find(|one| one.as_str() == text);
        known.ok_or(UnknownVersion)
    }
}

/// A version that no server of today speaks, or none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the versions of ActiveSync are 12.1, 14.0, 14.1, 16.0 and 16.1")]
#[non_exhaustive]
pub struct UnknownVersion;

/// A command of the protocol.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Verb {
    /// Which folders there are.
    FolderSync,
    /// How many items a Sync would bring.
    GetItemEstimate,
    /// Which versions and commands there are: a method of HTTP, and no command.
    Options,
    /// Whether something changes in a folder.
    Ping,
    /// Which policy the device is to follow.
    Provision,
    /// Who the user is.
    Settings,
    /// What is in a folder.
    Sync,
}

impl Verb {
    /// The name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FolderSync => "FolderSync",
            Self::GetItemEstimate => "GetItemEstimate",
            Self::Options => "OPTIONS",
            Self::Ping => "Ping",
            Self::Provision => "Provision",
            Self::Settings => "Settings",
            Self::Sync => "Sync",
        }
    }

    /// The number of a query in base64 (\[MS-ASHTTP\] section 2.2.1.1.1.1.2).
    pub(super) const fn as_octet(self) -> u8 {
        match self {
            // Never in a query.
            Self::Options => u8::MAX,
            Self::Sync => 0,
            Self::FolderSync => 9,
            Self::GetItemEstimate => 14,
            Self::Settings => 17,
            Self::Ping => 18,
            Self::Provision => 20,
        }
    }

    /// The phase that its time is booked to.
    pub const fn phase(self) -> Phase {
        Phase::new(match self {
            Self::FolderSync => "folder-sync",
            Self::GetItemEstimate => "estimate",
            Self::Options => "options",
            Self::Ping => "ping",
            Self::Provision => "provision",
            Self::Settings => "settings",
            Self::Sync => "sync",
        })
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The virtual directories of Exchange, each of which says by a page whether it is well.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(missing_docs, reason = "their names say what they are")]
#[non_exhaustive]
pub enum Directory {
    ActiveSync,
    Autodiscover,
    Ecp,
    Ews,
    Mapi,
    Oab,
    Owa,
    PowerShell,
    Rpc,
}

impl Directory {
    /// All, ActiveSync's own first.
    pub const ALL: [Self; 9] = [
        Self::ActiveSync,
        Self::Autodiscover,
        Self::Ecp,
        Self::Ews,
        Self::Mapi,
        Self::Oab,
        Self::Owa,
        Self::PowerShell,
        Self::Rpc,
    ];

    /// Its name in a path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ActiveSync => "Microsoft-Server-ActiveSync",
            Self::Autodiscover => "Autodiscover",
            Self::Ecp => "ecp",
            Self::Ews => "ews",
            Self::Mapi => "mapi",
            Self::Oab => "oab",
            Self::Owa => "owa",
            Self::PowerShell => "PowerShell",
            Self::Rpc => "rpc",
        }
    }
}
