//! Ask, hear, judge, report: the only file of this crate that waits. The way to the server, TLS and HTTP are probe-net's.

mod visit;

use core::net::IpAddr;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use probe_core::{Context, Failure, FailureKind, Host, Phase, Probe, Report, Target};
use probe_net::http::Client;
use probe_net::{Log, Net, Seen};

use crate::command::{Command, Session, Verb};
use crate::dialogue::{EasDialogue, Event, Step};
use crate::facts::EasFacts;
use crate::findings::judge;
use crate::options::Options;
use crate::reply::Reply;

pub use visit::{Place, Visit};

/// Asks an ActiveSync server whether phones can work with it.
#[derive(Clone, Debug)]
pub struct EasProbe {
    options: Arc<Options>,
}

impl EasProbe {
    /// So many addresses of one host are asked at the same time.
    const AT_ONCE: usize = 16;
    /// What answers have, at most: the folders of a large mailbox, and much more than that.
    const BODY: usize = 1024 * 1024;

    /// The options to build one from.
    pub fn builder(net: Net) -> Options {
        Options::new(net)
    }

    /// The dialogue with the server at this host, if there can be one: for whoever leads it without a network.
    pub fn dialogue(&self, host: &Host, port: Option<u16>) -> Option<EasDialogue> {
        let session = self.options.session(host, port)?;
        Some(EasDialogue::new(self.options.clone(), session))
    }

    pub(crate) fn new(options: Options) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    /// Every address of the host, each as a part of the report.
    async fn ask_each(
        &self,
        host: &Host,
        port: Option<u16>,
        target: Target,
        cx: &Context,
    ) -> Report<EasFacts> {
        let mut report = Report::new(self.name(), target, cx.now(), EasFacts::default());
        let mut log = Log::begin(cx);
        match self.options.net.addresses(host, &mut log).await {
            Ok(addresses) => {
                let each = addresses.into_iter().map(|address| {
                    let cx = cx.clone().with_budget(log.time_left());
                    async move { self.ask_at(host, port, Some(address), &cx).await }
                });
                let parts = stream::iter(each)
                    .buffered(Self::AT_ONCE)
                    .map(Report::erase);
                report.parts = parts.collect().await;
            }
            Err(failure) => report.failure = Some(failure),
        }
        log.close(&mut report);
        report
    }

    async fn ask_at(
        &self,
        host: &Host,
        port: Option<u16>,
        only: Option<IpAddr>,
        cx: &Context,
    ) -> Report<EasFacts> {
        let shown = only.map_or_else(|| host.clone(), Host::Address);
        let target = Target::host(shown, port.unwrap_or(self.options.default_port()));
        let started_at = cx.now();
        let cx = self.patient(cx);
        let mut log = Log::begin(&cx);
        let mut facts = EasFacts::default();
        let outcome = match self.dialogue(host, port) {
            Some(dialogue) => match self.addresses(host, only, &mut log).await {
                Ok(addresses) => self.lead(dialogue, addresses, &mut facts, &mut log).await,
                Err(failure) => Err(failure),
            },
            None => {
                let detail = format!("no address can be made of {host}");
                Err(Failure::new(Phase::RESOLVE, FailureKind::Local, detail))
            }
        };
        let seen = Seen::new(log.spans(), log.now());
        let findings = judge(&facts, &seen, &self.options);
        let mut report = Report::new(self.name(), target, started_at, facts);
        report.failure = outcome.err();
        for finding in findings {
            report.add_finding(finding);
        }
        log.close(&mut report);
        report
    }

    /// The addresses to ask, where the name that is asked for does not lead there.
    async fn addresses(
        &self,
        host: &Host,
        only: Option<IpAddr>,
        log: &mut Log,
    ) -> Result<Option<Vec<IpAddr>>, Failure> {
        match only {
            Some(address) => Ok(Some(vec![address])),
            None if self.options.has_server_name() => {
                self.options.net.addresses(host, log).await.map(Some)
            }
            None => Ok(None),
        }
    }

    /// Who waits on purpose is waited for.
    fn patient(&self, cx: &Context) -> Context {
        let phase = Verb::Ping.phase();
        let patience = cx.patience(phase).saturating_add(self.options.heartbeat);
        cx.clone().with_patience_for(phase, patience)
    }

    async fn lead(
        &self,
        mut dialogue: EasDialogue,
        only: Option<Vec<IpAddr>>,
        facts: &mut EasFacts,
        log: &mut Log,
    ) -> Result<(), Failure> {
        let mut client = self.client(&dialogue, only);
        let outcome = self.converse(&mut dialogue, &mut client, log).await;
        *facts = dialogue.into_facts();
        facts.address = client.server();
        facts.tls = client.tls_facts().cloned();
        outcome
    }

    fn client(&self, dialogue: &EasDialogue, only: Option<Vec<IpAddr>>) -> Client {
        let client = Client::new(self.options.net.clone())
            .with_body_limit(Self::BODY)
            .with_secrets_over(self.options.secrets_over)
            .keeping_cookies();
        let asked = dialogue.session().base.host().clone();
        match only {
            Some(addresses) => client.reaching(asked, addresses),
            None => client,
        }
    }

    async fn converse(
        &self,
        dialogue: &mut EasDialogue,
        client: &mut Client,
        log: &mut Log,
    ) -> Result<(), Failure> {
        let step = dialogue.next(Event::Begin)?;
        self.go_on(step, dialogue, client, log).await
    }

    async fn go_on(
        &self,
        mut step: Step,
        dialogue: &mut EasDialogue,
        client: &mut Client,
        log: &mut Log,
    ) -> Result<(), Failure> {
        loop {
            let Step::Ask(command) = step else {
                return Ok(());
            };
            let event = self.ask(&command, dialogue.session(), client, log).await?;
            step = dialogue.next(event)?;
        }
    }

    async fn ask(
        &self,
        command: &Command,
        session: &Session,
        client: &mut Client,
        log: &mut Log,
    ) -> Result<Event, Failure> {
        let credentials = self.options.credentials.as_ref();
        let request = command.request(session, credentials).map_err(|error| {
            Failure::new(command.phase(), FailureKind::Local, error.to_string())
        })?;
        let known = log.spans().len();
        let response = client.send(&request, log).await?;
        // Without what came before the request: dialling, TLS.
        let asked = log.spans().iter().skip(known);
        let asked = asked.filter(|span| span.phase == command.phase());
        let took = asked.map(|span| span.duration).sum();
        response.whole()?;
        let reply = Box::new(Reply::of(&response, log.now()));
        if let Some(document) = reply.document() {
            log.remark(|| document.to_string());
        }
        Ok(Event::Reply { reply, took })
    }
}

impl Probe for EasProbe {
    type Facts = EasFacts;

    fn name(&self) -> &'static str {
        "eas"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<EasFacts> {
        let Target::Host { host, port } = target else {
            let facts = EasFacts::default();
            let mut report = Report::new(self.name(), target.clone(), cx.now(), facts);
            report.failure = Some(Failure::unfit_target(target));
            return report;
        };
        if self.options.every_address {
            return self.ask_each(host, *port, target.clone(), cx).await;
        }
        self.ask_at(host, *port, None, cx).await
    }
}
