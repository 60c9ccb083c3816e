//! What one server made of the question for a domain, whichever protocol it speaks.

use std::time::Duration;

use super::facts::{Registration, Source};
use super::{rdap, whois};

/// What a server answered.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Answer {
    /// The domain is registered.
    Found(Box<Registration>),
    /// It is registered with nobody.
    NotFound,
    /// We asked too often, and may come back after this.
    TooOften(Option<Duration>),
    /// It makes no sense, or the server will not say, for this reason.
    Unusable(String),
}

impl Answer {
    /// What a response of RDAP says: its status, when it wants to be asked again, and its body (RFC 7480 section 5, RFC
    /// 9083).
    pub fn of_rdap(
        source: Source,
        status: u16,
        retry_after: Option<Duration>,
        body: &[u8],
    ) -> Self {
        rdap::read(source, status, retry_after, body)
    }

    /// What an answer of WHOIS says (RFC 3912), which has no form of its own.
    pub fn of_whois(source: Source, bytes: &[u8]) -> Self {
        whois::read(source, bytes)
    }
}
