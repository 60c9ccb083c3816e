//! `mailprobe pop3`: mistakes, exit status, and what each format's readers get.

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

use common::{NAME, PASSWORD, Said, World, at, file, mailprobe};
use probe_testkit::{Answer, Flaw, Identity, Peer, Script};
use readers::{Plugin, exposition, validate};
use serde_json::Value as Json;

/// A server with alice's maildrop, and her way to ask it.
struct Alice {
    world: World,
    peer: Peer,
    secret: String,
}

impl Alice {
    fn new(test: &str) -> Self {
        let world = World::new(test);
        let peer = world.listen(server(world.ca.identity([NAME])));
        let secret = file(&format!("{test}-secret"), PASSWORD);
        let secret = secret.to_str().unwrap().to_owned();
        Self {
            world,
            peer,
            secret,
        }
    }

    fn ask(&self, arguments: &[&str]) -> Said {
        self.ask_at(&self.peer, arguments)
    }

    fn ask_at(&self, peer: &Peer, arguments: &[&str]) -> Said {
        let target = at(peer);
        let login = ["--user", "alice", "--password-file", &self.secret, "--tls"];
        let common = [target.as_str()].into_iter().chain(login);
        self.world.pop3(common.chain(arguments.iter().copied()))
    }
}

fn server(identity: Identity) -> Script {
    let script = Script::new().tls(&identity).say("+OK ready\r\n");
    script.serve(|| {
        |line: &[u8]| match line {
            b"CAPA" => "+OK\r\nUSER\r\nTOP\r\nUIDL\r\nEXPIRE 60\r\nPIPELINING\r\n.\r\n".into(),
            b"PASS wonder & land" | b"USER alice" | b"NOOP" | b"DELE 2" | b"RSET" => {
                "+OK\r\n".into()
            }
            b"STAT" => "+OK 2 90\r\n".into(),
            b"LIST" => "+OK\r\n1 50\r\n2 40\r\n.\r\n".into(),
            b"UIDL" => "+OK\r\n1 a1\r\n2 a2\r\n.\r\n".into(),
            b"TOP 1 0" | b"TOP 2 0" | b"RETR 2" => {
                "+OK\r\nDate: 2 Feb 2026 17:05:07 +0000\r\n\r\n.\r\n".into()
            }
            b"QUIT" => Answer::close("+OK bye\r\n"),
            _ => "-ERR no\r\n".into(),
        }
    })
}

#[test]
fn a_mistake_is_one_line_that_says_what_is_wrong() {
    let mistakes: &[(&[&str], &str)] = &[
        (&["--prove-rights"], "--user <NAME>"),
        (&["--messages-warning", "9"], "--user <NAME>"),
        (&["--noops", "3"], "--user <NAME>"),
        (&["--apop"], "--user <NAME>"),
        (&["--password", "hunter2"], "use --password-file"),
    ];
    for (arguments, reason) in mistakes {
        let said = mailprobe(["pop3", "mail"].iter().chain(*arguments));
        assert_eq!((said.status, said.out.as_str()), (3, ""), "{arguments:?}");
        assert!(said.err.contains(reason), "{arguments:?}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
}

#[test]
fn the_exit_status_is_the_verdict() {
    let alice = Alice::new("pop3-status");
    for (arguments, expected, code) in [
        (&[][..], 0, ""),
        (&["--messages-warning", "1"], 1, "pop3.messages.threshold"),
        (&["--octets-critical", "10"], 2, "pop3.octets.threshold"),
        (&["--oldest-critical", "0"], 2, "pop3.messages.oldest"),
        (&["--newest-warning", "0"], 1, "pop3.messages.newest"),
        (&["--prove-rights"], 0, ""),
        (&["--login-command"], 0, ""),
        (&["--apop"], 2, "unsupported"),
        (&["--mechanism", "cram-md5"], 2, "unsupported"),
    ] {
        let said = alice.ask(arguments);
        assert_eq!(said.status, expected, "{arguments:?}: {}", said.out);
        assert!(said.out.contains(code), "{arguments:?}: {}", said.out);
    }
}

#[test]
fn a_secret_is_kept_back_from_a_server_with_a_bad_certificate() {
    let alice = Alice::new("pop3-gate");
    let expired = alice.world.ca.flawed([NAME], Flaw::Expired);
    let peer = alice.world.listen(server(expired));
    let said = alice.ask_at(&peer, &[]);
    assert_eq!(said.status, 2);
    assert!(said.out.contains("withheld"), "{}", said.out);
    let said = alice.ask_at(&peer, &["--login-over", "unverified-tls"]);
    assert!(said.out.contains("\n    maildrop  "), "{}", said.out);
}

#[test]
fn each_format_has_the_numbers_of_the_maildrop() {
    let alice = Alice::new("pop3-formats");
    let ask = |format| {
        let options = [
            "--noops",
            "3",
            "--ages",
            "--prove-rights",
            "--format",
            format,
        ];
        alice.ask(&options).out
    };
    let report: Json = serde_json::from_str(&ask("json")).unwrap();
    validate(&report);
    assert_eq!(report["verdict"], "ok", "{report}");
    let facts = &report["facts"];
    assert_eq!(facts["auth"]["accepted"], "USER");
    assert_eq!(facts["maildrop"]["messages"], 2.0);
    assert_eq!(facts["maildrop"]["oldest"], 1_770_051_907.0);
    assert_eq!(facts["rights"]["delete"], "granted");
    assert_eq!(facts["rights"]["kept"], true);

    let plugin = ask("nagios");
    let plugin = Plugin::read(&plugin);
    assert!(plugin.said.starts_with("POP3 OK - "), "{}", plugin.said);
    for (label, value) in [
        ("pop3_messages", "2"),
        ("pop3_messages_bytes", "90B"),
        ("pop3_right_delete", "1"),
    ] {
        assert_eq!(plugin.data[label], value, "{label}");
    }
    assert!(plugin.data.contains_key("pop3_noop_seconds_0.95"));

    let page = ask("prometheus");
    let series = exposition(&page);
    let value = |name| series.iter().find(|one| one.name == name).unwrap().value;
    assert_eq!(value("probe_pop3_messages_bytes"), 90.0);
    assert_eq!(value("probe_pop3_expire_days"), 60.0);
    let helpless = |line: &&str| line.starts_with("# TYPE probe_pop3");
    let helped = |line: &&str| line.starts_with("# HELP probe_pop3");
    assert_eq!(
        page.lines().filter(helpless).count(),
        page.lines().filter(helped).count(),
    );
}
