//! Dial, drive, report: the only place here that waits.

use core::net::IpAddr;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt};
use probe_core::{Context, Failure, Host, Probe, Report, Target};
use probe_net::tls::Security;
use probe_net::{Endpoint, Log, Net, Wire, drive};

use crate::command::EhloName;
use crate::dialogue::SmtpDialogue;
use crate::facts::SmtpFacts;
use crate::findings::{Seen, judge};
use crate::options::Options;
use crate::reply::SmtpCodec;

/// How many addresses of one host are asked at the same time.
const AT_ONCE: usize = 16;

/// Asks an SMTP server whether it works: greeting, extensions, STARTTLS and certificate, authentication.
///
/// It never sends mail.
#[derive(Clone, Debug)]
pub struct SmtpProbe {
    options: Arc<Options>,
}

impl SmtpProbe {
    /// The options to build one from.
    pub fn builder(net: Net) -> Options {
        Options::new(net)
    }

    pub(crate) fn new(options: Options) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    /// One session with the host, or with one of its addresses.
    async fn ask(
        &self,
        endpoint: &Endpoint,
        only: Option<IpAddr>,
        cx: &Context,
    ) -> Report<SmtpFacts> {
        let host = only.map_or_else(|| endpoint.host.clone(), Host::Address);
        let target = Target::host(host, endpoint.port);
        let security = self.options.security_on(endpoint.port);
        let mut log = Log::begin(cx);
        let mut report = Report::new(self.name(), target, cx.now(), SmtpFacts::default());

        let dialled = match only {
            Some(address) => {
                self.options
                    .net
                    .connect(endpoint, &[address], &mut log)
                    .await
            }
            None => self.options.net.dial(endpoint, &mut log).await,
        };
        let outcome = match dialled {
            Ok(mut wire) => {
                self.converse(&mut wire, security, &mut report.facts, &mut log)
                    .await
            }
            Err(failure) => Err(failure),
        };
        report.failure = outcome.err();

        let seen = Seen::new(log.spans(), log.now());
        for finding in judge(&report.facts, &seen, security, &self.options) {
            report.add_finding(finding);
        }
        log.close(&mut report);
        report
    }

    async fn converse(
        &self,
        wire: &mut Wire,
        security: Security,
        facts: &mut SmtpFacts,
        log: &mut Log,
    ) -> Result<(), Failure> {
        let outcome = match security {
            Security::Implicit => wire.secure(log).await,
            _ => Ok(()),
        };
        let mut dialogue = SmtpDialogue::new(self.options.clone(), security, self.ehlo_name(wire));
        let outcome = match outcome {
            Ok(()) => drive(&mut dialogue, &mut SmtpCodec::default(), wire, log).await,
            Err(failure) => Err(failure),
        };
        *facts = dialogue.into_facts();
        facts.address = wire.ends().map(|ends| ends.server);
        facts.tls = wire.tls_facts().cloned();
        outcome
    }

    fn ehlo_name(&self, wire: &Wire) -> EhloName {
        let from_address = || {
            let ends = wire.ends();
            ends.map_or(IpAddr::from([127, 0, 0, 1]), |ends| ends.local.ip())
                .into()
        };
        self.options
            .ehlo_name
            .clone()
            .or_else(|| EhloName::of_this_machine().cloned())
            .unwrap_or_else(from_address)
    }

    /// Every address by itself, all at once.
    async fn ask_each(&self, endpoint: &Endpoint, cx: &Context) -> Report<SmtpFacts> {
        let target = Target::host(endpoint.host.clone(), endpoint.port);
        let mut report = Report::new(self.name(), target, cx.now(), SmtpFacts::default());
        let mut log = Log::begin(cx);
        match self.options.net.addresses(&endpoint.host, &mut log).await {
            Ok(addresses) => {
                let cx = &cx.clone().with_budget(log.time_left());
                let each = addresses
                    .into_iter()
                    .map(|one| self.ask(endpoint, Some(one), cx));
                let parts = stream::iter(each).buffered(AT_ONCE).map(Report::erase);
                report.parts = parts.collect().await;
            }
            Err(failure) => report.failure = Some(failure),
        }
        log.close(&mut report);
        report
    }
}

impl Probe for SmtpProbe {
    type Facts = SmtpFacts;

    fn name(&self) -> &'static str {
        "smtp"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<SmtpFacts> {
        let Target::Host { host, port } = target else {
            let failure = Failure::unfit_target(target);
            let mut report =
                Report::new(self.name(), target.clone(), cx.now(), SmtpFacts::default());
            report.failure = Some(failure);
            return report;
        };
        let mut endpoint = Endpoint::new(
            host.clone(),
            port.unwrap_or_else(|| self.options.default_port()),
        );
        endpoint.server_name = self.options.server_name.clone();
        endpoint.secrets_over = self.options.secrets_over;
        match self.options.every_address {
            true => self.ask_each(&endpoint, cx).await,
            false => self.ask(&endpoint, None, cx).await,
        }
    }
}
