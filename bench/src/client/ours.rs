//! Our probes as their users have them: nothing is set that need not be. With implicit TLS, `imap-probe` logs in.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use imap_probe::ImapProbe;
use pop3_probe::Pop3Probe;
use probe_core::{AnyProbe, Context, Phase, Probe, Target, Verdict};
use probe_net::Net;
use probe_net::sasl::Credentials;
use probe_net::tls::{Security, Tls};
use smtp_probe::SmtpProbe;

use super::{Manner, PASSWORD, Task, USER, Who};
use crate::certificates::{Certificates, NAME};

pub(super) struct Ours {
    probe: AnyProbe,
    target: Target,
    context: Context,
}

impl Ours {
    pub(super) fn new(task: &Task, certificates: &Certificates) -> Result<Self> {
        let net = Net::new(Tls::ring(certificates.roots()?));
        let security = match task.manner {
            Manner::Plain => Security::Cleartext,
            Manner::Starttls => Security::Required,
            Manner::Implicit => Security::Implicit,
        };
        let budget = Duration::from_secs(task.budget);
        Ok(Self {
            probe: match task.who {
                Who::ImapProbe => imap(net, security)?,
                Who::Pop3Probe => pop3(net, security)?,
                _ => smtp(net, security)?,
            },
            target: Target::host(task.server.ip(), task.server.port()),
            context: Context::default().with_budget(budget).with_patience(budget),
        })
    }

    /// After how long it was logged in, or knew all that the server tells a stranger.
    pub(super) async fn ask(&self) -> Result<Duration> {
        let report = self.probe.probe(&self.target, &self.context).await;
        if report.verdict() != Verdict::Ok {
            bail!("{}", report.headline());
        }
        let span = |phase| report.spans.iter().find(|span| span.phase == phase);
        match span(Phase::AUTH) {
            Some(login) => Ok(login.end()),
            None => Ok(span(Phase::QUIT).context("it took no leave")?.start),
        }
    }
}

fn imap(net: Net, security: Security) -> Result<AnyProbe> {
    let options = ImapProbe::builder(net).security(security);
    let options = options.server_name(NAME.parse()?);
    let options = match security {
        Security::Implicit => options.credentials(Credentials::password(USER, PASSWORD)?),
        _ => options,
    };
    Ok(AnyProbe::new(options.build()?))
}

fn pop3(net: Net, security: Security) -> Result<AnyProbe> {
    let options = Pop3Probe::builder(net).security(security);
    Ok(AnyProbe::new(options.server_name(NAME.parse()?).build()?))
}

fn smtp(net: Net, security: Security) -> Result<AnyProbe> {
    let options = SmtpProbe::builder(net).security(security);
    Ok(AnyProbe::new(options.server_name(NAME.parse()?).build()?))
}
