//! Mistakes of the caller are found before anybody is asked.

#![cfg(feature = "ring")]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use eas_probe::{ConfigError, Device, EasProbe, Options, Rung};
use probe_net::Net;
use probe_net::http::Scheme;
use probe_net::sasl::Credentials;
use probe_net::tls::{SecretsOver, Tls};

fn options() -> Options {
    EasProbe::builder(Net::new(Tls::ring(rustls::RootCertStore::empty())))
}

fn alice() -> Credentials {
    Credentials::password("alice", "wonderland").unwrap()
}

#[test]
fn options_that_contradict_each_other_are_refused() {
    let mistake = |options: Options| options.build().unwrap_err();
    assert_eq!(
        mistake(options().up_to(Rung::Options)),
        ConfigError::NoCredentials
    );
    assert_eq!(mistake(options().versions(&[])), ConfigError::NoVersion);
    assert_eq!(
        mistake(options().heartbeat(Duration::from_millis(999))),
        ConfigError::Heartbeat
    );
    for path in ["", "no-slash", "/a?b", "/a#b", "/a b", "/a\r\nb"] {
        assert_eq!(mistake(options().path(path)), ConfigError::Path, "{path:?}");
    }
    let colon = Credentials::password("a:b", "c").unwrap();
    assert_eq!(mistake(options().credentials(colon)), ConfigError::UserName);
    let clear = options().credentials(alice()).scheme(Scheme::Http);
    assert_eq!(mistake(clear.clone()), ConfigError::SecretsInClear);
    assert!(clear.secrets_over(SecretsOver::Cleartext).build().is_ok());
}

#[test]
fn a_device_id_is_what_every_server_takes() {
    assert!(Device::new("mailprobe1").is_ok());
    assert!(Device::new(&"a".repeat(32)).is_ok());
    for id in ["", "a,b", "ä", "a b", &"a".repeat(33)] {
        assert_eq!(Device::new(id), Err(ConfigError::Device), "{id:?}");
    }
}

#[test]
fn a_client_certificate_needs_no_password() {
    let shown = Credentials::external(Some("alice".to_owned())).unwrap();
    assert!(
        options()
            .credentials(shown)
            .up_to(Rung::Ping)
            .build()
            .is_ok()
    );
    assert!(options().build().is_ok());
}
