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

mod scram;

use core::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use probe_core::Secret;

use crate::tls::TlsFacts;
use scram::{ChannelBinding, Scram};

/// A way to authenticate.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Mechanism {
    /// RFC 4505: as nobody.
    Anonymous,
    /// RFC 2195. It protects the password on the way, but the server must know it in clear.
    CramMd5,
    /// RFC 4422 appendix A: as whom the client certificate names.
    External,
    /// draft-murchison-sasl-login: PLAIN in two steps.
    Login,
    /// RFC 7628: with a token.
    OAuthBearer,
    /// RFC 4616: the password itself.
    Plain,
    /// RFC 5802.
    ScramSha1,
    /// RFC 5802, tied to the TLS channel.
    ScramSha1Plus,
    /// RFC 7677.
    ScramSha256,
    /// RFC 7677, tied to the TLS channel.
    ScramSha256Plus,
    /// Google's forerunner of OAUTHBEARER.
    XOAuth2,
}

impl Mechanism {
    /// All that are known here, the strongest first.
    pub const ALL: [Self; 11] = [
        Self::External,
        Self::ScramSha256Plus,
        Self::ScramSha1Plus,
        Self::ScramSha256,
        Self::ScramSha1,
        Self::OAuthBearer,
        Self::XOAuth2,
        Self::CramMd5,
        Self::Plain,
        Self::Login,
        Self::Anonymous,
    ];

    /// The name that servers offer it by.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "ANONYMOUS",
            Self::CramMd5 => "CRAM-MD5",
            Self::External => "EXTERNAL",
            Self::Login => "LOGIN",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::Plain => "PLAIN",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::XOAuth2 => "XOAUTH2",
        }
    }

    /// The mechanism of this name, in any case of letters.
    pub fn named(name: &[u8]) -> Option<Self> {
        let same = |known: &Self| known.as_str().as_bytes().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(same)
    }

    const fn binds_channel(self) -> bool {
        matches!(self, Self::ScramSha1Plus | Self::ScramSha256Plus)
    }

    /// Whether these credentials are of the kind that it takes.
    pub fn takes(self, credentials: &Credentials) -> bool {
        match credentials.0 {
            Kind::Anonymous { .. } => self == Self::Anonymous,
            Kind::External { .. } => self == Self::External,
            Kind::Token { .. } => matches!(self, Self::OAuthBearer | Self::XOAuth2),
            Kind::Password { .. } => !matches!(
                self,
                Self::Anonymous | Self::External | Self::OAuthBearer | Self::XOAuth2
            ),
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Who we are and how we show it.
#[derive(Clone, Debug)]
pub struct Credentials(Kind);

#[derive(Clone, Debug)]
enum Kind {
    Anonymous { trace: String },
    External { authorize_as: String },
    Password { user: String, password: Secret },
    Token { user: String, token: Secret },
}

impl Credentials {
    /// A user name and a password.
    ///
    /// # Errors
    /// One of them is empty or contains NUL, CR or LF.
    pub fn password(
        user: impl Into<String>,
        password: impl Into<Secret>,
    ) -> Result<Self, CredentialsError> {
        let (user, password) = (user.into(), password.into());
        check("user name", user.as_bytes())?;
        check("password", password.expose())?;
        Ok(Self(Kind::Password { user, password }))
    }

    /// A user name and an OAuth 2.0 access token.
    ///
    /// # Errors
    /// One of them is empty or contains NUL, CR or LF.
    pub fn token(
        user: impl Into<String>,
        token: impl Into<Secret>,
    ) -> Result<Self, CredentialsError> {
        let (user, token) = (user.into(), token.into());
        check("user name", user.as_bytes())?;
        check("token", token.expose())?;
        Ok(Self(Kind::Token { user, token }))
    }

    /// The client certificate that TLS shows, and whom to act as, where that is somebody else.
    ///
    /// # Errors
    /// The name is empty or contains NUL, CR or LF.
    pub fn external(authorize_as: Option<String>) -> Result<Self, CredentialsError> {
        if let Some(name) = &authorize_as {
            check("user name", name.as_bytes())?;
        }
        let authorize_as = authorize_as.unwrap_or_default();
        Ok(Self(Kind::External { authorize_as }))
    }

    /// Nobody in particular; `trace` is shown to the server's operator.
    ///
    /// # Errors
    /// The trace is empty or contains NUL, CR or LF.
    pub fn anonymous(trace: impl Into<String>) -> Result<Self, CredentialsError> {
        let trace = trace.into();
        check("trace", trace.as_bytes())?;
        Ok(Self(Kind::Anonymous { trace }))
    }

    /// The user name, where there is one.
    pub fn user(&self) -> &str {
        match &self.0 {
            Kind::Anonymous { .. } => "",
            Kind::External { authorize_as } => authorize_as,
            Kind::Password { user, .. } | Kind::Token { user, .. } => user,
        }
    }

    fn secret(&self) -> &[u8] {
        match &self.0 {
            Kind::Anonymous { .. } | Kind::External { .. } => &[],
            Kind::Password { password, .. } => password.expose(),
            Kind::Token { token, .. } => token.expose(),
        }
    }
}

fn check(what: &'static str, bytes: &[u8]) -> Result<(), CredentialsError> {
    if bytes.is_empty() {
        return Err(CredentialsError::Empty(what));
    }
    match bytes
        .iter()
        .any(|byte| matches!(byte, b'\0' | b'\r' | b'\n'))
    {
        true => Err(CredentialsError::ControlCharacter(what)),
        false => Ok(()),
    }
}

/// Why credentials cannot be used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialsError {
    /// NUL, CR or LF would end the message or begin another.
    #[error("the {0} contains NUL, CR or LF")]
    ControlCharacter(&'static str),
    /// There is nothing.
    #[error("the {0} is empty")]
    Empty(&'static str),
}

/// The offered mechanisms that these credentials fit, the strongest first.
pub fn candidates(
    offered: &[Mechanism],
    credentials: &Credentials,
    tls: Option<&TlsFacts>,
) -> Vec<Mechanism> {
    let usable = |mechanism: &Mechanism| {
        offered.contains(mechanism)
            && mechanism.takes(credentials)
            && (!mechanism.binds_channel() || ChannelBinding::of(tls).is_some())
    };
    Mechanism::ALL.into_iter().filter(usable).collect()
}

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
                vec![b"n,a=", user, b",\x01auth=Bearer ", secret, b"\x01\x01"]
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
        self.server_error = Some(reason.to_vec());
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
    fn the_strongest_offered_mechanism_that_can_work_comes_first() {
        use Mechanism::*;
        let offered = [
            Plain,
            Login,
            CramMd5,
            ScramSha1,
            ScramSha256,
            ScramSha256Plus,
            XOAuth2,
            External,
        ];
        assert_eq!(
            candidates(&offered, &alice(), None),
            [ScramSha256, ScramSha1, CramMd5, Plain, Login]
        );
        let token = Credentials::token("alice", "t").unwrap();
        assert_eq!(candidates(&offered, &token, None), [XOAuth2]);
        let external = Credentials::external(None).unwrap();
        assert_eq!(candidates(&offered, &external, None), [External]);
    }

    #[test]
    fn what_would_break_the_message_is_refused() {
        let error = |user: &str, password: &str| Credentials::password(user, password).unwrap_err();
        assert_eq!(error("", "x"), CredentialsError::Empty("user name"));
        assert_eq!(
            error("a\r\nQUIT", "x"),
            CredentialsError::ControlCharacter("user name")
        );
        assert_eq!(
            error("a", "x\0y"),
            CredentialsError::ControlCharacter("password")
        );
        assert_eq!(
            error("a", "x\n"),
            CredentialsError::ControlCharacter("password")
        );
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
