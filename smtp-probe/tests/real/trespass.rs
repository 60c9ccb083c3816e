//! Against a real Postfix: what others could get past it.

use std::time::Duration;

use probe_core::{Context, Probe, Report, Verdict};
use probe_net::Net;
use smtp_probe::{FalseEnd, InjectionFacts, Message, SmtpFacts, SmtpProbe};

use super::{ask, codes, lab, text, trusting_tls};

#[tokio::test]
async fn a_command_behind_starttls_is_forgotten() {
    for listener in ["smtp-good", "smtp-delivers", "submission", "smtp-strict"] {
        let report = ask(listener, |options| options.injection_test(true)).await;
        assert_eq!(
            (report.verdict(), codes(&report)),
            (Verdict::Ok, vec![]),
            "{listener}: {report:?}"
        );
        let injection = report.facts.injection.as_ref();
        assert_eq!(injection, Some(&InjectionFacts::Ignored), "{listener}");
    }
}

/// Ten seconds are not enough where all is well.
async fn smuggle(listener: &str) -> Report<SmtpFacts> {
    let listener = &lab()["listeners"][listener];
    let probe = SmtpProbe::builder(Net::new(trusting_tls()))
        .server_name(text(&listener["name"]).parse().unwrap())
        .recipients(&["alice@lab.test".parse().unwrap()])
        .message(Message::new(*b"Subject: smuggled?\r\n\r\nhello\r\n").unwrap())
        .smuggling_test(true)
        .build()
        .unwrap();
    let target = format!("{}:{}", text(&listener["address"]), listener["port"]);
    let cx = Context::default()
        .with_budget(Duration::from_secs(30))
        .with_transcript();
    probe.probe(&target.parse().unwrap(), &cx).await
}

#[tokio::test]
async fn an_ordinary_postfix_of_that_age_sees_an_end_in_bare_line_feeds() {
    let report = smuggle("smtp-good").await;
    assert_eq!(report.verdict(), Verdict::Critical, "{report:?}");
    assert_eq!(codes(&report), ["smtp.smuggling.accepted"], "{report:?}");
    let smuggling = report.facts.smuggling.as_ref().unwrap();
    assert_eq!(smuggling.accepted().unwrap().0, FalseEnd::LfLf);
}

#[tokio::test]
async fn a_strict_postfix_sees_none() {
    let report = smuggle("smtp-strict").await;
    assert_eq!(
        (report.verdict(), codes(&report)),
        (Verdict::Ok, vec![]),
        "{report:?}"
    );
    let smuggling = report.facts.smuggling.as_ref().unwrap();
    assert_eq!(smuggling.ignored, FalseEnd::ALL, "{report:?}");
}
