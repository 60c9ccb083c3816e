//! The table of troubles: for each way in which a server can be broken, the first finding or the failure
//! names the true cause.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::time::Duration;

use probe_core::{Context, FailureKind, Probe, Report, Target, Verdict};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{Security, Tls};
use probe_testkit::{Authority, ClosedPort, Fault, Flaw, Script, SilentPort, TlsOptions};
use smtp_probe::{Options, SmtpFacts, SmtpProbe};

const NAME: &str = "mx.example.test";
const CLEAR: &str = "250-mx.example.test\r\n250-PIPELINING\r\n250 STARTTLS\r\n";
const SECURED: &str = "250-mx.example.test\r\n250-PIPELINING\r\n250 AUTH PLAIN\r\n";

/// A server up to its go-ahead for TLS.
fn up_to_tls() -> Script {
    Script::new()
        .say("220 mx.example.test ESMTP\r\n")
        .hear("EHLO ")
        .say(CLEAR)
        .hear("STARTTLS")
        .say("220 2.0.0 Go ahead\r\n")
}

/// And a whole dialogue under the certificate of this flaw.
fn flawed(ca: &Authority, flaw: Flaw) -> Script {
    up_to_tls()
        .tls(&ca.flawed([NAME], flaw))
        .hear("EHLO ")
        .say(SECURED)
        .hear("QUIT")
        .say("221 Bye\r\n")
}

fn whole(ca: &Authority) -> Script {
    flawed(ca, Flaw::DirectlyFromRoot)
}

async fn ask(
    ca: &Authority,
    target: Target,
    shape: impl FnOnce(Options) -> Options,
) -> Report<SmtpFacts> {
    let options = SmtpProbe::builder(Net::new(Tls::ring(ca.roots())))
        .security(Security::Required)
        .server_name(NAME.parse().unwrap());
    let probe = shape(options).build().unwrap();
    let cx = Context::default().with_budget(Duration::from_millis(1500));
    probe.probe(&target, &cx).await
}

/// What the report says first: the first critical finding, else phase and kind of the failure.
fn cause(report: &Report<SmtpFacts>) -> String {
    let failure = || {
        let failure = report.failure.as_ref().expect("a cause");
        format!("{} {}", failure.phase, failure.kind)
    };
    match report.findings.first() {
        Some(finding) => finding.code().to_owned(),
        None => failure(),
    }
}

#[tokio::test]
async fn the_report_names_the_true_cause_first() {
    let ca = Authority::new("Test CA");
    let good = ca.identity([NAME]);
    let ticketless = TlsOptions::new().tickets(0);
    let table: Vec<(&str, Script)> = vec![
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
        (
            "tls.certificate.wrong-usage",
            flawed(&ca, Flaw::NoServerAuth),
        ),
        (
            "tls.certificate.expired",
            flawed(&ca, Flaw::ExpiredIntermediate),
        ),
        ("tls.handshake.signature", flawed(&ca, Flaw::WrongKey)),
        (
            "starttls.not-offered",
            Script::new()
                .say("220 mx\r\n")
                .hear("EHLO")
                .say("250 mx\r\n")
                .drain(),
        ),
        (
            "starttls.refused",
            Script::new()
                .say("220 mx\r\n")
                .hear("EHLO")
                .say(CLEAR)
                .hear("STARTTLS")
                .say("454 4.7.0 TLS not available\r\n")
                .drain(),
        ),
        (
            "smtp.greeting.busy",
            Script::new().say("421 4.7.0 Too many connections\r\n"),
        ),
        (
            "smtp.greeting.busy",
            Script::new().say("450 4.3.2 Not now\r\n").drain(),
        ),
        (
            "smtp.greeting.refused",
            Script::new()
                .say("554-5.7.1 No\r\n554 5.7.1 Blocked\r\n")
                .drain(),
        ),
        ("greeting closed", Script::new().close()),
        (
            "greeting closed",
            Script::new().say("220-mx wait\r\n").close(),
        ),
        (
            "ehlo closed",
            Script::new().say("220 mx\r\n").hear("EHLO").reset(),
        ),
        ("greeting timeout", Script::new().silence()),
        (
            "greeting timeout",
            Script::new().tarpit("220 mx.example.test ESMTP\r\n", Duration::from_millis(200)),
        ),
        (
            "ehlo timeout",
            Script::new().say("220 mx\r\n").hear("EHLO").silence(),
        ),
        (
            "ehlo too-large",
            Script::new()
                .say("220 mx\r\n")
                .hear("EHLO")
                .flood("250-more\r\n"),
        ),
        (
            "smtp.reply.no-code",
            Script::new().say("SSH-2.0-OpenSSH_9.6\r\n").drain(),
        ),
        (
            "smtp.reply.two-codes",
            Script::new().say("220-mx\r\n250 mx\r\n").drain(),
        ),
        (
            "ehlo temporary",
            Script::new()
                .say("220 mx\r\n")
                .hear("EHLO")
                .say("421 4.3.2 Shutting down\r\n"),
        ),
        (
            "ehlo permanent",
            Script::new()
                .say("220 mx\r\n")
                .hear("EHLO")
                .say("550 5.7.1 Bad name\r\n")
                .drain(),
        ),
        ("tls timeout", up_to_tls().tls_stall()),
        ("tls closed", up_to_tls().tls_cut()),
        ("tls closed", up_to_tls().tls_reset()),
        ("tls.legacy", up_to_tls().tls_legacy()),
        ("tls.legacy", up_to_tls().tls_alert(70)),
        ("tls.handshake-refused", up_to_tls().tls_alert(40)),
        ("tls.server-name-refused", up_to_tls().tls_alert(112)),
        (
            "starttls.injection",
            up_to_tls().tls_garbage("250 injected\r\n"),
        ),
        (
            "starttls.injection",
            Script::new()
                .say("220 mx\r\n")
                .hear("EHLO")
                .say(CLEAR)
                .hear("STARTTLS")
                .say("220 Go ahead\r\n250 injected\r\n")
                .drain(),
        ),
        (
            "ehlo closed",
            up_to_tls()
                .tls_with(&good, &ticketless)
                .hear("EHLO")
                .close(),
        ),
        (
            "tls.client-certificate",
            up_to_tls()
                .tls_with(
                    &good,
                    &TlsOptions::new()
                        .client_certificate(probe_testkit::ClientCertificate::Demanded),
                )
                .hear("EHLO"),
        ),
    ];
    let asked = table.iter().map(|(expected, script)| async {
        let peer = script.listen().await.unwrap();
        let address = peer.address();
        let report = ask(&ca, Target::host(address.ip(), address.port()), |options| {
            options
        })
        .await;
        (*expected, cause(&report), report)
    });
    for (at, (expected, cause, report)) in futures_util::future::join_all(asked)
        .await
        .into_iter()
        .enumerate()
    {
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
        let report = ask(&ca, Target::host(address.ip(), address.port()), |options| {
            options
        })
        .await;
        assert_eq!(cause(&report), expected);
    }
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_unresolved() {
    let ca = Authority::new("Test CA");
    let report = ask(&ca, "no-such-host.invalid:25".parse().unwrap(), |options| {
        options
    })
    .await;
    let failure = report.failure.unwrap();
    assert_eq!(
        (failure.phase.as_str(), failure.kind),
        ("resolve", FailureKind::Unresolved)
    );
}

#[tokio::test]
async fn a_refused_login_is_told_by_its_reason() {
    let ca = Authority::new("Test CA");
    let good = ca.identity([NAME]);
    let table = [
        (
            "535 5.7.8 authentication failed\r\n",
            FailureKind::Credentials,
        ),
        (
            "535 5.7.139 Authentication unsuccessful, basic authentication is disabled.\r\n",
            FailureKind::Policy,
        ),
        (
            "530 5.7.0 Must issue a STARTTLS command first\r\n",
            FailureKind::Policy,
        ),
        (
            "534-5.7.9 Application-specific password required.\r\n534 5.7.9 See help\r\n",
            FailureKind::Policy,
        ),
        ("538 5.7.11 Encryption required\r\n", FailureKind::Policy),
        (
            "454 4.7.0 Temporary authentication failure\r\n",
            FailureKind::Temporary,
        ),
        (
            "421 4.7.0 Too many login attempts\r\n",
            FailureKind::Temporary,
        ),
        ("235 2.7.0 fine\r\n", FailureKind::Local),
    ];
    for (reply, kind) in table {
        let peer = up_to_tls()
            .tls(&good)
            .hear("EHLO")
            .say(SECURED)
            .hear("AUTH PLAIN")
            .say(reply)
            .hear("")
            .say("221 Bye\r\n")
            .listen()
            .await
            .unwrap();
        let address = peer.address();
        let report = ask(&ca, Target::host(address.ip(), address.port()), |options| {
            options
                .credentials(Credentials::password("alice", "wonderland").unwrap())
                .ehlo_after_auth(false)
        })
        .await;
        match kind {
            FailureKind::Local => assert_eq!(report.failure, None, "{report:?}"),
            kind => assert_eq!(
                report.failure.map(|failure| failure.kind),
                Some(kind),
                "{reply}"
            ),
        }
    }
}

#[tokio::test]
async fn each_address_of_a_pool_is_asked_and_told_by_itself() {
    let ca = Authority::new("Test CA");
    let well = whole(&ca)
        .listen_on("127.0.0.1:0".parse().unwrap())
        .await
        .unwrap();
    let port = well.address().port();
    let ill = flawed(&ca, Flaw::Expired)
        .listen_on(format!("127.0.0.2:{port}").parse().unwrap())
        .await
        .unwrap();
    let net = Net::new(Tls::ring(ca.roots())).with_resolver(pool::Pool);
    let probe = SmtpProbe::builder(net)
        .security(Security::Required)
        .every_address(true)
        .build()
        .unwrap();
    let target = format!("{NAME}:{port}").parse().unwrap();
    let report = probe.probe(&target, &Context::default()).await;
    assert_eq!(report.verdict(), Verdict::Critical);
    let told: Vec<_> = report
        .parts
        .iter()
        .map(|part| (part.target.to_string(), part.verdict()))
        .collect();
    assert_eq!(
        told,
        [
            (format!("127.0.0.1:{port}"), Verdict::Ok),
            (format!("127.0.0.2:{port}"), Verdict::Critical),
            // Nothing listens on the third.
            (format!("127.0.0.3:{port}"), Verdict::Critical),
        ]
    );
    assert!(
        report.headline().contains("127.0.0.2"),
        "{}",
        report.headline()
    );
    drop((well, ill));
}

/// A resolver that knows one pool of three.
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
            Box::pin(ready(Ok((1..=3)
                .map(|last| IpAddr::from([127, 0, 0, last]))
                .collect())))
        }
    }
}

#[tokio::test]
async fn wherever_the_connection_is_cut_what_was_learned_before_is_in_the_report() {
    let ca = Authority::new("Test CA");
    let script = whole(&ca);
    // The ends of the replies, in bytes said: greeting, EHLO, STARTTLS, EHLO under TLS.
    let ends = [
        27,
        27 + CLEAR.len(),
        47 + CLEAR.len(),
        47 + CLEAR.len() + SECURED.len(),
    ];
    for cut in 0..script.total_said() {
        let peer = script
            .clone()
            .with_fault(Fault::CutAt(cut))
            .listen()
            .await
            .unwrap();
        let address = peer.address();
        let report = ask(&ca, Target::host(address.ip(), address.port()), |options| {
            options
        })
        .await;
        let facts = &report.facts;
        let learned = [
            facts.greeting.is_some(),
            facts.clear.is_some(),
            facts.tls.is_some(),
            facts.secured.is_some(),
        ];
        let [greeting, clear, go_ahead, secured] = ends;
        // The handshake follows on the go-ahead; a cut right behind that comes before it.
        let expected = [
            cut >= greeting,
            cut >= clear,
            cut > go_ahead,
            cut >= secured,
        ];
        assert_eq!(learned, expected, "cut at {cut}: {report:?}");
        // Once all is known, a missing answer to QUIT is nobody's fault.
        assert_eq!(report.failure.is_none(), cut >= ends[3], "cut at {cut}");
    }
}
