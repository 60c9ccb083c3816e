//! What we say (RFC 1939, RFC 2449, RFC 2595, RFC 5034, RFC 6856): commands as data, their bytes, and the form of
//! reply that each awaits.

use probe_core::Secret;
use probe_net::Outgoing;
use probe_net::sasl::{self, Mechanism};

/// One command.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// Logs in by a digest of the greeting's timestamp and the password (RFC 1939 section 7).
    Apop {
        /// As whom.
        user: String,
        /// The digest, in hexadecimal digits.
        digest: Secret,
    },
    /// Begins to authenticate (RFC 5034 section 4).
    Auth {
        /// How.
        mechanism: Mechanism,
        /// What to say along with it, before base64; empty is said as `=`.
        initial_response: Option<Secret>,
    },
    /// Gives up an authentication under way.
    AuthCancel,
    /// Answers a challenge.
    AuthResponse {
        /// How we authenticate.
        mechanism: Mechanism,
        /// The message, before base64.
        response: Secret,
    },
    /// Asks for the capabilities.
    Capa,
    /// Marks a message as deleted, until RSET or QUIT.
    Dele(u32),
    /// Asks for the languages that the server speaks.
    Lang,
    /// Asks for the size of every message.
    List,
    /// Does nothing.
    Noop,
    /// The password that goes with USER.
    Pass(Secret),
    /// Says farewell; what is marked as deleted is deleted then.
    Quit,
    /// Asks for a message.
    Retr(u32),
    /// Takes all marks back.
    Rset,
    /// Asks how much there is.
    Stat,
    /// Asks for TLS.
    Stls,
    /// Asks for the header section of a message.
    Top(u32),
    /// Asks for the unique id of every message.
    Uidl,
    /// The name that goes with PASS.
    User(String),
    /// Asks for UTF-8 in names, passwords and messages.
    Utf8,
}

/// What the reply to a command looks like, where it is a good one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// A status line.
    Line,
    /// A status line, and a list up to a lone dot.
    List,
    /// A status line, and a message up to a lone dot.
    Message,
}

impl Command {
    /// The longest command, CR LF not counted (RFC 2449 section 4: 255 octets with it). RFC 5034 section 4: an
    /// initial response that does not fit waits for the challenge.
    const LINE: usize = 253;

    /// Whether an initial response of this length fits the command line.
    pub(crate) fn fits(mechanism: Mechanism, initial_response: &Secret) -> bool {
        let base64 = initial_response.expose().len().div_ceil(3) * 4;
        "AUTH ".len() + mechanism.as_str().len() + " ".len() + base64 <= Self::LINE
    }

    /// The form of a good reply. RFC 1939 section 3: whether there is more than one line depends on the command.
    pub(crate) const fn form(&self) -> Form {
        match self {
            Self::Capa | Self::Lang | Self::List | Self::Uidl => Form::List,
            Self::Retr(_) | Self::Top(_) => Form::Message,
            _ => Form::Line,
        }
    }

    /// Its word, as the server knows it.
    pub(crate) const fn verb(&self) -> &'static str {
        match self {
            Self::Apop { .. } => "APOP",
            Self::Auth { .. } => "AUTH",
            Self::AuthCancel => "*",
            Self::AuthResponse { .. } => "",
            Self::Capa => "CAPA",
            Self::Dele(_) => "DELE",
            Self::Lang => "LANG",
            Self::List => "LIST",
            Self::Noop => "NOOP",
            Self::Pass(_) => "PASS",
            Self::Quit => "QUIT",
            Self::Retr(_) => "RETR",
            Self::Rset => "RSET",
            Self::Stat => "STAT",
            Self::Stls => "STLS",
            Self::Top(_) => "TOP",
            Self::Uidl => "UIDL",
            Self::User(_) => "USER",
            Self::Utf8 => "UTF8",
        }
    }

    /// Appends the bytes of the command.
    pub(crate) fn encode(&self, out: &mut Outgoing) {
        out.put(self.verb().as_bytes());
        match self {
            Self::Apop { user, digest } => {
                out.put(b" ");
                out.put(user.as_bytes());
                out.put(b" ");
                out.put_proof(digest.expose());
            }
            Self::Auth {
                mechanism,
                initial_response,
            } => {
                out.put(b" ");
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
            Self::AuthResponse {
                mechanism,
                response,
            } => put_message(*mechanism, response, out),
            Self::Pass(password) => {
                out.put(b" ");
                out.put_secret(password.expose());
            }
            Self::User(user) => {
                out.put(b" ");
                out.put(user.as_bytes());
            }
            Self::Dele(message) | Self::Retr(message) => {
                out.put(format!(" {message}").as_bytes());
            }
            Self::Top(message) => out.put(format!(" {message} 0").as_bytes()),
            _ => {}
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
