//! Our side of SASL against servers that others wrote: rsasl for all that it knows, which is everything but
//! CRAM-MD5; that one is checked by HMAC written out by hand.

#![cfg(feature = "sasl")]
#![allow(clippy::unwrap_used, reason = "these are tests")]

mod oracle;
mod toy;

use std::sync::Arc;

use md5::{Digest, Md5};
use probe_core::Context;
use probe_net::sasl::{Credentials, Exchange, Mechanism, Nonces, SaslError, candidates};
use probe_net::tls::{SecretsOver, TlsFacts};
use probe_net::{Log, Wire};
use probe_testkit::{Authority, TlsOptions, TlsVersions};
use proptest::prelude::*;
use sha2::Sha256;
use tokio_rustls::TlsAcceptor;

use oracle::{Account, Binding, Verdict};
use toy::NAME;

use Mechanism::{
    Anonymous, CramMd5, External, Login, OAuthBearer, Plain, ScramSha1, ScramSha1Plus, ScramSha256,
    ScramSha256Plus, XOAuth2,
};

fn alice() -> Credentials {
    Credentials::password("alice", "wonder land").unwrap()
}

fn token() -> Credentials {
    Credentials::token("alice@example.test", "vF9dft4qmT").unwrap()
}

fn begin(mechanism: Mechanism, credentials: &Credentials) -> Exchange {
    Exchange::begin(mechanism, credentials, &[], None, &Nonces::System).unwrap()
}

/// What both sides think at the end: the server of the client, and the client of the server.
fn meet(
    mechanism: Mechanism,
    credentials: &Credentials,
    account: &Account,
) -> (Verdict, Result<(), SaslError>) {
    let mut exchange = begin(mechanism, credentials);
    let verdict = oracle::judge(&mut exchange, account.clone(), None);
    (verdict, exchange.finish())
}

#[test]
fn the_right_password_is_accepted_by_every_mechanism_that_takes_one() {
    let account = Account::new("alice", "wonder land");
    for mechanism in [Plain, Login, ScramSha1, ScramSha256] {
        let met = meet(mechanism, &alice(), &account);
        assert_eq!(met, (Verdict::Accepted, Ok(())), "{mechanism}");
    }
}

#[test]
fn a_wrong_password_is_refused_and_the_client_knows_that_it_was_judged() {
    let account = Account::new("alice", "looking glass");
    for mechanism in [Plain, Login] {
        let mut exchange = begin(mechanism, &alice());
        let verdict = oracle::judge(&mut exchange, account.clone(), None);
        assert_eq!(verdict, Verdict::Refused, "{mechanism}");
        assert!(exchange.proof_sent());
    }
    for mechanism in [ScramSha1, ScramSha256] {
        let mut exchange = begin(mechanism, &alice());
        let verdict = oracle::judge(&mut exchange, account.clone(), None);
        assert_eq!(verdict, Verdict::Refused, "{mechanism}");
        assert!(exchange.proof_sent());
        assert_eq!(exchange.server_error(), Some(&b"e=invalid-proof"[..]));
        assert_eq!(exchange.finish(), Err(SaslError::ServerUnproven));
    }
}

#[test]
fn a_user_whom_the_server_does_not_know_is_refused_in_its_own_words() {
    let account = Account::new("bob", "wonder land");
    for mechanism in [ScramSha1, ScramSha256] {
        let mut exchange = begin(mechanism, &alice());
        let verdict = oracle::judge(&mut exchange, account.clone(), None);
        assert_eq!(verdict, Verdict::Refused);
        assert_eq!(exchange.server_error(), Some(&b"e=unknown-user"[..]));
    }
}

#[test]
fn the_reason_of_a_refusal_is_taken_once_and_never_for_a_proof() {
    let mut exchange = Exchange::begin(
        ScramSha256,
        &alice(),
        &[],
        None,
        &Nonces::Fixed("n".to_owned()),
    )
    .unwrap();
    exchange.initial_response().unwrap();
    // Before our proof has gone out it is no answer at all.
    let early = exchange.respond(b"e=other-error").unwrap_err();
    assert_eq!(early, SaslError::Challenge("it has no nonce"));
    exchange.respond(b"r=nm,s=QQ==,i=1").unwrap();
    let response = exchange.respond(b"e=other-error").unwrap();
    assert_eq!(response.expose(), b"");
    assert_eq!(exchange.finish(), Err(SaslError::ServerUnproven));
    let again = exchange.respond(b"e=other-error").unwrap_err();
    assert_eq!(again, SaslError::Unexpected);
}

#[test]
fn a_token_is_accepted_in_both_of_its_forms() {
    for mechanism in [XOAuth2, OAuthBearer] {
        let account = Account::new("alice@example.test", "vF9dft4qmT");
        let met = meet(mechanism, &token(), &account);
        assert_eq!(met, (Verdict::Accepted, Ok(())), "{mechanism}");
    }
}

#[test]
fn a_token_that_has_expired_is_refused_with_the_reason_that_the_server_gives() {
    for (mechanism, reason) in [
        (XOAuth2, r#"{"status":"401"}"#),
        (OAuthBearer, r#"{"status":"invalid_token"}"#),
    ] {
        let account = Account::new("alice@example.test", "another");
        let mut exchange = begin(mechanism, &token());
        let verdict = oracle::judge(&mut exchange, account, None);
        assert_eq!(verdict, Verdict::Refused, "{mechanism}");
        assert_eq!(exchange.server_error(), Some(reason.as_bytes()));
        assert!(exchange.proof_sent());
    }
}

#[test]
fn a_name_that_would_end_its_attribute_is_escaped() {
    let odd = Credentials::token("a,b=c", "t").unwrap();
    let said = begin(OAuthBearer, &odd).initial_response().unwrap();
    assert_eq!(said.expose(), b"n,a=a=2Cb=3Dc,\x01auth=Bearer t\x01\x01");
    let odd = Credentials::password("a,b=c", "x").unwrap();
    let account = Account::new("a=2Cb=3Dc", "x");
    let met = meet(ScramSha256, &odd, &account);
    assert_eq!(met, (Verdict::Accepted, Ok(())));
}

#[test]
fn external_and_anonymous_need_no_secret() {
    let as_whom = Credentials::external(Some("alice".to_owned())).unwrap();
    let met = meet(External, &as_whom, &Account::new("alice", ""));
    assert_eq!(met, (Verdict::Accepted, Ok(())));
    let as_named = Credentials::external(None).unwrap();
    let met = meet(External, &as_named, &Account::new("", ""));
    assert_eq!(met, (Verdict::Accepted, Ok(())));
    let nobody = Credentials::anonymous("probe@example.test").unwrap();
    let met = meet(Anonymous, &nobody, &Account::new("probe@example.test", ""));
    assert_eq!(met, (Verdict::Accepted, Ok(())));
}

#[test]
fn cram_md5_is_the_hmac_of_the_challenge() {
    let challenge = b"<1896.697170952@postoffice.example.test>";
    // Shorter than a block of MD5, a whole block, and longer, which is hashed first.
    for length in [1, 63, 64, 65, 200] {
        let password = "p".repeat(length);
        let credentials = Credentials::password("tim", password.as_str()).unwrap();
        let mut exchange = begin(CramMd5, &credentials);
        assert!(exchange.initial_response().is_none());
        let response = exchange.respond(challenge).unwrap();
        let digest = hmac_md5(password.as_bytes(), challenge);
        assert_eq!(response.expose(), format!("tim {digest}").as_bytes());
        assert_eq!(exchange.finish(), Ok(()));
    }
}

/// RFC 2104 section 2.
fn hmac_md5(key: &[u8], message: &[u8]) -> String {
    let mut block = match key.len() {
        0..=64 => key.to_vec(),
        _ => Md5::digest(key).to_vec(),
    };
    block.resize(64, 0);
    let pad = |with: u8| block.iter().map(|byte| byte ^ with).collect::<Vec<_>>();
    let inner = Md5::digest([&pad(0x36), message].concat());
    let outer = Md5::digest([&pad(0x5c)[..], &inner].concat());
    outer.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_server_that_says_yes_without_its_proof_is_not_believed() {
    for mechanism in [ScramSha1, ScramSha256] {
        let nonces = Nonces::Fixed("n".to_owned());
        let mut exchange = Exchange::begin(mechanism, &alice(), &[], None, &nonces).unwrap();
        assert_eq!(exchange.finish(), Err(SaslError::ServerUnproven));
        exchange.initial_response().unwrap();
        assert_eq!(exchange.finish(), Err(SaslError::ServerUnproven));
        exchange.respond(b"r=nm,s=QQ==,i=1").unwrap();
        assert_eq!(exchange.finish(), Err(SaslError::ServerUnproven));
        // A proof, but of something else.
        let error = exchange.respond(b"v=AAAA").unwrap_err();
        assert_eq!(error, SaslError::ServerUnproven);
        assert_eq!(exchange.finish(), Err(SaslError::ServerUnproven));
    }
}

/// One TLS channel, seen from both of its ends.
struct Channel {
    facts: Arc<TlsFacts>,
    exporter: Vec<u8>,
    end_point: Vec<u8>,
}

async fn channel(versions: TlsVersions) -> Channel {
    let ca = Authority::new("Test CA");
    let server = ca.identity([NAME]);
    let config = server.server_config(&TlsOptions::new().versions(versions));
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let name = NAME.try_into().unwrap();
    let mut wire = Wire::new(ours, toy::tls(ca.roots()), name, SecretsOver::VerifiedTls);
    let mut log = Log::begin(&Context::default());
    let accepting = TlsAcceptor::from(config).accept(theirs);
    let (secured, accepted) = tokio::join!(wire.secure(&mut log), accepting);
    secured.unwrap();
    let accepted = accepted.unwrap();
    let (_, connection) = accepted.get_ref();
    // RFC 9266 section 2; in TLS 1.2 the server has it too, and the client must not use it.
    let exporter = connection
        .export_keying_material([0; 32], b"EXPORTER-Channel-Binding", Some(b""))
        .unwrap();
    Channel {
        facts: wire.tls_facts().unwrap().clone(),
        exporter: exporter.to_vec(),
        // RFC 5929 section 4.1; the certificate is signed with SHA-256.
        end_point: Sha256::digest(server.chain().first().unwrap()).to_vec(),
    }
}

fn bind(channel: &Channel, mechanism: Mechanism, offered: &[Mechanism]) -> Exchange {
    let tls = Some(&*channel.facts);
    Exchange::begin(mechanism, &alice(), offered, tls, &Nonces::System).unwrap()
}

#[tokio::test(start_paused = true)]
async fn over_tls_1_3_the_channel_is_bound_by_its_exporter() {
    let channel = channel(TlsVersions::Only13).await;
    let account = Account::new("alice", "wonder land");
    for mechanism in [ScramSha1Plus, ScramSha256Plus] {
        let mut exchange = bind(&channel, mechanism, &[mechanism]);
        let binding = Binding::new("tls-exporter", channel.exporter.clone());
        let verdict = oracle::judge(&mut exchange, account.clone(), Some(binding));
        assert_eq!(verdict, Verdict::Accepted, "{mechanism}");
        assert_eq!(exchange.finish(), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn over_tls_1_2_the_channel_is_bound_by_the_certificate() {
    let channel = channel(TlsVersions::Only12).await;
    let account = Account::new("alice", "wonder land");
    for mechanism in [ScramSha1Plus, ScramSha256Plus] {
        let mut exchange = bind(&channel, mechanism, &[mechanism]);
        let binding = Binding::new("tls-server-end-point", channel.end_point.clone());
        let verdict = oracle::judge(&mut exchange, account.clone(), Some(binding));
        assert_eq!(verdict, Verdict::Accepted, "{mechanism}");
        assert_eq!(exchange.finish(), Ok(()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_channel_that_somebody_stands_in_the_middle_of_is_refused() {
    let ours = channel(TlsVersions::Only13).await;
    let theirs = channel(TlsVersions::Only13).await;
    assert_ne!(ours.exporter, theirs.exporter);
    for mechanism in [ScramSha1Plus, ScramSha256Plus] {
        let mut exchange = bind(&ours, mechanism, &[mechanism]);
        let binding = Binding::new("tls-exporter", theirs.exporter.clone());
        let account = Account::new("alice", "wonder land");
        let verdict = oracle::judge(&mut exchange, account, Some(binding));
        assert_eq!(verdict, Verdict::Refused, "{mechanism}");
        let reason = b"e=channel-bindings-dont-match".as_slice();
        assert_eq!(exchange.server_error(), Some(reason));
        assert_eq!(exchange.finish(), Err(SaslError::ServerUnproven));
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_learns_that_its_offer_to_bind_was_taken_out_on_the_way() {
    let channel = channel(TlsVersions::Only13).await;
    let account = Account::new("alice", "wonder land");
    // It offers SCRAM-SHA-256-PLUS, and this client has not heard of it.
    let mut deceived = bind(&channel, ScramSha256, &[ScramSha256]);
    let verdict = oracle::judge(&mut deceived, account.clone(), None);
    assert_eq!(verdict, Verdict::Broken);
    // This one has, and chose not to.
    let mut told = bind(&channel, ScramSha256, &[ScramSha256, ScramSha256Plus]);
    let verdict = oracle::judge(&mut told, account, None);
    assert_eq!(verdict, Verdict::Accepted);
}

#[tokio::test(start_paused = true)]
async fn binding_is_chosen_where_there_is_a_channel_and_nowhere_else() {
    let offered = [Plain, ScramSha256, ScramSha1Plus, ScramSha256Plus];
    let channel = channel(TlsVersions::Only12).await;
    assert_eq!(
        candidates(&offered, &alice(), Some(&channel.facts)),
        [ScramSha256Plus, ScramSha1Plus, ScramSha256, Plain]
    );
    assert_eq!(candidates(&offered, &alice(), None), [ScramSha256, Plain]);
    let error = Exchange::begin(ScramSha256Plus, &alice(), &[], None, &Nonces::System);
    assert_eq!(error.unwrap_err(), SaslError::NoChannel);
}

/// Challenges of a hostile server: anything, or nearly what SCRAM expects.
fn challenge() -> impl Strategy<Value = Vec<u8>> {
    let anything = proptest::collection::vec(any::<u8>(), 0..40);
    let nearly = (
        "(n|nm|n,|)",
        "[A-Za-z0-9+/=,]{0,8}",
        "-?[0-9]{0,3}|4294967296",
    )
        .prop_map(|(nonce, salt, count)| format!("r={nonce},s={salt},i={count}").into_bytes());
    let verdict = "[ver]=[A-Za-z0-9+/=,]{0,12}".prop_map(String::into_bytes);
    let good = Just(b"r=nm,s=QQ==,i=1".to_vec());
    prop_oneof![anything, nearly, verdict, good]
}

fn credentials_for(mechanism: Mechanism) -> Credentials {
    match mechanism {
        Anonymous => Credentials::anonymous("probe").unwrap(),
        External => Credentials::external(None).unwrap(),
        OAuthBearer | XOAuth2 => token(),
        _ => alice(),
    }
}

proptest! {
    #[test]
    fn no_challenge_makes_an_exchange_panic_or_go_on_for_ever(
        mechanism in proptest::sample::select(Mechanism::ALL),
        speaks_first in any::<bool>(),
        challenges in proptest::collection::vec(challenge(), 0..12),
    ) {
        let credentials = credentials_for(mechanism);
        let nonces = Nonces::Fixed("n".to_owned());
        let Ok(mut exchange) = Exchange::begin(mechanism, &credentials, &[], None, &nonces) else {
            prop_assert!(matches!(mechanism, ScramSha1Plus | ScramSha256Plus));
            return Ok(());
        };
        if speaks_first {
            exchange.initial_response();
        }
        let answered = challenges
            .iter()
            .filter(|challenge| exchange.respond(challenge).is_ok())
            .count();
        prop_assert!(answered <= 3);
        let is_scram = matches!(mechanism, ScramSha1 | ScramSha256);
        prop_assert!(!is_scram || exchange.finish().is_err(), "nobody here knows the password");
    }

    #[test]
    fn any_name_and_password_get_through_scram(
        user in "[^\\x00\\r\\n]{1,20}",
        password in "[^\\x00\\r\\n]{1,20}",
    ) {
        let credentials = Credentials::password(user.clone(), password.clone()).unwrap();
        // RFC 5802 section 5.1; where SASLprep forbids a character both sides take the text as it is.
        let prepared = |text: &str| {
            stringprep::saslprep(text).map_or(text.to_owned(), |prepared| prepared.into_owned())
        };
        let name = prepared(&user).replace('=', "=3D").replace(',', "=2C");
        let account = Account::new(&name, &prepared(&password));
        for mechanism in [ScramSha1, ScramSha256] {
            let met = meet(mechanism, &credentials, &account);
            prop_assert_eq!(met, (Verdict::Accepted, Ok(())));
        }
    }

    #[test]
    fn what_is_not_the_password_does_not_get_through_scram(
        password in "[a-z]{1,12}",
        other in "[a-z]{1,12}",
    ) {
        prop_assume!(password != other);
        let credentials = Credentials::password("alice", password).unwrap();
        let met = meet(ScramSha256, &credentials, &Account::new("alice", &other));
        prop_assert_eq!(met, (Verdict::Refused, Err(SaslError::ServerUnproven)));
    }
}
