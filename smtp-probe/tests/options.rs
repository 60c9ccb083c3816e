//! Mistakes of the caller are found when the probe is built, before anything is said.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use common::World;
use probe_core::{Target, TargetError};
use probe_net::sasl::{Credentials, CredentialsError, Mechanism};
use probe_net::tls::{SecretsOver, Security};
use smtp_probe::{
    Address, ConfigError, EhloName, EhloNameError, Introduction, Options, Return, Sender, UserName,
};

fn alice() -> Credentials {
    Credentials::password("alice", "wonderland").unwrap()
}

#[test]
fn a_password_that_would_go_in_clear_is_refused_unless_it_is_allowed_by_name() {
    let world = World::new();
    let in_clear = || {
        world
            .options()
            .security(Security::Cleartext)
            .credentials(alice())
    };
    assert_eq!(in_clear().build().unwrap_err(), ConfigError::SecretsInClear);
    assert!(
        in_clear()
            .secrets_over(SecretsOver::Cleartext)
            .build()
            .is_ok()
    );
}

#[test]
fn credentials_that_no_allowed_mechanism_takes_are_refused() {
    let world = World::new();
    let with = |mechanisms: &[Mechanism]| {
        world
            .options()
            .credentials(alice())
            .mechanisms(mechanisms)
            .build()
    };
    assert_eq!(
        with(&[Mechanism::XOAuth2]).unwrap_err(),
        ConfigError::NoMechanism
    );
    assert_eq!(with(&[]).unwrap_err(), ConfigError::NoMechanism);
    assert!(with(&[Mechanism::XOAuth2, Mechanism::Plain]).is_ok());
}

#[test]
fn what_would_end_a_command_line_is_refused_wherever_it_comes_in() {
    let ehlo = |name: &str| name.parse::<EhloName>().unwrap_err();
    assert_eq!(
        ehlo("me\r\nRSET"),
        EhloNameError::Name(TargetError::Character('\r'))
    );
    assert_eq!(
        ehlo("me\0"),
        EhloNameError::Name(TargetError::Character('\0'))
    );
    assert_eq!(ehlo("[192.0.2.1"), EhloNameError::Literal);
    assert_eq!(ehlo("[2001:db8::1]"), EhloNameError::Literal);
    assert_eq!(ehlo("[192.0.2.1]\r\n"), EhloNameError::Literal);
    assert_eq!(ehlo(""), EhloNameError::Name(TargetError::Empty));
    let target = "mx\r\nQUIT:25".parse::<Target>().unwrap_err();
    assert_eq!(target, TargetError::Character('\r'));
    let secret = Credentials::password("alice", "a\nb").unwrap_err();
    assert_eq!(secret, CredentialsError::ControlCharacter("password"));
}

#[test]
fn options_and_probe_do_not_show_the_password() {
    let world = World::new();
    let options = world.options().credentials(alice());
    assert!(!format!("{options:?}").contains("wonderland"));
    assert!(!format!("{:?}", options.build().unwrap()).contains("wonderland"));
}

#[test]
fn envelopes_that_cannot_be_are_refused() {
    let world = World::new();
    let alice: Address = "alice@example.org".parse().unwrap();
    let fault = |options: Options| options.build().err();
    assert_eq!(
        fault(world.options().catch_all(true)),
        Some(ConfigError::CatchAllOfNothing)
    );
    let postmaster = ["postmaster".parse().unwrap()];
    assert_eq!(
        fault(world.options().recipients(&postmaster).catch_all(true)),
        Some(ConfigError::CatchAllOfNothing)
    );
    for options in [
        world.options().message_size(1),
        world.options().eight_bit(true),
        world.options().require_tls(true),
        world.options().returned(Return::Full),
        world.options().envelope_id("x".parse().unwrap()),
        world.options().notify("never".parse().unwrap()),
        world
            .options()
            .sender(Sender::Null)
            .notify("never".parse().unwrap()),
    ] {
        assert_eq!(fault(options), Some(ConfigError::NoEnvelope));
    }
    let in_clear = world
        .options()
        .security(Security::Cleartext)
        .sender(Sender::Null)
        .require_tls(true);
    assert_eq!(fault(in_clear), Some(ConfigError::RequireTlsInClear));
    let many = |count| world.options().recipients(&vec![alice.clone(); count]);
    assert_eq!(fault(many(100)), None);
    assert_eq!(fault(many(101)), Some(ConfigError::TooManyRecipients));
}

#[test]
fn a_guest_does_not_read_out_a_whole_list() {
    let world = World::new();
    let root: UserName = "root".parse().unwrap();
    let fault = |count| {
        world
            .options()
            .verify(&vec![root.clone(); count])
            .build()
            .err()
    };
    assert_eq!(fault(16), None);
    assert_eq!(fault(17), Some(ConfigError::TooManyNames));
    for wrong in ["", " root", "a\r\nDATA", "a\0", "jürgen", &"x".repeat(255)] {
        assert!(wrong.parse::<UserName>().is_err(), "{wrong}");
    }
    assert!("x".repeat(254).parse::<UserName>().is_ok());
}

#[test]
fn what_helo_and_nobody_cannot_do_is_refused() {
    let world = World::new();
    let helo = || world.options().introduction(Introduction::Helo);
    let fault = |options: Options| options.build().err();
    assert_eq!(fault(helo()), None);
    assert_eq!(
        fault(helo().credentials(alice())),
        Some(ConfigError::HeloOnly)
    );
    let required = helo().security(Security::Required);
    assert_eq!(fault(required), Some(ConfigError::HeloOnly));
    let nobody = world.options().expect_refusal(true);
    assert_eq!(fault(nobody), Some(ConfigError::RefusalOfNobody));
}
