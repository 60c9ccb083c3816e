//! The public keys that a domain's mail is signed with (RFC 6376 section 3.6.1, RFC 8463 for Ed25519).

use core::fmt;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use nom::bytes::complete::{tag, take};
use nom::combinator::{map_opt, verify};
use nom::number::complete::{be_u8, be_u16};
use nom::{IResult, Parser};

use super::Fault;
use super::tags::{Tag, Tags, unfolded, words};

/// A DKIM key record.
///
/// ```
/// use mx_check::records::dkim::{DkimKey, Key, Strength};
///
/// let read = DkimKey::parse(b"v=DKIM1; k=rsa; p=");
/// assert_eq!((read.key, read.errors.len()), (Key::Revoked, 0));
/// let read = DkimKey::parse(b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
/// assert_eq!(read.key.strength(), Strength::Good);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DkimKey {
    /// The key (`k` and `p`).
    pub key: Key,
    /// Whether the domain only tries it (`t=y`).
    pub is_test: bool,
    /// Whether it signs for the domain itself only (`t=s`).
    pub is_strict: bool,
    /// For which services (`s`); empty for all.
    pub services: Vec<String>,
    /// With which digests (`h`); empty for all.
    pub hashes: Vec<String>,
    /// What people are told (`n`).
    pub notes: Option<String>,
    /// Why no signature can be checked by it.
    pub errors: Vec<Fault>,
    /// What is passed over in it.
    pub oddities: Vec<Fault>,
}

/// A public key.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Key {
    /// Ed25519 (RFC 8463).
    Ed25519,
    /// It cannot be read.
    Malformed,
    /// Of another kind, by its name.
    Other(String),
    /// There is none any more: signatures by it are no longer valid.
    Revoked,
    /// RSA, with a modulus of so many bits.
    Rsa(usize),
}

/// What a key is worth.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "nothing lies between")]
pub enum Strength {
    /// It can be broken: receivers must not believe it (RFC 8301 section 3.2).
    Broken,
    /// It will do.
    Good,
    /// That cannot be told.
    Unknown,
    /// Larger ones are asked for (RFC 8301 section 3.2).
    Weak,
}

impl Key {
    /// What it is worth.
    pub const fn strength(&self) -> Strength {
        match self {
            Self::Ed25519 => Strength::Good,
            Self::Rsa(..1024) => Strength::Broken,
            Self::Rsa(..2048) => Strength::Weak,
            Self::Rsa(_) => Strength::Good,
            Self::Malformed | Self::Other(_) | Self::Revoked => Strength::Unknown,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ed25519 => f.write_str("Ed25519"),
            Self::Malformed => f.write_str("malformed"),
            Self::Other(name) => f.write_str(name),
            Self::Revoked => f.write_str("revoked"),
            Self::Rsa(bits) => write!(f, "RSA, {bits} bits"),
        }
    }
}

impl DkimKey {
    /// Whether a text at a selector is such a record, be it a bad one: neither version nor type is needed, only
    /// the key.
    pub fn is_one(text: &[u8]) -> bool {
        let read = Tags::of(text);
        let of_dkim = |tag: Tag<'_>| tag.value == b"DKIM1";
        read.find("v")
            .map_or_else(|| read.find("p").is_some(), of_dkim)
    }

    /// Reads the record.
    pub fn parse(text: &[u8]) -> Self {
        let Tags {
            tags,
            errors,
            oddities,
        } = Tags::of(text);
        let mut read = Self {
            key: Key::Malformed,
            is_test: false,
            is_strict: false,
            services: Vec::new(),
            hashes: Vec::new(),
            notes: None,
            errors,
            oddities,
        };
        let mut kind = "rsa".to_owned();
        let mut data = None;
        for (place, tag) in tags.iter().enumerate() {
            match tag.name {
                "v" if tag.value != b"DKIM1" => {
                    read.errors.push(tag.fault("the version is not DKIM1"));
                }
                "v" if place > 0 => read.errors.push(tag.fault("the version is not first")),
                "v" => {}
                "k" => kind = tag.text().to_ascii_lowercase(),
                "p" => data = Some(*tag),
                "t" => read.flags(tag),
                "s" => read.services = words(tag.value, b':'),
                "h" => read.hashes = words(tag.value, b':'),
                "n" => read.notes = Some(tag.text()),
                "g" => read.odd(tag, "RFC 6376 has taken the tag out"),
                _ => read.odd(tag, "the tag is not known"),
            }
        }
        read.services.retain(|service| service != "*");
        match data {
            None => {
                let what = "there is no key (p)";
                read.errors.push(Fault::new(text.len(), what, b""));
            }
            Some(data) => read.key = read.key_of(&kind, &data),
        }
        read
    }

    fn odd(&mut self, tag: &Tag<'_>, what: &'static str) {
        self.oddities.push(tag.fault(what));
    }

    fn flags(&mut self, tag: &Tag<'_>) {
        for flag in words(tag.value, b':') {
            match flag.as_str() {
                "y" => self.is_test = true,
                "s" => self.is_strict = true,
                _ => self.odd(tag, "the flag is not known"),
            }
        }
    }

    fn key_of(&mut self, kind: &str, data: &Tag<'_>) -> Key {
        if data.value.is_empty() {
            return Key::Revoked;
        }
        let base64 = GeneralPurpose::new(&STANDARD, lenient());
        let Ok(octets) = base64.decode(unfolded(data.value)) else {
            self.errors.push(data.fault("the key is no base64"));
            return Key::Malformed;
        };
        match kind {
            "rsa" => match (rsa_of_info(&octets), rsa(&octets)) {
                (Ok((_, bits)), _) => Key::Rsa(bits),
                // PKCS #1 without the frame around it: many verifiers take it.
                (_, Ok((_, bits))) => {
                    self.odd(data, "the key is a bare RSAPublicKey");
                    Key::Rsa(bits)
                }
                _ => {
                    self.errors.push(data.fault("it is no RSA key"));
                    Key::Malformed
                }
            },
            "ed25519" if octets.len() == 32 => Key::Ed25519,
            "ed25519" => {
                self.errors.push(data.fault("an Ed25519 key has 32 octets"));
                Key::Malformed
            }
            other => Key::Other(other.to_owned()),
        }
    }
}

/// Padding may be missing, and what it hides is nobody's concern here.
const fn lenient() -> GeneralPurposeConfig {
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
}

/// SubjectPublicKeyInfo ::= SEQUENCE { SEQUENCE { OID, parameters }, BIT STRING } (RFC 5280 section 4.1): the bits
/// of an RSA modulus.
fn rsa_of_info(octets: &[u8]) -> IResult<&[u8], usize> {
    /// 1.2.840.113549.1.1.1, rsaEncryption (RFC 8017 appendix A.1).
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
    let (rest, info) = element(octets, 0x30)?;
    let (info, algorithm) = element(info, 0x30)?;
    verify(|octets| element(octets, 0x06), |oid: &[u8]| oid == RSA).parse(algorithm)?;
    let (_, bits) = element(info, 0x03)?;
    let (key, _) = tag([0].as_slice()).parse(bits)?;
    let (_, bits) = rsa(key)?;
    Ok((rest, bits))
}

/// RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER } (RFC 8017 appendix A.1.1).
fn rsa(octets: &[u8]) -> IResult<&[u8], usize> {
    let (rest, key) = element(octets, 0x30)?;
    let (key, bits) = map_opt(|octets| element(octets, 0x02), bits).parse(key)?;
    element(key, 0x02)?;
    Ok((rest, bits))
}

/// How many bits a positive number has.
fn bits(number: &[u8]) -> Option<usize> {
    let first = number.iter().position(|octet| *octet != 0)?;
    let number = number.get(first..)?;
    let spare = usize::try_from(number.first()?.leading_zeros()).ok()?;
    (number.len() * 8).checked_sub(spare)
}

/// One element of DER with this tag: its content.
fn element(octets: &[u8], kind: u8) -> IResult<&[u8], &[u8]> {
    let (rest, _) = tag([kind].as_slice()).parse(octets)?;
    let (rest, short) = be_u8(rest)?;
    let (rest, length) = match short {
        0x81 => be_u8(rest).map(|(rest, length)| (rest, length.into()))?,
        0x82 => be_u16(rest)?,
        // What is longer than this fits into no record; then there is too little of it.
        _ => (rest, short.into()),
    };
    take(length).parse(rest)
}
