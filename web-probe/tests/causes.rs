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
use probe_net::http::Redirects;
use probe_net::sasl::Credentials;
use probe_net::tls::SecretsOver;
use probe_testkit::{Authority, ClosedPort, Flaw};
use web_probe::jmap::{self, JmapFacts};
use web_probe::{JmapProbe, Options, Product, Scheme, WebmailFacts, WebmailProbe};

use common::{NAME, Server, net, path, response};

const LOGIN: &str = r#"<title>Mail</title><form action="/in"><input type="password"></form>"#;
const HSTS: &str = "Strict-Transport-Security: max-age=31536000\r\n";

fn target(server: &Server) -> Target {
    Target::host(server.address.ip(), server.address.port())
}

fn webmail(ca: &Authority) -> Options {
    WebmailProbe::builder(net(ca)).server_name(NAME.parse().unwrap())
}

fn jmap(ca: &Authority) -> jmap::Options {
    JmapProbe::builder(net(ca)).server_name(NAME.parse().unwrap())
}

fn alice() -> Credentials {
    Credentials::password("alice", "open sesame").unwrap()
}

fn codes<F>(report: &Report<F>) -> Vec<&'static str> {
    report
        .findings
        .iter()
        .map(probe_core::Finding::code)
        .collect()
}

async fn look(options: Options, server: &Server) -> Report<WebmailFacts> {
    let cx = Context::default().with_transcript();
    options.build().unwrap().probe(&target(server), &cx).await
}

async fn ask(options: jmap::Options, server: &Server) -> Report<JmapFacts> {
    let cx = Context::default().with_transcript();
    options.build().unwrap().probe(&target(server), &cx).await
}

#[tokio::test]
async fn a_login_page_is_well_and_shows_the_time_of_each_phase() {
    let ca = Authority::new("Test CA");
    let server = Server::tls(&ca.identity([NAME]), |request| match path(request) {
        "/" => response(302, "Location: /mail/\r\n", ""),
        _ => response(200, HSTS, LOGIN),
    })
    .await;
    let report = look(webmail(&ca), &server).await;
    assert_eq!((report.verdict(), codes(&report)), (Verdict::Ok, vec![]));
    assert_eq!(server.asked(), ["GET /", "GET /mail/"]);
    let port = server.address.port();
    let heard = server.heard().concat();
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
    assert_eq!(report.facts.address, Some(server.address));
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
        let server = Server::tls(&ca.identity([NAME]), move |_| response(status, head, body)).await;
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
    let server = Server::tls(&ca.identity([NAME]), |request| match path(request) {
        "/sogo" => response(
            200,
            HSTS,
            r#"<body ng-app="SOGo.MainUI"><input type=password>"#,
        ),
        "/sso" => response(302, "Location: https://sso.example.test/\r\n", ""),
        _ => response(200, HSTS, "<title>Ours</title>login here"),
    })
    .await;
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
    let server = Server::tls(&ca.identity([NAME]), move |_| response(200, &head, LOGIN)).await;
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
    let server = Server::clear(|_| response(200, "", LOGIN)).await;
    let report = look(webmail(&ca).scheme(Scheme::Http), &server).await;
    assert_eq!(codes(&report), ["web.login.in-clear"]);
    assert!(report.facts.tls.is_none());
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_told_and_the_page_is_read_all_the_same() {
    let ca = Authority::new("Test CA");
    let identity = ca.flawed([NAME], Flaw::Expired);
    let server = Server::tls(&identity, |_| response(200, HSTS, LOGIN)).await;
    let report = look(webmail(&ca), &server).await;
    assert_eq!(codes(&report), ["tls.certificate.expired"]);
    assert_eq!(report.facts.page.unwrap().status, 200);
    // What is secret stays here, and the finding says why.
    let report = ask(jmap(&ca).credentials(alice()), &server).await;
    assert_eq!(codes(&report), ["tls.certificate.expired"]);
    assert_eq!(report.failure.unwrap().kind, FailureKind::Withheld);
    assert_eq!(server.asked(), ["GET /"]);
}

#[tokio::test]
async fn who_is_not_there_and_who_hangs_up_is_told_as_that() {
    let ca = Authority::new("Test CA");
    let port = ClosedPort::new().unwrap();
    let probe = webmail(&ca).build().unwrap();
    let target = Target::host(port.address().ip(), port.address().port());
    let report = probe.probe(&target, &Context::default()).await;
    assert_eq!(report.failure.unwrap().kind, FailureKind::Refused);

    let server = Server::tls(&ca.identity([NAME]), |_| Vec::new()).await;
    let cx = Context::default().with_budget(Duration::from_millis(300));
    let probe = webmail(&ca).build().unwrap();
    let report = probe.probe(&common_target(&server), &cx).await;
    assert_eq!(report.failure.unwrap().kind, FailureKind::Timeout);
    // What was learned stays.
    assert!(report.facts.tls.unwrap().is_verified());
}

fn common_target(server: &Server) -> Target {
    target(server)
}

#[tokio::test]
async fn another_host_is_asked_only_where_that_is_allowed() {
    let ca = Authority::new("Test CA");
    let other = Server::tls(&ca.identity(["localhost"]), |_| response(200, HSTS, LOGIN)).await;
    let location = format!(
        "Location: https://localhost:{}/in\r\n",
        other.address.port()
    );
    let server = Server::tls(&ca.identity([NAME]), move |_| response(302, &location, "")).await;
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
    let server = Server::tls(&ca.identity([NAME]), |_| response(200, HSTS, LOGIN)).await;
    let never = Thresholds::new(Some("0:0".parse().unwrap()), None);
    let report = look(webmail(&ca).first_byte(never), &server).await;
    assert_eq!(codes(&report), ["web.slow"]);
    let report = ask(jmap(&ca).first_byte(never), &server).await;
    assert_eq!(codes(&report), ["jmap.session.unreadable", "jmap.slow"]);
}

fn session(api: &str) -> String {
    format!(
        r#"{{"capabilities": {{"urn:ietf:params:jmap:core": {{}}, "urn:ietf:params:jmap:mail": {{}}}}, "accounts": {{}},
            "primaryAccounts": {{"urn:ietf:params:jmap:mail": "A1"}}, "username": "alice", "apiUrl": "{api}",
            "downloadUrl": "d", "uploadUrl": "u", "eventSourceUrl": "e", "state": "1"}}"#
    )
}

const MAILBOXES: &str = r#"{"methodResponses": [["Mailbox/get", {"list": [{"name": "Inbox", "totalEmails": 3}]}, "c0"]]}"#;
const ECHO: &str = r#"{"methodResponses": [["Core/echo", {"hello": "mailprobe"}, "c0"]]}"#;

/// What a good server answers to whoever knows the password.
fn serve(request: &str) -> Vec<u8> {
    // alice:open sesame
    let is_alice = request.contains("authorization: Basic YWxpY2U6b3BlbiBzZXNhbWU=\r\n");
    match path(request) {
        _ if !is_alice => response(
            401,
            "WWW-Authenticate: Basic realm=\"mail\", Bearer\r\n",
            "who?",
        ),
        "/.well-known/jmap" => response(307, "Location: /session\r\n", ""),
        "/session" => response(200, "", &session(&format!("https://{NAME}/api"))),
        _ if request.contains("Core/echo") => response(200, "", ECHO),
        _ => response(200, "", MAILBOXES),
    }
}

#[tokio::test]
async fn a_jmap_server_is_well_with_credentials_and_reachable_without() {
    let ca = Authority::new("Test CA");
    let server = Server::tls(&ca.identity([NAME]), |request| {
        let port = request
            .split("host: ")
            .nth(1)
            .unwrap()
            .lines()
            .next()
            .unwrap()
            .to_owned();
        let said = String::from_utf8(serve(request)).unwrap();
        // Its own address, with the port.
        let body = said.split_once("\r\n\r\n").unwrap();
        let head = body.0.split("Content-Length").next().unwrap();
        let head = head.split_once("\r\n").unwrap();
        let status = head.0.split(' ').nth(1).unwrap().parse().unwrap();
        response(
            status,
            head.1,
            &body
                .1
                .replace(&format!("https://{NAME}/"), &format!("https://{port}/")),
        )
    })
    .await;
    let report = ask(jmap(&ca).credentials(alice()).mailboxes(true), &server).await;
    assert_eq!((report.verdict(), codes(&report)), (Verdict::Ok, vec![]));
    assert_eq!(
        server.asked(),
        [
            "GET /.well-known/jmap",
            "GET /session",
            "POST /api",
            "POST /api"
        ]
    );
    assert_eq!(
        report
            .facts
            .mailboxes
            .as_ref()
            .unwrap()
            .as_ref()
            .unwrap()
            .kept[0]
            .total,
        Some(3)
    );
    let shown = format!("{report:?}{}", report.transcript);
    assert!(
        !shown.contains("sesame") && !shown.contains("b3BlbiBzZXNhbWU"),
        "{shown}"
    );

    let report = ask(jmap(&ca), &server).await;
    assert_eq!((report.verdict(), codes(&report)), (Verdict::Ok, vec![]));
    assert_eq!(report.facts.status, Some(401));
    let schemes: Vec<_> = report
        .facts
        .challenges
        .iter()
        .map(|one| one.scheme.as_str())
        .collect();
    assert_eq!(schemes, ["Basic", "Bearer"]);

    let wrong = Credentials::password("alice", "wonderland").unwrap();
    let report = ask(jmap(&ca).credentials(wrong), &server).await;
    let failure = report.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::Credentials);
    assert_eq!(
        failure.detail,
        "the server refuses the credentials (status 401), and wants Basic realm=mail, Bearer"
    );
}

#[tokio::test]
async fn each_trouble_of_a_jmap_server_has_a_code() {
    let ca = Authority::new("Test CA");
    let good = session("/api");
    for (status, head, body, api_status, api, expected) in [
        (404, "", "", 200, ECHO, "jmap.not-found"),
        (502, "", "", 200, ECHO, "jmap.status.back-end"),
        (500, "", "", 200, ECHO, "jmap.status.error"),
        (403, "", "", 200, ECHO, "jmap.status.refused"),
        (200, "", "<html>", 200, ECHO, "jmap.session.unreadable"),
        (200, "", "{}", 200, ECHO, "jmap.api.nowhere"),
        (
            200,
            "",
            &*session("https://evil.example.test/"),
            200,
            ECHO,
            "jmap.api.elsewhere",
        ),
        (
            200,
            "",
            &*session("http://mail.example.test/"),
            200,
            ECHO,
            "jmap.api.in-clear",
        ),
        (
            302,
            "Location: https://evil.example.test/\r\n",
            "",
            200,
            ECHO,
            "jmap.redirect.elsewhere",
        ),
        (
            302,
            "Location: http://mail.example.test/\r\n",
            "",
            200,
            ECHO,
            "jmap.redirect.in-clear",
        ),
        (
            302,
            "Location: mailto:a@b\r\n",
            "",
            200,
            ECHO,
            "jmap.redirect.nowhere",
        ),
        (
            302,
            "Location: /.well-known/jmap\r\n",
            "",
            200,
            ECHO,
            "jmap.redirect.endless",
        ),
        (200, "", &*good, 500, "", "jmap.api.failed"),
        (200, "", &*good, 200, ECHO, "jmap.mailboxes.failed"),
        (
            200,
            "",
            &*good.replace("jmap:mail", "jmap:contacts"),
            200,
            ECHO,
            "jmap.mail.missing",
        ),
    ] {
        let body = body.to_owned();
        let server = Server::tls(&ca.identity([NAME]), move |request| match path(request) {
            "/.well-known/jmap" => response(status, head, &body),
            _ => response(api_status, "", api),
        })
        .await;
        let report = ask(jmap(&ca).credentials(alice()).mailboxes(true), &server).await;
        assert_eq!(codes(&report)[0], expected);
        assert_eq!(report.verdict(), Verdict::Critical, "{expected}");
        assert_eq!(report.failure, None);
    }
}

#[tokio::test]
async fn lesser_troubles_of_a_jmap_server_have_codes_too() {
    let ca = Authority::new("Test CA");
    let flawed = session("/api").replace(r#""state": "1""#, r#""state": 1"#);
    for (status, body, with_credentials, expected) in [
        (401, "", false, &["jmap.challenge.missing"][..]),
        (
            200,
            &*session("https://mail.example.test/api"),
            false,
            &["jmap.session.open"],
        ),
        (
            200,
            &*flawed,
            true,
            &["jmap.session.incomplete", "jmap.api.relative"],
        ),
    ] {
        let body = body.to_owned();
        let server = Server::tls(&ca.identity([NAME]), move |request| match path(request) {
            "/.well-known/jmap" => response(status, "", &body),
            _ => response(200, "", ECHO),
        })
        .await;
        let options = match with_credentials {
            true => jmap(&ca).credentials(alice()),
            false => jmap(&ca),
        };
        let report = ask(options, &server).await;
        assert_eq!(codes(&report), expected);
        assert!(report.verdict() <= Verdict::Warning);
    }
}

#[tokio::test]
async fn credentials_go_to_no_host_but_those_that_are_trusted() {
    let ca = Authority::new("Test CA");
    let other = Server::tls(&ca.identity(["localhost"]), |_| response(200, "", ECHO)).await;
    let there = format!("https://localhost:{}/", other.address.port());
    let server = Server::tls(&ca.identity([NAME]), move |request| match path(request) {
        "/.well-known/jmap" => response(200, "", &session(&there)),
        _ => response(302, &format!("Location: {there}\r\n"), ""),
    })
    .await;
    for path in ["/.well-known/jmap", "/moved"] {
        let report = ask(jmap(&ca).credentials(alice()).path(path), &server).await;
        assert_eq!(report.verdict(), Verdict::Critical);
        assert!(other.heard().is_empty());
    }
    let trusting = jmap(&ca)
        .credentials(alice())
        .trust_host("localhost".parse().unwrap());
    let report = ask(trusting, &server).await;
    assert_eq!((report.verdict(), codes(&report)), (Verdict::Ok, vec![]));
    assert!(other.heard()[0].contains("authorization: Basic"));
}

#[tokio::test]
async fn in_clear_credentials_go_only_by_name() {
    let ca = Authority::new("Test CA");
    let server = Server::clear(|request| match path(request) {
        "/.well-known/jmap" => response(200, "", &session("/api")),
        _ => response(200, "", ECHO),
    })
    .await;
    let options = jmap(&ca)
        .credentials(alice())
        .scheme(Scheme::Http)
        .secrets_over(SecretsOver::Cleartext);
    let report = ask(options, &server).await;
    assert_eq!(codes(&report), ["jmap.api.relative"]);
    assert_eq!(report.facts.echo, Some(Ok(())));
}
