//! Look twice, judge, report: the only place here that waits.

use std::sync::Arc;

use probe_core::{Context, Failure, FailureKind, Phase, Probe, Report, Target};
use probe_net::Log;

use super::facts::HostFacts;
use super::findings::judge;
use super::options::HostOptions;

/// Looking at the machine.
const LOOK: Phase = Phase::new("look");

/// Asks the machine that we run on how it is: processors, memory, load, file systems. Linux only.
///
/// The target is what the report is called by. Whatever cannot be read is a failure of the kind [`FailureKind::Local`]; what
/// else was learned stays. In a container with limits of its own (control groups, version 2), those count.
///
/// ```no_run
/// use mailhost_probe::HostProbe;
/// use probe_core::{Context, Probe};
///
/// # async fn look() -> Result<(), Box<dyn std::error::Error>> {
/// let probe = HostProbe::builder().queue("/var/spool/postfix").build()?;
/// let report = probe.probe(&"localhost".parse()?, &Context::default()).await;
/// if let Some(disk) = report.facts.queue_disk() {
///     println!("{}: {:.0} % free", disk.name, disk.ratio() * 100.0);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct HostProbe {
    options: Arc<HostOptions>,
}

impl HostProbe {
    /// The options to build one from.
    pub fn builder() -> HostOptions {
        HostOptions::new()
    }

    pub(super) fn new(options: HostOptions) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    /// Everything that can be read, and complaints about the rest.
    #[cfg(target_os = "linux")]
    async fn look(&self, facts: &mut HostFacts, time_left: std::time::Duration) -> Vec<String> {
        use tokio::time::{Instant, sleep};

        use super::machine::Machine;

        let machine = Machine::new(self.options.root.clone());
        let (before, began) = (machine.counters(), Instant::now());
        let (state, mut unread) = machine.state();
        *facts = state;
        let queue = self.options.queue_or_default();
        let resolved = machine.resolved(queue).await;
        if self.options.queue.is_some() {
            unread.extend(resolved.as_ref().err().cloned());
        }
        let queue = resolved.unwrap_or_else(|_| queue.to_owned());
        unread.extend(machine.disks(&queue, facts).await.err());
        // Rather a short look than none.
        let interval = self.options.interval.min(time_left / 2);
        let Ok(before) = before else {
            // That it cannot be read was said already.
            return unread;
        };
        if !interval.is_zero() {
            sleep(interval.saturating_sub(began.elapsed())).await;
            if let Ok(now) = machine.counters() {
                now.since(&before, began.elapsed(), facts);
            }
        }
        unread
    }

    #[cfg(not(target_os = "linux"))]
    async fn look(&self, _: &mut HostFacts, _: std::time::Duration) -> Vec<String> {
        let options = &self.options;
        vec![format!(
            "{}: only Linux tells of itself where it can be read",
            options.root.display()
        )]
    }
}

impl Probe for HostProbe {
    type Facts = HostFacts;

    fn name(&self) -> &'static str {
        "host"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<HostFacts> {
        let mut log = Log::begin(cx);
        let mut facts = HostFacts::default();
        let time_left = log.time_left().min(cx.patience(LOOK));
        let outcome = log.within(LOOK, self.look(&mut facts, time_left)).await;
        let failure = match outcome {
            Ok(unread) => (!unread.is_empty()).then(|| unread.join("; ")),
            // That we are slow says nothing of the mail host.
            Err(late) => Some(late.detail),
        };
        let findings = judge(&facts, &self.options.limits);
        let mut report = Report::new(self.name(), target.clone(), cx.now(), facts);
        report.failure = failure.map(|why| Failure::new(LOOK, FailureKind::Local, why));
        for finding in findings {
            report.add_finding(finding);
        }
        log.close(&mut report);
        report
    }
}
