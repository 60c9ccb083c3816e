//! What the macros of an SPF record come to for one mail (RFC 7208 section 7.3).

use core::net::IpAddr;

use crate::records::spf::{Letter, Macro, MacroString, Part};

/// Who sends.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Sender {
    /// From where. An IPv4 address that is written as an IPv6 one is taken as what it is.
    pub address: IpAddr,
    /// Before the at sign.
    pub local: String,
    /// Behind it.
    pub domain: String,
    /// How the client calls itself.
    pub helo: String,
}

impl Sender {
    /// The postmaster of a domain, from a host that calls itself by the domain's name.
    pub fn postmaster(domain: &str, address: IpAddr) -> Self {
        Self::new("postmaster", domain, domain, address)
    }

    /// A sender; without a local part it is the postmaster (RFC 7208 section 4.3).
    pub fn new(local: &str, domain: &str, helo: &str, address: IpAddr) -> Self {
        let local = Some(local).filter(|local| !local.is_empty());
        Self {
            address: address.to_canonical(),
            local: local.unwrap_or("postmaster").to_owned(),
            domain: domain.to_owned(),
            helo: helo.to_owned(),
        }
    }

    /// What a text comes to, in the record of this domain, for a client with this name.
    pub(crate) fn expand(&self, text: &MacroString, domain: &str, client: &str) -> String {
        let parts = text.parts.iter().map(|part| match part {
            Part::Blank => " ".to_owned(),
            Part::EscapedBlank => "%20".to_owned(),
            Part::Literal(text) => text.clone(),
            Part::Macro(one) => self.expand_one(one, domain, client),
            Part::Percent => "%".to_owned(),
        });
        fitting(parts.collect())
    }

    fn expand_one(&self, one: &Macro, domain: &str, client: &str) -> String {
        let whole = match one.letter {
            Letter::Address => digits(self.address),
            Letter::AddressForPeople => self.address.to_string(),
            Letter::Domain => domain.to_owned(),
            Letter::Family if self.address.is_ipv4() => "in-addr".to_owned(),
            Letter::Family => "ip6".to_owned(),
            Letter::Helo => self.helo.clone(),
            Letter::Local => self.local.clone(),
            Letter::Name => client.to_owned(),
            Letter::Sender => format!("{}@{}", self.local, self.domain),
            Letter::SenderDomain => self.domain.clone(),
            // Only explanations have them, and nobody reads those here.
            Letter::Receiver | Letter::Time => "unknown".to_owned(),
        };
        let delimiters = match one.delimiters.as_str() {
            "" => ".",
            some => some,
        };
        let mut pieces: Vec<_> = whole.split(|c| delimiters.contains(c)).collect();
        if one.is_reversed {
            pieces.reverse();
        }
        let kept = one.pieces.map_or(pieces.len(), usize::from);
        let from = pieces.len().saturating_sub(kept);
        let text = pieces.get(from..).unwrap_or_default().join(".");
        match one.is_escaped {
            true => escaped(&text),
            false => text,
        }
    }
}

/// An address, digit by digit: `192.0.2.1`, or the half octets of an IPv6 one.
fn digits(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let digits = address.octets();
            let digits = digits.iter().flat_map(|octet| [octet >> 4, octet & 15]);
            let digits: Vec<_> = digits.map(|digit| format!("{digit:x}")).collect();
            digits.join(".")
        }
    }
}

/// As in a URL (RFC 3986 section 2.3).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for octet in text.bytes() {
        let c = char::from(octet);
        match c.is_ascii_alphanumeric() || "-._~".contains(c) {
            true => out.push(c),
            false => out += &format!("%{octet:02X}"),
        }
    }
    out
}

/// Labels are dropped from the left until the name is no longer than names may be.
fn fitting(mut name: String) -> String {
    /// The longest name, written out.
    const LONGEST: usize = 253;
    while name.len() > LONGEST {
        match name.split_once('.') {
            Some((_, rest)) => name = rest.to_owned(),
            None => break,
        }
    }
    name
}
