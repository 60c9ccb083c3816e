//! A report as JSON: one object, the same for every probe, with a version and a published schema.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value as Json, json};

use crate::{Facts, Failure, Finding, Record, Report, Span, Value};

/// The version that [`Report::to_json`] writes as `"schema"`. It grows when a reader of the old form
/// would misread the new one; new keys alone do not make it grow.
pub const SCHEMA_VERSION: u64 = 1;

/// The JSON schema of that version.
pub const SCHEMA: &str = include_str!("../schema/report-1.json");

impl<F: Facts> Report<F> {
    /// The report as one line of JSON, after the schema in [`SCHEMA`].
    pub fn to_json(&self) -> String {
        self.json_value().to_string()
    }

    /// The same, indented for people.
    pub fn to_json_pretty(&self) -> String {
        format!("{:#}", self.json_value())
    }

    fn json_value(&self) -> Json {
        let mut facts = Record::default();
        self.facts.record(&mut facts);
        json!({
            "schema": SCHEMA_VERSION,
            "probe": self.probe,
            "target": self.target.to_string(),
            "started_at": timestamp(self.started_at),
            "total_ms": milliseconds(self.elapsed),
            "verdict": self.verdict().as_str(),
            "failure": self.failure.as_ref().map(failure),
            "findings": self.findings.iter().map(finding).collect::<Vec<_>>(),
            "spans": self.spans.iter().map(span).collect::<Vec<_>>(),
            "facts": tree(&facts),
            "parts": self.parts.iter().map(Report::json_value).collect::<Vec<_>>(),
            "transcript": self.transcript.lines().iter().map(line).collect::<Vec<_>>(),
        })
    }
}

fn failure(failure: &Failure) -> Json {
    json!({
        "phase": failure.phase.as_str(),
        "kind": failure.kind.as_str(),
        "detail": failure.detail,
        "reply": failure.reply.as_deref().map(crate::transcript::printable),
        "remedy": failure.kind.remedy(),
    })
}

fn finding(finding: &Finding) -> Json {
    json!({
        "code": finding.code(),
        "severity": finding.severity.as_str(),
        "summary": finding.kind.summary,
        "evidence": finding.evidence,
        "since": finding.since.map(timestamp),
        "remedy": finding.kind.remedy,
    })
}

fn span(span: &Span) -> Json {
    json!({
        "phase": span.phase.as_str(),
        "start_ms": milliseconds(span.start),
        "ms": milliseconds(span.duration),
    })
}

fn line(line: &crate::Line) -> Json {
    json!({
        "at_ms": milliseconds(line.at),
        "from": line.direction.mark().to_string(),
        "text": line.text,
    })
}

fn tree(record: &Record) -> Json {
    let entries = record
        .entries()
        .map(|(key, item)| (key.to_owned(), value(item)));
    Json::Object(entries.collect::<Map<_, _>>())
}

fn value(item: &Value) -> Json {
    match item {
        Value::Flag(flag) => json!(flag),
        Value::Labelled(shown, _) => value(shown),
        Value::List(values) => values.iter().map(value).collect(),
        Value::Metric(metric) => json!(metric.value),
        Value::None => Json::Null,
        Value::Number(number) => json!(number),
        Value::Text(text) => json!(text),
        Value::Time(time) => json!(timestamp(*time)),
        Value::Tree(record) => tree(record),
    }
}

/// RFC 3339 in UTC with milliseconds. What lies beyond the calendar of that format (a certificate of the
/// year 10000) is written as its edge.
pub(crate) fn timestamp(time: SystemTime) -> String {
    const YEAR_10000: Duration = Duration::from_secs(253_402_300_800);
    let latest = SystemTime::UNIX_EPOCH + YEAR_10000 - Duration::from_millis(1);
    let time = time.clamp(SystemTime::UNIX_EPOCH, latest);
    humantime::format_rfc3339_millis(time).to_string()
}

/// Milliseconds with three places: what a clock shows is no better.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}
