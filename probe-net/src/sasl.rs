//! SASL (RFC 4422) as a pure exchange: challenges in, responses out. How the messages travel (base64,
//! `AUTH`, `AUTHENTICATE`, `+`) is each protocol's own.
//!
//! ```
//! use probe_net::sasl::{Credentials, Exchange, Mechanism, Nonces, candidates};
//!
//! let credentials = Credentials::password("alice", "wonder land")?;
//! let offered = [Mechanism::Login, Mechanism::Plain];
//! let best = candidates(&offered, &credentials, None)[0];
//! assert_eq!(best, Mechanism::Plain);
//!
//! let mut exchange = Exchange::begin(best, &credentials, &offered, None, &Nonces::System)?;
//! let response = exchange.initial_response().expect("PLAIN speaks first");
//! assert_eq!(response.expose(), b"\0alice\0wonder land");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod credentials;
mod login;
mod mechanism;
mod scram;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use probe_core::Secret;

use crate::echo::Echoes;
use crate::tls::TlsFacts;
use credentials::Kind;
use scram::{ChannelBinding, Scram};

pub use credentials::{Credentials, CredentialsError};
pub use login::{Attempt, AuthFacts, Login, Way, forbids_passwords};
pub use mechanism::{Mechanism, candidates};

/// Where the nonces of SCRAM come from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[allow(
    clippy::exhaustive_enums,
    reason = "a nonce is random or it is a test's"
)]
pub enum Nonces {
    /// Always this one: for tests only, since SCRAM is only as safe as its nonces are fresh.
    Fixed(String),
    /// The operating system's random numbers.
    #[default]
    System,
}

impl Nonces {
    fn next(&self) -> Result<String, SaslError> {
        match self {
            Self::Fixed(nonce) => Ok(nonce.clone()),
            Self::System => {
                let mut bytes = [0; 18];
                getrandom::fill(&mut bytes).map_err(|_| SaslError::NoRandomness)?;
                Ok(STANDARD.encode(bytes))
            }
        }
    }
}

/// One authentication under way.
#[derive(Debug)]
pub struct Exchange {
    mechanism: Mechanism,
    credentials: Credentials,
    state: State,
    proof_sent: bool,
    server_error: Option<Vec<u8>>,
}

#[derive(Debug)]
enum State {
    /// The client's first message is still to be said.
    First,
    /// LOGIN: the user name was asked for and given.
    Named,
    Scram(Box<Scram>),
    /// Everything was said.
    Said,
}

impl Exchange {
    /// Begins to authenticate by `mechanism`. `offered` is what the server offers: SCRAM tells the server what it
    /// has heard, so that nobody in between can take the stronger forms out (RFC 5802 section 6).
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn begin(
        mechanism: Mechanism,
        credentials: &Credentials,
        offered: &[Mechanism],
        tls: Option<&TlsFacts>,
        nonces: &Nonces,
    ) -> Result<Self, SaslError> {
        use Mechanism::{ScramSha1, ScramSha1Plus, ScramSha256, ScramSha256Plus};
        let state = match mechanism {
            ScramSha1 | ScramSha1Plus | ScramSha256 | ScramSha256Plus => {
                let binding = if mechanism.binds_channel() {
                    ChannelBinding::of(tls).ok_or(SaslError::NoChannel)?
                } else if tls.is_some() && !offered.iter().any(|other| other.binds_channel()) {
                    ChannelBinding::NotOffered
                } else {
                    ChannelBinding::Unsupported
                };
                let scram = Scram::new(mechanism, credentials.user(), binding, nonces.next()?);
                State::Scram(Box::new(scram))
            }
            _ => State::First,
        };
        Ok(Self {
            mechanism,
            credentials: credentials.clone(),
            state,
            proof_sent: false,
            server_error: None,
        })
    }

    /// The mechanism.
    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// What to say first; `None` where the server speaks first, or when it was said already.
    pub fn initial_response(&mut self) -> Option<Secret> {
        match &mut self.state {
            State::Scram(scram) => scram.client_first(),
            State::First => {
                let message = self.first_message()?;
                self.state = State::Said;
                self.proof_sent = true;
                Some(message)
            }
            State::Named | State::Said => None,
        }
    }

    /// Says the first message again when the server asks for it: for one that did not fit the command's line.
    pub fn take_back_initial_response(&mut self) {
        match &mut self.state {
            State::Scram(scram) => scram.start_over(),
            State::Said => self.state = State::First,
            State::First | State::Named => {}
        }
        self.proof_sent = false;
    }

    fn first_message(&self) -> Option<Secret> {
        let user = self.credentials.user().as_bytes();
        let secret = self.credentials.secret();
        let message: Vec<&[u8]> = match self.mechanism {
            Mechanism::Anonymous => match &self.credentials.0 {
                Kind::Anonymous { trace } => vec![trace.as_bytes()],
                _ => vec![],
            },
            Mechanism::External => vec![user],
            Mechanism::OAuthBearer => {
                let user = sasl_name(self.credentials.user());
                let header = format!("n,a={user},\x01auth=Bearer ");
                return Some(Secret::new(
                    [header.as_bytes(), secret, b"\x01\x01"].concat(),
                ));
            }
            Mechanism::Plain => vec![b"\0", user, b"\0", secret],
            Mechanism::XOAuth2 => vec![b"user=", user, b"\x01auth=Bearer ", secret, b"\x01\x01"],
            _ => return None,
        };
        Some(Secret::new(message.concat()))
    }

    /// The answer to a challenge.
    ///
    /// # Errors
    /// The challenge is not one of this mechanism, or shows that the server does not know the password.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Secret, SaslError> {
        if let State::Scram(scram) = &mut self.state {
            // RFC 5802 section 7, server-error: where its proof should be it says why it refuses ours.
            if scram.awaits_proof() && challenge.starts_with(b"e=") {
                let (response, _) = self.acknowledge(challenge, b"")?;
                return Ok(response);
            }
            let response = scram.respond(challenge, self.credentials.secret())?;
            self.proof_sent |= scram.proof_sent();
            return Ok(response);
        }
        if let Some(first) = self.initial_response() {
            return Ok(first);
        }
        let (response, next) = match (&self.state, self.mechanism) {
            (State::First, Mechanism::Login) => {
                (Secret::from(self.credentials.user()), State::Named)
            }
            (State::Named, Mechanism::Login) => {
                (Secret::new(self.credentials.secret()), State::Said)
            }
            (State::First, Mechanism::CramMd5) => (self.cram_md5(challenge), State::Said),
            // A refusal with its reason, which must be acknowledged before the refusal itself comes.
            (State::Said, Mechanism::XOAuth2) => self.acknowledge(challenge, b"")?,
            (State::Said, Mechanism::OAuthBearer) => self.acknowledge(challenge, b"\x01")?,
            _ => return Err(SaslError::Unexpected),
        };
        self.proof_sent |= matches!(next, State::Said);
        self.state = next;
        Ok(response)
    }

    /// RFC 7628 section 3.2.3.
    fn acknowledge(
        &mut self,
        reason: &[u8],
        response: &[u8],
    ) -> Result<(Secret, State), SaslError> {
        if self.server_error.is_some() {
            return Err(SaslError::Unexpected);
        }
        let mut reason = reason.to_vec();
        let mut echoes = Echoes::default();
        echoes.learn(self.credentials.secret());
        let length = reason.len();
        echoes.hide(&mut reason, length);
        self.server_error = Some(reason);
        Ok((Secret::new(response), State::Said))
    }

    fn cram_md5(&self, challenge: &[u8]) -> Secret {
        let mut response = self.credentials.user().as_bytes().to_vec();
        // A key of any length is a key for HMAC (RFC 2104).
        if let Ok(mut mac) = Hmac::<Md5>::new_from_slice(self.credentials.secret()) {
            mac.update(challenge);
            response.push(b' ');
            let digest = crate::tls::hex(&mac.finalize().into_bytes());
            response.extend_from_slice(digest.as_bytes());
        }
        Secret::new(response)
    }

    /// Whether the server has had what it needs to judge the password. A refusal before that means that it
    /// cannot do this mechanism; a refusal after it, that the password is wrong.
    pub fn proof_sent(&self) -> bool {
        self.proof_sent
    }

    /// The reason that the server gave inside the exchange, where the mechanism has a place for it.
    pub fn server_error(&self) -> Option<&[u8]> {
        self.server_error.as_deref()
    }

    /// To be called when the server says that all is well: whether it has shown that it knows the password
    /// too, where the mechanism asks for that.
    ///
    /// # Errors
    /// It has not.
    pub fn finish(&self) -> Result<(), SaslError> {
        match &self.state {
            State::Scram(scram) if !scram.is_verified() => Err(SaslError::ServerUnproven),
            _ if !self.proof_sent => Err(SaslError::Unexpected),
            _ => Ok(()),
        }
    }
}

/// Why an exchange cannot go on.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SaslError {
    /// A challenge that cannot be read.
    #[error("the server's challenge cannot be read: {0}")]
    Challenge(&'static str),
    /// The channel has nothing to be tied to.
    #[error("the channel cannot be bound")]
    NoChannel,
    /// The operating system has no random numbers.
    #[error("this machine has no random numbers")]
    NoRandomness,
    /// The server could not show that it knows the password.
    #[error("the server did not prove that it knows the password")]
    ServerUnproven,
    /// A challenge where none was due, or success before the exchange was over.
    #[error("the server stepped out of the mechanism's order")]
    Unexpected,
}

/// RFC 5801 section 4: these two characters would end the attribute.
fn sasl_name(text: &str) -> String {
    text.replace('=', "=3D").replace(',', "=2C")
}

/// What POP3's APOP says instead of the password (RFC 1939 section 7): the digest of the server's timestamp, its
/// angle brackets included, and the password.
pub fn apop_digest(timestamp: &[u8], password: &Secret) -> Secret {
    let digest = Md5::new().chain_update(timestamp);
    let digest = digest.chain_update(password.expose()).finalize();
    Secret::from(crate::tls::hex(&digest))
}

/// A message as base64 (RFC 4648 section 4), for the protocols that carry it so.
pub fn to_base64(message: &Secret) -> Secret {
    Secret::from(STANDARD.encode(message.expose()))
}

/// A message out of base64; `None` if it is none.
pub fn from_base64(text: &[u8]) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Credentials {
        Credentials::password("alice", "wonder land").unwrap()
    }

    fn begin(mechanism: Mechanism, credentials: &Credentials) -> Exchange {
        Exchange::begin(mechanism, credentials, &[], None, &Nonces::System).unwrap()
    }

    #[test]
    fn plain_says_everything_at_once() {
        let mut exchange = begin(Mechanism::Plain, &alice());
        assert!(!exchange.proof_sent());
        assert_eq!(
            exchange.initial_response().unwrap().expose(),
            b"\0alice\0wonder land"
        );
        assert!(exchange.proof_sent());
        assert_eq!(exchange.finish(), Ok(()));
        assert_eq!(exchange.respond(b"").unwrap_err(), SaslError::Unexpected);
    }

    #[test]
    fn plain_without_an_initial_response_answers_the_empty_challenge() {
        let mut exchange = begin(Mechanism::Plain, &alice());
        assert_eq!(
            exchange.respond(b"").unwrap().expose(),
            b"\0alice\0wonder land"
        );
    }

    #[test]
    fn login_names_the_user_then_the_password() {
        let mut exchange = begin(Mechanism::Login, &alice());
        assert!(exchange.initial_response().is_none());
        assert_eq!(exchange.respond(b"Username:").unwrap().expose(), b"alice");
        assert!(!exchange.proof_sent());
        assert_eq!(
            exchange.respond(b"Password:").unwrap().expose(),
            b"wonder land"
        );
        assert!(exchange.proof_sent());
        assert_eq!(
            exchange.respond(b"More:").unwrap_err(),
            SaslError::Unexpected
        );
    }

    #[test]
    fn cram_md5_is_the_one_of_rfc_2195() {
        let tim = Credentials::password("tim", "tanstaaftanstaaf").unwrap();
        let mut exchange = begin(Mechanism::CramMd5, &tim);
        let challenge = b"<1896.697170952@postoffice.reston.mci.net>";
        assert_eq!(
            exchange.respond(challenge).unwrap().expose(),
            b"tim b913a602c7eda7a495b4e6e7334d3890"
        );
    }

    #[test]
    fn the_digest_of_apop_is_the_one_of_rfc_1939() {
        let timestamp = b"<1896.697170952@dbc.mtview.ca.us>";
        assert_eq!(
            apop_digest(timestamp, &Secret::from("tanstaaf")).expose(),
            b"c4c9334bac560ecc979e58001b3e22fb"
        );
    }

    #[test]
    fn a_token_goes_as_each_of_the_two_forms_has_it() {
        let credentials = Credentials::token("alice@example.org", "vF9dft4qmT").unwrap();
        let said = |mechanism| begin(mechanism, &credentials).initial_response().unwrap();
        assert_eq!(
            said(Mechanism::XOAuth2).expose(),
            b"user=alice@example.org\x01auth=Bearer vF9dft4qmT\x01\x01"
        );
        assert_eq!(
            said(Mechanism::OAuthBearer).expose(),
            b"n,a=alice@example.org,\x01auth=Bearer vF9dft4qmT\x01\x01"
        );
    }

    #[test]
    fn the_reason_for_refusing_a_token_is_kept_and_acknowledged_once() {
        let credentials = Credentials::token("alice@example.org", "old").unwrap();
        let mut exchange = begin(Mechanism::OAuthBearer, &credentials);
        exchange.initial_response();
        let reason = br#"{"status":"invalid_token"}"#;
        assert_eq!(exchange.respond(reason).unwrap().expose(), b"\x01");
        assert_eq!(exchange.server_error(), Some(&reason[..]));
        assert_eq!(exchange.respond(reason).unwrap_err(), SaslError::Unexpected);
    }

    #[test]
    fn credentials_do_not_show_their_secret() {
        let shown = format!("{:?}", begin(Mechanism::Plain, &alice()));
        assert!(
            shown.contains("alice") && !shown.contains("wonder"),
            "{shown}"
        );
    }
}
