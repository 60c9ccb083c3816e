//! The table of troubles: for each way in which a server can be broken, the first finding or the failure
//! names the true cause.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

mod common;

use std::time::Duration;

use common::model::{Maildrop, Quirk};
use common::{NAME, alice};
use pop3_probe::{Options, Pop3Facts, Pop3Probe};
use probe_core::{Context, FailureKind, Probe, Report, Target, Verdict};
use probe_net::Net;
use probe_net::tls::{SecretsOver, Security, Tls};
use probe_testkit::{
    Authority, ClientCertificate, ClosedPort, Fault, Flaw, Script, SilentPort, TlsOptions,
};

const CLEAR: &str = "+OK\r\nTOP\r\nSTLS\r\n.\r\n";
const SECURED: &str = "+OK\r\nTOP\r\nSASL PLAIN\r\n.\r\n";

fn greeting() -> Script {
    Script::new().say("+OK ready\r\n")
}

/// A server up to its go-ahead for TLS.
fn up_to_tls() -> Script {
    greeting()
        .hear("CAPA")
        .say(CLEAR)
        .hear("STLS")
        .say("+OK go ahead\r\n")
}

/// And a whole dialogue under the certificate of this flaw.
fn flawed(ca: &Authority, flaw: Flaw) -> Script {
    up_to_tls()
        .tls(&ca.flawed([NAME], flaw))
        .hear("CAPA")
        .say(SECURED)
        .hear("QUIT")
        .say("+OK bye\r\n")
}

fn whole(ca: &Authority) -> Script {
    flawed(ca, Flaw::DirectlyFromRoot)
}

async fn ask(
    ca: &Authority,
    target: Target,
    shape: impl FnOnce(Options) -> Options,
) -> Report<Pop3Facts> {
    let options =
        Pop3Probe::builder(Net::new(Tls::ring(ca.roots()))).server_name(NAME.parse().unwrap());
    let probe = shape(options).build().unwrap();
    let cx = Context::default().with_budget(Duration::from_millis(1500));
    probe.probe(&target, &cx).await
}

async fn ask_script(
    ca: &Authority,
    script: &Script,
    shape: impl FnOnce(Options) -> Options,
) -> Report<Pop3Facts> {
    let peer = script.listen().await.unwrap();
    let address = peer.address();
    ask(ca, Target::host(address.ip(), address.port()), shape).await
}

/// What the report says first: the first finding, else phase and kind of the failure.
fn cause(report: &Report<Pop3Facts>) -> String {
    let failure = || {
        let failure = report.failure.as_ref().expect("a cause");
        format!("{} {}", failure.phase, failure.kind)
    };
    match report.findings.first() {
        Some(finding) => finding.code().to_owned(),
        None => failure(),
    }
}

/// Every flaw of a certificate, and of the handshake.
fn flaws(ca: &Authority) -> Vec<(&'static str, Script)> {
    vec![
        ("tls.certificate.expired", flawed(ca, Flaw::Expired)),
        (
            "tls.certificate.not-yet-valid",
            flawed(ca, Flaw::NotYetValid),
        ),
        ("tls.certificate.wrong-name", flawed(ca, Flaw::WrongName)),
        ("tls.certificate.self-signed", flawed(ca, Flaw::SelfSigned)),
        (
            "tls.certificate.missing-intermediate",
            flawed(ca, Flaw::MissingIntermediate),
        ),
        (
            "tls.certificate.unknown-issuer",
            flawed(ca, Flaw::UnknownIssuer),
        ),
        ("tls.handshake.signature", flawed(ca, Flaw::WrongKey)),
        ("tls timeout", up_to_tls().tls_stall()),
        ("tls closed", up_to_tls().tls_cut()),
        ("tls closed", up_to_tls().tls_reset()),
        ("tls.legacy", up_to_tls().tls_legacy()),
        ("tls.legacy", up_to_tls().tls_alert(70)),
        ("tls.handshake-refused", up_to_tls().tls_alert(40)),
        (
            "starttls.injection",
            up_to_tls().tls_garbage("-ERR injected\r\n"),
        ),
        (
            "tls.client-certificate",
            up_to_tls()
                .tls_with(
                    &ca.identity([NAME]),
                    &TlsOptions::new().client_certificate(ClientCertificate::Demanded),
                )
                .hear("CAPA"),
        ),
    ]
}

/// What goes wrong in the words.
fn troubles() -> Vec<(&'static str, Script)> {
    vec![
        (
            "starttls.not-offered",
            greeting().hear("CAPA").say("+OK\r\nTOP\r\n.\r\n").drain(),
        ),
        (
            "starttls.refused",
            greeting()
                .hear("CAPA")
                .say(CLEAR)
                .hear("STLS")
                .say("-ERR TLS not available\r\n")
                .drain(),
        ),
        (
            "pop3.greeting.busy",
            Script::new().say("-ERR [SYS/TEMP] too many\r\n").drain(),
        ),
        (
            "pop3.greeting.refused",
            Script::new().say("-ERR go away\r\n").drain(),
        ),
        ("greeting closed", Script::new().close()),
        ("greeting closed", Script::new().say("+OK rea").close()),
        ("capa closed", greeting().hear("CAPA").reset()),
        ("greeting timeout", Script::new().silence()),
        (
            "greeting timeout",
            Script::new().tarpit(
                "+OK mail.example.test ready\r\n",
                Duration::from_millis(200),
            ),
        ),
        ("capa timeout", greeting().hear("CAPA").silence()),
        (
            "capa timeout",
            greeting().hear("CAPA").say("+OK\r\nTOP\r\n").silence(),
        ),
        (
            "capa too-large",
            greeting().hear("CAPA").say("+OK\r\n").flood("MORE\r\n"),
        ),
        (
            "pop3.reply.no-status",
            Script::new().say("* OK IMAP4rev1\r\n").drain(),
        ),
        (
            "pop3.reply.no-status",
            greeting().hear("CAPA").say("220 mx\r\n").drain(),
        ),
        (
            "capa temporary",
            greeting()
                .hear("CAPA")
                .say("-ERR [SYS/TEMP] no\r\n")
                .drain(),
        ),
    ]
}

#[tokio::test]
async fn the_report_names_the_true_cause_first() {
    let ca = Authority::new("Test CA");
    let table = [flaws(&ca), troubles()].concat();
    let asked = table.iter().map(|(expected, script)| async {
        let report = ask_script(&ca, script, |options| options).await;
        (*expected, cause(&report), report)
    });
    let told = futures_util::future::join_all(asked).await;
    for (at, (expected, cause, report)) in told.into_iter().enumerate() {
        assert_eq!(cause, expected, "row {at}: {report:#?}");
        assert_eq!(report.verdict(), Verdict::Critical, "row {at}");
    }
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
        let target = Target::host(address.ip(), address.port());
        let report = ask(&ca, target, |options| options).await;
        assert_eq!(cause(&report), expected);
    }
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_unresolved() {
    let ca = Authority::new("Test CA");
    let target = "no-such-host.invalid:110".parse().unwrap();
    let failure = ask(&ca, target, |options| options).await.failure.unwrap();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("resolve", FailureKind::Unresolved)
    );
}

#[tokio::test]
async fn wherever_the_connection_is_cut_what_was_learned_before_is_in_the_report() {
    let ca = Authority::new("Test CA");
    let script = whole(&ca);
    // The ends of the replies, in bytes said: greeting, CAPA, STLS, CAPA under TLS.
    let greeting = "+OK ready\r\n".len();
    let clear = greeting + CLEAR.len();
    let go_ahead = clear + "+OK go ahead\r\n".len();
    let secured = go_ahead + SECURED.len();
    for cut in 0..script.total_said() {
        let broken = script.clone().with_fault(Fault::CutAt(cut));
        let report = ask_script(&ca, &broken, |options| options).await;
        let facts = &report.facts;
        let learned = [
            facts.greeting.is_some(),
            facts.clear.is_some(),
            facts.tls.is_some(),
            facts.secured.is_some(),
        ];
        // The handshake follows on the go-ahead; a cut right behind that comes before it.
        let expected = [
            cut >= greeting,
            cut >= clear,
            cut > go_ahead,
            cut >= secured,
        ];
        assert_eq!(learned, expected, "cut at {cut}: {report:?}");
        // Once all is known, a missing answer to QUIT is nobody's fault.
        assert_eq!(report.failure.is_none(), cut >= secured, "cut at {cut}");
    }
}

#[tokio::test]
async fn the_addresses_of_a_pool_are_asked_one_after_the_other_where_somebody_logs_in() {
    let ca = Authority::new("Test CA");
    let maildrop = Maildrop::of(1);
    let server = maildrop.served("TOP\r\n", &Quirk::Nothing);
    let well = server
        .listen_on("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let port = well.address().port();
    let net = Net::new(Tls::ring(ca.roots())).with_resolver(pool::Pool);
    let probe = Pop3Probe::builder(net)
        .security(Security::Cleartext)
        .secrets_over(SecretsOver::Cleartext)
        .credentials(alice())
        .every_address(true)
        .build()
        .unwrap();
    let target = format!("{NAME}:{port}").parse().unwrap();
    let report = probe.probe(&target, &Context::default()).await;
    let told: Vec<_> = report
        .parts
        .iter()
        .map(|part| (part.target.to_string(), part.verdict()))
        .collect();
    assert_eq!(
        told,
        [
            (format!("127.0.0.1:{port}"), Verdict::Ok),
            // Nothing listens on the second.
            (format!("127.0.0.2:{port}"), Verdict::Critical),
        ]
    );
    let [first, second] = &report.parts[..] else {
        panic!("two parts")
    };
    assert!(second.started_at >= first.started_at + first.elapsed);
}

/// A resolver that knows one pool of two.
mod pool {
    use std::future::{Future, ready};
    use std::net::IpAddr;
    use std::pin::Pin;

    use probe_core::HostName;
    use probe_net::{Resolve, ResolveError};

    pub(super) struct Pool;

    impl Resolve for Pool {
        fn resolve<'a>(
            &'a self,
            _: &'a HostName,
        ) -> Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>> {
            let addresses = (1..=2).map(|last| IpAddr::from([127, 0, 0, last]));
            Box::pin(ready(Ok(addresses.collect())))
        }
    }
}
