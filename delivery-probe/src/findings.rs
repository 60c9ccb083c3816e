//! What we think of it: the judgement over facts. The table of findings is in `findings/table.rs`.

mod table;

use std::time::Duration;

use probe_core::{Finding, FindingKind, Severity};

use crate::authentication::{Authentication, Outcome};
use crate::bounce::{Action, Bounce};
use crate::facts::{Arrival, DeliveryFacts, Placement};
use crate::integrity::{Attachment, Change, Integrity};
use crate::ledger::Standing;
use crate::rules::{Rules, Unprotected};
use crate::transit::{ClockOff, Direction, Proof, Transit};

pub use table::FINDINGS;

/// What to think of a route.
pub fn judge(facts: &DeliveryFacts, rules: &Rules) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(sent(facts, rules));
    for arrival in &facts.arrivals {
        findings.extend(arrived(arrival, rules));
    }
    findings.extend(facts.bounces.iter().filter_map(bounced));
    findings.extend(missing(facts, rules));
    findings.extend(housekeeping(facts));
    findings
}

fn sent(facts: &DeliveryFacts, rules: &Rules) -> Option<Finding> {
    let took = facts.canary.as_ref()?.send?;
    rules
        .send
        .judge(took.as_secs_f64(), &table::SEND, shown(took))
}

fn arrived(arrival: &Arrival, rules: &Rules) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (thresholds, kind, time) in [
        (&rules.transit, &table::TRANSIT, arrival.transit),
        (&rules.receive, &table::RECEIVE, arrival.receive),
    ] {
        let judged = time.and_then(|time| thresholds.judge(time.as_secs_f64(), kind, shown(time)));
        findings.extend(judged);
    }
    if arrival.standing == Standing::ArrivedLate {
        let since = arrival.seen_at.duration_since(arrival.sent_at);
        let since = since.unwrap_or_default();
        findings
            .push(table::ARRIVED_LATE.found(format!("seen {} after it was sent", shown(since))));
    }
    if arrival.is_duplicate {
        findings.push(table::DUPLICATE.found(arrival.token.to_string()));
    }
    let folder = arrival.folder.as_deref().unwrap_or_default();
    match arrival.placement {
        Placement::Junk => findings.push(table::JUNK.found(folder)),
        Placement::Other => findings.push(table::FOLDER.found(folder)),
        Placement::Inbox | Placement::Unknown => {}
    }
    findings.extend(hops(&arrival.way, rules));
    if !rules.authentication.is_empty() {
        findings.extend(authentication(arrival.authentication.as_ref(), rules));
    }
    findings.extend(arrival.integrity.iter().flat_map(content));
    findings
}

fn hops(way: &Transit, rules: &Rules) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(leg) = way.slowest(rules.slow_hop) {
        let took = shown(leg.delay.unwrap_or_default());
        let evidence = match &leg.since {
            Some(since) if since.eq_ignore_ascii_case(&leg.host) => {
                format!("{took} within {since}")
            }
            Some(since) => format!("{took} between {since} and {}", leg.host),
            None => format!("{took} before {}", leg.host),
        };
        findings.push(table::SLOW_HOP.found(evidence));
    }
    for clock in way
        .clocks
        .iter()
        .filter(|clock| clock.at_least > rules.clock)
    {
        findings.push(table::CLOCK.found(said_of(clock)));
    }
    for leg in way.unprotected() {
        let from = leg.from.as_deref().unwrap_or("us");
        let found = table::UNPROTECTED.found(format!("from {from} to {}", leg.host));
        findings.push(match rules.unprotected {
            Unprotected::Allowed => found,
            Unprotected::Warned => found.with_severity(Severity::Warning),
        });
    }
    let outdated = way.legs.iter().filter_map(|leg| {
        let tls = leg.tls.as_ref().filter(|tls| tls.is_outdated())?;
        let version = tls.version.as_deref().unwrap_or_default();
        Some(table::OUTDATED.found(format!("{version} to {}", leg.host)))
    });
    findings.extend(outdated);
    let odd = way.legs.iter().filter(|leg| !leg.quirks.is_empty());
    findings.extend(odd.map(|leg| {
        let quirks: Vec<_> = leg.quirks.iter().map(|quirk| quirk.as_str()).collect();
        table::ODD_HOP.found(format!("{}: {}", leg.host, quirks.join(", ")))
    }));
    if way.left_out > 0 {
        let all = way.legs.len() + way.left_out;
        findings.push(table::MANY_HOPS.found(format!("{all} hops")));
    }
    findings
}

fn said_of(clock: &ClockOff) -> String {
    let direction = match clock.direction {
        Direction::Fast => "fast",
        Direction::Slow => "slow",
    };
    let least = shown(clock.at_least);
    let by = match clock.at_most.map(shown) {
        Some(most) if most != least => format!("{least} to {most}"),
        Some(_) => least,
        None => format!("at least {least}, and set in between"),
    };
    let proof = match clock.proof {
        Proof::OurClock => "by our own clock",
        Proof::OtherHops => "by the other hops, one of which may be wrong instead",
    };
    format!("{} is {direction} by {by}, {proof}", clock.host)
}

fn authentication(found: Option<&Authentication>, rules: &Rules) -> Vec<Finding> {
    let Some(found) = found else {
        let kind = &table::UNAUTHENTICATED;
        return vec![kind.found("no Authentication-Results of the receiving server")];
    };
    let server = found.server.as_deref().unwrap_or("the receiving server");
    let judged = rules.authentication.iter().filter_map(|method| {
        let kind: &'static FindingKind = match method.as_str() {
            "spf" => &table::SPF,
            "dkim" => &table::DKIM,
            "dmarc" => &table::DMARC,
            _ => &table::UNAUTHENTICATED,
        };
        let Some(result) = found.of_method(method) else {
            return Some(kind.found(format!("{server} says nothing of {method}")));
        };
        if result.outcome == Outcome::Pass {
            return None;
        }
        let reason = result.reason.as_deref();
        let reason = reason
            .map(|reason| format!(" ({reason})"))
            .unwrap_or_default();
        Some(kind.found(format!("{server}: {method}={}{reason}", result.outcome)))
    });
    judged.collect()
}

fn content(integrity: &Integrity) -> Vec<Finding> {
    let changes = integrity.changes.iter().map(|change| {
        let kind = match change {
            Change::SubjectTagged(_) | Change::Banner(_) | Change::Footer(_) => &table::MARKED,
            change if change.is_damage() => &table::DAMAGED,
            _ => &table::REWRITTEN,
        };
        kind.found(change.to_string())
    });
    let attachment = match integrity.attachment {
        Attachment::Changed => Some("another is in its place"),
        Attachment::Missing => Some("it is missing"),
        Attachment::None | Attachment::Same => None,
    };
    let attachment = attachment.map(|what| table::ATTACHMENT.found(what));
    changes.chain(attachment).collect()
}

fn bounced(bounce: &Bounce) -> Option<Finding> {
    let kind = match bounce.action {
        Action::Failed => table::bounced(bounce.cause),
        Action::Delayed => &table::DELAYED,
        Action::Delivered | Action::Expanded | Action::Relayed => return None,
    };
    let mut evidence = Vec::new();
    evidence.extend(bounce.status.map(|status| status.to_string()));
    evidence.extend(
        bounce
            .remote
            .as_ref()
            .map(|remote| format!("{remote} said")),
    );
    evidence.extend(bounce.diagnostic.clone());
    if evidence.is_empty() {
        evidence.push(bounce.cause.summary().to_owned());
    }
    if let Some(reporter) = &bounce.reporter {
        evidence.push(format!("(told by {reporter})"));
    }
    Some(kind.found(evidence.join(" ")))
}

/// What should be there, as far as the reports do not tell it already.
fn missing(facts: &DeliveryFacts, rules: &Rules) -> Vec<Finding> {
    let mut findings = Vec::new();
    let counts = &facts.counts;
    if counts.pending > 0 {
        findings.push(table::PENDING.found(canaries(counts.pending)));
    }
    if counts.late > 0 {
        findings.push(table::LATE.found(canaries(counts.late)));
    }
    let lost = canaries(facts.recently_lost);
    match rules.lost.warning.is_none() && rules.lost.critical.is_none() {
        true if facts.recently_lost > 0 => findings.push(table::LOST.found(lost)),
        true => {}
        false => {
            findings.extend(
                rules
                    .lost
                    .judge(number(facts.recently_lost), &table::LOST, lost),
            );
        }
    }
    if facts.recently_reordered > 0 {
        findings.push(table::REORDERED.found(canaries(facts.recently_reordered)));
    }
    findings
}

fn housekeeping(facts: &DeliveryFacts) -> impl Iterator<Item = Finding> {
    let counted = [
        (&table::FORGED, facts.forged),
        (&table::INTERRUPTED, facts.interruptions),
        (&table::LEFT_BEHIND, facts.left_behind),
        (&table::LEDGER_UNREADABLE, facts.unreadable),
        (&table::LEDGER_DROPPED, facts.dropped),
    ];
    let counted = counted.into_iter().filter(|(_, count)| *count > 0);
    counted.map(|(kind, count)| kind.found(count.to_string()))
}

fn canaries(count: u64) -> String {
    match count {
        1 => "1 canary".to_owned(),
        count => format!("{count} canaries"),
    }
}

/// A length of time as people read it: to the millisecond below a minute, to the second above.
fn shown(time: Duration) -> String {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let rounded = match millis {
        ..60_000 => Duration::from_millis(millis),
        _ => Duration::from_secs(time.as_secs()),
    };
    humantime::format_duration(rounded).to_string()
}

#[allow(
    clippy::as_conversions,
    reason = "there is no other way from u64 to f64"
)]
const fn number(count: u64) -> f64 {
    count as f64
}
