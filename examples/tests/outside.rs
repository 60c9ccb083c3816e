//! `mailprobe host` where a host is looked at from outside: whether it is there, what its provider says, and what Exchange says
//! of its health, each by itself and all in one report.

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

use std::net::TcpListener;

use common::{NAME, World, file, mailprobe, mailprobe_with};
use probe_testkit::{ClosedPort, Say, Web};
use readers::{exposition, validate};
use serde_json::Value as Json;

const PAGE: &str = r#"{"page": {"name": "Example Mail"},
    "components": [{"name": "IMAP", "status": "major_outage"}, {"name": "Web", "status": "operational"}]}"#;

/// A port at which somebody listens, and one at which nobody does.
fn ports() -> (TcpListener, ClosedPort, [String; 2]) {
    let open = TcpListener::bind("127.0.0.1:0").unwrap();
    let shut = ClosedPort::new().unwrap();
    let ports = [open.local_addr().unwrap(), shut.address()];
    (open, shut, ports.map(|address| address.port().to_string()))
}

#[test]
fn a_service_that_is_down_is_told_from_a_host_that_is_gone() {
    let (_open, _shut, [open, shut]) = ports();
    let reach = ["host", "--reach", "127.0.0.1", "--witness", &open];
    let up = reach.iter().copied().chain(["--reach-port", &open]);
    let said = mailprobe(up);
    assert_eq!(said.status, 0, "{}{}", said.out, said.err);
    let down = reach.iter().copied().chain(["--reach-port", &shut]);
    let said = mailprobe(down);
    assert_eq!(said.status, 2, "{}{}", said.out, said.err);
    let told = "the host is alive, its mail service is not to be reached";
    assert!(said.out.contains(told), "{}", said.out);
}

#[test]
fn the_machine_that_we_run_on_is_asked_besides_only_if_it_is_named() {
    let (_open, _shut, [open, _]) = ports();
    let reached = format!("127.0.0.1:{open}");
    let ask = |more: &[&str]| {
        let all = ["host", "--reach", &reached, "--format", "json"];
        let said = mailprobe(all.iter().chain(more));
        let report: Json = serde_json::from_str(said.out.trim()).unwrap();
        report
    };
    assert_eq!(ask(&[])["probe"], "reach");
    let both = ask(&["--only", "queue", "--socket", "/nonexistent/showq"]);
    let parts = both["parts"].as_array().unwrap().iter();
    let parts: Vec<_> = parts.map(|part| part["probe"].as_str().unwrap()).collect();
    assert_eq!(parts, ["queue", "reach"]);
    assert_eq!(both["verdict"], "unknown");
}

#[test]
fn the_incidents_of_a_provider_are_warnings_unless_more_is_asked() {
    let world = World::new("outside-status");
    let web = world
        .wait(Web::clear(|_| Say::page(200, "", PAGE)))
        .unwrap();
    let url = format!("http://{}/api/v2/summary.json", web.address());
    let ask = |more: &[&str]| {
        let all = ["host", "--status", &url];
        mailprobe(all.iter().chain(more))
    };
    assert_eq!(ask(&[]).status, 1);
    assert_eq!(ask(&["--incidents-critical"]).status, 2);
    assert_eq!(ask(&["--service", "web"]).status, 0);
    let said = ask(&["--service", "POP3"]);
    assert_eq!(said.status, 3, "{}", said.out);
    let told = "the page has no service POP3";
    assert!(said.out.contains(told), "{}", said.out);
}

#[test]
fn a_token_comes_from_a_file_or_a_variable_and_is_never_shown() {
    let world = World::new("outside-token");
    let answer = |request: &probe_testkit::WebRequest| {
        let token = request.header("authorization").unwrap_or_default();
        match token {
            "Bearer open sesame" => Say::page(200, "", PAGE),
            other => Say::page(401, "", format!("not for {other}")),
        }
    };
    let identity = world.ca.identity(["127.0.0.1"]);
    let web = world.wait(Web::tls(&identity, answer)).unwrap();
    let ca = file("outside-token.pem", world.ca.root_pem());
    let url = format!("https://{}/health", web.address());
    let common = ["host", "--ca", ca.to_str().unwrap(), "--status", &url, "-v"];
    let token = file("outside-token", "open sesame\n");
    let by_file = ["--status-token-file", token.to_str().unwrap()];
    let said = mailprobe(common.iter().chain(&by_file));
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    assert!(!said.out.contains("open sesame"), "{}", said.out);
    let by_variable = common.iter().chain(&["--status-token-env", "TOKEN"]);
    let said = mailprobe_with(by_variable, &[("TOKEN", "close sesame")]);
    assert_eq!(said.status, 3, "{}{}", said.out, said.err);
    assert!(!said.out.contains("close sesame"), "{}", said.out);
}

#[test]
fn a_token_is_not_shown_to_two_providers() {
    let token = file("outside-two", "open sesame");
    let said = mailprobe([
        "host",
        "--status",
        "https://127.0.0.1:1/a",
        "--status",
        "https://127.0.0.1:2/b",
        "--status-token-file",
        token.to_str().unwrap(),
    ]);
    assert_eq!(said.status, 3);
    assert!(said.err.contains("one provider"), "{}", said.err);
}

/// Every directory is well but one, and the page of windows_exporter tells of a latency that is too long.
#[test]
fn everything_about_an_exchange_server_is_one_report() {
    let world = World::new("outside-exchange");
    let answer = |request: &probe_testkit::WebRequest| match request.target() {
        "/ews/healthcheck.htm" | "/EWS/healthcheck.htm" => Say::page(500, "", ""),
        page if page.ends_with("/healthcheck.htm") => {
            Say::page(200, "", "200 OK<br/>NODE1.EXAMPLE.TEST")
        }
        _ => Say::page(401, "WWW-Authenticate: Basic realm=\"mail\"\r\n", ""),
    };
    let exchange = world
        .wait(Web::tls(&world.ca.identity([NAME]), answer))
        .unwrap();
    let page = "windows_exchange_rpc_avg_latency_sec 0.3\nwindows_exchange_ldap_read_time_sec 0.01\n\
        windows_exchange_transport_queues_poison{name=\"_total\"} 0\n";
    let exporter = world
        .wait(Web::clear(move |_| Say::page(200, "", page)))
        .unwrap();
    let (server, metrics) = (
        exchange.address().to_string(),
        format!("http://{}/metrics", exporter.address()),
    );
    let (_open, _shut, [open, _]) = ports();
    let reached = format!("127.0.0.1:{open}");
    let ask = |format: &str| {
        let asked = [
            "--exchange",
            &server,
            "--exporter",
            &metrics,
            "--reach",
            &reached,
            "--echoes",
            "0",
            "--format",
            format,
        ];
        world.ask("host", asked)
    };
    let said = ask("json");
    assert_eq!(said.err, "");
    let report: Json = serde_json::from_str(said.out.trim()).unwrap();
    validate(&report);
    assert_eq!(
        (&report["probe"], &report["target"]),
        (&"mailhost".into(), &"127.0.0.1".into())
    );
    let parts = report["parts"].as_array().unwrap();
    let told: Vec<_> = parts
        .iter()
        .map(|part| {
            (
                part["probe"].as_str().unwrap(),
                part["verdict"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told[1..], [("exporter", "warning"), ("reach", "ok")]);
    assert_eq!(told[0].0, "eas");
    let found = parts[0]["findings"].as_array().unwrap();
    assert!(
        found.iter().any(|one| one["code"] == "eas.health.down"),
        "{found:?}"
    );
    let text = ask("text").out;
    assert!(text.contains("Exchange answers more slowly"), "{text}");
    let page = exposition(&ask("prometheus").out);
    for name in ["probe_eas_healthy", "probe_reach_port_open"] {
        assert!(page.iter().any(|series| series.name == name), "{name}");
    }
}

#[test]
fn mistakes_are_told_before_anybody_is_asked() {
    for (arguments, told) in [
        (&["--witness", "80"][..], "--reach"),
        (&["--reach", "127.0.0.1", "--echoes", "101"][..], "echoes"),
        (
            &["--reach", "127.0.0.1", "--reach-port", "0"][..],
            "--reach-port",
        ),
        (&["--service", "IMAP"][..], "--status"),
        (
            &["--status", "ftp://example.test/"][..],
            "neither http nor https",
        ),
    ] {
        let said = mailprobe(["host"].iter().chain(arguments));
        assert_eq!(said.status, 3, "{arguments:?}");
        assert!(said.err.contains(told), "{arguments:?}: {}", said.err);
    }
}
