//! Ask the agent, judge it, report: the only place here that waits.

use core::net::SocketAddr;
use std::sync::Arc;

use probe_core::{Context, Direction, Failure, FailureKind, Host, Phase, Probe, Report, Target};
use probe_net::{Datagrams, Log, Net};

use super::access::SnmpAccess;
use super::dialogue::{Dialogue, Progress, Trouble, Turn};
use super::facts::SnmpFacts;
use super::findings::{SILENT, UNPROVEN, gaps, judge, kind, trouble};
use super::options::SnmpOptions;
use super::{mib, reading};

/// Questions and answers.
const SNMP: Phase = Phase::new("snmp");

/// Asks the SNMP agent of a mail host, by version 1, 2c or 3: its queue (MTA-MIB), and the machine (HOST-RESOURCES-MIB,
/// UCD-SNMP-MIB).
///
/// Whatever the agent does says nothing of the mail host: silence, a refusal, and where it tells nothing of a queue or of the
/// machine, are failures of the kind [`FailureKind::Local`], each with a finding that names its cause.
#[derive(Clone, Debug)]
pub struct SnmpProbe {
    options: Arc<SnmpOptions>,
}

impl SnmpProbe {
    /// Where agents listen.
    pub const PORT: u16 = 161;
    /// Of a name with several addresses, so many are asked until one answers.
    pub const ADDRESSES: usize = 4;

    /// The options to build one from.
    pub fn builder(net: Net, access: SnmpAccess) -> SnmpOptions {
        SnmpOptions::new(net, access)
    }

    pub(super) fn new(options: SnmpOptions) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    async fn read(
        &self,
        host: &Host,
        port: u16,
        facts: &mut SnmpFacts,
        log: &mut Log,
    ) -> Result<(), Failure> {
        let addresses = self.options.net.addresses(host, log).await?;
        let mut outcome = Err(unknown("there is no address to ask"));
        for address in addresses.into_iter().take(Self::ADDRESSES) {
            let mut seed = [0; 16];
            getrandom::fill(&mut seed)
                .map_err(|error| unknown(format!("this machine has no random numbers: {error}")))?;
            let mut dialogue = Dialogue::new(&self.options.access, seed, &mib::ALL);
            let server = SocketAddr::new(address, port);
            outcome = self.converse(server, &mut dialogue, log).await;
            self.keep(&mut dialogue, facts, log);
            if dialogue.progress() > Progress::Silent || outcome.is_ok() {
                break;
            }
        }
        outcome
    }

    async fn converse(
        &self,
        server: SocketAddr,
        dialogue: &mut Dialogue,
        log: &mut Log,
    ) -> Result<(), Failure> {
        let mut way = self.options.net.datagrams(server).await?;
        while let Some(ask) = dialogue.ask() {
            log.tell(Direction::Sent, || ask.words);
            let turn = listen(&mut way, &ask.datagram, dialogue, log).await;
            match turn {
                Ok(Turn::Over { words, trouble: it }) => {
                    log.tell(Direction::Received, || words);
                    let finding = trouble(it);
                    log.oddities.note(finding.kind, finding.evidence.as_bytes());
                    return Err(refused(it));
                }
                Ok(Turn::On { words }) => log.tell(Direction::Received, || words),
                Ok(Turn::Foreign) => {}
                Err(failure) => {
                    self.tell_silence(server, dialogue, &failure, log);
                    return Err(failure);
                }
            }
        }
        Ok(())
    }

    /// An agent that does not run and a community that it does not know look alike.
    fn tell_silence(&self, server: SocketAddr, dialogue: &Dialogue, why: &Failure, log: &mut Log) {
        let version = self.options.access.version();
        let evidence = match (why.kind, dialogue.progress()) {
            (FailureKind::Local, _) => return,
            (FailureKind::Timeout, Progress::Silent) => "not once",
            (FailureKind::Timeout, Progress::Met) => "it tells its name, and nothing more",
            (FailureKind::Timeout, Progress::Answered) => "after it had answered",
            _ => why.detail.as_str(),
        };
        let evidence = format!("{server}, version {version}: {evidence}");
        log.oddities.note(&SILENT, evidence.as_bytes());
    }

    /// What was told before a failure is kept.
    fn keep(&self, dialogue: &mut Dialogue, facts: &mut SnmpFacts, log: &mut Log) {
        for (kind, evidence) in core::mem::take(&mut dialogue.walk.oddities) {
            log.oddities.note(kind, evidence.as_bytes());
        }
        if dialogue.unproven() > 0 {
            let evidence = format!("{} of them", dialogue.unproven());
            log.oddities.note(&UNPROVEN, evidence.as_bytes());
        }
        let requests = dialogue.walk.requests();
        if dialogue.progress() == Progress::Answered {
            *facts = reading::facts(&dialogue.walk.gathered, log.now());
            facts.version = Some(self.options.access.version());
        }
        facts.requests = facts.requests.saturating_add(requests);
        if let (Some(queue), Some(before)) = (&mut facts.queue, &self.options.queue.before) {
            queue.growth = before.growth(queue, log.now());
        }
    }

    /// What the agent should tell and does not.
    fn gap(&self, facts: &SnmpFacts) -> Option<Failure> {
        let no_queue = self.options.expects_queue && facts.queue.is_none();
        let no_host = self.options.expects_host && facts.host.is_none();
        let what = match (no_queue, no_host) {
            (true, true) => "neither of a queue nor of the machine",
            (true, false) => "nothing of a queue",
            (false, true) => "nothing of the machine",
            (false, false) => return None,
        };
        Some(unknown(format!("the agent tells {what}")))
    }
}

impl Probe for SnmpProbe {
    type Facts = SnmpFacts;

    fn name(&self) -> &'static str {
        "snmp"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<SnmpFacts> {
        let target = target.clone().or_port(Self::PORT);
        let mut log = Log::begin(cx);
        let mut facts = SnmpFacts::default();
        let outcome = match &target {
            Target::Host { host, port } => {
                let port = port.unwrap_or(Self::PORT);
                self.read(host, port, &mut facts, &mut log).await
            }
            other => Err(Failure::unfit_target(other)),
        };
        let is_whole = outcome.is_ok();
        let failure = match outcome {
            Ok(()) => self.gap(&facts),
            Err(mut failure) => {
                failure.kind = FailureKind::Local;
                Some(failure)
            }
        };
        let mut findings = judge(&facts, &self.options);
        if is_whole {
            findings.extend(gaps(&facts));
        }
        let mut report = Report::new(self.name(), target, cx.now(), facts);
        report.failure = failure;
        for finding in findings {
            report.add_finding(finding);
        }
        log.close(&mut report);
        report
    }
}

/// Sends a question, again where nothing comes, and hears until something is an answer to it.
async fn listen(
    way: &mut Datagrams,
    question: &[u8],
    dialogue: &mut Dialogue,
    log: &mut Log,
) -> Result<Turn, Failure> {
    let take = |datagram: &[u8]| match dialogue.hear(datagram) {
        Turn::Foreign => None,
        turn => Some(turn),
    };
    way.ask(SNMP, question, take, log).await
}

fn refused(trouble: Trouble) -> Failure {
    let detail = match trouble {
        Trouble::NoAccess(refused) => format!("the agent tells us nothing: {}", refused.0),
        Trouble::Refused(refusal) => kind(refusal).summary.to_owned(),
    };
    unknown(detail)
}

fn unknown(detail: impl Into<String>) -> Failure {
    Failure::new(SNMP, FailureKind::Local, detail)
}
