//! `mailprobe host`: what cannot be read is unknown, the queue and the machine are asked together, and the page of an exporter
//! is judged.

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

use std::fs;
use std::path::{Path, PathBuf};

use common::{World, file, mailprobe};
use probe_testkit::{Say, Web};
use readers::{Plugin, exposition, validate};
use serde_json::Value as Json;

/// A machine that is well, below a folder.
fn machine(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let files = [
        ("proc/stat", "cpu  1 0 1 1 0\ncpu0 1 0 1 1 0\n"),
        (
            "proc/meminfo",
            "MemTotal: 1000 kB\nMemAvailable: 500 kB\nSwapTotal: 100 kB\nSwapFree: 100 kB\n",
        ),
        ("proc/loadavg", "0.10 0.20 0.30 1/2 3\n"),
        ("proc/uptime", "100000.00 1.00\n"),
        ("proc/1/mountinfo", "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n"),
    ];
    fs::create_dir_all(root.join("var/spool")).unwrap();
    for (path, text) in files {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

/// Postfix's socket, with so many messages in the queue of those that were deferred.
#[cfg(unix)]
fn postfix(name: &str, messages: usize) -> PathBuf {
    use std::io::Write;
    use std::os::unix::net::UnixListener;

    let socket = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
    let _ = fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket).unwrap();
    let message = "queue_name=deferred=queue_id=A1=time=1700000000=size=400=forced_expire=0=sender=a@a.test=recipient=b@busy.test=reason=connect to mx.busy.test[192.0.2.1]:25: Connection refused==";
    let greeting = "protocol=mail_queue_list_protocol==".to_owned();
    // Each attribute ends with a zero.
    let list = (greeting + &message.repeat(messages) + "=").replace('=', "\0");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(list.as_bytes());
        }
    });
    socket
}

#[test]
fn a_queue_that_cannot_be_read_is_unknown() {
    let said = mailprobe(["host", "--only", "queue", "--socket", "/nonexistent/showq"]);
    assert_eq!(said.status, 3);
    assert!(
        said.out.contains("No such file or directory"),
        "{}",
        said.out
    );
    // What could not be read is no zero.
    let said = mailprobe([
        "host",
        "--only",
        "queue",
        "--socket",
        "/nonexistent/showq",
        "--format",
        "prometheus",
    ]);
    assert!(!said.out.contains("probe_queue_"), "{}", said.out);
}

#[test]
fn a_mistake_is_one_line_that_says_what_is_wrong() {
    let mistakes: &[(&[&str], &str)] = &[
        (&["host", "--only", "disk"], "--only"),
        (&["host", "--spool", "queue"], "begin at the root"),
        (&["host", "--interval", "61"], "too long"),
        (&["host", "--interval", "x"], "a number of seconds"),
        (&["host", "--disk-warning", "x"], "--disk-warning"),
        (
            &["host", "--counter-warning", "poison=1"],
            "--exporter <URL>",
        ),
        (
            &["host", "--exporter", "http://mail/", "--only", "queue"],
            "cannot be used with",
        ),
        (
            &[
                "host",
                "--exporter",
                "http://mail/",
                "--counter-warning",
                "poison",
            ],
            "a counter and a range",
        ),
        (
            &[
                "host",
                "--exporter",
                "http://mail/",
                "--counter-warning",
                "x=1",
            ],
            "\"x\" is no counter",
        ),
        (
            &[
                "host",
                "--exporter",
                "http://mail/",
                "--password",
                "hunter2",
            ],
            "use --password-file",
        ),
    ];
    for (arguments, wanted) in mistakes {
        let said = mailprobe(arguments.iter().copied());
        assert_eq!((said.status, said.out.as_str()), (3, ""), "{arguments:?}");
        assert!(said.err.contains(wanted), "{arguments:?}: {}", said.err);
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_queue_and_the_machine_are_asked_together() {
    let root = machine("host-together");
    let root = root.to_str().unwrap();
    let socket = postfix("host-together", 0);
    let socket = socket.to_str().unwrap();
    let limits = ["--disk-warning", "0:", "--interval", "0"];
    let host = ["host", "--root", root, "--socket", socket];
    let said = mailprobe([&host[..], &limits, &["--format", "json"]].concat());
    assert_eq!(said.status, 0, "{}{}", said.out, said.err);
    let report: Json = serde_json::from_str(&said.out).unwrap();
    validate(&report);
    assert_eq!(report["probe"], "mailhost");
    assert_eq!(report["parts"][0]["probe"], "queue");
    assert_eq!(report["parts"][1]["probe"], "host");
    assert_eq!(report["parts"][1]["facts"]["memory"]["total"], 1_024_000.0);
    let said = mailprobe([&host[..], &limits].concat());
    assert!(said.out.contains("deferred: empty"), "{}", said.out);
    assert!(!said.out.contains("ages"), "{}", said.out);
    assert!(
        said.out.contains("500 KiB of 1000 KiB available (50 %)"),
        "{}",
        said.out
    );
    let words: Vec<_> = said.out.split_whitespace().collect();
    assert!(words.join(" ").contains("holds the queue"), "{}", said.out);
}

#[test]
#[cfg(target_os = "linux")]
fn each_format_has_the_numbers_of_both() {
    let root = machine("host-formats");
    let root = root.to_str().unwrap();
    let socket = postfix("host-formats", 2);
    let socket = socket.to_str().unwrap();
    let host = [
        "host",
        "--root",
        root,
        "--socket",
        socket,
        "--interval",
        "0",
        "--disk-warning",
        "0:",
        "--memory-warning",
        "0.9:",
    ];
    let said = mailprobe([&host[..], &["--format", "nagios"]].concat());
    assert_eq!(said.status, 1);
    Plugin::read(&said.out);
    assert!(said.out.contains("little memory is left"), "{}", said.out);
    let said = mailprobe([&host[..], &["--format", "prometheus"]].concat());
    exposition(&said.out);
    let family = |name: &str| format!("# HELP {name} ");
    for name in [
        "probe_queue_messages",
        "probe_host_memory_available_bytes",
        "probe_host_disk_free_bytes",
        "probe_host_load1",
        "probe_host_uptime_seconds",
    ] {
        assert!(said.out.contains(&family(name)), "{name}: {}", said.out);
    }
    let said = mailprobe(host);
    assert!(
        said.out.contains("deferred: 2 messages, 800 bytes"),
        "{}",
        said.out
    );
    assert!(
        said.out.contains("busy.test: 2 recipients, refused"),
        "{}",
        said.out
    );
}

#[test]
#[cfg(unix)]
fn how_full_the_queue_was_is_kept_and_its_growth_foretold() {
    let state = file("host-state.json", "");
    fs::remove_file(&state).unwrap();
    let state = state.to_str().unwrap();
    let few = postfix("host-few", 10);
    let many = postfix("host-many", 200);
    let ask = |socket: &Path| {
        let socket = socket.to_str().unwrap();
        mailprobe([
            "host",
            "--only",
            "queue",
            "--socket",
            socket,
            "--state",
            state,
            "--messages-warning",
            "300",
            "--delayed",
            "1000",
        ])
    };
    assert_eq!(ask(&few).status, 0);
    // Written a moment ago: nothing is made of so short a time.
    let said = ask(&many);
    assert_eq!(said.status, 0, "{}", said.out);
    let kept = fs::read_to_string(state).unwrap();
    let report: Json = serde_json::from_str(&kept).unwrap();
    let then = report["started_at"].as_str().unwrap();
    let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    let hour_ago = humantime::format_rfc3339_millis(hour_ago).to_string();
    fs::write(state, kept.replace(then, &hour_ago)).unwrap();
    let said = ask(&many);
    assert_eq!(said.status, 1, "{}", said.out);
    assert!(said.out.contains("queue.growing"), "{}", said.out);
    let kept: Json = serde_json::from_str(&fs::read_to_string(state).unwrap()).unwrap();
    assert_ne!(kept["started_at"], hour_ago.as_str());
    // What could not be read is not kept.
    let before = fs::read_to_string(state).unwrap();
    assert_eq!(ask(Path::new("/nonexistent/showq")).status, 3);
    assert_eq!(fs::read_to_string(state).unwrap(), before);
}

#[test]
#[cfg(unix)]
fn a_file_of_somebody_else_is_not_written_over() {
    let state = file("host-other.txt", "shopping list\n");
    let socket = postfix("host-other", 1);
    let said = mailprobe([
        "host",
        "--only",
        "queue",
        "--socket",
        socket.to_str().unwrap(),
        "--state",
        state.to_str().unwrap(),
    ]);
    assert_eq!(said.status, 3);
    assert!(
        said.err.contains("this is no report in JSON"),
        "{}",
        said.err
    );
    assert_eq!(fs::read_to_string(state).unwrap(), "shopping list\n");
}

#[test]
#[cfg(unix)]
fn an_earlier_report_tells_of_growth_too() {
    let socket = postfix("host-earlier", 5);
    let host = [
        "host",
        "--only",
        "queue",
        "--socket",
        socket.to_str().unwrap(),
        "--format",
        "json",
    ];
    let earlier = mailprobe(host);
    let earlier = file("host-earlier.json", earlier.out);
    let said = mailprobe([&host[..], &["--previous", earlier.to_str().unwrap()]].concat());
    let report: Json = serde_json::from_str(&said.out).unwrap();
    assert_eq!(report["facts"]["growth"][0]["queue"], "maildrop");
}

#[test]
fn the_page_of_an_exporter_is_judged() {
    let world = World::new("host-exporter");
    let page = "node_memory_MemTotal_bytes 1000\nnode_memory_MemAvailable_bytes 10\n";
    let web = world
        .wait(Web::clear(move |_| Say::page(200, "", page)))
        .unwrap();
    let url = format!("http://{}/metrics", web.address());
    let said = mailprobe(["host", "--exporter", &url]);
    assert_eq!(said.status, 1, "{}{}", said.out, said.err);
    assert!(said.out.contains("host.memory"), "{}", said.out);
    let said = mailprobe(["host", "--exporter", &url, "--memory-warning", "0.001:"]);
    assert_eq!(said.status, 0, "{}{}", said.out, said.err);
}

#[test]
fn the_counters_of_an_exporter_have_limits_and_credentials() {
    let world = World::new("host-counters");
    let page = "windows_exchange_rpc_avg_latency_sec 0.1\nwindows_exchange_rpc_requests 1\nwindows_exchange_ldap_read_time_sec{name=\"x\"} 0\nwindows_exchange_transport_queues_poison{name=\"_total\"} 11\n";
    let web = world
        .wait(Web::clear(move |request| {
            match request.header("authorization") {
                Some("Basic cHJvbTp4") => Say::page(200, "", page),
                _ => Say::page(401, "", ""),
            }
        }))
        .unwrap();
    let url = format!("http://{}/metrics", web.address());
    let password = file("host-counters-password", "x");
    let login = [
        "--user",
        "prom",
        "--password-file",
        password.to_str().unwrap(),
    ];
    let host = [&["host", "--exporter", &url][..], &login].concat();
    let refused = mailprobe(host.clone());
    assert_eq!(refused.status, 3);
    assert!(refused.err.contains("in clear"), "{}", refused.err);
    let host = [&host[..], &["--login-over", "cleartext"]].concat();
    assert_eq!(mailprobe(host.clone()).status, 0);
    let limits = ["--counter-critical", "poison=10"];
    let said = mailprobe([&host[..], &limits].concat());
    assert_eq!(said.status, 2, "{}{}", said.out, said.err);
    assert!(said.out.contains("poison 11, range 10"), "{}", said.out);
}
