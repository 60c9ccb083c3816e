//! What we think of what a provider says of itself.

use std::time::SystemTime;

use probe_core::{Finding, FindingKind, Severity};

use super::facts::{Incident, ServiceState, State, StatusFacts, is_one_of};
use super::options::StatusOptions;

pub(crate) static INCIDENT: FindingKind = FindingKind::new(
    "status.incident",
    Severity::Warning,
    "the provider tells of an incident",
    "Hold it against what the other probes see: if they see trouble too, this may be why, and only the provider can mend it.",
);
pub(crate) static MAINTENANCE: FindingKind = FindingKind::new(
    "status.maintenance",
    Severity::Info,
    "the provider tells of work that is planned or under way",
    "See whether it is about the services in use, and at which time.",
);
pub(crate) static SERVICE: FindingKind = FindingKind::new(
    "status.service",
    Severity::Warning,
    "the provider says that a service is not well",
    "Hold it against what the other probes see; the page's incidents tell more.",
);
pub(crate) static STALE: FindingKind = FindingKind::new(
    "status.stale",
    Severity::Info,
    "nothing was written on the page for long",
    "Providers abandon pages and move: see whether this is still the one, and do not rely on it.",
);
pub(crate) static WELL: FindingKind = FindingKind::new(
    "status.well",
    Severity::Info,
    "the provider tells of no trouble, which proves nothing",
    "Rely on probes that use the service: pages of status are written by hand, late, and for all customers at once.",
);

/// So many incidents are told one by one.
const TOLD: usize = 8;

/// The trouble that a page tells of.
pub(super) fn trouble(facts: &StatusFacts, options: &StatusOptions) -> Vec<Finding> {
    let mut findings = incidents(facts, options);
    findings.extend(services(facts, options));
    findings
}

/// That there is none, which is no proof.
pub(super) fn no_trouble(facts: &StatusFacts) -> Finding {
    WELL.found(facts.provider.clone().unwrap_or_default())
}

/// What else is worth knowing.
pub(super) fn remarks(
    facts: &StatusFacts,
    options: &StatusOptions,
    now: SystemTime,
) -> Vec<Finding> {
    let work = facts.maintenance.iter();
    let work = work.filter(|one| one.concerns(&options.services));
    let work = work.take(TOLD).map(|one| MAINTENANCE.found(shown(one)));
    let age = facts.updated.and_then(|at| now.duration_since(at).ok());
    let age = age.filter(|age| *age > options.stale);
    let stale = age.map(|age| STALE.found(format!("{} days", age.as_secs() / 86_400)));
    work.chain(stale).collect()
}

/// The services that are looked for, or all.
pub(super) fn looked_for<'a>(
    facts: &'a StatusFacts,
    wanted: &'a [String],
) -> impl Iterator<Item = &'a ServiceState> {
    let is_it = |one: &&ServiceState| wanted.is_empty() || is_one_of([&one.name], wanted);
    facts.services.iter().filter(is_it)
}

fn incidents(facts: &StatusFacts, options: &StatusOptions) -> Vec<Finding> {
    let open = facts.incidents.iter();
    let open = open.filter(|one| one.concerns(&options.services));
    let all: Vec<_> = open.collect();
    let mut findings: Vec<_> = all
        .iter()
        .take(TOLD)
        .map(|one| {
            // Something that the provider itself says hurts nobody.
            let severity = match one.impact {
                State::Operational => Severity::Info,
                _ => options.severity,
            };
            INCIDENT.found(shown(one)).with_severity(severity)
        })
        .collect();
    if let Some(more @ 1..) = all.len().checked_sub(TOLD) {
        let finding = INCIDENT.found(format!("{more} more"));
        findings.push(finding.with_severity(options.severity));
    }
    findings
}

fn services(facts: &StatusFacts, options: &StatusOptions) -> Option<Finding> {
    let ill = looked_for(facts, &options.services).filter(|one| one.state.hurts());
    let mut told: Vec<_> = ill
        .map(|one| format!("{} {}", one.name, one.state.as_str()))
        .collect();
    if told.len() > TOLD {
        let more = told.split_off(TOLD).len();
        told.push(format!("{more} more"));
    }
    let whole = facts.overall.filter(|state| state.hurts());
    if let (true, Some(state)) = (facts.services.is_empty(), whole) {
        // Of which service it is not said.
        let severity = match options.services.is_empty() {
            true => options.severity,
            false => Severity::Info,
        };
        let finding = SERVICE.found(format!("as a whole {}", state.as_str()));
        return Some(finding.with_severity(severity));
    }
    let finding = (!told.is_empty()).then(|| SERVICE.found(told.join(", ")))?;
    Some(finding.with_severity(options.severity))
}

/// In a line: what, how far, of which services.
fn shown(incident: &Incident) -> String {
    let id = incident.id.iter().map(|id| format!("{id}: "));
    let state = incident.state.iter().map(|state| format!(" ({state})"));
    let services = (!incident.services.is_empty()).then(|| {
        let services = incident.services.join(", ");
        format!(", {services}")
    });
    let title = core::iter::once(incident.title.clone());
    id.chain(title).chain(state).chain(services).collect()
}
