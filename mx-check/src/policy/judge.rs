//! The judgement over a domain's mail policy. What could not be asked is never blamed on the domain.

use core::time::Duration;

use probe_core::{FailureKind, Finding, FindingKind, HostName, Severity};
use probe_net::tls::PolicyMode;

use super::SpfResult;
use super::dmarc::DmarcFacts;
use super::facts::{DkimFacts, MtaStsFacts, PolicyFacts};
use super::fetch::Fetched;
use super::findings::*;
use super::published::{Published, Text};
use super::tree::SpfFacts;
use crate::records::Fault;
use crate::records::dkim::{Key, Strength};
use crate::records::dmarc::Disposition;
use crate::records::mta_sts::Policy;
use crate::records::spf::{Qualifier, Spf};

/// What to think of it, for a domain whose mail these hosts take; nobody, where it takes none (RFC 7505).
pub fn judge(facts: &PolicyFacts, mx_hosts: &[HostName]) -> Vec<Finding> {
    let mut findings = Vec::new();
    spf(&facts.spf, mx_hosts, &mut findings);
    spf_tree(&facts.spf, &mut findings);
    dmarc(&facts.dmarc, mx_hosts, &mut findings);
    for (place, key) in facts.dkim.iter().enumerate() {
        // A wildcard answers every guess alike: once is enough.
        let mut before = facts.dkim.iter().take(place);
        let is_again = before.any(|one| one.published.records == key.published.records);
        if key.is_named || key.is_told() && !is_again {
            dkim(key, &mut findings);
        }
    }
    if !mx_hosts.is_empty() {
        mta_sts(&facts.mta_sts, mx_hosts, &mut findings);
        tls_rpt(facts, &mut findings);
    }
    bimi(facts, &mut findings);
    let deadlock = facts.caa.records.iter().find(|one| one.is_deadlock());
    findings.extend(deadlock.map(|one| CAA_DEADLOCK.found(one.to_string())));
    findings.extend(some(&POLICY_UNKNOWN, facts.troubles()));
    findings
}

/// The first few, and how many there are.
fn some(kind: &'static FindingKind, stories: Vec<String>) -> Option<Finding> {
    /// So many are told.
    const TOLD: usize = 4;
    let more = stories.len().saturating_sub(TOLD);
    let told = stories.iter().take(TOLD).cloned().collect::<Vec<_>>();
    let told = told.join("; ");
    match (stories.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(kind.found(told)),
        (false, more) => Some(kind.found(format!("{told}; and {more} more"))),
    }
}

/// What is the matter with a record, and the record.
fn faults<R>(kind: &'static FindingKind, record: &Text<R>, faults: &[Fault]) -> Option<Finding> {
    let told = faults.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut found = some(kind, told)?;
    found.evidence = format!("{} in {record}", found.evidence);
    Some(found)
}

fn spf(facts: &SpfFacts, mx_hosts: &[HostName], findings: &mut Vec<Finding>) {
    let published = &facts.published;
    if published.lack.is_some() {
        return;
    }
    let misplaced = facts.misplaced.iter();
    let misplaced = misplaced.map(|text| String::from_utf8_lossy(text).into_owned());
    findings.extend(some(&SPF_MISPLACED, misplaced.collect()));
    let is_closed = facts.tree.default == Some(Qualifier::Fail);
    if mx_hosts.is_empty() && !is_closed && facts.tree.is_whole() {
        findings.push(SPF_NULL_OPEN.found(published.story()));
    } else if published.is_missing() {
        findings.push(SPF_MISSING.found(published.story()));
    }
    if published.is_manifold() {
        findings.push(SPF_MULTIPLE.found(published.story()));
    }
    // Those of RFC 1035 section 4.2.1 and of RFC 9715.
    let severity = match facts.octets {
        ..=512 => None,
        513..=1232 => Some(Severity::Info),
        _ => Some(Severity::Warning),
    };
    findings.extend(severity.map(|severity| {
        let evidence = format!("{} octets at {}", facts.octets, published.name);
        SPF_LARGE.found(evidence).with_severity(severity)
    }));
    let Some(record) = published.only() else {
        return;
    };
    findings.extend(faults(&SPF_ODD, record, &record.read.oddities));
    let own = facts.checks.iter().filter(|check| {
        let bad = [SpfResult::Fail, SpfResult::PermError, SpfResult::SoftFail];
        check.is_sender && check.result.is_some_and(|result| bad.contains(&result))
    });
    let own = own.map(|check| {
        let result = check.result.map_or("unknown", SpfResult::as_str);
        format!("{} {result} ({})", check.address, check.why)
    });
    findings.extend(some(&SPF_OWN_HOST, own.collect()));
}

fn spf_tree(facts: &SpfFacts, findings: &mut Vec<Finding>) {
    let tree = &facts.tree;
    let Some(record) = facts.published.only() else {
        return;
    };
    let errors = tree.errors.iter().map(|(domain, error)| {
        let node = tree.nodes.iter().find(|node| node.domain == *domain);
        let text = node.map(|node| String::from_utf8_lossy(&node.text).into_owned());
        format!("{domain}: {error} in {}", text.unwrap_or_default())
    });
    findings.extend(some(&SPF_SYNTAX, errors.collect()));
    if tree.lookups > Spf::LOOKUPS {
        let nodes = tree
            .nodes
            .iter()
            .map(|node| format!("{} {}", node.domain, node.lookups));
        let nodes = nodes.collect::<Vec<_>>().join(", ");
        let most = if tree.is_cut { "more than " } else { "" };
        let evidence = format!("{most}{} in all: {nodes}", tree.lookups);
        findings.push(SPF_LOOKUPS_EXCEEDED.found(evidence));
    }
    if tree.voids.len() > Spf::VOIDS {
        findings.extend(some(&SPF_VOIDS_EXCEEDED, tree.voids.clone()));
    }
    let crowded = tree.crowded.iter();
    let crowded = crowded.map(|(domain, names)| format!("{names} hosts of {domain}"));
    findings.extend(some(&SPF_MX_NAMES, crowded.collect()));
    findings.extend(some(&SPF_LOOP, tree.loops.clone()));
    findings.extend(some(&SPF_INCLUDE_DEAD, tree.dead.clone()));
    findings.extend(some(&SPF_PTR, tree.pointers.clone()));
    findings.extend(some(&SPF_PASS_ALL, tree.open.clone()));
    match tree.default {
        // What is beyond a loop or an error says nothing either.
        None if record.read.errors.is_empty() && tree.is_whole() && tree.loops.is_empty() => {
            findings.push(SPF_ALL_MISSING.found(record.to_string()));
        }
        Some(Qualifier::Neutral) => findings.push(SPF_NEUTRAL.found(record.to_string())),
        _ => {}
    }
}

fn dmarc(facts: &DmarcFacts, mx_hosts: &[HostName], findings: &mut Vec<Finding>) {
    let manifold = facts.walk.iter().filter(|one| one.is_manifold());
    findings.extend(manifold.map(|one| DMARC_MULTIPLE.found(one.story())));
    if facts.lack().is_some() {
        return;
    }
    let is_null = mx_hosts.is_empty();
    if is_null && facts.disposition != Some(Disposition::Reject) {
        let story = facts.walk.first().map(Published::story);
        findings.push(DMARC_NULL_OPEN.found(story.unwrap_or_default()));
    } else if facts.is_missing() && !facts.walk.iter().any(Published::is_manifold) {
        let stories = facts.walk.iter().map(Published::story);
        findings.extend(some(&DMARC_MISSING, stories.collect()));
    }
    let Some(policy) = &facts.policy else {
        return;
    };
    let (record, read) = (&policy.record, &policy.record.read);
    findings.extend(faults(&DMARC_SYNTAX, record, &read.errors));
    findings.extend(faults(&DMARC_ODD, record, &read.oddities));
    let refused = facts.destinations.iter().filter(|one| one.is_refused());
    let refused = refused.map(|one| one.consent.story());
    findings.extend(some(&DMARC_REPORTS_REFUSED, refused.collect()));
    let (Some(own), Some(below), Some(absent)) = (
        read.disposition(),
        read.of_subdomains(),
        read.of_nonexistent(),
    ) else {
        return;
    };
    let weighed = [
        (&DMARC_TEST, read.in_effect(own) != own),
        (
            &DMARC_NONE,
            !is_null && facts.disposition == Some(Disposition::None),
        ),
        (&DMARC_REPORTS_NONE, !is_null && read.rua.is_empty()),
        (&DMARC_SUBDOMAINS, below < own || absent < own),
    ];
    let found = weighed.into_iter().filter(|(_, is_so)| *is_so);
    findings.extend(found.map(|(kind, _)| kind.found(record.to_string())));
}

fn dkim(facts: &DkimFacts, findings: &mut Vec<Finding>) {
    let published = &facts.published;
    if published.is_missing() {
        findings.push(DKIM_MISSING.found(published.story()));
    }
    if published.is_manifold() {
        findings.push(DKIM_MULTIPLE.found(published.story()));
    }
    let Some(record) = published.only() else {
        return;
    };
    let read = &record.read;
    findings.extend(faults(&DKIM_SYNTAX, record, &read.errors));
    let story = format!("{}: {}", published.name, read.key);
    match (&read.key, read.key.strength()) {
        // Whoever was guessed may be out of use for long.
        (Key::Revoked, _) if facts.is_named => findings.push(DKIM_REVOKED.found(story)),
        (_, Strength::Broken) => findings.push(DKIM_BROKEN.found(story)),
        (_, Strength::Weak) => findings.push(DKIM_WEAK.found(story)),
        _ => {}
    }
    if read.is_test {
        findings.push(DKIM_TEST.found(published.story()));
    }
}

fn mta_sts(facts: &MtaStsFacts, mx_hosts: &[HostName], findings: &mut Vec<Finding>) {
    let published = &facts.published;
    if published.is_manifold() {
        findings.push(MTA_STS_MULTIPLE.found(published.story()));
    }
    if let Some(record) = published.only() {
        findings.extend(faults(&MTA_STS_SYNTAX, record, &record.read.errors));
    }
    let Some(fetch) = &facts.fetch else {
        return;
    };
    if let Fetched::Failed(failure) = &fetch.fetched
        && failure.kind == FailureKind::Local
    {
        findings.push(POLICY_UNKNOWN.found(format!("{}: {failure}", fetch.url)));
        return;
    }
    let Some(policy) = fetch.fetched.policy() else {
        // Without a record nobody looks for one.
        if !published.records.is_empty() {
            let evidence = format!("{}: {}; {}", fetch.url, fetch.fetched, published.story());
            findings.push(MTA_STS_POLICY_MISSING.found(evidence));
        }
        return;
    };
    if published.is_missing() {
        // A page that answers everything alike is no policy.
        if policy.errors.is_empty() {
            let evidence = format!("{}; {}", fetch.url, published.story());
            findings.push(MTA_STS_POLICY_UNANNOUNCED.found(evidence));
        }
        return;
    }
    if let Fetched::NotText(kind, _) = &fetch.fetched {
        findings.push(MTA_STS_POLICY_TYPE.found(format!("{}: {kind:?}", fetch.url)));
    }
    let errors = policy.errors.iter().map(ToString::to_string);
    findings.extend(some(&MTA_STS_POLICY_SYNTAX, errors.collect()));
    // By a record that cannot be used nobody comes to the policy, and no mail is lost by it.
    let record = published.only();
    let is_usable = record.is_some_and(|record| record.read.errors.is_empty());
    if published.lack.is_some() || is_usable {
        mta_sts_policy(policy, mx_hosts, findings);
    }
}

fn mta_sts_policy(policy: &Policy, mx_hosts: &[HostName], findings: &mut Vec<Finding>) {
    /// A policy that is gone so soon protects nobody.
    const SHORT: Duration = Duration::from_secs(24 * 60 * 60);
    let Some(held) = policy.to_mta_sts() else {
        return;
    };
    let patterns = held.patterns().iter().map(ToString::to_string);
    let patterns = patterns.collect::<Vec<_>>().join(", ");
    match held.mode() {
        PolicyMode::None => {
            findings.push(MTA_STS_NONE.found("mode: none"));
            return;
        }
        PolicyMode::Testing => findings.push(MTA_STS_TESTING.found("mode: testing")),
        PolicyMode::Enforce => {}
    }
    let strangers = mx_hosts.iter().filter(|host| !held.lists(host.as_str()));
    let strangers: Vec<_> = strangers.map(ToString::to_string).collect();
    if !strangers.is_empty() {
        // Where another host fits, mail still arrives.
        let is_lost = strangers.len() == mx_hosts.len() && held.mode() == PolicyMode::Enforce;
        let severity = match is_lost {
            true => Severity::Critical,
            false => Severity::Warning,
        };
        let mode = held.mode().as_str();
        let evidence = format!(
            "{} not in mx: {patterns} (mode: {mode})",
            strangers.join(", ")
        );
        findings.push(MTA_STS_MX_MISMATCH.found(evidence).with_severity(severity));
    }
    let is_used = |pattern: &&probe_net::tls::MxPattern| {
        mx_hosts.iter().any(|host| pattern.matches(host.as_str()))
    };
    let unused = held.patterns().iter().filter(|pattern| !is_used(pattern));
    let unused = unused.map(ToString::to_string).collect();
    findings.extend(some(&MTA_STS_MX_UNUSED, unused));
    let short = held.max_age().filter(|age| *age < SHORT);
    let evidence = |age: Duration| format!("max_age: {}", age.as_secs());
    findings.extend(short.map(|age| MTA_STS_MAX_AGE.found(evidence(age))));
}

fn tls_rpt(facts: &PolicyFacts, findings: &mut Vec<Finding>) {
    let published = &facts.tls_rpt;
    if published.is_missing() && !facts.mta_sts.published.records.is_empty() {
        findings.push(TLS_RPT_MISSING.found(published.story()));
    }
    if published.is_manifold() {
        findings.push(TLS_RPT_MULTIPLE.found(published.story()));
    }
    if let Some(record) = published.only() {
        findings.extend(faults(&TLS_RPT_SYNTAX, record, &record.read.errors));
    }
}

fn bimi(facts: &PolicyFacts, findings: &mut Vec<Finding>) {
    let Some(record) = facts.bimi.only() else {
        return;
    };
    findings.extend(faults(&BIMI_SYNTAX, record, &record.read.errors));
    let is_enforced = matches!(
        facts.dmarc.disposition,
        Some(Disposition::Quarantine | Disposition::Reject)
    );
    let is_known = facts.dmarc.lack().is_none();
    if is_known && !is_enforced && !record.read.is_declined() {
        findings.push(BIMI_DMARC.found(record.to_string()));
    }
}
