//! Logging in, whatever the protocol: which mechanism is tried, what a challenge is answered, when the next one
//! is worth a try, and the facts of it all. How the messages travel is each protocol's own.

use core::fmt;
use std::sync::Arc;

use probe_core::{Failure, FailureKind, Phase, Record, Secret, Value};

use super::{Credentials, Exchange, Mechanism, Nonces, candidates, from_base64};
use crate::tls::TlsFacts;

/// One login under way by SASL: the mechanism at work, and those to try if the server cannot do it.
#[derive(Debug)]
pub struct Login {
    credentials: Credentials,
    nonces: Nonces,
    tls: Option<Arc<TlsFacts>>,
    offered: Vec<Mechanism>,
    /// Still to be tried, the strongest first.
    next: Vec<Mechanism>,
    exchange: Exchange,
    /// Whether the server has answered the command that began it.
    heard: bool,
}

impl Login {
    /// Begins with the strongest mechanism that is `offered`, `allowed` and fits the credentials.
    ///
    /// # Errors
    /// [`Unsupported`](FailureKind::Unsupported) where there is none, [`Local`](FailureKind::Local) where this
    /// machine has no random numbers.
    pub fn begin(
        offered: &[Mechanism],
        allowed: &[Mechanism],
        credentials: &Credentials,
        nonces: &Nonces,
        tls: Option<Arc<TlsFacts>>,
    ) -> Result<Self, Failure> {
        let mut next = candidates(offered, credentials, tls.as_deref());
        next.retain(|one| allowed.contains(one));
        if next.is_empty() {
            let detail = why_none(offered);
            return Err(Failure::new(Phase::AUTH, FailureKind::Unsupported, detail));
        }
        let mechanism = next.remove(0);
        let exchange = exchange(mechanism, credentials, offered, tls.as_deref(), nonces)?;
        Ok(Self {
            credentials: credentials.clone(),
            nonces: nonces.clone(),
            tls,
            offered: offered.to_vec(),
            next,
            exchange,
            heard: false,
        })
    }

    /// The mechanism at work.
    pub fn mechanism(&self) -> Mechanism {
        self.exchange.mechanism()
    }

    /// What to say along with the command that begins it, if the mechanism has such a thing and it `fits`; what does
    /// not fit is said when the server asks for it.
    pub fn initial_response(&mut self, fits: impl FnOnce(&Secret) -> bool) -> Option<Secret> {
        let response = self.exchange.initial_response()?;
        if fits(&response) {
            return Some(response);
        }
        self.exchange.take_back_initial_response();
        None
    }

    /// The answer to a challenge, which stands in base64.
    ///
    /// # Errors
    /// A [`Protocol`](FailureKind::Protocol) failure; the exchange is to be cancelled then.
    pub fn respond(&mut self, challenge: &[u8]) -> Result<Secret, Failure> {
        self.heard = true;
        let response = match from_base64(challenge.trim_ascii()) {
            Some(challenge) => self
                .exchange
                .respond(&challenge)
                .map_err(|error| error.to_string()),
            None => Err("the server's challenge is no base64".to_owned()),
        };
        response.map_err(|detail| Failure::new(Phase::AUTH, FailureKind::Protocol, detail))
    }

    /// To be called when the server says that all is well.
    ///
    /// # Errors
    /// It should not have: it has not proved what the mechanism wants proved.
    pub fn finish(&self) -> Result<(), Failure> {
        let failure = |error: super::SaslError| {
            Failure::new(Phase::AUTH, FailureKind::Protocol, error.to_string())
        };
        self.exchange.finish().map_err(failure)
    }

    /// To be called when the server has refused: the next mechanism, where the refusal can only mean that the
    /// server cannot do this one. A password that was seen and refused is never tried twice.
    pub fn try_next(&self) -> Option<Result<Self, Failure>> {
        if self.exchange.proof_sent() || self.next.is_empty() {
            return None;
        }
        Some(Self::begin(
            &self.offered,
            &self.next,
            &self.credentials,
            &self.nonces,
            self.tls.clone(),
        ))
    }

    /// Whether the server has had what it needs to judge: see [`Exchange::proof_sent`].
    pub fn proof_sent(&self) -> bool {
        self.exchange.proof_sent()
    }

    /// The reason that the server gave inside the exchange.
    pub fn server_error(&self) -> Option<&[u8]> {
        self.exchange.server_error()
    }

    /// Whether the server has not answered yet: what is said now may be taken for a part of the exchange only after
    /// it has.
    pub fn is_unanswered(&self) -> bool {
        !self.heard
    }
}

fn exchange(
    mechanism: Mechanism,
    credentials: &Credentials,
    offered: &[Mechanism],
    tls: Option<&TlsFacts>,
    nonces: &Nonces,
) -> Result<Exchange, Failure> {
    let failure =
        |error: super::SaslError| Failure::new(Phase::AUTH, FailureKind::Local, error.to_string());
    Exchange::begin(mechanism, credentials, offered, tls, nonces).map_err(failure)
}

fn why_none(offered: &[Mechanism]) -> String {
    if offered.is_empty() {
        return "the server offers no authentication that is known here".to_owned();
    }
    let names: Vec<_> = offered.iter().map(|one| one.as_str()).collect();
    let names = names.join(" ");
    format!("the server offers {names}, none of which can be used here")
}

/// Whether a server's words mean that it takes no passwords any more, from nobody: another one would change
/// nothing. Microsoft says so in the same words in every protocol.
pub fn forbids_passwords(words: &[u8]) -> bool {
    let words = words.to_ascii_lowercase();
    let says = |phrase: &[u8]| words.windows(phrase.len()).any(|part| part == phrase);
    says(b"basic authentication is disabled")
        || says(b"basicauthblocked")
        || says(b"smtpclientauthentication is disabled")
}

/// A way to log in: by a SASL mechanism, or by a command of the protocol's own.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "there is no third")]
pub enum Way {
    /// A command, such as IMAP's `LOGIN` or POP3's `APOP`.
    Command(&'static str),
    /// A SASL mechanism.
    Sasl(Mechanism),
}

impl Way {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Command(name) => name,
            Self::Sasl(mechanism) => mechanism.as_str(),
        }
    }
}

impl From<Mechanism> for Way {
    fn from(mechanism: Mechanism) -> Self {
        Self::Sasl(mechanism)
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How a login went.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct AuthFacts {
    /// As whom.
    pub user: String,
    /// What was tried, in order.
    pub attempts: Vec<Attempt>,
    /// What worked.
    pub accepted: Option<Way>,
}

/// One way tried.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Attempt {
    /// Which.
    pub way: Way,
    /// The server's verdict as it came, if it gave one.
    pub reply: Option<Box<[u8]>>,
    /// The reason it gave inside the mechanism (RFC 7628 section 3.2.2: a piece of JSON).
    pub server_error: Option<Vec<u8>>,
}

impl AuthFacts {
    /// Nothing was tried yet.
    pub fn new(credentials: &Credentials) -> Self {
        Self {
            user: credentials.user().to_owned(),
            ..Self::default()
        }
    }

    /// Notes that this way is tried.
    pub fn attempt(&mut self, way: impl Into<Way>) {
        self.attempts.push(Attempt {
            way: way.into(),
            reply: None,
            server_error: None,
        });
    }

    /// Notes the server's verdict on the way that is being tried, and the reason it gave inside it.
    pub fn verdict(&mut self, reply: &[u8], server_error: Option<&[u8]>) {
        if let Some(attempt) = self.attempts.last_mut() {
            attempt.reply = Some(reply.into());
            attempt.server_error = server_error.map(<[u8]>::to_vec);
        }
    }

    /// Notes that the way that is being tried has worked.
    pub fn accept(&mut self) {
        self.accepted = self.attempts.last().map(|attempt| attempt.way);
    }

    /// Writes it all out.
    pub fn record(&self, out: &mut Record) {
        out.set("user", self.user.as_str());
        out.set("accepted", self.accepted.map(Way::as_str));
        out.trees("attempts", &self.attempts, |attempt, out| {
            out.set("mechanism", attempt.way.as_str());
            out.set("reply", attempt.reply.as_deref().map(lines));
            out.set("server_error", attempt.server_error.as_deref());
        });
    }
}

fn lines(reply: &[u8]) -> Vec<Value> {
    let whole = reply.strip_suffix(b"\n").unwrap_or(reply);
    let lines = whole.split(|byte| *byte == b'\n');
    lines
        .map(|line| Value::from(line.strip_suffix(b"\r").unwrap_or(line)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use Mechanism::{CramMd5, Login as LoginMechanism, Plain};

    fn begin(offered: &[Mechanism]) -> Result<Login, Failure> {
        let alice = Credentials::password("alice", "wonder land").unwrap();
        Login::begin(offered, Mechanism::ALL, &alice, &Nonces::System, None)
    }

    #[test]
    fn the_next_mechanism_is_tried_only_while_no_proof_was_shown() {
        let login = begin(&[Plain, CramMd5]).unwrap();
        assert_eq!(login.mechanism(), CramMd5);
        let mut plain = login.try_next().unwrap().unwrap();
        assert_eq!(plain.mechanism(), Plain);
        assert!(plain.initial_response(|_| true).is_some());
        assert!(plain.try_next().is_none());
    }

    #[test]
    fn what_does_not_fit_is_said_when_it_is_asked_for() {
        let mut login = begin(&[Plain]).unwrap();
        assert!(login.initial_response(|_| false).is_none());
        assert!(login.is_unanswered());
        assert_eq!(
            login.respond(b"").unwrap().expose(),
            b"\0alice\0wonder land"
        );
        assert!(!login.is_unanswered());
    }

    #[test]
    fn a_server_that_offers_nothing_fit_is_quoted() {
        let failure = begin(&[Mechanism::XOAuth2]).unwrap_err();
        assert_eq!(failure.kind, FailureKind::Unsupported);
        assert!(failure.detail.contains("XOAUTH2"), "{failure}");
        assert!(begin(&[]).unwrap_err().detail.contains("offers no"));
    }

    #[test]
    fn a_challenge_that_is_no_base64_is_a_failure_of_the_protocol() {
        let mut login = begin(&[LoginMechanism]).unwrap();
        let failure = login.respond(b"?!").unwrap_err();
        assert_eq!(failure.kind, FailureKind::Protocol);
    }
}
