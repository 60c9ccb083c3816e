//! The table of troubles: what a server does, and which code tells it. Over the network, as far as that matters.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod common;

use std::time::Duration;

use probe_core::{Context, FailureKind, Probe, Report, Severity, Target, Thresholds, Verdict};
use probe_net::http::{Redirects, Scheme};
use probe_testkit::{Authority, ClosedPort, Flaw, Say, Web};
use web_probe::{Options, Product, WebmailFacts, WebmailProbe};

use common::{NAME, codes, net, target};

const LOGIN: &str = r#"<title>Mail</title><form action="/in"><input type="password"></form>"#;
const HSTS: &str = "Strict-Transport-Security: max-age=31536000\r\n";

fn webmail(ca: &Authority) -> Options {
    WebmailProbe::builder(net(ca)).server_name(NAME.parse().unwrap())
}

async fn look(options: Options, server: &Web) -> Report<WebmailFacts> {
    let cx = Context::default().with_transcript();
    options.build().unwrap().probe(&target(server), &cx).await
}

#[tokio::test]
async fn a_login_page_is_well_and_shows_the_time_of_each_phase() {
    let ca = Authority::new("Test CA");
    let server = Web::tls(&ca.identity([NAME]), |request| match request.target() {
        "/" => Say::page(302, "Location: /mail/\r\n", ""),
        _ => Say::page(200, HSTS, LOGIN),
    })
    .await
    .unwrap();
    let report = look(webmail(&ca), &server).await;
    assert_eq!((report.verdict(), codes(&report)), (Verdict::Ok, vec![]));
    assert_eq!(server.asked(), ["GET /", "GET /mail/"]);
    let port = server.address().port();
    let heard = server.heard()[0].head.clone() + &server.heard()[1].head;
    assert!(
        heard.contains(&format!("host: {NAME}:{port}\r\n")),
        "{heard}"
    );
    assert!(
        heard.contains("user-agent: Mozilla/5.0 (compatible; mailprobe/"),
        "{heard}"
    );
    let phases: Vec<_> = report
        .spans
        .iter()
        .map(|span| span.phase.as_str())
        .collect();
    assert_eq!(
        phases,
        ["connect", "tls", "first-byte", "body", "first-byte", "body"]
    );
    assert_eq!(report.facts.address, Some(server.address()));
    assert!(report.facts.tls.unwrap().is_verified());
    assert_eq!(report.facts.page.unwrap().title.as_deref(), Some("Mail"));
}

#[tokio::test]
async fn each_trouble_of_a_page_has_a_code() {
    let ca = Authority::new("Test CA");
    for (status, head, body, expected, severity) in [
        (502, "", "", "web.status.back-end", Severity::Critical),
        (503, "", "", "web.status.back-end", Severity::Critical),
        (504, "", "", "web.status.back-end", Severity::Critical),
        (
            500,
            "",
            "<title>oops</title>",
            "web.status.error",
            Severity::Critical,
        ),
        (404, HSTS, LOGIN, "web.status.refused", Severity::Critical),
        (401, HSTS, "", "web.status.refused", Severity::Critical),
        (
            503,
            "",
            "Scheduled Maintenance",
            "web.maintenance",
            Severity::Warning,
        ),
        (
            503,
            "X-Nextcloud-Maintenance-Mode: 1\r\n",
            "",
            "web.maintenance",
            Severity::Warning,
        ),
        (
            200,
            HSTS,
            "<title>Site under maintenance</title>",
            "web.maintenance",
            Severity::Warning,
        ),
        (
            200,
            HSTS,
            r#"<div class="boxerror"><h3>DATENBANKFEHLER!</h3>"#,
            "web.page.error",
            Severity::Critical,
        ),
        (
            500,
            HSTS,
            r#"<div class="boxerror"><h3>DATABASE ERROR!</h3>"#,
            "web.page.error",
            Severity::Critical,
        ),
        (
            200,
            HSTS,
            "<br />\n<b>Fatal error</b>:  Uncaught PDOException",
            "web.page.error",
            Severity::Critical,
        ),
        (
            200,
            HSTS,
            "<title>Welcome to nginx!</title>",
            "web.page.default",
            Severity::Critical,
        ),
        (
            200,
            HSTS,
            "<title>Index of /</title>",
            "web.page.default",
            Severity::Critical,
        ),
        (
            200,
            HSTS,
            "<title>Hello</title>",
            "web.login.missing",
            Severity::Warning,
        ),
        (200, "", LOGIN, "web.hsts.missing", Severity::Info),
        (
            200,
            "Strict-Transport-Security: max-age=0\r\n",
            LOGIN,
            "web.hsts.missing",
            Severity::Info,
        ),
        (
            200,
            HSTS,
            "<form action='http://a.test/'><input type=password>",
            "web.login.in-clear",
            Severity::Critical,
        ),
        (
            302,
            "Location: http://mail.example.test/\r\n",
            "",
            "web.redirect.in-clear",
            Severity::Critical,
        ),
        (
            302,
            "Location: https://sso.example.test/\r\n",
            "",
            "web.redirect.elsewhere",
            Severity::Warning,
        ),
        (
            302,
            "Location: /\r\n",
            "",
            "web.redirect.endless",
            Severity::Critical,
        ),
        (
            302,
            "Location: mailto:a@b\r\n",
            "",
            "web.redirect.nowhere",
            Severity::Critical,
        ),
    ] {
        let server = Web::tls(&ca.identity([NAME]), move |_| Say::page(status, head, body))
            .await
            .unwrap();
        let report = look(webmail(&ca), &server).await;
        let first = &report.findings[0];
        assert_eq!(
            (first.code(), first.severity),
            (expected, severity),
            "{status} {body}"
        );
        assert_eq!(report.failure, None);
        assert_eq!(report.facts.page.unwrap().status, status);
    }
}

#[tokio::test]
async fn what_is_expected_is_held_against_the_page() {
    let ca = Authority::new("Test CA");
    let server = Web::tls(&ca.identity([NAME]), |request| match request.target() {
        "/sogo" => Say::page(
            200,
            HSTS,
            r#"<body ng-app="SOGo.MainUI"><input type=password>"#,
        ),
        "/sso" => Say::page(302, "Location: https://sso.example.test/\r\n", ""),
        _ => Say::page(200, HSTS, "<title>Ours</title>login here"),
    })
    .await
    .unwrap();
    let looked = async |options: Options| {
        let report = look(options, &server).await;
        let first = report.findings.first();
        first.map(|first| (first.code(), first.severity))
    };
    let unexpected = Some(("web.page.unexpected", Severity::Critical));
    assert_eq!(
        looked(webmail(&ca).path("/sogo").expect(Product::Sogo)).await,
        None
    );
    assert_eq!(
        looked(webmail(&ca).path("/sogo").expect(Product::Owa)).await,
        unexpected
    );
    assert_eq!(looked(webmail(&ca).expect(Product::Sogo)).await, unexpected);
    // Whoever names a text need not have a form that we understand.
    assert_eq!(looked(webmail(&ca).contains("login here")).await, None);
    assert_eq!(
        looked(webmail(&ca).contains("log in there")).await,
        unexpected
    );
    let elsewhere = Some(("web.redirect.elsewhere", Severity::Critical));
    assert_eq!(
        looked(webmail(&ca).path("/sso").expect(Product::Sogo)).await,
        elsewhere
    );
}

#[tokio::test]
async fn versions_are_told_where_the_page_tells_them() {
    let ca = Authority::new("Test CA");
    let head =
        "Server: Apache/2.4.57 (Debian)\r\nX-Powered-By: PHP/8.2\r\nX-OWA-Version: 15.2.1118.7\r\n";
    let head = format!("{HSTS}{head}");
    let server = Web::tls(&ca.identity([NAME]), move |_| Say::page(200, &head, LOGIN))
        .await
        .unwrap();
    let report = look(webmail(&ca), &server).await;
    assert_eq!(codes(&report), ["web.version"]);
    assert_eq!(
        report.findings[0].evidence,
        "Apache/2.4.57 (Debian), PHP/8.2, owa 15.2.1118.7"
    );
}

#[tokio::test]
async fn a_page_in_clear_is_no_place_for_a_password() {
    let ca = Authority::new("Test CA");
    let server = Web::clear(|_| Say::page(200, "", LOGIN)).await.unwrap();
    let report = look(webmail(&ca).scheme(Scheme::Http), &server).await;
    assert_eq!(codes(&report), ["web.login.in-clear"]);
    assert!(report.facts.tls.is_none());
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told_and_the_page_is_read_all_the_same() {
    let ca = Authority::new("Test CA");
    let identity = ca.flawed([NAME], Flaw::Expired);
    let server = Web::tls(&identity, |_| Say::page(200, HSTS, LOGIN))
        .await
        .unwrap();
    let report = look(webmail(&ca), &server).await;
    assert_eq!(codes(&report), ["tls.certificate.expired"]);
    assert_eq!(report.facts.page.unwrap().status, 200);
}

#[tokio::test]
async fn who_is_not_there_and_who_hangs_up_is_told_as_that() {
    let ca = Authority::new("Test CA");
    let port = ClosedPort::new().unwrap();
    let probe = webmail(&ca).build().unwrap();
    let nobody = Target::host(port.address().ip(), port.address().port());
    let report = probe.probe(&nobody, &Context::default()).await;
    assert_eq!(report.failure.unwrap().kind, FailureKind::Refused);

    let server = Web::tls(&ca.identity([NAME]), |_| Say::This(Vec::new()))
        .await
        .unwrap();
    let cx = Context::default().with_budget(Duration::from_millis(300));
    let probe = webmail(&ca).build().unwrap();
    let report = probe.probe(&target(&server), &cx).await;
    assert_eq!(report.failure.unwrap().kind, FailureKind::Timeout);
    // What was learned stays.
    assert!(report.facts.tls.unwrap().is_verified());
}

#[tokio::test]
async fn another_host_is_asked_only_where_that_is_allowed() {
    let ca = Authority::new("Test CA");
    let other = Web::tls(&ca.identity(["localhost"]), |_| Say::page(200, HSTS, LOGIN))
        .await
        .unwrap();
    let location = format!(
        "Location: https://localhost:{}/in\r\n",
        other.address().port()
    );
    let server = Web::tls(&ca.identity([NAME]), move |_| Say::page(302, &location, ""))
        .await
        .unwrap();
    let report = look(webmail(&ca), &server).await;
    assert_eq!(
        codes(&report),
        ["web.redirect.elsewhere", "web.hsts.missing"]
    );
    let report = look(webmail(&ca).redirects(Redirects::AnyHost), &server).await;
    assert_eq!((report.verdict(), codes(&report)), (Verdict::Ok, vec![]));
    assert_eq!(other.asked(), ["GET /in"]);
    assert_eq!(report.facts.hops.len(), 1);
}

#[tokio::test]
async fn a_slow_server_is_judged_by_the_longest_wait() {
    let ca = Authority::new("Test CA");
    let server = Web::tls(&ca.identity([NAME]), |_| Say::page(200, HSTS, LOGIN))
        .await
        .unwrap();
    let never = Thresholds::new(Some("0:0".parse().unwrap()), None);
    let report = look(webmail(&ca).first_byte(never), &server).await;
    assert_eq!(codes(&report), ["web.slow"]);
}
