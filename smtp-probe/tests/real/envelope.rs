//! Against a real Postfix, without sending mail: whom it takes mail from and for, and why not; what it tells of who is
//! there.

use probe_core::{FailureKind, Report, Verdict};
use probe_net::tls::Security;
use smtp_probe::{
    Acceptance, Address, CatchAll, Directory, Disclosure, Existence, Notify, Options, SmtpFacts,
};

use super::{ask, codes, lab, phases, text, user};

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn recipients(options: Options, names: &[&str]) -> Options {
    let addresses: Vec<_> = names
        .iter()
        .map(|name| match name.contains('@') {
            true => address(name),
            false => address(&format!("{name}@lab.test")),
        })
        .collect();
    options.recipients(&addresses)
}

async fn ask_for(listener: &str, names: &[&str]) -> Report<SmtpFacts> {
    ask(listener, |options| recipients(options, names)).await
}

async fn ask_for_any(listener: &str, names: &[&str]) -> Report<SmtpFacts> {
    ask(listener, |options| {
        recipients(options, names).catch_all(true)
    })
    .await
}

fn acceptances(report: &Report<SmtpFacts>) -> Vec<Acceptance> {
    let envelope = report.facts.envelope.as_ref().unwrap();
    envelope
        .recipients
        .iter()
        .map(|one| one.answer.acceptance)
        .collect()
}

/// What was said of the sender, where that was a refusal.
fn refusal(report: &Report<SmtpFacts>) -> (FailureKind, &str, Acceptance) {
    let failure = report.failure.as_ref().expect("no failure");
    let envelope = report.facts.envelope.as_ref().unwrap();
    (
        failure.kind,
        failure.phase.as_str(),
        envelope.sender_answer.as_ref().unwrap().acceptance,
    )
}

fn existence(report: &Report<SmtpFacts>) -> (Option<CatchAll>, Vec<Existence>) {
    let envelope = report.facts.envelope.as_ref().unwrap();
    let catch_all = envelope.catch_all();
    let recipients = envelope.recipients.iter();
    (
        catch_all,
        recipients.map(|one| one.existence(catch_all)).collect(),
    )
}

#[tokio::test]
async fn an_ordinary_mx_takes_mail_for_its_own_and_nothing_is_sent() {
    let report = ask_for_any("smtp-good", &["alice", "bob"]).await;
    assert_eq!(
        (report.verdict(), codes(&report)),
        (Verdict::Ok, vec![]),
        "{report:?}"
    );
    assert_eq!(acceptances(&report), [Acceptance::Accepted; 2]);
    assert_eq!(
        existence(&report),
        (Some(CatchAll::No), vec![Existence::Exists; 2])
    );
    assert_eq!(
        phases(&report)[6..],
        ["mail", "rcpt", "rcpt", "rcpt", "rset", "quit"]
    );
    assert!(!report.transcript.to_string().contains("DATA"));
}

#[tokio::test]
async fn each_odd_recipient_is_told_as_what_it_is() {
    let table = [
        (
            "greylisted",
            Acceptance::Greylisted,
            "smtp.recipient.greylisted",
        ),
        ("too-fast", Acceptance::Temporary, "smtp.recipient.deferred"),
        (
            "no-lookup",
            Acceptance::Temporary,
            "smtp.recipient.deferred",
        ),
        (
            "full",
            Acceptance::MailboxFull,
            "smtp.recipient.mailbox-full",
        ),
        (
            "full-for-good",
            Acceptance::MailboxFull,
            "smtp.recipient.mailbox-full",
        ),
        ("inactive", Acceptance::Refused, "smtp.recipient.refused"),
        ("unknown", Acceptance::UnknownUser, "smtp.recipient.unknown"),
        ("blocked", Acceptance::Blocked, "smtp.recipient.blocked"),
        (
            "somebody@elsewhere.example",
            Acceptance::RelayDenied,
            "smtp.recipient.relay-denied",
        ),
    ];
    for (name, acceptance, finding) in table {
        let report = ask_for("smtp-good", &[name]).await;
        assert_eq!(report.failure, None, "{name}");
        assert_eq!(
            (acceptances(&report), codes(&report)),
            (vec![acceptance], vec![finding]),
            "{name}: {report:?}"
        );
        if let Some(known) = lab()["recipients"].get(name) {
            let envelope = report.facts.envelope.as_ref().unwrap();
            let reply = envelope.recipients[0].answer.reply.raw();
            assert!(reply.starts_with(text(&known["reply"]).as_bytes()));
        }
    }
}

#[tokio::test]
async fn recipients_of_one_envelope_are_answered_each_for_itself() {
    let names = ["full", "alice", "unknown", "greylisted", "bob"];
    let report = ask_for("smtp-good", &names).await;
    assert_eq!(
        acceptances(&report),
        [
            Acceptance::MailboxFull,
            Acceptance::Accepted,
            Acceptance::UnknownUser,
            Acceptance::Greylisted,
            Acceptance::Accepted,
        ]
    );
}

#[tokio::test]
async fn a_server_that_takes_whatever_comes_proves_nothing() {
    for listener in ["smtp-catch-all", "smtp-catch-all-routed"] {
        let report = ask_for_any(listener, &["alice", "no-such-user"]).await;
        assert_eq!(codes(&report), ["smtp.catch-all"], "{listener}: {report:?}");
        assert_eq!(
            existence(&report),
            (Some(CatchAll::Yes), vec![Existence::Unknown; 2]),
            "{listener}"
        );
    }
}

#[tokio::test]
async fn greylisting_is_told_from_refusal_and_leaves_open_who_is_there() {
    let report = ask_for_any("smtp-greylists", &["alice"]).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert_eq!(codes(&report), ["smtp.recipient.greylisted"]);
    assert_eq!(
        existence(&report),
        (Some(CatchAll::Unknown), vec![Existence::Unknown])
    );
    // No waiting will help these.
    let report = ask_for("smtp-greylists", &["somebody@elsewhere.example"]).await;
    assert_eq!(acceptances(&report), [Acceptance::RelayDenied]);
}

#[tokio::test]
async fn a_blacklist_is_named_as_evidence() {
    let report = ask_for("smtp-blocks", &["alice"]).await;
    assert_eq!(codes(&report), ["smtp.recipient.blocked"], "{report:?}");
    let evidence = report.findings[0].evidence.as_str();
    assert!(evidence.contains("blocked using zen.example"), "{evidence}");
    // It looks for users before it asks the list.
    let report = ask_for("smtp-blocks", &["no-such-user"]).await;
    assert_eq!(acceptances(&report), [Acceptance::UnknownUser]);
}

#[tokio::test]
async fn a_refused_sender_is_told_with_the_reason() {
    let sender = |options: Options| options.sender("probe@elsewhere.example".parse().unwrap());
    let report = ask("smtp-rejects-sender", sender).await;
    assert_eq!(
        refusal(&report),
        (FailureKind::Permanent, "mail", Acceptance::Refused)
    );
    let report = ask("smtp-requires-auth", sender).await;
    assert_eq!(
        refusal(&report),
        (FailureKind::Policy, "mail", Acceptance::AuthRequired)
    );
    let report = ask("smtp-requires-tls", |options| {
        sender(options).security(Security::Cleartext)
    })
    .await;
    assert_eq!(
        refusal(&report),
        (FailureKind::Policy, "mail", Acceptance::AuthRequired)
    );
}

#[tokio::test]
async fn whoever_logs_in_or_uses_tls_is_let_in() {
    let report = ask("smtp-requires-auth", |options| {
        recipients(options, &["alice", "somebody@elsewhere.example"]).credentials(user("alice"))
    })
    .await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert_eq!(acceptances(&report), [Acceptance::Accepted; 2]);
    let report = ask_for("smtp-requires-tls", &["alice"]).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
}

#[tokio::test]
async fn a_port_for_users_is_told_from_a_block() {
    let report = ask_for("submission", &["alice"]).await;
    assert_eq!(
        codes(&report),
        ["smtp.recipient.auth-required"],
        "{report:?}"
    );
}

#[tokio::test]
async fn a_milter_that_is_down_is_no_greylisting() {
    let report = ask_for("smtp-milter-down", &["alice"]).await;
    assert_eq!(
        refusal(&report),
        (FailureKind::Temporary, "mail", Acceptance::Temporary)
    );
}

#[tokio::test]
async fn a_message_beyond_the_limit_is_told_where_the_limit_is() {
    let sized = |octets| {
        move |options| {
            let options: Options = recipients(options, &["alice"]);
            options.message_size(octets)
        }
    };
    let report = ask("smtp-size", sized(10_240)).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    let report = ask("smtp-size", sized(10_241)).await;
    assert_eq!(codes(&report), ["smtp.size.exceeded"], "{report:?}");
    // The size costs us nothing of what is said of the recipient.
    assert_eq!(acceptances(&report), [Acceptance::Accepted]);
    let report = ask("smtp-no-size", sized(10_241)).await;
    assert_eq!(codes(&report), ["smtp.extension.not-offered"], "{report:?}");
    assert_eq!(report.findings[0].evidence.as_str(), "SIZE");
}

#[tokio::test]
async fn an_extension_that_is_missing_is_named_and_left_out() {
    let report = ask("smtp-no-8bitmime", |options| {
        recipients(options, &["alice"]).eight_bit(true)
    })
    .await;
    assert_eq!(codes(&report), ["smtp.extension.not-offered"], "{report:?}");
    assert_eq!(report.findings[0].evidence.as_str(), "8BITMIME");
    let report = ask("smtp-no-dsn", |options| {
        recipients(options, &["alice"]).notify("never".parse::<Notify>().unwrap())
    })
    .await;
    assert_eq!(codes(&report), ["smtp.extension.not-offered"], "{report:?}");
    assert_eq!(report.findings[0].evidence.as_str(), "DSN");
    assert_eq!(acceptances(&report), [Acceptance::Accepted]);
}

#[tokio::test]
async fn without_pipelining_the_answers_are_the_same() {
    let report = ask_for_any("smtp-no-pipelining", &["alice", "unknown"]).await;
    assert_eq!(
        acceptances(&report),
        [Acceptance::Accepted, Acceptance::UnknownUser]
    );
    assert_eq!(existence(&report).0, Some(CatchAll::No));
}

#[tokio::test]
async fn an_address_beyond_ascii_needs_a_server_that_can_read_it() {
    let report = ask_for("smtp-no-smtputf8", &["jürgen"]).await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Unsupported, "{report:?}");
    let report = ask_for("smtp-good", &["jürgen", "x@münchen.example"]).await;
    assert_eq!(
        acceptances(&report),
        [Acceptance::UnknownUser, Acceptance::RelayDenied]
    );
}

#[tokio::test]
async fn too_many_recipients_are_told_from_too_many_errors() {
    let report = ask_for("smtp-limits", &["alice", "bob", "carol", "dave"]).await;
    assert_eq!(codes(&report), ["smtp.recipient.too-many"], "{report:?}");
    assert_eq!(
        acceptances(&report)[2..],
        [Acceptance::Accepted, Acceptance::TooMany]
    );
    let nobody = ["nobody-1", "nobody-2", "nobody-3", "nobody-4"];
    let report = ask_for("smtp-limits", &nobody).await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(
        (failure.kind, failure.phase.as_str()),
        (FailureKind::Temporary, "rcpt"),
        "{report:?}"
    );
    // What was said before stays.
    assert_eq!(acceptances(&report)[..3], [Acceptance::UnknownUser; 3]);
}

#[tokio::test]
async fn an_mx_that_really_delivers_knows_one_user() {
    for (listener, login) in [("smtp-delivers", false), ("submission-delivers", true)] {
        let report = ask(listener, |options| {
            let options = recipients(options, &["deliver", "deliver+Junk", "alice"]);
            match login {
                true => options.credentials(user("deliver")),
                false => options,
            }
        })
        .await;
        assert_eq!(
            acceptances(&report),
            [
                Acceptance::Accepted,
                Acceptance::Accepted,
                Acceptance::UnknownUser
            ],
            "{listener}: {report:?}"
        );
    }
}

#[tokio::test]
async fn vrfy_tells_strangers_who_is_there() {
    let names = ["alice@lab.test", "no-such-user@lab.test"];
    let names = names.map(|name| name.parse().unwrap());
    let report = ask("smtp-vrfy", |options| options.verify(&names)).await;
    assert_eq!(codes(&report), ["smtp.vrfy.discloses"], "{report:?}");
    let vrfy = report.facts.disclosures.iter();
    let vrfy: Vec<_> = vrfy
        .filter(|one| one.directory == Directory::Vrfy)
        .map(|one| one.disclosure())
        .collect();
    assert_eq!(vrfy, [Disclosure::Nothing, Disclosure::Missing]);

    let report = ask("smtp-no-vrfy", |options| options.verify(&names)).await;
    assert_eq!(codes(&report), Vec::<&str>::new(), "{report:?}");
    // Where any name is taken, any name is confirmed.
    let report = ask("smtp-catch-all", |options| options.verify(&names)).await;
    assert_eq!(codes(&report), Vec::<&str>::new(), "{report:?}");
}

#[tokio::test]
async fn noops_are_measured() {
    let report = ask("smtp-good", |options| options.noops(10)).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert_eq!(report.facts.noops.count(), 10);
    assert!(report.facts.noops.p95() >= report.facts.noops.median());
}

#[tokio::test]
async fn the_name_in_ehlo_is_judged_by_some() {
    let named =
        |name: &'static str| move |options: Options| options.ehlo_name(name.parse().unwrap());
    let report = ask("smtp-judges-ehlo", named("localhost")).await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(
        (failure.kind, failure.phase.as_str()),
        (FailureKind::Permanent, "ehlo"),
        "{report:?}"
    );
    for name in ["client.lab.test", "[127.0.0.1]"] {
        let report = ask("smtp-judges-ehlo", named(name)).await;
        assert_eq!(report.verdict(), Verdict::Ok, "{name}: {report:?}");
    }
}
