//! Dial, drive, report: the only place here that waits.

use core::net::IpAddr;
use std::sync::Arc;

use probe_core::{AnyFacts, Context, Failure, FailureKind, Finding, Host, Probe, Report, Target};
use probe_net::message::Token;
use probe_net::tls::Security;
use probe_net::{Endpoint, Log, Net, Seen, Service, Session, Wire, drive};

use crate::command::EhloName;
use crate::dialogue::{MAIL, SmtpDialogue};
use crate::facts::SmtpFacts;
use crate::findings::{judge, judge_pool};
use crate::options::{Options, Protocol};
use crate::reply::SmtpCodec;

/// Asks an SMTP server whether it works: greeting, extensions, STARTTLS and certificate, authentication.
///
/// It sends no mail, unless it is given a [message](Options::message).
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
}

/// What the server is called: its name, or its address where it has none.
fn server_name(endpoint: &Endpoint, address: Option<IpAddr>) -> EhloName {
    let name = match (&endpoint.server_name, &endpoint.host) {
        (Some(name), _) | (None, Host::Name(name)) => name.as_str().parse().ok(),
        _ => None,
    };
    let address = address.unwrap_or(IpAddr::from([127, 0, 0, 1]));
    name.unwrap_or_else(|| EhloName::from(address))
}

/// What nobody's name contains.
fn token() -> Result<Token, Failure> {
    Token::random().map_err(|error| Failure::new(MAIL, FailureKind::Local, error.to_string()))
}

impl Probe for SmtpProbe {
    type Facts = SmtpFacts;

    fn name(&self) -> &'static str {
        match self.options.protocol {
            Protocol::Lmtp => "lmtp",
            Protocol::Smtp => "smtp",
        }
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<SmtpFacts> {
        probe_net::probe(self, target, cx).await
    }
}

impl Service for SmtpProbe {
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
        facts: &mut SmtpFacts,
        log: &mut Log,
    ) -> Result<(), Failure> {
        let wire = session.wire;
        let name = self.ehlo_name(wire);
        let mut dialogue = SmtpDialogue::new(self.options.clone(), session.security, name);
        if self.options.catch_all || self.options.relay_test.is_some() {
            dialogue = dialogue.with_token(token()?);
        }
        if self.options.relay_test.is_some() {
            let address = wire.ends().map(|ends| ends.server.ip());
            dialogue = dialogue.with_server(server_name(session.endpoint, address), address);
        }
        let outcome = drive(&mut dialogue, &mut SmtpCodec::default(), wire, log).await;
        *facts = dialogue.into_facts();
        if let Some(tls) = wire.tls_facts() {
            facts.dane = self.options.tls_expectation.compare(tls, log.now());
        }
        outcome
    }

    fn note_connection(facts: &mut SmtpFacts, wire: &Wire) {
        facts.address = wire.ends().map(|ends| ends.server);
        facts.tls = wire.tls_facts().cloned();
    }

    fn judge(&self, facts: &SmtpFacts, seen: &Seen<'_>, security: Security) -> Vec<Finding> {
        judge(facts, seen, security, &self.options)
    }

    fn judge_members(&self, members: &mut [Report<AnyFacts>]) {
        judge_pool(members);
    }
}
