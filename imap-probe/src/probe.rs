//! Dial, drive, report: the only place here that waits.

mod visit;

use core::net::IpAddr;
use core::time::Duration;
use std::sync::Arc;

use futures_util::future::join;
use probe_core::{Context, Failure, FailureKind, Finding, Host, Phase, Probe, Report, Target};
use probe_net::message::{Canary, Token};
use probe_net::tls::Security;
use probe_net::{Endpoint, Log, Net, Seen, Service, Session, Wire, drive, resume};

use crate::dialogue::ImapDialogue;
use crate::facts::ImapFacts;
use crate::findings::judge;
use crate::options::Options;
use crate::reply::ImapCodec;

pub use visit::{Message, Opened, Removal, Visit};

/// Asks an IMAP server whether it works: greeting, capabilities, STARTTLS and certificate, authentication, and whether
/// mail can be found, read and, if that is asked for, edited.
#[derive(Clone, Debug)]
pub struct ImapProbe {
    options: Arc<Options>,
}

impl ImapProbe {
    /// The options to build one from.
    pub fn builder(net: Net) -> Options {
        Options::new(net)
    }

    pub(crate) fn new(options: Options) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    /// Another session at the same address, led to where it idles.
    async fn watch(
        &self,
        mut dialogue: ImapDialogue,
        endpoint: &Endpoint,
        address: Option<IpAddr>,
        log: &mut Log,
    ) -> Result<Watching, Failure> {
        let address: Vec<_> = address.into_iter().collect();
        let mut wire = self.options.net.connect(endpoint, &address, log).await?;
        if self.options.security_on(endpoint.port) == Security::Implicit {
            wire.secure(log).await?;
        }
        let mut codec = ImapCodec::default();
        drive(&mut dialogue, &mut codec, &mut wire, log).await?;
        if !dialogue.is_idling() {
            let detail = "it did not come to idle";
            let phase = Phase::new("idle");
            return Err(Failure::new(phase, FailureKind::Unsupported, detail));
        }
        Ok(Watching {
            dialogue,
            codec,
            wire,
        })
    }

    fn dialogue(&self, security: Security, log: &Log) -> Result<ImapDialogue, Failure> {
        let dialogue = ImapDialogue::new(self.options.clone(), security);
        if !self.options.edit {
            return Ok(dialogue);
        }
        let canary = canary(log).map_err(|detail| {
            let phase = Phase::new("append");
            Failure::new(phase, FailureKind::Local, detail)
        })?;
        let expires = log.now() + log.time_left() + LATENESS;
        Ok(dialogue.with_canary(canary, expires))
    }
}

/// A second session, which idles.
struct Watching {
    dialogue: ImapDialogue,
    codec: ImapCodec,
    wire: Wire,
}

/// How long after it began to listen the watcher heard news.
async fn listen(
    watching: Result<Watching, Failure>,
    log: &mut Log,
) -> Result<Option<Duration>, Failure> {
    let Watching {
        mut dialogue,
        mut codec,
        mut wire,
    } = watching?;
    // What it has heard counts, whatever became of its farewell.
    let _ = resume(&mut dialogue, &mut codec, &mut wire, log).await;
    Ok(dialogue.heard_after())
}

/// How far the clocks of two probers may differ.
const LATENESS: Duration = Duration::from_secs(60);

/// It never leaves the account, so its addresses need not be anybody's.
fn canary(log: &Log) -> Result<Canary, String> {
    let token = Token::random().map_err(|error| error.to_string())?;
    let address = "mailprobe@localhost";
    let canary = Canary::new(address, address, token, log.now());
    Ok(canary.map_err(|error| error.to_string())?.with_eight_bit())
}

impl Probe for ImapProbe {
    type Facts = ImapFacts;

    fn name(&self) -> &'static str {
        "imap"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<ImapFacts> {
        probe_net::probe(self, target, cx).await
    }
}

impl Service for ImapProbe {
    fn net(&self) -> &Net {
        &self.options.net
    }

    fn endpoint(&self, host: &Host, port: Option<u16>) -> Endpoint {
        let port = port.unwrap_or_else(|| self.options.default_port());
        let mut endpoint = Endpoint::new(host.clone(), port);
        endpoint.server_name = self.options.server_name.clone();
        endpoint.secrets_over = self.options.secrets_over;
        endpoint
    }

    fn asks_every_address(&self) -> bool {
        self.options.every_address
    }

    fn security_on(&self, port: u16) -> Security {
        self.options.security_on(port)
    }

    async fn converse(
        &self,
        session: Session<'_>,
        facts: &mut ImapFacts,
        log: &mut Log,
    ) -> Result<(), Failure> {
        let mut dialogue = self.dialogue(session.security, log)?;
        let mut codec = ImapCodec::default();
        let mut outcome = drive(&mut dialogue, &mut codec, session.wire, log).await;
        if let Some(folder) = dialogue.watchable().cloned() {
            let mut aside = log.beside(log.time_left() / 2);
            let address = session.wire.ends().map(|ends| ends.server.ip());
            let watcher = ImapDialogue::watcher(self.options.clone(), session.security, folder);
            let watching = self
                .watch(watcher, session.endpoint, address, &mut aside)
                .await;
            let changing = resume(&mut dialogue, &mut codec, session.wire, log);
            let heard;
            (outcome, heard) = join(changing, listen(watching, &mut aside)).await;
            dialogue.note_push(heard);
        }
        if outcome.is_ok() && dialogue.watchable().is_some() {
            outcome = resume(&mut dialogue, &mut codec, session.wire, log).await;
        }
        *facts = dialogue.into_facts();
        outcome
    }

    fn note_connection(facts: &mut ImapFacts, wire: &Wire) {
        facts.address = wire.ends().map(|ends| ends.server);
        facts.tls = wire.tls_facts().cloned();
    }

    fn judge(&self, facts: &ImapFacts, seen: &Seen<'_>, security: Security) -> Vec<Finding> {
        judge(facts, seen, security, &self.options)
    }
}
