//! The whole check of a domain, by the tool, against real servers: one domain that is well, and domains each broken in one
//! way. `cargo xtask test` starts the lab and runs this.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests"
)]

#[path = "real/deliver.rs"]
mod deliver;

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

/// What the lab says of itself.
fn lab() -> &'static Value {
    static LAB: OnceLock<Value> = OnceLock::new();
    LAB.get_or_init(|| {
        let folder = std::env::var("MAILPROBE_LAB").expect("run by `cargo xtask test`");
        let text = fs::read(PathBuf::from(folder).join("lab.json")).unwrap();
        serde_json::from_slice(&text).unwrap()
    })
}

fn address(server: &str) -> &'static str {
    lab()["listeners"][server]["address"].as_str().unwrap()
}

/// The lab's own root.
fn root_hints() -> PathBuf {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("real.hints");
    fs::write(
        &file,
        format!("a.root.test. 60 A {}\n", address("nsd-root")),
    )
    .unwrap();
    file
}

/// The exit status, and what was said.
fn check(domain: &str, more: &[&str]) -> (i32, String) {
    let hints = root_hints();
    let said = Command::new(env!("CARGO_BIN_EXE_mailprobe"))
        .args(["check", domain, "--allow-local", "--timeout", "8"])
        .args(["--resolver", address("unbound-cache")])
        .args(["--root-hints", hints.to_str().unwrap()])
        .args(["--ca", lab()["ca"].as_str().unwrap()])
        .args(more)
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stderr), "");
    let out = String::from_utf8(said.stdout).unwrap();
    (said.status.code().unwrap(), out)
}

/// The first words behind the headline.
fn first(page: &str) -> String {
    let lines = page.lines().skip(1).take_while(|line| !line.is_empty());
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_domain_that_is_well_fits_a_screen() {
    let (status, page) = check("lab.test", &["--no-lists"]);
    assert_eq!(
        (status, first(&page).as_str()),
        (0, "all is well"),
        "{page}"
    );
    assert!(page.lines().count() <= 24, "{page}");
    for part in [
        "mx           lab.test           all is well",
        "smtp         good.lab.test:25   all is well",
        "smtp         good.lab.test:587  all is well",
        "imap         mail.lab.test:993  all is well",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
}

#[test]
fn the_first_line_names_what_is_wrong() {
    for (domain, status, told) in [
        (
            "expired.test",
            1,
            "the certificate has expired: CN=expired.lab.test",
        ),
        (
            "greets-554.test",
            2,
            "the server is up but refuses this client: 554 5.7.1",
        ),
        (
            "not-ours.test",
            2,
            "the server is not responsible for the recipient's domain: postmaster@not-ours.test",
        ),
        (
            "implicit.test",
            1,
            "there is no MX record: mail goes to the domain's own address",
        ),
        ("nothing.test", 2, "no mail reaches the domain"),
        (
            "alias.test",
            1,
            "an MX record names an alias: 10 mx.alias.test is good.lab.test",
        ),
        (
            "null-mixed.test",
            1,
            "beside MX records that name hosts stands one that says that there is no mail",
        ),
        ("bogon.test", 2, "its addresses are none that mail reaches"),
        (
            "bogon-mixed.test",
            1,
            "a host that takes mail has an address that nobody reaches from outside",
        ),
        (
            "takeover.test",
            2,
            "whoever registers that gets the mail: 10 mx.never-registered.example",
        ),
        (
            "drift.test",
            1,
            "the domain's name servers have different SPF records",
        ),
        ("dane-wrong.test", 2, "3 1 1 0000000000000000"),
        (
            "signature-over.test",
            2,
            "the domain's signatures have expired",
        ),
        (
            "mismatch.test",
            2,
            "the host is not in the domain's MTA-STS policy",
        ),
        ("lame.test", 2, "no name server answers for the domain"),
    ] {
        let (is, page) = check(domain, &["--no-lists"]);
        assert!(first(&page).contains(told), "{domain}: {page}");
        assert_eq!(is, status, "{domain}: {page}");
    }
}

#[test]
fn a_mail_host_that_does_not_answer_is_looked_for() {
    let (status, page) = check("deserted.test", &["--no-lists"]);
    let told = "mx.deserted.test:25: the host is alive, its mail service is not to be reached";
    assert!(first(&page).contains(told), "{page}");
    assert_eq!(status, 2, "{page}");
    let part = "reach        mx.deserted.test:25";
    assert!(page.contains(part), "{page}");
}

#[test]
fn what_the_registry_says_comes_before_what_caches_hide() {
    for (domain, status, told) in [
        ("held.test", 2, "the domain is on hold"),
        ("over.test", 2, "the registration of the domain has expired"),
        (
            "renewed.test",
            1,
            "the registry renewed the domain by itself",
        ),
    ] {
        let more = ["--no-lists", "--rdap", "https://rdap.lab.test/"];
        let (is, page) = check(domain, &more);
        assert!(first(&page).contains(told), "{domain}: {page}");
        assert_eq!(is, status, "{domain}: {page}");
    }
}

#[test]
fn blacklists_are_asked_about_domain_and_addresses() {
    let lists = [
        "--only",
        "--list",
        "zen.rbl.test=127.0.0.[2..11]",
        "--outbound",
        "127.88.1.1",
    ];
    let (status, page) = check("lab.test", &lists);
    assert_eq!(status, 2, "{page}");
    assert!(
        first(&page).contains("127.88.1.1: it is on a blacklist"),
        "{page}"
    );
    assert!(page.contains("dnsbl        127.88.0.10"), "{page}");
}

#[test]
fn services_are_found_where_mail_programs_look_for_them() {
    let (_, page) = check("autoconfig.test", &["--no-lists"]);
    let told = "imaps mail.lab.test:993, submissions good.lab.test:465";
    assert!(page.contains(told), "{page}");
}

#[test]
fn the_active_sync_of_phones_is_found_and_asked() {
    let (_, page) = check("autodiscover.test", &["--no-lists"]);
    let told = "eas.lab.test:443/Microsoft-Server-ActiveSync";
    assert!(page.contains(told), "{page}");
    for part in [
        "autodiscover autodiscover.test  all is well",
        "eas          eas.lab.test:443   all is well",
    ] {
        assert!(page.contains(part), "{page}");
    }
}

#[test]
fn one_object_holds_all_reports() {
    let (_, json) = check("well.test", &["--no-lists", "--format", "json"]);
    let report: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(
        (&report["probe"], &report["verdict"]),
        (&"check".into(), &"ok".into())
    );
    let parts = report["parts"].as_array().unwrap().iter();
    let parts: Vec<_> = parts.map(|part| part["probe"].as_str().unwrap()).collect();
    assert_eq!(
        parts,
        [
            "mx",
            "registration",
            "smtp",
            "smtp",
            "imap",
            "imap",
            "pop3",
            "policy"
        ]
    );
}
