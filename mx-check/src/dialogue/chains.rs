//! The chains of signatures to where the mail goes, and to what hosts say of their certificates: all of them in one round.

use std::time::SystemTime;

use probe_net::dns::{
    Answer, Ask, Chain, Kind, Name, Question, Survey, Trouble, Trust, TrustAnchors,
};

use crate::facts::MxFacts;

/// The chains, the domain's own first, and then one for each host with TLSA records.
#[derive(Debug)]
pub(crate) struct Chains(Vec<Chain>);

impl Chains {
    /// What is to be vouched for, as far as it is known by now.
    pub(crate) fn new(anchors: &TrustAnchors, domain: &Name, facts: &MxFacts) -> Self {
        let tlsa = facts
            .exchange
            .hosts
            .iter()
            .filter_map(|host| host.tlsa.as_ref());
        let tlsa = tlsa.map(|tlsa| Question::new(tlsa.name.clone(), Kind::TLSA));
        let own = Question::new(domain.clone(), Kind::MX);
        let questions = core::iter::once(own).chain(tlsa);
        let chains = questions.map(|question| Chain::new(anchors.clone(), question));
        Self(chains.collect())
    }

    /// What they come to. A resolver's word counts only where a chain could not be followed.
    pub(crate) fn tell(&self, now: SystemTime, into: &mut MxFacts) {
        let mut trusts = self.0.iter().map(|chain| chain.trust(now));
        into.trust = trusts.next();
        let hosts = into.exchange.hosts.iter_mut();
        for (tlsa, trust) in hosts.filter_map(|host| host.tlsa.as_mut()).zip(trusts) {
            match trust {
                Trust::Secure => tlsa.is_authentic = true,
                Trust::Unknown(_) => {}
                _ => tlsa.is_authentic = false,
            }
        }
    }
}

/// A tag is a chain's place, and behind it the chain's own tag.
const OWN_TAGS: u64 = 1 << 32;

impl Survey for Chains {
    fn begin(&mut self) -> Vec<Ask> {
        let mut asks = Vec::new();
        for (place, chain) in (0..).zip(&mut self.0) {
            asks.extend(chain.begin().into_iter().map(|mut ask| {
                ask.tag += place * OWN_TAGS;
                ask
            }));
        }
        asks
    }

    fn answered(&mut self, tag: u64, outcome: Result<Answer, Trouble>) -> Vec<Ask> {
        let place = usize::try_from(tag / OWN_TAGS).ok();
        match place.and_then(|place| self.0.get_mut(place)) {
            Some(chain) => chain.answered(tag % OWN_TAGS, outcome),
            None => Vec::new(),
        }
    }
}
