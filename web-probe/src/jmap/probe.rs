//! Ask, look, ask again, report.

use std::sync::Arc;

use probe_core::{Context, Failure, Probe, Report, Target};
use probe_net::http::Url;
use probe_net::{Log, Net, Seen};

use super::command;
use super::dialogue::{JmapDialogue, Next};
use super::facts::JmapFacts;
use super::findings::judge;
use super::options::Options;
use crate::probe::{Visitor, named, unaskable};

/// Asks a JMAP server for its session, and with credentials whether its API works.
///
/// It changes nothing and reads no message.
#[derive(Clone, Debug)]
pub struct JmapProbe(Arc<Options>);

impl JmapProbe {
    /// The options to build one from.
    pub fn builder(net: Net) -> Options {
        Options::new(net)
    }

    pub(super) fn new(options: Options) -> Self {
        Self(Arc::new(options))
    }

    /// Asks until nothing is left to ask, and gives what was learned until it stopped.
    async fn converse(
        &self,
        first: Url,
        visitor: &mut Visitor,
        log: &mut Log,
    ) -> (JmapFacts, Result<(), Failure>) {
        let mut dialogue = JmapDialogue::new(self.0.clone(), first);
        let outcome = self.lead(&mut dialogue, visitor, log).await;
        (dialogue.into_facts(), outcome)
    }

    async fn lead(
        &self,
        dialogue: &mut JmapDialogue,
        visitor: &mut Visitor,
        log: &mut Log,
    ) -> Result<(), Failure> {
        let mut next = dialogue.begin();
        while let Next::Ask(question) = next {
            let request = command::request(&question, self.0.credentials.as_ref());
            let (page, interrupted) = visitor.ask(&request.map_err(unaskable)?, log).await?;
            // What is cut short is no JSON; of other pages the status tells enough.
            if let Some(failure) = interrupted.filter(|_| page.status == 200) {
                return Err(failure);
            }
            next = dialogue.hear(&page)?;
        }
        Ok(())
    }
}

impl Probe for JmapProbe {
    type Facts = JmapFacts;

    fn name(&self) -> &'static str {
        "jmap"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<JmapFacts> {
        let options = &self.0;
        let mut log = Log::begin(cx);
        let mut visitor = Visitor::new(options.net.clone(), options.secrets_over);
        let begun = visitor.begin(&options.place, target, &mut log).await;
        let (facts, outcome) = match begun {
            Ok(url) => self.converse(url, &mut visitor, &mut log).await,
            Err(failure) => (JmapFacts::default(), Err(failure)),
        };
        let facts = JmapFacts {
            address: visitor.address,
            tls: visitor.tls,
            ..facts
        };
        let findings = judge(&facts, &Seen::new(log.spans(), log.now()), options);
        let target = named(target, &options.place);
        let mut report = Report::new(self.name(), target, cx.now(), facts);
        report.failure = outcome.err();
        for finding in findings {
            report.add_finding(finding);
        }
        log.close(&mut report);
        report
    }
}
