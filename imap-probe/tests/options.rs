//! Mistakes of the caller are found when the probe is built.

#![allow(clippy::unwrap_used, reason = "tests")]

use imap_probe::{
    ConfigError, Criteria, CriteriaError, ImapProbe, LoginCommand, Mailbox, MailboxError, Options,
};
use probe_net::Net;
use probe_net::sasl::{Credentials, CredentialsError, Mechanism};
use probe_net::tls::{SecretsOver, Security, Tls};

fn options() -> Options {
    ImapProbe::builder(Net::new(Tls::ring(rustls::RootCertStore::empty())))
}

fn alice() -> Credentials {
    Credentials::password("alice", "wonder land").unwrap()
}

#[test]
fn a_mechanism_must_fit_the_credentials_unless_the_command_does() {
    let token = Credentials::token("alice", "t").unwrap();
    let error = options()
        .credentials(token)
        .mechanisms(&[Mechanism::Plain])
        .build()
        .unwrap_err();
    assert_eq!(error, ConfigError::NoMechanism);

    let none = || options().credentials(alice()).mechanisms(&[]);
    assert!(none().build().is_ok());
    let never = none().login_command(LoginCommand::Never).build();
    assert_eq!(never.unwrap_err(), ConfigError::NoMechanism);
}

#[test]
fn a_login_without_tls_has_to_be_allowed_by_name() {
    let clear = || options().security(Security::Cleartext).credentials(alice());
    assert_eq!(clear().build().unwrap_err(), ConfigError::SecretsInClear);
    assert!(clear().secrets_over(SecretsOver::Cleartext).build().is_ok());
}

#[test]
fn nobody_cannot_edit_and_a_right_is_a_letter() {
    assert_eq!(
        options().edit(true).build().unwrap_err(),
        ConfigError::EditAsNobody
    );
    let error = options().rights("lr\r\n").build().unwrap_err();
    assert_eq!(error, ConfigError::Right('\r'));
}

#[test]
fn what_would_break_a_command_is_refused_before_a_connection_is_made() {
    for wrong in ["a\rb", "a\nb", "a\0b"] {
        let error = wrong.parse::<Mailbox>().unwrap_err();
        assert_eq!(error, MailboxError::ControlCharacter, "{wrong:?}");
        let error = wrong.parse::<Criteria>().unwrap_err();
        assert_eq!(error, CriteriaError::Character, "{wrong:?}");
        let error = Credentials::password("alice", wrong).unwrap_err();
        assert_eq!(error, CredentialsError::ControlCharacter("password"));
        let error = Credentials::password(wrong, "x").unwrap_err();
        assert_eq!(error, CredentialsError::ControlCharacter("user name"));
    }
    assert_eq!("".parse::<Mailbox>().unwrap_err(), MailboxError::Empty);
    for (wrong, error) in [
        ("", CriteriaError::Empty),
        ("FROM \"alice", CriteriaError::Open),
        ("FROM {5}", CriteriaError::Open),
        ("FROM ü", CriteriaError::Character),
    ] {
        assert_eq!(wrong.parse::<Criteria>().unwrap_err(), error, "{wrong:?}");
    }
}

#[test]
fn options_and_probe_do_not_show_the_password() {
    let options = options().credentials(alice());
    assert!(!format!("{options:?}").contains("wonder"));
    assert!(!format!("{:?}", options.build().unwrap()).contains("wonder"));
}
