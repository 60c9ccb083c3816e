//! What may stand behind the addresses of an envelope: the parameters of MAIL and RCPT, each of an extension.

use core::fmt;
use core::str::FromStr;

/// One parameter of MAIL (RFC 5321 section 4.1.1.2).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MailParameter {
    /// The message has lines of eight bits (RFC 6152).
    EightBit,
    /// What reports on it are to name it by (RFC 3461 section 4.4).
    EnvelopeId(EnvelopeId),
    /// It may travel over verified TLS only (RFC 8689).
    RequireTls,
    /// What is to be returned of it (RFC 3461 section 4.3).
    Return(Return),
    /// It has so many octets (RFC 1870).
    Size(u64),
    /// Its addresses or headers are not in ASCII (RFC 6531).
    SmtpUtf8,
}

impl MailParameter {
    /// The keyword of EHLO that allows it.
    pub const fn extension(&self) -> &'static str {
        match self {
            Self::EightBit => "8BITMIME",
            Self::EnvelopeId(_) | Self::Return(_) => "DSN",
            Self::RequireTls => "REQUIRETLS",
            Self::Size(_) => "SIZE",
            Self::SmtpUtf8 => "SMTPUTF8",
        }
    }
}

/// As it is said.
impl fmt::Display for MailParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EightBit => f.write_str("BODY=8BITMIME"),
            Self::EnvelopeId(id) => write!(f, "ENVID={}", id.to_xtext()),
            Self::RequireTls => f.write_str("REQUIRETLS"),
            Self::Return(Return::Full) => f.write_str("RET=FULL"),
            Self::Return(Return::Headers) => f.write_str("RET=HDRS"),
            Self::Size(octets) => write!(f, "SIZE={octets}"),
            Self::SmtpUtf8 => f.write_str("SMTPUTF8"),
        }
    }
}

/// A name for an envelope, up to 100 octets as it is said (RFC 3461 section 4.4).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EnvelopeId(String);

impl EnvelopeId {
    const OCTETS: usize = 100;

    /// ```abnf
    /// xtext   = *( xchar / hexchar )
    /// xchar   = any ASCII CHAR between "!" (33) and "~" (126) inclusive, except for "+" and "=".
    /// hexchar = ASCII "+" immediately followed by two upper case hexadecimal digits
    /// ```
    /// RFC 3461 section 4.
    fn to_xtext(&self) -> String {
        let quote = |byte: u8| match byte {
            b'!'..=b'~' if !matches!(byte, b'+' | b'=') => char::from(byte).to_string(),
            _ => format!("+{byte:02X}"),
        };
        self.0.bytes().map(quote).collect()
    }
}

impl FromStr for EnvelopeId {
    type Err = ParameterError;

    fn from_str(text: &str) -> Result<Self, ParameterError> {
        let id = Self(text.to_owned());
        let is_printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        match is_printable && !text.is_empty() && id.to_xtext().len() <= Self::OCTETS {
            true => Ok(id),
            false => Err(ParameterError::EnvelopeId),
        }
    }
}

/// What is returned of a message that could not be delivered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "RFC 3461 knows these two")]
pub enum Return {
    /// All of it.
    Full,
    /// Its headers.
    Headers,
}

impl FromStr for Return {
    type Err = ParameterError;

    fn from_str(text: &str) -> Result<Self, ParameterError> {
        match text.to_ascii_lowercase().as_str() {
            "full" => Ok(Self::Full),
            "headers" | "hdrs" => Ok(Self::Headers),
            _ => Err(ParameterError::Return),
        }
    }
}

/// When a report on the delivery is wanted (RFC 3461 section 4.1): `never`, or some of `success`, `failure` and
/// `delay`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Notify(String);

impl FromStr for Notify {
    type Err = ParameterError;

    fn from_str(text: &str) -> Result<Self, ParameterError> {
        let text = text.to_ascii_uppercase();
        let words: Vec<&str> = text.split(',').collect();
        let is_event = |word: &str| matches!(word, "SUCCESS" | "FAILURE" | "DELAY");
        match text == "NEVER" || words.into_iter().all(is_event) {
            true => Ok(Self(text)),
            false => Err(ParameterError::Notify),
        }
    }
}

/// As it is said.
impl fmt::Display for Notify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text is no parameter.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// It is no name for an envelope.
    #[error("a name for an envelope is printable ASCII, at most 100 octets as it is said")]
    EnvelopeId,
    /// It says nothing of reports.
    #[error("reports come never, or on success, failure, delay, with commas between them")]
    Notify,
    /// It is nothing that can be returned.
    #[error("what is returned is full or headers")]
    Return,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_for_an_envelope_cannot_end_its_parameter() {
        let said = |text: &str| {
            let id = text.parse().map(MailParameter::EnvelopeId);
            id.map(|id| id.to_string())
        };
        assert_eq!(said("a+b=c d"), Ok("ENVID=a+2Bb+3Dc+20d".to_owned()));
        assert_eq!(said("a\r\nb"), Err(ParameterError::EnvelopeId));
        assert_eq!(said(""), Err(ParameterError::EnvelopeId));
        assert!(said(&"x".repeat(100)).is_ok() && said(&"x".repeat(101)).is_err());
        assert!(said(&"+".repeat(33)).is_ok() && said(&"+".repeat(34)).is_err());
    }

    #[test]
    fn reports_come_on_known_events_only() {
        let said = |text: &str| text.parse::<Notify>().map(|it| it.to_string());
        assert_eq!(said("never"), Ok("NEVER".to_owned()));
        assert_eq!(said("success,Delay"), Ok("SUCCESS,DELAY".to_owned()));
        for wrong in ["", "never,delay", "success,", "success\r\nDATA"] {
            assert_eq!(said(wrong), Err(ParameterError::Notify), "{wrong}");
        }
        assert_eq!("HDRS".parse(), Ok(Return::Headers));
        assert_eq!("some".parse::<Return>(), Err(ParameterError::Return));
    }
}
