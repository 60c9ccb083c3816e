//! The table of troubles: for each way in which a server can be broken, the first finding or the failure
//! names the true cause.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::time::Duration;

use futures_util::future::join_all;
use imap_probe::{ImapFacts, ImapProbe};
use probe_core::{Context, Probe, Report, Target, Verdict};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{Security, Tls};
use probe_testkit::{Authority, ClosedPort, Fault, Flaw, Script, SilentPort, TlsOptions};

const NAME: &str = "imap.example.test";
const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n";
const SECURED: &str = "* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN\r\nA2 OK done\r\n";

/// A server up to its go-ahead for TLS.
fn up_to_tls() -> Script {
    Script::new()
        .say(GREETING)
        .hear("A1 STARTTLS")
        .say("A1 OK go ahead\r\n")
}

/// And up to the login, under the certificate of this flaw.
fn flawed(ca: &Authority, flaw: Flaw) -> Script {
    up_to_tls()
        .tls(&ca.flawed([NAME], flaw))
        .hear("A2 CAPABILITY")
        .say(SECURED)
}

/// A login that is answered so.
fn login(ca: &Authority, answer: &str) -> Script {
    flawed(ca, Flaw::DirectlyFromRoot)
        .hear("A3 AUTHENTICATE PLAIN ")
        .say(answer)
        .drain()
}

/// A mailbox that is opened with this answer.
fn select(ca: &Authority, answer: &str) -> Script {
    flawed(ca, Flaw::DirectlyFromRoot)
        .hear("A3 AUTHENTICATE PLAIN ")
        .say("A3 OK [CAPABILITY IMAP4rev1] in\r\n")
        .hear("A4 LIST")
        .say("A4 OK done\r\n")
        .hear("A5 EXAMINE")
        .say(answer)
        .drain()
}

async fn ask(ca: &Authority, target: Target) -> Report<ImapFacts> {
    let probe = ImapProbe::builder(Net::new(Tls::ring(ca.roots())))
        .security(Security::Required)
        .server_name(NAME.parse().unwrap())
        .credentials(Credentials::password("alice", "wonder land").unwrap())
        .build()
        .unwrap();
    let cx = Context::default().with_budget(Duration::from_millis(1500));
    probe.probe(&target, &cx).await
}

/// What the report says first: the first critical finding, else phase and kind of the failure.
fn cause(report: &Report<ImapFacts>) -> String {
    let critical =
        |finding: &&probe_core::Finding| finding.severity == probe_core::Severity::Critical;
    match report.findings.iter().find(critical) {
        Some(finding) => finding.code().to_owned(),
        None => {
            let failure = report.failure.as_ref().expect("a cause");
            format!("{} {}", failure.phase, failure.kind)
        }
    }
}

/// Asks each of these servers, all at once.
async fn ask_all(ca: &Authority, table: &[(&'static str, Script)]) {
    let asked = table.iter().map(|(expected, script)| async {
        let peer = script.listen().await.unwrap();
        let address = peer.address();
        let report = ask(ca, Target::host(address.ip(), address.port())).await;
        (*expected, report)
    });
    for (at, (expected, report)) in join_all(asked).await.into_iter().enumerate() {
        assert_eq!(cause(&report), expected, "row {at}: {report:#?}");
        assert_eq!(report.verdict(), Verdict::Critical, "row {at}");
    }
}

#[tokio::test]
async fn a_certificate_that_is_wrong_is_the_cause_before_the_password_that_was_kept_back() {
    let ca = Authority::new("Test CA");
    ask_all(
        &ca,
        &[
            ("tls.certificate.expired", flawed(&ca, Flaw::Expired)),
            (
                "tls.certificate.not-yet-valid",
                flawed(&ca, Flaw::NotYetValid),
            ),
            ("tls.certificate.wrong-name", flawed(&ca, Flaw::WrongName)),
            ("tls.certificate.self-signed", flawed(&ca, Flaw::SelfSigned)),
            (
                "tls.certificate.missing-intermediate",
                flawed(&ca, Flaw::MissingIntermediate),
            ),
            (
                "tls.certificate.unknown-issuer",
                flawed(&ca, Flaw::UnknownIssuer),
            ),
            ("tls.handshake.signature", flawed(&ca, Flaw::WrongKey)),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_goes_wrong_before_tls_stands_is_told_as_what_it_is() {
    let ca = Authority::new("Test CA");
    let good = ca.identity([NAME]);
    let ticketless = TlsOptions::new().tickets(0);
    ask_all(
        &ca,
        &[
            (
                "starttls.not-offered",
                Script::new()
                    .say("* OK [CAPABILITY IMAP4rev1] ready\r\n")
                    .drain(),
            ),
            (
                "starttls.refused",
                Script::new()
                    .say(GREETING)
                    .hear("A1 STARTTLS")
                    .say("A1 NO not now\r\n")
                    .drain(),
            ),
            (
                "starttls.injection",
                Script::new()
                    .say(GREETING)
                    .hear("A1 STARTTLS")
                    .say("A1 OK go ahead\r\n* CAPABILITY IMAP4rev1\r\n")
                    .drain(),
            ),
            (
                "starttls.injection",
                up_to_tls().tls_garbage("A2 OK injected\r\n"),
            ),
            (
                "imap.greeting.preauth",
                Script::new()
                    .say("* PREAUTH [CAPABILITY IMAP4rev1] hello\r\n")
                    .drain(),
            ),
            (
                "imap.greeting.refused",
                Script::new().say("* BYE too many connections\r\n"),
            ),
            (
                "greeting protocol",
                Script::new().say("220 mx ESMTP\r\n").drain(),
            ),
            (
                "greeting protocol",
                Script::new().say("* NO sorry\r\n").drain(),
            ),
            ("greeting closed", Script::new().close()),
            ("greeting closed", Script::new().say("* OK rea").close()),
            ("greeting timeout", Script::new().silence()),
            (
                "capability too-large",
                Script::new()
                    .say("* OK ready\r\n")
                    .hear("A1 CAPABILITY")
                    .say("* CAPABILITY")
                    .flood(" IMAP4rev1"),
            ),
            (
                "capability too-large",
                Script::new()
                    .say("* OK ready\r\n")
                    .hear("A1 CAPABILITY")
                    .say("* 1 FETCH (BODY[] {1000000000}\r\n")
                    .drain(),
            ),
            (
                "imap.reply.unexpected-tag",
                Script::new()
                    .say("* OK ready\r\n")
                    .hear("A1 CAPABILITY")
                    .say("A2 OK injected\r\n")
                    .drain(),
            ),
            ("tls timeout", up_to_tls().tls_stall()),
            ("tls closed", up_to_tls().tls_cut()),
            ("tls.legacy", up_to_tls().tls_legacy()),
            (
                "capability closed",
                up_to_tls().tls_with(&good, &ticketless).hear("A2").close(),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_goes_wrong_at_the_login_is_told_as_what_it_is() {
    let ca = Authority::new("Test CA");
    ask_all(
        &ca,
        &[
            (
                "auth credentials",
                login(&ca, "A3 NO [AUTHENTICATIONFAILED] wrong\r\n"),
            ),
            ("auth credentials", login(&ca, "A3 NO Login failed\r\n")),
            (
                "auth credentials",
                login(&ca, "A3 NO [EXPIRED] too old\r\n"),
            ),
            (
                "auth policy",
                login(&ca, "A3 NO [AUTHORIZATIONFAILED] no\r\n"),
            ),
            ("auth policy", login(&ca, "A3 NO [CONTACTADMIN] locked\r\n")),
            (
                "auth policy",
                login(&ca, "A3 NO [PRIVACYREQUIRED] more TLS\r\n"),
            ),
            (
                "auth policy",
                login(&ca, "A3 NO Basic authentication is disabled.\r\n* BYE\r\n"),
            ),
            (
                "auth temporary",
                login(&ca, "A3 NO [UNAVAILABLE] later\r\n"),
            ),
            ("auth temporary", login(&ca, "A3 NO [INUSE] locked\r\n")),
            (
                "auth quota",
                login(&ca, "A3 NO [LIMIT] too many sessions\r\n"),
            ),
            ("auth protocol", login(&ca, "A3 BAD what?\r\n")),
            ("auth temporary", login(&ca, "* BYE going down\r\n")),
            ("auth protocol", login(&ca, "+ ?!\r\n")),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_goes_wrong_in_the_mailbox_is_told_as_what_it_is() {
    let ca = Authority::new("Test CA");
    let read = |answer: &str| {
        flawed(&ca, Flaw::DirectlyFromRoot)
            .hear("A3 AUTHENTICATE PLAIN ")
            .say("A3 OK [CAPABILITY IMAP4rev1] in\r\n")
            .hear("A4 LIST")
            .say("A4 OK done\r\n")
            .hear("A5 EXAMINE")
            .say("* 1 EXISTS\r\nA5 OK open\r\n")
            .hear("A6 FETCH")
            .say("A6 OK done\r\n")
            .hear("A7 FETCH")
            .say(answer)
            .drain()
    };
    ask_all(
        &ca,
        &[
            (
                "imap.mailbox.refused",
                select(&ca, "A5 NO [NONEXISTENT] no such mailbox\r\n"),
            ),
            (
                "imap.fetch.no-data",
                read("* 1 FETCH (UID 1)\r\nA7 OK done\r\n"),
            ),
            ("fetch temporary", read("A7 NO [SERVERBUG] cannot read\r\n")),
            (
                "fetch timeout",
                read("* 1 FETCH (UID 1 BODY[] {100}\r\nhalf"),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn a_port_that_refuses_and_one_that_is_silent_are_told_apart() {
    let ca = Authority::new("Test CA");
    let closed = ClosedPort::new().unwrap();
    let silent = SilentPort::new().unwrap();
    for (address, expected) in [
        (closed.address(), "connect refused"),
        (silent.address(), "connect timeout"),
    ] {
        let report = ask(&ca, Target::host(address.ip(), address.port())).await;
        assert_eq!(cause(&report), expected);
    }
}

#[tokio::test]
async fn however_early_the_line_breaks_the_report_holds_what_was_learned() {
    let ca = Authority::new("Test CA");
    let script = select(&ca, "* 3 EXISTS\r\nA5 OK open\r\n");
    let total = script.total_said();
    let cuts = (0..total).step_by(7).map(|at| {
        let script = script.clone().with_fault(Fault::CutAt(at));
        let ca = &ca;
        async move {
            let peer = script.listen().await.unwrap();
            let address = peer.address();
            (
                at,
                ask(ca, Target::host(address.ip(), address.port())).await,
            )
        }
    });
    let mut learned = 0;
    for (at, report) in join_all(cuts).await {
        assert!(report.failure.is_some(), "cut at {at}");
        let now = usize::from(report.facts.greeting.is_some())
            + usize::from(report.facts.secured.is_some())
            + usize::from(report.facts.authenticated.is_some())
            + usize::from(report.facts.mailbox.is_some());
        assert!(now >= learned, "cut at {at}: {report:?}");
        learned = now;
    }
    assert_eq!(learned, 4);
}
