//! What may be asked. The builder checks everything, so a probe that was built can only find faults of the
//! server.

use probe_core::HostName;
use probe_net::Net;
use probe_net::sasl::{Credentials, Mechanism, Nonces};
use probe_net::tls::{SecretsOver, Security, Thresholds};

use crate::command::EhloName;
use crate::probe::SmtpProbe;

/// Everything that can be asked of an SMTP server, and how; made by [`SmtpProbe::builder`].
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "ring")] {
/// use probe_net::sasl::Credentials;
/// use probe_net::tls::{Security, Tls};
/// use probe_net::{Net, sasl::Mechanism};
/// use smtp_probe::SmtpProbe;
///
/// # let roots = rustls::RootCertStore::empty();
/// let net = Net::new(Tls::ring(roots));
/// let probe = SmtpProbe::builder(net)
///     .security(Security::Required)
///     .credentials(Credentials::password("alice@example.org", "correct horse")?)
///     .mechanisms(&[Mechanism::ScramSha256, Mechanism::Plain])
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
    pub(crate) ehlo_name: Option<EhloName>,
    pub(crate) credentials: Option<Credentials>,
    pub(crate) mechanisms: Vec<Mechanism>,
    pub(crate) nonces: Nonces,
    pub(crate) secrets_over: SecretsOver,
    pub(crate) ehlo_after_auth: bool,
    pub(crate) every_address: bool,
    pub(crate) tls_thresholds: Thresholds,
}

impl Options {
    pub(crate) fn new(net: Net) -> Self {
        Self {
            net,
            security: None,
            server_name: None,
            ehlo_name: None,
            credentials: None,
            mechanisms: Mechanism::ALL.to_vec(),
            nonces: Nonces::System,
            secrets_over: SecretsOver::default(),
            ehlo_after_auth: true,
            every_address: false,
            tls_thresholds: Thresholds::default(),
        }
    }

    /// Whether and how to encrypt. Without it the port decides: implicit TLS on 465, STARTTLS required on
    /// 587, opportunistic elsewhere.
    pub fn security(mut self, security: Security) -> Self {
        self.security = Some(security);
        self
    }

    /// The name to ask for in TLS and to find in the certificate, where it is not the target's.
    pub fn server_name(mut self, name: HostName) -> Self {
        self.server_name = Some(name);
        self
    }

    /// What to call ourselves. Without it: this machine's host name if it is a full one, else the address
    /// that the connection comes from.
    pub fn ehlo_name(mut self, name: EhloName) -> Self {
        self.ehlo_name = Some(name);
        self
    }

    /// Authenticates.
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

    /// Whether to ask for the extensions once more after authentication, where they may differ. On by
    /// default; a server that refuses is a fact, not a failure.
    pub fn ehlo_after_auth(mut self, ask: bool) -> Self {
        self.ehlo_after_auth = ask;
        self
    }

    /// Asks each address of the host by itself, all at once: is every member up? The report has one part
    /// for each. Without it, whichever answers first stands for all.
    pub fn every_address(mut self, each: bool) -> Self {
        self.every_address = each;
        self
    }

    /// When an expiring certificate is worth a word.
    pub fn tls_thresholds(mut self, thresholds: Thresholds) -> Self {
        self.tls_thresholds = thresholds;
        self
    }

    /// The probe.
    ///
    /// # Errors
    /// Options that contradict each other.
    pub fn build(self) -> Result<SmtpProbe, ConfigError> {
        let Some(credentials) = &self.credentials else {
            return Ok(SmtpProbe::new(self));
        };
        let clear = self.security == Some(Security::Cleartext);
        if clear && self.secrets_over > SecretsOver::Cleartext {
            return Err(ConfigError::SecretsInClear);
        }
        match self.mechanisms.iter().any(|one| one.takes(credentials)) {
            true => Ok(SmtpProbe::new(self)),
            false => Err(ConfigError::NoMechanism),
        }
    }

    /// How to encrypt on this port.
    pub(crate) fn security_on(&self, port: u16) -> Security {
        self.security.unwrap_or(match port {
            465 => Security::Implicit,
            587 => Security::Required,
            _ => Security::Opportunistic,
        })
    }

    /// The port where the target names none.
    pub(crate) fn default_port(&self) -> u16 {
        match self.security {
            Some(Security::Implicit) => 465,
            _ => 25,
        }
    }
}

/// Why options cannot be built into a probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// None of the allowed mechanisms takes credentials of this kind.
    #[error("none of the allowed mechanisms takes these credentials")]
    NoMechanism,
    /// There are credentials, TLS is ruled out, and nobody allowed secrets in clear.
    #[error("the credentials would have to go in clear, and that is not allowed")]
    SecretsInClear,
}
