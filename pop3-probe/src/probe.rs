//! Dial, drive, report: the only place here that waits.

mod visit;

use std::sync::Arc;

use probe_core::{Context, Failure, Finding, Host, Probe, Report, Target};
use probe_net::tls::Security;
use probe_net::{Endpoint, Log, Net, Seen, Service, Session, Wire, drive};

use crate::dialogue::Pop3Dialogue;
use crate::facts::{Pop3Facts, Rights};
use crate::findings::judge;
use crate::options::Options;
use crate::reply::Pop3Codec;

pub use visit::Visit;

/// Asks a POP3 server whether it works: greeting, capabilities, STLS and certificate, authentication, and what lies
/// in the maildrop.
///
/// It never deletes mail; a [`Visit`] does so where it is told to.
#[derive(Clone, Debug)]
pub struct Pop3Probe {
    options: Arc<Options>,
}

impl Pop3Probe {
    /// The options to build one from.
    pub fn builder(net: Net) -> Options {
        Options::new(net)
    }

    pub(crate) fn new(options: Options) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    /// Looks in a fresh session whether the message is still there that was marked as deleted, whatever became of
    /// the session that marked it.
    async fn look_again(
        &self,
        session: Session<'_>,
        facts: &mut Pop3Facts,
        log: &mut Log,
    ) -> Result<(), Failure> {
        // A maildrop takes one session at a time.
        session.wire.hang_up();
        let addresses: Vec<_> = facts
            .address
            .map(|address| address.ip())
            .into_iter()
            .collect();
        let mut wire = self
            .net()
            .connect(session.endpoint, &addresses, log)
            .await?;
        if session.security == Security::Implicit {
            wire.secure(log).await?;
        }
        let options = Arc::new(self.options.for_a_second_look());
        let mut dialogue = Pop3Dialogue::new(options, session.security);
        drive(&mut dialogue, &mut Pop3Codec::default(), &mut wire, log).await?;
        let kept = is_kept(facts, dialogue.facts());
        if let Some(rights) = &mut facts.rights {
            rights.kept = kept;
        }
        Ok(())
    }
}

/// Whether the message is still there; without unique ids, whether there are as many as before.
fn is_kept(before: &Pop3Facts, after: &Pop3Facts) -> Option<bool> {
    let message = before.rights.as_ref()?.message?;
    let (before, after) = (before.maildrop.as_ref()?, after.maildrop.as_ref()?);
    match (&before.unique_ids, &after.unique_ids) {
        (Some(ids), Some(now)) => {
            let id = ids.of(message)?;
            Some(now.ids().any(|(_, one)| one == id))
        }
        _ => Some(after.messages >= before.messages),
    }
}

impl Probe for Pop3Probe {
    type Facts = Pop3Facts;

    fn name(&self) -> &'static str {
        "pop3"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<Pop3Facts> {
        probe_net::probe(self, target, cx).await
    }
}

impl Service for Pop3Probe {
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
        facts: &mut Pop3Facts,
        log: &mut Log,
    ) -> Result<(), Failure> {
        let mut dialogue = Pop3Dialogue::new(self.options.clone(), session.security);
        let codec = &mut Pop3Codec::default();
        let outcome = drive(&mut dialogue, codec, session.wire, log).await;
        *facts = dialogue.into_facts();
        Self::note_connection(facts, session.wire);
        let touched = facts.rights.as_ref().is_some_and(Rights::touched_something);
        // A server that wants a pause between two logins would refuse the second one.
        let may_return = facts.login_delay().is_none_or(|delay| delay.is_zero());
        match touched && may_return {
            // What came first is the cause.
            true => outcome.and(self.look_again(session, facts, log).await),
            false => outcome,
        }
    }

    fn note_connection(facts: &mut Pop3Facts, wire: &Wire) {
        facts.address = wire.ends().map(|ends| ends.server);
        facts.tls = wire.tls_facts().cloned();
    }

    /// A maildrop takes one session at a time (RFC 1939 section 4).
    fn at_once(&self) -> usize {
        match self.options.credentials {
            Some(_) => 1,
            None => 16,
        }
    }

    fn judge(&self, facts: &Pop3Facts, seen: &Seen<'_>, security: Security) -> Vec<Finding> {
        judge(facts, seen, security, &self.options)
    }
}
