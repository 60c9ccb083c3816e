//! SCRAM (RFC 5802, RFC 7677), with channel binding (RFC 5929, RFC 9266).
//!
//! Our own, since a probe asks for what libraries do not give: a bound on the work that a server may
//! demand, nonces that a test can set, the moment at which the proof went out, and secrets that are wiped.

use core::fmt;
use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use probe_core::Secret;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Mechanism, SaslError, sasl_name};
use crate::tls::TlsFacts;

/// More rounds than this are refused: a hostile server would have us count for hours. Well-kept servers
/// ask for 4,096 to 600,000.
pub(crate) const MAX_ITERATIONS: u32 = 1_000_000;

/// What the exchange is tied to, and what we tell the server of it (RFC 5802 section 6).
#[derive(Clone)]
pub(super) enum ChannelBinding {
    /// This channel, by this type of binding.
    Bound { name: &'static str, data: Vec<u8> },
    /// We could, but heard no offer. A server that did offer it learns that it was taken out on the way.
    NotOffered,
    /// We cannot or will not.
    Unsupported,
}

impl ChannelBinding {
    /// The best that a TLS channel gives.
    pub(super) fn of(tls: Option<&TlsFacts>) -> Option<Self> {
        let binding = &tls?.binding;
        let exporter = binding.exporter.map(|data| ("tls-exporter", data.to_vec()));
        let end_point = || {
            let hash = binding.end_point.clone()?;
            Some(("tls-server-end-point", hash))
        };
        let (name, data) = exporter.or_else(end_point)?;
        Some(Self::Bound { name, data })
    }

    fn gs2_header(&self) -> String {
        match self {
            Self::Bound { name, .. } => format!("p={name},,"),
            Self::NotOffered => "y,,".to_owned(),
            Self::Unsupported => "n,,".to_owned(),
        }
    }

    fn data(&self) -> &[u8] {
        match self {
            Self::Bound { data, .. } => data,
            Self::NotOffered | Self::Unsupported => &[],
        }
    }
}

/// One SCRAM exchange.
pub(super) struct Scram {
    hash: Hash,
    binding: ChannelBinding,
    nonce: String,
    client_first_bare: String,
    state: State,
}

#[derive(Clone, Copy)]
enum Hash {
    Sha1,
    Sha256,
}

enum State {
    ClientFirst,
    ServerFirst,
    ServerFinal { signature: Vec<u8> },
    Verified,
}

impl Scram {
    pub(super) fn new(
        mechanism: Mechanism,
        user: &str,
        binding: ChannelBinding,
        nonce: String,
    ) -> Self {
        let hash = match mechanism {
            Mechanism::ScramSha1 | Mechanism::ScramSha1Plus => Hash::Sha1,
            _ => Hash::Sha256,
        };
        let user = sasl_name(&prepared(user));
        Self {
            hash,
            binding,
            client_first_bare: format!("n={user},r={nonce}"),
            nonce,
            state: State::ClientFirst,
        }
    }

    pub(super) fn client_first(&mut self) -> Option<Secret> {
        if !matches!(self.state, State::ClientFirst) {
            return None;
        }
        self.state = State::ServerFirst;
        let header = self.binding.gs2_header();
        Some(Secret::from(header + &self.client_first_bare))
    }

    pub(super) fn start_over(&mut self) {
        self.state = State::ClientFirst;
    }

    pub(super) fn respond(
        &mut self,
        challenge: &[u8],
        password: &[u8],
    ) -> Result<Secret, SaslError> {
        match &self.state {
            // The server waits for the first message instead of taking it with the command.
            State::ClientFirst => self.client_first().ok_or(SaslError::Unexpected),
            State::ServerFirst => self.client_final(challenge, password),
            State::ServerFinal { signature } => {
                if !proves(challenge, signature)? {
                    return Err(SaslError::ServerUnproven);
                }
                self.state = State::Verified;
                Ok(Secret::default())
            }
            State::Verified => Err(SaslError::Unexpected),
        }
    }

    pub(super) fn proof_sent(&self) -> bool {
        matches!(self.state, State::ServerFinal { .. } | State::Verified)
    }

    pub(super) fn awaits_proof(&self) -> bool {
        matches!(self.state, State::ServerFinal { .. })
    }

    pub(super) fn is_verified(&self) -> bool {
        matches!(self.state, State::Verified)
    }

    fn client_final(&mut self, server_first: &[u8], password: &[u8]) -> Result<Secret, SaslError> {
        let server_first = text(server_first)?;
        let challenge = ServerFirst::parse(server_first, &self.nonce)?;
        let salted = self.hash.salted(&prepared_bytes(password), &challenge);

        let mut bound = self.binding.gs2_header().into_bytes();
        bound.extend_from_slice(self.binding.data());
        let without_proof = format!("c={},r={}", STANDARD.encode(bound), challenge.nonce);
        let message = format!("{},{server_first},{without_proof}", self.client_first_bare);

        let client_key = self.hash.hmac(&salted, b"Client Key");
        let stored_key = self.hash.digest(&client_key);
        let client_signature = self.hash.hmac(&stored_key, message.as_bytes());
        let proof: Zeroizing<Vec<u8>> = Zeroizing::new(
            client_key
                .iter()
                .zip(client_signature.iter())
                .map(|(key, signature)| key ^ signature)
                .collect(),
        );
        let server_key = self.hash.hmac(&salted, b"Server Key");
        let signature = self.hash.hmac(&server_key, message.as_bytes()).to_vec();

        self.state = State::ServerFinal { signature };
        let proof = Zeroizing::new(STANDARD.encode(&*proof));
        Ok(Secret::from(format!("{without_proof},p={}", *proof)))
    }
}

impl fmt::Debug for Scram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scram([redacted])")
    }
}

/// `r=…,s=…,i=…` (section 7, server-first-message).
struct ServerFirst<'a> {
    nonce: &'a str,
    salt: Vec<u8>,
    iterations: u32,
}

impl<'a> ServerFirst<'a> {
    fn parse(message: &'a str, ours: &str) -> Result<Self, SaslError> {
        let mut attributes = message.split(',');
        let mut attribute = |name| attributes.next().and_then(|text| text.strip_prefix(name));
        let nonce = attribute("r=").ok_or(SaslError::Challenge("it has no nonce"))?;
        // Otherwise somebody replays an old exchange.
        if nonce.len() <= ours.len() || !nonce.starts_with(ours) {
            return Err(SaslError::Challenge("its nonce does not continue ours"));
        }
        let salt = attribute("s=").and_then(|salt| STANDARD.decode(salt).ok());
        let salt = salt.ok_or(SaslError::Challenge("it has no salt"))?;
        let iterations = attribute("i=").and_then(|count| count.parse().ok());
        match iterations {
            Some(1..=MAX_ITERATIONS) => Ok(Self {
                nonce,
                salt,
                iterations: iterations.unwrap_or_default(),
            }),
            Some(_) => Err(SaslError::Challenge(
                "its iteration count is out of all bounds",
            )),
            None => Err(SaslError::Challenge("it has no iteration count")),
        }
    }
}

/// Whether `v=…` is the signature that only who knows the password can make.
fn proves(server_final: &[u8], signature: &[u8]) -> Result<bool, SaslError> {
    let verifier = text(server_final)?.split(',').next().unwrap_or_default();
    let given = verifier
        .strip_prefix("v=")
        .and_then(|given| STANDARD.decode(given).ok());
    let given = given.ok_or(SaslError::Challenge("it has no signature"))?;
    Ok(given == signature)
}

impl Hash {
    fn digest(self, bytes: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Sha1 => Sha1::digest(bytes).to_vec(),
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
        })
    }

    fn hmac(self, key: &[u8], message: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Sha1 => mac::<Hmac<Sha1>>(key, message),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, message),
        })
    }

    /// `Hi` of section 2.2, which is PBKDF2.
    fn salted(self, password: &[u8], challenge: &ServerFirst<'_>) -> Zeroizing<Vec<u8>> {
        let (salt, rounds) = (&challenge.salt, challenge.iterations);
        Zeroizing::new(match self {
            Self::Sha1 => pbkdf2::pbkdf2_hmac_array::<Sha1, 20>(password, salt, rounds).to_vec(),
            Self::Sha256 => {
                pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(password, salt, rounds).to_vec()
            }
        })
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    // A key of any length is a key for HMAC (RFC 2104).
    <M as KeyInit>::new_from_slice(key).map_or_else(
        |_| Vec::new(),
        |mut mac| {
            mac.update(message);
            mac.finalize().into_bytes().to_vec()
        },
    )
}

fn text(message: &[u8]) -> Result<&str, SaslError> {
    core::str::from_utf8(message).map_err(|_| SaslError::Challenge("it is not UTF-8"))
}

/// SASLprep (RFC 4013). What it forbids goes as it is: the server then says whether it minds.
fn prepared(text: &str) -> Cow<'_, str> {
    stringprep::saslprep(text).unwrap_or(Cow::Borrowed(text))
}

fn prepared_bytes(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(match core::str::from_utf8(bytes) {
        Ok(text) => prepared(text).into_owned().into_bytes(),
        Err(_) => bytes.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Credentials, Exchange, Nonces};
    use super::*;

    fn begin(mechanism: Mechanism, nonce: &str) -> Exchange {
        let credentials = Credentials::password("user", "pencil").unwrap();
        let nonces = Nonces::Fixed(nonce.to_owned());
        Exchange::begin(mechanism, &credentials, &[], None, &nonces).unwrap()
    }

    fn says(response: Result<Secret, SaslError>) -> String {
        String::from_utf8(response.unwrap().expose().to_vec()).unwrap()
    }

    #[test]
    fn sha_1_is_the_exchange_of_rfc_5802_section_5() {
        let mut exchange = begin(Mechanism::ScramSha1, "fyko+d2lbbFgONRv9qkxdawL");
        let first = exchange.initial_response().unwrap();
        assert_eq!(first.expose(), b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL");
        let challenge = b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096";
        assert!(!exchange.proof_sent());
        assert_eq!(
            says(exchange.respond(challenge)),
            "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
        );
        assert!(exchange.proof_sent());
        assert_eq!(exchange.finish(), Err(SaslError::ServerUnproven));
        assert_eq!(
            says(exchange.respond(b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=")),
            ""
        );
        assert_eq!(exchange.finish(), Ok(()));
    }

    #[test]
    fn sha_256_is_the_exchange_of_rfc_7677_section_3() {
        let mut exchange = begin(Mechanism::ScramSha256, "rOprNGfwEbeRWgbNEkqO");
        exchange.initial_response();
        let challenge = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        assert_eq!(
            says(exchange.respond(challenge)),
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        assert_eq!(
            says(exchange.respond(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")),
            ""
        );
        assert_eq!(exchange.finish(), Ok(()));
    }

    #[test]
    fn a_server_that_does_not_know_the_password_is_found_out() {
        let mut exchange = begin(Mechanism::ScramSha1, "n");
        exchange.initial_response();
        exchange.respond(b"r=nm,s=QSXCR+Q6sek8bf92,i=1").unwrap();
        let forged = b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=";
        assert_eq!(
            exchange.respond(forged).unwrap_err(),
            SaslError::ServerUnproven
        );
        assert_eq!(exchange.finish(), Err(SaslError::ServerUnproven));
    }

    #[test]
    fn a_challenge_out_of_bounds_is_refused() {
        for (challenge, reason) in [
            (
                &b"r=n,s=QQ==,i=4096"[..],
                "its nonce does not continue ours",
            ),
            (b"r=other,s=QQ==,i=4096", "its nonce does not continue ours"),
            (b"r=nm,s=!,i=4096", "it has no salt"),
            (
                b"r=nm,s=QQ==,i=0",
                "its iteration count is out of all bounds",
            ),
            (
                b"r=nm,s=QQ==,i=1000001",
                "its iteration count is out of all bounds",
            ),
            (b"r=nm,s=QQ==,i=many", "it has no iteration count"),
            (b"m=ext,r=nm,s=QQ==,i=1", "it has no nonce"),
            (b"\xff", "it is not UTF-8"),
        ] {
            let mut exchange = begin(Mechanism::ScramSha256, "n");
            exchange.initial_response();
            let error = exchange.respond(challenge).unwrap_err();
            assert_eq!(error, SaslError::Challenge(reason));
        }
    }

    #[test]
    fn names_with_commas_are_escaped_and_prepared() {
        let nonces = Nonces::Fixed("n".to_owned());
        let credentials = Credentials::password("a,b=c\u{ad}\u{2168}", "x").unwrap();
        let mut exchange =
            Exchange::begin(Mechanism::ScramSha1, &credentials, &[], None, &nonces).unwrap();
        assert_eq!(
            exchange.initial_response().unwrap().expose(),
            b"n,,n=a=2Cb=3DcIX,r=n"
        );
    }
}
