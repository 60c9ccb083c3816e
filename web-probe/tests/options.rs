//! Mistakes of the caller are found when the probe is built.

#![allow(clippy::unwrap_used, reason = "these are tests")]

use probe_net::Net;
use probe_net::http::Scheme;
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Tls};
use web_probe::{ConfigError, JmapProbe, Product, WebmailProbe};

fn net() -> Net {
    Net::new(Tls::ring(rustls::RootCertStore::empty()))
}

#[test]
fn a_path_is_one_and_a_text_is_not_empty() {
    let webmail = || WebmailProbe::builder(net());
    let jmap = || JmapProbe::builder(net());
    assert!(webmail().path("/owa/?a=b").contains("x").build().is_ok());
    for wrong in ["", "owa", "/a b", "/a\r\nb"] {
        let expected = Some(ConfigError::Path(wrong.to_owned()));
        assert_eq!(webmail().path(wrong).build().err(), expected);
        assert_eq!(jmap().path(wrong).build().err(), expected);
    }
    let empty = webmail().contains("").build().err();
    assert_eq!(empty, Some(ConfigError::EmptyText));
}

#[test]
fn credentials_are_there_where_they_are_needed_and_can_be_shown() {
    let jmap = || JmapProbe::builder(net());
    let alice = || Credentials::password("alice", "open sesame").unwrap();
    let nobody = jmap().mailboxes(true).build().err();
    assert_eq!(nobody, Some(ConfigError::NoCredentials));
    let clear = jmap().credentials(alice()).scheme(Scheme::Http);
    let refused = clear.clone().build().err();
    assert_eq!(refused, Some(ConfigError::SecretsInClear));
    assert!(clear.secrets_over(SecretsOver::Cleartext).build().is_ok());
    let colon = Credentials::password("a:b", "open sesame").unwrap();
    let refused = jmap().credentials(colon).build().unwrap_err();
    assert!(matches!(refused, ConfigError::Credentials(_)));
    assert!(!refused.to_string().contains("sesame"));
    let control = Credentials::token("alice", "open\u{7f}sesame").unwrap();
    let refused = jmap().credentials(control).build().unwrap_err();
    assert!(!refused.to_string().contains("sesame"));
}

#[test]
fn nothing_secret_is_in_the_debug_output_of_a_probe() {
    let alice = Credentials::password("alice", "open sesame").unwrap();
    let options = JmapProbe::builder(net()).credentials(alice);
    let shown = format!("{options:?}{:?}", options.clone().build().unwrap());
    assert!(!shown.contains("sesame"));
}

#[test]
fn products_are_named_in_any_case() {
    assert_eq!("SOGo".parse(), Ok(Product::Sogo));
    assert!("outlook".parse::<Product>().is_err());
    for product in Product::ALL {
        assert_eq!(product.to_string().parse(), Ok(*product));
    }
}
