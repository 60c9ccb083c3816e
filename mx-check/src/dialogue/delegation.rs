//! The zone above, asked about the domain; and the domain's own servers, each asked what it has.

use core::net::{IpAddr, SocketAddr};

use probe_net::dns::{Answer, Ask, Data, Kind, Name, Rcode};
use probe_net::names::organisational;

use super::Outcome;
use crate::command::{ask_server, host_of};
use crate::facts::{Delegation, Parent, ParentSays, Server, ServerState, Soa};
use crate::reply::{self, Set, lower};

/// So many servers of the zone above are asked.
const PARENTS: usize = 4;
/// So many of the domain's own.
const SERVERS: usize = 12;

/// A question to the zone above.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AtParent {
    NameServers(SocketAddr),
    Signed,
}

/// Whom the domain belongs to, and whether it is signed.
pub(crate) fn ask_parent(domain: &Name, servers: &[SocketAddr]) -> Vec<(AtParent, Ask)> {
    let asked = servers.iter().take(PARENTS);
    let name_servers = asked.map(|server| {
        let ask = ask_server(*server, domain, Kind::NS);
        (AtParent::NameServers(*server), ask)
    });
    let signed = servers.first();
    let signed = signed.map(|server| (AtParent::Signed, ask_server(*server, domain, Kind::DS)));
    name_servers.chain(signed).collect()
}

/// What the zone above said.
pub(crate) fn hear_parent(domain: &Name, answers: Vec<(AtParent, Outcome)>, into: &mut Delegation) {
    for (question, outcome) in answers {
        match question {
            AtParent::NameServers(server) => into.parents.push(Parent {
                server,
                says: parent_says(domain, &outcome),
            }),
            AtParent::Signed => {
                let answer = outcome.ok().filter(|one| one.rcode == Rcode::NOERROR);
                into.is_signed = answer.map(|answer| answer.records().next().is_some());
            }
        }
    }
    into.parents.sort_by_key(|parent| parent.server);
}

fn parent_says(domain: &Name, outcome: &Outcome) -> ParentSays {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(trouble) => return ParentSays::Silent(trouble.to_string()),
    };
    let referral = referral(domain, answer);
    match (answer.rcode, referral) {
        (Rcode::NOERROR, Some(says)) => says,
        (Rcode::NOERROR, None) if answer.records().next().is_some() => {
            ParentSays::Own(reply::name_servers(answer))
        }
        (Rcode::NOERROR, None) if is_registered(domain) => ParentSays::NoZone,
        (Rcode::NOERROR, None) => ParentSays::Inside,
        (Rcode::NXDOMAIN, _) => ParentSays::NoName,
        (other, _) => ParentSays::Refused(other),
    }
}

/// Whether it is a registry that delegates the domain: then a zone begins there, or the domain is gone.
fn is_registered(domain: &Name) -> bool {
    let host = host_of(domain);
    host.is_some_and(|host| organisational(&host) == host)
}

/// Whom a server points to, if it is about this domain.
fn referral(domain: &Name, answer: &Answer) -> Option<ParentSays> {
    if !answer.answers.is_empty() {
        return None;
    }
    let of_domain = answer
        .authority
        .iter()
        .filter(|record| record.name == *domain);
    let mut records = Vec::new();
    let mut ttl = None;
    for record in of_domain {
        if let Data::Ns(host) = &record.data {
            records.push(host.clone());
            ttl = Some(ttl.map_or(record.ttl, |least: u32| least.min(record.ttl)));
        }
    }
    if records.is_empty() {
        return None;
    }
    records.sort_by_key(lower);
    let glue = answer.additional.iter().filter_map(|record| {
        let address = match record.data {
            Data::A(address) => IpAddr::from(address),
            Data::Aaaa(address) => IpAddr::from(address),
            _ => return None,
        };
        records
            .contains(&record.name)
            .then(|| (record.name.clone(), address))
    });
    Some(ParentSays::Delegated {
        glue: glue.collect(),
        name_servers: Set {
            rcode: answer.rcode,
            records,
            ttl,
        },
    })
}

/// The name servers whose addresses nobody has said.
pub(crate) fn without_glue(delegation: &Delegation) -> Vec<Name> {
    let Some(says) = delegation.parent_says() else {
        return Vec::new();
    };
    let hosts = says.name_servers().map(|set| set.records.clone());
    let glue: &[(Name, IpAddr)] = match says {
        ParentSays::Delegated { glue, .. } => glue,
        _ => &[],
    };
    let mut hosts = hosts.unwrap_or_default();
    hosts.retain(|host| !glue.iter().any(|(known, _)| known == host));
    hosts.truncate(SERVERS);
    hosts
}

/// The domain's own servers, as far as it is known where they are.
pub(crate) fn settle(delegation: &mut Delegation, found: impl Fn(&Name) -> Vec<IpAddr>) {
    let Some(says) = delegation.parent_says() else {
        return;
    };
    if *says == ParentSays::Inside {
        // The servers of the zone are its own.
        let zone = delegation.parent.clone().unwrap_or_else(Name::root);
        let parents = delegation.parents.iter().map(|parent| parent.server.ip());
        let addresses: Vec<_> = parents.collect();
        return settle_at(vec![zone], delegation, |_| addresses.clone());
    }
    let hosts = says.name_servers().map(|set| set.records.clone());
    let glue = match says {
        ParentSays::Delegated { glue, .. } => glue.clone(),
        _ => Vec::new(),
    };
    settle_at(hosts.unwrap_or_default(), delegation, |host| {
        let glued = glue.iter().filter(|(known, _)| known == host);
        let addresses: Vec<_> = glued.map(|(_, address)| *address).collect();
        match addresses.is_empty() {
            true => found(host),
            false => addresses,
        }
    });
}

/// These servers, wherever they are.
pub(crate) fn settle_at(
    hosts: Vec<Name>,
    delegation: &mut Delegation,
    found: impl Fn(&Name) -> Vec<IpAddr>,
) {
    for host in hosts {
        let addresses = found(&host);
        if addresses.is_empty() {
            delegation.homeless.push(host.clone());
        }
        for address in addresses {
            if delegation.servers.len() < SERVERS {
                delegation.servers.push(Server::new(host.clone(), address));
            }
        }
    }
}

/// A question to one of the domain's own servers, by its place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AtServer {
    Soa(usize),
    NameServers(usize),
    Exchanges(usize),
    Texts(usize),
    /// Its own address, where its name is in the domain.
    Itself(usize),
    OverTcp(usize),
}

/// What each of the domain's own servers has.
pub(crate) fn ask_servers(domain: &Name, delegation: &Delegation) -> Vec<(AtServer, Ask)> {
    let servers = delegation.servers.iter().enumerate();
    let asked = servers.flat_map(|(place, server)| {
        [
            (AtServer::Soa(place), Kind::SOA),
            (AtServer::NameServers(place), Kind::NS),
            (AtServer::Exchanges(place), Kind::MX),
            (AtServer::Texts(place), Kind::TXT),
        ]
        .map(|(question, kind)| {
            let ask = ask_server(server.address, domain, kind);
            (question, ask.with_signatures())
        })
    });
    let over_tcp = delegation
        .servers
        .iter()
        .enumerate()
        .map(|(place, server)| {
            let ask = ask_server(server.address, domain, Kind::SOA).by_tcp();
            (AtServer::OverTcp(place), ask)
        });
    let inside = delegation.servers.iter().enumerate();
    let inside = inside.filter(|(_, server)| server.host.is_within(domain));
    let itself = inside.map(|(place, server)| {
        let kind = match server.address {
            SocketAddr::V4(_) => Kind::A,
            SocketAddr::V6(_) => Kind::AAAA,
        };
        let ask = ask_server(server.address, &server.host, kind);
        (AtServer::Itself(place), ask)
    });
    asked.chain(over_tcp).chain(itself).collect()
}

/// What they said.
pub(crate) fn hear_server(question: AtServer, outcome: &Outcome, into: &mut Delegation) {
    let (AtServer::Soa(place)
    | AtServer::NameServers(place)
    | AtServer::Exchanges(place)
    | AtServer::Texts(place)
    | AtServer::Itself(place)
    | AtServer::OverTcp(place)) = question;
    let Some(server) = into.servers.get_mut(place) else {
        return;
    };
    let answer = outcome.as_ref().ok();
    let own = answer.filter(|answer| answer.flags.authoritative);
    match question {
        AtServer::Soa(_) => {
            server.state = state(outcome);
            server.soa = own.and_then(soa);
            server.signed_until = own.and_then(reply::signed_until);
            server.has_edns = answer.map(|answer| answer.has_edns);
        }
        AtServer::NameServers(_) => server.name_servers = own.map(reply::name_servers),
        AtServer::Exchanges(_) => server.exchanges = own.map(reply::exchanges),
        AtServer::Itself(_) => {
            server.own_addresses = own.map(reply::addresses).into_iter().flatten().collect();
            server.alias = own.and_then(|answer| reply::alias(&server.host, answer));
        }
        AtServer::Texts(_) => server.spf = own.map(reply::spf),
        AtServer::OverTcp(_) => {
            server.over_tcp = Some(outcome.as_ref().map(drop).map_err(ToString::to_string));
        }
    }
}

fn state(outcome: &Outcome) -> ServerState {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(trouble) => return ServerState::Silent(trouble.to_string()),
    };
    let is_own = answer.flags.authoritative;
    match answer.rcode {
        Rcode::NXDOMAIN => ServerState::NoName,
        Rcode::NOERROR if is_own => ServerState::Well,
        Rcode::NOERROR if answer.answers.is_empty() => ServerState::Referral,
        Rcode::NOERROR => ServerState::NotAuthoritative,
        other => ServerState::Refused(other),
    }
}

fn soa(answer: &Answer) -> Option<Soa> {
    answer.records().find_map(|record| match record.data {
        Data::Soa {
            serial,
            refresh,
            retry,
            expire,
            minimum,
            ..
        } => Some(Soa {
            serial,
            refresh,
            retry,
            expire,
            minimum,
        }),
        _ => None,
    })
}

impl Server {
    pub(crate) fn new(host: Name, address: IpAddr) -> Self {
        /// Of name servers.
        const PORT: u16 = 53;
        Self {
            host,
            address: SocketAddr::new(address, PORT),
            state: ServerState::default(),
            soa: None,
            name_servers: None,
            exchanges: None,
            spf: None,
            own_addresses: Vec::new(),
            alias: None,
            has_edns: None,
            signed_until: None,
            over_tcp: None,
        }
    }
}

/// By what real servers said, byte for byte: nsd 4.6 and unbound 1.17 of Debian 12. A file begins with the question, and
/// holds the message in hexadecimal digits.
#[cfg(test)]
mod tests {
    use probe_net::dns::Question;

    use super::*;

    macro_rules! said {
        ($file:literal) => {
            heard(include_str!(concat!(
                "../../tests/transcripts/",
                $file,
                ".txt"
            )))
        };
    }

    fn heard(transcript: &str) -> Outcome {
        let (question, digits) = transcript.split_once('\n').unwrap();
        let (name, kind) = question.split_once(' ').unwrap();
        let question = Question::new(name.parse().unwrap(), Kind(kind.parse().unwrap()));
        let digits: Vec<u8> = digits.bytes().filter(u8::is_ascii_hexdigit).collect();
        let octet = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).unwrap(), 16);
        let message: Vec<u8> = digits.chunks(2).map(|pair| octet(pair).unwrap()).collect();
        Ok(Answer::of_message(question, "192.0.2.53:53".parse().unwrap(), &message).unwrap())
    }

    fn says(outcome: &Outcome) -> String {
        let domain = &outcome.as_ref().unwrap().question.name;
        parent_says(domain, outcome).to_string()
    }

    #[test]
    fn a_zone_above_delegates_denies_and_refuses() {
        assert_eq!(says(&said!("nsd-referral")), "ns1.well.test, ns2.well.test");
        assert_eq!(says(&said!("nsd-gone")), "no such name (NXDOMAIN)");
        // rbl.test is what was registered below test, and holds lists that are.
        assert_eq!(says(&said!("nsd-no-zone")), "no delegation");
        assert_eq!(says(&said!("nsd-refused")), "REFUSED");
    }

    #[test]
    fn a_referral_brings_the_addresses_of_the_servers() {
        let says = parent_says(&"well.test".parse().unwrap(), &said!("nsd-referral"));
        let ParentSays::Delegated { name_servers, glue } = says else {
            panic!("{says}");
        };
        assert_eq!(name_servers.ttl, Some(60));
        let glue: Vec<_> = glue
            .iter()
            .map(|(_, address)| address.to_string())
            .collect();
        assert_eq!(glue, ["127.88.0.75", "127.88.0.78"]);
    }

    #[test]
    fn a_server_answers_for_its_zone_and_a_resolver_does_not() {
        let own = said!("nsd-soa");
        assert_eq!(state(&own), ServerState::Well);
        let soa = soa(own.as_ref().unwrap()).unwrap();
        assert_eq!((soa.serial, soa.expire), (1, 1_209_600));
        assert_eq!(
            state(&said!("unbound-not-ours")),
            ServerState::NotAuthoritative
        );
        assert_eq!(
            state(&said!("nsd-refused")),
            ServerState::Refused(Rcode::REFUSED)
        );
    }

    #[test]
    fn the_same_records_are_equal_whoever_has_them() {
        let own = reply::exchanges(said!("nsd-exchanges").as_ref().unwrap());
        let cached = reply::exchanges(said!("unbound-exchanges").as_ref().unwrap());
        assert_eq!(own.records, cached.records);
        assert_eq!(own.records[0].preference, 10);
    }
}
