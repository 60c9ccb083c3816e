//! `mailprobe web` and `mailprobe jmap`: mistakes, exit status, and what each format's readers get.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod common;
mod readers;

use common::{NAME, PASSWORD, World, at, file, mailprobe};
use probe_testkit::{Answer, Flaw, Identity, Script};
use readers::{Plugin, exposition, validate};
use serde_json::Value as Json;

const LOGIN: &str =
    r#"<title>Mail</title><body ng-app="SOGo.MainUI"><form><input type="password"></form>"#;
const SESSION: &str = r#"{"capabilities": {"urn:ietf:params:jmap:core": {"maxSizeUpload": 50000000},
    "urn:ietf:params:jmap:mail": {}}, "accounts": {"A1": {"name": "alice"}},
    "primaryAccounts": {"urn:ietf:params:jmap:mail": "A1"}, "username": "alice", "apiUrl": "/api",
    "downloadUrl": "/d/", "uploadUrl": "/u/", "eventSourceUrl": "/e/", "state": "1"}"#;
const ECHO: &str = r#"{"methodResponses": [["Core/echo", {"hello": "mailprobe"}, "c0"]]}"#;
const MAILBOXES: &str = r#"{"methodResponses": [["Mailbox/get", {"list": [
    {"name": "Inbox", "role": "inbox", "totalEmails": 3, "unreadEmails": 1}]}, "c0"]]}"#;

/// A web server with a login page, and with JMAP for alice.
fn server(identity: Identity) -> Script {
    Script::new().tls(&identity).serve(|| {
        let mut head = Vec::new();
        let mut posts = 0;
        move |line: &[u8]| {
            if !line.is_empty() {
                head.push(String::from_utf8_lossy(line).into_owned());
                return Answer::nothing();
            }
            let head = std::mem::take(&mut head);
            // alice:wonder & land
            let is_alice = head.iter().any(|line| line.ends_with("Basic YWxpY2U6d29uZGVyICYgbGFuZA=="));
            let first = &head[0];
            let answer = |status: &str, body: &str| {
                let length = body.len();
                let head = "Strict-Transport-Security: max-age=31536000\r\nWWW-Authenticate: Basic realm=\"mail\"";
                format!("HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {length}\r\n\r\n{body}").into()
            };
            match first {
                first if first.contains("GET /mail/ ") => answer("200 OK", LOGIN),
                first if first.contains("GET /down ") => answer("502 Bad Gateway", ""),
                first if first.contains("/jmap ") && is_alice => answer("200 OK", SESSION),
                first if first.contains("POST /api ") && is_alice => {
                    posts += 1;
                    answer("200 OK", if posts == 1 { ECHO } else { MAILBOXES })
                }
                first if first.contains("/jmap ") => answer("401 Who?", ""),
                _ => answer("404 Not Found", ""),
            }
        }
    })
}

#[test]
fn a_mistake_is_one_line_that_says_what_is_wrong() {
    let mistakes: &[(&[&str], &str)] = &[
        (&["web"], "<URL>"),
        (&["web", "ftp://mail"], "neither http nor https"),
        (&["web", "https://a:b@mail/"], "credentials do not belong"),
        (&["web", "mail", "--expect", "gmail"], "--expect"),
        (&["web", "mail", "--contains", ""], "is empty"),
        (&["jmap"], "<HOST[:PORT]>"),
        (&["jmap", "mail", "--mailboxes"], "--user <NAME>"),
        (&["jmap", "mail", "--path", "jmap"], "begins with a slash"),
        (
            &["jmap", "mail", "--password", "hunter2"],
            "use --password-file",
        ),
        (
            &["jmap", "mail", "--user", "a", "--mechanism", "plain"],
            "a web server takes",
        ),
    ];
    for (arguments, expected) in mistakes {
        let said = mailprobe(*arguments);
        assert_eq!(said.status, 3, "{arguments:?}");
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
        assert!(said.err.contains(expected), "{arguments:?}: {}", said.err);
        assert!(!said.err.contains("hunter2"), "{}", said.err);
    }
}

#[test]
fn a_page_decides_the_status() {
    let world = World::new("web-status");
    let peer = world.listen(server(world.ca.identity([NAME])));
    for (path, arguments, expected, code) in [
        ("/mail/", &[][..], 0, "sogo"),
        ("/mail/", &["--expect", "SOGo"], 0, "sogo"),
        ("/mail/", &["--expect", "owa"], 2, "web.page.unexpected"),
        (
            "/mail/",
            &["--contains", "login here"],
            2,
            "web.page.unexpected",
        ),
        ("/mail/", &["--first-byte-warning", "0:0"], 1, "web.slow"),
        ("/down", &[], 2, "web.status.back-end"),
        ("/nothing", &[], 2, "web.status.refused"),
    ] {
        let url = format!("{}{path}", at(&peer));
        let said = world.ask(
            "web",
            [url.as_str()].into_iter().chain(arguments.iter().copied()),
        );
        assert_eq!(said.status, expected, "{path} {arguments:?}: {}", said.out);
        assert!(
            said.out.contains(code),
            "{path} {arguments:?}: {}",
            said.out
        );
    }
}

#[test]
fn a_session_decides_the_status_and_no_secret_is_shown() {
    let world = World::new("jmap-status");
    let peer = world.listen(server(world.ca.identity([NAME])));
    let expired = world.listen(server(world.ca.flawed([NAME], Flaw::Expired)));
    let secret = file("jmap-secret", PASSWORD);
    let wrong = file("jmap-wrong", "looking-glass");
    let [secret, wrong] = [&secret, &wrong].map(|path| path.to_str().unwrap());
    for (server, arguments, expected, words) in [
        (&peer, &[][..], 0, "Basic realm=mail"),
        (
            &peer,
            &["--user", "alice", "--password-file", secret, "--mailboxes"],
            0,
            "Inbox",
        ),
        (
            &peer,
            &["--user", "alice", "--password-file", wrong],
            2,
            "refuses the credentials",
        ),
        (&peer, &["--path", "/nothing"], 2, "jmap.not-found"),
        (
            &expired,
            &["--user", "alice", "--password-file", secret],
            2,
            "withheld",
        ),
    ] {
        let target = at(server);
        let common = [target.as_str(), "-v"].into_iter();
        let said = world.ask("jmap", common.chain(arguments.iter().copied()));
        assert_eq!(said.status, expected, "{arguments:?}: {}", said.out);
        assert!(said.out.contains(words), "{arguments:?}: {}", said.out);
        assert!(!said.out.contains("wonder & land") && !said.out.contains("d29uZGVy"));
    }
}

#[test]
fn each_format_has_the_numbers() {
    let world = World::new("web-formats");
    let peer = world.listen(server(world.ca.identity([NAME])));
    let secret = file("jmap-formats", PASSWORD);
    let login = [
        "--user",
        "alice",
        "--password-file",
        secret.to_str().unwrap(),
        "--mailboxes",
    ];
    let web = |format| {
        let url = format!("https://{}/mail/", at(&peer));
        world.ask("web", [url.as_str(), "--format", format]).out
    };
    let jmap = |format| {
        let target = at(&peer);
        let arguments = [target.as_str(), "--format", format].into_iter();
        world.ask("jmap", arguments.chain(login)).out
    };
    let report: Json = serde_json::from_str(&web("json")).unwrap();
    validate(&report);
    assert_eq!(report["probe"], "web");
    assert_eq!(report["facts"]["page"]["status"], 200.0);
    assert_eq!(report["facts"]["page"]["product"], "sogo");
    assert_eq!(report["facts"]["page"]["login"], "form");
    let report: Json = serde_json::from_str(&jmap("json")).unwrap();
    validate(&report);
    assert_eq!(
        report["facts"]["session"]["limits"]["max_size_upload"],
        50_000_000
    );
    assert_eq!(report["facts"]["mailboxes"]["list"][0]["unread"], 1.0);

    let said = web("nagios");
    let plugin = Plugin::read(&said);
    assert!(plugin.said.starts_with("WEB OK - "), "{}", plugin.said);
    assert_eq!(plugin.data["web_status_code"], "200");
    let said = jmap("nagios");
    let plugin = Plugin::read(&said);
    assert!(plugin.said.starts_with("JMAP OK - "), "{}", plugin.said);
    assert_eq!(plugin.data["jmap_mailboxes"], "1");

    for page in [web("prometheus"), jmap("prometheus")] {
        assert!(!exposition(&page).is_empty());
        let count = |what: &str| page.lines().filter(|line| line.starts_with(what)).count();
        assert_eq!(count("# TYPE probe_web"), count("# HELP probe_web"));
        assert_eq!(count("# TYPE probe_jmap"), count("# HELP probe_jmap"));
    }
}
