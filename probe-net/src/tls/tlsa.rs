//! One TLSA record as data: what it says, how it is written, whether SMTP can use it (RFC 6698 section 2). Nothing is
//! looked up here; what a server shows is compared with it in `dane`.

use core::fmt;
use core::str::FromStr;

use sha2::{Digest, Sha256, Sha512};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::SubjectPublicKeyInfo;

use super::Certificate;
use super::facts::hex;

/// A TLSA record: which certificate or key a server must show.
///
/// It is parsed from its presentation form (RFC 6698 section 2.2), as zone files and `dig` have it: three numbers, and
/// hexadecimal digits that blanks may divide. What no client can use is read all the same, so that it can be told.
///
/// ```
/// use probe_net::tls::{Tlsa, Usage};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let record: Tlsa = "3 1 1 e3b0c44298fc1c149afbf4c8996fb924 27ae41e4649b934ca495991b7852b855".parse()?;
/// assert_eq!(record.usage(), Usage::DANE_EE);
/// assert_eq!(record.data().len(), 32);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Tlsa {
    usage: Usage,
    selector: Selector,
    matching: Matching,
    data: Box<[u8]>,
}

impl Tlsa {
    /// The most octets of data that fit into a resource record beside the three numbers (RFC 1035 section 3.2.1).
    pub const LIMIT: usize = 65_535 - 3;
    /// Data that is longer than the longest digest is named by its own digest.
    const SHORT: usize = 64;

    /// A record with this content.
    ///
    /// # Errors
    /// There is no data, or more than a record can hold.
    pub fn new(
        usage: Usage,
        selector: Selector,
        matching: Matching,
        data: impl Into<Box<[u8]>>,
    ) -> Result<Self, TlsaError> {
        let data = data.into();
        match data.len() {
            0 => Err(TlsaError::Missing("data")),
            1..=Self::LIMIT => Ok(Self {
                usage,
                selector,
                matching,
                data,
            }),
            _ => Err(TlsaError::TooLong),
        }
    }

    /// How the record binds the server.
    pub fn usage(&self) -> Usage {
        self.usage
    }

    /// What of a certificate is compared.
    pub fn selector(&self) -> Selector {
        self.selector
    }

    /// How it is compared.
    pub fn matching(&self) -> Matching {
        self.matching
    }

    /// What it must be equal to.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Why no mail server can use it, if so. It is then as if it were not there (RFC 7672 sections 2.2 and 3.1.3).
    pub fn unusable(&self) -> Option<Unusable> {
        match self.usage {
            Usage::DANE_TA | Usage::DANE_EE => {}
            Usage::PKIX_TA | Usage::PKIX_EE => return Some(Unusable::NotForMail(self.usage)),
            other => return Some(Unusable::Usage(other)),
        }
        if !matches!(self.selector, Selector::CERT | Selector::SPKI) {
            return Some(Unusable::Selector(self.selector));
        }
        let digest = |wanted: usize| {
            let found = self.data.len();
            (found != wanted).then_some(Unusable::Length { wanted, found })
        };
        match self.matching {
            Matching::FULL => (!self.is_what_it_selects()).then_some(Unusable::Data(self.selector)),
            Matching::SHA2_256 => digest(32),
            Matching::SHA2_512 => digest(64),
            other => Some(Unusable::Matching(other)),
        }
    }

    /// Whether this certificate, or its key, is what the record names.
    pub(super) fn names(&self, certificate: &Certificate) -> bool {
        let key = || X509Certificate::from_der(&certificate.der);
        let data = &*self.data;
        match (self.selector, self.matching) {
            (Selector::CERT, Matching::FULL) => *certificate.der == *data,
            (Selector::CERT, Matching::SHA2_256) => certificate.sha256 == *data,
            (Selector::CERT, Matching::SHA2_512) => Sha512::digest(&*certificate.der)[..] == *data,
            (Selector::SPKI, Matching::SHA2_256) => certificate.spki_sha256 == *data,
            (Selector::SPKI, Matching::FULL) => {
                key().is_ok_and(|(_, one)| one.public_key().raw == data)
            }
            (Selector::SPKI, Matching::SHA2_512) => {
                key().is_ok_and(|(_, one)| Sha512::digest(one.public_key().raw)[..] == *data)
            }
            _ => false,
        }
    }

    /// Without its numbers and short, for labels: the data itself, or its SHA-256.
    pub(super) fn digest(&self) -> String {
        match self.data.len() > Self::SHORT {
            true => hex(&Sha256::digest(&self.data)),
            false => hex(&self.data),
        }
    }

    /// The record for people: what is long is cut.
    pub(super) fn brief(&self) -> String {
        let numbers = format!("{} {} {}", self.usage, self.selector, self.matching);
        match self.data.get(..Self::SHORT / 2) {
            Some(first) if self.data.len() > Self::SHORT => {
                format!("{numbers} {}... ({} octets)", hex(first), self.data.len())
            }
            _ => format!("{numbers} {}", hex(&self.data)),
        }
    }

    fn is_what_it_selects(&self) -> bool {
        match self.selector {
            Selector::CERT => {
                X509Certificate::from_der(&self.data).is_ok_and(|(rest, _)| rest.is_empty())
            }
            _ => SubjectPublicKeyInfo::from_der(&self.data).is_ok_and(|(rest, _)| rest.is_empty()),
        }
    }
}

/// The presentation form, without blanks in the data.
impl fmt::Display for Tlsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} ", self.usage, self.selector, self.matching)?;
        self.data
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Tlsa {
    type Err = TlsaError;

    fn from_str(text: &str) -> Result<Self, TlsaError> {
        let mut fields = text.split([' ', '\t']).filter(|field| !field.is_empty());
        let mut number = |name| number(name, fields.next());
        let usage = Usage(number("usage")?);
        let selector = Selector(number("selector")?);
        let matching = Matching(number("matching type")?);
        Self::new(usage, selector, matching, octets(fields)?)
    }
}

/// One field of eight bits.
fn number(name: &'static str, field: Option<&str>) -> Result<u8, TlsaError> {
    let field = field.ok_or(TlsaError::Missing(name))?;
    let is_decimal = field.len() <= 3 && field.bytes().all(|byte| byte.is_ascii_digit());
    let parsed = field.parse().ok().filter(|_| is_decimal);
    parsed.ok_or(TlsaError::Number(name))
}

/// Hexadecimal digits; blanks may stand anywhere between them, also where they part an octet.
fn octets<'a>(fields: impl Iterator<Item = &'a str>) -> Result<Vec<u8>, TlsaError> {
    let mut octets = Vec::new();
    let mut half = None;
    for digit in fields.flat_map(str::chars) {
        let value = digit
            .to_digit(16)
            .and_then(|value| u8::try_from(value).ok());
        let value = value.ok_or(TlsaError::Digit(digit))?;
        half = match half {
            None if octets.len() == Tlsa::LIMIT => return Err(TlsaError::TooLong),
            None => Some(value),
            Some(high) => {
                octets.push(high << 4 | value);
                None
            }
        };
    }
    match half {
        Some(_) => Err(TlsaError::HalfAnOctet),
        None => Ok(octets),
    }
}

/// How a TLSA record binds the server (RFC 6698 section 2.1.1, names of RFC 7218).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_structs, reason = "one number, for ever")]
pub struct Usage(pub u8);

impl Usage {
    /// An authority, beside the trusted ones. Mail servers do not use it (RFC 7672 section 3.1.3).
    pub const PKIX_TA: Self = Self(0);
    /// The server's certificate, beside a trusted authority. Mail servers do not use it.
    pub const PKIX_EE: Self = Self(1);
    /// An authority instead of the trusted ones (RFC 7671 section 5.2).
    pub const DANE_TA: Self = Self(2);
    /// The server's certificate, and nothing else counts (RFC 7671 section 5.1).
    pub const DANE_EE: Self = Self(3);
}

/// What of a certificate is compared (RFC 6698 section 2.1.2).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_structs, reason = "one number, for ever")]
pub struct Selector(pub u8);

impl Selector {
    /// All of it.
    pub const CERT: Self = Self(0);
    /// Its public key, which may outlive it.
    pub const SPKI: Self = Self(1);
}

/// How it is compared (RFC 6698 section 2.1.3).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_structs, reason = "one number, for ever")]
pub struct Matching(pub u8);

impl Matching {
    /// Octet by octet.
    pub const FULL: Self = Self(0);
    /// By its SHA-256.
    pub const SHA2_256: Self = Self(1);
    /// By its SHA-512.
    pub const SHA2_512: Self = Self(2);
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why a mail server cannot use a TLSA record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unusable {
    /// Its data is not the certificate or key that it says it is.
    Data(Selector),
    /// Its data is no digest of that kind.
    Length {
        /// How many octets such a digest has.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// Nobody knows this matching type.
    Matching(Matching),
    /// The usage relies on trusted authorities, which mail servers have none of in common.
    NotForMail(Usage),
    /// Nobody knows this selector.
    Selector(Selector),
    /// Nobody knows this usage.
    Usage(Usage),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(Selector::CERT) => f.write_str("its data is no certificate"),
            Self::Data(_) => f.write_str("its data is no public key"),
            Self::Length { wanted, found } => {
                write!(f, "its digest has {found} octets instead of {wanted}")
            }
            Self::Matching(other) => write!(f, "there is no matching type {other}"),
            Self::NotForMail(usage) => write!(f, "usage {usage} is not for mail servers"),
            Self::Selector(other) => write!(f, "there is no selector {other}"),
            Self::Usage(other) => write!(f, "there is no usage {other}"),
        }
    }
}

/// Why a text is no TLSA record.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TlsaError {
    /// Something in the data is no hexadecimal digit.
    #[error("{0:?} is no hexadecimal digit")]
    Digit(char),
    /// The last octet has one digit only.
    #[error("an octet has two hexadecimal digits, and the last one has one")]
    HalfAnOctet,
    /// The record ends before this field.
    #[error("the {0} is missing: a record is USAGE SELECTOR MATCHING DATA, such as 3 1 1 ab12...")]
    Missing(&'static str),
    /// This field is no number of eight bits.
    #[error("the {0} is no number from 0 to 255")]
    Number(&'static str),
    /// There is more data than a resource record can hold.
    #[error("there is more data than a record can hold")]
    TooLong,
}
