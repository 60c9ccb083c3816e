//! What to think of how a domain hangs in the tree.

use probe_core::{Finding, FindingKind, Severity};

use crate::facts::{Delegation, Server, ServerState, names};
use crate::reply::lower;

pub(super) static ALIAS: FindingKind = FindingKind::new(
    "delegation.alias",
    Severity::Warning,
    "the name of a name server is an alias",
    "Name the host itself in the NS records (RFC 2181 section 10.3): some resolvers do not follow aliases there.",
);
pub(super) static GLUE_DIFFERS: FindingKind = FindingKind::new(
    "delegation.glue-differs",
    Severity::Warning,
    "the zone above has another address of a name server than the domain itself",
    "Make the two the same: at the registrar for the one, in the zone for the other. Whoever asks by the old one may find \
    nobody there tomorrow.",
);
pub(super) static NO_EDNS: FindingKind = FindingKind::new(
    "delegation.no-edns",
    Severity::Info,
    "a name server does not understand EDNS",
    "Update the server, or open what stands before it (RFC 6891): long answers take another way each time, and signatures \
    are not to be had.",
);
pub(super) static DIFFERS_AT_PARENT: FindingKind = FindingKind::new(
    "delegation.parent-differs",
    Severity::Warning,
    "the servers of the zone above do not say the same of the domain",
    "A change is on its way, or one of the servers is stuck: ask again in an hour, and then the registry.",
);
pub(super) static EXPIRY_SHORT: FindingKind = FindingKind::new(
    "delegation.expire-short",
    Severity::Warning,
    "the domain's other servers give it up after less than a week without its first one",
    "Set the zone's expire (SOA) to two weeks or more: until somebody notices, no mail is lost.",
);
pub(super) static GONE: FindingKind = FindingKind::new(
    "delegation.gone",
    Severity::Critical,
    "the zone above no longer knows the domain",
    "It was deleted, or is on hold: ask the registrar today. Whoever looks it up anew cannot send mail to it any more.",
);
pub(super) static HOMELESS: FindingKind = FindingKind::new(
    "delegation.no-address",
    Severity::Warning,
    "a name server of the domain has no address",
    "Mend the name at its own domain, or take it out of the delegation.",
);
pub(super) static LAME: FindingKind = FindingKind::new(
    "delegation.lame",
    Severity::Warning,
    "a name server does not answer for the domain",
    "Mend that server, or take it out of the delegation: whoever asks it first waits or fails.",
);
pub(super) static NOBODY: FindingKind = FindingKind::new(
    "delegation.all-lame",
    Severity::Critical,
    "no name server answers for the domain",
    "Bring at least one of them back: mail goes on only as long as caches remember the domain.",
);
pub(super) static NO_TCP: FindingKind = FindingKind::new(
    "delegation.no-tcp",
    Severity::Warning,
    "a name server does not answer over TCP",
    "Open port 53 for TCP too (RFC 7766): answers that fit into no datagram, such as long SPF or signed ones, are lost there.",
);
pub(super) static ONE_SERVER: FindingKind = FindingKind::new(
    "delegation.one-server",
    Severity::Warning,
    "the domain has one name server",
    "Add a second one in another network (RFC 2182): when the one is away, so is the mail.",
);
pub(super) static SERIALS_DIFFER: FindingKind = FindingKind::new(
    "delegation.serials-differ",
    Severity::Info,
    "the domain's name servers have different versions of it",
    "Normal for minutes after a change; if it stays so, see why the others do not fetch the zone.",
);
pub(super) static SERVERS_DIFFER: FindingKind = FindingKind::new(
    "delegation.name-servers-differ",
    Severity::Warning,
    "the zone above names other name servers than the domain itself",
    "Make the two the same: the registrar's for the one, the zone's NS records for the other.",
);
pub(super) static SPF_DIFFERS: FindingKind = FindingKind::new(
    "delegation.spf-differs",
    Severity::Warning,
    "the domain's name servers have different SPF records",
    "See why some of them do not have the current zone: the domain's mail is taken or refused by chance.",
);
pub(super) static UNKNOWN: FindingKind = FindingKind::new(
    "delegation.unknown",
    Severity::Info,
    "how the domain is delegated could not be looked into",
    "Name servers must be reachable from here on port 53 by UDP and TCP; else this check sees what resolvers say, and no more.",
);

/// RFC 1912 section 2.2 wants two to four weeks.
const EXPIRE: u32 = 7 * 24 * 60 * 60;

pub(super) fn judge(delegation: &Delegation, findings: &mut Vec<Finding>) {
    if let Some(trouble) = &delegation.trouble {
        findings.push(UNKNOWN.found(trouble.as_str()));
    }
    parents(delegation, findings);
    servers(delegation, findings);
}

fn parents(delegation: &Delegation, findings: &mut Vec<Finding>) {
    let told = delegation.parents.iter().map(|one| {
        let server = one.server.ip();
        format!("{server}: {}", one.says)
    });
    let told: Vec<_> = told.collect();
    if delegation.is_gone() {
        findings.push(GONE.found(told.join("; ")));
        return;
    }
    let gone = delegation.parents.iter().filter(|one| one.says.is_gone());
    let mut sets = delegation
        .parents
        .iter()
        .filter_map(|one| one.says.name_servers());
    let first = sets.next();
    let differ = first.is_some_and(|first| sets.any(|set| set.records != first.records));
    if differ || gone.count() > 0 {
        findings.push(DIFFERS_AT_PARENT.found(told.join("; ")));
    }
}

fn servers(delegation: &Delegation, findings: &mut Vec<Finding>) {
    let asked = delegation.servers.iter();
    let asked = asked.filter(|one| one.state != ServerState::Unasked);
    let (well, lame): (Vec<_>, Vec<_>) = asked.partition(|one| one.state == ServerState::Well);
    let told = |one: &&Server| format!("{} ({}) {}", lower(&one.host), one.address.ip(), one.state);
    let homeless = delegation.homeless.iter();
    let homeless = homeless.map(|host| format!("{} has no address", lower(host)));
    if well.is_empty() && !(lame.is_empty() && delegation.homeless.is_empty()) {
        let told: Vec<_> = lame.iter().map(told).chain(homeless).collect();
        findings.push(NOBODY.found(told.join("; ")));
        return;
    }
    findings.extend(
        delegation
            .homeless
            .iter()
            .map(|host| HOMELESS.found(lower(host))),
    );
    findings.extend(lame.iter().map(|one| LAME.found(told(one))));
    findings.extend(well.iter().filter_map(|one| {
        let why = one.over_tcp.as_ref()?.as_ref().err()?;
        Some(NO_TCP.found(format!(
            "{} ({}): {why}",
            lower(&one.host),
            one.address.ip()
        )))
    }));
    for one in &well {
        itself(one, findings);
    }
    let named = delegation
        .parent_says()
        .and_then(|says| says.name_servers());
    if let Some(named) = named {
        if named.records.len() == 1 {
            findings.push(ONE_SERVER.found(names(&named.records)));
        }
        let own = well.iter().filter_map(|one| one.name_servers.as_ref());
        let mut other = own.filter(|own| !own.records.is_empty() && own.records != named.records);
        findings.extend(other.next().map(|own| {
            let (above, below) = (names(&named.records), names(&own.records));
            SERVERS_DIFFER.found(format!("above: {above}; the domain itself: {below}"))
        }));
    }
    zone(&well, findings);
}

/// What a server says of itself.
fn itself(one: &Server, findings: &mut Vec<Finding>) {
    let told = |what: &str| format!("{} ({}){what}", lower(&one.host), one.address.ip());
    if let Some(alias) = &one.alias {
        findings.push(ALIAS.found(told(&format!(" is {}", lower(alias)))));
    }
    let own = &one.own_addresses;
    if !own.is_empty() && !own.contains(&one.address.ip()) {
        let own: Vec<_> = own.iter().map(ToString::to_string).collect();
        findings.push(GLUE_DIFFERS.found(told(&format!(" says that it is at {}", own.join(", ")))));
    }
    if one.has_edns == Some(false) {
        findings.push(NO_EDNS.found(told("")));
    }
}

/// The versions of the zone.
fn zone(well: &[&Server], findings: &mut Vec<Finding>) {
    let texts: Vec<_> = well
        .iter()
        .filter_map(|one| Some((one.spf.as_ref()?, *one)))
        .collect();
    let first = texts.first().map(|(set, _)| &set.records);
    if texts.iter().any(|(set, _)| Some(&set.records) != first) {
        let told = texts.iter().map(|(set, one)| {
            let records = set.records.join(" and ");
            let records = if records.is_empty() { "none" } else { &records };
            format!("{} has {records}", lower(&one.host))
        });
        findings.push(SPF_DIFFERS.found(told.collect::<Vec<_>>().join("; ")));
    }
    let soas: Vec<_> = well
        .iter()
        .filter_map(|one| Some((one.soa?, *one)))
        .collect();
    let Some((first, _)) = soas.first() else {
        return;
    };
    if soas.iter().any(|(soa, _)| soa.serial != first.serial) {
        let told = soas
            .iter()
            .map(|(soa, one)| format!("{} has {}", lower(&one.host), soa.serial));
        findings.push(SERIALS_DIFFER.found(told.collect::<Vec<_>>().join(", ")));
    }
    if first.expire < EXPIRE {
        findings.push(EXPIRY_SHORT.found(format!("{} seconds", first.expire)));
    }
}
