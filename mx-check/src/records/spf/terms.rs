//! The grammar of one term (RFC 7208 section 4.6.1 and appendix A).

use core::net::{Ipv4Addr, Ipv6Addr};

use nom::bytes::complete::{tag, take_while};
use nom::character::complete::{digit1, one_of, satisfy};
use nom::combinator::{all_consuming, map_res, opt, recognize, verify};
use nom::sequence::{pair, preceded};
use nom::{IResult, Parser};

use super::macros::MacroString;
use super::{Mechanism, Modifier, Prefixes, Qualifier, Term};

/// Reads a word as a term, or tells why it is none.
pub(super) fn term(word: &[u8]) -> Result<Term, &'static str> {
    let visible = word.iter().all(|octet| matches!(octet, 0x21..=0x7e));
    let text = core::str::from_utf8(word).ok().filter(|_| visible);
    let text = text.ok_or("an octet in it is not visible ASCII")?;
    if let Ok((value, (name, _))) = pair(name, tag("=")).parse(text) {
        return modifier(name, value).map(Term::Modifier);
    }
    let (text, sign) = opt(one_of::<_, _, nom::error::Error<&str>>("+-?~"))
        .parse(text)
        .map_err(|_| "it is no term")?;
    let qualifier = match sign {
        Some('-') => Qualifier::Fail,
        Some('?') => Qualifier::Neutral,
        Some('~') => Qualifier::SoftFail,
        _ => Qualifier::Pass,
    };
    let (value, name) = name(text).map_err(|_| "it is no term")?;
    mechanism(&name.to_ascii_lowercase(), value).map(|one| Term::Directive(qualifier, one))
}

/// name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )
fn name(text: &str) -> IResult<&str, &str> {
    let behind = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    recognize(pair(
        satisfy(|c| c.is_ascii_alphabetic()),
        take_while(behind),
    ))
    .parse(text)
}

fn modifier(name: &str, value: &str) -> Result<Modifier, &'static str> {
    match name.to_ascii_lowercase().as_str() {
        "redirect" => domain_spec(value).map(Modifier::Redirect),
        "exp" => domain_spec(value).map(Modifier::Exp),
        _ => {
            let value = MacroString::parse(value).ok_or("a macro in it is none")?;
            Ok(Modifier::Other(name.to_owned(), value))
        }
    }
}

/// `value` is all behind the name.
fn mechanism(name: &str, value: &str) -> Result<Mechanism, &'static str> {
    let target = value.strip_prefix(':');
    let needed = target.ok_or("it lacks what stands behind the colon");
    match name {
        "all" if value.is_empty() => Ok(Mechanism::All),
        "all" => Err("nothing may stand behind all"),
        "include" => domain_spec(needed?).map(Mechanism::Include),
        "exists" => domain_spec(needed?).map(Mechanism::Exists),
        "ip4" => ip4(needed?),
        "ip6" => ip6(needed?),
        "a" => dual(value).map(|(target, prefixes)| Mechanism::A(target, prefixes)),
        "mx" => dual(value).map(|(target, prefixes)| Mechanism::Mx(target, prefixes)),
        "ptr" => match (target, value) {
            (Some(target), _) => domain_spec(target).map(|target| Mechanism::Ptr(Some(target))),
            (None, "") => Ok(Mechanism::Ptr(None)),
            (None, _) => Err("behind ptr only a domain may stand"),
        },
        _ => Err("there is no such mechanism"),
    }
}

fn domain_spec(text: &str) -> Result<MacroString, &'static str> {
    let read = MacroString::parse(text).ok_or("a macro in it is none")?;
    match read.is_domain_spec() {
        true => Ok(read),
        false => Err("the name in it is no domain name"),
    }
}

/// [ ":" domain-spec ] [ dual-cidr-length ]. A slash may stand in a domain-spec too, so the lengths are read from the
/// end.
fn dual(value: &str) -> Result<(Option<MacroString>, Prefixes), &'static str> {
    let starts = value.match_indices('/').map(|(at, _)| at);
    let starts = starts.filter(|at| !value.get(..*at).is_some_and(|it| it.ends_with('/')));
    let cut = |at: usize| {
        let (target, lengths) = value.split_at_checked(at)?;
        let (_, prefixes) = all_consuming(prefixes).parse(lengths).ok()?;
        Some((target, prefixes))
    };
    let (target, prefixes) = starts
        .filter_map(cut)
        .next()
        .unwrap_or((value, Prefixes::default()));
    let target = match (target, target.strip_prefix(':')) {
        ("", _) => None,
        (_, Some(target)) => Some(domain_spec(target)?),
        (_, None) => return Err("it can be read neither as a name nor as a length"),
    };
    Ok((target, prefixes))
}

/// [ "/" ip4-cidr-length ] [ "//" ip6-cidr-length ]
fn prefixes(text: &str) -> IResult<&str, Prefixes> {
    let (text, ip4) = opt(preceded(tag("/"), length(32))).parse(text)?;
    let (text, ip6) = opt(preceded(tag("//"), length(128))).parse(text)?;
    Ok((text, Prefixes { ip4, ip6 }))
}

/// Digits without a needless zero before them, up to this number.
fn length<'a>(most: u8) -> impl Parser<&'a str, Output = u8, Error = nom::error::Error<&'a str>> {
    let is_plain = |digits: &str| digits == "0" || !digits.starts_with('0');
    let number = map_res(verify(digit1, is_plain), str::parse::<u8>);
    verify(number, move |number| *number <= most)
}

fn ip4(text: &str) -> Result<Mechanism, &'static str> {
    let (address, bits) = network(text, 32)?;
    let address: Ipv4Addr = address.parse().map_err(|_| "it is no IPv4 address")?;
    Ok(Mechanism::Ip4(address, bits))
}

fn ip6(text: &str) -> Result<Mechanism, &'static str> {
    let (address, bits) = network(text, 128)?;
    let address: Ipv6Addr = address.parse().map_err(|_| "it is no IPv6 address")?;
    Ok(Mechanism::Ip6(address, bits))
}

fn network(text: &str, most: u8) -> Result<(&str, u8), &'static str> {
    let Some((address, bits)) = text.split_once('/') else {
        return Ok((text, most));
    };
    let read = all_consuming(length(most)).parse(bits);
    let (_, bits) = read.map_err(|_| "the length of its prefix is none")?;
    Ok((address, bits))
}
