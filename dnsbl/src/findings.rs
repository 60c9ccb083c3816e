//! What we think of it: the table of findings of this crate, and the judgement over facts.

use probe_core::{Failure, FailureKind, Finding, FindingKind, Severity};
use probe_net::Seen;

use crate::catalogue::{Polarity, Scope, Status};
use crate::facts::{DnsblFacts, Health, ListFacts, Listing};
use crate::options::Options;
use crate::probe::LISTS;

/// All findings of this crate.
pub static FINDINGS: &[&FindingKind] = &[
    &DOUBTFUL,
    &LISTED,
    &LISTED_DOUBTFULLY,
    &LISTED_NEARBY,
    &RESOLVER_INVENTS,
    &RESOLVER_REFUSED,
    &SCORE,
];

static DOUBTFUL: FindingKind = FindingKind::new(
    "dnsbl.lists.doubtful",
    Severity::Info,
    "some lists cannot be believed, or did not answer",
    "Nothing needs to be done here; whoever filters mail by one of them should take it out.",
);
static LISTED: FindingKind = FindingKind::new(
    "dnsbl.listed",
    Severity::Critical,
    "it is on a blacklist",
    "Find out why (the list's reason, the server's queue and logs), end that, and then ask the list for delisting; asking \
    first gets it listed again.",
);
static LISTED_DOUBTFULLY: FindingKind = FindingKind::new(
    "dnsbl.listed.doubtfully",
    Severity::Info,
    "a list names it that cannot be believed",
    "Nothing needs to be done: the list also names what it should not.",
);
static LISTED_NEARBY: FindingKind = FindingKind::new(
    "dnsbl.listed.nearby",
    Severity::Warning,
    "the network around it is on a blacklist",
    "It is not about this address alone: ask the provider, or send from another network.",
);
static RESOLVER_INVENTS: FindingKind = FindingKind::new(
    "dnsbl.resolver.invents",
    Severity::Warning,
    "the resolver finds addresses for names that nobody has",
    "Ask another resolver: with this one every list seems to list everything.",
);
static RESOLVER_REFUSED: FindingKind = FindingKind::new(
    "dnsbl.resolver.refused",
    Severity::Info,
    "some lists do not answer this resolver",
    "Ask by a resolver of your own that forwards to nobody, or register with the list: lists refuse public resolvers and \
    those that ask too much.",
);

static SCORE: FindingKind = FindingKind::new(
    "dnsbl.score",
    Severity::Critical,
    "its listings weigh so much together that mail from it is refused",
    "Begin with the list that weighs most: find out why it is there, end that, and ask for delisting.",
);

/// What to think of a sweep.
pub fn judge(facts: &DnsblFacts, _: &Seen<'_>, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    if facts.resolver_invents {
        findings.push(RESOLVER_INVENTS.found(""));
    }
    let listings = facts.listings().filter(|one| is_bad(one));
    let listings: Vec<_> = listings.filter(|one| !is_told(one, facts)).collect();
    findings.extend(listings.iter().map(|one| {
        let found = listing(one);
        match options.threshold {
            // Together they are judged.
            Some(_) => {
                let lighter = found.severity.min(Severity::Warning);
                found.with_severity(lighter)
            }
            None => found,
        }
    }));
    findings.extend(score(facts, options));
    // With a resolver at fault, hundreds of lists are ill of the same.
    if nothing_learned(facts).is_some() {
        return findings;
    }
    let doubtfully = |one: &&ListFacts| one.listing == Listing::Listed && is_bad(one);
    let told = told(facts.doubtful().filter(doubtfully));
    findings.extend(told.map(|evidence| LISTED_DOUBTFULLY.found(evidence)));
    let refused = |one: &&ListFacts| matches!(one.health, Health::Blocked(..) | Health::Refused);
    let refusing = told_of(facts.doubtful().filter(refused));
    findings.extend(refusing.map(|evidence| RESOLVER_REFUSED.found(evidence)));
    let ill = |one: &&ListFacts| !refused(one);
    let ill = told_of(facts.doubtful().filter(ill));
    findings.extend(ill.map(|evidence| DOUBTFUL.found(evidence)));
    findings
}

/// Why nothing can be said of the subject, if so: no list is believed, or so few that it is not they who are ill.
pub(crate) fn nothing_learned(facts: &DnsblFacts) -> Option<Failure> {
    /// Of fewer lists each may be ill by itself.
    const MANY: usize = 5;
    let (all, doubtful) = (facts.lists.len(), facts.doubtful().count());
    let fail = |detail: String| Some(Failure::new(LISTS, FailureKind::Local, detail));
    if all == 0 {
        let detail = "none of the lists knows what it is asked for";
        return fail(detail.to_owned());
    }
    let is_fault = all >= MANY && doubtful * 2 > all && facts.listings().next().is_none();
    let first = facts.doubtful().next();
    match first {
        Some(first) if is_fault || doubtful == all => {
            let (zone, why) = (&first.list.zone, &first.health);
            let what = match is_fault {
                true => "so many lists cannot all be ill: look at the resolver first",
                false => "nothing can be believed",
            };
            fail(format!("{doubtful} of {all} lists: {what} ({zone}: {why})"))
        }
        _ => None,
    }
}

fn is_bad(one: &ListFacts) -> bool {
    one.list.polarity == Polarity::Block
}

/// Whether a list that contains this one tells it already. Of two that contain each other, neither may be silent.
fn is_told(one: &ListFacts, facts: &DnsblFacts) -> bool {
    let covers = |one: &ListFacts, other: &ListFacts| one.list.covers.contains(&other.list.zone);
    let mut others = facts.listings().filter(|other| is_bad(other));
    others.any(|other| covers(other, one) && !covers(one, other))
}

fn listing(one: &ListFacts) -> Finding {
    let story = one.story();
    match (one.list.scope, one.list.status) {
        (Scope::Asn | Scope::Range, _) => LISTED_NEARBY.found(story),
        // Few heed a list of which nobody knows whether it is alive.
        (_, Status::Alive) => LISTED.found(story),
        _ => LISTED.found(story).with_severity(Severity::Warning),
    }
}

/// What the listings weigh, where that is too much.
fn score(facts: &DnsblFacts, options: &Options) -> Option<Finding> {
    let (score, threshold) = (facts.score(), options.threshold?);
    let weights = facts.listings().map(|one| {
        let (zone, weight) = (&one.list.zone, one.list.weight);
        format!("{zone} {weight:+}")
    });
    let weights = some_of(weights)?;
    (score >= threshold).then(|| SCORE.found(format!("{score} of {threshold}: {weights}")))
}

/// The first few by name, and how many there are.
fn told<'a>(lists: impl Iterator<Item = &'a ListFacts>) -> Option<String> {
    some_of(lists.map(|one| format!("{} ({})", one.list.zone, one.health)))
}

/// Grouped by what is the matter with them.
fn told_of<'a>(lists: impl Iterator<Item = &'a ListFacts>) -> Option<String> {
    let mut groups: Vec<(&'static str, Vec<&ListFacts>)> = Vec::new();
    for one in lists {
        let word = one.health.as_str();
        match groups.iter_mut().find(|(known, _)| *known == word) {
            Some((_, members)) => members.push(one),
            None => groups.push((word, vec![one])),
        }
    }
    let group = |(word, members): (&str, Vec<&ListFacts>)| {
        let zones = some_of(members.iter().map(|one| one.list.zone.clone()));
        format!("{} {word}: {}", members.len(), zones.unwrap_or_default())
    };
    let groups: Vec<_> = groups.into_iter().map(group).collect();
    (!groups.is_empty()).then(|| groups.join("; "))
}

fn some_of(names: impl Iterator<Item = String>) -> Option<String> {
    /// So many are named.
    const NAMED: usize = 4;
    let names: Vec<_> = names.collect();
    let more = names.len().saturating_sub(NAMED);
    let named = names.get(..NAMED.min(names.len()))?.join(", ");
    match (names.is_empty(), more) {
        (true, _) => None,
        (false, 0) => Some(named),
        (false, more) => Some(format!("{named} and {more} more")),
    }
}
