//! Ask for the page, judge it, report: the only place here that waits.

use std::sync::Arc;

use probe_core::{Context, Failure, FailureKind, Phase, Probe, Report, Target};
use probe_net::http::{Client, Request, Url};
use probe_net::{Log, Net};
use tokio::time::{Instant, sleep_until};

use super::facts::ExporterFacts;
use super::findings::judge;
use super::options::ExporterOptions;

/// How the type of OpenMetrics begins, which must say where it ends.
const OPEN_METRICS: &str = "application/openmetrics-text";
/// The page of an exporter.
const PAGE: Phase = Phase::new("page");

/// Reads the page of an exporter on a mail host: windows_exporter, node_exporter, postfix_exporter.
///
/// The target is what the report is called by; what is read is the URL. A page that cannot be had, a group of counters that is
/// missing, a page that tells nothing of a mail host: each is a failure of the kind [`FailureKind::Local`], since it says
/// nothing of the mail host.
#[derive(Clone, Debug)]
pub struct ExporterProbe {
    options: Arc<ExporterOptions>,
    request: Request,
}

impl ExporterProbe {
    /// The largest page that is read.
    pub const PAGE: usize = 16 * 1024 * 1024;

    /// The options to build one from.
    pub fn builder(net: Net, url: Url) -> ExporterOptions {
        ExporterOptions::new(net, url)
    }

    pub(super) fn new(options: ExporterOptions, request: Request) -> Self {
        Self {
            options: Arc::new(options),
            request: request.in_phase(PAGE),
        }
    }

    /// What the exporter tells, and why not all of it was to be had.
    async fn read(&self, log: &mut Log) -> (ExporterFacts, Option<Failure>) {
        let mut client = Client::new(self.options.net.clone())
            .with_body_limit(Self::PAGE)
            .with_secrets_over(self.options.secrets_over);
        let (facts, asked) = match self.page(&mut client, log).await {
            Ok(page) => page,
            Err(failure) => return (ExporterFacts::default(), Some(failure)),
        };
        if self.options.interval.is_zero() || !facts.has_totals() {
            let failure = gap(&facts);
            return (facts, failure);
        }
        // Rather a short look than none.
        let interval = self.options.interval.min(log.time_left() / 2);
        sleep_until(asked + interval).await;
        match self.page(&mut client, log).await {
            Ok((mut later, asked_again)) => {
                later.compare(&facts, asked_again - asked);
                let failure = gap(&later);
                (later, failure)
            }
            Err(failure) => (facts, Some(failure)),
        }
    }

    /// The page, and when it was asked for.
    async fn page(
        &self,
        client: &mut Client,
        log: &mut Log,
    ) -> Result<(ExporterFacts, Instant), Failure> {
        let asked = Instant::now();
        let response = client.send(&self.request, log).await?;
        if !response.is_success() {
            return Err(unknown(format!("the exporter answers {}", response.status)));
        }
        let kind = response.header("content-type");
        let is_open = kind.is_some_and(|kind| kind.starts_with(OPEN_METRICS));
        let mut facts = ExporterFacts::of_page(response.whole()?, log.now());
        facts.is_cut_short = is_open && !facts.is_whole;
        Ok((facts, asked))
    }
}

impl Probe for ExporterProbe {
    type Facts = ExporterFacts;

    fn name(&self) -> &'static str {
        "exporter"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<ExporterFacts> {
        let mut log = Log::begin(cx);
        let (facts, mut failure) = self.read(&mut log).await;
        // Whatever the exporter does, it says nothing of the mail host.
        if let Some(failure) = &mut failure {
            failure.kind = FailureKind::Local;
        }
        let findings = judge(&facts, &self.options);
        let mut report = Report::new(self.name(), target.clone(), cx.now(), facts);
        report.failure = failure;
        for finding in findings {
            report.add_finding(finding);
        }
        log.close(&mut report);
        report
    }
}

/// What a page should tell and does not.
fn gap(facts: &ExporterFacts) -> Option<Failure> {
    if facts.is_cut_short {
        let detail = "the page ends before it says that it is over: it was cut short";
        return Some(unknown(detail.to_owned()));
    }
    if facts.queue_is_missing {
        return Some(unknown(
            "the exporter could not read Postfix's queue".to_owned(),
        ));
    }
    if facts.is_empty() {
        let detail = "the page tells nothing of a mail host that is known here";
        return Some(unknown(detail.to_owned()));
    }
    let missing: Vec<_> = facts.missing.iter().map(|group| group.as_str()).collect();
    (!missing.is_empty()).then(|| {
        let detail = format!("the page has no counters of {}", missing.join(", "));
        unknown(detail)
    })
}

fn unknown(detail: String) -> Failure {
    Failure::new(PAGE, FailureKind::Local, detail)
}
