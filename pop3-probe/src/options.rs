//! What may be asked. The builder checks everything, so a probe that was built can only find faults of the
//! server.

use probe_core::{HostName, Thresholds};
use probe_net::Net;
use probe_net::sasl::{Credentials, Mechanism, Nonces};
use probe_net::tls::{self, SecretsOver, Security};

use crate::probe::Pop3Probe;

/// Everything that can be asked of a POP3 server, and how; made by [`Pop3Probe::builder`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "ring")] {
/// use pop3_probe::Pop3Probe;
/// use probe_core::Thresholds;
/// use probe_net::Net;
/// use probe_net::sasl::Credentials;
/// use probe_net::tls::{Security, Tls};
///
/// # let roots = rustls::RootCertStore::empty();
/// let net = Net::new(Tls::ring(roots));
/// let probe = Pop3Probe::builder(net)
///     .security(Security::Implicit)
///     .credentials(Credentials::password("alice@example.org", "correct horse")?)
///     .messages(Thresholds::new(Some("1000".parse()?), None))
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
    pub(crate) capa_after_auth: bool,
    pub(crate) every_address: bool,
    pub(crate) tls_thresholds: tls::Thresholds,
    pub(crate) list_up_to: u64,
    pub(crate) messages: Thresholds,
    pub(crate) octets: Thresholds,
    pub(crate) oldest: Thresholds,
    pub(crate) newest: Thresholds,
    pub(crate) ages: bool,
    pub(crate) noops: u16,
    pub(crate) languages: bool,
    pub(crate) utf8: bool,
    pub(crate) retrieve: bool,
    pub(crate) retrieve_up_to: u64,
    pub(crate) prove_rights: bool,
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
            capa_after_auth: true,
            every_address: false,
            tls_thresholds: tls::Thresholds::default(),
            list_up_to: 10_000,
            messages: Thresholds::default(),
            octets: Thresholds::default(),
            oldest: Thresholds::default(),
            newest: Thresholds::default(),
            ages: false,
            noops: 0,
            languages: false,
            utf8: false,
            retrieve: false,
            retrieve_up_to: 256 * 1024,
            prove_rights: false,
        }
    }

    /// Whether and how to encrypt. Without it the port decides: implicit TLS on 995, STLS required elsewhere.
    pub fn security(mut self, security: Security) -> Self {
        self.security = Some(security);
        self
    }

    /// The name to ask for in TLS and to find in the certificate, where it is not the target's.
    pub fn server_name(mut self, name: HostName) -> Self {
        self.server_name = Some(name);
        self
    }

    /// Authenticates, and looks into the maildrop.
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

    /// When a command of POP3's own is used instead of a mechanism.
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

    /// Whether to ask for the capabilities once more after authentication, where they may differ. On by default; a
    /// server that refuses is a fact, not a failure.
    pub fn capa_after_auth(mut self, ask: bool) -> Self {
        self.capa_after_auth = ask;
        self
    }

    /// Asks each address of the host by itself: is every member up? The report has one part for each. Without it,
    /// whichever answers first stands for all. With credentials they are asked one after the other, since a maildrop
    /// takes one session at a time.
    pub fn every_address(mut self, each: bool) -> Self {
        self.every_address = each;
        self
    }

    /// When an expiring certificate is worth a word.
    pub fn tls_thresholds(mut self, thresholds: tls::Thresholds) -> Self {
        self.tls_thresholds = thresholds;
        self
    }
}

/// What to ask of the maildrop.
impl Options {
    /// Asks for the size and the unique id of each message (LIST and UIDL) in maildrops of so many messages and
    /// fewer: 10,000 without this option; with 0 in none.
    pub fn list_up_to(mut self, messages: u64) -> Self {
        self.list_up_to = messages;
        self
    }

    /// Judges the number of messages in the maildrop.
    pub fn messages(mut self, thresholds: Thresholds) -> Self {
        self.messages = thresholds;
        self
    }

    /// Judges how many octets all messages together have.
    pub fn octets(mut self, thresholds: Thresholds) -> Self {
        self.octets = thresholds;
        self
    }

    /// Judges the age of the oldest message, in seconds: mail that nobody fetches any more. Asks for the ages.
    pub fn oldest(mut self, thresholds: Thresholds) -> Self {
        self.oldest = thresholds;
        self.ages = true;
        self
    }

    /// Judges the age of the newest message, in seconds: whether mail still arrives. Asks for the ages.
    pub fn newest(mut self, thresholds: Thresholds) -> Self {
        self.newest = thresholds;
        self.ages = true;
        self
    }

    /// Whether to ask for the header sections of the oldest and the newest message (TOP), which tell their ages.
    pub fn ages(mut self, ask: bool) -> Self {
        self.ages = ask;
        self
    }

    /// Measures the latency of this many NOOPs.
    pub fn noops(mut self, count: u16) -> Self {
        self.noops = count;
        self
    }

    /// Whether to ask which languages the server speaks (RFC 6856 section 3), where it offers to tell.
    pub fn languages(mut self, ask: bool) -> Self {
        self.languages = ask;
        self
    }

    /// Whether to switch to UTF-8 before the login (RFC 6856 section 2), where the server offers it.
    pub fn utf8(mut self, ask: bool) -> Self {
        self.utf8 = ask;
        self
    }

    /// Whether to read one message whole (RETR), the smallest.
    pub fn retrieve(mut self, read: bool) -> Self {
        self.retrieve = read;
        self
    }

    /// The most octets of a message that is read whole: 262,144 without this option.
    pub fn retrieve_up_to(mut self, octets: u64) -> Self {
        self.retrieve_up_to = octets;
        self
    }

    /// Whether to prove what the account may do: the smallest message is read (RETR, TOP), marked as deleted (DELE)
    /// and unmarked (RSET), and a fresh session shows that it is still there. A session that breaks off between the
    /// mark and the answer to RSET ends without QUIT, so that the server deletes nothing.
    pub fn prove_rights(mut self, prove: bool) -> Self {
        self.prove_rights = prove;
        self
    }
}

impl Options {
    /// The probe.
    ///
    /// # Errors
    /// Options that contradict each other.
    pub fn build(self) -> Result<Pop3Probe, ConfigError> {
        let Some(credentials) = &self.credentials else {
            return match self.asks_of_the_maildrop() {
                true => Err(ConfigError::NoCredentials),
                false => Ok(Pop3Probe::new(self)),
            };
        };
        let clear = self.security == Some(Security::Cleartext);
        if clear && self.secrets_over > SecretsOver::Cleartext {
            return Err(ConfigError::SecretsInClear);
        }
        let password = credentials.as_password();
        let by_command = self.login_command != LoginCommand::Never && password.is_some();
        let by_mechanism = self.login_command.allows_mechanisms()
            && self.mechanisms.iter().any(|one| one.takes(credentials));
        if !by_command && !by_mechanism {
            return Err(ConfigError::NoMechanism);
        }
        // RFC 1939 section 3: arguments are separated by blanks.
        let has_blank = password.is_some_and(|(user, _)| user.contains(' '));
        match self.login_command == LoginCommand::Apop && has_blank {
            true => Err(ConfigError::UserName),
            false => Ok(Pop3Probe::new(self)),
        }
    }

    fn asks_of_the_maildrop(&self) -> bool {
        let has_threshold = [self.messages, self.octets, self.oldest, self.newest]
            .iter()
            .any(|one| *one != Thresholds::default());
        has_threshold || self.ages || self.noops > 0 || self.retrieve || self.prove_rights
    }

    /// The same login, and a look at what is there: for the session that shows that nothing was lost.
    pub(crate) fn for_a_second_look(&self) -> Self {
        Self {
            capa_after_auth: false,
            ages: false,
            noops: 0,
            languages: false,
            retrieve: false,
            prove_rights: false,
            ..self.clone()
        }
    }

    /// How to encrypt on this port.
    pub(crate) fn security_on(&self, port: u16) -> Security {
        self.security.unwrap_or(match port {
            995 => Security::Implicit,
            _ => Security::Required,
        })
    }

    /// The port where the target names none.
    pub(crate) fn default_port(&self) -> u16 {
        match self.security {
            Some(Security::Implicit) => 995,
            _ => 110,
        }
    }
}

/// When a command of POP3's own (RFC 1939 section 7) is used instead of a SASL mechanism.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no fifth")]
pub enum LoginCommand {
    /// APOP always. It is weak (MD5), and a server that shows its timestamp need not be able to do it, so it is never
    /// tried unasked.
    Apop,
    /// USER and PASS where no mechanism can be used.
    #[default]
    LastResort,
    /// Never.
    Never,
    /// USER and PASS always: no mechanism is tried.
    Only,
}

impl LoginCommand {
    const fn allows_mechanisms(self) -> bool {
        matches!(self, Self::LastResort | Self::Never)
    }
}

/// Why options cannot be built into a probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Something is asked of the maildrop, and nobody logs in.
    #[error("the maildrop cannot be looked into without credentials")]
    NoCredentials,
    /// None of the allowed ways to log in takes credentials of this kind.
    #[error("none of the allowed mechanisms takes these credentials")]
    NoMechanism,
    /// There are credentials, TLS is ruled out, and nobody allowed secrets in clear.
    #[error("the credentials would have to go in clear, and that is not allowed")]
    SecretsInClear,
    /// APOP cannot carry this user name.
    #[error("APOP takes no user name with a blank in it")]
    UserName,
}
