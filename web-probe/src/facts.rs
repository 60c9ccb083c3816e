//! What we learn of a webmail: plain data, and how it is written out.

use core::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use probe_core::{Facts, Metric, Record, Unit};
use probe_net::http::{Challenge, Url};
use probe_net::tls::TlsFacts;

use crate::product::Product;
use crate::reply::Hsts;

/// Everything that asking for a login page showed.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct WebmailFacts {
    /// The address that was spoken with last.
    pub address: Option<SocketAddr>,
    /// What the first TLS handshake showed, also if it failed.
    pub tls: Option<Arc<TlsFacts>>,
    /// The places from which we were sent on, in this order.
    pub hops: Vec<Hop>,
    /// Why we did not go where we were sent.
    pub detour: Option<Detour>,
    /// The page where that ended.
    pub page: Option<Shown>,
}

/// Where we were sent on, and went.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Hop {
    /// The place that sent us on.
    pub from: Url,
    /// Its status: 200 where the page itself sends on.
    pub status: u16,
}

/// A way that we were sent, and did not go.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Detour {
    /// From TLS to clear.
    InClear(Url),
    /// To another host, which was not allowed.
    Elsewhere(Url),
    /// On and on.
    Endless(Url),
    /// To what is no address of a page.
    Nowhere(String),
}

/// A page, and what it says.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Shown {
    /// Where it is.
    pub url: Url,
    /// Its status (RFC 9110 section 15).
    pub status: u16,
    /// How many octets it has.
    pub octets: u64,
    /// Its title.
    pub title: Option<String>,
    /// Whose page it is, if it has the marks of a webmail that we know.
    pub product: Option<Product>,
    /// Which version that says it is.
    pub version: Option<String>,
    /// What else it says of itself and its server: `Apache/2.4.57`.
    pub software: Vec<String>,
    /// Whether one can log in there.
    pub login: Login,
    /// Why it is no login page, as far as that shows.
    pub trouble: Option<Trouble>,
    /// Whether the expected text is in it, if there is one.
    pub contains: Option<bool>,
    /// What it promises about TLS.
    pub hsts: Option<Hsts>,
    /// When it wants to be asked again.
    pub retry_after: Option<Duration>,
    /// How the web server itself wants to be shown who asks.
    pub challenges: Vec<Challenge>,
}

/// Whether a page has a login form.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Login {
    /// It asks for a password, and posts it to there.
    Form(Url),
    /// It has none.
    #[default]
    Missing,
    /// It has none because a script draws it.
    Scripted,
}

impl Login {
    /// The name in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Form(_) => "form",
            Self::Missing => "missing",
            Self::Scripted => "scripted",
        }
    }
}

/// Why a page is no login page.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Trouble {
    /// The web server shows a page of its own: nothing is installed there. This is its title.
    Default(String),
    /// An application says that it is broken, in these words.
    Error(String),
    /// It is being worked on, as these words say.
    Maintenance(String),
}

impl Trouble {
    /// The words that show it.
    pub fn words(&self) -> &str {
        match self {
            Self::Default(words) | Self::Error(words) | Self::Maintenance(words) => words,
        }
    }

    /// The name in JSON.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Default(_) => "default-page",
            Self::Error(_) => "error",
            Self::Maintenance(_) => "maintenance",
        }
    }
}

impl Facts for WebmailFacts {
    fn record(&self, out: &mut Record) {
        record_address(self.address, out);
        if let Some(tls) = &self.tls {
            out.tree("tls", |out| tls.record(out));
        }
        out.trees("redirects", &self.hops, |hop, out| {
            out.set("from", hop.from.to_string());
            out.set("status", hop.status);
        });
        if let Some(page) = &self.page {
            out.tree("page", |out| page.record(out));
        }
    }
}

impl Shown {
    fn record(&self, out: &mut Record) {
        out.set("url", self.url.to_string());
        let status = Metric::new("probe_web_status_code", Unit::Count, self.status.into());
        out.metric("status", status);
        let octets = Metric::whole("probe_web_page_bytes", Unit::Bytes, self.octets);
        out.metric("octets", octets);
        out.set("title", self.title.as_deref());
        match self.product {
            Some(product) => {
                let version = self.version.as_deref().unwrap_or_default();
                let info = Metric::info("probe_web_product_info", "product", product.as_str());
                out.label(
                    "product",
                    product.as_str(),
                    info.with_label("version", version),
                );
            }
            None => out.set("product", None::<&str>),
        }
        out.set("version", self.version.as_deref());
        out.set("software", self.software.clone());
        out.set("login", self.login.as_str());
        if let Login::Form(url) = &self.login {
            out.set("posts_to", url.to_string());
        }
        out.set("trouble", self.trouble.as_ref().map(Trouble::as_str));
        out.set("contains", self.contains);
        if let Some(hsts) = self.hsts {
            out.tree("hsts", |out| {
                let metric = Metric::duration("probe_web_hsts_seconds", hsts.max_age);
                out.metric("max_age", metric);
                out.set("with_subdomains", hsts.with_subdomains);
            });
        }
        if let Some(wait) = self.retry_after {
            let metric = Metric::duration("probe_web_retry_after_seconds", wait);
            out.metric("retry_after", metric);
        }
        out.set("challenges", schemes(&self.challenges));
    }
}

pub(crate) fn record_address(address: Option<SocketAddr>, out: &mut Record) {
    if let Some(address) = address {
        out.set("address", address.ip().to_string());
        let protocol = if address.is_ipv4() { 4.0 } else { 6.0 };
        let metric = Metric::new("probe_ip_protocol", Unit::Count, protocol);
        out.metric("ip_protocol", metric);
    }
}

pub(crate) fn schemes(challenges: &[Challenge]) -> Vec<String> {
    let shown = |challenge: &Challenge| match challenge.parameter("realm") {
        Some(realm) => format!("{} realm={realm}", challenge.scheme),
        None => challenge.scheme.clone(),
    };
    challenges.iter().map(shown).collect()
}
