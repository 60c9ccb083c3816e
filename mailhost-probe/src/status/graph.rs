//! Microsoft 365's service health, as Graph tells it to whoever has a token with `ServiceHealth.Read.All`:
//! `/admin/serviceAnnouncement/healthOverviews`, with `?$expand=issues` or without, one of them, and `/issues`.
//! <https://learn.microsoft.com/graph/api/resources/servicehealthissue>

use serde_json::Value;

use super::facts::{Incident, Kind, ServiceState, State, StatusFacts};
use super::page::{Reading, list, name, services, text, time, words};

/// Reads it, if it is such a page, and where the next one is.
pub(super) fn read(page: &Value, reading: &Reading) -> Option<(StatusFacts, Option<String>)> {
    let is_named =
        text(page, "@odata.context").is_some_and(|it| it.contains("serviceAnnouncement"));
    let members = match page.get("value") {
        Some(Value::Array(members)) => members.as_slice(),
        Some(_) => return None,
        // One of them by itself.
        None => core::slice::from_ref(page),
    };
    let mut facts = StatusFacts {
        provider: Some("Microsoft 365".to_owned()),
        ..StatusFacts::default()
    };
    let mut is_known = is_named && page.get("value").is_some();
    for member in members.iter().filter(|member| is_ours(member)) {
        is_known = true;
        if member.get("title").is_some() {
            add(member, reading, &mut facts);
            continue;
        }
        if let Some(name) = name(member, "service") {
            let state = state(text(member, "status").unwrap_or_default());
            facts.add_service(ServiceState { name, state });
        }
        for issue in list(member, "issues") {
            add(issue, reading, &mut facts);
        }
    }
    let next = text(page, "@odata.nextLink").map(str::to_owned);
    is_known.then_some((facts, next))
}

fn is_ours(member: &Value) -> bool {
    text(member, "service").is_some() && text(member, "status").is_some()
}

fn add(issue: &Value, reading: &Reading, facts: &mut StatusFacts) {
    let Some(title) = name(issue, "title") else {
        return;
    };
    let said = text(issue, "status").unwrap_or_default();
    let is_advisory =
        text(issue, "classification").is_some_and(|it| it.eq_ignore_ascii_case("advisory"));
    let is_resolved = issue.get("isResolved").and_then(Value::as_bool);
    let is_over = is_resolved.unwrap_or(state(said) == State::Operational);
    let impact = match state(said) {
        // What is merely slow, or hurts a few.
        worse if is_advisory && worse.hurts() => State::Degraded,
        state => state,
    };
    let names = ["service", "feature"].into_iter();
    let incident = Incident {
        id: name(issue, "id"),
        title,
        state: name(issue, "status"),
        impact,
        services: services(names.filter_map(|key| name(issue, key))),
        started: time(issue, "startDateTime"),
        updated: time(issue, "lastModifiedDateTime"),
        resolved: time(issue, "endDateTime"),
        words: words(issue, "impactDescription").or_else(|| last_post(issue)),
        url: None,
    };
    let kind = match is_over {
        true => Kind::Over,
        false => Kind::Open,
    };
    reading.keep(facts, incident, kind);
}

fn last_post(issue: &Value) -> Option<String> {
    let posts = list(issue, "posts");
    let newest = posts
        .iter()
        .max_by_key(|post| time(post, "createdDateTime"));
    words(newest?.get("description")?, "content")
}

/// `serviceHealthStatus`; the documentation writes its values in either case.
fn state(word: &str) -> State {
    match word.to_ascii_lowercase().as_str() {
        "serviceoperational"
        | "servicerestored"
        | "falsepositive"
        | "postincidentreviewpublished"
        | "resolved"
        | "resolvedexternal"
        | "mitigated"
        | "mitigatedexternal" => State::Operational,
        "servicedegradation" | "restoringservice" | "verifyingservice" | "extendedrecovery"
        | "investigating" | "confirmed" | "reported" => State::Degraded,
        "serviceinterruption" => State::MajorOutage,
        _ => State::Unknown,
    }
}
