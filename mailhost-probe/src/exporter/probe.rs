//! Ask for the page, judge it, report: the only place here that waits.

use std::sync::Arc;

use probe_core::{Context, Failure, FailureKind, Phase, Probe, Report, Target};
use probe_net::http::{Client, Request, Url};
use probe_net::{Log, Net};

use super::facts::ExporterFacts;
use super::findings::judge;
use super::options::ExporterOptions;

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
}

impl ExporterProbe {
    /// The largest page that is read.
    pub const PAGE: usize = 16 * 1024 * 1024;

    /// The options to build one from.
    pub fn builder(net: Net, url: Url) -> ExporterOptions {
        ExporterOptions::new(net, url)
    }

    pub(super) fn new(options: ExporterOptions) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    async fn read(&self, log: &mut Log) -> Result<ExporterFacts, Failure> {
        let mut client = Client::new(self.options.net.clone()).with_body_limit(Self::PAGE);
        let request = Request::get(self.options.url.clone())
            .taking_gzip()
            .in_phase(PAGE);
        let response = client.send(&request, log).await?;
        if !response.is_success() {
            return Err(unknown(format!("the exporter answers {}", response.status)));
        }
        Ok(ExporterFacts::of_page(response.whole()?, log.now()))
    }
}

impl Probe for ExporterProbe {
    type Facts = ExporterFacts;

    fn name(&self) -> &'static str {
        "exporter"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<ExporterFacts> {
        let mut log = Log::begin(cx);
        let (facts, failure) = match self.read(&mut log).await {
            Ok(facts) => {
                let failure = gap(&facts);
                (facts, failure)
            }
            // Whatever the exporter does, it says nothing of the mail host.
            Err(mut failure) => {
                failure.kind = FailureKind::Local;
                (ExporterFacts::default(), Some(failure))
            }
        };
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
