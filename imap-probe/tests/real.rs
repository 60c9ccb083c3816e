//! Against a real Dovecot, in the many ways in which the lab runs it: reaching it, logging in, and reading. What is
//! written is tested in `real/edit.rs`. `cargo xtask test` starts the lab and runs this.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "real/edit.rs"]
mod edit;
mod lab;

use std::collections::BTreeSet;

use imap_probe::{Access, Exercise, Extension, LoginCommand, Mailbox};
use lab::{ask, ask_as, by_hand, codes, in_clear, phases, token, user};
use probe_core::{FailureKind, Severity, Thresholds, Verdict};
use probe_net::sasl::{Credentials, Mechanism};
use probe_net::tls::{SecretsOver, Security, StartTls};

#[tokio::test]
async fn an_ordinary_server_is_well_and_every_phase_is_booked() {
    let report = ask("imap-good", |options| options.credentials(user("alice"))).await;
    assert_eq!(
        (report.verdict(), codes(&report)),
        (Verdict::Ok, vec![]),
        "{report:?}"
    );
    assert_eq!(
        phases(&report),
        [
            "connect",
            "greeting",
            "starttls",
            "tls",
            "capability",
            "auth",
            "id",
            "namespace",
            "list",
            "quota",
            "rights",
            "select",
            "fetch",
            "quit"
        ]
    );
    let facts = &report.facts;
    assert_eq!(facts.starttls, StartTls::Accepted);
    assert!(facts.clear.as_ref().unwrap().has("LOGINDISABLED"));
    assert!(!facts.secured.as_ref().unwrap().has("STARTTLS"));
    assert!(facts.authenticated.as_ref().unwrap().has("uidplus"));
    assert!(facts.tls.as_ref().unwrap().is_verified());
    assert_eq!(facts.server, [("name".to_owned(), "Dovecot".to_owned())]);
    let namespaces = facts.namespaces.as_ref().unwrap();
    assert_eq!(&*namespaces.others[0].prefix, b"shared/");
    let folders = facts.folders.as_ref().unwrap();
    // In no order of their own, once somebody has used them.
    let special: BTreeSet<_> = folders
        .special
        .iter()
        .map(|(usage, _)| usage.as_str())
        .collect();
    assert_eq!(
        special,
        BTreeSet::from(["Archive", "Drafts", "Junk", "Sent", "Trash"])
    );
    let mailbox = facts.mailbox.as_ref().unwrap();
    assert_eq!(mailbox.messages, Some(6));
    assert_eq!(mailbox.uid_next, Some(7));
    assert!(mailbox.oldest < mailbox.newest);
    let read = mailbox.read.as_ref().unwrap();
    assert_eq!(read.octets.map(|octets| octets as u64), read.size);
    assert!(read.is_described);
}

#[tokio::test]
async fn each_broken_listener_is_told_as_what_it_is() {
    // (listener, security, first finding, kind of failure)
    let table = [
        ("imap-expired", None, "tls.certificate.expired", None),
        ("imaps-expired", None, "tls.certificate.expired", None),
        ("imaps-wrong-name", None, "tls.certificate.wrong-name", None),
        (
            "imaps-self-signed",
            None,
            "tls.certificate.self-signed",
            None,
        ),
        (
            "imap-cleartext",
            None,
            "starttls.not-offered",
            Some(FailureKind::Unsupported),
        ),
        (
            "imap-good",
            Some(Security::Implicit),
            "tls.not-tls",
            Some(FailureKind::Protocol),
        ),
    ];
    for (listener, security, code, failure) in table {
        let report = ask(listener, |options| match security {
            Some(security) => options.security(security),
            None => options,
        })
        .await;
        assert_eq!(codes(&report).first(), Some(&code), "{listener}");
        assert_eq!(report.verdict(), Verdict::Critical, "{listener}");
        let kind = report.failure.as_ref().map(|failure| failure.kind);
        assert_eq!(kind, failure, "{listener}: {:?}", report.failure);
    }
}

#[tokio::test]
async fn a_password_stays_here_where_the_certificate_is_bad() {
    let report = ask("imap-expired", |options| options.credentials(user("alice"))).await;
    assert_eq!(report.failure.as_ref().unwrap().kind, FailureKind::Withheld);
    assert_eq!(codes(&report)[0], "tls.certificate.expired");
}

#[tokio::test]
async fn every_mechanism_logs_in_with_every_kind_of_password() {
    for name in ["alice", "bob", "carol", "dave"] {
        for mechanism in [
            Mechanism::ScramSha256,
            Mechanism::ScramSha1,
            Mechanism::CramMd5,
            Mechanism::Plain,
            Mechanism::Login,
        ] {
            let report = ask_as(name, |options| {
                options
                    .mechanisms(&[mechanism])
                    .login_command(LoginCommand::Never)
            })
            .await;
            let accepted = report.facts.auth.as_ref().unwrap().accepted;
            assert_eq!(
                accepted,
                Some(mechanism.into()),
                "{name}: {:?}",
                report.failure
            );
        }
    }
}

#[tokio::test]
async fn the_login_command_carries_every_kind_of_password() {
    // With non-synchronising literals, and without.
    for listener in ["imaps-good", "imap-plain-old"] {
        for name in ["alice", "bob", "carol", "dave"] {
            let report = ask(listener, |options| {
                options
                    .credentials(user(name))
                    .login_command(LoginCommand::Only)
            })
            .await;
            let auth = report.facts.auth.as_ref().unwrap();
            let accepted = auth.accepted.map(|way| way.as_str());
            assert_eq!(
                accepted,
                Some("LOGIN command"),
                "{name}: {:?}",
                report.failure
            );
            assert_eq!(report.failure, None, "{listener} {name}");
        }
    }
}

#[tokio::test]
async fn a_token_logs_in_and_an_expired_one_is_told_with_the_servers_reason() {
    for mechanism in [Mechanism::XOAuth2, Mechanism::OAuthBearer] {
        let with = |name: &'static str| {
            ask("imaps-good", move |options| {
                options.credentials(token(name)).mechanisms(&[mechanism])
            })
        };
        let report = with("alice").await;
        let accepted = report.facts.auth.as_ref().unwrap().accepted;
        assert_eq!(accepted, Some(mechanism.into()), "{:?}", report.failure);

        let report = with("alice-expired").await;
        let failure = report.failure.as_ref().unwrap();
        assert_eq!(failure.kind, FailureKind::Credentials, "{failure:?}");
        assert!(failure.detail.contains("\"status\":"), "{failure:?}");
    }
}

#[tokio::test]
async fn nobody_in_particular_logs_in_where_that_is_offered() {
    let report = ask("imap-cleartext", |options| {
        in_clear(options).credentials(Credentials::anonymous("probe").unwrap())
    })
    .await;
    let accepted = report.facts.auth.as_ref().unwrap().accepted;
    assert_eq!(accepted, Some(Mechanism::Anonymous.into()));
}

#[tokio::test]
async fn each_refused_login_is_told_as_what_it_is() {
    let wrong = Credentials::password("alice@lab.test", "guessed").unwrap();
    let table = [
        ("a wrong password", wrong, "auth", FailureKind::Credentials),
        (
            "disabled",
            user("disabled"),
            "auth",
            FailureKind::Credentials,
        ),
        ("broken", user("broken"), "auth", FailureKind::Temporary),
        ("hangup", user("hangup"), "auth", FailureKind::Closed),
        (
            "homeless",
            user("homeless"),
            "select",
            FailureKind::Temporary,
        ),
    ];
    for (what, credentials, phase, kind) in table {
        let report = ask("imaps-good", |options| options.credentials(credentials)).await;
        let failure = report.failure.as_ref().unwrap();
        assert_eq!(
            (failure.phase.as_str(), failure.kind),
            (phase, kind),
            "{what}: {failure:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_takes_no_password_in_clear_is_believed() {
    let report = ask("imap-good", |options| {
        in_clear(options)
            .credentials(user("alice"))
            .mechanisms(&[Mechanism::Plain])
    })
    .await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Policy);
    assert!(failure.detail.contains("LOGINDISABLED"), "{failure:?}");
    assert!(!report.transcript.to_string().contains("LOGIN \""));
}

#[tokio::test]
async fn a_server_without_tls_gets_no_password_unless_that_is_allowed_by_name() {
    let report = ask("imap-cleartext", |options| {
        options
            .security(Security::Opportunistic)
            .credentials(user("alice"))
    })
    .await;
    assert_eq!(report.failure.as_ref().unwrap().kind, FailureKind::Withheld);

    let report = ask("imap-cleartext", |options| {
        options
            .security(Security::Opportunistic)
            .secrets_over(SecretsOver::Cleartext)
            .credentials(user("alice"))
    })
    .await;
    assert_eq!(report.failure, None);
    assert_eq!(
        codes(&report),
        ["starttls.not-offered", "imap.auth.in-clear"]
    );
}

#[tokio::test]
async fn quotas_are_judged_before_mail_bounces() {
    let full = ask_as("full", |options| options).await;
    assert_eq!(codes(&full)[0], "imap.quota.exceeded");
    let nearly = ask_as("nearlyfull", |options| options).await;
    assert_eq!(codes(&nearly), ["imap.quota.threshold"]);
    assert_eq!(nearly.verdict(), Verdict::Warning);
    let quota = &nearly.facts.quotas[0];
    assert_eq!((quota.resource.as_str(), quota.limit), ("STORAGE", 100));
}

#[tokio::test]
async fn what_may_be_done_with_a_mailbox_is_told_and_judged() {
    let own = ask_as("readonly", |options| {
        options.access(Access::Select).rights("lrs")
    })
    .await;
    assert_eq!(
        codes(&own),
        ["imap.rights.missing", "imap.mailbox.read-only"]
    );
    let mailbox = own.facts.mailbox.as_ref().unwrap();
    assert_eq!(mailbox.rights.as_deref(), Some("lr"));
    assert_eq!(mailbox.is_writable, Some(false));
    assert_eq!(mailbox.permanent_flags.as_deref(), Some(&[][..]));

    let team: Mailbox = "shared/bob/Team".parse().unwrap();
    let shared = ask_as("alice", |options| options.mailbox(team).rights("lr")).await;
    // Whose quota it is, is not for her to know.
    assert_eq!(codes(&shared), ["imap.question.refused"]);
    assert_eq!(shared.verdict(), Verdict::Ok);
    assert_eq!(shared.facts.mailbox.unwrap().rights.as_deref(), Some("lr"));
}

#[tokio::test]
async fn ten_thousand_messages_are_counted_searched_and_dated() {
    let many = Thresholds::new(Some("5000".parse().unwrap()), None);
    let report = ask_as("big", |options| {
        options
            .messages(many)
            .search("ALL".parse().unwrap(), Thresholds::default())
            .oldest(Thresholds::new(None, Some("3600".parse().unwrap())))
    })
    .await;
    assert_eq!(report.failure, None);
    let mailbox = report.facts.mailbox.as_ref().unwrap();
    assert_eq!(
        (mailbox.messages, mailbox.found),
        (Some(10_000), Some(10_000))
    );
    assert!(mailbox.oldest.is_some() && mailbox.newest.is_some());
    assert_eq!(
        codes(&report),
        ["imap.messages.oldest", "imap.messages.threshold"]
    );
    assert_eq!(report.findings[0].severity, Severity::Critical);
}

#[tokio::test]
async fn a_search_without_esearch_counts_the_same() {
    let report = ask("imap-plain-old", |options| {
        options
            .credentials(user("big"))
            .search("ALL".parse().unwrap(), Thresholds::default())
    })
    .await;
    assert_eq!(report.failure, None);
    assert_eq!(report.facts.mailbox.unwrap().found, Some(10_000));
}

#[tokio::test]
async fn folders_with_odd_names_can_be_opened() {
    let names = by_hand("odd", &[r#"LIST "" "*""#]);
    let wire = |line: &String| {
        let (attributes, name) = line.split_once(r#" "/" "#)?;
        let name = name
            .strip_prefix('"')
            .and_then(|name| name.strip_suffix('"'))
            .unwrap_or(name);
        let name = name
            .replace(r"\\", "\u{1}")
            .replace(r#"\""#, "\"")
            .replace('\u{1}', r"\");
        (!attributes.contains("Noselect")).then_some(name)
    };
    let names: Vec<_> = names.iter().filter_map(wire).collect();
    assert!(names.len() > 12, "{names:?}");
    for name in names {
        let mailbox = Mailbox::from_wire(name.as_bytes());
        let report = ask_as("odd", |options| options.mailbox(mailbox.clone())).await;
        assert_eq!(report.failure, None, "{mailbox}");
        assert!(
            report.facts.mailbox.unwrap().messages.is_some(),
            "{mailbox}"
        );
    }
}

#[tokio::test]
async fn an_empty_mailbox_is_no_fault_and_a_missing_one_is() {
    let empty = ask_as("empty", |options| options).await;
    assert_eq!((empty.failure.as_ref(), codes(&empty)), (None, vec![]));
    assert_eq!(empty.facts.mailbox.unwrap().messages, Some(0));

    let missing = ask_as("alice", |options| {
        options.mailbox("Nowhere".parse().unwrap())
    })
    .await;
    let failure = missing.failure.as_ref().unwrap();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("select", FailureKind::Permanent)
    );
    assert_eq!(codes(&missing)[0], "imap.mailbox.refused");
}

#[tokio::test]
async fn reading_changes_nothing() {
    let state = || {
        let commands = [
            "STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY UNSEEN RECENT HIGHESTMODSEQ)",
            "EXAMINE INBOX",
            "FETCH 1:* (UID FLAGS)",
        ];
        by_hand("alice", &commands)
    };
    let before = state();
    let report = ask_as("alice", |options| {
        options
            .search("UNSEEN".parse().unwrap(), Thresholds::default())
            .exercise(&[Extension::Condstore, Extension::Idle])
            .noops(3)
    })
    .await;
    assert_eq!(report.failure, None);
    assert!(
        before.iter().any(|line| line.contains("6 EXISTS")),
        "{before:?}"
    );
    assert_eq!(state(), before);
}

#[tokio::test]
async fn extensions_are_tried_out() {
    let report = ask_as("alice", |options| options.exercise(Extension::ALL).noops(5)).await;
    let outcomes = &report.facts.exercised;
    for (extension, outcome) in [
        (Extension::Compress, Exercise::Works),
        (Extension::Condstore, Exercise::Works),
        (Extension::Idle, Exercise::Works),
        // Dovecot 2.3 has none.
        (Extension::Utf8, Exercise::NotOffered),
    ] {
        assert!(
            outcomes.contains(&(extension, outcome)),
            "{extension}: {outcomes:?}"
        );
    }
    assert_eq!(codes(&report), ["imap.extension.not-offered"]);
    assert_eq!(report.facts.noops.count(), 5);
    assert!(report.facts.mailbox.unwrap().highest_mod_seq.is_some());
}
