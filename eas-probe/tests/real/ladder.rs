//! The ladder, against SOGo 5.8 behind nginx, with PostgreSQL, memcached, Dovecot and Postfix behind it.

use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use eas_probe::{Command, EasFacts, EasProbe, Options, QueryForm, Rung, Verb, Version};
use probe_core::{Context, FailureKind, Finding, Host, Probe, Report, Target, Thresholds, Verdict};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{self, Tls};
use serde_json::Value;

fn lab() -> &'static Value {
    static LAB: OnceLock<Value> = OnceLock::new();
    LAB.get_or_init(|| {
        let folder = std::env::var("MAILPROBE_LAB").expect("run by `cargo xtask test`");
        let text = fs::read(PathBuf::from(folder).join("lab.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    })
}

fn net() -> Net {
    let ca = PathBuf::from(lab()["ca"].as_str().unwrap());
    let mut roots = rustls::RootCertStore::empty();
    tls::add_ca_file(&mut roots, &ca).unwrap();
    Net::new(Tls::ring(roots))
}

fn user(name: &str) -> Credentials {
    let user = &lab()["users"][name];
    let (name, password) = (&user["name"], &user["password"]);
    Credentials::password(name.as_str().unwrap(), password.as_str().unwrap()).unwrap()
}

fn listener(label: &str) -> (Target, Options) {
    let listener = &lab()["listeners"][label];
    let host: Host = listener["address"].as_str().unwrap().parse().unwrap();
    let port = u16::try_from(listener["port"].as_u64().unwrap()).unwrap();
    let name = listener["name"].as_str().unwrap().parse().unwrap();
    let options = EasProbe::builder(net()).server_name(name);
    (Target::host(host, port), options)
}

async fn ask(label: &str, with: impl FnOnce(Options) -> Options) -> Report<EasFacts> {
    let (target, options) = listener(label);
    let cx = Context::default().with_budget(Duration::from_secs(30));
    with(options).build().unwrap().probe(&target, &cx).await
}

fn codes(report: &Report<EasFacts>) -> Vec<&'static str> {
    report.findings.iter().map(Finding::code).collect()
}

fn kind(report: &Report<EasFacts>) -> FailureKind {
    report.failure.as_ref().unwrap().kind
}

#[tokio::test]
async fn the_whole_ladder_of_a_well_server() {
    let ping = Duration::from_secs(1);
    let report = ask("eas-good", |it| {
        it.credentials(user("alice"))
            .up_to(Rung::Ping)
            .heartbeat(ping)
    })
    .await;
    assert_eq!(
        (report.verdict(), codes(&report)),
        (Verdict::Ok, vec![]),
        "{report:?}"
    );
    let facts = &report.facts;
    assert_eq!(facts.version, Some(Version::V14_1));
    assert_eq!(facts.addresses, ["alice@lab.test"]);
    let folders = facts.folders.as_ref().unwrap();
    assert_eq!(folders.inbox.as_ref().unwrap().name, "INBOX");
    assert_eq!(facts.inbox.as_ref().unwrap().estimate, Some(6));
    // Somebody else may ask for the same device's Ping, or read alice's mail.
    let pinged = facts.ping.as_ref().unwrap().status;
    assert!(matches!(pinged, 1 | 2), "{pinged}");
    let verbs: Vec<_> = facts.exchanges.iter().map(|one| one.verb).collect();
    assert_eq!(
        verbs,
        [
            Verb::Options,
            Verb::Settings,
            Verb::FolderSync,
            Verb::Provision,
            Verb::Sync,
            Verb::Sync,
            Verb::GetItemEstimate,
            Verb::Ping
        ]
    );
}

#[tokio::test]
async fn without_credentials_the_realm_is_told() {
    let report = ask("eas-good", |it| it).await;
    assert_eq!(report.verdict(), Verdict::Ok);
    let anonymous = report.facts.anonymous.unwrap();
    assert_eq!(anonymous.status, 401);
    assert_eq!(anonymous.challenges[0].parameter("realm"), Some("SOGo"));
}

#[tokio::test]
async fn a_query_in_base64_is_understood() {
    let report = ask("eas-good", |it| {
        it.credentials(user("alice"))
            .up_to(Rung::Folders)
            .query_form(QueryForm::Base64)
    })
    .await;
    assert_eq!(report.failure, None);
    assert!(report.facts.folders.unwrap().inbox.is_some());
}

#[tokio::test]
async fn every_older_version_that_both_sides_know_is_spoken() {
    for version in [Version::V14_0, Version::V12_1] {
        let report = ask("eas-good", |it| {
            it.credentials(user("alice")).versions(&[version])
        })
        .await;
        assert_eq!(
            (report.verdict(), report.facts.version),
            (Verdict::Ok, Some(version))
        );
    }
}

#[tokio::test]
async fn who_may_not_is_told_from_who_is_not() {
    let wrong = Credentials::password("alice@lab.test", "not hers").unwrap();
    let report = ask("eas-good", |it| it.credentials(wrong)).await;
    let told = (kind(&report), codes(&report));
    assert_eq!(
        told,
        (FailureKind::Credentials, vec!["eas.credentials.refused"])
    );
    // Asked once: accounts are locked for more.
    assert_eq!(report.facts.exchanges.len(), 1);

    let report = ask("eas-good", |it| it.credentials(user("noeas"))).await;
    let told = (kind(&report), codes(&report));
    assert_eq!(told, (FailureKind::Policy, vec!["eas.user.disabled"]));
}

#[tokio::test]
async fn what_is_gone_behind_is_told() {
    let report = ask("eas-gone", |it| it.credentials(user("alice"))).await;
    let told = (kind(&report), codes(&report));
    assert_eq!(told, (FailureKind::Permanent, vec!["eas.backend.gone"]));
    // Before any password was shown.
    assert_eq!(report.facts.exchanges, []);

    let report = ask("eas-no-imap", |it| it.credentials(user("alice"))).await;
    let told = (kind(&report), codes(&report));
    assert_eq!(told, (FailureKind::Permanent, vec!["eas.folders.no-inbox"]));
}

#[tokio::test]
async fn a_proxy_that_does_not_wait_for_ping_is_told() {
    let ping = Duration::from_secs(5);
    let report = ask("eas-impatient", |it| {
        it.credentials(user("bob"))
            .up_to(Rung::Ping)
            .heartbeat(ping)
    })
    .await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.phase.as_str(), "ping", "{failure}");
    assert_eq!(codes(&report), ["eas.backend.gone"]);
}

#[tokio::test]
async fn a_slow_server_is_held_against_the_limit() {
    let limit = Thresholds::new(Some("1".parse().unwrap()), Some("10".parse().unwrap()));
    let report = ask("eas-slow", |it| {
        it.credentials(user("alice"))
            .up_to(Rung::Options)
            .latency(limit)
    })
    .await;
    assert_eq!(
        (report.verdict(), codes(&report)),
        (Verdict::Warning, vec!["eas.latency.threshold"])
    );
    assert!(report.facts.time_of(Verb::Options).unwrap() >= Duration::from_secs(2));
}

#[tokio::test]
async fn a_certificate_that_expired_keeps_the_password_back() {
    let report = ask("eas-expired", |it| it.credentials(user("alice"))).await;
    assert_eq!(kind(&report), FailureKind::Withheld);
    assert_eq!(codes(&report), ["tls.certificate.expired"]);
}

#[tokio::test]
async fn the_pages_of_health_tell_which_node_answers_and_what_is_down() {
    let report = ask("exchange-good", |it| it).await;
    let told: Vec<_> = report.facts.health.iter().map(|one| one.is_well).collect();
    assert_eq!(told, [true; 9]);
    assert_eq!(
        report.facts.health[0].server.as_deref(),
        Some("NODE1.LAB.TEST")
    );
    let report = ask("exchange-ews-down", |it| it).await;
    assert!(codes(&report).contains(&"eas.health.down"));
    let ill: Vec<_> = report
        .facts
        .health
        .iter()
        .filter(|one| !one.is_well)
        .collect();
    assert_eq!(
        (ill.len(), ill[0].directory.as_str(), ill[0].status),
        (1, "ews", 503)
    );
}

/// A new device at each run would soon be one too many.
#[test]
fn the_same_user_is_the_same_device_at_each_run() {
    let session = |name: &str| {
        let (_, options) = listener("eas-good");
        let probe = options.credentials(user(name)).build().unwrap();
        let host: Host = "eas.lab.test".parse().unwrap();
        let dialogue = probe.dialogue(&host, None).unwrap();
        let request = Command::Folders.request(dialogue.session(), None).unwrap();
        request.url().to_string()
    };
    assert_eq!(session("alice"), session("alice"));
    assert_ne!(session("alice"), session("bob"));
    assert!(session("alice").contains("&DeviceType=mailprobe"));
}
