//! `mailprobe host --snmp`: who is asked, as whom, and what no agent tells is unknown.

#![allow(dead_code, clippy::unwrap_used, reason = "tests")]

mod common;

use std::net::UdpSocket;

use common::{file, mailprobe, mailprobe_with};

/// An address at which nobody listens.
fn nobody() -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().to_string()
}

#[test]
fn an_agent_that_is_not_there_is_unknown() {
    let nobody = nobody();
    for more in [
        &["--snmp-version", "1"][..],
        &["--snmp-version", "2c"],
        &["--snmp-user", "monitor"],
    ] {
        let said = mailprobe([&["host", "--snmp", &nobody], more].concat());
        assert_eq!((said.status, said.err.as_str()), (3, ""), "{more:?}");
        assert!(
            said.out.contains("nothing listens on that port"),
            "{}",
            said.out
        );
        assert!(said.out.contains("snmp.silent"), "{}", said.out);
    }
}

#[test]
fn a_community_and_passwords_come_from_files_and_variables() {
    let nobody = nobody();
    let secret = file("community", "a long secret\n");
    let secret = secret.to_str().unwrap();
    let ask = ["host", "--snmp", &nobody];
    for more in [
        &["--community-file", secret, "--login-over", "cleartext"][..],
        &["--community-env", "SECRET", "--login-over", "cleartext"],
        &[
            "--snmp-user",
            "monitor",
            "--auth-password-file",
            secret,
            "--priv-password-env",
            "SECRET",
        ],
        &[
            "--snmp-user",
            "monitor",
            "--auth",
            "sha512",
            "--auth-password-env",
            "SECRET",
        ],
    ] {
        let said = mailprobe_with([&ask[..], more].concat(), &[("SECRET", "a long secret")]);
        assert_eq!((said.status, said.err.as_str()), (3, ""), "{more:?}");
        assert!(said.out.contains("snmp.silent"), "{}", said.out);
        assert!(!said.out.contains("a long secret"), "{}", said.out);
    }
}

#[test]
fn a_mistake_is_one_line_that_says_what_is_wrong() {
    let short = file("short", "short");
    let short = short.to_str().unwrap();
    let ask = ["host", "--snmp", "192.0.2.25"];
    let mistakes: &[(&[&str], &str)] = &[
        (&["--community-file", short], "that is not allowed"),
        (
            &["--community-env", "MAILPROBE_NONE"],
            "no variable of this name",
        ),
        (&["--snmp-version", "3"], "version 3 needs --snmp-user"),
        (
            &["--snmp-version", "1", "--snmp-user", "monitor"],
            "--snmp-user is for version 3",
        ),
        (
            &["--snmp-user", "monitor", "--auth-password-file", short],
            "at least 8 octets",
        ),
        (
            &["--snmp-user", "monitor", "--priv-password-file", short],
            "without authentication",
        ),
        (&["--auth-password-file", short], "--snmp-user <NAME>"),
        (
            &["--snmp-user", "monitor", "--community-file", short],
            "cannot be used with",
        ),
        (&["--exporter", "http://mail/"], "cannot be used with"),
        (&["--auth", "md5"], "--auth"),
    ];
    for (more, wanted) in mistakes {
        let said = mailprobe([&ask[..], more].concat());
        assert_eq!((said.status, said.out.as_str()), (3, ""), "{more:?}");
        assert!(said.err.contains(wanted), "{more:?}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
}
