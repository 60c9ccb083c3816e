//! Ask for the page, judge it, report: the only place here that waits.

use std::sync::Arc;

use probe_core::{Context, Failure, FailureKind, Phase, Probe, Report, Target};
use probe_net::http::{Client, Redirects, Url};
use probe_net::{Log, Net};

use super::facts::StatusFacts;
use super::findings::{looked_for, no_trouble, remarks, trouble};
use super::options::StatusOptions;
use super::page::StatusPage;

/// The page of a provider.
const PAGE: Phase = Phase::new("page");

/// Reads what a provider publishes of itself.
///
/// The target is what the report is called by; what is read is the URL. A page that cannot be had or understood is a failure of
/// the kind [`FailureKind::Local`], and so is one that has none of the services that are looked for: it says nothing of them. A
/// provider that says it is well is believed no more than that.
#[derive(Clone, Debug)]
pub struct StatusProbe {
    options: Arc<StatusOptions>,
}

impl StatusProbe {
    /// The largest page that is read.
    pub const PAGE: usize = 8 * 1024 * 1024;
    /// So many pages are read, where one names the next.
    pub const PAGES: usize = 10;

    /// The options to build one from.
    pub fn builder(net: Net, url: Url) -> StatusOptions {
        StatusOptions::new(net, url)
    }

    pub(super) fn new(options: StatusOptions) -> Self {
        Self {
            options: Arc::new(options),
        }
    }

    /// Reads page after page; what was read is in the facts also where a later one fails.
    async fn read(&self, facts: &mut StatusFacts, log: &mut Log) -> Result<(), Failure> {
        let options = &self.options;
        let client = Client::new(options.net.clone()).with_body_limit(Self::PAGE);
        let mut client = client.following(Redirects::AnyHost);
        let mut next = Some(options.url.clone());
        for _ in 0..Self::PAGES {
            let Some(url) = next.take() else {
                return Ok(());
            };
            let request = options
                .request(url)
                .map_err(|error| unknown(error.to_string()))?;
            let response = client.send(&request.in_phase(PAGE), log).await?;
            if !response.is_success() {
                return Err(unknown(format!("the provider answers {}", response.status)));
            }
            let (now, window) = (log.now(), options.window);
            let page = StatusPage::read(response.whole()?, options.format, now, window);
            let page = page.map_err(|why| unknown(why.to_string()))?;
            facts.append(page.facts);
            next = page.next.and_then(|link| following(&options.url, &link));
        }
        if next.is_some() {
            facts.omitted += 1;
        }
        Ok(())
    }
}

impl Probe for StatusProbe {
    type Facts = StatusFacts;

    fn name(&self) -> &'static str {
        "status"
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<StatusFacts> {
        let mut log = Log::begin(cx);
        let mut facts = StatusFacts::default();
        let outcome = self.read(&mut facts, &mut log).await;
        let failure = match outcome {
            Ok(()) => self.gap(&facts),
            // Whatever happens to the page, it says nothing of the service.
            Err(mut failure) => {
                failure.kind = FailureKind::Local;
                Some(failure)
            }
        };
        let mut findings = trouble(&facts, &self.options);
        if findings.is_empty() && failure.is_none() {
            findings.push(no_trouble(&facts));
        }
        findings.extend(remarks(&facts, &self.options, cx.now()));
        let mut report = Report::new(self.name(), target.clone(), cx.now(), facts);
        report.failure = failure;
        for finding in findings {
            report.add_finding(finding);
        }
        log.close(&mut report);
        report
    }
}

impl StatusProbe {
    /// What is looked for on a page that lists services, and is not there.
    fn gap(&self, facts: &StatusFacts) -> Option<Failure> {
        let wanted = &self.options.services;
        let is_told = looked_for(facts, wanted).next().is_some()
            || facts.incidents.iter().any(|one| one.concerns(wanted));
        let is_gap = !facts.services.is_empty() && !is_told;
        is_gap.then(|| unknown(format!("the page has no service {}", wanted.join(", "))))
    }
}

/// The next page, if it is of the same server: whoever wrote the first does not send us elsewhere.
fn following(from: &Url, link: &str) -> Option<Url> {
    let next = from.join(link).ok()?;
    next.is_same_origin(from).then_some(next)
}

fn unknown(detail: String) -> Failure {
    Failure::new(PAGE, FailureKind::Local, detail)
}
