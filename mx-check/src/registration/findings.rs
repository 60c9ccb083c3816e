//! What we think of a registration: the table of findings, the judgement over facts, and the comparison with the
//! delegation.

use std::time::SystemTime;

use probe_core::{Finding, FindingKind, Severity};

use super::date::day;
use super::facts::{Expiry, Registration, RegistrationFacts, Source, State, host};
use super::lifecycle::{Holder, Lifecycle, days};
use super::options::Thresholds;
use super::status::Status;

/// All findings about registrations.
pub static FINDINGS: &[&FindingKind] = &[
    &AUTO_RENEW_PERIOD,
    &DS_DIFFERS,
    &EXPIRED,
    &EXPIRING,
    &HOLD,
    &INACTIVE,
    &NAME_SERVERS_DIFFER,
    &NO_SERVICE,
    &NOT_FOUND,
    &NOT_PUBLISHED,
    &PENDING_DELETE,
    &PENDING_RESTORE,
    &REDEMPTION,
    &TOO_OFTEN,
    &UNPAID,
    &UNREACHABLE,
    &UNVERIFIED,
];

static AUTO_RENEW_PERIOD: FindingKind = FindingKind::new(
    "registration.auto-renew-period",
    Severity::Warning,
    "the registry renewed the domain by itself; whether anybody has paid for it is not known",
    "Ask the registrar whether the renewal is paid, and do not trust the new date: unpaid, the domain is taken out of \
    DNS within weeks. If it is paid, this goes away by itself within 45 days.",
);
static DS_DIFFERS: FindingKind = FindingKind::new(
    "registration.ds-differs",
    Severity::Warning,
    "registry and parent zone do not agree on whether the domain is signed",
    "Compare the DS records at the registrar with those in DNS. One that was left behind makes the domain vanish for \
    every resolver that validates.",
);
static EXPIRED: FindingKind = FindingKind::new(
    "registration.expired",
    Severity::Critical,
    "the registration of the domain has expired",
    "Renew the domain at its registrar now: it is taken out of DNS any day, and mail ends when the caches forget it.",
);
static EXPIRING: FindingKind = FindingKind::new(
    "registration.expiring",
    Severity::Warning,
    "the registration of the domain ends soon",
    "Renew the domain at its registrar, or see whether its automatic renewal is on and can be paid.",
);
static HOLD: FindingKind = FindingKind::new(
    "registration.hold",
    Severity::Critical,
    "the domain is on hold: it is taken out of DNS, and mail ends when the caches forget it",
    "Ask whoever holds it, the registrar (client hold: a bill, a contact that was not confirmed, abuse) or the registry \
    (server hold). There is as much time as the TTL of the delegation, most often one or two days.",
);
static INACTIVE: FindingKind = FindingKind::new(
    "registration.inactive",
    Severity::Critical,
    "the domain is registered without being delegated: no mail reaches it",
    "Enter its name servers at the registrar.",
);
static NAME_SERVERS_DIFFER: FindingKind = FindingKind::new(
    "registration.name-servers-differ",
    Severity::Warning,
    "registry and parent zone name different name servers",
    "If the name servers were changed within the last day, wait. Otherwise ask the registrar why the change did not \
    reach the zone.",
);
static NO_SERVICE: FindingKind = FindingKind::new(
    "registration.no-service",
    Severity::Info,
    "the registry of the domain cannot be asked by machines",
    "Tell the probe until when the domain is paid for: nobody else does.",
);
static NOT_FOUND: FindingKind = FindingKind::new(
    "registration.not-found",
    Severity::Critical,
    "the domain is registered with nobody",
    "Check the name. If it is right, register it before somebody else does and gets its mail.",
);
static NOT_PUBLISHED: FindingKind = FindingKind::new(
    "registration.not-published",
    Severity::Info,
    "the registry does not tell until when the domain is registered",
    "Tell the probe until when the domain is paid for: nobody else does.",
);
static PENDING_DELETE: FindingKind = FindingKind::new(
    "registration.pending-delete",
    Severity::Critical,
    "the domain will be deleted within days",
    "It cannot be had back now. Be there when it is free again, and move mail to another domain until then.",
);
static PENDING_RESTORE: FindingKind = FindingKind::new(
    "registration.pending-restore",
    Severity::Warning,
    "the domain was deleted and is being restored",
    "See that the registrar hands in its report in time: without it the domain is lost again.",
);
static REDEMPTION: FindingKind = FindingKind::new(
    "registration.redemption",
    Severity::Critical,
    "the domain was deleted, and only its last holder can have it back",
    "Have the registrar restore it at once. It costs more than a renewal, and after 30 days at most it is too late.",
);
static TOO_OFTEN: FindingKind = FindingKind::new(
    "registration.too-often",
    Severity::Info,
    "the registry was asked too often",
    "Ask less often: once a day is enough for a date.",
);
static UNPAID: FindingKind = FindingKind::new(
    "registration.unpaid",
    Severity::Warning,
    "the registrar's date has passed, while the registry has renewed the domain",
    "Ask the registrar whether the renewal is paid: it can still give the domain back.",
);
static UNREACHABLE: FindingKind = FindingKind::new(
    "registration.unreachable",
    Severity::Info,
    "the registry did not answer",
    "Nothing needs to be done about the domain. If it stays, see whether this machine may reach the registry.",
);
static UNVERIFIED: FindingKind = FindingKind::new(
    "registration.unverified",
    Severity::Info,
    "the RDAP server did not prove that it is the registry's",
    "If it stays, ask the registry. What it said may be anybody's.",
);

/// What to think of a registration at such a time.
pub fn judge(facts: &RegistrationFacts, now: SystemTime, thresholds: &Thresholds) -> Vec<Finding> {
    let date = facts.expires();
    let by_date = date.and_then(|date| judge_date(date, now, thresholds));
    let silent = |kind: &'static FindingKind| {
        // With the caller's date, nothing is missing that could be had.
        let is_missed =
            facts.expiry_of_caller.is_none() || !matches!(facts.state, State::NoService);
        let told = is_missed.then(|| kind.found(facts.story()));
        told.into_iter().chain(by_date.clone()).collect()
    };
    match &facts.state {
        State::Known(registration) => {
            let stands = Lifecycle::of(registration, now, thresholds.expiry_warning);
            let mut findings = judge_states(registration, stands, now);
            // What was deleted has no date any more.
            if !is_deleted(stands) {
                findings.extend(by_date);
            }
            if date.is_none() {
                let evidence = match &registration.expiry {
                    Expiry::Unreadable(text) => format!("it says {text:?}"),
                    Expiry::Known(_) | Expiry::NotPublished => facts.domain.to_string(),
                };
                findings.push(NOT_PUBLISHED.found(evidence));
            }
            if let Source::Rdap {
                url,
                is_verified: false,
            } = &registration.source
            {
                findings.push(UNVERIFIED.found(url.to_string()));
            }
            findings
        }
        State::NotFound => vec![NOT_FOUND.found(facts.story())],
        State::NoService => silent(&NO_SERVICE),
        State::TooOften(_) => silent(&TOO_OFTEN),
        State::Unreachable(_) => silent(&UNREACHABLE),
    }
}

const fn is_deleted(stands: Lifecycle) -> bool {
    use Lifecycle::{PendingDelete, PendingRestore, Redemption};
    matches!(stands, PendingDelete | PendingRestore | Redemption)
}

fn judge_date(date: SystemTime, now: SystemTime, thresholds: &Thresholds) -> Option<Finding> {
    match Lifecycle::by_date(
        date,
        now,
        thresholds.expiry_warning.max(thresholds.expiry_critical),
    ) {
        Lifecycle::Expired(passed) => {
            Some(EXPIRED.found(format!("on {}, {} ago", day(date), days(passed))))
        }
        Lifecycle::Expiring(left) => {
            let found = EXPIRING.found(format!("on {}, in {}", day(date), days(left)));
            let is_critical = left < thresholds.expiry_critical;
            Some(found.with_severity(if is_critical {
                Severity::Critical
            } else {
                Severity::Warning
            }))
        }
        _ => None,
    }
}

/// What the registry's and the registrar's words tell, beside the date.
fn judge_states(registration: &Registration, stands: Lifecycle, now: SystemTime) -> Vec<Finding> {
    let statuses: Vec<_> = registration.statuses.iter().map(Status::as_str).collect();
    let shown = statuses.join(", ");
    let mut findings = Vec::new();
    match stands {
        Lifecycle::Hold(holder) => {
            let holder = match holder {
                Holder::Client => "by the registrar",
                Holder::Server => "by the registry",
            };
            let name = registration
                .registrar
                .as_ref()
                .and_then(|registrar| registrar.name.as_deref());
            let name = name
                .map(|name| format!(", registrar {name}"))
                .unwrap_or_default();
            findings.push(HOLD.found(format!("{holder} ({shown}{name})")));
        }
        Lifecycle::Inactive => findings.push(INACTIVE.found(shown)),
        Lifecycle::PendingDelete => findings.push(PENDING_DELETE.found(shown)),
        Lifecycle::PendingRestore => findings.push(PENDING_RESTORE.found(shown)),
        Lifecycle::Redemption => findings.push(REDEMPTION.found(shown)),
        _ => {}
    }
    if is_deleted(stands) {
        return findings;
    }
    let behind = behind(registration, now);
    if registration.has(Status::AUTO_RENEW_PERIOD) {
        let date = registration
            .expires()
            .map(|date| format!("the registry's date is {}", day(date)));
        let evidence = date.unwrap_or_else(|| "the registry tells no date".to_owned());
        findings.push(match &behind {
            // Nobody has paid, as far as the registrar knows.
            Some(behind) => AUTO_RENEW_PERIOD
                .found(format!("{evidence}, {behind}"))
                .with_severity(Severity::Critical),
            None => AUTO_RENEW_PERIOD.found(evidence),
        });
    } else if let Some(behind) = behind {
        findings.push(UNPAID.found(behind));
    }
    findings
}

/// How far the registrar's date has stayed behind, if it has passed and the registry's has not.
fn behind(registration: &Registration, now: SystemTime) -> Option<String> {
    let registrar = registration.registrar_expiry.filter(|date| *date <= now)?;
    match registration.expiry {
        Expiry::Known(registry) if registry > now => Some(format!(
            "the registrar's is {}, which has passed",
            day(registrar)
        )),
        _ => None,
    }
}

/// How the registry's words differ from the parent zone's: its name servers there, and whether it has DS records. What
/// either does not tell is not compared.
pub fn compare(
    facts: &RegistrationFacts,
    parent_name_servers: &[String],
    has_ds: Option<bool>,
) -> Vec<Finding> {
    let Some(registration) = facts.registration() else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    let registered = &registration.name_servers;
    let parent: Vec<_> = parent_name_servers
        .iter()
        .filter_map(|name| host(name))
        .collect();
    if !registered.is_empty() && !parent.is_empty() {
        let missing = |from: &[String], of: &[String]| {
            let missing = of.iter().filter(|name| !from.contains(name)).cloned();
            missing.collect::<Vec<_>>()
        };
        let (at_registry, at_parent) = (missing(&parent, registered), missing(registered, &parent));
        let told = [("registry", at_registry), ("parent zone", at_parent)].into_iter();
        let told = told.filter(|(_, names)| !names.is_empty());
        let told: Vec<_> = told
            .map(|(who, names)| format!("only the {who} names {}", names.join(", ")))
            .collect();
        if !told.is_empty() {
            findings.push(NAME_SERVERS_DIFFER.found(told.join("; ")));
        }
    }
    match (registration.delegation_signed, has_ds) {
        (Some(true), Some(false)) => {
            findings
                .push(DS_DIFFERS.found("the registry has DS records, the parent zone has none"));
        }
        (Some(false), Some(true)) => {
            findings
                .push(DS_DIFFERS.found("the parent zone has DS records, the registry has none"));
        }
        _ => {}
    }
    findings
}
