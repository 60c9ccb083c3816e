//! What the tool writes in each format, as its readers demand it.

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

use common::{NAME, PASSWORD, Said, World, at, file, greeting, submission};
use probe_testkit::{ClosedPort, Flaw};
use readers::{Plugin, exposition, validate};
use serde_json::Value as Json;

/// One healthy server with a login, one broken, one that is not there.
struct Three {
    world: World,
    peers: [probe_testkit::Peer; 2],
    nobody: ClosedPort,
    secret: std::path::PathBuf,
}

impl Three {
    fn new(test: &str) -> Self {
        let world = World::new(test);
        let broken = submission(world.ca.flawed([NAME], Flaw::Expired));
        Self {
            peers: [world.healthy(), world.listen(broken)],
            nobody: ClosedPort::new().unwrap(),
            secret: file(&format!("{test}-secret"), PASSWORD),
            world,
        }
    }

    fn targets(&self) -> [String; 3] {
        let [healthy, broken] = &self.peers;
        [at(healthy), at(broken), self.nobody.address().to_string()]
    }

    fn ask(&self, options: &[&str]) -> Said {
        let targets = self.targets();
        let targets = targets.iter().map(String::as_str);
        self.world.smtp(options.iter().copied().chain(targets))
    }

    fn ask_healthy(&self, options: &[&str]) -> Said {
        let target = at(&self.peers[0]);
        let login = [
            "--user",
            "alice",
            "--password-file",
            self.secret.to_str().unwrap(),
        ];
        let arguments = options.iter().copied().chain(login);
        self.world.smtp(arguments.chain([target.as_str()]))
    }
}

#[test]
fn json_of_one_target_is_a_report_after_the_published_schema() {
    let three = Three::new("json-one");
    let said = three.ask_healthy(&["-v", "--format", "json"]);
    let report: Json = serde_json::from_str(&said.out).unwrap();
    validate(&report);
    assert_eq!(report["verdict"], "ok");
    assert_eq!(report["target"], at(&three.peers[0]));
    assert_eq!(report["facts"]["size_limit"], 52_428_800.0);
    assert_eq!(report["facts"]["auth"]["accepted"], "PLAIN");
    assert!(!report["transcript"].as_array().unwrap().is_empty());
}

#[test]
fn json_of_several_targets_is_an_array_in_the_order_given() {
    let three = Three::new("json-three");
    let said = three.ask(&["--format", "json"]);
    assert_eq!(said.status, 2);
    let reports: Json = serde_json::from_str(&said.out).unwrap();
    let reports = reports.as_array().unwrap();
    reports.iter().for_each(validate);
    let targets: Vec<_> = reports
        .iter()
        .map(|report| report["target"].as_str().unwrap())
        .collect();
    assert_eq!(targets, three.targets());
    let verdicts: Vec<_> = reports
        .iter()
        .map(|report| report["verdict"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts, ["ok", "warning", "critical"]);
    assert_eq!(reports[1]["findings"][0]["code"], "tls.certificate.expired");
    assert_eq!(reports[2]["failure"]["kind"], "refused");
}

#[test]
fn jsonl_is_a_report_a_line() {
    let three = Three::new("jsonl");
    let said = three.ask(&["--format", "jsonl"]);
    let lines: Vec<_> = said.out.lines().collect();
    assert_eq!(lines.len(), 3);
    for (line, target) in lines.into_iter().zip(three.targets()) {
        let report: Json = serde_json::from_str(line).unwrap();
        validate(&report);
        assert_eq!(report["target"], target);
    }
}

#[test]
fn the_members_of_a_pool_are_parts_after_the_same_schema() {
    let three = Three::new("json-parts");
    let said = three.ask_healthy(&["--every-address", "--format", "json"]);
    let report: Json = serde_json::from_str(&said.out).unwrap();
    validate(&report);
    assert_eq!(report["parts"].as_array().unwrap().len(), 1);
}

#[test]
fn nagios_gets_one_line_with_data_behind_the_bar() {
    let three = Three::new("nagios");
    let said = three.ask_healthy(&["--format", "nagios", "-w", "20", "-c", "@~:-1"]);
    assert_eq!(said.status, 0, "{}", said.out);
    let plugin = Plugin::read(&said.out);
    let target = at(&three.peers[0]);
    let start = format!("SMTP OK - {target}: all is well (");
    assert!(plugin.said.starts_with(&start) && plugin.said.ends_with(" ms)"));
    let time = &plugin.data["time"];
    assert!(time.ends_with("s;20;@~:-1;0"), "{time}");
    assert_eq!(plugin.data["smtp_size_limit_bytes"], "52428800B");
    for phase in [
        "connect", "greeting", "ehlo", "starttls", "tls", "auth", "quit",
    ] {
        assert!(plugin.data[&format!("time_{phase}")].ends_with("s;;;0"));
    }
    assert!(plugin.long.is_empty(), "{:?}", plugin.long);
}

#[test]
fn nagios_is_told_of_every_trouble_below() {
    let three = Three::new("nagios-trouble");
    let said = three.ask(&["--format", "nagios"]);
    assert_eq!(said.status, 2);
    let plugin = Plugin::read(&said.out);
    let [healthy, broken, nobody] = three.targets();
    let start = format!("SMTP CRITICAL - 2 of 3 targets in trouble, {nobody}: ");
    assert!(plugin.said.starts_with(&start), "{}", plugin.said);
    for target in [&healthy, &broken, &nobody] {
        assert!(plugin.data.contains_key(&format!("{target} time")));
    }
    assert!(plugin.long.contains(&format!("{healthy}: ok: all is well")));
    let expired = format!("{broken}: warning: the certificate has expired: ");
    let told = plugin.long.iter().filter(|line| line.starts_with(&expired));
    assert_eq!(told.clone().count(), 2, "the verdict and the finding");
    assert!(
        told.clone()
            .any(|line| line.ends_with("[tls.certificate.expired]"))
    );
    let refused = format!("{nobody}: failure: connect: refused: ");
    assert!(plugin.long.iter().any(|line| line.starts_with(&refused)));
}

#[test]
fn nagios_exits_by_the_ranges() {
    let three = Three::new("nagios-ranges");
    for (ranges, status, word) in [
        (&["-w", "60"][..], 0, "OK"),
        (&["-w", "60:"], 1, "WARNING"),
        (&["-w", "60", "-c", "@0:60"], 2, "CRITICAL"),
    ] {
        let said = three.ask_healthy(&[&["--format", "nagios"], ranges].concat());
        assert_eq!(said.status, status);
        let plugin = Plugin::read(&said.out);
        assert!(
            plugin.said.starts_with(&format!("SMTP {word} - ")),
            "{}",
            plugin.said
        );
        let named = plugin
            .long
            .iter()
            .any(|line| line.ends_with("[time.threshold]"));
        assert_eq!(named, status > 0);
    }
}

#[test]
fn prometheus_gets_a_page_that_it_can_read() {
    let three = Three::new("prometheus");
    let said = three.ask(&["--format", "prometheus"]);
    let page = exposition(&said.out);
    let [healthy, broken, nobody] = three.targets();
    let of = |name: &str, target: &str| -> Vec<(BTreeMap<String, String>, f64)> {
        let series = page.iter().filter(|series| series.name == name);
        series
            .filter(|series| series.labels["target"] == target && series.labels["probe"] == "smtp")
            .map(|series| (series.labels.clone(), series.value))
            .collect()
    };
    let value = |name: &str, target: &str| match of(name, target).as_slice() {
        [(_, value)] => *value,
        other => panic!("{name} of {target}: {other:?}"),
    };
    assert_eq!(value("probe_success", &healthy), 1.0);
    assert_eq!(value("probe_success", &broken), 1.0);
    assert_eq!(value("probe_success", &nobody), 0.0);
    assert_eq!(value("probe_verdict", &broken), 1.0);
    assert!(value("probe_duration_seconds", &healthy) > 0.0);
    assert_eq!(value("probe_dns_lookup_time_seconds", &healthy), 0.0);
    assert_eq!(value("probe_ip_protocol", &healthy), 4.0);
    assert_eq!(value("probe_smtp_status_code", &healthy), 220.0);
    assert_eq!(value("probe_smtp_size_limit_bytes", &healthy), 52_428_800.0);
    assert!(value("probe_ssl_earliest_cert_expiry", &healthy) > 1.7e9);

    let label = |name: &str, target: &str, label: &str| -> Vec<String> {
        of(name, target)
            .into_iter()
            .map(|(labels, _)| labels[label].clone())
            .collect()
    };
    let phases = label("probe_phase_duration_seconds", &healthy, "phase");
    assert_eq!(
        phases,
        ["connect", "greeting", "ehlo", "starttls", "tls", "quit"]
    );
    assert_eq!(
        label("probe_finding_info", &broken, "code"),
        ["tls.certificate.expired"]
    );
    assert_eq!(label("probe_failure_info", &nobody, "kind"), ["refused"]);
    assert_eq!(label("probe_failure_info", &nobody, "phase"), ["connect"]);
    assert_eq!(
        label("probe_tls_version_info", &healthy, "version"),
        ["TLS 1.3"]
    );
    let odd = of("probe_smtp_capability_info", &healthy);
    let odd = odd
        .iter()
        .find(|(labels, _)| labels["name"] == "X-ODD")
        .unwrap();
    assert_eq!(odd.0["params"], r#"a"b\c"#);
}

#[test]
fn prometheus_can_read_the_page_of_a_target_named_twice() {
    let three = Three::new("prometheus-twice");
    let target = at(&three.peers[0]);
    let options = ["--format", "prometheus", "--every-address"];
    let said = three
        .world
        .smtp(options.into_iter().chain([&*target, &*target]));
    let page = exposition(&said.out);
    let successes = page.iter().filter(|series| series.name == "probe_success");
    assert_eq!(successes.count(), 1);
}

#[test]
fn text_begins_with_the_verdict_and_has_its_sections_in_order() {
    let three = Three::new("text");
    let target = at(&three.peers[1]);
    let said = three.world.smtp(["--starttls", "required", &target]);
    assert_eq!(said.status, 2);
    let first = format!(" CRITICAL  {target} smtp ");
    assert!(said.out.starts_with(&first), "{}", said.out);
    let headline = said.out.lines().nth(1).unwrap();
    assert!(headline.starts_with("  the certificate has expired: "));
    let mut from = 0;
    for landmark in [
        "\n\n  where the time went\n    connect   │",
        "\n    quit      │",
        "\n\n  what is wrong and what to do\n  ✗ the certificate has expired\n",
        "\n      → Renew it, ",
        "\n      tls.certificate.expired\n",
        "\n\n  what was learned\n    address         127.0.0.1\n",
        "\n    greeting        220 mx.example.test ESMTP\n",
        "\n      clear         SIZE 52428800, X-ODD a\"b\\c, STARTTLS\n",
        "\n    size limit      50 MiB\n",
        "\n      certificate   CN=mx.example.test\n",
        "\n                    expired on ",
    ] {
        let place = said.out[from..].find(landmark);
        from += place.unwrap_or_else(|| panic!("{landmark:?} after {from}: {}", said.out));
    }
    assert!(said.out.lines().all(|line| line.chars().count() <= 80));
    assert!(!said.out.contains("sha256"));
}

#[test]
fn verbose_text_has_fingerprints_and_the_words() {
    let three = Three::new("verbose");
    let said = three.ask_healthy(&["-v"]);
    for landmark in [
        "\n      sha256    ",
        "earliest expiry ",
        "\n  transcript\n",
        "C AUTH PLAIN [redacted]\n",
    ] {
        assert!(said.out.contains(landmark), "{landmark}");
    }
}

#[test]
fn text_of_several_targets_begins_with_a_row_for_each() {
    let three = Three::new("rows");
    let said = three.ask(&[]);
    let [healthy, broken, nobody] = three.targets();
    let mut lines = said.out.lines();
    for (word, target, words) in [
        ("critical", nobody, "the connection was refused"),
        ("warning ", broken, "the certificate has expired"),
        ("ok      ", healthy, "all is well"),
    ] {
        let row = lines.next().unwrap();
        let start = format!("  ● {word}  {target}  {words}");
        assert!(row.starts_with(&start), "{row}");
        assert!(row.chars().count() <= 80);
    }
    assert_eq!(lines.next(), Some(""));
}

#[test]
fn colour_is_there_when_asked_for_and_only_then() {
    let three = Three::new("colour");
    let escapes = |options: &[&str]| three.ask_healthy(options).out.contains('\u{1b}');
    assert!(!escapes(&[]), "standard output is no terminal");
    assert!(!escapes(&["--color", "never"]));
    assert!(escapes(&["--color", "always"]));
    for format in ["json", "jsonl", "nagios", "prometheus"] {
        assert!(
            !escapes(&["--color", "always", "--format", format]),
            "{format}"
        );
    }
}

/// Only the tool's own colours reach the terminal, whatever the server says and its certificate is called.
#[test]
fn a_hostile_server_cannot_steer_the_terminal() {
    let world = World::new("hostile");
    let identity = world.ca.identity(["a\u{1b}[2Jb.example.test"]);
    let server = world.listen(
        greeting()
            .hear("EHLO")
            .say("250-mx\u{1b}[2J\r\n250-X\u{1b}[2J \u{9b}2J\r\n250 STARTTLS\r\n")
            .hear("STARTTLS")
            .say("220 go\u{1b}[2J\r\n")
            .tls(&identity)
            .hear("EHLO")
            .say("554 no\u{1b}[2J\r\n")
            .drain(),
    );
    for format in ["text", "json", "nagios", "prometheus"] {
        let said = world.smtp(["-v", "--color", "always", "--format", format, &at(&server)]);
        assert!(!said.out.contains("\u{1b}[2J"), "{format}: {:?}", said.out);
        assert!(!said.out.contains('\u{9b}'), "{format}");
    }
}
