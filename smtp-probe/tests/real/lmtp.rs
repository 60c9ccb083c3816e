//! Against a real Dovecot, by LMTP: whom it has a mailbox for.

use probe_core::{FailureKind, Report, Verdict};
use probe_net::tls::StartTls;
use smtp_probe::{Acceptance, Address, CatchAll, Options, Protocol, SmtpFacts};

use super::{ask, codes, phases};

async fn ask_lmtp(
    listener: &str,
    names: &[&str],
    shape: impl FnOnce(Options) -> Options,
) -> Report<SmtpFacts> {
    let addresses: Vec<Address> = names.iter().map(|name| name.parse().unwrap()).collect();
    ask(listener, |options| {
        shape(options.protocol(Protocol::Lmtp).recipients(&addresses))
    })
    .await
}

fn acceptances(report: &Report<SmtpFacts>) -> Vec<Acceptance> {
    let envelope = report.facts.envelope.as_ref().unwrap();
    let recipients = envelope.recipients.iter();
    recipients.map(|one| one.answer.acceptance).collect()
}

#[tokio::test]
async fn a_mail_store_is_well_and_introduced_to_by_lhlo() {
    let report = ask_lmtp("lmtp-good", &[], |options| options).await;
    assert_eq!(
        (report.probe, report.verdict(), codes(&report)),
        ("lmtp", Verdict::Ok, vec![]),
        "{report:?}"
    );
    assert_eq!(
        phases(&report),
        [
            "connect", "greeting", "ehlo", "starttls", "tls", "ehlo", "quit"
        ]
    );
    assert_eq!(report.facts.starttls, StartTls::Accepted);
    assert!(report.transcript.to_string().contains("LHLO"));
    assert!(!report.transcript.to_string().contains("EHLO"));
}

#[tokio::test]
async fn each_recipient_is_told_as_what_the_store_knows_of_it() {
    let names = [
        "deliver@lab.test",
        "deliver+Junk@lab.test",
        "no-such-user@lab.test",
        "somebody@elsewhere.example",
        "hangup@lab.test",
        // What is over quota is told when the message is there.
        "full@lab.test",
    ];
    let report = ask_lmtp("lmtp-good", &names, |options| options.catch_all(true)).await;
    assert_eq!(
        acceptances(&report),
        [
            Acceptance::Accepted,
            Acceptance::Accepted,
            Acceptance::UnknownUser,
            Acceptance::UnknownUser,
            Acceptance::Temporary,
            Acceptance::Accepted,
        ],
        "{report:?}"
    );
    let envelope = report.facts.envelope.as_ref().unwrap();
    assert_eq!(envelope.catch_all(), Some(CatchAll::No));
    assert_eq!(
        codes(&report),
        [
            "smtp.recipient.unknown",
            "smtp.recipient.unknown",
            "smtp.recipient.deferred"
        ]
    );
}

#[tokio::test]
async fn what_it_does_not_offer_is_not_used() {
    let report = ask_lmtp("lmtp-good", &["deliver@lab.test"], |options| {
        options.message_size(1000).eight_bit(true)
    })
    .await;
    assert_eq!(codes(&report), ["smtp.extension.not-offered"], "{report:?}");
    assert_eq!(report.findings[0].evidence, "SIZE");
    assert_eq!(acceptances(&report), [Acceptance::Accepted]);
}

#[tokio::test]
async fn the_wrong_protocol_is_refused_at_the_introduction() {
    let smtp = ask("lmtp-good", |options| options).await;
    let lmtp = ask_lmtp("smtp-good", &[], |options| options).await;
    for report in [smtp, lmtp] {
        let failure = report.failure.as_ref().unwrap();
        assert_eq!(
            (failure.kind, failure.phase.as_str()),
            (FailureKind::Permanent, "ehlo"),
            "{report:?}"
        );
    }
}
