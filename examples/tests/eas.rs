//! `mailprobe eas`: mistakes, exit status, and what each format's readers get.

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

use common::{NAME, PASSWORD, Said, World, file, mailprobe};
use probe_testkit::{Say, Web, WebRequest};
use readers::{Plugin, exposition, validate};
use serde_json::Value as Json;

/// Lets alice in, and tells of her folders.
fn answer(request: &WebRequest) -> Say {
    // alice:wonder & land
    let alice = Some("Basic YWxpY2U6d29uZGVyICYgbGFuZA==");
    let is_alice = request.header("authorization") == alice;
    match (request.method(), is_alice) {
        ("GET", _) => Say::page(404, "", ""),
        ("OPTIONS", true) => {
            let head = "MS-ASProtocolVersions: 14.1,16.1\r\nMS-Server-ActiveSync: 15.2\r\n";
            Say::page(200, head, "")
        }
        ("POST", true) if request.target().contains("Cmd=FolderSync&") => Say::page(
            200,
            "Content-Type: application/vnd.ms-sync.wbxml\r\n",
            FOLDERS,
        ),
        _ => Say::page(401, "WWW-Authenticate: Basic realm=\"mail\"\r\n", ""),
    }
}

/// One: the inbox.
const FOLDERS: &[u8] =
    b"\x03\x01\x6a\x00\x00\x07\x56\x4c\x031\x00\x01\x52\x03k\x00\x01\x4e\x4f\x48\x035\x00\x01\
    \x47\x03Inbox\x00\x01\x4a\x032\x00\x01\x01\x01\x01";

struct Alice {
    world: World,
    web: Web,
    secret: String,
}

impl Alice {
    fn new(test: &str) -> Self {
        let world = World::new(test);
        let identity = world.ca.identity([NAME]);
        let web = world.wait(Web::tls(&identity, answer)).unwrap();
        let secret = file(&format!("{test}-secret"), PASSWORD);
        let secret = secret.to_str().unwrap().to_owned();
        Self { world, web, secret }
    }

    fn ask(&self, more: &[&str]) -> Said {
        let target = self.web.address().to_string();
        let arguments = [target.as_str()].into_iter().chain(more.iter().copied());
        self.world.ask("eas", arguments)
    }

    fn ask_as_alice(&self, more: &[&str]) -> Said {
        let login = ["--user", "alice", "--password-file", &self.secret];
        let all: Vec<_> = login.iter().chain(more).copied().collect();
        self.ask(&all)
    }
}

#[test]
fn a_server_is_climbed_as_far_as_was_asked() {
    let alice = Alice::new("eas-climbed");
    let said = alice.ask_as_alice(&["--up-to", "folders"]);
    assert_eq!((said.status, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.contains("count 1, inbox Inbox"), "{}", said.out);
    assert!(said.out.contains("folder-sync"), "{}", said.out);
    let shown = format!("{}{}", said.out, said.err);
    assert!(!shown.contains(PASSWORD));
    // Without a name only what anybody may know.
    let said = alice.ask(&[]);
    assert_eq!(said.status, 0, "{}", said.out);
    assert!(said.out.contains("realm mail"), "{}", said.out);
}

#[test]
fn a_refusal_is_critical_in_every_format() {
    let alice = Alice::new("eas-refused");
    let wrong = file("eas-wrong", "something else");
    let wrong = wrong.to_str().unwrap();
    let login = ["--user", "alice", "--password-file", wrong];
    let refused = |format: &str| {
        let more: Vec<_> = login.iter().copied().chain(["--format", format]).collect();
        let said = alice.ask(&more);
        assert_eq!((said.status, said.err.as_str()), (2, ""));
        assert!(!said.out.contains("something else"));
        said.out
    };
    let report: Json = serde_json::from_str(refused("json").trim()).unwrap();
    validate(&report);
    assert_eq!(report["failure"]["kind"], "credentials");
    assert_eq!(report["findings"][0]["code"], "eas.credentials.refused");
    assert!(
        Plugin::read(&refused("nagios"))
            .said
            .starts_with("EAS CRITICAL - ")
    );
    let page = exposition(&refused("prometheus"));
    assert!(
        page.iter()
            .any(|series| series.name == "probe_eas_command_seconds")
    );
}

#[test]
fn mistakes_are_told_before_anybody_is_asked() {
    let alice = Alice::new("eas-mistakes");
    for (more, told) in [
        (&["--up-to", "sync"][..], "without credentials"),
        (&["--device", "a,b"][..], "1 to 32 letters and digits"),
        (&["--path", "no-slash"][..], "begins with /"),
        (&["--eas-version", "15.0"][..], "--eas-version"),
        (
            &["--user", "alice", "--mechanism", "PLAIN"][..],
            "takes a password, a token",
        ),
        (&["--heartbeat", "0"][..], "a second or more"),
    ] {
        let said = alice.ask(more);
        assert_eq!(said.status, 3, "{more:?}");
        assert!(said.err.contains(told), "{more:?}: {}", said.err);
    }
    assert!(alice.web.heard().is_empty());
    let said = mailprobe(["autodiscover", "example.test", "--address", "no address"]);
    assert_eq!(said.status, 3);
    let help = mailprobe(["eas", "--help"]).out;
    assert!(help.contains("--allow-host"), "{help}");
}
