//! `mailprobe imap`: mistakes, exit status, and what each format's readers get.

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

use std::collections::BTreeMap;

use common::{NAME, PASSWORD, Said, World, at, file, mailprobe};
use probe_testkit::{Answer, Flaw, Identity, Peer, Script};
use readers::{Plugin, exposition, validate};
use serde_json::Value as Json;

#[test]
fn a_mistake_is_one_line_that_says_what_is_wrong() {
    let secret = file("imap-mistake-secret", PASSWORD);
    let login = [
        "--user",
        "alice",
        "--password-file",
        secret.to_str().unwrap(),
    ];
    // (arguments, whether somebody logs in, what the line says)
    let mistakes: &[(&[&str], bool, &str)] = &[
        (&[], false, "--user <NAME>"),
        (&["--edit"], false, "--user <NAME>"),
        (&["--select"], false, "--user <NAME>"),
        (&["--mailbox", "Sent"], false, "--user <NAME>"),
        (&["--search", "UNSEEN"], false, "--user <NAME>"),
        (&["--noops", "3"], false, "--user <NAME>"),
        (&["--messages-warning", "9"], false, "--user <NAME>"),
        (&["--found-warning", "9"], true, "--search <CRITERIA>"),
        (&["--search", ""], true, "the search criteria are empty"),
        (
            &["--search", "SUBJECT \"tea"],
            true,
            "search criteria have an even number of quotes and no {",
        ),
        (
            &["--search", "ALL\r\nA LOGOUT"],
            true,
            r#""ALL\r\nA LOGOUT" for --search <CRITERIA>: search criteria are printable ASCII"#,
        ),
        (
            &["--mailbox", "a\nb"],
            true,
            r#""a\nb" for --mailbox <NAME>"#,
        ),
        (
            &["--exercise", "TELEPATHY"],
            true,
            "[possible values: COMPRESS=DEFLATE, CONDSTORE, IDLE, UTF8=ACCEPT]",
        ),
        (&["--noops", "65536"], true, "65536 is not in 0..=65535"),
        (&["--rights", "lr s"], true, "' ' is no right"),
        (
            &["--quota-warning", "much"],
            true,
            "a range is written 10, 10:, ~:10, 10:20 or @10:20",
        ),
        (
            &["--login-command", "--mechanism", "PLAIN"],
            true,
            "'--login-command' cannot be used with '--mechanism",
        ),
        (
            &["--mechanism", "XOAUTH2"],
            true,
            "none of the allowed mechanisms takes these credentials",
        ),
        (
            &["--starttls", "never"],
            true,
            "the credentials would have to go in clear, and that is not allowed",
        ),
    ];
    for (arguments, knows_alice, reason) in mistakes {
        let target: &[&str] = match arguments.is_empty() {
            true => &["imap", "mail", "--password-file", "x"],
            false => &["imap", "mail"],
        };
        let login = login.iter().filter(|_| *knows_alice);
        let said = mailprobe(target.iter().chain(*arguments).chain(login));
        assert_eq!(said.status, 3, "{arguments:?}: {}", said.out);
        assert_eq!(said.out, "", "{arguments:?}");
        assert!(said.err.contains(reason), "{arguments:?}: {}", said.err);
        assert!(said.err.starts_with("mailprobe: "), "{}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
}

#[test]
fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    let said = mailprobe(["imap", "mail", "--user", "alice", "--password", "hunter2"]);
    assert_eq!(said.status, 3);
    assert_eq!(said.err.lines().count(), 1);
    assert!(said.err.contains("use --password-file or --password-env"));
    assert!(!said.err.contains("hunter2"), "{}", said.err);
}

#[test]
fn help_fits_a_terminal_and_names_what_can_be_asked() {
    for option in ["-h", "--help"] {
        let said = mailprobe(["imap", option]);
        assert_eq!(said.status, 0);
        assert!(said.out.lines().all(|line| line.chars().count() <= 80));
        for option in ["--edit", "--search", "--quota-warning", "CONDSTORE"] {
            assert!(said.out.contains(option), "{option}");
        }
    }
    let script = mailprobe(["completions", "bash"]).out;
    assert!(script.contains("CONDSTORE") && script.contains("SCRAM-SHA-256"));
}

#[test]
fn the_exit_status_is_the_verdict() {
    let alice = Alice::new("imap-status");
    let status = |arguments: &[&str]| {
        let said = alice.ask(arguments);
        (said.status, said.out)
    };
    for (arguments, expected, code) in [
        (&[][..], 0, ""),
        (&["--messages-warning", "2"], 1, "imap.messages.threshold"),
        (&["--messages-critical", "2"], 2, "imap.messages.threshold"),
        (&["--messages-warning", "5:"], 1, "imap.messages.threshold"),
        (&["--newest-warning", "0"], 1, "imap.messages.newest"),
        (&["--oldest-critical", "0"], 2, "imap.messages.oldest"),
        (&["--quota-warning", "20"], 1, "imap.quota.threshold"),
        (
            &["--search", "UNSEEN", "--found-critical", "1"],
            2,
            "imap.messages.found",
        ),
        (&["--rights", "lrt"], 2, "imap.rights.missing"),
        (&["--rights", "lr"], 0, ""),
        (&["--exercise", "idle"], 1, "imap.extension.not-offered"),
        (&["--mailbox", "Lost"], 2, "imap.mailbox.refused"),
        (&["--login-command"], 2, "policy"),
        (&["--mechanism", "cram-md5"], 2, "unsupported"),
    ] {
        let (got, out) = status(arguments);
        assert_eq!(got, expected, "{arguments:?}: {out}");
        assert!(out.contains(code), "{arguments:?}: {out}");
    }

    let stranger = alice.world.imap([at(&alice.peer).as_str()]);
    assert_eq!(stranger.status, 0, "{}", stranger.out);
    assert!(!stranger.out.contains("mailbox"), "{}", stranger.out);
}

#[test]
fn a_secret_is_kept_back_from_a_server_with_a_bad_certificate() {
    let alice = Alice::new("imap-gate");
    let expired = alice.world.ca.flawed([NAME], Flaw::Expired);
    let peer = alice.world.listen(server(expired));
    let said = alice.ask_at(&peer, &[]);
    assert_eq!(said.status, 2);
    assert!(said.out.contains("withheld"), "{}", said.out);
    let said = alice.ask_at(&peer, &["--login-over", "unverified-tls"]);
    assert!(said.out.contains("\n    mailbox\n"), "{}", said.out);
}

#[test]
fn json_is_a_report_after_the_published_schema() {
    let alice = Alice::new("imap-json");
    let said = alice.ask(&["--format", "json", "--noops", "3", "--search", "UNSEEN"]);
    let report: Json = serde_json::from_str(&said.out).unwrap();
    validate(&report);
    assert_eq!(report["probe"], "imap");
    assert_eq!(report["verdict"], "ok");
    let facts = &report["facts"];
    assert_eq!(facts["auth"]["accepted"], "PLAIN");
    assert_eq!(facts["server"]["name"], "Example");
    assert_eq!(facts["folders"]["count"], 2.0);
    assert_eq!(facts["folders"]["sent"], "Sent");
    assert_eq!(facts["quota"][0]["used"], 256.0 * 1024.0);
    assert_eq!(facts["quota"][0]["used_ratio"], 0.25);
    assert_eq!(facts["mailbox"]["name"], "INBOX");
    assert_eq!(facts["mailbox"]["messages"], 4.0);
    assert_eq!(facts["mailbox"]["found"], 2.0);
    assert_eq!(facts["mailbox"]["rights"], "lrs");
    assert_eq!(facts["mailbox"]["read"]["octets"], 12.0);
    assert!(facts["noop"]["median"].as_f64().unwrap() > 0.0);
}

#[test]
fn nagios_gets_the_numbers_of_the_mailbox() {
    let alice = Alice::new("imap-nagios");
    let options = ["--format", "nagios", "--noops", "3", "--search", "UNSEEN"];
    let said = alice.ask(&options);
    assert_eq!(said.status, 0, "{}", said.out);
    let plugin = Plugin::read(&said.out);
    assert!(plugin.said.starts_with("IMAP OK - "), "{}", plugin.said);
    for (label, value) in [
        ("imap_folders", "2"),
        ("imap_messages", "4"),
        ("imap_messages_found", "2"),
        ("imap_quota_used_bytes_User quota_STORAGE", "262144B"),
        ("imap_quota_limit_bytes_User quota_STORAGE", "1048576B"),
        ("imap_quota_used_ratio_User quota_STORAGE", "0.25"),
        ("imap_quota_used_User quota_MESSAGE", "4"),
    ] {
        assert_eq!(plugin.data[label], value, "{label}");
    }
    for label in ["imap_noop_seconds_0", "imap_noop_seconds_0.5", "time_auth"] {
        assert!(plugin.data.contains_key(label), "{label}");
    }

    let said = alice.ask(&["--format", "nagios", "--quota-critical", "20"]);
    assert_eq!(said.status, 2);
    let plugin = Plugin::read(&said.out);
    let evidence = "STORAGE of User quota: 256 of 1024 KiB (25 %), range 20";
    assert!(plugin.said.contains(evidence), "{}", plugin.said);
}

#[test]
fn prometheus_gets_base_units() {
    let alice = Alice::new("imap-prometheus");
    let said = alice.ask(&["--format", "prometheus", "--noops", "3"]);
    let page = exposition(&said.out);
    let mut values = BTreeMap::new();
    for series in &page {
        assert_eq!(series.labels["probe"], "imap");
        values.insert(series.name.as_str(), series.value);
    }
    for (name, value) in [
        ("probe_success", 1.0),
        ("probe_imap_folders", 2.0),
        ("probe_imap_messages", 4.0),
        ("probe_imap_newest_message_bytes", 12.0),
        ("probe_imap_newest_message_read_bytes", 12.0),
        (
            "probe_imap_newest_message_timestamp_seconds",
            1_770_051_907.0,
        ),
        (
            "probe_imap_oldest_message_timestamp_seconds",
            1_769_965_507.0,
        ),
        ("probe_imap_quota_limit_bytes", 1_048_576.0),
        ("probe_imap_quota_used_bytes", 262_144.0),
        ("probe_imap_quota_used", 4.0),
    ] {
        assert_eq!(values.get(name), Some(&value), "{name}");
    }
    let helpless = |line: &&str| line.starts_with("# TYPE probe_imap");
    let helped = |line: &&str| line.starts_with("# HELP probe_imap");
    assert_eq!(
        said.out.lines().filter(helpless).count(),
        said.out.lines().filter(helped).count(),
    );
    let noops = page
        .iter()
        .filter(|one| one.name == "probe_imap_noop_seconds");
    let quantiles: Vec<_> = noops.map(|one| one.labels["quantile"].as_str()).collect();
    assert_eq!(quantiles, ["0", "0.5", "0.95"]);
    let offered = page
        .iter()
        .filter(|one| one.name == "probe_imap_capability_info" && one.labels["name"] == "AUTH");
    let offered: Vec<_> = offered
        .map(|one| (&*one.labels["when"], &*one.labels["params"]))
        .collect();
    assert_eq!(offered, [("tls", "PLAIN XOAUTH2")]);
}

#[test]
fn text_tells_the_mailbox_as_people_would() {
    let alice = Alice::new("imap-text");
    let said = alice.ask(&["--noops", "3"]);
    let mut from = 0;
    for landmark in [
        "\n  where the time went\n    connect    │",
        "\n    noop       │",
        "\n  what was learned\n    address         127.0.0.1\n",
        "\n    greeting        * OK ready\n",
        "\n      tls           IMAP4REV1, SASL-IR, AUTH PLAIN XOAUTH2, LOGINDISABLED\n",
        "\n    server          name Example, version 1.0\n",
        "\n    namespaces      personal \"\", shared \"Shared/\"\n",
        "\n    folders         count 2, sent Sent\n",
        "\n    quota           256 KiB of 1 MiB (25 %), STORAGE of User quota\n",
        "    quota           4 of 100 (4 %), MESSAGE of User quota\n",
        "    mailbox\n      name          INBOX\n      messages      4\n      oldest        2026-02-01 (",
        " ago)\n      newest        2026-02-02 (",
        "\n      rights        lrs\n      read          12 bytes, UID 9\n",
        "\n    noop            min ",
    ] {
        let place = said.out[from..].find(landmark);
        from += place.unwrap_or_else(|| panic!("{landmark:?} after {from}: {}", said.out));
    }
    assert!(said.out.lines().all(|line| line.chars().count() <= 80));
    assert!(!said.out.contains("uid validity"));
    let said = alice.ask(&["-v"]);
    assert!(
        said.out.contains("\n      uid validity  77\n"),
        "{}",
        said.out
    );
}

/// A server that knows alice, and she.
struct Alice {
    world: World,
    peer: Peer,
    secret: std::path::PathBuf,
}

impl Alice {
    fn new(test: &str) -> Self {
        let world = World::new(test);
        Self {
            peer: world.listen(server(world.ca.identity([NAME]))),
            secret: file(&format!("{test}-secret"), PASSWORD),
            world,
        }
    }

    fn ask(&self, options: &[&str]) -> Said {
        self.ask_at(&self.peer, options)
    }

    fn ask_at(&self, peer: &Peer, options: &[&str]) -> Said {
        let secret = self.secret.to_str().unwrap();
        let login = ["--user", "alice", "--password-file", secret];
        let target = at(peer);
        let arguments = options.iter().copied().chain(login);
        self.world.imap(arguments.chain([target.as_str()]))
    }
}

type Conversing = Box<dyn FnMut(&[u8]) -> Answer + Send>;

/// An IMAP server that answers each command by what its line begins with.
fn server(identity: Identity) -> Script {
    Script::new()
        .say("* OK ready\r\n")
        .serve(move || -> Conversing {
            let identity = identity.clone();
            let mut offer = "STARTTLS LOGINDISABLED";
            Box::new(move |line| {
                let line = String::from_utf8_lossy(line);
                let (tag, command) = line.split_once(' ').unwrap();
                if command == "STARTTLS" {
                    offer = "SASL-IR AUTH=PLAIN AUTH=XOAUTH2 LOGINDISABLED";
                    return Answer::start_tls(format!("{tag} OK go\r\n"), &identity);
                }
                if command == "CAPABILITY" {
                    let offer = format!("* CAPABILITY IMAP4rev1 {offer}\r\n{tag} OK done\r\n");
                    return Answer::say(offer);
                }
                let known = ANSWERS
                    .iter()
                    .find(|(begins, _)| command.starts_with(begins));
                match known {
                    Some((_, data)) => Answer::say(format!("{data}{tag} OK done\r\n")),
                    None => Answer::say(format!("{tag} NO [CANNOT] not this\r\n")),
                }
            })
        })
}

const ANSWERS: [(&str, &str); 13] = [
    // base64 of NUL alice NUL wonder & land
    (
        "AUTHENTICATE PLAIN AGFsaWNlAHdvbmRlciAmIGxhbmQ=",
        "* CAPABILITY IMAP4rev1 ACL ID NAMESPACE QUOTA\r\n",
    ),
    ("ID", "* ID (\"name\" \"Example\" \"version\" \"1.0\")\r\n"),
    (
        "NAMESPACE",
        "* NAMESPACE ((\"\" \"/\")) NIL ((\"Shared/\" \"/\"))\r\n",
    ),
    (
        "LIST",
        "* LIST () \"/\" INBOX\r\n* LIST (\\Sent) \"/\" Sent\r\n",
    ),
    (
        "GETQUOTAROOT",
        "* QUOTAROOT INBOX \"User quota\"\r\n\
         * QUOTA \"User quota\" (STORAGE 256 1024 MESSAGE 4 100)\r\n",
    ),
    ("MYRIGHTS", "* MYRIGHTS INBOX lrs\r\n"),
    (
        "EXAMINE \"INBOX\"",
        "* FLAGS (\\Seen)\r\n* 4 EXISTS\r\n* OK [UIDVALIDITY 77] stay\r\n",
    ),
    ("UID SEARCH", "* SEARCH 7 9\r\n"),
    (
        "FETCH 1:*",
        "* 1 FETCH (INTERNALDATE \" 1-Feb-2026 17:05:07 +0000\")\r\n\
         * 4 FETCH (INTERNALDATE \" 2-Feb-2026 17:05:07 +0000\")\r\n",
    ),
    (
        "FETCH 4",
        "* 4 FETCH (UID 9 RFC822.SIZE 12 BODY[]<0> {12}\r\nA: b\r\n\r\nText)\r\n",
    ),
    ("NOOP", ""),
    ("UNSELECT", ""),
    ("LOGOUT", "* BYE\r\n"),
];
