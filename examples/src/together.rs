//! Several probes as one: each is a part of the report, and the worst of them its verdict.

use futures_util::stream::{self, StreamExt};
use probe_core::{AnyProbe, Context, Probe, Report, Target};
use probe_net::Log;

/// Asks several things at once, of one target or of several that belong together.
///
/// ```no_run
/// use mailhost_probe::{HostProbe, QueueProbe, Source};
/// use mailprobe::together::Together;
/// use probe_core::{AnyProbe, Context, Probe};
///
/// # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
/// let queue = QueueProbe::builder(Source::Showq(Source::SHOWQ.into())).build()?;
/// let machine = HostProbe::builder().build()?;
/// let both = [AnyProbe::new(queue), AnyProbe::new(machine)];
/// let localhost: probe_core::Target = "localhost".parse()?;
/// let both = Together::new("mailhost", both.map(|probe| (localhost.clone(), probe)));
/// let report = both.probe(&localhost, &Context::default()).await;
/// println!("{}: {} parts", report.verdict(), report.parts.len());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Together {
    name: &'static str,
    questions: Vec<(Target, AnyProbe)>,
}

impl Together {
    /// So many are under way at once.
    const AT_ONCE: usize = 32;

    /// These probes, each with its own target, under a name for all of them. In this order they are reported. What the whole
    /// is asked of is what its report is called by.
    pub fn new(
        name: &'static str,
        questions: impl IntoIterator<Item = (Target, AnyProbe)>,
    ) -> Self {
        Self {
            name,
            questions: questions.into_iter().collect(),
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
        let mut asking = Vec::new();
        for (target, probe) in &self.questions {
            asking.push(probe.probe(target, cx));
        }
        let parts = stream::iter(asking).buffered(Self::AT_ONCE);
        report.parts = parts.collect().await;
        log.close(&mut report);
        report
    }
}
