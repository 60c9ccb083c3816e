//! What we ask: where, how, and on which way we came there.

use core::fmt;

use probe_core::{HostName, Phase};
use probe_net::http::{Method, Request, RequestError, Url};
use probe_net::sasl::Credentials;

use super::options::Address;
use crate::command::percent;

/// The ways on which devices look for ActiveSync, in this order.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Way {
    /// Autodiscover's first version, at the domain itself and at `autodiscover.` beneath it.
    V1,
    /// The same where a redirect in clear sends us.
    Redirect,
    /// The same at the host that the domain's SRV record names.
    Srv,
    /// Its second version, which answers without credentials.
    V2,
    /// No Autodiscover: the hosts where ActiveSync often is.
    Guess,
}

impl Way {
    /// A name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::Redirect => "redirect",
            Self::Srv => "srv",
            Self::V2 => "v2",
            Self::Guess => "guess",
        }
    }

    /// Whether it is a way to Autodiscover's first version.
    pub const fn is_v1(self) -> bool {
        matches!(self, Self::V1 | Self::Redirect | Self::Srv)
    }

    /// What the time until the head of an answer is booked to.
    pub(super) const fn phase(self) -> Phase {
        match self {
            Self::V1 => Phase::new("autodiscover-v1"),
            Self::Redirect => Phase::new("autodiscover-redirect"),
            Self::Srv => Phase::new("autodiscover-srv"),
            Self::V2 => Phase::new("autodiscover-v2"),
            Self::Guess => Phase::new("autodiscover-guess"),
        }
    }
}

/// What is asked for.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Asked {
    /// Whether whoever answers in clear sends us to where it is safe.
    Clear(Url),
    /// The second version of Autodiscover.
    Json(Url),
    /// What an ActiveSync server says of itself.
    Options(Url),
    /// The first version of Autodiscover, for devices.
    Post(Url),
    /// The SRV records of this domain (\[MS-OXDISCO\] section 3.1.5.5).
    Records(HostName),
}

impl Asked {
    /// Which page.
    pub const fn url(&self) -> Option<&Url> {
        match self {
            Self::Clear(url) | Self::Json(url) | Self::Options(url) | Self::Post(url) => Some(url),
            Self::Records(_) => None,
        }
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clear(url) | Self::Json(url) => write!(f, "GET {url}"),
            Self::Options(url) => write!(f, "OPTIONS {url}"),
            Self::Post(url) => write!(f, "POST {url}"),
            Self::Records(domain) => write!(f, "SRV _autodiscover._tcp.{domain}"),
        }
    }
}

/// One question.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub struct Question {
    /// On which way we came to it.
    pub way: Way,
    /// What is asked for.
    pub asked: Asked,
    /// Whose mailbox is looked for.
    pub address: Address,
    /// Whether credentials are shown.
    pub is_identified: bool,
    /// Whether the domain itself led here, over TLS that verified.
    pub is_proven: bool,
}

impl Question {
    /// Where the first version is (\[MS-OXDISCO\] section 3.1.5.1).
    pub(super) const V1: &'static str = "/Autodiscover/Autodiscover.xml";

    /// Where the second version is.
    pub(super) fn v2(address: &Address) -> String {
        let address = percent(address.as_str());
        format!("/autodiscover/autodiscover.json?Email={address}&Protocol=ActiveSync")
    }

    /// The request, if it is one.
    ///
    /// # Errors
    /// The credentials are none that a header can carry.
    pub fn request(
        &self,
        credentials: Option<&Credentials>,
    ) -> Result<Option<Request>, RequestError> {
        let request = match &self.asked {
            Asked::Records(_) => return Ok(None),
            Asked::Clear(url) => Request::get(url.clone()),
            Asked::Json(url) => {
                Request::get(url.clone()).with_header("accept", "application/json")?
            }
            Asked::Options(url) => Request::new(Method::Options, url.clone()),
            Asked::Post(url) => Request::post(url.clone(), self.body())
                .with_header("content-type", "text/xml; charset=utf-8")?,
        };
        let request = request.in_phase(self.way.phase());
        match credentials.filter(|_| self.is_identified) {
            Some(credentials) => Ok(Some(request.with_credentials(credentials)?)),
            None => Ok(Some(request)),
        }
    }

    /// What a device says (\[MS-ASCMD\] section 2.2.1.1.1).
    fn body(&self) -> String {
        const SCHEMAS: &str = "http://schemas.microsoft.com/exchange/autodiscover/mobilesync";
        let address = escaped(self.address.as_str());
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
            <Autodiscover xmlns=\"{SCHEMAS}/requestschema/2006\"><Request>\
            <EMailAddress>{address}</EMailAddress>\
            <AcceptableResponseSchema>{SCHEMAS}/responseschema/2006</AcceptableResponseSchema>\
            </Request></Autodiscover>"
        )
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_breaks_neither_a_query_nor_a_page() {
        let address: Address = "a&b=c%d@example.org".parse().unwrap();
        assert_eq!(
            Question::v2(&address),
            "/autodiscover/autodiscover.json?Email=a%26b%3Dc%25d%40example.org&Protocol=ActiveSync"
        );
        let url = "https://example.org/Autodiscover/Autodiscover.xml";
        let question = Question {
            way: Way::V1,
            asked: Asked::Post(url.parse().unwrap()),
            address,
            is_identified: false,
            is_proven: true,
        };
        let body = question.body();
        assert!(body.contains("<EMailAddress>a&amp;b=c%d@example.org</EMailAddress>"));
        assert!(roxmltree::Document::parse(&body).is_ok());
    }
}
