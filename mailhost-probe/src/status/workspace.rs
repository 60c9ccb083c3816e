//! The incidents of Google Workspace, and of Google Cloud, whose page has the same shape: a list of everything for years, of
//! which what has no end is not over.
//! <https://www.google.com/appsstatus/dashboard/incidents.schema.json>

use serde_json::Value;

use super::facts::{Incident, Kind, State, StatusFacts};
use super::page::{Reading, list, name, services, text, time, words};

/// Reads it, if it is such a page. An empty list could be anything, unless the caller has named it.
pub(super) fn read(page: &Value, is_named: bool, reading: &Reading) -> Option<StatusFacts> {
    let members = page.as_array()?;
    let mut facts = StatusFacts::default();
    let mut is_known = is_named && members.is_empty();
    for member in members {
        let Some(incident) = incident(member) else {
            facts.omitted += 1;
            continue;
        };
        is_known = true;
        let heard = incident.updated;
        let kind = match incident.resolved {
            Some(_) => Kind::Over,
            None => Kind::Open,
        };
        reading.keep(&mut facts, incident, kind);
        facts.updated = facts.updated.max(heard);
    }
    is_known.then_some(facts)
}

fn incident(member: &Value) -> Option<Incident> {
    let started = Some(time(member, "begin")?);
    let newest = member.get("most_recent_update");
    let said = newest.and_then(|newest| name(newest, "status"));
    let impact = text(member, "status_impact").or(said.as_deref());
    let products = list(member, "affected_products");
    let products = products.iter().filter_map(|one| name(one, "title"));
    let names = name(member, "service_name").into_iter().chain(products);
    Some(Incident {
        id: name(member, "number").or_else(|| name(member, "id")),
        title: name(member, "external_desc").or_else(|| name(member, "service_name"))?,
        impact: state(impact.unwrap_or_default()),
        state: said,
        services: services(names),
        started,
        updated: time(member, "modified"),
        resolved: time(member, "end"),
        words: newest.and_then(|newest| words(newest, "text")),
        url: name(member, "uri"),
    })
}

fn state(word: &str) -> State {
    match word {
        "AVAILABLE" => State::Operational,
        // Something that is worth a word, and not yet a disruption.
        "SERVICE_INFORMATION" => State::Degraded,
        "SERVICE_DISRUPTION" => State::PartialOutage,
        "SERVICE_OUTAGE" => State::MajorOutage,
        _ => State::Unknown,
    }
}
