//! The same table for JMAP, over the network: and where credentials go.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "these are tests"
)]

mod common;

use probe_core::{Context, FailureKind, Probe, Report, Thresholds, Verdict};
use probe_net::http::Scheme;
use probe_net::sasl::Credentials;
use probe_net::tls::SecretsOver;
use probe_testkit::{Authority, Flaw, Say, Web, WebRequest};
use web_probe::JmapProbe;
use web_probe::jmap::{self, JmapFacts};

use common::{NAME, codes, net, target};

fn jmap(ca: &Authority) -> jmap::Options {
    JmapProbe::builder(net(ca)).server_name(NAME.parse().unwrap())
}

fn alice() -> Credentials {
    Credentials::password("alice", "open sesame").unwrap()
}

async fn ask(options: jmap::Options, server: &Web) -> Report<JmapFacts> {
    let cx = Context::default().with_transcript();
    options.build().unwrap().probe(&target(server), &cx).await
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
fn serve(request: &WebRequest) -> Say {
    // alice:open sesame
    let is_alice = request.header("authorization") == Some("Basic YWxpY2U6b3BlbiBzZXNhbWU=");
    let host = request.header("host").unwrap();
    match request.target() {
        _ if !is_alice => Say::page(
            401,
            "WWW-Authenticate: Basic realm=\"mail\", Bearer\r\n",
            "who?",
        ),
        "/.well-known/jmap" => Say::page(307, "Location: /session\r\n", ""),
        "/session" => Say::page(200, "", session(&format!("https://{host}/api"))),
        _ if request.to_string().contains("Core/echo") => Say::page(200, "", ECHO),
        _ => Say::page(200, "", MAILBOXES),
    }
}

#[tokio::test]
async fn a_jmap_server_is_well_with_credentials_and_reachable_without() {
    let ca = Authority::new("Test CA");
    let server = Web::tls(&ca.identity([NAME]), serve).await.unwrap();
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
        let server = Web::tls(&ca.identity([NAME]), move |request| {
            match request.target() {
                "/.well-known/jmap" => Say::page(status, head, &body),
                _ => Say::page(api_status, "", api),
            }
        })
        .await
        .unwrap();
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
        let server = Web::tls(&ca.identity([NAME]), move |request| {
            match request.target() {
                "/.well-known/jmap" => Say::page(status, "", &body),
                _ => Say::page(200, "", ECHO),
            }
        })
        .await
        .unwrap();
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
    let other = Web::tls(&ca.identity(["localhost"]), |_| Say::page(200, "", ECHO))
        .await
        .unwrap();
    let there = format!("https://localhost:{}/", other.address().port());
    let server = Web::tls(&ca.identity([NAME]), move |request| {
        match request.target() {
            "/.well-known/jmap" => Say::page(200, "", session(&there)),
            _ => Say::page(302, &format!("Location: {there}\r\n"), ""),
        }
    })
    .await
    .unwrap();
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
    assert!(other.heard()[0].head.contains("authorization: Basic"));
}

#[tokio::test]
async fn in_clear_credentials_go_only_by_name() {
    let ca = Authority::new("Test CA");
    let server = Web::clear(|request| match request.target() {
        "/.well-known/jmap" => Say::page(200, "", session("/api")),
        _ => Say::page(200, "", ECHO),
    })
    .await
    .unwrap();
    let options = jmap(&ca)
        .credentials(alice())
        .scheme(Scheme::Http)
        .secrets_over(SecretsOver::Cleartext);
    let report = ask(options, &server).await;
    assert_eq!(codes(&report), ["jmap.api.relative"]);
    assert_eq!(report.facts.echo, Some(Ok(())));
}

#[tokio::test]
async fn over_a_certificate_that_is_not_valid_no_credentials_go() {
    let ca = Authority::new("Test CA");
    let server = Web::tls(&ca.flawed([NAME], Flaw::Expired), serve)
        .await
        .unwrap();
    let report = ask(jmap(&ca).credentials(alice()), &server).await;
    assert_eq!(codes(&report), ["tls.certificate.expired"]);
    assert_eq!(report.failure.unwrap().kind, FailureKind::Withheld);
    assert!(server.heard().is_empty());
}

#[tokio::test]
async fn a_slow_server_is_judged_by_the_longest_wait() {
    let ca = Authority::new("Test CA");
    let server = Web::tls(&ca.identity([NAME]), serve).await.unwrap();
    let never = Thresholds::new(Some("0:0".parse().unwrap()), None);
    let report = ask(jmap(&ca).first_byte(never), &server).await;
    assert_eq!(codes(&report), ["jmap.slow"]);
}
