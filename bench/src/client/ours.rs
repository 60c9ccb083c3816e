//! Our probes as their users have them: nothing is set that need not be.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use pop3_probe::Pop3Probe;
use probe_core::{AnyProbe, Context, Phase, Probe, Target, Verdict};
use probe_net::Net;
use probe_net::tls::{Security, Tls};
use smtp_probe::SmtpProbe;

use super::{Manner, Task};
use crate::certificates::{Certificates, NAME};

pub(super) struct Ours {
    probe: AnyProbe,
    target: Target,
    context: Context,
}

impl Ours {
    pub(super) fn new(task: &Task, certificates: &Certificates) -> Result<Self> {
        let net = Net::new(Tls::ring(certificates.roots()?));
        let smtp = |net, security| {
            let options = SmtpProbe::builder(net).security(security);
            anyhow::Ok(AnyProbe::new(options.server_name(NAME.parse()?).build()?))
        };
        let probe = match task.manner {
            Manner::Plain => smtp(net, Security::Cleartext)?,
            Manner::Starttls => smtp(net, Security::Required)?,
            Manner::Implicit => smtp(net, Security::Implicit)?,
            Manner::Pop3s => {
                let options = Pop3Probe::builder(net).security(Security::Implicit);
                AnyProbe::new(options.server_name(NAME.parse()?).build()?)
            }
        };
        let budget = Duration::from_secs(task.budget);
        Ok(Self {
            probe,
            target: Target::host(task.server.ip(), task.server.port()),
            context: Context::default().with_budget(budget).with_patience(budget),
        })
    }

    pub(super) async fn ask(&self) -> Result<Duration> {
        let report = self.probe.probe(&self.target, &self.context).await;
        if report.verdict() != Verdict::Ok {
            bail!("{}", report.headline());
        }
        let quit = report.spans.iter().find(|span| span.phase == Phase::QUIT);
        Ok(quit.context("it took no leave")?.start)
    }
}
