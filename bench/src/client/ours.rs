//! `smtp-probe` as its users have it: nothing is set that need not be.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use probe_core::{Context, Phase, Probe, Target, Verdict};
use probe_net::Net;
use probe_net::tls::{Security, Tls};
use smtp_probe::SmtpProbe;

use super::{Manner, Task};
use crate::certificates::{Certificates, NAME};

pub(super) struct Ours {
    probe: SmtpProbe,
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
        let probe = SmtpProbe::builder(net)
            .security(security)
            .server_name(NAME.parse()?)
            .build()?;
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
