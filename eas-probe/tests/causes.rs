//! The table of troubles: what a server does, and which failure and which code tell it.

#![cfg(feature = "ring")]
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests"
)]

mod common;

use std::sync::Arc;
use std::time::Duration;

use eas_probe::wbxml::Builder;
use eas_probe::wbxml::tags::{folder_hierarchy, provision};
use eas_probe::{Acknowledgement, EasFacts, QueryForm, Rung, Version};
use probe_core::{Context, FailureKind, Host, Probe, Report, Target, Thresholds, Verdict};
use probe_net::tls::SecretsOver;
use probe_testkit::{Say, WebRequest};

use common::{Once, WBXML, World, codes, command, page, policy, status};

/// The request whose answer is changed.
fn is(request: &WebRequest, wanted: &str) -> bool {
    match wanted {
        "OPTIONS" => request.method() == "OPTIONS" && request.header("authorization").is_some(),
        wanted => command(request) == wanted,
    }
}

/// What comes of a server that answers one command so.
async fn with(wanted: &'static str, say: Say) -> (Report<EasFacts>, Vec<String>) {
    let world = World::new(move |request| is(request, wanted).then(|| say.clone())).await;
    let report = world.ask(world.options()).await;
    (report, world.asked())
}

fn kind(report: &Report<EasFacts>) -> FailureKind {
    report.failure.as_ref().unwrap().kind
}

#[tokio::test]
async fn each_http_status_has_its_kind_and_its_remedy() {
    use FailureKind::{Credentials, Permanent, Policy, Protocol, Quota, Temporary, Unsupported};
    for (number, expected, code) in [
        (400, Protocol, "eas.request.refused"),
        (401, Credentials, "eas.credentials.refused"),
        (403, Policy, "eas.user.disabled"),
        (404, Unsupported, "eas.not-here"),
        (456, Credentials, "eas.account.blocked"),
        (457, Credentials, "eas.password.expired"),
        (500, Permanent, "eas.server.error"),
        (501, Unsupported, "eas.command.unsupported"),
        (502, Permanent, "eas.backend.gone"),
        (503, Temporary, "eas.server.busy"),
        (504, Permanent, "eas.backend.gone"),
        (507, Quota, "eas.quota.exceeded"),
    ] {
        for wanted in ["OPTIONS", "FolderSync"] {
            let (report, asked) = with(wanted, Say::page(number, "", "")).await;
            assert_eq!(
                (kind(&report), codes(&report)),
                (expected, vec![code]),
                "{number}"
            );
            assert_eq!(report.verdict(), Verdict::Critical);
            // A password that was refused is not tried again: accounts are locked for that.
            let last = asked.last().unwrap();
            assert!(last.contains(wanted), "{number}: {asked:?}");
        }
    }
}

#[tokio::test]
async fn each_status_in_a_body_has_its_kind_and_its_remedy() {
    use FailureKind::{Permanent, Policy, Protocol, Quota, Temporary, Unsupported};
    for (wanted, number, expected, code) in [
        ("FolderSync", 110, Permanent, "eas.server.error"),
        ("FolderSync", 111, Temporary, "eas.server.busy"),
        ("FolderSync", 113, Quota, "eas.quota.exceeded"),
        ("FolderSync", 114, Permanent, "eas.mailbox.offline"),
        ("FolderSync", 126, Policy, "eas.user.disabled"),
        ("FolderSync", 129, Policy, "eas.device.blocked"),
        ("FolderSync", 138, Unsupported, "eas.version.refused"),
        ("FolderSync", 139, Policy, "eas.provisioning.refused"),
        ("FolderSync", 165, Policy, "eas.device.unannounced"),
        ("FolderSync", 177, Policy, "eas.device.too-many"),
        ("FolderSync", 9, Permanent, "eas.state.lost"),
        ("Settings", 126, Policy, "eas.user.disabled"),
        ("Provision", 145, Policy, "eas.provisioning.refused"),
        ("Provision", 3, Permanent, "eas.server.error"),
        ("Sync", 4, Protocol, "eas.request.refused"),
        ("Sync", 9, Quota, "eas.quota.exceeded"),
        ("Sync", 16, Temporary, "eas.server.busy"),
        ("GetItemEstimate", 3, Permanent, "eas.state.lost"),
        ("Ping", 7, Temporary, "eas.state.lost"),
        ("Ping", 8, Permanent, "eas.server.error"),
    ] {
        let (report, _) = with(wanted, page(&status(wanted, number))).await;
        let told = (kind(&report), codes(&report));
        assert_eq!(told, (expected, vec![code]), "{wanted} {number}");
        let detail = report.failure.unwrap().detail;
        let expected = format!("{wanted} was answered with {number} ");
        assert!(detail.starts_with(&expected), "{detail}");
    }
}

#[tokio::test]
async fn a_busy_server_says_when_to_come_back_and_is_not_asked_again() {
    let head = "Retry-After: 300\r\nX-MS-ASThrottle: CommandFrequency\r\n";
    let (report, asked) = with("FolderSync", Say::page(503, head, "")).await;
    assert_eq!(
        report.facts.server.retry_after,
        Some(Duration::from_secs(300))
    );
    let expected = "FolderSync was answered with 503 Service Unavailable: the server is overloaded, or slows this client \
        down (CommandFrequency; come back in 300 s)";
    assert_eq!(report.failure.unwrap().detail, expected);
    assert_eq!(asked.iter().filter(|one| *one == "FolderSync").count(), 1);
}

#[tokio::test]
async fn a_password_that_ends_soon_is_told_with_where_to_change_it() {
    let head = format!(
        "{WBXML}X-MS-Credentials-Expire: 3\r\nX-MS-Credential-Service-Url: https://pw.example.org/\r\n"
    );
    let world = World::new(move |request| {
        is(request, "FolderSync").then(|| Say::page(200, &head, common::folders()))
    })
    .await;
    let days = Thresholds::new(Some("7:".parse().unwrap()), Some("1:".parse().unwrap()));
    let report = world.ask(world.options().password_days(days)).await;
    assert_eq!(codes(&report), ["eas.password.ends"]);
    let expected = "in 3 days; it is changed at https://pw.example.org/";
    assert!(
        report.findings[0].evidence.starts_with(expected),
        "{}",
        report.findings[0].evidence
    );
    assert_eq!(report.verdict(), Verdict::Warning);
}

#[tokio::test]
async fn a_mailbox_elsewhere_is_followed_once_and_only_to_hosts_that_were_allowed() {
    let there = Say::page(
        451,
        "X-MS-Location: https://other.example.net/Microsoft-Server-ActiveSync\r\n",
        "",
    );
    let (report, asked) = with("FolderSync", there).await;
    assert_eq!(
        (kind(&report), codes(&report)),
        (FailureKind::Permanent, vec!["eas.relocated"])
    );
    let (url, was_asked) = report.facts.relocated.unwrap();
    assert_eq!(
        url.to_string(),
        "https://other.example.net/Microsoft-Server-ActiveSync"
    );
    assert!(!was_asked);
    assert_eq!(asked.last().unwrap(), "FolderSync");

    // To another path of the same host it may go.
    let once = Arc::new(Once::default());
    let world = World::new(move |request| {
        let is_first = is(request, "FolderSync") && once.is_first();
        let port = request
            .header("host")
            .unwrap()
            .split_once(':')
            .unwrap()
            .1
            .to_owned();
        let head = format!("X-MS-Location: https://{}:{port}/other\r\n", common::NAME);
        is_first.then(|| Say::page(451, &head, ""))
    })
    .await;
    let report = world.ask(world.options()).await;
    assert_eq!(report.verdict(), Verdict::Ok, "{:?}", report.failure);
    assert!(report.facts.relocated.unwrap().1);
    let heard = world.web.heard();
    assert!(
        heard
            .last()
            .unwrap()
            .target()
            .starts_with("/other?Cmd=Ping")
    );
}

#[tokio::test]
async fn a_server_that_wants_provisioning_gets_it_and_is_asked_again_once() {
    for wants in [
        Say::page(449, "", ""),
        page(&status("FolderSync", 142)),
        page(&status("FolderSync", 144)),
    ] {
        let once = Arc::new(Once::default());
        let world = World::new(move |request| {
            (is(request, "FolderSync") && once.is_first()).then(|| wants.clone())
        })
        .await;
        let report = world.ask(world.options()).await;
        assert_eq!(report.verdict(), Verdict::Ok, "{:?}", report.failure);
        let asked = world.asked();
        let begins = asked.iter().position(|one| one == "FolderSync").unwrap();
        assert_eq!(
            asked[begins..begins + 5],
            ["FolderSync", "Provision", "Provision", "FolderSync", "Sync"]
        );
        let heard = world.web.heard();
        let key = |at: usize| {
            heard[begins + at]
                .header("x-ms-policykey")
                .map(str::to_owned)
        };
        // None, the temporary one, the permanent one.
        assert_eq!(key(1), None);
        assert_eq!(key(2).as_deref(), Some("1111"));
        assert_eq!(key(3).as_deref(), Some("4242"));
    }
    // And no more than once.
    let (report, asked) = with("FolderSync", page(&status("FolderSync", 142))).await;
    assert_eq!(codes(&report), ["eas.provisioning.refused"]);
    assert_eq!(asked.iter().filter(|one| *one == "FolderSync").count(), 2);
}

#[tokio::test]
async fn an_order_to_wipe_is_told_and_never_confirmed() {
    let wipe = Builder::new(provision::PROVISION)
        .number(provision::STATUS, 1)
        .empty(provision::REMOTE_WIPE)
        .finish()
        .unwrap();
    let account = Builder::new(provision::PROVISION)
        .number(provision::STATUS, 1)
        .empty(provision::ACCOUNT_ONLY_REMOTE_WIPE)
        .finish()
        .unwrap();
    for order in [wipe, account] {
        let (report, asked) = with("Provision", page(&order)).await;
        assert_eq!(
            (kind(&report), codes(&report)),
            (FailureKind::Policy, vec!["eas.wipe.ordered"])
        );
        assert!(report.facts.wipe);
        assert_eq!(asked.iter().filter(|one| *one == "Provision").count(), 1);
        assert_eq!(asked.last().unwrap(), "Provision");
    }
    let (report, _) = with("FolderSync", page(&status("FolderSync", 140))).await;
    assert_eq!(codes(&report), ["eas.wipe.ordered"]);
    assert!(report.facts.wipe);
}

#[tokio::test]
async fn what_is_said_to_a_policy_is_the_callers_choice() {
    for (choice, expected) in [
        (Acknowledgement::Partial, Some("<Status>2</Status>")),
        (Acknowledgement::Managed, Some("<Status>4</Status>")),
        (Acknowledgement::Silence, None),
    ] {
        let world = World::new(|_| None).await;
        let report = world.ask(world.options().acknowledgement(choice)).await;
        let heard = world.web.heard();
        let told: Vec<_> = heard
            .iter()
            .filter(|one| command(one) == "Provision")
            .map(common::body)
            .collect();
        let second = told.get(1).map(String::as_str);
        assert_eq!(second.is_some(), expected.is_some());
        assert!(expected.is_none_or(|expected| second.unwrap().contains(expected)));
        assert_eq!(
            report.facts.policy.unwrap().is_acknowledged,
            expected.is_some()
        );
    }
}

#[tokio::test]
async fn a_server_without_a_version_of_ours_is_told_by_that() {
    let old = "MS-ASProtocolVersions: 2.5,12.0\r\nMS-Server-ActiveSync: 8.0\r\n";
    let (report, _) = with("OPTIONS", Say::page(200, old, "")).await;
    assert_eq!(codes(&report), ["eas.version.refused"]);
    assert_eq!(report.facts.server.versions, ["2.5", "12.0"]);
    let world = World::new(|_| None).await;
    let report = world
        .ask(world.options().versions(&[Version::V14_1, Version::V12_1]))
        .await;
    assert_eq!(report.facts.version, Some(Version::V14_1));
    let heard = world.web.heard();
    assert_eq!(
        heard.last().unwrap().header("ms-asprotocolversion"),
        Some("14.1")
    );
    let (report, _) = with("OPTIONS", Say::page(200, "Allow: GET, OPTIONS\r\n", "")).await;
    assert_eq!(codes(&report), ["eas.not-here"]);
}

#[tokio::test]
async fn a_mailbox_without_an_inbox_is_no_mailbox() {
    let bare = Builder::new(folder_hierarchy::FOLDER_SYNC)
        .number(folder_hierarchy::STATUS, 1)
        .text(folder_hierarchy::SYNC_KEY, "1")
        .finish()
        .unwrap();
    let (report, asked) = with("FolderSync", page(&bare)).await;
    assert_eq!(codes(&report), ["eas.folders.no-inbox"]);
    assert_eq!(asked.last().unwrap(), "FolderSync");
}

#[tokio::test]
async fn a_page_of_something_else_and_broken_answers_are_told() {
    let html = Say::page(200, "Content-Type: text/html\r\n", "<html>sign in</html>");
    let (report, _) = with("FolderSync", html).await;
    assert_eq!(kind(&report), FailureKind::Protocol);
    assert_eq!(
        report.failure.unwrap().reply.unwrap(),
        b"<html>sign in</html>"
    );
    for broken in [&b"\x03\x01\x6a\x00\x45"[..], b""] {
        let (report, _) = with("FolderSync", Say::page(200, WBXML, broken)).await;
        assert_eq!(kind(&report), FailureKind::Protocol);
    }
    let short = Say::Last(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n\x03\x01".to_vec());
    let (report, _) = with("FolderSync", short).await;
    assert_eq!(kind(&report), FailureKind::Closed);
    // What was learned before stays.
    assert_eq!(report.facts.version, Some(Version::V16_1));
}

/// What comes of asking for the pages of health alone, if all of them, or all but one, are answered with this.
async fn swept(status: u16, but: &'static str) -> Report<EasFacts> {
    let world = World::new(move |request| {
        let is_other = !request.target().contains(but);
        is_other.then(|| Say::page(status, "", ""))
    })
    .await;
    let report = world.ask(world.options().up_to(Rung::Health)).await;
    assert_eq!(world.asked().len(), 9);
    report
}

#[tokio::test]
async fn where_only_health_is_asked_every_directory_is() {
    let report = swept(404, "nothing").await;
    let failure = report.failure.as_ref().unwrap();
    assert_eq!(failure.kind, FailureKind::Unsupported);
    assert_eq!(failure.detail, "no virtual directory says that it is well");
    assert_eq!(report.facts.health.len(), 9);
    // One that is well shows an Exchange of which the others are not.
    let report = swept(503, "/owa/").await;
    assert_eq!(
        (report.verdict(), &report.failure),
        (Verdict::Warning, &None)
    );
    assert_eq!(codes(&report), ["eas.health.down"]);
}

/// Some administrators put a login before these pages too: the server is there, and how it is was not seen.
#[tokio::test]
async fn health_that_is_shown_to_nobody_is_unknown() {
    let report = swept(401, "nothing").await;
    assert_eq!(report.verdict(), Verdict::Unknown);
    assert_eq!(codes(&report), [""; 0]);
    let report = swept(401, "/owa/").await;
    assert_eq!(report.verdict(), Verdict::Ok);
}

#[tokio::test]
async fn a_directory_that_is_not_well_is_told_and_stops_nothing() {
    let world = World::new(|request| {
        request
            .target()
            .starts_with("/ews/")
            .then(|| Say::page(503, "", ""))
    })
    .await;
    let report = world.ask(world.options()).await;
    assert_eq!(
        (report.verdict(), codes(&report)),
        (Verdict::Warning, vec!["eas.health.down"])
    );
    assert_eq!(report.findings[0].evidence, "ews 503");
    // Where the first page is not there, no other is asked for.
    let world = World::new(|request| {
        request
            .target()
            .ends_with("healthcheck.htm")
            .then(|| Say::page(404, "", ""))
    })
    .await;
    let report = world.ask(world.options().up_to(Rung::Options)).await;
    assert_eq!(report.facts.health, []);
    let asked = world.asked();
    assert_eq!(asked.iter().filter(|one| one.ends_with(".htm")).count(), 1);
}

#[tokio::test]
async fn a_slow_command_is_held_against_its_limit() {
    let world = World::new(|_| None).await;
    let never = Thresholds::new(None, Some("0:0".parse().unwrap()));
    let report = world.ask(world.options().latency(never)).await;
    assert_eq!(codes(&report), ["eas.latency.threshold"]);
}

#[tokio::test]
async fn silence_ends_in_the_phase_of_the_command_and_loses_nothing() {
    let world = World::new(|request| is(request, "Sync").then(|| Say::Hang(Vec::new()))).await;
    let address = world.web.address();
    let target = Target::host(Host::Address(address.ip()), address.port());
    let probe = world.options().build().unwrap();
    let cx = Context::default().with_budget(Duration::from_millis(1500));
    let report = probe.probe(&target, &cx).await;
    let failure = report.failure.unwrap();
    assert_eq!(
        (failure.kind, failure.phase.as_str()),
        (FailureKind::Timeout, "sync")
    );
    assert_eq!(report.facts.folders.unwrap().count, 2);
}

#[tokio::test]
async fn a_password_never_goes_to_whom_no_certificate_vouches_for() {
    let world = World::new(|_| None).await;
    let wrong = world
        .options()
        .server_name("other.example.org".parse().unwrap());
    let report = world.ask(wrong).await;
    assert_eq!(kind(&report), FailureKind::Withheld);
    let heard = world.web.heard();
    let shown = heard
        .iter()
        .filter_map(|request| request.header("authorization"));
    // The empty token of the anonymous question alone.
    assert_eq!(shown.collect::<Vec<_>>(), ["Bearer"]);
    let unsafely = world
        .options()
        .server_name("other.example.org".parse().unwrap());
    let report = world
        .ask(unsafely.secrets_over(SecretsOver::UnverifiedTls))
        .await;
    assert_eq!(report.failure, None);
}

#[tokio::test]
async fn no_secret_is_in_what_is_told() {
    let echo = Say::page(
        403,
        "X-MS-Diagnostics: you said YWxpY2VAZXhhbXBsZS5vcmc6d29uZGVyIGxhbmQ= and wonder land\r\n",
        "wonder land",
    );
    let world = World::new(move |request| is(request, "FolderSync").then(|| echo.clone())).await;
    let report = world.ask(world.options()).await;
    let shown = format!("{report:?}{}", report.to_json());
    for secret in [
        "wonder land",
        "YWxpY2VAZXhhbXBsZS5vcmc6d29uZGVyIGxhbmQ=",
        "secret-affinity",
    ] {
        assert!(!shown.contains(secret), "{secret}");
    }
}

/// By name, all nine, of another program for ActiveSync; each would fail here.
mod defects {
    use super::*;

    #[tokio::test]
    async fn a_policy_that_is_not_there_is_success() {
        let (report, asked) = with("Provision", page(&policy(2, None))).await;
        assert_eq!(report.verdict(), Verdict::Ok);
        assert!(!report.facts.policy.unwrap().is_there);
        assert_eq!(asked.iter().filter(|one| *one == "Provision").count(), 1);
    }

    #[tokio::test]
    async fn the_device_is_announced_when_it_is_provisioned() {
        let world = World::new(|_| None).await;
        world.ask(world.options()).await;
        let heard = world.web.heard();
        let mut told = heard
            .iter()
            .filter(|one| command(one) == "Provision")
            .map(common::body);
        assert!(told.next().unwrap().contains("DeviceInformation"));
        // In the first phase only.
        assert!(!told.next().unwrap().contains("DeviceInformation"));
    }

    #[tokio::test]
    async fn the_first_sync_asks_for_no_changes() {
        let world = World::new(|_| None).await;
        world.ask(world.options()).await;
        let heard = world.web.heard();
        let mut told = heard
            .iter()
            .filter(|one| command(one) == "Sync")
            .map(common::body);
        let first = told.next().unwrap();
        assert!(
            first.contains("<SyncKey>0</SyncKey>") && !first.contains("GetChanges"),
            "{first}"
        );
        assert!(told.next().unwrap().contains("<GetChanges>0</GetChanges>"));
    }

    #[tokio::test]
    async fn ping_shows_no_policy_key_and_cookies_are_shown_to_all() {
        let world = World::new(|_| None).await;
        world.ask(world.options()).await;
        let heard = world.web.heard();
        let of = |name: &str| heard.iter().find(|one| command(one) == name).unwrap();
        assert_eq!(of("Ping").header("x-ms-policykey"), None);
        assert_eq!(of("GetItemEstimate").header("x-ms-policykey"), Some("4242"));
        for name in ["Settings", "FolderSync", "Sync", "Ping"] {
            assert_eq!(
                of(name).header("cookie"),
                Some("X-BackEndCookie=secret-affinity")
            );
        }
    }

    #[tokio::test]
    async fn the_newest_version_comes_first() {
        let world = World::new(|_| None).await;
        let report = world.ask(world.options()).await;
        assert_eq!(report.facts.version, Some(Version::V16_1));
    }

    #[tokio::test]
    async fn a_query_in_base64_is_taken_apart_by_the_specification() {
        let world = World::new(|request| {
            let is_ours = request.method() == "POST" && request.target().contains('?');
            is_ours.then(|| page(&common::user()))
        })
        .await;
        let report = world
            .ask(world.options().query_form(QueryForm::Base64))
            .await;
        // The script above answers with Settings, whatever is asked: only the request matters.
        assert!(report.failure.is_some());
        let heard = world.web.heard();
        let post = heard.iter().find(|one| one.method() == "POST").unwrap();
        assert_eq!(post.header("ms-asprotocolversion"), None);
        assert_eq!(post.header("x-ms-policykey"), None);
        // Version 16.1 is octet 161, Settings 17: oREJ begins so.
        assert!(post.target().contains("?oREJBCA"), "{}", post.target());
    }
}
