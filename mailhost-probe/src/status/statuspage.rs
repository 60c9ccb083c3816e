//! Statuspage's JSON, which others imitate: `summary.json`, `status.json`, `components.json`, `incidents.json`,
//! `incidents/unresolved.json` and `scheduled-maintenances.json` below `/api/v2/`.
//! <https://metastatuspage.com/api>

use serde_json::Value;

use super::facts::{Incident, Kind, ServiceState, State, StatusFacts};
use super::page::{Reading, list, name, services, text, time, words};

/// Reads it, if it is such a page: there is always a `page`, and something of which it tells.
pub(super) fn read(page: &Value, reading: &Reading) -> Option<StatusFacts> {
    const TOLD: [&str; 4] = [
        "components",
        "incidents",
        "scheduled_maintenances",
        "status",
    ];
    let of = page.get("page").filter(|of| of.is_object())?;
    if TOLD.iter().all(|told| page.get(told).is_none()) {
        return None;
    }
    let mut facts = StatusFacts {
        provider: name(of, "name"),
        updated: time(of, "updated_at"),
        overall: page.get("status").and_then(overall),
        ..StatusFacts::default()
    };
    for component in list(page, "components") {
        let Some(name) = name(component, "name") else {
            continue;
        };
        let state = state(text(component, "status").unwrap_or_default());
        facts.add_service(ServiceState { name, state });
    }
    for value in list(page, "incidents") {
        let Some(incident) = incident(value) else {
            continue;
        };
        let kind = match (is_over(&incident), incident.impact) {
            (true, _) => Kind::Over,
            (false, State::Maintenance) => Kind::Work,
            (false, _) => Kind::Open,
        };
        reading.keep(&mut facts, incident, kind);
    }
    for value in list(page, "scheduled_maintenances") {
        let Some(mut work) = incident(value) else {
            continue;
        };
        work.impact = State::Maintenance;
        work.started = time(value, "scheduled_for").or(work.started);
        let kind = match is_over(&work) {
            true => Kind::Over,
            false => {
                work.resolved = time(value, "scheduled_until");
                Kind::Work
            }
        };
        reading.keep(&mut facts, work, kind);
    }
    Some(facts)
}

fn incident(value: &Value) -> Option<Incident> {
    let updates = list(value, "incident_updates");
    // They should be in this order.
    let newest = updates.iter().max_by_key(|update| {
        let displayed = time(update, "display_at");
        displayed.or_else(|| time(update, "created_at"))
    });
    let names = |members: &[Value]| -> Vec<String> {
        services(members.iter().filter_map(|one| name(one, "name")))
    };
    let mut services = names(list(value, "components"));
    if services.is_empty()
        && let Some(newest) = newest
    {
        services = names(list(newest, "affected_components"));
    }
    Some(Incident {
        id: name(value, "id"),
        title: name(value, "name")?,
        state: name(value, "status"),
        impact: impact(text(value, "impact").unwrap_or_default()),
        services,
        started: time(value, "started_at").or_else(|| time(value, "created_at")),
        updated: time(value, "updated_at"),
        resolved: time(value, "resolved_at"),
        words: newest.and_then(|newest| words(newest, "body")),
        url: name(value, "shortlink"),
    })
}

fn is_over(incident: &Incident) -> bool {
    let state = incident.state.as_deref();
    matches!(state, Some("resolved" | "postmortem" | "completed"))
}

fn overall(status: &Value) -> Option<State> {
    Some(impact(text(status, "indicator")?))
}

fn state(word: &str) -> State {
    match word {
        "operational" => State::Operational,
        "degraded_performance" => State::Degraded,
        "partial_outage" => State::PartialOutage,
        "major_outage" => State::MajorOutage,
        "under_maintenance" => State::Maintenance,
        _ => State::Unknown,
    }
}

fn impact(word: &str) -> State {
    match word {
        "none" => State::Operational,
        "minor" => State::Degraded,
        "major" => State::PartialOutage,
        "critical" => State::MajorOutage,
        "maintenance" => State::Maintenance,
        _ => State::Unknown,
    }
}
