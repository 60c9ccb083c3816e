//! The way from an anchor down to an answer: all questions at once, and then link by link.

use std::time::SystemTime;

use hickory_proto::dnssec::rdata::{DNSSECRData, DS};
use hickory_proto::rr::{RData, Record, RecordType};

use super::proof::{Denial, Zone, of};
use super::{Fault, Trust, TrustAnchors};
use crate::dns::{Answer, Ask, Kind, Name, Question, Survey, Trouble};

/// Asks for all that vouches for an answer, and for the answer; any resolver may be asked that hands on signatures, since
/// none of them is believed.
///
/// ```
/// use std::time::SystemTime;
///
/// use probe_core::{Context, Phase};
/// use probe_net::Log;
/// use probe_net::dns::{Chain, Kind, Question, Resolver, Trust, TrustAnchors, survey};
///
/// # async fn ask(resolver: Resolver) -> Result<(), Box<dyn std::error::Error>> {
/// let question = Question::new("example.org".parse()?, Kind::MX);
/// let mut chain = Chain::new(TrustAnchors::iana(), question);
/// let mut log = Log::begin(&Context::default());
/// survey(&resolver, &mut chain, Phase::new("chain"), &mut log).await?;
/// match chain.trust(SystemTime::now()) {
///     Trust::Bogus { at, fault } => println!("{at}: {fault}"),
///     other => println!("{other}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Chain {
    anchors: TrustAnchors,
    question: Question,
    asked: Vec<(Question, Option<Result<Answer, Trouble>>)>,
}

/// What keeps a chain from going on.
enum Stop {
    Fault(Fault),
    Insecure,
    Unknown(String),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Chain {
    /// The way to the answer to this question.
    pub fn new(anchors: TrustAnchors, question: Question) -> Self {
        let mut asked = Vec::new();
        if let Some((top, _)) = anchors.nearest(&question.name) {
            asked.push(Question::new(top.clone(), Kind::DNSKEY));
            for name in below(top, &question.name) {
                asked.push(Question::new(name.clone(), Kind::DS));
                asked.push(Question::new(name, Kind::DNSKEY));
            }
            asked.push(question.clone());
        }
        let asked = asked.into_iter().map(|question| (question, None)).collect();
        Self {
            anchors,
            question,
            asked,
        }
    }

    /// How far the answer is vouched for, at this time.
    pub fn trust(&self, now: SystemTime) -> Trust {
        let Some((top, keys)) = self.anchors.nearest(&self.question.name) else {
            let why = "no anchor lies above the name".to_owned();
            return Trust::Unknown(why);
        };
        let mut at = top.clone();
        match self.climb(&mut at, &keys, now) {
            Ok(()) => Trust::Secure,
            Err(Stop::Insecure) => Trust::Insecure { at },
            Err(Stop::Unknown(why)) => Trust::Unknown(why),
            Err(Stop::Fault(_)) if !self.has_signatures() => {
                Trust::Unknown("no signature was handed on".to_owned())
            }
            Err(Stop::Fault(fault)) => Trust::Bogus { at, fault },
        }
    }

    /// Downwards from the zone `at`, which is left where it stops.
    fn climb(&self, at: &mut Name, keys: &[&DS], now: SystemTime) -> Result<(), Stop> {
        let mut zone = self.enter(at, keys, now)?;
        let mut is_denied = false;
        for name in below(&at.clone(), &self.question.name) {
            let shown = self.shown(&name, Kind::DS)?;
            if of(shown, &name.0, RecordType::CNAME).next().is_some() {
                zone.holds(shown, &name.0, RecordType::CNAME, now)?;
                continue;
            }
            let keys: Vec<_> = of(shown, &name.0, RecordType::DS).filter_map(ds).collect();
            if keys.is_empty() {
                match zone.denies(shown, &name.0, RecordType::DS, now) {
                    Denial::Nothing => continue,
                    Denial::NoName => {
                        is_denied = true;
                        continue;
                    }
                    Denial::Unsigned => {
                        *at = name;
                        return Err(Stop::Insecure);
                    }
                    Denial::None => return Err(undenied(&name, Kind::DS)),
                }
            }
            zone.holds(shown, &name.0, RecordType::DS, now)?;
            at.clone_from(&name);
            zone = self.enter(at, &keys, now)?;
        }
        match self.arrive(&zone, now) {
            Err(Stop::Fault(Fault::Unsigned(what))) if is_denied => {
                let why =
                    format!("{what}: the resolver has it by itself, and {at} has no such name");
                Err(Stop::Unknown(why))
            }
            arrived => arrived,
        }
    }

    fn enter(&self, at: &Name, keys: &[&DS], now: SystemTime) -> Result<Zone, Stop> {
        let shown = self.shown(at, Kind::DNSKEY)?;
        let entered = Zone::enter(&at.0, keys, shown, now)?;
        entered.ok_or(Stop::Insecure)
    }

    /// The answer itself, or that there is none.
    fn arrive(&self, zone: &Zone, now: SystemTime) -> Result<(), Stop> {
        let Question { name, kind } = &self.question;
        let answer = self.answer(name, *kind)?;
        let shown = &*answer.signed;
        let kinds = [RecordType::from(kind.0), RecordType::CNAME];
        let there = kinds
            .into_iter()
            .find(|kind| of(shown, &name.0, *kind).next().is_some());
        match there {
            Some(there) => Ok(zone.holds(shown, &name.0, there, now)?),
            None if !answer.answers.is_empty() => {
                Err(Fault::Unsigned(format!("{name} {kind}")).into())
            }
            None => match zone.denies(shown, &name.0, RecordType::from(kind.0), now) {
                Denial::None => Err(undenied(name, *kind)),
                Denial::NoName | Denial::Nothing | Denial::Unsigned => Ok(()),
            },
        }
    }

    /// What was answered, signatures included.
    fn shown(&self, name: &Name, kind: Kind) -> Result<&[Record], Stop> {
        self.answer(name, kind).map(|answer| &*answer.signed)
    }

    fn answer(&self, name: &Name, kind: Kind) -> Result<&Answer, Stop> {
        let asked = self
            .asked
            .iter()
            .find(|(question, _)| question.kind == kind && question.name == *name);
        let unknown = |why: String| Err(Stop::Unknown(format!("{name} {kind}: {why}")));
        match asked.and_then(|(_, outcome)| outcome.as_ref()) {
            None => unknown("it was not answered in time".to_owned()),
            Some(Err(trouble)) => unknown(trouble.to_string()),
            Some(Ok(answer)) if !answer.rcode.is_about_the_name() => {
                unknown(answer.rcode.to_string())
            }
            Some(Ok(answer)) => Ok(answer),
        }
    }

    /// Whether the resolver hands signatures on at all.
    fn has_signatures(&self) -> bool {
        let outcomes = self
            .asked
            .iter()
            .filter_map(|(_, outcome)| outcome.as_ref());
        let mut answers = outcomes.filter_map(|outcome| outcome.as_ref().ok());
        answers.any(|answer| !answer.signed.is_empty())
    }
}

impl Survey for Chain {
    fn begin(&mut self) -> Vec<Ask> {
        let numbered = (0..).zip(&self.asked);
        let asks = numbered.map(|(tag, (question, _))| {
            Ask::new(tag, question.clone())
                .unchecked()
                .with_signatures()
        });
        asks.collect()
    }

    fn answered(&mut self, tag: u64, outcome: Result<Answer, Trouble>) -> Vec<Ask> {
        let place = usize::try_from(tag).ok();
        if let Some((_, slot)) = place.and_then(|place| self.asked.get_mut(place)) {
            *slot = Some(outcome);
        }
        Vec::new()
    }
}

/// The names between a zone and a name in it, the lowest last.
fn below(zone: &Name, name: &Name) -> Vec<Name> {
    let mut names = Vec::new();
    let mut next = name.clone();
    while next != *zone && !next.is_root() {
        names.push(next.clone());
        next = next.parent();
    }
    names.reverse();
    names
}

fn ds(record: &Record) -> Option<&DS> {
    match &record.data {
        RData::DNSSEC(DNSSECRData::DS(ds)) => Some(ds),
        _ => None,
    }
}

fn undenied(name: &Name, kind: Kind) -> Stop {
    Stop::Fault(Fault::Undenied(format!("{name} {kind}")))
}
