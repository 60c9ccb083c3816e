//! What a canary is known by: a token that nobody makes without the key, in 56 letters and digits that survive headers,
//! local parts and gateways. What a message has to hold besides is for `recognise` to say.

use core::fmt;
use core::ops::RangeInclusive;
use core::str::FromStr;
use std::time::{Duration, SystemTime};

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use probe_core::Secret;
use sha2::{Digest, Sha256};

/// The name of a prober or of a route: what keeps several of them on one mailbox apart.
///
/// A token holds 24 bits of its digest: enough to tell the probers of one mailbox from each other, each of which knows
/// the key; whoever does not know it makes no token at all.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Name(String);

impl Name {
    /// The most octets of a name.
    pub const OCTETS: usize = 64;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn tag(&self, of: Whose) -> Tag {
        let mut digest = Sha256::new();
        digest.update(match of {
            Whose::Prober => b"prober\0",
            Whose::Route => b"route\0\0",
        });
        digest.update(&self.0);
        let mut octets = [0; 3];
        octets
            .iter_mut()
            .zip(digest.finalize())
            .for_each(|(to, from)| *to = from);
        Tag(octets)
    }

    /// What a token holds of a prober of this name.
    pub fn prober_tag(&self) -> Tag {
        self.tag(Whose::Prober)
    }

    /// What a token holds of a route of this name.
    pub fn route_tag(&self) -> Tag {
        self.tag(Whose::Route)
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-@:/+".contains(&byte);
        match (1..=Self::OCTETS).contains(&text.len()) && text.bytes().all(is_plain) {
            true => Ok(Self(text.to_owned())),
            false => Err(NameError),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// A text is no name of a prober or of a route.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a name has 1 to 64 letters, digits and . _ - @ : / +")]
pub struct NameError;

/// What a token holds of a name: 24 bits of its digest.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tag([u8; 3]);

#[derive(Clone, Copy)]
enum Whose {
    Prober,
    Route,
}

/// What tokens are signed with: a secret of the caller, which every prober of a mailbox may share.
#[derive(Clone, Debug)]
pub struct Key(Secret);

impl Key {
    /// The fewest octets of a secret.
    pub const OCTETS: usize = 16;

    /// A key of this secret, all of whose octets count, a line end too.
    ///
    /// # Errors
    /// If it is shorter than [`Key::OCTETS`].
    pub fn new(secret: Secret) -> Result<Self, KeyError> {
        match secret.expose().len() >= Self::OCTETS {
            true => Ok(Self(secret)),
            false => Err(KeyError),
        }
    }

    fn mac(&self, signed: &[u8]) -> Option<Hmac<Sha256>> {
        // HMAC takes keys of every length.
        let mac = Hmac::<Sha256>::new_from_slice(self.0.expose()).ok()?;
        Some(
            mac.chain_update(b"mailprobe delivery\0")
                .chain_update(signed),
        )
    }
}

/// A secret is too short to sign with.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the key of canaries has at least 16 octets")]
pub struct KeyError;

/// The key that signs, and those that signed before it and are still taken.
#[derive(Clone, Debug)]
pub struct Keys {
    current: Key,
    earlier: Vec<Key>,
}

impl Keys {
    /// The most keys that are tried; of more, the first.
    pub const MOST: usize = 8;

    /// One key that signs.
    pub fn new(current: Key) -> Self {
        let earlier = Vec::new();
        Self { current, earlier }
    }

    /// With a key that signed before, so that what was sent then is still known.
    #[must_use]
    pub fn with_earlier(mut self, key: Key) -> Self {
        if self.earlier.len() + 1 < Self::MOST {
            self.earlier.push(key);
        }
        self
    }

    /// A token that says this.
    pub fn sign(&self, claims: &Claims) -> Token {
        let mut octets = [0; Token::OCTETS];
        let signed = claims.to_octets();
        let tag = self.current.mac(&signed).map(Mac::finalize);
        let tag = tag.map(|tag| tag.into_bytes()).unwrap_or_default();
        let all = signed.into_iter().chain(tag);
        octets.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        Token(octets)
    }

    /// What a token says, if one of the keys signed it. How long that takes tells nothing of how far it was right.
    pub fn verify(&self, token: &Token) -> Option<Claims> {
        let (signed, tag) = token.0.split_at_checked(Claims::OCTETS)?;
        let mut is_ours = false;
        for key in core::iter::once(&self.current).chain(&self.earlier) {
            let mac = key.mac(signed)?;
            is_ours |= mac.verify_truncated_left(tag).is_ok();
        }
        is_ours.then(|| Claims::of(signed)).flatten()
    }
}

/// A token as it is written: whether it is genuine, only [`Keys::verify`] knows.
///
/// It is written in base32 (RFC 4648 section 6) in small letters, and read in any: some gateways change them.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Token([u8; Self::OCTETS]);

impl Token {
    /// Its octets: what is signed, and 96 bits of the signature.
    const OCTETS: usize = Claims::OCTETS + 12;

    /// Its length as it is written: with a word and a sign before it, it fits into a local part (64).
    pub const LENGTH: usize = 56;

    /// The most candidates that are looked at in one text.
    pub const CANDIDATES: usize = 64;

    /// What looks like a token in a text, each once, in its order, at most [`Token::CANDIDATES`].
    pub fn all_in(text: &[u8]) -> Vec<Self> {
        let words = text.split(|byte| !byte.is_ascii_alphanumeric());
        let shaped = words.filter(|word| word.len() == Self::LENGTH);
        let mut found = Vec::new();
        for word in shaped.take(Self::CANDIDATES) {
            if let Some(token) = Self::parse(word)
                && !found.contains(&token)
            {
                found.push(token);
            }
        }
        found
    }

    /// Reads one token and nothing else.
    pub fn parse(word: &[u8]) -> Option<Self> {
        let octets = BASE32_NOPAD.decode(&word.to_ascii_uppercase()).ok()?;
        let octets = octets.try_into().ok().map(Self)?;
        let [kind, ..] = octets.0;
        (kind >> 5 == VERSION).then_some(octets)
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&BASE32_NOPAD.encode(&self.0).to_ascii_lowercase())
    }
}

/// As it is written.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({self})")
    }
}

impl FromStr for Token {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        Self::parse(text.as_bytes()).ok_or(TokenError)
    }
}

/// A text is no token.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a token has 56 letters and digits of base32, and begins with one of e to h")]
pub struct TokenError;

/// What a token says of its canary. All of it is signed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Claims {
    /// Who sent it.
    pub prober: Tag,
    /// On which way.
    pub route: Tag,
    /// When, to the second, on the prober's clock.
    pub sent_at: SystemTime,
    /// What no other canary has.
    pub nonce: Nonce,
    /// How large it is.
    pub size: Size,
    /// What it is made of.
    pub form: Form,
    /// The beginning of the SHA-256 of its content, without the token.
    pub content: [u8; 6],
}

impl Claims {
    /// Kind 1, time 4, nonce 6, tags 6, content 6.
    const OCTETS: usize = 23;

    fn to_octets(self) -> [u8; Self::OCTETS] {
        let mut octets = [0; Self::OCTETS];
        let kind = (VERSION << 5) | (self.form.code() << 3) | self.size.code();
        let seconds = self.sent_at.duration_since(SystemTime::UNIX_EPOCH);
        let seconds = u32::try_from(seconds.unwrap_or_default().as_secs()).unwrap_or(u32::MAX);
        let all = [kind]
            .into_iter()
            .chain(seconds.to_be_bytes())
            .chain(self.nonce.0)
            .chain(self.prober.0)
            .chain(self.route.0)
            .chain(self.content);
        octets.iter_mut().zip(all).for_each(|(to, from)| *to = from);
        octets
    }

    fn of(octets: &[u8]) -> Option<Self> {
        let (kind, rest) = octets.split_first()?;
        let (seconds, rest) = rest.split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let (prober, rest) = rest.split_first_chunk()?;
        let (route, rest) = rest.split_first_chunk()?;
        let (content, _) = rest.split_first_chunk()?;
        let seconds = u64::from(u32::from_be_bytes(*seconds));
        Some(Self {
            prober: Tag(*prober),
            route: Tag(*route),
            sent_at: SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?,
            nonce: Nonce(*nonce),
            size: Size::of_code(kind & 7)?,
            form: Form::of_code((kind >> 3) & 3)?,
            content: *content,
        })
    }
}

/// The seconds since 1970 that a token can say: up to the year 2106.
pub(crate) const SECONDS: RangeInclusive<u64> = 0..=4_294_967_295;

/// The layout above. It is in the first octet, so that another can be told.
const VERSION: u8 = 1;

/// 48 bits at random: with the time, what no other canary of a prober has.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Nonce([u8; 6]);

impl Nonce {
    /// A new one, from the system's source of randomness.
    ///
    /// # Errors
    /// If that gives nothing.
    pub fn random() -> Result<Self, NonceError> {
        let mut octets = [0; 6];
        getrandom::fill(&mut octets).map_err(|_| NonceError)?;
        Ok(Self(octets))
    }

    /// A chosen one, for tests.
    pub const fn from_bytes(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the system gives no random bytes")]
pub struct NonceError;

/// How large a canary is: mail of different sizes takes different ways through scanners.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Size {
    /// A few KiB: as large as what it is made of.
    #[default]
    Small,
    /// 64 KiB.
    Kib64,
    /// 1 MiB.
    Mib1,
    /// 4 MiB.
    Mib4,
    /// 16 MiB, which is the most.
    Mib16,
}

impl Size {
    /// All sizes, the smallest first.
    pub const ALL: [Self; 5] = [
        Self::Small,
        Self::Kib64,
        Self::Mib1,
        Self::Mib4,
        Self::Mib16,
    ];

    /// So many octets has a canary of this size about; `None` where nothing is added.
    pub const fn octets(self) -> Option<usize> {
        match self {
            Self::Small => None,
            Self::Kib64 => Some(64 * 1024),
            Self::Mib1 => Some(1024 * 1024),
            Self::Mib4 => Some(4 * 1024 * 1024),
            Self::Mib16 => Some(16 * 1024 * 1024),
        }
    }

    /// The name in reports and options.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Kib64 => "64k",
            Self::Mib1 => "1m",
            Self::Mib4 => "4m",
            Self::Mib16 => "16m",
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Small => 0,
            Self::Kib64 => 1,
            Self::Mib1 => 2,
            Self::Mib4 => 3,
            Self::Mib16 => 4,
        }
    }

    fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|size| size.code() == code)
    }
}

impl FromStr for Size {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        let mut all = Self::ALL.into_iter();
        all.find(|size| size.as_str() == text)
            .ok_or(KindError::Size)
    }
}

/// What a canary is made of.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Form {
    /// A few words in one part, and nothing that could be damaged.
    Plain,
    /// Lines that servers are known to damage, in ASCII, and an attachment.
    #[default]
    SevenBit,
    /// The same with a line of UTF-8, sent as it is: only for who was offered 8BITMIME (RFC 6152).
    EightBit,
}

impl Form {
    /// All forms.
    pub const ALL: [Self; 3] = [Self::Plain, Self::SevenBit, Self::EightBit];

    /// The name in reports and options.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::SevenBit => "7bit",
            Self::EightBit => "8bit",
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::SevenBit => 1,
            Self::EightBit => 2,
        }
    }

    fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.code() == code)
    }
}

impl FromStr for Form {
    type Err = KindError;

    fn from_str(text: &str) -> Result<Self, KindError> {
        let mut all = Self::ALL.into_iter();
        all.find(|form| form.as_str() == text)
            .ok_or(KindError::Form)
    }
}

/// Why a text names no kind of canary.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum KindError {
    /// It is no form.
    #[error("a canary is plain, 7bit or 8bit")]
    Form,
    /// It is no size.
    #[error("a canary is small, 64k, 1m, 4m or 16m")]
    Size,
}
