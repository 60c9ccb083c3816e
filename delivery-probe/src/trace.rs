//! The way of a message as its `Received` fields tell it (RFC 5321 section 4.4): every hop, whoever wrote it and in whatever
//! dialect. How long each took and whose clock is wrong is for `transit` to say.

mod parse;

use core::fmt;
use std::net::IpAddr;
use std::time::SystemTime;

use probe_core::printable;
use probe_net::message::{DateForm, Headers};

/// The way of a message, from its sender to its mailbox.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Trace {
    /// Its hops in the order in which they took it, the first one first: the other way round than the fields stand.
    pub hops: Vec<Hop>,
    /// Fields that were too many to be read.
    pub left_out: usize,
}

impl Trace {
    /// The most hops that are read: as many as make a loop (RFC 5321 section 6.3).
    pub const HOPS: usize = 100;

    /// The hops of a message, by its header section. Of too many, those nearest to the mailbox are read.
    pub fn of(headers: &Headers<'_>) -> Self {
        let mut fields = headers.all("Received");
        let mut hops: Vec<Hop> = fields
            .by_ref()
            .take(Self::HOPS)
            .map(|field| Hop::parse(&field.value()))
            .collect();
        hops.reverse();
        Self {
            hops,
            left_out: fields.count(),
        }
    }
}

/// One hop: who took the message, from whom, how and when. Names are a peer's words, fit to be shown.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Hop {
    /// What the sender called itself; nothing where the message began here.
    pub from: Option<String>,
    /// The name of the sender's address, as the receiver found it.
    pub from_name: Option<String>,
    /// The sender's address, as the receiver saw it.
    pub from_address: Option<IpAddr>,
    /// Who took it.
    pub by: Option<String>,
    /// The address of who took it, where that is told.
    pub by_address: Option<IpAddr>,
    /// On what (RFC 5321 section 4.4), such as `Frontend Transport`.
    pub via: Option<String>,
    /// By which protocol.
    pub with: Option<Protocol>,
    /// What is told of the encryption.
    pub tls: Option<TlsNote>,
    /// What it is called there.
    pub id: Option<String>,
    /// For whom.
    pub recipient: Option<String>,
    /// When, on the clock of who took it.
    pub at: Option<SystemTime>,
    /// Whether it came over a socket of the host, or from a program on it.
    pub is_local: bool,
    /// What was tolerated, each once.
    pub quirks: Vec<HopQuirk>,
}

impl Hop {
    /// The most octets of a field that are read.
    pub const OCTETS: usize = 8 * 1024;

    /// The most octets of a name that are kept.
    pub const NAME: usize = 255;

    /// Reads the value of a `Received` field. Nothing is refused: what is not understood is a quirk.
    pub fn parse(value: &[u8]) -> Self {
        parse::hop(value)
    }

    /// What to call the host that took it.
    pub fn host(&self) -> &str {
        self.by.as_deref().unwrap_or("a host without a name")
    }

    /// How the message was protected on its way to here.
    pub fn protection(&self) -> Protection {
        let is_protected = self.with.as_ref().is_some_and(Protocol::is_tls);
        if is_protected || self.tls.is_some() {
            return Protection::Tls;
        }
        if self.stays_within() {
            return Protection::Local;
        }
        match &self.with {
            Some(protocol) if protocol.is_mail() => Protection::None,
            _ => Protection::Unknown,
        }
    }

    /// Whether the message did not leave the host.
    fn stays_within(&self) -> bool {
        let is_nobody = self.from.is_none() && self.from_address.is_none();
        let is_loopback = self.from_address.is_some_and(is_loopback);
        let is_itself = match (self.from_address, self.by_address) {
            (Some(from), Some(by)) => from == by,
            (None, None) => match (&self.from, &self.by) {
                (Some(from), Some(by)) => from.eq_ignore_ascii_case(by),
                _ => false,
            },
            _ => false,
        };
        let is_called_so = self.from_address.is_none()
            && self
                .from
                .as_ref()
                .is_some_and(|from| from.eq_ignore_ascii_case("localhost"));
        self.is_local || is_nobody || is_loopback || is_called_so || is_itself
    }
}

/// How a message was protected between two hops.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Protection {
    /// It did not leave the host.
    Local,
    /// By TLS.
    Tls,
    /// Not told.
    Unknown,
    /// Not at all: whoever stood in between could read it.
    None,
}

impl Protection {
    /// The name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Tls => "tls",
            Self::Unknown => "unknown",
            Self::None => "none",
        }
    }
}

/// By which protocol a hop took a message, in capitals: `ESMTPS`, `LMTP`, `HTTP`, `MICROSOFT SMTP SERVER`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Protocol(String);

impl Protocol {
    /// The protocol.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its name says that it went over TLS (RFC 3848, RFC 6531, RFC 8314, and the names in use beside them).
    pub fn is_tls(&self) -> bool {
        matches!(
            self.0.as_str(),
            "ESMTPS"
                | "ESMTPSA"
                | "SMTPS"
                | "SMTPSA"
                | "ASMTPS"
                | "LMTPS"
                | "LMTPSA"
                | "UTF8SMTPS"
                | "UTF8SMTPSA"
                | "UTF8LMTPS"
                | "UTF8LMTPSA"
                | "HTTPS"
                | "IMAPS"
                | "POP3S"
        )
    }

    /// Whether it would say so if it had.
    pub fn is_mail(&self) -> bool {
        matches!(
            self.0.as_str(),
            "SMTP"
                | "ESMTP"
                | "ESMTPA"
                | "ASMTP"
                | "SMTPA"
                | "LMTP"
                | "LMTPA"
                | "UTF8SMTP"
                | "UTF8SMTPA"
                | "UTF8LMTP"
                | "UTF8LMTPA"
                | "HTTP"
        )
    }

    /// Whether the sender had logged in (RFC 3848).
    pub fn is_authenticated(&self) -> bool {
        self.0.ends_with("SMTPA") || self.0.ends_with("SMTPSA")
    }

    /// One in a peer's words.
    fn new(words: &[u8]) -> Self {
        Self(shown(words).to_ascii_uppercase())
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a hop tells of the encryption, in its own words.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct TlsNote {
    /// The version: `TLSv1.3`, `TLS1_2`.
    pub version: Option<String>,
    /// The cipher.
    pub cipher: Option<String>,
}

impl TlsNote {
    /// Whether the version is one that nobody should use any more (RFC 8996).
    pub fn is_outdated(&self) -> bool {
        let version = self.version.as_deref().unwrap_or_default();
        let plain: String = version
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|letter| letter.to_ascii_lowercase())
            .collect();
        matches!(
            plain.trim_start_matches("tls").trim_start_matches('v'),
            "1" | "10" | "11" | "sslv3" | "sslv2"
        ) && !version.is_empty()
    }
}

/// What should not be in a `Received` field, and was tolerated.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum HopQuirk {
    /// A date in a form that RFC 5322 does not have.
    DateForm,
    /// Nobody is named who took it.
    NoBy,
    /// No date, or none that can be read.
    NoDate,
    /// A comment without its end.
    OpenComment,
    /// Longer than is read.
    TooLong,
    /// Words where none should be.
    Words,
}

impl HopQuirk {
    /// The name in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DateForm => "date-form",
            Self::NoBy => "no-by",
            Self::NoDate => "no-date",
            Self::OpenComment => "open-comment",
            Self::TooLong => "too-long",
            Self::Words => "words",
        }
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// A peer's words, fit to be shown and kept.
fn shown(words: &[u8]) -> String {
    printable(words.get(..Hop::NAME).unwrap_or(words))
}

fn is_deviant(form: DateForm) -> bool {
    !matches!(form, DateForm::Current | DateForm::Obsolete)
}
