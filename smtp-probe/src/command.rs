//! What we say (RFC 5321 section 4.1.1, RFC 3207, RFC 4954): commands as data, and their bytes.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::str::FromStr;
use std::sync::OnceLock;

use probe_core::{HostName, Secret, TargetError};
use probe_net::Outgoing;
use probe_net::sasl::{self, Mechanism};

use crate::address::{Path, Sender};
use crate::envelope::{MailParameter, Notify};
use crate::message::Message;
use crate::ntlm::NEGOTIATE;
use crate::smuggling::FalseEnd;

/// One command.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Begins to authenticate (RFC 4954 section 4).
    Auth {
        /// How.
        mechanism: Mechanism,
        /// What to say along with it, before base64; empty is said as `=`.
        initial_response: Option<Secret>,
    },
    /// Gives up an authentication under way.
    AuthCancel,
    /// Begins to authenticate by NTLM (MS-SMTPNTLM), which goes no further than to its challenge.
    AuthNtlm,
    /// Answers a challenge.
    AuthResponse {
        /// How we authenticate.
        mechanism: Mechanism,
        /// The message, before base64.
        response: Secret,
    },
    /// Sends a message as it is, in one piece that is also the last (RFC 3030).
    Bdat(Message),
    /// The message, behind the go-ahead for DATA.
    Content(Message),
    /// Asks to send the message.
    Data,
    /// Introduces us and asks for the extensions.
    Ehlo(EhloName),
    /// Asks who is on a list.
    Expn(UserName),
    /// What may be taken for the end of a message: behind the message, or behind another one of these that was not. A
    /// command follows, which is text unless it is.
    FalseEnd {
        /// The message, if nothing of it was sent yet.
        message: Option<Message>,
        /// What is no end.
        end: FalseEnd,
    },
    /// Introduces us to a server that knows no extensions.
    Helo(EhloName),
    /// Begins an envelope.
    Mail {
        /// Who sends.
        sender: Sender,
        /// What more is said of the message.
        parameters: Vec<MailParameter>,
    },
    /// Introduces us to a server of LMTP (RFC 2033 section 4.1).
    Lhlo(EhloName),
    /// Asks for nothing but an answer.
    Noop,
    /// Asks for NTLM's challenge, and names nobody.
    NtlmNegotiate,
    /// Says farewell.
    Quit,
    /// Names a recipient.
    Rcpt {
        /// Who that is.
        recipient: Path,
        /// When a report is wanted.
        notify: Option<Notify>,
    },
    /// Takes the envelope back.
    Reset,
    /// Asks for TLS.
    StartTls,
    /// Asks for TLS, and for an answer behind it, in one packet.
    StartTlsAndNoop,
    /// Asks whether somebody is there.
    Vrfy(UserName),
}

impl Command {
    /// The longest AUTH command that carries its initial response (RFC 5321 section 4.5.3.1.4: 512 octets with
    /// CR LF). RFC 4954 section 4: a longer one waits for the challenge.
    const LINE: usize = 510;

    /// Whether an initial response of this length fits the command line.
    pub(crate) fn fits(mechanism: Mechanism, initial_response: &Secret) -> bool {
        let base64 = initial_response.expose().len().div_ceil(3) * 4;
        "AUTH ".len() + mechanism.as_str().len() + " ".len() + base64 <= Self::LINE
    }

    /// Appends the bytes of the command.
    pub(crate) fn encode(&self, out: &mut Outgoing) {
        match self {
            Self::Auth {
                mechanism,
                initial_response,
            } => {
                out.put(b"AUTH ");
                out.put(mechanism.as_str().as_bytes());
                match initial_response {
                    None => {}
                    Some(empty) if empty.is_empty() => out.put(b" ="),
                    Some(response) => {
                        out.put(b" ");
                        put_message(*mechanism, response, out);
                    }
                }
            }
            Self::AuthCancel => out.put(b"*"),
            Self::AuthNtlm => out.put(b"AUTH NTLM"),
            Self::AuthResponse {
                mechanism,
                response,
            } => put_message(*mechanism, response, out),
            Self::Bdat(message) => {
                let octets = message.octets();
                out.put(format!("BDAT {octets} LAST\r\n").as_bytes());
                out.put(message.bytes());
                return;
            }
            Self::Content(message) => {
                out.put(&message.stuffed());
                out.put(b".");
            }
            Self::Data => out.put(b"DATA"),
            Self::Ehlo(name) => {
                out.put(b"EHLO ");
                out.put(name.as_str().as_bytes());
            }
            Self::Expn(name) => {
                out.put(b"EXPN ");
                out.put(name.as_str().as_bytes());
            }
            Self::FalseEnd { message, end } => {
                let text = message.as_ref().map(Message::stuffed);
                out.put(&text.unwrap_or_default());
                out.put(b"This is not the end:");
                out.put(end.bytes());
                out.put(b"NOOP");
            }
            Self::Helo(name) => {
                out.put(b"HELO ");
                out.put(name.as_str().as_bytes());
            }
            Self::Lhlo(name) => {
                out.put(b"LHLO ");
                out.put(name.as_str().as_bytes());
            }
            Self::Mail { sender, parameters } => {
                out.put(format!("MAIL FROM:<{sender}>").as_bytes());
                for parameter in parameters {
                    out.put(format!(" {parameter}").as_bytes());
                }
            }
            Self::Noop => out.put(b"NOOP"),
            Self::NtlmNegotiate => out.put(NEGOTIATE),
            Self::Quit => out.put(b"QUIT"),
            Self::Rcpt { recipient, notify } => {
                out.put(format!("RCPT TO:<{recipient}>").as_bytes());
                if let Some(notify) = notify {
                    out.put(format!(" NOTIFY={notify}").as_bytes());
                }
            }
            Self::Reset => out.put(b"RSET"),
            Self::StartTls => out.put(b"STARTTLS"),
            Self::StartTlsAndNoop => out.put(b"STARTTLS\r\nNOOP"),
            Self::Vrfy(name) => {
                out.put(b"VRFY ");
                out.put(name.as_str().as_bytes());
            }
        }
        out.put(b"\r\n");
    }
}

fn put_message(mechanism: Mechanism, message: &Secret, out: &mut Outgoing) {
    let message = sasl::to_base64(message);
    match mechanism.shows_the_secret() {
        true => out.put_secret(message.expose()),
        false => out.put_proof(message.expose()),
    }
}

/// What we call ourselves: a host name, or an address literal where there is none (RFC 5321 section
/// 4.1.4).
///
/// ```
/// use smtp_probe::EhloName;
///
/// assert_eq!("probe.example.org".parse::<EhloName>()?.as_str(), "probe.example.org");
/// assert_eq!("[IPv6:2001:db8::1]".parse::<EhloName>()?.as_str(), "[IPv6:2001:db8::1]");
/// assert!("me\r\nMAIL FROM:<>".parse::<EhloName>().is_err());
/// # Ok::<(), smtp_probe::EhloNameError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct EhloName(String);

impl EhloName {
    /// The name as it is said.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This machine's name, if it is one that means something to others.
    pub(crate) fn of_this_machine() -> Option<&'static Self> {
        static NAME: OnceLock<Option<EhloName>> = OnceLock::new();
        let find = || {
            let name = hostname::get().ok()?;
            let name: HostName = name.to_str()?.parse().ok()?;
            name.as_str().contains('.').then(|| Self(name.to_string()))
        };
        NAME.get_or_init(find).as_ref()
    }
}

impl From<IpAddr> for EhloName {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(format!("[{v4}]")),
            IpAddr::V6(v6) => Self(format!("[IPv6:{v6}]")),
        }
    }
}

impl FromStr for EhloName {
    type Err = EhloNameError;

    fn from_str(text: &str) -> Result<Self, EhloNameError> {
        let Some(literal) = text.strip_prefix('[') else {
            return Ok(Self(
                text.parse::<HostName>()
                    .map_err(EhloNameError::Name)?
                    .to_string(),
            ));
        };
        let literal = literal.strip_suffix(']').ok_or(EhloNameError::Literal)?;
        let is_address = match literal.strip_prefix("IPv6:") {
            Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
            None => literal.parse::<Ipv4Addr>().is_ok(),
        };
        match is_address {
            true => Ok(Self(text.to_owned())),
            false => Err(EhloNameError::Literal),
        }
    }
}

impl fmt::Display for EhloName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text is no name to introduce oneself by.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum EhloNameError {
    /// It begins like an address literal and is none.
    #[error("an address literal is written [192.0.2.1] or [IPv6:2001:db8::1]")]
    Literal,
    /// It is no host name.
    #[error(transparent)]
    Name(TargetError),
}

/// Whom VRFY and EXPN ask for: a user, a list, an address.
///
/// ```
/// use smtp_probe::UserName;
///
/// assert_eq!("root".parse::<UserName>()?.as_str(), "root");
/// assert!("root\r\nDATA".parse::<UserName>().is_err());
/// # Ok::<(), smtp_probe::UserNameError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UserName(String);

impl UserName {
    /// As long as an address.
    const OCTETS: usize = 254;

    /// The name as it is said.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserName {
    type Err = UserNameError;

    fn from_str(text: &str) -> Result<Self, UserNameError> {
        let is_printable = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let is_bare = !text.is_empty() && text.trim() == text;
        match is_printable && is_bare && text.len() <= Self::OCTETS {
            true => Ok(Self(text.to_owned())),
            false => Err(UserNameError),
        }
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text is no name to ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a name to ask for is printable ASCII, at most 254 octets, with no blank around it")]
#[non_exhaustive]
pub struct UserNameError;
