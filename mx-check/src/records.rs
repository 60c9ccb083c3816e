//! The records of mail policy, as they stand in TXT: each a parser, and what it makes of the text.
//!
//! A parser takes any octets and always comes back. What a receiver would refuse is told in `errors`, what it would
//! pass over in `oddities`; both say what it is, and where.

use core::fmt;

use probe_core::printable;

pub mod bimi;
pub mod dkim;
pub mod dmarc;
pub mod mta_sts;
pub mod spf;
mod tags;
pub mod tls_rpt;
mod uri;

pub use uri::{ReportUri, Scheme};

/// Something in a record that does not belong there, or is not there although it should be.
///
/// ```
/// use mx_check::records::spf::Spf;
///
/// let read = Spf::parse(b"v=spf1 ipv4:192.0.2.1 -all");
/// assert_eq!(read.errors[0].to_string(), "there is no such mechanism: ipv4:192.0.2.1 (at octet 7)");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Fault {
    /// At which octet of the record, from 0.
    pub at: usize,
    /// What is the matter.
    pub what: &'static str,
    /// What stands there, as people can read it; cut off where it is long.
    pub text: String,
}

impl Fault {
    /// So many octets of the record are repeated.
    const TEXT: usize = 80;

    pub(crate) fn new(at: usize, what: &'static str, text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        let shown = text.get(..Self::TEXT).unwrap_or(text);
        Self {
            at,
            what,
            text: printable(shown),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.text.is_empty() {
            true => f.write_str(self.what),
            false => write!(f, "{}: {} (at octet {})", self.what, self.text, self.at),
        }
    }
}

/// Whether a text begins with this version and then ends, or goes on with something else than the version's word.
fn begins_with(text: &[u8], version: &str) -> bool {
    let Some((start, rest)) = text.split_at_checked(version.len()) else {
        return false;
    };
    let goes_on = rest.first().is_some_and(u8::is_ascii_alphanumeric);
    start.eq_ignore_ascii_case(version.as_bytes()) && !goes_on
}
