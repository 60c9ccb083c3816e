//! Against a real Postfix: whether it relays for strangers. No mail is sent.

use probe_core::{Report, Verdict};
use smtp_probe::{RelayTest, SmtpFacts};

use super::{ask, codes};

async fn test(listener: &str) -> Report<SmtpFacts> {
    let sender = "probe@outside.example".parse().unwrap();
    let recipient = "probe@elsewhere.example".parse().unwrap();
    let test = RelayTest::new(sender, recipient).unwrap();
    let report = ask(listener, |options| options.relay_test(test)).await;
    assert!(!report.transcript.to_string().contains("DATA"));
    report
}

#[tokio::test]
async fn an_open_relay_is_told_with_the_forms_that_it_took() {
    let report = test("smtp-open-relay").await;
    assert_eq!(report.verdict(), Verdict::Critical, "{report:?}");
    assert_eq!(codes(&report), ["smtp.relay.open"]);
    let relay = report.facts.relay.as_ref().unwrap();
    let forms = relay.accepted.iter().map(|(form, _)| form.to_string());
    let forms: Vec<_> = forms.collect();
    let plain = "from <probe@outside.example> to <probe@elsewhere.example>";
    assert_eq!(forms[0], plain, "{forms:?}");
    // What it takes for mailboxes of its own is not among them.
    assert!(
        !forms.iter().any(|form| form.contains("@lab.test>")),
        "{forms:?}"
    );
}

#[tokio::test]
async fn servers_that_refuse_every_form_are_closed_and_hear_them_all() {
    for listener in [
        "smtp-good",
        "smtp-no-pipelining",
        "smtp-delivers",
        "submission",
    ] {
        let report = test(listener).await;
        assert_eq!(
            (report.verdict(), codes(&report)),
            (Verdict::Ok, vec![]),
            "{listener}: {report:?}"
        );
        let relay = report.facts.relay.as_ref().unwrap();
        assert_eq!((relay.tried, &relay.stopped), (18, &None), "{listener}");
    }
}

#[tokio::test]
async fn a_server_that_takes_any_name_for_its_own_relays_nothing() {
    let report = test("smtp-catch-all").await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    let report = test("smtp-catch-all-routed").await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert_eq!(codes(&report), ["smtp.relay.untested"]);
    assert!(report.facts.relay.as_ref().unwrap().unclear > 0);
}

#[tokio::test]
async fn whoever_is_not_let_in_has_tested_nothing() {
    let report = test("smtp-requires-auth").await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert_eq!(codes(&report), ["smtp.relay.untested"]);
    assert!(report.facts.relay.as_ref().unwrap().accepted.is_empty());
    let report = test("smtp-milter-down").await;
    assert_eq!(
        codes(&report),
        ["starttls.refused", "smtp.relay.untested"],
        "{report:?}"
    );
}

#[tokio::test]
async fn greylisting_and_a_blacklist_say_nothing_of_other_domains() {
    for listener in ["smtp-greylists", "smtp-blocks"] {
        let report = test(listener).await;
        assert_eq!(report.verdict(), Verdict::Ok, "{listener}: {report:?}");
        let relay = report.facts.relay.as_ref().unwrap();
        assert!(relay.accepted.is_empty(), "{listener}: {relay:?}");
    }
}

#[tokio::test]
async fn a_server_of_little_patience_ends_the_test_and_is_quoted() {
    let report = test("smtp-limits").await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert_eq!(codes(&report), ["smtp.relay.untested"]);
    let relay = report.facts.relay.as_ref().unwrap();
    assert!(relay.tried < 4, "{relay:?}");
    let words = relay.stopped.as_ref().unwrap().raw();
    assert!(words.starts_with(b"421 4.7.0"), "{relay:?}");
}
