//! `mailprobe deliver`, ended at any moment: what it had sent is found by the next run, and nothing else is touched.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use imap_probe::{ImapProbe, Mailbox};
use probe_core::Context;
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{Tls, add_ca_file};

use super::{address, check, lab};

const ME: &str = "deliver@lab.test";

/// Mail of other people, of the kinds that look like ours.
const FOREIGN: [&str; 4] = [
    "Subject: lunch?\r\n",
    "Subject: Re: mailprobe delivery\r\nIn-Reply-To: <somebody@example.org>\r\n",
    "Subject: Undelivered Mail\r\nFrom: MAILER-DAEMON@example.org\r\n\
     Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n",
    "Subject: mailprobe delivery\r\n\
     X-Mailprobe-Delivery: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
];

struct Folder(PathBuf);

impl Folder {
    /// With the secrets in it.
    fn new() -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("deliver");
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        let password = lab()["users"]["deliver"]["password"].as_str().unwrap();
        std::fs::write(folder.join("password"), password).unwrap();
        std::fs::write(folder.join("key"), "a key that nobody guesses at all").unwrap();
        Self(folder)
    }

    fn mailprobe(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mailprobe"));
        let password = self.0.join("password");
        command
            .args(args)
            .args(["--user", ME, "--ca", lab()["ca"].as_str().unwrap()])
            .args([Path::new("--password-file"), &password]);
        command
    }

    fn deliver(&self, to: &str, args: &[&str]) -> Command {
        let submission = format!("{}:587", address("submission"));
        let mut command = self.mailprobe(&["deliver", &submission, "--from", ME, "--to", to]);
        command
            .args(["--imap", address("imap-good"), "--prober", "killed"])
            .args(["--server-name", "good.lab.test"])
            .args(["--mailbox-server-name", "mail.lab.test"])
            .args([Path::new("--key-file"), &self.0.join("key")])
            .args([Path::new("--state"), &self.0.join("state")])
            .args(args);
        command
    }

    /// The report of a run that only looks: what is sent now is taken by nobody.
    fn look(&self) -> serde_json::Value {
        let mut command = self.deliver("unknown@lab.test", &["--later", "--format", "json"]);
        let said = command.output().unwrap();
        let reports: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        let report = reports.as_array().and_then(|all| all.first());
        report.unwrap_or(&reports)["facts"].clone()
    }

    /// How many messages of the inbox fit.
    fn count(&self, criteria: &str) -> f64 {
        let server = address("imap-good");
        let mut command = self.mailprobe(&[
            "imap",
            server,
            "--search",
            criteria,
            "--format",
            "json",
            "--server-name",
            "mail.lab.test",
        ]);
        let said = command.output().unwrap();
        let reports: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        let report = reports.as_array().and_then(|all| all.first());
        let report = report.unwrap_or(&reports);
        report["facts"]["mailbox"]["found"].as_f64().unwrap()
    }
}

/// The tests share a mailbox, and count what is in it.
static MAILBOX: Mutex<()> = Mutex::new(());

/// Removes what this test has put there.
fn tidy(criteria: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(remove(criteria));
}

async fn remove(criteria: &str) {
    let user = &lab()["users"]["deliver"];
    let mut roots = rustls::RootCertStore::empty();
    let ca: &Path = lab()["ca"].as_str().unwrap().as_ref();
    add_ca_file(&mut roots, ca).unwrap();
    let probe = ImapProbe::builder(Net::new(Tls::ring(roots)))
        .server_name("mail.lab.test".parse().unwrap())
        .credentials(Credentials::password(ME, user["password"].as_str().unwrap()).unwrap())
        .build()
        .unwrap();
    let at = address("imap-good").parse().unwrap();
    let mut visit = probe.visit(&at, &Context::default()).await.unwrap();
    visit.open(&Mailbox::inbox()).await.unwrap();
    for uid in visit.search(&criteria.parse().unwrap()).await.unwrap() {
        visit.remove(uid).await.unwrap();
    }
    visit.leave(None).await;
}

/// Puts a message into the mailbox.
fn put(header: &str) {
    let stream = TcpStream::connect((address("lmtp-good"), 24)).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut stream = stream;
    let mut hear = || loop {
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        if line.as_bytes().get(3) == Some(&b' ') {
            return line;
        }
    };
    hear();
    let message = format!("{header}Comments: of-somebody-else\r\n\r\nHello\r\n.");
    for line in [
        "LHLO test",
        "MAIL FROM:<somebody@example.org>",
        "RCPT TO:<deliver@lab.test>",
        "DATA",
        &message,
    ] {
        stream.write_all(format!("{line}\r\n").as_bytes()).unwrap();
        let reply = hear();
        assert!(reply.starts_with(['2', '3']), "{line}: {reply}");
    }
}

#[test]
fn a_prober_that_is_killed_at_any_moment_leaves_nothing_behind_and_touches_nothing_else() {
    let _alone = MAILBOX.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = Folder::new();
    let (foreign, ours) = (
        "HEADER Comments of-somebody-else",
        "HEADER X-Mailprobe-Delivery \"\"",
    );
    tidy(foreign);
    for header in FOREIGN {
        put(header);
    }
    let before = (folder.count(foreign), folder.count(ours));
    // The moments are the same in every run: after so many milliseconds.
    let mut seed: u64 = 4711;
    for _ in 0..48 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let mut run = folder
            .deliver(ME, &["--timeout", "5"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(Duration::from_millis((seed >> 33) % 260));
        run.kill().unwrap();
        run.wait().unwrap();
    }
    // What was on its way may take its time.
    let left = (0..100).map(|_| {
        let facts = folder.look();
        assert_eq!(facts["unreadable"], 0.0, "{facts}");
        folder.count(ours)
    });
    let left = left.take_while(|left| *left > before.1).count();
    assert!(left < 100, "canaries are left behind");
    assert_eq!((folder.count(foreign), folder.count(ours)), before);
    tidy(foreign);
}

#[test]
fn a_check_takes_a_route_from_a_file() {
    let _alone = MAILBOX.lock().unwrap_or_else(PoisonError::into_inner);
    let folder = std::env::temp_dir().join(format!("mailprobe-route-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, text: &str| {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let password = lab()["users"]["deliver"]["password"].as_str().unwrap();
    let (password, key) = (
        file("password", password),
        file("key", "a key that nobody guesses at all"),
    );
    let text = format!(
        "# from submission to the mailbox\n{}:587\n--from {ME}\n--to {ME}\n--user {ME}\n--password-file {password}\n\
         --imap {}\n--prober checked\n--key-file {key}\n--ca {}\n--server-name good.lab.test\n\
         --mailbox-server-name mail.lab.test\n",
        address("submission"),
        address("imap-good"),
        lab()["ca"].as_str().unwrap(),
    );
    let route = file("route", &text);
    let (status, page) = check("lab.test", &["--no-lists", "--delivery", &route]);
    assert_eq!(status, 0, "{page}");
    assert!(
        page.lines()
            .any(|line| line.contains("delivery") && line.ends_with("all is well")),
        "{page}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}
