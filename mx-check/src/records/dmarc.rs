//! What receivers are to do with mail that fails a domain's checks: DMARC (RFC 9989 section 4.7; RFC 7489 section 6.3
//! before it). Where the record is looked for is not told here.

use core::fmt;

use super::tags::{Tag, Tags, is_number, words};
use super::{Fault, ReportUri, Scheme, begins_with};

/// A DMARC policy record.
///
/// ```
/// use mx_check::records::dmarc::{Dmarc, Disposition};
///
/// let read = Dmarc::parse(b"v=DMARC1; p=reject; sp=none; rua=mailto:dmarc@example.org");
/// assert_eq!(read.disposition(), Some(Disposition::Reject));
/// assert_eq!(read.of_subdomains(), Some(Disposition::None));
/// assert_eq!(read.to_string(), "v=DMARC1; p=reject; sp=none; rua=mailto:dmarc@example.org");
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Dmarc {
    /// What to do with failing mail of the domain (`p`).
    pub policy: Option<Disposition>,
    /// The same for names below it that there are (`sp`).
    pub subdomain_policy: Option<Disposition>,
    /// The same for names below it that there are not (`np`).
    pub nonexistent_policy: Option<Disposition>,
    /// Whether the signing domain must be the very same (`adkim`).
    pub dkim_alignment: Alignment,
    /// Whether the sender's domain must be the very same (`aspf`).
    pub spf_alignment: Alignment,
    /// Whether it is a public suffix, or certainly none (`psd`).
    pub public_suffix: PublicSuffix,
    /// Whether the policy is only tried (`t`): then each step is one milder.
    pub is_test: bool,
    /// What is reported of failures (`fo`), as it stands there.
    pub failure_options: Option<String>,
    /// Where summaries are sent (`rua`).
    pub rua: Vec<ReportUri>,
    /// Where failures are sent (`ruf`).
    pub ruf: Vec<ReportUri>,
    /// For how much of the mail (`pct`), which RFC 9989 has taken out.
    pub percent: Option<u8>,
    /// Tags that are not known, or no longer, as they stand there.
    pub others: Vec<(String, String)>,
    /// Why receivers pass it over.
    pub errors: Vec<Fault>,
    /// What is passed over in it.
    pub oddities: Vec<Fault>,
}

/// What to do with mail that fails (RFC 9989 section 4.7).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[allow(clippy::exhaustive_enums, reason = "the RFC has these three")]
pub enum Disposition {
    /// Nothing.
    None,
    /// Put it aside.
    Quarantine,
    /// Refuse it.
    Reject,
}

impl Disposition {
    /// The name in a record.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Quarantine => "quarantine",
            Self::Reject => "reject",
        }
    }

    /// All of them.
    const ALL: [Self; 3] = [Self::None, Self::Quarantine, Self::Reject];

    /// One step milder: what is done while the policy is tried (RFC 9989 section 4.7, `t`).
    const fn milder(self) -> Self {
        match self {
            Self::None | Self::Quarantine => Self::None,
            Self::Reject => Self::Quarantine,
        }
    }
}

/// How alike two domains must be.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the RFC has these two")]
pub enum Alignment {
    /// They share the organisational domain.
    #[default]
    Relaxed,
    /// They are the same.
    Strict,
}

/// What a record says of its place above or below registrations (RFC 9989 section 4.7, `psd`).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "the RFC has these three")]
pub enum PublicSuffix {
    /// It is none, but an organisational domain.
    No,
    /// That is to be found out.
    #[default]
    Unsaid,
    /// It is one.
    Yes,
}

impl Dmarc {
    /// Whether a text at `_dmarc` is such a record, be it a bad one: dmarc-version = "v" *WSP "=" *WSP "DMARC1".
    pub fn is_one(text: &[u8]) -> bool {
        let read = Tags::of(text);
        let first = read.tags.first();
        first.is_some_and(|tag| tag.is("v") && begins_with(tag.value, "DMARC1"))
    }

    /// Reads the record.
    pub fn parse(text: &[u8]) -> Self {
        let Tags {
            tags,
            errors,
            oddities,
        } = Tags::of(text);
        let mut read = Self {
            errors,
            oddities,
            ..Self::default()
        };
        match tags.first() {
            Some(first) if first.is("v") && first.value == b"DMARC1" => {
                let behind = tags.get(1);
                // RFC 7489 section 6.3 wanted it there; RFC 9989 does not.
                if behind.is_some_and(|tag| !tag.is("p")) && tags.iter().any(|tag| tag.is("p")) {
                    let what = "p does not come right behind v, as older receivers want it";
                    read.oddities.push(Fault::new(first.at, what, b"v=DMARC1"));
                }
            }
            _ => {
                let what = "it does not begin with v=DMARC1";
                read.errors.push(Fault::new(0, what, text));
            }
        }
        let mut is_policy_bad = false;
        for tag in tags.iter().skip(1) {
            is_policy_bad |= !read.tag(tag);
        }
        let lacks_policy = read.policy.is_none();
        if lacks_policy || is_policy_bad {
            read.without_policy(text.len(), lacks_policy);
        }
        read
    }

    /// RFC 9989 section 4.7: whoever wants reports has a policy that does nothing; whoever wants none has no policy.
    fn without_policy(&mut self, at: usize, lacks_policy: bool) {
        let is_valid = |uri: &ReportUri| uri.scheme != Scheme::Other;
        match self.rua.iter().any(is_valid) {
            true if lacks_policy => {
                let what = "it has no policy that can be read (p), which counts as p=none";
                self.oddities.push(Fault::new(at, what, b""));
            }
            true => {
                let what = "of its policies one cannot be read, which counts as p=none";
                self.oddities.push(Fault::new(at, what, b""));
            }
            false => {
                let what = "it has no policy that can be read (p), and nobody to report to (rua)";
                self.errors.push(Fault::new(at, what, b""));
            }
        }
        self.policy = None;
        self.subdomain_policy = None;
        self.nonexistent_policy = None;
    }

    /// Reads one tag. Whether it is anything but a bad policy.
    fn tag(&mut self, tag: &Tag<'_>) -> bool {
        let text = tag.text();
        match tag.name.to_ascii_lowercase().as_str() {
            "p" => return self.disposition_of(tag, |read| &mut read.policy),
            "sp" => return self.disposition_of(tag, |read| &mut read.subdomain_policy),
            "np" => return self.disposition_of(tag, |read| &mut read.nonexistent_policy),
            "adkim" => self.dkim_alignment = self.alignment_of(tag),
            "aspf" => self.spf_alignment = self.alignment_of(tag),
            "psd" => match text.to_ascii_lowercase().as_str() {
                "y" => self.public_suffix = PublicSuffix::Yes,
                "n" => self.public_suffix = PublicSuffix::No,
                "u" => {}
                _ => self.odd(tag, "psd is y, n or u"),
            },
            "t" => match text.to_ascii_lowercase().as_str() {
                "y" => self.is_test = true,
                "n" => {}
                _ => self.odd(tag, "t is y or n"),
            },
            "fo" => {
                let is_known = |word: &String| matches!(word.as_str(), "0" | "1" | "d" | "s");
                if !words(tag.value, b':').iter().all(is_known) {
                    self.odd(tag, "fo is of 0, 1, d and s");
                }
                self.failure_options = Some(text);
            }
            "rua" => self.rua = self.uris_of(tag),
            "ruf" => self.ruf = self.uris_of(tag),
            "pct" => self.percent_of(tag),
            "rf" | "ri" => self.historic(tag),
            _ => {
                self.odd(tag, "the tag is not known");
                self.others.push((tag.name.to_owned(), text));
            }
        }
        true
    }

    fn odd(&mut self, tag: &Tag<'_>, what: &'static str) {
        self.oddities.push(tag.fault(what));
    }

    fn historic(&mut self, tag: &Tag<'_>) {
        self.odd(tag, "RFC 9989 has taken the tag out");
        self.others.push((tag.name.to_owned(), tag.text()));
    }

    fn percent_of(&mut self, tag: &Tag<'_>) {
        self.odd(tag, "RFC 9989 has taken the tag out");
        let number = tag.text().parse().ok().filter(|number| *number <= 100);
        match number.filter(|_| is_number(tag.value, 3)) {
            None => self.odd(tag, "pct is a number up to 100"),
            number => self.percent = number,
        }
    }

    fn disposition_of(
        &mut self,
        tag: &Tag<'_>,
        field: impl FnOnce(&mut Self) -> &mut Option<Disposition>,
    ) -> bool {
        let text = tag.text();
        let mut all = Disposition::ALL.into_iter();
        let found = all.find(|one| text.eq_ignore_ascii_case(one.as_str()));
        if found.is_none() {
            self.odd(tag, "a policy is none, quarantine or reject");
        }
        *field(self) = found;
        found.is_some()
    }

    fn alignment_of(&mut self, tag: &Tag<'_>) -> Alignment {
        match tag.value {
            b"s" | b"S" => Alignment::Strict,
            b"r" | b"R" => Alignment::Relaxed,
            _ => {
                self.odd(tag, "an alignment is r or s");
                Alignment::Relaxed
            }
        }
    }

    fn uris_of(&mut self, tag: &Tag<'_>) -> Vec<ReportUri> {
        let words = words(tag.value, b',');
        let uris: Vec<_> = words.iter().map(|word| ReportUri::parse(word)).collect();
        for uri in &uris {
            if !matches!(uri.scheme, Scheme::Mailto(_)) {
                let what = "reports go to mailto: only";
                self.oddities.push(Fault::new(tag.at, what, &uri.text));
            }
        }
        uris
    }

    /// What is to be done with the domain's own mail; `None` where the record is passed over.
    pub fn disposition(&self) -> Option<Disposition> {
        let is_in_force = self.errors.is_empty();
        is_in_force.then(|| self.policy.unwrap_or(Disposition::None))
    }

    /// What is to be done with mail of names below it that there are.
    pub fn of_subdomains(&self) -> Option<Disposition> {
        let own = self.disposition()?;
        Some(self.subdomain_policy.unwrap_or(own))
    }

    /// What is to be done with mail of names below it that there are not.
    pub fn of_nonexistent(&self) -> Option<Disposition> {
        let known = self.of_subdomains()?;
        Some(self.nonexistent_policy.unwrap_or(known))
    }

    /// What receivers make of a disposition: milder while it is tried, be it by `t` or by a `pct` of 0.
    pub const fn in_effect(&self, wanted: Disposition) -> Disposition {
        match self.is_test || matches!(self.percent, Some(0)) {
            true => wanted.milder(),
            false => wanted,
        }
    }
}

/// As it would stand in a record; what the defaults are is not said.
impl fmt::Display for Dmarc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("v=DMARC1")?;
        let policies = [
            ("p", self.policy),
            ("sp", self.subdomain_policy),
            ("np", self.nonexistent_policy),
        ];
        for (name, policy) in policies {
            if let Some(policy) = policy {
                write!(f, "; {name}={}", policy.as_str())?;
            }
        }
        for (name, alignment) in [("adkim", self.dkim_alignment), ("aspf", self.spf_alignment)] {
            if alignment == Alignment::Strict {
                write!(f, "; {name}=s")?;
            }
        }
        match self.public_suffix {
            PublicSuffix::No => f.write_str("; psd=n")?,
            PublicSuffix::Unsaid => {}
            PublicSuffix::Yes => f.write_str("; psd=y")?,
        }
        if self.is_test {
            f.write_str("; t=y")?;
        }
        if let Some(options) = &self.failure_options {
            write!(f, "; fo={options}")?;
        }
        for (name, uris) in [("rua", &self.rua), ("ruf", &self.ruf)] {
            let uris: Vec<_> = uris.iter().map(ToString::to_string).collect();
            if !uris.is_empty() {
                write!(f, "; {name}={}", uris.join(","))?;
            }
        }
        if let Some(percent) = self.percent {
            write!(f, "; pct={percent}")?;
        }
        let mut others = self.others.iter();
        others.try_for_each(|(name, value)| write!(f, "; {name}={value}"))
    }
}
