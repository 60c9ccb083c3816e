//! What a caller may get wrong.

use probe_net::tls::{SecretsOver, Security};

use super::{Introduction, Options, Protocol};
use crate::address::Address;

impl Options {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.verify.len() > Self::NAMES {
            return Err(ConfigError::TooManyNames);
        }
        self.check_envelope()?;
        self.check_introduction()?;
        self.check_injection_test()?;
        let clear = self.security == Some(Security::Cleartext);
        if clear && self.tls_expectation.demands_tls() {
            return Err(ConfigError::ExpectationInClear);
        }
        if self.relay_test.is_some() && self.credentials.is_some() {
            return Err(ConfigError::RelayTestAsUser);
        }
        self.check_login(clear)
    }

    fn check_login(&self, clear: bool) -> Result<(), ConfigError> {
        let Some(credentials) = &self.credentials else {
            return match self.expect_refusal {
                true => Err(ConfigError::RefusalOfNobody),
                false => Ok(()),
            };
        };
        if clear && self.secrets_over > SecretsOver::Cleartext {
            return Err(ConfigError::SecretsInClear);
        }
        match self.mechanisms.iter().any(|one| one.takes(credentials)) {
            true => Ok(()),
            false => Err(ConfigError::NoMechanism),
        }
    }

    fn check_introduction(&self) -> Result<(), ConfigError> {
        let needs_ehlo = self.credentials.is_some()
            || self.ntlm_facts
            || self.security == Some(Security::Required)
            || self.tls_expectation.demands_tls();
        match self.introduction {
            Introduction::Helo if self.protocol == Protocol::Lmtp => Err(ConfigError::LmtpByHelo),
            Introduction::Helo if needs_ehlo => Err(ConfigError::HeloOnly),
            _ => Ok(()),
        }
    }

    fn check_injection_test(&self) -> Result<(), ConfigError> {
        let has_starttls = !matches!(
            self.security,
            Some(Security::Cleartext | Security::Implicit)
        );
        let is_alone = self.credentials.is_none() && !self.ntlm_facts && !self.has_questions();
        match self.injection_test {
            true if !has_starttls || self.introduction == Introduction::Helo => {
                Err(ConfigError::InjectionWithoutStartTls)
            }
            true if !is_alone || self.quit_after.is_some() => Err(ConfigError::InjectionTestAlone),
            _ => Ok(()),
        }
    }

    fn check_envelope(&self) -> Result<(), ConfigError> {
        if self.recipients.len() > Self::RECIPIENTS {
            return Err(ConfigError::TooManyRecipients);
        }
        let domain = self.recipients.first().and_then(Address::domain);
        if self.catch_all && domain.is_none() {
            return Err(ConfigError::CatchAllOfNothing);
        }
        if self.message.is_some() && self.recipients.is_empty() {
            return Err(ConfigError::MessageToNobody);
        }
        if self.message.is_none() && self.smuggling_test {
            return Err(ConfigError::SmugglingNothing);
        }
        if self.message.is_some() && self.quit_after.is_some() {
            return Err(ConfigError::MessageBehindTheEnd);
        }
        // It would be sent to whoever gets what nobody else does.
        if self.message.is_some() && self.catch_all {
            return Err(ConfigError::MessageToStranger);
        }
        if self.notify.is_some() && self.recipients.is_empty() {
            return Err(ConfigError::NoEnvelope);
        }
        let says_more = self.message_size.is_some()
            || self.eight_bit
            || self.require_tls
            || self.returned.is_some()
            || self.envelope_id.is_some();
        match says_more && !self.has_envelope() {
            true => Err(ConfigError::NoEnvelope),
            false if self.require_tls && self.security == Some(Security::Cleartext) => {
                Err(ConfigError::RequireTlsInClear)
            }
            false => Ok(()),
        }
    }
}

/// Why options cannot be built into a probe.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// A name that nobody has is made in the domain of the first recipient.
    #[error("asking for a name that nobody has needs a recipient with a domain")]
    CatchAllOfNothing,
    /// Something is to be said of an envelope that is not there.
    #[error("parameters of an envelope need a sender or a recipient")]
    NoEnvelope,
    /// STARTTLS and AUTH, by NTLM too, are extensions, and HELO knows none.
    #[error("STARTTLS and a login need EHLO")]
    HeloOnly,
    /// Servers of LMTP know LHLO only (RFC 2033 section 4.1).
    #[error("LMTP knows no HELO")]
    LmtpByHelo,
    /// TLS is expected to be such and such, and ruled out.
    #[error("TLS is ruled out, so nothing can be expected of it")]
    ExpectationInClear,
    /// The test of what is said before TLS ends the dialogue.
    #[error(
        "the test of commands before TLS is done alone: no login and no other question with it"
    )]
    InjectionTestAlone,
    /// There is no STARTTLS to test.
    #[error("commands before TLS can be tested only where STARTTLS may be used")]
    InjectionWithoutStartTls,
    /// The dialogue would end before the message.
    #[error("no message is sent where the dialogue is to end early")]
    MessageBehindTheEnd,
    /// There is a message and no recipient.
    #[error("a message needs a recipient")]
    MessageToNobody,
    /// A message would go to a name that was made up.
    #[error("no message is sent to a name that nobody has")]
    MessageToStranger,
    /// None of the allowed mechanisms takes credentials of this kind.
    #[error("none of the allowed mechanisms takes these credentials")]
    NoMechanism,
    /// There is nobody to be refused.
    #[error("a login that must be refused needs credentials")]
    RefusalOfNobody,
    /// Whoever has logged in may send.
    #[error("a relay test is done as a stranger, without credentials")]
    RelayTestAsUser,
    /// A message that requires TLS cannot be spoken of without.
    #[error("TLS is required for the message, and ruled out for the probe")]
    RequireTlsInClear,
    /// There are credentials, TLS is ruled out, and nobody allowed secrets in clear.
    #[error("the credentials would have to go in clear, and that is not allowed")]
    SecretsInClear,
    /// The false ends stand behind a message.
    #[error("the test of false ends needs a message")]
    SmugglingNothing,
    /// More names than a polite guest asks for.
    #[error("there are more than {} names to verify", Options::NAMES)]
    TooManyNames,
    /// More recipients than every server must take.
    #[error("there are more than {} recipients", Options::RECIPIENTS)]
    TooManyRecipients,
}
