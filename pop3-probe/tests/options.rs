//! Mistakes of the caller are found when the probe is built, before anything is said.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::{World, alice};
use pop3_probe::{ConfigError, LoginCommand, Options};
use probe_core::Thresholds;
use probe_net::sasl::{Credentials, CredentialsError, Mechanism};
use probe_net::tls::{SecretsOver, Security};

fn mistake(shape: impl FnOnce(Options) -> Options) -> Option<ConfigError> {
    shape(World::new().options()).build().err()
}

#[test]
fn a_password_that_would_go_in_clear_is_refused_unless_it_is_allowed_by_name() {
    let in_clear = |options: Options| options.security(Security::Cleartext).credentials(alice());
    assert_eq!(mistake(in_clear), Some(ConfigError::SecretsInClear));
    let allowed = |options| in_clear(options).secrets_over(SecretsOver::Cleartext);
    assert_eq!(mistake(allowed), None);
}

#[test]
fn credentials_that_no_allowed_way_takes_are_refused() {
    let with = |credentials: Credentials, ways: fn(Options) -> Options| {
        mistake(|options| ways(options.credentials(credentials)))
    };
    let token = || Credentials::token("alice", "t").unwrap();
    let none = Some(ConfigError::NoMechanism);
    let only_oauth = |one: Options| one.mechanisms(&[Mechanism::XOAuth2]);
    let never = LoginCommand::Never;
    assert_eq!(
        with(alice(), |one| one
            .mechanisms(&[])
            .login_command(LoginCommand::Never)),
        none
    );
    let without_command = move |options| only_oauth(options).login_command(never);
    assert_eq!(
        mistake(|one| without_command(one.credentials(alice()))),
        none
    );
    assert_eq!(
        with(token(), |one| one.login_command(LoginCommand::Only)),
        none
    );
    assert_eq!(
        with(token(), |one| one.login_command(LoginCommand::Apop)),
        none
    );
    assert_eq!(with(token(), |one| one), None);
    assert_eq!(
        with(alice(), |one| one.login_command(LoginCommand::Only)),
        None
    );
    // USER and PASS are left.
    assert_eq!(with(alice(), only_oauth), None);
}

#[test]
fn without_a_login_nothing_can_be_asked_of_the_maildrop() {
    let none = Some(ConfigError::NoCredentials);
    let range = || Thresholds::new(Some("1".parse().unwrap()), None);
    assert_eq!(mistake(|one| one.messages(range())), none);
    assert_eq!(mistake(|one| one.octets(range())), none);
    assert_eq!(mistake(|one| one.oldest(range())), none);
    assert_eq!(mistake(|one| one.newest(range())), none);
    assert_eq!(mistake(|one| one.ages(true)), none);
    assert_eq!(mistake(|one| one.noops(1)), none);
    assert_eq!(mistake(|one| one.retrieve(true)), none);
    assert_eq!(mistake(|one| one.prove_rights(true)), none);
    assert_eq!(mistake(|one| one.noops(1).credentials(alice())), None);
}

#[test]
fn what_would_end_a_command_or_an_argument_is_refused() {
    let secret = Credentials::password("alice", "a\nb").unwrap_err();
    assert_eq!(secret, CredentialsError::ControlCharacter("password"));
    let user = Credentials::password("alice\r\nDELE 1", "x").unwrap_err();
    assert_eq!(user, CredentialsError::ControlCharacter("user name"));
    let blank = || Credentials::password("alice wonder", "x").unwrap();
    assert_eq!(
        mistake(|one| one.credentials(blank()).login_command(LoginCommand::Apop)),
        Some(ConfigError::UserName)
    );
    assert_eq!(
        mistake(|one| one.credentials(blank()).login_command(LoginCommand::Only)),
        None
    );
}

#[test]
fn options_and_probe_do_not_show_the_password() {
    let options = World::new().options().credentials(alice());
    assert!(!format!("{options:?}").contains("wonderland"));
    assert!(!format!("{:?}", options.build().unwrap()).contains("wonderland"));
}
