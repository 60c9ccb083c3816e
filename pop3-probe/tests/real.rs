//! Against a real Dovecot, in the many ways in which the lab runs it: each account's and each listener's fault must be
//! told as what it is. `cargo xtask test` starts the lab and runs this.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod lab;

use std::time::Duration;

use lab::{ask, codes, phases, session, token, user};
use pop3_probe::{LoginCommand, Options, Right};
use probe_core::{FailureKind, Thresholds, Verdict};
use probe_net::sasl::{Credentials, Mechanism, Way};
use probe_net::tls::{SecretsOver, Security, StartTls};

/// Every listener of the lab's Dovecot says so.
const APOP: &str = "pop3.apop.offered";

fn in_clear(options: Options) -> Options {
    options
        .security(Security::Cleartext)
        .secrets_over(SecretsOver::Cleartext)
}

#[tokio::test]
async fn an_ordinary_server_is_well_and_every_phase_is_booked() {
    let report = ask("pop3-good", |options| options).await;
    assert_eq!(
        (report.verdict(), codes(&report)),
        (Verdict::Ok, vec![APOP]),
        "{report:?}"
    );
    assert_eq!(
        phases(&report),
        [
            "connect", "greeting", "capa", "starttls", "tls", "capa", "quit"
        ]
    );
    let facts = &report.facts;
    assert_eq!(facts.starttls, StartTls::Accepted);
    let clear = facts.clear.as_ref().unwrap();
    assert!(clear.has("STLS") && !clear.has("USER"));
    let secured = facts.secured.as_ref().unwrap();
    assert!(!secured.has("STLS") && secured.has("USER"));
    assert!(facts.tls.as_ref().unwrap().is_verified());

    let report = ask("pop3s-good", |options| options).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert_eq!(
        phases(&report),
        ["connect", "tls", "greeting", "capa", "quit"]
    );
}

#[tokio::test]
async fn each_broken_listener_is_told_as_what_it_is() {
    // (listener, security, first finding, kind of failure)
    let table = [
        ("pop3s-expired", None, "tls.certificate.expired", None),
        ("pop3s-wrong-name", None, "tls.certificate.wrong-name", None),
        (
            "pop3s-self-signed",
            None,
            "tls.certificate.self-signed",
            None,
        ),
        (
            "pop3-cleartext",
            None,
            "starttls.not-offered",
            Some(FailureKind::Unsupported),
        ),
        (
            "pop3-good",
            Some(Security::Implicit),
            "tls.not-tls",
            Some(FailureKind::Protocol),
        ),
    ];
    for (listener, security, finding, failure) in table {
        let report = ask(listener, |options| match security {
            Some(security) => options.security(security),
            None => options,
        })
        .await;
        assert_eq!(report.verdict(), Verdict::Critical, "{listener}");
        assert_eq!(
            codes(&report).first(),
            Some(&finding),
            "{listener}: {report:?}"
        );
        let kind = report.failure.as_ref().map(|failure| failure.kind);
        assert_eq!(kind, failure, "{listener}: {:?}", report.failure);
    }
}

#[tokio::test]
async fn every_password_logs_in_by_every_way() {
    use Mechanism::{CramMd5, Login, Plain, ScramSha1, ScramSha256};
    let mechanisms = [Plain, Login, CramMd5, ScramSha1, ScramSha256];
    let ways = mechanisms.map(Way::from);
    let ways = ways
        .iter()
        .chain(&[Way::Command("USER"), Way::Command("APOP")]);
    let _session = session().await;
    for way in ways {
        for name in ["alice", "bob", "carol", "dave"] {
            for listener in ["pop3-good", "pop3s-good"] {
                let by = |options: Options| match way {
                    Way::Sasl(mechanism) => options.mechanisms(&[*mechanism]),
                    Way::Command("APOP") => options.login_command(LoginCommand::Apop),
                    Way::Command(_) => options.login_command(LoginCommand::Only),
                };
                let report = ask(listener, |options| by(options.credentials(user(name)))).await;
                assert_eq!(report.failure, None, "{name} {way}: {report:?}");
                let auth = report.facts.auth.as_ref().unwrap();
                assert_eq!(auth.accepted, Some(*way), "{name}");
                assert!(report.facts.authenticated.is_some());
                assert!(report.facts.maildrop.is_some());
            }
        }
    }
}

#[tokio::test]
async fn the_strongest_mechanism_is_taken_by_itself() {
    let _session = session().await;
    let report = ask("pop3-good", |options| options.credentials(user("pops"))).await;
    let auth = report.facts.auth.as_ref().unwrap();
    assert_eq!(auth.accepted, Some(Mechanism::ScramSha256.into()));
    assert_eq!(auth.attempts.len(), 1);
    assert_eq!(
        phases(&report),
        [
            "connect", "greeting", "capa", "starttls", "tls", "capa", "auth", "capa", "stat",
            "list", "uidl", "quit"
        ]
    );
}

#[tokio::test]
async fn tokens_log_in_by_both_mechanisms_and_an_old_one_is_refused_with_the_reason() {
    let _session = session().await;
    for mechanism in [Mechanism::XOAuth2, Mechanism::OAuthBearer] {
        let with = |name| {
            move |options: Options| options.credentials(token(name)).mechanisms(&[mechanism])
        };
        let good = ask("pop3s-good", with("alice")).await;
        assert_eq!(good.verdict(), Verdict::Ok, "{mechanism}: {good:?}");
        let old = ask("pop3s-good", with("alice-expired")).await;
        let failure = old.failure.as_ref().unwrap();
        assert_eq!(
            failure.kind,
            FailureKind::Credentials,
            "{mechanism}: {failure:?}"
        );
        let attempt = &old.facts.auth.as_ref().unwrap().attempts[0];
        assert!(attempt.server_error.is_some(), "{mechanism}: {attempt:?}");
    }
}

#[tokio::test]
async fn refused_logins_are_told_apart() {
    let wrong = Credentials::password("alice@lab.test", "definitely wrong").unwrap();
    for (credentials, kind) in [
        (wrong, FailureKind::Credentials),
        (user("disabled"), FailureKind::Credentials),
        (user("nopop"), FailureKind::Credentials),
        (user("broken"), FailureKind::Temporary),
        (user("homeless"), FailureKind::Temporary),
        (user("hangup"), FailureKind::Closed),
    ] {
        let report = ask("pop3s-good", |options| options.credentials(credentials)).await;
        let failure = report.failure.as_ref().unwrap();
        assert_eq!(failure.kind, kind, "{failure:?}");
        assert_eq!(failure.phase.as_str(), "auth");
    }
}

#[tokio::test]
async fn a_locked_maildrop_is_told_from_a_wrong_password() {
    let _held = lab::hold("locked").await;
    let report = ask("pop3s-good", |options| options.credentials(user("locked"))).await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Temporary, "{failure:?}");
    assert_eq!(codes(&report), ["pop3.maildrop.in-use", APOP]);
}

#[tokio::test]
async fn a_password_stays_here_where_the_channel_is_not_verified() {
    for (listener, security) in [
        ("pop3-cleartext", Security::Opportunistic),
        ("pop3s-self-signed", Security::Implicit),
    ] {
        let report = ask(listener, |options| {
            options.security(security).credentials(user("alice"))
        })
        .await;
        let failure = report.failure.as_ref().unwrap();
        assert_eq!(
            failure.kind,
            FailureKind::Withheld,
            "{listener}: {failure:?}"
        );
        assert!(report.transcript.to_string().contains("QUIT"));
    }
}

#[tokio::test]
async fn whoever_allows_it_by_name_logs_in_over_clear_text() {
    let _session = session().await;
    let report = ask("pop3-cleartext", |options| {
        in_clear(options)
            .credentials(user("pops"))
            .login_command(LoginCommand::Only)
    })
    .await;
    assert_eq!(report.failure, None);
    assert_eq!(codes(&report), ["pop3.auth.in-clear", APOP]);
}

#[tokio::test]
async fn dovecot_refuses_user_in_clear_as_its_policy() {
    let report = ask("pop3-good", |options| {
        in_clear(options)
            .credentials(user("pops"))
            .login_command(LoginCommand::Only)
    })
    .await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Policy, "{failure:?}");
}

#[tokio::test]
async fn a_maildrop_is_counted_listed_dated_and_read() {
    let _session = session().await;
    let report = ask("pop3s-good", |options| {
        options
            .credentials(user("pops"))
            .ages(true)
            .retrieve(true)
            .noops(20)
    })
    .await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    let maildrop = report.facts.maildrop.as_ref().unwrap();
    assert_eq!(maildrop.messages, 12);
    let sizes: u64 = maildrop
        .listing
        .as_ref()
        .unwrap()
        .sizes()
        .map(|(_, octets)| octets)
        .sum();
    assert_eq!(sizes, maildrop.octets);
    let ids = maildrop.unique_ids.as_ref().unwrap();
    assert_eq!(
        (ids.ids().count(), ids.illegal(), ids.duplicate()),
        (12, None, None)
    );
    assert!(maildrop.oldest < maildrop.newest);
    let retrieved = maildrop.retrieved.unwrap();
    assert_eq!(retrieved.listed, Some(retrieved.octets));
    assert_eq!(report.facts.noops.count(), 20);
}

#[tokio::test]
async fn an_empty_maildrop_and_one_of_ten_thousand_are_as_large_as_they_are() {
    let empty = ask("pop3s-good", |options| {
        options.credentials(user("empty")).prove_rights(true)
    })
    .await;
    assert_eq!(empty.facts.maildrop.as_ref().unwrap().messages, 0);
    assert_eq!(codes(&empty), [APOP, "pop3.rights.nothing-to-prove"]);

    let _session = session().await;
    let many = Thresholds::new(Some("1000".parse().unwrap()), Some("9999".parse().unwrap()));
    let big = ask("pop3s-good", |options| {
        options.credentials(user("big")).messages(many).ages(true)
    })
    .await;
    assert_eq!(big.verdict(), Verdict::Critical);
    assert_eq!(codes(&big), ["pop3.messages.threshold", APOP], "{big:?}");
    let maildrop = big.facts.maildrop.as_ref().unwrap();
    assert_eq!(maildrop.listing.as_ref().unwrap().sizes().count(), 10_000);
    let ids = maildrop.unique_ids.as_ref().unwrap();
    assert_eq!((ids.ids().count(), ids.duplicate()), (10_000, None));
}

#[tokio::test]
async fn rights_are_shown_and_every_message_stays() {
    let _session = session().await;
    // Dovecot says +OK to DELE of an account without that right too, and deletes nothing.
    for name in ["pops", "readonly"] {
        let report = ask("pop3-good", |options| {
            options.credentials(user(name)).prove_rights(true)
        })
        .await;
        assert_eq!(report.verdict(), Verdict::Ok, "{name}: {report:?}");
        let rights = report.facts.rights.as_ref().unwrap();
        let all = [
            &rights.list,
            &rights.read,
            &rights.top,
            &rights.delete,
            &rights.undo,
        ];
        assert_eq!(all, [&Right::Granted; 5], "{name}");
        assert_eq!(rights.kept, Some(true), "{name}");
    }
}

#[tokio::test]
async fn wherever_the_connection_is_cut_every_message_stays() {
    let _session = session().await;
    let ids = async || {
        let report = ask("pop3s-good", |options| options.credentials(user("pops"))).await;
        let maildrop = report.facts.maildrop.unwrap();
        let ids = maildrop.unique_ids.unwrap();
        ids.ids().map(|(_, id)| id.to_vec()).collect::<Vec<_>>()
    };
    let before = ids().await;
    assert_eq!(before.len(), 12);
    // CAPA, USER, PASS, CAPA, STAT, LIST, UIDL, RETR, TOP, DELE, RSET, QUIT, and once more without a cut.
    for commands in 1..=12 {
        let (address, log) = lab::cut_after("pop3-cleartext", commands).await;
        let report = lab::ask_at(address, |options| {
            in_clear(options)
                .credentials(user("pops"))
                .login_command(LoginCommand::Only)
                .prove_rights(true)
        })
        .await;
        let heard = log.lock().await.clone();
        let marked = heard.iter().any(|line| line.starts_with("DELE"));
        assert_eq!(marked, commands >= 10, "{heard:?}");
        assert_eq!(heard.iter().any(|line| line == "QUIT"), commands >= 12);
        assert_eq!(report.failure.is_none(), commands >= 12, "{report:?}");
        assert_eq!(ids().await, before, "cut after {commands} commands");
    }
}

#[tokio::test]
async fn no_probe_waits_for_a_delayed_acknowledgement() {
    let mut times = Vec::new();
    for _ in 0..40 {
        times.push(ask("pop3s-good", |options| options).await.elapsed);
    }
    times.sort();
    // The stall would be 40 ms in each; a busy machine may delay a few.
    assert!(times[20] < Duration::from_millis(20), "{times:?}");
}
