//! The whole tree of SPF records that a domain's leads to: what it costs to walk, and where it is broken. Receivers
//! stop at the limits of RFC 7208 section 4.6.4; here the walk goes on behind them, to tell by how much they are
//! passed.

use core::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use probe_net::dns::{Kind, Name};

use super::Options;
use super::check::{SpfCheck, check, exchanges, name_of};
use super::expand::Sender;
use super::known::{Known, Lack};
use super::published::Published;
use crate::records::Fault;
use crate::records::spf::{Letter, MacroString, Mechanism, Qualifier, Spf};

/// What there is of SPF.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SpfFacts {
    /// The domain's own record.
    pub published: Published<Spf>,
    /// Texts that are meant to be one, and are not seen as one.
    pub misplaced: Vec<Box<[u8]>>,
    /// How large an answer is that has all texts of the domain; 0 where none has come.
    pub octets: usize,
    /// Where the record leads to.
    pub tree: SpfTree,
    /// What it comes to for the addresses that the caller names.
    pub checks: Vec<SpfCheck>,
}

/// A domain's record and all that it leads to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SpfTree {
    /// Each record, the domain's own first, in the order in which it would be met.
    pub nodes: Vec<SpfNode>,
    /// How many terms ask the name server, where nobody fits until the end.
    pub lookups: usize,
    /// What terms ask for that is not there.
    pub voids: Vec<String>,
    /// Domains that lead back to themselves.
    pub loops: Vec<String>,
    /// Domains that are led to and have no record, or several: each is a permanent error.
    pub dead: Vec<String>,
    /// What is wrong in records, with the domain whose it is.
    pub errors: Vec<(String, Fault)>,
    /// Who has a `ptr`.
    pub pointers: Vec<String>,
    /// Who has an `mx` with too many names, and how many.
    pub crowded: Vec<(String, usize)>,
    /// The terms that let everybody send, with the domain whose they are.
    pub open: Vec<String>,
    /// What is said of those whom nothing fits; `None` where nothing is.
    pub default: Option<Qualifier>,
    /// How many terms lead somewhere else for each mail, and were not followed.
    pub hidden: usize,
    /// What could not be asked.
    pub troubles: Vec<String>,
    /// Whether answers are still missing.
    pub is_pending: bool,
    /// Whether there is more than was walked.
    pub is_cut: bool,
}

/// One record of the tree.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SpfNode {
    /// Whose it is.
    pub domain: String,
    /// How many records lead to it.
    pub depth: usize,
    /// Itself.
    pub text: Arc<[u8]>,
    /// How many of its own terms ask the name server.
    pub lookups: usize,
}

impl SpfFacts {
    /// More addresses are not looked at.
    pub const ADDRESSES: usize = 16;

    pub(super) fn look(known: &mut Known, options: &Options) -> Self {
        let domain = options.domain.as_str();
        let published = Published::look(known, domain.to_owned(), Spf::is_one, Spf::parse);
        let said = name_of(domain).and_then(|name| known.ask(&name, Kind::TXT).ok());
        let texts = || said.iter().flat_map(|said| said.texts());
        let misplaced = texts().filter(|text| Spf::is_nearly_one(text));
        let misplaced = misplaced.take(Published::<Spf>::RECORDS).map(Box::from);
        let senders = options.senders.iter().map(|address| (address, true));
        let others = options.addresses.iter().map(|address| (address, false));
        let addresses = senders.chain(others).take(Self::ADDRESSES);
        let checks = addresses.map(|(address, is_sender)| {
            let sender = Sender::postmaster(domain, *address);
            check(known, &sender, is_sender)
        });
        Self {
            checks: checks.collect(),
            misplaced: misplaced.collect(),
            octets: said.as_ref().map_or(0, |said| octets(domain, said.texts())),
            tree: SpfTree::walk(known, domain),
            published,
        }
    }
}

/// The size of an answer with these texts: header, question, the records with their names compressed, and EDNS
/// (RFC 1035 section 4.1, RFC 6891 section 6.1.2).
fn octets<'a>(domain: &str, texts: impl Iterator<Item = &'a [u8]>) -> usize {
    let fixed = 12 + (domain.len() + 2 + 4) + 11;
    let each = texts.map(|text| 12 + text.len() + text.len().div_ceil(255).max(1));
    fixed + each.sum::<usize>()
}

impl SpfTree {
    /// So many terms are followed in all.
    pub const TERMS: usize = 64;
    /// So many errors are told.
    pub const ERRORS: usize = 64;

    fn walk(known: &mut Known, domain: &str) -> Self {
        let mut walk = Walk {
            known,
            // Of those macros that matter here none looks at the address.
            sender: Sender::postmaster(domain, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            path: Vec::new(),
            tree: Self::default(),
        };
        walk.tree.default = walk.domain(domain, true);
        walk.tree
    }

    /// Whether the name servers told all.
    pub const fn is_whole(&self) -> bool {
        !self.is_pending && !self.is_cut && self.troubles.is_empty()
    }
}

struct Walk<'a> {
    known: &'a mut Known,
    sender: Sender,
    /// The domains that lead here.
    path: Vec<Name>,
    tree: SpfTree,
}

impl Walk<'_> {
    /// Walks a domain's record; what it says of those whom nothing fits.
    fn domain(&mut self, domain: &str, may_lack: bool) -> Option<Qualifier> {
        let Some(name) = name_of(domain) else {
            self.tree.dead.push(domain.to_owned());
            return None;
        };
        if self.path.contains(&name) {
            self.tree.loops.push(domain.to_owned());
            return None;
        }
        let published = self.known.spf(domain, &name);
        if let Some(lack) = &published.lack {
            self.lack(domain, lack.clone());
            return None;
        }
        let [record] = published.records.as_slice() else {
            if !may_lack {
                self.tree.dead.push(domain.to_owned());
            }
            return None;
        };
        let spf = &record.read;
        self.tree.nodes.push(SpfNode {
            domain: domain.to_owned(),
            depth: self.path.len(),
            text: record.text.clone(),
            lookups: spf.lookups(),
        });
        let room = SpfTree::ERRORS.saturating_sub(self.tree.errors.len());
        let errors = spf.errors.iter().take(room);
        let errors = errors.map(|error| (domain.to_owned(), error.clone()));
        self.tree.errors.extend(errors);
        self.path.push(name);
        let default = self.terms(domain, spf);
        self.path.pop();
        default
    }

    fn terms(&mut self, domain: &str, spf: &Spf) -> Option<Qualifier> {
        for (qualifier, mechanism) in spf.directives() {
            if is_everybody(qualifier, mechanism) {
                self.tree.open.push(format!("{domain}: {mechanism}"));
            }
            if *mechanism == Mechanism::All {
                return Some(qualifier);
            }
            if mechanism.asks() {
                if !self.count() {
                    return None;
                }
                self.mechanism(domain, mechanism);
            }
        }
        let target = spf.redirect()?;
        if !self.count() {
            return None;
        }
        let target = self.target(Some(target), domain)?;
        self.domain(&target, false)
    }

    fn count(&mut self) -> bool {
        match self.tree.lookups < SpfTree::TERMS {
            true => self.tree.lookups += 1,
            false => self.tree.is_cut = true,
        }
        !self.tree.is_cut
    }

    fn mechanism(&mut self, domain: &str, mechanism: &Mechanism) {
        match mechanism {
            Mechanism::A(target, _) => self.find(target.as_ref(), domain, &[Kind::A, Kind::AAAA]),
            Mechanism::Exists(target) => self.find(Some(target), domain, &[Kind::A]),
            Mechanism::Include(target) => {
                if let Some(target) = self.target(Some(target), domain) {
                    self.domain(&target, false);
                }
            }
            Mechanism::Mx(target, _) => self.find(target.as_ref(), domain, &[Kind::MX]),
            Mechanism::Ptr(_) => self.tree.pointers.push(domain.to_owned()),
            Mechanism::All | Mechanism::Ip4(..) | Mechanism::Ip6(..) => {}
        }
    }

    /// Looks whether a term finds anything, of one of these kinds.
    fn find(&mut self, target: Option<&MacroString>, domain: &str, kinds: &[Kind]) {
        let Some(target) = self.target(target, domain) else {
            return;
        };
        let Some(name) = name_of(&target) else {
            self.tree.voids.push(target);
            return;
        };
        for kind in kinds {
            match self.known.ask(&name, *kind) {
                Err(lack) => return self.lack(&target, lack),
                Ok(said) if said.is_void() => {}
                Ok(said) => {
                    let names = exchanges(&said).count();
                    if names > Spf::NAMES {
                        self.tree.crowded.push((target, names));
                    }
                    return;
                }
            }
        }
        self.tree.voids.push(target);
    }

    /// The name that a term is about, where it is the same for each mail.
    fn target(&mut self, text: Option<&MacroString>, domain: &str) -> Option<String> {
        let Some(text) = text else {
            return Some(domain.to_owned());
        };
        let is_fixed = |letter| matches!(letter, Letter::Domain | Letter::SenderDomain);
        if !text.macros().all(|one| is_fixed(one.letter)) {
            self.tree.hidden += 1;
            return None;
        }
        Some(self.sender.expand(text, domain, ""))
    }

    fn lack(&mut self, name: &str, lack: Lack) {
        match lack {
            Lack::Pending => self.tree.is_pending = true,
            Lack::Trouble(why) => self.tree.troubles.push(format!("{name}: {why}")),
        }
    }
}

/// Whether a term lets everybody send, or nearly: a quarter of all IPv4 addresses, or 2000::/3.
fn is_everybody(qualifier: Qualifier, mechanism: &Mechanism) -> bool {
    let is_wide = match mechanism {
        Mechanism::All => true,
        Mechanism::Ip4(_, bits) => *bits <= 2,
        Mechanism::Ip6(_, bits) => *bits <= 3,
        _ => false,
    };
    is_wide && qualifier == Qualifier::Pass
}
