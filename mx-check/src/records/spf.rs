//! Which servers may send a domain's mail: SPF (RFC 7208 sections 4.6, 5, 6 and 7). What a record comes to for an
//! address is not told here.

use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::{Fault, begins_with};

mod macros;
mod terms;

pub use macros::{Letter, Macro, MacroString, Part};

/// An SPF record.
///
/// ```
/// use mx_check::records::spf::{Mechanism, Qualifier, Spf};
///
/// let read = Spf::parse(b"v=spf1 a:%{d}/24//64 ip4:192.0.2.0/24 ~all");
/// assert!(read.errors.is_empty());
/// assert_eq!(read.all(), Some(Qualifier::SoftFail));
/// assert_eq!(read.lookups(), 1);
/// assert_eq!(read.to_string(), "v=spf1 a:%{d}/24//64 ip4:192.0.2.0/24 ~all");
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Spf {
    /// What it says, from left to right, as far as that can be read.
    pub terms: Vec<Term>,
    /// Why receivers pass it over: each is a permanent error.
    pub errors: Vec<Fault>,
    /// What is passed over in it.
    pub oddities: Vec<Fault>,
}

/// One word of a record.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the RFC has these two")]
pub enum Term {
    /// What to say of those who fit.
    Directive(Qualifier, Mechanism),
    /// Something about the record as a whole.
    Modifier(Modifier),
}

/// What is said of those who fit (RFC 7208 section 4.6.2).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the RFC has these four")]
pub enum Qualifier {
    /// `-`: they may not send.
    Fail,
    /// `?`: nothing.
    Neutral,
    /// `+`, or nothing: they may send.
    Pass,
    /// `~`: they probably may not.
    SoftFail,
}

impl Qualifier {
    /// The sign before a mechanism; none for `+`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "-",
            Self::Neutral => "?",
            Self::Pass => "",
            Self::SoftFail => "~",
        }
    }
}

/// Who fits (RFC 7208 section 5).
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "a record has no others")]
pub enum Mechanism {
    /// The addresses of a name, or their neighbours.
    A(Option<MacroString>, Prefixes),
    /// Everybody.
    All,
    /// Everybody, if the name has an IPv4 address.
    Exists(MacroString),
    /// Whom another domain lets send.
    Include(MacroString),
    /// A network.
    Ip4(Ipv4Addr, u8),
    /// A network.
    Ip6(Ipv6Addr, u8),
    /// The addresses of those who take a domain's mail, or their neighbours.
    Mx(Option<MacroString>, Prefixes),
    /// Whose address has a name below this one.
    Ptr(Option<MacroString>),
}

/// How many bits count (RFC 7208 section 5.6, dual-cidr-length); all where nothing is said.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Prefixes {
    /// Of IPv4 addresses.
    pub ip4: Option<u8>,
    /// Of IPv6 addresses.
    pub ip6: Option<u8>,
}

/// Something about a record as a whole (RFC 7208 section 6).
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "a record has no others")]
pub enum Modifier {
    /// Where the reason for a refusal stands.
    Exp(MacroString),
    /// Something that this program does not know.
    Other(String, MacroString),
    /// Whose record counts where nobody fits.
    Redirect(MacroString),
}

impl Spf {
    /// More words than any record has.
    pub const TERMS: usize = 512;

    /// So often the name server may be asked for one record and those that it leads to (RFC 7208 section 4.6.4).
    pub const LOOKUPS: usize = 10;
    /// So often it may have nothing to say.
    pub const VOIDS: usize = 2;
    /// So many names an `mx` may come to, and so many a `ptr` looks at.
    pub const NAMES: usize = 10;

    /// Whether a text at a domain is such a record, be it a bad one: `v=spf1`, and then nothing or a blank.
    pub fn is_one(text: &[u8]) -> bool {
        const VERSION: &str = "v=spf1";
        let behind = text.get(VERSION.len());
        begins_with(text, VERSION) && behind.is_none_or(|octet| *octet == b' ')
    }

    /// Whether it was meant to be one, but receivers do not see it: with something before it, or something else behind
    /// its version.
    pub fn is_nearly_one(text: &[u8]) -> bool {
        let odd = |octet: &u8| !octet.is_ascii_alphanumeric();
        let start = text.iter().position(|octet| !odd(octet));
        let bare = start
            .and_then(|start| text.get(start..))
            .unwrap_or_default();
        !Self::is_one(text) && (begins_with(bare, "v=spf1") || begins_with(bare, "spf1"))
    }

    /// Reads the record.
    pub fn parse(text: &[u8]) -> Self {
        let mut read = Self::default();
        if !Self::is_one(text) {
            let what = "it does not begin with v=spf1 and a blank";
            read.errors.push(Fault::new(0, what, text));
            return read;
        }
        let mut at = 0;
        for (number, word) in text.split(|octet| *octet == b' ').enumerate() {
            if number > Self::TERMS {
                let what = "there are more terms than are read";
                read.errors.push(Fault::new(at, what, word));
                break;
            }
            if number > 0 && !word.is_empty() {
                match terms::term(word) {
                    Ok(term) => read.add(at, word, term),
                    Err(what) => read.errors.push(Fault::new(at, what, word)),
                }
            }
            at += word.len() + 1;
        }
        read
    }

    fn add(&mut self, at: usize, word: &[u8], term: Term) {
        let is_twice = match &term {
            Term::Modifier(Modifier::Redirect(_)) => self.redirect().is_some(),
            Term::Modifier(Modifier::Exp(_)) => self.exp().is_some(),
            Term::Directive(..) | Term::Modifier(Modifier::Other(..)) => false,
        };
        if is_twice {
            let what = "the modifier is there twice";
            self.errors.push(Fault::new(at, what, word));
        }
        if self.all().is_some() {
            let what = match &term {
                Term::Directive(..) => Some("nothing behind all is looked at"),
                Term::Modifier(Modifier::Redirect(_)) => {
                    Some("with all, redirect is not looked at")
                }
                Term::Modifier(_) => None,
            };
            self.oddities
                .extend(what.map(|what| Fault::new(at, what, word)));
        }
        self.terms.push(term);
    }

    /// What it says of everybody else.
    pub fn all(&self) -> Option<Qualifier> {
        self.directives()
            .find_map(|(qualifier, mechanism)| match mechanism {
                Mechanism::All => Some(qualifier),
                _ => None,
            })
    }

    /// What it says of whom, from left to right.
    pub fn directives(&self) -> impl Iterator<Item = (Qualifier, &Mechanism)> {
        self.terms.iter().filter_map(|term| match term {
            Term::Directive(qualifier, mechanism) => Some((*qualifier, mechanism)),
            Term::Modifier(_) => None,
        })
    }

    /// Whose record counts where nobody fits.
    pub fn redirect(&self) -> Option<&MacroString> {
        self.terms.iter().find_map(|term| match term {
            Term::Modifier(Modifier::Redirect(target)) => Some(target),
            _ => None,
        })
    }

    /// Where the reason for a refusal stands.
    pub fn exp(&self) -> Option<&MacroString> {
        self.terms.iter().find_map(|term| match term {
            Term::Modifier(Modifier::Exp(target)) => Some(target),
            _ => None,
        })
    }

    /// How many of its own terms ask the name server, as far as they are looked at.
    pub fn lookups(&self) -> usize {
        let seen = self.directives();
        let seen = seen.take_while(|(_, mechanism)| **mechanism != Mechanism::All);
        let asking = seen.filter(|(_, mechanism)| mechanism.asks()).count();
        let redirect = self.all().is_none() && self.redirect().is_some();
        asking + usize::from(redirect)
    }
}

impl Mechanism {
    /// Whether the name server must be asked (RFC 7208 section 4.6.4).
    pub const fn asks(&self) -> bool {
        !matches!(self, Self::All | Self::Ip4(..) | Self::Ip6(..))
    }
}

impl fmt::Display for Spf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=spf1")?;
        let mut terms = self.terms.iter();
        terms.try_for_each(|term| write!(f, " {term}"))
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directive(qualifier, mechanism) => write!(f, "{}{mechanism}", qualifier.as_str()),
            Self::Modifier(Modifier::Exp(target)) => write!(f, "exp={target}"),
            Self::Modifier(Modifier::Other(name, value)) => write!(f, "{name}={value}"),
            Self::Modifier(Modifier::Redirect(target)) => write!(f, "redirect={target}"),
        }
    }
}

impl fmt::Display for Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = |f: &mut fmt::Formatter<'_>, name, target: &Option<MacroString>| match target {
            Some(target) => write!(f, "{name}:{target}"),
            None => f.write_str(name),
        };
        match self {
            Self::A(target, prefixes) => {
                named(f, "a", target)?;
                write!(f, "{prefixes}")
            }
            Self::All => f.write_str("all"),
            Self::Exists(target) => write!(f, "exists:{target}"),
            Self::Include(target) => write!(f, "include:{target}"),
            Self::Ip4(address, 32) => write!(f, "ip4:{address}"),
            Self::Ip4(address, bits) => write!(f, "ip4:{address}/{bits}"),
            Self::Ip6(address, 128) => write!(f, "ip6:{address}"),
            Self::Ip6(address, bits) => write!(f, "ip6:{address}/{bits}"),
            Self::Mx(target, prefixes) => {
                named(f, "mx", target)?;
                write!(f, "{prefixes}")
            }
            Self::Ptr(target) => named(f, "ptr", target),
        }
    }
}

impl fmt::Display for Prefixes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(bits) = self.ip4 {
            write!(f, "/{bits}")?;
        }
        match self.ip6 {
            Some(bits) => write!(f, "//{bits}"),
            None => Ok(()),
        }
    }
}
