//! Whether a message is one of ours, and whether it may be deleted. What is not proven to be ours is nobody's to touch,
//! so the proof is a type that only the whole message gives.

use std::time::{Duration, SystemTime};

use probe_net::message::{HeaderEnd, Headers};
use sha2::{Digest, Sha256};

use crate::bounce::{Bounce, Notice};
use crate::canary::{AUTO_SUBMITTED, BODY, Canary, SUBJECT};
use crate::mime::{Leaf, Media, unworded};
use crate::token::{Claims, Keys, Name, Tag, Token};

/// Who looks for canaries: its keys, its name, and for how long it waits.
#[derive(Clone, Debug)]
pub struct Recogniser {
    keys: Keys,
    prober: Tag,
    window: Duration,
    echo: Option<String>,
}

impl Recogniser {
    /// How far into the future a canary may be dated: the prober that sent it may run on another host.
    pub const SKEW: Duration = Duration::from_secs(300);

    /// A prober of this name. A canary counts for a day.
    pub fn new(keys: Keys, prober: &Name) -> Self {
        Self {
            keys,
            prober: prober.prober_tag(),
            window: Duration::from_secs(24 * 60 * 60),
            echo: None,
        }
    }

    /// For how long a canary counts; later it is [`Recognition::Expired`].
    #[must_use]
    pub fn within(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// With the address of an auto-responder whose answers are awaited, and may be deleted.
    #[must_use]
    pub fn with_echo(mut self, address: impl Into<String>) -> Self {
        self.echo = Some(address.into());
        self
    }

    /// What a token is known as, if it is genuine, whoever sent it.
    pub fn verify(&self, token: &Token) -> Option<Known> {
        let claims = self.keys.verify(token)?;
        Some(Known {
            token: *token,
            claims,
        })
    }

    /// The tokens in a text that are genuine and this prober's.
    pub fn own_tokens(&self, text: &[u8]) -> Vec<Known> {
        let found = Token::all_in(text).into_iter();
        let known = found.filter_map(|token| self.verify(&token));
        known.filter(|known| self.is_own(known)).collect()
    }

    /// What a message is, by its header section, which may be all there is of it.
    pub fn recognise(&self, message: &[u8], now: SystemTime) -> Recognition {
        let headers = Headers::of(message);
        let seen = Seen::of(&headers);
        let Some(token) = seen.token() else {
            return match seen.has_several() {
                true => Recognition::Forged,
                false => self.recognise_reply(&headers),
            };
        };
        let Some(known) = self.verify(&token) else {
            return Recognition::Forged;
        };
        if !self.is_own(&known) {
            return Recognition::Another(known);
        }
        if seen.is_reply {
            return Recognition::Reply(known);
        }
        let oldest = now.checked_sub(self.window);
        let newest = now.checked_add(Self::SKEW);
        let sent_at = known.claims.sent_at;
        if oldest.is_some_and(|oldest| sent_at < oldest) {
            return Recognition::Expired(known);
        }
        match newest.is_some_and(|newest| sent_at > newest) {
            true => Recognition::Early(known),
            false => Recognition::Own(known),
        }
    }

    /// The proof that a message may be deleted, which needs all of its octets.
    ///
    /// A canary has, with one token that is genuine and this prober's: the field, the subject (in which a gateway may
    /// have put a tag), the mark of a program and the line in its body; nothing that makes a reply or a forwarded
    /// message of it, and not much more in it than was sent. The report on a canary is one in the form of RFC 3464
    /// that returns its field, likewise with not much else, and no part of another message. An answer comes from the
    /// auto-responder that was named.
    pub fn deletable(&self, message: &[u8], now: SystemTime) -> Option<Deletable> {
        let (known, remnant) = match self.recognise(message, now) {
            Recognition::Own(known) | Recognition::Expired(known) | Recognition::Early(known) => {
                self.is_whole_canary(message, &known)
                    .then_some((known, Remnant::Canary))?
            }
            Recognition::Reply(known) if self.is_echo(message) => (known, Remnant::Reply),
            Recognition::Reply(_) | Recognition::Foreign => {
                (self.returned(message)?, Remnant::Bounce)
            }
            Recognition::Another(_) | Recognition::Forged => return None,
        };
        Some(Deletable {
            known,
            remnant,
            digest: Sha256::digest(message).into(),
        })
    }

    fn is_own(&self, known: &Known) -> bool {
        known.claims.prober == self.prober
    }

    /// What answers a canary may name it only by its identifier (RFC 5322 section 3.6.4).
    fn recognise_reply(&self, headers: &Headers<'_>) -> Recognition {
        let named = ["In-Reply-To", "References"].into_iter();
        let tokens = named.filter_map(|name| headers.get(name));
        let found = tokens
            .flat_map(|field| self.own_tokens(&field.value()))
            .next();
        found.map_or(Recognition::Foreign, Recognition::Reply)
    }

    fn is_whole_canary(&self, message: &[u8], known: &Known) -> bool {
        let headers = Headers::of(message);
        let token = known.token.to_string();
        let is = |name: &str, own: &str| {
            let field = headers.only(name);
            field.is_some_and(|field| field.value().eq_ignore_ascii_case(own.as_bytes()))
        };
        let limit = Deletable::octets(&known.claims);
        let line = format!("{BODY}{token}").into_bytes();
        let has_line = |leaf: Leaf<'_>| {
            let text = leaf.decoded();
            let mut lines = text.split(|byte| *byte == b'\n');
            lines.any(|found| found.trim_ascii().eq_ignore_ascii_case(&line))
        };
        // What is to be answered says nothing of a program.
        let is_silent = self.echo.is_some() && headers.get("Auto-Submitted").is_none();
        matches!(headers.end(), HeaderEnd::EmptyLine { .. })
            && message.len() <= limit
            && is(Canary::FIELD, &token)
            && (is_silent || is("Auto-Submitted", AUTO_SUBMITTED))
            && Seen::of(&headers).subject == Some(known.token)
            && Leaf::all_of(message).into_iter().any(has_line)
    }

    fn is_echo(&self, message: &[u8]) -> bool {
        let Some(echo) = &self.echo else {
            return false;
        };
        let headers = Headers::of(message);
        let from = headers.only("From").map(|field| field.value().into_owned());
        let from = from.unwrap_or_default();
        // The address alone, or in angle brackets at the end.
        let address = match from.strip_suffix(b">") {
            Some(named) => named
                .rsplit(|byte| *byte == b'<')
                .next()
                .unwrap_or_default(),
            None => &from,
        };
        address.eq_ignore_ascii_case(echo.as_bytes()) && message.len() <= Deletable::REPLY_OCTETS
    }

    /// The canary that a report in the form of RFC 3464 is about and returns the field of.
    fn returned(&self, message: &[u8]) -> Option<Known> {
        // Within a message that somebody wrote, it is a part of that message.
        if Media::of(&Headers::of(message)).name != "multipart/report" {
            return None;
        }
        let Notice::Bounce(bounce) = Bounce::read(message, self) else {
            return None;
        };
        let limit = Deletable::octets(&bounce.canary.claims);
        (bounce.is_proven() && message.len() <= limit).then_some(bounce.canary)
    }
}

/// A token that is genuine, and what it says.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Known {
    /// The token.
    pub token: Token,
    /// What it says.
    pub claims: Claims,
}

impl Known {
    /// Whether it went by the route of this name.
    pub fn is_by(&self, route: &Name) -> bool {
        self.claims.route == route.route_tag()
    }
}

/// What a message is to a prober.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Recognition {
    /// The canary of another prober that has the same key.
    Another(Known),
    /// A canary of this prober from the future: a clock is wrong.
    Early(Known),
    /// A canary of this prober that is older than it counts: left behind, or sent again by somebody.
    Expired(Known),
    /// Nothing of ours.
    Foreign,
    /// It looks like a canary, and no key made its token; or it has two of them.
    Forged,
    /// A canary of this prober that counts.
    Own(Known),
    /// It answers or forwards one of this prober's: an auto-responder, a report on it, or a person.
    Reply(Known),
}

/// The proof that a message is ours to delete. Only [`Recogniser::deletable`] makes it, out of all octets of the message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Deletable {
    known: Known,
    remnant: Remnant,
    digest: [u8; 32],
}

impl Deletable {
    /// How much gateways and relays may have added to what was sent, fields and footers together; and a report to what it
    /// returns.
    pub const ADDED_OCTETS: usize = 64 * 1024;

    /// The most octets of an answer that may be deleted.
    pub const REPLY_OCTETS: usize = 256 * 1024;

    /// The canary that it is, or is about.
    pub fn known(&self) -> Known {
        self.known
    }

    /// What it is.
    pub fn remnant(&self) -> Remnant {
        self.remnant
    }

    /// Whether these are the octets that the proof was made of.
    pub fn is(&self, message: &[u8]) -> bool {
        let digest: [u8; 32] = Sha256::digest(message).into();
        digest == self.digest
    }

    /// The most octets of a canary that may be deleted. Quoted-printable makes three octets of one in the text of a
    /// canary, which has few; base64 is not encoded again.
    fn octets(claims: &Claims) -> usize {
        claims.size.octets().unwrap_or(8 * 1024) + Self::ADDED_OCTETS
    }
}

/// What of ours may lie in a mailbox.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Remnant {
    /// A report on a canary.
    Bounce,
    /// A canary.
    Canary,
    /// The answer of an auto-responder.
    Reply,
}

/// What a header section says of a canary.
struct Seen {
    field: Option<Token>,
    fields: usize,
    subject: Option<Token>,
    is_reply: bool,
}

impl Seen {
    fn of(headers: &Headers<'_>) -> Self {
        let field = headers.only(Canary::FIELD);
        let subject = headers.only("Subject").map(|field| field.value());
        let subject = Subject::read(&unworded(&subject.unwrap_or_default()));
        let is_there = |name: &&str| headers.get(name).is_some();
        let answers = headers.all("Auto-Submitted").any(|field| {
            let value = field.value().to_ascii_lowercase();
            value.starts_with(b"auto-replied")
        });
        Self {
            field: field.and_then(|field| Token::parse(&field.value())),
            fields: headers.all(Canary::FIELD).count(),
            is_reply: answers
                || subject.is_reply
                || ["In-Reply-To", "References"].iter().any(is_there),
            subject: subject.token,
        }
    }

    fn token(&self) -> Option<Token> {
        match (self.field, self.subject) {
            (Some(field), Some(subject)) => (field == subject).then_some(field),
            (Some(one), None) | (None, Some(one)) if self.fields < 2 => Some(one),
            _ => None,
        }
    }

    /// Whether its fields contradict each other, or one of them holds no token.
    fn has_several(&self) -> bool {
        self.fields > 0 || (self.field.is_some() && self.subject.is_some())
    }
}

/// A subject with our words in it.
struct Subject {
    token: Option<Token>,
    is_reply: bool,
}

impl Subject {
    fn read(subject: &[u8]) -> Self {
        let text = String::from_utf8_lossy(subject).to_ascii_lowercase();
        let Some((before, after)) = text.split_once(SUBJECT.trim_end()) else {
            return Self {
                token: None,
                is_reply: false,
            };
        };
        let word = after.split_ascii_whitespace().next().unwrap_or_default();
        Self {
            token: Token::parse(word.as_bytes()),
            is_reply: is_reply(before),
        }
    }
}

/// What programs put before the subject of an answer or of a forwarded message, in small letters.
const REPLY_PREFIXES: [&str; 26] = [
    "antw",
    "antwort",
    "atb",
    "auto",
    "automatic reply",
    "aw",
    "bls",
    "doorst",
    "enc",
    "fw",
    "fwd",
    "i",
    "odp",
    "pd",
    "r",
    "re",
    "ref",
    "res",
    "rif",
    "rv",
    "sv",
    "tr",
    "undeliverable",
    "vs",
    "wg",
    "ynt",
];

/// Whether one of them is there, with a number or tags in brackets beside it or none. Any other words are a gateway's.
fn is_reply(before: &str) -> bool {
    let mut plain = String::new();
    let mut depth = 0_usize;
    for letter in before.chars() {
        match letter {
            '[' | '(' => depth += 1,
            ']' | ')' => depth = depth.saturating_sub(1),
            letter if depth == 0 => plain.push(letter),
            _ => {}
        }
    }
    let mut words = plain.split([':', '：']);
    // What stands behind the last colon is no prefix.
    let _ = words.next_back();
    words.any(|word| REPLY_PREFIXES.contains(&word.trim()))
}
