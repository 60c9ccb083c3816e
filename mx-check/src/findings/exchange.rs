//! What to think of who takes the mail.

use core::net::IpAddr;

use probe_core::{Finding, FindingKind, Severity};
use probe_net::names::Reach;

use crate::command::host_of;
use crate::facts::{Exchange, MxFacts, MxForm, MxHost, MxKind, MxState};
use crate::options::Options;
use crate::reply::{Mx, lower};

pub(super) static ALIAS: FindingKind = FindingKind::new(
    "mx.alias",
    Severity::Warning,
    "an MX record names an alias",
    "Name the host itself in the record: some servers refuse aliases there (RFC 2181 section 10.3, RFC 5321 section 5.1).",
);
pub(super) static BOGON: FindingKind = FindingKind::new(
    "mx.bogon",
    Severity::Warning,
    "a host that takes mail has an address that nobody reaches from outside",
    "Give it a public address in the zone that the Internet sees, or take it out of the MX records.",
);
pub(super) static DOUBLED: FindingKind = FindingKind::new(
    "mx.doubled",
    Severity::Warning,
    "an MX record has the domain in it twice",
    "Put a dot behind the host's name in the zone file.",
);
pub(super) static DUPLICATE: FindingKind = FindingKind::new(
    "mx.duplicate",
    Severity::Info,
    "a host stands in several MX records",
    "Keep one of them.",
);
pub(super) static IMPLICIT: FindingKind = FindingKind::new(
    "mx.implicit",
    Severity::Warning,
    "there is no MX record: mail goes to the domain's own address",
    "Add one. If the domain shall take no mail, say so by \"MX 0 .\" (RFC 7505): mail for it is then refused at once.",
);
pub(super) static INCONSISTENT: FindingKind = FindingKind::new(
    "mx.inconsistent",
    Severity::Warning,
    "the domain's name servers have different MX records",
    "See why some of them do not have the current zone: mail goes this way or that by chance.",
);
pub(super) static LITERAL: FindingKind = FindingKind::new(
    "mx.literal",
    Severity::Warning,
    "an MX record holds an address where a host name belongs",
    "Give the host a name, and put that into the record (RFC 5321 section 5.1).",
);
pub(super) static MISSING_HOST: FindingKind = FindingKind::new(
    "mx.no-address",
    Severity::Warning,
    "a host that is to take the mail has no address",
    "Mend the host's name or its address records, or take it out of the MX records.",
);
pub(super) static NOT_FOUND: FindingKind = FindingKind::new(
    "mx.not-found",
    Severity::Warning,
    "a host that takes mail could not be looked up",
    "See whether the name servers of the host's own domain answer; if they do, ask another resolver.",
);
pub(super) static NO_MAIL: FindingKind = FindingKind::new(
    "mx.none",
    Severity::Critical,
    "no mail reaches the domain: nothing that its MX records name can be sent to",
    "See the other findings for each host. If the domain shall take no mail, say so by \"MX 0 .\" (RFC 7505).",
);
pub(super) static NO_REVERSE: FindingKind = FindingKind::new(
    "mx.reverse",
    Severity::Info,
    "an address that takes mail has no name that leads back to it",
    "If it also sends, have whoever owns the network give it the host's name: many servers refuse mail without.",
);
pub(super) static NO_V6: FindingKind = FindingKind::new(
    "mx.no-ipv6",
    Severity::Info,
    "no host that takes the mail is reachable over IPv6",
    "Add an IPv6 address to one of them, when it is ready for that.",
);
pub(super) static NULL: FindingKind = FindingKind::new(
    "mx.null",
    Severity::Info,
    "the domain says that it takes no mail (RFC 7505)",
    "If it shall take mail, replace the record \"MX 0 .\" by the names of its hosts.",
);
pub(super) static NULL_MIXED: FindingKind = FindingKind::new(
    "mx.null.mixed",
    Severity::Warning,
    "beside MX records that name hosts stands one that says that there is no mail",
    "Remove one or the other (RFC 7505 section 3): some servers take the domain to have no mail.",
);
pub(super) static TAKEOVER: FindingKind = FindingKind::new(
    "mx.takeover",
    Severity::Critical,
    "an MX record names a host of a domain that does not exist: whoever registers that gets the mail",
    "Take the record out today, or register the domain again.",
);
pub(super) static TLSA_UNSIGNED: FindingKind = FindingKind::new(
    "mx.tlsa-unsigned",
    Severity::Info,
    "a host says by TLSA which certificate it has, but that is not signed, or the resolver does not check signatures",
    "Sign the zone that the host's name is in: unsigned records are passed over (RFC 7672 section 2.2).",
);
pub(super) static UNEXPECTED: FindingKind = FindingKind::new(
    "mx.unexpected",
    Severity::Critical,
    "the MX records are not those that were expected",
    "If nobody of yours has changed them, somebody else has: see who has access to the zone and to the registrar's account.",
);
pub(super) static VALIDATION: FindingKind = FindingKind::new(
    "mx.validation",
    Severity::Info,
    "an MX record is there to prove who owns the domain, and takes no mail",
    "Remove it when Microsoft 365 has seen it.",
);

/// Records, as they are told.
pub(super) fn told(records: &[Mx]) -> String {
    let told = records
        .iter()
        .map(|mx| format!("{} {}", mx.preference, lower(&mx.exchange)));
    let told: Vec<_> = told.collect();
    match told.is_empty() {
        true => "none".to_owned(),
        false => told.join(", "),
    }
}

pub(super) fn judge(facts: &MxFacts, options: &Options, findings: &mut Vec<Finding>) {
    let exchange = &facts.exchange;
    let source = exchange.source.as_deref().unwrap_or_default();
    match exchange.kind {
        MxKind::Unknown => {}
        MxKind::Null => findings.push(NULL.found(source)),
        MxKind::Implicit => findings.push(IMPLICIT.found(source)),
        // Of a domain that is gone that is no news.
        MxKind::Nobody if facts.delegation.is_gone() => {}
        MxKind::Nobody => {
            let why = format!("neither MX records nor an address ({source})");
            findings.push(NO_MAIL.found(why));
        }
        MxKind::Hosts => {}
    }
    let takeovers = exchange.hosts.iter().filter(|host| is_for_sale(host));
    findings.extend(takeovers.map(|host| TAKEOVER.found(shown(host))));
    unreachable(exchange, options, findings);
    for (place, host) in exchange.hosts.iter().enumerate() {
        name(exchange, host, findings);
        let before = exchange.hosts.iter().take(place);
        if !before
            .map(|other| &other.name)
            .any(|other| *other == host.name)
        {
            addresses(host, options, findings);
        }
    }
    whole(exchange, findings);
    inconsistent(facts, findings);
    unexpected(exchange, options, findings);
}

/// Whether mail reaches anybody at all.
fn unreachable(exchange: &Exchange, options: &Options, findings: &mut Vec<Finding>) {
    let is_open = |host: &MxHost| {
        matches!(host.state, MxState::Unknown(_) | MxState::Unasked)
            || host.is_usable(options.local_is_fine)
    };
    let hosts: Vec<_> = exchange.takers().collect();
    if exchange.kind == MxKind::Hosts && !hosts.iter().any(|host| is_open(host)) {
        let told = hosts
            .iter()
            .map(|host| format!("{} ({})", lower(&host.name), why(host)));
        findings.push(NO_MAIL.found(told.collect::<Vec<_>>().join(", ")));
    }
}

fn why(host: &MxHost) -> &'static str {
    match host.state {
        MxState::Found => "its addresses are none that mail reaches",
        MxState::Lost => "its aliases lead nowhere",
        MxState::NoAddress => "it has no address",
        MxState::NoName => "there is no such name",
        MxState::Unasked | MxState::Unknown(_) => "it is not known",
    }
}

/// A host as its record has it.
fn shown(host: &MxHost) -> String {
    format!("{} {}", host.preference, lower(&host.name))
}

/// Whether anybody may register the domain that it belongs to.
fn is_for_sale(host: &MxHost) -> bool {
    host.organisation_is_there == Some(false)
}

/// What its name is.
fn name(exchange: &Exchange, host: &MxHost, findings: &mut Vec<Finding>) {
    let shown = shown(host);
    match host.form {
        MxForm::Doubled => findings.push(DOUBLED.found(shown.as_str())),
        MxForm::Literal => findings.push(LITERAL.found(shown.as_str())),
        MxForm::Null if exchange.kind == MxKind::Hosts => {
            findings.push(NULL_MIXED.found(shown.as_str()));
        }
        MxForm::Validation => findings.push(VALIDATION.found(shown.as_str())),
        MxForm::Bare | MxForm::Host | MxForm::Null => {}
    }
    if exchange.kind == MxKind::Implicit {
        return;
    }
    if !host.aliases.is_empty() {
        let aliases: Vec<_> = host.aliases.iter().map(lower).collect();
        findings.push(ALIAS.found(format!("{shown} is {}", aliases.join(", that is "))));
    }
    if let Some(tlsa) = host.tlsa.as_ref().filter(|tlsa| !tlsa.is_authentic) {
        findings.push(TLSA_UNSIGNED.found(lower(&tlsa.name)));
    }
    if let MxState::Unknown(why) = &host.state {
        findings.push(NOT_FOUND.found(format!("{shown}: {why}")));
    }
    let is_missing = matches!(
        host.state,
        MxState::Lost | MxState::NoAddress | MxState::NoName
    );
    if is_missing && !is_for_sale(host) {
        findings.push(MISSING_HOST.found(format!("{shown}: {}", why(host))));
    }
}

fn addresses(host: &MxHost, options: &Options, findings: &mut Vec<Finding>) {
    let is_bad = |reach: Reach| match reach {
        Reach::Global => false,
        Reach::Local => !options.local_is_fine,
        Reach::Reserved => true,
    };
    let name = lower(&host.name);
    for one in &host.addresses {
        if is_bad(one.reach) {
            findings.push(BOGON.found(format!("{name}: {}", one.address)));
        } else if one.is_confirmed == Some(false) {
            let names: Vec<_> = one.names.iter().map(lower).collect();
            let names = match names.is_empty() {
                true => "no name".to_owned(),
                false => names.join(", "),
            };
            findings.push(NO_REVERSE.found(format!("{name}: {} has {names}", one.address)));
        }
    }
}

/// What shows in all hosts together.
fn whole(exchange: &Exchange, findings: &mut Vec<Finding>) {
    let names: Vec<_> = exchange.takers().map(|host| lower(&host.name)).collect();
    let mut twice: Vec<_> = names
        .iter()
        .filter(|name| names.iter().filter(|other| other == name).count() > 1)
        .collect();
    twice.dedup();
    if let Some(name) = twice.first() {
        findings.push(DUPLICATE.found(name.as_str()));
    }
    let mut addresses = exchange
        .takers()
        .flat_map(|host| &host.addresses)
        .peekable();
    let has_any = addresses.peek().is_some();
    let has_v6 = addresses.any(|one| matches!(one.address, IpAddr::V6(_)));
    if has_any && !has_v6 {
        findings.push(NO_V6.found(""));
    }
}

/// Whether the domain's own servers agree.
fn inconsistent(facts: &MxFacts, findings: &mut Vec<Finding>) {
    let servers = facts.delegation.well();
    let said: Vec<_> = servers
        .filter_map(|one| Some((one.exchanges.as_ref()?, one)))
        .collect();
    let Some((first, _)) = said.first() else {
        return;
    };
    if said.iter().any(|(set, _)| set.records != first.records) {
        let told = said
            .iter()
            .map(|(set, one)| format!("{} has {}", lower(&one.host), told(&set.records)));
        findings.push(INCONSISTENT.found(told.collect::<Vec<_>>().join("; ")));
    }
}

fn unexpected(exchange: &Exchange, options: &Options, findings: &mut Vec<Finding>) {
    if options.expected.is_empty() || exchange.kind == MxKind::Unknown {
        return;
    }
    let is: Vec<_> = exchange
        .takers()
        .filter_map(|host| host_of(&host.name))
        .collect();
    let new = is.iter().filter(|host| !options.expected.contains(host));
    let gone = options.expected.iter().filter(|host| !is.contains(host));
    let told = new.map(|host| format!("{host} is new"));
    let told: Vec<_> = told
        .chain(gone.map(|host| format!("{host} is missing")))
        .collect();
    if !told.is_empty() {
        findings.push(UNEXPECTED.found(told.join(", ")));
    }
}
