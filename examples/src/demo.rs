//! The same checks against embedded servers, some broken on purpose: what the tool shows, on any machine and
//! without a network. The servers of each protocol have a file of their own; here is the page, and the running.

mod dnsbl;
mod eas;
mod host;
mod imap;
mod mx;
mod names;
mod pop3;
mod smtp;
mod web;

use core::error::Error;
use core::net::SocketAddr;
use core::time::Duration;
use std::io;
use std::sync::Arc;

use futures_util::future::join_all;
use probe_core::{
    AnyProbe, Context, Finding, Host, Probe, Report, Severity, Target, Thresholds, Verdict,
};
use probe_net::Net;
use probe_net::tls::Tls;
use probe_testkit::{Answer, Authority, ClosedPort, Identity, Peer, Say, Script, Web, WebRequest};

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
    let cx = Context::default().with_budget(Duration::from_secs(4));
    let cx = if transcript { cx.with_transcript() } else { cx };
    let mut servers = Vec::new();
    let names = names::Names::listen().await?;
    for scene in scenes(names.address).map_err(io::Error::other)? {
        servers.push((scene.listen().await?, scene));
    }
    let asking = servers.iter().map(|(server, scene)| scene.ask(server, &cx));
    Ok(join_all(asking).await)
}

/// The reports as a page: for people first a table for each protocol, then of each a server in full that works, but
/// not for long.
pub fn page(shown: &[Shown], format: Format, style: Style) -> String {
    if format != Format::Text {
        let reports: Vec<_> = shown.iter().map(|one| one.report.clone()).collect();
        return format.write(&reports, &Thresholds::default(), style);
    }
    let mut page = String::from(
        "Embedded servers, some of them broken on purpose, and what the probe says:\n",
    );
    let protocols = || shown.chunk_by(|one, next| one.report.probe == next.report.probe);
    for scenes in protocols() {
        let rows: Vec<_> = scenes.iter().map(row).collect();
        page.push_str(&format!("\n  {}\n", protocol(scenes)));
        page.push_str(&crate::format::table(&rows, style));
    }
    for scenes in protocols() {
        let mut scenes = scenes.iter();
        let telling = scenes.find(|one| one.report.verdict() == Verdict::Warning);
        if let Some(Shown { story, report }) = telling {
            page.push_str(&format!("\nIn full, {story}:\n\n"));
            page.push_str(&crate::format::text(report, style));
        }
    }
    page.push_str("\nWhat a code means: mailprobe explain tls.certificate.expired\n");
    page.push_str("Your own server:   mailprobe smtp mx.example.org\n");
    page
}

fn protocol(scenes: &[Shown]) -> String {
    let first = scenes.first().map(|one| one.report.probe);
    first.unwrap_or_default().to_ascii_uppercase()
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

fn scenes(names: SocketAddr) -> Result<Vec<Scene>, BoxError> {
    let ca = Authority::new("mailprobe demo CA");
    let servers = [
        smtp::scenes(&ca)?,
        imap::scenes(&ca)?,
        pop3::scenes(&ca)?,
        eas::scenes(&ca)?,
        web::scenes(&ca)?,
        host::scenes(&ca),
    ];
    Ok([servers.concat(), dnsbl::scenes(names)?, mx::scenes(names)?].concat())
}

type BoxError = Box<dyn Error + Send + Sync>;

/// A server, and the probe that looks at it.
#[derive(Clone)]
struct Scene {
    story: &'static str,
    cast: Cast,
    probe: AnyProbe,
}

/// Who is asked.
#[derive(Clone)]
enum Cast {
    /// Nobody listens.
    Nobody,
    /// A server that says this.
    Server(Script),
    /// A web server.
    Web(Identity, Arc<Answering>),
    /// Others, about this address or domain.
    Others(Host),
}

/// What a web server says to a request.
type Answering = dyn Fn(&WebRequest) -> Say + Send + Sync;

impl Scene {
    fn new(story: &'static str, script: Script, probe: impl Probe + 'static) -> Self {
        Self {
            story,
            cast: Cast::Server(script),
            probe: AnyProbe::new(probe),
        }
    }

    fn web(
        story: &'static str,
        identity: &Identity,
        answer: impl Fn(&WebRequest) -> Say + Send + Sync + 'static,
        probe: impl Probe + 'static,
    ) -> Self {
        Self {
            cast: Cast::Web(identity.clone(), Arc::new(answer)),
            ..Self::new(story, Script::new(), probe)
        }
    }

    fn nobody(story: &'static str, probe: impl Probe + 'static) -> Self {
        Self {
            cast: Cast::Nobody,
            ..Self::new(story, Script::new(), probe)
        }
    }

    fn about(story: &'static str, whom: impl Into<Host>, probe: impl Probe + 'static) -> Self {
        Self {
            cast: Cast::Others(whom.into()),
            ..Self::new(story, Script::new(), probe)
        }
    }

    async fn listen(&self) -> io::Result<Server> {
        Ok(match &self.cast {
            Cast::Server(script) => Server::Peer(script.listen().await?),
            Cast::Web(identity, answer) => {
                let answer = answer.clone();
                Server::Web(Web::tls(identity, move |request| answer(request)).await?)
            }
            Cast::Nobody => Server::Nobody(ClosedPort::new()?),
            Cast::Others(host) => Server::Others(host.clone()),
        })
    }

    async fn ask(&self, server: &Server, cx: &Context) -> Shown {
        let target = server.target();
        Shown {
            story: self.story,
            report: self.probe.probe(&target, cx).await.erase(),
        }
    }
}

/// Who is at an address.
enum Server {
    Nobody(ClosedPort),
    Others(Host),
    Peer(Peer),
    Web(Web),
}

impl Server {
    fn target(&self) -> Target {
        let address = match self {
            Self::Nobody(port) => port.address(),
            Self::Peer(peer) => peer.address(),
            Self::Web(web) => web.address(),
            Self::Others(host) => {
                return Target::Host {
                    host: host.clone(),
                    port: None,
                };
            }
        };
        Target::host(address.ip(), address.port())
    }
}

/// What one connection's server makes of each line.
type Conversing = Box<dyn FnMut(&[u8]) -> Answer + Send>;

/// A network in which this authority is trusted.
fn net(ca: &Authority) -> Net {
    Net::new(Tls::ring(ca.roots()))
}
