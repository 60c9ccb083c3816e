//! Where reports are sent: the addresses of DMARC and TLS-RPT.

use core::fmt;

use nom::bytes::complete::{is_not, tag_no_case};
use nom::character::complete::{char, digit1, one_of};
use nom::combinator::{all_consuming, opt};
use nom::{IResult, Parser};
use probe_core::HostName;

/// One address that reports are sent to.
///
/// ```
/// use mx_check::records::ReportUri;
///
/// let uri = ReportUri::parse("mailto:dmarc@example.org!10m");
/// assert_eq!(uri.domain().map(ToString::to_string).as_deref(), Some("example.org"));
/// assert_eq!(uri.limit, Some(10_485_760));
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReportUri {
    /// As it stands in the record.
    pub text: String,
    /// By which way.
    pub scheme: Scheme,
    /// So many octets are taken at most (RFC 7489 section 6.2); RFC 9989 knows no limit any more.
    pub limit: Option<u64>,
}

/// By which way a report is sent.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Scheme {
    /// Posted to a web server.
    Https,
    /// By mail, to a mailbox of this domain.
    Mailto(HostName),
    /// By none that is known, or the address is none.
    Other,
}

impl ReportUri {
    /// Reads one address.
    pub fn parse(text: &str) -> Self {
        let (address, limit) = limited(text);
        let scheme = match (mailto(address), https(address)) {
            (Ok((_, domain)), _) => domain.parse().map_or(Scheme::Other, Scheme::Mailto),
            (_, Ok(_)) => Scheme::Https,
            _ => Scheme::Other,
        };
        Self {
            text: text.to_owned(),
            scheme,
            limit,
        }
    }

    /// The domain whose mailbox takes the reports.
    pub const fn domain(&self) -> Option<&HostName> {
        match &self.scheme {
            Scheme::Mailto(domain) => Some(domain),
            Scheme::Https | Scheme::Other => None,
        }
    }
}

impl fmt::Display for ReportUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// URI [ "!" 1*DIGIT [ "k" / "m" / "g" / "t" ] ]
fn limited(text: &str) -> (&str, Option<u64>) {
    let Some((address, limit)) = text.rsplit_once('!') else {
        return (text, None);
    };
    match size(limit) {
        Ok((_, (digits, unit))) => {
            let power = match unit.map(|unit| unit.to_ascii_lowercase()) {
                None => 0,
                Some('k') => 10,
                Some('m') => 20,
                Some('g') => 30,
                Some(_) => 40,
            };
            let number = digits.parse().unwrap_or(u64::MAX);
            (address, Some(number.saturating_mul(1 << power)))
        }
        Err(_) => (text, None),
    }
}

fn size(text: &str) -> IResult<&str, (&str, Option<char>)> {
    all_consuming((digit1, opt(one_of("kmgtKMGT")))).parse(text)
}

/// The domain of `mailto:local@domain`, whatever headers follow (RFC 6068).
fn mailto(text: &str) -> IResult<&str, &str> {
    let (rest, _) = tag_no_case("mailto:").parse(text)?;
    let (rest, _) = is_not("@?,; ").parse(rest)?;
    let (rest, _) = char('@').parse(rest)?;
    is_not("@?,; ").parse(rest)
}

fn https(text: &str) -> IResult<&str, &str> {
    let (rest, _) = tag_no_case("https://").parse(text)?;
    is_not("/?#, ").parse(rest)
}
