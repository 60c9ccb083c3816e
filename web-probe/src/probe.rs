//! Ask, look, ask again, report: all that waits, here and in JMAP's own `probe`.

use core::fmt::Display;
use core::net::SocketAddr;
use std::sync::Arc;

use probe_core::{Context, Failure, FailureKind, Host, Phase, Probe, Report, Target};
use probe_net::http::{Client, Request, Url};
use probe_net::tls::{SecretsOver, TlsFacts};
use probe_net::{Log, Net, Seen};

use crate::command;
use crate::dialogue::{Next, WebmailDialogue};
use crate::facts::WebmailFacts;
use crate::findings::judge;
use crate::options::{Options, Place};
use crate::page::Page;

/// Asks a webmail for its login page: whether it is there, whose it is, and whether a password is safe with it.
///
/// It logs in nowhere.
#[derive(Clone, Debug)]
pub struct WebmailProbe(Arc<Options>);

impl WebmailProbe {
    /// The options to build one from.
    pub fn builder(net: Net) -> Options {
        Options::new(net)
    }

    pub(crate) fn new(options: Options) -> Self {
        Self(Arc::new(options))
    }

    async fn visit(
        &self,
        first: Url,
        visitor: &mut Visitor,
        dialogue: &mut WebmailDialogue,
        log: &mut Log,
    ) -> Result<(), Failure> {
        let mut next = Next::Ask(first);
        while let Next::Ask(url) = next {
            let request = command::page(url).map_err(unaskable)?;
            let (page, interrupted) = visitor.ask(&request, log).await?;
            next = dialogue.hear(&page);
            if let (Some(failure), Next::Done) = (interrupted, &next) {
                return Err(failure);
            }
        }
        Ok(())
    }
}

impl Probe for WebmailProbe {
    type Facts = WebmailFacts;

    fn name(&self) -> &'static str {
        "web"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<WebmailFacts> {
        let options = &self.0;
        let mut log = Log::begin(cx);
        let mut dialogue = WebmailDialogue::new(options.clone());
        let place = &options.place;
        let mut visitor = Visitor::new(options.net.clone(), SecretsOver::default());
        let outcome = match visitor.begin(place, target, &mut log).await {
            Ok(url) => self.visit(url, &mut visitor, &mut dialogue, &mut log).await,
            Err(failure) => Err(failure),
        };
        let facts = WebmailFacts {
            address: visitor.address,
            tls: visitor.tls,
            ..dialogue.into_facts()
        };
        let findings = judge(&facts, &Seen::new(log.spans(), log.now()), options);
        let mut report = Report::new(self.name(), named(target, place), cx.now(), facts);
        report.failure = outcome.err();
        for finding in findings {
            report.add_finding(finding);
        }
        log.close(&mut report);
        report
    }
}

/// The target with the port that was asked.
pub(crate) fn named(target: &Target, place: &Place) -> Target {
    target.clone().or_port(place.scheme.default_port())
}

/// Whoever asks for pages in one run. The host that is probed may be asked at an address of its own; all others are
/// found by their names.
pub(crate) struct Visitor {
    net: Net,
    secrets_over: SecretsOver,
    host: Option<Host>,
    here: Client,
    elsewhere: Client,
    pub(crate) address: Option<SocketAddr>,
    /// The first handshake: that with the host that is probed.
    pub(crate) tls: Option<Arc<TlsFacts>>,
}

impl Visitor {
    /// The most octets of a page that are read. Login pages have up to a tenth of it.
    const PAGE: usize = 512 * 1024;

    pub(crate) fn new(net: Net, secrets_over: SecretsOver) -> Self {
        Self {
            host: None,
            here: Self::client(&net, secrets_over),
            elsewhere: Self::client(&net, secrets_over),
            address: None,
            tls: None,
            net,
            secrets_over,
        }
    }

    fn client(net: &Net, secrets_over: SecretsOver) -> Client {
        let client = Client::new(net.clone()).with_body_limit(Self::PAGE);
        client.with_secrets_over(secrets_over)
    }

    /// Where the target leads.
    pub(crate) async fn begin(
        &mut self,
        place: &Place,
        target: &Target,
        log: &mut Log,
    ) -> Result<Url, Failure> {
        let Target::Host { host, port } = target else {
            return Err(Failure::unfit_target(target));
        };
        let port = port.unwrap_or(place.scheme.default_port());
        let url = place.on(host, port).map_err(unaskable)?;
        if url.host() != host {
            let addresses = self.net.addresses(host, log).await?;
            let here = Self::client(&self.net, self.secrets_over);
            self.here = here.reaching(url.host().clone(), addresses);
        }
        self.host = Some(url.host().clone());
        Ok(url)
    }

    /// Asks, and tells why a page did not come whole.
    pub(crate) async fn ask(
        &mut self,
        request: &Request,
        log: &mut Log,
    ) -> Result<(Page, Option<Failure>), Failure> {
        let is_here = self.host.as_ref() == Some(request.url().host());
        let client = match is_here {
            true => &mut self.here,
            false => &mut self.elsewhere,
        };
        let answered = client.send(request, log).await;
        self.address = client.server().or(self.address);
        let tls = client.tls_facts().filter(|_| is_here).cloned();
        self.tls = self.tls.take().or(tls);
        let response = answered?;
        let page = Page::of(&response, log.now());
        Ok((page, response.interrupted))
    }
}

/// A request that cannot be made, though the options were checked.
pub(crate) fn unaskable(error: impl Display) -> Failure {
    Failure::new(Phase::RESOLVE, FailureKind::Local, error.to_string())
}
