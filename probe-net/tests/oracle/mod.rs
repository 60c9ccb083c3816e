//! rsasl in the server's part: it judges what our side of an exchange says. Nothing of ours is used to check what is
//! ours, but for the hashes, which come from the same crates.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use std::io::Cursor;

use hmac::{Hmac, KeyInit, Mac};
use probe_net::sasl::Exchange;
use rsasl::callback::{Context, Request, SessionCallback, SessionData};
use rsasl::config::SASLConfig;
use rsasl::mechanisms::anonymous::{ANONYMOUS, AnonymousToken};
use rsasl::mechanisms::external::EXTERNAL;
use rsasl::mechanisms::login::LOGIN;
use rsasl::mechanisms::oauthbearer::OAUTHBEARER;
use rsasl::mechanisms::oauthbearer::properties::{OAuthBearerError, OAuthBearerValidate};
use rsasl::mechanisms::plain::PLAIN;
use rsasl::mechanisms::scram::properties::ScramStoredPassword;
use rsasl::mechanisms::scram::{SCRAM_SHA1, SCRAM_SHA1_PLUS, SCRAM_SHA256, SCRAM_SHA256_PLUS};
use rsasl::mechanisms::xoauth2::XOAUTH2;
use rsasl::mechanisms::xoauth2::properties::XOAuth2Validate;
use rsasl::mechname::Mechname;
use rsasl::prelude::{
    ChannelBindingCallback, Mechanism, Registry, SASLServer, SessionError, Validation,
};
use rsasl::property::{AuthId, AuthzId, OAuthBearerToken, Password};
use rsasl::validate::{Validate, ValidationError};
use sha1::Sha1;
use sha2::{Digest, Sha256};

const SALT: &[u8] = b"pepper and salt";
/// Few, because nothing is protected here.
const ITERATIONS: u32 = 16;

static MECHANISMS: &[Mechanism] = &[
    ANONYMOUS,
    EXTERNAL,
    LOGIN,
    OAUTHBEARER,
    PLAIN,
    SCRAM_SHA1,
    SCRAM_SHA1_PLUS,
    SCRAM_SHA256,
    SCRAM_SHA256_PLUS,
    XOAUTH2,
];

/// What the server thinks of the client.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    Accepted,
    /// The exchange broke off: the client said what it must not.
    Broken,
    Refused,
}

/// Whom the server knows: a name as it stands in the message, and a password or token.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    user: String,
    secret: String,
}

impl Account {
    pub(crate) fn new(user: &str, secret: &str) -> Self {
        Self {
            user: user.to_owned(),
            secret: secret.to_owned(),
        }
    }

    fn is_of(&self, context: &Context<'_>) -> bool {
        let names = [
            context.get_ref::<AuthId>(),
            context.get_ref::<AuthzId>().filter(|name| !name.is_empty()),
        ];
        names.into_iter().flatten().all(|name| name == self.user)
    }

    fn has_token(&self, context: &Context<'_>) -> bool {
        let token = context.get_ref::<OAuthBearerToken>().unwrap();
        // rsasl takes the scheme of OAUTHBEARER for a part of the token.
        token.strip_prefix("Bearer ").unwrap_or(token) == self.secret && self.is_of(context)
    }

    fn stored_for_sha_1(&self) -> [Vec<u8>; 2] {
        let salted =
            pbkdf2::pbkdf2_hmac_array::<Sha1, 20>(self.secret.as_bytes(), SALT, ITERATIONS);
        let key = |label: &[u8]| {
            let mut mac = Hmac::<Sha1>::new_from_slice(&salted).unwrap();
            mac.update(label);
            mac.finalize().into_bytes().to_vec()
        };
        [
            Sha1::digest(key(b"Client Key")).to_vec(),
            key(b"Server Key"),
        ]
    }

    fn stored_for_sha_256(&self) -> [Vec<u8>; 2] {
        let salted =
            pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(self.secret.as_bytes(), SALT, ITERATIONS);
        let key = |label: &[u8]| {
            let mut mac = Hmac::<Sha256>::new_from_slice(&salted).unwrap();
            mac.update(label);
            mac.finalize().into_bytes().to_vec()
        };
        [
            Sha256::digest(key(b"Client Key")).to_vec(),
            key(b"Server Key"),
        ]
    }
}

/// The server's end of a TLS channel.
#[derive(Clone, Debug)]
pub(crate) struct Binding {
    name: &'static str,
    data: Vec<u8>,
}

impl Binding {
    pub(crate) fn new(name: &'static str, data: Vec<u8>) -> Self {
        Self { name, data }
    }
}

/// A server may have a channel that can be bound, or none.
struct Bindings(Option<Binding>);

impl ChannelBindingCallback for Bindings {
    fn get_cb_data(&self, name: &str) -> Option<&[u8]> {
        let binding = self.0.as_ref().filter(|binding| binding.name == name)?;
        Some(&binding.data)
    }
}

struct IsAccepted;

impl Validation for IsAccepted {
    type Value = bool;
}

impl SessionCallback for Account {
    fn callback(
        &self,
        session: &SessionData,
        context: &Context<'_>,
        request: &mut Request<'_>,
    ) -> Result<(), SessionError> {
        if request.is::<XOAuth2Validate>() {
            let judged = match self.has_token(context) {
                true => Ok(()),
                false => Err(r#"{"status":"401"}"#),
            };
            request.satisfy::<XOAuth2Validate>(&judged)?;
        }
        if request.is::<OAuthBearerValidate>() {
            let judged = match self.has_token(context) {
                true => Ok(()),
                false => Err(OAuthBearerError::new("invalid_token", None, None)),
            };
            request.satisfy::<OAuthBearerValidate>(&judged)?;
        }
        if request.is::<ScramStoredPassword<'_>>() && self.is_of(context) {
            let name = session.mechanism().mechanism.as_str();
            let [stored_key, server_key] = match name.starts_with("SCRAM-SHA-1") {
                true => self.stored_for_sha_1(),
                false => self.stored_for_sha_256(),
            };
            let stored = ScramStoredPassword::new(ITERATIONS, SALT, &stored_key, &server_key);
            request.satisfy::<ScramStoredPassword<'_>>(&stored)?;
        }
        Ok(())
    }

    fn validate(
        &self,
        session: &SessionData,
        context: &Context<'_>,
        validate: &mut Validate<'_>,
    ) -> Result<(), ValidationError> {
        let is_accepted = match session.mechanism().mechanism.as_str() {
            "ANONYMOUS" => context.get_ref::<AnonymousToken>() == Some(&self.user),
            "EXTERNAL" => context.get_ref::<AuthzId>() == Some(&self.user),
            "OAUTHBEARER" | "XOAUTH2" => self.has_token(context),
            "LOGIN" | "PLAIN" => {
                let password = context.get_ref::<Password>();
                self.is_of(context) && password == Some(self.secret.as_bytes())
            }
            // SCRAM asks only after the proof has held.
            _ => self.is_of(context),
        };
        validate.finalize::<IsAccepted>(is_accepted);
        Ok(())
    }
}

/// Leads an exchange to its end and says what the server thinks.
pub(crate) fn judge(
    exchange: &mut Exchange,
    account: Account,
    binding: Option<Binding>,
) -> Verdict {
    let config = SASLConfig::builder()
        .with_registry(Registry::with_mechanisms(MECHANISMS))
        .with_callback(account)
        .unwrap();
    let server = SASLServer::<IsAccepted, _>::with_cb(config, Bindings(binding));
    let name = Mechname::parse(exchange.mechanism().as_str().as_bytes()).unwrap();
    let mut session = server.start_suggested(name).unwrap();
    let mut said = exchange.initial_response();
    for _ in 0..6 {
        let mut challenge = Cursor::new(Vec::new());
        let input = said.as_ref().map(|said| said.expose());
        let Ok(state) = session.step(input, &mut challenge) else {
            return Verdict::Broken;
        };
        if state.is_running() || state.has_sent_message() {
            said = exchange.respond(challenge.get_ref()).ok();
        }
        if state.is_finished() {
            return match session.validation() {
                Some(true) => Verdict::Accepted,
                _ => Verdict::Refused,
            };
        }
    }
    Verdict::Broken
}
