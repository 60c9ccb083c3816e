//! What we think of it: the table of findings of this crate, and the judgement over facts.

mod delegation;
mod exchange;

use std::time::{Duration, SystemTime};

use probe_core::{Finding, FindingKind, Severity};
use probe_net::Seen;
use probe_net::dns::Rcode;

use crate::facts::{Cache, CacheHealth, Held, MxFacts, Passing};
use crate::options::Options;
use crate::reply::{Mx, lower};

/// All findings of this crate.
pub static FINDINGS: &[&FindingKind] = &[
    &BOGUS,
    &delegation::ALIAS,
    &delegation::DIFFERS_AT_PARENT,
    &delegation::EXPIRY_SHORT,
    &delegation::GLUE_DIFFERS,
    &delegation::GONE,
    &delegation::HOMELESS,
    &delegation::LAME,
    &delegation::NOBODY,
    &delegation::NO_EDNS,
    &delegation::NO_TCP,
    &delegation::ONE_SERVER,
    &delegation::SERIALS_DIFFER,
    &delegation::SERVERS_DIFFER,
    &delegation::SPF_DIFFERS,
    &delegation::UNKNOWN,
    &DIVERGENT,
    &exchange::ALIAS,
    &exchange::BOGON,
    &exchange::DOUBLED,
    &exchange::DUPLICATE,
    &exchange::IMPLICIT,
    &exchange::INCONSISTENT,
    &exchange::LITERAL,
    &exchange::MISSING_HOST,
    &exchange::NOT_FOUND,
    &exchange::NO_MAIL,
    &exchange::NO_REVERSE,
    &exchange::NO_V6,
    &exchange::NULL,
    &exchange::NULL_MIXED,
    &exchange::TAKEOVER,
    &exchange::TLSA_UNSIGNED,
    &exchange::UNEXPECTED,
    &exchange::VALIDATION,
    &ONLY_CACHES,
    &RESOLVER_ILL,
    &SIGNATURE_EXPIRED,
    &SIGNATURE_EXPIRING,
    &STALE,
    &UNSIGNED,
];

static BOGUS: FindingKind = FindingKind::new(
    "dnssec.bogus",
    Severity::Critical,
    "the domain's signatures are wrong: resolvers that check them find nothing",
    "Compare the DS records at the parent with the keys of the zone, and look whether signatures have expired; a domain that \
    moved may have left its old DS behind.",
);
static SIGNATURE_EXPIRED: FindingKind = FindingKind::new(
    "dnssec.signature-expired",
    Severity::Critical,
    "the domain's signatures have expired: resolvers that check them find nothing",
    "Have the zone signed again, and see why that was not done by itself.",
);
static SIGNATURE_EXPIRING: FindingKind = FindingKind::new(
    "dnssec.signature-expiring",
    Severity::Warning,
    "the domain's signatures will expire soon",
    "See whether the zone is still signed anew by itself: when they have expired, resolvers that check them find nothing.",
);
static UNSIGNED: FindingKind = FindingKind::new(
    "dnssec.left-behind",
    Severity::Critical,
    "the zone above says that the domain is signed, and it is not: resolvers that check signatures find nothing",
    "Have the DS records taken out at the registrar, or sign the zone with the keys that they name: they are often left behind \
    when a domain moves.",
);
static DIVERGENT: FindingKind = FindingKind::new(
    "caches.divergent",
    Severity::Warning,
    "resolvers have other MX records than the domain's own servers",
    "After a change, wait until caches have forgotten the old records, and keep the old hosts running until then; without \
    one, look for who answers in the domain's place.",
);
static ONLY_CACHES: FindingKind = FindingKind::new(
    "caches.only",
    Severity::Critical,
    "only caches still know the domain: mail will stop when they have forgotten it",
    "Have the registrar or the registry put the domain back before that: what caches hold hides that it is gone already.",
);
static RESOLVER_ILL: FindingKind = FindingKind::new(
    "resolver.ill",
    Severity::Info,
    "a resolver does not answer as one should, and counts for nothing here",
    "Nothing needs to be done at the domain; ask another resolver.",
);
static STALE: FindingKind = FindingKind::new(
    "caches.stale",
    Severity::Warning,
    "a resolver answers with what is over already (RFC 8767)",
    "It does so because it cannot reach the domain's servers any more: see what is told of them.",
);

/// What to think of a domain.
pub fn judge(facts: &MxFacts, seen: &Seen<'_>, options: &Options) -> Vec<Finding> {
    let mut findings = Vec::new();
    clock(facts, &mut findings);
    findings.extend(signatures(facts, seen.now));
    delegation::judge(&facts.delegation, &mut findings);
    exchange::judge(facts, options, &mut findings);
    caches(facts, &mut findings);
    findings
}

fn clock(facts: &MxFacts, findings: &mut Vec<Finding>) {
    let Some(clock) = &facts.clock else {
        return;
    };
    let day = |time| humantime::format_rfc3339_seconds(time).to_string();
    let evidence = format!(
        "mail stops between {} and {}, when {} it",
        day(clock.earliest),
        day(clock.latest),
        match clock.caches {
            1 => "the resolver that was asked has forgotten".to_owned(),
            several => format!("the {several} resolvers that were asked have forgotten"),
        },
    );
    findings.push(ONLY_CACHES.found(evidence));
}

/// The signatures of the domain's own servers, if the zone above says that it is signed; else nobody checks them.
fn signatures(facts: &MxFacts, now: SystemTime) -> Option<Finding> {
    /// Signers renew them a week or more before.
    const SOON: Duration = Duration::from_secs(3 * 24 * 60 * 60);
    let servers: Vec<_> = facts.delegation.well().collect();
    let unsigned = servers.iter().find(|one| one.signed_until.is_none());
    if let Some(unsigned) = unsigned.filter(|_| facts.delegation.is_signed == Some(true)) {
        return Some(UNSIGNED.found(lower(&unsigned.host)));
    }
    let signed = servers
        .iter()
        .filter_map(|one| Some((one.signed_until?, one)));
    let (until, server) = signed.min_by_key(|(until, _)| *until)?;
    let kind = match until.duration_since(now) {
        Err(_) => &SIGNATURE_EXPIRED,
        Ok(left) if left < SOON => &SIGNATURE_EXPIRING,
        Ok(_) => return None,
    };
    let until = humantime::format_rfc3339_seconds(until);
    let found = kind.found(format!("{}: {until}", lower(&server.host)));
    let is_checked = facts.delegation.is_signed != Some(false);
    Some(match is_checked {
        true => found,
        false => found.with_severity(Severity::Info),
    })
}

/// What resolvers that check signatures find to be wrong, and which link of the chain is.
fn bogus(facts: &MxFacts) -> Option<Finding> {
    let believed = facts.caches.iter().filter(|cache| cache.is_believed());
    let caches = believed.filter(|cache| cache.is_bogus);
    let resolvers: Vec<_> = caches.map(|cache| cache.resolver.to_string()).collect();
    let said = (!resolvers.is_empty()).then(|| resolvers.join(", "));
    #[cfg(feature = "dnssec")]
    let broken = match &facts.trust {
        Some(trust @ probe_net::dns::Trust::Bogus { .. }) => Some(trust.to_string()),
        _ => None,
    };
    #[cfg(not(feature = "dnssec"))]
    let broken = None;
    let evidence: Vec<String> = broken.into_iter().chain(said).collect();
    (!evidence.is_empty()).then(|| BOGUS.found(evidence.join("; found by ")))
}

fn caches(facts: &MxFacts, findings: &mut Vec<Finding>) {
    for cache in &facts.caches {
        let why = match &cache.health {
            CacheHealth::Well | CacheHealth::Unasked => continue,
            CacheHealth::Invents => "it finds addresses for names that nobody has",
            CacheHealth::Blind(why) | CacheHealth::Silent(why) => why,
        };
        findings.push(RESOLVER_ILL.found(format!("{}: {why}", cache.resolver)));
    }
    let believed = || facts.caches.iter().filter(|cache| cache.is_believed());
    let told = |kind: &'static FindingKind, is_so: &dyn Fn(&&Cache) -> bool| {
        let of = believed()
            .filter(is_so)
            .map(|cache| cache.resolver.to_string());
        let of: Vec<_> = of.collect();
        (!of.is_empty()).then(|| kind.found(of.join(", ")))
    };
    findings.extend(bogus(facts));
    // What stands still at the whole life of the records is fetched anew from servers that still answer.
    let lives = facts.delegation.servers.iter();
    let lives: Vec<_> = lives
        .filter_map(|one| one.exchanges.as_ref()?.ttl)
        .collect();
    let is_stale = |held: &Held<Mx>| {
        let is_still = held.passing() == Some(Passing::Still);
        held.is_stale || is_still && !lives.contains(&held.remaining())
    };
    findings.extend(told(&STALE, &|cache| {
        facts.clock.is_some() && cache.exchanges.as_ref().is_some_and(is_stale)
    }));
    findings.extend(divergent(facts));
}

/// Resolvers whose records are not those of the domain's own servers.
fn divergent(facts: &MxFacts) -> Option<Finding> {
    let own = facts.exchange.records.as_ref()?;
    let is_own = facts.delegation.well().next().is_some();
    // Where the domain's own servers do not agree, a resolver may have it from any of them.
    let is_of_one = |records: &[Mx]| {
        let mut servers = facts.delegation.servers.iter();
        servers.any(|one| {
            one.exchanges
                .as_ref()
                .is_some_and(|set| set.records == records)
        })
    };
    let others = facts.caches.iter().filter(|cache| {
        let held = cache.exchanges.as_ref();
        cache.is_believed()
            && !cache.is_bogus
            && held.is_some_and(|held| {
                held.set.rcode != Rcode::SERVFAIL && !is_of_one(&held.set.records)
            })
    });
    let told = others.map(|cache| {
        let records = cache
            .exchanges
            .as_ref()
            .map(|held| exchange::told(&held.set.records));
        format!("{} has {}", cache.resolver, records.unwrap_or_default())
    });
    let told: Vec<_> = told.collect();
    let wanted = exchange::told(&own.records);
    (is_own && !told.is_empty() && !facts.delegation.is_gone()).then(|| {
        DIVERGENT.found(format!(
            "{}; the domain's own servers have {wanted}",
            told.join(", ")
        ))
    })
}
