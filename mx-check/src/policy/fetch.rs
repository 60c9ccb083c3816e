//! Fetching an MTA-STS policy (RFC 8461 section 3.3): the only place here that waits. No redirect is followed, the
//! certificate must be valid for the policy host, and what comes must be plain text of a decent size.

use probe_core::{Failure, HostName};
use probe_net::Log;
use probe_net::http::{Client, Redirects, Request, Response, Url, UrlError};

use crate::records::mta_sts::Policy;

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PolicyFetch {
    /// From where.
    pub url: String,
    /// What came.
    pub fetched: Fetched,
    /// The text, as far as it came.
    pub text: Vec<u8>,
}

/// What came of asking for a policy.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Fetched {
    /// Nothing, or not all of it.
    Failed(Failure),
    /// Something that is not called plain text, but this.
    NotText(String, Policy),
    /// A policy, be it a bad one.
    Policy(Policy),
    /// A redirect to there, which nobody follows.
    Redirected(u16, String),
    /// Something else than a page, by its status.
    Status(u16),
    /// A page, from somebody whose certificate is not valid for the name.
    Unverified(String),
}

impl Fetched {
    /// The policy, if senders take it.
    pub const fn policy(&self) -> Option<&Policy> {
        match self {
            // RFC 8461 section 3.2: the type is to be looked at, and most senders do not.
            Self::NotText(_, policy) | Self::Policy(policy) => Some(policy),
            _ => None,
        }
    }
}

/// The most octets that are read of a policy (RFC 8461 section 3.3 proposes this).
pub(crate) const LIMIT: usize = 64 * 1024;

/// Where a domain's policy is.
///
/// # Errors
/// The name would be too long.
pub fn policy_url(domain: &HostName) -> Result<Url, UrlError> {
    format!("https://mta-sts.{domain}/.well-known/mta-sts.txt").parse()
}

/// Fetches the policy from there, with a client that needs nothing but to reach it.
pub async fn fetch(client: Client, url: Url, log: &mut Log) -> PolicyFetch {
    let mut client = client.following(Redirects::None).with_body_limit(LIMIT);
    let shown = url.to_string();
    let asked = client.send(&Request::get(url), log).await;
    let (fetched, text) = match asked {
        Ok(response) => (fetched(&response), response.body),
        Err(failure) => (Fetched::Failed(failure), Vec::new()),
    };
    PolicyFetch {
        url: shown,
        fetched,
        text,
    }
}

fn fetched(response: &Response) -> Fetched {
    match &response.tls {
        None => return Fetched::Unverified("it came without TLS".to_owned()),
        Some(tls) if !tls.is_verified() => {
            let faults: Vec<_> = tls.faults.iter().map(ToString::to_string).collect();
            return Fetched::Unverified(faults.join(", "));
        }
        Some(_) => {}
    }
    match response.status {
        200 => {}
        status @ 300..=399 => {
            let to = response.header("location").unwrap_or_default();
            return Fetched::Redirected(status, to.into_owned());
        }
        status => return Fetched::Status(status),
    }
    match response.whole() {
        Err(failure) => Fetched::Failed(failure),
        Ok(text) => {
            let policy = Policy::parse(text);
            let kind = response.header("content-type").unwrap_or_default();
            let bare = kind.split(';').next().unwrap_or_default().trim();
            match bare.eq_ignore_ascii_case("text/plain") {
                true => Fetched::Policy(policy),
                false => Fetched::NotText(kind.into_owned(), policy),
            }
        }
    }
}
