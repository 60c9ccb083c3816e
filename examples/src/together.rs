//! Several probes of the same target, as one: each is a part of the report, and the worst of them its verdict.

use core::num::NonZeroUsize;

use probe_core::{AnyProbe, Context, Fleet, Probe, Report, Target};
use probe_net::Log;

/// Asks several things of one target at once.
///
/// ```no_run
/// use mailhost_probe::{HostProbe, QueueProbe, Source};
/// use mailprobe::together::Together;
/// use probe_core::{AnyProbe, Context, Probe};
///
/// # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
/// let queue = QueueProbe::builder(Source::Showq(Source::SHOWQ.into())).build()?;
/// let machine = HostProbe::builder().build()?;
/// let both = Together::new("mailhost", [AnyProbe::new(queue), AnyProbe::new(machine)]);
/// let report = both.probe(&"localhost".parse()?, &Context::default()).await;
/// println!("{}: {} parts", report.verdict(), report.parts.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Together {
    name: &'static str,
    probes: Vec<AnyProbe>,
}

impl Together {
    /// So many are under way at once.
    const AT_ONCE: NonZeroUsize = NonZeroUsize::new(32).unwrap();

    /// These probes, under a name for all of them. In this order they are reported.
    pub fn new(name: &'static str, probes: impl IntoIterator<Item = AnyProbe>) -> Self {
        Self {
            name,
            probes: probes.into_iter().collect(),
        }
    }
}

impl Probe for Together {
    type Facts = ();

    fn name(&self) -> &'static str {
        self.name
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<()> {
        let log = Log::begin(cx);
        let mut report = Report::new(self.name, target.clone(), cx.now(), ());
        let probes = self.probes.iter().cloned();
        let asked = probes.map(|probe| (target.clone(), probe));
        let mut fleet = Fleet::new(asked, cx.clone(), Self::AT_ONCE);
        while let Some(part) = fleet.next().await {
            report.parts.push(part);
        }
        let place = |name| self.probes.iter().position(|probe| probe.name() == name);
        report.parts.sort_by_key(|part| place(part.probe));
        log.close(&mut report);
        report
    }
}
