//! Against a real Postfix, in the many ways in which the lab runs it: each listener's fault must be told as
//! what it is. `cargo xtask test` starts the lab and runs this.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

#[path = "real/envelope.rs"]
mod envelope;
#[path = "real/expectations.rs"]
mod expectations;
#[path = "real/lmtp.rs"]
mod lmtp;
#[path = "real/message.rs"]
mod message;
#[path = "real/relay.rs"]
mod relay;
#[path = "real/trespass.rs"]
mod trespass;

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use probe_core::{Context, FailureKind, Probe, Report, Verdict};
use probe_net::sasl::{Credentials, Mechanism};
use probe_net::tls::{self, SecretsOver, Security, StartTls, Tls};
use probe_net::{Net, Proxy, ProxyVersion};
use serde_json::Value;
use smtp_probe::{Options, SmtpFacts, SmtpProbe};

/// What the lab says of itself.
fn lab() -> &'static Value {
    static LAB: OnceLock<Value> = OnceLock::new();
    LAB.get_or_init(|| {
        let folder = std::env::var("MAILPROBE_LAB").expect("run by `cargo xtask test`");
        let text = fs::read(PathBuf::from(folder).join("lab.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn trusting_tls() -> Tls {
    let mut roots = rustls::RootCertStore::empty();
    tls::add_ca_file(&mut roots, text(&lab()["ca"]).as_ref()).unwrap();
    Tls::ring(roots)
}

fn user(name: &str) -> Credentials {
    let user = &lab()["users"][name];
    Credentials::password(text(&user["name"]), text(&user["password"])).unwrap()
}

fn token(name: &str) -> Credentials {
    let token = &lab()["tokens"][name];
    let secret = fs::read_to_string(text(&token["file"])).unwrap();
    Credentials::token(text(&token["user"]), secret.trim()).unwrap()
}

/// Asks one of the lab's listeners by its address, expecting its name in the certificate.
async fn ask(listener: &str, shape: impl FnOnce(Options) -> Options) -> Report<SmtpFacts> {
    ask_over(listener, Net::new(trusting_tls()), shape).await
}

async fn ask_over(
    listener: &str,
    net: Net,
    shape: impl FnOnce(Options) -> Options,
) -> Report<SmtpFacts> {
    let listener = &lab()["listeners"][listener];
    let port = listener["port"].as_u64().unwrap();
    let address = text(&listener["address"]);
    let target = if address.contains(':') {
        format!("[{address}]:{port}")
    } else {
        format!("{address}:{port}")
    };
    let options = SmtpProbe::builder(net).server_name(text(&listener["name"]).parse().unwrap());
    let probe = shape(options).build().unwrap();
    let cx = Context::default()
        .with_budget(Duration::from_secs(15))
        .with_transcript();
    probe.probe(&target.parse().unwrap(), &cx).await
}

fn codes<F>(report: &Report<F>) -> Vec<&'static str> {
    report
        .findings
        .iter()
        .map(|finding| finding.code())
        .collect()
}

fn phases<F>(report: &Report<F>) -> Vec<&'static str> {
    report
        .spans
        .iter()
        .map(|span| span.phase.as_str())
        .collect()
}

#[tokio::test]
async fn an_ordinary_mx_is_well_and_every_phase_is_booked() {
    let report = ask("smtp-good", |options| options).await;
    assert_eq!(
        (report.verdict(), codes(&report)),
        (Verdict::Ok, vec![]),
        "{report:?}"
    );
    assert_eq!(
        phases(&report),
        [
            "connect", "greeting", "ehlo", "starttls", "tls", "ehlo", "quit"
        ]
    );
    let facts = &report.facts;
    assert_eq!(facts.greeting.as_ref().unwrap().domain(), b"good.lab.test");
    assert_eq!(facts.starttls, StartTls::Accepted);
    let clear = facts.clear.as_ref().unwrap();
    assert!(clear.has("STARTTLS") && clear.has("PIPELINING") && clear.mechanisms().is_empty());
    let secured = facts.secured.as_ref().unwrap();
    assert!(!secured.has("STARTTLS") && secured.size_limit() > Some(0));
    let tls = facts.tls.as_ref().unwrap();
    assert!(tls.is_verified());
    assert_eq!(tls.version, Some("TLSv1.3"));
    assert!(tls.chain[0].names.contains(&"good.lab.test".to_owned()));
}

#[tokio::test]
async fn each_broken_listener_is_told_as_what_it_is() {
    // (listener, security, first finding, kind of failure)
    let required = Some(Security::Required);
    let table = [
        ("smtp-expired", required, "tls.certificate.expired", None),
        (
            "smtp-not-yet-valid",
            required,
            "tls.certificate.not-yet-valid",
            None,
        ),
        (
            "smtp-wrong-name",
            required,
            "tls.certificate.wrong-name",
            None,
        ),
        (
            "smtp-self-signed",
            required,
            "tls.certificate.self-signed",
            None,
        ),
        (
            "smtp-missing-intermediate",
            required,
            "tls.certificate.missing-intermediate",
            None,
        ),
        (
            "smtp-unknown-ca",
            required,
            "tls.certificate.unknown-issuer",
            None,
        ),
        ("smtp-weak-key", required, "tls.certificate.weak-key", None),
        (
            "smtp-sha1",
            required,
            "tls.certificate.weak-signature",
            None,
        ),
        ("smtp-tls10", required, "tls.legacy", Some(FailureKind::Tls)),
        (
            "smtp-cleartext",
            required,
            "starttls.not-offered",
            Some(FailureKind::Unsupported),
        ),
        (
            "submission-without-tls",
            None,
            "starttls.not-offered",
            Some(FailureKind::Unsupported),
        ),
        (
            "smtp-broken-starttls",
            required,
            "starttls.refused",
            Some(FailureKind::Temporary),
        ),
        (
            "smtp-greets-421",
            None,
            "smtp.greeting.busy",
            Some(FailureKind::Temporary),
        ),
        (
            "smtp-greets-554",
            None,
            "smtp.greeting.refused",
            Some(FailureKind::Permanent),
        ),
        (
            "smtp-good",
            Some(Security::Implicit),
            "tls.not-tls",
            Some(FailureKind::Protocol),
        ),
        (
            "submissions-client-certificate",
            None,
            "tls.client-certificate",
            Some(FailureKind::Temporary),
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
async fn between_servers_a_bad_certificate_is_a_warning() {
    for listener in [
        "smtp-expired",
        "smtp-self-signed",
        "smtp-wrong-name",
        "smtp-cleartext",
    ] {
        let report = ask(listener, |options| options).await;
        assert_eq!(report.verdict(), Verdict::Warning, "{listener}: {report:?}");
        assert_eq!(report.failure, None, "{listener}");
    }
}

#[tokio::test]
async fn good_listeners_of_every_kind_are_well() {
    for listener in [
        "smtp-ecdsa",
        "smtp-intermediate",
        "submission",
        "submissions",
        "smtp-good-ipv6",
    ] {
        if lab()["listeners"].get(listener).is_none() {
            // A machine without IPv6 has no such listener; the lab then does not name it.
            assert_eq!(listener, "smtp-good-ipv6");
            continue;
        }
        let report = ask(listener, |options| options).await;
        assert_eq!(report.verdict(), Verdict::Ok, "{listener}: {report:?}");
        assert!(
            report.facts.tls.as_ref().unwrap().is_verified(),
            "{listener}"
        );
    }
}

#[tokio::test]
async fn every_password_and_every_mechanism_logs_in() {
    use Mechanism::{CramMd5, Login, Plain, ScramSha1, ScramSha256};
    for name in ["alice", "bob", "carol", "dave"] {
        for mechanism in [Plain, Login, CramMd5, ScramSha1, ScramSha256] {
            for listener in ["submission", "submissions"] {
                let report = ask(listener, |options| {
                    options.credentials(user(name)).mechanisms(&[mechanism])
                })
                .await;
                assert_eq!(
                    report.verdict(),
                    Verdict::Ok,
                    "{name} {mechanism}: {report:?}"
                );
                let auth = report.facts.auth.as_ref().unwrap();
                assert_eq!(auth.accepted, Some(mechanism.into()), "{name}");
                assert!(report.facts.authenticated.is_some());
            }
        }
    }
}

#[tokio::test]
async fn the_strongest_mechanism_is_taken_by_itself() {
    let report = ask("submission", |options| options.credentials(user("carol"))).await;
    let auth = report.facts.auth.as_ref().unwrap();
    assert_eq!(auth.accepted, Some(Mechanism::ScramSha256.into()));
    assert_eq!(auth.attempts.len(), 1);
}

#[tokio::test]
async fn tokens_log_in_by_both_mechanisms_and_an_old_one_is_refused_with_the_reason() {
    for mechanism in [Mechanism::XOAuth2, Mechanism::OAuthBearer] {
        let good = ask("submission", |options| {
            options.credentials(token("alice")).mechanisms(&[mechanism])
        })
        .await;
        assert_eq!(good.verdict(), Verdict::Ok, "{mechanism}: {good:?}");
        let old = ask("submission", |options| {
            options
                .credentials(token("alice-expired"))
                .mechanisms(&[mechanism])
        })
        .await;
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
    for (listener, credentials, kind) in [
        ("submission", wrong, FailureKind::Credentials),
        ("submission", user("disabled"), FailureKind::Credentials),
        (
            "submission-auth-down",
            user("alice"),
            FailureKind::Temporary,
        ),
        ("smtp-good", user("alice"), FailureKind::Unsupported),
    ] {
        let report = ask(listener, |options| options.credentials(credentials)).await;
        let failure = report.failure.as_ref().unwrap();
        assert_eq!(failure.kind, kind, "{listener}: {failure:?}");
        assert_eq!(failure.phase.as_str(), "auth");
    }
}

#[tokio::test]
async fn a_password_stays_here_where_the_channel_is_not_verified() {
    for (listener, security) in [
        ("smtp-cleartext", Security::Opportunistic),
        ("submission-without-tls", Security::Opportunistic),
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
        assert!(
            report.transcript.to_string().contains("QUIT"),
            "{}",
            report.transcript
        );
    }
}

#[tokio::test]
async fn whoever_allows_it_by_name_logs_in_over_clear_text() {
    let report = ask("smtp-cleartext", |options| {
        options
            .security(Security::Cleartext)
            .secrets_over(SecretsOver::Cleartext)
            .credentials(user("bob"))
    })
    .await;
    assert_eq!(report.failure, None);
    assert_eq!(codes(&report), ["smtp.auth.in-clear"]);
}

#[tokio::test]
async fn anonymous_is_let_in_where_it_is_offered() {
    let report = ask("smtp-cleartext", |options| {
        options
            .security(Security::Cleartext)
            .secrets_over(SecretsOver::Cleartext)
            .credentials(Credentials::anonymous("probe@lab.test").unwrap())
    })
    .await;
    assert_eq!(report.failure, None, "{report:?}");
}

#[tokio::test]
async fn postscreen_hears_nothing_before_its_last_word() {
    let report = ask("smtp-postscreen", |options| options).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert_eq!(codes(&report), ["smtp.greeting.delayed"]);
    assert_eq!(
        report
            .facts
            .greeting
            .as_ref()
            .unwrap()
            .reply()
            .lines()
            .count(),
        2
    );
    // Its own small engine would not offer this; the real one behind it does.
    assert!(report.facts.capabilities().unwrap().has("CHUNKING"));
}

#[tokio::test]
async fn slowness_is_a_finding_until_the_budget_ends_and_a_timeout_then() {
    let report = ask("smtp-slow-greeting", |options| options).await;
    assert_eq!(
        (report.verdict(), codes(&report)),
        (Verdict::Ok, vec!["smtp.greeting.delayed"])
    );

    let listener = &lab()["listeners"]["smtp-slow-greeting"];
    let target = format!("{}:25", text(&listener["address"]));
    let probe = SmtpProbe::builder(Net::new(trusting_tls()))
        .build()
        .unwrap();
    let cx = Context::default().with_budget(Duration::from_secs(1));
    let report = probe.probe(&target.parse().unwrap(), &cx).await;
    let failure = report.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.phase.as_str()),
        (FailureKind::Timeout, "greeting")
    );
}

#[tokio::test]
async fn a_tarpit_takes_its_time_and_is_well() {
    let report = ask("smtp-tarpit", |options| options).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
    assert!(
        report.elapsed > Duration::from_secs(2),
        "{:?}",
        report.elapsed
    );
}

#[tokio::test]
async fn a_client_certificate_opens_the_door() {
    let client = &lab()["client"];
    let tls = trusting_tls()
        .with_client_certificate_files(
            text(&client["certificate"]).as_ref(),
            text(&client["key"]).as_ref(),
        )
        .unwrap();
    let report = ask_over("submissions-client-certificate", Net::new(tls), |options| {
        options
    })
    .await;
    assert_eq!(report.verdict(), Verdict::Ok, "{report:?}");
}

#[tokio::test]
async fn the_old_form_of_auth_is_understood_and_told() {
    let report = ask("submission-old-auth", |options| {
        options.credentials(user("alice"))
    })
    .await;
    assert_eq!(report.failure, None, "{report:?}");
    assert_eq!(codes(&report), ["smtp.auth.legacy-form"]);
}

#[tokio::test]
async fn behind_a_load_balancer_both_proxy_headers_open_the_door() {
    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let net = Net::new(trusting_tls()).with_proxy(Proxy::new(version));
        let report = ask_over("smtp-behind-proxy", net, |options| options).await;
        assert_eq!(report.verdict(), Verdict::Ok, "{version:?}: {report:?}");
    }
}

#[tokio::test]
async fn a_proxy_line_that_nobody_expects_is_answered_as_nonsense() {
    let net = Net::new(trusting_tls()).with_proxy(Proxy::new(ProxyVersion::V1));
    let report = ask_over("smtp-good", net, |options| options).await;
    // Postfix takes the line for a command, and its answer for one to EHLO.
    assert_eq!(
        codes(&report),
        ["starttls.not-offered", "smtp.ehlo.refused"],
        "{report:?}"
    );
}

#[tokio::test]
async fn where_nobody_listens_the_connection_is_refused() {
    let probe = SmtpProbe::builder(Net::new(trusting_tls()))
        .build()
        .unwrap();
    let report = probe
        .probe(&"127.88.0.99:25".parse().unwrap(), &Context::default())
        .await;
    let failure = report.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.phase.as_str()),
        (FailureKind::Refused, "connect")
    );
}
