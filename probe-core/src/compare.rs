//! What changed since the last time: pure, over the JSON of an earlier report.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::json::SCHEMA_VERSION;
use crate::{AnyFacts, Finding, FindingKind, Report, Severity};

/// The findings that [`compare`] makes.
pub static CHANGES: &[&FindingKind] = &[&BETTER, &FACT, &FAILURE, &GONE, &NEW, &WORSE];

static BETTER: FindingKind = FindingKind::new(
    "change.better",
    Severity::Info,
    "the verdict is better than last time",
    "Nothing needs to be done.",
);
static FACT: FindingKind = FindingKind::new(
    "change.fact",
    Severity::Info,
    "a fact has changed since last time",
    "See whether the change was meant.",
);
static FAILURE: FindingKind = FindingKind::new(
    "change.failure",
    Severity::Info,
    "it fails otherwise than last time",
    "See the failure itself for what to do.",
);
static GONE: FindingKind = FindingKind::new(
    "change.finding-gone",
    Severity::Info,
    "a finding of last time is gone",
    "Nothing needs to be done.",
);
static NEW: FindingKind = FindingKind::new(
    "change.finding-new",
    Severity::Info,
    "a finding is new since last time",
    "See the finding itself for what to do.",
);
static WORSE: FindingKind = FindingKind::new(
    "change.worse",
    Severity::Info,
    "the verdict is worse than last time",
    "See the findings and the failure for what to do.",
);

/// An earlier report, read back from its JSON.
///
/// ```
/// use probe_core::{Context, Report, Snapshot, compare};
///
/// let report = Report::new("smtp", "mx.example.org:25".parse()?, Context::default().now(), ());
/// let kept = report.to_json();
///
/// let before: Snapshot = kept.parse()?;
/// assert!(compare(&before, &report.erase()).is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot(Json);

impl Snapshot {
    /// All reports of a text: one, an array of them, or one after the other.
    ///
    /// # Errors
    /// The text is none of these, or one of them is no report.
    pub fn read_all(json: &str) -> Result<Vec<Self>, SnapshotError> {
        let values = serde_json::Deserializer::from_str(json).into_iter::<Json>();
        let mut snapshots = Vec::new();
        for value in values {
            match value.map_err(|error| SnapshotError::Json(error.to_string()))? {
                Json::Array(reports) => {
                    let reports: Result<Vec<_>, _> = reports.into_iter().map(Self::of).collect();
                    snapshots.extend(reports?);
                }
                report => snapshots.push(Self::of(report)?),
            }
        }
        Ok(snapshots)
    }

    /// Whether it is of the same probe and the same target.
    pub fn is_of(&self, report: &Report<AnyFacts>) -> bool {
        text(&self.0, "probe") == report.probe
            && text(&self.0, "target") == report.target.to_string()
    }

    pub(crate) const fn json(&self) -> &Json {
        &self.0
    }

    fn of(report: Json) -> Result<Self, SnapshotError> {
        match report.get("schema").and_then(Json::as_u64) {
            Some(SCHEMA_VERSION) => Ok(Self(report)),
            Some(other) => Err(SnapshotError::Schema(other)),
            None => Err(SnapshotError::NoReport),
        }
    }
}

impl core::str::FromStr for Snapshot {
    type Err = SnapshotError;

    fn from_str(json: &str) -> Result<Self, SnapshotError> {
        let report = serde_json::from_str(json);
        Self::of(report.map_err(|error| SnapshotError::Json(error.to_string()))?)
    }
}

/// Why a text is no earlier report.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// It is not JSON.
    #[error("this is not JSON: {0}")]
    Json(String),
    /// It is JSON, but no report.
    #[error("this is JSON, but no report: it has no \"schema\"")]
    NoReport,
    /// It is a report of a schema that this version does not know.
    #[error("this report has schema {0}; known is {SCHEMA_VERSION}")]
    Schema(u64),
}

/// What changed since `before`: the verdict, findings that came and went, facts that are not numbers.
///
/// Numbers change at every run; thresholds, not comparisons, are for them.
pub fn compare(before: &Snapshot, now: &Report<AnyFacts>) -> Vec<Finding> {
    // Both sides in the same form: what is compared is what was published.
    let now: Json = serde_json::from_str(&now.to_json()).unwrap_or_default();
    changes(&before.0, &now)
}

fn changes(before: &Json, now: &Json) -> Vec<Finding> {
    let mut changes = Vec::new();
    changes.extend(verdict(before, now));
    changes.extend(failure(before, now));
    changes.extend(findings(before, now));
    changes.extend(facts(before, now));
    changes.extend(parts(before, now));
    changes
}

/// Where and how it stopped, if it stopped both times: what comes and goes is told by the verdict.
fn failure(before: &Json, now: &Json) -> Option<Finding> {
    let place = |report: &Json| {
        let failure = report
            .get("failure")
            .filter(|failure| failure.is_object())?;
        Some(format!(
            "{} at {}",
            text(failure, "kind"),
            text(failure, "phase")
        ))
    };
    let (was, is) = (place(before)?, place(now)?);
    (was != is).then(|| FAILURE.found(format!("{was} -> {is}")))
}

/// The members of a composite, each with its own earlier self.
fn parts(before: &Json, now: &Json) -> Vec<Finding> {
    let members = |report: &Json| -> BTreeMap<String, Json> {
        let parts = report.get("parts").and_then(Json::as_array);
        let named = |part: &Json| (text(part, "target"), part.clone());
        parts.into_iter().flatten().map(named).collect()
    };
    let before = members(before);
    let known = members(now);
    let pairs = known
        .iter()
        .filter_map(|(target, now)| Some((target, before.get(target)?, now)));
    pairs
        .flat_map(|(target, before, now)| {
            changes(before, now).into_iter().map(move |mut change| {
                change.evidence = format!("{target}: {}", change.evidence);
                change
            })
        })
        .collect()
}

fn verdict(before: &Json, now: &Json) -> Option<Finding> {
    let rank = |report: &Json| {
        let verdicts = ["ok", "warning", "unknown", "critical"];
        let said = report.get("verdict").and_then(Json::as_str)?;
        verdicts.iter().position(|known| *known == said)
    };
    let evidence = || format!("{} -> {}", text(before, "verdict"), text(now, "verdict"));
    match rank(now)?.cmp(&rank(before)?) {
        core::cmp::Ordering::Less => Some(BETTER.found(evidence())),
        core::cmp::Ordering::Equal => None,
        core::cmp::Ordering::Greater => Some(WORSE.found(evidence())),
    }
}

fn findings(before: &Json, now: &Json) -> Vec<Finding> {
    let codes = |report: &Json| -> BTreeMap<String, String> {
        let findings = report.get("findings").and_then(Json::as_array);
        findings
            .into_iter()
            .flatten()
            .map(|finding| (text(finding, "code"), text(finding, "summary")))
            // What had changed the last time is no news that it has not again.
            .filter(|(code, _)| !CHANGES.iter().any(|kind| kind.code == code.as_str()))
            .collect()
    };
    let (before, now) = (codes(before), codes(now));
    let told = |(code, summary): (&String, &String)| format!("{code}: {summary}");
    let new = now.iter().filter(|(code, _)| !before.contains_key(*code));
    let gone = before.iter().filter(|(code, _)| !now.contains_key(*code));
    new.map(|entry| NEW.found(told(entry)))
        .chain(gone.map(|entry| GONE.found(told(entry))))
        .collect()
}

fn facts(before: &Json, now: &Json) -> Vec<Finding> {
    let mut changes = Vec::new();
    let none = Json::Null;
    let of = |report| Json::get(report, "facts").unwrap_or(&none).clone();
    differ("", &of(before), &of(now), &mut changes);
    changes
        .into_iter()
        .map(|change| FACT.found(change))
        .collect()
}

/// What differs below this path. What is in a list goes by its own name, not by its place.
fn differ(path: &str, before: &Json, now: &Json, changes: &mut Vec<String>) {
    match (before, now) {
        // Numbers change at every run.
        (Json::Number(_) | Json::Null, Json::Number(_) | Json::Null) => {}
        (Json::Object(was), Json::Object(is)) => {
            let new = is.keys().filter(|key| !was.contains_key(*key));
            for key in was.keys().chain(new) {
                let path = match path {
                    "" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                let member =
                    |of: &serde_json::Map<String, Json>| of.get(key).cloned().unwrap_or_default();
                differ(&path, &member(was), &member(is), changes);
            }
        }
        (Json::Array(was), Json::Array(is)) => match (by_name(was), by_name(is)) {
            (Some(was), Some(is)) => differ(path, &was, &is, changes),
            _ => members(path, was, is, changes),
        },
        (Json::Null, Json::Array(is)) if by_name(is).is_some() => {
            differ(path, &Json::Array(Vec::new()), now, changes);
        }
        (Json::Array(was), Json::Null) if by_name(was).is_some() => {
            differ(path, before, &Json::Array(Vec::new()), changes);
        }
        _ if before == now => {}
        _ => changes.push(format!("{path}: {} -> {}", brief(before), brief(now))),
    }
}

/// What came into a list, and what went.
fn members(path: &str, before: &[Json], now: &[Json], changes: &mut Vec<String>) {
    let beside = |these: &[Json], those: &[Json]| {
        let others = these.iter().filter(|one| !those.contains(one));
        others
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (gone, new) = (beside(before, now), beside(now, before));
    match (gone.is_empty(), new.is_empty()) {
        (true, true) => {}
        (false, true) => changes.push(format!("{path}: {gone} is gone")),
        (true, false) => changes.push(format!("{path}: {new} is new")),
        (false, false) => changes.push(format!("{path}: {gone} -> {new}")),
    }
}

/// A list of branches as one branch: each goes by its first member. `None` where they have no names, or the same.
fn by_name(list: &[Json]) -> Option<Json> {
    let mut branches = serde_json::Map::new();
    for branch in list {
        let (_, name) = branch.as_object()?.iter().next()?;
        let name = name.as_str()?.to_owned();
        if branches.insert(name, branch.clone()).is_some() {
            return None;
        }
    }
    Some(Json::Object(branches))
}

/// A whole branch that came or went is told in a word.
fn brief(value: &Json) -> String {
    match value {
        Json::Null => "nothing".to_owned(),
        Json::Object(_) => "there".to_owned(),
        other => other.to_string(),
    }
}

fn text(object: &Json, key: &str) -> String {
    object
        .get(key)
        .and_then(Json::as_str)
        .unwrap_or_default()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Facts, Record};

    #[derive(Debug)]
    struct Banner(&'static str);
    impl Facts for Banner {
        fn record(&self, out: &mut Record) {
            out.set("banner", self.0);
            out.set("load", 7_i64);
        }
    }

    static SLOW: FindingKind = FindingKind::new("test.slow", Severity::Warning, "it is slow", "");

    fn report(banner: &'static str) -> Report {
        let target = "mx.example.org:25".parse().unwrap();
        Report::new(
            "smtp",
            target,
            std::time::SystemTime::UNIX_EPOCH,
            Banner(banner),
        )
        .erase()
    }

    fn between(before: &Report, now: &Report) -> Vec<(&'static str, String)> {
        let before = before.to_json().parse().unwrap();
        let changes = compare(&before, now);
        changes
            .into_iter()
            .map(|change| (change.code(), change.evidence))
            .collect()
    }

    #[test]
    fn the_same_report_has_no_changes() {
        assert_eq!(between(&report("Postfix"), &report("Postfix")), []);
    }

    #[test]
    fn a_new_finding_a_worse_verdict_and_another_banner_are_told() {
        let mut now = report("Exim");
        now.findings.push(SLOW.found(""));
        let told = between(&report("Postfix"), &now);
        assert_eq!(
            told,
            [
                ("change.worse", "ok -> warning".to_owned()),
                ("change.finding-new", "test.slow: it is slow".to_owned()),
                ("change.fact", "banner: \"Postfix\" -> \"Exim\"".to_owned()),
            ]
        );
        let back: Vec<_> = between(&now, &report("Exim"))
            .into_iter()
            .map(|(code, _)| code)
            .collect();
        assert_eq!(back, ["change.better", "change.finding-gone"]);
    }

    #[test]
    fn changes_that_an_earlier_report_told_are_no_findings_that_went() {
        let mut before = report("Postfix");
        before.findings.push(FACT.found("banner: Exim -> Postfix"));
        assert_eq!(between(&before, &report("Postfix")), []);
    }

    #[test]
    fn another_failure_is_told_also_of_a_member() {
        let failing = |phase, kind| {
            let mut report = report("Postfix");
            report.failure = Some(crate::Failure::new(phase, kind, "it failed"));
            report
        };
        let silent = failing(crate::Phase::CONNECT, crate::FailureKind::Timeout);
        let refused = failing(crate::Phase::AUTH, crate::FailureKind::Credentials);
        let expected = (
            "change.failure",
            "timeout at connect -> credentials at auth".to_owned(),
        );
        assert_eq!(between(&silent, &refused), [expected]);

        let pool = |member| {
            let mut pool = report("Postfix");
            pool.parts.push(member);
            pool
        };
        let told = between(&pool(silent), &pool(refused));
        assert_eq!(
            told,
            [(
                "change.failure",
                "mx.example.org:25: timeout at connect -> credentials at auth".to_owned()
            )]
        );
    }

    #[derive(Debug)]
    struct Lists(&'static [(&'static str, &'static str)]);
    impl Facts for Lists {
        fn record(&self, out: &mut Record) {
            out.trees("lists", self.0, |(zone, says), out| {
                out.set("zone", *zone);
                out.set("says", *says);
            });
            let zones = self.0.iter().map(|(zone, _)| *zone);
            out.set("zones", zones.collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_is_in_a_list_is_compared_by_its_name_and_not_by_its_place() {
        let of = |lists| {
            let target = "mx.example.org".parse().unwrap();
            let epoch = std::time::SystemTime::UNIX_EPOCH;
            Report::new("dnsbl", target, epoch, Lists(lists)).erase()
        };
        let before = of(&[("a.test", "clean"), ("b.test", "clean")]);
        let turned = of(&[("b.test", "clean"), ("a.test", "clean")]);
        assert_eq!(between(&before, &turned), []);
        let now = of(&[("c.test", "clean"), ("b.test", "listed")]);
        let told: Vec<_> = between(&before, &now)
            .into_iter()
            .map(|(_, told)| told)
            .collect();
        assert_eq!(
            told,
            [
                "lists.a.test: there -> nothing",
                "lists.b.test.says: \"clean\" -> \"listed\"",
                "lists.c.test: nothing -> there",
                "zones: \"a.test\" -> \"c.test\"",
            ]
        );
        let told: Vec<_> = between(&before, &of(&[]))
            .into_iter()
            .map(|(_, told)| told)
            .collect();
        assert_eq!(told[2], "zones: \"a.test\", \"b.test\" is gone");
    }

    #[test]
    fn reports_are_read_however_they_stand_together_and_known_by_probe_and_target() {
        let json = report("Postfix").to_json();
        let texts = [
            json.clone(),
            format!("[{json},{json}]"),
            format!("{json}\n{json}\n"),
        ];
        let counts = texts.map(|text| Snapshot::read_all(&text).unwrap().len());
        assert_eq!(counts, [1, 2, 2]);
        let kept = &Snapshot::read_all(&json).unwrap()[0];
        assert!(kept.is_of(&report("Exim")));
        let other = "mx.example.org:26".parse().unwrap();
        let epoch = std::time::SystemTime::UNIX_EPOCH;
        assert!(!kept.is_of(&Report::new("smtp", other, epoch, Banner("")).erase()));
        assert_eq!(Snapshot::read_all("").unwrap().len(), 0);
        assert!(Snapshot::read_all("[1]").is_err());
        assert!(Snapshot::read_all("{").is_err());
    }

    #[test]
    fn a_snapshot_of_another_schema_is_refused() {
        let error = |json: &str| json.parse::<Snapshot>().unwrap_err();
        assert_eq!(error(r#"{"schema":2}"#), SnapshotError::Schema(2));
        assert_eq!(error("{}"), SnapshotError::NoReport);
        assert!(matches!(error("schema"), SnapshotError::Json(_)));
    }
}
