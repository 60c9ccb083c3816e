//! What may be asked. The builder checks everything, so a probe that was built can only find faults of the server.

use core::time::Duration;

use probe_core::{Host, HostName, Thresholds};
use probe_net::Net;
use probe_net::http::{Scheme, Url};
use probe_net::sasl::Credentials;
use probe_net::tls::{self, SecretsOver};
use sha2::{Digest, Sha256};

use crate::command::{QueryForm, Session, Version};
use crate::probe::EasProbe;

/// Everything that can be asked of an ActiveSync server, and how; made by [`EasProbe::builder`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "ring")] {
/// use eas_probe::{EasProbe, Rung};
/// use probe_net::Net;
/// use probe_net::sasl::Credentials;
/// use probe_net::tls::Tls;
///
/// # let roots = rustls::RootCertStore::empty();
/// let net = Net::new(Tls::ring(roots));
/// let probe = EasProbe::builder(net)
///     .credentials(Credentials::password("alice@example.org", "correct horse")?)
///     .up_to(Rung::Folders)
///     .build()?;
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct Options {
    pub(crate) net: Net,
    path: String,
    server_name: Option<HostName>,
    pub(crate) credentials: Option<Credentials>,
    up_to: Option<Rung>,
    pub(crate) health: bool,
    pub(crate) versions: Vec<Version>,
    form: QueryForm,
    device: Option<Device>,
    pub(crate) acknowledgement: Acknowledgement,
    pub(crate) items: u16,
    pub(crate) heartbeat: Duration,
    pub(crate) allowed: Vec<HostName>,
    scheme: Scheme,
    pub(crate) secrets_over: SecretsOver,
    pub(crate) every_address: bool,
    pub(crate) tls_thresholds: tls::Thresholds,
    pub(crate) latency: Thresholds,
    pub(crate) password_days: Thresholds,
}

/// How far a probe climbs; each rung proves more, and needs all those below it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Rung {
    /// Exchange's virtual directories say that they are well; ActiveSync itself is asked nothing. Needs no credentials.
    Health,
    /// The server answers, and says how it wants to be shown who asks. Needs no credentials.
    Anonymous,
    /// It knows the user, and says which versions and commands it has.
    Options,
    /// It reaches the mailbox, and lists its folders.
    Folders,
    /// It provisions the device and syncs the inbox: what a phone does.
    Sync,
    /// It watches the inbox for new mail, and answers when there is some.
    Ping,
}

impl Rung {
    /// All, the lowest first.
    pub const ALL: [Self; 6] = [
        Self::Health,
        Self::Anonymous,
        Self::Options,
        Self::Folders,
        Self::Sync,
        Self::Ping,
    ];

    /// A name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Anonymous => "anonymous",
            Self::Options => "options",
            Self::Folders => "folders",
            Self::Sync => "sync",
            Self::Ping => "ping",
        }
    }
}

/// What a server is told when it gives a policy to be followed (\[MS-ASPROV\] section 2.2.2.54.1). A probe follows none,
/// and keeps nothing that a policy would protect.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Acknowledgement {
    /// That it is followed: what most servers want to hear before they go on.
    #[default]
    Whole,
    /// That it is followed in part.
    Partial,
    /// That somebody else manages the device.
    Managed,
    /// Nothing: a server that wants a policy to be followed then refuses everything else.
    Silence,
}

impl Acknowledgement {
    pub(crate) const fn status(self) -> Option<u8> {
        match self {
            Self::Whole => Some(1),
            Self::Partial => Some(2),
            Self::Managed => Some(4),
            Self::Silence => None,
        }
    }
}

/// The device that a server takes the probe for: the same at each run, since a server remembers every device, allows a user
/// ten or a hundred of them, and may tell an administrator of a new one.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Device {
    /// By which the server knows it.
    pub id: String,
    /// What administrators see it called.
    pub name: String,
}

impl Device {
    /// Its type.
    pub const TYPE: &'static str = "mailprobe";
    /// The most characters of an id.
    pub const LENGTH: usize = 32;

    /// A device with this id: up to 32 letters and digits (\[MS-ASHTTP\] section 2.2.1.1.1.1.1).
    ///
    /// # Errors
    /// It is none.
    pub fn new(id: &str) -> Result<Self, ConfigError> {
        let is_plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        match is_plain && (1..=Self::LENGTH).contains(&id.len()) {
            true => Ok(Self {
                id: id.to_owned(),
                name: Self::TYPE.to_owned(),
            }),
            false => Err(ConfigError::Device),
        }
    }

    /// The device of this user at this host: another user's is another one, the same user's always the same.
    fn of(user: &str, host: &Host) -> Self {
        let digest = Sha256::digest(format!("mailprobe\n{user}\n{host}"));
        let digits: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        Self {
            id: digits.chars().take(Self::LENGTH).collect(),
            name: Self::TYPE.to_owned(),
        }
    }
}

impl Options {
    pub(crate) fn new(net: Net) -> Self {
        Self {
            net,
            path: Self::PATH.to_owned(),
            server_name: None,
            credentials: None,
            up_to: None,
            health: true,
            versions: Version::ALL.to_vec(),
            form: QueryForm::default(),
            device: None,
            acknowledgement: Acknowledgement::default(),
            items: 0,
            heartbeat: Duration::from_secs(10),
            allowed: Vec::new(),
            scheme: Scheme::default(),
            secrets_over: SecretsOver::default(),
            every_address: false,
            tls_thresholds: tls::Thresholds::default(),
            latency: Thresholds::default(),
            password_days: Thresholds::default(),
        }
    }

    /// Where ActiveSync nearly always is.
    pub const PATH: &'static str = "/Microsoft-Server-ActiveSync";

    /// Where ActiveSync is at the server, instead of [`Options::PATH`].
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// The name to ask for, in TLS and in HTTP, and to find in the certificate, where it is not the target's.
    pub fn server_name(mut self, name: HostName) -> Self {
        self.server_name = Some(name);
        self
    }

    /// Asks as whoever these belong to: by a password, by a token, or by the client certificate of [`Net`]
    /// ([`Credentials::external`]).
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Climbs no higher than this. Without this option: to [`Rung::Sync`] with credentials, to [`Rung::Anonymous`] without.
    pub fn up_to(mut self, rung: Rung) -> Self {
        self.up_to = Some(rung);
        self
    }

    /// Whether to look for the pages by which Exchange says that it is well. On by default: where the first of them is not
    /// there, the others are not asked for. [`Rung::Health`] asks for all of them whatever is said here.
    pub fn health(mut self, look: bool) -> Self {
        self.health = look;
        self
    }

    /// Speaks one of these versions, the newest that the server knows too.
    pub fn versions(mut self, versions: &[Version]) -> Self {
        self.versions = versions.to_vec();
        self
    }

    /// How requests name their command.
    pub fn query_form(mut self, form: QueryForm) -> Self {
        self.form = form;
        self
    }

    /// Is this device, instead of one that follows from user and host.
    pub fn device(mut self, device: Device) -> Self {
        self.device = Some(device);
        self
    }

    /// What to say to a policy.
    pub fn acknowledgement(mut self, acknowledgement: Acknowledgement) -> Self {
        self.acknowledgement = acknowledgement;
        self
    }

    /// Lets so many items of the last day come from the inbox: none without this option, since what people write is none of a
    /// probe's business. Bodies are asked for with no octets of text, which not every server heeds.
    pub fn items(mut self, most: u16) -> Self {
        self.items = most;
        self
    }

    /// For how long the inbox is watched on [`Rung::Ping`]: 10 s without this option. Exchange takes nothing below a minute,
    /// and says so at once.
    pub fn heartbeat(mut self, heartbeat: Duration) -> Self {
        self.heartbeat = heartbeat;
        self
    }

    /// Shows the credentials to this host too, if the server says that it has the mailbox (status 451).
    pub fn allow_host(mut self, host: HostName) -> Self {
        self.allowed.push(host);
        self
    }

    /// Whether TLS comes first: [`Scheme::Https`] without this option. Over the other, credentials go only if
    /// [`secrets_over`](Self::secrets_over) allows that too.
    pub fn scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }

    /// Lets secrets over a weaker channel than TLS that verified.
    pub fn secrets_over(mut self, weakest: SecretsOver) -> Self {
        self.secrets_over = weakest;
        self
    }

    /// Asks each address of the host by itself: is every member up? The report has one part for each.
    pub fn every_address(mut self, each: bool) -> Self {
        self.every_address = each;
        self
    }

    /// When an expiring certificate is worth a word.
    pub fn tls_thresholds(mut self, thresholds: tls::Thresholds) -> Self {
        self.tls_thresholds = thresholds;
        self
    }

    /// Judges how long the server takes until it begins to answer a command, in seconds; Ping, which waits, aside.
    pub fn latency(mut self, thresholds: Thresholds) -> Self {
        self.latency = thresholds;
        self
    }

    /// Judges in how many days the password ends, where the server says it.
    pub fn password_days(mut self, thresholds: Thresholds) -> Self {
        self.password_days = thresholds;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// Options that contradict each other, or that no request can be made of.
    pub fn build(self) -> Result<EasProbe, ConfigError> {
        let is_path = self.path.starts_with('/') && !self.path.contains(['?', '#']);
        let example = Host::Address(core::net::Ipv4Addr::LOCALHOST.into());
        if !is_path || self.base(&example, None).is_none() {
            return Err(ConfigError::Path);
        }
        if self.versions.is_empty() {
            return Err(ConfigError::NoVersion);
        }
        if self.heartbeat.as_secs() == 0 {
            return Err(ConfigError::Heartbeat);
        }
        let Some(credentials) = &self.credentials else {
            return match self.rung() > Rung::Anonymous {
                true => Err(ConfigError::NoCredentials),
                false => Ok(EasProbe::new(self)),
            };
        };
        let password = credentials.as_password();
        if password.is_some_and(|(user, _)| user.contains(':')) {
            return Err(ConfigError::UserName);
        }
        let is_clear = self.scheme == Scheme::Http;
        match is_clear && self.secrets_over > SecretsOver::Cleartext {
            true => Err(ConfigError::SecretsInClear),
            false => Ok(EasProbe::new(self)),
        }
    }

    /// How far to climb.
    pub(crate) fn rung(&self) -> Rung {
        let highest = match self.credentials {
            Some(_) => Rung::Sync,
            None => Rung::Anonymous,
        };
        self.up_to.unwrap_or(highest)
    }

    /// Where ActiveSync is at a host, if it can be there.
    fn base(&self, host: &Host, port: Option<u16>) -> Option<Url> {
        let named = self.server_name.clone().map(Host::Name);
        let host = named.as_ref().unwrap_or(host);
        Url::at(self.scheme, host, port, &self.path).ok()
    }

    /// What every request to this host has in common, until the server says more.
    pub(crate) fn session(&self, host: &Host, port: Option<u16>) -> Option<Session> {
        let user = self.credentials.as_ref().map(Credentials::user);
        let user = user.unwrap_or_default();
        let base = self.base(host, port)?;
        let device = self.device.clone();
        Some(Session {
            device: device.unwrap_or_else(|| Device::of(user, base.host())),
            base,
            version: self
                .versions
                .iter()
                .copied()
                .max()
                .unwrap_or(Version::V14_1),
            policy_key: None,
            user: user.to_owned(),
            form: self.form,
        })
    }

    /// The default port of a target that names none.
    pub(crate) const fn default_port(&self) -> u16 {
        self.scheme.default_port()
    }

    /// Whether another host is named than the one to be dialled.
    pub(crate) const fn has_server_name(&self) -> bool {
        self.server_name.is_some()
    }
}

/// Why options cannot be built into a probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A device id of other characters, or of too many.
    #[error("the id of a device has 1 to 32 letters and digits")]
    Device,
    /// Nothing would be watched.
    #[error("a heartbeat is a second or more")]
    Heartbeat,
    /// Something is asked of the mailbox, and nobody logs in.
    #[error("the mailbox cannot be asked about without credentials")]
    NoCredentials,
    /// No version is left to be spoken.
    #[error("none of the versions of ActiveSync is allowed")]
    NoVersion,
    /// The path is none.
    #[error("a path begins with / and has neither ? nor #")]
    Path,
    /// There are credentials, TLS is ruled out, and nobody allowed secrets in clear.
    #[error("the credentials would have to go in clear, and that is not allowed")]
    SecretsInClear,
    /// HTTP's Basic authentication cannot carry this user name (RFC 7617 section 2).
    #[error("a user name with a colon in it cannot be shown over HTTP")]
    UserName,
}
