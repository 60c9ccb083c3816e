//! What the tests of dialogues share: a dialogue led by the real driver over memory, with a clock that
//! stands still unless somebody waits.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use imap_probe::{ImapCodec, ImapDialogue, ImapFacts, ImapProbe, Options, judge};
use probe_core::{Context, Failure, Finding, Report};
use probe_net::message::{Canary, Token};
use probe_net::tls::{SecretsOver, Security, Tls};
use probe_net::{Log, Net, Seen, Wire, drive};
use probe_testkit::{Authority, Conversation, Identity, Script};
use rustls::pki_types::ServerName;

pub(crate) const NAME: &str = "imap.example.test";

/// The folders of the edit proof, as [`canary`] and [`EXPIRES`] name them.
pub(crate) const FOLDER: &str = "mailprobe-1795452444-00010203";
pub(crate) const SECOND_FOLDER: &str = "mailprobe-1795452444-00010203-copy";

/// Until when the folders of the edit proof may stand.
pub(crate) const EXPIRES: Duration = Duration::from_secs(1_795_452_444);

/// What the edit proof puts into its folder, sent a minute before it expires.
pub(crate) fn canary() -> Canary {
    let token =
        Token::from_bytes(*b"\0\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f");
    let address = "mailprobe@localhost";
    let sent_at = SystemTime::UNIX_EPOCH + EXPIRES - Duration::from_secs(60);
    Canary::new(address, address, token, sent_at)
        .unwrap()
        .with_eight_bit()
}

/// An authority that the probe trusts, and a server's identity under it.
pub(crate) struct World {
    pub(crate) ca: Authority,
    pub(crate) identity: Identity,
}

impl World {
    pub(crate) fn new() -> Self {
        let ca = Authority::new("Test CA");
        let identity = ca.identity([NAME]);
        Self { ca, identity }
    }

    pub(crate) fn options(&self) -> Options {
        ImapProbe::builder(Net::new(Tls::ring(self.ca.roots())))
    }
}

/// What came of a dialogue.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) conversation: Conversation,
    pub(crate) facts: ImapFacts,
    pub(crate) failure: Option<Failure>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) report: Report<ImapFacts>,
}

impl Outcome {
    pub(crate) fn said(&self) -> Vec<String> {
        self.conversation
            .lines()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// What the judgement found.
    pub(crate) fn codes(&self) -> Vec<&'static str> {
        self.findings.iter().map(Finding::code).collect()
    }

    /// What is in the report: the judgement, and what was odd on the way.
    pub(crate) fn reported(&self) -> Vec<&'static str> {
        self.report.findings.iter().map(Finding::code).collect()
    }
}

/// Leads a dialogue with a scripted server.
pub(crate) async fn converse(
    world: &World,
    script: &Script,
    security: Security,
    secrets_over: SecretsOver,
    options: Options,
) -> Outcome {
    let cx = Context::default().with_transcript();
    let (stream, peer) = script.in_memory();
    let name = ServerName::try_from(NAME).unwrap();
    let mut wire = Wire::new(stream, Tls::ring(world.ca.roots()), name, secrets_over);
    let mut log = Log::begin(&cx);
    let mut outcome = Ok(());
    if security == Security::Implicit {
        outcome = wire.secure(&mut log).await;
    }
    let options = Arc::new(options);
    let mut dialogue = ImapDialogue::new(options.clone(), security)
        .with_canary(canary(), SystemTime::UNIX_EPOCH + EXPIRES);
    if outcome.is_ok() {
        outcome = drive(
            &mut dialogue,
            &mut ImapCodec::default(),
            &mut wire,
            &mut log,
        )
        .await;
    }
    let mut facts = dialogue.into_facts();
    facts.tls = wire.tls_facts().cloned();
    drop(wire);
    let target = "imap.example.test:143".parse().unwrap();
    let mut report = Report::new("imap", target, cx.now(), facts.clone());
    report.failure = outcome.err();
    report.findings = judge(
        &facts,
        &Seen::new(log.spans(), cx.now()),
        security,
        &options,
    );
    log.close(&mut report);
    Outcome {
        conversation: peer.finish().await,
        facts,
        failure: report.failure.clone(),
        findings: report.findings.clone(),
        report,
    }
}
