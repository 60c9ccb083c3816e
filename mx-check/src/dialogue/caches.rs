//! Resolvers, each asked by itself: whether it can be believed, what it has, and for how long still.

use core::net::SocketAddr;
use core::time::Duration;
use std::time::SystemTime;

use probe_net::dns::{Answer, Ask, Kind, Name, Rcode};

use super::Outcome;
use crate::command::ask_resolver;
use crate::facts::{Cache, CacheHealth, Clock, Delegation, Exchange, Held, MxForm};
use crate::reply::{self, Mx, Set};

/// A question to a resolver, by its place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AtCache {
    /// The root's servers, which every resolver finds.
    Root(usize),
    /// A name that nobody has.
    Nobody(usize),
    Exchanges(usize),
    NameServers(usize),
    Address(usize),
    /// The MX records whatever their signatures.
    Unchecked(usize),
}

/// Whether they are resolvers, and what they have.
pub(crate) fn ask_all(
    domain: &Name,
    nobody: Option<&Name>,
    resolvers: &[SocketAddr],
) -> Vec<(AtCache, Ask)> {
    let mut asks = Vec::new();
    for (place, resolver) in resolvers.iter().enumerate() {
        let ask = |name: &Name, kind| ask_resolver(*resolver, name, kind);
        asks.push((AtCache::Root(place), ask(&Name::root(), Kind::NS)));
        asks.extend(nobody.map(|name| (AtCache::Nobody(place), ask(name, Kind::A))));
        asks.push((AtCache::Exchanges(place), ask(domain, Kind::MX)));
        asks.push((AtCache::NameServers(place), ask(domain, Kind::NS)));
    }
    asks
}

/// What they still have, once more: so that it shows whether time passes in them.
pub(crate) fn ask_again(
    domain: &Name,
    exchange: &Exchange,
    caches: &[Cache],
) -> Vec<(AtCache, Ask)> {
    let mut asks = Vec::new();
    let answering = caches
        .iter()
        .enumerate()
        .filter(|(_, cache)| cache.still_answers());
    for (place, cache) in answering {
        let ask = |name: &Name, kind| ask_resolver(cache.resolver, name, kind);
        asks.push((AtCache::Exchanges(place), ask(domain, Kind::MX)));
        asks.push((AtCache::NameServers(place), ask(domain, Kind::NS)));
        let hosts = exchange
            .hosts
            .iter()
            .filter(|host| host.form == MxForm::Host);
        asks.extend(hosts.map(|host| (AtCache::Address(place), ask(&host.name, Kind::A))));
    }
    asks
}

/// Whether those that find nothing would, if they did not look at signatures.
pub(crate) fn ask_unchecked(domain: &Name, caches: &[Cache]) -> Vec<(AtCache, Ask)> {
    let fails = |cache: &Cache| {
        let exchanges = cache.exchanges.as_ref();
        cache.is_believed() && exchanges.is_some_and(|held| held.set.rcode == Rcode::SERVFAIL)
    };
    let failing = caches.iter().enumerate().filter(|(_, cache)| fails(cache));
    let asked = failing.map(|(place, cache)| {
        let ask = ask_resolver(cache.resolver, domain, Kind::MX).unchecked();
        (AtCache::Unchecked(place), ask)
    });
    asked.collect()
}

/// What came of it, so long after the first question.
pub(crate) fn hear(answers: Vec<(AtCache, Outcome)>, at: Duration, into: &mut [Cache]) {
    for (question, outcome) in answers {
        let (AtCache::Root(place)
        | AtCache::Nobody(place)
        | AtCache::Exchanges(place)
        | AtCache::NameServers(place)
        | AtCache::Address(place)
        | AtCache::Unchecked(place)) = question;
        if let Some(cache) = into.get_mut(place) {
            cache.hear(question, &outcome, at);
        }
    }
}

impl Cache {
    fn hear(&mut self, question: AtCache, outcome: &Outcome, at: Duration) {
        match (question, outcome) {
            (AtCache::Root(_), outcome) => self.prove(outcome),
            (AtCache::Nobody(_), Ok(answer)) => {
                if answer.rcode == Rcode::NOERROR && answer.records().next().is_some() {
                    self.health = CacheHealth::Invents;
                }
            }
            (AtCache::Exchanges(_), Ok(answer)) => {
                hold(&mut self.exchanges, reply::exchanges(answer), answer, at);
            }
            (AtCache::NameServers(_), Ok(answer)) => {
                hold(
                    &mut self.name_servers,
                    reply::name_servers(answer),
                    answer,
                    at,
                );
            }
            (AtCache::Address(_), Ok(answer)) => {
                let least = answer.records().map(|record| record.ttl).min();
                self.addresses = self.addresses.into_iter().chain(least).min();
            }
            (AtCache::Unchecked(_), Ok(answer)) => {
                self.is_bogus = answer.rcode.is_about_the_name();
            }
            (_, Err(_)) => {}
        }
    }

    /// That it finds the root's servers, which are there.
    fn prove(&mut self, outcome: &Outcome) {
        let health = match outcome {
            Ok(answer) if answer.records().next().is_some() => CacheHealth::Well,
            Ok(answer) => CacheHealth::Blind(answer.rcode.to_string()),
            Err(trouble) => CacheHealth::Silent(trouble.to_string()),
        };
        if self.health != CacheHealth::Invents {
            self.health = health;
        }
    }
}

/// Notes one more sample.
fn hold<T>(held: &mut Option<Held<T>>, set: Set<T>, answer: &Answer, at: Duration) {
    /// What is over, and served all the same (RFC 8914 section 4.4).
    const STALE: u16 = 3;
    let is_stale = answer
        .extended_errors
        .iter()
        .any(|error| error.code == STALE);
    let ttl = set.ttl.unwrap_or_default();
    let (mut samples, was_stale) = match held.take() {
        Some(before) => (before.samples, before.is_stale),
        None => (Vec::new(), false),
    };
    samples.push((at, ttl));
    *held = Some(Held {
        set,
        samples,
        is_stale: is_stale || was_stale,
    });
}

/// When mail stops, if the zone above no longer knows the domain and caches still do.
///
/// As long as a cache has the name servers, it can fetch the rest anew, for as long as that may then be kept; when it has
/// forgotten them, what it has is all. So in each cache mail stops when neither name servers nor records are left, and at
/// the latest a whole life of the records after it has forgotten the name servers.
pub(crate) fn clock(delegation: &Delegation, caches: &[Cache], now: SystemTime) -> Option<Clock> {
    if !delegation.is_gone() {
        return None;
    }
    let answering: Vec<_> = caches
        .iter()
        .filter(|cache| cache.still_answers())
        .collect();
    let life = delegation
        .servers
        .iter()
        .filter_map(|server| server.exchanges.as_ref()?.ttl)
        .max();
    let spans = answering.iter().map(|cache| {
        let left = |held: Option<u32>| u64::from(held.unwrap_or_default());
        let servers = left(cache.name_servers.as_ref().map(Held::remaining));
        let exchanges = left(cache.exchanges.as_ref().map(Held::remaining));
        let addresses = cache.addresses.map_or(exchanges, u64::from);
        let first = servers.max(exchanges.min(addresses));
        let whole = life.map_or(exchanges, u64::from).max(exchanges);
        (first, (servers + whole).max(exchanges))
    });
    let spans: Vec<_> = spans.collect();
    let earliest = spans.iter().map(|(first, _)| *first).min()?;
    let latest = spans.iter().map(|(_, last)| *last).max()?;
    Some(Clock {
        earliest: now + Duration::from_secs(earliest),
        latest: now + Duration::from_secs(latest),
        caches: answering.len(),
    })
}

/// The name servers that resolvers know.
pub(crate) fn name_servers(caches: &[Cache]) -> Vec<Name> {
    let believed = caches.iter().filter(|cache| cache.is_believed());
    let held = believed.filter_map(|cache| cache.name_servers.as_ref());
    /// More are not asked.
    const SERVERS: usize = 12;
    let mut known: Vec<Name> = Vec::new();
    for host in held.flat_map(|held| &held.set.records) {
        if known.len() < SERVERS && !known.contains(host) {
            known.push(host.clone());
        }
    }
    known
}

/// The MX records that most resolvers have, of those that can be believed.
pub(crate) fn exchanges(caches: &[Cache]) -> Option<(Set<Mx>, String)> {
    let believed = caches.iter().filter(|cache| cache.is_believed());
    let said: Vec<_> = believed
        .filter_map(|cache| Some((&cache.exchanges.as_ref()?.set, cache)))
        .filter(|(set, _)| set.rcode.is_about_the_name())
        .collect();
    let votes = |set: &Set<Mx>| {
        said.iter()
            .filter(|(other, _)| other.records == set.records)
            .count()
    };
    let (set, cache) = said.iter().rev().max_by_key(|(set, _)| votes(set))?;
    Some(((*set).clone(), format!("the resolver {}", cache.resolver)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Parent, ParentSays, Passing, Server};

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn seconds(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    fn set<T>(record: T, ttl: u32) -> Set<T> {
        Set {
            rcode: Rcode::NOERROR,
            records: vec![record],
            ttl: Some(ttl),
        }
    }

    fn mx() -> Mx {
        Mx {
            preference: 10,
            exchange: "mx.example.test".parse().unwrap(),
        }
    }

    /// Samples, so many seconds after the first question, with what was left then.
    fn held<T>(record: T, samples: &[(u64, u32)]) -> Held<T> {
        let last = samples.last().map(|(_, ttl)| *ttl);
        Held {
            set: set(record, last.unwrap_or_default()),
            samples: samples
                .iter()
                .map(|(at, ttl)| (seconds(*at), *ttl))
                .collect(),
            is_stale: false,
        }
    }

    /// A cache with so much left of the name servers, the records and the hosts' addresses.
    fn cache(servers: u32, exchanges: u32, addresses: Option<u32>) -> Cache {
        let mut cache = Cache::new("192.0.2.53:53".parse().unwrap());
        cache.health = CacheHealth::Well;
        cache.exchanges = Some(held(mx(), &[(0, exchanges + 2), (2, exchanges)]));
        cache.name_servers = Some(held("ns.example.test".parse().unwrap(), &[(2, servers)]));
        cache.addresses = addresses;
        cache
    }

    /// The zone above has dropped the domain; its own servers still answer, with records of so many seconds.
    fn gone(life: Option<u32>) -> Delegation {
        let parent = |address: &str| Parent {
            server: address.parse().unwrap(),
            says: ParentSays::NoName,
        };
        let mut delegation = Delegation {
            parents: vec![parent("192.0.2.1:53"), parent("192.0.2.2:53")],
            ..Delegation::default()
        };
        if let Some(life) = life {
            let mut server = Server::new("ns.example.test".parse().unwrap(), [192, 0, 2, 3].into());
            server.exchanges = Some(set(mx(), life));
            delegation.servers.push(server);
        }
        delegation
    }

    /// In how many seconds mail stops, at the earliest and at the latest.
    fn stops(life: Option<u32>, caches: &[Cache]) -> Option<(u64, u64)> {
        let clock = clock(&gone(life), caches, NOW)?;
        let left = |at: SystemTime| at.duration_since(NOW).unwrap().as_secs();
        Some((left(clock.earliest), left(clock.latest)))
    }

    #[test]
    fn a_cache_that_has_the_servers_fetches_the_rest_anew() {
        // Two days of the delegation, and an hour of records: until the servers are forgotten, and an hour more.
        let caches = [cache(172_800, 1800, None)];
        assert_eq!(stops(Some(3600), &caches), Some((172_800, 176_400)));
    }

    #[test]
    fn a_cache_without_the_servers_has_what_it_has() {
        let caches = [cache(0, 1800, None)];
        assert_eq!(stops(None, &caches), Some((1800, 1800)));
        // The addresses of the hosts may be forgotten first.
        let caches = [cache(0, 1800, Some(60))];
        assert_eq!(stops(None, &caches), Some((60, 1800)));
    }

    #[test]
    fn the_first_cache_that_forgets_and_the_last_are_the_two_ends() {
        let caches = [
            cache(600, 60, None),
            cache(7200, 60, None),
            cache(10, 5, None),
        ];
        assert_eq!(stops(Some(300), &caches), Some((10, 7500)));
    }

    #[test]
    fn who_is_not_believed_or_has_nothing_does_not_count() {
        let mut liar = cache(9999, 9999, None);
        liar.health = CacheHealth::Invents;
        let mut empty = cache(9999, 9999, None);
        empty.exchanges = None;
        assert_eq!(stops(None, &[liar, empty]), None);
    }

    #[test]
    fn there_is_no_clock_as_long_as_one_server_above_knows_the_domain() {
        let mut delegation = gone(None);
        assert!(clock(&delegation, &[cache(1, 1, None)], NOW).is_some());
        if let Some(parent) = delegation.parents.first_mut() {
            parent.says = ParentSays::Own(set("ns.example.test".parse().unwrap(), 60));
        }
        assert!(clock(&delegation, &[cache(1, 1, None)], NOW).is_none());
        // One that does not answer says nothing either way; one alone that says no is too few.
        let mut delegation = gone(None);
        if let Some(parent) = delegation.parents.first_mut() {
            parent.says = ParentSays::Silent("no answer".to_owned());
        }
        assert!(clock(&delegation, &[cache(1, 1, None)], NOW).is_none());
    }

    #[test]
    fn time_passes_in_a_cache_and_not_in_what_is_over() {
        let passing = |samples: &[(u64, u32)]| held(mx(), samples).passing();
        assert_eq!(passing(&[(0, 60), (2, 58)]), Some(Passing::Counting));
        assert_eq!(passing(&[(0, 30), (2, 30)]), Some(Passing::Still));
        assert_eq!(passing(&[(0, 30), (2, 50)]), Some(Passing::OtherCache));
        assert_eq!(passing(&[(0, 60)]), None);
    }
}
