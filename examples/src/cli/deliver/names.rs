//! Metrics under the names that others have made common, beside our own: so that graphs and alarms need not change.

use std::time::SystemTime;

use clap::ValueEnum;
use delivery_probe::{DeliveryFacts, DeliveryProbe, Standing};
use probe_core::{Context, Facts, Metric, Probe, Record, Report, Target, Unit};

/// Whose names.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(super) enum Names {
    /// Those of check_email_delivery, as performance data: elapsed, found, captured
    #[value(name = "check_email_delivery")]
    CheckEmailDelivery,
    /// Those of mailexporter: mail_deliver_success and others, with the label configname
    #[value(name = "mailexporter")]
    Mailexporter,
}

/// The probe, with its metrics under other names as well.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) probe: DeliveryProbe,
    pub(super) names: Names,
}

/// What was learned, and what it is called.
#[derive(Debug)]
pub(super) struct NamedFacts {
    facts: DeliveryFacts,
    names: Names,
    elapsed: f64,
}

impl Probe for Named {
    type Facts = NamedFacts;

    fn name(&self) -> &'static str {
        self.probe.name()
    }

    async fn probe(&self, target: &Target, cx: &Context) -> Report<NamedFacts> {
        let report = self.probe.probe(target, cx).await;
        let facts = NamedFacts {
            facts: report.facts,
            names: self.names,
            elapsed: report.elapsed.as_secs_f64(),
        };
        let mut named = Report::new(report.probe, report.target, report.started_at, facts);
        named.elapsed = report.elapsed;
        named.spans = report.spans;
        named.findings = report.findings;
        named.failure = report.failure;
        named.parts = report.parts;
        named.transcript = report.transcript;
        named
    }
}

impl Facts for NamedFacts {
    fn record(&self, out: &mut Record) {
        self.facts.record(out);
        out.tree("named", |out| match self.names {
            Names::CheckEmailDelivery => self.check_email_delivery(out),
            Names::Mailexporter => self.mailexporter(out),
        });
    }
}

impl NamedFacts {
    fn check_email_delivery(&self, out: &mut Record) {
        let found = u64::try_from(self.facts.arrivals.len()).unwrap_or(u64::MAX);
        out.metric(
            "elapsed",
            Metric::new("elapsed", Unit::Seconds, self.elapsed),
        );
        out.metric("found", Metric::whole("found", Unit::Count, found));
        let captured = Metric::whole("captured", Unit::Count, self.facts.removed);
        out.metric("captured", captured);
    }

    /// A canary that was not sent is not delivered either.
    fn mailexporter(&self, out: &mut Record) {
        let facts = &self.facts;
        let canary = facts.canary.as_ref();
        let last = facts.arrivals.last();
        let arrived = match canary.map(|canary| canary.standing) {
            Some(Standing::Refused | Standing::Bounced | Standing::Late | Standing::Lost) => false,
            _ => last.is_some(),
        };
        let route = facts.route.as_ref();
        let route = route.map(ToString::to_string).unwrap_or_default();
        let mut put = |name: &'static str, unit: Unit, value: f64| {
            let metric = Metric::new(name, unit, value);
            out.metric(name, metric.with_label("configname", route.clone()));
        };
        put(
            "mail_deliver_success",
            Unit::Count,
            f64::from(u8::from(arrived)),
        );
        let counts = &facts.counts;
        for (name, standing) in [
            ("mail_send_fails_total", Standing::Refused),
            ("mail_late_mails_total", Standing::ArrivedLate),
        ] {
            let metric = Metric::whole(name, Unit::Count, counts.of(standing));
            put(name, Unit::Count, metric.value);
        }
        if let Some(send) = canary.and_then(|canary| canary.send) {
            let name = "mail_last_send_duration_seconds";
            put(name, Unit::Seconds, send.as_secs_f64());
        }
        if let Some(arrival) = last {
            if let Some(transit) = arrival.transit {
                let name = "mail_last_deliver_duration_seconds";
                put(name, Unit::Seconds, transit.as_secs_f64());
            }
            let since_1970 = arrival.seen_at.duration_since(SystemTime::UNIX_EPOCH);
            let seconds = since_1970.unwrap_or_default().as_secs_f64();
            put("mail_last_deliver_time", Unit::Timestamp, seconds);
        }
    }
}
