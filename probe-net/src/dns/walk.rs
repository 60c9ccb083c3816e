//! The way from the root down to the servers that answer for a zone (RFC 1034 section 5.3.3), asked of each on the way
//! for what it knows itself. No resolver stands in between, and no cache.

use core::net::{IpAddr, SocketAddr};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::answer::{Answer, Data, Trouble};
use super::datagram::{Kind, Question, Rcode};
use super::name::Name;
use super::survey::{Ask, Survey};

/// Finds the servers of zones: a [`Survey`].
///
/// What one zone shows of the way helps the others: of three hundred lists below `.org`, one asks for its servers.
///
/// ```
/// use probe_net::dns::{Resolver, Walk};
///
/// # async fn find() -> Result<(), Box<dyn std::error::Error>> {
/// # use probe_core::{Context, Phase};
/// # let mut log = probe_net::Log::begin(&Context::default());
/// let roots = ["192.0.2.53:53".parse()?];
/// let mut walk = Walk::new(roots, ["bl.example.org".parse()?]);
/// probe_net::dns::survey(&Resolver::new(roots), &mut walk, Phase::new("walk"), &mut log).await?;
/// match walk.servers(&"bl.example.org".parse()?) {
///     Ok(servers) => println!("{servers:?}"),
///     Err(lost) => println!("{lost}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Walk {
    /// The zones that are known, with their servers.
    cuts: HashMap<Name, Arc<[SocketAddr]>>,
    goals: Vec<Goal>,
    /// What lies below a zone that is known, and is being asked about for one goal: the others wait, since the servers of
    /// `.org` are needed once.
    under_way: HashSet<Name>,
    /// Where no zone begins.
    inside: HashSet<Name>,
}

/// Something to be found.
#[derive(Debug)]
struct Goal {
    name: Name,
    wanted: Wanted,
    /// How many referrals led here.
    steps: usize,
    /// How many goals wait for each other above this one.
    depth: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wanted {
    /// Who answers for the name.
    Servers,
    /// Where the host of this name is.
    Addresses,
}

#[derive(Debug)]
enum State {
    /// The servers of this zone are being asked, about what lies on the way.
    Asking {
        cut: Name,
        below: Name,
    },
    /// They are being asked for somebody else.
    Queued(Name),
    /// These goals find the servers of this zone.
    Waiting {
        cut: Name,
        hosts: Vec<usize>,
    },
    Found(Arc<[SocketAddr]>),
    Lost(Lost),
}

/// Why the servers of a zone were not found.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Lost {
    /// It was not looked for, or there was no time.
    #[error("it was not found in time")]
    Unfinished,
    /// Servers point to each other and none has an address, or the way is endless.
    #[error("the way to it leads in a circle")]
    Circle,
    /// The servers of a zone on the way do not answer for it.
    #[error("no server of {cut} answers for it: {why}")]
    #[allow(missing_docs, reason = "they say it themselves")]
    Lame { cut: Name, why: Box<str> },
    /// No server on the way has an address.
    #[error("no server of {0} has an address")]
    NoAddress(Name),
}

impl Walk {
    /// Longer ways are circles.
    const STEPS: usize = 16;
    /// Servers whose own servers have servers whose own ...
    const DEPTH: usize = 4;
    /// So many servers of a zone are looked for, where it does not say where they are.
    const HOSTS: usize = 3;
    /// So many servers of a zone are asked.
    const SERVERS: usize = 6;
    /// More goals than this come from zones that want us to run in circles.
    const GOALS: usize = 4096;

    /// Looks for the servers of these zones, beginning at these root servers.
    pub fn new(
        roots: impl IntoIterator<Item = SocketAddr>,
        zones: impl IntoIterator<Item = Name>,
    ) -> Self {
        let roots = roots.into_iter().collect();
        let goal = |name| Goal::new(name, Wanted::Servers, 0);
        Self {
            cuts: HashMap::from([(Name::root(), roots)]),
            goals: zones.into_iter().map(goal).collect(),
            under_way: HashSet::new(),
            inside: HashSet::new(),
        }
    }

    /// Looks for the addresses of these hosts as well.
    #[must_use]
    pub fn and_hosts(mut self, hosts: impl IntoIterator<Item = Name>) -> Self {
        let goal = |name| Goal::new(name, Wanted::Addresses, 0);
        self.goals.extend(hosts.into_iter().map(goal));
        self
    }

    /// Who answers for this zone.
    ///
    /// # Errors
    /// They were not found.
    pub fn servers(&self, zone: &Name) -> Result<Arc<[SocketAddr]>, Lost> {
        self.found(Wanted::Servers, zone)
    }

    /// Where this host is: its IPv4 addresses, with the port of name servers.
    ///
    /// # Errors
    /// They were not found.
    pub fn addresses(&self, host: &Name) -> Result<Arc<[SocketAddr]>, Lost> {
        self.found(Wanted::Addresses, host)
    }

    /// The zone that this name stands in, as far as the way is known.
    pub fn zone(&self, name: &Name) -> Name {
        nearest(&self.cuts, name)
    }

    fn found(&self, wanted: Wanted, name: &Name) -> Result<Arc<[SocketAddr]>, Lost> {
        let is_it = |goal: &&Goal| goal.wanted == wanted && goal.name == *name;
        match self.goals.iter().find(is_it).map(|goal| &goal.state) {
            Some(State::Found(servers)) => Ok(servers.clone()),
            Some(State::Lost(lost)) => Err(lost.clone()),
            // Nobody is asked any more and yet they wait.
            Some(State::Waiting { .. }) => Err(Lost::Circle),
            Some(State::Asking { .. } | State::Queued(_)) | None => Err(Lost::Unfinished),
        }
    }
}

impl Goal {
    fn new(name: Name, wanted: Wanted, depth: usize) -> Self {
        Self {
            name,
            wanted,
            steps: 0,
            depth,
            state: State::Lost(Lost::Unfinished),
        }
    }

    const fn is_over(&self) -> bool {
        matches!(self.state, State::Found(_) | State::Lost(_))
    }
}

impl Survey for Walk {
    fn begin(&mut self) -> Vec<Ask> {
        let goals = 0..self.goals.len();
        goals.flat_map(|goal| self.ask(goal)).collect()
    }

    fn answered(&mut self, tag: u64, outcome: Result<Answer, Trouble>) -> Vec<Ask> {
        let Ok(number) = usize::try_from(tag) else {
            return Vec::new();
        };
        let Some(Goal {
            state: State::Asking { cut, below },
            ..
        }) = self.goals.get(number)
        else {
            return Vec::new();
        };
        let (cut, below) = (cut.clone(), below.clone());
        let mut asks = match outcome {
            Ok(answer) if answer.rcode.is_about_the_name() => self.learn(number, &cut, &answer),
            Ok(answer) => self.lose(number, Self::lame(cut, answer.rcode.to_string())),
            Err(trouble) => self.lose(number, Self::lame(cut, trouble.to_string())),
        };
        self.under_way.remove(&below);
        if !self.cuts.contains_key(&below) {
            self.inside.insert(below.clone());
        }
        asks.extend(self.release(&below));
        asks.extend(self.wake());
        asks
    }
}

impl Walk {
    fn lame(cut: Name, why: String) -> Lost {
        Lost::Lame {
            cut,
            why: why.into(),
        }
    }

    /// Asks the servers of the nearest zone that is known.
    fn ask(&mut self, number: usize) -> Vec<Ask> {
        let Some(goal) = self.goals.get_mut(number) else {
            return Vec::new();
        };
        let cut = nearest(&self.cuts, &goal.name);
        let below = first_below(&cut, &goal.name, &self.inside);
        if below != goal.name && !self.under_way.insert(below.clone()) {
            goal.state = State::Queued(below);
            return Vec::new();
        }
        let servers = self.cuts.get(&cut).cloned().unwrap_or_default();
        // Whoever points to them has said it; they themselves need not (rbldnsd has no NS records by default).
        if goal.wanted == Wanted::Servers && cut == goal.name {
            self.under_way.remove(&below);
            return self.find(number, servers);
        }
        let kind = match goal.wanted {
            Wanted::Servers => Kind::NS,
            Wanted::Addresses => Kind::A,
        };
        let question = Question::new(goal.name.clone(), kind);
        goal.state = State::Asking { cut, below };
        let tag = u64::try_from(number).unwrap_or(u64::MAX);
        vec![Ask::new(tag, question).of(servers)]
    }

    /// Goes on with those who waited for this.
    fn release(&mut self, below: &Name) -> Vec<Ask> {
        let waited = |goal: &Goal| matches!(&goal.state, State::Queued(name) if name == below);
        let goals =
            (0..self.goals.len()).filter(|number| self.goals.get(*number).is_some_and(waited));
        let goals: Vec<_> = goals.collect();
        goals.into_iter().flat_map(|goal| self.ask(goal)).collect()
    }

    fn learn(&mut self, number: usize, cut: &Name, answer: &Answer) -> Vec<Ask> {
        if let Some((below, hosts)) = referral(answer, cut) {
            return self.follow(number, cut, below, hosts, answer);
        }
        let wanted = self.goals.get(number).map(|goal| goal.wanted);
        if !answer.flags.authoritative {
            return self.lose(
                number,
                Self::lame(cut.clone(), "not authoritative".to_owned()),
            );
        }
        if wanted == Some(Wanted::Servers) {
            // It stands in this zone, or is one that the same servers have.
            let servers = self.cuts.get(cut).cloned().unwrap_or_default();
            return self.find(number, servers);
        }
        let found = answer.records().filter_map(address).collect::<Vec<_>>();
        match (found.is_empty(), answer.rcode) {
            (false, _) => self.find(number, found.into()),
            (true, _) => self.lose(number, Lost::NoAddress(cut.clone())),
        }
    }

    /// Goes on at the servers of a zone below.
    fn follow(
        &mut self,
        number: usize,
        cut: &Name,
        below: Name,
        hosts: Vec<Name>,
        answer: &Answer,
    ) -> Vec<Ask> {
        let Some(goal) = self.goals.get_mut(number) else {
            return Vec::new();
        };
        goal.steps += 1;
        if goal.steps > Self::STEPS {
            return self.lose(number, Lost::Circle);
        }
        let glue = glue(answer, &hosts, cut);
        if !glue.is_empty() {
            self.cuts.insert(below, glue.into());
            return self.ask(number);
        }
        let depth = goal.depth + 1;
        if depth > Self::DEPTH || self.goals.len() >= Self::GOALS {
            return self.lose(number, Lost::Circle);
        }
        let mut asks = Vec::new();
        let mut waits_for = Vec::new();
        for host in hosts.into_iter().take(Self::HOSTS) {
            let (known, more) = self.host(host, depth);
            waits_for.push(known);
            asks.extend(more);
        }
        if let Some(goal) = self.goals.get_mut(number) {
            goal.state = State::Waiting {
                cut: below,
                hosts: waits_for,
            };
        }
        asks
    }

    /// The goal that finds the address of a server.
    fn host(&mut self, name: Name, depth: usize) -> (usize, Vec<Ask>) {
        let is_it = |goal: &Goal| goal.wanted == Wanted::Addresses && goal.name == name;
        if let Some(known) = self.goals.iter().position(is_it) {
            return (known, Vec::new());
        }
        let number = self.goals.len();
        self.goals.push(Goal::new(name, Wanted::Addresses, depth));
        (number, self.ask(number))
    }

    fn find(&mut self, number: usize, servers: Arc<[SocketAddr]>) -> Vec<Ask> {
        self.end(number, State::Found(servers))
    }

    fn lose(&mut self, number: usize, lost: Lost) -> Vec<Ask> {
        self.end(number, State::Lost(lost))
    }

    /// Nothing more is asked for it; who waited for it is woken later.
    fn end(&mut self, number: usize, state: State) -> Vec<Ask> {
        if let Some(goal) = self.goals.get_mut(number) {
            goal.state = state;
        }
        Vec::new()
    }

    /// Goes on wherever all that was waited for is known. One may wait for the other: this is a loop, since thousands of
    /// them would be too deep for the stack.
    fn wake(&mut self) -> Vec<Ask> {
        let mut asks = Vec::new();
        while let Some((number, cut, found)) = self.awaited() {
            if found.is_empty() {
                asks.extend(self.lose(number, Lost::NoAddress(cut)));
            } else {
                self.cuts.insert(cut, found);
                asks.extend(self.ask(number));
            }
        }
        asks
    }

    /// A goal that need not wait any more, and the servers that were found for it.
    fn awaited(&self) -> Option<(usize, Name, Arc<[SocketAddr]>)> {
        self.goals.iter().enumerate().find_map(|(number, goal)| {
            let State::Waiting { cut, hosts } = &goal.state else {
                return None;
            };
            let hosts = || hosts.iter().filter_map(|host| self.goals.get(*host));
            if !hosts().all(Goal::is_over) {
                return None;
            }
            let found = hosts().filter_map(|host| match &host.state {
                State::Found(addresses) => Some(addresses.iter().copied()),
                _ => None,
            });
            let found = found.flatten().take(Self::SERVERS).collect();
            Some((number, cut.clone(), found))
        })
    }
}

/// The nearest zone at or above the name whose servers are known.
fn nearest(cuts: &HashMap<Name, Arc<[SocketAddr]>>, name: &Name) -> Name {
    let mut zone = name.clone();
    loop {
        if cuts.contains_key(&zone) || zone.is_root() {
            return zone;
        }
        zone = zone.parent();
    }
}

/// The first name below the zone on the way to this one of which it is not known that no zone begins there.
fn first_below(cut: &Name, name: &Name, inside: &HashSet<Name>) -> Name {
    let mut below = name.clone();
    let mut zone = name.clone();
    while zone != *cut && !zone.is_root() {
        if !inside.contains(&zone) {
            below = zone.clone();
        }
        zone = zone.parent();
    }
    below
}

/// The zone that the server points to, if it lies between the one that was asked and the name, and its servers. Whoever
/// points upwards or aside is not followed (RFC 5452 section 6).
fn referral(answer: &Answer, cut: &Name) -> Option<(Name, Vec<Name>)> {
    let has_answer = answer.rcode != Rcode::NOERROR || !answer.answers.is_empty();
    if has_answer || answer.flags.authoritative {
        return None;
    }
    let owner = answer.authority.iter().find_map(|record| {
        let is_below = record.name.is_within(cut) && record.name != *cut;
        let is_above = answer.question.name.is_within(&record.name);
        (record.kind == Kind::NS && is_below && is_above).then(|| record.name.clone())
    })?;
    let hosts = answer
        .authority
        .iter()
        .filter_map(|record| match &record.data {
            Data::Ns(host) if record.name == owner => Some(host.clone()),
            _ => None,
        });
    let hosts = hosts.collect();
    Some((owner, hosts))
}

/// Where the servers are, as far as who was asked may say that.
fn glue(answer: &Answer, hosts: &[Name], cut: &Name) -> Vec<SocketAddr> {
    let additional = answer.additional.iter();
    let glue =
        additional.filter(|record| hosts.contains(&record.name) && record.name.is_within(cut));
    glue.filter_map(address).take(Walk::SERVERS).collect()
}

fn address(record: &super::answer::Record) -> Option<SocketAddr> {
    match record.data {
        Data::A(address) => Some(SocketAddr::new(IpAddr::V4(address), 53)),
        Data::Aaaa(address) => Some(SocketAddr::new(IpAddr::V6(address), 53)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
