//! The same checks against embedded servers, some broken on purpose: what the tool shows, on any machine and
//! without a network.

use core::net::SocketAddr;
use core::time::Duration;
use std::io;

use futures_util::future::join_all;
use probe_core::{
    Context, Failure, FailureKind, Finding, Phase, Probe, Report, Severity, Target, Thresholds,
    Verdict,
};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{Security, Tls};
use probe_testkit::{Answer, Authority, ClosedPort, Flaw, Identity, Script};
use smtp_probe::SmtpProbe;

use crate::format::{Format, Style};

/// What the embedded servers are called.
const NAME: &str = "mx.example.test";

/// One embedded server and what the probe made of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Shown {
    /// What is wrong with the server, in our words.
    pub story: &'static str,
    /// What the probe found out.
    pub report: Report,
}

/// Starts the servers, asks them all at once, and stops them.
///
/// # Errors
/// This machine gives no loopback sockets.
pub async fn run(transcript: bool) -> io::Result<Vec<Shown>> {
    let ca = Authority::new("mailprobe demo CA");
    let cx = Context::default().with_budget(Duration::from_secs(4));
    let cx = if transcript { cx.with_transcript() } else { cx };
    let mut servers = Vec::new();
    for scene in scenes(&ca) {
        servers.push((scene.script.listen().await?, scene));
    }
    let asking = servers
        .iter()
        .map(|(server, scene)| scene.ask(&ca, server.address(), &cx));
    let mut shown = join_all(asking).await;
    let nobody = Scene::new("nothing listens", Script::new());
    shown.push(nobody.ask(&ca, ClosedPort::new()?.address(), &cx).await);
    Ok(shown)
}

/// The reports as a page: for people first a table, then a healthy server and a broken one in full.
pub fn page(shown: &[Shown], format: Format, style: Style) -> String {
    if format != Format::Text {
        let reports: Vec<_> = shown.iter().map(|one| one.report.clone()).collect();
        return format.write(&reports, &Thresholds::default(), style);
    }
    let rows: Vec<_> = shown.iter().map(row).collect();
    let mut page = String::from(
        "Embedded servers, some of them broken on purpose, and what the probe says:\n\n",
    );
    page.push_str(&crate::format::table(&rows, style));
    let first = |verdict| shown.iter().find(|one| one.report.verdict() == verdict);
    for Shown { story, report } in [first(Verdict::Ok), first(Verdict::Warning)]
        .into_iter()
        .flatten()
    {
        page.push_str(&format!("\nIn full, {story}:\n\n"));
        page.push_str(&crate::format::text(report, style));
    }
    page.push_str("\nWhat a code means: mailprobe explain tls.certificate.expired\n");
    page.push_str("Your own server:   mailprobe smtp mx.example.org\n");
    page
}

fn row(Shown { story, report }: &Shown) -> (Verdict, String, String) {
    (
        report.verdict(),
        (*story).to_owned(),
        code(report).to_owned(),
    )
}

/// The code of the weightiest finding, else the kind of the failure.
fn code(report: &Report) -> &'static str {
    let finding = report.findings.first();
    let grave = finding.filter(|finding| finding.severity == Severity::Critical);
    let failure = report.failure.as_ref().map(|failure| failure.kind.as_str());
    let grave = grave.map(Finding::code).or(failure);
    grave
        .or(finding.map(Finding::code))
        .unwrap_or("all is well")
}

/// A server and how it is asked.
struct Scene {
    story: &'static str,
    script: Script,
    security: Security,
    password: Option<&'static str>,
}

impl Scene {
    fn new(story: &'static str, script: Script) -> Self {
        Self {
            story,
            script,
            security: Security::Required,
            password: None,
        }
    }

    fn implicit_tls(mut self) -> Self {
        self.security = Security::Implicit;
        self
    }

    fn login(mut self, password: &'static str) -> Self {
        self.password = Some(password);
        self
    }

    async fn ask(&self, ca: &Authority, address: SocketAddr, cx: &Context) -> Shown {
        let target = Target::host(address.ip(), address.port());
        let report = match self.probe(ca) {
            Ok(probe) => probe.probe(&target, cx).await.erase(),
            Err(mistake) => {
                let failure = Failure::new(Phase::AUTH, FailureKind::Local, mistake.to_string());
                let mut report = Report::new("smtp", target, cx.now(), ()).erase();
                report.failure = Some(failure);
                report
            }
        };
        let story = self.story;
        Shown { story, report }
    }

    fn probe(&self, ca: &Authority) -> Result<SmtpProbe, Box<dyn core::error::Error>> {
        let mut options = SmtpProbe::builder(Net::new(Tls::ring(ca.roots())))
            .security(self.security)
            .server_name(NAME.parse()?);
        if let Some(password) = self.password {
            options = options.credentials(Credentials::password("alice", password)?);
        }
        Ok(options.build()?)
    }
}

fn scenes(ca: &Authority) -> Vec<Scene> {
    let good = ca.identity([NAME]);
    let flawed = |flaw| greeting().serve(server(ca.flawed([NAME], flaw)));
    let expiring = Flaw::SoonExpiring(Duration::from_secs((6 * 24 + 1) * 60 * 60));
    let healthy = greeting().serve(server(good.clone()));
    let no_tls = greeting()
        .hear("EHLO")
        .say("250-mx.example.test\r\n250 SIZE 1000\r\n");
    let injecting = greeting()
        .hear("EHLO")
        .say("250-mx.example.test\r\n250 STARTTLS\r\n")
        .hear("STARTTLS")
        .say("220 Go ahead\r\n250 injected\r\n");
    let slow = Script::new()
        .say("220-mx.example.test ESMTP, please wait\r\n")
        .pause(Duration::from_millis(2500))
        .say("220 mx.example.test ESMTP\r\n")
        .serve(server(good.clone()));
    let full = "421 4.7.0 mx.example.test Too many connections, come back later\r\n";
    let blocked = "554 5.7.1 mx.example.test Service unavailable; client host blocked\r\n";
    let stalled = greeting()
        .hear("EHLO")
        .say("250-mx.example.test\r\n250 STARTTLS\r\n")
        .hear("STARTTLS")
        .say("220 Go ahead\r\n")
        .tls_stall();
    vec![
        Scene::new("a healthy submission server", healthy.clone()).login("wonderland"),
        Scene::new("the same, a wrong password", healthy).login("looking-glass"),
        Scene::new("certificate ends in 6 days", flawed(expiring)),
        Scene::new("certificate has expired", flawed(Flaw::Expired)),
        Scene::new("certificate for another name", flawed(Flaw::WrongName)).login("wonderland"),
        Scene::new("self-signed certificate", flawed(Flaw::SelfSigned)),
        Scene::new(
            "intermediate is not sent",
            flawed(Flaw::MissingIntermediate),
        ),
        Scene::new("STARTTLS is not offered", no_tls.drain()),
        Scene::new("somebody injects before TLS", injecting.drain()),
        Scene::new("only TLS 1.0 is spoken", Script::new().tls_legacy()).implicit_tls(),
        Scene::new("no TLS on the TLS port", greeting().drain()).implicit_tls(),
        Scene::new("handshake stalls", stalled),
        Scene::new("strangers have to wait", slow),
        Scene::new("too many connections", Script::new().say(full)),
        Scene::new(
            "client is on a blacklist",
            Script::new().say(blocked).drain(),
        ),
        Scene::new("hangs up at once", Script::new().close()),
    ]
}

fn greeting() -> Script {
    Script::new().say("220 mx.example.test ESMTP\r\n")
}

/// What one connection's server makes of each line.
type Conversing = Box<dyn FnMut(&[u8]) -> Answer + Send>;

/// A small submission server: EHLO, STARTTLS, AUTH PLAIN for alice, QUIT.
fn server(identity: Identity) -> impl Fn() -> Conversing + Send + Sync + 'static {
    // base64 of NUL alice NUL wonderland
    const LOGIN: &str = "AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=";
    move || {
        let identity = identity.clone();
        let mut secured = false;
        Box::new(move |line| {
            let line = String::from_utf8_lossy(line);
            let command = line
                .split(' ')
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            match command.as_str() {
                "EHLO" if secured => {
                    Answer::say("250-mx.example.test\r\n250-SIZE 52428800\r\n250 AUTH PLAIN\r\n")
                }
                "EHLO" => {
                    Answer::say("250-mx.example.test\r\n250-SIZE 52428800\r\n250 STARTTLS\r\n")
                }
                "STARTTLS" => {
                    secured = true;
                    Answer::start_tls("220 2.0.0 Ready to start TLS\r\n", &identity)
                }
                "AUTH" if line == LOGIN => Answer::say("235 2.7.0 Authentication successful\r\n"),
                "AUTH" => Answer::say("535 5.7.8 Error: authentication failed\r\n"),
                "QUIT" => Answer::close("221 2.0.0 Bye\r\n"),
                _ => Answer::say("500 5.5.2 Error: command not recognized\r\n"),
            }
        })
    }
}
