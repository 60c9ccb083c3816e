//! Many probes at once, within a bound.

use core::fmt;
use core::future::Future;
use core::num::NonZeroUsize;
use core::pin::Pin;
use std::collections::VecDeque;

use futures_util::stream::{FuturesUnordered, StreamExt};

use crate::{AnyProbe, Context, Probe, Report, Target};

/// A fleet of probes under way: at most so many at once, reports in the order in which they finish.
///
/// The probes run while [`Fleet::next`] is awaited; dropping the fleet ends them all.
///
/// ```
/// # use probe_core::{AnyProbe, Context, Fleet, Probe, Report, Target};
/// # struct Optimist;
/// # impl Probe for Optimist {
/// #     type Facts = ();
/// #     fn name(&self) -> &'static str { "optimist" }
/// #     async fn probe(&self, target: &Target, cx: &Context) -> Report<()> {
/// #         Report::new(self.name(), target.clone(), cx.now(), ())
/// #     }
/// # }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let probe = AnyProbe::new(Optimist);
/// let watched: Vec<(Target, AnyProbe)> = vec![
///     ("mx1.example.org:25".parse()?, probe.clone()),
///     ("mx2.example.org:25".parse()?, probe),
/// ];
///
/// let mut fleet = Fleet::new(watched, Context::default(), 50.try_into()?);
/// while let Some(report) = fleet.next().await {
///     println!("{} {}", report.target, report.verdict());
/// }
/// # Ok(())
/// # }
/// ```
pub struct Fleet {
    waiting: VecDeque<(Target, AnyProbe)>,
    running: FuturesUnordered<Pin<Box<dyn Future<Output = Report> + Send>>>,
    at_once: NonZeroUsize,
    context: Context,
}

impl Fleet {
    /// A fleet that has `at_once` probes under way, each with the same `context`.
    pub fn new(
        probes: impl IntoIterator<Item = (Target, AnyProbe)>,
        context: Context,
        at_once: NonZeroUsize,
    ) -> Self {
        Self {
            waiting: probes.into_iter().collect(),
            running: FuturesUnordered::new(),
            at_once,
            context,
        }
    }

    /// The next report, or `None` when all have come. Cancelling it loses nothing.
    pub async fn next(&mut self) -> Option<Report> {
        while self.running.len() < self.at_once.get() {
            let Some((target, probe)) = self.waiting.pop_front() else {
                break;
            };
            let context = self.context.clone();
            let asking = async move { probe.probe(&target, &context).await };
            self.running.push(Box::pin(asking));
        }
        self.running.next().await
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet")
            .field("waiting", &self.waiting.len())
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    /// Takes as many seconds as the target's port says, and counts how many are at it.
    #[derive(Default)]
    struct Counting {
        now: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
    }

    impl Probe for Counting {
        type Facts = ();

        fn name(&self) -> &'static str {
            "counting"
        }

        async fn probe(&self, target: &Target, cx: &Context) -> Report<()> {
            let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(now, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(target.port().unwrap().into())).await;
            self.now.fetch_sub(1, Ordering::SeqCst);
            Report::new(self.name(), target.clone(), cx.now(), ())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn reports_come_as_they_finish_and_no_more_run_than_allowed() {
        let probe = Counting::default();
        let most = probe.most.clone();
        let probe = AnyProbe::new(probe);
        let targets = ["a:5", "b:1", "c:2", "d:1"];
        let watched = targets.map(|target| (target.parse().unwrap(), probe.clone()));

        let mut fleet = Fleet::new(watched, Context::default(), 2.try_into().unwrap());
        let mut order = Vec::new();
        while let Some(report) = fleet.next().await {
            order.push(report.target.to_string());
        }
        assert_eq!(order, ["b:1", "c:2", "d:1", "a:5"]);
        assert_eq!(most.load(Ordering::SeqCst), 2);
    }
}
