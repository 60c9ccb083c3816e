//! What the tests of dialogues share: a dialogue led by the real driver over memory, with a clock that
//! stands still unless somebody waits.

#![allow(dead_code, reason = "each test file uses its part")]

use std::sync::Arc;

use probe_core::{Context, Failure, Finding, Report};
use probe_net::message::Token;
use probe_net::tls::{SecretsOver, Security, Tls};
use probe_net::{Log, Net, Seen, Wire, drive};
use probe_testkit::{Authority, Conversation, Identity, Script};
use rustls::pki_types::ServerName;
use smtp_probe::{Options, SmtpCodec, SmtpDialogue, SmtpFacts, SmtpProbe, judge};

pub(crate) const NAME: &str = "mx.example.test";

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
        SmtpProbe::builder(Net::new(Tls::ring(self.ca.roots())))
    }
}

/// What came of a dialogue.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) conversation: Conversation,
    pub(crate) facts: SmtpFacts,
    pub(crate) failure: Option<Failure>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) report: Report<SmtpFacts>,
}

impl Outcome {
    pub(crate) fn said(&self) -> Vec<String> {
        self.conversation
            .lines()
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    pub(crate) fn codes(&self) -> Vec<&'static str> {
        self.findings.iter().map(Finding::code).collect()
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
    let ehlo = "probe.example.test".parse().unwrap();
    let mut dialogue = SmtpDialogue::new(options.clone(), security, ehlo)
        .with_token(Token::from_bytes([7; 16]))
        .with_server(NAME.parse().unwrap(), Some([192, 0, 2, 1].into()));
    if outcome.is_ok() {
        outcome = drive(
            &mut dialogue,
            &mut SmtpCodec::default(),
            &mut wire,
            &mut log,
        )
        .await;
    }
    let mut facts = dialogue.into_facts();
    facts.tls = wire.tls_facts().cloned();
    drop(wire);
    let target = "mx.example.test:25".parse().unwrap();
    let mut report = Report::new("smtp", target, cx.now(), facts.clone());
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
