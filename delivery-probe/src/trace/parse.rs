//! The grammar of a `Received` field, as the servers write it. First its tokens, with comments that may nest; then its
//! clauses, in any order.

use std::net::IpAddr;
use std::str::FromStr;

use nom::branch::alt;
use nom::bytes::complete::{take, take_till, take_while1};
use nom::character::complete::char;
use nom::combinator::{map, opt, recognize};
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser};
use probe_net::message::Date;

use super::{Hop, HopQuirk, Protocol, TlsNote, is_deviant, shown};

/// The most tokens of a field that are read.
const TOKENS: usize = 256;

/// Reads the value of a field.
pub(super) fn hop(value: &[u8]) -> Hop {
    let mut hop = Hop::default();
    let value = match value.get(..Hop::OCTETS) {
        Some(window) if window.len() < value.len() => {
            note(&mut hop, HopQuirk::TooLong);
            window
        }
        _ => value,
    };
    let (tokens, date) = tokens(value, &mut hop);
    clauses(&tokens, &mut hop);
    match date.and_then(Date::parse) {
        Some((date, form)) => {
            hop.at = Some(date.at());
            if is_deviant(form) {
                note(&mut hop, HopQuirk::DateForm);
            }
        }
        None => note(&mut hop, HopQuirk::NoDate),
    }
    if hop.by.is_none() && !hop.is_local {
        note(&mut hop, HopQuirk::NoBy);
    }
    hop.quirks.sort_unstable();
    hop
}

/// One token of a field.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Token<'a> {
    /// What stands within brackets: an address literal.
    Bracketed(&'a [u8]),
    /// What stands within parentheses.
    Comment(&'a [u8]),
    /// Anything else, up to a blank.
    Word(&'a [u8]),
}

/// The clause whose words are being read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Clause {
    By,
    For,
    From,
    Id,
    /// Of no meaning here.
    Other,
    Start,
    Tls,
    Via,
    With,
}

impl Clause {
    /// The clause that a word begins. `Start` none has.
    fn of(word: &[u8]) -> Option<Self> {
        match word.to_ascii_lowercase().as_slice() {
            b"from" => Some(Self::From),
            b"by" => Some(Self::By),
            b"via" => Some(Self::Via),
            b"with" => Some(Self::With),
            b"id" => Some(Self::Id),
            b"for" => Some(Self::For),
            // RFC 8314 section 4.3, which Exim writes.
            b"tls" => Some(Self::Tls),
            // Haraka writes it outside of a comment.
            b"envelope-from" => Some(Self::Other),
            _ => None,
        }
    }
}

/// Splits a value into its tokens and the date behind the last semicolon that is in no comment.
fn tokens<'a>(value: &'a [u8], hop: &mut Hop) -> (Vec<Token<'a>>, Option<&'a [u8]>) {
    let mut tokens = Vec::new();
    let mut date = None;
    let mut rest = value.trim_ascii_start();
    while tokens.len() < TOKENS {
        let Ok((after, token)) = token(rest) else {
            break;
        };
        if let Token::Comment(text) = token
            && text.len() + 1 == rest.len()
        {
            note(hop, HopQuirk::OpenComment);
        }
        // A word ends before the semicolon.
        if let Token::Word(b";") = token {
            let behind = after.trim_ascii();
            if Date::parse(behind).is_some() || !behind.contains(&b';') {
                date = Some(behind);
                break;
            }
        } else {
            tokens.push(token);
        }
        rest = after.trim_ascii_start();
    }
    if date.is_none() && !rest.is_empty() {
        note(hop, HopQuirk::TooLong);
    }
    (tokens, date)
}

fn clauses(tokens: &[Token<'_>], hop: &mut Hop) {
    let mut clause = Clause::Start;
    let mut seen = Vec::new();
    let mut words = 0;
    for token in tokens {
        match token {
            Token::Comment(text) => {
                comment(text, clause, hop);
                // `from ([192.0.2.1] helo=client) by mx`: there is no other name.
                words += usize::from(clause == Clause::From);
            }
            Token::Bracketed(text) => {
                if clause == Clause::From && words == 0 {
                    hop.from = Some(shown(&[b"[", *text, b"]"].concat()));
                }
                if clause == Clause::From {
                    literal(text, hop);
                }
                words += 1;
            }
            Token::Word(word) => {
                // Names of hosts and of queues may be spelt like a clause.
                if (words > 0 || matches!(clause, Clause::Start | Clause::Other))
                    && let Some(next) = Clause::of(word)
                {
                    // XMail names the sender in a second `from`, qmail-scanner a user in a second `by`.
                    clause = match seen.contains(&next) {
                        true => Clause::Other,
                        false => next,
                    };
                    seen.push(next);
                    words = 0;
                    continue;
                }
                one(word, words, clause, hop);
                words += 1;
            }
        }
    }
}

/// One word of a clause, of which it has had so many.
fn one(word: &[u8], words: usize, clause: Clause, hop: &mut Hop) {
    match (clause, words) {
        (Clause::From, 0) => {
            hop.from = Some(shown(word));
            hop.from_address = hop.from_address.or_else(|| address(word));
        }
        (Clause::By, 0) => {
            hop.by_address = address(word);
            hop.by = Some(shown(word.strip_suffix(b",").unwrap_or(word)));
        }
        // Internet Information Services: `from mail pickup service by`.
        (Clause::From, 1) if word == b"pickup" => hop.is_local = true,
        (Clause::From, 2) if hop.is_local => {}
        (Clause::With, _) => {
            let all = match hop.with.take() {
                Some(before) if words > 0 => format!("{before} {}", shown(word)).into_bytes(),
                _ => word.to_vec(),
            };
            let protocol = Protocol::new(&all);
            // qmail with a patch for TLS: `with ECDHE-RSA-AES256-GCM-SHA384 encrypted SMTP`.
            if word == b"encrypted" && words == 1 {
                let cipher = all.split(|byte| *byte == b' ').next();
                hop.tls.get_or_insert_default().cipher = cipher.map(shown);
            }
            hop.is_local |= matches!(protocol.as_str(), "LOCAL" | "MAPI" | "BSMTP");
            hop.with = Some(protocol);
        }
        (Clause::Via, _) => {
            let before = hop.via.take().map(|before| before + " ");
            hop.via = Some(shown(
                (before.unwrap_or_default() + &shown(word)).as_bytes(),
            ));
        }
        (Clause::Id, 0) => hop.id = Some(shown(within(word))),
        (Clause::For, 0) => hop.recipient = Some(shown(within(word))),
        (Clause::Tls, 0) => {
            let note = hop.tls.get_or_insert_default();
            note.cipher = Some(shown(word));
        }
        (Clause::Other, _) | (Clause::For | Clause::Id, _) => {}
        _ => note(hop, HopQuirk::Words),
    }
}

/// What stands in a comment: of the sender's clause its name and address, of any other what is told of the encryption.
fn comment(text: &[u8], clause: Clause, hop: &mut Hop) {
    if let Some(tls) = tls_note(text) {
        let known = hop.tls.get_or_insert_default();
        known.version = known.version.take().or(tls.version);
        known.cipher = known.cipher.take().or(tls.cipher);
        return;
    }
    match clause {
        Clause::From => peer(text, hop),
        Clause::By => {
            hop.by_address = hop.by_address.or_else(|| address(text));
            // Postfix's pickup: `(Postfix, from userid 1000)`.
            hop.is_local |= contains(text, b"from userid");
        }
        // `(qmail 1234 invoked by uid 0)`, `(qmail 1234 invoked from network)`.
        Clause::Start => {
            hop.is_local |= text.starts_with(b"qmail ") || contains(text, b"nullmailer")
        }
        _ => {}
    }
}

/// What a server tells of its client: `client.example [192.0.2.1]`, `[192.0.2.1]:1234 helo=client`, `HELO client`,
/// `192.0.2.1`, `user@client [192.0.2.1] (may be forged)`. The first address counts: it is what the server saw, whatever
/// the client called itself before it.
fn peer(text: &[u8], hop: &mut Hop) {
    let mut rest = text.trim_ascii_start();
    let mut has_address = false;
    let mut is_greeting = false;
    for place in 0..TOKENS {
        let Ok((after, token)) = token(rest) else {
            break;
        };
        rest = after.trim_ascii_start();
        let (Token::Word(text) | Token::Bracketed(text)) = token else {
            continue;
        };
        let host = text.rsplit(|byte| *byte == b'@').next().unwrap_or(text);
        if let Some(name) = keyword(text, b"helo=").or(is_greeting.then_some(text)) {
            client_says(name, hop);
            is_greeting = false;
        } else if ["HELO", "EHLO", "LHLO"]
            .iter()
            .any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
        {
            is_greeting = true;
        } else if let Some(address) = address(host) {
            if !has_address {
                hop.from_address = Some(address);
            }
            has_address = true;
        } else if matches!(token, Token::Bracketed(_)) {
            literal(text, hop);
        } else if place == 0
            && hop.from_name.is_none()
            && host.contains(&b'.')
            && !host.contains(&b'=')
        {
            hop.from_name = Some(shown(host.strip_suffix(b".").unwrap_or(host)));
        }
    }
}

/// What the client calls itself; what stood in its place is the name of its address.
fn client_says(name: &[u8], hop: &mut Hop) {
    let before = hop.from.replace(shown(name));
    let is_name = |name: &String| name != "unknown" && !name.starts_with('[');
    hop.from_name = hop.from_name.take().or(before.filter(is_name));
}

/// An address in brackets, or what stands there in place of one.
fn literal(text: &[u8], hop: &mut Hop) {
    match address(text) {
        Some(address) => hop.from_address = hop.from_address.or(Some(address)),
        None => hop.is_local |= text.eq_ignore_ascii_case(b"unix socket"),
    }
}

/// An address, with or without the brackets, the word and the port that may be around it.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = core::str::from_utf8(text).ok()?.trim();
    let text = match text.strip_prefix('[') {
        Some(inner) => inner.split_once(']').map_or(inner, |(inner, _)| inner),
        None => text,
    };
    let bare = match text.get(..5) {
        Some(word) if word.eq_ignore_ascii_case("IPv6:") => text.get(5..)?,
        _ => text,
    };
    let bare = bare.split_once('%').map_or(bare, |(bare, _)| bare);
    let plain = IpAddr::from_str(bare).ok();
    // XMail and others write a port behind it.
    let with_port = || IpAddr::from_str(bare.split_once(':')?.0).ok();
    plain
        .or_else(with_port)
        .map(|address| address.to_canonical())
}

/// What stands within angle brackets.
fn within(word: &[u8]) -> &[u8] {
    let inner = word.strip_prefix(b"<").unwrap_or(word);
    inner.strip_suffix(b">").unwrap_or(inner)
}

/// What a comment tells of the encryption, in the words of Postfix, Sendmail, Google and Exchange, Exim, or OpenSMTPD.
fn tls_note(text: &[u8]) -> Option<TlsNote> {
    let text = String::from_utf8_lossy(text);
    let text = text.trim();
    // Exchange 2013 and older tell no more.
    if text == "TLS" {
        return Some(TlsNote::default());
    }
    // qmail again: `(TLS_AES_256_GCM_SHA384 encrypted, authenticated)`.
    if let Some((cipher, _)) = text.split_once(" encrypted")
        && !cipher.contains(' ')
    {
        return Some(tls(None, Some(cipher)));
    }
    if let Some(rest) = text.strip_prefix("using ") {
        let mut words = rest.split_ascii_whitespace();
        let version = words.next()?;
        let cipher = words.skip_while(|word| *word != "cipher").nth(1);
        return Some(tls(Some(version), cipher));
    }
    let value = |name: &str| {
        let at = text.find(name)?.checked_add(name.len())?;
        let behind = text.get(at..)?;
        let value = behind.split([',', ' ', ';', ')']).next()?;
        Some(value.trim()).filter(|value| !value.is_empty() && !value.eq_ignore_ascii_case("none"))
    };
    let version = value("version=").filter(|version| is_version(version));
    if version.is_some() {
        return Some(tls(version, value("cipher=")));
    }
    let mut parts = text.split(':');
    let first = parts.next()?.trim();
    is_version(first).then(|| tls(Some(first), parts.next()))
}

fn tls(version: Option<&str>, cipher: Option<&str>) -> TlsNote {
    let kept = |text: &str| shown(text.as_bytes());
    TlsNote {
        version: version.map(kept),
        cipher: cipher.map(kept),
    }
}

/// `TLSv1.3`, `TLS1_2`, `TLS1.2`, `SSLv3`.
fn is_version(text: &str) -> bool {
    let begins = ["TLS", "tls", "SSLv", "DTLS"]
        .iter()
        .any(|start| text.starts_with(start));
    begins
        && text.len() <= 12
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && !text.contains(' ')
}

fn keyword<'a>(word: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = word.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(value)
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn note(hop: &mut Hop, quirk: HopQuirk) {
    if !hop.quirks.contains(&quirk) {
        hop.quirks.push(quirk);
    }
}

/// ```abnf
/// token   = comment / literal / quoted / ";" / word
/// literal = "[" *dtext "]"
/// ```
/// RFC 5322 section 3.2 in outline; the semicolon ends a word, since nobody writes a blank before it. A path in angle
/// brackets is one word, whatever is quoted in it.
fn token(input: &[u8]) -> IResult<&[u8], Token<'_>> {
    let literal = delimited(
        char('['),
        take_till(|byte: u8| byte == b']'),
        preceded(opt(take(1_usize)), rest_of_literal),
    );
    let quoted = recognize((char('"'), take_till(|byte| byte == b'"'), opt(char('"'))));
    let path = recognize((char('<'), take_till(|byte| byte == b'>'), opt(char('>'))));
    let semicolon = recognize(char(';'));
    let word = take_while1(|byte: u8| !byte.is_ascii_whitespace() && !b"();".contains(&byte));
    // A bracket without its pair.
    let stray = take(1_usize);
    alt((
        map(crate::comment::comment, Token::Comment),
        map(literal, Token::Bracketed),
        map(alt((quoted, path, semicolon, word, stray)), Token::Word),
    ))
    .parse(input)
}

/// What stands right behind a literal: Exim and others write a port.
fn rest_of_literal(input: &[u8]) -> IResult<&[u8], &[u8]> {
    nom::bytes::complete::take_while(|byte: u8| byte.is_ascii_digit() || byte == b':')(input)
}
