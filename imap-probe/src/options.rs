//! What may be asked. The builder checks everything, so a probe that was built can only find faults of the
//! server.

use core::fmt;
use core::str::FromStr;

use probe_core::{HostName, Thresholds};
use probe_net::Net;
use probe_net::sasl::{Credentials, Mechanism, Nonces};
use probe_net::tls::{self, SecretsOver, Security};

use crate::mailbox::Mailbox;
use crate::probe::ImapProbe;

/// Everything that can be asked of an IMAP server, and how; made by [`ImapProbe::builder`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "ring")] {
/// use imap_probe::ImapProbe;
/// use probe_core::Thresholds;
/// use probe_net::Net;
/// use probe_net::sasl::Credentials;
/// use probe_net::tls::Tls;
///
/// # let roots = rustls::RootCertStore::empty();
/// let net = Net::new(Tls::ring(roots));
/// let probe = ImapProbe::builder(net)
///     .credentials(Credentials::password("alice@example.org", "correct horse")?)
///     .mailbox("INBOX".parse()?)
///     .search("UNSEEN".parse()?, Thresholds::new(Some("100".parse()?), None))
///     .build()?;
/// # }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "options do nothing until they are built"]
pub struct Options {
    pub(crate) net: Net,
    pub(crate) security: Option<Security>,
    pub(crate) server_name: Option<HostName>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) mechanisms: Vec<Mechanism>,
    pub(crate) login_command: LoginCommand,
    pub(crate) nonces: Nonces,
    pub(crate) secrets_over: SecretsOver,
    pub(crate) every_address: bool,
    pub(crate) tls_thresholds: tls::Thresholds,
    pub(crate) mailbox: Mailbox,
    pub(crate) access: Access,
    pub(crate) rights: String,
    pub(crate) search: Option<(Criteria, Thresholds)>,
    pub(crate) messages: Thresholds,
    pub(crate) oldest: Thresholds,
    pub(crate) newest: Thresholds,
    pub(crate) quota: Thresholds,
    pub(crate) noops: u16,
    pub(crate) exercises: Vec<Extension>,
    pub(crate) edit: bool,
}

impl Options {
    pub(crate) fn new(net: Net) -> Self {
        Self {
            net,
            security: None,
            server_name: None,
            credentials: None,
            mechanisms: Mechanism::ALL.to_vec(),
            login_command: LoginCommand::default(),
            nonces: Nonces::System,
            secrets_over: SecretsOver::default(),
            every_address: false,
            tls_thresholds: tls::Thresholds::default(),
            mailbox: Mailbox::inbox(),
            access: Access::default(),
            rights: String::new(),
            search: None,
            messages: Thresholds::default(),
            oldest: Thresholds::default(),
            newest: Thresholds::default(),
            quota: Self::quota_thresholds(),
            noops: 0,
            exercises: Vec::new(),
            edit: false,
        }
    }

    /// Warned of while there is still room for some mail, critical when there is hardly any.
    fn quota_thresholds() -> Thresholds {
        Thresholds::new("90".parse().ok(), "98".parse().ok())
    }

    /// Whether and how to encrypt. Without it the port decides: implicit TLS on 993, STARTTLS required elsewhere.
    pub fn security(mut self, security: Security) -> Self {
        self.security = Some(security);
        self
    }

    /// The name to ask for in TLS and to find in the certificate, where it is not the target's.
    pub fn server_name(mut self, name: HostName) -> Self {
        self.server_name = Some(name);
        self
    }

    /// Logs in. What concerns mailboxes is asked only then.
    pub fn credentials(mut self, credentials: Credentials) -> Self {
        self.credentials = Some(credentials);
        self
    }

    /// Authenticates by one of these mechanisms only. Of those that the server offers and that fit the
    /// credentials the strongest is tried; the next one only where the server turns out not to be able to
    /// do it.
    pub fn mechanisms(mut self, mechanisms: &[Mechanism]) -> Self {
        self.mechanisms = mechanisms.to_vec();
        self
    }

    /// When the command `LOGIN` is used instead of a mechanism.
    pub fn login_command(mut self, when: LoginCommand) -> Self {
        self.login_command = when;
        self
    }

    /// Takes SCRAM's nonces from elsewhere: for tests.
    pub fn nonces(mut self, nonces: Nonces) -> Self {
        self.nonces = nonces;
        self
    }

    /// Lets secrets over a weaker channel than TLS that verified.
    pub fn secrets_over(mut self, weakest: SecretsOver) -> Self {
        self.secrets_over = weakest;
        self
    }

    /// Asks each address of the host by itself, all at once: is every member up? The report has one part
    /// for each. Without it, whichever answers first stands for all.
    pub fn every_address(mut self, each: bool) -> Self {
        self.every_address = each;
        self
    }

    /// When an expiring certificate is worth a word.
    pub fn tls_thresholds(mut self, thresholds: tls::Thresholds) -> Self {
        self.tls_thresholds = thresholds;
        self
    }

    /// The mailbox that is looked into. `INBOX` by default.
    pub fn mailbox(mut self, mailbox: Mailbox) -> Self {
        self.mailbox = mailbox;
        self
    }

    /// How it is opened. By default so that nothing in it can change.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// The rights that the user must have on the mailbox, a letter each (RFC 4314 section 2.1). It is asked only of
    /// servers that know rights.
    pub fn rights(mut self, rights: impl Into<String>) -> Self {
        self.rights = rights.into();
        self
    }

    /// Counts the messages of the mailbox that fit these criteria, and judges the count.
    pub fn search(mut self, criteria: Criteria, found: Thresholds) -> Self {
        self.search = Some((criteria, found));
        self
    }

    /// Judges the number of messages in the mailbox.
    pub fn messages(mut self, thresholds: Thresholds) -> Self {
        self.messages = thresholds;
        self
    }

    /// Judges the age of the oldest message, in seconds since the server received it.
    pub fn oldest(mut self, thresholds: Thresholds) -> Self {
        self.oldest = thresholds;
        self
    }

    /// Judges the age of the newest message, in seconds since the server received it.
    pub fn newest(mut self, thresholds: Thresholds) -> Self {
        self.newest = thresholds;
        self
    }

    /// Judges how much of each quota is used, in per cent. By default a warning above 90, critical above 98.
    pub fn quota(mut self, thresholds: Thresholds) -> Self {
        self.quota = thresholds;
        self
    }

    /// Measures the latency of this many NOOPs.
    pub fn noops(mut self, count: u16) -> Self {
        self.noops = count;
        self
    }

    /// Tries these extensions out, and tells where the server does not offer one or cannot do it.
    pub fn exercise(mut self, extensions: &[Extension]) -> Self {
        self.exercises = extensions.to_vec();
        self
    }

    /// Proves that mail can be edited: makes a folder of its own, puts a message there, finds it, reads it back, flags
    /// it, copies or moves it, removes it, and removes the folder. Nothing else in the account is touched.
    pub fn edit(mut self, prove: bool) -> Self {
        self.edit = prove;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// Options that contradict each other.
    pub fn build(self) -> Result<ImapProbe, ConfigError> {
        if let Some(letter) = self
            .rights
            .chars()
            .find(|letter| !letter.is_ascii_alphanumeric())
        {
            return Err(ConfigError::Right(letter));
        }
        let Some(credentials) = &self.credentials else {
            return match self.edit {
                true => Err(ConfigError::EditAsNobody),
                false => Ok(ImapProbe::new(self)),
            };
        };
        let clear = self.security == Some(Security::Cleartext);
        if clear && self.secrets_over > SecretsOver::Cleartext {
            return Err(ConfigError::SecretsInClear);
        }
        let by_command =
            self.login_command != LoginCommand::Never && credentials.as_password().is_some();
        let by_mechanism = self.login_command != LoginCommand::Only
            && self.mechanisms.iter().any(|one| one.takes(credentials));
        match by_command || by_mechanism {
            true => Ok(ImapProbe::new(self)),
            false => Err(ConfigError::NoMechanism),
        }
    }

    /// How to encrypt on this port.
    pub(crate) fn security_on(&self, port: u16) -> Security {
        self.security.unwrap_or(match port {
            993 => Security::Implicit,
            _ => Security::Required,
        })
    }

    /// The port where the target names none.
    pub(crate) fn default_port(&self) -> u16 {
        match self.security {
            Some(Security::Implicit) => 993,
            _ => 143,
        }
    }
}

/// When the command `LOGIN` (RFC 9051 section 6.2.3) is used instead of a SASL mechanism.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no fourth")]
pub enum LoginCommand {
    /// Where no mechanism can be used.
    #[default]
    LastResort,
    /// Never.
    Never,
    /// Always: no mechanism is tried.
    Only,
}

/// How a mailbox is opened.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 9051 knows these two")]
pub enum Access {
    /// By EXAMINE: nothing in it can change.
    #[default]
    Examine,
    /// By SELECT, which tells whether it can be written to; messages then count as no longer recent.
    Select,
}

/// An extension that can be tried out.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Extension {
    /// Compression (RFC 4978).
    Compress,
    /// Mod-sequences (RFC 7162).
    Condstore,
    /// News without asking (RFC 2177). With the edit proof, also how long news take.
    Idle,
    /// Names and headers in UTF-8 (RFC 9755).
    Utf8,
}

impl Extension {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Compress, Self::Condstore, Self::Idle, Self::Utf8];

    /// The name by which servers offer it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Compress => "COMPRESS=DEFLATE",
            Self::Condstore => "CONDSTORE",
            Self::Idle => "IDLE",
            Self::Utf8 => "UTF8=ACCEPT",
        }
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What to search for (RFC 9051 section 6.4.4): `UNSEEN`, `SINCE 1-Feb-2026 NOT DELETED`, `FROM "alice"`. Dates are
/// whole days to the server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Criteria(String);

impl FromStr for Criteria {
    type Err = CriteriaError;

    fn from_str(text: &str) -> Result<Self, CriteriaError> {
        if text.trim().is_empty() {
            return Err(CriteriaError::Empty);
        }
        if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(CriteriaError::Character);
        }
        // Whatever else is wrong with them, the server will say; but these would swallow what is said next.
        if text.contains('{') || text.matches('"').count() % 2 == 1 {
            return Err(CriteriaError::Open);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Criteria {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text is no criteria.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CriteriaError {
    /// A character that a command line cannot carry.
    #[error("search criteria are printable ASCII")]
    Character,
    /// There is nothing.
    #[error("the search criteria are empty")]
    Empty,
    /// A quote is not closed, or a literal begins.
    #[error("search criteria have an even number of quotes and no {{")]
    Open,
}

/// Why options cannot be built into a probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Mail can only be edited by who logs in.
    #[error("the edit proof needs credentials")]
    EditAsNobody,
    /// None of the allowed ways to log in takes credentials of this kind.
    #[error("none of the allowed mechanisms takes these credentials")]
    NoMechanism,
    /// A right is a letter or a digit.
    #[error("{0:?} is no right: rights are letters (RFC 4314)")]
    Right(char),
    /// There are credentials, TLS is ruled out, and nobody allowed secrets in clear.
    #[error("the credentials would have to go in clear, and that is not allowed")]
    SecretsInClear,
}
