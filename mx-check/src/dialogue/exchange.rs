//! Who takes the mail, by whoever is believed; and where these hosts are, as senders find them: by resolvers.

use core::net::IpAddr;

use probe_net::dns::{Answer, Ask, Kind, Name, Rcode};
use probe_net::names::{Reach, organisational};
use probe_net::tls::Dane;

use super::Outcome;
use crate::command::{ask, host_of, name_of, reverse};
use crate::facts::{Delegation, Exchange, HostTlsa, MxAddress, MxForm, MxHost, MxKind, MxState};
use crate::reply::{self, Mx, Set};

/// So many hosts are looked for.
const HOSTS: usize = 16;
/// So many addresses of one host.
const ADDRESSES: usize = 8;

/// The MX records that the domain's own servers have; those that most of them have, if they differ.
pub(crate) fn by_servers(delegation: &Delegation) -> Option<(Set<Mx>, String)> {
    let said: Vec<_> = delegation
        .servers
        .iter()
        .filter_map(|server| Some((server.exchanges.as_ref()?, server)))
        .collect();
    let votes = |set: &Set<Mx>| {
        said.iter()
            .filter(|(other, _)| other.records == set.records)
            .count()
    };
    // Among equals the first.
    let (set, server) = said.iter().rev().max_by_key(|(set, _)| votes(set))?;
    Some((
        (*set).clone(),
        format!("{} {}", reply::lower(&server.host), server.address.ip()),
    ))
}

/// What the records come to, the domain's own addresses aside.
pub(crate) fn take(domain: &Name, set: Set<Mx>, source: String, into: &mut Exchange) {
    let hosts = set.records.iter().map(|mx| MxHost::new(mx, domain));
    into.hosts = hosts.take(HOSTS).collect();
    let nulls = into
        .hosts
        .iter()
        .filter(|host| host.form == MxForm::Null)
        .count();
    into.kind = match (into.hosts.len(), nulls) {
        (0, _) => MxKind::Nobody,
        (all, nulls) if all == nulls => MxKind::Null,
        _ => MxKind::Hosts,
    };
    into.records = Some(set);
    into.source = Some(source);
    // Without a record, the domain itself may take the mail (RFC 5321 section 5.1).
    if into.hosts.is_empty() {
        let own = Mx {
            preference: 0,
            exchange: domain.clone(),
        };
        into.hosts.push(MxHost::new(&own, domain));
    }
}

/// A question about a host, by its place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AboutHost {
    Address(usize),
    Organisation(usize),
}

/// Where the hosts are.
pub(crate) fn ask_hosts(exchange: &Exchange) -> Vec<(AboutHost, Ask)> {
    let hosts = exchange.hosts.iter().enumerate();
    let real = hosts.filter(|(_, host)| !matches!(host.form, MxForm::Null | MxForm::Validation));
    let asked = real.flat_map(|(place, host)| {
        [Kind::A, Kind::AAAA].map(|kind| (AboutHost::Address(place), ask(&host.name, kind)))
    });
    asked.collect()
}

/// What came of it.
pub(crate) fn hear_hosts(answers: Vec<(AboutHost, Outcome)>, into: &mut Exchange) {
    for (question, outcome) in answers {
        match question {
            AboutHost::Address(place) => {
                if let Some(host) = into.hosts.get_mut(place) {
                    host.hear(&outcome);
                }
            }
            AboutHost::Organisation(place) => {
                if let (Some(host), Ok(answer)) = (into.hosts.get_mut(place), outcome) {
                    let is_told = answer.rcode.is_about_the_name();
                    host.organisation_is_there = is_told.then_some(answer.rcode != Rcode::NXDOMAIN);
                }
            }
        }
    }
    for host in &mut into.hosts {
        host.addresses.sort_by_key(|one| one.address);
    }
    let without_mx = into
        .records
        .as_ref()
        .is_some_and(|set| set.records.is_empty());
    if without_mx {
        let has_address = into.hosts.iter().any(|host| !host.addresses.is_empty());
        into.kind = match has_address {
            true => MxKind::Implicit,
            false => MxKind::Nobody,
        };
        if !has_address {
            into.hosts.clear();
        }
    }
}

/// Where the aliases of hosts lead that resolvers give up on: one step at a time, so that a circle shows.
pub(crate) fn ask_aliases(exchange: &Exchange) -> Vec<(usize, Ask)> {
    let hosts = exchange.hosts.iter().enumerate();
    let unknown = hosts.filter(|(_, host)| matches!(host.state, MxState::Unknown(_)));
    let asked = unknown.map(|(place, host)| {
        let last = host.aliases.last().unwrap_or(&host.name);
        (place, ask(last, Kind::CNAME))
    });
    asked.collect()
}

/// One step of each; whether there is another one.
pub(crate) fn hear_aliases(answers: Vec<(usize, Outcome)>, into: &mut Exchange) -> bool {
    /// Longer ways are circles.
    const ALIASES: usize = 8;
    let mut goes_on = false;
    for (place, outcome) in answers {
        let (Some(host), Ok(answer)) = (into.hosts.get_mut(place), outcome) else {
            continue;
        };
        let Some(next) = reply::alias(&answer.question.name, &answer) else {
            continue;
        };
        let is_circle = next == host.name || host.aliases.contains(&next);
        host.aliases.push(next);
        match is_circle || host.aliases.len() >= ALIASES {
            true => host.state = MxState::Lost,
            false => goes_on = true,
        }
    }
    goes_on
}

/// Whether the domains are there that hosts belong to which are not: whoever registers one of them gets the mail.
pub(crate) fn ask_organisations(exchange: &Exchange) -> Vec<(AboutHost, Ask)> {
    let hosts = exchange.hosts.iter().enumerate();
    let missing =
        hosts.filter(|(_, host)| host.state == MxState::NoName && host.form == MxForm::Host);
    let asked = missing.filter_map(|(place, host)| {
        let organisation = name_of(&organisational(&host_of(&host.name)?))?;
        Some((AboutHost::Organisation(place), ask(&organisation, Kind::NS)))
    });
    asked.collect()
}

/// Which certificates the hosts say that they have: below what their names stand for (RFC 7672 section 2.2.3).
pub(crate) fn ask_tlsa(exchange: &Exchange) -> Vec<(usize, Ask)> {
    let hosts = exchange.hosts.iter().enumerate();
    let found = hosts.filter(|(_, host)| host.state == MxState::Found);
    let asked = found.filter_map(|(place, host)| {
        let base = host.aliases.last().unwrap_or(&host.name);
        let name = base.below("_25._tcp").ok()?;
        Some((place, ask(&name, Kind::TLSA).with_signatures()))
    });
    asked.collect()
}

/// What came of it.
pub(crate) fn hear_tlsa(answers: Vec<(usize, Outcome)>, into: &mut Exchange) {
    for (place, outcome) in answers {
        let (Some(host), Ok(answer)) = (into.hosts.get_mut(place), outcome) else {
            continue;
        };
        // As zone files have them, which is how they are read.
        let records = answer
            .records()
            .filter_map(|record| record.data.to_string().parse().ok());
        let records: Vec<_> = records.take(Dane::LIMIT).collect();
        if !records.is_empty() {
            host.tlsa = Some(HostTlsa {
                name: answer.question.name.clone(),
                records,
                is_authentic: answer.flags.authentic_data,
            });
        }
    }
}

/// A question about an address, by the places of host and address.
#[derive(Clone, Debug)]
pub(crate) enum AboutAddress {
    Names(usize, usize),
    Back(usize, usize),
}

/// What the addresses are called.
pub(crate) fn ask_names(exchange: &Exchange) -> Vec<(AboutAddress, Ask)> {
    let mut asks = Vec::new();
    for (place, host) in exchange.hosts.iter().enumerate() {
        for (number, one) in host.addresses.iter().enumerate() {
            let name = reverse(one.address);
            let asked =
                name.map(|name| (AboutAddress::Names(place, number), ask(&name, Kind::PTR)));
            asks.extend(asked);
        }
    }
    asks
}

/// Whether these names lead back.
pub(crate) fn ask_back(exchange: &Exchange) -> Vec<(AboutAddress, Ask)> {
    /// Some addresses have the names of all their tenants.
    const NAMES: usize = 4;
    let mut asks = Vec::new();
    for (place, host) in exchange.hosts.iter().enumerate() {
        for (number, one) in host.addresses.iter().enumerate() {
            let kind = match one.address {
                IpAddr::V4(_) => Kind::A,
                IpAddr::V6(_) => Kind::AAAA,
            };
            let names = one.names.iter().take(NAMES);
            asks.extend(names.map(|name| (AboutAddress::Back(place, number), ask(name, kind))));
        }
    }
    asks
}

/// What came of either.
pub(crate) fn hear_names(answers: Vec<(AboutAddress, Outcome)>, into: &mut Exchange) {
    for (question, outcome) in answers {
        let (AboutAddress::Names(place, number) | AboutAddress::Back(place, number)) = question;
        let host = into.hosts.get_mut(place);
        let Some(one) = host.and_then(|host| host.addresses.get_mut(number)) else {
            continue;
        };
        let Some(answer) = outcome
            .ok()
            .filter(|answer| answer.rcode.is_about_the_name())
        else {
            continue;
        };
        match question {
            AboutAddress::Names(..) => {
                one.names = reply::pointers(&answer).cloned().collect();
                one.is_confirmed = one.names.is_empty().then_some(false);
            }
            AboutAddress::Back(..) => {
                let leads_back = reply::addresses(&answer).any(|address| address == one.address);
                one.is_confirmed = Some(one.is_confirmed.unwrap_or_default() || leads_back);
            }
        }
    }
}

impl MxHost {
    /// One of the two answers about its addresses.
    fn hear(&mut self, outcome: &Outcome) {
        let answer = match outcome {
            Ok(answer) if answer.rcode.is_about_the_name() => answer,
            Ok(answer) => return self.unless_found(MxState::Unknown(told(answer))),
            Err(trouble) => return self.unless_found(MxState::Unknown(trouble.to_string())),
        };
        if self.aliases.is_empty() {
            self.aliases.extend(reply::alias(&self.name, answer));
        }
        for address in reply::addresses(answer).take(ADDRESSES) {
            self.state = MxState::Found;
            self.addresses.push(MxAddress {
                address,
                reach: Reach::of(address),
                names: Vec::new(),
                is_confirmed: None,
            });
        }
        self.unless_found(match answer.rcode {
            Rcode::NXDOMAIN if !self.aliases.is_empty() => MxState::Lost,
            Rcode::NXDOMAIN => MxState::NoName,
            _ => MxState::NoAddress,
        });
    }

    /// What is known stands; and that nobody answered, before that there is nothing.
    fn unless_found(&mut self, state: MxState) {
        if matches!(self.state, MxState::Unasked | MxState::NoAddress) {
            self.state = state;
        }
    }
}

fn told(answer: &Answer) -> String {
    format!("{} says {}", answer.server.ip(), answer.rcode)
}
