//! `mailprobe dnsbl`, with a resolver of our own on loopback.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod common;

use std::net::{SocketAddr, UdpSocket};
use std::thread;

use common::mailprobe;
use serde_json::Value as Json;

/// A resolver on which one list is well, and knows 192.0.2.1.
fn resolver() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    thread::spawn(move || {
        let mut room = [0; 2048];
        loop {
            let (length, client) = socket.recv_from(&mut room).unwrap();
            socket.send_to(&answer(&room[..length]), client).unwrap();
        }
    });
    address
}

fn answer(question: &[u8]) -> Vec<u8> {
    let mut end = 12;
    let mut labels = Vec::new();
    while question[end] != 0 {
        let length = usize::from(question[end]);
        labels.push(question[end + 1..=end + length].to_ascii_lowercase());
        end += length + 1;
    }
    let name = labels.join(&b'.');
    let is_address = question[end + 2] == 1;
    let mut reply = question[..end + 5].to_vec();
    reply[2] = 0x80;
    reply[3] = 0x80;
    reply[11] = 0;
    match name.as_slice() {
        b"2.0.0.127.bl.test" | b"1.2.0.192.bl.test" if is_address => {
            reply[7] = 1;
            reply.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x7f\0\0\x02");
        }
        _ => reply[3] |= 3,
    }
    reply
}

#[test]
fn a_listing_is_critical_and_no_listing_is_ok() {
    let resolver = resolver().to_string();
    let ask = |target: &str| {
        let said = mailprobe([
            "dnsbl",
            target,
            "--list",
            "bl.test",
            "--only",
            "--resolver",
            &resolver,
            "--format",
            "json",
        ]);
        let report: Json = serde_json::from_str(&said.out).unwrap();
        (said.status, report)
    };
    let (status, report) = ask("192.0.2.1");
    assert_eq!(status, 2, "{report}");
    assert_eq!(report["findings"][0]["code"], "dnsbl.listed");
    assert_eq!(report["facts"]["listings"][0]["zone"], "bl.test");
    let (status, report) = ask("192.0.2.2");
    assert_eq!(
        (status, &report["verdict"]),
        (0, &Json::from("ok")),
        "{report}"
    );
}

#[test]
fn the_lists_that_would_be_asked_are_named() {
    let lists = |arguments: &[&str]| {
        let said = mailprobe(["dnsbl", "--show-lists"].iter().chain(arguments));
        assert_eq!(said.status, 0, "{}", said.err);
        said.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let core = lists(&[]);
    assert!(core.contains(&"zen.spamhaus.org".to_owned()));
    assert!(lists(&["--profile", "all"]).len() > core.len());
    assert!(!lists(&["--without", "zen.spamhaus.org"]).contains(&"zen.spamhaus.org".to_owned()));
    assert_eq!(lists(&["--list", "bl.test*2", "--only"]), ["bl.test"]);
}

#[test]
fn a_key_is_read_from_a_file_and_a_mistake_is_told_in_a_line() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("dnsbl-key");
    std::fs::write(&file, "s3cret key\n").unwrap();
    let key = format!("zen.dq.spamhaus.net={}", file.display());
    let resolver = resolver().to_string();
    let said = mailprobe(["dnsbl", "192.0.2.1", "--key", &key, "--resolver", &resolver]);
    assert_eq!(said.status, 3);
    assert!(
        said.err.contains("the key of zen.dq.spamhaus.net"),
        "{}",
        said.err
    );
    assert!(!said.err.contains("s3cret"), "{}", said.err);
    for (arguments, told) in [
        (["--list", "bl.test=x"], "ZONE[=FILTER][*WEIGHT]"),
        (["--resolver", "nowhere"], "an address, such as"),
        (["--resolver-tls", "192.0.2.53"], "a name and an address"),
        (
            ["--resolver-https", "http://192.0.2.53/@192.0.2.53"],
            "a URL and an address",
        ),
        (["--catalogue", "/no/such/file"], "cannot be read"),
    ] {
        let said = mailprobe(["dnsbl", "192.0.2.1"].iter().chain(&arguments));
        assert_eq!(said.status, 3);
        assert!(said.err.contains(told), "{}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
}

#[test]
fn what_has_changed_since_an_earlier_report_is_told() {
    let resolver = resolver().to_string();
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("dnsbl-previous");
    let list = [
        "--list",
        "bl.test",
        "--only",
        "--resolver",
        &resolver,
        "--format",
        "json",
    ];
    let ask = |target: &str, more: &[&str]| {
        let said = mailprobe(["dnsbl", target].iter().chain(&list).chain(more));
        said.out
    };
    let clean = ask("192.0.2.2", &[]).replace("192.0.2.2", "192.0.2.1");
    std::fs::write(&file, clean).unwrap();
    let report = ask("192.0.2.1", &["--previous", &file.display().to_string()]);
    let report: Json = serde_json::from_str(&report).unwrap();
    let findings = report["findings"].as_array().unwrap().iter();
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let told: Vec<_> = findings
        .map(|finding| format!("{}: {}", text(&finding["code"]), text(&finding["evidence"])))
        .collect();
    assert!(
        told.contains(&"change.worse: ok -> critical".to_owned()),
        "{told:?}"
    );
    assert!(
        told.contains(&"change.fact: listings.bl.test: nothing -> there".to_owned()),
        "{told:?}"
    );
    // What is kept for the next time tells since when.
    let since = |report: &Json| {
        let mut findings = report["findings"].as_array().unwrap().iter();
        let listed = findings.find(|finding| finding["code"] == "dnsbl.listed");
        listed.unwrap()["since"].clone()
    };
    assert_eq!(since(&report), Json::Null);
    std::fs::write(&file, report.to_string()).unwrap();
    for _ in 0..2 {
        let again = ask("192.0.2.1", &["--previous", &file.display().to_string()]);
        std::fs::write(&file, &again).unwrap();
        let again: Json = serde_json::from_str(&again).unwrap();
        assert_eq!(since(&again), report["started_at"]);
    }
    // Nothing is told of others.
    let other = ask("192.0.2.2", &["--previous", &file.display().to_string()]);
    assert!(!other.contains("change."), "{other}");
    let missing = mailprobe([
        "dnsbl",
        "192.0.2.1",
        "--previous",
        "/no/such/file",
        "--resolver",
        &resolver,
    ]);
    assert_eq!(missing.status, 3);
}
