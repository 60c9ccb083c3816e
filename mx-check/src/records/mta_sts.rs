//! That a domain's mail goes over TLS only: the record that says so, and the policy that it announces (RFC 8461
//! section 3). Fetching the policy is not done here; whether a host fits is [`probe_net::tls::MtaSts`]'s.

use core::time::Duration;

use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::space0;
use nom::combinator::rest;
use nom::sequence::{delimited, separated_pair};
use nom::{IResult, Parser};
use probe_net::tls::{MtaSts, MxPattern, PolicyMode};

use super::tags::{Tags, is_number};
use super::{Fault, begins_with};

/// The TXT record that announces a policy (RFC 8461 section 3.1).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Record {
    /// Which version of the policy: a new id, and senders fetch it anew.
    pub id: Option<String>,
    /// Why senders pass it over.
    pub errors: Vec<Fault>,
    /// What is passed over in it.
    pub oddities: Vec<Fault>,
}

impl Record {
    /// The longest id.
    const ID: usize = 32;

    /// Whether a text at `_mta-sts` is such a record, be it a bad one.
    pub fn is_one(text: &[u8]) -> bool {
        begins_with(text, "v=STSv1")
    }

    /// Reads the record.
    pub fn parse(text: &[u8]) -> Self {
        let Tags {
            tags,
            errors,
            oddities,
        } = Tags::of(text);
        let mut read = Self {
            id: None,
            errors,
            oddities,
        };
        match tags.first() {
            Some(first) if first.is("v") && first.value == b"STSv1" => {}
            _ => {
                let what = "it does not begin with v=STSv1";
                read.errors.push(Fault::new(0, what, text));
            }
        }
        match tags.iter().find(|tag| tag.is("id")) {
            None => {
                let what = "it has no id";
                read.errors.push(Fault::new(text.len(), what, b""));
            }
            Some(id) => {
                let fits = (1..=Self::ID).contains(&id.value.len());
                if !fits || !id.value.iter().all(u8::is_ascii_alphanumeric) {
                    let what = "the id is not of 1 to 32 letters and digits";
                    read.errors.push(id.fault(what));
                }
                read.id = Some(id.text());
            }
        }
        read
    }
}

/// The policy itself: the text at `https://mta-sts.DOMAIN/.well-known/mta-sts.txt` (RFC 8461 section 3.2).
///
/// ```
/// use mx_check::records::mta_sts::Policy;
///
/// let read = Policy::parse(b"version: STSv1\nmode: enforce\nmx: *.example.org\nmax_age: 604800\n");
/// assert!(read.errors.is_empty());
/// assert!(read.to_mta_sts().is_some_and(|policy| policy.lists("mx1.example.org")));
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Policy {
    /// How much it is to be held to.
    pub mode: Option<PolicyMode>,
    /// Which hosts take the domain's mail.
    pub mx: Vec<MxPattern>,
    /// How long senders keep it.
    pub max_age: Option<Duration>,
    /// Keys that are not known, with what they say.
    pub extensions: Vec<(String, String)>,
    /// Why senders pass it over.
    pub errors: Vec<Fault>,
    /// What is passed over in it.
    pub oddities: Vec<Fault>,
}

impl Policy {
    /// The longest that senders keep a policy: a year.
    pub const MAX_AGE: Duration = Duration::from_secs(31_557_600);

    /// More lines than any policy has.
    const LINES: usize = 1024;

    /// Reads the text.
    pub fn parse(text: &[u8]) -> Self {
        let mut read = Self::default();
        let mut seen = Vec::new();
        let mut at = 0;
        for (number, line) in text.split_inclusive(|octet| *octet == b'\n').enumerate() {
            if number == Self::LINES {
                let what = "there are more lines than are read";
                read.errors.push(Fault::new(at, what, line));
                break;
            }
            read.line(at, line.trim_ascii_end(), &mut seen);
            at += line.len();
        }
        if !seen.iter().any(|key| key == "version") {
            read.lacks("there is no version");
        }
        if read.mode.is_none() && !seen.iter().any(|key| key == "mode") {
            read.lacks("there is no mode");
        }
        if read.max_age.is_none() && !seen.iter().any(|key| key == "max_age") {
            read.lacks("there is no max_age");
        }
        let wants_mx = read.mode.is_some_and(|mode| mode != PolicyMode::None);
        if wants_mx && read.mx.is_empty() {
            read.lacks("there is no mx that can be read");
        }
        read
    }

    fn lacks(&mut self, what: &'static str) {
        self.errors.push(Fault::new(0, what, b""));
    }

    fn line(&mut self, at: usize, line: &[u8], seen: &mut Vec<String>) {
        if line.is_empty() {
            return;
        }
        let Ok((_, (key, value))) = pair(line) else {
            let what = "it is no key with a value";
            self.errors.push(Fault::new(at, what, line));
            return;
        };
        let key = String::from_utf8_lossy(key).into_owned();
        let value = value.trim_ascii();
        // RFC 8461 section 3.2: of what is there twice, the first counts; but every mx does.
        if key != "mx" && seen.contains(&key) {
            let what = "the key is there twice; the first counts";
            self.oddities.push(Fault::new(at, what, line));
            return;
        }
        if let Err(what) = self.keep(&key, value) {
            self.errors.push(Fault::new(at, what, line));
        }
        seen.push(key);
    }

    fn keep(&mut self, key: &str, value: &[u8]) -> Result<(), &'static str> {
        let text = String::from_utf8_lossy(value);
        match key {
            "version" if value != b"STSv1" => return Err("the version is not STSv1"),
            "version" => {}
            "mode" => {
                let modes = [PolicyMode::Enforce, PolicyMode::None, PolicyMode::Testing];
                let mode = modes.into_iter().find(|mode| mode.as_str() == text);
                self.mode = Some(mode.ok_or("there is no such mode")?);
            }
            "max_age" if is_number(value, 10) => {
                let age = Duration::from_secs(text.parse().unwrap_or(u64::MAX));
                self.max_age = Some(age);
                if age > Self::MAX_AGE {
                    return Err("nothing may be kept for longer than a year, 31557600 seconds");
                }
            }
            "max_age" => return Err("it is no number of seconds"),
            "mx" => {
                let pattern = text.parse();
                self.mx
                    .push(pattern.map_err(|_| "it is no host name, nor one below *.")?);
            }
            _ => self.extensions.push((key.to_owned(), text.into_owned())),
        }
        Ok(())
    }

    /// As connections are held to it; `None` where senders pass it over.
    pub fn to_mta_sts(&self) -> Option<MtaSts> {
        let (mode, max_age) = (self.mode?, self.max_age?);
        let policy = MtaSts::new(mode, self.mx.iter().cloned()).with_max_age(max_age);
        self.errors.is_empty().then_some(policy)
    }
}

/// sts-policy-field = sts-policy-field-name ":" *WSP value
fn pair(line: &[u8]) -> IResult<&[u8], (&[u8], &[u8])> {
    let is_key = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'_' | b'-' | b'.');
    let colon = delimited(space0, tag(":"), space0);
    separated_pair(take_while1(is_key), colon, rest).parse(line)
}
