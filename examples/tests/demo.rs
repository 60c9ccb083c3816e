//! The demonstration: each scene has its verdict and names its true cause first.

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

use std::thread;

use common::mailprobe;
use mailprobe::demo;
use probe_core::Verdict;
use readers::{Plugin, exposition, validate};
use serde_json::Value as Json;

#[test]
fn each_scene_has_its_verdict_and_its_cause() {
    use Verdict::{Critical, Ok, Unknown, Warning};
    let expected = [
        ("a healthy submission server", Ok, ""),
        ("the same, a wrong password", Critical, "credentials"),
        (
            "certificate ends in 6 days",
            Warning,
            "tls.certificate.expiring",
        ),
        (
            "certificate has expired",
            Critical,
            "tls.certificate.expired",
        ),
        (
            "certificate for another name",
            Critical,
            "tls.certificate.wrong-name",
        ),
        (
            "self-signed certificate",
            Critical,
            "tls.certificate.self-signed",
        ),
        (
            "intermediate is not sent",
            Critical,
            "tls.certificate.missing-intermediate",
        ),
        ("STARTTLS is not offered", Critical, "starttls.not-offered"),
        (
            "somebody injects before TLS",
            Critical,
            "starttls.injection",
        ),
        (
            "obeys what was injected",
            Critical,
            "smtp.starttls.command-injection",
        ),
        ("only TLS 1.0 is spoken", Critical, "tls.legacy"),
        ("no TLS on the TLS port", Critical, "tls.not-tls"),
        ("handshake stalls", Critical, "timeout"),
        ("strangers have to wait", Ok, "smtp.greeting.delayed"),
        ("too many connections", Critical, "smtp.greeting.busy"),
        (
            "client is on a blacklist",
            Critical,
            "smtp.greeting.refused",
        ),
        ("hangs up at once", Critical, "closed"),
        ("mail for carol is taken", Ok, ""),
        ("the recipient has to wait", Ok, "smtp.recipient.greylisted"),
        (
            "the mailbox is full",
            Critical,
            "smtp.recipient.mailbox-full",
        ),
        ("mail for anybody is taken", Ok, "smtp.catch-all"),
        ("strangers may not relay", Ok, ""),
        ("strangers may relay", Critical, "smtp.relay.open"),
        ("nothing listens", Critical, "refused"),
        ("a healthy server, mail is read", Ok, ""),
        ("mail is put, changed, removed", Ok, ""),
        (
            "a message comes back damaged",
            Critical,
            "imap.edit.damaged",
        ),
        ("a wrong password", Critical, "credentials"),
        ("passwords are no longer taken", Critical, "policy"),
        (
            "the quota is nearly used up",
            Warning,
            "imap.quota.threshold",
        ),
        (
            "the mailbox does not exist",
            Critical,
            "imap.mailbox.refused",
        ),
        (
            "somebody logs us in before TLS",
            Critical,
            "imap.greeting.preauth",
        ),
        (
            "certificate has expired, port 993",
            Critical,
            "tls.certificate.expired",
        ),
        ("too many connections", Critical, "imap.greeting.refused"),
        ("a healthy maildrop", Ok, ""),
        ("mail may be read and deleted", Ok, ""),
        (
            "nobody fetches the mail",
            Warning,
            "pop3.messages.threshold",
        ),
        ("a wrong password", Critical, "credentials"),
        (
            "another session has the maildrop",
            Critical,
            "pop3.maildrop.in-use",
        ),
        ("a mark is not taken back", Critical, "pop3.rights.missing"),
        (
            "certificate has expired, port 995",
            Critical,
            "tls.certificate.expired",
        ),
        ("a phone can work", Ok, ""),
        ("the phone is blocked", Critical, "eas.device.blocked"),
        (
            "the mailbox server is offline",
            Critical,
            "eas.mailbox.offline",
        ),
        (
            "IMAP is gone, and all says success",
            Critical,
            "eas.folders.no-inbox",
        ),
        ("asked too often", Critical, "eas.server.busy"),
        ("ordered to forget everything", Critical, "eas.wipe.ordered"),
        (
            "the password ends in three days",
            Warning,
            "eas.password.ends",
        ),
        ("a login page", Ok, ""),
        (
            "SOGo is gone, its proxy is not",
            Critical,
            "web.status.back-end",
        ),
        ("an error with status 200", Critical, "web.page.error"),
        (
            "sends us from TLS to clear",
            Critical,
            "web.redirect.in-clear",
        ),
        ("JMAP asks a stranger who asks", Ok, ""),
        ("a session, and a call", Ok, "jmap.api.relative"),
        (
            "calls would go to a stranger",
            Critical,
            "jmap.api.elsewhere",
        ),
        ("Exchange is well", Ok, ""),
        ("Exchange answers slowly", Warning, "host.exchange.latency"),
        ("mail for outside builds up", Warning, "host.exchange.queue"),
        ("the disk runs full", Critical, "host.disk"),
        ("the queues are not exported", Unknown, "local"),
        (
            "the provider has trouble with IMAP",
            Warning,
            "status.incident",
        ),
        ("the provider's page is not there", Unknown, "local"),
        ("on no list", Ok, ""),
        ("on two lists", Critical, "dnsbl.listed"),
        (
            "the network around is listed",
            Warning,
            "dnsbl.listed.nearby",
        ),
        ("lists that have ended", Ok, "dnsbl.listed.doubtfully"),
        ("a list that refuses us", Unknown, "local"),
        ("mail goes to one host", Ok, ""),
        ("an MX record names an alias", Warning, "mx.alias"),
        (
            "the host's domain is for sale",
            Verdict::Critical,
            "mx.takeover",
        ),
        ("an address stands for a name", Critical, "mx.none"),
        ("signatures are wrong", Critical, "dnssec.bogus"),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let shown = runtime.block_on(demo::run(false)).unwrap();
    let seen: Vec<_> = shown
        .iter()
        .map(|demo::Shown { story, report, .. }| {
            let finding = report.findings.first().map(|finding| finding.code());
            let failure = report.failure.as_ref().map(|failure| failure.kind.as_str());
            (
                *story,
                report.verdict(),
                finding.or(failure).unwrap_or_default(),
            )
        })
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn every_format_shows_all_scenes_and_all_is_well_with_the_tool() {
    const SCENES: usize = 72;
    let formats = ["text", "json", "jsonl", "nagios", "prometheus"];
    // Some scenes take seconds, so all formats are asked for at once.
    let asked =
        formats.map(|format| thread::spawn(move || mailprobe(["demo", "--format", format])));
    let [text, json, jsonl, nagios, prometheus] = asked.map(|said| {
        let said = said.join().unwrap();
        assert_eq!((said.status, said.err.as_str()), (0, ""));
        said.out
    });

    assert_eq!(
        text.lines().filter(|line| line.starts_with("  ● ")).count(),
        SCENES
    );
    assert!(
        text.lines()
            .all(|line| line.chars().count() <= 80 && !line.contains('…')),
        "{text}"
    );

    let reports: Json = serde_json::from_str(&json).unwrap();
    let reports = reports.as_array().unwrap();
    assert_eq!(reports.len(), SCENES);
    reports.iter().for_each(validate);

    assert_eq!(jsonl.lines().count(), SCENES);
    for line in jsonl.lines() {
        validate(&serde_json::from_str(line).unwrap());
    }

    let plugin = Plugin::read(&nagios);
    assert!(
        plugin
            .said
            .starts_with("MAIL CRITICAL - 54 of 72 targets in trouble, ")
    );

    let page = exposition(&prometheus);
    assert_eq!(
        page.iter()
            .filter(|series| series.name == "probe_success")
            .count(),
        SCENES
    );
}

#[test]
fn mail_is_read_and_the_proof_of_editing_does_every_step() {
    let page = mailprobe(["demo", "--format", "json"]).out;
    let reports: Json = serde_json::from_str(&page).unwrap();
    let reports = reports.as_array().unwrap();
    let imap: Vec<_> = reports
        .iter()
        .filter(|report| report["probe"] == "imap")
        .collect();
    let [reading, editing, damaged, ..] = imap.as_slice() else {
        panic!("{page}");
    };
    let mailbox = &reading["facts"]["mailbox"];
    assert_eq!(mailbox["messages"], 3.0);
    assert_eq!(mailbox["read"]["octets"], mailbox["read"]["size"]);
    assert_eq!(reading["facts"]["edit"], Json::Null);

    let done = [
        "create", "create", "append", "select", "search", "fetch", "store", "store", "move",
        "select", "search", "store", "expunge", "unselect", "delete", "delete",
    ];
    let edit = &editing["facts"]["edit"];
    assert_eq!(edit["done"], Json::from(done.as_slice()));
    assert_eq!(edit["proven"], true);
    assert_eq!(damaged["facts"]["edit"]["proven"], false);
    assert_eq!(damaged["facts"]["edit"]["left_behind"], Json::Null);
}
